"""agentpack uninstall"""

from typing import Annotated

import typer

from agentpack.cli.complete import complete_installed
from agentpack.cli.options import DiscardEdits, DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import finish
from agentpack.cli.present import Result
from agentpack.operations.install import Options
from agentpack.operations.install import uninstall as run
from agentpack.plan import Decisions

app = verb_app()


@verb(app, "uninstall")
def uninstall(
    session: Session,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="A pack's name.", autocompletion=complete_installed)
    ],
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave the files there, unmanaged.")] = False,
    discard_edits: DiscardEdits = False,
    dry_run: DryRun = False,
) -> Result:
    """Take packs out of manifest, lock and disk, with what nothing else needs.

    A file that was edited by hand stops it: say whether the edit goes or the file stays. A manifest in which nothing
    is left but what agentpack wrote goes too.

    Example: agentpack uninstall python-engineer
    """
    decisions = Decisions(keep_files=keep_files, discard_edits=discard_edits)
    return finish(session, run(session.workspace, names, options=Options(decisions=decisions, dry_run=dry_run)))
