"""What the front matter of a persona may say, whatever the client: a row for each field.

A row decides how the field is checked, laid over another, filled in, read back and compared. What a client makes of it
stands in the client's own file.
"""

from collections.abc import Mapping
from typing import NamedTuple

COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")

MODELS = ("opus", "sonnet", "haiku", "inherit")
"""Model families; any other text is the full id of one model."""

TOOLS = ("read", "search", "edit", "shell", "web", "delegate")
"""Canonical tools. A client's adapter says which of its own tools each stands for."""


class PersonaField(NamedTuple):
    """One field of a persona's front matter."""

    name: str
    kind: str
    """`parts`: text, whole or in parts with conditions. `text`: one line. `word`: one of `words`. `list`: some of
    `words`, where an empty list says something else than none. `clients`: settings by client and key, which are merged
    key by key where one persona or variant is laid over another.
    """
    words: tuple[str, ...] = ()
    """What a `word` or a `list` may say."""
    noun: str = ""
    """What one of these words is called."""
    is_prose: bool = False
    """Whether another value changes only what people read, so that `pack check` asks for no major version."""


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
"""By name, in the order in which they are written."""
WORDS: Mapping[str, PersonaField] = {name: row for name, row in FIELDS.items() if row.kind == "word"}
"""The fields that are one word of a few."""
