"""What can be had, and which of it is taken: the releases that a scope's sources offer, and the choice among them."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from packaging.version import Version

from agentpack import __version__
from agentpack.compose.composing import Pack
from agentpack.disk.real import real_path
from agentpack.errors import Unresolvable
from agentpack.fetch import fetch
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.pack import Release, ReleaseRef
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.read import check_pack, read_pack
from agentpack.resolve import Chosen, resolve
from agentpack.safety.text import HiddenText
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.workspace.verdicts import Judged

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
        every_age: bool = False,
    ) -> None:
        """All releases that can be had.

        Args:
            locked: packs that stay with the source they came from.
            anew: packs whose source is looked for again all the same; None for all of them.
            every_age: releases that a policy finds too young are offered too: for looking, not for installing.
        """
        self.workspace = workspace
        self.every_age = every_age
        self.anew = anew
        self.passed_over: dict[tuple[PackName, Version], Judged] = {}
        """Releases that were left out because a policy finds them too young."""
        self.sizes: dict[tuple[PackName, Version], int] = {}
        """The bytes of each release that was read."""
        self.hidden: list[str] = []
        """Places of hidden text that a policy let pass, in words."""
        locked = tuple(locked)
        self.sources = workspace.sources.open(
            manifest, () if anew is None else [p for p in locked if p.name not in anew]
        )
        self.sources.homes = {pack.name: pack.source for pack in locked}
        self.expected = {(pack.name, pack.version, pack.source): pack.digest for pack in locked}
        self._locked = {(pack.name, pack.version) for pack in locked}
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
            self.sizes[key] = sum(map(len, release.files.values()))
            found = self._checked(release)
            self._read[key] = release._replace(files={}), found  # a thousand personas would lie in memory twice
        return self._read[key]

    def _checked(self, release: Release) -> Pack:
        try:
            return read_pack(release, self.workspace.cache)
        except HiddenText as error:
            if not self.workspace.policies.report_hidden_text:
                raise
            # kept in no cache: whoever has another policy is to be asked again
            self.hidden += [f"let pass by the policy: {line}" for line in error.details]
            return check_pack(release, hidden=True)

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
        found = [ref.version for ref in self.sources.releases(pack) if not self._is_too_young(ref)]
        # a release that needs another agentpack is told apart from one that needs a pack nobody has
        return found or ([Version(__version__)] if pack == _SELF else [])

    def _is_too_young(self, ref: ReleaseRef) -> bool:
        """Whether a policy passes the release over. What is locked is not: it is refused at the end, by name."""
        if (
            self.every_age
            or not self.workspace.policies.may_refuse
            or self.workspace.policies.strictest.minimum_age is None
        ):
            return False
        if (ref.pack, str(ref.version)) in self._locked:
            return False
        from agentpack.safety.policy import judge_age
        from agentpack.workspace.verdicts import Judged  # only where there is a policy

        source = self.sources.source(ref.source)
        if source is not None and is_own(self.workspace, source.where, ref.place):
            return False
        judged = Judged(ref.pack, str(ref.version), judge_age(self.workspace.policies.strictest, self._age(ref)))
        if judged.refusals:
            self.passed_over[ref.pack, ref.version] = judged
        return bool(judged.refusals)

    def age(self, pack: PackName, version: Version) -> int | None:
        """Seconds since the release, None when nobody knows or nobody asks."""
        if self.workspace.policies.strictest.minimum_age is None:
            return None
        ref = next((ref for ref in self.sources.releases(pack) if ref.version == version), None)
        return None if ref is None else self._age(ref)

    def _age(self, ref: ReleaseRef) -> int | None:
        from agentpack.model.dates import seconds

        now, released = seconds(self.workspace.environment.now()), self.sources.released(ref)
        return None if now is None or released is None else now - released

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        found = self.read(pack, version)[1]
        local = {text.name for text in self.workspace.documents.local_texts if text.persona in found.personas}
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
        PolicyRefused: there is one only with releases that a policy finds too young.
    """
    preferred: dict[PackName, Version] = {}
    if lock is not None and upgrade is not None:
        preferred = {pack.name: Version(pack.version) for pack in lock.packs if pack.name not in upgrade}
    wanted = [wanted.requirement for wanted in manifest.packs]
    try:
        return resolve(wanted, library, preferred=preferred)
    except Unresolvable:
        if not library.passed_over:
            raise
        _refuse_young(library, wanted, preferred)
        raise


def _refuse_young(library: Library, wanted: Sequence[Requirement], preferred: Mapping[PackName, Version]) -> None:
    """Raise PolicyRefused when the requirements can be met with the releases that were passed over; Unresolvable, which
    then tells of all releases, when not even so.
    """

    library.every_age = True
    try:
        chosen = resolve(wanted, library, preferred=preferred)
    finally:
        library.every_age = False
    passed = (library.passed_over.get((pin.pack, pin.version)) for pin in chosen)
    from agentpack.workspace.verdicts import refuse

    refuse([judged for judged in passed if judged is not None])


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


def is_own(workspace: Workspace, where: str, place: str) -> bool:
    """Whether a release is a pack that `adopt` made here of the user's own files: the history has it, or the command
    is about to write it. What a clone has in that folder is somebody else's.

    Args:
        where: the folder of the source.
        place: the folder of the release.
    """
    scope, folder = workspace.scope, workspace.scope.own_packs
    if where != scope.absolute(folder):
        return False
    if not os.path.lexists(place):
        return True
    inner = place.removeprefix(where)
    if scope.kind == "project" and real_path(place) != f"{real_path(scope.root)}/{folder}{inner}":
        return False
    current = workspace.documents.current
    return current is not None and f"{folder}{inner}/pack.yaml" in {document.path for document in current.documents}
