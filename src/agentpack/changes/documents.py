"""How a change rewrites manifest and lock, and which packs differ afterwards."""

from collections.abc import Iterable, Iterator, Mapping

from agentpack.changes.outcome import DocumentChange, PackChange
from agentpack.changes.request import DesiredState
from agentpack.model.changes import Plan
from agentpack.model.line_ends import in_form_of, plain
from agentpack.model.lock import Lock, LockedPack
from agentpack.workspace.file_releases import file_releases, with_files
from agentpack.workspace.workspace import Workspace


def document_changes(wanted: Iterable[tuple[str, bytes | None, bytes | None]]) -> Iterator[DocumentChange]:
    """Those of the given documents (path, bytes before, bytes after) that change. Line ends alone do not count; an
    existing document keeps its line ends and byte-order mark.
    """
    for path, before, after in wanted:
        if before is not None and after is not None:
            after = before if plain(before) == plain(after) else in_form_of(before, after)
        if before != after:
            yield DocumentChange(path, before, after)


def documents_of_change(workspace: Workspace, state: DesiredState, planned: Plan) -> Iterator[DocumentChange]:
    lock = None
    if state.lock is not None:
        # whoever writes files brings an older lock to today's schema
        lock = lock_bytes(
            workspace, _with_rows_in_conflict(workspace, state.lock, planned), rewrite=bool(planned.pending)
        )
    yield from document_changes(
        (
            (workspace.scope.manifest, workspace.documents.manifest_bytes, state.manifest),
            (workspace.scope.lock, workspace.documents.lock_bytes, lock),
            *((path, workspace.disk.read(path), after) for path, after in state.extra_documents.items()),
        )
    )


def _with_rows_in_conflict(workspace: Workspace, lock: Lock, planned: Plan) -> Lock:
    """The lock after the plan is applied. A file left in conflict keeps the row of what was written before."""
    left = {change.path for change in planned.conflicts}
    if not left:
        return lock
    held = (file for path, file in file_releases(workspace).items() if path in left)
    return with_files(
        lock, (row for row in lock.files if row.path not in left), held, workspace.documents.readable_lock
    )


def lock_bytes(workspace: Workspace, lock: Lock, *, rewrite: bool = False) -> bytes:
    """The text of the lock: byte for byte the one on disk if that says the same, unless `rewrite`. A lock of an older
    agentpack, without declared clients, counts as the same.
    """
    text, there = lock.to_text(), workspace.documents.lock_bytes
    if rewrite or there is None or there == text.encode() or workspace.documents.lock_sides:
        return text.encode()
    old = workspace.documents.readable_lock
    if old is None:
        return text.encode()
    told = {name: digest for name, digest in lock.declared.items() if name in old.declared}
    return there if old.to_text() == lock._replace(declared=told).to_text() else text.encode()


def pack_changes(before: Lock | None, after: Lock | None) -> Iterator[PackChange]:
    """One change for each pack that differs between two locks. A lock that is None has no packs."""
    old, new = ({pack.name: pack for pack in lock.packs} if lock else {} for lock in (before, after))
    moved = {name for name in old.keys() & new.keys() if old[name].source != new[name].source}
    words: list[dict[str, str]] = [
        {name: _pack_words(pack, source=name in moved) for name, pack in packs.items()} for packs in (old, new)
    ]
    return changed_packs(*words)


def changed_packs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[PackChange]:
    """The packs whose printed description differs between the two locks."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield PackChange(name, before.get(name), after.get(name))


def declaration_notes(workspace: Workspace) -> Iterator[str]:
    """Notes on declared clients whose declaration the lock on disk does not match."""
    lock = workspace.documents.readable_lock
    yield from map(str, workspace.changed_declarations(lock) if lock else ())


def merge_notes(workspace: Workspace, lock: Lock | None) -> Iterator[str]:
    """For a half-merged lock: the packs on which the two sides differ, and which side was taken."""
    if not workspace.documents.lock_sides:
        return
    sides = (*workspace.documents.lock_sides, lock)
    for name in sorted({pack.name for side in workspace.documents.lock_sides for pack in side.packs}):
        packs = [None if side is None else side.pack(name) for side in sides]
        ours, theirs, taken = ("none" if pack is None else _pack_words(pack, source=False) for pack in packs)
        if ours != theirs:
            yield f"{name}: {ours} on our side of the merge, {theirs} on the other; using {taken}"


def _pack_words(pack: LockedPack, *, source: bool) -> str:
    variants = sorted({*pack.variants, *(variant.name for variant in pack.local_variants)})
    asked = f" [{', '.join(variants)}]" if variants else ""
    return f"{pack.version}{asked}" + (f" from `{pack.source}`" if source else "")
