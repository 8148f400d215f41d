"""What a person or program sees. Data goes to stdout, words to stderr; colour repeats what the text says.

With `--json` one envelope goes to stdout: `schema`, `command`, `status`, `exit_code`, `data`, `errors`.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from agentpack.cli.escaping import flat as flat
from agentpack.cli.escaping import for_stream, json_text, safe_text
from agentpack.cli.escaping import safe as safe
from agentpack.environment import Scope
from agentpack.errors import AgentpackError, InvalidFile

ENVELOPE = 1
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
_STATUS = {0: "ok", 1: "differences"}


class Result(NamedTuple):
    """What a verb hands back: its exit code, and the data of the envelope."""

    data: Mapping[str, Any]
    exit_code: int = 0


class Output:
    """How one command speaks: to a terminal, into a pipe, or as JSON."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        words = list(arguments)
        self.command = next((word for word in words if not word.startswith("-")), "")
        self.json = "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)
        self.quiet = "--quiet" in words or "-q" in words
        self.verbose = "--verbose" in words or "-v" in words
        self.color = _wants_color("--no-color" in words, sys.stdout)
        self.color_words = _wants_color("--no-color" in words, sys.stderr)

    @classmethod
    def of(cls, command: str, *, json: bool, quiet: bool, verbose: bool, no_color: bool) -> "Output":
        output = cls()
        output.command, output.json, output.quiet, output.verbose = command, json, quiet, verbose
        output.color = _wants_color(no_color, sys.stdout)
        output.color_words = _wants_color(no_color, sys.stderr)
        return output

    # Words.

    def say(self, text: str = "") -> None:
        """A line for people."""
        if not self.quiet and not self.json:
            self._tell(text)

    def detail(self, text: str) -> None:
        """A line for people who asked for more."""
        if self.verbose:
            self.say(text)

    def scope(self, scope: Scope) -> None:
        """The first line: where the command works."""
        self.say(safe(str(scope)))
        self.detail(f"  {safe(scope.found_by)}")

    def print(self, text: str) -> None:
        """Data for stdout."""
        if not self.json:
            _write(sys.stdout, for_stream(text, styled=self.color))

    def exact(self, content: bytes, shown: Callable[[str], str] = str) -> None:
        """A text that is data: byte for byte in a pipe or a file, a line at a time made safe to look at on a terminal.

        Args:
            shown: how a line that is safe is shown on a terminal.
        """
        text = content.decode("utf-8", "surrogateescape")
        if sys.stdout.isatty():
            for line in safe_text(text).removesuffix("\n").split("\n"):
                self.print(shown(line))
            return
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            sys.stdout.write(content.decode("utf-8", "replace"))
        else:
            sys.stdout.flush()
            binary.write(content)
            binary.flush()
        if for_stream(text, styled=False) != text:
            self.say("note: a terminal or a CI log would hide or obey some of this text: look at it in a file")

    def annotate(self, text: str) -> None:
        """A line for stdout that a CI system is meant to obey (`escaping.workflow_command`)."""
        if not self.json:
            _write(sys.stdout, text)

    def _tell(self, text: str) -> None:
        _write(sys.stderr, for_stream(text, styled=self.color_words))

    def style(self, text: str, *names: str) -> str:
        """Text in a style, where colour is wanted on stdout."""
        return _styled(text, names) if self.color else text

    def style_words(self, text: str, *names: str) -> str:
        """Text in a style, where colour is wanted on stderr."""
        return _styled(text, names) if self.color_words else text

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Rows under headers: drawn to the terminal's width there, with single tabs between columns in a pipe."""
        if self.json:
            return
        rows = [[safe_text(cell).replace("\t", " ").replace("\n", " ") for cell in row] for row in rows]
        if not sys.stdout.isatty():
            for row in [list(headers), *rows]:
                self.print("\t".join(row))
            return
        from rich.console import Console  # a terminal only: rich is slow to load
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold" if self.color else "", show_edge=False)
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console = Console(no_color=not self.color, highlight=False)
        with console.capture() as drawn:  # what is folded into the start of a line goes through the same door
            console.print(table)
        self.print(drawn.get().removesuffix("\n"))

    # Ends.

    def finish(self, result: Result) -> int:
        """Print the envelope when it is wanted; the exit code."""
        if self.json:
            self._envelope(_STATUS.get(result.exit_code, "error"), result.exit_code, result.data, [])
        return result.exit_code

    def error(self, error: AgentpackError, data: Mapping[str, Any] | None = None) -> int:
        """Tell an error, in the envelope with the data it is about; its exit code."""
        if self.json:
            self._envelope("error", error.exit_code, data or {}, [error_data(error)])
            return error.exit_code
        self._tell(f"{self.style_words('error:', 'bold', 'red')} {safe(error.message)}")
        for line in error.details:
            for part in line.split("\n"):
                self._tell(f"  {safe(part)}")
        if error.hint:
            self._tell(f"{self.style_words('hint:', 'bold')} {safe(error.hint)}")
        return error.exit_code

    def failure(self, code: str, message: str, exit_code: int) -> int:
        """Tell an end that is no error of the family."""
        if self.json:
            self._envelope("error", exit_code, {}, [{"code": code, "message": message, "hint": None, "details": []}])
        else:
            self._tell(f"{self.style_words('error:', 'bold', 'red')} {message}")
        return exit_code

    def usage(self, error: Exception) -> int:
        """Tell that the words of the call are off, as the command-line library found."""
        message = safe_text(error.format_message()).replace("is not a valid int range", "is not such a number")  # type: ignore[attr-defined]
        context = getattr(error, "ctx", None)
        if not message and context is not None:
            print(context.get_help())  # noqa: T201 - a bare `agentpack` shows its help
            return 0 if not self.command else 2
        code = self.failure("usage", message[:1].lower() + message[1:], 2)
        if context is not None and not self.json:
            path = context.command_path
            self._tell(f"{self.style_words('hint:', 'bold')} `{path} --help` shows how")
        return code

    def bug(self, error: Exception) -> int:
        """Tell an error that nobody foresaw; the traceback goes to a file."""
        place = _log(error)
        message = f"a bug of agentpack: {type(error).__name__}: {safe(str(error))}"
        code = self.failure("bug", message, 70)
        if not self.json:
            where = f"the traceback is in {place}" if place else "set AGENTPACK_TRACEBACK=1 to see the traceback"
            self._tell(f"{self.style_words('hint:', 'bold')} please report it; {safe(where)}")
        return code

    def _envelope(self, status: str, exit_code: int, data: Mapping[str, Any], errors: list[dict[str, Any]]) -> None:
        envelope = {
            "schema": ENVELOPE,
            "command": self.command,
            "status": status,
            "exit_code": exit_code,
            "data": data,
            "errors": errors,
        }
        _write(sys.stdout, json_text(envelope))


def error_data(error: AgentpackError) -> dict[str, Any]:
    """An error as the envelope has it."""
    data: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "details": list(error.details),
    }
    if isinstance(error, InvalidFile):
        data["faults"] = [fault._asdict() for fault in error.faults]
    return data


def plain_ask(question: str) -> bool:
    """Ask on the terminal; anything but yes is no."""
    sys.stderr.write(f"{safe(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


Ask = Callable[[str], bool]


def _write(stream: Any, text: str) -> None:
    """A line, in the stream's encoding: what it has no character for is written as an escape."""
    try:
        print(text, file=stream)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


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

    text = safe_text("".join(traceback.format_exception(error)))
    if os.environ.get("AGENTPACK_TRACEBACK"):
        sys.stderr.write(for_stream(text, styled=False))
    try:
        import platformdirs

        from agentpack.disk.whole import write_whole

        folder = platformdirs.user_log_dir("agentpack", appauthor=False)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = f"{folder}/last-bug.txt"
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    except OSError:
        return None
    return path
