"""Plugins of a marketplace that are in repositories of their own.

The marketplace says where a plugin is, and at which state; whatever it says of it besides takes the place of what the
plugin says of itself. A plugin has one state, as the marketplace has.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from agentpack.errors import Unavailable, Unresolvable
from agentpack.model.lock import LockedPack
from agentpack.model.names import MAX_VERSION, PackName
from agentpack.model.pack import ReleaseRef
from agentpack.sources.collection import Collection, CollectionPack

if TYPE_CHECKING:
    from agentpack.remote.access import Remote
    from agentpack.sources.base import Source


class Plugin:
    """A plugin in another repository than its marketplace."""

    def __init__(self, pack: CollectionPack, marketplace: str, remote: "Callable[[], Remote]") -> None:
        """`marketplace` is the name of the source."""
        self.pack = pack
        self._marketplace = marketplace
        self._remote = remote

    @cached_property
    def _source(self) -> "Source":
        from agentpack.sources import open_plugin  # only where such a plugin is asked for

        assert self.pack.elsewhere is not None
        return open_plugin(self._marketplace, self.pack.elsewhere, self._remote)

    @cached_property
    def _name(self) -> PackName:
        """Its name there: the same, or that of the only pack."""
        packs = self._source.collection.packs
        return packs[0].name if len(packs) == 1 else self.pack.name

    def state(self) -> ReleaseRef:
        """What it is now.

        Raises:
            Unresolvable: there are no agents.
            Unavailable: its repository cannot be read.
        """
        try:
            newest = self._source.state_of(self._name)
        except Unavailable as error:
            what = f"the plugin `{self.pack.name}` of `{self._marketplace}` is in another repository"
            raise Unavailable(f"{what}: {error.message}", details=error.details, hint=error.hint) from None
        if newest is None:
            raise Unresolvable(f"the plugin `{self.pack.name}` has no agents: {self._source.where} has none")
        version, repository = self._version(newest.version), self._source.where
        return newest._replace(pack=self.pack.name, version=version, tag="", repository=repository)

    def _version(self, own: Version) -> Version:
        try:
            return Version(self.pack.version[:MAX_VERSION]) if self.pack.version else own
        except InvalidVersion:
            return own

    def about(self) -> CollectionPack:
        """What is known of it."""
        found = self._source.about(self._name)
        if found is None:
            return self.pack
        said = {key: getattr(self.pack, key) or getattr(found, key) for key in ("version", "description", "license")}
        return found._replace(name=self.pack.name, elsewhere=self.pack.elsewhere, **said)

    def pinned(self, locked: LockedPack) -> ReleaseRef | None:
        """The locked state; None if the marketplace leads to another repository now."""
        if locked.repository != self._source.where:
            return None
        ref = self._source.pinned(self.pack.name, locked._replace(repository=""))
        return ref and ref._replace(repository=locked.repository)

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        """The agent files of a state."""
        return self._source.read(ref._replace(repository=""))

    def unsigned(self, ref: ReleaseRef) -> str | None:
        """Why a state does not count as signed; None if it does."""
        return self._source.unsigned(ref._replace(repository=""))

    def released(self, ref: ReleaseRef) -> int | None:
        """When a release of the plugin was made, in seconds since 1970 (UTC); None if unknown."""
        return self._source.released(ref._replace(repository=""))


class Plugins:
    """The plugins in other repositories of one place."""

    def __init__(self, name: str, remote: "Callable[[], Remote] | None") -> None:
        """`name` is the name of the source."""
        self._name = name
        self._remote = remote
        self._known: dict[PackName, Plugin] = {}

    def find(self, offered: Collection, pack: PackName) -> Plugin | None:
        """The plugin of this name; None if it is not in another repository that can be read."""
        found = offered.pack(pack)
        if found is None or found.elsewhere is None or self._remote is None:
            return None
        return self._known.setdefault(pack, Plugin(found, self._name, self._remote))
