"""All access to files goes through here.

Turns a path into an open file, and makes the system calls that change the disk. What is written, and in which order, is
decided in `store` and `apply`.

A path is POSIX text relative to a named root: `.claude/agents/x.md` below the root `""`, `$config/agentpack.yaml` below
the root `$config`. `folders.py` decides which links may be followed, `observe.py` reads, this module changes. Every
call that changes the disk goes through `Disk.system`, so that a test can count them and stop at the nth.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, ParamSpec, Protocol, TypeVar

from agentpack.disk import unsupported
from agentpack.disk.chown import Owner, owner_of, owner_of_new, set_owner
from agentpack.disk.folders import BEHIND, OPEN_FOLDER
from agentpack.disk.observe import OPEN_FILE, FileInfo, Identity, Observer, Stamp
from agentpack.disk.ownership import user_name
from agentpack.errors import Bug, Refused, Unavailable

__all__ = ["FEW", "Disk", "FileInfo", "GrowingFile", "Identity", "Owner", "Stamp"]

FEW = 16
"""Up to this many files and folders are synced one by one; more with one call for their whole file system."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


StateOwner = Literal["nobody", "ours", "bare", "foreign"]
"""Who made a state folder: `nobody` (there is none), `ours` (this user), `bare` (nothing recorded in it) or `foreign`
(it came from elsewhere)."""


class OwnStates(Protocol):
    """The state folders this user made; implemented by `known_states.py`."""

    moved_to: str

    def file_of(self, state: str) -> str: ...
    def maker_of(self, state: str, project: str) -> StateOwner: ...
    def register(self, project: str) -> tuple[str, str]: ...
    def forget(self, name: str) -> None: ...
    def exclusive(self) -> AbstractContextManager[None]: ...


class Disk(Observer):
    """Files below named roots. The folder of a root need not exist: it is created on the first write.

    `follow_own_links` also follows links out of a root if the link and its target belong to the current user, as when
    `~/.claude` is a link to a dotfiles folder. `links` lists the links followed: path -> real path.
    """

    def __init__(self, roots: Mapping[str, str], *, follow_own_links: bool = False) -> None:
        super().__init__(roots, follow_own_links=follow_own_links)
        self.lacks: dict[str, str] = {}
        """What is not as usual here and was gone on without (locks, owners, a state that is believed): a note for the
        user, by what it is."""
        self.known_states: OwnStates | None = None
        """Says whose the state folder is, where it can come from elsewhere: in a project."""
        self._is_root = os.geteuid() == 0
        self._made_above: list[str] = []
        self._unsynced: list[str] = []

    def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make one system call that changes the disk; retry if interrupted (Python retries only some calls)."""
        while True:
            try:
                return call(*args, **kwargs)
            except InterruptedError:
                continue

    def create(self, path: str, data: bytes, *, mode: int | None = None, owner: Owner | None = None) -> int:
        """Write a new file in an existing folder. Returns its permission bits.

        `mode` None follows the umask. `owner` is the owner of the file it will replace; with None and as root, the file
        goes to the folder's owner.
        """
        try:
            descriptor, found = self._new(path, mode, owner)
            try:
                self._write(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self.failure("write", path, error) from error
        return found

    def grow(self, path: str) -> "GrowingFile":
        """Create a file that is written piece by piece."""
        try:
            return GrowingFile(self, path, self._new(path, None, None)[0])
        except OSError as error:
            raise self.failure("write", path, error) from error

    def _new(self, path: str, mode: int | None, owner: Owner | None) -> tuple[int, int]:
        """A descriptor of a new file, and its permission bits. Raises OSError."""
        folder, leaf = self._split(path)
        above = self._folder(folder)
        bits = 0o666 & self._at_most(path) if mode is None else mode & 0o777
        descriptor = self.system("create", os.open, leaf, _NEW, bits, dir_fd=above)
        try:
            status = os.fstat(descriptor)
            self._give(path, descriptor, status, above, owner)
            return descriptor, self._set_mode(descriptor, stat.S_IMODE(status.st_mode), mode)
        except BaseException:
            os.close(descriptor)
            raise

    def _at_most(self, path: str) -> int:
        """The most permissions a new file or folder may get: not writable for others if agentpack keeps its own state
        there.
        """
        plain = self.canonical(path)
        ours = any(plain.startswith(mine) or mine.startswith(f"{plain}/") for mine in self._ours)
        return 0o775 if ours else 0o777

    def _set_mode(self, descriptor: int, found: int, mode: int | None) -> int:
        # No umask keeps us from our own files, and no record makes a program that runs as its owner.
        wanted = found | 0o600 if mode is None else mode & 0o777
        if found == wanted:
            return found
        try:
            self.system("chmod", os.fchmod, descriptor, wanted)
        except OSError as error:
            if error.errno not in unsupported.MODES:
                raise
        return stat.S_IMODE(os.fstat(descriptor).st_mode)

    def _give(self, path: str, descriptor: int, found: os.stat_result, above: int, owner: Owner | None) -> None:
        """Give a new file or folder to its owner: the owner of the file it replaces, else of the folder root works
        in.
        """
        if owner is None and self._is_root:
            owner = owner_of_new(above)
        kept = owner is None or (owner_of(found) if self._is_root else (owner[0], found.st_gid)) == owner
        if owner is None or kept or self.system("chown", set_owner, descriptor, owner) or not self._is_root:
            return
        self.lacks.setdefault(
            "owners", unsupported.no_owners(self.absolute(path.rpartition("/")[0]), user_name(owner[0]))
        )

    def open_to_lock(self, path: str, *, create: bool, write: bool = True) -> int | None:
        """A descriptor for a process lock; None if the file does not exist and `create` is False.

        `write` False only asks about the lock, and also works on a read-only disk.
        """
        folder, leaf = self._split(path)
        flags = (
            (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        )  # not blocking: it may be somebody's pipe
        try:
            above = self._folder(folder)
            if create:
                bits = 0o666 & self._at_most(path)
                descriptor = self.system("create", os.open, leaf, flags | os.O_CREAT, bits, dir_fd=above)
                found = os.fstat(descriptor)
                if found.st_nlink == 1 and stat.S_ISREG(found.st_mode):
                    self._give(path, descriptor, found, above, None)
                    self._set_mode(descriptor, stat.S_IMODE(found.st_mode), None)
            else:
                descriptor = os.open(leaf, flags, dir_fd=above)
        except (FileNotFoundError, NotADirectoryError) as error:
            if create:
                raise self.failure("write", path, error) from error
            return None
        except OSError as error:
            seen = self.look(path)
            if seen is not None and seen.kind != "file":
                raise self._no_lock(path) from error
            raise self.failure("write", path, error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._no_lock(path)
        return descriptor

    def _no_lock(self, path: str) -> Refused:
        return Refused(f"`{self.absolute(path)}` is not a file, but a file belongs there", hint="remove it")

    def rename(self, source: str, target: str) -> None:
        """Rename a file within its folder, replacing any existing one: the only step that readers see."""
        folder, old = self._split(source)
        other, new = self._split(target)
        if folder != other:
            raise Bug(f"a rename across folders: {source} to {target}")
        try:
            descriptor = self._folder(folder)
            self.system("rename", os.rename, old, new, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        except OSError as error:
            raise self.failure("replace", target, error) from error

    def unlink(self, path: str) -> bool:
        """Delete a file (a link, never its target). Returns whether it existed."""
        folder, leaf = self._split(path)
        try:
            self.system("unlink", os.unlink, leaf, dir_fd=self._folder(folder))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self.failure("delete", path, error) from error
        return True

    def mkdir(self, folder: str) -> None:
        """Create one folder unless it exists. For a root, also the folders above it."""
        try:
            if folder in self._roots:
                self._make_root(folder)
                return
            if folder.endswith(BEHIND):
                raise Refused(
                    f"a link leads to `{self.absolute(folder)}`, which no longer exists", hint="remove the link"
                )
            parent, name = self._split(folder)
            self._new_folder(folder, name, self._folder(parent))
        except FileExistsError as error:
            try:
                self._folder(folder)
            except OSError:
                raise self._in_the_way(folder) from error
        except OSError as error:
            raise self.failure("make", folder, error) from error

    def _make_root(self, name: str) -> None:
        gone, folder = [], self._roots[name]
        while not os.path.isdir(folder):
            gone.append(folder)
            folder = os.path.dirname(folder)
        for folder in reversed(gone):
            above = os.open(os.path.dirname(folder), OPEN_FOLDER)
            try:
                self._new_folder(name, os.path.basename(folder), above)
            finally:
                os.close(above)
            self._made_above.append(folder)
            # Not synced right here: that could make temporary files durable before the notes that tell of them.
            self._unsynced.append(os.path.dirname(folder))

    def _new_folder(self, path: str, name: str, above: int) -> None:
        self.system("mkdir", os.mkdir, name, self._at_most(path), dir_fd=above)
        found = os.stat(name, dir_fd=above, follow_symlinks=False)
        if ~found.st_mode & 0o700:
            self.system("chmod", os.chmod, name, stat.S_IMODE(found.st_mode) | 0o700, dir_fd=above)
        if self._is_root:
            descriptor = os.open(name, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=above)
            try:
                self._give(path, descriptor, found, above, None)
            finally:
                os.close(descriptor)

    def rmdir(self, folder: str) -> bool:
        """Remove a folder if it is empty. Returns whether it is gone."""
        for name in [name for name in self._open if name == folder or name.startswith(folder + "/")]:
            os.close(self._open.pop(name))
        try:
            if folder in self._roots and self._prefixes[folder] == folder:
                self._remove_root(folder)
            else:
                parent, name = self._split(folder)
                self.system("rmdir", os.rmdir, name, dir_fd=self._folder(parent))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise self.failure("remove", folder, error) from error
        return True

    def _remove_root(self, name: str) -> None:
        folder = self._roots[name]
        self.system("rmdir", os.rmdir, folder)
        self._unsynced.clear()
        above = os.path.dirname(folder)
        while above in self._made_above:
            self.system("rmdir", os.rmdir, above)
            above = os.path.dirname(above)

    def make_durable(self, files: Collection[str], folders: Collection[str]) -> None:
        """Sync the contents of these files and the names in these folders to disk.

        A few are synced one by one, in order; more with one call for each file system, where the system offers that.
        Folders created above a root are synced too.
        """
        call = _syncfs() if len(files) + len(folders) > FEW else None
        around = {*folders, *(path.rpartition("/")[0] for path in files)}
        if call is None or not self._sync_file_systems(call, around):
            self._sync_each(files, folders)
        while folders and self._unsynced:
            self._sync_outside(self._unsynced[-1])
            self._unsynced.pop()

    def _sync_each(self, files: Iterable[str], folders: Iterable[str]) -> None:
        for path in files:
            folder, leaf = self._split(path)
            try:
                descriptor = os.open(leaf, OPEN_FILE, dir_fd=self._folder(folder))
                try:
                    self._fsync(descriptor, path)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise self.failure("write", path, error) from error
        for folder in folders:
            try:
                self._fsync(self._folder(folder), folder)
            except OSError as error:
                raise self.failure("write", folder, error) from error

    def _sync_outside(self, folder: str) -> None:
        try:
            descriptor = os.open(folder, OPEN_FOLDER)
            try:
                self._fsync(descriptor, "")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Unavailable(f"cannot write `{folder}`: {error.strerror}") from error

    def _sync_file_systems(self, call: Callable[[int], None], folders: Iterable[str]) -> bool:
        """Sync whole file systems. Returns whether that was possible."""
        done: set[int] = set()
        for folder in folders:
            try:
                descriptor = self._folder(folder)
                device = os.fstat(descriptor).st_dev
                if device not in done:
                    self.system("syncfs", call, descriptor)
                    done.add(device)
            except OSError as error:
                if error.errno in unsupported.SYNC:
                    return False
                raise self.failure("write", folder, error) from error
        return True

    def _fsync(self, descriptor: int, path: str) -> None:
        if self.system("fsync", unsupported.sync, descriptor) is False:
            self.lacks.setdefault("sync", unsupported.no_sync(self.absolute(path.rpartition("/")[0])))

    def _write(self, descriptor: int, data: bytes) -> None:
        written = self.system("write", os.write, descriptor, data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[self.system("write", os.write, descriptor, rest) :]


class GrowingFile:
    """A file being written: `append`, then `close`."""

    def __init__(self, disk: Disk, path: str, descriptor: int) -> None:
        self._disk, self._path, self._descriptor = disk, path, descriptor

    def append(self, data: bytes) -> None:
        """Write at the end."""
        try:
            self._disk._write(self._descriptor, data)
        except OSError as error:
            raise self._disk.failure("write", self._path, error) from error

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            os.close(descriptor)
        except OSError as error:
            raise self._disk.failure("write", self._path, error) from error


def _syncfs() -> Callable[[int], None] | None:
    """The system call that syncs a whole file system (Python has no function for it); None if there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes  # a few milliseconds: only when many files are written

        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, AttributeError):
        return None

    def call(descriptor: int) -> None:
        if function(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return call
