"""Find the source that provides a pack, and read a release from it with its digest checked.

`Sources` keeps the order of precedence: the first source that has a pack provides it, unless the lock names another
source that is still configured. A source that is missing (its folder moved or not cloned) or cannot be asked stops
every pack that it may have: the ones that came from it, and the ones that only a later source offers. The exception is
what comes with agentpack, which nobody else can publish. A `Supply` is asked for locked releases before any source.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from packaging.version import Version

from agentpack.errors import AgentpackError, PolicyRefused, Refused, SourceWithheld, Unavailable, Unresolvable
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource, provider_fault, providers, words
from agentpack.model.names import Digest, PackName, content_digest, did_you_mean, first_few
from agentpack.model.pack import ARCHIVE_SUFFIXES, Release, ReleaseRef, moved_tag
from agentpack.sources.base import Source
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.sources.withheld import WithheldSource

if TYPE_CHECKING:
    from agentpack.sources.supply import Supply


_T = TypeVar("_T")


class NamedSource(NamedTuple):
    """The only source of a pack, and the pack's name there."""

    source: str
    pack: PackName


NO_NAMES: Mapping[PackName, NamedSource] = MappingProxyType({})


class Sources:
    """All configured sources in order of precedence. Each pack is looked up once."""

    def __init__(
        self,
        sources: Iterable[Source],
        remembered: Mapping[PackName, str] | None = None,
        *,
        named: Mapping[PackName, NamedSource] = NO_NAMES,
        missing: Collection[str] = (),
        configured: str = "agentpack.yaml",
        patterns: Sequence[ConfiguredSource] = (),
    ) -> None:
        """All sources there are.

        Args:
            remembered: for each locked pack, the source it stays with.
            named: for each pack that only one source may provide, that source. Only there a collection is looked
                into: none answers the bare name of a pack.
            missing: the names of sources that cannot be read.
            configured: the file that configures the sources, for error messages.
            patterns: the sources as they are configured there, for which packs each may provide.
        """
        self.all = tuple(sources)
        self.remembered = remembered or {}
        self.locked: Mapping[PackName, LockedPack] = {}
        """The packs of the lock, also those that need not stay with their source."""
        self.fresh: Collection[PackName] = ()
        """The packs of which another release than the locked one is wanted."""
        self.uses_pins = True
        """Whether the locked release of a pack that stays with its source is all there is of it, where the source need
        not be asked then."""
        self.supply: Supply | None = None
        """Where locked content is looked for before its source is asked."""
        self.kept: Callable[[Digest], Mapping[str, bytes] | None] = lambda _: None
        """The files of a release that the history has, by its digest."""
        self.releases_here: dict[Digest, Mapping[str, bytes]] = {}
        """The files of each release that was read on this machine, by its digest."""
        self.named = named
        self.missing = missing
        self.configured = configured
        self.patterns = patterns if any(source.packs for source in patterns) else ()
        self.elsewhere: Collection[str] = ()
        """The names of sources on other machines that are not among them."""
        self.passed_over: set[str] = set()
        """Missing sources that were asked."""
        self.silent: dict[Source, AgentpackError] = {}
        """The sources that could not be asked, and why: what others have is taken from those."""
        self.notes: list[str] = []
        """Releases that are no longer what was locked, a sentence each."""
        self.read: list[ReleaseRef] = []
        """The releases that were read."""
        self._allowed: dict[PackName, Collection[str]] = {}
        self._found: dict[PackName, tuple[ReleaseRef, ...]] = {}

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The releases of the pack in the source that provides it, newest first; empty if no source has it."""
        if pack not in self._found:
            self._found[pack] = self._pinned(pack) or self._look(pack)
        return self._found[pack]

    def allowed(self, pack: PackName) -> list[Source]:
        """The sources that may provide a pack under this name, in order of precedence."""
        found = self._providers(pack)
        return [source for source in self.all if source.name in found]

    def _providers(self, pack: PackName) -> Collection[str]:
        if pack not in self._allowed:
            self._allowed[pack] = providers(self.patterns, [source.name for source in self.all], pack)
        return self._allowed[pack]

    def refuse_forbidden(self, pack: PackName) -> None:
        """Raise Unresolvable if the manifest names the pack's source (`source:`) and `packs:` keeps that source from
        providing it."""
        named = self.named.get(pack)
        if named and (fault := provider_fault(self.patterns, named.source, pack, named.pack)):
            hint = f"change `packs:` of a source, or `source:` of the entry, in {self.configured}"
            raise Unresolvable(fault, hint=hint)

    def claimed_by(self, pack: PackName) -> str:
        """Which sources alone may provide a pack, in words; empty if any may."""
        claiming = [source.name for source in self.patterns if source.claims(pack)]
        return f"it may only come from {words(claiming)}, whose `packs` match the name" if claiming else ""

    def look_beyond_pins(self) -> bool:
        """Offer every release of each pack from now on. Returns whether some were not offered before."""
        pinned = [pack for pack in self._found if self._pinned(pack)]
        self.uses_pins = False
        for pack in pinned:
            del self._found[pack]
        return bool(pinned)

    def locked_release(self, locked: LockedPack) -> ReleaseRef | None:
        """The locked release where its source has it without being asked, else what the source offers now, if that is
        a state of a collection; None for anything else.
        """
        if self.supplied(locked) is not None:
            return _locked_ref(locked)
        source = self.source(locked.source)
        ref = source.pinned(self.name_there(locked.name), locked) if source is not None else None
        if ref is not None:
            return ref._replace(pack=locked.name)
        if source is not None and locked.repository and not source.is_missing:
            raise Refused(
                f"{locked.name} is locked from {locked.repository}, where `{source.name}` does not have it",
                hint=f"`git restore agentpack.lock` restores the committed lock; `agentpack upgrade {locked.name}` "
                "installs the current state",
            )
        return next((ref for ref in self.releases(locked.name) if ref.bare), None)

    def supplied(self, locked: LockedPack | None) -> Mapping[str, bytes] | None:
        """The files of a locked release if the supply has them; None for one that comes with this agentpack."""
        if self.supply is None or locked is None or self._comes_along(locked):
            return None
        return self.supply.files(self.name_there(locked.name), locked)

    def _comes_along(self, locked: LockedPack) -> bool:
        source = self.source(BUNDLED) if locked.source == BUNDLED else None
        return source is not None and any(str(ref.version) == locked.version for ref in source.releases(locked.name))

    def name_there(self, pack: PackName) -> PackName:
        """The name of a pack in its source."""
        named = self.named.get(pack)
        return named.pack if named else pack

    def _pinned(self, pack: PackName) -> tuple[ReleaseRef, ...]:
        locked, named = self.locked.get(pack), self.named.get(pack)
        if locked is not None and self.supplied(locked) is not None:
            return (_locked_ref(locked),)
        if not self.uses_pins or locked is None or pack in self.fresh or self.remembered.get(pack) != locked.source:
            return ()
        source = self.source(locked.source)
        if source is None or (named is not None and named.source != locked.source):
            return ()
        if provider_fault(self.patterns, locked.source, pack, named.pack if named else ""):
            return ()
        if self._kept(locked) is not None:
            self.passed_over.update({source.name}.intersection(self.missing))
            return (_locked_ref(locked),)
        ref = source.pinned(self.name_there(pack), locked)
        return () if ref is None else (ref._replace(pack=pack),)

    def _kept(self, locked: LockedPack) -> Mapping[str, bytes] | None:
        """The files of a locked release that are kept here; None if there are none, or its source is at hand."""
        source = self.source(locked.source)
        is_at_hand = source is not None and not source.is_remote and source.name not in self.missing
        return None if locked.agents is not None or is_at_hand else self.kept(locked.digest)

    def files_as_locked(self, ref: ReleaseRef) -> Mapping[str, bytes] | None:
        """The files of a locked release that is supplied or kept here; None if it must be read from its source."""
        locked = self.locked.get(ref.pack)
        if locked is None or ref != _locked_ref(locked):
            return None
        supplied = self.supplied(locked)
        return self._kept(locked) if supplied is None else supplied

    def _look(self, pack: PackName) -> tuple[ReleaseRef, ...]:
        kept = self.remembered.get(pack)
        allowed = self.allowed(pack)
        ordered = [source for source in allowed if source.name not in self._only_collections]
        ordered = sorted(ordered, key=lambda source: source.name != kept) if kept else ordered
        named = self.named.get(pack)
        if named is not None:
            ordered = [source for source in self.all if source.name == named.source]
            if not ordered:
                there = ", ".join(f"`{source.name}`" for source in self.all)
                hint = did_you_mean(named.source, [source.name for source in self.all])
                message = f"`{pack}` must come from the source `{named.source}`, which is not in {self.configured}"
                raise Unresolvable(message, details=[f"sources: {there}"], hint=hint)
            self.refuse_forbidden(pack)
        for source in ordered:
            is_own = named or (pack in self.locked and source.name == self.locked[pack].source)
            if source.name in self.missing:
                self.passed_over.add(source.name)
                if is_own:
                    raise self.unavailable([source], f"`{pack}` comes from it")
                continue
            there = self.name_there(pack)
            found = self.ask(source, partial(_offered, source, there, states=bool(named)), is_needed=bool(is_own))
            if found:
                if source.name not in (kept, BUNDLED):
                    self._refuse_stand_in(ordered[: ordered.index(source)], pack, source)
                renamed = [ref._replace(pack=pack) for ref in found] if there != pack else found
                self.notes += [moved.message for ref in renamed if (moved := self.moved_tag(ref))]
                return tuple(sorted(renamed, key=lambda ref: ref.version, reverse=True))
        if named:
            raise _not_there(pack, named, ordered[0])
        gone = [source for source in allowed if source.name in self.missing]
        if gone:
            raise self.unavailable(gone, f"no source that can be read has a pack `{pack}`")
        if error := next((self.silent[source] for source in allowed if source in self.silent), None):
            raise error
        return ()

    def _refuse_stand_in(self, earlier: Sequence[Source], pack: PackName, later: Source) -> None:
        """Raise if the pack of the later source may be another one of the same name, which anybody can publish: if the
        locked one came from an earlier source that has it no longer, or if an earlier source cannot be asked.
        """
        way = f"`agentpack install {pack} --source {later.name}` uses `{later.name}`"
        for source in earlier:
            error = self.unavailable([source]) if source.name in self.missing else self.silent.get(source)
            if error is not None:
                why = f"`{pack}` may come from it, and `{source.name}` is listed before `{later.name}`"
                raise type(error)(error.message, details=[*error.details, why, way], hint=error.hint)
            if source.name == self.remembered.get(pack):
                why = f"`{later.name}` has a pack of the same name, which may be another one"
                raise Unresolvable(f"the source `{source.name}` no longer has `{pack}`", details=[why], hint=way)

    def ask(self, source: Source, question: Callable[[], _T], *, is_needed: bool = False) -> _T | None:
        """What a source answers; None if it cannot be asked, unless the answer is needed."""
        if source in self.silent and not is_needed:
            return None
        try:
            return question()
        except OSError as problem:
            error: AgentpackError = _unreadable(source, problem)
        except (PolicyRefused, Unavailable, Unresolvable) as problem:
            error = problem
        if is_needed:
            raise error
        self.silent[source] = error
        return None

    @cached_property
    def _only_collections(self) -> Collection[str]:
        """Repositories of which only agents without `pack.yaml` are installed: no collection answers a bare name, so
        they need not be asked.
        """
        rows = [row for row in self.locked.values() if row.commit]
        return {row.source for row in rows} - {row.source for row in rows if row.agents is None}

    def moved_tag(self, ref: ReleaseRef) -> Refused | None:
        """The refusal of a release whose tag names another commit than the locked one; None for any other."""
        locked, source = self.locked.get(ref.pack), self.source(ref.source)
        if locked is None or source is None or not (ref.tag and locked.commit):
            return None
        is_moved = (str(ref.version), ref.source) == (locked.version, locked.source) and ref.commit != locked.commit
        return moved_tag(ref, locked.commit, source.where) if is_moved else None

    def unavailable(self, sources: Sequence[Source], *why: str) -> Unavailable:
        """The error for sources that are missing, or that nobody agreed to read."""
        words = "; ".join(map(missing_words, sources))
        if withheld := [source.name for source in sources if isinstance(source, WithheldSource)]:
            accept = " ".join(f"--accept outside:{name}" for name in withheld)
            hint = f"if you trust agentpack.yaml, `agentpack sync {accept}` allows this checkout to use it"
            return SourceWithheld(words, details=why, hint=hint)
        return Unavailable(
            words,
            details=why,
            hint=f"restore the folder, or change `sources:` in {self.configured}",
        )

    def in_collection(self, pack: PackName) -> str | None:
        """The first source that offers a pack of this name as a collection, where no source has a pack with it; None if
        one that cannot be asked may have it.
        """
        there = sorted(self.allowed(pack), key=lambda source: source.is_remote)  # those that answer at once first
        if any(source.name in self.missing or self.ask(source, partial(source.releases, pack)) for source in there):
            return None
        if not self.silent.keys().isdisjoint(there):
            return None
        return next((source.name for source in there if self.ask(source, partial(source.state_of, pack))), None)

    def packs(self) -> list[PackName]:
        """Every pack name that any source offers, but for those of collections."""
        names: set[PackName] = set()
        for source in self.all:
            if source.name in self.missing:
                self.passed_over.add(source.name)
                continue
            names.update(name for name in self.ask(source, source.packs) or () if source.name in self._providers(name))
        return sorted(names)

    def released(self, ref: ReleaseRef) -> int | None:
        """When a release was published, in seconds since 1970; None if unknown, as for what another place supplies."""
        if self.supplied(self.locked.get(ref.pack)) is not None:
            return None
        source = self.source(ref.source)
        try:
            if source is not None and ref.bare:  # the lock knows the state, and the source where it is
                there = source.state_of(self.name_there(ref.pack))
                there = ref if ref.commit else there
                return None if there is None else source.released(there)
            return None if source is None else source.released(ref)
        except OSError as error:
            raise _unreadable(source, error) from None  # type: ignore[arg-type]

    def unsigned(self, ref: ReleaseRef) -> str | None:
        """Why no signed tag names a release; None if one does, or if its source has no tags."""
        if ref.commit and self.supplied(self.locked.get(ref.pack)) is not None:
            return "it comes from `--source`, so its commit cannot be checked"
        source = self.source(ref.source)
        return None if source is None else source.unsigned(ref)

    def source(self, name: str) -> Source | None:
        return next((source for source in self.all if source.name == name), None)


def _not_there(pack: PackName, named: NamedSource, source: Source) -> Unresolvable:
    """What is said of a pack that its only source does not have."""
    offered = [*source.packs(), *(one.name for one in source.collection.packs)]
    hint = did_you_mean(named.pack, offered)
    if len(offered) == 1:
        hint = f"if that is the same, write `require: {offered[0]}` and `name: {pack}` in its entry of agentpack.yaml"
    return Unresolvable(
        f"the source `{named.source}` has no pack `{named.pack}`",
        details=[f"it has {first_few(offered, 12) or 'no packs and no agent files'}"],
        hint=hint,
    )


def missing_words(missing: Source) -> str:
    """A sentence that says a source is missing, or may not be read."""
    if isinstance(missing, WithheldSource):
        is_git = missing.where.startswith("file://")
        why = "a git repository on this machine" if is_git else "outside this repository"
        return f"the source `{missing.name}` is {why}, so it is not read: {missing.where}"
    kind = "archive" if missing.where.endswith(ARCHIVE_SUFFIXES) else "folder"
    return f"the source `{missing.name}` is missing: there is no {kind} {missing.where}"


def fetch(ref: ReleaseRef, sources: Sources, expected: Digest | None = None) -> Release:
    """The release's bytes, with their digest checked.

    Args:
        expected: the digest pinned in the lock, if any.

    Raises:
        Unavailable: the source could not be read.
        Refused: the bytes do not match the pinned digest, or the tag of a locked release was moved.
    """
    if moved := sources.moved_tag(ref):
        raise moved
    known = sources.files_as_locked(ref)
    files = _read(ref, sources) if known is None else known
    sources.read.append(ref)
    digest = content_digest(files.items())
    if expected is not None and digest != expected and not ref.bare:
        source = sources.source(ref.source)
        hint = "a published release should never change: ask its author, or, if you trust the new content, run "
        if source is not None and not source.is_remote and ref.source != BUNDLED:
            hint = (
                "if you edited the pack, raise `version:` in its pack.yaml and run `agentpack upgrade`; if you trust "
            )
            hint += "the new content under the old version, run "
        raise Refused(
            f"{ref.pack} {ref.version} from `{ref.source}` is not what was locked",
            details=[f"locked  {expected}", f"found   {digest}"],
            hint=f"{hint}`agentpack lock --upgrade-pack {ref.pack}`",
        )
    source = sources.source(ref.source)
    if not ref.bare and source is not None and not source.is_remote and ref.source != BUNDLED:
        sources.releases_here[digest] = files
    return Release(
        ref.pack, ref.version, ref.source, digest, files, commit=ref.commit, tag=ref.tag, repository=ref.repository
    )


def _read(ref: ReleaseRef, sources: Sources) -> Mapping[str, bytes]:
    source = sources.source(ref.source)
    if source is None:
        raise Unavailable(f"the source `{ref.source}` of {ref.pack} {ref.version} is not configured")
    try:
        return source.read(ref._replace(pack=sources.named[ref.pack].pack) if ref.pack in sources.named else ref)
    except OSError as error:
        raise _unreadable(source, error) from None


def _offered(source: Source, pack: PackName, *, states: bool) -> Sequence[ReleaseRef]:
    """The releases of a pack; where it has none and `states` is given, its states in the collection."""
    return source.releases(pack) or (source.states(pack) if states else ())


def _locked_ref(locked: LockedPack) -> ReleaseRef:
    """A reference to a locked release that names no place to read it from."""
    is_bare, commit, repository = locked.agents is not None, locked.commit, locked.repository
    version = Version(locked.version)
    return ReleaseRef(locked.name, version, locked.source, "", is_bare, commit, repository=repository)


def _unreadable(source: Source, error: OSError) -> Unavailable:
    place = error.filename or source.where
    return Unavailable(f"the source `{source.name}` cannot be read: {place}: {error.strerror}")
