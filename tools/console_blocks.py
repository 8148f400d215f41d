"""The `console` blocks of a page, run in a terminal: what they show is what the program shows.

A line that begins with `$ ` is a command, `> ` continues it, all else is its output. Where output is shown it is
compared, and a line `…` stands for any lines. Where none is shown the command has to succeed. The blocks of a page are
one session.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from terminal import Terminal

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_ANY = "…"


class Step(NamedTuple):
    """A command and the lines that are shown below it. `lines` is the command as it stands on the page."""

    lines: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def command(self) -> str:
        return "\n".join(line[2:] for line in self.lines)


class CommandFailed(Exception):
    """A command of a page ended with another exit code than 0, and the page does not show why."""


def rerun(page: str, terminal: Terminal) -> str:
    """The page with the output that its commands have now.

    Raises:
        CommandFailed: a command without shown output did not succeed.
    """
    return _BLOCK.sub(lambda block: f"```console\n{_run(block[1], terminal)}```", page)


def _run(block: str, terminal: Terminal) -> str:
    lines: list[str] = []
    for step in steps(block):
        shown = terminal.run(step.command)
        now = [line.rstrip() for line in shown.text.rstrip("\n").split("\n")] if shown.text.strip() else []
        if not step.shown and shown.exit_code != 0:
            raise CommandFailed(f"$ {step.command}\n{shown.text}[exit code {shown.exit_code}]")
        lines += step.lines
        if step.shown:
            lines += step.shown if _fits(step.shown, now) else now
    return "".join(f"{line}\n" for line in lines)


def steps(block: str) -> Iterator[Step]:
    """The commands of a block."""
    command: list[str] = []
    shown: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield Step(tuple(command), tuple(shown))
            command, shown = [line], []
        elif command and not shown and (line.startswith("> ") or line == ">"):
            command.append(line)
        else:
            shown.append(line)
    if command:
        yield Step(tuple(command), tuple(shown))


def _fits(shown: tuple[str, ...], now: list[str]) -> bool:
    pattern = "".join(".*" if line == _ANY else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in now), re.S) is not None
