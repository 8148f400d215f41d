"""What a place offers, before anything of it is installed."""

from collections.abc import Iterator
from typing import NamedTuple

from agentpack.model.names import PackName
from agentpack.sources.base import Source


class OfferedAgent(NamedTuple):
    """An agent of a pack. `name` is its path if the file gives it none."""

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
    from agentpack.bare import DOCUMENT, about_agent, fault_in  # parsing is loaded only for a collection

    for pack in source.collection.packs:
        if pack.elsewhere:  # there may be hundreds, each in a repository of its own
            beside = f"in {pack.elsewhere}"
            yield OfferedPack(pack.name, pack.version, pack.description, pack.license, (), "", elsewhere=beside)
            continue
        state = source.state_of(pack.name)
        if state is not None:
            files = source.read(state)
            faults = {path: fault for path, data in files.items() if (fault := fault_in(path, data))}
            agents = sorted(
                OfferedAgent(name or path, path, description)
                for path, data in files.items()
                if path not in faults
                for name, description in (about_agent(path, data),)
            )
            yield OfferedPack(
                pack.name,
                str(state.version),
                pack.description,
                pack.license,
                tuple(agents),
                pack.beside,
                tuple(f"{path} ({fault})" for path, fault in faults.items() if fault != DOCUMENT),
                remark=source.remark(pack.name),
            )
