"""What is wanted on disk for one client."""

from typing import NamedTuple


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
