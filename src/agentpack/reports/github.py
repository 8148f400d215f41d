"""Format a report for GitHub Actions: annotations in the log, a summary in Markdown, and outputs of the step."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agentpack.changes.differences import Differences, FileDifference
from agentpack.differences.lines import hunks
from agentpack.differences.parsed_files import decoded
from agentpack.reports.escaping import workflow_command
from agentpack.reports.markdown import code_span, cut, markdown
from agentpack.reports.words import WHOLE, Place, line_counts, remark_lines, rule_counts, state_words

_LEVELS = {"conflict": "error", "blocked": "error", "edited": "warning", "missing": "warning", "outdated": "warning"}
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


class Annotation(NamedTuple):
    """A message at a place. `line` and `column` count from 1; 0 where there is none."""

    level: str
    """`error`, `warning` or `note`."""
    file: str
    message: str
    title: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """The workflow command, in one line."""
        numbers = {"line": self.line, "col": self.column}
        known = {key: str(number) for key, number in numbers.items() if number}
        return workflow_command(_COMMANDS[self.level], {"file": self.file, **known, "title": self.title}, self.message)


class Report(NamedTuple):
    """A report for GitHub: annotations, lines of the step summary, and outputs of one line each, by name."""

    annotations: Sequence[Annotation]
    summary: Sequence[str]
    outputs: Mapping[str, str]


def of_differences(differences: Differences, place: Place) -> Report:
    """The report of `diff`: an annotation for each remark and file, at the first line that differs."""
    found = tuple(_annotations(differences, place))
    files = list(dict.fromkeys(one.file for one in found))
    outputs = {"differs": json.dumps(differences.differs), "files": json.dumps(files)}
    return Report(found, tuple(markdown(differences, place)), outputs)


def of_findings(found: Sequence[Annotation]) -> Report:
    """The report of `audit` and `pack check`."""
    counts = Counter(one.level for one in found)
    rows = (f"- {one.level} {code_span(_where(one))} {code_span(f'{one.title}: {one.message}')}" for one in found)
    outputs = {f"{level}s": str(counts[level]) for level in _COMMANDS}
    return Report(found, tuple(cut((row, "") for row in rows)), outputs)


def _where(one: Annotation) -> str:
    return f"{one.file}:{one.line}" if one.line else one.file


def _annotations(differences: Differences, place: Place) -> Iterator[Annotation]:
    for remark in differences.remarks:
        head, *details = (line.strip() for line in remark_lines(remark, ""))
        yield Annotation("warning", place(remark.path), "\n".join((head, *details)), "agentpack", 1)
    for file in differences.files:
        counted = line_counts(file)
        lines = (
            f"{counted.added} line{'' if counted.added == 1 else 's'} added, {counted.removed} removed"
            if counted.added or counted.removed
            else ""
        )
        words = [state_words(file), *(part for part in (file.unknown or "", rule_counts(file), lines) if part)]
        title = f"{file.persona} for {file.client}"
        level = _LEVELS.get(file.state, "note")
        yield Annotation(level, place(file.path), "; ".join(words), title, _line(file, differences.after == "disk"))


def _line(file: FileDifference, after: bool) -> int:
    """The first line that differs, in the file on disk."""
    if file.unknown or file.state in WHOLE or file.before is None or file.after is None:
        return 1
    first = next(iter(hunks(decoded(file.before), decoded(file.after), context=0)), None)
    return max(1, first.after_start if after else first.before_start) if first else 1


def in_repository(path: str) -> str:
    """A path of the machine as an annotation needs it: relative to the root of its repository, if it is in one."""
    folder = os.path.dirname(path)
    while not os.path.lexists(f"{folder}/.git"):
        above = os.path.dirname(folder)
        if above == folder:
            return path
        folder = above
    return path.removeprefix(f"{folder.rstrip('/')}/")
