"""`Client`: one value that says where a client reads agents, and how their files are written and read.

A client is data, in a module of this package or in a user's `.agentpack/clients/<name>.yaml`. Header keys come from
this value alone, so that no key, tool, colour or model of another client can reach a client that would misread it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.clients.capability_meanings import LIMITING, MEANINGS, NOTHING, PLAN, CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import REFUSED, UNKNOWN, UNKNOWN_COMMAS, UNREAD, Grammar, listed
from agentpack.model.fields import COLORS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.model.rendering import Form, Note

DECLARED = "declared"
_AGREEING: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "model": ("model",),
    "allow": ("allow",),
    "deny": ("deny",),
    "map": ("allow", "grants"),
    "permissions": ("allow", "grants"),
    "looking": ("looking",),
}
"""By the role of a key, the meanings in other clients that say no more than it."""


class Choice(NamedTuple):
    """How a client writes a persona field that is one word of a few, such as `color`."""

    key: str
    words: Mapping[str, str]
    """The client's own word for each it knows."""

    def canonical(self, own: Any) -> str | None:
        """The canonical word for one of the client's own; None if unknown."""
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


class UserFolder(NamedTuple):
    """Where a client reads agents at user scope: a folder below home, and the variable that moves the client's
    folder.
    """

    folder: str
    variable: str | None = None
    below_variable: str = ""
    """The agents folder below the one the variable names."""


class SharedFile(NamedTuple):
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


class SkillUse(NamedTuple):
    """How a client's agents come by Agent Skills."""

    folder: str = "skills"
    """The folder that agentpack writes them to, as named in `clients/skills.py`."""
    tool: str = ""
    """The client's tool that an agent needs to load one; empty if every agent can."""
    moved_by: str = ""
    """The variable that, where it is set, has the client read another folder in the user scope."""


def _same(name: str) -> str:
    return name


def _none(persona: Persona) -> Iterable[Note]:
    return ()


def _loads(fields: Mapping[str, Any]) -> str:
    return ""


class ToolWords(NamedTuple):
    """How a client is told which tools an agent may use.

    `names` maps canonical tools to the client's own; a canonical tool that is missing there does not exist in the
    client, so leaving it out restricts nothing. `list` and `comma` name the allowed tools, `map` says true or false for
    `*` and for each allowed tool, `permissions` denies `*` and grants the allowed tools.
    """

    key: str
    style: str
    names: Mapping[str, tuple[str, ...]]
    deny: str = ""
    """The key of a list of tools that are denied, where the client has one. `map` and `permissions` say that under
    `key`."""
    grants: Mapping[str, Any] = NOTHING
    """For `permissions`: what a tool is granted if not simply `allow`."""
    remark: str = ""
    """A note shown when a restriction is written."""


class Client(NamedTuple):
    """A client: where it reads agents, how well that was verified, and how a persona is written for it."""

    name: str
    title: str
    project: str | None
    """The agents folder in a project; None if the client has none there."""
    user: UserFolder | None
    file: str
    """The file of one agent below that folder, containing `{name}`: `{name}.md`, `{name}/AGENTS.md`."""
    version: str
    checked: str
    """Date of the check, ISO 8601."""
    verified_by: str
    """`judge` (the client itself loaded a file), `source` (its code was read) or `documentation`."""
    reads: str
    """How the client reads a folder, in one line for people."""
    markers: tuple[str, ...] = ()
    """Files or folders, below a project's root or home, that show the client is used there. Only this client makes
    them."""
    wins: str = "project"
    """Which scope wins if both have an agent with the same name: `project`, `user` or `merge`."""
    also_reads: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    """By scope, further folders this client reads: other clients', or older ones of its own. One beginning with `$`
    counts while that variable is set."""
    own_first: bool = False
    """Whether an agent in its own folder is known to win over one in a further folder."""
    endings: tuple[str, ...] = ()
    """The suffixes of agent files, if the client reads more than are written: `.md`, `.txt`."""
    nested: bool = True
    """Whether it may read agents in subfolders; False if known not to."""
    anywhere: bool = False
    """Whether it is known to read agents in subfolders, under any file name, so that a file that is adopted can stay
    where it is."""
    naming: tuple[str, ...] = ("name",)
    """How the client names an agent: the first of these that the file has. `name` is the key in its header, `path` its
    path below the folder, `stem` its file name; a Markdown file only has a `stem` if it has a header."""
    trust: str = ""
    """What a user must do before a project's agents are shown; empty if nothing."""
    reserved: frozenset[str] = frozenset()
    identity: Callable[[str], str] = _same
    """How the client normalizes a name: two personas with the same result collide there."""
    shared: SharedFile | None = None
    aliases: tuple[str, ...] = ()
    """Other names people use, in lower case with hyphens."""
    remarks: tuple[str, ...] = ()
    """Further facts for users, a sentence each."""
    notes_on: Callable[[Persona], Iterable[Note]] = _none
    """Further notes on a persona, where this client reads a text differently than intended."""
    unloadable: Callable[[Mapping[str, Any]], str] = _loads
    """Why the client does not load an agent with these fields, although it has a name and a description; empty if it
    does."""
    repeated: str = ""
    """A key that repeats the persona's name."""

    # The client's agent file.

    format: str = "markdown"
    """`markdown`, `toml`, `json`, `yaml` (an entry of a shared file) or `body` (no header at all)."""
    header: str = "lines"
    """How the header of a Markdown file is parsed: `strict` if it must be valid YAML, `lines` if invalid YAML is read
    line by line, `claude` as Claude Code does."""
    name_key: str | None = "name"
    """The key of the name; None if only the file name says it."""
    description: str | None = "description"
    """The key of the description; None if an agent has none."""
    model: str | None = "model"
    """The key of the model; None if an agent cannot choose one."""
    provider: str | None = None
    """The key of the model's provider, if `provider/model` is written as two keys."""
    models: tuple[str, ...] = ()
    """Model families that the client knows; others must be mapped in the manifest."""
    ids: str = ""
    """A regular expression for full model ids that the client accepts. Other ids must be mapped too."""
    id_form: str = ""
    """A regular expression that every id must match, mapped ones too, and an example of one."""
    id_example: str = ""
    choices: Mapping[str, Choice] = MappingProxyType({})
    """The persona fields with one word of a few that the client supports."""
    tools: ToolWords | None = None
    skills: SkillUse | None = None
    """How its agents come by Agent Skills; None if they have none, or that is not known."""
    readonly: Mapping[str, Any] = MappingProxyType({})
    """Settings that make an agent read-only, if the client has no list of tools."""
    limits: tuple[str, ...] = ()
    """Native settings that say which tools an agent has. Left out if a persona's `tools` are written, so that they
    cannot widen it; used if those cannot be written."""
    unlimited: Mapping[str, Any] = MappingProxyType({})
    """Fields of an agent without tool limits, if the client gives none that are not named."""
    fixed: Mapping[str, Any] = MappingProxyType({})
    """Fields of every agent of this client, unless a native setting overrides them."""
    settings: Mapping[str, str] = MappingProxyType({})
    """Native settings that a persona may set, and the form of each (see `fit_setting`)."""
    powers: CapabilityMeanings = CapabilityMeanings()
    """What its settings let an agent do."""
    idle: Mapping[str, str] = MappingProxyType({})
    """Native settings that look like a restriction but have no effect, and why."""
    body: str = ""
    """The key of the body, for formats where the body is a field."""
    live: tuple[str, ...] = ()
    """Text in the body that the client would interpret: `${word}`, `{file:}`, `{env:}`, `!command`, `$ARGUMENTS`."""
    long_description: int = 0
    """Characters from which the client cuts or warns; 0 if unknown."""
    shortest_body: int = 0
    longest_body: int = 0
    """Largest number of characters in a body; 0 if unknown."""
    file_rules: FileRules = FileRules()
    """What it accepts in a file that somebody else wrote."""

    @property
    def grammar(self) -> Grammar:
        """How a list of allowed tools is parsed."""
        commas = self.tools is not None and self.tools.style == "comma"
        return self.powers.reading or (UNKNOWN_COMMAS if commas else UNKNOWN)

    @property
    def denying(self) -> Grammar:
        """How a list of denied tools is parsed. A star is believed where that is established."""
        known = self.powers.denying or self.powers.reading
        return (known or self.grammar._replace(star=UNREAD)).denying()

    def refuses(self, key: str, value: Any) -> bool:
        """Whether the client does not load a file with this field: a list of tools in a form that it does not take."""
        meaning = self.meaning(key)
        grammar = self.denying if meaning == "deny" else self.grammar
        return meaning in ("allow", "deny") and listed(grammar, value).form == REFUSED

    def unknown_model(self, model: str) -> tuple[Note, ...]:
        """A note on a model that the client accepts in a file but does not have; empty if it may have it."""
        known = self.file_rules.models
        if not known or model in self.models or re.fullmatch(known, model):
            return ()
        hint = did_you_mean(model, self.models)
        return (Note(f"{self.title} knows no model `{model}`" + (f": {hint}" if hint else "")),)

    def knows_plan(self, key: str) -> bool:
        """Whether `plan` as the value of a key is known to be a mode in which nothing is changed."""
        return key in self.powers.planning or PLAN in self.settings.get(key, "").split("|")

    def tools_of(self, group: str) -> tuple[str, ...]:
        """The client's own tools that must be denied to deny a canonical tool. An agent that is given the tool may need
        fewer. Tools that are denied together with another one are left out.
        """
        named = self.tools.names.get(group, ()) if self.tools is not None else ()
        more = (name for name, word in self.powers.tools.items() if word == group and name not in self.powers.along)
        return tuple(dict.fromkeys((*named, *more))) if named else ()

    @property
    def native(self) -> Mapping[str, str]:
        """All native settings with their forms: `settings`, and the model in the client's own terms."""
        if self.model is None or self.ids == ".+":
            return self.settings
        return {**({self.provider: "text"} if self.provider else {}), self.model: "text", **self.settings}

    @property
    def form(self) -> Form:
        """How a file for this client is written."""
        roles = {self.description: "description", self.model: "model", self.provider: "model"}
        roles |= {choice.key: name for name, choice in self.choices.items()}
        lists = {key for key, form in self.settings.items() if form in ("list", "texts")}
        if self.tools is not None:
            roles[self.tools.key] = "tools"
            roles[self.tools.deny or None] = "deny"
            lists |= {self.tools.key, self.tools.deny} - {""} if self.tools.style == "comma" else set()
        named = {key: role for key, role in roles.items() if key is not None}
        return Form(self.format, self.body, named, frozenset(lists))

    @property
    def keys(self) -> frozenset[str]:
        """Every key a file for this client may have."""
        single = (self.name_key, self.description, self.model, self.provider, self.body, *self._choice_keys)
        tools = () if self.tools is None else filter(None, (self.tools.key, self.tools.deny))
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
        """The meaning of a key in the client's files, as in `CapabilityMeanings.settings`; `setting` if unknown."""
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
        """The meaning of a key from what agentpack writes under it; None for a setting."""
        if key in (self.name_key, self.description, self.body, self.provider, *self._choice_keys):
            return "none"
        if key == self.model:
            return "model"
        if self.tools is not None and key == self.tools.key:
            return self.tools.style if self.tools.style in ("map", "permissions") else "allow"
        if self.tools is not None and key == self.tools.deny:
            return "deny"
        return "looking" if key in self.readonly else None

    @property
    def is_declared(self) -> bool:
        """Whether a user, or a clone, declared it. Only the declaration is known about such a client, and it may call
        the description's key `hooks`: so the meaning of a key in other clients counts too.
        """
        return self.verified_by == DECLARED

    def folder(self, scope: str, variables: Mapping[str, str]) -> str | None:
        """The agents folder as a named path; None if the client has none in this scope."""
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
        """Where this client's agent files can be, as named paths with `{name}` for the persona: with and without the
        variable that moves its folder, and in the further folders it reads, where older versions wrote.
        """
        moved = self.user.variable if self.user is not None else None
        for variables in ({}, *([{moved: "set"}] if moved and scope == "user" else [])):
            for folder in self.folders(scope, variables):
                yield f"{folder}/{self.file}" if folder else self.file
            own = self.folder(scope, variables)
            if own and self.anywhere:
                yield f"{own}/**{ending(self)}"

    def path(self, persona: str, scope: str, variables: Mapping[str, str]) -> str | None:
        """The named path of a persona's file, or `<file>#<entry>` for a shared file; None if the client has none."""
        folder = self.folder(scope, variables)
        if folder is None:
            return None
        leaf = self.file.replace("{name}", persona)
        place = f"{folder}/{leaf}" if folder else leaf
        return place if self.shared is None else f"{place}#{persona}"


def ending(client: Client) -> str:
    """The suffix of agent files written for a client: `.md`, `.agent.md`, `/AGENTS.md`."""
    return client.file.partition("{name}")[2] or client.file


def native_settings(persona: Persona, client: str) -> Mapping[str, Any]:
    """The persona's own settings for this client."""
    clients: Mapping[str, Mapping[str, Any]] = persona.value("clients") or {}
    return clients.get(client, {})
