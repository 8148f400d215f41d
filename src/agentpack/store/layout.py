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

from agentpack.disk import Disk

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


def prepare(disk: Disk) -> None:
    """Make the state folder and what it always holds, durably, unless it is there."""
    made = []
    for folder in (STATE, GENERATIONS, BLOBS):
        for gone in disk.missing(folder):
            disk.mkdir(gone)
            made.append(gone)
    if disk.stamp(IGNORE) is None:
        disk.unlink(IGNORE_NEW)
        disk.create(IGNORE_NEW, b"*\n")
        disk.make_durable((IGNORE_NEW,), ())
        disk.rename(IGNORE_NEW, IGNORE)
        made.append(IGNORE)
    if made:
        above = [path.rpartition("/")[0] for path in made if "/" in path or not path.startswith("$")]
        disk.make_durable((), list(dict.fromkeys((STATE, *above))))
