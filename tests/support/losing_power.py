"""A disk that may lose power at any moment: all that it could hold afterwards.

What is written to a file is safe once that file was synced, and a name that was made, moved or removed once its folder
was. Until then each of them may have reached the disk or not, in any order. That is what POSIX promises; a file system
that promises more is the easier case.
"""

import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar
from unittest.mock import patch

from agentpack.disk import Disk

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Left(NamedTuple):
    """One file or folder (`data` is None) that is there after a loss of power."""

    path: str
    mode: int
    data: bytes | None


Image = frozenset[Left]


class _File:
    def __init__(self, mode: int, data: bytes = b"") -> None:
        self.mode, self.safe, self.written = mode, data, data


class _Folder:
    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.safe: dict[str, _File | _Folder] = {}
        self.now: dict[str, _File | _Folder] = {}
        self.pending: list[_Act] = []


class _Act(NamedTuple):
    """One step of a folder's names that has not reached the disk: a name that goes, and a name that comes."""

    gone: str
    come: str
    node: _File | _Folder | None

    def on(self, names: dict[str, _File | _Folder]) -> None:
        if self.gone:
            names.pop(self.gone, None)
        if self.come and self.node is not None:
            names[self.come] = self.node


class LosingPower:
    """While entered, notes each call that changes something below a folder; `images` are what a loss may leave.

    `images` grows with every call. `rest` are those that are possible at the end, and stay so without further syncs.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._nodes: dict[tuple[int, int], _File | _Folder] = {}
        self._root = self._scan(place)
        self._patches = ExitStack()
        self._real = {name: getattr(os, name) for name in _CALLS}
        self.images: dict[Image, str] = {}
        """Each with the call after which it was first possible."""

    def __enter__(self) -> "LosingPower":
        for name in _CALLS:
            self._patches.enter_context(patch.object(os, name, self._noting(name)))
        system, power = Disk.system, self

        def noted(self: Disk, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
            found = system(self, name, call, *args, **kwargs)
            if name == "syncfs" and isinstance(args[0], int):
                power._after_syncfs(args[0])
            return found

        self._patches.enter_context(patch.object(Disk, "system", noted))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    @property
    def rest(self) -> set[Image]:
        """What a loss of power may leave from now on."""
        return set(self._losses())

    def lay(self, image: Image) -> None:
        """Put an image in the place of what is there."""
        shutil.rmtree(self._place)
        self._place.mkdir()
        for left in sorted(image):
            path = self._place / left.path
            if left.data is None:
                path.mkdir()
            else:
                path.write_bytes(left.data)
            path.chmod(left.mode)

    # -- what is noted -------------------------------------------------------------------------------------------------

    def _scan(self, place: Path) -> _Folder:
        found = place.lstat()
        folder = _Folder(stat.S_IMODE(found.st_mode))
        self._nodes[found.st_dev, found.st_ino] = folder
        for path in place.iterdir():
            seen = path.lstat()
            node: _File | _Folder
            if stat.S_ISDIR(seen.st_mode):
                node = self._scan(path)
            else:
                node = _File(stat.S_IMODE(seen.st_mode), path.read_bytes())
                self._nodes[seen.st_dev, seen.st_ino] = node
            folder.safe[path.name] = folder.now[path.name] = node
        return folder

    def _noting(self, name: str) -> Callable[..., Any]:
        real, after = self._real[name], getattr(self, f"_after_{name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            found = real(*args, **kwargs)
            if after(found, *args, **kwargs):
                self._moment(f"{name} {args}")
            return found

        return call

    def _moment(self, call: str) -> None:
        for image in self._losses():
            self.images.setdefault(image, call)

    def _act(self, path: Any, folder: int | None, gone: str, come: str, node: _File | _Folder | None) -> bool:
        found = os.stat(os.path.dirname(path) or ".") if folder is None else os.fstat(folder)
        above = self._nodes.get((found.st_dev, found.st_ino))
        if not isinstance(above, _Folder):
            return False
        act = _Act(gone, come, above.now.get(gone) if node is None else node)
        act.on(above.now)
        above.pending.append(act)
        return True

    def _after_open(self, descriptor: int, path: Any, flags: int, mode: int = 0, *, dir_fd: int | None = None) -> bool:
        nameless = flags & os.O_TMPFILE == os.O_TMPFILE
        if not nameless and not flags & os.O_CREAT:
            return False
        found = os.fstat(descriptor)
        key, name = (found.st_dev, found.st_ino), os.path.basename(path)
        if not nameless and not flags & os.O_EXCL and key in self._nodes:
            return False
        node = self._nodes[key] = _File(stat.S_IMODE(found.st_mode))
        return not nameless and self._act(path, dir_fd, "", name, node)

    def _after_fchmod(self, _: None, descriptor: int, mode: int) -> bool:
        if (node := self._node(descriptor)) is not None:
            node.mode = mode
        return False

    def _after_write(self, length: int, descriptor: int, data: Any) -> bool:
        node = self._node(descriptor)
        if not isinstance(node, _File):
            return False
        node.written += bytes(data)[:length]
        return True

    def _after_rename(
        self, _: None, old: Any, new: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> bool:
        return self._act(new, dst_dir_fd, os.path.basename(old), os.path.basename(new), None)

    _after_replace = _after_rename

    def _after_link(self, _: None, old: Any, new: Any, *, dst_dir_fd: int | None = None, **how: Any) -> bool:
        found = os.stat(old)
        node = self._nodes.get((found.st_dev, found.st_ino))
        return node is not None and self._act(new, dst_dir_fd, "", os.path.basename(new), node)

    def _after_unlink(self, _: None, path: Any, *, dir_fd: int | None = None) -> bool:
        return self._act(path, dir_fd, os.path.basename(path), "", None)

    _after_rmdir = _after_unlink

    def _after_mkdir(self, _: None, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> bool:
        found = os.stat(path, dir_fd=dir_fd)
        node = self._nodes[found.st_dev, found.st_ino] = _Folder(stat.S_IMODE(found.st_mode))
        return self._act(path, dir_fd, "", os.path.basename(path), node)

    def _after_fsync(self, _: None, descriptor: int) -> bool:
        node = self._node(descriptor)
        if isinstance(node, _File):
            node.written = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        return self._sync(node)

    def _after_syncfs(self, descriptor: int) -> None:
        device = os.fstat(descriptor).st_dev
        for (other, _), node in self._nodes.items():
            if other == device:
                self._sync(node)
        self._moment("syncfs")

    def _sync(self, node: _File | _Folder | None) -> bool:
        if isinstance(node, _File):
            node.safe = node.written
        elif node is not None:
            node.safe = dict(node.now)
            node.pending.clear()
        return node is not None

    def _node(self, descriptor: int) -> _File | _Folder | None:
        found = os.fstat(descriptor)
        return self._nodes.get((found.st_dev, found.st_ino))

    # -- what may be left ----------------------------------------------------------------------------------------------

    def _losses(self) -> Iterator[Image]:
        folders = [node.pending for node in self._nodes.values() if isinstance(node, _Folder) and node.pending]
        every = {id(act) for pending in folders for act in pending}
        parts = [{id(act) for act in pending} for pending in folders]
        single = [{act} for act in every]
        for survivors in (set[int](), every, *parts, *(every - part for part in parts), *single):
            for written in (False, True):
                yield frozenset(self._below("", self._root, survivors, written))

    def _below(self, path: str, folder: _Folder, survivors: Collection[int], written: bool) -> Iterator[Left]:
        names = dict(folder.safe)
        for act in folder.pending:
            if id(act) in survivors:
                act.on(names)
        for name, node in names.items():
            here = f"{path}/{name}" if path else name
            if isinstance(node, _Folder):
                yield Left(here, node.mode, None)
                yield from self._below(here, node, survivors, written)
            else:
                yield Left(here, node.mode, node.written if written else node.safe)


_CALLS = ("open", "fchmod", "write", "rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync")
