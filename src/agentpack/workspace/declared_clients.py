"""All clients of a scope: built-in ones, and those declared in `.agentpack/clients`."""

from typing import NamedTuple

from agentpack.clients import CLIENTS, SKILLS, ClientDeclaration, Clients
from agentpack.clients.base import Client
from agentpack.disk import Disk
from agentpack.environment import Scope
from agentpack.errors import Fault, InvalidFile
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock
from agentpack.model.names import digest_of, is_junk, is_kebab
from agentpack.store.validated import ValidatedCache

MAX_DECLARED = 100
"""Largest number of clients a scope may declare."""


def clients_of(disk: Disk, folder: str, cache: ValidatedCache) -> Clients:
    """All clients, including those declared in the folder.

    Raises:
        InvalidFile: lists every fault of a declaration.
    """
    names = [name for name in disk.entries(folder) if name.endswith((".yaml", ".yml")) and not is_junk(name)]
    if len(names) > MAX_DECLARED:
        raise InvalidFile([Fault(folder, 0, "", f"declares more than {MAX_DECLARED} clients")])
    found, declarations = dict[str, Client](), dict[str, ClientDeclaration]()
    for path in (f"{folder}/{name}" for name in names):
        client, declaration = _declared(disk, path, cache)
        if client.name in found:
            first = declarations[client.name].path
            raise InvalidFile([Fault(path, 0, "", f"the client `{client.name}` is declared twice: also in {first}")])
        found[client.name], declarations[client.name] = client, declaration
    return Clients(found, declarations) if names else CLIENTS


class ChangedDeclaration(NamedTuple):
    """A declared client whose declaration changed since the lock was made, or is gone."""

    client: str
    path: str
    """Its file, as shown to the user."""
    is_gone: bool = False

    def __str__(self) -> str:
        return f"`{self.path}` {'is gone' if self.is_gone else 'has changed since the lock was written'}"


def changed_declarations(clients: Clients, scope: Scope, lock: Lock) -> tuple[ChangedDeclaration, ...]:
    """The clients whose declaration changed since the lock was made, by name. Clients whose declaration the lock does
    not record are left out; see `unrecorded_declarations`.
    """
    found = []
    for name, digest in sorted(lock.declared.items()):
        now = clients.declarations.get(name)
        if now is None:
            found.append(ChangedDeclaration(name, scope.declaration(name), is_gone=True))
        elif now.digest != digest:
            found.append(ChangedDeclaration(name, scope.shown(now.path)))
    return tuple(found)


def unrecorded_declarations(clients: Clients, scope: Scope, lock: Lock) -> tuple[ChangedDeclaration, ...]:
    """The declared clients whose declaration is missing in a lock made by an older agentpack."""
    used = lock.all_clients - lock.declared.keys()
    return tuple(
        ChangedDeclaration(name, scope.shown(row.path)) for name, row in clients.declarations.items() if name in used
    )


def _declared(disk: Disk, path: str, cache: ValidatedCache) -> tuple[Client, ClientDeclaration]:
    from agentpack.clients.user_declared import declared_client
    from agentpack.input.documents import decode, read_yaml  # only where a client is declared
    from agentpack.input.hidden_in_files import own_file
    from agentpack.input.schemas import validate

    data = disk.read(path) or b""
    name = path.rpartition("/")[2].rpartition(".")[0]
    ours = name if name in SKILLS else CLIENTS.words().get(name)
    if not is_kebab(name) or ours is not None:
        why = "comes with agentpack"
        if ours != name:
            why = (
                f"is another name of `{ours}`, which {why}"
                if ours
                else "is not a name: lower-case letters, digits and hyphens"
            )
        raise InvalidFile([Fault(path, 0, "", f"the client `{name}` {why}")], hint="rename the file")
    checked = cache.get("client", digest_of(data))
    if checked is None:
        with own_file(data, path):
            checked = validate("client", read_yaml(decode(data, path), path))
        cache.put("client", digest_of(data), checked)
    return declared_client(name, checked, path), ClientDeclaration(path, digest_of(plain(data)))
