"""Verbs that change something, as functions of plain values.

What the command-line library reads and what `plain.py` reads by itself end here, so that both do the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agentpack.changes.conflicts import Conflicted
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions
from agentpack.changes.request import Options
from agentpack.cli.outcomes import asking, finish
from agentpack.cli.present import Result
from agentpack.cli.session import Session
from agentpack.errors import UsageError


def install(
    session: Session,
    requirements: Sequence[str],
    *,
    clients: Sequence[str] = (),
    settings: Sequence[str] = (),
    sources: Sequence[str] = (),
    dry_run: bool = False,
    adopt: bool = False,
    on_conflict: str = "stop",
    discard_edits: bool = False,
    partial: bool = False,
) -> Result:
    """What `agentpack install` does."""
    from agentpack.operations.install import install as operation

    options = Options(decisions=_decisions(adopt, on_conflict, discard_edits), dry_run=dry_run, partial=partial)
    outcome = _deciding(
        session,
        options,
        lambda options: operation(
            session.workspace, requirements, clients=clients, settings=settings, sources=sources, options=options
        ),
    )
    return finish(session, outcome)


def upgrade(
    session: Session,
    names: Sequence[str],
    *,
    latest: bool = False,
    check: bool = False,
    yes: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
    on_conflict: str = "stop",
    discard_edits: bool = False,
    partial: bool = False,
) -> Result:
    """What `agentpack upgrade` does."""
    from agentpack.operations.upgrade import upgrade as operation  # not for `install`

    look = f"agentpack diff --upgrade{' --latest' if latest else ''}"
    options = Options(
        decisions=_decisions(adopt, on_conflict, discard_edits),
        dry_run=dry_run or check,
        partial=partial or check,
        stops=not check,
        confirm=None if dry_run or check else asking(session, yes=yes, question="Upgrade?", look=look),
    )
    outcome = _deciding(
        session, options, lambda options: operation(session.workspace, names, latest=latest, options=options)
    )
    result = finish(session, outcome)
    return result._replace(exit_code=1 if outcome.changes_anything else 0) if check else result


def sync(
    session: Session,
    *,
    locked: bool = False,
    frozen: bool = False,
    dry_run: bool = False,
    adopt: bool = False,
    on_conflict: str = "stop",
    discard_edits: bool = False,
    partial: bool = False,
) -> Result:
    """What `agentpack sync` does without `--check`."""
    from agentpack.operations.sync import sync as operation

    options = Options(decisions=_decisions(adopt, on_conflict, discard_edits), dry_run=dry_run, partial=partial)
    outcome = _deciding(
        session, options, lambda options: operation(session.workspace, locked=locked, frozen=frozen, options=options)
    )
    return finish(session, outcome)


def _decisions(adopt: bool, on_conflict: str, discard_edits: bool) -> Decisions:
    if on_conflict not in ("stop", "keep", "theirs", "edit"):
        raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`")
    return Decisions(adopt=adopt, on_conflict=on_conflict, discard_edits=discard_edits)


def _deciding(session: Session, options: Options, run: Callable[[Options], Outcome]) -> Outcome:
    """What the verb comes to; with `--on-conflict edit` the user merges what stopped it, and it is run again."""
    on_conflict = options.decisions.on_conflict
    if on_conflict == "edit" and options.partial:
        raise UsageError("`--on-conflict edit` excludes `--partial`")
    try:
        return run(options)
    except Conflicted as error:
        if on_conflict != "edit" or options.dry_run:
            raise
        from agentpack.cli.editing import merged_by_user  # only for a conflict that is to be edited

        decisions = replace(options.decisions, edited=merged_by_user(session, error))
        return run(replace(options, decisions=decisions))
