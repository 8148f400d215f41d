"""What a place offers, before anything of it is installed."""

from collections.abc import Iterator
from typing import NamedTuple

from agentpack.model.names import PackName
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
