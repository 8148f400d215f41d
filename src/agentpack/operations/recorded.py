"""What agentpack wrote last, and the texts it wrote: the one place that decides it.

The lock on disk says it, because git moves lock and files together. Only for a file that git does not track (ignored,
not added, no repository) the newest generation counts where it says something else: git moved the lock and not the
file. The pristine text of a file is read from the contents that are kept by digest, or rendered again from the release
that its row names.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from agentpack.environment import MANIFEST
from agentpack.errors import AgentpackError
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.line_ends import as_lf
from agentpack.model.lock import Lock, LockedFile, LockedPack, Written, parse_lock
from agentpack.model.manifest import Manifest, Wanted
from agentpack.model.names import Digest, PackName
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.model.variables import path_then
from agentpack.plan import Observed

if TYPE_CHECKING:
    from agentpack.operations.library import Library
    from agentpack.operations.making import Made, Part
    from agentpack.operations.workspace import Workspace
    from agentpack.resolve import Chosen


MAX_RELEASES = 50
"""Releases of a pack, the newest ones, with which a file that has no row is compared."""
MAX_LOCKS = 20
"""Generations whose locks are looked through for a file that git does not track."""


def locked_files(lock: Lock) -> dict[str, InstalledFile]:
    """The files of a lock as if they had been left as it says, by path. Their modes are not known."""
    return {
        file.path: InstalledFile(file.path, file.client, file.pack, file.persona, digest, digest, 0)
        for file in lock.files
        for digest in (Digest(f"sha256:{file.sha256}"),)
    }


def locked_here(lock: Lock | None, current: Generation | None) -> dict[str, InstalledFile]:
    """The files of a lock, without those that were written where a client's variable pointed before (`meeting.py`)."""
    locked = {} if lock is None else locked_files(lock)
    away = {(row.client, row.pack, row.persona) for row in current.elsewhere} if current else set()
    return {path: row for path, row in locked.items() if (row.client, row.pack, row.persona) not in away}


def recorded_files(
    lock: Lock | None,
    current: Generation | None,
    *,
    there: Callable[[str], bool],
    tracked: Callable[[Collection[str]], Collection[str]],
) -> dict[str, InstalledFile]:
    """What was written last, by path.

    Args:
        lock: the lock on disk; None when there is none that can be read.
        there: whether something is at a path.
        tracked: those of the paths that git tracks.
    """
    locked = locked_here(lock, current)
    left = {} if current is None else {file.path: file for file in current.files}
    same = {path for path, file in left.items() if path in locked and locked[path].rendered == file.rendered}
    # a file that git took away together with its row is nobody's any more
    differing = [path for path in left if path not in same and (path in locked or there(path))]
    own = {*differing} - {*tracked(differing)} if differing else set[str]()
    return {**locked, **{path: left[path] for path in left if path in same or path in own}}


def left_lock(workspace: "Workspace", generation: Generation) -> Lock | None:
    """The lock that a generation left; None where it left none, or none that can be read."""
    path = workspace.scope.lock
    try:
        for document in generation.documents:
            if document.path == path:
                return parse_lock(workspace.store.blobs.get(document.written), path)
    except AgentpackError:
        pass
    return None


# The rows of a new lock.


class Held(NamedTuple):
    """A file on disk as the lock or the history describes it, and the release it was written from."""

    row: LockedFile
    pin: LockedPack


def held_files(workspace: "Workspace") -> Mapping[str, Held]:
    """What was written last, by path, with its release; without files of which no lock is known that has them."""
    locks = _Locks(workspace)
    found = ((file.path, locks.held(file)) for file in workspace.recorded.values())
    return {path: held for path, held in found if held is not None}


def held_by_lock(workspace: "Workspace") -> Iterator[Held]:
    """The files as the lock on disk has them, and those that were recognised; without a lock, what was written last."""
    lock, held = workspace.readable_lock, held_files(workspace)
    if lock is None:
        yield from held.values()
        return
    locks = _Locks(workspace)
    rows = locked_files(lock)
    recognised = {row.path for one in workspace.recognised for row in one.files} - rows.keys()
    yield from (one for path, one in held.items() if path in recognised)
    yield from (one for one in map(locks.held, rows.values()) if one is not None)


def with_files(lock: Lock, rows: Iterable[LockedFile], held: Iterable[Held], before: Lock | None) -> Lock:
    """The lock that wants what `lock` does and says which files were written.

    Args:
        rows: the files that were written from it.
        held: the files that were left as they are; a row that says the same as what is wanted needs no release.
        before: the lock so far, whose acceptances count until the files are written.
    """
    wanted = {file.path: file for file in lock.files}
    files = {row.path: row for row in rows}
    pins: dict[tuple[str, str], LockedPack] = {}
    for one in held:
        path = one.row.path
        if path in wanted and wanted[path].sha256 == one.row.sha256:
            files[path] = wanted[path]
            continue
        pins[one.pin.name, one.pin.version] = one.pin
        files[path] = one.row._replace(release=one.pin.version)
    if files == wanted:
        return lock._replace(written=None)
    clients = lock.clients
    if before is not None:
        clients = before.written.clients if before.written else before.clients
    waiting = {pin.name for pin in pins.values()}
    open_ = {word for word in (before.accepted if before else ()) if word.partition(":")[0] in waiting}
    accepted = tuple(sorted({*lock.accepted, *(word for word in open_ if ":widened:" not in word)}))
    return lock._replace(files=tuple(files.values()), written=Written(clients, tuple(pins.values())), accepted=accepted)


# Files of a lost lock.


def recognise_releases(workspace: "Workspace", made: "Made | None") -> None:
    """Take files that no row is known of for what they are, where they equal what an offered release renders to.

    For packs that agentpack.yaml asked for before the command: their rows were lost, with the whole lock or with one
    side of a merge. A file of a pack that is new here is somebody's own.
    """
    if made is None:
        return
    open_ = unrecorded_files(workspace, made)
    for pack in sorted({file.pack for file in open_}):
        there = {file.path: workspace.places.look(file.path) for file in open_ if file.pack == pack}
        for lock in islice(_offered(workspace, made, PackName(pack)), MAX_RELEASES):
            same = {row.path for row in lock.files if _is(there.get(row.path), row)}
            if same:
                workspace.recognised.append(lock)
                rows = locked_files(lock)
                workspace.__dict__["recorded"] = {**workspace.recorded, **{path: rows[path] for path in same}}
                there = {path: here for path, here in there.items() if path not in same}
            if not there:
                break


def unrecorded_files(workspace: "Workspace", made: "Made") -> tuple[Rendering, ...]:
    """Files that are wanted and there, and of which no row is known, though agentpack.yaml asked for their packs."""
    known = workspace.recorded
    asked = [file for file in made.files.values() if file.path not in known and _was_wanted(workspace, made, file.pack)]
    there = workspace.observe({file.path for file in asked})
    return tuple(file for file in asked if file.path in there)


def recognised_lock(workspace: "Workspace") -> Lock | None:
    """The releases that files without rows were recognised as, of two of one pack the older; None if there are none."""
    from packaging.version import Version  # only where files lost their rows

    found = [pack for lock in workspace.recognised for pack in lock.packs]
    pins = {pack.name: pack for pack in sorted(found, key=lambda pack: Version(pack.version), reverse=True)}
    return Lock({}, (), tuple(pins.values()), ()) if pins else None


def _was_wanted(workspace: "Workspace", made: "Made", pack: str) -> bool:
    pin = made.lock.pack(pack)
    return workspace.manifest.wanted(pack) is not None or (pin is not None and MANIFEST not in pin.wanted_by)


def _is(here: Observed | None, row: LockedFile) -> bool:
    return here is not None and here.digest == f"sha256:{row.sha256}"


def _offered(workspace: "Workspace", made: "Made", pack: PackName) -> Iterator[Lock]:
    """What each release of a pack renders to, the newest first, made as this one is wanted: as locks of that pack."""
    from agentpack.operations.library import Library, choose  # only where files lost their rows
    from agentpack.operations.making import make

    manifest = Manifest.from_data(made.lock.manifest)
    entry = manifest.wanted(pack) or Wanted(Requirement(pack=pack), pack)
    clients = sorted({file.client for file in made.files.values() if file.pack == pack})
    library = Library(workspace, manifest, every_age=True)
    for version in sorted(library.versions(pack), reverse=True):
        requirement = replace(entry.requirement, range=f"=={version}")
        one = manifest._replace(packs=(entry._replace(requirement=requirement, text=str(requirement), clients=None),))
        try:
            chosen = choose(library, one, None)
            yield make(library, one, chosen, clients, accepted=None, obeying=False, only=frozenset((pack,))).lock
        except AgentpackError:
            continue  # this release cannot be made as the pack is wanted now, and no file can be it


# The texts.


class _Locks:
    """The locks that describe what was written: the one on disk, then those that the newest generations left."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace
        self._read: list[tuple[Lock, Mapping[str, LockedFile]]] = []

    def _all(self) -> Iterator[Lock]:
        workspace = self.workspace
        yield from (lock for lock in (*workspace.lock_sides, workspace.readable_lock, *workspace.recognised) if lock)
        generations = workspace.store.generations
        for number in sorted(generations.numbers(), reverse=True)[:MAX_LOCKS]:
            left = left_lock(workspace, generations.read(number))
            if left is not None:
                yield left

    @cached_property
    def _unread(self) -> Iterator[Lock]:
        return self._all()

    def _known(self) -> Iterator[tuple[Lock, Mapping[str, LockedFile]]]:
        """Each lock with its rows by path; one is read only when those before it do not have a file."""
        yield from self._read
        for lock in self._unread:
            self._read.append((lock, {row.path: row for row in lock.files}))
            yield self._read[-1]

    def find(self, file: InstalledFile) -> tuple[Lock, LockedFile, LockedPack] | None:
        """The lock that has this very file, its row, and the release it was written from."""
        sha256 = file.rendered.removeprefix("sha256:")
        for lock, rows in self._known():
            row = rows.get(path_then(file.path))
            pin = None if row is None or row.sha256 != sha256 else lock.pin(row)
            if row is not None and pin is not None:
                return lock, row, pin
        return None

    def held(self, file: InstalledFile) -> Held | None:
        found = self.find(file)
        if found is None:
            return None
        lock, row, pin = found
        if row.release is None:
            entry = Manifest.from_data(lock.manifest).wanted(pin.name)
            pin = pin._replace(renames=entry.renames if entry else {})
        return Held(row, pin)


class Again(NamedTuple):
    """One pack, made again as a row of a lock has it."""

    made: "Made"
    library: "Library"
    manifest: Manifest
    chosen: tuple["Chosen", ...]


class Pristine:
    """The texts as they were written last, before anybody edited them, and the personas behind them."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace
        self._locks = _Locks(workspace)
        self._made: dict[tuple[int, str, str], Again] = {}
        self.failure: AgentpackError | None = None
        """Why the last text that is not kept could not be rendered again."""

    def text(self, file: InstalledFile) -> bytes | None:
        """The pristine bytes of a file, in LF; None when nobody has them any more."""
        blobs = self.workspace.store.blobs
        try:
            if blobs.has(file.rendered):
                return blobs.get(file.rendered)
        except AgentpackError:
            pass  # a damaged store: what it held can often be rendered again
        again = self.again(file)
        found = again.made.files.get(file.path) if again else None
        return as_lf(found.content) if found is not None and found.digest == file.rendered else None

    def part(self, file: InstalledFile) -> "Part | None":
        """The persona behind a file, with its pack and variants; None when it cannot be made again as it was."""
        again = self.again(file)
        same = again is not None and any(
            (one.client, one.persona, one.digest) == (file.client, file.persona, file.rendered)
            for one in again.made.files.values()  # under another path where a client's variable points elsewhere now
        )
        parts = again.made.parts if again and same else ()
        return next((part for part in parts if part.persona.name == file.persona), None)

    def again(self, file: InstalledFile) -> Again | None:
        """The pack behind a file; None when it cannot be made again, and `failure` may say why."""
        found = self._locks.find(file)
        if found is None:
            return None
        lock, row, pin = found
        key = id(lock), pin.name, row.release or ""
        try:
            if key not in self._made:
                self._made[key] = rendered_again(self.workspace, lock, row, pin)
        except AgentpackError as error:
            self.failure = error
            return None
        return self._made[key]


def rendered_again(workspace: "Workspace", lock: Lock, row: LockedFile, pin: LockedPack) -> Again:
    """The files of one pack, rendered again from the release that a row of the lock was written from.

    Only this pack and what it requires is read: another pack's source may be gone.

    Raises:
        AgentpackError: the release can no longer be had, or no longer be rendered.
    """
    from agentpack.operations.library import Library, as_locked  # only where a text is not kept
    from agentpack.operations.making import make

    pins = {one.name: one for one in _with_required(lock, pin, is_old=row.release is not None)}
    clients = sorted({file.client for file in lock.files if (file.pack, file.release) == (row.pack, row.release)})
    manifest = Manifest.from_data(lock.manifest)
    entry = manifest.wanted(pin.name)
    if row.release is not None:
        entry = Wanted(Requirement(pack=pin.name, variants=pin.variants), pin.name, None, pin.parameters, pin.renames)
    manifest = manifest._replace(packs=() if entry is None else (entry._replace(clients=None),))
    library = Library(workspace, manifest, tuple(pins.values()), every_age=True)
    chosen = as_locked(lock._replace(packs=tuple(pins.values())))
    made = make(library, manifest, chosen, clients, accepted=None, obeying=False, only=frozenset((pin.name,)))
    return Again(made, library, manifest, chosen)


def _with_required(lock: Lock, pin: LockedPack, *, is_old: bool) -> Iterator[LockedPack]:
    """A release and those that it requires, directly or through others; older ones first where the release is old."""
    older = {one.name: one for one in lock.written.packs} if lock.written and is_old else {}
    known = {**{one.name: one for one in lock.packs}, **older, pin.name: pin}
    waiting, seen = [pin], {pin.name}
    while waiting:
        one = waiting.pop()
        yield one
        for text in one.requires:
            name = parse_requirement(text).pack
            if name in known and name not in seen:
                seen.add(name)
                waiting.append(known[name])


def as_written(lock: Lock) -> Lock:
    """The lock that wanted what the files hold, so far as it is known: each pack at the release that was written."""
    if lock.written is None:
        return lock
    pins = {pack.name: pack for pack in lock.packs} | {pin.name: pin for pin in lock.written.packs}
    manifest = Manifest.from_data(lock.manifest)
    entries = {entry.requirement.pack: entry for entry in manifest.packs}
    for pin in lock.written.packs:
        entry = entries.get(pin.name) or Wanted(Requirement(pack=pin.name), pin.name)
        requirement = replace(entry.requirement, variants=pin.variants)
        entries[pin.name] = entry._replace(
            requirement=requirement, text=str(requirement), parameters=pin.parameters, renames=pin.renames
        )
    return lock._replace(
        manifest=manifest._replace(packs=tuple(entries.values())).to_data(),
        clients=lock.written.clients,
        packs=tuple(pins.values()),
        files=tuple(file._replace(release=None) for file in lock.files),
        written=None,
    )
