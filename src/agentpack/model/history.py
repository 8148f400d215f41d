"""What agentpack remembers of a scope: a numbered state after each transaction, and the files in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from agentpack.model.names import Digest, is_digest, is_named_path

FOUND = "found in this copy"
"""The command of a generation that agentpack did not make: files, manifest and lock came along, as with a clone."""


class InstalledFile(NamedTuple):
    """One file that agentpack put somewhere, as it left it.

    `rendered` is the pristine text, the base of the next merge, by its text digest; `written` is the bytes that were
    left on disk, perhaps merged with a user's edit: rollback is done with it. Taking the merged text as base would drop
    the user's lines at the next upgrade. `mode` is the permission bits.
    """

    path: str
    client: str
    pack: str
    persona: str
    rendered: Digest
    written: Digest
    mode: int


class Document(NamedTuple):
    """The manifest or the lock, as a transaction left it."""

    path: str
    written: Digest
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The state after a transaction. `parent` is the generation it was made from, 0 for none.

    `pins` are `name version` texts, for people. `folders` are those that agentpack created, deepest last; they go
    again once they are empty. `replaced` are bytes found on disk that no generation had recorded, by path: an edit
    discarded or a file taken over.
    """

    number: int
    parent: int
    time: str
    """UTC, ISO 8601, whole seconds."""
    command: str
    pins: tuple[str, ...]
    files: tuple[InstalledFile, ...]
    documents: tuple[Document, ...]
    folders: tuple[str, ...] = ()
    replaced: tuple[tuple[str, Digest, int], ...] = ()

    @property
    def is_beginning(self) -> bool:
        """Whether it is what a copy began with: before it there was no state of this copy."""
        return self.parent == 0 and self.command == FOUND

    def to_data(self) -> dict[str, Any]:
        """Plain data for a JSON record. Files are rows, so that a thousand of them load fast."""
        return {
            "schema": 1,
            "number": self.number,
            "parent": self.parent,
            "time": self.time,
            "command": self.command,
            "pins": list(self.pins),
            "documents": [list(document) for document in self.documents],
            "folders": list(self.folders),
            "replaced": [list(row) for row in self.replaced],
            "files": [list(file) for file in self.files],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Generation":
        """The inverse of `to_data`. Raises KeyError, TypeError or ValueError when the data has another shape."""
        generation = cls(
            number=data["number"],
            parent=data["parent"],
            time=data["time"],
            command=data["command"],
            pins=tuple(data["pins"]),
            documents=tuple(Document(*row) for row in data["documents"]),
            folders=tuple(data["folders"]),
            replaced=tuple((path, digest, mode) for path, digest, mode in data["replaced"]),
            files=tuple(InstalledFile(*row) for row in data["files"]),
        )
        if data["schema"] != 1 or not _is_of_its_types(generation):
            raise TypeError("a value of another type")
        return generation


def _is_of_its_types(generation: Generation) -> bool:
    numbers = (generation.number, generation.parent)
    texts = (generation.time, generation.command, *generation.pins)
    return (
        all(type(number) is int and number >= 0 for number in numbers)
        and all(type(text) is str for text in texts)
        and all(map(is_named_path, generation.folders))
        and all(_is_state(*row) for row in (*generation.documents, *generation.replaced))
        and all(
            _is_state(path, written, mode)
            and type(rendered) is str
            and is_digest(rendered)
            and type(client) is type(pack) is type(persona) is str
            for path, client, pack, persona, rendered, written, mode in generation.files
        )
    )


def _is_state(path: object, digest: object, mode: object) -> bool:
    """Whether these can be a path, what it holds and its permission bits."""
    return (
        is_named_path(path) and type(digest) is str and is_digest(digest) and type(mode) is int and 0 <= mode <= 0o7777
    )
