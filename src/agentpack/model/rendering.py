"""What is wanted on disk for one client."""

from typing import NamedTuple

from agentpack.model.names import Digest, text_digest


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
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    known: Digest | None = None
    """The text digest of the content, where somebody took it already."""
    capabilities: tuple[str, ...] = ()
    """What the client may do for this persona, read from the content, sorted."""

    @property
    def digest(self) -> Digest:
        return text_digest(self.content) if self.known is None else self.known
