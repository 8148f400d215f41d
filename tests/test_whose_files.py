"""Whose a file is, and what it lets others do: after root's work on somebody's files, and under every umask."""

import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crashing_disk import CrashingDisk, in_a_child
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.apply import Step, recover, transact
from agentpack.disk import Disk
from agentpack.disk.atomic import write_whole
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.store.process_lock import process_lock

pytestmark = pytest.mark.usefixtures("unshipped")

ADA, DEVS, BOB = 12345, 12346, 12347
AGENT = ".claude/agents/reviewer.md"
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def crew(agentpack: Agentpack, project: Path) -> Path:
    """A project with two releases of a pack to be had, and a pack beside it."""
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    publish(
        project / "packs",
        make_pack("crew"),
        make_pack("crew", "1.1.0", personas={"reviewer": newer}),
        make_pack("other", personas={"tester": persona_text("tester")}),
    )
    return project


def give(folder: Path, user: int, group: int) -> None:
    """A folder and all in it to somebody."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group, follow_symlinks=False)


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Whose each file and folder is, the folder itself included."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_uid, path.lstat().st_gid)
        for path in (folder, *folder.rglob("*"))
        if ".git" not in path.parts
    }


# Root.


@only_root
def test_what_root_makes_in_somebodys_project_is_theirs(agentpack: Agentpack, crew: Path) -> None:
    give(crew, ADA, DEVS)
    for call in ("install crew==1.0.0 --source packs", "install other", "upgrade --latest --yes", "uninstall other"):
        agentpack(*call.split())
        assert set(owners(crew).values()) == {(ADA, DEVS)}, call
    for call in ("rollback", "history prune --keep 1", "keep reviewer", "sync"):
        with (crew / AGENT).open("a") as file:
            file.write("- Mine.\n" if call.startswith("keep") else "")
        agentpack(*call.split())
        assert set(owners(crew).values()) == {(ADA, DEVS)}, call


@only_root
def test_what_root_replaces_stays_whose_it_was(agentpack: Agentpack, crew: Path) -> None:
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    give(crew, ADA, DEVS)
    given = {AGENT: (BOB, DEVS), "agentpack.lock": (BOB, ADA), "agentpack.yaml": (0, DEVS)}
    for path, owner in given.items():
        os.chown(crew / path, *owner)
    agentpack("upgrade", "--latest", "--yes")
    found = owners(crew)
    assert {path: found[path] for path in given} == given
    agentpack("rollback")
    found = owners(crew)
    assert {path: found[path] for path in given} == given


@only_root
def test_what_root_makes_in_somebodys_home_is_theirs_and_root_works_there_again(
    agentpack: Agentpack, crew: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(home, ADA, DEVS)
    agentpack("install", "crew==1.0.0", "--source", str(crew / "packs"), "--client", "claude", "--user", real=True)
    assert set(owners(home).values()) == {(ADA, DEVS)}
    assert {".config/agentpack", ".local/state/agentpack/blobs", ".cache/agentpack", AGENT} <= set(owners(home))
    agentpack("upgrade", "--latest", "--yes", "--user", real=True)
    assert set(owners(home).values()) == {(ADA, DEVS)}
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(crew / "elsewhere"))  # what they write could reach it
    assert "belongs to another user" in agentpack("sync", "--user", real=True, expect=5).err


@only_root
def test_what_root_makes_in_roots_own_folders_is_roots(agentpack: Agentpack, crew: Path) -> None:
    os.chown(crew, 0, DEVS)
    agentpack("install", "crew", "--source", "packs")
    assert {path: owner for path, owner in owners(crew).items() if owner != (0, 0)} == {".": (0, DEVS)}


@only_root
def test_a_file_outside_of_every_scope_stays_whose_it_was(tmp_path: Path) -> None:
    os.chown(tmp_path, ADA, DEVS)
    report = tmp_path / "report"
    write_whole(str(report), b"one")
    assert owners(tmp_path)["report"] == (ADA, DEVS)
    os.chown(report, BOB, DEVS)
    write_whole(str(report), b"two", durable=True)
    assert owners(tmp_path)["report"] == (BOB, DEVS)


@only_root
def test_where_root_cannot_give_files_away_it_says_whose_they_are(
    agentpack: Agentpack, crew: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(crew, ADA, DEVS)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    ran = agentpack("install", "crew", "--source", "packs", expect=None)
    assert f"belong to root, not to {ADA}" in ran.err


def _roots(box: Path) -> dict[str, str]:
    return {"": str(box), "$state": f"{box}/.agentpack/state"}


def _change(disk: Disk, number: int, contents: dict[str, bytes]) -> None:
    with process_lock(disk):
        recover(disk, Store(disk))
        steps = [
            Step(path, seen.digest if (seen := disk.look(path)) else None, data) for path, data in contents.items()
        ]
        texts = ((path, digest_of(data)) for path, data in contents.items())
        files = tuple(InstalledFile(path, "claude", "crew", path, text, text, 0o644) for path, text in texts)
        made = Generation(number=number, parent=number - 1, time="", command="", pins=(), files=files, documents=())
        transact(disk, Store(disk), steps=steps, generation=made)


@pytest.mark.campaign
@only_root
@pytest.mark.parametrize("error", [None, errno.EIO], ids=["killed", "EIO"])
def test_a_change_that_is_stopped_at_any_call_leaves_everything_whose_it_was(tmp_path: Path, error: int | None) -> None:
    kept, box = tmp_path / "kept", tmp_path / "box"
    kept.mkdir()
    os.chown(kept, ADA, DEVS)
    _change(Disk(_roots(kept)), 1, {"a/x.md": b"one", "a/y.md": b"one"})
    os.chown(kept / "a/x.md", BOB, DEVS)
    for call in range(200):
        shutil.rmtree(box, ignore_errors=True)
        subprocess.run(["cp", "-a", kept, box], check=True)
        disk = CrashingDisk(_roots(box), stop_after=call, error=error, sync=False)
        status = in_a_child(partial(_change, disk, 2, {"a/x.md": b"two", "a/y.md": b"two", "a/z.md": b"two"}))
        with Disk(_roots(box)) as after, process_lock(after):
            recover(after, Store(after))
        found = owners(box)
        assert found.pop("a/x.md") == (BOB, DEVS), call
        assert set(found.values()) == {(ADA, DEVS)}, call
        if status == 0:
            return
    raise AssertionError("the change never completed")


# Ordinary users.


def _replace_as(box: Path, user: int, groups: list[int]) -> None:
    os.setgroups(groups)
    os.setegid(user)
    os.seteuid(user)
    with Disk({"": str(box)}) as disk:
        seen = disk.look("x.md")
        assert seen is not None
        disk.create(".x", b"two", mode=seen.mode, owner=seen.owner)
        disk.rename(".x", "x.md")


@only_root
@pytest.mark.parametrize(("groups", "then"), [([DEVS], DEVS), ([], BOB)], ids=["member", "stranger"])
def test_a_file_that_a_colleague_replaces_keeps_its_group(groups: list[int], then: int) -> None:
    with TemporaryDirectory() as folder:
        box = Path(folder)
        (box / "x.md").write_text("one")
        (box / "x.md").chmod(0o664)
        give(box, ADA, DEVS)
        os.chown(box, BOB, BOB)
        assert in_a_child(partial(_replace_as, box, BOB, groups)) == 0
        assert owners(box)["x.md"] == (BOB, then)
        assert stat.S_IMODE((box / "x.md").stat().st_mode) == 0o664


# The umask.

UMASKS = [0o000, 0o002, 0o007, 0o022, 0o027, 0o077, 0o277, 0o777]


@pytest.fixture
def masked() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("mask", UMASKS, ids=oct)
@pytest.mark.parametrize("scope", ["--project", "--user"])
@pytest.mark.campaign
def test_under_every_umask_a_life_goes_well_and_only_the_user_may_write_the_state(
    agentpack: Agentpack, crew: Path, home: Path, masked: None, mask: int, scope: str
) -> None:
    os.umask(mask)
    source = str(crew / "packs")
    agentpack("install", "crew==1.0.0", "--source", source, "--client", "claude", scope)
    os.umask(0o022)
    for call in ("status", "diff", "sync --check", "upgrade --latest --yes"):
        agentpack(*call.split(), scope)
    os.umask(mask)
    for call in ("rollback", "status", "diff", "sync --check", "install other", "sync --frozen", "doctor"):
        agentpack(*call.split(), scope)
    state, written = (
        (crew / ".agentpack", (crew / "agentpack.yaml", crew / AGENT))
        if scope == "--project"
        else (home / ".local", (home / ".config/agentpack/agentpack.yaml", home / AGENT))
    )
    for path in (state, *state.rglob("*"), *home.glob(".cache/**/*")):
        assert not path.stat().st_mode & stat.S_IWOTH, path
        assert path.stat().st_mode & 0o600 == 0o600 or ".cache" in path.parts, path  # a cache may be of no use
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) in (0o666 & ~mask | 0o600, 0o664 & ~mask | 0o600)


@settings(max_examples=40)
@given(mask=st.integers(0, 0o777))
def test_a_new_file_gets_what_the_umask_leaves_and_is_never_closed_to_its_owner(mask: int) -> None:
    before = os.umask(0o022)
    try:
        with TemporaryDirectory() as folder:
            box = Path(folder)
            with Disk(_roots(box)) as disk:
                os.umask(mask)
                for path in (*disk.missing("$state"), "clients"):
                    disk.mkdir(path)
                disk.create("clients/x.md", b"text")
                disk.create("$state/current", b"1\n")
            modes = {path: stat.S_IMODE((box / path).stat().st_mode) for path in ("clients/x.md", "clients")}
            assert modes == {"clients/x.md": 0o666 & ~mask | 0o600, "clients": 0o777 & ~mask | 0o700}
            for path in (".agentpack", ".agentpack/state", ".agentpack/state/current"):
                mode = stat.S_IMODE((box / path).stat().st_mode)
                assert mode == (0o664 if path.endswith("current") else 0o775) & ~mask | (
                    0o600 if path.endswith("current") else 0o700
                )
    finally:
        os.umask(before)
