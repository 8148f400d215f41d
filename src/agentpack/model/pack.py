"""A pack as its files say it, read and checked; and a release, the pack's bytes with their digest."""

from collections.abc import Mapping
from typing import NamedTuple

from packaging.version import Version

from agentpack.model.names import Digest, PackName


class ReleaseRef(NamedTuple):
    """A release that a source offers, not yet read."""

    pack: PackName
    version: Version
    source: str
    place: str
    """Where in the source, in words of that source: a path."""


class Release(NamedTuple):
    """One version of one pack: its files by POSIX path, and their digest."""

    pack: PackName
    version: Version
    source: str
    digest: Digest
    files: Mapping[str, bytes]
