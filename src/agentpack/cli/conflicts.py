"""Show the conflicts that stopped a change, and ask on a terminal how to resolve them."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentpack.changes.conflicts import ConflictsFound
from agentpack.cli.outcomes import outcome_data, show_capabilities, show_warnings
from agentpack.cli.output import Output, answer_on_terminal, safe
from agentpack.cli.session import Session
from agentpack.errors import AgentpackError, Cancelled
from agentpack.model.changes import Change
from agentpack.reports.conflicts import conflict_lines


def show_conflicts(output: Output, error: AgentpackError) -> None:
    """Print every merge conflict of the plan; nothing for another error."""
    if not isinstance(error, ConflictsFound):
        return
    _show_before(output, error)
    for change in error.outcome.plan.conflicts:
        _show_conflict(output, change)


def _show_before(output: Output, error: ConflictsFound) -> None:
    show_warnings(output, error.outcome)
    if error.outcome.refusal is not None:
        show_capabilities(output, error.outcome)
    conflicts = error.outcome.plan.conflicts
    for note in error.outcome.notes if any(change.why == "edited" for change in conflicts) else ():
        output.say(f"note: {safe(str(note))}")  # it may say where the agent is now


def _show_conflict(output: Output, change: Change) -> None:
    if change.conflicts:
        output.say(output.style_words(safe(change.path), "bold"))
        for line in conflict_lines(change, change.theirs or b"", output.style_words):
            output.say(line)


_ANSWERS: Mapping[str, str | None] = {
    **dict.fromkeys(("k", "keep"), "keep"),
    **dict.fromkeys(("t", "take", "theirs"), "theirs"),
    **dict.fromkeys(("e", "edit"), "edit"),
    **dict.fromkeys(("s", "stop", "n", "no", "q", "quit", ""), None),
}
"""What a typed word means for `--on-conflict`; None stops. An empty line and the end of the input stop as well."""


_QUESTION = "[k]eep your text, [t]ake the new text, [e]dit, or [s]top?"


def ask_how_to_resolve(session: Session, error: ConflictsFound, paths: Sequence[str]) -> Mapping[str, str]:
    """Show the conflicts of these files and ask for each what to do. Returns values of `--on-conflict`, by path.

    Raises:
        ConflictsFound: `error` itself, if nobody can be asked or one of the conflicts needs another decision.
        Cancelled: the user stops, or there are no more answers.
    """
    conflicts, output = error.outcome.plan.conflicts, session.output
    are_edits = all(change.why == "merge" for change in conflicts)
    if not are_edits or not session.environment.interactive or output.json:
        raise error
    _show_before(output, error)
    answers: dict[str, str] = {}
    for number, change in enumerate((change for change in conflicts if change.path in paths), 1):
        _show_conflict(output, change)
        where = "Where they conflict"
        if len(paths) > 1:
            where = f"{change.path} ({number} of {len(paths)})"
        if number == 1:
            for way in error.keep_first:
                output.hint(way)
            if len(paths) > 1:
                all_ = "`keep all`, `take all` or `edit all` answers for this file and all that follow"
                output.say(f"{len(paths)} files conflict; {all_}")
        answer, for_all = _answer(f"{where}: {_QUESTION}")
        if for_all:
            return {**dict.fromkeys(paths, answer), **answers}
        answers[change.path] = answer
    return answers


def _answer(question: str) -> tuple[str, bool]:
    """A value of `--on-conflict`, and whether it is for all files that are left. Raises Cancelled to stop."""
    while True:
        typed = answer_on_terminal(question)
        word = typed.removesuffix(" all").rstrip()
        if word in _ANSWERS:
            if (answer := _ANSWERS[word]) is None:
                raise Cancelled()
            return answer, word != typed


def conflict_data(error: AgentpackError) -> Mapping[str, Any]:
    """The outcome that was not carried out, with the conflicts of each file, for JSON output."""
    return outcome_data(error.outcome) if isinstance(error, ConflictsFound) else {}
