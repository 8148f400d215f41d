"""Schema of `pack.yaml`: the pack, its version, and parameters with constraints of their type."""

from collections.abc import Iterable
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field

from agentpack.errors import Fault
from agentpack.input.documents import Document, Path, dotted
from agentpack.input.parameters import ParameterDeclaration, check_values
from agentpack.input.patterns import matches
from agentpack.input.schemas.base import (
    Line,
    PackName,
    ParameterName,
    PersonaName,
    Requirement,
    Schema,
    StrictModel,
    Value,
    refuse,
    shaped,
)
from agentpack.model.names import MAX_VERSION, NO_VERSION


def _version(text: str) -> str:
    try:
        version = Version(text[: MAX_VERSION + 1])
    except InvalidVersion:
        raise refuse(f"`{text}` is {NO_VERSION}") from None
    if (
        len(text) > MAX_VERSION
        or len(version.release) != 3
        or version.local
        or version.is_postrelease
        or version.epoch
        or version.is_devrelease
    ):
        raise refuse(
            f"`{text}` is not a pack version: write three numbers and an optional pre-release, like `1.2.0` "
            "or `2.0.0rc1`"
        )
    return text


def _specifiers(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise refuse(f"`{text}` is not a range of versions such as `>=1.1,<2`") from None
    return text


MAX_PATTERNS = 20
"""Regular expressions of one pack: compiling one may take a tenth of a second."""


class ParameterSchema(StrictModel):
    type: Literal["string", "integer", "boolean"]
    default: Value
    description: Line
    choices: Annotated[list[str], Field(min_length=1)] | None = None
    pattern: str | None = None
    max_length: Annotated[int, Field(ge=1, le=2000)] | None = None
    minimum: int | str | None = None
    maximum: int | str | None = None


def _with_few_patterns(parameters: dict[str, ParameterSchema]) -> dict[str, ParameterSchema]:
    if sum(parameter.pattern is not None for parameter in parameters.values()) > MAX_PATTERNS:
        raise refuse(f"more than {MAX_PATTERNS} parameters have a `pattern`")
    return parameters


class PackSchema(StrictModel):
    schema_: Schema
    name: PackName
    version: Annotated[str, AfterValidator(_version), shaped(r"[^\n]*[0-9]+\.[0-9]+\.[0-9]+[^\n]*")]
    description: Line
    license: Line | None = None
    authors: list[Line] = []
    homepage: Line | None = None
    keywords: list[Line] = []
    requires: list[Requirement] = []
    agentpack: Annotated[str, AfterValidator(_specifiers)] | None = None
    parameters: Annotated[dict[ParameterName, ParameterSchema], AfterValidator(_with_few_patterns)] = {}
    personas: list[PersonaName] | None = None
    retired: dict[PersonaName, Line] = {}


def parameter_faults(pack: PackSchema, document: Document) -> Iterable[Fault]:
    """Faults across fields: constraints that do not fit the type, defaults that break constraints."""
    declarations: dict[str, ParameterDeclaration] = {}
    for name, spec in pack.parameters.items():
        path: Path = ("parameters", name)
        allowed = {"string": {"choices", "pattern", "max_length"}, "integer": {"minimum", "maximum"}, "boolean": set()}
        given = spec.model_dump(exclude_none=True)
        for key in sorted(given.keys() - {"type", "default", "description"} - allowed[spec.type]):
            line = document.line_of((*path, key))
            yield Fault(document.file, line, dotted((*path, key)), f"`{key}` cannot be used with type {spec.type}")
        for key in ("minimum", "maximum"):
            other = given.get(key)
            if isinstance(other, str) and getattr(pack.parameters.get(other), "type", None) != "integer":
                line = document.line_of((*path, key))
                yield Fault(document.file, line, dotted((*path, key)), f"`{other}` is not an integer parameter")
                return
        if spec.pattern is not None:
            try:
                matches(spec.pattern, "")
            except ValueError as error:
                line = document.line_of((*path, "pattern"))
                yield Fault(document.file, line, dotted((*path, "pattern")), f"not a regular expression: {error}")
                return
        declarations[name] = ParameterDeclaration.from_data(name, given)
    defaults = {name: declaration.default for name, declaration in declarations.items()}
    for name, message in check_values(declarations, defaults):
        path = ("parameters", name, "default")
        yield Fault(document.file, document.line_of(path), dotted(path), message)
