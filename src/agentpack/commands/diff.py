"""diff: compare the disk with the lock, or with what an upgrade would write.

Writes nothing. Locked texts come from the store, or if missing there, as in a fresh clone, from the locked releases.
Without either, differences that need no text are still reported.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from agentpack.capabilities.of_file import capabilities
from agentpack.changes.differences import EVERYTHING, ComparisonFilter, Differences, FileDifference, Remark
from agentpack.changes.documents import pack_changes
from agentpack.changes.planning import plan_for
from agentpack.changes.pristine import Pristine, recognise_releases
from agentpack.changes.same_file import left_elsewhere_reason
from agentpack.changes.widening import capability_changes
from agentpack.differences.parsed_files import (
    MAX_BYTES,
    NOTHING,
    compare_files,
    parse_edited,
    parse_pristine,
)
from agentpack.errors import AgentpackError, DecisionNeeded, InvalidFile, Refused, Unresolvable
from agentpack.model.capabilities import capability_words, widening
from agentpack.model.changes import WRITES, Action, Change, file_state
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf, with_ends_of
from agentpack.model.lock import Lock, LockedFile
from agentpack.model.names import PackName, text_digest
from agentpack.model.unmerged import unmerged_line
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.from_lock import check_rendering, pinned_by_scope, stale_reasons
from agentpack.wanted.skipped import skipped_agents
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import as_written
from agentpack.workspace.workspace import Workspace, read_consistently

_TOO_LARGE = f"larger than {MAX_BYTES // 1024:,} KiB: not compared"


# The locked side.


class WantedFiles:
    """The files the lock wants and their texts: as they were written, or for a lock that was not applied yet, as its
    releases render.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.pristine = Pristine(workspace)
        self.failure: AgentpackError | None = None

    @cached_property
    def wanted(self) -> Wanted | None:
        """What the lock wants, rendered again; None if that fails, with the reason in `failure`."""
        try:
            return pinned_by_scope(self.workspace, frozen=True).render()
        except AgentpackError as error:
            self.failure = error
            return None

    @cached_property
    def files(self) -> Mapping[str, InstalledFile]:
        """The wanted files by path; without a lock, the recorded ones."""
        lock = self.workspace.lock
        if lock is None:
            return self.workspace.states.recorded
        if lock.written is None or self.wanted is None:
            return self.workspace.states.of_lock(lock)
        return self.workspace.states.of_lock(self.wanted.lock)

    def text(self, file: InstalledFile) -> bytes | None:
        """The pristine bytes of a wanted or written file; None if they are lost."""
        wanted = self._unapplied(file)
        return as_lf(wanted.files[file.path].content) if wanted else self.pristine.text(file)

    def part(self, file: InstalledFile) -> AssembledPersona | None:
        """The persona behind such a file; None if it cannot be rebuilt."""
        wanted = self._unapplied(file)
        return wanted.part(file) if wanted else self.pristine.part(file)

    def _unapplied(self, file: InstalledFile) -> Wanted | None:
        """What the lock wants, if it was not applied yet and wants this file as it was rendered; else None."""
        lock = self.workspace.lock
        wanted = self.wanted if lock is not None and lock.written is not None else None
        found = wanted.files.get(file.path) if wanted else None
        return wanted if found is not None and found.digest == file.rendered else None

    @property
    def why_not(self) -> str:
        failure = self.failure or self.pristine.failure
        return failure.message if failure else "it can no longer be rendered"


# Disk against lock.


@read_consistently
def diff_disk(
    workspace: Workspace, limits: ComparisonFilter = EVERYTHING, *, reading_folders: bool = False
) -> Differences:
    """Compare the disk with the lock.

    Args:
        reading_folders: also compare packs that come from a folder with the lock, as a fresh clone would.

    Raises:
        UsageError: there is no such pack, persona or client.
        InvalidFile: the manifest or the lock is invalid.
    """
    recorded, locked = workspace.states.recorded, WantedFiles(workspace)
    wanted = locked.files
    limits.check(workspace, [*wanted.values(), *recorded.values()])
    notes: list[str] = []
    observed = workspace.states.observe({*wanted, *recorded})
    files: list[FileDifference] = []
    for path in sorted({*wanted, *recorded}):
        new, old = wanted.get(path), recorded.get(path)
        state = file_state(new and new.rendered, old and old.rendered, observed.get(path))
        file = new or recorded[path]
        if state not in ("", "clean") and limits.includes(file):
            files.append(_on_disk(workspace, locked, file, state, new, old, limits))
    missing = {(file.client, file.pack, file.persona) for file in files if file.state == "missing"}
    notes += (
        f"{workspace.scope.absolute(row.path)}: {left_elsewhere_reason(workspace, row)}"
        for row in workspace.states.elsewhere
        if (row.client, row.pack, row.persona) in missing
    )
    lines = {one.path: unmerged_line(one.after or b"") for one in files}
    unmerged = (Remark("unmerged", path, (f"line {line}",)) for path, line in lines.items() if line)
    return Differences(
        before="locked",
        after="disk",
        files=tuple(files),
        remarks=(*_remarks(workspace, locked, notes, reading_folders=reading_folders), *unmerged),
        notes=tuple(notes),
        empty=not wanted and not recorded,
    )


def _on_disk(
    workspace: Workspace,
    locked: WantedFiles,
    file: InstalledFile,
    state: str,
    wanted: InstalledFile | None,
    old: InstalledFile | None,
    limits: ComparisonFilter,
) -> FileDifference:
    after = workspace.states.contents(file.path) if state not in ("missing", "blocked") else None
    base = wanted
    is_outdated = state == "edited" and old is not None and old.rendered != file.rendered
    if is_outdated and after is not None:
        base = old  # what the user did, and not what the lock wants beside it
    before = None if base is None else locked.text(base)
    unknown = f"the locked text is not stored here: {locked.why_not}" if base is not None and before is None else ""
    if after is not None and len(after) > MAX_BYTES:
        after, unknown = None, _TOO_LARGE
    if before is not None and after is not None:
        before = with_ends_of(after, before)  # as it was written there: line ends are no difference
    compared = NOTHING
    if limits.rules and before is not None and after is not None:
        part = locked.part(base) if base is not None else None
        pristine = parse_pristine(before, workspace.form_of(file.client), part.persona if part else None)
        compared = compare_files(pristine, parse_edited(after, pristine, by_hand=state == "edited"))
    return FileDifference(
        path=file.path,
        client=file.client,
        pack=file.pack,
        persona=file.persona,
        state=state,
        before=before,
        after=after,
        unknown=unknown,
        compared=compared,
        outdated=is_outdated,
    )


def _remarks(workspace: Workspace, locked: WantedFiles, notes: list[str], *, reading_folders: bool) -> Iterator[Remark]:
    """Differences that are not in the files."""
    lock, current = workspace.lock, workspace.documents.current
    scope = workspace.scope
    if lock is None:
        if workspace.manifest.packs:
            yield Remark("lock-missing", scope.lock, (), current.number if current else 0)
        return
    if workspace.documents.lock_sides:
        yield Remark("lock-merging", scope.lock)
        return
    reasons = stale_reasons(workspace, lock)
    if workspace.documents.manifest_bytes is None:
        yield Remark("manifest-missing", scope.manifest)
    elif reasons:
        yield Remark("stale", scope.lock, tuple(reasons))
    is_recorded = workspace.documents.lock_is_recorded
    folders = {source.name for source in workspace.manifest.sources if source.is_path} if reading_folders else ()
    is_checked = is_recorded and not workspace.unrecorded_declarations(lock)
    is_checked = is_checked and not any(pack.source in folders for pack in lock.packs)
    is_made = not _variants_changed(workspace, lock) and not workspace.changed_declarations(lock)
    if not is_checked and is_made:
        # A lock that the last generation wrote was rendered then; one from elsewhere is rendered once more.
        yield from _rendering(workspace, lock, locked, notes)
    if not is_recorded:
        is_made = is_made and locked.wanted is not None
        untold = [row for row in lock.files if row.release is not None or not is_made]
        if claims := tuple(_false_claims(workspace, lock, locked, untold)):
            yield Remark("rendering", scope.lock, claims)


def _false_claims(workspace: Workspace, lock: Lock, locked: WantedFiles, rows: Iterable[LockedFile]) -> Iterator[str]:
    """A sentence for each row that no rendering was compared with and that claims what its text or its release does not
    give. The text is the file on disk, or a stored one.
    """
    files = workspace.states.of_lock(lock)
    for row in rows:
        file, target = files.get(row.path), workspace.clients.get(row.client)
        if file is None or target is None:
            continue
        if row.release is not None and locked.pristine.bears_out(file) is False:
            yield f"{row.path}: {row.pack} {row.release} does not render to that text"
            continue
        here = workspace.states.contents(row.path)
        text = here if text_digest(here) == file.rendered else workspace.store.text(file.rendered)
        if text is not None and row.capabilities is not None:
            had = capabilities(target, text)
            if widening(had, row.words):
                words, given = capability_words(row.words), capability_words(had)
                yield f"{row.path}: the lock allows {words}, but the text needs only {given}"


def _variants_changed(workspace: Workspace, lock: Lock) -> bool:
    found = {(text.persona, text.name, text.digest) for text in workspace.documents.local_texts}
    return any(tuple(variant) not in found for pack in lock.packs for variant in pack.local_variants)


def _rendering(workspace: Workspace, lock: Lock, locked: WantedFiles, notes: list[str]) -> Iterator[Remark]:
    wanted = locked.wanted
    if wanted is None:
        assert locked.failure is not None
        if isinstance(locked.failure, Refused | Unresolvable | InvalidFile):
            yield Remark("rendering", workspace.scope.lock, locked.failure.lines)
        else:
            notes.append(f"the locked releases were not checked: {locked.failure.message}")
        return
    try:
        check_rendering(workspace, lock, wanted)
    except DecisionNeeded as error:
        yield Remark("rendering", workspace.scope.lock, error.details)


# What an upgrade would change.


@read_consistently
def diff_upgrade(workspace: Workspace, limits: ComparisonFilter = EVERYTHING, *, latest: bool = False) -> Differences:
    """Compare the disk with what an upgrade would write, with local edits merged.

    Args:
        latest: ignore the ranges in the manifest.
    """
    from agentpack.changes.newest import held_by_ref, newest, not_taken  # resolving is loaded only here

    packs, shown_by = _packs_of(workspace, limits.name), "`agentpack diff{name} --upgrade --latest` shows it"
    chosen, wanted, _ = newest(workspace, packs, latest=latest, preview=True)
    recognise_releases(workspace, wanted)
    planned = plan_for(workspace, wanted)
    limits.check(workspace, [*workspace.states.recorded.values(), *planned.changes])
    pristine = Pristine(workspace)
    files = [
        _upgraded(workspace, pristine, wanted, change, limits)
        for change in planned.changes
        if limits.includes(change) and (change.action in WRITES or change.action in (Action.DELETE, Action.CONFLICT))
    ]
    return Differences(
        before="disk",
        after="upgraded",
        files=tuple(files),
        remarks=tuple(Remark("unmerged", one.path, (f"line {one.line}",)) for one in planned.changes if one.line),
        packs=tuple(pack_changes(None if workspace.lock is None else as_written(workspace.lock), wanted.lock)),
        capabilities=tuple(change for change in capability_changes(workspace, wanted) if limits.includes(change)),
        notes=(
            *map(str, wanted.notes(workspace.scope.kind, {file.path for file in files})),
            *(map(str, skipped_agents(wanted.lock)) if files else ()),
            *held_by_ref(workspace, chosen.manifest, packs, shown_by=shown_by),
            *not_taken(chosen, packs, shown_by),
        ),
        empty=not wanted.files and not workspace.states.recorded,
    )


def _packs_of(workspace: Workspace, name: str | None) -> tuple[PackName, ...]:
    """The packs in the manifest with this name, or with a persona of this name."""
    if name is None:
        return ()
    files = workspace.states.recorded.values()
    known = {wanted.requirement.pack for wanted in workspace.manifest.packs}
    return tuple(sorted({PackName(file.pack) for file in files if name in (file.pack, file.persona)} & known))


_STATES = {
    Action.CREATE: "new",
    Action.REPLACE: "updated",
    Action.MERGE: "merged",
    Action.RESTORE: "restored",
    Action.DELETE: "removed",
    Action.CONFLICT: "conflict",
}


def _upgraded(
    workspace: Workspace, pristine: Pristine, wanted: Wanted, change: Change, limits: ComparisonFilter
) -> FileDifference:
    seen = change.observed is not None
    before = workspace.states.contents(change.path) if seen else None
    after = before if change.action is Action.CONFLICT else change.content
    compared, unknown = NOTHING, ""
    if before is not None and len(before) > MAX_BYTES:
        before, after, unknown = None, None, _TOO_LARGE
    if limits.rules and before is not None and after is not None and change.theirs is not None:
        new = wanted.part(change)
        compared = pristine.compared(change, after, new.persona if new else None)
    return FileDifference(
        path=change.path,
        client=change.client,
        pack=change.pack,
        persona=change.persona,
        state=_STATES.get(change.action, "updated"),
        before=before,
        after=after,
        conflicts=change.conflicts,
        moved=change.moved,
        why=change.why if change.action is Action.CONFLICT else "",
        unknown=unknown,
        compared=compared,
    )
