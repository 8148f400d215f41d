"""Split a client's file into header fields and body.

A header that cannot be parsed is read line by line, so that hand-edited files still get an answer.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from agentpack.compose.parse import split_front_matter
from agentpack.errors import InvalidFile
from agentpack.input.toml_text import read_toml
from agentpack.model.rendering import Form

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):[ \t]*(.*)\Z")


class FileParts(NamedTuple):
    """The fields as the client names them, the body, and the line where it begins (0 if unknown)."""

    fields: Mapping[str, Any]
    body: str
    first_line: int


def parts_of(text: str, form: Form) -> FileParts:
    """The parts of a file in this format."""
    if form.format == "body":
        return FileParts({}, text, 1)
    if form.format != "markdown":
        return _without_fences(text, form)
    found = split_front_matter(text)
    if found is None:
        return FileParts({}, text, 1)
    head, body, first_line = found
    return FileParts(_fields(head), body, first_line)


def _without_fences(text: str, form: Form) -> FileParts:
    try:
        if form.format == "toml":
            fields = read_toml(text.encode(), "header")
        else:
            from agentpack.input.documents import read_json, read_yaml  # only for the clients that want these

            found = read_json(text.encode(), "header") if form.format == "json" else read_yaml(text, "header").data
            fields = dict(found)
    except (InvalidFile, ValueError, TypeError):
        return FileParts({}, text, 1)
    return FileParts(fields, str(fields.pop(form.body, "")), 0)


def _fields(head: str) -> Mapping[str, Any]:
    lines = [line for line in head.split("\n") if line.strip()]
    simple = _simple(lines)
    if simple is not None:
        return simple
    from agentpack.input.documents import read_yaml  # only for a header that agentpack did not write

    try:
        data = read_yaml(head, "header", hidden=True).data
        if isinstance(data, dict):
            return {str(key): value for key, value in data.items()}
    except InvalidFile:
        pass
    return _by_line(lines)


def _simple(lines: list[str]) -> dict[str, Any] | None:
    """Parse a header in agentpack's own format: a field a line, each value JSON or a plain word. None for any other."""
    fields: dict[str, Any] = {}
    for line in lines:
        match = _FIELD.match(line.rstrip("\r"))
        if match is None or match[1] in fields:
            return None
        value = match[2].strip()
        if re.fullmatch(r"[a-z]+(?:[-.][a-z0-9]+)*", value) and value not in ("true", "false", "null"):
            fields[match[1]] = value
            continue
        try:
            fields[match[1]] = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return fields


def _by_line(lines: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    key = None
    for line in lines:
        match = _FIELD.match(line.rstrip())
        if match is not None:
            key = match[1]
            fields[key] = match[2].strip()
        elif key is not None:
            fields[key] = f"{fields[key]} {line.strip()}".strip()
    return fields


class FieldChange(NamedTuple):
    """A field that was added, removed or changed; None where it is absent. For lists, the added and removed members."""

    name: str
    before: Any
    after: Any
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def compare_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], lists: Collection[str] = ("tools",)
) -> tuple[FieldChange, ...]:
    """The differences, in the order of the fields.

    Args:
        lists: fields whose value may be a comma-separated list.
    """
    changes = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        old_members, new_members = _members(name in lists, old), _members(name in lists, new)
        if old_members is None or new_members is None:
            changes.append(FieldChange(name, old, new))
            continue
        added = tuple(member for member in new_members if member not in old_members)
        removed = tuple(member for member in old_members if member not in new_members)
        changes.append(FieldChange(name, old, new, added, removed))
    return tuple(changes)


def _members(in_commas: bool, value: Any) -> list[str] | None:
    if isinstance(value, str) and in_commas:
        return [member.strip() for member in value.split(",") if member.strip()]
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return value
    return None


def in_words(value: Any) -> str:
    """A field's value for people: `-` for None, a text as it is, texts joined by commas, anything else as JSON."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, default=str)
