"""What is wanted, with the local variants that follow their packs to another release."""

from agentpack.changes.request import Followed
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted


def wanted_with_variants(chosen: Selection, *, preview: bool = False) -> tuple[Wanted, Followed]:
    """What is wanted, and what becomes of the local variants whose packs are chosen at another release.

    Args:
        preview: as `Selection.preview`, else as `Selection.enforced`.
    """
    followed, lock = Followed(), chosen.workspace.lock
    if lock is not None and any(pack.local_variants for pack in lock.packs):
        from agentpack.changes.rebase_variants import follow  # brings YAML along

        followed = follow(chosen, lock)
    with chosen.workspace.documents.as_if(followed.texts):
        if followed.texts:
            chosen = chosen.fresh()
        return chosen.preview() if preview else chosen.enforced(), followed
