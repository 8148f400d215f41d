"""Commands that change something, given one `ChangeRequest`.

Calls parsed by the command-line library and calls parsed by `quick_args.py` both end here, so that they do the same.
"""

from collections.abc import Callable, Sequence

from agentpack.changes.conflicts import ConflictsFound
from agentpack.changes.outcome import Outcome
from agentpack.changes.plan import Decisions as Decisions
from agentpack.changes.plan import on_conflict_option
from agentpack.changes.request import ChangeRequest as ChangeRequest
from agentpack.cli.outcomes import Confirmation, finish, news_data, news_of, show_newer
from agentpack.cli.output import Result
from agentpack.cli.session import Session
from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean
from agentpack.workspace.workspace import Workspace


def install(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack install`."""
    from agentpack.commands.install import install as operation

    return finish(session, changed(session, request, operation))


def upgrade(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack upgrade`."""
    from agentpack.commands.upgrade import upgrade as operation  # not for `install`

    look = f"agentpack diff --upgrade{' --latest' if request.latest else ''}"
    confirm = None if request.yes else Confirmation(session, look)
    outcome = changed(session, request._replace(confirm=confirm), operation)
    if not request.require_acceptance:
        result = show_newer(session, outcome, f"agentpack upgrade{' --latest' if request.latest else ''}", look)
        return result._replace(data={**result.data, "news": []})
    news = news_of(session, outcome) if request.dry_run else {}  # `--yes` is for programs, which do not read it
    result = finish(session, outcome, news, shown=confirm is not None and confirm.shown)
    return result._replace(data={**result.data, "news": news_data(news)})


def sync(session: Session, request: ChangeRequest) -> Result:
    """Run `agentpack sync`."""
    from agentpack.commands.sync import sync as operation

    return finish(session, changed(session, request, operation))


def decisions(session: Session, on_conflict: Sequence[str] | None, *, adopt: bool, discard_edits: bool) -> Decisions:
    """The decisions that options make; those of `--on-conflict` are a choice for all files, or `PATH=choice` or
    `AGENT=choice`.

    Raises:
        UsageError: `on_conflict` has another word, or a file or agent that is not installed.
    """
    everywhere, of_files = "stop", dict[str, str]()
    for word in on_conflict or ():
        path, is_file, choice = word.rpartition("=")
        if choice not in ("stop", "keep", "theirs", "edit"):
            hint = (
                "`keep` keeps your text where the two conflict, `theirs` takes the new text, `edit` opens an editor; "
                "`PATH=keep` decides for one file, `AGENT=keep` for all files of an agent"
            )
            raise UsageError("`--on-conflict` takes `keep`, `theirs` or `edit`", hint=hint)
        if not is_file:
            everywhere = choice
            continue
        of_files |= dict.fromkeys(_files_of(session, path, choice), choice)
    return Decisions(adopt, on_conflict=everywhere, of_files=of_files, discard_edits=discard_edits)


def _files_of(session: Session, word: str, choice: str) -> list[str]:
    """The installed files that a path or the name of an agent means. Raises UsageError if there are none."""
    named, installed = session.file_or_name(word), session.workspace.states.recorded
    files = [path for path, file in installed.items() if named in (path, file.persona)]
    if not files:
        near = [path for path in installed if path.rpartition("/")[2] == word.rpartition("/")[2]]
        ways = " or ".join(f"`{on_conflict_option(path, choice)}`" for path in near[:2])
        agents = sorted({file.persona for file in installed.values()})
        hint = f"write {ways}" if ways else did_you_mean(word, (*agents, *installed))
        raise UsageError(f"`{word}` is not an installed file or agent", hint=hint or "`agentpack status` lists them")
    return files


def changed(
    session: Session, request: ChangeRequest, operation: Callable[[Workspace, ChangeRequest], Outcome]
) -> Outcome:
    """Run the operation. On a conflict the user is asked how to resolve it, file by file, unless an option says so or
    there is no terminal, and the operation runs again; what is to be edited is merged by the user before.
    """
    decided = request.decisions
    if request.partial and "edit" in (decided.on_conflict, *decided.of_files.values()):
        raise UsageError("`--on-conflict edit` cannot be used with `--partial`")
    try:
        return operation(session.workspace, request)
    except ConflictsFound as error:
        answers = {change.path: decided.on_conflict_in(change.path) for change in error.outcome.plan.conflicts}
        open_ = [path for path, answer in answers.items() if answer == "stop"]
        if request.dry_run or (open_ and request.yes) or not {"stop", "edit"}.issuperset(answers.values()):
            raise
        if open_:
            from agentpack.cli.conflicts import ask_how_to_resolve

            answers.update(ask_how_to_resolve(session, error, open_))
        decided = decided.with_answers(answers)
        if "edit" not in answers.values():
            return operation(session.workspace, request._replace(decisions=decided))
        from agentpack.cli.merge_tool import merged_in_editor

        with merged_in_editor(session, error, decided, shown=bool(open_)) as edited:
            return operation(session.workspace, request._replace(decisions=decided._replace(edited=edited)))
