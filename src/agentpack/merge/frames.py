"""A client's file taken apart for merging by rules: how its Markdown stands in it; the rest is merged by fields."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agentpack.compose.parse import split_front_matter
from agentpack.merge.pieces import merge_lines
from agentpack.model.changes import Conflict

_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)(?:: | = ).*")
_BLOCK = re.compile(r"^(?:developer_instructions|instructions|prompt) = '''\n", re.MULTILINE)
_INDENTED = re.compile(r"^(?:roleDefinition|instructions|prompt): \|2-?\n", re.MULTILINE)


class Frame(NamedTuple):
    """A client's file: what stands before its Markdown and behind it, and what each line of the Markdown begins
    with.
    """

    head: str
    body: str
    tail: str = ""
    indent: str = ""


def framed(text: str) -> Frame | None:
    """The file in its parts; None for one in which the Markdown does not stand as it is."""
    parts = split_front_matter(text)
    if parts is not None:
        return Frame(text[: len(text) - len(parts[1])], parts[1])
    block = _BLOCK.search(text)
    if block is not None:
        end = text.find("'''", block.end())
        return Frame(text[: block.end()], text[block.end() : end], text[end:]) if end >= 0 else None
    block = _INDENTED.search(text)
    if block is None:
        return None if _FIELD.match(text) else Frame("", text)
    end = block.end()
    lines = []
    for line in text[end:].splitlines(keepends=True):
        if not line.startswith("  ") and line.strip():
            break
        lines.append(line.removeprefix("  "))
        end += len(line)
    return Frame(text[: block.end()], "".join(lines), text[end:], "  ")


# The header: a field a line.


def merge_heads(base: list[str], ours: list[str], theirs: list[str]) -> list[str | Conflict] | None:
    """The header's lines with what both sides changed, a conflict for each field that both did; None when it is not one
    line a field, and lines do not merge either.
    """
    sides = [_fields(side) for side in (base, ours, theirs)]
    old, mine, new = sides
    if old is None or mine is None or new is None:
        merged = merge_lines(base, ours, theirs)
        return None if merged is None else [merged]
    done: list[str | Conflict] = []
    for key, line in new.items():
        done.append(decided(old.get(key, ""), mine.get(key, ""), line))
        done += _own_fields(old, mine, new, key)
    lost = [key for key in old if key not in new and mine.get(key, old[key]) != old[key]]
    done[-1:-1] = [Conflict(old[key], mine[key], "") for key in lost]
    return done


def _fields(lines: Sequence[str]) -> dict[str, str] | None:
    """The lines by key, fences by their number; None when a field is not one line, or stands twice."""
    found: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line.rstrip("\r\n"))
        key = match[1] if match else f"fence {sum(key.startswith('fence ') for key in found)}"
        if key in found or (match is None and line.strip() != "---"):
            return None
        found[key] = line
    return found


def _own_fields(
    old: Mapping[str, str], mine: Mapping[str, str], new: Mapping[str, str], key: str
) -> Iterator[str | Conflict]:
    """Fields put in by hand, behind the field they follow: that is the last one before them that is there still."""
    keys = list(mine)
    if key in mine:
        for own in keys[keys.index(key) + 1 :]:
            if own in new:
                return
            if own not in old:
                yield mine[own]


def decided(base: str, ours: str, theirs: str) -> str | Conflict:
    """The side that changed, a conflict where both did."""
    if ours in (base, theirs):
        return theirs
    return ours if theirs == base else Conflict(base, ours, theirs)
