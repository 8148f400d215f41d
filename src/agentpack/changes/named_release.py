"""Resolve a release that the user names on its own, outside of the manifest. Writes nothing."""

from collections.abc import Mapping, Sequence

from agentpack.changes.clients import choose_clients
from agentpack.changes.place_arguments import past_refs, place_of, with_sources
from agentpack.changes.user_sources import with_user_sources
from agentpack.errors import Unavailable, UsageError
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.resolve import Chosen
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.choose import choose
from agentpack.wanted.offers import offers
from agentpack.wanted.selection import Selection
from agentpack.wanted.settings import read_settings
from agentpack.workspace.preconditions import refuse_address
from agentpack.workspace.workspace import Workspace


def select_named(workspace: Workspace, text: str, settings: Sequence[str] = ()) -> Selection:
    """Resolve one requirement, without those of the manifest, with all agents of its pack. Packs that it requires stay
    at their locked releases where possible.

    Raises:
        Unresolvable: no source has this pack or release.
    """
    requirement = parse_named(workspace, text)
    manifest = with_source(workspace, workspace.manifest, requirement)
    every = manifest._replace(packs=tuple(entry._replace(personas=None, without=()) for entry in manifest.packs))
    try:
        return _select(workspace, every, requirement, settings)
    except Unavailable:
        if manifest.packs == every.packs:
            raise
        return _select(workspace, manifest, requirement, settings)  # the others are not at hand


def select_at_place(workspace: Workspace, text: str, persona: str | None, settings: Sequence[str]) -> Selection:
    """Resolve the newest release of a pack at a place that an argument names: the only one there, or the only one with
    this persona.

    Raises:
        UsageError: there are several such packs, or none.
    """
    manifest, (source,), _ = with_sources(workspace, workspace.manifest, [place_of(workspace, text)])
    known = {pack.name: {agent.name for agent in pack.agents} for pack in offers(source, text).packs}
    names = [name for name, agents in known.items() if len(known) == 1 or persona in agents]
    if len(names) != 1:
        more = f", and {len(names) or 'none'} of them have an agent `{persona}`" if persona else ""
        hint = f"`--persona NAME` names the agent; `agentpack show {text}` lists all"
        raise UsageError(f"{text} has {len(known)} packs{more}", hint=hint)
    requirement = Requirement(PackName(names[0]))
    entry = ManifestEntry(requirement, names[0], source=source.name)
    others = (entry for entry in manifest.packs if entry.requirement.pack != requirement.pack)
    return _select(workspace, manifest._replace(packs=(*others, entry)), requirement, settings)


def asked_pin(asked: Selection) -> Chosen:
    """The chosen release of the requested pack, not of a pack that it requires."""
    return next(pin for pin in asked.pins if pin.pack == asked.manifest.packs[0].requirement.pack)


def _select(workspace: Workspace, manifest: Manifest, requirement: Requirement, settings: Sequence[str]) -> Selection:
    candidates = candidates_to_view(workspace, manifest, workspace.lock)
    values = read_settings(candidates, requirement, settings) if settings else {}
    return select_requirement(candidates, requirement, values)


def parse_named(workspace: Workspace, text: str) -> Requirement:
    """The requirement in a command-line argument. Raises UsageError if the text is invalid or an address; for
    `PACK/AGENT`, its hint says how to install that agent.
    """
    try:
        requirement = parse_requirement(text)
    except UsageError as error:
        if "/" in text:
            from agentpack.wanted.offers import agent_hint

            manifest = workspace.manifest
            error.hint = agent_hint(workspace.sources.open(manifest), manifest, text) or error.hint
        raise
    refuse_address(requirement)
    return requirement


def with_source(workspace: Workspace, manifest: Manifest, requirement: Requirement) -> Manifest:
    """The manifest to look for a pack in, which asks for this requirement of it: with the user's own sources if it does
    not have the pack, with an entry for one that only a collection offers, and without a `ref:` that holds it at
    another release.
    """
    pack = requirement.pack
    manifest, _ = past_refs(workspace, manifest, (requirement,))
    if manifest.wanted(pack):
        packs = (e._replace(requirement=requirement) if e.requirement.pack == pack else e for e in manifest.packs)
        return manifest._replace(packs=tuple(packs))
    manifest = with_user_sources(workspace, manifest)
    source = workspace.sources.open(manifest).in_collection(pack)
    if source is None:
        return manifest
    return manifest._replace(packs=(*manifest.packs, ManifestEntry(requirement, pack, source=source)))


def select_requirement(
    candidates: Candidates, requirement: Requirement, values: Mapping[str, str | int | bool]
) -> Selection:
    """Choose the newest release that one requirement allows, on its own, with these parameter values.

    Options that the manifest has for the pack count, except its clients, parameters and names of personas.

    Raises:
        Unresolvable: no source has such a release.
    """
    there = candidates.manifest.wanted(requirement.pack) or ManifestEntry(requirement, "")
    entry = there._replace(requirement=requirement, text=str(requirement), clients=None, parameters=values, renames={})
    manifest = candidates.workspace.manifest._replace(clients=None, packs=(entry,))
    return choose(candidates, manifest, newest=(requirement.pack,))


def clients_for(asked: Selection, clients: Sequence[str]) -> tuple[str, ...]:
    """The named clients, else those `install` would choose."""
    named = tuple(dict.fromkeys(clients)) or asked.workspace.manifest.clients
    return named or choose_clients(asked).clients
