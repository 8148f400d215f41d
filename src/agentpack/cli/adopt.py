"""agentpack adopt"""

from typing import Annotated

import typer

from agentpack.changes.request import ChangeRequest
from agentpack.cli.options import Accept, DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import outcome_data, show_outcome
from agentpack.cli.output import Result, safe
from agentpack.commands.adopt import AdoptedFile
from agentpack.commands.adopt import adopt as run

app = verb_app()


@verb(app, "adopt")
def adopt(
    session: Session,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="A client's agent files; FILE#NAME for one of many.")
    ],
    accept: Accept = None,
    dry_run: DryRun = False,
) -> Result:
    """Bring existing agent files under management, all or none. What they say stays.

    A file that is a release of a known pack, or half of one, is recorded as that release; what differs counts as an
    edit, which `diff` shows and upgrades merge. Of any other file a local pack is made, in `.agentpack/packs/`, and the
    file stays byte for byte. A file that says what a release says in other words, such as a header without quotes, is
    written as agentpack writes it; the text from before is in the history. Every client's files are read. Of a file
    that holds many agents, all are adopted that agentpack does not manage.

    Example: agentpack adopt .claude/agents/reviewer.md .roomodes#tester
    """
    session.accept(accept)
    outcome, adopted, managed = run(session.workspace, ChangeRequest(names=files, dry_run=dry_run))
    for file in adopted:
        session.output.say(safe(_line(file)))
    for path in managed:
        session.output.say(safe(f"{path}: agentpack manages it already"))
    show_outcome(session, outcome)
    data = [
        {**file._asdict(), "variants": list(file.variants), "exact": not (file.edited or file.rewritten)}
        for file in adopted
    ]
    return Result({**outcome_data(outcome), "adopted": data, "managed": list(managed)})


def _line(file: AdoptedFile) -> str:
    variants = f" [{', '.join(file.variants)}]" if file.variants else ""
    what = "a local pack made from it" if file.local else "a known release"
    exact = f"differs in {file.edited}: kept as an edit" if file.edited else "byte for byte"
    if file.rewritten:
        exact = "it means the same: written as agentpack writes it, the text from before is in the history"
    return f"{file.path}: {file.pack} {file.version}{variants}, {what}; {exact}"
