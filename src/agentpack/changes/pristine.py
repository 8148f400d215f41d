"""The texts as they were written, rendered again from their releases, and files that lost their rows."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from agentpack.environment import MANIFEST
from agentpack.errors import AgentpackError
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import Requirement
from agentpack.wanted.assemble import Part
from agentpack.wanted.candidates import to_look_at
from agentpack.wanted.choose import choose, pinned
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.recorded import locked_files
from agentpack.workspace.workspace import Workspace
from agentpack.workspace.written import Locks

MAX_RELEASES = 50
"""Releases of a pack, the newest ones, with which a file that has no row is compared."""


def recognise_releases(workspace: Workspace, made: "Wanted") -> None:
    """Take files that no row is known of for what they are, where they equal what an offered release renders to.

    For packs that agentpack.yaml asked for before the command: their rows were lost, with the whole lock or with one
    side of a merge. A file of a pack that is new here is somebody's own.
    """
    open_ = unrecorded_files(workspace, made)
    for pack in sorted({file.pack for file in open_}):
        there = {file.path: workspace.places.look(file.path) for file in open_ if file.pack == pack}
        for lock in islice(_offered(workspace, made, PackName(pack)), MAX_RELEASES):
            digests = {path: here.digest for path, here in there.items() if here is not None}
            same = {row.path for row in lock.files if digests.get(row.path) == f"sha256:{row.sha256}"}
            if same:
                rows = locked_files(lock)
                workspace.states.recognise(lock, {path: rows[path] for path in sorted(same)})
                there = {path: here for path, here in there.items() if path not in same}
            if not there:
                break


def unrecorded_files(workspace: Workspace, made: Wanted) -> tuple[Rendering, ...]:
    """Files that are wanted and there, and of which no row is known, though agentpack.yaml asked for their packs."""
    known = workspace.states.recorded
    asked = [file for file in made.files.values() if file.path not in known and _was_wanted(workspace, made, file.pack)]
    there = workspace.states.observe({file.path for file in asked})
    return tuple(file for file in asked if file.path in there)


def recognised_lock(workspace: Workspace) -> Lock | None:
    """The releases that files without rows were recognised as, of two of one pack the older; None if there are none."""
    from packaging.version import Version  # only where files lost their rows

    found = [pack for lock in workspace.states.recognised for pack in lock.packs]
    pins = {pack.name: pack for pack in sorted(found, key=lambda pack: Version(pack.version), reverse=True)}
    return Lock({}, (), tuple(pins.values()), ()) if pins else None


def _was_wanted(workspace: Workspace, made: Wanted, pack: str) -> bool:
    pin = made.lock.pack(pack)
    return workspace.manifest.wanted(pack) is not None or (pin is not None and MANIFEST not in pin.wanted_by)


def _offered(workspace: Workspace, made: Wanted, pack: PackName) -> Iterator[Lock]:
    """What each release of a pack renders to, the newest first, made as this one is wanted: as locks of that pack."""
    manifest = Manifest.from_data(made.lock.manifest)
    entry = manifest.wanted(pack) or ManifestEntry(Requirement(pack=pack), pack)
    clients = sorted({file.client for file in made.files.values() if file.pack == pack})
    candidates = to_look_at(workspace, manifest)
    for version in sorted(candidates.versions(pack), reverse=True):
        requirement = replace(entry.requirement, range=f"=={version}")
        one = manifest._replace(packs=(entry._replace(requirement=requirement, text=str(requirement), clients=None),))
        try:
            yield choose(candidates, one).for_clients(clients).preview(pack).lock
        except AgentpackError:
            continue  # this release cannot be made as the pack is wanted now, and no file can be it


class Again(NamedTuple):
    """One pack, made again as a row of a lock has it."""

    made: Wanted
    pinned: Selection


class Pristine:
    """The texts as they were written last, before anybody edited them, and the personas behind them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._locks = Locks(workspace)
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

    def part(self, file: InstalledFile) -> Part | None:
        """The persona behind a file, with its pack and variants; None when it cannot be made again as it was."""
        again = self.again(file)
        same = again is not None and any(
            (one.client, one.persona, one.digest) == (file.client, file.persona, file.rendered)
            for one in again.made.files.values()  # under another path where a client's variable points elsewhere now
        )
        return again.made.part(file) if again and same else None

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


def rendered_again(workspace: Workspace, lock: Lock, row: LockedFile, pin: LockedPack) -> Again:
    """The files of one pack, rendered again from the release that a row of the lock was written from.

    Only this pack and what it requires is read: another pack's source may be gone.

    Raises:
        AgentpackError: the release can no longer be had, or no longer be rendered.
    """
    pins = {one.name: one for one in lock.with_required(pin, is_old=row.release is not None)}
    rows = (file for file in lock.files if (file.pack, file.release) == (row.pack, row.release))
    clients = sorted({file.client for file in rows if file.client == row.client or file.client in workspace.clients})
    manifest = Manifest.from_data(lock.manifest)
    entry = manifest.wanted(pin.name)
    if row.release is not None:
        entry = ManifestEntry(
            Requirement(pack=pin.name, variants=pin.variants), pin.name, None, pin.parameters, pin.renames
        )
    manifest = manifest._replace(packs=() if entry is None else (entry._replace(clients=None),))
    again = pinned(workspace, lock._replace(packs=tuple(pins.values())), manifest).for_clients(clients)
    return Again(again.preview(pin.name), again)
