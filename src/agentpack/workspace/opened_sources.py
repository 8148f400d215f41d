"""The sources of a scope, opened for one command, and what was read from them."""

from collections.abc import Collection, Iterable
from functools import cached_property
from os.path import dirname
from typing import TYPE_CHECKING

from agentpack.environment import Environment, Scope, cache_folder
from agentpack.fetch import NamedSource, Sources, missing_words
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.pack import ReleaseRef
from agentpack.sources import open_source
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source

if TYPE_CHECKING:
    from agentpack.remote.access import Progress, Remote
    from agentpack.sources.supply import Supply


class OpenedSources:
    """Opens sources and caches their answers."""

    def __init__(self, environment: Environment, scope: Scope) -> None:
        self._environment = environment
        self._manifest = scope.absolute(scope.manifest)
        self._opened: list[Sources] = []
        self.progress: Progress | None = None
        """Shows how far work over a network is; None shows nothing."""
        self.supply: Supply | None = None
        """Where locked content is looked for before its source is asked."""
        self._elsewhere: dict[str, Source] = {}
        self.texts: dict[str, bytes] = {}
        """Agent files of collections that were read, by the SHA-256 of their texts."""

    def open(self, manifest: Manifest, locked: Iterable[LockedPack] = (), *, remote: bool = True) -> Sources:
        """The manifest's sources in order, then the bundled one. Nothing is read yet; a missing place is no error.

        Args:
            locked: packs that are looked for in the source the lock names, while it is among these.
            remote: whether sources on other machines are among them.
        """
        every = [self.one(source) for source in manifest.sources]
        configured = [source for source in every if remote or not source.is_remote]
        for source in configured:
            entries = (entry for entry in manifest.packs if entry.source in ("", source.name))
            source.expect({entry.name_there: entry.requirement for entry in entries})
        bundled = bundled_source()
        sources = Sources(
            [*configured, *([bundled] if bundled else [])],
            {pack.name: pack.source for pack in locked},
            named={
                entry.requirement.pack: NamedSource(entry.source, entry.name_there)
                for entry in manifest.packs
                if entry.source
            },
            missing=frozenset(source.name for source in configured if source.is_missing),
            configured=self._manifest,
        )
        sources.supply = self.supply
        self._opened.append(sources)
        return sources

    def one(self, source: ConfiguredSource) -> Source:
        """One source, opened; one on another machine only once, so that it is asked only once."""
        if source.kind == "path":
            return open_source(source, dirname(self._manifest), lambda: self.remote)
        key = repr(source)
        if key not in self._elsewhere:
            self._elsewhere[key] = open_source(source, dirname(self._manifest), lambda: self.remote)
        return self._elsewhere[key]

    @cached_property
    def remote(self) -> "Remote":
        """How sources on other machines are reached."""
        from agentpack.remote.access import Remote  # only where there is such a source

        found = Remote(cache_folder(), self._environment.variables)
        found.offline = found.offline or self._environment.offline
        found.progress = self.progress or found.progress
        return found

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each source that was needed and is missing."""
        gone = (source for opened in self._opened for source in opened.all if source.name in opened.passed_over)
        return tuple(dict.fromkeys(map(missing_words, gone)))

    @property
    def releases_read(self) -> Collection[ReleaseRef]:
        """The releases read so far."""
        return dict.fromkeys(ref for opened in self._opened for ref in opened.read)
