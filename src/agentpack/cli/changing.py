"""Verbs that change something, given what was asked as one value.

What the command-line library reads and what `plain.py` reads by itself end here, so that both do the same.
"""

from collections.abc import Callable
from dataclasses import replace

from agentpack.changes.conflicts import Conflicted
from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest as ChangeRequest
from agentpack.cli.outcomes import asking, finish
from agentpack.cli.present import Result
from agentpack.cli.session import Session
from agentpack.errors import UsageError
from agentpack.workspace.workspace import Workspace


def install(session: Session, request: ChangeRequest) -> Result:
    """What `agentpack install` does."""
    from agentpack.commands.install import install as operation

    return decided(session, request, operation)


def upgrade(session: Session, request: ChangeRequest) -> Result:
    """What `agentpack upgrade` does."""
    from agentpack.commands.upgrade import upgrade as operation  # not for `install`

    look = f"agentpack diff --upgrade{' --latest' if request.latest else ''}"
    confirm = None if request.yes else asking(session, look=look)
    return decided(session, replace(request, confirm=confirm), operation)


def decided(
    session: Session, request: ChangeRequest, operation: Callable[[Workspace, ChangeRequest], Outcome]
) -> Result:
    """What the verb comes to; with `--on-conflict edit` the user merges what stopped it, and it is run again."""
    edits = request.on_conflict == "edit"
    if not edits and request.on_conflict not in ("stop", "keep", "theirs"):
        raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`")
    if edits and request.partial:
        raise UsageError("`--on-conflict edit` excludes `--partial`")
    try:
        outcome = operation(session.workspace, request)
    except Conflicted as error:
        if not edits or request.dry_run:
            raise
        from agentpack.cli.editing import merged_by_user  # only for a conflict that is to be edited

        outcome = operation(session.workspace, replace(request, edited=merged_by_user(session, error)))
    return finish(session, outcome)
