"""The plan of what is wanted, recorded and on disk, and what its merges need to know of the texts rendered last."""

from typing import TYPE_CHECKING

from agentpack.changes.meeting import meet
from agentpack.changes.plan import NO_DECISIONS, Decisions, plan
from agentpack.changes.pristine import Pristine
from agentpack.model.changes import Plan
from agentpack.model.history import InstalledFile
from agentpack.model.persona import Persona
from agentpack.wanted.making import Made
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.merge import Known


def plan_for(workspace: Workspace, made: Made, decisions: Decisions = NO_DECISIONS) -> Plan:
    """The plan that brings the disk to what is wanted."""
    met = meet(workspace, made.files)
    pristine = Pristine(workspace)
    planned = plan(
        met.wanted,
        met.recorded,
        met.observed,
        disk=workspace.contents,
        base=pristine.text,
        known=lambda old, new: _rules(pristine, old, made.persona(new.pack, new.persona)),
        decisions=decisions,
    )
    return met.whole(planned, decisions)


def _rules(pristine: Pristine, old: InstalledFile, theirs: Persona | None) -> "Known":
    """The rules of the personas before and now. Where one is not to be had, its rules are known by their words."""
    from agentpack.differences.rules import entries_of  # both only where lines do not merge
    from agentpack.merge import Known

    before = pristine.part(old)
    personas = (before.persona if before else None, theirs)
    return Known(*(entries_of(persona.sections) if persona else () for persona in personas))
