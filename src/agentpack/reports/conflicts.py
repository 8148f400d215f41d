"""Format a conflict place by place: the old release's text, yours, and the new release's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Protocol

from agentpack.compose.parse import split_front_matter
from agentpack.differences.lines import heading_above
from agentpack.differences.parsed_files import decoded
from agentpack.differences.words import Span, marked
from agentpack.model.changes import Conflict, MovedRule
from agentpack.reports.escaping import safe, safe_text

_OTHER: Mapping[str, str] = {
    "foreign": "it was not written by agentpack",
    "edited": "it was edited by hand, and would be deleted",
    "unmerged": "it has unresolved merge markers",
    "blocked": "it is not a regular file",
    "folder": "it would be written to a folder with files that agentpack did not write",
}

MOST_CONFLICTS = 50
"""Conflicts shown for one file; JSON output has all."""
MOST_LINES = 40
"""Lines shown of one side; JSON output has all."""


class HasConflicts(Protocol):
    """A change or difference of one file, with its conflicts."""

    @property
    def why(self) -> str: ...
    @property
    def conflicts(self) -> Sequence[Conflict]: ...
    @property
    def moved(self) -> Sequence[Sequence[MovedRule]]: ...


def conflict_lines(file: HasConflicts, text: bytes, style: Callable[..., str]) -> Iterator[str]:
    """The lines for people.

    Args:
        text: one of the conflicting texts, to find headings in.
    """
    if file.why != "merge":
        yield f"  {safe(_OTHER.get(file.why, file.why))}"
    conflicts = file.conflicts
    for number, conflict in enumerate(conflicts[:MOST_CONFLICTS], 1):
        gone, ours = _below_headings(conflict)
        heading = f"{gone} (the new release has no such section)" if gone else _heading(conflict, decoded(text))
        yield style(f"  conflict {number} of {len(conflicts)}" + (f", {safe(heading)}" if heading else ""), "cyan")
        if conflict.ours.startswith(("text that is not UTF-8", "more than ")) and not conflict.base + conflict.theirs:
            yield f"    {safe(conflict.ours)} is not merged"
            continue
        yield from _side("the release had", conflict.base, None, style)
        yield from _side("you have", ours, conflict.base, style)
        moved = file.moved[number - 1] if file.moved else ()
        if not moved:
            yield from _side("the new release says", conflict.theirs, conflict.base, style)
        for rule in moved:
            yield from _side(f"the new release says, in {safe(rule.path)}", rule.text, conflict.base, style)
    if len(conflicts) > MOST_CONFLICTS:
        yield style(f"  … and {len(conflicts) - MOST_CONFLICTS} more conflicts; `--json` has all", "dim")


def _below_headings(conflict: Conflict) -> tuple[str, str]:
    """The heading that the user's text of a removed section keeps if it is chosen, and the text below it."""
    lines = conflict.ours.split("\n")
    above = [*takewhile(lambda line: not line or line.startswith("#"), lines)] if conflict.base[:1] != "#" else []
    return next((line for line in reversed(above) if line), ""), "\n".join(lines[len(above) :])


def _heading(conflict: Conflict, text: str) -> str:
    for piece in conflict:
        at = text.find(piece) if piece.strip() else -1
        if at >= 0:
            parts = split_front_matter(text)
            in_header = parts is not None and at < len(text) - len(parts[1])
            return heading_above(text, at) or ("header" if in_header else "")
    return ""


def _side(title: str, words: str, base: str | None, style: Callable[..., str]) -> Iterator[str]:
    yield f"    {title}"
    if not words.strip():
        yield style("      (nothing)", "dim")
        return
    spans = marked(base, words) if base and "\n" not in base.strip() and "\n" not in words.strip() else None
    lines = words.strip("\n").split("\n", MOST_LINES)
    more = lines[MOST_LINES:]
    whole = spans[1] if spans else (Span("\n".join(lines[:MOST_LINES]), False),)
    for line in _marked_lines(whole, style):
        yield f"      {line}".rstrip()
    if more:
        yield style(f"      … and {more[0].count(chr(10)) + 1} more lines", "dim")


def _marked_lines(spans: Sequence[Span], style: Callable[..., str]) -> list[str]:
    plain = style("x", "green") == "x"
    pieces = []
    for span in spans:
        words = safe_text(span.text)
        if not span.changed:
            pieces.append(words)
        else:
            pieces.append(f"{{+{words}+}}" if plain else style(words, "reverse"))
    return "".join(pieces).strip("\n").split("\n")
