"""Agent files that have the name of one of ours, beside it or in the other scope: a client takes only one of them."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from agentpack.disk.real import real_path
from agentpack.disk.whole import read_start
from agentpack.environment import Scope, find_scope, user_scope
from agentpack.errors import AgentpackError
from agentpack.model.changes import Action, Plan
from agentpack.model.line_ends import MARK
from agentpack.model.names import is_junk
from agentpack.operations.workspace import Workspace
from agentpack.targets.base import Target, ending

_HEAD = 4096
_NAME = rb"""^[ \t]*"?%s"?[ \t]*[:=][ \t]*(?P<name>\S.*?)[ \t]*,?\r?$"""


class Managed(Protocol):
    """A file of ours."""

    @property
    def path(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def persona(self) -> str: ...


class SameName(NamedTuple):
    """An agent file that has the name of one of ours. `scope` is empty when it lies beside ours, else the scope in
    which it lies."""

    persona: str
    client: str
    ours: str
    other: str
    scope: str
    reads: str
    """How the client chooses, in its adapter's words."""


def same_name_warnings(workspace: Workspace, planned: Plan) -> Iterator[str]:
    """A sentence for each agent file that has the name of one that is about to be made."""
    managed = [change for change in planned.changes if change.action not in (Action.CONFLICT, Action.DELETE)]
    fresh = {(change.client, change.persona) for change in managed if change.previous is None}
    if not fresh:
        return
    folders: dict[str, Target] = {}
    for client in sorted({client for client, _ in fresh}):
        target = workspace.targets.named(client)
        named = target.folder(workspace.scope.kind, workspace.environment.variables)
        if named is not None and target.shared is None:
            folders.setdefault(workspace.scope.absolute(named), target)
    for found in same_names(workspace, managed, folders):
        if (found.client, found.persona) in fresh:
            which = f", in the {found.scope} scope; {found.reads}" if found.scope else "; a client takes only one"
            yield f"{found.other} is named `{found.persona}` too{which}"


def same_names(workspace: Workspace, files: Iterable[Managed], folders: Mapping[str, Target]) -> Iterator[SameName]:
    """The agent files in these folders, and at their places in the other scope, that have the name of a managed one."""
    files = tuple(files)
    ours = {(file.client, file.persona): workspace.scope.absolute(file.path) for file in files}
    clients = {file.client for file in files}
    managed = {client: real_places(workspace, (file for file in files if file.client == client)) for client in clients}
    elsewhere = _other_scope(workspace)
    for folder, target in folders.items():
        places = [("", folder)]
        if elsewhere is not None:
            named = target.folder(elsewhere.kind, workspace.environment.variables)
            place = folder if named is None else elsewhere.absolute(named)
            places += [(elsewhere.kind, place)] if real_path(place) != real_path(folder) else []
        for scope, place in places:
            for path, name in agent_names(place, target, managed.get(target.name, set())):
                mine = ours.get((target.name, name))
                if mine is not None:
                    yield SameName(
                        name, target.name, mine, path, scope, f"{target.title}: {target.reads.partition(';')[0]}"
                    )


def real_places(workspace: Workspace, files: Iterable[Managed]) -> set[str]:
    """Where the places of these files really are."""
    places = [workspace.scope.absolute(file.path) for file in files]
    folders = {folder: real_path(folder) for folder in {os.path.dirname(place) for place in places}}
    return {f"{folders[os.path.dirname(place)]}/{os.path.basename(place)}" for place in places}


def _other_scope(workspace: Workspace) -> Scope | None:
    """The user's scope beside a project, or the project around the current folder beside the user's."""
    environment = workspace.environment
    try:
        if workspace.scope.kind == "project":
            return user_scope(environment, "beside the project")
        found = find_scope(environment)
    except AgentpackError:
        return None
    return found if found.kind == "project" else None


def agent_names(folder: str, target: Target, but: set[str]) -> Iterator[tuple[str, str]]:
    """The agent files of a client at and below a folder, as absolute path and name; a file that says no name is none.

    Args:
        but: real paths to pass over, unread.
    """
    suffix = ending(target)
    key = None if target.declaration is None else target.declaration.name
    pattern = re.compile(_NAME % re.escape(key or "name").encode(), re.MULTILINE)
    for place, folders, names in os.walk(folder):
        folders.sort()
        real = real_path(place)
        for leaf in sorted(names):
            path = f"{place}/{leaf}"
            is_agent = f"/{leaf}".endswith(suffix) and not leaf.startswith(".") and not is_junk(leaf)
            if is_agent and f"{real}/{leaf}" not in but and real_path(path) not in but:
                name = _name_in(path, pattern, fenced=target.form.format == "markdown")
                if name is not None:
                    yield path, name


def _name_in(path: str, pattern: re.Pattern[bytes], *, fenced: bool) -> str | None:
    """What the head of a file gives as name, read as text: no YAML is loaded for files that are not ours."""
    try:
        head = read_start(path, _HEAD)
    except OSError:
        return None
    head = head.removeprefix(MARK)
    if fenced:
        if not head.startswith(b"---"):
            return None
        head = head.partition(b"\n---")[0]
    found = pattern.search(head)
    return None if found is None else found["name"].decode("utf-8", "replace").strip("\"'")
