"""What holds for every client: an agent file of our name is named before anything is written, and by `status`, in
whichever folder the client reads it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.effort import sample
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client

SCOPES = ("project", "user")
NEW = {"reviewer": persona_text(body="You review more. {#identity}\n")}
PLACES = [
    (client, scope)
    for client in sorted(MODULES)
    for scope in SCOPES
    if CLIENTS[client].shared is None and CLIENTS[client].folder(scope, {}) is not None
]


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(tmp_path / "further"))
    return str(publish(tmp_path / "packs", make_pack()))


def foreign_files(target: Client, scope: str, roots: dict[str, Path]) -> Iterator[Path]:
    """Places that the client reads and calls `reviewer`, one in each folder; none where only ours would fit."""
    variables = {"OPENCODE_CONFIG_DIR": "set"}
    by_name = target.naming[0] == "name"
    leaf = target.file.replace("{name}", "mine" if by_name else "reviewer")
    for where, root in roots.items():
        for folder in target.folders(where, variables):
            if by_name or (where, folder) != (scope, target.folder(scope, variables)):
                yield (
                    root.parent / folder.replace("$OPENCODE_CONFIG_DIR", "further") / leaf
                    if "$" in folder
                    else (root / folder / leaf)
                )


def brief(place: Path, home: Path, project: Path) -> str:
    """A place as messages name it; `project` is the root that they begin at, home itself in the user scope."""
    if place.is_relative_to(home):
        return "~/" + place.relative_to(home).as_posix()
    return place.relative_to(project).as_posix() if place.is_relative_to(project) else str(place)


def twice(lines: list[str]) -> list[str]:
    return [line for line in lines if "is also named" in line]


@pytest.mark.parametrize(("client", "scope"), sample(PLACES, 1))
def test_a_name_that_is_used_twice_is_named_in_every_folder_a_client_reads(
    agentpack: Agentpack, project: Path, home: Path, packs: str, client: str, scope: str
) -> None:
    target = CLIENTS[client]
    planted = list(foreign_files(target, scope, {"project": project, "user": home}))
    for place in planted:
        text = 'name = "reviewer"\n' if place.suffix == ".toml" else persona_text()
        write_tree(place.parent, {place.name: text})
    before = tree(project), tree(home, without=(".cache",))
    command = ("install", "data-reviewer", "--source", packs, "--client", client, f"--{scope}")
    said = twice(agentpack(*command, "--dry-run").err.splitlines())
    warnings = twice(agentpack(*command, "--dry-run", "--json").envelope["data"]["warnings"])
    assert (tree(project), tree(home, without=(".cache",))) == before
    assert [line.removeprefix("note: ") for line in said] == warnings
    root = project if scope == "project" else home
    assert sorted(line.split(" ")[0] for line in warnings) == sorted(brief(place, home, root) for place in planted)
    assert all(target.title in line for line in warnings)
    assert planted
    agentpack(*command)
    assert agentpack("status", f"--{scope}").out.count("is also named `reviewer`") == len(planted)


@pytest.mark.parametrize(
    ("client", "path", "text"),
    [
        ("claude", ".claude/agents/mine.md", persona_text()),
        ("codex", ".codex/agents/mine.toml", 'name = "reviewer"\n'),
    ],
)
def test_an_agent_that_begins_with_a_byte_order_mark_is_named_too(
    agentpack: Agentpack, project: Path, packs: str, client: str, path: str, text: str
) -> None:
    write_tree(project, {path: "\ufeff" + text})
    ran = agentpack("install", "data-reviewer", "--source", packs, "--client", client, "--json")
    (said,) = twice(ran.envelope["data"]["warnings"])
    assert said.startswith(f"{path} is also named `reviewer`")
    assert f"{path} is also named `reviewer`" in agentpack("status").out


@pytest.mark.parametrize("account", ["account", "home-of-work", "project-2"])
def test_an_agent_where_a_variable_has_the_client_read_is_named(
    agentpack: Agentpack, tmp_path: Path, packs: str, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / account))
    write_tree(tmp_path / account, {"agents/mine.md": persona_text()})
    ran = agentpack("install", "data-reviewer", "--source", packs, "--client", "claude", "--json")
    (said,) = twice(ran.envelope["data"]["warnings"])
    assert said.startswith(f"{tmp_path / account / 'agents/mine.md'} (user scope) is also named `reviewer`")


def test_a_file_that_two_clients_read_is_named_once(agentpack: Agentpack, project: Path, packs: str) -> None:
    write_tree(project, {".claude/agents/mine.md": persona_text()})
    words = ("--source", packs, "--client", "copilot", "--client", "goose", "--client", "augment")
    (said,) = twice(agentpack("install", "data-reviewer", *words, "--json").envelope["data"]["warnings"])
    assert said == (
        ".claude/agents/mine.md is also named `reviewer`; Augment (auggie) reads both and uses only one, GitHub "
        "Copilot (CLI and VS Code) and Goose read both and use ours"
    )


def test_what_a_client_reads_of_ours_for_another_client_is_held_against_its_own_folder(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    write_tree(project, {".github/agents/reviewer.md": persona_text()})
    words = ("--source", packs, "--client", "copilot", "--client", "claude")
    (said,) = twice(agentpack("install", "data-reviewer", *words, "--json").envelope["data"]["warnings"])
    assert said.startswith(".github/agents/reviewer.md is also named `reviewer`; GitHub Copilot")


def test_a_file_of_ours_for_another_client_is_no_other_agent(agentpack: Agentpack, packs: str) -> None:
    agentpack("install", "data-reviewer", "--source", packs, "--client", "claude")
    ran = agentpack("install", "data-reviewer", "--client", "copilot", "--client", "goose", "--json")
    assert twice(ran.envelope["data"]["warnings"]) == []
    assert "also named" not in agentpack("status").out


def test_two_packs_with_one_name_for_a_client_that_reads_both_folders_are_refused(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    publish(Path(packs), make_pack("other-reviewer"))
    agentpack("install", "data-reviewer", "--source", packs, "--client", "claude")
    before = tree(project)
    ran = agentpack("install", "other-reviewer", "--client", "copilot", expect=4)
    assert "`data-reviewer` and `other-reviewer` both have a persona `reviewer`" in ran.err
    assert ".claude/agents/reviewer.md and .github/agents/reviewer.agent.md" in ran.err
    assert tree(project) == before


@pytest.mark.parametrize(
    ("client", "path"),
    [
        ("junie", ".agents/skills/reviewer/SKILL.md"),
        ("goose", ".goose/agents/below/mine.md"),
        ("deepagents", ".deepagents/agents/reviewer.md"),
        ("copilot", ".github/agents/reviewer.txt"),
    ],
)
def test_a_file_that_the_client_does_not_read_as_an_agent_is_not_named(
    agentpack: Agentpack, project: Path, packs: str, client: str, path: str
) -> None:
    write_tree(project, {path: persona_text()})
    ran = agentpack("install", "data-reviewer", "--source", packs, "--client", client, "--json")
    assert twice(ran.envelope["data"]["warnings"]) == []


def test_an_upgrade_names_an_agent_that_came_meanwhile(agentpack: Agentpack, project: Path, packs: str) -> None:
    agentpack("install", "data-reviewer", "--source", packs, "--client", "opencode")
    write_tree(project, {".opencode/agent/reviewer.md": "Mine.\n"})
    publish(Path(packs), make_pack(version="1.1.0", description="More."), make_pack(version="1.2.0", personas=NEW))
    said = agentpack("upgrade", "--dry-run").err
    assert ".opencode/agent/reviewer.md is also named `reviewer`; OpenCode reads both and uses only one" in said


def test_a_variable_that_moves_a_client_moves_its_older_folders_too() -> None:
    moved = CLIENTS["opencode"].folders("user", {"XDG_CONFIG_HOME": "/x"})
    assert moved == ("$XDG_CONFIG_HOME/opencode/agents", "$XDG_CONFIG_HOME/opencode/agent", ".opencode/agents")
