"""Line diff: the lines two texts share, and the hunks between them.

Short texts are compared exactly. Where that would take long, lines that occur once in both texts are anchors, and only
the ranges between them are compared; ranges beyond the budget count as replaced. The result is always a correct diff,
only coarser for a megabyte of noise.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

BUDGET = 4_000_000
"""Upper bound on the steps of the exact comparison."""
_DEPTH = 12
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Match(NamedTuple):
    """`before[i:i + size] == after[j:j + size]`."""

    i: int
    j: int
    size: int


class Edit(NamedTuple):
    """`before[i:i_end]` becomes `after[j:j_end]`."""

    i: int
    i_end: int
    j: int
    j_end: int


def lines_of(text: str) -> list[str]:
    """The lines with their endings. Only a line feed ends a line, as in a patch."""
    pieces = text.split("\n")
    last = pieces.pop()
    lines = [piece + "\n" for piece in pieces]
    return [*lines, last] if last else lines


def matches(before: Sequence[str], after: Sequence[str], *, budget: int = BUDGET) -> list[Match]:
    """The common ranges in order, without empty ones, adjacent ones joined."""
    return list(_joined(sorted(_Aligner(before, after, budget).run())))


def edits(before: Sequence[str], after: Sequence[str]) -> Iterator[Edit]:
    """The edits from one to the other, in order."""
    i = j = 0
    for match in (*matches(before, after), Match(len(before), len(after), 0)):
        if match.i > i or match.j > j:
            yield Edit(i, match.i, j, match.j)
        i, j = match.i + match.size, match.j + match.size


def _joined(found: Sequence[Match]) -> Iterator[Match]:
    open_: Match | None = None
    for match in found:
        if open_ is not None and (open_.i + open_.size, open_.j + open_.size) == (match.i, match.j):
            open_ = open_._replace(size=open_.size + match.size)
            continue
        if open_ is not None:
            yield open_
        open_ = match
    if open_ is not None:
        yield open_


class _LineRange(NamedTuple):
    i: int
    i_end: int
    j: int
    j_end: int
    depth: int


class _Aligner:
    def __init__(self, before: Sequence[str], after: Sequence[str], budget: int) -> None:
        self.before, self.after, self.budget = before, after, budget

    def run(self) -> Iterator[Match]:
        waiting = [_LineRange(0, len(self.before), 0, len(self.after), 0)]
        while waiting:
            found, inside = self._trimmed(waiting.pop())
            yield from found
            if inside.i == inside.i_end or inside.j == inside.j_end:
                continue
            if self._affordable(inside):
                yield from self._exact(inside)
            elif inside.depth < _DEPTH:
                waiting.extend(self._between_anchors(inside))

    def _trimmed(self, part: _LineRange) -> tuple[list[Match], _LineRange]:
        """The common lines at both ends of the range, and the range without them."""
        i, i_end, j, j_end, depth = part
        while i < i_end and j < j_end and self.before[i] == self.after[j]:
            i, j = i + 1, j + 1
        while i < i_end and j < j_end and self.before[i_end - 1] == self.after[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
        ends = [Match(part.i, part.j, i - part.i), Match(i_end, j_end, part.i_end - i_end)]
        return [match for match in ends if match.size], _LineRange(i, i_end, j, j_end, depth)

    def _affordable(self, part: _LineRange) -> bool:
        counts = Counter(self.after[part.j : part.j_end])
        pairs = sum(counts[line] for line in self.before[part.i : part.i_end])
        cost = pairs * min(part.i_end - part.i, part.j_end - part.j)
        if cost > self.budget:
            return False
        self.budget -= cost
        return True

    def _exact(self, part: _LineRange) -> Iterator[Match]:
        before, after = self.before[part.i : part.i_end], self.after[part.j : part.j_end]
        for i, j, size in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
            if size:
                yield Match(part.i + i, part.j + j, size)

    def _between_anchors(self, part: _LineRange) -> Iterator[_LineRange]:
        """The ranges between anchors: lines that occur once on either side, in the longest run with the same order."""
        places = _once(self.after, part.j, part.j_end)
        pairs = [(i, places[line]) for line, i in _once(self.before, part.i, part.i_end).items() if line in places]
        anchors = longest_run(pairs)
        i, j = part.i, part.j
        for anchor_i, anchor_j in anchors:
            # The anchor begins the next range, whose trimming finds it equal.
            yield _LineRange(i, anchor_i, j, anchor_j, part.depth + 1)
            i, j = anchor_i, anchor_j
        if anchors:
            yield _LineRange(i, part.i_end, j, part.j_end, part.depth + 1)


def _once(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    counts = Counter(lines[start:end])
    return {line: place for place, line in enumerate(lines[start:end], start) if counts[line] == 1}


def longest_run(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs that ascends on both sides; `pairs` ascend in their first members, without repeats."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        position = bisect_left(tails, place)
        before.append(ends[position - 1] if position else -1)
        if position == len(tails):
            tails.append(place)
            ends.append(index)
        else:
            tails[position], ends[position] = place, index
    run = []
    index = ends[-1] if ends else -1
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]


class DiffLine(NamedTuple):
    """One line of a hunk: sign ` ` for both sides, `-` for before, `+` for after. `text` keeps its line ending."""

    sign: str
    text: str


class Hunk(NamedTuple):
    """Adjacent changed lines with context. Starts count from 1 (0 for an empty side)."""

    before_start: int
    before_size: int
    after_start: int
    after_size: int
    heading: str
    """The nearest heading above the first change; empty if there is none."""
    rows: tuple[DiffLine, ...]


def hunks(before: str, after: str, *, context: int = 3) -> list[Hunk]:
    """The hunks that turn the first text into the second."""
    old, new = lines_of(before), lines_of(after)
    headings = _headings(new)
    return [_hunk(group, old, new, context, headings) for group in _groups(edits(old, new), context)]


def _groups(found: Iterator[Edit], context: int) -> Iterator[list[Edit]]:
    group: list[Edit] = []
    for edit in found:
        if group and edit.i - group[-1].i_end > 2 * context:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _hunk(
    group: Sequence[Edit], old: Sequence[str], new: Sequence[str], context: int, headings: Sequence[tuple[int, str]]
) -> Hunk:
    first, last = group[0], group[-1]
    lead = min(context, first.i)
    tail = min(context, len(old) - last.i_end)
    rows = [DiffLine(" ", line) for line in old[first.i - lead : first.i]]
    at = first.i
    for edit in group:
        rows += [DiffLine(" ", line) for line in old[at : edit.i]]
        rows += [DiffLine("-", line) for line in old[edit.i : edit.i_end]]
        rows += [DiffLine("+", line) for line in new[edit.j : edit.j_end]]
        at = edit.i_end
    rows += [DiffLine(" ", line) for line in old[at : at + tail]]
    before_size = last.i_end + tail - first.i + lead
    after_size = last.j_end + tail - first.j + lead
    return Hunk(
        first.i - lead + (1 if before_size else 0),
        before_size,
        first.j - lead + (1 if after_size else 0),
        after_size,
        _heading_above(headings, first.j),
        tuple(rows),
    )


def _headings(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Every ATX heading outside of fences, with its line."""
    found = []
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and _HEADING.match(line):
            found.append((number, line.strip()))
    return found


def heading_above(text: str, offset: int) -> str:
    """The nearest heading above an offset in a text; empty if there is none."""
    return _heading_above(_headings(lines_of(text)), text.count("\n", 0, offset))


def _heading_above(headings: Sequence[tuple[int, str]], line: int) -> str:
    index = bisect_left(headings, (line, ""))
    return headings[index - 1][1] if index else ""


class LineCounts(NamedTuple):
    """Numbers of added and removed lines."""

    added: int
    removed: int


def counts(found: Sequence[Hunk]) -> LineCounts:
    """The numbers of lines that the hunks add and remove."""
    signs = Counter(row.sign for hunk in found for row in hunk.rows)
    return LineCounts(signs["+"], signs["-"])


def unified(before: str | None, after: str | None, path: str) -> str:
    """A git-style patch from the first text to the second (None: no file); empty if they are equal."""
    if before == after:
        return ""
    head = [f"diff --git a/{path} b/{path}\n"]
    if before is None:
        head.append("new file mode 100644\n")
    elif after is None:
        head.append("deleted file mode 100644\n")
    found = hunks(before or "", after or "")
    if found:
        head.append(f"--- {'/dev/null' if before is None else f'a/{path}'}\n")
        head.append(f"+++ {'/dev/null' if after is None else f'b/{path}'}\n")
    return "".join((*head, *(piece for hunk in found for piece in _patch(hunk))))


def _patch(hunk: Hunk) -> Iterator[str]:
    before = f"{hunk.before_start},{hunk.before_size}"
    after = f"{hunk.after_start},{hunk.after_size}"
    yield f"@@ -{before} +{after} @@\n"
    for row in hunk.rows:
        yield row.sign + row.text
        if not row.text.endswith("\n"):
            yield "\n\\ No newline at end of file\n"
