"""Placeholders are filled once, and conditions keep or drop; there is no other logic."""

import pytest

from agentpack.compose.substitute import as_text, condition_fault, holds, placeholder_faults, substitute
from agentpack.input.parameters import Value

VALUES: dict[str, Value] = {"flag": True, "off": False, "name": "{{ other }}", "other": "x", "number": 85}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ other }}", "x"),
        ("{{other}}{{  other  }}", "xx"),
        ("{{ name }}", "{{ other }}"),
        ("{{ flag }} {{ off }} {{ number }}", "true false 85"),
        ("{{{{ other }}}}", "{{ other }}"),
        ("{{{{{{ other }}}}}}", "{{x}}"),
        ("}} alone", "}} alone"),
        ("{ other } {#x}", "{ other } {#x}"),
        ("", ""),
    ],
)
def test_a_value_is_put_in_once_and_never_scanned_again(text: str, filled: str) -> None:
    assert substitute(text, VALUES) == filled


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (None, True),
        ("flag", True),
        ("!flag", False),
        ("off", False),
        ("!off", True),
        ("other:x", True),
        ("other:y", False),
        ("!other:x", False),
        ("!other:y", True),
        ("number:85", True),
        ("flag:true", True),
        ("off:true", False),
    ],
)
def test_a_condition_keeps_or_drops(condition: str | None, kept: bool) -> None:
    assert holds(condition, VALUES) is kept


def test_a_condition_without_meaning_is_told() -> None:
    assert condition_fault("flag", VALUES) is None
    assert condition_fault("!other:x", VALUES) is None
    assert condition_fault("nothing", VALUES) == "there is no parameter `nothing`"
    assert condition_fault("!nothing:x", VALUES) == "there is no parameter `nothing`"
    assert condition_fault("other", VALUES) == "`other` is not a boolean: write `other:<value>`"


def test_faults_of_placeholders_stand_on_their_line() -> None:
    assert placeholder_faults("a\n{{ nothing }}\n{{ x", VALUES) == [
        (1, "there is no parameter `nothing`"),
        (2, "`{{` does not begin a placeholder: write `{{ name }}`, or `{{{{` for literal braces"),
    ]
    assert placeholder_faults("{{{{ anything }}}} {{ other }}", VALUES) == []


def test_a_value_stands_in_text_as_people_write_it() -> None:
    assert [as_text(value) for value in (True, False, 85, "x")] == ["true", "false", "85", "x"]
