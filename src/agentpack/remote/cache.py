"""Store content that came from other machines by its digest, for all projects of a user.

<cache>/content/objects/<2>/<SHA-256>     the bytes of a file, an archive
<cache>/content/answers/<2>/<SHA-256>     by address: the SHA-256 of what was there last, and its ETag, as JSON

Everything is checked against its name whenever it is read, so the cache need not be trusted, and a damaged file counts
as missing. Files are written whole and never changed: any number of processes may use the cache at once. All of it may
be deleted at any time. Here only damaged files are deleted; how long the others stay is decided in `commands/cache.py`.
"""

import json
import os
import re
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from agentpack.disk.atomic import read_start, write_whole
from agentpack.disk.chown import make_folders
from agentpack.errors import Unavailable

MAX_OBJECT_BYTES = 256 * 1024 * 1024
_MOST_OF_ETAG = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class CachedAnswer(NamedTuple):
    """What was at an address last: the server's word for its state, and its SHA-256 in hexadecimal."""

    etag: str
    sha256: str


class ContentCache:
    """A folder of files named by the digests of their contents."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def read(self, hex: str) -> bytes | None:
        """The bytes with this SHA-256 (64 hexadecimal digits); None if they are not here."""
        path = self._path("objects", hex)
        try:
            data = read_start(path, MAX_OBJECT_BYTES + 1)
        except OSError:
            return None
        if sha256(data).hexdigest() != hex:
            _remove(path)
            return None
        _touch(path)
        return data

    def add(self, data: bytes) -> str:
        """Keep bytes. Returns their SHA-256 in hexadecimal. Raises Unavailable if the cache cannot be written."""
        hex = sha256(data).hexdigest()
        path = self._path("objects", hex)
        if os.path.exists(path):
            _touch(path)
        else:
            self._write(path, data)
        return hex

    def answer(self, address: str) -> CachedAnswer | None:
        """What was at an address last; None if nothing is known."""
        path = self._path("answers", sha256(address.encode()).hexdigest())
        try:
            known = json.loads(read_start(path, 4 * _MOST_OF_ETAG))
            found = CachedAnswer(str(known["etag"]), str(known["sha256"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        _touch(path)
        return found if _is_header(found.etag) and _SHA256.match(found.sha256) else None

    def add_answer(self, address: str, answer: CachedAnswer) -> None:
        """Note what is at an address now."""
        if _is_header(answer.etag):
            path = self._path("answers", sha256(address.encode()).hexdigest())
            self._write(path, json.dumps(answer._asdict()).encode())

    def _path(self, kind: str, hex: str) -> str:
        return f"{self.folder}/{kind}/{hex[:2]}/{hex}"

    def _write(self, path: str, data: bytes) -> None:
        try:
            make_folders(os.path.dirname(path), 0o700)
            write_whole(path, data)
        except OSError as error:
            raise Unavailable(
                f"the cache cannot be written: {error.filename or path}: {error.strerror}",
                hint="set XDG_CACHE_HOME to another folder",
            ) from None


def _is_header(etag: str) -> bool:
    return etag.isascii() and etag.isprintable() and len(etag) <= _MOST_OF_ETAG


def _touch(path: str) -> None:
    """Note that a file was used: `cache prune` deletes what was not used for long."""
    with suppress(OSError):
        os.utime(path)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
