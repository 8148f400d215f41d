"""The header fields of a rendered file, read without loading YAML if our own emitter wrote it.

A header is reduced to the rows that can matter: fields known to grant nothing, such as name and description, are left
out if their rows are complete. What is left is the same for most personas of a client, so it is parsed once. Every row
must have exactly the form that `writers/emit.py` writes; any other text is parsed whole by the format's own reader.
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
"""Bytes of a header that is read without the format's own reader, which has its own limit."""
_KEY = rb"[A-Za-z_][A-Za-z0-9_-]*"
_ROWS: Mapping[str, bytes] = {
    "markdown": rb"(" + _KEY + rb"): [^\n]+\n",
    "yaml": rb"(" + _KEY + rb"): (?:(\|2)-?\n|[^|\n][^\n]*\n)",
    "toml": rb"(" + _KEY + rb") = (?:(\'\'\'|\"\"\")\n|(?!\'\'\'|\"\"\")[^\n]+\n)",
}
_COMPLETE = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"\n|[a-z][a-z0-9.-]*\n|-?[0-9.]+\n|\|2|\'\'\'\n|"""\n')
"""The beginning of a value that ends with its row, whatever the next row begins with."""
_IS_TEXT = re.compile(rb"\"|'|\||(?!true\n|false\n|null\n)[a-z]").match
_BLOCK_END = rb"\n(?!  |\n)"
_PAIR = r"\\u[dD][89abAB]"


@cache
def _row(form: str) -> re.Pattern[bytes]:
    return re.compile(_ROWS[form])  # those of other formats need not be compiled


class HeaderRows(NamedTuple):
    """A file's header. `rows` are the rows that can matter; None if the text is not in our emitter's form."""

    rows: bytes | None
    whole: bytes
    """The file; for Markdown its header with the fences."""


def header_rows(form: str, harmless: frozenset[bytes], content: bytes, texts: Container[bytes] = ()) -> HeaderRows:
    """The header of a file in this format, without the rows of harmless keys.

    Args:
        harmless: keys that grant nothing. Their rows are left out, except a value that may go on in the next row.
        texts: harmless keys that must have a text as their value; a row with another value stays.
    """
    rows = content
    if form == "markdown":
        end = content.find(b"\n---\n", 3)
        if not content.startswith(b"---\n") or end < 0:
            return HeaderRows(None, content)
        rows, content = content[4 : end + 1], content[: end + 5]
        # our emitter writes no other rule of hyphens, at which some clients would end the header
        if len(rows) > MAX_HEADER or b"---" in rows:
            return HeaderRows(None, content)
    if form not in _ROWS:
        return HeaderRows(None, content)
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
            return HeaderRows(None, content)
        start = row.end(1) + (3 if form == "toml" else 2)
        if (
            row[1] not in harmless
            or complete(rows, start) is None
            or (row[1] in texts and _IS_TEXT(rows, start) is None)
        ):
            kept.append(rows[at:end])
        at = end
    return HeaderRows(b"".join(kept), content)


def _end_of_block(whole: bytes, opening: bytes, start: int) -> int:
    """The end of a row with a multi-line text; -1 if it does not end.

    Args:
        start: where its first line begins.
    """
    if opening == b"|2":
        found = re.compile(_BLOCK_END).search(whole, start - 1)
        return -1 if found is None else found.end()
    end = whole.find(opening + b"\n", start)  # neither stands within a block
    return -1 if end < 0 else end + 4


def parse_rows(form: str, rows: bytes) -> dict[str, Any] | None:
    """The fields in these rows; None in any doubt."""
    try:
        text = rows.decode("utf-8")
        return _toml(text) if form == "toml" else _fields(text)
    except (ValueError, RecursionError):
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


def _in_doubt(number: str) -> Any:
    raise ValueError(number)


_json: Callable[[str], Any] = json.JSONDecoder(
    parse_float=_in_doubt,
    parse_constant=str,
    parse_int=lambda text: int(text) if len(text.lstrip("-")) < 19 else _in_doubt(text),
).decode
"""JSON with whole numbers as every client reads them. What one makes of long ones and of fractions depends on it."""


def _toml(text: str) -> dict[str, Any]:
    import tomllib  # only for clients that want TOML

    return tomllib.loads(text)


def parse_fields(client: Client, content: bytes) -> dict[str, Any] | None:
    """The fields of any file, parsed by the format's own reader as its client does; None if it cannot be parsed."""
    from agentpack.clients.read_back import front_matter
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
