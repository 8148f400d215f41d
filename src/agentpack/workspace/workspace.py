"""A scope opened for one command: `Workspace` connects its parts."""

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from typing import Concatenate, ParamSpec, TypeVar

from agentpack.clients import CLIENTS, SHARED, Clients
from agentpack.clients.base import Client, SharedFile
from agentpack.disk import Disk
from agentpack.disk.known_states import KnownStates
from agentpack.environment import Environment, Scope, cache_folder, user_scope
from agentpack.errors import DecisionNeeded
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import Digest
from agentpack.model.rendering import Form
from agentpack.sources.bundled import validated_folder
from agentpack.store import Store, layout
from agentpack.store.validated import ValidatedCache
from agentpack.workspace.consistency import Consistency
from agentpack.workspace.declared_clients import (
    ChangedDeclaration,
    changed_declarations,
    clients_of,
    unrecorded_declarations,
)
from agentpack.workspace.documents import Documents
from agentpack.workspace.locations import Locations, ManagedPlaces
from agentpack.workspace.opened_sources import OpenedSources
from agentpack.workspace.policies import Policies
from agentpack.workspace.states import States

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Workspace:
    """What a command reads and writes in one scope: its documents, sources, policies and recorded states."""

    def __init__(self, environment: Environment, scope: Scope) -> None:
        self.environment = environment
        self.disk = disk = Disk(scope.roots, follow_own_links=scope.kind == "user")
        if scope.kind == "project":
            user = user_scope(environment, "").roots
            disk.known_states = KnownStates(Disk({name: user[name] for name in ("", "$state")}, follow_own_links=True))
            layout.check_owner(disk)
        self.scope = scope = scope._replace(roots=disk.roots)  # records bring further ones
        self.store = Store(disk)
        self.places = Locations(disk, _shared_of, in_clone=scope.kind == "project")
        self.cache = ValidatedCache(cache_folder(), validated_folder())
        self.sources = OpenedSources(scope, environment, self._agreed_places, self._kept_release)
        self.documents = Documents(
            environment, scope, disk, self.store, self.cache, clients=lambda: self.clients, look=self.places.look
        )
        self.policies = Policies(environment, scope, self.documents)
        self.states = States(environment, scope, disk, self.documents, self.places, lambda: self.managed)
        self.consistency = Consistency(disk, self.store, scope, lambda: self.managed, self.reload)
        self.accepted: tuple[str, ...] = ()
        """The words of `--accept`: `widened:<client>` or a capability, optionally with `<pack>:` before it. `widened`
        acceptances in the lock count as well."""
        self.strict = False
        """Whether `--strict` was given: an agent that cannot be written as asked stops the command."""

    def _agreed_places(self) -> tuple[str, ...]:
        current = self.documents.current
        return () if current is None else current.outside

    def _kept_release(self, digest: Digest) -> Mapping[str, bytes] | None:
        current = self.documents.current
        archive = None if current is None else dict(current.sources).get(digest)
        return None if archive is None else self.store.release(archive, digest)

    def reload(self) -> None:
        """Drop everything read from files that may have changed."""
        self.documents.forget()
        self.policies.forget()
        self.states.forget()
        self.__dict__.pop("clients", None)

    @property
    def manifest(self) -> Manifest:
        """The manifest; empty if there is none. Raises InvalidFile with every fault."""
        return self.documents.manifest

    @property
    def lock(self) -> Lock | None:
        """The lock; None if there is none. Raises InvalidFile if it cannot be read."""
        return self.documents.lock

    @cached_property
    def clients(self) -> Clients:
        """All clients: built-in ones and those declared in this scope.

        Raises:
            InvalidFile: lists every fault of a declaration.
        """
        return clients_of(self.disk, self.scope.declared_clients, self.cache)

    def changed_declarations(self, lock: Lock) -> tuple[ChangedDeclaration, ...]:
        """The clients whose declaration changed since the lock was made."""
        return changed_declarations(self.clients, self.scope, lock)

    def unrecorded_declarations(self, lock: Lock) -> tuple[ChangedDeclaration, ...]:
        """The declared clients whose declaration the lock does not record."""
        return unrecorded_declarations(self.clients, self.scope, lock)

    def client(self, name: str) -> Client:
        """The client with a name from the manifest or the lock, or a skills folder.

        Raises:
            UsageError: there is no such client.
            DecisionNeeded: its declaration is gone; the error names the file.
        """
        lock = self.documents.readable_lock
        if name not in self.clients and lock is not None:
            for one in self.changed_declarations(lock):
                if one.client == name:
                    raise DecisionNeeded(
                        f"{one}, which declared the client `{name}`",
                        hint="restore the file, or remove the client from `clients:` in agentpack.yaml and run "
                        "`agentpack sync`",
                    )
        return self.clients.of_file(name)

    @property
    def managed(self) -> ManagedPlaces:
        """The files that a command may write and delete in this scope."""
        scope = self.scope
        variants = f"{scope.local_variants}/{{name}}/{{name}}.md"
        documents = (scope.manifest, scope.lock, variants, f"{scope.own_packs}/**")
        return ManagedPlaces(self.disk, documents, lambda: self.clients, scope.kind)

    def form_of(self, client: str) -> Form:
        """How a client's files are written; Markdown for a client that is unknown now."""
        target = self.clients.get(client)
        return Form() if target is None else target.form

    def link_notes(self) -> tuple[str, ...]:
        """Notes on the user's links that were followed so far."""
        found = self.disk.links
        return tuple(f"`{self.scope.absolute(path)}` is a link to {found[path]}, which is yours" for path in found)


def read_consistently(
    look: Callable[Concatenate[Workspace, _P], _T],
) -> Callable[Concatenate[Workspace, _P], _T]:
    """Decorator: run the command on a consistent state of the files; see `Consistency.read_consistently`."""

    @wraps(look)
    def read_consistently(workspace: Workspace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return workspace.consistency.read_consistently(lambda: look(workspace, *args, **kwargs))

    return read_consistently


def changing(
    work: Callable[Concatenate[Workspace, _P], _T],
) -> Callable[Concatenate[Workspace, _P], _T]:
    """Decorator: run the command on a consistent state, with other processes kept out from its first write on; see
    `Consistency.changing`.

    Raises PolicyUnreadable if a policy is set that cannot be read: then nothing may change.
    """

    @wraps(work)
    def changing(workspace: Workspace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        _ = workspace.policies.external
        workspace.sources.judge = workspace.policies.refuse_place
        return workspace.consistency.changing(lambda: work(workspace, *args, **kwargs))

    return changing


def _shared_of(path: str) -> SharedFile | None:
    client = SHARED.get(path.rpartition("/")[2])
    return None if client is None else CLIENTS[client].shared
