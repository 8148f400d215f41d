"""adopt, with many files: copies of a collection's agents, folders of agents, and the local collection of the rest."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.collection_files import agent_text
from support.packs import make_pack, persona_text
from support.running import Agentpack
from support.trees import tree, with_state, write_tree

from agentpack.clients import CLIENTS, Clients
from agentpack.disk import Disk
from agentpack.workspace.locations import ManagedPlaces

AGENTS = ".claude/agents"
TEAM = ".agentpack/packs/team-agents/agents"
CLEAN = (("diff",), ("sync", "--check"), ("sync", "--locked"), ("sync", "--frozen"), ("upgrade", "--yes"))
"""What ends with 0 where nothing differs."""
OWN = "\n- Our own rule.\n"


def agent(name: str, text: str = "") -> str:
    rules = "".join(f"- Rule {number} of {name}, which says something.\n" for number in range(6))
    return f"---\nname: {name}\ndescription: Use for {name} work. Always: yes\n---\nYou do {name}.\n\n{rules}{text}"


def collection(folder: Path, *names: str) -> dict[str, str]:
    texts = {f"agents/{name}.md": agent(name) for name in names}
    write_tree(folder, {**texts, "README.md": "# Agents\n"})
    return texts


def with_source(project: Path, place: str = "../coll") -> None:
    text = f"schema: 1\nclients: [claude]\nsources:\n  - {{name: coll, path: {place}}}\n"
    (project / "agentpack.yaml").write_text(text)


def adopted(agentpack: Agentpack, *arguments: str) -> list[tuple[str, str, bool, bool]]:
    data = agentpack("adopt", *arguments, "--json").envelope["data"]["adopted"]
    return sorted((one["path"], one["pack"], one["local"], one["exact"]) for one in data)


# Copies of a collection's agents.


def test_a_hand_copied_collection_with_edits_is_recognised_as_one(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Ten copied agents are under management with two commands, the first of which may as well be an editor."""
    names = [f"worker-{letter}" for letter in "abcdefghij"]
    collection(tmp_path / "coll", *names)
    with_source(project)
    for name in names:
        write_tree(project, {f"{AGENTS}/{name}.md": agent(name, OWN if name[-1] in "ce" else "")})
    before = tree(project)
    found = adopted(agentpack)
    assert found == [(f"{AGENTS}/{name}.md", "coll", False, name[-1] not in "ce") for name in names]
    assert tree(project / AGENTS) == {f"{name}.md": before[f"{AGENTS}/{name}.md"] for name in names}
    assert (project / "agentpack.yaml").read_text().endswith("packs:\n  - require: coll\n    source: coll\n")
    assert agentpack("diff", expect=1).out.count("Our own rule") == 2
    state = with_state(project)
    assert "nothing to change" in agentpack("adopt").err
    assert with_state(project) == state
    for name in names:
        path = tmp_path / "coll/agents" / f"{name}.md"
        path.write_text(path.read_text().replace("Rule 0", "Rule zero"))
    agentpack("upgrade", "--yes")
    upgraded = (project / AGENTS / "worker-c.md").read_text()
    assert "Rule zero" in upgraded
    assert "Our own rule" in upgraded
    agentpack("rollback", "0")
    assert tree(project) == before


def test_of_a_part_of_a_collection_only_that_part_is_wanted_and_more_can_follow(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    texts = collection(tmp_path / "coll", "alpha", "beta", "gamma")
    with_source(project)
    for name in ("alpha", "gamma"):
        write_tree(project, {f"{AGENTS}/{name}.md": texts["agents/alpha.md" if name == "alpha" else "agents/gamma.md"]})
        assert adopted(agentpack) == [(f"{AGENTS}/{name}.md", "coll", False, True)]
    assert "personas: [alpha, gamma]" in (project / "agentpack.yaml").read_text()
    assert not (project / AGENTS / "beta.md").exists()
    for command in CLEAN:
        agentpack(*command)


def test_of_two_agents_with_one_name_only_the_first_is_the_collection_s(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    second = agent("alpha", OWN)
    write_tree(tmp_path / "coll", {"agents/a.md": agent("alpha"), "agents/b.md": second})
    with_source(project)
    write_tree(project, {f"{AGENTS}/alpha.md": second})
    assert adopted(agentpack) == [(f"{AGENTS}/alpha.md", "coll", False, False)]
    assert (project / AGENTS / "alpha.md").read_text() == second


def test_a_collection_whose_name_is_taken_is_named_after_its_source_as_well(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    write_tree(project / "mine/coll", {"agents/other.md": agent("other", OWN)})
    collection(tmp_path / "coll", "alpha", "beta")
    agentpack("install", "./mine/coll", "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("sources:\n", "sources:\n  - {name: house, path: ../coll}\n"))
    write_tree(project, {f"{AGENTS}/{name}.md": agent(name) for name in ("alpha", "beta")})
    assert {pack for _, pack, _, _ in adopted(agentpack)} == {"house-coll"}


def test_copies_in_folders_stay_there_through_upgrades(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    collection(tmp_path / "coll", "alpha", "beta")
    with_source(project)
    write_tree(project, {f"{AGENTS}/data/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    assert {pack for _, pack, _, _ in adopted(agentpack)} == {"coll"}
    path = tmp_path / "coll/agents/alpha.md"
    path.write_text(path.read_text().replace("Rule 0", "Rule zero"))
    agentpack("upgrade", "--yes")
    assert "Rule zero" in (project / AGENTS / "data/alpha.md").read_text()
    assert sorted(tree(project / AGENTS)) == ["beta.md", "data/alpha.md"]


def test_line_ends_hide_no_copy(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    text = agent("alpha").replace(". Always: yes", "")
    write_tree(tmp_path / "coll", {"agents/alpha.md": text})
    with_source(project)
    data = text.replace("\n", "\r\n").encode()
    write_tree(project, {f"{AGENTS}/alpha.md": data})
    assert adopted(agentpack) == [(f"{AGENTS}/alpha.md", "coll", False, True)]
    assert (project / AGENTS / "alpha.md").read_bytes() == data
    for command in CLEAN:
        agentpack(*command)


def test_an_agent_that_shares_only_the_name_is_one_of_the_team_s(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    collection(tmp_path / "coll", "alpha", "beta")
    with_source(project)
    other = "---\nname: beta\ndescription: x\n---\n- Something else.\n- And more.\n"
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": other})
    assert adopted(agentpack) == [
        (f"{AGENTS}/alpha.md", "coll", False, True),
        (f"{AGENTS}/beta.md", "team-agents", True, True),
    ]
    for command in CLEAN:
        agentpack(*command)


def test_of_two_collections_the_one_with_more_of_the_files_is_taken(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    collection(tmp_path / "other", "alpha")
    collection(tmp_path / "coll", "alpha", "beta")
    with_source(project)
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("  - {", "  - {name: other, path: ../other}\n  - {", 1))
    write_tree(project, {f"{AGENTS}/{name}.md": agent(name) for name in ("alpha", "beta")})
    assert {pack for _, pack, _, _ in adopted(agentpack)} == {"coll"}


def test_a_broken_source_keeps_no_file_from_being_adopted(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "coll", {".claude-plugin/marketplace.json": "{"})
    with_source(project)
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    assert adopted(agentpack) == [(f"{AGENTS}/alpha.md", "team-agents", True, True)]


@pytest.mark.parametrize("other", ["---\nname: other\ndescription: x\n---\nMine.\n", "# no agent\n"])
def test_install_with_adopt_keeps_the_edits_of_copies_and_replaces_what_is_something_else(
    agentpack: Agentpack, project: Path, tmp_path: Path, other: str
) -> None:
    collection(tmp_path / "coll", "alpha", "beta", "gamma")
    edited = agent("beta", OWN)
    write_tree(project, {f"{AGENTS}/{name}.md": text for name, text in (("beta", edited), ("gamma", other))})
    write_tree(project, {f"{AGENTS}/alpha.md": b"\xff no text"})
    err = agentpack("install", "../coll", "--client", "claude", "--adopt").err
    assert f"{AGENTS}/beta.md  your text kept" in err
    assert (project / AGENTS / "beta.md").read_text() == edited
    for name in ("alpha", "gamma"):
        assert (project / AGENTS / f"{name}.md").read_text() == agent(name)
    path = tmp_path / "coll/agents/beta.md"
    path.write_text(path.read_text().replace("Rule 0", "Rule zero"))
    agentpack("upgrade", "--yes")
    assert (project / AGENTS / "beta.md").read_text() == edited.replace("Rule 0", "Rule zero")


@pytest.mark.parametrize(
    ("client", "path", "text"),
    [
        ("opencode", ".opencode/agents/beta.md", f"---\ndescription: Mine.\n---\nYou do it my way.\n{OWN}"),
        ("kiro", ".kiro/agents/beta.md", f"---\ndescription: Mine.\n---\nYou do it my way.\n{OWN}"),
        ("claude", f"{AGENTS}/beta.md", f"---\ndescription: Mine.\n---\nYou do it my way.\n{OWN}"),
    ],
)
def test_install_with_adopt_keeps_a_copy_that_has_its_name_from_its_file(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str, path: str, text: str
) -> None:
    """As in clients whose files need no `name:`. Claude Code reads no agent in such a file."""
    collection(tmp_path / "coll", "beta")
    write_tree(project, {path: text})
    err = agentpack("install", "../coll", "--client", client, "--adopt").err
    assert (f"{path}  your text kept" in err) == (client != "claude")
    assert ((project / path).read_text() == text) == (client != "claude")


# The local collection.


def test_a_second_adoption_adds_to_the_same_collection(agentpack: Agentpack, project: Path) -> None:
    """An edit of a copy that was not taken yet is taken by the next upgrade, not by this."""
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    agentpack("adopt")
    (project / TEAM / "alpha.md").write_text(agent("alpha", OWN))
    write_tree(project, {f"{AGENTS}/beta.md": agent("beta")})
    assert adopted(agentpack) == [(f"{AGENTS}/beta.md", "team-agents", True, True)]
    assert (project / AGENTS / "alpha.md").read_text() == agent("alpha")
    assert (project / "agentpack.yaml").read_text().count("team-agents") == 1
    agentpack("upgrade", "--yes")
    assert (project / AGENTS / "alpha.md").read_text() == agent("alpha", OWN)
    for command in CLEAN:
        agentpack(*command)


def test_a_pack_of_the_same_name_from_elsewhere_gets_no_agent(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"team-agents/agents/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    agentpack("install", "./team-agents", "--client", "claude")
    before = tree(project / "team-agents")
    assert adopted(agentpack, f"{AGENTS}/beta.md") == [(f"{AGENTS}/beta.md", "team-agents-2", True, True)]
    assert tree(project / "team-agents") == before


def test_agents_for_other_clients_are_not_added_to_it(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    agentpack("adopt")
    text = (project / "agentpack.yaml").read_text()
    (project / "agentpack.yaml").write_text(text.replace("[claude]", "[claude, codex]"))
    agentpack("sync")
    write_tree(project, {f"{AGENTS}/beta.md": agent("beta")})
    assert adopted(agentpack) == [(f"{AGENTS}/beta.md", "team-agents-2", True, True)]


def test_the_note_says_where_to_edit_and_both_ways_go(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    assert f"edit {TEAM}/alpha.md and run `agentpack upgrade`" in agentpack("adopt").err
    (project / TEAM / "alpha.md").write_text(agent("alpha").replace("Rule 0", "Rule zero"))
    (project / AGENTS / "alpha.md").write_text(agent("alpha", OWN))
    agentpack("upgrade", "--yes")
    assert (project / AGENTS / "alpha.md").read_text() == agent("alpha", OWN).replace("Rule 0", "Rule zero")


def test_uninstall_asks_before_it_deletes_what_was_adopted(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    before = tree(project / AGENTS)
    agentpack("adopt")
    state = with_state(project)
    err = agentpack("uninstall", "team-agents", expect=3).err
    assert err.count("is your own file, which you adopted") == 2
    assert "`--keep-files`" in err
    assert with_state(project) == state
    agentpack("uninstall", "team-agents", "--keep-files")
    assert tree(project / AGENTS) == before
    assert {pack for _, pack, _, _ in adopted(agentpack)} == {"team-agents"}
    assert ".agentpack/packs/team-agents is kept" in agentpack("uninstall", "team-agents", "--discard-edits").err
    assert not (project / AGENTS / "alpha.md").exists()
    assert tree(project / TEAM) == before


def _leave_out(project: Path) -> tuple[str, ...]:
    return ("install", "team-agents", "--without", "team-agents/alpha")


def _take_the_pack_out_of_the_manifest(project: Path) -> tuple[str, ...]:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().partition("packs:")[0] + "packs: []\n")
    return ("sync",)


def _delete_the_copy(project: Path) -> tuple[str, ...]:
    (project / TEAM / "alpha.md").unlink()
    return ("upgrade", "--yes")


@pytest.mark.many
@pytest.mark.parametrize("way", [_leave_out, _take_the_pack_out_of_the_manifest, _delete_the_copy])
def test_no_command_deletes_what_was_adopted_without_a_decision(
    agentpack: Agentpack, project: Path, way: Callable[[Path], tuple[str, ...]]
) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    agentpack("adopt")
    command = way(project)
    state = with_state(project)
    err = agentpack(*command, expect=3).err
    assert f"{AGENTS}/alpha.md: is your own file, which you adopted" in err
    assert "`--on-conflict keep` leaves it on disk, `--on-conflict theirs` deletes it" in err
    assert with_state(project) == state
    agentpack(*command, "--on-conflict", "keep")
    assert (project / AGENTS / "alpha.md").read_text() == agent("alpha")
    agentpack("rollback")
    agentpack(*command, "--discard-edits")
    assert not (project / AGENTS / "alpha.md").exists()


def test_a_file_that_the_same_command_deletes_is_not_said_to_share_its_name(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {f"{AGENTS}/mine.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    agentpack("adopt")
    write_tree(project / "kit", make_pack("kit", personas={"alpha": persona_text(name="alpha")}))
    ran = agentpack("install", "./kit", "--without", "team-agents/alpha", "--discard-edits")
    assert f"  - {AGENTS}/mine.md  removed\n" in ran.err
    assert "is also named" not in ran.err


def test_an_agent_that_is_put_back_alone_comes_alone(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha"), f"{AGENTS}/beta.md": agent("beta")})
    agentpack("adopt")
    agentpack("uninstall", "team-agents", "--keep-files")
    (project / AGENTS / "beta.md").unlink()
    assert adopted(agentpack) == [(f"{AGENTS}/alpha.md", "team-agents", True, True)]
    assert not (project / AGENTS / "beta.md").exists()
    for command in CLEAN:
        agentpack(*command)


def test_status_names_the_command(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    said = "1 agent file not managed in .claude/agents (`agentpack adopt` manages it)"
    assert said in agentpack("status").out
    agentpack("adopt")
    assert "not managed" not in agentpack("status").out


def test_files_of_several_clients_stay_for_those(agentpack: Agentpack, project: Path) -> None:
    files = {
        f"{AGENTS}/alpha.md": agent("alpha"),
        ".codex/agents/beta.toml": 'name = "beta"\ndescription = "B"\ndeveloper_instructions = "Do."\n',
        ".github/agents/gamma.agent.md": "---\ndescription: G\n---\nDo.\n",
        ".opencode/agents/delta.md": "---\ndescription: D\nmode: subagent\n---\nDo.\n",
    }
    write_tree(project, files)
    before = tree(project)
    assert [(path, exact) for path, _, _, exact in adopted(agentpack)] == [(path, True) for path in sorted(files)]
    assert {path: data for path, data in tree(project).items() if path in files} == before
    for command in CLEAN:
        agentpack(*command)
    agentpack("rollback")
    assert tree(project) == before


def test_two_files_of_one_name_are_one_agent_to_the_client(agentpack: Agentpack, project: Path) -> None:
    files = {f"{AGENTS}/a/alpha.md": agent("alpha"), f"{AGENTS}/b/alpha.md": agent("alpha", OWN)}
    write_tree(project, files)
    for _ in range(2):
        assert f"skipped {AGENTS}/b/alpha.md: `{AGENTS}/a/alpha.md` has the same name" in agentpack("adopt").err
    assert {path: (project / path).read_text() for path in files} == files


def test_names_that_are_alike_are_two_agents(agentpack: Agentpack, project: Path) -> None:
    first = {f"{AGENTS}/one.md": agent("Code Reviewer"), f"{AGENTS}/two.md": agent("code-reviewer")}
    write_tree(project, first)
    assert len(adopted(agentpack)) == 2
    write_tree(project, {f"{AGENTS}/three.md": agent("code.reviewer")})
    agentpack("adopt")
    assert {path: (project / path).read_text() for path in first} == first
    for command in CLEAN:
        agentpack(*command)


# Folders, and files that stay where they are.


@pytest.mark.many
@pytest.mark.parametrize("named", [".", ".claude", AGENTS, f"{AGENTS}/backend", ""])
def test_a_folder_means_the_agents_in_it(agentpack: Agentpack, project: Path, named: str) -> None:
    path = f"{AGENTS}/backend/api/alpha.md"
    write_tree(project, {path: agent("alpha"), "docs/agents/beta.md": agent("beta"), f"{AGENTS}/.git/x.md": agent("x")})
    assert [row[0] for row in adopted(agentpack, *filter(None, [named]))] == [path]


def test_a_folder_without_agents_is_an_error(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"docs/agents/beta.md": agent("beta")})
    assert "docs: it contains no folder of agents" in agentpack("adopt", "docs", expect=2).err
    assert "nothing to change" in agentpack("adopt").err
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha")})
    assert "docs: it contains no folder of agents" in agentpack("adopt", "docs", expect=2).err


def test_without_arguments_only_the_clients_in_use_are_looked_at(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/alpha.md": agent("alpha"), ".cursor/agents/beta.md": agent("beta")})
    (project / "agentpack.yaml").write_text("schema: 1\nclients: [claude]\n")
    assert [row[0] for row in adopted(agentpack)] == [f"{AGENTS}/alpha.md"]


ELSEWHERE = {
    f"{AGENTS}/backend/alpha.md": agent("alpha"),
    f"{AGENTS}/review_test.v2.md": agent("Senior Reviewer"),
    f"{AGENTS}/deep/er/still/other.md": agent("Prüfer"),
}
"""Files that Claude Code reads and agentpack would write elsewhere."""


def test_files_stay_where_they_are_whatever_happens_to_them(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    def git(*words: str, cwd: Path = project) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=cwd, check=True)

    write_tree(project, ELSEWHERE)
    before = tree(project)
    assert len(adopted(agentpack)) == 3
    for command in CLEAN:
        agentpack(*command)
    for copy in sorted((project / TEAM).rglob("*.md")):
        copy.write_text(copy.read_text() + OWN)
    agentpack("upgrade", "--yes")
    assert {path: (project / path).read_text() for path in ELSEWHERE} == {p: t + OWN for p, t in ELSEWHERE.items()}
    assert sorted(path for path in tree(project) if path.startswith(AGENTS)) == sorted(ELSEWHERE)
    git("add", "--all")
    git("commit", "--quiet", "--message", "all")
    git("clone", "--quiet", str(project), str(tmp_path / "clone"))
    for command in CLEAN:
        agentpack(*command, cwd=tmp_path / "clone")
    (tmp_path / "clone" / AGENTS / "backend/alpha.md").unlink()
    agentpack("sync", cwd=tmp_path / "clone")
    assert (tmp_path / "clone" / AGENTS / "backend/alpha.md").read_text() == agent("alpha", OWN)
    agentpack("rollback", "0")
    assert tree(project) == before


def test_files_with_capitals_in_their_path_stay_through_everything(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    files = {
        f"{AGENTS}/Code-Reviewer.md": agent("Code Reviewer"),
        f"{AGENTS}/Back_End/apiDesigner.md": agent("api-designer"),
    }
    write_tree(project, files)
    agentpack("adopt")
    for words in (("sync", "--locked"), ("diff",), ("upgrade", "--yes")):
        agentpack(*words)
    copies = project / ".agentpack/packs/team-agents"
    (copies / "agents/Code-Reviewer.md").write_text(agent("Code Reviewer") + "More.\n")
    agentpack("upgrade", "--yes")
    assert (project / AGENTS / "Code-Reviewer.md").read_text().endswith("More.\n")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
    (clone / AGENTS / "Back_End/apiDesigner.md").unlink()
    agentpack("sync", cwd=clone)
    assert sorted(path for path in tree(clone) if path.startswith(AGENTS) and path.endswith(".md")) == sorted(files)


def test_a_lost_lock_moves_no_file(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, ELSEWHERE)
    agentpack("adopt")
    (project / "agentpack.lock").unlink()
    agentpack("sync")
    assert sorted(path for path in tree(project) if path.startswith(AGENTS)) == sorted(ELSEWHERE)


@pytest.mark.many
@pytest.mark.parametrize(
    "path",
    [
        ".claude/settings.md",
        f"{AGENTS}/README.md",
        f"{AGENTS}/PLANTED.md",
        f"{AGENTS}/My Notes.md",
        f"{AGENTS}/.hidden/x.md",
        f"{AGENTS}/.x.md",
        f"{AGENTS}/backend/x.sh",
        f"{AGENTS}/../x.md",
        "docs/x.md",
    ],
)
def test_a_row_of_a_lock_leads_nowhere_else(agentpack: Agentpack, project: Path, tmp_path: Path, path: str) -> None:
    """The pack is written where agentpack writes it, and the file of others stays."""
    write_tree(project, {f"{AGENTS}/backend/alpha.md": agent("alpha")})
    agentpack("adopt")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
    lock = json.loads((clone / "agentpack.lock").read_text())
    lock["files"][0]["path"] = path
    (clone / "agentpack.lock").write_text(json.dumps(lock))
    (clone / AGENTS / "backend/alpha.md").unlink()
    target = clone / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("mine\n")
    agentpack("sync", cwd=clone, expect=None)
    agentpack("uninstall", "team-agents", "--discard-edits", cwd=clone, expect=None)
    assert target.read_text() == "mine\n"


def test_a_link_in_a_folder_of_agents_leads_no_file_elsewhere(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    write_tree(project, {f"{AGENTS}/backend/alpha.md": agent("alpha"), "docs/alpha.md": "mine\n"})
    agentpack("adopt")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
    shutil.rmtree(clone / AGENTS / "backend")
    (clone / AGENTS / "backend").symlink_to("../../docs")
    assert "not for agents" in agentpack("sync", cwd=clone, expect=5).err
    assert (clone / "docs/alpha.md").read_text() == "mine\n"


parts = st.text("abAB.-_ /\\:$~#Ä\n\u202e", min_size=1, max_size=12)


@given(parts, st.sampled_from([".md", ".toml", ".agent.md", ""]))
def test_what_may_be_managed_lies_below_a_client_s_folder_and_is_not_hidden(below: str, end: str) -> None:
    places = ManagedPlaces(Disk({"": "/p"}), (), lambda: Clients(), "project")
    for client in ("claude", "codex", "copilot", "cursor"):
        folder = CLIENTS[client].project
        path = f"{folder}/{below}{end}"
        if places.holds_agent(path, client):
            inner = f"{below}{end}".split("/")
            assert all(re.fullmatch("[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*", part) for part in inner)
            assert re.search("[a-z0-9]", inner[-1].removesuffix(CLIENTS[client].file.partition("{name}")[2]))
            assert path.endswith(CLIENTS[client].file.partition("{name}")[2])
            assert CLIENTS[client].anywhere or len(inner) == 1


def test_files_that_were_there_before_an_adoption_outlive_every_way_back(agentpack: Agentpack, project: Path) -> None:
    text = agent_text("mine", "Be good.")
    write_tree(project, {".claude/agents/mine.md": text})
    before = tree(project)
    agentpack("adopt")
    adopted = tree(project)
    for number in range(6):
        agentpack("rollback")
        assert tree(project) == (adopted if number % 2 else before)


OWN_FORMS = {
    "opencode": "description: Helps.\nmode: subagent\npermission:\n  edit: deny # ours\n  bash: ask\n",
    "cursor": "name: helper\ndescription: Helps.\nreadonly: true\n",
    "gemini": "name: helper\ndescription: Helps.\ntools: [read_file]\ntemperature: 0.2\n",
    "kiro": "description: Helps.\ntools: [read]\n",
    "qwen": "name: helper\ndescription: Helps.\ntools:\n  - read_file\napprovalMode: plan\n",
}


@pytest.mark.many
@pytest.mark.parametrize("client", OWN_FORMS)
def test_a_file_in_another_client_s_own_form_becomes_one_of_a_collection(
    agentpack: Agentpack, project: Path, client: str
) -> None:
    path = f"{CLIENTS[client].project}/helper.md"
    text = f"---\n{OWN_FORMS[client]}---\n\nYou  help. \n\n- Ask.\n"
    write_tree(project, {path: text})
    ran = agentpack("adopt")
    copy = f".agentpack/packs/team-agents/{path}"
    assert f"from now on, edit {copy} and run `agentpack upgrade`" in ran.err
    assert (project / path).read_text() == (project / copy).read_text() == text
    assert not any("originals" in one for one in tree(project))
    for words in (("sync", "--locked"), ("diff",), ("sync", "--frozen")):
        agentpack(*words)
    (project / copy).write_text(text + "- Say.\n")
    agentpack("upgrade", "--yes")
    assert (project / path).read_text() == text + "- Say.\n"
    agentpack("rollback")
    assert (project / path).read_text() == text


def test_a_file_too_large_for_a_pack_is_passed_over(agentpack: Agentpack, project: Path) -> None:
    """Unread: it may be a sparse file of any size."""
    write_tree(project, {".claude/agents/one.md": "---\nname: one\ndescription: Works.\n---\nWork.\n"})
    with (project / ".claude/agents/large.md").open("wb") as file:
        file.write(b"---\nname: large\ndescription: Works.\n---\n")
        file.truncate(1 << 30)
    told = agentpack("adopt")
    assert "large.md: it is larger than 8 MiB" in told.out + told.err
    assert "one.md  now managed, unchanged" in told.out + told.err
    assert "large.md: it is larger than 8 MiB" in agentpack("adopt", ".claude/agents/large.md", expect=2).err


@pytest.mark.parametrize(
    "files",
    [
        {f"a{n}.md": "---\nname: x\n---\n" for n in range(2_001)},
        {f"a{n}.md": f"---\nname: a{n}\ndescription: d\n---\n{'x' * 7_000_000}\n" for n in range(5)},
        {f"a{n}.md": f"---\nname: a{n}\n" + "k: v\n" * 10_000 + "---\nx\n" for n in range(8)},
    ],
    ids=["files", "bytes", "headers"],
)
@pytest.mark.campaign
def test_more_files_than_a_pack_may_hold_are_refused_before_they_are_read(
    agentpack: Agentpack, project: Path, files: dict[str, str]
) -> None:
    write_tree(project / ".claude/agents", files)
    assert "too many files to adopt at once" in agentpack("adopt", expect=5).err


def test_a_file_that_its_client_would_not_get_beside_another_is_passed_over(
    agentpack: Agentpack, project: Path
) -> None:
    limited = "---\nname: {}\ndescription: Reads.\ntools: {}\n---\nYou read.\n"
    files = {
        f"{AGENTS}/one.md": limited.format("one", "Read"),
        ".github/agents/one.agent.md": limited.format("one", "[read]"),
        ".codex/agents/one.toml": 'name = "one"\ndescription = "Reads."\ndeveloper_instructions = "You read."\n',
        f"{AGENTS}/two.md": limited.format("two", "Read"),
    }
    write_tree(project, files)
    ran = agentpack("adopt")
    cannot = "Codex cannot limit it as the clients of the other files do: `--accept widened:codex` adopts it"
    assert f"skipped .codex/agents/one.toml: {cannot}" in ran.err
    reads = f"reads `{AGENTS}/one.md`, which has the same name"
    assert f"skipped .github/agents/one.agent.md: GitHub Copilot (CLI and VS Code) {reads}" in ran.err
    assert {path: (project / path).read_text() for path in files} == files
    assert "clients: [claude]" in (project / "agentpack.yaml").read_text()
    for look in CLEAN:
        agentpack(*look)
    agentpack("rollback", "0")
    agentpack("adopt", "--accept", "widened:codex")
    assert "clients: [claude, codex]" in (project / "agentpack.yaml").read_text()
    agentpack("rollback", "0")
    (project / AGENTS / "two.md").unlink()
    again = agentpack("adopt", f"{AGENTS}/one.md", ".github/agents/one.agent.md")
    assert "1 agent" in agentpack("status").out
    assert reads in again.err
