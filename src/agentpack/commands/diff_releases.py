"""Compare two releases, or variants of packs. Nothing needs to be installed; writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from agentpack.changes.clients import DEFAULT, named_clients
from agentpack.changes.differences import EVERYTHING, ComparisonFilter, Differences, FileDifference
from agentpack.changes.named_release import parse_named, with_source
from agentpack.changes.widening import CapabilityChange
from agentpack.differences.parsed_files import NOTHING, compare_personas
from agentpack.errors import UsageError
from agentpack.model.capabilities import widening
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.model.names import did_you_mean, is_version_word
from agentpack.model.persona import Persona
from agentpack.model.rendering import Rendering
from agentpack.model.requirement import Requirement
from agentpack.wanted.candidates import candidates_to_view
from agentpack.wanted.choose import choose, pinned
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.workspace import Workspace, read_consistently


class _Side(NamedTuple):
    """One release with its variants: its label, and its files with the personas behind them."""

    label: str
    files: Mapping[str, tuple[Rendering, Persona]]
    """By persona."""


@read_consistently
def diff_releases(
    workspace: Workspace, before: str | None, after: str | None, limits: ComparisonFilter = EVERYTHING
) -> Differences:
    """Compare two releases, or two variants of one, rendered for one client with default parameters.

    Args:
        before, after: requirements; the newest matching release is used. A version alone is one of the pack that is
            meant. None means the locked release; then both sides use the parameters in the manifest.

    Raises:
        UsageError: the pack is not locked, or neither release has what the limits name.
        Unresolvable: no release matches.
    """
    clients = tuple(limits.clients) or named_clients(workspace, workspace.manifest)[:1] or (DEFAULT,)
    limits = limits._replace(clients=clients)
    before, after = _with_pack(workspace, before, after, limits), _with_pack(workspace, after, before, limits)
    sides = []
    for text, other in ((before, after), (after, before)):
        if text is not None:
            sides.append(_release(workspace, parse_named(workspace, text), clients, as_installed=other is None))
        else:
            assert other is not None
            sides.append(_locked_release(workspace, parse_named(workspace, other).pack, clients))
    old, new = sides
    _check_name(workspace, limits, [file for side in sides for file, _ in side.files.values()])
    if len(old.files) == len(new.files) == 1:
        pairs = [(*old.files, *new.files)]
    else:
        pairs = [(name, name) for name in sorted({*old.files, *new.files})]
    files = [_between(old.files.get(one), new.files.get(other), limits) for one, other in pairs]
    named = [file for file in files if file is not None and limits.includes(file)]
    capabilities = [
        _may_change(old.files[one][0], new.files[other][0])
        for one, other in pairs
        if one in old.files and other in new.files
    ]
    return Differences(
        before=old.label,
        after=new.label,
        files=tuple(named),
        capabilities=tuple(c for c in capabilities if c.before != c.after and limits.includes(c)),
    )


def _with_pack(workspace: Workspace, text: str | None, other: str | None, limits: ComparisonFilter) -> str | None:
    """The requirement as it was typed, or None. A version alone gets a pack: that of the other requirement, the pack
    that is named, the one with the named persona or file, or the only locked one.
    """
    if text is None or not is_version_word(text):
        return text
    pack = limits.name
    if other is not None and not is_version_word(other):
        pack = parse_named(workspace, other).pack
    elif workspace.lock is not None:
        locked = [one.name for one in workspace.lock.packs]
        rows = workspace.states.of_lock(workspace.lock).values()
        owners = {row.pack for row in rows if limits.name in (row.persona, row.path)} or {*locked}
        is_pack = pack is not None and "/" not in pack and (pack in locked or _is_offered(workspace, pack))
        pack = next(iter(owners)) if len(owners) == 1 and not is_pack else pack
    return f"{pack}@{text.removeprefix('v')}" if pack else text


def _is_offered(workspace: Workspace, pack: str) -> bool:
    return pack in candidates_to_view(workspace, workspace.manifest, workspace.lock).known()


def _check_name(workspace: Workspace, limits: ComparisonFilter, files: Sequence[Rendering]) -> None:
    if limits.name is None or any(limits.name in (file.pack, file.persona, file.path) for file in files):
        return
    names = sorted({name for file in files for name in (file.pack, file.persona)})
    titles = ", ".join(workspace.clients.named(client).title for client in limits.clients)
    hint = "`--client` compares another client's files" if "/" in limits.name else did_you_mean(limits.name, names)
    raise UsageError(
        f"neither release has an agent, a skill or a file `{limits.name}` for {titles}",
        details=[f"known: {', '.join(names)}"],
        hint=hint,
    )


def _may_change(old: Rendering, new: Rendering) -> CapabilityChange:
    widened = widening(old.capabilities, new.capabilities)
    return CapabilityChange(new.pack, new.persona, new.client, old.capabilities, new.capabilities, widened)


def _release(workspace: Workspace, asked: Requirement, clients: Collection[str], *, as_installed: bool) -> _Side:
    here = with_source(workspace, workspace.manifest, asked)
    entry = here.wanted(asked.pack) or ManifestEntry(asked, "")
    whole = ManifestEntry(asked, str(asked), source=entry.source, original=entry.original)
    wanted = entry._replace(clients=None) if as_installed else whole
    manifest = Manifest(tuple(clients), (wanted,), here.models, here.sources)
    candidates = candidates_to_view(workspace, manifest, workspace.lock)
    chosen = choose(candidates, manifest, newest=None)
    return _side(chosen.for_clients(tuple(clients)).preview(), asked.pack)


def _locked_release(workspace: Workspace, pack: str, clients: Collection[str]) -> _Side:
    lock = workspace.lock
    if lock is None or lock.pack(pack) is None:
        raise UsageError(
            f"`{pack}` is not locked here",
            hint="give both `--from` and `--to`, each as `name@version` or `name[variant]`",
        )
    return _side(pinned(workspace, lock).only_for(tuple(clients)).preview(), pack)


def _side(wanted: Wanted, pack: str) -> _Side:
    locked = wanted.lock.pack(pack)
    assert locked is not None
    variants = sorted({*locked.variants, *(variant.name for variant in locked.local_variants)})
    label = f"{pack} {locked.version}" + (f" [{', '.join(variants)}]" if variants else "")
    files: dict[str, tuple[Rendering, Persona]] = {}
    for file in wanted.files.values():
        part = wanted.part(file)
        if file.pack == pack and part is not None:
            files.setdefault(file.persona, (file, part.persona))
    return _Side(label, files)


def _between(
    old: tuple[Rendering, Persona] | None, new: tuple[Rendering, Persona] | None, limits: ComparisonFilter
) -> FileDifference | None:
    here = new or old
    assert here is not None
    before, after = old[0].content if old else None, new[0].content if new else None
    if before == after:
        return None
    file = here[0]
    return FileDifference(
        path=file.path,
        client=file.client,
        pack=file.pack,
        persona=file.persona,
        state="changed" if old and new else "new" if new else "removed",
        before=before,
        after=after,
        compared=compare_personas(old[1], new[1]) if old and new and limits.rules else NOTHING,
    )
