"""What a hostile input is made in, and what it must come to."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from support.packs import BODY, make_pack, persona_text
from support.trees import write_tree


class Box(NamedTuple):
    """A project, a folder of packs beside it, a home, and a place that nothing may touch."""

    project: Path
    packs: Path
    home: Path
    outside: Path

    def pack(self, files: Mapping[str, str | bytes], place: str = "bad") -> None:
        """Put a pack's files into the folder of packs, as they are."""
        write_tree(self.packs / place, files)


Make = Callable[[Box], None]
INSTALL = ("install", "bad", "--source", "{packs}")


class Case(NamedTuple):
    """A hostile input: how it is made, the command that meets it, and the end that this must have."""

    make: Make
    exit_code: int
    says: str
    """What the words of the error have in them."""
    words: tuple[str, ...] = INSTALL
    environment: Mapping[str, str] = {}
    quiet_project: bool = True
    """Nothing in the project may change."""


def good(**changes: str | bytes | None) -> dict[str, str | bytes]:
    """The files of a harmless pack named `bad`, some of them exchanged, or taken out for None.

    A key names a file: `pack` is pack.yaml, `persona` the only persona, `variant` its only variant.
    """
    files: dict[str, str | bytes] = dict(make_pack("bad", personas={"reviewer": persona_text()}))
    names = {"pack": "pack.yaml", "persona": "personas/reviewer.md", "variant": "variants/reviewer/extra.md"}
    for key, content in changes.items():
        path = names.get(key, key)
        if content is None:
            files.pop(path)
        else:
            files[path] = content
    return files


MANIFEST = "schema: 1\nname: bad\nversion: 1.0.0\ndescription: Reviews data.\n"


def manifest(more: str = "", head: str = MANIFEST) -> Make:
    """A pack with another `pack.yaml`."""
    return lambda box: box.pack(good(pack=head + more))


def persona(header: str, body: str = BODY) -> Make:
    """A pack whose persona has this header, as text."""
    return lambda box: box.pack(good(persona=f"---\n{header}---\n{body}"))


def variant(header: str, body: str = "") -> Make:
    """A pack with a variant `extra` whose header is this text."""
    return lambda box: box.pack(good(variant=f"---\n{header}---\n{body}"))


def project_file(path: str, content: str | bytes) -> Make:
    """A file in the project, beside a harmless pack."""

    def make(box: Box) -> None:
        box.pack(good())
        write_tree(box.project, {path: content})

    return make


def link(place: str, target: str) -> Make:
    """A link in the project, beside a harmless pack. `{outside}` stands for the place that nothing may touch."""

    def make(box: Box) -> None:
        box.pack(good())
        here = box.project / place
        here.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target.format(outside=box.outside), here)

    return make
