"""A transaction as its caller sees it. What stops in the middle is tested in `faults/`."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from faults.scene import EDIT, FIRST, SECOND, assert_clean, change, first, generation, recovered, roots, second, tree
from support.crashing_disk import CrashingDisk, in_a_child

from agentpack.apply import RecoveryResult, Snapshot, Step, Unfinished, interrupted, recover, transact, unfinished
from agentpack.apply.replay import MAX_CHANGE_BYTES, TouchedFile, refuse_size
from agentpack.apply.signals import Signals, made
from agentpack.disk import FEW, Disk
from agentpack.environment import Environment, project_scope
from agentpack.errors import Bug, Interrupted, Refused, Unavailable
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.names import digest_of
from agentpack.store import Store, layout
from agentpack.store.journal import NOTHING, FileSide, Journal, JournalRow, NewJournal
from agentpack.store.process_lock import process_lock
from agentpack.workspace.workspace import Workspace

_P = ParamSpec("_P")
_T = TypeVar("_T")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "box"
    first(folder)
    return folder


@pytest.fixture
def disk(box: Path) -> Iterator[Disk]:
    with Disk(roots(box)) as disk, process_lock(disk):
        yield disk


def run(disk: Disk, *steps: Step, blobs: tuple[bytes, ...] = ()) -> None:
    store = Store(disk)
    record = generation(store.generations.current() + 1, {}, {}, before=store.generations.latest())
    transact(disk, store, steps=steps, generation=record, blobs=blobs)


# -- what a step does --------------------------------------------------------------------------------------------------


def test_files_are_made_replaced_and_deleted_and_folders_with_them(box: Path) -> None:
    record = second(Disk(roots(box)))
    found = tree(box)
    assert found[".codex/agents/new.md"] == (b"new\n" * 70, 0o666 & ~umask())
    assert ".claude/agents/deleted.md" not in found
    assert ".claude/old" not in found
    assert record.folders == (".claude", ".codex", ".claude/agents", ".codex/agents")
    assert_clean(box)


def test_a_replaced_file_keeps_its_mode_unless_another_is_asked_for(disk: Disk, box: Path) -> None:
    path = ".claude/agents/edited.md"
    run(disk, Step(path, digest_of(EDIT), b"new"))
    assert (box / path).stat().st_mode & 0o777 == 0o640
    run(disk, Step(path, digest_of(b"new"), b"newer", 0o604))
    assert (box / path).stat().st_mode & 0o777 == 0o604
    run(disk, Step(path, digest_of(b"newer"), b"newer", 0o600))
    assert (box / path).stat().st_mode & 0o777 == 0o600


def test_a_read_only_file_is_replaced(disk: Disk, box: Path) -> None:
    path = box / ".claude/agents/read-only.md"
    run(disk, Step(".claude/agents/read-only.md", digest_of(b"read-only, first text\n"), b"new"))
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o444)


def test_a_step_that_changes_nothing_writes_nothing(disk: Disk, box: Path) -> None:
    path = ".claude/agents/kept.md"
    before = (box / path).stat()
    run(disk, Step(path, digest_of(FIRST[path]), FIRST[path]))
    after = (box / path).stat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_what_is_taken_away_unrecorded_is_recorded_and_kept(box: Path) -> None:
    record = second(Disk(roots(box)))
    blobs = Store(Disk(roots(box))).blobs
    replaced = {path: (blobs.get(digest), mode) for path, digest, mode in record.replaced}
    assert replaced == {
        ".claude/agents/edited.md": (EDIT, 0o640),
        ".claude/agents/read-only.md": (b"read-only, first text\n", 0o444),
        ".claude/agents/replaced.md": (FIRST[".claude/agents/replaced.md"], 0o600),  # its mode was not recorded
    }


def test_what_is_taken_away_is_told_once_and_not_where_the_last_record_has_it(disk: Disk) -> None:
    """Neither a file that lies where a variable pointed before, nor one that the caller tells with another text."""
    store, path, before = Store(disk), ".claude/agents/edited.md", digest_of(EDIT)
    row = InstalledFile(path, "claude", "pack", "edited", before, before, 0o640)
    told = (path, digest_of(b"of the caller"), 0o600)
    transact(disk, store, steps=(), generation=generation(2, {}, {}, before=None)._replace(elsewhere=(row,)))
    record = generation(3, {}, {}, before=None)
    assert transact(disk, store, steps=(Step(path, before, b"new"),), generation=record).replaced == ()
    record = generation(4, {}, {}, before=None)._replace(replaced=(told,))
    done = transact(disk, store, steps=(Step(path, digest_of(b"new"), b"newer"),), generation=record)
    assert done.replaced == (told,)


def test_extra_contents_are_kept(disk: Disk) -> None:
    run(disk, blobs=(b"pristine one", b"pristine two"))
    assert Store(disk).blobs.get(digest_of(b"pristine two")) == b"pristine two"


def test_steps_are_taken_one_at_a_time(disk: Disk, box: Path) -> None:
    def steps() -> Iterator[Step]:
        for number in range(3):
            staged = [name for name in os.listdir(box / "many") if number] if number else []
            assert len(staged) == number
            yield Step(f"many/{number}.md", None, b"text")

    store = Store(disk)
    transact(disk, store, steps=steps(), generation=generation(2, {}, {}, before=None))
    assert sorted(os.listdir(box / "many")) == ["0.md", "1.md", "2.md"]


def test_a_very_long_name_has_room_for_its_temporary_one(disk: Disk, box: Path) -> None:
    for length in (150, 200, 201, 220, 240, 255):  # in bytes, which is what is limited
        name = "ä" * ((length - 3) // 2) + "a" * ((length - 3) % 2) + ".md"
        run(disk, Step(name, None, b"text"))
        assert (box / name).read_bytes() == b"text"


def waits(box: Path, files: int, *, spread: bool) -> tuple[int, int]:
    """How often a change that makes so many files waits for the disk, and then one that replaces them."""
    box.mkdir()
    found = []
    with CrashingDisk(roots(box), sync=False) as disk, process_lock(disk):
        disk.calls.clear()  # what the state folder takes, once
        for text in (b"one", b"two"):
            change(disk, {f"a{n if spread else ''}/{n}.md": text for n in range(files)})
            found.append(disk.syncs)
            disk.calls.clear()
    return found[0], found[1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux syncs a file system at once")
@pytest.mark.parametrize("spread", [False, True], ids=["one folder", "a folder each"])
def test_how_often_the_disk_is_waited_for_does_not_grow_with_the_files(tmp_path: Path, spread: bool) -> None:
    some, many = (waits(tmp_path / str(files), files, spread=spread) for files in (FEW + 4, 300))
    assert many <= some
    assert max(many) < min(waits(tmp_path / "few", FEW // 4, spread=spread))


def test_a_further_file_or_folder_costs_one_wait(tmp_path: Path) -> None:
    one, files, folders = (
        waits(tmp_path / str(number), count, spread=spread)
        for number, (count, spread) in enumerate(((1, True), (3, False), (3, True)))
    )
    assert [b - a for a, b in zip(one, files, strict=True)] == [2, 2]
    assert [b - a for a, b in zip(one, folders, strict=True)] == [4, 4]


def test_two_transactions_of_different_states_in_one_folder_leave_each_other_alone(box: Path, disk: Disk) -> None:
    other = Disk({"": str(box), "$state": str(box / ".agentpack/other")})

    def steps() -> Iterator[Step]:
        yield Step(".claude/agents/mine.md", None, b"mine")
        with process_lock(other):
            run(other, Step(".claude/agents/theirs.md", None, b"theirs"))

    transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    assert (box / ".claude/agents/mine.md").read_bytes() == b"mine"
    assert (box / ".claude/agents/theirs.md").read_bytes() == b"theirs"


@pytest.mark.parametrize("fails", [True, False])
def test_the_lock_of_a_killed_process_changes_only_with_what_is_done(box: Path, fails: bool) -> None:
    """Where nothing can be written, a command that only looks leaves it too."""
    with Disk(roots(box)) as disk:
        lock = Path(disk.absolute(layout.LOCK))
        lock.write_bytes(b"31079\n")
        before = lock.stat().st_mtime_ns
        with suppress(Unavailable), process_lock(disk):
            if fails:
                raise Unavailable("nothing can be written")
        assert lock.read_bytes() == (b"31079\n" if fails else b"")
        assert lock.stat().st_mtime_ns == before


# -- what it refuses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        Step(".claude/agents/edited.md", digest_of(FIRST[".claude/agents/edited.md"]), b"new"),
        Step(".claude/agents/edited.md", None, b"new"),
        Step(".claude/agents/edited.md", digest_of(b"else"), None),
        Step(".claude/agents/absent.md", digest_of(b"else"), b"new"),
        Step(".claude/agents/absent.md", digest_of(b"else"), None),
    ],
)
def test_a_file_that_is_not_as_planned_stops_everything(disk: Disk, box: Path, step: Step) -> None:
    before = tree(box)
    with pytest.raises(Unavailable) as caught:
        run(disk, Step("new/folder/x.md", None, b"text"), step)
    assert caught.value.message == "files changed while agentpack worked; nothing was changed"
    assert caught.value.details == (str(box / step.path),)
    assert caught.value.hint == "run the command again"
    assert tree(box) == before
    assert_clean(box)


@pytest.mark.parametrize("act", ["edit", "delete", "create", "chmod", "link", "move the folder"])
def test_a_change_while_files_are_staged_stops_everything(disk: Disk, box: Path, act: str) -> None:
    agents = box / ".claude/agents"
    expected = {}

    def steps() -> Iterator[Step]:
        yield Step(".claude/agents/edited.md", digest_of(EDIT), b"new")
        yield Step(".claude/agents/fresh.md", None, b"new")
        if act == "edit":
            (agents / "edited.md").write_bytes(EDIT.upper())
        elif act == "delete":
            (agents / "edited.md").unlink()
        elif act == "create":
            (agents / "fresh.md").write_bytes(b"theirs")
        elif act == "chmod":
            (agents / "edited.md").chmod(0o600)
        elif act == "link":
            (agents / "edited.md").unlink()
            (agents / "edited.md").symlink_to("foreign.md")
        else:
            agents.rename(box / "moved")
            agents.symlink_to("../moved-elsewhere")
        expected.update({path: found for path, found in tree(box).items() if ".agentpack-" not in path})

    with pytest.raises(Unavailable, match="changed while agentpack worked"):
        transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    assert tree(box) == expected
    assert Store(disk).generations.current() == 1


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
@pytest.mark.parametrize("content", [b"new", None])
def test_only_files_are_replaced_or_deleted(disk: Disk, box: Path, kind: str, content: bytes | None) -> None:
    path = box / ".claude/agents/x.md"
    if kind == "link":
        path.symlink_to("foreign.md")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    what = {"link": "a link", "folder": "a folder", "pipe": "not a file"}[kind]
    for before in (None, digest_of(b"written by hand\n")):
        with pytest.raises(Refused) as refused:
            run(disk, Step(".claude/agents/x.md", before, content))
        assert refused.value.message == f"`{path}` is {what}, which agentpack does not replace or delete"
        assert refused.value.hint == "move it elsewhere, or replace it with a file"
    assert not stat.S_ISREG(path.lstat().st_mode)


def test_a_link_out_of_the_root_stops_everything(disk: Disk, box: Path) -> None:
    (box.parent / "outside").mkdir()
    (box / ".codex").symlink_to("../outside")
    before = tree(box)
    with pytest.raises(Refused, match="leads out"):
        run(disk, Step(".claude/agents/fresh.md", None, b"new"), Step(".codex/agents/x.md", None, b"new"))
    assert tree(box) == before
    assert os.listdir(box.parent / "outside") == []
    assert_clean(box)


@not_root
def test_a_folder_that_cannot_be_written_to_stops_everything(disk: Disk, box: Path) -> None:
    (box / "closed").mkdir(mode=0o500)
    before = tree(box)
    with pytest.raises(Unavailable, match="closed") as caught:
        run(disk, Step(".claude/agents/fresh.md", None, b"new"), Step("closed/x.md", None, b"new"))
    assert caught.value.exit_code == 6
    assert tree(box) == before
    assert_clean(box)


@not_root
def test_a_file_that_cannot_be_deleted_brings_everything_back(disk: Disk, box: Path) -> None:
    (box / "closed").mkdir()
    (box / "closed/x.md").write_bytes(b"text")
    (box / "closed").chmod(0o500)
    before = tree(box)
    with pytest.raises(Unavailable, match="closed"):
        run(
            disk,
            Step(".claude/agents/edited.md", digest_of(EDIT), b"new"),
            Step("closed/x.md", digest_of(b"text"), None),
        )
    assert tree(box) == before
    assert_clean(box)


def test_an_error_of_the_caller_while_making_steps_takes_everything_back(disk: Disk, box: Path) -> None:
    before = tree(box)

    def steps() -> Iterator[Step]:
        yield Step("new/x.md", None, b"text")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    assert tree(box) == before
    assert_clean(box)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files there")
@pytest.mark.parametrize("text", [b"short", b"long" * 100_000])
def test_a_change_that_is_taken_back_leaves_no_file_open(disk: Disk, box: Path, text: bytes) -> None:
    def steps() -> Iterator[Step]:
        yield Step("new/x.md", None, text)
        disk.close()  # the folders, which stay open for the next command
        yield Step("new/x.md", None, text)

    disk.close()
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Bug):
        transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    disk.close()
    assert os.listdir("/proc/self/fd") == before


def test_two_steps_for_one_file_are_a_bug(disk: Disk, box: Path) -> None:
    with pytest.raises(Bug):
        run(disk, Step("x.md", None, b"one"), Step("x.md", None, b"two"))
    assert_clean(box)


def test_a_generation_out_of_turn_means_that_the_history_was_replaced_meanwhile(disk: Disk, box: Path) -> None:
    state = disk.absolute(layout.STATE)
    found = Snapshot(generation(5, {}, {}, before=None), ())
    for number, snapshot in ((5, None), (3, found)):
        with pytest.raises(Unavailable) as caught:
            transact(
                disk,
                Store(disk),
                steps=(),
                generation=generation(number, {}, {}, before=None),
                snapshot=snapshot,
            )
        assert caught.value.message == f"`{state}` was replaced while agentpack worked; nothing was changed"
        assert caught.value.hint == "run the command again"
    assert_clean(box)


@pytest.mark.parametrize("content", [b"new", None])
def test_two_ways_to_one_file_are_refused(disk: Disk, box: Path, content: bytes | None) -> None:
    (box / "linked").symlink_to(".claude")
    before = tree(box)
    paths = (".claude/agents/edited.md", "linked/agents/edited.md")
    with pytest.raises(Refused) as refused:
        run(disk, *(Step(path, digest_of(EDIT), content) for path in paths))
    one, other = (str(box / path) for path in paths)
    assert refused.value.message == f"`{other}` and `{one}` are linked to the same file"
    assert refused.value.hint == "replace the link with a real file"
    assert tree(box) == before
    assert_clean(box)


def test_a_change_of_more_than_all_measure_is_refused() -> None:
    refuse_size(MAX_CHANGE_BYTES)
    with pytest.raises(Refused) as refused:
        refuse_size(MAX_CHANGE_BYTES + 1)
    assert refused.value.message == "one change would write more than 1024 MiB"
    assert refused.value.hint == "install or upgrade fewer packs at once"


def test_a_change_that_can_neither_be_made_nor_taken_back_is_left_to_the_next_command(box: Path) -> None:
    first(box.parent / "probe")
    probe = CrashingDisk(roots(box.parent / "probe"), sync=False)
    second(probe)
    journal = probe.calls.index("rename")
    with CrashingDisk(roots(box), stop_after=journal + 2, error=errno.ENOSPC, lasting=True, sync=False) as disk:
        with pytest.raises(Unfinished) as caught:
            second(disk)
    assert caught.value.code == "unfinished"
    assert caught.value.message == "the change was interrupted; the next agentpack command finishes or undoes it"
    assert len(caught.value.details) == 2
    assert all("No space left on device" in line for line in caught.value.details)
    assert caught.value.hint == "free some space, then run the command again"
    found = recovered(box)
    assert found is not None
    assert found.outcome == "finished"
    assert tree(box) == tree(box.parent / "probe")


# -- recovery ----------------------------------------------------------------------------------------------------------


def killed_after_the_decision(box: Path) -> None:
    probe = CrashingDisk(roots(box), sync=False)
    copy = box.parent / "probe"
    first(copy)
    probe = CrashingDisk(roots(copy))
    second(probe)
    renames = [number for number, call in enumerate(probe.calls) if call == "rename"]
    at = renames[2]  # the journal, one file, and here
    assert in_a_child(lambda: second(CrashingDisk(roots(box), stop_after=at))) == -signal.SIGKILL
    assert interrupted(Store(Disk(roots(box))))


def test_with_nothing_to_recover_nothing_is_changed(box: Path) -> None:
    disk = CrashingDisk(roots(box))
    assert recover(disk, Store(disk)) is None
    assert disk.calls == []
    assert not interrupted(Store(disk))


def test_a_file_edited_after_the_crash_is_left_as_it_is(box: Path) -> None:
    killed_after_the_decision(box)
    (box / ".claude/agents/edited.md").write_bytes(b"edited again")
    (box / "agentpack.yaml").unlink()
    found = recovered(box)
    assert found is not None
    assert (found.outcome, found.number) == ("finished", 2)
    assert set(found.left) == {".claude/agents/edited.md", "agentpack.yaml"}
    assert (box / ".claude/agents/edited.md").read_bytes() == b"edited again"
    assert not (box / "agentpack.yaml").exists()
    assert (box / ".codex/agents/new.md").exists()
    assert [path for path in tree(box) if ".agentpack-" in path] == []


def test_a_killed_change_is_finished_where_its_variable_pointed(tmp_path: Path) -> None:
    """The variable that moves a client's folder says something else in the next command."""
    path = "$CLAUDE_CONFIG_DIR/agents/new.md"

    def disk(box: str, folder: str, stop_after: int | None = None) -> CrashingDisk:
        places = {**roots(tmp_path / box), "$CLAUDE_CONFIG_DIR": str(tmp_path / folder)}
        return CrashingDisk(places, stop_after=stop_after, sync=False, follow_own_links=True)

    def install(disk: CrashingDisk) -> list[str]:
        with disk, process_lock(disk):
            change(disk, {path: b"new"})
        return disk.calls

    for folder in ("probe", "box", "elsewhere", "then", "now"):
        (tmp_path / folder).mkdir()
    calls = install(disk("probe", "elsewhere"))
    at = [number for number, call in enumerate(calls) if call == "rename"][-2]  # the file, then the pointer
    assert in_a_child(lambda: install(disk("box", "then", at))) == -signal.SIGKILL
    assert interrupted(Store(disk("box", "then")))
    with disk("box", "now") as now, process_lock(now):
        assert recover(now, Store(now)) is not None
    assert tree(tmp_path / "then")["agents/new.md"] == (b"new", 0o666 & ~umask())
    assert tree(tmp_path / "now") == {}


def test_permissions_set_after_the_crash_are_left_as_they_are(box: Path) -> None:
    """Of a change that only sets permissions: the text says nothing of the side that the file is on."""
    path = ".claude/agents/edited.md"

    def close(disk: CrashingDisk) -> list[str]:
        with disk, process_lock(disk):
            run(disk, Step(path, digest_of(EDIT), EDIT, 0o600))
        return disk.calls

    first(box.parent / "probe")
    calls = close(CrashingDisk(roots(box.parent / "probe"), sync=False))
    at = [number for number, call in enumerate(calls) if call == "rename"][1]  # the journal, and here
    assert in_a_child(lambda: close(CrashingDisk(roots(box), stop_after=at))) == -signal.SIGKILL
    assert (box / path).stat().st_mode & 0o777 == 0o640
    (box / path).chmod(0o400)
    found = recovered(box)
    assert found is not None
    assert (found.outcome, found.left) == ("finished", (path,))
    assert (box / path).stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("damage", ["blobs/000002.pack", "generations/000002.json"])
def test_what_cannot_be_finished_is_undone(box: Path, damage: str) -> None:
    before = tree(box)
    killed_after_the_decision(box)
    path = box / ".agentpack/state" / damage
    data = path.read_bytes()
    if damage.endswith(".pack"):  # a content that the new state needs, and the old one does not
        for staged in (box / ".codex/agents").iterdir():
            staged.unlink()
        path.write_bytes(data.replace(b"new\nnew\n", b"NEW\nNEW\n"))
    else:
        path.write_bytes(data[:-20])
    found = recovered(box)
    assert found is not None
    assert found.outcome == "undone"
    assert tree(box) == before
    assert_clean(box)


def test_what_an_undone_change_had_stored_is_not_taken_for_stored(box: Path) -> None:
    killed_after_the_decision(box)
    (box / ".agentpack/state/generations/000002.json").write_bytes(b"torn")
    with Disk(roots(box)) as disk, process_lock(disk):
        store = Store(disk)
        found = recover(disk, store)
        assert found is not None
        assert found.outcome == "undone"
        assert not store.blobs.has(digest_of(SECOND[".codex/agents/new.md"]))
        assert store.blobs.has(digest_of(FIRST[".claude/agents/deleted.md"]))
        assert store.blobs.numbers() == [1]


def test_a_change_of_many_files_that_cannot_be_finished_names_the_first_and_counts_the_rest(disk: Disk) -> None:
    rows = tuple(JournalRow(f"{number:02}.md", NOTHING, FileSide(digest_of(b"a"), 0o644)) for number in range(12))
    failed = Unavailable("the disk is full", hint="free some space")
    for count, more in ((10, []), (11, ["and 1 more"]), (12, ["and 2 more"])):
        told = unfinished(disk, Journal(7, ".agentpack-1f-7", (), (), rows[:count], ()), failed)
        named = [f"{disk.absolute(row.path)} is part of it" for row in rows[:10]]
        assert [*told.details] == ["the disk is full", *named, *more]
        assert told.message == "a change was interrupted and cannot be finished yet (generation 7)"
        assert told.hint == "free some space"


def test_a_torn_journal_is_refused_and_nothing_is_touched(box: Path) -> None:
    killed_after_the_decision(box)
    journal = box / ".agentpack/state/journal"
    journal.write_bytes(journal.read_bytes()[:-30])
    before = tree(box)
    with pytest.raises(Refused, match="journal"):
        recovered(box)
    assert tree(box) == before


def test_files_left_by_a_transaction_that_lost_its_notes_are_removed_by_the_next_one(box: Path, disk: Disk) -> None:
    left = box / f".claude/agents/.x.md.agentpack-{disk.node(layout.STATE)[1]:x}-2"
    other = box / ".claude/agents/.x.md.agentpack-0-2"
    left.write_bytes(b"left")
    other.write_bytes(b"of another state")
    disk.create(layout.record(2), b"torn")
    disk.create(layout.pack(2), b"torn")
    disk.create(layout.CURRENT_NEW, b"torn")
    run(disk, Step(".claude/agents/x.md", None, b"text"))
    assert not left.exists()
    other.unlink()
    assert Store(disk).blobs.get(digest_of(b"text")) == b"text"


def test_a_change_waits_to_be_finished_until_it_counts_and_while_nobody_works_on_it(box: Path) -> None:
    killed_after_the_decision(box)
    store = Store(Disk(roots(box)))
    waiting = interrupted(store)
    assert waiting is not None
    assert waiting.number == 2
    with Disk(roots(box)) as other, process_lock(other):
        assert interrupted(store) is None
    assert interrupted(store) == waiting
    (box / ".agentpack/state/current").write_bytes(b"2\n")
    assert interrupted(store) is None


def test_a_change_that_is_finished_tells_every_file_it_wrote_or_deleted(box: Path) -> None:
    before = tree(box)
    killed_after_the_decision(box)
    half, found = tree(box), recovered(box)
    assert found is not None
    expected = {path for path in before.keys() | tree(box).keys() if half.get(path) != tree(box).get(path)}
    expected -= {path for path in expected if ".agentpack-" in path or before.get(path, b"") is None}
    assert (found.outcome, found.number, found.left) == ("finished", 2, ())
    assert dict(found.changed) == {path: path not in tree(box) for path in expected}
    assert len(found.changed) == len(expected) > 2


def test_an_editor_that_saves_while_a_change_is_finished_is_told_as_left(box: Path) -> None:
    killed_after_the_decision(box)
    path = box / ".codex/agents/new.md"
    assert not path.exists()

    class SavingDisk(CrashingDisk):
        """A disk on which somebody makes a file just before the first one is put in its place."""

        def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
            if name == "rename" and "rename" not in self.calls:
                path.write_bytes(b"theirs")
            return super().system(name, call, *args, **kwargs)

    with SavingDisk(roots(box), sync=False) as disk, process_lock(disk):
        found = recover(disk, Store(disk))
    assert found is not None
    assert (found.outcome, found.left) == ("finished", (".codex/agents/new.md",))
    assert ".codex/agents/new.md" not in dict(found.changed)
    assert path.read_bytes() == b"theirs"


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_somebody_puts_in_the_place_of_a_new_file_after_the_crash_stays(box: Path, kind: str) -> None:
    killed_after_the_decision(box)
    place = box / ".codex/agents/new.md"
    if kind == "link":
        place.symlink_to("elsewhere.md")
    else:
        place.mkdir()
    found = recovered(box)
    assert found is not None
    assert (found.outcome, found.left) == ("finished", (".codex/agents/new.md",))
    assert place.is_symlink() if kind == "link" else place.is_dir()


def test_a_folder_that_goes_after_the_crash_with_the_file_to_delete_keeps_nothing_from_being_finished(
    box: Path,
) -> None:
    killed_after_the_decision(box)
    shutil.rmtree(box / ".claude/old")
    with Disk(roots(box)) as disk, process_lock(disk):  # one that syncs: a folder that is gone cannot be
        found = recover(disk, Store(disk))
    assert found is not None
    assert (found.outcome, found.left) == ("finished", ())
    assert_clean(box)


def test_an_empty_folder_from_which_a_new_file_was_taken_after_the_change_counted_stays(box: Path) -> None:
    first(box.parent / "probe")
    probe = CrashingDisk(roots(box.parent / "probe"), sync=False)
    second(probe)
    pointer = [number for number, call in enumerate(probe.calls) if call == "rename"][-1]
    assert in_a_child(lambda: second(CrashingDisk(roots(box), stop_after=pointer + 1))) == -signal.SIGKILL
    (box / ".codex/agents/new.md").unlink()
    before = tree(box)
    assert recovered(box) == RecoveryResult("tidied", 2)
    del before[".claude/old"], before[".claude/old/agents"]
    assert tree(box) == before
    assert not (box / ".agentpack/state/journal").exists()


@pytest.mark.parametrize("harm", ["text", "mode", "both"])
def test_what_was_staged_and_is_not_what_it_was_is_staged_again(box: Path, harm: str) -> None:
    killed_after_the_decision(box)
    (staged,) = (box / ".codex/agents").iterdir()
    if harm != "mode":
        staged.write_bytes(b"torn")
    if harm != "text":
        staged.chmod(0o600)
    recovered(box)
    assert tree(box)[".codex/agents/new.md"] == (b"new\n" * 70, 0o666 & ~umask())
    assert_clean(box)


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "whole"])
def test_what_was_staged_for_a_change_that_was_not_decided_is_deleted_and_told(
    disk: Disk, box: Path, cut: bool
) -> None:
    """With whatever else was written for it, and for the snapshot of edits before it."""
    notes = NewJournal(disk)
    notes.begin(3, ".agentpack-1f-3")
    notes.folder("")
    notes.folder(".claude/agents")
    notes.close()
    staged = (".x.md.agentpack-1f-3", ".claude/agents/.x.md.agentpack-1f-3")
    for path in staged:
        (box / path).write_bytes(b"staged")
    if cut:
        (box / ".agentpack/state/journal.new").write_bytes(b'["agentpack journal",1,3')
    kept = Store(disk).generations.read(1)
    for path in (layout.record(2), layout.record(3), layout.pack(2), layout.pack(3), layout.CURRENT_NEW):
        disk.create(path, b"torn")
    theirs = box / ".claude/agents/x.md.agentpack-1f-3"
    theirs.write_bytes(b"of somebody else's")
    found = recover(disk, Store(disk))
    gone = () if cut else tuple(TouchedFile(path, deleted=True) for path in staged)
    assert found == RecoveryResult("cleared", 2 if cut else 3, gone)
    assert Store(disk).generations.read(1) == kept
    assert theirs.read_bytes() == b"of somebody else's"
    theirs.unlink()
    for path in staged:
        assert (box / path).exists() == cut
        (box / path).unlink(missing_ok=True)
    assert_clean(box)


def test_what_was_read_before_the_lock_was_held_is_read_again(tmp_path: Path) -> None:
    def install(where: str, stop_after: int | None = None) -> list[str]:
        (tmp_path / where).mkdir()
        with CrashingDisk(roots(tmp_path / where), stop_after=stop_after, sync=False) as disk, process_lock(disk):
            change(disk, {"x.md": b"text"})
        return disk.calls

    pointer = [number for number, call in enumerate(install("probe")) if call == "rename"][-1]
    assert in_a_child(lambda: install("box", pointer)) == -signal.SIGKILL
    record = tmp_path / "box/.agentpack/state/generations/000001.json"
    with Disk(roots(tmp_path / "box")) as disk, process_lock(disk):
        store = Store(disk)
        assert store.generations.read(1).number == 1
        record.write_bytes(record.read_bytes()[:-20])
        found = recover(disk, store)
    assert found == RecoveryResult("undone", 1, (TouchedFile("x.md", deleted=True),))
    assert tree(tmp_path / "box") == {}


def in_a_newer_state(disk: Disk, number: int) -> None:
    disk.unlink(layout.record(number))
    disk.create(layout.record(number), b'{"schema":99}\n')


@pytest.mark.parametrize("current", [0, 1, 2])
def test_a_decided_change_of_a_newer_agentpack_is_left_to_it(tmp_path: Path, current: int) -> None:
    """The first one too, and one whose first generations are forgotten."""
    tmp_path.joinpath("box").mkdir()
    with CrashingDisk(roots(tmp_path / "box"), sync=False) as disk, process_lock(disk):
        for number in range(current):
            change(disk, {"x.md": b"%d" % number})
        if current == 2:
            disk.unlink(layout.record(1))
        notes = NewJournal(disk)
        notes.begin(current + 1, ".agentpack-1f-1")
        notes.finish([JournalRow("new.md", NOTHING, FileSide(digest_of(b"new"), 0o644))], [])
        disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
        in_a_newer_state(disk, current + 1)
        before = tree(tmp_path)
        with pytest.raises(layout.NewerState, match=f"{current + 1:06}.json` was written by a newer agentpack"):
            recover(disk, Store(disk))
        assert disk.stamp(layout.JOURNAL) is not None
    assert tree(tmp_path) == before


@pytest.mark.parametrize("newer", [2, 3], ids=["the snapshot", "the change"])
def test_an_undecided_change_of_a_newer_agentpack_is_left_to_it(disk: Disk, newer: int) -> None:
    notes = NewJournal(disk)
    notes.begin(3, ".agentpack-1f-3")
    notes.close()
    if newer == 3:
        Store(disk).generations.write(generation(2, {}, {}, before=None))
    in_a_newer_state(disk, newer)
    with pytest.raises(layout.NewerState, match=f"{newer:06}.json` was written by a newer agentpack"):
        recover(disk, Store(disk))
    assert disk.stamp(layout.JOURNAL_NEW) is not None
    assert disk.stamp(layout.record(newer)) is not None


@pytest.mark.parametrize("where", ["folder", "made"])
def test_undecided_notes_that_name_a_folder_without_agents_are_refused(disk: Disk, box: Path, where: str) -> None:
    managed = Workspace(Environment(home=str(box), cwd=str(box), variables={}), project_scope(str(box), "")).managed
    empty = box / "src"
    empty.mkdir()
    notes = NewJournal(disk)
    notes.begin(2, ".agentpack-1f-2")
    notes.folder(".claude/agents")
    getattr(notes, where)("src")
    notes.close()
    (empty / ".x.agentpack-1f-2").write_bytes(b"theirs")
    journal = box / ".agentpack/state/journal.new"
    with pytest.raises(Refused) as refused:
        recover(disk, Store(disk), managed)
    assert refused.value.message == f"`{journal}` lists files that agentpack does not manage; nothing was changed"
    assert refused.value.details == (str(empty),)
    assert refused.value.hint == (f"agentpack did not write this record: delete `{journal}`, then run `agentpack diff`")
    assert os.listdir(empty) == [".x.agentpack-1f-2"]


@pytest.mark.parametrize("current", [0, 3])
def test_notes_that_name_a_file_of_neither_generation_are_refused(tmp_path: Path, current: int) -> None:
    """Also one that agentpack had made, and gave up in an earlier change."""
    box = tmp_path / "box"
    box.mkdir()
    with CrashingDisk(roots(box), sync=False) as disk, process_lock(disk):
        for number in range(current):
            change(disk, {"now.md": b"now"} | ({} if number else {"earlier.md": b"earlier"}))
        store = Store(disk)
        (box / "earlier.md").write_bytes(b"earlier")
        store.generations.write(generation(current + 1, {"next.md": b"next"}, {"next.md": 0o644}, before=None))
        notes = NewJournal(disk)
        notes.begin(current + 1, ".agentpack-1f-9")
        notes.finish([JournalRow("earlier.md", FileSide(digest_of(b"earlier"), 0o644), NOTHING)], [])
        disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
        with pytest.raises(Refused, match="lists files that agentpack does not manage") as refused:
            recover(disk, store)
    assert refused.value.details == (str(box / "earlier.md"),)
    assert (box / "earlier.md").read_bytes() == b"earlier"


@pytest.mark.parametrize("now", ["within the project", "elsewhere", "unset"])
def test_a_killed_change_is_finished_whatever_an_earlier_one_wrote_where_a_variable_pointed(
    tmp_path: Path, now: str
) -> None:
    """The files of both generations are known by the names they have today, and one without a place is no obstacle."""
    variable = {
        "within the project": {"$CLAUDE_CONFIG_DIR": str(tmp_path / "box/config")},
        "elsewhere": {"$CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")},
        "unset": {},
    }
    path = "$CLAUDE_CONFIG_DIR/agents/x.md"

    def install(where: str, text: bytes, stop_after: int | None = None, *, then: str = now) -> list[str]:
        places = roots(tmp_path / where) | {
            root: to.replace("/box/", f"/{where}/") for root, to in variable[then].items()
        }
        with CrashingDisk(places, stop_after=stop_after, sync=False) as disk, process_lock(disk):
            change(disk, {"y.md": text} | ({path: text} if "$CLAUDE_CONFIG_DIR" in places else {}))
        return disk.calls

    for where in ("probe", "box"):
        (tmp_path / where).mkdir()
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        install(where, b"first", then="within the project" if now == "unset" else now)
    at = [number for number, call in enumerate(install("probe", b"second")) if call == "rename"][1]
    if now == "elsewhere":
        (tmp_path / "elsewhere/agents/x.md").write_bytes(b"first")
    assert in_a_child(lambda: install("box", b"second", at)) == -signal.SIGKILL
    with CrashingDisk(roots(tmp_path / "box") | variable[now], sync=False) as disk, process_lock(disk):
        found = recover(disk, Store(disk))
    assert found is not None
    assert (found.outcome, found.number, found.left) == ("finished", 2, ())
    assert (tmp_path / "box/y.md").read_bytes() == b"second"


# -- signals and processes ---------------------------------------------------------------------------------------------


class Signalled(CrashingDisk):
    """A disk during whose nth call a signal arrives."""

    number = signal.SIGINT

    def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if len(self.calls) == self._stop_after:
            os.kill(os.getpid(), self.number)
        self.calls.append(name)
        return Disk.system(self, name, call, *args, **kwargs)


def test_an_interrupt_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    states = []
    for n in range(200):
        box = tmp_path / str(n)
        first(box)
        before = tree(box)
        disk = Signalled(roots(box), stop_after=n, sync=False)
        try:
            second(disk)
        except Interrupted as ended:
            assert ended.code == 130
            made = "the change was made already: generation 2"
            assert ended.message.removeprefix("stopped by a signal; ") in ("nothing was changed", made)
            assert (ended.message.endswith(made)) == (tree(box) != before)
        else:
            if not disk.died:
                break
        assert recovered(box) is None
        assert_clean(box)
        states.append(tree(box) == before)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert states == sorted(states, reverse=True)
    assert set(states) == {True, False}


def test_what_is_told_after_an_interrupt_is_what_the_last_change_did_alone(box: Path, disk: Disk) -> None:
    run(disk, Step("agentpack.yaml", digest_of(FIRST["agentpack.yaml"]), b"new\n"))
    run(disk, Step("agentpack.yaml", digest_of(b"new\n"), b"newer\n"))
    assert made() == "the change was made already: generation 3"
    with pytest.raises(Unavailable):
        run(disk, Step("agentpack.yaml", digest_of(b"other\n"), b"newest\n"))
    assert made() == ""


def test_of_what_a_power_cut_left_only_temporary_files_are_deleted(box: Path, disk: Disk) -> None:
    mark = f".agentpack-{disk.node(layout.STATE)[1]:x}-"
    agents = box / ".claude/agents"
    left, theirs = (f".x.md{mark}7", f".y.md{mark}12"), (f"x.md{mark}7", f"notes{mark}7.md", ".x.md.agentpack-0-7")
    for name in (*left, *theirs):
        (agents / name).write_bytes(b"there")
    change(disk, {".claude/agents/replaced.md": b"new"})
    assert not any((agents / name).exists() for name in left)
    assert all((agents / name).read_bytes() == b"there" for name in theirs)


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As SIGHUP is under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals("the change was made already") as signals:
            signal.raise_signal(signal.SIGHUP)
            signals.check()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_request_to_end_takes_everything_back_and_ends(box: Path) -> None:
    before = tree(box)
    disk = Signalled(roots(box), stop_after=12)
    disk.number = signal.SIGTERM
    with pytest.raises(SystemExit) as caught:
        second(disk)
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert tree(box) == before
    assert_clean(box)


def test_a_request_to_end_is_heard_before_the_next_file(disk: Disk, box: Path) -> None:
    before, asked = tree(box), []

    def steps() -> Iterator[Step]:
        for number in range(9):
            asked.append(number)
            if number == 1:
                signal.raise_signal(signal.SIGTERM)
            yield Step(f"{number}.md", None, b"text")

    with pytest.raises(Interrupted) as caught:
        transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    assert caught.value.message == "stopped by a signal; nothing was changed"
    assert asked == [0, 1]
    assert tree(box) == before


def test_a_request_to_end_is_heard_until_the_change_is_decided(disk: Disk, box: Path) -> None:
    before = tree(box)

    def record(_: object) -> Generation:  # asked for when every file is staged
        signal.raise_signal(signal.SIGTERM)
        return generation(2, {}, {}, before=None)

    with pytest.raises(Interrupted) as caught:
        transact(disk, Store(disk), steps=[Step("new.md", None, b"text")], generation=record)
    assert caught.value.message == "stopped by a signal; nothing was changed"
    assert tree(box) == before


def test_a_signal_with_a_handler_of_its_own_is_handed_to_it(box: Path) -> None:
    came = []
    previous = signal.signal(signal.SIGHUP, lambda number, frame: came.append(number))
    try:
        disk = Signalled(roots(box), stop_after=12)
        disk.number = signal.SIGHUP
        with pytest.raises(Unavailable, match="stopped by a signal"):
            second(disk)
    finally:
        signal.signal(signal.SIGHUP, previous)
    assert came == [signal.SIGHUP]
    assert_clean(box)


def test_a_transaction_works_outside_of_the_main_thread(box: Path) -> None:
    thread = threading.Thread(target=lambda: second(Disk(roots(box))))
    thread.start()
    thread.join()
    assert Store(Disk(roots(box))).generations.current() == 2


def test_processes_at_once_take_turns(box: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from faults.scene import change, roots\n"
        "from agentpack.disk import Disk; from agentpack.store.process_lock import process_lock\n"
        "for n in range(5):\n"
        "    with Disk(roots(Path(sys.argv[1]))) as disk, process_lock(disk, timeout=60):\n"
        "        change(disk, {f'{sys.argv[2]}.md': b'%d' % n, 'shared.md': sys.argv[2].encode() + b'%d' % n})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(box), name], env=environment) for name in ("a", "b", "c")
    ]
    assert [child.wait() for child in children] == [0, 0, 0]
    store = Store(Disk(roots(box)))
    assert store.generations.current() == 16
    assert (box / "a.md").read_bytes() == (box / "b.md").read_bytes() == b"4"
    assert (box / "shared.md").read_bytes() in (b"a4", b"b4", b"c4")


def test_a_full_disk_says_so(box: Path) -> None:
    disk = CrashingDisk(roots(box), stop_after=6, error=errno.ENOSPC)
    with pytest.raises(Unavailable, match="No space left on device") as caught:
        second(disk)
    assert caught.value.hint == "free some space, then run the command again"


def umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def test_what_a_transaction_stored_is_there_at_once(disk: Disk) -> None:
    """Also for the store that looked for it in vain before."""
    store, text = Store(disk), b"a text of tomorrow"
    assert not store.blobs.has(digest_of(text))
    transact(disk, store, steps=(), generation=generation(2, {}, {}, before=None), blobs=[text])
    assert store.blobs.get(digest_of(text)) == text


def test_a_file_that_goes_while_it_is_read_stops_everything(box: Path) -> None:
    class GoingDisk(Disk):
        """A disk on which somebody deletes a file right after it was looked at."""

        def read(self, path: str) -> bytes | None:
            (box / path).unlink()
            return super().read(path)

    before = tree(box)
    del before[".claude/agents/edited.md"]
    with Disk(roots(box)) as plain, process_lock(plain), GoingDisk(roots(box)) as disk:  # the state is read as ever
        staged = Step(".claude/agents/edited.md", digest_of(EDIT), b"new")
        with pytest.raises(Unavailable, match="changed while agentpack worked"):
            transact(disk, Store(plain), steps=[staged], generation=generation(2, {}, {}, before=None))
    assert tree(box) == before


def test_a_step_beside_agents_for_a_file_that_no_client_reads_is_refused(disk: Disk, box: Path) -> None:
    before = tree(box)
    managed = Workspace(Environment(home=str(box), cwd=str(box), variables={}), project_scope(str(box), "")).managed
    steps = [Step(f".claude/agents/{name}", None, b"text") for name in ("new.md", "hook.sh")]
    with pytest.raises(Refused) as refused:
        transact(disk, Store(disk), steps=steps, generation=generation(2, {}, {}, before=None), managed=managed)
    path = box / ".claude/agents/hook.sh"
    assert refused.value.message == f"agentpack does not manage `{path}`; nothing was changed"
    assert refused.value.details == ("the lock or the history lists it, but no client reads agents there",)
    assert refused.value.hint == "restore `agentpack.lock` with git, or run `agentpack lock`"
    assert tree(box) == before


def test_an_edit_that_went_on_while_it_was_read_is_not_recorded_without_its_text(disk: Disk, box: Path) -> None:
    before, store, path = tree(box), Store(disk), ".claude/agents/edited.md"
    found = generation(2, {path: b"as it was a moment ago"}, {path: 0o644}, before=store.generations.latest())
    with pytest.raises(Unavailable, match="changed while agentpack worked") as caught:
        transact(
            disk,
            store,
            steps=[Step("new.md", None, b"text")],
            generation=generation(3, {}, {}, before=found),
            snapshot=Snapshot(found, [EDIT]),
        )
    assert caught.value.details == (str(box / path),)
    assert tree(box) == before
    assert store.generations.numbers() == [1]


@pytest.mark.parametrize("where", ["folder", "made", "leaving"])
def test_notes_that_name_a_folder_beside_their_files_are_refused(disk: Disk, box: Path, where: str) -> None:
    """An empty folder of somebody's is not removed because a journal from elsewhere lists it."""
    empty = box / "empty"
    empty.mkdir()
    notes = NewJournal(disk)
    notes.begin(2, ".agentpack-1f-2")
    if where != "leaving":
        getattr(notes, where)("empty")
    row = JournalRow(".claude/agents/x.md", NOTHING, FileSide(digest_of(b"x"), 0o644))
    notes.finish([row], ["empty"] if where == "leaving" else [])
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="lists files that agentpack does not manage") as refused:
        recover(disk, Store(disk))
    assert refused.value.details == (str(empty),)
    assert empty.is_dir()


@pytest.mark.parametrize(("count", "more"), [(10, ()), (11, ("and 1 more",)), (12, ("and 2 more",))])
def test_of_many_strange_names_in_notes_the_first_are_told_once_each(
    disk: Disk, box: Path, count: int, more: tuple[str, ...]
) -> None:
    notes = NewJournal(disk)
    notes.begin(2, ".agentpack-1f-2")
    for number in range(count):
        notes.made(f"empty-{number:02}")
        notes.folder(f"empty-{number:02}")
    notes.finish([JournalRow("x.md", NOTHING, FileSide(digest_of(b"x"), 0o644))], [])
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused) as refused:
        recover(disk, Store(disk))
    assert refused.value.details == (*(str(box / f"empty-{number:02}") for number in range(10)), *more)


def test_every_file_that_is_changed_while_files_are_staged_is_named(disk: Disk, box: Path) -> None:
    paths = [".claude/agents/edited.md", ".claude/agents/kept.md", ".claude/agents/replaced.md"]

    def steps() -> Iterator[Step]:
        for path in paths:
            yield Step(path, digest_of((box / path).read_bytes()), b"new")
        for path in paths[1:]:
            (box / path).write_bytes(b"theirs")

    with pytest.raises(Unavailable, match="changed while agentpack worked") as caught:
        transact(disk, Store(disk), steps=steps(), generation=generation(2, {}, {}, before=None))
    assert caught.value.details == tuple(str(box / path) for path in paths[1:])
