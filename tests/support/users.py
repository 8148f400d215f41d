"""Work done as somebody else than who runs the tests."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.crashing_disk import in_a_child

NOBODY = 65534


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
