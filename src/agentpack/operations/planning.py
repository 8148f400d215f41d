"""The plan of what is wanted, recorded and on disk, and what its merges need to know of the texts rendered last."""

from functools import cached_property
from typing import TYPE_CHECKING

from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.model.changes import Plan
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf
from agentpack.model.persona import Persona
from agentpack.operations.making import Made, made_again
from agentpack.operations.workspace import Workspace
from agentpack.plan import NO_DECISIONS, Decisions, plan

if TYPE_CHECKING:
    from agentpack.merge import Known


def plan_for(workspace: Workspace, made: Made | None, decisions: Decisions = NO_DECISIONS) -> Plan:
    """The plan that brings the disk to what is wanted; None when nothing is."""
    files = made.files if made else {}
    recorded = workspace.recorded
    before = _Before(workspace)
    return plan(
        files,
        recorded,
        workspace.observe({*files, *recorded}),
        disk=workspace.contents,
        base=before.text,
        known=lambda old, new: before.rules(old, None if made is None else made.persona(new.pack, new.persona)),
        decisions=decisions,
    )


class _Before:
    """What was rendered last, read from the contents that are kept or rendered again from the lock."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @cached_property
    def made(self) -> Made | None:
        lock = self.workspace.lock
        return None if lock is None else made_again(self.workspace, lock)

    def text(self, file: InstalledFile) -> bytes:
        """The pristine bytes of a file. Raises DecisionNeeded: nobody has them any more."""
        blobs = self.workspace.store.blobs
        if blobs.has(file.rendered):
            return blobs.get(file.rendered)
        found = self.made.files.get(file.path) if self.made else None
        if found is None or found.digest != file.rendered:
            raise DecisionNeeded(
                f"{file.path}: the text it was edited from can no longer be rendered",
                hint="`--discard-edits` takes the new text and keeps the edit in the history",
            )
        return as_lf(found.content)

    def rules(self, file: InstalledFile, theirs: Persona | None) -> "Known":
        """The rules of the personas before and now. Where one is not to be had, its rules are known by their words."""
        from agentpack.differences.rules import entries_of  # both only where lines do not merge
        from agentpack.merge import Known

        try:
            before = self.made.persona(file.pack, file.persona) if self.made else None
        except AgentpackError:  # a source that is gone
            before = None
        return Known(*(entries_of(persona.sections) if persona else () for persona in (before, theirs)))
