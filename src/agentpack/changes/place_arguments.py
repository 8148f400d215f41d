"""Which arguments name places, and the source of the manifest that each becomes: a folder, an archive, a repository."""

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256

from agentpack.errors import InvalidFile, Unresolvable, UsageError
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.names import PackName, did_you_mean, kebab
from agentpack.model.pack import ARCHIVE_SUFFIXES
from agentpack.model.requirement import Requirement
from agentpack.sources.base import Source
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.workspace.workspace import Workspace

_REPOSITORY = re.compile(r"(?:(?P<forge>github|gitlab)\.com/)?(?P<path>[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+)\Z")
_ADDRESS = re.compile(r"(?:git\+)?[a-z][a-z0-9+.-]*://|oci:", re.IGNORECASE)
_DIRECT = re.compile(r"[\w.-]+(?:\[[^\]]*\])?(?:\s+@|@(?=\s*[a-z][a-z0-9+.-]*://))", re.IGNORECASE)
"""The beginning of a direct reference: a pack, and behind `@` where it is."""
_WITH_VARIANTS = re.compile(r"(?P<place>.+)\[(?P<variants>[^\[\]/]*)\](?P<ref>@[^/]*)?\Z")
_BARE_REPOSITORY = ("HEAD", "objects", "refs")
_ARCHIVE = re.compile(rf"(?:{'|'.join(map(re.escape, ARCHIVE_SUFFIXES))})\Z", re.IGNORECASE)


def is_place(workspace: Workspace, text: str) -> bool:
    """Whether an argument names a place, and not a pack."""
    if _DIRECT.match(text):
        return False
    if _is_git_place(text) or _ADDRESS.match(text):
        return True
    if (
        text.startswith(("./", "../", "/", "~"))
        or text in (".", "..")
        or _ARCHIVE.search(text)
        or text.lower().endswith(".md")
        or "\\" in text
    ):
        return True
    return "/" in text and not any(sign in text for sign in "[]<>=!@; ")


def _is_git_place(text: str) -> bool:
    if ":" not in text and not text.startswith("git+"):
        return False
    from agentpack.model.git_places import is_git_place  # only for what may be an address

    return is_git_place(text)


def place_of(workspace: Workspace, text: str, *, option: str = "") -> ConfiguredSource:
    """The place that an argument names, as a source without a name; a folder with its absolute path.

    Raises:
        UsageError: there is no such place, or it is of a kind that is not read.
    """
    from agentpack.model.git_places import parse_git_place
    from agentpack.model.web_addresses import check_digest, check_web_address, is_archive_address  # only for places

    here = os.path.exists(os.path.join(workspace.environment.cwd, os.path.expanduser(text.removeprefix("file://"))))
    if _ADDRESS.match(text) or _is_git_place(text):
        from agentpack.addresses import without_secrets

        shown = without_secrets(text)
        way = None if here else _way_with_variants(shown, text.removeprefix("file://").partition("[")[0])
        if way:
            raise UsageError(f"`{option}{shown}` has variants after an address", hint=way)
    if is_archive_address(text):
        address, _, digest = text.partition("#sha256=")
        check_web_address(address, f"`{option}{text}`")
        if digest:
            check_digest(digest)
        return ConfiguredSource("", "archive", address, {"sha256": digest} if digest else {})
    if _is_git_place(text) or text.startswith("file://"):
        place = parse_git_place(text)
        if os.path.isfile(place.place.removeprefix("file://")):
            raise _no_folder(place.place.removeprefix("file://"), f"{option}{text}", "a repository")
        options = {"ref": place.ref, "subdirectory": place.subdirectory}
        return ConfiguredSource("", "git", place.place, {key: value for key, value in options.items() if value})
    if _ADDRESS.match(text):
        raise _unread(text)
    if not here and (repository := _REPOSITORY.match(text)):
        forge = repository["forge"] or "github"
        hint = (
            f"for the repository on {'GitHub' if forge == 'github' else 'GitLab'}, write `{forge}:{repository['path']}`"
        )
        from agentpack.wanted.offers import agent_hint

        with suppress(InvalidFile):
            hint = agent_hint(workspace.sources.open(workspace.manifest), workspace.manifest, text) or hint
        raise UsageError(f"`{option}{text}`: no such folder", hint=hint)
    return ConfiguredSource("", "path", _folder(workspace, text, option))


def named_source(workspace: Workspace, manifest: Manifest, text: str) -> ConfiguredSource:
    """The source that `--source` names: a place, or a source of the manifest by its name.

    Raises:
        UsageError: there is no such place, and no such source.
    """
    by_name = {source.name: source for source in manifest.sources}
    if text in by_name and not os.path.exists(os.path.join(workspace.environment.cwd, text)):
        return by_name[text]
    try:
        return place_of(workspace, text, option="--source ")
    except UsageError as error:
        error.hint = error.hint or did_you_mean(text, by_name)
        raise


def open_place(workspace: Workspace, text: str) -> Source:
    """A place as a source, under the name that it has here or would get. Raises UsageError if there is none."""
    place, sources = place_of(workspace, text), tuple[ConfiguredSource, ...]()
    with suppress(InvalidFile):  # what there is elsewhere can be looked at all the same
        sources = workspace.manifest.sources
    known = next((source.name for source in sources if same_place(workspace, source, place)), None)
    place = place._replace(name=known or free_name(sources, place))
    workspace.sources.name(place)
    return workspace.sources.one(with_digest(workspace, place))


def nothing_there(place: str, unread: Sequence[str]) -> Unresolvable:
    """The error for a place that offers nothing; `unread` says what was found there and left out."""
    return Unresolvable(
        f"{place} has no packs and no agent files",
        details=list(unread),
        hint="an agent file is Markdown that begins with `---` and has a `name:` and a `description:`",
    )


def _unread(text: str) -> UsageError:
    from agentpack.addresses import without_secrets

    shown = without_secrets(text)
    return UsageError(
        f"`{shown}` is a kind of address that this version does not support",
        hint=f"for a git repository, write `git+{shown}`; an archive ends with `.tar.gz`, `.tgz` or `.zip`"
        if shown.startswith("http")
        else "name a folder or a repository",
    )


def _folder(workspace: Workspace, text: str, option: str) -> str:
    """The absolute path of a folder or archive. Raises UsageError if there is none."""
    from os.path import exists, expanduser, isdir, join, normpath

    absolute = normpath(join(workspace.environment.cwd, expanduser(text)))
    if not exists(absolute):
        folder = absolute.partition("[")[0]
        hint = _way_with_variants(text, folder) if not option and exists(folder) else None
        raise UsageError(
            f"`{option}{text}`: no such folder{', archive or source' if option else ' or archive'}", hint=hint
        )
    if not isdir(absolute) and not _ARCHIVE.search(absolute):
        raise _no_folder(text, f"{option}{text}", "an archive")
    if all(exists(f"{absolute}/{part}") for part in _BARE_REPOSITORY):
        raise UsageError(f"`{option}{text}` is a bare git repository", hint=f"write `git+file://{absolute}`")
    if not absolute.isprintable():
        hint = "rename it: agentpack.yaml would contain invisible text"
        raise UsageError(f"`{option}{text}`: its name has hidden characters", hint=hint)
    return absolute


def _way_with_variants(text: str, folder: str) -> str | None:
    """The hint for a place with variants in brackets after it, which would be in this folder; None without variants."""
    found = _WITH_VARIANTS.match(text)
    if not found:
        return None
    from agentpack.sources.directory import DirectorySource  # only for an error

    packs = [*DirectorySource("", folder).packs()] if os.path.isdir(folder) else []
    pack = f"{packs[0] if len(packs) == 1 else 'NAME'}[{found['variants']}]"
    place = found["place"] + (found["ref"] or "")
    return f'`agentpack install "{pack}" --source {place}`: variants come after the name of the pack'


def _no_folder(path: str, shown: str, other: str) -> UsageError:
    folder, name = os.path.split(path)
    way = f"`agentpack install {folder or '.'} --only {name.partition('.')[0]}`"
    return UsageError(f"`{shown}` is neither a folder nor {other}", hint=f"for one agent file, name its folder: {way}")


def with_sources(
    workspace: Workspace, manifest: Manifest, places: Sequence[ConfiguredSource]
) -> tuple[Manifest, list[Source], list[str]]:
    """The manifest with a source for each place, the sources in the order of the places, and notes on what changed.

    A repository that is a source already gets another `ref:` if the argument names one, and an archive another digest.
    """
    sources, indexes, notes = list(manifest.sources), list[int](), list[str]()
    for place in places:
        if not place.name:  # a name says nothing of the place, so nobody agrees to that by it
            workspace.sources.name(place)
        index = next((i for i, one in enumerate(sources) if one == place or same_place(workspace, one, place)), None)
        if index is None:
            new = place._replace(name=free_name(sources, place), place=portable_place(workspace, place))
            sources.append(with_digest(workspace, new))
            index = len(sources) - 1
        elif more := {key: place.options[key] for key in ("ref", "sha256") if key in place.options}:
            before = sources[index]
            sources[index] = before._replace(options={**before.options, **more})
            if sources[index] != before:
                state = f"at `{more['ref']}`" if "ref" in more else "another archive"
                notes.append(f"the source `{before.name}` is now {state}, for all its packs")
        indexes.append(index)
    return (
        manifest._replace(sources=tuple(sources)),
        [workspace.sources.one(sources[index]) for index in indexes],
        notes,
    )


def without_refs(
    workspace: Workspace, manifest: Manifest, packs: Sequence[PackName], places: Sequence[ConfiguredSource]
) -> tuple[Manifest, list[str]]:
    """The manifest without the `ref:` of sources that these packs come from, or that are at one of these places, and a
    note on each.
    """
    free = {source_of(workspace, manifest, pack) for pack in packs}
    free |= {one.name for one in manifest.sources for place in places if same_place(workspace, one, place)}
    sources, notes = list[ConfiguredSource](), list[str]()
    for source in manifest.sources:
        options = {key: value for key, value in source.options.items() if key != "ref" or source.name not in free}
        if options != source.options:
            notes.append(f"the source `{source.name}` no longer has a `ref:`, for all its packs")
        sources.append(source._replace(options=options))
    return manifest._replace(sources=tuple(sources)), notes


def past_refs(
    workspace: Workspace,
    manifest: Manifest,
    requirements: Iterable[Requirement],
    places: Sequence[ConfiguredSource] = (),
) -> tuple[Manifest, list[str]]:
    """The manifest without each `ref:` that names another release than one of these requirements asks for, or keeps one
    from the newest release, and a note on each. `places` are as for `without_refs`.
    """
    from agentpack.sources.git_tags import release_in  # not for commands that list sources

    refs = {source.name: release_in(source.options.get("ref", "")) for source in manifest.sources}

    def is_held(asked: Requirement) -> bool:
        named = refs.get(source_of(workspace, manifest, asked.pack))
        return asked.newest or (bool(asked.range) and named is not None and not asked.allows(named))

    return without_refs(workspace, manifest, [asked.pack for asked in requirements if is_held(asked)], places)


def source_of(workspace: Workspace, manifest: Manifest, pack: PackName) -> str:
    """The source that an installed pack comes from; empty if nothing names one."""
    entry, locked = manifest.wanted(pack), workspace.lock.pack(pack) if workspace.lock else None
    return (entry.source if entry else "") or (locked.source if locked else "")


def typed(source: Source, folder: str) -> str:
    """The place of a source as one would type it in a folder, for hints."""
    from agentpack.model.git_places import FORGES  # only for what may be an address

    for forge, start in FORGES.items():
        if source.where.startswith(start):
            return f"{forge}:{source.where.removeprefix(start)}"
    if "://" not in source.where:
        return source.where if source.is_remote else os.path.relpath(source.where, folder)
    return source.where if _is_git_place(source.where) or _ARCHIVE.search(source.where) else f"git+{source.where}"


def with_digest(workspace: Workspace, source: ConfiguredSource) -> ConfiguredSource:
    """The source. For an archive at a web address without `sha256`, downloads it and adds its digest."""
    if source.kind != "archive" or "sha256" in source.options:
        return source
    from agentpack.model.web_addresses import is_web_address
    from agentpack.sources.archive_at import fetch_archive  # only where an archive is named

    if not is_web_address(source.place):
        return source

    data = fetch_archive(workspace.sources.remote, source.name, source.place)
    return source._replace(options={"sha256": sha256(data).hexdigest()})


def same_place(workspace: Workspace, source: ConfiguredSource, place: ConfiguredSource) -> bool:
    """Whether a source of the manifest is at a place, at whatever state."""
    if source.kind != place.kind:
        return False
    if source.is_path and place.is_path:
        return os.path.abspath(workspace.sources.one(source).where) == os.path.abspath(
            workspace.sources.one(place).where
        )
    folders = [one.options.get("subdirectory", "").strip("/") for one in (source, place)]
    return _plain_address(source) == _plain_address(place) and folders[0] == folders[1]


def _plain_address(source: ConfiguredSource) -> str:
    from agentpack.model.git_places import git_address  # only where the manifest names an address

    return git_address(source.place).rstrip("/").removesuffix(".git")


def free_name(sources: Sequence[ConfiguredSource], place: ConfiguredSource, stem: str = "") -> str:
    """A name for a new source: `stem` if nothing has it, else one after it; without a stem, after its place."""
    from agentpack.model.git_places import telling_part
    from agentpack.model.web_addresses import archive_name
    from agentpack.sources.collection import telling_name  # only for places

    taken = {source.name for source in sources} | {BUNDLED}
    if not stem:
        telling = {"path": telling_name, "git": telling_part, "archive": archive_name}[place.kind](place.place)
        stem = kebab(_ARCHIVE.sub("", telling)) or "packs"
    return next(name for name in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if name not in taken)


def portable_place(workspace: Workspace, place: ConfiguredSource) -> str:
    """A place as the manifest names it: a folder relative in a project, so that every clone can read it."""
    if not place.is_path:
        return place.place
    if workspace.scope.kind == "project":
        return os.path.relpath(place.place, workspace.scope.root)
    home = workspace.environment.home
    return f"~/{os.path.relpath(place.place, home)}" if place.place.startswith(home + "/") else place.place
