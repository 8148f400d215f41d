"""Git worktrees and submodules as project roots: there `.git` is a file."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack

FILE = ".claude/agents/reviewer.md"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def worktree(project: Path, root: Path) -> Path:
    git(project, "worktree", "add", "--quiet", "-b", "other", str(root / "other"))
    return root / "other"


def submodule(project: Path, root: Path) -> Path:
    outer = root / "outer"
    git(root, "init", "--quiet", str(outer))
    git(outer, "submodule", "--quiet", "add", str(project), "inner")
    git(outer, "commit", "--quiet", "-m", "inner")
    return outer / "inner"


@pytest.fixture(params=[worktree, submodule], ids=["worktree", "submodule"])
def copy(request: pytest.FixtureRequest, agentpack: Agentpack, project: Path, tmp_path: Path) -> Path:
    """Another checkout of a project in which a pack is installed and committed."""
    make: Callable[[Path, Path], Path] = request.param
    newer = make_pack(version="1.1.0", personas={"reviewer": persona_text(body=BODY + "- Ask. {#ask}\n")})
    publish(project / "packs", make_pack(), newer)
    agentpack("install", "data-reviewer~=1.0", "--source", "packs", "--client", "claude")
    agentpack("install", "data-reviewer==1.0.0")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "agents")
    found = make(project, tmp_path)
    assert (found / ".git").is_file()
    return found


def test_every_command_works_in_a_checkout_whose_git_folder_is_elsewhere(agentpack: Agentpack, copy: Path) -> None:
    (copy / "deep/er").mkdir(parents=True)
    said = agentpack("status", cwd=copy / "deep/er")
    assert f"project {copy}" in said.err
    assert "unchanged" in said.out
    for words in (("diff",), ("sync",), ("sync", "--frozen"), ("sync", "--check"), ("lock", "--check"), ("audit",)):
        agentpack(*words, cwd=copy)
    assert git(copy, "status", "--short") == ""
    (copy / FILE).write_text((copy / FILE).read_text() + "- Mine.\n")
    agentpack("upgrade", "--latest", "--yes", cwd=copy)
    assert "- Mine." in (copy / FILE).read_text()
    assert "- Ask." in (copy / FILE).read_text()
    changed = git(copy, "status", "--short").split()[1::2]
    assert changed == [FILE, "agentpack.lock", "agentpack.yaml"]  # the state ignores itself
    agentpack("rollback", cwd=copy)
    git(copy, "checkout", "--quiet", "--", FILE)
    assert git(copy, "status", "--short") == ""
    assert "0 problems" in agentpack("doctor", cwd=copy).err
    agentpack("explain", "reviewer", cwd=copy)
    agentpack("uninstall", "data-reviewer", cwd=copy)
    assert not (copy / FILE).exists()


def test_what_one_checkout_does_leaves_the_other_alone(agentpack: Agentpack, project: Path, copy: Path) -> None:
    agentpack("upgrade", "--latest", "--yes", cwd=copy)
    agentpack("diff", cwd=project)
    assert git(project, "status", "--short", "--ignore-submodules=dirty") == ""
    assert "- Ask." not in (project / FILE).read_text()


def test_a_checkout_without_a_manifest_is_a_project_of_its_own(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    git(project, "commit", "--quiet", "--allow-empty", "-m", "nothing yet")
    for found in (worktree(project, tmp_path), submodule(project, tmp_path)):
        agentpack("install", "python-engineer", "--client", "claude", cwd=found)
        assert (found / ".claude/agents/python-engineer.md").exists()
        assert not (found.parent / "agentpack.yaml").exists()
