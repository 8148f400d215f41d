"""Take a client's file apart: its fields, its rules, and the origin of each."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from agentpack.differences.header import FieldChange, FileParts, compare_fields, parts_of
from agentpack.differences.rules import EDIT, Entry, RuleChange, compare, entries_in, entries_of, recognise
from agentpack.model.line_ends import as_lf
from agentpack.model.persona import Origin, Persona
from agentpack.model.rendering import Form

MAX_BYTES = 1024 * 1024
"""Largest text that is taken apart; agent files have some ten thousand bytes."""


class ParsedFile(NamedTuple):
    """A file taken apart. `entries` are the rules and headings in reading order, `origins` the origin of each field."""

    form: Form
    parts: FileParts
    entries: tuple[Entry, ...]
    origins: Mapping[str, Origin]


class Comparison(NamedTuple):
    """The differences between two parsed files. `origins` are those of the changed fields, from the later side if they
    are there.
    """

    fields: tuple[FieldChange, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    origins: Mapping[str, Origin] = {}


NOTHING = Comparison()


def decoded(data: bytes) -> str:
    """The text for people, with LF line ends; invalid UTF-8 is shown as escapes."""
    return as_lf(data).decode("utf-8", "backslashreplace")


def parse_pristine(data: bytes, form: Form, persona: Persona | None, release: Origin | None = None) -> ParsedFile:
    """A rendered text taken apart, its rules matched with the persona's if that is known.

    Args:
        release: the persona's own, from which its name is.
    """
    parts = parts_of(decoded(data), form)
    found = entries_in(parts.body, parts.first_line)
    if persona is None:
        return ParsedFile(form, parts, found, {})
    entries = recognise(entries_of(persona.sections), found, edited=False)
    origins = {key: _field_origin(persona, key, form.roles.get(key, key), release) for key in parts.fields}
    return ParsedFile(form, parts, entries, origins)


def parse_edited(data: bytes, pristine: ParsedFile, *, by_hand: bool = True) -> ParsedFile:
    """A possibly edited text taken apart, its rules matched with the pristine ones.

    Args:
        by_hand: differences are local edits; otherwise their origin is unknown.
    """
    parts = parts_of(decoded(data), pristine.form)
    entries = recognise(pristine.entries, entries_in(parts.body, parts.first_line), edited=by_hand)
    origins = dict.fromkeys(parts.fields, EDIT)
    for name, value in parts.fields.items():
        if name in pristine.origins and value == pristine.parts.fields[name]:
            origins[name] = pristine.origins[name]
    return ParsedFile(pristine.form, parts, entries, origins)


def _field_origin(persona: Persona, key: str, name: str, release: Origin | None) -> Origin:
    """A client's own setting comes from `clients`; a key every client needs, such as the name, comes from the release,
    or if that is unknown with the description.
    """
    fields = persona.fields
    native = any(key in settings for settings in persona.value("clients").values()) if "clients" in fields else False
    if release is not None and name not in fields and not native:
        return release
    return fields[name if name in fields else "clients" if native else "description"].origin


def compare_files(before: ParsedFile, after: ParsedFile) -> Comparison:
    """The differences between two texts of one file."""
    return _compared(
        before.parts.fields,
        after.parts.fields,
        before.origins,
        after.origins,
        before.entries,
        after.entries,
        after.form.lists,
    )


def compare_personas(before: Persona, after: Persona) -> Comparison:
    """The differences between two personas, in the terms of packs rather than of a client."""
    old, old_origins = _flat(before)
    new, new_origins = _flat(after)
    return _compared(old, new, old_origins, new_origins, entries_of(before.sections), entries_of(after.sections))


def _flat(persona: Persona) -> tuple[dict[str, Any], dict[str, Origin]]:
    """All fields by name, with the settings of clients one by one."""
    values: dict[str, Any] = {"name": persona.name}
    origins = {"name": persona.fields["description"].origin} if "description" in persona.fields else {}
    for name, field in persona.fields.items():
        flat = {name: field.value}
        if name == "clients":
            flat = {
                f"clients.{client}.{key}": value for client, own in field.value.items() for key, value in own.items()
            }
        values.update(flat)
        origins.update(dict.fromkeys(flat, field.origin))
    return values, origins


def _compared(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    before_origins: Mapping[str, Origin],
    after_origins: Mapping[str, Origin],
    before_entries: tuple[Entry, ...],
    after_entries: tuple[Entry, ...],
    lists: Collection[str] = (),
) -> Comparison:
    fields = compare_fields(before, after, lists)
    origins = {}
    for change in fields:
        side = before_origins if change.after is None else after_origins
        origins[change.name] = side.get(change.name, EDIT)
    return Comparison(fields, compare(before_entries, after_entries), origins)
