"""Format differences as GitHub annotations, one for each file."""

from collections.abc import Iterator

from agentpack.changes.differences import Differences
from agentpack.reports.escaping import workflow_command
from agentpack.reports.words import Place, line_counts, remark_lines, rule_counts, state_words

_LEVELS = {"conflict": "error", "blocked": "error", "edited": "warning", "missing": "warning", "outdated": "warning"}


def github(differences: Differences, place: Place) -> Iterator[str]:
    """A workflow command for each remark and file."""
    for remark in differences.remarks:
        head, *details = (line.strip() for line in remark_lines(remark, ""))
        yield workflow_command("warning", {"file": place(remark.path)}, "\n".join((head, *details)))
    for file in differences.files:
        counted = line_counts(file)
        lines = (
            f"{counted.added} line{'' if counted.added == 1 else 's'} added, {counted.removed} removed"
            if counted.added or counted.removed
            else ""
        )
        words = [state_words(file), *(part for part in (file.unknown or "", rule_counts(file), lines) if part)]
        properties = {"file": place(file.path), "title": f"{file.persona} for {file.client}"}
        yield workflow_command(_LEVELS.get(file.state, "notice"), properties, "; ".join(words))
