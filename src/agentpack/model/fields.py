"""Define the fields of a persona that all clients share, one row each, and the words for tools.

A row decides how the field is checked, merged with a base, filled in, read back and compared. How a client writes it is
in the client's own module.
"""

from collections.abc import Mapping
from typing import NamedTuple

COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")

MODELS = ("opus", "sonnet", "haiku", "inherit")
"""Model families; any other text is the full id of one model."""

TOOLS = ("read", "search", "edit", "shell", "web", "delegate")
"""Canonical tools. Each client maps them to its own."""


class PersonaField(NamedTuple):
    """One field of a persona's front matter."""

    name: str
    kind: str
    """`parts`: text, whole or in parts with conditions. `text`: one line. `word`: one of `words`. `list`: some of
    `words`, where an empty list says something else than none. `clients`: settings by client and key, which are merged
    key by key where one persona or variant is laid over another.
    """
    words: tuple[str, ...] = ()
    """The values a `word` or a `list` may have."""
    noun: str = ""
    """What one of these values is called."""
    is_prose: bool = False
    """Whether a new value only changes text for people, so that `pack check` asks for no major version."""


FIELDS: Mapping[str, PersonaField] = {
    row.name: row
    for row in (
        PersonaField("description", "parts", is_prose=True),
        PersonaField("model", "text"),
        PersonaField("color", "word", COLORS, "colour"),
        PersonaField("tools", "list", TOOLS, "tool"),
        PersonaField("deny", "list", TOOLS, "tool"),
        PersonaField("clients", "clients"),
    )
}
"""All fields by name, in the order in which they are written."""
WORDS: Mapping[str, PersonaField] = {name: row for name, row in FIELDS.items() if row.kind == "word"}
"""The fields whose value is one of a few words."""
