"""Decide whether to finish or undo a transaction that an earlier process left unfinished, and do it.

Every step may itself be interrupted at any point and repeated: files are recognised by their contents, and the journal
is deleted last.
"""

from typing import Literal, NamedTuple

from agentpack.apply.managed import EveryPath, ManagedPaths, refuse_journal
from agentpack.apply.replay import TouchedFile, Unfinished, clear, forget, replay, tidy, undo
from agentpack.apply.signals import Signals
from agentpack.disk import Disk
from agentpack.errors import Refused, Unavailable
from agentpack.store import Store, layout
from agentpack.store.journal import Journal, decided, undecided
from agentpack.store.process_lock import is_locked

_MOST_NAMED = 10


class RecoveryResult(NamedTuple):
    """What recovery found and did.

    `outcome` is `cleared` (temporary files of an undecided change were deleted), `tidied` (a committed change only
    lacked its clean-up), `finished` or `undone` (a decided change). `changed` lists the files this changed, `left`
    files that somebody edited meanwhile and that stay as they are.
    """

    outcome: Literal["cleared", "tidied", "finished", "undone"]
    number: int
    changed: tuple[TouchedFile, ...] = ()
    left: tuple[str, ...] = ()


def interrupted(store: Store) -> Journal | None:
    """The decided change that waits to be finished while no process works on it; None if there is none. Changes
    nothing.
    """
    journal = decided(store.disk)
    waits = journal is not None and store.generations.current() < journal.number and not is_locked(store.disk)
    return journal if waits else None


def left_behind(disk: Disk, store: Store, managed: ManagedPaths | None) -> tuple[Journal | None, bool]:
    """The change an earlier process left unfinished, if any, and whether it was decided. Changes nothing.

    Raises:
        Refused: the journal is damaged, names unmanaged files, or a newer agentpack wrote it.
    """
    managed = managed or EveryPath()
    current = store.generations.current()
    if (journal := decided(disk)) is not None:
        store.generations.refuse_newer(max(current, 1), journal.number)
        refuse_journal(disk, store, journal, managed, path=layout.JOURNAL)
        return journal, True
    if (journal := undecided(disk)) is not None:
        store.generations.refuse_newer(current + 1, current + 2)  # a snapshot and the change itself
        refuse_journal(disk, store, journal, managed, path=layout.JOURNAL_NEW)
    return journal, False


def recover(disk: Disk, store: Store, managed: ManagedPaths | None = None) -> RecoveryResult | None:
    """Finish or undo what an earlier process left unfinished; None (at little cost) if there is nothing.

    The caller holds the process lock.

    Args:
        managed: the files a journal may name; any by default.

    Raises:
        Unfinished: the disk does not allow it now; it can be repeated.
        Refused: like `left_behind`.
    """
    store.forget()  # it may have been read before the lock was held
    journal, is_decided = left_behind(disk, store, managed)
    if journal is None:
        return None
    if not is_decided:
        with Signals("what an earlier command left behind was deleted"):
            gone = forget(disk, store, journal)
            return RecoveryResult("cleared", journal.number or store.generations.current() + 1, gone)
    with Signals("the interrupted change was finished or undone"):
        try:
            return _go_on(disk, store, journal)
        except Unavailable as error:
            raise unfinished(disk, journal, error) from error


def unfinished(disk: Disk, journal: Journal, error: Unavailable) -> Unfinished:
    """The error for an interrupted change that cannot be finished now, with its files and the reason."""
    rows = journal.rows[:_MOST_NAMED]
    more = [f"and {len(journal.rows) - len(rows)} more"] if len(journal.rows) > len(rows) else []
    return Unfinished(
        f"a change was interrupted and cannot be finished yet (generation {journal.number})",
        details=(error.message, *(f"{disk.absolute(row.path)} is part of it" for row in rows), *more),
        hint=error.hint,
    )


def _go_on(disk: Disk, store: Store, journal: Journal) -> RecoveryResult:
    if store.generations.current() >= journal.number:
        clear(disk, journal, made=False)
        disk.make_durable((), (layout.STATE,))
        tidy(disk, journal)
        return RecoveryResult("tidied", journal.number)
    store.blobs.include(journal.number)
    try:
        for number in range(store.generations.current() + 1, journal.number + 1):
            store.generations.read(number)
        done = replay(disk, store, journal, forward=True)
    except Refused:  # something that finishing needs is gone; nothing has changed yet
        return RecoveryResult("undone", journal.number, *undo(disk, store, journal))
    clear(disk, journal, made=False)
    pointer = store.generations.propose(journal.number)
    disk.make_durable((pointer,), ())
    store.generations.accept()
    disk.make_durable((), (layout.STATE,))
    tidy(disk, journal)
    store.forget()
    return RecoveryResult("finished", journal.number, *done)
