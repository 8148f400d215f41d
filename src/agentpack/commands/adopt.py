"""adopt: bring existing agent files of clients under management, as they are.

No byte of a file changes, and no file moves. `adopted_as.py` decides what a file is recorded as: an agent of a
collection or a known release, with differences counted as an edit, or an agent of a local collection, which keeps a
copy of it. One transaction covers the record of all files, the manifest, the lock and the local packs; a rollback
removes them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from os.path import normpath
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.clients import choose_clients
from agentpack.changes.decisions import confirm_and_commit, propose_change
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.clients import SKILLS
from agentpack.commands.adoptable import AdoptableAgent, PassedOver, find, refusal
from agentpack.commands.adopted_as import LOCAL, AdoptionChoice, Recognition, read_written
from agentpack.edits.recognise import VERSION, Agent
from agentpack.errors import DecisionNeeded
from agentpack.fetch import Sources
from agentpack.model.changes import STILL, Action, Plan
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.model.names import PackName, content_digest, slug, text_digest
from agentpack.model.pack import ReleaseRef
from agentpack.read import ORIGINALS
from agentpack.resolve.words import listed
from agentpack.sources.base import OnlyPacks, Source
from agentpack.sources.collection import CollectionPack, state_version
from agentpack.wanted.assignment import RestrictionsLost
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace, changing

_GAINED = frozenset({Action.CREATE, Action.ADOPT, Action.TAKE})
"""What may happen to the skills of an agent that is adopted: none of it changes a file that is there."""


class AdoptedFile(NamedTuple):
    """One file and what it was recorded as. `edited` describes the difference to the pack's text; empty if there is
    none. `copy` is the path of the copy that a local pack has of it; empty for a pack of another source.
    """

    path: str
    pack: str
    version: str
    variants: tuple[str, ...]
    local: bool
    edited: str
    copy: str = ""


class Adoption(NamedTuple):
    """The result: the outcome, each adopted file, the paths that were managed already, and the files that were not
    adopted: `passed` those that are no agents or were only found, `refused` those that were named.
    """

    outcome: Outcome
    adopted: tuple[AdoptedFile, ...] = ()
    managed: tuple[str, ...] = ()
    passed: tuple[PassedOver, ...] = ()
    refused: tuple[PassedOver, ...] = ()


@changing
def adopt(workspace: Workspace, request: ChangeRequest) -> Adoption:
    """Bring the files under management, in one change; without names, all agent files of the clients that are used
    here. Files that are managed already are left alone, and those that are no agents.

    Raises:
        UsageError: none of the named files can be adopted; the details say why for each.
    """
    command = " ".join(("adopt", *request.names))
    found = find(workspace, request.names)
    files, twice = _one_of_each(workspace, found.agents)
    if found.refused and not (files or found.managed or found.passed):
        raise refusal(found.refused, "nothing was changed")
    passed = (*found.passed, *twice)
    if not files:
        scope = workspace.scope
        nothing = Outcome(command=command, scope=scope.kind, root=scope.root, plan=Plan(changes=()))
        return Adoption(nothing, (), found.managed, passed, found.refused)
    old = workspace.manifest
    recorded, unwritten = _record(workspace, files)
    taken, recognition, manifest, source, choices, wanted = recorded
    as_they_are = tuple(_with_originals(choice, wanted) for choice in choices)
    if as_they_are != choices:
        choices, wanted = as_they_are, _wanted(workspace, manifest, source, as_they_are)
    wanted = wanted._replace(skipped=taken.skipped)
    adopted = tuple(_adopted(workspace, wanted, choices))
    state = desired_state(workspace, old, manifest, wanted)._replace(
        extra_documents=_pack_documents(workspace, choices),
        notes=(*_where_to_edit(workspace, choices), *_held(choices)),
    )
    request = request._replace(decisions=Decisions(adopt_as_is=True), require_acceptance=False)
    proposed = propose_change(workspace, command, state, request)
    _refuse_more(workspace, proposed, choices)
    outcome = confirm_and_commit(workspace, wanted, request, proposed)
    return Adoption(outcome, adopted, found.managed, (*passed, *recognition.passed, *unwritten), found.refused)


def _one_of_each(
    workspace: Workspace, files: Sequence[AdoptableAgent]
) -> tuple[tuple[AdoptableAgent, ...], tuple[PassedOver, ...]]:
    """The files, and those whose client has another agent of the same name already: it uses only one of them."""
    ours = {(row.client, row.persona): row.path for row in workspace.states.recorded.values()}
    known: dict[tuple[str, str], str] = {}
    taken, twice = [], []
    for file in files:
        key = file.client, file.agent.name
        there = known.get(key) or ours.get((file.client, slug(file.agent.name)))
        if there is None:
            known[key] = file.path
            taken.append(file)
        else:
            twice.append(PassedOver(file.path, f"`{workspace.scope.shown(there)}` has the same name"))
    return tuple(taken), tuple(twice)


class _Recorded(NamedTuple):
    """The packs and manifest entries that adopted files are recorded under."""

    taken: Selection
    recognition: Recognition
    manifest: Manifest
    source: ConfiguredSource | None
    choices: tuple[AdoptionChoice, ...]
    wanted: Wanted


def _record(workspace: Workspace, files: Sequence[AdoptableAgent]) -> tuple[_Recorded, list[PassedOver]]:
    """What the files are recorded as, and the files passed over because their clients could not get them.

    Raises:
        DecisionNeeded: none of the files would be left.
    """
    passed: list[PassedOver] = []
    while True:
        try:
            recorded = _recorded(workspace, files)
            out = _unwritten(workspace, recorded)
        except RestrictionsLost as error:
            out = [
                PassedOver(
                    file.path,
                    f"{workspace.clients[file.client].title} cannot limit it as the clients of the other files do: "
                    f"`--accept widened:{file.client}` adopts it",
                )
                for file in files
                if (file.client, slug(file.agent.name)) in error.agents
            ]
            if not out:
                raise
        if not out:
            return recorded, passed
        passed += out
        gone = {one.path for one in out}
        files = [file for file in files if file.path not in gone]
        if not files:
            raise DecisionNeeded(
                "agentpack cannot write the agents in these files for their clients; nothing was changed",
                details=[f"{workspace.scope.absolute(one.path)}: {one.reason}" for one in passed],
            )


def _recorded(workspace: Workspace, files: Sequence[AdoptableAgent]) -> _Recorded:
    old = workspace.manifest
    candidates = candidates_to_install(workspace, old, workspace.lock)
    if old.clients is None and not old.packs and workspace.lock is None:
        taken = choose(candidates, old).for_clients(sorted({file.client for file in files}))
    else:
        taken = choose_clients(choose(candidates, old))
    recognition = Recognition(candidates, taken.clients)
    choices = recognition.choices(files)
    manifest, source, choices = _manifest(workspace, taken.with_named_clients().manifest, choices)
    wanted = _wanted(workspace, manifest, source, choices)
    return _Recorded(taken, recognition, manifest, source, choices, wanted)


def _unwritten(workspace: Workspace, recorded: _Recorded) -> list[PassedOver]:
    """The recorded files that agentpack does not write for their client today, each with the reason."""
    wanted, found = recorded.wanted, []
    for file in (file for choice in recorded.choices for file in choice.files):
        if file.path not in wanted.files:
            title = workspace.clients[file.client].title
            others = {one.file for one in wanted.unwritten if one.title == title}
            read = next((p for p in sorted(others) if wanted.files[p].persona == slug(file.agent.name)), None)
            why = f"{title} reads `{read}`, which has the same name" if read else f"it is not written for {title}"
            found.append(PassedOver(file.path, why))
    return found


# Manifest, lock and local packs.


class _PendingSource(OnlyPacks):
    """A source of local packs and collections that are not on disk yet."""

    is_missing = False

    def __init__(self, name: str, where: str, there: Source | None, choices: Iterable[AdoptionChoice]) -> None:
        self.name, self.where, self.there = name, where, there
        self.coming = {choice.entry.name_there: choice for choice in choices if choice.pack_files}

    def packs(self) -> Collection[PackName]:
        coming = (name for name, choice in self.coming.items() if not choice.state)
        return {*(self.there.packs() if self.there else ()), *coming}

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        choice = self.coming.get(pack)
        if choice is None:
            return self.there.releases(pack) if self.there else ()
        place = f"{self.where}/{pack}/{VERSION}"
        return () if choice.state else (ReleaseRef(pack, Version(VERSION), self.name, place),)

    def state_of(self, pack: PackName) -> ReleaseRef | None:
        choice = self.coming.get(pack)
        if choice is None:
            return self.there.state_of(pack) if self.there else None
        place = f"{self.where}/{pack}"
        version = state_version(CollectionPack(pack, "", ()), content_digest(choice.state.items()))
        return ReleaseRef(pack, version, self.name, place, bare=True) if choice.state else None

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        choice = self.coming.get(ref.pack)
        if choice is not None:
            return choice.state or choice.pack_files
        assert self.there is not None
        return self.there.read(ref)

    def released(self, ref: ReleaseRef) -> int | None:
        return self.there.released(ref) if self.there is not None and ref.pack not in self.coming else None


def _manifest(
    workspace: Workspace, manifest: Manifest, choices: Sequence[AdoptionChoice]
) -> tuple[Manifest, ConfiguredSource | None, tuple[AdoptionChoice, ...]]:
    """The manifest with the choices added, the source of local packs (None if no choice needs it), and the choices as
    they are in the manifest.
    """
    source = None
    if any(choice.pack_files for choice in choices):
        path = workspace.scope.own_packs.removeprefix("$config/")
        source = next((s for s in manifest.sources if s.kind == "path" and normpath(s.place) == path), None)
    if source is None and any(choice.pack_files for choice in choices):
        taken = {"bundled", *(s.name for s in manifest.sources)}
        names = (LOCAL, *(f"{LOCAL}-{i}" for i in range(2, 10_000)))
        source = ConfiguredSource(next(name for name in names if name not in taken), "path", path)
        manifest = manifest._replace(sources=(*manifest.sources, source))
    if source is not None:
        choices = [
            choice._replace(entry=choice.entry._replace(source=source.name)) if choice.state else choice
            for choice in choices
        ]
    entries = {choice.entry.requirement.pack: choice.entry for choice in choices}
    packs = [entries.pop(entry.requirement.pack, entry) for entry in manifest.packs]
    return manifest._replace(packs=(*packs, *entries.values())), source, tuple(choices)


def _pack_documents(workspace: Workspace, choices: Iterable[AdoptionChoice]) -> dict[str, bytes]:
    documents: dict[str, bytes] = {}
    for choice in choices:
        for path, data in choice.pack_files.items():
            place = _copy(workspace, choice, path)
            if choice.state and workspace.disk.read(place) == data:
                continue
            if workspace.disk.stamp(place) is not None:
                hint = "move it elsewhere, or install it"
                raise DecisionNeeded(f"{workspace.scope.absolute(place)} already exists", hint=hint)
            documents[place] = data
    return documents


def _copy(workspace: Workspace, choice: AdoptionChoice, path: str) -> str:
    """The named path of a file of a local pack."""
    version = "" if choice.state else f"{VERSION}/"
    return f"{workspace.scope.own_packs}/{choice.entry.name_there}/{version}{path}"


def _wanted(
    workspace: Workspace, manifest: Manifest, source: ConfiguredSource | None, choices: Sequence[AdoptionChoice]
) -> Wanted:
    anew = [choice.entry.requirement.pack for choice in choices if choice.state]
    candidates = candidates_to_install(workspace, manifest, workspace.lock, refresh=anew, anywhere=anew, aside=True)
    if source is not None:
        before = candidates.sources
        where = workspace.sources.one(source).where
        ours = _PendingSource(source.name, where, before.source(source.name), choices)
        every = [ours if one.name == source.name else one for one in before.all]
        missing = {*before.missing} - {source.name}
        candidates.use(
            Sources(every, before.remembered, named=before.named, missing=missing, patterns=manifest.sources)
        )
    chosen = choose(candidates, manifest)
    for choice in choices:
        candidates.paths.update(_kept(candidates, choice))
    return choose_clients(chosen).enforced()


def _kept(candidates: Candidates, choice: AdoptionChoice) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Where the files of a release's or a collection's agents stay, as in `Candidates.paths`."""
    pack = choice.entry.requirement.pack
    for file in choice.files:
        if (name := choice.personas.get(file.path)) is not None:
            yield (file.client, pack, name), file.path
    if not choice.inner:
        return
    personas = candidates.read(pack, candidates.releases(pack)[0].version)[1].personas
    by_path = {layer.file.partition("/")[2]: persona for persona, layer in personas.items()}
    for file in choice.files:
        if (persona := by_path.get(choice.inner[file.path])) is not None:
            yield (file.client, pack, choice.entry.renames.get(persona, persona)), file.path


def _with_originals(choice: AdoptionChoice, wanted: Wanted) -> AdoptionChoice:
    """The choice, whose local pack also keeps the adopted files themselves, for their clients, where agentpack would
    render the persona to another text."""
    originals = {
        f"{ORIGINALS}/{file.client}/{file.agent.name}": file.data
        for file in choice.files
        if choice.pack_files and not choice.state and wanted.files[file.path].digest != text_digest(file.data)
    }
    return choice._replace(pack_files={**choice.pack_files, **originals}) if originals else choice


def _refuse_more(workspace: Workspace, proposed: Outcome, choices: Iterable[AdoptionChoice]) -> None:
    """Raise DecisionNeeded if anything would change but these files and the skills that belong to them."""
    own = {file.path for choice in choices for file in choice.files}
    packs = {choice.entry.requirement.pack for choice in choices}
    skills = {c.path for c in proposed.plan.changes if c.client in SKILLS and c.pack in packs and c.action in _GAINED}
    more = [c.path for c in proposed.plan.changes if c.path not in own | skills and c.action not in STILL]
    if more:
        raise DecisionNeeded(
            "adopting these would also change other files; nothing was changed",
            details=[workspace.scope.absolute(path) for path in more],
            hint="bring those up to date first, with `agentpack sync` or `agentpack upgrade`",
        )


# What is said.


def _adopted(workspace: Workspace, wanted: Wanted, choices: Iterable[AdoptionChoice]) -> Iterator[AdoptedFile]:
    for choice in choices:
        entry = choice.entry
        locked = wanted.lock.pack(entry.requirement.pack)
        for file in choice.files:
            content = wanted.files[file.path].content
            same = wanted.files[file.path].digest == text_digest(file.data)
            inner = choice.inner.get(file.path, f"personas/{file.agent.name}.md")
            yield AdoptedFile(
                file.path,
                entry.requirement.pack,
                choice.version or (locked.version if locked else ""),
                entry.requirement.variants,
                bool(choice.pack_files),
                "" if same else _difference(read_written(workspace, file, content), file.agent),
                workspace.scope.shown(_copy(workspace, choice, inner)) if choice.pack_files else "",
            )


def _difference(ours: Agent, theirs: Agent) -> str:
    if ours.is_equivalent(theirs):
        return "formatting only"
    if theirs.ignored:
        fields = ", ".join(f"`{field}`" for field in theirs.ignored)
        return f"the header, in fields that agentpack does not write: {fields}"
    if ours.body == theirs.body:
        return "the header"
    one, other = ours.rules, theirs.rules
    parts = [
        f"{_rules(len(other - one))} of its own" if other - one else "",
        f"{_rules(len(one - other))} of the pack that it lacks" if one - other else "",
        "the header" if ours.fields != theirs.fields and one != other else "",
    ]
    return listed(filter(None, parts)) or "header or white space"


def _rules(count: int) -> str:
    return f"{count} rule{'' if count == 1 else 's'}"


def _held(choices: Iterable[AdoptionChoice]) -> Iterator[str]:
    """A note for each pack that stays at the recognised release: which command installs a newer one."""
    for pack, range in dict.fromkeys((one.entry.requirement.pack, one.entry.requirement.range) for one in choices):
        if range.startswith("=="):
            way = f"`agentpack upgrade --latest {pack}` installs newer releases and keeps your edits"
            yield f"agentpack.yaml has `{pack}{range}`, the release of your file: {way}"


def _where_to_edit(workspace: Workspace, choices: Iterable[AdoptionChoice]) -> Iterator[str]:
    """A note on how to edit the agents of local collections from now on; none without such agents."""
    for choice in choices:
        if choice.state:
            inner = [*choice.inner.values()]
            folder = _copy(workspace, choice, inner[0] if len(inner) == 1 else "")
            place = workspace.scope.shown(folder.rstrip("/"))
            what = f"edit {place}" if len(inner) == 1 else f"edit the copies in {place}"
            yield f"from now on, {what} and run `agentpack upgrade`; or edit the agent files: upgrades merge your edits"
