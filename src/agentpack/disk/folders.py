"""From a path to the open folder it is in.

Decides what a path may look like and which links may be followed: each folder is opened separately, relative to the one
above and without following links, so that swapping a folder for a link meanwhile has no effect. A link is followed if
it leads to a place below the same root, or in user scope if it is the user's own (`ownership.py`).

A file that is such a link has a second name, its place: `.claude/agents/x.md->/y.md` is the file `y.md` in the folder
the link leads to. Its temporary files are there too, and renaming them into place keeps the link.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Self

from agentpack.disk.ownership import is_own, refuse_link, refuse_state
from agentpack.disk.real_paths import real_path
from agentpack.errors import Refused, Unavailable, UsageError
from agentpack.model.names import MAX_PARTS, is_reserved
from agentpack.model.variables import current_path, earlier_root, is_earlier, root_of, variable_of

BEHIND = "->"
"""Ends the name of the folder that a linked file leads to."""

OPEN_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_MOST_FOLDERS = 100  # descriptors kept open; the usual limit of a process is 256 (macOS) or 1024
_MOST_PARTS = 4 * MAX_PARTS  # each is opened by two calls within those of the one above it
_HINTS = {
    errno.ENOSPC: "free some space, then run the command again",
    errno.EDQUOT: "your quota is used up: free some space, then run the command again",
    errno.EACCES: "make it writable for your user, then run the command again",
    errno.EPERM: "make it writable for your user, then run the command again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EISDIR: "a folder is in the way: move it elsewhere",
    errno.ELOOP: "a link is in the way: move it elsewhere",
    errno.EIO: "the disk reports an error: check the system log",
}


class Folders:
    """Named roots and the folders below them."""

    def __init__(self, roots: Mapping[str, str], *, follow_own_links: bool = False) -> None:
        self._open: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._hidden = ""
        self._follow_own_links = follow_own_links
        self._roots = {name: os.path.abspath(folder) for name, folder in roots.items()}
        self._prefixes = {name: self._prefix(name) for name in self._roots}
        self._ours = tuple(self._prefixes[name] for name in ("$state", "$config") if name in self._roots)

    @property
    def roots(self) -> Mapping[str, str]:
        """The folder of each root."""
        return self._roots

    def has_root(self, path: str) -> bool:
        """Whether the root of a path has a folder: that of a variable has none while the variable is not set."""
        return root_of(path) in self._roots

    def hide(self, folder: str) -> None:
        """Treat a folder and everything in it as absent; an empty name ends that."""
        hidden = folder and self.canonical(folder)
        if hidden != self._hidden:
            self.close()
            self._hidden = hidden

    def add_roots(self, roots: Mapping[str, str]) -> None:
        """Add the folders that roots pointed to when a record was written and no longer do, under names of their own.

        Not in a project: what came with a clone reaches nothing outside of it.
        """
        for root, folder in roots.items() if self._follow_own_links else ():
            name = root if is_earlier(root) else earlier_root(root, folder)
            if self._roots.get(root) != folder and name not in self._roots and os.path.isabs(folder):
                self._roots[name] = folder
                self._prefixes[name] = self._prefix(name)

    def current_path(self, path: str, then: Mapping[str, str]) -> str:
        """Today's name of a path that was recorded while roots pointed there: see `model/variables.py`."""
        return current_path(path, then, self._roots, os.path.isdir)

    def movable_roots(self, paths: Iterable[str]) -> dict[str, str]:
        """The folders of those roots of these paths that may point elsewhere another day, to be stored in a record."""
        named = sorted({root_of(path) for path in paths} - {"", "$state"})
        return {root: self._roots[root] for root in named if root in self._roots}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # descriptors are not objects: nothing else would close them

    def close(self) -> None:
        """Close the open folders. The disk stays usable: they are opened again when needed."""
        while self._open:
            os.close(self._open.popitem()[1])

    # -- names ---------------------------------------------------------------------------------------------------------

    def absolute(self, path: str) -> str:
        """The absolute path, for people and other programs."""
        link, mark, behind = path.partition(BEHIND)
        if mark and self._follow_own_links:
            folder = os.path.dirname(real_path(self.absolute(link)))
            return folder + behind
        head, _, rest = path.partition("/") if path.startswith("$") else ("", "", path)
        root = self._root(head)
        return os.path.join(root, rest) if rest else root

    def _root(self, name: str) -> str:
        try:
            return self._roots[name]
        except KeyError:
            variable = variable_of(name)
            raise UsageError(
                f"the files in `{name}` were written while {variable} was set, and it is not set now",
                hint=f"set {variable} to the same folder as before, then repeat the command",
            ) from None

    def _prefix(self, name: str) -> str:
        """The root as a path below the closest other root around it, so that links on the way are checked too."""
        mine = self._roots[name]
        others = {other: root for other, root in self._roots.items() if root != mine}  # `/` would lie around itself
        around = [other for other, root in others.items() if mine.startswith(root.rstrip("/") + "/")]
        if not around:
            return name
        outer = max(around, key=lambda other: len(self._roots[other]))
        rest = mine[len(self._roots[outer].rstrip("/")) + 1 :]
        above = self._prefix(outer)
        return f"{above}/{rest}" if above else rest

    def canonical(self, folder: str) -> str:
        """The same path, named from the outermost root around it."""
        if not folder.startswith("$"):
            return folder
        head, slash, rest = folder.partition("/")
        self._root(head)
        return self._prefixes[head] + slash + rest

    def _split(self, path: str) -> tuple[str, str]:
        folder, _, leaf = path.rpartition("/")
        if path.count("/") > _MOST_PARTS:
            raise Refused(f"`{path[:80]}…` has more than {_MOST_PARTS} parts")
        if leaf in ("", ".", "..") or "\0" in leaf or (not folder and path.startswith(("/", "$"))):
            raise Refused(f"`{path}` is not a path below a root")
        if is_reserved(leaf):
            raise Refused(f"`{path}` belongs to version control; agentpack does not read or write it")
        return folder, leaf

    # -- folders -------------------------------------------------------------------------------------------------------

    def _folder(self, folder: str) -> int:
        """The descriptor of a folder, opened component by component.

        Raises:
            OSError: the folder does not exist or cannot be opened.
            Refused: a link on the way leads out of the root.
        """
        found = self._open.get(folder)
        if found is None:
            plain = self.canonical(folder)
            found = self._folder(plain) if plain != folder else self._enter(folder)
            if plain != folder:
                found = os.dup(found)
            if len(self._open) >= _MOST_FOLDERS:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[folder] = found
        return found

    def _enter(self, folder: str) -> int:
        if folder and folder == self._hidden:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
        if folder == "" or (folder[0] == "$" and "/" not in folder):
            return self._believed(folder, os.open(self._root(folder), OPEN_FOLDER))  # where its owner says, link or not
        if folder.endswith(BEHIND) and self._follow_own_links:
            return self._enter_behind(folder.removesuffix(BEHIND))
        parent, name = self._split(folder)
        above = self._folder(parent)
        try:
            return self._believed(folder, os.open(name, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=above))
        except OSError as error:
            # Linux says ENOTDIR of a link opened like this, macOS ELOOP, FreeBSD EMLINK.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):
                raise
            found = os.stat(name, dir_fd=above, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                raise
        inside, real = self._target(folder, found)
        if inside is None:
            return self._believed(folder, self._open_own(folder, real))
        return self._own(folder, real, os.dup(self._folder(inside)))

    def _target(self, path: str, link: os.stat_result) -> tuple[str | None, str]:
        """The target of a link: as a named path (None outside of the link's root), and as a real path.

        Raises:
            OSError: it leads nowhere.
            Refused: it leads out of the root and may not be followed, or it leads in a circle.
        """
        root = path.partition("/")[0] if path.startswith("$") else ""
        try:
            real = os.path.realpath(self.absolute(path), strict=True)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Refused(f"`{self.absolute(path)}` is a link that leads to itself", hint="remove it") from error
            raise
        base = real_path(self._roots[root])
        if self._follow_own_links and not is_own(link):
            raise refuse_link(self.absolute(path), self._roots[root], real, link)
        if real == base:
            return root, real
        if real.startswith(base.rstrip("/") + "/"):
            rest = real[len(base.rstrip("/")) + 1 :]
            return (f"{root}/{rest}" if root else rest), real
        if not self._follow_own_links:
            raise refuse_link(self.absolute(path), self._roots[root], real, None)
        return None, real

    def _open_own(self, path: str, real: str) -> int:
        return self._own(path, real, os.open(real, OPEN_FOLDER | os.O_NOFOLLOW))

    def _own(self, path: str, real: str, descriptor: int) -> int:
        """The descriptor of a link's target. In user scope the target must be the user's, and the link is recorded in
        `links`.

        Raises:
            Refused: it belongs to somebody else.
        """
        if self._follow_own_links:
            found = os.fstat(descriptor)
            if not is_own(found):
                os.close(descriptor)
                raise refuse_link(self.absolute(path), "", real, found)
            self.links[path] = real
        return descriptor

    def _believed(self, folder: str, descriptor: int) -> int:
        """The descriptor of an own folder; nobody else may be able to write to a state folder."""
        if not folder.startswith(self._ours):
            return descriptor
        try:
            refuse_state(self.absolute(folder), os.fstat(descriptor), self._around())
        except Refused:
            os.close(descriptor)
            raise
        return descriptor

    def _around(self) -> os.stat_result | None:
        """The folder whose owner's state is trusted: the project's; for root also the home folder of the user it works
        for, as long as everything else is inside it.
        """
        if self._follow_own_links:
            outside = any(prefix.startswith("$") for prefix in self._prefixes.values())
            if outside or os.geteuid() != 0 or os.fstat(self._folder("")).st_mode & stat.S_IWOTH:
                return None
        return os.fstat(self._folder(""))

    # -- linked files --------------------------------------------------------------------------------------------------

    def place(self, path: str) -> str:
        """The path under which a file that was looked at is written: its own, or its place if it is a link."""
        return self._places.get(path, path)

    def is_linked(self, path: str) -> bool:
        """Whether a file that was looked at is a link."""
        return path in self._places

    def _place_of(self, path: str) -> str | None:
        """The place of a linked file; None if links to files are not followed.

        Raises:
            Refused: the link leads nowhere, in a circle, or to what is not the user's own.
        """
        if not self._follow_own_links or BEHIND in path:
            return None
        folder, leaf = self._split(path)
        if not is_own(found := os.stat(leaf, dir_fd=self._folder(folder), follow_symlinks=False)):
            raise refuse_link(self.absolute(path), "", real_path(self.absolute(path)), found)
        real = real_path(self.absolute(path))
        place = f"{path}{BEHIND}/{os.path.basename(real)}"
        try:
            self._folder(f"{path}{BEHIND}")
            found = os.stat(os.path.basename(real), dir_fd=self._folder(f"{path}{BEHIND}"), follow_symlinks=False)
            if not is_own(found):
                raise refuse_link(self.absolute(path), "", real, found)
            if stat.S_ISLNK(found.st_mode):
                raise Refused(f"`{self.absolute(path)}` is a link that leads to itself", hint="remove it")
        except FileNotFoundError:  # a file that is written again: the link was left when it was deleted
            if not os.path.isdir(os.path.dirname(real)):
                raise Refused(f"`{self.absolute(path)}` is a broken link", hint="remove it") from None
        self._places[path] = place
        self.links[path] = real
        return place

    def _enter_behind(self, link: str) -> int:
        folder, leaf = self._split(link)
        found = os.stat(leaf, dir_fd=self._folder(folder), follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            raise FileNotFoundError(errno.ENOENT, "the link is gone", link)
        real = real_path(self.absolute(link))
        if not is_own(found):
            raise refuse_link(self.absolute(link), "", real, found)
        links = dict(self.links)
        descriptor = self._open_own(f"{link}{BEHIND}", os.path.dirname(real))
        self.links = links  # the file is told, not the folder it is in
        return descriptor

    def same_folder(self, folder: str) -> bool:
        """Whether the path still leads to the folder that was opened for it."""
        try:
            opened, there = os.fstat(self._folder(folder)), os.stat(self.absolute(folder))
        except OSError:
            return False
        return (opened.st_dev, opened.st_ino) == (there.st_dev, there.st_ino)

    def missing(self, folder: str) -> list[str]:
        """The folders to create so that this one exists, itself included, outermost first; empty if it exists."""
        gone: list[str] = []
        folder = self.canonical(folder)
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

    def refuse_unwritable(self, path: str) -> None:
        """Raise the error that writing a file at a path would meet, as far as that is known without writing.

        Raises:
            Refused: a file is in the way of its folder, or a link leads out of the root.
            Unavailable: the folder cannot be opened, or this user may not write there.
        """
        folder = self.place(path).rpartition("/")[0]
        gone = self.missing(folder)
        there = self.absolute(gone[0] if gone else folder)
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        if not os.access(there, os.W_OK | os.X_OK):
            number = errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES
            raise self.failure("write", path, OSError(number, os.strerror(number)))

    def node(self, folder: str) -> tuple[int, int]:
        """The folder's device and inode, which stay the same when it is moved."""
        try:
            found = os.fstat(self._folder(folder))
            return found.st_dev, found.st_ino
        except OSError as error:
            raise self.failure("open", folder, error) from error

    # -- errors --------------------------------------------------------------------------------------------------------

    def failure(self, verb: str, path: str, error: OSError) -> Unavailable:
        """The error for a failed system call."""
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno) if error.errno is not None else None
        return Unavailable(f"cannot {verb} `{self.absolute(path)}`: {reason}", hint=hint)

    def _in_the_way(self, folder: str) -> Refused:
        where = self.absolute(folder)
        if os.path.islink(where) and not os.path.exists(where):
            leads = real_path(where)
            return Refused(
                f"`{where}` is a link to `{leads}`, which does not exist", hint="create that folder, or remove the link"
            )
        return Refused(
            f"`{self.absolute(folder)}` is not a folder, but a folder belongs there", hint="move it elsewhere"
        )


def is_denied(error: Unavailable) -> bool:
    """Whether this user may not write there, so that retrying does not help."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
