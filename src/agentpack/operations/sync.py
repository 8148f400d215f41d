"""sync: make disk equal manifest and lock. lock: resolve only."""

from collections.abc import Collection

from agentpack.changes.conflicts import lost_files
from agentpack.changes.decisions import carry_out, conclude
from agentpack.changes.documents import document_changes, lock_bytes, merge_notes, pack_changes
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.changes.pristine import recognise_releases, recognised_lock, unrecorded_files
from agentpack.changes.request import ChangeRequest, DesiredState
from agentpack.changes.widening import granted_words, may_changes, refuse_widening
from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.model.changes import Plan, file_state
from agentpack.model.lock import Lock
from agentpack.model.unmerged import MARKERS, unmerged_line
from agentpack.operations.clients import default_clients, settle
from agentpack.wanted.candidates import Library, choose
from agentpack.wanted.from_lock import check_rendering, made_from_lock
from agentpack.wanted.making import Made, make
from agentpack.workspace.required import require_manifest, require_packs
from agentpack.workspace.workspace import Workspace, changing
from agentpack.workspace.written import held_by_lock, with_files


@changing
def sync(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Bring the disk to what manifest and lock say.

    Raises:
        DecisionNeeded: the lock is missing or out of date, or, with `locked` or `frozen`, a file was edited.
    """
    if not request.frozen:
        require_manifest(workspace)
    as_locked = request.locked or request.frozen
    unchecked = request.frozen and workspace.manifest_bytes is None
    made = made_from_lock(workspace, frozen=unchecked) if as_locked else made_now(workspace, request)
    state = DesiredState(made, workspace.manifest_bytes, made.lock)
    if as_locked and workspace.lock is not None:
        check_rendering(workspace, workspace.lock, made)
        if {*workspace.lock.files} == {*made.lock.files}:
            state = state._replace(lock=workspace.lock)
        _refuse_edits(workspace, made, request)
    return carry_out(workspace, "sync", state, request)


def made_now(workspace: Workspace, decisions: Decisions = NO_DECISIONS) -> Made:
    """What the manifest asks for, with what the lock has where it fits."""
    manifest, lock = workspace.manifest, workspace.lock
    library = Library(workspace, manifest, lock.packs if lock else ())
    chosen = choose(library, manifest, lock or _recognised(workspace, library), upgrade=())
    return settle(library, manifest, chosen, decisions).made(library, manifest, chosen)


def _recognised(workspace: Workspace, library: Library) -> Lock | None:
    """Without a lock, one of the releases that the files on disk equal; None where there are none."""
    manifest = workspace.manifest
    chosen = choose(library, manifest, None, upgrade=())
    for client in default_clients(workspace, manifest):
        try:
            made = make(library, manifest, chosen, (client,), accepted=None)
            recognise_releases(workspace, made)
        except AgentpackError:
            continue  # told where it is decided what the client gets
    return recognised_lock(workspace)


def _refuse_edits(workspace: Workspace, made: Made, request: ChangeRequest) -> None:
    if request.discard_edits:
        return
    recorded = workspace.recorded
    observed = workspace.observe({*made.files, *recorded})
    edited = []
    for path, file in recorded.items():
        wanted = made.files.get(path)
        if file_state(file.rendered, wanted and wanted.digest, observed.get(path)) in ("edited", "blocked"):
            line = unmerged_line(workspace.contents(path))
            edited.append(workspace.scope.absolute(path) + (f":{line}: {MARKERS}" if line else ""))
    if edited:
        raise DecisionNeeded(
            f"{len(edited)} file{'s were' if len(edited) != 1 else ' was'} edited by hand; nothing was changed",
            details=edited,
            hint="`--discard-edits` restores what is locked and keeps the edit in the history; "
            "`agentpack keep` turns an edit into a local variant",
        )


@changing
def lock(workspace: Workspace, request: ChangeRequest, *, upgrade: Collection[str] | None = ()) -> Outcome:
    """Resolve and write the lock; no agent file is touched.

    Args:
        upgrade: packs for which the newest release is wanted; None for all.
    """
    require_manifest(workspace)
    _pass_over_unreadable_lock(workspace)
    locked = workspace.lock.packs if workspace.lock else ()
    if upgrade:  # whoever names a pack trusts what its release holds now
        locked = tuple(pack for pack in locked if pack.name not in upgrade)
    library = Library(workspace, workspace.manifest, locked, anew=upgrade)
    if upgrade:
        require_packs(workspace, upgrade)
    known = workspace.lock or _recognised(workspace, library)
    chosen = choose(library, workspace.manifest, known, upgrade=upgrade)
    made = settle(library, workspace.manifest, chosen, request).made(library, workspace.manifest, chosen)
    return _write_lock(workspace, made, request)


def _pass_over_unreadable_lock(workspace: Workspace) -> None:
    """A lock that cannot be read (another program's text) is written anew from the manifest."""
    if workspace.readable_lock is None:
        workspace.__dict__["lock"] = None


def _write_lock(workspace: Workspace, made: Made, request: ChangeRequest) -> Outcome:
    """Only the lock is written, and of it only what is wanted: the files stay as they were written before."""
    before = workspace.lock
    recognise_releases(workspace, made)
    if before is None and (lost := unrecorded_files(workspace, made)):
        raise lost_files(workspace, [file.path for file in lost])
    capabilities = may_changes(workspace, made)
    if request.require_acceptance:
        refuse_widening(capabilities)
    wanted = made.lock._replace(accepted=(*made.lock.accepted, *granted_words(capabilities)))
    text = lock_bytes(workspace, with_files(wanted, (), held_by_lock(workspace), before))
    documents = tuple(document_changes([(workspace.scope.lock, workspace.lock_bytes, text)]))
    proposed = Outcome(
        command="lock",
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=Plan(changes=(), elsewhere=workspace.elsewhere),
        documents=documents,
        packs=tuple(pack_changes(before, made.lock)),
        notes=(*made.notes(made.files if documents else None), *merge_notes(workspace, made.lock)),
        dry_run=request.dry_run,
        capabilities=capabilities,
        skipped=made.skipped,
    )
    return conclude(workspace, made, request, proposed)
