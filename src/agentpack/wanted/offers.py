"""What a place offers, before anything of it is installed."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from agentpack.fetch import Sources
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, kebab
from agentpack.sources.base import Source


class OfferedAgent(NamedTuple):
    """An agent of a pack, with the name that its file gives it."""

    name: str
    path: str
    description: str


class OfferedPack(NamedTuple):
    """A pack that a place offers."""

    name: str
    version: str
    description: str
    license: str
    agents: tuple[OfferedAgent, ...]
    """Empty for a pack with `pack.yaml`, of which `show` tells by its name."""
    beside: str
    """What a plugin has besides agents, in words."""
    left_out: tuple[str, ...] = ()
    """Paths of agent files that cannot be taken, each with the reason."""
    elsewhere: str = ""
    """Where a plugin is whose agents are not known yet, in words."""
    remark: str = ""
    """How far the place is ahead of the release, in words."""


class Offers(NamedTuple):
    """What a place offers: its packs, and a sentence for each part that cannot be read."""

    place: str
    packs: tuple[OfferedPack, ...]
    unread: tuple[str, ...]


def offers(source: Source, place: str) -> Offers:
    """Everything that a place offers.

    Args:
        place: the place as typed.
    """
    packs = (_pack(source, name) for name in source.packs())
    unread = [*source.collection.unread, *(one for pack in source.collection.packs for one in pack.unread)]
    return Offers(place, (*packs, *collected(source)), tuple(dict.fromkeys(unread)))


def agent_hint(sources: Sources, manifest: Manifest, text: str) -> str | None:
    """How to install an agent of a collection, named as `AGENT` or `PACK/AGENT`, or to see an installed one; None if no
    source has it. Agents are known by the names of their files, since nothing is read for a hint.
    """
    asked, _, name = text.rpartition("/")
    own = {(entry.source, entry.name_there): entry for entry in manifest.packs}
    for source in sources.all:
        offered = None if source.is_missing else sources.ask(source, partial(getattr, source, "collection"))
        for pack in offered.packs if offered else ():
            entry = own.get((source.name, pack.name))
            here = entry.requirement.pack if entry else pack.name
            files = {kebab(path.rpartition("/")[2].partition(".")[0]) for path in pack.agents}
            if asked in ("", here, pack.name) and name and kebab(name) in files:
                is_here = entry and name not in entry.without and (entry.personas is None or name in entry.personas)
                if is_here:
                    way = f"`agentpack render {here} --persona {name}` prints it"
                    return f"`{name}` is installed already, as an agent of `{here}`: {way}"
                return f"`{name}` is an agent of `{here}`: `agentpack install {here} --only {name}`"
    return None


def _pack(source: Source, name: PackName) -> OfferedPack:
    newest = max(source.releases(name), key=lambda ref: ref.version)
    return OfferedPack(name, str(newest.version), "", "", (), "", remark=source.remark(name))


def collected(source: Source) -> Iterator[OfferedPack]:
    """The packs of a collection with their agents."""
    from agentpack.bare import read_agents  # parsing is loaded only for a collection

    for pack in source.collection.packs:
        if pack.elsewhere:  # there may be hundreds, each in a repository of its own
            beside = f"in {pack.elsewhere}"
            yield OfferedPack(pack.name, pack.version, pack.description, pack.license, (), "", elsewhere=beside)
            continue
        state = source.state_of(pack.name)
        if state is not None:
            found = read_agents(source.read(state), pack.name)
            agents = sorted(
                OfferedAgent(
                    found.names.get(short, short), layer.file.partition("/")[2], layer.header["description"][0]["text"]
                )
                for short, layer in found.personas.items()
            )
            yield OfferedPack(
                pack.name,
                str(state.version),
                pack.description,
                pack.license,
                tuple(agents),
                pack.beside,
                tuple(f"{one.path} ({one.reason})" for one in found.left_out),
                remark=source.remark(pack.name),
            )
