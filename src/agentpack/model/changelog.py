"""A pack's changelog by version: `## 1.2.0`, `## [1.2.0] - 2026-11-30` or `## v1.2.0` begins an entry."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.model.line_numbers import with_lines
from agentpack.model.names import MAX_VERSION

FILE = "CHANGELOG.md"
MAX_CHANGELOG = 1024 * 1024
"""Characters of a changelog that are read."""
_HEADING = re.compile(r"^##[ \t]+\[?v?(\d+\.\d+\.\d+[a-z0-9.]*)\]?", re.MULTILINE)
_INNER = re.compile(r"^###+[ \t]+(.+)", re.MULTILINE)


class ChangelogEntry(NamedTuple):
    """What a changelog says about one version. `line` is that of its heading, from 1; `text` is what follows."""

    version: str
    line: int
    text: str

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings inside the entry: `Added`, `Removed`."""
        return tuple(filter(None, (heading.rstrip(" \t#") for heading in _INNER.findall(self.text))))


def entries(text: str) -> Iterator[ChangelogEntry]:
    """The entries in the order of the file."""
    text = text[:MAX_CHANGELOG]
    headings = [found for found in _HEADING.finditer(text) if len(found[1]) <= MAX_VERSION]
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    for (line, match), end in zip(with_lines(text, headings), ends, strict=False):
        yield ChangelogEntry(match[1], line, text[match.end() : end])


def entries_between(text: str, before: Version, after: Version) -> tuple[ChangelogEntry, ...]:
    """The entries of the versions above `before`, up to and with `after`, newest first."""
    found = [(version, entry) for entry in entries(text) if (version := _version(entry.version)) is not None]
    return tuple(entry for version, entry in sorted(found, reverse=True) if before < version <= after)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
