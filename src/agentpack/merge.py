"""base, ours, theirs -> text or conflicts.

Lines are merged first, as diff3 does. Where that finds a conflict only because the two sides changed neighbouring
lines, the merge is tried once more over whole rules: in a list with one line a rule, an edit of one rule and a change
of the next are no conflict to a person. What both sides changed differently is told rule by rule; conflict markers
never enter a file.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from merge3 import Merge3

from agentpack.compose.parse import split_front_matter
from agentpack.differences.lines import Match, edits, matches
from agentpack.model.changes import Conflict
from agentpack.model.markdown import blocks

MAX_BYTES = 1024 * 1024
LONG = 2000
"""Lines from which texts are matched in bounded time."""


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
    for group in Merge3(base, ours, theirs, sequence_matcher=_matcher(base, ours, theirs)).merge_groups():
        if group[0] == "conflict":
            return None
        merged.extend(group[1])
    return "".join(merged)


class _Bounded:
    """The library's matcher takes quadratic time on repeated lines; for long texts this one stands in, which does
    not.
    """

    def __init__(self, junk: object, a: Sequence[str], b: Sequence[str]) -> None:
        self._blocks = [*matches(a, b), Match(len(a), len(b), 0)]

    def get_matching_blocks(self) -> list[Match]:
        """What the two share, in order, and an empty block at the end."""
        return self._blocks


def _matcher(*sides: Sequence[str]) -> type[Any] | None:
    return _Bounded if max(map(len, sides)) > LONG else None


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
    if max(len(base), len(side)) > LONG:
        return [_trimmed(base, edit.i, edit.i_end, side[edit.j : edit.j_end]) for edit in edits(base, side)]
    # blank pieces stand between all others, so they must not decide which of those belong together
    matcher = SequenceMatcher(lambda piece: not piece.strip(), base, side, autojunk=False)
    return [_trimmed(base, start, end, side[a:b]) for tag, start, end, a, b in matcher.get_opcodes() if tag != "equal"]


def _trimmed(base: Sequence[str], start: int, end: int, new: Sequence[str]) -> _Edit:
    """The edit without the blank pieces that are the same on both sides."""
    while start < end and new and base[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    while start < end and new and base[start] == new[0]:
        start, new = start + 1, new[1:]
    return _Edit(start, end, tuple(new))


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


# For a merge by hand.


class Labels(NamedTuple):
    """What the sides are called behind the conflict markers."""

    ours: str
    base: str
    theirs: str


def with_markers(base: str, ours: str, theirs: str, labels: Labels) -> str:
    """The merged text with all three sides of every conflict between markers: for a copy that is merged by hand."""
    done = ""
    rest = _marked_pieces(*(_pieces(text) for text in (base, ours, theirs)))
    for index, piece in enumerate(rest):
        if isinstance(piece, str):
            done += piece
            continue
        following = rest[index + 1] if index + 1 < len(rest) else ""
        sides = tuple(piece)
        if done and not done.endswith("\n"):
            if not all(side.startswith("\n") for side in sides if side):
                return _marked_lines(base, ours, theirs, labels)
            done += "\n"
            sides = tuple(side.removeprefix("\n") for side in sides)
        if any(side and not side.endswith("\n") for side in sides):
            if not isinstance(following, str) or not following.startswith("\n"):
                return _marked_lines(base, ours, theirs, labels)
            rest[index + 1] = following[1:]
            sides = tuple(side + "\n" if side and not side.endswith("\n") else side for side in sides)
        done += f"<<<<<<< {labels.ours}\n{sides[1]}||||||| {labels.base}\n{sides[0]}=======\n{sides[2]}"
        done += f">>>>>>> {labels.theirs}\n"
    return done


def _marked_pieces(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str | Conflict]:
    """The merged text, in order: what is settled, and the conflicts, edits that collide with one another in one."""
    mine, other = _edits(base, ours), _edits(base, theirs)
    groups: list[tuple[list[_Edit], list[_Edit]]] = []
    for edit, side in sorted([(edit, 0) for edit in mine] + [(edit, 1) for edit in other]):
        joined = bool(groups) and any(_collide(edit, one) or edit == one for one in groups[-1][1 - side])
        if not joined:
            groups.append(([], []))
        groups[-1][side].append(edit)
    done: list[str | Conflict] = []
    at = 0
    for left, right in groups:
        start = min(edit.start for edit in (*left, *right))
        end = max(edit.end for edit in (*left, *right))
        done.append("".join(base[at:start]))
        if left and right and left != right:
            sides = (_applied(base, start, end, edits) for edits in (left, right))
            done.append(Conflict("".join(base[start:end]), *sides))
        else:
            done.append(_applied(base, start, end, left or right))
        at = end
    done.append("".join(base[at:]))
    joined_up: list[str | Conflict] = []
    for piece in done:
        if isinstance(piece, str) and joined_up and isinstance(joined_up[-1], str):
            joined_up[-1] += piece
        else:
            joined_up.append(piece)
    return joined_up


def _applied(base: Sequence[str], start: int, end: int, edits: Sequence[_Edit]) -> str:
    pieces: list[str] = []
    for edit in edits:
        pieces.extend(base[start : edit.start])
        pieces.extend(edit.new)
        start = edit.end
    return "".join((*pieces, *base[start:end]))


def _marked_lines(base: str, ours: str, theirs: str, labels: Labels) -> str:
    old, mine, new = (text.splitlines(keepends=True) for text in (base, ours, theirs))
    merge = Merge3(old, mine, new, sequence_matcher=_matcher(old, mine, new))
    found = list(merge.merge_lines(labels.ours, labels.theirs, labels.base, base_marker="|||||||"))
    return "".join([line if line.endswith("\n") else line + "\n" for line in found[:-1]] + found[-1:])
