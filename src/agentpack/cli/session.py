"""One run of one command: what every verb is given, however its words were read."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from agentpack.cli.output import Output, Result, safe
from agentpack.clients import MODULES
from agentpack.environment import Environment, find_scope
from agentpack.errors import UsageError
from agentpack.model.names import is_kebab

if TYPE_CHECKING:
    from agentpack.workspace.workspace import Workspace


class Session:
    """One run of one command: where it works and how it speaks."""

    def __init__(self, output: Output, *, user: bool, project: bool, root: str | None) -> None:
        self.output = output
        self.environment = Environment.current()
        self._where = {"user": user, "project": project, "root": root}
        self._workspace: Workspace | None = None

    @property
    def workspace(self) -> "Workspace":
        """The scope's workspace. The first line of output says which scope that is."""
        return self._open(told=True)

    @property
    def surroundings(self) -> "Workspace":
        """The same for a command that works on a folder of its own and looks to the scope for its sources only."""
        return self._open(told=False)

    def _open(self, *, told: bool) -> "Workspace":
        if self._workspace is None:
            from agentpack.workspace.workspace import Workspace  # not for `--help`

            scope = find_scope(self.environment, **self._where)  # type: ignore[arg-type]
            if told:
                self.output.scope(scope)
            self._workspace = Workspace(self.environment, scope)
        return self._workspace

    def clients(self, words: Sequence[str]) -> list[str]:
        """The names of the clients that `--client` means.

        Raises:
            UsageError: a word means no client.
        """
        if MODULES.keys() >= {*words}:
            return list(dict.fromkeys(words))
        workspace = self.workspace
        return workspace.clients.chosen(words, workspace.scope.kind, self.environment.variables)

    def client(self, word: str) -> str:
        """The same for a command that takes one client. Raises UsageError for several, too."""
        found = self.clients([word])
        if len(found) != 1:
            raise UsageError(f"`--client {word}` means several clients", hint="name one")
        return found[0]

    def accept(self, words: Sequence[str] | None) -> None:
        """Take what `--accept` says.

        Raises:
            UsageError: a word is neither `widened:<client>` nor a capability, with a pack before it or not.
        """
        accepted = []
        for word in words or ():
            pack, widened, client = word.rpartition("widened:")
            if widened and (not pack or (pack.endswith(":") and is_kebab(pack[:-1]))):
                word = f"{pack}widened:{self.workspace.clients.named(client).name}"
            else:
                _check_acceptance(word)
            accepted.append(word)
        self.workspace.accepted = tuple(accepted)

    def run(self, act: Callable[[], Result]) -> int:
        """The exit code of a verb; what it hands back is printed, and what happened beside it is told."""
        try:
            result = act()
        finally:
            self._tell_state()
        self._tell_sources()
        return self.output.finish(result)

    def _tell_state(self) -> None:
        """Say that an interrupted change was found and what was done about it, or that it is still there; and what the
        file system cannot do and was gone on without.
        """
        if self._workspace is None:
            return
        if number := self._workspace.consistency.unfinished:
            words = f"a change was interrupted and is not finished (generation {number})"
            self.output.say(f"note: {words}; `agentpack status` finishes it")
        if self._workspace.consistency.recovered is not None:
            found = self._workspace.consistency.recovered
            self.output.say(f"an interrupted change was found and {found.outcome} (generation {found.number})")
            where = self._workspace.disk.absolute
            for file in found.changed:
                self.output.say(f"  {safe(where(file.path))}: {'deleted' if file.deleted else 'written'}")
            for path in found.left:
                self.output.say(f"  {safe(where(path))}: edited since, left as it is")
        for words in self._workspace.disk.lacks.values():
            self.output.say(f"note: {safe(words)}")

    def _tell_sources(self) -> None:
        """Say which missing sources would have been looked into, and with `--verbose` what was read from where.

        A command that needs a source that is missing ends before this.
        """
        if self._workspace is None:
            return
        for words in self._workspace.sources.missing:
            self.output.say(f"note: {safe(words)}")
        if self.output.verbose:
            for words in _what_was_read(self._workspace):
                self.output.detail(safe(words))


def _what_was_read(workspace: "Workspace") -> Iterator[str]:
    """The manifest and the lock as far as they were read, and each release with its source, in words."""
    from agentpack.sources.bundled import NAME as BUNDLED  # not for `--help`

    for path in workspace.documents.paths_read:
        yield f"read {workspace.scope.absolute(path)}"
    for ref in workspace.sources.releases_read:
        place = "" if ref.source == BUNDLED else f": {ref.place}"
        yield f"read {ref.pack} {ref.version} from `{ref.source}`{place}"


def _check_acceptance(word: str) -> None:
    from agentpack.model.capabilities import HEADS, PLAIN, split_acceptance
    from agentpack.model.names import did_you_mean

    try:
        split_acceptance(word)
    except ValueError as error:
        heads = [f"{head}:…" for head in HEADS if head not in PLAIN]
        raise UsageError(
            f"`--accept {word}`: there is no capability `{error}`",
            details=[f"known: {', '.join((*PLAIN, *heads))}, and `widened:<client>`"],
            hint=did_you_mean(str(error).partition(":")[0], (*PLAIN, *HEADS, "widened")),
        ) from None
