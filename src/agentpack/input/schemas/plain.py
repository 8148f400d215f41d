"""The normal form of the simplest packs and personas, without the library that checks all others.

Loading that library takes longer than installing a persona. What is accepted here, the schema accepts with the same
result (a law compares them); anything else is left to it, and so is every fault.
"""

import re
from typing import Any

from agentpack.errors import UsageError
from agentpack.model.fields import FIELDS
from agentpack.model.names import pack_name, persona_name_fault

_VERSION = re.compile(r"(?:0|[1-9][0-9]{0,5})(?:\.(?:0|[1-9][0-9]{0,5})){2}\Z")
_PACK_KEYS = {"schema", "name", "version", "description"}


def plain_form(kind: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """The data of a `pack` or `persona` in normal form if it is plain; None otherwise, and for other kinds."""
    return _pack(data) if kind == "pack" else _persona(data) if kind == "persona" else None


def _pack(data: dict[str, Any]) -> dict[str, Any] | None:
    name, version = data.get("name"), data.get("version")
    if data.keys() != _PACK_KEYS or type(data["schema"]) is not int or data["schema"] != 1:
        return None
    if not isinstance(name, str) or not isinstance(version, str) or not _VERSION.match(version):
        return None
    try:
        if pack_name(name) != name or not _is_text(data["description"]):
            return None
    except UsageError:
        return None
    given = {"schema": 1, "name": name, "version": version, "description": data["description"]}
    return {**given, "authors": [], "keywords": [], "requires": [], "parameters": {}, "retired": {}}


def _persona(data: dict[str, Any]) -> dict[str, Any] | None:
    name = data.get("name")
    if "description" not in data or not isinstance(name, str) or persona_name_fault(name):
        return None
    found: dict[str, Any] = {"name": name}
    for key, field in FIELDS.items():
        if key not in data:
            continue
        value = data[key]
        if field.kind == "list" and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if field.kind == "list":
            known = isinstance(value, list) and value and all(isinstance(v, str) and v in field.words for v in value)
        else:
            known = _is_text(value) and (field.kind in ("parts", "text") or value in field.words)
        if not known:
            return None
        found[key] = [{"text": value}] if field.kind == "parts" else value
    return {**found, "clients": {}, "modules": {}} if found.keys() == data.keys() else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000 and "\n" not in value
