"""Write what the fonts drew: a line for each run of code points with one verdict. `tools/unicode_table.py` reads it."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from unicode_table import DRAWN

from agentpack.input import unicode_table as table


def kinds() -> Iterator[tuple[int, str]]:
    """Each code point with its letter in the table of the rule."""
    for start, end, kind in zip(table.STARTS, (*table.STARTS[1:], 0x110000), table.KINDS, strict=True):
        for point in range(start, end):
            yield point, kind


def characters() -> Iterator[int]:
    """The code points that a font could draw: all but control characters, unassigned ones and the like."""
    return (point for point, kind in kinds() if kind not in "cnspu" and point not in (0x09, 0x0A, 0x0D))


def record(verdicts: dict[int, str], words: Iterable[str]) -> None:
    """Write the verdicts, and the words above them as comments."""
    lines = [f"# {line}".rstrip() for line in words]
    for letter in sorted(set(verdicts.values())):
        spans = list(_spans(point for point in sorted(verdicts) if verdicts[point] == letter))
        lines += [f"{letter} {' '.join(spans[at : at + 8])}" for at in range(0, len(spans), 8)]
    DRAWN.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _spans(points: Iterable[int]) -> Iterator[str]:
    for _, group in groupby(enumerate(points), key=lambda one: one[1] - one[0]):
        span = [point for _, point in group]
        yield f"{span[0]:04X}..{span[-1]:04X}" if len(span) > 1 else f"{span[0]:04X}"
