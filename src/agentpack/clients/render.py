"""Render a persona as the text of its file for one client."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.clients import CLIENTS
from agentpack.clients.base import Client, ToolWords, native_settings
from agentpack.clients.capability_meanings import MEANINGS
from agentpack.clients.grammar import ALL, NAMES, NONE, UNKNOWN, Grammar, listed
from agentpack.errors import UsageError
from agentpack.input.setting_forms import fit_setting
from agentpack.model.capabilities import LOOKING
from agentpack.model.fields import MODELS, TOOLS, WORDS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.model.rendering import Note
from agentpack.writers.emit import toml_document, yaml_entry, yaml_header

Models = Mapping[str, Mapping[str, str]]
"""Model names by family, then client (`models:` of the manifest)."""


_CHANGING = frozenset(TOOLS) - LOOKING
TOOLS_LIMITED = "tools limited to "
"""Prefix of the message that a persona's own list of tools is lost."""


class AgentRefused(UsageError):
    """The client would not load the file of this persona; `why` says so without the persona's name."""

    def __init__(self, persona: str, why: str, hint: str | None = None) -> None:
        self.why = why
        super().__init__(f"persona `{persona}`: {why}", hint=hint)


class RenderedText(NamedTuple):
    """A persona as text for one client.

    `notes` describe what the client cannot express or reads differently; `lost` names restrictions it cannot express.
    """

    text: str
    notes: tuple[Note, ...] = ()
    lost: tuple[str, ...] = ()


class ToolLimits(NamedTuple):
    """Which of the client's own tools an agent gets, where another client's file says so (`translate.py`)."""

    allowed: tuple[str, ...] | None = None
    """None for every tool that is not denied."""
    denied: tuple[str, ...] = ()
    restriction: str = ""
    """Names what is lost if the client cannot limit tools to these."""
    looking: bool = False
    """Whether the client's switch for read-only agents says it."""
    notes: tuple[Note, ...] = ()
    lost: tuple[str, ...] = ()


def render_file(client: Client, persona: Persona, models: Models, limits: ToolLimits | None = None) -> RenderedText:
    """The text of the persona's file for a client, with notes on what the client cannot express.

    Args:
        limits: the tools of the agent, in place of the persona's `tools` and `deny`.

    Raises:
        UsageError: the client would refuse the persona; the message names the field.
    """
    return _Writing(client, persona, models, limits).rendered()


def native_fields(client: Client, persona: Persona) -> Mapping[str, Any]:
    """The fields of the persona's file for a client, without the body. Raises like `render_file`."""
    writing = _Writing(client, persona, {}, None)
    writing.fill()
    return writing.fields


class _Writing:
    """Renders one persona for one client."""

    def __init__(self, client: Client, persona: Persona, models: Models, limits: ToolLimits | None) -> None:
        self.client = client
        self.persona = persona
        self.models = models
        self.limits = limits
        self.native = dict(native_settings(persona, client.name))
        self.fields: dict[str, Any] = {}
        self.held: set[str] = set()
        """Native settings that would undo what `tools` says."""
        self.notes: list[Note] = []
        self.lost: list[str] = []

    def rendered(self) -> RenderedText:
        self.fill()
        text = self.document(self.read_body())
        return RenderedText(text, (*self.notes, *self.client.notes_on(self.persona)), tuple(self.lost))

    def fill(self) -> None:
        client = self.client
        if client.name_key is not None:
            self.fields[client.name_key] = self.persona.name
        self.describe()
        self.fields.update(client.fixed)
        if client.repeated:
            self.fields[client.repeated] = self.persona.name
        self.limit_tools()
        self.choose_model()
        self.choose_words()
        self.add_native()

    def document(self, body: str) -> str:
        form = self.client.format
        if form == "markdown":
            return yaml_header(self.fields) + body
        if form == "body":
            return body.lstrip("\n")
        fields = {**self.fields, self.client.body: body}
        if form == "toml":
            return toml_document(fields)
        if form == "yaml":
            return yaml_entry(fields)
        import json

        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    def note(self, text: str, why: str = "") -> None:
        self.notes.append(Note(text, why))

    def fault(self, message: str, hint: str | None = None) -> UsageError:
        return UsageError(f"persona `{self.persona.name}`: {message}", hint=hint)

    def describe(self) -> None:
        client = self.client
        description = str(self.persona.value("description") or "")
        if client.description is None:
            self.note("description: left out", "its agents have no description")
            return
        if not description.strip():
            hint = "write a `description`"
            raise AgentRefused(self.persona.name, f"{client.name} wants a description", hint)
        limit = client.long_description
        if limit and len(description) > limit:
            self.note(f"description: {len(description)} characters", f"the client may cut it at {limit}")
        self.fields[client.description] = description

    def limit_tools(self) -> None:
        """Write which tools the agent has. What the client cannot express is reported as lost."""
        client = self.client
        if self.limits is not None:
            self.take(self.limits)
            return
        tools: Sequence[str] | None = self.persona.value("tools")
        foreign = foreign_limits(self.persona, client.name)
        if tools is None:
            self.lost += foreign
            self.fields.update(client.unlimited)
            self.deny_tools(self.persona.value("deny") or ())
            return
        wanted = tuple(tools)
        self.notes += [Note(f"{limit}: left out, because `tools` is used instead") for limit in foreign]
        if client.tools is not None:
            self.write_tools(client.tools, wanted)
        elif client.readonly and wanted and LOOKING.issuperset(wanted):
            self.only_look("tools")
        elif own := [key for key in client.limits if key in self.native]:
            self.note(f"tools: set by `clients.{client.name}.{own[0]}` alone, not checked against `tools`")
        else:
            self.lost.append(_limited(wanted))

    def take(self, limits: ToolLimits) -> None:
        """Write limits in the client's own words."""
        client = self.client
        self.notes += limits.notes
        self.lost += limits.lost
        if limits.allowed is None:
            self.fields.update(client.unlimited)
            if limits.denied and client.tools is not None:
                self.deny(client.tools, limits.denied, limits.restriction)
        elif limits.looking:
            self.only_look("tools")
        elif client.tools is None:
            self.lost.append(limits.restriction)
        else:
            self.allow(client.tools, limits.allowed, limits.restriction)

    def write_tools(self, words: ToolWords, wanted: Sequence[str]) -> None:
        allowed = list(dict.fromkeys(native for tool in wanted for native in words.names.get(tool, ())))
        for tool in wanted:
            if tool not in words.names:
                self.note(f"tools: `{tool}` is left out", "the client has no such tool")
        self.allow(words, allowed, _limited(wanted))

    def only_look(self, field: str) -> None:
        client = self.client
        self.fields.update(client.readonly)
        self.held.update(client.readonly, client.limits)
        said = ", ".join(f"`{key}: {str(value).lower()}`" for key, value in client.readonly.items())
        self.note(f"{field}: written as {said}", "the client has no finer setting")

    def deny_tools(self, denied: Sequence[str]) -> None:
        """Write which tools the agent does not get; it keeps all others. What the client cannot express is reported
        as lost.
        """
        client, words = self.client, self.client.tools
        if not denied:
            return
        if words is None:
            own = [key for key in client.limits if key in self.native]
            if client.readonly and not _CHANGING.isdisjoint(denied):
                self.only_look("deny")
                denied = [tool for tool in denied if tool in LOOKING]
            if own:
                self.note(f"deny: set by `clients.{client.name}.{own[0]}` alone, not checked against `deny`")
            elif denied:
                self.lost.append(_denied(denied))
            return
        for tool in denied:
            if tool not in words.names:
                self.note(f"deny: `{tool}` is left out", "the client has no such tool")
        gone = [native for tool in denied for native in client.tools_of(tool)]
        if not gone:
            return
        for tool, natives in words.names.items():
            if tool not in denied and {*natives} <= {*gone}:
                self.note(f"deny: `{tool}` is denied too", "the client has one tool for both")
        self.deny(words, gone, _denied(denied))

    def deny(self, words: ToolWords, gone: Sequence[str], restriction: str) -> None:
        """Write that the agent does not get these of the client's tools."""
        client = self.client
        if words.style in ("map", "permissions"):
            grants = {name: grant for name, grant in self.own_grants(words.key).items() if name not in gone}
            self.fields[words.key] = {**grants, **dict.fromkeys(gone, False if words.style == "map" else "deny")}
        elif words.deny:
            names = list(dict.fromkeys((*gone, *self.own_names(words.deny, client.denying))))
            self.fields[words.deny] = ", ".join(names) if words.style == "comma" else names
            if client.powers.either and words.key in self.native:
                self.lost.append(f"`{words.key}`, which {client.name} drops beside `{words.deny}`")
        else:
            told = {*self.native}
            every = self.own_names(words.key, client.grammar) or [
                native for tool in words.names for native in words.names[tool]
            ]
            loads = [client.skills.tool] if client.skills and client.skills.tool and words.key not in told else []
            left = list(dict.fromkeys(native for native in (*every, *loads) if native not in gone))
            self.note(
                "deny: written as a list of the remaining tools, without those of MCP servers",
                "the client has no list of denied tools",
            )
            self.allow(words, left, restriction)

    def own_names(self, key: str, grammar: Grammar) -> tuple[str, ...]:
        """The tools in a native list, to be joined with the persona's; empty if there is none."""
        if key not in self.native:
            return ()
        form, names = listed(grammar, self.native.pop(key))
        if form not in (NAMES, NONE):
            raise self.fault(f"`clients.{self.client.name}.{key}` cannot take `deny`: it is not a list of tools")
        return tuple(names)

    def own_grants(self, key: str) -> Mapping[str, Any]:
        """The native permissions. The persona's come after them, because the last match counts."""
        value = self.native.pop(key, {})
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            raise self.fault(f"`clients.{self.client.name}.{key}` cannot take `deny`: it is not a map")
        return {"*": value}

    def allow(self, words: ToolWords, allowed: Sequence[str], restriction: str) -> None:
        lists = words.style not in ("map", "permissions")
        if not allowed and lists and self.client.grammar.empty != NONE:
            # an empty list means every tool to most clients
            self.lost.append(restriction)
            return
        self.held.update({words.key}, self.client.limits)
        if words.remark:
            self.note(f"tools: {words.remark}")
        match words.style:
            case "comma" if allowed:
                self.fields[words.key] = ", ".join(allowed)
            case "map":
                self.fields[words.key] = {"*": False, **dict.fromkeys(allowed, True)}
            case "permissions":
                granted = {native: words.grants.get(native, "allow") for native in allowed}
                self.fields[words.key] = {"*": "deny", **granted}
            case _:
                self.fields[words.key] = list(allowed)

    def choose_model(self) -> None:
        model = self.persona.value("model")
        if not model:
            return
        client = self.client
        if client.model in self.native:
            return  # said in the client's own words
        mapped = self.models.get(model, {}).get(client.name)
        if client.model is None:
            if model != "inherit":
                self.note(f"model: `{model}` is left out", "its agents cannot choose a model")
        elif mapped is not None:
            if client.id_form and not re.fullmatch(client.id_form, mapped):
                raise UsageError(
                    f"`models: {{{model}: {{{client.name}: {mapped}}}}}` is not a model ID of {client.title}",
                    hint=f"write an ID such as `{client.id_example}`",
                )
            self.set_model(mapped)
        elif model in client.models or (client.ids and model not in MODELS and re.fullmatch(client.ids, model)):
            self.set_model(model)
            self.notes += client.unknown_model(model)
        elif model != "inherit":
            hint = f"to map it, set `models: {{{model}: {{CLIENT: ID}}}}` in agentpack.yaml"
            self.note(f"model: `{model}` is left out", (model not in MODELS and did_you_mean(model, MODELS)) or hint)

    def set_model(self, model: str) -> None:
        client = self.client
        assert client.model is not None
        if client.provider is not None:
            self.fields[client.provider], _, model = model.partition("/")
        self.fields[client.model] = model

    def choose_words(self) -> None:
        for name in WORDS:
            word, choice = self.persona.value(name), self.client.choices.get(name)
            if word and choice is not None and word in choice.words:
                self.fields[choice.key] = choice.words[word]
            elif word:
                self.note(f"{name}: `{word}` is left out", "the client does not support it")

    def add_native(self) -> None:
        name, settings = self.client.name, self.client.native
        for key, value in self.native.items():
            place = f"`clients.{name}.{key}`"
            if key not in settings:
                known = f"known: {', '.join(settings)}" if settings else f"{self.client.title} has no settings"
                raise self.fault(f"{place} is not a known setting", did_you_mean(key, settings) or known)
            if key in self.held:
                self.note(f"{place} is left out", "the persona's own `tools` or `deny` is used instead")
                continue
            try:
                self.fields[key] = fit_setting(settings[key], value)
            except ValueError as error:
                if not self.keep_restriction(key, value):
                    raise self.fault(f"{place} must be {error}") from None
            form = self.client.id_form
            if key == self.client.model and form and not self.client.provider and not re.fullmatch(form, value):
                raise self.fault(f"{place} is not a model ID", f"write an ID such as `{self.client.id_example}`")
            if key in self.client.idle:
                idle = f"{place}, {self.client.idle[key]}"
                if value in WIDE:
                    self.note(idle)
                else:
                    self.lost.append(idle)

    def keep_restriction(self, key: str, value: Any) -> bool:
        """Write a list of tools in an unknown form as it is, unless the client would refuse the file."""
        if self.client.meaning(key) not in ("allow", "deny") or self.client.refuses(key, value):
            return False
        self.fields[key] = value
        return True

    def read_body(self) -> str:
        """The body, with text the client would interpret broken by a space: these clients have no escape."""
        body, client = self.persona.body, self.client
        if len(body.strip()) < client.shortest_body:
            why = f"{client.name} refuses a body of under {client.shortest_body} characters"
            raise AgentRefused(self.persona.name, why)
        for live in client.live:
            body, count = _LIVE[live].subn(lambda match: f"{match[0]} ", body)
            if count:
                times = "once" if count == 1 else f"{count} times"
                self.note(f"body: `{live}` is written with a space in it {times}", "the client would interpret it")
        if client.longest_body and len(body) > client.longest_body:
            self.note(f"body: {len(body)} characters", f"the client allows {client.longest_body}")
        return body


def _limited(tools: Sequence[str]) -> str:
    return f"{TOOLS_LIMITED}{', '.join(tools) or 'none'}"


def _denied(tools: Sequence[str]) -> str:
    return f"tools denied: {', '.join(tools)}"


_LIVE: Mapping[str, re.Pattern[str]] = {
    "${word}": re.compile(r"\$(?=\{\w+\})"),
    "{file:}": re.compile(r"\{(?=file:)"),
    "{env:}": re.compile(r"\{(?=env:)"),
    "!command": re.compile(r"!(?=`)|(?:`{3}|~{3})(?=!)"),
    "$ARGUMENTS": re.compile(r"\$(?=ARGUMENTS|\d)"),
}


_LIMITS = frozenset(
    "allowed-tools allowedTools approvalMode commandExecutionPolicy disable_skills disabled disabled_skills "
    "disabled_tools disallowedTools enabled_skills enabled_tools groups permission permissionMode permission_mode "
    "permissions read-only readonly sandbox_mode tools".split()
)
WIDE = ("default", "bypassPermissions", "acceptEdits", "danger-full-access", "yolo", "live", "allow", "*", ["*"])
"""Values of those settings, where they are not a list of tools, that restrict nothing."""


def foreign_limits(persona: Persona, client: str) -> tuple[str, ...]:
    """Restrictions the persona only has in another client's settings, and that this client would not get."""
    clients: Mapping[str, Mapping[str, Any]] = persona.value("clients") or {}
    if _LIMITS & clients.get(client, {}).keys():
        return ()
    return tuple(
        f"`{key}`, which only {other} is given"
        for other, settings in sorted(clients.items())
        for key in sorted(settings)
        if other != client and restricts(other, key, settings[key])
    )


def restricts(client: str, key: str, value: Any) -> bool:
    """Whether a native setting of a client is a restriction."""
    return key in _LIMITS and not _is_wide(client, key, value)


def _is_wide(client: str, key: str, value: Any) -> bool:
    """Whether a setting restricts nothing. A malformed list of tools counts as a restriction, because one was
    intended.
    """
    meaning = MEANINGS.get(key)
    if meaning in ("allow", "deny"):
        if meaning == "deny" and not value:
            return True
        other = CLIENTS.get(client)
        grammar = UNKNOWN if other is None else other.grammar if meaning == "allow" else other.denying
        return value in ("*", ["*"]) and listed(grammar, value).form == (ALL if meaning == "allow" else NONE)
    if key.startswith(("read", "disable")) or key.endswith("_skills"):
        return not value
    return value in WIDE


def interprets(client: Client, body: str) -> bool:
    """Whether the client would interpret something in a body."""
    return any(interpreted(client, body))


def interpreted(client: Client, body: str) -> Iterator[tuple[str, int]]:
    """Each word of `Client.live` that occurs in the body, with the character index of its first occurrence."""
    for live in client.live:
        if found := _LIVE[live].search(body):
            yield live, found.start()
