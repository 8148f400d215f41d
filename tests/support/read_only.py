"""A folder in which nothing can be written, for one program."""

import os
from collections.abc import Sequence
from pathlib import Path

from support import warm
from support.running import Ran

_MOUNTED = """
import ctypes, os, sys
box, system = os.fsencode(sys.argv.pop(1)), ctypes.CDLL(None, use_errno=True)
NEWNS, RDONLY, REMOUNT, BIND, REC, PRIVATE = 0x20000, 1, 32, 4096, 16384, 1 << 18

def mount(source, target, flags):
    if system.mount(source, target, None, ctypes.c_ulong(flags), None):
        sys.exit(os.strerror(ctypes.get_errno()))

if system.unshare(NEWNS):
    sys.exit(os.strerror(ctypes.get_errno()))
mount(b"none", b"/", REC | PRIVATE)
mount(box, box, BIND)
mount(b"none", box, REMOUNT | BIND | RDONLY)
os.chdir(os.getcwd())
"""
"""The child takes itself a view of the file system in which the folder is read-only."""


def can_be_made(folder: Path) -> bool:
    """Whether this machine can make a folder read-only: by a mount for root, by permissions for anybody else."""
    if os.geteuid() != 0:
        return True
    script = f"{_MOUNTED}\nsys.exit(0 if os.statvfs(box).f_flag & os.ST_RDONLY else 1)"
    return warm.run([str(folder)], folder, script=script).exit_code == 0


def run_where_nothing_can_be_written(box: Path, folder: Path, words: Sequence[str]) -> Ran:
    """Run agentpack in `folder` while nothing below `box` can be written."""
    return _as_root(box, folder, words) if os.geteuid() == 0 else _as_user(box, folder, words)


def _as_root(box: Path, folder: Path, words: Sequence[str]) -> Ran:
    return Ran(*warm.run([str(box), *words], folder, script=_MOUNTED + warm.PROGRAM))


def _as_user(box: Path, folder: Path, words: Sequence[str]) -> Ran:
    # of folders only: a file with other permissions than it was left with would be a difference
    modes = {path: path.stat().st_mode for path in (box, *box.rglob("*")) if path.is_dir() and not path.is_symlink()}
    for path, mode in reversed(modes.items()):
        path.chmod(mode & ~0o222)
    try:
        return Ran(*warm.run(words, folder))
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
