"""Whether local variants follow their pack to another release."""

from collections.abc import Sequence

from agentpack.changes.request import Followed
from agentpack.model.manifest import Manifest
from agentpack.resolve import Chosen
from agentpack.wanted.candidates import Library


def followed(library: Library, manifest: Manifest, chosen: Sequence[Chosen], clients: Sequence[str]) -> Followed:
    """What becomes of the local variants where their packs are chosen at another release; see `following`."""
    lock = library.workspace.lock
    if lock is None or not any(pack.local_variants for pack in lock.packs):
        return Followed()
    from agentpack.operations.moved_variants import follow  # brings YAML along

    return follow(library, manifest, chosen, clients)
