"""agentpack rollback"""

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
        typer.Argument(metavar="[N]", min=0, help="Generation; 0 is before the first."),
    ] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Replace files that agentpack did not write.")] = False,
    dry_run: DryRun = False,
) -> Result:
    """Restore files, manifest and lock of an earlier generation, byte for byte: by default the one before the current.

    Rolling back makes a new generation, so it can be undone. Local edits that no generation has are recorded first. In
    a clone the first generation is what was found there, and nothing is before it.

    Example: agentpack rollback 3 --dry-run
    """
    return finish(session, run(session.workspace, number, dry_run=dry_run, adopt=adopt))
