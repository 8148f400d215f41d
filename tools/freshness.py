"""Compare what the bundled packs say of libraries with the package index: `python tools/freshness.py [PACK-FOLDER]...`.

For each rule that names a library (tools/libraries.json says how a text names one) it asks the index for the newest
release, the Python it needs, and words such as "deprecated", and lists the claims that are stale, with the rule's id:

    packs/x/1.0.0/personas/x.md:12: tool-polars: polars: says 2, the newest is 3.1.0 (2027-02-01)

Exit code 0: no claim is stale; 1: some are. Libraries that a text names as retired are `pack check`'s business. The
index is the one that pip is set to, spoken to as the Simple API has it (PEP 691, PEP 700; metadata as PEP 658 says).
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from agentpack.authoring.subject import pieces
from agentpack.commands.pack.authored import AuthoredRelease, open_pack, pack_folders
from agentpack.workspace.workspace import Workspace

ROOT = Path(__file__).parent.parent
QUIET_YEARS = 2
"""Without a release for so long, a library counts as perhaps given up."""
CHECK_DAYS = 120
"""A claim is looked up again after so many days."""
_ENDS = re.compile(r"deprecated|unmaintained|no longer (?:maintained|developed|supported)|end.of.life|superseded", re.I)
_VERSION = re.compile(r"^[\s`*]*(?:asyncio |v)?(\d+(?:\.\d+)*)\b(?!\s*%)")


class Library(NamedTuple):
    """A library as texts name it (a regular expression), and as the index does."""

    name: str
    distribution: str
    pattern: str


class Claim(NamedTuple):
    """A rule that names a library: perhaps with a version, perhaps with the day on which it was checked."""

    file: str
    line: int
    rule: str
    library: Library
    version: str | None
    checked: date | None
    python: str | None
    """The Python that the pack's code must run on by default."""


class Known(NamedTuple):
    """What the index says of a distribution. `newest` None: it is not there."""

    newest: Version | None
    released: date | None = None
    requires_python: str = ""
    yanked: bool = False
    words: str = ""
    """Summary and status, in which an end would be told."""


def libraries(file: Path = ROOT / "tools" / "libraries.json") -> tuple[Library, ...]:
    """The table."""
    rows = json.loads(file.read_text(encoding="utf-8"))["libraries"]
    found = []
    for name, row in rows.items():
        given = {"distribution": row} if isinstance(row, str) else row
        pattern = given.get("pattern", rf"(?<![\w./-]){re.escape(name)}(?![\w-])")
        found.append(Library(name, given.get("distribution", canonicalize_name(name)), pattern))
    return tuple(found)


def claims(authored: AuthoredRelease, known: Iterable[Library]) -> Iterator[Claim]:
    """Every rule of a release that names a library of the table."""
    declared = authored.pack.declarations.get("python_version")
    python = None if declared is None else str(declared.default)
    table = tuple(known)
    subject = authored.subject(None)
    for layer in subject.layers():
        for section, rule in pieces(layer):
            if rule is None:
                continue
            stamp = getattr(rule, "checked", None) or getattr(section, "checked", None)
            checked = date.fromisoformat(stamp) if stamp else None
            for library in table:
                match = re.search(library.pattern, rule.text)
                if match is not None:
                    said = _VERSION.match(rule.text[match.end() :])
                    version = None if said is None else said[1]
                    file, id = subject.place(layer.file), rule.id or ""
                    yield Claim(file, rule.line, id, library, version, checked, python)


def stale(claim: Claim, known: Known, today: date) -> Iterator[str]:
    """Why a claim should be looked at again, in words."""
    if known.newest is None:
        yield "is not on the index"
        return
    when = f"{known.newest} ({known.released})" if known.released else str(known.newest)
    if claim.version is not None and _older(claim.version, known.newest):
        yield f"says {claim.version}, the newest is {when}"
    if known.released is not None and (today - known.released).days > QUIET_YEARS * 365:
        yield f"no release since {when}"
    if known.yanked:
        yield f"the newest release, {when}, was taken back"
    if found := _ENDS.search(known.words):
        yield f"its page says `{found[0].lower()}`"
    if claim.python and known.requires_python and not SpecifierSet(known.requires_python).contains(claim.python):
        yield f"{known.newest} needs Python {known.requires_python}, the pack's code runs on {claim.python}"
    if claim.checked is not None and (today - claim.checked).days > CHECK_DAYS:
        yield f"was checked on {claim.checked}, more than {CHECK_DAYS} days ago"


def _older(said: str, newest: Version) -> bool:
    """Whether the newest release differs from what is said, as far as that goes: `2` is 2.7, `2.1` is not."""
    parts = [int(part) for part in said.split(".")]
    have = [*newest.release, 0, 0, 0, 0]
    return tuple(have[: len(parts)]) > tuple(parts)


class Index:
    """A package index, spoken to by the Simple API."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def known(self, distribution: str) -> Known:
        """What is known of a distribution. Raises OSError when the index cannot be reached."""
        try:
            page = json.loads(self._get(f"{self.url}/{canonicalize_name(distribution)}/"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return Known(None)
            raise
        files = [(version, file) for file in page["files"] if (version := _version_of(page["name"], file)) is not None]
        final = [row for row in files if not row[0].is_prerelease] or files
        if not final:
            return Known(None)
        newest = max(version for version, _ in final)
        mine = [file for version, file in final if version == newest]
        first = min(str(file.get("upload-time", "")) for file in mine)
        return Known(
            newest,
            date.fromisoformat(first[:10]) if first else None,
            next((file["requires-python"] for file in mine if file.get("requires-python")), ""),
            all(file.get("yanked") for file in mine),
            self._words(mine),
        )

    def _words(self, files: Iterable[Mapping[str, Any]]) -> str:
        for file in files:
            if file.get("core-metadata") or file.get("data-dist-info-metadata"):
                metadata = HeaderParser().parsestr(
                    self._get(f"{file['url']}.metadata").decode("utf-8", errors="replace")
                )
                status = [row for row in metadata.get_all("Classifier", []) if "Development Status" in row]
                dead = ["deprecated"] if any("Inactive" in row for row in status) else []
                return " ".join([str(metadata.get("Summary", "")), *dead])
        return ""

    def _get(self, url: str) -> bytes:
        request = urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json, */*;q=0.1"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()  # type: ignore[no-any-return]


def _version_of(name: str, file: Mapping[str, Any]) -> Version | None:
    """The version that a file's name says: of a wheel the second part, of an archive what follows the name."""
    stem = str(file["filename"])
    if stem.endswith(".whl"):
        text = stem.split("-")[1]
    else:
        text = re.sub(r"\.(?:tar\.gz|zip|tar\.bz2|egg)$", "", stem)[len(name) + 1 :]
    try:
        return Version(text)
    except InvalidVersion:
        return None


def pips_index() -> str:
    """The index that pip is set to, as an address."""
    from pip._internal.cli.cmdoptions import index_url
    from pip._internal.configuration import Configuration

    settings = Configuration(isolated=False)
    settings.load()
    values = dict(settings.items())
    found = values.get("global.index-url") or values.get("install.index-url") or values.get(":env:.index-url")
    return str(found or index_url().default)


def main(arguments: list[str] | None = None) -> int:
    """Print what is stale; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", default=[str(ROOT / "packs")], help="packs, or folders of them")
    parser.add_argument("--index", help="the address of a Simple API; pip's unless given")
    parser.add_argument("--today", type=date.fromisoformat, default=date.today(), help="the day to count from")
    given = parser.parse_args(arguments)
    found = [claim for authored in _newest(given.folders) for claim in claims(authored, libraries())]
    index = Index(given.index or pips_index())
    names = sorted({claim.library.distribution for claim in found})
    with ThreadPoolExecutor(8) as pool:
        known = dict(zip(names, pool.map(index.known, names), strict=True))
    lines = [
        f"{claim.file}:{claim.line}: {claim.rule}: {claim.library.name}: {why}"
        for claim in found
        for why in stale(claim, known[claim.library.distribution], given.today)
    ]
    print("\n".join([*lines, f"{len(found)} claims about {len(names)} libraries, {len(lines)} to look at"]))
    return 1 if lines else 0


def _newest(folders: list[str]) -> list[AuthoredRelease]:
    """The newest release of each pack below the folders: older ones stay as they were published."""
    from agentpack.environment import Environment, find_scope

    environment = Environment.current()
    workspace = Workspace(environment, find_scope(environment, root=str(ROOT), user=False, project=False))
    newest: dict[str, AuthoredRelease] = {}
    for folder in pack_folders(workspace, folders):
        authored = open_pack(workspace, folder)
        before = newest.get(authored.pack.name)
        if before is None or Version(before.pack.version) < Version(authored.pack.version):
            newest[authored.pack.name] = authored
    return list(newest.values())


if __name__ == "__main__":
    sys.exit(main())
