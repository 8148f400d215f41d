"""What all remote sources of a command share: the cache, whether the network may be used, who is told of progress."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from time import monotonic
from typing import Protocol, TypeVar, cast

from agentpack.errors import AgentpackError, Unavailable, UsageError
from agentpack.remote.cache import ContentCache

_T = TypeVar("_T")

TIMEOUT_VARIABLE = "AGENTPACK_TIMEOUT"
TIMEOUT = 30.0
"""Seconds without an answer before a place counts as unreachable."""
PATIENCE = 4
"""How many times the time-out one command may lose on several sources; others are not asked then."""
OFFLINE_VARIABLE = "AGENTPACK_OFFLINE"


class Advance(Protocol):
    """Reports how far a task is: parts done, and how many there are if that is known."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


Progress = Callable[[str], AbstractContextManager[Advance]]
"""Shows a task that may take long, while its context lasts."""


def _silent(_: str) -> AbstractContextManager[Advance]:
    return nullcontext(lambda done, total=None: None)


class Remote:
    """How one command reaches other machines."""

    def __init__(self, folder: str, variables: Mapping[str, str]) -> None:
        """`folder` is agentpack's cache folder."""
        self.folder = folder
        self.variables = variables
        self.offline = variables.get(OFFLINE_VARIABLE, "") not in ("", "0")
        self.recalls = False
        """Whether repositories answer with the branches and tags that they had when they were last asked."""
        self._made: dict[str, object] = {}
        self._lost: dict[str, float] = {}
        self.progress: Progress = _silent
        """Called with the name of a task that may take long; its context reports how far the task is."""

        self.judge: Callable[[str, str], None] = lambda source, place: None
        """Called with the name of a source and its address before that is asked; it may raise."""

    @cached_property
    def cache(self) -> ContentCache:
        """The cache of this user."""
        return ContentCache(f"{self.folder}/content")

    def once(self, key: str, make: Callable[[], _T]) -> _T:
        """The value under a key, made when it is first asked for: whatever is to exist once in a command."""
        if key not in self._made:
            self._made[key] = make()
        return cast(_T, self._made[key])

    @contextmanager
    def waiting(self, source: str) -> Iterator[None]:
        """Context of one conversation with a source. The time of one that fails counts as lost."""
        start = monotonic()
        try:
            yield
        except AgentpackError:
            self._lost[source] = self._lost.get(source, 0.0) + monotonic() - start
            raise

    @property
    def timeout(self) -> float:
        """Seconds without an answer before a place counts as unreachable. Raises UsageError for a bad setting."""
        text = self.variables.get(TIMEOUT_VARIABLE, "")
        try:
            seconds = float(text) if text else TIMEOUT
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= 3600:
            raise UsageError(f"{TIMEOUT_VARIABLE}={text} is not a number of seconds from 0 to 3600")
        return seconds

    def go_online(self, source: str, place: str) -> None:
        """Raise Unavailable if the network must not be used, or what `judge` raises.

        Args:
            source: the name of the source that needs it.
            place: its address, for people.
        """
        if self.offline:
            raise Unavailable(
                f"the source `{source}` is needed, and `--offline` or {OFFLINE_VARIABLE} is set",
                details=[f"it is at {place}, and the cache does not have what is needed"],
                hint="run the command once with a network, or install from a bundle of this lock file: "
                "`agentpack sync --frozen --source BUNDLE`",
            )
        lost = sum(self._lost.values())
        if len(self._lost) > 1 and lost > PATIENCE * self.timeout:
            raise Unavailable(
                f"skipped the source `{source}`: waited {lost:,.0f} seconds for other sources without an answer",
                details=[f"it is at {place}"],
                hint=f"try again later, or wait longer with `{TIMEOUT_VARIABLE}=120`",
            )
        self.judge(source, place)
