"""One run of one command: what every command receives, however its arguments were parsed."""

import re
from collections.abc import Callable, Iterator, Sequence
from os.path import expanduser, join, normpath
from typing import TYPE_CHECKING

from agentpack.cli.output import Output, Result, safe
from agentpack.clients import MODULES
from agentpack.environment import Environment, find_scope
from agentpack.errors import AgentpackError, UsageError
from agentpack.model.names import is_kebab
from agentpack.reports.escaping import for_stream

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from agentpack.cli.progress import ProgressLines
    from agentpack.remote.access import Advance
    from agentpack.reports.github import Report
    from agentpack.workspace.workspace import Workspace


class Session:
    """One run of one command: its scope and its output."""

    def __init__(self, output: Output, *, user: bool, project: bool, root: str | None, offline: bool = False) -> None:
        self.output = output
        self.environment = Environment.current()._replace(offline=offline)
        self._where = {"user": user, "project": project, "root": root}
        self._workspace: Workspace | None = None
        self._lines: ProgressLines | None = None
        self._clients: Sequence[str] = ()

    @property
    def workspace(self) -> "Workspace":
        """The workspace of the scope. Opening it prints the line that names the scope; later reads print nothing."""
        return self._open(told=True)

    @property
    def surroundings(self) -> "Workspace":
        """The workspace for a command that works on its own folder and uses the scope only for its sources."""
        return self._open(told=False)

    def _open(self, *, told: bool) -> "Workspace":
        if self._workspace is None:
            from agentpack.workspace.workspace import Workspace  # not for `--help`

            scope = find_scope(self.environment, **self._where)  # type: ignore[arg-type]
            if told:
                self.output.scope(scope, self.environment.home)
            self._workspace = Workspace(self.environment, scope)
            if self.output.shows_progress:
                self._workspace.sources.progress = self._progress
        return self._workspace

    def _progress(self, task: str) -> "AbstractContextManager[Advance]":
        if self._lines is None:
            from agentpack.cli.progress import ProgressLines  # only where something is reached over a network

            self._lines = ProgressLines()
        return self._lines(task)

    def file_or_name(self, text: str) -> str:
        """A name as it is; for the path of an installed file, its path in the scope."""
        if "/" not in text:
            return text
        absolute = normpath(join(self.environment.cwd, expanduser(text)))
        rows = self.workspace.states.recorded.values()
        return next((row.path for row in rows if self.workspace.scope.absolute(row.path) == absolute), text)

    def clients(self, words: Sequence[str]) -> list[str]:
        """The client names that `--client` means.

        Raises:
            UsageError: a word is not a client.
        """
        self._clients = words
        if MODULES.keys() >= {*words}:
            return list(dict.fromkeys(words))
        workspace = self.workspace
        return workspace.clients.chosen(words, workspace.scope.kind, self.environment.variables)

    def client(self, word: str) -> str:
        """The name of the client that `word` means. Raises UsageError if there is none, or if it means several
        (`all`).
        """
        found = self.clients([word])
        if len(found) != 1:
            raise UsageError(
                f"`--client {word}` means several clients; only one can be used here", hint="choose one of them"
            )
        return found[0]

    def accept(self, words: Sequence[str] | None, *, strict: bool = False) -> None:
        """Store the words of `--accept`, and whether `--strict` was given.

        Raises:
            UsageError: a word is neither `outside:<source>` nor, with a pack before it or not, `widened:<client>` or a
                capability.
        """
        accepted = []
        for word in (part for text in words or () for part in _parts(text)):
            pack, widened, client = word.rpartition("widened:")
            outside, colon, source = word.partition(":")
            if outside == "outside" and colon:
                self.workspace.sources.accepted.append(source)
                continue
            if widened and (not pack or (pack.endswith(":") and is_kebab(pack[:-1]))):
                word = f"{pack}widened:{self.workspace.clients.named(client).name}"
            else:
                _check_acceptance(word)
            accepted.append(word)
        self.workspace.accepted = tuple(accepted)
        self.workspace.strict = strict

    def report(self, report: "Report") -> None:
        """Print a report for GitHub Actions. In a job, also append its summary and outputs to the files of the step."""
        if self.output.json:
            return
        for annotation in report.annotations:
            self.output.annotate(str(annotation))
        texts = {
            "GITHUB_STEP_SUMMARY": for_stream("\n".join(report.summary), styled=False),
            "GITHUB_OUTPUT": "\n".join(f"{name}={value}" for name, value in report.outputs.items()),
        }
        for variable, text in texts.items():
            if (path := self.environment.variables.get(variable)) and text:
                try:
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(f"{text}\n")
                except OSError as error:
                    self.output.say(f"note: the file of {variable} cannot be written: {error.strerror}")

    def run(self, act: Callable[[], Result]) -> int:
        """Run a command: print its result, and notes on what happened besides. Returns the exit code."""
        try:
            try:
                result = act()
            except AgentpackError as error:
                error.hint = _several_clients(error.lines, self._clients) or error.hint
                raise
            finally:
                self._tell_state()
            self._tell_sources()
            return self.output.finish(result)
        finally:
            self.output.show_pages()

    def _tell_state(self) -> None:
        """Report an interrupted change and what became of it, and what the file system does not support."""
        if self._workspace is None:
            return
        if number := self._workspace.consistency.unfinished:
            words = f"an interrupted change is not finished yet (generation {number})"
            self.output.say(f"note: {words}; `agentpack status` finishes it")
        if self._workspace.consistency.recovered is not None:
            found = self._workspace.consistency.recovered
            self.output.say(f"an interrupted change was found and {found.outcome} (generation {found.number})")
            where = self._workspace.disk.absolute
            for file in found.changed:
                self.output.say(f"  {safe(where(file.path))}: {'deleted' if file.deleted else 'written'}")
            for path in found.left:
                self.output.say(f"  {safe(where(path))}: edited meanwhile, not changed")
        for words in self._workspace.disk.lacks.values():
            self.output.say(f"note: {safe(words)}")

    def _tell_sources(self) -> None:
        """Report missing sources that were needed, and with `--verbose` what was read from where.

        A command that cannot continue without a missing source ends before this.
        """
        if self._workspace is None:
            return
        for words in self._workspace.sources.missing:
            self.output.say(f"note: {safe(words)}")
        if self.output.verbose:
            for words in _what_was_read(self._workspace):
                self.output.detail(safe(words))


def _several_clients(lines: Sequence[str], clients: Sequence[str]) -> str | None:
    """A hint if a word that is not a pack is a client, else None; `clients` are those of `--client`."""
    words = [
        re.fullmatch(r"(?:there is no pack named )?`([a-z]+)`(?: is not in agentpack.yaml)?", line) for line in lines
    ]
    found = [word[1] for word in words if word and word[1] in MODULES]
    every = ",".join(dict.fromkeys((*clients, *found)))
    which = "for several clients" if "," in every else "for that client"
    return f"{which}, write `--client {every}`" if found else None


def _what_was_read(workspace: "Workspace") -> Iterator[str]:
    """A line each for the manifest, the lock and each release that was read."""
    from agentpack.sources.bundled import NAME as BUNDLED  # not for `--help`

    for path in workspace.documents.paths_read:
        yield f"read {workspace.scope.absolute(path)}"
    for ref in workspace.sources.releases_read:
        place = "" if ref.source == BUNDLED else f": {ref.place}"
        yield f"read {ref.pack} {ref.version} from `{ref.source}`{place}"


def _parts(text: str) -> list[str]:
    """The words of a list with commas. The limits of a tool and a setting may hold some of their own."""
    return [text] if "(" in text or "setting:" in text else [part.strip() for part in text.split(",")]


def _check_acceptance(word: str) -> None:
    from agentpack.model.capabilities import HEADS, PLAIN, split_acceptance
    from agentpack.model.names import did_you_mean

    try:
        split_acceptance(word)
    except ValueError as error:
        heads = [f"{head}:…" for head in HEADS if head not in PLAIN]
        raise UsageError(
            f"`--accept {word}`: there is no capability `{error}`",
            details=[f"known: {', '.join((*PLAIN, *heads))}, `widened:<client>` and `outside:<source>`"],
            hint=did_you_mean(str(error).partition(":")[0], (*PLAIN, *HEADS, "widened", "outside")),
        ) from None
