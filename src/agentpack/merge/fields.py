"""Split a header into fields, each with its lines and its value, and decide when two values are equal.

Decides where a field begins and ends in YAML, TOML and JSON. Each field is parsed again on its own and must have the
same value as in the whole header; otherwise the header is not split.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

from agentpack.errors import InvalidFile
from agentpack.input.documents import dotted, read_json, read_toml, read_yaml, yaml_comments

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_LOOSE = re.compile(r"(?:#[^\n]*|[ \t]*)\n?\Z")
_LENIENT = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?: |$)")
_TOML = re.compile(
    r"'''.*?'{3,5}|\"\"\"(?:\\.|[^\\])*?\"{3,5}|'[^'\n]*'|\"(?:\\.|[^\"\\\n])*+\"?|#[^\n]*|[\[\]{}=\n]", re.DOTALL
)


def same_value(one: object, other: object) -> bool:
    """Whether two values are equal: of the same type, and maps in the same order, which some clients depend on.

    A list of texts equals the comma-separated text of the same items: clients that accept either read both alike.
    """
    if isinstance(one, str) is isinstance(other, str):
        return repr(one) == repr(other)
    return _items(one) == _items(other)  # a text always has items


def _items(value: object) -> list[str] | None:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return None
    return [part.strip() for part in parts]


class HeaderField(NamedTuple):
    """One field: the blank lines and comments above it, its own lines, and its value."""

    lead: str
    text: str
    value: Any

    def has_value_of(self, other: "HeaderField") -> bool:
        """Whether the other field has the same value: see `same_value`."""
        return same_value(self.value, other.value)


class Fields(NamedTuple):
    """All fields of a header by key, and the blank lines and comments after the last."""

    by_key: Mapping[str, HeaderField]
    rest: str = ""

    @property
    def values(self) -> dict[str, str]:
        """Each value in a form that can be compared."""
        return {key: repr(field.value) for key, field in self.by_key.items()}


def _yaml(text: str) -> Fields:
    document = read_yaml(text, "header", hidden=True)
    lines = _LINES.findall(text)
    starts = [document.lines[key,] - 1 for key in _table(document.data)]
    ends = [*starts, len(lines)][1:]
    chunks = [(key, lines[a:b]) for key, a, b in zip(document.data, starts, ends, strict=True)]
    return _fields(lines[: min(starts, default=len(lines))], chunks, lambda _, own: _yaml_value(own))


def _yaml_value(text: str) -> Any:
    (value,) = _table(read_yaml(text, "header", hidden=True).data).values()
    return value


def _table(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("not a map")
    return data


def _lenient(text: str) -> Fields:
    """Fields as read by clients that parse a header line by line; values are text."""
    chunks: list[tuple[str, list[str]]] = []
    top: list[str] = []
    for line in _LINES.findall(text):
        match = _LENIENT.match(line.rstrip("\n"))
        if match:
            chunks.append((match[1], []))
        (chunks[-1][1] if chunks else top).append(line)
    return _fields(top, chunks, lambda _, own: [line.strip() for line in _LINES.findall(own) if not _LOOSE.match(line)])


def _toml(text: str) -> Fields:
    read_toml(text.encode(), "header")
    top: list[str] = []
    chunks: list[tuple[str, list[str]]] = []
    paths: dict[str, list[str]] = {}
    in_table = False
    for statement in _statements(text):
        path = [] if _LOOSE.match(statement) else _path(statement)
        opens = statement.lstrip().startswith("[")
        if path and (opens or not in_table):
            paths[dotted(tuple(path))] = path
            chunks.append((dotted(tuple(path)), []))
        in_table = in_table or opens
        (chunks[-1][1] if chunks else top).append(statement)
    return _fields(top, chunks, lambda key, own: reduce(getitem, paths[key], read_toml(own.encode(), "header")))


def _statements(text: str) -> Iterator[str]:
    """The statements of a TOML text, each with all its lines."""
    begin = depth = 0
    for token in _TOML.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if token[0] == "\n" and depth <= 0:
            yield text[begin : token.end()]
            begin = token.end()
    if text[begin:]:
        yield text[begin:]


def _path(statement: str) -> list[str]:
    """The keys of the value a statement sets, or of the table it opens."""
    if statement.lstrip().startswith("["):
        data: Any = read_toml(statement.encode(), "header")
    else:
        equals = next((token.start() for token in _TOML.finditer(statement) if token[0] == "="), 0)
        data = read_toml(f"{statement[:equals]}= 0".encode(), "header")
    path = []
    while data:
        ((key, data),) = _table(data).items()
        path.append(key)
    return path


def _json(text: str) -> Fields:
    data = _table(read_json(text.encode(), "header"))
    return Fields({key: HeaderField("", field_text("json", key, value), value) for key, value in data.items()})


def _fields(
    top: Sequence[str], chunks: Sequence[tuple[str, Sequence[str]]], value: Callable[[str, str], Any]
) -> Fields:
    """Build the fields from these lines. Blank lines and comments at the end of one go to the next."""
    found: dict[str, HeaderField] = {}
    lead = "".join(top)
    if not all(map(_LOOSE.match, top)) or len({key for key, _ in chunks}) != len(chunks):
        raise ValueError
    for key, lines in chunks:
        end = len(lines)
        while end > 1 and _LOOSE.match(lines[end - 1]):
            end -= 1
        whole = value(key, "".join(lines))
        if repr(value(key, "".join(lines[:end]))) != repr(whole):
            end = len(lines)
        found[key] = HeaderField(lead, "".join(lines[:end]), whole)
        lead = "".join(lines[end:])
    return Fields(found, lead)


_READERS: Mapping[str, Callable[[str], Fields]] = {"yaml": _yaml, "toml": _toml, "json": _json, "lenient": _lenient}


def fields_of(form: str, texts: Sequence[str]) -> list[Fields] | None:
    """The fields of every text; None if one cannot be split.

    Args:
        form: `yaml`, `toml`, `json`, or `lenient` for line-by-line headers.
    """
    try:
        return [_READERS[form](text) for text in texts]
    except (InvalidFile, ValueError):
        return None


def comments_in(form: str, text: str) -> list[str]:
    """The comments in the lines of a field."""
    if form == "toml":
        return [token[0] for token in _TOML.finditer(text) if token[0].startswith("#")]
    return yaml_comments(text) if form == "yaml" else []


def field_text(form: str, key: str, value: Any) -> str:
    """A field as our own emitter writes it."""
    from agentpack.writers.emit import toml_document, yaml_entry

    if form == "json":
        return "\n".join(json.dumps({key: value}, ensure_ascii=False, indent=2).split("\n")[1:-1])
    return toml_document({key: value}) if form == "toml" else yaml_entry({key: value})
