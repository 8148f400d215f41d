"""Build the plan from what is wanted, recorded and on disk, with the pristine texts that merges need."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from agentpack.changes.plan import NO_DECISIONS, Decisions, plan
from agentpack.changes.pristine import Pristine, unproven
from agentpack.changes.same_file import UniqueFiles, unique_files
from agentpack.errors import AgentpackError
from agentpack.model.changes import Action, Plan
from agentpack.model.history import InstalledFile
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.merge import KnownEntries

_TOUCHING = frozenset((Action.DELETE, Action.REPLACE, Action.DISCARD))
"""What is done to files because they are ours."""


def plan_for(workspace: Workspace, wanted: Wanted, decisions: Decisions = NO_DECISIONS) -> Plan:
    """The plan that brings the disk to what is wanted."""
    met = unique_files(workspace, wanted.files)
    pristine = Pristine(workspace)
    if decisions.adopt:
        decisions = decisions._replace(hand_copied=frozenset(_hand_copied(workspace, wanted, met)))

    def planned(recorded: Mapping[str, InstalledFile]) -> Plan:
        return plan(
            met.wanted,
            recorded,
            met.observed,
            disk=workspace.states.contents,
            base=pristine.text,
            known=lambda old, new: _rules(pristine.part(old), wanted.part(new)),
            decisions=decisions,
        )

    found = planned(met.recorded)
    touched = (change.path for change in found.changes if change.action in _TOUCHING)
    others = unproven(workspace, (met.recorded[path] for path in touched if path in met.recorded), pristine)
    if others:
        found = planned({path: row for path, row in met.recorded.items() if path not in others})
    return met.whole(found, decisions)


def _hand_copied(workspace: Workspace, wanted: Wanted, met: UniqueFiles) -> Iterator[str]:
    """The files that agentpack did not write and that have the name of the agent that a collection puts there."""
    from agentpack.clients.read_back import read_agent_file  # only where foreign files are adopted

    for path, file in met.wanted.items():
        here, part = met.observed.get(path), wanted.part(file)
        if path in met.recorded or here is None or here.blocked or part is None or not part.pack.bare:
            continue
        try:
            read = read_agent_file(workspace.client(file.client), workspace.states.contents(path), path)
        except AgentpackError:
            continue  # no agent to the client
        if read.header["name"] in ("", file.name):
            yield path


def _rules(*parts: AssembledPersona | None) -> "KnownEntries":
    """The rules of the persona before and now. If a persona cannot be rebuilt, its rules are matched by their text."""
    from agentpack.differences.rules import entries_of  # both only where lines do not merge
    from agentpack.merge import KnownEntries

    return KnownEntries(*(entries_of(part.persona.sections) if part else () for part in parts))
