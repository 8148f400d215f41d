"""agentpack, without a command: where we are, and what to do next."""

from collections.abc import Iterator

from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result
from agentpack.cli.status import status_data, tell_status
from agentpack.commands.status import Status

app = verb_app()


@verb(app, "status")
def overview(session: Session) -> Result:
    """Show the status of the scope and suggest what to run next."""
    found = tell_status(session)
    if not found.packs:
        session.output.say("nothing is installed here")
    rows = [(session.output.advice(command), what) for command, what in _next_steps(found)]
    wide = max(len(command) for command, _ in rows)
    session.output.say("next:")
    for command, what in rows:
        session.output.say(f"  {command:<{wide}}  {what}")
    return Result(status_data(session, found))


def _next_steps(found: Status) -> Iterator[tuple[str, str]]:
    states = {file.state for pack in found.packs for file in pack.files}
    if found.unmanaged:
        yield "agentpack adopt", "manage the agent files that are here"
    if not found.packs:
        yield "agentpack install python-engineer", "install a persona"
        yield "agentpack search TEXT", "find others"
    if states & {"missing", "outdated"}:
        yield "agentpack sync", "write the files as locked"
    if "edited" in states:
        yield "agentpack diff", "show the local edits"
    if any(pack.in_range is not None for pack in found.packs):
        yield "agentpack upgrade", "install the newer releases"
    if found.packs:
        yield f"agentpack show {found.packs[0].name}", "see versions, variants and parameters"
        yield "agentpack rollback", "undo the last change"
    yield "agentpack --help", "list all commands"
