"""The door for YAML: what plain scalars mean, what is refused, and where a fault is said to stand."""

import pytest

from agentpack.errors import InvalidFile
from agentpack.safety.documents import MAX_BYTES, decode, dotted, read_yaml


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
        ("a: &x 1\n", "x.yaml:1: anchors (`&name`) are not read (write the value out)"),
        ("a:\n  b: &x {}\n", "x.yaml:2: a: anchors (`&name`) are not read (write the value out)"),
        ("a: *x\n", "x.yaml:1: aliases (`*name`) are not read (write the value out)"),
        ("a: !!python/name:os.system x\n", "x.yaml:1: tags (`tag:yaml.org,2002:python/name:os.system`) are not read"),
        ("a: !t [1]\n", "x.yaml:1: tags (`!t`) are not read"),
        ("a: 1\n<<: {b: 2}\n", "x.yaml:2: merge keys (`<<`) are not read (write the values out)"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: `a` stands twice (first on line 1)"),
        ("x:\n  - {a: 1,\n     a: 2}\n", "x.yaml:3: x[0]: `a` stands twice (first on line 2)"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: a second document (`---`) in one file"),
        ("? [a]\n: b\n", "x.yaml:1: a key must be text"),
        ("? {a: b}\n: b\n", "x.yaml:1: a key must be text"),
        ("a: b: c\n", "x.yaml:1: not YAML: mapping values are not allowed in this context"),
        ("a: 'b\n", "x.yaml:2: not YAML: found unexpected end of stream"),
        ("a: \x07\n", "x.yaml: not YAML: unacceptable character #x0007: control characters are not allowed"),
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
    assert faults("a: 1\na: 2\n", first_line=2) == ["x.yaml:3: `a` stands twice (first on line 2)"]


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
