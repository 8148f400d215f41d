"""Paths that lead to the same file, and files left behind when a client's variable changed.

Two clients may share a folder through a link, and a variable such as CLAUDE_CONFIG_DIR may point elsewhere today than
yesterday. So paths are compared by the file they lead to, not by name:

- Of paths that are one file, one represents all. Its text is planned and written once; the others are recorded with
  it. Different texts for one file are refused before anything is written.
- A file that the other scope manages as well is written with one text or not at all, and goes with the last of them.
- A file of ours stays where it is while its persona is wanted at the place that the variable leads to now: it may be
  the one of another account. Once nothing wants it, it is deleted, or named if it was edited.

The lock knows nothing of this: it has a row for each client, so that it is the same on a machine without the link.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agentpack.changes.plan import Decisions
from agentpack.errors import DecisionNeeded
from agentpack.model.changes import WRITES, Action, Change, Observed, Plan
from agentpack.model.history import InstalledFile
from agentpack.model.rendering import Rendering
from agentpack.model.variables import root_of, variable_of
from agentpack.workspace.other_scope import OtherScopeFile, shared_files
from agentpack.workspace.workspace import Workspace


class UniqueFiles(NamedTuple):
    """The input of a plan: what is wanted, recorded and observed, with one path per file even where links give a file
    several; and the paths that were left out for that, which `whole` adds back to the plan.
    """

    wanted: Mapping[str, Rendering]
    recorded: Mapping[str, InstalledFile]
    observed: Mapping[str, Observed]
    same: Mapping[str, tuple[str, Rendering | InstalledFile]]
    """For each path that another path stands for: that path, and what is wanted or recorded there."""
    stays: tuple[InstalledFile, ...]
    """Files left where a variable pointed before."""
    leaves: tuple[InstalledFile, ...]
    """Files left there that are no longer wanted."""
    shared: Mapping[str, OtherScopeFile]
    """Files the other scope manages too: they stay when this scope no longer wants them."""

    def whole(self, plan: Plan, decisions: Decisions) -> Plan:
        """The plan with the paths that were left out added back."""
        changes = {change.path: change for change in plan.changes}
        changes.update(
            (path, _change_of_alias(path, changes.get(lead), lead, row)) for path, (lead, row) in self.same.items()
        )
        changes.update((row.path, _change_of_unwanted(row, self.observed[row.path], decisions)) for row in self.leaves)
        for path in self.shared.keys() & changes.keys():
            if changes[path].action is Action.DELETE:
                changes[path] = changes[path]._replace(action=Action.FORGET)
        return Plan(
            changes=tuple(changes[path] for path in sorted(changes)),
            elsewhere=self.stays,
            shared={path: one.scope for path, one in self.shared.items()},
        )


def unique_files(workspace: Workspace, wanted: Mapping[str, Rendering]) -> UniqueFiles:
    """The three states of every file, with one path per file.

    Raises:
        DecisionNeeded: one file would have to hold two texts.
    """
    files, recorded = dict(wanted), dict(workspace.states.recorded)
    before = {row.path: row for row in workspace.states.elsewhere if row.path not in recorded}
    clients = {*(file.client for file in files.values()), *(row.client for row in recorded.values())}
    shared = shared_files(workspace, clients)
    _refuse_other_text(workspace, files, shared)
    for path in files.keys() & shared.keys() - recorded.keys():
        recorded[path] = shared[path].row._replace(path=path)
    observed = workspace.states.observe({*files, *recorded, *before})
    same: dict[str, tuple[str, Rendering | InstalledFile]] = {}
    for group in workspace.places.groups({*files, *recorded, *before}):
        lead = next((path for path in group if path in files), group[0])
        _refuse_two_texts(workspace, [files[path] for path in group if path in files], group)
        rows = [row for path in (lead, *group) if (row := recorded.get(path) or before.get(path))]
        here = next((seen for path in group if (seen := observed.get(path)) and not seen.blocked), observed.get(lead))
        for path in (path for path in group if path != lead):
            new, old = files.pop(path, None), recorded.pop(path, None)
            before.pop(path, None)
            # another name of the same persona's file only drops out of the record
            if new or (old and not (lead in files and _agent_key(old) == _agent_key(files[lead]))):
                same[path] = lead, new or old  # type: ignore[assignment]
        if rows:
            recorded[lead] = _behind(rows, here)._replace(path=lead)
        before.pop(lead, None)
        if here is not None:
            observed[lead] = here
    for path in before.keys() & files.keys():
        recorded[path] = before.pop(path)
    stays, leaves = _left_elsewhere(files, recorded, before.values())
    return UniqueFiles(
        files, recorded, observed, same, stays, tuple(row for row in leaves if row.path in observed), shared
    )


def _left_elsewhere(
    files: Mapping[str, Rendering], recorded: dict[str, InstalledFile], before: Iterable[InstalledFile]
) -> tuple[tuple[InstalledFile, ...], tuple[InstalledFile, ...]]:
    """Files left where a variable pointed before: those to keep (removed from the recorded files), and those no longer
    wanted.
    """
    roots = {_agent_key(file): root_of(path) for path, file in files.items()}
    unwanted = [row for path, row in recorded.items() if path not in files]
    moved = [row for row in unwanted if roots.get(_agent_key(row), root_of(row.path)) != root_of(row.path)]
    for row in moved:
        del recorded[row.path]
    stays = [row for row in (*moved, *before) if _agent_key(row) in roots]
    return tuple(stays), tuple(row for row in before if _agent_key(row) not in roots)


def _agent_key(row: Rendering | InstalledFile | Change) -> tuple[str, str, str]:
    return row.client, row.pack, row.persona


def _behind(rows: Sequence[InstalledFile], here: Observed | None) -> InstalledFile:
    """Of several rows recorded for one file, the row that matches the file, else the first."""
    return next((row for row in rows if here is not None and here.digest in (row.written, row.rendered)), rows[0])


def _refuse_other_text(
    workspace: Workspace, files: Mapping[str, Rendering], shared: Mapping[str, OtherScopeFile]
) -> None:
    """Raise DecisionNeeded if the other scope manages one of these files with another text."""
    other = [path for path in sorted(files.keys() & shared.keys()) if files[path].digest != shared[path].row.rendered]
    if other:
        scope = shared[other[0]].scope
        raise DecisionNeeded(
            f"the {scope} scope manages the same file with a different text; nothing was written",
            details=[workspace.scope.absolute(path) for path in other],
            hint="install the same release in both scopes, or remove it from the other: `agentpack uninstall "
            f"{shared[other[0]].row.pack} --{scope}`",
        )


def _change_of_alias(path: str, lead: Change | None, at: str, row: Rendering | InstalledFile) -> Change:
    """The change for a path that another path stands for: the same change, or only the removal of its row."""
    forgotten = Change(path, Action.FORGET, row.client, row.pack, row.persona, same_as=at)
    if not isinstance(row, Rendering) or lead is None:
        return forgotten
    return lead._replace(path=path, client=row.client, pack=row.pack, persona=row.persona, same_as=at, notes=row.notes)


def _change_of_unwanted(row: InstalledFile, here: Observed, decisions: Decisions) -> Change:
    """The change for a file left where a variable pointed before that is no longer wanted."""
    goes = here.digest is not None and (here.digest == row.rendered or decisions.discard_edits)
    return Change(
        path=row.path,
        action=Action.DELETE if goes and not decisions.keep_files else Action.FORGET,
        client=row.client,
        pack=row.pack,
        persona=row.persona,
        observed=here.digest,
        mode=here.mode,
        previous=row.rendered,
    )


# What is to be said.


def _refuse_two_texts(workspace: Workspace, files: Sequence[Rendering], group: Sequence[str]) -> None:
    if len({file.digest for file in files}) < 2:
        return
    titles = [workspace.clients.of_file(client).title for client in dict.fromkeys(file.client for file in files)]
    first = files[0]
    raise DecisionNeeded(
        f"{' and '.join(titles)} read the same file, but need different texts; nothing was written",
        details=[one_file(workspace, group, lead=first.path)],
        hint=f"install for only one of them (`--client {first.client}`), or replace the link with a real folder",
    )


def refuse_sources(workspace: Workspace, planned: Plan) -> None:
    """Raise DecisionNeeded if a link leads a client's folder into a release that is being installed."""
    links = {
        folder: link
        for folder in {change.path.rpartition("/")[0] for change in planned.changes if change.action in WRITES}
        if (link := workspace.disk.first_link(folder)) is not None
    }
    for folder, link in links.items():
        for ref in workspace.sources.releases_read:
            if workspace.disk.is_below(folder, ref.place):
                raise DecisionNeeded(
                    f"{_short(workspace, link[0])} is a link into the source `{ref.source}`; nothing was written",
                    details=[f"writing there would change {ref.pack} {ref.version} itself in {ref.place}"],
                    hint="replace the link with a real folder",
                )


def one_file(workspace: Workspace, group: Sequence[str], *, lead: str) -> str:
    """A sentence that says why several paths are one file."""
    for path in group:
        link = workspace.disk.first_link(path) if path != lead else None
        if link is not None:
            return " is a link to ".join(_short(workspace, place) for place in link)
    return f"{' and '.join(_short(workspace, workspace.scope.absolute(path)) for path in group)} are the same file"


def _short(workspace: Workspace, place: str) -> str:
    return place.removeprefix(f"{workspace.scope.root}/")


def same_file_notes(workspace: Workspace, planned: Plan) -> Iterator[str]:
    """Notes on clients that share a file through a link, and on files left elsewhere."""
    changed = {_agent_key(change) for change in planned.pending}
    for change in planned.pending:
        if change.same_as and change.action is not Action.FORGET:
            lead = next(other for other in planned.changes if other.path == change.same_as)
            titles = (workspace.clients.of_file(one.client).title for one in (lead, change))
            yield f"{one_file(workspace, (change.path,), lead=lead.path)}: {' and '.join(titles)} read the same file"
    for path, scope in planned.shared.items():
        if path not in workspace.states.recorded or path in {change.path for change in planned.pending}:
            yield f"{workspace.scope.absolute(path)} is also managed in the {scope} scope"
    staying = [row for row in planned.elsewhere if _agent_key(row) in changed]
    for row in staying:
        yield f"{workspace.scope.absolute(row.path)} is left on disk: {left_elsewhere_reason(workspace, row)}"
    for change in planned.changes:
        is_left = (
            change.action is Action.FORGET and not change.same_as and change.observed not in (None, change.previous)
        )
        if is_left and change.path not in workspace.states.recorded:
            yield f"{workspace.scope.absolute(change.path)} was edited and is left on disk; delete it yourself"


def left_elsewhere_reason(workspace: Workspace, row: InstalledFile) -> str:
    """A sentence that says why a file is in a folder its client no longer reads."""
    root = root_of(row.path)
    if root:
        return f"it was written when {variable_of(root)} pointed there"
    target = workspace.clients.of_file(row.client)
    return f"it was written when {target.user.variable if target.user else None} was not set"
