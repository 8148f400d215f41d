"""The sources of a scope, opened for one command, and what was read from them."""

from collections.abc import Collection, Iterable
from os.path import dirname

from agentpack.environment import Scope
from agentpack.fetch import NamedSource, Sources, missing_words
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.pack import ReleaseRef
from agentpack.sources import open_source
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source


class OpenedSources:
    """Opens sources and caches their answers."""

    def __init__(self, scope: Scope) -> None:
        self._manifest = scope.absolute(scope.manifest)
        self._opened: list[Sources] = []
        self.texts: dict[str, bytes] = {}
        """Agent files of collections that were read, by the SHA-256 of their texts."""

    def open(self, manifest: Manifest, locked: Iterable[LockedPack] = ()) -> Sources:
        """The manifest's sources in order, then the bundled one. Nothing is read yet; a missing place is no error.

        Args:
            locked: packs that are looked for in the source the lock names, while it is among these.
        """
        configured = [self.one(source) for source in manifest.sources]
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
        self._opened.append(sources)
        return sources

    def one(self, source: ConfiguredSource) -> Source:
        """One source, opened."""
        return open_source(source, dirname(self._manifest))

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each source that was needed and is missing."""
        gone = (source for opened in self._opened for source in opened.all if source.name in opened.passed_over)
        return tuple(dict.fromkeys(map(missing_words, gone)))

    @property
    def releases_read(self) -> Collection[ReleaseRef]:
        """The releases read so far."""
        return dict.fromkeys(ref for opened in self._opened for ref in opened.read)
