"""history prune: delete old generations, which cannot be undone, or list those that would be deleted."""

from agentpack.store.prune import KEPT, Pruned
from agentpack.workspace.workspace import Workspace, changing


@changing
def prune(workspace: Workspace, keep: int = KEPT, *, dry_run: bool = False) -> Pruned:
    """Delete all but the last `keep` generations; with `dry_run` only return them."""
    gone = workspace.store.prunable(keep=keep)
    if dry_run or not any(gone):
        return gone
    workspace.consistency.take_lock()
    return workspace.store.prune(keep=keep)
