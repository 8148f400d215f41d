"""Define the interface of a source.

Digests, size limits and error messages are in `fetch.py`, so that no source can forget them.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from agentpack.model.lock import LockedPack
from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef
from agentpack.model.requirement import Requirement

if TYPE_CHECKING:
    from agentpack.sources.collection import Collection as AgentCollection
    from agentpack.sources.collection import CollectionPack


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

    @property
    def is_remote(self) -> bool:
        """Whether it is on another machine, so that asking it takes time."""
        ...

    def packs(self) -> Collection[PackName]:
        """The names of all packs it offers."""
        ...

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The releases of a pack with `pack.yaml`, in any order; empty if it has none."""
        ...

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        """The newest state of a pack that the place offers as a collection; None if it offers no such pack."""
        ...

    def states(self, pack: PackName) -> Sequence[ReleaseRef]:
        """All states of a pack of the collection that can be read, newest first; a place without tags has only one."""
        ...

    def expect(self, packs: Mapping[PackName, Requirement], commits: Iterable[str] = ()) -> None:
        """Note which packs are likely to be read, and the commits in the lock, to fetch them in one go."""
        ...

    def pinned(self, pack: PackName, locked: LockedPack) -> ReleaseRef | None:
        """The locked release of a pack, where it can be named without asking the place; None if the place has to be
        asked.
        """
        ...

    @property
    def collection(self) -> "AgentCollection":
        """What the place offers as a collection; empty if it is missing, holds packs with `pack.yaml`, or no agents."""
        ...

    def about(self, pack: PackName) -> "CollectionPack | None":
        """The pack of this name in the collection; None if there is none."""
        ...

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        """The files of a release by POSIX path relative to its root. Raises OSError if they cannot be read."""
        ...

    def released(self, ref: ReleaseRef) -> int | None:
        """When the release was published, in seconds since 1970 (UTC); None if unknown.

        Only called if a policy has a minimum age. Raises OSError if it cannot be looked up.
        """
        ...

    def has_lost(self, locked: LockedPack) -> bool:
        """Whether the place can no longer give the locked state, because its history was rewritten."""
        ...

    def remark(self, pack: PackName) -> str:
        """A remark for people about the newest release of a pack; empty if there is nothing to say."""
        ...

    def unreleased(self, pack: PackName) -> str:
        """A sentence on a newer version of a pack that is no release, as far as that is known without asking the place;
        empty if there is none.
        """
        ...

    def unsigned(self, ref: ReleaseRef) -> str | None:
        """Why no tag with a signature that the user trusts names the release; None if one does, or if the place has no
        tags at all.

        Only called if a policy asks for signed tags.
        """
        ...


class OnThisMachine(ABC):
    """The part of a source that is asked afresh by every command, and whose collection has no tags."""

    is_remote = False

    @abstractmethod
    def state_of(self, pack: PackName) -> ReleaseRef | None: ...

    def states(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The present state, if there is one."""
        state = self.state_of(pack)
        return () if state is None else (state,)

    def expect(self, packs: Mapping[PackName, Requirement], commits: Iterable[str] = ()) -> None:
        """Of no use here: nothing is fetched."""
        return

    def has_lost(self, locked: LockedPack) -> bool:
        """False: a place on this machine has only what is there now."""
        return False

    def remark(self, pack: PackName) -> str:
        """Empty: there is nothing to remark."""
        return ""

    def unreleased(self, pack: PackName) -> str:
        """Empty: every version on this machine is a release."""
        return ""

    def pinned(self, pack: PackName, locked: LockedPack) -> ReleaseRef | None:
        """None: the place is asked."""
        return None

    def unsigned(self, ref: ReleaseRef) -> str | None:
        """None: a place on this machine has no tags."""
        return None


class OnlyPacks(OnThisMachine):
    """The part of a source that has packs with `pack.yaml` and no collection."""

    @property
    def collection(self) -> "AgentCollection":
        """Empty: there is no collection."""
        from agentpack.sources.collection import Collection

        return Collection()

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        """None: there is no collection."""
        return None

    def about(self, pack: PackName) -> "CollectionPack | None":
        """None: there is no collection."""
        return None
