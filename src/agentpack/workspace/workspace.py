"""A scope opened for a command: its manifest, lock, history and disk, read when first asked for."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, TypeVar

from agentpack.apply import Recovered, Unfinished, interrupted, recover, unfinished
from agentpack.disk import Disk
from agentpack.disk.known import Known
from agentpack.disk.version_control import sides_of_merge, tracked
from agentpack.environment import Environment, Scope, cache_folder, policy_files, user_scope
from agentpack.errors import AgentpackError, DecisionNeeded, Fault, InvalidFile, Unavailable, UsageError
from agentpack.fetch import Sources, in_words
from agentpack.model.changes import Observed
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock, LockedFile, LockedPack, RowsTwice, has_markers, parse_lock
from agentpack.model.manifest import EMPTY, ConfiguredSource, Manifest
from agentpack.model.names import Digest, did_you_mean, digest_of, is_digest_of, is_junk, is_kebab, text_digest
from agentpack.model.pack import ReleaseRef
from agentpack.model.rendering import Form
from agentpack.model.variables import is_earlier
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.sources.bundled import bundled_source, validated_folder
from agentpack.sources.directory import DirectorySource
from agentpack.store import Store, layout
from agentpack.store.process_lock import is_locked, process_lock
from agentpack.store.validated import DAMAGES, ValidatedCache
from agentpack.targets import CLIENTS, MODULES, SHARED, Clients
from agentpack.targets.base import Client, Shared
from agentpack.workspace.locations import ManagedPlaces, Placing, split_place
from agentpack.workspace.recorded import locked_here, recorded_files

if TYPE_CHECKING:
    from agentpack.model.lock_sides import Sides
    from agentpack.model.policy import Policy

_READ = (
    *("manifest_bytes", "lock_bytes", "manifest", "lock", "_lock_or_sides", "current", "lock_is_recorded", "recorded"),
    *("local_texts", "policy"),
)
"""What a workspace keeps of files that commands change."""

_MOST_NAMED = 5
MAX_DECLARED = 100
"""Clients that one scope may declare."""
_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Moved(Exception):
    """Another process changed something under the work: it is done again, alone from its start."""


class LocalText(NamedTuple):
    """A local variant as it stands on disk, not yet read."""

    persona: str
    name: str
    path: str
    data: bytes

    @property
    def digest(self) -> Digest:
        return text_digest(self.data)


class Workspace:
    """One scope, for the length of one command."""

    def __init__(self, environment: Environment, scope: Scope) -> None:
        self.environment = environment
        self.disk = Disk(scope.roots, follow_own_links=scope.kind == "user")
        if scope.kind == "project":
            user = user_scope(environment, "").roots
            self.disk.known = Known(Disk({name: user[name] for name in ("", "$state")}, follow_own_links=True))
            layout.judge(self.disk)
        self.scope = scope._replace(roots=self.disk.roots)  # records bring further ones
        self.store = Store(self.disk)
        self.places = Placing(self.disk, _shared_of, in_clone=scope.kind == "project")
        self.cache = ValidatedCache(cache_folder(), validated_folder())
        self.recovered: Recovered | None = None
        self.has_settled = False
        """Whether an interrupted change was put in order, or is told."""
        self._asked: list[Sources] = []
        self._until_done = ExitStack()
        self._is_alone = False
        self._began: object = None
        self.recognised: list[Lock] = []
        """Of files whose rows were lost: what the releases that they equal render to."""
        self.accepted: tuple[str, ...] = ()
        """What `--accept` says: `widened:<client>` or a capability, with `<pack>:` before it or not. Of the first, what
        the lock says is accepted as well."""

    def changing(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, done on one state of the files; anything an earlier command left half done comes first.

        The work starts without the process lock, so that a command that changes nothing can run where nothing can be
        written. It calls `alone` before its first write. If another process changed something before that, the work is
        done again, with the lock held from its start.

        Raises:
            PolicyUnreadable: a policy was set that cannot be read; nothing may be changed then.
            Unavailable: another process is at it for too long.
        """
        _ = self.policies_beside
        self.settle()
        self.read_again()
        return self._on_one_state(work)

    def alone(self) -> None:
        """Keep every other process from changing this scope until the operation ends.

        Raises:
            Unavailable: another process is at it for too long, or the lock cannot be made here.
        """
        if not self._is_alone:
            self._take_lock()
            self.store.blobs.forget()
            left = (layout.JOURNAL_NEW, layout.JOURNAL)
            if any(self.disk.stamp(path) is not None for path in left) or self._moment() != self._began:
                raise _Moved

    def settle(self) -> None:
        """For commands that only read: finish what was left in the middle, and clear what lies around."""
        self.has_settled = True
        left = (layout.JOURNAL_NEW, layout.JOURNAL, layout.IGNORE_NEW)
        if not any(self.disk.stamp(path) is not None for path in left) or is_locked(self.disk):
            return
        waiting = interrupted(self.store)
        try:
            with process_lock(self.disk):
                self._recover()
        except Unfinished:
            raise
        except Unavailable as error:
            if waiting is not None:  # temporary files alone keep nobody from reading
                raise unfinished(self.disk, waiting, error) from error

    @property
    def unfinished(self) -> int:
        """The generation of an interrupted change that this command did not look at; 0 where there is none."""
        if self.has_settled or self.disk.stamp(layout.JOURNAL) is None:
            return 0
        try:
            waiting = interrupted(self.store)
        except AgentpackError:  # damaged: for the command that wants to finish it
            return 0
        return waiting.number if waiting else 0

    def steadily(self, look: Callable[[], _T]) -> _T:
        """What `look` finds in one state of the files, never half in one and half in the next.

        It looks without the lock; when another process changed something meanwhile, again while holding it.

        Raises:
            Unavailable: another process is at it for too long.
        """
        self.settle()
        return self._on_one_state(look)

    def _on_one_state(self, work: Callable[[], _T]) -> _T:
        with ExitStack() as self._until_done:
            self._is_alone = False
            try:
                return self._at_first(work)
            except _Moved:
                self._take_lock()
                self._recover()
                return work()
            finally:
                self._is_alone = False

    def _at_first(self, work: Callable[[], _T]) -> _T:
        """What the work returns without the lock. Raises _Moved when that is of no single state of the files."""
        self._began = self._moment()
        if self._began is None:
            raise _Moved
        try:
            found = work()
        except _Moved:
            raise
        except Exception:  # half a state can look like any fault
            if self._is_alone or self._moment() == self._began:
                raise
            raise _Moved from None
        if self._is_alone or self._moment() == self._began:
            return found
        raise _Moved

    def _take_lock(self) -> None:
        if not self._is_alone:
            self._until_done.enter_context(process_lock(self.disk))
            self._is_alone = True

    def _moment(self) -> object:
        """What differs as soon as files do; None while a process changes them."""
        disk = self.disk
        if disk.stamp(layout.JOURNAL) is not None and is_locked(disk):
            return None
        stamps = [disk.stamp(path) for path in (layout.CURRENT, self.scope.manifest, self.scope.lock)]
        return (*stamps, disk.entries(layout.GENERATIONS))

    def link_notes(self) -> tuple[str, ...]:
        """What is to be said about links of the user's that were followed so far."""
        found = self.disk.links
        return tuple(f"`{self.scope.absolute(path)}` is a link to {found[path]}, which is yours" for path in found)

    @property
    def managed(self) -> ManagedPlaces:
        """The files that a command may write and delete here."""
        scope = self.scope
        documents = (scope.manifest, scope.lock, f"{scope.local_variants}/{{name}}/{{name}}.md", f"{self.own_packs}/**")
        return ManagedPlaces(self.disk, documents, lambda: self.targets, scope.kind)

    def _recover(self) -> None:
        self.recovered = recover(self.disk, self.store, self.managed) or self.recovered
        self.read_again()

    def read_again(self) -> None:
        """Drop what was read of files that may have changed: it is read again when next asked for."""
        self.recognised.clear()
        for name in _READ:
            self.__dict__.pop(name, None)

    # What people and agentpack wrote.

    @cached_property
    def manifest_bytes(self) -> bytes | None:
        """The manifest's text, None when there is none.

        Raises:
            DecisionNeeded: it stayed in another configuration folder, and what it wants would count as unwanted.
        """
        data = self.disk.read(self.scope.manifest)
        for document in self.current.documents if data is None and self.current else ():
            root, _, leaf = document.path.partition("/")
            if is_earlier(root) and self.scope.manifest.endswith(f"/{leaf}") and self.disk.stamp(document.path):
                raise DecisionNeeded(
                    f"the manifest is {self.scope.absolute(document.path)}, and agentpack looks for "
                    f"{self.scope.absolute(self.scope.manifest)} now",
                    details=["the configuration folder was another one when it was written"],
                    hint="set XDG_CONFIG_HOME and HOME as they were, or move the folder there",
                )
        return data

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest, empty when there is none. Raises InvalidFile with all its faults."""
        return EMPTY if self.manifest_bytes is None else self.parse_manifest(self.manifest_bytes)

    def parse_manifest(self, data: bytes) -> Manifest:
        # A policy is taken from its own text: what only saves time may not loosen it. An escaped key may say it too.
        has_policy = b"policy" in data or b"\\" in data
        kept = None if has_policy else self.cache.get("manifest", digest_of(data))
        if kept is not None:
            try:
                return Manifest.from_data(kept, self.client_meant)
            except (AgentpackError, *DAMAGES):
                pass  # something else was put there
        from agentpack.safety.documents import decode, read_yaml
        from agentpack.safety.hidden import own_file
        from agentpack.workspace.manifest_faults import checked  # only for a manifest not met before

        name = self.scope.manifest.rpartition("/")[2]
        with own_file(data, name):
            document = read_yaml(decode(data, name), name)
        kept = checked(document, self.targets)
        self.cache.put("manifest", digest_of(data), kept)
        return Manifest.from_data(kept, self.client_meant)

    def client_meant(self, word: str) -> str:
        """The name of the client that a word of the manifest means."""
        return word if word in MODULES else self.targets.meant(word)

    def remember_manifest(self, data: bytes, manifest: Manifest) -> None:
        """Keep what a text of our own means, so that the next command need not load YAML and pydantic to read it."""
        self.cache.put("manifest", digest_of(data), manifest.checked_data())

    @cached_property
    def lock_bytes(self) -> bytes | None:
        return self.disk.read(self.scope.lock)

    @cached_property
    def lock(self) -> Lock | None:
        """The lock, None when there is none; one that is half merged as its two sides give it (`model/lock_sides.py`).

        Raises:
            InvalidFile: it cannot be read.
        """
        found = self._lock_or_sides
        if found is None or isinstance(found, Lock):
            return found
        from agentpack.model.lock_sides import merged  # as below

        return merged(found, self._allows, self._holds)

    @cached_property
    def _lock_or_sides(self) -> "Lock | Sides | None":
        return None if self.lock_bytes is None else self.parse_lock(self.lock_bytes)

    def parse_lock(self, data: bytes) -> "Lock | Sides":
        """What the text of a lock says; with merge markers, also by what git's index has of it now.

        Raises:
            InvalidFile: it cannot be read.
        """
        name = self.scope.lock.rpartition("/")[2]
        try:
            if not has_markers(data):
                return parse_lock(data, name)
            from agentpack.model.lock_sides import read_sides  # both only where a merge is not finished

            stages = sides_of_merge(self.scope.absolute(self.scope.lock), self.environment.variables)
            return read_sides(data, name, *stages)
        except RowsTwice:
            from agentpack.model.lock_sides import sides_of_rows

            return sides_of_rows(data, name)

    @property
    def lock_sides(self) -> tuple[Lock, ...]:
        """The two locks of one that is half merged; none where it is one lock, or cannot be read."""
        if self.readable_lock is None or isinstance(found := self._lock_or_sides, Lock | None):
            return ()
        return found.ours, found.theirs

    def _holds(self, row: LockedFile) -> bool:
        here = self.places.look(row.path)
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
        """The lock, None also where it cannot be read."""
        try:
            return self.lock
        except InvalidFile:
            return None

    @cached_property
    def current(self) -> Generation | None:
        """The generation that counts, None in a fresh clone."""
        return self.store.generations.latest()

    @cached_property
    def local_texts(self) -> tuple[LocalText, ...]:
        """Every local variant of the scope."""
        found = []
        top = self.scope.local_variants
        for persona in self.disk.entries(top):
            for entry in self.disk.entries(f"{top}/{persona}"):
                if entry.endswith(".md") and not is_junk(entry):
                    path = f"{top}/{persona}/{entry}"
                    data = self.disk.read(path)
                    if data is not None:
                        found.append(LocalText(persona, entry[:-3], path, data))
        return tuple(found)

    @contextmanager
    def as_if(self, texts: Iterable[LocalText]) -> Iterator[None]:
        """Make what is made inside with these local variants in the place of those at their paths."""
        before = self.local_texts
        self.__dict__["local_texts"] = tuple({text.path: text for text in (*before, *texts)}.values())
        try:
            yield
        finally:
            self.__dict__["local_texts"] = before

    @cached_property
    def targets(self) -> Clients:
        """Every client: those that come with agentpack, and those declared in this scope.

        Raises:
            InvalidFile: with all faults of a declaration.
        """
        folder = self.scope.declared_clients
        names = [name for name in self.disk.entries(folder) if name.endswith((".yaml", ".yml")) and not is_junk(name)]
        if len(names) > MAX_DECLARED:
            raise InvalidFile([Fault(folder, 0, "", f"declares more than {MAX_DECLARED} clients")])
        return Clients(dict(self._declared(f"{folder}/{name}") for name in names)) if names else CLIENTS

    def form_of(self, client: str) -> Form:
        """How a client's files are written; as Markdown for one that is not known any more."""
        target = self.targets.get(client)
        return Form() if target is None else target.form

    def _declared(self, path: str) -> tuple[str, Client]:
        from agentpack.safety.documents import decode, read_yaml  # only where a client is declared
        from agentpack.safety.hidden import own_file
        from agentpack.safety.schemas import validate
        from agentpack.targets.declaring import declared_target

        data = self.disk.read(path) or b""
        name = path.rpartition("/")[2].rpartition(".")[0]
        if not is_kebab(name) or name in MODULES:
            why = "comes with agentpack" if name in MODULES else "is not a name: lower-case letters, digits and hyphens"
            raise InvalidFile([Fault(path, 0, "", f"the client `{name}` {why}")], hint="rename the file")
        checked = self.cache.get("client", digest_of(data))
        if checked is None:
            with own_file(data, path):
                checked = validate("client", read_yaml(decode(data, path), path))
            self.cache.put("client", digest_of(data), checked)
        return name, declared_target(name, checked, path)

    # Who may install what.

    @property
    def is_judged(self) -> bool:
        """Whether a policy was set that could refuse something. Raises as `policy` does."""
        return self.has_policy and self.policy.judges

    @cached_property
    def policies_beside(self) -> "tuple[Policy, ...]":
        """The user's and the organisation's policy. Raises PolicyUnreadable, with all that is wrong."""
        files = policy_files(self.environment)
        if not files:
            return ()
        from agentpack.workspace.verdicts import read_policies  # only where there is one

        return read_policies(files)

    @cached_property
    def policy(self) -> "Policy":
        """What all policies say together: the manifest's, the user's and the organisation's.

        Raises:
            PolicyUnreadable: the user's or the organisation's cannot be read.
            InvalidFile: the manifest has faults, or loosens what only those two may.
        """
        from agentpack.model.policy import strictest  # only where one is asked for

        return strictest((*self.own_policies, *self.policies_beside))

    @property
    def has_policy(self) -> bool:
        """Whether any policy says something here. Raises as `policy` does."""
        return self.manifest.policy is not None or bool(self.policies_beside)

    def policy_accepts(self, capability: str) -> bool:
        """Whether a policy lets a release take the capability without `--accept`."""
        return self.has_policy and self.policy.accepts_widening(capability)

    @property
    def reports_hidden_text(self) -> bool:
        """Whether hidden text in packs is told and let pass."""
        return self.has_policy and self.policy.reports_hidden_text

    @property
    def own_policies(self) -> "tuple[Policy, ...]":
        """What the manifest says, nothing or one policy. Raises InvalidFile as `policy` does."""
        if self.manifest.policy is None:
            return ()
        from agentpack.model.policy import Policy  # as above

        own = Policy.from_data(self.manifest.policy, self.scope.absolute(self.scope.manifest))
        if own.hidden_text is not None and own.reports_hidden_text and self.scope.kind == "project":
            message = "a project does not decide that hidden text is only reported"
            fault = Fault(own.files[0], own.hidden_text.line, "policy.hidden_text", message)
            raise InvalidFile([fault], hint="the user's or the organisation's policy may say `report`")
        return (own,)

    # The three states.

    @cached_property
    def lock_is_recorded(self) -> bool:
        """Whether the lock is as the last generation left it, but for line ends and a mark; not in a fresh clone, nor
        where git moved it.
        """
        if self.current is None:
            return False
        written = next((d.written for d in self.current.documents if d.path == self.scope.lock), None)
        if written is None or self.lock_bytes is None:
            return written is None and self.lock_bytes is None
        return any(is_digest_of(written, data) for data in (self.lock_bytes, plain(self.lock_bytes)))

    @cached_property
    def recorded(self) -> Mapping[str, InstalledFile]:
        """What was written last, by path (`workspace/recorded.py`). What no client can read as an agent is nobody's,
        whatever a lock or a record says.
        """
        rows = self._rows()
        ours = self._managed(rows.values())
        return rows if len(ours) == len(rows) else {file.path: file for file in ours}

    def _managed(self, files: Iterable[InstalledFile]) -> tuple[InstalledFile, ...]:
        managed, files = self.managed, tuple(files)
        strange = {file.path for file in files if not managed.holds(file.path, file.client)}
        if strange:
            names = ", ".join(f"`{path}`" for path in sorted(strange)[:_MOST_NAMED])
            self.disk.lacks["rows"] = (
                f"the lock or the history lists {names}, where no client reads agents; agentpack leaves it as it is"
            )
        return tuple(file for file in files if file.path not in strange)

    def _rows(self) -> Mapping[str, InstalledFile]:
        current = self.current
        if current is not None and self.lock_is_recorded and not self.lock_sides:
            # a file that was deleted by hand is in no later generation, and in the lock all the same
            return {**locked_here(self.readable_lock, current), **{file.path: file for file in current.files}}
        look = self.places.look
        return recorded_files(
            self.readable_lock,
            self._without_adopted(current),
            there=lambda path: look(path) is not None,
            tracked=self._tracked,
        )

    def _without_adopted(self, current: Generation | None) -> Generation | None:
        """The generation without files of packs that `adopt` made, once git took the packs away.

        Such a file may be the only copy of a text of the user's own.
        """
        if current is None:
            return None
        gone = {
            document.path.removeprefix(f"{self.own_packs}/").partition("/")[0]
            for document in current.documents
            if document.path.startswith(f"{self.own_packs}/") and self.disk.stamp(document.path) is None
        }
        return (
            replace(current, files=tuple(file for file in current.files if file.pack not in gone)) if gone else current
        )

    def _tracked(self, paths: Iterable[str]) -> frozenset[str]:
        places = {path: self.scope.absolute(split_place(path)[0]) for path in paths}
        known = {path: place for path, place in places.items() if place.startswith("/")}
        return tracked(known, self.environment.variables)

    @property
    def elsewhere(self) -> tuple[InstalledFile, ...]:
        """Files of ours in folders that a client's variable led to before."""
        return self._managed(self.current.elsewhere) if self.current else ()

    def observe(self, paths: Iterator[str] | set[str]) -> dict[str, Observed]:
        """What lies at each path; paths with nothing are left out."""
        paths = set(paths)
        looked = ((path, self.places.look(path)) for path in paths)
        found = {path: here for path, here in looked if here is not None}
        if any(here.blocked for here in found.values()):
            self._see_through(paths, found)
        return found

    def _see_through(self, paths: set[str], found: dict[str, Observed]) -> None:
        """A link in the place of a file that leads to another of these files is that file."""
        for group in self.places.groups(paths):
            here = [found.get(path) for path in group]
            real = next((seen for seen in here if seen is None or not seen.blocked), here[0])
            for path in group:
                if real is None:
                    found.pop(path, None)
                else:
                    found[path] = real

    def contents(self, path: str) -> bytes:
        """The bytes at a path that was seen to hold a file."""
        return self.places.read(path) or b""

    def require_packs(self, names: tuple[str, ...]) -> None:
        """Raise UsageError when a named pack is not in the manifest."""
        if names and self.manifest_bytes is None:
            raise UsageError("nothing is installed here", hint="`agentpack install` comes first")
        known = [wanted.requirement.pack for wanted in self.manifest.packs]
        for name in names:
            if name not in known:
                raise UsageError(
                    f"`{name}` is not in {self.scope.absolute(self.scope.manifest)}",
                    details=[f"there: {', '.join(known) or 'no pack'}"],
                    hint=did_you_mean(name, known),
                )

    def sources(self, manifest: Manifest, locked: Iterable[LockedPack] = ()) -> Sources:
        """The manifest's sources in their order, then the bundled one. A pack that is locked stays with the source it
        came from.
        """
        from os.path import isdir

        configured = [DirectorySource(source.name, self.source_folder(source)) for source in manifest.sources]
        bundled = bundled_source()
        sources = Sources(
            [*configured, *([bundled] if bundled else [])],
            {pack.name: pack.source for pack in locked},
            missing=frozenset(source.name for source in configured if not isdir(source.folder)),
            configured=self.scope.absolute(self.scope.manifest),
        )
        self._asked.append(sources)
        return sources

    @property
    def missing_sources(self) -> tuple[str, ...]:
        """What is to be said about sources that were asked and are missing, in words."""
        gone = (source for asked in self._asked for source in asked.all if source.name in asked.passed_over)
        return tuple(dict.fromkeys(map(in_words, gone)))

    @property
    def releases_read(self) -> Collection[ReleaseRef]:
        """The releases that were read so far."""
        return dict.fromkeys(ref for asked in self._asked for ref in asked.read)

    def what_was_read(self) -> Iterator[str]:
        """The manifest and the lock as far as they were read, and each release with its source, in words."""
        for name, path in (("manifest_bytes", self.scope.manifest), ("lock_bytes", self.scope.lock)):
            if self.__dict__.get(name) is not None:
                yield f"read {self.scope.absolute(path)}"
        for ref in self.releases_read:
            place = "" if ref.source == BUNDLED else f": {ref.place}"
            yield f"read {ref.pack} {ref.version} from `{ref.source}`{place}"

    @property
    def own_packs(self) -> str:
        """The folder of packs that `adopt` makes of the user's own files, as a named path."""
        return ".agentpack/packs" if self.scope.kind == "project" else "$config/packs"

    def source_folder(self, source: ConfiguredSource) -> str:
        """A configured folder, which is relative to the manifest's. Links stay as they are written."""
        from os.path import dirname, expanduser, join, normpath

        folder = normpath(join(dirname(self.scope.absolute(self.scope.manifest)), expanduser(source.path)))
        return "/" + folder.lstrip("/") if folder.startswith("//") else folder  # which POSIX leaves open


def steady(
    look: Callable[Concatenate[Workspace, _P], _T],
) -> Callable[Concatenate[Workspace, _P], _T]:
    """The same operation, on one state of the files: see `Workspace.steadily`."""

    @wraps(look)
    def steadily(workspace: Workspace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return workspace.steadily(lambda: look(workspace, *args, **kwargs))

    return steadily


def changing(
    work: Callable[Concatenate[Workspace, _P], _T],
) -> Callable[Concatenate[Workspace, _P], _T]:
    """The same operation, alone in its scope from the moment it writes: see `Workspace.changing`."""

    @wraps(work)
    def changing(workspace: Workspace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return workspace.changing(lambda: work(workspace, *args, **kwargs))

    return changing


def _shared_of(path: str) -> Shared | None:
    client = SHARED.get(path.rpartition("/")[2])
    return None if client is None else CLIENTS[client].shared
