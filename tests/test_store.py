"""What agentpack keeps: contents by digest, generations, notes of a transaction, and the lock on all of it."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from faults.scene import FIRST, change, generation, roots
from support.crashing_disk import CrashingDisk
from support.packs import make_pack

from agentpack.disk import Disk
from agentpack.disk.known_states import KnownStates
from agentpack.errors import AgentpackError, Bug, Refused, Unavailable
from agentpack.input.archives import write_archive
from agentpack.model.names import Digest, content_digest, digest_of
from agentpack.store import RELEASE, Store, layout
from agentpack.store.blobs import NewPack
from agentpack.store.journal import NOTHING, FileSide, Journal, JournalRow, NewJournal, decided, undecided
from agentpack.store.process_lock import is_locked, process_lock

HOLD = """
import sys, time
from agentpack.disk import Disk
from agentpack.store.process_lock import process_lock
with process_lock(Disk({"": sys.argv[1], "$state": sys.argv[1] + "/.agentpack/state"})):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def disk(box: Path) -> Disk:
    disk = Disk(roots(box))
    layout.prepare(disk)
    return disk


# -- contents ----------------------------------------------------------------------------------------------------------


def kept(disk: Disk, number: int, contents: list[bytes]) -> list[Digest]:
    pack = NewPack(disk, Store(disk).blobs, number)
    digests = [pack.add(data) for data in contents]
    pack.finish()
    Store(disk).generations.propose(number)
    Store(disk).generations.accept()
    return digests


def test_contents_come_back_by_digest(disk: Disk) -> None:
    contents = [b"", b"one", b"two" * 1000, os.urandom(400_000), b"\n"]
    kept(disk, 1, contents[:3])
    kept(disk, 2, contents[3:])
    blobs = Store(disk).blobs
    assert [blobs.get(digest_of(data)) for data in contents] == contents
    assert not blobs.has(digest_of(b"three"))
    with pytest.raises(Refused, match="missing"):
        blobs.get(digest_of(b"three"))


def test_a_content_is_kept_once(disk: Disk) -> None:
    kept(disk, 1, [b"one", b"one", b"two"])
    kept(disk, 2, [b"two", b"three"])
    blobs = Store(disk).blobs
    assert list(blobs.digests(1)) == [digest_of(b"one"), digest_of(b"two")]
    assert list(blobs.digests(2)) == [digest_of(b"three")]
    assert (disk.read(layout.pack(1)) or b"").count(b"one") == 1


def test_a_pack_knows_what_it_and_those_before_it_hold(disk: Disk) -> None:
    kept(disk, 1, [b"one"])
    pack = NewPack(disk, Store(disk).blobs, 2)
    pack.add(b"two")
    assert [pack.has(digest_of(text)) for text in (b"one", b"two", b"three")] == [True, True, False]


def test_nothing_new_makes_no_pack(disk: Disk) -> None:
    kept(disk, 1, [b"one"])
    kept(disk, 2, [b"one"])
    kept(disk, 3, [])
    assert Store(disk).blobs.numbers() == [1]


def test_a_pack_that_does_not_count_yet_is_passed_over_unless_asked_for(disk: Disk) -> None:
    kept(disk, 1, [b"one"])
    pack = NewPack(disk, Store(disk).blobs, 2)
    pack.add(b"two")
    pack.finish()
    disk.create(layout.pack(3), b"torn")
    blobs = Store(disk).blobs
    assert blobs.has(digest_of(b"one"))
    assert not blobs.has(digest_of(b"two"))
    blobs.include(2)
    assert blobs.get(digest_of(b"two")) == b"two"


def test_a_thousand_contents_are_a_few_writes(box: Path) -> None:
    disk = CrashingDisk(roots(box))
    layout.prepare(disk)
    disk.calls.clear()
    kept(disk, 1, [b"%04d" % number * 250 for number in range(1000)])
    assert disk.calls.count("write") <= 6


def test_a_content_that_is_not_what_it_was_is_refused_by_the_name_of_its_file(disk: Disk, box: Path) -> None:
    kept(disk, 1, [b"one", b"two"])
    path = box / ".agentpack/state/blobs/000001.pack"
    path.write_bytes(path.read_bytes().replace(b"two", b"TWO", 1))
    assert Store(disk).blobs.get(digest_of(b"one")) == b"one"
    with pytest.raises(Refused) as caught:
        Store(disk).blobs.get(digest_of(b"two"))
    assert str(path) in caught.value.message


def test_a_damaged_pack_keeps_nobody_from_what_newer_ones_hold(disk: Disk, box: Path) -> None:
    kept(disk, 1, [b"one"])
    kept(disk, 2, [b"two", b"three"])
    (box / ".agentpack/state/blobs/000001.pack").write_bytes(b"torn")
    blobs = Store(disk).blobs
    assert [blobs.get(digest_of(data)) for data in (b"two", b"three")] == [b"two", b"three"]
    with pytest.raises(Refused, match=r"000001\.pack"):
        blobs.has(digest_of(b"one"))


@pytest.mark.parametrize("length", [0, 1, 20, 60, -1])
def test_a_torn_pack_is_refused_by_name(disk: Disk, box: Path, length: int) -> None:
    kept(disk, 1, [b"one", b"two"])
    path = box / ".agentpack/state/blobs/000001.pack"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(Refused, match=r"000001\.pack"):
        Store(disk).blobs.has(digest_of(b"one"))


@pytest.mark.parametrize("moved", [25, 72, 1000])
def test_a_pack_whose_index_is_cut_off_is_refused_by_name(disk: Disk, box: Path, moved: int) -> None:
    kept(disk, 1, [b"one", b"two"])
    path = box / ".agentpack/state/blobs/000001.pack"
    data = path.read_bytes()
    at, where = len(data) - 24, slice(len(data) - 24, len(data) - 16)
    start = int.from_bytes(data[where], "little") + moved
    path.write_bytes(data[:at] + start.to_bytes(8, "little") + data[where.stop :])
    with pytest.raises(Refused, match=r"000001\.pack"):
        Store(disk).blobs.get(digest_of(b"one"))


def test_a_stored_release_comes_back_if_it_is_the_one_that_is_asked_for(disk: Disk, box: Path) -> None:
    pack = make_pack()
    archive, digest = write_archive(pack, prefix=RELEASE), content_digest(pack.items())
    elsewhere = write_archive(pack, prefix="elsewhere")
    kept(disk, 1, [archive, elsewhere, b"no archive"])
    store = Store(disk)
    assert store.release(digest_of(archive), digest) == pack
    assert store.release(digest_of(archive), digest_of(b"another")) is None
    for other in (b"never stored", b"no archive", elsewhere):
        assert store.release(digest_of(other), digest) is None
    path = box / ".agentpack/state/blobs/000001.pack"
    path.write_bytes(path.read_bytes().replace(archive, b"x" * len(archive)))
    assert Store(disk).release(digest_of(archive), digest) is None


# -- generations -------------------------------------------------------------------------------------------------------


def test_before_the_first_transaction_there_is_no_generation(disk: Disk) -> None:
    generations = Store(disk).generations
    assert (generations.current(), generations.numbers(), generations.latest()) == (0, [], None)


def test_a_record_comes_back_as_it_was(disk: Disk) -> None:
    record = generation(1, FIRST, dict.fromkeys(FIRST, 0o644), before=None)
    Store(disk).generations.write(record)
    assert Store(disk).generations.read(1) == record


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"number": "x"}'])
def test_a_damaged_record_is_refused_by_name(disk: Disk, text: bytes) -> None:
    disk.create(layout.record(1), text)
    with pytest.raises(Refused, match=r"000001\.json"):
        Store(disk).generations.read(1)


@pytest.mark.parametrize("text", [b"", b"many", b"-1", b"9" * 19])
def test_a_damaged_pointer_is_refused_by_name(disk: Disk, text: bytes) -> None:
    disk.create(layout.CURRENT, text)
    with pytest.raises(Refused, match="current"):
        Store(disk).generations.current()


def test_a_pointer_that_is_gone_is_refused_whatever_became_of_the_files(disk: Disk, box: Path) -> None:
    """A first change that lost power may leave two records, a third one comes only after one that counted."""
    with process_lock(disk):
        for number in range(3):
            change(disk, {"agentpack.yaml": b"schema: %d\n" % number})
    (box / "agentpack.yaml").write_bytes(b"written by hand\n")
    disk.unlink(layout.CURRENT)
    with pytest.raises(Refused, match="although there is a history"):
        Store(disk).generations.current()
    disk.unlink(layout.record(3))
    assert Store(disk).generations.current() == 0


@pytest.mark.parametrize("name", ["000001", "000001.json.bak", "000001.txt", "1.json", "-00001.json", "٠٠٠٠٠١.json"])
def test_a_file_with_another_name_than_ours_is_neither_record_nor_pack(disk: Disk, name: str) -> None:
    kept(disk, 2, [b"two"])
    for folder, ending in ((layout.GENERATIONS, ".json"), (layout.BLOBS, ".pack")):
        disk.create(f"{folder}/{name.replace('.json', ending)}", b"not ours")
    store = Store(disk)
    assert (store.generations.numbers(), store.blobs.numbers()) == ([], [2])


HAPPENED = {
    "as it was left": True,
    "edited": False,
    "gone": False,
    "with a damaged record": False,
    "with a record of no file": False,
    "with notes": False,
    "with decided notes": False,
    "with a second record of the same": True,
    "edited, with a second record": False,
}


@pytest.mark.parametrize(("how", "has_happened"), HAPPENED.items(), ids=HAPPENED)
def test_a_first_change_without_a_pointer_counts_if_all_its_files_are_there(
    disk: Disk, box: Path, how: str, has_happened: bool
) -> None:
    """Otherwise it may be one that lost power: the next one takes its number."""
    contents = {"agentpack.yaml": b"schema: 1\n", "agentpack.lock": b"{}\n"}
    with process_lock(disk):
        change(disk, contents)
    disk.unlink(layout.CURRENT)
    if "edited" in how:
        (box / "agentpack.yaml").write_bytes(b"edited\n")
    elif how == "gone":
        (box / "agentpack.yaml").unlink()
    elif "damaged" in how:
        (box / ".agentpack/state/generations/000001.json").write_bytes(b"{")
    elif "no file" in how:
        Store(disk).generations.write(generation(1, {}, {}, before=None))
    elif "notes" in how:
        disk.create(layout.JOURNAL if "decided" in how else layout.JOURNAL_NEW, b"")
    if "second" in how:
        Store(disk).generations.write(generation(2, contents, dict.fromkeys(contents, 0o644), before=None))
    with pytest.raises(Refused, match="although there is a history") if has_happened else contextlib.nullcontext():
        assert Store(disk).generations.current() == 0


def test_a_record_that_does_not_count_is_not_listed(disk: Disk) -> None:
    with process_lock(disk):
        change(disk, FIRST)
        Store(disk).generations.write(generation(2, FIRST, dict.fromkeys(FIRST, 0o644), before=None))
    assert Store(disk).generations.numbers() == [1]


def test_pruning_keeps_the_last_generations_and_every_content_they_need(disk: Disk, box: Path) -> None:
    with process_lock(disk):
        for number in range(1, 7):
            change(disk, {"constant.md": b"constant", "varying.md": b"%d" % number})
        store = Store(disk)
        pruned = store.prune(keep=2)
    assert pruned.generations == (1, 2, 3, 4)
    assert pruned.packs == (2, 3, 4)  # the first one has the content that never changed
    assert store.generations.numbers() == [5, 6]
    assert store.blobs.numbers() == [1, 5, 6]
    for number in (5, 6):
        for file in store.generations.read(number).files:
            store.blobs.get(file.written)
    assert not store.blobs.has(digest_of(b"4"))
    with process_lock(disk):
        change(disk, {"varying.md": b"7"})
    assert Store(disk).generations.numbers() == [5, 6, 7]


def test_pruning_that_is_broken_off_leaves_nothing_missing(disk: Disk, box: Path) -> None:
    with process_lock(disk):
        for number in range(1, 7):
            change(disk, {"varying.md": b"%d" % number})
    for n in range(20):
        broken = CrashingDisk(roots(box), stop_after=n, error=5)
        with contextlib.suppress(Unavailable):
            Store(broken).prune(keep=3)
        store = Store(Disk(roots(box)))
        for number in store.generations.numbers():
            assert all(store.blobs.has(file.written) for file in store.generations.read(number).files)
        if not broken.died:
            break
    assert store.generations.numbers() == store.blobs.numbers() == [4, 5, 6]


def test_what_was_read_before_it_was_pruned_is_not_there_any_more(disk: Disk) -> None:
    with process_lock(disk):
        for number in range(1, 4):
            change(disk, {"varying.md": b"%d" % number})
        store = Store(disk)
        assert store.blobs.get(digest_of(b"1")) == b"1"
        assert store.generations.read(1).number == 1
        assert store.prune(keep=1).generations == (1, 2)
    assert not store.blobs.has(digest_of(b"1"))
    with pytest.raises(Refused, match="there is no record of generation 1"):
        store.generations.read(1)
    assert store.blobs.get(digest_of(b"3")) == b"3"


def test_a_record_that_another_process_deletes_meanwhile_needs_no_content(disk: Disk, box: Path) -> None:
    class Shared(Disk):
        def read(self, path: str) -> bytes | None:
            if path == layout.record(1):
                self.unlink(path)
            return super().read(path)

    with process_lock(disk):
        for number in range(1, 4):
            change(disk, {"varying.md": b"%d" % number})
    assert Store(disk).prunable() == ((), ())
    assert Store(Shared(roots(box))).prunable() == ((), (1,))


def test_the_last_generation_is_never_pruned(disk: Disk) -> None:
    with process_lock(disk):
        change(disk, {"x.md": b"x"})
        assert Store(disk).prune(keep=0).generations == ()
    assert Store(disk).generations.numbers() == [1]


def test_the_state_keeps_itself_out_of_version_control(disk: Disk, box: Path) -> None:
    assert (box / ".agentpack/state/.gitignore").read_text() == "*\n"


# -- what is told of it ------------------------------------------------------------------------------------------------


def told(refused: pytest.ExceptionInfo[AgentpackError], box: Path) -> tuple[str, tuple[str, ...], str]:
    """Message, details and hint, with `STATE` for the folder."""
    error, state = refused.value, str(box / ".agentpack/state")
    message, *details = (line.replace(state, "STATE") for line in (error.message, *error.details))
    return message, tuple(details), (error.hint or "").replace(state, "STATE")


@pytest.mark.parametrize("text", [b"", b"many", b"-1", b"9" * 19])
def test_a_damaged_pointer_is_told_with_the_way_out(disk: Disk, box: Path, text: bytes) -> None:
    disk.create(layout.CURRENT, text)
    with pytest.raises(Refused) as refused:
        Store(disk).generations.current()
    message = "`STATE/current` is damaged: it contains no number"
    assert told(refused, box) == (message, (), "write the highest number in `STATE/generations` to it")


@pytest.mark.parametrize("text", [b"1", b"1\n", b" 1 \n", b"000001"])
def test_a_pointer_that_somebody_wrote_by_hand_is_read(disk: Disk, text: bytes) -> None:
    disk.create(layout.CURRENT, text)
    assert Store(disk).generations.current() == 1


def test_a_pointer_that_is_gone_is_told_with_the_way_out(disk: Disk, box: Path) -> None:
    with process_lock(disk):
        change(disk, {"agentpack.yaml": b"schema: 1\n"})
    disk.unlink(layout.CURRENT)
    with pytest.raises(Refused) as refused:
        Store(disk).generations.current()
    message = "`STATE/current` is missing, although there is a history"
    assert told(refused, box) == (message, (), "write the highest number in `STATE/generations` to it")


RESTORE = "restore it from a backup; without one, delete `STATE`, which loses the history"


@pytest.mark.parametrize(
    ("text", "message", "details"),
    [
        (None, "there is no record of generation 1", ("STATE/generations/000001.json",)),
        (b"[]", "`STATE/generations/000001.json` is damaged", ("a value is missing, or of another type",)),
        (b"{}", "`STATE/generations/000001.json` is damaged", ("a value is missing, or of another type",)),
        ("other", "`STATE/generations/000001.json` is damaged", ("the record of another generation",)),
    ],
)
def test_a_record_that_cannot_be_read_is_told_with_the_way_out(
    disk: Disk, box: Path, text: bytes | str | None, message: str, details: tuple[str, ...]
) -> None:
    generations = Store(disk).generations
    if text == "other":
        disk.rename(generations.write(generation(2, {}, {}, before=None)), layout.record(1))
    elif isinstance(text, bytes):
        disk.create(layout.record(1), text)
    with pytest.raises(Refused) as refused:
        generations.read(1)
    assert told(refused, box) == (message, details, RESTORE)


def test_a_content_that_is_missing_or_damaged_is_told_with_the_way_out(disk: Disk, box: Path) -> None:
    kept(disk, 1, [b"one", b"two"])
    with pytest.raises(Refused) as refused:
        Store(disk).blobs.get(digest_of(b"three"))
    message = f"the content {digest_of(b'three')[:19]}… is missing from `STATE/blobs`"
    assert told(refused, box) == (message, (), "`agentpack sync` restores released files without that content")
    path = box / ".agentpack/state/blobs/000001.pack"
    path.write_bytes(path.read_bytes().replace(b"two", b"TWO", 1))
    with pytest.raises(Refused) as refused:
        Store(disk).blobs.get(digest_of(b"two"))
    hint = "restore it from a backup, or delete it: released files are rendered again, but older edits are lost"
    assert told(refused, box) == ("`STATE/blobs/000001.pack` is damaged", (), hint)
    assert [Store(disk).blobs.size(digest_of(text)) for text in (b"one", b"three")] == [3, 0]


def test_damaged_notes_are_told_with_the_way_out(disk: Disk, box: Path) -> None:
    disk.create(layout.JOURNAL, b"torn")
    with pytest.raises(Refused) as refused:
        decided(disk)
    assert told(refused, box) == (
        "`STATE/journal` cannot be read: a change was interrupted, and its record is damaged",
        ("the files it was writing are in `STATE/blobs`",),
        "check the files with your version control, delete the journal, then run `agentpack sync`",
    )


@pytest.mark.parametrize("path", [layout.JOURNAL, layout.JOURNAL_NEW, layout.record(1)])
def test_a_file_of_a_newer_agentpack_is_told_with_the_way_out(disk: Disk, box: Path, path: str) -> None:
    disk.create(path, b'{"schema":99}\n' if path.endswith(".json") else b'["agentpack journal",99]\n')
    with pytest.raises(layout.NewerState) as refused:
        if path == layout.JOURNAL:
            decided(disk)
        elif path == layout.JOURNAL_NEW:
            undecided(disk)
        else:
            Store(disk).generations.read(1)
    message = f"`{path.replace('$state', 'STATE')}` was written by a newer agentpack"
    assert told(refused, box) == (message, (), "upgrade agentpack; the history stays as it is")


# -- notes -------------------------------------------------------------------------------------------------------------

ROWS = (
    JournalRow("a.md", NOTHING, FileSide(digest_of(b"a"), 0o644)),
    JournalRow("ü b.md", FileSide(digest_of(b"a"), 0o600), FileSide(digest_of(b"b"), 0o600)),
    JournalRow("c.md", FileSide(digest_of(b"a"), 0o644), NOTHING),
)


def noted(disk: Disk) -> bytes:
    notes = NewJournal(disk)
    notes.begin(7, ".agentpack-1f-7")
    notes.made(".claude")
    notes.folder(".claude")
    notes.finish(ROWS, [".old"])
    return disk.read(layout.JOURNAL_NEW) or b""


def test_notes_come_back_as_they_were(disk: Disk) -> None:
    assert decided(disk) is None
    assert undecided(disk) is None
    noted(disk)
    assert decided(disk) is None
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    journal = decided(disk)
    assert journal is not None
    assert (journal.number, journal.ending) == (7, ".agentpack-1f-7")
    assert (journal.folders, journal.made, journal.leaving) == ((".claude",), (".claude",), (".old",))
    assert journal.rows == ROWS


def test_decided_notes_that_are_torn_anywhere_are_refused_rather_than_guessed(disk: Disk) -> None:
    text = noted(disk)
    for length in range(len(text) - 1):
        disk.create(layout.JOURNAL, text[:length])
        with pytest.raises(Refused, match="journal"):
            decided(disk)
        disk.unlink(layout.JOURNAL)


def test_decided_notes_with_a_changed_byte_are_refused(disk: Disk) -> None:
    text = noted(disk)
    disk.create(layout.JOURNAL, text.replace(b"a.md", b"z.md"))
    with pytest.raises(Refused):
        decided(disk)


@pytest.mark.parametrize(
    "side",
    [
        ("nonsense", 0o644),
        (5, 0o644),
        (digest_of(b"a"), "rw"),
        (digest_of(b"a"), 420.0),
        (digest_of(b"a"), True),
        (digest_of(b"a"), None),
        (digest_of(b"a"), 0o10000),
        (digest_of(b"a"), -1),
    ],
)
@pytest.mark.parametrize("is_new", [False, True])
def test_decided_notes_of_what_no_file_can_be_are_refused(disk: Disk, side: tuple[Any, Any], is_new: bool) -> None:
    """Complete and with the right digest, as somebody may write them."""
    notes = NewJournal(disk)
    notes.begin(7, ".agentpack-1f-7")
    sides = (NOTHING, FileSide(*side)) if is_new else (FileSide(*side), NOTHING)
    notes.finish([ROWS[0], JournalRow("z.md", *sides)], [])
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="cannot be read"):
        decided(disk)


@pytest.mark.parametrize("number", [0, -1, 7.0, True, "7", None])
def test_notes_of_what_is_no_number_of_a_generation_are_worth_nothing(disk: Disk, number: Any) -> None:
    notes = NewJournal(disk)
    notes.begin(number, ".agentpack-1f-7")
    notes.folder(".claude")
    notes.finish(ROWS, [])
    assert undecided(disk) == Journal(0, "", (), (), (), ())
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="cannot be read"):
        decided(disk)


@pytest.mark.parametrize("where", ["folder", "made", "leaving", "row"])
@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../x", "$HOME/x", "a\0b", 5])
def test_decided_notes_of_what_is_no_path_of_agentpack_are_refused(disk: Disk, where: str, path: Any) -> None:
    notes = NewJournal(disk)
    notes.begin(7, ".agentpack-1f-7")
    if where in ("folder", "made"):
        getattr(notes, where)(path)
    rows = [ROWS[0]._replace(path=path)] if where == "row" else ROWS
    notes.finish(rows, [path] if where == "leaving" else [])
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="cannot be read"):
        decided(disk)


HEAD = ["agentpack journal", 1, 7, ".agentpack-1f-7"]


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ([HEAD, ["steps", []], ["leaving", []]], True),
        ([HEAD, ["root", "$CODEX_HOME", 5], ["root", "elsewhere/..", "/x"], ["steps", []], ["leaving", []]], True),
        ([["steps", []], ["leaving", []]], False),
        ([HEAD[:3], ["steps", []], ["leaving", []]], False),
        ([[*HEAD, 5], ["steps", []], ["leaving", []]], False),
        ([[*HEAD[:3], 5], ["steps", []], ["leaving", []]], False),
        ([HEAD, ["leaving", []]], False),
        ([HEAD, ["steps", []]], False),
        ([HEAD, ["steps", 5], ["leaving", []]], False),
        ([HEAD, ["steps", [5]], ["leaving", []]], False),
        ([HEAD, ["steps", [["a.md"]]], ["leaving", []]], False),
        ([HEAD, ["steps", []], ["leaving", 5]], False),
        ([HEAD, ["root", 5], ["steps", []], ["leaving", []]], False),
        ([HEAD, ["folder", ["a"]], ["steps", []], ["leaving", []]], False),
        ([HEAD, ["of tomorrow", 5], ["steps", []], ["leaving", []]], False),
        ([HEAD, 5, ["steps", []], ["leaving", []]], False),
        ([HEAD, [], ["steps", []], ["leaving", []]], False),
    ],
)
def test_decided_notes_are_read_whole_or_refused(disk: Disk, lines: list[Any], whole: bool) -> None:
    """Each with the right digest at its end, as somebody may write them."""
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    disk.create(layout.JOURNAL, text + json.dumps(["end", digest_of(text)]).encode() + b"\n")
    if whole:
        assert decided(disk) == Journal(7, ".agentpack-1f-7", (), (), (), ())
    else:
        with pytest.raises(Refused, match="cannot be read"):
            decided(disk)


@pytest.mark.parametrize("head", ["agentpack journal", "another program"])
def test_only_notes_of_a_newer_agentpack_are_taken_for_such(disk: Disk, head: str) -> None:
    disk.create(layout.JOURNAL_NEW, f'["{head}",99,7,".agentpack-1f-7"]\n'.encode())
    if head == "agentpack journal":
        with pytest.raises(layout.NewerState, match=r"journal\.new` was written by a newer agentpack"):
            undecided(disk)
    else:
        assert undecided(disk) == Journal(0, "", (), (), (), ())
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="a newer agentpack" if "agentpack" in head else "cannot be read"):
        decided(disk)


@pytest.mark.parametrize("moved", [("CODEX_HOME",), ("CLAUDE_CONFIG_DIR",), ("CLAUDE_CONFIG_DIR", "CODEX_HOME"), ()])
def test_notes_lead_to_the_folders_that_variables_named_then(tmp_path: Path, moved: tuple[str, ...]) -> None:
    """Each one of several, whichever of them say something else today."""
    names = ("CLAUDE_CONFIG_DIR", "CODEX_HOME")
    then = {f"${name}": str(tmp_path / f"then/{name}") for name in names}
    now = {**then, **{f"${name}": str(tmp_path / f"now/{name}") for name in moved}}
    for folder in {*then.values(), *now.values()}:
        Path(folder).mkdir(parents=True)
    with Disk({**roots(tmp_path), **then}, follow_own_links=True) as before:
        layout.prepare(before)
        notes = NewJournal(before)
        notes.begin(7, ".agentpack-1f-7")
        for root in then:
            notes.made(f"{root}/agents")
            notes.folder(f"{root}/agents")
        rows = [ROWS[0]._replace(path=f"{root}/agents/a.md") for root in then]
        notes.finish(rows, [f"{root}/old" for root in then])
        before.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with Disk({**roots(tmp_path), **now}, follow_own_links=True) as disk:
        journal = decided(disk)
        assert journal is not None
        assert journal.number == 7
        for paths, leaf in (
            (journal.folders, "agents"),
            (journal.made, "agents"),
            (journal.leaving, "old"),
            ([row.path for row in journal.rows], "agents/a.md"),
        ):
            assert [disk.absolute(path) for path in paths] == [f"{folder}/{leaf}" for folder in then.values()]
        assert [row._replace(path="a.md") for row in journal.rows] == [ROWS[0]] * 2


def test_decided_notes_with_two_rows_of_one_file_are_refused(disk: Disk) -> None:
    notes = NewJournal(disk)
    notes.begin(7, ".agentpack-1f-7")
    notes.finish([*ROWS, ROWS[0]._replace(after=FileSide(digest_of(b"b"), 0o600))], [])
    disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
    with pytest.raises(Refused, match="cannot be read"):
        decided(disk)


def test_nothing_is_noted_before_the_head(disk: Disk) -> None:
    with pytest.raises(Bug):
        NewJournal(disk).folder(".claude")
    assert disk.stamp(layout.JOURNAL_NEW) is None


def test_undecided_notes_tell_what_they_can(disk: Disk) -> None:
    text = noted(disk)
    told = set()
    for length in range(len(text) + 1):
        disk.unlink(layout.JOURNAL_NEW)
        disk.create(layout.JOURNAL_NEW, text[:length])
        journal = undecided(disk)
        assert journal is not None
        assert journal.rows == ()
        assert bool(journal.ending) == bool(journal.number)
        told.add((journal.number, journal.made, journal.folders))
    assert told == {(0, (), ()), (7, (), ()), (7, (".claude",), ()), (7, (".claude",), (".claude",))}


def test_notes_that_would_remove_other_files_than_temporary_ones_are_refused(disk: Disk) -> None:
    for ending in ("", ".md", ".agentpack-", ".agentpack-1-1.md"):
        notes = NewJournal(disk)
        notes.begin(1, ending)
        notes.folder(".claude")
        notes.finish(ROWS, [])
        journal = undecided(disk)
        assert journal is not None
        assert journal.folders == ()
        disk.rename(layout.JOURNAL_NEW, layout.JOURNAL)
        with pytest.raises(Refused):
            decided(disk)


# -- the lock ----------------------------------------------------------------------------------------------------------


def holder(box: Path, seconds: float) -> "subprocess.Popen[str]":
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(box), str(seconds)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    child.stdout.close()
    return child


def test_a_second_process_waits_for_the_first(disk: Disk, box: Path) -> None:
    with holder(box, 0.3):
        assert is_locked(disk)
        with process_lock(disk, timeout=30):
            pass
    assert not is_locked(disk)


def test_waiting_in_vain_names_the_process_that_holds_the_lock(disk: Disk, box: Path) -> None:
    with holder(box, 60) as child:
        with pytest.raises(Unavailable) as caught, process_lock(disk, timeout=0.1):
            pass
        message = f"another agentpack (process {child.pid}) is changing files here"
        assert told(caught, box) == (message, (), "wait until it finishes, then run the command again")
        assert caught.value.exit_code == 6
        child.kill()


@pytest.mark.parametrize("text", [b"", b"1\n", b"999999999\n", b"\x1b]0;garbage\x07" * 9999, b"-1", b"\xff\x00"])
def test_what_a_lock_file_says_blocks_nobody(disk: Disk, box: Path, text: bytes) -> None:
    with process_lock(disk):
        pass
    path = box / ".agentpack/state/lock"
    path.write_bytes(text)  # of a process that died, whose number another one has now, or of no process
    assert not is_locked(disk)
    with process_lock(disk, timeout=0):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_lock_that_is_given_back_leaves_no_number_and_no_time(disk: Disk, box: Path) -> None:
    with process_lock(disk):
        pass
    path = box / ".agentpack/state/lock"
    os.utime(path, ns=(1_000_000_000, 2_000_000_000))
    with process_lock(disk):
        pass
    assert path.read_bytes() == b""
    assert path.stat().st_mtime_ns == 2_000_000_000


def test_a_lock_file_that_is_another_file_too_keeps_its_text(disk: Disk, box: Path) -> None:
    """A hard link in its place: the file may be anybody's. The lock holds all the same."""
    other, path = box / "notes.txt", box / ".agentpack/state/lock"
    with process_lock(disk):
        pass
    path.unlink()
    other.write_text("mine\n")
    os.link(other, path)
    with process_lock(disk):
        assert is_locked(disk)
    assert other.read_text() == "mine\n"


def test_a_holder_that_cannot_be_read_is_unknown(disk: Disk, box: Path) -> None:
    with holder(box, 60) as child:
        (box / ".agentpack/state/lock").write_bytes(b"\x1b]0;x\x07")
        with pytest.raises(Unavailable, match=r"\(process unknown\)"), process_lock(disk, timeout=0.1):
            pass
        child.kill()


@pytest.mark.many
@pytest.mark.parametrize("act", ["removed", "renamed", "replaced"])
def test_a_lock_file_that_goes_while_one_waits_is_taken_anew(disk: Disk, box: Path, act: str) -> None:
    path = box / ".agentpack/state/lock"

    def go() -> None:
        path.unlink() if act == "removed" else path.rename(path.with_name("old"))
        if act == "replaced":
            path.touch()

    with holder(box, 0.5):
        threading.Timer(0.2, go).start()
        with process_lock(disk, timeout=30):
            assert path.read_text() == f"{os.getpid()}\n"


def test_a_state_that_goes_whenever_it_is_made_is_not_waited_for_longer_than_for_a_lock(tmp_path: Path) -> None:
    class VanishingDisk(Disk):
        """A disk on which somebody removes the folder right before the lock file is made in it."""

        tries = 0

        def open_to_lock(self, path: str, *, create: bool, write: bool = True) -> int | None:
            if not create:
                return None
            self.tries += 1
            assert self.tries < 10_000, "for ever"
            raise self.failure("write", path, OSError(errno.ENOENT, "gone")) from OSError(errno.ENOENT, "gone")

    with VanishingDisk(roots(tmp_path)) as disk, pytest.raises(Unavailable, match="gone"):
        with process_lock(disk, timeout=0.05):
            pass


@pytest.mark.parametrize(
    ("number", "waits"), [(errno.ENOENT, True), (errno.EEXIST, True), (errno.EACCES, False), (errno.ENOSPC, False)]
)
def test_only_what_another_process_can_bring_about_is_tried_again(tmp_path: Path, number: int, waits: bool) -> None:
    class RefusingDisk(Disk):
        """A disk on which the lock file cannot be made at first."""

        tries = 0

        def open_to_lock(self, path: str, *, create: bool, write: bool = True) -> int | None:
            self.tries += create
            if create and self.tries < 3:
                error = OSError(number, os.strerror(number))
                raise self.failure("write", path, error) from error
            return super().open_to_lock(path, create=create, write=write)

    with RefusingDisk(roots(tmp_path)) as disk:
        if waits:
            with process_lock(disk):
                assert is_locked(disk)
        else:
            with pytest.raises(Unavailable, match=os.strerror(number)), process_lock(disk):
                pass
        assert disk.tries == (3 if waits else 1)


@pytest.mark.parametrize("before", ["nothing", "a state from elsewhere", "a bare state"])
def test_a_state_that_cannot_be_made_leaves_everything_as_it_was(tmp_path: Path, before: str) -> None:
    """Also what the user's own folder knows of states, and what was moved aside for it."""
    box, home = tmp_path / "box", tmp_path / "home"
    user = {"": str(home), "$state": str(home / "state")}
    for folder in (box, home / "state/projects"):
        folder.mkdir(parents=True)
    if before != "nothing":
        (box / ".agentpack/state/generations").mkdir(parents=True)
        (box / ".agentpack/state/.gitignore").write_bytes(b"*\n")
    if before == "a state from elsewhere":
        (box / ".agentpack/state/current").write_bytes(b"1\n")
    found = everything(tmp_path)
    failed = 0
    for n in range(100):
        with CrashingDisk(roots(box), stop_after=n, error=errno.ENOSPC, sync=False) as disk:
            disk.known_states = KnownStates(Disk(user))
            try:
                layout.prepare(disk)
            except Unavailable:
                failed += 1
                assert everything(tmp_path) == found
            if not disk.died:
                break
    assert failed > 5
    assert (box / ".agentpack/state/.gitignore").read_text() == "*\n"
    assert len(os.listdir(home / "state/projects")) == 1


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, and every folder: None."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def test_a_state_in_which_nothing_came_to_stand_goes_again(tmp_path: Path) -> None:
    box = tmp_path / "fresh"
    box.mkdir()
    with Disk(roots(box)) as fresh:
        with pytest.raises(Unavailable), process_lock(fresh):
            raise Unavailable("no such pack")
        assert list(box.iterdir()) == []
        with process_lock(fresh):
            change(fresh, FIRST)
        assert (box / ".agentpack/state/current").exists()


def test_processes_that_come_while_a_fresh_state_goes_again_all_get_the_lock(tmp_path: Path) -> None:
    box = tmp_path / "fresh"
    box.mkdir()
    script = (
        "import sys; from pathlib import Path; from faults.scene import roots\n"
        "from agentpack.disk import Disk; from agentpack.store.process_lock import process_lock\n"
        "for _ in range(40):\n"
        "    with Disk(roots(Path(sys.argv[1]))) as disk, process_lock(disk, timeout=60):\n"
        "        (Path(sys.argv[1]) / 'alone').mkdir(); (Path(sys.argv[1]) / 'alone').rmdir()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [subprocess.Popen([sys.executable, "-c", script, str(box)], env=environment) for _ in range(4)]
    assert [child.wait() for child in children] == [0, 0, 0, 0]
    assert list(box.iterdir()) in ([], [box / ".agentpack"])


def test_the_lock_of_a_killed_process_blocks_nobody(disk: Disk, box: Path) -> None:
    with holder(box, 60) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (box / ".agentpack/state/lock").read_text() == f"{child.pid}\n"
    with process_lock(disk, timeout=0):
        assert (box / ".agentpack/state/lock").read_text() == f"{os.getpid()}\n"


def test_taking_the_lock_twice_in_one_process_is_a_bug_and_not_a_wait(disk: Disk, box: Path) -> None:
    with process_lock(disk):
        began = time.monotonic()
        with pytest.raises(Bug), process_lock(Disk(roots(box))):
            pass
        assert time.monotonic() - began < 5
    with process_lock(disk):
        pass


def test_a_lock_whose_folder_was_deleted_meanwhile_is_taken_anew(disk: Disk, box: Path) -> None:
    with holder(box, 0.5):
        (box / ".agentpack/state").rename(box / ".agentpack/gone")
        with process_lock(disk, timeout=0):
            assert (box / ".agentpack/state/lock").exists()


def test_asking_for_a_lock_that_was_never_taken_makes_nothing(tmp_path: Path) -> None:
    assert not is_locked(Disk(roots(tmp_path)))
    assert list(tmp_path.iterdir()) == []
