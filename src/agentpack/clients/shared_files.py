"""Files that hold several agents, described without loading YAML: it is loaded when such a file is read or changed."""

from collections.abc import Mapping

from agentpack.clients.base import SharedFile


def list_of_entries(*path: str, key: str) -> SharedFile:
    """A list at that path, whose entries are maps, identified by their value at `key`."""
    return _shared(path, key)


def map_of_entries(*path: str) -> SharedFile:
    """A map at that path, whose entries are identified by their key."""
    return _shared(path, None)


def _shared(path: tuple[str, ...], key: str | None) -> SharedFile:
    def entries(data: bytes) -> Mapping[str, str]:
        from agentpack.clients.shared_yaml import Place  # YAML is loaded for such a file only

        return Place(path, key).entries(data)

    def put(data: bytes, texts: Mapping[str, str | None]) -> bytes:
        from agentpack.clients.shared_yaml import Place

        return Place(path, key).put_all(data, texts)

    return SharedFile(entries, put)
