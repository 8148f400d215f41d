"""Show a change that was stopped by conflicts."""

from collections.abc import Mapping
from typing import Any

from agentpack.changes.conflicts import ConflictsFound
from agentpack.cli.outcomes import outcome_data, show_capabilities, show_warnings
from agentpack.cli.output import Output, safe
from agentpack.errors import AgentpackError
from agentpack.reports.conflicts import conflict_lines


def show_conflicts(output: Output, error: AgentpackError) -> None:
    """Print every merge conflict of the plan."""
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


def conflict_data(error: AgentpackError) -> Mapping[str, Any]:
    """The outcome that was not carried out, with the conflicts of each file, for JSON output."""
    return outcome_data(error.outcome) if isinstance(error, ConflictsFound) else {}
