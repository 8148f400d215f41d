"""Repositories behind a real ssh server: both forms of addresses, and what is said where ssh would ask."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.repositories import Repository
from support.running import Agentpack
from support.ssh_server import SshServer, ssh_server
from support.trees import tree, write_tree


@pytest.fixture
def kit(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "far/kit").commit({"agents/one.md": agent_text("one", "Work.")}).tag("v1.0.0")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "ssh") as found:
        monkeypatch.setenv("GIT_SSH_COMMAND", found.command)
        yield found


@pytest.mark.campaign
def test_both_forms_give_what_a_folder_gives(
    agentpack: Agentpack, project: Path, kit: Repository, server: SshServer, tmp_path: Path
) -> None:
    places = (f"{server.address}{kit.folder}", f"{server.user}@127.0.0.1:{kit.folder}", f"git+{kit.address}")
    found = []
    for number, place in enumerate(places):
        folder = write_tree(tmp_path / f"project-{number}", {".git/HEAD": ""})
        agentpack("install", place, cwd=folder)
        address = place.removeprefix("git+")
        assert address in (folder / "agentpack.yaml").read_text()
        found.append((tree(folder / ".claude"), (folder / "agentpack.lock").read_text().replace(address, "there")))
    assert found[0] == found[1] == found[2]
    kit.commit({"agents/one.md": agent_text("one", "Work more.")}).tag("v1.1.0")
    folder = tmp_path / "project-1"
    assert "1.0.0 -> 1.1.0" in agentpack("upgrade", "--yes", cwd=folder).err
    assert "unchanged" in agentpack("status", cwd=folder).out


@pytest.mark.campaign
def test_a_server_that_hands_over_tips_only_is_enough(
    agentpack: Agentpack, project: Path, kit: Repository, server: SshServer
) -> None:
    """As with every ssh server that is not told to let git speak protocol 2."""
    kit.commit({"agents/one.md": agent_text("one", "Work more.")}).commit({"README.md": "One agent."})
    place = f"{server.address}{kit.folder}"
    agentpack("install", f"{place}@v1.0.0")
    assert "Work." in (project / ".claude/agents/one.md").read_text()
    agentpack("install", f"{place}@main")
    locked = kit.head
    kit.commit({"agents/one.md": agent_text("one", "Work on.")})
    clone = write_tree(project.parent / "clone", {".git/HEAD": ""})
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(project / name, clone)
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    agentpack("sync", "--frozen", cwd=clone)
    assert "Work more." in (clone / ".claude/agents/one.md").read_text()
    assert locked in (clone / "agentpack.lock").read_text()
    kit.git("checkout", "--quiet", "--orphan", "other")
    kit.commit().git("branch", "--move", "--force", "main")
    kit.git("tag", "--delete", "v1.0.0")
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    shutil.rmtree(clone / ".agentpack")
    shutil.rmtree(clone / ".claude")
    assert "is not in the history of `main`" in agentpack("sync", "--frozen", cwd=clone, expect=5).err


def test_nobody_is_asked_and_it_is_said_what_to_do(
    agentpack: Agentpack, project: Path, kit: Repository, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = project.parent / "asked"
    program = write_tree(project.parent, {"ask": f"#!/bin/sh\ntouch {asked}\nsleep 60\n"}) / "ask"
    program.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(program))
    monkeypatch.setenv("DISPLAY", ":9")
    place, before = f"{server.address}{kit.folder}", tree(project)

    server.forget_host()
    assert "whose ssh key is not known yet" in (ran := agentpack("install", place, expect=6)).err
    assert f"`git ls-remote {place}` asks whether to trust it" in ran.err
    server.make_key("other")
    server.know_host("other")
    assert "whose ssh key has changed" in agentpack("install", place, expect=6).err
    server.know_host()
    (server.folder / "key").rename(server.folder / "other")
    assert "requires an ssh key that it knows" in (ran := agentpack("install", place, expect=6)).err
    assert "Permission denied (publickey" in ran.err
    (server.folder / "other").rename(server.folder / "key")
    assert "is not a repository" in agentpack("install", f"{place}-not", expect=6).err
    assert "Connection refused" in agentpack("install", f"ssh://127.0.0.1:1{kit.folder}", expect=6).err
    assert tree(project) == before
    assert not asked.exists()
