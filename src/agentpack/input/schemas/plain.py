"""The normal form of the simplest packs and personas, without the library that checks all others.

Loading that library takes longer than installing a persona. What is accepted here, the schema accepts with the same
result (a law holds both together); anything else is left to it, and so is every fault.
"""

from collections.abc import Callable, Mapping
from typing import Any

from agentpack.errors import AgentpackError
from agentpack.model.fields import FIELDS
from agentpack.model.names import is_plain_version, pack_name, persona_name_fault


def plain_form(kind: str, data: Any) -> dict[str, Any] | None:
    """The data in normal form if it is plain, else None."""
    read = _KINDS.get(kind)
    try:
        return None if read is None else read(data)
    except (AgentpackError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _pack(data: Any) -> dict[str, Any] | None:
    known = data.keys() == {"schema", "name", "version", "description"}
    name, version = data["name"], data["version"]
    if not known or data["schema"] is not 1 or pack_name(name) != name or not is_plain_version(version):
        return None
    empty: dict[str, Any] = {"authors": [], "keywords": [], "requires": [], "parameters": {}}
    return {"schema": 1, "name": name, "version": version, "description": _line(data["description"])} | empty


def _persona(data: Any) -> dict[str, Any] | None:
    ...


_KINDS: Mapping[str, Callable[[Any], dict[str, Any] | None]] = {"pack": _pack, "persona": _persona}
