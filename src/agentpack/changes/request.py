"""What the user asks of a command that changes something, and the state the command wants as a result."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.model.changes import Plan
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.requirement import Requirement
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.documents import LocalText
from agentpack.workspace.workspace import Workspace
from agentpack.writers.manifest_text import new_manifest

Confirm = Callable[[Outcome], bool]


class ChangeRequest(NamedTuple):
    """The options and arguments of a command that changes something.

    Built once from the command line and passed on unchanged. Each command reads the fields it has options for.
    """

    decisions: Decisions = NO_DECISIONS
    names: Sequence[str] = ()
    """Positional arguments: requirements, packs or files."""
    clients: Sequence[str] = ()
    settings: Sequence[str] = ()
    """`parameter=value` texts for the named packs."""
    unset: Sequence[str] = ()
    """Parameters of the named packs that get their defaults back."""
    sources: Sequence[str] = ()
    """Folders of packs to add as sources."""
    only: Sequence[str] = ()
    """The only personas that are wanted of the named packs."""
    without: Sequence[str] = ()
    """Personas of the named packs that are not wanted."""
    renames: Sequence[str] = ()
    """`old=new` texts: other names for personas."""
    everything: bool = False
    """All packs of a place, with all personas."""
    latest: bool = False
    """Ignore version ranges; the manifest's range is rewritten if it excludes the newest release."""
    locked: bool = False
    """Fail unless the lock matches the manifest."""
    frozen: bool = False
    """Like `locked`, but the manifest may be missing."""
    partial: bool = False
    """Leave conflicting files alone and write the rest."""
    dry_run: bool = False
    yes: bool = False
    """Skip the confirmation prompt."""
    confirm: Confirm | None = None
    """Called with the outcome before anything is written; returning False cancels the command."""
    require_acceptance: bool = True
    """Demand `--accept` if a release gains capabilities. False for previews, and where files do not change."""

    def restricted_to(self, asked: Iterable[Requirement]) -> "ChangeRequest":
        """The request with its decisions limited to the named packs; unchanged if none is named."""
        packs = frozenset(requirement.pack for requirement in asked)
        return self._replace(decisions=self.decisions._replace(packs=packs)) if packs else self

    def option_words(self) -> Iterator[str]:
        """The options that chose what is installed or made a decision, as the history records them."""
        for option in ("client", "only", "without"):
            if names := getattr(self, "clients" if option == "client" else option):
                yield f"--{option} {','.join(names)}"
        for option, texts in (("as", self.renames), ("set", self.settings), ("unset", self.unset)):
            yield from (f'--{option} "{text}"' if " " in text else f"--{option} {text}" for text in texts)
        if self.everything:
            yield "--all"
        for name in ("adopt", "discard_edits", "partial"):
            if getattr(self if name == "partial" else self.decisions, name):
                yield f"--{name.replace('_', '-')}"
        yield from self.decisions.conflict_words()


class DesiredState(NamedTuple):
    """The state a command asks for: files, manifest and lock. `lock` or `manifest` None deletes that document."""

    wanted: Wanted
    manifest: bytes | None
    lock: Lock | None
    """The lock as if every file were written; the rows of files left in conflict are put back later."""
    extra_documents: Mapping[str, bytes] = {}
    """Further documents to write, by path: local variants, files of a local pack."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notes_on: Callable[[Plan], Iterable[str]] = lambda _: ()
    """Notes about the plan. Called before anything is written, because the files it reads may be damaged."""


class RebasedVariants(NamedTuple):
    """Local variants that were rewritten for another release, and the notes about them."""

    texts: tuple[LocalText, ...] = ()
    notes: tuple[str, ...] = ()

    def add_to(self, state: DesiredState) -> DesiredState:
        """The state with the rewritten variants and their notes."""
        documents = {**state.extra_documents, **{text.path: text.data for text in self.texts}}
        return state._replace(extra_documents=documents, notes=(*self.notes, *state.notes))


def desired_state(workspace: Workspace, old: Manifest, new: Manifest, wanted: Wanted) -> DesiredState:
    """The rendered files, the new manifest's text and the lock, as one value to plan from."""
    return DesiredState(wanted, manifest_text(workspace, old, new), wanted.lock)


def manifest_text(workspace: Workspace, old: Manifest, new: Manifest) -> bytes:
    """The text of the manifest that says `new`: the text that is there, edited only where `new` differs from `old`."""
    data = workspace.documents.manifest_bytes
    name = workspace.scope.manifest.rpartition("/")[2]
    if data is None:
        text = new_manifest(new)
        workspace.documents.remember_manifest(text.encode(), new)
    elif new == old:
        text = data.decode("utf-8")
    else:
        from agentpack.writers.manifest_edit import edit_manifest  # loads YAML: only where a text of people's changes

        text = edit_manifest(data.decode("utf-8"), name, old, new, workspace.documents.resolve_client)
        workspace.documents.parse_manifest(text.encode())  # loads what checks it, so that the next command need not
    return text.encode()
