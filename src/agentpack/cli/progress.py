"""A line on the terminal for each task that takes longer than half a second: what is done, and how much of it.

Rich is loaded when the first line is shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING

from agentpack.cli.output import safe

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from agentpack.remote.access import Advance

_DELAY = 0.5


class ProgressLines:
    """The lines of one command. Tasks may run at once, in any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[_Task, TaskID] = {}
        self._shown: Progress | None = None

    @contextmanager
    def __call__(self, what: str) -> Iterator["Advance"]:
        """Run a task; call what the context gives with the parts that are done, and their number if it is known."""
        task = _Task(what)
        timer = Timer(_DELAY, self._show, [task])
        timer.daemon = True
        timer.start()
        try:
            yield lambda done, total=None: self._advance(task, done, total)
        finally:
            timer.cancel()
            self._hide(task)

    def _advance(self, task: "_Task", done: int, total: int | None) -> None:
        task.done, task.total = done, total
        with self._lock:
            if self._shown is not None and task in self._running:
                self._shown.update(self._running[task], completed=done, total=total)

    def _show(self, task: "_Task") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        with self._lock:
            if task.over:
                return
            if self._shown is None:
                self._shown = Progress(
                    *(SpinnerColumn("line"), TextColumn("{task.description}", markup=False), BarColumn()),
                    *(TaskProgressColumn(), TimeElapsedColumn()),
                    console=Console(stderr=True),
                    transient=True,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._shown.start()
            self._running[task] = self._shown.add_task(safe(task.what), completed=task.done, total=task.total)

    def _hide(self, task: "_Task") -> None:
        with self._lock:
            task.over = True
            if self._shown is not None and (row := self._running.pop(task, None)) is not None:
                self._shown.remove_task(row)
                if not self._running:
                    self._shown.stop()
                    self._shown = None


class _Task:
    """One piece of work whose progress is shown: `done` of `total` units, None if the total is unknown."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.done = 0
        self.total: int | None = None
        self.over = False
