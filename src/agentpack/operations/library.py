"""What can be had, and which of it is taken: the releases that a scope's sources offer, and the choice among them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from packaging.version import Version

from agentpack import __version__
from agentpack.compose.composing import Pack
from agentpack.errors import Unresolvable
from agentpack.fetch import fetch
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.pack import Release, ReleaseRef
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.operations.workspace import Workspace
from agentpack.read import read_pack
from agentpack.resolve import Chosen, resolve

_SELF = PackName("agentpack")


class Library:
    """The releases that the configured sources offer, each read once. Answers the resolver's questions."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        locked: Iterable[LockedPack] = (),
        *,
        anew: Collection[str] | None = (),
    ) -> None:
        """All releases that can be had.

        Args:
            locked: packs that stay with the source they came from.
            anew: packs whose source is looked for again all the same; None for all of them.
        """
        self.workspace = workspace
        locked = tuple(locked)
        self.sources = workspace.sources(manifest, () if anew is None else [p for p in locked if p.name not in anew])
        self.expected = {(pack.name, pack.version, pack.source): pack.digest for pack in locked}
        self._read: dict[tuple[str, Version], tuple[Release, Pack]] = {}

    def read(self, pack: PackName, version: Version) -> tuple[Release, Pack]:
        """A release, without its files, and the pack in it, its digest checked against the lock.

        Raises:
            Unresolvable: no source has it.
        """
        key = (pack, version)
        if key not in self._read:
            ref = next((ref for ref in self.sources.releases(pack) if ref.version == version), None)
            if ref is None:
                raise self._gone(pack, version)
            release = self._fetched(ref)
            found = read_pack(release, self.workspace.cache)
            self._read[key] = release._replace(files={}), found  # a thousand personas would lie in memory twice
        return self._read[key]

    def _fetched(self, ref: ReleaseRef) -> Release:
        return fetch(ref, self.sources, self.expected.get((ref.pack, str(ref.version), ref.source)))

    def files(self, pack: PackName, version: Version) -> Mapping[str, bytes]:
        """The files of a release that was read, by POSIX path."""
        ref = next(ref for ref in self.sources.releases(pack) if ref.version == version)
        return self._fetched(ref).files

    def _gone(self, pack: PackName, version: Version) -> Unresolvable:
        offered = [str(ref.version) for ref in self.sources.releases(pack)]
        if not offered:
            known = self.sources.packs()
            return Unresolvable(f"no source has a pack `{pack}`", hint=did_you_mean(pack, known))
        return Unresolvable(
            f"no source has {pack} {version}",
            details=[f"there are {', '.join(offered)}"],
            hint="`agentpack lock` chooses again",
        )

    # The resolver's questions.

    def versions(self, pack: PackName) -> Sequence[Version]:
        found = [ref.version for ref in self.sources.releases(pack)]
        # a release that needs another agentpack is told apart from one that needs a pack nobody has
        return found or ([Version(__version__)] if pack == _SELF else [])

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        found = self.read(pack, version)[1]
        local = {text.name for text in self.workspace.local_texts if text.persona in found.personas}
        return {*found.variant_names, *local}

    def requires(self, pack: PackName, version: Version) -> Sequence[Requirement]:
        header = self.read(pack, version)[1].header
        readers = header.get("agentpack")
        if readers:
            reader = Requirement(pack=_SELF, range=readers)
            if not reader.specifiers.contains(__version__, prereleases=True):
                return [reader]  # a release for another agentpack is passed over like one that needs what is not there
        return [parse_requirement(text) for text in header.get("requires", ())]

    def known(self) -> Collection[str]:
        return self.sources.packs()


def choose(
    library: Library, manifest: Manifest, lock: Lock | None, *, upgrade: Collection[str] | None = None
) -> tuple[Chosen, ...]:
    """The releases that the manifest asks for; what the lock has is kept where it fits.

    Args:
        upgrade: packs for which the newest is wanted, whatever the lock has; None for every pack.

    Raises:
        Unresolvable: there is no such choice.
    """
    preferred: dict[PackName, Version] = {}
    if lock is not None and upgrade is not None:
        preferred = {pack.name: Version(pack.version) for pack in lock.packs if pack.name not in upgrade}
    return resolve([wanted.requirement for wanted in manifest.packs], library, preferred=preferred)


def as_locked(lock: Lock) -> tuple[Chosen, ...]:
    """The releases that the lock has."""
    return tuple(
        Chosen(
            pack=pack.name,
            version=Version(pack.version),
            variants=tuple(sorted({*pack.variants, *(variant.name for variant in pack.local_variants)})),
            wanted_by=pack.wanted_by,
        )
        for pack in lock.packs
    )
