"""A file that is wanted on disk for one client."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from agentpack.errors import Unavailable
from agentpack.model.names import Digest, text_digest


class Note(NamedTuple):
    """How a client deviates from what the persona says. The text is the same for every client it applies to."""

    text: str
    why: str = ""
    """Added after the names when several clients are listed: `color: left out for codex, goose: they do not know it`.
    """

    subject: str = ""
    """The field or tool that the note is about. Notes that only differ in it are told as one."""

    def __str__(self) -> str:
        text = f"`{self.subject}` {self.text}" if self.subject else self.text
        return f"{text}, {self.why}" if self.why else text


class Form(NamedTuple):
    """How a client's file is written: what is needed to take it apart."""

    format: str = "markdown"
    """`markdown`, `toml`, `json`, `yaml`, or `body` for Markdown without a header."""
    body: str = ""
    """The key of the body, in formats where the body is a field."""
    roles: Mapping[str, str] = MappingProxyType({})
    """Maps the client's own keys to persona fields: `engine` to `model`."""
    lists: frozenset[str] = frozenset()
    """Keys whose value may be a comma-separated list."""


class Rendering(NamedTuple):
    """One file of one persona for one client.

    `notes` describe what the client cannot express; `lost` names restrictions it cannot express, which require an
    acceptance.
    """

    client: str
    pack: str
    persona: str
    path: str
    content: bytes
    notes: tuple[Note, ...] = ()
    lost: tuple[str, ...] = ()
    known: Digest | None = None
    """The text digest of the content, if it was computed already."""
    capabilities: tuple[str, ...] = ()
    """The persona's capabilities in this client, read from the content, sorted."""
    form: Form = Form()
    called: str = ""
    """The agent's name in the file; empty if it is the persona's."""
    is_own: bool = False
    """Whether it is a file that its author wrote for this client, and no rendering of one for another."""
    lost_text: Unavailable | None = None
    """Why the content is nowhere, if it is: the file stays as it is on disk. `known` is its digest then."""

    @property
    def name(self) -> str:
        """The name that the client knows the agent by."""
        return self.called or self.persona

    @property
    def digest(self) -> Digest:
        return text_digest(self.content) if self.known is None else self.known
