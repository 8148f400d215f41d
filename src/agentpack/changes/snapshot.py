"""What is on disk and in no generation is recorded first, so that a rollback finds it."""

from collections.abc import Iterator

from agentpack.apply import Snapshot
from agentpack.changes.pristine import Pristine
from agentpack.model.changes import Observed
from agentpack.model.history import FOUND, Document, Generation, InstalledFile
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


def documents_of(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    """Manifest and lock, then what else earlier commands wrote that is no agent file, as it all lies on disk."""
    scope, current = workspace.scope, workspace.documents.current
    known = {scope.manifest: workspace.documents.manifest_bytes, scope.lock: workspace.documents.lock_bytes}
    for document in current.documents if current else ():
        if document.path not in known:
            known[document.path] = workspace.disk.read(document.path)
    for path, data in known.items():
        if data is not None:
            yield path, data


def snapshot_to_follow(workspace: Workspace) -> Snapshot | None:
    """What is on disk now, if the last generation is something else, for the transaction that follows to record.

    For the rest of the command it counts as the current generation.
    """
    found = snapshot(workspace)
    if found is not None:
        workspace.read_again()
        workspace.documents.current = found.generation
    return found


def snapshot(workspace: Workspace) -> Snapshot | None:
    """A generation of what is on disk now, when that is not what the last one left; None when it is."""
    current = workspace.documents.current
    recorded = workspace.states.recorded
    if current is None and not recorded:
        return None
    observed = workspace.states.observe(set(recorded))
    files = tuple(_as_found(file, observed.get(file.path)) for file in recorded.values() if file.path in observed)
    documents = []
    for path, data in documents_of(workspace):
        seen = workspace.disk.look(path)
        if seen is not None:
            documents.append(Document(path, digest_of(data), seen.mode))
    if current is not None and files == current.files and tuple(documents) == current.documents:
        return None
    generation = Generation(
        number=(current.number if current else 0) + 1,
        parent=current.number if current else 0,
        time=workspace.environment.now(),
        command=_how_it_came(workspace),
        pins=pins_here(workspace),
        files=files,
        documents=tuple(documents),
        folders=current.folders if current else (),
        elsewhere=workspace.states.elsewhere,
    )
    return Snapshot(generation, _found_blobs(workspace, files))


def _how_it_came(workspace: Workspace) -> str:
    """What made the disk other than the last generation left it, as the command of a generation."""
    return "edits by hand" if workspace.documents.lock_is_recorded else FOUND


def _as_found(file: InstalledFile, here: Observed | None) -> InstalledFile:
    if here is None or here.digest is None:
        return file
    return file._replace(written=here.raw or here.digest, mode=here.mode)


def _found_blobs(workspace: Workspace, files: tuple[InstalledFile, ...]) -> Iterator[bytes]:
    blobs, pristine = workspace.store.blobs, Pristine(workspace)
    for file in files:
        if not blobs.has(file.written):
            yield workspace.states.contents(file.path)
        if file.rendered != file.written and not blobs.has(file.rendered):
            text = pristine.text(file)
            if text is not None:
                yield text
    for _, data in documents_of(workspace):
        if not blobs.has(digest_of(data)):
            yield data
