"""Commands that change something, given one `ChangeRequest`.

Calls parsed by the command-line library and calls parsed by `quick_args.py` both end here, so that they do the same.
"""

from collections.abc import Callable

from agentpack.changes.conflicts import ConflictsFound
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions as Decisions
from agentpack.changes.request import ChangeRequest as ChangeRequest
from agentpack.cli.outcomes import Confirmation, finish, news_data, news_of, show_newer
from agentpack.cli.output import Result
from agentpack.cli.session import Session
from agentpack.errors import UsageError
from agentpack.workspace.workspace import Workspace


def install(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack install`."""
    from agentpack.commands.install import install as operation

    return finish(session, changed(session, request, operation))


def upgrade(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack upgrade`."""
    from agentpack.commands.upgrade import upgrade as operation  # not for `install`

    look = f"agentpack diff --upgrade{' --latest' if request.latest else ''}"
    confirm = None if request.yes else Confirmation(session, look)
    outcome = changed(session, request._replace(confirm=confirm), operation)
    if not request.require_acceptance:
        result = show_newer(session, outcome)
        return result._replace(data={**result.data, "news": []})
    news = news_of(session, outcome) if request.dry_run else {}  # `--yes` is for programs, which do not read it
    result = finish(session, outcome, news, shown=confirm is not None and confirm.shown)
    return result._replace(data={**result.data, "news": news_data(news)})


def sync(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack sync`."""
    from agentpack.commands.sync import sync as operation

    return finish(session, changed(session, request, operation))


def changed(
    session: Session, request: ChangeRequest, operation: Callable[[Workspace, ChangeRequest], Outcome]
) -> Outcome:
    """Run the operation; with `--on-conflict edit` the user merges the conflicts, and it runs again."""
    edits = request.decisions.on_conflict == "edit"
    if not edits and request.decisions.on_conflict not in ("stop", "keep", "theirs"):
        raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`")
    if edits and request.partial:
        raise UsageError("`--on-conflict edit` cannot be used with `--partial`")
    try:
        return operation(session.workspace, request)
    except ConflictsFound as error:
        if not edits or request.dry_run:
            raise
        from agentpack.cli.merge_tool import merge_in_editor  # only for a conflict that is to be edited

        decisions = request.decisions._replace(edited=merge_in_editor(session, error))
        return operation(session.workspace, request._replace(decisions=decisions))
