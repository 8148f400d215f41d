"""Consistent reads and exclusive changes of a scope that other processes may change too.

Work starts without the process lock, so that a command that changes nothing also runs on a read-only disk. If another
process changed something meanwhile, the work is repeated with the lock held from the start.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from agentpack.apply import RecoveryResult, Unfinished, interrupted, recover, unfinished
from agentpack.disk import Disk
from agentpack.environment import Scope
from agentpack.errors import AgentpackError, Unavailable
from agentpack.store import Store, layout
from agentpack.store.process_lock import is_locked, process_lock
from agentpack.workspace.locations import ManagedPlaces

_T = TypeVar("_T")


class _ChangedMeanwhile(Exception):
    """Another process changed the scope during the work: repeat it with the lock held."""


class Consistency:
    """Runs the work of one command against one consistent state of the files."""

    def __init__(
        self, disk: Disk, store: Store, scope: Scope, managed: Callable[[], ManagedPlaces], forget: Callable[[], None]
    ) -> None:
        """`managed` returns the files that may be written and deleted; `forget` drops cached reads."""
        self._disk, self._store, self._managed, self._forget = disk, store, managed, forget
        self._documents = (layout.CURRENT, scope.manifest, scope.lock)
        self.recovered: RecoveryResult | None = None
        """The interrupted change that was found, and what became of it."""
        self.recovery_checked = False
        """Whether this command has looked for an interrupted change."""
        self._held = ExitStack()
        self._holds_lock = False
        self._fingerprint_before: object = None

    def changing(self, work: Callable[[], _T]) -> _T:
        """Recover from an interrupted change, then run `work` on one consistent state. Returns its result.

        The work calls `take_lock` before its first write.

        Raises:
            Unavailable: another process holds the lock for too long.
        """
        self.recover_if_interrupted()
        self._forget()
        return self._on_one_snapshot(work)

    def read_consistently(self, look: Callable[[], _T]) -> _T:
        """Run `look` against a consistent snapshot: retry under the lock if another process changed files meanwhile.

        Raises:
            Unavailable: another process holds the lock for too long.
        """
        self.recover_if_interrupted()
        return self._on_one_snapshot(look)

    def take_lock(self) -> None:
        """Keep other processes from changing this scope until the command ends.

        Raises:
            Unavailable: another process holds the lock for too long, or the lock cannot be created here.
        """
        if not self._holds_lock:
            self._hold_lock()
            self._store.blobs.forget()
            left = (layout.JOURNAL_NEW, layout.JOURNAL)
            if (
                any(self._disk.stamp(path) is not None for path in left)
                or self._fingerprint() != self._fingerprint_before
            ):
                raise _ChangedMeanwhile

    def recover_if_interrupted(self) -> None:
        """Finish or undo an interrupted change and remove left-over files; for commands that only read."""
        self.recovery_checked = True
        left = (layout.JOURNAL_NEW, layout.JOURNAL, layout.IGNORE_NEW)
        if not any(self._disk.stamp(path) is not None for path in left) or is_locked(self._disk):
            return
        waiting = interrupted(self._store)
        try:
            with process_lock(self._disk):
                self._recover()
        except Unfinished:
            raise
        except Unavailable as error:
            if waiting is not None:  # temporary files take_lock keep nobody from reading
                raise unfinished(self._disk, waiting, error) from error

    @property
    def unfinished(self) -> int:
        """The generation that an interrupted command left half written and this command has not yet tried to finish; 0
        if there is none.
        """
        if self.recovery_checked or self._disk.stamp(layout.JOURNAL) is None:
            return 0
        try:
            waiting = interrupted(self._store)
        except AgentpackError:  # damaged: for the command that wants to finish it
            return 0
        return waiting.number if waiting else 0

    def _on_one_snapshot(self, work: Callable[[], _T]) -> _T:
        with ExitStack() as self._held:
            try:
                return self._without_lock(work)
            except _ChangedMeanwhile:
                self._hold_lock()
                self._recover()
                return work()
            finally:
                self._holds_lock = False

    def _without_lock(self, work: Callable[[], _T]) -> _T:
        """The result of the work, run without the lock. Raises _ChangedMeanwhile if the files changed during it."""
        self._fingerprint_before = self._fingerprint()
        if self._fingerprint_before is None:
            raise _ChangedMeanwhile
        try:
            found = work()
        except _ChangedMeanwhile:
            raise
        except Exception:  # half a state can look like any fault, and what is being staged like files of others
            is_staging = self._disk.stamp(layout.JOURNAL_NEW) is not None and is_locked(self._disk)
            if self._holds_lock or (self._fingerprint() == self._fingerprint_before and not is_staging):
                raise
            raise _ChangedMeanwhile from None
        if self._holds_lock or self._fingerprint() == self._fingerprint_before:
            return found
        raise _ChangedMeanwhile

    def _hold_lock(self) -> None:
        if not self._holds_lock:
            self._held.enter_context(process_lock(self._disk))
            self._holds_lock = True

    def _fingerprint(self) -> object:
        """A value that differs whenever files changed; None while a process is changing them."""
        disk = self._disk
        if disk.stamp(layout.JOURNAL) is not None and is_locked(disk):
            return None
        return (*map(disk.stamp, self._documents), disk.entries(layout.GENERATIONS))

    def _recover(self) -> None:
        self.recovered = recover(self._disk, self._store, self._managed()) or self.recovered
        self._forget()
