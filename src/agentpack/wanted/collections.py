"""The state that is used of each pack in a collection: the locked one, or what the place holds now.

A place has one state and keeps no others, so what the lock wants is kept in the scope's store and taken from there: no
command but one that asks for something new needs the place again. The place is asked where an upgrade is wanted, or an
agent that is not locked.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from shlex import quote

from packaging.version import Version

from agentpack.errors import AgentpackError, Refused, SourceWithheld, Unavailable, Unresolvable
from agentpack.fetch import Sources, fetch
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName, did_you_mean, first_few, kebab, text_digest
from agentpack.model.pack import (
    NO_RELEASE,
    AgentRow,
    Release,
    ReleaseRef,
    agent_rows,
    digest_of_rows,
    digest_version,
)
from agentpack.wanted.agents import choose_agents, names_of
from agentpack.wanted.lock_satisfies import changed_sources, other_commit
from agentpack.workspace.workspace import Workspace


class CollectionStates:
    """The states of a scope's packs in collections, each decided once."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        lock: Lock | None,
        sources: Callable[[], Sources],
        *,
        is_too_young: Callable[[ReleaseRef], bool],
        refresh: Collection[str] | None = (),
        as_locked: bool = False,
    ) -> None:
        """All states there are.

        Args:
            sources: the sources, once they are open. The other arguments are those of `Candidates`.
            is_too_young: whether a policy rules a release out for its age.
        """
        self._is_too_young = is_too_young
        self._workspace = workspace
        self._manifest = manifest
        self._lock = lock
        self._sources = sources
        self._refresh = refresh
        self._as_locked = as_locked
        self._locked = {pack.name: pack for pack in (lock.packs if lock else ()) if pack.agents is not None}
        self._states: dict[PackName, Release | None] = {}
        self.notes: list[str] = []
        """Agents that are no longer what the manifest or the lock has of them, a sentence each."""

    def offered(self, pack: PackName) -> tuple[ReleaseRef, ...]:
        """The state to use of a pack that is locked from a collection, or that only a collection has, as the only item;
        empty for any other pack.
        """
        if pack not in self._states:
            self._states[pack] = self._decided(pack)
        state = self._states[pack]
        if state is None:
            return ()
        ref = ReleaseRef(pack, state.version, state.source, "", bare=True)
        return (ref._replace(commit=state.commit, tag=state.tag, repository=state.repository),)

    def fetched(self, ref: ReleaseRef) -> Release:
        """The state that a reference from `offered` means."""
        state = self._states[ref.pack]
        assert state is not None
        return state

    def _decided(self, pack: PackName) -> Release | None:
        locked, entry = self._locked.get(pack), self._manifest.wanted(pack)
        if locked is None:
            state = self._at_place(pack, entry)
            if state is not None:
                self._refuse_released(pack, state)
            return state
        if self._as_locked:
            return self._as_rows(locked, locked.agents or ())
        if entry is None or not entry.source:
            return None  # no collection answers a bare name, whatever the lock says
        self._sources().refuse_forbidden(pack)
        keeps_source = entry.source == locked.source and not other_commit(self._manifest, locked)
        is_kept = self._refresh is not None and pack not in self._refresh and keeps_source
        if is_kept and self._entry_then(pack) == entry:
            self._refuse_other_rows(locked, entry)
            return self._as_rows(locked, locked.agents or ())
        if is_kept and (part := self._part_of(locked, entry)) is not None:
            return part
        try:
            now = self._at_place(pack, entry, locked)
        except (Unavailable, Unresolvable) as error:
            if not keeps_source or self._refresh is not None:
                raise
            # nobody named it: the others are upgraded all the same
            why = "; ".join(filter(None, (*error.lines, error.hint)))
            if isinstance(error, Unresolvable):
                self.notes.append(f"{pack} was not changed (`agentpack uninstall {pack}` removes it): {why}")
            elif locked.source not in self._sources().passed_over:  # of a missing folder every command tells
                self.notes.append(f"{pack} was not changed: {why}")
                self._workspace.sources.unreached.append(f"{pack}: {error.message}")
            return self._as_rows(locked, locked.agents or ())
        if now is not None and now.source == locked.source:
            now = self._with_usable(now, locked)
        is_same = now is not None and now.source == locked.source and _content(now.agents) == _content(locked.agents)
        if now is not None and is_same and not now.tag and not self._has_lost(locked, now):
            return now._replace(version=Version(locked.version), digest=locked.digest, commit=locked.commit)
        return now

    def _has_lost(self, locked: LockedPack, now: Release) -> bool:
        """Whether the locked commit is gone, so that a clone could not get it: the lock moves to the present one."""
        source = self._sources().source(locked.source)
        return now.commit != locked.commit and source is not None and source.has_lost(locked)

    def _refuse_released(self, pack: PackName, state: Release) -> None:
        """Raise Refused if the pack is locked as a release, which no state of a collection can stand in for."""
        then = self._lock.pack(pack) if self._lock else None
        is_kept = self._refresh is not None and pack not in self._refresh
        if then is not None and is_kept and then.version != NO_RELEASE:
            raise Refused(
                f"{pack} {then.version} from `{state.source}` is not what was locked: it had a `pack.yaml`",
                details=[f"locked  {then.digest}", f"found   {state.digest}, of agent files alone"],
                hint=f"if you trust what the source holds now, `agentpack upgrade {pack}` installs it",
            )

    def _refuse_other_rows(self, locked: LockedPack, entry: ManifestEntry | None) -> None:
        """Raise Refused if the locked agent files are all of the pack, and do not come to its digest, or if the row of
        the lock says of its place what that does not say.
        """
        if self._workspace.documents.lock_is_recorded:
            return
        from agentpack.wanted.false_rows import false_rows  # only for a lock that came from elsewhere

        if fault := next(false_rows([locked], self._sources()), ""):
            raise Refused(
                f"agentpack.lock: {fault}",
                hint="`git restore agentpack.lock` restores the committed lock; "
                f"`agentpack lock --upgrade-pack {locked.name}` locks what the source has now",
            )
        is_whole = entry is None or (entry.personas is None and not entry.without)
        found = digest_of_rows(locked.agents or ())
        if is_whole and found != locked.digest:
            raise Refused(
                f"{locked.name} {locked.version}: its agent files in agentpack.lock do not match its digest",
                details=[f"locked  {locked.digest}", f"found   {found}"],
                hint="`git restore agentpack.lock` restores the committed lock; "
                f"`agentpack lock --upgrade-pack {locked.name}` locks what the source has now",
            )

    def _with_usable(self, now: Release, locked: LockedPack) -> Release:
        """The state, in which an installed agent keeps its locked text if its new text is not usable."""
        from agentpack.bare import fault_in  # parsing is loaded only where a text has changed

        files = dict(now.files)
        for row in locked.agents or ():
            data = files.get(row.path)
            if data is None or row.left_out or text_digest(data) == f"sha256:{row.sha256}":
                continue
            fault = fault_in(row.path, data)
            if fault and (before := self._text(locked, row)) is not None:
                files[row.path] = before
                self.notes.append(f"{locked.name}: {row.path} was not changed: its new text cannot be used ({fault})")
        rows = agent_rows(files)
        is_whole = now.digest == digest_of_rows(now.agents or ())
        if not is_whole:
            return now._replace(files=files, agents=rows)
        digest = digest_of_rows(rows)
        version = digest_version(digest) if now.version == digest_version(now.digest) else now.version
        return now._replace(files=files, agents=rows, digest=digest, version=version)

    def _entry_then(self, pack: PackName) -> ManifestEntry | None:
        """The pack's entry when the lock was made, as far as it decides which agents are wanted; None without one."""
        then, now = self._manifest_then.wanted(pack), self._manifest.wanted(pack)
        same = then is not None and now is not None and _choice(then) == _choice(now)
        return now if same else then

    @cached_property
    def _manifest_then(self) -> Manifest:
        return Manifest.from_data(self._lock.manifest) if self._lock else Manifest(None, (), {}, ())

    def _part_of(self, locked: LockedPack, entry: ManifestEntry | None) -> Release | None:
        """The locked state with the agents wanted now; None if it cannot be known to have all of them."""
        then = self._manifest_then.wanted(locked.name)
        if entry is None or then is None:
            return None
        fewer = then.personas is None and {*then.without} <= {*entry.without}
        if entry.personas is None and not fewer:
            return None
        state = self._as_rows(locked, locked.agents or ())
        if state.lost:
            raise state.lost
        found = choose_agents(state.files, entry)
        left_out = {*entry.without}
        if any(name not in left_out for name in found.unknown):
            return None
        return state._replace(files=found.files, agents=agent_rows(found.files))

    def _withdrawn(self, locked: LockedPack | None, refs: Sequence[ReleaseRef]) -> Iterator[str]:
        """A sentence if the source, at the place of the lock, no longer has the locked release."""
        if locked is None or not refs or locked.version.startswith(NO_RELEASE):
            return
        versions, source = {str(ref.version) for ref in refs}, refs[0].source
        if locked.version in versions or source in changed_sources(self._manifest, self._lock):
            return
        if refs[0].tag:
            yield f"{locked.name} {locked.version} is no longer among the tags of `{source}`"
        elif all(version.startswith(NO_RELEASE) for version in versions):
            yield f"`{source}` no longer has a release of {locked.name}; {locked.version} was one"

    def _at_place(
        self, pack: PackName, entry: ManifestEntry | None, locked: LockedPack | None = None
    ) -> Release | None:
        """What the place holds now; None if the pack is not in a collection."""
        refs = [ref for ref in self._sources().releases(pack) if ref.bare]
        self.notes += self._withdrawn(locked, refs)
        if refs and refs[0].tag:  # tagged ones are as many as there are tags: nothing but the entry limits them
            allowed = (ref for ref in refs if entry is None or entry.requirement.allows(ref.version))
            refs = [ref for ref in allowed if not self._is_too_young(ref)]
        if not refs:
            return None
        release = fetch(refs[0], self._sources())
        found = choose_agents(release.files, entry)
        earlier = self._manifest_then.wanted(pack)
        before = {*(earlier.personas or ()), *earlier.without} if earlier and locked else set()
        renamed = self._renamed(release, locked, entry) if locked is not None else {}
        for name in found.unknown:
            if name not in before:
                raise self._unknown(release, name)
            if name not in renamed:
                way = f"; `agentpack install {pack} --without {name}` removes the name"
                self.notes.append(
                    f"{pack}: agentpack.yaml names the agent `{name}`, which no longer exists"
                    f"{way if entry and entry.personas and name in entry.personas and entry.personas[1:] else ''}"
                )
        if renamed:
            self.notes.append(_renamed_words(pack, renamed, entry.personas if entry else None))
        self._remember(found.files)
        return release._replace(files=found.files, agents=agent_rows(found.files))

    def _renamed(self, release: Release, locked: LockedPack, entry: ManifestEntry | None) -> Mapping[str, str]:
        """The chosen agents that have another name now, in the same file: the new name by the old one, both as their
        personas are called.
        """
        same = {(row.path, row.sha256) for row in agent_rows(release.files)}
        changed = [row for row in locked.agents or () if (row.path, row.sha256) not in same]
        texts = {row.path: self._workspace.store.source_text(row.sha256) for row in changed}
        chosen = choose_agents({path: text for path, text in texts.items() if text is not None}, entry).files
        found: dict[str, str] = {}
        for path, text in chosen.items():
            old, new = (kebab(next(names_of(path, data), "")) for data in (text, release.files.get(path, b"")))
            if old and new and old != new and (entry is None or new not in entry.renames):
                found[old] = new
        known = {name for path, data in release.files.items() for name in names_of(path, data)} if found else set()
        return {old: new for old, new in found.items() if old not in known}

    def _unknown(self, release: Release, name: str) -> Unresolvable:
        known = [next(iter(names_of(path, data)), path) for path, data in sorted(release.files.items())]
        hint = did_you_mean(name, [*known, *release.files])
        return Unresolvable(
            f"`{release.pack}` has no agent `{name}`", details=[f"it has {first_few(known, 12)}"], hint=hint
        )

    def _remember(self, files: Mapping[str, bytes]) -> None:
        for data in files.values():
            self._workspace.sources.texts[text_digest(data).removeprefix("sha256:")] = data

    def _as_rows(self, locked: LockedPack, rows: tuple[AgentRow, ...]) -> Release:
        """The locked state, from wherever its texts are: the store, the place, or a file that is one of them. Rows of
        agents that the manifest did not ask for when the lock was made are not part of it. The text of an installed
        agent may be nowhere (`lost`), and so may that of a file that is left out.
        """
        texts, lost = dict[str, bytes](), None
        for row in rows:
            try:
                text = self._text(locked, row)
            except Unavailable as error:
                lost = lost or error
                continue
            if text is not None:
                texts[row.path] = text
        files = choose_agents(texts, self._manifest_then.wanted(locked.name)).files
        self._remember(files)
        asked = [row for row in rows if row.path in files or row.path not in texts]
        rows = tuple(row._replace(left_out="") if row.path in files else row for row in asked)
        release = Release(locked.name, Version(locked.version), locked.source, locked.digest, files, rows, lost=lost)
        return release._replace(commit=locked.commit, repository=locked.repository)

    def _text(self, locked: LockedPack, row: AgentRow) -> bytes | None:
        workspace = self._workspace
        known = workspace.sources.texts.get(row.sha256) or workspace.store.source_text(row.sha256)
        if known is not None or row.left_out:
            return known
        with_same = [file.path for file in (self._lock.files if self._lock else ()) if file.sha256 == row.sha256]
        for path in with_same:
            data = workspace.disk.read(path) if "#" not in path else None
            if data is not None and text_digest(data) == f"sha256:{row.sha256}":
                workspace.sources.only_here[row.sha256] = path
                return data
        why: AgentpackError | None = None
        try:
            ref = self._sources().locked_release(locked)
            if ref is not None:
                self._remember(fetch(ref, self._sources()).files)
        except (SourceWithheld, Refused):
            raise
        except AgentpackError as error:
            why = error
        found = workspace.sources.texts.get(row.sha256)
        if found is None:
            name, state = locked.name, "cannot be read" if why else "now has a different text"
            source = self._sources().source(locked.source)
            asked = why.hint if why and source and source.is_remote else None  # what lets it be reached
            told = (*why.lines, *([why.hint] if why.hint and not asked else [])) if why else ()
            hint = (
                asked
                or f"restore the locked state of the source, or install its current state: `agentpack upgrade {name}`"
            )
            raise Unavailable(
                f"{name} {locked.version}: {row.path} is not stored here, and `{locked.source}` {state}",
                details=[f"expected sha256:{row.sha256}", *told],
                hint=hint,
            )
        return found


def _content(rows: tuple[AgentRow, ...] | None) -> list[tuple[str, str]]:
    return [row.content for row in rows or ()]


def _choice(entry: ManifestEntry) -> tuple[object, ...]:
    """What of an entry decides which agent files are wanted."""
    personas = None if entry.personas is None else sorted(entry.personas)
    return entry.source, entry.name_there, personas, sorted(entry.without)


def _renamed_words(pack: PackName, renamed: Mapping[str, str], asked: Collection[str] | None) -> str:
    """Which agents have other names now, and how to go on with them under the old ones.

    Args:
        asked: the agents that the entry in the manifest names, if it names any.
    """
    calls = ", ".join(f"`{old}` is called `{new}` now" for old, new in renamed.items())
    if asked is not None:
        names = " ".join(f"--as {new}={old}" for old, new in renamed.items())
        gone = quote(",".join(name for name in asked if kebab(name) in renamed))
        both = f"--only {','.join(renamed.values())} --without {gone}"
        way = f"`agentpack install {pack} {both} {names}`"
    else:
        names = ", ".join(f"{new}: {old}" for old, new in renamed.items())
        way = f"`as: {{{names}}}` in its entry of agentpack.yaml"
    return f"{pack}: {calls}; {way} keeps the old name, and your edits"
