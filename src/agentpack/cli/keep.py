"""The options and the output of `agentpack keep`."""

from typing import Annotated

import typer

from agentpack.cli.complete import complete_client, complete_installed
from agentpack.cli.options import DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import outcome_data, show_outcome
from agentpack.cli.output import Result, safe
from agentpack.commands.keep import keep as run
from agentpack.commands.keep import patch_for_author
from agentpack.errors import UsageError
from agentpack.reports.escaping import safe_text

app = verb_app()


@verb(app, "keep")
def keep(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A persona, a pack, or an installed file (default: the only pack with edits).",
            autocompletion=complete_installed,
        ),
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", metavar="VARIANT", help="The variant's name (default: `local`).")
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(
            "--client",
            "-c",
            metavar="CLIENT",
            help="Use the edit in this client's file, if several clients' files were edited.",
            autocompletion=complete_client,
        ),
    ] = None,
    on_conflict: Annotated[
        str,
        typer.Option(
            "--on-conflict",
            metavar="keep|theirs",
            help="With --client, if another client's edit conflicts: keep that edit, or take the variant's text.",
            show_default=False,
        ),
    ] = "stop",
    patch: Annotated[
        bool, typer.Option("--patch", help="Print a patch for the pack's author instead of writing a variant.")
    ] = False,
    dry_run: DryRun = False,
) -> Result:
    """Turn local edits of an installed file into a local variant that survives upgrades.

    The variant is written to `.agentpack/variants/<persona>/` and added to the pack's requirement, so that manifest and
    lock include the edit. Later edits go into the same variant, unless you changed it by hand: then into another one,
    `local-2`. The file keeps its words. Only blank lines and the formatting of its header, such as quotes,
    may change, and what you added below the generated list `## Skills` goes above it; a note says so. Files of other
    clients get the edit too. If those were edited differently, `--client` selects the edit for the variant, and the
    others are merged with it. If an edit cannot be expressed as a variant, it is listed and nothing is written;
    of several agents, the commands that keep the others are named.

    Example: agentpack keep python-engineer --as house-rules
    """
    name = name and session.file_or_name(name)
    if patch:
        if as_ is not None or dry_run or on_conflict != "stop":
            raise UsageError(
                "`--patch` writes nothing, so it cannot be used with `--as`, `--on-conflict` or `--dry-run`"
            )
        return _patch(session, name, client)
    if on_conflict not in ("stop", "keep", "theirs"):
        raise UsageError("`--on-conflict` takes `keep` or `theirs`")
    kept = run(session.workspace, name, variant=as_, client=client, on_conflict=on_conflict, dry_run=dry_run)
    data = {**outcome_data(kept.outcome), "variants": [{"path": path, "text": text} for path, text in kept.variants]}
    if not kept.variants:
        session.output.say(f"{_without_edits(name, client)}; nothing to change")
        return Result(data)
    if dry_run:
        for _, text in kept.variants:
            session.output.print(safe_text(text.rstrip("\n")))
    show_outcome(session, kept.outcome)
    return Result(data)


def _without_edits(name: str | None, client: str | None) -> str:
    found = f"{name} has no local edits" if name else "there are no local edits"
    return safe(found + (f" for {client}" if client else ""))


def _patch(session: Session, name: str | None, client: str | None) -> Result:
    found = patch_for_author(session.workspace, name, client)
    if found.text:
        if not session.output.json:
            session.output.exact(f"{found.text.rstrip(chr(10))}\n".encode())
    elif not found.left_out:
        session.output.say(_without_edits(name, client))
    for what in found.left_out:
        session.output.say(f"not in the patch: {safe(what)}")
    return Result({"patch": found.text, "left_out": list(found.left_out)})
