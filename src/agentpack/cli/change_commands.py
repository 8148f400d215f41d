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
        result = show_newer(session, outcome, f"agentpack upgrade{' --latest' if request.latest else ''}", look)
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
    """Run the operation. On a conflict the user is asked how to resolve it, unless an option says so or there is no
    terminal, and the operation runs again; with `--on-conflict edit` the user merges the texts before.
    """
    on_conflict = request.decisions.on_conflict
    if on_conflict not in ("stop", "keep", "theirs", "edit"):
        hint = "`keep` keeps your text where the two conflict, `theirs` takes the new text, `edit` opens an editor"
        raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`", hint=hint)
    if on_conflict == "edit" and request.partial:
        raise UsageError("`--on-conflict edit` cannot be used with `--partial`")
    try:
        return operation(session.workspace, request)
    except ConflictsFound as error:
        is_question = on_conflict == "stop"
        if request.dry_run or on_conflict in ("keep", "theirs") or (is_question and request.yes):
            raise
        if is_question:
            from agentpack.cli.conflicts import ask_how_to_resolve

            on_conflict = ask_how_to_resolve(session, error)
        decisions = request.decisions._replace(on_conflict=on_conflict)
        if on_conflict != "edit":
            return operation(session.workspace, request._replace(decisions=decisions))
        from agentpack.cli.merge_tool import merged_in_editor

        with merged_in_editor(session, error, shown=is_question) as edited:
            return operation(session.workspace, request._replace(decisions=decisions._replace(edited=edited)))
