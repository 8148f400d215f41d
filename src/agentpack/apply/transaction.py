"""A transaction from its first step to its last, in the order that docs/explanation/transactions.md explains.

Decides what an error means: before the decision everything is taken back, after it the change is undone, and once the
generation is committed nothing is worth an error, because the next command cleans up.
"""

from collections.abc import Callable, Iterable, Mapping

from agentpack.apply.managed import ManagedPaths
from agentpack.apply.replay import Unfinished, tidy, touched, undo
from agentpack.apply.signals import Signals
from agentpack.apply.staging import Snapshot, Staging, Step
from agentpack.disk import Disk
from agentpack.errors import AgentpackError, Unavailable
from agentpack.model.history import Generation
from agentpack.store import Store, layout
from agentpack.store.journal import Journal


def transact(
    disk: Disk,
    store: Store,
    *,
    steps: Iterable[Step],
    generation: Generation | Callable[[Mapping[str, int]], Generation],
    blobs: Iterable[bytes] = (),
    snapshot: Snapshot | None = None,
    managed: ManagedPaths | None = None,
) -> Generation:
    """Change all these files and commit the generation, or change nothing.

    The caller holds the process lock and has run recovery. Steps are consumed one at a time, so that their contents
    need not all be in memory. A generation that depends on the resulting modes is given as a function of path ->
    permission bits.

    Args:
        blobs: further contents to store, such as the pristine text of a merged file.
        snapshot: a generation to record just before this one; it gets the lower number.
        managed: the files that steps may name; any by default.

    Returns:
        The generation as recorded. It also lists the folders that were made, and in `replaced` each content that was
        removed and that the previous generation does not record at that path; such contents are stored.

    Raises:
        Refused: a link, folder or device is in the place of a file, a link leads out of a root, or a step names a
                file that is not managed.
        Unavailable: a file is not as its step expects, or the disk failed. The old state is kept.
        Unfinished: the disk failed, and so did undoing the change; the next command undoes or finishes it.
    """
    with Signals("the change was made already") as signals:
        staging = Staging(disk, store, snapshot, managed)
        signals.done = f"the change was made already: generation {staging.number}"
        try:
            staging.begin()
            for step in steps:
                signals.check()
                staging.add(step)
            recorded = staging.complete(generation, blobs)
            signals.check()
            staging.verify_unchanged()
            disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
        except BaseException:
            staging.abandon()
            raise
        journal = staging.journal
        try:
            disk.make_durable((), (layout.STATE,))  # decided: from here on a crash is finished by the next command
            staging.swap()
            disk.make_durable((), touched(journal.rows, journal.made))
            store.generations.accept()
        except AgentpackError as error:
            _take_back(disk, store, journal, error)
            raise
        _close(disk, journal)
        store.forget()
        return recorded


def _take_back(disk: Disk, store: Store, journal: Journal, error: AgentpackError) -> None:
    try:
        undo(disk, store, journal)
    except AgentpackError as second:
        raise Unfinished(
            "the change was interrupted; the next agentpack command finishes or undoes it",
            details=(error.message, second.message),
            hint=error.hint or second.hint,
        ) from error


def _close(disk: Disk, journal: Journal) -> None:
    """Finish a committed transaction. Nothing here can fail it: the journal marks it as committed until it is deleted.

    If the pointer cannot be synced, the journal stays, because a power cut could lose the pointer but not the journal.
    """
    try:
        disk.make_durable((), (layout.STATE,))
        tidy(disk, journal)
    except Unavailable:
        pass
