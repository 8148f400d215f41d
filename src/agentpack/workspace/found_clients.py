"""Decide by their folders which clients are used in a scope, and which of those the manifest does not list."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from agentpack.clients import MODULES, VARIABLES
from agentpack.clients.base import Client
from agentpack.errors import AgentpackError
from agentpack.model.manifest import Manifest
from agentpack.workspace.workspace import Workspace


class SkippedClient(NamedTuple):
    """A client that nobody named and that does not get these packs: why, and how to add it."""

    client: str
    title: str
    reason: str
    way: str = ""
    packs: tuple[str, ...] = ()
    """Empty if it gets none of the requested packs."""


class UnlistedClients(NamedTuple):
    """Clients that are used in the scope and not listed in the manifest, and packs that they would take."""

    clients: tuple[str, ...]
    packs: tuple[str, ...]

    def __str__(self) -> str:
        way = f"`agentpack install {' '.join(self.packs)} --client {','.join(self.clients)}`"
        them = "it" if len(self.clients) == 1 else "them"
        return f"found here, but not in `clients:` of agentpack.yaml: {', '.join(self.clients)}; {way} adds {them}"


def skipped_words(skipped: Iterable[SkippedClient]) -> Iterator[str]:
    """A line for all clients that are skipped for the same reason, and can be added in the same way."""
    alike: dict[tuple[str, ...], list[SkippedClient]] = {}
    for one in skipped:
        way = re.sub(rf"(--client |widened:){one.client}\b", r"\1{}", one.way)
        alike.setdefault((one.reason, way, *one.packs), []).append(one)
    for (reason, way, *packs), those in alike.items():
        names = [one.client for one in those]
        if len(those) > 1:
            reason = re.sub(
                r"^it (has|cannot)", lambda match: f"they {'have' if match[1] == 'has' else 'cannot'}", reason
            )
            way = way.replace("add it with", "add them with")
        way = way.replace("widened:{}", ",".join(f"widened:{name}" for name in names)).replace("{}", ",".join(names))
        of_packs = f" for {', '.join(packs)}" if packs else ""
        titles = ", ".join(one.title for one in those)
        yield f"skipped {titles}{of_packs}: {reason}" + (f"; {way}" if way else "")


def skipped_for(target: Client, error: AgentpackError, option: str) -> SkippedClient:
    """The client as skipped for an error that would refuse it; `option` names it in a command."""
    reason = error.message.partition("; nothing was ")[0]  # which is true of a command that stops
    way = f"{error.hint}, then add it with `{option}`" if error.hint else f"once that is fixed, add it with `{option}`"
    return SkippedClient(target.name, target.title, reason, way)


def found_clients(workspace: Workspace) -> tuple[tuple[str, ...], tuple[SkippedClient, ...]]:
    """Two tuples: the clients used in the scope, and the clients that are used but receive nothing.

    If a link makes two clients share a folder, nothing is written for the client behind the link: it reads the other's
    files.
    """
    kind, variables = workspace.scope.kind, workspace.environment.variables
    skipped, places = dict[str, SkippedClient](), dict[str, list[Client]]()
    for name in filter(partial(_may_be_used, workspace), workspace.clients):
        target = workspace.clients[name]
        path = target.path("name", kind, variables)
        try:
            if not _is_used(workspace, target):
                continue
        except AgentpackError as error:
            skipped[target.name] = skipped_for(target, error, f"--client {target.name}")
            continue
        if path is None:
            skipped[target.name] = SkippedClient(target.name, target.title, f"it has no agents in the {kind} scope")
        else:
            places.setdefault(path, []).append(target)
    for lead, *others in workspace.places.groups(places):
        for path in others:
            linked = workspace.scope.absolute(path.rpartition("/")[0])
            for target in places[path]:
                reason = f"{linked} links to the folder of {places[lead][0].title}, so {target.title} reads those files"
                skipped[target.name] = SkippedClient(target.name, target.title, reason)
    found = (target.name for targets in places.values() for target in targets if target.name not in skipped)
    return tuple(sorted(found)), tuple(skipped.values())


def _may_be_used(workspace: Workspace, name: str) -> bool:
    """Whether it is worth loading the client's module: the beginning of one of its markers is there, or in the user
    scope a variable may have moved its folder.
    """
    is_moved = workspace.scope.kind == "user" and any(workspace.environment.variables.get(one) for one in VARIABLES)
    if is_moved or name not in MODULES:
        return True
    with suppress(AgentpackError):
        return any(workspace.disk.stamp(top) is not None for top in MODULES[name])
    return True  # told of the client


def _is_used(workspace: Workspace, target: Client) -> bool:
    folder = target.folder(workspace.scope.kind, workspace.environment.variables) or ""
    moved = (folder, folder.rpartition("/")[0]) if folder.count("/") > 1 else (folder,)
    markers = (*(moved if folder.startswith("$") else ()), *target.markers)
    return any(workspace.disk.stamp(marker) is not None for marker in markers)


def unlisted_clients(workspace: Workspace, manifest: Manifest) -> tuple[str, ...]:
    """The clients used in the scope that `clients:` of the manifest does not list; none where there is no such key."""
    if manifest.clients is None:
        return ()
    return tuple(name for name in found_clients(workspace)[0] if name not in manifest.clients)
