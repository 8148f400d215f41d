"""Everything agentpack stores for a scope, below `$state`. `layout.py` lists the files."""

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
        """Drop cached reads: another process may have written to the folder."""
        self.blobs.forget()
        self.generations.forget()

    def prune(self, *, keep: int = KEPT) -> Pruned:
        """Delete all but the last `keep` generations. The caller holds the process lock and has run recovery."""
        return prune(self.disk, self.generations, self.blobs, keep=keep)

    def prunable(self, *, keep: int = KEPT) -> Pruned:
        """What `prune` would delete."""
        return prunable(self.disk, self.generations, self.blobs, keep=keep)
