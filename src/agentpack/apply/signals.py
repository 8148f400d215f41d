"""Defer SIGINT, SIGTERM and SIGHUP to a safe point of the transaction.

Before the change is decided that is the next file; afterwards it is the end.
"""

import signal
from types import FrameType, TracebackType
from typing import Any

from agentpack.errors import Interrupted, Unavailable

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(BaseException):
    """A signal came while giving up is still possible. It never leaves this module's `with` block."""


_made: list[str] = []


def made() -> str:
    """A sentence on what the last transaction of this process did; empty before the first and after a failed one."""
    return "".join(_made)


def forget() -> None:
    """Reset: another command begins in this process."""
    _made.clear()


class Signals:
    """Context in which signals are recorded; on exit they end the command, unless an error does.

    They end it with `Interrupted`, so that locks and files are released; `done` says what was done if everything
    succeeded. A handler that somebody set is called instead. Outside of the main thread Python cannot handle signals,
    and nothing is done.
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
