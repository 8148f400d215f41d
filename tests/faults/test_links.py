"""Writing only where it may: links, other kinds of files, owners and permissions in the way."""

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from faults.scene import FIRST, change, generation, roots
from support.crashing_disk import CrashingDisk, in_a_child
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.apply import Step, recover, transact
from agentpack.disk import Disk
from agentpack.disk.known_states import KnownStates
from agentpack.environment import Environment, user_scope
from agentpack.errors import Refused
from agentpack.store import Store, layout
from agentpack.store.process_lock import process_lock

SOMEBODY = 12345
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SWAP = """
import os, sys, time
folder, outside = sys.argv[1:]
print("swapping", flush=True)
while True:
    try:
        os.rename(folder, folder + ".real")
        os.symlink(outside, folder)
        time.sleep(0.0005)
        os.unlink(folder)
        os.rename(folder + ".real", folder)
    except OSError:
        try:
            os.unlink(folder)
        except OSError:
            pass
        try:
            os.rename(folder + ".real", folder)
        except OSError:
            pass
    time.sleep(0.0005)
"""


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A folder of packs with two releases of `data-reviewer`."""
    two = {"reviewer": persona_text(body="You review data twice. {#identity}\n")}
    return publish(tmp_path / "packs", make_pack(), make_pack(version="2.0.0", personas=two))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is none of agentpack's business, with names that it would look for."""
    folder = tmp_path / "outside"
    for name in ("agents", "state/generations", "state/blobs", "generations", "blobs"):
        (folder / name).mkdir(parents=True)
    for name in ("reviewer.md", "agents/reviewer.md", "current", "state/current", "lock", "state/lock", ".gitignore"):
        (folder / name).write_bytes(b"1\n")
    return folder


def held(folder: Path) -> dict[str, tuple[bytes | None, int, int]]:
    """All below a folder, with its times."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        seen = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(seen.st_mode) else None
        found[str(path)] = (content, seen.st_mtime_ns, seen.st_mode)
    return found


def install(agentpack: Agentpack, packs: Path, *words: str, expect: int | None = 0) -> str:
    """Install the first release for Claude. Returns what was said."""
    asked = ("install", "data-reviewer==1.0.0", "--source", str(packs), "--client", "claude", *words)
    ran = agentpack(*asked, expect=expect)
    assert ran.exit_code in (0, 2, 3, 5, 6), ran.err
    return ran.out + ran.err


# -- links in a project ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folder", [".claude", ".claude/agents", ".agentpack", ".agentpack/state", ".agentpack/state/blobs"]
)
def test_a_folder_swapped_for_a_link_again_and_again_leads_nothing_outside(
    agentpack: Agentpack, project: Path, packs: Path, outside: Path, folder: str
) -> None:
    install(agentpack, packs)
    before = held(outside)
    swapper = subprocess.Popen([sys.executable, "-c", SWAP, project / folder, outside], stdout=subprocess.PIPE)
    codes = []
    try:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        for _ in range(12):
            for words in (("upgrade", "--latest", "--yes"), ("rollback",), ("sync", "--adopt"), ("status",)):
                codes.append(agentpack(*words, expect=None).exit_code)
    finally:
        swapper.kill()
        swapper.wait()
        assert swapper.stdout is not None
        swapper.stdout.close()
    assert set(codes) <= {0, 2, 3, 5, 6}
    assert held(outside) == before


@pytest.mark.parametrize(
    "folder",
    [
        ".claude",
        ".claude/agents",
        ".agentpack",
        ".agentpack/variants",
    ],
)
def test_a_link_that_a_clone_brings_along_leads_nothing_outside(
    agentpack: Agentpack, project: Path, packs: Path, outside: Path, folder: str
) -> None:
    (project / folder).parent.mkdir(parents=True, exist_ok=True)
    (project / folder).symlink_to(outside, target_is_directory=True)
    before = held(outside)
    said = install(agentpack, packs, expect=5)
    assert f"`{folder}` is a link that leads out of `{project}`" in said
    assert held(outside) == before
    assert not (project / "agentpack.yaml").exists()


@pytest.mark.parametrize("folder", [".agentpack/state", ".agentpack/state/blobs", ".agentpack/state/generations"])
def test_a_link_in_the_state_of_a_clone_is_moved_aside_and_leads_nowhere(
    agentpack: Agentpack, project: Path, packs: Path, outside: Path, folder: str
) -> None:
    (project / folder).parent.mkdir(parents=True, exist_ok=True)
    (project / folder).symlink_to(outside, target_is_directory=True)
    before = held(outside)
    assert "was not made by you here" in install(agentpack, packs)
    assert held(outside) == before
    aside = project / folder.replace("state", "state-unknown-1")
    assert aside.is_symlink()
    assert not (project / folder).is_symlink()


def test_a_state_behind_a_link_is_not_believed_by_the_fast_path(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path
) -> None:
    install(agentpack, packs)
    assert agentpack("diff", real=True).exit_code == 0
    (project / ".agentpack/state").rename(tmp_path / "state")
    (project / ".agentpack/state").symlink_to(tmp_path / "state")
    assert agentpack("diff", real=True).err.count("was not made by you here") == 1


def test_agents_behind_a_link_are_not_taken_for_ours(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path
) -> None:
    install(agentpack, packs)
    (project / ".claude/agents").rename(tmp_path / "agents")
    (project / ".claude/agents").symlink_to(tmp_path / "agents")
    for words in (("diff",), ("sync", "--check"), ("uninstall", "data-reviewer")):
        assert agentpack(*words, real=True, expect=5).err.count("leads out of") == 1
    assert (tmp_path / "agents/reviewer.md").exists()


def test_version_control_is_out_of_bounds_whatever_a_journal_says(tmp_path: Path) -> None:
    box = tmp_path / "box"
    (box / ".git/hooks").mkdir(parents=True)
    with Disk(roots(box)) as disk, process_lock(disk):
        change(disk, FIRST)
        for path in (".git/hooks/post-checkout", ".GIT/hooks/x", "sub/.git", ".g\u200cit/hooks/x", ".hg/hgrc"):
            with pytest.raises(Refused, match="version control"):
                transact(
                    disk,
                    Store(disk),
                    steps=[Step(path, None, b"#!/bin/sh\n", 0o755)],
                    generation=generation(2, {}, {}, before=None),
                )
    assert list((box / ".git/hooks").iterdir()) == []


def test_a_journal_from_a_clone_cannot_reach_version_control(tmp_path: Path) -> None:
    box = tmp_path / "box"
    (box / ".git/hooks").mkdir(parents=True)
    (box / ".git/hooks/mine.agentpack-1-1").write_bytes(b"")
    (box / ".git/hooks/.mine.agentpack-1-1").write_bytes(b"")
    with Disk(roots(box)) as disk, process_lock(disk):
        change(disk, FIRST)
        disk.create(
            layout.JOURNAL_NEW,
            b'["agentpack journal",1,2,".agentpack-1-1"]\n["folder",".git/hooks"]\n["made",".git"]\n',
        )
        with pytest.raises(Refused, match="version control"):
            recover(disk, Store(disk))
    assert sorted(os.listdir(box / ".git/hooks")) == [".mine.agentpack-1-1", "mine.agentpack-1-1"]


# -- links in the home folder ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["home/dotfiles", "elsewhere"])
@pytest.mark.parametrize("link", [".claude", ".claude/agents", ".config/agentpack"])
def test_a_linked_folder_of_ones_own_is_followed_and_said(
    agentpack: Agentpack, home: Path, tmp_path: Path, packs: Path, place: str, link: str
) -> None:
    there = tmp_path / place
    there.mkdir(parents=True)
    (home / link).parent.mkdir(parents=True, exist_ok=True)
    (home / link).symlink_to(there)
    said = install(agentpack, packs, "--user")
    assert f"`~/{link}` is a link to {told(there, home)}, which is yours" in said
    assert (home / link).is_symlink()
    assert (home / ".claude/agents/reviewer.md").is_file()
    assert any(there.rglob("*.md")) or any(there.glob("agentpack.yaml"))
    agentpack("uninstall", "data-reviewer", "--user")
    assert list(there.rglob("*.md")) == []


def told(path: Path, home: Path) -> str:
    """A path as messages have it."""
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


@pytest.mark.parametrize("place", ["home/dotfiles", "elsewhere"])
def test_a_linked_agent_file_is_written_through_and_stays_a_link(
    agentpack: Agentpack, home: Path, tmp_path: Path, packs: Path, place: str
) -> None:
    install(agentpack, packs, "--user")
    file, real = home / ".claude/agents/reviewer.md", tmp_path / place / "mine.md"
    first = file.read_bytes()
    real.parent.mkdir()
    file.rename(real)
    file.symlink_to(real)
    said = agentpack("upgrade", "--latest", "--yes", "--user").err
    assert f"`~/.claude/agents/reviewer.md` is a link to {told(real, home)}, which is yours" in said
    assert file.is_symlink()
    assert b"twice" in real.read_bytes()
    assert [path.name for path in real.parent.iterdir()] == ["mine.md"]
    agentpack("rollback", "--user")
    assert file.is_symlink()
    assert real.read_bytes() == first
    agentpack("uninstall", "data-reviewer", "--user")
    assert file.is_symlink()
    assert not real.exists()
    agentpack("rollback", "--user")
    assert real.read_bytes() == first
    assert agentpack("diff", "--user").exit_code == 0


def test_a_linked_manifest_is_written_through(agentpack: Agentpack, home: Path, tmp_path: Path, packs: Path) -> None:
    config, real = home / ".config/agentpack", tmp_path / "dotfiles/agentpack.yaml"
    config.mkdir(parents=True)
    real.parent.mkdir()
    real.write_text("schema: 1\nclients: [claude]  # only this one\n")
    (config / "agentpack.yaml").symlink_to(real)
    install(agentpack, packs, "--user")
    assert (config / "agentpack.yaml").is_symlink()
    assert "# only this one" in real.read_text()
    assert "data-reviewer" in real.read_text()


def test_two_agents_that_are_one_file_by_a_link_are_refused(
    agentpack: Agentpack, home: Path, tmp_path: Path, packs: Path
) -> None:
    pair = {name: persona_text(name) for name in ("first", "second")}
    changed = {name: persona_text(name, description="Anew.") for name in ("first", "second")}
    publish(packs, make_pack("pair", personas=pair), make_pack("pair", "2.0.0", personas=changed))
    agentpack("install", "pair==1.0.0", "--source", str(packs), "--client", "claude", "--user")
    agents = home / ".claude/agents"
    (agents / "second.md").unlink()
    (agents / "second.md").symlink_to("first.md")
    before = (agents / "first.md").read_bytes()
    ran = agentpack("upgrade", "--latest", "--yes", "--discard-edits", "--user", expect=None)
    assert ran.exit_code in (3, 5)
    assert (agents / "first.md").read_bytes() == before


@only_root
@pytest.mark.parametrize("whose", ["link", "target"])
@pytest.mark.parametrize("path", [".claude", ".claude/agents/reviewer.md", ".config/agentpack/agentpack.yaml"])
def test_a_link_of_somebody_elses_is_refused(
    agentpack: Agentpack, home: Path, tmp_path: Path, packs: Path, whose: str, path: str
) -> None:
    target = tmp_path / "theirs"
    if path.endswith((".md", ".yaml")):
        target.write_text("schema: 1\n")
    else:
        target.mkdir()
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).symlink_to(target)
    os.chown(home / path if whose == "link" else target, SOMEBODY, SOMEBODY, follow_symlinks=False)
    before = held(target)
    assert "belongs to another user" in install(agentpack, packs, "--user", expect=5)
    assert held(target) == before
    assert (home / path).is_symlink()


# -- other things than files -------------------------------------------------------------------------------------------


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError as error:
        if error.errno == errno.EPERM:
            pytest.skip("only root makes devices")
        raise


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path], None]] = {
    "circle": lambda path: path.symlink_to(path.name),
    "dangling": lambda path: path.symlink_to("nowhere/at-all"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": _socket,
    "device": _device,
}
PLACES = [".claude/agents/reviewer.md", "agentpack.yaml", "agentpack.lock", *(f".agentpack/state/{name}" for name in (
    "lock", "current", "journal", "journal.new", "generations", "blobs", ".gitignore"))]  # fmt: skip


def _own_state(project: Path) -> None:
    """A state folder as this user's first command makes it."""
    user = user_scope(Environment.current(), "").roots
    with Disk(roots(project)) as disk, Disk({"": user[""], "$state": user["$state"]}) as home:
        disk.known_states = KnownStates(home)
        layout.prepare(disk)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_is_refused_and_nothing_hangs(
    agentpack: Agentpack, project: Path, packs: Path, kind: str, place: str
) -> None:
    path = project / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder" and path.name in ("generations", "blobs"):
        pytest.skip("that is what belongs there")
    if place.startswith(".agentpack/state/"):
        _own_state(project)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    KINDS[kind](path)
    asked = ("install", "data-reviewer", "--source", str(packs), "--client", "claude")
    ran = agentpack(*asked, expect=None)
    assert not (path.parent / "nowhere").exists()
    if path.name == ".gitignore" or (kind == "dangling" and path.name in ("current", "journal", "journal.new")):
        assert ran.exit_code == 0, ran.err  # nobody's file: it is left there, or replaced and not followed
        return
    assert ran.exit_code in (3, 5), ran.err
    assert place in ran.err
    assert not stat.S_ISREG(path.lstat().st_mode)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "folder"])
@pytest.mark.parametrize("place", [".claude", ".claude/agents", ".agentpack", ".agentpack/state"])
def test_what_is_no_folder_is_refused_and_nothing_hangs(
    agentpack: Agentpack, project: Path, packs: Path, kind: str, place: str
) -> None:
    path = project / place
    path.parent.mkdir(parents=True, exist_ok=True)
    KINDS[kind](path)
    ran = agentpack("install", "data-reviewer", "--source", str(packs), "--client", "claude", expect=None)
    assert place in ran.err
    if place == ".agentpack/state":  # of a clone
        assert ran.exit_code == 0, ran.err
        assert os.path.lexists(project / ".agentpack/state-unknown-1")
        return
    assert ran.exit_code in (3, 5), ran.err
    assert not (path.parent / "nowhere").exists()
    assert not (project / "agentpack.yaml").exists()
    assert agentpack("status", expect=None).exit_code in (0, 3, 5)


# -- whose state it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["", "generations", "blobs"])
def test_a_state_that_everybody_may_write_to_is_refused(
    agentpack: Agentpack, project: Path, packs: Path, folder: str
) -> None:
    install(agentpack, packs)
    state = project / ".agentpack/state" / folder
    state.chmod(0o777)
    ran = agentpack("upgrade", "--latest", "--yes", expect=5)
    assert "every user of this machine can write to `.agentpack/state" in ran.err
    assert f"`chmod -R o-w {state.relative_to(project)}`" in ran.err
    state.chmod(0o775)  # the usual mode where each user has a group
    agentpack("upgrade", "--latest", "--yes")


def test_a_state_that_everybody_may_write_to_is_not_believed_by_the_fast_path(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    install(agentpack, packs)
    (project / ".agentpack/state").chmod(0o777)
    assert agentpack("diff", real=True, expect=5).err.count("can write to") == 1


def test_where_the_project_is_everybodys_its_state_may_be_too(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs)
    project.chmod(0o777)
    (project / ".agentpack/state").chmod(0o777)
    agentpack("upgrade", "--latest", "--yes")


@pytest.mark.parametrize("folder", [".config/agentpack", ".local/state/agentpack"])
def test_a_users_folder_that_everybody_may_write_to_is_refused(
    agentpack: Agentpack, home: Path, packs: Path, folder: str
) -> None:
    install(agentpack, packs, "--user")
    (home / folder).chmod(0o1777)
    assert f"`~/{folder}`" in agentpack("sync", "--user", expect=5).err


@only_root
@pytest.mark.parametrize("folder", [".config/agentpack", ".local/state/agentpack"])
def test_a_users_folder_of_another_user_is_refused(agentpack: Agentpack, home: Path, packs: Path, folder: str) -> None:
    install(agentpack, packs, "--user")
    os.chown(home / folder, SOMEBODY, SOMEBODY)
    ran = agentpack("sync", "--user", expect=5)
    assert f"`~/{folder}` belongs to another user, {SOMEBODY}" in ran.err
    assert f"run the command as {SOMEBODY}, without sudo" in ran.err


@only_root
def test_root_works_in_a_users_project_and_in_nobody_elses(agentpack: Agentpack, project: Path, packs: Path) -> None:
    install(agentpack, packs)
    state = project / ".agentpack/state"
    os.chown(state, SOMEBODY, SOMEBODY)
    assert "belongs to another user" in agentpack("sync", expect=5).err
    os.chown(project, SOMEBODY, SOMEBODY)
    agentpack("sync")
    os.chown(project, SOMEBODY + 1, SOMEBODY)
    assert "belongs to another user" in agentpack("sync", expect=5).err


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that every user can enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@only_root
def test_an_ordinary_user_refuses_the_state_of_another(everybodys: Path) -> None:
    box = everybodys
    with Disk(roots(box)) as disk, process_lock(disk):
        change(disk, FIRST)
    os.chown(box / ".agentpack/state", SOMEBODY, SOMEBODY)
    with as_user(SOMEBODY + 1), Disk(roots(box)) as disk, pytest.raises(Refused) as caught:
        disk.read(layout.CURRENT)
    assert "sudo chown -R" in (caught.value.hint or "")


class as_user:
    """This process as another user, for a while."""

    def __init__(self, user: int) -> None:
        self._user = user

    def __enter__(self) -> None:
        os.seteuid(self._user)

    def __exit__(self, *_: object) -> None:
        os.seteuid(0)


# -- names -------------------------------------------------------------------------------------------------------------

NAMES = ["../../evil", "/etc/evil", "a/b", "..", ".hidden", "x\\y", "$state/current", "CON", "con", "x\u0000y", "a#b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_persona_cannot_name_a_path(agentpack: Agentpack, project: Path, tmp_path: Path, name: str) -> None:
    folder = publish(tmp_path / "evil", make_pack(personas={"reviewer": persona_text(name)}))
    before = held(tmp_path / "evil")
    install(agentpack, folder, expect=5 if "\0" in name else 2)  # a NUL is hidden text before it is a name
    assert held(tmp_path / "evil") == before
    assert sorted(path.name for path in project.iterdir()) == [".git"]


@pytest.mark.parametrize("name", NAMES)
def test_a_persona_cannot_be_renamed_to_a_path(agentpack: Agentpack, project: Path, packs: Path, name: str) -> None:
    import yaml

    wanted = {"require": "data-reviewer==1.0.0", "as": {"reviewer": name}}
    document = {"schema": 1, "clients": ["claude"], "sources": [{"name": "packs", "path": str(packs)}]}
    (project / "agentpack.yaml").write_text(yaml.safe_dump({**document, "packs": [wanted]}))
    assert agentpack("sync", expect=None).exit_code == 2
    assert not (project / ".claude").exists()


@pytest.mark.parametrize("name", ["../x", "/etc", "$state", ".git/hooks", "a/../../b", ".agentpack/state", "~/x"])
@pytest.mark.parametrize("key", ["project", "file"])
def test_a_declared_client_cannot_name_a_place_of_others(
    agentpack: Agentpack, project: Path, packs: Path, key: str, name: str
) -> None:
    declared = {
        "project": ".mine/agents",
        "file": "{name}.md",
        key: name if key == "project" else f"{name}/{{name}}.md",
    }
    (project / ".agentpack/clients").mkdir(parents=True)
    text = "schema: 1\n" + "".join(f'{key}: "{value}"\n' for key, value in declared.items())
    (project / ".agentpack/clients/mine.yaml").write_text(text)
    ran = agentpack("install", "data-reviewer", "--source", str(packs), "--client", "mine", expect=None)
    assert ran.exit_code == 2
    assert "mine.yaml" in ran.err


# -- modes -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def mask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_new_files_follow_the_umask_and_replaced_ones_keep_their_mode(
    agentpack: Agentpack, project: Path, packs: Path, mask: int
) -> None:
    install(agentpack, packs)
    files = [project / name for name in (".claude/agents/reviewer.md", "agentpack.yaml", "agentpack.lock")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o666 & ~mask] * 3
    assert stat.S_IMODE((project / ".claude/agents").stat().st_mode) == 0o777 & ~mask
    modes = [0o604, 0o640, 0o600]
    for path, mode in zip(files, modes, strict=True):
        path.chmod(mode)
    agentpack("upgrade", "--latest", "--yes")
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == modes


# -- linked files, stopped in the middle -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, errno.EIO], ids=["killed", "EIO"])
def test_a_linked_file_is_old_or_new_whatever_stops_the_change(tmp_path: Path, error: int | None) -> None:
    seen = set()
    for n in range(200):
        box, elsewhere = tmp_path / f"{n}/home", tmp_path / f"{n}/elsewhere"
        elsewhere.mkdir(parents=True)
        box.mkdir()
        where = {"": str(box), "$state": str(box / ".local/state/agentpack")}
        old = {".claude/agents/x.md": b"old", ".claude/agents/y.md": b"old"}
        with CrashingDisk(where, sync=False, follow_own_links=True) as disk, process_lock(disk):
            change(disk, old)
        (box / ".claude/agents/x.md").rename(elsewhere / "mine.md")
        (box / ".claude/agents/x.md").symlink_to(elsewhere / "mine.md")
        broken = CrashingDisk(where, stop_after=n, error=error, sync=False, follow_own_links=True)
        status = in_a_child(partial(_second_change, broken, dict.fromkeys(old, b"new")))
        with CrashingDisk(where, sync=False, follow_own_links=True) as disk, process_lock(disk):
            recover(disk, Store(disk))
        texts = {(elsewhere / "mine.md").read_bytes(), (box / ".claude/agents/y.md").read_bytes()}
        assert len(texts) == 1
        assert (box / ".claude/agents/x.md").is_symlink()
        assert os.listdir(elsewhere) == ["mine.md"]
        assert sorted(os.listdir(box / ".claude/agents")) == ["x.md", "y.md"]
        seen |= texts
        if status == 0:
            assert seen == {b"old", b"new"}
            return
    raise AssertionError("the transaction never completed")


def _second_change(disk: Disk, contents: dict[str, bytes]) -> None:
    with process_lock(disk):
        recover(disk, Store(disk))
        change(disk, contents)
