"""install: add requirements to the manifest, resolve, lock, render, and write the files."""

from collections.abc import Sequence
from dataclasses import replace

from agentpack.changes.clients import choose_clients
from agentpack.changes.decisions import make_change
from agentpack.changes.local_variants import wanted_with_variants
from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest, desired_state
from agentpack.errors import UsageError
from agentpack.model.manifest import ConfiguredSource, Manifest, ManifestEntry
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.wanted.candidates import Candidates, candidates_to_install
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import with_clients
from agentpack.wanted.settings import read_settings
from agentpack.workspace.preconditions import refuse_address
from agentpack.workspace.workspace import Workspace, changing


@changing
def install(workspace: Workspace, request: ChangeRequest) -> Outcome:
    """Add the requirements to the manifest and bring the scope to the resulting state."""
    asked = [parse_requirement(text) for text in request.names]
    for requirement in asked:
        refuse_address(requirement, "name the folder with `--source DIR`, or put it under `sources:` in agentpack.yaml")
    for client in request.clients:
        workspace.clients.named(client)
    old = workspace.manifest
    new = _with_sources(workspace, old, request.sources)
    anew = {requirement.pack for requirement in asked if request.sources or _wants_newer(requirement, old)}
    candidates = candidates_to_install(workspace, new, workspace.lock, refresh=anew)
    new = _with_requirements(candidates, new, asked, request)
    request = request.restricted_to(asked)
    chosen = choose_clients(choose(candidates, new), request).with_named_clients()
    wanted, moved = wanted_with_variants(chosen)
    new = chosen.manifest
    state = moved.add_to(desired_state(workspace, old, new, wanted))
    if new.sources:  # not for the packs that come with agentpack
        from agentpack.audit.install_warnings import install_warnings, name_warnings

        names = name_warnings(candidates, old, new, workspace.lock, wanted)
        state = state._replace(warnings=(*names, *install_warnings(candidates, workspace.lock, wanted)))
    return make_change(workspace, " ".join(("install", *request.names)), state, request)


def _wants_newer(requirement: Requirement, old: Manifest) -> bool:
    """Whether the locked release is ignored: for `@latest`, or a range other than the manifest's."""
    before = old.wanted(requirement.pack)
    if requirement.newest or before is None:
        return True
    return "" not in (requirement.range, before.requirement.range) and requirement.range != before.requirement.range


def _with_sources(workspace: Workspace, manifest: Manifest, folders: Sequence[str]) -> Manifest:
    from os.path import abspath, basename, isdir, join, normpath

    sources = list(manifest.sources)
    for folder in folders:
        absolute = normpath(join(workspace.environment.cwd, folder))
        if not isdir(absolute):
            raise UsageError(f"`--source {folder}` is not a folder")
        if not absolute.isprintable():
            hint = "rename it: agentpack.yaml would hold what no reader sees"
            raise UsageError(f"`--source {folder}`: the folder's name has hidden characters", hint=hint)
        if any(abspath(workspace.sources.one(source).where) == absolute for source in sources):
            continue
        taken = {source.name for source in sources} | {"bundled"}
        stem = _kebab(basename(absolute))
        name = next(n for n in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if n not in taken)
        sources.append(ConfiguredSource(name, "path", _portable(workspace, absolute)))
    return manifest._replace(sources=tuple(sources))


def _portable(workspace: Workspace, absolute: str) -> str:
    """A folder as the manifest names it: relative in a project, so that every clone can read it."""
    from os.path import relpath

    if workspace.scope.kind == "project":
        return relpath(absolute, workspace.scope.root)
    home = workspace.environment.home
    return f"~/{relpath(absolute, home)}" if absolute.startswith(home + "/") else absolute


def _kebab(text: str) -> str:
    import re

    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "packs"


def _with_requirements(
    candidates: Candidates, manifest: Manifest, asked: Sequence[Requirement], request: ChangeRequest
) -> Manifest:
    """The manifest with each requirement added, or replacing the pack's old entry."""
    clients, settings = request.clients, request.settings
    fresh = not manifest.packs and manifest.clients is None
    if clients and manifest.clients is None:
        lock = None if fresh else candidates.workspace.lock
        named = (lock.clients, lock.clients_by_pack) if lock is not None and lock.clients else (clients, {})
        manifest = with_clients(manifest, *named)
    own = tuple(clients) if clients and not fresh and set(clients) != set(manifest.clients or ()) else None
    packs = list(manifest.packs)
    for requirement, text in zip(asked, request.names, strict=True):
        parameters = read_settings(candidates, requirement, settings) if settings else {}
        index = next((i for i, w in enumerate(packs) if w.requirement.pack == requirement.pack), None)
        entry = ManifestEntry(replace(requirement, newest=False), _shortest(requirement, text))
        if index is None:
            packs.append(entry._replace(clients=own, parameters=parameters))
            continue
        before = packs[index]
        entry = _added_to(before, requirement, entry)
        packs[index] = entry._replace(
            clients=_more_clients(before, clients, manifest),
            parameters={**before.parameters, **parameters},
            renames=before.renames,
        )
    return manifest._replace(packs=tuple(packs))


def _added_to(before: ManifestEntry, requirement: Requirement, entry: ManifestEntry) -> ManifestEntry:
    """The requirement combined with the pack's existing entry: variants are added, the range stays unless another is
    given. `uninstall "pack[variant]"` removes a variant.
    """
    chosen = before.requirement
    range = requirement.range if requirement.range or requirement.newest else chosen.range
    variants = tuple(sorted({*chosen.variants, *requirement.variants}))
    whole = replace(entry.requirement, variants=variants, range=range)
    if whole == chosen:
        return before
    return entry if whole == entry.requirement else ManifestEntry(whole, str(whole))


def _more_clients(before: ManifestEntry, clients: Sequence[str], manifest: Manifest) -> tuple[str, ...] | None:
    """The clients of an installed pack plus those named now. Installing removes none."""
    had = before.clients if before.clients is not None else manifest.clients or ()
    more = tuple(dict.fromkeys((*had, *clients)))
    return before.clients if not clients or set(more) == set(had) else more


def _shortest(requirement: Requirement, text: str) -> str:
    """The requirement for the manifest: as typed if that is its normal form."""
    compact = "".join(text.split())
    named = compact.startswith(requirement.pack)
    return compact if named and "@" not in compact and parse_requirement(compact) == requirement else str(requirement)
