"""What the files given to `adopt` are recorded as: agents of a collection, a known release, or text of their own.

A file with the very text of an agent or a release is that one. A file with the name of an agent in a collection, or
with most rules of a release, is that one with an edit. All others become agents of a local collection; files of clients
that no collection can hold become a local pack each.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from packaging.version import Version

from agentpack.bare import name_in, read_agents
from agentpack.changes.named_release import select_requirement
from agentpack.clients import written_for
from agentpack.commands.adoptable import AdoptableAgent, PassedOver
from agentpack.edits.recognise import ENOUGH, VERSION, Agent, local_pack, read_collected, read_file, rule_similarity
from agentpack.errors import AgentpackError
from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import PackName, pack_name, slug, text_digest
from agentpack.model.pack import ReleaseRef
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import Requirement
from agentpack.sources.base import Source
from agentpack.wanted.candidates import Candidates
from agentpack.workspace.workspace import Workspace

LOCAL = "local"
_LOCAL_COLLECTIONS = {"project": "team-agents", "user": "my-agents"}


class AdoptionChoice(NamedTuple):
    """An entry to write into the manifest, and the adopted files that will be recorded as its agents."""

    files: tuple[AdoptableAgent, ...]
    entry: ManifestEntry
    version: str = ""
    """The release; empty for a collection."""
    inner: Mapping[str, str] = {}
    """For a collection, the path in it of each file's agent, by the file's path."""
    personas: Mapping[str, str] = {}
    """For a release, the name that it gives each file's agent, by the file's path."""
    pack_files: Mapping[str, bytes] = {}
    """The files to be written to the folder of local packs, by path in the pack; empty for what a source has."""
    state: Mapping[str, bytes] = {}
    """For a local collection, all of its agent files."""


@dataclass(frozen=True, slots=True, eq=False)
class OfferedCollection:
    """A pack of a collection, with the files of the agents that can be taken, by path."""

    source: str
    pack: PackName
    files: Mapping[str, bytes]


_Match = Callable[[OfferedCollection, Sequence[AdoptableAgent]], Sequence[tuple[AdoptableAgent, str]]]
"""Gives the files that match an agent of a collection, each with that agent's path."""


def read_written(workspace: Workspace, file: AdoptableAgent, content: bytes) -> Agent:
    """The agent in a text that would be written in place of the file."""
    target = workspace.clients[file.client]
    return read_collected(target, content, file.inner) if file.inner else read_file(target, content, file.agent.name)


class Recognition:
    """Decides under which pack each adopted file is recorded, from what the manifest's sources offer."""

    def __init__(self, candidates: Candidates, clients: Collection[str]) -> None:
        """`clients` are the clients of manifest entries without `clients:`."""
        self.candidates = candidates
        self.workspace = candidates.workspace
        self.manifest = candidates.workspace.manifest
        self.clients = clients
        self._taken = {*candidates.known(), *(entry.requirement.pack for entry in self.manifest.packs)}
        self._choices: list[AdoptionChoice] = []
        self._agents: dict[tuple[OfferedCollection, str], list[tuple[AdoptableAgent, str]]] = {}
        self.passed: list[PassedOver] = []
        """Files for which there is no choice."""
        self._rendered: dict[tuple[Requirement, str], tuple[tuple[Rendering, Agent | None], ...]] = {}

    def choices(self, files: Sequence[AdoptableAgent]) -> tuple[AdoptionChoice, ...]:
        """A choice for each file; those of one pack are together."""
        left = self._in_collections(files, self._same_text)
        left = self._in_packs(left)
        left = self._in_collections(left, self._same_name)
        by_name: dict[str, list[AdoptableAgent]] = {}
        for file in left:
            by_name.setdefault(file.agent.name, []).append(file)
        collected: dict[str, list[AdoptableAgent]] = {}
        for name, own in by_name.items():
            requirement = self._recognised(own[0])
            if requirement is not None:
                self._add_release(self._renamed(requirement, slug(name), own), own)
            elif all(file.is_in_place for file in own) and (len(own) > 1 or not own[0].inner):
                self._add_pack(own)
            else:
                collected.setdefault(own[0].client, []).append(own[0])
                self.passed += [PassedOver(file.path, f"`{own[0].path}` has the same name") for file in own[1:]]
        for client, own in collected.items():
            self._add_collection(client, own)
        agents = (self._agent_choice(*key, rows) for key, rows in self._agents.items())
        return (*agents, *self._choices)

    def _only(self, clients: Iterable[str]) -> tuple[str, ...] | None:
        """The `clients:` of an entry for files of these clients; None if the entry need not list them."""
        own = tuple(sorted(set(clients)))
        return None if set(own) == set(self.clients) else own

    def _free(self, names: Iterable[str]) -> PackName:
        found = next(name for name in map(pack_name, names) if name not in self._taken)
        self._taken.add(found)
        return found

    # Agents of collections.

    def _in_collections(self, files: Sequence[AdoptableAgent], match: "_Match") -> list[AdoptableAgent]:
        """Choose for the files that match an agent of a collection; returns the others. A collection that has more of
        them comes before others.
        """
        left = list(files)
        offered = self._offered if left else []
        found = [
            (one, client, match(one, [file for file in left if file.client == client]))
            for one in offered
            for client in dict.fromkeys(file.client for file in left)
        ]
        found.sort(key=lambda row: (row[:2] not in self._agents, -len(row[2])))
        for one, client, rows in found:
            mine = [(file, path) for file, path in rows if file in left]
            if mine and self._is_open(one, client):
                self._agents.setdefault((one, client), []).extend(mine)
                gone = {file.path for file, _ in mine}
                left = [file for file in left if file.path not in gone]
        return left

    def _is_open(self, offered: OfferedCollection, client: str) -> bool:
        """Whether agents of a collection can be recorded for this client."""
        entry = self._entry_of(offered)
        return entry is None or {*(entry.clients or self.clients)} == {client}

    def _entry_of(self, offered: OfferedCollection) -> ManifestEntry | None:
        place = offered.source, offered.pack
        return next((one for one in self.manifest.packs if (one.source, one.name_there) == place), None)

    @cached_property
    def _offered(self) -> list[OfferedCollection]:
        own = self.workspace.scope.absolute(self.workspace.scope.own_packs)
        sources = (one for one in self.candidates.sources.all if not one.is_missing and one.where != own)
        return [found for source in sources for found in _collections(source, self.manifest.packs)]

    def _same_text(
        self, offered: OfferedCollection, files: Sequence[AdoptableAgent]
    ) -> list[tuple[AdoptableAgent, str]]:
        by_digest: dict[tuple[str, str], str] = {}
        for path, data in offered.files.items():
            by_digest.setdefault((written_for(path), text_digest(data)), path)
        found = ((file, by_digest.get((file.client, text_digest(file.data)))) for file in files)
        return [(file, path) for file, path in found if path is not None]

    def _same_name(
        self, offered: OfferedCollection, files: Sequence[AdoptableAgent]
    ) -> list[tuple[AdoptableAgent, str]]:
        names: dict[tuple[str, str | None], str] = {}
        for path, data in offered.files.items():
            names.setdefault((written_for(path), name_in(path, data)), path)
        found = []
        for file in files:
            path = names.get((file.client, file.agent.name), "")
            there = path and read_collected(self.workspace.clients[file.client], offered.files[path], path)
            if there and there.fault is None and rule_similarity(there.rules, file.agent.rules) >= ENOUGH:
                found.append((file, path))
        return found

    def _agent_choice(
        self, offered: OfferedCollection, client: str, rows: Sequence[tuple[AdoptableAgent, str]]
    ) -> AdoptionChoice:
        """The choice for files that are agents of a collection."""
        paths = [path for _, path in rows]
        names = {path: name_in(path, data) or path for path, data in offered.files.items()}
        uses = Counter(names.values())
        asked = tuple(names[path] if uses[names[path]] == 1 else path for path in paths)
        entry = self._entry_of(offered)
        if entry is None:
            numbered = (f"{offered.pack}-{number}" for number in range(2, 10_000))
            name = self._free((offered.pack, f"{offered.source}-{offered.pack}", *numbered))
            entry = ManifestEntry(
                Requirement(pack=name),
                offered.pack,
                self._only([client]),
                source=offered.source,
                original=None if name == offered.pack else offered.pack,
                personas=None if {*paths} == offered.files.keys() else asked,
            )
        elif entry.personas is not None:
            entry = entry._replace(personas=tuple(dict.fromkeys((*entry.personas, *asked))))
        else:
            back = {*paths, *asked, *(names[path] for path in paths)}
            entry = entry._replace(without=tuple(one for one in entry.without if one not in back))
        return AdoptionChoice(tuple(file for file, _ in rows), entry, inner={file.path: path for file, path in rows})

    # Known releases.

    def _known_releases(self) -> Iterator[Requirement]:
        """Every release of every pack that is not in the manifest, newest first."""
        for pack in self.candidates.known():
            if self.manifest.wanted(pack) is None and pack not in self._packs:
                for ref in self._releases(PackName(pack)):
                    yield Requirement(pack=ref.pack, range=f"=={ref.version}")

    def _releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        try:
            return self.candidates.releases(pack)
        except AgentpackError:
            return ()  # a pack that its source may have, which cannot be asked, is nothing to recognise

    def _personas(self, requirement: Requirement) -> int:
        try:
            return len(self.candidates.read(requirement.pack, _exactly(requirement))[1].personas)
        except AgentpackError:
            return 0  # a pack that does not read is nothing to recognise

    def _renderings(self, requirement: Requirement, client: str) -> tuple[tuple[Rendering, Agent | None], ...]:
        """What a release renders to for a client, with the agent in the text of one with a single file."""
        key = requirement, client
        if key not in self._rendered:
            try:
                chosen = select_requirement(self.candidates, requirement, {}).for_clients((client,))
                files = [file for file in chosen.preview().files.values() if file.client == client]  # no skills
            except AgentpackError:
                files = []
            target = self.workspace.clients[client]
            self._rendered[key] = tuple(
                (file, read_file(target, file.content, file.persona) if len(files) == 1 else None) for file in files
            )
        return self._rendered[key]

    def _in_packs(self, files: Sequence[AdoptableAgent]) -> list[AdoptableAgent]:
        """Choose for the files that are the very text of a persona in a release; returns the others."""
        left = list(files)
        for requirement in list(self._known_releases()) if left else ():
            count = self._personas(requirement) if left and requirement.pack not in self._packs else 0
            same: dict[tuple[str, ...], list[AdoptableAgent]] = {}
            for client in dict.fromkeys(file.client for file in left) if count else ():
                there = {(one.persona, one.digest) for one, _ in self._renderings(requirement, client)}
                mine = [file for file in left if file.client == client]
                found = [file for file in mine if (slug(file.agent.name), text_digest(file.data)) in there]
                if found:
                    same.setdefault(tuple(sorted({slug(file.agent.name) for file in found})), []).extend(found)
            if same:
                personas, own = max(same.items(), key=lambda row: len(row[1]))
                entry = ManifestEntry(requirement, str(requirement), self._only(file.client for file in own))
                self._add_release(entry._replace(personas=personas if len(personas) < count else None), own)
                left = [file for file in left if file not in own]
        return left

    @property
    def _packs(self) -> set[PackName]:
        """The names of the packs chosen so far."""
        return {one.entry.requirement.pack for one in self._choices}

    def _add_release(self, entry: ManifestEntry, own: Sequence[AdoptableAgent]) -> None:
        version = str(_exactly(entry.requirement))
        names = {file.path: slug(file.agent.name) for file in own}
        self._choices.append(AdoptionChoice(tuple(own), entry, version, personas=names))

    def _renamed(self, requirement: Requirement, name: str, own: Sequence[AdoptableAgent]) -> ManifestEntry:
        """The entry for a release of one persona, which has the name of the files."""
        (persona,) = self.candidates.read(requirement.pack, _exactly(requirement))[1].personas
        renames = {} if persona == name else {persona: name}
        return ManifestEntry(requirement, str(requirement), self._only(file.client for file in own), {}, renames)

    def _recognised(self, file: AdoptableAgent) -> Requirement | None:
        """The release of one persona, and its variants, that a file is most similar to; None if none is similar
        enough.
        """
        best: tuple[float, Requirement] | None = None
        for requirement in self._known_releases():
            scored = self._best_variants(requirement, file)
            if scored is not None and (best is None or scored[0] > best[0]):
                best = scored
        return best[1] if best is not None and best[0] >= ENOUGH else None

    def _best_variants(self, requirement: Requirement, file: AdoptableAgent) -> tuple[float, Requirement] | None:
        """The score and the requirement, with the variants that make a release most similar to the file, chosen one at
        a time. None if the release has several personas, or is too different without variants.
        """
        best = self._score(requirement, file) if self._personas(requirement) == 1 else None
        if best is None or best < ENOUGH / 2:
            return None
        left = {*self.candidates.read(requirement.pack, _exactly(requirement))[1].variant_names}
        while best < 2:
            scored = []
            for name in sorted(left):
                variants = tuple(sorted({*requirement.variants, name}))
                more = Requirement(pack=requirement.pack, range=requirement.range, variants=variants)
                score = self._score(more, file)
                if score is not None and score > best:
                    scored.append((score, name, more))
            if not scored:
                break
            best, name, requirement = max(scored, key=lambda row: row[0])
            left.discard(name)
        return best, requirement

    def _score(self, requirement: Requirement, file: AdoptableAgent) -> float | None:
        """2 for identical bytes, else the share of common rules; None if it cannot be rendered or has several files."""
        rendered = self._renderings(requirement, file.client)
        if len(rendered) != 1:
            return None
        ((rendering, agent),) = rendered
        assert agent is not None
        return 2.0 if rendering.digest == text_digest(file.data) else rule_similarity(agent.rules, file.agent.rules)

    # Text of the user's own.

    def _add_pack(self, own: Sequence[AdoptableAgent]) -> None:
        """Record the files of one agent as a pack of its own."""
        name = own[0].agent.name
        pack = self._free((name, f"{name}-{LOCAL}", *(f"{name}-{LOCAL}-{i}" for i in range(2, 10_000))))
        entry = ManifestEntry(Requirement(pack=pack), pack, self._only(file.client for file in own))
        files = local_pack(pack, [file.agent for file in own])
        self._choices.append(AdoptionChoice(tuple(own), entry, VERSION, pack_files=files))

    def _add_collection(self, client: str, own: Sequence[AdoptableAgent]) -> None:
        """Record files of one client as agents of a local collection: of the one that is there, else of a new one."""
        workspace = self.workspace
        stem = _LOCAL_COLLECTIONS[workspace.scope.kind]
        folder = workspace.scope.own_packs
        new = {file.inner: file.data for file in own}
        for name in map(pack_name, (stem, *(f"{stem}-{number}" for number in range(2, 10_000)))):
            entry = self.manifest.wanted(name)
            if entry is None and name in self._taken:
                continue
            if entry is not None and not (self._is_own(entry) and {*(entry.clients or self.clients)} == {client}):
                continue
            there = self._own_files(name, entry)
            met = {path: workspace.disk.read(f"{folder}/{name}/{path}") for path in new}
            if there is None or any(data not in (None, new[path]) for path, data in met.items()):
                continue
            names = {slug(name_in(path, data) or "") for path, data in there.items() if path not in new}
            if not names.isdisjoint(slug(file.agent.name) for file in own):
                continue
            self._taken.add(name)
            state = {**there, **new}
            if entry is None:
                entry = ManifestEntry(Requirement(pack=name), name, self._only([client]), source=LOCAL)
                entry = entry._replace(personas=tuple(file.agent.name for file in own) if there.keys() - new else None)
            elif entry.personas is not None:
                more = (file.agent.name for file in own)
                entry = entry._replace(personas=tuple(dict.fromkeys((*entry.personas, *more))))
            inner = {file.path: file.inner for file in own}
            self._choices.append(AdoptionChoice(tuple(own), entry, inner=inner, pack_files=new, state=state))
            return

    def _is_own(self, entry: ManifestEntry) -> bool:
        source = self.candidates.sources.source(entry.source)
        scope = self.workspace.scope
        return source is not None and source.where == scope.absolute(scope.own_packs)

    def _own_files(self, name: PackName, entry: ManifestEntry | None) -> Mapping[str, bytes] | None:
        """The agent files of a local collection, as locked if they are; None if the folder holds something else."""
        workspace = self.workspace
        if entry is not None:
            refs = self.candidates.releases(name)
            return self.candidates.fetched(refs[0]).files if refs and refs[0].bare else None
        folder = f"{workspace.scope.own_packs}/{name}"
        if workspace.disk.stamp(folder) is None:
            return {}
        return own_collection(workspace, name)


def own_collection(workspace: Workspace, name: PackName) -> Mapping[str, bytes] | None:
    """The agent files of a local collection, by path in its folder. None if there is none, or it cannot be read."""
    from agentpack.model.manifest import ConfiguredSource

    path = workspace.scope.own_packs.removeprefix("$config/")
    source = workspace.sources.one(ConfiguredSource(LOCAL, "path", path))
    try:
        if source.releases(name):
            return None
        state = source.state_of(name)
        return source.read(state) if state is not None else None
    except (AgentpackError, OSError):
        return None


def _collections(source: Source, entries: Iterable[ManifestEntry]) -> Iterator[OfferedCollection]:
    """The packs that a source offers as a collection, and those of it that the manifest names."""
    try:
        names = [pack.name for pack in source.collection.packs]
        names += [entry.name_there for entry in entries if entry.source == source.name]
        for name in dict.fromkeys(names):
            state = source.state_of(name)
            if state is not None:
                files = source.read(state)
                taken = (layer.file.partition("/")[2] for layer in read_agents(files, name).personas.values())
                yield OfferedCollection(source.name, name, {path: files[path] for path in taken})
    except (AgentpackError, OSError):
        return  # what cannot be read is nothing to recognise


def _exactly(requirement: Requirement) -> Version:
    return Version(requirement.range.removeprefix("=="))
