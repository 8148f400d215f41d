"""The text of a persona or variant: what becomes a rule, what braces say, and every fault with its line."""

import pytest

from agentpack.compose.parse import MAX_RULES, MAX_TEXT, Layer, PersonaText, parse_sections, split_front_matter
from agentpack.errors import InvalidFile
from agentpack.input.parameters import ParameterDeclaration

FLAG = ParameterDeclaration(name="flag", type="boolean", default=True, description="A flag.")
NAME = ParameterDeclaration(name="name", type="string", default="x", description="A name.")
READER = PersonaText({"flag": FLAG, "name": NAME})
HEAD = "---\nname: reviewer\ndescription: Reviews.\n---\n"
VARIANT = "---\nsummary: Terse.\n---\n"


def rules(body: str) -> list[tuple[str | None, str, str | None]]:
    layer = READER.persona(HEAD + body, "x.md")
    return [(rule.id, rule.text, rule.when) for section in layer.sections for rule in section.rules]


def faults(text: str, kind: str = "persona") -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        (READER.persona if kind == "persona" else READER.variant)(text, "x.md")
    return list(refused.value.details)


def test_a_rule_is_a_top_level_item_with_all_that_is_nested_or_any_other_block() -> None:
    body = """\
A paragraph
of two lines. {#not-here}

- one {#one}
  - nested {#no-id}

  more of one
- two {#two when=flag}

```python
- no item {#no-id}
```

| a | b |
| - | - |
"""
    assert rules(body) == [
        (None, "A paragraph\nof two lines. {#not-here}", None),
        ("one", "- one\n  - nested {#no-id}\n\n  more of one", None),
        ("two", "- two", "flag"),
        (None, "```python\n- no item {#no-id}\n```", None),
        (None, "| a | b |\n| - | - |", None),
    ]


def test_a_section_is_a_heading_with_what_follows_up_to_the_next() -> None:
    layer = READER.persona(HEAD + "Before.\n# One {#one when=!flag}\n\n- a\n## Two\n- b\n", "x.md")
    assert [(s.id, s.level, s.heading, s.when, len(s.rules)) for s in layer.sections] == [
        (None, 0, "", None, 1),
        ("one", 1, "# One", "!flag", 1),
        (None, 2, "## Two", None, 1),
    ]


def test_lines_are_counted_in_the_file() -> None:
    layer = READER.persona(HEAD + "\n## One\n\n- a\n", "x.md")
    assert [section.line for section in layer.sections] == [5, 6]
    assert layer.sections[1].rules[0].line == 8


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("- a {#A}", "x.md:5: `{#A}`: `A` is not a valid id (use lower-case letters, digits and single hyphens)"),
        ("- a {#}", "x.md:5: `{#}`: `` is not a valid id"),
        ("- a {#when=flag}", "x.md:5: `{#when=flag}`: `` is not a valid id"),
        ("- a {#a whn=flag}", "x.md:5: a: unknown attribute `whn` (did you mean `when`?)"),
        ("- a {#a after=b}", "x.md:5: a: unknown attribute `after` (allowed here: when, checked)"),
        ("- a {#a when}", "x.md:5: a: `when` is not `key=value`"),
        ("- a {#a when=}", "x.md:5: a: `when=` is not `key=value`"),
        ("- a {#a when=flag when=flag}", "x.md:5: a: duplicate attribute `when`"),
        ("- a {#a checked=2026-11}", "x.md:5: a: `checked=2026-11`: `2026-11` is not a date such as `2026-11-23`"),
        ("- a {#a checked=20261123}", "x.md:5: a: `checked=20261123`: `20261123` is not a date"),
        ("## A {#a checked=2026-02-30}", "x.md:5: a: `checked=2026-02-30`: `2026-02-30` is not a date"),
        ("- a {#a checked=2026-13-01}", "x.md:5: a: `checked=2026-13-01`: `2026-13-01` is not a date"),
        ("- a {#a checked=2027-02-29}", "x.md:5: a: `checked=2027-02-29`: `2027-02-29` is not a date"),
        ("- a {#a checked=2026-11-23 checked=2026-11-23}", "x.md:5: a: duplicate attribute `checked`"),
        ("- a {#a when=other}", "x.md:5: when: there is no parameter `other` (known: flag, name)"),
        ("- a {#a when=name}", "x.md:5: when: `name` is not a boolean: write `name:<value>` (known: flag, name)"),
        ("- a {{ other }}", "x.md:5: there is no parameter `other` (known: flag, name)"),
        ("- a\n  {{ }}", "x.md:6: there is no parameter `` (known: flag, name)"),
        ("- a {{ name", "x.md:5: `{{` does not begin a placeholder: write `{{ name }}`, or `{{{{` for literal braces"),
        ("## {{ other }} {#h}", "x.md:5: there is no parameter `other`"),
    ],
)
def test_a_fault_of_the_body_names_its_line(line: str, words: str) -> None:
    assert faults(HEAD + line + "\n")[0].startswith(words)


def test_the_known_parameters_are_told_in_alphabetical_order() -> None:
    reader = PersonaText({"name": NAME, "flag": FLAG})
    with pytest.raises(InvalidFile) as refused:
        reader.persona(HEAD + "- a {{ other }}\n", "x.md")
    assert refused.value.details == ("x.md:5: there is no parameter `other` (known: flag, name)",)


def test_of_several_tools_that_are_allowed_and_denied_the_first_denied_one_is_told() -> None:
    both = HEAD.replace("---\n", "---\ntools: [read, edit]\ndeny: [edit, read]\n", 1)
    assert faults(both) == ["x.md: deny: `edit` is in both `tools` and `deny` (remove it from one of them)"]


def test_an_id_stands_once_over_sections_and_rules() -> None:
    assert faults(HEAD + "## Same {#same}\n- a {#same}\n") == ["x.md:6: same: duplicate id `same` (first on line 5)"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "x.md:4: every rule of a variant needs an id (end its first line with ` {#a}`)"),
        ("## A\n", "x.md:4: every heading of a variant needs an id"),
        ("- a {#a after=b before=c}\n", "x.md:4: a: `after` and `before` cannot be used together"),
        ("## A {#a replace=all}\n", "x.md:4: a: `replace=all`: only `replace=section` is supported"),
        (
            "- a {#a replace=section}\n",
            "x.md:4: a: unknown attribute `replace` (allowed here: when, checked, after, before)",
        ),
    ],
)
def test_a_variant_has_rules_of_its_own(text: str, words: str) -> None:
    assert faults(VARIANT + text, "variant")[0].startswith(words)


def test_attributes_in_a_local_variant_need_an_id() -> None:
    """Without one they were text of the agent; other rules of a local variant need none."""
    flag = {"flag": ParameterDeclaration.from_data("flag", {"type": "boolean", "default": True, "description": "x"})}
    text = VARIANT + "- a\n- Be brief. {when=flag}\n- Say {so}\n"
    with pytest.raises(InvalidFile) as refused:
        PersonaText(flag).variant(text, "x.md", is_local=True)
    hint = "end its first line with ` {#be-brief when=flag}`"
    assert refused.value.details == (f"x.md:5: `{{when=flag}}` needs an id ({hint})",)
    assert PersonaText({}, literal=True).variant(
        text, "x.md", is_local=True
    )  # agents of collections have no conditions


def test_a_variant_says_where_its_rules_go() -> None:
    layer = READER.variant(VARIANT + "## A {#a replace=section before=b}\n\n- x {#x after=y when=flag}\n", "x.md")
    section = layer.sections[1]
    assert (section.id, section.before, section.replace) == ("a", "b", True)
    rule = section.rules[0]
    assert (rule.id, rule.after, rule.when, rule.text) == ("x", "y", "flag", "- x")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("description: [{text: 'x {{ other }}'}]", "x.md: description: there is no parameter `other`"),
        ("description: [{text: x, when: other}]", "x.md: when: there is no parameter `other`"),
        ('description: x\nmodel: "{{ other }}"', "x.md: model: there is no parameter `other`"),
    ],
)
def test_the_header_may_hold_parameters_and_their_faults_are_told(header: str, words: str) -> None:
    text = f"---\nname: reviewer\n{header}\n---\n"
    if "when" in header:
        words = words.replace("when:", "description:")
    assert faults(text)[0].startswith(words)


def test_faults_of_header_and_body_are_told_together() -> None:
    assert len(faults("---\nname: reviewer\ndescription: x\ncolour: blue\n---\n- a {#A}\n- b {{ c }}\n")) == 3


@pytest.mark.parametrize("text", ["", "no header", "--- \nname: x\n", "----\nname: x\n---\n", " ---\nname: x\n---\n"])
def test_a_persona_begins_with_front_matter(text: str) -> None:
    assert faults(text) == [
        "x.md:1: missing front matter (begin the file with a line `---`, and end the header with another)"
    ]


def test_a_text_beyond_all_measure_is_not_read() -> None:
    assert faults(HEAD + "x" * MAX_TEXT) == ["x.md: longer than 512 Ki characters"]


def test_more_rules_than_anybody_follows_are_not_read() -> None:
    assert len(rules("- a rule\n" * MAX_RULES)) == MAX_RULES
    assert faults(HEAD + "- a rule\n" * (MAX_RULES + 1)) == ["x.md: more than 5,000 rules and headings"]


def test_front_matter_ends_at_the_first_fence() -> None:
    assert split_front_matter("---\na: 1\n---\nbody\n---\nmore") == ("a: 1", "body\n---\nmore", 4)
    assert split_front_matter("---\r\na: 1\r\n---\r\nbody") == ("a: 1\r", "body", 4)
    assert split_front_matter("---\n---\n") == ("", "", 3)


def test_windows_line_ends_are_kept_and_braces_taken_off() -> None:
    layer = READER.persona("---\r\nname: reviewer\r\ndescription: x\r\n---\r\n- a {#a}\r\n- b\r\n", "x.md")
    assert [rule.text + rule.gap for rule in layer.sections[0].rules] == ["- a\r\n", "- b\r\n"]


def test_a_persona_that_extends_another_may_use_its_parameters() -> None:
    """What they are is known only once that pack is."""
    text = "---\nname: reviewer\ndescription: x\nextends: other>=1\n---\n- a {{ theirs }} {#a when=theirs}\n"
    assert PersonaText({}).persona(text, "x.md").header["extends"] == "other>=1"


def test_a_module_is_a_section_with_a_phrase_that_says_when_to_read_it() -> None:
    header = "---\nname: reviewer\ndescription: x\nmodules: {one: checking a release}\n---\n"
    layer = READER.persona(header + "## One {#one}\n\n- a {#a}\n", "x.md")
    assert layer.header["modules"] == {"one": "checking a release"}


def test_a_module_names_a_section_and_no_rule() -> None:
    header = "---\nname: reviewer\ndescription: x\nmodules:\n  onn: checking\n  a: checking\n---\n"
    assert faults(header + "## One {#one}\n\n- a {#a}\n") == [
        "x.md:5: modules.onn: there is no section `onn` (did you mean `one`?)",
        "x.md:6: modules.a: there is no section `a`",
    ]


def test_a_module_may_be_a_section_of_the_persona_that_is_extended() -> None:
    text = "---\nname: reviewer\ndescription: x\nextends: other>=1\nmodules: {theirs: checking}\n---\n- a {#a}\n"
    assert READER.persona(text, "x.md").header["modules"] == {"theirs": "checking"}


def test_a_rule_keeps_the_day_on_which_its_claim_was_checked_and_a_heading_gives_it_to_what_stands_below() -> None:
    body = """\
- before {#before}

## One {#one checked=2026-11-23}

- a {#a}
- b {#b when=flag checked=2026-12-01}
- no braces

### Deeper {#deeper}

- c {#c}

### Newer {#newer checked=2027-01-31}

- d {#d}

## Two {#two}

- e {#e}
"""
    layer = READER.persona(HEAD + body, "x.md")
    assert [(rule.text, rule.checked) for section in layer.sections for rule in section.rules] == [
        ("- before", None),
        ("- a", "2026-11-23"),
        ("- b", "2026-12-01"),
        ("- no braces", "2026-11-23"),
        ("- c", "2026-11-23"),
        ("- d", "2027-01-31"),
        ("- e", None),
    ]
    assert [section.checked for section in layer.sections] == [None, "2026-11-23", None, "2027-01-31", None]


def test_a_variant_has_days_of_its_own() -> None:
    layer = READER.variant(VARIANT + "## A {#a checked=2026-11-23}\n\n- x {#x after=y}\n", "x.md")
    assert layer.sections[1].rules[0].checked == "2026-11-23"


def test_a_layer_survives_json() -> None:
    import json

    layer = READER.persona(HEAD + "## One {#one}\n\n- a {#a when=flag checked=2026-11-23}\n", "x.md")
    assert Layer.from_data(json.loads(json.dumps(layer.to_data()))) == layer


@pytest.mark.parametrize("body", ["", "\n", "\n\n", "text", "\n\ntext\n\n\n", "# h", "- a\n\n\n- b"])
def test_blank_lines_belong_to_what_they_follow(body: str) -> None:
    sections = parse_sections(body)
    joined = "".join(s.heading + s.gap + "".join(rule.text + rule.gap for rule in s.rules) for s in sections)
    assert joined == body
