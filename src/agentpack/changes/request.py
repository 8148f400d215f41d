"""What a command asks for: the files, lock and manifest it wants, and how it goes about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.manifest_text import new_manifest
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.requirement import Requirement
from agentpack.wanted.making import Made
from agentpack.workspace.workspace import LocalText, Workspace


class Wish(NamedTuple):
    """What a command wants: the files, the manifest and the lock. `lock` and `manifest` None delete the document."""

    made: Made | None
    manifest: bytes | None
    lock: Lock | None
    """What is wanted, and the files as if all of them were written; those left in conflict are put in afterwards."""
    beside: Mapping[str, bytes] = {}
    """Further documents to write, by path: a local variant, the files of a local pack."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


Confirm = Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a changing command goes about it."""

    decisions: Decisions = NO_DECISIONS
    dry_run: bool = False
    partial: bool = False
    confirm: Confirm | None = None
    stops: bool = True
    """Whether a release that may do more than the locked one needs an acceptance; not where only a question is asked.
    """

    def decisions_for(self, asked: Sequence[Requirement]) -> Decisions:
        """The decisions, as far as they are about the packs that the command names; all of them where it names none."""
        packs = frozenset(requirement.pack for requirement in asked)
        return replace(self.decisions, packs=packs) if packs else self.decisions


class Followed(NamedTuple):
    """The variants that are written anew, and what is to be said of it."""

    texts: tuple[LocalText, ...] = ()
    notes: tuple[str, ...] = ()

    def told(self, wish: Wish) -> Wish:
        """The wish with the variants and what is said of them."""
        beside = {**wish.beside, **{text.path: text.data for text in self.texts}}
        return wish._replace(beside=beside, notes=(*self.notes, *wish.notes))


def wish_for(workspace: Workspace, old: Manifest, new: Manifest, made: Made) -> Wish:
    """What a command wants, with the manifest's text changed only where `new` says something else than `old`."""
    data = workspace.manifest_bytes
    name = workspace.scope.manifest.rpartition("/")[2]
    if data is None:
        text = new_manifest(new)
        workspace.remember_manifest(text.encode(), new)
    elif new == old:
        text = data.decode("utf-8")
    else:
        from agentpack.manifest_edit import edit_manifest  # loads YAML: only where a text of people's changes

        text = edit_manifest(data.decode("utf-8"), name, old, new, workspace.client_meant)
        workspace.parse_manifest(text.encode())  # what checks it is loaded now, so that the next command need not
    return Wish(made, text.encode(), made.lock)
