"""rollback: bring a scope back to an earlier generation. That is itself a new generation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from agentpack.changes.commit import DecidedChange, commit
from agentpack.changes.documents import changed_packs
from agentpack.changes.history import generation, reaches_back
from agentpack.changes.outcome import DocumentChange, Outcome
from agentpack.changes.same_file import one_file
from agentpack.changes.snapshot import current_pins
from agentpack.changes.widening import CapabilityChange, lock_changes
from agentpack.errors import AgentpackError, DecisionNeeded, InvalidFile, Refused, UsageError
from agentpack.model.changes import FOLDER_OF_OTHERS, WRITES, Action, Change, Observed, Plan
from agentpack.model.history import BEFORE_THE_FIRST, Generation, InstalledFile
from agentpack.model.lock_text import has_markers, parse_lock
from agentpack.model.names import Digest, is_digest_of
from agentpack.store import layout
from agentpack.workspace.locations import is_entry, split_place
from agentpack.workspace.workspace import Workspace, changing


class _Goal(NamedTuple):
    """What a path must contain. `digest` None: no file."""

    digest: Digest | None
    mode: int | None
    document: bool
    """Not an agent file: the manifest, the lock, a local variant, or a file of a local pack."""


@changing
def rollback(workspace: Workspace, number: int | None, *, dry_run: bool = False, adopt: bool = False) -> Outcome:
    """Restore files, manifest and lock as in a generation; by default the one before the current.

    Unrecorded local edits are recorded first, so nothing is lost.

    Raises:
        UsageError: there is no such generation.
        DecisionNeeded: a foreign file is in the way of one to restore; or, without a number, lock or manifest
            were changed since the last command, as by `git restore` or `git pull`.
    """
    current = workspace.documents.current
    if current is None:
        raise UsageError("there is no history to roll back", hint="`agentpack install` creates the first generation")
    if number is None:
        _require_unchanged_documents(workspace, current)
    target = current.parent if number is None else number
    if target == 0:
        _require_a_beginning(workspace)
    goal = _goal(workspace, current, target)
    goals = _goals(workspace, current, goal)
    _require_a_readable_lock(workspace, target, goals)
    outcome = _outcome(workspace, current, goal, goals, adopt)
    if outcome.plan.conflicts:
        places = [workspace.scope.absolute(change.path) for change in outcome.plan.conflicts]
        raise DecisionNeeded(
            "files that agentpack did not write are in the way; nothing was changed",
            details=places,
            hint="`--adopt` replaces them and keeps the originals in the history",
        )
    if number is None and outcome.changes_anything:
        outcome = outcome._replace(notes=(_way_back(workspace, current, goal), *outcome.notes))
    if dry_run or not outcome.changes_anything:
        return outcome._replace(dry_run=dry_run)
    modes = {path: one.mode for path, one in goals.items() if one.mode is not None}
    return commit(workspace, DecidedChange(outcome, goal.pins, modes, goal))


def _way_back(workspace: Workspace, current: Generation, goal: Generation) -> str:
    """A note that names the command a rollback without a number undoes, and the rollback that goes further back, if
    any.
    """
    is_undo = current.command.startswith("rollback ")
    further = _further_back(workspace, *((current, goal) if is_undo else (goal,)))
    place = f"to generation {further}" if further else "to before generation 1"
    instead = " instead" if is_undo else ""
    way = "" if further is None else f"; `agentpack rollback {further}` goes back {place}{instead}"
    if is_undo:
        return f"the last command was a rollback, to generation {current.command.split()[1]}, and this undoes it{way}"
    return f"this undoes generation {current.number}, {current.command}{way}"


def _further_back(workspace: Workspace, goal: Generation, *others: Generation) -> int | None:
    """The last generation before `goal` with other contents than it and `others` have; None if there is none."""
    numbers, read = workspace.store.generations.numbers(), workspace.store.generations.read
    origin, known = goal, [_contents(one) for one in (goal, *others)]
    while origin.command.startswith("rollback ") and int(origin.command.split()[1]) in numbers:
        origin = read(int(origin.command.split()[1]))
    if origin.command == "rollback 0":
        return None
    for number in reversed([number for number in numbers if number < origin.number]):
        if _contents(read(number)) not in known:
            return number
    return 0 if origin.number and reaches_back(workspace) else None


def _contents(found: Generation) -> tuple[object, ...]:
    files = {(file.path, file.written) for file in (*found.files, *found.elsewhere)}
    return files, {(document.path, document.written) for document in found.documents}


def _require_unchanged_documents(workspace: Workspace, current: Generation) -> None:
    """Raise DecisionNeeded if lock or manifest changed since this checkout's last command."""
    scope = workspace.scope
    left = {document.path: document.written for document in current.documents}
    found = {scope.manifest: workspace.documents.manifest_bytes, scope.lock: workspace.documents.lock_bytes}
    moved = [
        path
        for path, data in found.items()
        if (path in left) != (data is not None) or (data is not None and not is_digest_of(left[path], data))
    ]
    if moved:
        raise DecisionNeeded(
            "the lock or manifest changed since the last command; nothing was rolled back",
            details=[f"{scope.absolute(path)} was changed after `{current.command}`" for path in moved],
            hint=f"`agentpack rollback {current.parent}` undoes that command anyway, after recording the current "
            "state; `agentpack history` lists the generations",
        )


def _require_a_beginning(workspace: Workspace) -> None:
    """Raise UsageError if there is no state before the first generation to go back to."""
    generations = workspace.store.generations
    if 1 not in generations.numbers():
        raise UsageError(
            "the state before the first generation is no longer known: `history prune` deleted it",
            hint="`agentpack history` lists the generations; `agentpack uninstall NAME` removes a pack",
        )
    if generations.read(1).is_beginning:
        raise UsageError(
            "there is nothing to roll back to: generation 1 is what was found in this checkout; nothing was changed",
            hint="`agentpack rollback 1` restores what was found, `agentpack uninstall NAME` removes a pack",
        )


def _goal(workspace: Workspace, current: Generation, target: int) -> Generation:
    if target > current.number or target < 0:
        raise UsageError(f"there is no generation {target}", hint="`agentpack history` lists them")
    return generation(workspace, target) if target else BEFORE_THE_FIRST


def _require_a_readable_lock(workspace: Workspace, target: int, goals: Mapping[str, _Goal]) -> None:
    """Raise DecisionNeeded if the lock to restore has merge markers and its two sides cannot be read."""
    goal = goals.get(workspace.scope.lock)
    data = b"" if goal is None or goal.digest is None else workspace.store.blobs.get(goal.digest)
    try:
        if has_markers(data):
            workspace.documents.parse_lock(data)
    except InvalidFile:
        raise DecisionNeeded(
            f"generation {target} was recorded during a merge, and its agentpack.lock can no longer be read; nothing "
            "was changed",
            hint="choose another generation: `agentpack history` lists them",
        ) from None


def _goals(workspace: Workspace, current: Generation, goal: Generation) -> dict[str, _Goal]:
    """What every path managed since the target generation must contain in it."""
    goals: dict[str, _Goal] = {}
    kept = set(workspace.store.generations.numbers())
    # of a file that others write too, only our entries are ours to bring back
    shared = {split_place(file.path)[0] for file in goal.files if is_entry(file.path)}
    for number in range(current.number, goal.number, -1):
        if number not in kept:
            continue
        found = workspace.store.generations.read(number)
        documents = {document.path for document in found.documents}
        for path in (*(file.path for file in (*found.files, *found.elsewhere)), *documents):
            goals[path] = _Goal(None, None, path in documents)
        shared |= {split_place(file.path)[0] for file in found.files if is_entry(file.path)}
        for path, digest, mode in found.replaced:
            goals[path] = _Goal(digest, mode, path in documents)  # the oldest is looked at last and stands
    for row in goal.elsewhere:
        taken = goals.get(row.path)
        if taken is None or taken.digest is None:  # else it was edited there, which no generation records
            goals[row.path] = _Goal(row.written, row.mode, False)
    goals |= {file.path: _Goal(file.written, file.mode, False) for file in goal.files}
    goals |= {document.path: _Goal(document.written, document.mode, True) for document in goal.documents}
    for path in workspace.states.recorded:  # what came along with another lock since
        goals.setdefault(path, _Goal(None, None, False))
    for path in shared:
        goals.pop(path, None)
    _refuse_strange(workspace, goals)
    missing = [g.digest for g in goals.values() if g.digest is not None and not workspace.store.blobs.has(g.digest)]
    if missing:
        raise Refused(
            f"contents of generation {goal.number} are missing; nothing was changed",
            details=missing,
            hint=f"restore `{workspace.disk.absolute(layout.BLOBS)}` from a backup, or choose another generation: "
            "`agentpack history` lists them",
        )
    return goals


def _refuse_strange(workspace: Workspace, paths: Iterable[str]) -> None:
    """Raise Refused if the history lists files that agentpack does not manage: a record may come from anybody."""
    managed = workspace.managed
    strange = sorted(path for path in paths if not managed.holds(path))
    if strange:
        raise Refused(
            "the history lists files that agentpack does not manage; nothing was changed",
            details=[workspace.scope.absolute(path) for path in strange],
            hint="if they belong to a client you declared, restore its file in `.agentpack/clients`; otherwise "
            f"delete `{workspace.disk.absolute(layout.STATE)}`, which loses the history",
        )


def _outcome(
    workspace: Workspace, current: Generation, target: Generation, goals: Mapping[str, _Goal], adopt: bool
) -> Outcome:
    seen = workspace.states.observe(set(goals))
    # what the history has was written there: that somebody else's files lie beside it is no hindrance
    observed = {path: here for path, here in seen.items() if here is not FOLDER_OF_OTHERS}
    same = _one_file(workspace, goals)
    ours = dict(workspace.states.recorded)
    rows = ((row, observed.get(row.path)) for row in current.elsewhere)
    ours |= {row.path: row for row, here in rows if here is not None and here.digest == row.written}
    ours |= {lead: ours[path] for path, lead in same.items() if path in ours and lead not in ours}
    known = {**{file.path: file for file in (target if target.number else current).files}, **ours}
    left = {path for path, goal in _left_by(workspace, current).items() if _holds(goal, observed.get(path))}
    stays = {row.path for row in target.elsewhere}  # written again only where nothing is
    changes = dict[str, Change]()
    for path in sorted(path for path, goal in goals.items() if path not in same and not goal.document):
        goal, here = goals[path], observed.get(path)
        keeps = path in stays and here is not None
        action = Action.KEEP if keeps else _action(goal, here, path in ours or path in left, path in known, adopt)
        changes[path] = _change(workspace, path, action, goal, here, known.get(path))
    for path, lead in same.items():
        if goals[path].digest is not None and (row := known.get(path)) is not None:
            one = changes[lead]
            changes[path] = one._replace(path=path, client=row.client, pack=row.pack, persona=row.persona, same_as=lead)
    planned = Plan(changes=tuple(changes.values()), elsewhere=_elsewhere(changes.values(), current, target))
    documents = tuple(_document_changes(workspace, goals))
    packs = tuple(changed_packs(_versions(current_pins(workspace)), _versions(target.pins)))
    return Outcome(
        command=f"rollback {target.number}",
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=planned,
        documents=documents,
        packs=packs if planned.pending or documents else (),
        capabilities=_may_changes(workspace, documents),
        notes=(*workspace.link_notes(), *_edit_notes(workspace, current, changes.values())),
    )


def _left_by(workspace: Workspace, current: Generation) -> Mapping[str, _Goal]:
    """What the last command left at each path, if it was a rollback: also in files that are no longer managed."""
    verb, _, number = current.command.partition(" ")
    known = {"0", *map(str, workspace.store.generations.numbers())}
    if verb != "rollback" or not {number, str(current.parent)} <= known:
        return {}
    return _goals(workspace, generation(workspace, current.parent), _goal(workspace, current, int(number)))


def _holds(goal: _Goal, here: Observed | None) -> bool:
    return here is not None and (here.raw, here.mode) == (goal.digest, goal.mode)


def _action(goal: _Goal, here: Observed | None, is_ours: bool, is_known: bool, adopt: bool) -> Action:
    """The action that brings a path to its goal; a foreign file is a conflict unless it may be adopted."""
    if here is None:
        return Action.KEEP if goal.digest is None else Action.RESTORE if is_ours else Action.CREATE
    if _holds(goal, here):
        return Action.KEEP
    if not is_ours and not adopt and here.raw != goal.digest:
        return Action.CONFLICT if is_known or goal.digest is not None else Action.KEEP
    return Action.DELETE if goal.digest is None else Action.REPLACE


def _change(
    workspace: Workspace, path: str, action: Action, goal: _Goal, here: Observed | None, row: InstalledFile | None
) -> Change:
    content = None if goal.digest is None else workspace.store.blobs.get(goal.digest)
    return Change(
        path=path,
        action=action,
        client=row.client if row else "",
        pack=row.pack if row else "",
        persona=row.persona if row else "",
        observed=here.raw if here else None,
        mode=here.mode if here else None,
        rendered=goal.digest,
        content=content if action in WRITES else None,
    )


def _document_changes(workspace: Workspace, goals: Mapping[str, _Goal]) -> Iterator[DocumentChange]:
    for path, goal in sorted(goals.items()):
        if goal.document:
            before, seen = workspace.disk.read(path), workspace.disk.look(path)
            after = None if goal.digest is None else workspace.store.blobs.get(goal.digest)
            if (before, seen.mode if seen else None) != (after, goal.mode):
                yield DocumentChange(path, before, after)


def _one_file(workspace: Workspace, goals: Mapping[str, _Goal]) -> Mapping[str, str]:
    """For each path that another one stands for, because both are the same file, that other path.

    Raises:
        DecisionNeeded: a new link makes two paths one file that would need two texts.
    """
    same: dict[str, str] = {}
    for group in workspace.places.groups(path for path in goals if not goals[path].document):
        held = [path for path in group if goals[path].digest is not None]
        lead = (held or group)[0]
        if len({goals[path].digest for path in held}) > 1:
            raise DecisionNeeded(
                "one file would need two different texts; nothing was changed",
                details=[one_file(workspace, group, lead=lead)],
                hint="replace the link with a real folder or file",
            )
        same.update({path: lead for path in group if path != lead})
    return same


def _elsewhere(changes: Iterable[Change], current: Generation, goal: Generation) -> tuple[InstalledFile, ...]:
    """The files that stay in folders a variable pointed to before: those of the target generation, and current ones
    that are not deleted.
    """
    gone = {change.path for change in changes if change.action is Action.DELETE} | {file.path for file in goal.files}
    rows = {file.path: file for file in (*goal.elsewhere, *current.elsewhere)}
    return tuple(row for path, row in rows.items() if path not in gone)


def _edit_notes(workspace: Workspace, current: Generation, changes: Iterable[Change]) -> Iterator[str]:
    """Notes that say where edits made since the last command are kept. Edits are recorded before anything changes."""
    for change in changes:
        row = workspace.states.recorded.get(change.path)
        taken = change.action is Action.DELETE or change.action in WRITES
        if taken and row is not None and change.observed not in (None, row.written, row.rendered):
            kept = current.number + 1
            place = workspace.scope.absolute(change.path)
            yield f"{place}: your edits are kept in generation {kept}; `agentpack rollback {kept}` brings them back"


def _may_changes(workspace: Workspace, documents: Iterable[DocumentChange]) -> tuple[CapabilityChange, ...]:
    """The capability differences between the two locks."""
    for document in documents:
        if document.path == workspace.scope.lock:
            try:
                before, after = (None if d is None else parse_lock(d, document.path) for d in document[1:])
            except AgentpackError:
                return ()  # one that does not read is brought back all the same
            return lock_changes(before, after)
    return ()


def _versions(pins: Iterable[str]) -> dict[str, str]:
    return {name: version for name, _, version in (pin.partition(" ") for pin in pins)}
