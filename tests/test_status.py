"""status: packs, edits, what is newer, and names used twice."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

FILE = ".claude/agents/reviewer.md"
FOREIGN = "---\nname: reviewer\ndescription: Somebody else.\n---\nHello.\n"


def install(agentpack: Agentpack, tmp_path: Path, requirement: str = "data-reviewer", *versions: str) -> Path:
    folder = publish(tmp_path / "packs", *(make_pack(version=version) for version in versions or ("1.0.0",)))
    agentpack("install", requirement, "--source", str(folder), "--client", "claude")
    return folder


def test_an_empty_project_says_that_nothing_is_installed(agentpack: Agentpack) -> None:
    ran = agentpack("status")
    assert ran.out == ""
    assert "nothing is installed here" in ran.err


def test_a_clean_pack_is_told_with_version_and_client(agentpack: Agentpack, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    out = agentpack("status").out
    assert "data-reviewer 1.0.0  for claude" in out
    assert "unchanged" in out


def test_an_edited_file_is_named_and_the_exit_code_stays_0(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    (project / FILE).write_text("edited\n")
    ran = agentpack("status")
    assert f"edited    {FILE}" in ran.out
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["files"][0]["state"] == "edited"


def test_a_missing_file_is_named(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    (project / FILE).unlink()
    assert f"missing   {FILE}" in agentpack("status").out


def test_a_folder_in_the_place_of_a_file_is_named(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    (project / FILE).unlink()
    (project / FILE).mkdir()
    assert f"blocked   {FILE}" in agentpack("status").out


def test_newer_releases_are_told_in_range_and_beyond(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = install(agentpack, tmp_path, "data-reviewer>=1,<2")
    publish(folder, make_pack(version="1.2.0"), make_pack(version="2.0.0"), make_pack(version="3.0.0rc1"))
    pack = agentpack("status", "--json").envelope["data"]["packs"][0]
    assert (pack["in_range"], pack["newest"]) == ("1.2.0", "2.0.0")
    out = agentpack("status").out
    assert "1.2.0 (`agentpack upgrade`)" in out
    assert "2.0.0, out of range" in out


def test_a_folder_whose_text_is_not_what_was_locked_is_named(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = publish(tmp_path / "packs", make_pack(), make_pack(version="0.9.0"))
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", "claude")
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["changed"] is False
    (packs / "data-reviewer/0.9.0/README.md").write_text("Older.\n")
    assert "  changed" not in agentpack("status").out
    (packs / "data-reviewer/1.0.0/README.md").write_text("Another.\n")
    told = "  changed   its text is not what was locked as 1.0.0 (`agentpack upgrade` says what to do)\n"
    assert told in agentpack("status").out
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["changed"] is True
    assert (
        "until its `version:` is raised, or `agentpack lock --upgrade-pack data-reviewer`" in agentpack("upgrade").err
    )
    agentpack("lock", "--upgrade-pack", "data-reviewer")
    assert "  changed" not in agentpack("status").out


def test_an_edited_pack_of_one_s_own_is_newer_under_the_same_version(agentpack: Agentpack, project: Path) -> None:
    text = "---\nname: zed\ndescription: The agent.\n---\n\n- Be brief.\n"
    codex = 'name = "zed"\ndescription = "The agent."\ndeveloper_instructions = """\n- Be brief.\n"""\n'
    write_tree(project, {".claude/agents/zed.md": text, ".codex/agents/zed.toml": codex})
    agentpack("adopt")
    own = project / ".agentpack/packs/zed/0.1.0/personas/zed.md"
    own.write_text(own.read_text().replace("Be brief", "Be very brief"))
    assert "newer     other texts (`agentpack upgrade`)" in agentpack("status").out
    agentpack("upgrade", "--yes")
    assert "other texts" not in agentpack("status").out


def test_the_installed_agents_of_a_collection_are_named(agentpack: Agentpack, project: Path) -> None:
    names = [f"smith-{letter}" for letter in "abcdefghi"]
    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work.") for name in names})
    agentpack("install", "./kit", "--only", "smith-b,smith-a")
    assert "\n  files     2, all unchanged: smith-a, smith-b (of 9)\n" in agentpack("status").out
    [row] = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["agents"], row["offered"], row["looked"]) == (["smith-a", "smith-b"], 9, True)
    assert (row["source"], row["address"]) == ("kit", "kit")
    agentpack("install", "./kit", "--all")
    assert ": smith-a, smith-b, smith-c, smith-d, smith-e, smith-f and 3 more\n" in agentpack("status").out
    assert f": {', '.join(names)}\n" in agentpack("status", "--verbose").out
    (project / ".claude/agents/smith-a.md").write_text("Edited.\n")
    assert "\n  agents    smith-a, smith-b, smith-c" in agentpack("status").out
    (project / "kit").rename(project / "gone")
    [row] = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["newest"], row["looked"], row["offered"]) == (None, False, None)


def test_a_hand_written_file_with_our_name_is_named(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    write_tree(project, {".claude/agents/sub/other.md": FOREIGN})
    (same,) = agentpack("status", "--json").envelope["data"]["same_names"]
    assert same["other"].endswith(".claude/agents/sub/other.md")
    assert ".claude/agents/sub/other.md is also named `reviewer`; Claude Code reads both" in agentpack("status").out


def test_the_same_name_in_the_user_scope_is_named_with_who_wins(
    agentpack: Agentpack, home: Path, tmp_path: Path
) -> None:
    install(agentpack, tmp_path)
    write_tree(home, {".claude/agents/mine.md": FOREIGN})
    out = agentpack("status").out
    assert "~/.claude/agents/mine.md (user scope) is also named `reviewer`; Claude Code reads both" in out
    assert "uses the project's" in out


def test_the_user_scope_tells_what_the_project_shadows(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    agentpack("install", "data-reviewer", "--source", str(tmp_path / "packs"), "--client", "claude", "--user")
    (same,) = agentpack("status", "--user", "--json").envelope["data"]["same_names"]
    assert same["scope"] == "project"


def test_agent_files_that_are_not_ours_are_counted(agentpack: Agentpack, project: Path) -> None:
    write_tree(
        project,
        {
            ".claude/agents/a.md": persona_text("alpha"),
            ".claude/agents/b.md": persona_text("beta"),
            ".claude/agents/README.md": "no agent\n",
            ".claude/agents/.draft.md": persona_text("gamma"),
        },
    )
    assert "2 agent files not managed in .claude/agents" in agentpack("status").out


def test_a_manifest_changed_since_the_lock_is_told(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "models: {opus: {claude: big}}\n")
    stale = agentpack("status", "--json").envelope["data"]["stale"]
    assert stale == ["agentpack.yaml: `models` has changed since the lock was written"]


def test_status_changes_nothing(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    install(agentpack, tmp_path)
    (project / FILE).write_text("edited\n")
    before = tree(project, without=(".git",))
    agentpack("status")
    assert tree(project, without=(".git",)) == before


def test_status_loads_neither_yaml_nor_pydantic_nor_the_resolver(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    install(agentpack, tmp_path)
    agentpack("status")  # the manifest is checked once, and kept
    code = (
        "import sys; from agentpack.cli.app import run; run(['status']); "
        "print(sorted({'yaml', 'pydantic', 'rich', 'agentpack.resolve'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_status_tells_what_a_client_does_with_a_persona(agentpack: Agentpack) -> None:
    agentpack(
        "install",
        "python-engineer",
        "--client",
        "claude",
        "--client",
        "copilot",
        "--client",
        "codex",
        "--set",
        "tools=",
    )
    out = agentpack("status").out
    assert "GitHub Copilot (CLI and VS Code) reads .claude/agents/python-engineer.md" in out
    assert "Codex reads a project's agents only once the project is trusted." in out
    uses = {use["client"]: use for use in agentpack("status", "--json").envelope["data"]["uses"]}
    assert uses["copilot"]["own"] is False
    assert uses["codex"]["path"] == ".codex/agents/python-engineer.toml"


def test_which_scope_wins_is_said_where_both_have_an_agent_of_that_name(agentpack: Agentpack, home: Path) -> None:
    agentpack("install", "python-engineer", "--client", "copilot,opencode", "--accept", "widened:opencode")
    assert "user" not in agentpack("status").out
    text = persona_text("python-engineer")
    write_tree(home, {".copilot/agents/mine.agent.md": text, ".config/opencode/agents/python-engineer.md": text})
    out = agentpack("status").out
    named = "is also named `python-engineer`; "
    assert f"{named}GitHub Copilot (CLI and VS Code) reads both and uses the user's\n" in out
    assert f"{named}OpenCode reads both and uses both, the project's fields first\n" in out


def test_where_a_pack_that_comes_with_agentpack_is_from(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    assert "source" not in agentpack("status").out
    assert "  source    bundled (comes with agentpack)\n" in agentpack("status", "--verbose").out


def test_a_variant_of_one_s_own_is_not_called_twice_the_same(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer[strict-typing]==1.1.0", "--client", "claude")
    path = project / ".claude/agents/python-engineer.md"
    path.write_text(path.read_text() + "\n## House\n\n- Wipe your feet.\n")
    agentpack("keep")
    assert "  variants  strict-typing, local (your own)\n" in agentpack("status").out


def test_what_is_set_is_in_status_show_and_history(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer", "-c", "claude,cursor", "--set", "model=sonnet", "--set", "line_length=99")
    assert "  set       line_length=99, model=sonnet\n" in agentpack("status").out
    (pack,) = agentpack("status", "--json").envelope["data"]["packs"]
    assert pack["parameters"] == {"line_length": 99, "model": "sonnet"}
    assert re.search(r"\n  model +sonnet here, default opus\n", agentpack("show", "python-engineer").out)
    agentpack("install", "python-engineer", "--unset", "model")
    rows = agentpack("history", "--json").envelope["data"]["generations"]
    assert [row["command"] for row in rows] == [
        "install python-engineer --client claude,cursor --set model=sonnet --set line_length=99",
        "install python-engineer --unset model",
    ]
    told = agentpack("history")
    assert "* is the current generation" in told.err
    assert agentpack("history", "2") == agentpack("history", "show", "2")


@pytest.mark.parametrize(
    ("offered", "in_range", "notes"),
    [
        ({"base-kit": ["2.0.0"]}, {}, ["base-kit 2.0.0 is newer, but top-kit 1.0.0 requires base-kit>=1,<2"]),
        (
            {"base-kit": ["1.1.0", "2.0.0"]},
            {"base-kit": "1.1.0"},
            ["base-kit 2.0.0 is newer, but top-kit 1.0.0 requires base-kit>=1,<2"],
        ),
        ({"base-kit": ["2.0.0"], "top-kit": ["2.0.0"]}, {"base-kit": "2.0.0", "top-kit": "2.0.0"}, []),
    ],
)
def test_a_newer_release_that_another_pack_keeps_out_is_no_offer(
    agentpack: Agentpack, project: Path, offered: dict[str, list[str]], in_range: dict[str, str], notes: list[str]
) -> None:
    def release(name: str, version: str) -> None:
        requires = [f"base-kit>={version[0]},<{int(version[0]) + 1}"] if name == "top-kit" else []
        personas = {name.removesuffix("-kit"): persona_text(name.removesuffix("-kit"))}
        publish(project / "packs", make_pack(name, version, personas=personas, requires=requires))

    release("base-kit", "1.0.0")
    release("top-kit", "1.0.0")
    agentpack("install", "base-kit", "top-kit", "--source", "packs")
    for name, versions in offered.items():
        for version in versions:
            release(name, version)
    rows = {row["name"]: row for row in agentpack("status", "--json").envelope["data"]["packs"]}
    assert {name: row["in_range"] for name, row in rows.items() if row["in_range"]} == in_range
    assert [f"base-kit 2.0.0 is newer, but {why}" for why in rows["base-kit"]["kept_out"]] == notes
    told = agentpack("status").out
    assert ("newer     2.0.0, but top-kit 1.0.0 requires base-kit>=1,<2\n" in told) == bool(notes)
    checked = agentpack("upgrade", "--check", expect=1 if in_range else 0).err
    assert [line.removeprefix("note: ") for line in checked.splitlines() if line.startswith("note: ")] == notes
    if notes:
        for words in (("upgrade", "--latest", "--yes"), ("diff", "--upgrade", "--latest")):
            assert f"note: {notes[0]}\n" in agentpack(*words).err
        held = agentpack("install", "base-kit").err
        assert f"is chosen, because {notes[0].partition(', but ')[2]}\n" in held
