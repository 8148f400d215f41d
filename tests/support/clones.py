"""Two clones of one repository, moved by real git, by agentpack and by their users; and what is in each of them.

Decides how a clone is made and looked at. What may happen to it and what must hold is told by the test.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack, Ran
from support.trees import STATE, tree

from agentpack.disk import Disk
from agentpack.errors import AgentpackError
from agentpack.model.names import Digest
from agentpack.store import Store

LOCK, MANIFEST = "agentpack.lock", "agentpack.yaml"
PACKS = "packs"
FOLDERS = {"claude": ".claude/agents", "codex": ".codex/agents"}
LINE = re.compile(r"mine-[0-9]{4}")
"""What a user wrote: every line of his holds one of these, and no two hold the same."""
_RULE = re.compile(r"(?:alpha|beta)-(?:r[0-9]+|shout|whisper)\b")
_FIELD = re.compile(r"([a-z_]+)\s*[:=] ")

# What there is to install.

RELEASES: Mapping[str, Mapping[str, tuple[list[str], Mapping[str, int]]]] = {
    "alpha": {
        "1.0.0": (["read", "search"], {"r1": 0, "r2": 0, "r3": 0, "r4": 0, "r5": 0, "r6": 0}),
        "1.1.0": (["read", "search"], {"r1": 0, "r2": 1, "r3": 0, "r4": 0, "r5": 0, "r6": 0, "r7": 1}),
        "1.2.0": (["read", "search", "shell"], {"r1": 0, "r2": 1, "r3": 2, "r5": 0, "r6": 2, "r7": 1}),
        "1.3.0": (["read", "search"], {"r8": 3, "r1": 0, "r2": 1, "r3": 3, "r5": 0, "r6": 2, "r7": 1}),
        "2.0.0": (["read", "edit"], {"r6": 2, "r1": 4, "r2": 1, "r3": 3, "r8": 3, "r9": 4}),
    },
    "beta": {
        "1.0.0": (["read"], {"r1": 0, "r2": 0, "r3": 0, "r4": 0}),
        "1.1.0": (["read", "web"], {"r1": 0, "r2": 1, "r3": 0, "r4": 0, "r5": 1}),
        "1.2.0": (["read"], {"r1": 0, "r2": 1, "r3": 2, "r5": 1}),
    },
}
"""By pack and version what a persona may use, and its rules with the release that reworded each last."""


def _files(name: str, version: str) -> dict[str, bytes]:
    tools, rules = RELEASES[name][version]
    lines = "".join(f"- {name}-{rule} is worded as of {since}. {{#{rule}}}\n" for rule, since in rules.items())
    loud = variant_text(f"## Rules {{#rules}}\n\n- {name}-shout in {version[0]}. {{#shout}}\n")
    quiet = variant_text(f"## Rules {{#rules}}\n\n- {name}-whisper in {version[:3]}. {{#whisper}}\n", remove=["r1"])
    description = f"Works as {name} of {version}."
    text = persona_text(
        name, f"You are {name}. {{#identity}}\n\n## Rules {{#rules}}\n\n{lines}", tools=tools, description=description
    )
    return make_pack(name, version, personas={name: text}, variants={f"{name}/loud": loud, f"{name}/quiet": quiet})


def publish_all(folder: Path) -> Path:
    """The folder of packs with every release in it."""
    return publish(folder, *(_files(name, version) for name, versions in RELEASES.items() for version in versions))


class Text(NamedTuple):
    """What a release renders to for a client."""

    pack: str
    version: str
    client: str
    content: bytes
    capabilities: tuple[str, ...]


def catalog(box: Path) -> dict[str, Text]:
    """Every text that the releases can give, by its sha256."""
    project = box / "project"
    publish_all(project / PACKS)
    (project / MANIFEST).write_text(f"schema: 1\nsources: [{{name: {PACKS}, path: {PACKS}}}]\n")
    found = {}
    agentpack = Agentpack(project)
    for name, versions in RELEASES.items():
        for version in versions:
            for variants in ("", "[loud]", "[quiet]", "[loud,quiet]"):
                for client in FOLDERS:
                    words = ("render", f"{name}{variants}=={version}", "--client", client)
                    data = agentpack(*words, "--json").envelope["data"]
                    text = Text(name, version, client, data["text"].encode(), tuple(data["capabilities"]))
                    found[hashlib.sha256(text.content).hexdigest()] = text
    return found


# What is in a clone.


class Row(NamedTuple):
    """A file of the lock."""

    path: str
    client: str
    pack: str
    sha256: str
    capabilities: tuple[str, ...]
    release: str | None
    """The version of its release; None in a row of a pack that the lock does not name."""


class Locked(NamedTuple):
    """A lock: versions by pack, rows by path."""

    packs: Mapping[str, str]
    rows: Mapping[str, Row]


def sides(data: bytes | None) -> tuple[Locked, ...]:
    """What a lock says: one value, none where it is not there or is broken. Both sides of a merge, where git left
    markers or, having merged the lines, rows of both for one path.
    """
    if data is None:
        return ()
    texts: tuple[list[str], list[str]] = ([], [])
    into = (0, 1)
    for line in data.decode().splitlines():
        if line.startswith("<<<<<<< "):
            into = (0,)  # type: ignore[assignment]
        elif line == "=======":
            into = (1,)  # type: ignore[assignment]
        elif line.startswith(">>>>>>> "):
            into = (0, 1)
        else:
            for side in into:
                texts[side].append(line)
    try:
        found = [
            _locked(data["packs"][::step], data["files"][::step])
            for data in (json.loads("\n".join(text)) for text in texts)
            for step in (-1, 1)
        ]
    except (ValueError, KeyError):
        return ()
    return tuple(one for number, one in enumerate(found) if one not in found[:number])


def _locked(pack_rows: Iterable[Mapping[str, Any]], file_rows: Iterable[Mapping[str, Any]]) -> Locked:
    """What the rows say; the last of two for one path or pack counts. With variants of its user a release may read like
    another one, so that none is told then.
    """
    pack_rows = tuple(pack_rows)
    packs = {pack["name"]: pack["version"] for pack in pack_rows}
    varied = {pack["name"] for pack in pack_rows if pack.get("local_variants")}
    rows = {}
    for file in file_rows:
        words = tuple(file["capabilities"].split(", ")) if file.get("capabilities") else ()
        named = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", json.dumps(file.get("release", packs.get(file["pack"]))))
        release = named[0] if named and file["pack"] not in varied else None
        rows[file["path"]] = Row(file["path"], file["client"], file["pack"], file["sha256"], words, release)
    return Locked(packs, rows)


class View(NamedTuple):
    """A clone at one moment."""

    files: Mapping[str, bytes]
    """The working tree, without git's folder, agentpack's state and the packs."""
    locks: tuple[Locked, ...]
    """See `sides`."""
    bases: Mapping[str, frozenset[str]]
    """By path the sha256 of the text that a file was written from; more than one where the lock has two sides."""
    generation: int
    left: frozenset[str] = frozenset()
    """Files that git does not track, and whose rows it moved."""

    def text(self, path: str) -> str:
        """What a file says."""
        return self.files[path].decode()

    def lines(self, paths: Iterable[str] | None = None) -> frozenset[str]:
        """The lines of users that these files hold, or all files."""
        texts = (self.files.get(path, b"") for path in (self.files if paths is None else paths))
        return lines_in(b"\n".join(texts))

    @property
    def agents(self) -> list[str]:
        """The paths of agent files."""
        return [path for path in self.files if path.startswith(tuple(f"{folder}/" for folder in FOLDERS.values()))]


def lines_in(data: bytes) -> frozenset[str]:
    return frozenset(LINE.findall(data.decode(errors="replace")))


def parts(data: bytes) -> dict[str, tuple[str, ...]]:
    """The lines of an agent file by what they are: a rule of a pack, a field of the header, a line of a user."""
    found: dict[str, tuple[str, ...]] = {}
    for line in data.decode(errors="replace").splitlines():
        known = _RULE.search(line) or LINE.search(line)
        field = None if known else _FIELD.match(line)
        if name := known[0] if known else field and f"header {field[1]}":
            value = re.sub(r"[\"' ]", "", line) if field else line
            found[name] = tuple(sorted((*found.get(name, ()), value)))
    return found


def deviations(base: bytes, file: bytes) -> frozenset[str]:
    """What of a file is not as in the text it was written from."""
    one, other = parts(base), parts(file)
    return frozenset(name for name in {*one, *other} if one.get(name) != other.get(name))


# The clones.


class Clone:
    """A working copy with a home of its own."""

    def __init__(self, name: str, world: "World") -> None:
        self.name = name
        self.world = world
        self.folder = world.box / name
        self.saved = world.box / f"{name}-state"
        self.left: dict[int, tuple[bytes | None, ...]] = {}
        """Manifest and lock as the command behind each generation left them."""
        self.left_saved: dict[int, tuple[bytes | None, ...]] = {}
        self.begin()

    def begin(self) -> None:
        """Clone, into an empty folder, by a user who never did it before."""
        for folder in (self.folder, self.saved):
            shutil.rmtree(folder, ignore_errors=True)
        self.home = self.world.box / f"home-{self.name}-{self.world.number()}"
        self.home.mkdir()
        self.left = {}
        self.world.git(self.world.box, "clone", "--local", "bare", self.name)

    def git(self, *words: str) -> tuple[int, str]:
        """Run git. Returns its exit code and what it said."""
        return self.world.git(self.folder, *words)

    def agentpack(self, *words: str) -> Ran:
        """Run the command line."""
        return self.world.agentpack(self.folder, self.home, *words)

    @property
    def branch(self) -> str:
        return self.git("branch", "--show-current")[1].strip()

    def forget_state(self) -> None:
        """Delete the state folder."""
        shutil.rmtree(self.folder / STATE, ignore_errors=True)
        self.left = {}

    def save_state(self) -> None:
        """Keep a copy of the state folder, as a CI cache does."""
        shutil.rmtree(self.saved, ignore_errors=True)
        if (self.folder / STATE).is_dir():
            shutil.copytree(self.folder / STATE, self.saved)
        self.left_saved = dict(self.left)

    def restore_state(self) -> None:
        """Bring back the copy of the state folder, if there is one."""
        if self.saved.is_dir():
            self.forget_state()
            shutil.copytree(self.saved, self.folder / STATE)
            self.left = dict(self.left_saved)

    @property
    def store(self) -> Store:
        return Store(Disk({"": str(self.folder), "$state": str(self.folder / STATE)}))

    @property
    def is_torn(self) -> bool:
        """Whether git waits for a conflict to be settled."""
        heads = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
        return any((self.folder / ".git" / head).exists() for head in heads) or bool(self.unmerged)

    @property
    def unmerged(self) -> list[str]:
        return self.git("diff", "--name-only", "--diff-filter=U")[1].split()

    def look(self) -> View:
        """What is in the clone now."""
        found = tree(self.folder, without=(".git", STATE, PACKS))
        files = {path: data for path, data in found.items() if not path.endswith("/")}
        locks = sides(files.get(LOCK))
        bases: dict[str, set[str]] = {}
        for row in (row for lock in locks for row in lock.rows.values()):
            bases.setdefault(row.path, set()).add(row.sha256)
        store = self.store
        newest = store.generations.latest()
        recorded = {file.path: file.rendered.removeprefix("sha256:") for file in newest.files} if newest else {}
        moved = {path for path in recorded if path in bases and bases[path] != {recorded[path]}}
        if moved:
            moved -= set(self.git("ls-files", *moved)[1].split())
            bases.update({path: {recorded[path]} for path in moved})
        for digest in {digest for found in bases.values() for digest in found} - self.world.texts.keys():
            with suppress(AgentpackError):  # another clone made it
                self.world.texts[digest] = store.blobs.get(Digest(f"sha256:{digest}"))
        frozen = {path: frozenset(found) for path, found in bases.items()}
        return View(files, locks, frozen, newest.number if newest else 0, frozenset(moved))

    def kept(self) -> frozenset[str]:
        """The lines of users that the store still has."""
        packs = (self.folder / STATE / "blobs").glob("*.pack")
        return lines_in(b"".join(path.read_bytes() for path in packs))


class World:
    """A repository, what there is to install, and how programs run there."""

    def __init__(self, box: Path, texts: Mapping[str, Text], *, inside: bool, ignored: bool) -> None:
        """
        Args:
            texts: what `catalog` gave.
            inside: whether the repository holds the packs; else they lie beside the clones.
            ignored: whether git ignores agent files.
        """
        self.box = box
        self.catalog = texts
        self.texts = {digest: text.content for digest, text in texts.items()}
        """What a digest of the lock means, as far as any clone ever knew it."""
        self._count = 0
        self._variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": str(box / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_EDITOR": "true",
            "GIT_TEMPLATE_DIR": "",
        }
        (box / "gitconfig").write_text(_GITCONFIG)
        self.git(box, "init", "--bare", "bare")
        self.git(box, "clone", "--local", "bare", "seed")
        seed = box / "seed"
        publish_all(seed / PACKS if inside else box / PACKS)
        (seed / "README").write_text("A project.\n")
        if ignored:
            (seed / ".gitignore").write_text("".join(f"/{folder}/\n" for folder in FOLDERS.values()))
        self.git(seed, "add", "--all")
        self.git(seed, "commit", "--message", "begin")
        self.git(seed, "push", "origin", "main")
        self.source = PACKS if inside else f"../{PACKS}"
        self.ignored = ignored

    def number(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return self._count

    def git(self, folder: Path, *words: str) -> tuple[int, str]:
        moment = f"{1_800_000_000 + self.number()} +0000"
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=self._variables | {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def agentpack(self, folder: Path, home: Path, *words: str) -> Ran:
        folders = {"CONFIG_HOME": ".config", "STATE_HOME": ".local/state", "DATA_HOME": ".local/share"}
        os.environ["AGENTPACK_TRUSTED_PLACES"] = str(self.box)
        os.environ.update({"HOME": str(home), **{f"XDG_{key}": str(home / below) for key, below in folders.items()}})
        return Agentpack(folder)(*words, expect=None)


_GITCONFIG = """\
[user]
	name = Ada
	email = ada@example.com
[init]
	defaultBranch = main
[core]
	fsync = none
[gc]
	auto = 0
[advice]
	mergeConflict = false
	detachedHead = false
[pull]
	rebase = false
[maintenance]
	auto = false
"""
