"""What a command did, or would do."""

from typing import NamedTuple

from agentpack.changes.widening import CapabilityChange
from agentpack.model.changes import Change, Plan
from agentpack.wanted.wanted import GroupedNote, Skipped


class DocumentChange(NamedTuple):
    """The manifest or lock before and after; None where it does not exist."""

    path: str
    before: bytes | None
    after: bytes | None


class PackChange(NamedTuple):
    """What happens to one pack: version and variants before and after, None where it is not there."""

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
    """What should be read before the plan: names that can be taken for others."""
    generation: int | None = None
    """The number of the new generation; None when nothing was recorded."""
    dry_run: bool = False
    capabilities: tuple[CapabilityChange, ...] = ()
    """What personas may do, where that is new or differs from what was locked."""
    left: tuple[Change, ...] = ()
    """Conflicts that were left for later by `--partial`."""
    skipped: tuple[Skipped, ...] = ()
    """Clients that were found here and do not get all of it."""

    @property
    def changes_anything(self) -> bool:
        return bool(self.plan.pending or self.documents)
