"""Inputs that look odd and are fine: each must install."""

import io
import tarfile
import zipfile
from collections.abc import Mapping

from support.packs import BODY

from hostile.boxes import Box, Make, good, manifest, persona

HEAD = "name: reviewer\ndescription: Reviews.\n"


def _text(text: str) -> Make:
    return persona(HEAD, f"You review {text} {{#identity}}\n")


def _packed(name: str, top: str = "", form: int = tarfile.PAX_FORMAT, deep: str = "x") -> Make:
    """The harmless pack as an archive, whose names begin with `top`."""

    def make(box: Box) -> None:
        out = io.BytesIO()
        files = {**good(), f"docs/{deep}.md": "x"}
        if name.endswith(".zip"):
            with zipfile.ZipFile(out, "w") as packed:
                for path, data in files.items():
                    packed.writestr(top + path, data)
                packed.comment = b"0123456789abcdef0123" * 2
        else:
            with tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
                for path, text in {top: "", **files}.items():
                    row = tarfile.TarInfo(top + path if path != top else top)
                    row.type = tarfile.DIRTYPE if path == top else tarfile.REGTYPE
                    row.size = len(text)
                    if row.name:
                        tar.addfile(row, io.BytesIO(text if isinstance(text, bytes) else text.encode()))
        (box.packs / name).write_bytes(out.getvalue())

    return make


BENIGN: Mapping[str, Make] = {
    **{
        f"text: {name}": _text(text)
        for name, text in {
            "an emoji family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
            "a technologist with a skin tone": "\U0001f469\U0001f3fd\u200d\U0001f4bb",
            "a keycap": "1\ufe0f\u20e3",
            "a red heart": "\u2764\ufe0f",
            "the flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
            "a flag of two letters": "\U0001f1e9\U0001f1ea",
            "the rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
            "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "Hindi with a joiner": "\u0915\u094d\u200d\u0937",
            "Bengali": "\u09b0\u200d\u09cd\u09af",
            "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
            "Arabic": "\u0645\u0631\u062d\u0628\u0627",
            "Hebrew": "\u05e9\u05dc\u05d5\u05dd",
            "Chinese and Japanese": "\u6f22\u5b57 \u304b\u306a",
            "Korean": "\ud55c\uad6d\uc5b4",
            "Thai": "\u0e44\u0e17\u0e22",
            "accents that stand apart": "e\u0301",
            "mathematics": "\u2200x\u2208\u211d \U0001d7d9",
            "dashes and quotes": "\u201cso\u201d \u2013 \u2014 \u2026 \u00a0",
            "a line of 100,000 letters": "word " * 20_000,
            "shell and template signs": "$HOME ${x} `id` $(id) %s \\n {x}",
        }.items()
    },
    "line ends of Windows": lambda box: box.pack(good(persona=f"---\n{HEAD}---\n{BODY}".replace("\n", "\r\n"))),
    "a byte-order mark": lambda box: box.pack(good(persona="\ufeff" + f"---\n{HEAD}---\n{BODY}")),
    "no line end at the end": persona(HEAD, "You review. {#identity}"),
    "an empty README": lambda box: box.pack({**good(), "README.md": ""}),
    "a picture": lambda box: box.pack({**good(), "logo.png": b"\x89PNG\r\n\x1a\n\x00\xff"}),
    "a file name with an accent": lambda box: box.pack({**good(), "docs/caf\u00e9.md": "x"}),
    "a description in Japanese": manifest(head="schema: 1\nname: bad\nversion: 1.0.0\ndescription: \u691c\u8a3c\n"),
    "an archive of `.`": _packed("bad-1.0.0.tgz", "./"),
    "an archive of `./bad-1.0.0`": _packed("bad-1.0.0.tgz", "./bad-1.0.0/"),
    "a long name as GNU tar has it": _packed("bad-1.0.0.tgz", "bad-1.0.0/", tarfile.GNU_FORMAT, "n" * 120),
    "a commit in the comment of a zip": _packed("bad-1.0.0.zip"),
    "three hundred files": lambda box: box.pack({**good(), **{f"docs/{n}.md": "x" for n in range(300)}}),
}
