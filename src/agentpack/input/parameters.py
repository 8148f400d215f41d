"""Typed parameters: allowed values, and messages for others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean

Value = str | int | bool
DEFAULT_LENGTH = 200
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class ParameterDeclaration(NamedTuple):
    """A parameter as declared by its pack. A bound is a number or the name of another integer parameter."""

    name: str
    type: str
    default: Value
    description: str
    choices: tuple[str, ...] | None = None
    pattern: str | None = None
    max_length: int = DEFAULT_LENGTH
    minimum: int | str | None = None
    maximum: int | str | None = None

    @classmethod
    def from_data(cls, name: str, data: Mapping[str, Any]) -> "ParameterDeclaration":
        choices = data.get("choices")
        return cls(
            name=name,
            type=data["type"],
            default=data["default"],
            description=data["description"],
            choices=None if choices is None else tuple(choices),
            pattern=data.get("pattern"),
            max_length=data.get("max_length", DEFAULT_LENGTH),
            minimum=data.get("minimum"),
            maximum=data.get("maximum"),
        )

    @property
    def allowed(self) -> str:
        """The allowed values, as a text for people."""
        if self.type == "boolean":
            return "true or false"
        if self.type == "integer":
            bounds = [f"at least {self.minimum}"] if self.minimum is not None else []
            bounds += [f"at most {self.maximum}"] if self.maximum is not None else []
            return " ".join(["a whole number", " and ".join(bounds)]).strip()
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        if self.pattern is not None:
            return f"text matching `{self.pattern}`"
        return f"text of at most {self.max_length} characters"

    def read(self, text: str) -> Value:
        """The value of a text typed on the command line.

        Raises:
            UsageError: the text is not a value of this type.
        """
        if self.type == "boolean" and text.lower() in ("true", "yes", "on", "false", "no", "off"):
            return text.lower() in ("true", "yes", "on")
        if self.type == "integer" and re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        if self.type == "string":
            return text
        raise UsageError(f"parameter `{self.name}`: `{text}` is not {self.allowed}")


def check_values(
    declarations: Mapping[str, ParameterDeclaration], values: Mapping[str, Value]
) -> Iterator[tuple[str, str]]:
    """A pair of name and message for each value that is not allowed. `values` includes everything the bounds may refer
    to.
    """
    for name, value in values.items():
        declaration = declarations.get(name)
        if declaration is None:
            hint = did_you_mean(name, declarations)
            known = f"known: {', '.join(sorted(declarations))}" if declarations else "the pack has no parameters"
            yield name, f"there is no parameter `{name}` ({hint or known})"
        elif (message := _fault(declaration, value, values)) is not None:
            yield name, message


def _fault(declaration: ParameterDeclaration, value: Value, values: Mapping[str, Value]) -> str | None:
    kinds: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool}
    wrong = f"`{_shown(value)}` is not allowed: use {declaration.allowed}"
    if type(value) is not kinds[declaration.type]:
        return wrong
    if isinstance(value, str):
        if _CONTROL.search(value):
            return f"{_shown(value)!r} contains a line break or control character"
        return None if _text_allowed(declaration, value) else wrong
    if declaration.type == "integer":
        low, high = _bound(declaration.minimum, values), _bound(declaration.maximum, values)
        if (low is not None and value < low) or (high is not None and value > high):
            bound = declaration.minimum if low is not None and value < low else declaration.maximum
            now = f" ({bound} is {values[bound]})" if isinstance(bound, str) else ""
            return wrong + now
    return None


def _text_allowed(declaration: ParameterDeclaration, value: str) -> bool:
    if len(value) > declaration.max_length:
        return False
    if declaration.choices is not None and value not in declaration.choices:
        return False
    if declaration.pattern is not None:
        from agentpack.input.patterns import matches  # loads pydantic-core: only where a pattern is declared

        return matches(declaration.pattern, value)
    return True


def _bound(bound: int | str | None, values: Mapping[str, Value]) -> int | None:
    if isinstance(bound, str):
        other = values.get(bound)
        return other if isinstance(other, int) else None
    return bound


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
