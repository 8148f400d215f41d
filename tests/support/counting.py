"""Count the work of a call instead of taking its time."""

from collections.abc import Callable
from cProfile import Profile


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called in the course of it, those of libraries in C included.

    The counter is Python's own, in C: a function in Python that is told of each call takes three times as long.
    """
    counted = Profile()
    counted.runcall(work)
    return sum(row.callcount for row in counted.getstats())
