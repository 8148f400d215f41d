"""diff: what is on disk against what is locked, and what an upgrade would change.

Nothing is written here. The locked texts come from the contents kept by digest, and where those are missing, as in a
fresh clone, from the locked releases; with neither, what can be told without them is still told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from agentpack.differences.accounts import (
    MAX_BYTES,
    NOTHING,
    Compared,
    compare_accounts,
    decoded,
    edited_account,
    pristine_account,
)
from agentpack.differences.lines import counts, hunks
from agentpack.errors import AgentpackError, DecisionNeeded, Refused, UsageError
from agentpack.model.changes import WRITES, Action, Change, Conflict
from agentpack.model.history import InstalledFile
from agentpack.model.line_ends import as_lf, plain, with_ends_of
from agentpack.model.lock import Lock
from agentpack.model.names import Digest, PackName, did_you_mean
from agentpack.operations.carrying_out import PackChange, pack_changes
from agentpack.operations.making import Made, Part
from agentpack.operations.planning import plan_for
from agentpack.operations.sync import check_rendering, made_from_lock, stale_reasons
from agentpack.operations.widening import MayChange, may_changes
from agentpack.operations.workspace import Workspace, locked_files, steady
from agentpack.plan import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """One file that differs. `before` and `after` are its bytes, None where there is no file.

    `state` is, for disk against lock: `edited`, `missing`, `outdated` (as the last generation left it, but the lock
    wants another text), `left` (no longer locked) or `blocked` (no regular file); for an upgrade: `new`, `updated`,
    `merged`, `restored`, `removed` or `conflict`; between releases: `new`, `changed` or `removed`.
    """

    path: str
    client: str
    pack: str
    persona: str
    state: str
    before: bytes | None = None
    after: bytes | None = None
    unknown: str = ""
    """Why one of the texts is not known; nothing can be compared then."""
    compared: Compared = NOTHING
    """Fields and rules that differ, where both texts are known and rules were asked for."""
    conflicts: tuple[Conflict, ...] = ()
    why: str = ""
    """What a conflict is about, as in a plan."""
    outdated: bool = False
    """Of an edited file: the lock wants another text than it was edited from. `before` is that one, as far as it is
    kept."""


class Remark(NamedTuple):
    """What differs besides the texts of files.

    `kind` is `lock-missing`, `lock-changed`, `manifest-missing`, `stale` (the lock is not what the manifest asks for)
    or `rendering` (the locked releases do not give the locked texts).
    """

    kind: str
    path: str
    details: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that differs between two states, and what they are called."""

    before: str
    after: str
    files: tuple[FileDifference, ...] = ()
    remarks: tuple[Remark, ...] = ()
    packs: tuple[PackChange, ...] = ()
    capabilities: tuple[MayChange, ...] = ()
    """What personas may do, where an upgrade or the later release changes it."""
    notes: tuple[str, ...] = ()
    empty: bool = False
    """Nothing is installed that could differ."""

    @property
    def differs(self) -> bool:
        return bool(self.files or self.remarks or self.packs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a comparison is limited to, and whether rules are wanted or only texts."""

    name: str | None = None
    """A pack or a persona."""
    clients: Collection[str] = ()
    rules: bool = True

    def have(self, file: Any) -> bool:
        """Whether a file (anything with pack, persona and client) is among them."""
        named = self.name is None or self.name in (file.pack, file.persona)
        return named and (not self.clients or file.client in self.clients)

    def check(self, workspace: Workspace, known: Iterable[Any]) -> None:
        """Raise UsageError for a client or a name that nobody knows."""
        for client in self.clients:
            workspace.targets.named(client)
        names = sorted({name for file in known for name in (file.pack, file.persona)})
        if self.name is not None and self.name not in names:
            raise UsageError(
                f"no pack or persona `{self.name}` is installed here",
                details=[f"there: {', '.join(names) or 'nothing'}"],
                hint=did_you_mean(self.name, names),
            )


EVERYTHING = Limits()
_TOO_LARGE = f"larger than {MAX_BYTES // 1024:,} KiB: not compared"


# The locked side.


class Locked:
    """The locked texts and the personas behind them, read or rendered when first asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.failure: AgentpackError | None = None

    @cached_property
    def made(self) -> Made | None:
        """What the lock stands for, rendered again; None when that fails, and `failure` tells why."""
        try:
            return made_from_lock(self.workspace, frozen=True, obeying=False)
        except AgentpackError as error:
            self.failure = error
            return None

    def text(self, path: str, digest: Digest) -> bytes | None:
        """The pristine bytes with this digest, None when nobody has them any more."""
        blobs = self.workspace.store.blobs
        try:
            if blobs.has(digest):
                return blobs.get(digest)
        except AgentpackError:
            pass  # a damaged store: what it held can often be rendered again
        file = self.made.files.get(path) if self.made else None
        return as_lf(file.content) if file is not None and file.digest == digest else None

    def part(self, file: Any) -> Part | None:
        """The persona behind a file."""
        return part_of(self.made, file) if self.made else None

    @property
    def why_not(self) -> str:
        return self.failure.message if self.failure else "it can no longer be rendered"


def part_of(made: Made, file: Any) -> Part | None:
    """The persona that a file says."""
    for part in made.parts:
        if (part.pack.name, part.persona.name) == (file.pack, file.persona):
            return part
    return None


# Disk against lock.


@steady
def diff_disk(workspace: Workspace, limits: Limits = EVERYTHING) -> Differences:
    """What is on disk against what is locked.

    Raises:
        UsageError: there is no such pack, persona or client.
        InvalidFile: manifest or lock do not read.
    """
    lock, recorded = workspace.lock, workspace.recorded
    wanted = _wanted(lock, recorded)
    limits.check(workspace, [*wanted.values(), *recorded.values()])
    locked = Locked(workspace)
    notes: list[str] = []
    observed = workspace.observe({*wanted, *recorded})
    states = {path: _state(wanted.get(path), recorded.get(path), observed.get(path)) for path in {*wanted, *recorded}}
    remarks = list(_remarks(workspace, locked, notes, as_locked=not any(states.values())))
    files = []
    for path, state in sorted(states.items()):
        file = wanted.get(path) or recorded[path]
        if state and limits.have(file):
            files.append(_on_disk(workspace, locked, file, state, wanted.get(path), recorded.get(path), limits))
    return Differences(
        before="locked",
        after="disk",
        files=tuple(files),
        remarks=tuple(remarks),
        notes=tuple(notes),
        empty=not wanted and not recorded,
    )


def _wanted(lock: Lock | None, recorded: Mapping[str, InstalledFile]) -> dict[str, InstalledFile]:
    """What is locked, by path; without a lock what was recorded, as after `install --no-save`."""
    return dict(recorded) if lock is None else locked_files(lock)


def _state(wanted: InstalledFile | None, old: InstalledFile | None, here: Observed | None) -> str:
    if wanted is None:
        return "left" if here is not None else ""
    if here is None:
        return "missing"
    if here.blocked:
        return "blocked"
    if here.digest == wanted.rendered:
        return ""
    return "outdated" if old is not None and here.digest == old.rendered else "edited"


def _on_disk(
    workspace: Workspace,
    locked: Locked,
    file: InstalledFile,
    state: str,
    wanted: InstalledFile | None,
    old: InstalledFile | None,
    limits: Limits,
) -> FileDifference:
    before = locked.text(file.path, wanted.rendered) if wanted is not None else None
    after = workspace.contents(file.path) if state not in ("missing", "blocked") else None
    edited_from = None
    if state == "edited" and old is not None and after is not None and old.rendered != file.rendered:
        edited_from = locked.text(file.path, old.rendered)
        if edited_from is not None and before is not None and _distance(before, after) <= _distance(edited_from, after):
            edited_from = None  # it came along with the lock, and was edited since
    before = before if edited_from is None else edited_from
    unknown = f"the locked text is not kept here: {locked.why_not}" if wanted is not None and before is None else ""
    if after is not None and len(after) > MAX_BYTES:
        after, unknown = None, _TOO_LARGE
    if before is not None and after is not None:
        before = with_ends_of(after, before)  # as it was written there: line ends are no difference
    compared = NOTHING
    if limits.rules and before is not None and after is not None:
        part = locked.part(file) if edited_from is None else None  # the lock's persona is another release's
        pristine = pristine_account(before, file.path, part.persona if part else None)
        compared = compare_accounts(pristine, edited_account(after, file.path, pristine, by_hand=state == "edited"))
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
        outdated=edited_from is not None,
    )


def _distance(one: bytes, other: bytes) -> int:
    """How many lines differ."""
    return sum(counts(hunks(decoded(one), decoded(other), context=0)))


def _remarks(workspace: Workspace, locked: Locked, notes: list[str], *, as_locked: bool) -> Iterator[Remark]:
    """What is to be said beside the files. A lock that came along with its files, `as_locked`, is as good as ours."""
    lock, current = workspace.lock, workspace.current
    scope = workspace.scope
    written = {document.path: document.written for document in current.documents} if current else {}
    number = current.number if current else 0
    if lock is None:
        if workspace.manifest.packs or scope.lock in written:
            yield Remark("lock-missing", scope.lock, (), number)
        return
    vouched = workspace.lock_is_recorded
    if (
        not vouched
        and current is not None
        and not (as_locked and lock.to_text().encode() == plain(workspace.lock_bytes or b""))
    ):
        yield Remark("lock-changed", scope.lock, (), number)
    reasons = stale_reasons(workspace, lock)
    if workspace.manifest_bytes is None:
        yield Remark("manifest-missing", scope.manifest)
    elif reasons:
        yield Remark("stale", scope.lock, tuple(reasons))
    if not vouched and not _variants_changed(workspace, lock):
        # A lock that the last generation wrote was rendered then; one from elsewhere is rendered once more.
        yield from _rendering(workspace, lock, locked, notes)


def _variants_changed(workspace: Workspace, lock: Lock) -> bool:
    found = {(text.persona, text.name, text.digest) for text in workspace.local_texts}
    return any(tuple(variant) not in found for pack in lock.packs for variant in pack.local_variants)


def _rendering(workspace: Workspace, lock: Lock, locked: Locked, notes: list[str]) -> Iterator[Remark]:
    made = locked.made
    if made is None:
        assert locked.failure is not None
        if isinstance(locked.failure, Refused):
            yield Remark("rendering", workspace.scope.lock, (locked.failure.message, *locked.failure.details))
        else:
            notes.append(f"the locked releases were not checked: {locked.failure.message}")
        return
    try:
        check_rendering(workspace, lock, made)
    except DecisionNeeded as error:
        yield Remark("rendering", workspace.scope.lock, error.details)


# What an upgrade would change.


@steady
def diff_upgrade(workspace: Workspace, limits: Limits = EVERYTHING, *, latest: bool = False) -> Differences:
    """What is on disk against what an upgrade would write there, local edits merged.

    Args:
        latest: past the ranges of the manifest.
    """
    from agentpack.operations.upgrade import newest, out_of_range  # resolving is loaded only here

    limits.check(workspace, _wanted(workspace.lock, workspace.recorded).values())
    packs = _packs_of(workspace, limits.name)
    newer = newest(workspace, packs, latest=latest, obeying=False, accepted=None)
    made = newer.made
    planned = plan_for(workspace, made)
    locked = Locked(workspace)
    files = [
        _upgraded(workspace, locked, made, change, limits)
        for change in planned.changes
        if limits.have(change) and (change.action in WRITES or change.action in (Action.DELETE, Action.CONFLICT))
    ]
    return Differences(
        before="disk",
        after="upgraded",
        files=tuple(files),
        packs=tuple(pack_changes(workspace.lock, made.lock)),
        capabilities=tuple(change for change in may_changes(workspace, made) if limits.have(change)),
        notes=(
            *made.notes({file.path for file in files}),
            *(f"{told}; `agentpack diff --upgrade --latest` shows it" for told in out_of_range(newer, packs)),
        ),
        empty=not made.files and not workspace.recorded,
    )


def _packs_of(workspace: Workspace, name: str | None) -> tuple[PackName, ...]:
    """The packs in the manifest that a pack's or persona's name stands for."""
    if name is None:
        return ()
    files = _wanted(workspace.lock, workspace.recorded).values()
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


def _upgraded(workspace: Workspace, locked: Locked, made: Made, change: Change, limits: Limits) -> FileDifference:
    seen = change.observed is not None
    before = workspace.contents(change.path) if seen else None
    after = before if change.action is Action.CONFLICT else change.content
    compared, unknown = NOTHING, ""
    if before is not None and len(before) > MAX_BYTES:
        before, after, unknown = None, None, _TOO_LARGE
    if limits.rules and before is not None and after is not None and change.theirs is not None:
        pristine = locked.text(change.path, change.previous) if change.previous else None
        part, new = locked.part(change), part_of(made, change)
        old = pristine_account(before if pristine is None else pristine, change.path, part.persona if part else None)
        theirs = pristine_account(change.theirs, change.path, new.persona if new else None)
        ours = edited_account(before, change.path, old)
        compared = compare_accounts(ours, edited_account(after, change.path, theirs))
    return FileDifference(
        path=change.path,
        client=change.client,
        pack=change.pack,
        persona=change.persona,
        state=_STATES.get(change.action, "updated"),
        before=before,
        after=after,
        conflicts=change.conflicts,
        why=change.why if change.action is Action.CONFLICT else "",
        unknown=unknown,
        compared=compared,
    )
