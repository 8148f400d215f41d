"""Merge in place: by lines like diff3, then by whole header lines, rules and headings."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from merge3 import Merge3

from agentpack.compose.parse import split_front_matter
from agentpack.differences.lines import Match, edits, matches
from agentpack.merge.result import join_adjacent
from agentpack.model.changes import Conflict
from agentpack.model.markdown import blocks

LONG = 2000
"""From this many lines on, texts are matched in bounded time."""

_HEADING = re.compile("#{1,6} ")
_KEYS = re.compile(r"""^["']?([A-Za-z_][A-Za-z0-9_-]*)["']?[ \t]*(?:=|:(?=[ \t]|$))""", re.MULTILINE)


def merge_lines(base: list[str], ours: list[str], theirs: list[str]) -> str | None:
    """The merged text; None if lines changed by both sides overlap or touch, if a line that the user took out is back
    because the release moved it, or if one that the user wrote is in another section.
    """
    merged: list[str] = []
    for group in Merge3(base, ours, theirs, sequence_matcher=matcher_for(base, ours, theirs)).merge_groups():
        if group[0] == "conflict":
            return None
        merged.extend(group[1])
    return None if is_misplaced(merged, base, ours, theirs) else "".join(merged)


def is_misplaced(merged: Sequence[str], base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether the lines around an edit led it to the wrong place."""
    return brings_back(merged, base, ours, theirs) or _strays(merged, base, ours, theirs)


def _strays(merged: Sequence[str], base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a line that only the user has stands below another heading than the user wrote it."""
    own = {line for line in {*ours}.difference(base, theirs).intersection(merged) if line.strip()}
    return bool(own) and any(line in own for _, line in _under(ours) - _under(merged))


def _under(lines: Sequence[str]) -> set[tuple[str, str]]:
    """Each line with the heading that it is below."""
    found, heading = set(), ""
    for line in lines:
        if _HEADING.match(line):
            heading = line
        else:
            found.add((heading, line))
    return found


def brings_back(merged: Sequence[str], base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a line that the user took out is back, although the release has it no more often than before: it only
    stands elsewhere there.
    """
    mine, after, back = Counter(ours), Counter(theirs), Counter(merged)
    gone = (
        line for line, count in (Counter(base) - mine).items() if line.strip() and after[line] <= mine[line] + count
    )
    return any(back[line] > mine[line] for line in gone)


def has_each_key_once(merged: str, base: str, ours: str, theirs: str) -> bool:
    """Whether a header merged by lines has the fields it should have: if one side moved a line, the other may have
    removed it or added it too.
    """
    old, mine, new = (set(_keys(text)) for text in (base, ours, theirs))
    return sorted(_keys(merged)) == sorted((mine & new) | (mine - old) | (new - old))


def _keys(text: str) -> list[str]:
    return _KEYS.findall(text[: text.find("\n---", 3)] if text.startswith("---") else text)


class _Bounded:
    """A line matcher for long texts. The library's takes quadratic time on repeated lines."""

    def __init__(self, junk: object, a: Sequence[str], b: Sequence[str]) -> None:
        self._blocks = matches(a, b)

    def get_matching_blocks(self) -> list[Match]:
        """The common blocks in order."""
        return self._blocks


def matcher_for(*sides: Sequence[str]) -> type[Any] | None:
    """The class the merge library should match lines with; None for its default."""
    return _Bounded if max(map(len, sides)) > LONG else None


def _pieces(text: str) -> list[str]:
    """The text in units that are merged whole: header lines, body blocks, and the white space between them."""
    parts = split_front_matter(text)
    header: list[str] = []
    body = text
    if parts is not None:
        body = parts[1]
        header = text[: len(text) - len(body)].splitlines(keepends=True)
    lines = body.splitlines(keepends=True)
    pieces = header
    at = 0
    for block in blocks(lines):
        pieces.extend(lines[at : block.start])
        whole = "".join(lines[block.start : block.end])
        bare = whole.rstrip("\r\n")
        pieces.append(bare)
        if bare != whole:
            pieces.append(whole[len(bare) :])
        at = block.end
    pieces.extend(lines[at:])
    return pieces


class _Edit(NamedTuple):
    start: int
    end: int
    new: tuple[str, ...]


def _edits(base: Sequence[str], side: Sequence[str]) -> list[_Edit]:
    if max(len(base), len(side)) > LONG:
        return [_trimmed(base, edit.i, edit.i_end, side[edit.j : edit.j_end]) for edit in edits(base, side)]
    # blank pieces stand between all others, so they must not decide which of those belong together
    matcher = SequenceMatcher(lambda piece: not piece.strip(), base, side, autojunk=False)
    return [_trimmed(base, start, end, side[a:b]) for tag, start, end, a, b in matcher.get_opcodes() if tag != "equal"]


def _trimmed(base: Sequence[str], start: int, end: int, new: Sequence[str]) -> _Edit:
    """The edit without the pieces that both sides share at its end. The matcher leaves none at its beginning."""
    while start < end and new and base[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    return _Edit(start, end, tuple(new))


def _collide(one: _Edit, other: _Edit) -> bool:
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    if one.start == one.end:
        return other.start < one.start < other.end
    if other.start == other.end:
        return one.start < other.start < one.end
    return max(one.start, other.start) < min(one.end, other.end)


def _applied(base: Sequence[str], start: int, end: int, edits: Sequence[_Edit]) -> str:
    pieces: list[str] = []
    for edit in edits:
        pieces.extend(base[start : edit.start])
        pieces.extend(edit.new)
        start = edit.end
    return "".join((*pieces, *base[start:end]))


def _set_apart(before: str | Conflict, text: str) -> str:
    """The text with a blank line on top if it begins with a heading right behind a line of the other side."""
    is_line = isinstance(before, str) and before.endswith("\n") and not before.endswith("\n\n")
    return f"\n{text}" if is_line and _HEADING.match(text) else text


def draft_pieces(base: str, ours: str, theirs: str) -> list[str | Conflict]:
    """The merged text in order; edits that collide with one another form one conflict."""
    old = _pieces(base)
    mine, other = _edits(old, _pieces(ours)), _edits(old, _pieces(theirs))
    groups: list[tuple[list[_Edit], list[_Edit]]] = []
    for edit, side in sorted([(edit, 0) for edit in mine] + [(edit, 1) for edit in other]):
        # edits of one side lie apart, so that only the last of the other side can reach this far
        last = groups[-1][1 - side][-1:] if groups else ()
        if not any(_collide(edit, one) or edit == one for one in last):
            groups.append(([], []))
        groups[-1][side].append(edit)
    done: list[str | Conflict] = []
    at = 0
    for left, right in groups:
        start = min(edit.start for edit in (*left, *right))
        end = max(edit.end for edit in (*left, *right))
        beside = done[-1] if done and start == at else ""
        done.append("".join(old[at:start]))
        here, there = (_set_apart(beside, _applied(old, start, end, edits)) for edits in (left, right))
        if left and right and here != there:
            done.append(Conflict("".join(old[start:end]), here, there))
        else:
            done.append(here if left else there)
        at = end
    done.append("".join(old[at:]))
    return join_adjacent(done)
