"""File systems without locks, sync, owners or modes, on which agentpack continues without them.

Decides which error means that a call is not supported, rather than failed, and words the note to the user.
"""

import errno
import os
import sys

OWNERS = frozenset((errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP))
MODES = frozenset((errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP))
SYNC = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY))
LOCKS = frozenset((errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP))


def sync(descriptor: int) -> bool:
    """Sync an open file or folder to disk. False if the file system does not support it. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        try:  # fsync stops at the drive's cache there
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return True
        except OSError as error:
            if error.errno not in SYNC:
                raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in SYNC:
            return False
        raise
    return True


def no_locks(where: str) -> str:
    """The note for a file system without locks."""
    return (
        f"the file system of `{where}` has no file locks, so agentpack cannot keep commands on different machines "
        "apart: run one at a time"
    )


def no_sync(where: str) -> str:
    """The note for a file system without fsync."""
    return (
        f"the file system of `{where}` cannot confirm writes (no fsync): after a power failure, run `agentpack status`"
    )


def no_owners(where: str, user: str) -> str:
    """The note for a file system on which root cannot change the owner of files."""
    return f"new files in `{where}` belong to root, not to {user}: the file system does not let root change owners"
