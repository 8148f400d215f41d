"""Lay out help texts: wrap them to the width of the terminal without breaking words.

On a narrow terminal, the description of an option goes below it.

The command-line library does that only from fifty columns on, and breaks long words.
"""

import re
import shlex
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from agentpack.cli.wrapping import columns, fill
from agentpack.errors import UsageError
from agentpack.reports.escaping import safe

_NARROW = 70


_Library: Any = typer.Context.formatter_class


class _Formatter(_Library):  # type: ignore[misc]
    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width or min(columns(), max_width or 80) - 2, max_width)

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        paragraphs = (fill(" ".join(part.split()), self.width, indent) for part in text.split("\n\n"))
        self.write("\n\n".join("\n".join(lines) for lines in paragraphs) + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        wide = min(max(len(term) for term, _ in rows), col_max) + col_spacing
        first = wide if self.width >= _NARROW else 4
        for term, text in rows:
            lines = fill(text, self.width, " " * (self.current_indent + first))
            start = " " * self.current_indent + term
            if lines and len(term) <= first - col_spacing:
                lines[0] = start + lines[0][len(start) :]
            else:
                lines.insert(0, start)
            self.write("\n".join(lines) + "\n")


class _Context(typer.Context):
    formatter_class = _Formatter


class Command(TyperCommand):
    """A command whose help is laid out by `_Formatter`."""

    context_class = _Context


class Group(TyperGroup):
    """A group of commands, each listed with the whole first sentence of its help."""

    context_class = _Context

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            from agentpack.cli.other_names import instead_of  # only where there is no such command

            group = "" if ctx.parent is None else ctx.info_name
            hint = instead_of(group, args[0], safe(shlex.join(args[1:])), known)
            raise UsageError(
                f"there is no command `{f'{group} {args[0]}'.strip()}`",
                hint=hint or f"`{ctx.command_path} --help` lists them",
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, first_sentence(one.help)) for name, one in self.commands.items()])


def first_sentence(text: str | None) -> str:
    """The first sentence of a help text, on one line."""
    return re.split(r"(?<=\.)\s", (text or "").strip(), maxsplit=1)[0].replace("\n", " ")
