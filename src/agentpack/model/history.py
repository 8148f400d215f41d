"""The history of a scope: a numbered generation after each transaction, and the files in it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.model.names import Digest, is_digest, is_recorded_path
from agentpack.model.variables import is_earlier, root_of

BY_HAND = "edits by hand"
"""The command of a generation that records what the user edited."""
FOUND = "found in this checkout"
"""The command of a generation that agentpack did not make: its files, manifest and lock came with a clone."""
_FOUND_BEFORE = "found in this copy"  # what records of earlier versions say


SCHEMA = 1
"""The schema version of records and journals."""


class NewerRecord(ValueError):
    """A newer agentpack wrote the record."""


def is_newer(schema: object) -> bool:
    """Whether a newer agentpack wrote a record with this schema."""
    return type(schema) is int and schema > SCHEMA


class InstalledFile(NamedTuple):
    """One file as agentpack installed it.

    `rendered` is the text digest of the pristine text, the base of the next merge. `written` is the digest of the bytes
    on disk, which may include a merged user edit; rollback uses it. Merging from the merged text would lose the user's
    lines at the next upgrade. `mode` is the permission bits.
    """

    path: str
    client: str
    pack: str
    persona: str
    rendered: Digest
    written: Digest
    mode: int


class RecordedDocument(NamedTuple):
    """The manifest, the lock or another document after a transaction."""

    path: str
    written: Digest
    mode: int


class Generation(NamedTuple):
    """The state of a scope after a transaction. `parent` is the previous generation, 0 for none.

    `pins` are `name version` texts for people. `folders` were created by agentpack, deepest last, and are removed once
    empty. `replaced` are bytes found on disk that no generation had recorded, by path: a discarded edit or a file that
    was taken over.

    `outside` are the places outside of the repository that this user lets the project's sources be, as real paths.

    `elsewhere` are our files in a folder a client's variable pointed to before, such as that of another account: no
    command writes them, and `uninstall` removes them. `roots` records the folders of all roots in these paths by name:
    see `variables.py`. The store fills it in; older records lack it.
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
    sources: tuple[tuple[Digest, Digest], ...] = ()
    """For each agent file of a collection that the lock wants: the digest of its text, and that of its bytes."""
    outside: tuple[str, ...] = ()
    roots: Mapping[str, str] = MappingProxyType({})

    @property
    def is_beginning(self) -> bool:
        """Whether this is the first generation of this checkout: it has no earlier state."""
        return self.parent == 0 and self.command in (FOUND, _FOUND_BEFORE)

    def to_data(self) -> dict[str, Any]:
        """Plain data for a JSON record. Files are arrays, so that a thousand of them load fast."""
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
            **({"sources": [list(row) for row in self.sources]} if self.sources else {}),
            **({"outside": list(self.outside)} if self.outside else {}),
            **({"roots": dict(self.roots)} if self.roots else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Generation":
        """The inverse of `to_data`.

        Raises:
            NewerRecord: a newer agentpack wrote it.
            KeyError, TypeError, ValueError: the data is malformed.
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
            sources=tuple((text, content) for text, content in data.get("sources", ())),
            outside=tuple(data.get("outside", ())),
            roots=dict(data.get("roots", ())),
        )
        if data["schema"] != SCHEMA or not _is_of_its_types(generation):
            raise TypeError("a value of another type")
        return generation

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path in the generation."""
        files = (file.path for file in (*self.files, *self.elsewhere))
        documents = (document.path for document in self.documents)
        return (*files, *documents, *(path for path, _, _ in self.replaced), *self.folders)

    def with_current_paths(
        self, current_path: Callable[[str, Mapping[str, str]], str], roots: Mapping[str, str]
    ) -> "Generation":
        """The same generation with today's names of its paths. Files that a variable no longer leads to move to
        `elsewhere`, and back to `files` once it does again.

        Args:
            current_path: see `Disk.current_path`.
            roots: the folder of each root.
        """
        if all(roots.get(root) == folder and not is_earlier(root) for root, folder in self.roots.items()):
            return self

        def now(path: str) -> str:
            return current_path(path, self.roots)

        files: dict[str, InstalledFile] = {}
        elsewhere = []
        for number, row in enumerate((*self.files, *self.elsewhere)):
            path = now(row.path)
            here = number < len(self.files) if path == row.path else not is_earlier(root_of(path))
            if here and path not in files:
                files[path] = row._replace(path=path)
            else:
                elsewhere.append(row._replace(path=path))
        return self._replace(
            files=tuple(files.values()),
            elsewhere=tuple(elsewhere),
            documents=tuple(document._replace(path=now(document.path)) for document in self.documents),
            folders=tuple(map(now, self.folders)),
            replaced=tuple((now(path), digest, mode) for path, digest, mode in self.replaced),
        )


BEFORE_THE_FIRST = Generation(number=0, parent=0, time="", command="", pins=(), files=(), documents=())
"""The state before any generation: empty."""


def _is_of_its_types(generation: Generation) -> bool:
    numbers = (generation.number, generation.parent)
    texts = (generation.time, generation.command, *generation.pins, *generation.outside)
    return (
        all(type(number) is int and number >= 0 for number in numbers)
        and all(type(text) is str for text in texts)
        and all(map(is_recorded_path, generation.folders))
        and all(type(folder) is str and is_recorded_path(root) for root, folder in generation.roots.items())
        and all(type(digest) is str and is_digest(digest) for row in generation.sources for digest in row)
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
    """Whether these are a valid path, digest and permission bits."""
    is_digested = type(digest) is str and is_digest(digest)
    return is_recorded_path(path) and is_digested and type(mode) is int and 0 <= mode <= 0o7777
