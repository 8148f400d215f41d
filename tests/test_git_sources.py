"""Packs and collections from git repositories: what is taken, what is locked, what is asked of the other machine."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from support.collection_files import agent_text, marketplace
from support.packs import make_pack, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.changes.place_arguments import open_place, typed
from agentpack.environment import Environment, in_local_time, project_scope
from agentpack.errors import InvalidFile, Refused, Unavailable, Unresolvable
from agentpack.input.file_names import MAX_FILE_BYTES
from agentpack.model.git_places import GitPlace
from agentpack.model.lock import LockedPack
from agentpack.model.names import MAX_VERSION, PackName, digest_of
from agentpack.model.pack import ReleaseRef
from agentpack.remote.access import Remote
from agentpack.remote.git import Mirror
from agentpack.sources.collection import Collection
from agentpack.sources.git import GitSource, LastHeard
from agentpack.sources.git_tree import GitTree
from agentpack.workspace.workspace import Workspace

NAME = "data-reviewer"
HASH = ("hash-object", "-w", "--stdin")


@pytest.fixture
def kit(tmp_path: Path) -> Repository:
    """A repository of two agents, without a tag."""
    files = {f"agents/{name}.md": agent_text(name, f"You are {name}.\n\n- Work.\n- Rest.") for name in ("one", "two")}
    return Repository(tmp_path / "far/kit").commit({**files, "README.md": "Two agents."})


def rework(kit: Repository, agent: str, old: str, new: str) -> Repository:
    path = f"agents/{agent}.md"
    return kit.commit({path: (kit.folder / path).read_text().replace(old, new)})


def locked(folder: Path, pack: str = "kit") -> dict[str, Any]:
    lock = json.loads((folder / "agentpack.lock").read_text())
    found: dict[str, Any] = next(row for row in lock["packs"] if row["name"] == pack)
    return found


def installed(folder: Path, name: str) -> str:
    return (folder / f".claude/agents/{name}.md").read_text()


# Branches.


def test_a_repository_without_tags_is_locked_at_its_commit(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    agentpack("install", f"git+{kit.address}")
    assert installed(project, "one") == (kit.folder / "agents/one.md").read_text()
    row = locked(project)
    assert row["commit"] == kit.head
    assert row["version"] == f"0.0.0+20261128100100.g{kit.head[:12]}"
    assert f'{{name: kit, git: "{kit.address}"}}' in (project / "agentpack.yaml").read_text()
    assert "nothing to change" in agentpack("sync").err


def test_the_name_of_an_agent_leads_to_its_pack(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    ran = agentpack("install", "one", "--source", f"git+{kit.address}", expect=4)
    assert "`one` is not a pack but an agent of the pack `kit`" in ran.err
    (command,) = re.findall(r"hint: `agentpack (.*)`", " ".join(ran.err.split()))
    agentpack(*command.split())
    assert os.listdir(project / ".claude/agents") == ["one.md"]


def test_a_new_commit_is_an_upgrade_that_keeps_edits(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    agentpack("install", f"git+{kit.address}")
    path = project / ".claude/agents/one.md"
    path.write_text(path.read_text().replace("- Rest.", "- Rest well."))
    before = tree(project)
    rework(kit, "one", "- Work.", "- Work hard.")
    agentpack("upgrade", "--check", expect=1)
    agentpack("upgrade", "--yes")
    assert "- Work hard.\n- Rest well." in path.read_text()
    assert locked(project)["commit"] == kit.head
    agentpack("rollback")
    assert tree(project) == before


def test_a_commit_that_changes_no_chosen_agent_is_no_upgrade(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    agentpack("install", f"git+{kit.address}", "--only", "one")
    before = tree(project)
    rework(kit, "two", "- Work.", "- Work hard.").commit({"README.md": "Other words."})
    agentpack("upgrade", "--check")
    agentpack("upgrade", "--yes")
    assert tree(project) == before


def test_a_fresh_clone_gives_what_is_locked_and_not_what_is_newest(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    before = tree(project)
    rework(kit, "one", "- Work.", "- Work hard.")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    agentpack("sync", "--frozen", cwd=clone)
    assert {path: data for path, data in tree(clone).items() if ".claude" in path} == {
        path: data for path, data in before.items() if ".claude" in path
    }
    agentpack("upgrade", "--yes", cwd=clone)
    assert "- Work hard." in installed(clone, "one")


def test_a_warm_cache_is_enough_without_a_network(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    kit.folder.rename(tmp_path / "gone")
    agentpack("sync", "--frozen", "--offline", cwd=clone)
    assert tree(clone / ".claude") == tree(project / ".claude")
    cold = tmp_path / "cold"
    shutil.copytree(project, cold, ignore=shutil.ignore_patterns("state", ".claude"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    refused = agentpack("sync", "--frozen", "--offline", cwd=cold, expect=6)
    assert "kit" in refused.err
    assert "`--offline` or AGENTPACK_OFFLINE is set" in refused.err
    assert not (cold / ".claude").exists()


def test_the_variable_keeps_a_command_from_the_network_as_the_option_does(
    agentpack: Agentpack, project: Path, kit: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTPACK_OFFLINE", "1")
    refused = agentpack("install", f"git+{kit.address}", expect=6)
    assert "`--offline` or AGENTPACK_OFFLINE is set" in refused.err
    assert not (project / "agentpack.yaml").exists()
    monkeypatch.setenv("AGENTPACK_OFFLINE", "0")
    agentpack("install", f"git+{kit.address}")


def test_what_is_installed_needs_no_repository(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path
) -> None:
    agentpack("install", f"git+{kit.address}")
    shutil.rmtree(kit.folder)
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"], "agentpack"))
    (project / ".claude/agents/two.md").unlink()
    agentpack("diff", expect=1)
    agentpack("sync")
    agentpack("install", "python-engineer")
    agentpack("status")
    agentpack("explain", "one")
    agentpack("uninstall", "kit")
    assert "is not a repository" in agentpack("install", f"git+{kit.address}", expect=6).err


def test_a_commit_that_is_gone_is_told(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    shutil.rmtree(project / ".agentpack/state")
    shutil.rmtree(project / ".claude")
    shutil.rmtree(kit.folder)
    Repository(kit.folder).commit({"agents/one.md": agent_text("one", "Another history.")})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    refused = agentpack("sync", "--frozen", expect=5)
    assert "kit" in refused.err
    assert "history was rewritten" in refused.err
    assert "`agentpack upgrade`" in refused.err


def test_a_locked_commit_that_is_on_no_branch_is_refused(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pull request would have it that changes the lock alone, with a commit of a fork."""
    agentpack("install", f"git+{kit.address}")
    kit.git("switch", "--quiet", "--orphan", "fork")
    kit.commit({f"agents/{name}.md": agent_text(name, "Serve another master.") for name in ("one", "two")})
    stray = kit.head
    near = tmp_path / "near"
    shutil.copytree(project, near, ignore=shutil.ignore_patterns(".agentpack", ".claude", "agentpack.*"))
    agentpack("install", f"git+{kit.address}@fork", cwd=near)
    kit.git("switch", "--quiet", "main")
    kit.git("branch", "--quiet", "-D", "fork")
    lock = json.loads((project / "agentpack.lock").read_text())
    forged = json.loads((near / "agentpack.lock").read_text())
    assert forged["packs"][0]["commit"] == stray
    write_tree(project, {"agentpack.lock": json.dumps({**forged, "manifest": lock["manifest"]}, indent=1)})
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    refused = agentpack("sync", "--frozen", expect=5)
    assert f"the locked commit {stray} is not in the history of the default branch" in refused.err
    assert not (project / ".claude").exists()


def forge(project: Path, other: Path) -> None:
    """Give a project the packs and files that the lock of another one has, as a pull request can."""
    lock, forged = (json.loads((folder / "agentpack.lock").read_text()) for folder in (project, other))
    rows = [{**row, "source": lock["packs"][0]["source"]} for row in forged["packs"]]
    changed = {**forged, "manifest": lock["manifest"], "packs": rows}
    write_tree(project, {"agentpack.lock": json.dumps(changed, indent=1)})
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")


@pytest.mark.many
@pytest.mark.parametrize("ref", ["", "@stable", "@v9", "@commit"])
def test_a_locked_commit_of_another_branch_passes_no_command(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    kit.git("branch", "stable")
    if ref == "@v9":
        kit.tag("v9")
    agentpack("install", f"git+{kit.address}{ref.replace('commit', kit.head)}")
    kit.git("switch", "--quiet", "--create", "dev")
    rework(kit, "one", "- Work", "- Serve another master")
    kit.git("switch", "--quiet", "main")
    near = tmp_path / "near"
    near.mkdir()
    agentpack("install", f"git+{kit.address}@dev", "--root", str(near))
    forge(project, near)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    for words in (("sync", "--frozen"), ("sync", "--locked"), ("sync", "--check"), ("lock", "--check"), ("diff",)):
        said = agentpack(*words, expect=None)
        assert said.exit_code in (1, 3, 5) and "locked" in said.out + said.err, words
        assert "Serve another master" not in said.out
    agentpack("sync", expect=None)
    path = project / ".claude/agents/one.md"
    assert not path.exists() or "another master" not in path.read_text()


def test_a_release_is_locked_at_the_commit_of_its_tag(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number in a pack's manifest stays while its next release is written."""
    far = Repository(tmp_path / "far")
    far.commit({f"reviewer/{path}": data for path, data in make_pack().items()})
    far.tag("v1.0.0")
    agentpack("install", f"git+{far.address}")
    text = next(far.folder.rglob("personas/*.md"))
    far.commit({str(text.relative_to(far.folder)): text.read_text() + "\n- Serve another master. {#late}\n"})
    near = tmp_path / "near"
    near.mkdir()
    agentpack("install", f"git+{far.address}@main", "--root", str(near))
    forge(project, near)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    assert "the tag `v1.0.0`" in agentpack("sync", "--frozen", expect=5).err


def test_an_older_commit_of_the_branch_is_none(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    for number in range(3):
        rework(kit, "one", "- Work", f"- Work {number}")
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    agentpack("sync", "--frozen")
    assert "- Work.\n" in installed(project, "one")


@pytest.mark.many
@pytest.mark.parametrize("ref", ["old", "v1", "commit"])
def test_a_ref_names_a_branch_a_tag_or_a_commit(agentpack: Agentpack, project: Path, kit: Repository, ref: str) -> None:
    commit = kit.head
    kit.git("branch", "old")
    kit.tag("v1")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v2.0.0")
    name = commit if ref == "commit" else ref
    agentpack("install", f"git+{kit.address}@{name}")
    assert locked(project)["commit"] == commit
    assert name in (project / "agentpack.yaml").read_text().partition("ref: ")[2]
    agentpack("upgrade", "--yes")
    assert locked(project)["commit"] == commit
    assert "is now at `main`" in agentpack("install", f"git+{kit.address}@main").err
    assert locked(project)["commit"] == kit.head


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("mian", "did you mean `main`?"),
        ("release", "it has main, old\nhint: name one of these after `@`"),
        ("0123456", "write a commit in full"),
        ("latest", "leave out `@latest` to get the newest release"),
        ("refs/heads/old-one", "has no branch or tag `refs/heads/old-one`"),
        ("--upload-pack=touch${IFS}x", "is not the name of a branch, tag or commit"),
    ],
)
def test_a_ref_that_is_not_there_is_told(
    agentpack: Agentpack, project: Path, kit: Repository, ref: str, words: str
) -> None:
    kit.git("branch", "old")
    assert words in agentpack("install", f"git+{kit.address}@{ref}", expect=None).err
    assert not (project / "agentpack.lock").exists()


def test_a_ref_may_be_spelled_out_as_git_does(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    kit.tag("v1.0.0").git("checkout", "--quiet", "-b", "v1.0.0")
    rework(kit, "one", "- Work.", "- Work on the branch.")
    kit.git("tag", "refs/heads/v1.0.0", "main")  # a name that is to pass for the branch
    address = f"git+{kit.address}"
    tagged, branch = kit.git("rev-parse", "refs/tags/v1.0.0^{commit}"), kit.git("rev-parse", "refs/heads/v1.0.0")
    for ref, commit in (
        ("v1.0.0", tagged),
        ("refs/heads/v1.0.0", branch),
        ("refs/tags/v1.0.0", tagged),
        ("heads/v1.0.0", branch),
        ("tags/v1.0.0", tagged),
    ):
        agentpack("install", f"{address}@{ref}")
        assert locked(project)["commit"] == commit
        assert (locked(project)["version"] == "1.0.0") == (commit == tagged)
        assert f'ref: "{ref}"' in (project / "agentpack.yaml").read_text()
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["tag"] == "v1.0.0"
    kit.tag("v1.0.0")
    assert "the tag `v1.0.0`" in agentpack("upgrade", expect=5).err
    assert "was moved" in agentpack("status").out


@pytest.mark.campaign
def test_what_a_ref_holds_back_is_told_by_every_command(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    kit.tag("v1.0.0")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v2.0.0")
    agentpack("install", f"git+{kit.address}@v1.0.0")
    before = tree(project)
    assert "Work hard." in agentpack("render", "kit==2.0.0", "--persona", "one").out
    assert "there are 2.0.0 and 1.0.0\n" in agentpack("render", "kit==3", expect=4).err
    assert "  + - Work {+hard+}." in agentpack("diff", "--from", "kit==1.0.0", "--to", "kit==2.0.0", expect=1).out
    for versions in (("1.0.0", "2.0.0"), ("2.0.0", "1.0.0"), ("2.0.0",)):
        assert "kit 1.0.0 -> 2.0.0  (+1 -1 lines, 1 rule)" in agentpack("show", "kit", "--changes", *versions).out
    assert "  + - Work {+hard+}." in agentpack("diff", "--upgrade", "--latest", "kit", expect=1).out
    assert tree(project) == before
    assert "kit 1.0.0 (2.0.0 held back) kit" in " ".join(agentpack("search", "kit").out.split())
    assert "versions 2.0.0, 1.0.0 (locked here) newer" in " ".join(agentpack("show", "kit").out.split())
    assert "`agentpack diff --upgrade --latest` shows it" in agentpack("diff", "--upgrade").err
    held = "newer 2.0.0, held back by `ref: v1.0.0` (`agentpack upgrade --latest`)"
    assert held in " ".join(agentpack("show", "kit").out.split())
    assert agentpack("show", "kit", "--json").envelope["data"]["held_back"] == "2.0.0"
    write_tree(project / "packs", {"other/agents/other.md": agent_text("other", "Work.")})
    agentpack("install", "other", "--source", "packs")
    assert "holds it" not in agentpack("install", "other==9", expect=4).err
    agentpack("uninstall", "other")
    agentpack("install", "kit@latest")
    assert agentpack("show", "kit", "--json").envelope["data"]["held_back"] == ""
    agentpack("uninstall", "kit")
    agentpack("install", f"git+{kit.address}@main")
    ran = agentpack("show", "kit", "--changes", "1.0.0", "2.0.0", expect=4)
    assert '`agentpack install "kit@latest" --dry-run` shows what the newest release would write' in ran.err
    assert "dry run: nothing was written" in agentpack("install", "kit@latest", "--dry-run").err


def test_an_agent_named_with_its_pack_leads_to_both(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"gitconfig": f'[url "file://{tmp_path}/hub/"]\n\tinsteadOf = https://github.com/\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    agents = {f"agent-{number}": "You are one." for number in range(4)}
    Repository(tmp_path / "hub/team/market").commit(marketplace(agents, plugins=4))
    way = "`agentpack install kit-1 --only agent-1 --source github:team/market`"
    assert way in agentpack("install", "agent-1", "--source", "github:team/market", expect=4).err
    assert way in agentpack("install", "kit-1/agent-1", "--source", "github:team/market", expect=2).err
    agentpack("install", "kit-1", "--source", "github:team/market")
    told = agentpack("uninstall", "kit-1/agent-1", expect=2).err
    assert "`agentpack install kit-1 --without agent-1` removes only this agent" in told


def test_a_folder_behind_a_repository_is_no_repository(agentpack: Agentpack, project: Path) -> None:
    told = agentpack("install", "github:team/kit/agents/one", expect=2).err
    assert "a repository on GitHub is `github:OWNER/REPOSITORY`" in told
    assert "`github:team/kit#subdirectory=agents/one`" in told
    assert "`agentpack install github:team/kit --only one`" in told


# Tags.


@pytest.mark.many
@pytest.mark.parametrize("form", ["kit--v{}", "kit-v{}", "kit/{}", "v{}"])
def test_tags_are_releases_in_every_form(agentpack: Agentpack, project: Path, tmp_path: Path, form: str) -> None:
    kit = Repository(tmp_path / "kit")
    for version in ("1.0.0", "1.1.0", "2.0.0", "2.1.0rc1"):
        kit.commit({"agents/one.md": agent_text("one", f"Work as of {version}.")}).tag(form.format(version))
    kit.tag("nightly").commit({"agents/one.md": agent_text("one", "Not released.")})
    agentpack("install", "kit>=1,<2", "--source", f"git+{kit.address}")
    assert (locked(project)["version"], installed(project, "one").count("1.1.0")) == ("1.1.0", 1)
    assert "kit 2.0.0 is out of range" in agentpack("upgrade").out + agentpack("upgrade").err
    agentpack("upgrade", "--latest", "--yes")
    assert locked(project)["version"] == "2.0.0"
    assert "Work as of 2.0.0." in installed(project, "one")


def test_beside_other_packs_the_command_past_a_ref_or_a_range_names_its_pack(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    far = Repository(tmp_path / "far")
    for version in ("1.0.0", "1.1.0"):
        far.commit({"agents/one.md": agent_text("one", version)}).tag(f"v{version}")
    agentpack("install", f"git+{far.address}@v1.0.0", "--client", "claude")
    assert "(`agentpack upgrade --latest`)" in agentpack("show", "far").out
    agentpack("install", "python-engineer@1.1.0")
    held, ranged = "`agentpack upgrade --latest far`", "`agentpack upgrade --latest python-engineer`"
    status = agentpack("status").out
    assert f"newer     1.1.0, held back by `ref: v1.0.0` ({held})" in status
    assert f"out of range ({ranged})" in status
    assert held in agentpack("show", "far").out
    for command in (("upgrade",), ("upgrade", "--check")):
        told = agentpack(*command).err
        assert f"{held} installs it" in told
        assert f"{ranged} installs it" in told
    told = agentpack("diff", "--upgrade").err
    assert "`agentpack diff python-engineer --upgrade --latest` shows it" in told
    by = "by `ref: v1.0.0` of the source `far`"
    assert f"far 1.1.0 is held back {by}; `agentpack diff far --upgrade --latest` shows it" in told
    assert "held" not in agentpack("diff", "far", "--upgrade", "--latest", expect=1).err
    assert "agentpack upgrade --latest far  install far 1.1.0" in agentpack().err
    agentpack("upgrade", "--latest", "far", "--yes")
    assert (locked(project, "far")["version"], locked(project, "python-engineer")["version"]) == ("1.1.0", "1.1.0")


@pytest.mark.many
@pytest.mark.parametrize("is_pack", [True, False])
@pytest.mark.parametrize("by_source", [True, False])
def test_asking_for_the_newest_removes_a_ref(
    agentpack: Agentpack, project: Path, tmp_path: Path, is_pack: bool, by_source: bool
) -> None:
    far = Repository(tmp_path / "far")
    for version in ("1.0.0", "1.1.0"):
        agents = {"agents/one.md": agent_text("one", version)}
        far.commit(make_pack(version=version) if is_pack else agents).tag(f"v{version}")
    agentpack("install", f"git+{far.address}@v1.0.0")
    pack = NAME if is_pack else "far"
    told = f"{pack} 1.1.0 is held back by `ref: v1.0.0` of the source `far`; `agentpack upgrade --latest`"
    for command in (("upgrade", pack), ("upgrade",), ("upgrade", "--check")):
        assert told in agentpack(*command).err
    status = agentpack("status").out
    assert f"{pack} 1.0.0 " in status
    assert "newer     1.1.0, held back by `ref: v1.0.0` (`agentpack upgrade --latest`)" in status
    assert f"source    far ({far.address}) at `ref: v1.0.0`" in status
    [row] = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["in_range"], row["newest"], row["tag"]) == (None, "1.1.0", "v1.0.0")
    assert locked(project, pack)["commit"] == far.git("rev-parse", "v1.0.0^{commit}")
    options = ("--source", f"git+{far.address}") if by_source else ()
    assert "the source `far` no longer has a `ref:`" in agentpack("install", f"{pack}@latest", *options).err
    assert "ref" not in (project / "agentpack.yaml").read_text()
    assert locked(project, pack)["version"] == "1.1.0"
    assert "ref:" not in agentpack("upgrade", pack).err


@pytest.mark.parametrize("is_pack", [True, pytest.param(False, marks=pytest.mark.campaign)])
def test_a_ref_that_names_a_release_is_moved_like_a_range(
    agentpack: Agentpack, project: Path, tmp_path: Path, is_pack: bool
) -> None:
    far = Repository(tmp_path / "far")
    for version in ("1.0.0", "1.1.0"):
        agents = {"agents/one.md": agent_text("one", version)}
        far.commit(make_pack(version=version) if is_pack else agents).tag(f"v{version}")
    pack = NAME if is_pack else "far"
    agentpack("install", f"git+{far.address}@main")
    held = f'{pack} is held by `ref: main` of the source `far`; `agentpack install "{pack}@latest"` removes it'
    assert held in agentpack("upgrade", pack).err
    assert "is held" not in agentpack("upgrade").err
    agentpack("upgrade", "--latest", "--yes")
    assert "ref: main" in (project / "agentpack.yaml").read_text()
    agentpack("install", f"git+{far.address}@v1.1.0")
    assert "nothing to change" in agentpack("upgrade", "--latest", "--yes").err
    agentpack("install", f"git+{far.address}@v1.0.0")
    shown = agentpack("diff", "--upgrade", "--latest", "--json", expect=1).envelope["data"]["packs"]
    assert shown == [{"name": pack, "before": "1.0.0", "after": "1.1.0"}]
    moves = "the source `far` moves to `ref: v1.1.0`, for all its packs"
    assert moves in agentpack("upgrade", "--latest", "--dry-run").err
    told = agentpack("upgrade", "--latest", "--yes").err
    assert moves in told
    assert "held back" not in told
    assert locked(project, pack)["version"] == "1.1.0"
    manifest = project / "agentpack.yaml"
    assert 'ref: "v1.1.0"' in manifest.read_text()
    far.commit({"README.md": "More.\n"} if not is_pack else make_pack(version="1.2.0")).tag("v1.2.0")
    agentpack("upgrade", "--check", expect=None)
    manifest.write_text(manifest.read_text().replace('"v1.1.0"', '"v1.2.0"'))
    assert "newer     1.2.0 (`agentpack upgrade`)\n" in agentpack("status").out
    told = agentpack("upgrade", "--yes").err
    assert (locked(project, pack)["version"], "held back" in told) == ("1.2.0", False)


@pytest.mark.parametrize("form", [pytest.param("kit--v{}", marks=pytest.mark.campaign), "v{}"])
def test_a_tag_in_the_address_is_a_release_until_the_address_has_none(
    agentpack: Agentpack, project: Path, kit: Repository, form: str
) -> None:
    for version in ("1.0.0", "1.1.0"):
        kit.commit({"agents/one.md": agent_text("one", version)}).tag(form.format(version))
    kit.commit({"agents/one.md": agent_text("one", "Later.")})
    address = f"git+{kit.address}"
    agentpack("install", "kit==1.0.0", "--source", f"{address}@{form.format('1.0.0')}")
    assert locked(project)["version"] == "1.0.0"
    agentpack("install", "kit@latest")
    agentpack("install", f"{address}@main")
    assert locked(project)["version"].startswith("0.0.0+")
    for ref in ("1.0.0", "1.1.0"):
        moved = agentpack("install", f"{address}@{form.format(ref)}").err
        assert "no longer among the tags" not in moved
        assert locked(project)["version"] == ref
    agentpack("install", f"{address}@{form.format('1.0.0')}")
    agentpack("install", address, "--only", "one")
    assert locked(project)["version"] == "1.0.0"
    told = agentpack("install", address).err
    assert "the source `kit` no longer has a `ref:`" in told
    assert "no longer among" not in told
    assert locked(project)["version"] == "1.1.0"


def test_show_says_how_far_the_branch_is_ahead(agentpack: Agentpack, kit: Repository) -> None:
    kit.tag("v1.0.0")
    place = f"git+{kit.address}"
    assert "ahead" not in agentpack("show", place).out
    rework(kit, "one", "- Work.", "- Work hard.").commit()
    assert "the default branch is 2 commits ahead of the tag `v1.0.0`" in agentpack("show", place).out
    for ref in ("v1.0.0", kit.git("branch", "--show-current"), kit.git("rev-parse", "HEAD")):
        assert "ahead" not in agentpack("show", f"{place}@{ref.strip()}").out


def test_packs_with_a_manifest_are_the_same_from_a_tag_as_from_a_folder(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    first, second = make_pack(version="1.0.0"), make_pack(version="1.1.0", files={"README.md": "New.\n"})
    far = Repository(tmp_path / "far")
    for files, tag in ((first, "v1.0.0"), (second, "v1.1.0")):
        far.commit(files).tag(tag)
    write_tree(tmp_path / "near/1.1.0", second)
    agentpack("install", NAME, "--source", f"git+{far.address}")
    from_git = tree(project)
    row = locked(project, NAME)
    assert (row["version"], row["commit"]) == ("1.1.0", far.head)
    shutil.rmtree(project / ".claude")
    for path in ("agentpack.yaml", "agentpack.lock"):
        (project / path).unlink()
    agentpack("install", NAME, "--source", str(tmp_path / "near"))
    assert locked(project, NAME)["digest"] == row["digest"]
    assert {p: d for p, d in tree(project).items() if ".claude" in p} == {
        p: d for p, d in from_git.items() if ".claude" in p
    }


@pytest.mark.parametrize("form", ["v{}", f"{NAME}/{{}}"])
def test_a_tag_with_another_number_than_its_manifest_is_named_with_its_repository(
    agentpack: Agentpack, project: Path, tmp_path: Path, form: str
) -> None:
    far, tag = Repository(tmp_path / "far"), form.format("1.3.0")
    far.commit(make_pack(version="1.0.0")).tag(form.format("1.0.0"))
    agentpack("install", NAME, "--source", f"git+{far.address}")
    far.commit(make_pack(version="1.2.0")).tag(tag)
    said = agentpack("upgrade", expect=2).err
    assert f"error: {far.address}: the tag `{tag}` holds version 1.2.0 of {NAME}\n" in said
    assert f"`{NAME}!=1.3.0` in agentpack.yaml passes it over\n" in said
    manifest = project / "agentpack.yaml"
    manifest.write_text(re.sub(rf"{NAME}\b(?!:)$", f'"{NAME}!=1.3.0"', manifest.read_text(), flags=re.MULTILINE))
    agentpack("upgrade", "--yes")


@pytest.mark.parametrize("is_pack", [True, False])
def test_a_newer_version_without_a_tag_is_told_and_costs_no_question(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_pack: bool
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("GIT_TRACE", str(log))

    def upgraded(*words: str) -> tuple[str, int]:
        """What is said, and how many commands of git were run for it."""
        log.write_text("")
        said = agentpack("upgrade", *words).err
        return said, len(re.findall("trace: built-in: git (ls-remote|fetch)", log.read_text()))

    def version(number: str) -> dict[str, bytes | str]:
        manifest = json.dumps({"name": NAME, "version": number})
        bare = {".claude-plugin/plugin.json": manifest, "agents/one.md": agent_text("one", f"As of {number}.")}
        return {**make_pack(version=number)} if is_pack else {**bare}

    far = Repository(tmp_path / "far")
    far.commit(version("1.0.0")).tag("v1.0.0")
    agentpack("install", NAME, "--source", f"git+{far.address}")
    assert "only tags are releases" not in agentpack("upgrade").err
    far.commit(version("1.1.0rc1"))
    said, asked = upgraded()
    assert "only tags are releases" not in said
    assert asked
    far.commit(version("1.1.0"))
    told = f"note: the default branch of {far.address} has {NAME} 1.1.0, newer than its last tag `v1.0.0`"
    said, as_often = upgraded()
    assert as_often == asked
    assert f"{told}; only tags are releases\n" in said
    for words in (["--check"], [NAME], ["--dry-run"]):
        assert f"{told}; only tags are releases\n" in upgraded(*words)[0]
    far.tag("v1.1.0")
    assert "only tags are releases" not in agentpack("upgrade", "--yes").err


@pytest.mark.many
@pytest.mark.parametrize("how", ["file", "folder", "annotated"])
def test_a_tag_of_something_else_than_a_commit_is_no_release(
    agentpack: Agentpack, project: Path, kit: Repository, how: str
) -> None:
    kit.tag("v1.0.0")
    named = kit.git("rev-parse", "HEAD:agents" if how == "folder" else "HEAD:agents/one.md")
    kit.git("tag", *(("--annotate", "--message", "x") if how == "annotated" else ()), "v2.0.0", named)
    for ref in ("v2.0.0", named):
        told = agentpack("install", f"git+{kit.address}@{ref}", expect=4).err
        assert f"`{ref}` of {kit.address} is not a commit" in told
    assert "kit 1.0.0" in agentpack("show", f"git+{kit.address}").out
    agentpack("install", f"git+{kit.address}")
    assert locked(project)["version"] == "1.0.0"
    rework(kit, "one", "- Work.", "- Work hard.").tag("v1.1.0")
    agentpack("upgrade", "--yes")
    assert locked(project)["version"] == "1.1.0"
    changed_row(project, "kit", version="2.0.0", commit=named)
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    why = f"`{named}` of {kit.address} is not a commit\n"
    assert why in agentpack("sync", "--frozen", expect=6).err


def test_a_tag_that_was_moved_is_refused_by_name(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit(make_pack(version="1.0.0")).tag("v1.0.0")
    agentpack("install", NAME, "--source", f"git+{far.address}")
    before = tree(project)
    far.commit(make_pack(version="1.0.0", files={"README.md": "Other.\n"})).tag("v1.0.0")
    for command in (("upgrade",), ("upgrade", "--check"), ("lock", "--upgrade")):
        refused = agentpack(*command, expect=5)
        assert "the tag `v1.0.0`" in refused.err
        assert "was moved" in refused.err
    assert "tag       `v1.0.0` was moved to another commit" in agentpack("status").out
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["tag_moved"]
    assert tree(project) == before
    agentpack("sync", "--frozen")


@pytest.mark.parametrize("is_tagged", [True, False])
def test_another_text_under_a_version_of_a_repository_is_refused_although_the_locked_one_was_once_in_a_folder(
    agentpack: Agentpack, project: Path, tmp_path: Path, is_tagged: bool
) -> None:
    def release(files: Mapping[str, bytes]) -> None:
        far.commit(files)
        if is_tagged:
            far.tag("v1.0.0")

    publish(project / "packs", make_pack())
    agentpack("install", NAME, "--source", "packs")
    far = Repository(tmp_path / "far")
    release(make_pack())
    agentpack("install", NAME, "--source", f"git+{far.address}")
    release(make_pack(files={"README.md": "Other.\n"}))
    before = tree(project)
    for words in (("upgrade", "--check"), ("upgrade", "--yes")):
        assert "data-reviewer 1.0.0" in (refused := agentpack(*words, expect=5).err)
        assert "is not what was locked" in refused
    assert tree(project) == before


@pytest.mark.parametrize("is_pack", [True, False])
def test_a_moved_tag_does_not_hold_back_a_newer_release(
    agentpack: Agentpack, project: Path, tmp_path: Path, is_pack: bool
) -> None:
    def release(version: str, text: str) -> Repository:
        files = (
            make_pack(version=version, files={"README.md": text})
            if is_pack
            else {"agents/one.md": agent_text("one", text)}
        )
        return far.commit(files).tag(f"v{version}")

    far = Repository(tmp_path / "far")
    release("1.0.0", "first")
    agentpack("install", f"git+{far.address}")
    release("1.0.0", "moved")
    agentpack("upgrade", expect=5)
    release("1.1.0", "newer")
    agentpack("upgrade", "--check", expect=1)
    before = tree(project)
    [pack] = {"data-reviewer", "far"} & {row["name"] for row in json.loads(before["agentpack.lock"])["packs"]}
    agentpack("sync", "--frozen")
    assert tree(project) == before
    agentpack("install", f"{pack}<1.1")
    agentpack("upgrade", expect=5)
    agentpack("rollback")
    upgraded = agentpack("upgrade", "--yes")
    assert "note: the tag `v1.0.0`" in upgraded.err
    row = locked(project, pack)
    assert (row["version"], row["commit"]) == ("1.1.0", far.head)


def test_status_tells_tag_ref_and_what_is_newer_without_a_question(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    far = Repository(tmp_path / "tagged").commit(make_pack(version="1.0.0")).tag("data-reviewer--v1.0.0")
    agentpack("install", f"git+{kit.address}@main", f"git+{far.address}")
    old = far.head
    assert "newer  " not in agentpack("status").out
    for version in ("1.1.0", "1.2.0"):
        far.commit(make_pack(version=version)).tag(f"data-reviewer--v{version}")
    agentpack("upgrade", "--check", expect=1)
    far.folder.rename(tmp_path / "gone")
    told = agentpack("status", "--verbose").out
    assert f"tagged ({far.address}) at data-reviewer--v1.0.0, {old[:12]}" in told
    assert f"kit ({kit.address}) at `ref: main`, {kit.head[:12]}" in told
    assert "newer     1.2.0 (`agentpack upgrade`)" in told
    rows = {row["name"]: row for row in agentpack("status", "--json").envelope["data"]["packs"]}
    assert (rows[NAME]["tag"], rows[NAME]["ref"], rows[NAME]["in_range"]) == ("data-reviewer--v1.0.0", "", "1.2.0")
    assert (rows["kit"]["tag"], rows["kit"]["ref"], rows["kit"]["in_range"]) == ("", "main", None)


@pytest.mark.many
def test_a_moved_tag_stops_an_upgrade_also_where_the_history_has_the_release(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Only a folder of this machine is edited in place; from another machine it may be an attack."""
    far = Repository(tmp_path / "far").commit(make_pack(version="1.0.0")).tag("v1.0.0")
    agentpack("install", f"git+{far.address}")
    agentpack("bundle", "-o", "all.tar.gz")
    path = project / ".claude/agents/reviewer.md"
    path.unlink()
    agentpack("sync", "--locked", "--source", "all.tar.gz")
    far.commit(make_pack(version="1.0.0", files={"README.md": "Other."})).tag("v1.0.0")
    before = tree(project)
    assert "v1.0.0" in agentpack("upgrade", expect=5).err
    assert tree(project) == before


@pytest.mark.parametrize("kind", ["collection", "branch", "pack", "plugin"])
def test_status_remembers_the_state_that_a_check_found_in_a_repository_without_tags(
    agentpack: Agentpack, project: Path, tmp_path: Path, hub: Path, kind: str
) -> None:
    pack = {"pack": NAME}.get(kind, "kit")
    text = {f"agents/{name}.md": agent_text(name, f"- Be {name}.") for name in ("one", "two")}
    old, new = dict[str, Any](make_pack(version="1.0.0")), dict[str, Any](make_pack(version="1.1.0"))
    other: dict[str, Any] = {}
    if kind != "pack":
        old, new = text, {"agents/one.md": agent_text("one", "- Be the first.")}
        other = {"README.md": "Two agents."} if kind == "plugin" else {"agents/two.md": agent_text("two", "- Be new.")}
    far = Repository(hub / "kit").commit(old)
    address = f"git+https://git.example.com/kit{'@main' if kind == 'branch' else ''}"
    if kind == "plugin":
        market(hub, kit={"source": "url", "url": "https://git.example.com/kit"}).tag("v1.0.0")
        address = "git+https://git.example.com/market"
    words = {"pack": [address], "plugin": ["kit", "--source", address]}.get(kind, [address, "--only", "one"])
    agentpack("install", *words)

    def told() -> tuple[Any, Any, bool]:
        rows = agentpack("status", "--json").envelope["data"]["packs"]
        (row,) = (row for row in rows if row["name"] == pack)
        return row["in_range"], row["newest"], row["looked"]

    assert told() == (None, None, True)
    if other:
        far.commit(other)
        agentpack("upgrade", "--check")
        assert told() == (None, None, True)
    far.commit(new)
    assert told() == (None, None, True)
    checked = agentpack("upgrade", "--check", expect=1)
    hub.rename(tmp_path / "gone")
    (newer,) = re.findall(r" -> (\S+)", checked.out + checked.err)
    assert told() == (newer, newer, True)
    assert f"newer     {newer} (`agentpack upgrade`)" in agentpack("status").out
    (tmp_path / "gone").rename(hub)
    agentpack("upgrade", "--yes")
    assert told() == (None, None, True)
    for mirror in mirrors():
        (mirror / "references").unlink(missing_ok=True)
    assert told() == (None, None, False)


def test_the_first_tag_of_a_repository_is_told_by_status_once_it_was_seen(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    agentpack("install", f"git+{kit.address}")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v1.0.0")
    agentpack("upgrade", "--check", expect=1)
    kit.folder.rename(tmp_path / "gone")
    assert "newer     1.0.0 (`agentpack upgrade`)" in agentpack("status").out


def test_status_says_when_a_repository_was_last_asked_or_how_to_ask_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    far = Repository(tmp_path / "tagged").commit(make_pack(version="1.0.0")).tag("v1.0.0")
    agentpack("install", f"git+{far.address}")
    (told,) = mirrors()[0].glob("references")
    os.utime(told, (0, 1796083200))
    look = "(`agentpack upgrade --check` looks for newer releases)"
    asked = f"(last asked: {in_local_time('2026-12-01T00:00:00Z')}; `agentpack upgrade --check` asks again)"
    out = agentpack("status", "--verbose").out
    assert asked in out
    assert look not in out
    (row,) = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["looked"], row["asked"], row["newest"]) == (True, "2026-12-01T00:00:00Z", None)
    agentpack("upgrade", "--check")
    assert asked not in agentpack("status", "--verbose").out
    told.unlink()
    out = agentpack("status", "--verbose").out
    assert look in out
    assert "last asked" not in out
    (row,) = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["looked"], row["asked"], row["newest"]) == (False, None, None)


def test_status_answers_where_the_manifest_no_longer_has_the_repository_of_a_pack(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    far = Repository(tmp_path / "far").commit(make_pack(version="1.0.0")).tag("v1.0.0")
    agentpack("install", f"git+{far.address}")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().partition("sources:")[0] + "sources: []\npacks: [data-reviewer]\n")
    (row,) = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["source"], row["address"], row["commit"]) == ("far", "", far.head)
    assert (row["tag"], row["tag_moved"], row["looked"], row["asked"]) == ("", False, False, None)


def test_status_says_in_which_repository_a_plugin_is(agentpack: Agentpack, project: Path, hub: Path) -> None:
    one = plugin(hub, "one")
    market(hub, one={"source": "url", "url": "https://git.example.com/one"}, here="./here")
    agentpack("install", "git+https://git.example.com/market", "--all")
    told = agentpack("status", "--verbose").out
    assert f"market (https://git.example.com/market), in https://git.example.com/one at {one.head[:12]}" in told
    [row] = [row for row in agentpack("status", "--json").envelope["data"]["packs"] if row["name"] == "one"]
    assert row["repository"] == "https://git.example.com/one"
    asked = {row["name"]: row["asked"] for row in agentpack("status", "--json").envelope["data"]["packs"]}
    assert (asked["one"], asked["here"] is None) == (None, False)  # it is the marketplace that was asked


def test_show_lists_the_releases_of_an_installed_pack(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    far = Repository(tmp_path / "far").commit(make_pack(version="1.0.0")).tag("v1.0.0")
    kit.tag("v1.0.0")
    agentpack("install", f"git+{far.address}", f"git+{kit.address}")
    far.commit(make_pack(version="1.1.0")).tag("v1.1.0")
    kit.commit({"agents/one.md": agent_text("one", "Other.")}).tag("v1.1.0")
    for pack in (NAME, "kit"):
        assert "1.1.0, 1.0.0 (locked here)" in agentpack("show", pack).out
        offline = agentpack("show", pack, "--offline")
        assert "versions  1.0.0 (locked here)" in offline.out
        assert "`--offline` or AGENTPACK_OFFLINE is set" in offline.err


def test_every_command_takes_the_releases_that_show_lists(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    kit = Repository(tmp_path / "kit")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        kit.commit({"agents/one.md": agent_text("one", f"- Work as of {version}.")}).tag(f"v{version}")
    agentpack("install", f"git+{kit.address}")
    assert "versions  1.2.0 (locked here), 1.1.0, 1.0.0" in agentpack("show", "kit").out
    assert "kit 1.1.0\n" in agentpack("show", "kit==1.1.0").out
    assert "as of 1.1.0" in agentpack("render", "kit==1.1.0").out
    assert agentpack("show", "kit", "--changes", "1.0.0", "1.1.0").out == "kit 1.0.0 -> 1.1.0  (+1 -1 lines, 1 rule)\n"
    assert "1.2.0, 1.1.0, 1.0.0" in agentpack("show", "kit", "--changes", "1.0.0", "3.0.0", expect=4).err
    for words in (("--from", "kit==1.0.0", "--to", "kit==1.2.0"), ("--from", "kit==1.0.0"), ("--to", "kit==1.0.0")):
        told = agentpack("diff", *words, expect=1).out
        assert "as of 1.0.0" in told.replace("[-", "").replace("-]", "").replace("{+", "").replace("+}", "")
    assert "1.2.0, 1.1.0 and 1.0.0" in agentpack("install", "kit==3", expect=4).err
    agentpack("install", "kit==1.0.0")
    assert (locked(project)["version"], installed(project, "one").count("1.0.0")) == ("1.0.0", 1)
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("kit==1.0.0", "kit==1.1.0"))
    agentpack("sync")
    assert (locked(project)["version"], installed(project, "one").count("1.1.0")) == ("1.1.0", 1)


def test_a_version_that_a_ref_leaves_out_is_installed_without_the_ref(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    kit.tag("v1.0.0")
    for version in ("1.1.0", "2.0.0"):
        rework(kit, "one", "- Work", f"- As of {version}, work").tag(f"v{version}")
    agentpack("install", f"git+{kit.address}@v1.0.0")
    manifest = project / "agentpack.yaml"
    agentpack("install", "kit>=1,<3")
    assert locked(project)["version"] == "1.0.0"
    assert 'ref: "v1.0.0"' in manifest.read_text()
    assert "there are 2.0.0, 1.1.0 and 1.0.0" in agentpack("install", "kit==9", expect=4).err
    told = agentpack("install", "kit@1.1.0").err
    assert "note: the source `kit` no longer has a `ref:`, for all its packs" in told
    assert "ref:" not in manifest.read_text()
    assert "kit==1.1.0" in manifest.read_text()
    assert locked(project)["version"] == "1.1.0"
    agentpack("upgrade")
    assert locked(project)["version"] == "1.1.0"
    agentpack("install", f"git+{kit.address}@main")
    told = '`ref: main` of the source `kit` holds it; `agentpack install "kit@latest"` removes that'
    assert told in agentpack("install", "kit==2.0.0", expect=4).err


def test_of_several_packs_the_one_that_a_ref_holds_is_told(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path
) -> None:
    kit.tag("v1.0.0")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v2.0.0")
    first = Repository(tmp_path / "first").commit({"agents/first.md": agent_text("first", "Work.")}).tag("v3.0.0")
    publish(tmp_path / "packs", make_pack(version="1.0.0"), make_pack(version="2.0.0"))
    agentpack("install", "data-reviewer<2", "--source", str(tmp_path / "packs"), "--client", "claude")
    agentpack("install", f"git+{first.address}@v3.0.0")
    agentpack("install", f"git+{kit.address}@v1.0.0")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("require: kit", "require: kit==2.0.0"))
    for words in (("sync",), ("lock",)):
        assert agentpack(*words, expect=4).err == (
            f"project {project}\nerror: no release of `kit` matches `==2.0.0`\n  there is only 1.0.0\n"
            'hint: `ref: v1.0.0` of the source `kit` holds it; `agentpack install "kit@latest"` removes that\n'
        )


def test_a_tag_that_was_withdrawn_is_told(
    agentpack: Agentpack, project: Path, kit: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.tag("v1.0.0")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v1.1.0")
    agentpack("install", f"git+{kit.address}")
    kit.git("tag", "--delete", "v1.1.0")
    clone = write_tree(project.parent / "clone", {".git/HEAD": ""})
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(project / name, clone)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("XDG_CACHE_HOME", str(project.parent / "empty"))
        elsewhere.setenv("AGENTPACK_TRUSTED_PLACES", str(kit.folder))
        told = agentpack("sync", "--frozen", cwd=clone, expect=5).err
    assert f"no tag of {kit.address} gives kit 1.1.0 to the locked commit" in told
    assert "the tag was deleted or renamed, or the lock was edited" in told
    assert "kit 1.1.0 is no longer among the tags of `kit`" in agentpack("upgrade", "--yes").err
    assert locked(project)["version"] == "1.0.0"
    kit.git("tag", "--delete", "v1.0.0")
    told = "note: `kit` no longer has a release of kit; 1.0.0 was one"
    assert told in agentpack("upgrade", "--check", expect=1).err
    assert told in agentpack("upgrade", "--yes").err
    assert "no longer has" not in agentpack("upgrade").err


def test_a_collection_whose_repository_becomes_a_pack_is_upgraded_to_it(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    kit.tag("v1.0.0")
    agentpack("install", f"git+{kit.address}")
    kit.git("tag", "--delete", "v1.0.0")
    kit.git("rm", "-r", "--quiet", "agents")
    kit.commit(make_pack("kit", "1.1.0")).tag("v1.1.0")
    told = agentpack("upgrade", "--yes").err
    assert "kit 1.0.0 -> 1.1.0\n" in told
    assert "no longer" not in told
    assert "agents" not in locked(project)
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["reviewer.md"]


def test_the_name_of_a_pack_is_no_agent(agentpack: Agentpack, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far")
    far.commit({f"{n}/{path}": data for n in (NAME, "other") for path, data in make_pack(n).items()})
    refused = agentpack("install", f"git+{far.address}", "--only", NAME, expect=4)
    assert f"`agentpack install {NAME} --source git+{far.address}`" in refused.err


def test_a_direct_reference_names_its_place(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far")
    far.commit({f"packs/x/{path}": data for path, data in make_pack(version="1.0.0").items()}).tag(f"{NAME}-v1.0.0")
    agentpack("install", f"{NAME} @ git+{far.address}@{NAME}-v1.0.0#subdirectory=packs/x")
    text = (project / "agentpack.yaml").read_text()
    assert f'ref: "{NAME}-v1.0.0", subdirectory: "packs/x"' in text
    assert "source: far" in text
    refused = agentpack("install", f"{NAME}s @ git+{far.address}", expect=4)
    assert f"error: {far.address} has no pack `{NAME}s`\n  it has {NAME}\nhint: did you mean" in refused.err


def test_git_rewrites_addresses_as_the_user_has_told_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository(tmp_path / "hub/acme/agents").commit({"agents/one.md": agent_text("one", "Work.")})
    write_tree(tmp_path, {".gitconfig": ""})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    (tmp_path / ".gitconfig").write_text(f'[url "file://{tmp_path}/hub/"]\n\tinsteadOf = https://github.com/\n')
    agentpack("install", "github:acme/agents", "--only", "one")
    text = (project / "agentpack.yaml").read_text()
    assert '{name: acme, git: "github:acme/agents"}' in text
    assert "require: agents" in text


# How often the other machine is asked.


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each time that git opens a connection: its words."""
    real, log = shutil.which("git"), tmp_path / "asked"
    log.touch()
    program = write_tree(
        tmp_path / "bin",
        {"git": f'#!/bin/sh\ncase "$*" in *" ls-remote "*|*" fetch "*) echo "$*" >>{log};; esac\nexec {real} "$@"\n'},
    )
    (program / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{program}:{os.environ['PATH']}")
    return log


def words(log: Path) -> list[str]:
    """What was asked since the last call: `ls-remote` or `fetch`."""
    found = ["fetch" if " fetch " in line else "ls-remote" for line in log.read_text().splitlines()]
    log.write_text("")
    return found


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.campaign
def test_fifty_packs_of_one_repository_cost_one_question_and_two_fetches(
    agentpack: Agentpack, project: Path, tmp_path: Path, asked: Path, tagged: bool
) -> None:
    names = [f"pack-{number}" for number in range(50)]
    far = Repository(tmp_path / "far")
    for version in ("1.0.0", "1.1.0"):
        packs = {name: make_pack(name, version, personas={name: agent_text(name, version)}) for name in names}
        far.commit({f"{name}/{path}": data for name, files in packs.items() for path, data in files.items()})
        for name in names if tagged else ():
            far.tag(f"{name}--v{version}")
    agentpack("install", *names, "--source", f"git+{far.address}")
    assert words(asked) == ["ls-remote", "fetch", "fetch"]
    assert locked(project, "pack-7")["version"] == "1.1.0"
    agentpack("install", "python-engineer")
    assert words(asked) == ["ls-remote"]  # it stands before the packs that come with agentpack
    agentpack("sync")
    agentpack("sync", "--locked")
    agentpack("status")
    agentpack("diff")
    assert words(asked) == []
    agentpack("upgrade", "--check")
    assert words(asked) == ["ls-remote"]


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.campaign
def test_packs_released_one_after_another_cost_as_much(
    agentpack: Agentpack, project: Path, tmp_path: Path, asked: Path, tagged: bool
) -> None:
    def release(version: str) -> None:
        for name in names:
            files = make_pack(name, version, personas={name: agent_text(name, version)})
            far.commit({f"{name}/{path}": data for path, data in files.items()})
            if tagged:
                far.tag(f"{name}--v{version}")
            else:
                agentpack("install", name, "--source", f"git+{far.address}")

    names = [f"pack-{number}" for number in range(8)]
    far = Repository(tmp_path / "far")
    release("1.0.0")
    if tagged:
        agentpack("install", f"git+{far.address}", "--all")
        assert words(asked) == ["ls-remote", "fetch", "fetch"]
    assert len({locked(project, name)["commit"] for name in names}) == len(names)
    clone = write_tree(tmp_path / "clone", {".git/HEAD": ""})
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(project / name, clone)
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    words(asked)
    agentpack("sync", "--frozen", cwd=clone)
    history = [] if tagged else ["fetch"]
    assert words(asked) == ["ls-remote", *history, "fetch", "fetch"]
    assert tree(clone / ".claude") == tree(project / ".claude")
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    agentpack("show", f"git+{far.address}")
    assert len(words(asked)) <= 4  # the history of the branch is one more
    release("1.1.0")
    words(asked)
    agentpack("upgrade", "--yes")
    assert words(asked)[:3] == ["ls-remote", "fetch", "fetch"][: 3 if tagged else 1]
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    far.git("tag", "--delete", "pack-3--v1.1.0") if tagged else None
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    agentpack("sync", "--frozen")
    assert len(tree(project / ".claude")) == len(names)


def test_a_marketplace_of_many_plugins_costs_as_much(
    agentpack: Agentpack, project: Path, tmp_path: Path, asked: Path
) -> None:
    agents = {f"agent-{number}": f"You are number {number}." for number in range(60)}
    far = Repository(tmp_path / "market").commit(marketplace(agents, plugins=20))
    agentpack("install", f"git+{far.address}", "--all")
    assert words(asked) == ["ls-remote", "fetch", "fetch"]
    assert len(list((project / ".claude/agents").iterdir())) == 60


def test_a_range_that_holds_a_pack_back_costs_no_more(
    agentpack: Agentpack, project: Path, kit: Repository, asked: Path
) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0", "3.0.0"):
        rework(kit, "one", "- Work", f"- Work as of {version}, work").tag(f"v{version}")
    agentpack("install", "kit<2", "--source", f"git+{kit.address}")
    first = words(asked)
    assert locked(project)["version"] == "1.1.0"
    assert first.count("ls-remote") == 1
    shutil.rmtree(Path(os.environ["XDG_CACHE_HOME"], "agentpack"))
    agentpack("upgrade", "--check")
    assert words(asked) == ["ls-remote", "fetch", "fetch"]


def test_contents_that_no_pack_needs_are_not_fetched(agentpack: Agentpack, tmp_path: Path, kit: Repository) -> None:
    kit.commit({"assets/picture.bin": os.urandom(3_000_000)})
    agentpack("install", f"git+{kit.address}")
    cache = Path(os.environ["XDG_CACHE_HOME"], "agentpack/git")
    assert sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) < 100_000


# Repositories that mean harm.


def test_nothing_that_a_repository_holds_is_run(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    sign = tmp_path / "was-run"
    hook = f"#!/bin/sh\ntouch {sign}\n"
    other = Repository(tmp_path / "other").commit({"agents/three.md": agent_text("three", "Work.")})
    kit.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.address, "agents/sub")
    for name in ("post-checkout", "post-update", "reference-transaction", "pre-auto-gc"):
        write_tree(kit.folder / ".git/hooks", {name: hook})
        (kit.folder / ".git/hooks" / name).chmod(0o755)
    write_tree(tmp_path, {"monitor": hook})
    (tmp_path / "monitor").chmod(0o755)
    kit.git("config", "core.fsmonitor", str(tmp_path / "monitor"))
    kit.commit(
        {
            ".gitattributes": "*.md filter=harm\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = agents/sub\n\turl = {other.address}\n',
        }
    )
    sign.unlink(missing_ok=True)
    agentpack("install", f"git+{kit.address}")
    assert not sign.exists()
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["one.md", "two.md"]


def test_links_in_a_repository_count_only_within_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, kit: Repository
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text(agent_text("secret", "Nobody may see this."))
    (kit.folder / "agents/out.md").symlink_to(secret)
    (kit.folder / "agents/up.md").symlink_to("../../../secret.md")
    (kit.folder / "agents/alias.md").symlink_to("one.md")
    kit.commit()
    told = agentpack("install", f"git+{kit.address}").err
    assert "skipped `agents/out.md`: it is a link that leads out of the folder" in told
    assert "skipped `agents/up.md`" in told
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["one.md", "two.md"]
    assert not any(b"Nobody may see" in data for data in tree(project).values())
    far = Repository(tmp_path / "pack").commit(make_pack())
    (far.folder / "personas/extra.md").symlink_to(secret)
    far.commit()
    assert "is a link" in agentpack("install", NAME, "--source", f"git+{far.address}", expect=5).err


def test_the_variables_of_a_git_hook_do_not_lead_elsewhere(
    agentpack: Agentpack, project: Path, kit: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(project / ".git/index"))
    before = tree(project / ".git")
    agentpack("install", f"git+{kit.address}")
    assert tree(project / ".git") == before


def test_without_git_the_message_says_so(
    agentpack: Agentpack, kit: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = kit.address
    monkeypatch.setenv("PATH", "/nonexistent")
    refused = agentpack("install", f"git+{address}", expect=6)
    assert "`git` is not installed" in refused.err


def test_an_interrupted_fetch_leaves_no_half_mirror(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    agentpack("install", f"git+{kit.address}", "--only", "one")
    [mirror] = Path(os.environ["XDG_CACHE_HOME"], "agentpack/git").iterdir()
    write_tree(
        mirror,
        {"objects/pack/tmp_pack_x": "half", "fetch-0123456789ab/shallow.lock": "", "fetch-0123456789ab/config": "["},
    )
    rework(kit, "one", "- Work.", "- Work hard.")
    agentpack("upgrade", "--yes")
    assert "- Work hard." in installed(project, "one")


def test_two_commands_at_once_share_a_mirror(project: Path, kit: Repository, tmp_path: Path) -> None:
    folders = [Path(shutil.copytree(project, tmp_path / f"p{number}")) for number in range(3)]
    program = [os.sys.executable, "-m", "agentpack"]  # type: ignore[attr-defined]
    running = [
        subprocess.Popen([*program, "install", f"git+{kit.address}"], cwd=folder, stderr=subprocess.PIPE)
        for folder in folders
    ]
    ends = [(one.communicate()[1], one.returncode) for one in running]
    assert [code for _, code in ends] == [0, 0, 0], [told.decode() for told, code in ends if code]
    assert len({str(tree(folder / ".claude")) for folder in folders}) == 1


# Plugins in repositories of their own.


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of repositories that git takes for `https://git.example.com/`, and for GitHub."""
    folder = write_tree(tmp_path / "hub", {})
    lines = "".join(f"\tinsteadOf = {address}\n" for address in ("https://git.example.com/", "https://github.com/"))
    write_tree(tmp_path, {"gitconfig": f'[url "file://{folder}/"]\n{lines}'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return folder


def market(hub: Path, **sources: object) -> Repository:
    plugins = [
        {"name": name, "source": source, "description": f"The plugin {name}."} for name, source in sources.items()
    ]
    manifest = json.dumps({"name": "market", "owner": {"name": "Ada"}, "plugins": plugins})
    near = agent_text("near", "Work here.")
    return Repository(hub / "market").commit({".claude-plugin/marketplace.json": manifest, "here/agents/near.md": near})


def plugin(hub: Path, name: str, folder: str = "") -> Repository:
    return Repository(hub / name).commit({f"{folder}agents/{name}.md": agent_text(name, f"You are {name}.")})


def test_plugins_of_a_marketplace_may_be_in_repositories_of_their_own(
    agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = plugin(hub, "one"), plugin(hub, "two"), plugin(hub, "three", "deep/down/")
    pinned = two.head
    rework_two = agent_text("two", "Later work.")
    two.commit({"agents/two.md": rework_two})
    far = market(
        hub,
        here="./here",
        one={"source": "url", "url": "https://git.example.com/one"},
        two={"source": "url", "url": "https://git.example.com/two", "sha": pinned},
        three={"source": "git-subdir", "url": "https://git.example.com/three", "path": "deep/down"},
    )
    shown = agentpack("show", f"git+{far.address}").out
    assert "in https://git.example.com/three#subdirectory=deep/down" in shown
    agentpack("install", f"git+{far.address}", "--all")
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == [
        "near.md",
        "one.md",
        "three.md",
        "two.md",
    ]
    assert "You are two." in installed(project, "two")
    assert locked(project, "two")["commit"] == pinned
    assert locked(project, "one")["commit"] == one.head
    one.commit({"agents/one.md": agent_text("one", "Work harder.")})
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    agentpack("sync", "--frozen", cwd=clone)
    assert tree(clone / ".claude") == tree(project / ".claude")
    agentpack("upgrade", "--yes")
    assert "Work harder." in installed(project, "one")
    assert "You are two." in installed(project, "two")
    assert three.head == locked(project, "three")["commit"]


HOLDING = (("diff",), ("sync", "--check"), ("lock", "--check"), ("sync", "--locked"), ("sync", "--frozen"))


def changed_row(folder: Path, pack: str, **values: str) -> None:
    lock = json.loads((folder / "agentpack.lock").read_text())
    next(row for row in lock["packs"] if row["name"] == pack).update(values)
    (folder / "agentpack.lock").write_text(json.dumps(lock, indent=1) + "\n")


def test_a_repository_that_a_marketplace_here_does_not_name_passes_no_command(
    agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path
) -> None:
    plugin(hub, "one")
    entry = {"name": "one", "source": {"source": "url", "url": "https://git.example.com/one"}}
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": [entry]})})
    agentpack("install", "./market")
    for number, words in enumerate(HOLDING):
        clone = tmp_path / f"clone-{number}"
        shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
        changed_row(clone, "one", repository="https://git.example.com/evil")
        said = agentpack(*words, cwd=clone, expect=None)
        assert said.exit_code in (1, 3, 5), words
        assert "one is locked from https://git.example.com/evil, and `market` has it in" in said.out + said.err, words
    agentpack("diff")


def test_a_plugin_of_another_repository_that_is_locked_from_none_is_told_with_the_one_it_has(
    agentpack: Agentpack, project: Path, hub: Path
) -> None:
    plugin(hub, "one")
    entry = {"name": "one", "source": {"source": "url", "url": "https://git.example.com/one"}}
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": [entry]})})
    agentpack("install", "./market")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    [row] = lock["packs"]
    del row["repository"], row["commit"]
    path.write_text(json.dumps(lock | {"packs": [row | {"version": f"0.0.0+h{row['digest'][7:19]}"}]}))
    assert agentpack("sync", "--locked", expect=3).err == (
        f"project {project}\n"
        "error: agentpack.lock is out of date with agentpack.yaml\n"
        "  one is locked from no repository, and `market` has it in https://git.example.com/one\n"
        "hint: `agentpack lock` brings the lock up to date\n"
    )


def test_a_repository_that_a_marketplace_elsewhere_does_not_name_is_refused_once_it_is_asked(
    agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network nothing here tells what the marketplace says: a command that needs no text then goes by the
    digests of the row.
    """
    plugin(hub, "one")
    far = market(hub, one={"source": "url", "url": "https://git.example.com/one"})
    agentpack("install", "one", "--source", f"git+{far.address}")
    changed_row(project, "one", repository="https://git.example.com/evil")
    agentpack("diff", "--offline")
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    for words in (("sync", "--frozen"), ("sync", "--locked"), ("sync", "--check"), ("lock", "--check")):
        said = agentpack(*words, expect=None)
        assert said.exit_code == (1 if "--check" in words and "sync" in words else 5), words
        assert "one is locked from https://git.example.com/evil, where `market` does" in said.out + said.err, words


@pytest.mark.many
@pytest.mark.parametrize("version", ["9.9.9", "0.0.0+20261128100100.g0123456789ab"])
@pytest.mark.parametrize("tagged", [False, True])
def test_a_version_that_neither_a_tag_nor_a_manifest_gives_passes_no_command(
    agentpack: Agentpack,
    project: Path,
    kit: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    tagged: bool,
) -> None:
    """That of a commit is compared with the commit at once; any other one, when the pack is read: without a network
    nobody knows which tags there are.
    """
    if tagged:
        kit.tag("v1.0.0")
    agentpack("install", f"git+{kit.address}")
    honest = (project / "agentpack.lock").read_text()
    changed_row(project, "kit", version=version)
    agentpack("diff", expect=1 if "g" in version else 0)
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    for words in HOLDING[1:]:
        said = agentpack(*words, expect=None)
        assert said.exit_code in (1, 3, 5) and "kit" in said.out + said.err and version[:6] in said.err + said.out, (
            words
        )
    (project / "agentpack.lock").write_text(honest)
    agentpack("sync", "--frozen", "--offline")


def test_a_commit_that_another_project_fetched_is_not_believed_here(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    kit.git("switch", "--quiet", "--create", "dev")
    rework(kit, "one", "- Work", "- Serve another master")
    kit.git("switch", "--quiet", "main")
    near = tmp_path / "near"
    near.mkdir()
    agentpack("install", f"git+{kit.address}@dev", "--root", str(near))
    forge(project, near)
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    assert "is not in the history of the default branch" in agentpack("sync", "--frozen", expect=5).err
    assert not (project / ".claude").exists()


@pytest.mark.many
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"source": "npm", "package": "@acme/agents"}, "npm packages are not supported"),
        ({"source": "url", "url": "file:///etc"}, "neither an https nor an ssh address"),
        ({"source": "url", "url": "http://git.example.com/one"}, "neither an https nor an ssh address"),
        ({"source": "url", "url": "ext::sh -c touch% x"}, "neither an https nor an ssh address"),
        (
            {"source": "url", "url": "https://git.example.com/one", "ref": "--upload-pack=x"},
            "is not the name of a branch",
        ),
        ({"source": "git-subdir", "url": "https://git.example.com/one", "path": "../.."}, "leads out of the folder"),
        ("../outside", "leads out of the folder"),
    ],
)
def test_an_entry_that_leads_where_it_may_not_is_left_out_by_name(
    agentpack: Agentpack, project: Path, hub: Path, source: object, words: str
) -> None:
    far = market(hub, bad=source, here="./here")
    told = agentpack("install", f"git+{far.address}", "--all").err
    assert "skipped plugin `bad`" in told
    assert words in told
    assert [path.name for path in (project / ".claude/agents").iterdir()] == ["near.md"]


def test_only_the_plugins_that_are_asked_for_are_fetched(
    agentpack: Agentpack, project: Path, hub: Path, asked: Path
) -> None:
    for name in ("one", "two"):
        plugin(hub, name)
    far = market(
        hub,
        here="./here",
        **{name: {"source": "url", "url": f"https://git.example.com/{name}"} for name in ("one", "two")},
    )
    agentpack("show", f"git+{far.address}")
    agentpack("install", "here", "--source", f"git+{far.address}")
    agentpack("install", f"git+{far.address}", "--only", "near")
    assert "example.com" not in asked.read_text()
    agentpack("install", "one", "--source", f"git+{far.address}")
    assert "example.com/one" in asked.read_text()
    assert "example.com/two" not in asked.read_text()
    refused = agentpack("install", f"git+{far.address}", "--only", "third", expect=4)
    assert "its 2 plugins in other repositories were not searched" in refused.err
    refused = agentpack("install", f"git+{far.address}", "--only", "two", expect=4)
    assert f"`agentpack install two --source git+{far.address}`" in refused.err


# Where a fresh user got stuck.


@pytest.mark.many
@pytest.mark.parametrize("kind", ["repository", "folder", "archive"])
def test_a_plugin_whose_repository_is_gone_stops_no_other(
    agentpack: Agentpack, project: Path, hub: Path, tmp_path: Path, kind: str
) -> None:
    plugin(hub, "one")
    places = {name: {"source": "url", "url": f"https://git.example.com/{name}"} for name in ("one", "two")}
    far = market(hub, here="./here", **places)
    ways = {"repository": f"git+{far.address}", "folder": "../market", "archive": "../market.tar.gz"}
    far.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "market"))
    far.git("archive", "--output", str(tmp_path / "market.tar.gz"), "HEAD")
    place = ways[kind]
    told = agentpack("install", place, "--all").err
    assert "note: skipped `two`: the plugin `two` of `market` is in another repository" in told
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["near.md", "one.md"]
    refused = agentpack("install", "two", "--source", place, expect=6)
    assert "the plugin `two` of `market` is in another repository" in refused.err


def test_of_many_plugins_whose_repositories_are_gone_a_few_are_named(agentpack: Agentpack, hub: Path) -> None:
    places = {f"p{number}": {"source": "url", "url": f"https://git.example.com/p{number}"} for number in range(8)}
    told = agentpack("install", f"git+{market(hub, here='./here', **places).address}", "--all").err
    assert told.count("skipped plugin") + told.count("skipped `") == 5
    assert "note: skipped 3 more plugins: their repositories cannot be read\n" in told


def test_a_hint_names_a_repository_as_one_types_it(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    agents = {f"agent-{number}": "You are one." for number in range(4)}
    far = Repository(tmp_path / "market").commit(marketplace(agents, plugins=4))
    agentpack("install", "kit-0", "kit-1", "kit-2", "--source", f"git+{far.address}")
    told = agentpack("upgrade").err
    assert f"kit-3 (1 agent); `agentpack install kit-3 --source git+{far.address}` installs it" in told


def test_a_pack_of_another_source_takes_the_place_of_one_with_its_name(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    for name, version in (("first", "1.0.0"), ("second", "3.0.0")):
        Repository(tmp_path / name).commit(make_pack(version=version))
    agentpack("install", NAME, "--source", f"git+file://{tmp_path}/first")
    assert locked(project, NAME)["source"] == "first"
    agentpack("install", NAME, "--source", f"git+file://{tmp_path}/second")
    assert (locked(project, NAME)["source"], locked(project, NAME)["version"]) == ("second", "3.0.0")


def test_a_lock_leaves_a_commit_that_a_rewritten_history_no_longer_has(
    agentpack: Agentpack, project: Path, kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agentpack("install", f"git+{kit.address}")
    kit.git("commit", "--quiet", "--amend", "--message", "The same files, another commit")
    agentpack("upgrade", "--yes")
    assert locked(project)["commit"] == kit.head
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", ".claude"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    agentpack("sync", "--frozen", cwd=clone)
    assert tree(clone / ".claude") == tree(project / ".claude")


def test_a_check_that_could_not_ask_does_not_say_that_all_is_new(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    agentpack("install", f"git+{kit.address}")
    kit.folder.rename(kit.folder.with_name("gone"))
    refused = agentpack("upgrade", "--check", expect=6)
    assert "some sources could not be reached" in refused.err
    assert "kit: the source `kit` at" in refused.err
    agentpack("upgrade")


# Small repositories that cost much.


def test_trees_that_hold_each_other_end_at_a_bound(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand million folders without a file in them."""
    monkeypatch.setattr("agentpack.remote.git.MAX_ANSWER_BYTES", 1024 * 1024)
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "2")
    far = Repository(tmp_path / "far")
    top = far.git_in("", "mktree")
    for _ in range(10):
        top = far.git_in("".join(f"040000 tree {top}\td{number}\n" for number in range(10)), "mktree")
    far.git("update-ref", "refs/heads/main", far.git("commit-tree", top, "-m", "Many"))
    assert "answers with more than" in agentpack("install", f"git+{far.address}", expect=5).err


@pytest.mark.parametrize("times", [100_000, 2_000_000])
def test_a_link_as_long_as_a_file_leads_nowhere(agentpack: Agentpack, tmp_path: Path, times: int) -> None:
    """A thousand of them, each followed, cost minutes."""
    far = Repository(tmp_path / "far").commit({"agents/one.md": agent_text("one", "You are one.")})
    one, long = far.git("rev-parse", "HEAD:agents/one.md"), far.git_in("a/../" * times + "one.md", *HASH)
    links = "".join(f"120000 blob {long}\tl{number}.md\n" for number in range(2))
    agents = far.git_in(f"100644 blob {one}\tone.md\n{links}", "mktree")
    top = far.git_in(f"040000 tree {agents}\tagents\n", "mktree")
    far.git("update-ref", "refs/heads/main", far.git("commit-tree", top, "-m", "Links"))
    said = agentpack("install", f"git+{far.address}")
    assert "skipped `agents/l0.md`" in said.err


def test_agents_that_only_a_manifest_names_cost_few_fetches(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"docs/a{number:02}.md" for number in range(40)]
    plugin = {"name": "kit", "version": "1.0.0", "agents": [f"./{name}" for name in names]}
    files = {name: agent_text(name[5:-3], f"You are {name}.") for name in names}
    far = Repository(tmp_path / "far").commit(
        {**files, "agents/x.md": agent_text("xx", "You."), ".claude-plugin/plugin.json": json.dumps(plugin)}
    )
    log = tmp_path / "log"
    monkeypatch.setenv("GIT_TRACE", str(log))
    agentpack("install", f"git+{far.address}")
    assert log.read_text().count(" fetch --quiet") < 10


def test_more_than_one_command_may_read_is_refused(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kit: Repository
) -> None:
    monkeypatch.setattr("agentpack.remote.git.MAX_CONTENT_BYTES", 100)
    assert "of packs and agents" in agentpack("install", f"git+{kit.address}", expect=5).err


def test_a_commit_of_a_year_that_no_calendar_has(agentpack: Agentpack, kit: Repository) -> None:
    text = kit.git("cat-file", "commit", "HEAD")
    late = re.sub(r"(committer .*> )\d+", r"\g<1>9223372036854775807", text)
    commit = kit.git_in(late + "\n", "hash-object", "-t", "commit", "-w", "--literally", "--stdin")
    kit.git("update-ref", "refs/heads/main", commit)
    assert "kit 0.0.0+99991231235959.g" in agentpack("install", f"git+{kit.address}").err


def mirrors() -> list[Path]:
    return [*Path(os.environ["XDG_CACHE_HOME"]).glob("agentpack/git/*.git")]


def test_a_name_is_read_to_its_end(agentpack: Agentpack, kit: Repository) -> None:
    kit.git("tag", "kit--v2.0.0\u2028-draft")
    assert "kit 0.0.0+" in agentpack("install", f"git+{kit.address}").err


@pytest.mark.parametrize("words", [("--offline",), ()])
def test_a_mirror_that_others_may_write_is_not_read(
    agentpack: Agentpack, project: Path, kit: Repository, words: tuple[str, ...]
) -> None:
    agentpack("install", f"git+{kit.address}")
    mirrors()[0].chmod(0o777)
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / ".claude")
    assert "written by another user" in agentpack("sync", "--frozen", *words, expect=6).err


def test_nor_is_a_note_in_it_believed(tmp_path: Path) -> None:
    mirror = Mirror(Remote(str(tmp_path), {}), "packs", "https://example.com/kit")
    mirror.note("version", "1.0.0")
    assert mirror.has_noted("version", "1.0.0")
    Path(mirror.folder).chmod(0o777)
    with pytest.raises(Unavailable, match="written by another user"):
        mirror.has_noted("version", "1.0.0")


def test_settings_in_a_mirror_change_nothing(agentpack: Agentpack, project: Path, kit: Repository) -> None:
    agentpack("install", f"git+{kit.address}")
    (mirror,) = mirrors()
    for path in mirror.rglob("config"):
        with path.open("a") as file:
            file.write('[url "file:///nowhere/"]\n\tinsteadOf = file:///\n')
    rework(kit, "one", "- Work", "- Work hard")
    agentpack("upgrade", "--yes")
    assert "- Work hard." in installed(project, "one")


@pytest.mark.parametrize("ref", ["", "@" + "1" * 40])
def test_a_wrong_address_leaves_nothing_in_the_cache(
    agentpack: Agentpack, kit: Repository, tmp_path: Path, ref: str
) -> None:
    agentpack("install", f"git+file://{tmp_path}/far/kti{ref}", expect=6)
    assert "kti" not in agentpack("cache", "list", "--verbose").out
    agentpack("show", f"git+{kit.address}")
    assert kit.address in agentpack("cache", "list", "--verbose").out


def test_a_damaged_mirror_is_not_taken_for_a_repository_without_agents(
    agentpack: Agentpack, tmp_path: Path, project: Path, home: Path
) -> None:
    far = Repository(tmp_path / "far").commit(
        {f"agents/{name}.md": agent_text(name, "Look.") for name in ("one", "two")}
    )
    agentpack("install", f"git+{far.address}")
    before = tree(project)
    for pack in (home / ".cache/agentpack/git").glob("*.git/objects/pack/*.pack"):
        pack.unlink()
        pack.mkdir()
    shutil.rmtree(project / ".agentpack/state")
    (project / ".claude/agents/one.md").unlink()
    for words in ("sync", "sync --frozen", "upgrade --yes", "lock --upgrade", "install far --only one"):
        ran = agentpack(*words.split(), expect=0 if "upgrade" in words else 6)
        assert "mirror" in ran.err, (words, ran.err)
        assert "history was rewritten" not in ran.err
    assert tree(project) == {path: text for path, text in before.items() if path != ".claude/agents/one.md"}


def test_a_plugin_whose_repository_has_not_what_is_named_stops_no_other(
    agentpack: Agentpack, project: Path, hub: Path
) -> None:
    head = plugin(hub, "one").head[:12]
    Repository(hub / "bare").commit({"README.md": "Nothing yet.\n"})
    address = "https://git.example.com"
    far = market(
        hub,
        here="./here",
        deep={"source": "git-subdir", "url": f"{address}/one", "path": "deep"},
        later={"source": "url", "url": f"{address}/one", "ref": "later"},
        bare={"source": "url", "url": f"{address}/bare"},
    )
    told = agentpack("install", f"git+{far.address}", "--all").err
    assert [line for line in told.splitlines() if line.startswith("note: skipped")] == [
        f"note: skipped `deep`: {address}/one has no folder `deep` at {head}",
        f"note: skipped `later`: {address}/one has no branch or tag `later`",
        f"note: skipped `bare`: the plugin `bare` has no agents: {address}/bare has none",
    ]
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["near.md"]


def test_a_direct_reference_to_a_collection_tells_what_packs_it_has(agentpack: Agentpack, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit(marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    refused = agentpack("install", f"kit-2 @ git+{far.address}", expect=4).err
    assert refused.partition("\n")[2] == (
        f"error: {far.address} has no pack `kit-2`\n  it has kit-0, kit-1\nhint: did you mean `kit-1` or `kit-0`?\n"
    )


def test_a_direct_reference_takes_one_pack_of_a_collection(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit(marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    agentpack("install", f"kit-1 @ git+{far.address}")
    assert os.listdir(project / ".claude/agents") == ["two.md"]
    assert (
        (project / "agentpack.yaml")
        .read_text()
        .endswith(f'sources:\n  - {{name: far, git: "{far.address}"}}\npacks:\n  - require: kit-1\n    source: far\n')
    )


def test_asking_for_the_newest_removes_the_ref_of_the_source_that_the_manifest_names(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        far = Repository(tmp_path / name)
        for version in ("1.0.0", "1.1.0"):
            far.commit(make_pack(version=version)).tag(f"v{version}")
    addresses = [f"git+{Repository(tmp_path / name).address}@v1.0.0" for name in ("first", "second")]
    agentpack("install", NAME, "--source", addresses[0])
    agentpack("source", "add", "second", addresses[1])
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace(f"- {NAME}", f"- {{require: {NAME}, source: second}}"))
    told = agentpack("install", f"{NAME}@latest").err
    assert "the source `second` no longer has a `ref:`" in told
    assert "the source `first` no longer has" not in told
    assert (locked(project, NAME)["source"], locked(project, NAME)["version"]) == ("second", "1.1.0")


def test_an_agent_file_that_its_place_has_is_known_though_another_one_is_older(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    """A clone whose files git does not track, so that nothing else says whose they are."""
    agentpack("install", f"git+{kit.address}", "--client", "claude")
    write_tree(project, {".gitignore": ".claude/\n"})
    for words in (["add", "--all"], ["commit", "--quiet", "--message=x"]):
        subprocess.run(["git", *words], cwd=project, check=True, capture_output=True)
    rework(kit, "one", "- Work.", "- Work hard.")
    shutil.rmtree(project / ".agentpack/state")
    (project / ".claude/agents/one.md").unlink()
    agentpack("upgrade", "--check", expect=None)  # asks the repository
    agentpack("uninstall", "kit")
    assert not (project / ".claude/agents/two.md").exists()


@pytest.mark.parametrize(
    ("place", "as_typed"),
    [
        ("github:acme/kit", "github:acme/kit"),
        ("git+https://gitlab.com/acme/kit", "gitlab:acme/kit"),
        ("https://git.example.com/acme/kit.git", "https://git.example.com/acme/kit.git"),
        ("git+https://git.example.com/acme/kit", "git+https://git.example.com/acme/kit"),
        ("ssh://git@example.com/acme/kit", "ssh://git@example.com/acme/kit"),
        ("git@example.com:acme/kit", "git@example.com:acme/kit"),
        ("git+file:///srv/kit", "git+file:///srv/kit"),
        (f"https://example.com/kit-1.0.tar.gz#sha256={'0' * 64}", "https://example.com/kit-1.0.tar.gz"),
        ("./kit", "../kit"),
        ("kit-1.0.zip", "../kit-1.0.zip"),
    ],
)
def test_hints_write_a_place_as_one_types_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, place: str, as_typed: str
) -> None:
    write_tree(project, {"kit/agents/one.md": agent_text("one", "Work."), "kit-1.0.zip": "", "sub/x": ""})
    monkeypatch.chdir(project)
    workspace = Workspace(Environment.current(), project_scope(str(project), ""))
    source = open_place(workspace, place)
    assert typed(source, str(project / "sub")) == as_typed


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("./kit", "ours"),
        ("other/../kit/", "ours"),
        ("./other", "other"),
        ("github:acme/kit", "plain"),
        ("git+https://github.com/acme/kit.git@v1.0.0", "plain"),
        ("github:acme/kit#subdirectory=deep", "deep"),
        ("github:acme/kit#subdirectory=deep/down", "kit"),
        ("github:acme/other", "other"),
        (f"https://example.com/kit-1.0.tar.gz#sha256={'0' * 64}", "kit"),
    ],
)
def test_a_place_has_the_name_of_the_source_that_is_there(
    project: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str
) -> None:
    sources = """\
  - {name: far, path: ./far}
  - {name: deep, git: "github:acme/kit", subdirectory: deep/}
  - {name: plain, git: "https://github.com/acme/kit.git", ref: v2.0.0}
  - {name: ours, path: ./kit}
"""
    folders = {f"{folder}/agents/one.md": agent_text("one", "Work.") for folder in ("kit", "far", "other")}
    write_tree(project, {"agentpack.yaml": f"schema: 1\nsources:\n{sources}", **folders})
    monkeypatch.chdir(project)
    workspace = Workspace(Environment.current(), project_scope(str(project), ""))
    assert open_place(workspace, place).name == name


def test_a_place_can_be_looked_at_beside_a_manifest_with_faults(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources: 7\n", "kit/agents/one.md": agent_text("one", "Work.")})
    monkeypatch.chdir(project)
    assert open_place(Workspace(Environment.current(), project_scope(str(project), "")), "kit/").name == "kit"


def test_a_ref_holds_back_no_preview_and_nothing_that_is_there(
    agentpack: Agentpack, project: Path, kit: Repository
) -> None:
    kit.tag("v1.0.0")
    rework(kit, "one", "- Work.", "- Work hard.").tag("v2.0.0rc1")
    agentpack("install", f"git+{kit.address}@v1.0.0")
    before = tree(project)
    assert agentpack("upgrade", "--yes").err == f"project {project}\nnothing to change\n"
    assert agentpack("upgrade", "--latest", "--yes").err == f"project {project}\nnothing to change\n"
    assert agentpack("upgrade", "kit", "--yes").err == (
        f"project {project}\n"
        'note: kit is held by `ref: v1.0.0` of the source `kit`; `agentpack install "kit@latest"` removes it\n'
        "nothing to change\n"
    )
    assert agentpack("show", "kit", "--json").envelope["data"]["held_back"] == ""
    assert "held back" not in agentpack("show", "kit").out
    assert "held back" not in agentpack("search", "kit").out
    assert tree(project) == before


# As a source.


def source_at(folder: Path, far: Repository, ref: str = "", subdirectory: str = "") -> GitSource:
    remote = Remote(str(folder / "cache"), dict(os.environ))
    return GitSource("far", GitPlace(far.address, ref, subdirectory), lambda: remote)


def test_a_release_is_no_state_and_a_state_is_no_release(tmp_path: Path, kit: Repository) -> None:
    packs = source_at(tmp_path, Repository(tmp_path / "packs").commit(make_pack()).tag("v1.0.0"))
    assert ([str(ref.version) for ref in packs.releases(PackName(NAME))], packs.states(PackName(NAME))) == (
        ["1.0.0"],
        [],
    )
    assert (packs.state_of(PackName(NAME)), packs.about(PackName(NAME))) == (None, None)
    agents = source_at(tmp_path, kit.tag("v1.0.0"))
    assert ([str(ref.version) for ref in agents.states(PackName("kit"))], agents.releases(PackName("kit"))) == (
        ["1.0.0"],
        [],
    )
    about = agents.about(PackName("kit"))
    assert about is not None
    assert (about.name, about.agents) == ("kit", ("agents/one.md", "agents/two.md"))
    for source in (packs, agents):
        assert (source.releases(PackName("other")), source.states(PackName("other"))) == ([], [])
        assert source.about(PackName("other")) is None


@pytest.mark.many
@pytest.mark.parametrize(
    ("ref", "tag", "version"),
    [
        ("", "", "0.0.0+20261128100100.g{head}"),
        ("main", "", "0.0.0+20261128100100.g{head}"),
        ("v2.0.0", "v2.0.0", "2.0.0"),
        ("kit--v3.0.0", "kit--v3.0.0", "3.0.0"),
        ("other--v4.0.0", "other--v4.0.0", "0.0.0+20261128100100.g{head}"),
        ("refs/tags/v2.0.0", "v2.0.0", "2.0.0"),
        ("latest-one", "latest-one", "0.0.0+20261128100100.g{head}"),
        ("commit", "commit", "0.0.0+20261128100100.g{head}"),
    ],
)
def test_a_state_has_the_tag_and_the_version_that_its_ref_names(
    tmp_path: Path, kit: Repository, ref: str, tag: str, version: str
) -> None:
    for name in ("v2.0.0", "kit--v3.0.0", "other--v4.0.0", "latest-one"):
        if ref.endswith(name):
            kit.tag(name)
    state = source_at(tmp_path, kit, ref.replace("commit", kit.head)).state_of(PackName("kit"))
    assert state is not None
    assert (state.tag, str(state.version)) == (tag.replace("commit", kit.head), version.format(head=kit.head[:12]))
    assert (state.commit, state.place) == (kit.head, f"{kit.address} at {kit.head[:12]}")


def test_what_is_newer_than_the_newest_tag_is_told_unless_a_ref_holds_the_place(tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit(make_pack()).tag("v1.0.0").commit(make_pack(version="1.1.0"))
    for ref, is_told in (("", True), ("main", False), ("v1.0.0", False), (far.head, False)):
        source = source_at(tmp_path, far, ref)
        assert source.unreleased(PackName(NAME)) == ""  # nothing was asked yet
        source.releases(PackName(NAME))
        assert bool(source.unreleased(PackName(NAME))) is is_told
    agents = {
        "plugin.json": json.dumps({"name": "kit", "version": "2.0.0"}),
        "agents/one.md": agent_text("one", "Work."),
    }
    kit = Repository(tmp_path / "kit").commit(agents).tag("v1.0.0")
    for ref, is_told in (("", True), ("v1.0.0", False)):
        source = source_at(tmp_path, kit, ref)
        assert [str(one.version) for one in source.states(PackName("kit"))] == ["1.0.0"]
        assert bool(source.unreleased(PackName("kit"))) is is_told


def test_of_a_plugin_elsewhere_the_marketplace_has_no_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = tmp_path / "hub"
    Repository(hub / "far").commit({"agents/one.md": agent_text("one", "Work.")}).tag("v1.0.0").commit()
    plugin = {"name": "far", "source": {"source": "url", "url": "https://git.example/far"}}
    listed = {".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": [plugin]})}
    market = Repository(hub / "market").commit(listed).tag("v1.0.0").commit()
    settings = write_tree(tmp_path, {"gitconfig": f'[url "file://{hub}/"]\n\tinsteadOf = https://git.example/\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings / "gitconfig"))
    source = source_at(tmp_path, market)
    state = source.state_of(PackName("far"))
    assert state is not None
    assert (state.repository, str(state.version)) == ("https://git.example/far", "1.0.0")
    assert (source.remark(PackName("far")), source.unreleased(PackName("far"))) == ("", "")
    assert source.unsigned(state) == "the tag `v1.0.0`: error: no signature found"
    assert list(source.read(state)) == ["agents/one.md"]
    assert source.released(state) == 1_795_860_060


@pytest.mark.many
@pytest.mark.parametrize(
    ("target", "is_agent"),
    [
        ("../lib/two.md", True),
        ("one.md", True),
        ("../lib/gone.md", False),
        ("../../lib/two.md", False),
        ("/lib/two.md", False),
        ("../lib", False),
    ],
)
def test_a_link_in_a_repository_counts_where_it_leads_to_a_file_of_it(
    tmp_path: Path, kit: Repository, target: str, is_agent: bool
) -> None:
    (kit.folder / "agents/three.md").symlink_to(target)
    kit.commit({"lib/two.md": agent_text("two", "Work.")})
    source = source_at(tmp_path, kit)
    state = source.state_of(PackName("kit"))
    assert state is not None
    files = source.read(state)
    assert sorted(files) == ["agents/one.md", *(["agents/three.md"] if is_agent else []), "agents/two.md"]
    if is_agent:
        assert files["agents/three.md"] == (kit.folder / "agents/three.md").read_bytes()
    told = "skipped `agents/three.md`: it is a link that leads out of the folder"
    assert source.collection.unread == (() if is_agent else (told,))


@pytest.mark.parametrize(
    ("place", "subdirectory", "name"),
    [
        ("https://git.example/kit", "", "kit"),
        ("https://git.example/in/Two_Kits.git/", "", "two-kits"),
        ("git@git.example:kit.git", "", "kit"),
        ("git@git.example:___", "", "agents"),
        ("https://git.example/kit", "Our Agents", "our-agents"),
        ("git@git.example:kit", "in/deep", "deep"),
    ],
)
def test_a_collection_is_called_after_its_folder_or_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, subdirectory: str, name: str
) -> None:
    start = re.match(r".*?\.example.", place)
    assert start is not None
    folder = f"{subdirectory}/" if subdirectory else ""
    far = Repository(tmp_path / "hub" / place.removeprefix(start[0]))
    far.commit({f"{folder}agents/one.md": agent_text("one", "Work.")})
    settings = write_tree(tmp_path, {"gitconfig": f'[url "file://{tmp_path}/hub/"]\n\tinsteadOf = {start[0]}\n'})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings / "gitconfig"))
    remote = Remote(str(tmp_path / "cache"), dict(os.environ))
    (pack,) = GitSource("far", GitPlace(place, "", subdirectory), lambda: remote).collection.packs
    assert (pack.name, pack.root, pack.agents) == (name, "", ("agents/one.md",))


def test_releases_in_folders_of_one_commit_are_listed_newest_first(tmp_path: Path) -> None:
    far = Repository(tmp_path / "far")
    for folder, version in (("a", "1.9.0"), ("b", "1.10.0"), ("c", "0.1.0"), ("d", "2.0.0rc1")):
        far.commit({f"{folder}/{path}": data for path, data in make_pack(version=version).items()})
    source = source_at(tmp_path, far)
    assert [
        (str(ref.version), ref.tag, ref.commit, ref.bare, ref.place) for ref in source.releases(PackName(NAME))
    ] == [
        (version, "", far.head, False, f"{far.address} at {far.head[:12]}")
        for version in ("2.0.0rc1", "1.10.0", "1.9.0", "0.1.0")
    ]
    for ref in source.releases(PackName(NAME)):
        assert f"version: {ref.version}".encode() in source.read(ref)["pack.yaml"]


def test_a_file_that_no_pack_may_hold_is_refused_from_a_repository_too(tmp_path: Path) -> None:
    for size, is_refused in ((MAX_FILE_BYTES, False), (MAX_FILE_BYTES + 1, True)):
        far = Repository(tmp_path / f"far-{size}").commit({**make_pack(), "notes/big.bin": bytes(size)})
        source = source_at(tmp_path, far)
        (ref,) = source.releases(PackName(NAME))
        if not is_refused:
            assert source.read(ref)["notes/big.bin"] == bytes(size)
            continue
        with pytest.raises(Refused) as refused:
            source.read(ref)
        assert refused.value.message == f"{far.address}: `notes/big.bin` is larger than 8 MiB"
    agents = Repository(tmp_path / "agents").commit({"agents/one.md": agent_text("one", "Work.")})
    agents.commit({"agents/big.md": agent_text("big", "Work.").encode() + bytes(MAX_FILE_BYTES)})
    assert [pack.agents for pack in source_at(tmp_path, agents).collection.packs] == [("agents/one.md",)]


def row_at(commit: str, **more: Any) -> LockedPack:
    row = LockedPack(PackName("kit"), "1.0.0", "far", digest_of(b""), (), (), {}, (), (), commit=commit)
    return row._replace(**more)


OTHER_COMMIT = "f" * 40


def test_a_locked_commit_is_the_release_unless_the_ref_is_another_one(tmp_path: Path, kit: Repository) -> None:
    release = ReleaseRef(PackName("kit"), Version("1.0.0"), "far", f"{kit.address} at {kit.head[:12]}", False, kit.head)
    for ref in ("", "main", "v1.0.0", kit.head):
        assert source_at(tmp_path, kit, ref).pinned(release.pack, row_at(kit.head)) == release
    bare = row_at(kit.head, agents=())
    assert source_at(tmp_path, kit).pinned(release.pack, bare) == release._replace(bare=True)
    assert source_at(tmp_path, kit).pinned(release.pack, row_at("")) is None
    assert source_at(tmp_path, kit, OTHER_COMMIT).pinned(release.pack, row_at(kit.head)) is None
    assert source_at(tmp_path, kit).pinned(release.pack, row_at(kit.head, repository="https://git.example/x")) is None
    remote = Remote(str(tmp_path / "cache"), dict(os.environ))
    plugin = GitSource("far", GitPlace(kit.address, OTHER_COMMIT, ""), lambda: remote, any_branch=True)
    assert plugin.pinned(release.pack, row_at(kit.head)) == release


def test_what_a_place_has_lost_is_a_commit_of_its_own_that_leads_to_no_tip(tmp_path: Path, kit: Repository) -> None:
    first = kit.head
    rework(kit, "one", "Work", "Work hard")
    kit.git("branch", "beside", first)
    kit.git("commit", "--quiet", "--allow-empty", "--amend", "--message", "Rewritten")
    lost = kit.git("rev-parse", "HEAD@{1}")
    for ref, commit, is_lost in (
        ("", first, False),
        ("", kit.head, False),
        ("", lost, True),
        ("beside", kit.head, True),
        (lost, lost, False),
        (kit.head, lost, True),
    ):
        assert source_at(tmp_path, kit, ref).has_lost(row_at(commit)) is is_lost, (ref, commit)
    for row in (row_at(""), row_at(lost, repository="https://git.example/x")):
        assert not source_at(tmp_path, kit).has_lost(row)
    kit.git("tag", "v1.0.0", lost)
    assert not source_at(tmp_path, kit).has_lost(row_at(lost))
    kit.git("checkout", "--quiet", "-b", "aside")
    aside = kit.commit().head
    kit.git("checkout", "--quiet", "main")
    assert source_at(tmp_path, kit).has_lost(row_at(aside))
    assert source_at(tmp_path, kit, "main").has_lost(row_at(aside))
    assert not source_at(tmp_path, kit, first).has_lost(row_at(aside))  # it may have named a branch before


def test_a_locked_commit_is_read_though_another_one_is_gone(tmp_path: Path, kit: Repository) -> None:
    row = row_at(kit.head, agents=(), version=f"0.0.0+20261128100100.g{kit.head[:12]}")
    source = source_at(tmp_path, kit)
    source.expect({}, [kit.head, OTHER_COMMIT])
    ref = source.pinned(PackName("kit"), row)
    assert ref is not None
    assert sorted(source.read(ref)) == ["agents/one.md", "agents/two.md"]


LAYOUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "whole": (("pack.yaml", "notes.txt", "in/a.md"), ()),
    "packs": (("kit/pack.yaml", "kit/in/x.txt", "x/y/pack.yaml"), ("kit.md", "agents/a.md", "README.md")),
    "agents": (("agents/a.md", "plugin.json", ".claude-plugin/marketplace.json"), ("docs/b.md", "x.json")),
    "documents": (("docs/b.md", "README.md", "apm.yml"), ("docs/x.txt", "a.toml")),
    "codex": ((".codex/agents/a.toml", "in/.codex/agents/deep/b.toml"), (".codex/config.toml", "c.md")),
}


def test_what_decides_what_a_place_offers_is_read_at_once(tmp_path: Path) -> None:
    files = {f"{name}/{path}": f"{name} {path}" for name, parts in LAYOUTS.items() for path in (*parts[0], *parts[1])}
    far = Repository(tmp_path / "far").commit(files)
    rows = (line.split(maxsplit=3) for line in far.git("ls-tree", "-r", "HEAD").splitlines())
    paths = {name: path for _, _, name, path in rows}
    mirror = Mirror(Remote(str(tmp_path / "cache"), dict(os.environ)), "far", far.address)
    mirror.bring([far.head])
    for name, (telling, _) in LAYOUTS.items():
        tree = GitTree(mirror, far.head, name, {})
        assert sorted(paths[one] for one in tree.telling) == sorted(f"{name}/{path}" for path in telling)


def test_how_far_the_branch_is_ahead_of_the_newest_tag_is_counted(tmp_path: Path, kit: Repository) -> None:
    assert source_at(tmp_path, kit).remark(PackName("kit")) == ""
    kit.tag("v1.0.0")
    words = "the default branch is {} ahead of the tag `v1.0.0`"
    for remark in ("", words.format("1 commit"), words.format("2 commits")):
        source = source_at(tmp_path, kit)
        assert (source.remark(PackName("kit")), source.remark(PackName("other"))) == (remark, "")
        kit.commit()


def test_a_release_of_the_year_1970_has_no_known_time(tmp_path: Path, kit: Repository) -> None:
    for time, released in ((0, None), (1, 1)):
        text = re.sub(r"(committer .*> )\d+", rf"\g<1>{time}", kit.git("cat-file", "commit", "HEAD"))
        commit = kit.git_in(text + "\n", "hash-object", "-t", "commit", "-w", "--stdin")
        kit.git("update-ref", "refs/heads/main", commit)
        source = source_at(tmp_path, kit)
        state = source.state_of(PackName("kit"))
        assert state is not None
        assert (source.released(state), str(state.version)) == (released, f"0.0.0+1970010100000{time}.g{commit[:12]}")


def test_a_release_is_signed_if_a_tag_of_its_commit_is(tmp_path: Path, kit: Repository) -> None:
    first = kit.head
    kit.git("tag", "v1.0.0")
    kit.commit().tag("v2.0.0").git("tag", "a-light-one")
    second = kit.head
    kit.commit()
    none, annotated = "it has no signature", "error: no signature found"
    for commit, tag, why in (
        (first, "v1.0.0", f"the tag `v1.0.0`: {none}"),
        (second, "v2.0.0", f"the tag `v2.0.0`: {annotated}"),
        (second, "", f"the tag `a-light-one`: {none}"),
        (second, second, f"the tag `a-light-one`: {none}"),
        (second, "v1.0.0", "its commit has no tag"),
        (kit.head, "", "its commit has no tag"),
    ):
        ref = ReleaseRef(PackName("kit"), Version("1.0.0"), "far", "there", True, commit, tag)
        assert source_at(tmp_path, kit).unsigned(ref) == why


@pytest.mark.parametrize(
    ("tag", "packs", "is_refused"),
    [
        ("v1.0.0", (NAME,), True),
        ("v1.0.0", (NAME, "other"), False),
        (f"{NAME}--v1.0.0", (NAME, "other"), True),
        ("other--v1.0.0", (NAME, "other"), False),
    ],
)
def test_a_tag_of_the_pack_that_names_another_commit_than_the_locked_one_was_moved(
    tmp_path: Path, tag: str, packs: tuple[str, ...], is_refused: bool
) -> None:
    files = {f"{name}/{path}": data for name in packs for path, data in make_pack(name).items()}
    far = Repository(tmp_path / "far").commit(files)
    first = far.head
    far.commit({"README.md": "More."}).tag(tag)
    source = source_at(tmp_path, far)
    ref = source.pinned(PackName(NAME), row_at(first))
    assert ref is not None
    if not is_refused:
        assert source.read(ref) == make_pack()
        return
    with pytest.raises(Refused, match=f"the tag `{tag}` .*was moved"):
        source.read(ref)


def test_what_was_heard_last_of_a_locked_release_is_that_of_its_own_tags(tmp_path: Path, kit: Repository) -> None:
    first = kit.head
    kit.commit().tag("v1.0.0")
    source = source_at(tmp_path, kit)
    assert source.last_heard(row_at(first)) == LastHeard()
    assert source.state_of(PackName("kit")) is not None
    heard = source.last_heard(row_at(kit.head))
    assert (heard.tag, [str(one) for one in heard.tags], heard.is_moved, heard.head) == ("v1.0.0", ["1.0.0"], False, "")
    heard = source.last_heard(row_at(first))
    assert (heard.tag, [str(one) for one in heard.tags], heard.is_moved, heard.head) == ("v1.0.0", ["1.0.0"], True, "")
    assert source.last_heard(row_at(first, version="2.0.0")) == LastHeard(head=kit.head)
    assert source.last_heard(row_at(first, repository="https://git.example/x")) == LastHeard()
    assert source_at(tmp_path, kit, "main").last_heard(row_at(first)) == LastHeard(head=kit.head)
    assert source_at(tmp_path, kit, "v1.0.0").last_heard(row_at(first)).is_moved
    kit.tag("other--v1.0.0").commit()
    both = source_at(tmp_path, kit)
    assert both.state_of(PackName("kit")) is not None
    assert both.last_heard(row_at(first)) == LastHeard(head=kit.head)


@pytest.mark.parametrize("versions", [("2.0.0",), ("2.0.0", "3.0.0"), ()])
def test_a_tag_of_another_number_is_told_where_its_commit_has_one_release(
    tmp_path: Path, versions: tuple[str, ...]
) -> None:
    files = {f"{one}/{path}": data for one in versions for path, data in make_pack(version=one).items()}
    far = Repository(tmp_path / "far").commit({**files, "README.md": "Packs."})
    ref = ReleaseRef(PackName(NAME), Version("1.0.0"), "far", "there", False, far.tag("v1.0.0").head, "v1.0.0")
    is_told = len(versions) == 1
    with pytest.raises(InvalidFile if is_told else Unavailable) as refused:
        source_at(tmp_path, far).read(ref)
    if is_told:
        told = f"the tag `v1.0.0` holds version 2.0.0 of {NAME}"
        assert refused.value.details == (f"{far.address}: {told}",)
    else:
        assert refused.value.message == f"{NAME} 1.0.0 is not in {far.address} at {far.head[:12]}"
        assert refused.value.hint == f"`agentpack lock --upgrade-pack {NAME}` chooses a release again"


def test_a_commit_that_a_plugin_may_have_is_not_believed_of_the_repository_itself(
    tmp_path: Path, kit: Repository
) -> None:
    kit.git("checkout", "--quiet", "-b", "aside")
    aside = kit.commit().head
    kit.git("checkout", "--quiet", "main")
    remote = Remote(str(tmp_path / "cache"), dict(os.environ))
    plugin = GitSource("far", GitPlace(kit.address, "", ""), lambda: remote, any_branch=True)
    row = row_at(aside, agents=(), version="1.0.0")
    for source, is_refused in ((plugin, False), (source_at(tmp_path, kit), True), (plugin, False)):
        ref = source.pinned(PackName("kit"), row)
        assert ref is not None
        if not is_refused:
            assert sorted(source.read(ref)) == ["agents/one.md", "agents/two.md"]
            continue
        with pytest.raises(Refused, match="is not in the history of the default branch or a tag of"):
            source.read(ref)


def test_of_a_long_version_in_a_manifest_as_much_counts_as_a_version_may_have(tmp_path: Path) -> None:
    said = {"plugin.json": json.dumps({"name": "kit", "version": f"1.2.{'3' * 100}"})}
    far = Repository(tmp_path / "far").commit({**said, "agents/one.md": agent_text("one", "Work.")})
    state = source_at(tmp_path, far).state_of(PackName("kit"))
    assert state is not None
    assert str(state.version) == f"1.2.{'3' * (MAX_VERSION - 4)}"


def test_junk_and_other_links_than_to_agents_are_no_files_of_a_repository(tmp_path: Path, kit: Repository) -> None:
    (kit.folder / "notes.txt").symlink_to("README.md")
    (kit.folder / "agents/._one.md").write_text(agent_text("hidden", "Work."))
    kit.commit({"agents/.DS_Store": "x"})
    mirror = Mirror(Remote(str(tmp_path / "cache"), dict(os.environ)), "far", kit.address)
    mirror.bring([kit.head])
    found = GitTree(mirror, kit.head, "", {})
    assert (found.paths, found.links) == (["README.md", "agents/one.md", "agents/two.md"], ("notes.txt",))
    assert found.outside == ()


def test_a_repository_of_too_many_files_is_refused_unless_a_folder_is_chosen(
    tmp_path: Path, kit: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpack.sources.git_tree.MAX_ENTRIES", 3)
    assert len(source_at(tmp_path, kit).collection.packs) == 1
    monkeypatch.setattr("agentpack.sources.git_tree.MAX_ENTRIES", 2)
    assert len(source_at(tmp_path, kit, subdirectory="agents").collection.packs) == 1
    with pytest.raises(Refused) as refused:
        source_at(tmp_path, kit).packs()
    assert refused.value.message == f"{kit.address} has more than 2 files"
    assert refused.value.hint == "choose a folder of it with `subdirectory:`"


def test_a_pack_with_a_name_that_is_no_text_is_refused_from_a_repository_too(tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit({f"pack/{path}": data for path, data in make_pack().items()})
    for folder, is_refused in (("beside", False), ("pack", True)):
        write_tree(far.folder / folder, {os.fsdecode(b"caf\xe9.txt"): "x"})
        source = source_at(tmp_path, far.commit())
        (ref,) = source.releases(PackName(NAME))
        if not is_refused:
            assert source.read(ref) == make_pack()
            continue
        with pytest.raises(Refused) as refused:
            source.read(ref)
        assert refused.value.message.endswith(".txt` is a link, or its name is not UTF-8")
        assert refused.value.hint == "a pack may contain only regular files"


def test_a_newer_version_of_another_pack_is_none_of_this_one(tmp_path: Path) -> None:
    files = {f"{name}/{path}": data for name in (NAME, "other") for path, data in make_pack(name).items()}
    far = Repository(tmp_path / "far").commit(files).tag(f"{NAME}--v1.0.0")
    far.commit({f"other/{path}": data for path, data in make_pack("other", "9.0.0").items()})
    source = source_at(tmp_path, far)
    assert [str(ref.version) for ref in source.releases(PackName(NAME))] == ["1.0.0"]
    assert source.unreleased(PackName(NAME)) == ""


def test_a_repository_without_a_file_offers_nothing_and_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    far = Repository(tmp_path / "far").commit()
    source = source_at(tmp_path, far)
    assert (list(source.packs()), source.collection) == ([], Collection())
    with pytest.raises(Unresolvable) as refused:
        source_at(tmp_path, far, subdirectory="deep").packs()
    assert refused.value.message == f"{far.address} has no folder `deep` at {far.head[:12]}"


# As git is run.


def variables_of_git(tmp_path: Path, address: str, **variables: str) -> tuple[dict[str, str], dict[str, str]]:
    """What git finds among its variables when it asks the repository, and when it reads the mirror."""
    script = write_tree(tmp_path / "bin", {"git": f'#!/bin/sh\nenv >"{tmp_path}/env"\nexit 1\n'}) / "git"
    script.chmod(0o755)
    remote = Remote(str(tmp_path / "cache"), {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", **variables})
    mirror = Mirror(remote, "kit", address)
    found = []
    for ask in (lambda: mirror.references, lambda: mirror.missing([OTHER_COMMIT])):
        with pytest.raises(Unavailable):
            ask()
        found.append(dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines()))
        Path(mirror.folder).mkdir(parents=True, exist_ok=True)
    return found[0], found[1]


def test_git_gets_no_variable_that_leads_elsewhere_and_none_that_asks(tmp_path: Path) -> None:
    places = ("DIR", "WORK_TREE", "INDEX_FILE", "OBJECT_DIRECTORY", "COMMON_DIR", "NAMESPACE")
    leading = (*places, "ALTERNATE_OBJECT_DIRECTORIES", "CONFIG_PARAMETERS", "SHALLOW_FILE", "QUARANTINE_PATH")
    given = {f"GIT_{name}": "elsewhere" for name in (*leading, "ALLOW_PROTOCOL")}
    asking, reading = variables_of_git(tmp_path, "https://a.example/kit", HOME="/home/ada", SSH_ASKPASS="x", **given)
    for found in (asking, reading):
        assert found["GIT_OBJECT_DIRECTORY"].endswith(".git/objects")
        assert "elsewhere" not in found.values()
        assert (found["HOME"], found["LC_ALL"]) == ("/home/ada", "C")
        assert "SSH_ASKPASS" not in found
        quiet = ("GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GCM_INTERACTIVE", "SSH_ASKPASS_REQUIRE")
        assert [found[name] for name in quiet] == ["0", "0", "never", "never"]
        assert found["GIT_SSH_VARIANT"] == "ssh"
    assert (asking["GIT_PROTOCOL_FROM_USER"], asking.get("GIT_ALLOW_PROTOCOL")) == ("1", None)
    assert (reading.get("GIT_PROTOCOL_FROM_USER"), reading["GIT_ALLOW_PROTOCOL"]) == (None, "none")


@pytest.mark.parametrize("name", ["GIT_SSH", "GIT_SSH_COMMAND"])
def test_git_keeps_the_ssh_and_the_question_of_the_user(tmp_path: Path, name: str) -> None:
    own = {name: "my-ssh", "SSH_ASKPASS": "my-question", "SSH_ASKPASS_REQUIRE": "force"}
    for found in variables_of_git(tmp_path, "ssh://a.example/kit", **own):
        assert own.items() <= found.items()
        assert "GIT_SSH_VARIANT" not in found


def test_git_logs_in_only_where_it_asks_a_web_server(tmp_path: Path) -> None:
    token = {"AGENTPACK_HOST_KIT": "a.example", "AGENTPACK_TOKEN_KIT": "s3cr3t"}
    asking, reading = variables_of_git(tmp_path, "HTTPS://a.example/kit", **token)
    assert (asking.get("AGENTPACK_SECRET"), reading.get("AGENTPACK_SECRET")) == ("s3cr3t", None)
    for address in ("ssh://a.example/kit", "https://b.example/kit"):
        assert not any("AGENTPACK_SECRET" in found for found in variables_of_git(tmp_path, address, **token))


@pytest.mark.parametrize(
    ("mode", "is_ours"), [(0o700, True), (0o755, True), (0o720, False), (0o702, False), (0o770, False)]
)
def test_a_mirror_counts_where_nobody_else_may_write(tmp_path: Path, mode: int, is_ours: bool) -> None:
    mirror = Mirror(Remote(str(tmp_path), {}), "packs", "https://example.com/kit")
    mirror.note("version", "1.0.0")
    assert (Path(mirror.folder) / "notes").stat().st_mode & 0o777 == 0o700
    Path(mirror.folder).chmod(mode)
    if is_ours:
        assert mirror.has_noted("version", "1.0.0")
        return
    with pytest.raises(Unavailable) as refused:
        mirror.has_noted("version", "1.0.0")
    assert refused.value.message == f"{mirror.folder} may have been written by another user"
    assert refused.value.hint == "delete that folder; XDG_CACHE_HOME moves the cache"


def test_a_mirror_that_is_read_is_as_young_as_its_use(tmp_path: Path, kit: Repository) -> None:
    remote = Remote(str(tmp_path / "cache"), dict(os.environ))
    mirror = Mirror(remote, "far", kit.address)
    mirror.bring([kit.head])
    os.utime(mirror.folder, (1000, 1000))
    assert len(Mirror(remote, "far", kit.address).files(kit.head, "agents", 10)) == 2
    assert os.stat(mirror.folder).st_mtime > 1000


def test_what_one_command_reads_of_a_repository_is_bounded_altogether(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpack.remote.git.MAX_CONTENT_BYTES", 2 << 20)
    far = Repository(tmp_path / "far").commit({name: name.encode() * (1 << 20) for name in ("a", "b", "c")})
    mirror = Mirror(Remote(str(tmp_path / "cache"), dict(os.environ)), "far", far.address)
    mirror.bring([far.head])
    names = [far.git("rev-parse", f"HEAD:{name}") for name in "abc"]
    assert [mirror.contents([name])[name][:1] for name in names[:2]] == [b"a", b"b"]
    with pytest.raises(Refused) as refused:
        mirror.contents(names[2:])
    assert refused.value.message == f"{far.address} has more than 2 MiB of packs and agents"
    assert refused.value.hint == "name a folder: `subdirectory:`"


def test_of_a_server_that_hands_over_tips_only_all_of_them_are_fetched(tmp_path: Path, kit: Repository) -> None:
    first = kit.commit().head
    kit.commit().git("checkout", "--quiet", "--orphan", "beside")
    kit.commit().tag("v1.0.0").git("checkout", "--quiet", "main")
    kit.git("branch", "--delete", "--force", "beside")
    tagged, words = kit.git("rev-parse", "v1.0.0^{commit}"), "Server does not allow request for unadvertised object"
    script = (
        f'case "$*" in *--filter=*) echo "fatal: {words} x" >&2; exit 128;; esac\nexec {shutil.which("git")} "$@"\n'
    )
    (write_tree(tmp_path / "bin", {"git": f"#!/bin/sh\n{script}"}) / "git").chmod(0o755)
    for wanted in (first, kit.head, tagged):
        variables = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        mirror = Mirror(Remote(str(tmp_path / wanted), variables), "far", kit.address)
        mirror.bring([wanted])
        assert mirror.missing([first, kit.head, tagged]) == []
        with pytest.raises(Unavailable) as refused:
            mirror.bring([OTHER_COMMIT])
        assert refused.value.message == f"the source `far` at {kit.address} does not have the requested commit"
        assert mirror.missing([OTHER_COMMIT]) == [OTHER_COMMIT]
