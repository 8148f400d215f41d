"""What `agentpack.yaml` may say: the packs wanted, for which clients, from which sources, under which policy."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from agentpack.input.schemas.policies import UNSAID, Policy
from agentpack.input.schemas.words import (
    ClientName,
    Kebab,
    Line,
    ParameterName,
    PersonaName,
    Requirement,
    Sayable,
    Schema,
    Strict,
    Value,
    refuse,
    without_secret,
)

MAX_SOURCES = 100
"""A pack is looked for in each of them."""


def _not_bundled(name: str) -> str:
    """What is allowed of `bundled` is allowed of agentpack's own packs."""
    if name == "bundled":
        raise refuse("`bundled` is the name of the packs that come with agentpack")
    return name


def _few(sources: list[Any]) -> list[Any]:
    if len(sources) > MAX_SOURCES:
        raise refuse(f"more than {MAX_SOURCES} sources")
    return sources


class Source(Strict):
    name: Annotated[Kebab, AfterValidator(_not_bundled)]
    path: Annotated[str, StringConstraints(min_length=1), AfterValidator(without_secret)]


def _wanted(value: Any) -> Any:
    return {"require": value} if isinstance(value, str) else value


class PackEntry(Sayable):
    require: Requirement
    clients: list[ClientName] | None = None
    parameters: dict[ParameterName, Value] = {}
    as_: Annotated[dict[str, PersonaName], Field(alias="as")] = {}


class Manifest(Sayable):
    schema_: Schema
    policy: Policy = UNSAID
    clients: list[ClientName] | None = None
    packs: list[Annotated[PackEntry, BeforeValidator(_wanted)]] = []
    models: dict[str, dict[ClientName, Line]] = {}
    sources: Annotated[list[Source], AfterValidator(_few)] = []
