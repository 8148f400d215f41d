"""Record local edits as a generation of their own before a change, so that a rollback can restore them."""

from collections.abc import Iterator, Mapping

from agentpack.apply import Snapshot
from agentpack.changes.pristine import Pristine, unproven
from agentpack.model.changes import Observed
from agentpack.model.history import BEFORE_THE_FIRST, BY_HAND, FOUND, Generation, InstalledFile, RecordedDocument
from agentpack.model.lock import Lock
from agentpack.model.names import digest_of
from agentpack.workspace.workspace import Workspace


def pins_of(lock: Lock | None) -> tuple[str, ...]:
    """The releases in a lock, as a generation lists them."""
    return tuple(f"{pack.name} {pack.version}" for pack in lock.packs) if lock else ()


def current_pins(workspace: Workspace) -> tuple[str, ...]:
    """The releases installed now: those of the newest generation, or of a lock that git brought since."""
    current = workspace.documents.current
    if current is not None and workspace.documents.lock_is_recorded:
        return current.pins
    lock = workspace.documents.readable_lock
    return current.pins if lock is None and current is not None else pins_of(lock)


def current_documents(workspace: Workspace) -> Mapping[RecordedDocument, bytes]:
    """The files on disk, other than agents, that earlier commands wrote: the manifest, the lock, local variants."""
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
    """A generation of what is on disk now, to be recorded with the next transaction; None if it equals the newest
    generation. It counts as the current generation for the rest of the command.
    """
    current, recorded = workspace.documents.current or BEFORE_THE_FIRST, workspace.states.recorded
    if not current.number and not recorded:
        return None
    observed = workspace.states.observe(set(recorded))
    others = unproven(workspace, (recorded[path] for path in observed), all_tracked=True)
    files = tuple(_as_found(recorded[path], observed[path]) for path in sorted(observed) if path not in others)
    documents = current_documents(workspace)
    if current.number and files == tuple(sorted(current.files)) and tuple(documents) == current.documents:
        return None
    generation = Generation(
        number=current.number + 1,
        parent=current.number,
        time=workspace.environment.now(),
        command=BY_HAND if workspace.documents.lock_is_recorded else FOUND,
        pins=current_pins(workspace),
        files=files,
        documents=tuple(documents),
        folders=current.folders,
        sources=current.sources,
        outside=current.outside,
        elsewhere=workspace.states.elsewhere,
    )
    workspace.reload()
    workspace.documents.current = generation
    return Snapshot(generation, _found_blobs(workspace, files))


def _as_found(file: InstalledFile, here: Observed | None) -> InstalledFile:
    if here is None or here.digest is None:
        return file
    return file._replace(written=here.raw or here.digest, mode=here.mode)


def _found_blobs(workspace: Workspace, files: tuple[InstalledFile, ...]) -> Iterator[bytes]:
    """What no change would store: it stores every document that it finds, and the files that it replaces."""
    blobs, pristine = workspace.store.blobs, Pristine(workspace)
    for file in files:
        if not blobs.has(file.written):
            yield workspace.states.contents(file.path)
        if file.rendered != file.written and not blobs.has(file.rendered):
            text = pristine.text(file)
            if text is not None:
                yield text
