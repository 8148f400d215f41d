"""Archives made byte by byte, good ones and others."""

import io
import struct
import tarfile
import zlib
from collections.abc import Iterable
from typing import NamedTuple


def gzipped(data: bytes) -> bytes:
    """One gzip member."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


END = bytes(1024)


def header(name: str | bytes, size: int = 0, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A tar header; further fields replace what would stand there."""
    name = name.encode() if isinstance(name, str) else name
    values = {"octal": b"%011o\0" % size, "magic": b"ustar\x0000", "link": b"", "prefix": b"", **fields}
    block = bytearray(
        struct.pack(
            "100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x",
            *(name, b"0000644\0", b"0000000\0", b"0000000\0", values["octal"], b"00000000000\0", b" " * 8, kind),
            *(values["link"], values["magic"], b"", b"", b"", b"", values["prefix"]),
        )
    )
    block[148:156] = values.get("checksum") or b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def entry(name: str | bytes, data: bytes = b"x", kind: bytes = b"0", **fields: bytes) -> bytes:
    """A header and its content."""
    return header(name, len(data), kind, **fields) + padded(data)


def pax(*records: tuple[str, bytes], kind: bytes = b"x") -> bytes:
    """A header that says more of the next entry."""
    data = b""
    for key, value in records:
        rest = b" " + key.encode() + b"=" + value + b"\n"
        size = len(rest) + 1
        while len(str(size)) + len(rest) != size:
            size += 1
        data += str(size).encode() + rest
    return entry("pax", data, kind)


def tar(*entries: bytes, end: bytes = END) -> bytes:
    """A tar.gz of entries."""
    return gzipped(b"".join(entries) + end)


def by_library(
    files: Iterable[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT, folders: Iterable[str] = ()
) -> bytes:
    """A tar.gz as Python's own library writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as file:
        for name in folders:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            file.addfile(info)
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Zipped(NamedTuple):
    """One entry of a zip; what differs from None is said instead of the truth, `local` by its own header alone."""

    name: str | bytes
    data: bytes = b"x"
    method: int = 8
    flags: int = 0
    mode: int = 0o100644
    dos: int = 0
    crc: int | None = None
    size: int | None = None
    packed: bytes | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    local_name: bytes | None = None
    local_size: int | None = None
    local_told: tuple[int, int, int] | None = None
    """Checksum, packed and unpacked size by its own header."""
    later: bytes = b""
    offset: int | None = None
    disk: int = 0


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def zipped(
    *entries: Zipped,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    count: int = 0,
) -> bytes:
    """A zip of entries."""
    out, directory = before, b""
    for one in entries:
        name = one.name.encode() if isinstance(one.name, str) else one.name
        packed = one.packed if one.packed is not None else deflated(one.data) if one.method == 8 else one.data
        crc = zlib.crc32(one.data) if one.crc is None else one.crc
        size = len(one.data) if one.size is None else one.size
        flags = one.flags | (0 if name.isascii() else 1 << 11)
        local_size = size if one.local_size is None else one.local_size
        told = one.local_told or ((0, 0, 0) if one.later else (crc, len(packed), local_size))
        own = name if one.local_name is None else one.local_name
        offset = len(out) if one.offset is None else one.offset
        out += struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, one.method, 0, 33, *told, len(own), len(one.local_extra))
        out += own + one.local_extra + packed + one.later
        directory += struct.pack(
            *("<4s6H3I5H2I", b"PK\1\2", 0x0314, 20, flags, one.method, 0, 33, crc, len(packed), size),
            *(len(name), len(one.extra), len(one.comment), one.disk, 0, one.mode << 16 | one.dos, offset),
        )
        directory += name + one.extra + one.comment
    out += between
    told_count = count or len(entries)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, told_count, told_count, len(directory), len(out), len(comment))
    return out + directory + end + comment + after
