"""Format differences as changed lines with changed words marked, or as one line for each file."""

from collections.abc import Iterator, Sequence

from agentpack.changes.differences import Differences, FileDifference
from agentpack.compose.parse import split_front_matter
from agentpack.differences.lines import Hunk, counts, hunks
from agentpack.differences.parsed_files import decoded
from agentpack.differences.words import Span, marked, paired, unpaired
from agentpack.reports.escaping import safe
from agentpack.reports.words import (
    MARKS,
    Place,
    Style,
    each_file,
    line_counts,
    lines_above,
    rule_counts,
    short,
    spans_in,
    state_words,
)

MARKED = 2_000
"""Words are only marked in files with up to this many changed lines."""


def stat(differences: Differences, place: Place, style: Style) -> Iterator[str]:
    """A line for each file: its state, the number of lines, and which rules."""
    yield from lines_above(differences, place)
    for file in differences.files:
        found = line_counts(file)
        numbers = f"{style(f'+{found.added}', 'green')} {style(f'-{found.removed}', 'red')}"
        more = file.unknown or rule_counts(file)
        state = state_words(file).split(";")[0]
        yield f"{style(safe(place(file.path)), 'bold')}  {state}  {numbers}" + (f"  {safe(more)}" if more else "")


def text(differences: Differences, place: Place, style: Style, *, width: int | None) -> Iterator[str]:
    """The changed lines of each file, with changed words marked.

    Args:
        width: unchanged lines are cut to it, if given.
    """
    yield from lines_above(differences, place)

    def heading(file: FileDifference) -> str:
        found = line_counts(file)
        numbers = f"  +{found.added} -{found.removed}" if found != (0, 0) and file.after is not None else ""
        return short(file, place(file.path), style) + numbers

    yield from each_file(differences, style, heading, lambda file: _body(file, style, width))


def _body(file: FileDifference, style: Style, width: int | None) -> Iterator[str]:
    after = decoded(file.after or b"")
    found = hunks(decoded(file.before or b""), after, context=2)
    parts = split_front_matter(after)
    header = parts[2] if parts else 0
    marks = sum(counts(found)) <= MARKED
    last = None
    for hunk in found:
        heading = "header" if hunk.after_start + 2 < header else hunk.heading
        if heading != last:
            yield style(f"  {safe(heading) or 'text'}", "cyan")
        else:
            yield style("    …", "dim")
        last = heading
        yield from _hunk_lines(hunk, style, width, marks)


def _hunk_lines(hunk: Hunk, style: Style, width: int | None, marks: bool) -> Iterator[str]:
    removed: list[str] = []
    added: list[str] = []
    rows = list(hunk.rows)
    while rows and rows[0].sign == " " and (not rows[0].text.strip() or rows[0].text.strip() == hunk.heading):
        rows.pop(0)
    while rows and rows[-1].sign == " " and not rows[-1].text.strip():
        rows.pop()
    for row in rows:
        if row.sign == "-":
            removed.append(row.text)
        elif row.sign == "+":
            added.append(row.text)
        else:
            yield from _change_lines(removed, added, style, marks)
            removed, added = [], []
            yield style(_cut(f"    {safe(row.text.removesuffix(chr(10)))}".rstrip(), width), "dim")
    yield from _change_lines(removed, added, style, marks)


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _change_lines(removed: Sequence[str], added: Sequence[str], style: Style, marks: bool) -> Iterator[str]:
    for old, new in paired(removed, added) if marks else unpaired(removed, added):
        spans = marked(old.rstrip("\n"), new.rstrip("\n")) if old is not None and new is not None else None
        if old is not None:
            yield from _changed_line("-", old, spans[0] if spans else None, style)
        if new is not None:
            yield from _changed_line("+", new, spans[1] if spans else None, style)


def _changed_line(sign: str, line: str, spans: Sequence[Span] | None, style: Style) -> Iterator[str]:
    color = MARKS[sign][0]
    whole = (Span(line.removesuffix("\n"), False),) if spans is None else spans
    yield style(f"  {sign} ", color) + spans_in(whole, sign, style)
    if not line.endswith("\n"):
        yield style("    \\ no line end at the end of the file", "dim")
