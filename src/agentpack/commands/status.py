"""status: what is installed, edited and outdated, and which agent files share a name.

Summarises a scope. It reads the lock, the record and the disk, and asks sources only for versions: no pack is read, so
it stays cheap. Differences rule by rule are left to `diff`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import NamedTuple

from packaging.version import Version

from agentpack.clients import SKILLS
from agentpack.clients.base import Client
from agentpack.errors import AgentpackError, Unavailable, Unresolvable
from agentpack.fetch import Sources, fetch
from agentpack.model.changes import file_state
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import Digest
from agentpack.model.pack import agent_rows
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
    sources = workspace.sources.open(workspace.manifest, lock.packs, remote=False)
    files = tuple(_files(workspace, lock))
    recalled = cache(partial(workspace.sources.recalled, workspace.manifest, lock.packs))
    packs = tuple(_pack(workspace, pack, sources, recalled, files) for pack in lock.packs)
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


def _pack(
    workspace: Workspace,
    pack: LockedPack,
    sources: Sources,
    recalled: Callable[[], Sources],
    files: tuple[FileStatus, ...],
) -> PackStatus:
    locked, wanted = Version(pack.version), workspace.manifest.wanted(pack.name)
    configured = next((source for source in workspace.manifest.sources if source.name == pack.source), None)
    heard, offered = None, None
    if pack.commit or pack.source in sources.elsewhere:  # on another machine, which nobody waits for here
        heard = workspace.sources.last_heard(workspace.manifest, pack)
        known = [*heard.tags] if heard else []
        newer = [version for version in known if version > locked]
        if heard and not known:
            known, newer = ([locked], []) if heard.head == pack.commit else _recalled(pack, wanted, recalled())
    elif pack.agents is None:
        known = _offered(pack, sources)
        newer = [version for version in known if version > locked]
    else:
        newer, offered = _moved_on(pack, wanted, sources)
        known = [] if offered is None else [locked]
    final = [version for version in newer if not version.is_prerelease]
    ref = configured.options.get("ref", "") if configured else ""
    fitting = newer
    if ref and heard and heard.tags:
        from agentpack.sources.git_tags import release_in  # only for sources with a `ref:`

        fitting = [version for version in newer if version == release_in(ref)]  # set by hand, and not installed yet
    fitting = [one for one in fitting if wanted is None or wanted.requirement.allows(one)]
    lacks = partial(_lacks, workspace, pack) if not heard and pack.source not in sources.elsewhere else lambda _: ()
    in_range = next((version for version in sorted(fitting, reverse=True) if not lacks(version)), None)
    is_changed = configured is not None and configured.is_path and _is_changed(pack, sources)
    source = sources.source(pack.source) if is_changed else None
    if source is not None and source.where == workspace.scope.absolute(workspace.scope.own_packs):
        in_range, is_changed = in_range or locked, False  # editing a pack of one's own is how it is upgraded
    own = tuple(file for file in files if file.pack == pack.name)
    return PackStatus(
        name=pack.name,
        version=pack.version,
        source=pack.source,
        address=configured.place if configured else "",
        digest=pack.digest,
        commit=pack.commit,
        repository=pack.repository,
        ref=ref,
        tag=heard.tag if heard else "",
        tag_moved=heard is not None and heard.is_moved,
        changed=is_changed,
        requirement=str(wanted.requirement) if wanted else None,
        variants=pack.variants,
        local_variants=tuple(sorted({variant.name for variant in pack.local_variants})),
        parameters=dict(pack.parameters),
        clients=tuple(sorted({file.client for file in own} - {*SKILLS})),
        wanted_by=pack.wanted_by,
        in_range=str(in_range) if in_range else None,
        newest=str(max(final)) if final else None,
        lacks=lacks(max(final)) if final else (),
        looked=bool(known),
        asked=workspace.sources.last_asked(workspace.manifest, pack) if pack.commit else None,
        agents=tuple(sorted({file.persona for file in own if file.client not in SKILLS})),
        offered=offered,
        files=own,
    )


def _lacks(workspace: Workspace, pack: LockedPack, version: Version) -> tuple[str, ...]:
    """The requested variants that a release lacks, as far as it can be read."""
    if not pack.variants:
        return ()
    from agentpack.wanted.candidates import candidates_to_view  # reads the release

    try:
        there = candidates_to_view(workspace, workspace.manifest, workspace.lock).variants(pack.name, version)
    except AgentpackError:
        return ()
    return tuple(name for name in pack.variants if name not in there)


def _offered(pack: LockedPack, sources: Sources) -> list[Version]:
    """The available releases; empty if the pack's source no longer has it, or is missing, which is reported."""
    try:
        return [ref.version for ref in sources.releases(pack.name)]
    except Unresolvable:
        return []
    except Unavailable:
        if not sources.passed_over:
            raise
        return []


def _recalled(pack: LockedPack, wanted: ManifestEntry | None, sources: Sources) -> tuple[list[Version], list[Version]]:
    """The releases that a repository had when it was last asked, or the state of its collection, and those that are
    newer; none if that is not known.
    """
    if pack.agents is not None:
        newer, offered = _moved_on(pack, wanted, sources)
        return [] if offered is None else [Version(pack.version)], newer
    try:
        known = [ref.version for ref in sources.releases(pack.name)]
    except AgentpackError:
        return [], []
    return known, [version for version in known if version > Version(pack.version)]


def _is_changed(pack: LockedPack, sources: Sources) -> bool:
    """Whether the locked release of a pack has other text now; False if it cannot be read, and for collections."""
    try:
        refs = sources.releases(pack.name) if pack.agents is None else ()
        release = next((ref for ref in refs if str(ref.version) == pack.version), None)
        return release is not None and fetch(release, sources).digest != pack.digest
    except AgentpackError:
        return False  # told where it is asked for, as for collections


def _moved_on(pack: LockedPack, wanted: ManifestEntry | None, sources: Sources) -> tuple[list[Version], int | None]:
    """The state of a collection if an agent that is wanted is not as locked, and how many agent files it has; None if
    it cannot be read.
    """
    from agentpack.wanted.agents import choose_agents  # reads agent files, which only a collection has

    try:
        for ref in sources.releases(pack.name):
            files = fetch(ref, sources).files
            now = agent_rows(choose_agents(files, wanted).files)
            is_other = [row.content for row in now] != [row.content for row in pack.agents or ()]
            if ref.bare:
                return [ref.version] if is_other else [], len(files)
    except AgentpackError:
        pass  # told where it is asked for: what is installed does not need the place
    return [], None


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
