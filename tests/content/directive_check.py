"""Which directives of a persona a rendered text carries, judged by terms that must stand close together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Directive = Mapping[str, Any]
"""An entry of `directives.yaml`: `id`, `terms` (regular expressions), and `scope` when only the header counts."""

INVENTORY = Path(__file__).with_name("directives.yaml")
NEIGHBOURS = 3
"""How many list items or paragraphs under one heading are read together."""

_HEADER = re.compile(r"\A---\r?\n(?P<header>.*?)\r?\n---\r?\n", re.DOTALL)
_HEADING = re.compile(
    r"""\s*(?:
        \#{1,6}\s                         # a Markdown heading
        | \*\*[^*]+:?\*\*:?\s*$           # a line in bold
        | \d+\.\s+\*\*[^*]+\*\*:?\s*$     # a numbered line in bold
    )
    | \S.*:\s*$                           # a line that announces what follows
    """,
    re.VERBOSE,
)
_ITEM = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+|\|)")


class Section(NamedTuple):
    heading: str
    units: list[str]
    """Its list items and paragraphs, each on one line."""


@cache
def read_directives(path: Path = INVENTORY) -> list[Directive]:
    """The directives of a file like `directives.yaml`, in its order."""
    directives: list[Directive] = yaml.safe_load(path.read_text(encoding="utf-8"))["directives"]
    return directives


def missing(text: str, directives: Sequence[Directive]) -> list[str]:
    """The ids of the directives that a rendered persona does not carry, in the order given.

    A directive is carried when each of its terms is found, whatever the case, in one passage: up to `NEIGHBOURS`
    neighbouring units and the heading above them. One with `scope: frontmatter` is looked for in the header alone.
    """
    header, body = split_header(text)
    asked = tuple(tuple(directive["terms"]) for directive in directives)
    carried = set().union(*_carried(asked, passages_of(sections_of(body))))
    (of_header,) = _carried(asked, [header])
    return [
        directive["id"]
        for number, directive in enumerate(directives)
        if number not in (of_header if directive.get("scope") == "frontmatter" else carried)
    ]


def split_header(text: str) -> tuple[str, str]:
    """The YAML header without its fences, and the text after it; the header is empty when there is none."""
    found = _HEADER.match(text)
    return (found["header"], text[found.end() :]) if found else ("", text)


def sections_of(body: str) -> list[Section]:
    """The sections of a Markdown text; the first holds what stands before any heading."""
    sections = [Section("", [])]
    open_unit = False
    for line in body.splitlines():
        if not line.strip():
            open_unit = False
        elif _HEADING.match(line):
            sections.append(Section(_plain(line), []))
            open_unit = False
        elif open_unit and not _ITEM.match(line):
            sections[-1].units[-1] += f" {_plain(line)}"
        else:
            sections[-1].units.append(_plain(line))
            open_unit = True
    return sections


def passages_of(sections: Iterable[Section]) -> Iterator[str]:
    """Each run of neighbouring units with its heading, as one line."""
    for heading, units in sections:
        for start in range(max(1, len(units))):
            yield " ".join([heading, *units[start : start + NEIGHBOURS]])


_KNOWN: dict[tuple[tuple[str, ...], ...], dict[str, frozenset[int]]] = {}
"""What was found in each passage: texts that are compared with one another share most of theirs."""


def _carried(asked: tuple[tuple[str, ...], ...], passages: Iterable[str]) -> Iterator[frozenset[int]]:
    """For each passage, the numbers of those whose terms are all in it."""
    known = _KNOWN.setdefault(asked, {})
    patterns: list[list[re.Pattern[str]]] = []
    for passage in passages:
        if passage not in known:
            patterns = patterns or [[re.compile(term, re.IGNORECASE) for term in terms] for terms in asked]
            known[passage] = frozenset(
                number for number, terms in enumerate(patterns) if all(term.search(passage) for term in terms)
            )
        yield known[passage]


def _plain(line: str) -> str:
    return " ".join(re.sub(r"[*`]", "", line).split())
