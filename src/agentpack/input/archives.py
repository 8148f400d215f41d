"""Read archives of packs: bytes become files, or are refused. Nothing is unpacked to disk.

Anything that programs may read differently is refused, so that an archive has one meaning. `tar.py` and `zip.py` read
the two formats, `archive_entries.py` has the limits of both. This module checks names, strips the common folder, and
writes archives.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping

from agentpack.errors import Refused
from agentpack.input.archive_entries import MACOS, MAX_PACKS, CollectedEntries, UnsafeEntry
from agentpack.input.file_names import MAX_BYTES, NOT_CONTENT, FileNames, path_fault, shown
from agentpack.input.tar import read_tar
from agentpack.input.zip import read_zip
from agentpack.model.names import is_junk

MAX_ARCHIVE_BYTES = MAX_BYTES + 4 * 1024 * 1024
"""The packed size of an archive."""
_MACOS = "__macosx"
_NAMELESS = "a folder without a name, as if it were the root of the disk; pack `.`, or the folder under its name"
HINT = (
    "an archive is a tar.gz or zip of regular files, as written by `tar --format=pax -czf`, `git archive` or "
    "`agentpack pack build`"
)


class UnsafeArchive(Refused):
    """An archive that is damaged, ambiguous, too large, or contains something a pack may not."""

    code = "unsafe-archive"


def read_archive(
    data: bytes, name: str, *, expected: str | None = None, prefix: str | None = None, several: bool = False
) -> Mapping[str, bytes]:
    """The files in a tar.gz or zip, by POSIX path.

    Args:
        name: the archive's name, for errors.
        expected: `sha256:<hex>` of the whole archive. Checked before anything is parsed.
        prefix: the folder that may contain all entries, `<name>-<version>`. It is stripped if it does.
        several: it may hold several packs, and more than one pack may (`MAX_PACKS`).

    Raises:
        Refused: the digest differs.
        UnsafeArchive: the archive is damaged, ambiguous, too large, or holds what no pack may hold.
    """
    label = shown(name)
    if len(data) > MAX_ARCHIVE_BYTES:
        raise UnsafeArchive(f"{label}: larger than {MAX_ARCHIVE_BYTES // 1024 // 1024} MiB", hint=HINT)
    if expected is not None and (found := "sha256:" + hashlib.sha256(data).hexdigest()) != expected:
        raise Refused(
            f"{label} is not the archive that was expected",
            details=(f"expected  {shown(expected)}", f"found     {found}"),
            hint="a published release should never change: ask its publisher",
        )
    try:
        return _named(_collected(data, MAX_PACKS if several else 1), prefix)
    except UnsafeEntry as fault:
        where = "" if fault.entry is None else f" `{shown(fault.entry)}`:"
        raise UnsafeArchive(f"{label}:{where} {fault.what}", hint=HINT) from None


def _collected(data: bytes, times: int) -> CollectedEntries:
    if data.startswith(b"\x1f\x8b"):
        return read_tar(data, times)
    if data.startswith(b"PK"):
        return read_zip(data, times)
    raise UnsafeEntry("neither a tar.gz nor a zip")


def _named(found: CollectedEntries, prefix: str | None) -> dict[str, bytes]:
    """The files by their names in the pack, each name checked.

    Whoever packs `.` or `./<folder>` gets names that begin with `./`, which is taken off once, and the folder `.`.
    """
    entries = [(raw, raw.removeprefix("./"), data) for raw, data in found.files]
    for raw, whole, _ in entries:
        if is_junk(whole) and (fault := path_fault(whole)):  # it does not count, but its name may not lead elsewhere
            raise UnsafeEntry(fault, raw)
    entries = [entry for entry in entries if not is_junk(entry[1])]
    folders = [(raw, "" if raw == "." else raw.removeprefix("./")) for raw in found.folders if not _is_beside(raw)]
    below = f"{prefix}/" if prefix else ""
    if below and not (
        entries
        and all(path.startswith(below) for _, path, _ in entries)
        and all(f"{path}/".startswith(below) for raw, path in folders if raw != ".")
    ):
        below = ""
    names = FileNames()
    files: dict[str, bytes] = {}
    for raw, whole, data in entries:
        path = whole[len(below) :]
        _check(names.add(path), raw, path)
        files[path] = data
    met = set()
    for raw, whole in folders:
        if whole in met:
            raise UnsafeEntry("a name that appears twice", raw)
        met.add(whole)
        if raw != "." and f"{whole}/" != below:
            path = whole[len(below) :]
            _check(names.folder(path) if path else _NAMELESS, raw, path)
    return files


def _is_beside(folder: str) -> bool:
    """Whether a folder is `__MACOSX` or in one: macOS stores extra data about files there."""
    return _MACOS in folder.lower().removeprefix("./").split("/")


def _check(fault: str | None, raw: str, path: str) -> None:
    if fault is None:
        parts = path.lower().split("/")
        if not NOT_CONTENT.isdisjoint(parts):
            fault = "belongs to version control, not to a pack"
        elif _MACOS in parts or any(part.startswith("._") for part in parts):
            fault = f"a macOS metadata file; pack with {MACOS} to leave it out"
    if fault is not None:
        raise UnsafeEntry(fault, raw)


# Writing.


def write_archive(files: Mapping[str, bytes], *, prefix: str, several: bool = False) -> bytes:
    """A tar.gz of these files, all in the folder `prefix`, that `read_archive` can read.

    The same files give the same bytes with the same compression library: sorted, without times, owners or an archive
    name, every mode 0644. `several` is as for `read_archive`.

    Raises:
        UnsafeArchive: a pack may not contain these files.
    """
    if fault := path_fault(prefix):
        raise UnsafeArchive(f"{shown(prefix)}: {fault}")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"]
    crc = size = 0
    for piece in _tar(files, prefix):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        parts.append(packer.compress(piece))
    parts += [packer.flush(), struct.pack("<II", crc, size & 0xFFFFFFFF)]
    data = b"".join(parts)
    read_archive(data, f"{prefix}.tar.gz", prefix=prefix, several=several)
    return data


def _tar(files: Mapping[str, bytes], prefix: str) -> Iterator[bytes]:
    for path in sorted(files):
        data = files[path]
        raw = f"{prefix}/{path}".encode(errors="surrogatepass")
        above, leaf = _split(raw)
        if not raw.isascii() or len(leaf) > 100:
            record = _record(b" path=" + raw + b"\n")
            yield _header(b"pax", b"", len(record), b"x") + _padded(record)
            above, leaf = b"", b"file"
        yield _header(leaf, above, len(data), b"0") + _padded(data)
    yield bytes(1024)


def _split(path: bytes) -> tuple[bytes, bytes]:
    """The path as the two fields of a header: at most 155 bytes before a slash, at most 100 after it."""
    if len(path) <= 100:
        return b"", path
    at = path.rfind(b"/", 0, 156)
    return (path[:at], path[at + 1 :]) if at > 0 else (b"", path)


def _record(rest: bytes) -> bytes:
    """A record that begins with its own length."""
    size = len(rest) + 1
    while len(b"%d" % size) + len(rest) != size:
        size = len(b"%d" % size) + len(rest)
    return b"%d" % size + rest


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _header(name: bytes, above: bytes, size: int, kind: bytes) -> bytes:
    fields = struct.pack(
        "100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x",
        *(name, b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size, b"00000000000\0", b" " * 8, kind, b""),
        *(b"ustar\0", b"00", b"", b"", b"0000000\0", b"0000000\0", above),
    )
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]
