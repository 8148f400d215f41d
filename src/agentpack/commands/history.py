"""history prune: forget old generations, or tell which it would be. It is the one thing that cannot be undone."""

from agentpack.store.prune import KEPT, Pruned
from agentpack.workspace.workspace import Workspace, changing


@changing
def prune(workspace: Workspace, keep: int = KEPT, *, dry_run: bool = False) -> Pruned:
    """What is forgotten: all but the last generations."""
    gone = workspace.store.prunable(keep=keep)
    if dry_run or not any(gone):
        return gone
    workspace.consistency.take_lock()
    return workspace.store.prune(keep=keep)
