"""Only one process at a time changes a scope.

The lock is the system's (`flock`), so it ends with the process that holds it. The file stays; the process id in it says
whom to wait for. It is the only file that is written in place. On a file system without locks only the process id keeps
processes on the same machine apart, and the user is told.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from agentpack.disk import Disk, unsupported
from agentpack.errors import Bug, Unavailable
from agentpack.store import layout

TIMEOUT = 10.0
_PAUSE = 0.02
_LONGEST = 20
"""Bytes of a process id and its line end."""
_held: set[tuple[int, int]] = set()


@contextmanager
def process_lock(disk: Disk, *, timeout: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock of this state folder, creating the folder if needed; wait at most `timeout` seconds for another
    process.

    A state folder created only for the lock is removed again if nothing was stored in it, as after a refusal or a dry
    run.

    Raises:
        Unavailable: another process held the lock all that time.
        Bug: this process already holds it.
    """
    descriptor, made = _acquire(disk, time.monotonic() + timeout)
    found, text = os.fstat(descriptor), os.pread(descriptor, _LONGEST, 0)
    identity = (found.st_dev, found.st_ino)
    _held.add(identity)
    _sign(descriptor)
    try:
        yield
        text = b""  # the number of a process that was killed here is of no use any more
    finally:
        _held.discard(identity)
        if made:
            layout.discard(disk, made)
        _unsign(descriptor, found, text)
        os.close(descriptor)


def is_locked(disk: Disk) -> bool:
    """Whether a process is changing this scope now."""
    descriptor = disk.open_to_lock(layout.LOCK, create=False, write=False)
    if descriptor is None:
        return False
    try:
        return not _try(disk, descriptor, fcntl.LOCK_SH)  # whoever asks at the same moment is not in the way
    finally:
        os.close(descriptor)


def _acquire(disk: Disk, deadline: float) -> tuple[int, tuple[str, ...]]:
    while True:
        descriptor, made = _open(disk, deadline)
        try:
            _wait(disk, descriptor, deadline)
            if _in_place(disk, descriptor) and layout.check_owner(disk) == "ours":
                return descriptor, made
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # somebody deleted the state folder while this process waited for it


def _open(disk: Disk, deadline: float) -> tuple[int, tuple[str, ...]]:
    made: tuple[str, ...] = ()
    while True:
        disk.close()  # a folder opened earlier may have been replaced since
        layout.check_owner(disk)
        descriptor = disk.open_to_lock(layout.LOCK, create=False)
        if descriptor is not None:
            return descriptor, made
        try:
            made = layout.prepare(disk)
            descriptor = disk.open_to_lock(layout.LOCK, create=True)
        except Unavailable as error:
            if not _is_race(error) or time.monotonic() >= deadline:
                raise
            continue  # another process makes the folder just now, or removes it because nothing was put there
        if descriptor is None:
            raise Bug("a lock file that was just made is not there")
        return descriptor, made


def _is_race(error: Unavailable) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOENT, errno.EEXIST)


def _wait(disk: Disk, descriptor: int, deadline: float) -> None:
    found = os.fstat(descriptor)
    if (found.st_dev, found.st_ino) in _held:
        raise Bug("this process holds the lock already")
    while not _try(disk, descriptor):
        if time.monotonic() >= deadline:
            number = _holder(descriptor) or "unknown"
            hint = "wait until it finishes, then run the command again"
            if "locks" in disk.lacks:
                hint += f"; if process {number} is something else, delete `{disk.absolute(layout.LOCK)}`"
            raise Unavailable(f"another agentpack (process {number}) is changing files here", hint=hint)
        time.sleep(_PAUSE)


def _holder(descriptor: int) -> str:
    """The process id in the file; empty if there is none or it is no number, since a clone may bring any text."""
    text = os.pread(descriptor, _LONGEST, 0).strip()
    return text.decode() if text.isdigit() else ""


def _runs(number: str) -> bool:
    """Whether another process with this id runs on this machine."""
    if not number or int(number) in (0, os.getpid()):
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _try(disk: Disk, descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except InterruptedError:
        return _try(disk, descriptor, kind)
    except OSError as error:
        if error.errno in unsupported.LOCKS:
            disk.lacks.setdefault("locks", unsupported.no_locks(disk.absolute(layout.STATE)))
            return not _runs(_holder(descriptor))
        raise disk.failure("lock", layout.LOCK, error) from error
    return True


def _in_place(disk: Disk, descriptor: int) -> bool:
    disk.close()  # while this process waited, another one may have replaced folders
    stamp, found = disk.stamp(layout.LOCK), os.fstat(descriptor)
    return stamp is not None and stamp[:2] == (found.st_dev, found.st_ino)


def _has_one_name(descriptor: int) -> bool:
    """Whether the file has only one hard link. With more, it may be a file of another program, and is not changed."""
    return os.fstat(descriptor).st_nlink < 2


def _sign(descriptor: int) -> None:
    try:
        if _has_one_name(descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except OSError:
        pass  # the number is for people; on a full disk the lock holds without it


def _unsign(descriptor: int, found: os.stat_result, text: bytes) -> None:
    """Restore the file as it was: a command that changes nothing leaves no trace, not even a time."""
    try:
        if _has_one_name(descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text, 0)
            os.utime(descriptor, ns=(found.st_atime_ns, found.st_mtime_ns))
    except OSError:
        pass
