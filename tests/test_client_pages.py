"""The pages about clients say what the adapters do."""

import importlib.util
from pathlib import Path

from client_reading import READINGS

from agentpack.clients import CLIENTS

ROOT = Path(__file__).parent.parent


def test_the_pages_are_current() -> None:
    spec = importlib.util.spec_from_file_location("client_pages", ROOT / "tools" / "client_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = module.pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in module.FOLDER.glob("*.md")}
    assert there == wanted, "`python tools/client_pages.py` writes them"


def test_every_client_has_a_word_on_how_it_reads_limits() -> None:
    differing = READINGS.keys() ^ CLIENTS.keys()
    assert not differing, f"{sorted(differing)}: in only one of `READINGS` of tools/client_reading.py and the clients"


def test_the_readme_counts_the_clients() -> None:
    words = f"[{len(CLIENTS)} clients]("
    assert words in (ROOT / "README.md").read_text(encoding="utf-8"), f"README.md does not say `{words}`"
