"""Candidate releases from all sources of a scope, to install from or only to look at."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from agentpack import __version__
from agentpack.compose.compose import Pack
from agentpack.disk.real_paths import real_path
from agentpack.errors import AgentpackError, InvalidFile, Refused, Unavailable, Unresolvable
from agentpack.fetch import Sources, fetch
from agentpack.input.hidden_text import HiddenText
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.pack import Release, ReleaseRef
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.read import MANIFEST, check_pack, read_pack, with_kept_names
from agentpack.wanted.collections import CollectionStates
from agentpack.wanted.lock_satisfies import changed_sources
from agentpack.workspace.locations import kept_paths
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.policy.refusal import PackVerdict

_SELF = PackName("agentpack")


class NeedsOtherReader(Unresolvable):
    """A release has what this agentpack does not know, and says that it is for another one."""

    def __init__(self, release: Release, readers: str) -> None:
        """`readers` is the range of versions of agentpack that can read it."""
        super().__init__(
            f"{release.pack} {release.version} needs agentpack{readers}, and this is {__version__}",
            hint="install an agentpack of that range, or ask for another release of the pack",
        )
        self.readers = readers


class Candidates:
    """Candidate releases from the configured sources, each read once. Answers the resolver's questions."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        lock: Lock | None,
        *,
        refresh: Collection[str] | None = (),
        anywhere: Collection[str] = (),
        ignore_minimum_age: bool = False,
        as_locked: bool = False,
        aside: bool = False,
    ) -> None:
        """All releases available.

        Args:
            lock: its packs keep their source, and their release where that still fits.
            refresh: packs to choose afresh whatever release the lock has; None for all.
            anywhere: packs that need not stay with their source.
            as_locked: packs of collections are exactly as the lock has them, whatever the manifest asks for.
            ignore_minimum_age: also offer releases that the policy considers too new; for looking only.
        """
        if refresh is not None and not as_locked:
            refresh = {*refresh, *_to_choose_again(manifest, lock)}
        self.workspace = workspace
        self.manifest = manifest
        self.lock = lock
        self.refresh = refresh
        self.ignore_minimum_age = ignore_minimum_age
        self.states = CollectionStates(
            workspace,
            manifest,
            lock,
            lambda: self.sources,
            is_too_young=lambda ref: self._is_too_young(ref),
            refresh=refresh,
            as_locked=as_locked,
        )
        self.passed_over: dict[tuple[PackName, Version], PackVerdict] = {}
        """Releases that were left out because a policy finds them too young."""
        self.sizes: dict[tuple[PackName, Version], int] = {}
        """The bytes of each release that was read."""
        self.hidden: list[str] = []
        """Places of hidden text that a policy let pass, in words."""
        locked = lock.packs if lock else ()
        self._asked = refresh or () if aside else None
        self.kept = {pack.name for pack in locked if refresh is not None and pack.name not in refresh}
        """The packs that keep their release where it fits."""
        self.sources = workspace.sources.open(manifest, [pack for pack in locked if pack.name not in anywhere])
        self.sources.fresh = {pack.name for pack in locked} - self.kept
        self.sources.locked = {pack.name: pack for pack in locked}
        self.expected = {(pack.name, pack.version, pack.source): pack.digest for pack in locked}
        self._locked = {(pack.name, pack.version) for pack in locked}
        self._read: dict[tuple[str, Version], tuple[Release, Pack]] = {}

    @cached_property
    def paths(self) -> dict[tuple[str, str, str], str]:
        """Where files stay that are not where agentpack would write them (`kept_paths`)."""
        workspace, current = self.workspace, self.workspace.documents.current
        rows = self.lock.files if self.lock else current.files if current else ()
        variables = workspace.environment.variables
        return kept_paths(rows, workspace.clients, workspace.managed, workspace.scope.kind, variables)

    def use(self, sources: Sources) -> None:
        """Take releases from these sources, before any was asked for."""
        sources.locked, sources.fresh = self.sources.locked, self.sources.fresh
        self.sources = sources

    def look_beyond_pins(self) -> bool:
        """Offer more than the locked release of packs from other machines. Returns whether there is more to offer."""
        return self.sources.look_beyond_pins()

    @contextmanager
    def ignoring_minimum_age(self, ignore_minimum_age: bool) -> Iterator[None]:
        """Context in which releases that the policy considers too new are offered, or are not."""
        before, self.ignore_minimum_age = self.ignore_minimum_age, ignore_minimum_age
        try:
            yield
        finally:
            self.ignore_minimum_age = before

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        """The releases of the pack, newest first; of one in a collection its one state."""
        return self.states.offered(pack) or self.sources.releases(pack)

    def read(self, pack: PackName, version: Version) -> tuple[Release, Pack]:
        """A release without its files, and the pack in it. Its digest is checked against the lock.

        Raises:
            Unresolvable: no source has it.
        """
        key = (pack, version)
        if key not in self._read:
            ref = next((ref for ref in self.releases(pack) if ref.version == version), None)
            if ref is None:
                raise self.gone(pack, version)
            release = self.fetched(ref)
            self.sizes[key] = sum(map(len, release.files.values()))
            found = self._checked(release)
            if ref.bare:
                found = self._with_kept_names(found)
            self._read[key] = release._replace(files={}), found  # a thousand personas would lie in memory twice
        return self._read[key]

    def _with_kept_names(self, pack: Pack) -> Pack:
        """The pack, whose installed agents keep their names."""
        locked = self.lock.pack(pack.name) if self.lock else None
        if self.lock is None or locked is None or locked.agents is None:
            return pack
        manifest = Manifest.from_data(self.lock.manifest)
        rows = [(row.pack, row.persona) for row in self.lock.files]
        rows += [(row.pack, row.persona) for row in self.lock.skipped]
        known = {manifest.name_in_pack(pack.name, persona) for name, persona in rows if name == pack.name}
        return with_kept_names(pack, known, {row.path for row in locked.agents})

    def lost_text(self, pack: PackName) -> Unavailable | None:
        """Why the text of an installed agent of a collection cannot be found; None if no text is lost."""
        return next((self.states.fetched(ref).lost for ref in self.states.offered(pack)), None)

    def _checked(self, release: Release) -> Pack:
        try:
            pack = read_pack(release, self.workspace.cache)
            if pack.left_out and self.workspace.policies.report_hidden_text:
                from agentpack.input.hidden_in_files import refuse_hidden  # only for files that are not taken

                refuse_hidden({one.path: release.files[one.path] for one in pack.left_out}, pack.name)
            return pack
        except InvalidFile as error:
            if (readers := _other_readers(release)) is not None:
                raise NeedsOtherReader(release, readers) from None
            name, version = release.pack, release.version
            if error.hint is None and len(self.releases(name)) > 1:
                error.hint = f"write `{name}!={version}` in agentpack.yaml to use another release"
            raise
        except HiddenText as error:
            if not self.workspace.policies.report_hidden_text:
                raise
            # kept in no cache: whoever has another policy is to be asked again
            self.hidden += [f"allowed by the policy: {line}" for line in error.details]
            return check_pack(release, hidden=True)

    def fetched(self, ref: ReleaseRef) -> Release:
        """A release with its files. Its digest is checked against the lock, but for packs of the user's own: editing
        one of these is how it is upgraded.
        """
        if ref.bare:
            return self.states.fetched(ref)
        source = self.sources.source(ref.source)
        if source is not None and source.where == self.workspace.scope.absolute(self.workspace.scope.own_packs):
            return fetch(ref, self.sources)
        expected = self.expected.get((ref.pack, str(ref.version), ref.source))
        try:
            return fetch(ref, self.sources, expected)
        except Refused as error:
            is_aside = self._asked is not None and ref.pack not in self._asked and source and not source.is_remote
            if expected is None or not is_aside or (files := self.sources.kept(expected)) is None:
                raise
            ways = f"its `version:` is raised, or `agentpack lock --upgrade-pack {ref.pack}` takes the new text"
            self.sources.notes.append(f"{error.message}; it stays as it was installed until {ways}")
            kept = Release(ref.pack, ref.version, ref.source, expected, files)
            return kept._replace(commit=ref.commit, tag=ref.tag, repository=ref.repository)

    def files(self, pack: PackName, version: Version) -> Mapping[str, bytes]:
        """The files of a release that was read, by POSIX path."""
        ref = next(ref for ref in self.releases(pack) if ref.version == version)
        return self.fetched(ref).files

    def gone(self, pack: PackName, version: Version) -> Unresolvable:
        """The error for a release that no source has."""
        offered = [str(known) for known in self.published(pack)]
        if not offered:
            known = self.sources.packs()
            return Unresolvable(f"no source has a pack `{pack}`", hint=did_you_mean(pack, known))
        return Unresolvable(
            f"no source has {pack} {version}",
            details=[f"there {'is only' if len(offered) == 1 else 'are'} {', '.join(offered)}"],
            hint=f"`agentpack upgrade {pack}` takes another release"
            if (pack, str(version)) in self._locked
            else self.held_by_ref(pack),
        )

    def held_by_ref(self, pack: PackName) -> str | None:
        """What to do about a `ref:` of the source that a pack comes from; None if that has none."""
        sources = {ref.source for ref in self.releases(pack)}
        held = (one for one in self.manifest.sources if one.name in sources and "ref" in one.options)
        source = next(held, None)
        if source is None:
            return None
        way = f'`agentpack install "{pack}@latest"` removes that'
        if self.ignore_minimum_age:  # for looking only
            way = f'`agentpack install "{pack}@latest" --dry-run` shows what the newest release would write'
        return f"`ref: {source.options['ref']}` of the source `{source.name}` holds it; {way}"

    # The resolver's questions.

    def versions(self, pack: PackName) -> Sequence[Version]:
        found = [ref.version for ref in self.releases(pack) if not self._is_too_young(ref)]
        # a release that needs another agentpack is told apart from one that needs a pack nobody has
        return found or ([Version(__version__)] if pack == _SELF else [])

    def _is_too_young(self, ref: ReleaseRef) -> bool:
        """Whether the policy rules the release out for its age. A locked release stays a candidate: it is refused
        later, by name.
        """
        is_asked = (
            not self.ignore_minimum_age
            and self.workspace.policies.may_refuse
            and self.workspace.policies.strictest.minimum_age is not None
        )
        if not is_asked or (ref.pack, str(ref.version)) in self._locked:
            return False
        from agentpack.policy.evaluate import age_verdicts
        from agentpack.policy.refusal import PackVerdict  # only where there is a policy

        source = self.sources.source(ref.source)
        if source is not None and is_own(self, source.where, ref):
            return False
        judged = PackVerdict(ref.pack, str(ref.version), age_verdicts(self.workspace.policies.strictest, self.age(ref)))
        if judged.refusals:
            self.passed_over[ref.pack, ref.version] = judged
        return bool(judged.refusals)

    def age(self, ref: ReleaseRef | None) -> int | None:
        """Seconds since the release was published; None if unknown, or if no policy asks."""
        if ref is None or self.workspace.policies.strictest.minimum_age is None:
            return None
        from agentpack.model.dates import seconds

        now, released = seconds(self.workspace.environment.now()), self.sources.released(ref)
        return None if now is None or released is None else now - released

    def unsigned(self, ref: ReleaseRef | None) -> str | None:
        """Why the tag of a release counts as unsigned; None if it is signed, not from git, or if no policy asks."""
        limit = self.workspace.policies.strictest.signed_tags
        return self.sources.unsigned(ref) if ref is not None and limit is not None and limit.value else None

    def published(self, pack: PackName) -> Sequence[Version]:
        """Every release there is, also of a collection with tags, of which the resolver sees only the one to use."""
        with suppress(AgentpackError):  # told where it matters: what is installed does not need the place
            tagged = [ref for ref in self.sources.releases(pack) if ref.bare and ref.tag]
            if tagged:
                return [ref.version for ref in tagged if not self._is_too_young(ref)]
        return self.versions(pack)

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        try:
            found = self.read(pack, version)[1]
        except NeedsOtherReader:
            return ()
        lost = self.lost_text(pack) is not None  # of which persona is not known
        local = {text.name for text in self.workspace.documents.local_texts if lost or text.persona in found.personas}
        return {*found.variant_names, *local}

    def requires(self, pack: PackName, version: Version) -> Sequence[Requirement]:
        try:
            header: Mapping[str, Any] = self.read(pack, version)[1].header
        except NeedsOtherReader as error:
            header = {"agentpack": error.readers}
        readers = header.get("agentpack")
        if readers:
            reader = Requirement(pack=_SELF, range=readers)
            if not reader.specifiers.contains(__version__, prereleases=True):
                return [reader]  # a release for another agentpack is passed over like one that needs what is not there
        return [parse_requirement(text) for text in header.get("requires", ())]

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        try:
            found = self.read(pack, version)[1]
        except NeedsOtherReader:
            return {}
        entry = self.workspace.manifest.wanted(pack)
        orphans = {
            text.name: f"it is a local variant of `{text.persona}`, which {pack} {version} does not have or which "
            f'is left out; `agentpack uninstall "{pack}[{text.name}]"` stops using it, and keeps its file'
            for text in self.workspace.documents.local_texts
            if entry is not None and text.name in entry.requirement.variants and text.persona not in found.personas
        }
        return {**orphans, **found.header.get("retired", {})}

    def known(self) -> Collection[str]:
        return self.sources.packs()


def _to_choose_again(manifest: Manifest, lock: Lock | None) -> Iterator[PackName]:
    """The locked packs that the manifest's range no longer allows, and those of sources that name another state now:
    another `ref:` or `sha256:`. Where a source is may have changed without that.
    """
    changed = changed_sources(manifest, lock)
    for pack in lock.packs if lock else ():
        entry = manifest.wanted(pack.name)
        asked = entry.requirement if entry and entry.requirement.range else None
        if pack.source in changed or (asked and not asked.allows(Version(pack.version))):
            yield pack.name


def _other_readers(release: Release) -> str | None:
    """The versions of agentpack that a release is for, as a range; None unless the range excludes this version."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # only for what cannot be read

    from agentpack.input.documents import decode, read_yaml

    with suppress(InvalidFile, InvalidSpecifier):
        data = read_yaml(decode(release.files.get(MANIFEST, b""), MANIFEST), MANIFEST).data
        readers = data.get("agentpack") if isinstance(data, dict) else None
        if isinstance(readers, str) and not SpecifierSet(readers).contains(__version__, prereleases=True):
            return readers
    return None


def candidates_to_install(
    workspace: Workspace,
    manifest: Manifest,
    lock: Lock | None,
    *,
    refresh: Collection[str] | None = (),
    anywhere: Collection[str] = (),
    aside: bool = False,
) -> Candidates:
    """Candidates for a command that installs: without releases that the policy considers too new.

    Args:
        lock: its packs keep their releases as far as the manifest allows.
        refresh: packs of which the newest release is wanted; None for all of them. Each stays with its source.
        anywhere: packs that are looked for in every source, because the user named one.
        aside: whether a pack whose folder has other text now under its locked version stays as it was installed, if
            the history has its files and the command does not name it; else that is an error.
    """
    return Candidates(workspace, manifest, lock, refresh=refresh, anywhere=anywhere, aside=aside)


def candidates_to_view(
    workspace: Workspace, manifest: Manifest, lock: Lock | None = None, *, as_locked: bool = False
) -> Candidates:
    """Candidates for a command that only looks: releases of any age. Locked packs keep their source.

    Args:
        as_locked: packs of collections are exactly as the lock has them.
    """
    return Candidates(workspace, manifest, lock, ignore_minimum_age=True, as_locked=as_locked)


def is_own(candidates: Candidates, where: str, ref: ReleaseRef) -> bool:
    """Whether a release is a pack that `adopt` made here from the user's own files: the history lists it, or this
    command is about to write it. A pack that a clone brought in that folder is not.

    Args:
        where: the folder of its source.
    """
    workspace = candidates.workspace
    scope, folder = workspace.scope, workspace.scope.own_packs
    if where != scope.absolute(folder):
        return False
    place = ref.place or f"{where}/{ref.pack}"
    if not os.path.lexists(place):
        return True
    inner = place.removeprefix(where)
    if scope.kind == "project" and real_path(place) != f"{real_path(scope.root)}/{folder}{inner}":
        return False
    current = workspace.documents.current
    known = {document.path for document in current.documents} if current is not None else set()
    files = candidates.fetched(ref).files if ref.bare else ("pack.yaml",)
    return all(f"{folder}{inner}/{path}" in known or not os.path.lexists(f"{place}/{path}") for path in files)
