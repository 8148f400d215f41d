"""Read the documents of a scope on first use: manifest, lock, newest generation and local variants."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from agentpack.clients import MODULES, Clients
from agentpack.disk import Disk
from agentpack.disk.version_control import sides_of_merge
from agentpack.environment import Environment, Scope
from agentpack.errors import AgentpackError, DecisionNeeded, InvalidFile
from agentpack.model.changes import Observed
from agentpack.model.history import Generation
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock, LockedFile
from agentpack.model.lock_text import DuplicateRows, has_markers, parse_lock
from agentpack.model.manifest import EMPTY, Manifest
from agentpack.model.names import Digest, digest_of, is_digest_of, is_junk, text_digest
from agentpack.store import Store
from agentpack.store.validated import DAMAGES, ValidatedCache

if TYPE_CHECKING:
    from agentpack.model.lock_sides import LockSides


class LocalText(NamedTuple):
    """A local variant as it is on disk, not parsed yet."""

    persona: str
    name: str
    path: str
    data: bytes

    @property
    def digest(self) -> Digest:
        return text_digest(self.data)


class Documents:
    """The documents of one scope, as they were when first read.

    Attributes may be assigned, to continue as if that were on disk (no lock, no local variant).
    """

    def __init__(
        self,
        environment: Environment,
        scope: Scope,
        disk: Disk,
        store: Store,
        cache: ValidatedCache,
        *,
        clients: Callable[[], Clients],
        look: Callable[[str], Observed | None],
    ) -> None:
        """`look` returns what is at a place."""
        self._environment, self._scope, self._disk, self._store, self._cache = environment, scope, disk, store, cache
        self._clients, self._look = clients, look

    def forget(self) -> None:
        """Drop cached reads."""
        for name, member in vars(Documents).items():
            if isinstance(member, cached_property):
                self.__dict__.pop(name, None)

    @cached_property
    def manifest_bytes(self) -> bytes | None:
        """The text of the manifest; None if there is none.

        Raises:
            DecisionNeeded: the manifest is still in another configuration folder, so its packs would count as unwanted.
        """
        data = self._disk.read(self._scope.manifest)
        for document in self.current.documents if data is None and self.current else ():
            leaf = document.path.partition("/")[2]
            if self._scope.manifest.endswith(f"/{leaf}") and self._disk.stamp(document.path):
                raise DecisionNeeded(
                    f"the manifest is {self._scope.absolute(document.path)}, but agentpack now looks for "
                    f"{self._scope.absolute(self._scope.manifest)}",
                    details=["it was written while the configuration folder was a different one"],
                    hint="set XDG_CONFIG_HOME and HOME as they were, or move the folder there",
                )
        return data

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest; empty if there is none. Raises InvalidFile with every fault."""
        return EMPTY if self.manifest_bytes is None else self.parse_manifest(self.manifest_bytes)

    def parse_manifest(self, data: bytes) -> Manifest:
        # A policy is taken from its own text: what only saves time may not loosen it. An escaped key may say it too.
        has_policy = b"policy" in data or b"\\" in data
        kept = None if has_policy else self._cache.get("manifest", digest_of(data))
        if kept is not None:
            try:
                return Manifest.from_data(kept, self.resolve_client)
            except (AgentpackError, *DAMAGES):
                pass  # something else was put there
        from agentpack.input.documents import decode, read_yaml
        from agentpack.input.hidden_in_files import own_file
        from agentpack.workspace.manifest_faults import checked  # only for a manifest not met before

        name = self._scope.manifest.rpartition("/")[2]
        with own_file(data, name):
            document = read_yaml(decode(data, name), name)
        kept = checked(document, self._clients(), self._declared_before)
        self._cache.put("manifest", digest_of(data), kept)
        return Manifest.from_data(kept, self.resolve_client)

    def _declared_before(self, client: str) -> str | None:
        """The file that declared a client when the lock was made; None if the lock records none."""
        try:
            found = self._lock_or_sides  # not `lock`, which asks the manifest where it is half merged
        except InvalidFile:
            return None
        locks = (found,) if isinstance(found, Lock | None) else (found.ours, found.theirs)
        is_known = any(client in lock.declared for lock in locks if lock is not None)
        return self._scope.declaration(client) if is_known else None

    def resolve_client(self, word: str) -> str:
        """The client that a word in the manifest names."""
        return word if word in MODULES else self._clients().resolve(word)

    def remember_manifest(self, data: bytes, manifest: Manifest) -> None:
        """Cache the meaning of a manifest text that agentpack wrote, so that the next command loads neither YAML nor
        pydantic.
        """
        self._cache.put("manifest", digest_of(data), manifest.checked_data())

    @cached_property
    def lock_bytes(self) -> bytes | None:
        return self._disk.read(self._scope.lock)

    @cached_property
    def lock(self) -> Lock | None:
        """The lock; None if there is none. A half-merged lock is combined from its two sides (`model/lock_sides.py`).

        Raises:
            InvalidFile: it cannot be read.
        """
        found = self._lock_or_sides
        if found is None or isinstance(found, Lock):
            return found
        from agentpack.model.lock_sides import merged  # as below

        return merged(found, self._allows, self._holds)

    @cached_property
    def _lock_or_sides(self) -> "Lock | LockSides | None":
        return None if self.lock_bytes is None else self.parse_lock(self.lock_bytes)

    def parse_lock(self, data: bytes) -> "Lock | LockSides":
        """The lock a text holds; with merge markers, both sides, read with the help of git's index.

        Raises:
            InvalidFile: it cannot be read.
        """
        name = self._scope.lock.rpartition("/")[2]
        try:
            if not has_markers(data):
                return parse_lock(data, name)
            from agentpack.model.lock_sides import read_sides  # both only where a merge is not finished

            stages = sides_of_merge(self._scope.absolute(self._scope.lock), self._environment.variables)
            return read_sides(data, name, *stages)
        except DuplicateRows:
            from agentpack.model.lock_sides import sides_of_rows

            return sides_of_rows(data, name)

    @property
    def lock_sides(self) -> tuple[Lock, ...]:
        """The two locks of a half-merged one; empty if it is one lock or cannot be read."""
        if self.readable_lock is None or isinstance(found := self._lock_or_sides, Lock | None):
            return ()
        return found.ours, found.theirs

    def _holds(self, row: LockedFile) -> bool:
        here = self._look(row.path)
        return here is not None and here.digest == f"sha256:{row.sha256}"

    def _allows(self, pack: str, version: str) -> bool:
        from packaging.version import Version

        try:
            entry = self.manifest.wanted(pack)
        except InvalidFile:  # perhaps of the same merge; whoever needs it says so
            return True
        return entry is None or entry.requirement.allows(Version(version))

    @property
    def readable_lock(self) -> Lock | None:
        """The lock; None if there is none or it cannot be read."""
        try:
            return self.lock
        except InvalidFile:
            return None

    @cached_property
    def current(self) -> Generation | None:
        """The current generation; None in a fresh clone."""
        return self._store.generations.latest()

    @cached_property
    def lock_is_recorded(self) -> bool:
        """Whether the lock equals what the newest generation left, apart from line ends and a byte-order mark. False in
        a fresh clone, and if git changed it.
        """
        if self.current is None:
            return False
        written = next((d.written for d in self.current.documents if d.path == self._scope.lock), None)
        if written is None or self.lock_bytes is None:
            return written is None and self.lock_bytes is None
        return any(is_digest_of(written, data) for data in (self.lock_bytes, plain(self.lock_bytes)))

    @property
    def paths_read(self) -> tuple[str, ...]:
        """Named paths of the manifest and the lock, as far as they exist and were read."""
        named = (("manifest_bytes", self._scope.manifest), ("lock_bytes", self._scope.lock))
        return tuple(path for name, path in named if self.__dict__.get(name) is not None)

    @cached_property
    def local_texts(self) -> tuple[LocalText, ...]:
        """The local variants of the scope: `.agentpack/variants/<persona>/<name>.md`, and no deeper."""
        found = []
        top = self._scope.local_variants
        for persona in self._disk.entries(top):
            for entry in self._disk.entries(f"{top}/{persona}"):
                if entry.endswith(".md") and not is_junk(entry):
                    path = f"{top}/{persona}/{entry}"
                    data = self._disk.read(path)
                    if data is not None:
                        found.append(LocalText(persona, entry[:-3], path, data))
        return tuple(found)

    @contextmanager
    def with_local_texts(self, texts: Iterable[LocalText]) -> Iterator[None]:
        """Context in which these local variants replace those at the same paths."""
        before = self.local_texts
        self.local_texts = tuple({text.path: text for text in (*before, *texts)}.values())
        try:
            yield
        finally:
            self.local_texts = before
