"""Many commands, each a process of its own with real streams: into files as in a pipe, or on a terminal."""

import os
import pty
import termios
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from support import warm


class Job(NamedTuple):
    """One command: its words, the folder, and whether its streams are a terminal, on which `typed` is typed."""

    arguments: Sequence[str]
    folder: str
    terminal: bool = False
    typed: str = ""
    variables: Mapping[str, str] = {}


class Done(NamedTuple):
    """What a command did. On a terminal both streams are in `out`."""

    exit_code: int
    out: bytes
    err: bytes


def run_all(jobs: Sequence[Job]) -> list[Done]:
    """Run the jobs one after the other."""
    return [_on_terminal(job) if job.terminal else _in_pipes(job) for job in jobs]


def _in_pipes(job: Job) -> Done:
    return Done(*warm.run_for_bytes(job.arguments, job.folder, environment={**os.environ, **job.variables}))


def _on_terminal(job: Job) -> Done:
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[1] &= ~termios.OPOST  # what is written arrives as it is
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.write(master, job.typed.encode())
    ending = warm.start([slave] * 3, job.arguments, job.folder, environment={**os.environ, **job.variables})
    os.close(slave)
    parts = []
    try:
        while part := os.read(master, 1 << 16):
            parts.append(part)
    except OSError:
        pass  # how Linux tells that the other end is closed
    os.close(master)
    return Done(ending(), b"".join(parts), b"")
