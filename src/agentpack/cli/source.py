"""The options and the output of `agentpack source list`, `source add`, `source remove` and `source check`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentpack.cli.complete import complete_source
from agentpack.cli.options import DryRun, Session, verb, verb_group
from agentpack.cli.output import Output, Result, safe

if TYPE_CHECKING:
    from agentpack.commands.source import ListedSource
    from agentpack.commands.source_check import CheckedSource, SourceOffer

app = verb_group(
    "List, add, remove and check the sources that packs come from.",
    example="agentpack source add acme github:acme/agents",
)


@verb(app, "list", under="source")
def list_(session: Session) -> Result:
    """List the sources of this scope in search order, followed by your own.

    Your own sources are those of the user scope. `install NAME`, `show` and `search` use them in every project. When
    you install a pack from one of them, that source is added to the project.

    Example: agentpack source list
    """
    from agentpack.commands.source import source_list

    found = source_list(session.workspace)
    if found:
        session.output.table(
            ("name", "kind", "place", "packs", "scope"),
            [(one.source.name, one.source.kind, _place(one), ", ".join(one.source.packs), one.scope) for one in found],
        )
    else:
        session.output.say("no sources; `agentpack source add NAME PLACE` adds one")
    return Result({"sources": [one.to_data() for one in found]})


def _place(listed: "ListedSource") -> str:
    """The place of a source, with each option in parentheses: `../kit (branch main)`."""
    options = (f"{key} {value}" for key, value in listed.source.options.items())
    return " ".join((listed.source.place, *(f"({option})" for option in options)))


@verb(app, "add", under="source")
def add(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source's name.")],
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="A folder, an archive or a git repository, as for `install`.")
    ],
    ref: Annotated[str | None, typer.Option("--ref", metavar="REF", help="The branch, tag or commit to use.")] = None,
    subdirectory: Annotated[
        str | None, typer.Option("--subdirectory", metavar="DIR", help="The folder in the repository.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="The digest of a downloaded archive.")
    ] = None,
    packs: Annotated[
        list[str] | None,
        typer.Option(
            "--packs", metavar="PATTERN", help="Use the source only for these packs (`acme-*,lint`; repeatable)."
        ),
    ] = None,
    dry_run: DryRun = False,
) -> Result:
    """Add a source to the end of the list in agentpack.yaml. Installed packs do not change.

    With `--packs`, this source provides only packs with matching names, and sources without a matching pattern cannot
    provide these packs.

    Example: agentpack source add acme github:acme/agents --packs "acme-*"
    """
    from agentpack.cli.outcomes import finish
    from agentpack.commands.source import source_add

    given = {"ref": ref, "subdirectory": subdirectory, "sha256": sha256}
    options = {key: value for key, value in given.items() if value is not None}
    patterns = [one.strip() for text in packs or () for one in text.split(",")]
    outcome = source_add(session.workspace, name, place, options=options, packs=patterns, dry_run=dry_run)
    return finish(session, outcome)


@verb(app, "remove", under="source")
def remove(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source's name.", autocompletion=complete_source)],
    dry_run: DryRun = False,
) -> Result:
    """Remove a source from agentpack.yaml, unless a pack comes from it.

    Example: agentpack source remove acme
    """
    from agentpack.cli.outcomes import finish
    from agentpack.commands.source import source_remove

    return finish(session, source_remove(session.workspace, name, dry_run=dry_run))


@verb(app, "check", under="source")
def check(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="The sources to check (default: all).", autocompletion=complete_source
        ),
    ] = None,
) -> Result:
    """Check that sources can be read, and list the packs each offers: newest release, tag or commit, and agents.

    The exit code is 0, or that of the worst problem.

    Example: agentpack source check acme
    """
    from agentpack.commands.source_check import exit_code, source_check

    found = source_check(session.workspace, names or ())
    if not found:
        session.output.say("no sources; `agentpack source add NAME PLACE` adds one")
    for one in found:
        _show(session.output, one)
    return Result({"sources": [_data(one) for one in found]}, exit_code(found))


def _show(output: Output, one: "CheckedSource") -> None:
    name = one.listed.source.name
    yours = ", your own" if one.listed.scope == "user" else ""
    output.finding(safe(f"{name}: {one.where}{yours}"))
    for pack in one.packs:
        output.finding(safe(f"  {_line(pack)}"))
        for path in pack.left_out:
            output.finding(safe(f"    left out: {path}"))
    for words in one.unread:
        output.finding(safe(f"  {words}"))
    if one.others:
        output.finding(safe(f"  not in its `packs`: {', '.join(one.others)}"))
    if not (one.packs or one.others or one.faults):
        output.finding("  no packs and no agent files")
    for fault in one.faults:
        output.finding(f"  {output.style('error:', 'red')} {safe(fault.message)}")
        for line in fault.lines[1:]:
            output.finding(safe(f"    {line}"))
        if fault.hint:
            output.finding(safe(f"    hint: {fault.hint}"))


def _line(pack: "SourceOffer") -> str:
    if pack.elsewhere:
        return f"{pack.name}  {pack.elsewhere}"
    agents = f"{len(pack.agents)} agent{'' if len(pack.agents) == 1 else 's'}"
    older = f", {pack.releases} releases" if pack.releases > 1 else ""
    state = f", tag {pack.tag}" if pack.tag else f", commit {pack.commit[:12]}" if pack.commit else ""
    return f"{pack.name} {pack.version}  {agents}{older}{state}"


def _data(one: "CheckedSource") -> dict[str, Any]:
    return {
        **one.listed.to_data(),
        "where": one.where,
        "offers": [
            {**pack._asdict(), "agents": list(pack.agents), "left_out": list(pack.left_out)} for pack in one.packs
        ],
        "unread": list(one.unread),
        "not_in_packs": list(one.others),
        "faults": [
            {"code": fault.code, "message": fault.message, "details": list(fault.details), "hint": fault.hint}
            for fault in one.faults
        ],
    }
