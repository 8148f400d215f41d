"""The options and the output of `agentpack lock`."""

from typing import Annotated

import typer

from agentpack.changes.request import ChangeRequest
from agentpack.cli.complete import complete_installed
from agentpack.cli.options import Accept, DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import finish, show_out_of_date
from agentpack.cli.output import Result
from agentpack.commands.sync import lock as run

app = verb_app()


@verb(app, "lock")
def lock(
    session: Session,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if the lock is out of date.")] = False,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Lock the newest release in range of every pack.")] = False,
    upgrade_pack: Annotated[
        list[str] | None,
        typer.Option(
            "--upgrade-pack",
            metavar="NAME",
            help="Lock the newest release in range of this pack (repeatable).",
            autocompletion=complete_installed,
        ),
    ] = None,
    dry_run: DryRun = False,
    accept: Accept = None,
) -> Result:
    """Resolve the manifest and write agentpack.lock, without changing agent files.

    Example: agentpack lock --upgrade-pack python-engineer
    """
    session.accept(accept)
    packs = None if upgrade else tuple(upgrade_pack or ())
    request = ChangeRequest(dry_run=dry_run or check, require_acceptance=not check)
    outcome = run(session.workspace, request, upgrade=packs)
    if check and outcome.documents:
        return show_out_of_date(session, outcome)
    result = finish(session, outcome)
    if outcome.documents and not outcome.dry_run:
        session.output.hint("`agentpack sync` brings the files up to date")
    return result
