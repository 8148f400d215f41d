"""The two streams that a command speaks into: in which order they are written, and what happens when one cannot be.

Data is what was asked for, so a stdout that takes none ends the command. Words only go along with it: a change is not
to stop in the middle because nobody can read about it.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class OutputError(Exception):
    """Stdout takes no more. Not of the family of errors: nothing on the way may take it for one of its own."""

    def __init__(self, error: OSError) -> None:
        closed = error.errno == errno.EBADF
        super().__init__("is closed" if closed else f"cannot be written: {error.strerror or error}")


def write_data(text: str) -> None:
    """A line to stdout.

    Raises:
        BrokenPipeError: the reader has gone, as `head` does.
        OutputError: it cannot be written.
    """
    with _stdout() as stream:
        _line(stream, text)


def write_bytes(content: bytes) -> None:
    """Bytes to stdout, as they are. Raises as `write_data` does."""
    with _stdout() as stream:
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(content.decode("utf-8", "replace"))
            return
        stream.flush()
        binary.write(content)
        binary.flush()


def flush_data() -> None:
    """What was written to stdout goes out. Raises as `write_data` does."""
    with _stdout() as stream:
        stream.flush()


@contextmanager
def _stdout() -> Iterator[Any]:
    try:
        yield sys.stdout
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error) from None


def write_words(text: str, end: str = "\n") -> None:
    """A line to stderr, behind the data that comes before it also where both go to one place."""
    flush_data()
    try:
        _line(sys.stderr, text, end)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def silence(stream: Any) -> None:
    """Let all that is still written to the stream go nowhere, also what the interpreter writes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _line(stream: Any, text: str, end: str = "\n") -> None:
    """A line in the stream's encoding: what it has no character for is written as an escape."""
    try:
        print(text, file=stream, end=end)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, end=end)
