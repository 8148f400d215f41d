"""Apply parameters: `when=` keeps or drops a rule, `{{ name }}` is replaced once, and there is no other logic."""

import re
from collections.abc import Mapping, Sequence

from agentpack.input.parameters import Value
from agentpack.model.line_numbers import with_lines

PLACEHOLDER = re.compile(r"\{\{\{\{|\}\}\}\}|\{\{ *+([A-Za-z0-9_-]*+) *+\}\}|\{\{")
MAX_FAULTS = 20
"""Largest number of faults reported for one rule."""


class TooLong(Exception):
    """A text with values filled in exceeds its limit."""


def holds(condition: str | None, values: Mapping[str, Value]) -> bool:
    """Whether `flag`, `!flag`, `parameter:value` or `!parameter:value` is true. An empty condition always is."""
    if condition is None:
        return True
    wanted = not condition.startswith("!")
    name, colon, value = condition.removeprefix("!").partition(":")
    if colon:
        return (as_text(values[name]) == value) is wanted
    return (values[name] is True) is wanted


def condition_fault(
    condition: str, values: Mapping[str, Value], choices: Mapping[str, Sequence[str]] | None = None
) -> str | None:
    """Why the condition is invalid for these parameters, or None.

    Args:
        choices: allowed values by parameter name.
    """
    name, colon, value = condition.removeprefix("!").partition(":")
    if name not in values:
        return f"there is no parameter `{name}`"
    if not colon and not isinstance(values[name], bool):
        return f"`{name}` is not a boolean: write `{name}:<value>`"
    allowed = ("true", "false") if isinstance(values[name], bool) else (choices or {}).get(name)
    if colon and allowed is not None and value not in allowed:
        return f"`{name}` is never `{value}`: it is one of {', '.join(allowed)}"
    return None


def as_text(value: Value) -> str:
    """A value as it appears in text: `true`, `85`, `mypy`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def substitute(text: str, values: Mapping[str, Value], most: int | None = None) -> str:
    """The text with every `{{ name }}` replaced in a single pass: values are not scanned again.

    Args:
        most: the largest allowed number of characters.

    Raises:
        TooLong: the result would be longer; no more than that was built.
    """
    if "{{" not in text and "}}" not in text:
        return text
    left = None if most is None else most - len(text)

    def replacement(match: re.Match[str]) -> str:
        nonlocal left
        if match[0] == "{{{{":
            return "{{"
        if match[0] == "}}}}":
            return "}}"
        value = as_text(values[match[1]])
        if left is not None:
            left -= len(value) - len(match[0])
            if left < 0:
                raise TooLong
        return value

    return PLACEHOLDER.sub(replacement, text)


def placeholder_faults(text: str, names: Mapping[str, object]) -> list[tuple[int, str]]:
    """Faults in the placeholders of a text: line offset from 0, and message."""
    if "{{" not in text:
        return []
    found: list[tuple[int, str]] = []
    for line, match in with_lines(text, PLACEHOLDER.finditer(text)):
        if len(found) == MAX_FAULTS:
            break
        if match[0] == "{{":
            found.append(
                (line - 1, "`{{` does not begin a placeholder: write `{{ name }}`, or `{{{{` for literal braces")
            )
        elif match[1] is not None and match[1] not in names:
            found.append((line - 1, f"there is no parameter `{match[1]}`"))
    return found
