"""Schema of `agentpack.yaml`: packs, clients, sources and policy."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from agentpack.input.schemas.base import (
    ClientName,
    EmptyAsAbsent,
    Kebab,
    Line,
    ParameterName,
    PersonaName,
    Requirement,
    Schema,
    StrictModel,
    Value,
    at_most,
    refuse,
    without_secret,
)
from agentpack.input.schemas.policies import UNSAID, PolicySchema

MAX_SOURCES = 100
"""Sources of a manifest: a pack is searched for in each of them."""


def _not_bundled(name: str) -> str:
    """Refuse the name `bundled`: policies that allow it mean agentpack's own packs."""
    if name == "bundled":
        raise refuse("`bundled` is the name of the packs that come with agentpack")
    return name


class SourceSchema(StrictModel):
    name: Annotated[Kebab, AfterValidator(_not_bundled)]
    path: Annotated[str, StringConstraints(min_length=1), AfterValidator(without_secret)]


def _wanted(value: Any) -> Any:
    return {"require": value} if isinstance(value, str) else value


class PackEntrySchema(EmptyAsAbsent):
    require: Requirement
    clients: list[ClientName] | None = None
    parameters: dict[ParameterName, Value] = {}
    as_: Annotated[dict[str, PersonaName], Field(alias="as")] = {}


class ManifestSchema(EmptyAsAbsent):
    schema_: Schema
    policy: PolicySchema = UNSAID
    clients: list[ClientName] | None = None
    packs: list[Annotated[PackEntrySchema, BeforeValidator(_wanted)]] = []
    models: dict[str, dict[ClientName, Line]] = {}
    sources: Annotated[list[SourceSchema], at_most(MAX_SOURCES, "sources")] = []
