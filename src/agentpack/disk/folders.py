"""From a path to the open folder it lies in.

Decides what a path may look like, and what may be followed on the way: each folder is opened by itself, relative to
the one above it and without following links, so a folder swapped for a link a moment later changes nothing. A link
is followed when it leads to somewhere below the same root.
"""

import errno
import os
import stat
from collections.abc import Mapping
from typing import Self

from agentpack.errors import Bug, Refused, Unavailable

OPEN_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_MOST_FOLDERS = 100  # descriptors kept open; the usual limit of a process is 256 (macOS) or 1024
_HINTS = {
    errno.ENOSPC: "free some space, then run the command again",
    errno.EDQUOT: "your quota is used up: free some space, then run the command again",
    errno.EACCES: "change its permissions or its owner, then run the command again",
    errno.EPERM: "change its permissions or its owner, then run the command again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EISDIR: "a folder is in the way: move it elsewhere",
    errno.ELOOP: "a link is in the way: move it elsewhere",
    errno.EIO: "the disk reports a fault: look at the system's log",
}


class Folders:
    """Named roots and the folders below them."""

    def __init__(self, roots: Mapping[str, str], *, follow_own_links: bool = False) -> None:
        self._open: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self._follow_own_links = follow_own_links
        self._roots = {name: os.path.abspath(folder) for name, folder in roots.items()}
        self._prefixes = {name: self._prefix(name) for name in self._roots}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # descriptors are not objects: nothing else would close them

    def close(self) -> None:
        """Close the folders kept open. The disk remains usable: they are opened, and looked at, again when needed."""
        while self._open:
            os.close(self._open.popitem()[1])

    # -- names ---------------------------------------------------------------------------------------------------------

    def where(self, path: str) -> str:
        """The absolute path, for people and other programs."""
        head, _, rest = path.partition("/") if path.startswith("$") else ("", "", path)
        root = self._root(head)
        return os.path.join(root, rest) if rest else root

    def has_root(self, name: str) -> bool:
        """Whether paths can start with this root."""
        return name in self._roots

    def _root(self, name: str) -> str:
        try:
            return self._roots[name]
        except KeyError:
            raise Bug(f"no root named `{name}`") from None

    def _prefix(self, name: str) -> str:
        """The root as a path below the closest other root around it, so that links on the way are looked at too."""
        mine = self._roots[name]
        others = {other: root for other, root in self._roots.items() if root != mine}  # `/` would lie around itself
        around = [other for other, root in others.items() if mine.startswith(root.rstrip("/") + "/")]
        if not around:
            return name
        outer = max(around, key=lambda other: len(self._roots[other]))
        rest = mine[len(self._roots[outer].rstrip("/")) + 1 :]
        above = self._prefix(outer)
        return f"{above}/{rest}" if above else rest

    def plain(self, folder: str) -> str:
        """The same path, named from the outermost root around it."""
        if not folder.startswith("$"):
            return folder
        head, slash, rest = folder.partition("/")
        self._root(head)
        return self._prefixes[head] + slash + rest

    def _split(self, path: str) -> tuple[str, str]:
        folder, _, leaf = path.rpartition("/")
        if leaf in ("", ".", "..") or "\0" in leaf or (not folder and path.startswith(("/", "$"))):
            raise Refused(f"`{path}` is not a path below a root")
        return folder, leaf

    # -- folders -------------------------------------------------------------------------------------------------------

    def _folder(self, folder: str) -> int:
        """The descriptor of a folder, opened component by component.

        Raises:
            OSError: there is none, or it cannot be opened.
            Refused: a link on the way leads out of the root.
        """
        found = self._open.get(folder)
        if found is None:
            plain = self.plain(folder)
            found = self._folder(plain) if plain != folder else self._enter(folder)
            if plain != folder:
                found = os.dup(found)
            if len(self._open) >= _MOST_FOLDERS:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[folder] = found
        return found

    def _enter(self, folder: str) -> int:
        if folder == "" or (folder[0] == "$" and "/" not in folder):
            return os.open(self._root(folder), OPEN_FOLDER)  # a root is where its owner says, link or not
        parent, name = self._split(folder)
        above = self._folder(parent)
        try:
            return os.open(name, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=above)
        except OSError as error:
            # Linux says ENOTDIR of a link opened like this, macOS ELOOP, FreeBSD EMLINK.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):
                raise
            found = os.stat(name, dir_fd=above, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                raise
        inside, real = self._target(folder, found.st_uid)
        return os.dup(self._folder(inside)) if inside is not None else os.open(real, OPEN_FOLDER | os.O_NOFOLLOW)

    def _target(self, path: str, owner: int) -> tuple[str | None, str]:
        """Where a link leads: as a path of ours when that is below its root, and as a real path.

        Raises:
            Refused: it leads out of the root, and is not the user's own or such links are not followed.
        """
        root = path.partition("/")[0] if path.startswith("$") else ""
        base, real = os.path.realpath(self._roots[root]), os.path.realpath(self.where(path), strict=True)
        if real == base:
            return root, real
        if real.startswith(base.rstrip("/") + "/"):
            rest = real[len(base.rstrip("/")) + 1 :]
            return (f"{root}/{rest}" if root else rest), real
        if not (self._follow_own_links and owner in (os.geteuid(), 0)):
            raise Refused(
                f"`{self.where(path)}` is a link that leads out of `{self._roots[root]}`",
                details=(f"it leads to {real}",),
                hint="put a real folder or file in its place",
            )
        self.links[path] = real
        return None, real

    def same_folder(self, folder: str) -> bool:
        """Whether the path still leads to the folder that was opened under it."""
        try:
            opened, there = os.fstat(self._folder(folder)), os.stat(self.where(folder))
        except OSError:
            return False
        return (opened.st_dev, opened.st_ino) == (there.st_dev, there.st_ino)

    def missing(self, folder: str) -> list[str]:
        """The folders to make before this one exists, outermost first."""
        gone: list[str] = []
        folder = self.plain(folder)
        while True:
            try:
                self._folder(folder)
                break
            except FileNotFoundError:
                gone.append(folder)
            except NotADirectoryError as error:
                raise self._in_the_way(folder) from error
            except OSError as error:
                raise self.failure("open", folder, error) from error
            if folder in self._roots:
                break
            folder = folder.rpartition("/")[0]
        return gone[::-1]

    def inode(self, folder: str) -> int:
        """The number of the folder's inode: a name for it that survives moving it."""
        try:
            return os.fstat(self._folder(folder)).st_ino
        except OSError as error:
            raise self.failure("open", folder, error) from error

    # -- errors --------------------------------------------------------------------------------------------------------

    def failure(self, verb: str, path: str, error: OSError) -> Unavailable:
        """The error of a system call in our words."""
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno) if error.errno is not None else None
        return Unavailable(f"cannot {verb} `{self.where(path)}`: {reason}", hint=hint)

    def _in_the_way(self, folder: str) -> Refused:
        return Refused(f"`{self.where(folder)}` is in the way: it is not a folder", hint="move it elsewhere")
