"""What is wanted on disk for one client."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from agentpack.model.names import Digest, text_digest


class Note(NamedTuple):
    """What a client makes of a persona otherwise than it says. The same words for every client of which it is true."""

    text: str
    why: str = ""
    """Goes behind the clients where there are several: `color: left out for codex, goose: they do not know it`."""

    def __str__(self) -> str:
        return f"{self.text}, {self.why}" if self.why else self.text


class Form(NamedTuple):
    """How a client's file is written: what whoever takes it apart has to know."""

    format: str = "markdown"
    """`markdown`, `toml`, `json`, `yaml`, or `body` for Markdown without a header."""
    body: str = ""
    """The key of the body, in formats without a body of their own."""
    roles: Mapping[str, str] = MappingProxyType({})
    """The field of a persona that the client's own key says: `model` for one that it calls `engine`."""
    lists: frozenset[str] = frozenset()
    """Keys whose value may be a list with commas in one text."""


class Rendering(NamedTuple):
    """One file of one persona for one client.

    `notes` say what the client cannot express; `lost` names restrictions that it cannot express, which refuse the
    client unless the user accepts it.
    """

    client: str
    pack: str
    persona: str
    path: str
    content: bytes
    notes: tuple[Note, ...] = ()
    lost: tuple[str, ...] = ()
    known: Digest | None = None
    """The text digest of the content, where somebody took it already."""
    capabilities: tuple[str, ...] = ()
    """What the client may do for this persona, read from the content, sorted."""
    form: Form = Form()

    @property
    def digest(self) -> Digest:
        return text_digest(self.content) if self.known is None else self.known
