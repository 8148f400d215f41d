"""Render each persona once for each client, with a bound on the total size."""

from collections.abc import Mapping

from agentpack.errors import Refused
from agentpack.model.rendering import Note, Rendering
from agentpack.render import render
from agentpack.wanted.assemble import AssembledPersona
from agentpack.workspace.workspace import Workspace

MAX_RENDERED = 4 * 1024 * 1024
"""Largest rendered file, in bytes."""
MAX_ALL_RENDERED = 128 * 1024 * 1024
"""Largest total of one command's renderings, in bytes."""


class Renderings:
    """Renders personas for clients on first request."""

    def __init__(self, workspace: Workspace, models: Mapping[str, Mapping[str, str]]) -> None:
        self.workspace = workspace
        self.models = models
        self._files: dict[tuple[str, str, str], Rendering | None] = {}
        self._notes: dict[Note, Note] = {}
        self._bytes = 0

    def of(self, part: AssembledPersona, client: str) -> Rendering | None:
        """The file of a persona for a client; None if the client has no agents in this scope."""
        key = (part.pack.name, part.persona.name, client)
        if key not in self._files:
            self._files[key] = self._rendered(part, client)
        return self._files[key]

    def _rendered(self, part: AssembledPersona, client: str) -> Rendering | None:
        file = render(
            part.persona,
            self.workspace.client(client),
            pack=part.pack.name,
            scope=self.workspace.scope.kind,
            variables=self.workspace.environment.variables,
            models=self.models,
            crlf=part.crlf,
            original=part.originals.get(client),
            unmodified=part.unmodified,
        )
        if file is None:
            return None
        self._bytes += len(file.content)
        _refuse_large(file, self._bytes)
        if not file.notes:
            return file
        notes = tuple(self._notes.setdefault(note, note) for note in file.notes)
        return file._replace(notes=notes)  # a thousand personas have the same few


def _refuse_large(file: Rendering, together: int) -> None:
    """Raise Refused if a file, or all files together, exceed the size limit."""
    if len(file.content) > MAX_RENDERED:
        what = f"{file.path} comes to {len(file.content):,} bytes, more than {MAX_RENDERED // 2**20} MiB"
        raise Refused(what, hint=f"ask for fewer variants of {file.pack}, or set shorter parameters")
    if together > MAX_ALL_RENDERED:
        what = f"all files together come to more than {MAX_ALL_RENDERED // 2**20} MiB, {file.path} among them"
        raise Refused(what, hint="install for fewer clients, or fewer packs")
