"""Text that a format's own reader gives back as the value."""

import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from agentpack.writers.emit import json_text, toml_document, yaml_entry, yaml_header

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NASTY = st.lists(
    st.sampled_from([*"ab '\"\\#:-|>\t\n\r", "'''", '"""', "---", "\x00", "\x7f", "\x85", "\u2028", "\ufeff"])
)
TEXTS = TEXT | NASTY.map("".join)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3),
    max_leaves=6,
)


def header(text: str) -> Any:
    assert text.startswith("---\n")
    assert text.endswith("\n---\n")
    assert text.count("---") == 2
    return yaml.safe_load(text[4:-4])


@given(TEXTS)
@example("a --- b ---- c -----")
@example("yes")
@example("1.10")
@example("2026-11-23")
def test_a_header_is_one_line_a_field_and_reads_back(text: str) -> None:
    written = yaml_header({"name": "x", "description": text})
    assert written.count("\n") == 4
    assert header(written) == {"name": "x", "description": text}


@given(st.dictionaries(st.sampled_from(["a", "b-c", "d_e"]), VALUES, min_size=1))
def test_values_of_every_kind_read_back_from_a_header(fields: dict[str, Any]) -> None:
    assert header(yaml_header(fields)) == fields


@given(TEXTS)
@example('\x1f"""')
@example('a\n\'\'\'"""""""\\')
@example("a\n\n")
@example("\na'")
@example('a\n"')
def test_a_toml_text_reads_back(text: str) -> None:
    assert tomllib.loads(toml_document({"a": text, "b": [text]})) == {"a": text, "b": [text]}


@pytest.mark.campaign
@given(st.dictionaries(TEXTS.filter(bool), VALUES))
def test_a_toml_document_reads_back(fields: dict[str, Any]) -> None:
    assert tomllib.loads(toml_document(fields)) == fields


def test_a_toml_table_stands_behind_the_plain_keys_and_has_no_null() -> None:
    text = toml_document({"t": {"u": {"v": 1}, "w": None}, "a": [{"b": 1, "c": None}], "none": None})
    assert text == "a = [{ b = 1 }]\n\n[t]\n\n[t.u]\nv = 1\n"


def test_a_body_stays_readable_in_toml() -> None:
    assert toml_document({"a": "one\ntwo\n"}) == "a = '''\none\ntwo\n'''\n"


@given(TEXTS, st.integers(0, 8))
@example("a\n  b\n", 4)
@example("\n\n a\n\tb\n", 2)
@example("a\nb\n\n", 0)
@example("a\n   ", 2)
def test_an_entry_reads_back_at_any_depth(text: str, depth: int) -> None:
    lines = yaml_entry({"first": "x", "body": text, "last": 1}).split("\n")
    nested = "top:\n" + "\n".join(" " * (depth + 1) + line if line else "" for line in lines)
    assert yaml.safe_load(nested) == {"top": {"first": "x", "body": text, "last": 1}}


def test_several_lines_of_an_entry_stand_as_a_block() -> None:
    assert yaml_entry({"slug": "x", "body": "one\n\n two\n"}) == "slug: x\nbody: |2\n  one\n\n   two\n"


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\ufeff", "\ufffe"])
def test_what_yaml_calls_unprintable_is_escaped(character: str) -> None:
    assert json_text(f"a{character}b") == f'"a\\u{ord(character):04x}b"'
