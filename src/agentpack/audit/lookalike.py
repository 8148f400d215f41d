"""Names that resemble others: a typo or a quick glance may select the wrong one.

Two names are near if they differ only in look-alike letters and digits, in hyphens, by one or two typos, or by an affix
such as `official`. Names that differ only in their numbers are a series, not a typo. Pure; what is done about it is
decided elsewhere.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_ALIKE = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "2": "z", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "-": None, "_": None}
)
_PAIRS = re.compile("rn|vv|cl")
_PAIR = {"rn": "m", "vv": "w", "cl": "d"}
_AFFIXES = frozenset(
    "official original real genuine verified trusted secure safe fixed patched updated update new latest pro plus the "
    "free full beta dev v2 v3 2 app bot org io inc team".split()
)
_NUMBERS = re.compile("[0-9]+")


class NearName(NamedTuple):
    """A known name that another resembles, and why, in words."""

    name: str
    why: str


class KnownNames:
    """Known names, indexed for comparison with many others."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._by_look: dict[str, list[str]] = {}
        self._by_length: dict[int, list[tuple[str, int]]] = {}
        for name in sorted(self._names):
            self._by_look.setdefault(visual_form(name), []).append(name)
            self._by_length.setdefault(len(name), []).append((name, _letters(name)))

    def near(self, name: str) -> NearName | None:
        """The known name that this one most resembles; None for a known name, and if none is near."""
        if name in self._names:
            return None
        if alike := self._by_look.get(visual_form(name)):
            return NearName(alike[0], "letters, digits or hyphens that look alike")
        if (bare := _without_affix(name, self._names)) is not None:
            return NearName(bare, "it only adds a word")
        slips = _allowed(len(name))
        found = self._slipped(name, slips) if slips else None
        return None if found is None else NearName(found, "one typing error away")

    def _slipped(self, name: str, slips: int) -> str | None:
        letters, shape = _letters(name), _NUMBERS.sub("#", name)
        best: tuple[int, str] | None = None
        for length in range(len(name) - slips, len(name) + slips + 1):
            most = min(slips, _allowed(length))
            for other, theirs in self._by_length.get(length, ()):
                if (letters ^ theirs).bit_count() > 2 * most or _NUMBERS.sub("#", other) == shape:
                    continue
                found = distance(name, other, most)
                if found <= most and (best is None or (found, other) < best):
                    best = found, other
        return best[1] if best else None


def visual_form(name: str) -> str:
    """A normal form of how a name looks: names with the same one are easily confused."""
    return _PAIRS.sub(lambda match: _PAIR[match[0]], name.lower().translate(_ALIKE))


def distance(one: str, other: str, most: int) -> int:
    """How many letters must be inserted, deleted, replaced or swapped with the next to turn one into the other; any
    number above `most` if it is more.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, theirs in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                best = min(best, last[j - 2] + 1)
            row.append(best)
        if min(row) > most and min(before) > most:
            return most + 1
    return row[-1]


def _allowed(length: int) -> int:
    """How many typos count for a name of that length: short names are near to too many others."""
    return 0 if length < 5 else 1 if length < 10 else 2


def _letters(name: str) -> int:
    """A bit mask of the letters in a name: bit `ord(letter) & 63` is set for each."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _without_affix(name: str, names: frozenset[str]) -> str | None:
    first, _, rest = name.partition("-")
    if rest in names and first in _AFFIXES:
        return rest
    rest, _, last = name.rpartition("-")
    return rest if rest in names and last in _AFFIXES else None


def nearest(names: Iterable[str], known: Iterable[str]) -> Mapping[str, NearName]:
    """For each name that resembles a known one, the known one; names that resemble none are missing."""
    index = KnownNames(known)
    found = ((name, index.near(name)) for name in names)
    return {name: near for name, near in found if near is not None}
