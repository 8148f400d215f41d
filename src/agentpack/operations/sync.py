"""sync: make disk equal manifest and lock. lock: resolve only."""

from collections.abc import Collection

from agentpack.errors import AgentpackError, DecisionNeeded, UsageError
from agentpack.model.lock import Lock, LockedFile
from agentpack.model.manifest import Manifest
from agentpack.model.unmerged import MARKERS, unmerged_line
from agentpack.model.variables import root_of, variable_of
from agentpack.operations.carrying_out import Outcome, Wish, carry_out
from agentpack.operations.clients import default_clients, settle
from agentpack.operations.install import Options
from agentpack.operations.library import Library, as_locked, choose
from agentpack.operations.making import Made, make
from agentpack.operations.recorded import (
    held_by_lock,
    recognise_releases,
    recognised_lock,
    unrecorded_files,
    with_files,
)
from agentpack.operations.satisfying import unmet
from agentpack.operations.widening import granted_words, may_changes
from agentpack.operations.workspace import Workspace, changing
from agentpack.plan import NO_DECISIONS, Decisions


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
    unchecked = frozen and workspace.manifest_bytes is None
    made = made_from_lock(workspace, frozen=unchecked) if locked or frozen else made_now(workspace, options.decisions)
    wish = Wish(made, workspace.manifest_bytes, made.lock)
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
            made = make(library, manifest, chosen, (client,), accepted=None, obeying=False)
            recognise_releases(workspace, made)
        except AgentpackError:
            continue  # told where it is decided what the client gets
    return recognised_lock(workspace)


def made_from_lock(workspace: Workspace, *, frozen: bool, obeying: bool = True) -> Made:
    """What the lock has, rendered again from the locked releases; with `obeying`, if the policy allows it.

    Raises:
        DecisionNeeded: there is no lock, or, unless `frozen`, it is not what the manifest asks for.
    """
    lock = settled_lock(workspace, frozen=frozen)
    manifest = Manifest.from_data(lock.manifest)
    library = Library(workspace, manifest, lock.packs, every_age=True)
    return make(library, manifest, as_locked(lock), lock.clients, fewer=lock.fewer, obeying=obeying)


def settled_lock(workspace: Workspace, *, frozen: bool = False) -> Lock:
    """The lock, one that is neither half merged nor, unless `frozen`, out of date. Raises DecisionNeeded."""
    lock = workspace.lock
    if lock is None:
        if not workspace.manifest.packs:
            raise DecisionNeeded("there is no agentpack.lock", hint="`agentpack lock` writes one")
        hint = "`git restore agentpack.lock` brings it back; `agentpack lock` writes a new one"
        raise DecisionNeeded("there is no agentpack.lock", hint=hint)
    if workspace.lock_sides:
        raise DecisionNeeded(
            "agentpack.lock is half merged", hint="`agentpack lock` merges the two sides into one lock"
        )
    reasons = [] if frozen else stale_reasons(workspace, lock)
    if reasons:
        raise DecisionNeeded(
            "agentpack.lock is not what agentpack.yaml asks for",
            details=reasons,
            hint="`agentpack lock` brings it up to date",
        )
    return lock


def stale_reasons(workspace: Workspace, lock: Lock) -> list[str]:
    """Why the lock is not what the manifest and the local variants ask for; empty when it is."""
    reasons = []
    wanted = workspace.manifest.to_data()
    for key in sorted({*wanted, *lock.manifest}):
        if wanted.get(key) != lock.manifest.get(key):
            reasons.append(f"agentpack.yaml: `{key}` was changed since")
    texts = {(text.persona, text.name): text.data for text in workspace.local_texts}
    found = {(text.persona, text.name): text.digest for text in workspace.local_texts}
    for pack in lock.packs:
        for variant in pack.local_variants:
            digest = found.get((variant.persona, variant.name))
            if digest is None:
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} is gone")
            elif line := unmerged_line(texts.get((variant.persona, variant.name), b"")):
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} has {MARKERS} on line {line}")
            elif digest != variant.digest:
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} was changed since")
    if not reasons:  # a manifest that moved on explains the rest
        reasons += unmet(workspace.manifest, lock)
    return reasons


def check_rendering(workspace: Workspace, lock: Lock, made: Made) -> None:
    """Raise DecisionNeeded when the locked releases no longer give the locked text. Files that were written from an
    older release, or not yet, are none of its business.
    """
    now = {file.path: file for file in made.lock.files}
    then = {file.path: file for file in lock.files if file.release is None}
    changed = sorted(path for path, file in then.items() if path not in now or not _is_rendered(file, now[path]))
    if lock.written is None:
        changed = sorted({*changed, *(now.keys() - then.keys())})
    said = {pack.name: (pack.variants, pack.requires) for pack in made.lock.packs}
    changed += sorted(pack.name for pack in lock.packs if said.get(pack.name) != (pack.variants, pack.requires))
    if changed:
        why = "changed by hand, or by another version of agentpack: `agentpack lock` writes it anew"
        if moving := sorted({variable_of(root_of(path)) for path in changed} - {""}):
            why = f"written with another setting of {', '.join(moving)}: set it as it was, or run `agentpack sync`"
        raise DecisionNeeded(
            "the locked releases do not render to what agentpack.lock says",
            details=changed[:20],
            hint=f"the lock was {why}",
        )


def _is_rendered(row: LockedFile, now: LockedFile) -> bool:
    """Whether a row says what its release renders to. Older locks do not tell capabilities."""
    return row.sha256 == now.sha256 and row.capabilities in (None, now.capabilities)


def _refuse_edits(workspace: Workspace, made: Made, options: Options) -> None:
    if options.decisions.discard_edits:
        return
    recorded = workspace.recorded
    observed = workspace.observe({*made.files, *recorded})
    edited = []
    for path, file in recorded.items():
        here = observed.get(path)
        if here is not None and here.digest != file.rendered:
            wanted = made.files.get(path)
            if wanted is None or here.digest != wanted.digest:
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
def lock(workspace: Workspace, *, upgrade: Collection[str] | None = (), options: Options) -> Outcome:
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
        workspace.require_packs(tuple(upgrade))
    known = workspace.lock or _recognised(workspace, library)
    chosen = choose(library, workspace.manifest, known, upgrade=upgrade)
    made = settle(library, workspace.manifest, chosen, options.decisions).made(library, workspace.manifest, chosen)
    return write_lock(workspace, made, options)


def require_manifest(workspace: Workspace) -> None:
    """Raise UsageError where there is no manifest to go by."""
    if workspace.manifest_bytes is None:
        raise UsageError(
            f"there is no {workspace.scope.absolute(workspace.scope.manifest)}",
            hint="`agentpack install` writes one",
        )


def _pass_over_unreadable_lock(workspace: Workspace) -> None:
    """A lock that cannot be read (another program's text) is written anew from the manifest."""
    if workspace.readable_lock is None:
        workspace.__dict__["lock"] = None


def write_lock(workspace: Workspace, made: Made, options: Options) -> Outcome:
    """Only the lock is written, and of it only what is wanted: the files stay as they were written before."""
    from agentpack.operations.carrying_out import (
        document_changes,
        lock_bytes,
        lost_files,
        pack_changes,
        write_documents,
    )

    before = workspace.lock
    recognise_releases(workspace, made)
    if before is None and (lost := unrecorded_files(workspace, made)):
        raise lost_files(workspace, [file.path for file in lost])
    capabilities = may_changes(workspace, made)
    wanted = made.lock._replace(accepted=(*made.lock.accepted, *granted_words(capabilities)))
    text = lock_bytes(workspace, with_files(wanted, (), held_by_lock(workspace), before))
    documents = tuple(document_changes([(workspace.scope.lock, workspace.lock_bytes, text)]))
    packs = tuple(pack_changes(before, made.lock))
    return write_documents(
        workspace, "lock", documents, packs, made, capabilities, dry_run=options.dry_run, stops=options.stops
    )
