"""Commands as processes of their own, without the third of a second in which Python starts and loads the program.

One process, kept for as long as the tests run, has everything loaded and forks itself for each command. The child has
the streams, folder and environment that it is given, and runs what the installed program runs. What only a new Python
shows (how it starts, which modules it loads, which variables of Python it obeys) needs `agentpack(..., new=True)`.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = "from agentpack.__main__ import main\nmain()"
SECONDS = 120


class Done(NamedTuple):
    """What a command did. `exit_code` is minus the number of the signal that ended it."""

    exit_code: int
    out: str
    err: str


def run(
    arguments: Sequence[str],
    folder: str | Path,
    *,
    script: str = PROGRAM,
    environment: Mapping[str, str] | None = None,
    memory: int | None = None,
    seconds: int = SECONDS,
) -> Done:
    """Run a command with nothing to read, as `python -c script arguments` does.

    Args:
        environment: all of its variables; those of this process unless told.
        memory: how many bytes it may map.
        seconds: after how many it is killed.
    """
    code, out, err = run_for_bytes(
        arguments, folder, script=script, environment=environment, memory=memory, seconds=seconds
    )
    return Done(code, out.decode(), err.decode())


def run_for_bytes(
    arguments: Sequence[str],
    folder: str | Path,
    *,
    script: str = PROGRAM,
    environment: Mapping[str, str] | None = None,
    memory: int | None = None,
    seconds: int = SECONDS,
) -> tuple[int, bytes, bytes]:
    """As `run`: the exit code, and what it wrote."""
    with open(os.devnull, "rb") as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = (given.fileno(), out.fileno(), err.fileno())
        code = start(
            streams, arguments, folder, script=script, environment=environment, memory=memory, seconds=seconds
        )()
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


def start(
    streams: Sequence[int],
    arguments: Sequence[str],
    folder: str | Path,
    *,
    script: str = PROGRAM,
    environment: Mapping[str, str] | None = None,
    memory: int | None = None,
    seconds: int = SECONDS,
) -> "Ending":
    """Start a command on these three streams. Call what is returned for its exit code, before the next is started."""
    job = {
        "arguments": ["-c", *map(str, arguments)],
        "folder": str(folder),
        "script": script,
        "environment": dict(os.environ if environment is None else environment),
        "memory": memory,
        "seconds": seconds,
    }
    line = _line()
    socket.send_fds(line, [b"!"], list(streams))
    line.sendall(json.dumps(job).encode() + b"\n")
    return Ending(line)


class Ending:
    """The end of a command that was started."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def __call__(self) -> int:
        """Wait for it. Returns the exit code."""
        answer = self._line.recv(64)
        assert answer, "the process that forks is gone"
        return int(answer)


_LINES: list[socket.socket] = []


def _line() -> socket.socket:
    """The way to the process that forks."""
    if not _LINES:
        ours, theirs = socket.socketpair()
        of_coverage = [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]
        server = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt of the tests is none of theirs
            env={name: value for name, value in os.environ.items() if name not in of_coverage},
        )
        theirs.close()
        _LINES.append(ours)
        atexit.register(_end, server)
    return _LINES[0]


def _end(server: "subprocess.Popen[bytes]") -> None:
    _LINES.pop().close()
    server.wait(timeout=10)


# The process that forks.


def _serve(line: socket.socket) -> None:
    _load()
    words = line.makefile("rb")
    while True:
        mark, streams, _, _ = socket.recv_fds(line, 1, 3)
        if not mark:
            return
        job = json.loads(words.readline())
        child = os.fork()
        if not child:
            _be(job, streams)
        for stream in streams:
            os.close(stream)
        line.sendall(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def load_all() -> None:
    """Import every module of agentpack."""
    import importlib
    import pkgutil

    import agentpack

    for module in pkgutil.walk_packages(agentpack.__path__, "agentpack."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _load() -> None:
    import gc
    import importlib

    load_all()  # else every child would load what it needs anew
    importlib.import_module("rich.table")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, if the tests run in the background
    gc.freeze()


def _be(job: Mapping[str, Any], streams: Sequence[int]) -> None:
    """In the child: the command."""
    import resource
    import traceback

    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 64)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        time.tzset()  # read when the process starts, as the folder for temporary files is
        tempfile.tempdir = None
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, errors="backslashreplace")
        sys.argv = job["arguments"]
        if job["memory"]:
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
        signal.alarm(job["seconds"])
        exec(compile(job["script"], "<script>", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001  # as Python ends
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    from support.shipped import ship_bundled_packs
    from support.unsynced import leave_out_syncs

    leave_out_syncs()
    ship_bundled_packs()
    sys.path.pop(0)  # this folder is none of the program's
    _serve(socket.socket(fileno=int(sys.argv[1])))
