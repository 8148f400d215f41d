"""Text wrapped to the terminal's width, at blanks only; in a pipe a line stays a line.

A word that is wider than the terminal, and a message with a path in it, are left for the terminal to wrap, so that
the path can be copied.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

_STYLE = re.compile("\x1b\\[[0-9;]*m")
_WORD = re.compile(r" *(?:`[^`]*`|[^ ])+")
"""A word, or several between backticks: what is quoted there is read, and copied, as one."""
_PATH = re.compile(r"(?:^|[\s`(])(?:~?/|\.{1,2}/)\S")
_NARROWEST = 30


def columns() -> int:
    """The width of the terminal."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def hang(label: str, text: str) -> Iterator[str]:
    """The text behind its label, further lines below its first word; below the label where there is little room."""
    if not sys.stdout.isatty():
        yield label + text
        return
    width, taken = columns(), _length(label)
    if taken + len(text) > width and taken > width // 2:
        yield label.rstrip()
        yield from fill(text, width, " " * 4)
        return
    first, *rest = fill(text, width, " " * taken) or [""]
    yield label + first[taken:]
    yield from rest


def fill(text: str, width: int, indent: str = "") -> list[str]:
    """The text in lines, each behind the indent."""
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def wrapped(line: str) -> str:
    """A line of words, wrapped; what goes on is indented a little further. Styles take no room."""
    width = columns()
    if _length(line) <= width or _PATH.search(line):
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    lines = [""]
    for word in _words(line, width - len(indent)):
        if lines[-1] and _length(lines[-1] + word) > width:
            lines.append(indent + word.lstrip(" "))
        else:
            lines[-1] += word
    return "\n".join(lines)


def _words(line: str, width: int) -> Iterator[str]:
    for match in _WORD.finditer(line):
        if _length(match[0].lstrip(" ")) <= width:
            yield match[0]
        else:
            yield from re.findall(" *[^ ]+", match[0])


def _length(text: str) -> int:
    return len(_STYLE.sub("", text))


# Tables.


def needed(rows: Sequence[Sequence[str]], whole: Sequence[int]) -> list[int]:
    """How wide each column must be that no word is broken; a column that is kept whole, as wide as its cells."""
    count = len(rows[0])
    return [
        max(len(cell) if index in whole else max(map(len, cell.split()), default=0) for cell in column)
        for index, column in enumerate([row[index] for row in rows] for index in range(count))
    ]


def stacked(headers: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """A row that finds no room side by side: a line for each cell that says something."""
    width = max(map(len, headers))
    for index, (header, cell) in enumerate(zip(headers, row, strict=True)):
        if index == 0:
            yield f"{header} {cell}"
        elif cell not in ("", "-"):
            yield from hang(f"  {header:<{width}}  ", cell)


def fits(widths: Sequence[int], gap: int) -> bool:
    """Whether columns so wide stand side by side."""
    return sum(widths) + gap * (len(widths) - 1) <= columns()
