"""Where a command works: the project around the folder, the home folder, or what an option says."""

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from support.fixed import MOMENT, FixedEnvironment
from support.trees import write_tree

from agentpack.environment import Environment, Scope, cache_folder, find_scope, platform_folder, split_root
from agentpack.errors import UsageError


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "box"
    (folder / "home/code/repository/src/deep").mkdir(parents=True)
    (folder / "home/code/repository/.git").mkdir()
    return folder


def scope(box: Path, cwd: str, **options: object) -> Scope:
    return find_scope(FixedEnvironment(box / "home", box / cwd), **options)  # type: ignore[arg-type]


REPOSITORY = "home/code/repository"


@pytest.mark.parametrize("cwd", [REPOSITORY, f"{REPOSITORY}/src/deep"])
def test_a_repository_is_a_project_from_anywhere_below(box: Path, cwd: str) -> None:
    found = scope(box, cwd)
    assert (found.kind, found.root) == ("project", str(box / REPOSITORY))
    assert found.found_by == "root of the git repository"
    assert str(found) == f"project {box / REPOSITORY}"


@pytest.mark.parametrize("control", [".git", ".hg", ".jj", ".svn"])
def test_any_version_control_marks_a_project(box: Path, control: str) -> None:
    (box / f"home/other/{control}").mkdir(parents=True)
    assert scope(box, "home/other").found_by == f"root of the {control[1:]} repository"


def test_the_file_that_stands_for_git_in_a_worktree_marks_a_project(box: Path) -> None:
    write_tree(box / "home/tree", {".git": "gitdir: elsewhere\n"})
    assert scope(box, "home/tree").root == str(box / "home/tree")


def test_the_nearest_manifest_goes_before_the_repository(box: Path) -> None:
    write_tree(box / REPOSITORY, {"src/agentpack.yaml": "schema: 1\n", "agentpack.yaml": "schema: 1\n"})
    found = scope(box, f"{REPOSITORY}/src/deep")
    assert (found.root, found.found_by) == (str(box / REPOSITORY / "src"), "has agentpack.yaml")
    assert scope(box, REPOSITORY).found_by == "has agentpack.yaml"


def test_a_manifest_above_the_repository_goes_before_it(box: Path) -> None:
    write_tree(box / "home/code", {"agentpack.yaml": "schema: 1\n"})
    assert scope(box, f"{REPOSITORY}/src").root == str(box / "home/code")


def test_outside_of_any_project_it_is_the_users(box: Path) -> None:
    found = scope(box, "home/code")
    assert (found.kind, found.root, found.found_by) == ("user", str(box / "home"), "no project here")


def test_a_home_folder_under_version_control_is_no_project(box: Path) -> None:
    """People keep their dotfiles in git: that does not make every folder of theirs a project."""
    (box / "home/.git").mkdir()
    assert scope(box, "home/code").kind == "user"
    write_tree(box / "home", {"agentpack.yaml": "schema: 1\n"})
    assert scope(box, "home/code").kind == "project"


def test_options_decide(box: Path) -> None:
    assert scope(box, REPOSITORY, user=True).found_by == "named by --user"
    assert scope(box, REPOSITORY, project=True).kind == "project"
    found = scope(box, REPOSITORY, root="src/deep")
    assert (found.kind, found.root, found.found_by) == (
        "project",
        str(box / REPOSITORY / "src/deep"),
        "named by --root",
    )
    assert scope(box, "home", root=str(box / REPOSITORY)).root == str(box / REPOSITORY)


@pytest.mark.parametrize(
    ("cwd", "options", "message"),
    [
        (REPOSITORY, {"user": True, "project": True}, "`--user` cannot be used with `--project` or `--root`"),
        (REPOSITORY, {"user": True, "root": "."}, "`--user` cannot be used with `--project` or `--root`"),
        (REPOSITORY, {"root": "nowhere"}, "`nowhere` is not a folder"),
        ("home/code", {"project": True}, "there is no project at or above"),
    ],
)
def test_options_that_make_no_sense_are_refused(box: Path, cwd: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        scope(box, cwd, **options)
    assert message in refused.value.message


def test_a_link_to_a_project_leads_to_the_project(box: Path) -> None:
    (box / "link").symlink_to(box / REPOSITORY)
    assert scope(box, "link/src").root == str(box / REPOSITORY)


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_project_keeps_manifest_and_lock_at_its_root_and_state_below(box: Path) -> None:
    found = scope(box, REPOSITORY)
    root = str(box / REPOSITORY)
    assert found.absolute(found.manifest) == f"{root}/agentpack.yaml"
    assert found.absolute(found.lock) == f"{root}/agentpack.lock"
    assert found.absolute(found.local_variants) == f"{root}/.agentpack/variants"
    assert found.absolute("$state/current") == f"{root}/.agentpack/state/current"


def test_the_user_keeps_them_in_the_folders_of_the_platform(box: Path, tmp_path: Path) -> None:
    found = scope(box, "home")
    assert found.absolute(found.manifest) == str(tmp_path / "home/.config/agentpack/agentpack.yaml")
    assert found.absolute(found.local_variants) == str(tmp_path / "home/.config/agentpack/variants")
    assert found.absolute("$state/current") == str(tmp_path / "home/.local/state/agentpack/current")
    assert found.absolute(".claude/agents/x.md") == str(box / "home/.claude/agents/x.md")


def test_a_variable_that_moves_a_client_is_a_root_of_its_own(box: Path) -> None:
    environment = FixedEnvironment(box / "home", box, variables={"CLAUDE_CONFIG_DIR": "/elsewhere/claude/"})
    found = find_scope(environment, user=True)
    assert found.absolute("$CLAUDE_CONFIG_DIR/agents/x.md") == "/elsewhere/claude/agents/x.md"
    assert "$CLAUDE_CONFIG_DIR" not in scope(box, "home").roots


def test_a_named_path_is_split_at_its_root() -> None:
    assert split_root("$state/blobs/1") == ("$state", "blobs/1")
    assert split_root("$state") == ("$state", "")
    assert split_root(".claude/agents/x.md") == ("", ".claude/agents/x.md")


@pytest.mark.parametrize("moved", ["", "/moved", "relative", "/a/../b", " /x", "~/x", "/"])
@pytest.mark.parametrize("home", ["/somebody", "/somebody/", ""])
def test_folders_are_those_that_platformdirs_names(moved: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short way to the answer, which start-up takes, and the library's own agree."""
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, moved)
    monkeypatch.setenv("HOME", home)
    assert platform_folder("config") == platformdirs.user_config_dir("agentpack", appauthor=False)
    assert platform_folder("state") == platformdirs.user_state_dir("agentpack", appauthor=False)
    assert cache_folder() == platformdirs.user_cache_dir("agentpack", appauthor=False)


# -- the real one ------------------------------------------------------------------------------------------------------


def test_the_real_environment_is_read_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    found = Environment.current()
    assert found.home == str(home.resolve())
    assert found.cwd == str(home.resolve())
    assert found.variables["HOME"] == str(home)
    assert not found.interactive


def test_the_clock_tells_whole_seconds_of_the_world() -> None:
    now = Environment.current().now()
    assert len(now) == len(MOMENT)
    assert now.endswith("Z")
    assert now[4] == now[7] == "-"


def test_a_folder_that_is_gone_is_told_and_no_traceback(tmp_path: Path, home: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); from agentpack.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "sync"], cwd=gone, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "error: the current folder no longer exists\nhint: change to another folder\n"
