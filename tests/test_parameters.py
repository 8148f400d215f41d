"""Typed parameters: what is allowed, in words, and what a text on the command line stands for."""

import pytest

from agentpack.errors import UsageError
from agentpack.input.parameters import ParameterDeclaration, Value, check_values


def declared(type: str, default: Value, **more: object) -> ParameterDeclaration:
    data = {"type": type, "default": default, "description": "x", **more}
    return ParameterDeclaration.from_data("it", data)


BOOLEAN = declared("boolean", True)
INTEGER = declared("integer", 5, minimum=1, maximum="most")
MOST = ParameterDeclaration.from_data("most", {"type": "integer", "default": 9, "description": "x"})
CHOICE = declared("string", "a", choices=["a", "b"])
PATTERN = declared("string", "a", pattern="[a-z]+", max_length=4)
TEXT = declared("string", "a")


@pytest.mark.parametrize(
    ("declaration", "words"),
    [
        (BOOLEAN, "true or false"),
        (INTEGER, "a whole number at least 1 and at most most"),
        (MOST, "a whole number"),
        (CHOICE, "one of a, b"),
        (PATTERN, "text matching `[a-z]+`"),
        (TEXT, "text of at most 200 characters"),
    ],
)
def test_a_declaration_says_what_is_allowed(declaration: ParameterDeclaration, words: str) -> None:
    assert declaration.allowed == words


@pytest.mark.parametrize(
    ("declaration", "text", "value"),
    [
        (BOOLEAN, "yes", True),
        (BOOLEAN, "ON", True),
        (BOOLEAN, "False", False),
        (INTEGER, "07", 7),
        (INTEGER, "-3", -3),
        (TEXT, "true", "true"),
        (TEXT, "3.12", "3.12"),
        (TEXT, "", ""),
    ],
)
def test_a_text_is_read_by_type(declaration: ParameterDeclaration, text: str, value: Value) -> None:
    assert declaration.read(text) == value
    assert type(declaration.read(text)) is type(value)


@pytest.mark.parametrize(
    ("declaration", "text"), [(BOOLEAN, "1"), (BOOLEAN, ""), (INTEGER, "1.5"), (INTEGER, "ten"), (INTEGER, "9" * 30)]
)
def test_a_text_that_cannot_be_of_that_type_is_refused(declaration: ParameterDeclaration, text: str) -> None:
    with pytest.raises(UsageError, match=f"parameter `it`: `{text}` is not {declaration.allowed}"):
        declaration.read(text)


def faults(declaration: ParameterDeclaration, value: Value, **others: Value) -> list[tuple[str, str]]:
    return list(check_values({"it": declaration, "most": MOST}, {"it": value, "most": 9, **others}))


@pytest.mark.parametrize(
    ("declaration", "value"),
    [(BOOLEAN, False), (INTEGER, 1), (INTEGER, 9), (CHOICE, "b"), (PATTERN, "abcd"), (TEXT, "é" * 200), (TEXT, "")],
)
def test_what_is_allowed_passes(declaration: ParameterDeclaration, value: Value) -> None:
    assert faults(declaration, value) == []


@pytest.mark.parametrize(
    ("declaration", "value", "words"),
    [
        (BOOLEAN, 1, "`1` is not allowed: use true or false"),
        (BOOLEAN, "true", "`true` is not allowed: use true or false"),
        (INTEGER, True, "`true` is not allowed: use a whole number"),
        (INTEGER, "5", "`5` is not allowed: use a whole number"),
        (INTEGER, 0, "`0` is not allowed: use a whole number at least 1 and at most most"),
        (INTEGER, 10, "`10` is not allowed: use a whole number at least 1 and at most most (most is 9)"),
        (CHOICE, "c", "`c` is not allowed: use one of a, b"),
        (CHOICE, 3, "`3` is not allowed"),
        (PATTERN, "abcde", "`abcde` is not allowed: use text matching `[a-z]+`"),
        (PATTERN, "aB", "is not allowed"),
        (PATTERN, "a\n", "contains a line break or control character"),
        (TEXT, "a" * 201, "text of at most 200 characters"),
        (TEXT, "a\x1b[2J", "contains a line break or control character"),
        (TEXT, "a\u2028b", "contains a line break or control character"),
    ],
)
def test_what_is_not_allowed_is_told_with_what_is(declaration: ParameterDeclaration, value: Value, words: str) -> None:
    ((name, message),) = faults(declaration, value)
    assert name == "it"
    assert words in message


def test_an_unknown_parameter_is_answered_with_what_there_is() -> None:
    assert list(check_values({"it": TEXT, "most": MOST}, {"mots": 1})) == [
        ("mots", "there is no parameter `mots` (did you mean `most`?)")
    ]
    assert list(check_values({"it": TEXT, "most": MOST}, {"zzz": 1})) == [
        ("zzz", "there is no parameter `zzz` (known: it, most)")
    ]
    assert list(check_values({}, {"zzz": 1})) == [("zzz", "there is no parameter `zzz` (the pack has no parameters)")]


def test_a_pattern_matches_the_whole_value_in_linear_time() -> None:
    evil = declared("string", "a", pattern="(a+)+", max_length=2000)
    assert faults(evil, "a" * 1999 + "b") != []
    either = declared("string", "a", pattern="a|b")
    assert faults(either, "ab") != []
