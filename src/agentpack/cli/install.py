"""agentpack install"""

from typing import Annotated

import typer

from agentpack.cli.complete import complete_requirement
from agentpack.cli.options import (
    Accept,
    Adopt,
    Clients,
    DiscardEdits,
    DryRun,
    OnConflict,
    Partial,
    Session,
    Set,
    Strict,
    verb,
    verb_app,
)
from agentpack.cli.output import Result
from agentpack.errors import UsageError

app = verb_app()


@verb(app, "install")
def install(
    session: Session,
    requirements: Annotated[
        list[str],
        typer.Argument(
            metavar="REQUIREMENT...",
            help="A pack, with variants and a range if wanted.",
            autocompletion=complete_requirement,
        ),
    ],
    client: Clients = None,
    set_: Set = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="DIR", help="Add a folder of packs as a source.")
    ] = None,
    dry_run: DryRun = False,
    no_save: Annotated[bool, typer.Option("--no-save", hidden=True)] = False,
    adopt: Adopt = False,
    on_conflict: OnConflict = "stop",
    discard_edits: DiscardEdits = False,
    partial: Partial = False,
    accept: Accept = None,
    strict: Strict = False,
) -> Result:
    """Add packs to the manifest, resolve, lock, render, and write the files, all or nothing.

    A requirement is a pack's name, with variants in brackets and a range of versions: `name[variant,variant]>=1.1,<2`,
    `name@1.2`, `name@latest`.

    Example: agentpack install "python-engineer[strict-typing]>=1.1,<2" --client claude
    """
    if no_save:
        hint = "`agentpack render NAME` prints what would be written, and changes nothing"
        raise UsageError("`--no-save` was removed: the lock always says what was written", hint=hint)
    session.accept(accept, strict=strict)
    from agentpack.cli import change_commands  # not for `--help`

    request = change_commands.ChangeRequest(
        names=requirements,
        clients=client or (),
        settings=set_ or (),
        sources=source or (),
        dry_run=dry_run,
        adopt=adopt,
        on_conflict=on_conflict,
        discard_edits=discard_edits,
        partial=partial,
    )
    return change_commands.install(session, request)
