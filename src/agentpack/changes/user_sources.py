"""The user's own sources: those of the manifest in the user scope, which serve every project.

`install NAME`, `show` and `search` look into them after the project's sources and before the bundled packs. A source
that a pack is installed from is copied into the project's manifest, since nothing else may decide what the project
gets on another machine.
"""

import os

from agentpack.changes.place_arguments import free_name, portable_place, same_place
from agentpack.environment import user_scope
from agentpack.errors import UsageError
from agentpack.model.manifest import ConfiguredSource, Manifest
from agentpack.workspace.workspace import Workspace


def user_sources(workspace: Workspace) -> tuple[ConfiguredSource, ...]:
    """The user's own sources, with absolute paths; none in the user scope, where they are the only ones.

    Raises:
        InvalidFile: the user's manifest has faults.
    """
    if workspace.scope.kind == "user":
        return ()
    scope = user_scope(workspace.environment, "")
    if not os.path.isfile(manifest := scope.absolute(scope.manifest)):
        return ()
    there = Workspace(workspace.environment, scope).manifest.sources
    return tuple(_absolute(source, os.path.dirname(manifest)) for source in there)


def with_user_sources(workspace: Workspace, manifest: Manifest) -> Manifest:
    """The manifest with the user's own sources after its own, but for places that it has already. One whose name is
    taken gets another.
    """
    for source in user_sources(workspace):
        workspace.sources.name(source)  # the user's own manifest names it
        if not any(same_place(workspace, one, source) for one in manifest.sources):
            name = free_name(manifest.sources, source, source.name)
            manifest = manifest._replace(sources=(*manifest.sources, source._replace(name=name)))
    return manifest


def for_project(workspace: Workspace, source: ConfiguredSource) -> ConfiguredSource:
    """A source of the user's own in the form to write into this project's manifest: a path in the project is relative.
    Raises UsageError if its path has hidden characters.
    """
    if not source.place.isprintable():
        hint = "rename it: agentpack.yaml would contain invisible text"
        raise UsageError(f"the place of the source `{source.name}` has hidden characters in its path", hint=hint)
    inside = source.place.startswith(f"{workspace.scope.root}/")
    return source._replace(place=portable_place(workspace, source)) if inside else source


def _absolute(source: ConfiguredSource, folder: str) -> ConfiguredSource:
    if not source.is_path:
        return source
    return source._replace(place=os.path.normpath(os.path.join(folder, os.path.expanduser(source.place))))
