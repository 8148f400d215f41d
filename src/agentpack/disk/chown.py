"""Whose a new file is: root, working on somebody's files, leaves them theirs.

A file that takes the place of another has its owner and group. Anything else that root makes belongs to whom its folder
belongs to. An ordinary user can give nothing away, but may keep the group of a file they replace.
"""

import os

from agentpack.disk.unsupported import OWNERS

Owner = tuple[int, int]
"""User and group, by number."""


def owner_of(found: os.stat_result) -> Owner:
    """The owner of what was looked at."""
    return found.st_uid, found.st_gid


def owner_of_new(folder: int) -> Owner | None:
    """Whose a new file in an open folder is when root makes it; None: root's."""
    found = os.fstat(folder)
    return owner_of(found) if found.st_uid != 0 else None


def set_owner(descriptor: int, owner: Owner) -> bool:
    """Give an open file or folder to its owner; an ordinary user changes its group only. False where that fails."""
    try:
        os.fchown(descriptor, owner[0] if os.geteuid() == 0 else -1, owner[1])
    except OSError as error:
        if error.errno in OWNERS:
            return False
        raise
    return True


def make_folders(path: str, mode: int) -> None:
    """Make a folder and those missing above it, each for whom the one around it belongs to. Raises OSError."""
    if not path or os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_folders(above, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return
    if ~os.lstat(path).st_mode & 0o700:  # the umask took it from us
        os.chmod(path, mode)
    if os.geteuid() == 0 and (owner := owner_of(os.stat(above)))[0] != 0:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            set_owner(descriptor, owner)
        finally:
            os.close(descriptor)
