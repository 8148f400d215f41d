"""What a transaction may touch, held against rows that anybody may have written.

Steps are made of the rows of locks and records, and a journal is read from the disk: a hostile or damaged one can name
any file. Which files agentpack manages is decided in `workspace/locations.py`; here every path is held against that,
and those of a journal against the records of its own generations.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from agentpack.disk import Disk
from agentpack.disk.folders import BEHIND
from agentpack.errors import Refused
from agentpack.store import Store
from agentpack.store.journal import Journal

_MOST_NAMED = 10


class ManagedPaths(Protocol):
    """Says which files agentpack manages."""

    def holds(self, path: str) -> bool:
        """Whether a file of agentpack's can be at this named path."""
        ...

    def leads(self, folder: str) -> bool:
        """Whether a folder is one for such files, or on the way to one."""
        ...


class EveryPath:
    """Manages every file: for who knows what the steps are."""

    def holds(self, path: str) -> bool:
        """True."""
        return True

    def leads(self, folder: str) -> bool:
        """True."""
        return True


def refuse_step(disk: Disk, managed: ManagedPaths, path: str) -> None:
    """Raise Refused for a step whose file agentpack does not manage."""
    if not managed.holds(path):
        raise Refused(
            f"`{disk.where(path)}` is not a file that agentpack manages; nothing was changed",
            details=("the lock or the history lists it, and no client reads agents there",),
            hint="restore `agentpack.lock` with git, or run `agentpack lock`",
        )


def refuse_journal(disk: Disk, store: Store, journal: Journal, managed: ManagedPaths, *, path: str) -> None:
    """Raise Refused for notes that name something else than files of their generations and folders on the way to them.

    Args:
        path: where the notes are.
    """
    strange = list(dict.fromkeys(_strange(disk, store, journal, managed)))
    if strange:
        more = [f"and {len(strange) - _MOST_NAMED} more"] if len(strange) > _MOST_NAMED else []
        raise Refused(
            f"`{disk.where(path)}` lists files that agentpack does not manage; nothing was changed",
            details=(*(disk.where(name) for name in strange[:_MOST_NAMED]), *more),
            hint=f"agentpack did not write these notes: delete `{disk.where(path)}`, then run `agentpack diff`",
        )


def _strange(disk: Disk, store: Store, journal: Journal, managed: ManagedPaths) -> Iterator[str]:
    named, on_the_way = _named(disk, store, journal), set[str]()
    for row in journal.rows:
        plain = disk.plain(row.path)
        on_the_way.update(_above(plain))
        if not managed.holds(row.path) or (named is not None and plain.partition(BEHIND)[0] not in named):
            yield row.path
    for folder in (*journal.folders, *journal.made, *journal.leaving):
        if not managed.leads(folder) or (journal.rows and disk.plain(folder) not in on_the_way):
            yield folder


def _above(path: str) -> Iterator[str]:
    """The folders around a path, the scope's root among them."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _named(disk: Disk, store: Store, journal: Journal) -> set[str] | None:
    """The files of the generations that a journal leads to, and of the one before them; None where a record is gone or
    damaged: then the change can only be undone.
    """
    current = store.generations.current()
    if not journal.rows or current >= journal.number:
        return None
    found: set[str] = set()
    try:
        for number in range(max(current, 1), journal.number + 1):
            found.update(_plain(disk, store.generations.read(number).paths))
    except Refused:
        return None
    return found


def _plain(disk: Disk, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        file = path.partition("#")[0]
        yield disk.plain(file) if disk.knows(file) else file
