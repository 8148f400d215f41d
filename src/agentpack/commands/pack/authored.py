"""Packs under development: read a folder on disk as the release it would be, and compose it with what it needs.

Shared by `pack check`, `pack test` and `pack build`. The folder need not be a source of the scope: packs are searched
for in it, in the folder of packs around it, then in the scope's own sources.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from os.path import abspath, basename, dirname, isdir, isfile, join, normpath
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.authoring.subject import Drafts, Earlier, Subject
from agentpack.compose.compose import BasePersona, Pack, draft_of
from agentpack.compose.conflicts import Draft
from agentpack.errors import InvalidFile, UsageError
from agentpack.input.parameters import ParameterDeclaration
from agentpack.model.manifest import ConfiguredSource, Manifest, ManifestEntry
from agentpack.model.names import PackName, content_digest
from agentpack.model.pack import Release
from agentpack.model.requirement import parse_requirement
from agentpack.read import MANIFEST, check_pack
from agentpack.sources.directory import DirectorySource, read_tree
from agentpack.wanted.candidates import candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection
from agentpack.workspace.workspace import Workspace

SOURCE = "folder"
"""The name of the source for the folder of the pack."""


class PackFolder(NamedTuple):
    """A folder with one release. `shown` is its path as the user wrote it, `source` the folder of a source around
    it.
    """

    shown: str
    path: str
    source: str

    def shown_path(self, file: str) -> str:
        """The path of a file as the user finds it: errors may name it below `<name>-<version>/`."""
        return f"{self.shown}/{file.partition('/')[2]}"


def pack_folders(workspace: Workspace, folders: Iterable[str]) -> tuple[PackFolder, ...]:
    """The folders with a `pack.yaml`: the given ones, or those below a given folder of packs.

    Raises:
        UsageError: there are none.
    """
    found: dict[str, PackFolder] = {}
    for folder in folders:
        if not isdir(join(workspace.environment.cwd, folder)):
            raise UsageError(
                f"`{folder}` is not a folder", hint="give the path of a pack's folder, the one with `pack.yaml`"
            )
        packs = packs_in(workspace, folder)
        if not packs:
            raise UsageError(
                f"`{folder}` contains no pack", hint="a pack has a `pack.yaml`; `agentpack pack new NAME` creates one"
            )
        for pack in packs:
            found.setdefault(pack.path, pack)
    return tuple(found.values())


def packs_in(workspace: Workspace, folder: str) -> tuple[PackFolder, ...]:
    """The packs in a folder: the one it is, or those in it; empty if there are none."""
    shown, path = normpath(folder), normpath(join(workspace.environment.cwd, folder))
    if isfile(f"{path}/{MANIFEST}"):
        return (PackFolder(shown, path, _source_of(path)),)
    source = DirectorySource(SOURCE, path)
    refs = [ref for pack in source.packs() for ref in source.releases(pack)]
    places = [ref.place for ref in sorted(refs, key=lambda ref: (ref.pack, ref.version))]
    return tuple(
        PackFolder(f"{shown}/{place.removeprefix(path).lstrip('/')}", place, _source_of(place))
        for place in places
        if isfile(f"{place}/{MANIFEST}")
    )


def _source_of(path: str) -> str:
    """The folder of packs around `<name>/<version>/`, else the pack's own folder."""
    try:
        Version(basename(path))
    except InvalidVersion:
        return path
    return dirname(dirname(abspath(path)))


class AuthoredRelease:
    """One release as its author has it on disk."""

    def __init__(self, workspace: Workspace, folder: PackFolder, release: Release, pack: Pack) -> None:
        # a pack comes to the same wherever its author stands: without local variants, and without what a lock accepts
        workspace.documents.local_texts = ()
        workspace.documents.lock = None
        self.workspace = workspace
        self.folder = folder
        self.release = release
        self.pack = pack

    @cached_property
    def manifest(self) -> Manifest:
        """A manifest that requests just this release."""
        wanted = f"{self.pack.name}=={self.pack.version}"
        others, own = self.workspace.manifest.sources, ConfiguredSource(SOURCE, "path", self.folder.source)
        self.workspace.sources.name(own)
        if any(source.packs for source in others):  # which may claim its names
            own = own._replace(packs=tuple(self.workspace.sources.one(own).packs()))
        return Manifest(None, (ManifestEntry(parse_requirement(wanted), wanted),), {}, (own, *others))

    @cached_property
    def chosen(self) -> Selection:
        """This release, and one release of each pack it requires. Raises Unresolvable."""
        return choose(candidates_to_install(self.workspace, self.manifest, None), self.manifest)

    def subject(self, earlier: "AuthoredRelease | None") -> Subject:
        """The release as input for `authoring.check`."""
        before = None if earlier is None else Earlier(earlier.pack, earlier.drafts)
        today = self.workspace.environment.now()
        return Subject(self.folder.shown, self.release, self.pack, self.drafts, today, before)

    @cached_property
    def drafts(self) -> Drafts:
        """Composes its personas."""
        return _Drafts(self)


class _Drafts:
    """Composes the personas of a release (`authoring.subject.Drafts`)."""

    def __init__(self, authored: AuthoredRelease) -> None:
        self.authored = authored

    def draft(self, persona: str, variants: Iterable[str]) -> Draft:
        return draft_of(self.authored.pack, persona, variants, {}, self._base(persona))

    def declarations(self, persona: str) -> Mapping[str, ParameterDeclaration]:
        base = self._base(persona)
        return {**base.declarations, **self.authored.pack.declarations} if base else self.authored.pack.declarations

    def modules(self, persona: str) -> Mapping[str, str]:
        own: Mapping[str, str] = self.authored.pack.personas[persona].header.get("modules") or {}
        return self.authored.chosen.assembler.modules(self.authored.pack, persona) if self._extends(persona) else own

    def _base(self, persona: str) -> BasePersona | None:
        return self.authored.chosen.assembler.base(self.authored.pack, persona) if self._extends(persona) else None

    def _extends(self, persona: str) -> bool:
        return "extends" in self.authored.pack.personas[persona].header


def open_pack(workspace: Workspace, folder: PackFolder, *, needs_ids: bool = True) -> AuthoredRelease:
    """The release in a folder, read without a cache.

    Args:
        needs_ids: the rules of variants need one.

    Raises:
        InvalidFile: lists every fault of its files, each file by its path as the user finds it.
        Refused: the folder contains something other than folders and regular files, or is too large.
    """
    files = read_tree(folder.path)
    name, version = _identity(files, folder)
    release = Release(name, version, SOURCE, content_digest(files.items()), files)
    try:
        return AuthoredRelease(workspace, folder, release, check_pack(release, needs_ids=needs_ids))
    except InvalidFile as error:
        raise InvalidFile(fault._replace(file=folder.shown_path(fault.file)) for fault in error.faults) from None


def _identity(files: Mapping[str, bytes], folder: PackFolder) -> tuple[PackName, Version]:
    from agentpack.input.documents import decode, read_yaml
    from agentpack.input.schemas import validate

    shown = f"{folder.shown}/{MANIFEST}"
    header = validate("pack", read_yaml(decode(files[MANIFEST], shown), shown))
    return PackName(header["name"]), Version(header["version"])


def previous_release(authored: AuthoredRelease) -> AuthoredRelease | None:
    """The newest final release before this one in the same folder of packs; None if there is none."""
    refs = DirectorySource(SOURCE, authored.folder.source).releases(PackName(authored.pack.name))
    version = Version(authored.pack.version)
    older = [ref for ref in refs if ref.version < version and not ref.version.is_prerelease]
    if not older or authored.folder.source == authored.folder.path:
        return None
    newest = max(older, key=lambda ref: ref.version)
    return open_pack(authored.workspace, PackFolder(newest.place, newest.place, authored.folder.source))
