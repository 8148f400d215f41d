"""What a source answers. Digests, sizes and the wording of errors are `fetch.py`'s, so that no source can forget
them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef


class Source(Protocol):
    """A place releases are read from."""

    @property
    def name(self) -> str:
        """The name that the manifest and the lock use."""
        ...

    @property
    def where(self) -> str:
        """The place, in words for people."""
        ...

    def packs(self) -> Collection[PackName]:
        """The names of all packs it has."""
        ...

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The releases of a pack, in any order; empty when it has none."""
        ...

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        """The files of a release by POSIX path relative to its root. Raises OSError when they cannot be read."""
        ...

    def released(self, ref: ReleaseRef) -> int | None:
        """When the release was published, in seconds since the beginning of 1970 (UTC); None when that is not known.

        Asked only where a policy has a minimum age. Raises OSError when it cannot be looked up.
        """
        ...
