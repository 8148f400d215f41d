"""base, ours, theirs -> text or conflicts.

Lines are merged first, as diff3 does. Where that finds a conflict only because the two sides changed neighbouring
lines, the merge is tried once more over whole rules: in a list with one line a rule, an edit of one rule and a change
of the next are no conflict to a person. What both sides changed differently is told rule by rule; conflict markers
never enter a file.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from merge3 import Merge3

from agentpack.compose.parse import split_front_matter
from agentpack.model.changes import Conflict
from agentpack.model.markdown import blocks

MAX_BYTES = 1024 * 1024


class Merged(NamedTuple):
    """The merged bytes, or None and the conflicts."""

    content: bytes | None
    conflicts: tuple[Conflict, ...] = ()


def merge(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """The text that has what both sides changed.

    Args:
        base: the pristine text that was rendered last.
        ours: what lies on disk.
        theirs: what is rendered now.
    """
    if ours in (base, theirs):
        return Merged(theirs)
    if theirs == base:
        return Merged(ours)
    try:
        texts = [side.decode("utf-8") for side in (base, ours, theirs)]
    except UnicodeDecodeError:
        return Merged(None, (Conflict("", "text that is not UTF-8", ""),))
    if max(len(base), len(ours), len(theirs)) > MAX_BYTES:
        return Merged(None, (Conflict("", f"more than {MAX_BYTES // 1024} KiB", ""),))
    by_line = _merge_lines(*(text.splitlines(keepends=True) for text in texts))
    if by_line is not None:
        return Merged(by_line.encode())
    sides = [_pieces(text) for text in texts]
    merged, conflicts = _merge_pieces(*sides)
    return Merged(None if merged is None else merged.encode(), conflicts)


def _merge_lines(base: list[str], ours: list[str], theirs: list[str]) -> str | None:
    merged: list[str] = []
    for group in Merge3(base, ours, theirs).merge_groups():
        if group[0] == "conflict":
            return None
        merged.extend(group[1])
    return "".join(merged)


def _pieces(text: str) -> list[str]:
    """The text in pieces that are merged as wholes: header lines, blocks of the body, and the white space between
    them.
    """
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
    # blank pieces stand between all others, so they must not decide which of those belong together
    matcher = SequenceMatcher(lambda piece: not piece.strip(), base, side, autojunk=False)
    return [_Edit(start, end, tuple(side[a:b])) for tag, start, end, a, b in matcher.get_opcodes() if tag != "equal"]


def _collide(one: _Edit, other: _Edit) -> bool:
    if one == other:
        return False
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    if one.start == one.end:
        return other.start < one.start < other.end
    if other.start == other.end:
        return one.start < other.start < one.end
    return max(one.start, other.start) < min(one.end, other.end)


def _merge_pieces(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
) -> tuple[str | None, tuple[Conflict, ...]]:
    mine, other = _edits(base, ours), _edits(base, theirs)
    conflicts = [
        Conflict("".join(base[min(a.start, b.start) : max(a.end, b.end)]), _side(base, a, b), _side(base, b, a))
        for a in mine
        for b in other
        if _collide(a, b)
    ]
    if conflicts:
        return None, tuple(conflicts)
    merged: list[str] = []
    at = 0
    for edit in sorted({*mine, *other}):
        merged.extend(base[at : edit.start])
        merged.extend(edit.new)
        at = edit.end
    merged.extend(base[at:])
    return "".join(merged), ()


def _side(base: Sequence[str], own: _Edit, foreign: _Edit) -> str:
    """One side's text over the range that both edits span."""
    before = base[min(own.start, foreign.start) : own.start]
    after = base[own.end : max(own.end, foreign.end)]
    return "".join((*before, *own.new, *after))
