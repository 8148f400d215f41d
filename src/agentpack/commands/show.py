"""show: what packs contain, without installing anything.

Decides which release a requirement means here (the one `install` would choose if the pack were not installed), and how
the size of a persona is measured. Writes nothing, and ignores the manifest's settings for the same pack.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.changes.named_release import asked_pin, clients_for, select_named, select_requirement, with_source
from agentpack.changes.newest import HeldBack, beyond_refs
from agentpack.changes.news import changelog_between
from agentpack.changes.place_arguments import without_refs
from agentpack.clients import SKILLS
from agentpack.compose.compose import Pack
from agentpack.compose.parse import Layer
from agentpack.errors import AgentpackError, UsageError
from agentpack.model.changelog import ChangelogEntry
from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import PackName
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import parse_requirement
from agentpack.model.text_size import count
from agentpack.sources.git_tags import release_in
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace


class Size(NamedTuple):
    """How much text a client gets for all personas of the pack. `refused` says why there is none.

    `words` and `tokens` count the files, which are read when a persona is called. `always_words` and `always_tokens`
    count names and descriptions, which a client always has in context; only names for a client without descriptions.
    `on_demand_words` and `on_demand_tokens` count the skills, each of which is read where its condition holds.
    """

    variants: tuple[str, ...]
    client: str
    words: int
    tokens: int
    refused: str = ""
    always_words: int = 0
    always_tokens: int = 0
    on_demand_words: int = 0
    on_demand_tokens: int = 0


class VariantConflict(NamedTuple):
    """Variants that one conflicts with when all of them are chosen; `reason` is empty if none is given."""

    others: tuple[str, ...]
    reason: str


class VariantSummary(NamedTuple):
    """An available variant."""

    name: str
    persona: str
    summary: str
    local: bool
    losses: tuple[str, ...] = ()
    """What the persona loses with it, in the pack's words."""
    conflicts: tuple[VariantConflict, ...] = ()


class OfferedVersion(NamedTuple):
    """An available release, and whether it is the locked one."""

    version: str
    locked: bool


class PackDetails(NamedTuple):
    """Everything `show` prints about a pack."""

    name: str
    version: str
    source: str
    digest: str
    header: Mapping[str, Any]
    bare: bool
    versions: tuple[OfferedVersion, ...]
    personas: Mapping[str, str]
    """Each persona's name, and what it extends; empty for nothing."""
    variants: tuple[VariantSummary, ...]
    parameters: tuple[Mapping[str, Any], ...]
    sizes: tuple[Size, ...]
    held_back: HeldBack | None
    """The newest release, if a `ref:` holds it back, as far as it is known here."""


def show(workspace: Workspace, text: str, *, clients: Sequence[str] = (), settings: Sequence[str] = ()) -> PackDetails:
    """What a user should know about a pack before installing it."""
    asked = select_named(workspace, text, settings)
    for_clients = clients_for(asked, clients)
    if settings:
        asked.for_clients(for_clients).preview()  # a value that is not allowed is an error here, and no row of sizes
    pin = asked_pin(asked)
    release, pack = asked.candidates.read(pin.pack, pin.version)
    locked = workspace.lock.pack(pack.name) if workspace.lock else None
    variants = tuple(_variants(workspace, pack))
    sizes = tuple(_sizes(asked, variants, for_clients))
    offered = [str(version) for version in _every_version(asked.candidates, pin.pack, release.source)]
    return PackDetails(
        name=pack.name,
        version=pack.version,
        source=release.source,
        digest=release.digest,
        header=pack.header,
        bare=pack.bare,
        versions=tuple(OfferedVersion(v, locked is not None and locked.version == v) for v in offered),
        personas={name: layer.header.get("extends", "") for name, layer in sorted(pack.personas.items())},
        variants=variants,
        parameters=tuple(_parameters(asked.manifest.packs[0], pack, workspace.manifest.parameters(pack.name))),
        sizes=sizes,
        held_back=beyond_refs(workspace).get((pack.name, release.source)),
    )


class ReleaseChanges(NamedTuple):
    """What changed between two releases of a pack: the entries of the later one's changelog, newest first.

    `comparable` is False if the earlier one is no longer offered, as of a pack whose folder has only the newest.
    """

    name: str
    before: str
    after: str
    entries: tuple[ChangelogEntry, ...]
    comparable: bool


def release_changes(workspace: Workspace, text: str, before: str, after: str) -> ReleaseChanges:
    """The changelog of a pack between two of its releases, whichever is named first.

    Raises:
        UsageError: a version is none, or `text` has a range or variants.
        Unresolvable: no source has one of the releases.
    """
    asked = parse_requirement(text)
    if str(asked) != asked.pack:
        raise UsageError(
            "`--changes` needs the name of a pack", hint=f"`agentpack show {asked.pack} --changes 1.0.0 2.0.0`"
        )
    first, last = sorted(map(_version, (before, after)))
    manifest = workspace.manifest
    for version in (first, last):
        manifest = with_source(workspace, manifest, asked._replace(range=f"=={version}"))
    candidates = candidates_to_view(workspace, manifest, workspace.lock)
    candidates.look_beyond_pins()
    found = changelog_between(candidates, asked.pack, first, last)
    offered = candidates.published(asked.pack)
    for version in (last, *(() if found else (first,))):
        if version not in offered:
            candidates.read(asked.pack, version)  # says what there is instead
    return ReleaseChanges(asked.pack, str(first), str(last), found, first in offered)


def other_release(workspace: Workspace, text: str, version: str) -> list[str]:
    """A list with the version to compare `version` with: the locked one if it differs, else the newest other release;
    empty if there is none.
    """
    pack = parse_requirement(text).pack
    locked = workspace.lock.pack(pack) if workspace.lock else None
    if locked is not None and _version(version) != Version(locked.version):
        return [locked.version]
    candidates = candidates_to_view(workspace, workspace.manifest, workspace.lock)
    candidates.look_beyond_pins()
    final = [one for one in candidates.published(pack) if not one.is_prerelease and one != _version(version)]
    return [str(max(final))] if final else []


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError(f"`{text}` is not a version", hint="write a version such as `1.2.0`") from None


def _every_version(candidates: Candidates, pack: PackName, name: str) -> list[Version]:
    """The releases of a pack, newest first, whichever its source `name` is held at by a `ref:`. The source is asked
    even if the lock names the one to use; if it cannot be asked, those that are known.
    """
    known = {ref.version for ref in candidates.releases(pack)}
    workspace, manifest = candidates.workspace, candidates.manifest
    held = [one for one in manifest.sources if one.name == name and release_in(one.options.get("ref", "")) is not None]
    if held:
        candidates = candidates_to_view(workspace, without_refs(workspace, manifest, (), held)[0], workspace.lock)
    candidates.look_beyond_pins()
    source = candidates.sources.source(name)
    found = candidates.sources.ask(source, partial(candidates.sources.releases, pack)) if source else ()
    return sorted(known.union(ref.version for ref in found or () if ref.tag or not ref.bare), reverse=True)


def _variants(workspace: Workspace, pack: Pack) -> Iterator[VariantSummary]:
    for persona, own in sorted(pack.variants.items()):
        conflicts = _conflicts(own)
        for name, layer in sorted(own.items()):
            losses = tuple(layer.header["losses"])
            yield VariantSummary(name, persona, layer.header["summary"], False, losses, tuple(conflicts[name]))
    for text in workspace.documents.local_texts:
        if text.persona in pack.personas:
            yield VariantSummary(text.name, text.persona, "in " + workspace.scope.absolute(text.path), local=True)


def _conflicts(variants: Mapping[str, Layer]) -> Mapping[str, list[VariantConflict]]:
    """The conflicts of each variant, whichever of them declares it."""
    found: dict[str, list[VariantConflict]] = {name: [] for name in variants}
    for name, layer in sorted(variants.items()):
        for conflict in layer.header["conflicts"]:
            together = {name, *conflict["with"]}
            for one in together:
                found[one].append(VariantConflict(tuple(sorted(together - {one})), conflict.get("reason", "")))
    return {
        name: sorted(set(conflicts), key=lambda each: (len(each.others), each)) for name, conflicts in found.items()
    }


def _parameters(entry: ManifestEntry, pack: Pack, here: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, declaration in pack.declarations.items():
        yield {
            "name": name,
            "type": declaration.type,
            "default": declaration.default,
            "value": entry.parameters.get(name, declaration.default),
            "here": here.get(name),
            "allowed": declaration.allowed,
            "description": declaration.description,
        }


def _sizes(asked: Selection, variants: Sequence[VariantSummary], clients: Sequence[str]) -> Iterator[Size]:
    """The sizes of the pack alone, with the requested variants, and with each variant separately."""
    alone = [(name,) for name in sorted({variant.name for variant in variants})]
    pin, (entry,) = asked_pin(asked), asked.manifest.packs
    for names in dict.fromkeys([(), entry.requirement.variants, *alone]):
        for client in clients:
            requirement = entry.requirement._replace(range=f"=={pin.version}", variants=names)
            try:
                wanted = (
                    select_requirement(asked.candidates, requirement, entry.parameters).for_clients((client,)).preview()
                )
            except AgentpackError as error:
                yield Size(names, client, 0, 0, error.message)
                continue
            files = [file for file in wanted.files.values() if file.pack == pin.pack]
            whole, skills = (
                count("\n".join(file.content.decode() for file in files if (file.client in SKILLS) == are_skills))
                for are_skills in (False, True)
            )
            always = count("\n".join(_always_in_context(asked.workspace, wanted, client, files)))
            yield Size(names, client, *whole, "", *always, *skills)


def _always_in_context(workspace: Workspace, wanted: Wanted, client: str, files: Iterable[Rendering]) -> Iterator[str]:
    """What a client always has in context of each persona and skill: its name, and its description if it reads one."""
    described = workspace.clients.named(client).description is not None
    for file in files:
        part = wanted.part(file)
        if part is not None:
            name, text = part.persona.name, part.persona.value("description") or ""
            yield f"{name}: {text}" if described or file.client in SKILLS else name
