"""Verbs that change something, as functions of plain values.

What the command-line library reads and what `plain.py` reads by itself end here, so that both do the same.
"""

from collections.abc import Sequence

from agentpack.cli.outcomes import asking, finish
from agentpack.cli.present import Result
from agentpack.cli.session import Session
from agentpack.operations.install import Options
from agentpack.plan import Decisions


def install(
    session: Session,
    requirements: Sequence[str],
    *,
    clients: Sequence[str] = (),
    settings: Sequence[str] = (),
    sources: Sequence[str] = (),
    dry_run: bool = False,
    no_save: bool = False,
    adopt: bool = False,
    discard_edits: bool = False,
    partial: bool = False,
) -> Result:
    """What `agentpack install` does."""
    from agentpack.operations.install import install as operation

    options = Options(
        decisions=Decisions(adopt=adopt, discard_edits=discard_edits),
        dry_run=dry_run,
        partial=partial,
        save=not no_save,
    )
    outcome = operation(
        session.workspace, requirements, clients=clients, settings=settings, sources=sources, options=options
    )
    return finish(session, outcome)


def upgrade(session: Session, names: Sequence[str], *, yes: bool = False, latest: bool = False) -> Result:
    """What `agentpack upgrade` does without its rarer options."""
    from agentpack.operations.upgrade import upgrade as operation  # not for `install`

    options = Options(confirm=asking(session, yes=yes, question="Upgrade?"))
    return finish(session, operation(session.workspace, names, latest=latest, options=options))
