"""The options and the output of `agentpack sync`."""

from typing import Annotated

import typer

from agentpack.cli.options import (
    Accept,
    Adopt,
    DiscardEdits,
    DryRun,
    OnConflict,
    Partial,
    Session,
    Strict,
    verb,
    verb_app,
)
from agentpack.cli.output import Result
from agentpack.errors import UsageError

FORMATS = ("text", "junit")
app = verb_app()


@verb(app, "sync")
def sync(
    session: Session,
    locked: Annotated[bool, typer.Option("--locked", help="Fail unless the lock matches the manifest.")] = False,
    frozen: Annotated[bool, typer.Option("--frozen", help="Like --locked, but works without a manifest.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if something differs.")] = False,
    format: Annotated[
        str,
        typer.Option("--format", metavar="text|junit", help="With --check: junit prints a report of tests."),
    ] = "text",
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="PLACE",
            help="With --locked or --frozen: look for locked releases in this bundle, archive or folder first.",
        ),
    ] = None,
    adopt: Adopt = False,
    on_conflict: OnConflict = None,
    discard_edits: DiscardEdits = False,
    partial: Partial = False,
    dry_run: DryRun = False,
    accept: Accept = None,
    strict: Strict = False,
) -> Result:
    """Make installed files match the manifest and lock. Local edits are kept, but with --locked or --frozen they are an
    error.

    Example: agentpack sync --locked
    """
    session.accept(accept, strict=strict)
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", hint=f"`--format` takes {', '.join(FORMATS)}")
    if format != "text" and not check:
        raise UsageError("`--format` goes with `--check`", hint=f"`agentpack sync --check --format {format}`")
    if check:
        from agentpack.cli.diff import check_scope  # shares its answer with `diff`

        return check_scope(session, format, as_locked=locked or frozen)
    if locked and frozen:
        raise UsageError("`--locked` cannot be used with `--frozen`")
    if source and not (locked or frozen):
        raise UsageError(
            "`sync --source` needs `--locked` or `--frozen`", hint="`agentpack install --source` adds a source"
        )
    from agentpack.cli import change_commands  # not for `--help`

    request = change_commands.ChangeRequest(
        change_commands.decisions(session, on_conflict, adopt=adopt, discard_edits=discard_edits),
        locked=locked,
        frozen=frozen,
        sources=(source,) if source else (),
        dry_run=dry_run,
        partial=partial,
    )
    return change_commands.sync(session, request)
