"""A client as data: which of a persona's fields it knows, in which words, and in which format.

A client that needs no logic of its own is one `Declaration`, in this package or in a user's `.agentpack/clients/<name>.yaml`. Header keys come from
the declaration alone, so that no key, tool, colour or model of another client can reach a client that would misread it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentpack.errors import UsageError
from agentpack.model.fields import MODELS
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.targets.base import Models, Said, foreign_limits, native_settings
from agentpack.targets.emit import toml_document, yaml_header

FORMATS = ("markdown", "toml", "json", "body")
STYLES = ("list", "comma", "map")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolWords:
    """How a client is told which tools an agent may use.

    `names` gives the client's own tools for each canonical one; a canonical tool that is missing there does not exist in the client, so that leaving
    it out narrows nothing. `map` writes every known tool with true or false.
    """

    key: str
    style: str
    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """All that is particular about a client's agent file."""

    client: str
    format: str = "markdown"
    name: str | None = "name"
    """The key of the name; None when only the file's name says it."""
    description: str = "description"
    model: str | None = "model"
    """The key of the model, None when an agent has none of its own."""
    models: tuple[str, ...] = ()
    """Model families that the client itself understands; others must be mapped by the manifest."""
    color: str | None = None
    colors: Mapping[str, str] = field(default_factory=dict)
    """The client's own word for each canonical colour."""
    tools: ToolWords | None = None
    readonly: Mapping[str, Any] = field(default_factory=dict)
    """Settings that limit an agent to looking, where the client has no list of tools."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Fields that every agent of this client has."""
    settings: tuple[str, ...] = ()
    """Native settings that a persona may give."""
    body: str = ""
    """The key of the body, for formats without a body of their own."""
    live: tuple[str, ...] = ()
    """Text in the body that the client would interpret: `${word}`, `{file:`, `{env:`."""
    long_description: int = 0
    """Characters from which the client cuts or warns; 0: no limit is known."""
    no_rule: bool = False
    """A description must not hold `---`: the client splits the file there."""
    shortest_body: int = 0


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
        self.fields: dict[str, Any] = {}
        self.notes: list[str] = []
        self.lost: list[str] = []

    def said(self) -> Said:
        declaration = self.declaration
        if declaration.name is not None:
            self.fields[declaration.name] = self.persona.name
        if declaration.description:
            self.fields[declaration.description] = self.described()
        self.fields.update(declaration.fixed)
        self.limit_tools()
        self.choose_model()
        self.choose_color()
        self.add_native()
        body = self.defused(self.persona.body)
        if len(body.strip()) < declaration.shortest_body:
            raise UsageError(
                f"persona `{self.persona.name}`: {declaration.client} refuses a body of under "
                f"{declaration.shortest_body} characters"
            )
        return Said(self.document(body), tuple(self.notes), tuple(self.lost))

    def document(self, body: str) -> str:
        if self.declaration.format == "markdown":
            return yaml_header(self.fields) + body
        if self.declaration.format == "body":
            return body.lstrip("\n")
        fields = {**self.fields, self.declaration.body: body}
        if self.declaration.format == "toml":
            return toml_document(fields)
        import json

        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    def note(self, text: str) -> None:
        self.notes.append(text)

    def described(self) -> str:
        description = str(self.persona.value("description") or "")
        if self.declaration.no_rule and "---" in description:
            description = description.replace("---", "- - -")
            self.note("description: `---` is written `- - -`, since the client splits the file there")
        limit = self.declaration.long_description
        if limit and len(description) > limit:
            self.note(f"description: {len(description)} characters, of which the client may cut what is over {limit}")
        return description

    def limit_tools(self) -> None:
        wanted: Sequence[str] = self.persona.value("tools") or ()
        self.lost += foreign_limits(self.persona, self.declaration.client)
        words = self.declaration.tools
        if not wanted:
            return
        if words is not None:
            self.fields[words.key] = self.tool_value(words, wanted)
            for tool in wanted:
                if tool not in words.names:
                    self.note(f"tools: the client has no tool for `{tool}`")
            return
        if self.declaration.readonly and set(wanted) <= {"read", "search", "web"}:
            self.fields.update(self.declaration.readonly)
            return
        self.lost.append(f"tools limited to {', '.join(wanted)}")

    def tool_value(self, words: ToolWords, wanted: Sequence[str]) -> Any:
        allowed = list(dict.fromkeys(native for tool in wanted for native in words.names.get(tool, ())))
        if words.style == "comma":
            return ", ".join(allowed)
        if words.style == "map":
            every = dict.fromkeys(native for natives in words.names.values() for native in natives)
            return {native: native in allowed for native in every}
        return allowed

    def choose_model(self) -> None:
        model = self.persona.value("model")
        if not model:
            return
        declaration = self.declaration
        mapped = self.models.get(model, {}).get(declaration.client)
        if declaration.model is None:
            if model != "inherit":
                self.note(f"model: `{model}` is left out, an agent of this client has no model of its own")
        elif mapped is not None:
            self.fields[declaration.model] = mapped
        elif model in declaration.models or ("*" in declaration.models and model not in MODELS):
            self.fields[declaration.model] = model
        elif model != "inherit":
            self.note(
                f"model: `{model}` is left out, name it under `models: {{{model}: {{{declaration.client}: …}}}}`"
            )

    def choose_color(self) -> None:
        color = self.persona.value("color")
        if not color:
            return
        if self.declaration.color is not None and color in self.declaration.colors:
            self.fields[self.declaration.color] = self.declaration.colors[color]
        else:
            self.note(f"color: `{color}` is left out, the client does not know it")

    def add_native(self) -> None:
        settings = self.declaration.settings
        for key, value in native_settings(self.persona, self.declaration.client).items():
            if key not in settings:
                known = f"known: {', '.join(settings)}" if settings else "it has none"
                raise UsageError(
                    f"persona `{self.persona.name}`: `clients.{self.declaration.client}.{key}` is no setting of it",
                    hint=did_you_mean(key, settings) or known,
                )
            self.fields[key] = value

    def defused(self, body: str) -> str:
        """The body with what the client would interpret broken up by a space: these clients know no escape."""
        for live in self.declaration.live:
            pattern = _LIVE[live]
            body, count = pattern.subn(lambda match: f"{match[0][:1]} {match[0][1:]}", body)
            if count:
                self.note(f"body: `{live}` is written with a space, {count} times, since the client would interpret it")
        return body


_LIVE: Mapping[str, re.Pattern[str]] = {
    "${word}": re.compile(r"\$\{(?=\w)"),
    "{file:}": re.compile(r"\{(?=file:)"),
    "{env:}": re.compile(r"\{(?=env:)"),
}

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
