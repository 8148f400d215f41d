"""An archive that the manifest names as such: at an address with its digest, or on this machine."""

import os
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from agentpack.errors import UsageError
from agentpack.input.archives import MAX_ARCHIVE_BYTES
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.web_addresses import check_web_address, is_web_address
from agentpack.sources.archive import ArchiveSource

if TYPE_CHECKING:
    from agentpack.remote.access import Remote


def open_source(source: ConfiguredSource, folder: str, remote: "Callable[[], Remote]") -> ArchiveSource:
    """The archive as a source. Nothing is read before something of it is needed.

    Raises:
        UsageError: the address is not read.
    """
    expected = source.options.get("sha256")
    if not is_web_address(source.place):
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(source.place)))
        return ArchiveSource(source.name, path, remote, sha256=expected)
    check_web_address(source.place, f"the source `{source.name}`")
    return ArchiveSource(source.name, source.place, remote, load=lambda: _load(source, remote()), sha256=expected)


def fetch_archive(remote: "Remote", name: str, address: str, expected: str | None = None) -> bytes:
    """The archive at an address. It is in the cache then.

    Args:
        name: the name of the source, for credentials and messages.
        expected: its SHA-256 in hexadecimal, if known.

    Raises like `fetch_bytes`.
    """
    if expected is not None and (known := remote.cache.read(expected)) is not None:
        return known
    from agentpack.remote.http import fetch_bytes  # what is in the cache needs no network

    return fetch_bytes(remote, name, address, most=MAX_ARCHIVE_BYTES, sha256=expected)


def _load(source: ConfiguredSource, remote: "Remote") -> bytes:
    expected = source.options.get("sha256")
    data = fetch_archive(remote, source.name, source.place, expected)
    if expected is None:
        raise UsageError(
            f"the source `{source.name}` has no `sha256`, so agentpack could not notice a changed archive",
            details=[f"it is at {source.place}"],
            hint=f"if you trust the current archive, add `sha256: {sha256(data).hexdigest()}` to its entry in "
            "agentpack.yaml",
        )
    return data
