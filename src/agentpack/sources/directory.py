"""A folder as a source: of packs with several releases, of packs, or one pack.

<folder>/<pack>/<version>/pack.yaml      releases side by side
<folder>/<pack>/<pack>-<version>.tgz     the same as an archive (.tar.gz, .tgz, .zip), also right in <folder>
<folder>/<pack>/pack.yaml                one release of each pack; several folders may have releases of one
<folder>/pack.yaml                       one pack

A folder with none of these is a collection (`collection.py`), and so is each folder directly in it that has agents.

A release may exist as a folder and as archives: the folder is read, else the first archive by path, and the others must
have the same contents. A link to another folder of the source is followed. One that leads out of it is refused and
never read: it would give the user's own files to whoever offers the packs.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from agentpack.disk.atomic import read_start
from agentpack.disk.real_paths import is_below, real_path
from agentpack.errors import Fault, InvalidFile, Refused, UsageError
from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, NOT_CONTENT, FileNames, UnsafePath, shown
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.names import MAX_VERSION, NO_VERSION, Digest, PackName, content_digest, is_junk, kebab, pack_name
from agentpack.model.pack import ARCHIVE_SUFFIXES, ReleaseRef
from agentpack.sources.base import OnThisMachine
from agentpack.sources.pack_manifest import MANIFEST, MAX_MANIFEST_BYTES, manifest_line

if TYPE_CHECKING:
    from agentpack.remote.access import Remote
    from agentpack.sources.base import Source
    from agentpack.sources.collection import Collection as AgentCollection
    from agentpack.sources.collection import CollectionPack
    from agentpack.sources.elsewhere import Plugin, Plugins
    from agentpack.sources.trees import FolderTree

Archives = Mapping[PackName, Sequence[tuple[Version, str]]]
"""The archives in one folder by pack name: version and path, in the order of their names."""


def open_source(source: ConfiguredSource, folder: str, remote: "Callable[[], Remote]") -> "Source":
    """A folder as a source, or an archive. Links in its path are kept."""
    path = os.path.normpath(os.path.join(folder, os.path.expanduser(source.place)))
    if path.endswith(ARCHIVE_SUFFIXES) and not os.path.isdir(path):
        from agentpack.sources.archive import ArchiveSource  # only where an archive is named

        return ArchiveSource(source.name, path, remote)
    # what two slashes at the start mean is left open by POSIX
    return DirectorySource(source.name, "/" + path.lstrip("/") if path.startswith("//") else path, remote)


class DirectorySource(OnThisMachine):
    """Packs below one folder. Reads lazily."""

    def __init__(self, name: str, folder: str, remote: "Callable[[], Remote] | None" = None) -> None:
        self.name = name
        self._remote = remote
        self.folder = folder
        self._held: dict[PackName, dict[Version, list[str]]] = {}
        self._states: dict[PackName, tuple[ReleaseRef, Mapping[str, bytes]] | None] = {}
        self._about: dict[PackName, CollectionPack] = {}

    @property
    def where(self) -> str:
        return self.folder

    @property
    def is_missing(self) -> bool:
        return not os.path.isdir(self.folder)

    @cached_property
    def collection(self) -> "AgentCollection":
        """What the folder offers where it has no pack of the layouts above."""
        from agentpack.sources.collection import Collection, collection  # only where agents without packs are wanted

        if self.is_missing or self._places or self._archives:
            return Collection()
        return collection(self._tree, self._place_name)

    def _plugin(self, pack: PackName) -> "Plugin | None":
        if not any(one.elsewhere for one in self.collection.packs):
            return None
        return self._plugins.find(self.collection, pack)

    @cached_property
    def _plugins(self) -> "Plugins":
        from agentpack.sources.elsewhere import Plugins  # only for a marketplace with plugins in other repositories

        return Plugins(self.name, self._remote)

    @cached_property
    def _tree(self) -> "FolderTree":
        from agentpack.sources.trees import FolderTree  # only where agents without packs are wanted

        return FolderTree(self.folder)

    @property
    def _place_name(self) -> str:
        from agentpack.sources.collection import AGENTS, telling_name

        return kebab(telling_name(self._root)) or AGENTS

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        if plugin := self._plugin(pack):
            return plugin.state()
        if pack not in self._states:
            self._states[pack] = self._state(pack)
        found = self._states[pack]
        return found and found[0]

    def every_state(self) -> list[ReleaseRef]:
        """The states of all packs of the collection, and of the folders directly in this one that hold agents, unless
        they are a pack's own.
        """
        known, folders = {*self.packs()}, [] if self._is_pack(self.folder) else sorted(_folders(self.folder))
        names = [pack.name for pack in self.collection.packs if not pack.elsewhere] or [
            name for entry in folders if (name := _name(entry)) and name not in known
        ]
        return [state for state in map(self.state_of, names) if state is not None]

    def about(self, pack: PackName) -> "CollectionPack | None":
        if plugin := self._plugin(pack):
            return plugin.about()
        return self._about.get(pack) if self.state_of(pack) else None

    def pinned(self, pack: PackName, locked: LockedPack) -> ReleaseRef | None:
        plugin = self._plugin(pack) if locked.repository else None
        return plugin.pinned(locked) if plugin else None

    def _state(self, pack: PackName) -> tuple[ReleaseRef, Mapping[str, bytes]] | None:
        from agentpack.sources.collection import collection, state_version
        from agentpack.sources.trees import FolderTree

        found, tree = self.collection.pack(pack), self._tree
        if found is None and pack == kebab(os.path.basename(self._root)) and len(self.collection.packs) == 1:
            found = self.collection.packs[0]._replace(name=pack)
        if found is None:
            folders = [name for name in sorted(_folders(self.folder)) if kebab(name) == pack]
            for folder in folders:
                root = f"{self.folder}/{folder}"
                self._refuse_outside(root)
                there = FolderTree(root)
                offered = collection(there, folder)
                if not offered.packs and offered.unread:
                    raise Refused(f"`{folder}` in the source `{self.name}` contains no agents", details=offered.unread)
                if found is None and len(offered.packs) == 1:
                    found, tree = offered.packs[0]._replace(name=pack), there
        if found is None:
            return None
        self._about[pack] = found
        place = f"{tree.folder}/{found.root}" if found.root else tree.folder
        files = tree.contents(found.root, found.agents)
        version = state_version(found, content_digest(files.items()))
        return ReleaseRef(pack, version, self.name, place, bare=True), files

    def packs(self) -> Collection[PackName]:
        return {**self._places, **dict.fromkeys(self._archives)}.keys()

    @cached_property
    def _entries(self) -> frozenset[str]:
        """The names directly in the folder, because many packs may be requested that are not there."""
        try:
            return frozenset(os.listdir(self.folder))
        except OSError:
            return frozenset()

    @cached_property
    def _archives(self) -> Archives:
        """The archives directly in the folder; if the folder is itself a pack, they are content."""
        found = _archives(self.folder)
        return found if found and not self._is_pack(self.folder) else {}

    @cached_property
    def _places(self) -> dict[PackName, list[str]]:
        """The folders of each pack: those of its manifests, or that of its versions."""
        if self._is_pack(self.folder):
            name = self._name_of(self.folder)
            return {name: [self.folder]} if name else {}
        found: dict[PackName, list[str]] = {}
        for entry in sorted(_folders(self.folder)):
            place = f"{self.folder}/{entry}"
            if self._leads_out(place):
                if (name := _name(entry)) is not None:  # whoever asks for it is told
                    found.setdefault(name, []).append(place)
            elif self._is_pack(place) or any(
                _version(part) and self._is_pack(f"{place}/{part}") for part in _folders(place)
            ):
                name = self._name_of(place)
                if name is not None:
                    found.setdefault(name, []).append(place)
            elif (name := _name(entry)) is not None and name in _archives(place):
                found.setdefault(name, []).append(place)
        return found

    @cached_property
    def _root(self) -> str:
        return real_path(self.folder)

    def _leads_out(self, place: str) -> bool:
        """Whether a folder, or its manifest, is a link out of the source."""
        return not all(is_below(real_path(path), self._root) for path in (place, f"{place}/{MANIFEST}"))

    def _refuse_outside(self, place: str) -> None:
        if self._leads_out(place):
            link = os.path.relpath(place, self.folder)
            raise Refused(
                f"`{shown(link)}` in the source `{self.name}` is a link that leads out of the source",
                details=(f"{shown(place, most=400)} leads out of {shown(self._root, most=400)}",),
                hint="copy the folder there, or add the folder it leads to as a separate source",
            )

    def _is_pack(self, folder: str) -> bool:
        return os.path.isfile(f"{folder}/{MANIFEST}")

    def _name_of(self, folder: str) -> PackName | None:
        """The name of the pack in a folder: from its manifest, or else the folder's name; None if it is not valid."""
        told = None if self._leads_out(folder) else _manifest_value(folder, "name")
        return _name(os.path.basename(folder) if told is None else told)

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        self._held[pack] = held = self._look(pack)
        return [ReleaseRef(pack, version, self.name, places[0]) for version, places in held.items()]

    def _look(self, pack: PackName) -> dict[Version, list[str]]:
        """The places of each version of a pack, the one to read first.

        Raises:
            Refused: a link on the way leads out of the source.
        """
        found: dict[Version, list[str]] = {}
        if pack in self._entries:
            self._refuse_outside(f"{self.folder}/{pack}")
            found = _versions(pack, f"{self.folder}/{pack}")
        for place in () if found else self._places.get(pack, ()):
            self._refuse_outside(place)
            there = {self._version_of(place): [place]} if self._is_pack(place) else _versions(pack, place)
            for version, places in there.items():
                found.setdefault(version, []).extend(places)
        for version, path in self._archives.get(pack, ()):
            found.setdefault(version, []).append(path)
        for place in (place for places in found.values() for place in places):
            self._refuse_outside(place)
        return found

    def _version_of(self, folder: str) -> Version:
        told = _manifest_value(folder, "version")
        version = _version(told or "")
        if version is None:
            message = f"`{told}` is {NO_VERSION}" if told else "there is no line such as `version: 1.2.0`"
            raise _no_version(f"{shown(folder, most=400)}/{MANIFEST}", message)
        return version

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        if ref.repository and (plugin := self._plugin(ref.pack)):
            return plugin.read(ref)
        if ref.bare:
            state = self._states[ref.pack] if self.state_of(ref.pack) else None
            return state[1] if state else {}
        files = _read(ref.place)
        if ref.pack not in self._held:
            self.releases(ref.pack)
        others = [place for place in self._held[ref.pack].get(ref.version, ()) if place != ref.place]
        if others:
            mine = content_digest(files.items())
            for other in others:
                _check_same(ref, mine, other, content_digest(_read(other).items()))
        return files

    def unsigned(self, ref: ReleaseRef) -> str | None:
        plugin = self._plugin(ref.pack) if ref.repository else None
        return plugin.unsigned(ref) if plugin else None

    def released(self, ref: ReleaseRef) -> int | None:
        """The newest modification time of its files, or None: a copy looks younger than the original, never older."""
        if ref.repository and (plugin := self._plugin(ref.pack)):
            return plugin.released(ref)
        if ref.bare:
            times = [int(os.stat(f"{ref.place}/{path}").st_mtime) for path in self.read(ref)]
            return max(times, default=None)
        if not os.path.isdir(ref.place):
            return int(os.lstat(ref.place).st_mtime)
        times = [int(entry.stat(follow_symlinks=False).st_mtime) for _, entry in _walk(ref.place, "", FileNames())]
        return max(times, default=None)


def _manifest_value(folder: str, key: str) -> str | None:
    """The raw value of `key:` in pack.yaml, found without parsing YAML; None if absent."""
    manifest = f"{folder}/{MANIFEST}"
    return manifest_line(read_start(manifest, MAX_MANIFEST_BYTES), key) if os.path.isfile(manifest) else None


def _versions(pack: PackName, place: str) -> dict[Version, list[str]]:
    """The places of each version in a folder of one pack's releases."""
    found: dict[Version, list[str]] = {}
    for entry in sorted(_folders(place)):
        version = _version(entry)
        if version is not None and os.path.isfile(f"{place}/{entry}/{MANIFEST}"):
            found.setdefault(version, []).append(f"{place}/{entry}")
    for version, path in _archives(place).get(pack, ()):
        found.setdefault(version, []).append(path)
    if not found and not os.path.isfile(f"{place}/{MANIFEST}"):
        for entry in sorted(_folders(place)):
            if os.path.isfile(f"{place}/{entry}/{MANIFEST}") and _manifest_value(f"{place}/{entry}", "name") == pack:
                raise _no_version(shown(f"{place}/{entry}", most=400), f"the folder's name `{entry}` is {NO_VERSION}")
    return found


def _no_version(where: str, message: str) -> InvalidFile:
    return InvalidFile([Fault(where, 0, "version", message)])


def _check_same(ref: ReleaseRef, mine: Digest, other: str, theirs: Digest) -> None:
    if mine != theirs:
        raise Refused(
            f"there are two different copies of {ref.pack} {ref.version}",
            details=(f"{mine}  {shown(ref.place, most=400)}", f"{theirs}  {shown(other, most=400)}"),
            hint="remove the copy that was not released",
        )


def _read(place: str) -> Mapping[str, bytes]:
    if not place.endswith(ARCHIVE_SUFFIXES) or os.path.isdir(place):
        return read_tree(place)
    from agentpack.input.archives import MAX_ARCHIVE_BYTES, UnsafeArchive, read_archive

    name = os.path.basename(place)
    if not stat.S_ISREG(os.lstat(place).st_mode):
        raise UnsafeArchive(f"{shown(place, most=400)} is not a regular file", hint="put the archive itself there")
    files = read_archive(_content(place, MAX_ARCHIVE_BYTES), place, prefix=_stem(name))
    if MANIFEST not in files:
        raise UnsafeArchive(
            f"{shown(place, most=400)} contains no `{MANIFEST}`",
            hint=f"`pack.yaml` must be at the top of the archive, or in its only folder `{shown(_stem(name))}`",
        )
    return files


def read_tree(folder: str) -> dict[str, bytes]:
    """All regular files below a folder by POSIX path, except junk. Links and special files are refused.

    Raises:
        Refused: a link, a device, or more than a pack may contain.
        UnsafePath: a name that no pack may contain.
        OSError: something cannot be read.
    """
    files: dict[str, bytes] = {}
    names = FileNames()
    total = 0
    for path, entry in _walk(folder, "", names):
        mode = entry.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "not a regular file"
            raise Refused(f"{folder}: `{shown(path)}` is {kind}", hint="a pack may contain only regular files")
        if fault := names.add(path):
            raise _unsafe(folder, path, fault)
        data = _content(entry.path, MAX_FILE_BYTES)
        if len(data) > MAX_FILE_BYTES:
            raise Refused(f"{folder}: `{shown(path)}` is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB")
        total += len(data)
        files[path] = data
        if len(files) > MAX_FILES or total > MAX_BYTES:
            raise Refused(f"{folder}: more than {MAX_FILES} files or {MAX_BYTES // 1024 // 1024} MiB")
    return files


def _unsafe(folder: str, path: str, fault: str) -> UnsafePath:
    return UnsafePath(
        f"{folder}: `{shown(path)}`: {fault}", hint="rename the file, so that the pack works on every system"
    )


def _content(path: str, most: int) -> bytes:
    """A file's bytes, up to just past the limit. Uses descriptors: file objects take twice as long."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        data = os.read(descriptor, 1 << 16)
        if len(data) < 1 << 16:
            return data
        parts, size = [data], len(data)
        while size <= most and (data := os.read(descriptor, 1 << 20)):
            parts.append(data)
            size += len(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _walk(folder: str, prefix: str, names: FileNames) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NOT_CONTENT:
                    if fault := names.folder(prefix + entry.name):
                        raise _unsafe(folder, prefix + entry.name, fault)
                    yield from _walk(entry.path, f"{prefix}{entry.name}/", names)
            elif not is_junk(entry.name):
                yield prefix + entry.name, entry


def _archives(folder: str) -> Archives:
    """The archives directly in a folder."""
    found: dict[PackName, list[tuple[Version, str]]] = {}
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(ARCHIVE_SUFFIXES) and not is_junk(name))
    except OSError:
        return {}
    for name in names:
        spelled, _, text = _stem(name).rpartition("-")
        version, pack = _version(text), _name(spelled) if spelled else None
        if version is not None and pack is not None and not os.path.isdir(f"{folder}/{name}"):
            found.setdefault(pack, []).append((version, f"{folder}/{name}"))
    return found


def _stem(name: str) -> str:
    """An archive's name without its suffix."""
    return next((name.removesuffix(suffix) for suffix in ARCHIVE_SUFFIXES if name.endswith(suffix)), name)


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []


def _version(text: str) -> Version | None:
    try:
        return Version(text) if text[:1].isdigit() and len(text) <= MAX_VERSION else None
    except InvalidVersion:
        return None


def _name(text: str) -> PackName | None:
    try:
        return pack_name(text)
    except UsageError:
        return None
