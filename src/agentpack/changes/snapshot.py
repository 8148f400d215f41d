"""What is on disk and in no generation is recorded first, so that a rollback finds it."""

from collections.abc import Iterator, Mapping

from agentpack.apply import Snapshot
from agentpack.changes.pristine import Pristine
from agentpack.model.changes import Observed
from agentpack.model.history import BEFORE_THE_FIRST, FOUND, Generation, InstalledFile, RecordedDocument
from agentpack.model.lock import Lock
from agentpack.model.names import digest_of
from agentpack.workspace.workspace import Workspace


def pins_of(lock: Lock | None) -> tuple[str, ...]:
    """The releases of a lock, as a generation names them."""
    return tuple(f"{pack.name} {pack.version}" for pack in lock.packs) if lock else ()


def pins_here(workspace: Workspace) -> tuple[str, ...]:
    """The releases that are here now: those of the last generation, or of the lock that came along since."""
    current = workspace.documents.current
    if current is not None and workspace.documents.lock_is_recorded:
        return current.pins
    lock = workspace.documents.readable_lock
    return current.pins if lock is None and current is not None else pins_of(lock)


def documents_here(workspace: Workspace) -> Mapping[RecordedDocument, bytes]:
    """Manifest and lock, then what else earlier commands wrote that is no agent file, as it all lies on disk."""
    scope, current = workspace.scope, workspace.documents.current
    known = {scope.manifest: workspace.documents.manifest_bytes, scope.lock: workspace.documents.lock_bytes}
    for document in current.documents if current else ():
        if document.path not in known:
            known[document.path] = workspace.disk.read(document.path)
    return {
        RecordedDocument(path, digest_of(data), seen.mode): data
        for path, data in known.items()
        if data is not None and (seen := workspace.disk.look(path)) is not None
    }


def pending_snapshot(workspace: Workspace) -> Snapshot | None:
    """A generation of what is on disk now, for the transaction that follows to record; None when the last one left it
    so. For the rest of the command it counts as the current generation.
    """
    current, recorded = workspace.documents.current or BEFORE_THE_FIRST, workspace.states.recorded
    if not current.number and not recorded:
        return None
    observed = workspace.states.observe(set(recorded))
    files = tuple(_as_found(recorded[path], observed[path]) for path in sorted(recorded) if path in observed)
    documents = documents_here(workspace)
    if current.number and files == tuple(sorted(current.files)) and tuple(documents) == current.documents:
        return None
    generation = Generation(
        number=current.number + 1,
        parent=current.number,
        time=workspace.environment.now(),
        command="edits by hand" if workspace.documents.lock_is_recorded else FOUND,
        pins=pins_here(workspace),
        files=files,
        documents=tuple(documents),
        folders=current.folders,
        elsewhere=workspace.states.elsewhere,
    )
    workspace.reload()
    workspace.documents.current = generation
    return Snapshot(generation, _found_blobs(workspace, files, documents))


def _as_found(file: InstalledFile, here: Observed | None) -> InstalledFile:
    if here is None or here.digest is None:
        return file
    return file._replace(written=here.raw or here.digest, mode=here.mode)


def _found_blobs(
    workspace: Workspace, files: tuple[InstalledFile, ...], documents: Mapping[RecordedDocument, bytes]
) -> Iterator[bytes]:
    blobs, pristine = workspace.store.blobs, Pristine(workspace)
    for file in files:
        if not blobs.has(file.written):
            yield workspace.states.contents(file.path)
        if file.rendered != file.written and not blobs.has(file.rendered):
            text = pristine.text(file)
            if text is not None:
                yield text
    yield from (data for document, data in documents.items() if not blobs.has(document.written))
