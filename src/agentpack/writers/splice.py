"""Edit YAML in place: only the bytes that belong to a change are replaced, every other byte is kept.

PyYAML gives the position of each node. What is written there is up to the two callers: `manifest_edit.py` for
`agentpack.yaml`, and `shared_yaml.py` for a client's file with several agents in it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import yaml

_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029])|[^\r\n\x85\u2028\u2029]+")

Cut = tuple[int, int, str]
"""Start and end offset of a part of the text, and its replacement."""


class YamlText:
    """A YAML text without its byte-order mark, split into lines as PyYAML counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[str] = _LINE.findall(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._begins = [0, *accumulate(map(len, self.lines))]

    def changed(self, cuts: Iterable[Cut]) -> str:
        """The text with all cuts applied. They must not overlap."""
        pieces, done = [], 0
        for begin, end, fresh in sorted(cuts, key=lambda cut: cut[:2]):
            pieces += [self.text[done:begin], fresh]
            done = end
        return "".join((*pieces, self.text[done:]))

    def rows(self, first: int, end: int, rows: Sequence[str], column: int = 0) -> Cut:
        """Replace the lines from `first` up to `end` with these, indented to a column."""
        begin = self._begins[first]
        start = self.newline if rows and begin and not self.text.endswith("\n", 0, begin) else ""
        return begin, self._begins[end], start + "".join(row + self.newline for row in indented(rows, column))

    def filled(self, key: yaml.Node, nothing: yaml.Node, rows: Sequence[str]) -> Iterator[Cut]:
        """Put lines below a key in place of its empty value: `[]`, `{}`, `~` or nothing.

        Raises:
            ValueError: a comment is in the way.
        """
        begin, end, column = nothing.start_mark, nothing.end_mark, key.start_mark.column
        before, after = self.lines[begin.line][: begin.column], self.lines[end.line][end.column :]
        own_line = begin.line > key.start_mark.line
        inside = "" if is_nothing(nothing) else self.text[begin.index + 1 : end.index - 1]
        if inside.strip() or (own_line and (before.strip() or after.strip())):
            raise ValueError("there is a comment where the entry belongs")
        if own_line:
            yield self.rows(begin.line, end.line + 1, rows, column if begin.column == column + 1 else begin.column)
        else:
            yield begin.index - len(before) + len(before.rstrip()), end.index, ""
            yield self.rows(end.line + 1, end.line + 1, rows, column + 2)

    def emptied(self, key: yaml.Node, empty: str) -> Cut:
        """Put `[]` or `{}` behind a key whose lines are removed."""
        colon = self.text.index(":", key.end_mark.index) + 1
        return colon, colon, f" {empty}"

    def without_in_flow(self, items: Sequence[Any], gone: Collection[int]) -> Iterator[Cut]:
        """Remove these items, by number, from a list or map in flow style, with their commas."""
        spans = [_span(item) for item in items]
        last = max((number for number in range(len(items)) if number not in gone), default=None)
        if last is None:
            yield spans[0][0], spans[-1][1], ""
            return
        for number in gone:
            if number < last:
                yield spans[number][0], spans[number + 1][0], ""
            else:
                yield spans[number - 1][1], spans[number][1], ""

    def added_in_flow(self, items: Sequence[Any], fresh: str) -> Cut:
        """Append an item to a list or map in flow style that is not empty."""
        end = _span(items[-1])[1]
        return end, end, f", {fresh}"

    def at_end(self, node: yaml.CollectionNode, rows: Sequence[str]) -> Cut:
        """Put lines below the last item of a list or map in block style."""
        line = self.last_line(node) + 1
        return self.rows(line, line, rows, self.column(node.value))

    def dash_line(self, item: yaml.Node) -> int:
        """The line of an item's dash, which may be above the item itself."""
        line = int(item.start_mark.line)
        before = self.lines[line][: item.start_mark.column]
        while not before.lstrip().startswith("-") and line > 0:
            line -= 1
            before = self.lines[line]
        return line

    def column(self, items: Sequence[Any]) -> int:
        """The column of the items of a list or map in block style: of their dash, or of their key."""
        if isinstance(items[0], tuple):
            return int(items[0][0].start_mark.column)
        return self.lines[self.dash_line(items[0])].index("-")

    def last_line(self, node: yaml.Node) -> int:
        """The last line of a node's own text. PyYAML puts the end mark of a block behind the blank lines and comments
        that follow it.
        """
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            return self.last_line(_last(node.value[-1]))
        line, first = int(node.end_mark.line), node.start_mark.line
        if line > first and not "".join(self.lines[line : line + 1])[: node.end_mark.column].strip():
            line -= 1  # nothing of the node stands on the line where it ends
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") and node.value.endswith("\n\n"):
            return line  # blank lines are part of the text
        while line > first and not self.lines[line].strip():
            line -= 1
        return line


def in_place_of(node: yaml.Node, value: str) -> Cut:
    """Replace a value on its line; an empty one gets a space before it."""
    begin, end = node.start_mark.index, node.end_mark.index
    return begin, end, value if begin < end else f" {value}"


def indented(rows: Iterable[str], column: int) -> list[str]:
    """The lines indented to a column; empty lines stay empty."""
    return [" " * column + row if row else "" for row in rows]


def is_nothing(node: yaml.Node) -> bool:
    """Whether a value is null, written out or left empty."""
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def in_block(node: yaml.Node) -> bool:
    """Whether a node is a list or map in block style."""
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _last(item: Any) -> yaml.Node:
    """The last node of an item: the item of a list, or the value of a pair in a map."""
    node: yaml.Node = item[1] if isinstance(item, tuple) else item
    return node


def _span(item: Any) -> tuple[int, int]:
    first = item[0] if isinstance(item, tuple) else item
    return first.start_mark.index, _last(item).end_mark.index
