"""What is counted of agent files: the same for ours and others', the better reading where there are two."""

from pathlib import Path

import compare_personas
import pytest
from compare_personas import Counted, counted, longest_shared_run, ours

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "persona.md"
AGAIN = "python tools/compare_personas.py --ours 3.0.0 --page docs/explanation/persona.md"

PLAIN = """---
name: someone
description: Writes Python.
model: opus
---
You know everything since 2024.

- Use aioredis.
1. Be bold.
"""
CAREFUL = """---
name: someone
description: "Writes Python.
  Not for Rust."
tools: Read, Bash
---
Use aioredis no more: `redis.asyncio` took its place.

Run `uv run mypy --strict .` and `pytest`, then `uv audit`:

```bash
ruff check .
echo done
```
"""


def test_a_plain_file_is_counted() -> None:
    found = counted("plain", PLAIN)
    assert found == Counted("plain", 2, 20, 31, 2, False, 0, False, ("aioredis", "2024"), 1)
    assert found.row == "| plain | 2 | 20 | 31 | 2 | no | 0 | no | aioredis, 2024 | 1 |"


def test_a_file_with_limits_and_commands_is_counted() -> None:
    found = counted("careful", CAREFUL)
    assert (found.described, found.limits_tools, found.says_when_not, found.dated) == (5, True, True, ())
    assert (found.items, found.commands) == (0, 4)
    assert " | nothing | " in found.row


@pytest.mark.parametrize(
    ("body", "commands"),
    [
        ("`pytest`", 1),
        ("`pytest` and `pytest`", 1),
        ("`poetry run pytest -q`, `python -m unittest`", 2),
        ("```\n$ tox -e py313\nmake test\n```", 2),
        ("pytest and mypy in prose", 0),
        ("`redis.asyncio`, `pytestmark`, `uv add`, `makefile`", 0),
    ],
)
def test_a_command_is_what_could_be_typed(body: str, commands: int) -> None:
    assert counted("one", f"{body}\n").commands == commands


def test_dashes_are_no_words_of_a_shared_run() -> None:
    assert longest_shared_run("---\nYou are a cook.", "--- you are a - gardener") == (3, "you are a")
    assert longest_shared_run("one two", "three") == (0, "")


def test_the_core_is_part_of_the_whole() -> None:
    whole, core = ours("3.0.0").values()
    assert set(core.splitlines()) < set(whole.splitlines())
    assert "\n## Gate\n" in core and "\n## Python toolkit\n" not in core
    assert list(ours("1.0.0")) == ["python-engineer 1.0.0"]


def test_rows_of_the_same_name_are_replaced_and_others_kept(tmp_path: Path) -> None:
    file, page = tmp_path / "plain.md", tmp_path / "page.md"
    file.write_text(PLAIN)
    page.write_text("# A\n\n| file |\n| --- |\n| plain | 1 |\n| plainer | 2 |\n\nEnd.\n")
    assert compare_personas.main([str(file), "--page", str(page)]) == 0
    assert page.read_text() == f"# A\n\n| file |\n| --- |\n{counted('plain', PLAIN).row}\n| plainer | 2 |\n\nEnd.\n"


def test_a_page_without_the_row_is_left_alone(tmp_path: Path) -> None:
    file, page = tmp_path / "plain.md", tmp_path / "page.md"
    file.write_text(PLAIN)
    page.write_text("| plainer | 2 |\n")
    with pytest.raises(SystemExit, match="no row that begins with `| plain |`".replace("|", r"\|")):
        compare_personas.main([str(file), "--page", str(page)])
    assert page.read_text() == "| plainer | 2 |\n"


def test_the_page_has_our_counts_of_today() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [counted(name, text).row for name, text in ours("3.0.0").items()]
    assert [row for row in rows if row not in lines] == [], f"`{AGAIN}` writes them"
