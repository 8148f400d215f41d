"""A folder in which nothing can be written, for one program."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from support.running import Ran

_MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && cd "$2" && shift 2 && exec "$@"'


def can_be_made(folder: Path) -> bool:
    """Whether this machine can make a folder read-only: by a mount for root, by permissions for anybody else."""
    if os.geteuid() != 0:
        return True
    return shutil.which("unshare") is not None and _as_root(folder, folder, ["true"]).returncode == 0


def run_where_nothing_can_be_written(box: Path, folder: Path, words: Sequence[str]) -> Ran:
    """Run agentpack in `folder` while nothing below `box` can be written."""
    call = [sys.executable, "-m", "agentpack", *words]
    done = _as_root(box, folder, call) if os.geteuid() == 0 else _as_user(box, folder, call)
    return Ran(done.returncode, done.stdout, done.stderr)


def _as_root(box: Path, folder: Path, call: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return _run(["unshare", "-m", "sh", "-c", _MOUNTED, "sh", str(box), str(folder), *call], folder)


def _as_user(box: Path, folder: Path, call: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    # of folders only: a file with other permissions than it was left with would be a difference
    modes = {path: path.stat().st_mode for path in (box, *box.rglob("*")) if path.is_dir() and not path.is_symlink()}
    for path, mode in reversed(modes.items()):
        path.chmod(mode & ~0o222)
    try:
        return _run(call, folder)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def _run(call: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        call, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
