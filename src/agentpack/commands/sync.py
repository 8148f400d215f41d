"""sync: make installed files match manifest and lock. lock: only resolve."""

from collections.abc import Collection

from packaging.version import Version

from agentpack.changes.clients import choose_clients, default_clients
from agentpack.changes.conflicts import lost_files
from agentpack.changes.decisions import confirm_and_commit, propose_change
from agentpack.changes.documents import declaration_notes, document_changes, lock_bytes, merge_notes, pack_changes
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.pristine import recognise_releases, recognised_lock, unrecorded_files
from agentpack.changes.request import ChangeRequest, DesiredState
from agentpack.changes.widening import capability_changes, granted_words, widening_error
from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.model.changes import Action, Plan, file_state
from agentpack.model.lock import Lock
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.from_lock import check_rendering, current_lock, pinned_by_scope, stale_reasons
from agentpack.wanted.selection import Selection
from agentpack.wanted.skipped import skipped_agents
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import file_releases_of_lock, with_files
from agentpack.workspace.preconditions import require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing


@changing
def sync(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Make installed files match manifest and lock.

    Raises:
        DecisionNeeded: the lock is missing or out of date, or, with `locked` or `frozen`, a file was edited.
    """
    if not request.frozen:
        require_manifest(workspace)
    as_locked = request.locked or request.frozen
    unchecked = request.frozen and workspace.documents.manifest_bytes is None
    if as_locked:
        if request.sources:
            _use_supply(workspace, request.sources[-1], current_lock(workspace, frozen=unchecked))
        chosen = pinned_by_scope(workspace, frozen=unchecked)
    else:
        chosen = _chosen(candidates_to_install(workspace, workspace.manifest, workspace.lock), request.decisions)
        _refuse_vanished(workspace, chosen)
    wanted = chosen.enforced()
    state = DesiredState(wanted, workspace.documents.manifest_bytes, wanted.lock)
    if as_locked and workspace.lock is not None:
        check_rendering(workspace, workspace.lock, wanted)
        if {*workspace.lock.files} == {*wanted.lock.files}:
            state = state._replace(lock=workspace.lock)
        _refuse_edits(workspace, wanted, request)
    proposed = propose_change(workspace, "sync", state, request)
    lost = next((wanted.files[change.path] for change in proposed.plan.changes if change.action is Action.LOST), None)
    if lost is not None and lost.lost_text is not None:
        raise lost.lost_text
    return confirm_and_commit(workspace, wanted, request, proposed)


def _use_supply(workspace: Workspace, place: str, lock: Lock) -> None:
    """Look for what the lock pins at a place before its sources are asked."""
    from agentpack.changes.place_arguments import open_place  # only with `--source`
    from agentpack.sources.supply import Supply

    source = open_place(workspace, place)
    workspace.policies.supply = source.name
    supply = Supply(source)
    supply.check(lock)
    workspace.sources.supply = supply


def _chosen(candidates: Candidates, decisions: Decisions) -> Selection:
    """The releases for the manifest; without a lock, releases recognised from files on disk count as locked."""
    workspace, manifest = candidates.workspace, candidates.workspace.manifest
    chosen = choose(candidates, manifest)
    for client in default_clients(workspace, manifest) if workspace.lock is None else ():
        try:
            recognise_releases(workspace, chosen.for_clients((client,)).preview())
        except AgentpackError:
            continue  # told where it is decided what the client gets
    if workspace.lock is None and (found := recognised_lock(workspace)):
        chosen = choose(candidates, manifest, lock=found)
    return choose_clients(chosen, decisions)


def _refuse_vanished(workspace: Workspace, chosen: Selection) -> None:
    """Raise Unresolvable if a locked release is gone, though the lock is current: to take another is an upgrade."""
    lock, own = workspace.lock, workspace.scope.absolute(workspace.scope.own_packs)
    for pin in chosen.pins if lock is not None else ():
        locked = lock and lock.pack(pin.pack)
        if not (lock and locked and locked.digest) or locked.version == str(pin.version):
            continue
        source = chosen.candidates.sources.source(locked.source)
        if not (source and source.where == own) and not stale_reasons(workspace, lock):
            raise chosen.candidates.gone(pin.pack, Version(locked.version))


def _refuse_edits(workspace: Workspace, wanted: Wanted, request: ChangeRequest) -> None:
    if request.decisions.discard_edits:
        return
    recorded = workspace.states.recorded
    observed = workspace.states.observe({*wanted.files, *recorded})
    edited, packs = [], list[str]()
    for path, file in recorded.items():
        new = wanted.files.get(path)
        if file_state(file.rendered, new and new.digest, observed.get(path)) in ("edited", "blocked"):
            line = unmerged_line(workspace.states.contents(path))
            packs.append(file.pack)
            edited.append(workspace.scope.absolute(path) + (f":{line}: {MARKERS}" if line else ""))
    if edited:
        from agentpack.changes.edited import keep_words  # only where something was edited

        raise DecisionNeeded(
            f"{len(edited)} file{'s were' if len(edited) != 1 else ' was'} edited by hand; nothing was changed",
            details=edited,
            hint=HINT
            if any(MARKERS in words for words in edited)
            else "`--discard-edits` restores the locked text and keeps the edit in the history; "
            + keep_words(workspace, packs),
        )


@changing
def lock(workspace: Workspace, request: ChangeRequest, *, upgrade: Collection[str] | None = ()) -> Outcome:
    """Resolve and write the lock; agent files are not changed.

    Args:
        upgrade: packs to upgrade to their newest release; None for all.
    """
    require_manifest(workspace)
    if workspace.documents.readable_lock is None:  # another program's text: it is written anew from the manifest
        workspace.documents.lock = None
    known = workspace.lock
    if upgrade:  # whoever names a pack trusts what its release holds now
        require_packs(
            workspace,
            upgrade,
            agent="`agentpack lock --upgrade-pack {pack}` upgrades the pack, with all its agents",
            needed="`agentpack lock --upgrade` also upgrades packs that others need",
        )
        known = known and known._replace(packs=tuple(pack for pack in known.packs if pack.name not in upgrade))
    candidates = candidates_to_install(workspace, workspace.manifest, known, refresh=upgrade)
    return _write_lock(workspace, _chosen(candidates, request.decisions).enforced(), request)


def _write_lock(workspace: Workspace, wanted: Wanted, request: ChangeRequest) -> Outcome:
    """Write only the lock, with the new packs; the rows of files stay as they were written."""
    before = workspace.lock
    recognise_releases(workspace, wanted)
    if before is None and (lost := unrecorded_files(workspace, wanted)):
        raise lost_files(workspace, [file.path for file in lost])
    capabilities = capability_changes(workspace, wanted)
    if request.require_acceptance and (refusal := widening_error(capabilities)):
        raise refusal
    new_lock = wanted.lock._replace(accepted=(*wanted.lock.accepted, *granted_words(capabilities)))
    text = lock_bytes(workspace, with_files(new_lock, (), file_releases_of_lock(workspace), before))
    documents = tuple(document_changes([(workspace.scope.lock, workspace.documents.lock_bytes, text)]))
    proposed = Outcome(
        command="lock",
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=Plan(changes=(), elsewhere=workspace.states.elsewhere),
        documents=documents,
        packs=tuple(pack_changes(before, wanted.lock)),
        notes=(
            *wanted.notes(workspace.scope.kind, wanted.files if documents else None),
            *(declaration_notes(workspace) if documents else ()),
            *merge_notes(workspace, wanted.lock),
        ),
        dry_run=request.dry_run,
        capabilities=capabilities,
        skipped=wanted.skipped,
        skipped_agents=tuple(skipped_agents(wanted.lock, before)),
    )
    return confirm_and_commit(workspace, wanted, request, proposed)
