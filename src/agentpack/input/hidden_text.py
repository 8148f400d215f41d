"""Which characters a text may contain: a closed rule against text that an agent reads and people cannot see.

Decides for one text; `hidden_in_files.py` decides for which. The rule is documented in `docs/reference/hidden-text.md`.
An invisible character is only allowed where a script or an emoji needs it. Unicode data is in `unicode_table.py`, which
is loaded for texts with more than ASCII and common punctuation. The time is linear in the text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from agentpack.errors import Refused

WORDS: Mapping[str, str] = {
    "n": "noncharacter",
    "s": "not-utf-8",
    "p": "private-use",
    "t": "tag",
    "u": "unassigned",
    "c": "control",
    "l": "line-separator",
    "b": "bidi-control",
    "z": "zero-width",
    "v": "variation-selector",
    "a": "annotation",
    "o": "object-replacement",
    "d": "default-ignorable",
    "f": "format",
    "j": "joiner",
    "m": "modifier",
    "w": "blank",
    "r": "repeated-mark",
}
"""Every value of `HiddenCharacter.why`, by its letter in the table. The words are stable."""
LIMIT = 20
"""Largest number of findings an error lists."""
_PLAIN = bytes((0x09, 0x0A, *range(0x20, 0x7F)))
_COMMON = frozenset(map(chr, (*range(0xA0, 0xAD), *range(0xAE, 0x100), *range(0x2010, 0x2028), *range(0x2190, 0x2200))))
"""Characters that are always allowed; a text with no others needs no table."""
_NON_JOINER, _JOINER, _TEXT_STYLE, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0e", "\ufe0f"
MARK = "\ufeff"
_BLANK = "\u2800"
_KEYCAP, _KEYS = "\u20e3", frozenset("0123456789#*")
_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_FLAG = "\U0001f3f4"
_FLAGS = tuple(
    _FLAG + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)


class HiddenCharacter(NamedTuple):
    """One character or byte that a text may not contain. `line` and `column` count from 1, in characters, without a
    leading byte-order mark; a carriage return does not end a line. `line` is 0 for a character in the file's name.
    """

    file: str
    line: int
    column: int
    code_point: int
    """For `not-utf-8` the first invalid byte."""
    why: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.what} in its name, character {self.column}"
        return f"{self.file}:{self.line}:{self.column}: {self.what}"

    @property
    def what(self) -> str:
        """The character by number and name, never itself, and the reason."""
        if self.why == "not-utf-8":
            return f"byte 0x{self.code_point:02X} (not-utf-8)"
        from unicodedata import name  # only for an error

        named = name(chr(self.code_point), "")
        return f"U+{self.code_point:04X} {named + ' ' if named else ''}({self.why})"


class HiddenText(Refused):
    """A text contains hidden characters; `findings` lists them."""

    code = "hidden-text"

    def __init__(self, findings: Iterable[HiddenCharacter], *, more: bool = False) -> None:
        self.findings = tuple(findings)
        self.more = more
        count = len(self.findings)
        files = list(dict.fromkeys(finding.file for finding in self.findings))
        places = f"{'more than ' if more else ''}{count} place{'s' if count != 1 else ''}"
        where = files[0] if len(files) == 1 else f"{len(files)} files"
        super().__init__(
            f"hidden text in {where}, {places}",
            details=[*map(str, self.findings), *(["and more"] if more else [])],
            hint="ask the author to remove it; `LC_ALL=C cat -v FILE` shows the bytes",
        )


def text_findings(data: bytes, file: str, *, limit: int = LIMIT) -> list[HiddenCharacter]:
    """The hidden characters in a file's bytes, in order; empty for a clean text.

    Args:
        file: the file name for the findings.
        limit: the largest number of findings to return.
    """
    unusual = data.translate(None, _PLAIN)
    if not unusual:
        return []
    lone = False
    if b"\r" in unusual:
        lone = unusual.count(b"\r") != data.count(b"\r\n")
        unusual = unusual.replace(b"\r", b"")
    try:
        text = data.decode()
        # without its ASCII, UTF-8 is still UTF-8
        suspects = _suspects(set(unusual.decode()) - _COMMON, text)
    except UnicodeDecodeError as error:
        return _undecodable(data, error, file, limit)
    if not suspects and not lone:
        return []
    return _first(_scan(text, file, suspects | {"\r"}), limit)


def _undecodable(data: bytes, error: UnicodeDecodeError, file: str, limit: int) -> list[HiddenCharacter]:
    before = data[: error.start]
    text = before.decode()
    found = _first(_scan(text, file, _suspects(set(text), text) | {"\r"}), limit)
    line = text.removeprefix(MARK).rpartition("\n")[2]
    bad = HiddenCharacter(file, text.count("\n") + 1, len(line) + 1, data[error.start], "not-utf-8")
    return [*found, bad][:limit]


def _suspects(characters: Iterable[str], text: str) -> set[str]:
    """The characters of a text that may be findings; marks only if one is repeated."""
    kinds = {character: kind for character in characters if (kind := _kind(character)) != "."}
    marks = "".join(character for character, kind in kinds.items() if kind == "r")
    if marks and not re.search(f"([{marks}])\\1", text):
        return kinds.keys() - set(marks)
    return set(kinds)


def _first(found: Iterator[HiddenCharacter], limit: int) -> list[HiddenCharacter]:
    return [finding for finding, _ in zip(found, range(limit), strict=False)]


def _scan(text: str, file: str, suspects: set[str]) -> Iterator[HiddenCharacter]:
    """All findings in a text, given the characters that can be one."""
    text = text.removeprefix(MARK)
    line, last = 1, 0
    for found in re.finditer(f"[{re.escape(''.join(suspects))}]", text):
        index, character = found.start(), found[0]
        if not is_in_place(text, index):
            line, last = line + text.count("\n", last, index), index
            why = "control" if character == "\r" else WORDS[_kind(character)]
            yield HiddenCharacter(file, line, index - text.rfind("\n", 0, index), ord(character), why)


def _kind(character: str) -> str:
    """The letter in `WORDS` of a character, or `.` if it is always allowed."""
    if character < "\x7f":
        return "." if character >= " " or character in "\t\n\r" else "c"
    from agentpack.input.unicode_table import KINDS, STARTS

    return KINDS[bisect_right(STARTS, ord(character)) - 1]


# Where a script or an emoji needs what is not seen.


def is_in_place(text: str, index: int) -> bool:
    """Whether an invisible character or mark has a visible effect where it is."""
    check = _IN_PLACE.get(text[index])
    if check is not None:
        return check(text, index)
    if "\U000e0000" <= text[index] <= "\U000e007f":
        return _is_in_flag(text, index)
    return _suits(text[max(0, index - 1) : index], text[index], text[index + 1 : index + 2])


def _is_line_end(text: str, index: int) -> bool:
    """Whether a CR has no text to hide: it ends a line (after it come LF, another CR or the end) or begins one."""
    return text[index + 1 : index + 2] in ("\n", "\r", "") or text[max(0, index - 1) : index] in ("\n", "")


def _is_non_joiner_in_place(text: str, index: int) -> bool:
    """RFC 5892, appendix A.1: after a virama, or between two letters that would otherwise join."""
    if index == 0:
        return False
    if _has(text[index - 1], "VIRAMAS"):
        return True
    return _joins(reversed(text[max(0, index - _REACH) : index]), "DL") and _joins(
        text[index + 1 : index + 1 + _REACH], "DR"
    )


_REACH = 32
"""How many marks a letter can have before a joiner no longer belongs to it."""


def _joins(characters: Iterable[str], types: str) -> bool:
    """Whether the first that is no mark is a letter that joins."""
    return next((kind in types for character in characters if (kind := _joining(character)) != "T"), False)


def _is_joiner_in_place(text: str, index: int) -> bool:
    """RFC 5892, appendix A.2: after a virama. Also before one after a consonant, which Bengali, Kannada and Sinhala
    write, and between the parts of an emoji.
    """
    if index == 0 or index + 1 == len(text):
        return index > 0 and _has(text[index - 1], "VIRAMAS")
    before, after = text[index - 1], text[index + 1]
    if _has(before, "VIRAMAS") or (_has(after, "VIRAMAS") and _has(before, "CONSONANTS")):
        return True
    if index > 1 and (before == _EMOJI_STYLE or before in _TONES):
        before = text[index - 2]
    from agentpack.input.unicode_table import JOINED_EMOJI

    return before in JOINED_EMOJI.get(after, "")


def _is_style_in_place(text: str, index: int) -> bool:
    """After a character with both styles; after a digit only in a keycap, where it is visible."""
    if index == 0 or not _has(text[index - 1], "STYLED"):
        return False
    return text[index - 1] not in _KEYS or text.startswith(_KEYCAP, index + 1)


def _is_in_flag(text: str, index: int) -> bool:
    start = text.rfind(_FLAG, max(0, index - 6), index)
    return start >= 0 and any(text.startswith(flag, start) and index < start + len(flag) for flag in _FLAGS)


def _is_blank_in_place(text: str, index: int) -> bool:
    """Whether the blank Braille pattern at `index` is in a run of Braille patterns of which one has dots: a picture."""
    before, after = text[max(0, index - _WIDTH) : index].rstrip(_BLANK), text[index : index + _WIDTH].lstrip(_BLANK)
    return "\u2801" <= before[-1:] <= "\u28ff" or "\u2801" <= after[:1] <= "\u28ff"


_WIDTH = 128
"""How many blank patterns may be adjacent in such a picture."""


@lru_cache(maxsize=4096)
def _suits(before: str, character: str, after: str) -> bool:
    """Whether the neighbours justify the character: a mark after another, a joiner between letters of its script, a
    modifier after a sign of its script.
    """
    kind = _kind(character)
    if kind not in "jm":
        return kind == "r" and before != character
    from agentpack.input.unicode_table import PLACES

    return any(
        _within(before, of_before) and (not of_after or _within(after, of_after))
        for first, last, of_before, of_after in PLACES
        if first <= ord(character) <= last
    )


def _within(character: str, edges: Sequence[int]) -> bool:
    """Whether there is a character, and in a set of which the table has the edges."""
    return character != "" and bisect_right(edges, ord(character)) % 2 == 1


_IN_PLACE: Mapping[str, Callable[[str, int], bool]] = {
    "\r": _is_line_end,
    _NON_JOINER: _is_non_joiner_in_place,
    _JOINER: _is_joiner_in_place,
    _TEXT_STYLE: _is_style_in_place,
    _EMOJI_STYLE: _is_style_in_place,
    _BLANK: _is_blank_in_place,
}


@lru_cache(maxsize=4096)
def _has(character: str, name: str) -> bool:
    from agentpack.input import unicode_table

    return _within(character, getattr(unicode_table, name))


@lru_cache(maxsize=4096)
def _joining(character: str) -> str:
    from agentpack.input.unicode_table import JOINING, JOINING_STARTS

    return JOINING[bisect_right(JOINING_STARTS, ord(character)) - 1]
