"""Words that all formats of differences share.

The formats are `text.py` for people, `rules.py` rule by rule, `markdown.py` for pull requests, and `data.py` as a patch
and as data.

Everything from packs or files is escaped for its destination; only a patch is exact, because it must apply. Colour
repeats what signs and marks say.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from agentpack.changes.differences import Differences, FileDifference, Remark
from agentpack.differences.header import FieldChange
from agentpack.differences.lines import LineCounts, counts, hunks
from agentpack.differences.parsed_files import decoded
from agentpack.differences.rules import EDIT, RuleChange
from agentpack.differences.words import Span
from agentpack.model.unmerged import MARKERS
from agentpack.reports.capabilities import may_lines
from agentpack.reports.conflicts import conflict_lines
from agentpack.reports.escaping import safe

Style = Callable[..., str]
Place = Callable[[str], str]
_SHORT = 160

STATES: Mapping[str, str] = {
    "edited": "edited by hand",
    "missing": "missing; `agentpack sync` restores it",
    "outdated": "not up to date with the lock; `agentpack sync` writes it",
    "leftover": "no longer locked; `agentpack sync` removes it",
    "blocked": "is not a regular file; move it elsewhere",
    "new": "new",
    "updated": "updated",
    "merged": "updated, your edits kept",
    "restored": "restored: it was missing",
    "removed": "removed",
    "changed": "changed",
    "conflict": "in conflict",
}
WHOLE = ("missing", "leftover", "blocked", "new", "restored", "removed")
"""States in which a whole file is added or removed; only a patch shows its contents."""


def remark_lines(remark: Remark, place: str) -> Iterator[str]:
    """A remark in one line, with its details below."""
    words = {
        "lock-missing": "missing; `agentpack sync` restores it",
        "lock-merging": "has an unresolved merge: run `agentpack lock` to merge the two sides",
        "manifest-missing": "missing, although there is a lock; `agentpack rollback` may restore it",
        "stale": "is out of date with agentpack.yaml: run `agentpack sync`",
        "unmerged": f"has {MARKERS}; resolve the merge there first",
        "rendering": "does not match the locked releases; `agentpack lock` rewrites it, or says what else differs",
    }
    yield f"{safe(place)}  {words[remark.kind]}"
    for detail in remark.details:
        for part in detail.split("\n"):
            yield f"  {safe(part)}"


def lines_above(differences: Differences, place: Place) -> Iterator[str]:
    """The lines before the files: packs, changed capabilities, remarks."""
    for pack in differences.packs:
        before, after = pack.before or "not installed", pack.after or "removed"
        yield safe(f"{pack.name} {before} -> {after}")
    for label, words in may_lines(differences.capabilities):
        yield safe(label + words)
    for remark in differences.remarks:
        yield from remark_lines(remark, place(remark.path))


def each_file(
    differences: Differences,
    style: Style,
    heading: Callable[[FileDifference], str],
    body: Callable[[FileDifference], Iterator[str]],
) -> Iterator[str]:
    """A heading for each file, and what changed in it: `body` for a file that exists before and after."""
    for number, file in enumerate(differences.files):
        if number or differences.packs or differences.remarks or differences.capabilities:
            yield ""
        yield heading(file)
        if file.unknown:
            yield f"  {safe(file.unknown)}"
        elif file.state == "conflict":
            yield from conflict_lines(file, file.after or b"", style)
        elif file.state not in WHOLE:
            yield from body(file)


def line_counts(file: FileDifference) -> LineCounts:
    """How many lines differ; zero unless both texts are known."""
    if file.unknown or file.state == "conflict":
        return LineCounts(0, 0)
    return counts(hunks(decoded(file.before or b""), decoded(file.after or b""), context=0))


def rule_counts(file: FileDifference) -> str:
    """`2 rules changed, 1 added, model changed`, or nothing."""
    by_kind = Counter(change.change for change in file.compared.rules)
    words: list[str] = []
    for kind in ("changed", "added", "removed", "moved"):
        if by_kind[kind]:
            noun = "" if words else f" rule{'' if by_kind[kind] == 1 else 's'}"
            words.append(f"{by_kind[kind]}{noun} {kind}")
    words += [f"{safe(change.name)} changed" for change in file.compared.fields]
    return ", ".join(words)


def state_words(file: FileDifference) -> str:
    """The state of a file, and after a semicolon what helps."""
    if file.outdated:
        way = "`agentpack sync` merges the two, or names the conflict"
        return f"{STATES[file.state]}, and not up to date with the lock; {way}"
    return STATES[file.state]


def short(file: FileDifference, place: str, style: Style) -> str:
    """The file in one line."""
    return f"{style(safe(place), 'bold')}  {state_words(file)}"


def origin_words(differences: Differences, change: FieldChange | RuleChange, file: FileDifference) -> str:
    """The origin of a change."""
    by_hand = differences.after == "disk" and file.state == "edited"
    if file.state == "outdated":
        return "not what is locked"
    if isinstance(change, FieldChange):
        return str(EDIT) if by_hand else str(file.compared.origins.get(change.name, EDIT))
    if by_hand:
        return str(EDIT)
    old, new = (side.origin if side else None for side in (change.before, change.after))
    if old is None or new is None or old == new:
        return str(new or old or "unknown")
    return f"{old} -> {new}"


def bare(words: str) -> str:
    """A rule's text in one line, without the mark of a list item or heading."""
    return re.sub(r"\A(?:[-*+]|#{1,6}|[0-9]{1,9}[.)]) ", "", " ".join(words.split()))


def brief(words: str) -> str:
    """Text cut to a length that can be read at a glance."""
    return words if len(words) <= _SHORT else words[: _SHORT - 1].rstrip() + "…"


MARKS = {"-": ("red", "[-", "-]"), "+": ("green", "{+", "+}")}


def spans_in(spans: Sequence[Span], sign: str, style: Style) -> str:
    """A line with changed words in reverse video, or without colour in `[-…-]` or `{+…+}`."""
    color, opening, closing = MARKS[sign]
    plain = style("x", color) == "x"
    done = []
    for span in spans:
        words = safe(span.text)
        if not span.changed:
            done.append(style(words, color))
        else:
            done.append(f"{opening}{words}{closing}" if plain else style(words, color, "reverse"))
    return "".join(done)
