"""Installing for every client: all or none, nothing wider than the pack says, and nobody else's text touched."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.user_declared import is_for_agents

pytestmark = pytest.mark.untraced
ALL = sorted(MODULES)
HOSTILE = "Use it: when \"quoted\" or 'quoted'\non two lines # no comment --- `code` 🦉"
BODY = "You say '''three''', \"\"\"three\"\"\", back\\slash, ${HOME}, {file:x}.\n\n" + "- A rule of many.\n" * 2300


def for_clients(clients: Sequence[str]) -> list[str]:
    return [word for client in clients for word in ("--client", client)]


@pytest.fixture
def packs(tmp_path: Path) -> str:
    folder = tmp_path / "packs"
    publish(
        folder, make_pack("hostile", "1.0.0", personas={"hostile": persona_text("hostile", BODY, description=HOSTILE)})
    )
    limited = persona_text("limited", tools=["read", "search"])
    publish(folder, make_pack("limited", "1.0.0", personas={"limited": limited}))
    return str(folder)


@pytest.mark.many
@pytest.mark.parametrize("scope", ["--project", "--user"])
@pytest.mark.parametrize(
    "requirement",
    [
        "python-engineer<2",
        "python-engineer[strict-typing]<2",
        "python-engineer[data-pipeline]<2",
        "python-engineer[data-pipeline,strict-typing]<2",
        "hostile",
    ],
)
def test_all_clients_get_a_persona_in_one_transaction(
    agentpack: Agentpack, packs: str, requirement: str, scope: str
) -> None:
    source = ("--source", packs) if requirement == "hostile" else ()
    data = agentpack("install", requirement, *source, scope, "--json", *for_clients(ALL)).envelope["data"]
    assert data["generation"] == 1
    written = {file["client"] for file in data["files"]}
    told = " ".join(data["notes"])
    for client in ALL:
        assert client in written or CLIENTS[client].title in told
    agentpack("diff", scope)
    assert "nothing to change" in agentpack("install", requirement, scope).err


def test_the_engineer_of_today_asks_for_no_consent(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer", *for_clients(ALL))
    agentpack("diff")


def test_the_engineer_of_2_asks_for_consent_where_a_client_cannot_limit_tools(agentpack: Agentpack) -> None:
    ran = agentpack("install", "python-engineer>=2,<3", *for_clients(ALL), expect=3)
    assert "tools limited to read, search, edit, shell" in ran.err
    consent = " ".join(re.findall(r"`(--accept \S+)`", ran.err)).split()
    agentpack("install", "python-engineer>=2,<3", *for_clients(ALL), *consent)
    agentpack("diff")


def test_one_client_that_must_refuse_stops_all(agentpack: Agentpack, project: Path, packs: str) -> None:
    before = tree(project)
    ran = agentpack("install", "limited", "--source", packs, *for_clients(ALL), expect=3)
    assert "--accept widened:goose" in ran.err
    assert "tools limited to read, search" in ran.err
    assert {p: d for p, d in tree(project).items() if ".agentpack" not in p} == before


def test_what_was_accepted_is_locked_and_not_asked_again(agentpack: Agentpack, project: Path, packs: str) -> None:
    chosen = for_clients(["claude", "goose", "codex"])
    accept = ["--accept", "widened:goose", "--accept", "widened:codex"]
    agentpack("install", "limited", "--source", packs, *chosen, *accept)
    assert json.loads((project / "agentpack.lock").read_text())["accepted"] == [
        "limited:widened:codex",
        "limited:widened:goose",
    ]
    agentpack("sync")
    agentpack("sync", "--locked")
    agentpack("diff")


def test_what_was_accepted_for_one_pack_counts_for_no_other(agentpack: Agentpack, packs: str) -> None:
    accepted = agentpack("install", "limited", "--source", packs, "-c", "codex", "--accept", "widened:codex")
    assert '"tools limited to read, search" is not enforced, you accepted this' in accepted.err
    ran = agentpack("install", "python-reviewer", expect=3)
    assert ": python-reviewer: tools denied: edit" in ran.err
    agentpack("install", "python-reviewer", "--accept", "limited:widened:codex", expect=3)
    agentpack("install", "python-reviewer", "--accept", "python-reviewer:widened:codex")


def test_a_lock_from_before_acceptances_named_their_pack_accepts_for_its_packs(
    agentpack: Agentpack, project: Path, packs: str
) -> None:
    agentpack("install", "limited", "--source", packs, "-c", "codex", "--accept", "widened:codex")
    lock = project / "agentpack.lock"
    lock.write_text(lock.read_text().replace("limited:widened:codex", "widened:codex"))
    agentpack("sync", "--locked")
    agentpack("install", "python-reviewer", expect=3)


@pytest.mark.many
@pytest.mark.parametrize("way", [("uninstall", "python-engineer"), ("rollback",)])
@pytest.mark.parametrize("client", [client for client in ALL if CLIENTS[client].project is not None])
def test_taking_out_what_was_installed_leaves_no_file_behind(
    agentpack: Agentpack, project: Path, client: str, way: tuple[str, ...]
) -> None:
    """Not even an empty one, where several agents share a file."""
    agentpack("install", "python-engineer<2", "--client", client)
    assert set(tree(project)) - {"agentpack.yaml", "agentpack.lock"}
    agentpack(*way)
    assert {path for path in tree(project) if not path.endswith("/")} == set()


def test_a_note_is_told_with_a_change_and_not_again(agentpack: Agentpack, packs: str) -> None:
    install = ("install", "limited", "--source", packs, "-c", "codex", "--accept", "widened:codex")
    assert "note:" in agentpack(*install).err
    for again in (install, ("sync",), ("lock", "--check"), ("upgrade", "--check"), ("diff", "--upgrade")):
        assert "not enforced" not in agentpack(*again).err


def test_what_an_upgrade_would_ask_for_is_told_beforehand(agentpack: Agentpack, project: Path) -> None:
    """2.1.0 limits its tools, which Codex cannot say: looking ahead needs no acceptance, and says that going does."""
    agentpack("install", "python-engineer==1.1.0", "-c", "codex")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.1.0", ">=1.1,<3"))
    for look in (("diff", "--upgrade"), ("upgrade", "--check")):
        ran = agentpack(*look, expect=1)
        assert "would not be enforced, which needs `--accept widened:codex`" in ran.err
    agentpack("upgrade", "--yes", expect=3)
    plan, _, refusal = agentpack("upgrade", "--dry-run", expect=3).err.partition("error: ")
    assert "python-engineer 1.1.0 -> 2.1.0" in plan
    assert ".codex/agents/python-engineer.toml  updated" in plan
    assert "accept it with `--accept widened:codex`" in refusal


def test_an_acceptance_names_a_client(agentpack: Agentpack) -> None:
    assert "widened:<client>" in agentpack("install", "python-engineer", "--accept", "all", expect=2).err
    assert "no client `nobody`" in agentpack("install", "python-engineer", "--accept", "widened:nobody", expect=2).err


@pytest.mark.many
@pytest.mark.parametrize("client", ALL)
def test_a_persona_that_only_looks_is_limited_or_refused(agentpack: Agentpack, packs: str, client: str) -> None:
    scope = "--user" if CLIENTS[client].project is None else "--project"
    ran = agentpack("install", "limited", "--source", packs, scope, "--client", client, expect=None)
    if ran.exit_code == 3:
        assert f"widened:{client}" in ran.err
        return
    assert ran.exit_code == 0
    text = agentpack("render", "limited", scope, "--client", client).out
    declaration = CLIENTS[client]
    key = declaration.tools.key if declaration.tools is not None else next(iter(declaration.readonly))
    assert key in text


def test_a_name_that_a_client_keeps_for_itself_is_refused(agentpack: Agentpack, project: Path) -> None:
    folder = project / "packs"
    publish(folder, make_pack("glob", "1.0.0", personas={"glob": persona_text("glob")}))
    agentpack("install", "glob", "--source", str(folder), "--client", "claude")
    assert "reserved by" in agentpack("install", "glob", "--client", "gemini", expect=4).err


def test_a_persona_is_not_given_twice_to_a_client_that_reads_anothers_folder(
    agentpack: Agentpack, project: Path
) -> None:
    ran = agentpack("install", "python-engineer", *for_clients(["claude", "copilot"]))
    assert "reads .claude/agents/python-engineer.md: no second file" in ran.err
    assert not (project / ".github").exists()


# Files that others write too.

ENTRY = st.from_regex(r"[a-z]{3,8}", fullmatch=True)
TEXTS = {
    n: persona_text("one", f"You review. {{#you}}\n\n## Rules {{#rules}}\n\n- Rule {n}. {{#rule}}\n") for n in (1, 2)
}
"""The persona of two releases."""
COMMENT = st.sampled_from(["", "  # a remark\n", "\n", "# at the edge\n"])


@pytest.mark.campaign
@given(names=st.lists(ENTRY, unique=True, max_size=4), comments=st.lists(COMMENT, min_size=5, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_foreign_modes_and_comments_stay_byte_for_byte(
    agentpack: Agentpack, tmp_path_factory: pytest.TempPathFactory, names: list[str], comments: list[str]
) -> None:
    project = tmp_path_factory.mktemp("shared")
    packs = publish(project / "packs", *(make_pack("crew", f"{n}.0.0", personas={"one": TEXTS[n]}) for n in (1, 2)))
    foreign = "# our modes\ncustomModes:\n" if names else "# nothing yet\n"
    for name, comment in zip(names, comments, strict=False):
        foreign += f"{comment}  - slug: {name}   # keep\n    name: {name.title()}\n"
        foreign += "    roleDefinition: |-\n      Be kind.\n    groups: [read]\n"
    file = project / ".roomodes"
    file.write_text(foreign)

    def only_foreign() -> str:
        shared = CLIENTS["roo"].shared
        assert shared is not None
        return shared.put(file.read_bytes(), {"one": None}).decode()

    place = ("--root", str(project))
    agentpack("install", "crew==1.0.0", "--source", str(packs), "--client", "roo", *place)
    assert only_foreign() == foreign
    agentpack("upgrade", "--latest", "--yes", *place)
    assert only_foreign() == foreign
    agentpack("rollback", *place)
    assert only_foreign() == foreign
    agentpack("uninstall", "crew", *place)
    assert file.read_text() == foreign
    agentpack("rollback", *place)
    assert only_foreign() == foreign


# Clients that a user declares.

DECLARED = """\
schema: 1
title: House Agent
project: .house/agents
user: {folder: .house/agents}
file: "{name}.toml"
format: toml
description: summary
body: prompt
model: model
models: [opus]
tools: {key: allow, style: list, names: {read: view, search: [find, grep]}}
live: ["${word}"]
"""


@pytest.fixture
def house(project: Path) -> Path:
    place = project / ".agentpack" / "clients" / "house.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(DECLARED)
    return place


def test_a_declared_client_is_one_like_any_other(agentpack: Agentpack, project: Path, house: Path, packs: str) -> None:
    import tomllib

    agentpack("install", "limited", "--source", packs, "--client", "house")
    data = tomllib.loads((project / ".house/agents/limited.toml").read_text())
    assert data["allow"] == ["view", "find", "grep"]
    assert set(data) <= {"name", "summary", "allow", "model", "prompt"}
    agentpack("diff")
    assert "House Agent" in json.dumps(agentpack("clients", "--json").envelope)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("project: .house/agents", "project: ../house", "not a plain path"),
        ("project: .house/agents", "project: /etc", "not a plain path"),
        ("project: .house/agents", "project: .git/agents", "does not write to"),
        ("project: .house/agents", "project: .house/node_modules/agents", "does not write to"),
        ("project: .house/agents", 'project: ".{name}/agents"', "not a plain path"),
        ('file: "{name}.toml"', 'file: "{name}/.claude/settings.toml"', "hidden"),
        ('file: "{name}.toml"', "file: one.toml", "`{name}`"),
        ('file: "{name}.toml"', 'file: "{name}.sh"', "must end with"),
        ("body: prompt\n", "", "needs the key of the body"),
        ("title:", "tilte:", "did you mean `title`"),
        ("read: view", "reed: view", "read"),
        ("schema: 1", "schema: 9", "newer"),
        ("project: .house/agents\nuser: {folder: .house/agents}\n", "", "neither"),
    ],
)
def test_a_declaration_is_checked_as_strictly_as_a_pack(
    agentpack: Agentpack, project: Path, house: Path, old: str, new: str, reason: str
) -> None:
    house.write_text(DECLARED.replace(old, new))
    before = tree(project)
    ran = agentpack("install", "python-engineer", "--client", "house", expect=2)
    assert reason in ran.err
    assert "house.yaml" in ran.err
    assert {p: d for p, d in tree(project).items() if "state" not in p} == before


NOT_FOR_AGENTS = (
    *(".vscode", ".github/workflows", ".github", ".claude", ".claude/commands", ".claude/skills", ".claude/hooks"),
    *(".husky", ".devcontainer", ".idea", ".cargo", ".circleci", ".cursor/rules", ".continue", ".house", ".house/x"),
    *(".config/systemd/user", ".config/fish/conf.d", ".docker", ".kube", ".ssh", ".agents/skills", "tools/.hidden"),
)
"""Folders in which other programs look for settings and for what they run, and that could be such."""


@pytest.mark.many
@pytest.mark.parametrize("folder", NOT_FOR_AGENTS)
def test_no_declaration_leads_into_a_folder_of_other_programs(agentpack: Agentpack, house: Path, folder: str) -> None:
    for ending, form in ((".md", "markdown"), (".txt", "body"), (".toml", "toml"), (".yml", "yaml"), (".json", "json")):
        body = "body: prompt\n" if form in ("toml", "yaml", "json") else ""
        for key in (f"project: {folder}", f"user: {{folder: {folder}}}"):
            house.write_text(f"schema: 1\n{key}\nfile: '{{name}}{ending}'\nformat: {form}\n{body}")
            assert f"`{folder}` is not a folder for agents" in agentpack("clients", expect=2).err


@pytest.mark.parametrize("folder", ["tools", "docs", "packages/house"])
def test_a_folder_that_a_project_declares_is_called_after_agents(
    agentpack: Agentpack, house: Path, folder: str
) -> None:
    """In each format: a clone that declared `docs` would have its Markdown files for agents of agentpack's."""
    forms = ((".md", "markdown"), (".toml", "toml"), (".yml", "yaml"), (".yaml", "yaml"), (".json", "json"))
    for ending, form in forms:
        body = "" if form == "markdown" else "body: prompt\n"
        house.write_text(f"schema: 1\nproject: {folder}\nfile: '{{name}}{ending}'\nformat: {form}\n{body}")
        assert f"`{folder}` is not a folder for agents" in agentpack("clients", expect=2).err


@pytest.mark.parametrize("folder", [".house/agents", ".agents", "my-agents", ".x/sub-agents", ".x/Personas", ".x/mode"])
def test_a_folder_for_agents_is_told_by_its_name(agentpack: Agentpack, house: Path, folder: str) -> None:
    house.write_text(DECLARED.replace(".house/agents", folder))
    agentpack("clients")


def test_every_client_keeps_its_agents_in_a_folder_for_agents() -> None:
    """But for those that keep them beside other things: what they may hold is known here, and not from a clone."""
    of_their_own = {".poolside/settings.yaml", ".config/poolside/settings.yaml", ".reasonix/skills/{name}/SKILL.md"}
    found = {
        pattern
        for client in CLIENTS.values()
        for scope in ("project", "user")
        for pattern in client.patterns(scope)
        if "/" in pattern and not is_for_agents(pattern.partition("{name}")[0].rpartition("/")[0])
    }
    assert found == of_their_own


def test_a_declaration_cannot_take_the_name_of_a_known_client(agentpack: Agentpack, house: Path) -> None:
    house.rename(house.with_name("claude.yaml"))
    assert "comes with agentpack" in agentpack("install", "python-engineer", expect=2).err
