"""show, render, search: what packs contain, without installing anything.

Decides which release a requirement means here (the one `install` would choose if the pack were not installed), and how
the size of a persona is measured. Writes nothing, and ignores the manifest's settings for the same pack.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from agentpack.changes.named_release import clients_for, select_named, select_requirement, with_source
from agentpack.changes.newest import HeldBack, beyond_refs
from agentpack.changes.news import changelog_between
from agentpack.changes.user_sources import with_user_sources
from agentpack.clients import SKILLS
from agentpack.compose.compose import Pack
from agentpack.compose.parse import Layer
from agentpack.errors import AgentpackError, UsageError
from agentpack.model.changelog import ChangelogEntry
from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import PackName, did_you_mean, nearest
from agentpack.model.rendering import Note, Rendering
from agentpack.model.requirement import parse_requirement
from agentpack.model.text_size import count
from agentpack.resolve import Chosen
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.offers import OfferedPack, collected
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


class FoundAgent(NamedTuple):
    """A persona that `search` found by its own name or description."""

    pack: str
    name: str
    source: str
    description: str


class SearchResult(NamedTuple):
    """A pack that `search` found. `others` are further sources that have it and are not used; `held_back` is a newer
    release that a `ref:` holds back, as far as it is known here; empty if there is none.
    """

    name: str
    version: str
    description: str
    source: str
    keywords: tuple[str, ...]
    personas: tuple[str, ...]
    others: tuple[str, ...]
    held_back: str = ""


def _pin(asked: Selection) -> Chosen:
    """The chosen release of the requested pack, not of one it requires."""
    return next(pin for pin in asked.pins if pin.pack == asked.manifest.packs[0].requirement.pack)


def show(workspace: Workspace, text: str, *, clients: Sequence[str] = (), settings: Sequence[str] = ()) -> PackDetails:
    """What a user should know about a pack before installing it."""
    asked = select_named(workspace, text, settings)
    for_clients = clients_for(asked, clients)
    if settings:
        asked.for_clients(for_clients).preview()  # a value that is not allowed is an error here, and no row of sizes
    pin = _pin(asked)
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
    """The releases of a pack, newest first. Its source is asked even if the lock names the one to use; if it cannot be
    asked, those that are known.
    """
    known = {ref.version for ref in candidates.releases(pack)}
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
    pin, (entry,) = _pin(asked), asked.manifest.packs
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


def render(
    workspace: Workspace,
    text: str,
    *,
    client: str | None = None,
    settings: Sequence[str] = (),
    persona: str | None = None,
) -> Rendering:
    """The agent file that `agentpack render` prints. Nothing is written.

    Args:
        text: the requirement on the command line, such as `python-engineer[lean]>=1`.
        client: by default the first of the clients that an install would be for.
        settings: parameters, `key=value` each.
        persona: may be left out if the pack has only one.

    Raises:
        UsageError: the pack has several personas and none is named, or no persona with that name; a client or a
            parameter is unknown.
        Unresolvable: no source has such a release.
    """
    asked = select_named(workspace, text, settings)
    pin, clients = _pin(asked), clients_for(asked, [client] if client else ())[:1]
    files = [file for file in asked.for_clients(clients).preview().files.values() if file.pack == pin.pack]
    names = [file.persona for file in files]
    there = [f"personas: {', '.join(names)}"]
    if persona is not None and persona not in names:
        what = f"{pin.pack} {pin.version} has no persona `{persona}`"
        raise UsageError(what, details=there, hint=did_you_mean(persona, names))
    agents = [file for file in files if file.client not in SKILLS]
    if persona is None and len(agents) != 1:
        raise UsageError(
            f"{pin.pack} {pin.version} has {len(agents)} personas",
            details=there,
            hint=f"name one, for example with `--persona {names[0]}`" if names else None,
        )
    found = next(file for file in (*agents, *files) if persona in (None, file.persona))
    skills = sum(file.client in SKILLS and file.persona.startswith(f"{found.persona}-") for file in files)
    notes = [*found.notes]
    if skills:
        text = "in files of their own: `--persona NAME` prints one, `--set modules=inline` puts all into this text"
        notes.append(Note(f"its skills ({skills}) are {text}"))
    entry = workspace.manifest.wanted(pin.pack)
    if entry is not None and (entry.parameters or entry.requirement.variants) and (pin.variants, settings) == ((), ()):
        notes.append(Note(f"this is {pin.pack} without the settings and variants that agentpack.yaml has for it"))
    return found._replace(notes=tuple(notes))


class Found(NamedTuple):
    """What `search` found: packs, best match first, and agents of packs; similar names if there are none; and what
    could not be read.
    """

    packs: list[SearchResult]
    agents: list[FoundAgent]
    near: list[str]
    unread: list[str]


def search(workspace: Workspace, text: str = "") -> Found:
    """The packs of all sources that contain every word of the text, and the agents of collections that do."""
    candidates = candidates_to_view(workspace, with_user_sources(workspace, workspace.manifest))
    words = text.lower().split()
    found: list[tuple[int, SearchResult]] = []
    unread: list[str] = []
    agents: list[FoundAgent] = []
    known = [*candidates.known()]
    for source, offered in _collections(candidates, unread):
        personas = tuple(agent.name for agent in offered.agents)
        description = offered.description or f"{len(personas)} agent file{'s' if len(personas) != 1 else ''}"
        whole = SearchResult(offered.name, offered.version, description, source, (), personas, ())
        if (rank := _rank(whole, words)) is not None:
            found.append((rank, whole))
        for agent in offered.agents if words else ():
            if all(word in f"{agent.name} {agent.description}".lower() for word in words):
                agents.append(FoundAgent(offered.name, agent.name, source, agent.description))
    broken = set[str]()
    for name in known:
        try:
            pack = _described(candidates, PackName(name))
        except AgentpackError as error:
            unread.append(f"{name}: {error.message}")
            broken.add(name)
            continue
        rank = _rank(pack, words) if pack else None
        if pack is not None and rank is not None:
            found.append((rank, pack))
    candidates.sources.silent.clear()  # they are among `unread`
    agents.sort(key=lambda agent: (agent.name.lower() not in words, agent.name))
    near = [] if found or agents else _near(text.lower(), (name for name in known if name not in broken))
    held = {key: str(one.newer) for key, one in beyond_refs(workspace).items()}
    packs = [pack for _, pack in sorted(found, key=lambda row: (row[0], row[1].name))]
    packs = [pack._replace(held_back=held.get((pack.name, pack.source), pack.held_back)) for pack in packs]
    return Found(packs, agents, near, unread)


def _collections(candidates: Candidates, unread: list[str]) -> Iterator[tuple[str, OfferedPack]]:
    """The packs of all collections, each with its source; what cannot be read is added to `unread`."""
    for source in candidates.sources.all:
        if source.name not in candidates.sources.missing:
            try:
                if source in candidates.sources.silent:
                    raise candidates.sources.silent[source]
                for pack in collected(source):
                    if source in candidates.sources.allowed(PackName(pack.name)):
                        yield source.name, pack
            except (AgentpackError, OSError) as error:
                unread.append(f"{source.name}: {error.message if isinstance(error, AgentpackError) else error}")


def _near(text: str, known: Iterable[str]) -> list[str]:
    """The names similar to the text, as a whole or in one of its words."""
    names = tuple(known)
    if found := nearest(text, names):
        return found
    words = nearest(text, {word for name in names for word in name.split("-")})
    return [name for name in names if not set(words).isdisjoint(name.split("-"))][:3]


def _described(candidates: Candidates, name: PackName) -> SearchResult | None:
    refs = candidates.releases(name)
    final = [ref for ref in refs if not ref.version.is_prerelease] or list(refs)
    if not final:
        return None
    pack = candidates.read(name, final[0].version)[1]
    sources = candidates.sources
    allowed = (source for source in sources.allowed(name) if source.name != final[0].source)
    others = [source.name for source in allowed if sources.ask(source, partial(source.releases, name))]
    header = pack.header
    return SearchResult(
        name=name,
        version=pack.version,
        description=header["description"],
        source=final[0].source,
        keywords=tuple(header.get("keywords", ())),
        personas=tuple(sorted(pack.personas)),
        others=tuple(others),
    )


def _rank(pack: SearchResult, words: Sequence[str]) -> int | None:
    """0 for the name itself, then names, keywords and personas, descriptions; None if a word does not occur."""
    worst = 0
    for word in words:
        places = (
            word == pack.name,
            word in pack.name,
            any(word in text.lower() for text in (*pack.keywords, *pack.personas)),
            word in pack.description.lower(),
        )
        if True not in places:
            return None
        worst = max(worst, places.index(True))
    return worst
