"""What `agentpack` without a command prints: the state of the current folder, and what to do next."""

from collections.abc import Iterator

from agentpack.cli.options import Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.cli.status import status_data, tell_status
from agentpack.commands.status import Status

app = verb_app()


@verb(app, "status")
def overview(session: Session) -> Result:
    """Show the status of the scope and suggest what to run next."""
    found = tell_status(session)
    if not found.packs:
        session.output.say("nothing is installed here")
    rows = [(session.output.advice(command), what) for command, what in _next_steps(session, found)]
    wide = max(len(command) for command, _ in rows)
    session.output.say("next:")
    for command, what in rows:
        session.output.say(f"  {command:<{wide}}  {what}")
    return Result(status_data(session, found))


def _next_steps(session: Session, found: Status) -> Iterator[tuple[str, str]]:
    states = {file.state for pack in found.packs for file in pack.files}
    if found.unmanaged:
        yield "agentpack adopt", "manage the agent files that are here"
    if found.stale and session.workspace.documents.lock_sides:
        yield "agentpack lock", "merge the two sides of agentpack.lock"
    elif found.stale:
        yield "agentpack sync", "bring the lock and the files up to date"
    if not found.packs and not found.stale:
        yield "agentpack install python-engineer", "install a persona"
        yield "agentpack search TEXT", "find others"
    if states & {"missing", "outdated"} and not found.stale:
        yield "agentpack sync", "write the files as locked"
    if "edited" in states:
        yield "agentpack diff", "show the local edits"
        from agentpack.changes.edited import packs_to_keep  # reads releases of collections

        edited = (
            pack.name
            for pack in found.packs
            if any(file.state == "edited" and not file.unmerged for file in pack.files)
        )
        for name in packs_to_keep(session.workspace, edited)[:1]:
            yield f"agentpack keep {name}", "turn the local edits into a local variant"
    if any(pack.in_range is not None for pack in found.packs):
        yield "agentpack upgrade", "install the newer releases"
    for pack in found.packs:
        if pack.newest not in (None, pack.in_range) and not pack.lacks:
            manifest = session.workspace.manifest
            command = f"agentpack upgrade --latest{manifest.name_of_one(pack.name)}"
            if pack.ref:
                from agentpack.changes.newest import way_past_ref  # only for sources with a `ref:`

                command = way_past_ref(manifest, pack.name, pack.ref).strip("`")
            why = f"held back by `ref: {pack.ref}`" if pack.ref else "out of the version range"
            yield command, safe(f"install {pack.name} {pack.newest}, {why}")
            break
    if found.packs:
        yield f"agentpack show {found.packs[0].name}", "see versions, variants and parameters"
        if session.workspace.documents.current is not None:
            yield "agentpack rollback", "undo the last change"
    yield "agentpack --help", "list all commands"
