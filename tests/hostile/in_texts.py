"""Texts that show a reader something else than they hold, and archives that hold something else than a pack."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping

from hostile.boxes import Box, Case, Make, good, persona

HEAD = "name: reviewer\ndescription: Reviews.\n"


def _hidden(piece: str) -> Case:
    return Case(persona(HEAD, f"You review{piece} data. {{#identity}}\n"), 5, f"U+{ord(piece[0]):04X}")


TEXTS: Mapping[str, Case] = {
    **{
        f"hidden: {name}": _hidden(piece)
        for name, piece in {
            "escape": "\x1b[31m",
            "title of the terminal": "\x1b]0;owned\x07",
            "clipboard by OSC 52": "\x1b]52;c;ZXZpbA==\x07",
            "backspaces": "\x08\x08\x08\x08",
            "a C1 control": "\x9b31m",
            "zero-width space": "\u200b",
            "zero-width joiner between letters": "\u200d",
            "word joiner": "\u2060",
            "a mark in the middle": "\ufeff",
            "right-to-left override": "\u202eevil",
            "isolates": "\u2066x\u2069",
            "tag characters": "\U000e0065\U000e0076\U000e0069\U000e006c",
            "a run of variation selectors": "\ufe01\ufe02\ufe03\ufe04",
            "selectors of the supplement": "\U000e0100\U000e0101\U000e0102",
            "private use": "\ue000",
            "private use of plane 15": "\U000f0001",
            "a noncharacter": "\ufdd0",
            "an unassigned code point": "\U0001fbff",
            "soft hyphen": "\u00ad",
            "Hangul filler": "\u3164",
            "combining grapheme joiner": "\u034f",
            "line separator": "\u2028",
            "an annotation": "\ufff9",
        }.items()
    },
    "half of a surrogate pair": Case(
        lambda box: box.pack(good(persona=f"---\n{HEAD}---\nYou \ud800.\n".encode("utf-8", "surrogatepass"))),
        5,
        "not-utf-8",
    ),
    "an overlong slash": Case(
        lambda box: box.pack(good(persona=f"---\n{HEAD}---\nYou ".encode() + b"\xc0\xaf.\n")), 5, "not-utf-8"
    ),
    "hidden by an escape in YAML": Case(persona('name: reviewer\ndescription: "Re\\u200bviews."\n'), 5, "U+200B"),
    "hidden in a README": Case(lambda box: box.pack({**good(), "README.md": "See\u202e this.\n"}), 5, "U+202E"),
    "hidden in a file's name": Case(lambda box: box.pack({**good(), "docs/a\u200bb.md": "x"}), 5, "U+200B"),
}


def _tar(change: Callable[[tarfile.TarFile], None], mode: str = "w:gz") -> Make:
    def make(box: Box) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.USTAR_FORMAT) as tar:  # type: ignore[call-overload]
            for path, content in good().items():
                data = content if isinstance(content, bytes) else content.encode()
                row = tarfile.TarInfo(f"bad-1.0.0/{path}")
                row.size = len(data)
                tar.addfile(row, io.BytesIO(data))
            change(tar)
        (box.packs / "bad-1.0.0.tar.gz").write_bytes(buffer.getvalue())

    return make


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", zeros: int = 0) -> Make:
    def add(tar: tarfile.TarFile) -> None:
        data = bytes(zeros) or b"x"
        row = tarfile.TarInfo(name)
        row.type, row.linkname, row.size = kind, link, len(data) if kind == tarfile.REGTYPE else 0
        tar.addfile(row, io.BytesIO(data) if kind == tarfile.REGTYPE else None)

    return _tar(add)


def _archive(data: Callable[[], bytes], name: str = "bad-1.0.0.tar.gz") -> Make:
    def make(box: Box) -> None:
        box.packs.mkdir(exist_ok=True)
        (box.packs / name).write_bytes(data())

    return make


def _zip(*entries: tuple[str, bytes, int]) -> Callable[[], bytes]:
    def data() -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in good().items():
                archive.writestr(f"bad-1.0.0/{path}", content)
            for name, content, mode in entries:
                row = zipfile.ZipInfo(name)
                row.external_attr = mode << 16
                row.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(row, content)
        return buffer.getvalue()

    return data


_P = "bad-1.0.0/"
ARCHIVES: Mapping[str, Case] = {
    "a path that climbs": Case(_entry("../../outside/canary"), 5, ""),
    "an absolute path": Case(_entry("/etc/cron.d/x"), 5, ""),
    "a drive": Case(_entry(_P + "C:/x.md"), 5, ""),
    "a backslash": Case(_entry(_P + "a\\..\\x.md"), 5, ""),
    "a device's name": Case(_entry(_P + "NUL.md"), 5, ""),
    "the same name in other case": Case(_entry(_P + "PACK.YAML"), 5, ""),
    "the same name twice": Case(_entry(_P + "pack.yaml"), 5, ""),
    "a symbolic link": Case(_entry(_P + "x.md", tarfile.SYMTYPE, "/etc/passwd"), 5, ""),
    "a hard link": Case(_entry(_P + "x.md", tarfile.LNKTYPE, _P + "pack.yaml"), 5, ""),
    "a pipe": Case(_entry(_P + "x.md", tarfile.FIFOTYPE), 5, ""),
    "a device": Case(_entry(_P + "x.md", tarfile.CHRTYPE), 5, ""),
    "a folder that is a file": Case(_entry(_P + "pack.yaml/x.md"), 5, ""),
    "a name that is not normal": Case(_entry(_P + "cafe\u0301.md"), 5, ""),
    "a trailing dot": Case(_entry(_P + "x."), 5, ""),
    "a name with and without a dot before it": Case(_entry("./" + _P + "pack.yaml"), 5, "appears twice"),
    "a name with two dots before it": Case(_entry("././" + _P + "x.md"), 5, "leads elsewhere"),
    "a name that climbs behind a dot": Case(_entry("./../../outside/canary"), 5, "leads elsewhere"),
    "an absolute path behind a dot": Case(_entry(".//etc/cron.d/x"), 5, "an absolute path"),
    "what macOS keeps beside files": Case(_entry(_P + "__MACOSX/x.md"), 5, "COPYFILE_DISABLE=1"),
    "bytes that are no archive": Case(_archive(lambda: os.urandom(512)), 5, ""),
    "an empty file": Case(_archive(lambda: b""), 5, ""),
    "half of an archive": Case(_archive(lambda: b"\x1f\x8b\x08\x00" + b"\x00" * 20), 5, ""),
    "a bomb of zeros": Case(_entry(_P + "zeros.bin", zeros=64 << 20), 5, ""),
    "a zip with a path that climbs": Case(
        _archive(_zip(("../../outside/canary", b"x", 0o100644)), "bad-1.0.0.zip"), 5, ""
    ),
    "a zip with a link": Case(_archive(_zip((_P + "x", b"/etc/passwd", 0o120777)), "bad-1.0.0.zip"), 5, ""),
    "a zip bomb": Case(_archive(lambda: _zip((_P + "x.bin", bytes(64 << 20), 0o100644))(), "bad-1.0.0.zip"), 5, ""),
    "a zip of 7,900 files": Case(
        _archive(_zip(*((f"{_P}{n}.md", b"", 0o100644) for n in range(7900))), "bad-1.0.0.zip"),
        5,
        "more than 2000 files",
    ),
    "a zip with a comment": Case(_archive(lambda: _zip()()[:-2] + b"\2\0hi", "bad-1.0.0.zip"), 5, "not a commit id"),
    "a zip behind other bytes": Case(_archive(lambda: b"#!/bin/sh\n" + _zip()(), "bad-1.0.0.zip"), 5, ""),
    "a zip before other bytes": Case(_archive(lambda: _zip()() + b"tail", "bad-1.0.0.zip"), 5, ""),
    "another pack inside": Case(_archive(_zip(("pack.yaml", b"name: bat", 0o100644)), "bad-1.0.0.zip"), 2, ""),
}
