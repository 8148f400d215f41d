"""Types shared by several schemas (lines, names, requirements), and the strict base model.

Unknown keys and values of another type are refused: untrusted input is never guessed at.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from agentpack.addresses import REFUSED, holds_secret
from agentpack.errors import AgentpackError
from agentpack.model.globs import check_pack_pattern
from agentpack.model.names import client_word, is_kebab, is_parameter, pack_name, persona_name_fault
from agentpack.model.requirement import parse_requirement


class StrictModel(BaseModel):
    """A map with exactly these keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class EmptyAsAbsent(StrictModel):
    """A map in which a known key without a value counts as absent."""

    @model_validator(mode="before")
    @classmethod
    def _said(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


def refuse(message: str) -> PydanticCustomError:
    """The exception for a validator to raise, so that the fault has this message."""
    return PydanticCustomError("agentpack", "{message}", {"message": message})


def checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator that calls `check` and reports what it raises as a fault."""

    def validate(text: str) -> str:
        try:
            check(text)
        except AgentpackError as error:
            raise refuse(error.message) from None
        return text

    return AfterValidator(validate)


def that(holds: Callable[[str], bool], message: str) -> AfterValidator:
    """A validator that accepts texts for which `holds` is true, and else reports the text and `message`."""

    def validate(text: str) -> str:
        if not holds(text):
            raise refuse(f"`{text}` {message}")
        return text

    return AfterValidator(validate)


def shaped(pattern: str) -> WithJsonSchema:
    """What the JSON Schema says of a text that our own code checks: it may allow more, never less."""
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})


def without_secret(text: str) -> str:
    """The text itself. Raises if it is an address with a password or token."""
    if holds_secret(text):
        raise refuse(REFUSED)
    return text


def normalized(text: str) -> None:
    """Raise unless the text is a pack name in normal form."""
    if pack_name(text) != text:
        raise refuse(f"`{text}` is not normalized: write `{pack_name(text)}`")


def _persona_name(text: str) -> str:
    if fault := persona_name_fault(text):
        raise refuse(fault)
    return text


def _number(value: Any) -> Any:
    """Refuse `true`, which equals 1 in Python but is not a schema number."""
    return "true" if value is True else value


def as_list(value: Any) -> Any:
    """Wrap a single text in a list."""
    return [value] if isinstance(value, str) else value


Line = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\n]*$")]
_KEBAB = "[a-z0-9]+(?:-[a-z0-9]+)*"
Requirement = Annotated[str, checked(parse_requirement), shaped(r"\s*[A-Za-z0-9][^\n]*\s*")]
PackName = Annotated[str, checked(normalized), shaped(_KEBAB)]
PackPattern = Annotated[str, checked(check_pack_pattern), shaped("[a-z0-9*]+(?:-[a-z0-9*]+)*")]
Kebab = Annotated[
    str, that(is_kebab, "is not a valid name: use lower-case letters, digits and single hyphens"), shaped(_KEBAB)
]
ClientName = Annotated[str, AfterValidator(client_word), that(is_kebab, "is not a valid client name")]
ParameterName = Annotated[
    str,
    that(is_parameter, "is not a valid parameter name: use lower case with underscores"),
    shaped("[a-z][a-z0-9]*(?:_[a-z0-9]+)*"),
]
PersonaName = Annotated[str, AfterValidator(_persona_name), shaped(_KEBAB)]
Schema = Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")]
Value = Annotated[str | int | bool, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Other readers of YAML take `3.13` for a number, where ours takes it for a text."""
