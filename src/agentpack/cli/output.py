"""Everything a command prints. Data goes to stdout, messages to stderr; colour only repeats what the text says.

With `--json` one object goes to stdout: `schema`, `command`, `status`, `exit_code`, `data`, `errors`.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from agentpack.addresses import without_secrets
from agentpack.cli.streams import write_bytes, write_data, write_words
from agentpack.environment import Scope
from agentpack.errors import AgentpackError, Cancelled, InvalidFile
from agentpack.reports.escaping import flat as flat
from agentpack.reports.escaping import for_stream, json_text, safe_text
from agentpack.reports.escaping import safe as safe

ENVELOPE = 2
MOST_ENTRIES = 20
"""Packs, files or agents that a command lists without `--verbose`."""
FIRST_ENTRIES = 12
"""How many of more it lists."""
_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "reverse": "7",
}
_COMMAND = re.compile(r"`agentpack (?![^`]*--(?:user|project|root|help|version)\b)([a-z][^`\n]*)`")
PARTS = {
    "pack": ("new", "check", "test", "build"),
    "cache": ("list", "prune"),
    "source": ("list", "add", "remove", "check"),
}
"""Commands with subcommands, each named in the envelope."""
_SHORTER: list[tuple[re.Pattern[str], str]] = []
"""What stands for the beginnings of paths in messages. One for the whole command: its session and the boundary that
reports errors have an `Output` each."""
_STATUS = {0: "ok", 1: "differences"}


class Result(NamedTuple):
    """The result of a command: its exit code, and the data of the envelope."""

    data: Mapping[str, Any]
    exit_code: int = 0
    error: AgentpackError | None = None
    """What could not be done, although the rest was; the exit code is its own."""


class Output:
    """The output of one command: on a terminal, into a pipe, or as JSON."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._words = words = list(arguments)
        self.command = _command(words)
        self.json = "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)
        self.quiet = "--quiet" in words or "-q" in words
        self.verbose = "--verbose" in words or "-v" in words
        roots = [after for word, after in pairwise(words) if word == "--root"]
        roots += [word.removeprefix("--root=") for word in words if word.startswith("--root=")]
        self.asked_scope = scope_option(user="--user" in words, root=roots[-1] if roots else None)
        self.color = _wants_color("--no-color" in words, sys.stdout)
        self.color_words = _wants_color("--no-color" in words, sys.stderr)
        _SHORTER.clear()
        self._pages: list[str] | None = None

    @classmethod
    def of(cls, command: str, *, json: bool, quiet: bool, verbose: bool, no_color: bool) -> "Output":
        output = cls()
        output.command, output.json, output.quiet, output.verbose = command, json, quiet, verbose
        output.color = _wants_color(no_color, sys.stdout)
        output.color_words = _wants_color(no_color, sys.stderr)
        return output

    # Pages.

    def collect(self) -> None:
        """Keep what is printed until `show_pages`, if all of it goes to a terminal."""
        if sys.stdout.isatty() and sys.stderr.isatty() and not self.json:
            self._pages = []

    def show_pages(self) -> None:
        """Show what was kept, in a pager if it is long."""
        pages, self._pages = self._pages, None
        if pages:
            from agentpack.cli import pager  # a terminal only

            pager.show("\n".join(pages))

    # Words.

    def advice(self, text: str) -> str:
        """The text, with commands in it completed for the scope of this command."""
        scope = self.asked_scope
        return _COMMAND.sub(lambda match: f"`agentpack {match[1]} {scope}`", text) if scope else text

    def say(self, text: str = "") -> None:
        """Print a message."""
        if not self.quiet and not self.json:
            self._tell(text)

    def hint(self, text: str) -> None:
        """Print what can be done next."""
        self.say(f"{self.style_words('hint:', 'bold')} {safe(text)}")

    def detail(self, text: str) -> None:
        """Print a message if `--verbose` is set."""
        if self.verbose:
            self.say(text)

    def some(self, entries: Sequence[str], what: str = "more") -> Iterator[str]:
        """The entries, each of one or several lines. Of many only the first few, without `--verbose`, and then how many
        there are.

        Args:
            what: is said of the others, after their number.
        """
        cut = not self.verbose and len(entries) > MOST_ENTRIES
        yield from entries[:FIRST_ENTRIES] if cut else entries
        if cut:
            yield f"  … and {len(entries) - FIRST_ENTRIES} {what} (`--verbose` lists all)"

    @property
    def shows_progress(self) -> bool:
        """Whether a line may show how far something is: on a terminal, and not for `--quiet` and `--json`."""
        return not (self.quiet or self.json) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def scope(self, scope: Scope, home: str) -> None:
        """Print the first line: which scope the command works in."""
        _SHORTER[:] = _shorter_paths(scope, home)
        self.say(safe(scope.line(home)))
        self.detail(f"  {safe(scope.found_by)}")
        if scope.remark:
            self.say(f"note: {safe(scope.remark)}")

    def print(self, text: str, *, wrap: bool = False) -> None:
        """Print data to stdout.

        Args:
            wrap: the lines are read by people, so a terminal gets them wrapped to its width.
        """
        if self.json:
            return
        if wrap and sys.stdout.isatty():
            from agentpack.cli.wrapping import wrapped  # a terminal only

            text = "\n".join(map(wrapped, text.split("\n")))
        self._put(for_stream(text, styled=self.color), write_data)

    def print_markdown(self, text: str) -> None:
        """Print a Markdown text as data: drawn on a terminal, as it is written elsewhere."""
        if sys.stdout.isatty() and not self.json:
            from agentpack.cli.wrapping import drawn  # a terminal only

            text = drawn(text, styled=self.color)
        self.print(text)

    def _put(self, text: str, write: Callable[[str], None]) -> None:
        if self._pages is None:
            write(text)
        else:
            self._pages.append(text)

    def finding(self, text: str) -> None:
        """Print data of a command whose exit code reports findings; `--quiet` suppresses it."""
        if not self.quiet:
            self.print(text, wrap=True)

    def exact(self, content: bytes, shown: Callable[[str], str] = str) -> None:
        """Print a text as data: byte for byte into a pipe or file, line by line and made safe on a terminal.

        Args:
            shown: styles a safe line for the terminal.
        """
        if self.json:
            return
        text = content.decode("utf-8", "surrogateescape")
        if sys.stdout.isatty():
            for line in safe_text(text).removesuffix("\n").split("\n"):
                self.print(shown(line))
            return
        write_bytes(content)
        if for_stream(text, styled=False) != text:
            self.say(
                "note: some of this text would be hidden or interpreted by a terminal or CI log: view it in a file"
            )

    def annotate(self, text: str) -> None:
        """Print a line that a CI system is meant to interpret (`escaping.workflow_command`)."""
        if not self.json:
            write_data(text)

    def _tell(self, text: str) -> None:
        text = self.advice(text)
        for path, shorter in _SHORTER:
            text = path.sub(shorter, text)
        if sys.stderr.isatty():
            from agentpack.cli.wrapping import wrapped  # a terminal only

            text = "\n".join(map(wrapped, text.split("\n")))
        self._put(for_stream(without_secrets(text), styled=self.color_words), write_words)

    def style(self, text: str, *names: str) -> str:
        """The text in a style, if stdout has colour."""
        return _styled(text, names) if self.color else text

    def style_words(self, text: str, *names: str) -> str:
        """The text in a style, if stderr has colour."""
        return _styled(text, names) if self.color_words else text

    def table(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        whole: Sequence[int] = (),
        least: int = 1000,
        prose: int = 0,
    ) -> None:
        """Print rows under headers: aligned to the terminal's width, or tab-separated in a pipe.

        Args:
            whole: columns whose cells stay on one line. If the terminal is too narrow for that and for every
                word of the others, each row is printed as several lines.
            least: columns beyond so many are left out where they would take rows of several lines, unless
                `--verbose` is set.
            prose: the width that the last column needs unless its cells are shorter, as it holds sentences.
        """
        if self.json:
            return
        rows = [[safe_text(cell).replace("\t", " ").replace("\n", " ") for cell in row] for row in rows]
        if not sys.stdout.isatty():
            for row in [list(headers), *rows]:
                self.print("\t".join(row))
            return
        from agentpack.cli.wrapping import drawn_table, fits, needed, stacked, widened

        lines = [list(headers), *rows]
        while least < len(lines[0]) and not (self.verbose or fits(needed(lines, range(len(lines[0]))), gap=2)):
            lines = [line[:-1] for line in lines]
        if left := headers[len(lines[0]) :]:
            self.say(f"a wider terminal or `--verbose` also shows: {', '.join(left)}")
        (headers, *rows), widths = lines, needed(lines, whole)
        widths[-1] = max(widths[-1], min(prose, max(len(line[-1]) for line in lines)))
        if not fits(widths, gap=2):
            for row in rows:
                for line in stacked(headers, row):
                    self.print(line)
            return
        self.print(drawn_table(lines, widened(widths, lines, gap=2), styled=self.color))

    # Ends.

    def finish(self, result: Result) -> int:
        """Print the envelope if requested. Returns the exit code."""
        if result.error is not None:
            return self.error(result.error, result.data)
        if self.json:
            self._envelope(_STATUS.get(result.exit_code, "error"), result.exit_code, result.data, [])
        return result.exit_code

    def error(self, error: AgentpackError, data: Mapping[str, Any] | None = None) -> int:
        """Report an error; in the envelope with related data. Returns its exit code."""
        if self.json:
            self._envelope("error", error.exit_code, data or {}, [error_data(error, self.advice)])
            return error.exit_code
        label = "" if isinstance(error, Cancelled) else f"{self.style_words('error:', 'bold', 'red')} "
        self._tell(label + safe(error.message))
        self._tell_more(error.lines[1:], error.ways or filter(None, (error.hint,)))
        return error.exit_code

    def _tell_more(self, details: Iterable[str], ways: Iterable[str]) -> None:
        for line in details:
            for part in line.split("\n"):
                self._tell(f"  {safe(part)}")
        for number, way in enumerate(ways):
            self._tell(("  " if number else f"{self.style_words('hint:', 'bold')} ") + safe(way))

    def failure(
        self, code: str, message: str, exit_code: int, hint: str | None = None, details: Sequence[str] = ()
    ) -> int:
        """Report a failure that is not an AgentpackError. Returns its exit code."""
        if self.json:
            told = {"code": code, "message": without_secrets(message), "hint": hint and self.advice(hint)}
            self._envelope("error", exit_code, {}, [{**told, "details": [*details]}])
            return exit_code
        self._tell(f"{self.style_words('error:', 'bold', 'red')} {message}")
        self._tell_more(details, filter(None, (hint,)))
        return exit_code

    def interrupted(self) -> None:
        """Start a new line on a terminal, which shows `^C` for the interrupt."""
        if not self.json and sys.stderr.isatty():
            write_words("")

    def usage(self, error: Exception) -> int:
        """Report a usage error found by the command-line library. Returns its exit code."""
        from agentpack.cli.other_names import unexpected

        message = _usage_words(error)
        context = getattr(error, "ctx", None)
        if not message and context is not None:
            write_data(context.get_help())  # a bare `agentpack` shows its help
            return 0 if not self.command else 2
        path = context.command_path if context is not None else f"agentpack {self.command}".strip()
        more = unexpected(self.command, self._words) if message.startswith("unexpected") else None
        hint = _near_option(error, self.command) or more or f"`{path} --help` shows how"
        return self.failure("usage", message, 2, hint)

    def bug(self, error: Exception) -> int:
        """Report an unexpected error; the traceback goes to a file. Returns its exit code."""
        place = _log(error)
        message = f"a bug in agentpack: {type(error).__name__}: {safe(str(error))}"
        where = f"the traceback is in {place}" if place else "set AGENTPACK_TRACEBACK=1 to see the traceback"
        return self.failure("bug", message, 70, f"please report it; {safe(where)}")

    def _envelope(self, status: str, exit_code: int, data: Mapping[str, Any], errors: list[dict[str, Any]]) -> None:
        envelope = {
            "schema": ENVELOPE,
            "command": self.command,
            "status": status,
            "exit_code": exit_code,
            "data": data,
            "errors": errors,
        }
        write_data(json_text(envelope))


def _command(words: Sequence[str]) -> str:
    """The command in an argument list, with its subcommand: `pack check`."""
    values = {index + 1 for index, word in enumerate(words) if word == "--root"}
    names = [word for index, word in enumerate(words) if not word.startswith("-") and index not in values]
    return " ".join(names[: 2 if names[1:] and names[1] in PARTS.get(names[0], ()) else 1])


def _usage_words(error: Any) -> str:
    """The library's usage error in our words."""
    text = safe_text(error.format_message()).replace("is not a valid int range", "is not a number in this range")
    if hasattr(error, "possibilities"):
        return f"there is no option `{safe(error.option_name)}`"
    text = re.sub(r"^Got unexpected extra argument\S* \((.*)\)$", r"unexpected arguments: `\1`", text)
    text = re.sub(r"'([^'`]*)'", r"`\1`", text).removesuffix(".")
    return (text[:1].lower() + text[1:]).replace("no such command", "there is no command", 1)


def _near_option(error: Any, command: str) -> str | None:
    """The option that a misspelled one probably means; None if none is near."""
    from agentpack.cli.other_names import instead_of_option
    from agentpack.model.names import did_you_mean

    option, possible = str(getattr(error, "option_name", "")), getattr(error, "possibilities", None) or ()
    if hint := instead_of_option(option, command, possible):
        return hint
    # the library's own idea of what is near is wide, as all options begin alike
    hint = did_you_mean(option.lstrip("-"), near := {name.lstrip("-"): name for name in possible})
    return None if hint is None else re.sub(r"`([^`]*)`", lambda match: f"`{near[match[1]]}`", hint)


def _shorter_paths(scope: Scope, home: str) -> Iterator[tuple[re.Pattern[str], str]]:
    """How to shorten paths in messages: pairs of a pattern and its replacement.

    The scope's root becomes a path from the current folder, if one of the two contains the other; the home folder
    becomes `~`. Not shortened are addresses, text quoted for a shell, and a place in a command: `agentpack install kit`
    would mean a pack.
    """
    here = os.path.relpath(scope.root)
    if scope.kind == "project" and (not here.startswith("..") or {*here.split("/")} == {".."}):
        yield _beginning(scope.root), "" if here == "." else f"{safe(here)}/".replace("\\", r"\\")
    yield _beginning(home), "~/"


def _beginning(folder: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w/.~:'\"=-])(?<!agentpack install )(?<!--source ){re.escape(safe(folder).rstrip('/'))}/(?=[^\s`])"
    )


def scope_option(*, user: bool, root: str | None) -> str:
    """The option that selects this scope; empty if a command finds it from the current folder."""
    if root is None:
        return "--user" if user else ""
    import shlex

    return f"--root {shlex.quote(root)}"


def error_data(error: AgentpackError, advice: Callable[[str], str] = str) -> dict[str, Any]:
    """An error for JSON output."""
    data: dict[str, Any] = {
        "code": error.code,
        "message": advice(error.message),
        "hint": error.hint and advice(error.hint),
        "details": [advice(line) for line in error.details],
    }
    if isinstance(error, InvalidFile):
        data["faults"] = [fault._asdict() for fault in error.faults]
    return data


def ask_on_terminal(question: str) -> bool:
    """Ask a question on the terminal; anything but yes means no."""
    return answer_on_terminal(f"{question} [y/N]") in ("y", "yes")


def answer_on_terminal(question: str) -> str:
    """What the user types after a question on the terminal, in lower case."""
    write_words(f"{safe(question)} ", end="")
    return sys.stdin.readline().strip().lower()


def _styled(text: str, names: Sequence[str]) -> str:
    codes = ";".join(_STYLES[name] for name in names)
    return f"\x1b[{codes}m{text}\x1b[0m" if text else text


def _wants_color(no_color: bool, stream: Any) -> bool:
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def _log(error: Exception) -> str | None:
    import traceback

    text = without_secrets(safe_text("".join(traceback.format_exception(error))))
    if os.environ.get("AGENTPACK_TRACEBACK"):
        write_words(for_stream(text, styled=False), end="")
    try:
        import platformdirs

        from agentpack.disk.atomic import write_whole
        from agentpack.disk.chown import make_folders

        folder = platformdirs.user_log_dir("agentpack", appauthor=False)
        make_folders(folder, 0o700)
        path = f"{folder}/last-bug.txt"
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    except OSError:
        return None
    return path
