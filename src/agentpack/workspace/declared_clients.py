"""The clients of a scope: those that come with agentpack, and those declared in `.agentpack/clients`."""

from agentpack.clients import CLIENTS, MODULES, Clients
from agentpack.clients.base import Client
from agentpack.disk import Disk
from agentpack.errors import Fault, InvalidFile
from agentpack.model.names import digest_of, is_junk, is_kebab
from agentpack.store.validated import ValidatedCache

MAX_DECLARED = 100
"""Clients that one scope may declare."""


def clients_of(disk: Disk, folder: str, cache: ValidatedCache) -> Clients:
    """Every client, with those that the folder declares.

    Raises:
        InvalidFile: with all faults of a declaration.
    """
    names = [name for name in disk.entries(folder) if name.endswith((".yaml", ".yml")) and not is_junk(name)]
    if len(names) > MAX_DECLARED:
        raise InvalidFile([Fault(folder, 0, "", f"declares more than {MAX_DECLARED} clients")])
    return Clients(dict(_declared(disk, f"{folder}/{name}", cache) for name in names)) if names else CLIENTS


def _declared(disk: Disk, path: str, cache: ValidatedCache) -> tuple[str, Client]:
    from agentpack.clients.declaring import declared_target
    from agentpack.input.documents import decode, read_yaml  # only where a client is declared
    from agentpack.input.hidden_in_files import own_file
    from agentpack.input.schemas import validate

    data = disk.read(path) or b""
    name = path.rpartition("/")[2].rpartition(".")[0]
    if not is_kebab(name) or name in MODULES:
        why = "comes with agentpack" if name in MODULES else "is not a name: lower-case letters, digits and hyphens"
        raise InvalidFile([Fault(path, 0, "", f"the client `{name}` {why}")], hint="rename the file")
    checked = cache.get("client", digest_of(data))
    if checked is None:
        with own_file(data, path):
            checked = validate("client", read_yaml(decode(data, path), path))
        cache.put("client", digest_of(data), checked)
    return name, declared_target(name, checked, path)
