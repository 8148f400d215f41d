"""File systems that lack a call: the work goes on without it, and one note says so."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree

from agentpack.disk import FEW, Disk
from agentpack.disk.atomic import write_whole
from agentpack.errors import Unavailable
from agentpack.store.process_lock import is_locked, process_lock

AGENT = ".claude/agents/reviewer.md"
LACKS = {
    "locks": (fcntl, "flock", (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP), "no file locks"),
    "sync": (os, "fsync", (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP), "no fsync"),
    "modes": (os, "fchmod", (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP), None),
}
CASES = [
    pytest.param(lack, number, id=f"{lack}-{errno.errorcode[number]}") for lack in LACKS for number in LACKS[lack][2]
]


def fails_with(number: int) -> Callable[..., NoReturn]:
    def call(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture
def crew(agentpack: Agentpack, project: Path) -> Agentpack:
    """A project with two releases of a pack to be had."""
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    publish(project / "packs", make_pack("crew"), make_pack("crew", "1.1.0", personas={"reviewer": newer}))
    return agentpack


def life(agentpack: Agentpack) -> list[str]:
    """A life of a project; what each command says."""
    words = (
        "install crew==1.0.0 --source packs --client claude",
        "upgrade --latest --yes",
        "rollback",
        "sync --check",
        "status",
    )
    said = [agentpack(*words[0].split()).err]
    (agentpack.folder / AGENT).chmod(0o640)  # to be brought back on top
    return said + [agentpack(*call.split()).err for call in words[1:]]


@pytest.mark.many
@pytest.mark.parametrize(("lack", "number"), CASES)
def test_every_command_works_without_it_and_says_so_once(
    crew: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, lack: str, number: int
) -> None:
    module, name, _, words = LACKS[lack]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, fails_with(number))
        said = life(crew)
    for text in said[:3]:
        notes = [line for line in text.splitlines() if line.startswith("note: ") and "`agentpack rollback" not in line]
        assert len(notes) == (0 if words is None else 1)
        assert words is None or "`.agentpack/state`" in next(line for line in text.splitlines() if words in line)
    for text in said[3:]:
        assert "note: " not in text  # nothing was written
    assert crew("diff").exit_code == 0
    assert "One more." not in (project / AGENT).read_text()


@pytest.mark.parametrize(("lack", "number"), [("locks", errno.EIO), ("sync", errno.EIO), ("sync", errno.ENOSPC)])
def test_a_fault_of_the_disk_stays_one(
    crew: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, lack: str, number: int
) -> None:
    module, name, _, _ = LACKS[lack]
    monkeypatch.setattr(module, name, fails_with(number))
    ran = crew("install", "crew", "--source", "packs", expect=6)
    assert os.strerror(number) in ran.err
    assert {path for path in tree(project) if not path.startswith("packs/")} <= {".agentpack/state/"}


def test_many_files_are_synced_one_by_one_where_a_whole_file_system_cannot_be(tmp_path: Path) -> None:
    class NoSyncfs(Disk):
        synced = 0

        def system(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if name == "syncfs":
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            self.synced += name == "fsync"
            return super().system(name, call, *args, **kwargs)

    disk = NoSyncfs({"": str(tmp_path)})
    names = [f"f{number}" for number in range(FEW + 1)]
    for name in names:
        disk.create(name, b"text")
    disk.make_durable(names, [""])
    assert disk.synced == len(names) + 1


@pytest.mark.parametrize("number", LACKS["sync"][2])
def test_a_file_outside_of_every_scope_is_written_without_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", fails_with(number))
    write_whole(str(tmp_path / "report"), b"text", durable=True)
    assert (tmp_path / "report").read_bytes() == b"text"
    assert os.listdir(tmp_path) == ["report"]


@pytest.fixture
def another() -> Iterator[int]:
    """The number of a process that runs."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate(b"\n")


def state(box: Path) -> Disk:
    return Disk({"": str(box), "$state": str(box / "state")})


@pytest.mark.parametrize("number", LACKS["locks"][2])
def test_without_locks_the_number_of_a_process_keeps_those_of_one_machine_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, another: int, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", fails_with(number))
    with process_lock(state(tmp_path)):
        state(tmp_path).create("$state/current", b"1\n")
        (tmp_path / "state/lock").write_text(f"{another}\n")
        assert is_locked(state(tmp_path))
    (tmp_path / "state/lock").write_text(f"{another}\n")
    with pytest.raises(Unavailable, match=f"process {another}") as caught, process_lock(state(tmp_path), timeout=0.1):
        pass
    assert f"delete `{tmp_path}/state/lock`" in (caught.value.hint or "")


@pytest.mark.parametrize("left", ["", "0", "99999999999999999999", "4194305", "somebody", "ours"])
def test_without_locks_what_a_killed_process_left_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setattr(fcntl, "flock", fails_with(errno.ENOSYS))
    (tmp_path / "state").mkdir()
    (tmp_path / "state/lock").write_text(str(os.getpid()) if left == "ours" else left)
    disk = state(tmp_path)
    assert not is_locked(disk)
    with process_lock(disk, timeout=0):
        pass
    assert list(disk.lacks) == ["locks"]


def test_a_lock_that_another_machine_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS may answer EACCES, where a local disk answers EAGAIN."""
    monkeypatch.setattr(fcntl, "flock", fails_with(errno.EACCES))
    disk = state(tmp_path)
    with pytest.raises(Unavailable, match="is changing files here"), process_lock(disk, timeout=0.1):
        pass
    assert is_locked(disk)
    assert not disk.lacks


def test_a_lock_that_fails_for_another_reason_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", fails_with(errno.EIO))
    with (
        pytest.raises(Unavailable, match="cannot lock"),
        process_lock(Disk({"": str(tmp_path), "$state": str(tmp_path / "state")})),
    ):
        pass
