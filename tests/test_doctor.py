"""doctor: what is wrong with the installation or the scope, and what to do about it."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from support.packs import BODY, make_pack, persona_text, publish, variant_text
from support.read_only import can_be_made, run_where_nothing_can_be_written
from support.running import Agentpack, Ran
from support.trees import tree, write_tree

import agentpack as program_itself
from agentpack.disk import Disk
from agentpack.sources.bundled import bundled_folder
from agentpack.store.process_lock import process_lock

FILE = ".claude/agents/reviewer.md"
STATE = ".agentpack/state"
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `agentpack` on PATH that is ours."""
    program(tmp_path / "bin", "from agentpack.__main__ import main\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")


def program(folder: Path, text: str) -> None:
    write_tree(folder, {"agentpack": text})
    (folder / "agentpack").chmod(0o755)


@pytest.fixture
def installed(agentpack: Agentpack, tmp_path: Path) -> Agentpack:
    publish(tmp_path / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"), "--client", "claude")
    return agentpack


def findings(ran: Ran, level: str) -> dict[str, str]:
    return {f["what"]: f["text"] for f in ran.envelope["data"]["findings"] if f["level"] == level}


def problems(agentpack: Agentpack) -> dict[str, str]:
    return not_sound(agentpack("doctor", "--json", expect=1), "problem")


def warnings(agentpack: Agentpack) -> dict[str, str]:
    return not_sound(agentpack("doctor", "--json"), "warning")


def not_sound(ran: Ran, level: str) -> dict[str, str]:
    """What a check found, which does not say as well that all is fine."""
    found = findings(ran, level)
    assert not {*found} & {*findings(ran, "ok")} - {"agentpack.lock", "bundled", "libraries", "manifest", "variants"}
    return found


def test_a_sound_scope_has_no_problem_and_nothing_is_changed(installed: Agentpack, project: Path, home: Path) -> None:
    before = tree(project, without=(".git",)), tree(home)
    ran = installed("doctor")
    assert "0 problems" in ran.err
    assert "digests match" in ran.out
    assert (tree(project, without=(".git",)), tree(home)) == before


def test_it_tells_what_it_looked_at(installed: Agentpack, project: Path, home: Path) -> None:
    def told() -> dict[str, str]:
        return findings(installed("doctor", "--json"), "ok")

    first, state = told(), project / STATE
    assert first["config"] == f"{home}/.config/agentpack (does not exist yet)"
    assert first["state"] == str(state)
    assert first["lock"] == "no process is changing files here"
    assert first["journal"] == "no change was interrupted"
    assert first["manifest"] == str(project / "agentpack.yaml")
    assert first["agentpack.lock"] == str(project / "agentpack.lock")
    assert first["policy"] == "no policy is set"
    assert first["history"] == "1 generation, 3 contents"
    assert first["left over"] == "no temporary files"
    assert first["links"] == "nothing in the way of agent files"
    assert first["git"] == f"{STATE} is ignored"
    assert "variants" not in first
    write_tree(home, {".config/agentpack/policy.yaml": "schema: 1\n"})
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Ours. {#ours}\n")})
    installed("install", "data-reviewer[house]")
    second = told()
    assert second["config"] == f"{home}/.config/agentpack"
    assert second["policy"] == f"{home}/.config/agentpack/policy.yaml"
    assert second["history"] == "2 generations, 6 contents"
    assert second["variants"] == "1 local, 1 in use"
    for name in ("agentpack.yaml", "agentpack.lock"):
        (project / name).unlink()
        assert told()[name.replace("agentpack.yaml", "manifest")] == f"none: {project / name}"


@pytest.mark.untraced
@pytest.mark.parametrize("lost", ["a file and a release", "digests.json", "everything"])
def test_bundled_packs_that_are_not_what_was_released_are_named(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    house = tmp_path / "house"
    shutil.copytree(ROOT / "packs", house / "packs")
    (house / "src").mkdir()
    (house / "src/agentpack").symlink_to(ROOT / "src/agentpack")
    monkeypatch.setenv("PYTHONPATH", str(house / "src"))
    packs, releases = house / "packs", sorted((ROOT / "packs").glob("python-engineer/*/"))
    first, last = (packs / place.relative_to(ROOT / "packs") for place in (releases[0], releases[-1]))
    number = sum(1 for _ in packs.glob("*/*/pack.yaml"))
    if lost == "digests.json":
        (packs / lost).unlink()
        (first / "pack.yaml").write_text((first / "pack.yaml").read_text() + "\n")
        ran = agentpack("doctor", "--json", new=True)
        assert findings(ran, "ok")["bundled"] == f"{number} releases in {packs}, no digests to check against"
        return
    if lost == "everything":
        for place in packs.glob("*/*/"):
            shutil.rmtree(place)
        told = {"the packs that come with agentpack are missing"}
    else:
        (first / "pack.yaml").write_text((first / "pack.yaml").read_text() + "\n")
        shutil.rmtree(last)
        told = {
            f"python-engineer {first.name} differs from what was released: {first}",
            f"python-engineer {last.name} is missing",
        }
    ran = agentpack("doctor", "--json", new=True, expect=1)
    found = [one for one in ran.envelope["data"]["findings"] if one["what"] == "bundled"]
    assert {one["text"] for one in found if one["level"] == "problem"} == told


def test_a_process_without_a_number_is_unknown(installed: Agentpack, project: Path) -> None:
    with process_lock(Disk({"": str(project), "$state": str(project / STATE)})):
        (project / STATE / "lock").write_text("me\n")
        write_tree(project, {f"{STATE}/journal.new": "not finished", ".claude/agents/.x.md.agentpack-1a2b-7": "new"})
        found = installed("doctor", "--json")
    assert findings(found, "warning")["lock"] == "process unknown is changing files here"
    assert findings(found, "ok")["journal"] == "no change was interrupted"
    assert findings(found, "ok")["left over"] == "no temporary files"


def test_an_empty_project_is_sound(agentpack: Agentpack) -> None:
    assert "0 problems" in agentpack("doctor").err
    assert {*warnings(agentpack)} <= {"path"}


def test_a_library_that_is_missing_is_a_problem(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("merge3", "rich"):
            raise importlib.metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert problems(agentpack)["libraries"] == "missing: rich, merge3"
    assert "typer" in findings(agentpack("doctor", "--json", expect=1), "ok")["libraries"]


@pytest.mark.untraced
def test_a_damaged_installation_is_a_problem(project: Path, tmp_path: Path) -> None:
    """The program in another place, whose packs are not as they came."""
    package, packs = tmp_path / "other/agentpack", Path(bundled_folder() or "")
    package.mkdir(parents=True)
    for path in Path(program_itself.__path__[0]).iterdir():
        (package / path.name).symlink_to(path)

    def said() -> list[tuple[str, str]]:
        done = subprocess.run(
            [sys.executable, "-m", "agentpack", "doctor", "--json"],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(package.parent)},
            capture_output=True,
            check=False,
        )
        found = json.loads(done.stdout)["data"]["findings"]
        return [(one["level"], one["text"]) for one in found if one["what"] == "bundled"]

    (package / "_packs").mkdir()
    assert said() == [("problem", "the packs that come with agentpack are missing")]
    (package / "_packs").rmdir()
    shutil.copytree(packs, package / "_packs")
    changed, gone, unpinned = (package / "_packs/python-engineer" / version for version in ("1.0.0", "1.1.0", "2.0.0"))
    (changed / "README.md").write_text("Not as it came.\n")
    (unpinned / "README.md").write_text("Not as it came.\n")
    shutil.rmtree(gone)
    digests = package / "_packs/digests.json"
    pinned = json.loads(digests.read_text())
    del pinned["python-engineer"]["2.0.0"]
    digests.write_text(json.dumps(pinned))
    *wrong, (level, text) = said()
    assert wrong == [
        ("problem", f"python-engineer 1.0.0 differs from what was released: {changed}"),
        ("problem", "python-engineer 1.1.0 is missing"),
    ]
    assert (level, text.endswith(f" releases in {package}/_packs, digests match")) == ("ok", True)


def test_a_program_that_is_not_on_the_path_is_named(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warnings(agentpack)["path"] == f"`agentpack` is another installation: {tmp_path / 'bin/agentpack'}"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert warnings(agentpack)["path"] == "`agentpack` is not on PATH"


def test_a_folder_that_everybody_may_write_to_is_named_where_it_is_there(agentpack: Agentpack, home: Path) -> None:
    """What would come into another one is made for this user alone."""
    config = home / ".config/agentpack"
    config.parent.mkdir(parents=True)
    config.parent.chmod(0o777)
    assert "config" not in warnings(agentpack)
    config.mkdir()
    config.chmod(0o777)
    assert warnings(agentpack)["config"] == f"every user can write to {config}"
    config.rmdir()
    config.write_text("in the way\n")
    assert problems(agentpack)["config"] == f"{config} is not a folder"


def test_a_folder_that_cannot_be_written_is_named_with_whether_it_is_there(project: Path, home: Path) -> None:
    if not can_be_made(home):
        pytest.skip("no folder can be made read-only here")
    (home / ".cache/agentpack").mkdir(parents=True)
    found = findings(run_where_nothing_can_be_written(home, project, ["doctor", "--json"]), "problem")
    assert found["config"] == f"{home}/.config/agentpack (does not exist yet) cannot be written"
    assert found["cache"] == f"{home}/.cache/agentpack cannot be written"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_named_where_it_is_there(agentpack: Agentpack, home: Path) -> None:
    config = home / ".config/agentpack"
    config.parent.mkdir(parents=True)
    os.chown(config.parent, 12345, -1)
    assert "config" not in warnings(agentpack)
    config.mkdir()
    os.chown(config, 12345, -1)
    assert warnings(agentpack)["config"] == f"{config} belongs to another user"


def test_another_program_of_the_same_name_is_a_problem(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "first", "from somebody.elses import main\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/first{os.pathsep}{os.environ['PATH']}")
    assert str(tmp_path / "first") in problems(agentpack)["path"]


def test_every_fault_of_the_manifest_is_told(installed: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").write_text("schema: 1\nclient: [claude]\npack: []\n")
    texts = [f["text"] for f in installed("doctor", "--json", expect=1).envelope["data"]["findings"]]
    assert any("unknown key `client`" in text for text in texts)
    assert any("unknown key `pack`" in text for text in texts)


@pytest.mark.parametrize(
    ("file", "what"),
    [("agentpack.yaml", "manifest"), ("agentpack.lock", "agentpack.lock"), ("policy.yaml", "policy")],
)
@pytest.mark.parametrize("gone", ["", "agentpack.lock"])
def test_a_file_that_does_not_read_is_told_once(
    installed: Agentpack, project: Path, home: Path, file: str, what: str, gone: str
) -> None:
    """By the check of that file, and not by those that need it as well."""
    write_tree(home, {".config/agentpack/policy.yaml": "schema: 1\n"})
    if gone:
        (project / gone).unlink()
    (home / ".config/agentpack" / file if what == "policy" else project / file).write_text("[")
    found = installed("doctor", "--json", expect=1).envelope["data"]["findings"]
    assert [one["what"] for one in found if one["level"] == "problem"] == [what]


def test_a_local_variant_is_not_called_unused_by_a_lock_that_does_not_read(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Ours. {#ours}\n")})
    lock = project / "agentpack.lock"
    before = lock.read_bytes()
    for text in (before, None):
        lock.write_bytes(text) if text else lock.unlink()
        assert warnings(installed)["variants"].endswith("house.md is not in use")
    lock.write_bytes(before)
    installed("install", "data-reviewer[house]")
    assert "variants" not in warnings(installed)
    lock.write_text("[")
    ran = installed("doctor", "--json", expect=1)
    assert "variants" not in {**findings(ran, "warning"), **findings(ran, "ok")}


def test_a_lock_that_does_not_read_is_a_problem(installed: Agentpack, project: Path) -> None:
    (project / "agentpack.lock").write_text("<<<<<<< ours\n")
    assert "merge markers" in problems(installed)["agentpack.lock"]


def test_a_source_that_is_gone_is_a_problem(installed: Agentpack, tmp_path: Path) -> None:
    (tmp_path / "packs").rename(tmp_path / "elsewhere")
    assert str(tmp_path / "packs") in problems(installed)["source"]


def test_a_content_that_is_gone_is_a_problem_of_the_history(installed: Agentpack, project: Path) -> None:
    for pack in (project / STATE / "blobs").iterdir():
        pack.unlink()
    assert "is not kept" in problems(installed)["history"]


def test_every_content_that_is_gone_is_named_with_what_it_was_for(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Of each generation, also behind one that another generation has too; what only a merge needs is no problem."""
    personas = {"reviewer": persona_text(body=f"{BODY}- One more. {{#more}}\n")}
    other = make_pack("other", personas={"tester": persona_text("tester")})
    publish(tmp_path / "packs", make_pack(), make_pack(version="1.1.0", personas=personas), other)
    write_tree(project, {FILE: "somebody's\n"})
    source = ("--source", str(tmp_path / "packs"), "--client", "claude")
    agentpack("install", "data-reviewer==1.0.0", *source, "--adopt")
    agentpack("install", "other", *source)
    (project / FILE).write_text((project / FILE).read_text().replace("Look before", "Look twice before"))
    agentpack("install", "data-reviewer==1.1.0", *source)
    for pack in (project / STATE / "blobs").iterdir():
        pack.unlink()
    found = agentpack("doctor", "--json", expect=1).envelope["data"]["findings"]
    told = Counter((f["level"], f["text"]) for f in found if f["what"] == "history")
    tester, documents = ".claude/agents/tester.md", ("agentpack.yaml", "agentpack.lock")
    lost = {1: (FILE, FILE, *documents), 2: (tester, *documents), 3: (FILE,), 4: (FILE, *documents)}
    assert told == Counter(
        {
            ("problem", f"generation {number}: what was at {path} is not kept"): paths.count(path)
            for number, paths in lost.items()
            for path in paths
        }
        | {("warning", f"generation 4: what was at {FILE} is not kept"): 1}
    )


def test_a_record_that_is_gone_is_a_problem(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "data-reviewer")
    (project / STATE / "generations/000002.json").unlink()
    assert problems(installed)["history"] == "the record of generation 2 is missing"
    (project / STATE / "generations/000002.json").write_text("{")
    assert "000002.json` is damaged" in problems(installed)["history"]


def test_a_record_that_does_not_read_is_a_problem(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "data-reviewer")
    (project / STATE / "generations/000001.json").write_bytes(b"{}")
    assert "000001.json" in problems(installed)["history"]


def test_a_damaged_content_is_a_problem_of_the_history(installed: Agentpack, project: Path) -> None:
    (pack,) = (project / STATE / "blobs").iterdir()
    data = pack.read_bytes()
    pack.write_bytes(data.replace(b"Look before", b"Jump before"))
    assert "is damaged" in problems(installed)["history"]


def test_a_link_in_the_place_of_a_file_is_a_problem(installed: Agentpack, project: Path) -> None:
    (project / FILE).unlink()
    (project / FILE).symlink_to("/etc/hosts")
    assert FILE in problems(installed)["links"]


def test_a_folder_in_the_place_of_a_file_is_a_problem(installed: Agentpack, project: Path) -> None:
    (project / FILE).unlink()
    (project / FILE).mkdir()
    assert problems(installed)["links"] == f"{project / FILE} is a folder"


def test_a_folder_that_leads_out_of_the_project_is_a_problem(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    (project / ".claude").rename(tmp_path / "outside")
    (project / ".claude").symlink_to(tmp_path / "outside")
    assert "leads out of" in problems(installed)["links"]


def test_temporary_files_are_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/.reviewer.md.agentpack-1a2b-7": "left"})
    assert ".reviewer.md.agentpack-1a2b-7" in warnings(installed)["left over"]


def test_temporary_files_behind_a_link_that_is_in_the_way_are_named_too(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    (project / ".claude").rename(tmp_path / "outside")
    (project / ".claude").symlink_to(tmp_path / "outside")
    write_tree(project, {".codex/agents/.reviewer.toml.agentpack-1a2b-7": "left"})
    found = installed("doctor", "--json", expect=1)
    assert ".codex/agents/.reviewer.toml.agentpack-1a2b-7" in findings(found, "warning")["left over"]


def test_a_process_that_is_changing_files_is_named(installed: Agentpack, project: Path) -> None:
    with process_lock(Disk({"": str(project), "$state": str(project / STATE)})):
        assert warnings(installed)["lock"] == f"process {os.getpid()} is changing files here"


def test_an_interrupted_change_is_told_and_left_to_the_next_command(installed: Agentpack, project: Path) -> None:
    write_tree(project, {f"{STATE}/journal.new": '["agentpack journal",1,2,".agentpack-1-2"]\n'})
    assert "interrupted" in warnings(installed)["journal"]
    assert (project / STATE / "journal.new").exists()


def test_a_local_variant_that_nobody_asks_for_is_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/reviewer/huose.md": variant_text()})
    assert "huose.md is not in use" in warnings(installed)["variants"]
    write_tree(project, {f".agentpack/variants/{name}/house.md": variant_text() for name in ("reviewer", "nobody")})
    (project / ".agentpack/variants/reviewer/huose.md").unlink()
    installed("install", "data-reviewer[house]")
    assert "nobody/house.md is not in use" in warnings(installed)["variants"]


@pytest.mark.campaign
def test_a_pipe_for_which_git_would_wait_holds_nothing_up(installed: Agentpack, project: Path) -> None:
    os.mkfifo(project / ".gitignore")
    began = monotonic()
    installed("doctor")
    assert monotonic() - began < 30  # git alone would wait for ever


def test_a_manifest_that_git_ignores_is_named(installed: Agentpack, project: Path) -> None:
    shared = ("agentpack.yaml", "agentpack.lock", ".agentpack/variants")
    write_tree(project, {".gitignore": "\n".join(shared)})
    found = installed("doctor", "--json").envelope["data"]["findings"]
    assert [f["text"] for f in found if f["level"] == "warning" and f["what"] == "git"] == [
        f"{path} is ignored: a clone would not have it" for path in shared
    ]


def test_a_state_that_git_would_take_along_is_named(installed: Agentpack, project: Path) -> None:
    (project / STATE / ".gitignore").write_text("# nothing\n")
    assert warnings(installed)["git"] == f"{STATE} no longer ignores itself"
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    assert f"{STATE} is tracked by git" in warnings(installed)["git"]


def test_a_lock_out_of_date_is_a_warning(installed: Agentpack, project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "models: {opus: {claude: big}}\n")
    assert "`models`" in warnings(installed)["agentpack.lock"]
