"""What a persona may do for one client, read from the rendered file itself and not from what its pack says.

Decides which words of `model/capabilities.py` a file stands for. What its keys mean is data: `clients/powers.py` and
the `Client`. A key that nobody knows is shown; a file that nobody can read is called that.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agentpack.capabilities.headers import cut, read_rows, read_whole
from agentpack.capabilities.meaning import Judgement, Vocabulary
from agentpack.clients.base import Client
from agentpack.clients.powers import MEANINGS
from agentpack.model.capabilities import EVERY

UNREADABLE = (EVERY, "unreadable")
"""What is said of a file that nobody can tell how to read."""


def capabilities(client: Client, content: bytes) -> tuple[str, ...]:
    """What the client, and every other that reads its folder, may do for the persona of this file, in sorted words.

    Args:
        content: the file, or of a file that others write too the text of our entry.
    """
    reader = _reader(client)
    words = {word for one in (reader, *reader.others) for word in one.read(content)}
    return tuple(sorted(words))


def _reader(client: Client) -> "Reader":
    reader = _readers.get(id(client))
    if reader is None or reader.client is not client:
        reader = _readers[id(client)] = Reader(client)
    return reader


class Reader:
    """Reads the files of one client, each header that differs once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        keys = {key for key in (*client.keys, *MEANINGS) if client.meaning(key) == "none"}
        self.harmless = frozenset(key.encode() for key in keys)
        self.texts = [key for key in (client.name_key, client.description, client.model) if key is not None]
        self.texts_as_bytes = frozenset(key.encode() for key in self.texts)
        self.known: dict[bytes, tuple[str, ...]] = {}
        self.vocabulary = Vocabulary(client)
        self.others = tuple(map(_reader, _beside(client)))
        """Readers of the clients that have the same folder."""

    def read(self, content: bytes) -> tuple[str, ...]:
        """The words for a file."""
        form = self.client.format
        if form == "body":
            return (EVERY,)
        found = cut(form, self.harmless, content, self.texts_as_bytes)
        key = b"?" + found.whole if found.rows is None else found.rows
        words = self.known.get(key)
        if words is None and (words := self.known.get(b"?" + found.whole)) is None:
            fields = None if found.rows is None else read_rows(form, found.rows)
            if fields is None:
                key, fields = b"?" + found.whole, read_whole(self.client, found.whole)
            words = UNREADABLE if fields is None or not self.are_texts(fields) else self.judge(fields)
            self.known[key] = words
        return words

    def are_texts(self, fields: Mapping[str, Any]) -> bool:
        """Whether name, description and model are texts. Some clients drop the whole header where one is not."""
        return all(isinstance(fields.get(key, ""), str | None) for key in self.texts)

    def judge(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The words for the fields of a file."""
        return tuple(sorted(Judgement(self.vocabulary, fields).words))


def _beside(client: Client) -> Iterable[Client]:
    """The clients of ours in whose folders a declared one has its files."""
    if not client.is_declared:
        return ()
    from agentpack.clients.declaring import clients_beside  # loads every adapter

    return clients_beside(client)


_readers: dict[int, Reader] = {}
