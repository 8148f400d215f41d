"""The laws of composing: order never matters, and what nobody touched stays byte for byte."""

import re
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bundled import NAME, composed, pack, versions
from support.effort import usually
from support.packs import make_pack, persona_text, read_files, variant_text

from agentpack.compose.compose import Pack, compose, draft_of, values_for
from agentpack.compose.parse import PersonaText, parse_sections
from agentpack.errors import AgentpackError, InvalidFile, Unresolvable
from agentpack.input.hidden_text import HiddenText, text_findings

FRAGMENTS = (
    *(
        "- one",
        "- two {{{{x}}}}",
        "  nested",
        "* star",
        "1. first",
        "## Rules",
        "### Deeper",
        "Setext\n---",
        "text",
        "",
    ),
    *("```", "~~~ x", "> quoted", "| a | b |", "---", "    code", "- [ ] task", "{#id", "}} {", "\ttab", "trailing  "),
)
bodies = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("\n".join)
any_body = st.one_of(bodies, bodies.map(lambda text: text + "\n"), st.text(st.characters(codec="utf-8"), max_size=80))


@given(any_body)
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_sections_joined_again_are_the_text(body: str) -> None:
    pieces = []
    for section in parse_sections(body):
        pieces += [section.heading, section.gap]
        for rule in section.rules:
            pieces += [rule.text, rule.gap]
    assert "".join(pieces) == body


@given(any_body)
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_a_persona_without_braces_is_rendered_byte_for_byte(body: str) -> None:
    try:
        found = read_files(make_pack(personas={"reviewer": persona_text(body=body)}))
    except InvalidFile:
        assert "{" in body
        return
    except HiddenText:
        assert text_findings(body.encode(), "body")
        return
    made = compose(draft_of(found, "reviewer", (), {}), values_for(draft_of(found, "reviewer", (), {}), {}, {}, "x"))
    if "{" not in body and "}" not in body:
        assert made.body == body
    assert made.body.replace("{{", "").replace("}}", "").count("\n") <= body.count("\n")


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_reading_a_persona_gives_a_layer_or_faults_with_places(text: str) -> None:
    for read in (PersonaText({}).persona, PersonaText({}).variant):
        try:
            read(text, "x.md")
        except InvalidFile as error:
            assert error.faults
            assert all(fault.file == "x.md" for fault in error.faults)
        except HiddenText as error:
            assert error.findings


# A persona with rules `a` to `f` in two sections, and variants that replace, remove, append and place rules.

BODY = "".join(
    f"## {section} {{#{section}}}\n\n" + "".join(f"- Rule {id}. {{#{id}}}\n" for id in ids) + "\n"
    for section, ids in (("first", "abc"), ("second", "def"))
).rstrip("\n")


@st.composite
def variants(draw: st.DrawFn) -> str:
    """The text of a variant."""
    rules: dict[str, list[str]] = {"first": [], "second": []}
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 4))):
        section = draw(st.sampled_from(["first", "second"]))
        id = draw(st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"]))
        if id in used:
            continue
        used.add(id)
        word = draw(st.sampled_from(["new", "other"]))
        place = draw(st.sampled_from(["", " after=b", " before=e", " after=d"]))
        when = draw(st.sampled_from(["", "", " when=flag"]))
        rules[section].append(f"- Rule {id}, {word}. {{#{id}{place if id in 'gh' else ''}{when}}}\n")
    body = "".join(f"## {name} {{#{name}}}\n\n{''.join(lines)}\n" for name, lines in rules.items() if lines)
    remove = draw(st.lists(st.sampled_from(["a", "c", "f", "second"]), max_size=2, unique=True))
    chosen = draw(st.sampled_from([{}, {"model": "opus"}, {"model": "sonnet"}, {"color": "red"}]))
    after = draw(st.sampled_from([[], [], ["one"], ["two"], ["three"]]))
    header = {"remove": [id for id in remove if id not in used], "set": chosen, "order": {"after": after}}
    return variant_text(body, **header)


FLAG = {"flag": {"type": "boolean", "default": True, "description": "A flag."}}


@given(st.fixed_dictionaries({name: variants() for name in ("one", "two", "three")}))
@settings(max_examples=usually(40, thorough=75, nightly=150))
def test_the_order_in_which_variants_are_named_never_matters(texts: dict[str, str]) -> None:
    files = make_pack(
        personas={"reviewer": persona_text(body=BODY)},
        variants={f"reviewer/{name}": text for name, text in texts.items()},
        parameters=FLAG,
    )
    try:
        found = read_files(files)
    except InvalidFile:
        return
    for size in (2, 3):
        for names in combinations(texts, size):
            results = {outcome(found, order) for order in permutations(names)}
            assert len(results) == 1


def outcome(found: Pack, names: tuple[str, ...]) -> tuple[object, ...]:
    """The composed text and header, or the refusal in words."""
    try:
        draft = draft_of(found, "reviewer", names, {})
        made = compose(draft, values_for(draft, found.declarations, {}, found.release))
    except AgentpackError as error:
        return type(error).__name__, error.message, error.details
    return made.body, made.value("model"), made.value("color")


@given(variants())
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_a_variant_leaves_every_other_line_as_it_was(text: str) -> None:
    """Whatever else a variant does: the rules it does not name stand in their old order, word for word."""
    files = make_pack(
        personas={"reviewer": persona_text(body=BODY)},
        variants={
            "reviewer/one": text.replace("- one\n", "- two\n"),
            **{f"reviewer/{name}": variant_text() for name in ("two", "three")},
        },
        parameters=FLAG,
    )
    try:
        found = read_files(files)
        draft = draft_of(found, "reviewer", ("one",), {})
    except AgentpackError:
        return
    made = compose(draft, values_for(draft, found.declarations, {}, found.release)).body
    layer = found.variants["reviewer"]["one"]
    touched = {rule.id for section in layer.sections for rule in section.rules} | set(layer.header["remove"])
    if "second" in touched:
        touched |= {"d", "e", "f"}
    kept = [f"- Rule {id}." for id in "abcdef" if id not in touched]
    assert [line for line in made.splitlines() if re.fullmatch(r"- Rule .\.", line)] == kept
    assert not made.endswith("\n\n")
    assert "\n\n\n" not in made


@pytest.mark.parametrize("version", versions())
def test_every_pair_of_bundled_variants_composes_or_is_refused_by_name(version: str) -> None:
    for one, other in combinations(pack(version).variant_names, 2):
        try:
            assert composed(version, (one, other)) == composed(version, (other, one))
        except Unresolvable as error:
            assert f"`{one}`" in error.message
            assert f"`{other}`" in error.message


@pytest.mark.parametrize("version", versions())
def test_a_variant_of_the_bundled_pack_changes_only_the_rules_it_names(version: str) -> None:
    for name, layer in pack(version).variants.get(NAME, {}).items():
        before = composed(version, **layer.header.get("set", {}).get("parameters", {}))
        after = composed(version, (name,))
        removed = set(layer.header["remove"])
        named = {rule.id for section in layer.sections for rule in section.rules} | removed
        old = {rule.id: rule.text for section in before.sections for rule in section.rules}
        new = {rule.id: rule.text for section in after.sections for rule in section.rules}
        below, gone = 0, set()  # a removed section takes along those below it
        for section in before.sections:
            below = below if below and section.level > below else section.level if section.id in removed else 0
            gone |= {rule.id for rule in section.rules if below}
        assert {id for id in old if new.get(id) != old[id]} <= named | gone
