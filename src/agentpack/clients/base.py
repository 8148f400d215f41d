"""What a client is: one value, which says where the client reads agents and how their files are written and read.

A client is data, in a file of this package or in a user's `.agentpack/clients/<name>.yaml`. Keys of a header come from
this value alone, so that no key, tool, colour or model of another client can reach a client that would misread it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from agentpack.clients.grammar import UNKNOWN, UNKNOWN_COMMAS, Grammar
from agentpack.clients.powers import LIMITING, MEANINGS, NOTHING, Powers
from agentpack.model.fields import COLORS
from agentpack.model.persona import Persona
from agentpack.model.rendering import Form, Note

DECLARED = "declared"
_AGREEING: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "model": ("model",),
    "allow": ("allow",),
    "map": ("allow", "grants"),
    "permissions": ("allow", "grants"),
    "looking": ("looking",),
}
"""By the role of a key, the meanings elsewhere that say no more than it."""


class Choice(NamedTuple):
    """How a client says a field of a persona that is one word of a few, such as `color`."""

    key: str
    words: Mapping[str, str]
    """The client's own word for each that it knows."""

    def canonical(self, own: Any) -> str | None:
        """What one of the client's own words stands for; None when it is none."""
        found = own.lower() if isinstance(own, str) else None
        return next((word for word, native in self.words.items() if native == found), None)


SAME_COLORS = Choice("color", {color: color for color in COLORS})
HEX_COLORS = Choice(
    "color",
    {
        "red": "#dc2626",
        "blue": "#2563eb",
        "green": "#16a34a",
        "yellow": "#ca8a04",
        "purple": "#9333ea",
        "orange": "#ea580c",
        "pink": "#db2777",
        "cyan": "#0891b2",
    },
)


class Place(NamedTuple):
    """Where a client reads agents at user scope: a folder below home, and the variable that moves the client's own
    folder.
    """

    folder: str
    variable: str | None = None
    below_variable: str = ""
    """The folder of agents below the one that the variable names."""


class Shared(NamedTuple):
    """A file with several agents in it. Agentpack only manages its own entries."""

    path: tuple[str, ...]
    """The keys that lead to the list or map of agents."""
    key: str | None = None
    """The key of an agent's name in a list; None for a map, whose keys are the names."""

    def entries(self, data: bytes) -> Mapping[str, str]:
        """The text of each agent. Raises ValueError on a file that cannot be read."""
        from agentpack.writers.shared_yaml import Place  # loads YAML: for such a file only

        return Place(*self).entries(data)

    def put(self, data: bytes, texts: Mapping[str, str | None]) -> bytes:
        """The file with these agents set, or removed for None; empty if nothing is left. Every other byte is kept.

        Raises:
            ValueError: the file cannot be read, or cannot be changed without touching the rest.
        """
        from agentpack.writers.shared_yaml import Place

        return Place(*self).put(data, texts)


def _same(name: str) -> str:
    return name


def _none(persona: Persona) -> Iterable[Note]:
    return ()


class ToolWords(NamedTuple):
    """How a client is told which tools an agent may use.

    `names` gives the client's own tools for each canonical one; a canonical tool that is missing there does not exist
    in the client, so that leaving it out narrows nothing. `list` and `comma` name the tools allowed, `map` says true or
    false for `*` and for every tool allowed, `permissions` denies `*` and grants the tools allowed.
    """

    key: str
    style: str
    names: Mapping[str, tuple[str, ...]]
    grants: Mapping[str, Any] = NOTHING
    """For `permissions`: what a tool is granted where that is not plainly `allow`."""
    remark: str = ""
    """What is told when a restriction is written."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)  # each costs every command a millisecond
class Client:
    """A client: where it reads agents, how far that was checked, and how a persona is written for it."""

    name: str
    title: str
    project: str | None
    """The folder of agents in a project; None: the client has none there."""
    user: Place | None
    file: str
    """The file of one agent below that folder, with `{name}` in it: `{name}.md`, `{name}/AGENTS.md`."""
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
    aliases: tuple[str, ...] = ()
    """What else people call it, in lower case with hyphens."""
    remarks: tuple[str, ...] = ()
    """What else a user should know, a sentence each."""
    notes_on: Callable[[Persona], Iterable[Note]] = _none
    """What is told of a persona besides, where this client reads a text otherwise than it was meant."""
    repeated: str = ""
    """A key that says the persona's name once more."""

    # The client's agent file.

    format: str = "markdown"
    """`markdown`, `toml`, `json`, `yaml` (an entry of a shared file) or `body` (no header at all)."""
    header: str = "lines"
    """How the header of a Markdown file is found and read: `strict` where it must be valid YAML, `lines` where one that
    is not is read line by line, `claude` as Claude Code does.
    """
    name_key: str | None = "name"
    """The key of the name; None when only the file's name says it."""
    description: str | None = "description"
    """The key of the description; None when an agent has none."""
    model: str | None = "model"
    """The key of the model, None when an agent has none of its own."""
    provider: str | None = None
    """The key of the model's provider, where `provider/model` is said in two keys."""
    models: tuple[str, ...] = ()
    """Model families that the client itself understands; others must be mapped by the manifest."""
    ids: str = ""
    """A regular expression: full ids that the client takes as they are. Other ids must be mapped too."""
    id_form: str = ""
    """A regular expression that every id must match, mapped ones too, and an example of one."""
    id_example: str = ""
    choices: Mapping[str, Choice] = field(default_factory=dict)
    """By the persona's field, those that are one word of a few and that the client has."""
    tools: ToolWords | None = None
    readonly: Mapping[str, Any] = field(default_factory=dict)
    """Settings that limit an agent to looking, where the client has no list of tools."""
    limits: tuple[str, ...] = ()
    """Native settings that say which tools an agent has. Beside a persona's `tools` that are written they are left out,
    lest they widen it; where those cannot be written they say them.
    """
    unlimited: Mapping[str, Any] = field(default_factory=dict)
    """Fields of an agent whose tools nothing limits, where the client gives none that is not named."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Fields that every agent of this client has, unless a native setting says otherwise."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Native settings that a persona may give, and the form of each (see `fitted`)."""
    powers: Powers = Powers()  # noqa: RUF009 - frozen
    """What its settings let an agent do."""
    idle: Mapping[str, str] = field(default_factory=dict)
    """Native settings that read as a restriction and do not hold, and why."""
    body: str = ""
    """The key of the body, for formats without a body of their own."""
    live: tuple[str, ...] = ()
    """Text in the body that the client would interpret: `${word}`, `{file:}`, `{env:}`."""
    long_description: int = 0
    """Characters from which the client cuts or warns; 0: no limit is known."""
    shortest_body: int = 0
    longest_body: int = 0
    """Characters a body may have; 0: no limit is known."""
    form: Form = field(init=False)
    """How a file for this client is written."""

    @property
    def grammar(self) -> Grammar:
        """How a list of tools is read."""
        commas = self.tools is not None and self.tools.style == "comma"
        return self.powers.reading or (UNKNOWN_COMMAS if commas else UNKNOWN)

    @property
    def denying(self) -> Grammar:
        """How a list of tools that are denied is read."""
        return self.powers.denying or self.grammar

    @property
    def native(self) -> Mapping[str, str]:
        """All native settings and their forms: `settings`, and the model in the client's own words."""
        if self.model is None or self.ids == ".+":
            return self.settings
        return {**({self.provider: "text"} if self.provider else {}), self.model: "text", **self.settings}

    def __post_init__(self) -> None:
        roles = {self.description: "description", self.model: "model", self.provider: "model"}
        roles |= {choice.key: name for name, choice in self.choices.items()}
        if self.tools is not None:
            roles[self.tools.key] = "tools"
        lists = {key for key, form in self.settings.items() if form in ("list", "texts")}
        lists |= {self.tools.key} if self.tools is not None and self.tools.style == "comma" else set()
        named = {key: role for key, role in roles.items() if key is not None}
        object.__setattr__(self, "form", Form(self.format, self.body, named, frozenset(lists)))

    @property
    def keys(self) -> frozenset[str]:
        """Every key that a file for this client may have."""
        single = (self.name_key, self.description, self.model, self.provider, self.body, *self._choice_keys)
        tools = () if self.tools is None else (self.tools.key,)
        return frozenset(
            {
                *filter(None, (*single, self.repeated)),
                *tools,
                *self.readonly,
                *self.unlimited,
                *self.fixed,
                *self.settings,
            }
        )

    @property
    def _choice_keys(self) -> tuple[str, ...]:
        return tuple(choice.key for choice in self.choices.values())

    def meaning(self, key: str) -> str:
        """What a key of the client's files means, in the words of `Powers.settings`; `setting` when nobody knows."""
        own = self.powers.settings.get(key)
        if own is not None:
            return own
        role, meaning = self._role(key), MEANINGS.get(key, "setting")
        if role is not None and (not self.is_declared or meaning in ("none", "setting", *_AGREEING[role])):
            return role
        if meaning in LIMITING and key not in self.settings:
            meaning = "setting"  # a key that the client does not have limits nothing there
        return "value" if meaning == "setting" and self.is_declared and key in self.fixed else meaning

    def _role(self, key: str) -> str | None:
        """What a key means because of what is written under it; None for a setting."""
        if key in (self.name_key, self.description, self.body, self.provider, *self._choice_keys):
            return "none"
        if key == self.model:
            return "model"
        if self.tools is not None and key == self.tools.key:
            return self.tools.style if self.tools.style in ("map", "permissions") else "allow"
        return "looking" if key in self.readonly else None

    @property
    def is_declared(self) -> bool:
        """Whether a user, or a clone, declared it. Of such a client we know only what the declaration says, which may
        call `hooks` the key of a description: what a key means elsewhere counts then.
        """
        return self.verified_by == DECLARED

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


def ending(client: Client) -> str:
    """What the names of the agent files that are written for a client end with: `.md`, `.agent.md`, `/AGENTS.md`."""
    return client.file.partition("{name}")[2] or client.file


def native_settings(persona: Persona, client: str) -> Mapping[str, Any]:
    """The persona's own settings for this client."""
    clients: Mapping[str, Mapping[str, Any]] = persona.value("clients") or {}
    return clients.get(client, {})
