"""Render each persona once for each client, with a bound on the total size."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from agentpack.capabilities.of_file import may_use
from agentpack.clients.base import Client
from agentpack.compose.modules import AUTO, divided, without_modules
from agentpack.errors import Refused
from agentpack.model.rendering import Note, Rendering
from agentpack.render import render
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.candidates import Candidates

MAX_RENDERED = 4 * 1024 * 1024
"""Largest rendered file, in bytes."""
MAX_ALL_RENDERED = 128 * 1024 * 1024
"""Largest total of one command's renderings, in bytes."""


MAX_SKILLS = 2_000
"""Largest number of skills of one command, in all folders together."""
_INLINE = "modules: written into the agent's own file, not as skills"
_NO_SKILL = "its name or description is too long for a skill, or contains text that a client might interpret"
_NONE: Mapping[str, bytes] = MappingProxyType({})


class Renderings:
    """Renders personas for clients on first request."""

    def __init__(
        self, candidates: Candidates, models: Mapping[str, Mapping[str, str]], *, inline: bool = False
    ) -> None:
        """`inline`: write every module inline, whatever the parameters say."""
        self.inline = inline
        self.candidates = candidates
        self.workspace = candidates.workspace
        self.models = models
        self._files: dict[tuple[str, str, str], tuple[Rendering, ...]] = {}
        self.divided: dict[tuple[str, str, str], AssembledPersona] = {}
        """By pack, persona and client or skills folder: the personas without their modules, and the modules."""
        self._skills: set[str] = set()
        self._notes: dict[Note, Note] = {}
        self._bytes = 0

    def of(self, part: AssembledPersona, client: str) -> tuple[Rendering, ...]:
        """The file of a persona for a client, then its skills; empty if the client has no agents in this scope."""
        key = (part.pack.name, part.persona.name, client)
        if key not in self._files:
            self._files[key] = tuple(self._rendered(part, client))
        return self._files[key]

    def _rendered(self, part: AssembledPersona, client: str) -> Iterator[Rendering]:
        target = self.workspace.client(client)
        core, modules, notes = self._divided(part, target)
        file = self._file(core, target)
        if file is None:
            return
        tool = target.skills.tool if target.skills else ""
        if modules and part.mode == AUTO and tool and not may_use(target, file.content, tool):
            core, modules = part, ()
            notes = (Note(_INLINE, f"the agent does not have the client's tool `{tool}`"),)
            file = self._file(core, target) or file
        file = file._replace(notes=(*file.notes, *notes)) if notes else file
        yield self._kept(core, file)
        for module in modules:
            assert target.skills is not None
            skill = self._file(module, self.workspace.client(target.skills.folder))
            if skill is not None:
                self._skills.add(skill.path)
                yield self._kept(module, skill)
        if len(self._skills) > MAX_SKILLS:
            raise Refused(
                f"more than {MAX_SKILLS:,} skills",
                hint="install fewer packs, or write modules inline (`--set modules=inline`)",
            )

    def _divided(
        self, part: AssembledPersona, target: Client
    ) -> tuple[AssembledPersona, tuple[AssembledPersona, ...], tuple[Note, ...]]:
        """The persona for its own file, its modules that become skills, and notes on those that do not."""
        mode, skills = part.mode, target.skills
        if not part.modules or mode == "inline" or self.inline:
            return part, (), ()
        if mode == "none":
            return part._replace(persona=without_modules(part.persona, part.modules)), (), ()
        if skills is None:
            return part, (), (Note(_INLINE, "the client's agents are not known to load skills"),)
        if self.workspace.scope.kind == "user" and self.workspace.environment.variables.get(skills.moved_by):
            return part, (), (Note(_INLINE, f"{skills.moved_by} makes the client read skills elsewhere"),)
        core, modules, kept = divided(part.persona, part.modules)
        name = part.persona.name
        return (
            part._replace(persona=core),
            tuple(part._replace(persona=module, module_of=name, originals=_NONE) for module in modules),
            tuple(Note(f"module `{id}`: written into the agent's own file, not as skills", _NO_SKILL) for id in kept),
        )

    def _kept(self, part: AssembledPersona, file: Rendering) -> Rendering:
        """The file. If its modules may be skills, the persona it was rendered from is kept in `divided`."""
        if part.modules and not self.inline:
            self.divided[file.pack, file.persona, file.client] = part
        return file

    def _file(self, part: AssembledPersona, target: Client) -> Rendering | None:
        source = next(iter(part.originals), None) if part.pack.bare else None
        file = render(
            part.persona,
            target,
            pack=part.pack.name,
            scope=self.workspace.scope.kind,
            variables=self.workspace.environment.variables,
            models=self.models,
            crlf=part.crlf,
            original=part.originals.get(target.name),
            unmodified=part.unmodified,
            called=part.called,
            source=None if source is None else self.workspace.client(source),
        )
        if file is None:
            return None
        path = self.candidates.paths.get((target.name, part.pack.name, part.persona.name))
        file = file._replace(path=path) if path else file
        self._bytes += len(file.content)
        _refuse_large(file, self._bytes)
        if not file.notes:
            return file
        notes = tuple(self._notes.setdefault(note, note) for note in file.notes)
        return file._replace(notes=notes)  # a thousand personas have the same few


def _refuse_large(file: Rendering, together: int) -> None:
    """Raise Refused if a file, or all files together, exceed the size limit."""
    if len(file.content) > MAX_RENDERED:
        what = f"{file.path} would have {len(file.content):,} bytes, more than {MAX_RENDERED // 2**20} MiB"
        raise Refused(what, hint=f"use fewer variants of {file.pack}, or shorter parameter values")
    if together > MAX_ALL_RENDERED:
        what = f"all files together would have more than {MAX_ALL_RENDERED // 2**20} MiB, including {file.path}"
        raise Refused(what, hint="install for fewer clients, or fewer packs")
