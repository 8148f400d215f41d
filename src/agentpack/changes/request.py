"""What a user asks of a command that changes something, and the state that the command wants for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.model.changes import Plan
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.requirement import Requirement
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.documents import LocalText
from agentpack.workspace.workspace import Workspace
from agentpack.writers.manifest_text import new_manifest

Confirm = Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest(Decisions):
    """The words of a command that changes something: what is asked for, and how conflicts are decided.

    Built once from the command line and passed whole. Each verb reads the fields that it has options for.
    """

    names: Sequence[str] = ()
    """What the command is about: requirements, packs or files."""
    clients: Sequence[str] = ()
    settings: Sequence[str] = ()
    """`parameter=value` texts for the packs named."""
    sources: Sequence[str] = ()
    """Folders of packs to add as sources."""
    latest: bool = False
    """Past the range: the manifest is rewritten where its range does not allow the newest release."""
    locked: bool = False
    """The lock must be what the manifest asks for."""
    frozen: bool = False
    """As `locked`, but the manifest need not be there."""
    partial: bool = False
    """Files in conflict are left, the others go on."""
    dry_run: bool = False
    yes: bool = False
    """Nothing is asked."""
    confirm: Confirm | None = None
    """Asked with the outcome before anything is written; False stops the command."""
    require_acceptance: bool = True
    """A release that may do more than the locked one needs an acceptance; not where only a question is answered, or
    where the files stay as they are."""

    def about(self, asked: Iterable[Requirement]) -> "ChangeRequest":
        """The request with its decisions restricted to the packs named; unchanged if none is named."""
        packs = frozenset(requirement.pack for requirement in asked)
        return replace(self, packs=packs) if packs else self

    def words(self) -> Iterator[str]:
        """The options that decided something, as the history has them."""
        for name in ("adopt", "discard_edits", "partial"):
            if getattr(self, name):
                yield f"--{name.replace('_', '-')}"
        if self.on_conflict != "stop":
            yield f"--on-conflict {self.on_conflict}"


class DesiredState(NamedTuple):
    """The state a command asks for: files, manifest, lock. `lock` and `manifest` None delete the document."""

    made: Wanted
    manifest: bytes | None
    lock: Lock | None
    """What is wanted, and the files as if all of them were written; those left in conflict are put in afterwards."""
    extra_documents: Mapping[str, bytes] = {}
    """Further documents to write, by path: a local variant, the files of a local pack."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notes_on: Callable[[Plan], Iterable[str]] = lambda _: ()
    """Notes about the plan. Asked for before anything is written: what they read may be damaged."""


class Followed(NamedTuple):
    """The variants that are written anew, and what is to be said of it."""

    texts: tuple[LocalText, ...] = ()
    notes: tuple[str, ...] = ()

    def added_to(self, state: DesiredState) -> DesiredState:
        """The state with the variants and what is said of them."""
        documents = {**state.extra_documents, **{text.path: text.data for text in self.texts}}
        return state._replace(extra_documents=documents, notes=(*self.notes, *state.notes))


def desired_state(workspace: Workspace, old: Manifest, new: Manifest, made: Wanted) -> DesiredState:
    """What a command wants, with the manifest's text changed only where `new` says something else than `old`."""
    data = workspace.documents.manifest_bytes
    name = workspace.scope.manifest.rpartition("/")[2]
    if data is None:
        text = new_manifest(new)
        workspace.documents.remember_manifest(text.encode(), new)
    elif new == old:
        text = data.decode("utf-8")
    else:
        from agentpack.writers.manifest_edit import edit_manifest  # loads YAML: only where a text of people's changes

        text = edit_manifest(data.decode("utf-8"), name, old, new, workspace.documents.client_meant)
        workspace.documents.parse_manifest(text.encode())  # loads what checks it, so that the next command need not
    return DesiredState(made, text.encode(), made.lock)
