"""A pack as its files describe it, and a release: the bytes of a pack with their digest."""

from collections.abc import Mapping
from typing import NamedTuple

from packaging.version import Version

from agentpack.model.names import Digest, PackName


class ReleaseRef(NamedTuple):
    """A release that a source offers, not read yet."""

    pack: PackName
    version: Version
    source: str
    place: str
    """Where it is within the source, in a form only the source interprets: a path."""


class Release(NamedTuple):
    """One version of one pack: its files by POSIX path, and their digest."""

    pack: PackName
    version: Version
    source: str
    digest: Digest
    files: Mapping[str, bytes]


class LeftOut(NamedTuple):
    """An agent file of a collection that is not installed, and why."""

    path: str
    name: str
    """The agent's name; empty if it could not be read."""
    reason: str
