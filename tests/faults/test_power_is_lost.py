"""Power is lost at any moment: the next command brings the old files or the new ones, and no history without contents.

A killed process loses nothing that it wrote, so the tests beside this one say nothing about syncs. Here a disk keeps
only what was synced, and of the rest whatever it likes (`support/losing_power.py`).
"""

import errno
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from pathlib import Path

import pytest
from faults.scene import Tree, change, first, roots, second, tree
from support.crashing_disk import CrashingDisk, in_a_child
from support.losing_power import LosingPower

from agentpack.apply import Unfinished, recover
from agentpack.disk import FEW, Disk
from agentpack.disk.atomic import write_whole
from agentpack.disk.known_states import KnownStates
from agentpack.errors import Unavailable
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.store.process_lock import process_lock
from agentpack.store.prune import prune

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into files by /proc/self/fd")
MEMORY = "/dev/shm"


@pytest.fixture
def box() -> Iterator[Path]:
    """A folder in memory where there is some: it is put back hundreds of times."""
    with tempfile.TemporaryDirectory(prefix="power-", dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        yield Path(folder) / "box"


def files(box: Path) -> Tree:
    """The files that people and clients read."""
    return {path: found for path, found in tree(box).items() if found is not None and ".agentpack-" not in path}


def restart(where: Mapping[str, str], *, sync: bool = False) -> int:
    """What the next command does first. Returns the generation that counts; all contents that it and those before it
    name can be read.
    """
    with CrashingDisk(where, sync=sync) as disk:
        store = Store(disk)
        with process_lock(disk):
            recover(disk, store)
            assert recover(disk, store) is None
        for number in store.generations.numbers():
            record = store.generations.read(number)
            for digest in (*(file.written for file in record.files), *(digest for _, digest, _ in record.replaced)):
                assert digest_of(store.blobs.get(digest)) == digest
        latest = store.generations.latest()
        return latest.number if latest else 0


def all_or_nothing(power: LosingPower, box: Path, *, old: Tree, new: Tree, since: str = "") -> None:
    """Whenever the power goes, the old files or the new ones come back; after the last call the new ones.

    Args:
        since: the beginning of the call from which on that is tried.
    """
    seen = set()
    for image, call in dropwhile(lambda row: not row[1].startswith(since), power.images.items()):
        power.lay(image)
        number = restart(roots(box))
        found = files(box)
        assert found in (old, new), f"after {call}"
        assert image not in power.rest or found == new, f"after {call}, the last one"
        seen.add((number, found == new))
    assert all(len(seen) == len(set(part)) for part in zip(*seen, strict=True)), "history and files do not agree"


@pytest.mark.parametrize("many", [0, FEW], ids=["a few files", "many files"])
def test_a_change_is_made_or_not(box: Path, many: int) -> None:
    first(box)
    old = files(box)
    with LosingPower(box) as power:
        if many:
            with Disk(roots(box)) as disk, process_lock(disk):
                change(disk, {f".claude/agents/{n}.md": b"text %d\n" % n for n in range(many)})
        else:
            second(Disk(roots(box)))
    all_or_nothing(power, box, old=old, new=files(box))


@pytest.mark.campaign
@pytest.mark.parametrize("at", [4, -1], ids=["between two files", "at the pointer"])
def test_a_change_that_fails_after_it_was_decided_is_taken_back(box: Path, at: int) -> None:
    first(box)
    shutil.copytree(box, box.with_name("kept"))
    old = files(box)
    probe = CrashingDisk(roots(box))
    second(probe)
    new = files(box)
    shutil.rmtree(box)
    box.with_name("kept").rename(box)
    decided = probe.calls.index("rename")
    counts = len(probe.calls) - 1 - probe.calls[::-1].index("rename")
    at = decided + at if at > 0 else counts + 1 + at
    assert decided < at <= counts
    with LosingPower(box) as power, pytest.raises(Unavailable) as failed:
        second(CrashingDisk(roots(box), stop_after=at, error=errno.EIO))
    assert not isinstance(failed.value, Unfinished)
    assert files(box) == old
    all_or_nothing(power, box, old=new, new=old, since="rename ('journal.new'")


def test_a_change_that_counts_stays_though_its_command_could_not_make_that_durable(box: Path) -> None:
    first(box)
    shutil.copytree(box, box.with_name("kept"))
    old = files(box)
    probe = CrashingDisk(roots(box))
    second(probe)
    new = files(box)
    shutil.rmtree(box)
    box.with_name("kept").rename(box)
    pointer = len(probe.calls) - 1 - probe.calls[::-1].index("rename")
    with LosingPower(box) as power:
        second(CrashingDisk(roots(box), stop_after=pointer + 1, error=errno.EIO))
        assert (box / ".agentpack/state/journal").exists()
        restart(roots(box), sync=True)
    all_or_nothing(power, box, old=old, new=new, since="rename ('current.new'")


@pytest.mark.parametrize("damaged", [False, True], ids=["finished", "undone"])
@pytest.mark.campaign
def test_power_is_lost_again_while_a_change_is_put_in_order(box: Path, damaged: bool) -> None:
    first(box)
    shutil.copytree(box, box.with_name("kept"))
    old = files(box)
    probe = CrashingDisk(roots(box), sync=False)
    second(probe)
    new = files(box)
    shutil.rmtree(box)
    box.with_name("kept").rename(box)
    third = [number for number, call in enumerate(probe.calls) if call == "rename"][2]
    assert in_a_child(lambda: second(CrashingDisk(roots(box), stop_after=third))) == -signal.SIGKILL
    for path in box.rglob(".*.agentpack-*"):
        path.unlink()  # as after a loss of power: the contents come from the state folder
    if damaged:
        (box / ".agentpack/state/generations/000002.json").write_text("{}")
    with LosingPower(box) as power:
        restart(roots(box), sync=True)
    assert files(box) == (old if damaged else new)
    all_or_nothing(power, box, old=new if damaged else old, new=files(box))


def test_a_folder_that_is_made_again_while_a_change_is_finished_stays(box: Path) -> None:
    """One of somebody's, who deleted it after the change was interrupted."""
    first(box)
    (box / "team/agents").mkdir(parents=True)
    wanted = {"team/agents/new.md": b"new\n"}
    shutil.copytree(box, box.with_name("kept"))
    with CrashingDisk(roots(box), sync=False) as probe, process_lock(probe):
        change(probe, wanted)
    old, new = files(box.with_name("kept")), files(box)
    shutil.rmtree(box)
    box.with_name("kept").rename(box)
    decided = probe.calls.index("rename")

    def stopped() -> None:
        with CrashingDisk(roots(box), stop_after=decided + 1, sync=False) as disk, process_lock(disk):
            change(disk, wanted)

    assert in_a_child(stopped) == -signal.SIGKILL
    shutil.rmtree(box / "team")
    with LosingPower(box) as power:
        restart(roots(box), sync=True)
    assert files(box) == new
    all_or_nothing(power, box, old=old, new=new)


def test_old_generations_are_forgotten_with_their_contents_or_kept_with_them(box: Path) -> None:
    first(box)
    with CrashingDisk(roots(box), sync=False) as disk, process_lock(disk):
        for text in (b"2", b"3", b"4"):
            change(disk, {".claude/agents/x.md": text})
    found = files(box)
    with LosingPower(box) as power, CrashingDisk(roots(box)) as disk, process_lock(disk):
        store = Store(disk)
        assert prune(disk, store.generations, store.blobs, keep=1).packs == (1, 2, 3)
    for image in power.images:
        power.lay(image)
        assert restart(roots(box)) == 4
        assert files(box) == found


def test_a_first_change_leaves_a_state_that_is_known_or_none_that_counts(box: Path) -> None:
    """Also where folders above the roots are made: a home without `.local` is as usual as one with it."""
    project, home = box / "project", box / "home"
    project.mkdir(parents=True)
    home.mkdir()
    user = {"": str(home), "$state": str(home / ".local/state/agentpack")}

    def disk(sync: bool) -> Disk:
        found = CrashingDisk(roots(project), sync=sync)
        found.known_states = KnownStates(CrashingDisk(user, sync=sync))
        return found

    with LosingPower(box) as power, disk(sync=True) as first_time, process_lock(first_time):
        change(first_time, {".claude/agents/x.md": b"text"})
    new = files(project)
    for image, call in power.images.items():
        power.lay(image)
        with disk(sync=False) as next_time, process_lock(next_time):
            store = Store(next_time)
            recover(next_time, store)
            number = store.generations.current()
        assert (number, files(project)) in ((0, {}), (1, new)), f"after {call}"
        assert number or image not in power.rest
        assert not next_time.lacks, f"after {call}"
        if number:
            assert (project / ".agentpack/state/.gitignore").read_text() == "*\n", f"after {call}"


def test_a_scope_whose_root_is_made_is_there_with_its_state_or_not_at_all(box: Path) -> None:
    home, state, config = box / "home", box / "var/lib/agentpack", box / "etc/of/agentpack"  # none within another
    home.mkdir(parents=True)
    user = {"": str(home), "$state": str(state), "$config": str(config)}
    with LosingPower(box) as power, Disk(user) as disk, process_lock(disk):
        change(disk, {".claude/agents/x.md": b"text", "$config/agentpack.yaml": b"schema: 1\n"})
    for image, call in power.images.items():
        power.lay(image)
        number = restart(user)
        there = [path.exists() for path in (home / ".claude/agents/x.md", config / "agentpack.yaml")]
        assert there == [number == 1] * 2, f"after {call}"
        assert number == 1 or image not in power.rest


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_that_is_written_durably_is_whole_and_stays(box: Path, before: bytes | None) -> None:
    box.mkdir()
    path = box / "x"
    if before is not None:
        path.write_bytes(before)
    with LosingPower(box) as power:
        write_whole(str(path), b"new", durable=True)
    for image in power.images:
        power.lay(image)
        found = path.read_bytes() if path.exists() else None
        assert found == b"new" or (found == before and image not in power.rest)
