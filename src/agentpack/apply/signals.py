"""Stopping at a good moment.

Decides what an interrupt, a hang-up or a request to end does while files change: it is noted, and acted upon when
nothing is half done. Before the change is decided that is at the next file; afterwards it is at the end.
"""

import signal
from types import FrameType, TracebackType
from typing import Any

from agentpack.errors import Interrupted, Unavailable

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """A signal came and there is still time to give up. It never leaves this module's `with` block."""


_made: list[str] = []


def made() -> str:
    """What the last transaction of this process did, in words; empty before the first and after one that failed."""
    return "".join(_made)


def forget() -> None:
    """Start anew: another command begins in this process."""
    _made.clear()


class Signals:
    """While entered, signals are noted; on leaving, they end the command, unless an error does.

    They do so by `Interrupted`, so that locks and files are let go, and what is said is true: `done` tells what was
    done when all went well. A handler that somebody set is called instead. Outside of the main thread Python has no say
    over signals, and nothing is done.
    """

    def __init__(self, done: str) -> None:
        self.done = done
        forget()
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
        if error is None:
            _made.append(self.done)
        elif not isinstance(error, _Stopped):
            return  # what went wrong matters more
        message = self.done if error is None else "nothing was changed"
        if self._noted is not None:
            if self._previous[self._noted] in (signal.SIG_DFL, signal.default_int_handler):
                raise Interrupted(self._noted, f"stopped by a signal; {message}") from None
            signal.raise_signal(self._noted)
        if error is not None:
            raise Unavailable(f"stopped by a signal; {message}") from None

    def _note(self, number: int, _: FrameType | None) -> None:
        self._noted = signal.Signals(number)
