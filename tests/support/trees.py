"""Folders as values: built from a dict in the test itself, and read back as one."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

STATE = ".agentpack/state"


def write_tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a folder that holds these files, by POSIX path. What else is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tree(folder: Path, *, without: tuple[str, ...] = (".git", STATE)) -> dict[str, bytes]:
    """Every file below a folder, by POSIX path; a link is where it leads, an empty folder is its path with a slash."""
    return {path: found.content for path, found in marks(folder, without=without).items()}


class Mark(NamedTuple):
    """What a test may compare of a file: its bytes, its permission bits and when it was written."""

    content: bytes
    mode: int
    written: int


def marks(folder: Path, *, without: tuple[str, ...] = (".git", STATE)) -> dict[str, Mark]:
    """Every file below a folder with permission bits and time of writing."""
    found: dict[str, Mark] = {}
    for where, folders, files in os.walk(folder):
        here = Path(where).relative_to(folder).as_posix()
        prefix = "" if here == "." else f"{here}/"
        folders[:] = sorted(name for name in folders if prefix + name not in without)
        if not folders and not files and prefix and not any(path.startswith(prefix) for path in without):
            found[prefix] = Mark(b"", 0, 0)
        for name in files:
            path = Path(where) / name
            status = path.lstat()
            if path.is_symlink():
                content = os.readlink(path).encode()
            else:
                content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b"not a file"
            found[prefix + name] = Mark(content, stat.S_IMODE(status.st_mode), status.st_mtime_ns)
    return dict(sorted(found.items()))


def modes(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder with its permission bits."""
    return {path: (mark.content, mark.mode) for path, mark in marks(folder).items()}


def with_state(folder: Path) -> dict[str, Mark]:
    """All there is in a project, agentpack's own state included, but not the note of who works in it."""
    found = marks(folder, without=(".git",))
    found.pop(f"{STATE}/lock", None)
    return found


def everything(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, Mark]:
    """Every file and every folder with bytes, permissions and time of writing."""
    found = marks(folder, without=without)
    for where, folders, _ in os.walk(folder):
        here = Path(where).relative_to(folder).as_posix()
        folders[:] = [name for name in folders if f"{here}/{name}".removeprefix("./") not in without]
        if here not in {path.rpartition("/")[0] for path in without}:  # what is left out may come and go there
            status = os.lstat(where)
            found[f"{here}/"] = Mark(b"", stat.S_IMODE(status.st_mode), status.st_mtime_ns)
    return found


def empty_repository(folder: Path) -> Path:
    """A folder as `git init --template=` leaves it. Thousands of tests need one, and a process for each is slow."""
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / ".git" / name).mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / ".git/config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n"
    )
    return folder
