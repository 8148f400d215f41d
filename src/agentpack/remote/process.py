"""Run another program with bounds on its time and its output. It ends with this process, unless that is killed."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple, NoReturn

from agentpack.errors import Interrupted

MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
"""Bytes of a file that the program may write, where the system can limit it (Linux)."""
_MOST_SAID = 20_000


class Finished(NamedTuple):
    """What a program did: exit code, what it printed, what it said on stderr (cut if long)."""

    code: int
    output: bytes
    said: bytes
    is_late: bool = False
    """Whether it was ended because it took too long."""
    is_cut: bool = False
    """Whether it was ended because it printed more than it may."""


def run(command: Sequence[str], input: bytes, variables: Mapping[str, str], seconds: float, most: int) -> Finished:
    """Run a program in a session of its own, so that it cannot ask on the terminal, with bounds on time and output.

    Raises FileNotFoundError if there is no such program.
    """
    with _ended_by_signals():
        return _run(command, input, variables, seconds, most)


def _run(command: Sequence[str], input: bytes, variables: Mapping[str, str], seconds: float, most: int) -> Finished:
    process = subprocess.Popen(  # noqa: S603 - the words are our own, but for an address that was checked
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(variables),
        cwd="/",
        start_new_session=True,
    )
    with suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # not on Windows; `prlimit` is Linux's

        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    try:
        return _talk(process, input, time.monotonic() + seconds, most)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Context in which signals that would end this process at once end the command instead, with `Interrupted`."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise Interrupted(number, "stopped by a signal; nothing was changed")

    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    try:
        with suppress(ValueError):  # not the main thread
            for number in numbers:
                signal.signal(number, end)
        yield
    finally:
        with suppress(ValueError):
            for number in numbers:
                signal.signal(number, signal.SIG_DFL)


def _talk(process: "subprocess.Popen[bytes]", input: bytes, ends: float, most: int) -> Finished:
    assert process.stdin and process.stdout and process.stderr
    printed, said = bytearray(), bytearray()
    left = memoryview(input)
    with selectors.DefaultSelector() as waiting:
        os.set_blocking(process.stdin.fileno(), False)
        waiting.register(process.stdin, selectors.EVENT_WRITE)
        waiting.register(process.stdout, selectors.EVENT_READ, printed)
        waiting.register(process.stderr, selectors.EVENT_READ, said)
        while waiting.get_map():
            seconds = ends - time.monotonic()
            if seconds <= 0:
                return Finished(-1, bytes(printed), bytes(said), is_late=True)
            for key, _ in waiting.select(seconds):
                if key.data is None:
                    try:
                        left = left[os.write(key.fd, left[: 1 << 16]) :] if left else left
                    except BrokenPipeError:
                        left = left[:0]
                    if not left:
                        waiting.unregister(process.stdin)
                        with suppress(BrokenPipeError):
                            process.stdin.close()
                elif part := os.read(key.fd, 1 << 16):
                    key.data.extend(part)
                    if len(printed) > most:
                        return Finished(-1, b"", bytes(said), is_cut=True)
                    del said[_MOST_SAID:-_MOST_SAID]
                else:
                    waiting.unregister(key.fileobj)
        try:
            return Finished(process.wait(max(0.0, ends - time.monotonic())), bytes(printed), bytes(said))
        except subprocess.TimeoutExpired:
            return Finished(-1, bytes(printed), bytes(said), is_late=True)
