"""The files given to `adopt`: which client each belongs to, which agent it contains, or why it cannot be adopted.

A file in a client's own folder is one agent. A shared file has one agent in each entry: its path means all of them,
`<file>#<name>` one.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agentpack.changes.clients import default_clients
from agentpack.clients.base import Client
from agentpack.disk.real_paths import real_path
from agentpack.edits.recognise import Agent, read_file
from agentpack.errors import UsageError
from agentpack.workspace.workspace import Workspace


class AdoptableAgent(NamedTuple):
    """An agent to adopt: its place (see `workspace/locations.py`), client, bytes, and parsed contents."""

    path: str
    client: str
    data: bytes
    agent: Agent


class AlreadyManaged(NamedTuple):
    """A named file that agentpack manages already: nothing is left to do."""

    path: str


class _Place(NamedTuple):
    """A named file: its named path, its client, and the agent's name according to the file name.

    `key` is the entry in a shared file; None for all of them.
    """

    path: str
    target: Client
    stem: str = ""
    key: str | None = None


def find(workspace: Workspace, names: Sequence[str]) -> tuple[tuple[AdoptableAgent, ...], tuple[AlreadyManaged, ...]]:
    """The agents in the named files, and those that are managed already.

    Raises:
        UsageError: one cannot be adopted; the details say why for each.
    """
    found: dict[str, AdoptableAgent] = {}
    managed: dict[str, AlreadyManaged] = {}
    refused: list[str] = []
    for name in dict.fromkeys(names):
        for one in _read(workspace, name):
            if isinstance(one, str):
                refused.append(f"{name}: {one}")
            elif isinstance(one, AlreadyManaged):
                managed[one.path] = one
            else:
                found[one.path] = one
    if refused:
        count = len(refused)
        raise UsageError(
            f"{count} file{'s' if count != 1 else ''} cannot be adopted; nothing was changed", details=refused
        )
    return tuple(found.values()), tuple(managed.values())


def _read(workspace: Workspace, name: str) -> Iterator[AdoptableAgent | AlreadyManaged | str]:
    """The agents in a named file, or why each cannot be adopted."""
    absolute = os.path.abspath(os.path.join(workspace.environment.cwd, name))
    if os.path.isdir(absolute):
        yield f"it is a folder: name the agent files in it, as in `{name.rstrip('/')}/*`"
        return
    place = _place(workspace, absolute)
    if isinstance(place, str):
        yield place
        return
    seen = workspace.disk.look(place.path)
    if seen is None:
        yield "there is no such file" + (
            "; `agentpack sync` writes it" if place.path in workspace.states.recorded else ""
        )
    elif place.path in workspace.states.recorded:
        yield AlreadyManaged(place.path)
    elif seen.kind != "file":
        yield f"it is a {seen.kind}, not a file"
    elif place.target.shared is not None:
        yield from _entries(workspace, place)
    else:
        yield _found(place.target, place.path, workspace.states.contents(place.path), place.stem)


def _found(target: Client, path: str, data: bytes, stem: str) -> AdoptableAgent | str:
    agent = read_file(target, data, stem)
    return agent.fault if agent.fault is not None else AdoptableAgent(path, target.name, data, agent)


def _entries(workspace: Workspace, place: _Place) -> Iterator[AdoptableAgent | AlreadyManaged | str]:
    """The named entry, or all entries that agentpack does not manage."""
    assert place.target.shared is not None
    try:
        entries = place.target.shared.entries(workspace.disk.read(place.path) or b"")
    except ValueError as error:
        yield str(error)
        return
    ours = {key for key in entries if f"{place.path}#{key}" in workspace.states.recorded}
    if place.key in ours:
        yield AlreadyManaged(f"{place.path}#{place.key}")
    elif place.key is not None and place.key not in entries:
        yield f"there is no such entry; there are {', '.join(map(repr, entries)) or 'none'}"
    elif place.key is None and ours == entries.keys():
        if not ours:
            yield "there is no agent in it"
        yield from (AlreadyManaged(f"{place.path}#{key}") for key in entries)
    for key in [key for key in entries if key not in ours and place.key in (None, key)]:
        one = _found(place.target, f"{place.path}#{key}", entries[key].encode(), key)
        yield f"`{key}`: {one}" if isinstance(one, str) and place.key is None else one


def _place(workspace: Workspace, absolute: str) -> _Place | str:
    """The named path of a file and its client, or why there is none. Clients in use here come before others with the
    same folder.
    """
    kind, variables = workspace.scope.kind, workspace.environment.variables
    used = default_clients(workspace, workspace.manifest)
    near = None
    for target in sorted(workspace.clients.values(), key=lambda target: (target.name not in used, target.name)):
        folder = target.folder(kind, variables)
        if folder is None:
            continue
        below = _below(workspace.scope.absolute(folder), absolute)
        if below is None:
            continue
        head = f"{folder}/" if folder else ""
        file, mark, key = below.partition("#")
        if target.shared is not None:
            if file == target.file:
                return _Place(head + file, target, key=key if mark else None)
        elif match := re.fullmatch(re.escape(target.file).replace(re.escape("{name}"), "([^/]+)", 1), below):
            return _Place(head + below, target, match[1])
        elif "/" not in below and "/" not in target.file:
            near = (
                near
                or f"{target.title} has its agents there as `{target.file.replace('{name}', 'NAME')}`: rename the file"
            )
    return near or _outside(workspace)


def _below(folder: str, absolute: str) -> str | None:
    """The file's path below a folder, following links to either; None if it is not below."""
    parent, leaf = os.path.split(absolute)
    file, root = os.path.join(real_path(parent), leaf), real_path(folder)
    try:
        below = os.path.relpath(file, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return None
    return None if below == ".." or below.startswith("../") else below


def _outside(workspace: Workspace) -> str:
    kind, variables = workspace.scope.kind, workspace.environment.variables
    used = default_clients(workspace, workspace.manifest)
    named = (workspace.clients[name].path("NAME", kind, variables) for name in used if name in workspace.clients)
    places = [workspace.scope.absolute(place) for place in named if place]
    return f"it does not lie in a folder of agents of the {kind} scope, such as {' or '.join(places)}"
