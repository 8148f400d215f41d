"""The options and the output of `agentpack uninstall`."""

from typing import Annotated

import typer

from agentpack.changes.plan import Decisions
from agentpack.changes.request import ChangeRequest
from agentpack.cli.complete import complete_client, complete_installed
from agentpack.cli.options import Accept, DiscardEdits, DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import finish
from agentpack.cli.output import Result
from agentpack.commands.uninstall import uninstall as run
from agentpack.errors import UsageError

app = verb_app()


@verb(app, "uninstall")
def uninstall(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="A pack's name, or NAME[VARIANT].",
            autocompletion=complete_installed,
            show_default=False,
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Remove every installed pack.")] = False,
    client: Annotated[
        list[str] | None,
        typer.Option(
            "--client",
            "-c",
            metavar="CLIENT",
            help="Remove only this client's files (repeatable).",
            autocompletion=complete_client,
        ),
    ] = None,
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave the files on disk, unmanaged.")] = False,
    discard_edits: DiscardEdits = False,
    dry_run: DryRun = False,
    accept: Accept = None,
) -> Result:
    """Remove packs from the manifest, lock and disk, and the packs and files that nothing else needs.

    `NAME[VARIANT]` removes only that variant and keeps the pack. `--client` removes only that client's files: of the
    named packs, or of all packs if none is named. If a file was edited by hand, nothing is removed until you choose to
    discard the edit or keep the file. A manifest that has nothing of yours left in it is deleted too.

    Example: agentpack uninstall python-engineer --client codex
    """
    if all_ and names:
        raise UsageError("`--all` removes every pack and takes no names")
    if not names and not client and not all_:
        hint = "`agentpack uninstall NAME`, or `--all`; `--client CLIENT` removes one client's files of all packs"
        raise UsageError("say what to uninstall", hint=hint)
    session.accept(accept)
    request = ChangeRequest(
        Decisions(keep_files=keep_files, discard_edits=discard_edits),
        names=names or (),
        everything=all_,
        clients=client or (),
        dry_run=dry_run,
    )
    return finish(session, run(session.workspace, request))
