"""The fields of a rendered file, read from its text without loading YAML where our own emitter wrote it.

A header is cut to what can matter: fields that are known to give an agent nothing, such as its name and description,
are left out where they stand complete in their rows. What is left is alike for most personas of a client, so that it
is read once. Every row must have the exact form that `writers/emit.py` writes; a text with any other row is read whole,
by the format's own reader.
"""

import json
import re
from collections.abc import Callable, Container, Mapping
from functools import cache
from typing import Any, NamedTuple

from agentpack.clients.base import Client
from agentpack.errors import InvalidFile
from agentpack.writers.emit import is_exact, is_plain_word

MAX_HEADER = 200_000
"""Bytes of a header that is read without the format's own reader, which has a limit of its own."""
_KEY = rb"[A-Za-z_][A-Za-z0-9_-]*"
_ROWS: Mapping[str, bytes] = {
    "markdown": rb"(" + _KEY + rb"): [^\n]+\n",
    "yaml": rb"(" + _KEY + rb"): (?:(\|2)-?\n|[^|\n][^\n]*\n)",
    "toml": rb"(" + _KEY + rb") = (?:(\'\'\'|\"\"\")\n|(?!\'\'\'|\"\"\")[^\n]+\n)",
}
_COMPLETE = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"\n|[a-z][a-z0-9.-]*\n|-?[0-9.]+\n|\|2|\'\'\'\n|"""\n')
"""The beginning of a value that ends where its row ends, however the next row begins."""
_IS_TEXT = re.compile(rb"\"|'|\||(?!true\n|false\n|null\n)[a-z]").match
_BLOCK_END = rb"\n(?!  |\n)"
_PAIR = r"\\u[dD][89abAB]"


@cache
def _row(form: str) -> re.Pattern[bytes]:
    return re.compile(_ROWS[form])  # those of other formats need not be compiled


class Cut(NamedTuple):
    """A file's header. `rows` has what can matter in it; None where the text is not of our emitter's form."""

    rows: bytes | None
    whole: bytes
    """The file, of Markdown its header with the fences."""


def cut(form: str, harmless: frozenset[bytes], content: bytes, texts: Container[bytes] = ()) -> Cut:
    """The header of a file of that format.

    Args:
        harmless: keys that are left out.
        texts: of these, those that are where their value is a text.
    """
    rows = content
    if form == "markdown":
        end = content.find(b"\n---\n", 3)
        if not content.startswith(b"---\n") or end < 0:
            return Cut(None, content)
        rows, content = content[4 : end + 1], content[: end + 5]
        # our emitter writes no other rule of hyphens, at which some clients would end the header
        if len(rows) > MAX_HEADER or b"---" in rows:
            return Cut(None, content)
    if form not in _ROWS:
        return Cut(None, content)
    kept: list[bytes] = []
    at, match, complete = 0, _row(form).match, _COMPLETE.match
    while at < len(rows):
        row = match(rows, at)
        if row is None and form == "toml" and rows.startswith(b"\n[", at):
            kept.append(rows[at:])  # tables stand behind all plain keys
            break
        end = -1 if row is None else row.end()
        if row is not None and form != "markdown" and row[2] is not None:
            end = _end_of_block(rows, row[2], end)
        if row is None or end < 0:
            return Cut(None, content)
        start = row.end(1) + (3 if form == "toml" else 2)
        if (
            row[1] not in harmless
            or complete(rows, start) is None
            or (row[1] in texts and _IS_TEXT(rows, start) is None)
        ):
            kept.append(rows[at:end])
        at = end
    return Cut(b"".join(kept), content)


def _end_of_block(whole: bytes, opening: bytes, start: int) -> int:
    """Where the row of a text of several lines ends; -1 when it does not.

    Args:
        start: where its first line begins.
    """
    if opening == b"|2":
        found = re.compile(_BLOCK_END).search(whole, start - 1)
        return -1 if found is None else found.end()
    end = whole.find(opening + b"\n", start)  # neither stands within a block
    return -1 if end < 0 else end + 4


def read_rows(form: str, rows: bytes) -> dict[str, Any] | None:
    """The fields of cut rows; None in any doubt."""
    try:
        text = rows.decode("utf-8")
        return _toml(text) if form == "toml" else _fields(text)
    except ValueError:
        return None


def _fields(text: str) -> dict[str, Any] | None:
    if not is_exact(text) or re.search(_PAIR, text):
        return None
    fields: dict[str, Any] = {}
    for line in text.split("\n")[:-1]:
        key, _, value = line.partition(": ")
        if key in fields:
            return None
        fields[key] = value if is_plain_word(value) else _json(value)
    return fields


_json: Callable[[str], Any] = json.JSONDecoder(
    parse_float=str, parse_constant=str, parse_int=lambda text: int(text) if len(text.lstrip("-")) < 19 else text
).decode
"""JSON with numbers as the YAML door reads them."""


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # only for clients that want TOML

    return tomllib.loads(text)


def read_whole(client: Client, content: bytes) -> dict[str, Any] | None:
    """The fields of any file, read by the format's own reader as its client reads it; None where none can."""
    from agentpack.clients.reading import front_matter
    from agentpack.input.documents import decode, read_yaml  # YAML is loaded only for what others wrote

    form = client.format
    try:
        text = decode(content, "")
        if form == "markdown":
            front = front_matter(client, text, "", judging=True)
            return {} if front is None else front.fields
        if form == "toml":
            return _toml(text)
        if form == "json":
            return dict(json.loads(text))
        return dict(read_yaml(text, "", hidden=True).data)
    except (InvalidFile, ValueError, TypeError, RecursionError):
        return None
