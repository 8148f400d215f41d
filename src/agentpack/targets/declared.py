"""A client as data: which of a persona's fields it knows, in which words, and in which format.

A client that needs no logic of its own is one `Declaration`, in this package or in a user's
`.agentpack/clients/<name>.yaml`. Header keys come from the declaration alone, so that no key, tool, colour or model of
another client can reach a client that would misread it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentpack.errors import UsageError
from agentpack.model.capabilities import LOOKING
from agentpack.model.fields import MODELS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.model.rendering import Form, Note
from agentpack.targets.base import TOOLS_LIMITED, Models, Said, native_settings
from agentpack.targets.emit import toml_document, yaml_entry, yaml_header
from agentpack.targets.grammar import ALL, NONE, REFUSED, UNKNOWN, UNKNOWN_COMMAS, Grammar, listed
from agentpack.targets.powers import LIMITING, MEANINGS, Powers

FORMATS = ("markdown", "toml", "json", "yaml", "body")
"""`yaml` is an entry of a shared file; `body` has no header at all."""
STYLES = ("list", "comma", "map", "permissions")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolWords:
    """How a client is told which tools an agent may use.

    `names` gives the client's own tools for each canonical one; a canonical tool that is missing there does not exist
    in the client, so that leaving it out narrows nothing. `list` and `comma` name the tools allowed, `map` says true or
    false for `*` and for every tool allowed, `permissions` denies `*` and grants the tools allowed.
    """

    key: str
    style: str
    names: Mapping[str, tuple[str, ...]]
    grants: Mapping[str, Any] = field(default_factory=dict)
    """For `permissions`: what a tool is granted where that is not plainly `allow`."""
    remark: str = ""
    """What is told when a restriction is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """All that is particular about a client's agent file."""

    client: str
    format: str = "markdown"
    header: str = "lines"
    """How the header of a Markdown file is found and read: `strict` where it must be valid YAML, `lines` where one that
    is not is read line by line, `claude` as Claude Code does.
    """
    name: str | None = "name"
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
    color: str | None = None
    colors: Mapping[str, str] = field(default_factory=dict)
    """The client's own word for each canonical colour."""
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

    form: Form = field(init=False)
    """How a file for this client is written."""

    def __post_init__(self) -> None:
        roles = {self.description: "description", self.model: "model", self.provider: "model", self.color: "color"}
        if self.tools is not None:
            roles[self.tools.key] = "tools"
        lists = {key for key, form in self.settings.items() if form in ("list", "texts")}
        lists |= {self.tools.key} if self.tools is not None and self.tools.style == "comma" else set()
        named = {key: role for key, role in roles.items() if key is not None}
        object.__setattr__(self, "form", Form(self.format, self.body, named, frozenset(lists)))

    @property
    def keys(self) -> frozenset[str]:
        """Every key that a file for this client may have."""
        single = (self.name, self.description, self.model, self.provider, self.color, self.body)
        tools = () if self.tools is None else (self.tools.key,)
        return frozenset({*filter(None, single), *tools, *self.readonly, *self.unlimited, *self.fixed, *self.settings})


def meaning_of(declaration: Declaration, key: str) -> str:
    """What a key of the client's files means, in the words of `Powers.settings`; `setting` when nobody knows."""
    own = declaration.powers.settings.get(key)
    if own is not None:
        return own
    if key in (declaration.name, declaration.description, declaration.color, declaration.body, declaration.provider):
        return "none"
    if key == declaration.model:
        return "model"
    if declaration.tools is not None and key == declaration.tools.key:
        return {"map": "map", "permissions": "permissions"}.get(declaration.tools.style, "allow")
    if key in declaration.readonly:
        return "looking"
    meaning = MEANINGS.get(key, "setting")
    # a key that the client does not have limits nothing there
    return "setting" if meaning in LIMITING and key not in declaration.settings else meaning


def speaker(declaration: Declaration) -> Callable[[Persona, Models], Said]:
    """The function that says a persona in this client's words."""

    def say(persona: Persona, models: Models) -> Said:
        return _Speech(declaration, persona, models).said()

    return say


class _Speech:
    """One persona said to one client."""

    def __init__(self, declaration: Declaration, persona: Persona, models: Models) -> None:
        self.declaration = declaration
        self.persona = persona
        self.models = models
        self.native = native_settings(persona, declaration.client)
        self.fields: dict[str, Any] = {}
        self.held: set[str] = set()
        """Native settings that would undo what `tools` says."""
        self.notes: list[Note] = []
        self.lost: list[str] = []

    def said(self) -> Said:
        declaration = self.declaration
        if declaration.name is not None:
            self.fields[declaration.name] = self.persona.name
        self.describe()
        self.fields.update(declaration.fixed)
        self.limit_tools()
        self.choose_model()
        self.choose_color()
        self.add_native()
        return Said(self.document(self.read_body()), tuple(self.notes), tuple(self.lost))

    def document(self, body: str) -> str:
        form = self.declaration.format
        if form == "markdown":
            return yaml_header(self.fields) + body
        if form == "body":
            return body.lstrip("\n")
        fields = {**self.fields, self.declaration.body: body}
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
        declaration = self.declaration
        description = str(self.persona.value("description") or "")
        if declaration.description is None:
            self.note("description: left out", "the client has none for an agent")
            return
        if not description.strip():
            raise self.fault(f"{declaration.client} wants a description", "give its `description` a text")
        limit = declaration.long_description
        if limit and len(description) > limit:
            self.note(f"description: {len(description)} characters", f"the client may cut what is over {limit}")
        self.fields[declaration.description] = description

    def limit_tools(self) -> None:
        """Say which tools the agent has. What the client cannot be told is lost, never left to chance."""
        declaration = self.declaration
        tools: Sequence[str] | None = self.persona.value("tools")
        foreign = foreign_limits(self.persona, declaration.client)
        if tools is None:
            self.lost += foreign
            self.fields.update(declaration.unlimited)
            return
        wanted = tuple(tools)
        self.notes += [Note(f"{limit}: beside `tools`") for limit in foreign]
        if declaration.tools is not None:
            self.write_tools(declaration.tools, wanted)
        elif declaration.readonly and wanted and LOOKING.issuperset(wanted):
            self.fields.update(declaration.readonly)
            self.held.update(declaration.readonly, declaration.limits)
            said = ", ".join(f"`{key}: {str(value).lower()}`" for key, value in declaration.readonly.items())
            self.note(f"tools: said as {said}", "the client has no finer words")
        elif own := [key for key in declaration.limits if key in self.native]:
            self.note(
                f"tools: said by `clients.{declaration.client}.{own[0]}` alone, which is not compared with `tools`"
            )
        else:
            self.lost.append(_limited(wanted))

    def write_tools(self, words: ToolWords, wanted: Sequence[str]) -> None:
        allowed = list(dict.fromkeys(native for tool in wanted for native in words.names.get(tool, ())))
        for tool in wanted:
            if tool not in words.names:
                self.note(f"tools: `{tool}` is left out", "the client has no such tool")
        lists = words.style not in ("map", "permissions")
        if not allowed and lists and self.declaration.grammar.empty != NONE:
            # an empty list means every tool to most clients
            self.lost.append(_limited(wanted))
            return
        self.held.update({words.key}, self.declaration.limits)
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
                self.fields[words.key] = allowed

    def choose_model(self) -> None:
        model = self.persona.value("model")
        if not model:
            return
        declaration = self.declaration
        if declaration.model in self.native:
            return  # said in the client's own words
        mapped = self.models.get(model, {}).get(declaration.client)
        if declaration.model is None:
            if model != "inherit":
                self.note(f"model: `{model}` is left out", "the client has no model for an agent")
        elif mapped is not None:
            if declaration.id_form and not re.fullmatch(declaration.id_form, mapped):
                raise UsageError(
                    f"`models: {{{model}: {{{declaration.client}: {mapped}}}}}` does not name a model there",
                    hint=f"it looks like `{declaration.id_example}`",
                )
            self.set_model(mapped)
        elif model in declaration.models or (
            declaration.ids and model not in MODELS and re.fullmatch(declaration.ids, model)
        ):
            self.set_model(model)
        elif model != "inherit":
            self.note(f"model: `{model}` is left out", f"set `models: {{{model}: {{CLIENT: ID}}}}` to map it")

    def set_model(self, model: str) -> None:
        declaration = self.declaration
        assert declaration.model is not None
        if declaration.provider is not None:
            self.fields[declaration.provider], _, model = model.partition("/")
        self.fields[declaration.model] = model

    def choose_color(self) -> None:
        color = self.persona.value("color")
        if not color:
            return
        if self.declaration.color is not None and color in self.declaration.colors:
            self.fields[self.declaration.color] = self.declaration.colors[color]
        else:
            self.note(f"color: `{color}` is left out", "the client does not know it")

    def add_native(self) -> None:
        client, settings = self.declaration.client, self.declaration.native
        for key, value in self.native.items():
            place = f"`clients.{client}.{key}`"
            if key not in settings:
                known = f"known: {', '.join(settings)}" if settings else "it has none"
                raise self.fault(f"{place} is no setting of it", did_you_mean(key, settings) or known)
            if key in self.held:
                self.note(f"{place} is left out", "the persona's `tools` say what it may use")
                continue
            try:
                self.fields[key] = fitted(settings[key], value)
            except ValueError as error:
                if not self.keep_restriction(key, value):
                    raise self.fault(f"{place} must be {error}") from None
            form = self.declaration.id_form
            if (
                key == self.declaration.model
                and form
                and not self.declaration.provider
                and not re.fullmatch(form, value)
            ):
                raise self.fault(
                    f"{place} does not name a model there", f"it looks like `{self.declaration.id_example}`"
                )
            if key in self.declaration.idle:
                idle = f"{place}, {self.declaration.idle[key]}"
                if value in WIDE:
                    self.note(idle)
                else:
                    self.lost.append(idle)

    def keep_restriction(self, key: str, value: Any) -> bool:
        """Write a list of tools that has none of the forms we know as it stands, unless the client refuses the file."""
        meaning = meaning_of(self.declaration, key)
        grammar = self.declaration.denying if meaning == "deny" else self.declaration.grammar
        if meaning not in ("allow", "deny") or listed(grammar, value).form == REFUSED:
            return False
        self.fields[key] = value
        return True

    def read_body(self) -> str:
        """The body with what the client would interpret broken up by a space: these clients know no escape."""
        body, declaration = self.persona.body, self.declaration
        if len(body.strip()) < declaration.shortest_body:
            raise self.fault(f"{declaration.client} refuses a body of under {declaration.shortest_body} characters")
        for live in declaration.live:
            body, count = _LIVE[live].subn(lambda match: f"{match[0]} ", body)
            if count:
                times = "once" if count == 1 else f"{count} times"
                self.note(f"body: `{live}` is written with a space in it {times}", "the client would interpret it")
        if declaration.longest_body and len(body) > declaration.longest_body:
            self.note(f"body: {len(body)} characters", f"the client allows {declaration.longest_body}")
        return body


def _limited(tools: Sequence[str]) -> str:
    return f"{TOOLS_LIMITED}{', '.join(tools) or 'none'}"


_LIVE: Mapping[str, re.Pattern[str]] = {
    "${word}": re.compile(r"\$(?=\{\w+\})"),
    "{file:}": re.compile(r"\{(?=file:)"),
    "{env:}": re.compile(r"\{(?=env:)"),
}


_LIMITS = frozenset(
    "allowed-tools allowedTools approvalMode commandExecutionPolicy disabled_tools disallowedTools enabled_tools "
    "groups permission permissionMode permission_mode permissions read-only readonly sandbox_mode tools".split()
)
WIDE = ("default", "bypassPermissions", "acceptEdits", "danger-full-access", "yolo", "live", "allow", "*", ["*"])
"""Values of those settings, where they are no list of tools, that limit nothing."""


def foreign_limits(persona: Persona, client: str) -> tuple[str, ...]:
    """Restrictions that the persona has only in another client's own words, and that this client would not get."""
    clients: Mapping[str, Mapping[str, Any]] = persona.value("clients") or {}
    if _LIMITS & clients.get(client, {}).keys():
        return ()
    return tuple(
        f"`{key}`, which only {other} is given"
        for other, settings in sorted(clients.items())
        for key in sorted(_LIMITS & settings.keys())
        if other != client and not _is_wide(other, key, settings[key])
    )


def _is_wide(client: str, key: str, value: Any) -> bool:
    """Whether a setting limits nothing. Of lists of tools an odd one was meant to, whatever its client makes of it."""
    from agentpack.targets import TARGETS  # which has the modules that are made of this one

    meaning = MEANINGS.get(key)
    if meaning in ("allow", "deny"):
        if meaning == "deny" and not value:
            return True
        other = TARGETS[client].declaration if client in TARGETS else None
        grammar = UNKNOWN if other is None else other.grammar if meaning == "allow" else other.denying
        return value in ("*", ["*"]) and listed(grammar, value).form == (ALL if meaning == "allow" else NONE)
    return value is False if key.startswith("read") else value in WIDE


def interprets(declaration: Declaration, body: str) -> bool:
    """Whether the client would interpret something in a body."""
    return any(_LIVE[live].search(body) for live in declaration.live)


def fitted(form: str, value: Any) -> Any:
    """The value of a native setting, when it has the form that the client wants.

    Forms: `text`, `flag`, `count` (a positive integer), `number`, `list` (of texts, or one text with commas),
    `texts` (either, as it is given), `map`,
    `maps` (a list of maps and texts), `permissions` (a word, or a map of words and of maps of words), `any`, and words
    separated by `|`. A number with a point arrives as text and leaves as a number.

    Raises:
        ValueError: it has another form; the message says which is wanted.
    """
    if "|" in form:
        if value in form.split("|"):
            return value
        raise ValueError(f"one of {form.replace('|', ', ')}")
    if form == "number" and isinstance(value, str) and re.fullmatch(r"-?[0-9]+\.[0-9]+", value):
        return float(value)
    if form == "list" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    says, fits = SETTING_FORMS[form]
    if not fits(value):
        raise ValueError(says)
    return value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_permissions(value: Any, *, depth: int = 2) -> bool:
    """Whether a value is a word of permission, or a map of them, or of maps of them."""
    if isinstance(value, dict):
        return depth > 0 and all(is_permissions(item, depth=depth - 1) for item in value.values())
    return value in ("allow", "ask", "deny")


SETTING_FORMS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text", lambda value: isinstance(value, str) and bool(value.strip())),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "count": ("a positive integer", lambda value: type(value) is int and value > 0),
    "number": ("a number", lambda value: type(value) in (int, float)),
    "list": ("a list of texts", _is_texts),
    "texts": ("text or a list of texts", lambda value: _is_texts(value) or (isinstance(value, str) and bool(value))),
    "switches": (
        "a map of true and false",
        lambda value: isinstance(value, dict) and all(isinstance(item, bool) for item in value.values()),
    ),
    "map": ("a map", lambda value: isinstance(value, dict)),
    "maps": (
        "a list of maps and texts",
        lambda value: isinstance(value, list) and all(isinstance(item, dict | str) for item in value),
    ),
    "permissions": ("allow, ask, deny, or a map of those", is_permissions),
    "color": (
        "`#rrggbb` or a word of the theme",
        lambda value: (
            isinstance(value, str)
            and bool(re.fullmatch("#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info", value))
        ),
    ),
    "any": ("a value", lambda value: value is not None),
}
FORMS = tuple(SETTING_FORMS)

SAME_COLORS: Mapping[str, str] = {
    color: color for color in ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
}
HEX_COLORS: Mapping[str, str] = {
    "red": "#dc2626",
    "blue": "#2563eb",
    "green": "#16a34a",
    "yellow": "#ca8a04",
    "purple": "#9333ea",
    "orange": "#ea580c",
    "pink": "#db2777",
    "cyan": "#0891b2",
}
