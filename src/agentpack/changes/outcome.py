"""The result of a command that changes something, or of its dry run."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from agentpack.changes.widening import CapabilityChange
from agentpack.errors import DecisionNeeded
from agentpack.model.changes import Change, Plan
from agentpack.model.persona import Persona
from agentpack.wanted.skipped import SkippedAgents
from agentpack.wanted.wanted import GroupedNote
from agentpack.workspace.found_clients import SkippedClient


class DocumentChange(NamedTuple):
    """The manifest or the lock before and after; None if it does not exist."""

    path: str
    before: bytes | None
    after: bytes | None


class PackChange(NamedTuple):
    """One pack before and after (version and variants); None if it is not installed."""

    name: str
    before: str | None
    after: str | None


class Outcome(NamedTuple):
    """What a command did, or with `dry_run` would do."""

    command: str
    scope: str
    root: str
    plan: Plan
    documents: tuple[DocumentChange, ...] = ()
    packs: tuple[PackChange, ...] = ()
    notes: tuple[GroupedNote | str, ...] = ()
    warnings: tuple[str, ...] = ()
    """To be read before the plan, such as names that resemble others."""
    generation: int | None = None
    """The number of the new generation; None if nothing was recorded."""
    dry_run: bool = False
    capabilities: tuple[CapabilityChange, ...] = ()
    """Capabilities that are new or differ from the lock."""
    left: tuple[Change, ...] = ()
    """Conflicts that `--partial` left unresolved."""
    skipped: tuple[SkippedClient, ...] = ()
    """Found clients that do not get every pack."""
    skipped_agents: tuple[SkippedAgents, ...] = ()
    """Agents of collections that some clients cannot restrict as asked."""
    personas: Mapping[str, Persona] = MappingProxyType({})
    """By path, the personas behind the files that are written."""
    asked: frozenset[str] | None = None
    """Packs named on the command line; None for all."""
    refusal: DecisionNeeded | None = None
    """Why the command would stop without its dry run: something that nobody accepted."""

    @property
    def changes_anything(self) -> bool:
        return bool(self.plan.pending or self.documents)
