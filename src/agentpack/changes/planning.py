"""Build the plan from what is wanted, recorded and on disk, with the pristine texts that merges need."""

from typing import TYPE_CHECKING

from agentpack.changes.plan import NO_DECISIONS, Decisions, plan
from agentpack.changes.pristine import Pristine
from agentpack.changes.same_file import unique_files
from agentpack.model.changes import Plan
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.merge import KnownEntries


def plan_for(workspace: Workspace, wanted: Wanted, decisions: Decisions = NO_DECISIONS) -> Plan:
    """The plan that brings the disk to what is wanted."""
    met = unique_files(workspace, wanted.files)
    pristine = Pristine(workspace)
    planned = plan(
        met.wanted,
        met.recorded,
        met.observed,
        disk=workspace.states.contents,
        base=pristine.text,
        known=lambda old, new: _rules(pristine.part(old), wanted.part(new)),
        decisions=decisions,
    )
    return met.whole(planned, decisions)


def _rules(*parts: AssembledPersona | None) -> "KnownEntries":
    """The rules of the persona before and now. If a persona cannot be rebuilt, its rules are matched by their text."""
    from agentpack.differences.rules import entries_of  # both only where lines do not merge
    from agentpack.merge import KnownEntries

    return KnownEntries(*(entries_of(part.persona.sections) if part else () for part in parts))
