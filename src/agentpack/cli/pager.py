"""Show a long answer page by page, as git does: `AGENTPACK_PAGER`, else `PAGER`, else `less`. Only for a terminal."""

import os
import shlex
import shutil
import signal
import subprocess
import sys

from agentpack.cli.streams import write_data

_OFF = ("", "cat")


def show(text: str) -> None:
    """Show a text on the terminal, in a pager if it is longer than the screen and there is one."""
    words = _words()
    width, height = shutil.get_terminal_size()
    lines = sum(max(1, -(-len(line) // width)) for line in text.split("\n"))
    if not words or lines < height or (program := shutil.which(words[0])) is None:
        write_data(text)
        return
    sys.stdout.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's
    try:
        environment = {"LESS": "FRX", **os.environ}
        data = f"{text}\n".encode("utf-8", "backslashreplace")
        subprocess.run([program, *words[1:]], input=data, env=environment, check=False)  # noqa: S603 - the user's own
    finally:
        signal.signal(signal.SIGINT, before)


def _words() -> list[str]:
    """The pager and its options; none if it is turned off."""
    value = os.environ.get("AGENTPACK_PAGER", os.environ.get("PAGER", "less"))
    try:
        return [] if value.strip() in _OFF or os.environ.get("TERM") == "dumb" else shlex.split(value)
    except ValueError:
        return []
