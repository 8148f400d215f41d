"""Line ends and the byte-order mark, which git and editors change without changing the meaning of a text.

Decides when two texts differ only in line ends, and which line ends a replacement gets. Pure and small: the fast path
loads it.
"""

import re

MARK = b"\xef\xbb\xbf"
"""The byte-order mark that Windows editors and PowerShell write at the start of a text."""


def as_lf(data: bytes) -> bytes:
    """The bytes with each CRLF replaced by LF, if they are text (UTF-8 without NUL). A lone CR stays.

    Returns the same object if nothing changes, so that `is` is a cheap test. Idempotent: a CRLF that follows a CR
    stays, for with an LF behind it that CR would make another CRLF.
    """
    # one byte is looked for ten times as fast as two
    if b"\r" not in data or b"\r\n" not in data or b"\0" in data:
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data
    return re.sub(rb"(?<!\r)\r\n", b"\n", data)


def lines_with_lf(text: str) -> str:
    """The text with LF for each line end, also where several CRs stand before it, and without CRs at its very end."""
    return re.sub(r"(?<!\r)\r+(?=\n|\Z)", "", text) if "\r" in text else text


def as_crlf(data: bytes) -> bytes:
    """The text with every line end as CRLF: the inverse of `as_lf`."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", as_lf(data))


def ends_in_crlf(data: bytes) -> bool:
    """Whether most lines of the text end in CRLF."""
    return b"\r" in data and data.count(b"\r\n") * 2 > data.count(b"\n")


def with_ends_of(there: bytes, data: bytes) -> bytes:
    """The text `data` with the line ends of `there`; unchanged if `there` has none."""
    if b"\n" not in there:
        return data
    return as_crlf(data) if ends_in_crlf(there) else as_lf(data)


def in_form_of(there: bytes, data: bytes) -> bytes:
    """The text `data` with the line ends and byte-order mark of `there`."""
    found = with_ends_of(there, data)
    return MARK + found if there.startswith(MARK) and not found.startswith(MARK) else found


def plain(data: bytes) -> bytes:
    """The text with LF line ends and without a byte-order mark, for comparing."""
    return as_lf(data).removeprefix(MARK)
