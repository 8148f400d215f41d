"""Write to stdout and stderr in the right order, and handle streams that cannot be written.

Stdout carries the requested data, so a command ends if it fails. Messages on stderr may be lost: a change must not stop
halfway because nobody can read about it.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class OutputError(Exception):
    """Stdout cannot be written. Not an AgentpackError, so that no handler takes it for one."""

    def __init__(self, error: OSError) -> None:
        closed = error.errno == errno.EBADF
        super().__init__("is closed" if closed else f"cannot be written: {error.strerror or error}")


def write_data(text: str) -> None:
    """Write a line to stdout.

    Raises:
        BrokenPipeError: the reader has gone, as `head` does.
        OutputError: it cannot be written.
    """
    with _stdout() as stream:
        _line(stream, text)


def write_bytes(content: bytes) -> None:
    """Write bytes to stdout unchanged. Raises like `write_data`."""
    with _stdout() as stream:
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(content.decode("utf-8", "replace"))
            return
        stream.flush()
        binary.write(content)
        binary.flush()


def flush_data() -> None:
    """Flush stdout. Raises like `write_data`."""
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
    """Write a line to stderr, after flushing stdout so the two interleave correctly."""
    flush_data()
    try:
        _line(sys.stderr, text, end)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def silence(stream: Any) -> None:
    """Discard everything still written to the stream, including by the interpreter at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _line(stream: Any, text: str, end: str = "\n") -> None:
    """A line in the stream's encoding, with characters it lacks escaped."""
    try:
        print(text, file=stream, end=end)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, end=end)
