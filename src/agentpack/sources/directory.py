"""A folder as a source: of packs with releases side by side, of packs, or one pack by itself.

<folder>/<pack>/<version>/pack.yaml      releases side by side
<folder>/<pack>/pack.yaml                one release of each pack
<folder>/pack.yaml                       one pack
<folder>/agents/*.md, <folder>/*.md      one bare pack (`pack.yaml` is absent), also a level deeper
"""

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence

from packaging.version import InvalidVersion, Version

from agentpack.errors import Refused, UsageError
from agentpack.model.names import PackName, pack_name
from agentpack.model.pack import ReleaseRef

MANIFEST = "pack.yaml"
BARE_VERSION = Version("0.0.0")
MAX_FILES = 2000
MAX_BYTES = 32 * 1024 * 1024
_NOT_CONTENT = frozenset((".git", ".hg", ".svn", ".jj"))


class DirectorySource:
    """Packs below one folder. Nothing is read before it is asked for."""

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.folder = folder

    @property
    def where(self) -> str:
        return self.folder

    def packs(self) -> Collection[PackName]:
        return self._places().keys()

    def _places(self) -> dict[PackName, str]:
        """The folder of each pack: that of its manifest, or that of its versions."""
        if self._is_pack(self.folder):
            name = self._name_of(self.folder)
            return {name: self.folder} if name else {}
        found: dict[PackName, str] = {}
        for entry in sorted(_folders(self.folder)):
            place = f"{self.folder}/{entry}"
            if self._is_pack(place) or any(_version(version) for version in _folders(place)):
                name = self._name_of(place)
                if name is not None:
                    found.setdefault(name, place)
        return found

    def _is_pack(self, folder: str) -> bool:
        return os.path.isfile(f"{folder}/{MANIFEST}") or bool(bare_agents(folder))

    def _name_of(self, folder: str) -> PackName | None:
        """A pack's name is its manifest's; reading that is left to `fetch`, so the folder's name stands for it where
        the layout says so.
        """
        manifest = f"{folder}/{MANIFEST}"
        if os.path.isfile(manifest):
            with open(manifest, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("name:"):
                        return _name(line.partition(":")[2].partition(" #")[0].strip().strip("\"'"))
        return _name(os.path.basename(folder))

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        side_by_side = f"{self.folder}/{pack}"
        versions = self._versions(pack, side_by_side)
        if versions:
            return versions
        place = self._places().get(pack)
        if place is None:
            return ()
        if not self._is_pack(place):
            return self._versions(pack, place)
        version = self._version_of(place)
        return () if version is None else (ReleaseRef(pack, version, self.name, place),)

    def _versions(self, pack: PackName, place: str) -> list[ReleaseRef]:
        found = []
        for entry in _folders(place):
            version = _version(entry)
            if version is not None and os.path.isfile(f"{place}/{entry}/{MANIFEST}"):
                found.append(ReleaseRef(pack, version, self.name, f"{place}/{entry}"))
        return found

    def _version_of(self, folder: str) -> Version | None:
        try:
            with open(f"{folder}/{MANIFEST}", encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("version:"):
                        return _version(line.partition(":")[2].partition(" #")[0].strip().strip("\"'"))
        except FileNotFoundError:
            return BARE_VERSION
        return None

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        return read_tree(ref.place)

    def released(self, ref: ReleaseRef) -> int | None:
        """When its newest file was changed last: a copy looks younger than what it was copied from, never older."""
        times = [int(entry.stat(follow_symlinks=False).st_mtime) for _, entry in _walk(ref.place, "")]
        return max(times, default=None)


def bare_agents(folder: str) -> list[str]:
    """The agent files of a bare pack, as POSIX paths: `agents/*.md`, else `*.md` at the top, that begin with front
    matter.
    """
    for below in ("agents/", ""):
        found = []
        try:
            names = sorted(os.listdir(f"{folder}/{below}"))
        except OSError:
            continue
        for name in names:
            if name.endswith(".md") and _has_front_matter(f"{folder}/{below}{name}"):
                found.append(below + name)
        if found:
            return found
    return []


def _has_front_matter(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(8).removeprefix(b"\xef\xbb\xbf").startswith(b"---")
    except OSError:
        return False


def read_tree(folder: str) -> dict[str, bytes]:
    """Every regular file below a folder, by POSIX path. Links and other things that are not files are refused.

    Raises:
        Refused: a link, a device, or more than a pack may hold.
        OSError: something cannot be read.
    """
    files: dict[str, bytes] = {}
    total = 0
    for path, entry in _walk(folder, ""):
        mode = entry.stat(follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "not a regular file"
            raise Refused(f"{folder}: `{path}` is {kind}", hint="a pack holds regular files only")
        data = _content(entry.path)
        total += len(data)
        files[path] = data
        if len(files) > MAX_FILES or total > MAX_BYTES:
            raise Refused(f"{folder}: more than {MAX_FILES} files or {MAX_BYTES // 1024 // 1024} MiB")
    return files


def _content(path: str) -> bytes:
    """A file's bytes, no more than just past what a pack may hold. Descriptors: file objects take as long again."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        data = os.read(descriptor, 1 << 16)
        if len(data) < 1 << 16:
            return data
        parts, size = [data], len(data)
        while size <= MAX_BYTES and (data := os.read(descriptor, 1 << 20)):
            parts.append(data)
            size += len(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_CONTENT:
                    yield from _walk(entry.path, f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []


def _version(text: str) -> Version | None:
    try:
        return Version(text) if text[:1].isdigit() else None
    except InvalidVersion:
        return None


def _name(text: str) -> PackName | None:
    try:
        return pack_name(text)
    except UsageError:
        return None
