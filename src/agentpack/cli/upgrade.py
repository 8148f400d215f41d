"""The options and the output of `agentpack upgrade`."""

from typing import Annotated

import typer

from agentpack.cli.complete import complete_installed
from agentpack.cli.options import (
    Accept,
    Adopt,
    DiscardEdits,
    DryRun,
    OnConflict,
    Partial,
    Session,
    Strict,
    Yes,
    verb,
    verb_app,
)
from agentpack.cli.output import Result
from agentpack.errors import Unavailable

app = verb_app()


@verb(app, "upgrade")
def upgrade(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these packs.", autocompletion=complete_installed),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only list newer releases; exit 1 if some are in range.")
    ] = False,
    latest: Annotated[
        bool, typer.Option("--latest", help="Ignore the version range, and update it in agentpack.yaml.")
    ] = False,
    adopt: Adopt = False,
    on_conflict: OnConflict = None,
    partial: Partial = False,
    discard_edits: DiscardEdits = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    accept: Accept = None,
    strict: Strict = False,
) -> Result:
    """Install the newest releases in range. Your edits are merged in. On a conflict, nothing is written and the
    conflict is shown.

    Example: agentpack upgrade --latest --yes
    """
    session.accept(accept, strict=strict)
    from agentpack.cli import change_commands  # not for `--help`

    request = change_commands.ChangeRequest(
        change_commands.decisions(session, on_conflict, adopt=adopt, discard_edits=discard_edits),
        names=names or (),
        latest=latest,
        require_acceptance=not check,
        yes=yes,
        dry_run=dry_run or check,
        partial=partial or check,
    )
    result = change_commands.upgrade(session, request)
    if check and not result.data["changed"] and (unreached := session.workspace.sources.unreached):
        hint = "try again later; packs from the other sources are up to date"
        raise Unavailable("some sources could not be reached", details=dict.fromkeys(unreached), hint=hint)
    return result
