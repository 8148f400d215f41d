"""Whatever stops a transaction, and at whichever call: the old state or the new one, never something between."""

import contextlib
import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from faults.scene import EDIT, FIRST, Tree, assert_clean, change, first, generation, recovered, roots, second, tree
from support.crashing_disk import CrashingDisk, in_a_child
from support.effort import usually

from agentpack.apply import Snapshot, Step, Unfinished, interrupted, recover, transact
from agentpack.disk import Disk
from agentpack.disk.known_states import KnownStates
from agentpack.environment import Environment, Scope, project_scope, user_scope
from agentpack.errors import AgentpackError, Unavailable
from agentpack.model.history import InstalledFile
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.store.process_lock import process_lock
from agentpack.workspace.workspace import Workspace

EVERY_CALL = range(200)
STRIDE = int(os.environ.get("AGENTPACK_STRIDE", usually(23, thorough=9, nightly=5)))
"""Where a second stop follows a first one at any call, every 23rd call is tried for it, thoroughly every ninth, and
others for the next first one. The session `nightly` tries all.
"""
MEMORY = "/dev/shm"


class Stage:
    """A folder that is put back to the first state as often as needed, with what it holds before and after."""

    def __init__(self, folder: Path) -> None:
        self.box, self._kept = folder / "box", folder / "kept"
        first(self._kept)
        self.reset()
        self.old = tree(self.box)
        second(Disk(roots(self.box)))
        self.new = tree(self.box)
        assert_clean(self.box)

    def reset(self) -> None:
        shutil.rmtree(self.box, ignore_errors=True)
        shutil.copytree(self._kept, self.box)

    def disk(self, stop_after: int | None = None, **how: int | bool | None) -> CrashingDisk:
        return CrashingDisk(roots(self.box), stop_after=stop_after, **how)  # type: ignore[arg-type]

    def assert_whole(self) -> Tree:
        """The old tree or the new one, clean; then a transaction works."""
        found = tree(self.box)
        assert found in (self.old, self.new)
        assert_clean(self.box)
        if found == self.old:
            second(self.disk(sync=False))
            assert tree(self.box) == self.new
            assert_clean(self.box)
        return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    """In memory where there is such a folder: it is put back thousands of times."""
    with tempfile.TemporaryDirectory(prefix="stage-", dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        yield Stage(Path(folder))


def files(found: Tree) -> Tree:
    """A tree without its folders."""
    return {path: content for path, content in found.items() if content is not None}


def points(stage: Stage) -> Iterator[int]:
    """0, 1, 2, ... each with the first state put back, as long as the caller meets a call to die at."""
    for n in EVERY_CALL:
        stage.reset()
        yield n
    raise AssertionError("the transaction never completed")


@pytest.mark.campaign
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
def test_after_an_error_the_old_state_stands_at_once(stage: Stage, error: int) -> None:
    for n in points(stage):
        with stage.disk(n, error=error, sync=False) as disk:
            try:
                second(disk)
            except Unavailable as failure:
                assert not isinstance(failure, Unfinished)
                assert os.strerror(error) in failure.message
                assert tree(stage.box) == stage.old
            else:
                assert files(tree(stage.box)) == files(stage.new)  # an empty folder may remain for the next command
            if not disk.died:
                return
        recovered(stage.box)
        stage.assert_whole()


@pytest.mark.campaign
def test_on_a_disk_that_stays_broken_an_error_says_whether_the_old_state_stands(stage: Stage) -> None:
    unfinished = 0
    for n in points(stage):
        with stage.disk(n, error=errno.EIO, lasting=True, sync=False) as disk:
            try:
                second(disk)
            except Unfinished:
                unfinished += 1
                assert interrupted(Store(Disk(roots(stage.box))))
            except Unavailable:
                left = {path: found for path, found in tree(stage.box).items() if path not in stage.old}
                assert all(".agentpack-" in path or found is None for path, found in left.items())
                assert tree(stage.box) == stage.old | left
            else:
                assert files(tree(stage.box)) == files(stage.new)  # an empty folder may remain for the next command
            if not disk.died:
                assert unfinished
                return
        recovered(stage.box)
        assert recovered(stage.box) is None
        stage.assert_whole()


def test_killed_at_any_call_it_is_finished_or_forgotten_by_the_next_command(stage: Stage) -> None:
    outcomes = set()
    for n in points(stage):
        status = in_a_child(partial(second, stage.disk(n, sync=False)))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        found = recovered(stage.box)
        outcomes.add(found.outcome if found else "nothing")
        assert recovered(stage.box) is None
        stage.assert_whole()
    assert outcomes == {"nothing", "cleared", "finished", "tidied"}


@pytest.mark.campaign
@pytest.mark.slow
def test_a_recovery_killed_at_any_call_is_done_again(stage: Stage) -> None:
    crashed = stage.box.with_name("crashed")
    for n in points(stage):
        if in_a_child(partial(second, stage.disk(n, sync=False))) == 0:
            return
        shutil.rmtree(crashed, ignore_errors=True)
        stage.box.rename(crashed)
        for m in EVERY_CALL[n % STRIDE :: STRIDE]:
            shutil.rmtree(stage.box, ignore_errors=True)
            shutil.copytree(crashed, stage.box)
            status = in_a_child(partial(_recover, stage.disk(m, sync=False)))
            recovered(stage.box)
            assert tree(stage.box) in (stage.old, stage.new)
            assert_clean(stage.box)
            if status == 0:
                break


@pytest.mark.campaign
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
def test_a_recovery_that_fails_at_any_call_is_done_again(stage: Stage, error: int) -> None:
    crashed = stage.box.with_name("crashed")
    calls = stage.disk()
    stage.reset()
    second(calls)
    decided = calls.calls.index("rename")
    for n in (decided - 3, decided + 1, decided + 3, decided + 5, len(calls.calls) - 5, len(calls.calls) - 1):
        stage.reset()
        assert in_a_child(partial(second, stage.disk(n, sync=False))) == -signal.SIGKILL
        shutil.rmtree(crashed, ignore_errors=True)
        stage.box.rename(crashed)
        for m in EVERY_CALL:
            shutil.rmtree(stage.box, ignore_errors=True)
            shutil.copytree(crashed, stage.box)
            with stage.disk(m, error=error, sync=False) as disk:
                try:
                    _recover(disk)
                except AgentpackError as failure:
                    assert failure.exit_code == 6
            recovered(stage.box)
            assert recovered(stage.box) is None
            assert tree(stage.box) in (stage.old, stage.new)
            assert_clean(stage.box)
            if not disk.died:
                break


@pytest.mark.slow
@pytest.mark.campaign
def test_killed_while_undoing_it_is_finished_by_the_next_command(stage: Stage) -> None:
    for n in points(stage):
        probe = stage.disk(n, error=errno.EIO, sync=False)
        with contextlib.suppress(Unavailable):
            second(probe)
        if not probe.died:
            return
        for m in range(n % STRIDE, len(probe.calls) - n - 1, STRIDE):
            stage.reset()
            status = in_a_child(partial(second, stage.disk(n, error=errno.EIO, then_kill=m, sync=False)))
            assert status == -signal.SIGKILL
            recovered(stage.box)
            assert tree(stage.box) in (stage.old, stage.new)
            assert_clean(stage.box)


@pytest.mark.campaign
def test_a_change_that_cannot_be_finished_is_undone_however_often_that_is_killed(stage: Stage) -> None:
    """What was half written beside its place when the first attempt ended is not taken for whole by the second."""
    crashed = stage.box.with_name("crashed")
    calls = stage.disk()
    stage.reset()
    second(calls)
    renames = [number for number, call in enumerate(calls.calls) if call == "rename"]
    stage.reset()
    assert in_a_child(partial(second, stage.disk(renames[-2], sync=False))) == -signal.SIGKILL
    record = stage.box / ".agentpack/state/generations/000002.json"
    record.write_bytes(record.read_bytes()[:-20])
    stage.box.rename(crashed)
    ends = set()
    for m in EVERY_CALL:
        shutil.rmtree(stage.box, ignore_errors=True)
        shutil.copytree(crashed, stage.box)
        status = in_a_child(partial(_recover, stage.disk(m, sync=False)))
        ends.add(status)
        recovered(stage.box)
        assert tree(stage.box) == stage.old
        assert_clean(stage.box)
        if status == 0:
            break
    assert ends == {0, -signal.SIGKILL}


def _recover(disk: Disk) -> None:
    with process_lock(disk):
        recover(disk, Store(disk))


@pytest.mark.campaign
@pytest.mark.parametrize("error", [None, errno.ENOSPC], ids=["killed", "ENOSPC"])
def test_a_first_command_that_is_stopped_leaves_nothing_that_the_next_one_does_not_clear(
    tmp_path: Path, error: int | None
) -> None:
    for n in EVERY_CALL:
        box = tmp_path / f"box{n}"
        box.mkdir()
        disk = CrashingDisk(roots(box), stop_after=n, error=error, sync=False)
        user = user_scope(Environment(str(tmp_path), str(box), {}), "").roots
        disk.known_states = KnownStates(Disk({"": user[""], "$state": user["$state"]}))
        status = in_a_child(partial(_first_change, disk))
        found = sorted(os.listdir(box / ".agentpack/state")) if (box / ".agentpack/state").exists() else []
        if error is not None and status != 0:
            assert not {".gitignore.new", "journal", "journal.new", "current", "current.new"} & set(found)
        Workspace(Environment(str(tmp_path), str(box), {}), _project(box)).consistency.recover_if_interrupted()
        left = [path.name for path in box.rglob("*") if path.name.endswith(".new") or ".agentpack-" in path.name]
        assert left == []
        if status == 0:
            assert (box / ".agentpack/state/current").read_bytes() == b"1\n"
            return
    raise AssertionError("the transaction never completed")


@pytest.mark.campaign
@pytest.mark.parametrize("error", [None, errno.EIO], ids=["killed", "EIO"])
def test_edits_are_recorded_with_the_change_that_follows_or_not_at_all(stage: Stage, error: int | None) -> None:
    seen = set()
    for n in points(stage):
        status = in_a_child(partial(_change_after_edits, stage.disk(n, error=error, sync=False)))
        recovered(stage.box)
        assert recovered(stage.box) is None
        store = Store(Disk(roots(stage.box)))
        seen.add(store.generations.current())
        assert_clean(stage.box, of_scene=False)
        if status == 0:
            assert store.generations.current() == 3
            break
    assert seen == {1, 3}
    assert store.generations.read(2).command == "edits by hand"
    assert store.blobs.get(digest_of(EDIT)) == EDIT
    latest = store.generations.latest()
    assert latest is not None
    assert latest.replaced == ()  # what it took away is told by the generation before


def _first_change(disk: Disk) -> None:
    with process_lock(disk):
        recover(disk, Store(disk))
        change(disk, {".claude/agents/x.md": b"text"})


def _change_after_edits(disk: Disk) -> None:
    store = Store(disk)
    with process_lock(disk):
        recover(disk, store)
        edited = tuple(
            InstalledFile(path, "claude", "pack", path, digest_of(data), digest_of(data), seen.mode)
            for path in FIRST
            if path.endswith(".md") and (data := disk.read(path)) and (seen := disk.look(path))
        )
        before = generation(2, {}, {}, before=store.generations.latest())
        before = before._replace(command="edits by hand", files=edited)
        transact(
            disk,
            store,
            steps=[Step(".claude/agents/edited.md", digest_of(EDIT), b"new\n", 0o644)],
            generation=lambda modes: generation(3, {".claude/agents/edited.md": b"new\n"}, modes, before=before),
            snapshot=Snapshot(before, [EDIT]),
        )


def _project(box: Path) -> Scope:
    return project_scope(str(box), "a test")
