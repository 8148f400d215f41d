"""Regular expressions from packs. They run on an engine with linear time (Rust's, through pydantic-core)."""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches the pattern.

    Raises:
        ValueError: the pattern is not valid for this engine.
    """
    try:
        validator = _validator(pattern)
    except SchemaError as error:
        raise ValueError(str(error).splitlines()[-1].strip()) from None
    try:
        validator.validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=64)
def _validator(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$"))
