"""Projects that came from somebody else: manifests, locks, local variants, clients, folders, links, state."""

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from support.running import Agentpack
from support.trees import write_tree

from agentpack.model.names import digest_of
from hostile.boxes import INSTALL, MANIFEST, Box, Case, Make, good, link, project_file

SYNC = ("sync",)
DIFF = ("diff",)
HEAD = "schema: 1\nclients: [claude]\n"


def _manifest(text: str | bytes) -> Make:
    return project_file("agentpack.yaml", text)


def _installed(change: Callable[[Path], None]) -> Make:
    """A project in which a harmless pack is installed, then something is done to it."""

    def make(box: Box) -> None:
        box.pack(good())
        Agentpack(box.project)("install", "bad", "--source", str(box.packs))
        change(box.project)

    return make


def _lock(change: Callable[[dict[str, Any]], None]) -> Make:
    """An installed project whose lock was changed."""

    def damage(project: Path) -> None:
        file = project / "agentpack.lock"
        data = json.loads(file.read_text())
        change(data)
        file.write_text(json.dumps(data, indent=1))

    return _installed(damage)


def _lock_text(text: str | bytes) -> Make:
    def damage(project: Path) -> None:
        write_tree(project, {"agentpack.lock": text})

    return _installed(damage)


def _state(path: str, content: bytes | Callable[[], bytes] | None) -> Make:
    """An installed project, of whose state one file is exchanged; None makes a folder of it.

    What is large is made when it is written: each fork of the tests copies the table of all that they hold.
    """

    def damage(project: Path) -> None:
        place = project / ".agentpack/state" / path
        found = [place] if "*" not in path else sorted((project / ".agentpack/state").glob(path))
        for file in found:
            file.unlink(missing_ok=True)
            if content is None:
                file.mkdir(parents=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content() if callable(content) else content)

    return _installed(damage)


def _record(change: Callable[[dict[str, Any]], None]) -> Make:
    """An installed project whose only generation was changed."""

    def damage(project: Path) -> None:
        file = project / ".agentpack/state/generations/000001.json"
        data = json.loads(file.read_text())
        change(data)
        file.write_text(json.dumps(data))

    return _installed(damage)


def _journal(*lines: object) -> Make:
    """An installed project with a change that was decided, as these notes say."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return _state("journal", (text + json.dumps(["end", digest_of(text.encode())]) + "\n").encode())


def _file_path(path: str) -> Make:
    return _lock(lambda data: data["files"][0].update(path=path))


def _folder(place: str) -> Make:
    def make(box: Box) -> None:
        box.pack(good())
        (box.project / place).mkdir(parents=True)

    return make


def _fifo(place: str) -> Make:
    def make(box: Box) -> None:
        box.pack(good())
        (box.project / place).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(box.project / place)

    return make


def _lists() -> str:
    return "[" + ",".join(["[]"] * 9_000_000) + "]"


def _more(text: str) -> str:
    """The text of a JSON map with one more key, which holds millions of empty lists."""
    return f'{text.rstrip()[:-1]},"x":{_lists()}}}'


def _with_lists(path: str) -> Make:
    def damage(project: Path) -> None:
        (project / path).write_text(_more((project / path).read_text()))

    return _installed(damage)


MANIFESTS: Mapping[str, Case] = {
    "merge markers": Case(_manifest(HEAD + "<<<<<<< ours\npacks: []\n=======\n>>>>>>> theirs\n"), 2, "agentpack.yaml"),
    "a manifest that is binary": Case(_manifest(b"\x00\xff\xfe"), 2, "agentpack.yaml"),
    "a manifest with an alias": Case(_manifest("schema: 1\nclients: &c [claude]\npacks: *c\n"), 2, "not supported"),
    "a manifest of a megabyte": Case(_manifest("#" + "x" * 1_100_000), 2, "longer than"),
    "a client that is none": Case(_manifest("schema: 1\nclients: [nobody]\npacks: []\n"), 2, "nobody", SYNC),
    "a client with a path": Case(_manifest("schema: 1\nclients: [../x]\n"), 2, "clients", SYNC),
    "a pack twice": Case(_manifest(HEAD + "packs: [bad, bad]\n"), 2, "duplicate entry", SYNC),
    "a pack that nobody has": Case(_manifest(HEAD + "packs: [no-such-pack]\n"), 4, "no-such-pack", SYNC),
    "a rename that climbs": Case(
        _manifest(HEAD + "packs: [{require: bad, as: {reviewer: ../../x}}]\n"), 2, "name", SYNC
    ),
    "a rename to a reserved name": Case(
        _manifest(HEAD + "packs: [{require: bad, as: {reviewer: con}}]\n"), 2, "reserve", SYNC
    ),
    "a source that is no folder": Case(
        _manifest(HEAD + "packs: [bad]\nsources: [{name: x, path: /no/such/folder}]\n"),
        6,
        "the source `x` is missing",
        SYNC,
    ),
    "a source at a device": Case(
        _manifest(HEAD + "packs: [bad]\nsources: [{name: x, path: /dev/zero}]\n"), 6, "the source `x` is missing", SYNC
    ),
    "a source without a name": Case(_manifest(HEAD + "sources: [{path: packs}]\n"), 2, "name", SYNC),
    "a source named like a path": Case(_manifest(HEAD + "sources: [{name: ../x, path: p}]\n"), 2, "name", SYNC),
    "a manifest that is a folder": Case(_folder("agentpack.yaml"), 5, "is not a file"),
    "a manifest that is a pipe": Case(_fifo("agentpack.yaml"), 5, "is not a file"),
    "a schema from the future": Case(_manifest("schema: 2\n"), 2, "newer"),
}
LOCKS: Mapping[str, Case] = {
    "a lock that is no JSON": Case(_lock_text("{"), 2, "not valid JSON", DIFF),
    "a lock with merge markers": Case(_lock_text("{\n<<<<<<< ours\n}\n"), 2, "merge markers", DIFF),
    "an empty lock": Case(_lock_text(""), 2, "agentpack.lock", DIFF),
    "a lock that is a list": Case(_lock_text("[]"), 2, "agentpack.lock", DIFF),
    "a lock that is a number": Case(_lock_text("1e999"), 2, "agentpack.lock", DIFF),
    "a lock of open brackets": Case(_lock_text("[" * 200_000), 2, "agentpack.lock", DIFF),
    "a lock in UTF-16": Case(_lock_text('{"schema": 1}'.encode("utf-16")), 2, "agentpack.lock", DIFF),
    "a lock from the future": Case(_lock(lambda data: data.update(schema=99)), 2, "newer", DIFF),
    "a lock without packs": Case(_lock(lambda data: data.pop("packs")), 2, "agentpack.lock", DIFF),
    "a digest that is none": Case(
        _lock(lambda data: data["packs"][0].update(digest="sha256:xyz")), 2, "not a digest", DIFF
    ),
    "another digest of the pack": Case(
        _lock(lambda data: data["packs"][0].update(digest="sha256:" + "0" * 64)),
        5,
        "not what was locked",
        ("sync", "--frozen"),
    ),
    "a version that is none": Case(
        _lock(lambda data: data["packs"][0].update(version="../../x")), 2, "", ("sync", "--frozen")
    ),
    "a file that is a number": Case(_lock(lambda data: data["files"].append(7)), 2, "agentpack.lock", DIFF),
    "a key that no lock has": Case(_lock(lambda data: data.update(more=1)), 2, "unknown key `more`", DIFF),
    **{
        f"millions of lists, {word}": Case(_with_lists("agentpack.lock"), 2, "more than 1,000,000 values", (word,))
        for word in ("diff", "sync")
    },
    "names that are maps": Case(_lock(lambda data: data.update(clients={"a": 1})), 2, "", DIFF),
}
_FROZEN = ("sync", "--frozen")
DEEP = "/".join("a" * 2_000)
_NO_PATHS = (
    "../../outside/canary",
    "/etc/passwd",
    ".claude/agents/../../../x.md",
    "$HOME/.bashrc",
    "$state/../x",
    "$config/../x",
    ".",
    "a//b",
    "a\x00b",
    DEEP,
)
PATHS: Mapping[str, Case] = {
    **{
        f"a locked file at `{path[:40]}`": Case(_file_path(path), 2, "not the path of a file", _FROZEN)
        for path in _NO_PATHS
    },
    **{
        f"a locked file at `{path}`": Case(_file_path(path), 3, "do not match agentpack.lock", _FROZEN)
        for path in (".git/hooks/pre-commit", ".agentpack/state/current", "", "$config/x", "agentpack.yaml")
    },
}
LINKS: Mapping[str, Case] = {
    "the client's folder leads outside": Case(link(".claude", "{outside}"), 5, "link"),
    "the folder of agents leads outside": Case(link(".claude/agents", "{outside}"), 5, "link"),
    "the agent's file is a link": Case(link(".claude/agents/reviewer.md", "{outside}/canary"), 3, ""),
    "the agent's file is a dangling link": Case(link(".claude/agents/reviewer.md", "{outside}/new"), 3, ""),
    "the manifest is a link": Case(link("agentpack.yaml", "{outside}/canary"), 5, "leads out"),
    "the lock is a link": Case(link("agentpack.lock", "{outside}/canary"), 5, "leads out"),
    "the state folder leads outside": Case(
        link(".agentpack/state", "{outside}"), 0, "was not made by you here", ("status",)
    ),
    "our own folder leads outside": Case(link(".agentpack", "{outside}"), 5, "link"),
    "local variants lead outside": Case(link(".agentpack/variants", "{outside}"), 5, "link"),
    "declared clients lead outside": Case(link(".agentpack/clients", "{outside}"), 5, "link"),
    "the client's folder is a circle": Case(link(".claude", ".claude"), 5, ""),
    "an agent's file is a pipe": Case(_fifo(".claude/agents/reviewer.md"), 3, ""),
    "the client's folder is a file": Case(project_file(".claude", "x"), 5, "is not a folder"),
    "the folder of agents is a file": Case(project_file(".claude/agents", "x"), 5, "is not a folder"),
    "our own folder is a file": Case(project_file(".agentpack", "x"), 5, ""),
}


def _second_name(place: str) -> Make:
    """An installed project with a file that is another name of one outside."""

    def make(box: Box) -> None:
        _installed(lambda project: (project / place).unlink())(box)
        os.link(box.outside / "canary", box.project / place)

    return make


def _set(key: str, place: int | None = None) -> Callable[[str], Callable[[dict[str, Any]], None]]:
    def change(path: str) -> Callable[[dict[str, Any]], None]:
        if place is None:
            return lambda data: data.update({key: [path]})
        return lambda data: data[key][0].__setitem__(place, path)

    return change


_RECORDED = {"file": _set("files", 0), "document": _set("documents", 0), "folder": _set("folders")}
_NOTED: Mapping[str, Callable[[str], list[object]]] = {
    "a folder": lambda path: [["folder", path], ["steps", []], ["leaving", []]],
    "made": lambda path: [["made", path], ["steps", []], ["leaving", []]],
    "a step": lambda path: [["steps", [[path, None, 0, None, 0]]], ["leaving", []]],
    "leaving": lambda path: [["steps", []], ["leaving", [path]]],
}


def _contents_without_end(project: Path) -> None:
    """The store's file becomes three gigabytes that say they are all index."""
    with open(project / ".agentpack/state/blobs/000001.pack", "r+b") as file:
        file.truncate(3 << 30)
        file.seek(0, os.SEEK_END)
        file.write(struct.pack("<QQ8s", 0, (3 << 30) // 48, b"blobs 1\n"))


STATE: Mapping[str, Case] = {
    "the process lock is another name of a file outside": Case(_second_name(".agentpack/state/lock"), 0, "", SYNC),
    "the lock is another name of a file outside": Case(
        _second_name("agentpack.lock"), 0, "", ("lock",), quiet_project=False
    ),
    "an agent's file is another name of a file outside": Case(
        _second_name(".claude/agents/reviewer.md"), 0, "", ("sync", "--on-conflict", "theirs")
    ),
    "current is not a number": Case(_state("current", b"../../x"), 5, "", ("history",)),
    "current is empty": Case(_state("current", b""), 5, "", ("history",)),
    "current is a folder": Case(_state("current", None), 5, "", ("history",)),
    "current is beyond all": Case(_state("current", b"9" * 400), 5, "", ("history",)),
    "a generation is no JSON": Case(_state("generations/*", b"{"), 5, "", ("history",)),
    "a generation is a list": Case(_state("generations/*", b"[]"), 5, "", ("history",)),
    "a generation of brackets": Case(_state("generations/*", b"[" * 100_000), 5, "", ("history",)),
    **{
        f"a recorded {what} at `{path[:40]}`": Case(_record(change(path)), 5, "is damaged", ("status",))
        for path in ("$nosuch/x", "$HOME/x", "../x", DEEP)
        for what, change in _RECORDED.items()
    },
    "a pin without a version": Case(
        _record(lambda data: data.update(pins=["bad"])), 0, "", ("rollback", "0", "--dry-run")
    ),
    **{
        f"a journal that names `{path[:40]}` as {word}": Case(
            _journal(["agentpack journal", 1, 2, ".agentpack-ab-2"], *lines(path)), 5, "cannot be read", ("status",)
        )
        for path in ("$nosuch/x", "../x", DEEP)
        for word, lines in _NOTED.items()
    },
    "notes of an undecided change that name what is no root": Case(
        _state("journal.new", b'["agentpack journal",1,2,".agentpack-ab-1"]\n["folder","$nosuch/x"]\n'),
        0,
        "cleared",
        ("status",),
    ),
    "a generation of millions of lists": Case(
        _with_lists(".agentpack/state/generations/000001.json"), 5, "is damaged", ("diff",)
    ),
    "a journal of millions of lists": Case(
        _state("journal", lambda: _lists().encode()), 5, "cannot be read", ("status",)
    ),
    "a journal of millions of lines": Case(
        _state("journal", lambda: b"[1]\n" * 8_000_000), 5, "cannot be read", ("status",)
    ),
    "a journal of millions of notes": Case(
        _state("journal", lambda: b'["folder",""]\n' * 2_000_000), 5, "cannot be read", ("status",)
    ),
    "a journal with one file twice": Case(
        _journal(
            ["agentpack journal", 1, 2, ".agentpack-ab-2"],
            ["steps", [["a", None, 0, None, 0], ["a", None, 0, None, 0]]],
            ["leaving", []],
        ),
        5,
        "cannot be read",
        ("status",),
    ),
    "contents that say any number of themselves": Case(
        _installed(_contents_without_end),
        5,
        "is damaged",
        ("rollback", "0"),
    ),
    "a journal is binary": Case(_state("journal", b"\x00\xff" * 100), 5, "", ("status",)),
    "a journal is a folder": Case(_state("journal", None), 5, "", ("status",)),
}
VARIANTS: Mapping[str, Case] = {
    "a local variant that is binary": Case(
        project_file(".agentpack/variants/reviewer/house.md", b"\x00\xff"),
        2,
        "house.md",
        ("install", "bad[house]", "--source", "{packs}"),
    ),
    "a local variant that grants hooks": Case(
        project_file(".agentpack/variants/reviewer/house.md", "---\nsummary: x\nset: {hooks: {}}\n---\n"),
        2,
        "unknown key",
        ("install", "bad[house]", "--source", "{packs}"),
    ),
    "a declared client whose folder climbs": Case(
        project_file(".agentpack/clients/mine.yaml", "schema: 1\nproject: ../../outside\n"),
        2,
        "",
        (*INSTALL, "--client", "mine"),
    ),
    "a declared client whose folder is absolute": Case(
        project_file(".agentpack/clients/mine.yaml", "schema: 1\nproject: /etc\n"),
        2,
        "",
        (*INSTALL, "--client", "mine"),
    ),
    "a declared client that writes into git": Case(
        project_file(".agentpack/clients/mine.yaml", "schema: 1\nproject: .git/hooks\nfile: post-commit\n"),
        2,
        "",
        (*INSTALL, "--client", "mine"),
    ),
    "a declared client whose file climbs": Case(
        project_file(".agentpack/clients/mine.yaml", "schema: 1\nproject: agents\nfile: '../{name}.md'\n"),
        2,
        "",
        (*INSTALL, "--client", "mine"),
    ),
    "a declared client with a known name": Case(
        project_file(".agentpack/clients/claude.yaml", "schema: 1\nproject: agents\n"), 2, "comes with agentpack"
    ),
}


# Clones that want to get past a policy, or past what was accepted.


def _against(policy: str, path: str, prepare: Callable[[Box], None] = lambda box: None) -> Make:
    """A project with a source of its own, for a user whose policy says this of `{packs}` and `{project}`."""

    def make(box: Box) -> None:
        box.pack(good())
        prepare(box)
        place = Path(os.environ["XDG_CONFIG_HOME"]) / "agentpack/policy.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(policy.format(packs=box.packs, project=box.project))
        source = path.format(packs=box.packs)
        write_tree(box.project, {"agentpack.yaml": f"{HEAD}sources: [{{name: x, path: '{source}'}}]\npacks: [bad]\n"})

    return make


def _link_to(place: str, to: str = ".") -> Callable[[Box], None]:
    def make(box: Box) -> None:
        here = box.project / place
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(box.packs / to)

    return make


def _own(box: Box) -> None:
    header = f"{MANIFEST}license: GPL-3.0-only\n"
    write_tree(box.project / ".agentpack/packs/bad/0.1.0", good(pack=header.replace("1.0.0", "0.1.0")))


def _without_lock(less: Callable[[Path], None]) -> Make:
    """A pack that only reads is installed; a release with every tool comes out, and the lock goes."""

    def make(box: Box) -> None:
        header = "name: reviewer\ndescription: Reviews.\n"
        box.pack(good(persona=f"---\n{header}tools: [read]\n---\nYou review. {{#identity}}\n"), "bad/1.0.0")
        Agentpack(box.project)("install", "bad", "--source", str(box.packs))
        more = good(pack=MANIFEST.replace("1.0.0", "2.0.0"), persona=f"---\n{header}---\nYou review. {{#identity}}\n")
        box.pack(more, "bad/2.0.0")
        less(box.project / "agentpack.lock")

    return make


def _emptied(lock: Path) -> None:
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "packs": [], "files": []}))


_DENY, _ALLOW = "sources: {{deny: ['{packs}']}}\n", "sources: {{allow: ['{project}/*']}}\n"
CLONES: Mapping[str, Case] = {
    "a denied place by a link": Case(_against(_DENY, "link", _link_to("link")), 5, "`sources.deny`", SYNC),
    "a denied place by two slashes": Case(_against(_DENY, "/{packs}"), 5, "`sources.deny`", SYNC),
    "a denied place by a link to a pack": Case(
        _against(_DENY, "vendor", _link_to("vendor/bad", "bad")), 5, "leads out of the source", SYNC
    ),
    "a pack of a denied place": Case(_against(_DENY, "{packs}/bad"), 5, "`sources.deny`", SYNC),
    "a link in an allowed place": Case(_against(_ALLOW, "vendor", _link_to("vendor")), 5, "`sources.allow`", SYNC),
    "a pack in the place of one's own, and its licence": Case(
        _against("licenses: {{allow: [MIT]}}\n", ".agentpack/packs", _own), 5, "`licenses.allow`", SYNC
    ),
    "a pack in the place of one's own, and its age": Case(
        _against("minimum_age: 30 days\n", ".agentpack/packs", _own), 5, "`minimum_age`", SYNC
    ),
    "a lock that is gone": Case(_without_lock(Path.unlink), 3, "read -> every-tool", ("upgrade", "--yes")),
    "a lock that is emptied": Case(_without_lock(_emptied), 3, "read -> every-tool", SYNC),
}
