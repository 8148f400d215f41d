"""adopt: bring existing agent files of clients under management without changing their meaning.

Decides what a file is recorded as: a known release, with differences counted as an edit, or else a local pack made from
it. A file that means the same as the rendering but is written differently is rewritten as rendered; all others stay
byte for byte. One transaction covers all files, the manifest, the lock and the local packs; a rollback restores the
files and removes the rest.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.clients import choose_clients
from agentpack.changes.decisions import confirm_and_commit, propose_change
from agentpack.changes.named_release import select_requirement
from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.commands.adoptable import AdoptableAgent, find
from agentpack.edits.recognise import ENOUGH, VERSION, Agent, local_pack, read_file, rule_similarity
from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.fetch import Sources
from agentpack.model.changes import STILL, Plan
from agentpack.model.manifest import ConfiguredSource, Manifest, ManifestEntry
from agentpack.model.names import PackName, pack_name, text_digest
from agentpack.model.pack import ReleaseRef
from agentpack.model.requirement import Requirement
from agentpack.read import ORIGINALS
from agentpack.sources.base import OnlyPacks, Source
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace, changing

LOCAL = "local"


class AdoptedFile(NamedTuple):
    """One file and what it was recorded as. `edited` describes the difference to the pack's text; empty if there is
    none.

    `rewritten`: it meant the same but was written differently, and is now as rendered.
    """

    path: str
    pack: str
    version: str
    variants: tuple[str, ...]
    local: bool
    edited: str
    rewritten: bool = False


class Adoption(NamedTuple):
    """The result: the outcome, each adopted file, and the paths that were managed already."""

    outcome: Outcome
    adopted: tuple[AdoptedFile, ...]
    managed: tuple[str, ...]


class AdoptionChoice(NamedTuple):
    """What the files of one persona are recorded as."""

    files: tuple[AdoptableAgent, ...]
    entry: ManifestEntry
    version: str
    pack_files: Mapping[str, bytes]
    """The files of the local pack; empty for a release."""


@changing
def adopt(workspace: Workspace, request: ChangeRequest) -> Adoption:
    """Bring the files under management, all or none. Files that are managed already are left alone.

    Raises:
        UsageError: a file cannot be adopted; the details say why for each.
    """
    command = " ".join(("adopt", *request.names))
    files, known = find(workspace, request.names)
    managed = tuple(one.path for one in known)
    if not files:
        scope = workspace.scope
        nothing = Outcome(command=command, scope=scope.kind, root=scope.root, plan=Plan(changes=()))
        return Adoption(nothing, (), managed)
    old = workspace.manifest
    candidates = candidates_to_install(workspace, old, workspace.lock)
    if old.clients is None and not old.packs and workspace.lock is None:
        taken = choose(candidates, old).for_clients(sorted({file.client for file in files}))
    else:
        taken = choose_clients(choose(candidates, old))
    choices = _choices(candidates, files, taken.clients)
    manifest, source = _manifest(workspace, taken.with_named_clients().manifest, choices)
    wanted = _wanted(workspace, manifest, source, choices)
    as_they_are = tuple(_with_originals(choice, wanted) for choice in choices)
    if as_they_are != choices:
        choices, wanted = as_they_are, _wanted(workspace, manifest, source, as_they_are)
    wanted = wanted._replace(skipped=taken.skipped)
    state = desired_state(workspace, old, manifest, wanted)._replace(
        extra_documents=_pack_documents(workspace, choices)
    )
    adopted = tuple(_adopted(workspace, wanted, choices))
    said = frozenset(file.path for file in adopted if file.rewritten)
    request = replace(request, adopt_as_is=True, reformat=said, require_acceptance=False)
    proposed = propose_change(workspace, command, state, request)
    _refuse_more(workspace, proposed, files)
    return Adoption(confirm_and_commit(workspace, wanted, request, proposed), adopted, managed)


# What each is taken for.


def _choices(
    candidates: Candidates, files: Sequence[AdoptableAgent], clients: Collection[str]
) -> tuple[AdoptionChoice, ...]:
    personas: dict[str, list[AdoptableAgent]] = {}
    for file in files:
        personas.setdefault(file.agent.name, []).append(file)
    taken = {*candidates.known(), *(entry.requirement.pack for entry in candidates.workspace.manifest.packs)}
    choices = []
    for name, own in personas.items():
        own_clients = tuple(sorted(file.client for file in own))
        only = None if set(own_clients) == set(clients) else own_clients
        requirement = _recognised(candidates, own)
        if requirement is not None:
            (persona,) = candidates.read(requirement.pack, _exactly(requirement))[1].personas
            renames = {} if persona == name else {persona: name}
            entry = ManifestEntry(requirement, str(requirement), only, {}, renames)
            choices.append(AdoptionChoice(tuple(own), entry, str(_exactly(requirement)), {}))
            continue
        pack = next(n for n in _names(name) if n not in taken)
        taken.add(pack)
        entry = ManifestEntry(Requirement(pack=pack), pack, only)
        choices.append(AdoptionChoice(tuple(own), entry, VERSION, local_pack(pack, [file.agent for file in own])))
    return tuple(choices)


def _names(name: str) -> Iterator[PackName]:
    yield pack_name(name)
    yield from (pack_name(f"{name}-{LOCAL}" + (f"-{i}" if i > 1 else "")) for i in range(1, 10_000))


def _exactly(requirement: Requirement) -> Version:
    return Version(requirement.range.removeprefix("=="))


def _recognised(candidates: Candidates, files: Sequence[AdoptableAgent]) -> Requirement | None:
    """The release and variants that the first file is most similar to; None if none is similar enough."""
    file = files[0]
    best: tuple[float, Requirement] | None = None
    for requirement in _known_releases(candidates):
        scored = _best_variants(candidates, requirement, file)
        if scored is not None and (best is None or scored[0] > best[0]):
            best = scored
    return best[1] if best is not None and best[0] >= ENOUGH else None


def _known_releases(candidates: Candidates) -> Iterator[Requirement]:
    """Every release of every pack with one persona that is not in the manifest, newest first."""
    for pack in candidates.known():
        if candidates.workspace.manifest.wanted(pack) is not None:
            continue
        for ref in candidates.releases(PackName(pack)):
            yield Requirement(pack=ref.pack, range=f"=={ref.version}")


def _best_variants(
    candidates: Candidates, requirement: Requirement, file: AdoptableAgent
) -> tuple[float, Requirement] | None:
    """The variants that make a release most similar to the file, adding one at a time, with the score."""
    try:
        pack = candidates.read(requirement.pack, _exactly(requirement))[1]
        best = _score(candidates, requirement, file) if len(pack.personas) == 1 else None
    except AgentpackError:
        return None  # a pack that does not read is nothing to recognise
    if best is None or best < ENOUGH / 2:
        return None
    left = set(pack.variant_names)
    while best < 2:
        scored = []
        for name in sorted(left):
            more = Requirement(
                pack=requirement.pack, range=requirement.range, variants=tuple(sorted({*requirement.variants, name}))
            )
            score = _score(candidates, more, file)
            if score is not None and score > best:
                scored.append((score, name, more))
        if not scored:
            break
        best, name, requirement = max(scored, key=lambda row: row[0])
        left.discard(name)
    return best, requirement


def _score(candidates: Candidates, requirement: Requirement, file: AdoptableAgent) -> float | None:
    """2 for identical bytes, else the share of common rules; None if it cannot be rendered or has several files."""
    try:
        renderings = list(
            select_requirement(candidates, requirement, {}).for_clients((file.client,)).preview().files.values()
        )
    except AgentpackError:
        return None
    if len(renderings) != 1:
        return None
    if renderings[0].digest == text_digest(file.data):
        return 2.0
    return rule_similarity(_read(candidates.workspace, file, renderings[0].content).rules, file.agent.rules)


def _read(workspace: Workspace, file: AdoptableAgent, content: bytes) -> Agent:
    """The agent in a text that would be written in place of the file."""
    return read_file(workspace.clients[file.client], content, file.agent.name)


# Manifest, lock and local packs.


class _PendingSource(OnlyPacks):
    """A source of packs that are not on disk yet."""

    is_missing = False

    def __init__(
        self, name: str, folder: str, there: Source | None, packs: Mapping[PackName, Mapping[str, bytes]]
    ) -> None:
        self.name, self.where, self.there, self.coming = name, folder, there, packs

    def packs(self) -> Collection[PackName]:
        return {*(self.there.packs() if self.there else ()), *self.coming}

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        if pack in self.coming:
            return (ReleaseRef(pack, Version(VERSION), self.name, f"{self.where}/{pack}/{VERSION}"),)
        return self.there.releases(pack) if self.there else ()

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        if ref.pack in self.coming:
            return self.coming[ref.pack]
        assert self.there is not None
        return self.there.read(ref)

    def released(self, ref: ReleaseRef) -> int | None:
        return self.there.released(ref) if self.there is not None and ref.pack not in self.coming else None


def _manifest(
    workspace: Workspace, manifest: Manifest, choices: Iterable[AdoptionChoice]
) -> tuple[Manifest, ConfiguredSource | None]:
    """The manifest with the choices added, and the source of local packs if one is needed."""
    packs = (*manifest.packs, *(choice.entry for choice in choices))
    manifest = manifest._replace(packs=packs)
    if not any(choice.pack_files for choice in choices):
        return manifest, None
    path = workspace.scope.own_packs.removeprefix("$config/")
    source = next((s for s in manifest.sources if s.kind == "path" and os.path.normpath(s.place) == path), None)
    if source is None:
        taken = {"bundled", *(s.name for s in manifest.sources)}
        names = (LOCAL, *(f"{LOCAL}-{i}" for i in range(2, 10_000)))
        source = ConfiguredSource(next(name for name in names if name not in taken), "path", path)
        manifest = manifest._replace(sources=(*manifest.sources, source))
    return manifest, source


def _pack_documents(workspace: Workspace, choices: Iterable[AdoptionChoice]) -> dict[str, bytes]:
    folder = workspace.scope.own_packs
    documents = {
        f"{folder}/{choice.entry.requirement.pack}/{VERSION}/{path}": data
        for choice in choices
        for path, data in choice.pack_files.items()
    }
    for path in documents:
        if workspace.disk.stamp(path) is not None:
            raise DecisionNeeded(
                f"{workspace.scope.absolute(path)} is there already", hint="move it away, or install it"
            )
    return documents


def _wanted(
    workspace: Workspace, manifest: Manifest, source: ConfiguredSource | None, choices: Iterable[AdoptionChoice]
) -> Wanted:
    candidates = candidates_to_install(workspace, manifest, workspace.lock)
    if source is not None:
        coming = {choice.entry.requirement.pack: choice.pack_files for choice in choices if choice.pack_files}
        there = candidates.sources.source(source.name)
        ours = _PendingSource(source.name, workspace.sources.one(source).where, there, coming)
        every = [ours if one.name == source.name else one for one in candidates.sources.all]
        candidates.sources = Sources(every, candidates.sources.remembered)
    return choose_clients(choose(candidates, manifest)).enforced()


def _with_originals(choice: AdoptionChoice, wanted: Wanted) -> AdoptionChoice:
    """The local pack with an original beside the persona for each file that agentpack would write differently."""
    originals = {
        f"{ORIGINALS}/{file.client}/{file.agent.name}": file.data
        for file in choice.files
        if choice.pack_files and wanted.files[file.path].digest != text_digest(file.data)
    }
    return choice._replace(pack_files={**choice.pack_files, **originals}) if originals else choice


def _refuse_more(workspace: Workspace, proposed: Outcome, files: Sequence[AdoptableAgent]) -> None:
    """Raise DecisionNeeded if anything but these files would change."""
    own = {file.path for file in files}
    more = [c.path for c in proposed.plan.changes if c.path not in own and c.action not in STILL]
    if more:
        raise DecisionNeeded(
            "other files would change along with these; nothing was changed",
            details=[workspace.scope.absolute(path) for path in more],
            hint="`agentpack sync` first brings the scope to what it asks for",
        )


def _adopted(workspace: Workspace, wanted: Wanted, choices: Iterable[AdoptionChoice]) -> Iterator[AdoptedFile]:
    for choice in choices:
        for file in choice.files:
            requirement = choice.entry.requirement
            content = wanted.files[file.path].content
            ours = _read(workspace, file, content)
            same = wanted.files[file.path].digest == text_digest(file.data)
            rewritten = not same and ours.is_equivalent(file.agent)
            yield AdoptedFile(
                file.path,
                requirement.pack,
                choice.version,
                requirement.variants,
                bool(choice.pack_files),
                "" if rewritten or same else _difference(ours, file.agent),
                rewritten,
            )


def _difference(ours: Agent, theirs: Agent) -> str:
    if theirs.ignored:
        fields = ", ".join(f"`{field}`" for field in theirs.ignored)
        return f"the header, of which agentpack does not write {fields}"
    if ours.body == theirs.body:
        return "the header, which agentpack would write otherwise"
    one, other = ours.rules, theirs.rules
    parts = [
        f"{len(other - one)} of its rules" if other - one else "",
        f"{len(one - other)} rules of the pack" if one - other else "",
    ]
    return " and ".join(part for part in parts if part) or "header or white space"
