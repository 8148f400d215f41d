"""Whenever an editor saves a file while a change is made, finished or undone: what it saved is on disk or in the
history.

It saves right after a call that changes the disk. What comes between the last look at a file and its exchange cannot be
seen by anybody; that are microseconds.
"""

import contextlib
import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from faults.scene import first, recovered, roots, second
from support.crashing_disk import CrashingDisk, in_a_child

from agentpack.apply import recover
from agentpack.disk import Disk
from agentpack.errors import AgentpackError
from agentpack.store import Store
from agentpack.store.process_lock import process_lock

_P = ParamSpec("_P")
_T = TypeVar("_T")
MEMORY = "/dev/shm"
SAVED = b"saved in an editor\n"
PATHS = (".claude/agents/replaced.md", ".claude/agents/deleted.md", ".codex/agents/new.md")


class SavingDisk(CrashingDisk):
    """A disk on which an editor saves a file after the nth call. May fail at one call before, as its parent does."""

    def __init__(self, box: Path, path: str, n: int, *, stop_after: int | None = None) -> None:
        super().__init__(roots(box), stop_after=stop_after, error=errno.EIO, sync=False)
        self._file, self._n, self.saved = box / path, n, False

    def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make the call; then the editor may save."""
        try:
            return super().system(name, call, *args, **kwargs)
        finally:
            if len(self.calls) == self._n + 1:
                self.saved = True
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    self._file.chmod(0o644)
                self._file.write_bytes(SAVED)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a folder: it is put back hundreds of times."""
    with tempfile.TemporaryDirectory(prefix="saves-", dir=MEMORY if os.path.isdir(MEMORY) else None) as found:
        yield Path(found)


def moments(folder: Path, path: str, work: Callable[[Disk], object], *, stop_after: int | None = None) -> int:
    """Do the work on a copy of `kept` for every moment at which the editor may save, and look for what it saved.

    Args:
        stop_after: the call that fails; the editor saves from then on.

    Returns:
        How many moments there were.
    """
    start = stop_after or 0
    for n in range(start, 200):
        box = folder / "box"
        shutil.copytree(folder / "kept", box)
        with SavingDisk(box, path, n, stop_after=stop_after) as disk, contextlib.suppress(AgentpackError):
            work(disk)
        recovered(box)
        assert not disk.saved or is_kept(box, path), f"saved after call {n}, {disk.calls[n]}, and lost"
        shutil.rmtree(box)
        if not disk.saved:
            return n - start
    raise AssertionError("the work never completed")


def is_kept(box: Path, path: str) -> bool:
    if (box / path).is_file() and (box / path).read_bytes() == SAVED:
        return True
    with Disk(roots(box)) as disk:
        store = Store(disk)
        records = [store.generations.read(number) for number in store.generations.numbers()]
        return any(store.blobs.get(digest) == SAVED for found in records for _, digest, _ in found.replaced)


def go_on(disk: Disk) -> None:
    with process_lock(disk):
        recover(disk, Store(disk))


@pytest.mark.parametrize("path", PATHS)
def test_while_a_change_is_made(folder: Path, path: str) -> None:
    first(folder / "kept")
    assert moments(folder, path, second) > 20


def renames(folder: Path) -> list[int]:
    """The calls of the change that rename: the notes, which decides it, then each file, then the pointer."""
    shutil.copytree(folder / "kept", folder / "probe")
    with CrashingDisk(roots(folder / "probe")) as disk:
        second(disk)
    return [number for number, call in enumerate(disk.calls) if call == "rename"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("is_damaged", [False, True], ids=["finished", "undone"])
@pytest.mark.campaign
def test_while_the_next_command_finishes_or_undoes_a_change(folder: Path, path: str, is_damaged: bool) -> None:
    first(folder / "kept")
    box = folder / "kept"
    at = renames(folder)[3]
    assert in_a_child(partial(second, CrashingDisk(roots(box), stop_after=at))) == -signal.SIGKILL
    if is_damaged:
        (box / ".agentpack/state/generations/000002.json").write_bytes(b"torn")
    assert moments(folder, path, go_on) > 10


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.campaign
def test_while_a_change_that_failed_is_undone(folder: Path, path: str) -> None:
    first(folder / "kept")
    at = renames(folder)[-1]
    assert moments(folder, path, second, stop_after=at) > 10
