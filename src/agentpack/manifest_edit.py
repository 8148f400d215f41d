"""Changes to `agentpack.yaml` in place: every byte that is not about the change stays, comments, order and quoting
included.

The library says where each node stands in the text; the change is spliced in there. The result is read again and must
mean exactly what was wanted, else nothing is written and the user is asked to make the change.
"""

from collections.abc import Callable, Sequence

import yaml

from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import read_yaml
from agentpack.input.hidden_in_files import own_file
from agentpack.input.schemas import validate
from agentpack.manifest_text import entry, entry_in_flow, flow, options, scalar, scalar_in_flow
from agentpack.model.manifest import Manifest, ManifestEntry

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
    except yaml.YAMLError:
        raise _impossible(file) from None
    _verify(text, file, new, client)
    return mark + text


def _edited(text: str, old: Manifest, new: Manifest) -> str:
    for gone in old.packs:
        if new.wanted(gone.requirement.pack) is None:
            text = _remove_entry(text, gone.requirement.pack, old)
            old = old._replace(packs=tuple(w for w in old.packs if w is not gone))
    for wanted in new.packs:
        before = old.wanted(wanted.requirement.pack)
        if before is None:
            text = _append(text, "packs", entry(wanted, ""), entry_in_flow(wanted))
            old = old._replace(packs=(*old.packs, wanted))
        elif before != wanted:
            text = _change_entry(text, wanted, old)
            old = old._replace(packs=tuple(wanted if w is before else w for w in old.packs))
    for source in new.sources:
        if source not in old.sources:
            line = flow({"name": source.name, "path": source.path})
            text = _append(text, "sources", [f"- {line}"], line)
    if new.clients is not None and new.clients != old.clients:
        text = _set_key(text, _root(text), "clients", flow(list(new.clients)))
    return text


def _verify(text: str, file: str, expected: Manifest, client: Callable[[str], str]) -> None:
    try:
        with own_file(text.encode(), file):
            found = Manifest.from_data(validate("manifest", read_yaml(text, file)), client)
    except InvalidFile:
        found = None
    same = found is not None and found.policy_settings() == expected.policy_settings()
    if found is None or not same or found.to_data() != expected.to_data():
        raise _impossible(file)


def _impossible(file: str) -> InvalidFile:
    return InvalidFile(
        [Fault(file, 0, "", "the change cannot be made here without rewriting the file")],
        hint="make it by hand, then run `agentpack sync`",
    )


def _root(text: str) -> yaml.MappingNode | None:
    node = yaml.compose(text, Loader=_LOADER)
    return node if isinstance(node, yaml.MappingNode) else None


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value  # type: ignore[no-any-return]
    return None


def _last_line(node: yaml.Node) -> int:
    """The last line, from 0, that a node's own text stands on; a block collection's end mark lies beyond the comments
    after it.
    """
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    mark = node.end_mark
    return mark.line - 1 if mark.column == 0 and mark.line > node.start_mark.line else mark.line


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _insert_lines(text: str, after_line: int, new: Sequence[str]) -> str:
    """Put lines behind the line of that number (from 0)."""
    newline = _newline(text)
    lines = text.splitlines(keepends=True)
    head = lines[: after_line + 1]
    if head and not head[-1].endswith("\n"):
        head[-1] += newline
    return "".join([*head, *(line + newline for line in new), *lines[after_line + 1 :]])


def _append(text: str, key: str, block: Sequence[str], flow: str) -> str:
    """Add an item to the list at a top-level key, in the style that the list has."""
    root = _root(text)
    node = _value(root, key)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        value = f"[{flow}]" if root is not None and root.flow_style else None
        return _set_key(text, root, key, value, [f"  {line}" for line in block])
    if not node.flow_style:
        indent = " " * (node.value[0].start_mark.column - 2)
        first = text.splitlines()[node.value[-1].start_mark.line]
        dash = first.find("-")
        if dash >= 0:
            indent = " " * dash
        return _insert_lines(text, _last_line(node), [indent + line for line in block])
    end = node.value[-1].end_mark.index
    return f"{text[:end]}, {flow}{text[end:]}"


def _set_key(
    text: str, node: yaml.Node | None, key: str, value: str | None, block: Sequence[str] = (), indent: str = ""
) -> str:
    """Give a key of a map a value on its line, or block lines below it; the key is added when it is not there."""
    fresh = [f"{indent}{key}: {value}" if value is not None else f"{indent}{key}:", *block]
    old = _value(node, key)
    if node is None or not node.value:
        newline = _newline(text)
        body = text if not text or text.endswith("\n") else text + newline
        return body + "".join(line + newline for line in fresh)
    if old is None:
        if isinstance(node, yaml.MappingNode) and node.flow_style:
            end = node.value[-1][1].end_mark.index
            return f"{text[:end]}, {key}: {value}{text[end:]}"
        return _insert_lines(text, _last_line(node), fresh)
    if value is not None and (not isinstance(old, yaml.CollectionNode) or old.flow_style):
        blank = "" if old.start_mark.index < old.end_mark.index else " "  # a key that was left empty
        return text[: old.start_mark.index] + blank + value + text[old.end_mark.index :]
    name = next(name for name, _ in node.value if name.value == key)
    lines = text.splitlines(keepends=True)
    newline = _newline(text)
    if not isinstance(old, yaml.CollectionNode) or old.flow_style:
        fresh[0] += lines[old.end_mark.line][old.end_mark.column :].rstrip()  # its comment
    tail = lines[max(_last_line(old), name.start_mark.line) + 1 :]
    return "".join([*lines[: name.start_mark.line], *(line + newline for line in fresh), *tail])


def _entry_node(text: str, pack: str, manifest: Manifest) -> tuple[yaml.SequenceNode, int]:
    index = next(i for i, wanted in enumerate(manifest.packs) if wanted.requirement.pack == pack)
    node = _value(_root(text), "packs")
    assert isinstance(node, yaml.SequenceNode)
    return node, index


def _remove_entry(text: str, pack: str, manifest: Manifest) -> str:
    node, index = _entry_node(text, pack, manifest)
    item = node.value[index]
    if node.flow_style:
        if len(node.value) == 1:
            return text[: item.start_mark.index] + text[item.end_mark.index :]
        if index + 1 < len(node.value):
            return text[: item.start_mark.index] + text[node.value[index + 1].start_mark.index :]
        return text[: node.value[index - 1].end_mark.index] + text[item.end_mark.index :]
    lines = text.splitlines(keepends=True)
    first, last = item.start_mark.line, _last_line(item)
    first -= _comments_of(lines, first, last)
    if len(node.value) == 1:
        # an empty block list would read as nothing: say so
        root = _root(text)
        name = next(name for name, value in root.value if name.value == "packs")  # type: ignore[union-attr]
        head = lines[name.start_mark.line]
        lines[name.start_mark.line] = head.replace("packs:", "packs: []", 1)
    return "".join([*lines[:first], *lines[last + 1 :]])


def _comments_of(lines: Sequence[str], first: int, last: int) -> int:
    """How many lines right above an entry are a comment on it. An entry right below it may share them: then none."""
    if last + 1 < len(lines) and lines[last + 1].lstrip().startswith("-"):
        return 0
    indent = len(lines[first]) - len(lines[first].lstrip())
    count = 0
    while lines[first - count - 1].startswith(" " * indent + "#"):
        count += 1
    return count


def _change_entry(text: str, wanted: ManifestEntry, manifest: Manifest) -> str:
    """Change the parts of an entry that differ, the requirement's own text first."""
    pack = wanted.requirement.pack
    before = manifest.wanted(pack)
    assert before is not None
    node, index = _entry_node(text, pack, manifest)
    item = node.value[index]
    only_text = wanted._replace(text=before.text, requirement=before.requirement) == before
    if isinstance(item, yaml.ScalarNode):
        if only_text and not node.flow_style:
            return text[: item.start_mark.index] + scalar(wanted.text) + text[item.end_mark.index :]
        if node.flow_style:
            return text[: item.start_mark.index] + entry_in_flow(wanted) + text[item.end_mark.index :]
        lines = text.splitlines(keepends=True)
        line = lines[item.start_mark.line]
        indent = " " * line.find("-")
        comment = line[item.end_mark.column :].rstrip("\r\n")
        fresh = entry(wanted, indent)
        fresh[0] += comment
        newline = _newline(text)
        rest = lines[_last_line(item) + 1 :]
        return "".join([*lines[: item.start_mark.line], *(row + newline for row in fresh), *rest])
    if wanted.text != before.text:
        old = _value(item, "require")
        assert old is not None
        write = scalar_in_flow if item.flow_style else scalar
        text = text[: old.start_mark.index] + write(wanted.text) + text[old.end_mark.index :]
    for key, value in options(wanted).items():
        if value != options(before).get(key):
            node, index = _entry_node(text, pack, manifest)
            item = node.value[index]
            text = _set_key(text, item, key, flow(value), indent=" " * item.value[0][0].start_mark.column)
    return text
