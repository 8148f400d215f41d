"""Format differences rule by rule: field or rule, its id, section and origin, and a short text."""

from collections.abc import Iterator

from agentpack.changes.differences import Differences, FileDifference
from agentpack.differences.header import FieldChange, in_words
from agentpack.differences.rules import RuleChange
from agentpack.differences.words import Span, excerpt, marked
from agentpack.reports.escaping import safe
from agentpack.reports.words import (
    MARKS,
    Place,
    Style,
    bare,
    brief,
    each_file,
    lines_above,
    origin_words,
    short,
    spans_in,
)


def rules(differences: Differences, place: Place, style: Style) -> Iterator[str]:
    """The lines for each field and rule that differs."""
    yield from lines_above(differences, place)
    yield from each_file(
        differences,
        style,
        lambda file: short(file, place(file.path), style),
        lambda file: _file_rules(differences, file, style),
    )


def _file_rules(differences: Differences, file: FileDifference, style: Style) -> Iterator[str]:
    for change in file.compared.fields:
        yield from _field_lines(change, origin_words(differences, change, file), style)
    for rule in file.compared.rules:
        yield from _rule_lines(rule, origin_words(differences, rule, file), style)
    if not file.compared.fields and not file.compared.rules:
        yield "  no field or rule differs: only blank lines, line ends or header formatting"


_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "moved": (">", "blue")}


def _field_lines(change: FieldChange, origin: str, style: Style) -> Iterator[str]:
    name = style(safe(change.name), "bold")
    if change.before is None or change.after is None:
        came = change.before is None
        word, value = ("added", change.after) if came else ("removed", change.before)
        free = " (the client decides)" if change.name == "tools" and not came else ""
        yield f"  {_sign(word, style)} {name} {word}  {safe(brief(in_words(value)))}{free}  ({safe(origin)})"
    elif change.added or change.removed:
        members = [f"+{member}" for member in change.added] + [f"-{member}" for member in change.removed]
        yield f"  {_sign('changed', style)} {name} {safe(' '.join(members))}  ({safe(origin)})"
    elif max(len(in_words(change.before)), len(in_words(change.after))) <= 40:
        words = f"{in_words(change.before)} -> {in_words(change.after)}"
        yield f"  {_sign('changed', style)} {name} {safe(words)}  ({safe(origin)})"
    else:
        yield f"  {_sign('changed', style)} {name} changed  ({safe(origin)})"
        yield from _words(in_words(change.before), in_words(change.after), style)


def _sign(change: str, style: Style) -> str:
    sign, color = _SIGNS[change]
    return style(sign, color)


def _rule_lines(change: RuleChange, origin: str, style: Style) -> Iterator[str]:
    entry = change.entry
    name = style(safe(change.id or "(no id)"), "bold")
    what = "section " if entry.kind == "heading" else ""
    where = "" if entry.kind == "heading" else f"  {safe(entry.section) or 'before the first heading'}"
    moved = ""
    if change.moved:
        assert change.before is not None
        there = change.before.section
        moved = f", moved from {safe(there)}" if there != entry.section and entry.kind != "heading" else ", moved"
    word = "moved" if change.change == "moved" else change.change
    told = word + (moved if change.change == "changed" else moved.removeprefix(", moved") if moved else "")
    yield f"  {_sign(change.change, style)} {what}{name} {told}{where}  ({safe(origin)})"
    if change.change == "changed" and change.before is not None and change.after is not None:
        yield from _words(change.before.text, change.after.text, style)
    elif change.change != "moved":
        sign = "+" if change.after is not None else "-"
        yield f"      {style(safe(brief(bare(entry.text))), MARKS[sign][0])}"


def _words(before: str, after: str, style: Style) -> Iterator[str]:
    old, new = bare(before), bare(after)
    if old == new:
        yield "      only white space differs"
        return
    spans = marked(old, new)
    for index, (sign, line) in enumerate((("-", old), ("+", new))):
        if spans and not any(span.changed for span in spans[index]):
            continue  # the other side has all that differs
        side = excerpt(spans[index]) if spans else (Span(brief(line), False),)
        yield f"    {style(sign, MARKS[sign][0])} {spans_in(side, sign, style)}"
