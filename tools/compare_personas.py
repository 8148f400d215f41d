"""Count what can be counted of agent files, ours and others': `python tools/compare_personas.py FILE...`.

For each file: words of its description, which the client's own agent reads all the time; words and tokens (a quarter of
the characters) of the whole file; list items; whether its header limits tools; commands of checks in code spans and
fences; whether it says what it is not for; retired libraries named without a successor, and years in its text; how
many of the 130 directives it carries (tests/content/directives.yaml); and the longest run of words that it shares with
another of the files. Where a count could be read in two ways, the file gets the better reading: `pytest` alone in a
code span counts as a command, though it may only name the tool.

`--ours VERSION` adds that release of python-engineer as Claude gets it, and its core: the same without its modules.
`--page PAGE` writes the rows into the table of a page, in place of the rows of the same names, and keeps the others.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from content.directive_check import missing, read_directives, split_header  # noqa: E402
from support.bundled import NAME, composed, pack  # noqa: E402

from agentpack.authoring.retired import names_without_successor  # noqa: E402
from agentpack.authoring.sizes import outside_modules  # noqa: E402
from agentpack.clients import CLIENTS  # noqa: E402
from agentpack.model.persona import Persona  # noqa: E402
from agentpack.render import render  # noqa: E402

_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_COMMAND = re.compile(
    r"^\s*(?:\$ )?(?:(?:uv|poetry|pdm|hatch|pipenv) run |python3? -m )?"
    r"(?:ruff|black|isort|flake8|pylint|mypy|pyright|basedpyright|pyrefly|ty|pytest|unittest|coverage|tox|nox|bandit"
    r"|safety|pip[-_]audit|uv audit|pre-commit|prek|make)(?= |$).*",
    re.MULTILINE,
)
_NOT_FOR = re.compile(
    r"\bnot for\b|\bdo not use\b|\bdon't use (?:this|it)\b|\bwhen not\b|\bnot to be used\b|\bavoid using this\b"
    r"|\bout of scope\b|\bhand (?:back|over)\b|\bskip this\b",
    re.I,
)
_DESCRIPTION = re.compile(r"^description:(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_YEAR = re.compile(r"\b20[12]\d(?:/20[12]\d)?\b")
_WORD = re.compile(r"[\w'-]*\w[\w'-]*")

COLUMNS = (
    "file",
    "always read",
    "words",
    "tokens",
    "items",
    "limits tools",
    "commands",
    "says when not",
    "dated",
    "carries",
)


class Counted(NamedTuple):
    """What was counted of one file."""

    name: str
    described: int
    """Words of the description."""
    words: int
    tokens: int
    items: int
    limits_tools: bool
    commands: int
    says_when_not: bool
    dated: tuple[str, ...]
    carries: int

    @property
    def row(self) -> str:
        """Its row of the table."""
        yes = {True: "yes", False: "no"}
        cells = (*self[:5], yes[self.limits_tools], self.commands, yes[self.says_when_not])
        return "| " + " | ".join(map(str, (*cells, ", ".join(self.dated) or "nothing", self.carries))) + " |"


def counted(name: str, text: str) -> Counted:
    """The counts of one file."""
    header, body = split_header(text)
    code = "\n".join(match[1] or match[2] for match in _CODE.finditer(body))
    directives = read_directives()
    described = _DESCRIPTION.search(header)
    return Counted(
        name,
        len(described[1].split()) if described else 0,
        len(text.split()),
        round(len(text) / 4),
        len(re.findall(r"^\s*(?:[-*+]|\d+[.)]) ", body, re.MULTILINE)),
        re.search(r"^(?:tools|disallowedTools|allowed-tools):\s*\S", header, re.MULTILINE) is not None,
        len({found[0].strip() for found in _COMMAND.finditer(code)}),
        _NOT_FOR.search(text) is not None,
        (*names_without_successor(body), *sorted(set(_YEAR.findall(body)))),
        len(directives) - len(missing(text, directives)),
    )


def ours(version: str) -> dict[str, str]:
    """The texts of a release of ours by name: the whole as Claude gets it, and its core where it has modules."""
    persona = composed(version)
    modules: Mapping[str, str] = pack(version).personas[NAME].header.get("modules") or {}
    core = Persona(persona.name, persona.fields, tuple(outside_modules(persona.sections, modules)))
    wanted = {f"{NAME} {version}": persona} | ({f"{NAME} {version}, core": core} if modules else {})
    texts = {}
    for name, one in wanted.items():
        made = render(one, CLIENTS["claude"], pack=NAME, scope="project", variables={}, models={})
        assert made is not None
        texts[name] = made.content.decode()
    return texts


def longest_shared_run(one: str, other: str) -> tuple[int, str]:
    """The longest run of words that stands in both texts, and the run."""
    words, others = _WORD.findall(one.lower()), _WORD.findall(other.lower())
    before = [0] * (len(others) + 1)
    best, end = 0, 0
    for i, word in enumerate(words):
        row = [0] * (len(others) + 1)
        for j, second in enumerate(others):
            if word == second:
                row[j + 1] = before[j] + 1
                if row[j + 1] > best:
                    best, end = row[j + 1], i + 1
        before = row
    return best, " ".join(words[end - best : end])


def with_rows(page: str, rows: list[Counted]) -> str:
    """The page with these rows in its table, each in place of the one of the same name.

    Raises:
        SystemExit: the table has no row of that name.
    """
    for row in rows:
        start = f"| {row.name} |"
        if f"\n{start}" not in page:
            sys.exit(f"error: the page's table has no row that begins with `{start}`")
        page = "\n".join(row.row if line.startswith(start) else line for line in page.split("\n"))
    return page


def main(words: list[str]) -> int:
    """Print the table and the shared runs, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--ours", metavar="VERSION", help="a release of python-engineer, whole and core")
    parser.add_argument("--page", type=Path, help="the page whose table gets the rows")
    given = parser.parse_args(words)
    own = ours(given.ours) if given.ours else {}
    texts = own | {path.stem: path.read_text(encoding="utf-8") for path in given.files}
    rows = [counted(name, text) for name, text in texts.items()]
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for row in rows:
        print(row.row)
    for one, other in combinations(texts, 2):
        if not {one, other} <= own.keys():
            length, run = longest_shared_run(texts[one], texts[other])
            print(f"{one} / {other}: {length} words: {run}")
    if given.page:
        given.page.write_text(with_rows(given.page.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
