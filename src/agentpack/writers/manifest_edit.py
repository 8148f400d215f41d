"""Edit `agentpack.yaml` in place: comments, order, quoting and every other byte outside the change are kept.

The result is read again and must mean exactly what was wanted. If it does not, nothing is written, and the user is
asked to make the change by hand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import read_yaml
from agentpack.input.hidden_in_files import own_file
from agentpack.input.schemas import validate
from agentpack.model.manifest import Manifest, ManifestEntry
from agentpack.writers.manifest_text import entry, entry_in_flow, flow, options, scalar
from agentpack.writers.splice import Cut, YamlText, in_block, in_place_of, indented, is_nothing

_MARK = "\ufeff"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def edit_manifest(text: str, file: str, old: Manifest, new: Manifest, client: Callable[[str], str] = str) -> str:
    """The text that says `new`, changed only where it differs from `old`, which is what the text says now.

    Args:
        client: gives the name of the client that a word means.

    Raises:
        InvalidFile: the change cannot be made in this text without touching the rest of it.
    """
    mark = _MARK if text.startswith(_MARK) else ""
    try:
        text = _edited(text.removeprefix(_MARK), old, new)  # the library counts its marks from behind it
        with own_file(text.encode(), file):
            found = Manifest.from_data(validate("manifest", read_yaml(text, file)), client)
    except (yaml.YAMLError, ValueError, InvalidFile):
        found = None
    if found is None or found.policy_settings() != new.policy_settings() or found.to_data() != new.to_data():
        raise InvalidFile(
            [Fault(file, 0, "", "this change would need to rewrite the whole file")],
            hint="edit the file by hand, then run `agentpack sync`",
        )
    return mark + text


def _edited(text: str, old: Manifest, new: Manifest) -> str:
    entries = [(before, new.wanted(before.requirement.pack)) for before in old.packs]
    if any(wanted not in (None, before) for before, wanted in entries):
        file = _ManifestText(text)
        pairs = zip(file.packs.value, entries, strict=True)
        text = file.changed(cut for item, both in pairs for cut in file.entry(item, *both))
    for number, (_, wanted) in reversed([*enumerate(entries)]):
        if wanted is None:
            text = _ManifestText(text).without_item("packs", number)
    for added in new.packs:
        if old.wanted(added.requirement.pack) is None:
            text = _ManifestText(text).with_item("packs", entry(added), entry_in_flow(added))
    text = _with_sources(text, old, new)
    for source in new.sources:
        if source.name not in {one.name for one in old.sources}:
            line = flow(source.to_data())
            text = _ManifestText(text).with_item("sources", [f"- {line}"], line)
    if new.clients is not None and new.clients != old.clients:
        file = _ManifestText(text)
        text = file.changed([file.value(file.root, "clients", flow(list(new.clients)))])
    return text


def _with_sources(text: str, old: Manifest, new: Manifest) -> str:
    """The text with the sources that are kept as they are now, and without those that are gone."""
    now = {source.name: source for source in new.sources}
    for number, before in reversed([*enumerate(old.sources)]):
        file, after = _ManifestText(text), now.get(before.name)
        if after is None:
            text = file.without_item("sources", number)
        elif after != before:
            item = _pairs(file.root)["sources"][1].value[number]
            text = file.changed(file.values(item, before.to_data(), after.to_data()))
    return text


class _ManifestText(YamlText):
    """The text of a manifest, and the edits that commands make in it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.root: Any = yaml.compose(text, Loader=_LOADER)

    @property
    def packs(self) -> Any:
        """The YAML node of the list `packs`. Raises KeyError if the manifest has no such key."""
        return _pairs(self.root)["packs"][1]

    def entry(self, item: Any, before: ManifestEntry, wanted: ManifestEntry | None) -> Iterator[Cut]:
        """Replace what differs in an entry of `packs` that is kept."""
        if wanted in (None, before):
            return
        if isinstance(item, yaml.ScalarNode):
            yield self._requirement(item, wanted)
            return
        yield from self.values(item, *({"require": one.text, **options(one)} for one in (before, wanted)))

    def values(self, item: yaml.MappingNode, said: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Cut]:
        """Replace what differs between two states of an item of a list."""
        there = _pairs(item)
        for key in sorted(values, key=lambda key: key not in there):  # a new key may follow an empty value
            if values[key] != said.get(key):
                plain = key == "require" and not item.flow_style
                yield self.value(item, key, scalar(values[key]) if plain else flow(values[key]))
        gone = [number for number, key in enumerate(there) if key in said and key not in values]
        if item.flow_style and gone:
            yield from self.without_in_flow(item.value, gone)
        for number in () if item.flow_style else gone:
            key, value = item.value[number]
            if number == 0:  # it stands behind the dash
                yield key.start_mark.index, item.value[1][0].start_mark.index, ""
            else:
                yield self.rows(key.start_mark.line, self.last_line(value) + 1, [])

    def _requirement(self, item: yaml.ScalarNode, wanted: ManifestEntry) -> Cut:
        """Replace an entry that is only a requirement, without options."""
        if self.packs.flow_style:
            return in_place_of(item, entry_in_flow(wanted))
        first, *more = entry(wanted)
        if not more:
            return in_place_of(item, scalar(wanted.text))
        line = item.start_mark.line
        comment = self.lines[line][item.end_mark.column :].rstrip("\r\n")
        return self.rows(line, self.last_line(item) + 1, [first + comment, *more], self.column([item]))

    def without_item(self, name: str, number: int) -> str:
        """The text without an item of a list, and without the comment that is about this item alone."""
        key, items = _pairs(self.root)[name]
        if items.flow_style:
            return self.changed(self.without_in_flow(items.value, [number]))
        first, end = self.dash_line(items.value[number]), self.last_line(items.value[number]) + 1
        line, is_last = key.start_mark.line, len(items.value) == 1
        if is_last and name == "sources" and first == line + 1 and self.lines[line].strip() == f"{name}:":
            return self.changed([self.rows(line, end, [])])
        cuts = [self.rows(first - self._comments_of(first, end), end, [])]
        if is_last:
            cuts.append(self.emptied(key, "[]"))  # without it, the empty list would read as null
        return self.changed(cuts)

    def _comments_of(self, first: int, end: int) -> int:
        """Number of comment lines right above an entry; 0 if an entry right below may share them."""
        if "".join(self.lines[end : end + 1]).lstrip().startswith("-"):
            return 0
        indent = len(self.lines[first]) - len(self.lines[first].lstrip())
        count = 0
        while self.lines[first - count - 1].startswith(" " * indent + "#"):
            count += 1
        return count

    def with_item(self, key: str, rows: Sequence[str], in_flow: str) -> str:
        """Append an item to the list at a top-level key, in the list's own style."""
        pair = _pairs(self.root).get(key)
        items = [] if pair is None or is_nothing(pair[1]) else pair[1].value
        if not items and self.root.flow_style:
            cuts = [self.value(self.root, key, f"[{in_flow}]")]
        elif pair is None:
            cuts = [self.at_end(self.root, [f"{key}:", *indented(rows, 2)])]
        elif not items:
            cuts = [*self.filled(*pair, rows)]
        else:
            cuts = [self.added_in_flow(items, in_flow) if pair[1].flow_style else self.at_end(pair[1], rows)]
        return self.changed(cuts)

    def value(self, node: yaml.MappingNode, key: str, value: str) -> Cut:
        """Set a key of a map to a value on one line."""
        pair = _pairs(node).get(key)
        if pair is not None and not in_block(pair[1]):
            return in_place_of(pair[1], value)
        if node.flow_style:
            return self.added_in_flow(node.value, f"{key}: {value}")
        if pair is None:
            return self.at_end(node, [f"{key}: {value}"])
        end = self.last_line(pair[1]) + 1
        return self.rows(pair[0].start_mark.line, end, [f"{key}: {value}"], self.column(node.value))


def _pairs(node: yaml.MappingNode) -> dict[str, tuple[Any, Any]]:
    """The nodes of key and value, by key."""
    return {name.value: (name, value) for name, value in node.value}
