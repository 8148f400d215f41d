"""Make text from others safe for where it is shown: a terminal, a CI log, JSON, a workflow command.

Packs, sources, manifests, file and folder names come from others. A value put into a sentence goes through `safe`;
everything printed goes through `for_stream`, so that a forgotten place only looks ugly. Markdown has its own rules, in
`reports/markdown.py`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from agentpack.input.invisible import escape_match, invisible_pattern, is_in_its_script

_HASH_COMMAND = r"#(?=#[A-Za-z]*\[)"

# The expressions are made when a text first needs one: most of what is printed is plain, and making them takes longer
# than printing it.


@cache
def _style_or_hidden() -> re.Pattern[str]:
    return re.compile(f"\x1b\\[(?:[0-9]{{1,2}}(?:;[0-9]{{1,2}})*)?m|{invisible_pattern().pattern}")


@cache
def _command() -> re.Pattern[str]:
    """Matches what CI systems take for a command in a log: `::name::` after blanks at the start of a line (GitHub,
    Gitea), `##[name]`, `##vso[…]` and `##teamcity[…]` anywhere (GitHub, Azure, TeamCity).
    """
    return re.compile(r"^((?:[^\S\n]|\x1b\[[0-9;]*m)*):(?=:)|#(?=#[A-Za-z]*\[)", re.M)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def safe(text: str) -> str:
    """Text for use within a line: control characters, hidden characters and line ends become `\\u{…}`."""
    return text if _is_plain(text) else invisible_pattern("\n").sub(escape_match, text)


def safe_text(text: str) -> str:
    """Text of several lines: escaped like `safe`, but line breaks are kept."""
    return text if _is_plain(text.replace("\n", "")) else invisible_pattern().sub(escape_match, text)


def flat(text: str) -> str:
    """Prose in one line: white space becomes single blanks, the rest is treated like `safe`."""
    return safe(" ".join(text.split()))


def for_stream(text: str, *, styled: bool) -> str:
    """The text to print: without control characters except line ends and tabs, and without CI commands.

    Args:
        styled: keep our own colour codes.
    """
    if not _is_plain(text.replace("\n", "").replace("\t", "")):
        if styled:
            text = _style_or_hidden().sub(
                lambda match: match[0] if match[0].endswith("m") else escape_match(match), text
            )
        else:
            text = invisible_pattern().sub(escape_match, text)
    return defused(text) if "::" in text or "##" in text else text


def defused(text: str) -> str:
    """The text with every CI command broken: its first character becomes `\\u{…}`."""
    return _command().sub(lambda match: f"{match[1]}\\u{{3a}}" if match[1] is not None else "\\u{23}", text)


def json_text(value: Any) -> str:
    """JSON that every program reads correctly, and that neither terminals nor CI systems interpret."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    if not _is_plain(text.replace("\n", "")):
        text = invisible_pattern().sub(_in_json, text)
    return re.sub(_HASH_COMMAND, "\\\\u0023", text) if "##" in text else text


def _in_json(match: re.Match[str]) -> str:
    code = ord(match[0])
    if is_in_its_script(match):
        return match[0]
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = 0xD800 + (code - 0x10000 >> 10), 0xDC00 + (code & 0x3FF)
    return f"\\u{high:04x}\\u{low:04x}"


# Workflow commands of GitHub that are meant: annotations.

_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}


def workflow_command(name: str, properties: Mapping[str, str], message: str) -> str:
    """A GitHub workflow command; no value can end it or add to it."""
    words = ",".join(f"{key}={_percent(value, _IN_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {words}::{_percent(message, _IN_MESSAGE)}"


def _percent(text: str, table: Mapping[str, str]) -> str:
    escape_match = re.sub(_HASH_COMMAND, "\\\\u{23}", safe_text(text))
    return "".join(table.get(character, character) for character in escape_match)
