"""Pristine texts: installed files rendered again from their releases, and files whose lock rows were lost."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from agentpack.environment import MANIFEST
from agentpack.errors import AgentpackError
from agentpack.fetch import fetch
from agentpack.model.changes import Change
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName, first_few, text_digest
from agentpack.model.persona import Persona
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import Requirement
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.candidates import candidates_to_view
from agentpack.wanted.choose import choose, pinned
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import KnownLocks
from agentpack.workspace.recorded import locked_files
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.differences.parsed_files import Comparison

_MOST_NAMED = 5
MAX_RELEASES = 50
"""Newest releases of a pack that a file without a row is compared with."""


def recognise_releases(workspace: Workspace, wanted: "Wanted") -> None:
    """Record files that have no row but equal what an available release renders to.

    Only for packs that agentpack.yaml listed before this command: their rows were lost with the lock, or in a merge.
    Files of newly added packs belong to somebody else.
    """
    open_ = unrecorded_files(workspace, wanted)
    for pack in sorted({file.pack for file in open_}):
        there = {file.path: workspace.places.look(file.path) for file in open_ if file.pack == pack}
        for lock in islice(_offered(workspace, wanted, PackName(pack)), MAX_RELEASES):
            digests = {path: here.digest for path, here in there.items() if here is not None}
            same = {row.path for row in lock.files if digests.get(row.path) == f"sha256:{row.sha256}"}
            if same:
                rows = locked_files(lock)
                workspace.states.recognise(lock, {path: rows[path] for path in sorted(same)})
                there = {path: here for path, here in there.items() if path not in same}
            if not there:
                break


def unrecorded_files(workspace: Workspace, wanted: Wanted) -> tuple[Rendering, ...]:
    """Wanted files that exist on disk and have no row, although agentpack.yaml listed their packs before. What a link
    makes one file with a recorded one is there for the first time.
    """
    known = workspace.states.recorded
    asked = [
        file for file in wanted.files.values() if file.path not in known and _was_wanted(workspace, wanted, file.pack)
    ]
    if not asked:
        return ()
    paths = {*known, *(file.path for file in asked)}
    there = workspace.states.observe(paths)
    same = {path for group in workspace.places.groups(paths) if not known.keys().isdisjoint(group) for path in group}
    return tuple(file for file in asked if file.path in there and file.path not in same)


def recognised_lock(workspace: Workspace) -> Lock | None:
    """The releases that files without rows were recognised as; if a pack has two, the older one. None if there are
    none.
    """
    from packaging.version import Version  # only where files lost their rows

    found = [pack for lock in workspace.states.recognised for pack in lock.packs]
    pins = {pack.name: pack for pack in sorted(found, key=lambda pack: Version(pack.version), reverse=True)}
    return Lock({}, (), tuple(pins.values()), ()) if pins else None


def _was_wanted(workspace: Workspace, wanted: Wanted, pack: str) -> bool:
    pin = wanted.lock.pack(pack)
    return workspace.manifest.wanted(pack) is not None or (pin is not None and MANIFEST not in pin.wanted_by)


def _offered(workspace: Workspace, wanted: Wanted, pack: PackName) -> Iterator[Lock]:
    """A lock for each release of a pack, newest first, rendered with the settings wanted now."""
    manifest = Manifest.from_data(wanted.lock.manifest)
    entry = manifest.wanted(pack) or ManifestEntry(Requirement(pack=pack), pack)
    clients = sorted({file.client for file in wanted.files.values() if file.pack == pack})
    candidates = candidates_to_view(workspace, manifest)
    for version in sorted(candidates.versions(pack), reverse=True):
        requirement = entry.requirement._replace(range=f"=={version}")
        one = manifest._replace(packs=(entry._replace(requirement=requirement, clients=None),))
        try:
            yield choose(candidates, one).for_clients(clients).preview(pack).lock
        except AgentpackError:
            continue  # this release cannot be made as the pack is wanted now, and no file can be it


class RenderedPack(NamedTuple):
    """One pack rendered again from its locked row."""

    wanted: Wanted
    pinned: Selection


class Pristine:
    """The texts that were written last, before any edits, and the personas behind them."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._locks = KnownLocks(workspace)
        self._made: dict[tuple[int, str, str], RenderedPack] = {}
        self.failure: AgentpackError | None = None
        """Why the last text that is not kept could not be rendered again."""

    def text(self, file: InstalledFile) -> bytes | None:
        """The pristine bytes of a file, with LF line ends; None if they are lost."""
        if (stored := self.workspace.store.text(file.rendered)) is not None:
            return stored
        again = self.again(file)
        found = again.wanted.files.get(file.path) if again else None
        return as_lf(found.content) if found is not None and found.digest == file.rendered else None

    def part(self, file: InstalledFile) -> AssembledPersona | None:
        """The persona behind a file, with its pack and variants; None if it cannot be rebuilt."""
        again = self.again(file)
        same = again is not None and any(
            (one.client, one.persona, one.digest) == (file.client, file.persona, file.rendered)
            for one in again.wanted.files.values()  # under another path where a client's variable points elsewhere now
        )
        return again.wanted.part(file) if again and same else None

    def compared(self, change: Change, after: bytes, persona: Persona | None) -> "Comparison":
        """The fields and rules that differ between the file on disk and its new text, each rule known by its id.

        Args:
            after: what will be written; `persona` is behind the wanted text.
        """
        from agentpack.differences.parsed_files import compare_files, parse_edited, parse_pristine  # only to compare

        row, before = self.workspace.states.recorded.get(change.path), self.workspace.states.contents(change.path)
        base, part = (None, None) if row is None else (self.text(row), self.part(row))
        form = self.workspace.form_of(change.client)
        old = parse_pristine(before if base is None else base, form, part.persona if part else None)
        new = parse_pristine(after if change.theirs is None else change.theirs, form, persona)
        return compare_files(parse_edited(before, old), parse_edited(after, new))

    def bears_out(self, file: InstalledFile) -> bool | None:
        """Whether the release that a file was written from gives its text; None where that release, or the text of a
        local variant in it, is gone, or where it is an agent file that only lies here.
        """
        found = self._locks.find(file)
        if found is None:
            return False
        texts = {(text.persona, text.name): text.digest for text in self.workspace.documents.local_texts}
        if any(texts.get((one.persona, one.name)) != one.digest for one in found[2].local_variants):
            return None
        if self.again(file) is None or not self._is_of_elsewhere(found[2]):
            return None
        return self.text(file) is not None

    def _is_of_elsewhere(self, pin: LockedPack) -> bool:
        """Whether the store or the place of a collection has the agent files that the row names. No file here proves
        its own row.
        """
        open_ = {row.sha256 for row in pin.agents or ()} & self.workspace.sources.only_here.keys()
        if not open_:
            return True
        try:
            sources = self.workspace.sources.open(self.workspace.manifest)
            offered = [fetch(ref, sources).files for ref in sources.releases(pin.name)[:1]]
        except AgentpackError:
            return False
        return open_ <= {text_digest(data).removeprefix("sha256:") for files in offered for data in files.values()}

    def again(self, file: InstalledFile) -> RenderedPack | None:
        """The pack behind a file, rendered again; None if that is impossible (`failure` may say why)."""
        found = self._locks.find(file)
        if found is None:
            return None
        lock, row, pin = found
        key = id(lock), pin.name, row.release or ""
        try:
            if key not in self._made:
                self._made[key] = render_again(self.workspace, lock, row, pin)
        except AgentpackError as error:
            self.failure = error
            return None
        made = self._made[key]
        lost = made.pinned.candidates.lost_text(pin.name)
        if lost is not None and file.path not in made.wanted.files:
            self.failure = lost
            return None
        return made


def render_again(workspace: Workspace, lock: Lock, row: LockedFile, pin: LockedPack) -> RenderedPack:
    """Render one pack again from the release that its lock row was written from.

    Reads only this pack and those it requires: the sources of other packs may be gone.

    Raises:
        AgentpackError: the release is no longer available, or cannot be rendered.
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
    return RenderedPack(again.preview(pin.name), again)


def unproven(
    workspace: Workspace, rows: Iterable[InstalledFile], pristine: Pristine | None = None, *, all_tracked: bool = False
) -> frozenset[str]:
    """The paths of rows that neither the history of this checkout, nor the store, nor the release in the row confirms.

    These files count as the user's own. If the release is gone, a file that came with the lock counts as ours: if git
    tracks both of them, or not the lock.

    Args:
        all_tracked: rows of files that git tracks need no other proof.
    """
    current, blobs, lock = workspace.documents.current, workspace.store.blobs, workspace.scope.lock
    here = {file.path: file.rendered for file in current.files} if current else {}
    asked = [row for row in rows if here.get(row.path) != row.rendered and not blobs.has(row.rendered)]
    if not asked:
        return frozenset()
    pristine = pristine or Pristine(workspace)
    tracked = workspace.states.tracked((lock, *(row.path for row in asked)))
    came_along = tracked if lock in tracked else frozenset(row.path for row in asked)
    proofs = {row.path: pristine.bears_out(row) for row in asked if not (all_tracked and row.path in came_along)}
    found = {path for path, proof in proofs.items() if not proof and (proof is not None or path not in came_along)}
    if found:
        names = first_few([f"`{workspace.scope.shown(path)}`" for path in sorted(found)], _MOST_NAMED)
        workspace.disk.lacks["unproven"] = (
            f"the lock lists {names}, but that text is in no release and not in this checkout's history; "
            "treated as your own file"
        )
    return frozenset(found)
