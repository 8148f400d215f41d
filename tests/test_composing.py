"""Persona, variants and values become one text: what is kept, what is dropped, and where each field came from."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.packs import make_pack, persona_text, read_files, variant_text

from agentpack.compose.compose import Pack, as_written, compose, draft_of, values_for
from agentpack.compose.parse import PersonaText
from agentpack.errors import InvalidFile, UsageError
from agentpack.input.parameters import Value
from agentpack.model.persona import Persona

PARAMETERS = {
    "flag": {"type": "boolean", "default": True, "description": "x"},
    "style": {"type": "string", "default": "brief", "choices": ["brief", "full"], "description": "x"},
    "tools": {"type": "string", "default": "", "description": "x"},
    "color": {"type": "string", "default": "blue", "description": "x"},
    "model": {"type": "string", "default": "opus", "description": "x"},
}


def pack(body: str = "", variants: Mapping[str, str] | None = None, **header: Any) -> Pack:
    text = persona_text(body=body, **header)
    return read_files(make_pack(personas={"reviewer": text}, variants=variants or {}, parameters=PARAMETERS))


def made(found: Pack, *variants: str, **values: Value) -> Persona:
    draft = draft_of(found, "reviewer", variants, {})
    return compose(draft, values_for(draft, found.declarations, values, found.release))


# -- conditions --------------------------------------------------------------------------------------------------------


def test_a_rule_whose_condition_fails_is_dropped_with_its_line() -> None:
    found = pack("- a\n- b {#b when=!flag}\n- c {#c when=style:brief}\n")
    assert made(found).body == "- a\n- c\n"
    assert made(found, flag=False, style="full").body == "- a\n- b\n"


def test_a_dropped_heading_takes_all_below_it() -> None:
    found = pack("## A {#a when=!flag}\n\n- x\n\n### Deeper\n\n- y\n\n## B\n\n- z\n")
    assert made(found).body == "## B\n\n- z\n"


def test_a_section_that_lost_all_its_rules_loses_its_heading() -> None:
    found = pack("# Top\n\n## A\n\n- x {#x when=!flag}\n\n## B\n\n- z\n")
    assert made(found).body == "# Top\n\n## B\n\n- z\n"
    assert made(pack("# Top\n\n## A\n\n- x {#x when=!flag}\n")).body.strip() == ""


def test_a_heading_that_never_had_rules_stays() -> None:
    assert made(pack("# Top\n\n## Empty\n\n## B\n\n- z\n")).body == "# Top\n\n## Empty\n\n## B\n\n- z\n"


def test_the_text_ends_as_it_was_written_whatever_is_dropped() -> None:
    found = pack("- a\n- b {#b when=!flag}\n\n")
    assert made(found).body == "- a\n\n"
    assert made(pack("- a\n- b {#b when=!flag}")).body == "- a"


@pytest.mark.parametrize("body", ["A. {#a when=!flag}\n\nB.\n", "A. {#a when=!flag}\n\n# H\n\n- x\n"])
def test_a_text_never_begins_with_the_blank_lines_of_what_was_dropped(body: str) -> None:
    assert made(pack(body)).body == body.partition("\n\n")[2]


def test_placeholders_are_filled_in_headings_and_rules() -> None:
    found = pack("## Be {{ style }} {#h}\n\n- {{ style }}, {{{{ style }}}}\n")
    assert made(found, style="full").body == "## Be full\n\n- full, {{ style }}\n"


# -- header ------------------------------------------------------------------------------------------------------------


def test_parts_of_a_description_are_kept_by_condition_and_joined() -> None:
    found = pack(description=["One.", {"text": "Two {{ style }}.", "when": "flag"}, "Three."])
    assert made(found).value("description") == "One. Two brief. Three."
    assert made(found, flag=False).value("description") == "One. Three."


def test_a_field_that_became_empty_is_not_there() -> None:
    found = pack(tools="{{ tools }}", color="{{ color }}")
    assert "tools" not in made(found).fields
    assert "color" not in made(found, color="").fields
    assert made(found, tools="read, shell").value("tools") == ["read", "shell"]
    assert "model" not in made(found).fields


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tools": "read, jump"}, "`jump` is not a tool"),
        ({"color": "mauve"}, "`mauve` is not a colour"),
        ({"color": "red, blue"}, "`red, blue` is not a colour"),
    ],
)
def test_a_value_that_a_field_does_not_take_is_refused(values: dict[str, Value], words: str) -> None:
    found = pack(tools="{{ tools }}", color="{{ color }}")
    with pytest.raises(UsageError, match=words) as refused:
        made(found, **values)
    assert refused.value.details[0].startswith("known: ")


def test_a_field_that_the_user_set_says_so() -> None:
    found = pack(model="{{ model }}", variants={"reviewer/cheap": variant_text(set={"parameters": {"model": "haiku"}})})
    assert str(made(found).fields["model"].origin) == "data-reviewer 1.0.0"
    assert str(made(found, model="sonnet").fields["model"].origin) == "parameter model"
    assert made(found, "cheap").value("model") == "haiku"
    assert made(found, "cheap", model="sonnet").value("model") == "sonnet"


def test_every_value_that_is_not_allowed_is_told() -> None:
    with pytest.raises(UsageError) as refused:
        made(pack(), style="long", flag=3, nothing="x")
    assert refused.value.message == "data-reviewer 1.0.0: parameter `flag`: `3` is not allowed: use true or false"
    assert list(refused.value.details) == [
        "parameter `style`: `long` is not allowed: use one of brief, full",
        "parameter `nothing`: there is no parameter `nothing` (known: color, flag, model, style, tools)",
    ]
    assert refused.value.hint == "`agentpack show data-reviewer` lists the parameters"


# -- local variants ----------------------------------------------------------------------------------------------------


def test_a_local_variant_goes_over_the_persona_like_any_other() -> None:
    found = pack("## Rules {#rules}\n\n- a {#a}\n")
    local = PersonaText(found.declarations).variant(variant_text("## Rules {#rules}\n\n- ours {#a}\n"), "house.md")
    draft = draft_of(found, "reviewer", ("house",), {"house": local})
    assert [str(rule.origin) for rule in draft.sections[1].rules] == ["local variant house"]


def test_a_local_variant_with_the_name_of_one_in_the_pack_is_refused() -> None:
    found = pack(variants={"reviewer/terse": variant_text()})
    local = PersonaText({}).variant(variant_text(), ".agentpack/variants/reviewer/terse.md")
    with pytest.raises(InvalidFile) as refused:
        draft_of(found, "reviewer", (), {"terse": local})
    assert refused.value.details == (
        ".agentpack/variants/reviewer/terse.md: the local variant `terse` has the name of a variant in "
        "data-reviewer 1.0.0 (rename the file)",
    )


def test_a_variant_that_only_another_persona_has_is_passed_over() -> None:
    found = read_files(
        make_pack(
            personas={"reviewer": persona_text(), "writer": persona_text("writer")},
            variants={"writer/terse": variant_text()},
        )
    )
    plain = draft_of(found, "reviewer", (), {})
    assert draft_of(found, "reviewer", ("terse",), {}).sections == plain.sections


# -- collections -------------------------------------------------------------------------------------------------------


def test_a_bare_persona_is_its_text_byte_for_byte() -> None:
    body = "{{ not a parameter }} {#no-id when=x}\n\n## H {#h}\n"
    agent = f"---\nname: reviewer\ndescription: 'Reviews: {{{{ x }}}}'\n---\n{body}".encode()
    found = read_files({"agents/reviewer.md": agent})
    persona = as_written(draft_of(found, "reviewer", (), {}))
    assert persona.body == body
    assert persona.value("description") == "Reviews: {{ x }}"
    assert as_written(draft_of(found, "reviewer", (), {}), name="other").name == "other"


def test_two_personas_are_equal_when_they_say_the_same() -> None:
    one, same, other = made(pack("- a\n")), made(pack("- a\n")), made(pack("- b\n"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "reviewer"
    assert repr(one) == "Persona('reviewer')"
    assert one.named("else").name == "else"
    assert one.named("else").body == one.body
