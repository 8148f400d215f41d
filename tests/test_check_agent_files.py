"""`agentpack pack check` of agent files that are in no pack: which files, whose they are, and what is said of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.packs import make_pack
from support.running import Agentpack
from support.trees import write_tree

BODY = "You look after one part of the work.\n"
Found = list[tuple[str, int, str]]


def agent(name: str = "api-smith", **fields: str) -> str:
    """An agent file in which nothing is wrong, and more lines in its header."""
    head = {"name": name, "description": "Looks after the API.", **fields}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n{BODY}"


def found_in(agentpack: Agentpack, *words: str) -> Found:
    """File, line and rule of every finding in agent files."""
    (place,) = agentpack("pack", "check", *words, "--json", expect=None).envelope["data"]["agent_files"]
    return [(one["file"], one["line"], one["rule"]) for one in place["findings"]]


def looked_at(agentpack: Agentpack, *words: str) -> dict[str, str]:
    """The files that are checked, and the client each is judged by."""
    places = agentpack("pack", "check", *words, "--json", expect=None).envelope["data"]["agent_files"]
    return {file["file"]: file["client"] for place in places for file in place["files"]}


# -- which files, and whose --------------------------------------------------------------------------------------------


def test_folder_and_name_say_whose_a_file_is(agentpack: Agentpack, project: Path) -> None:
    files = {
        ".claude/agents/a.md": "claude",
        ".claude/agents/deep/b.md": "claude",
        ".opencode/agent/c.md": "opencode",
        ".github/agents/d.agent.md": "copilot",
        ".github/agents/e.md": "copilot",
        "plugins/x/agents/f.md": "claude",
        "plugins/x/agents/g.agent.md": "copilot",
        ".roomodes": "roo",
    }
    for path in files:
        write_tree(project, {path: agent(path[-6])})
    (project / ".roomodes").write_text("customModes:\n  - {slug: x, name: x, roleDefinition: x, groups: [read]}\n")
    write_tree(project, {"docs/page.md": agent(), "plugins/x/skills/s/SKILL.md": agent(), ".claude/agents/n.txt": "n"})
    assert looked_at(agentpack, ".") == files


def test_client_is_asked_only_where_nothing_else_decides(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"pool/agents/a.md": agent(), "pool/.claude/agents/b.md": agent("b")})
    assert looked_at(agentpack, "pool", "--client", "open-code") == {
        "pool/agents/a.md": "opencode",
        "pool/.claude/agents/b.md": "claude",
    }
    assert "there is no client" in agentpack("pack", "check", "pool", "--client", "nobody", expect=2).err


def test_a_variable_moves_a_folder(agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(project, {"moved/agents/a.md": agent()})
    monkeypatch.setenv("CODEX_HOME", str(project / "moved"))
    assert "contains no pack and no agent file" in agentpack("pack", "check", "moved/agents", expect=2).err
    monkeypatch.delenv("CODEX_HOME")
    monkeypatch.setenv("COPILOT_HOME", str(project / "moved"))
    assert looked_at(agentpack, "moved/agents") == {"moved/agents/a.md": "copilot"}


def test_without_a_folder_for_agents_every_file_that_has_a_name_is_one(agentpack: Agentpack, project: Path) -> None:
    files = {
        "team/a.md": agent(),
        "team/deep/b.md": agent("b"),
        "README.md": "# Team\n",
        "blog.md": "---\ntitle: x\n---\n",
    }
    write_tree(project / "place", {**files, "s/SKILL.md": agent("s"), "commands/c.md": agent("c"), "n.py": "x"})
    assert looked_at(agentpack, "place") == {"place/team/a.md": "claude", "place/team/deep/b.md": "claude"}


def test_a_declared_client_has_its_folder_too(agentpack: Agentpack, project: Path) -> None:
    declared = "schema: 1\ntitle: Acme\nproject: .acme/agents\nname: name\ndescription: description\n"
    write_tree(project, {".agentpack/clients/acme.yaml": declared, ".acme/agents/a.md": agent(colour="red")})
    assert looked_at(agentpack, ".acme/agents") == {".acme/agents/a.md": "acme"}
    assert found_in(agentpack, ".acme/agents") == [(".acme/agents/a.md", 4, "A402")]


def test_where_a_client_does_not_look_a_file_is_told(agentpack: Agentpack, project: Path) -> None:
    write_tree(
        project, {".gemini/agents/deep/a.md": agent(), ".claude/agents/a.txt": agent(), ".claude/agents/b.md": agent()}
    )
    assert found_in(agentpack, ".gemini/agents") == [(".gemini/agents/deep/a.md", 0, "A106")]
    assert found_in(agentpack, ".claude/agents") == []
    told = agentpack("pack", "check", ".claude/agents/a.txt").out
    assert "a.txt: A106 Claude Code does not read this file: it looks for `NAME.md`" in told


def test_skills_beside_agents_are_none(agentpack: Agentpack, project: Path) -> None:
    """Junie reads agents right in `.agents`, beside the skills of others."""
    write_tree(
        project, {".agents/a.md": agent(), ".agents/skills/s/SKILL.md": agent("s"), ".agents/agents/b.md": agent()}
    )
    assert looked_at(agentpack, ".") == {".agents/a.md": "junie", ".agents/agents/b.md": "antigravity"}


def test_documents_are_passed_over_in_one_line(agentpack: Agentpack, project: Path) -> None:
    documents = {f".claude/agents/{name}.md": f"# {name}\n" for name in ("README", "NOTES", "TODO")}
    write_tree(project, {**documents, ".claude/agents/a.md": agent()})
    ran = agentpack("pack", "check", ".claude/agents", "--strict")
    assert ran.out == ""
    assert ran.err.splitlines() == [
        ".claude/agents: 1 agent, no problems found",
        "not checked, because there is no header: .claude/agents/NOTES.md and 2 more",
    ]
    asked = agentpack("pack", "check", ".claude/agents/README.md", expect=1)
    assert "A101 there is no header, so Claude Code ignores the file" in asked.out


def test_packs_and_agent_files_can_be_checked_together(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "pack", make_pack())
    write_tree(project, {".claude/agents/a.md": agent()})
    data = agentpack("pack", "check", "pack", ".claude/agents", "--json", expect=None).envelope["data"]
    assert ([one["folder"] for one in data["packs"]], [one["path"] for one in data["agent_files"]]) == (
        ["pack"],
        [".claude/agents"],
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere", "`nowhere` does not exist"),
        ("empty", "`empty` contains no pack and no agent file"),
        ("script.py", "`script.py` is not an agent file"),
    ],
)
def test_a_path_that_is_neither_is_an_error(place: str, words: str, agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"empty/page.md": "# Page\n", "script.py": "x\n"})
    ran = agentpack("pack", "check", place, expect=2)
    assert words in ran.err
    assert "hint: " in ran.err


# -- what is said ------------------------------------------------------------------------------------------------------

SAID: dict[str, tuple[str, str, str]] = {
    "an unknown tool": (
        agent(tools="Read, Grepp, mcp__srv__one, Task, TodoWrite"),
        "a.md:4: A301 Claude Code has no tool `Grepp` (in `tools`)",
        "did you mean `Grep`?",
    ),
    "a tool that others have": (
        agent(tools="Read, MultiEdit"),
        "a.md:4: A301 Claude Code has no tool `MultiEdit` (in `tools`)",
        "write `Edit` or `Write`",
    ),
    "a tool in other capitals": (
        agent(disallowedTools="[bash]"),
        "a.md:4: A302 Claude Code does not accept `bash` for its tool `Bash`",
        "write `Bash`",
    ),
    "no tool at all": (
        agent(tools=""),
        "a.md:4: A303 Claude Code gives the agent no tools for `tools:`",
        "list tool names, or remove `tools`",
    ),
    "a star that denies nothing": (
        agent(disallowedTools="'*'"),
        "a.md:4: A303 Claude Code denies nothing for `disallowedTools: *`",
        "list tool names, or remove `disallowedTools`",
    ),
    "a model": (
        agent(model="sonet"),
        "a.md:4: A401 `sonet` is not a known model of Claude Code",
        "did you mean `sonnet`?",
    ),
    "a field": (
        agent(desciption="x"),
        "a.md:4: A402 Claude Code has no field `desciption`",
        "did you mean `description`?",
    ),
    "a restriction of another client": (
        agent(**{"allowed-tools": "Read"}),
        "a.md:4: A402 Claude Code has no field `allowed-tools`, so it limits nothing",
        "write `tools`",
    ),
    "a value": (
        agent(permissionMode="acceptedits"),
        "a.md:4: A403 Claude Code ignores `permissionMode: acceptedits`",
        "did you mean `acceptEdits`?",
    ),
    "a colour": (
        agent(color="magenta"),
        "a.md:4: A403 Claude Code ignores `color: magenta`",
        "use one of red, blue, green, yellow, purple, orange, pink, cyan",
    ),
    "a number for a name": (
        agent("12"),
        "a.md:2: A201 `name` is not text, so Claude Code does not load the file",
        "put it in quotes",
    ),
    "a colon in a name": (agent("'a:b'"), "a.md:2: A201 `a:b` is not a name that Claude Code accepts", "such as `a-b`"),
    "no description": (
        "---\nname: a\n---\nText.\n",
        "a.md: A202 missing `description`, so Claude Code does not load the file",
        "add `description:` with when to use the agent",
    ),
    "a built-in agent": (
        agent("Explore"),
        "a.md:2: A204 this file replaces Claude Code's built-in agent `Explore`",
        "give it another name, unless that is what you want",
    ),
    "three hyphens in a line": (
        agent(note="a --- b", tools="Read"),
        "a.md:4: A103 Claude Code ends the header at the `---` in this line, and ignores the fields below it",
        "write another dash, such as `–`",
    ),
    "a comment in a description": (
        "---\nname: a\ndescription: Fixes issue # 12\n---\nText.\n",
        "a.md:3: A104 `description` ends before `# 12`, which YAML reads as a comment",
        "put the value in quotes",
    ),
    "a field twice": (
        agent().replace("---\nYou", "name: b\n---\nYou"),
        "a.md:4: A105 duplicate field `name`; Claude Code uses the last",
        "",
    ),
    "a header below a blank line": (
        f"\n{agent()}",
        "a.md:1: A101 Claude Code finds no header, and ignores the file",
        "begin the file with a line `---`, and end the header with another",
    ),
    "hidden text": (agent() + "\u200b", "a.md:6: P701 column 1: U+200B ZERO WIDTH SPACE (zero-width)", ""),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(name: str, agentpack: Agentpack, project: Path) -> None:
    text, line, hint = SAID[name]
    write_tree(project, {".claude/agents/a.md": text})
    told = agentpack("pack", "check", ".claude/agents/a.md", expect=None).out.splitlines()
    assert f".claude/agents/{line}" in told
    assert not hint or told[told.index(f".claude/agents/{line}") + 1] == f"    {hint}"


def test_a_header_that_is_no_yaml_at_all_is_an_error(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/a.md": "---\nname: a\n\t- b: [\n---\nText.\n"})
    out = agentpack("pack", "check", ".claude/agents", expect=1).out
    assert ".claude/agents/a.md:3: A102 Claude Code cannot read the file: not valid YAML: " in out


def test_an_agent_that_is_a_link_counts(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"kept/a.md": agent(), ".claude/agents/b.md": agent("b")})
    (project / ".claude/agents/a.md").symlink_to(project / "kept/a.md")
    assert looked_at(agentpack, ".claude/agents") == {".claude/agents/a.md": "claude", ".claude/agents/b.md": "claude"}


def test_what_the_client_reads_is_no_fault(agentpack: Agentpack, project: Path) -> None:
    """Seen in Claude Code 2.1.330: invalid YAML that it reads, names with blanks, any model, tools of MCP servers."""
    write_tree(
        project,
        {
            ".claude/agents/a.md": agent("Code Reviewer (v4.8)", description='Use when: the user says "go": do it'),
            ".claude/agents/b.md": agent("b", tools="Read, Bash(git *), mcp__x, *", model="claude-opus-4-8[1m]"),
            ".claude/agents/c.md": agent("c", tools="[Read, Task, LSP]", model="opusplan", color="RED", maxTurns="3"),
            ".claude/agents/d.md": "---\nname: d\ndescription: x\n---\n",
            ".claude/agents/e.md": agent("e") + "$ARGUMENTS and ${word} and !`command` are text here.\n",
        },
    )
    assert found_in(agentpack, ".claude/agents") == []


def test_of_two_files_with_one_name_the_one_that_is_not_used_is_told(agentpack: Agentpack, project: Path) -> None:
    """Claude Code 2.1.330 uses the last of them, in the order of their paths' bytes."""
    for path in ("Zed.md", "a.md", "b/c.md"):
        write_tree(project, {f".claude/agents/{path}": agent() + path})
    out = agentpack("pack", "check", ".claude/agents", expect=1).out
    assert found_in(agentpack, ".claude/agents") == [
        (".claude/agents/Zed.md", 0, "A203"),
        (".claude/agents/a.md", 0, "A203"),
    ]
    assert "a.md: A203 Claude Code ignores this file and uses `.claude/agents/b/c.md`, which has the same name" in out
    plugins = {f"plugins/{name}/agents/a.md": agent() + name for name in ("one", "two")}
    write_tree(project, plugins)
    assert found_in(agentpack, "plugins") == []


@pytest.mark.parametrize(
    ("path", "text", "rule", "words"),
    [
        (".gemini/agents/a.md", agent(color="red"), "A402", "has no field `color`, and does not load the file"),
        (".gemini/agents/a.md", agent(tools="read_file"), "A303", "does not load a file with `tools: read_file`"),
        (".gemini/agents/a.md", agent() + "${word}\n", "A503", "replaces `${word}` in the text"),
        (".gemini/agents/a.md", agent(x="a: b"), "A102", "cannot read the file: not valid YAML"),
        (".qwen/agents/a.md", agent(tools="[]"), "A303", "reads `tools: []` as no limit: the agent gets every tool"),
        (".qwen/agents/a.md", agent(tools="[Bash]"), "A301", "has no tool `Bash`"),
        (".opencode/agents/a.md", agent(model="sonnet"), "A401", "`sonnet` is not a known model of OpenCode"),
        (
            ".opencode/agents/a.md",
            agent(permission="{Bash: deny}"),
            "A302",
            "does not accept `Bash` for its tool `bash`",
        ),
        (".cursor/agents/a.md", agent(tools="[Read]"), "A402", "not a known field of Cursor, so it limits nothing"),
        (".factory/droids/a.md", agent(description="word " * 101), "A501", "has 504 characters; Factory Droid may cut"),
        (".codex/agents/a.toml", 'name = "a"\ndescription = "x"\ndeveloper_instructions = "x"\nsandbox_mode = '
         '"read-only"\n', "A404", "session's when it starts the agent, limits nothing"),
    ],
)  # fmt: skip
def test_each_client_reads_in_its_own_way(
    path: str, text: str, rule: str, words: str, agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {path: text})
    folder = path.rpartition("/")[0]
    assert rule in [one for _, _, one in found_in(agentpack, folder)]
    assert words in agentpack("pack", "check", folder, expect=None).out


# -- how it is said ----------------------------------------------------------------------------------------------------


def test_errors_count_and_warnings_with_strict(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/a.md": agent(category="x")})
    ran = agentpack("pack", "check", ".claude/agents")
    assert ran.err == ".claude/agents: 1 agent, 0 errors, 1 warning\n"
    agentpack("pack", "check", ".claude/agents", "--strict", expect=1)
    write_tree(project, {".claude/agents/b.md": "---\nname: b\n---\n"})
    agentpack("pack", "check", ".claude/agents", expect=1)


def test_the_formats_are_those_of_packs(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/a.md": agent(category="x"), ".claude/agents/README.md": "# Read me\n"})
    github = agentpack("pack", "check", ".claude/agents", "--format", "github").out
    assert github == "::warning file=.claude/agents/a.md,line=4,title=A402::Claude Code has no field `category`\n"
    data: dict[str, Any] = json.loads(agentpack("pack", "check", ".claude/agents", "--format", "json").out)["data"]
    assert data == {
        "packs": [],
        "agent_files": [
            {
                "path": ".claude/agents",
                "files": [{"file": ".claude/agents/a.md", "client": "claude", "name": "api-smith"}],
                "not_checked": [".claude/agents/README.md"],
                "findings": [
                    {
                        "file": ".claude/agents/a.md",
                        "line": 4,
                        "rule": "A402",
                        "message": "Claude Code has no field `category`",
                        "hint": None,
                        "level": "warning",
                        "name": "unknown-field",
                    }
                ],
            }
        ],
        "local_variants": [],
        "dry_run": False,
    }


def test_nothing_is_changed(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".claude/agents/a.md": agent(category="x")})
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    agentpack("pack", "check", ".claude/agents", "--fix")
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before
