"""A cache of checked documents: JSON, stored under the digest of the bytes that were checked.

Checking loads YAML and pydantic; the next command that meets the same bytes only reads JSON. The bundled packs are
checked when the wheel is built and ship in it (`shipped`); everything else is in the platform's cache folder, which may
be deleted at any time. Unreadable files are ignored. A document is only ever found under the digest of the bytes at
hand, so it cannot be used for other bytes: its checksum covers that digest, so that no file counts under the name of
another one.

The cached result is trusted, so nobody else may be able to write it: in the cache folder only files owned by the user
or root count, in folders that nobody else can write to. The files of an installation are trusted like its code.
"""

import json
import os
import stat
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from agentpack import __version__
from agentpack.disk.atomic import write_whole
from agentpack.disk.chown import make_folders
from agentpack.errors import Unavailable

FORMAT = f"13-{__version__}"
"""Names the normal form of documents. The number is raised when it changes between two releases, and when the rules
come to refuse what passed before.
"""
_HEAD = 16
_WINDOW = 1 << 17
_DURABLE = 16
"""How many documents one command syncs to disk."""
_MOST = 1 << 30
MAX_CACHED_BYTES = 32 * 1024 * 1024
"""Largest document that is not stored in pieces."""
DAMAGES = (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""Exceptions that reading a damaged cache file can raise."""


class CachedPieces:
    """A document stored as named pieces of JSON or text, each read when requested.

    File format: the length of the index and its checksum in 16 bytes, the index (start, length and checksum of each
    piece, counted from the end of the index), and the pieces.
    """

    def __init__(self, path: str, digest: str, *, shipped: bool = False) -> None:
        """Raises one of `DAMAGES` if the file is not a complete document of this kind and digest, or not trusted."""
        self._path = path
        self._window, self._window_at = b"", 0
        self._open = _open_shipped if shipped else _open_own
        descriptor = self._open(path)
        try:
            start = os.pread(descriptor, 1 << 16, 0)
            self._first = _HEAD + int(start[:7], 16)
            whole = os.fstat(descriptor).st_size
            if not _HEAD < self._first <= whole:
                raise ValueError("not the length of an index")
            if self._first > len(start):
                start = os.pread(descriptor, self._first, 0)
            head = start[_HEAD : self._first]
            if start[7:_HEAD] != _sum(head, of=digest) + b"\n":
                raise ValueError("damaged")
            self._index, size = json.loads(head.decode())
            if type(self._index) is not dict or whole != self._first + size:
                raise ValueError("cut off")
        finally:
            os.close(descriptor)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __getitem__(self, name: str) -> Any:
        """One piece of the cached file by its name, parsed from JSON.

        Raises:
            KeyError: there is no piece with this name.
            Unavailable: the file was changed or damaged. It is deleted, so that the next command recreates it.
        """
        try:
            return json.loads(self._read(name))
        except (ValueError, RecursionError):
            raise _damaged(self._path) from None

    def damaged(self) -> Unavailable:
        """The error for a piece with unexpected contents. Deletes the file."""
        return _damaged(self._path)

    def text(self, name: str) -> str:
        """A piece that was stored as text. Raises like `__getitem__`."""
        try:
            return self._read(name).decode()
        except ValueError:
            raise _damaged(self._path) from None

    def _read(self, name: str) -> bytes:
        row = self._index[name]
        try:
            offset, length, expected = row
            if not 0 <= offset <= offset + length <= _MOST:
                raise ValueError(name)
        except (TypeError, ValueError):
            raise _damaged(self._path) from None
        start = offset - self._window_at
        if start < 0 or start + length > len(self._window):  # those that follow will be wanted next
            try:
                descriptor = self._open(self._path)
                try:
                    self._window = os.pread(descriptor, max(length, _WINDOW), self._first + offset)
                finally:
                    os.close(descriptor)
            except OSError:
                raise _damaged(self._path) from None
            self._window_at, start = offset, 0
        data = self._window[start : start + length]
        if crc32(data) != expected:
            raise _damaged(self._path)
        return data


def in_pieces(pieces: Iterable[tuple[str, Any]], digest: str) -> list[bytes]:
    """The parts of a file that `CachedPieces` can read under this digest: text stays text, everything else becomes
    JSON.
    """
    index: dict[str, tuple[int, ...]] = {}
    texts: list[bytes] = []
    offset = 0
    for name, data in pieces:
        text = data.encode() if isinstance(data, str) else _json(data)
        index[name] = offset, len(text), crc32(text)
        texts.append(text)
        offset += len(texts[-1])
    head = _json([index, offset])
    return [b"%7x%s\n" % (len(head), _sum(head, of=digest)), head, *texts]


class ValidatedCache:
    """A folder of files named by kind and digest. Failing to write one is not an error.

    `shipped` is a second, read-only folder that is searched first.
    """

    def __init__(self, folder: str | None, shipped: str | None = None) -> None:
        self.folder = folder
        self.shipped = shipped
        self._written = 0

    def get(self, kind: str, digest: str) -> Any | None:
        """The data stored for this digest, or None."""
        if self.folder is None:
            return None
        try:
            with open(_open_own(f"{self.folder}/{place(kind, digest)}"), "rb") as file:
                data = file.read(MAX_CACHED_BYTES + 1)
            told, _, text = data.partition(b"\n")
            return json.loads(text) if len(data) <= MAX_CACHED_BYTES and told == _sum(text, of=digest) else None
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, kind: str, digest: str, data: Any) -> None:
        """Store the data atomically."""
        text = _json(data)
        self._write(place(kind, digest), [_sum(text, of=digest), b"\n", text])

    def pieces(self, kind: str, digest: str) -> CachedPieces | None:
        """The pieces stored for this digest, or None."""
        for folder in (self.shipped, self.folder):
            if folder is not None:
                try:
                    return CachedPieces(f"{folder}/{place(kind, digest)}", digest, shipped=folder is self.shipped)
                except DAMAGES:
                    continue
        return None

    def put_pieces(self, kind: str, digest: str, content: Sequence[bytes]) -> None:
        """Store what `in_pieces` returned."""
        self._write(place(kind, digest), content)

    def _write(self, name: str, content: Sequence[bytes]) -> None:
        if self.folder is None:
            return
        path = f"{self.folder}/{name}"
        try:
            make_folders(os.path.dirname(path), 0o700)
            _believe(os.stat(os.path.dirname(path)))
            # a few are forced to the disk; of many, one that a loss of power damages is passed over and made again
            write_whole(path, content, mode=0o600, durable=self._written < _DURABLE)
            self._written += 1
        except OSError:
            return


def _open_shipped(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def _open_own(path: str) -> int:
    """A descriptor of a file that only the user or root could have written. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        _believe(os.fstat(descriptor))
        _believe(os.stat(os.path.dirname(path)))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _believe(found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("somebody else could have written it")


def place(kind: str, digest: str) -> str:
    """The path of a document below the cache folder."""
    return f"{kind}-{FORMAT}/{digest.removeprefix('sha256:')}.json"


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _sum(text: bytes, *, of: str = "") -> bytes:
    return b"%08x" % crc32(text, crc32(of.encode()))


def _damaged(path: str) -> Unavailable:
    try:
        os.unlink(path)
    except OSError:
        return Unavailable(f"`{path}` is damaged, and cannot be removed", hint="remove it, or install agentpack again")
    return Unavailable(f"`{path}` was damaged and has been removed", hint="run the command again to rebuild it")
