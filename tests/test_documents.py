"""The door for YAML: what plain scalars mean, what is refused, and where a fault is said to stand."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentpack.errors import InvalidFile
from agentpack.input import documents
from agentpack.input.documents import MAX_BYTES, decode, dotted, read_json, read_toml, read_yaml


def faults(text: str, *, first_line: int = 1) -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        read_yaml(text, "x.yaml", first_line=first_line)
    return list(refused.value.details)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1.10", "1.10"),
        ("2026-11-23", "2026-11-23"),
        ("12:30", "12:30"),
        ("0x10", "0x10"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("99999999999999999999", "99999999999999999999"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("=", "="),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("true", True),
        ("FALSE", False),
        ("Null", None),
        ("~", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ('""', ""),
        ('"\\u00e9"', "é"),
    ],
)
def test_a_plain_scalar_is_text_unless_it_is_plainly_something_else(scalar: str, value: object) -> None:
    assert read_yaml(f"a: {scalar}\n", "x.yaml").data == {"a": value}


def test_a_key_is_always_text() -> None:
    assert read_yaml("1: a\nnull: b\nyes: c\n", "x.yaml").data == {"1": "a", "null": "b", "yes": "c"}


def test_an_empty_document_is_an_empty_map() -> None:
    for text in ("", "\n", "# only a comment\n", "---\n", "---\n...\n"):
        assert read_yaml(text, "x.yaml").data == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: &x 1\n", "x.yaml:1: anchors (`&name`) are not supported (write the value out)"),
        ("a:\n  b: &x {}\n", "x.yaml:2: a: anchors (`&name`) are not supported (write the value out)"),
        ("a: *x\n", "x.yaml:1: aliases (`*name`) are not supported (write the value out)"),
        (
            "a: !!python/name:os.system x\n",
            "x.yaml:1: tags (`tag:yaml.org,2002:python/name:os.system`) are not supported",
        ),
        ("a: !t [1]\n", "x.yaml:1: tags (`!t`) are not supported"),
        ("a: 1\n<<: {b: 2}\n", "x.yaml:2: merge keys (`<<`) are not supported (write the values out)"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: duplicate key `a` (first on line 1)"),
        ("x:\n  - {a: 1,\n     a: 2}\n", "x.yaml:3: x[0]: duplicate key `a` (first on line 2)"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: more than one document (`---`) in a file is not supported"),
        ("? [a]\n: b\n", "x.yaml:1: a key must be text"),
        ("? {a: b}\n: b\n", "x.yaml:1: a key must be text"),
        (
            "a: b: c\n",
            "x.yaml:1: not valid YAML: mapping values are not allowed in this context "
            "(check the indentation, and quote a value that contains `: `)",
        ),
        ("a: 'b\n", "x.yaml:2: not valid YAML: found unexpected end of stream (close the quotes)"),
        ("a: \x07\n", "x.yaml: not valid YAML: unacceptable character #x0007: control characters are not allowed"),
        ("a: 1\nb: x\u2028y\n", "x.yaml:2: the line separator U+2028 must be escaped"),
        ("a: x\x85y\n", "x.yaml:1: the line separator U+0085 must be escaped"),
        ("a" * (MAX_BYTES + 1), "x.yaml: longer than 256 KiB"),
    ],
)
def test_what_is_clever_or_broken_is_refused_with_its_place(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_faults_that_leave_the_rest_readable_are_told_together() -> None:
    assert len(faults("a: &x 1\na: !t 2\nb: *x\n")) == 4


def test_a_line_is_counted_from_where_the_text_begins_in_its_file() -> None:
    assert faults("a: 1\na: 2\n", first_line=2) == ["x.yaml:3: duplicate key `a` (first on line 2)"]


def test_a_document_knows_the_line_of_every_key_and_item() -> None:
    found = read_yaml("a:\n  - x\n  - b: 1\n    c: 2\n", "x.yaml")
    assert found.line_of(("a",)) == 1
    assert found.line_of(("a", 1)) == 3
    assert found.line_of(("a", 1, "c")) == 4
    assert found.line_of(("a", 1, "missing", "deeper")) == 3
    assert found.line_of(("nowhere",)) == 1


def test_text_that_is_not_utf8_is_a_fault_with_its_line() -> None:
    with pytest.raises(InvalidFile) as refused:
        decode(b"one\ntwo\xff\n", "x.yaml")
    assert refused.value.details == ("x.yaml:2: not UTF-8: byte 0xff",)


def test_a_byte_order_mark_is_dropped() -> None:
    assert decode("\ufeffa: 1".encode(), "x.yaml") == "a: 1"


def test_a_path_is_written_as_people_write_it() -> None:
    assert dotted(("packs", 0, "clients", 1)) == "packs[0].clients[1]"
    assert dotted(()) == ""


# Bounds.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("%YAML 1.2\n---\na: 1\n", "directives (`%YAML`, `%TAG`) are not supported"),
        ("%TAG ! tag:example.com,2000:\n---\na: 1\n", "directives (`%YAML`, `%TAG`) are not supported"),
        ("a:\n\tb: 1\n", "not valid YAML"),
        ("a: 1\n...\nb: 2\n", "not valid YAML"),
        ("a: 1\n...\n---\nb: 2\n", "more than one document"),
        ("a: \0\n", "not valid YAML"),
        ('a: "\\ud800"\n', "not valid YAML"),
        ("a: \ud800\n", "half of a surrogate pair"),
        ("k" * (documents.MAX_KEY + 1) + ": 1\n", "a key is longer than 256 characters"),
        (f"? {'k' * 5000}\n: 1\n", "a key is longer than 256 characters"),
        ("[" * (MAX_BYTES - 1), "nested deeper than 24 levels"),
        ("{a: " * (MAX_BYTES // 4), "nested deeper than 24 levels"),
        ("- " * (MAX_BYTES // 2), "nested deeper than 24 levels"),
        ("? " * (MAX_BYTES // 2), "a key must be text"),
        pytest.param(
            *("- a\n" * (documents.MAX_VALUES + 1), "more than 50000 keys and values"), marks=pytest.mark.campaign
        ),
        ("&a " * (MAX_BYTES // 3), "not valid YAML"),
        ("!" + "t" * 5000 + " x\n", "tags (`!" + "t" * 79 + "`) are not supported"),
    ],
)
def test_what_goes_beyond_the_bounds_of_yaml_is_refused(text: str, fault: str) -> None:
    assert fault in faults(text)[-1]


def test_no_more_faults_are_told_than_anybody_reads() -> None:
    assert len(faults("a: 1\n" * 5000)) == documents.MAX_FAULTS


def test_long_texts_are_read() -> None:
    for text in ("x" * 200_000, '"' + "\\x41" * 50_000 + '"', "|\n" + " x\n" * 80_000):
        assert read_yaml(f"a: {text}\n", "x.yaml").data["a"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "x: not valid JSON: Expecting value"),
        (b"\xff", "x: not valid JSON: not UTF-8"),
        (b'{\n"a": 1,\n}', "x:3: not valid JSON"),
        (b'{"a": 1, "a": 2}', "x: not valid JSON: a key appears twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "x: not valid JSON: a key appears twice"),
        (b"NaN", "x: not valid JSON: `NaN`"),
        (b"[-Infinity]", "x: not valid JSON: `-Infinity`"),
        (b"1" * 19, "x: not valid JSON: a number of more than 18 digits"),
        (b"-" + b"1" * 5000, "x: not valid JSON: a number of more than 18 digits"),
        (b"1e999", "x: not valid JSON: a number that is not finite"),
        (b"0." + b"1" * 100, "x: not valid JSON: a number that is not finite, or too long"),
        (b'"\\ud800"', "x: not valid JSON: half of a surrogate pair"),
        (b'{"\\udfff": 1}', "x: not valid JSON: half of a surrogate pair"),
        (b'{"a": ["\\ud83d"]}', "x: not valid JSON: half of a surrogate pair"),
        (b"[" * 25 + b"]" * 25, "x: not valid JSON: nested too deep"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "x: not valid JSON: nested too deep"),
        (b"[" * 200_000, "x: not valid JSON: nested deeper than 24 levels"),
        (b'{"a":' * 50_000, "x: not valid JSON: nested deeper than 24 levels"),
        (b'"' + b"x" * MAX_BYTES + b'"', "x: not valid JSON: longer than 256 KiB"),
    ],
)
def test_what_is_no_json_for_us_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_json(data, "x")
    assert refused.value.details[0].replace("x:1:", "x:").startswith(fault)


def test_json_within_the_bounds_is_read() -> None:
    text = b'{"a": [1, -2.5, true, null, "\\ud83d\\ude00"], "b": {"c": 999999999999999999}}'
    assert read_json(text, "x") == {"a": [1, -2.5, True, None, "\U0001f600"], "b": {"c": 999999999999999999}}
    assert read_json(b"[" * 24 + b"]" * 24, "x")
    assert read_json(b"\xef\xbb\xbf{}", "x") == {}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\xff", "not UTF-8"),
        (b"a = 1\na = 2\n", "not valid TOML: Cannot overwrite a value"),
        (b"a = nan\n", "not finite"),
        (b"a = -inf\n", "not finite"),
        (b"a = 1" + b"0" * 18 + b"\n", "more than 18 digits"),
        (b"a = " + b"1" * 5000 + b"\n", "not valid TOML"),
        (b"a = 0x" + b"f" * 5000 + b"\n", "more than 18 digits"),
        (b'a = "\\ud800"\n', "not valid TOML"),
        (b"a." * 100_000 + b"a = 1\n", "nested deeper than 24 levels"),
        (b'"a".' * 50_000 + b"a = 1\n", "nested deeper than 24 levels"),
        (b"[" + b"a . " * 50_000 + b"a]\n", "nested deeper than 24 levels"),
        (b"b = {" + b"'a'." * 50_000 + b"a = 1}\n", "nested deeper than 24 levels"),
        (b"a = " + b"[" * 100_000, "nested deeper than 24 levels"),
        (b"a = " + b"{a = " * 50_000, "nested deeper than 24 levels"),
        (b"a = " + b"[" * 30 + b"]" * 30, "nested too deep"),
        (b"#" * (MAX_BYTES + 1), "longer than 256 KiB"),
    ],
)
def test_what_is_no_toml_for_us_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_toml(data, "x")
    assert fault in refused.value.details[0]


def test_toml_within_the_bounds_is_read() -> None:
    text = '\ufeffa = 1\r\nb.c = 1.5\r\n[d]\r\ntext = """\r\na.b.c.\r\n"""\r\n'
    assert read_toml(text.encode(), "x") == {"a": 1, "b": {"c": 1.5}, "d": {"text": "a.b.c.\n"}}


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_no_door_lets_another_error_out(data: bytes) -> None:
    for read in (read_json, read_toml, lambda data, file: read_yaml(decode(data, file), file)):
        with suppress(InvalidFile):
            read(data, "x")
