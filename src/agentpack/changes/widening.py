"""Compare capabilities before and after a change, and stop if a new release gains any without acceptance.

What the lock says was written is compared with what is wanted now. A committed lock is an acceptance: its files were
agreed to, and what `lock --accept` accepted counts until they are written. With merge markers in the lock, both sides
must cover it. If the lock is missing or unreadable, the history of this checkout counts: deleting the lock does not
turn a release into a first install. Only another release (other bytes or another source) or another declaration of a
client stops a command, because others wrote those. What the user asks for, such as a variant, a parameter, a client or
a further pack, is only shown.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from agentpack.capabilities.of_file import capabilities
from agentpack.clients.skills import FOLDERS as SKILLS
from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.model.capabilities import accepted, capability_words, meaning, widening
from agentpack.model.changes import WRITES, Plan
from agentpack.model.history import InstalledFile
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.names import Digest, PackName
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import parse_requirement
from agentpack.resolve import USER
from agentpack.wanted.choose import pinned
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.file_releases import as_written, file_releases, lock_of_generation
from agentpack.workspace.workspace import Workspace

_MOST_DETAILS, _MOST_MEANINGS = 30, 10


class CapabilityChange(NamedTuple):
    """How a persona's capabilities for one client change, or that they are new."""

    pack: str
    persona: str
    client: str
    before: tuple[str, ...] | None
    """None if the persona is new for this client, or its earlier capabilities are unknown."""
    after: tuple[str, ...]
    widened: tuple[str, ...] = ()
    """The capabilities gained; empty for a new persona."""
    unaccepted: tuple[str, ...] = ()
    """The gained capabilities that come from another release and that nobody accepted."""
    granted: tuple[str, ...] = ()
    """The gained capabilities from another release that `--accept` accepted, now or when the lock was made."""
    releases: tuple[str, str] = ("", "")
    """The release before and now, if they differ."""
    declaration: str = ""
    """The file that declares the client, if it changed and allows the persona more."""


class CapabilitiesWidened(DecisionNeeded):
    """A new release, or a changed client declaration, gains capabilities. `changes` lists all personas and clients."""

    code = "widening"
    accepting = staying = ""
    """If known, the command that accepts them, without `agentpack`, and how to keep the old release instead."""

    def __init__(self, changes: Collection[CapabilityChange], command: str) -> None:
        self.changes = tuple(changes)
        words = sorted({word for change in self.changes for word in change.unaccepted})
        options = " ".join(f"--accept '{word}'" if "(" in word else f"--accept {word}" for word in words)
        files = list(dict.fromkeys(f"`{change.declaration}`" for change in self.changes if change.declaration))
        if files:
            super().__init__(
                f"{_some_words(files, 'clients')}: the changed declaration lets agents do more than before; nothing "
                "was changed",
                details=list(_details(self.changes)),
                # `uninstall` and others that come to this have no such option
                hint=f"`agentpack sync {options}` accepts it; or restore the old declaration",
            )
            return
        hidden = list(dict.fromkeys(change.pack for change in self.changes if not any(change.releases)))
        if hidden:
            super().__init__(
                f"{_some_words(hidden, 'packs')}: agents could do more than agentpack.lock allows; nothing was changed",
                details=list(_details(self.changes)),
                hint=f"`agentpack sync {options}` accepts it; or restore the old lock, for example with "
                "`git restore agentpack.lock`",
            )
            return
        moves = list(dict.fromkeys(change.pack + " {} -> {}".format(*change.releases) for change in self.changes))
        self.accepting = f"{command} {options}" if command else ""
        accept = f"`agentpack {self.accepting}` accepts it" if command else f"accept it with `{options}`"
        pack, newer = next((change.pack, change.releases[1]) for change in self.changes)
        range = "a `ref:` for its source" if "+" in newer else f"a version range such as `{pack}<{newer}`"
        keep = f"keep the old release with {range}"
        keep = "leave out `--latest` to keep the old release" if "--latest" in command else keep
        self.staying = f"or {keep}" if command else ""
        super().__init__(
            f"{_some_words(moves, 'packs')}: the new release lets agents do more than the old one; nothing was changed",
            details=list(_details(self.changes)),
            hint=f"{accept}, or {keep}",
        )


def _some_words(named: Sequence[str], what: str = "") -> str:
    return ", ".join(named[:3]) + (f" and {len(named) - 3} more {what}".rstrip() if len(named) > 3 else "")


def _details(changes: Collection[CapabilityChange]) -> Iterator[str]:
    """Lines for the error: a row for all personas with the same change, then what each gained capability means."""
    clients: dict[CapabilityChange, list[str]] = {}
    for change in changes:
        clients.setdefault(change._replace(client="", widened=(), unaccepted=(), granted=()), []).append(change.client)
    groups: dict[tuple[str, str], list[str]] = {}
    for change, reached in clients.items():
        was = "new" if change.before is None else capability_words(change.before)
        names = (SKILLS[name].title if name in SKILLS else name for name in reached)
        row = ", ".join(names), f"{was} -> {capability_words(change.after)}"
        groups.setdefault(row, []).append(change.persona)
    for (reached_, words), personas in islice(groups.items(), _MOST_DETAILS):
        yield f"{_some_words(personas)} for {reached_}: {words}"
    if len(groups) > _MOST_DETAILS:
        yield f"and {len(groups) - _MOST_DETAILS} more"
    gained = sorted({word for change in changes for word in change.unaccepted})
    for word in gained[:_MOST_MEANINGS]:
        yield f"`{word}` allows it to {meaning(word)}"


def capability_changes(workspace: Workspace, wanted: Wanted) -> tuple[CapabilityChange, ...]:
    """The capabilities that are new or differ from what was written, sorted by pack, persona and client."""
    changes = tuple(_WideningCheck(workspace, _written_lock(workspace), wanted).changes())
    for side in workspace.documents.lock_sides:
        against = {change[:3]: change for change in _WideningCheck(workspace, as_written(side), wanted).changes()}
        changes = tuple(_covered_by(change, against.get(change[:3])) for change in changes) + tuple(
            change for key, change in against.items() if change.unaccepted and all(one[:3] != key for one in changes)
        )
    return tuple(sorted(changes))  # no two are of the same key


def _covered_by(change: CapabilityChange, side: CapabilityChange | None) -> CapabilityChange:
    """The change, with `unaccepted` also covering what one side of a merge would not accept."""
    if side is None:
        return change
    unaccepted = tuple(dict.fromkeys((*change.unaccepted, *side.unaccepted)))
    return change._replace(unaccepted=unaccepted, declaration=change.declaration or side.declaration)


def granted_words(changes: Collection[CapabilityChange]) -> tuple[str, ...]:
    """The accepted capabilities as `<pack>:<capability>`, which the lock keeps until the files are written."""
    return tuple(dict.fromkeys(f"{change.pack}:{word}" for change in changes for word in change.granted))


def lock_changes(before: Lock | None, after: Lock | None) -> tuple[CapabilityChange, ...]:
    """Capability differences between two locks, for personas that both have; used to go back to an older lock."""
    old = {_key(file): file for file in before.files} if before else {}
    found = []
    for file in after.files if after else ():
        was = old.get(_key(file))
        if was is None or None in (was.capabilities, file.capabilities) or was.words == file.words:
            continue
        widened = widening(was.words, file.words)
        found.append(CapabilityChange(file.pack, file.persona, file.client, was.words, file.words, widened))
    return tuple(sorted(found))


def gained_over_disk(
    workspace: Workspace, wanted: Wanted, planned: Plan, reported: Collection[CapabilityChange]
) -> Iterator[CapabilityChange]:
    """The capabilities that personas gain over the files on disk, except those already in `reported`.

    A lock that came with a pull was accepted by somebody else, so what it allows is news on this machine.
    """
    known = {change[:3] for change in reported}
    for change in planned.changes:
        file = wanted.files.get(change.path)
        if file is None or change.action not in WRITES or change.observed is None or _key(file) in known:
            continue
        before = capabilities(workspace.client(file.client), workspace.states.contents(change.path))
        if widened := widening(before, file.capabilities):
            yield CapabilityChange(*_key(file), before, file.capabilities, widened)


def widening_error(changes: Collection[CapabilityChange], command: str = "") -> CapabilitiesWidened | None:
    """The error if a release gains capabilities that were not accepted, else None; `command` is to be typed again."""
    stopping = [change for change in changes if change.unaccepted]
    return CapabilitiesWidened(stopping, command) if stopping else None


Key = tuple[str, str, str]


def _key(file: LockedFile | Rendering) -> Key:
    return file.pack, file.persona, file.client


def _written_lock(workspace: Workspace) -> Lock | None:
    """The lock that describes what was written; None if nothing was. Packs without files in the lock come from
    the history of this checkout; without a readable lock, all do.
    """
    lock, current = workspace.documents.readable_lock, workspace.documents.current
    locked = {file.pack for file in lock.files} if lock else set()
    files = {file.path: file for file in workspace.states.recorded.values() if file.pack not in locked}
    pins: dict[str, str] = {}
    if current is not None:
        pins = dict(pin.partition(" ")[::2] for pin in current.pins)
        if lock is None:
            files = {**{file.path: file for file in current.files}, **files}
    names = {file.pack for file in files.values()} | ({*pins} if lock is None else set())
    known = None if lock is None else as_written(lock)
    if not names:
        return known
    left = None if current is None else lock_of_generation(workspace, current)
    base = known or (Lock({}, (), (), ()) if left is None else as_written(left)._replace(packs=(), files=()))
    held = {path: one for path, one in file_releases(workspace).items() if path in files}
    found: dict[str, LockedPack] = {one.pin.name: one.pin for one in held.values()}
    written = tuple(found.get(name) or _pack_in(left, name, pins.get(name, "")) for name in sorted(names))
    return base._replace(
        packs=(*(pack for pack in base.packs if pack.name not in names), *written),
        files=(
            *base.files,
            *(
                held[path].row._replace(release=None) if path in held else _file_row(workspace, file)
                for path, file in files.items()
            ),
        ),
    )


def _pack_in(left: Lock | None, name: str, version: str) -> LockedPack:
    """The pack as the lock of that generation has it; if absent, a row with unknown bytes."""
    found = as_written(left).pack(name) if left else None
    return found or LockedPack(PackName(name), version, "", Digest(""), (), (), {}, (), (USER,))


def _file_row(workspace: Workspace, file: InstalledFile) -> LockedFile:
    """A written file with capabilities read from its text; None if they are no longer known."""
    words = None
    try:
        target = workspace.clients.of_file(file.client)
        words = ", ".join(capabilities(target, workspace.store.blobs.get(file.rendered)))
    except AgentpackError:
        pass
    sha256 = file.rendered.removeprefix("sha256:")
    return LockedFile(file.path, file.client, file.pack, file.persona, sha256, words)


class _WideningCheck:
    """Compares one lock with what is wanted."""

    def __init__(self, workspace: Workspace, lock: Lock | None, wanted: Wanted) -> None:
        self.workspace = workspace
        self.lock = lock
        self.wanted = wanted
        self.locked: dict[str, LockedPack] = {pack.name: pack for pack in lock.packs} if lock else {}
        self.wanted_packs: dict[str, LockedPack] = {pack.name: pack for pack in wanted.lock.packs}
        self.rows = {_key(file): file for file in lock.files} if lock else {}
        self.installed = {key[0] for key in self.rows}
        self._above: dict[str, set[str]] = {}
        self.moved = self._moved(self.locked)
        documents = workspace.documents
        on_disk = documents.readable_lock
        locks = () if documents.lock_is_recorded else (on_disk, *documents.lock_sides)
        self.claimed = {_key(file) for told in locks if told for file in told.files}
        """The rows that a lock claims which this checkout did not write."""
        self.accepted_moved = self._moved({pack.name: pack for pack in on_disk.packs} if on_disk else {})
        """The packs that are no longer at the release for which the lock has acceptances."""
        self.changed_declarations = self._redeclared(lock)
        self.accepted_redeclared = self._redeclared(on_disk)

    def changes(self) -> Iterator[CapabilityChange]:
        for file in self.wanted.files.values():
            key = _key(file)
            row = self._honest(self.rows[key]) if key in self.rows else None
            if row is not None and row.capabilities == ", ".join(file.capabilities):
                continue
            hides = row is not None and self._hides_more(file, row)
            declaration = "" if row is None else self._declaring_more(file, row, hides=hides)
            asked = not declaration and not hides and self._is_asked_for(file.pack, is_new=row is None)
            if row is not None and row.capabilities is None and file.pack not in self.moved and not hides:
                continue  # an older lock did not tell it, and the release is the same
            before = row.words if row is not None and (row.capabilities is not None or hides) else None
            if before is None and file.pack in self.moved and not asked and key in self.again:
                before = self.again[key].capabilities
            if before == file.capabilities:
                continue
            widened = () if before is None else widening(before, file.capabilities)
            unaccepted: tuple[str, ...] = ()
            granted: tuple[str, ...] = ()
            if not asked:
                over = widened if before is not None else widening(self._of_pack(file), file.capabilities)
                granted = tuple(word for word in over if self._is_accepted(file, word))
                unaccepted = tuple(
                    word for word in over if word not in granted and not self.workspace.policies.accept(word)
                )
            releases = self._releases(file.pack)
            yield CapabilityChange(*key, before, file.capabilities, widened, unaccepted, granted, releases, declaration)

    def _redeclared(self, lock: Lock | None) -> frozenset[str]:
        """The declared clients whose declaration differs from the one in the lock, or is missing there."""
        recorded = lock.declared if lock else {}
        return frozenset(name for name, digest in self.wanted.lock.declared.items() if recorded.get(name) != digest)

    def _honest(self, row: LockedFile) -> LockedFile | None:
        """A row with no more capabilities than its text gives: an earlier version had other words, and what somebody
        claims an old release could do is no reason to let a new one do it. The text is the recorded one; of a row that
        this checkout did not write, that of its own release or, if that is gone, the persona's file as it lies there.
        None for such a row if there is neither.
        """
        if row.capabilities is None or row.pack not in self.moved:
            return row
        is_claimed, client, scope = _key(row) in self.claimed, self.workspace.client(row.client), self.workspace.scope
        if is_claimed and (again := self.again.get(_key(row))) is not None:
            had = again.capabilities
        else:
            is_its_place = row.path == client.path(row.persona, scope.kind, self.workspace.environment.variables)
            recorded = self.workspace.store.text(Digest(f"sha256:{row.sha256}"))
            here = recorded if not is_claimed else self.workspace.states.contents(row.path) if is_its_place else None
            if not here:
                return None if is_claimed else row
            by_name = () if is_claimed else (word for word in row.words if word.startswith("replaces:"))
            had = (*capabilities(client, here), *by_name)
        return row._replace(capabilities=", ".join(had)) if widening(had, row.words) else row

    def _hides_more(self, file: Rendering, row: LockedFile) -> bool:
        """Whether the row says less than its own release gives, in a lock that this checkout did not write: then
        somebody may have exchanged the release, or a declaration's digest, without what that brings along. Another
        local variant would explain it as well.
        """
        if self.workspace.documents.lock_is_recorded:
            return False
        old, new = self.locked.get(file.pack), self.wanted_packs[file.pack]
        again = self.again.get(_key(file))
        if again is None or old is None or old.local_variants != new.local_variants:
            return False
        if row.capabilities is None:
            return row.sha256 != again.digest.removeprefix("sha256:") and bool(again.capabilities)
        return bool(widening(row.words, again.capabilities))

    def _declaring_more(self, file: Rendering, row: LockedFile, *, hides: bool) -> str:
        """The file that declares the client, if only this declaration lets the persona do more than its row says."""
        if row.capabilities is None or file.client not in self.wanted.lock.declared:
            return ""
        again = self.again.get(_key(file), file)
        if not hides and not (file.client in self.changed_declarations and widening(row.words, again.capabilities)):
            return ""
        return self.workspace.scope.shown(self.workspace.clients.declarations[file.client].path)

    def _is_asked_for(self, pack: str, *, is_new: bool) -> bool:
        """Whether the user chose the pack's capabilities: its release stays the same, or the command names the pack.

        Args:
            is_new: whether the persona was not there before.
        """
        if not is_new or pack in self.installed:
            return pack not in self.moved
        old = self.locked.get(pack)
        if USER in self.wanted_packs[pack].wanted_by and (old is None or USER not in old.wanted_by):
            return True
        # brought along: by packs that are as new to the user as it is, or by a new release of one that was there
        return pack not in self._brought_by_release

    def _is_accepted(self, file: Rendering, word: str) -> bool:
        """Whether this command, or whoever made the lock, accepted the capability."""
        pack, is_other = file.pack, file.pack in self.accepted_moved or file.client in self.accepted_redeclared
        locked = self.lock.accepted if self.lock and not is_other else ()
        words = (*self.workspace.accepted, *locked)
        return accepted([text for text in words if "widened:" not in text], pack, word)

    def _moved(self, before: Mapping[str, LockedPack]) -> frozenset[str]:
        """The packs whose personas come from other bytes than before: their own, or those of a pack they require."""
        moved = {name for name, pack in self.wanted_packs.items() if _origin(pack) != _origin(before.get(name))}
        return frozenset(_reached(self._requiring, moved))

    def _requirers(self, pack: str) -> set[str]:
        """The packs that require this one, directly or indirectly."""
        if pack not in self._above:
            self._above[pack] = _reached(self._requiring, {pack}) - {pack}
        return self._above[pack]

    @cached_property
    def _brought_by_release(self) -> set[str]:
        """The installed packs whose release changes, and everything these require."""
        return _reached(self._required, self.moved & self.locked.keys())

    @cached_property
    def _required(self) -> Mapping[str, set[str]]:
        return {
            name: {parse_requirement(text).pack for text in pack.requires} for name, pack in self.wanted_packs.items()
        }

    @cached_property
    def _requiring(self) -> Mapping[str, set[str]]:
        """For each pack, the packs that require it directly."""
        found: dict[str, set[str]] = {}
        for name, required in self._required.items():
            for other in required:
                found.setdefault(other, set()).add(name)
        return found

    def _of_pack(self, file: Rendering) -> set[str]:
        """All capabilities the pack had for this client; for a new pack, those of the packs that brought it in."""
        packs = {file.pack} if file.pack in self.installed else self._requirers(file.pack)
        told = (row for key, row in self.rows.items() if key[0] in packs and key[2] == file.client)
        rows = [honest for row in told if (honest := self._honest(row)) is not None]
        if rows and all(row.capabilities is not None for row in rows):
            return {word for row in rows for word in row.words}
        return {
            word
            for key, again in self.again.items()
            if key[0] in packs and key[2] == file.client
            for word in again.capabilities
        }

    @cached_property
    def again(self) -> Mapping[Key, Rendering]:
        """The locked releases rendered again for each client that is wanted; empty when they are gone."""
        if self.lock is None:
            return {}
        lock = self.lock._replace(packs=tuple(pack for pack in self.lock.packs if pack.digest))
        clients = sorted({file.client for file in self.wanted.files.values()})
        try:
            wanted = pinned(self.workspace, lock).only_for(clients).preview()
        except AgentpackError:
            return {}
        return {_key(file): file for file in wanted.files.values()}

    def _releases(self, pack: str) -> tuple[str, str]:
        old, new = self.locked.get(pack), self.wanted_packs[pack]
        if pack not in self.moved:
            return "", ""
        if old is None:
            return "not there", new.version
        if not old.digest and old.version == new.version:
            return f"{old.version} as it was", new.version
        if old.version != new.version:
            return old.version, new.version
        if old.source != new.source:
            return f"{old.version} from `{old.source}`", f"{new.version} from `{new.source}`"
        return old.version, new.version


def _origin(pack: LockedPack | None) -> tuple[str, ...]:
    return () if pack is None else (pack.version, pack.source, pack.digest)


def _reached(onward: Mapping[str, Collection[str]], start: Collection[str]) -> set[str]:
    """Everything reachable from these names, including themselves."""
    found = {*start}
    waiting = [*start]
    while waiting:
        more = {name for name in onward.get(waiting.pop(), ()) if name not in found}
        found |= more
        waiting += more
    return found
