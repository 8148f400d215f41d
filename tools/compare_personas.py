"""Count what can be counted of agent files, ours and others': `python tools/compare_personas.py FILE...`.

For each file: words and tokens (a quarter of the characters) of the whole file; list items; whether its header limits
tools; commands that can be typed as they stand, in code spans and fences; whether it says what it is not for; retired
libraries named without a successor, and years in its text; how many of the 130 directives it carries
(tests/content/directives.yaml); and the longest run of words that it shares with another of the files.
"""

import re
import sys
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from content.directive_check import missing, read_directives, split_header  # noqa: E402

from agentpack.authoring.retired import names_without_successor  # noqa: E402

_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_COMMAND = re.compile(
    r"(?:^|\s)(?:(?:uv|poetry|pdm|hatch) run |python3? -m )?"
    r"(?:ruff (?:check|format)|mypy|pyright|basedpyright|pyrefly check|ty check|pytest|coverage|bandit|pip-audit"
    r"|uv audit)"
    r"(?: [\w./'=-]+|$)"
)
_NOT_FOR = re.compile(r"\bnot for\b|\bdo not use\b|\bdon't use (?:this|it)\b|\bwhen not\b|\bnot to be used\b", re.I)
_YEAR = re.compile(r"\b20[12]\d(?:/20[12]\d)?\b")
_WORD = re.compile(r"[\w'-]+")


class Counted(NamedTuple):
    """What was counted of one file."""

    name: str
    words: int
    tokens: int
    items: int
    limits_tools: bool
    commands: int
    says_when_not: bool
    dated: tuple[str, ...]
    carries: int


def counted(name: str, text: str) -> Counted:
    """The counts of one file."""
    header, body = split_header(text)
    code = "\n".join(match[1] or match[2] for match in _CODE.finditer(body))
    directives = read_directives()
    return Counted(
        name,
        len(text.split()),
        round(len(text) / 4),
        len(re.findall(r"^\s*(?:[-*+]|\d+[.)]) ", body, re.MULTILINE)),
        re.search(r"^(?:tools|disallowedTools|allowed-tools):\s*\S", header, re.MULTILINE) is not None,
        len({found[0].strip() for found in _COMMAND.finditer(code)}),
        _NOT_FOR.search(text) is not None,
        (*names_without_successor(body), *sorted(set(_YEAR.findall(body)))),
        len(directives) - len(missing(text, directives)),
    )


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


def main(paths: list[str]) -> int:
    """Print the table and the shared runs."""
    texts = {Path(path).stem: Path(path).read_text(encoding="utf-8") for path in paths}
    rows = [counted(name, text) for name, text in texts.items()]
    print("| file | words | tokens | items | limits tools | commands | says when not | dated | carries |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        yes = {True: "yes", False: "no"}
        cells = (
            row.name,
            row.words,
            row.tokens,
            row.items,
            yes[row.limits_tools],
            row.commands,
            yes[row.says_when_not],
        )
        print("| " + " | ".join(map(str, (*cells, ", ".join(row.dated) or "nothing", row.carries))) + " |")
    for one, other in combinations(texts, 2):
        length, run = longest_shared_run(texts[one], texts[other])
        print(f"{one} / {other}: {length} words: {run}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
