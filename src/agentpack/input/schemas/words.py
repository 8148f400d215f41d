"""What the texts and numbers of several documents may be: lines, names, requirements; and the strict model of a map.

A key that no model has, and a value of another type, is refused: nothing is guessed from what strangers wrote.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from agentpack.addresses import REFUSED, holds_secret
from agentpack.errors import AgentpackError
from agentpack.model.names import client_word, is_kebab, is_parameter, pack_name, persona_name_fault
from agentpack.model.requirement import parse_requirement


class Strict(BaseModel):
    """A map with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class Sayable(Strict):
    """A map in which a key that is left empty says nothing, as if it were not there."""

    @model_validator(mode="before")
    @classmethod
    def _said(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


def refuse(message: str) -> PydanticCustomError:
    """What a validator raises, so that the fault says `message`."""
    return PydanticCustomError("agentpack", "{message}", {"message": message})


def checked(check: Callable[[str], object]) -> AfterValidator:
    """A validator that lets a text pass when `check` does not raise, and says in our words why it does."""

    def validate(text: str) -> str:
        try:
            check(text)
        except AgentpackError as error:
            raise refuse(error.message) from None
        return text

    return AfterValidator(validate)


def that(holds: Callable[[str], bool], message: str) -> AfterValidator:
    """A validator that lets a text pass of which `holds` is true, and else says the text and `message`."""

    def validate(text: str) -> str:
        if not holds(text):
            raise refuse(f"`{text}` {message}")
        return text

    return AfterValidator(validate)


def without_secret(text: str) -> str:
    """The text. Raises where it is an address with a password or token."""
    if holds_secret(text):
        raise refuse(REFUSED)
    return text


def normalized(text: str) -> None:
    """Raises where a text is no name of a pack, or not in the form in which names are compared."""
    if pack_name(text) != text:
        raise refuse(f"`{text}` is not normalized: write `{pack_name(text)}`")


def _persona_name(text: str) -> str:
    if fault := persona_name_fault(text):
        raise refuse(fault)
    return text


def _number(value: Any) -> Any:
    """`true` equals 1 to Python, and is no schema."""
    return "true" if value is True else value


def as_list(value: Any) -> Any:
    """One text stands for a list of it."""
    return [value] if isinstance(value, str) else value


Line = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\n]*$")]
Requirement = Annotated[str, checked(parse_requirement)]
Kebab = Annotated[str, that(is_kebab, "is not a name: lower-case letters, digits and single hyphens")]
ClientName = Annotated[str, AfterValidator(client_word), that(is_kebab, "is not the name of a client")]
ParameterName = Annotated[str, that(is_parameter, "is not a parameter's name: lower case with underscores")]
PersonaName = Annotated[str, AfterValidator(_persona_name)]
Schema = Annotated[Literal[1], BeforeValidator(_number), Field(alias="schema")]
Value = str | int | bool
