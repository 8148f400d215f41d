"""The sources of a scope, opened for one command, and what was read from them.

A project's manifest may have come with a clone. So a source outside of the repository is only read once this user has
agreed to it: by naming the place, by `--accept outside:NAME`, earlier, as the history of this checkout says, or for
every project, by AGENTPACK_TRUSTED_PLACES.
"""

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from os.path import dirname

from agentpack.disk.real_paths import is_below, real_path
from agentpack.environment import Environment, Scope, repository_of, trusted_places
from agentpack.fetch import NamedSource, Sources, missing_words
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.pack import ReleaseRef
from agentpack.sources import open_source
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source
from agentpack.sources.withheld import WithheldSource


class OpenedSources:
    """Opens sources and caches their answers."""

    def __init__(self, scope: Scope, environment: Environment, agreed: Callable[[], Collection[str]]) -> None:
        """`agreed` returns the places that the history of this checkout has as agreed to."""
        self._manifest = scope.absolute(scope.manifest)
        self._scope, self._environment, self._agreed_before = scope, environment, agreed
        self.agreed: set[str] = set()
        """The places outside of the repository that this command may read, as real paths."""
        self.accepted: list[str] = []
        """The sources that `--accept outside:NAME` names."""
        self._opened: list[Sources] = []
        self.texts: dict[str, bytes] = {}
        """Agent files of collections that were read, by the SHA-256 of their texts."""
        self.only_here: dict[str, str] = {}
        """By SHA-256, the file of this scope that alone was found with a text."""

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
        """One source, opened; one that answers like a missing one if nobody agreed to read its place."""
        opened = open_source(source, dirname(self._manifest))
        place = real_path(opened.where)
        if opened.is_missing or self._is_inside(place):
            return opened
        if source.name in self.accepted:
            self.agreed.add(place)
        if place in self.agreed or place in self._agreed_before():
            return opened
        return WithheldSource(opened.name, opened.where)

    @property
    def accepted_words(self) -> tuple[str, ...]:
        """The words of `--accept` that name sources."""
        return tuple(f"outside:{name}" for name in self.accepted)

    def named(self, place: str) -> None:
        """Agree to read a place, which the user named."""
        if not self._is_inside(real := real_path(place)):
            self.agreed.add(real)

    def _is_inside(self, place: str) -> bool:
        return any(is_below(place, folder) for folder in self._folders)

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        """The real folders whose contents may be read without a question."""
        if self._scope.kind == "user":
            return ("/",)
        repository = repository_of(self._scope.root, self._environment.home)
        return tuple(map(real_path, (repository, *trusted_places(self._environment))))

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence for each source that was needed and is missing."""
        gone = (source for opened in self._opened for source in opened.all if source.name in opened.passed_over)
        return tuple(dict.fromkeys(map(_noted, gone)))

    @property
    def releases_read(self) -> Collection[ReleaseRef]:
        """The releases read so far."""
        return dict.fromkeys(ref for opened in self._opened for ref in opened.read)


def _noted(missing: Source) -> str:
    words = missing_words(missing)
    accept = f"; `agentpack sync --accept outside:{missing.name}` lets it be read"
    return words + accept if isinstance(missing, WithheldSource) else words
