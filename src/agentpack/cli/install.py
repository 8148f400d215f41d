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
        list[str] | None,
        typer.Argument(
            metavar="[REQUIREMENT|PLACE]...",
            help="A pack, with variants and a range if wanted; or a place: a folder, an archive, a git repository.",
            autocompletion=complete_requirement,
        ),
    ] = None,
    client: Clients = None,
    set_: Set = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="PARAMETER", help="Go back to the parameter's default; repeat it."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="PLACE", help="Add a place, and take the packs from there."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="AGENT", help="Only these agents: `a,b`, or repeat it.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="AGENT", help="All agents but these: `a,b`, or repeat it.")
    ] = None,
    as_: Annotated[
        list[str] | None, typer.Option("--as", metavar="OLD=NEW", help="Give an agent another name; repeat it.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every pack of a place, and every agent of a pack.")] = False,
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
    `name@1.2`, `name@latest`. A place is a folder or an archive, written with a slash (`./agents`, `packs.tar.gz`), an
    address of an archive, or a git repository: `github:owner/repo`, `git+https://…`, with `@REF` for a branch or tag.

    Example: agentpack install "python-engineer[strict-typing]>=1.1,<2" --client claude
    """
    if no_save:
        hint = "`agentpack render NAME` prints what would be written, and changes nothing"
        raise UsageError("`--no-save` was removed: the lock always says what was written", hint=hint)
    if not requirements and not source:
        hint = "`agentpack search` lists packs; `agentpack install ./DIR` takes the agents of a folder"
        raise UsageError("say what to install: a pack's name, or a place", hint=hint)
    session.accept(accept, strict=strict)
    from agentpack.cli import change_commands  # not for `--help`

    request = change_commands.ChangeRequest(
        names=requirements or (),
        only=_listed(only),
        without=_listed(without),
        renames=as_ or (),
        everything=all_,
        clients=client or (),
        settings=set_ or (),
        unset=_listed(unset),
        sources=source or (),
        dry_run=dry_run,
        adopt=adopt,
        on_conflict=on_conflict,
        discard_edits=discard_edits,
        partial=partial,
    )
    return change_commands.install(session, request)


def _listed(texts: list[str] | None) -> list[str]:
    """The names in the values of an option, each of which may be a list with commas."""
    return [name.strip() for text in texts or () for name in text.split(",") if name.strip()]
