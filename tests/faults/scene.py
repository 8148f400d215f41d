"""One transaction that does everything a transaction can, and what must hold whatever becomes of it."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.crashing_disk import CrashingDisk

from agentpack.apply import RecoveryResult, Step, recover, transact
from agentpack.disk import Disk
from agentpack.model.history import Generation, InstalledFile, RecordedDocument
from agentpack.model.names import Digest, digest_of
from agentpack.store import Store, layout
from agentpack.store.process_lock import process_lock

Tree = dict[str, tuple[bytes, int] | None]
FIRST = {
    ".claude/agents/replaced.md": b"replaced, first text\n" * 50,
    ".claude/agents/deleted.md": b"deleted, first text\n" * 50,
    ".claude/agents/edited.md": b"edited, first text\n" * 50,
    ".claude/agents/kept.md": b"kept, only text\n" * 50,
    ".claude/old/agents/lonely.md": b"lonely\n",
    "agentpack.yaml": b"schema: 1\n",
}
SECOND = {
    ".claude/agents/replaced.md": b"replaced, second text\n" * 60,
    ".claude/agents/edited.md": b"edited, second text\n" * 60,
    ".claude/agents/kept.md": FIRST[".claude/agents/kept.md"],
    ".claude/agents/read-only.md": b"read-only, second text\n",
    ".codex/agents/new.md": b"new\n" * 70,
    "agentpack.yaml": b"schema: 1\npacks: []\n",
}
EDIT = b"what the user made of it\n"
FOREIGN = b"written by hand\n"


def roots(box: Path) -> dict[str, str]:
    """The roots of a project in a folder."""
    return {"": str(box), "$state": str(box / ".agentpack/state")}


def tree(box: Path) -> Tree:
    """All below a folder but the state: None for a folder, else bytes and permissions."""
    found: Tree = {}
    for folder, _, files in os.walk(box):
        where = Path(folder)
        if ".agentpack" in where.parts:
            continue
        found[str(where.relative_to(box))] = None
        for name in files:
            path = where / name
            mode = stat.S_IMODE(path.lstat().st_mode)
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(box))] = (content, mode)
    found.pop(".", None)
    found.pop(".agentpack", None)
    return found


def generation(
    number: int, contents: Mapping[str, bytes], modes: Mapping[str, int], *, before: Generation | None
) -> Generation:
    """The record of a transaction after which these contents are installed."""
    files = {path: data for path, data in contents.items() if path.endswith(".md")}
    return Generation(
        number=number,
        parent=number - 1,
        time="2026-11-23T10:00:00Z",
        command="install",
        pins=("python-engineer 1.0.0",),
        files=tuple(
            InstalledFile(path, "claude", "pack", path, digest_of(data), digest_of(data), modes[path])
            for path, data in files.items()
        ),
        documents=tuple(
            RecordedDocument(path, digest_of(data), modes[path]) for path, data in contents.items() if path not in files
        ),
        folders=before.folders if before else (),
    )


def change(
    disk: Disk, contents: Mapping[str, bytes], *, deleted: tuple[str, ...] = (), modes: Mapping[str, int] | None = None
) -> Generation:
    """Make a transaction out of what is on the disk and what should be; `modes` where they are to change."""
    store = Store(disk)
    before = store.generations.latest()
    number = store.generations.current() + 1

    def steps() -> Iterator[Step]:
        for path, data in contents.items():
            seen = disk.look(path)
            yield Step(path, seen.digest if seen else None, data, (modes or {}).get(path))
        for path in deleted:
            seen = disk.look(path)
            assert seen is not None
            yield Step(path, seen.digest, None)

    def record(modes: Mapping[str, int]) -> Generation:
        return generation(number, contents, modes, before=before)

    return transact(disk, store, steps=steps(), generation=record, blobs=[b"a pristine text"])


def first(box: Path) -> None:
    """The state before: a first generation, then an edit, a file of nobody's and one that is read-only."""
    box.mkdir(parents=True)
    with CrashingDisk(roots(box), sync=False) as disk, process_lock(disk):
        change(disk, FIRST)
    agents = box / ".claude/agents"
    (agents / "edited.md").write_bytes(EDIT)
    (agents / "edited.md").chmod(0o640)
    (agents / "foreign.md").write_bytes(FOREIGN)
    (agents / "replaced.md").chmod(0o600)
    (agents / "read-only.md").write_bytes(b"read-only, first text\n")
    (agents / "read-only.md").chmod(0o444)


def second(disk: Disk) -> Generation:
    """The transaction under test: creates, replaces, deletes, changes a mode, makes folders and empties others."""
    with process_lock(disk):
        recover(disk, Store(disk))
        gone = (".claude/agents/deleted.md", ".claude/old/agents/lonely.md")
        return change(disk, SECOND, deleted=gone, modes={".claude/agents/kept.md": 0o640})


def recovered(box: Path) -> RecoveryResult | None:
    """What the next command does first."""
    with CrashingDisk(roots(box), sync=False) as disk, process_lock(disk):
        return recover(disk, Store(disk))


def assert_clean(box: Path, *, of_scene: bool = True) -> None:
    """Nothing is left over, and the history agrees with the disk; `of_scene`: it tells what `second` replaced."""
    with Disk(roots(box)) as disk:
        store = Store(disk)
        assert [path for path in tree(box) if ".agentpack-" in path] == []
        state = set(disk.entries(layout.STATE)) - {".gitignore", "lock", "current", "generations", "blobs"}
        assert state == set()
        current = store.generations.current()
        assert store.generations.numbers() == list(range(1, current + 1))
        assert layout.numbers(disk.entries(layout.GENERATIONS), ".json") == store.generations.numbers()
        assert set(store.blobs.numbers()) <= set(store.generations.numbers())
        for number in store.generations.numbers():
            for digest in _digests(store.generations.read(number)):
                assert digest_of(store.blobs.get(digest)) == digest
        latest = store.generations.latest()
        assert latest is not None
        if current > 1:
            for file in latest.files:
                seen = disk.look(file.path)
                assert seen is not None
                assert (seen.digest, seen.mode) == (file.written, file.mode)
            assert not of_scene or {path: mode for path, _, mode in latest.replaced} == {
                ".claude/agents/edited.md": 0o640,
                ".claude/agents/replaced.md": 0o600,
                ".claude/agents/read-only.md": 0o444,
            }


def _digests(record: Generation) -> Iterator[Digest]:
    yield from (file.written for file in record.files)
    yield from (document.written for document in record.documents)
    yield from (digest for _, digest, _ in record.replaced)
