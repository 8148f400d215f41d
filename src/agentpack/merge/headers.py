"""Merge a client's file: decides whose value of each header field is kept, and merges the Markdown body.

If one side changed the value of a field, its value wins; both sides may write the same value differently. The lines are
the release's if the user did not touch them or the release changed the value, else the user's: quotes, lists, comments
and the order of fields survive. Only a field that both sides changed differently is a conflict. A header that cannot be
parsed is merged line by line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from agentpack.compose.parse import split_front_matter
from agentpack.merge.fields import Fields, HeaderField, comments_in, field_text, fields_of
from agentpack.merge.pieces import merge_lines
from agentpack.merge.result import join_adjacent, resolved
from agentpack.model.changes import Conflict, Draft


class TextMerge(Protocol):
    """How Markdown is merged into a draft; `by_line` False skips merging by lines, which is known to fail."""

    def __call__(self, base: str, ours: str, theirs: str, *, by_line: bool = True) -> Draft: ...


_BLOCK: Mapping[str, re.Pattern[str]] = {
    "toml": re.compile(r"[A-Za-z0-9_-]+ = '''\n"),
    "yaml": re.compile(r"[A-Za-z0-9_-]+: \|2-?\n"),
}


class Frame(NamedTuple):
    """A Markdown file: the two fences, the header between them, and the body."""

    opening: str
    head: str
    closing: str
    body: str


def framed(text: str) -> Frame | None:
    """The Markdown file in its parts; None if it has no front matter."""
    parts = split_front_matter(text)
    if parts is None:
        return None
    top = text[: len(text) - len(parts[1])]
    opening, _, rest = top.partition("\n")
    before = rest.removesuffix("\n").rpartition("\n")[0]
    head = rest[: len(before) + 1] if before or rest.startswith("\n") else ""
    return Frame(f"{opening}\n", head, rest[len(head) :], parts[1])


def merge_frames(form: str, sides: tuple[str, str, str], body: TextMerge) -> Draft | None:
    """The merged file, with a conflict for each field that both sides changed. None if no header can be parsed and
    lines do not merge either.

    Args:
        form: the format of the file.
        sides: base, ours and theirs.
    """
    if form != "markdown":
        return None if form == "body" else _merge_fields(form, sides, body)
    old, mine, new = (framed(side) for side in sides)
    if old is None or mine is None or new is None:
        return None
    head = _merge_heads(old.head, mine.head, new.head)
    if head is None:
        return None
    is_settled = len({old.head, mine.head, new.head}) < 3  # so that the lines of the bodies did not merge
    fences = [new[at] if mine[at] == old[at] else mine[at] for at in (0, 2)]
    return tuple(
        join_adjacent([fences[0], *head, fences[1], *body(old.body, mine.body, new.body, by_line=not is_settled)])
    )


def _merge_heads(old: str, mine: str, new: str) -> Draft | None:
    if mine in (old, new):
        return (new,)
    if new == old:
        return (mine,)
    heads = (old, mine, new)
    head = _merge_fields("yaml", heads, None) or _merge_fields("lenient", heads, None)
    if head is not None:
        return head
    merged = merge_lines(*(side.splitlines(keepends=True) for side in heads))
    return None if merged is None else (merged,)


def _merge_fields(form: str, texts: tuple[str, str, str], body: TextMerge | None) -> Draft | None:
    sides = fields_of(form, texts)
    if sides is None:
        return None
    merging = _HeaderMerge(form, sides, body)
    draft = tuple(join_adjacent(list(merging.pieces())))
    if any(isinstance(piece, Conflict) for piece in draft):
        return draft
    again = fields_of(form, [resolved(draft, 0)])
    return draft if again is not None and again[0].values == merging.values else None


class _HeaderMerge:
    """Merges the fields of one header."""

    def __init__(self, form: str, sides: Sequence[Fields], body: TextMerge | None) -> None:
        self.form = form
        self.old, self.mine, self.new = (side.by_key for side in sides)
        self.rests = [side.rest for side in sides]
        self.merge_body = body
        self.values: dict[str, str] = {}
        """What every field of the merged text must say, where there is no conflict."""

    def pieces(self) -> Iterator[str | Conflict]:
        if self.form == "json":
            yield "{\n"
        following, loose = "", ""
        for key in self.order():
            found = self.decided(key)
            lead = loose + self.lead(key)
            if not found:
                loose = lead  # what stood above a field that went stands above the next one
                continue
            yield following + lead
            loose = ""
            yield from found
            following = ",\n" if self.form == "json" else ""
        yield "\n}\n" if self.form == "json" else loose + _side(*self.rests)

    def order(self) -> list[str]:
        """The merged keys, tables of TOML last. They follow the release's order, or the user's order if the user
        reordered keys, or had already added a key that the release adds.
        """
        reordered = [key for key in self.mine if key in self.old] != [key for key in self.old if key in self.mine]
        reordered = reordered or any(key in self.mine and key not in self.old for key in self.new)
        first, second = (self.mine, self.new) if reordered else (self.new, self.mine)
        found = list(first)
        before: str | None = None
        for key in second:
            if key not in first:
                found.insert(0 if before is None else found.index(before) + 1, key)
            before = key
        return sorted(found, key=self.is_table)  # what stands behind a table of TOML would belong to it

    def is_table(self, key: str) -> bool:
        taken = self.taken(key)
        text = taken.text if isinstance(taken, HeaderField) else "".join(taken or ())
        return text.lstrip().startswith("[")

    def lead(self, key: str) -> str:
        """The lines above a field, and the user's comments beside a value that is replaced."""
        old, mine, new = (side[key].lead if key in side else "" for side in (self.old, self.mine, self.new))
        lead = _side(old, mine, new) if key in self.mine else new
        if key not in self.mine or self.taken(key) is self.mine[key]:
            return lead
        known = [*(comments_in(self.form, side[key].text) for side in (self.old, self.new) if key in side)]
        own = [one for one in comments_in(self.form, self.mine[key].text) if not any(one in some for some in known)]
        return lead + "".join(f"{comment}\n" for comment in own)

    def taken(self, key: str) -> HeaderField | Conflict | None:
        """The field of the winning side; None if that side has none; a conflict if both changed it."""
        old, mine, new = self.old.get(key), self.mine.get(key), self.new.get(key)
        is_released_anew = (new and repr(new.value)) != (old and repr(old.value))  # also a list in the place of a text
        if _same(mine, old):
            return mine if not is_released_anew and mine and old and mine.text != old.text else new
        if not is_released_anew:
            return mine
        return new if _same(mine, new) else Conflict(*("" if side is None else side.text for side in (old, mine, new)))

    def decided(self, key: str) -> list[str | Conflict]:
        taken = self.taken(key)
        if isinstance(taken, HeaderField):
            self.values[key] = repr(taken.value)
            return [taken.text if taken.text.endswith("\n") or self.form == "json" else f"{taken.text}\n"]
        return [] if taken is None else self.collided(key, taken)

    def collided(self, key: str, conflict: Conflict) -> list[str | Conflict]:
        """A field that both sides changed. A multi-line text, such as a body field, is merged itself."""
        sides = [side[key] for side in (self.old, self.mine, self.new) if key in side]
        texts = [side.value for side in sides if isinstance(side.value, str) and "\n" in side.value]
        if self.merge_body is None or len(texts) != 3:
            return [conflict]
        draft = self.merge_body(texts[0], texts[1], texts[2])
        if not any(isinstance(piece, Conflict) for piece in draft):
            value = resolved(draft, 0)
            self.values[key] = repr(value)
            return [field_text(self.form, key, value)]
        block = _BLOCK[self.form].match(conflict.theirs) if self.form in _BLOCK else None
        if block is None or any("'''" in text for text in texts):
            return [conflict]
        if self.form == "toml":
            return [block[0], *draft, "'''\n"]
        return [block[0], *(_indented(piece) for piece in draft), "" if texts[2].endswith("\n") else "\n"]


def _same(one: HeaderField | None, other: HeaderField | None) -> bool:
    return one is other if one is None or other is None else one.has_value_of(other)


def _side(base: str, ours: str, theirs: str) -> str:
    """Blank lines and comments of the side that changed them; ours if both did."""
    return theirs if ours == base else ours


def _indented(piece: str | Conflict) -> str | Conflict:
    if isinstance(piece, Conflict):
        return Conflict(*(str(_indented(side)) for side in piece))
    return re.sub(r"^(?=[^\n])", "  ", piece, flags=re.MULTILINE)
