"""Check that a transaction only touches files that agentpack manages, whoever wrote its rows.

Steps come from rows of locks and records, and a journal is read from disk: a hostile or damaged one can name any file.
`workspace/locations.py` decides which files agentpack manages. Here every path is checked against that, and the paths
of a journal against the records of its own generations.
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
    """Decides which paths a transaction may write and delete."""

    def holds(self, path: str) -> bool:
        """Whether agentpack may manage a file at this named path."""
        ...

    def may_contain(self, folder: str) -> bool:
        """Whether a folder can contain such files, directly or further down."""
        ...


class EveryPath:
    """Allows every file, for callers that built the steps themselves."""

    def holds(self, path: str) -> bool:
        """True."""
        return True

    def may_contain(self, folder: str) -> bool:
        """True."""
        return True


def refuse_step(disk: Disk, managed: ManagedPaths, path: str) -> None:
    """Raise Refused for a step whose file agentpack does not manage."""
    if not managed.holds(path):
        raise Refused(
            f"agentpack does not manage `{disk.absolute(path)}`; nothing was changed",
            details=("the lock or the history lists it, but no client reads agents there",),
            hint="restore `agentpack.lock` with git, or run `agentpack lock`",
        )


def refuse_journal(disk: Disk, store: Store, journal: Journal, managed: ManagedPaths, *, path: str) -> None:
    """Raise Refused for a journal that lists a file or folder which agentpack did not change.

    Args:
        journal: the notes of an interrupted change, from one generation to the next. Allowed are files that one of the
            two records and the folders above them.
        managed: the paths that agentpack may change at all.
        path: the path of the journal, for the message.
    """
    strange = list(dict.fromkeys(_strange(disk, store, journal, managed)))
    if strange:
        more = [f"and {len(strange) - _MOST_NAMED} more"] if len(strange) > _MOST_NAMED else []
        raise Refused(
            f"`{disk.absolute(path)}` lists files that agentpack does not manage; nothing was changed",
            details=(*(disk.absolute(name) for name in strange[:_MOST_NAMED]), *more),
            hint=f"agentpack did not write this record: delete `{disk.absolute(path)}`, then run `agentpack diff`",
        )


def _strange(disk: Disk, store: Store, journal: Journal, managed: ManagedPaths) -> Iterator[str]:
    named, on_the_way = _named(disk, store, journal), set[str]()
    for row in journal.rows:
        plain = disk.canonical(row.path)
        on_the_way.update(_above(plain))
        if not managed.holds(row.path) or (named is not None and plain.partition(BEHIND)[0] not in named):
            yield row.path
    for folder in (*journal.folders, *journal.made, *journal.leaving):
        if not managed.may_contain(folder) or (journal.rows and disk.canonical(folder) not in on_the_way):
            yield folder


def _above(path: str) -> Iterator[str]:
    """The folders around a path, including the scope's root."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _named(disk: Disk, store: Store, journal: Journal) -> set[str] | None:
    """The files of the generations a journal leads to, and of the one before; None if a record is missing or damaged,
    in which case the change can only be undone.
    """
    current = store.generations.current()
    if current >= journal.number:
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
        yield disk.canonical(file) if disk.has_root(file) else file
