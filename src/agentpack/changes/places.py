"""What the arguments of `install` ask for: packs by name, and places with all that they offer or a part of it.

Decides which pack of which source is meant, and under which name it is installed. What the manifest says in the end is
left to `install.py`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from agentpack.changes.agent_names import (
    AgentsOfPacks,
    agents_in,
    agents_of,
    packs_with,
    refuse_agents,
    refuse_ambiguous,
    refuse_misspelled,
    refuse_renames,
    unknown_agent,
)
from agentpack.changes.place_arguments import (
    is_place,
    named_source,
    nothing_there,
    past_refs,
    place_of,
    typed,
    with_sources,
)
from agentpack.changes.request import ChangeRequest
from agentpack.changes.user_sources import for_project, with_user_sources
from agentpack.errors import DecisionNeeded, Unavailable, Unresolvable, UsageError
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName, did_you_mean, first_few, kebab, pack_name
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.sources.base import Source
from agentpack.workspace.workspace import Workspace

_MOST_LISTED = 20
_MOST_UNREAD = 5
_MOST_BESIDE = 3
_MOST_TWINS = 6


class AskedPack(NamedTuple):
    """A pack that is asked for."""

    requirement: Requirement
    text: str
    """The requirement as typed."""
    source: str = ""
    """The source it must come from; empty if the first that has it is fine."""
    original: PackName | None = None
    """Its name there, if it is installed under another one."""
    personas: tuple[str, ...] | None = None
    """The only personas that are asked for; None for all, or for those that are there already."""
    without: tuple[str, ...] = ()
    """Personas that are not asked for."""
    renames: Mapping[str, str] = MappingProxyType({})
    """Other names for personas."""


class Asked(NamedTuple):
    """Everything that is asked for, and the manifest with the sources that it needs."""

    packs: tuple[AskedPack, ...]
    manifest: Manifest
    notes: tuple[str, ...] = ()


def read_arguments(workspace: Workspace, manifest: Manifest, request: ChangeRequest) -> Asked:
    """What the arguments ask for.

    Raises:
        UsageError: an argument is neither a requirement nor a place.
        DecisionNeeded: a place offers several packs, and nothing says which.
        Unresolvable: there is no such pack or agent.
    """
    refuse_renames(request.renames)
    refuse_agents(request, workspace.environment.cwd)
    places = {text: place_of(workspace, text) for text in request.names if is_place(workspace, text)}
    requirements = {text: parse_requirement(text) for text in request.names if text not in places}
    direct = {text: requirement for text, requirement in requirements.items() if requirement.url is not None}
    places |= {text: place_of(workspace, requirement.url or "") for text, requirement in direct.items()}
    named = [named_source(workspace, manifest, text) for text in request.sources]
    old = manifest
    bare = [] if request.only else [place for place in places.values() if "ref" not in place.options]
    manifest, free = past_refs(workspace, old, requirements.values(), bare)
    manifest, opened, notes = with_sources(workspace, manifest, [*places.values(), *named])
    reading = _Reading(workspace, manifest, request, opened, *places)
    packs: list[AskedPack] = []
    for text in request.names:
        if text in direct:
            packs += reading.direct(reading.places[text], direct[text], text)
        else:
            packs += reading.place(reading.places[text], text) if text in places else reading.pack(text)
    if not request.names:
        for source in reading.named:
            packs += reading.place(source, source.where)
    packs, manifest = reading.limited(packs), reading.manifest
    twins: list[str] = []
    if request.everything and len(packs) > 1:
        packs, twins = reading.told_apart(packs)
    return Asked(
        tuple({pack.requirement.pack: pack for pack in packs}.values()),
        manifest,
        tuple(dict.fromkeys((*free, *notes, *reading.notes, *_notes(workspace, old, manifest, packs), *twins))),
    )


# What arguments ask for.


class _Reading:
    """Finds the packs that each argument asks for, in the places it names and in the sources of the manifest."""

    def __init__(
        self, workspace: Workspace, manifest: Manifest, request: ChangeRequest, opened: Sequence[Source], *places: str
    ) -> None:
        """`opened` are the sources of the places that arguments name, which are `places`, then those of `--source`."""
        self.workspace, self.manifest, self.request = workspace, manifest, request
        self.places, self.named = dict(zip(places, opened, strict=False)), opened[len(places) :]
        self.notes: list[str] = []
        self._taken = {
            entry.requirement.pack: (entry.source, entry.name_there) for entry in manifest.packs if entry.source
        }
        self._bare = {entry.requirement.pack for entry in manifest.packs if not entry.source}

    def place(self, source: Source, text: str) -> list[AskedPack]:
        """The packs of a place: its only one, those with an agent that is asked for, or all of them."""
        collection = source.collection
        names = [*sorted(source.packs()), *(pack.name for pack in collection.packs)]
        if not names:
            raise nothing_there(text, collection.unread)
        is_only = len(names) == 1 and collection.packs and names[0] in self.request.only
        if is_only and names[0] not in agents_of(source, names[0]):
            hint = f"leave out `--only {names[0]}` to install all its agents"
            raise Unresolvable(f"`{names[0]}` is the pack itself, not one of its agents", hint=hint)
        if len(names) > 1 and self.request.only:
            return [one for name in self._with_agents(source, names) for one in self._of(source, name)]
        if len(names) > 1 and not self.request.everything:
            listed = [f"{name}: {self._counted(source, name)}" for name in names[:_MOST_LISTED]]
            if len(names) > _MOST_LISTED:
                listed.append(f"and {len(names) - _MOST_LISTED} more; `agentpack show {text}` lists them")
            raise DecisionNeeded(
                f"{text} offers {len(names)} packs: choose one",
                details=listed,
                hint=f"`agentpack install {names[0]} --source {text}`, `--only AGENT`, or `--all`",
            )
        unread = self._unread(source) if self.request.everything else {}
        few = [f"skipped `{name}`: {why}" for name, why in [*unread.items()][:_MOST_UNREAD]]
        more = [f"skipped {len(unread) - _MOST_UNREAD} more plugins: their repositories cannot be read"]
        self.notes += few + (more if len(unread) > _MOST_UNREAD else [])
        return [one for name in names if name not in unread for one in self._of(source, name)]

    def _unread(self, source: Source) -> Mapping[PackName, str]:
        """The plugins of a place whose own repositories cannot be read, and why."""
        found: dict[PackName, str] = {}
        for pack in source.collection.packs:
            try:
                _ = source.state_of(pack.name) if pack.elsewhere else None
            except (Unavailable, Unresolvable) as error:
                found[pack.name] = error.message
        return found

    def pack(self, text: str) -> list[AskedPack]:
        """The pack that a requirement names: of `--source` if that has it."""
        requirement = parse_requirement(text)
        for source in self.named:
            if source.is_missing:
                raise self.workspace.sources.open(self.manifest).unavailable([source])
            if source.releases(requirement.pack) or source.states(requirement.pack):
                return self._of(source, requirement.pack, requirement, text)
        self._refuse_unknown(requirement)
        entry = self.manifest.wanted(requirement.pack)
        if entry is not None and entry.source:
            return [AskedPack(requirement, text, entry.source, entry.original)]
        if entry is None and (own := self._of_user(requirement.pack)) is not None:
            return self._of(own, requirement.pack, requirement, text)
        offering = self.workspace.sources.open(self.manifest).in_collection(requirement.pack)
        if offering is not None:  # named in so many words, and nothing else has the name
            return [AskedPack(requirement, text, offering)]
        is_folder = os.path.isdir(os.path.join(self.workspace.environment.cwd, text))
        if (is_folder or self.places) and not self._is_offered(name := requirement.pack):
            for place, source in self.places.items():
                self._refuse_agent(name, source, f"install {place} --only {name}")
            agents = {place: agents_in(source) for place, source in self.places.items()}
            refuse_misspelled(name, agents, self.workspace.sources.open(self.manifest).packs())
            if is_folder:
                hint = f"for the folder `{text}`, write `agentpack install ./{text}`"
                raise Unresolvable(f"there is no pack named `{text}`", hint=hint)
        return [AskedPack(requirement, text)]

    def _of_user(self, pack: PackName) -> Source | None:
        """The source of the user's own that provides a pack, added to the manifest; None if another one does, or if
        the pack is locked.

        Raises:
            Unresolvable: only a source of the user's own may provide it, and that has none.
        """
        if self.workspace.lock is not None and self.workspace.lock.pack(pack) is not None:
            return None
        wide = with_user_sources(self.workspace, self.manifest)
        more = {source.name: source for source in wide.sources[len(self.manifest.sources) :]}
        if not more:
            return None
        sources = self.workspace.sources.open(wide)
        found = sources.releases(pack)
        name = found[0].source if found else sources.in_collection(pack)
        if name is None and any(source.claims(pack) for source in more.values()):
            raise Unresolvable(f"there is no pack named `{pack}`", hint=f"`{pack}`: {sources.claimed_by(pack)}")
        if name is None or name not in more:
            return None
        source = for_project(self.workspace, more[name])
        self.manifest = self.manifest._replace(sources=(*self.manifest.sources, source))
        self.notes.append(f"`{pack}` comes from your own source `{name}`, which is now in agentpack.yaml")
        return self.workspace.sources.one(source)

    def direct(self, source: Source, requirement: Requirement, text: str) -> list[AskedPack]:
        """The pack that a direct reference names: `reviewer @ git+https://…`."""
        if not source.releases(requirement.pack) and not source.states(requirement.pack):
            offered = [*source.packs(), *(pack.name for pack in source.collection.packs)]
            raise Unresolvable(
                f"{source.where} has no pack `{requirement.pack}`",
                details=[f"it has {', '.join(offered[:_MOST_LISTED]) or 'no packs and no agent files'}"],
                hint=did_you_mean(requirement.pack, offered),
            )
        [asked] = self._of(source, requirement.pack, requirement._replace(url=None), text)
        return [asked._replace(source=source.name)]

    def limited(self, packs: Sequence[AskedPack]) -> list[AskedPack]:
        """The packs with what `--only`, `--without` and `--as` say, each for the pack that has the agent."""
        if not packs:
            return []
        old_names = [text.partition("=")[0] for text in self.request.renames]
        installed = list(self._installed(packs, [*self.request.without, *old_names]))
        every = [*packs, *installed]
        if self.request.only and len(packs) > 1 and not self.request.everything:
            refuse_ambiguous(self.request.only, [*self.request.without, *old_names], self._agents_by_pack(packs))
        only = self._by_pack(every, self.request.only)
        without = self._by_pack(every, self.request.without)
        renames: dict[PackName, dict[str, str]] = {pack.requirement.pack: {} for pack in every}
        for text in self.request.renames:
            old, _, new = text.partition("=")
            for pack, names in self._by_pack(every, [old], one=True).items():
                renames[pack].update(dict.fromkeys(names, new))
        return [
            pack._replace(
                personas=tuple(only[pack.requirement.pack]) or pack.personas,
                without=tuple(without[pack.requirement.pack]),
                renames={self._persona(pack, old): new for old, new in renames[pack.requirement.pack].items()},
            )
            for pack in every
            if not self.request.only or only[pack.requirement.pack] or pack in installed
        ]

    def _installed(self, packs: Sequence[AskedPack], texts: Sequence[str]) -> Iterator[AskedPack]:
        """The packs that are only named before an agent, as in `pack/agent`, and that the manifest has."""
        known = {name for pack in packs for name in (pack.requirement.pack, pack.original)}
        for name in dict.fromkeys(text.partition("/")[0] for text in texts if "/" in text):
            for entry in self.manifest.packs:
                if entry.requirement.pack == name and name not in known:
                    yield AskedPack(entry.requirement, entry.text, entry.source, entry.original)

    def _persona(self, pack: AskedPack, agent: str) -> str:
        """The persona of an agent that is named in any way."""
        return kebab(self._agents_of(pack).get(agent, agent))

    def told_apart(self, packs: Sequence[AskedPack]) -> tuple[list[AskedPack], list[str]]:
        """The packs, each without the agents of which another one has a namesake, and a note on those.

        A pack that is installed keeps its agents; of new packs the first one does.
        """
        from agentpack.sources.collection import is_agent_file  # only for all packs of a place

        installed = {entry.requirement.pack for entry in self.manifest.packs}
        owners: dict[str, PackName] = {}
        twins: dict[PackName, list[str]] = {pack.requirement.pack: [] for pack in packs}
        for pack in sorted(packs, key=lambda pack: pack.requirement.pack not in installed):
            name = pack.requirement.pack
            for agent in sorted({*self._agents_of(pack).values()} - {*pack.without, *pack.renames}):
                if not is_agent_file(agent) and owners.setdefault(agent, name) != name:
                    twins[name].append(agent)
        apart = [pack._replace(without=(*pack.without, *twins[pack.requirement.pack])) for pack in packs]
        told = [f"{pack}/{agent}" for pack, agents in twins.items() for agent in agents]
        if not told:
            return apart, []
        few = first_few(told, _MOST_TWINS)
        agents = "1 agent is" if len(told) == 1 else f"{len(told)} agents are"
        return apart, [
            f"{agents} left out (`without:` in agentpack.yaml), because another pack has an agent with that name: "
            f"{few}; "
            f"`--as {told[0]}=NEW` installs one under another name"
        ]

    def _by_pack(
        self, packs: Sequence[AskedPack], texts: Sequence[str], *, one: bool = False
    ) -> Mapping[PackName, list[str]]:
        """For each pack, the agents that these texts name: `agent`, its path in the pack, or `pack/agent`.

        Args:
            one: a name that several packs have is refused.
        """
        found: dict[PackName, list[str]] = {pack.requirement.pack: [] for pack in packs}
        for text in texts:
            first, slash, rest = text.partition("/")
            meant = [pack for pack in packs if slash and first in (pack.requirement.pack, pack.original)]
            name = rest if meant else text
            if not meant and len(packs) > 1:
                meant = [pack for pack in packs if not {name, kebab(name)}.isdisjoint(self._agents_of(pack))]
            elif not meant:
                meant = list(packs)
            if not meant:
                raise unknown_agent(f"no pack named here has an agent `{name}`", name, self._agents_by_pack(packs))
            if one and len(meant) > 1:
                names = " and ".join(f"`{pack.requirement.pack}`" for pack in meant)
                hint = f"write the pack too: `{meant[0].requirement.pack}/{name}`"
                raise UsageError(f"{names} both have an agent `{name}`", hint=hint)
            for pack in meant:
                found[pack.requirement.pack].append(name)
        return found

    def _of(
        self, source: Source, name: PackName, requirement: Requirement | None = None, text: str = ""
    ) -> list[AskedPack]:
        """A pack of a source, under a name that no other pack here has."""
        requirement = requirement or Requirement(pack=name)
        is_collection = not source.releases(name)
        if not is_collection:
            return [AskedPack(requirement, text or name, source.name if self._is_hidden(source, name) else "")]
        here = next((mine for mine, there in self._taken.items() if there == (source.name, name)), None)
        if here is None:
            taken = {*self._taken, *self._bare}
            names = (name, pack_name(source.name), pack_name(f"{source.name}-{name}"))
            numbered = (pack_name(f"{name}-{number}") for number in range(2, 1000))
            here = next(one for one in (*names, *numbered) if one not in taken)
            self._taken[here] = (source.name, name)
        original = name if here != name else None
        return [AskedPack(requirement._replace(pack=here), text or name, source.name, original)]

    def _is_hidden(self, source: Source, name: PackName) -> bool:
        """Whether another source before this one has a pack of this name, or this one may not provide it."""
        sources = self.workspace.sources.open(self.manifest)
        for other in sources.allowed(name):
            if other.name == source.name:
                return False
            found = () if other.is_missing else sources.ask(other, partial(other.releases, name))
            if found is None or found:
                return True
        return True

    def _counted(self, source: Source, name: PackName) -> str:
        pack = source.collection.pack(name)
        if pack is None:
            return "a pack"
        if pack.elsewhere:
            return f"in {pack.elsewhere}" + (f"; {pack.description[:80]}" if pack.description else "")
        count = f"{len(pack.agents)} agent{'s' if len(pack.agents) != 1 else ''}"
        return "; ".join(filter(None, (count, pack.description[:80])))

    def _agents_of(self, pack: AskedPack) -> Mapping[str, str]:
        source = next((one for one in self.workspace.sources.open(self.manifest).all if one.name == pack.source), None)
        return {} if source is None else agents_of(source, pack.original or pack.requirement.pack)

    def _agents_by_pack(self, packs: Sequence[AskedPack]) -> AgentsOfPacks:
        return {pack.requirement.pack: self._agents_of(pack) for pack in packs}

    def _with_agents(self, source: Source, names: Sequence[PackName]) -> list[PackName]:
        """The packs of a place that have an agent that is asked for."""
        others = {pack.name for pack in source.collection.packs if pack.elsewhere}
        every = {name: agents_of(source, name) for name in names if name not in others}
        for agent in self.request.only:
            if agent in names and not packs_with(agent, every):
                hint = f"`agentpack install {agent} --source {typed(source, self.workspace.environment.cwd)}`"
                raise Unresolvable(f"`{agent}` is a pack of `{source.name}`, not an agent", hint=hint)
            if not packs_with(agent, every):
                error = unknown_agent(f"`{source.name}` has no agent `{agent}`", agent, every)
                if others and error.hint is None:
                    plugins = f"its {len(others)} plugins in other repositories were not searched"
                    error.hint = f"{plugins}: `agentpack install PLUGIN`"
                raise error
        asked = {name for agent in self.request.only for name in packs_with(agent, every)}
        return [name for name in names if name in asked]

    # Errors that lead on.

    def _refuse_unknown(self, requirement: Requirement) -> None:
        """Raise Unresolvable if there is a `--source`, which does not have the pack."""
        name = requirement.pack
        for source in self.named:
            offered = [*source.packs(), *(pack.name for pack in source.collection.packs)]
            place = typed(source, self.workspace.environment.cwd)
            self._refuse_agent(name, source, f"install {{pack}} --only {name} --source {place}")
            if offered:
                place = place if is_place(self.workspace, place) else f"./{place}"
                listed = ", ".join(offered[:_MOST_LISTED]) + (", …" if len(offered) > _MOST_LISTED else "")
                raise Unresolvable(
                    f"`{source.name}` has no pack `{name}`",
                    details=[f"it has {listed}"],
                    hint=did_you_mean(name, offered) or f"`agentpack show {place}` lists what it offers",
                )
            raise nothing_there(source.where, source.collection.unread)

    def _refuse_agent(self, name: PackName, source: Source, command: str) -> None:
        """Raise Unresolvable for the name of an agent of a source; `command` installs it, from the pack `{pack}`."""
        for pack, agents in agents_in(source).items():
            if name in agents:
                hint = f"`agentpack {command.replace('{pack}', pack)}`"
                raise Unresolvable(f"`{name}` is not a pack but an agent of the pack `{pack}`", hint=hint)

    def _is_offered(self, name: PackName) -> bool:
        """Whether a source has releases of a pack; not so one that cannot be asked."""
        sources = self.workspace.sources.open(self.manifest)
        return any(sources.ask(source, partial(source.releases, name)) for source in sources.all)


def _notes(workspace: Workspace, old: Manifest, new: Manifest, packs: Sequence[AskedPack]) -> Iterator[str]:
    """What a user should know of the places that packs come from, before they are installed."""
    sources = {source.name: source for source in workspace.sources.open(new).all}
    beside: list[str] = []
    for pack in packs:
        source = sources.get(pack.source)
        about = source.about(pack.original or pack.requirement.pack) if source else None
        if pack.original is not None and old.wanted(pack.requirement.pack) is None:
            yield f"`{pack.original}` of `{pack.source}` is installed as `{pack.requirement.pack}`: the name is taken"
        if about is not None:
            yield from about.unread
            beside += [f"{pack.requirement.pack} ({about.beside})"] if about.beside else []
    if beside:
        yield f"only agents were installed; skipped the rest of {first_few(beside, _MOST_BESIDE)}"
    for name in dict.fromkeys(pack.source for pack in packs if pack.source in sources):
        offered = sources[name].collection.packs
        if offered and len(offered) == sum(pack.source == name for pack in packs):
            yield from sources[name].collection.unread
