"""uninstall: remove packs, variants or clients from the manifest, and from lock and disk what nothing else needs."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from shlex import quote

from agentpack.changes.clients import choose_clients, default_clients
from agentpack.changes.conflicts import ConflictsFound
from agentpack.changes.decisions import make_change
from agentpack.changes.history import reaches_back
from agentpack.changes.outcome import Outcome
from agentpack.changes.planning import own_packs, own_sources
from agentpack.changes.request import ChangeRequest, DesiredState, desired_state
from agentpack.errors import AgentpackError, DecisionNeeded, Refused, UsageError
from agentpack.model.changes import Action, Plan
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.requirement import Requirement
from agentpack.store import layout
from agentpack.wanted.candidates import candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.workspace.preconditions import nothing_installed_error, parse_named, require_packs
from agentpack.workspace.workspace import Workspace, changing
from agentpack.writers.manifest_text import new_manifest
from agentpack.writers.schema_line import without_schema_line

_BACK_TO_BEFORE = "`agentpack rollback 0` restores all files as they were before agentpack's first command here"
_ONE_AGENT = "`agentpack install {pack} --without {agent}` removes only this agent"


@changing
def uninstall(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Remove packs from the manifest (`pack[variant]`: only that variant), and from lock and disk what nothing else
    needs.

    With clients, remove only these clients from the named packs, or from all packs. A manifest that is left empty is
    deleted with the lock, if agentpack wrote everything in it.

    Raises:
        UsageError: the pack, variant or client is not installed here.
        DecisionNeeded: a pack would be left without a client; or like `make_change`.
    """
    clients = request.clients
    asked = [parse_named(workspace, name, agent=_ONE_AGENT) for name in request.names]
    if request.everything and not clients:
        asked = [Requirement(pack=entry.requirement.pack) for entry in workspace.manifest.packs]
    if clients and any(requirement.variants for requirement in asked):
        raise UsageError("a variant applies to all clients of its pack: `--client` cannot be used with `NAME[VARIANT]`")
    gone = [] if clients else [requirement for requirement in asked if _is_gone(workspace, requirement)]
    is_absent = workspace.documents.manifest_bytes is None
    is_clean = request.everything and not clients and (is_absent or workspace.lock is None)
    if len(gone) == len(asked) and (gone or is_clean):
        return Outcome(
            command=" ".join(("uninstall", *request.names)),
            scope=workspace.scope.kind,
            root=workspace.scope.root,
            plan=Plan(changes=()),
            notes=tuple(f"`{requirement.pack}` was removed before" for requirement in gone),
            dry_run=request.dry_run,
        )
    asked = [requirement for requirement in asked if requirement not in gone]
    if is_absent:
        raise nothing_installed_error()
    require_packs(workspace, (requirement.pack for requirement in asked), agent=_ONE_AGENT)
    old = workspace.manifest
    new = _without_clients(workspace, old, asked, clients) if clients else _without(old, asked)
    keeps = request.decisions.keep_files  # by its source a file can be recognised again
    state = _state_without(workspace, old, new, keeps_sources=keeps)
    told = [*state.notes, *_texts_that_stay(workspace, () if clients else asked, state.lock)]
    command = " ".join(("uninstall", *request.names))
    told += _copies_that_stay(workspace, asked, new)
    if not new.packs and request.everything:
        if state.manifest is not None:
            told.append(f"{workspace.scope.absolute(workspace.scope.manifest)} stays: it has more in it than packs")
        told += _history_that_stays(workspace)
        told.append("the cache stays: `agentpack cache prune --all` empties it")
    state = state._replace(notes=(), notes_on=partial(_notes, workspace, told))
    try:
        return make_change(workspace, command, state, request.restricted_to(asked))
    except ConflictsFound as error:
        own = own_packs(workspace)  # what was edited since it was adopted would get its old text back
        loses = any(change.why == "edited" and change.pack in own for change in error.outcome.plan.conflicts)
        if not new.packs and request.everything and not loses and reaches_back(workspace):
            error.ways += (_BACK_TO_BEFORE,)
            error.hint = "; ".join(error.ways)
        raise


def _is_gone(workspace: Workspace, requirement: Requirement) -> bool:
    """Whether a pack was installed here once and is not any more: removing it again changes nothing."""
    is_locked = workspace.lock is not None and workspace.lock.pack(requirement.pack) is not None
    if is_locked or workspace.manifest.wanted(requirement.pack) is not None:
        return False
    generations = workspace.store.generations
    return any(
        pin.partition(" ")[0] == requirement.pack
        for number in generations.numbers()
        for pin in generations.read(number).pins
    )


def _state_without(workspace: Workspace, old: Manifest, new: Manifest, *, keeps_sources: bool) -> DesiredState:
    chosen = choose_clients(choose(candidates_to_install(workspace, new, workspace.lock, aside=True), new))
    wanted = chosen.enforced(allow_installed=True)
    unused = () if keeps_sources else _unused_sources(workspace, wanted.lock)
    if unused:
        new = new._replace(sources=tuple(source for source in new.sources if source.name not in unused))
        recorded = {**wanted.lock.manifest, "sources": new.to_data()["sources"]}
        wanted = wanted._replace(lock=wanted.lock._replace(manifest=recorded))
    state = desired_state(workspace, old, new, wanted)
    words = (
        f"also removes the source `{name}`, which `install` had added: no pack uses it any more" for name in unused
    )
    state = state._replace(notes=tuple(words))
    is_empty = not new.packs and not new.models and {source.name for source in new.sources} <= own_sources(workspace)
    if is_empty and state.manifest is not None:
        text, untouched = (without_schema_line(text) for text in (plain(state.manifest).decode(), new_manifest(new)))
        if text == untouched:
            return state._replace(manifest=None, lock=None)
    return state


def _unused_sources(workspace: Workspace, after: Lock) -> Collection[str]:
    """The sources of packs that go, where no other pack uses them and nobody but `install` put them into the manifest,
    as the history of this checkout has it.
    """
    packs = workspace.lock.packs if workspace.lock else ()
    unused = {pack.source for pack in packs} - {pack.source for pack in after.packs}
    unused -= {entry["source"] for entry in after.manifest["packs"] if "source" in entry}
    known = set[str]()
    store, generations = workspace.store, workspace.store.generations
    with suppress(AgentpackError):  # from where a source is cannot be told then
        for number in generations.numbers() if unused else ():
            generation = generations.read(number)
            texts = [row.written for row in generation.documents if row.path == workspace.scope.manifest]
            manifests = [workspace.documents.parse_manifest(store.blobs.get(digest)) for digest in texts]
            there = {source.name for manifest in manifests for source in manifest.sources}
            if generation.command.split()[0] not in ("install", "rollback"):
                unused -= there - known
            known = there
        return sorted(unused & known)
    return ()


# What the manifest says then.


def _without(manifest: Manifest, asked: Sequence[Requirement]) -> Manifest:
    """The manifest without these packs, or for requirements with variants without those variants."""
    for requirement in asked:
        before = manifest.wanted(requirement.pack)
        if before is not None:
            left = [_without_variants(before, requirement.variants)] if requirement.variants else []
            packs = (entry for wanted in manifest.packs for entry in (left if wanted is before else [wanted]))
            manifest = manifest._replace(packs=tuple(packs))
    return manifest


def _without_variants(before: ManifestEntry, variants: Collection[str]) -> ManifestEntry:
    there = before.requirement.variants
    for variant in variants:
        if variant not in there:
            raise UsageError(
                f"`{before.requirement.pack}` is installed without the variant `{variant}`",
                details=[f"with: {', '.join(there)}"] if there else (),
                hint=did_you_mean(variant, there),
            )
    left = before.requirement._replace(variants=tuple(variant for variant in there if variant not in variants))
    return before._replace(requirement=left, text=str(left))


def _without_clients(
    workspace: Workspace, manifest: Manifest, asked: Sequence[Requirement], clients: Sequence[str]
) -> Manifest:
    """The manifest without these clients, in the named packs, or in all packs and its own list."""
    named = {requirement.pack for requirement in asked} or {wanted.requirement.pack for wanted in manifest.packs}
    whole = named == {wanted.requirement.pack for wanted in manifest.packs}
    every = default_clients(workspace, manifest)
    clients_by_pack = workspace.lock.clients_by_pack if manifest.clients is None and workspace.lock is not None else {}
    had = {
        wanted.requirement.pack: clients_by_pack.get(wanted.requirement.pack, every)
        if wanted.clients is None
        else wanted.clients
        for wanted in manifest.packs
    }
    known = sorted({client for pack in named for client in had[pack]} | set(every if whole else ()))
    for client in clients:
        if client not in known:
            raise UsageError(
                f"`{client}` is not a client of {'these packs' if asked else 'this scope'}",
                details=[f"clients: {', '.join(known) or 'none'}"],
                hint=did_you_mean(client, known),
            )
    left = {pack: tuple(client for client in had[pack] if client not in clients) for pack in had}
    bare = [pack for pack in sorted(named) if not left[pack]]
    if bare:
        raise DecisionNeeded(
            f"{', '.join(f'`{pack}`' for pack in bare)} would have no client left; nothing was changed",
            hint=f"`agentpack uninstall {' '.join(bare)}` removes the pack{'s' if len(bare) > 1 else ''}",
        )
    packs = []
    for wanted in manifest.packs:
        pack = wanted.requirement.pack
        follows = wanted.clients is None and whole and pack not in clients_by_pack
        own = pack in named and not follows and left[pack] != had[pack]
        packs.append(wanted._replace(clients=left[pack]) if own else wanted)
    manifest = manifest._replace(packs=tuple(packs))
    if whole:
        rest = tuple(client for client in every if client not in clients)
        of_packs = tuple(dict.fromkeys(client for wanted in packs for client in wanted.clients or ()))
        manifest = manifest._replace(clients=rest or of_packs)
    return manifest


# What is to be said.


def _copies_that_stay(workspace: Workspace, asked: Sequence[Requirement], new: Manifest) -> Iterator[str]:
    """Notes on the copies of the user's own texts in the folder of local packs."""
    own = own_packs(workspace)
    for requirement in asked:
        folder = f"{workspace.scope.own_packs}/{requirement.pack}"
        if requirement.pack in own and new.wanted(requirement.pack) is None and workspace.disk.stamp(folder):
            command = f"rm -r {quote(workspace.scope.absolute(folder))}"
            yield f"{workspace.scope.shown(folder)} is kept, with the copies of your files: `{command}` removes it"


def _texts_that_stay(workspace: Workspace, asked: Sequence[Requirement], after: Lock | None) -> Iterator[str]:
    """Notes on the local variants of what is removed: their files are the user's and stay."""
    rows = workspace.lock.files if workspace.lock else ()
    for requirement in asked:
        pack = requirement.pack
        personas = {workspace.manifest.name_in_pack(pack, row.persona) for row in rows if row.pack == pack}
        for text in workspace.documents.local_texts:
            if text.persona in personas and text.name in (requirement.variants or (text.name,)):
                way = f'`agentpack install "{pack}[{text.name}]"{_place_again(workspace, pack, after)}` uses it again'
                yield f"your local variant {workspace.scope.absolute(text.path)} is kept: {way}"


def _place_again(workspace: Workspace, pack: PackName, after: Lock | None) -> str:
    """The option that names the source of a pack; empty if nothing removes that source."""
    from agentpack.changes.place_arguments import source_of, typed  # only where a local variant stays

    left = {source["name"] for source in after.manifest["sources"]} if after else set[str]()
    name = source_of(workspace, workspace.manifest, pack)
    gone = (source for source in workspace.manifest.sources if source.name == name and name not in left)
    places = (typed(workspace.sources.one(source), workspace.environment.cwd) for source in gone)
    return "".join(f" --source {quote(place)}" for place in places)


def _history_that_stays(workspace: Workspace) -> Iterator[str]:
    """A note on the history, which stays, and on the file that says it is this user's. The state folder of the user
    scope also has those files, of every project.
    """
    absolute, known = workspace.disk.absolute, workspace.disk.known_states
    if known is None:
        places = [absolute(path) for path in (layout.CURRENT, layout.GENERATIONS, layout.BLOBS)]
    else:
        places = [absolute(layout.STATE), known.file_of(absolute(layout.STATE))]
    command = " ".join(("rm -r", *(quote(place) for place in places if place)))
    yield f"the history stays, for `agentpack rollback`: `{command}` removes it"


def _notes(workspace: Workspace, told: Sequence[str], planned: Plan) -> Iterator[str]:
    """The notes to show: `told`, then one on each file that agentpack had replaced. Empty if a conflict stops this."""
    if not planned.conflicts:
        yield from told
        yield from _earlier_texts(workspace, planned)


def _earlier_texts(workspace: Workspace, planned: Plan) -> Iterator[str]:
    """Notes on files that existed before agentpack took them over: how to restore them."""
    gone = {change.path for change in planned.changes if change.action is Action.DELETE}
    generations = workspace.store.generations
    numbers = generations.numbers() if gone else []
    try:
        for number in reversed(numbers):
            found = generations.read(number)
            taken = gone & {path for path, _, _ in found.replaced}
            if found.parent in numbers:
                taken -= {file.path for file in generations.read(found.parent).files}
            elif found.parent:
                continue  # forgotten: there is no way back to it
            for path in sorted(taken):
                yield (
                    f"{workspace.scope.absolute(path)} existed before agentpack managed it; its old text is in the "
                    f"history: `agentpack rollback {found.parent}` restores that state"
                )
            gone -= taken
    except Refused as error:  # what is only worth a note stops nobody
        yield f"{error.message}: agentpack cannot tell whether files existed before it managed them"
