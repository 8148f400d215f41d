"""The forms of clients' native settings (text, flag, number, list, …), and which values fit each."""

import re
from collections.abc import Callable, Mapping
from typing import Any


def fit_setting(form: str, value: Any) -> Any:
    """The value of a native setting, converted to the form the client expects.

    Forms: `text`, `flag`, `count` (a positive integer), `number`, `list` (of texts, or one text with commas),
    `texts` (either, as it is given), `map`,
    `maps` (a list of maps and texts), `permissions` (a word, or a map of words and of maps of words), `any`, and words
    separated by `|`. A number with a point arrives as text and leaves as a number.

    Raises:
        ValueError: it has another form; the message names the expected one.
    """
    if "|" in form:
        if value in form.split("|"):
            return value
        raise ValueError(f"one of {form.replace('|', ', ')}")
    if form == "number" and isinstance(value, str) and re.fullmatch(r"-?[0-9]+\.[0-9]+", value):
        return float(value)
    if form == "list" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    says, fits = SETTING_FORMS[form]
    if not fits(value):
        raise ValueError(says)
    return value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_permissions(value: Any, *, depth: int = 2) -> bool:
    """Whether a value is a permission word, or a map whose values are such words or such maps, at most `depth` deep."""
    if isinstance(value, dict):
        return depth > 0 and all(is_permissions(item, depth=depth - 1) for item in value.values())
    return value in ("allow", "ask", "deny")


SETTING_FORMS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text", lambda value: isinstance(value, str) and bool(value.strip())),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "count": ("a positive integer", lambda value: type(value) is int and value > 0),
    "number": ("a number", lambda value: type(value) in (int, float)),
    "list": ("a list of texts", _is_texts),
    "texts": ("text or a list of texts", lambda value: _is_texts(value) or (isinstance(value, str) and bool(value))),
    "switches": (
        "a map of true and false",
        lambda value: isinstance(value, dict) and all(isinstance(item, bool) for item in value.values()),
    ),
    "map": ("a map", lambda value: isinstance(value, dict)),
    "maps": (
        "a list of maps and texts",
        lambda value: isinstance(value, list) and all(isinstance(item, dict | str) for item in value),
    ),
    "permissions": ("allow, ask, deny, or a map of those", is_permissions),
    "color": (
        "`#rrggbb` or a word of the theme",
        lambda value: (
            isinstance(value, str)
            and bool(re.fullmatch("#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info", value))
        ),
    ),
    "any": ("a value", lambda value: value is not None),
}
