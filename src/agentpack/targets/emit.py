"""Values as text of a format, one-line and exact, so that every client that was judged reads them back as they are."""

import json
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*\Z")
_WORDS = frozenset("y n yes no on off true false null none".split())
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def json_text(value: Any) -> str:
    """The value on one line as the JSON library writes it, with what YAML or TOML call unprintable escaped."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def yaml_header(fields: Mapping[str, Any]) -> str:
    """YAML front matter, a field a line, fences included.

    Values are written by the JSON library: JSON is YAML, a text becomes one double-quoted line which every client that
    was judged reads exactly, and it costs a fraction of a YAML emitter. A plain lower-case word stays plain.
    """
    return "---\n" + "".join(f"{key}: {_scalar(value)}\n" for key, value in fields.items()) + "---\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.match(value) and value not in _WORDS:
        return value
    return json_text(value)


def toml_document(fields: Mapping[str, Any]) -> str:
    """A TOML document: plain keys first, then a table for each map (https://toml.io/en/v1.0.0)."""
    lines = [f"{_key(key)} = {toml_value(value)}\n" for key, value in fields.items() if not isinstance(value, Mapping)]
    for key, value in fields.items():
        if isinstance(value, Mapping):
            lines += _table((key,), value)
    return "".join(lines)


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    lines = [f"\n[{'.'.join(map(_key, path))}]\n"]
    lines += [f"{_key(key)} = {toml_value(value)}\n" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _table((*path, key), value)
    return lines


def _key(text: str) -> str:
    return text if _BARE_KEY.match(text) else json_text(text)


def toml_value(value: Any) -> str:
    """One value. A text of several lines is written as a block that people can read in a review."""
    if isinstance(value, str):
        return _toml_block(value) if "\n" in value else json_text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) if not isinstance(item, str) else json_text(item) for item in value) + "]"
    return json_text(value)


def _toml_block(text: str) -> str:
    if "'''" not in text and not text.endswith("'") and not re.search("[\x00-\x08\x0b-\x1f\x7f]", text):
        return f"'''\n{text}'''"
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
    escaped = re.sub("[\x00-\x08\x0b-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""\n{escaped}"""'
