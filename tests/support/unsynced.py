"""Writing without waiting for the disk: what a file holds is the same, except after a loss of power.

What a loss of power leaves is played (`losing_power.py`), not tried. A test that makes a sync fail sets its own
`os.fsync`.
"""

import ctypes
import os


def leave_out_syncs() -> None:
    """From now on a sync in this process looks at the descriptor it is given and does nothing else."""
    os.fsync = os.fstat  # type: ignore[assignment]
    ctypes.CDLL = _Library  # type: ignore[misc]


class _Library(ctypes.CDLL):
    def syncfs(self, descriptor: int) -> int:
        """In the place of the system's, of which Python has no function of its own."""
        os.fstat(descriptor)
        return 0
