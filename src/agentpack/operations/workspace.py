"""A scope opened for a command: its manifest, lock, history and disk, read when first asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Concatenate, NamedTuple, ParamSpec, TypeVar

from agentpack.apply import Recovered, interrupted, recover
from agentpack.disk import Disk
from agentpack.environment import Environment, Scope, cache_folder, policy_files
from agentpack.errors import AgentpackError, Fault, InvalidFile, Unavailable, UsageError
from agentpack.fetch import Sources, in_words
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock, LockedPack, parse_lock
from agentpack.model.manifest import EMPTY, ConfiguredSource, Manifest
from agentpack.model.names import Digest, did_you_mean, digest_of, is_digest_of, is_kebab, text_digest
from agentpack.operations.placing import Placing
from agentpack.plan import Observed
from agentpack.sources.bundled import NAME as BUNDLED
from agentpack.sources.bundled import bundled_source, validated_folder
from agentpack.sources.directory import DirectorySource
from agentpack.store import Store, layout
from agentpack.store.process_lock import is_locked, process_lock
from agentpack.store.validated import DAMAGES, ValidatedCache
from agentpack.targets import MODULES, SHARED, TARGETS, Targets
from agentpack.targets.base import Shared, Target

if TYPE_CHECKING:
    from agentpack.model.policy import Policy

_P = ParamSpec("_P")
_T = TypeVar("_T")


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
        self.scope = scope
        self.disk = Disk(scope.roots, follow_own_links=scope.kind == "user")
        self.store = Store(self.disk)
        self.places = Placing(self.disk, _shared_of)
        self.cache = ValidatedCache(cache_folder(), validated_folder())
        self.recovered: Recovered | None = None
        self._asked: list[Sources] = []
        self.accepted: tuple[str, ...] = ()
        """What `--accept` says: `widened:<client>` or a capability, with `<pack>:` before it or not. Of the first, what
        the lock says is accepted as well."""

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone in this scope, with whatever was left in the middle finished or undone.

        Raises:
            PolicyUnreadable: a policy was set that cannot be read; nothing may be changed then.
        """
        _ = self.policies_beside
        with process_lock(self.disk):
            self._recover()
            yield

    def settle(self) -> None:
        """For commands that only read: finish what was left in the middle, and clear what lies around."""
        left = (layout.JOURNAL_NEW, layout.JOURNAL, layout.IGNORE_NEW)
        if not any(self.disk.stamp(path) is not None for path in left) or is_locked(self.disk):
            return
        waiting = interrupted(self.store)
        try:
            with process_lock(self.disk):
                self._recover()
        except Unavailable:
            if waiting:  # temporary files alone keep nobody from reading
                raise

    def steadily(self, look: Callable[[], _T]) -> _T:
        """What `look` finds in one state of the files, never half in one and half in the next.

        It looks without the lock; when another process changed something meanwhile, again while holding it.

        Raises:
            Unavailable: another process is at it for too long.
        """
        self.settle()
        before = self._moment()
        try:
            found = look()
            if before is not None and self._moment() == before:
                return found
        except Exception:  # half a state can look like any fault
            if before is not None and self._moment() == before:
                raise
        with process_lock(self.disk):
            self._recover()
            return look()

    def _moment(self) -> object:
        """What differs as soon as files do; None while a process changes them."""
        if self.disk.stamp(layout.JOURNAL) is not None and is_locked(self.disk):
            return None
        return self.disk.stamp(layout.CURRENT) or "none yet"

    def link_notes(self) -> tuple[str, ...]:
        """What is to be said about links of the user's that were followed so far."""
        found = self.disk.links
        return tuple(f"`{self.scope.absolute(path)}` is a link to {found[path]}, which is yours" for path in found)

    def _recover(self) -> None:
        self.recovered = recover(self.disk, self.store) or self.recovered
        cached = ("manifest_bytes", "lock_bytes", "manifest", "lock", "current", "recorded", "local_texts", "policy")
        for name in cached:
            self.__dict__.pop(name, None)

    # What people and agentpack wrote.

    @cached_property
    def manifest_bytes(self) -> bytes | None:
        return self.disk.read(self.scope.manifest)

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
                return Manifest.from_data(kept)
            except (AgentpackError, *DAMAGES):
                pass  # something else was put there
        from agentpack.operations.manifest_faults import checked  # only for a manifest not met before
        from agentpack.safety.documents import decode, read_yaml
        from agentpack.safety.hidden import own_file

        name = self.scope.manifest.rpartition("/")[2]
        with own_file(data, name):
            document = read_yaml(decode(data, name), name)
        kept = checked(document, self.targets)
        self.cache.put("manifest", digest_of(data), kept)
        return Manifest.from_data(kept)

    def remember_manifest(self, data: bytes, manifest: Manifest) -> None:
        """Keep what a text of our own means, so that the next command need not load YAML and pydantic to read it."""
        self.cache.put("manifest", digest_of(data), manifest.checked_data())

    @cached_property
    def lock_bytes(self) -> bytes | None:
        return self.disk.read(self.scope.lock)

    @cached_property
    def lock(self) -> Lock | None:
        """The lock, None when there is none. Raises InvalidFile when it does not read."""
        data = self.lock_bytes
        return None if data is None else parse_lock(data, self.scope.lock.rpartition("/")[2])

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
                if entry.endswith(".md"):
                    path = f"{top}/{persona}/{entry}"
                    data = self.disk.read(path)
                    if data is not None:
                        found.append(LocalText(persona, entry[:-3], path, data))
        return tuple(found)

    @cached_property
    def targets(self) -> Targets:
        """Every client: those that come with agentpack, and those declared in this scope.

        Raises:
            InvalidFile: with all faults of a declaration.
        """
        folder = self.scope.declared_clients
        names = [name for name in self.disk.entries(folder) if name.endswith((".yaml", ".yml"))]
        return Targets(dict(self._declared(f"{folder}/{name}") for name in names)) if names else TARGETS

    def _declared(self, path: str) -> tuple[str, Target]:
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
        from agentpack.operations.judging import read_policies  # only where there is one

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

    @property
    def lock_is_recorded(self) -> bool:
        """Whether the lock is as the last generation left it, but for line ends and a mark; not in a fresh clone, nor where another
        came along.
        """
        if self.current is None:
            return False
        written = next((d.written for d in self.current.documents if d.path == self.scope.lock), None)
        if written is None or self.lock_bytes is None:
            return written is None and self.lock_bytes is None
        return any(is_digest_of(written, data) for data in (self.lock_bytes, plain(self.lock_bytes)))

    @cached_property
    def recorded(self) -> Mapping[str, InstalledFile]:
        """What was left on disk last, by path: from the history, and in a fresh clone from the lock. Files that came
        along with another lock, as with `git pull`, are as that says.
        """
        if self.current is None:
            return {} if self.lock is None else locked_files(self.lock)
        recorded = {file.path: file for file in self.current.files}
        return recorded if self.lock_is_recorded else self._along_with_the_lock(recorded)

    def _along_with_the_lock(self, recorded: dict[str, InstalledFile]) -> dict[str, InstalledFile]:
        try:
            locked = {} if self.lock is None else locked_files(self.lock)
        except InvalidFile:  # whoever needs the lock says so
            return recorded
        observed = self.observe({*locked, *recorded}) if locked else {}
        for path, row in locked.items():
            here = observed.get(path)
            if here is not None and here.digest == row.rendered:
                recorded[path] = row._replace(mode=here.mode)
        if locked:
            recorded = {path: row for path, row in recorded.items() if path in locked or path in observed}
        return recorded

    def observe(self, paths: Iterator[str] | set[str]) -> dict[str, Observed]:
        """What lies at each path; paths with nothing are left out."""
        found = ((path, self.places.look(path)) for path in paths)
        return {path: here for path, here in found if here is not None}

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

    def what_was_read(self) -> Iterator[str]:
        """The manifest and the lock as far as they were read, and each release with its source, in words."""
        for name, path in (("manifest_bytes", self.scope.manifest), ("lock_bytes", self.scope.lock)):
            if self.__dict__.get(name) is not None:
                yield f"read {self.scope.absolute(path)}"
        read = dict.fromkeys(ref for asked in self._asked for ref in asked.read)
        for ref in read:
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


def locked_files(lock: Lock) -> dict[str, InstalledFile]:
    """The files of a lock as if they had been left as it says, by path. Their modes are not known."""
    return {
        file.path: InstalledFile(file.path, file.client, file.pack, file.persona, digest, digest, 0)
        for file in lock.files
        for digest in (Digest(f"sha256:{file.sha256}"),)
    }


def steady(
    look: Callable[Concatenate[Workspace, _P], _T],
) -> Callable[Concatenate[Workspace, _P], _T]:
    """The same operation, on one state of the files: see `Workspace.steadily`."""

    @wraps(look)
    def steadily(workspace: Workspace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return workspace.steadily(lambda: look(workspace, *args, **kwargs))

    return steadily


def _shared_of(path: str) -> Shared | None:
    client = SHARED.get(path.rpartition("/")[2])
    return None if client is None else TARGETS[client].shared
