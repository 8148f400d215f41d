"""Stopping at a good moment.

Decides what an interrupt, a hang-up or a request to end does while files change: it is noted, and acted upon when
nothing is half done. Before the change is decided that is at the next file; afterwards it is at the end.
"""

import signal
from types import FrameType, TracebackType
from typing import Any

from agentpack.errors import Unavailable

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """A signal came and there is still time to give up. It never leaves this module's `with` block."""


class Signals:
    """While entered, signals are noted; on leaving, they do what they would have done.

    The system's own way of ending a process becomes SystemExit, so that locks and files are let go. Outside of the main
    thread Python has no say over signals, and nothing is done.
    """

    def __init__(self) -> None:
        self._previous: dict[signal.Signals, Any] = {}
        self._noted: signal.Signals | None = None

    def __enter__(self) -> "Signals":
        for number in _NUMBERS:
            previous = signal.getsignal(number)
            if previous is None or previous is signal.SIG_IGN:  # set elsewhere, or ignored as under nohup
                continue
            try:
                self._previous[number] = signal.signal(number, self._note)
            except ValueError:  # not the main thread
                break
        return self

    def check(self) -> None:
        """Stop here if a signal came."""
        if self._noted is not None:
            raise _Stopped

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        if self._noted is not None:
            if self._previous[self._noted] is signal.SIG_DFL:
                raise SystemExit(128 + self._noted) from None
            signal.raise_signal(self._noted)  # Python's own handler raises KeyboardInterrupt
        if isinstance(error, _Stopped):
            raise Unavailable("stopped by a signal before anything changed") from None

    def _note(self, number: int, _: FrameType | None) -> None:
        self._noted = signal.Signals(number)
