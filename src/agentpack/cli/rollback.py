"""The options and the output of `agentpack rollback`."""

from typing import Annotated

import typer

from agentpack.cli.options import DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import finish
from agentpack.cli.output import Result
from agentpack.commands.rollback import rollback as run

app = verb_app()


@verb(app, "rollback")
def rollback(
    session: Session,
    number: Annotated[
        int | None,
        typer.Argument(metavar="[N]", min=0, help="The generation to restore; 0 is the state before the first."),
    ] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Replace files that agentpack did not write.")] = False,
    dry_run: DryRun = False,
) -> Result:
    """Restore the files, manifest and lock of an earlier generation, byte for byte (default: the previous one).

    A rollback is a new generation, so it can be undone. Unrecorded local edits are recorded first. In a clone, the
    first generation is what was found there; you cannot go back further.

    Example: agentpack rollback 3 --dry-run
    """
    return finish(session, run(session.workspace, number, dry_run=dry_run, adopt=adopt))
