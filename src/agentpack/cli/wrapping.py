"""Wrap text to the terminal's width, at blanks only; in a pipe lines are not wrapped.

Words wider than the terminal, and messages with a path, are left to the terminal to wrap, so that the path can be
copied.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_STYLE = re.compile("\x1b\\[[0-9;]*m")
_WORD = re.compile("(?:^ *(?:\x1b\\[[0-9;]*m)?[-+~=!](?:\x1b\\[[0-9;]*m)? +|(?<! ) *)(?:`[^`]*`|[^ ])+")
"""A word, or several between backticks, which are read and copied as one; a sign belongs to the word after it."""
_LABEL = re.compile(r" *\S+ {2,}(?=\S)")
_PATH = re.compile(r"(?:^|[\s`(])(?:~?/|\.{1,2}/)\S|://")
_NARROWEST = 30


def columns() -> int:
    """The width of the terminal."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def hang(label: str, text: str) -> Iterator[str]:
    """The text after its label, with further lines indented to it; below the label if there is little room."""
    if not sys.stdout.isatty():
        yield label + text
        return
    width, taken = columns(), _length(label)
    if taken + _length(text) > width and taken > width // 2:
        yield label.rstrip()
        yield from fill(text, width, " " * 4)
        return
    yield from fill(text, width, " " * taken, label)


def fill(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """The text in lines, each indented; the first one begins with `first`, if given. Style codes take no room."""
    begin = indent if first is None else first
    lines = [begin]
    for word in _words(text, width - len(indent)):
        if lines[-1].strip() not in ("", begin.strip()) and _length(lines[-1] + word) > width:
            lines.append(indent + word.lstrip(" "))
        else:
            lines[-1] += word
    return lines


def _words(text: str, room: int) -> Iterator[str]:
    """The words of a text. What is quoted counts as one, unless it is too long and no command of ours."""
    for word in _WORD.findall(text):
        is_too_long = "`" in word and "`agentpack " not in word and _length(word.lstrip(" ")) > room
        yield from re.findall(" *[^ ]+", word) if is_too_long else (word,)


def wrapped(line: str) -> str:
    """A line, wrapped with further lines below the text after its label, or indented by two; unless it has a path."""
    width = columns()
    if _length(line) <= width or _PATH.search(line):
        return line
    label = _LABEL.match(line)
    taken = _length(label[0]) if label else len(line) - len(line.lstrip(" ")) + 2
    indent = taken if taken <= width // 2 else 4
    return "\n".join(fill(line, width, " " * indent, ""))


MAX_DRAWN = 64 * 1024
"""Characters of a Markdown text beyond which it is shown as it is written."""
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def drawn(markdown: str, *, styled: bool) -> str:
    """A Markdown text as a terminal shows it: tables with columns, paragraphs wrapped, code between backticks.

    What looks like HTML stays text. A text longer than `MAX_DRAWN` stays as it is.
    """
    if len(markdown) > MAX_DRAWN:
        return markdown
    from markdown_it import MarkdownIt
    from rich.console import Console, ConsoleOptions, RenderResult  # slow to load
    from rich.markdown import Markdown, TableElement
    from rich.text import Text
    from rich.theme import Theme

    class Grid(TableElement):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            header = self.header.row if self.header else None
            found = [header, *(self.body.rows if self.body else ())]
            lines = [[cell.content for cell in row.cells] for row in found if row is not None]
            plain = [[str(cell) for cell in line] for line in lines]
            widths = needed(plain, ())
            if fits(widths, gap=2):
                yield grid(lines, widened(widths, plain, gap=2), header_style="bold")
            else:
                yield Text("\n".join(line for row in plain[1:] for line in stacked(plain[0], row)))

    class Page(Markdown):
        elements: ClassVar = {**Markdown.elements, "table_open": Grid}

    page = Page("", hyperlinks=False)
    page.parsed = MarkdownIt("commonmark", {"html": False}).enable("table").parse(_CODE.sub(r"`` `\1` ``", markdown))
    colours: Literal["standard"] | None = "standard" if styled else None
    plain = Theme({"markdown.code": "cyan"})
    console = Console(color_system=colours, force_terminal=styled, theme=plain, width=columns(), height=25)
    with console.capture() as lines:
        console.print(page)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines.get().split("\n"))).strip("\n")


def _length(text: str) -> int:
    return len(_STYLE.sub("", text))


# Tables.


def needed(rows: Sequence[Sequence[str]], whole: Sequence[int]) -> list[int]:
    """The width each column needs so that no word is broken; for unwrapped columns the width of their cells."""
    count = len(rows[0])
    return [
        max(len(cell) if index in whole else max(map(len, cell.split()), default=0) for cell in column)
        for index, column in enumerate([row[index] for row in rows] for index in range(count))
    ]


def widened(widths: Sequence[int], rows: Sequence[Sequence[str]], gap: int) -> list[int]:
    """The widths with the room that is left shared out: a column at a time gets it that lacks most for its cells."""
    wanted = [max(map(len, column)) for column in zip(*rows, strict=True)]
    laid = list(widths)
    for _ in range(columns() - sum(laid) - gap * (len(laid) - 1)):
        index = max(range(len(laid)), key=lambda index: wanted[index] - laid[index])
        if wanted[index] <= laid[index]:
            break
        laid[index] += 1
    return laid


def drawn_table(rows: Sequence[Sequence[str]], widths: Sequence[int], *, styled: bool) -> str:
    """The rows, the first of which is the header, in columns of these widths."""
    from rich.console import Console  # slow to load
    from rich.text import Text

    table = grid([list(map(Text, row)) for row in rows], widths, header_style="bold" if styled else "")
    # both told, else rich takes 80 columns for a terminal that it calls dumb
    console = Console(no_color=not styled, highlight=False, width=columns(), height=25)
    with console.capture() as lines:
        console.print(table)
    return lines.get().removesuffix("\n")


def stacked(headers: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """A row that does not fit the width: a line for each non-empty cell."""
    width = max(map(len, headers))
    for index, (header, cell) in enumerate(zip(headers, row, strict=True)):
        if index == 0:
            yield from hang(f"{header} ", cell)
        elif cell not in ("", "-"):
            yield from hang(f"  {header:<{width}}  ", cell)


def grid(lines: "Sequence[Sequence[str | Text]]", widths: Sequence[int], *, header_style: str) -> "Table":
    """Rows of texts under the first one, in columns of these widths."""
    from rich.table import Table  # slow to load

    table = Table(box=None, pad_edge=False, header_style=header_style, show_edge=False)
    # rich shrinks a column below its `min_width` when another one is long
    for header, width in zip(lines[0], widths, strict=True):
        table.add_column(header, overflow="fold", width=width)
    for row in lines[1:]:
        table.add_row(*row)
    return table


def fits(widths: Sequence[int], gap: int) -> bool:
    """Whether columns of these widths fit side by side."""
    return sum(widths) + gap * (len(widths) - 1) <= columns()
