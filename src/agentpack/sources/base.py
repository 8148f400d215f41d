"""The interface of a source. Digests, size limits and error messages are in `fetch.py`, so that no source can forget
them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef


class Source(Protocol):
    """A place from which releases are read."""

    @property
    def name(self) -> str:
        """The name in the manifest and the lock."""
        ...

    @property
    def where(self) -> str:
        """The place, for people."""
        ...

    @property
    def is_missing(self) -> bool:
        """Whether the place itself is not there, so that nothing can be said of its packs."""
        ...

    def packs(self) -> Collection[PackName]:
        """The names of all packs it offers."""
        ...

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The releases of a pack, in any order; empty if it has none."""
        ...

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        """The files of a release by POSIX path relative to its root. Raises OSError if they cannot be read."""
        ...

    def released(self, ref: ReleaseRef) -> int | None:
        """When the release was published, in seconds since 1970 (UTC); None if unknown.

        Only called if a policy has a minimum age. Raises OSError if it cannot be looked up.
        """
        ...
