"""base, ours, theirs -> text or conflicts.

Lines are merged first, as diff3 does (`pieces.py`). Where that does not do, the header is merged by its values
(`headers.py`, `fields.py`), and the body once more. Where lines conflict only because the two sides changed
neighbouring lines, the merge is tried once more over whole rules: in a list with one line a rule, an edit of one rule
and a change of the next are no conflict to a person. Where the new release has put its rules elsewhere, no alignment of
lines helps: then each edit is carried to the place at which its rule stands now (`rules.py`). What both sides changed
differently is told rule by rule; conflict markers never enter a file, only a copy that is merged by hand
(`markers.py`).

Line ends and a byte-order mark are no edit: texts are merged in LF, and the result is written as ours is.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from agentpack.merge.pieces import draft_pieces, has_each_key_once, merge_lines
from agentpack.merge.result import resolved
from agentpack.merge.rules import KnownEntries, carry
from agentpack.model.changes import Conflict, Draft
from agentpack.model.line_ends import in_form_of, plain

if TYPE_CHECKING:
    from agentpack.merge.headers import TextMerge

MAX_BYTES = 1024 * 1024


class Merged(NamedTuple):
    """The merged bytes, or None and the conflicts."""

    content: bytes | None
    conflicts: tuple[Conflict, ...] = ()
    draft: Draft = ()
    """Where there are conflicts: the merged text in order, what is settled and the conflicts, for merging by hand."""


def merge(
    base: bytes,
    ours: bytes,
    theirs: bytes,
    known: Callable[[], KnownEntries | None] | None = None,
    *,
    form: str = "markdown",
) -> Merged:
    """The text that has what both sides changed, in the form that ours has; drafts are in LF.

    Args:
        base: the pristine text that was rendered last.
        ours: what lies on disk.
        theirs: what is rendered now.
        known: gives the rules behind the two rendered texts, by which a rule is found again wherever it stands. Asked
            only where lines do not merge; without it, or where it gives None, that is a conflict.
        form: the format of the file, see `model.rendering.Form`.
    """
    merged = _merge(plain(base), plain(ours), plain(theirs), known, form)
    if merged.content is None:
        return merged
    return Merged(ours if merged.content == plain(ours) else in_form_of(ours, merged.content))


def _merge(
    base: bytes, ours: bytes, theirs: bytes, known: Callable[[], KnownEntries | None] | None, form: str
) -> Merged:
    """The same for texts in LF."""
    if ours in (base, theirs):
        return Merged(theirs)
    if theirs == base:
        return Merged(ours)
    try:
        old, mine, new = (side.decode("utf-8") for side in (base, ours, theirs))
    except UnicodeDecodeError:
        return Merged(None, (Conflict("", "text that is not UTF-8", ""),))
    if max(len(base), len(ours), len(theirs)) > MAX_BYTES:
        return Merged(None, (Conflict("", f"more than {MAX_BYTES // 1024} KiB", ""),))
    by_line = merge_lines(*(text.splitlines(keepends=True) for text in (old, mine, new)))
    if by_line is not None and has_each_key_once(by_line, old, mine, new):
        return Merged(by_line.encode())
    from agentpack.merge.headers import merge_frames  # brings YAML along

    merge_text = _merging(known)
    draft = merge_frames(form, (old, mine, new), merge_text)
    if draft is None and by_line is not None:
        return Merged(by_line.encode())
    return _settled(draft or merge_text(old, mine, new))


def _merging(known: Callable[[], KnownEntries | None] | None) -> "TextMerge":
    """How Markdown is merged: by lines, else by rules in their places, else by rules wherever they stand."""

    def merge_text(base: str, ours: str, theirs: str, *, by_line: bool = True) -> Draft:
        if ours in (base, theirs) or theirs == base:
            return (theirs if ours == base else ours,)
        sides = (text.splitlines(keepends=True) for text in (base, ours, theirs))
        merged = merge_lines(*sides) if by_line else None
        draft = tuple(draft_pieces(base, ours, theirs)) if merged is None else (merged,)
        if known is None or not _conflicts(draft) or (rules := known()) is None:
            return draft
        return carry(base, ours, theirs, rules) or draft

    return merge_text


def _conflicts(draft: Draft) -> tuple[Conflict, ...]:
    return tuple(piece for piece in draft if isinstance(piece, Conflict))


def _settled(draft: Draft) -> Merged:
    conflicts = _conflicts(draft)
    return Merged(None, conflicts, draft) if conflicts else Merged(resolved(draft, 0).encode())


__all__ = ["MAX_BYTES", "KnownEntries", "Merged", "merge", "resolved"]
