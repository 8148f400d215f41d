"""`--on-conflict edit`: the user merges copies with the mergetool of their git configuration, or in an editor.

The copies are in a temporary folder, with conflict markers in the one to edit; an installed file never gets markers.
The result is used only if no marker is left in it. Until it is installed, the folder is kept; if the command ends
before that, its path is shown.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from agentpack.changes.conflicts import ConflictsFound
from agentpack.changes.plan import Decisions, EditedFile
from agentpack.cli.conflicts import show_conflicts
from agentpack.cli.options import Session
from agentpack.cli.output import flat, safe
from agentpack.commands.upgrade import MergeSides, sides_of
from agentpack.disk.version_control import own_settings
from agentpack.errors import AgentpackError, DecisionNeeded, Interrupted
from agentpack.merge import resolved
from agentpack.merge.markers import MarkerLabels, with_markers
from agentpack.model.changes import Change

_MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_OTHERWISE = "`--on-conflict keep` keeps your text there, `--on-conflict theirs` takes the new text"


@contextmanager
def merged_in_editor(
    session: Session, error: ConflictsFound, decisions: Decisions, *, shown: bool = False
) -> Iterator[Mapping[str, EditedFile]]:
    """The user's merged text of every file to edit, by path, for the block that installs it. The copies are deleted
    after the block; if it raises, or the user does not finish, they stay, and the error names them.

    Args:
        shown: the user has just seen the conflicts.

    Raises:
        ConflictsFound: there is a conflict that cannot be merged.
        DecisionNeeded: there is no terminal or no editor, or the user did not finish.
    """
    conflicts = error.outcome.plan.conflicts
    if any(change.why != "merge" for change in conflicts):
        raise error
    if not session.environment.interactive or session.output.json:
        error.ways = ("`--on-conflict edit` needs a terminal", *_without_editor(error.command, decisions))
        error.hint = "; ".join(error.ways)
        raise error
    if not shown:
        show_conflicts(session.output, error)
    tool, copies = _tool(session), dict[str, Path]()
    try:
        to_edit = (change for change in conflicts if decisions.on_conflict_in(change.path) == "edit")
        yield {change.path: _edited(session, change, tool, copies) for change in to_edit}
    except (AgentpackError, Interrupted, KeyboardInterrupt) as ended:
        told = Interrupted(signal.SIGINT, "interrupted") if isinstance(ended, KeyboardInterrupt) else ended
        if copies:
            told.details = (*told.details, *_left_in(session, copies))
            told.ways = (*(told.ways or filter(None, (told.hint,))), _go_on(error.command, decisions))
            told.hint = "; ".join(told.ways)
        raise told from None
    for copy in copies.values():
        shutil.rmtree(copy.parent, ignore_errors=True)


def _without_editor(command: str, decisions: Decisions) -> tuple[str, ...]:
    """What to type in place of `edit`: with decisions for single files, the command with all of them."""
    if not (decisions.of_files and command):
        return (_OTHERWISE,)
    for word in decisions.conflict_words():
        command = command.replace(f" {word}", "")
    of_files = {path: "keep" if choice == "edit" else choice for path, choice in decisions.of_files.items()}
    everywhere = "keep" if decisions.on_conflict == "edit" else decisions.on_conflict
    words = " ".join((command, *decisions._replace(on_conflict=everywhere, of_files=of_files).conflict_words()))
    return f"`agentpack {words}` keeps your text there", "with `=theirs` for a file, it takes the new text there"


def _left_in(session: Session, copies: Mapping[str, Path]) -> tuple[str, ...]:
    return tuple(f"your merge of {session.workspace.scope.absolute(path)} is in {copies[path]}" for path in copies)


def _go_on(command: str, decisions: Decisions) -> str:
    """How to go on with unfinished merges. Written into the installed file, one would take the place of the edit before
    the history has that.
    """
    words = " ".join((command, *(one for one in decisions.conflict_words() if one not in command)))
    again = f"`agentpack {words}`" if command else "the same command"
    return f"{again} opens new copies: copy your merge into these, and finish it"


def _edited(session: Session, change: Change, tool: "_Tool", copies: dict[str, Path]) -> EditedFile:
    """The user's merge of one file, which stays where it is put down in `copies`."""
    sides = sides_of(session.workspace, change)
    try:
        base, ours, theirs = (side.decode("utf-8") for side in sides)
    except UnicodeDecodeError:
        raise DecisionNeeded(f"{change.path}: the text is not UTF-8", hint=_OTHERWISE) from None
    folder = Path(tempfile.mkdtemp(prefix="agentpack-merge-"))
    name = change.path.rpartition("/")[2]
    place = folder / name
    labels = MarkerLabels(ours="you have", base="the release had", theirs="the new release says")
    if change.draft:
        sides = MergeSides(*(resolved(change.draft, side).encode() for side in range(3)))
    elsewhere = [flat(", ".join(dict.fromkeys(rule.path for rule in rules))) for rules in change.moved]
    place.write_bytes(with_markers(base, ours, theirs, labels, change.draft, elsewhere).encode())
    copies[change.path] = place
    session.output.say(safe(f"{tool.title}: {place}"))
    failure = tool.merge(folder, name, sides)
    done = b"" if failure else place.read_bytes()
    if failure or markers_left(done, sides):
        raise DecisionNeeded(f"{failure or 'there are still conflict markers'}; nothing was changed")
    assert change.observed is not None and change.rendered is not None
    return EditedFile(change.observed, change.rendered, done)


def markers_left(done: bytes, sides: MergeSides) -> bool:
    """Whether a text has more lines that look like conflict markers than the three texts it was made from."""
    allowed: Counter[str] = Counter()
    for side in sides:
        allowed |= _markers(side)
    return bool(_markers(done) - allowed)


def _markers(data: bytes) -> Counter[str]:
    lines = data.decode("utf-8", "replace").split("\n")
    return Counter(
        marker for line in lines for marker in _MARKERS if line.rstrip("\r") == marker or line.startswith(f"{marker} ")
    )


# What the user edits with.


class _Tool(NamedTuple):
    """An editor command, or git's mergetool with the user's settings for it."""

    title: str
    command: Sequence[str]
    settings: Sequence[tuple[str, str]] = ()
    environment: Mapping[str, str] = {}

    def merge(self, folder: Path, name: str, sides: MergeSides) -> str:
        """Let the user merge the file with this name. Returns why that failed; empty on success."""
        if not self.settings:
            return self._run([*self.command, str(folder / name)], folder)
        git = _git()
        self._stage(git, folder, name, sides)
        return self._run([git, "mergetool", "--no-prompt", "--", name], folder)

    def _run(self, command: Sequence[str], folder: Path) -> str:
        before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the editor, which gets it as well
        try:
            # The command is the user's own; it talks to the terminal.
            code = subprocess.run(command, cwd=folder, env=self._environment(), check=False).returncode  # noqa: S603
        except OSError as error:
            return f"{command[0]} cannot be started: {error.strerror}"
        finally:
            signal.signal(signal.SIGINT, before)
        return f"{os.path.basename(command[0])} ended with {code}" if code else ""

    def _environment(self) -> dict[str, str]:
        """The environment without links to the project's repository, with the user's mergetool settings."""
        found = {name: value for name, value in self.environment.items() if not name.startswith("GIT_")}
        if self.settings:
            found["GIT_CONFIG_COUNT"] = str(len(self.settings))
            for number, (key, value) in enumerate(self.settings):
                found[f"GIT_CONFIG_KEY_{number}"] = key
                found[f"GIT_CONFIG_VALUE_{number}"] = value
        return found

    def _stage(self, git: str, folder: Path, name: str, sides: MergeSides) -> None:
        """Create a repository in which the file is in conflict, for the mergetool."""

        def run(*words: str, data: bytes | None = None) -> bytes:
            return subprocess.run(  # noqa: S603 - git, with our own words
                [git, *words], cwd=folder, env=self._environment(), input=data, check=True, capture_output=True
            ).stdout

        run("init", "--quiet", "--template=")
        rows = []
        for stage, side in enumerate(sides, 1):
            blob = run("hash-object", "-w", "--stdin", data=side).decode().strip()
            rows.append(f"100644 {blob} {stage}\t{name}\n")
        run("update-index", "--index-info", data="".join(rows).encode())


def _git() -> str:
    return shutil.which("git") or ""


def _tool(session: Session) -> _Tool:
    """The user's merge tool. Nothing in the project decides it: a clone could name a program."""
    variables = session.environment.variables
    settings = own_settings(r"^(merge\.(tool|guitool)|mergetool\..*|core\.editor)$", variables)
    chosen = dict(settings).get("merge.tool")
    if chosen:
        return _Tool(f"merging with {chosen}", (), settings, variables)
    named = (variables.get("GIT_EDITOR"), dict(settings).get("core.editor"), *map(variables.get, ("VISUAL", "EDITOR")))
    command = next(filter(None, named), None) or shutil.which("nano") or shutil.which("vi")
    if not command:
        raise DecisionNeeded(
            "no editor was found", hint=f"set `EDITOR`, or git's `merge.tool`; without an editor: {_OTHERWISE}"
        )
    words = shlex.split(command)
    return _Tool(f"editing with {words[0]}", words, (), variables)
