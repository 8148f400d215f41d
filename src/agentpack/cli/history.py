"""The options and the output of `agentpack history`."""

from typing import Annotated, Any

import typer

from agentpack.changes.history import generation
from agentpack.changes.history import history as run
from agentpack.cli.complete import complete_history
from agentpack.cli.options import DryRun, Session, verb, verb_app
from agentpack.cli.output import Result, safe
from agentpack.commands.history import prune
from agentpack.environment import in_local_time
from agentpack.errors import UsageError
from agentpack.model.history import BY_HAND, FOUND, Generation
from agentpack.store.prune import KEPT

app = verb_app()


@verb(app, "history", paged=True)
def history(
    session: Session,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[show N | prune]", help="Show one generation, or delete old ones.", autocompletion=complete_history
        ),
    ] = None,
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many generations `prune` keeps.")] = KEPT,
    dry_run: DryRun = False,
) -> Result:
    """List the generations of this scope, newest first: what each command left on disk.

    `history show N` lists the files of one generation. `history prune` deletes all but the last 50; this cannot be
    undone.

    Example: agentpack history show 3
    """
    match words or ():
        case ():
            return _list(session)
        case [number] | ["show", number] if number.isdecimal() and number.isascii():
            return _show(session, generation(session.workspace, int(number)))
        case ["prune"]:
            return _prune(session, keep, dry_run=dry_run)
    raise UsageError("`history` takes `show N`, `prune`, or no argument", hint="`agentpack history --help`")


def _prune(session: Session, keep: int, *, dry_run: bool) -> Result:
    gone = prune(session.workspace, keep, dry_run=dry_run).generations
    would = "would be " if dry_run else ""
    which = f": {', '.join(map(str, gone))}" if gone else ""
    session.output.say(f"{len(gone)} generation{'' if len(gone) == 1 else 's'} {would}deleted{which}")
    if dry_run:
        session.output.say("dry run: nothing was deleted")
    return Result({"forgotten": list(gone), "dry_run": dry_run})


def _list(session: Session) -> Result:
    found = run(session.workspace)
    if not found.generations:
        session.output.say("no history yet")
    else:
        rows = [
            (
                f"{g.number}{' *' if g.number == found.current else ''}",
                in_local_time(g.time),
                g.command,
                ", ".join(g.pins) or "-",
                str(len(g.files)),
            )
            for g in reversed(found.generations)
        ]
        session.output.table(("generation", "time", "command", "packs", "files"), rows, whole=(0, 1))
        session.output.say("* is the current generation; `agentpack history show N` lists the files of generation N")
    return Result({"current": found.current, "generations": [_row(g) for g in found.generations]})


def _row(found: Generation) -> dict[str, Any]:
    return {
        "number": found.number,
        "parent": found.parent,
        "time": found.time,
        "command": found.command,
        "pins": list(found.pins),
        "files": len(found.files),
    }


def _show(session: Session, found: Generation) -> Result:
    output = session.output
    after = f"after generation {found.parent}" if found.parent else "the first"
    output.print(f"generation {found.number}, {after}, {safe(in_local_time(found.time))}")
    made = found.command if found.command in (BY_HAND, FOUND) else f"agentpack {found.command}"
    output.print(f"command  {safe(made)}", wrap=True)
    for pin in found.pins:
        output.print(f"pack     {safe(pin)}")
    for file in found.files:
        edited = "" if file.rendered == file.written else "  (with local edits)"
        output.print(f"file     {safe(file.path)}{edited}")
    for document in found.documents:
        output.print(f"document {safe(document.path)}")
    for path, digest, _ in found.replaced:
        output.print(f"kept     what was at {safe(path)} before ({digest[:19]})")
    data = {
        **_row(found),
        "files": [file._asdict() for file in found.files],
        "documents": [document._asdict() for document in found.documents],
        "replaced": [{"path": path, "digest": digest, "mode": mode} for path, digest, mode in found.replaced],
    }
    return Result(data)
