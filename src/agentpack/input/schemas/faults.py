"""Turn pydantic errors into faults: file, line and dotted key, in our words, with the nearest key for an unknown one.

Loaded only for errors; therefore it may import the models of every kind.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from agentpack.errors import Fault
from agentpack.input.documents import Document, Path, dotted
from agentpack.input.schemas.base import StrictModel
from agentpack.input.schemas.cases import CaseSchema, PackTestsSchema
from agentpack.input.schemas.clients import ClientSchema, ToolWordsSchema, UserFolderSchema
from agentpack.input.schemas.manifests import ManifestSchema, PackEntrySchema, SourceSchema
from agentpack.input.schemas.packs import PackSchema, ParameterSchema
from agentpack.input.schemas.personas import (
    BudgetSchema,
    ConflictSchema,
    DescriptionPartSchema,
    OrderSchema,
    PersonaSchema,
    SetSchema,
    VariantBudgetSchema,
    VariantSchema,
)
from agentpack.input.schemas.policies import SECTIONS, PolicyFileSchema, PolicySchema
from agentpack.model.names import did_you_mean


def faults_of(errors: Iterable[ErrorDetails], model: type[StrictModel], document: Document) -> list[Fault]:
    """All faults without duplicates, each at the part of the document it is about."""
    faults = []
    seen: set[tuple[Path, str]] = set()
    for error in errors:
        path, known = _place(error["loc"], model, document.data)
        message, hint = _words(error, path, known)
        if (path, message) not in seen:
            seen.add((path, message))
            faults.append(Fault(document.file, document.line_of(path), dotted(path), message, hint))
    return faults


def _place(loc: tuple[int | str, ...], model: type[StrictModel], data: Any) -> tuple[Path, list[str]]:
    """The part of pydantic's location that exists in the document, and the keys allowed there."""
    path: list[int | str] = []
    here: Any = data
    for part in loc:
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and _is_index(part, here)):
            path.append(part)
            here = here[part]  # type: ignore[index]
        elif isinstance(here, dict) and part in _every_key():
            path.append(part)  # a key that is missing
            here = None
    return tuple(path), sorted(_known_keys(tuple(path[:-1]), model))


def _is_index(part: int | str, items: list[Any]) -> bool:
    return isinstance(part, int) and part < len(items)


@cache
def _every_key() -> frozenset[str]:
    kinds = (PackSchema, PersonaSchema, VariantSchema, ManifestSchema, ClientSchema, PackTestsSchema, PolicyFileSchema)
    packs = (
        ParameterSchema,
        DescriptionPartSchema,
        SetSchema,
        OrderSchema,
        ConflictSchema,
        CaseSchema,
        BudgetSchema,
        VariantBudgetSchema,
    )
    parts = (*packs, PackEntrySchema, SourceSchema, UserFolderSchema, ToolWordsSchema)
    models: tuple[type[StrictModel], ...] = (*kinds, *parts, *SECTIONS.values())
    return frozenset(key for model in models for key in _keys(model))


def _keys(model: type[StrictModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _known_keys(path: Path, model: type[StrictModel]) -> list[str]:
    """The keys that a map at `path` may have."""
    parts = [part for part in path if isinstance(part, str)]
    nested: Mapping[str, type[StrictModel]]
    nested = {
        "parameters": ParameterSchema,
        "description": DescriptionPartSchema,
        "set": SetSchema,
        "order": OrderSchema,
    }
    nested = {**nested, "packs": PackEntrySchema, "sources": SourceSchema}
    nested = {**nested, "conflicts": ConflictSchema, "tests": CaseSchema, "budget": BudgetSchema}
    found: type[StrictModel] = model
    if model is PolicyFileSchema:
        nested = SECTIONS
    for part in parts:
        if found is ManifestSchema and part == "policy":
            found, nested = PolicySchema, SECTIONS
        found = nested.get(part, found)
    return _keys(found)


def _words(error: ErrorDetails, path: Path, known: list[str]) -> tuple[str, str | None]:
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        key = str(path[-1]) if path else ""
        return f"unknown key `{key}`", did_you_mean(key, known) or f"known: {', '.join(known)}"
    if kind == "missing":
        return f"the key `{path[-1]}` is missing", None
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_shown(error['input'])}", None
    if kind == "literal_error":
        return f"expected {error['ctx']['expected']}, found {_shown(error['input'])}".replace("'", "`"), None
    return message[0].lower() + message[1:], None


_EXPECTED = {
    "string_type": "text (in quotes if it looks like a number)",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:40]}`"
