"""How much is tried where more of the same is tried only for luck: lives, drawn examples, every damage of each file.

The README's command tries enough to notice what a change breaks; `AGENTPACK_THOROUGH=1` tries more,
and `AGENTPACK_NIGHTLY=1`, which the session `nightly` sets, tries all.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
NIGHTLY = os.environ.get("AGENTPACK_NIGHTLY") == "1"
THOROUGH = NIGHTLY or os.environ.get("AGENTPACK_THOROUGH") == "1"


def usually(number: int, *, thorough: int, nightly: int | None = None) -> int:
    """How many to try. Nightly as many as thorough, unless told."""
    if NIGHTLY:
        return thorough if nightly is None else nightly
    return thorough if THOROUGH else number


def sample(things: Sequence[T], first: int = 0) -> Sequence[T]:
    """Usually every third of the things, from the one with the number `first` on: for a long story of each client, all
    of which have shorter tests. Tests of one kind begin with another one each.
    """
    return things if THOROUGH else things[first::3]


def every(stride: int, things: Iterable[T], first: int) -> Iterator[T]:
    """One of so many things, from the one with the number `first` on, counted round."""
    return islice(things, first % stride, None, stride)
