"""What holds for every client: a module is a skill where the client's agents can load one, and stands in the agent's
own text where they cannot; its files live and go like those of agents.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.effort import sample
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import everything, tree, write_tree

from agentpack.clients import CLIENTS, MODULES, SKILLS

PROJECT = {
    ".claude/skills": "claude",
    ".roo/skills": "roo",
    ".agents/skills": "augment cline codex commandcode copilot droid gemini goose grok kilo kimi opencode qwen "
    "reasonix vibe",
}
"""The folder for skills in a project, and the clients whose agents were seen to load what stands there, or whose code
says so. All others get every module in the agent's own text.
"""
FOLDER = {client: folder for folder, clients in PROJECT.items() for client in clients.split()}
ALWAYS = {"augment", "cline", "codex", "droid", "goose", "roo"}
"""Clients whose agents can load a skill whatever their list of tools says."""
BODY = """\
You are an engineer who looks before anything is changed, and who says what was found. {#identity}

## Rules {#rules}

- Look first. {#look}

## Concurrency {#async}

- Use task groups. {#groups}

### In depth {#deep}

- Shield little. {#shield}

## Speed {#perf}

- Measure. {#measure}

## End {#end}

- Say what you saw. {#say}
"""
LATER = (
    BODY.replace("Look first", "Look around first").replace("Use task", "Do use task").replace("Measure", "Measure it")
)
CONDITIONS = {"async": "writing concurrent code", "perf": "something is too slow"}
INLINE = ("- Use task groups.", "- Shield little.", "- Measure.")


def release(version: str = "1.0.0", body: str = BODY, agentpack: str = ">=0.2", **header: object) -> dict[str, bytes]:
    text = persona_text("engineer", body, **{"modules": CONDITIONS, **header})
    return make_pack("engineer", version, personas={"engineer": text}, agentpack=agentpack, license="MIT")


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return publish(tmp_path / "packs", release(), release("1.1.0", LATER))


@pytest.fixture
def install(agentpack: Agentpack, packs: Path) -> Callable[..., str]:
    def run(client: str, *words: str) -> str:
        asked = ("install", "engineer==1.0.0", "--source", str(packs), "--client", client)
        return agentpack(*asked, "--accept", f"widened:{client}", *words).err

    return run


def texts(folder: Path) -> dict[str, str]:
    """The agent's file and its skills, by path."""
    named = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*") if path.is_file()}
    agents = (".md", ".toml", ".json", ".yaml", ".roomodes")
    return {
        name: path.read_text()
        for name, path in named.items()
        if name.endswith(agents) and "agentpack/" not in name and not name.startswith("agentpack.")
    }


SCOPES = [
    (client, scope)
    for client in MODULES
    for scope in ("project", "user")
    if CLIENTS[client].folder(scope, {}) is not None
]


@pytest.mark.many
@pytest.mark.parametrize(("client", "scope"), sample(SCOPES, 2))
def test_a_module_is_a_skill_where_an_agent_can_load_it_and_else_in_its_text(
    client: str, scope: str, agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    root, option = (project, "--project") if scope == "project" else (home, "--user")
    before = {*texts(root)}
    source = publish(tmp_path / "denying", release(deny=["edit"]))
    words = ("install", "engineer", "--source", str(source), "--client", client, option)
    said = agentpack(*words, "--accept", f"widened:{client}").err
    found = {name: text for name, text in texts(root).items() if name not in before}
    skills = {name: text for name, text in found.items() if name.startswith(tuple(PROJECT))}
    (agent,) = (text for name, text in found.items() if name not in skills)
    agent = agent.replace("\\n", "\n")  # JSON
    assert "Look first." in agent
    assert "Say what you saw." in agent
    if client not in FOLDER:
        assert not skills
        assert all(line in agent for line in INLINE)
        assert "modules: written into the agent's own file, not as skills" in said
    else:
        assert skills == {
            f"{FOLDER[client]}/engineer-async/SKILL.md": "---\nname: engineer-async\n"
            'description: "Concurrency. Use when writing concurrent code."\n---\n'
            "## Concurrency\n\n- Use task groups.\n\n### In depth\n\n- Shield little.\n",
            f"{FOLDER[client]}/engineer-perf/SKILL.md": "---\nname: engineer-perf\n"
            'description: "Speed. Use when something is too slow."\n---\n## Speed\n\n- Measure.\n',
        }
        assert not any(line in agent for line in INLINE)
        assert "- When writing concurrent code: load the skill `engineer-async`." in agent
        assert "- When something is too slow: load the skill `engineer-perf`." in agent
    agentpack("uninstall", "engineer", option)
    assert {*texts(root)} == before


def test_a_skill_is_described_by_its_own_heading_and_when_to_read_it(
    project: Path, install: Callable[..., str]
) -> None:
    install("claude")
    text = (project / ".claude/skills/engineer-async/SKILL.md").read_text()
    assert "Concurrency. Use when writing concurrent code." in text


@pytest.mark.many
@pytest.mark.parametrize("client", sorted(FOLDER))
def test_an_agent_without_the_tool_for_skills_has_its_modules_in_its_text(
    client: str, project: Path, agentpack: Agentpack, tmp_path: Path
) -> None:
    source = publish(tmp_path / "limited", release(tools=["read", "search"]))
    words = ("install", "engineer", "--source", str(source), "--client", client)
    agentpack(*words, "--accept", f"widened:{client}")
    found = texts(project)
    can = client in ALWAYS or CLIENTS[client].tools is None or client == "grok"
    assert any(name.startswith(tuple(PROJECT)) for name in found) == can
    assert any("- Measure." in text for name, text in found.items() if not name.startswith(tuple(PROJECT))) != can


@pytest.mark.many
@pytest.mark.parametrize("client", ["claude", "codex", "roo", "cursor"])
def test_skills_live_and_go_like_agents(
    client: str, agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    before = everything(project)
    install(client)
    first = texts(project)
    edited = [name for name, text in first.items() if "task groups" in text]
    for name in edited:
        path = project / name
        path.write_text(path.read_text().replace("Shield little", "Shield nothing"))
    agentpack("upgrade", "--latest", "--yes")
    for name in edited:
        assert "Do use task groups" in (project / name).read_text()
        assert "Shield nothing" in (project / name).read_text()
    agentpack("keep", "engineer")
    assert "- Shield nothing. {#shield}" in (project / ".agentpack/variants/engineer/local.md").read_text()
    agentpack("diff", expect=0)
    agentpack("rollback", "1")
    assert texts(project) == first
    agentpack("uninstall", "engineer")
    assert texts(project) == {}
    assert {*everything(project)} - {*before} == {name for name in everything(project) if name.startswith(".agentpack")}


def test_edits_of_an_agent_and_of_its_skills_are_one_variant_that_follows_a_release(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Whichever file an edit is from, the variant has it where the persona has its rule."""
    rules = "- Say what you saw. {#say}\n  Line two.\n  Line three.\n- Rest. {#rest}\n"
    body = BODY.replace("- Say what you saw. {#say}\n", rules).replace("{#shield}", "{#shield}\n- Shield once. {#once}")
    later = release("1.1.0", body.replace("Line three", "The new line three"))
    source = publish(tmp_path / "long", release(body=body), later)
    agentpack("install", "engineer==1.0.0", "--source", str(source), "--client", "claude")
    agent, skill = (project / f".claude/{name}.md" for name in ("agents/engineer", "skills/engineer-async/SKILL"))
    edited = agent.read_text().replace("Say what", "Say all that").replace("- Rest.\n", "")
    agent.write_text(edited)
    skill.write_text(skill.read_text().replace("Use task", "Always use task").replace("- Shield once.\n", ""))
    agentpack("keep", "engineer", "--client", "claude")
    agentpack("upgrade", "--latest", "--yes")
    assert agent.read_text() == edited.replace("Line three", "The new line three")
    assert "- Always use task groups." in skill.read_text()
    assert "Shield once" not in skill.read_text()
    agentpack("diff")


def test_an_edit_of_a_skill_is_kept_for_the_client_that_reads_it(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    install("codex")
    path = project / ".agents/skills/engineer-perf/SKILL.md"
    path.write_text(path.read_text().replace("Measure.", "Measure it twice."))
    agentpack("keep", "engineer", "--client", "codex")
    assert "- Measure it twice. {#measure}" in (project / ".agentpack/variants/engineer/local.md").read_text()
    agentpack("diff")


def test_one_skill_that_several_clients_read_is_one_file_until_the_last_of_them_goes(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "engineer==1.0.0", "--source", str(packs), "--client", "codex", "--client", "opencode")
    skill = project / ".agents/skills/engineer-perf/SKILL.md"
    assert skill.exists()
    agentpack("uninstall", "--client", "codex")
    assert skill.exists()
    agentpack("install", "engineer", "--client", "cursor")
    agentpack("uninstall", "--client", "opencode")
    assert not skill.exists()
    assert not (project / ".agents").exists()


def test_a_skill_of_somebody_else_is_left_and_named(agentpack: Agentpack, project: Path, packs: Path) -> None:
    skill = project / ".claude/skills/engineer-perf/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("mine\n")
    ran = agentpack("install", "engineer", "--source", str(packs), "--client", "claude", expect=3)
    assert ".claude/skills/engineer-perf/SKILL.md" in ran.err
    assert skill.read_text() == "mine\n"
    assert not (project / ".claude/agents").exists()


def test_a_folder_that_somebody_else_made_is_left_and_named(
    agentpack: Agentpack, project: Path, packs: Path, install: Callable[..., str]
) -> None:
    folder = project / ".claude/skills/engineer-perf"
    write_tree(folder, {"scripts/measure.py": "mine\n"})
    before = everything(project)
    words = ("install", "engineer", "--source", str(packs), "--client", "claude")
    for more in ((), ("--adopt",)):
        ran = agentpack(*words, *more, expect=3)
        told = "would be written to a folder with files that agentpack did not write"
        assert f".claude/skills/engineer-perf/SKILL.md: {told}" in ran.err
        assert everything(project) == before
    shutil.rmtree(folder)
    write_tree(folder, {".DS_Store": "what a desktop leaves"})
    install("claude")
    write_tree(folder, {"scripts/measure.py": "mine\n"})  # beside ours
    (folder / "SKILL.md").unlink()
    agentpack("sync")
    agentpack("uninstall", "engineer")
    assert sorted(path.name for path in folder.rglob("*")) == [".DS_Store", "measure.py", "scripts"]


def test_a_file_of_somebody_else_beside_a_skill_hinders_no_way_back(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    install("claude")
    mine = project / ".claude/skills/engineer-async/extra.py"
    mine.write_text("mine\n")
    before = tree(project)
    agentpack("uninstall", "engineer")
    assert mine.read_text() == "mine\n"
    agentpack("rollback")
    assert tree(project) == before


def test_whose_edit_is_kept_is_asked_with_the_names_of_clients(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    install("claude")
    install("opencode")
    for folder in (".claude/skills", ".agents/skills"):
        skill = project / f"{folder}/engineer-perf/SKILL.md"
        skill.write_text(skill.read_text().replace("Measure.", f"Measure in {folder}."))
    ran = agentpack("keep", "engineer", expect=3)
    assert "`--client claude` or `--client opencode`" in ran.err
    agentpack("keep", "engineer", "--client", "claude", "--on-conflict", "keep")


@pytest.mark.parametrize(
    ("at", "to"), [(".claude/skills", "../.agents/skills"), (".agents/skills", "../.claude/skills")]
)
def test_a_folder_of_skills_that_is_a_link_to_another_is_written_once(
    at: str, to: str, agentpack: Agentpack, project: Path, packs: Path
) -> None:
    (project / at).parent.mkdir()
    (project / at).parent.joinpath(to).resolve().mkdir(parents=True)
    (project / at).symlink_to(to)
    agentpack("install", "engineer", "--source", str(packs), "--client", "claude", "--client", "codex")
    agentpack("sync", "--check")
    agentpack("uninstall", "engineer")
    assert (project / at).is_symlink()
    assert not list(project.rglob("SKILL.md"))


def test_no_link_leads_from_a_folder_of_agents_to_one_of_skills(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    (project / ".agents/skills").mkdir(parents=True)
    (project / ".claude").mkdir()
    (project / ".claude/agents").symlink_to("../.agents/skills")
    ran = agentpack("install", "engineer", "--source", str(packs), "--client", "claude", expect=5)
    assert "leads through a link to a folder that is not for agents" in ran.err


@pytest.mark.parametrize(("at", "to"), [(".claude/skills", "agents"), (".agents/skills", "../.opencode/agents")])
def test_no_link_makes_an_agent_of_a_skill(at: str, to: str, agentpack: Agentpack, project: Path, packs: Path) -> None:
    """It would have every tool there."""
    (project / at).parent.mkdir()
    (project / at).parent.joinpath(to).resolve().mkdir(parents=True)
    (project / at).symlink_to(to)
    before = everything(project)
    words = ("install", "engineer", "--source", str(packs), "--client", "claude", "--client", "opencode")
    assert "leads through a link to a folder that is not for skills" in agentpack(*words, expect=5).err
    assert everything(project) == before


@pytest.mark.parametrize("client", ["claude", "codex", "roo"])
def test_nothing_in_a_skill_runs_or_is_replaced_when_it_is_loaded(
    client: str, agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Claude Code runs such commands for an agent that has no shell, too."""
    text = "- Measure !`touch HERE` with $ARGUMENTS, $1 and ${CLAUDE_SKILL_DIR}. {#measure}\n\n"
    text += "```!\ntouch HERE\n```\n\n~~~!x\ny\n~~~"
    source = publish(tmp_path / "live", release(body=BODY.replace("- Measure. {#measure}", text)))
    ran = agentpack("install", "engineer", "--source", str(source), "--client", client)
    skill = (project / FOLDER[client] / "engineer-perf/SKILL.md").read_text()
    assert "- Measure ! `touch HERE` with $ ARGUMENTS, $ 1 and $ {CLAUDE_SKILL_DIR}." in skill
    assert "``` !\ntouch HERE\n```" in skill
    assert "~~~ !x" in skill
    assert "body: `!command` is written with a space in it 3 times" in ran.err
    agentpack("sync", "--check")


@pytest.mark.parametrize("odd", ["!`touch HERE`", "$ARGUMENTS"])
def test_a_module_whose_condition_a_client_might_interpret_stays_in_the_text(
    odd: str, agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    source = publish(tmp_path / "live", release(modules={"perf": f"something is {odd}"}))
    agentpack("install", "engineer", "--source", str(source), "--client", "claude")
    assert not (project / ".claude/skills").exists()
    assert "- Measure." in (project / ".claude/agents/engineer.md").read_text()


def test_a_condition_may_have_parameters(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    header = {"modules": {"perf": "{{ lang }} is too slow"}}
    text = persona_text("engineer", BODY, **header)
    lang = {"lang": {"type": "string", "default": "Python", "description": "The language."}}
    files = make_pack("engineer", personas={"engineer": text}, agentpack=">=0.2", parameters=lang)
    agentpack("install", "engineer", "--source", str(publish(tmp_path / "said", files)), "--client", "claude")
    skill = project / ".claude/skills/engineer-perf/SKILL.md"
    assert "Use when Python is too slow." in skill.read_text()
    agentpack("install", "engineer", "--set", "lang=Rust")
    assert "Use when Rust is too slow." in skill.read_text()
    assert "When Rust is too slow: load" in (project / ".claude/agents/engineer.md").read_text()


@pytest.mark.parametrize(("condition", "told"), [("{{ nope }} is slow", "nope"), ("  ", "must say when")])
def test_a_condition_that_says_nothing_is_refused(
    condition: str, told: str, agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    source = publish(tmp_path / "odd", release(modules={"perf": condition}))
    ran = agentpack("install", "engineer", "--source", str(source), "--client", "claude", expect=2)
    assert "modules" in ran.err
    assert told in ran.err


def test_a_persona_with_very_many_modules_is_refused(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    body = BODY + "".join(f"\n## M {{#m{n}}}\n\n- x\n" for n in range(51))
    source = publish(tmp_path / "many", release(body=body, modules={f"m{n}": "in doubt" for n in range(51)}))
    ran = agentpack("install", "engineer", "--source", str(source), "--client", "claude", expect=2)
    assert "modules" in ran.err
    assert "50" in ran.err


def test_two_modules_that_would_be_one_skill_are_refused(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    one = {"engineer": persona_text("engineer", BODY.replace("#perf", "#too-slow"), modules={"too-slow": "it is"})}
    two = {"engineer-too": persona_text("engineer-too", BODY.replace("#perf", "#slow"), modules={"slow": "it is"})}
    packs = (make_pack("one", personas=one, agentpack=">=0.2"), make_pack("two", personas=two, agentpack=">=0.2"))
    source = publish(tmp_path / "two", *packs)
    ran = agentpack("install", "one", "two", "--source", str(source), "--client", "claude", expect=4)
    assert "`one` and `two` both have a skill `engineer-too-slow`" in ran.err
    assert "rename one of the personas" in ran.err
    agentpack("install", "one", "--source", str(source), "--client", "claude")
    agentpack("install", "two", "--set", "modules=inline")


def test_two_modules_of_one_pack_that_would_be_one_skill_are_refused(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    personas = {
        name: persona_text(name, body.replace("#perf", f"#{id}"), modules={id: "it is"})
        for name, id, body in (("engineer", "too-slow", BODY), ("engineer-too", "slow", LATER))
    }
    source = publish(tmp_path / "one", make_pack("one", personas=personas, agentpack=">=0.2"))
    ran = agentpack("install", "one", "--source", str(source), "--client", "claude", expect=4)
    assert "both have a skill `engineer-too-slow`" in ran.err


def test_two_packs_with_one_name_for_a_skill_are_refused(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    other = persona_text("engineer-perf", BODY)
    split = {"engineer": persona_text("engineer", BODY, modules=CONDITIONS)}
    third = persona_text("engineer", BODY, modules=CONDITIONS)
    source = publish(
        tmp_path / "two",
        make_pack("one", personas=split, agentpack=">=0.2"),
        make_pack("two", personas={"engineer": third}, agentpack=">=0.2"),
        make_pack("three", personas={"engineer-perf": other}),
    )
    words = ("install", "one", "--source", str(source), "--client", "claude")
    agentpack(*words)
    assert "both have a persona `engineer`" in agentpack("install", "two", "--source", str(source), expect=4).err
    agentpack("install", "three", "--source", str(source))  # an agent and a skill may share a name


@pytest.mark.parametrize(
    ("mode", "skills", "inline"), [("auto", 2, False), ("skills", 2, False), ("inline", 0, True), ("none", 0, False)]
)
def test_the_parameter_says_how_modules_are_written(
    mode: str, skills: int, inline: bool, agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    install("claude", "--set", f"modules={mode}")
    found = texts(project)
    assert sum(name.startswith(tuple(PROJECT)) for name in found) == skills
    agent = found[".claude/agents/engineer.md"]
    assert ("- Measure." in agent) == inline
    assert ("load the skill" in agent) == bool(skills)
    assert agent.endswith("\n")
    assert not agent.endswith("\n\n")
    agentpack("sync", "--locked", "--check")


def test_a_pack_that_older_versions_read_keeps_its_modules_in_the_text(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """They would write it so, and both use one lock."""
    source = publish(tmp_path / "old", release(agentpack=">=0.1"))
    agentpack("install", "engineer", "--source", str(source), "--client", "claude")
    assert not (project / ".claude/skills").exists()
    assert "- Measure." in (project / ".claude/agents/engineer.md").read_text()
    assert "no parameter" in agentpack("install", "engineer", "--set", "modules=none", expect=2).err


def test_a_module_whose_skill_would_have_too_long_a_description_stays_in_the_text(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    longest = "x" * (1024 - len("Speed. Use when ."))
    conditions = {"perf": longest, "async": f"{longest}x{'x' * len('Concurrency')}"}
    source = publish(tmp_path / "long", release(modules=conditions))
    ran = agentpack("install", "engineer", "--source", str(source), "--client", "claude")
    assert "module `async`: written into the agent's own file, not as skills" in ran.err
    assert "module `perf`" not in ran.err
    assert [path.parent.name for path in (project / ".claude/skills").rglob("SKILL.md")] == ["engineer-perf"]
    assert "- Use task groups." in (project / ".claude/agents/engineer.md").read_text()


def test_a_module_whose_skill_no_client_would_read_stays_in_the_text(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    long, body = "e" * 50, BODY.replace("#perf", "#speed-and-memory")
    text = persona_text(long, body, modules={"speed-and-memory": "something is too slow"})
    files = make_pack("engineer", personas={long: text}, agentpack=">=0.2")
    agentpack("install", "engineer", "--source", str(publish(tmp_path / "long", files)), "--client", "claude")
    assert not (project / ".claude/skills").exists()
    assert "- Measure." in (project / f".claude/agents/{long}.md").read_text()


@pytest.mark.many
@pytest.mark.parametrize("client", sorted(name for name in FOLDER if CLIENTS[name].user is not None))
def test_in_the_user_scope_a_skill_is_where_the_client_looks_with_the_variables_set(
    client: str, agentpack: Agentpack, home: Path, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("install", "engineer==1.0.0", "--source", str(packs), "--client", client, "--user")
    agentpack(*words, "--accept", f"widened:{client}")
    folder = ".claude/skills" if client == "claude" else ".agents/skills"
    assert (home / folder / "engineer-perf/SKILL.md").exists()
    agentpack("uninstall", "engineer", "--user")
    assert not (home / folder).exists()
    use = CLIENTS[client].skills
    assert use is not None
    if use.moved_by:
        monkeypatch.setenv(use.moved_by, str(home / "moved"))
        assert use.moved_by in agentpack(*words, "--accept", f"widened:{client}").err
        assert not (home / folder).exists()


def test_why_modules_are_no_skills_is_told_for_each_client(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(*words: str, **header: Any) -> list[str]:
        source = publish(tmp_path / f"source-{len(list(tmp_path.iterdir()))}", release(**header))
        asked = ("install", "engineer", "--source", str(source), "--dry-run")
        return [line for line in agentpack(*asked, *words).err.splitlines() if "not as skills" in line]

    plain = "written into the agent's own file, not as skills"
    claude, copilot = ".claude/agents/engineer.md", ".github/agents/engineer.agent.md"
    assert notes("--client", "claude,codex") == []
    assert notes("--client", "cursor") == [
        f"note: .cursor/agents/engineer.md: modules: {plain}, the client's agents are not known to load skills"
    ]
    lacks = "the agent does not have the client's tool"
    assert notes("--client", "claude", tools=["read"]) == [f"note: {claude}: modules: {plain}, {lacks} `Skill`"]
    assert notes("--client", "copilot", tools=["read"]) == [f"note: {copilot}: modules: {plain}, {lacks} `skill`"]
    assert notes("--client", "claude", modules={"perf": "x" * 1010, "async": "writing"}) == [
        f"note: {claude}: module `perf`: {plain}, its name or description is too long for a skill, or contains text "
        "that a client might interpret"
    ]
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path / "moved"))
    assert notes("--client", "copilot") == []
    [note] = notes("--client", "copilot", "--user")
    assert note.endswith(f": modules: {plain}, COPILOT_HOME makes the client read skills elsewhere")


@pytest.mark.parametrize("folder", SKILLS)
def test_a_folder_of_skills_is_no_client_that_can_be_asked_for(
    folder: str, agentpack: Agentpack, project: Path, packs: Path
) -> None:
    ran = agentpack("install", "engineer", "--source", str(packs), "--client", folder, expect=2)
    assert f"there is no client `{folder}`" in ran.err
    assert folder not in agentpack("clients").out.split()


def test_what_is_read_when_is_told(agentpack: Agentpack, project: Path, install: Callable[..., str]) -> None:
    install("claude")
    assert "on demand" in agentpack("show", "engineer").out
    (size,) = (row for row in agentpack("show", "engineer", "--json").envelope["data"]["sizes"] if not row["variants"])
    assert size["on_demand_words"] > 20
    assert "claude-skills" not in agentpack("status").out
    assert "Concurrency" in agentpack("explain", "engineer-async").out
    assert "engineer-async" in agentpack("explain", "engineer", "--client", "claude", "--json").out
    assert agentpack("render", "engineer", "--persona", "engineer-perf").out.endswith("- Measure it.\n")
    path = project / ".claude/skills/engineer-perf/SKILL.md"
    path.write_text(path.read_text().replace("Measure.", "Measure it twice."))
    assert "measure changed" in agentpack("diff", "--format", "rules", "--client", "claude", expect=1).out
    patch = agentpack("keep", "engineer", "--patch").out
    assert "-- Measure. {#measure}\n+- Measure it twice. {#measure}" in patch


def test_a_release_that_makes_skills_of_its_text_may_do_more_than_one_without(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """A skill is offered to every agent of the client, so it is accepted like a capability."""
    plain = release(modules={}, tools=None)
    source = publish(tmp_path / "two", plain, release("1.1.0"))
    agentpack("install", "engineer==1.0.0", "--source", str(source), "--client", "claude")
    ran = agentpack("upgrade", "--latest", "--yes", expect=3)
    assert "skills" in ran.err
    agentpack("upgrade", "--latest", "--yes", "--accept", "skills")
    assert (project / ".claude/skills/engineer-perf/SKILL.md").exists()
