"""Whatever text comes to the one door for YAML, plain data comes out, or faults with places; nothing clever passes."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.errors import AgentpackError, InvalidFile
from agentpack.input.documents import MAX_DEPTH, Document, decode, read_events, read_yaml
from agentpack.input.schemas import SCHEMA, validate, validate_by_model
from agentpack.model.lock import Lock
from agentpack.model.lock_text import parse_lock

FRAGMENTS = (
    *("a", "b: ", "- ", "? ", ": ", "&x ", "*x", "!t ", "!!str ", "<<: ", "{", "}", "[", "]", ", ", "\n", "\n  ", "\t"),
    *('"', "'", "|\n", ">\n", "#", "---\n", "...\n", "%YAML 1.2\n", "1", "null", "yes", "~", "=", "\\x41", "é", "\r\n"),
)
documents = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join), st.text(st.characters(codec="utf-8"), max_size=60)
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.text(st.characters(codec="utf-8")))
keys = st.sampled_from(
    (
        *("schema", "name", "version", "description", "packs", "clients", "parameters", "requires", "sources", "set"),
        *("require", "as", "type", "default", "remove", "order", "after", "summary", "personas", "models", "path", "x"),
    )
)
data = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=12,
)


@given(documents)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_any_text_gives_plain_data_or_faults_with_places(text: str) -> None:
    try:
        found = read_yaml(text, "x.yaml", first_line=2, hidden=True)
    except InvalidFile as error:
        assert error.faults
        assert all(fault.file == "x.yaml" and fault.message for fault in error.faults)
        assert all(fault.line == 0 or fault.line >= 2 for fault in error.faults)
    else:
        assert_plain(found.data)


SIGNS = "ab1.:'\"#-,[]{}&*!|>%@`~=?+/$( \t\\\u00e9\u00a0\u200b\u2028\ufeff\x7f\U0001f600"
row_values = st.one_of(
    st.text(SIGNS, max_size=8),
    st.text(SIGNS, max_size=5).map(lambda text: f"'{text}'"),
    st.text(SIGNS, max_size=5).map(lambda text: f'"{text}"'),
    st.sampled_from(("Use it. Then, perhaps (not)", "null", "true", "12", "0x1F", "1e5", "Read, Grep", "a: b", "a #b")),
)
rows = st.tuples(
    st.sampled_from(("name", "tools", "a", "x-y_z", "null", "y", "<<", "9")),
    st.sampled_from((": ", ": ", ":  ", ":", " : ", ":\t")),
    row_values,
    st.sampled_from(("\n", "\n", "\n", " \n", "\r\n", "\n\n", "")),
).map("".join)


@given(st.lists(rows, max_size=4).map("".join), st.booleans(), st.booleans())
@settings(max_examples=usually(150, thorough=500, nightly=1200))
def test_plain_rows_are_read_as_the_library_reads_them(text: str, hidden: bool, loose: bool) -> None:
    try:
        expected = read_events(text, "x.yaml", first_line=2, hidden=hidden, loose=loose)
    except AgentpackError as error:
        with pytest.raises(type(error)):
            read_yaml(text, "x.yaml", first_line=2, hidden=hidden, loose=loose)
        return
    found = read_yaml(text, "x.yaml", first_line=2, hidden=hidden, loose=loose)
    assert (found, repr(found.data)) == (expected, repr(expected.data))  # `1` is no `True`, and the order counts


short_texts = st.one_of(
    st.sampled_from(
        ("reviewer", "nul", "a", "1e5", "Two--words", "opus", "blue", "read", "read, edit", "{{ x }}", " ,")
    ),
    st.sampled_from(("1.0.0", "1.0", "01.0.0", "1.0.0rc1", "1.0.0.post1", "", "two\nlines", "x" * 2001)),
)
plain_data = st.dictionaries(
    st.sampled_from(
        ("schema", "name", "version", "description", "model", "color", "tools", "deny", "clients", "other")
    ),
    st.one_of(short_texts, st.just(SCHEMA), st.just(True), st.none(), st.lists(short_texts, max_size=2)),
    max_size=6,
)
whole_packs = st.fixed_dictionaries(
    {"schema": st.just(SCHEMA), "name": short_texts, "version": short_texts, "description": short_texts}
)
whole_personas = st.tuples(plain_data, st.fixed_dictionaries({"name": short_texts, "description": short_texts})).map(
    lambda two: {**two[0], **two[1]}
)


@given(st.one_of(plain_data, whole_packs, whole_personas), st.sampled_from(("pack", "persona")))
@settings(max_examples=usually(150, thorough=500, nightly=1200))
def test_plain_packs_and_personas_are_checked_as_their_models_check_them(data: dict[str, Any], kind: str) -> None:
    document = Document("x.yaml", data, {})
    try:
        expected = validate_by_model(kind, document)
    except InvalidFile as error:
        with pytest.raises(InvalidFile) as found:
            validate(kind, document)
        assert found.value.faults == error.faults
    else:
        assert json.dumps(validate(kind, document)) == json.dumps(expected)


def assert_plain(value: Any) -> None:
    """Dicts with text as keys, lists, text, whole numbers, booleans, nothing: all that JSON has but fractions."""
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        for inner in value.values():
            assert_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_plain(inner)
    else:
        assert type(value) in (str, int, bool, type(None))


@given(documents)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_no_alias_anchor_tag_or_second_document_passes(text: str) -> None:
    try:
        read_yaml(text, "x.yaml", hidden=True)
    except InvalidFile:
        return
    events = events_of(text)
    for event in events:
        assert not isinstance(event, yaml.AliasEvent)
        assert getattr(event, "anchor", None) is None
        assert getattr(event, "tag", None) in (None, "!")
    assert sum(isinstance(event, yaml.DocumentStartEvent) for event in events) <= 1


def events_of(text: str) -> list[yaml.Event]:
    """What the parser that is written in Python sees: another one than that of the door. It refuses some tabs."""
    try:
        return list(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return []


@given(documents)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_no_key_stands_twice_in_what_passes(text: str) -> None:
    try:
        found = read_yaml(text, "x.yaml", hidden=True)
    except InvalidFile:
        return
    if events_of(text):
        assert keys_in(yaml.compose(text, Loader=yaml.SafeLoader)) == count_keys(found.data)


def keys_in(node: Any) -> int:
    if isinstance(node, yaml.MappingNode):
        return sum(1 + keys_in(value) for _, value in node.value)
    return sum(keys_in(child) for child in node.value) if isinstance(node, yaml.SequenceNode) else 0


def count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return sum(1 + count_keys(inner) for inner in value.values())
    return sum(count_keys(inner) for inner in value) if isinstance(value, list) else 0


@given(data)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_json_reads_back_exactly(value: Any) -> None:
    text = json.dumps({"a": value}, ensure_ascii=True)
    if "\\ud" in text:
        text = json.dumps({"a": value}, ensure_ascii=False)
    try:
        assert read_yaml(text, "x.yaml", hidden=True).data == {"a": value}
    except InvalidFile as error:
        assert "not valid YAML" in str(error.faults[0]) or "separator" in str(error.faults[0])


@given(data)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_what_a_yaml_library_writes_reads_back_exactly(value: Any) -> None:
    text = yaml.safe_dump({"a": value}, allow_unicode=False, default_flow_style=None, width=10**9)
    if "*id" in text or "&id" in text:
        return
    assert read_yaml(text, "x.yaml", hidden=True).data == {"a": value}


@pytest.mark.parametrize("kind", ["pack", "persona", "variant", "manifest"])
@given(value=st.dictionaries(keys, data, max_size=8))
@settings(max_examples=usually(25, thorough=50, nightly=100))
def test_any_data_fits_a_schema_or_gives_faults_with_keys(kind: str, value: dict[str, Any]) -> None:
    try:
        found = validate(kind, Document("x.yaml", value, {}))
    except InvalidFile as error:
        assert error.faults
        assert all(fault.message and fault.line >= 1 for fault in error.faults)
    else:
        assert json.loads(json.dumps(found)) == found
        again = {key: inner for key, inner in found.items() if inner is not None}
        assert validate(kind, Document("x.yaml", again, {})) == found


@given(st.binary(max_size=40))
def test_any_bytes_are_text_or_a_fault_with_a_line(raw: bytes) -> None:
    try:
        decode(raw, "x.yaml").encode("utf-8")
    except InvalidFile as error:
        assert 1 <= error.faults[0].line <= raw.count(b"\n") + 1


@pytest.mark.parametrize(("open", "close"), [("[", "]"), ("{a: ", "}")])
def test_depth_is_bounded(open: str, close: str) -> None:
    assert read_yaml(open * MAX_DEPTH + close * MAX_DEPTH, "x.yaml").data
    with pytest.raises(InvalidFile, match=r"x\.yaml") as refused:
        read_yaml(open * (MAX_DEPTH + 1) + close * (MAX_DEPTH + 1), "x.yaml")
    assert "nested deeper than 24 levels" in refused.value.details[0]


LOCK = Lock({"packs": []}, ("claude",), (), ()).to_text()


@given(st.one_of(data, st.dictionaries(st.sampled_from(["schema", "manifest", "clients", "packs", "files"]), data)))
def test_any_json_is_a_lock_or_a_fault(value: Any) -> None:
    known = {**json.loads(LOCK), **value} if isinstance(value, dict) else value
    try:
        parse_lock(json.dumps(known).encode("utf-8", "surrogatepass"), "agentpack.lock")
    except InvalidFile as error:
        assert error.hint


@given(st.binary(max_size=40), st.integers(0, len(LOCK)))
def test_a_torn_lock_is_a_lock_or_a_fault(raw: bytes, at: int) -> None:
    try:
        parse_lock(LOCK.encode()[:at] + raw, "agentpack.lock")
    except InvalidFile as error:
        assert error.hint
