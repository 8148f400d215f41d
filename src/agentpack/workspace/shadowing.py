"""Agent files with the same name as one of ours, in any folder a client reads: it uses only one of them."""

import os
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from agentpack.clients.base import Client, ending
from agentpack.disk.atomic import read_start
from agentpack.disk.real_paths import real_path
from agentpack.environment import Scope, find_scope, split_root, user_scope
from agentpack.errors import AgentpackError
from agentpack.model.changes import WRITES, Action, Plan
from agentpack.model.line_ends import MARK
from agentpack.workspace.workspace import Workspace

_HEAD = 4096
_NAME = rb"""^[ \t]*"?%s"?[ \t]*[:=][ \t]*(?P<name>\S.*)$"""
MAX_BELOW = 20
"""How many levels below a client's folder agents are searched for."""


class ManagedFile(Protocol):
    """What is needed of a managed file to find others with its agent's name."""

    @property
    def path(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def persona(self) -> str: ...


class SameName(NamedTuple):
    """An agent file with the same name as one of ours, for a client that reads both. `scope` is the other file's scope,
    empty for the same scope.
    """

    persona: str
    client: str
    ours: str
    other: str
    scope: str
    reads: str
    """How the client chooses, as its adapter describes it."""
    uses: str
    """Which of the two the client uses: `the project's`, `ours`, or `only one` if unknown."""


def same_name_warnings(workspace: Workspace, planned: Plan, clients: Collection[str]) -> Iterator[str]:
    """A sentence for each agent file that shares its name with one about to be written or adopted, and stays.

    Args:
        clients: the lock's clients; some may only read what is written for another.
    """
    managed = [change for change in planned.changes if change.action not in (Action.CONFLICT, Action.DELETE)]
    fresh = [change for change in managed if change.previous is None or change.action in WRITES]
    places = {workspace.scope.absolute(change.path) for change in fresh}
    deleted = {workspace.scope.absolute(change.path) for change in planned.changes if change.action is Action.DELETE}
    found = (same for same in same_names(workspace, managed, clients) if same.other not in deleted)
    return same_name_sentences(workspace, (same for same in found if same.ours in places))


def same_name_sentences(workspace: Workspace, found: Iterable[SameName]) -> Iterator[str]:
    """A sentence for each of these files, naming every client that reads it."""
    files: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for same in found:
        uses = files.setdefault((same.other, same.scope, same.persona), {})
        uses.setdefault(same.uses, []).append(workspace.clients[same.client].title)
    for (other, scope, persona), uses in files.items():
        said = []
        for which, titles in uses.items():
            s = "s" if len(titles) == 1 else ""
            said.append(f"{' and '.join(titles)} read{s} both and use{s} {which}")
        where = f" ({scope} scope)" if scope else ""
        yield f"{short_path(workspace, other)}{where} is also named `{persona}`; {', '.join(said)}"


def short_path(workspace: Workspace, absolute: str) -> str:
    """The path relative to the project's root, or to home if it is below home."""
    places = [(workspace.scope.root, "")] if workspace.scope.kind == "project" else []
    for base, sign in (*places, (workspace.environment.home, "~/")):
        if absolute.startswith(base.rstrip("/") + "/"):
            return sign + os.path.relpath(absolute, base)
    return absolute


def same_names(workspace: Workspace, files: Iterable[ManagedFile], clients: Collection[str]) -> Iterator[SameName]:
    """Agent files that share their name with a managed file, in every folder of either scope that one of these clients
    reads, or a client that has a file.
    """
    files = tuple(files)
    managed = real_places(workspace, files)
    scopes = [workspace.scope, *_other_scope(workspace)]
    for client in sorted({*clients, *(file.client for file in files)} & {*workspace.clients}):
        target = workspace.clients[client]
        if target.shared is None:
            yield from _same_names(workspace, target, scopes, managed)


def _same_names(
    workspace: Workspace, target: Client, scopes: Sequence[Scope], managed: Mapping[str, ManagedFile]
) -> Iterator[SameName]:
    folders: dict[str, tuple[str, Scope]] = {}
    for scope in scopes:
        for folder in _folders(workspace, scope, target):
            folders.setdefault(real_path(folder), (folder, scope))
    others = [
        (path, name, scope) for folder, scope in folders.values() for path, name in agent_names(folder, target, managed)
    ]
    if not others:
        return
    here = [real for real, (_, scope) in folders.items() if scope is scopes[0]]
    ours = {
        target.identity(_own_name(target, below, place, file)): file
        for place, file in managed.items()
        if (below := next((real for real in here if _is_agent(target, real, place)), None)) is not None
    }
    reads = f"{target.title}: {target.reads.partition(';')[0]}"
    for path, name, scope in others:
        mine = ours.get(target.identity(name))
        if mine is not None:
            beside = scope is scopes[0]
            uses = _which(target, beside, mine.client == target.name)
            place = workspace.scope.absolute(mine.path)
            yield SameName(name, target.name, place, path, "" if beside else scope.kind, reads, uses)


def _which(target: Client, beside: bool, own: bool) -> str:
    """Which of two agents a client uses: ours (its own or another client's), or the other file (same scope or other
    scope).
    """
    if not beside:
        return "both, the project's fields first" if target.wins == "merge" else f"the {target.wins}'s"
    return "ours" if own and target.own_first else "only one"


def _folders(workspace: Workspace, scope: Scope, target: Client) -> Iterator[str]:
    """The absolute folders that a client reads in a scope."""
    variables = workspace.environment.variables
    for named in target.folders(scope.kind, variables):
        root, rest = split_root(named)
        yield os.path.join(scope.roots.get(root) or os.path.abspath(variables[root[1:]]), rest)


def real_places(workspace: Workspace, files: Iterable[ManagedFile]) -> Mapping[str, ManagedFile]:
    """These files by their real paths."""
    folders: dict[str, str] = {}
    places = {}
    for file in files:
        folder, _, leaf = file.path.rpartition("/")
        if folder not in folders:  # most files share one
            folders[folder] = real_path(os.path.dirname(workspace.scope.absolute(file.path)))
        places[f"{folders[folder]}/{leaf}"] = file
    return places


def _other_scope(workspace: Workspace) -> tuple[Scope, ...]:
    """For a project, the user scope; for the user scope, the project around the current folder. Empty without one."""
    environment = workspace.environment
    try:
        if workspace.scope.kind == "project":
            return (user_scope(environment, "beside the project"),)
        found = find_scope(environment)
    except AgentpackError:
        return ()
    return (found,) if found.kind == "project" else ()


def agent_names(folder: str, target: Client, but: Container[str]) -> Iterator[tuple[str, str]]:
    """The agent files in a folder, as absolute path and the name the client gives it.

    Args:
        but: real paths to skip.
    """
    deepest = folder.count("/") + (MAX_BELOW if target.nested else ending(target).count("/"))
    for place, folders, names in os.walk(folder):
        folders.sort()
        real = real_path(place)
        for leaf in sorted(names):
            path = f"{place}/{leaf}"
            if f"{real}/{leaf}" in but or leaf.startswith(".") or not _is_agent(target, folder, path):
                continue
            if not os.path.islink(path) or real_path(path) not in but:
                name = _name_of(target, folder, path)
                if name is not None:
                    yield path, name
        if place.count("/") >= deepest:
            folders.clear()


def _is_agent(target: Client, folder: str, path: str) -> bool:
    """Whether a client that reads the folder can read this path as an agent."""
    below = path.removeprefix(f"{folder}/")
    deep = ending(target).count("/")
    fits = below != path and below.endswith(target.endings or ending(target))
    return fits and (below.count("/") == deep or (target.nested and below.count("/") > deep))


def _own_name(target: Client, folder: str, path: str, file: ManagedFile) -> str:
    """The name a client gives a managed file: an agent of a collection may be called otherwise than its persona."""
    content: bytes | None = getattr(file, "content", None)  # about to be written
    found = _name_of(target, folder, path) if content is None else _name_in(target, content[:_HEAD], folder, path)
    return found or file.persona


def _name_of(target: Client, folder: str, path: str) -> str | None:
    """The name a client gives the agent file at a path; None if it cannot be read."""
    try:
        return _name_in(target, read_start(path, _HEAD), folder, path)
    except OSError:
        return None


def _name_in(target: Client, head: bytes, folder: str, path: str) -> str | None:
    """The name a client gives an agent file that begins with `head`, or None. YAML is not loaded for this."""
    head = head.removeprefix(MARK)
    headed = head.startswith(b"---")
    markdown = target.form.format in ("markdown", "body")
    if markdown:
        head = head.partition(b"\n---")[0] if headed else b""
    key = target.name_key
    found = re.search(_NAME % re.escape(key or "name").encode(), head, re.MULTILINE)
    end = next(end for end in target.endings or (ending(target),) if path.endswith(end))
    below = path.removeprefix(f"{folder}/").removesuffix(end)
    names = {
        "name": _bare(found["name"]) if found else None,
        "path": below,
        "stem": below.rpartition("/")[2] if headed or not markdown else None,
    }
    return next((name for way in target.naming if (name := names[way])), None)


def _bare(value: bytes) -> str:
    """The name in the rest of a line, without quotes or a JSON comma."""
    value = value.removesuffix(b"\r").removesuffix(b",").rstrip(b" \t")
    return value.decode("utf-8", "replace").strip("\"'")
