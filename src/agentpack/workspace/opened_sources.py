"""The sources of a scope, opened for one command, and what was read from them.

A project's manifest may have come with a clone. So a source outside of the repository is only read once this user has
agreed to it: by naming the place, by `--accept outside:NAME`, earlier, as the history of this checkout says, or for
every project, by AGENTPACK_TRUSTED_PLACES.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from os.path import dirname
from typing import TYPE_CHECKING

from agentpack.disk.real_paths import is_below, real_path
from agentpack.environment import Environment, Scope, cache_folder, repository_of, time_text, trusted_places
from agentpack.errors import AgentpackError
from agentpack.fetch import NamedSource, Sources, missing_words
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.names import Digest
from agentpack.model.pack import ReleaseRef
from agentpack.sources import open_source
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source
from agentpack.sources.withheld import WithheldSource

if TYPE_CHECKING:
    from agentpack.remote.access import Progress, Remote
    from agentpack.sources.git import GitSource, LastHeard
    from agentpack.sources.supply import Supply


class OpenedSources:
    """Opens sources and caches their answers."""

    def __init__(
        self,
        scope: Scope,
        environment: Environment,
        agreed: Callable[[], Collection[str]],
        kept: Callable[[Digest], Mapping[str, bytes] | None],
    ) -> None:
        """All sources of a scope.

        Args:
            agreed: returns the places that the history of this checkout has as agreed to.
            kept: returns the files of a release with this digest that this checkout keeps, or None.
        """
        self._kept = kept
        self._environment = environment
        self._manifest = scope.absolute(scope.manifest)
        self._scope, self._environment, self._agreed_before = scope, environment, agreed
        self.agreed: set[str] = set()
        """The places outside of the repository that this command may read, as real paths."""
        self.accepted: list[str] = []
        """The sources that `--accept outside:NAME` names."""
        self._opened: list[Sources] = []
        self.progress: Progress | None = None
        """Shows how far work over a network is; None shows nothing."""
        self.judge: Callable[[str, str], None] | None = None
        """Raises an error if a source, by name and address, is not to be asked; None asks all."""
        self.supply: Supply | None = None
        """Where locked content is looked for before its source is asked."""
        self._elsewhere: dict[str, Source] = {}
        self._silent: dict[Source, AgentpackError] = {}
        self.unreached: list[str] = []
        """Packs of which nobody could say whether there is something newer, a sentence each."""
        self.texts: dict[str, bytes] = {}
        """Agent files of collections that were read, by the SHA-256 of their texts."""
        self.releases: dict[Digest, Mapping[str, bytes]] = {}
        """The files of releases that were read on this machine, by digest."""
        self.only_here: dict[str, str] = {}
        """By SHA-256, the file of this scope that alone was found with a text."""

    def open(self, manifest: Manifest, locked: Iterable[LockedPack] = (), *, remote: bool = True) -> Sources:
        """The manifest's sources in order, then the bundled one. Nothing is read yet; a missing place is no error.

        Args:
            locked: packs that are looked for in the source the lock names, while it is among these.
            remote: whether sources on other machines are among them.
        """
        every = [self.one(source) for source in manifest.sources]
        configured = [source for source in every if remote or not source.is_remote]
        kept = [*locked]
        for source in configured:
            entries = (entry for entry in manifest.packs if entry.source in ("", source.name))
            rows = (pack for pack in kept if pack.source == source.name and not pack.repository)
            expected = {entry.name_there: entry.requirement for entry in entries}
            source.expect(expected, [pack.commit for pack in rows if pack.commit])
        bundled = bundled_source()
        sources = Sources(
            [*configured, *([bundled] if bundled else [])],
            {pack.name: pack.source for pack in kept},
            named={
                entry.requirement.pack: NamedSource(entry.source, entry.name_there)
                for entry in manifest.packs
                if entry.source
            },
            missing=frozenset(source.name for source in configured if source.is_missing),
            configured=self._manifest,
            patterns=manifest.sources,
        )
        sources.supply, sources.silent, sources.kept = self.supply, self._silent, self._kept
        sources.releases_here = self.releases
        sources.elsewhere = [source.name for source in every if source not in configured]
        self._opened.append(sources)
        return sources

    def one(self, source: ConfiguredSource) -> Source:
        """One source, opened; one that answers like a missing one if nobody agreed to read its place. One on another
        machine is opened only once, so that it is asked only once.
        """
        opened = self._open(source)
        place = self._local_place(opened)
        if place is None or opened.is_missing or self._is_inside(opened, place):
            return opened
        if source.name in self.accepted:
            self.agreed.add(place)
        if place in self.agreed or place in self._agreed_before():
            return opened
        return WithheldSource(opened.name, opened.where)

    def recalled(self, manifest: Manifest, locked: Iterable[LockedPack]) -> Sources:
        """The sources as they answered last. None is asked, and what is not known of one counts as unavailable."""
        past = OpenedSources(self._scope, self._environment._replace(offline=True), self._agreed_before, self._kept)
        past.remote.recalls = True
        return past.open(manifest, locked)

    def last_heard(self, manifest: Manifest, locked: LockedPack) -> "LastHeard | None":
        """What is known of a locked release of a repository without asking it; None for any other source."""
        source = self._repository_of(manifest, locked)
        return source.last_heard(locked) if source else None

    def last_asked(self, manifest: Manifest, locked: LockedPack) -> str | None:
        """When the repository of a locked release was last asked, as `2026-11-23T10:00:00Z`; None if never."""
        source = self._repository_of(manifest, locked)
        asked = source.mirror.last_asked if source and not locked.repository else None
        return None if asked is None else time_text(asked)

    def _repository_of(self, manifest: Manifest, locked: LockedPack) -> "GitSource | None":
        from agentpack.sources.git import GitSource  # loads git code: only for a pack on another machine

        source = next((self.one(one) for one in manifest.sources if one.name == locked.source), None)
        return source if isinstance(source, GitSource) else None

    def _open(self, source: ConfiguredSource) -> Source:
        if source.kind == "path":
            return open_source(source, dirname(self._manifest), lambda: self.remote)
        key = repr(source)
        if key not in self._elsewhere:
            self._elsewhere[key] = open_source(source, dirname(self._manifest), lambda: self.remote)
        return self._elsewhere[key]

    def _local_place(self, source: Source) -> str | None:
        """The real path of a source on this machine, also of a repository; None for one on another machine."""
        if source.is_remote and not source.where.startswith("file://"):
            return None
        return real_path(source.where.removeprefix("file://"))

    @cached_property
    def remote(self) -> "Remote":
        """How sources on other machines are reached."""
        from agentpack.remote.access import Remote  # only where there is such a source

        found = Remote(cache_folder(), self._environment.variables)
        found.offline = found.offline or self._environment.offline
        found.progress = self.progress or found.progress
        found.judge = self.judge or found.judge
        return found

    @property
    def accepted_words(self) -> tuple[str, ...]:
        """The words of `--accept` that name sources."""
        return tuple(f"outside:{name}" for name in self.accepted)

    def name(self, source: ConfiguredSource) -> None:
        """Agree to read a place, which the user named."""
        opened = self._open(source)
        place = self._local_place(opened)
        if place is not None and not self._is_inside(opened, place):
            self.agreed.add(place)

    def _is_inside(self, source: Source, place: str) -> bool:
        """Whether a place may be read without the user's agreement. A git repository in the project may not: git would
        follow its links, `commondir` and the like to other places.
        """
        if self._scope.kind == "user":
            return True
        folders = self._trusted if source.is_remote else (self._repository, *self._trusted)
        return any(is_below(place, folder) for folder in folders)

    @cached_property
    def _trusted(self) -> tuple[str, ...]:
        return tuple(map(real_path, trusted_places(self._environment)))

    @cached_property
    def _repository(self) -> str:
        return real_path(repository_of(self._scope.root, self._environment.home))

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each source that was needed and is missing, or could not be asked."""
        gone = (source for opened in self._opened for source in opened.all if source.name in opened.passed_over)
        silent = (f"{error.message}; searched without it" for error in self._silent.values())
        return tuple(dict.fromkeys((*map(_noted, gone), *silent)))

    @property
    def releases_read(self) -> Collection[ReleaseRef]:
        """The releases read so far."""
        return dict.fromkeys(ref for opened in self._opened for ref in opened.read)


def _noted(missing: Source) -> str:
    words = missing_words(missing)
    accept = f"; `agentpack sync --accept outside:{missing.name}` allows it"
    return words + accept if isinstance(missing, WithheldSource) else words
