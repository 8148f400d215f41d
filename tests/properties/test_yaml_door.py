"""Whatever text comes to the one door for YAML, plain data comes out, or faults with places; nothing clever passes."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.errors import InvalidFile
from agentpack.input.documents import MAX_DEPTH, Document, decode, read_yaml
from agentpack.input.schemas import validate
from agentpack.model.lock import Lock, parse_lock

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
@settings(max_examples=usually(100, thorough=400))
def test_any_text_gives_plain_data_or_faults_with_places(text: str) -> None:
    try:
        found = read_yaml(text, "x.yaml", first_line=2, hidden=True)
    except InvalidFile as error:
        assert error.faults
        assert all(fault.file == "x.yaml" and fault.message for fault in error.faults)
        assert all(fault.line == 0 or fault.line >= 2 for fault in error.faults)
    else:
        assert_plain(found.data)


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
@settings(max_examples=usually(100, thorough=400))
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
@settings(max_examples=usually(100, thorough=400))
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
@settings(max_examples=usually(100, thorough=200))
def test_json_reads_back_exactly(value: Any) -> None:
    text = json.dumps({"a": value}, ensure_ascii=True)
    if "\\ud" in text:
        text = json.dumps({"a": value}, ensure_ascii=False)
    try:
        assert read_yaml(text, "x.yaml", hidden=True).data == {"a": value}
    except InvalidFile as error:
        assert "not YAML" in str(error.faults[0]) or "separator" in str(error.faults[0])


@given(data)
@settings(max_examples=usually(100, thorough=200))
def test_what_a_yaml_library_writes_reads_back_exactly(value: Any) -> None:
    text = yaml.safe_dump({"a": value}, allow_unicode=False, default_flow_style=None, width=10**9)
    if "*id" in text or "&id" in text:
        return
    assert read_yaml(text, "x.yaml", hidden=True).data == {"a": value}


@pytest.mark.parametrize("kind", ["pack", "persona", "variant", "manifest"])
@given(value=st.dictionaries(keys, data, max_size=8))
@settings(max_examples=usually(50, thorough=100))
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
    with pytest.raises(InvalidFile, match=r"a fault in x\.yaml") as refused:
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
