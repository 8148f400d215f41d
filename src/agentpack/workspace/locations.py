"""Where a wanted text stands: in a file of its own, or as one entry of a file that others write too.

A place is a named path, and for an entry the file's path, `#` and the entry's key: `.roomodes#python-engineer`.
Everything above this module treats both alike: an entry is created, merged, found edited, removed and rolled back
like a file. Below it there are only files: all entries of one file become one step of the transaction, and every byte
outside of our entries stays.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from agentpack.apply import Step, changed_meanwhile
from agentpack.clients import Clients
from agentpack.clients.base import Shared
from agentpack.clients.declaring import DATA, is_for_agents
from agentpack.disk import Disk, Identity
from agentpack.disk.folders import BEHIND
from agentpack.disk.real import real_path
from agentpack.errors import Fault, InvalidFile, Refused
from agentpack.model.changes import Observed
from agentpack.model.names import Digest, digest_of
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.model.variables import path_then, root_of

_NAME = "[a-z0-9]+(?:-[a-z0-9]+)*"

SharedOf = Callable[[str], Shared | None]
"""The way to read and change a shared file, by its path."""


def split_place(place: str) -> tuple[str, str | None]:
    """The file's path, and the entry's key in it, None for a file of its own."""
    path, mark, key = place.partition("#")
    return path, key if mark else None


def is_entry(place: str) -> bool:
    """Whether a place is one entry of a shared file."""
    return "#" in place


class ManagedPlaces:
    """Which files agentpack writes and deletes: manifest and lock, local variants, packs of the user's own, and what
    a client can read as an agent. Nothing else, whatever a journal, a record or a lock says.
    """

    def __init__(self, disk: Disk, documents: Iterable[str], clients: Callable[[], Clients], scope: str) -> None:
        """`documents` are patterns of named paths, with `{name}` for a name, and `**` at the end for anything below.
        The clients are asked for when none of these fits.
        """
        self._disk = disk
        self._documents = tuple(documents)
        self._clients, self._scope = clients, scope
        self._known: dict[str, list[list[str]]] = {}
        self._last: list[list[str]] = []

    def holds(self, path: str, client: str = "") -> bool:
        """Whether a file of agentpack's can be at this named path; quicker where its client is told."""
        return self._fits(split_place(path)[0].partition(BEHIND)[0], client, whole=True)

    def leads(self, folder: str) -> bool:
        """Whether a folder is one for such files, or on the way to one."""
        return self.holds(folder) if BEHIND in folder else self._fits(folder, "", whole=False)

    def _fits(self, path: str, client: str, *, whole: bool) -> bool:
        names = [name.split("/") if name else [] for name in self._names(path)]
        for form in chain(self._last, self._forms(client)):  # files of one folder follow each other
            for parts in names:
                if _fits(parts, form, whole=whole):
                    self._last = [form]
                    return True
        return False

    def _forms(self, client: str) -> Iterator[list[str]]:
        """Every pattern in its parts, agentpack's own files first, then those of this client."""
        yield from self._of("", self._documents)
        clients = self._clients()
        for name in clients.nearest(client):
            yield from self._of(name, () if name in self._known else clients[name].patterns(self._scope))

    def _of(self, client: str, patterns: Iterable[str]) -> list[list[str]]:
        if client not in self._known:
            self._known[client] = [form.split("/") for pattern in patterns for form in self._names(pattern)]
        return self._known[client]

    def _names(self, path: str) -> Iterable[str]:
        """A path as the lock names it, and from the outermost root, wherever its variable led or leads."""
        if not path.startswith("$"):
            return (path,)
        then = path_then(path)
        root = root_of(then)
        roots = (root_of(path),) if path != then else (name for name in self._disk.roots if path_then(name) == root)
        known = (name for name in roots if self._disk.knows(name))
        return (then, *(self._disk.plain(name + then[len(root) :]) for name in known))


def _fits(parts: Sequence[str], pattern: Sequence[str], *, whole: bool) -> bool:
    """Whether a path is one of a pattern's, or unless `whole` a folder on the way to one."""
    if pattern[-1] == "**" and len(parts) >= len(pattern):
        pattern = (*pattern[:-1], *parts[len(pattern) - 1 :])
    if len(parts) > len(pattern) or (whole and len(parts) < len(pattern)):
        return False
    return all(part == form or _is_named(part, form) for part, form in zip(parts, pattern, strict=False))


def _is_named(part: str, form: str) -> bool:
    return "{name}" in form and _naming(form).fullmatch(part) is not None


@cache
def _naming(form: str) -> re.Pattern[str]:
    return re.compile(re.escape(form).replace(re.escape("{name}"), _NAME))


class Placing:
    """Looks at places and turns changes of places into steps."""

    def __init__(self, disk: Disk, shared_of: SharedOf, *, in_clone: bool = False) -> None:
        """`in_clone`: links may have come with a clone, and are no word of the user's."""
        self._disk = disk
        self._in_clone = in_clone
        self._for_agents = set[str]()
        self._shared_of = shared_of
        self._links = set[str]()
        self._entries: dict[str, tuple[Digest, Mapping[str, str]]] = {}

    def look(self, place: str) -> Observed | None:
        """What is at a place; None when nothing is, or when the variable that the place is below is not set.

        Raises:
            Refused: a link makes it a file of other programs.
        """
        path, key = split_place(place)
        if key is None and self._in_clone and path.endswith(DATA) and not path.startswith("$"):
            self._refuse_settings(path.rpartition("/")[0])
        seen = self._disk.look(path) if self._disk.knows(path) else None
        if seen is None:
            return None
        if seen.kind != "file" or seen.digest is None:
            if seen.kind == "link":
                self._links.add(place)
            return Observed(None, seen.mode, f"a {seen.kind} is in the way")
        if key is None:
            return Observed(seen.text, seen.mode, exact=None if seen.text == seen.digest else seen.digest)
        text = self._read_entries(path, seen.digest).get(key)
        return None if text is None else Observed(digest_of(text.encode()), seen.mode)

    def _refuse_settings(self, folder: str) -> None:
        """Raise Refused where a link leads from a folder of agents to one that is not called after them: a file of data
        may be what a program reads as its settings, or runs, there.
        """
        if not folder or folder in self._for_agents:
            return
        where = self._disk.where(folder)
        real, root = real_path(where), real_path(self._disk.where(""))
        left, right = folder.split("/"), os.path.relpath(real, root).split("/")
        while left != right and left and right and left[-1] == right[-1] and not is_for_agents(right[-1]):
            del left[-1], right[-1]  # the folder of one agent
        if left != right and not is_for_agents("/".join(right)):
            raise Refused(
                f"`{where}` leads through a link to a folder that is not for agents",
                details=(f"it leads to {real}, where other programs may keep settings",),
                hint="put a real folder in the place of the link",
            )
        self._for_agents.add(folder)

    def groups(self, places: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """The places that are one file, one group for each file that has several, the place without a link first.

        A place counts as what it leads to, whether there is a file yet or not; all of them were looked at before. Hard
        links are files of their own: what is written takes the place of one of them.
        """
        disk = self._disk
        known = [place for place in places if not place.startswith("$") or disk.knows(place)]
        linked = {place for place in known if place in self._links or disk.is_linked(split_place(place)[0])}
        folders = {place.rpartition("/")[0] for place in known}
        if not linked and len({disk.identity(folder) for folder in folders}) == len(folders):
            return
        met: dict[tuple[Identity, str | None], list[str]] = {}
        for place in sorted(known):
            path, key = split_place(place)
            folder, _, leaf = path.rpartition("/")
            one = disk.identity(path) if place in linked else disk.identity(folder).below(leaf)
            met.setdefault((one, key), []).append(place)
        for group in met.values():
            if len(group) > 1:
                yield tuple(
                    sorted(group, key=lambda place: (disk.first_link(split_place(place)[0]) is not None, place))
                )

    def read(self, place: str) -> bytes | None:
        """The bytes at a place; None when nothing is there."""
        path, key = split_place(place)
        if not self._disk.knows(path):
            return None
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
            raise self._unreadable(path, error, data) from None

    def _shared(self, path: str) -> Shared:
        shared = self._shared_of(path)
        if shared is None:
            raise InvalidFile([Fault(path, 0, "", "no client keeps several agents in this file")])
        return shared

    def _unreadable(self, path: str, error: ValueError, data: bytes) -> InvalidFile:
        if line := unmerged_line(data):
            return InvalidFile([Fault(self._disk.where(path), line, "", MARKERS)], hint=HINT)
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
        there = self._parse(path, data)  # the transaction looks at the whole file, which others write too
        for change in placed:
            text = there.get(split_place(change.place)[1] or "")
            if (None if text is None else digest_of(text.encode())) != change.before:
                raise changed_meanwhile(self._disk, [path])
        try:
            contents = {split_place(change.place)[1] or "": change.content for change in placed}
            texts = {key: None if content is None else content.decode() for key, content in contents.items()}
            data = shared.put(data, texts)
        except ValueError as error:
            raise self._unreadable(path, error, data) from None
        # a file that held nothing but our entries goes with the last of them
        content = data if data or before is None else None
        return Step(path, None if before is None else digest_of(before), content)


class Placed(NamedTuple):
    """One place of a transaction, as `apply.Step` has it for a file."""

    place: str
    before: Digest | None
    content: bytes | None
    mode: int | None = None
