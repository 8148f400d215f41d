"""Show the conflicts that stopped a change, and ask on a terminal how to resolve them."""

from collections.abc import Mapping
from typing import Any

from agentpack.changes.conflicts import ConflictsFound
from agentpack.cli.outcomes import outcome_data, show_capabilities, show_warnings
from agentpack.cli.output import Output, answer_on_terminal, safe
from agentpack.cli.session import Session
from agentpack.errors import AgentpackError, Cancelled
from agentpack.reports.conflicts import conflict_lines


def show_conflicts(output: Output, error: AgentpackError) -> None:
    """Print every merge conflict of the plan; nothing for another error."""
    if not isinstance(error, ConflictsFound):
        return
    show_warnings(output, error.outcome)
    if error.outcome.refusal is not None:
        show_capabilities(output, error.outcome)
    conflicts = error.outcome.plan.conflicts
    for note in error.outcome.notes if any(change.why == "edited" for change in conflicts) else ():
        output.say(f"note: {safe(str(note))}")  # it may say where the agent is now
    for change in conflicts:
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


def ask_how_to_resolve(session: Session, error: ConflictsFound) -> str:
    """Show the conflicts and ask what to do. Returns a value of `--on-conflict`.

    Raises:
        ConflictsFound: `error` itself, if nobody can be asked or one of the conflicts needs another decision.
        Cancelled: the user stops, or there are no more answers.
    """
    are_edits = all(change.why == "merge" for change in error.outcome.plan.conflicts)
    if not are_edits or not session.environment.interactive or session.output.json:
        raise error
    show_conflicts(session.output, error)
    for way in error.keep_first:
        session.output.hint(way)
    chosen: str | None = ""
    while chosen == "":
        answer = answer_on_terminal("Where they conflict: [k]eep your text, [t]ake the new text, [e]dit, or [s]top?")
        chosen = _ANSWERS.get(answer, "")
    if chosen is None:
        raise Cancelled()
    return chosen


def conflict_data(error: AgentpackError) -> Mapping[str, Any]:
    """The outcome that was not carried out, with the conflicts of each file, for JSON output."""
    return outcome_data(error.outcome) if isinstance(error, ConflictsFound) else {}
