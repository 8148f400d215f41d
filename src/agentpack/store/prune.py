"""Delete old generations.

Deletion order is crash-safe: a power cut can leave garbage, but never loses data that is still needed.
"""

import re
from typing import NamedTuple

from agentpack.disk import Disk
from agentpack.store import layout
from agentpack.store.blobs import Blobs
from agentpack.store.generations import Generations

KEPT = 50
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")


class Pruned(NamedTuple):
    """What was deleted: the numbers of generations, and of the files that hold contents."""

    generations: tuple[int, ...]
    packs: tuple[int, ...]


def prune(disk: Disk, generations: Generations, blobs: Blobs, *, keep: int = KEPT) -> Pruned:
    """Delete all but the last `keep` generations, and the files of `blobs` that hold no content these need.

    The caller holds the process lock and has run recovery. The records of generations are deleted first, durably.
    """
    gone = prunable(disk, generations, blobs, keep=keep)
    for number in gone.generations:
        disk.unlink(layout.record(number))
    if gone.generations:
        disk.make_durable((), (layout.GENERATIONS,))
    for number in gone.packs:
        disk.unlink(layout.pack(number))
    generations.forget()
    blobs.forget()
    return gone


def prunable(disk: Disk, generations: Generations, blobs: Blobs, *, keep: int = KEPT) -> Pruned:
    """What `prune` would delete. Changes nothing."""
    numbers = generations.numbers()
    kept, gone = numbers[-max(keep, 1) :], numbers[: -max(keep, 1)]
    needed: set[bytes] = set()
    for number in kept:
        # Found in the text: fifty records of a thousand files are slow to build, and no digest can hide in one.
        needed.update(_DIGEST.findall(disk.read(layout.record(number)) or b""))
    packs = [
        number for number in blobs.numbers() if not any(digest.encode() in needed for digest in blobs.digests(number))
    ]
    return Pruned(tuple(gone), tuple(packs))
