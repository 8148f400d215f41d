"""Variants laid over a persona: where their rules go, what they may not do, and who is named when two disagree."""

from typing import Any

import pytest
from support.packs import make_pack, persona_text, read_files, variant_text

from agentpack.compose.compose import Pack, compose, draft_of, values_for
from agentpack.errors import AgentpackError, InvalidFile, Unresolvable

BODY = """\
You review data. {#identity}

# Work {#work}

## First {#first}

- Look. {#look}
- Say. {#say}

## Second {#second}

A paragraph. {#paragraph}

### Deeper {#deeper}

- Dig. {#dig}

# End {#end}

- Stop. {#stop}
"""
FLAG = {"flag": {"type": "boolean", "default": True, "description": "A flag."}}


def pack(**variants: str) -> Pack:
    return read_files(
        make_pack(
            personas={"reviewer": persona_text(body=BODY, model="opus")},
            variants={f"reviewer/{name}": text for name, text in variants.items()},
            parameters=FLAG,
        )
    )


def body(*names: str, **variants: str) -> str:
    found = pack(**variants)
    draft = draft_of(found, "reviewer", names or tuple(variants), {})
    return compose(draft, values_for(draft, found.declarations, {}, found.release)).body


def plain() -> str:
    return body(nothing=variant_text())


def refusal(*names: str, **variants: str) -> AgentpackError:
    with pytest.raises(AgentpackError) as refused:
        body(*names, **variants)
    return refused.value


# -- what one variant does ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("## First {#first}\n\n- Look twice. {#look}\n", "- Look.\n", "- Look twice.\n"),
        ("## First {#first}\n\n- Write. {#write}\n", "- Say.\n", "- Say.\n- Write.\n"),
        ("## First {#first}\n\n- Write. {#write after=look}\n", "- Look.\n", "- Look.\n- Write.\n"),
        ("## First {#first}\n\n- Write. {#write before=look}\n", "- Look.\n", "- Write.\n- Look.\n"),
        ("## First {#first}\n\n- W. {#w after=look}\n- X. {#x after=look}\n", "- Look.\n", "- Look.\n- W.\n- X.\n"),
        ("## First {#first}\n\n- Write. {#write after=dig}\n", "- Dig.\n", "- Dig.\n- Write.\n"),
        ("## First {#first}\n\nText. {#text}\n", "- Say.\n", "- Say.\n\nText.\n"),
        ("## First {#first}\n\nText. {#text before=look}\n", "- Look.\n", "Text.\n\n- Look.\n"),
        ("## The first {#first}\n", "## First\n", "## The first\n"),
        ("## First {#first when=flag}\n", "## First\n", "## First\n"),
        ("## First {#first when=!flag}\n", "## First\n\n- Look.\n- Say.\n\n", ""),
        ("## First {#first replace=section}\n\n- Only. {#only}\n", "- Look.\n- Say.\n", "- Only.\n"),
        ("- Be quick. {#quick}\n", "You review data.\n", "You review data.\n\n- Be quick.\n"),
        ("## New {#new}\n\n- One. {#one}\n", "- Stop.\n", "- Stop.\n\n## New\n\n- One.\n"),
        ("## New {#new after=first}\n\n- One. {#one}\n", "- Say.\n\n", "- Say.\n\n## New\n\n- One.\n\n"),
        ("## New {#new before=first}\n\n- One. {#one}\n", "## First\n", "## New\n\n- One.\n\n## First\n"),
        ("## New {#new after=second}\n\n- One. {#one}\n", "- Dig.\n\n", "- Dig.\n\n## New\n\n- One.\n\n"),
        (
            "## First {#first}\n\n- Kept. {#kept when=flag}\n- Gone. {#gone when=!flag}\n",
            "- Say.\n",
            "- Say.\n- Kept.\n",
        ),
    ],
)
def test_a_variant_changes_its_own_place_and_nothing_else(text: str, before: str, after: str) -> None:
    assert body(one=variant_text(text)) == plain().replace(before, after, 1)


@pytest.mark.parametrize(
    ("removed", "gone"),
    [
        (["look"], "- Look.\n"),
        (["say"], "- Say.\n"),
        (["paragraph"], "A paragraph.\n\n"),
        (["identity"], "You review data.\n\n"),
        (["deeper"], "### Deeper\n\n- Dig.\n\n"),
        (["second"], "## Second\n\nA paragraph.\n\n### Deeper\n\n- Dig.\n\n"),
        (["first"], "## First\n\n- Look.\n- Say.\n\n"),
        (["look", "say"], "## First\n\n- Look.\n- Say.\n\n"),
        (["end"], "\n# End\n\n- Stop.\n"),
        (["stop"], "\n# End\n\n- Stop.\n"),
        (["work"], BODY[BODY.index("# Work") : BODY.index("# End")]),
    ],
)
def test_what_is_removed_leaves_the_rest_as_it_was(removed: list[str], gone: str) -> None:
    import re

    without_ids = re.sub(r" \{#[a-z]+\}", "", gone)
    assert without_ids in plain()
    text = body(one=variant_text(remove=removed))
    assert text == plain().replace(without_ids, "", 1)


def test_a_field_that_a_variant_sets_says_where_it_came_from() -> None:
    found = pack(one=variant_text(set={"model": "sonnet", "clients": {"claude": {"maxTurns": 4}}}))
    draft = draft_of(found, "reviewer", ("one",), {})
    assert (draft.fields["model"].value, str(draft.fields["model"].origin)) == ("sonnet", "variant one")
    assert str(draft.fields["description"].origin) == "data-reviewer 1.0.0"
    assert draft.fields["clients"].value == {"claude": {"maxTurns": 4}}


def test_native_settings_of_variants_are_put_together() -> None:
    found = pack(
        one=variant_text(set={"clients": {"claude": {"maxTurns": 4}}}),
        two=variant_text(set={"clients": {"claude": {"effort": "high"}, "codex": {"x": 1}}}),
    )
    draft = draft_of(found, "reviewer", ("one", "two"), {})
    assert draft.fields["clients"].value == {"claude": {"maxTurns": 4, "effort": "high"}, "codex": {"x": 1}}


def test_a_rule_says_where_it_came_from() -> None:
    found = pack(one=variant_text("## First {#first}\n\n- Look twice. {#look}\n"))
    draft = draft_of(found, "reviewer", ("one",), {})
    origins = {rule.id: str(rule.origin) for section in draft.sections for rule in section.rules}
    assert origins["look"] == "variant one"
    assert origins["say"] == "data-reviewer 1.0.0"


@pytest.mark.parametrize(
    ("variant", "fault"),
    [
        (variant_text(remove=["lok"]), "remove: there is no rule or section `lok` (did you mean `look`?)"),
        (
            variant_text("## First {#first}\n\n- W. {#w after=lok}\n"),
            "6: w: there is no rule or section `lok` (did you mean `look`?)",
        ),
        (variant_text("## New {#new before=frist}\n"), "4: new: there is no rule or section `frist`"),
    ],
)
def test_an_id_that_does_not_exist_is_a_fault_of_the_variants_file(variant: str, fault: str) -> None:
    error = refusal(one=variant)
    assert isinstance(error, InvalidFile)
    assert fault in error.details[0]
    assert error.details[0].startswith("data-reviewer-1.0.0/variants/reviewer/one.md:")


# -- what two variants do ----------------------------------------------------------------------------------------------

LOOK = "## First {#first}\n\n- Look {}. {{#look}}\n"


def rule(text: str, id: str = "look") -> str:
    return f"## First {{#first}}\n\n- {text}. {{#{id}}}\n"


PAIRS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"body": rule("A")}, {"body": rule("B")}, "both replace `look` differently"),
    ({"body": rule("A")}, {"remove": ["look"]}, "`one` replaces and `two` removes `look`"),
    ({"remove": ["look"]}, {"body": rule("B")}, "`one` removes and `two` replaces `look`"),
    ({"set": {"model": "sonnet"}}, {"set": {"model": "haiku"}}, "both set field `model` differently"),
    ({"set": {"parameters": {"flag": True}}}, {"set": {"parameters": {"flag": False}}}, "both set parameter `flag`"),
    (
        {"set": {"clients": {"claude": {"maxTurns": 1}}}},
        {"set": {"clients": {"claude": {"maxTurns": 2}}}},
        "both set clients `claude.maxTurns` differently",
    ),
    ({"body": "## A {#first}\n"}, {"body": "## B {#first}\n"}, "both replace `first` differently"),
    ({"remove": ["first"]}, {"body": rule("B")}, "removes"),
    ({"remove": ["first"]}, {"body": rule("New", "new")}, "`one` removes and `two` builds on `first`"),
    ({"remove": ["look"]}, {"body": "- N. {#n after=look}\n"}, "`one` removes and `two` builds on `look`"),
    ({"remove": ["work"]}, {"body": rule("B", "dig")}, "removes"),
    ({"body": "## First {#first replace=section}\n"}, {"body": rule("B")}, "`one` removes and `two` replaces `look`"),
]


@pytest.mark.parametrize(("one", "two", "words"), PAIRS)
def test_two_variants_that_disagree_are_refused_by_name(one: dict[str, Any], two: dict[str, Any], words: str) -> None:
    error = refusal(one=variant_text(**one), two=variant_text(**two))
    assert isinstance(error, Unresolvable)
    assert error.message.startswith("the variants `one` and `two` conflict: ")
    assert words in error.message
    assert error.hint == "choose one of them, or declare `order: {after: [the other]}` in one"


@pytest.mark.parametrize(("one", "two", "words"), PAIRS[:7])
def test_a_declared_order_settles_it_and_the_later_one_wins(
    one: dict[str, Any], two: dict[str, Any], words: str
) -> None:
    alone = body("two", one=variant_text(**one), two=variant_text(**two))
    both = body("one", "two", one=variant_text(**one), two=variant_text(**two, order={"after": ["one"]}))
    if "remove" not in one:
        assert both == alone


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"body": rule("Same")}, {"body": rule("Same")}),
        ({"remove": ["look"]}, {"remove": ["look", "say"]}),
        ({"remove": ["first"]}, {"remove": ["look"]}),
        ({"set": {"model": "haiku"}}, {"set": {"model": "haiku"}}),
        ({"body": rule("A")}, {"body": rule("B", "say")}),
        ({"body": rule("A", "new")}, {"body": rule("B", "newer")}),
    ],
)
def test_two_variants_that_agree_or_do_not_meet_go_together(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert body("one", "two", one=variant_text(**one), two=variant_text(**two))


# -- which variants ----------------------------------------------------------------------------------------------------


def test_an_unknown_variant_is_answered_with_what_there_is() -> None:
    found = pack(terse=variant_text(), formal=variant_text())
    with pytest.raises(Unresolvable) as refused:
        draft_of(found, "reviewer", ("ters",), {})
    assert refused.value.message == "`data-reviewer 1.0.0: reviewer` has no variant `ters`"
    assert refused.value.details == ("known: formal, terse",)
    assert refused.value.hint == "did you mean `terse`?"


def test_a_variant_brings_the_one_it_requires() -> None:
    both = {"one": variant_text(rule("A")), "two": variant_text(rule("B", "say"), requires=["one"])}
    assert body("two", **both) == body("one", "two", **both)


def test_variants_that_exclude_each_other_are_refused_whoever_says_so() -> None:
    texts = {"one": variant_text(), "two": variant_text(conflicts=["one"])}
    for names in (("one", "two"), ("two", "one")):
        error = refusal(*names, **texts)
        assert error.message == "the variants `two` and `one` exclude each other"
        assert error.hint is not None and error.hint.startswith("choose one of them; ")


def test_a_variant_says_why_it_excludes_another() -> None:
    two = variant_text(conflicts=[{"with": "one", "reason": "both end the text"}])
    for one in (variant_text(), variant_text(conflicts=["two"])):
        error = refusal("one", "two", one=one, two=two)
        assert error.message == "the variants `two` and `one` exclude each other: both end the text"


def test_a_variant_may_exclude_several_that_come_together() -> None:
    three = variant_text(conflicts=[{"with": ["one", "two"], "reason": "too long"}])
    texts = {"one": variant_text(rule("A", "new")), "two": variant_text(rule("B", "newer")), "three": three}
    for names in (("one", "two"), ("one", "three"), ("two", "three")):
        assert body(*names, **texts)
    for order in (("one", "two", "three"), ("three", "two", "one")):
        error = refusal(*order, **texts)
        assert error.message == "the variants `three`, `one` and `two` exclude each other: too long"
        assert error.hint == "remove one of them"


def test_of_several_conflicts_that_of_the_fewest_variants_is_told() -> None:
    one = variant_text(conflicts=[{"with": ["two", "three"], "reason": "too long"}])
    texts = {"one": one, "two": variant_text(), "three": variant_text(conflicts=["two"])}
    assert refusal("one", "two", "three", **texts).message == "the variants `three` and `two` exclude each other"


def test_variants_that_each_come_after_another_are_a_fault() -> None:
    error = refusal(
        one=variant_text(order={"after": ["two"]}),
        two=variant_text(order={"after": ["three"]}),
        three=variant_text(order={"after": ["one"]}),
    )
    assert "the variants `one`, `three`, `two` form a cycle of `order`" in error.details[0]


def test_an_order_reaches_over_a_variant_between() -> None:
    texts = {
        "one": variant_text(rule("A")),
        "two": variant_text(order={"after": ["one"]}),
        "three": variant_text(rule("C"), order={"after": ["two"]}),
    }
    assert "- C." in body("one", "two", "three", **texts)
    assert refusal("one", "three", **texts).message.startswith("the variants `one` and `three` conflict")


def test_a_variant_that_comes_after_two_waits_for_both() -> None:
    texts = {
        "a": variant_text(rule("A", "new-a"), order={"after": ["b", "c"]}),
        "b": variant_text(rule("B", "new-b")),
        "c": variant_text(rule("C", "new-c")),
    }
    assert "- Say.\n- B.\n- C.\n- A.\n" in body("a", "b", "c", **texts)


def test_sections_put_after_the_same_heading_keep_their_order() -> None:
    """Also where a rule is put first below that heading, and where one of them is there already."""
    mine = "## Mine {#mine after=first}\n\n- A. {#a}\n\n### Below {#below after=first}\n\n- B. {#b}\n"
    more = "## More {#more after=first}\n\n- C. {#c}\n\n- D. {#d after=first}\n"
    laid = body(x=variant_text(mine + "\n" + more), y=variant_text(more.replace("C", "E"), order={"after": ["x"]}))
    sections = "## Mine\n\n- A.\n\n### Below\n\n- B.\n\n## More\n\n- E.\n"
    assert laid == plain().replace("## First\n\n- Look.\n- Say.\n", f"## First\n\n- D.\n- Look.\n- Say.\n\n{sections}")
