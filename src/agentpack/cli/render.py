"""The options and the output of `agentpack render`."""

from typing import Annotated

import typer

from agentpack.cli.complete import complete_client
from agentpack.cli.options import OneRequirement, Session, Set, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.commands.render import render as run

app = verb_app()


@verb(app, "render")
def render(
    session: Session,
    requirement: OneRequirement,
    client: Annotated[
        str | None,
        typer.Option(
            "--client", "-c", metavar="CLIENT", help="Render for this client.", autocompletion=complete_client
        ),
    ] = None,
    set_: Set = None,
    persona: Annotated[
        str | None, typer.Option("--persona", metavar="NAME", help="Which persona to render, if the pack has several.")
    ] = None,
) -> Result:
    """Print the file that a client would get. The pack need not be installed, and nothing is written.

    Pipes and files get the exact bytes; a terminal shows control and hidden characters as `\\u{…}`.

    REQUIREMENT may also be a place, as for `install`, such as `github:owner/repo`: name the agent with --persona.

    Variants and parameters in the manifest are ignored. Without --client, the first client that `install` would choose
    is used.

    Example: agentpack render "python-engineer[strict-typing]" --client claude
    """
    file = run(session.workspace, requirement, client=client, settings=set_ or (), persona=persona)
    for note in file.notes:
        session.output.say(f"note: {safe(str(note))}")
    if not session.output.json:
        session.output.exact(file.content)
    return Result(
        {
            "pack": file.pack,
            "persona": file.persona,
            "client": file.client,
            "path": file.path,
            "text": file.content.decode(),
            "notes": [str(note) for note in file.notes],
            "lost": list(file.lost),
            "capabilities": list(file.capabilities),
        }
    )
