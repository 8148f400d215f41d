"""Change files all together or not at all, whatever interrupts.

    transact     steps + generation -> the disk changed and the generation current, or nothing changed and an error
    recover      finish or undo what an earlier process left in the middle: the first act of every command that writes
    interrupted  what there is to recover, for commands that only read
    left_behind  the same with what was not decided yet, and refused where `recover` would refuse it

The caller holds the process lock around `recover` and `transact`. Which files change is decided in `plan`; here it is
only checked that each is still as planned. docs/explanation/transactions.md explains the order of writes.
"""

from agentpack.apply.recovery import RecoveryResult, interrupted, left_behind, recover, unfinished
from agentpack.apply.replay import Unfinished
from agentpack.apply.staging import Snapshot, Step, changed_meanwhile
from agentpack.apply.transaction import transact

__all__ = [
    "RecoveryResult",
    "Snapshot",
    "Step",
    "Unfinished",
    "changed_meanwhile",
    "interrupted",
    "left_behind",
    "recover",
    "transact",
    "unfinished",
]
