"""Version ranges as bit masks over the releases of a pack; decides which ranges allow pre-releases.

Bit 0 of every mask means "not selected" and is never set here; bit i + 1 is the i-th version in ascending order. A
range is parsed once, and evaluated once for each distinct list of versions. Plain versions (numbers only) are found by
bisection; special cases of PEP 440 (pre-releases, post-releases, local versions, `===`) are left to `packaging`, one
version at a time.

Whether a pre-release counts is decided here, because releases of `packaging` differ on it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

UNSELECTED = 1
"""The bit for: no release of this pack."""


class _Range(NamedTuple):
    """A parsed range. `bounds` is None if only `specifiers` can decide; both are None if nothing is in the range."""

    bounds: tuple[tuple[str, Version, Version], ...] | None
    specifiers: "SpecifierSet | None"
    names_prerelease: bool
    is_open: bool = False
    """Every version is in the range."""

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range, pre-release or not."""
        try:
            return self.is_open or (self.specifiers is not None and self.specifiers.contains(version, prereleases=True))
        except ValueError:  # a number too long to convert: packaging reads it only here
            return False


_EVERYTHING = _Range(bounds=(), specifiers=None, names_prerelease=False, is_open=True)
_NOTHING = _Range(bounds=None, specifiers=None, names_prerelease=False)


class RangeCache:
    """Parses ranges and evaluates them over lists of versions, each once."""

    def __init__(self) -> None:
        self._read: dict[str, _Range] = {}
        self._tables: dict[tuple[Version, ...], RangeTable] = {}

    def table(self, versions: tuple[Version, ...]) -> "RangeTable":
        """The table for versions in ascending order; packs with equal versions share it."""
        table = self._tables.get(versions)
        if table is None:
            table = self._tables[versions] = RangeTable(self, versions)
        return table

    def names_prerelease(self, text: str) -> bool:
        """Whether the range names a pre-release, which is how one is requested."""
        return self.read(text).names_prerelease

    def leads_to(self, text: str, prerelease: Version) -> bool:
        """Whether the pre-release, or the release it precedes, is in the range."""
        asked = self.read(text)
        return asked.holds(prerelease) or asked.holds(Version(prerelease.base_version))

    def read(self, text: str) -> _Range:
        found = self._read.get(text)
        if found is None:
            found = self._read[text] = _read(text)
        return found


class RangeTable:
    """Masks of ranges over one list of versions."""

    def __init__(self, ranges: RangeCache, versions: tuple[Version, ...]) -> None:
        self._ranges = ranges
        self._versions = versions
        self._masks: dict[tuple[str, bool], int] = {}
        self._odd = [index for index, version in enumerate(versions) if not _is_plain(version)]
        self._plain = self.everything
        self.prereleases = 0
        for index in self._odd:
            self._plain &= ~(2 << index)
            if versions[index].is_prerelease:
                self.prereleases |= 2 << index

    @property
    def everything(self) -> int:
        """All releases, pre-releases included."""
        return (2 << len(self._versions)) - 2

    def mask(self, text: str, *, prereleases: bool = False) -> int:
        """The releases in the range. Pre-releases count if the range names one or `prereleases` is set."""
        key = (text, prereleases)
        mask = self._masks.get(key)
        if mask is None:
            mask = self._masks[key] = self._lay(self._ranges.read(text), prereleases)
        return mask

    def _lay(self, asked: _Range, prereleases: bool) -> int:
        if asked.bounds is None:
            mask = 0
            judged: Sequence[int] = range(len(self._versions))
        else:
            mask = self._bisect(asked.bounds) & self._plain
            judged = self._odd
        for index in judged:
            if asked.holds(self._versions[index]):
                mask |= 2 << index
        return mask if prereleases or asked.names_prerelease else mask & ~self.prereleases

    def _bisect(self, bounds: tuple[tuple[str, Version, Version], ...]) -> int:
        versions = self._versions
        mask = self.everything
        for operator, low, high in bounds:
            first = bisect_right(versions, low) if operator == ">" else bisect_left(versions, low)
            if operator in (">=", ">"):
                mask &= -(2 << first)
            elif operator == "<":
                mask &= (2 << first) - 1
            else:
                last = bisect_right(versions, low) if high is low else bisect_left(versions, high)
                inside = (2 << last) - (2 << first)
                mask &= ~inside if operator == "!=" else inside if operator == "==" else (2 << last) - 1
        return mask


def _is_plain(version: Version) -> bool:
    return not version.is_prerelease and not version.is_postrelease and version.local is None


def _read(text: str) -> _Range:
    """Parse a range; one that cannot be parsed completely contains no version."""
    if not text:
        return _EVERYTHING
    from packaging.specifiers import SpecifierSet  # takes longer to load than all of the resolver: only for ranges

    bounds: list[tuple[str, Version, Version]] | None = []
    names_prerelease = False
    try:
        specifiers = SpecifierSet(text)
        for part in specifiers:
            operator, _, wildcard = part.operator, part.version, part.version.endswith(".*")
            if operator == "===":
                bounds = None
                names_prerelease |= _is_arbitrary_prerelease(part.version)
                continue
            version = Version(part.version.removesuffix(".*"))
            names_prerelease |= version.is_prerelease and operator != "!="
            if not _is_plain(version):
                bounds = None
            elif bounds is not None:
                bounds += _bounds(operator, version, wildcard)
    except ValueError:
        return _NOTHING
    return _Range(
        bounds=None if bounds is None else tuple(bounds), specifiers=specifiers, names_prerelease=names_prerelease
    )


def _is_arbitrary_prerelease(text: str) -> bool:
    try:
        return Version(text).is_prerelease
    except ValueError:
        return False


def _bounds(operator: str, version: Version, wildcard: bool) -> list[tuple[str, Version, Version]]:
    """The bounds of one specifier: operator, version, and the first version after the span; for an operator without a
    span, the version again.
    """
    if operator == "~=":
        return [("==", version, _after(version.epoch, version.release[:-1]))]
    if wildcard:
        return [(operator, version, _after(version.epoch, version.release))]
    return [(operator, version, version)]


def _after(epoch: int, release: tuple[int, ...]) -> Version:
    """The first version after all that begin with these numbers."""
    numbers = (*release[:-1], release[-1] + 1)
    return Version(f"{epoch}!{'.'.join(map(str, numbers))}")
