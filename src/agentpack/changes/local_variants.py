"""What is wanted, with local variants rebased onto the releases chosen."""

from agentpack.changes.request import RebasedVariants
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted


def wanted_with_variants(chosen: Selection, *, preview: bool = False) -> tuple[Wanted, RebasedVariants]:
    """What is wanted, and the local variants that were rebased because their pack moves to another release.

    Args:
        preview: as `Selection.preview`, else as `Selection.enforced`.
    """
    followed, lock = RebasedVariants(), chosen.workspace.lock
    if lock is not None and any(pack.local_variants for pack in lock.packs):
        from agentpack.changes.rebase_variants import rebase_variants  # brings YAML along

        followed = rebase_variants(chosen, lock)
    with chosen.workspace.documents.with_local_texts(followed.texts):
        if followed.texts:
            chosen = chosen.rebuilt()
        return chosen.preview(skips=True) if preview else chosen.enforced(), followed
