"""Read JSON from untrusted files: bounded, and with only one meaning.

Rejects duplicate keys, NaN and infinity, numbers larger than our files need, lone surrogates, deep nesting and too many
values. Loads only `json`, because the fast path uses it.
"""

import json
import re
from typing import Any

MAX_DEPTH = 24
"""How deep maps and lists may be nested."""
MAX_VALUES = 1_000_000
"""Values in one text, counted by its brackets, braces and commas: an empty list of two bytes takes sixty in memory."""
MAX_DIGITS = 18
"""Digits of an integer."""
MAX_FLOAT = 40
"""Characters of a number with a decimal point or exponent."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text. A leading byte-order mark is ignored.

    Raises:
        ValueError: not valid JSON within these bounds; a JSONDecodeError if the line is known.
    """
    check_size(data, max_bytes)
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=parse_int, parse_float=parse_float, parse_constant=_no_constant
        )
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {max_depth} levels") from None
    check_depth(value, max_depth)
    if b"\\u" in data:
        _check_text(value)
    return value


def check_size(data: bytes, max_bytes: int) -> None:
    """Raise ValueError if the text is too long or has too many values."""
    if len(data) > max_bytes:
        raise ValueError(f"longer than {_size(max_bytes)}")
    if data.count(b"[") + data.count(b"{") + data.count(b",") > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES:,} values")


def check_depth(value: Any, left: int) -> None:
    """Raise ValueError if maps and lists are nested deeper than `left` levels, the value itself included."""
    if type(value) is dict:
        value = value.values()
    elif type(value) is not list:
        return
    if not left:
        raise ValueError("nested too deep")
    for item in value:
        if type(item) is dict or type(item) is list:
            check_depth(item, left - 1)


def parse_int(text: str) -> int:
    """An integer with few enough digits. Raises ValueError."""
    if len(text) - text.startswith("-") > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(text)


def parse_float(text: str) -> float:
    """A finite number with a decimal point or exponent. Raises ValueError."""
    value = float(text) if len(text) <= MAX_FLOAT else float("inf")
    if value - value != 0:  # infinite, or not a number
        raise ValueError("a number that is not finite, or too long")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"`{word}` is not a number of JSON")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise ValueError("half of a surrogate pair, which is not a character")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"
