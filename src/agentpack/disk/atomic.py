"""Read or write one whole file by its absolute path, outside of any scope: sources and reports.

Reading never blocks on a pipe and never reads more than asked for. Writing never goes through an existing name: it may
be a link, or a hard link of another file.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Sequence

from agentpack.disk.chown import Owner, owner_of, owner_of_new, set_owner
from agentpack.disk.unsupported import sync

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def open_regular(path: str) -> int:
    """A descriptor of a regular file; links are followed.

    Raises:
        OSError: the file does not exist, cannot be read, or is not a regular file. Others are not even opened: opening
            a device may start it.
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
    """Up to `most` bytes from the start of a regular file. Raises OSError like `open_regular`."""
    descriptor = open_regular(path)
    try:
        data = os.read(descriptor, most)
        while data and len(data) < most and (part := os.read(descriptor, most - len(data))):
            data += part
        return data
    finally:
        os.close(descriptor)


def write_whole(path: str, data: bytes | Sequence[bytes], *, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file atomically, whole or from its parts; with `durable` also across a power loss. Raises OSError.

    Where the system can (Linux, most file systems), a new file is written before it has a name, so that a killed
    process leaves nothing behind.
    """
    parts = [data] if isinstance(data, bytes) else data
    parent, name = os.path.split(path)
    # a folder may take files and not be read, but only what is open for reading can be forced to the disk
    access = os.O_RDONLY if durable else getattr(os, "O_PATH", os.O_RDONLY)
    folder = os.open(parent or ".", access | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        try:
            there = os.lstat(path)
        except FileNotFoundError:
            there = None
        owner = None
        if os.geteuid() == 0:
            owner = owner_of_new(folder) if there is None else owner_of(there)
        # only renaming exchanges a file that is there
        if there is not None or not _written_nameless(folder, name, parts, mode, durable, owner):
            beside = f"{name}.{os.urandom(4).hex()}.new"
            try:
                descriptor = os.open(beside, _NEW, mode, dir_fd=folder)
                _fill(descriptor, parts, durable, owner)
                os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
                raise
        if durable:
            sync(folder)
    finally:
        os.close(folder)


def _written_nameless(
    folder: int, name: str, parts: Sequence[bytes], mode: int, durable: bool, owner: Owner | None
) -> bool:
    """Write a file without a name, then name it. False if the system cannot, or the name is taken."""
    try:
        descriptor = os.open(".", os.O_WRONLY | os.O_CLOEXEC | os.O_TMPFILE, mode, dir_fd=folder)
    except (OSError, AttributeError):  # another system, or a file system without it
        return False
    try:
        _fill(os.dup(descriptor), parts, durable, owner)
        try:
            os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=folder, follow_symlinks=True)
        except OSError:  # there is one, or no /proc
            return False
    finally:
        os.close(descriptor)
    return True


def _fill(descriptor: int, parts: Sequence[bytes], durable: bool, owner: Owner | None) -> None:
    with open(descriptor, "wb") as file:
        if owner is not None:
            set_owner(descriptor, owner)
        file.writelines(parts)
        if durable:
            file.flush()
            sync(descriptor)
