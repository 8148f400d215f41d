"""The options and the output of `agentpack search`."""

from typing import Annotated

import typer

from agentpack.changes.place_arguments import is_place
from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.commands.search import search as run

app = verb_app()
_DESCRIPTION = 30
"""Columns of the terminal that a description needs to be read."""


@verb(app, "search", paged=True)
def search(
    session: Session,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...", help="Words to search for, all of which must match (default: list every pack)."
        ),
    ] = None,
) -> Result:
    """Find packs in all sources by name, description, keywords and persona names, best match first.

    Agents of collections are found by their own names and descriptions, and listed as `PACK/AGENT`.

    Example: agentpack search python async
    """
    words = " ".join(text or ())
    found, agents, near, unread = run(session.workspace, words)
    if found or agents:
        rows = [
            (
                pack.name,
                pack.version + (f" ({pack.held_back} held back)" if pack.held_back else ""),
                pack.source + (f" (also in {', '.join(pack.others)})" if pack.others else ""),
                pack.description,
            )
            for pack in found
        ]
        rows += [(f"{agent.pack}/{agent.name}", "", agent.source, agent.description) for agent in agents]
        session.output.table(("pack", "newest", "source", "description"), rows, prose=_DESCRIPTION)
    elif words:
        hint = " or ".join(f"`{safe(name)}`" for name in near)
        way = f"; did you mean {hint}?" if near else ""
        if not near and " " not in words and is_place(session.workspace, words):
            way = f"; `agentpack show {safe(words)}` lists what a place offers"
        session.output.say(f"no pack matches `{safe(words)}`{way}")
    else:
        session.output.say("no source has any packs")
    for line in unread:
        session.output.say(f"note: {safe(line)}")
    packs = [
        {
            **pack._asdict(),
            "keywords": list(pack.keywords),
            "personas": list(pack.personas),
            "others": list(pack.others),
        }
        for pack in found
    ]
    told = [agent._asdict() for agent in agents]
    return Result({"packs": packs, "agents": told, "near": near, "unread": unread})
