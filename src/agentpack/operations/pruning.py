"""history prune: forget old generations, or tell which it would be. It is the one thing that cannot be undone."""

from agentpack.operations.workspace import Workspace
from agentpack.store.prune import KEPT, Pruned


def prune(workspace: Workspace, keep: int = KEPT, *, dry_run: bool = False) -> Pruned:
    """What is forgotten: all but the last generations."""
    if dry_run:
        return workspace.steadily(lambda: workspace.store.prunable(keep=keep))
    with workspace.changing():
        return workspace.store.prune(keep=keep)
