"""Where a wanted text stands: in a file of its own, or as one entry of a file that others write too.

A place is a named path, and for an entry the file's path, `#` and the entry's key: `.roomodes#python-engineer`.
Everything above this module treats both alike: an entry is created, merged, found edited, removed and rolled back
like a file. Below it there are only files: all entries of one file become one step of the transaction, and every byte
outside of our entries stays.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from agentpack.apply import Step
from agentpack.disk import Disk
from agentpack.errors import Fault, InvalidFile
from agentpack.model.names import Digest, digest_of
from agentpack.plan import Observed
from agentpack.targets.base import Shared

SharedOf = Callable[[str], Shared | None]
"""The way to read and change a shared file, by its path."""


def split_place(place: str) -> tuple[str, str | None]:
    """The file's path, and the entry's key in it, None for a file of its own."""
    path, mark, key = place.partition("#")
    return path, key if mark else None


def is_entry(place: str) -> bool:
    """Whether a place is one entry of a shared file."""
    return "#" in place


class Placing:
    """Looks at places and turns changes of places into steps."""

    def __init__(self, disk: Disk, shared_of: SharedOf) -> None:
        self._disk = disk
        self._shared_of = shared_of
        self._entries: dict[str, tuple[Digest, Mapping[str, str]]] = {}

    def look(self, place: str) -> Observed | None:
        """What is at a place; None when nothing is.

        Raises:
            UsageError: the variable that the place is below is no longer set.
        """
        path, key = split_place(place)
        seen = self._disk.look(path)
        if seen is None:
            return None
        if seen.kind != "file" or seen.digest is None:
            return Observed(None, seen.mode, f"a {seen.kind} is in the way")
        if key is None:
            return Observed(seen.text, seen.mode, exact=None if seen.text == seen.digest else seen.digest)
        text = self._read_entries(path, seen.digest).get(key)
        return None if text is None else Observed(digest_of(text.encode()), seen.mode)

    def read(self, place: str) -> bytes | None:
        """The bytes at a place; None when nothing is there."""
        path, key = split_place(place)
        if key is None:
            return self._disk.read(path)
        seen = self._disk.look(path)
        if seen is None or seen.digest is None:
            return None
        text = self._read_entries(path, seen.digest).get(key)
        return None if text is None else text.encode()

    def _read_entries(self, path: str, digest: Digest) -> Mapping[str, str]:
        known = self._entries.get(path)
        if known is None or known[0] != digest:
            known = digest, self._parse(path, self._disk.read(path) or b"")
            self._entries[path] = known
        return known[1]

    def _parse(self, path: str, data: bytes) -> Mapping[str, str]:
        try:
            return self._shared(path).entries(data)
        except ValueError as error:
            raise self._unreadable(path, error) from None

    def _shared(self, path: str) -> Shared:
        shared = self._shared_of(path)
        if shared is None:
            raise InvalidFile([Fault(path, 0, "", "no client keeps several agents in this file")])
        return shared

    def _unreadable(self, path: str, error: ValueError) -> InvalidFile:
        fault = Fault(self._disk.where(path), 0, "", str(error))
        return InvalidFile([fault], hint="mend the file, or leave this client out")

    def steps(self, changes: Iterable["Placed"]) -> Iterator[Step]:
        """The steps of a transaction. All entries of one file are put into it at once."""
        entries: dict[str, list[Placed]] = {}
        for change in changes:
            path, key = split_place(change.place)
            if key is None:
                yield Step(path, change.before, change.content, change.mode)
            else:
                entries.setdefault(path, []).append(change)
        for path, placed in entries.items():
            yield self._step(path, placed)

    def _step(self, path: str, placed: list["Placed"]) -> Step:
        before = self._disk.read(path)
        shared = self._shared(path)
        data = before or b""
        try:
            for change in placed:
                key = split_place(change.place)[1] or ""
                data = shared.put(data, key, None if change.content is None else change.content.decode())
        except ValueError as error:
            raise self._unreadable(path, error) from None
        # a file that held nothing but our entries goes with the last of them
        content = data if data or before is None else None
        return Step(path, None if before is None else digest_of(before), content)


class Placed(NamedTuple):
    """One place of a transaction, as `apply.Step` has it for a file."""

    place: str
    before: Digest | None
    content: bytes | None
    mode: int | None = None
