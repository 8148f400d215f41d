"""Which clients a command writes for, when the user names some and when none.

Clients in the manifest are *named*, whether the user or `install` wrote them there. Without any, the lock's clients
count for the packs it locks. For every other pack the clients are only *found*: the lock's, or those whose folder
exists in the scope. A found client never makes a command fail: it is tried beforehand with the same code that refuses a
named client, and skipped with that error as the reason. If no found client takes a pack, `claude` is the default and is
refused like a named one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from agentpack.changes.conflicts import ConflictsFound
from agentpack.changes.decisions import check_writable
from agentpack.changes.plan import NO_DECISIONS, Decisions
from agentpack.clients.base import Client
from agentpack.errors import AgentpackError, Bug, InvalidFile
from agentpack.model.manifest import EMPTY, Manifest
from agentpack.wanted.assignment import RestrictionsLost
from agentpack.wanted.selection import Selection
from agentpack.wanted.skipped import skipped_agents
from agentpack.workspace.found_clients import SkippedClient, UnlistedClients, found_clients, skipped_for
from agentpack.workspace.workspace import Workspace

DEFAULT = "claude"


def default_clients(workspace: Workspace, manifest: Manifest = EMPTY) -> tuple[str, ...]:
    """The clients when none is named: the manifest's, else the lock's, else those found in the scope, else claude."""
    if manifest.clients is not None:
        return manifest.clients
    return named_clients(workspace, manifest) or found_clients(workspace)[0] or (DEFAULT,)


def named_clients(workspace: Workspace, manifest: Manifest) -> tuple[str, ...]:
    """The manifest's clients, else the lock's; empty if neither lists any."""
    if manifest.clients is not None:
        return manifest.clients
    return workspace.lock.clients if workspace.lock is not None else ()


def _skipped(target: Client, error: AgentpackError, install: str = "") -> SkippedClient:
    """Build the `SkippedClient` note for a client from the error that would refuse it; `install` is the command line
    that goes before the option naming it.
    """
    option = f"{install}--client {target.name}"
    skipped = skipped_for(target, error, option)
    reason, way = skipped.reason, skipped.way
    if isinstance(error, RestrictionsLost):
        lost = "; ".join(error.losses)
        reason = "it cannot limit tools" if error.limits_tools else f"it cannot enforce a restriction ({lost})"
        way = f"add it with `{option} --accept widened:{target.name}`"
    elif isinstance(error, InvalidFile):
        reason, way = "; ".join(error.details), f"fix the file, then add it with `{option}`"
    elif isinstance(error, ConflictsFound):
        reason = "; ".join(error.details)
        if all(change.why == "foreign" for change in error.outcome.plan.conflicts):
            way = f"add it with `{option} --adopt`, which keeps the existing file in the history"
    return skipped._replace(reason=reason, way=way)


def choose_clients(chosen: Selection, decisions: Decisions = NO_DECISIONS) -> Selection:
    """The selection with clients chosen for each pack: those the manifest names, else the found clients that take it.
    Found clients that do not take a pack are listed in `skipped`. Writes nothing.
    """
    workspace, manifest, lock = chosen.workspace, chosen.manifest, chosen.workspace.lock
    if manifest.clients is not None:
        return chosen.for_clients(manifest.clients)
    known, skipped = named_clients(workspace, manifest), tuple[SkippedClient, ...]()
    if not known:
        known, skipped = found_clients(workspace)
        lock = None
    fixed: dict[str, tuple[str, ...]] = {
        entry.requirement.pack: entry.clients for entry in manifest.packs if entry.clients is not None
    }
    for entry in manifest.packs:
        locked = lock.pack(entry.requirement.pack) if lock else None
        if locked is not None:
            fixed.setdefault(entry.requirement.pack, known if locked.clients is None else locked.clients)
    open_ = [entry.requirement.pack for entry in manifest.packs if entry.requirement.pack not in fixed]
    trial = _Trial(chosen, decisions, fixed)
    taken = trial.taken(open_, known)
    every = {client: None for pack in (fixed | taken) for client in (fixed | taken)[pack]}
    ordered = dict.fromkeys(client for client in (*known, *every) if client in every or not manifest.packs)
    clients = tuple(ordered) or (DEFAULT,)
    own = {entry.requirement.pack for entry in manifest.packs if entry.clients is None}
    clients_by_pack = {pack: of for pack, of in (fixed | taken).items() if pack in own and {*of} != {*clients}}
    left = sorted((*skipped, *trial.skipped(open_, taken))) if open_ else ()
    return chosen.for_clients(clients, clients_by_pack)._replace(skipped=tuple(left))


def addable_clients(chosen: Selection, clients: Sequence[str], packs: Sequence[str]) -> Iterator[UnlistedClients]:
    """Those of the clients that would take the packs whose entries list no clients; one value for packs that the same
    clients would take.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for pack in packs if clients else ():
        entry = chosen.manifest.wanted(pack)
        if entry is not None and entry.clients is None:
            found.setdefault(tuple(client for client in clients if _takes(chosen, client, pack)), []).append(pack)
    yield from (UnlistedClients(those, tuple(packs)) for those, packs in found.items() if those)


def _takes(chosen: Selection, client: str, pack: str) -> bool:
    """Whether the client would get an agent of the pack."""
    with suppress(AgentpackError):
        wanted = chosen.only_for([client]).preview(pack, skips=True)
        return not wanted.unaccepted and any(file.pack == pack for file in wanted.files.values())
    return False


class _Trial:
    """Tries out which found clients take which packs, without writing."""

    def __init__(self, chosen: Selection, decisions: Decisions, fixed: Mapping[str, tuple[str, ...]]) -> None:
        self.chosen, self.decisions, self.fixed = chosen, decisions, fixed
        self._refused: dict[tuple[str, str], AgentpackError] = {}

    def taken(self, packs: Sequence[str], clients: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """For each pack, the clients that take it."""
        if set(clients) <= {DEFAULT} or self.refusal(dict.fromkeys(packs, tuple(clients))) is None:
            return dict.fromkeys(packs, tuple(clients) or (DEFAULT,))
        in_use = {(row.pack, row.client) for row in self.chosen.workspace.states.recorded.values()}
        taken = {pack: tuple(client for client in clients if (pack, client) in in_use) for pack in packs}
        for client in clients:
            more = [pack for pack in packs if client not in taken[pack]]
            wider = {**taken, **{pack: (*taken[pack], client) for pack in more}}
            if len(more) > 1 and self.refusal(wider) is None:
                taken = wider
                continue
            for pack in more:
                wider = {**taken, pack: (*taken[pack], client)}
                if refusal := self.refusal(wider):
                    self._refused[pack, client] = refusal
                else:
                    taken = wider
        return {pack: of or (DEFAULT,) for pack, of in taken.items()}

    def refusal(self, taken: Mapping[str, tuple[str, ...]]) -> AgentpackError | None:
        """The error that writing these packs for these clients would raise, or None."""
        clients_by_pack = {**self.fixed, **taken}
        every = tuple(dict.fromkeys(client for of in clients_by_pack.values() for client in of))
        try:
            wanted = self.chosen.for_clients(every, clients_by_pack).enforced()
            for agents in skipped_agents(wanted.lock):
                left = [client for client in agents.clients if client in taken.get(agents.pack, ())]
                if agents.is_whole and left:  # a client that gets nothing of it does not take it
                    self.chosen.only_for(left).render(skips=False)
            check_writable(self.chosen.workspace, wanted, self.decisions)
        except Bug:
            raise
        except AgentpackError as error:
            return error
        return None

    def skipped(self, packs: Sequence[str], taken: Mapping[str, Sequence[str]]) -> Iterable[SkippedClient]:
        """The skipped clients, one entry per reason. The default client is left out: its refusal stops the command."""
        workspace, found = self.chosen.workspace, dict[SkippedClient, list[str]]()
        for (pack, client), error in self._refused.items():
            if client not in taken[pack]:
                install = "agentpack install NAME " if workspace.manifest.wanted(pack) else ""
                found.setdefault(_skipped(workspace.clients[client], error, install), []).append(pack)
        for one, of in found.items():
            one = one._replace(way=one.way.replace("install NAME", f"install {' '.join(of)}"))
            yield one if len(of) == len(packs) else one._replace(packs=tuple(of))
