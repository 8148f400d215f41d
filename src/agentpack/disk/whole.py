"""One file by its absolute path, read or written as a whole: what lies in no scope, as a source or a report.

Decides that nothing waits for a pipe's writer, that no more is read than was asked for, and that nothing is written
through what stands there already: it may be a link, or another name of a file somewhere else.
"""

import errno
import os
import stat

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def open_regular(path: str) -> int:
    """A descriptor of a regular file, links followed.

    Raises:
        OSError: there is none, it cannot be read, or it is something else. What is no file is not even opened: opening
            a device may set it going.
    """
    _check(path, os.stat(path))
    descriptor = os.open(path, _READ)
    try:
        _check(path, os.fstat(descriptor))
    except OSError:  # it was exchanged meanwhile
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", path)


def read_start(path: str, most: int) -> bytes:
    """The first bytes of a regular file, `most` of them unless it is shorter. Raises OSError as `open_regular`."""
    descriptor = open_regular(path)
    try:
        data = os.read(descriptor, most)
        while data and len(data) < most and (part := os.read(descriptor, most - len(data))):
            data += part
        return data
    finally:
        os.close(descriptor)


def write_whole(path: str, data: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Put a file in its place, whole or not at all; after a loss of power too, with `durable`. Raises OSError."""
    beside = f"{path}.{os.urandom(4).hex()}.new"
    try:
        with open(os.open(beside, _NEW, mode), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
        if durable:
            _force_folder(os.path.dirname(path) or ".")
    except OSError:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise


def _force_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
