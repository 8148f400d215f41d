"""Build the plan from what is wanted, recorded and on disk, with the pristine texts that merges need."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from agentpack.changes.plan import NO_DECISIONS, Decisions, plan
from agentpack.changes.pristine import Pristine, unproven
from agentpack.changes.same_file import UniqueFiles, unique_files
from agentpack.clients import read_by
from agentpack.errors import AgentpackError
from agentpack.model.changes import Action, Change, Conflict, MovedRule, Plan
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
    if met.recorded.keys() - met.wanted.keys():
        decisions = decisions._replace(own=own_packs(workspace))

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
    return met.whole(_with_moved_rules(found, met.recorded, wanted, pristine), decisions)


def own_packs(workspace: Workspace) -> frozenset[str]:
    """The locked packs that `adopt` made of the user's own files."""
    own = own_sources(workspace)
    return (
        frozenset(pack.name for pack in workspace.lock.packs if pack.source in own) if workspace.lock else frozenset()
    )


def own_sources(workspace: Workspace) -> frozenset[str]:
    """The sources in which `adopt` puts copies of the user's own files."""
    folder = workspace.scope.absolute(workspace.scope.own_packs)
    local = (one for one in workspace.manifest.sources if one.kind == "path")
    return frozenset(one.name for one in local if workspace.sources.one(one).where == folder)


def _with_moved_rules(found: Plan, recorded: Mapping[str, InstalledFile], wanted: Wanted, pristine: Pristine) -> Plan:
    """The plan, in which a conflict about a rule that the new release has in another file of its client says so, also
    one that was decided for the user's text.
    """
    if not any(_is_gone(conflict) for change in found.changes for conflict in change.conflicts):
        return found

    from agentpack.differences.rules import entries_of  # only for such a conflict

    def located(change: Change) -> Change:
        is_gone = any(map(_is_gone, change.conflicts))
        part = pristine.part(recorded[change.path]) if is_gone and change.path in recorded else None
        if part is None:
            return change
        now = {
            entry.id: MovedRule(file.path, entry.text)
            for file in wanted.files.values()
            if file.pack == change.pack and file.path != change.path and read_by(file.client, (change.client,))
            if (other := wanted.part(file)) is not None
            for entry in entries_of(other.persona.sections)
            if entry.kind != "heading"
        }
        by_line: dict[str, dict[str, MovedRule]] = {}
        for entry in entries_of(part.persona.sections):
            if entry.id is not None and entry.id in now:
                text = entry.text.strip()
                by_line.setdefault(text.partition("\n")[0], {}).setdefault(text, now[entry.id])
        moved = tuple(tuple(_moved_from(conflict, by_line)) for conflict in change.conflicts)
        return change._replace(moved=moved if any(moved) else ())

    return found._replace(changes=tuple(map(located, found.changes)))


def _moved_from(conflict: Conflict, by_line: Mapping[str, Mapping[str, MovedRule]]) -> Iterator[MovedRule]:
    """The rules in the conflict's old text that the release has in another file now.

    Args:
        by_line: by the first line of a rule, then by its whole text, where the rule is now.
    """
    for line in dict.fromkeys(conflict.base.split("\n")) if _is_gone(conflict) else ():
        yield from (rule for text, rule in by_line.get(line.strip(), {}).items() if text in conflict.base)


def _is_gone(conflict: Conflict) -> bool:
    return bool(conflict.base.strip()) and not conflict.theirs.strip()


def _hand_copied(workspace: Workspace, wanted: Wanted, met: UniqueFiles) -> Iterator[str]:
    """The files that agentpack did not write and that have the name of the agent that a collection puts there."""
    from agentpack.clients.read_back import read_agent_file  # only where foreign files are adopted

    for path, file in met.wanted.items():
        here, part = met.observed.get(path), wanted.part(file)
        if here is None or here.blocked or part is None or not part.pack.bare:
            continue
        try:
            read = read_agent_file(workspace.client(file.client), workspace.states.contents(path), "")
        except AgentpackError:
            continue  # no agent to the client
        name = read.header["name"]
        if name == file.name or (not name and file.client != "claude"):  # to the others the file's name is the agent's
            yield path


def _rules(*parts: AssembledPersona | None) -> "KnownEntries":
    """The rules of the persona before and now. If a persona cannot be rebuilt, its rules are matched by their text."""
    from agentpack.differences.rules import entries_of  # both only where lines do not merge
    from agentpack.merge import KnownEntries

    return KnownEntries(*(entries_of(part.persona.sections) if part else () for part in parts))
