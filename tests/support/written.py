"""A persona of a few fields in one client's words, made without a pack."""

from typing import Any

from agentpack.clients import CLIENTS
from agentpack.clients.render import RenderedText, render_file
from agentpack.model.persona import Field, Origin, Persona


def rendered(client: str, **fields: Any) -> RenderedText:
    """The file of a `reviewer` with these fields, for a client."""
    given = {"description": "Reviews data.", **fields}
    origin = Origin("release", "x")
    parts = {key: Field(value, origin) for key, value in given.items() if value is not None}
    persona = Persona("reviewer", parts, (), lambda: "You review data, whoever asks.\n")
    return render_file(CLIENTS[client], persona, {})
