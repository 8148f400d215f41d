"""Three-way merge of agent files: base, ours and theirs become one text, or conflicts.

Lines are merged first, like diff3 (`pieces.py`). If that fails, the header is merged by values (`headers.py`,
`fields.py`) and the body once more. If lines conflict only because the two sides changed neighbouring lines, whole
rules are merged: in a list with one line a rule, an edit of one rule and a change of the next do not conflict for a
reader. If the new release moved its rules, no alignment of lines helps: then each edit is moved to the place of its
rule (`rules.py`). Real conflicts are reported rule by rule. Conflict markers are never written to an installed file,
only to a copy that is merged by hand (`markers.py`).

Line ends and a byte-order mark are not edits: texts are merged with LF, and the result is written in the form of ours.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from agentpack.compose.modules import in_place, parted
from agentpack.merge.pieces import draft_pieces, has_each_key_once, is_misplaced, merge_lines
from agentpack.merge.result import join_adjacent, resolved
from agentpack.merge.rules import KnownEntries, carry_edits
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
    """With conflicts: the merged text in order, merged parts and conflicts, for merging by hand."""


def merge(
    base: bytes,
    ours: bytes,
    theirs: bytes,
    known: Callable[[], KnownEntries | None] | None = None,
    *,
    form: str = "markdown",
) -> Merged:
    """Merge the changes of both sides. The result has the line ends of ours; drafts have LF.

    Args:
        base: the pristine text that was rendered last.
        ours: the text on disk.
        theirs: the text rendered now.
        known: returns the rules behind both rendered texts, by which a moved rule is found. Called
            only if lines do not merge; without it, or if it returns None, that is a conflict.
        form: the format of the file, see `model.rendering.Form`.
    """
    merged = _merge(plain(base), plain(ours), plain(theirs), known, form)
    if merged.content is None:
        return merged
    return Merged(ours if merged.content == plain(ours) else in_form_of(ours, merged.content))


def _merge(
    base: bytes, ours: bytes, theirs: bytes, known: Callable[[], KnownEntries | None] | None, form: str
) -> Merged:
    """Merge texts that have LF line ends."""
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
    is_settled = by_line is not None and by_line == in_place(by_line)
    if by_line is not None and is_settled and has_each_key_once(by_line, old, mine, new):
        return Merged(by_line.encode())
    from agentpack.merge.headers import merge_frames  # brings YAML along

    merge_text, is_text = _merging(known), form in ("markdown", "body")
    draft = merge_frames(form, (old, mine, new), _above_skills(merge_text))
    if draft is None and by_line is not None and (is_settled or not is_text):
        return Merged(by_line.encode())
    return _settled(draft or (_above_skills(merge_text) if is_text else merge_text)(old, mine, new))


def _above_skills(merge_text: "TextMerge") -> "TextMerge":
    """How a body is merged: the section that names the skills apart, so that nothing else gets into it."""

    def merge_body(base: str, ours: str, theirs: str, *, by_line: bool = True) -> Draft:
        texts, skills = zip(*map(parted, (base, ours, theirs)), strict=True)
        if not any(skills) or theirs == base:
            return merge_text(base, ours, theirs, by_line=by_line)
        return tuple(join_adjacent([*merge_text(*texts), *merge_text(*skills)]))

    return merge_body


def _merging(known: Callable[[], KnownEntries | None] | None) -> "TextMerge":
    """How Markdown is merged: by lines, else by rules in place, else by moved rules."""

    def merge_text(base: str, ours: str, theirs: str, *, by_line: bool = True) -> Draft:
        if ours in (base, theirs) or theirs == base:
            return (theirs if ours == base else ours,)
        sides = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
        merged = merge_lines(*sides) if by_line else None
        draft = tuple(draft_pieces(base, ours, theirs)) if merged is None else (merged,)
        is_right = not _conflicts(draft) and not is_misplaced(resolved(draft, 0).splitlines(keepends=True), *sides)
        if known is None or is_right or (rules := known()) is None:
            return draft
        return carry_edits(base, ours, theirs, rules) or draft

    return merge_text


def _conflicts(draft: Draft) -> tuple[Conflict, ...]:
    return tuple(piece for piece in draft if isinstance(piece, Conflict))


def _settled(draft: Draft) -> Merged:
    conflicts = _conflicts(draft)
    return Merged(None, conflicts, draft) if conflicts else Merged(resolved(draft, 0).encode())


__all__ = ["MAX_BYTES", "KnownEntries", "Merged", "merge", "resolved"]
