"""What lies where in the state folder. Decides names only.

$state/
  .gitignore               `*`: the state keeps itself out of version control
  lock                     held by the process that changes something; its number inside
  current                  the number of the generation that counts
  journal                  a change that is decided and not finished (store/journal.py)
  journal.new              a change that is not decided yet
  generations/000001.json  one record per transaction
  blobs/000001.pack        the contents that transaction brought (store/blobs.py)
"""

from collections.abc import Iterable
from contextlib import suppress

from agentpack.disk import Disk
from agentpack.errors import AgentpackError, Unavailable

STATE = "$state"
IGNORE = "$state/.gitignore"
IGNORE_NEW = "$state/.gitignore.new"
LOCK = "$state/lock"
CURRENT = "$state/current"
CURRENT_NEW = "$state/current.new"
JOURNAL = "$state/journal"
JOURNAL_NEW = "$state/journal.new"
GENERATIONS = "$state/generations"
BLOBS = "$state/blobs"
MAX_STATE_BYTES = 32 * 1024 * 1024
"""A record, or the notes of a transaction."""


_EMPTY = frozenset((".gitignore", "lock", "generations", "blobs"))


def record(number: int) -> str:
    """The path of a generation's record."""
    return f"{GENERATIONS}/{number:06d}.json"


def pack(number: int) -> str:
    """The path of the blobs that a transaction brought."""
    return f"{BLOBS}/{number:06d}.pack"


def numbers(names: list[str], ending: str) -> list[int]:
    """The numbers of the files with this ending, ascending."""
    stems = (name.removesuffix(ending) for name in names if name.endswith(ending))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit() and 6 <= len(stem) <= 18)


def prepare(disk: Disk) -> tuple[str, ...]:
    """Make the state folder and what it always holds, durably, unless it is there. Returns the folders made.

    When that fails, what was made is taken away again as far as the disk allows.
    """
    made: list[str] = []
    try:
        for folder in (STATE, GENERATIONS, BLOBS):
            for gone in disk.missing(folder):
                disk.mkdir(gone)
                made.append(gone)
        changed = list(made)
        if disk.stamp(IGNORE) is None:
            disk.unlink(IGNORE_NEW)
            disk.create(IGNORE_NEW, b"*\n")
            disk.make_durable((IGNORE_NEW,), ())
            disk.rename(IGNORE_NEW, IGNORE)
            changed.append(IGNORE)
        if changed:
            above = [path.rpartition("/")[0] for path in changed if "/" in path or not path.startswith("$")]
            disk.make_durable((), list(dict.fromkeys((STATE, *above))))
    except Unavailable:
        with suppress(AgentpackError):
            disk.unlink(IGNORE_NEW)
        _remove(disk, made)
        raise
    return tuple(made)


def discard(disk: Disk, made: Iterable[str]) -> None:
    """Take away a state folder that this process made, and in which nothing came to stand. The caller holds the lock.

    Whatever another process puts there meanwhile stays, and keeps the folders above it.
    """
    with suppress(AgentpackError):
        if disk.plain(STATE) not in made or not _EMPTY.issuperset(disk.entries(STATE)):
            return
        if disk.rmdir(BLOBS) and disk.rmdir(GENERATIONS):
            disk.unlink(IGNORE)
            disk.unlink(LOCK)
            _remove(disk, made)


def _remove(disk: Disk, made: Iterable[str]) -> None:
    with suppress(AgentpackError):
        for folder in reversed(tuple(made)):
            disk.rmdir(folder)
