"""Places: where an agent is stored, in a file of its own or as one entry of a shared file.

A place is a named path; for an entry, the file's path, `#` and the entry's key: `.roomodes#python-engineer`. Everything
above this module treats both alike: an entry is created, merged, edited, removed and rolled back like a file. Below it
there are only files: all entries of one file become one step of the transaction, and every byte outside of our entries
is kept.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple, Protocol

from agentpack.apply import Step, changed_meanwhile
from agentpack.clients import SKILLS_FOLDER, Clients
from agentpack.clients.base import SharedFile
from agentpack.clients.user_declared import is_for_agents
from agentpack.disk import Disk, Identity
from agentpack.disk.folders import BEHIND
from agentpack.disk.real_paths import is_below, real_path
from agentpack.errors import Fault, InvalidFile, Refused
from agentpack.model.changes import Observed
from agentpack.model.names import Digest, digest_of
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.model.variables import path_in_lock, root_of

_NAME = "[a-z0-9]+(?:-[a-z0-9]+)*"
_PLAIN = re.compile("[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")
"""A part of the path of an adopted file below its client's folder."""
_DOCUMENT = re.compile("[A-Z0-9_-]*[A-Z][A-Z0-9_-]*")
"""The name of a document, without its ending: `README`, `CLAUDE`."""

SharedOf = Callable[[str], SharedFile | None]
"""Returns how to read and change the shared file at a path; None for an ordinary path."""


def split_place(place: str) -> tuple[str, str | None]:
    """The file's path, and the key of the entry in it; None for a file of its own."""
    path, mark, key = place.partition("#")
    return path, key if mark else None


def is_entry(place: str) -> bool:
    """Whether a place is one entry of a shared file."""
    return "#" in place


class ManagedPlaces:
    """The files agentpack may write and delete: manifest, lock, local variants, packs made by `adopt`, and files that a
    client can read as agents. A journal, record or lock cannot add to them.
    """

    def __init__(self, disk: Disk, documents: Iterable[str], clients: Callable[[], Clients], scope: str) -> None:
        """`documents` are patterns of named paths: `{name}` matches a name, a final `**` anything below. `clients` is
        only called if none of them matches.
        """
        self._disk = disk
        self._documents = tuple(documents)
        self._clients, self._scope = clients, scope
        self._known: dict[str, list[list[str]]] = {}
        self._last: list[list[str]] = []

    def holds(self, path: str, client: str = "") -> bool:
        """Whether agentpack may manage a file at this named path. Faster with the file's client."""
        path = split_place(path)[0].partition(BEHIND)[0]
        own = self._fits(path, self._of("", self._documents), whole=True)
        return own is not None or self.holds_agent(path, client)

    def holds_agent(self, path: str, client: str = "") -> bool:
        """Whether a client can read an agent at this named path: a record of agent files lists no others."""
        path = split_place(path)[0].partition(BEHIND)[0]
        forms = chain(self._last, self._forms(client))  # files of one folder follow each other
        found = self._fits(path, forms, whole=True)
        self._last = [found] if found else self._last
        return found is not None

    def may_contain(self, folder: str) -> bool:
        """Whether a folder can contain such files, directly or further down."""
        if BEHIND in folder:
            return self.holds(folder)
        return self._fits(folder, chain(self._of("", self._documents), self._forms("")), whole=False) is not None

    def _fits(self, path: str, forms: Iterable[list[str]], *, whole: bool) -> list[str] | None:
        """The first pattern, split at `/`, that the path matches; None if it matches none."""
        names = [name.split("/") if name else [] for name in self._names(path)]
        return next((form for form in forms for parts in names if _fits(parts, form, whole=whole)), None)

    def _forms(self, client: str) -> Iterator[list[str]]:
        """The path patterns of all clients, each split at `/`: those of this client first."""
        clients = self._clients()
        for name in clients.nearest(client):
            yield from self._of(name, () if name in self._known else clients[name].patterns(self._scope))

    def _of(self, client: str, patterns: Iterable[str]) -> list[list[str]]:
        if client not in self._known:
            self._known[client] = [form.split("/") for pattern in patterns for form in self._names(pattern)]
        return self._known[client]

    def _names(self, path: str) -> Iterable[str]:
        """The path as the lock names it, and as named from the outermost root."""
        if not path.startswith("$"):
            return (path,)
        then = path_in_lock(path)
        root = root_of(then)
        roots = (root_of(path),) if path != then else (name for name in self._disk.roots if path_in_lock(name) == root)
        known = (name for name in roots if self._disk.has_root(name))
        return (then, *(self._disk.canonical(name + then[len(root) :]) for name in known))


def _fits(parts: Sequence[str], pattern: Sequence[str], *, whole: bool) -> bool:
    """Whether a path matches a pattern, or unless `whole` is a folder above such a path."""
    if pattern[-1].startswith("**") and len(parts) >= len(pattern):
        below, end = parts[len(pattern) - 1 :], pattern[-1][2:]
        if end and not _is_plain(below, end, whole=whole):
            return False
        pattern = (*pattern[:-1], *below)
    if len(parts) > len(pattern) or (whole and len(parts) < len(pattern)):
        return False
    return all(part == form or _is_named(part, form) for part, form in zip(parts, pattern, strict=False))


def _is_plain(below: Sequence[str], end: str, *, whole: bool) -> bool:
    """Whether an adopted agent file may have this path below its client's folder: nothing in it is hidden or odd.
    Unless `whole`, whether a folder may.
    """
    fits = not whole or (below[-1].endswith(end) and not _DOCUMENT.fullmatch(below[-1].removesuffix(end)))
    return fits and all(_PLAIN.fullmatch(part) for part in below)


def _is_named(part: str, form: str) -> bool:
    return "{name}" in form and _naming(form).fullmatch(part) is not None


@cache
def _naming(form: str) -> re.Pattern[str]:
    return re.compile(re.escape(form).replace(re.escape("{name}"), _NAME))


def _is_managed(folder: str) -> bool:
    return folder == SKILLS_FOLDER or is_for_agents(folder)


class PlacedFile(Protocol):
    """A row of a lock or a record: an agent file that was written, or adopted where it was."""

    @property
    def path(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def pack(self) -> str: ...
    @property
    def persona(self) -> str: ...


def kept_paths(
    rows: Iterable[PlacedFile], clients: Clients, managed: ManagedPlaces, scope: str, variables: Mapping[str, str]
) -> dict[tuple[str, str, str], str]:
    """The paths that differ from those that agentpack would write, by client, pack and persona: a file that was adopted
    stays where it is. Only below the folder of a client that reads it there, whatever a row says.
    """
    found: dict[tuple[str, str, str], str] = {}
    for row in rows:
        target = clients.get(row.client)
        if target is None or not target.anywhere:
            continue
        folder = target.folder(scope, variables)
        if (
            row.path != target.path(row.persona, scope, variables)
            and row.path.startswith(f"{folder}/")
            and managed.holds_agent(row.path, row.client)
        ):
            found[row.client, row.pack, row.persona] = row.path
    uses = Counter(found.values())
    return {key: path for key, path in found.items() if uses[path] == 1}


class Locations:
    """Reads places, and turns changes of places into transaction steps."""

    def __init__(self, disk: Disk, shared_of: SharedOf, *, in_clone: bool = False) -> None:
        """`in_clone`: links may come from a clone, so they do not show the user's intent."""
        self._disk = disk
        self._in_clone = in_clone
        self._for_agents = set[str]()
        self._shared_of = shared_of
        self._links = set[str]()
        self._entries: dict[str, tuple[Digest, Mapping[str, str]]] = {}

    def look(self, place: str) -> Observed | None:
        """What is at a place; None if there is nothing, or if the variable its path begins with is not set.

        Raises:
            Refused: a link leads to a file of other programs.
        """
        path, key = split_place(place)
        if self._in_clone and not path.startswith("$"):
            self._refuse_others(path.rpartition("/")[0])
        seen = self._disk.look(path) if self._disk.has_root(path) else None
        if seen is None:
            return None
        if seen.kind != "file" or seen.digest is None:
            if seen.kind == "link":
                self._links.add(place)
            kind = "special file" if seen.kind == "other" else seen.kind
            return Observed(None, seen.mode, f"a {kind} is in the way")
        if key is None:
            return Observed(seen.text, seen.mode, exact=None if seen.text == seen.digest else seen.digest)
        text = self._read_entries(path, seen.digest).get(key)
        return None if text is None else Observed(digest_of(text.encode()), seen.mode)

    def _refuse_others(self, folder: str) -> None:
        """Raise Refused if a link inside the project leads from an agents folder to one not named after agents, or from
        a folder of skills to another: files there are not agentpack's, whatever the lock lists, or are read as
        something else.
        """
        if not folder or folder in self._for_agents:
            return
        where = self._disk.absolute(folder)
        real, root = real_path(where), real_path(self._disk.absolute(""))
        if not is_below(real, root):
            return  # the disk refuses this one
        left, right = folder.split("/"), os.path.relpath(real, root).split("/")
        while left != right and left and right and left[-1] == right[-1] and not _is_managed(right[-1]):
            del left[-1], right[-1]  # the folder of one agent
        are_skills = left[-1:] == [SKILLS_FOLDER]
        if left != right and not (right[-1:] == left[-1:] if are_skills else is_for_agents("/".join(right))):
            raise Refused(
                f"`{where}` leads through a link to a folder that is not for {'skills' if are_skills else 'agents'}",
                details=(f"it leads to {real}, which may contain other files",),
                hint="replace the link with a real folder",
            )
        self._for_agents.add(folder)

    def groups(self, places: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Places that are the same file: one group for each such file, the place without a link first and one that is a
        link itself last.

        A place is identified by where it leads, whether or not the file exists. Every place must have been looked at
        before. Hard links count as separate files: writing replaces one of them.
        """
        disk = self._disk
        known = [place for place in places if not place.startswith("$") or disk.has_root(place)]
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
                link_of = {place: disk.first_link(split_place(place)[0]) for place in group}
                yield tuple(sorted(group, key=lambda place: (place in self._links, link_of[place] is not None, place)))

    def read(self, place: str) -> bytes | None:
        """The bytes of a file, or of one entry of a shared file (`.roomodes#reviewer`); None if it is not there."""
        path, key = split_place(place)
        if not self._disk.has_root(path):
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

    def _shared(self, path: str) -> SharedFile:
        shared = self._shared_of(path)
        if shared is None:
            raise InvalidFile([Fault(path, 0, "", "no client reads several agents from this file")])
        return shared

    def _unreadable(self, path: str, error: ValueError, data: bytes) -> InvalidFile:
        if line := unmerged_line(data):
            return InvalidFile([Fault(self._disk.absolute(path), line, "", MARKERS)], hint=HINT)
        fault = Fault(self._disk.absolute(path), 0, "", str(error))
        return InvalidFile([fault], hint="fix the file, or leave this client out")

    def steps(self, changes: Iterable["PlaceChange"]) -> Iterator[Step]:
        """The steps of a transaction. All entries of one file are changed in one step."""
        entries: dict[str, list[PlaceChange]] = {}
        for change in changes:
            path, key = split_place(change.place)
            if key is None:
                yield Step(path, change.before, change.content, change.mode)
            else:
                entries.setdefault(path, []).append(change)
        for path, placed in entries.items():
            yield self._step(path, placed)

    def _step(self, path: str, placed: list["PlaceChange"]) -> Step:
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
        return Step(path, None if before is None else digest_of(before), data or None)


class PlaceChange(NamedTuple):
    """The change of one place: a file, or one agent's entry in a shared file. A file's make one `apply.Step`."""

    place: str
    before: Digest | None
    content: bytes | None
    mode: int | None = None
