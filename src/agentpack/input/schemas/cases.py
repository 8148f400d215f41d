"""Schema of a pack's tests: which persona to render, with which settings, and what its text must contain."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from agentpack.input.schemas.base import Kebab, Line, ParameterName, Schema, StrictModel, Value
from agentpack.model.fields import FIELDS

_FIELDS = tuple(name for name, field in FIELDS.items() if field.kind != "clients")


class CaseSchema(StrictModel):
    name: Line
    persona: Line | None = None
    variants: list[Kebab] = []
    parameters: dict[ParameterName, Value] = {}
    client: Kebab = "claude"
    present: list[Kebab] = []
    absent: list[Kebab] = []
    contains: list[str] = []
    lacks: list[str] = []
    fields: dict[Literal[_FIELDS], Any] = {}  # type: ignore[valid-type]
    words: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    core_words: Annotated[int, Field(ge=0)] | None = None
    golden: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=200)] | None = None
    refused: Line | None = None


class PackTestsSchema(StrictModel):
    schema_: Schema
    tests: Annotated[list[CaseSchema], Field(min_length=1)]
