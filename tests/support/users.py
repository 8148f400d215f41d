"""Work done as somebody else than who runs the tests."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TypeVar

import pytest
from support.crashing_disk import in_a_child

NOBODY = 65534
T = TypeVar("T")


def by_an_ordinary_user(work: Callable[[], object]) -> int:
    """Do something in a child process that may do what an ordinary user may. Returns its exit status."""

    def child() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        work()

    return in_a_child(child)


def by_everybody(work: Callable[[Path], None]) -> None:
    """Do something in a home and project of its own: as who runs the tests, and when that is root, as an ordinary user
    as well. What they import is imported by then: the ordinary user may not see where the interpreter is.
    """
    with TemporaryDirectory() as folder:
        _at_home(Path(folder), work)
    if os.geteuid() == 0:
        with TemporaryDirectory() as folder:
            os.chown(folder, NOBODY, NOBODY)
            assert by_an_ordinary_user(lambda: _at_home(Path(folder), work)) == 0


def _at_home(folder: Path, work: Callable[[Path], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "project"):
            (folder / name).mkdir()
        for kind in ("CACHE", "CONFIG", "STATE"):
            patch.delenv(f"XDG_{kind}_HOME", raising=False)
        patch.setenv("HOME", str(folder / "home"))
        work(folder / "project")


def found_by(work: Callable[[], T], *, ordinary: bool) -> T:
    """What a child process finds: as who runs the tests, or as an ordinary user."""
    with TemporaryFile() as file:

        def child() -> None:
            pickle.dump(work(), file)
            file.flush()

        assert (by_an_ordinary_user(child) if ordinary else in_a_child(child)) == 0
        file.seek(0)
        found: T = pickle.load(file)
        return found


def users() -> tuple[bool, ...]:
    """Whether they are ordinary users, of all that a test can be."""
    return (False, True) if os.geteuid() == 0 else (False,)
