"""What agentpack keeps of a scope, all below `$state`. `layout.py` draws the folder."""

from agentpack.disk import Disk
from agentpack.store.blobs import Blobs
from agentpack.store.generations import KEPT, Generations, Pruned


class Store:
    """The contents and the generations of one scope."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.blobs = Blobs(disk)
        self.generations = Generations(disk)

    def forget(self) -> None:
        """Look at the folder anew: another process may have written there."""
        self.blobs.forget()
        self.generations.forget()

    def prune(self, *, keep: int = KEPT) -> Pruned:
        """Forget all but the last generations. The caller holds the process lock and has recovered."""
        return self.generations.prune(self.blobs, keep=keep)
