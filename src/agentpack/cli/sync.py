"""agentpack sync"""

from typing import Annotated

import typer

from agentpack.cli.options import Accept, DiscardEdits, DryRun, Partial, Session, verb, verb_app
from agentpack.cli.outcomes import finish
from agentpack.cli.present import Result
from agentpack.errors import UsageError
from agentpack.operations.install import Options
from agentpack.operations.sync import sync as run
from agentpack.plan import Decisions

app = verb_app()


@verb(app, "sync")
def sync(
    session: Session,
    locked: Annotated[bool, typer.Option("--locked", help="The lock must be what the manifest asks for.")] = False,
    frozen: Annotated[bool, typer.Option("--frozen", help="Take the lock as it is.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when something differs.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over files that agentpack did not write.")] = False,
    on_conflict: Annotated[
        str, typer.Option("--on-conflict", metavar="keep|theirs", help="What wins where an edit and new text collide.")
    ] = "stop",
    discard_edits: DiscardEdits = False,
    partial: Partial = False,
    dry_run: DryRun = False,
    accept: Accept = None,
) -> Result:
    """Make the disk equal manifest and lock. Local edits stay; with --locked or --frozen an edited file stops it.

    Example: agentpack sync --locked
    """
    session.accept(accept)
    if check:
        from agentpack.cli.diff import check_scope  # shares its answer with `diff`

        return check_scope(session)
    if locked and frozen:
        raise UsageError("`--locked` excludes `--frozen`")
    if on_conflict not in ("stop", "keep", "theirs"):
        raise UsageError("`--on-conflict` takes `keep` or `theirs`")
    decisions = Decisions(adopt=adopt, discard_edits=discard_edits, on_conflict=on_conflict)
    options = Options(decisions=decisions, dry_run=dry_run, partial=partial)
    return finish(session, run(session.workspace, locked=locked, frozen=frozen, options=options))
