"""State is believed only where this user made it: what a clone brings along counts as absent, and stays as it is."""

import json
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from faults.scene import roots
from support import warm
from support.crashing_disk import CrashingDisk, in_a_child
from support.hostile_state import LOOKING, SENSITIVE, attack, calls, stopped_at
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack, Ran
from support.trees import STATE, everything, tree

from agentpack.apply import Step, recover, transact
from agentpack.disk import Disk
from agentpack.disk.known_states import KnownStates
from agentpack.fast import clean_scope
from agentpack.model.history import Generation, RecordedDocument
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.store.process_lock import process_lock

AGENT = ".claude/agents/reviewer.md"
GENERATION = Generation(
    number=1,
    parent=0,
    time="2026-11-23T10:00:00Z",
    command="install",
    pins=(),
    files=(),
    documents=(RecordedDocument("a.md", digest_of(b"a\n"), 0o644),),
)


@pytest.fixture
def clone(agentpack: Agentpack, project: Path) -> Path:
    """A project of somebody else, with an edited agent file; of its state nothing came along."""
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    publish(
        project / "packs",
        make_pack("crew"),
        make_pack("crew", "1.1.0", personas={"reviewer": newer}),
        make_pack("other", personas={"tester": persona_text("tester")}),
    )
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    with open(project / AGENT, "a") as file:
        file.write("mine\n")
    (project / "README.md").write_text("Read me.\n")
    shutil.rmtree(project / STATE)
    return project


def _no_state(words: str) -> str:
    """What a command said, without the note about the state."""
    lines = words.splitlines(keepends=True)
    return "".join(line for line in lines if STATE not in line or "was not made by you here" not in line)


def looked(agentpack: Agentpack) -> dict[tuple[str, ...], Ran]:
    return {words: agentpack(*words, expect=None) for words in LOOKING}


# A clone that brings its own.


def _decided(project: Path) -> None:
    renames = [number for number, call in enumerate(calls(project)) if call == "rename"]
    stopped_at(renames[1] + 2, project)  # the first one is of the state's `.gitignore`
    assert (project / STATE / "journal").exists()


def _with_a_strange_id(text: bytes) -> Callable[[Path], None]:
    def make(project: Path) -> None:
        _decided(project)
        (project / STATE / "id").write_bytes(text)

    return make


def _with_a_linked_id(project: Path) -> None:
    _decided(project)
    (project / STATE / "id").symlink_to("/dev/zero")


def _with_a_pipe_for_an_id(project: Path) -> None:
    _decided(project)
    os.mkfifo(project / STATE / "id")


def _linked(inside: bool) -> Callable[[Path], None]:
    def make(project: Path) -> None:
        _decided(project)
        place = project / "elsewhere" if inside else project.parent / "elsewhere"
        (project / STATE).rename(place)
        (project / STATE).symlink_to(place)

    return make


def _of_another_project(project: Path) -> None:
    other = project.parent / "another project"
    (other / ".git").mkdir(parents=True)
    Agentpack(other)("install", "python-engineer", "--client", "claude")
    (project / STATE).symlink_to(other / STATE)


def _of_all_modes(project: Path) -> None:
    _decided(project)
    for path in (project / STATE).rglob("*"):
        path.chmod(0o6777)
    (project / STATE).chmod(0o6777)


def _of_garbage(project: Path) -> None:
    for name in ("journal", "journal.new", "current", "current.new", "lock", ".gitignore.new"):
        (project / STATE).mkdir(exist_ok=True)
        (project / STATE / name).write_bytes(b"\xff" * 100)


def _a_file(project: Path) -> None:
    (project / STATE).write_bytes(b"not a folder\n")


def _a_pipe(project: Path) -> None:
    os.mkfifo(project / STATE)


def _with_a_long_history(project: Path) -> None:
    stopped_at(10_000, project)
    (project / STATE / "current").write_bytes(b"9\n")


BROUGHT: Mapping[str, Callable[[Path], None]] = {
    "a decided change": _decided,
    "a change that counts": partial(stopped_at, 10_000),
    "an empty id": _with_a_strange_id(b""),
    "an id nobody knows": _with_a_strange_id(b"0" * 32 + b"\n"),
    "an id that is a path": _with_a_strange_id(b"../../../../../../../../etc/passwd"),
    "an endless id": _with_a_linked_id,
    "a pipe for an id": _with_a_pipe_for_an_id,
    "a link within": _linked(True),
    "a link that leads out": _linked(False),
    "a link to one's own of another project": _of_another_project,
    "set-id and world-writable": _of_all_modes,
    "garbage": _of_garbage,
    "a file": _a_file,
    "a pipe": _a_pipe,
    "a record that is missing": _with_a_long_history,
}


def assert_ignored(agentpack: Agentpack, clone: Path, fresh: Mapping[tuple[str, ...], Ran]) -> None:
    """Every looking command does and says what it does in a fresh clone, and changes nothing."""
    before = everything(clone)
    for words, ran in looked(agentpack).items():
        assert ran.exit_code == fresh[words].exit_code, (words, ran)
        assert (_no_state(ran.out), _no_state(ran.err)) == (fresh[words].out, fresh[words].err), words
        assert ran.err.count("was not made by you here") == 1, (words, ran.err)
        assert everything(clone) == before, words


@pytest.mark.campaign
@pytest.mark.parametrize("brought", BROUGHT)
def test_state_that_came_with_a_clone_counts_as_absent_and_stays_as_it_is(
    agentpack: Agentpack, clone: Path, brought: str
) -> None:
    fresh = looked(agentpack)
    BROUGHT[brought](clone)
    assert_ignored(agentpack, clone, fresh)


@pytest.mark.campaign
def test_an_interrupted_change_that_came_along_is_never_gone_on_with_wherever_it_stopped(
    agentpack: Agentpack, clone: Path
) -> None:
    few = partial(attack, paths=SENSITIVE[::8])
    fresh, count = agentpack("diff", expect=None), len(calls(clone, few))
    for number in range(count + 1):
        shutil.rmtree(clone / STATE, ignore_errors=True)
        stopped_at(number, clone, few) if number > 1 else None
        before = everything(clone)
        ran = agentpack("diff", expect=None)
        assert (ran.exit_code, ran.out, _no_state(ran.err)) == (fresh.exit_code, fresh.out, fresh.err)
        assert everything(clone) == before


@pytest.mark.many
@pytest.mark.parametrize("brought", BROUGHT)
def test_the_first_change_moves_a_foreign_state_aside_with_every_byte(
    agentpack: Agentpack, clone: Path, brought: str
) -> None:
    BROUGHT[brought](clone)
    kept = everything(clone / STATE) if (clone / STATE).is_dir() else None
    ran = agentpack("install", "other")
    assert "was not made by you here" in ran.err
    assert "`state-unknown-1`" in ran.err
    if kept is not None:
        assert everything(clone / f"{STATE}-unknown-1") == kept
    assert not {*SENSITIVE} & tree(clone).keys()
    assert (clone / "README.md").exists()
    after = agentpack("history", "--json")
    assert "was not made by you here" not in after.err
    assert len(after.envelope["data"]["generations"]) == 2  # what was found in the clone, then the command
    agentpack("rollback")


def test_a_change_that_is_refused_leaves_a_foreign_state_where_it_is(agentpack: Agentpack, clone: Path) -> None:
    _decided(clone)
    (clone / ".claude/agents/tester.md").write_text("by hand\n")
    before = everything(clone)
    agentpack("install", "other", expect=3)
    assert everything(clone) == before


def test_a_foreign_state_that_was_not_needed_comes_back_and_still_does_not_count(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.mkdir()
    with Disk(roots(box)) as disk, process_lock(disk):
        transact(disk, Store(disk), steps=[Step("a.md", None, b"a\n")], generation=GENERATION)
    before = tree(box, without=())
    with Disk(roots(box)) as disk, Disk(_users(box), follow_own_links=True) as user:
        disk.known_states = KnownStates(user)
        with process_lock(disk):
            pass
        assert tree(box, without=()) == before
        assert Store(disk).generations.numbers() == []
        assert "agentpack ignores it" in disk.lacks["state"]


def test_a_second_foreign_state_is_kept_beside_the_first(agentpack: Agentpack, clone: Path) -> None:
    _decided(clone)
    agentpack("install", "other")
    shutil.rmtree(clone / STATE)
    _decided(clone)
    agentpack("uninstall", "other")
    assert (clone / f"{STATE}-unknown-2/journal").exists()


def test_a_foreign_state_that_is_in_use_is_not_moved(agentpack: Agentpack, clone: Path) -> None:
    _decided(clone)
    before = everything(clone / STATE)
    disk = Disk(roots(clone))
    with process_lock(disk):
        ran = agentpack("install", "other", expect=6)
    assert "another agentpack is changing files here" in ran.err
    assert before.keys() == everything(clone / STATE).keys()


def test_the_history_of_another_user_exempts_nothing_from_a_policy(agentpack: Agentpack, clone: Path) -> None:
    publish(clone / "packs", make_pack("gpl", license="GPL-3.0-only", personas={"tester": persona_text("tester")}))
    agentpack("adopt", AGENT, "--dry-run", expect=None)
    agentpack("install", "gpl")
    shutil.move(clone.parent / "home", clone.parent / "another home")
    with open(clone / "agentpack.yaml", "a") as file:
        file.write("policy: {licenses: {allow: [MIT]}}\n")
    with_state = agentpack("sync", "--check", expect=None)
    shutil.rmtree(clone / STATE)
    assert with_state.exit_code == agentpack("sync", "--check", expect=None).exit_code != 0


# One's own.


def test_a_project_may_be_moved_and_copied(agentpack: Agentpack, clone: Path, tmp_path: Path) -> None:
    agentpack("install", "other")
    copy, moved = tmp_path / "copy", tmp_path / "moved"
    shutil.copytree(clone, copy, symlinks=True)
    clone.rename(moved)
    for place in (copy, moved):
        ran = Agentpack(place)("rollback")
        assert "was not made by you here" not in ran.err
        assert not (place / ".claude/agents/tester.md").exists()


@pytest.mark.parametrize(("up", "named"), [(1, "~/project"), (2, "~/{project.parent.name}/project")])
def test_the_fast_answer_names_the_project_as_the_full_program_does(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, up: int, named: str
) -> None:
    monkeypatch.setenv("HOME", str(project.parents[up - 1]))
    agentpack("install", "python-engineer", "--client", "claude")
    named = named.format(project=project)
    with monkeypatch.context() as patch:
        patch.chdir(project)
        assert clean_scope() == f"project {named}"
    for command in ("diff", "sync --check", "sync --locked"):
        for verbose in ([], ["--verbose"]):
            assert agentpack(*command.split(), *verbose).err.startswith(f"project {named}\n")


def test_the_hot_path_answers_for_a_state_of_ones_own_only(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert clean_scope() is not None
        known = [*(project.parent / "home/.local/state/agentpack/projects").iterdir()]
        assert [path.read_text() for path in known] == [f"{project}\n"]
        known[0].unlink()
        assert clean_scope() is None


@pytest.mark.parametrize("folder", ["projects", ""], ids=["the folder of ids", "the folder around it"])
def test_where_everybody_may_write_nothing_says_whose_a_state_is(
    agentpack: Agentpack, project: Path, folder: str
) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    (project.parent / "home/.local/state/agentpack" / folder).chmod(0o777)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert clean_scope() is None
    assert "was not made by you here" in agentpack("diff").err


def test_where_a_home_cannot_be_written_commands_work_and_say_what_is_lost(
    agentpack: Agentpack, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/state")
    ran = agentpack("install", "other")
    assert "set XDG_STATE_HOME to a folder of yours" in ran.err
    assert "was not made by you here" in agentpack("diff", expect=None).err
    monkeypatch.setenv("XDG_STATE_HOME", str(clone.parent / "state"))
    agentpack("uninstall", "other")
    assert "note" not in agentpack("diff", expect=None).err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works on what is another user's")
def test_root_believes_the_state_that_the_projects_owner_made(
    agentpack: Agentpack, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    agentpack("install", "other")
    name = (clone / STATE / "id").read_text().strip()
    ada = tmp_path / "ada"
    known = ada / ".local/state/agentpack/projects"
    known.mkdir(parents=True)
    (known / name).write_text("")
    for path in (clone, *clone.rglob("*"), known / name):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    shutil.rmtree(tmp_path / "home/.local")
    user = pwd.struct_passwd(("ada", "x", 12345, 12345, "", str(ada), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda number: {12345: user}[number])
    assert len(agentpack("history", "--json").envelope["data"]["generations"]) == 2
    os.chown(known / name, 54321, 54321)  # somebody else's word that it is ada's
    assert "was not made by you here" in agentpack("history").err
    (known / name).unlink()
    assert "was not made by you here" in agentpack("history").err


# First commands.


def _first(box: Path, disk: Disk, user: Disk) -> None:
    disk.known_states = KnownStates(user)
    with process_lock(disk):
        steps = [Step("a.md", None, b"a\n")]
        transact(disk, Store(disk), steps=steps, generation=GENERATION)


def _users(box: Path) -> Mapping[str, str]:
    return {"": str(box.parent / "home"), "$state": str(box.parent / "home/.local/state/agentpack")}


def _boxes() -> Iterator[tuple[int, Path]]:
    for number in range(200):
        with tempfile.TemporaryDirectory() as folder:
            box = Path(folder, "box")
            box.mkdir()
            yield number, box
    raise AssertionError("the change never completed")


@pytest.mark.campaign
@pytest.mark.parametrize("whose", ["project", "user"])
def test_a_first_command_killed_at_any_call_leaves_a_project_that_still_believes_itself(whose: str) -> None:
    for number, box in _boxes():
        unaccepted = {"project": None, "user": None, whose: number}
        disk = CrashingDisk(roots(box), stop_after=unaccepted["project"], sync=False)
        user = CrashingDisk(_users(box), stop_after=unaccepted["user"], sync=False, follow_own_links=True)
        status = in_a_child(partial(_first, box, disk, user))
        assert status in (0, -signal.SIGKILL)
        counted = (box / STATE / "current").exists()
        again = Disk(roots(box))
        again.known_states = KnownStates(Disk(_users(box), follow_own_links=True))
        with process_lock(again):
            recover(again, Store(again))
        assert not again.lacks
        assert [path.name for path in (box / ".agentpack").glob("state-*")] == []
        assert (box / "a.md").exists() or not counted
        if status == 0:
            assert counted
            return


def test_a_state_folder_is_made_while_no_other_command_makes_or_moves_one(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.mkdir()

    def first() -> None:
        with Disk(roots(box)) as disk, Disk(_users(box), follow_own_links=True) as user:
            _first(box, disk, user)

    command = threading.Thread(target=first)
    with Disk(_users(box), follow_own_links=True) as user:
        with KnownStates(user).exclusive():
            command.start()
            command.join(timeout=0.5)
            assert not (box / STATE).exists()
        command.join()
    assert (box / STATE / "current").exists()


TWICE = f"""
import os, sys
children = []
for _ in "ab":
    children.append(os.fork())
    if not children[-1]:
        exec({warm.PROGRAM!r})
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_two_first_commands_at_once_share_one_state(tmp_path: Path, home: Path) -> None:
    for number in range(6):
        project = tmp_path / f"project{number}"
        project.mkdir()
        (project / "agentpack.yaml").write_text("schema: 1\n")
        done = warm.run(["install", "python-engineer", "--client", "claude"], project, script=TWICE)
        assert done.exit_code == 0, done.err
        assert sorted(os.listdir(project / ".agentpack")) == ["state"]
        ran = Agentpack(project)("history", "--json")
        assert "was not made by you here" not in ran.err
        assert json.loads((project / "agentpack.lock").read_text())["packs"]


def test_only_the_user_may_write_what_says_whose_a_state_is(agentpack: Agentpack, clone: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        agentpack("install", "other")
    finally:
        os.umask(before)
    for path in (tmp_path / "home/.local/state/agentpack", *(tmp_path / "home/.local/state/agentpack").rglob("*")):
        assert not path.stat().st_mode & stat.S_IWOTH


def test_a_project_that_everybody_may_write_to_is_worked_in(agentpack: Agentpack, project: Path) -> None:
    """As on a file system without permissions: its state is no worse off than all the rest. A state alone is."""
    agentpack("install", "python-engineer", "--client", "claude")
    for path in (project, *(project / ".agentpack").rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    agentpack("diff")
    agentpack("install", "python-reviewer")
    project.chmod(0o755)
    assert f"every user of this machine can write to `{STATE}`" in agentpack("diff", expect=5).err
