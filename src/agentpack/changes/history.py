"""The generations of a scope: the states that it was in, oldest first."""

from dataclasses import dataclass

from agentpack.errors import UsageError
from agentpack.model.history import Generation
from agentpack.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The generations kept, oldest first, and the number of the one that counts."""

    current: int
    generations: tuple[Generation, ...]


def history(workspace: Workspace) -> History:
    """Every generation that is kept."""
    workspace.consistency.recover_if_interrupted()
    generations = workspace.store.generations
    return History(current=generations.current(), generations=tuple(generations.read(n) for n in generations.numbers()))


def generation(workspace: Workspace, number: int) -> Generation:
    """One generation. Raises UsageError when it is not kept."""
    known = {one.number: one for one in history(workspace).generations}
    if number not in known:
        kept = ", ".join(map(str, known)) or "none yet"
        raise UsageError(f"there is no generation {number}", details=[f"kept: {kept}"])
    return known[number]
