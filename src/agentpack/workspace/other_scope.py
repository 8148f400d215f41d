"""Files that both scopes manage: CLAUDE_CONFIG_DIR may point into a project, and the home folder may be a project.

This module only finds them; `same_file.py` decides what a plan does with them.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from agentpack.clients.base import Client
from agentpack.environment import Scope, find_scope, user_scope
from agentpack.errors import AgentpackError
from agentpack.model.history import InstalledFile
from agentpack.workspace.workspace import Workspace


class OtherScopeFile(NamedTuple):
    """A file the other scope manages: the kind of that scope, and the row it recorded."""

    scope: str
    row: InstalledFile


def shared_files(workspace: Workspace, clients: Collection[str]) -> Mapping[str, OtherScopeFile]:
    """The files of these clients that the other scope manages too, by their path in this scope."""
    found: dict[str, OtherScopeFile] = {}
    for client in sorted({*clients} & {*workspace.clients}):
        for folder, other, there in _folders(workspace, workspace.clients[client]):
            for path, row in other.states.recorded.items():
                if path.startswith(f"{there}/"):
                    found[folder + path[len(there) :]] = OtherScopeFile(other.scope.kind, row)
    return found


def _folders(workspace: Workspace, target: Client) -> Iterator[tuple[str, Workspace, str]]:
    """If both scopes share the client's folder: its path here, the other scope's workspace, and its path there."""
    kind, variables = workspace.scope.kind, workspace.environment.variables
    folder = target.folder(kind, variables)
    if not folder or target.folder("user" if kind == "project" else "project", variables) is None:
        return
    try:
        scope = _scope_beside(workspace, folder)
        there = target.folder(scope.kind, variables)
        if scope.kind == kind or not there:
            return
        other = Workspace(workspace.environment, scope)
        if other.disk.identity(there) == workspace.disk.identity(folder) and other.states.recorded:
            yield folder, other, there
    except AgentpackError:
        return  # what cannot be read there is told by a command that works there


def _scope_beside(workspace: Workspace, folder: str) -> Scope:
    """For a project the user scope; for the user scope the project around the given folder."""
    if workspace.scope.kind == "project":
        return user_scope(workspace.environment, "")
    return find_scope(workspace.environment._replace(cwd=workspace.scope.absolute(folder)))
