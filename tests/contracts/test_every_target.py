"""What holds for every client: a persona is said exactly, whatever it says; and how the bundled pack looks there."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.bundled import combinations_of_variants, rendered, versions
from support.golden import Golden

from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.render import render
from agentpack.targets import TARGETS
from agentpack.targets.base import Target

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
ORIGIN = Origin("release", "data-reviewer 1.0.0")
BODY = """\
You are careful: {braces}, `code`, "quotes", 'single', back\\slash, ${HOME}, $1, <b>html</b>, 100 % — naïve 🦉.

---
name: not-a-header
---

~~~yaml
key: value # no comment
~~~

1. one
   - nested\t\ttabs  \n
* * *
last line without an end"""
DESCRIPTIONS = {
    "colons": "Use it: when: needed:",
    "quotes": """It's "quoted" and 'quoted' and "open""",
    "line breaks": "One line.\nAnother line.\n\nA third.\r\nAnd a fourth.\n",
    "a comment sign": "C # is no comment, #neither",
    "a fence": "---\nname: other\n---",
    "a trailing fence": "before\n---",
    "backticks": "`code` and ```more```",
    "emoji": "🦉 owl, 👩‍💻 coder, é and e\u0301",
    "brackets": "{a: b}, [c], & d, * e, ! f, | g, > h, % i, @ j",
    "a backslash": "C:\\temp\\new and \\n",
    "a word that YAML knows": "yes",
    "a number": "1.10",
    "a date": "2026-11-23",
    "nothing": "null",
    "blanks": "  in front and behind  ",
    "tabs": "\ta\tb",
    "separators": "a\u2028b\u2029c\x85d\x7fe\ufefff",
    "a long line": "word " * 800 + "end",
}


def persona(description: str, body: str = BODY, **fields: Any) -> Persona:
    """A persona that says what few would, all of it legal."""
    values = {"description": description, **fields}
    rule = Rule(None, body, "", None, "text", 1)
    section = Section(None, 0, "", "", None, 1, (rule,))
    return Persona("reviewer", {key: Field(value, ORIGIN) for key, value in values.items()}, (section,))


def said(target: Target, wanted: Persona) -> str:
    made = render(wanted, target, pack="data-reviewer", scope="project", variables={}, models={})
    return made.content.decode()


def read_back(target: Target, text: str) -> tuple[dict[str, Any], str]:
    """The fields and the body, as a parser that is not ours reads them."""
    assert target.suffix == ".md", f"say here how a {target.suffix} file of {target.name} is read"
    found = re.match(r"---\n(.*?\n)---\n(.*)\Z", text, re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1]), found[2]


# -- exactness ---------------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("description", DESCRIPTIONS.values(), ids=list(DESCRIPTIONS))
def test_a_description_reads_back_exactly(target: Target, description: str) -> None:
    fields, body = read_back(target, said(target, persona(description)))
    assert fields["name"] == "reviewer"
    assert fields["description"] == description
    assert body == BODY


@EVERY
@given(description=st.text(st.characters(codec="utf-8"), min_size=1), body=st.text(st.characters(codec="utf-8")))
def test_any_text_reads_back_exactly(target: Target, description: str, body: str) -> None:
    fields, found = read_back(target, said(target, persona(description, body)))
    assert fields["description"] == description
    assert found == body


@EVERY
def test_every_field_reads_back_exactly(target: Target) -> None:
    wanted = persona("Reviews: data", model="opus", color="blue", tools=["read", "search", "edit", "shell", "web"])
    fields, _ = read_back(target, said(target, wanted))
    assert fields["model"] == "opus"
    assert fields["color"] == "blue"
    assert set(fields) >= {"name", "description", "model", "color"}


@EVERY
def test_a_field_that_a_persona_does_not_have_is_not_said(target: Target) -> None:
    fields, _ = read_back(target, said(target, persona("Reviews data.")))
    assert fields == {"name": "reviewer", "description": "Reviews data."}


@EVERY
def test_the_header_is_one_line_a_field(target: Target) -> None:
    """So that a line-by-line merge of an edit and a new release meets whole fields."""
    header = said(target, persona("One.\nTwo.", model="opus")).split("---\n")[1]
    assert [line.partition(":")[0] for line in header.splitlines()] == ["name", "description", "model"]


@EVERY
def test_the_same_persona_gives_the_same_bytes(target: Target) -> None:
    wanted = persona("Reviews data.", model="opus", tools=["read"])
    assert said(target, wanted) == said(target, wanted)


# -- places ------------------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("scope", ["project", "user"])
def test_a_file_is_named_after_its_persona_below_the_root(target: Target, scope: str) -> None:
    path = target.path("reviewer", scope, {})
    assert path.endswith(f"/reviewer{target.suffix}")
    assert not path.startswith(("/", "$", "../"))


@EVERY
def test_the_variable_that_moves_a_client_moves_its_agents(target: Target) -> None:
    variable = target.user.variable
    if variable is None:
        assert target.path("reviewer", "user", {}) == f"{target.user.folder}/reviewer{target.suffix}"
        return
    assert target.path("reviewer", "user", {variable: "/elsewhere"}).startswith(f"${variable}/")
    assert target.path("reviewer", "user", {variable: ""}) == target.path("reviewer", "user", {})
    assert target.path("reviewer", "project", {variable: "/elsewhere"}) == target.path("reviewer", "project", {})


@EVERY
def test_a_target_says_when_and_how_it_was_checked(target: Target) -> None:
    assert target.verified_by in ("judge", "source", "documentation")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", target.checked)
    assert target.title
    assert target.version
    assert target.reads
    assert target.project.startswith(target.marker)


# -- the bundled pack --------------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize(
    ("version", "variants"),
    [
        pytest.param(version, variants, id="+".join((version, *variants)))
        for version in versions()
        for variants in combinations_of_variants(version)
    ],
)
def test_the_bundled_pack_looks_as_it_was_read(
    target: Target, version: str, variants: tuple[str, ...], golden: Golden
) -> None:
    name = "+".join((version, *variants))
    golden.check(f"{target.name}/{name}{target.suffix}", rendered(version, variants, target.name).encode())
