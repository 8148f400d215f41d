"""What is wanted on disk for one client."""

from typing import NamedTuple

from agentpack.model.names import Digest, text_digest


class Note(NamedTuple):
    """What a client makes of a persona otherwise than it says. The same words for every client of which it is true."""

    text: str
    why: str = ""
    """Goes behind the clients where there are several: `color: left out for codex, goose: they do not know it`."""

    def __str__(self) -> str:
        return f"{self.text}, {self.why}" if self.why else self.text


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

    @property
    def digest(self) -> Digest:
        return text_digest(self.content) if self.known is None else self.known
