"""A persona's capabilities in one client, read from the rendered file rather than from what its pack declares.

Decides which words of `model/capabilities.py` a file grants. The meaning of its keys is data, in
`clients/capability_meanings.py` and the `Client`. Unknown keys are shown; a file that cannot be read is reported as
such.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agentpack.capabilities.headers import header_rows, parse_fields, parse_rows
from agentpack.capabilities.meaning import CapabilityReader
from agentpack.capabilities.vocabulary import ToolVocabulary
from agentpack.clients.base import Client
from agentpack.clients.capability_meanings import MEANINGS
from agentpack.model.capabilities import EVERY

UNREADABLE = (EVERY, "unreadable")
"""The capabilities of a file that cannot be read."""


def capabilities(client: Client, content: bytes) -> tuple[str, ...]:
    """What the client, and every other client that reads its folder, grants the persona in this file, as sorted words.

    Args:
        content: the file, or the text of our entry in a shared file.
    """
    reader = _reader(client)
    words = {word for one in (reader, *reader.others) for word in one.read(content)}
    return tuple(sorted(words))


def may_use(client: Client, content: bytes, tool: str) -> bool:
    """Whether a file gives its persona one of the client's tools, by the client's own name for it."""
    return _reader(client).gives(content, tool)


def vocabulary_of(client: Client) -> ToolVocabulary:
    """The tool names of a client."""
    return _reader(client).vocabulary


def _reader(client: Client) -> "FileReader":
    reader = _readers.get(id(client))
    if reader is None or reader.client is not client:
        reader = _readers[id(client)] = FileReader(client)
    return reader


class FileReader:
    """Reads the files of one client, each distinct header once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        keys = {key for key in (*client.keys, *MEANINGS) if client.meaning(key) == "none"}
        self.harmless = frozenset(key.encode() for key in keys)
        self.texts = [key for key in (client.name_key, client.description, client.model) if key is not None]
        self.texts_as_bytes = frozenset(key.encode() for key in self.texts)
        self.known: dict[bytes, tuple[str, ...]] = {}
        self.vocabulary = ToolVocabulary(client)
        self.others = tuple(map(_reader, _others_reading(client)))
        """Readers of the clients that have the same folder."""

    def read(self, content: bytes) -> tuple[str, ...]:
        """The capability words for a file."""
        form = self.client.format
        if form == "body":
            return (EVERY,)
        found = header_rows(form, self.harmless, content, self.texts_as_bytes)
        key = b"?" + found.whole if found.rows is None else found.rows
        words = self.known.get(key)
        if words is None and (words := self.known.get(b"?" + found.whole)) is None:
            fields = None if found.rows is None else parse_rows(form, found.rows)
            if fields is None:
                key, fields = b"?" + found.whole, parse_fields(self.client, found.whole)
            if fields is None or not self.are_texts(fields):
                words = UNREADABLE
            else:
                counted = {name: value for name, value in fields.items() if name.encode() not in self.harmless}
                same = b"=" + repr(counted).encode()
                words = self.known[same] = self.known.get(same) or self.words_for(counted)
            self.known[key] = words
        return words

    def gives(self, content: bytes, tool: str) -> bool:
        """Whether the file gives a tool; False where it cannot be read."""
        if self.client.format == "body":
            return True
        found = header_rows(self.client.format, self.harmless, content, self.texts_as_bytes)
        fields = parse_fields(self.client, found.whole)
        if fields is None or not self.are_texts(fields):
            return False
        read = CapabilityReader(self.vocabulary, fields)
        return tool not in read.denied_tools() and (read.allowed is None or tool in read.allowed)

    def are_texts(self, fields: Mapping[str, Any]) -> bool:
        """Whether name, description and model are texts. Some clients drop the whole header otherwise."""
        return all(isinstance(fields.get(key, ""), str | None) for key in self.texts)

    def words_for(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The capability words for a file's fields."""
        return tuple(sorted(CapabilityReader(self.vocabulary, fields).words))


def _others_reading(client: Client) -> Iterable[Client]:
    """The built-in clients in whose folders a declared client has its files."""
    if not client.is_declared:
        return ()
    from agentpack.clients.user_declared import clients_sharing_folders  # loads every adapter

    return clients_sharing_folders(client)


_readers: dict[int, FileReader] = {}
