"""Clients that nobody named and that were only found: they never make a command fail, and are named when skipped."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.collection_files import agent_text
from support.effort import sample
from support.packs import BODY, make_pack, persona_text, publish
from support.read_only import can_be_made, run_where_nothing_can_be_written
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.clients import CLIENTS, MODULES

ALL = sorted(MODULES)
STATE = (".local", ".cache")


@pytest.fixture
def packs(tmp_path: Path) -> str:
    """Packs that every client takes, and that some refuse."""
    limited = persona_text("limited", tools=["read", "search"])
    publish(
        tmp_path / "packs",
        make_pack("plain", personas={"plain": persona_text("plain", model="opus")}),
        make_pack("limited", personas={"limited": limited}),
        make_pack("glob", personas={"glob": persona_text("glob")}),
        make_pack("short", personas={"short": persona_text("short", "Look.\n")}),
        make_pack("needy", personas={"needy": persona_text("needy")}, requires=["limited"]),
    )
    return str(tmp_path / "packs")


def use(root: Path, *clients: str, scope: str = "project") -> None:
    """Make what shows that these clients are used."""
    for client in clients:
        target = CLIENTS[client]
        folder = target.folder(scope, {"XDG_CONFIG_HOME": "x"}) or ""
        marker = target.markers[0]
        if folder.startswith("$XDG_CONFIG_HOME/"):
            marker = folder.replace("$XDG_CONFIG_HOME", ".config").rpartition("/")[0]
        if marker != ".roomodes":
            (root / marker).mkdir(parents=True, exist_ok=True)
        elif not (root / marker).exists():
            (root / marker).write_text("customModes: []\n")


def skipped(agentpack: Agentpack, *words: str) -> Mapping[str, Any]:
    """What a command skips, by client."""
    data = agentpack(*words, "--json").envelope["data"]
    return {one["client"]: one for one in data["skipped"]}


def manifest(root: Path) -> str:
    return (root / "agentpack.yaml").read_text()


# All clients at once.


def test_with_every_client_there_those_that_can_get_the_persona_and_the_rest_is_named(
    agentpack: Agentpack, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(home, *ALL, scope="user")
    preview = agentpack("install", "--user", "python-engineer<3", "--dry-run", "--json").envelope["data"]
    ran = agentpack("install", "--user", "python-engineer<3")
    lines = [line for line in ran.err.splitlines() if line.startswith("skipped ")]
    left = {one["client"] for one in preview["skipped"]}
    names = json.loads((home / ".config/agentpack/agentpack.lock").read_text())["clients"]
    assert {*names, *left} == {*ALL}
    assert not {*names} & left
    assert len(lines) < len(left)
    assert all(any(CLIENTS[client].title in line for line in lines) for client in left)
    assert len(lines) == len({line.partition(": ")[2].partition(";")[0] for line in lines})
    agentpack("sync", "--user", "--locked")
    agentpack("lock", "--user", "--check")
    assert "nothing to change" in agentpack("install", "--user", "python-engineer<3").err
    before = tree(home, without=STATE)

    other = tmp_path / "other"
    for name in ("agentpack.yaml", "agentpack.lock"):
        write_tree(other / ".config/agentpack", {name: (home / f".config/agentpack/{name}").read_bytes()})
    monkeypatch.setenv("HOME", str(other))
    for name, below in {"CONFIG": ".config", "STATE": ".local/state", "CACHE": ".cache"}.items():
        monkeypatch.setenv(f"XDG_{name}_HOME", str(other / below))
    agentpack("sync", "--user")
    agentpack("sync", "--user", "--locked")
    agentpack("lock", "--user", "--check")
    files = {path: content for path, content in before.items() if not path.endswith("/") and path != ".roomodes"}
    assert tree(other, without=STATE) == files


@pytest.mark.many
@pytest.mark.parametrize("pack", ["plain", "limited", "glob", "short"])
@pytest.mark.parametrize("client", sample([client for client in ALL if client != "claude"]))
def test_a_found_client_is_skipped_just_where_it_would_refuse(
    agentpack: Agentpack, project: Path, packs: str, client: str, pack: str
) -> None:
    use(project, "claude", client)
    install = ("install", pack, "--source", packs)
    named = agentpack(*install, "--client", client, "--dry-run", expect=None)
    gone = skipped(agentpack, *install)
    assert (client in gone) == (named.exit_code != 0)
    assert (project / f".claude/agents/{pack}.md").exists()
    if gone:
        assert "clients: [claude]" in manifest(project)
        assert gone[client]["reason"]
    agentpack("sync", "--locked")
    agentpack("lock", "--check")


# Each way of failing.


def _foreign(project: Path) -> None:
    write_tree(project, {".codex/agents/plain.toml": "mine\n"})


def _no_folder(project: Path) -> None:
    write_tree(project, {".codex/agents": "a file\n"})


def _outside(project: Path) -> None:
    (project.parent / "outside").mkdir()
    (project / ".codex").symlink_to(project.parent / "outside")


def _not_a_file(project: Path) -> None:
    write_tree(project, {".codex/agents/plain.toml/x": "x"})


def _unreadable(project: Path) -> None:
    write_tree(project, {".roomodes": "customModes: [\n"})


def _other_model(project: Path) -> None:
    (project / ".kilo").mkdir()
    models = "models: {opus: {kilo: opus}}"
    write_tree(project, {"agentpack.yaml": f"schema: 1\n{models}\n"})


def _no_scope(project: Path) -> None:
    (project / ".zcode").mkdir()


def _behind_a_link(project: Path) -> None:
    (project / ".claude/agents").mkdir()
    (project / ".cursor").mkdir()
    (project / ".cursor/agents").symlink_to("../.claude/agents")


def _other_text(project: Path) -> None:
    declared = "schema: 1\ntitle: Mine\nproject: .claude/agents\ndescription: summary\nmarkers: [.mine]\n"
    write_tree(project, {".agentpack/clients/mine.yaml": declared, ".mine": ""})


WAYS: Mapping[str, tuple[Callable[[Path], None], str, str]] = {
    "a foreign file": (_foreign, "codex", "was not written by agentpack; add it with `--client codex --adopt`"),
    "a file in place of its folder": (_no_folder, "codex", "is not a folder"),
    "a folder in place of its file": (
        _not_a_file,
        "codex",
        "is not a regular file; move it elsewhere, then add it with",
    ),
    "a link out of the project": (_outside, "codex", ".codex` is a link"),
    "a shared file that cannot be read": (_unreadable, "roo", ".roomodes: "),
    "a model that it cannot be told": (_other_model, "kilo", "is not a model ID of Kilo; write an ID such as"),
    "no agents in this scope": (_no_scope, "zcode", "it has no agents in the project scope"),
    "a file of another client": (_other_text, "mine", "read the same file, but need different texts"),
    "a link to another client's folder": (_behind_a_link, "cursor", "links to the folder of Claude Code"),
}


@pytest.mark.many
@pytest.mark.parametrize("way", WAYS)
def test_a_found_client_that_cannot_be_written_is_skipped(
    agentpack: Agentpack, project: Path, packs: str, way: str
) -> None:
    make, client, words = WAYS[way]
    (project / ".claude").mkdir()
    make(project)
    before = tree(project)
    ran = agentpack("install", "plain", "--source", packs)
    (line,) = [line for line in ran.err.splitlines() if line.startswith("skipped")]
    assert line.startswith(f"skipped {'Mine' if client == 'mine' else CLIENTS[client].title}: ")
    assert words in line
    assert "clients: [claude]" in manifest(project)
    new = {*tree(project)} - {*before}
    assert {path for path in new if ".agentpack" not in path} <= {
        ".claude/agents/plain.md",
        "agentpack.yaml",
        "agentpack.lock",
    }
    assert all(tree(project)[path] == data for path, data in before.items() if data and path != "agentpack.yaml")
    agentpack("sync", "--locked")


def test_a_client_after_one_that_cannot_be_looked_at_is_found(agentpack: Agentpack, project: Path, packs: str) -> None:
    (project / ".github").symlink_to(".github")
    use(project, "cursor", "opencode")
    ran = agentpack("install", "plain", "--source", packs)
    [line] = [line for line in ran.err.splitlines() if line.startswith("skipped")]
    assert line.startswith(f"skipped {CLIENTS['copilot'].title}: ")
    assert "clients: [cursor, opencode]" in manifest(project)


def test_a_found_client_whose_folder_is_a_link_into_the_release_is_skipped(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack("plain", personas={"plain": persona_text("plain")}))
    use(project, "claude", "codex")
    (project / ".codex/agents").symlink_to("../packs/plain/1.0.0/personas")
    ran = agentpack("install", "plain", "--source", "packs")
    assert "skipped Codex: .codex/agents is a link into the source `packs`" in ran.err
    assert (project / ".claude/agents/plain.md").exists()
    assert [path.name for path in (project / "packs/plain/1.0.0/personas").iterdir()] == ["plain.md"]


def test_a_client_whose_folder_is_a_link_in_a_circle_is_skipped(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    (project / ".claude").mkdir()
    (project / ".github").symlink_to(".github")
    gone = skipped(agentpack, "install", "plain", "--source", packs)
    assert "is a link that leads to itself" in gone["copilot"]["reason"]
    agentpack("install", "plain", "--source", packs)
    assert "clients: [claude]" in (project / "agentpack.yaml").read_text()


def test_a_found_client_whose_folder_cannot_be_written_is_skipped(project: Path, packs: str) -> None:
    if not can_be_made(project):
        pytest.skip("this machine does not let root make a folder read-only")
    use(project, "claude", "codex")
    words = ["install", "plain", "--source", packs, "--json"]
    ran = run_where_nothing_can_be_written(project / ".codex", project, words)
    (gone,) = ran.envelope["data"]["skipped"]
    assert gone["client"] == "codex"
    assert re.search("Permission denied|Read-only file system", gone["reason"])
    assert (project / ".claude/agents/plain.md").exists()


def test_a_foreign_file_is_taken_over_where_that_was_asked_for(agentpack: Agentpack, project: Path, packs: str) -> None:
    (project / ".claude").mkdir()
    _foreign(project)
    agentpack("install", "plain", "--source", packs)
    assert (project / ".codex/agents/plain.toml").read_text() == "mine\n"
    agentpack("install", "plain", "--client", "codex", "--adopt")
    assert (project / ".codex/agents/plain.toml").read_text() != "mine\n"
    agentpack("rollback", "0")
    assert "clients: [claude, codex]" in agentpack("install", "plain", "--source", packs, "--adopt").err + manifest(
        project
    )


def test_adopting_is_only_named_where_it_settles_all_that_is_in_the_way(agentpack: Agentpack, project: Path) -> None:
    both = {name: persona_text(name) for name in ("one", "two")}
    publish(project / "packs", make_pack(personas=both))
    use(project, "claude", "codex")
    write_tree(project, {".codex/agents/one.toml": "mine\n", ".codex/agents/two.toml/x": "x"})
    gone = skipped(agentpack, "install", "data-reviewer", "--source", "packs", "--dry-run")["codex"]
    one, two = (f"{project}/.codex/agents/{name}.toml" for name in ("one", "two"))
    assert gone["reason"] == f"{one}: was not written by agentpack; {two}: is not a regular file"
    assert gone["way"].endswith("move it elsewhere, then add it with `--client codex`")
    shutil.rmtree(project / ".codex/agents/two.toml")
    gone = skipped(agentpack, "install", "data-reviewer", "--source", "packs", "--dry-run")["codex"]
    assert gone["reason"] == f"{one}: was not written by agentpack"
    assert gone["way"] == "add it with `--client codex --adopt`, which keeps the existing file in the history"


def test_what_was_accepted_is_not_skipped(agentpack: Agentpack, project: Path, packs: str) -> None:
    use(project, "claude", "codex")
    assert not skipped(agentpack, "install", "limited", "--source", packs, "--accept", "widened:codex")
    assert "clients: [claude, codex]" in manifest(project)


def test_where_no_found_client_takes_it_claude_is_the_default(agentpack: Agentpack, project: Path, packs: str) -> None:
    use(project, "codex")
    assert [*skipped(agentpack, "install", "limited", "--source", packs)] == ["codex"]
    assert "clients: [claude]" in manifest(project)
    write_tree(project, {".claude/agents/glob.md": "mine\n"})
    assert "was not written by agentpack" in agentpack("install", "glob", expect=3).err


def test_what_is_wrong_for_every_client_is_an_error(agentpack: Agentpack, project: Path, packs: str) -> None:
    use(project, "claude", "codex", "cursor")
    before = tree(project)
    agentpack("install", "plain", "--source", packs, "--set", "nothing=1", expect=2)
    assert tree(project) == before


def test_a_found_client_that_a_policy_does_not_allow_is_skipped(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    use(project, "claude", "codex")
    write_tree(project, {"agentpack.yaml": "schema: 1\npolicy:\n  capabilities: {deny: [every-tool]}\n"})
    install = ("install", "limited", "--source", packs, "--accept", "widened:codex")
    assert "is refused by `capabilities.deny`" in skipped(agentpack, *install)["codex"]["reason"]
    assert "clients: [claude]" in manifest(project)
    agentpack("install", "limited", "--client", "codex", "--accept", "widened:codex", expect=5)


def test_a_found_client_with_another_text_in_the_other_scope_is_skipped(
    agentpack: Agentpack, project: Path, packs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(project, "claude", "codex")
    monkeypatch.setenv("CODEX_HOME", str(project / ".codex"))
    agentpack("install", "plain", "--source", packs, "--user", "--client", "codex")
    publish(Path(packs), make_pack("plain", "1.1.0", personas={"plain": persona_text("plain", "Look again.\n")}))
    gone = skipped(agentpack, "install", "plain", "--source", packs)
    assert gone["codex"]["reason"] == "the user scope manages the same file with a different text"


@pytest.mark.parametrize("is_used", [False, True])
def test_a_folder_that_a_variable_names_shows_no_client_by_itself(
    agentpack: Agentpack, home: Path, packs: str, monkeypatch: pytest.MonkeyPatch, is_used: bool
) -> None:
    """It may hold anything; a folder of agents in it is what shows that the client is used."""
    use(home, "claude", scope="user")
    (home / "anywhere/agents" if is_used else home / "anywhere").mkdir(parents=True)
    monkeypatch.setenv("CODEX_HOME", str(home / "anywhere"))
    assert skipped(agentpack, "install", "plain", "--source", packs, "--user") == {}
    assert (home / "anywhere/agents/plain.toml").exists() is is_used


# Several packs.


def test_a_client_that_takes_one_of_two_packs_is_left_out_of_the_other_s_entry(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    use(project, "claude", "codex")
    gone = skipped(agentpack, "install", "plain", "limited", "--source", packs)
    assert gone["codex"]["packs"] == ["limited"]
    assert "clients: [claude, codex]" in manifest(project)
    assert "require: limited\n    clients: [claude]\n" in manifest(project)
    assert {".codex/agents/plain.toml", ".claude/agents/limited.md"} < {*tree(project)}
    agentpack("sync", "--locked")
    agentpack("lock", "--check")


def test_afterwards_the_clients_are_named_and_one_that_cannot_take_a_pack_refuses(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    use(project, "claude", "codex")
    agentpack("install", "plain", "--source", packs)
    ran = agentpack("install", "limited", expect=3)
    assert "Codex cannot limit tools, so limited would get every tool there; nothing was written" in ran.err
    assert "(`agentpack install limited --client claude`)" in ran.err
    agentpack("install", "limited", "--client", "claude")
    assert "require: limited\n    clients: [claude]\n" in manifest(project)


def test_a_pack_is_skipped_with_what_it_requires(agentpack: Agentpack, project: Path, packs: str) -> None:
    use(project, "claude", "codex")
    gone = skipped(agentpack, "install", "plain", "needy", "--source", packs)
    assert gone["codex"]["packs"] == ["needy"]
    assert {path for path in tree(project) if path.startswith(".codex")} == {".codex/agents/plain.toml"}
    agentpack("sync", "--locked")


# A manifest that names some clients, and others are used.


def test_a_client_that_was_skipped_for_one_pack_is_named_for_the_next(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    use(project, "claude", "codex", "gemini")
    agentpack("install", "limited", "--source", packs)
    assert "clients: [claude, gemini]" in manifest(project)
    assert "codex" not in agentpack("install", "limited").err  # which it would refuse
    note = "found here, but not in `clients:` of agentpack.yaml: codex; "
    assert "found here" not in agentpack("status").out
    ran = agentpack("install", "plain")
    assert f"note: {note}`agentpack install plain --client codex` adds it\n" in ran.err
    agentpack("install", "plain")
    assert f"clients   {note}`agentpack install plain --client codex` adds it\n" in agentpack("status").out
    agentpack("install", "plain", "--client", "codex")
    assert (project / ".codex/agents/plain.toml").exists()
    assert "found here" not in agentpack("install", "plain").err + agentpack("status").out


def test_clients_that_are_used_later_are_named_in_one_line(agentpack: Agentpack, project: Path, packs: str) -> None:
    agentpack("install", "plain", "short", "--source", packs)
    assert "found here" not in agentpack("status").out
    use(project, "codex", "gemini")
    note = "found here, but not in `clients:` of agentpack.yaml: codex, gemini; "
    way = "`agentpack install plain short --client codex,gemini`"
    ran = agentpack("install", "plain", "short")
    assert f"note: {note}{way} adds them\n" in ran.err
    assert "nothing to change" in ran.err
    assert f"{note}{way} adds them\n" in agentpack("status").out
    assert agentpack("status", "--json").envelope["data"]["unlisted"] == [
        {"clients": ["codex", "gemini"], "packs": ["plain", "short"]}
    ]
    for words in (("sync",), ("upgrade", "--yes"), ("diff",), ("install", "plain", "--client", "claude")):
        assert "found here" not in agentpack(*words).err
    agentpack(*way.strip("`").split()[1:])
    assert (project / ".codex/agents/short.toml").exists()
    assert (project / ".gemini/agents/plain.md").exists()
    assert "found here" not in agentpack("status").out


def test_packs_that_the_same_clients_used_later_could_get_are_told_together(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    """Of an agent that limits its tools Codex gets nothing, and of a pack with one it gets nothing either."""
    parts = {"free": persona_text("free", "Look.\n"), "bound": persona_text("bound", tools=["read"])}
    publish(Path(packs), make_pack("mixed", personas=parts))
    names = ("plain", "limited", "mixed", "short")
    agentpack("install", *names, "--source", packs, "--client", "claude")
    use(project, "codex", "gemini", "roo")
    found = "found here, but not in `clients:` of agentpack.yaml: "
    told = [
        f"{found}codex, gemini, roo; `agentpack install plain short --client codex,gemini,roo` adds them",
        f"{found}gemini, roo; `agentpack install limited mixed --client gemini,roo` adds them",
    ]
    assert [line.removeprefix("clients   ") for line in agentpack("status").out.splitlines()[-2:]] == told
    notes = [f"note: {line}" for line in told]
    assert agentpack("install", *names).err.splitlines()[1:] == [*notes, "nothing to change"]
    assert agentpack("status", "--json").envelope["data"]["unlisted"] == [
        {"clients": ["codex", "gemini", "roo"], "packs": ["plain", "short"]},
        {"clients": ["gemini", "roo"], "packs": ["limited", "mixed"]},
    ]
    agentpack("uninstall", "plain", "short")
    assert agentpack("status").out.splitlines()[-1] == f"clients   {told[1]}"


def test_a_client_used_later_is_named_for_packs_that_are_locked(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    agentpack("install", "plain", "--source", packs, "--client", "claude")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("- plain", "- short\n  - plain"))
    use(project, "codex")
    assert agentpack("status", "--json").envelope["data"]["unlisted"] == [{"clients": ["codex"], "packs": ["plain"]}]
    path.write_text(path.read_text().replace("  - plain", ""))
    assert "unlisted" not in agentpack("status", "--json").envelope["data"]


def test_no_client_used_later_is_named_where_none_gets_an_agent_or_the_entry_lists_its_own(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    agentpack("install", "limited", "plain", "--source", packs, "--client", "claude")
    path = project / "agentpack.yaml"
    path.write_text(manifest(project).replace("- plain", "- {require: plain, clients: [claude]}"))
    agentpack("sync")
    use(project, "codex")
    assert "unlisted" not in agentpack("status", "--json").envelope["data"]
    assert "found here" not in agentpack("status").out + agentpack("install", "plain", "limited").err


def test_a_client_used_later_is_named_for_collections_of_which_it_gets_an_agent(
    agentpack: Agentpack, project: Path
) -> None:
    bound = {"agents/bound.md": agent_text("bound", "Work.", more="tools: Read\n")}
    write_tree(project / "mixed", {**bound, "agents/free.md": agent_text("free", "Work.")})
    write_tree(project / "limited", {"agents/tied.md": agent_text("tied", "Work.", more="tools: Read\n")})
    for name in ("mixed", "limited"):
        agentpack("install", f"./{name}", "--client", "claude")
    use(project, "codex", "gemini")
    assert agentpack("status", "--json").envelope["data"]["unlisted"] == [
        {"clients": ["codex", "gemini"], "packs": ["mixed"]},
        {"clients": ["gemini"], "packs": ["limited"]},
    ]
    agentpack("install", "mixed", "--client", "codex,gemini")
    assert sorted(path.name for path in project.glob(".codex/agents/*")) == ["free.toml"]
    assert sorted(path.name for path in project.glob(".gemini/agents/*")) == ["bound.md", "free.md"]


def test_what_a_client_used_later_could_get_is_not_told_before_there_is_a_lock(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    agentpack("install", "plain", "--source", packs)
    use(project, "codex")
    (project / "agentpack.lock").unlink()
    assert "found here" not in agentpack("status").out


def test_alike_clients_are_skipped_in_one_line(agentpack: Agentpack, project: Path, packs: str) -> None:
    use(project, "antigravity", "claude", "codex")
    ran = agentpack("install", "limited", "--source", packs)
    way = "--client antigravity,codex --accept widened:antigravity,widened:codex"
    titles = f"{CLIENTS['antigravity'].title}, Codex"
    assert f"skipped {titles}: they cannot limit tools; add them with `{way}`\n" in ran.err
    agentpack("install", "limited", *way.split())
    assert (project / ".codex/agents/limited.toml").exists()


def test_a_client_that_reads_another_s_folder_is_told_so_when_it_is_added_later(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    reads = f"{CLIENTS['copilot'].title} reads .claude/agents/plain.md"
    agentpack("install", "plain", "limited", "--source", packs, "--client", "claude")
    note = f"note: {reads}: no second file is written for it\n"
    assert note in agentpack("install", "plain", "--client", "codex,copilot", "--dry-run").err
    assert note in agentpack("install", "plain", "--client", "codex,copilot").err
    assert f"{reads}\n" in agentpack("status").out
    ran = agentpack("install", "limited", "--client", "copilot")
    assert note.replace("plain", "limited") in ran.err
    assert "plain" not in ran.err
    assert "second file" not in agentpack("install", "limited", "--client", "gemini").err


def test_a_client_that_reads_another_s_folder_is_no_news_where_only_the_lock_was_put_back(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    agentpack("install", "short", "--source", packs, "--client", "claude,copilot")
    lock = project / "agentpack.lock"
    before = lock.read_bytes()
    told = agentpack("install", "plain").err
    assert f"note: {CLIENTS['copilot'].title} reads .claude/agents/plain.md: no second file" in told
    after = lock.read_bytes()
    lock.write_bytes(before)
    assert "second file" not in agentpack("sync").err
    assert lock.read_bytes() == after


# A manifest that names no clients.


@pytest.fixture
def unnamed(project: Path, packs: str) -> Path:
    """A manifest without clients, in a project where two are used."""
    use(project, "claude", "codex")
    text = f"schema: 1\nsources:\n  - {{name: packs, path: {packs}}}\npacks:\n  - plain\n  - limited\n"
    write_tree(project, {"agentpack.yaml": text})
    return project


def test_a_client_that_was_skipped_for_one_pack_is_told_what_it_reads_when_it_is_added_to_it(
    agentpack: Agentpack, unnamed: Path
) -> None:
    use(unnamed, "goose")
    (unnamed / ".codex").rmdir()
    reads = f"{CLIENTS['goose'].title} reads .claude/agents/"
    err = agentpack("sync").err
    assert f"note: {reads}plain.md: no second file is written for it\n" in err
    assert f"{reads}limited.md" not in err
    locked = json.loads((unnamed / "agentpack.lock").read_text())
    assert locked["clients"] == ["claude", "goose"]
    assert {row["name"]: row.get("clients") for row in locked["packs"]} == {"limited": ["claude"], "plain": None}
    err = agentpack("install", "limited", "--client", "goose", "--accept", "widened:goose").err
    assert f"note: {reads}limited.md: no second file is written for it\n" in err
    assert "plain.md" not in err
    assert "second file" not in agentpack("install", "limited", "--client", "gemini").err


def test_a_pack_for_fewer_clients_whose_variant_follows_a_release_stays_for_these(
    agentpack: Agentpack, unnamed: Path, packs: str
) -> None:
    agentpack("sync")
    file = unnamed / ".claude/agents/limited.md"
    file.write_text(file.read_text().replace("you change.", "you change anything."))
    agentpack("keep", "limited")

    def clients() -> list[Any]:
        data = json.loads((unnamed / "agentpack.lock").read_text())
        return [data["clients"], *((row["name"], row.get("clients")) for row in data["packs"])]

    before = clients()
    assert before == [["claude", "codex"], ("limited", ["claude"]), ("plain", None)]
    newer = persona_text("limited", BODY.replace("{#look}", "{#watch}"), tools=["read", "search"])
    publish(Path(packs), make_pack("limited", "1.1.0", personas={"limited": newer}))
    variant = unnamed / ".agentpack/variants/limited/local.md"
    before_it = variant.read_text()
    assert "- Look before you change anything. {#look}\n" in before_it
    agentpack("upgrade", "--yes")
    assert variant.read_text() == before_it.replace("{#look}", "{#watch}")
    assert clients() == before
    assert "- Look before you change anything.\n- Say" in file.read_text()


def test_a_client_that_is_skipped_for_a_new_pack_is_told_also_where_a_variant_follows_a_release(
    agentpack: Agentpack, unnamed: Path, packs: str
) -> None:
    agentpack("sync")
    file = unnamed / ".claude/agents/plain.md"
    file.write_text(file.read_text().replace("you change.", "you change anything."))
    agentpack("keep", "plain")
    newer = persona_text("plain", BODY.replace("{#look}", "{#watch}"), model="opus")
    strict = make_pack("strict", personas={"strict": persona_text("strict", tools=["read"])})
    publish(Path(packs), make_pack("plain", "1.1.0", personas={"plain": newer}), strict)
    write_tree(unnamed, {"agentpack.yaml": manifest(unnamed) + "  - strict\n"})
    gone = skipped(agentpack, "upgrade", "--yes")
    assert "{#watch}" in (unnamed / ".agentpack/variants/plain/local.md").read_text()
    assert {client: one["packs"] for client, one in gone.items()} == {"codex": []}


def test_a_client_that_gets_a_pack_with_what_it_requires_is_told_that_it_reads_both(
    agentpack: Agentpack, packs: str
) -> None:
    agentpack("install", "needy", "--source", packs, "--client", "claude")
    reads = f"note: {CLIENTS['copilot'].title} reads 2 files such as .claude/agents/"
    assert reads in agentpack("install", "needy", "--client", "copilot").err


@pytest.mark.parametrize("command", [("sync",), ("upgrade", "--yes"), ("lock",)])
def test_a_manifest_without_clients_never_fails_for_a_found_one(
    agentpack: Agentpack, unnamed: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    text = manifest(unnamed)
    gone = skipped(agentpack, *command)
    assert gone["codex"]["packs"] == ["limited"]
    assert manifest(unnamed) == text
    agentpack("lock", "--check")
    assert "skipped" not in agentpack("sync").err
    agentpack("sync", "--locked")
    agentpack("diff")
    files = {path: data for path, data in tree(unnamed).items() if not path.endswith("/")}
    assert ".codex/agents/plain.toml" in files
    assert ".codex/agents/limited.toml" not in files

    other = tmp_path / "clone"
    write_tree(other, {name: files[name] for name in ("agentpack.yaml", "agentpack.lock")})
    for words in (("sync",), ("sync", "--locked"), ("lock", "--check")):
        agentpack(*words, "--root", str(other))
    assert tree(other) == files


def test_the_lock_s_clients_count_before_those_found(agentpack: Agentpack, unnamed: Path) -> None:
    agentpack("sync")
    use(unnamed, "gemini")
    write_tree(unnamed, {"agentpack.yaml": manifest(unnamed) + "  - glob\n"})
    assert "skipped" not in agentpack("sync").err
    assert not list((unnamed / ".gemini/agents").iterdir())
    assert (unnamed / ".codex/agents/glob.toml").exists()


def test_a_client_that_could_not_take_a_pack_gets_it_once_it_is_named(agentpack: Agentpack, unnamed: Path) -> None:
    """What hindered it is gone, and the lock still says which clients each pack is for."""
    write_tree(unnamed, {"agentpack.yaml": manifest(unnamed) + "  - glob\n"})
    _foreign(unnamed)
    left = agentpack("sync", "--json").envelope["data"]["skipped"]
    assert sorted(pack for one in left for pack in one["packs"]) == ["limited", "plain"]
    file = unnamed / ".codex/agents/plain.toml"
    file.unlink()
    for command in (["sync"], ["upgrade", "--yes"]):
        assert "nothing to change" in agentpack(*command).err
    assert not file.exists()
    agentpack("install", "plain", "--client", "claude", "--client", "codex")
    assert file.exists()


def test_a_client_that_has_a_pack_keeps_it_where_the_lock_is_lost(agentpack: Agentpack, unnamed: Path) -> None:
    """What was accepted is lost with the lock, and is asked for again: a file in use is not taken away as if its client
    were only found.
    """
    agentpack("sync", "--accept", "widened:codex")
    before = {path: data for path, data in tree(unnamed).items() if path.startswith(".c")}
    assert ".codex/agents/limited.toml" in before
    (unnamed / "agentpack.lock").unlink()
    assert "--accept widened:codex" in agentpack("sync", expect=3).err
    assert {path: data for path, data in tree(unnamed).items() if path.startswith(".c")} == before


def test_a_found_client_keeps_the_released_files_that_are_there_where_lock_and_state_are_lost(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack())
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources: [{name: ours, path: packs}]\npacks: [data-reviewer]\n"})
    use(project, "claude", "qwen")
    agentpack("sync")
    before = tree(project)
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack/state")
    assert agentpack("sync").err.splitlines()[1:] == [
        "  + agentpack.lock  new",
        "generation 2; `agentpack rollback` undoes it",
    ]
    assert tree(project) == before
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack/state")
    newer = persona_text(body=BODY.replace("what you saw", "what you have seen"))
    publish(project / "packs", make_pack(version="1.1.0", personas={"reviewer": newer}))
    assert agentpack("install", "data-reviewer@latest").err.splitlines()[1:] == [
        "data-reviewer 1.0.0 -> 1.1.0",
        "  ~ .claude/agents/reviewer.md  updated",
        "  ~ .qwen/agents/reviewer.md  updated",
        "  ~ agentpack.yaml  updated",
        "  + agentpack.lock  new",
        "generation 2; `agentpack rollback` undoes it",
    ]


def test_a_conflict_in_a_file_of_ours_keeps_no_found_client_away(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources: [{name: ours, path: packs}]\npacks: [data-reviewer]\n"})
    use(project, "claude")
    agentpack("sync")
    (project / "agentpack.lock").unlink()
    file = project / ".claude/agents/reviewer.md"
    file.write_text(file.read_text().replace("what you saw", "what you think"))
    use(project, "codex")
    newer = persona_text(body=BODY.replace("what you saw", "what you have seen"))
    publish(project / "packs", make_pack(version="1.1.0", personas={"reviewer": newer}))
    assert agentpack("install", "data-reviewer@latest", "--partial", expect=3).err.splitlines()[1:4] == [
        "data-reviewer 1.1.0",
        "  ! .claude/agents/reviewer.md  in conflict, not changed",
        "  + .codex/agents/reviewer.toml  new",
    ]


def test_installing_into_such_a_manifest_names_the_clients_of_each_pack(agentpack: Agentpack, unnamed: Path) -> None:
    agentpack("sync")
    before = tree(unnamed)
    agentpack("install", "glob", "--client", "claude")
    assert "clients: [claude, codex]" in manifest(unnamed)
    assert "require: limited\n    clients: [claude]\n" in manifest(unnamed)
    assert {path: tree(unnamed)[path] for path in before if path.startswith(".c")} == {
        path: data for path, data in before.items() if path.startswith(".c")
    }
    agentpack("sync", "--locked")


def test_the_way_to_add_a_client_that_was_skipped_can_be_gone(agentpack: Agentpack, unnamed: Path) -> None:
    way = skipped(agentpack, "sync")["codex"]["way"]
    assert way == "add it with `agentpack install limited --client codex --accept widened:codex`"
    agentpack(*way.split("`")[1].split()[1:])
    assert (unnamed / ".codex/agents/limited.toml").exists()
    assert (unnamed / ".claude/agents/limited.md").exists()
    agentpack("sync", "--locked")


def test_what_was_accepted_for_one_pack_is_not_for_another(
    agentpack: Agentpack, project: Path, packs: str, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack("other", personas={"other": persona_text("other", tools=["read"])}))
    agentpack("install", "limited", "--source", packs, "--client", "codex", "--accept", "limited:widened:codex")
    before = tree(project)
    assert "other" in agentpack("install", "other", expect=3).err
    assert tree(project) == before
    lock = project / "agentpack.lock"
    assert '"limited:widened:codex"' in lock.read_text()
    lock.write_text(lock.read_text().replace("limited:widened:codex", "widened:codex"))  # as locks said it before
    assert "other" in agentpack("install", "other", expect=3).err
    agentpack("sync")


def test_an_edit_can_be_kept_beside_such_a_manifest(agentpack: Agentpack, unnamed: Path) -> None:
    agentpack("sync")
    before = {path for path in tree(unnamed) if path.startswith(".c")}
    path = unnamed / ".claude/agents/limited.md"
    path.write_text(path.read_text().replace("- Say what", "- Say all that"))
    agentpack("keep", "limited")
    assert {path for path in tree(unnamed) if path.startswith(".c")} == before
    agentpack("sync", "--locked")


def test_a_client_can_be_taken_away_from_such_a_manifest(agentpack: Agentpack, unnamed: Path) -> None:
    agentpack("sync")
    agentpack("uninstall", "--client", "codex")
    assert not (unnamed / ".codex/agents/plain.toml").exists()
    agentpack("sync", "--locked")


def test_adopting_beside_such_a_manifest_does_not_fail(agentpack: Agentpack, unnamed: Path) -> None:
    agentpack("sync")
    write_tree(
        unnamed, {".codex/agents/mine.toml": 'name = "mine"\ndescription = "It."\ndeveloper_instructions = "Look."\n'}
    )
    agentpack("adopt", ".codex/agents/mine.toml")
    assert "require: limited\n    clients: [claude]\n" in manifest(unnamed)
    agentpack("lock", "--check")


@pytest.mark.parametrize("command", ["show", "render"])
def test_looking_at_a_pack_is_for_the_clients_that_would_get_it(
    agentpack: Agentpack, project: Path, packs: str, command: str
) -> None:
    use(project, "antigravity", "claude", "codex", "qwen")
    write_tree(project, {"agentpack.yaml": f"schema: 1\nsources:\n  - {{name: packs, path: {packs}}}\n"})
    data = agentpack(command, "short", "--json").envelope["data"]
    if command == "show":
        assert "qwen" not in {size["client"] for size in data["sizes"]}
    assert agentpack("render", "limited", "--json").envelope["data"]["client"] == "claude"


@pytest.mark.parametrize("client", sorted(MODULES))
def test_the_table_has_the_beginning_of_each_marker(client: str) -> None:
    assert {*MODULES[client]} == {marker.partition("/")[0] for marker in CLIENTS[client].markers}


def test_a_client_that_is_not_used_is_not_loaded(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    script = "from agentpack.cli.app import run; import sys; run(['install', 'python-engineer']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=True)
    assert {name for name in MODULES if f"agentpack.clients.{name}" in done.stdout.split()} == {"claude"}
