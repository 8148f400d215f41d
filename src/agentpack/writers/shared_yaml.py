"""Read, set and remove one agent's entry in a YAML file with several agents in it. Every other byte is kept.

The result of a change is read again: apart from that entry, it must mean what the file meant before. If it does not,
ValueError is raised.

An entry's text is a YAML map without indentation. In block style these are the lines of the file itself, with the
user's own comments; in flow style, as in JSON, `emit.yaml_entry` writes the map anew.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from agentpack.model.line_ends import MARK
from agentpack.writers.emit import json_text, yaml_entry
from agentpack.writers.splice import Cut, YamlText, in_block, in_place_of, indented, is_nothing

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
        return {name: entry.text for name, entry in _SharedText(_decoded(data), self).entries.items()}

    def put(self, data: bytes, wanted: Mapping[str, str | None]) -> bytes:
        """The file with these entries set, or removed for None. It is parsed a few times, however many they are."""
        left = dict(wanted)
        while left:
            file = _SharedText(_decoded(data), self)
            some, ways = file.first_of(left)
            if not some:
                break  # only entries to remove that are not in the file
            now = {name: left.pop(name) for name in some}
            texts = [file.changed(cuts) for cuts in ways]
            after = next((text for text in texts[:-1] if self._comes_back(file, text, some[0])), texts[-1])
            self._check(file.data, after, now)
            data = (MARK if after and data.startswith(MARK) else b"") + after.encode()
        return data

    def _comes_back(self, file: "_SharedText", text: str, name: str) -> bool:
        """Whether adding the removed entry to this text restores the file."""
        try:
            self._check(file.data, text, {name: None})
            left = _SharedText(text, self)
            _, (cuts,) = left.first_of({name: file.entries[name].text})
            return left.changed(cuts) == file.text and not (left.keys and left.nothing)
        except ValueError:
            return False

    def _check(self, before: Any, result: str, texts: Mapping[str, str | None]) -> None:
        """Raise ValueError unless the result is `before` with exactly these entries set, or removed for None."""
        after = _loaded(result)
        wanted = self.values(before)
        for name, text in texts.items():
            if text is None:
                wanted.pop(name, None)
                continue
            value = wanted[name] = _loaded(text)
            if not isinstance(value, dict) or (self.key is not None and value.get(self.key) != name):
                raise ValueError(f"not an entry for `{name}`")
        if self.values(after) != wanted or _rest(before, self.path) != _rest(after, self.path):
            raise ValueError("the entry cannot be changed without touching the rest of the file")

    def values(self, data: Any) -> dict[str, Any]:
        """The entries of a file's data. Raises ValueError when they are not as the client reads them."""
        for step in self.path:
            if data is None:
                return {}
            if not isinstance(data, dict):
                raise ValueError(f"the parent of `{step}` is not a map")
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


def _rest(data: Any, path: Sequence[str]) -> Any:
    """The data without the entries, and without the maps that hold nothing else."""
    left = dict(data or {})
    inner = left.pop(path[0], None)
    if rest := _rest(inner, path[1:]) if len(path) > 1 else None:
        left[path[0]] = rest
    return left


def _decoded(data: bytes) -> str:
    try:
        return data.removeprefix(MARK).decode()  # the library counts its marks from behind it
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def _bounded(text: str) -> None:
    """Raises ValueError for a file that takes long to read: what aliases stand for is counted each time."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
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
                named = str(event.anchor)
                if named not in sizes and named not in (anchor for anchor, _ in open_ones):
                    raise ValueError(f"`*{named}` needs the anchor `&{named}` above it")
                total += sizes.get(named, MAX_VALUES)  # one that is still open holds itself
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
        raise ValueError(f"not valid YAML: {error}".splitlines()[0]) from None


def _loaded(text: str) -> Any:
    _bounded(text)
    try:
        return yaml.load(text, Loader=_EVENTS)  # noqa: S506 - a safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # a bad date or an unhashable key
        raise ValueError(f"not valid YAML: {error}".splitlines()[0]) from None


class _Entry(NamedTuple):
    """An entry: its text, its index among the items, its node, and its first and last line, counted from 0."""

    text: str
    number: int
    node: yaml.Node
    first: int
    last: int


class _SharedText(YamlText):
    """The text of a file, with the positions of its entries."""

    def __init__(self, text: str, place: Place) -> None:
        super().__init__(text)
        self.place = place
        root = _composed(text)
        if root is not None and not is_nothing(root) and not isinstance(root, yaml.MappingNode):
            raise ValueError("not a map")
        self.data = _loaded(text)
        self.values = place.values(self.data)
        self.keys: list[yaml.Node] = []
        """The nodes of those keys of the path that are in the file."""
        self.node: Any = root
        """The value of the last of these keys, or the root; None in an empty file."""
        self.flow = False
        """Whether the entries are, or would be, in flow style."""
        for step in place.path:
            if not isinstance(self.node, yaml.MappingNode):
                break
            self.flow = self.node.flow_style
            pairs = [pair for pair in self.node.value if pair[0].value == step]
            if len(pairs) > 1:
                raise ValueError(f"`{step}` appears twice")
            if not pairs:
                break
            self.keys.append(pairs[0][0])
            self.node = pairs[0][1]
        self.missing = place.path[len(self.keys) :]
        self.nothing = self.node is None or is_nothing(self.node)
        if isinstance(self.node, yaml.ScalarNode) and not self.nothing:
            raise ValueError(f"the value of `{place.path[len(self.keys) - 1]}` is an alias")
        self.items: list[Any] = [] if self.nothing or self.missing else self.node.value
        self.flow = bool(self.flow or (self.items and self.node.flow_style))
        self.entries = dict(self._entries())

    def _entries(self) -> Iterator[tuple[str, _Entry]]:
        listed = list(self.values)
        for number, item in enumerate(self.items):
            key, node = item if isinstance(item, tuple) else (None, item)
            name = listed[number] if key is None else str(key.value)
            if name not in self.values:
                continue  # a merge key, which is no entry
            first = self.dash_line(node) if key is None and not self.flow else int((key or node).start_mark.line)
            last = max(first, self.last_line(node))
            yield name, _Entry(self._entry_text(name, node, first, last), number, node, first, last)

    def _entry_text(self, name: str, node: yaml.Node, first: int, last: int) -> str:
        """The entry without its indentation; written anew where its lines are not its own."""
        value = self.values[name]
        begin, column = node.start_mark.line, node.start_mark.column
        if isinstance(node, yaml.MappingNode) and in_block(node) and (begin == first or self.place.key is None):
            lines = [line.rstrip("\r\n") for line in self.lines[begin : last + 1]]
            own = [" " * column + lines[0][column:], *lines[1:]]
            if all(not line.strip() or line.startswith(" " * column) for line in own):
                text = "".join(f"{line[column:]}\n" for line in own)
                with suppress(ValueError):
                    if _loaded(text) == value:
                        return text
        return yaml_entry(value) if isinstance(value, dict) and value else f"{json_text(value)}\n"

    # changes

    def first_of(self, texts: Mapping[str, str | None]) -> tuple[list[str], list[list[Cut]]]:
        """The names of the entries that can be changed together, and the ways to do so, most likely first.

        These are all entries to replace, else to add, else to remove. The first entry of an empty list or map is added
        alone, and the last one is removed alone.
        """
        there = [name for name in texts if name in self.entries]
        if replaced := {name: text for name in there if (text := texts[name]) is not None}:
            return [*replaced], [[self._replaced(name, text) for name, text in replaced.items()]]
        if added := {name: text for name, text in texts.items() if text is not None}:
            added = added if self.items else dict([*added.items()][:1])
            return [*added], [[*self._added(added)]]
        removed = there[: len(self.items) - 1] or there
        return removed, self._removed([self.entries[name] for name in removed]) if removed else []

    def _replaced(self, name: str, text: str) -> Cut:
        entry = self.entries[name]
        if in_block(entry.node):
            return self.rows(entry.first, entry.last + 1, self._written(name, text), self.column(self.items))
        return in_place_of(entry.node, json_text(_loaded(text)))

    def _removed(self, gone: Sequence[_Entry]) -> list[list[Cut]]:
        if self.flow:
            return [[*self.without_in_flow(self.items, [entry.number for entry in gone])]]
        lines = [self.rows(entry.first, entry.last + 1, []) for entry in gone]
        if len(gone) < len(self.items):
            return [lines]
        entry, key, empty = gone[0], self.keys[-1], "{}" if self.place.key is None else "[]"
        own_line = " " * max(self.column(self.items), key.start_mark.column + 1) + empty
        return [
            *([self.rows(around.start_mark.line, entry.last + 1, [])] for around in self.keys),
            [self.emptied(key, empty), *lines],
            [self.rows(entry.first, entry.last + 1, [own_line])],
        ]

    def _added(self, texts: Mapping[str, str]) -> Iterable[Cut]:
        """Add entries behind the existing ones, and the missing maps around them."""
        if self.flow:
            return [self._added_in_flow(texts)]
        rows = [row for name, text in texts.items() for row in self._written(name, text)]
        for step in reversed(self.missing):
            rows = [f"{_key(step)}:", *indented(rows, 2)]
        if self.nothing and not self.keys:
            end = self._end()
            return [self.rows(end, end, rows)]
        if self.nothing or not self.node.value:
            return self.filled(self.keys[-1], self.node, rows)
        column = self.column(self.node.value)
        line = self._after_comments(self.last_line(self.node) + 1, column)
        return [self.rows(line, line, rows, column)]

    def _added_in_flow(self, texts: Mapping[str, str]) -> Cut:
        values = {name: json_text(_loaded(text)) for name, text in texts.items()}
        pairs = [value if self.place.key else f"{json_text(name)}: {value}" for name, value in values.items()]
        fresh, brackets = ", ".join(pairs), "[]" if self.place.key else "{}"
        for step in reversed(self.missing):
            fresh, brackets = f"{json_text(step)}: {brackets[0]}{fresh}{brackets[1]}", "{}"
        if self.nothing:
            return in_place_of(self.node, brackets[0] + fresh + brackets[1])
        if self.node.value:
            return self.added_in_flow(self.node.value, fresh)
        begin = self.node.start_mark.index + 1
        line = re.compile(r"\s*\n[ \t]*(?=\r?\n)").match(self.text, begin, self.node.end_mark.index - 1)
        at = line.end() if line else begin
        return at, at, fresh

    def _written(self, name: str, text: str) -> list[str]:
        """The lines of an entry in a block."""
        lines = text.removesuffix("\n").split("\n")
        if self.place.key is None:
            return [f"{_key(name)}:", *indented(lines, 2)]
        return [f"- {lines[0]}", *indented(lines[1:], 2)]

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
        marks = (number for number, line in enumerate(self.lines) if re.match(r"\.\.\.\s*$", line))
        return next(marks, len(self.lines))


class _Nodes(yaml.SafeLoader):
    """A loader for the nodes of a YAML text that keeps each alias as a node, and does not resolve it."""

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
        raise ValueError(f"not valid YAML: {error}".splitlines()[0]) from None


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) and _loaded(name) == name else json_text(name)
