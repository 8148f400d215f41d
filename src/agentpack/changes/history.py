"""The generations of a scope, oldest first."""

from typing import NamedTuple

from agentpack.errors import UsageError
from agentpack.model.history import Generation
from agentpack.workspace.workspace import Workspace


class History(NamedTuple):
    """The stored generations, oldest first, and the number of the current one."""

    current: int
    generations: tuple[Generation, ...]


def history(workspace: Workspace) -> History:
    """All stored generations."""
    workspace.consistency.recover_if_interrupted()
    generations = workspace.store.generations
    return History(current=generations.current(), generations=tuple(generations.read(n) for n in generations.numbers()))


def reaches_back(workspace: Workspace) -> bool:
    """Whether `rollback 0` can restore what was there before the first command in this checkout."""
    generations = workspace.store.generations
    return 1 in generations.numbers() and not generations.read(1).is_beginning


def generation(workspace: Workspace, number: int) -> Generation:
    """The generation with this number. Raises UsageError if it is not stored."""
    known = {one.number: one for one in history(workspace).generations}
    if number not in known:
        kept = ", ".join(map(str, known)) or "none yet"
        raise UsageError(f"there is no generation {number}", details=[f"kept: {kept}"])
    return known[number]
