"""One agent's entry in a YAML file that holds many, others' among them: read, set, taken out, every other byte kept.

The library says where each node stands in the text; the change is spliced in there. The result is read again and must
mean what the file meant before but for that entry, else nothing is given back.

An entry's text is a YAML map without indentation. In a block it is the very lines of the file, with what a user wrote
into them; in flow style, as JSON has it, it is the map written anew by `emit.yaml_entry`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import yaml

from agentpack.clients.emit import json_text, yaml_entry
from agentpack.model.line_ends import MARK

MAX_CHARACTERS = 1024 * 1024
"""Of a file that several agents share."""
MAX_VALUES = 20_000
"""Scalars, maps and lists in it, those that aliases stand for counted each time."""
MAX_DEPTH = 50
_EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+0-9a-fA-FxXoO_:.]+\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the entries are: the keys that lead to their list or map, and for a list the key that names an entry."""

    path: tuple[str, ...]
    key: str | None

    def entries(self, data: bytes) -> Mapping[str, str]:
        """The text of each entry."""
        return {name: entry.text for name, entry in _Text(_decoded(data), self).entries.items()}

    def put(self, data: bytes, name: str, text: str | None) -> bytes:
        """The file with that entry set, or taken out."""
        return self._put(data, _Text(_decoded(data), self), name, text)

    def _put(self, data: bytes, file: "_Text", name: str, text: str | None) -> bytes:
        """The same, of a file that was read."""
        before = file.text
        if text is None:
            if name not in file.entries:
                return data
            after = self._without(file, name)
        else:
            value = _loaded(text)
            if not isinstance(value, dict) or (self.key is not None and value.get(self.key) != name):
                raise ValueError(f"not an entry for `{name}`")
            after = file.replaced(name, text) if name in file.entries else file.added(name, text)
        self._check(before, after, name, text)
        return MARK + after.encode() if after and data.startswith(MARK) else after.encode()

    def put_all(self, data: bytes, texts: Mapping[str, str | None]) -> bytes:
        """The same for several entries. The file is read a few times, however many these are."""
        left = dict(texts)
        while left:
            before = _decoded(data)
            file = _Text(before, self)
            some = file.changed_at_once(left) or [next(iter(left))]
            if len(some) == 1:
                data = self._put(data, file, some[0], left[some[0]])
            else:
                after = file.with_all({name: left[name] for name in some})
                self._check_all(before, after, {name: left[name] for name in some})
                data = MARK + after.encode() if data.startswith(MARK) else after.encode()
            left = {name: text for name, text in left.items() if name not in some}
        return data

    def _without(self, file: "_Text", name: str) -> str:
        """The text without the entry. The last one can leave its list empty in several ways: that one is taken from
        which adding the entry again gives the first text back.
        """
        if len(file.entries) > 1 or len(file.items) > 1:
            return file.removed(name)
        text = file.entries[name].text
        ways = file.emptied(name)
        for way in ways:
            try:
                self._check(file.text, way, name, None)
                left = _Text(way, self)
                if not left.has_nothing and left.added(name, text) == file.text:
                    return way
            except ValueError:
                continue
        return ways[-1]

    def _check(self, before: str, after: str, name: str, text: str | None) -> None:
        """That the text after means what was wanted and nothing else."""
        self._check_all(before, after, {name: text})

    def _check_all(self, before: str, after: str, texts: Mapping[str, str | None]) -> None:
        wanted = self.values(_loaded(before))
        found = self.values(_loaded(after))
        for name, text in texts.items():
            if text is None:
                wanted.pop(name, None)
            else:
                value = wanted[name] = _loaded(text)
                if not isinstance(value, dict) or (self.key is not None and value.get(self.key) != name):
                    raise ValueError(f"not an entry for `{name}`")
        if found != wanted or self.rest(_loaded(before)) != self.rest(_loaded(after)):
            raise ValueError("the entry cannot be changed without touching the rest of the file")

    def values(self, data: Any) -> dict[str, Any]:
        """The entries of a file's data. Raises ValueError when they are not as the client reads them."""
        for step in self.path:
            if data is None:
                return {}
            if not isinstance(data, dict):
                raise ValueError(f"what is around `{step}` is not a map")
            data = data.get(step)
        if data is None:
            return {}
        if self.key is None:
            if not isinstance(data, dict):
                raise ValueError(f"`{'.'.join(self.path)}` is not a map")
            return {str(name): value for name, value in data.items()}
        if not isinstance(data, list):
            raise ValueError(f"`{'.'.join(self.path)}` is not a list")
        found = {}
        for number, item in enumerate(data):
            name = item.get(self.key) if isinstance(item, dict) else None
            found[name if isinstance(name, str) else f" {number}"] = item
        if len(found) != len(data):
            raise ValueError(f"two entries of `{'.'.join(self.path)}` have one name")
        return found

    def rest(self, data: Any) -> Any:
        """The data without the entries and what is there only for them."""
        if data is None:
            return {}
        levels = [dict(data)]
        for step in self.path[:-1]:
            levels.append(dict(levels[-1].get(step) or {}))
        levels[-1].pop(self.path[-1], None)
        for step, inner, outer in zip(reversed(self.path[:-1]), levels[:0:-1], levels[-2::-1], strict=True):
            outer.pop(step, None)
            if inner:
                outer[step] = inner
        return levels[0]


def _decoded(data: bytes) -> str:
    try:
        return data.removeprefix(MARK).decode()  # the library counts its marks from behind it
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def _bounded(text: str) -> None:
    """Raises ValueError for a file that takes long to read: what aliases stand for is counted each time."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS >> 10} KiB")
    sizes: dict[str, int] = {}
    open_ones: list[tuple[str | None, int]] = []
    total = 0
    try:
        for event in yaml.parse(text, Loader=_EVENTS):
            if isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_ones.pop()
                if anchor is not None:
                    sizes[anchor] = total - before
                continue
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(str(event.anchor), MAX_VALUES)  # one that is still open holds itself
            elif isinstance(event, yaml.NodeEvent):
                total += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_ones.append((event.anchor, total))
            elif isinstance(event, yaml.ScalarEvent):
                if event.anchor is not None:
                    sizes[event.anchor] = 1
                if len(event.value) > 100 and _NUMBER.match(event.value):
                    raise ValueError("a number that is too long")
            if total > MAX_VALUES or len(open_ones) > MAX_DEPTH:
                raise ValueError(f"more than {MAX_VALUES} values, or nested deeper than {MAX_DEPTH} levels")
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}".splitlines()[0]) from None


def _loaded(text: str) -> Any:
    _bounded(text)
    try:
        return yaml.load(text, Loader=_EVENTS)  # noqa: S506 - a safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # a bad date or an unhashable key
        raise ValueError(f"not YAML: {error}".splitlines()[0]) from None


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry's text, and the first and last line, from 0, that it stands on."""

    text: str
    node: yaml.Node
    first: int
    last: int


class _Text:
    """A file's text, and where its nodes stand in it."""

    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self.lines = _lines(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        root = _composed(text)
        if root is not None and _is_nothing(root):
            root = None
        if root is not None and not isinstance(root, yaml.MappingNode):
            raise ValueError("not a map")
        self.values = place.values(_loaded(text))
        self.around: list[tuple[yaml.MappingNode, yaml.Node | None]] = []
        """The maps on the way, from the root, each with the key node of the next step."""
        self.box: yaml.Node | None = root
        """What holds the entries; None when it is not there."""
        for step in place.path:
            if not isinstance(self.box, yaml.MappingNode):
                break
            outer = self.box
            pairs = [(name, value) for name, value in outer.value if name.value == step]
            if len(pairs) > 1:
                raise ValueError(f"`{step}` stands twice")
            self.around.append((outer, pairs[0][0] if pairs else None))
            self.box = pairs[0][1] if pairs else None
        if len(self.around) < len(place.path):
            if self.box is not None and not _is_nothing(self.box):
                raise ValueError(f"what is around `{place.path[len(self.around)]}` is not a map")
            self.box = None
        self.items: list[Any] = [] if self.box is None or _is_nothing(self.box) else self.box.value
        self.entries = self._entries()

    @property
    def has_nothing(self) -> bool:
        """Whether a key on the way stands there without a value."""
        return any(_is_nothing(value) for outer, _ in self.around for name, value in outer.value if name in self.keys)

    @property
    def keys(self) -> list[yaml.Node]:
        """The nodes of the keys on the way that are there."""
        return [key for _, key in self.around if key is not None]

    @property
    def flow(self) -> bool:
        """Whether the entries stand, or would stand, in flow style."""
        if any(outer.flow_style for outer, _ in self.around):
            return True
        return isinstance(self.box, yaml.CollectionNode) and bool(self.box.flow_style) and bool(self.items)

    def _entries(self) -> dict[str, _Entry]:
        found: dict[str, _Entry] = {}
        listed = list(self.values)
        for number, item in enumerate(self.items):
            key, node = item if isinstance(item, tuple) else (None, item)
            name = str(key.value) if key is not None else listed[number]
            if name not in self.values:
                continue  # a merge key, which is no entry
            first = int((key or node).start_mark.line)
            last = max(first, self._last_line(node))
            if key is None and not self.flow:
                first = self._dash_line(node)
            found[name] = _Entry(self._entry_text(name, node, first, last), node, first, last)
        return found

    def _dash_line(self, node: yaml.Node) -> int:
        """The line of the dash before an item, which may stand above it."""
        line = int(node.start_mark.line)
        before = self.lines[line][: node.start_mark.column]
        while not before.lstrip().startswith("-") and line > 0:
            line -= 1
            before = self.lines[line]
        return line

    def _last_line(self, node: yaml.Node) -> int:
        """The last line that a node's own text stands on, without the blank lines after it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._last_line(last[1] if isinstance(last, tuple) else last)
        mark = node.end_mark
        line = int(mark.line)
        if (
            line > node.start_mark.line
            and not (self.lines[line] if line < len(self.lines) else "")[: mark.column].strip()
        ):
            line -= 1  # nothing of the node stands on the line where it ends
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") and node.value.endswith("\n\n"):
            return line  # blank lines are part of the text
        while line > node.start_mark.line and not self.lines[line].strip():
            line -= 1
        return line

    def _entry_text(self, name: str, node: yaml.Node, first: int, last: int) -> str:
        """The entry without its indentation; written anew where its lines are not its own."""
        value = self.values[name]
        if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value and not self.flow:
            column = node.start_mark.column
            begin = node.start_mark.line
            lines = [line.rstrip("\r\n") for line in self.lines[begin : last + 1]]
            own = [" " * column + lines[0][column:], *lines[1:]]
            if all(not line.strip() or line.startswith(" " * column) for line in own):
                text = "".join(f"{line[column:]}\n" for line in own)
                try:
                    if _loaded(text) == value and (begin == first or self.place.key is None):
                        return text
                except ValueError:
                    pass
        return yaml_entry(value) if isinstance(value, dict) and value else f"{json_text(value)}\n"

    # changes

    def replaced(self, name: str, text: str) -> str:
        entry = self.entries[name]
        node = entry.node
        if self.flow or not isinstance(node, yaml.MappingNode) or node.flow_style:
            return self._spliced(node.start_mark.index, node.end_mark.index, json_text(_loaded(text)))
        return self._with_lines(entry.first, entry.last + 1, self._written(name, text, self._column()))

    def removed(self, name: str) -> str:
        """The text without an entry that is not the only one."""
        entry = self.entries[name]
        if not self.flow:
            return self._with_lines(entry.first, entry.last + 1, [])
        spans = [self._span(item) for item in self.items]
        index = list(self.entries).index(name)
        if index + 1 < len(spans):
            return self._spliced(spans[index][0], spans[index + 1][0], "")
        return self._spliced(spans[index - 1][1], spans[index][1], "")

    def emptied(self, name: str) -> list[str]:
        """The text without the only entry, in every way, the likeliest first."""
        entry = self.entries[name]
        empty = "{}" if self.place.key is None else "[]"
        if self.flow:
            begin, end = self._span(self.items[0])
            return [self._spliced(begin, end, "")]
        column = self._column()
        ways = [self._with_lines(key.start_mark.line, entry.last + 1, []) for key in self.keys]
        key = self.keys[-1]
        head = self.lines[key.start_mark.line]
        colon = head.index(":", key.end_mark.column) + 1
        lines = [f"{head[:colon]} {empty}{head[colon:]}", *self.lines[key.start_mark.line + 1 : entry.first]]
        kept = "".join(self.lines[: key.start_mark.line])
        rest = "".join(self.lines[entry.last + 1 :])
        ways.append(kept + "".join(lines) + rest)
        own_line = " " * max(column, key.start_mark.column + 1) + empty
        ways.append(self._with_lines(entry.first, entry.last + 1, [own_line]))
        return ways

    def added(self, name: str, text: str) -> str:
        if self.box is None or self.flow:
            return self._added_around(name, text)
        if not self.items:
            return self._filled(name, text)
        column = self._column()
        line = max(entry.last for entry in self.entries.values()) + 1
        return self._with_lines(self._after_comments(line, column), None, self._written(name, text, column))

    def changed_at_once(self, texts: Mapping[str, str | None]) -> list[str]:
        """Those of these entries that `with_all` can change: all that are replaced, else added, else taken out. None
        where the list or map is empty, or would be.
        """
        if not self.items or self.box is None or len(self.entries) != len(self.items):
            return []
        there = [name for name in texts if name in self.entries]
        added = [name for name, text in texts.items() if name not in self.entries and text is not None]
        removed = [name for name in there if texts[name] is None]
        replaced = [name for name in there if texts[name] is not None and self._has_lines(name) != self.flow]
        return replaced or added or removed[: len(self.items) - 1]

    def with_all(self, texts: Mapping[str, str | None]) -> str:
        """The text with all of these entries changed, as `changed_at_once` gave them."""
        pieces, done = [], 0
        for begin, end, fresh in (*self._cuts(texts), *self._at_the_end(texts)):
            pieces += [self.text[done:begin], fresh]
            done = end
        return "".join((*pieces, self.text[done:]))

    def _cuts(self, texts: Mapping[str, str | None]) -> Iterator[tuple[int, int, str]]:
        """Where the entries that are there begin and end, and what comes in their place."""
        names, begins = [*self.entries], [0, *accumulate(map(len, self.lines))]
        last = max(number for number, name in enumerate(names) if texts.get(name, "") is not None)
        for number, name in enumerate(names):
            if name not in texts:
                continue
            entry, text = self.entries[name], texts[name]
            if not self.flow:
                rows = [] if text is None else self._written(name, text, self._column())
                yield begins[entry.first], begins[entry.last + 1], "".join(row + self.newline for row in rows)
            elif text is not None:
                yield entry.node.start_mark.index, entry.node.end_mark.index, json_text(_loaded(text))
            elif number < last:
                yield self._span(self.items[number])[0], self._span(self.items[number + 1])[0], ""
            else:
                yield self._span(self.items[number - 1])[1], self._span(self.items[number])[1], ""

    def _at_the_end(self, texts: Mapping[str, str | None]) -> Iterator[tuple[int, int, str]]:
        """Where those that are not there yet come, and as what."""
        added = {name: text for name, text in texts.items() if name not in self.entries and text is not None}
        if self.flow:
            end = self._span(self.items[-1])[1]
            yield end, end, "".join(f", {self._in_flow(name, text)}" for name, text in added.items())
        elif added:
            column = self._column()
            line = self._after_comments(max(entry.last for entry in self.entries.values()) + 1, column)
            at = sum(map(len, self.lines[:line]))
            rows = [row for name, text in added.items() for row in self._written(name, text, column)]
            start = "" if self.text[:at].endswith("\n") else self.newline
            yield at, at, start + "".join(row + self.newline for row in rows)

    def _in_flow(self, name: str, text: str) -> str:
        value = json_text(_loaded(text))
        return value if self.place.key is not None else f"{json_text(name)}: {value}"

    def _has_lines(self, name: str) -> bool:
        """Whether an entry is a block, on lines of its own."""
        node = self.entries[name].node
        return isinstance(node, yaml.MappingNode) and not node.flow_style

    def _filled(self, name: str, text: str) -> str:
        """The first entry of a list or map that is there and empty."""
        node, key = self.box, self.keys[-1]
        assert node is not None
        line = key.start_mark.line
        column = key.start_mark.column + 2
        if _is_nothing(node):
            return self._below_a_bare_key(key, node, self._written(name, text, column))
        begin, end = node.start_mark, node.end_mark
        before, after = self.lines[begin.line][: begin.column], self.lines[end.line][end.column :]
        if re.search(r"\S", self.text[begin.index + 1 : end.index - 1]):
            raise ValueError("there is a comment where the entry belongs")
        if begin.line == line:
            head = before.rstrip() + after
            fresh = [head.rstrip("\r\n"), *self._written(name, text, column)]
            return self._with_lines(line, end.line + 1, fresh)
        if before.strip() or after.strip():
            raise ValueError("there is a comment where the entry belongs")
        column = begin.column - 1 if begin.column == key.start_mark.column + 1 else begin.column
        return self._with_lines(begin.line, end.line + 1, self._written(name, text, column))

    def _below_a_bare_key(self, key: yaml.Node, nothing: yaml.Node, rows: Sequence[str]) -> str:
        """Lines below a key without a value, whose `null` or `~` goes."""
        line, begin, end = key.start_mark.line, nothing.start_mark, nothing.end_mark
        if begin.line != line or begin.index == end.index:
            return self._with_lines(line + 1, None, rows)
        head = self.lines[line][: begin.column].rstrip() + self.lines[line][end.column :]
        return self._with_lines(line, line + 1, [head.rstrip("\r\n"), *rows])

    def _added_around(self, name: str, text: str) -> str:
        """The entry, with the maps around it that are missing."""
        depth = next((i for i, (_, key) in enumerate(self.around) if key is None), len(self.around))
        missing = self.place.path[depth:]
        if self.around and any(outer.flow_style for outer, _ in self.around[: depth + 1]):
            return self._added_in_flow(name, text, missing)
        if self.flow:  # the list itself, within blocks
            return self._added_in_flow(name, text, ())
        if depth == len(self.around) and self.around:  # the key is there and has no value
            key = self.keys[-1]
            value = next(value for field, value in self.around[-1][0].value if field is key)
            return self._below_a_bare_key(key, value, self._nested(name, text, missing, key.start_mark.column + 2))
        if not self.around:
            rows = self._nested(name, text, missing, 0)
            return self._with_lines(self._end(), None, rows)
        outer = self.around[depth][0]
        column = outer.start_mark.column if outer.value else 0
        line = self._last_line(outer) + 1 if outer.value else self._end()
        return self._with_lines(self._after_comments(line, column), None, self._nested(name, text, missing, column))

    def _added_in_flow(self, name: str, text: str, missing: Sequence[str]) -> str:
        fresh = self._in_flow(name, text)
        if missing:
            fresh = f"[{fresh}]" if self.place.key is not None else f"{{{fresh}}}"
            for step in reversed(missing[1:]):
                fresh = f"{{{json_text(step)}: {fresh}}}"
            fresh = f"{json_text(missing[0])}: {fresh}"
            node: yaml.Node = self.around[len(self.place.path) - len(missing)][0]
        else:
            assert self.box is not None
            node = self.box
        if _is_nothing(node):
            inner = f"[{fresh}]" if self.place.key is not None else f"{{{fresh}}}"
            return self._spliced(node.start_mark.index, node.end_mark.index, inner)
        if node.value:
            end = self._span(node.value[-1])[1]
            return self._spliced(end, end, f", {fresh}")
        inner = self.text[node.start_mark.index + 1 : node.end_mark.index - 1]
        line = re.match(r"\s*\n[ \t]*(?=\r?\n)", inner)
        at = node.start_mark.index + 1 + (line.end() if line else 0)
        return self._spliced(at, at, fresh)

    # text

    def _column(self) -> int:
        """The column of the entries: of their dash, or of their key."""
        item = self.items[0]
        if isinstance(item, tuple):
            return int(item[0].start_mark.column)
        return self.lines[self._dash_line(item)].index("-")

    def _written(self, name: str, text: str, column: int) -> list[str]:
        """The lines of an entry in a block."""
        indent = " " * column
        lines = text.removesuffix("\n").split("\n")
        if self.place.key is None:
            return [f"{indent}{_key(name)}:", *(f"{indent}  {line}" if line else "" for line in lines)]
        return [f"{indent}- {lines[0]}", *(f"{indent}  {line}" if line else "" for line in lines[1:])]

    def _nested(self, name: str, text: str, missing: Sequence[str], column: int) -> list[str]:
        rows = [f"{' ' * (column + 2 * depth)}{_key(step)}:" for depth, step in enumerate(missing)]
        return [*rows, *self._written(name, text, column + 2 * len(missing))]

    def _after_comments(self, line: int, column: int) -> int:
        """The first line after the comments that belong to what stands above them."""
        end = line
        while end < len(self.lines) and re.match(rf" {{{column},}}#", self.lines[end]):
            end += 1
        outer = self.keys[-1].start_mark.column if self.keys else column
        if column <= outer and end < len(self.lines) and self.lines[end].strip():
            return line  # they stand right above something else
        return end

    def _end(self) -> int:
        """The line behind the last one, or behind the last before a mark that ends the document."""
        for number, line in enumerate(self.lines):
            if re.match(r"\.\.\.\s*$", line):
                return number
        return len(self.lines)

    def _span(self, item: Any) -> tuple[int, int]:
        first, last = item if isinstance(item, tuple) else (item, item)
        return first.start_mark.index, last.end_mark.index

    def _spliced(self, begin: int, end: int, fresh: str) -> str:
        return self.text[:begin] + fresh + self.text[end:]

    def _with_lines(self, first: int, end: int | None, fresh: Sequence[str]) -> str:
        """The text with lines of its own in place of those from `first` up to `end`; None: put before `first`."""
        head = "".join(self.lines[:first])
        if head and fresh and not head.endswith("\n"):
            head += self.newline
        tail = "".join(self.lines[first if end is None else end :])
        return head + "".join(line + self.newline for line in fresh) + tail


class _Nodes(yaml.SafeLoader):
    """Nodes as they stand in the text: an alias is itself, not what it stands for."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("alias", event.anchor, event.start_mark, event.end_mark)
        return super().compose_node(parent, index)


def _composed(text: str) -> yaml.Node | None:
    _bounded(text)
    try:
        return yaml.compose(text, Loader=_Nodes)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not YAML: {error}".splitlines()[0]) from None


def _lines(text: str) -> list[str]:
    """Lines with their ends, counted as the YAML library counts them."""
    return re.findall("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029])|[^\r\n\x85\u2028\u2029]+", text)


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) and _loaded(name) == name else json_text(name)
