"""The files of the state folder, and how the folder is created, identified and moved aside.

$state/
  .gitignore               `*`: the state keeps itself out of version control
  id                       in a project: by it the user's own state folder knows this one (disk/known_states.py)
  lock                     held by the process that changes something; its number inside
  current                  the number of the generation that counts
  journal                  a change that is decided and not finished (store/journal.py)
  journal.new              a change that is not decided yet
  generations/000001.json  one record per transaction
  blobs/000001.pack        the contents that transaction brought (store/blobs.py)
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import count

from agentpack.disk import Disk, OwnStates, StateOwner
from agentpack.disk.known_states import in_use
from agentpack.errors import AgentpackError, Refused, Unavailable

STATE = "$state"
IGNORE = "$state/.gitignore"
IGNORE_NEW = "$state/.gitignore.new"
ID = "$state/id"
LOCK = "$state/lock"
CURRENT = "$state/current"
CURRENT_NEW = "$state/current.new"
JOURNAL = "$state/journal"
JOURNAL_NEW = "$state/journal.new"
GENERATIONS = "$state/generations"
BLOBS = "$state/blobs"
MAX_STATE_BYTES = 32 * 1024 * 1024
"""Largest record or journal."""


_EMPTY = frozenset((".gitignore", "id", "lock", "generations", "blobs"))


def record(number: int) -> str:
    """The path of a generation's record."""
    return f"{GENERATIONS}/{number:06d}.json"


def pack(number: int) -> str:
    """The path of the contents that a transaction stored."""
    return f"{BLOBS}/{number:06d}.pack"


def numbers(names: list[str], ending: str) -> list[int]:
    """The numbers of the files with this suffix, ascending."""
    stems = (name.removesuffix(ending) for name in names if name.endswith(ending))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit() and 6 <= len(stem) <= 18)


class NewerState(Refused):
    """A newer agentpack wrote a file of the state folder. Nothing in it is interpreted, and nothing is lost."""


def newer(disk: Disk, path: str) -> NewerState:
    """The error for such a file."""
    return NewerState(
        f"`{disk.absolute(path)}` was written by a newer agentpack",
        hint="upgrade agentpack; the history stays as it is",
    )


def check_owner(disk: Disk) -> StateOwner:
    """Find out who made the state folder. From here on a folder that this user did not make counts as absent; one that
    came from elsewhere is reported.
    """
    if disk.known_states is None:
        return "ours"
    whose = disk.known_states.maker_of(disk.absolute(STATE), disk.absolute(""))
    disk.hide(STATE if whose in ("foreign", "bare") else "")
    if whose == "foreign":
        disk.lacks["state"] = f"{_not_yours(disk)} agentpack ignores it, its history and its unfinished changes"
    return whose


def _not_yours(disk: Disk) -> str:
    return (
        f"`{disk.absolute(STATE)}` was not made by you here: it came with a clone, from a cache or another user, "
        "or what agentpack keeps in your home was deleted."
    )


def prepare(disk: Disk) -> tuple[str, ...]:
    """Create the state folder and its fixed files durably, unless they exist. Returns the folders created.

    A state folder that this user did not make (see `check_owner`) is moved aside, and stays there.

    Raises:
        AgentpackError: the disk failed, or the folder is another user's. What was created is removed again as far as
            possible.
    """
    with _turn(disk):
        whose = check_owner(disk)
        made: list[str] = []
        name = ""
        try:
            if disk.known_states is not None and whose == "foreign":
                _move_aside(disk, disk.known_states)
            disk.hide("")
            _make(disk, STATE, made)
            if disk.known_states is not None and whose != "ours":
                name = _register(disk, disk.known_states)
                disk.unlink(ID)
                disk.create(ID, f"{name}\n".encode())
            _make(disk, GENERATIONS, made)
            _make(disk, BLOBS, made)
            _make_rest(disk, made, name)
        except AgentpackError:
            _undo(disk, made, name)
            raise
        return tuple(made)


def _turn(disk: Disk) -> AbstractContextManager[None]:
    return nullcontext() if disk.known_states is None else disk.known_states.exclusive()


def _make(disk: Disk, folder: str, made: list[str]) -> None:
    for gone in disk.missing(folder):
        disk.mkdir(gone)
        made.append(gone)


def _register(disk: Disk, known: OwnStates) -> str:
    """Make an id for the state folder. The user's own folder records it first, so that a killed process never leaves
    contents under an unknown id.
    """
    name, note = known.register(disk.absolute(""))
    if note:
        disk.lacks["known"] = note
    return name


def _make_rest(disk: Disk, made: list[str], name: str) -> None:
    changed = [*made, *((ID,) if name else ())]
    if disk.stamp(IGNORE) is None:
        disk.unlink(IGNORE_NEW)
        disk.create(IGNORE_NEW, b"*\n")
        disk.make_durable((IGNORE_NEW,), ())
        disk.rename(IGNORE_NEW, IGNORE)
        changed.append(IGNORE)
    if changed:
        above = [path.rpartition("/")[0] for path in changed if "/" in path or not path.startswith("$")]
        disk.make_durable((ID,) if name else (), list(dict.fromkeys(above)))


def _undo(disk: Disk, made: list[str], name: str) -> None:
    with suppress(AgentpackError):
        disk.unlink(IGNORE_NEW)
        if disk.canonical(STATE) in made:
            disk.unlink(IGNORE)
        if name:
            _unname(disk, name)
    _remove(disk, made)
    _move_back(disk)


def _unname(disk: Disk, name: str) -> None:
    disk.unlink(ID)
    if disk.known_states is not None:
        disk.known_states.forget(name)


def _move_aside(disk: Disk, known: OwnStates) -> None:
    """Rename a state folder that came from elsewhere: it may belong to somebody.

    Raises:
        Unavailable: a process is using it, or it cannot be moved.
    """
    state, where = disk.canonical(STATE), disk.absolute(STATE)
    if in_use(where):
        raise Unavailable(f"another agentpack is changing files here, with `{where}`", hint="wait until it finishes")
    folder, _, leaf = state.rpartition("/")
    taken = {*disk.entries(folder)}
    moved_to = next(name for number in count(1) if (name := f"{leaf}-unknown-{number}") not in taken)
    disk.rename(state, f"{folder}/{moved_to}")
    known.moved_to = f"{folder}/{moved_to}"
    disk.make_durable((), (folder,))
    disk.lacks["state"] = (
        f"{_not_yours(disk)} It is `{moved_to}` now, and this project begins a new history; delete that "
        "folder if nobody needs it"
    )


def _move_back(disk: Disk) -> None:
    if disk.known_states is not None and disk.known_states.moved_to:
        with suppress(AgentpackError):
            if disk.stamp(disk.canonical(STATE)) is None:
                disk.rename(disk.known_states.moved_to, disk.canonical(STATE))
                check_owner(disk)
        disk.known_states.moved_to = ""


def discard(disk: Disk, made: Iterable[str]) -> None:
    """Remove a state folder that this process created and did not use. The caller holds the lock.

    Files that another process adds meanwhile stay, with the folders around them.
    """
    with suppress(AgentpackError), _turn(disk):
        if disk.canonical(STATE) not in made or not _EMPTY.issuperset(disk.entries(STATE)):
            return
        if disk.rmdir(BLOBS) and disk.rmdir(GENERATIONS):
            name = (disk.read(ID) or b"").decode().strip()
            disk.unlink(IGNORE)
            disk.unlink(LOCK)
            if name:
                _unname(disk, name)
            _remove(disk, made)
            _move_back(disk)


def _remove(disk: Disk, made: Iterable[str]) -> None:
    with suppress(AgentpackError):
        for folder in reversed(tuple(made)):
            disk.rmdir(folder)
