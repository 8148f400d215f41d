"""A world in which it is always the same moment."""

from collections.abc import Mapping
from pathlib import Path

from agentpack.environment import Environment

MOMENT = "2026-11-23T10:00:00Z"


class FixedEnvironment(Environment):
    """An environment whose clock stands still and whose variables are the ones given."""

    __slots__ = ()

    def __new__(
        cls, home: Path, cwd: Path | None = None, *, variables: Mapping[str, str] | None = None, now: str = MOMENT
    ) -> "FixedEnvironment":
        return super().__new__(cls, str(home), str(cwd or home), variables or {}, lambda: now)
