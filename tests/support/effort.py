"""How much is tried where more of the same is tried only for luck: lives, drawn examples, every damage of each file.

The README's command tries enough to notice what a change breaks; `AGENTPACK_THOROUGH=1`, which `.ci/run` sets, tries
all.
"""

import os

THOROUGH = os.environ.get("AGENTPACK_THOROUGH") == "1"


def usually(number: int, *, thorough: int) -> int:
    """How many to try."""
    return thorough if THOROUGH else number
