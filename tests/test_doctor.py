"""doctor: what is wrong with the installation or the scope, and what to do about it."""

import os
from pathlib import Path
from time import monotonic

import pytest
from support.packs import make_pack, publish, variant_text
from support.running import Agentpack, Ran
from support.trees import tree, write_tree

FILE = ".claude/agents/reviewer.md"
STATE = ".agentpack/state"


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
    return findings(agentpack("doctor", "--json", expect=1), "problem")


def warnings(agentpack: Agentpack) -> dict[str, str]:
    return findings(agentpack("doctor", "--json"), "warning")


def test_a_sound_scope_has_no_problem_and_nothing_is_changed(installed: Agentpack, project: Path, home: Path) -> None:
    before = tree(project, without=(".git",)), tree(home)
    ran = installed("doctor")
    assert "0 problems" in ran.err
    assert "digests match" in ran.out
    assert (tree(project, without=(".git",)), tree(home)) == before


def test_an_empty_project_is_sound(agentpack: Agentpack) -> None:
    assert "0 problems" in agentpack("doctor").err


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


def test_a_damaged_content_is_a_problem_of_the_history(installed: Agentpack, project: Path) -> None:
    (pack,) = (project / STATE / "blobs").iterdir()
    data = pack.read_bytes()
    pack.write_bytes(data.replace(b"Look before", b"Jump before"))
    assert "is damaged" in problems(installed)["history"]


def test_a_link_in_the_place_of_a_file_is_a_problem(installed: Agentpack, project: Path) -> None:
    (project / FILE).unlink()
    (project / FILE).symlink_to("/etc/hosts")
    assert FILE in problems(installed)["links"]


def test_a_folder_that_leads_out_of_the_project_is_a_problem(
    installed: Agentpack, project: Path, tmp_path: Path
) -> None:
    (project / ".claude").rename(tmp_path / "outside")
    (project / ".claude").symlink_to(tmp_path / "outside")
    assert "leads out of" in problems(installed)["links"]


def test_temporary_files_are_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/.reviewer.md.agentpack-1a2b-7": "left"})
    assert ".reviewer.md.agentpack-1a2b-7" in warnings(installed)["left over"]


def test_an_interrupted_change_is_told_and_left_to_the_next_command(installed: Agentpack, project: Path) -> None:
    write_tree(project, {f"{STATE}/journal.new": '["agentpack journal",1,2,".agentpack-1-2"]\n'})
    assert "interrupted" in warnings(installed)["journal"]
    assert (project / STATE / "journal.new").exists()


def test_a_local_variant_that_nobody_asks_for_is_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/reviewer/huose.md": variant_text()})
    assert "huose.md is not in use" in warnings(installed)["variants"]


def test_a_pipe_for_which_git_would_wait_holds_nothing_up(installed: Agentpack, project: Path) -> None:
    os.mkfifo(project / ".gitignore")
    began = monotonic()
    installed("doctor")
    assert monotonic() - began < 30  # git alone would wait for ever


def test_a_manifest_that_git_ignores_is_named(installed: Agentpack, project: Path) -> None:
    write_tree(project, {".gitignore": "agentpack.lock\n"})
    assert "agentpack.lock is ignored" in warnings(installed)["git"]


def test_a_lock_out_of_date_is_a_warning(installed: Agentpack, project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "models: {opus: {claude: big}}\n")
    assert "`models`" in warnings(installed)["agentpack.lock"]
