"""One file by its absolute path, read or written as a whole: what lies in no scope, as a source or a report.

Decides that nothing waits for a pipe's writer, that no more is read than was asked for, and that nothing is written
through what stands there already: it may be a link, or another name of a file somewhere else.
"""

import contextlib
import errno
import os
import stat

from agentpack.disk.chown import Owner, owner_of, owner_of_new, set_owner
from agentpack.disk.unsupported import sync

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
    """Put a file in its place, whole or not at all; after a loss of power too, with `durable`. Raises OSError.

    Where the system can (Linux, most file systems), a new file is written before it has a name, so that a process that
    is killed leaves nothing.
    """
    parent, name = os.path.split(path)
    # a folder may take files and not be read, but only what is open for reading can be forced to the disk
    access = os.O_RDONLY if durable else getattr(os, "O_PATH", os.O_RDONLY)
    folder = os.open(parent or ".", access | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        there = os.lstat(path) if os.path.lexists(path) else None
        owner = None
        if os.geteuid() == 0:
            owner = owner_of_new(folder) if there is None else owner_of(there)
        # only renaming exchanges a file that is there
        if there is not None or not _written_nameless(folder, name, data, mode, durable, owner):
            beside = f"{name}.{os.urandom(4).hex()}.new"
            try:
                descriptor = os.open(beside, _NEW, mode, dir_fd=folder)
                _fill(descriptor, data, durable, owner)
                os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
                raise
        if durable:
            sync(folder)
    finally:
        os.close(folder)


def _written_nameless(folder: int, name: str, data: bytes, mode: int, durable: bool, owner: Owner | None) -> bool:
    """Write a file without a name and then name it. False when this cannot be had, or the name is taken."""
    try:
        descriptor = os.open(".", os.O_WRONLY | os.O_CLOEXEC | os.O_TMPFILE, mode, dir_fd=folder)
    except (OSError, AttributeError):  # another system, or a file system without it
        return False
    try:
        _fill(os.dup(descriptor), data, durable, owner)
        try:
            os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=folder, follow_symlinks=True)
        except OSError:  # there is one, or no /proc
            return False
    finally:
        os.close(descriptor)
    return True


def _fill(descriptor: int, data: bytes, durable: bool, owner: Owner | None) -> None:
    with open(descriptor, "wb") as file:
        if owner is not None:
            set_owner(descriptor, owner)
        file.write(data)
        if durable:
            file.flush()
            sync(descriptor)
