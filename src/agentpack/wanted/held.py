"""Packs of collections with an installed text that is nowhere: they stay as the lock and the disk have them.

That is so in a fresh clone where an agent file was edited and its place has moved on. Nothing else needs the text, so
every other pack works, and so does this one as long as nothing of it has to be written.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agentpack.errors import AgentpackError, Unavailable
from agentpack.model.lock import Lock, LockedFile, LockedPack, SkippedAgent
from agentpack.model.manifest import Manifest
from agentpack.model.names import Digest, PackName
from agentpack.model.rendering import Rendering
from agentpack.wanted.candidates import Candidates
from agentpack.workspace.workspace import Workspace


class HeldPack(NamedTuple):
    """What the lock says of a pack that stays as it is."""

    pack: LockedPack
    rows: Mapping[str, LockedFile]
    """By path."""
    files: tuple[Rendering, ...]
    accepted: tuple[str, ...]
    skipped: tuple[SkippedAgent, ...]


def held_packs(
    candidates: Candidates, manifest: Manifest, clients_of: Mapping[str, Sequence[str]]
) -> dict[str, HeldPack]:
    """The packs among these that stay as they are, by name.

    Args:
        clients_of: the packs, and the clients that each is wanted for.

    Raises:
        Unavailable: one of them is wanted in another way than it is locked, for which its texts are needed.
    """
    found: dict[str, HeldPack] = {}
    for name, clients in clients_of.items():
        lock, lost = candidates.lock, candidates.lost_text(PackName(name))
        locked = lock.pack(name) if lock else None
        if lost is None or lock is None or locked is None:
            continue
        rows = {row.path: row for row in lock.files if row.pack == name}
        if not _is_as_locked(candidates.workspace, manifest, lock, locked, clients):
            raise lost
        files = tuple(_as_it_lies(candidates.workspace, row, lost) for row in rows.values())
        accepted = tuple(word for word in lock.accepted if word.partition(":")[0] == name)
        found[name] = HeldPack(locked, rows, files, accepted, tuple(row for row in lock.skipped if row.pack == name))
    return found


def _is_as_locked(
    workspace: Workspace, manifest: Manifest, lock: Lock, locked: LockedPack, clients: Sequence[str]
) -> bool:
    """Whether a pack is wanted just as it is locked and was written."""
    before = Manifest.from_data(lock.manifest)
    then, now = before.wanted(locked.name), manifest.wanted(locked.name)
    if then is None or now is None or before.models != manifest.models:
        return False
    own = then.clients if then.clients is not None else lock.clients_by_pack.get(locked.name, lock.clients)
    texts = {(text.persona, text.name, text.digest) for text in workspace.documents.local_texts}
    changed = {one.client for one in workspace.changed_declarations(lock)}
    return (
        then._replace(clients=None) == now._replace(clients=None)
        and {*own} == {*clients}
        and changed.isdisjoint(clients)
        and texts.issuperset(locked.local_variants)
        and all(row.release is None for row in lock.files if row.pack == locked.name)
    )


def _as_it_lies(workspace: Workspace, row: LockedFile, lost: Unavailable) -> Rendering:
    """The file of a row, with its text where that is kept or on disk."""
    digest = Digest(f"sha256:{row.sha256}")
    made = Rendering(row.client, row.pack, row.persona, row.path, b"", known=digest, capabilities=row.words)
    here = workspace.places.look(row.path)
    if here is not None and here.digest == digest:
        return made._replace(content=workspace.states.contents(row.path))
    try:
        return made._replace(content=workspace.store.blobs.get(digest))
    except AgentpackError:
        return made._replace(lost_text=lost)
