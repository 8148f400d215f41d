"""File contents by digest: the base of the next merge, and what a rollback restores.

All new contents of a transaction go into one file, so that a thousand of them cost one file to write and sync. Which
contents are still needed is decided in `prune.py`.

A pack file is a header line, the contents one after another, the index (digest, offset and length of each) and a
trailer that says where the index starts. It is written once and never changed.
"""

import struct
from collections.abc import Iterator

from agentpack.disk import Disk, GrowingFile
from agentpack.disk.observe import MAX_READ_BYTES
from agentpack.errors import Refused
from agentpack.model.names import Digest, digest_of
from agentpack.store import layout
from agentpack.store.generations import Generations

_HEAD = b"agentpack blobs 1\n"
_ROW = struct.Struct("<32sQQ")
_TAIL = struct.Struct("<QQ8s")
_MARK = b"blobs 1\n"
_PIECE = 1 << 18
MAX_CONTENTS = 200_000
"""Largest number of contents in one pack file. A damaged file may claim any number."""


class Blobs:
    """The stored contents. Pack indexes are read when a digest is first looked up, newest first.

    The pack of a transaction that is not committed is ignored, because another process may be writing it; recovery
    includes it with `include`.
    """

    def __init__(self, disk: Disk, generations: Generations) -> None:
        self._disk, self._generations = disk, generations
        self._included = 0
        self._known: dict[bytes, tuple[int, int, int]] = {}
        self._unread: list[int] | None = None

    def has(self, digest: Digest) -> bool:
        """Whether the content is stored."""
        return self._find(digest) is not None

    def size(self, digest: Digest) -> int:
        """The length of a content as recorded in its pack; 0 if it is not stored."""
        row = self._find(digest)
        return 0 if row is None else row[2]

    def get(self, digest: Digest) -> bytes:
        """The content with this digest.

        Raises:
            Refused: it is not stored, or it is damaged.
            Unavailable: it cannot be read.
        """
        row = self._find(digest)
        if row is None:
            raise Refused(
                f"the content {digest[:19]}… is missing from `{self._disk.absolute(layout.BLOBS)}`",
                hint="`agentpack sync` restores released files without that content",
            )
        number, offset, length = row
        data = b"" if length > MAX_READ_BYTES else self._disk.read_part(layout.pack(number), offset, length)
        if digest_of(data) != digest:
            raise _damaged(self._disk, number)
        return data

    def forget(self) -> None:
        """Drop cached indexes: packs may have been added or deleted."""
        self._known.clear()
        self._unread = None
        self._included = 0

    def include(self, number: int) -> None:
        """Also read the pack of this uncommitted transaction."""
        self.forget()
        self._included = number

    def numbers(self) -> list[int]:
        """The numbers of the existing pack files (`<number>.pack`), ascending."""
        most = max(self._generations.current(), self._included)
        return [number for number in layout.numbers(self._disk.entries(layout.BLOBS), ".pack") if number <= most]

    def digests(self, number: int) -> Iterator[Digest]:
        """The digests in the pack file of this number."""
        for key, _, _ in _index(self._disk, number):
            yield Digest("sha256:" + key.hex())

    def _find(self, digest: Digest) -> tuple[int, int, int] | None:
        key = bytes.fromhex(digest[7:])
        if self._unread is None:
            self._unread = self.numbers()
        while key not in self._known and self._unread:
            number = self._unread.pop()
            for name, offset, length in _index(self._disk, number):
                self._known.setdefault(name, (number, offset, length))
        return self._known.get(key)


class NewPack:
    """The pack file of one transaction while it is written. Contents that are stored already are skipped."""

    def __init__(self, disk: Disk, blobs: Blobs, number: int) -> None:
        self.path = layout.pack(number)
        self._disk, self._blobs = disk, blobs
        self._file: GrowingFile | None = None
        self._rows: dict[bytes, bytes] = {}
        self._waiting: list[bytes] = []
        self._pending = 0
        self._offset = len(_HEAD)

    def add(self, data: bytes, digest: Digest | None = None) -> Digest:
        """Store a content and return its digest."""
        digest = digest_of(data) if digest is None else digest
        key = bytes.fromhex(digest[7:])
        if key in self._rows or self._blobs.has(digest):
            return digest
        self._rows[key] = _ROW.pack(key, self._offset, len(data))
        self._offset += len(data)
        self._put(data)
        return digest

    def has(self, digest: Digest) -> bool:
        """Whether the content is stored in this file or an earlier one."""
        return bytes.fromhex(digest[7:]) in self._rows or self._blobs.has(digest)

    def finish(self) -> bool:
        """Write the rest of the file. Returns False if there was nothing to store and no file was made."""
        if not self._rows:
            return False
        self._put(b"".join(self._rows.values()) + _TAIL.pack(self._offset, len(self._rows), _MARK))
        self._flush()
        self.close()
        return True

    def close(self) -> None:
        """Close the file, finished or not. A second call does nothing."""
        if self._file is not None:
            self._file.close()

    def _put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._pending += len(data)
        if self._pending >= _PIECE:
            self._flush()

    def _flush(self) -> None:
        if self._file is None:
            self._disk.unlink(self.path)  # left over from a transaction that a power cut made forget itself
            self._file = self._disk.grow(self.path)
            self._waiting.insert(0, _HEAD)
        self._file.append(b"".join(self._waiting))
        self._waiting.clear()
        self._pending = 0


def _index(disk: Disk, number: int) -> Iterator[tuple[bytes, int, int]]:
    path = layout.pack(number)
    tail = disk.read_part(path, -_TAIL.size, _TAIL.size)
    if len(tail) != _TAIL.size or not tail.endswith(_MARK):
        raise _damaged(disk, number)
    start, count, _ = _TAIL.unpack(tail)
    if count > MAX_CONTENTS:
        raise _damaged(disk, number)
    rows = disk.read_part(path, start, count * _ROW.size)
    if len(rows) != count * _ROW.size:
        raise _damaged(disk, number)
    yield from _ROW.iter_unpack(rows)


def _damaged(disk: Disk, number: int) -> Refused:
    return Refused(
        f"`{disk.absolute(layout.pack(number))}` is damaged",
        hint="restore it from a backup, or delete it: released files are rendered again, but older edits are lost",
    )
