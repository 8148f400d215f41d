"""Owners of new files: root, working on another user's files, leaves them to that user.

A file that replaces another keeps its owner and group. Anything else root creates gets the owner of its folder. An
ordinary user cannot give files away, but may keep the group of a file they replace.
"""

import os

from agentpack.disk.unsupported import OWNERS

Owner = tuple[int, int]
"""User id and group id."""


def owner_of(found: os.stat_result) -> Owner:
    """The owner of a file from its `stat` result."""
    return found.st_uid, found.st_gid


def owner_of_new(folder: int) -> Owner | None:
    """The owner for a new file in an open folder if root creates it; None for root itself."""
    found = os.fstat(folder)
    return owner_of(found) if found.st_uid != 0 else None


def set_owner(descriptor: int, owner: Owner) -> bool:
    """Change the owner of an open file or folder; an ordinary user changes only the group. False if that fails."""
    try:
        os.fchown(descriptor, owner[0] if os.geteuid() == 0 else -1, owner[1])
    except OSError as error:
        if error.errno in OWNERS:
            return False
        raise
    return True


def make_folders(path: str, mode: int) -> None:
    """Create a folder and those missing above it, each owned like the one around it. Raises OSError."""
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
