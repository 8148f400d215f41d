"""Commit a decided change: one transaction writes it, and one generation records it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from agentpack.apply import transact
from agentpack.changes.outcome import Outcome
from agentpack.changes.planning import own_sources
from agentpack.changes.snapshot import current_documents, pending_snapshot
from agentpack.errors import InvalidFile, Refused
from agentpack.model.changes import WRITES, Action, Plan
from agentpack.model.history import BEFORE_THE_FIRST, Generation, InstalledFile, RecordedDocument
from agentpack.model.line_ends import as_lf
from agentpack.model.lock import LockedPack
from agentpack.model.lock_text import parse_lock
from agentpack.model.names import Digest, digest_of
from agentpack.store import RELEASE
from agentpack.workspace.locations import PlaceChange, is_entry, split_place
from agentpack.workspace.workspace import Workspace


class DecidedChange(NamedTuple):
    """A change that needs no further decision."""

    outcome: Outcome
    """What the change does. A plan without changes leaves the recorded files as they are."""
    pins: tuple[str, ...]
    """The releases after the change, as a generation lists them."""
    modes: Mapping[str, int] = {}
    """Permission bits by path, for files that are written. Other files keep theirs; new files follow the umask."""
    goal: Generation | None = None
    """The earlier generation that a rollback returns to: its files and documents are recorded again."""


def commit(workspace: Workspace, decided: DecidedChange) -> Outcome:
    """Write the change as one transaction; no work that can fail follows it. Unrecorded local edits are recorded
    first, so that nothing is lost.

    Returns:
        The outcome with the number of the new generation.
    """
    workspace.consistency.take_lock()
    snapshot = pending_snapshot(workspace)
    outcome, goal, current = decided.outcome, decided.goal, workspace.documents.current or BEFORE_THE_FIRST
    here, changed = current_documents(workspace), {document.path for document in outcome.documents}
    pins, stored = _pins(workspace, outcome), dict((*current.sources, *(goal or current).sources))
    sources = (*_sources(workspace, pins), *_releases(workspace, pins, stored))
    there = tuple(_there_already(workspace, goal, current)) if goal else ()
    unchanged = {document: data for document, data in here.items() if document.path not in changed}

    def generation(modes: Mapping[str, int]) -> Generation:
        return Generation(
            number=current.number + 1,
            parent=current.number,
            time=workspace.environment.now(),
            command=outcome.command,
            pins=decided.pins,
            files=goal.files if goal else tuple(_files(workspace, outcome.plan, modes)),
            documents=goal.documents if goal else tuple(_documents(workspace, outcome, here, modes)),
            folders=current.folders,
            replaced=(
                *_taken_over(outcome.plan, workspace.states.recorded),
                *there,
                *(() if current.number else unchanged),
            ),
            elsewhere=outcome.plan.elsewhere,
            outside=tuple(sorted({*current.outside, *workspace.sources.agreed})),
            sources=tuple((digest, content) for digest, content, _ in sources),
        )

    done = transact(
        workspace.disk,
        workspace.store,
        steps=workspace.places.steps(_placed(decided)),
        generation=generation,
        blobs=chain(_blobs(workspace, outcome), unchanged.values(), filter(None, (data for *_, data in sources))),
        snapshot=snapshot,
        managed=workspace.managed,
    )
    workspace.reload()
    return outcome._replace(generation=done.number)


def _pins(workspace: Workspace, outcome: Outcome) -> Sequence[LockedPack]:
    """The packs in the lock after the change, and those that some files on disk were written from; empty without a
    lock.
    """
    path = workspace.scope.lock
    lock = workspace.documents.readable_lock
    for document in outcome.documents:
        if document.path == path:
            with suppress(InvalidFile):  # a rollback brings back what was there, merge markers too
                lock = None if document.after is None else parse_lock(document.after, path)
    return () if lock is None else (*lock.packs, *(lock.written.packs if lock.written else ()))


def _sources(workspace: Workspace, pins: Sequence[LockedPack]) -> Iterator[tuple[Digest, Digest, bytes | None]]:
    """The agent files of collections among these packs: the digests of text and bytes, and the bytes, None if they are
    stored already.
    """
    path = workspace.scope.lock
    only_here = workspace.sources.only_here
    tracked = workspace.states.tracked((path, *only_here.values())) if only_here else frozenset[str]()
    others = {*only_here.values()} - tracked if path in tracked else set[str]()
    for digest in sorted({Digest(f"sha256:{row.sha256}") for pin in pins for row in pin.agents or ()}):
        stored = workspace.store.source_bytes(digest)
        data = workspace.sources.texts.get(digest.removeprefix("sha256:"))
        if stored is not None:
            yield digest, stored, None
        elif data is not None and only_here.get(digest.removeprefix("sha256:")) not in others:
            yield digest, digest_of(data), data


def _releases(
    workspace: Workspace, pins: Sequence[LockedPack], stored: Mapping[Digest, Digest]
) -> Iterator[tuple[Digest, Digest, bytes | None]]:
    """The releases among these packs that came from this machine or that `sync --source` supplied, now or earlier: the
    digests of release and archive, and the archive, None if it is stored already. With them, what is installed needs
    its place no more.
    """
    supply, own = workspace.sources.supply, own_sources(workspace)
    found = {**workspace.sources.releases, **(supply.releases if supply else {})}
    for digest in sorted({pin.digest for pin in pins if pin.agents is None and pin.source not in own}):
        if digest in stored and workspace.store.blobs.has(stored[digest]):
            yield digest, stored[digest], None
        elif digest in found:
            from agentpack.input.archives import write_archive  # only for a place on this machine

            archive = write_archive(found[digest], prefix=RELEASE)
            yield digest, digest_of(archive), archive


def earlier_modes(workspace: Workspace, planned: Plan) -> Mapping[str, int]:
    """Permission bits that files had before the user deleted them, by path, taken from the newest generation that has
    the file. The lock does not store permissions.
    """
    wanted = {change.path for change in planned.changes if change.action is Action.RESTORE}
    generations, modes = workspace.store.generations, dict[str, int]()
    try:
        for number in reversed(generations.numbers() if wanted else ()):
            files = generations.read(number).files
            modes = {file.path: file.mode for file in files if file.path in wanted and file.mode} | modes
            if wanted == modes.keys():
                break
    except Refused:
        pass  # what is not known is left to the umask, as for a new file
    return modes


def _placed(decided: DecidedChange) -> Iterator[PlaceChange]:
    outcome, modes = decided.outcome, decided.modes
    for change in outcome.plan.changes:
        if not change.same_as and (change.action in WRITES or change.action is Action.DELETE):
            yield PlaceChange(change.path, change.observed, change.content, modes.get(change.path))
    for path, before, after in outcome.documents:
        yield PlaceChange(path, None if before is None else digest_of(before), after, modes.get(path))


def _blobs(workspace: Workspace, outcome: Outcome) -> Iterator[bytes]:
    """Contents to store besides those written: the pristine text of merged files, and the bytes they replace."""
    blobs = workspace.store.blobs
    for change in outcome.plan.changes:
        if change.rendered is None or change.action is Action.CONFLICT:
            continue
        if change.theirs is not None:
            pristine = as_lf(change.theirs)  # what has the digest `rendered`
            if pristine is not change.content and not blobs.has(change.rendered):
                yield pristine
        if is_entry(change.path):  # the transaction knows the whole file only
            yield from (change.content,) if change.content is not None else ()
            yield from (workspace.states.contents(change.path),) if change.observed is not None else ()
        if change.content is None and change.observed not in (None, change.rendered):
            assert change.observed is not None
            if not blobs.has(change.observed):
                yield workspace.states.contents(change.path)


def _taken_over(planned: Plan, recorded: Mapping[str, InstalledFile]) -> Iterator[tuple[str, Digest, int]]:
    """Files that existed before agentpack managed them and stay unchanged. A rollback leaves them in place."""
    for change in planned.changes:
        stays = change.action in (Action.ADOPT, Action.TAKE)
        entry = is_entry(change.path) and change.action is Action.DISCARD
        if (stays or entry) and change.path not in recorded and change.observed is not None:
            yield change.path, change.observed, change.mode or 0


def _there_already(workspace: Workspace, goal: Generation, current: Generation) -> Iterator[tuple[str, Digest, int]]:
    """The files of the generation `goal` that are on disk unchanged and that agentpack does not manage now, with digest
    and permissions. A rollback leaves them in place.
    """
    known = {*workspace.states.recorded, *(document.path for document in current.documents)}
    for path, written, mode in (*((one.path, one.written, one.mode) for one in goal.files), *goal.documents):
        here = None if path in known else workspace.places.look(path)
        if here is not None and written == here.raw:
            yield path, written, mode


def _files(workspace: Workspace, planned: Plan, modes: Mapping[str, int]) -> Iterator[InstalledFile]:
    """The installed files once the plan is applied; `modes` has the permissions of those that were written."""
    if not planned.changes and workspace.documents.current:
        yield from workspace.documents.current.files
    for change in planned.changes:
        old = workspace.states.recorded.get(change.path)
        if change.action is Action.CONFLICT:
            if old is not None:
                yield old
        elif change.rendered is not None and change.written is not None:
            mode = modes.get(split_place(change.same_as or change.path)[0], change.mode or 0)
            names = (change.client, change.pack, change.persona)
            yield InstalledFile(change.path, *names, change.rendered, change.written, mode)


def _documents(
    workspace: Workspace, outcome: Outcome, here: Iterable[RecordedDocument], modes: Mapping[str, int]
) -> Iterator[RecordedDocument]:
    """The documents that exist once the change is applied."""
    left: dict[str, RecordedDocument | None] = dict.fromkeys((workspace.scope.manifest, workspace.scope.lock))
    left |= {document.path: document for document in here}
    for path, _, after in outcome.documents:
        left[path] = None if after is None else RecordedDocument(path, digest_of(after), modes[path])
    return filter(None, left.values())
