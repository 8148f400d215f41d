"""What agentpack remembers of a scope: a numbered state after each transaction, and the files in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from agentpack.model.names import Digest, is_digest, is_recorded_path
from agentpack.model.variables import is_earlier, root_of

FOUND = "found in this checkout"
"""The command of a generation that agentpack did not make: files, manifest and lock came along, as with a clone."""
_FOUND_BEFORE = "found in this copy"  # what records of earlier versions say


SCHEMA = 1
"""Of records and journals."""


class NewerRecord(ValueError):
    """A record of a later agentpack."""


def is_newer(schema: object) -> bool:
    """Whether a record says that a later agentpack wrote it."""
    return type(schema) is int and schema > SCHEMA


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


class RecordedDocument(NamedTuple):
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

    `elsewhere` are files of ours that stay in a folder which a client's variable led to before, such as the one of
    another account: no command writes them, and `uninstall` removes them. `roots` says where the roots of all these
    paths led, by name: see `variables.py`. The store fills it in; records from before it do not have it.
    """

    number: int
    parent: int
    time: str
    """UTC, ISO 8601, whole seconds."""
    command: str
    pins: tuple[str, ...]
    files: tuple[InstalledFile, ...]
    documents: tuple[RecordedDocument, ...]
    folders: tuple[str, ...] = ()
    replaced: tuple[tuple[str, Digest, int], ...] = ()
    elsewhere: tuple[InstalledFile, ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_beginning(self) -> bool:
        """Whether it is what a copy began with: before it there was no state of this copy."""
        return self.parent == 0 and self.command in (FOUND, _FOUND_BEFORE)

    def to_data(self) -> dict[str, Any]:
        """Plain data for a JSON record. Files are rows, so that a thousand of them load fast."""
        return {
            "schema": SCHEMA,
            "number": self.number,
            "parent": self.parent,
            "time": self.time,
            "command": self.command,
            "pins": list(self.pins),
            "documents": [list(document) for document in self.documents],
            "folders": list(self.folders),
            "replaced": [list(row) for row in self.replaced],
            "files": [list(file) for file in self.files],
            **({"elsewhere": [list(file) for file in self.elsewhere]} if self.elsewhere else {}),
            **({"roots": dict(self.roots)} if self.roots else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Generation":
        """The inverse of `to_data`.

        Raises:
            NewerRecord: a later agentpack wrote it.
            KeyError, TypeError, ValueError: the data has another shape.
        """
        if is_newer(data["schema"]):
            raise NewerRecord(f"schema {data['schema']}")
        generation = cls(
            number=data["number"],
            parent=data["parent"],
            time=data["time"],
            command=data["command"],
            pins=tuple(data["pins"]),
            documents=tuple(RecordedDocument(*row) for row in data["documents"]),
            folders=tuple(data["folders"]),
            replaced=tuple((path, digest, mode) for path, digest, mode in data["replaced"]),
            files=tuple(InstalledFile(*row) for row in data["files"]),
            elsewhere=tuple(InstalledFile(*row) for row in data.get("elsewhere", ())),
            roots=dict(data.get("roots", ())),
        )
        if data["schema"] != SCHEMA or not _is_of_its_types(generation):
            raise TypeError("a value of another type")
        return generation

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path it names."""
        files = (file.path for file in (*self.files, *self.elsewhere))
        documents = (document.path for document in self.documents)
        return (*files, *documents, *(path for path, _, _ in self.replaced), *self.folders)

    def seen_from(self, path_now: Callable[[str, Mapping[str, str]], str], roots: Mapping[str, str]) -> "Generation":
        """The same state in the names that its paths have today, with its files in `elsewhere` where a variable no
        longer leads to them, and back in `files` where it does again.

        Args:
            path_now: as `Disk.path_now`.
            roots: where each root leads.
        """
        if all(roots.get(root) == folder and not is_earlier(root) for root, folder in self.roots.items()):
            return self

        def now(path: str) -> str:
            return path_now(path, self.roots)

        files: dict[str, InstalledFile] = {}
        elsewhere = []
        for number, row in enumerate((*self.files, *self.elsewhere)):
            path = now(row.path)
            here = number < len(self.files) if path == row.path else not is_earlier(root_of(path))
            if here and path not in files:
                files[path] = row._replace(path=path)
            else:
                elsewhere.append(row._replace(path=path))
        return replace(
            self,
            files=tuple(files.values()),
            elsewhere=tuple(elsewhere),
            documents=tuple(document._replace(path=now(document.path)) for document in self.documents),
            folders=tuple(map(now, self.folders)),
            replaced=tuple((now(path), digest, mode) for path, digest, mode in self.replaced),
        )


BEFORE_THE_FIRST = Generation(number=0, parent=0, time="", command="", pins=(), files=(), documents=())
"""What there was before any generation: nothing."""


def _is_of_its_types(generation: Generation) -> bool:
    numbers = (generation.number, generation.parent)
    texts = (generation.time, generation.command, *generation.pins)
    return (
        all(type(number) is int and number >= 0 for number in numbers)
        and all(type(text) is str for text in texts)
        and all(map(is_recorded_path, generation.folders))
        and all(type(folder) is str and is_recorded_path(root) for root, folder in generation.roots.items())
        and all(_is_state(*row) for row in (*generation.documents, *generation.replaced))
        and all(
            _is_state(path, written, mode)
            and type(rendered) is str
            and is_digest(rendered)
            and type(client) is type(pack) is type(persona) is str
            for path, client, pack, persona, rendered, written, mode in (*generation.files, *generation.elsewhere)
        )
    )


def _is_state(path: object, digest: object, mode: object) -> bool:
    """Whether these can be a path, what it holds and its permission bits."""
    is_digested = type(digest) is str and is_digest(digest)
    return is_recorded_path(path) and is_digested and type(mode) is int and 0 <= mode <= 0o7777
