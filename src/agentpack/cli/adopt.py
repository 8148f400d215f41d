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
    """Bring existing agent files under management, all or none, without changing their meaning.

    A file that matches a release of a known pack, at least half of it, is recorded as that release; differences count
    as an edit, which `diff` shows and upgrades merge. Any other file becomes a local pack in `.agentpack/packs/`, and
    stays byte for byte. A file with the same meaning as the release, such as a header without quotes, is reformatted;
    the original is in the history. Files of every client can be adopted. Of a file with many agents, all that agentpack
    does not manage are adopted.

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
