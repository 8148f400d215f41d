"""Read every byte of a zip: the entries one after another, then the directory, then the end record.

A zip stores most facts twice, and programs differ in which they believe. Here both must agree, nothing may be before,
between or after, and features that only some programs know are refused (zip64, encryption, other names in extra fields,
comments, other compression methods). A comment may name a commit, as `git archive` writes it, and a name repeated in an
extra field must be the same.
"""

import re
import stat
import struct
import zlib
from typing import Any, NamedTuple

from agentpack.input.archive_entries import CollectedEntries, UnsafeEntry
from agentpack.input.file_names import MAX_PATH_BYTES

_END = struct.Struct("<4s4H2IH")
_ROW = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZES_LATER, _UTF8 = 1, 1 << 3, 1 << 11
_FLAGS = 0b110 | _SIZES_LATER | _UTF8
_TIMES_AND_OWNERS = frozenset((0x000A, 0x5455, 0x5855, 0x7855, 0x7875))
_UNICODE_NAME = 0x7075
_NO_COMMENT_OR_COMMIT = re.compile(rb"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?)?\Z")
_DOS_LABEL, _DOS_FOLDER = 0x08, 0x10


class _ZipEntry(NamedTuple):
    """An entry as the directory describes it."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    is_folder: bool


def read_zip(data: bytes, times: int = 1) -> CollectedEntries:
    """The files and folders of a zip archive. Raises UnsafeEntry for an archive that is refused."""
    found = CollectedEntries(len(data), times)
    end = _end(data)
    _, disk, first, here, count, length, start, _ = _END.unpack_from(data, end)
    if disk or first or here != count:
        raise UnsafeEntry("only one part of a split archive")
    if start + length != end:
        raise UnsafeEntry("stray data before its first file or after its list of files")
    entries = _directory(data, start, end, count, found)
    if sum(entry.size for entry in entries) > found.max_unpacked:
        raise UnsafeEntry("too large when it is unpacked")
    at = 0
    ends = [*(entry.offset for entry in entries), start][1:]
    for entry, end in zip(entries, ends, strict=True):
        if entry.offset != at:
            raise UnsafeEntry("entries that overlap, or stray data between entries", entry.name)
        content = _content(data, entry, end)
        if entry.is_folder:
            found.folders.append(entry.name.removesuffix("/"))
        else:
            found.files.append((entry.name, content))
        at = end
    if at != start:
        raise UnsafeEntry("stray data before its list of files")
    return found


def _end(data: bytes) -> int:
    """The offset of the end record: last in the file, apart from a comment that names a commit."""
    for size in (0, 40, 64):
        at = len(data) - _END.size - size
        if at >= 0 and data.startswith(b"PK\5\6", at) and _END.unpack_from(data, at)[-1] == size:
            if _NO_COMMENT_OR_COMMIT.match(data, at + _END.size):
                return at
            break
    at = data.rfind(b"PK\5\6", -_END.size - 0xFFFF)
    if at >= 0 and len(data) - at >= _END.size and _END.unpack_from(data, at)[-1] == len(data) - at - _END.size:
        raise UnsafeEntry("an archive comment that is not a commit id; `zip -z` removes it")
    raise UnsafeEntry("cut off, or stray data after its end")


def _directory(data: bytes, start: int, end: int, count: int, found: CollectedEntries) -> list[_ZipEntry]:
    """The rows of the directory, in the order of the entries."""
    entries = []
    at = start
    for _ in range(count):
        found.entry()
        if at + _ROW.size > end:
            raise UnsafeEntry("a list of files that ends early")
        row = _ROW.unpack_from(data, at)
        entry, more = _row(row, data[at + _ROW.size : at + _ROW.size + row[10]])
        extra = at + _ROW.size + row[10]
        _check_extra(data[extra : extra + more], more, entry)
        if not entry.is_folder:
            found.size(entry.name, entry.size)
        entries.append(entry)
        at = extra + more
    if at != end:
        raise UnsafeEntry("more files in its list than its end record says")
    return sorted(entries, key=lambda entry: entry.offset)


def _row(row: tuple[Any, ...], raw: bytes) -> tuple[_ZipEntry, int]:
    mark, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment, disk, _, mode, offset = row
    name = _name(raw)
    if mark != b"PK\1\2" or len(raw) != name_size:
        raise UnsafeEntry("a list of files that cannot be read")
    if comment or disk or 0xFFFFFFFF in (packed, size, offset):
        raise UnsafeEntry("a comment, a part in another archive, or sizes of zip64", name)
    if flags & _ENCRYPTED:
        raise UnsafeEntry("encrypted", name)
    if flags & ~_FLAGS or method not in (_STORED, _DEFLATED):
        raise UnsafeEntry("packed by a method that agentpack does not support", name)
    is_folder = name.endswith("/")
    kind = stat.S_IFMT(mode >> 16)
    if kind not in (0, stat.S_IFDIR if is_folder else stat.S_IFREG):
        raise UnsafeEntry("a symbolic link" if kind == stat.S_IFLNK else "not a regular file", name)
    if mode & _DOS_LABEL or (mode & _DOS_FOLDER and not is_folder):
        raise UnsafeEntry("not a regular file", name)
    if is_folder and size:
        raise UnsafeEntry("a folder with content", name)
    return _ZipEntry(name, raw, flags, method, crc, packed, size, offset, is_folder), int(extra_size)


def _name(raw: bytes) -> str:
    if len(raw) > 2 * MAX_PATH_BYTES:
        raise UnsafeEntry("an overlong name", raw[:100].decode(errors="backslashreplace"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnsafeEntry("a name that is not UTF-8", raw.decode(errors="backslashreplace")) from None


def _check_extra(extra: bytes, size: int, entry: _ZipEntry) -> None:
    """Check that an entry's extra fields only hold times, owners and the same name, and that a name beyond ASCII is
    marked as UTF-8 by them or by its flag.
    """
    at, told = 0, entry.raw.isascii() or bool(entry.flags & _UTF8)
    while at + 4 <= len(extra):
        word, length = struct.unpack_from("<HH", extra, at)
        if word == _UNICODE_NAME:
            if extra[at + 4 : at + 4 + length] != struct.pack("<BI", 1, zlib.crc32(entry.raw)) + entry.raw:
                raise UnsafeEntry("an extra field 0x7075 with another name", entry.name)
            told = True
        elif word not in _TIMES_AND_OWNERS:
            raise UnsafeEntry("sizes of zip64" if word == 1 else f"an extra field 0x{word:04x}", entry.name)
        at += 4 + length
    if at != size:
        raise UnsafeEntry("extra fields that cannot be read", entry.name)
    if not told:
        why = "`zip` marks it if the locale en_US.UTF-8 is installed; a tar.gz is always UTF-8"
        raise UnsafeEntry(f"a name that is not marked as UTF-8; {why}", entry.name)


def _content(data: bytes, entry: _ZipEntry, end: int) -> bytes:
    """The bytes of an entry that ends at `end`, with its own header checked against the directory."""
    if entry.offset + _LOCAL.size > end:
        raise UnsafeEntry("entries that overlap", entry.name)
    mark, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(data, entry.offset)
    at = entry.offset + _LOCAL.size
    later = bool(flags & _SIZES_LATER)
    told, meant = (crc, packed, size), (entry.crc, entry.packed, entry.size)
    unknown = ((0, 0, 0), (0, 0, entry.size)) if later else ()
    if (
        mark != b"PK\3\4"
        or (flags, method, data[at : at + name_size]) != (entry.flags, entry.method, entry.raw)
        or (told != meant and told not in unknown)
    ):
        raise UnsafeEntry("a header that differs from the list of files at the end", entry.name)
    at += name_size
    _check_extra(data[at : at + extra_size], extra_size, entry)
    at += extra_size
    behind = data[at + entry.packed : end]
    sizes = struct.pack("<3I", *meant)
    if at + entry.packed > end or behind not in ((sizes, b"PK\7\x08" + sizes) if later else (b"",)):
        raise UnsafeEntry("entries that overlap, or stray data between entries", entry.name)
    content = data[at : at + entry.packed]
    if entry.method == _DEFLATED:
        content = _inflated(content, entry)
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise UnsafeEntry("damaged: the content does not match its size or checksum", entry.name)
    return content


def _inflated(packed: bytes, entry: _ZipEntry) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, entry.size + 1)
    except zlib.error:
        raise UnsafeEntry("damaged: it does not unpack", entry.name) from None
    if not unpacker.eof or unpacker.unused_data or len(content) > entry.size:
        raise UnsafeEntry("damaged: packed data and size do not agree", entry.name)
    return content
