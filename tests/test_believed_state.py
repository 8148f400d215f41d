"""A state that is believed may still say anything: only files that agentpack manages are written or deleted for it."""

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import case
from support.crashing_disk import killed_at
from support.effort import every, usually
from support.hostile_state import LOOKING, SENSITIVE, WITHOUT_STATE, attack, calls, stopped_at
from support.packs import BODY, make_pack, persona_text, publish
from support.read_only import can_be_made, run_where_nothing_can_be_written
from support.running import Agentpack
from support.trees import STATE, everything, tree, write_tree
from support.users import by_everybody

from agentpack.clients import CLIENTS
from agentpack.clients.base import Client
from agentpack.environment import Environment, project_scope, user_scope
from agentpack.errors import InvalidFile
from agentpack.model.variables import VARIABLES, earlier_root
from agentpack.workspace.workspace import Workspace

AGENT = ".claude/agents/reviewer.md"
JOURNAL = f"{STATE}/journal"


def with_history(project: Path) -> Agentpack:
    """A project of one's own, with an edited agent file."""
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    publish(
        project / "packs",
        make_pack("crew"),
        make_pack("crew", "1.1.0", personas={"reviewer": newer}),
        make_pack("other", personas={"tester": persona_text("tester")}),
    )
    write_tree(project, {"README.md": "Read me.\n", "agentpack.yaml": "schema: 1\n"})
    agentpack = Agentpack(project)
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    with open(project / AGENT, "a") as file:
        file.write("mine\n")
    return agentpack


# A change of somebody else's in the state, wherever it was stopped.


def _phase(name: str, asked: list[str]) -> int:
    renames = [number for number, call in enumerate(asked) if call == "rename"]
    phases = {
        "begun": renames[0] // 4,
        "staged": renames[0],
        "decided": renames[0] + 2,
        "half in place": renames[0] + 12,
        "counts": renames[-1] + 1,
        "over": len(asked),
    }
    return phases[name]


PHASES = ("begun", "staged", "decided", "half in place", "counts", "over")


def _attacked(phase: str, *, recorded: bool, project: Path) -> None:
    agentpack = with_history(project)
    harm = partial(attack, recorded=recorded)
    stopped_at(_phase(phase, calls(project, harm)), project, harm)
    (project / STATE / "lock").write_bytes(b"")  # of the killed process
    before, state = everything(project, without=(STATE,)), everything(project)
    is_strange = phase in ("staged", "decided", "half in place", "counts")
    looking = every(usually(4, thorough=2, nightly=1), LOOKING, PHASES.index(phase) + recorded)
    for words in (*looking, *([("sync",), ("upgrade", "--yes"), ("install", "other")] if is_strange else [])):
        ran = agentpack(*words, expect=None)
        assert everything(project, without=(STATE,)) == before, (words, ran.err)
        assert ran.exit_code in (0, 1, 2, 3, 5), (words, ran)
        if is_strange and words[0] not in WITHOUT_STATE:
            assert ran.exit_code == 5, (words, ran)
            assert "lists files that agentpack does not manage; nothing was changed" in ran.err
            assert any(f"  {name}\n" in ran.err for name in (".claude/settings.json", ".vscode")), words
            assert everything(project) == state, words
    for name in ("journal", "journal.new"):
        (project / STATE / name).unlink(missing_ok=True)  # as the hint says
    assert agentpack("sync", expect=None).exit_code in (0, 3)
    assert not {*SENSITIVE} & tree(project).keys()
    assert (project / "README.md").exists()


@pytest.mark.campaign
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "not recorded"])
@pytest.mark.parametrize("phase", PHASES)
def test_no_journal_makes_a_command_touch_what_agentpack_does_not_manage(phase: str, recorded: bool) -> None:
    by_everybody(lambda project: _attacked(phase, recorded=recorded, project=project))


PLANTED = ".claude/agents/planted.md"


def test_a_journal_names_only_files_of_its_own_generations(agentpack: Agentpack, project: Path) -> None:
    with_history(project)
    harm = partial(attack, paths=(PLANTED,), gone=(), recorded=False)
    stopped_at(_phase("decided", calls(project, harm)), project, harm)
    ran = agentpack("status", expect=5)
    assert f"  {PLANTED}\n" in ran.err
    assert not (project / PLANTED).exists()


# What a record or the lock lists.

THERE = tuple(path for path in SENSITIVE if not path.startswith(".agentpack/clients"))


def in_the_lock(project: Path) -> None:
    path = project / "agentpack.lock"
    data = json.loads(path.read_text())
    for name in THERE:
        text = sha256((project / name).read_bytes()).hexdigest()
        data["files"].append(data["files"][0] | {"path": name, "sha256": text})
    path.write_text(json.dumps(data))


def _in_the_history(project: Path) -> None:
    stopped_at(10_000, project, partial(attack, gone=()))


def _in_the_history_elsewhere(project: Path) -> None:
    stopped_at(10_000, project, partial(attack, gone=(), elsewhere=True))


@pytest.mark.campaign
@pytest.mark.parametrize("where", [in_the_lock, _in_the_history, _in_the_history_elsewhere])
def test_nothing_that_no_client_reads_is_deleted_because_lock_or_history_list_it(
    agentpack: Agentpack, project: Path, where: Callable[[Path], None]
) -> None:
    with_history(project)
    agentpack("sync", "--discard-edits")
    if where is not in_the_lock:  # which is of before the files came
        where(project)
    write_tree(project, {path: path for path in THERE})
    if where is in_the_lock:
        where(project)
    before = tree(project)
    for words in ("diff", "sync --check", "sync", "sync --discard-edits", "install other", "uninstall crew", "sync"):
        ran = agentpack(*words.split(), expect=None)
        assert ran.exit_code in (0, 1, 3), (words, ran.err)
        assert {path: tree(project).get(path) for path in THERE} == {path: before[path] for path in THERE}
        if words == "diff":
            assert "lists `.agentpack/" in ran.err
            assert "where no client reads agents; not changed" in ran.err


def test_a_rollback_through_a_record_of_strange_files_is_refused_by_name(agentpack: Agentpack, project: Path) -> None:
    with_history(project)
    _in_the_history(project)
    write_tree(project, {path: path for path in THERE})
    before = everything(project, without=(STATE, ".git"))
    for words in (("1", "--dry-run"), ("1",), ("0",)):
        ran = agentpack("rollback", *words, expect=5)
        assert "  .claude/settings.json\n" in ran.err
        assert "the history lists files that agentpack does not manage; nothing was changed" in ran.err
        assert everything(project, without=(STATE, ".git")) == before


# Which files these are.

NAMES = ("x", "reviewer", "a1-b2-c3")


def _workspaces(folder: Path) -> Iterator[tuple[str, Mapping[str, str], Workspace]]:
    """A project's, and a user's with and without every variable that moves a client's folder."""
    for moved in ({}, {name: f"{folder}/moved/{name}" for name in VARIABLES}):
        environment = Environment(home=str(folder), cwd=str(folder), variables=moved)
        yield "user", moved, Workspace(environment, user_scope(environment, ""))
    yield "project", {}, Workspace(environment, project_scope(str(folder), ""))


@pytest.mark.many
@pytest.mark.parametrize("client", CLIENTS)
def test_every_file_of_a_client_is_managed_and_nothing_else_in_its_folders(home: Path, client: str) -> None:
    target = CLIENTS[client]
    for scope, variables, workspace in _workspaces(home):
        managed = workspace.managed
        for name in NAMES if target.folder(scope, {}) is not None else ():
            place = target.path(name, scope, variables)
            assert place is not None
            path = place.partition("#")[0]
            assert managed.holds(place), place
            assert managed.holds(place, client), place
            assert managed.holds(workspace.disk.canonical(path))
            assert not managed.holds(f"{path}/more")
            assert managed.holds(f"{path}->"), path
            assert managed.may_contain(f"{path}->"), path
            assert not managed.may_contain(f"{path.rpartition('/')[0]}/settings.json->")
            folder = path
            while folder := folder.rpartition("/")[0]:
                assert managed.may_contain(folder), folder
                assert managed.may_contain(workspace.disk.canonical(folder))
                assert not managed.holds(folder)
                for other in ("settings.json", "README.md", "X.md", "X.toml", ".x.md", "x .md"):
                    assert not managed.holds(f"{folder}/{other}"), other
        for path in SENSITIVE:
            assert not managed.holds(path), path
        for folder in (".git", ".git/hooks", ".vscode", "src", ".github/workflows", ".husky", ".claude/agents/.x"):
            assert not managed.may_contain(folder), folder


def test_what_lies_where_a_variable_pointed_to_earlier_is_managed_by_every_name_of_it(home: Path) -> None:
    environment = Environment(home=str(home), cwd=str(home), variables={"CLAUDE_CONFIG_DIR": str(home / "new")})
    workspace = Workspace(environment, user_scope(environment, ""))
    earlier = earlier_root("$CLAUDE_CONFIG_DIR", str(home / "old"))
    before = workspace.managed
    assert not before.holds("old/agents/x.md")
    workspace = Workspace(environment, user_scope(environment, ""))
    workspace.disk.add_roots({"$CLAUDE_CONFIG_DIR": str(home / "old")})
    for root in ("$CLAUDE_CONFIG_DIR", earlier, "new", "old"):
        assert workspace.managed.holds(f"{root}/agents/x.md"), root
        assert workspace.managed.may_contain(f"{root}/agents"), root
        assert not workspace.managed.holds(f"{root}/settings.json"), root
        assert not workspace.managed.may_contain(f"{root}/other"), root
    for root in ("$config", "other"):
        assert not workspace.managed.holds(f"{root}/agents/x.md"), root


def _declarations(path: str) -> Iterator[tuple[str, str]]:
    """Every folder and file that a client could declare so that this is the file of a persona."""
    parts = path.split("/")
    for cut in range(1, len(parts)):
        for number in range(cut, len(parts)):
            stem, dot, ending = parts[number].rpartition(".")
            for named in ("{name}" + dot + ending if stem else "{name}", "{name}"):
                yield "/".join(parts[:cut]), "/".join((*parts[cut:number], named, *parts[number + 1 :]))


@pytest.mark.many
@pytest.mark.parametrize("path", [path for path in SENSITIVE if "/agents/" not in path])
def test_no_declaration_of_a_clone_makes_a_file_of_other_programs_a_managed_one(home: Path, path: str) -> None:
    for folder, file in _declarations(path):
        for form in ("markdown", "toml", "yaml", "json"):
            declared = {"project": folder, "file": file, "format": form, "body": "prompt"}
            write_tree(home, {".agentpack/clients/planted.yaml": json.dumps({"schema": 1, **declared})})
            environment = Environment(home=str(home), cwd=str(home), variables={})
            workspace = Workspace(environment, project_scope(str(home), ""))
            try:
                held = workspace.managed.holds(path)
            except InvalidFile:
                continue
            assert not held, declared


PARTS = sorted(
    {
        *(part for target in CLIENTS.values() for part in (target.project or "").split("/") if part),
        *(target.file.replace("{name}", name) for target in CLIENTS.values() for name in ("x", "README", "a b")),
        *("agentpack.yaml", "agentpack.lock", ".agentpack", "variants", "packs", "state", "settings.json", ".git"),
    }
)


FOLDERS = sorted({folder for target in CLIENTS.values() for folder in target.folders("project", {})})


@given(st.sampled_from([*FOLDERS, "", "", "", "", ""]), st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
def test_a_file_is_managed_when_a_client_or_agentpack_has_it_and_only_then(folder: str, parts: list[str]) -> None:
    path = "/".join((folder, *parts)) if folder else "/".join(parts)
    environment = Environment(home="/nowhere", cwd="/nowhere", variables={})
    workspace = Workspace(environment, project_scope("/nowhere", ""))
    folders = [(folder, target) for target in CLIENTS.values() for folder in target.folders("project", {})]
    of_clients = {f"{folder}/{target.file}".lstrip("/").replace("{name}", "x") for folder, target in folders}
    own = path in ("agentpack.yaml", "agentpack.lock") or re.fullmatch(
        r"\.agentpack/(packs/.+|variants/[a-z]+/(x|variants|packs|state)\.md)", path
    )
    nested = [  # an adopted file stays anywhere below the folder of a client that reads it there
        target.name for target in CLIENTS.values() if target.anywhere and re.fullmatch(_nested(target), path)
    ]
    assert workspace.managed.holds(path) == (path in of_clients or bool(own) or bool(nested))


def _nested(target: Client) -> str:
    """A pattern of the paths below a client's folder whose parts are plain, and that are no documents (README)."""
    plain, end = "[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*", re.escape(target.file.partition("{name}")[2])
    return f"{re.escape(target.project or '')}/(?:{plain}/)*(?![A-Z0-9_-]+{end}$){plain}{end}"


# A change of one's own is never taken for a stranger's.


def _clients_of(scope: str) -> str:
    return ",".join(name for name in CLIENTS if CLIENTS[name].folder(scope, {}) is not None)


@pytest.mark.campaign
@pytest.mark.parametrize("moved", [False, True], ids=["", "moved"])
@pytest.mark.parametrize("scope", ["project", "user"])
def test_a_real_change_of_every_client_is_gone_on_with_wherever_it_was_stopped(
    agentpack: Agentpack,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    scope: str,
    moved: bool,
) -> None:
    packs = publish(home.parent / "packs", make_pack("crew", personas={"tester": persona_text("tester")}))
    if moved:
        for name in VARIABLES:
            monkeypatch.setenv(name, f"{home}/moved/{name}")
    first = ("install", "crew", "--source", str(packs), "--client", _clients_of(scope), f"--{scope}")
    box, kept = home.parent, tmp_path_factory.mktemp("kept") / "box"
    for words in (first, ("uninstall", "crew", f"--{scope}")):
        shutil.copytree(box, kept, symlinks=True)
        told: set[str] = set()
        status, asked = killed_at(None, lambda words=words: agentpack(*words))  # type: ignore[misc]
        assert status == 0
        renames = [number for number, call in enumerate(asked) if call == "rename"]
        decision = next(number for number in renames if "write" not in asked[number:])
        stops = (decision, decision + 2, renames[-1] + 1, len(asked) // 3, (decision + renames[-1]) // 2)
        for number in stops[: usually(3, thorough=4, nightly=len(stops))]:
            shutil.rmtree(box)
            shutil.copytree(kept, box, symlinks=True)
            killed_at(number, lambda words=words: agentpack(*words))  # type: ignore[misc]
            ran = agentpack("status", f"--{scope}", expect=None)
            assert ran.exit_code in (0, 1, 2), (number, ran.err)
            told |= {word for word in ("cleared", "finished", "tidied") if f"was found and {word}" in ran.err}
        assert told == {"cleared", "finished", "tidied"}
        shutil.rmtree(box)
        shutil.copytree(kept, box, symlinks=True)
        agentpack(*words)
        shutil.rmtree(kept)


# What is said of one's own.


def _interrupted(project: Path, phase: str) -> Agentpack:
    """An upgrade of one's own that was killed."""
    agentpack = with_history(project)
    agentpack("sync", "--discard-edits")
    (project / AGENT).chmod(0o600)
    agentpack("install", "other")

    def work() -> None:
        agentpack("uninstall", "other")

    with TemporaryDirectory() as folder:
        shutil.copytree(project, f"{folder}/project", symlinks=True)
        _, asked = killed_at(None, work)
        shutil.rmtree(project)
        shutil.copytree(f"{folder}/project", project, symlinks=True)
    assert killed_at(_phase(phase, asked), work)[0] == -signal.SIGKILL
    return agentpack


@pytest.mark.campaign
def test_a_command_that_looks_finishes_ones_own_change_and_names_its_files() -> None:
    def work(project: Path) -> None:
        agentpack = _interrupted(project, "decided")
        with TemporaryDirectory() as kept:
            shutil.copytree(project, f"{kept}/project", symlinks=True)
            for words in LOOKING:
                with case(words):
                    shutil.rmtree(project)
                    shutil.copytree(f"{kept}/project", project, symlinks=True)
                    _looks(agentpack, project, words)

    by_everybody(work)


def _looks(agentpack: Agentpack, project: Path, words: tuple[str, ...]) -> None:
    before = everything(project / ".claude")
    err = agentpack(*words, expect=None).err
    if words[0] in WITHOUT_STATE:  # these do not look at installed files
        assert everything(project / ".claude") == before
        number = int((project / STATE / "current").read_text()) + 1
        if words == ("doctor",):
            out = agentpack(*words).out
            assert f"a change was interrupted (generation {number}): " in out
            assert f"{project}/.claude/agents/tester.md" in out
            assert "no temporary files" in out  # those of a change that waits are its own
        else:
            what = f"an interrupted change is not finished yet (generation {number})"
            assert f"note: {what}; `agentpack status` finishes it\n" in err
        return
    number = int((project / STATE / "current").read_text())
    assert f"an interrupted change was found and finished (generation {number})\n" in err
    assert "  .claude/agents/tester.md: deleted\n" in err
    assert "  agentpack.lock: written\n" in err
    assert f"{AGENT}: " not in err
    after = everything(project, without=(f"{STATE}/lock",))
    assert "interrupted" not in agentpack(*words, expect=None).err
    assert everything(project, without=(f"{STATE}/lock",)) == after


def test_where_nothing_can_be_written_an_interrupted_change_is_named(agentpack: Agentpack, project: Path) -> None:
    if not can_be_made(project):
        pytest.skip("no folder can be made read-only here")
    _interrupted(project, "decided")
    before = everything(project)
    number = int((project / STATE / "current").read_text()) + 1
    for words in LOOKING:
        if words[0] in WITHOUT_STATE:
            continue
        ran = run_where_nothing_can_be_written(project, project, words)
        assert ran.exit_code == 6, (words, ran)
        assert f"error: a change was interrupted and cannot be finished yet (generation {number})" in ran.err
        assert "  .claude/agents/tester.md is part of it\n" in ran.err
        assert "  agentpack.lock is part of it\n" in ran.err
        assert re.search("\n  cannot (write|delete) `[^`]+`: ", ran.err), ran.err
        assert everything(project) == before
    agentpack("diff")
    assert not (project / ".claude/agents/tester.md").exists()


def test_where_its_files_cannot_be_written_an_interrupted_change_is_named(agentpack: Agentpack, project: Path) -> None:
    """Also by commands that only look, which could begin to finish it."""
    if not can_be_made(project):
        pytest.skip("no folder can be made read-only here")
    _interrupted(project, "decided")
    number = int((project / STATE / "current").read_text()) + 1
    for words in (("status",), ("diff",), ("sync", "--check")):
        ran = run_where_nothing_can_be_written(project / ".claude", project, words)
        assert ran.exit_code == 6, (words, ran)
        assert f"error: a change was interrupted and cannot be finished yet (generation {number})" in ran.err
        assert "  .claude/agents/tester.md is part of it\n" in ran.err
    agentpack("diff")
    assert not (project / ".claude/agents/tester.md").exists()


def test_where_nothing_can_be_written_what_a_killed_command_staged_hides_no_error(
    agentpack: Agentpack, project: Path
) -> None:
    if not can_be_made(project):
        pytest.skip("no folder can be made read-only here")
    agentpack("install", "python-reviewer")
    (project / f"{JOURNAL}.new").write_bytes(b"")
    before = everything(project)
    ran = run_where_nothing_can_be_written(project, project, ["diff", "nobody"])
    assert (ran.exit_code, everything(project)) == (2, before)
    assert "error: no pack or persona `nobody` is installed here\n" in ran.err


@pytest.mark.parametrize("phase", ["staged", "decided"])
def test_a_change_whose_record_a_newer_agentpack_wrote_stays_as_it_is_until_the_upgrade(
    project: Path, home: Path, phase: str
) -> None:
    agentpack = _interrupted(project, phase)
    record = project / _last_record(project)
    kept = record.read_bytes()
    record.write_text(json.dumps(json.loads(kept) | {"schema": 99, "files": {"of": "another kind"}}))
    (project / STATE / "lock").write_bytes(b"")  # of the killed process
    before = everything(project)
    for words in (*LOOKING, ("sync",), ("upgrade", "--yes"), ("install", "other"), ("rollback",)):
        ran = agentpack(*words, expect=None)
        if words[0] not in WITHOUT_STATE:
            assert ran.exit_code == 5, (words, ran.err)
            assert f"`{record.relative_to(project)}` was written by a newer agentpack" in ran.err
            assert "hint: upgrade agentpack; the history stays as it is" in ran.err
        elif words == ("doctor",):
            assert "newer agentpack" in ran.out
        assert everything(project) == before, words
    record.write_bytes(kept)
    ran = agentpack("status")
    assert f"an interrupted change was found and {'cleared' if phase == 'staged' else 'finished'}" in ran.err


def _last_record(project: Path) -> str:
    return max(path.relative_to(project).as_posix() for path in (project / STATE / "generations").iterdir())


@pytest.mark.campaign
def test_looking_writes_nothing_where_nothing_was_interrupted() -> None:
    def work(project: Path) -> None:
        agentpack = with_history(project)
        before = everything(project)
        for words in LOOKING:
            agentpack(*words, expect=None)
            assert everything(project) == before, words

    by_everybody(work)


@contextmanager
def _bound(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agentpack.apply.replay.MAX_CHANGE_BYTES", size)
        yield


def test_a_change_writes_no_more_than_a_bound(agentpack: Agentpack, project: Path) -> None:
    large = persona_text(body=f"{BODY}- {4000 * 'a'} {{#more}}\n")
    publish(project / "packs", make_pack("large", personas={"reviewer": large}))
    before = tree(project)
    with _bound(4000):
        ran = agentpack("install", "large", "--source", "packs", "--client", "claude", expect=5)
    assert "one change would write more than 0 MiB" in ran.err
    assert tree(project) == before


def test_an_interrupted_change_writes_no_more_than_a_bound(agentpack: Agentpack, project: Path) -> None:
    with_history(project)
    paths = tuple(f".claude/agents/{'a' * number}.md" for number in range(20, 80))  # each holds its own path
    harm = partial(attack, paths=paths, gone=())
    stopped_at(_phase("decided", calls(project, harm)), project, harm)
    with _bound(4000):
        assert "was found and undone" in agentpack("status", expect=None).err
    assert not {*paths} & tree(project).keys()
