"""Bounded TOML from untrusted files, without loading the YAML library that `documents` needs."""

import re
from typing import Any

from agentpack.errors import Fault, InvalidFile
from agentpack.model.json_text import MAX_DIGITS, check_depth, parse_float

MAX_TOML_BYTES = 256 * 1024
MAX_TOML_DEPTH = 24
# Reading a dotted key takes the square of its parts: one of more than any depth allowed is not read at all.
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*"""
_DOTTED = re.compile(rf"(?:^[ \t\[]*|[{{,][ \t]*)(?:{_PART}){{{MAX_TOML_DEPTH}}}", re.M)


def read_toml(data: bytes, file: str) -> dict[str, Any]:
    """The table of a TOML text.

    Args:
        file: the file name for faults.

    Raises:
        InvalidFile: not valid TOML within these bounds.
    """
    try:
        if len(data) > MAX_TOML_BYTES:
            raise ValueError(f"longer than {MAX_TOML_BYTES >> 10} KiB")
        text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
        if found := _DOTTED.search(text):
            line = text.count("\n", 0, found.end()) + 1
            raise InvalidFile([Fault(file, line, "", f"nested deeper than {MAX_TOML_DEPTH} levels")])
        import tomllib  # only where there is TOML

        value = tomllib.loads(text, parse_float=parse_float)
        check_depth(value, MAX_TOML_DEPTH)
        _check_numbers(value)
    except UnicodeDecodeError:
        raise InvalidFile([Fault(file, 0, "", "not UTF-8")]) from None
    except RecursionError:
        raise InvalidFile([Fault(file, 0, "", f"nested deeper than {MAX_TOML_DEPTH} levels")]) from None
    except ValueError as error:
        raise InvalidFile([Fault(file, 0, "", f"not valid TOML: {error}")]) from None
    return value


def _check_numbers(value: Any) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_numbers(item)
    elif isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
