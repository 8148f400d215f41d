"""What holds for every client: an agent file of our name is named before anything is written, and by `status`, in
whichever folder the client reads it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.effort import sample
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.workspace.shadowing import agent_names

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


@pytest.mark.many
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
    ("client", "reads", "uses"),
    [
        ("claude", "Claude Code: project beats user", "the project's"),
        ("copilot", "GitHub Copilot (CLI and VS Code): user beats project", "the user's"),
        (
            "opencode",
            "OpenCode: project and user are merged field by field, project wins",
            "both, the project's fields first",
        ),
    ],
)
def test_an_agent_in_both_scopes_is_told_in_each_with_the_one_that_is_used(
    agentpack: Agentpack, project: Path, home: Path, packs: str, client: str, reads: str, uses: str
) -> None:
    paths = {}
    for scope, root in (("project", project), ("user", home)):
        words = ("install", "data-reviewer", "--source", packs, "--client", client, f"--{scope}", "--json")
        [path] = [file["path"] for file in agentpack(*words).envelope["data"]["files"]]
        paths[scope] = str(path).replace("$XDG_CONFIG_HOME", ".config") if "$" in path else path
        paths[scope] = f"{root}/{paths[scope]}"
    title = CLIENTS[client].title
    for here, there in (("project", "user"), ("user", "project")):
        [same] = agentpack("status", f"--{here}", "--json").envelope["data"]["same_names"]
        assert same == {
            "persona": "reviewer",
            "client": client,
            "ours": paths[here],
            "other": paths[there],
            "scope": there,
            "reads": reads,
            "uses": uses,
        }
        shown = brief(Path(paths[there]), home, project if here == "project" else home)
        [line] = twice(agentpack("status", f"--{here}").out.splitlines())
        assert line == (
            f"name      {shown} ({there} scope) is also named `reviewer`; {title} reads both and uses {uses}"
        )


HEADED = "---\nname: alpha\n---\n"
NO_NAME = "---\ndescription: x\n---\nname: alpha\n"
NO_HEADER = "name: alpha\n"
DEEP = "/".join(str(level) for level in range(21))
NAMED: dict[str, tuple[str, dict[str, str | bytes], dict[str, str]]] = {
    "the name in the header, in any form": (
        "claude",
        {
            "a.md": HEADED,
            "b.md": '---\r\nname:\t"b\u00e9ta" \r\n---\r\n',
            "c.md": "---\nnames: x\n  'name: x'\n  name : 'gamma'  \n---\n",
            "d.md": "\ufeff---\nname: delta\nname: other\n---\n",
            "e.md": f"---\nx: {'x' * 4060}\nname: epsilon\n---\n",
            "f.md": "---\nname:\n---\n",
            "g.md": NO_NAME,
            "h.md": NO_HEADER,
            "f2.md": b"---\nname: \xff\n---\n",
            "i.md": f"---\nx: {'x' * 4096}\nname: iota\n---\n",
        },
        {"a.md": "alpha", "b.md": "b\u00e9ta", "c.md": "gamma", "d.md": "delta", "e.md": "epsilon", "f2.md": "\ufffd"},
    ),
    "below the folder": (
        "claude",
        {"z/y/a.md": HEADED, "b/a.md": HEADED, "z/b.md": HEADED, f"{DEEP[:-3]}/x.md": HEADED, f"{DEEP}/x.md": HEADED},
        {f"{DEEP[:-3]}/x.md": "alpha", "b/a.md": "alpha", "z/b.md": "alpha", "z/y/a.md": "alpha"},
    ),
    "no file of another kind": (
        "claude",
        dict.fromkeys(("a.txt", ".a.md", "a.md~", "a.md.swp", "a.agent.md", "md"), HEADED),
        {"a.agent.md": "alpha"},
    ),
    "the file's name if it has a header without one": (
        "copilot",
        {"a.agent.md": NO_NAME, "b.md": NO_NAME, "c.md": NO_HEADER, "d/e.agent.md": NO_NAME, "f.md": HEADED},
        {"a.agent.md": "a", "b.md": "b", "f.md": "alpha", "d/e.agent.md": "e"},
    ),
    "the path if there is no name": (
        "kilo",
        {"a.md": NO_HEADER, "b/c.md": NO_NAME, "b/d.md": HEADED},
        {"a.md": "a", "b/c.md": "b/c", "b/d.md": "alpha"},
    ),
    "the path, whatever the name": (
        "kiro",
        {"a.md": HEADED, "b/c.md": NO_HEADER},
        {"a.md": "a", "b/c.md": "b/c"},
    ),
    "the stem of a file in another format": (
        "vibe",
        {"a.toml": 'name = "alpha"\n', "b/c.toml": "x = 1\n", "d.md": HEADED},
        {"a.toml": "a"},
    ),
    "the name in another format": (
        "codex",
        {"a.toml": 'name = "alpha"\n', "b/c.toml": "x = 1\n\"name\" = 'beta'\n", "d.toml": "x = 1\n"},
        {"a.toml": "alpha", "b/c.toml": "beta"},
    ),
    "a folder for each": (
        "deepagents",
        {"AGENTS.md": HEADED, "a/AGENTS.md": HEADED, "a/b/AGENTS.md": HEADED, "c/other.md": HEADED},
        {"a/AGENTS.md": "alpha"},
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_the_agents_in_a_folder_have_the_names_that_their_client_gives_them(tmp_path: Path, case: str) -> None:
    client, files, names = NAMED[case]
    write_tree(tmp_path / "agents", files)
    found = [(path, name) for path, name in agent_names(str(tmp_path / "agents"), CLIENTS[client], set())]
    assert found == [(f"{tmp_path}/agents/{path}", name) for path, name in names.items()]


def test_a_file_that_is_skipped_is_skipped_through_links_too(tmp_path: Path) -> None:
    folder = tmp_path / "agents"
    write_tree(tmp_path, {"agents/a.md": HEADED, "agents/b/c.md": HEADED, "other.md": HEADED})
    (folder / "d.md").symlink_to("a.md")
    (folder / "e.md").symlink_to("../other.md")
    (folder / "f.md").symlink_to("nowhere.md")
    (tmp_path / "link").symlink_to("agents")

    def found(place: Path, *but: str) -> list[str]:
        skipped = {os.path.realpath(tmp_path / path) for path in but}
        return [os.path.relpath(path, place) for path, _ in agent_names(str(place), CLIENTS["claude"], skipped)]

    for place in (folder, tmp_path / "link"):
        assert found(place) == ["a.md", "d.md", "e.md", "b/c.md"]
        assert found(place, "agents/a.md") == ["e.md", "b/c.md"]
        assert found(place, "agents/b/c.md", "other.md") == ["a.md", "d.md"]


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
    told = "reads both and uses only one"  # the other is in its own folder
    assert said == f".github/agents/reviewer.md is also named `reviewer`; GitHub Copilot (CLI and VS Code) {told}"


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


def test_a_file_is_named_when_ours_is_written_and_not_when_another_is(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    two = {"reviewer": persona_text(), "writer": persona_text("writer")}
    publish(Path(packs), make_pack("duo", personas=two))
    agentpack("install", "duo", "--source", packs, "--client", "claude")
    write_tree(project, {".claude/agents/mine.md": persona_text()})
    told = "note: .claude/agents/mine.md is also named `reviewer`; Claude Code reads both and uses only one"
    publish(Path(packs), make_pack("duo", "1.1.0", personas={**two, "writer": persona_text("writer", "More.\n")}))
    assert twice(agentpack("upgrade", "--yes").err.splitlines()) == []
    publish(Path(packs), make_pack("duo", "1.2.0", personas={**two, **NEW}))
    assert twice(agentpack("upgrade", "--yes").err.splitlines()) == [told]
    (project / ".claude/agents/reviewer.md").unlink()
    assert f"name      {told.removeprefix('note: ')}\n" in agentpack("status").out
    (project / ".claude/agents/reviewer.md").write_text("No name.\n")
    assert f"name      {told.removeprefix('note: ')}\n" in agentpack("status").out


def test_a_file_that_goes_in_the_same_change_is_not_named(agentpack: Agentpack, project: Path, packs: str) -> None:
    agentpack("install", "data-reviewer", "--source", packs, "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("[claude]", "[copilot]"))
    assert twice(agentpack("sync").err.splitlines()) == []
    assert sorted(path for path in tree(project) if "agents/" in path) == [".github/agents/reviewer.agent.md"]


def test_an_agent_below_a_folder_is_none_for_a_client_that_does_not_look_there(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    write_tree(project, {".claude/agents/below/mine.md": persona_text("mine")})
    agentpack("adopt", ".claude/agents/below/mine.md")
    names = {".goose/agents/other.md": "mine", ".github/agents/x.md": "mine", ".github/agents/y.agent.md": "reviewer"}
    write_tree(project, {place: persona_text(name) for place, name in names.items()})
    words = ("install", "data-reviewer", "--source", packs, "--client", "goose,claude,copilot")
    one = "GitHub Copilot (CLI and VS Code) reads both and uses only one"
    assert twice(agentpack(*words).err.splitlines()) == [
        f"note: .github/agents/y.agent.md is also named `reviewer`; {one}"
    ]
    assert twice(agentpack("status").out.splitlines()) == [
        f"name      .github/agents/x.md is also named `mine`; {one}",
        f"name      .github/agents/y.agent.md is also named `reviewer`; {one}",
    ]


def test_a_file_with_the_name_of_one_that_is_adopted_is_named(agentpack: Agentpack, project: Path) -> None:
    paths = [f".claude/agents/{name}.md" for name in ("mine", "other")]
    write_tree(project, {path: persona_text() for path in paths})
    told = f"note: {paths[1]} is also named `reviewer`; Claude Code reads both and uses only one"
    assert twice(agentpack("adopt", paths[0]).err.splitlines()) == [told]


def test_a_variable_that_moves_a_client_moves_its_older_folders_too() -> None:
    moved = CLIENTS["opencode"].folders("user", {"XDG_CONFIG_HOME": "/x"})
    assert moved == ("$XDG_CONFIG_HOME/opencode/agents", "$XDG_CONFIG_HOME/opencode/agent", ".opencode/agents")
