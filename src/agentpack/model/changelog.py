"""A pack's changelog by version: `## 1.2.0`, `## [1.2.0] - 2026-11-30` or `## v1.2.0` begins an entry."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.model.line_numbers import with_lines
from agentpack.model.names import MAX_VERSION

FILE = "CHANGELOG.md"
MAX_CHANGELOG = 1024 * 1024
"""Characters of a changelog that are read."""
_LEAD = 220
"""Characters of an entry's first paragraph that are shown in a plan."""
_LOOKED_AT = 1_000
_HEADING = re.compile(r"^##[ \t]+\[?v?(\d+\.\d+\.\d+[a-z0-9.]*)\]?(.*)", re.MULTILINE)
_BULLET = re.compile(r"^[-*+][ \t]+", re.MULTILINE)
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

    @property
    def lead(self) -> str:
        """The beginning of the entry in one line, if it begins with a paragraph or a list; else empty."""
        paragraph = self.text[:_LOOKED_AT].lstrip().partition("\n\n")[0]
        words = " ".join(_BULLET.sub("", paragraph).split())
        if not words or words[0] in "#|-*+>`<":
            return ""
        if len(words) <= _LEAD:
            return words
        sentences, end, _ = words[:_LEAD].rpartition(". ")
        return sentences + "." if end else f"{words[:_LEAD].rpartition(' ')[0] or words[:_LEAD]} …"

    def beginning(self, most: int) -> str:
        """The text without blank lines around it; if it has more than `most` lines, only up to its second heading."""
        text = self.text.strip()
        if text.count("\n") < most:
            return text
        headings = list(islice(_INNER.finditer(text), 2))
        return text[: headings[1].start()].rstrip() if headings[1:] else text


def entries(text: str) -> Iterator[ChangelogEntry]:
    """The entries in the order of the file."""
    text = text[:MAX_CHANGELOG]
    headings = [found for found in _HEADING.finditer(text) if len(found[1]) <= MAX_VERSION]
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    for (line, match), end in zip(with_lines(text, headings), ends, strict=False):
        title = match[2].strip(" \t\r:-–—")
        has_words = any(map(str.isalpha, title))  # else it is a date
        yield ChangelogEntry(match[1], line, (f"\n\n{title}\n" if has_words else "") + text[match.end() : end])


def entries_between(text: str, before: Version, after: Version) -> tuple[ChangelogEntry, ...]:
    """The entries of the versions above `before`, up to and with `after`, newest first."""
    found = [(version, entry) for entry in entries(text) if (version := _version(entry.version)) is not None]
    return tuple(entry for version, entry in sorted(found, reverse=True) if before < version <= after)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
