"""Many commands, each a process of its own with real streams: into files as in a pipe, or on a terminal.

Starting Python for each of them would take minutes, so one process loads the program and forks itself for every job.
"""

import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


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


def run_all(jobs: Sequence[Job], place: Path) -> list[Done]:
    """Run the jobs one after the other.

    Args:
        place: an empty folder for what they say.
    """
    place.mkdir(parents=True)
    (place / "jobs.json").write_text(json.dumps([job._asdict() for job in jobs]))
    subprocess.run(
        [sys.executable, __file__, str(place)], check=True, stdin=subprocess.DEVNULL, env=os.environ.copy(), timeout=300
    )
    codes = json.loads((place / "codes.json").read_text())
    return [
        Done(code, (place / f"{number}.out").read_bytes(), (place / f"{number}.err").read_bytes())
        for number, code in enumerate(codes)
    ]


def _main(place: Path) -> None:
    import importlib
    import pkgutil

    import agentpack

    for module in pkgutil.walk_packages(agentpack.__path__, "agentpack."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # else every job would load what it needs anew
    importlib.import_module("rich.table")
    jobs = [Job(**job) for job in json.loads((place / "jobs.json").read_text())]
    codes = [_run(job, place / f"{number}.out", place / f"{number}.err") for number, job in enumerate(jobs)]
    (place / "codes.json").write_text(json.dumps(codes))


def _run(job: Job, out: Path, err: Path) -> int:
    said = err.open("wb")
    if not job.terminal:
        with out.open("wb") as file:
            child = os.fork()
            if not child:
                _be(job, os.open(os.devnull, os.O_RDONLY), file.fileno(), said.fileno())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[1] &= ~termios.OPOST  # what is written arrives as it is
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.write(master, job.typed.encode())
    child = os.fork()
    if not child:
        _be(job, slave, slave, slave)
    os.close(slave)
    parts = []
    try:
        while part := os.read(master, 1 << 16):
            parts.append(part)
    except OSError:
        pass  # how Linux tells that the other end is closed
    os.close(master)
    out.write_bytes(b"".join(parts))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _be(job: Job, given: int, out: int, err: int) -> None:
    """In the child: the command, as `python -m agentpack` would run it."""
    code = 99
    try:
        for stream, number in ((given, 0), (out, 1), (err, 2)):
            os.dup2(stream, number)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, errors="backslashreplace")
        os.chdir(job.folder)
        os.environ.update(job.variables)
        from agentpack.cli.app import run
        from agentpack.fast import answer

        found = answer(list(job.arguments))
        code = run(list(job.arguments)) if found is None else found
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
