"""Read a tar.gz as a stream: one gzip member, unpacked piece by piece up to a limit, and the tar in it.

Reads POSIX ustar and pax headers for regular files and folders, and GNU headers and long names that say no more than
those. Everything else is refused: links, devices, sparse files, base-256 numbers, truncated archives and data after the
end.
"""

import zlib

from agentpack.input.archive_entries import MACOS, CollectedEntries, UnsafeEntry
from agentpack.input.file_names import MAX_PATH_BYTES

MAX_PAX_BYTES = 16 * 1024
"""Size of one header that describes the next entry."""
_BLOCK = 512
_PIECE = 1 << 16
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"7": "a contiguous file",
    b"D": "a folder with a list, as GNU tar has it",
    b"K": "the long target of a link, as GNU tar has it",
    b"M": "a part of a file that spans volumes",
    b"S": "a sparse file",
    b"V": "the name of a volume",
}
_WITHOUT_MEANING = frozenset("atime ctime mtime uid gid uname gname comment".split())


def read_tar(data: bytes, times: int = 1) -> CollectedEntries:
    """The entries, within so many times the bounds of one pack. Raises UnsafeEntry."""
    found = CollectedEntries(len(data), times)
    stream = _Unpacked(data, found.max_unpacked)
    name: str | None = None
    while any(header := stream.take(_BLOCK)):
        found.entry()
        own, size, kind = _header(header)
        if kind in (b"x", b"g", b"L"):
            if name is not None:
                raise UnsafeEntry("two extended headers for one entry", own)
            if kind == b"L":
                name = _long_name(stream, header, size, own)
                continue
            told = _pax(stream.file(_pax_size(size)), own)
            if kind == b"g" and not told.keys() <= _WITHOUT_MEANING:
                raise UnsafeEntry("a global header with more than a comment", own)
            if kind == b"x":
                name = told.get("path", "")
            continue
        path, name = name or own, None
        if kind == b"5":
            if size:
                raise UnsafeEntry("a folder with content", path)
            found.folders.append(path.removesuffix("/"))
        elif kind in (b"0", b"\0"):
            found.files.append((path, stream.file(found.size(path, size))))
        else:
            raise UnsafeEntry(_KINDS.get(kind, "an entry of an unknown kind"), path)
    if name is not None:
        raise UnsafeEntry("a header without its entry", name)
    stream.finish()
    return found


class _Unpacked:
    """The bytes in one gzip member. Holds no more in memory than was requested plus one piece."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._left = most
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._ready = bytearray()

    def take(self, size: int) -> bytes:
        """The next `size` bytes. Raises UnsafeEntry if fewer are left."""
        while len(self._ready) < size:
            if not self._more():
                raise UnsafeEntry("cut off: it ends before its end is marked")
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        return taken

    def file(self, size: int) -> bytes:
        """The content of an entry, without its padding."""
        return self.take(size + -size % _BLOCK)[:size]

    def finish(self) -> None:
        """Check that only zeros follow the first empty block, including a second one."""
        if any(self.take(_BLOCK)):
            raise UnsafeEntry("an empty block between entries")
        while True:
            if any(self._ready):
                raise UnsafeEntry("stray data after its end")
            self._ready.clear()
            if not self._more():
                break
        if self._unpacker.unused_data or self._at < len(self._data):
            raise UnsafeEntry("stray data after its end")

    def _more(self) -> bool:
        """Unpack one more piece; False at the end of the member."""
        if self._unpacker.eof:
            return False
        packed: bytes | memoryview = self._unpacker.unconsumed_tail
        if not packed:
            packed = self._data[self._at : self._at + _PIECE]
            self._at += len(packed)
        try:
            piece = self._unpacker.decompress(packed, _PIECE)
        except zlib.error:
            raise UnsafeEntry("damaged: it does not unpack") from None
        if not piece and not packed and not self._unpacker.eof:
            raise UnsafeEntry("cut off: its compressed data ends early")
        self._left -= len(piece)
        if self._left < 0:
            raise UnsafeEntry("too large when it is unpacked")
        self._ready += piece
        return True


def _header(block: bytes) -> tuple[str, int, bytes]:
    """The name, size and kind in a header."""
    magic = block[257:265]
    if magic not in (b"ustar\x0000", b"ustar  \0"):
        raise UnsafeEntry("not a tar, or a tar in an older format than POSIX's")
    if _number(block[148:156]) != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        raise UnsafeEntry("damaged: a header does not match its checksum")
    above = b""
    if magic == b"ustar\x0000":
        above = _text(block[345:500])
    elif any(block[345:500]):
        raise UnsafeEntry("a header of GNU tar's own, not of POSIX")
    name = _text(block[:100])
    try:
        path = (above + b"/" + name if above else name).decode()
    except UnicodeDecodeError:
        raise UnsafeEntry("a name that is not UTF-8", name.decode(errors="backslashreplace")) from None
    kind = block[156:157]
    if kind in (b"0", b"\0", b"5") and any(block[157:257]):
        raise UnsafeEntry("a file with the target of a link", path)
    return path, _number(block[124:136]), kind


def _text(field: bytes) -> bytes:
    text, _, rest = field.partition(b"\0")
    if any(rest):
        raise UnsafeEntry("a name with a zero byte in it", text.decode(errors="backslashreplace"))
    return text


def _number(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits or digits.translate(None, b"01234567"):
        raise UnsafeEntry("a number that is not octal in a header")
    return int(digits, 8)


def _long_name(stream: _Unpacked, header: bytes, size: int, own: str) -> str:
    """The name from a GNU long-name entry, which replaces the truncated one in the header that follows."""
    if header[257:265] != b"ustar  \0" or own != "././@LongLink":
        raise UnsafeEntry("a long name that is not as GNU tar writes it", own)
    if not 1 < size <= 2 * MAX_PATH_BYTES + 1:
        raise UnsafeEntry("an empty or overlong name", own)
    data = stream.file(size)
    if data.find(b"\0") != size - 1:
        raise UnsafeEntry("a long name that does not end with its only zero byte", own)
    try:
        return data[:-1].decode()
    except UnicodeDecodeError:
        raise UnsafeEntry("a name that is not UTF-8", data[:100].decode(errors="backslashreplace")) from None


def _pax_size(size: int) -> int:
    if size > MAX_PAX_BYTES:
        raise UnsafeEntry(f"a header of more than {MAX_PAX_BYTES // 1024} KiB")
    return size


def _pax(data: bytes, name: str) -> dict[str, str]:
    """The records of a pax header: the path, and those that can be ignored."""
    found: dict[str, str] = {}
    while data:
        digits = data[:5].partition(b" ")[0]
        size = int(digits) if digits.isdigit() else 0
        key, equals, value = data[len(digits) + 1 : size - 1].partition(b"=")
        if size > len(data) or data[size - 1 : size] != b"\n" or not equals or digits.startswith(b"0"):
            raise UnsafeEntry("a header that cannot be read", name)
        try:
            word, text = key.decode(), value.decode()
        except UnicodeDecodeError:
            raise UnsafeEntry("a name that is not UTF-8", name) from None
        if word in found or (word != "path" and word not in _WITHOUT_MEANING):
            why = " twice" if word in found else f"; on macOS {MACOS} leaves it out" if "xattr" in word else ""
            raise UnsafeEntry(f"a header with `{word[:40]}`{why}", name)
        if word == "path" and (not text or len(value) > 2 * MAX_PATH_BYTES):
            raise UnsafeEntry("a header with an empty or overlong path", name)
        found[word] = text
        data = data[size:]
    return found
