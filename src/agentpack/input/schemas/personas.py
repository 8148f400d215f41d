"""Schema of the front matter of personas and variants: fields, conditions, budgets, order and conflicts."""

import re
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, create_model

from agentpack.input.schemas.base import (
    Kebab,
    Line,
    ParameterName,
    PersonaName,
    Requirement,
    StrictModel,
    Value,
    as_list,
    refuse,
)
from agentpack.model.fields import FIELDS, PersonaField
from agentpack.model.names import did_you_mean


def _listed(value: Any) -> Any:
    """A list of words, or a comma-separated text that may contain a parameter."""
    if isinstance(value, str) and "{{" not in value:
        if not value.strip(" ,"):
            return ""  # as a parameter that is empty: no list at all
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _known(field: PersonaField, value: str | list[str]) -> str | list[str]:
    for word in value if isinstance(value, list) else () if "{{" in value or field.kind == "list" else (value,):
        if word not in field.words:
            hint = did_you_mean(word.lower(), field.words)
            raise refuse(f"`{word}` is not a {field.noun} ({', '.join(field.words)})" + (f"; {hint}" if hint else ""))
    return value


def _parts(value: Any) -> Any:
    """A description as a list of parts, each `{text, when}`."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    return [{"text": part} if isinstance(part, str) else part for part in parts]


_WHEN = re.compile(r"!?[a-z][a-z0-9_]*(?::[^\s{}]+)?\Z")


def _when(text: str) -> str:
    if not _WHEN.match(text):
        raise refuse(f"`{text}` is not a condition: `flag`, `!flag` or `parameter:value`")
    return text


class DescriptionPartSchema(StrictModel):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    when: Annotated[str, AfterValidator(_when)] | None = None


def _type(field: PersonaField) -> Any:
    known = AfterValidator(partial(_known, field))
    return {
        "parts": Annotated[list[DescriptionPartSchema], BeforeValidator(_parts), Field(min_length=1)],
        "text": Line,
        "word": Annotated[str, known],
        "list": Annotated[str | list[str], BeforeValidator(_listed), known],
        "clients": dict[Kebab, dict[str, Any]],
    }[field.kind]


MAX_MODULES = 50
"""Largest number of modules of one persona, each of which may be a file."""

_GIVEN: dict[str, Any] = {
    name: (_type(field), {}) if field.kind == "clients" else (_type(field) | None, None)
    for name, field in FIELDS.items()
}
"""The fields a persona or variant may set, all optional, by name."""


def _condition(text: str) -> str:
    if not text.strip():
        raise refuse("must say when to read the section")
    return text


class BudgetSchema(StrictModel):
    words: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=1)] | None = None
    description: Annotated[int, Field(ge=1)] | None = None


_PERSONA: dict[str, Any] = {
    "name": (PersonaName, ...),
    **_GIVEN,
    "description": (_type(FIELDS["description"]), ...),
    "extends": (Requirement | None, None),
    "modules": (Annotated[dict[Kebab, Annotated[Line, AfterValidator(_condition)]], Field(max_length=MAX_MODULES)], {}),
    "budget": (BudgetSchema | None, None),
}
PersonaSchema = create_model("PersonaSchema", __base__=StrictModel, **_PERSONA)
SetSchema = create_model("SetSchema", __base__=StrictModel, **_GIVEN, parameters=(dict[ParameterName, Value], {}))


class VariantBudgetSchema(StrictModel):
    adds: Annotated[int, Field(ge=1)] | None = None
    whole: Annotated[int, Field(ge=1)] | None = None


class OrderSchema(StrictModel):
    after: Annotated[list[Kebab], BeforeValidator(as_list)] = []


def _conflict(value: Any) -> Any:
    return {"with": [value]} if isinstance(value, str) else value


class ConflictSchema(StrictModel):
    """A set of variants that, all together, this one conflicts with."""

    with_: Annotated[list[Kebab], BeforeValidator(as_list), Field(min_length=1, alias="with")]
    reason: Line | None = None


class VariantSchema(StrictModel):
    summary: Line
    set: SetSchema = SetSchema()  # type: ignore[valid-type]
    remove: list[Kebab] = []
    losses: list[Line] = []
    conflicts: list[Annotated[ConflictSchema, BeforeValidator(_conflict)]] = []
    requires: list[Kebab] = []
    order: OrderSchema = OrderSchema()
    budget: VariantBudgetSchema | None = None
