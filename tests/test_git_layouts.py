"""Repositories in every layout that people publish, through the life of a project: installed in part, edited, upgraded
by tag and by commit, rolled back, cloned, and used without a network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.collection_files import LAYOUTS, beside
from support.effort import sample
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree

WORDS = {"alpha": "You are alpha.\n\n- Work.\n- Rest.", "beta": "You are beta.", "gamma": "You are gamma."}
LATER = {**WORDS, "alpha": WORDS["alpha"].replace("- Work.", "- Work hard."), "delta": "You are delta."}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that git takes for GitHub."""
    write_tree(tmp_path, {"gitconfig": f'[url "file://{tmp_path}/hub/"]\n\tinsteadOf = https://github.com/\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return write_tree(tmp_path / "hub", {})


def agents(folder: Path) -> dict[str, bytes]:
    return {path: data for path, data in tree(folder).items() if path.startswith((".claude/", ".github/"))}


def cloned(project: Path, to: Path) -> Path:
    """A clone on another machine, of a project that commits manifest and lock alone."""
    to.mkdir()
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(project / name, to / name)
    return to


@pytest.mark.many
@pytest.mark.parametrize(
    ("layout", "tagged"), sample([(layout, tagged) for layout in LAYOUTS for tagged in (True, False)])
)
def test_a_repository_of_any_layout_lives_with_a_project(
    agentpack: Agentpack,
    project: Path,
    hub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    tagged: bool,
) -> None:
    kit = Repository(hub / "acme/kit").commit({**LAYOUTS[layout](WORDS), **beside(40)})
    releases = [f"{name}--v" for name in (("kit-0", "kit-1") if layout == "marketplace" else ("",))]
    for start in releases if tagged else ():
        kit.tag(f"{start.removeprefix('--')}1.0.0")
    agentpack("install", "github:acme/kit", "--only", "alpha,beta")
    [file] = [path for path in agents(project) if "alpha" in path]
    path = project / file
    path.write_text(path.read_text().replace("- Rest.", "- Rest well."))
    edited = tree(project)

    kit.commit(LAYOUTS[layout](LATER))
    for start in releases if tagged else ():
        kit.tag(f"{start.removeprefix('--')}1.1.0")
    agentpack("upgrade", "--yes")
    assert "- Work hard.\n- Rest well." in path.read_text()
    assert len(agents(project)) == 2
    upgraded = tree(project)
    agentpack("rollback")
    assert tree(project) == edited
    agentpack("upgrade", "--yes")
    assert tree(project) == upgraded
    path.write_text(path.read_text().replace("- Rest well.", "- Rest."))
    agentpack("diff")

    warm = cloned(project, tmp_path / "warm")
    kit.folder.rename(tmp_path / "away")
    agentpack("sync", "--frozen", "--offline", cwd=warm)
    (tmp_path / "away").rename(kit.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    cold = cloned(project, tmp_path / "cold")
    agentpack("sync", "--frozen", cwd=cold)
    assert agents(cold) == agents(warm) == agents(project)


def test_a_warm_sync_opens_no_socket(agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path) -> None:
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    Repository(hub / "acme/kit").commit(LAYOUTS["categories"](WORDS))
    agentpack("install", "github:acme/kit")
    clone = cloned(project, tmp_path / "clone")
    shutil.rmtree(hub)
    program = [sys.executable, "-m", "agentpack", "sync", "--frozen"]
    done = subprocess.run([*alone, *program], cwd=clone, capture_output=True, text=True, env=os.environ.copy())
    assert done.returncode == 0, done.stderr
    assert agents(clone) == agents(project)
