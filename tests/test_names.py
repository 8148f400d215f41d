"""Names are checked once, where text comes in; digests are the same whatever holds a pack."""

import pytest

from agentpack.errors import UsageError
from agentpack.model.names import (
    content_digest,
    did_you_mean,
    digest_of,
    first_few,
    is_digest,
    is_kebab,
    is_parameter,
    nearest,
    pack_name,
    persona_name_fault,
)


@pytest.mark.parametrize("text", ["Python_Engineer", "python.engineer", "PYTHON--engineer", "python-_.engineer"])
def test_a_pack_name_is_normalized(text: str) -> None:
    assert pack_name(text) == "python-engineer"


@pytest.mark.parametrize("text", ["", "-x", "x-", "x y", "ünit", "x/y", "\u212a", "x\n", "../x"])
def test_what_is_no_pack_name_is_refused(text: str) -> None:
    """The sign for kelvin is there because it lower-cases to a plain k."""
    with pytest.raises(UsageError, match="is not a pack name") as refused:
        pack_name(text)
    hint = (
        f"for a folder or an address, `agentpack show {text}` lists its packs, `agentpack install {text}` installs them"
    )
    assert refused.value.hint == (
        hint if "/" in text else "use ASCII letters, digits and single hyphens: `python-engineer`"
    )


@pytest.mark.parametrize("text", ["3.0.0", "v1.2", "2.0.0rc1"])
def test_a_version_is_no_pack_name_and_is_not_rewritten(text: str) -> None:
    with pytest.raises(UsageError, match=f"`{text}` is a version, not a pack"):
        pack_name(text)


@pytest.mark.parametrize("name", ["ab", "python-engineer", "a1", "x-2-y", "a" * 50, "1a"])
def test_a_persona_name_that_every_client_takes(name: str) -> None:
    assert persona_name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a", "2 to 50 characters"),
        ("a" * 51, "2 to 50 characters"),
        ("", "2 to 50 characters"),
        ("Reviewer", "lower-case letters, digits and single hyphens"),
        ("data_reviewer", "lower-case letters"),
        ("a--b", "single hyphens"),
        ("-ab", "lower-case letters"),
        ("ab\n", "lower-case letters"),
        ("explore", "`explore` is a name reserved by clients or systems"),
        ("nul", "reserve"),
        ("com1", "reserve"),
        ("lpt9", "reserve"),
        ("42", "must not look like a number"),
        ("1e5", "must not look like a number"),
        ("0x1f", "must not look like a number"),
        ("0b11", "must not look like a number"),
    ],
)
def test_a_persona_name_that_some_client_would_trip_over(name: str, fault: str) -> None:
    assert fault in (persona_name_fault(name) or "")


def test_ids_and_parameters_have_a_shape_each() -> None:
    assert is_kebab("strict-typing")
    assert not any(map(is_kebab, ("", "Strict", "a_b", "a--b", "-a", "a" * 101, "a\n")))
    assert is_parameter("python_version")
    assert not any(map(is_parameter, ("", "Python", "a-b", "a__b", "_a", "1a", "a\n")))


def test_a_digest_is_told_by_its_shape() -> None:
    assert is_digest(digest_of(b""))
    assert not any(
        map(is_digest, ("", "sha256:", "sha256:" + "A" * 64, "md5:" + "a" * 64, "sha256:" + "a" * 64 + "\n"))
    )


def test_a_content_digest_does_not_depend_on_the_order_of_files() -> None:
    files = [("a", b"1"), ("b/c", b"2")]
    assert content_digest(files) == content_digest(reversed(files))


def test_a_content_digest_depends_on_every_name_and_byte() -> None:
    digests = {
        content_digest(files)
        for files in ([("a", b"1")], [("b", b"1")], [("a", b"2")], [("a", b"1"), ("b", b"")], [], [("a/a", b"1")])
    }
    assert len(digests) == 6


def test_a_content_digest_is_what_the_documentation_says() -> None:
    """`sha256sum` of a listing made with `sha256sum`."""
    files = [("b", b""), ("a", b"hello\n")]
    assert content_digest(files) == "sha256:a63274ae4ed2aefabdeb54e957f7578ef7251e73327728ca66f13480bfd9e237"


def test_a_slip_is_answered_with_what_is_near() -> None:
    assert nearest("strct-typing", ["strict-typing", "data-pipeline"]) == ["strict-typing"]
    assert did_you_mean("strct", ["strict", "struct", "other"]) == "did you mean `struct` or `strict`?"
    assert did_you_mean("kubernetes", ["python-engineer"]) is None
    assert nearest("claud", ["zcode", "claude", "cline"]) == ["claude"]  # one is plainly nearer than the others


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a, b"),
        ("abc", "a, b, c"),
        ("abcd", "a, b, c and 1 more"),
        ("abcdefg", "a, b, c and 4 more"),
    ],
)
def test_a_long_list_is_cut_off_and_says_how_much_there_is_more(names: str, told: str) -> None:
    assert first_few(names, 3) == told
    assert first_few(dict.fromkeys(names), 3) == told
