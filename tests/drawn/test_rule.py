"""The rule on hidden text, held against what fonts draw of every character: `drawn.txt`, recorded by `test_drawn.py`.

A reader sees a character when the picture changes with it: alone, doubled, and between letters. What passes without
that is listed here, with the reason.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pytest
from unicode_table import verdicts

from agentpack.input.hidden_text import text_findings
from drawn.recording import characters, kinds

pytestmark = pytest.mark.campaign
DRAWN = verdicts()


class Refused(NamedTuple):
    """The code points that the rule refuses in a text of them."""

    alone: frozenset[int]
    doubled: frozenset[int]
    between: frozenset[int]
    """Between two Latin letters."""


@pytest.fixture(scope="module")
def refused() -> Refused:
    return Refused(*(frozenset(_refused(form)) for form in ("{0}", "{0}{0}", "a{0}b")))


def _refused(form: str) -> Iterator[int]:
    for points in _chunks(characters()):
        text = "\n" + "\n".join(form.format(chr(point)) for point in points)
        yield from {points[found.line - 2] for found in text_findings(text.encode(), "x", limit=10**6)}


def _chunks(points: Iterable[int]) -> Iterator[list[int]]:
    chunk: list[int] = []
    for point in points:
        chunk.append(point)
        if len(chunk) == 2000:
            yield chunk
            chunk = []
    yield chunk


def shown(points: Iterable[int]) -> list[str]:
    return [f"{point:04X} {DRAWN[point]} {unicodedata.name(chr(point), '')}" for point in sorted(points)]


def test_every_character_was_looked_at() -> None:
    assert set(DRAWN) == set(characters())
    assert set(DRAWN.values()) == set("soghu-")


def test_what_is_no_character_is_refused() -> None:
    points = {point for point, kind in kinds() if kind in "cnpu"}
    assert points | set(characters()) | {0x09, 0x0A, 0x0D, *range(0xD800, 0xE000)} == set(range(0x110000))
    ends = {point for point in points if not {point - 1, point + 1} <= points}  # a run has one letter in the table
    assert [point for point in ends if not text_findings(chr(point).encode(), "x")] == []
    assert all(text_findings(chr(point).encode("utf-8", "surrogatepass"), "x") for point in range(0xD800, 0xE000))


def test_what_passes_alone_is_drawn(refused: Refused) -> None:
    passes = set(DRAWN) - refused.alone
    unseen = {point for point in passes if DRAWN[point] in "gh"}
    assert {point for point in unseen if not chr(point).isspace()} == set(), "white space alone is seen as a gap"
    assert refused.between == refused.alone


def test_a_pair_passes_where_the_second_is_seen_too(refused: Refused) -> None:
    drawn_over = {point for point in set(DRAWN) - refused.doubled if DRAWN[point] == "o"}
    marks = {point for point in drawn_over if unicodedata.category(chr(point)) in ("Mn", "Me")}
    assert shown(marks) == []
    # a letter or a sign with a width of its own, which one font draws over the last
    assert {unicodedata.category(chr(point)) for point in drawn_over - marks} <= {"Mc", "Lo", "Po", "Sk", "So", "Cf"}
    assert len(drawn_over) < 70


def test_what_fonts_draw_is_refused_for_its_kind_only(refused: Refused) -> None:
    ours = {point for point, kind in kinds() if kind not in ".r"}
    assert refused.alone == ours & set(DRAWN)
    assert refused.doubled - refused.alone == {point for point, kind in kinds() if kind == "r"}
    stacked = {point for point in refused.doubled - refused.alone if DRAWN[point] == "s"}
    assert shown(stacked) == []


@pytest.mark.parametrize(
    "point",
    [0x2D7F, 0x1107F, 0x17D2, 0x1039, 0x1A60, 0x11D97, 0x16FE4, 0x10A3F, 0x13441, 0x13442, 0x1D159],
    ids="{:04X}".format,
)
def test_what_has_no_shape_is_refused_however_often(point: int, refused: Refused) -> None:
    assert all(point in points for points in refused)
