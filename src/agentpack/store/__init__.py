"""What agentpack keeps of a scope, all below `$state`. `layout.py` draws the folder."""

from agentpack.disk import Disk
from agentpack.store.blobs import Blobs
from agentpack.store.generations import Generations
from agentpack.store.prune import KEPT, Pruned, prunable, prune


class Store:
    """The contents and the generations of one scope."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.generations = Generations(disk)
        self.blobs = Blobs(disk, self.generations)

    def forget(self) -> None:
        """Look at the folder anew: another process may have written there."""
        self.blobs.forget()
        self.generations.forget()

    def prune(self, *, keep: int = KEPT) -> Pruned:
        """Forget all but the last generations. The caller holds the process lock and has recovered."""
        return prune(self.disk, self.generations, self.blobs, keep=keep)

    def prunable(self, *, keep: int = KEPT) -> Pruned:
        """What `prune` would forget."""
        return prunable(self.disk, self.generations, self.blobs, keep=keep)
