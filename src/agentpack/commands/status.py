"""status: what is installed, edited and outdated, and which agent files share a name.

Summarises a scope. It reads the lock, the record and the disk, and asks sources only for versions: no pack is read, so
it stays cheap. Differences rule by rule are left to `diff`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from agentpack.changes.known_releases import KnownReleases, known_releases
from agentpack.clients import SKILLS
from agentpack.clients.base import Client
from agentpack.errors import AgentpackError
from agentpack.model.changes import file_state
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.names import Digest
from agentpack.model.unmerged import unmerged_line
from agentpack.wanted.skipped import SkippedAgents, left_out_words, skipped_agents
from agentpack.workspace.found_clients import UnlistedClients, unlisted_clients
from agentpack.workspace.shadowing import SameName, agent_names, real_places, same_names
from agentpack.workspace.workspace import Workspace, read_consistently


class FileStatus(NamedTuple):
    """One managed file. `state`: `clean`, `edited`, `missing`, `blocked` (not a regular file), `outdated` (as an older
    lock wanted it), `leftover` (no longer wanted) or `elsewhere` (in the folder that the client's environment variable
    named before).
    """

    path: str
    client: str
    pack: str
    persona: str
    state: str
    capabilities: str | None = None
    """The persona's capabilities according to the lock; None if it lacks them."""
    unmerged: int = 0
    """For an edited file, the line of an unresolved merge; 0 if there is none."""
    outdated: bool = False
    """For an edited file: the lock wants another release than the one that was edited."""


class PackStatus(NamedTuple):
    """One locked pack. `in_range` is the newest release that the manifest's range allows, `newest` the newest of all;
    each is None if it is not newer than the locked one, or if nothing is known of others (`looked` is False).
    """

    name: str
    version: str
    source: str
    address: str
    """The place of the source, as in the manifest; empty for what comes with agentpack."""
    digest: str
    commit: str
    """The commit of a git repository that it is from; empty for other sources."""
    repository: str
    """The address of that repository, if it is another one than that of the source: a plugin of a marketplace."""
    ref: str
    """The branch, tag or commit that the manifest names for its source."""
    tag: str
    """The tag of its release, when the source was last asked."""
    tag_moved: bool
    """Whether that named another commit than the locked one."""
    changed: bool
    """Whether its folder has other text than was locked, under the same version."""
    requirement: str | None
    """As in the manifest; None for a pack that only others require."""
    variants: tuple[str, ...]
    local_variants: tuple[str, ...]
    parameters: Mapping[str, str | int | bool]
    """The values that are set."""
    clients: tuple[str, ...]
    wanted_by: tuple[str, ...]
    in_range: str | None
    newest: str | None
    lacks: tuple[str, ...]
    """The requested variants that `newest` lacks, as far as its source is on this machine."""
    kept_out: tuple[str, ...]
    """The packs that require another range than `newest` is in: `top-kit 1.0.0 requires base-kit<2`."""
    looked: bool
    asked: str | None
    """When the repository of its source was last asked for releases; None if it was not, and for other sources."""
    agents: tuple[str, ...]
    """The personas that are installed."""
    offered: int | None
    """The agent files that its place has, for a collection on this machine; else None."""
    files: tuple[FileStatus, ...]


class UnmanagedFiles(NamedTuple):
    """Agent files in a client's folder that agentpack does not manage."""

    client: str
    folder: str
    files: int


class ClientUse(NamedTuple):
    """The file a client actually uses for a persona. `path` is another client's file if this one reads that."""

    client: str
    title: str
    persona: str
    path: str
    own: bool
    wins: str
    """Which scope wins there: `project`, `user` or `merge`."""
    trust: str
    """What the client requires before it shows a project's agents; empty if nothing."""


class Refusal(NamedTuple):
    """A policy rule that a locked release breaks. `pack` is empty if the policy or a release cannot be read."""

    pack: str
    version: str
    rule: str
    why: str
    file: str = ""
    line: int = 0


class Status(NamedTuple):
    """Everything `status` prints about a scope."""

    packs: tuple[PackStatus, ...]
    leftovers: tuple[FileStatus, ...]
    same_names: tuple[SameName, ...]
    unmanaged: tuple[UnmanagedFiles, ...]
    stale: tuple[str, ...]
    """Why the lock is out of date."""
    uses: tuple[ClientUse, ...]
    refused: tuple[Refusal, ...] = ()
    """Locked releases that a policy does not allow."""
    skipped: tuple[SkippedAgents, ...] = ()
    """Agents of collections that some clients cannot restrict as asked."""
    left_out: tuple[str, ...] = ()
    """Agent files of collections that cannot be taken, in words."""
    unlisted: tuple[UnlistedClients, ...] = ()
    """The clients used in the scope for which the manifest, which lists clients, has no pack."""
    unused_variants: tuple[str, ...] = ()
    """The files of local variants that the manifest asks for, of agents that are not installed."""


@read_consistently
def status(workspace: Workspace, *, in_full: bool = False) -> Status:
    """The status of the scope. Changes nothing, except that an interrupted change is finished first.

    Args:
        in_full: name every agent file that cannot be taken, not only the first few.
    """
    lock = workspace.lock or Lock({}, (), (), ())
    files = tuple(_files(workspace, lock))
    known_of = known_releases(workspace, lock)
    packs = tuple(_pack(workspace, pack, known_of[pack.name], files) for pack in lock.packs)
    known = {pack.name for pack in packs}
    folders = _folders(workspace, lock, files)
    return Status(
        packs,
        tuple(file for file in files if file.pack not in known),
        tuple(same_names(workspace, (file for file in files if file.state != "elsewhere"), lock.all_clients)),
        tuple(_unmanaged(workspace, files, folders)),
        tuple(_stale(workspace)),
        tuple(_uses(workspace, lock)),
        tuple(_refused(workspace)),
        tuple(skipped_agents(lock)),
        tuple(left_out_words(lock, in_full=in_full)),
        tuple(_unlisted(workspace)),
        tuple(_unused_variants(workspace, lock)),
    )


def _unused_variants(workspace: Workspace, lock: Lock) -> Iterator[str]:
    manifest = workspace.manifest
    asked = {name for entry in manifest.packs for name in entry.requirement.variants}
    used = {(one.persona, one.name) for pack in lock.packs for one in pack.local_variants}
    rows = {*((row.pack, row.persona) for row in lock.files), *((row.pack, row.persona) for row in lock.skipped)}
    agents = {manifest.name_in_pack(pack, persona) for pack, persona in rows}
    for text in workspace.documents.local_texts if used else ():
        if text.name in asked and (text.persona, text.name) not in used and text.persona not in agents:
            yield text.path


def _unlisted(workspace: Workspace) -> Iterator[UnlistedClients]:
    listed = {client for entry in workspace.manifest.packs for client in entry.clients or ()}
    clients = [name for name in unlisted_clients(workspace, workspace.manifest) if name not in listed]
    if clients and workspace.lock is not None:
        from agentpack.changes.clients import addable_clients  # renders for them
        from agentpack.wanted.choose import pinned

        offline = Workspace(workspace.environment._replace(offline=True), workspace.scope)
        packs = [entry.requirement.pack for entry in workspace.manifest.packs]
        with suppress(AgentpackError):  # only to say more
            yield from addable_clients(pinned(offline, workspace.lock), clients, packs)


def _refused(workspace: Workspace) -> Iterator[Refusal]:
    """What policies refuse among the locked packs. Releases are read only if a policy has rules."""
    try:
        if not workspace.policies.may_refuse:
            return
        from agentpack.wanted.from_lock import evaluate_installed

        for one in evaluate_installed(workspace):
            for verdict in one.refusals:
                yield Refusal(one.pack, one.version, verdict.rule, verdict.why, verdict.file, verdict.line)
    except AgentpackError as error:
        yield Refusal("", "", error.code, "; ".join(error.lines))


# Packs and their files.


def _files(workspace: Workspace, lock: Lock) -> Iterator[FileStatus]:
    recorded = workspace.states.recorded
    ours = workspace.states.of_lock(lock)
    locked = {file.path: file for file in lock.files if file.path in ours}
    if workspace.lock is None:  # what was written last is not unwanted because of that
        locked = {
            path: LockedFile(path, row.client, row.pack, row.persona, row.rendered.removeprefix("sha256:"))
            for path, row in recorded.items()
        }
    observed = workspace.states.observe({*recorded, *locked})
    staying = {(row.client, row.pack, row.persona) for row in workspace.states.elsewhere}
    packs = {pack.name for pack in lock.packs}
    for path in sorted({*recorded, *locked}):
        row = locked.get(path) or recorded[path]
        here = observed.get(path)
        digest = Digest(f"sha256:{locked[path].sha256}") if path in locked else None
        if not workspace.disk.has_root(path):
            state = "elsewhere" if (row.client, row.pack, row.persona) not in staying else ""
        else:
            state = file_state(digest, recorded[path].rendered if path in recorded else None, here)
        if state == "clean":
            # not written yet after `lock`; a row changed by hand may name a pack that is not locked
            as_wanted = not locked[path].release and (row.pack in packs or workspace.lock is None)
            state = ("clean" if workspace.lock else "") if as_wanted else "outdated"
        if state:
            capabilities = locked[path].capabilities if path in locked else None
            line = unmerged_line(workspace.states.contents(path)) if state == "edited" else 0
            behind = state == "edited" and locked[path].release is not None
            yield FileStatus(path, row.client, row.pack, row.persona, state, capabilities, line, behind)
    for row in workspace.states.elsewhere:
        if row.path not in recorded and workspace.places.look(row.path) is not None:
            yield FileStatus(row.path, row.client, row.pack, row.persona, "elsewhere")


def _pack(workspace: Workspace, pack: LockedPack, known: KnownReleases, files: tuple[FileStatus, ...]) -> PackStatus:
    wanted = workspace.manifest.wanted(pack.name)
    configured = next((source for source in workspace.manifest.sources if source.name == pack.source), None)
    own = tuple(file for file in files if file.pack == pack.name)
    return PackStatus(
        name=pack.name,
        version=pack.version,
        source=pack.source,
        address=configured.place if configured else "",
        digest=pack.digest,
        commit=pack.commit,
        repository=pack.repository,
        ref=configured.options.get("ref", "") if configured else "",
        tag=known.heard.tag if known.heard else "",
        tag_moved=known.heard is not None and known.heard.is_moved,
        changed=known.is_changed,
        requirement=str(wanted.requirement) if wanted else None,
        variants=pack.variants,
        local_variants=tuple(sorted({variant.name for variant in pack.local_variants})),
        parameters=dict(pack.parameters),
        clients=tuple(sorted({file.client for file in own} - {*SKILLS})),
        wanted_by=pack.wanted_by,
        in_range=str(known.in_range) if known.in_range else None,
        newest=str(known.newest) if known.newest else None,
        lacks=known.lacks,
        kept_out=known.kept_out,
        looked=known.looked,
        asked=workspace.sources.last_asked(workspace.manifest, pack) if pack.commit else None,
        agents=tuple(sorted({file.persona for file in own if file.client not in SKILLS})),
        offered=known.offered,
        files=own,
    )


def _stale(workspace: Workspace) -> list[str]:
    """Why the lock is out of date; the sentences are only built if it is."""
    lock = workspace.lock
    if lock is None:
        return ["there is no agentpack.lock yet"] if workspace.manifest.packs else []
    if workspace.documents.lock_sides:
        return ["agentpack.lock has an unresolved merge"]
    local = {(text.persona, text.name): text.digest for text in workspace.documents.local_texts}
    used = {(v.persona, v.name): v.digest for pack in lock.packs for v in pack.local_variants}
    same = workspace.manifest.to_data() == lock.manifest and all(local.get(key) == used[key] for key in used)
    if same and not workspace.changed_declarations(lock):
        return []
    from agentpack.wanted.from_lock import stale_reasons  # brings the resolver along

    return stale_reasons(workspace, lock)


def _uses(workspace: Workspace, lock: Lock) -> Iterator[ClientUse]:
    """For every client and persona the file the client reads, its own or another client's."""
    kind, variables = workspace.scope.kind, workspace.environment.variables
    paths: dict[str, dict[str, str]] = {}
    for file in lock.files:
        paths.setdefault(file.persona, {})[file.client] = file.path
    clients = sorted(lock.all_clients & set(workspace.clients))
    own_folders = {client: workspace.clients[client].folder(kind, variables) for client in clients}
    for client, target in ((client, workspace.clients[client]) for client in clients):
        folders = target.folders(kind, variables)
        for persona, files in sorted(paths.items()):
            own = read = files.get(client)
            for other in files if own is None else ():
                if own_folders.get(other) in folders:
                    read = files[other]
            if read is not None:
                trust = target.trust if kind == "project" else ""
                yield ClientUse(client, target.title, persona, read, own is not None, target.wins, trust)


# Names: which other files claim one of ours.


def _folders(workspace: Workspace, lock: Lock, files: tuple[FileStatus, ...]) -> Mapping[str, Client]:
    """The absolute agents folder of every client in use here, then of clients that merely have one."""
    kind, variables = workspace.scope.kind, workspace.environment.variables
    used = {*lock.clients, *(file.client for file in files)}
    folders: dict[str, Client] = {}
    for target in sorted(workspace.clients.values(), key=lambda target: (target.name not in used, target.name)):
        named = target.folder(kind, variables)
        if named is None or target.shared is not None:
            continue
        folder = workspace.scope.absolute(named)
        if target.name in used or os.path.isdir(folder):
            folders.setdefault(folder, target)
    return folders


def _unmanaged(
    workspace: Workspace, files: tuple[FileStatus, ...], folders: Mapping[str, Client]
) -> Iterator[UnmanagedFiles]:
    managed = real_places(workspace, files)
    for folder, target in folders.items():
        count = sum(1 for _ in agent_names(folder, target, managed))
        if count:
            yield UnmanagedFiles(target.name, folder, count)
