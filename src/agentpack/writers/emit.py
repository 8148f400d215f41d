"""Write values in a format exactly and on one line, so that every client that was tested reads them back unchanged."""

import json
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*\Z")
WORDS = frozenset("y n yes no on off true false null none".split())
"""What some reader of YAML takes for a value and not for text, in lower case."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_RULE = re.compile("-{3,}")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_NOT_IN_A_BLOCK = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def json_text(value: Any) -> str:
    """The value as one line of JSON, with characters that YAML or TOML call unprintable escaped."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


_EXPONENT = re.compile(r'"(?:\\.|[^"\\])*"|(?<![0-9.])(-?[0-9]+)(e[-+][0-9]+)')


def _yaml_text(value: Any) -> str:
    """Like `json_text`, with a decimal point in numbers with an exponent: YAML 1.1 takes `1e-05` for text."""
    text = json_text(value)
    return text if isinstance(value, str) else _EXPONENT.sub(lambda m: f"{m[1]}.0{m[2]}" if m[1] else m[0], text)


def is_plain_word(text: str) -> bool:
    """Whether a text can be written without quotes and still be text."""
    return _PLAIN.match(text) is not None and text not in WORDS


def is_exact(text: str) -> bool:
    """Whether a text contains nothing this module would escape."""
    return _UNPRINTABLE.search(text) is None


def yaml_header(fields: Mapping[str, Any]) -> str:
    """YAML front matter, a field a line, including the fences.

    Values are written by the JSON library: JSON is YAML, a text becomes one double-quoted line which every client that
    was judged reads exactly, and it costs a fraction of a YAML emitter. A plain lower-case word stays plain. `---`
    within a value is escaped: Claude Code and Goose end the header at the first one, wherever it stands.
    """
    lines = (f"{key}: {_RULE.sub(_escaped_rule, _scalar(value))}\n" for key, value in fields.items())
    return "---\n" + "".join(lines) + "---\n"


def _escaped_rule(match: re.Match[str]) -> str:
    return "-" + "\\u002d" * (len(match[0]) - 1)


def yaml_entry(fields: Mapping[str, Any]) -> str:
    """A map in YAML, a field a line; multi-line text is a block, so that it can be merged by lines."""
    return "".join(f"{key}: {_block(value) or _scalar(value)}\n" for key, value in fields.items())


def _scalar(value: Any) -> str:
    if isinstance(value, str) and is_plain_word(value):
        return value
    return _yaml_text(value)


def _block(value: Any) -> str | None:
    """A literal block without its last line end, for text that such a block reproduces exactly; else None."""
    if not isinstance(value, str) or "\n" not in value.strip("\n") or _NOT_IN_A_BLOCK.search(value):
        return None
    if value.endswith("\n\n") or not value.rstrip("\n").split("\n")[-1].strip():
        return None
    lines = value.removesuffix("\n").split("\n")
    head = "|2" if value.endswith("\n") else "|2-"
    return "\n".join([head, *(f"  {line}" if line else "" for line in lines)])


def toml_document(fields: Mapping[str, Any]) -> str:
    """A TOML document: plain keys first, then a table for each map (https://toml.io/en/v1.0.0). None is left out."""
    return "".join(_rows((), fields)).removeprefix("\n")


def _rows(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    table = {key: value for key, value in table.items() if value is not None}  # TOML has no null
    rows = [f"{_key(key)} = {toml_value(value)}\n" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            below = (*path, key)
            rows += [f"\n[{'.'.join(map(_key, below))}]\n", *_rows(below, value)]
    return rows


def _key(text: str) -> str:
    return text if _BARE_KEY.match(text) else json_text(text)


def toml_value(value: Any, *, inline: bool = False) -> str:
    """One value. Multi-line text is written as a block that is readable in a review.

    Args:
        inline: write everything on one line, as within a list.
    """
    if isinstance(value, str):
        return _toml_block(value) if "\n" in value and not inline else json_text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item, inline=True) for item in value if item is not None) + "]"
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)} = {toml_value(item, inline=True)}" for key, item in value.items() if item is not None]
        return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
    return json_text(value)


def _toml_block(text: str) -> str:
    if "'''" not in text and not text.endswith("'") and not _NOT_IN_A_BLOCK.search(text):
        return f"'''\n{text}'''"
    escaped = re.sub('"{3,}|"+\\Z', lambda match: '\\"' * len(match[0]), text.replace("\\", "\\\\"))
    escaped = _NOT_IN_A_BLOCK.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
    return f'"""\n{escaped}"""'
