"""Where the top-level blocks of a Markdown text begin and end, as CommonMark 0.31 draws them.

Decides which lines make up a heading, a list item, a code block or any other block. What it means (rules, ids,
parameters) is left to the callers; markup inside a line is not looked at.

Only top-level blocks are asked for, so the lines of a quotation or a list item are not parsed as long as their `>` or
their indentation says where they belong. What is inside matters in one case: a line without them that may continue a
paragraph further in ("lazy continuation"). Only then are the lines of that one container read with a stack of
containers. Each line is read a fixed number of times and no pattern goes back, so time is linear in the text's length.

Where implementations of CommonMark differ, this one goes with the reference implementation commonmark.js:

- A link reference definition is the beginning of a paragraph until that paragraph ends. So what cannot interrupt a
  paragraph (indented code, `2.`, an empty item, a lone HTML tag) does not follow a definition without a blank line,
  and a line without its container's prefix may continue it.
- An underline makes a heading even of text that later lines could have turned into a definition.

Beyond `NESTING_LIMIT` containers in one another, further markers are read as text.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

NESTING_LIMIT: Final = 100
"""How many quotations and items may lie in one another; it bounds the work per line."""


class Block(NamedTuple):
    """One top-level block: its lines are `lines[start:end]`."""

    kind: str
    """`heading`, `item`, `code` (fenced or indented) or `text` (any other block)."""
    start: int
    end: int
    level: int
    """1 to 6 for a heading, otherwise 0."""


def blocks(lines: Sequence[str]) -> list[Block]:
    r"""Split the lines of a Markdown body (without front matter) into its top-level blocks, in order.

    Each string is one line, with its ending (`\n`, `\r\n` or `\r`) or without. Line numbers are 0-based. Every line
    that is not blank belongs to exactly one block; a blank line belongs to a block only when more of it follows.

    - A list is no block of its own: each of its items is one, with everything nested under it.
    - An ATX heading is one line. A setext heading has level 1 or 2 and spans its text and its underline.
    - Link reference definitions on consecutive lines are one `text` block. A paragraph or an underlined heading that
      follows them without a blank line is a block of its own.
    """
    # Blanks at the end of a line decide nothing about blocks; tabs stand for blanks up to the next multiple of four.
    texts = [line.rstrip(" \t\r\n").expandtabs(4) for line in lines]
    found: list[Block] = []
    at = 0
    while at < len(texts):
        if not (text := texts[at]):
            at += 1
            continue
        start, first = at, _first(text)
        mark = _FRESH.match(text, first) if text[first] in _MARKS and first < 4 else None
        if first >= 4:
            at = _indented_end(texts, start)
            found.append(Block("code", start, at, 0))
        elif mark is None:
            at = _paragraph(texts, start, found)
        elif mark.lastgroup == "item":
            at = _item_end(texts, start, first + _content_offset(mark))
            found.append(Block("item", start, at, 0))
        elif mark.lastgroup == "heading":
            at = start + 1
            found.append(Block("heading", start, at, mark.end() - first))
        elif mark.lastgroup == "fence":
            at = _fence_end(texts, start, mark["fence"])
            found.append(Block("code", start, at, 0))
        else:
            at = _other_end(texts, start, mark)
            found.append(Block("text", start, at, 0))
    return found


# How blocks begin. The patterns are matched at the first character of a line that is not a blank, in lines without
# tabs and without blanks at the end, and are possessive so that they never go back.

_MARKS: Final = frozenset("#>-+*_`~<0123456789")
_PARAGRAPH_MARKS: Final = _MARKS | {"="}
_ANY_ITEM: Final = r"(?:[-+*]|[0-9]{1,9}[.)])(?:[ ]++|$)"
_INTERRUPTING_ITEM: Final = r"(?:[-+*]|0{0,8}1[.)])[ ]++"
_ANY_TAG: Final = r"""
    |(?P<any_tag> < (?:
        [a-z][a-z0-9-]*+ (?:[ ]++ [a-z_:][a-z0-9_.:-]*+
            (?:[ ]*+ = [ ]*+ (?: [^"'=<>`\x00-\x20]++ | '[^']*+' | "[^"]*+" ))?+ )*+ [ ]*+ /?+
        | /[a-z][a-z0-9-]*+ [ ]*+
    ) > $)"""


def _starts(item: str, any_tag: str = "") -> re.Pattern[str]:
    return re.compile(
        rf"""
          (?P<break> (?:\*[ ]*+){{3,}}+$ | (?:-[ ]*+){{3,}}+$ | (?:_[ ]*+){{3,}}+$ )
        | (?P<item> {item} )
        | (?P<heading> [#]{{1,6}}+(?=[ ]|$) )
        | (?P<fence> `{{3,}}+(?=[^`]*+$) | ~{{3,}}+ )
        | (?P<quote> > )
        | (?P<raw> <(?:script|pre|style|textarea)(?=[ >]|$) )
        | (?P<comment> <!-- )
        | (?P<instruction> <\? )
        | (?P<declaration> <![a-z] )
        | (?P<cdata> <!\[CDATA\[ )
        | (?P<block_tag> </?+(?:
              address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div
              |dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li
              |link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td
              |tfoot|th|thead|title|tr|track|ul
          )(?=[ >]|/>|$) )
        {any_tag}""",
        re.VERBOSE | re.IGNORECASE | re.ASCII,
    )


_FRESH: Final = _starts(_ANY_ITEM, _ANY_TAG)
"""Where no paragraph is open."""
_IN_PARAGRAPH: Final = _starts(_INTERRUPTING_ITEM)
"""Where a paragraph is open that the line would continue."""
_OUTSIDE_PARAGRAPH: Final = _starts(_ANY_ITEM)
"""Where a paragraph is open in a container that the line does not belong to, unless it is a lazy continuation."""

_BULLETS: Final = frozenset(("- ", "* ", "+ "))
"""How most items begin: what the pattern matches too."""

_UNDERLINE: Final = re.compile(r"=++$|-++$")
_HTML_ENDS: Final = {
    "raw": re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE | re.ASCII),
    "comment": re.compile("-->"),
    "instruction": re.compile(r"\?>"),
    "declaration": re.compile(">"),
    "cdata": re.compile(r"\]\]>"),
}
"""What ends each kind of HTML block, on the line where it is found; the other kinds end before a blank line."""

# The optional title is `?`, not `?+`: Python 3.11.2 forgets the position behind a group that failed in it.
_DEFINITION: Final = re.compile(
    r"""
    \[ (?=[ \n]*+[^\] \n]) (?: [^\[\]\\]++ | \\. )*+ \]:
    [ \n]*+ (?: < (?: [^<>\\\n]++ | \\[^\n] )*+ > | (?!<)(?P<bare> [^\x00-\x20\x7f]++ ) )
    (?: [ \n]++ (?: "(?:[^"\\]++|\\.)*+" | '(?:[^'\\]++|\\.)*+' | \((?:[^()\\]++|\\.)*+\) ) (?=[ ]*+(?:\n|\Z)) )?
    [ ]*+ (?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)


def _first(text: str) -> int:
    """The column of the first character that is not a blank."""
    return 0 if text[0] != " " else len(text) - len(text.lstrip(" "))


def _content_offset(mark: re.Match[str]) -> int:
    """The columns from an item's marker to its content."""
    whole = mark["item"]
    marker = len(whole.rstrip(" "))
    blanks = len(whole) - marker
    # With five blanks or more the content is indented code, one column after the marker.
    return marker + blanks if 1 <= blanks <= 4 else marker + 1


# Where blocks end: each function returns the line after the last one of the block that begins at `start`.


def _indented_end(texts: Sequence[str], start: int) -> int:
    end = start + 1
    for at in range(end, len(texts)):
        text = texts[at]
        if text:
            if not text.startswith("    "):
                break
            end = at + 1
    return end


def _fence_end(texts: Sequence[str], start: int, fence: str) -> int:
    end = start + 1
    for at in range(end, len(texts)):
        text = texts[at]
        if text:
            end = at + 1
            if _closes(text, 0, fence):
                break
    return end


def _closes(text: str, position: int, fence: str) -> bool:
    """Whether the rest of a line is the closing fence."""
    first = text.find(fence, position)
    return 0 <= first - position < 4 and not text[position:first].strip(" ") and not text[first:].strip(fence[0])


def _other_end(texts: Sequence[str], start: int, mark: re.Match[str]) -> int:
    if mark.lastgroup == "break":
        return start + 1
    if mark.lastgroup == "quote":
        return _quote_end(texts, start)
    return _html_end(texts, start, _HTML_ENDS.get(mark.lastgroup or ""))


def _html_end(texts: Sequence[str], start: int, closing: re.Pattern[str] | None) -> int:
    end = start
    for at in range(start, len(texts)):
        text = texts[at]
        if text:
            end = at + 1
            if closing and closing.search(text):
                break
        elif not closing:
            break
    return end


def _quote_end(texts: Sequence[str], start: int) -> int:
    for at in range(start + 1, len(texts)):
        text = texts[at]
        if not text:
            return at
        first = _first(text)
        if first >= 4 or text[first] != ">":
            return at if first < 4 and _OUTSIDE_PARAGRAPH.match(text, first) else _container_end(texts, start)
    return len(texts)


def _item_end(texts: Sequence[str], start: int, offset: int) -> int:
    prefix = " " * offset
    end = start + 1
    for at in range(end, len(texts)):
        text = texts[at]
        if not text:
            if at == start + 1 and len(texts[start]) < offset:
                return end  # an item without content does not reach over a blank line
        elif text.startswith(prefix):
            end = at + 1
        elif end < at:
            return end  # a blank line ended whatever paragraph there was
        elif text[:2] in _BULLETS:
            return end
        else:
            first = _first(text)
            return end if first < 4 and _OUTSIDE_PARAGRAPH.match(text, first) else _container_end(texts, start)
    return end


def _paragraph(texts: Sequence[str], start: int, found: list[Block]) -> int:
    """Add what begins at `start` (a paragraph, heading or link definitions) to `found`. Returns the line after it."""
    at = start + 1
    while at < len(texts):
        text = texts[at]
        if not text:
            break
        first = _first(text)
        if first < 4 and text[first] in _PARAGRAPH_MARKS:
            if _UNDERLINE.match(text, first):
                defined = _definitions(texts[start:at])
                if defined:
                    found.append(Block("text", start, start + defined, 0))
                    start += defined
                if start < at:
                    found.append(Block("heading", start, at + 1, 1 if text[first] == "=" else 2))
                    return at + 1
            if _IN_PARAGRAPH.match(text, first):
                break
        at += 1
    defined = _definitions(texts[start:at])
    if defined:
        found.append(Block("text", start, start + defined, 0))
    if start + defined < at:
        found.append(Block("text", start + defined, at, 0))
    return at


def _definitions(paragraph: Sequence[str]) -> int:
    """The number of lines that link reference definitions take at the beginning of a paragraph."""
    if not paragraph or not paragraph[0].lstrip(" ").startswith("["):
        return 0
    text = "\n".join(line.lstrip(" ") for line in paragraph)
    position = 0
    while (found := _DEFINITION.match(text, position)) and _is_balanced(found["bare"] or ""):
        position = found.end()
    return len(paragraph) if position == len(text) else text.count("\n", 0, position)


def _is_balanced(destination: str) -> bool:
    """Whether the parentheses of a link destination come in pairs, those after a backslash aside."""
    depth = 0
    for found in re.finditer(r"\\.|[()]", destination):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not 0 <= depth <= 32:
            return False
    return depth == 0


def _container_end(texts: Sequence[str], start: int) -> int:
    """The line after the quotation or list item that begins on line `start`."""
    containers = _Containers()
    end = start
    for at in range(start, len(texts)):
        if not containers.take(texts[at]):
            break
        if texts[at]:
            end = at + 1
    return end


_QUOTE: Final = -1


class _Containers:
    """The containers open after some lines, outermost first, and the one leaf block open in the innermost."""

    __slots__ = ("closing", "fence", "hollow", "leaf", "paragraph", "widths")

    def __init__(self) -> None:
        self.widths: list[int] = []
        """For an item the columns from its container's content to its own; `_QUOTE` for a quotation."""
        self.leaf = ""
        """`paragraph`, `fence`, `html`, `indented`, or nothing."""
        self.hollow = False
        """Whether the innermost container is an item whose only line so far has no content."""
        self.fence = ""
        self.closing: re.Pattern[str] | None = None
        self.paragraph: list[str] = []
        """The lines of the open paragraph, if it may begin with definitions."""

    def take(self, text: str) -> bool:
        """Read one more line, and say whether it belongs to the outermost container."""
        matched, position = self._match(text)
        belongs = matched == len(self.widths)
        if belongs and self.leaf not in ("", "paragraph"):
            if self._leaf_takes(text, position):
                return True
            self.leaf = ""
        self.hollow = False
        if position >= len(text):
            self._close(matched)
            return bool(self.widths)
        return self._start(text, position, matched)

    def _match(self, text: str) -> tuple[int, int]:
        """How many containers the line goes on with, and where the rest of it begins."""
        position, first, length = 0, _skip_blanks(text, 0), len(text)
        for matched, width in enumerate(self.widths):
            if width == _QUOTE:
                if first >= length or first - position >= 4 or text[first] != ">":
                    return matched, position
                position = _after_quote_mark(text, first)
                first = _skip_blanks(text, position)
            elif first < length:
                if first - position < width:
                    return matched, position
                position += width
            elif self.hollow and matched + 1 == len(self.widths):
                return matched, length
        return len(self.widths), position

    def _leaf_takes(self, text: str, position: int) -> bool:
        """Whether an open leaf that is not a paragraph goes on, or ends, with this line."""
        if self.leaf == "indented":
            return not text[position : position + 4].strip(" ")
        if self.leaf == "fence":
            if _closes(text, position, self.fence):
                self.leaf = ""
            return True
        if self.closing is None:
            return position < len(text)
        if self.closing.search(text, position):
            self.leaf = ""
        return True

    def _start(self, text: str, position: int, matched: int) -> bool:
        """Open the block that begins at `position`, which is not blank, or continue the open paragraph."""
        starts = _FRESH
        if self.leaf == "paragraph":
            starts = _IN_PARAGRAPH if matched == len(self.widths) else _OUTSIDE_PARAGRAPH
        is_first_line = not self.widths
        while (first := _skip_blanks(text, position)) < len(text):
            mark = None
            if first - position < 4:
                if starts is _IN_PARAGRAPH and _UNDERLINE.match(text, first) and self._underline():
                    return True
                mark = starts.match(text, first)
            is_container = mark is not None and mark.lastgroup in ("item", "quote")
            if is_container and matched >= NESTING_LIMIT:
                mark = None
            if mark is None and starts is not _FRESH:
                if self.paragraph:
                    self.paragraph.append(text[first:])
                return True
            self._close(matched)
            if not matched and not is_first_line:
                return False
            if mark is None or not is_container:
                self._open_leaf(text, position, first, mark)
                return True
            position = self._open_container(text, position, mark)
            matched += 1
            starts = _FRESH
            is_first_line = False
        self.hollow = self.widths[-1] != _QUOTE
        return True

    def _underline(self) -> bool:
        """Whether an underline makes a heading, which then ends, of the open paragraph."""
        if self.paragraph and _definitions(self.paragraph) == len(self.paragraph):
            self.paragraph = []
            return False
        self._close(len(self.widths))
        return True

    def _open_container(self, text: str, position: int, mark: re.Match[str]) -> int:
        """Open the quotation or item of `mark`, and say where its content begins."""
        if mark.lastgroup == "quote":
            self.widths.append(_QUOTE)
            return _after_quote_mark(text, mark.start())
        content = mark.start() + _content_offset(mark)
        self.widths.append(content - position)
        return content

    def _open_leaf(self, text: str, position: int, first: int, mark: re.Match[str] | None) -> None:
        kind = mark.lastgroup if mark else None
        if mark is None:
            self.leaf = "indented" if first - position >= 4 else "paragraph"
            self.paragraph = [text[first:]] if text[first] == "[" else []
        elif kind == "fence":
            self.leaf = "fence"
            self.fence = mark["fence"]
        elif kind not in ("break", "heading"):
            self.closing = _HTML_ENDS.get(kind or "")
            self.leaf = "" if self.closing and self.closing.search(text, first) else "html"

    def _close(self, matched: int) -> None:
        """Close the open leaf, and all containers but the first `matched` ones."""
        del self.widths[matched:]
        self.leaf = ""


def _skip_blanks(text: str, position: int) -> int:
    while text.startswith(" ", position):
        position += 1
    return position


def _after_quote_mark(text: str, first: int) -> int:
    """Where the content of a quotation begins: one blank after its mark belongs to the mark."""
    return first + 2 if text.startswith(" ", first + 1) else first + 1
