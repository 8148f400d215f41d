"""For each file that was written last, its lock row and the release it was written from."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from agentpack.environment import MANIFEST
from agentpack.errors import AgentpackError
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.lock import Lock, LockedFile, LockedPack, WrittenState
from agentpack.model.lock_text import parse_lock
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.requirement import Requirement
from agentpack.model.variables import path_in_lock
from agentpack.workspace.recorded import locked_files
from agentpack.workspace.workspace import Workspace

MAX_LOCKS = 20
"""Generations whose locks are searched for a file that git does not track."""


def lock_of_generation(workspace: Workspace, generation: Generation) -> Lock | None:
    """The lock that a generation left; None if it left none or it cannot be read."""
    path = workspace.scope.lock
    try:
        for document in generation.documents:
            if document.path == path:
                return parse_lock(workspace.store.blobs.get(document.written), path)
    except AgentpackError:
        pass
    return None


class FileRelease(NamedTuple):
    """The lock row of a file on disk, the release that the file was written from, and what that release requires."""

    row: LockedFile
    pin: LockedPack
    required: tuple[LockedPack, ...] = ()
    """Those that the release requires, as they were then: the text is not made without them."""


def file_releases(workspace: Workspace) -> Mapping[str, FileRelease]:
    """By path, each file that was written last with its release. Files that no known lock lists are left out."""
    locks = KnownLocks(workspace)
    found = ((file.path, locks.release_of(file)) for file in workspace.states.recorded.values())
    return {path: held for path, held in found if held is not None}


def file_releases_of_lock(workspace: Workspace) -> Iterator[FileRelease]:
    """The files listed in the lock on disk and those recognised; without a lock, the files written last."""
    lock, held = workspace.documents.readable_lock, file_releases(workspace)
    if lock is None:
        yield from held.values()
        return
    locks = KnownLocks(workspace)
    rows = locked_files(lock)
    recognised = {row.path for one in workspace.states.recognised for row in one.files} - rows.keys()
    yield from (one for path, one in held.items() if path in recognised)
    yield from (one for one in map(locks.release_of, rows.values()) if one is not None)


def with_files(lock: Lock, rows: Iterable[LockedFile], held: Iterable[FileRelease], before: Lock | None) -> Lock:
    """The lock with the packs of `lock` and rows for the files as they were written.

    Args:
        rows: rows of files written from `lock`.
        held: files left as they are; a row that equals the wanted one needs no release.
        before: the previous lock; its acceptances count until the files are written.
    """
    wanted = {file.path: file for file in lock.files}
    files = {row.path: row for row in rows}
    pins: dict[tuple[str, str], LockedPack] = {}
    made_of = {pack.name: pack.made_of for pack in lock.packs}
    waiting = set[str]()
    for one in held:
        path = one.row.path
        if path in wanted and wanted[path].sha256 == one.row.sha256:
            files[path] = wanted[path]
            continue
        waiting.add(one.pin.name)
        pins[one.pin.name, one.pin.version] = one.pin
        for pin in one.required:
            if made_of.get(pin.name) != pin.made_of:
                pins.setdefault((pin.name, pin.version), pin)
        files[path] = one.row._replace(release=one.pin.version)
    if files == wanted:
        return lock._replace(written=None)
    clients = lock.clients
    if before is not None:
        clients = before.written.clients if before.written else before.clients
    behind = {row.client for row in files.values() if row.release is not None}
    told = as_written(before).declared if before is not None else {}
    declared = {
        client: digest for client, digest in told.items() if client in behind and digest != lock.declared.get(client)
    }
    open_ = {word for word in (before.accepted if before else ()) if word.partition(":")[0] in waiting}
    accepted = tuple(sorted({*lock.accepted, *(word for word in open_ if ":widened:" not in word)}))
    written = WrittenState(clients, tuple(pins.values()), declared)
    return lock._replace(files=tuple(files.values()), written=written, accepted=accepted)


class KnownLocks:
    """The locks that describe the written files: the one on disk, then those of the newest generations."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._read: list[tuple[Lock, Mapping[str, LockedFile]]] = []
        self._required: dict[tuple[int, str, str | None], tuple[LockedPack, ...]] = {}

    def _all(self) -> Iterator[Lock]:
        workspace = self.workspace
        yield from (
            lock
            for lock in (
                *workspace.documents.lock_sides,
                workspace.documents.readable_lock,
                *workspace.states.recognised,
            )
            if lock
        )
        generations = workspace.store.generations
        for number in sorted(generations.numbers(), reverse=True)[:MAX_LOCKS]:
            left = lock_of_generation(workspace, generations.read(number))
            if left is not None:
                yield left

    @cached_property
    def _unread(self) -> Iterator[Lock]:
        return self._all()

    def _known(self) -> Iterator[tuple[Lock, Mapping[str, LockedFile]]]:
        """Each lock with its rows by path. A lock is read only if those before it lack the file."""
        yield from self._read
        for lock in self._unread:
            self._read.append((lock, {row.path: row for row in lock.files}))
            yield self._read[-1]

    def find(self, file: InstalledFile) -> tuple[Lock, LockedFile, LockedPack] | None:
        """The first known lock whose row has the path and the rendered text of this file, with that row and the
        release it names; None if no lock has it.
        """
        sha256 = file.rendered.removeprefix("sha256:")
        for lock, rows in self._known():
            row = rows.get(path_in_lock(file.path))
            pin = None if row is None or row.sha256 != sha256 else lock.pin(row)
            if row is not None and pin is not None:
                return lock, row, pin
        return None

    def release_of(self, file: InstalledFile) -> FileRelease | None:
        found = self.find(file)
        if found is None:
            return None
        lock, row, pin = found
        key = id(lock), pin.name, row.release
        if key not in self._required:
            self._required[key] = tuple(lock.with_required(pin, is_old=row.release is not None))[1:]
        if row.release is None:
            pin = pin._replace(renames=Manifest.from_data(lock.manifest).renames(pin.name))
        return FileRelease(row, pin, self._required[key])


def as_written(lock: Lock) -> Lock:
    """The lock for what the files hold, as far as known: each pack at the release its files were written from."""
    if lock.written is None:
        return lock
    pins = {pack.name: pack for pack in lock.packs} | {pin.name: pin for pin in lock.written.packs}
    manifest = Manifest.from_data(lock.manifest)
    entries = {entry.requirement.pack: entry for entry in manifest.packs}
    for pin in lock.written.packs:
        entry = entries.get(pin.name)
        if entry is None:
            if MANIFEST not in pin.wanted_by:
                continue  # others required it then
            entry = ManifestEntry(Requirement(pack=pin.name), pin.name)
        requirement = entry.requirement._replace(variants=pin.variants)
        entries[pin.name] = entry._replace(
            requirement=requirement, text=str(requirement), parameters=pin.parameters, renames=pin.renames
        )
    return lock._replace(
        manifest=manifest._replace(packs=tuple(entries.values())).to_data(),
        clients=lock.written.clients,
        packs=tuple(pins.values()),
        files=tuple(file._replace(release=None) for file in lock.files),
        written=None,
        declared={**lock.declared, **lock.written.declared},
    )
