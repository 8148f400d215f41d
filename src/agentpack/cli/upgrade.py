"""agentpack upgrade"""

from dataclasses import replace
from typing import Annotated

import typer

from agentpack.cli.complete import complete_installed
from agentpack.cli.options import Accept, DiscardEdits, DryRun, Partial, Session, Yes, verb, verb_app
from agentpack.cli.outcomes import asking, finish
from agentpack.cli.present import Result
from agentpack.errors import UsageError
from agentpack.operations.carrying_out import Conflicted
from agentpack.operations.install import Options
from agentpack.operations.upgrade import upgrade as run
from agentpack.plan import Decisions

app = verb_app()


@verb(app, "upgrade")
def upgrade(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these packs.", autocompletion=complete_installed),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when something newer is there.")
    ] = False,
    latest: Annotated[bool, typer.Option("--latest", help="Past the range, which is rewritten.")] = False,
    on_conflict: Annotated[
        str,
        typer.Option(
            "--on-conflict", metavar="keep|theirs|edit", help="What wins where an edit and the new text collide."
        ),
    ] = "stop",
    partial: Partial = False,
    discard_edits: DiscardEdits = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    accept: Accept = None,
) -> Result:
    """Take the newest releases in range. What you edited is merged; a collision changes nothing and is shown.

    Example: agentpack upgrade --latest --yes
    """
    session.accept(accept)
    if on_conflict not in ("stop", "keep", "theirs", "edit"):
        raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`")
    options = Options(
        decisions=Decisions(on_conflict=on_conflict, discard_edits=discard_edits),
        dry_run=dry_run or check,
        partial=partial or check,
        stops=not check,
        confirm=None if dry_run or check else asking(session, yes=yes, question="Upgrade?"),
    )
    if on_conflict == "edit" and partial:
        raise UsageError("`--on-conflict edit` excludes `--partial`")
    try:
        outcome = run(session.workspace, names or (), latest=latest, options=options)
    except Conflicted as error:
        if on_conflict != "edit" or options.dry_run:
            raise
        from agentpack.cli.editing import merged_by_user  # only for a conflict that is to be edited

        decisions = replace(options.decisions, edited=merged_by_user(session, error))
        outcome = run(session.workspace, names or (), latest=latest, options=replace(options, decisions=decisions))
    result = finish(session, outcome)
    if check:
        return result._replace(exit_code=1 if outcome.changes_anything else 0)
    return result
