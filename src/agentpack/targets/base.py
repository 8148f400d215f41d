"""What a client adapter is: data, and one function from a persona to the text of its file.

Most clients are only a `Declaration` (see `declared.py`); a client with a logic of its own brings a function.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from agentpack.model.persona import Persona
from agentpack.model.rendering import Form, Note

if TYPE_CHECKING:
    from agentpack.targets.declared import Declaration

Models = Mapping[str, Mapping[str, str]]
"""What a model family is called elsewhere: family, then client, then id (`models:` of the manifest)."""


TOOLS_LIMITED = "tools limited to "
"""Begins what is lost of a persona's own list of tools."""


class Said(NamedTuple):
    """A persona in one client's words.

    `notes` say what the client cannot express or reads otherwise; `lost` names restrictions that it cannot express.
    """

    text: str
    notes: tuple[Note, ...] = ()
    lost: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where a client reads agents at user scope: a folder below home, and the variable that moves the client's own
    folder.
    """

    folder: str
    variable: str | None = None
    below_variable: str = ""
    """The folder of agents below the one that the variable names."""


class Shared(NamedTuple):
    """A file that holds many agents, others' among them: only our entry in it is ours.

    `entries` gives each entry's text by its key; `put` gives the file's bytes with the entry of that key set, or taken
    out for None, and every other byte as it was. Both raise ValueError on a file that cannot be read, `put` also when
    the change cannot be made without touching the rest. A file of which nothing is left is empty.
    """

    entries: Callable[[bytes], Mapping[str, str]]
    put: Callable[[bytes, str, str | None], bytes]


def _same(name: str) -> str:
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A client: where it reads agents, how far that was checked, and how a persona is said to it."""

    name: str
    title: str
    project: str | None
    """The folder of agents in a project; None: the client has none there."""
    user: Place | None
    file: str
    """The file of one agent below that folder, with `{name}` in it: `{name}.md`, `{name}/AGENTS.md`."""
    say: Callable[[Persona, Models], Said]
    version: str
    checked: str
    """Date of the check, ISO 8601."""
    verified_by: str
    """`judge` (the client itself loaded a file), `source` (its code was read) or `documentation`."""
    reads: str
    """How the client reads a folder, in a line for people."""
    markers: tuple[str, ...] = ()
    """Files or folders, below a project's root or home, whose presence shows that the client is used there. Only this
    client makes them.
    """
    wins: str = "project"
    """Which scope wins where both have an agent of one name: `project`, `user` or `merge`."""
    also_reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By scope, what this client reads besides its folder: other clients' folders, or older ones of its own. One that
    begins with `$` counts where that variable is set."""
    own_first: bool = False
    """Whether an agent in its own folder is known to win over one in a folder it reads besides."""
    endings: tuple[str, ...] = ()
    """What the names of agent files end with, where the client reads more than it is written: `.md`, `.txt`."""
    nested: bool = True
    """Whether it may read agents in folders below; False where it is known not to."""
    naming: tuple[str, ...] = ("name",)
    """How the client names an agent: the first of these that the file has. `name` is the key in its head, `path` its
    path below the folder, `stem` its own name without folders; a Markdown file has a `stem` only behind a header."""
    trust: str = ""
    """What a user must do before a project's agents are shown, empty when nothing."""
    reserved: frozenset[str] = frozenset()
    identity: Callable[[str], str] = _same
    """What the client makes of a name: two personas for which this is the same collide there."""
    shared: Shared | None = None
    settings: tuple[str, ...] = ()
    """The native settings that `clients:` of a persona may give this client."""
    declaration: "Declaration | None" = None
    """The words this client is spoken to in, where they are data."""
    aliases: tuple[str, ...] = ()
    """What else people call it, in lower case with hyphens."""
    remarks: tuple[str, ...] = ()
    """What else a user should know, a sentence each."""

    @property
    def form(self) -> Form:
        """How a file for this client is written."""
        return Form() if self.declaration is None else self.declaration.form

    def folder(self, scope: str, variables: Mapping[str, str]) -> str | None:
        """The folder of agents as a named path; None when the client has none in this scope."""
        if scope == "project":
            return self.project
        if self.user is None:
            return None
        if self.user.variable and variables.get(self.user.variable):
            below = self.user.below_variable
            return f"${self.user.variable}/{below}" if below else f"${self.user.variable}"
        return self.user.folder

    def folders(self, scope: str, variables: Mapping[str, str]) -> tuple[str, ...]:
        """All folders the client reads agents from, as named paths, the one that is written to first."""
        own = self.folder(scope, variables)
        more = (
            f for f in self.also_reads.get(scope, ()) if not f.startswith("$") or variables.get(f[1:].split("/")[0])
        )
        if own is not None and own.startswith("$") and self.user is not None:
            # the variable moves the client's older folders too
            moved, before = f"${self.user.variable}/", self.user.folder.removesuffix(self.user.below_variable)
            more = (moved + f.removeprefix(before) if f.startswith(before) else f for f in more)
        return (*(() if own is None else (own,)), *more)

    def patterns(self, scope: str) -> Iterator[str]:
        """Where agent files of this client can be, as named paths with `{name}` for the persona: with and without the
        variable that moves its folder, and in the folders that it also reads, as older versions wrote there.
        """
        moved = self.user.variable if self.user is not None else None
        for variables in ({}, *([{moved: "set"}] if moved and scope == "user" else [])):
            for folder in self.folders(scope, variables):
                yield f"{folder}/{self.file}" if folder else self.file

    def path(self, persona: str, scope: str, variables: Mapping[str, str]) -> str | None:
        """The file of a persona as a named path; for a shared file `<file>#<entry>`."""
        folder = self.folder(scope, variables)
        if folder is None:
            return None
        leaf = self.file.replace("{name}", persona)
        place = f"{folder}/{leaf}" if folder else leaf
        return place if self.shared is None else f"{place}#{persona}"


def ending(target: Target) -> str:
    """What the names of the agent files that are written for a client end with: `.md`, `.agent.md`, `/AGENTS.md`."""
    return target.file.partition("{name}")[2] or target.file


def native_settings(persona: Persona, client: str) -> Mapping[str, Any]:
    """The persona's own settings for this client."""
    clients: Mapping[str, Mapping[str, Any]] = persona.value("clients") or {}
    return clients.get(client, {})
