"""Schema of `agentpack.yaml`: packs, clients, sources and policy."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from agentpack.input.schemas.base import (
    ClientName,
    EmptyAsAbsent,
    Kebab,
    Line,
    PackName,
    PackPattern,
    ParameterName,
    PersonaName,
    Requirement,
    Schema,
    StrictModel,
    Value,
    checked,
    refuse,
    without_secret,
)
from agentpack.input.schemas.policies import UNSAID, PolicySchema
from agentpack.model.source_kinds import SOURCE_KINDS

MAX_SOURCES = 100
"""Sources of a manifest: a pack is searched for in each of them."""
MAX_PATTERNS = 100
"""Patterns in the `packs` of all sources of a manifest: the name of each pack is compared with all of them."""


def _not_bundled(name: str) -> str:
    """Refuse the name `bundled`: policies that allow it mean agentpack's own packs."""
    if name == "bundled":
        raise refuse("`bundled` is reserved for the packs that come with agentpack")
    return name


def _few(sources: list[Any]) -> list[Any]:
    if len(sources) > MAX_SOURCES:
        raise refuse(f"more than {MAX_SOURCES} sources")
    if sum(len(source.packs or ()) for source in sources) > MAX_PATTERNS:
        raise refuse(f"more than {MAX_PATTERNS} patterns in `packs`")
    return sources


def _only(kind: str) -> dict[str, Any]:
    """A source of this kind as a JSON Schema: it has this place, and no key of another kind."""
    keys = {key for name, row in SOURCE_KINDS.items() for key in (name, *row.options)}
    others = keys - {kind, *SOURCE_KINDS[kind].options}
    return {"required": [kind], "properties": {kind: {"type": "string"}, **dict.fromkeys(sorted(others), False)}}


class _SourceSchema(StrictModel):
    model_config = ConfigDict(json_schema_extra={"oneOf": [_only(kind) for kind in SOURCE_KINDS]})
    name: Annotated[Kebab, AfterValidator(_not_bundled)]
    packs: Annotated[list[PackPattern], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _has_one_place(self) -> "_SourceSchema":
        given = [kind for kind in SOURCE_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            kinds = ", ".join(f"`{kind}`" for kind in SOURCE_KINDS)
            raise refuse("has more than one place" if given else f"has no place (set one of {kinds})")
        for key in self.model_fields_set - {"name", "packs", *given, *SOURCE_KINDS[given[0]].options}:
            raise refuse(f"`{key}` cannot be used with `{given[0]}`")
        return self


_Place = Annotated[str, StringConstraints(min_length=1), AfterValidator(without_secret)]
_PLACES: dict[str, Any] = {
    key: (Annotated[_Place, checked(check)] | None, None)
    for kind, row in SOURCE_KINDS.items()
    for key, check in ((kind, row.check), *row.options.items())
}
SourceSchema = create_model("SourceSchema", __base__=_SourceSchema, **_PLACES)


def _wanted(value: Any) -> Any:
    return {"require": value} if isinstance(value, str) else value


class PackEntrySchema(EmptyAsAbsent):
    require: Requirement
    clients: list[ClientName] | None = None
    parameters: dict[ParameterName, Value] = {}
    as_: Annotated[dict[str, PersonaName], Field(alias="as")] = {}
    source: Line | None = None
    name: PackName | None = None
    personas: Annotated[list[Line], Field(min_length=1)] | None = None
    without: list[Line] = []

    @model_validator(mode="after")
    def _is_renamed_in_one_source(self) -> "PackEntrySchema":
        if self.name is not None and self.source is None:
            raise refuse("`name` renames a pack of one source: set `source` too")
        return self


class ManifestSchema(EmptyAsAbsent):
    schema_: Schema
    policy: PolicySchema = UNSAID
    clients: list[ClientName] | None = None
    packs: list[
        Annotated[PackEntrySchema, BeforeValidator(_wanted, json_schema_input_type=Requirement | PackEntrySchema)]
    ] = []
    models: dict[str, dict[ClientName, Line]] = {}
    sources: Annotated[list[SourceSchema], AfterValidator(_few)] = []  # type: ignore[valid-type]
