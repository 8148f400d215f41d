"""Text behind a label, wrapped to the terminal's width; in a pipe a line stays a line."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator

_STYLE = re.compile("\x1b\\[[0-9;]*m")


def hang(label: str, text: str) -> Iterator[str]:
    """The text behind its label, further lines below its first word."""
    if not sys.stdout.isatty():
        yield label + text
        return
    width = max(shutil.get_terminal_size().columns, 30)
    taken = len(_STYLE.sub("", label))
    indent = min(taken, width // 3)
    first, *rest = textwrap.wrap(text, width - taken) or [""]
    yield label + first
    for line in textwrap.wrap(" ".join(rest), width - indent):
        yield " " * indent + line
