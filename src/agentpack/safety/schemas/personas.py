"""What the front matter of a persona and of a variant may say: fields, conditions, budgets, order and conflicts."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from agentpack.model.fields import COLORS, TOOLS
from agentpack.model.names import did_you_mean
from agentpack.safety.schemas.words import (
    Kebab,
    Line,
    ParameterName,
    PersonaName,
    Requirement,
    Strict,
    Value,
    as_list,
    refuse,
)


def _tools(value: Any) -> Any:
    """A list of tool names, or one text with commas in which a parameter may stand."""
    if isinstance(value, str) and "{{" not in value:
        if not value.strip(" ,"):
            return ""  # as a parameter that is empty: no list at all
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _known_tools(value: str | list[str]) -> str | list[str]:
    for name in value if isinstance(value, list) else ():
        if name not in TOOLS:
            hint = did_you_mean(name.lower(), TOOLS)
            raise refuse(f"`{name}` is not a tool ({', '.join(TOOLS)})" + (f"; {hint}" if hint else ""))
    return value


def _parts(value: Any) -> Any:
    """A description as a list of parts, each `{text, when}`."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    return [{"text": part} if isinstance(part, str) else part for part in parts]


def _color(text: str) -> str:
    if "{{" not in text and text not in COLORS:
        raise refuse(f"`{text}` is not a colour ({', '.join(COLORS)})")
    return text


_WHEN = re.compile(r"!?[a-z][a-z0-9_]*(?::[^\s{}]+)?\Z")


def _when(text: str) -> str:
    if not _WHEN.match(text):
        raise refuse(f"`{text}` is not a condition: `flag`, `!flag` or `parameter:value`")
    return text


class Part(Strict):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    when: Annotated[str, AfterValidator(_when)] | None = None


Description = Annotated[list[Part], BeforeValidator(_parts), Field(min_length=1)]
Tools = Annotated[str | list[str], BeforeValidator(_tools), AfterValidator(_known_tools)]
Color = Annotated[str, AfterValidator(_color)]
Natives = dict[Kebab, dict[str, Any]]


class Budget(Strict):
    words: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    description: Annotated[int, Field(ge=1)] | None = None


class Persona(Strict):
    name: PersonaName
    description: Description
    model: Line | None = None
    color: Color | None = None
    tools: Tools | None = None
    extends: Requirement | None = None
    modules: dict[Kebab, Line] = {}
    clients: Natives = {}
    budget: Budget | None = None


class Set(Strict):
    description: Description | None = None
    model: Line | None = None
    color: Color | None = None
    tools: Tools | None = None
    clients: Natives = {}
    parameters: dict[ParameterName, Value] = {}


class VariantBudget(Strict):
    adds: Annotated[int, Field(ge=1)] | None = None
    whole: Annotated[int, Field(ge=1)] | None = None


class Order(Strict):
    after: Annotated[list[Kebab], BeforeValidator(as_list)] = []


def _conflict(value: Any) -> Any:
    return {"with": [value]} if isinstance(value, str) else value


class Conflict(Strict):
    """Variants that, all together, exclude the one that says so."""

    with_: Annotated[list[Kebab], BeforeValidator(as_list), Field(min_length=1, alias="with")]
    reason: Line | None = None


class Variant(Strict):
    summary: Line
    set: Set = Set()
    remove: list[Kebab] = []
    losses: list[Line] = []
    conflicts: list[Annotated[Conflict, BeforeValidator(_conflict)]] = []
    requires: list[Kebab] = []
    order: Order = Order()
    budget: VariantBudget | None = None
