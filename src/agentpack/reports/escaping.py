"""How text that strangers wrote is made safe for where it goes: a terminal, a CI log, JSON, a workflow command.

Packs, sources, manifests, file and folder names are strangers' words. Where a value is put into a sentence it goes
through `safe`; whatever is printed goes through `for_stream`, so that a place that was forgotten shows no more than
an ugly line. Markdown has its own rules, in `formats/markdown.py`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from agentpack.input.invisible import is_in_its_script, shown, unseen

_HASH_COMMAND = r"#(?=#[A-Za-z]*\[)"

# The expressions are made when a text first needs one: most of what is printed is plain, and making them takes longer
# than printing it.


@cache
def _style_or_hidden() -> re.Pattern[str]:
    return re.compile(f"\x1b\\[(?:[0-9]{{1,2}}(?:;[0-9]{{1,2}})*)?m|{unseen().pattern}")


@cache
def _command() -> re.Pattern[str]:
    """What a CI system takes from a line of a log for a command: `::name::` behind blanks at the start of a line
    (GitHub, Gitea), `##[name]`, `##vso[…]` and `##teamcity[…]` anywhere in it (GitHub, Azure, TeamCity).
    """
    return re.compile(r"^((?:[^\S\n]|\x1b\[[0-9;]*m)*):(?=:)|#(?=#[A-Za-z]*\[)", re.M)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def safe(text: str) -> str:
    """A stranger's text within a line: what a terminal would obey or hide, and the end of a line, as `\\u{…}`."""
    return text if _is_plain(text) else unseen("\n").sub(shown, text)


def safe_text(text: str) -> str:
    """A stranger's text of several lines: as `safe`, with the ends of its lines left."""
    return text if _is_plain(text.replace("\n", "")) else unseen().sub(shown, text)


def flat(text: str) -> str:
    """A stranger's prose in one line: runs of white space as one blank, the rest as `safe`."""
    return safe(" ".join(text.split()))


def for_stream(text: str, *, styled: bool) -> str:
    """The text as it may be printed: no control character but line ends and tabs, and no command for a CI system.

    Args:
        styled: our own colours are in it, and stay.
    """
    if not _is_plain(text.replace("\n", "").replace("\t", "")):
        if styled:
            text = _style_or_hidden().sub(lambda match: match[0] if match[0].endswith("m") else shown(match), text)
        else:
            text = unseen().sub(shown, text)
    return defused(text) if "::" in text or "##" in text else text


def defused(text: str) -> str:
    """The text with every command for a CI system broken: its first character as `\\u{…}`."""
    return _command().sub(lambda match: f"{match[1]}\\u{{3a}}" if match[1] is not None else "\\u{23}", text)


def json_text(value: Any) -> str:
    """JSON that any program reads as it was meant, and that neither a terminal nor a CI system obeys."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    if not _is_plain(text.replace("\n", "")):
        text = unseen().sub(_in_json, text)
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
    """A line that GitHub takes for a command; no value can end it or add to it."""
    words = ",".join(f"{key}={_percent(value, _IN_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {words}::{_percent(message, _IN_MESSAGE)}"


def _percent(text: str, table: Mapping[str, str]) -> str:
    shown = re.sub(_HASH_COMMAND, "\\\\u{23}", safe_text(text))
    return "".join(table.get(character, character) for character in shown)
