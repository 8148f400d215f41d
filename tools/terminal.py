"""A terminal in which documented commands are run: a shell with an empty home, agentpack on its path, a fixed width.

What it shows is what a reader would see, with two things made equal everywhere: the home folder is `/home/ada`, and it
is always the same moment.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

HOME = "/home/ada"
MOMENT = "2026-11-23T10:00:00Z"
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LOCAL_TIME = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_PASSED_ON = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COVERAGE_FILE", "SSL_CERT_FILE")


class Shown(NamedTuple):
    """What a command showed, lines ended by `\\n`, and its exit code."""

    text: str
    exit_code: int


class Terminal:
    """A shell session below `folder`, which must exist. It starts in the home folder and remembers where `cd` went.

    `programs` is a folder with `agentpack`; that of this Python unless told.
    """

    def __init__(self, folder: Path, *, columns: int = 100, color: bool = False, programs: Path | None = None) -> None:
        self.home = Path(os.path.realpath(folder)) / "ada"
        self.home.mkdir()
        self._columns = columns
        self._color = color
        self._last = 0
        self._place = self.home
        self._note = self.home.parent / "place"
        self._environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._environment |= {
            "HOME": str(self.home),
            "PATH": f"{programs or Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "AGENTPACK_NOTE": str(self._note),
            "AGENTPACK_PAGER": "",
        }
        if not color:
            self._environment["NO_COLOR"] = "1"

    def run(self, command: str) -> Shown:
        """Run a line as one would type it."""
        script = f'(exit {self._last})\n{command}\ncode=$?; pwd > "$AGENTPACK_NOTE"; exit $code'
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self._columns, 0, 0))
        with subprocess.Popen(
            ["bash", "-c", script],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=self._place,
            env=self._environment,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            shown = _read(ours)
        os.close(ours)
        if self._note.exists():
            self._place = Path(self._note.read_text().strip())
        self._last = process.returncode
        text = same_everywhere(shown.replace(str(self.home), HOME))
        return Shown(text if self._color else _STYLE.sub("", text), process.returncode)


def same_everywhere(text: str) -> str:
    """The text at the fixed moment, with plain ends of lines."""
    text = _LOCAL_TIME.sub(MOMENT.replace("T", " ").replace("Z", " +0000"), text)
    return _TIME.sub(MOMENT, text).replace("\r\n", "\n")


def _read(descriptor: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()
