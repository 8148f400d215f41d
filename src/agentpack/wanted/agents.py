"""Which agent files of a collection an entry of the manifest asks for, by the names in them or by path."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import kebab


class ChosenAgents(NamedTuple):
    """The agent files that are asked for, by path, and the names asked for that no file has."""

    files: Mapping[str, bytes]
    unknown: tuple[str, ...] = ()


def choose_agents(files: Mapping[str, bytes], entry: ManifestEntry | None) -> ChosenAgents:
    """The files among those of a collection's pack that its entry asks for: all of them without `personas:` and
    `without:`."""
    if entry is None or (entry.personas is None and not entry.without):
        return ChosenAgents(files)
    names = {path: {path, *names_of(path, data)} for path, data in files.items()}
    wanted = None if entry.personas is None else _names_for(entry.personas)
    unwanted = _names_for(entry.without)
    found = {
        path: data
        for path, data in files.items()
        if (wanted is None or not wanted.isdisjoint(names[path])) and unwanted.isdisjoint(names[path])
    }
    known = {name for each in names.values() for name in each}
    asked = (*(entry.personas or ()), *entry.without)
    return ChosenAgents(found, tuple(name for name in asked if known.isdisjoint((name, kebab(name)))))


def names_of(path: str, data: bytes) -> Iterator[str]:
    """The names by which an agent file can be asked for, besides its path."""
    from agentpack.bare import name_in  # parsing is loaded only where names are asked for

    name = name_in(path, data)
    if name:
        yield name
        yield kebab(name)


def _names_for(asked: Collection[str]) -> frozenset[str]:
    """Everything that an agent may be called to be one of those asked for."""
    return frozenset((*asked, *(kebab(name) for name in asked if "/" not in name)))
