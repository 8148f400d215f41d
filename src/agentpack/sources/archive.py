"""An archive as a source: of packs with `pack.yaml` at whatever depth, or of a collection; or of a bundle."""

import os
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Names
from functools import cached_property
from typing import TYPE_CHECKING

from agentpack.disk.atomic import read_start
from agentpack.errors import Refused, Unavailable
from agentpack.input.archives import MAX_ARCHIVE_BYTES, read_archive
from agentpack.input.file_names import MAX_BYTES, MAX_FILES, shown
from agentpack.model.lock import LockedPack
from agentpack.model.names import PackName, content_digest, kebab
from agentpack.model.pack import ReleaseRef
from agentpack.model.web_addresses import archive_name
from agentpack.sources.base import OnThisMachine
from agentpack.sources.bundle import Bundle, read_bundle
from agentpack.sources.collection import Collection, CollectionPack, collection, state_version
from agentpack.sources.elsewhere import Plugins
from agentpack.sources.pack_trees import PackRoot, pack_files, pack_roots, releases_in
from agentpack.sources.trees import MemoryTree

if TYPE_CHECKING:
    from agentpack.remote.access import Remote


class ArchiveSource(OnThisMachine):
    """The packs in one archive, which is read once. A folder around everything in it does not count."""

    def __init__(
        self,
        name: str,
        place: str,
        remote: "Callable[[], Remote] | None" = None,
        *,
        load: Callable[[], bytes] | None = None,
        sha256: str | None = None,
    ) -> None:
        """An archive.

        Args:
            place: its path, or its address if `load` reads it.
            remote: how plugins that it names on other machines are reached.
            sha256: what the archive must have, in hexadecimal.
        """
        self.name = name
        self.where = place
        self._plugins = Plugins(name, remote)
        self._load, self._sha256 = load, sha256
        self.is_remote = load is not None

    @property
    def is_missing(self) -> bool:
        return self._load is None and not os.path.exists(self.where)

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        try:
            data = read_start(self.where, MAX_ARCHIVE_BYTES + 1) if self._load is None else self._load()
        except OSError as error:
            raise Unavailable(f"{self._label} cannot be read: {error.strerror}") from None
        expected = f"sha256:{self._sha256}" if self._sha256 else None
        files = read_archive(data, self._label, expected=expected, several=True)
        tops = {path.partition("/")[0] for path in files}
        around = f"{next(iter(tops))}/" if len(tops) == 1 and not any("/" not in path for path in files) else ""
        return {path[len(around) :]: data for path, data in files.items()}

    @cached_property
    def bundle(self) -> Bundle | None:
        """What it is a bundle of; None for any other archive."""
        return None if self.is_missing else read_bundle(self._files, self._label)

    @cached_property
    def _tree(self) -> MemoryTree:
        return MemoryTree(self._files)

    @cached_property
    def _roots(self) -> tuple[PackRoot, ...]:
        """The packs with `pack.yaml`."""
        return self.bundle.roots if self.bundle else pack_roots(self._tree)

    @cached_property
    def collection(self) -> Collection:
        """What it offers without `pack.yaml`."""
        if self.is_missing:
            return Collection()
        if self.bundle:
            return self.bundle.collection
        return Collection() if self._roots else collection(self._tree, kebab(archive_name(self.where)))

    @property
    def _label(self) -> str:
        return shown(self.where, most=400)

    def packs(self) -> Names[PackName]:
        return dict.fromkeys(root.name for root in self._roots).keys()

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        found = releases_in(self._tree, self._roots, pack, self._label)
        return [ReleaseRef(pack, version, self.name, self.where) for version in found]

    def about(self, pack: PackName) -> CollectionPack | None:
        plugin = self._plugins.find(self.collection, pack)
        return plugin.about() if plugin else self.collection.pack(pack)

    def pinned(self, pack: PackName, locked: LockedPack) -> ReleaseRef | None:
        plugin = self._plugins.find(self.collection, pack) if locked.repository else None
        return plugin.pinned(locked) if plugin else None

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        if plugin := self._plugins.find(self.collection, pack):
            return plugin.state()
        found = self.collection.pack(pack)
        if found is None:
            return None
        version = state_version(found, content_digest(self._agents(found).items()))
        return ReleaseRef(pack, version, self.name, self.where, bare=True)

    def _agents(self, pack: CollectionPack) -> Mapping[str, bytes]:
        root = f"{pack.root}/" if pack.root else ""
        files = {path: self._files[root + path] for path in pack.agents}
        if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES:
            most = f"{MAX_FILES} agent files or {MAX_BYTES // 1024 // 1024} MiB"
            raise Refused(f"{self._label}: `{pack.name}` has more than {most}")
        return files

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        if plugin := self._plugins.find(self.collection, ref.pack):
            return plugin.read(ref)
        if ref.bare and (found := self.collection.pack(ref.pack)):
            return self._agents(found)
        root = releases_in(self._tree, self._roots, ref.pack, self._label)[ref.version]
        return pack_files(self._tree, root, self._label)

    def unsigned(self, ref: ReleaseRef) -> str | None:
        plugin = self._plugins.find(self.collection, ref.pack) if ref.repository else None
        return plugin.unsigned(ref) if plugin else None

    def released(self, ref: ReleaseRef) -> int | None:
        """When the file was last written; a copy looks younger than the original, never older. None for an address."""
        if plugin := self._plugins.find(self.collection, ref.pack):
            return plugin.released(ref)
        return int(os.lstat(self.where).st_mtime) if self._load is None else None
