"""install: add requirements to the manifest, resolve, lock, render, and write the files."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from agentpack.changes.clients import DEFAULT, addable_clients, choose_clients, named_clients
from agentpack.changes.decisions import as_typed, make_change
from agentpack.changes.local_variants import wanted_with_variants
from agentpack.changes.newest import kept_out, lost_variants
from agentpack.changes.outcome import Outcome
from agentpack.changes.places import AskedPack, read_arguments
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.environment import NO_PROJECT
from agentpack.errors import AgentpackError, Unresolvable, UsageError
from agentpack.model.changes import WRITES
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import PackName, is_version_word, refuse_lone_versions
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.wanted.assignment import NameTaken
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection, with_clients
from agentpack.wanted.settings import read_settings
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.found_clients import unlisted_clients
from agentpack.workspace.workspace import Workspace, changing

_MANY_TOKENS = 1_000
"""From here on the description of a single agent is worth a note."""


@changing
def install(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Add the requirements to the manifest and bring the scope to the resulting state."""
    _refuse_lone_words(request.names, request.settings)
    old = workspace.manifest
    arguments = read_arguments(workspace, old, request)
    new, asked = arguments.manifest, [pack.requirement for pack in arguments.packs]
    anew = {one.pack for one in asked if request.sources or _wants_newer(one, old)}
    new = _with_requirements(workspace, new, arguments.packs, request)
    moving = {one.pack for one in asked if request.sources or old.wanted(one.pack) is None}
    candidates = candidates_to_install(workspace, new, workspace.lock, refresh=anew, anywhere=moving, aside=True)
    new = _without_settings(_with_settings(candidates, new, asked, request.settings), asked, request.unset)
    request = request.restricted_to(asked)
    try:
        selection = choose(candidates, new)
        chosen = choose_clients(selection, request.decisions).with_named_clients()
        wanted, moved = wanted_with_variants(chosen)
    except NameTaken as error:
        is_only = len(selection.assembler.parts(PackName(error.pack))) == 1
        error.name_commands(f"agentpack {as_typed(workspace, request)}", is_only=is_only)
        raise
    except Unresolvable as error:
        error.hint = _variants_meant(candidates, asked) or error.hint
        raise
    for pack in arguments.packs:
        name = pack.requirement.pack
        chosen.assembler.refuse_unknown(name, pack.personas or ())
        if request.without and all(part.pack.name != name for part in wanted.parts):
            raise UsageError(f"this would leave no agent of `{name}`", hint=f"`agentpack uninstall {name}` removes it")
    new = chosen.manifest
    state = moved.add_to(desired_state(workspace, old, new, wanted))
    told = (*_cost(wanted, arguments.packs, old, request), *_where(chosen, old, request))
    state = state._replace(
        notes=(
            *state.notes,
            *arguments.notes,
            *_newer(chosen, asked, old),
            *_staying(wanted, arguments.packs, old, new, request),
            *_local_variants(workspace, wanted, asked, new),
            *_unlisted(chosen, asked, old, request),
        ),
        notes_on=lambda plan: told if any(change.action in WRITES for change in plan.changes) else (),
    )
    if new.sources:  # not for the packs that come with agentpack
        from agentpack.audit.install_warnings import install_warnings, name_warnings

        names = name_warnings(candidates, old, new, workspace.lock, wanted)
        state = state._replace(warnings=(*names, *install_warnings(candidates, workspace.lock, wanted)))
    return make_change(workspace, " ".join(("install", *request.names)), state, request)


def _where(chosen: Selection, old: Manifest, request: ChangeRequest) -> Iterator[str]:
    """Notes for whoever may have meant a project but is in none, or Claude Code where only others are found."""
    workspace = chosen.workspace
    if workspace.scope.found_by == NO_PROJECT:
        yield "there is no project here, so this is for all your projects; `git init` or `--root .` makes one here"
    if not (request.clients or named_clients(workspace, old) or DEFAULT in chosen.clients):
        found = ", ".join(workspace.client(name).title for name in chosen.clients)
        command = " ".join(("agentpack install", *request.names, "--client claude"))
        yield f"written for {found}, whose folder is here; `{command}` adds Claude Code"


def _unlisted(chosen: Selection, asked: Sequence[Requirement], old: Manifest, request: ChangeRequest) -> Iterator[str]:
    """A sentence on the clients that are used here and get none of these packs, as the manifest lists others."""
    if request.clients:
        return
    clients = unlisted_clients(chosen.workspace, old)
    yield from map(str, addable_clients(chosen, clients, [one.pack for one in asked]))


def _wants_newer(requirement: Requirement, old: Manifest) -> bool:
    """Whether the locked release is ignored: for `@latest`, or a range other than the manifest's."""
    before = old.wanted(requirement.pack)
    if requirement.newest or before is None:
        return True
    return "" not in (requirement.range, before.requirement.range) and requirement.range != before.requirement.range


def _newer(chosen: Selection, asked: Sequence[Requirement], old: Manifest) -> Iterator[str]:
    """For each pack that is asked for without a range, a sentence on a newer release: that it lacks a variant, that
    another pack requires an older one, or, if the pack is installed already, how to install it.
    """
    for requirement in asked:
        pack, before = requirement.pack, old.wanted(requirement.pack)
        pin = next((pin for pin in chosen.pins if pin.pack == pack), None)
        if requirement.range or pin is None:
            continue
        final = [version for version in chosen.candidates.published(pack) if not version.is_prerelease]
        newest = max(final, default=pin.version)
        if newest <= pin.version:
            continue
        in_range = before is None or before.requirement.allows(newest)
        if why := kept_out(chosen, pack, newest):
            yield f"{pack} {pin.version} is chosen, because {' and '.join(why)}"
        elif in_range and (lost := lost_variants(chosen.candidates, pack, pin.variants, newest)):
            yield f"{pack} {pin.version} is chosen, because {newest} lacks {lost}"
        elif before:
            yield f"{pack} {newest} is newer; `agentpack upgrade{'' if in_range else ' --latest'} {pack}` installs it"


def _staying(
    wanted: Wanted, asked: Sequence[AskedPack], old: Manifest, new: Manifest, request: ChangeRequest
) -> Iterator[str]:
    """For each installed pack whose entry stays as it is, a sentence on what leaves agents out, or on those that
    `--only` does not leave out.
    """
    for pack in asked if not (request.everything or request.without) else ():
        name, before = pack.requirement.pack, old.wanted(pack.requirement.pack)
        there = {part.persona.name for part in wanted.parts if part.pack.name == name}
        if before is None or before != new.wanted(name):
            continue
        moving = pack.requirement.newest or old.sources != new.sources  # then it is asked for another release
        if request.only and len(there) > len(pack.personas or there):
            ways = f"`agentpack install {name} --without NAME` leaves one out, `agentpack uninstall {name}` removes all"
            yield f"`--only` removes no agents: all {len(there)} of `{name}` stay installed; {ways}"
        elif not request.only and not moving and (before.personas is not None or before.without):
            some = f"`{min(there)}` of `{name}` is" if len(there) == 1 else f"{len(there)} agents of `{name}` are"
            yield f"only {some} installed, as agentpack.yaml says; `agentpack install {name} --all` adds the others"


def _local_variants(workspace: Workspace, wanted: Wanted, asked: Sequence[Requirement], new: Manifest) -> Iterator[str]:
    """A sentence for each local variant of an agent of these packs that is not installed with it."""
    texts = workspace.documents.local_texts
    for requirement in asked if texts else ():
        pack, entry = requirement.pack, new.wanted(requirement.pack)
        used = entry.requirement.variants if entry else ()
        personas = {new.name_in_pack(pack, part.persona.name) for part in wanted.parts if part.pack.name == pack}
        for text in texts:
            if text.persona in personas and text.name not in used:
                place = workspace.scope.absolute(text.path)
                yield f'your local variant {place} is not used: `agentpack install "{pack}[{text.name}]"` adds it'


def _cost(wanted: Wanted, asked: Sequence[AskedPack], old: Manifest, request: ChangeRequest) -> Iterator[str]:
    """What the descriptions of a collection's agents cost: every session of the client has them in context. Where
    nobody chose the agents, also how to choose.
    """
    named = {pack.requirement.pack for pack in asked}
    parts = [part.persona for part in wanted.parts if part.pack.bare and part.pack.name in named]
    if parts:
        from agentpack.model.text_size import count  # only for collections

        tokens = count("\n".join(f"{part.name}: {part.value('description') or ''}" for part in parts))[1]
        if len(parts) > 1:
            chosen = request.only or request.without or any(old.wanted(name) for name in named)
            way = "add" if request.dry_run else "run `agentpack rollback`, then install with"
            some = "" if chosen else f"; for some of them only, {way} `--only NAME`"
            yield f"the descriptions of {len(parts)} agents use about {tokens:,} tokens in every session{some}"
        elif tokens > _MANY_TOKENS:
            yield f"the description of {parts[0].name} uses about {tokens:,} tokens in every session"


def _with_settings(
    candidates: Candidates, manifest: Manifest, asked: Sequence[Requirement], settings: Sequence[str]
) -> Manifest:
    """The manifest with parameters set for the requested packs."""
    values = {one.pack: read_settings(candidates, one, settings) for one in asked if settings}
    packs = (
        entry._replace(parameters={**entry.parameters, **values.get(entry.requirement.pack, {})})
        for entry in manifest.packs
    )
    return manifest._replace(packs=tuple(packs))


def _without_settings(manifest: Manifest, asked: Sequence[Requirement], names: Sequence[str]) -> Manifest:
    """The manifest without these parameters of the requested packs. Raises UsageError for one that is not set."""
    packs = {one.pack for one in asked}
    concerned = [entry for entry in manifest.packs if entry.requirement.pack in packs]
    for name in names:
        if not any(name in entry.parameters for entry in concerned):
            known = sorted({name for entry in concerned for name in entry.parameters})
            there = f"set: {', '.join(known)}" if known else "no parameter is set"
            raise UsageError(f"`--unset {name}`: this parameter is not set", details=[there])
    kept = (
        entry._replace(parameters={key: value for key, value in entry.parameters.items() if key not in names})
        if entry in concerned
        else entry
        for entry in manifest.packs
    )
    return manifest._replace(packs=tuple(kept))


def _refuse_lone_words(names: Sequence[str], settings: Sequence[str]) -> None:
    for setting in settings:
        if "=" not in setting:
            value = next((name for name in reversed(names) if is_version_word(name)), "VALUE")
            raise UsageError(f"`--set {setting}` has no value", hint=f"write `--set {setting}={value}`")
    refuse_lone_versions(names)


def _variants_meant(candidates: Candidates, asked: Sequence[Requirement]) -> str | None:
    """A hint if a name that is not a pack is a variant of the only pack named with it; else None."""
    with suppress(AgentpackError):  # only to say more
        known = [one for one in asked if candidates.published(one.pack)]
        more = [one.pack for one in asked if one not in known]
        if len(known) == 1 and more:
            pack, variants = known[0].pack, tuple(sorted({*known[0].variants, *more}))
            if {*candidates.variants(pack, max(candidates.published(pack)))}.issuperset(more):
                return f'write `"{known[0]._replace(variants=variants)}"`'
    return None


def _with_requirements(
    workspace: Workspace, manifest: Manifest, asked: Sequence[AskedPack], request: ChangeRequest
) -> Manifest:
    """The manifest with each requirement added, or replacing the pack's old entry."""
    clients = request.clients
    fresh = not manifest.packs and manifest.clients is None
    if clients and manifest.clients is None:
        lock = None if fresh else workspace.lock
        named = (lock.clients, lock.clients_by_pack) if lock is not None and lock.clients else (clients, {})
        manifest = with_clients(manifest, *named)
    own = tuple(clients) if clients and not fresh and set(clients) != set(manifest.clients or ()) else None
    packs = list(manifest.packs)
    for pack in asked:
        requirement = pack.requirement
        index = next((i for i, w in enumerate(packs) if w.requirement.pack == requirement.pack), None)
        there = requirement._replace(pack=pack.original or requirement.pack)
        entry = ManifestEntry(
            requirement._replace(newest=False),
            _shortest(there, pack.text),
            source=pack.source,
            original=pack.original,
            personas=pack.personas,
            without=pack.without,
            renames=pack.renames,
        )
        if index is None:
            packs.append(entry._replace(clients=own))
            continue
        before = packs[index]
        personas, without = _more_personas(before, pack, everything=request.everything)
        packs[index] = _added_to(before, requirement, entry)._replace(
            clients=_more_clients(before, clients, manifest),
            parameters=before.parameters,
            renames={old: new for old, new in {**before.renames, **entry.renames}.items() if old not in pack.without},
            source=pack.source or before.source,
            original=pack.original or before.original,
            personas=personas,
            without=without,
        )
    return manifest._replace(packs=tuple(packs))


def _more_personas(
    before: ManifestEntry, asked: AskedPack, *, everything: bool
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """`personas` and `without` of the entry of an installed pack: installing more agents removes none of the others,
    except those of `--without`. `personas` is None if the entry does not list them.
    """
    if everything:
        return None, asked.without
    if before.personas is not None:
        every = dict.fromkeys((*before.personas, *(asked.personas or ())))
        return tuple(name for name in every if name not in asked.without), ()
    back = asked.personas or ()
    return None, tuple(dict.fromkeys((*(name for name in before.without if name not in back), *asked.without)))


def _added_to(before: ManifestEntry, requirement: Requirement, entry: ManifestEntry) -> ManifestEntry:
    """The requirement combined with the pack's existing entry: variants are added, the range stays unless another is
    given. `uninstall "pack[variant]"` removes a variant.
    """
    chosen = before.requirement
    range = requirement.range if requirement.range or requirement.newest else chosen.range
    variants = tuple(sorted({*chosen.variants, *requirement.variants}))
    whole = entry.requirement._replace(variants=variants, range=range)
    if whole == chosen:
        return before
    if whole == entry.requirement:
        return entry
    return ManifestEntry(whole, str(whole._replace(pack=entry.name_there)))


def _more_clients(before: ManifestEntry, clients: Sequence[str], manifest: Manifest) -> tuple[str, ...] | None:
    """The clients of an installed pack plus those named now; None if its entry need not list them."""
    had = before.clients if before.clients is not None else manifest.clients or ()
    more = tuple(dict.fromkeys((*had, *clients)))
    return before.clients if not clients or set(more) == set(had) else more


def _shortest(requirement: Requirement, text: str) -> str:
    """The requirement for the manifest: as typed if that is its normal form."""
    compact = "".join(text.split())
    named = compact.startswith(requirement.pack)
    return compact if named and "@" not in compact and parse_requirement(compact) == requirement else str(requirement)
