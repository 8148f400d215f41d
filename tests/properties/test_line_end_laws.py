"""What git may do to the line ends of a text does not change its digest; whatever else is done to it does."""

from hypothesis import example, given
from hypothesis import strategies as st

from agentpack.merge import merge
from agentpack.model.line_ends import MARK, as_crlf, as_lf, ends_in_crlf, in_form_of, plain, with_ends_of
from agentpack.model.names import content_digest, digest_of, is_digest_of, text_digest

pieces = st.sampled_from([b"a", b"- rule", b"\n", b"\r\n", b"\r", b"\n\n", b" ", "é".encode(), b"\x00", b"\xff", MARK])
anything = st.one_of(st.lists(pieces, max_size=12).map(b"".join), st.binary(max_size=40))
lines = st.lists(st.sampled_from([b"- one", b"- two", b"", "- drei, größer".encode()]), max_size=8)
texts = lines.map(lambda rows: b"".join(row + b"\n" for row in rows))


@given(anything)
@example(b"\r\r\n")
@example(b"\r\r\n\n")
def test_reading_as_lf_twice_changes_nothing_more(data: bytes) -> None:
    assert as_lf(as_lf(data)) == as_lf(data)
    assert text_digest(as_lf(data)) == text_digest(data)


@given(anything)
def test_without_crlf_the_digest_is_that_of_the_bytes(data: bytes) -> None:
    bare = data.replace(b"\r\n", b"\n").replace(b"\r\n", b"\n")
    if b"\r\n" not in bare:
        assert text_digest(bare) == digest_of(bare)
        assert as_lf(bare) is bare, "so that it is told without comparing"


@given(texts)
def test_what_git_writes_has_the_digest_of_what_was_committed(text: bytes) -> None:
    assert text_digest(as_crlf(text)) == text_digest(text) == digest_of(text)
    assert as_lf(as_crlf(text)) == text
    assert content_digest([("a", as_crlf(text))]) == content_digest([("a", text)])
    for written in (text, as_crlf(text)):
        assert is_digest_of(digest_of(written), text) and is_digest_of(digest_of(written), as_crlf(text))


@given(texts, st.data())
def test_a_lone_carriage_return_counts(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    if text[at : at + 1] != b"\n":
        assert text_digest(text[:at] + b"\r" + text[at:]) != text_digest(text)


@given(texts, st.sampled_from([b"\x00", b"\xff", b"\xc3"]))
def test_what_is_no_text_counts_byte_for_byte(text: bytes, byte: bytes) -> None:
    data = as_crlf(text + b"x\n") + byte
    assert text_digest(data) == digest_of(data)


@given(texts)
def test_a_byte_order_mark_counts(text: bytes) -> None:
    """Git never puts one in: whoever did edited the file."""
    assert text_digest(MARK + text) != text_digest(text)


@given(texts.filter(bool), texts)
def test_a_new_text_takes_the_form_of_the_one_that_is_there(there: bytes, new: bytes) -> None:
    for form in (as_lf, as_crlf):
        for mark in (b"", MARK):
            written = in_form_of(mark + form(there), new)
            assert written == mark + form(new)
            assert plain(written) == new
    assert with_ends_of(b"no line end", as_crlf(new)) == as_crlf(new)
    assert not ends_in_crlf(b"a\r\nb\n"), "as many of each"


@given(base=texts, ours=texts.filter(bool), theirs=texts)
def test_a_merge_is_the_same_whatever_the_line_ends(base: bytes, ours: bytes, theirs: bytes) -> None:
    expected = merge(base, ours, theirs)
    for mark in (b"", MARK):
        found = merge(base, mark + as_crlf(ours), as_crlf(theirs))
        assert found.conflicts == expected.conflicts
        if expected.content is not None:
            assert found.content == mark + as_crlf(expected.content)
