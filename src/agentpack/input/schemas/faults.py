"""Turn pydantic errors into faults: file, line and dotted key, in our words, with the nearest key for an unknown one.

Loaded only for errors.
"""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from agentpack.errors import Fault
from agentpack.input.documents import Document, Path, dotted
from agentpack.input.schemas.base import StrictModel
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


def _place(loc: tuple[int | str, ...], model: type[StrictModel], data: Any) -> tuple[Path, dict[str, FieldInfo]]:
    """The part of pydantic's location that exists in the document, and the keys allowed there."""
    path: list[int | str] = []
    here: Any = data
    keys = known = _keys(model)
    for part in loc:
        is_item = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if is_item or (isinstance(here, dict) and (part in here or part in keys)):
            path.append(part)
            here = here[part] if is_item or part in here else None  # a key that is missing
            known = keys
            field = keys.get(str(part))
            if field is not None and (inner := _model_in(field.annotation)):
                keys = _keys(inner)
    return tuple(path), known


def _keys(model: type[StrictModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[StrictModel] | None:
    """The model of a field's maps; None if it has no maps with fixed keys."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, StrictModel) else None
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _hint(key: str, known: dict[str, FieldInfo]) -> str:
    """Where an unknown key belongs: below one of the known ones, or to the nearest of them."""
    for name, field in known.items():
        inner = _model_in(field.annotation)
        if inner is not None and key in _keys(inner):
            return f"it belongs under `{name}:`"
    return did_you_mean(key, known) or f"known: {', '.join(sorted(known))}"


def _words(error: ErrorDetails, path: Path, known: dict[str, FieldInfo]) -> tuple[str, str | None]:
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        key = str(path[-1]) if path else ""
        return f"unknown key `{key}`", _hint(key, known)
    if kind == "missing":
        return f"missing key `{path[-1]}`", None
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
