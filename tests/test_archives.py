"""The door for archives: what comes in, what is refused and how it is named, and that nothing costs much memory."""

import hashlib
import io
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.archives import (
    Zipped,
    by_library,
    deflated,
    entry,
    gzipped,
    header,
    padded,
    pax,
    tar,
    zipped,
)
from support.effort import usually
from support.trees import write_tree

from agentpack.errors import AgentpackError, Refused
from agentpack.input import archive_entries, archives
from agentpack.input import file_names as paths
from agentpack.input import tar as tar_files
from agentpack.input.archives import UnsafeArchive, read_archive, write_archive
from agentpack.input.file_names import NOT_CONTENT, FileNames, path_fault
from agentpack.model.names import content_digest, is_junk
from agentpack.sources.directory import read_tree

FILES: Mapping[str, bytes] = {
    "pack.yaml": b"schema: 1\n",
    "personas/a.md": b"You look.\n" * 50,
    "docs/\u00fcber uns.txt": b"\xff\0",
    "docs/\U0001f9d1\u200d\U0001f680 \u2708\ufe0f.md": b"emoji",
    "d/" * 19 + "deep": b"",
    "long/" + "n" * 250 + ".md": b"1",
    "p" * 90 + "/" + "q" * 60 + "/" + "r" * 90: b"2",
    ".hidden": b"",
}
SHORT = {path: data for path, data in FILES.items() if len(path) < 60}
GOOD = write_archive(FILES, prefix="data-reviewer-1.0.0")
BOMB = tar(header("bomb", 7 << 20), bytes(7 << 20))
LATER = struct.pack("<3I", zlib.crc32(b"x"), len(deflated(b"x")), 1)

# Bad names: what is wrong, the name.
NAMES: Mapping[str, str] = {
    "absolute": "/etc/passwd",
    "two slashes": "//host/x",
    "up": "../x",
    "up within": "a/../x",
    "up at the end": "a/..",
    "here": "././x",
    "here and root": ".//x",
    "here and up": "./../x",
    "here and nothing": "./",
    "only here": ".",
    "here within": "a/./x",
    "empty part": "a//x",
    "backslash": "a\\..\\x",
    "drive": "C:/x",
    "stream": "x.md:stream",
    "control": "a\x01b",
    "delete": "a\x7fb",
    "escape": "\x1b[2Jx",
    "newline": "a\nb",
    "dot at the end": "a.",
    "space at the end": "a ",
    "folder with a dot at the end": "a./x",
    "dots": "...",
    "device": "con",
    "device with an ending": "aux.md",
    "device as a folder": "a/NUL/x",
    "device with a number": "Com1.txt",
    "device with a superscript": "COM\u00b9",
    "printer with a superscript": "lpt\u00b3.md",
    "console": "CONIN$",
    "console out": "conout$.txt",
    "device and a space": "nul .txt",
    "device in wide letters": "\uff43\uff4f\uff4e",
    "not composed": "u\u0308ber",
    "bidi": "a\u202etxt.md",
    "zero width": "a\u200bb",
    "byte-order mark": "\ufeffa",
    "line separator": "a\u2028b",
    "wide slash": "..\uff0fx",
    "wide backslash": "a\uff3cx",
    "one-dot leaders": "\u2024\u2024/x",
    "deep": "d/" * 20 + "x",
    "long part": "n" * 256,
    "long part in bytes": "\u00fc" * 128,
    "long path": "/".join(["p" * 200] * 6),
    "version control": "a/.git/config",
    "version control file": "a/.SVN",
    "version control in capitals": ".GIT/config",
}


def long_name(data: bytes, kind: bytes = b"L", magic: bytes = b"ustar  \0") -> bytes:
    return entry("././@LongLink", data, kind, magic=magic)


def unicode_name(name: bytes, of: bytes | None = None, form: int = 1) -> bytes:
    """An extra field that tells a name once more, with the checksum of the name that it is for."""
    crc = zlib.crc32(name if of is None else of)
    return struct.pack("<HHBI", 0x7075, 5 + len(name), form, crc) + name


def without_flag(archive: bytes) -> bytes:
    """The zip without the flag that says of names that they are UTF-8."""
    return archive.replace(struct.pack("<2H", 1 << 11, 8), struct.pack("<2H", 0, 8))


def tar_of(name: str) -> bytes:
    return tar(pax(("path", name.encode())), entry("a"))


def zip_of(name: str) -> bytes:
    return zipped(Zipped(name))


# Bad archives: name, bytes, a part of what is said.
Case = tuple[Callable[[], bytes], str]
CASES: Mapping[str, Case] = {
    "nothing": (lambda: b"", "neither"),
    "text": (lambda: b"hello", "neither"),
    "plain tar": (lambda: entry("a") + bytes(1024), "neither"),
    "bzip2": (lambda: b"BZh9" + bytes(50), "neither"),
    "text before": (lambda: b"\n" + GOOD, "neither"),
    "gzip header only": (lambda: GOOD[:10], "cut off"),
    "no tar": (lambda: gzipped(b"hello" * 300), "not a tar"),
    "empty gzip": (lambda: gzipped(b""), "cut off"),
    "only the end, half": (lambda: gzipped(bytes(512)), "cut off"),
    "gzip cut off": (lambda: GOOD[:-9], "cut off"),
    "gzip without checksum": (lambda: GOOD[:-8], "cut off"),
    "gzip with another checksum": (lambda: GOOD[:-8] + b"abcd" + GOOD[-4:], "does not unpack"),
    "gzip with another size": (lambda: GOOD[:-4] + b"abcd", "does not unpack"),
    "second member": (lambda: GOOD + GOOD, "after its end"),
    "empty second member": (lambda: GOOD + gzipped(b""), "after its end"),
    "garbage after gzip": (lambda: GOOD + b"x", "after its end"),
    "zeros after gzip": (lambda: GOOD + bytes(512), "after its end"),
    "zip after gzip": (lambda: GOOD + zipped(Zipped("a")), "after its end"),
    "no end": (lambda: tar(entry("a"), end=b""), "cut off"),
    "half an end": (lambda: tar(entry("a"), end=bytes(512)), "cut off"),
    "content cut off": (lambda: gzipped(header("a", 5000) + b"x" * 1000), "cut off"),
    "header cut off": (lambda: gzipped(entry("a") + header("b")[:300]), "cut off"),
    "data after the end": (lambda: tar(entry("a"), end=bytes(1024) + entry("b")), "after its end"),
    "one byte after the end": (lambda: tar(entry("a"), end=bytes(10240) + b"x"), "after its end"),
    "empty block between": (lambda: tar(entry("a"), bytes(512), entry("b")), "empty block"),
    "checksum": (lambda: tar(entry("a", checksum=b"000001\0 ")), "checksum"),
    "checksum without digits": (lambda: tar(entry("a", checksum=b" " * 8)), "octal"),
    "old tar": (lambda: tar(entry("a", magic=bytes(8))), "not a tar"),
    "symbolic link": (lambda: tar(header("a", 0, b"2", link=b"/etc/passwd")), "symbolic link"),
    "hard link": (lambda: tar(entry("b"), header("a", 0, b"1", link=b"b")), "hard link"),
    "character device": (lambda: tar(header("a", 0, b"3")), "a device"),
    "block device": (lambda: tar(header("a", 0, b"4")), "a device"),
    "pipe": (lambda: tar(header("a", 0, b"6")), "a pipe"),
    "contiguous": (lambda: tar(entry("a", kind=b"7")), "contiguous"),
    "GNU long link": (lambda: tar(long_name(b"n" * 200 + b"\0", b"K"), entry("a")), "long target of a link"),
    "GNU long name of nothing": (lambda: tar(entry("a"), long_name(b"b\0")), "without its entry"),
    "GNU long name of a link": (lambda: tar(long_name(b"b\0"), header("a", 0, b"2", link=b"c")), "symbolic link"),
    "GNU long name twice": (lambda: tar(long_name(b"b\0"), long_name(b"b\0"), entry("a")), "two extended headers"),
    "GNU long name and pax": (lambda: tar(pax(("path", b"b")), long_name(b"b\0"), entry("a")), "two extended headers"),
    "pax and GNU long name": (lambda: tar(long_name(b"b\0"), pax(("path", b"b")), entry("a")), "two extended headers"),
    "GNU long name and a remark": (lambda: tar(long_name(b"b\0"), pax(kind=b"g"), entry("a")), "two extended headers"),
    "GNU long name, empty": (lambda: tar(long_name(b"\0"), entry("a")), "empty or overlong"),
    "GNU long name of no bytes": (lambda: tar(long_name(b""), entry("a")), "empty or overlong"),
    "GNU long name, overlong": (lambda: tar(long_name(b"n" * 5000 + b"\0"), entry("a")), "empty or overlong"),
    "GNU long name without end": (lambda: tar(long_name(b"n" * 200), entry("a")), "only zero byte"),
    "GNU long name with two ends": (lambda: tar(long_name(b"a.md\0.exe\0"), entry("a")), "only zero byte"),
    "GNU long name not UTF-8": (lambda: tar(long_name(b"\xff\0"), entry("a")), "not UTF-8"),
    "GNU long name out": (lambda: tar(long_name(b"../x\0"), entry("a")), "leads elsewhere"),
    "GNU long name control": (lambda: tar(long_name(b"a\nb\0"), entry("a")), "control"),
    "GNU long name taken": (lambda: tar(entry("b"), long_name(b"b\0"), entry("a")), "appears twice"),
    "GNU long name of POSIX": (
        lambda: tar(long_name(b"b\0", magic=b"ustar\x0000"), entry("a")),
        "not as GNU tar writes",
    ),
    "GNU long name under a name": (lambda: tar(entry("b", b"b\0", b"L", magic=b"ustar  \0"), entry("a")), "not as GNU"),
    "with and without here": (lambda: tar(entry("./a"), entry("a")), "appears twice"),
    "folders with and without here": (lambda: tar(header("./a", 0, b"5"), header("a", 0, b"5")), "appears twice"),
    "here in another case": (lambda: tar(entry("./A"), entry("a")), "the same as"),
    "here twice": (lambda: tar(header("./", 0, b"5"), header(".", 0, b"5")), "appears twice"),
    "here twice with a prefix": (
        lambda: tar(header("./", 0, b"5"), entry("data-reviewer-1.0.0/a"), header("./", 0, b"5")),
        "appears twice",
    ),
    "folder here within here": (lambda: tar(header("././", 0, b"5")), "leads elsewhere"),
    "folder up from here": (lambda: tar(header("./..", 0, b"5")), "leads elsewhere"),
    "file named here": (lambda: tar(entry("./")), "empty part"),
    "beside folders on macOS": (lambda: zipped(Zipped("n/a"), Zipped("__MACOSX/n/a")), "COPYFILE_DISABLE=1"),
    "a folder as macOS names files": (lambda: tar(entry("._n/pack.yaml")), "COPYFILE_DISABLE=1"),
    "junk that leads elsewhere": (lambda: tar(entry("../x~"), entry("pack.yaml")), "leads elsewhere"),
    "attributes of macOS": (lambda: tar(pax(("SCHILY.xattr.com.apple.x", b"1")), entry("a")), "COPYFILE_DISABLE=1"),
    "GNU sparse": (lambda: tar(entry("a", kind=b"S", magic=b"ustar  \0")), "sparse"),
    "GNU volume": (lambda: tar(entry("a", b"", kind=b"V", magic=b"ustar  \0")), "volume"),
    "GNU part": (lambda: tar(entry("a", kind=b"M", magic=b"ustar  \0")), "volumes"),
    "GNU list": (lambda: tar(entry("a", kind=b"D", magic=b"ustar  \0")), "a list"),
    "GNU times": (lambda: tar(entry("a", magic=b"ustar  \0", prefix=b"12345")), "GNU"),
    "unknown kind": (lambda: tar(entry("a", kind=b"Z")), "unknown kind"),
    "file with a target": (lambda: tar(entry("a", link=b"/etc/passwd")), "target of a link"),
    "folder with content": (lambda: tar(entry("a/", b"x", b"5")), "folder with content"),
    "size in base 256": (lambda: tar(entry("a", octal=b"\x80" + bytes(10) + b"\x01")), "octal"),
    "negative size": (lambda: tar(entry("a", octal=b"-0000000001\0")), "octal"),
    "no size": (lambda: tar(entry("a", octal=bytes(12))), "octal"),
    "size with a remark": (lambda: tar(entry("a", octal=b"00000000001x")), "octal"),
    "zero byte in a name": (lambda: tar(entry(b"a.md\0.exe")), "zero byte"),
    "name that is not UTF-8": (lambda: tar(entry(b"\xff\xfe")), "not UTF-8"),
    "no name": (lambda: tar(entry("")), "empty part"),
    "file named as a folder": (lambda: tar(entry("a/")), "empty part"),
    "folder named slash": (lambda: tar(header("/", 0, b"5")), "folder without a name"),
    "folder that leads out": (lambda: tar(header("../a/", 0, b"5")), "leads elsewhere"),
    "huge size": (lambda: tar(header("a", 8 << 30, octal=b"77777777777\0")), "larger than"),
    "pax size": (lambda: tar(pax(("size", b"1")), entry("a")), "a header with `size`"),
    "pax link": (lambda: tar(pax(("linkpath", b"x")), entry("a")), "a header with `linkpath`"),
    "pax sparse": (lambda: tar(pax(("GNU.sparse.major", b"1")), entry("a")), "a header with `GNU.sparse.major`"),
    "pax charset": (lambda: tar(pax(("hdrcharset", b"BINARY")), entry("a")), "a header with `hdrcharset`"),
    "pax twice": (lambda: tar(pax(("path", b"a"), ("path", b"b")), entry("a")), "twice"),
    "pax empty path": (lambda: tar(pax(("path", b"")), entry("a")), "empty or overlong"),
    "pax overlong path": (lambda: tar(pax(("path", b"a" * 5000)), entry("a")), "empty or overlong"),
    "pax path out": (lambda: tar(pax(("path", b"../x")), entry("a")), "leads elsewhere"),
    "pax zero byte": (lambda: tar(pax(("path", b"a\0b")), entry("a")), "control"),
    "pax not UTF-8": (lambda: tar(pax(("path", b"\xff")), entry("a")), "not UTF-8"),
    "pax surrogate": (lambda: tar(pax(("path", b"\xed\xa0\x80")), entry("a")), "not UTF-8"),
    "pax of nothing": (lambda: tar(entry("a"), pax(("path", b"b"))), "without its entry"),
    "pax twice for one": (lambda: tar(pax(("path", b"b")), pax(("path", b"c")), entry("a")), "two extended headers"),
    "pax bomb": (lambda: tar(pax(("comment", b"x" * 20000)), entry("a")), "header of more than"),
    "pax lying length": (lambda: tar(entry("pax", b"99 path=b\n", b"x"), entry("a")), "cannot be read"),
    "pax length zero": (lambda: tar(entry("pax", b"0 path=b\n", b"x"), entry("a")), "cannot be read"),
    "pax without equals": (lambda: tar(entry("pax", b"7 path\n", b"x"), entry("a")), "cannot be read"),
    "pax without end": (lambda: tar(entry("pax", b"10 path=bb", b"x"), entry("a")), "cannot be read"),
    "pax for all with a path": (lambda: tar(pax(("path", b"b"), kind=b"g"), entry("a")), "a global header"),
    "the same twice": (lambda: tar(entry("a"), entry("a")), "appears twice"),
    "the same folder twice": (lambda: tar(header("a", 0, b"5"), header("a/", 0, b"5")), "appears twice"),
    "in another case": (lambda: tar(entry("Readme.md"), entry("README.md")), "the same as `Readme.md`"),
    "folders in another case": (lambda: tar(entry("A/x"), entry("a/y")), "the same as `A`"),
    "sharp s": (lambda: tar(entry("stra\u00dfe"), entry("STRASSE")), "the same as"),
    "ligature": (lambda: tar(entry("\ufb01le"), entry("file")), "the same as"),
    "with a joiner": (lambda: tar(entry("pack.yaml"), entry("pack\u200d.yaml")), "the same as"),
    "file and folder": (lambda: tar(entry("a"), entry("a/b")), "both a file and a folder"),
    "folder and file": (lambda: tar(entry("a/b"), entry("a")), "both a file and a folder"),
    "file and named folder": (lambda: tar(entry("a"), header("a", 0, b"5")), "both a file and a folder"),
    "too many files": (lambda: tar(*(entry(f"f{n}") for n in range(paths.MAX_FILES + 1))), "more than 2000 files"),
    "too many folders": (
        lambda: tar(*(header(f"f{n}", 0, b"5") for n in range(archive_entries.MAX_ENTRIES + 1))),
        "more than 8000 entries",
    ),
    "file too large": (lambda: tar(header("a", (8 << 20) + 1)), "larger than 8 MiB"),
    "too much": (
        lambda: tar(*(entry(f"f{n}", os.urandom(1 << 10) * (7 << 10)) for n in range(5))),
        "more than 32 MiB",
    ),
    "bomb": (lambda: BOMB, "too large when"),
    "bomb behind the end": (lambda: tar(entry("a"), end=bytes(30 << 20)), "too large when"),
    "zip cut off": (lambda: zipped(Zipped("a"))[:-1], "cut off"),
    "zip without directory": (lambda: b"PK\3\4" + bytes(60), "cut off"),
    "zip with something after": (lambda: zipped(Zipped("a"), after=b"x"), "cut off"),
    "zip with something before": (lambda: zipped(Zipped("a", offset=4), before=b"PK\3\4"), "stray data between"),
    "zip before its start": (lambda: b"PK" + zipped(Zipped("a")), "stray data before its first file"),
    "zip with a comment": (lambda: zipped(Zipped("a"), comment=b"hi"), "not a commit id"),
    "zip with 40 other letters": (lambda: zipped(Zipped("a"), comment=b"g" * 40), "not a commit id"),
    "zip with a commit in capitals": (lambda: zipped(Zipped("a"), comment=b"A" * 40), "not a commit id"),
    "zip with 41 digits": (lambda: zipped(Zipped("a"), comment=b"0" * 41), "not a commit id"),
    "zip with a commit and a line end": (lambda: zipped(Zipped("a"), comment=b"0" * 39 + b"\n"), "not a commit id"),
    "zip with a commit and more": (lambda: zipped(Zipped("a"), comment=b"0" * 40, after=b"x"), "cut off"),
    "zip with a commit and no place": (lambda: zipped(Zipped("a"))[:-2] + b"\x28\0", "cut off"),
    "zip in the comment of a zip": (
        lambda: zipped(Zipped("a"), comment=zipped(Zipped("b"))),
        "stray data before its first file",
    ),
    "zip with a gap": (lambda: zipped(Zipped("a"), between=b"hello"), "stray data between"),
    "zip entry comment": (lambda: zipped(Zipped("a", comment=b"c")), "a comment"),
    "zip of several": (lambda: zipped(Zipped("a", disk=1)), "a part in another archive"),
    "zip counts more": (lambda: zipped(Zipped("a"), count=2), "ends early"),
    "zip counts less": (lambda: zipped(Zipped("a"), Zipped("b"), count=1), "more files in its list"),
    "zip counts too many": (lambda: zipped(Zipped("a"), count=60000), "ends early"),
    "zip link": (lambda: zipped(Zipped("a", b"/etc/passwd", mode=0o120777)), "symbolic link"),
    "zip pipe": (lambda: zipped(Zipped("a", mode=0o010644)), "not a regular file"),
    "zip device": (lambda: zipped(Zipped("a", mode=0o020644)), "not a regular file"),
    "zip folder by mode": (lambda: zipped(Zipped("a", b"", mode=0o040755)), "not a regular file"),
    "zip file named as a folder": (lambda: zipped(Zipped("a/", b"", mode=0o100644)), "not a regular file"),
    "zip folder by attribute": (lambda: zipped(Zipped("a", b"", dos=0x10)), "not a regular file"),
    "zip label": (lambda: zipped(Zipped("a", b"", dos=0x08)), "not a regular file"),
    "zip folder with content": (lambda: zipped(Zipped("a/", b"x", mode=0o040755)), "folder with content"),
    "zip encrypted": (lambda: zipped(Zipped("a", flags=1)), "encrypted"),
    "zip strongly encrypted": (lambda: zipped(Zipped("a", flags=0x41)), "encrypted"),
    "zip masked": (lambda: zipped(Zipped("a", flags=1 << 13)), "packed by a method"),
    "zip patch": (lambda: zipped(Zipped("a", flags=1 << 5)), "packed by a method"),
    "zip bzip2": (lambda: zipped(Zipped("a", method=12)), "packed by a method"),
    "zip deflate64": (lambda: zipped(Zipped("a", method=9)), "packed by a method"),
    "zip encryption method": (lambda: zipped(Zipped("a", method=99)), "packed by a method"),
    "zip64 sizes": (lambda: zipped(Zipped("a", extra=struct.pack("<HHQ", 1, 8, 1))), "zip64"),
    "zip64 sizes in its own header": (lambda: zipped(Zipped("a", local_extra=struct.pack("<HHQ", 1, 8, 1))), "zip64"),
    "zip64 lie": (lambda: zipped(Zipped("a", size=0xFFFFFFFF)), "zip64"),
    "zip other name": (lambda: zipped(Zipped("a", extra=unicode_name(b"b"))), "0x7075 with another name"),
    "zip other name for another": (lambda: zipped(Zipped("a", extra=unicode_name(b"a", of=b"b"))), "another name"),
    "zip other name in its own header": (lambda: zipped(Zipped("a", local_extra=unicode_name(b"b"))), "another name"),
    "zip name told in another way": (lambda: zipped(Zipped("a", extra=unicode_name(b"a", form=2))), "another name"),
    "zip name told by half": (lambda: zipped(Zipped("a", extra=unicode_name(b"a")[:-1])), "another name"),
    "zip name told by nothing": (lambda: zipped(Zipped("a", extra=struct.pack("<HH", 0x7075, 0))), "another name"),
    "zip name told in one header only": (
        lambda: without_flag(zipped(Zipped("\u00fc", extra=unicode_name("\u00fc".encode())))),
        "not marked as UTF-8",
    ),
    "zip name told in the other header only": (
        lambda: without_flag(zipped(Zipped("\u00fc", local_extra=unicode_name("\u00fc".encode())))),
        "not marked as UTF-8",
    ),
    "zip broken extra": (lambda: zipped(Zipped("a", extra=b"\x55\x54\xff\xff")), "extra fields that cannot be read"),
    "zip short extra": (lambda: zipped(Zipped("a", extra=b"abc")), "extra fields that cannot be read"),
    "zip two names": (lambda: zipped(Zipped("a", local_name=b"b")), "differs from the list of files"),
    "zip two sizes": (lambda: zipped(Zipped("a", local_size=7)), "differs from the list of files"),
    "zip checksum": (lambda: zipped(Zipped("a", crc=1)), "its size or checksum"),
    "zip stored and longer": (lambda: zipped(Zipped("a", method=0, size=3)), "its size or checksum"),
    "zip says less": (lambda: zipped(Zipped("a", b"x" * 99, size=9)), "do not agree"),
    "zip says more": (lambda: zipped(Zipped("a", b"x" * 99, size=999)), "its size or checksum"),
    "zip packed cut off": (lambda: zipped(Zipped("a", packed=deflated(b"x" * 999)[:-3], size=999)), "do not agree"),
    "zip packed and more": (lambda: zipped(Zipped("a", packed=deflated(b"x") + b"more")), "do not agree"),
    "zip packed garbage": (lambda: zipped(Zipped("a", packed=b"\xff" * 20)), "does not unpack"),
    "zip overlap": (lambda: zipped(Zipped("a"), Zipped("b", offset=0)), "overlap"),
    "zip entries at one place": (lambda: zipped(Zipped("a"), Zipped("a", offset=0)), "overlap"),
    "zip offset behind": (lambda: zipped(Zipped("a", offset=5000)), "stray data between"),
    "zip later sizes lie": (lambda: zipped(Zipped("a", flags=8, later=LATER[::-1])), "stray data between"),
    "zip later sizes missing": (lambda: zipped(Zipped("a", flags=8)), "stray data between"),
    "zip name not UTF-8": (lambda: zipped(Zipped(b"\xff\xfe")), "not UTF-8"),
    "zip name without the flag": (
        lambda: without_flag(zipped(Zipped("\u00fc"))),
        "not marked as UTF-8",
    ),
    "zip overlong name": (lambda: zipped(Zipped("n" * 3000)), "overlong name"),
    "zip zero byte": (lambda: zipped(Zipped("a\0b")), "control character"),
    "zip twice": (lambda: zipped(Zipped("a"), Zipped("a")), "appears twice"),
    "zip in another case": (lambda: zipped(Zipped("a"), Zipped("A")), "the same as"),
    "zip bomb": (lambda: zipped(Zipped("a", bytes(7 << 20))), "too large when"),
    "zip file too large": (lambda: zipped(Zipped("a", size=1 << 30)), "larger than 8 MiB"),
    "zip too much": (lambda: zipped(*(Zipped(f"f{n}", size=8 << 20) for n in range(5))), "more than 32 MiB"),
    "zip too many": (
        lambda: zipped(*(Zipped(f"f{n}") for n in range(paths.MAX_FILES + 1)), count=9000),
        "more than 2000",
    ),
    "zip of 7,900 files": (lambda: zipped(*(Zipped(f"f{n}", b"") for n in range(7900))), "more than 2000 files"),
    "zip size later lies": (
        lambda: zipped(Zipped("a", flags=8, later=LATER, local_told=(0, 0, 7))),
        "differs from the list of files",
    ),
    "zip checksum later lies": (
        lambda: zipped(Zipped("a", flags=8, later=LATER, local_told=(7, 0, 1))),
        "differs from the list of files",
    ),
    "zip size now lies": (lambda: zipped(Zipped("a", local_told=(0, 0, 1))), "differs from the list of files"),
    **{f"tar: {what}": (partial(tar_of, name), "") for what, name in NAMES.items()},
    **{f"zip: {what}": (partial(zip_of, name), "") for what, name in NAMES.items()},
}
ABC = {"a": b"x", "b/c": b"x"}
LONG = {f"{'d' * 60}/{'e' * 60}/{n * 120}.md": b"x" for n in "ab"}
UMLAUT = unicode_name("\u00fc".encode())
# What is all right, made by others.
BENIGN: Mapping[str, tuple[Callable[[], bytes], Mapping[str, bytes]]] = {
    "no file": (lambda: tar(), {}),
    "no file, zip": (lambda: zipped(), {}),
    "ustar": (lambda: by_library(SHORT.items(), tarfile.USTAR_FORMAT), SHORT),
    "GNU": (lambda: by_library(SHORT.items(), tarfile.GNU_FORMAT), SHORT),
    "pax": (lambda: by_library(FILES.items(), tarfile.PAX_FORMAT), FILES),
    "empty folders": (lambda: by_library([("a", b"1")], folders=("b", "c", "c/d")), {"a": b"1"}),
    "padding": (lambda: tar(entry("a"), end=bytes(10240)), {"a": b"x"}),
    "a remark for all": (lambda: tar(pax(("comment", b"0" * 40), kind=b"g"), entry("a")), {"a": b"x"}),
    "times": (lambda: tar(pax(("mtime", b"1.5"), ("atime", b"2")), entry("a")), {"a": b"x"}),
    "two fields of a name": (lambda: tar(entry("b", prefix=b"a/" * 5 + b"c")), {"a/" * 5 + "c/b": b"x"}),
    "old kind of file": (lambda: tar(entry("a", kind=b"\0")), {"a": b"x"}),
    "stored": (lambda: zipped(Zipped("a", method=0), Zipped("b/", b"", 0, mode=0o040755)), {"a": b"x"}),
    "sizes later": (
        lambda: zipped(Zipped("a", flags=8, later=b"PK\7\x08" + LATER), Zipped("b")),
        {"a": b"x", "b": b"x"},
    ),
    "sizes later, unmarked": (lambda: zipped(Zipped("a", flags=8, later=LATER)), {"a": b"x"}),
    "times of a zip": (lambda: zipped(Zipped("a", extra=struct.pack("<HHBI", 0x5455, 5, 1, 0))), {"a": b"x"}),
    "zip by the library": (lambda: zip_by_library(FILES), FILES),
    "here": (lambda: tar(header("./", 0, b"5"), entry("./a"), header("./b/", 0, b"5"), entry("./b/c")), ABC),
    "here, without its folder": (lambda: tar(entry("./a"), entry("./b/c")), ABC),
    "here in a zip": (lambda: zipped(Zipped("./", b"", mode=0o040755), Zipped("./a"), Zipped("./b/c")), ABC),
    "here in a pax header": (lambda: tar(pax(("path", b"./a")), entry("x"), entry("./b/c")), ABC),
    "GNU long name": (lambda: tar(long_name(b"a\0"), entry("x"), long_name(b"./b/c\0"), entry("x")), ABC),
    "GNU long name of a folder": (lambda: tar(long_name(b"b/\0"), header("x", 0, b"5"), entry("a")), {"a": b"x"}),
    "GNU, long": (lambda: by_library(LONG.items(), tarfile.GNU_FORMAT), LONG),
    "a commit in a comment": (lambda: zipped(Zipped("a"), comment=b"0123456789abcdef0123" * 2), {"a": b"x"}),
    "a longer commit in a comment": (lambda: zipped(Zipped("a"), comment=b"0123456789abcdef" * 4), {"a": b"x"}),
    "a name told once more": (
        lambda: zipped(Zipped("a", extra=unicode_name(b"a"), local_extra=unicode_name(b"a"))),
        {"a": b"x"},
    ),
    "a name that says in a field that it is UTF-8": (
        lambda: without_flag(zipped(Zipped("\u00fc", extra=UMLAUT, local_extra=UMLAUT))),
        {"\u00fc": b"x"},
    ),
    "size now, the rest later": (
        lambda: zipped(Zipped("a", flags=8, later=LATER, local_told=(0, 0, 1)), Zipped("b/c")),
        ABC,
    ),
    "as many files as there may be": (
        lambda: zipped(Zipped("d/", b"", mode=0o040755), *(Zipped(f"d/{n}") for n in range(paths.MAX_FILES))),
        {f"d/{n}": b"x" for n in range(paths.MAX_FILES)},
    ),
    "a folder comes late": (lambda: tar(entry("a/b"), header("a/", 0, b"5")), {"a/b": b"x"}),
}


def zip_by_library(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for path, data in files.items():
            file.writestr(path, data)
    return out.getvalue()


@pytest.mark.many
@pytest.mark.parametrize("case", CASES)
def test_a_bad_archive_is_refused_and_says_why(case: str) -> None:
    make, why = CASES[case]
    with pytest.raises(UnsafeArchive) as refused:
        read_archive(make(), "some.tgz", prefix="data-reviewer-1.0.0")
    assert (refused.value.code, refused.value.exit_code) == ("unsafe-archive", 5)
    assert refused.value.message.startswith("some.tgz: ")
    assert why in refused.value.message
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("case", BENIGN)
def test_what_others_write_well_is_read(case: str) -> None:
    make, files = BENIGN[case]
    assert read_archive(make(), "some.tgz") == files


@pytest.mark.parametrize("what", [name for name in NAMES if not name.startswith("version control")])
def test_a_name_that_an_archive_may_not_hold_no_folder_holds_either(what: str) -> None:
    assert path_fault(NAMES[what]) is not None


def test_names_are_told_apart_by_what_they_are_on_the_most_forgiving_system() -> None:
    names = FileNames()
    assert [names.add(path) for path in ("a/b", "a/c", "B", "\u00e9", "a/b")] == [
        *[None] * 4,
        "a name that appears twice",
    ]
    assert names.add("A/d") == "the same as `a` if case and Unicode forms are ignored"
    assert names.folder("a") is None
    assert names.folder("b") is not None


# What other programs write, of the same folder.

REAL: Mapping[str, str] = {
    **{
        f"{tool}, {how}": f"{tool} -czf out.tgz {how}"
        for tool in ("tar --format=gnu", "tar --format=pax", "tar --format=oldgnu", "bsdtar", "bsdtar --format=gnutar")
        for how in ("-C n-1.0 .", "./n-1.0", "n-1.0")
    },
    **{f"bsdtar zip, {how}": f"bsdtar --format=zip -cf out.zip {how}" for how in ("-C n-1.0 .", "./n-1.0", "n-1.0")},
    "git": "cd n-1.0; git archive --format=zip -o ../out.zip HEAD",
    "git, a prefix": "cd n-1.0; git archive --format=zip --prefix=n-1.0/ -o ../out.zip HEAD",
    "git, a tree": "cd n-1.0; git archive --format=zip -o ../out.zip 'HEAD^{tree}'",
    "git, tar": "cd n-1.0; git archive --format=tar.gz -o ../out.tgz HEAD",
}
PLAIN: Mapping[str, str] = {
    "zip": "zip -qr out.zip n-1.0",
    "zip -X": "zip -qrX out.zip n-1.0",
    "zip -D": "zip -qrD out.zip n-1.0",
    "zip, within": "cd n-1.0; zip -qr ../out.zip .",
    "zip, as a stream": "zip -qr - n-1.0 > out.zip",
    "tar --format=ustar": "tar --format=ustar -czf out.tgz ./n-1.0",
    "bsdtar --format=ustar": "bsdtar --format=ustar -czf out.tgz -C n-1.0 .",
}
"""Of names in ASCII, of up to a hundred bytes."""


def folder_of(place: Path, files: Mapping[str, bytes]) -> Path:
    """The folder `n-1.0` with these files, an empty folder, and a commit that has them."""
    folder = write_tree(place / "n-1.0", files)
    (folder / "empty").mkdir()
    return folder


def made_by(command: str, place: Path) -> bytes:
    """The archive that a program makes there."""
    for tool in ("tar", "bsdtar", "zip", "git"):
        if f"{tool} " in command and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    if command.startswith("tar") and b"GNU" not in subprocess.run(["tar", "--version"], capture_output=True).stdout:
        pytest.skip("this tar is not GNU's")
    if "git" in command:
        commit = "git init -q; git add .; git -c user.name=a -c user.email=a@b commit -qm x"
        subprocess.run(commit, shell=True, cwd=place / "n-1.0", check=True)
    subprocess.run(command, shell=True, cwd=place, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if "git" in command:
        shutil.rmtree(place / "n-1.0/.git")
    (archive,) = place.glob("out.*")
    return archive.read_bytes()


@pytest.mark.parametrize("how", REAL)
def test_what_real_programs_write_is_read(how: str, tmp_path: Path) -> None:
    folder_of(tmp_path, FILES)
    assert read_archive(made_by(REAL[how], tmp_path), "x", prefix="n-1.0") == FILES


@pytest.mark.parametrize("how", PLAIN)
def test_what_real_programs_write_of_plain_names_is_read(how: str, tmp_path: Path) -> None:
    plain = {path: data for path, data in SHORT.items() if path.isascii()}
    folder_of(tmp_path, plain)
    assert read_archive(made_by(PLAIN[how], tmp_path), "x", prefix="n-1.0") == plain


@pytest.mark.parametrize("form", ["gztar", "zip"])
@pytest.mark.parametrize("base", [None, "n-1.0", "./n-1.0"])
def test_what_shutil_writes_is_read(form: str, base: str | None, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FILES)
    made = shutil.make_archive(str(tmp_path / "out"), form, folder if base is None else tmp_path, base)
    assert read_archive(Path(made).read_bytes(), "x", prefix="n-1.0") == FILES


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", [".", "./", "n-1.0", "./n-1.0"])
def test_what_tarfile_writes_is_read(form: int, name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, FILES)
    with tarfile.open(tmp_path / "out.tgz", "w:gz", format=form) as file:
        file.add(folder, arcname=name)
    assert read_archive((tmp_path / "out.tgz").read_bytes(), "x", prefix="n-1.0") == FILES


def test_a_folder_that_is_the_root_is_told_what_to_do(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, SHORT)
    with tarfile.open(tmp_path / "out.tgz", "w:gz") as file:
        file.add(folder, arcname="")
    with pytest.raises(UnsafeArchive, match=r"a folder without a name.*pack `\.`"):
        read_archive((tmp_path / "out.tgz").read_bytes(), "x", prefix="n-1.0")


# The folder around.


def test_a_folder_of_the_expected_name_is_taken_off_when_all_lie_in_it() -> None:
    inside = tar(header("n-1.0/", 0, b"5"), entry("n-1.0/pack.yaml"), entry("n-1.0/a/b"))
    assert sorted(read_archive(inside, "x", prefix="n-1.0")) == ["a/b", "pack.yaml"]
    assert sorted(read_archive(inside, "x", prefix="other")) == ["n-1.0/a/b", "n-1.0/pack.yaml"]
    assert sorted(read_archive(inside, "x")) == ["n-1.0/a/b", "n-1.0/pack.yaml"]
    here = tar(header("./", 0, b"5"), header("./n-1.0/", 0, b"5"), entry("./n-1.0/pack.yaml"), entry("n-1.0/a/b"))
    assert sorted(read_archive(here, "x", prefix="n-1.0")) == ["a/b", "pack.yaml"]
    beside = tar(entry("n-1.0/pack.yaml"), entry("b"))
    assert sorted(read_archive(beside, "x", prefix="n-1.0")) == ["b", "n-1.0/pack.yaml"]


@pytest.mark.parametrize("name", ["n-1.0//etc/passwd", "n-1.0/../x", "n-1.0/", "./n-1.0/./x"])
def test_what_is_bad_below_that_folder_is_refused(name: str) -> None:
    with pytest.raises(UnsafeArchive):
        read_archive(tar(entry("n-1.0/a"), entry(name)), "x", prefix="n-1.0")


# The digest of the whole.


def test_another_digest_is_refused_before_a_byte_is_parsed() -> None:
    with pytest.raises(Refused) as refused:
        read_archive(b"anything", "some.tgz", expected="sha256:" + "0" * 64)
    assert refused.value.message == "some.tgz is not the archive that was expected"
    assert refused.value.details[1].endswith(hashlib.sha256(b"anything").hexdigest())
    assert read_archive(ZIP, "x", expected="sha256:" + hashlib.sha256(ZIP).hexdigest())


def test_an_archive_that_is_too_large_is_not_even_looked_at() -> None:
    with pytest.raises(UnsafeArchive, match="larger than 36 MiB"):
        read_archive(bytes(archives.MAX_ARCHIVE_BYTES + 1), "x")


# Writing.


def test_what_is_written_is_the_same_bytes_and_reads_back(tmp_path: Path) -> None:
    assert write_archive(dict(reversed(list(FILES.items()))), prefix="data-reviewer-1.0.0") == GOOD
    assert read_archive(GOOD, "x", prefix="data-reviewer-1.0.0") == FILES
    folder = write_tree(tmp_path / "pack", FILES)
    assert content_digest(read_tree(str(folder)).items()) == content_digest(
        read_archive(GOOD, "x", prefix="data-reviewer-1.0.0").items()
    )


def test_what_is_written_holds_neither_times_nor_owners_and_others_read_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(GOOD)) as file:
        found = {info.name: info for info in file}
        marks = {(info.mode, info.uid, info.gid, info.uname, info.gname, info.mtime) for info in found.values()}
        assert marks == {(0o644, 0, 0, "", "", 0)}
        assert list(found) == [f"data-reviewer-1.0.0/{path}" for path in sorted(FILES)]
    assert GOOD[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"


@pytest.mark.parametrize("path", ["../x", "a//b", "", "con", "a\udc80", "a\ud800", "a\0b"])
def test_no_archive_is_written_that_would_not_be_read(path: str) -> None:
    with pytest.raises(UnsafeArchive):
        write_archive({path: b""}, prefix="n-1.0")
    with pytest.raises(UnsafeArchive):
        write_archive({"a": b""}, prefix=path)


# Laws.

_PART = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\:", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")),
    min_size=1,
    max_size=12,
)
_PATH = st.lists(_PART, min_size=1, max_size=4).map("/".join)


@pytest.mark.campaign
@settings(max_examples=60)
@given(st.dictionaries(_PATH, st.binary(max_size=300), max_size=8))
def test_writing_and_reading_gives_the_same_files(files: dict[str, bytes]) -> None:
    names = FileNames()
    assume(all(names.add(path) is None for path in files))
    assume(all(NOT_CONTENT.isdisjoint(path.lower().split("/")) for path in files))
    assume(not any(is_junk(part) for path in files for part in path.split("/")))
    assert read_archive(write_archive(files, prefix="n-1.0"), "x", prefix="n-1.0") == files


ZIP = zip_by_library(FILES)
SMALL = (
    GOOD,
    ZIP,
    by_library(SHORT.items(), tarfile.GNU_FORMAT, ("e",)),
    zipped(Zipped("a", method=0), Zipped("b")),
    zipped(Zipped("a", method=0), Zipped("\u00fc", extra=UMLAUT, local_extra=UMLAUT), comment=b"0" * 40),
    by_library(LONG.items(), tarfile.GNU_FORMAT),
)


@settings(max_examples=usually(150, thorough=300), suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), st.data())
def test_a_damaged_archive_gives_the_same_files_or_is_refused(archive: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(archive) - 1))
    if data.draw(st.booleans()):
        damaged = archive[:at]
    else:
        damaged = archive[:at] + bytes([archive[at] ^ data.draw(st.integers(1, 255))]) + archive[at + 1 :]
    try:
        found = read_archive(damaged, "x", prefix="data-reviewer-1.0.0")
    except AgentpackError:
        return
    assert found == read_archive(archive, "x", prefix="data-reviewer-1.0.0")


@settings(max_examples=usually(150, thorough=300))
@given(st.binary(max_size=40), st.integers(0, 1023), st.integers(0, 3))
def test_a_tar_with_other_bytes_in_it_is_read_or_refused(noise: bytes, at: int, which: int) -> None:
    plain = bytearray(zlib.decompress(SMALL[2], zlib.MAX_WBITS | 16))
    at += which * 512
    plain[at : at + len(noise)] = noise
    start = at // 512 * 512
    if plain[start + 257 : start + 262] == b"ustar":  # a header that fits its checksum goes further
        plain[start + 148 : start + 156] = b" " * 8
        plain[start + 148 : start + 156] = b"%06o\0 " % sum(plain[start : start + 512])
    with suppress(AgentpackError):
        read_archive(gzipped(bytes(plain)), "x")


def test_every_byte_of_a_small_zip_counts() -> None:
    archive = SMALL[3]
    whole = read_archive(archive, "x")
    for at in range(len(archive)):
        for bit in range(8):
            damaged = archive[:at] + bytes([archive[at] ^ 1 << bit]) + archive[at + 1 :]
            with suppress(AgentpackError):
                assert read_archive(damaged, "x") == whole


# Memory.

_BOUNDED = """
import resource, sys
from agentpack.errors import AgentpackError
from agentpack.input.archives import read_archive
from agentpack.input import tar as tar_files
from agentpack.input import zip as zip_files
data = open(sys.argv[1], "rb").read()
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    read_archive(data, "bomb")
except AgentpackError as error:
    print(error.message)
"""


def bomb(size: int, *, kind: bytes = b"0") -> bytes:
    """A tar.gz that says one file of `size` bytes, all zero."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parts = [packer.compress(header("a", size, kind))]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.flush()])


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "a file of 256 MiB": lambda: bomb(256 << 20),
    "a file of 8 MiB": lambda: bomb(8 << 20),
    "a header of 256 MiB": lambda: bomb(256 << 20, kind=b"x"),
    "zeros after the end": lambda: tar(entry("a"), end=bytes(128 << 20)),
    "a zip that says one byte": lambda: zipped(Zipped("a", packed=deflated(bytes(128 << 20)), size=1)),
    "a zip that says 7 MiB": lambda: zipped(Zipped("a", packed=deflated(bytes(128 << 20)), size=7 << 20)),
}


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("which", BOMBS)
def test_a_bomb_stops_with_little_memory(which: str, tmp_path: Path) -> None:
    place = tmp_path / "bomb"
    place.write_bytes(BOMBS[which]())
    command = [sys.executable, "-c", _BOUNDED, str(place), "24"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("bomb: "), done.stderr


def test_headers_are_bounded_too() -> None:
    assert tar_files.MAX_PAX_BYTES < 1 << 20
    assert padded(b"x" * 513) == b"x" * 513 + bytes(511)
