"""The options and the output of `agentpack adopt`."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from agentpack.changes.request import ChangeRequest
from agentpack.cli.options import Accept, DryRun, Session, verb, verb_app
from agentpack.cli.outcomes import outcome_data, show_outcome
from agentpack.cli.output import Result, safe
from agentpack.commands.adopt import AdoptedFile
from agentpack.commands.adopt import adopt as run
from agentpack.commands.adoptable import PassedOver, refusal
from agentpack.model.names import first_few

app = verb_app()
_MOST = 12
"""Files of one kind that are named one by one."""


@verb(app, "adopt")
def adopt(
    session: Session,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR...]",
            help="Agent files or folders of them; FILE#NAME selects one agent in a file with several.",
            show_default=False,
        ),
    ] = None,
    accept: Accept = None,
    dry_run: DryRun = False,
) -> Result:
    """Manage existing agent files with agentpack, without changing or moving them.

    Without arguments, adopt every agent file in the folders of the clients used here. A file that matches an agent in
    one of your sources is recorded as that agent; differences count as local edits, which `diff` shows and upgrades
    merge. The skills of that agent are installed too. All other files become one local collection, with copies in
    `.agentpack/packs/team-agents/`. Documents in a folder of agents are skipped.

    Example: agentpack adopt .claude/agents
    """
    session.accept(accept)
    found = run(session.workspace, ChangeRequest(names=files or (), dry_run=dry_run))
    say = session.output.say
    for line in _adopted_lines(found.adopted):
        say(safe(line))
    for line in (*_managed_lines(found.managed), *_passed_lines(found.passed)):
        say(safe(line))
    show_outcome(session, found.outcome)
    data = [
        {**file._asdict(), "variants": list(file.variants), "exact": not file.edited, "rewritten": False}
        for file in found.adopted
    ]
    return Result(
        {
            **outcome_data(found.outcome),
            "adopted": data,
            "managed": list(found.managed),
            "passed_over": [one._asdict() for one in found.passed],
            "refused": [one._asdict() for one in found.refused],
        },
        error=refusal(found.refused, "all others are now managed") if found.refused else None,
    )


def _adopted_lines(files: Sequence[AdoptedFile]) -> Iterator[str]:
    """A line for each pack, or for each file with an edit."""
    packs: dict[tuple[str, str, tuple[str, ...], bool], list[AdoptedFile]] = {}
    for file in files:
        packs.setdefault((file.pack, file.version, file.variants, file.local), []).append(file)
    for (pack, version, variants, local), own in packs.items():
        name = f"{pack} {version}" + (f" [{', '.join(variants)}]" if variants else "")
        edited = [file for file in own if file.edited]
        if len(own) == 1:
            what = f"copied to {own[0].copy}" if local else "unchanged"
            yield f"{name}: {own[0].path}, " + (f"differs in {own[0].edited}: kept as an edit" if edited else what)
            continue
        what = f"{len(edited)} of them with local edits, which are kept" if edited else "unchanged"
        yield f"{name}: {len(own)} files, {'copied unchanged' if local and not edited else what}"
        yield from (f"  {file.path}: differs in {file.edited}" for file in edited)


def _managed_lines(paths: Sequence[str]) -> Iterator[str]:
    if len(paths) > _MOST:
        yield f"{len(paths)} files are already managed by agentpack"
    else:
        yield from (f"{path} is already managed by agentpack" for path in paths)


def _passed_lines(passed: Sequence[PassedOver]) -> Iterator[str]:
    """A line for each reason, with the first few files that were skipped for it."""
    reasons: dict[str, list[str]] = {}
    for one in passed:
        reasons.setdefault(one.reason, []).append(one.path)
    for reason, paths in reasons.items():
        yield f"skipped {first_few(paths, _MOST)}: {reason}"
