"""sync: make disk equal manifest and lock. lock: resolve only."""

from collections.abc import Collection

from agentpack.changes.commit import carry_out, document_changes, lock_bytes, lost_files, pack_changes, write_documents
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.pristine import recognise_releases, recognised_lock, unrecorded_files
from agentpack.changes.requests import Options, Wish
from agentpack.changes.widening import granted_words, may_changes
from agentpack.errors import AgentpackError, DecisionNeeded, UsageError
from agentpack.model.changes import file_state
from agentpack.model.unmerged import MARKERS, unmerged_line
from agentpack.operations.clients import default_clients, settle
from agentpack.wanted.candidates import Candidates, to_change
from agentpack.wanted.choose import choose
from agentpack.wanted.from_lock import check_rendering, pinned_here
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace, changing
from agentpack.workspace.written import held_by_lock, with_files


@changing
def sync(workspace: Workspace, *, locked: bool = False, frozen: bool = False, options: Options) -> Outcome:
    """Bring the disk to what manifest and lock say.

    Args:
        locked: the lock must be what the manifest asks for.
        frozen: as `locked`, but the manifest need not be there.

    Raises:
        DecisionNeeded: the lock is missing or out of date, or, with `locked` or `frozen`, a file was edited.
    """
    if not frozen:
        require_manifest(workspace)
    unchecked = frozen and workspace.documents.manifest_bytes is None
    if locked or frozen:
        chosen = pinned_here(workspace, frozen=unchecked)
    else:
        chosen = _chosen(to_change(workspace, workspace.manifest, workspace.lock), options.decisions)
    made = chosen.enforced()
    wish = Wish(made, workspace.documents.manifest_bytes, made.lock)
    if (locked or frozen) and workspace.lock is not None:
        check_rendering(workspace, workspace.lock, made)
        if {*workspace.lock.files} == {*made.lock.files}:
            wish = wish._replace(lock=workspace.lock)
        _refuse_edits(workspace, made, options)
    return carry_out(
        workspace,
        "sync",
        wish,
        decisions=options.decisions,
        dry_run=options.dry_run,
        partial=options.partial,
    )


def _chosen(candidates: Candidates, decisions: Decisions) -> Selection:
    """What the manifest asks for; without a lock, the releases that the files on disk equal count as locked."""
    workspace, manifest = candidates.workspace, candidates.workspace.manifest
    chosen = choose(candidates, manifest)
    for client in default_clients(workspace, manifest) if workspace.lock is None else ():
        try:
            recognise_releases(workspace, chosen.for_clients((client,)).preview())
        except AgentpackError:
            continue  # told where it is decided what the client gets
    if workspace.lock is None and (found := recognised_lock(workspace)):
        chosen = choose(candidates, manifest, lock=found)
    return settle(chosen, decisions)


def _refuse_edits(workspace: Workspace, made: Wanted, options: Options) -> None:
    if options.decisions.discard_edits:
        return
    recorded = workspace.states.recorded
    observed = workspace.states.observe({*made.files, *recorded})
    edited = []
    for path, file in recorded.items():
        wanted = made.files.get(path)
        if file_state(file.rendered, wanted and wanted.digest, observed.get(path)) in ("edited", "blocked"):
            line = unmerged_line(workspace.states.contents(path))
            edited.append(workspace.scope.absolute(path) + (f":{line}: {MARKERS}" if line else ""))
    if edited:
        raise DecisionNeeded(
            f"{len(edited)} file{'s were' if len(edited) != 1 else ' was'} edited by hand; nothing was changed",
            details=edited,
            hint="`--discard-edits` restores what is locked and keeps the edit in the history; "
            "`agentpack keep` turns an edit into a local variant",
        )


@changing
def lock(workspace: Workspace, *, upgrade: Collection[str] | None = (), options: Options) -> Outcome:
    """Resolve and write the lock; no agent file is touched.

    Args:
        upgrade: packs for which the newest release is wanted; None for all.
    """
    require_manifest(workspace)
    if workspace.documents.readable_lock is None:  # another program's text: it is written anew from the manifest
        workspace.documents.lock = None
    known = workspace.lock
    if upgrade:  # whoever names a pack trusts what its release holds now
        workspace.documents.require_packs(tuple(upgrade))
        known = known and known._replace(packs=tuple(pack for pack in known.packs if pack.name not in upgrade))
    candidates = to_change(workspace, workspace.manifest, known, refresh=upgrade)
    return write_lock(workspace, _chosen(candidates, options.decisions).enforced(), options)


def require_manifest(workspace: Workspace) -> None:
    """Raise UsageError where there is no manifest to go by."""
    if workspace.documents.manifest_bytes is None:
        raise UsageError(
            f"there is no {workspace.scope.absolute(workspace.scope.manifest)}",
            hint="`agentpack install` writes one",
        )


def write_lock(workspace: Workspace, made: Wanted, options: Options) -> Outcome:
    """Only the lock is written, and of it only what is wanted: the files stay as they were written before."""
    before = workspace.lock
    recognise_releases(workspace, made)
    if before is None and (lost := unrecorded_files(workspace, made)):
        raise lost_files(workspace, [file.path for file in lost])
    capabilities = may_changes(workspace, made)
    wanted = made.lock._replace(accepted=(*made.lock.accepted, *granted_words(capabilities)))
    text = lock_bytes(workspace, with_files(wanted, (), held_by_lock(workspace), before))
    documents = tuple(document_changes([(workspace.scope.lock, workspace.documents.lock_bytes, text)]))
    packs = tuple(pack_changes(before, made.lock))
    return write_documents(
        workspace, "lock", documents, packs, made, capabilities, dry_run=options.dry_run, stops=options.stops
    )
