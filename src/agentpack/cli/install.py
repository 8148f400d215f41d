"""The options and the output of `agentpack install`."""

from collections.abc import Sequence
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
from agentpack.model.names import first_few

app = verb_app()
_RENDER = "`agentpack render NAME` prints what would be written, and changes nothing"


@verb(app, "install")
def install(
    session: Session,
    requirements: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REQUIREMENT|PLACE]...",
            help="A pack name with optional variants and version range; or a folder, an archive or a git repository.",
            autocompletion=complete_requirement,
        ),
    ] = None,
    client: Clients = None,
    set_: Set = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="PARAMETER", help="Reset a parameter to its default (repeatable)."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", metavar="PLACE", help="Install the packs from this place, or from the source of this name."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="AGENT", help="Install only these agents (`a,b`; repeatable)."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="AGENT", help="Leave these agents out (`a,b`; repeatable)."),
    ] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="OLD=NEW", help="Install an agent under another name (repeatable)."),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Install every pack of a place, and every agent of a pack.")
    ] = False,
    dry_run: DryRun = False,
    no_save: Annotated[bool, typer.Option("--no-save", hidden=True)] = False,
    adopt: Adopt = False,
    on_conflict: OnConflict = None,
    discard_edits: DiscardEdits = False,
    partial: Partial = False,
    accept: Accept = None,
    strict: Strict = False,
) -> Result:
    """Install packs: add them to the manifest, lock their versions and write the files, or change nothing on an error.

    A requirement is a pack's name, optionally with variants in brackets and a version range:
    `name[variant,variant]>=1.1,<2`, `name@1.2`, `name@latest`. A place is a folder (`./agents`), an archive
    (`packs.tar.gz` or its URL) or a git repository: `github:owner/repo`, `git+https://…`, with `@REF` for a branch or
    tag. Without `--client`, the agents are installed for the clients that agentpack.yaml lists; at the first install,
    for those with a folder in the project (or your home folder), or else for Claude Code.

    Example: agentpack install "python-engineer[strict-typing]>=1.1,<2" --client claude
    """
    if no_save:
        raise UsageError("`--no-save` was removed: the lock always records what was written", hint=_RENDER)
    if not requirements and not source:
        raise UsageError(
            "say what to install: a pack's name, or a place", hint=_what_there_is(session, client or set_ or unset)
        )
    session.accept(accept, strict=strict)
    from agentpack.cli import change_commands  # not for `--help`

    request = change_commands.ChangeRequest(
        change_commands.decisions(session, on_conflict, adopt=adopt, discard_edits=discard_edits),
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
        partial=partial,
    )
    return change_commands.install(session, request)


def _listed(texts: list[str] | None) -> list[str]:
    """The names in the values of an option, each of which may be a list with commas."""
    return [name.strip() for text in texts or () for name in text.split(",") if name.strip()]


def _what_there_is(session: Session, options: Sequence[str] | None) -> str:
    """What could have been meant by `install` without a name, perhaps with options that change a pack."""
    if options and (installed := [wanted.requirement.pack for wanted in session.workspace.manifest.packs]):
        return f"to change an installed pack, add its name: {first_few(installed, 3)}"
    return "`agentpack search` lists packs; `agentpack install ./DIR` installs the agents in a folder"
