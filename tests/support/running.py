"""The command line, run in this process or as the real program."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from support import warm


class Ran(NamedTuple):
    """What a command did."""

    exit_code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The envelope that `--json` printed."""
        data: dict[str, Any] = json.loads(self.out)
        return data


class Agentpack:
    """Runs commands in a folder: in this process, or with `real` as the program in a process of its own.

    That is a fork of a process that has it loaded (`warm.py`); `new` starts Python for it, for what only that shows.

    As the installed program does, it asks the fast path first. Where that answers with a look (`diff`, `sync --check`),
    the full program is asked as well and has to say the same: whatever a test does to a project, no clean answer comes
    from it that the full program would not give. `full` leaves the fast path out.
    """

    def __init__(self, folder: Path, *, full: bool = False) -> None:
        self.folder = folder
        self.full = full

    def __call__(
        self, *arguments: str, cwd: Path | None = None, real: bool = False, new: bool = False, expect: int | None = 0
    ) -> Ran:
        """Run one command.

        Args:
            expect: the exit code that anything else is a failure of; None takes any.
        """
        run = _run_new if new else _run_warm if real else _run_full if self.full else _run_as_installed
        ran = run([str(argument) for argument in arguments], cwd or self.folder)
        if expect is not None:
            words = " ".join(arguments)
            assert ran.exit_code == expect, f"agentpack {words}: exit {ran.exit_code}\n{ran.out}{ran.err}"
        return ran


def _run_full(arguments: list[str], folder: Path) -> Ran:
    from agentpack.cli.app import run

    return _captured(run, arguments, folder)


def _run_as_installed(arguments: list[str], folder: Path) -> Ran:
    from agentpack.cli.app import run
    from agentpack.cli.quick_args import GRAMMARS
    from agentpack.fast import CLEAN, answer

    looked = False

    def either(arguments: list[str]) -> int:
        nonlocal looked
        code = answer(arguments)
        looked = code is not None and (not arguments or tuple(arguments) in CLEAN or arguments[0] not in GRAMMARS)
        return run(arguments) if code is None else code

    ran = _captured(either, arguments, folder)
    assert not looked or ran == _run_full(arguments, folder), f"the fast path says of `{arguments}`: {ran}"
    return ran


def _captured(run: Callable[[list[str]], int], arguments: list[str], folder: Path) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        exit_code = run(arguments)
    return Ran(exit_code, out.getvalue(), err.getvalue())


def _run_warm(arguments: list[str], folder: Path) -> Ran:
    return Ran(*warm.run(arguments, folder))


def _run_new(arguments: list[str], folder: Path) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "agentpack", *arguments],
        cwd=folder,
        env=os.environ.copy(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
