"""What is at a path: contents, digests, and cheap signatures that show whether something changed.

Decides when a file need not be read again. Changes nothing on disk.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from agentpack.disk.chown import Owner, owner_of
from agentpack.disk.folders import Folders
from agentpack.disk.real_paths import real_path
from agentpack.errors import Refused, Unavailable
from agentpack.model.line_ends import as_lf
from agentpack.model.names import Digest, digest_of
from agentpack.model.variables import root_of

Stamp = tuple[int, int, int, int, int, int]
"""Values that change when a file does: device, inode, mode, size, and the times of its content and its inode."""

OPEN_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # not blocking: it may be somebody's pipe
# A clock tick of a file system is at most 10 ms: a file changed longer ago than this cannot change again unseen.
_SETTLED = 100_000_000
MAX_READ_BYTES = 64 * 1024 * 1024
"""Largest file read into memory. Larger ones are only compared by stat."""
MAX_TEXT_BYTES = 8 * 1024 * 1024
"""Above this size, line ends count as differences."""
_PIECE = 1 << 20


class FileInfo(NamedTuple):
    """What is at a path: a `file`, `link`, `folder` or `other`, with its permissions and owner.

    Only a `file` has a digest.
    """

    kind: str
    digest: Digest | None
    mode: int
    size: int
    stamp: Stamp
    owner: Owner
    text: Digest | None
    """The digest for comparing: see `names.text_digest`."""


class Identity(NamedTuple):
    """A place, identified by the deepest existing folder on its path and the path below that."""

    device: int
    inode: int
    rest: tuple[str, ...]

    def below(self, name: str) -> "Identity":
        """The identity of a name in this folder, if it is not a link."""
        return self._replace(rest=(*self.rest, name))


class Observer(Folders):
    """Named roots whose files can be read."""

    def __init__(self, roots: Mapping[str, str], *, follow_own_links: bool = False) -> None:
        super().__init__(roots, follow_own_links=follow_own_links)
        self._seen: dict[str, FileInfo] = {}
        self._identities: dict[str, Identity] = {}

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None if nothing is there. Links are followed under the same rules as for folders.

        Raises:
            Refused: not a regular file, or a link out of the root.
            Unavailable: it cannot be read.
        """
        folder, leaf = self._split(path)
        try:
            above = self._folder(folder)
            try:
                descriptor = os.open(leaf, OPEN_FILE, dir_fd=above)
            except OSError as error:
                found = os.stat(leaf, dir_fd=above, follow_symlinks=False)
                if not stat.S_ISLNK(found.st_mode):
                    raise self._no_file(path, found, error) from error
                if (place := self._place_of(path)) is not None:
                    return self.read(place)
                inside, _ = self._target(path, found)
                return self.read(inside) if inside is not None else None
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise self._no_file(path, found, None)
                if found.st_size > MAX_READ_BYTES:
                    raise Refused(
                        f"`{self.absolute(path)}` is larger than {MAX_READ_BYTES >> 20} MiB", hint="move it elsewhere"
                    )
                return _read_all(descriptor, found.st_size)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self.failure("read", path, error) from error

    def _no_file(self, path: str, found: os.stat_result, error: OSError | None) -> Refused | Unavailable:
        """The error for a path that cannot be read as a file."""
        if error is not None and stat.S_ISREG(found.st_mode):
            return self.failure("read", path, error)
        return Refused(f"`{self.absolute(path)}` is not a file", hint="move it elsewhere")

    def read_part(self, path: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer at the end of the file. A negative offset counts from the end.

        Raises:
            Unavailable: there is no such file, or it cannot be read.
        """
        folder, leaf = self._split(path)
        try:
            descriptor = os.open(leaf, OPEN_FILE, dir_fd=self._folder(folder))
            try:
                size = os.fstat(descriptor).st_size
                if offset < 0:
                    offset = max(0, size + offset)
                # What a damaged file says of itself may be any number.
                return os.pread(descriptor, min(length, size - offset), offset) if 0 <= offset < size else b""
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self.failure("read", path, error) from error

    def look(self, path: str) -> FileInfo | None:
        """What is at the path, with its digest; None if nothing is there.

        Follows the user's own links (in user scope) and reports their target, whose path `place` returns; reports any
        other link as a link. A file unchanged since the last look is not read again. A file too large to read gets a
        digest made from its stat.

        Raises:
            Refused: a link out of the root on the way.
            Unavailable: it cannot be read.
        """
        known = self._seen.get(path)
        if known is not None and self.stamp(path) == known.stamp:
            return known
        folder, leaf = self._split(path)
        try:
            above = self._folder(folder)
            try:
                descriptor = os.open(leaf, OPEN_FILE, dir_fd=above)
            except OSError as error:
                # A link (ELOOP, EMLINK), a socket (ENXIO, EOPNOTSUPP), or a file that cannot be read.
                if error.errno in (errno.ENOENT, errno.EACCES):
                    raise
                found = os.stat(leaf, dir_fd=above, follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    raise
                if stat.S_ISLNK(found.st_mode) and (place := self._place_of(path)) is not None:
                    return self.look(place)
                return _seen(found, None)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    return _seen(found, None)
                if found.st_size > MAX_READ_BYTES:
                    digest = digest_of(repr(_stamp(found)).encode())  # of no content: it differs from whatever is kept
                    text = digest
                else:
                    digest, text = _digests(descriptor, found.st_size)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self.failure("read", path, error) from error
        seen = _seen(found, digest, text)
        if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _SETTLED:
            self._seen[path] = seen
        return seen

    def stamp(self, path: str) -> Stamp | None:
        """The signature of what is at the path, for one system call; None if nothing is there."""
        folder, leaf = self._split(path)
        try:
            found = os.stat(leaf, dir_fd=self._folder(folder), follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode) and (place := self._place_of(path)) is not None:
                return self.stamp(place)
            return _stamp(found)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self.failure("read", path, error) from error

    def identity(self, path: str) -> "Identity":
        """A value that is equal for all names of one place, following links on the way and at the end."""
        found = self._identities.get(path)
        if found is None:
            found = self._identities[path] = _identity(real_path(self.absolute(path)))
        return found

    def is_below(self, path: str, folder: str) -> bool:
        """Whether a path leads to the absolute folder or below it, following links on the way."""
        real, above = real_path(self.absolute(path)), real_path(folder)
        return real == above or real.startswith(f"{above}/")

    def first_link(self, path: str) -> tuple[str, str] | None:
        """The first link on the path below its root or at its end, and its target; None without one."""
        root = root_of(path)
        rest = path[len(root) :].lstrip("/").split("/")
        for end in range(1, len(rest) + 1):
            step = os.path.join(self.roots[root], *rest[:end])
            if os.path.islink(step):
                return step, real_path(step)
        return None

    def entries(self, folder: str) -> list[str]:
        """The names in a folder, sorted; empty if the folder does not exist."""
        try:
            return sorted(os.listdir(self._folder(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self.failure("list", folder, error) from error


def _identity(real: str) -> Identity:
    rest: tuple[str, ...] = ()
    while True:
        try:
            found = os.stat(real)
            # A file is known by its folder and its name: with another name it is another place, as with a hard link.
            if stat.S_ISDIR(found.st_mode):
                return Identity(found.st_dev, found.st_ino, rest)
        except OSError:
            if real == os.path.dirname(real):
                return Identity(0, 0, rest)
        real, name = os.path.split(real)
        rest = (name, *rest)


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    return data + b"".join(islice(_pieces(descriptor), MAX_READ_BYTES >> 16))  # it grew or shrank under our eyes


def _digests(descriptor: int, size: int) -> tuple[Digest, Digest]:
    """The digests of the bytes and of the text."""
    if size <= MAX_TEXT_BYTES:
        data = _read_all(descriptor, size)
        digest, text = digest_of(data), as_lf(data)
        return digest, digest if text is data else digest_of(text)
    total = sha256()
    while piece := os.read(descriptor, _PIECE):
        total.update(piece)
    digest = Digest("sha256:" + total.hexdigest())
    return digest, digest


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, 1 << 16):
        yield piece


def _stamp(found: os.stat_result) -> Stamp:
    return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _seen(found: os.stat_result, digest: Digest | None, text: Digest | None = None) -> FileInfo:
    mode = found.st_mode
    kind = "file" if digest is not None else _kind(mode)
    return FileInfo(kind, digest, stat.S_IMODE(mode), found.st_size, _stamp(found), owner_of(found), text)
