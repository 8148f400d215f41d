"""The documentation says what the program does: blocks run, links resolve, each command is there."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import commands_page
import console_blocks
import pytest
import yaml
from support.effort import THOROUGH
from support.running import Agentpack
from support.warm_program import warm_program
from terminal import Terminal

from agentpack.cli.app import VERBS
from agentpack.commands.bundle import BundledRelease
from agentpack.commands.pack.build import BuiltArchive
from agentpack.commands.source_check import SourceOffer
from agentpack.commands.status import ClientUse, FileStatus, PackStatus
from agentpack.wanted.offers import OfferedAgent, OfferedPack

pytestmark = pytest.mark.untraced
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
PLAYED = [page for page in PAGES if "```console\n" in page.read_text(encoding="utf-8")]
_LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)|src(?:set)?=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.*?)(?: *\{#.*\})?$", re.M)
_FENCE = re.compile(r"^(```+).*?^\1 *$", re.M | re.S)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_with_an_example(verb: str) -> None:
    """The page is what the help says, as the next test holds."""
    page = commands_page.PAGE.read_text(encoding="utf-8")
    text = " ".join(page.split(f"\n## {verb}\n")[1].split("\n## ")[0].split())
    assert f"Example: agentpack {verb}" in text


def test_the_page_of_commands_is_what_the_help_says(request: pytest.FixtureRequest) -> None:
    now = commands_page.page()
    if request.config.getoption("--update"):
        commands_page.PAGE.write_text(now, encoding="utf-8")
    assert commands_page.PAGE.read_text(encoding="utf-8") == now, "run `python tools/commands_page.py`"


@pytest.mark.parametrize("page", PLAYED, ids=name_of)
def test_the_commands_of_a_page_show_what_it_says(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    written = page.read_text(encoding="utf-8")
    if THOROUGH:
        now = console_blocks.rerun(written, Terminal(tmp_path))
    else:
        with warm_program() as programs:
            now = console_blocks.rerun(written, Terminal(tmp_path, programs=programs))
    if request.config.getoption("--update") and now != written:
        page.write_text(now, encoding="utf-8")
        written = now
    assert written == now, "`pytest --update tests/test_docs.py` rewrites what is shown; read the diff"


def test_the_workflow_for_ci_does_what_its_page_says(agentpack: Agentpack, project: Path) -> None:
    text = (DOCS / "how-to/use-in-ci.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)]
    jobs = {name: job for block in blocks for name, job in block.get("jobs", {}).items()}
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    assert {f"| `{name}` |" for name in inputs} <= set(re.findall(r"^\| `\w+` \|", text, re.M))
    called = {job: found for job, found in jobs.items() if "uses" in found}
    assert {job: found.get("with", {}) for job, found in called.items()} == {
        "check": {},
        "upgrade": {},
        "sync": {"command": "sync"},
    }
    for found in called.values():
        path = found["uses"].partition("/agentpack/")[2].partition("@")[0]
        workflow = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
        (job,) = workflow["jobs"].values()
        assert found["permissions"] == job["permissions"]
    steps = jobs["as-locked"]["steps"]
    assert [step["uses"] for step in steps if not re.search("@[0-9a-f]{40}$", step.get("uses", "@" + "0" * 40))] == []
    lines = [line.split() for step in steps for line in step.get("run", "").splitlines()]
    calls = [words[1:] for words in lines if words[0] == "agentpack"]
    assert [call[0] for call in calls] == ["lock", "sync", "sync", "audit"]
    agentpack("install", "python-engineer")
    shutil.rmtree(project / ".agentpack")  # as in a fresh clone
    for call in calls:
        agentpack(*call)
    elsewhere = project / "elsewhere"
    (elsewhere / ".git").mkdir(parents=True)
    for call in calls[:3]:
        agentpack(*call, "--root", str(elsewhere), expect=2)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for match in _LINK.finditer(text):
        link = match[1] or match[2]
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as links have them."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_stands_in_the_index() -> None:
    folder = DOCS / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in sorted(folder.glob("0*.md")) if f"({page.name})" not in index] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = (match[1] or match[2] for match in _LINK.finditer(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links if "://" not in link]
    assert [name_of(page) for page in PAGES if page not in seen] == []


def test_the_architecture_page_names_every_module() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    modules = {
        f"{found.name}/" if found.is_dir() else found.name
        for found in (ROOT / "src" / "agentpack").iterdir()
        if found.suffix == ".py" or (found / "__init__.py").exists()
    }
    assert [name for name in sorted(modules - {"__init__.py"}) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "row",
    [FileStatus, PackStatus, ClientUse, OfferedPack, OfferedAgent, SourceOffer, BuiltArchive, BundledRelease],
)
def test_the_page_of_json_names_every_key(row: type[NamedTuple]) -> None:
    page = (ROOT / "docs/reference/json.md").read_text()
    assert [field for field in row._fields if f"`{field}`" not in page] == []


def test_a_shown_line_that_differs_is_replaced(tmp_path: Path) -> None:
    page = "```console\n$ echo one\ntwo\n$ printf 'a\\nb\\nc\\n'\na\n…\n$ true\n```\n"
    now = "```console\n$ echo one\none\n$ printf 'a\\nb\\nc\\n'\na\n…\n$ true\n```\n"
    assert console_blocks.rerun(page, Terminal(tmp_path)) == now


def test_a_command_that_fails_unseen_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(console_blocks.CommandFailed, match="exit code 3"):
        console_blocks.rerun("```console\n$ (exit 3)\n```\n", Terminal(tmp_path))
