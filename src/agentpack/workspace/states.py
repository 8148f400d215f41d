"""Recorded and observed files of a scope."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from agentpack.clients import SKILL_FILE
from agentpack.disk import Disk
from agentpack.disk.version_control import tracked
from agentpack.environment import Environment, Scope
from agentpack.model.changes import FOLDER_OF_OTHERS, Observed
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.lock import Lock
from agentpack.model.names import is_junk
from agentpack.workspace.documents import Documents
from agentpack.workspace.locations import Locations, ManagedPlaces, split_place
from agentpack.workspace.recorded import locked_files, locked_here, recorded_files

_MOST_NAMED = 5


class States:
    """The files of one scope: as recorded, and as they are on disk."""

    def __init__(
        self,
        environment: Environment,
        scope: Scope,
        disk: Disk,
        documents: Documents,
        places: Locations,
        managed: Callable[[], ManagedPlaces],
    ) -> None:
        self._environment, self._scope, self._disk = environment, scope, disk
        self._documents, self._places, self._managed = documents, places, managed
        self.recognised: list[Lock] = []
        """Of files whose rows were lost: what the releases that they equal render to."""

    def forget(self) -> None:
        """Drop cached reads."""
        self.recognised.clear()
        self.__dict__.pop("recorded", None)

    def recognise(self, lock: Lock, rows: Mapping[str, InstalledFile]) -> None:
        """Count these rows, which that lock renders to, as recorded."""
        self.recognised.append(lock)
        self.recorded = {**self.recorded, **rows}

    @cached_property
    def recorded(self) -> Mapping[str, InstalledFile]:
        """The files written last, by path (`workspace/recorded.py`), without paths that no client can read as an agent,
        whatever a lock or record says.
        """
        rows = self._rows()
        ours = self._ours(rows.values())
        return rows if len(ours) == len(rows) else {file.path: file for file in ours}

    @property
    def elsewhere(self) -> tuple[InstalledFile, ...]:
        """Our files in folders where a client's variable pointed before."""
        current = self._documents.current
        return self._ours(current.elsewhere) if current else ()

    def of_lock(self, lock: Lock) -> dict[str, InstalledFile]:
        """The files of a lock by path, without those that no client reads as agents."""
        return {file.path: file for file in self._ours(locked_files(lock).values())}

    def _ours(self, files: Iterable[InstalledFile]) -> tuple[InstalledFile, ...]:
        managed, files = self._managed(), tuple(files)
        strange = {file.path for file in files if not managed.holds_agent(file.path, file.client)}
        if strange:
            names = ", ".join(f"`{path}`" for path in sorted(strange)[:_MOST_NAMED])
            self._disk.lacks["rows"] = (
                f"the lock or the history lists {names}, where no client reads agents; not changed"
            )
        return tuple(file for file in files if file.path not in strange)

    def _rows(self) -> Mapping[str, InstalledFile]:
        documents = self._documents
        current = documents.current
        if current is not None and documents.lock_is_recorded and not documents.lock_sides:
            # a file that was deleted by hand is in no later generation, and in the lock all the same
            locked = locked_here(documents.readable_lock, current)
            if all(file.path in locked for file in current.files):
                return {**locked, **{file.path: file for file in current.files}}
        look = self._places.look
        return recorded_files(
            documents.readable_lock,
            self._without_adopted(current),
            there=lambda path: look(path) is not None,
            tracked=self.tracked,
        )

    def _without_adopted(self, current: Generation | None) -> Generation | None:
        """The generation without files of packs that `adopt` made, if git has taken those packs away.

        Such a file may be the only copy of a text of the user's.
        """
        if current is None:
            return None
        own = f"{self._scope.own_packs}/"
        made = [document.path for document in current.documents if document.path.startswith(own)]
        packs = {path: path.removeprefix(own).partition("/")[0] for path in made}
        gone = {*packs.values()} - {packs[path] for path in made if self._disk.stamp(path) is not None}
        return (
            current._replace(files=tuple(file for file in current.files if file.pack not in gone)) if gone else current
        )

    def tracked(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of the paths that git tracks."""
        places = {path: self._scope.absolute(split_place(path)[0]) for path in paths}
        known = {path: place for path, place in places.items() if place.startswith("/")}
        return tracked(known, self._environment.variables)

    def observe(self, paths: Iterator[str] | set[str]) -> dict[str, Observed]:
        """What is at each path; paths with nothing are left out."""
        paths = set(paths)
        looked = ((path, self._places.look(path)) for path in paths)
        found = {path: here for path, here in looked if here is not None}
        found |= {path: FOLDER_OF_OTHERS for path in paths - found.keys() if self._is_in_a_folder_of_others(path)}
        if any(here.blocked for here in found.values()):
            self._see_through(paths, found)
        return found

    def _is_in_a_folder_of_others(self, path: str) -> bool:
        """Whether a skill would come into a folder that somebody else made and has something in."""
        folder, slash, file = path.rpartition("/")
        if not slash or file != SKILL_FILE or path in self.recorded or not self._disk.has_root(folder):
            return False
        return any(not is_junk(name) for name in self._disk.entries(folder))

    def _see_through(self, paths: set[str], found: dict[str, Observed]) -> None:
        """Treat a link in the place of a file as that file if it leads to another of these files."""
        for group in self._places.groups(paths):
            real = found.get(group[0])
            for path in group:
                if real is None:
                    found.pop(path, None)
                else:
                    found[path] = real

    def contents(self, path: str) -> bytes:
        """The bytes at a path where a file was observed."""
        return self._places.read(path) or b""
