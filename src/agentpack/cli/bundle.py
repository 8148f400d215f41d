"""The options and the output of `agentpack bundle`."""

from typing import Annotated

import typer

from agentpack.cli.options import DryRun, Session, verb, verb_app
from agentpack.cli.output import Result, safe

app = verb_app()


@verb(app, "bundle")
def bundle(
    session: Session,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="The file to write (default: `<folder>.bundle.tar.gz`)."),
    ] = None,
    dry_run: DryRun = False,
) -> Result:
    """Write one file with everything the lock needs: manifest, lock, local variants, and every release.

    The same lock gives the same bytes. To install from it without a network, run `agentpack sync --frozen --source
    FILE` in a clone of the project, or `agentpack install FILE` anywhere else.

    Example: agentpack bundle -o team.bundle.tar.gz
    """
    from agentpack.commands.bundle import bundle as operation

    made = operation(session.workspace, out=out, dry_run=dry_run)
    for one in made.releases:
        session.output.say(f"  {one.pack} {one.version}")
    what = "would write" if dry_run else "wrote" if made.written else "up to date:"
    session.output.say(f"{what} {safe(made.path)}")
    data = {
        "path": made.path,
        "bytes": made.size,
        "sha256": made.sha256,
        "releases": [one._asdict() for one in made.releases],
        "written": made.written,
        "dry_run": dry_run,
    }
    return Result(data)
