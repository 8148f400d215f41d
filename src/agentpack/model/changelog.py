"""A pack's changelog by version: `## 1.2.0`, `## [1.2.0] - 2026-11-30` or `## v1.2.0` begins an entry."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

FILE = "CHANGELOG.md"
_HEADING = re.compile(r"^##[ \t]+\[?v?(\d+\.\d+\.\d+[a-z0-9.]*)\]?", re.MULTILINE)
_INNER = re.compile(r"^###+[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


class ChangelogEntry(NamedTuple):
    """What a changelog says about one version. `line` is that of its heading, from 1; `text` is what follows."""

    version: str
    line: int
    text: str

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings inside the entry: `Added`, `Removed`."""
        return tuple(_INNER.findall(self.text))


def entries(text: str) -> Iterator[ChangelogEntry]:
    """The entries in the order of the file."""
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    for match, end in zip(headings, ends, strict=False):
        yield ChangelogEntry(match[1], text.count("\n", 0, match.start()) + 1, text[match.end() : end])


def entries_between(text: str, before: Version, after: Version) -> tuple[ChangelogEntry, ...]:
    """The entries of the versions above `before`, up to and with `after`, newest first."""
    found = [(version, entry) for entry in entries(text) if (version := _version(entry.version)) is not None]
    return tuple(entry for version, entry in sorted(found, reverse=True) if before < version <= after)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
