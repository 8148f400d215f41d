"""Agents of a collection in clients that their files were not written for: tools one by one, what is skipped, and what
is left out.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.capabilities.of_file import capabilities
from agentpack.clients import CLIENTS
from agentpack.clients.read_back import canonical, read_agent_file
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.model.rendering import Rendering
from agentpack.render import render

ORIGIN = Origin("release", "docs 1.0.0")
HOOK = {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./guard.sh"}]}]}


def agent(name: str, header: str = "") -> str:
    return f"---\nname: {name}\ndescription: Looks after {name}.\n{header}---\nYou look after one part of the work.\n"


def collection(folder: Path, **agents: str) -> None:
    """A folder of agent files, `<name>.md` with these lines in the header."""
    write_tree(folder, {f"{name}.md": agent(name, header) for name, header in agents.items()})


def rendered(source: str, target: str, **fields: Any) -> Rendering:
    """The file for the target, of an agent whose file for the source has these fields."""
    header, _ = canonical(CLIENTS[source], {"name": "reviewer", "description": "Reviews.", **fields})
    rule = Rule(None, "Review every change with care.\n", "", None, "text", 0, ORIGIN)
    said = {key: Field(value, ORIGIN) for key, value in header.items() if key != "name"}
    persona = Persona("reviewer", said, (Section(None, 0, "", "", None, 0, (rule,), ORIGIN),))
    client = CLIENTS[target]
    file = render(persona, client, pack="x", scope="project", variables={}, models={}, source=CLIENTS[source])
    assert file is not None
    return file


def fields(file: Rendering) -> Mapping[str, Any]:
    """The native fields of a rendered file."""
    return dict(read_agent_file(CLIENTS[file.client], file.content, "reviewer").header)


def notes(file: Rendering) -> list[str]:
    return [note.subject for note in file.notes if note.subject]


# Tools, one by one.


@pytest.mark.parametrize(
    ("client", "tools", "may"),
    [
        ("opencode", "Read, Write", "edit, read"),
        ("gemini", "Read, Write", "edit, read"),
        ("copilot", "Read, Grep, NotebookEdit", "edit, read, search"),
        ("droid", "Read, Edit, WebFetch", "edit, read, web"),
        ("vibe", "Bash, Read", "read, shell"),
        ("opencode", "Read, Skill", "read, tool:skill"),
        ("commandcode", "Read, Skill", "read"),
        ("opencode", "WebFetch, Grep", "search/grep, web/webfetch"),
        ("gemini", "Read, mcp__github__search", "mcp:github/search, read"),
        ("copilot", "Read, mcp__github", "mcp:github, read"),
        ("opencode", "Read, mcp__docs__find", "mcp:docs/find, read"),
        ("kiro", "Read, Grep, Glob, Task", "delegate, read, search"),
    ],
)
def test_each_tool_gets_the_words_that_another_client_has_for_it(client: str, tools: str, may: str) -> None:
    file = rendered("claude", client, tools=tools)
    assert file.lost == ()
    assert ", ".join(file.capabilities) == may


def test_a_tool_gets_its_counterpart_and_a_whole_group_the_whole_group() -> None:
    assert "write_file" in rendered("claude", "gemini", tools="Write").content.decode()
    assert "replace" not in rendered("claude", "gemini", tools="Write").content.decode()
    assert '["replace", "write_file"]' in rendered("claude", "gemini", tools="Edit, Write").content.decode()
    assert '["glob"]' in rendered("claude", "gemini", tools="Glob").content.decode()
    assert '"LS"' in rendered("claude", "droid", tools="Read, LS").content.decode()
    assert rendered("droid", "opencode", tools=["LS"]).capabilities == ("read",)


def test_what_has_no_counterpart_is_left_out_and_named() -> None:
    file = rendered("claude", "gemini", tools="Read, TodoWrite, Bash(git:*), Task")
    assert file.capabilities == ("read",)
    assert sorted(notes(file)) == ["Bash(git:*)", "Task", "TodoWrite"]


def test_the_sets_of_vs_code_s_own_tools_are_no_servers() -> None:
    tools = ["read/readFile", "web/fetch", "execute/getTerminalOutput", "search/usages", "github/get_commit"]
    file = rendered("copilot", "claude", tools=tools)
    assert file.capabilities == ("mcp:github/get_commit", "read", "web")
    assert sorted(notes(file)) == ["execute/getterminaloutput", "search/usages"]


def test_a_part_of_a_tool_never_becomes_the_whole() -> None:
    for client in ("opencode", "gemini", "copilot", "qwen"):
        assert "shell" not in rendered("claude", client, tools="Read, Bash(git:*)").capabilities


def test_a_tool_that_the_source_does_not_have_gives_nothing_elsewhere() -> None:
    assert rendered("claude", "gemini", tools="LS, Grep").capabilities == ("search",)
    assert rendered("claude", "gemini", tools="Read, Write, LS, MultiEdit").capabilities == ("edit", "read")


def test_a_client_with_one_word_for_two_tools_gets_it_only_for_both() -> None:
    assert rendered("claude", "kiro", tools="Read, Grep, Glob").capabilities == ("read", "search")
    assert rendered("claude", "kiro", tools="Grep").lost == ("tools limited to Grep",)


@pytest.mark.parametrize("tools", [[], "", {"Read": True}, "mcp__unheard__of"])
def test_a_list_without_a_tool_gives_none_or_is_lost(tools: Any) -> None:
    for name in ("opencode", "gemini", "copilot"):
        file = rendered("claude", name, tools=tools)
        assert not {"read", "edit", "shell", "web", "every-tool"}.intersection(file.capabilities)
        assert file.lost == ()
    for name in ("codex", "augment", "goose", "cursor"):
        assert rendered("claude", name, tools=tools).lost != ()


def test_read_only_switches_are_used_where_they_grant_no_more() -> None:
    whole = rendered("claude", "cursor", tools="Read, Grep, Glob, WebFetch, WebSearch")
    assert (whole.lost, whole.capabilities) == ((), ("read", "search", "web"))
    assert rendered("claude", "cursor", tools="Read, Grep, Glob").lost == ("tools limited to Glob, Grep, Read",)
    assert rendered("claude", "cursor", tools="Read, Bash").lost == ("tools limited to Bash, Read",)
    assert rendered("claude", "cursor", disallowedTools="Edit, Write").lost == ()


def test_denied_tools_are_denied_as_whole_groups() -> None:
    file = rendered("claude", "opencode", disallowedTools="Write, mcp__github")
    assert (file.lost, file.capabilities) == ((), ("every-tool-but:edit+mcp:github",))
    assert rendered("claude", "qwen", disallowedTools="WebFetch").capabilities == ("every-tool-but:web",)
    assert rendered("claude", "gemini", disallowedTools="Task, CronCreate").capabilities == ("every-tool",)
    assert rendered("claude", "codex", disallowedTools="Write").lost == ("tools denied: Write",)
    assert rendered("claude", "gemini", disallowedTools="Edit").lost == ()


def test_other_clients_files_are_translated_for_claude() -> None:
    file = rendered("copilot", "claude", tools=["read", "search/codebase", "edit/createFile", "github/*", "todo"])
    assert file.lost == ()
    assert file.capabilities == ("edit", "mcp:github", "read", "search")
    assert "Write" in file.content.decode()
    assert "Edit" not in file.content.decode()
    assert notes(file) == ["todo"]
    opencode = rendered("opencode", "claude", permission={"*": "deny", "grep": "allow", "bash": "allow"})
    assert opencode.capabilities == ("search", "shell")


def test_the_client_that_the_file_was_written_for_gets_what_it_says() -> None:
    file = rendered("claude", "claude", tools="Read, Write, TodoWrite")
    assert fields(file)["clients"] == {"claude": {"tools": "Read, Write, TodoWrite"}}
    assert file.capabilities == capabilities(CLIENTS["claude"], file.content) == ("edit", "read", "tool:TodoWrite")


# Restrictions of other kinds, and fields that are left out.


def test_a_hook_that_can_stop_a_tool_is_a_restriction_and_others_are_left_out() -> None:
    assert rendered("claude", "opencode", hooks=HOOK).lost == ("the hook `PreToolUse`",)
    file = rendered("claude", "opencode", hooks={"PostToolUse": HOOK["PreToolUse"]}, maxTurns=3, skills=["a"])
    assert file.lost == ()
    assert notes(file) == ["hooks", "maxTurns", "skills"]
    assert rendered("claude", "codex", permissionMode="plan").lost == ("`permissionMode`, which only claude is given",)
    assert notes(rendered("claude", "codex", permissionMode="acceptEdits")) == ["permissionMode"]


def test_left_out_fields_are_one_line_for_all_files(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", one="maxTurns: 4\n", two="skills: a, b\n", three="memory: user\nmaxTurns: 5\n")
    ran = agentpack("install", "docs", "--source", "docs", "--client", "claude,codex,opencode")
    line = "note: `maxTurns`, `memory`, `skills` left out for codex, opencode (6 files): only Claude Code supports it"
    assert line in ran.err.splitlines()
    notes = agentpack("install", "docs", "--dry-run", "--adopt", "--json").envelope["data"]["client_notes"]
    assert notes == []


# What is skipped.


def lock(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "agentpack.lock").read_text())
    return found


def test_an_agent_is_skipped_only_for_the_client_that_cannot_restrict_it(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", mover="tools: Read, Write\n", reader="tools: Read, Grep\n", writer="")
    ran = agentpack("install", "docs", "--source", "docs", "--client", "claude,codex,devin,opencode")
    assert (
        "skipped for codex, devin: mover, reader: they cannot limit tools as these files ask; "
        "`agentpack install docs --accept widened:codex --accept widened:devin` writes them" in ran.err.splitlines()
    )
    assert sorted(path.name for path in (project / ".opencode/agents").iterdir()) == [
        "mover.md",
        "reader.md",
        "writer.md",
    ]
    assert [path.name for path in (project / ".codex/agents").iterdir()] == ["writer.toml"]
    rows = [(row["client"], row["pack"], row["persona"]) for row in lock(project)["skipped"]]
    assert rows == [(client, "docs", name) for client in ("codex", "devin") for name in ("mover", "reader")]
    assert lock(project)["skipped"][0]["reason"] == "tools limited to Read, Write"
    assert "skipped for codex, devin: mover, reader:" in agentpack("status").out
    (one,) = agentpack("status", "--json").envelope["data"]["skipped_agents"]
    assert (one["clients"], one["personas"], one["is_whole"]) == (["codex", "devin"], ["mover", "reader"], False)


def test_a_client_that_reads_the_file_from_anothers_folder_is_told_about(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", mover="tools: Read, Write\n", reader="tools: Read, Grep\n", writer="")
    ran = agentpack("install", "docs", "--source", "docs", "--client", "claude,goose")
    assert (
        "note: Goose reads 2 files such as .claude/agents/mover.md, but cannot limit tools as they ask"
        in ran.err.splitlines()
    )
    assert "skipped" not in lock(project)
    agentpack("sync", "--locked")


def test_every_check_agrees_with_a_lock_that_skips(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    collection(project / "docs", reader="tools: Read\n", writer="")
    agentpack("install", "docs", "--source", "docs", "--client", "claude,codex")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
    for folder in (project, clone):
        for words in (("sync", "--check"), ("lock", "--check"), ("diff",), ("sync", "--frozen"), ("sync", "--locked")):
            agentpack(*words, "--root", str(folder))
        assert tree(folder, without=(".agentpack",)) == tree(project, without=(".agentpack",))
    shutil.rmtree(clone / ".claude")
    shutil.rmtree(clone / ".codex")
    agentpack("sync", "--frozen", "--root", str(clone))
    assert tree(clone, without=(".agentpack",)) == tree(project, without=(".agentpack",))


def test_a_row_that_is_not_so_is_a_difference(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    collection(project / "docs", reader="tools: Read\n", writer="")
    agentpack("install", "docs", "--source", "docs", "--client", "claude,codex")
    path = project / "agentpack.lock"
    text = path.read_text()
    path.write_text(text.replace('"persona": "reader",\n   "reason"', '"persona": "writer",\n   "reason"'))
    assert path.read_text() != text
    agentpack("sync", "--check", expect=1)
    ran = agentpack("sync", "--locked", expect=3)
    assert "reader for codex (skipped)" in ran.err


def test_strict_refuses_and_accept_writes(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", reader="tools: Read\n", writer="")
    install = ("install", "docs", "--source", "docs", "--client", "claude,codex")
    before = tree(project)
    ran = agentpack(*install, "--strict", expect=3)
    assert "error: Codex cannot limit tools, so reader would get every tool there; nothing was written" in ran.err
    assert tree(project) == before
    agentpack(*install)
    agentpack("sync", "--strict", expect=3)
    agentpack("upgrade", "--strict", expect=3)
    assert not (project / ".codex/agents/reader.toml").exists()
    agentpack("sync", "--accept", "widened:codex")
    assert (project / ".codex/agents/reader.toml").exists()
    assert "skipped" not in lock(project)
    agentpack("sync", "--strict")
    agentpack("sync", "--locked")


def test_a_client_that_gets_nothing_is_told_as_such(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", reader="tools: Read\n", mover="tools: Write\n")
    ran = agentpack("install", "docs", "--source", "docs", "--client", "claude,codex")
    assert "skipped for codex: all agents of docs: it cannot limit tools" in ran.err
    assert not (project / ".codex").exists()


def test_a_found_client_takes_what_it_can_and_is_skipped_where_that_is_nothing(
    agentpack: Agentpack, project: Path
) -> None:
    for name in (".claude", ".codex"):
        (project / name).mkdir()
    collection(project / "docs", reader="tools: Read\n", writer="")
    collection(project / "notes", keeper="tools: Read\n")
    ran = agentpack("install", "docs", "--source", "docs")
    assert "skipped for codex: reader: it cannot limit tools as this file asks" in ran.err
    assert (project / ".codex/agents/writer.toml").exists()
    shutil.rmtree(project / ".codex")
    for name in ("agentpack.yaml", "agentpack.lock"):
        (project / name).unlink()
    shutil.rmtree(project / ".claude")
    shutil.rmtree(project / ".agentpack")
    for name in (".claude", ".codex"):
        (project / name).mkdir()
    ran = agentpack("install", "notes", "--source", "notes")
    assert "skipped Codex: it cannot limit tools; add it with" in ran.err
    assert "skipped" not in lock(project)
    assert "codex" not in (project / "agentpack.yaml").read_text()


def test_an_agent_that_asks_for_less_later_is_taken_away_and_named(agentpack: Agentpack, project: Path) -> None:
    publish = project / "packs/docs"
    write_tree(publish, {"reader.md": agent("reader"), "writer.md": agent("writer")})
    agentpack("install", "docs", "--source", "packs/docs", "--client", "claude,codex")
    assert (project / ".codex/agents/reader.toml").exists()
    write_tree(publish, {"reader.md": agent("reader", "tools: Read\n")})
    ran = agentpack("lock", "--upgrade-pack", "docs")
    assert "skipped for codex: reader: it cannot limit tools" in ran.err
    agentpack("sync")
    assert not (project / ".codex/agents/reader.toml").exists()
    agentpack("sync", "--locked")


def test_a_skipped_agent_is_told_once_and_listed_always(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", reader="tools: Read\n", writer="")
    first = agentpack("install", "docs", "--source", "docs", "--client", "claude,codex")
    assert "skipped for codex: reader" in first.err
    assert "skipped for" not in agentpack("install", "python-engineer", "--client", "claude").err
    (one,) = agentpack("sync", "--json").envelope["data"]["skipped_agents"]
    assert (one["personas"], one["reasons"], one["is_new"]) == (["reader"], ["tools limited to Read"], False)


def test_a_local_variant_limits_the_agent_in_every_client(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", reader="tools: Read, Grep, Write, TodoWrite\n")
    variant = "---\nsummary: Looks only.\nset: {tools: [read]}\n---\n"
    write_tree(project / ".agentpack/variants/reader", {"look.md": variant})
    ran = agentpack("install", "docs[look]", "--source", "docs", "--client", "claude,opencode,codex")
    rows = {row["client"]: row["capabilities"] for row in lock(project)["files"]}
    assert rows == {"claude": "read", "opencode": "read"}
    assert "skipped for codex" in ran.err


def test_what_one_client_would_refuse_is_skipped_for_it_only(agentpack: Agentpack, project: Path) -> None:
    collection(project / "docs", summary="", writer="", reader="tools: Read\n")
    (project / "docs/short.md").write_text(agent("short").replace("You look after one part of the work.", "Look."))
    install = ("install", "docs", "--source", "docs", "--client", "claude,opencode,qwen")
    refused = agentpack(*install, "--strict", expect=2)
    assert "persona `short`: qwen refuses a body of under 10 characters" in refused.err
    lines = agentpack(*install).err.splitlines()
    assert "skipped for opencode: summary: OpenCode keeps the name for itself" in lines
    assert "skipped for qwen: short: qwen refuses a body of under 10 characters" in lines
    written = sorted(path.stem for path in project.glob(".*/agents/*.md"))
    assert written == sorted(["summary"] * 2 + ["reader"] * 3 + ["short"] * 2 + ["writer"] * 3)
    agentpack("sync", "--locked")
    agentpack("lock", "--check")


def test_names_in_messages_are_bounded() -> None:
    file = rendered("claude", "codex", tools=", ".join(f"mcp__{'x' * 200}__t{number}" for number in range(300)))
    assert len(file.lost[0]) < 1_500
    assert all(len(note) <= 80 for note in notes(rendered("claude", "qwen", tools=f"Read, mcp__{'x' * 5_000}__t")))


def test_the_other_packs_refuse_as_before(agentpack: Agentpack, project: Path) -> None:
    from support.packs import make_pack, persona_text, publish

    limited = persona_text("limited", clients={"claude": {"tools": "Read, TodoWrite"}})
    publish(project / "packs", make_pack("limited", personas={"limited": limited}))
    ran = agentpack("install", "limited", "--source", "packs", "--client", "claude,opencode", expect=3)
    assert "`tools`, which only claude is given" in ran.err


def test_the_file_is_written_as_it_is_for_its_own_client(agentpack: Agentpack, project: Path) -> None:
    text = agent("pm-one", "category: meta\n# why\nversion: 1\ncolor: magenta\ntools: {}\n")
    write_tree(project / "meta", {"pm-one.md": text})
    agentpack("install", "meta", "--source", "meta", "--client", "claude")
    assert (project / ".claude/agents/pm-one.md").read_text() == text


def test_a_file_for_a_client_that_reads_another_one_s_folder_too_is_written_for_both(
    agentpack: Agentpack, project: Path
) -> None:
    """Copilot uses the agent in its own folder, and would lose what only its author's file says."""
    text = "---\nname: helper\ndescription: Helps.\ntools: ['read']\nmodel: GPT-5\ntarget: vscode\n---\nYou help.\n"
    write_tree(project / "kit", {"agents/helper.agent.md": text, "agents/plain.md": agent("plain")})
    ran = agentpack("install", "./kit", "--client", "claude,copilot")
    assert (project / ".github/agents/helper.agent.md").read_text() == text
    assert "You help." in (project / ".claude/agents/helper.md").read_text()
    assert not (project / ".github/agents/plain.agent.md").exists()
    assert "reads .claude/agents/plain.md: no second file is written for it" in ran.err
    assert "is also named" not in ran.err + agentpack("status").out
    for words in (("diff",), ("sync", "--locked"), ("sync", "--frozen")):
        agentpack(*words)
    agentpack("uninstall", "kit", "--client", "claude")
    assert (project / ".github/agents/helper.agent.md").read_text() == text
    assert not (project / ".claude/agents/helper.md").exists()
