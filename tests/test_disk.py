"""The door to files: what it opens, what it refuses, what it says when the system does not play along."""

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from support.crashing_disk import CrashingDisk

from agentpack.disk import FEW, Disk
from agentpack.disk.folders import is_denied
from agentpack.disk.real_paths import real_path
from agentpack.errors import Bug, Refused, Unavailable, UsageError
from agentpack.model.names import digest_of

_P = ParamSpec("_P")
_T = TypeVar("_T")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


@pytest.fixture
def disk(box: Path) -> Disk:
    return Disk({"": str(box), "$config": str(box.parent / "config/agentpack")})


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../x", "./x", "a//x", "a/", "a/..", "$config", "a\0b", "a/./b", "/"]
)
def test_only_plain_paths_below_a_root_are_taken(disk: Disk, box: Path, path: str) -> None:
    (box / "a").mkdir()
    (box.parent / "x").write_bytes(b"outside")
    for use in (disk.read, disk.look, disk.stamp, disk.unlink):
        with pytest.raises(Refused, match="not a path below a root"):
            use(path)
    with pytest.raises(Refused, match="not a path below a root"):
        disk.create(path, b"")


def test_a_root_that_is_not_there_is_told_by_the_variable_that_named_it(disk: Disk) -> None:
    with pytest.raises(UsageError, match="while elsewhere was set"):
        disk.read("$elsewhere/x")


def test_a_path_of_thousands_of_parts_is_refused(disk: Disk) -> None:
    path = "/".join("a" * 3_000)
    for look in (disk.read, disk.look, disk.stamp, disk.entries, disk.missing):
        with pytest.raises(Refused, match="parts"):
            look(path)


def test_a_path_for_people_is_absolute(disk: Disk, box: Path) -> None:
    assert disk.absolute("a/b.md") == str(box / "a/b.md")
    assert disk.absolute("$config/x.yaml") == str(box.parent / "config/agentpack/x.yaml")
    assert disk.absolute("$config") == str(box.parent / "config/agentpack")


def test_a_root_is_made_with_all_above_it_when_first_written_and_goes_again(disk: Disk, box: Path) -> None:
    assert disk.missing("$config/sub") == ["$config", "$config/sub"]
    for folder in disk.missing("$config/sub"):
        disk.mkdir(folder)
    disk.create("$config/sub/x", b"text")
    assert (box.parent / "config/agentpack/sub/x").read_bytes() == b"text"
    disk.unlink("$config/sub/x")
    assert disk.rmdir("$config/sub")
    assert disk.rmdir("$config")
    assert not (box.parent / "config").exists()


def test_a_root_inside_of_another_is_reached_through_it(box: Path) -> None:
    outside = box.parent / "outside"
    outside.mkdir()
    (box / ".agentpack").symlink_to(outside)
    disk = Disk({"": str(box), "$state": str(box / ".agentpack/state")})
    assert disk.canonical("$state/current") == ".agentpack/state/current"
    with pytest.raises(Refused, match="leads out"):
        disk.missing("$state")


# -- looking -----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_and_looked_at(disk: Disk, box: Path) -> None:
    (box / "x.md").write_bytes(b"text")
    (box / "x.md").chmod(0o640)
    seen = disk.look("x.md")
    assert seen is not None
    assert (seen.kind, seen.digest, seen.mode, seen.size) == ("file", digest_of(b"text"), 0o640, 4)
    assert seen.stamp == disk.stamp("x.md")
    assert disk.read("x.md") == b"text"


@pytest.mark.parametrize("path", ["x.md", "a/x.md", "file/x.md", "$config/x.md"])
def test_what_is_not_there_is_none(disk: Disk, box: Path, path: str) -> None:
    (box / "file").write_bytes(b"")
    assert disk.read(path) is None
    assert disk.look(path) is None
    assert disk.stamp(path) is None
    assert disk.entries(path) == []
    assert not disk.unlink(path)


def test_other_things_than_files_are_told_and_not_read(disk: Disk, box: Path) -> None:
    (box / "folder").mkdir()
    (box / "link").symlink_to("folder")
    os.mkfifo(box / "pipe")
    kinds = {}
    for name in disk.entries(""):
        seen = disk.look(name)
        assert seen is not None
        assert seen.digest is None
        kinds[name] = seen.kind
    assert kinds == {"folder": "folder", "link": "link", "pipe": "other"}
    for name in ("folder", "pipe"):
        with pytest.raises(Refused, match="is not a file"):
            disk.read(name)


def test_a_file_too_large_to_be_read_is_told_from_every_other_one_unread(disk: Disk, box: Path) -> None:
    path = box / "x.md"
    digests = set()
    for size in (1 << 40, (1 << 40) + 1):
        with path.open("ab") as file:
            file.truncate(size)
        seen = disk.look("x.md")
        assert seen is not None
        assert (seen.kind, seen.size) == ("file", size)
        assert disk.look("x.md") == seen
        digests.add(seen.digest)
    assert len(digests) == 2
    with pytest.raises(Refused, match="larger than 64 MiB"):
        disk.read("x.md")


def test_a_file_is_read_again_only_when_it_changed(disk: Disk, box: Path) -> None:
    path = box / "x.md"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    first = disk.look("x.md")
    assert first is not None
    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    second = disk.look("x.md")
    assert second is not None
    assert second.digest == digest_of(b"two")


def test_an_old_file_that_was_looked_at_is_not_opened_again(disk: Disk, box: Path) -> None:
    path = box / "x.md"
    path.write_bytes(b"one")
    while disk.look("x.md") is not disk.look("x.md"):
        pass  # its time must lie some ticks of the clock in the past
    assert disk.look("x.md") == disk.look("x.md")


def test_a_file_that_changed_just_now_is_opened_again(disk: Disk, box: Path) -> None:
    """It may change once more within the same tick of the clock, at the same size."""
    path = box / "x.md"
    path.write_bytes(b"one")
    ahead = time.time() + 3600  # just now, however slow the machine is
    os.utime(path, (ahead, ahead))
    assert disk.look("x.md") is not disk.look("x.md")


def test_entries_are_sorted(disk: Disk, box: Path) -> None:
    for name in ("b", "a", "ä"):
        (box / name).write_bytes(b"")
    assert disk.entries("") == ["a", "b", "ä"]


# -- links -------------------------------------------------------------------------------------------------------------


def test_a_link_to_a_folder_inside_of_the_root_is_followed(disk: Disk, box: Path) -> None:
    (box / "real/agents").mkdir(parents=True)
    (box / ".claude").symlink_to("real")
    disk.create(".claude/agents/x.md", b"text")
    assert (box / "real/agents/x.md").read_bytes() == b"text"
    assert disk.links == {}


@pytest.mark.parametrize("target", ["../outside", "/etc", ".."])
def test_a_link_out_of_the_root_is_refused_by_name(disk: Disk, box: Path, target: str) -> None:
    (box.parent / "outside").mkdir()
    (box / ".claude").symlink_to(target)
    for use in (disk.read, disk.look, disk.unlink):
        with pytest.raises(Refused) as caught:
            use(".claude/agents/x.md")
        assert str(box / ".claude") in caught.value.message
    with pytest.raises(Refused):
        disk.missing(".claude/agents")


def test_a_link_of_ones_own_is_followed_when_asked_for_and_told(box: Path) -> None:
    outside = box.parent / "dotfiles"
    (outside / "agents").mkdir(parents=True)
    (box / ".claude").symlink_to(outside)
    disk = Disk({"": str(box)}, follow_own_links=True)
    disk.create(".claude/agents/x.md", b"text")
    assert (outside / "agents/x.md").read_bytes() == b"text"
    assert disk.links == {".claude": str(outside)}


def test_a_file_behind_a_link_is_read_as_its_folder_would_be_entered(disk: Disk, box: Path) -> None:
    (box.parent / "secret").write_bytes(b"secret")
    (box / "real.yaml").write_bytes(b"schema: 1\n")
    (box / "inside.yaml").symlink_to("real.yaml")
    (box / "outside.yaml").symlink_to(box.parent / "secret")
    (box / "dangling.yaml").symlink_to("nowhere")
    assert disk.read("inside.yaml") == b"schema: 1\n"
    assert disk.read("dangling.yaml") is None
    with pytest.raises(Refused, match="leads out"):
        disk.read("outside.yaml")
    of_a_user = Disk({"": str(box)}, follow_own_links=True)
    assert of_a_user.read("outside.yaml") == b"secret"
    assert of_a_user.links == {"outside.yaml": str(box.parent / "secret")}  # the folder is not told as well


def test_links_that_lead_in_a_circle_are_no_file(disk: Disk, box: Path) -> None:
    (box / "a").symlink_to("b")
    (box / "b").symlink_to("a")
    with pytest.raises((Unavailable, Refused)):
        disk.read("a/x.md")
    with pytest.raises((Unavailable, Refused)):
        disk.read("a")


def test_a_folder_swapped_for_a_link_after_it_was_opened_does_not_lead_a_write_outside(disk: Disk, box: Path) -> None:
    outside = box.parent / "outside"
    outside.mkdir()
    (box / "agents").mkdir()
    disk.create("agents/first", b"")
    (box / "agents").rename(box / "moved")
    (box / "agents").symlink_to(outside)
    disk.create("agents/second", b"")
    assert sorted(os.listdir(box / "moved")) == ["first", "second"]
    assert not disk.same_folder("agents")
    assert os.listdir(outside) == []


def test_only_so_many_folders_are_kept_open(disk: Disk, box: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for number in range(300):
        disk.mkdir(f"f{number}")
        disk.create(f"f{number}/x", b"")
    assert disk.read("f0/x") == b""
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 100
        disk.close()
        assert len(os.listdir("/proc/self/fd")) == before


# -- changing ----------------------------------------------------------------------------------------------------------


def test_a_new_file_gets_the_mode_the_umask_leaves(disk: Disk, box: Path) -> None:
    before = os.umask(0o027)
    try:
        assert disk.create("x", b"") == 0o640
        assert disk.create("y", b"", mode=0o666) == 0o666
        assert disk.create("z", b"", mode=0o400) == 0o400
    finally:
        os.umask(before)
    assert [stat.S_IMODE((box / name).stat().st_mode) for name in "xyz"] == [0o640, 0o666, 0o400]


def test_no_mode_that_is_asked_for_makes_a_program_that_runs_as_its_owner(disk: Disk, box: Path) -> None:
    assert disk.create("x", b"", mode=0o6755) == 0o755
    assert stat.S_IMODE((box / "x").stat().st_mode) == 0o755


def test_a_file_that_exists_is_never_written_to(disk: Disk, box: Path) -> None:
    (box / "x").write_bytes(b"theirs")
    (box / "link").symlink_to("elsewhere")
    for path in ("x", "link"):
        with pytest.raises(Unavailable, match="File exists"):
            disk.create(path, b"ours")
    assert (box / "x").read_bytes() == b"theirs"
    assert not (box / "elsewhere").exists()


def test_a_file_in_the_way_of_a_folder_is_named(disk: Disk, box: Path) -> None:
    (box / ".claude").write_bytes(b"")
    with pytest.raises(Refused, match="is not a"):
        for folder in disk.missing(".claude/agents"):
            disk.mkdir(folder)
    with pytest.raises(Refused, match="is not a"):
        disk.mkdir(".claude")


def test_a_folder_that_is_not_empty_stays(disk: Disk, box: Path) -> None:
    (box / "a/b").mkdir(parents=True)
    assert not disk.rmdir("a")
    assert disk.rmdir("a/b")
    assert disk.rmdir("a")
    assert disk.rmdir("a")


def test_a_rename_stays_in_its_folder(disk: Disk) -> None:
    with pytest.raises(Bug):
        disk.rename("a/x", "b/x")


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_an_error_names_the_file_and_the_reason_and_asks_to_try_again(box: Path, error: int) -> None:
    disk = CrashingDisk({"": str(box)}, stop_after=0, error=error)
    with pytest.raises(Unavailable) as caught:
        disk.create("x.md", b"")
    assert caught.value.exit_code == 6
    assert caught.value.message == f"cannot write `{box / 'x.md'}`: {os.strerror(error)}"
    assert caught.value.hint


@not_root
def test_a_folder_that_cannot_be_written_to_is_named(disk: Disk, box: Path) -> None:
    (box / "closed").mkdir(mode=0o500)
    with pytest.raises(Unavailable, match=r"closed/x.*Permission denied"):
        disk.create("closed/x", b"")


@not_root
def test_a_file_that_cannot_be_read_is_named(disk: Disk, box: Path) -> None:
    (box / "secret").write_bytes(b"")
    (box / "secret").chmod(0)
    for use in (disk.read, disk.look):
        with pytest.raises(Unavailable, match=r"secret.*Permission denied"):
            use("secret")


def test_an_interrupted_call_is_made_again(disk: Disk) -> None:
    tries = iter([InterruptedError(), InterruptedError(), None])

    def call() -> str:
        if error := next(tries):
            raise error
        return "done"

    assert disk.system("rename", call) == "done"


def test_a_short_write_is_continued(disk: Disk, box: Path) -> None:
    class Short(Disk):
        def system(self, name: str, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
            if name == "write":
                descriptor, data = args
                assert isinstance(descriptor, int)
                assert isinstance(data, (bytes, memoryview))
                return os.write(descriptor, data[:7])  # type: ignore[return-value]
            return super().system(name, call, *args, **kwargs)

    Short({"": str(box)}).create("x", b"0123456789" * 5)
    assert (box / "x").read_bytes() == b"0123456789" * 5


def test_few_files_are_synced_one_by_one_and_many_by_one_call(box: Path) -> None:
    disk = CrashingDisk({"": str(box)})
    paths = [f"f{number}" for number in range(100)]
    for path in paths:
        disk.create(path, b"text")
    disk.calls.clear()
    disk.make_durable(paths[: FEW - 1], [""])
    assert disk.calls == ["fsync"] * FEW
    disk.calls.clear()
    disk.make_durable(paths, [""])
    assert disk.calls in (["syncfs"], ["fsync"] * 101)
    disk.calls.clear()
    disk.make_durable(paths, [])
    assert disk.calls in (["syncfs"], ["fsync"] * 100)


@pytest.mark.campaign
def test_a_link_that_goes_away_while_it_is_followed_is_followed_again(tmp_path: Path) -> None:
    """What leads to the target, or stands there as a folder, is one of the two places: never an error."""
    place, target = tmp_path / "place", tmp_path / "target"
    target.mkdir()
    swap = (
        "import os, sys\nplace, target = sys.argv[1:]\nprint(flush=True)\n"
        "while True:\n    os.symlink(target, place)\n    os.unlink(place)\n"
    )
    with subprocess.Popen([sys.executable, "-c", swap, place, target], stdout=subprocess.PIPE) as swapper:
        try:
            assert swapper.stdout is not None
            swapper.stdout.readline()
            found: set[str] = set()
            looks = 0
            # On a busy machine the other program may not run for a while: look until both places were seen.
            while looks < 20_000 or (len(found) < 2 and looks < 5_000_000):
                found.add(real_path(str(place / "file")))
                looks += 1
        finally:
            swapper.kill()
    assert found == {str(place / "file"), str(target / "file")}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOSPC, None])
def test_only_what_this_user_may_not_do_is_denied(number: int | None) -> None:
    error = Unavailable("cannot write")
    error.__cause__ = None if number is None else OSError(number, "x")
    assert is_denied(error) is (number in (errno.EACCES, errno.EPERM, errno.EROFS))
