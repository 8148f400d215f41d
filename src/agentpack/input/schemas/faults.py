"""How what pydantic found is told: file, line and dotted key, in our words, an unknown key with the nearest known one.

Loaded only where something is wrong; therefore it may know the models of every kind.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic_core import ErrorDetails

from agentpack.errors import Fault
from agentpack.input.documents import Document, Path, dotted
from agentpack.input.schemas.base import Strict
from agentpack.input.schemas.cases import Case, PackTests
from agentpack.input.schemas.clients import Client, Place, ToolWords
from agentpack.input.schemas.manifests import Manifest, PackEntry, Source
from agentpack.input.schemas.packs import Pack, Parameter
from agentpack.input.schemas.personas import (
    Budget,
    Conflict,
    Order,
    Part,
    Persona,
    Set,
    Variant,
    VariantBudget,
)
from agentpack.input.schemas.policies import SECTIONS, Policy, PolicyFile
from agentpack.model.names import did_you_mean


def faults_of(errors: Iterable[ErrorDetails], model: type[Strict], document: Document) -> list[Fault]:
    """Every fault once, at the part of the document that it is about."""
    faults = []
    seen: set[tuple[Path, str]] = set()
    for error in errors:
        path, known = _place(error["loc"], model, document.data)
        message, hint = _words(error, path, known)
        if (path, message) not in seen:
            seen.add((path, message))
            faults.append(Fault(document.file, document.line_of(path), dotted(path), message, hint))
    return faults


def _place(loc: tuple[int | str, ...], model: type[Strict], data: Any) -> tuple[Path, list[str]]:
    """The part of pydantic's location that exists in the document, and the keys known where it ends."""
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
    kinds = (Pack, Persona, Variant, Manifest, Client, PackTests, PolicyFile)
    packs = (Parameter, Part, Set, Order, Conflict, Case, Budget, VariantBudget)
    parts = (*packs, PackEntry, Source, Place, ToolWords)
    models: tuple[type[Strict], ...] = (*kinds, *parts, *SECTIONS.values())
    return frozenset(key for model in models for key in _keys(model))


def _keys(model: type[Strict]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _known_keys(path: Path, model: type[Strict]) -> list[str]:
    """The keys that a map at `path` may have."""
    parts = [part for part in path if isinstance(part, str)]
    nested: Mapping[str, type[Strict]]
    nested = {"parameters": Parameter, "description": Part, "set": Set, "order": Order}
    nested = {**nested, "packs": PackEntry, "sources": Source}
    nested = {**nested, "conflicts": Conflict, "tests": Case, "budget": Budget}
    found: type[Strict] = model
    if model is PolicyFile:
        nested = SECTIONS
    for part in parts:
        if found is Manifest and part == "policy":
            found, nested = Policy, SECTIONS
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
