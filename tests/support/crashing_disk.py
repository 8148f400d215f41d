"""A real disk that dies at the nth call that changes it, and a child process to die in."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

from agentpack.disk import Disk

_P = ParamSpec("_P")
_T = TypeVar("_T")
_SYNCS = frozenset(("fsync", "syncfs"))


class CrashingDisk(Disk):
    """A disk whose call number `stop_after` + 1 fails with `error`, or kills the process when `error` is None.

    Half of a write that fails reaches the disk, as on a full one. `lasting` makes all later calls fail too. `then_kill`
    kills the process so many calls after the failure. `calls` counts every call by name. `sync` False leaves out the
    waiting for the disk, for tests that kill processes only: a killed process loses nothing that it wrote.
    """

    def __init__(
        self,
        roots: Mapping[str, str],
        *,
        stop_after: int | None = None,
        error: int | None = None,
        lasting: bool = False,
        then_kill: int | None = None,
        sync: bool = True,
        follow_own_links: bool = False,
    ) -> None:
        super().__init__(roots, follow_own_links=follow_own_links)
        self.calls: list[str] = []
        self._stop_after, self._error, self._lasting, self._sync = stop_after, error, lasting, sync
        self._kill_at = None if stop_after is None or then_kill is None else stop_after + 1 + then_kill

    @property
    def died(self) -> bool:
        """Whether the call was reached."""
        return self._stop_after is not None and len(self.calls) > self._stop_after

    @property
    def syncs(self) -> int:
        """How often this disk waited for the hardware."""
        return sum(call in _SYNCS for call in self.calls)

    def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Make the call, or die."""
        number = len(self.calls)
        self.calls.append(name)
        if number == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._stop_after is not None and (
            number == self._stop_after or (self._lasting and number > self._stop_after)
        ):
            if name == "write":
                descriptor, data = args
                assert isinstance(descriptor, int)
                assert isinstance(data, (bytes, memoryview))
                os.write(descriptor, data[: len(data) // 2])
            if self._error is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                raise OSError(self._error, os.strerror(self._error))
        if name in _SYNCS and not self._sync:
            return None  # type: ignore[return-value]
        return super().system(name, call, *args, **kwargs)


def in_a_child(work: Callable[[], object]) -> int:
    """Do something in a child process. Returns its exit status, or minus the signal that ended it."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # other threads of the test runner do not matter to the child
        child = os.fork()
    if child == 0:
        status = 99
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int | None, work: Callable[[], object]) -> tuple[int, list[str]]:
    """Do something in a child process that is killed at its call with this number, on whichever disk it is.

    Returns:
        The exit status as `in_a_child` gives it, and the names of the calls that were made.
    """
    reader, writer = os.pipe()

    def child() -> None:
        real, count = Disk.system, 0

        def system(self: Disk, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
            nonlocal count
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            os.write(writer, name.encode() + b"\n")
            return real(self, name, call, *args, **kwargs)

        Disk.system = system  # type: ignore[method-assign]
        work()

    status = in_a_child(child)
    os.close(writer)
    with os.fdopen(reader) as calls:
        return status, calls.read().split()
