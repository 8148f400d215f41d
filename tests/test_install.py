"""install and uninstall: what they write, what they keep, and what stops them."""

import json
import os
import re
import shlex
import shutil
import stat
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import marks, tree, write_tree

from agentpack import __version__
from agentpack.model.names import content_digest
from agentpack.writers.schema_line import without_schema_line

AGENT = ".claude/agents/reviewer.md"
FLAG = {"flag": {"type": "boolean", "default": True, "description": "A flag."}}


@pytest.fixture
def packs(project: Path) -> Path:
    """A folder of packs in the project: a reviewer in two releases and a candidate, and a writer."""
    return publish(
        project / "packs",
        make_pack(version="1.0.0"),
        make_pack(
            version="1.1.0",
            variants={"reviewer/terse": variant_text("## Rules {#rules}\n\n- Say less. {#say}\n")},
            parameters=FLAG,
        ),
        make_pack(version="2.0.0rc1"),
        make_pack("team-writer", personas={"writer": persona_text("writer")}),
    )


def manifest(project: Path) -> str:
    return without_schema_line((project / "agentpack.yaml").read_text())


# -- what is written ---------------------------------------------------------------------------------------------------


def test_a_pack_from_a_folder_is_installed_and_the_folder_named_portably(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "data-reviewer", "--source", str(packs))
    assert manifest(project) == (
        "schema: 1\nclients: [claude]\nsources:\n  - {name: packs, path: packs}\npacks:\n  - data-reviewer\n"
    )
    assert tree(project)[AGENT].startswith(b"---\nname: reviewer\n")
    assert '"version": "1.1.0"' in (project / "agentpack.lock").read_text()


def test_agents_of_the_same_name_are_named_before_anything_is_written(
    agentpack: Agentpack, project: Path, home: Path
) -> None:
    folder = project / ".claude/agents"
    folder.mkdir(parents=True)
    (folder / "mine.md").write_text("---\nname: python-engineer\ndescription: mine\n---\nHello.\n")
    os.mkfifo(folder / "pipe.md")  # nobody waits for its writer
    theirs = home / ".claude/agents/python-engineer.md"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("---\nname: python-engineer\ndescription: mine\n---\nHello.\n")
    said = agentpack("install", "python-engineer", "--dry-run").err
    assert "note: .claude/agents/mine.md is also named `python-engineer`; Claude Code reads both and uses only" in said
    assert "~/.claude/agents/python-engineer.md (user scope) is also named `python-engineer`; Claude Code" in said
    warnings = agentpack("install", "python-engineer", "--json").envelope["data"]["warnings"]
    assert len(warnings) == 2
    assert "also named" not in agentpack("install", "python-engineer").err


def test_an_agent_is_readable_by_whoever_the_umask_says(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    for path, mark in marks(project).items():
        assert mark.mode == 0o644, path


def test_folders_that_are_made_have_the_usual_mode(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    assert stat.S_IMODE((project / ".claude/agents").stat().st_mode) == 0o755


def test_several_packs_are_installed_as_one_change(agentpack: Agentpack, project: Path, packs: Path) -> None:
    ran = agentpack("install", "data-reviewer>=1", "team-writer", "--source", "packs")
    assert "generation 1;" in ran.err
    assert manifest(project).endswith("packs:\n  - data-reviewer>=1\n  - team-writer\n")


def test_nothing_is_written_when_one_of_several_does_not_exist(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    before = marks(project)
    agentpack("install", "data-reviewer", "no-such-pack", "--source", "packs", expect=4)
    assert marks(project) == before


def test_a_file_that_was_deleted_is_restored(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer", "--source", "packs")
    before = tree(project)
    (project / AGENT).unlink()
    assert "restored: it was missing" in agentpack("sync").err
    assert tree(project) == before


def test_a_file_that_already_is_as_wanted_is_taken_over_without_writing(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "data-reviewer", "--source", "packs")
    data = (project / AGENT).read_bytes()
    agentpack("uninstall", "data-reviewer")
    write_tree(project, {AGENT: data})
    before = marks(project)[AGENT]
    assert "now managed, unchanged" in agentpack("install", "data-reviewer", "--source", "packs").err
    assert marks(project)[AGENT] == before


# -- requirements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "version", "written"),
    [
        ("data-reviewer", "1.1.0", "data-reviewer"),
        ("Data_Reviewer", "1.1.0", "data-reviewer"),
        ("data-reviewer@1.0", "1.0.0", "data-reviewer==1.0.*"),
        ("data-reviewer@1.0.0", "1.0.0", "data-reviewer==1.0.0"),
        ("data-reviewer@latest", "1.1.0", "data-reviewer"),
        ("data-reviewer >= 1.0, < 1.1", "1.0.0", "data-reviewer>=1.0,<1.1"),
        ("data-reviewer>=2.0.0rc1", "2.0.0rc1", "data-reviewer>=2.0.0rc1"),
        ("data-reviewer[terse]", "1.1.0", "data-reviewer[terse]"),
    ],
)
def test_a_requirement_chooses_a_release_and_goes_into_the_manifest(
    agentpack: Agentpack, project: Path, packs: Path, requirement: str, version: str, written: str
) -> None:
    agentpack("install", requirement, "--source", "packs")
    assert f'"version": "{version}"' in (project / "agentpack.lock").read_text()
    line = manifest(project).splitlines()[-1]
    assert line.removeprefix("  - ").strip('"').lower().replace("_", "-") == written


def test_a_variant_says_its_own_rules(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer[terse]", "--source", "packs")
    assert b"- Say less.\n" in tree(project)[AGENT]


def test_asking_again_by_the_bare_name_keeps_what_was_chosen(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer[terse]>=1.1", "--source", "packs", "--set", "flag=no")
    before = marks(project)
    assert "nothing to change" in agentpack("install", "data-reviewer").err
    assert marks(project) == before


def test_asking_again_by_the_bare_name_upgrades_nothing(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer>=1.0,<2", "--source", "packs")
    publish(packs, make_pack(version="1.2.0"))
    before = marks(project)
    assert "nothing to change" in agentpack("install", "data-reviewer").err
    assert marks(project) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("python-engineer[data-pipeline]", "python-engineer[data-pipeline,strict-typing]>=1.0,<1.1"),
        ("python-engineer>=1.1,<2", "python-engineer[strict-typing]>=1.1,<2"),
        ("python-engineer[data-pipeline]>=1.1,<2", "python-engineer[data-pipeline,strict-typing]>=1.1,<2"),
        ("python-engineer@latest", "python-engineer[strict-typing]"),
        ("python-engineer[strict-typing]", "python-engineer[strict-typing]>=1.0,<1.1"),
    ],
)
def test_what_is_asked_for_is_added_to_what_was_chosen(
    agentpack: Agentpack, project: Path, asked: str, said: str
) -> None:
    """A variant more is no reason to leave the range, or to lose the variants before it."""
    agentpack("install", "python-engineer[strict-typing]>=1.0,<1.1")
    agentpack("install", asked, *(["--accept", "skills"] if "latest" in asked else []))
    assert f"  - {said}\n" in manifest(project)


def test_another_range_sets_the_locked_release_aside(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    assert "1.0.0 -> 1.1.0" in agentpack("install", "data-reviewer>=1.0").err


def test_an_installed_pack_stays_at_its_release_when_another_comes(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "data-reviewer", "--source", "packs")
    publish(packs, make_pack(version="1.2.0"))
    agentpack("install", "team-writer")
    lock = (project / "agentpack.lock").read_text()
    assert '"version": "1.1.0"' in lock
    assert '"version": "1.2.0"' not in lock
    assert "1.1.0 -> 1.2.0" in agentpack("install", "data-reviewer@latest").err


# -- options -----------------------------------------------------------------------------------------------------------


def test_values_are_typed_checked_and_kept(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer", "--source", "packs", "--set", "flag=off")
    assert "    parameters: {flag: false}\n" in manifest(project)
    agentpack("install", "data-reviewer", "--set", "flag=yes")
    assert "    parameters: {flag: true}\n" in manifest(project)


def test_a_value_goes_back_to_its_default(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer", "--source", "packs", "--set", "flag=off")
    whole = agentpack("diff", "--json").out
    before = tree(project)
    told = agentpack("install", "data-reviewer", "--unset", "nothing", expect=2).err
    assert "`--unset nothing`: this parameter is not set\n  set: flag\n" in told
    assert tree(project) == before
    agentpack("install", "data-reviewer", "--unset", "flag")
    assert "parameters" not in manifest(project)
    assert agentpack("diff", "--json").out == whole
    assert "no parameter is set" in agentpack("install", "data-reviewer", "--unset", "flag", expect=2).err


def test_who_asks_for_no_save_is_told_of_render(agentpack: Agentpack, project: Path) -> None:
    before = tree(project)
    assert "agentpack render NAME" in agentpack("install", "python-engineer", "--no-save", expect=2).err
    assert tree(project) == before


def test_a_folder_whose_name_no_reader_sees_is_no_source(agentpack: Agentpack, project: Path) -> None:
    publish(project / "pa\u200bcks", make_pack())
    before = tree(project)
    assert "hidden characters" in agentpack("install", "data-reviewer", "--source", "pa\u200bcks", expect=2).err
    assert tree(project) == before


def test_what_a_pack_requires_comes_along_whatever_agentpack_it_is_for(agentpack: Agentpack, packs: Path) -> None:
    personas = {"lead": persona_text("lead")}
    publish(packs, make_pack("lead", personas=personas, agentpack=">=0.1", requires=["data-reviewer<2"]))
    agentpack("install", "lead", "--source", str(packs), "--client", "claude")
    assert (agentpack.folder / AGENT).exists()


def test_a_client_named_twice_is_one_client(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude", "--client", "claude")
    assert "clients: [claude]\n" in manifest(project)


def test_a_source_that_is_already_there_is_not_added_again(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer", "--source", "packs")
    agentpack("install", "team-writer", "--source", "./packs/")
    assert manifest(project).count("name: packs") == 1


def test_two_sources_of_the_same_name_get_names_of_their_own(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(project / "other/packs", make_pack("other-pack", personas={"other": persona_text("other")}))
    agentpack("install", "data-reviewer", "other-pack", "--source", "packs", "--source", "other/packs")
    assert "{name: packs, path: packs}" in manifest(project)
    assert "{name: packs-2, path: " in manifest(project)


def test_a_source_of_the_user_below_home_is_named_from_there(agentpack: Agentpack, home: Path, tmp_path: Path) -> None:
    publish(home / "my packs", make_pack())
    agentpack("install", "data-reviewer", "--user", "--source", str(home / "my packs"))
    text = (home / ".config/agentpack/agentpack.yaml").read_text()
    assert 'path: "~/my packs"' in text
    assert "nothing to change" in agentpack("sync", "--user").err


def test_a_source_of_the_user_beside_home_is_named_in_full(agentpack: Agentpack, home: Path, tmp_path: Path) -> None:
    packs = tmp_path / f"{home.name}-of-work"
    publish(packs, make_pack())
    agentpack("install", "data-reviewer", "--user", "--source", str(packs))
    assert str(packs) in (home / ".config/agentpack/agentpack.yaml").read_text()


# -- what stops it -----------------------------------------------------------------------------------------------------


def test_two_packs_with_a_persona_of_one_name_are_refused_by_name(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    publish(packs, make_pack("other-reviewer"))
    before = marks(project)
    ran = agentpack("install", "data-reviewer", "other-reviewer", "--source", "packs", expect=4)
    assert "`data-reviewer` and `other-reviewer` both have a persona `reviewer`" in ran.err
    assert marks(project) == before
    (rename,) = re.findall(r"`agentpack (install [^`]*)`", " ".join(ran.err.split()))
    agentpack(*shlex.split(rename))
    assert (project / ".claude/agents/reviewer-2.md").exists()


def test_a_persona_that_collides_can_be_renamed(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(packs, make_pack("other-reviewer"))
    write_tree(
        project,
        {
            "agentpack.yaml": "schema: 1\nsources: [{name: packs, path: packs}]\npacks:\n  - data-reviewer\n"
            "  - {require: other-reviewer, as: {reviewer: second-reviewer}}\n"
        },
    )
    agentpack("sync")
    assert tree(project)[".claude/agents/second-reviewer.md"].startswith(b"---\nname: second-reviewer\n")


def test_an_agent_file_of_others_gets_the_name_that_it_is_given(agentpack: Agentpack, project: Path) -> None:
    """Without one, it is written as it stands."""
    agent = "---\nname:   helper\ndescription: Helps.\n---\nBe good.\n"
    write_tree(
        project,
        {
            "team/kit/helper.md": agent,
            "team/kit/other.md": agent.replace("helper", "other"),
            "agentpack.yaml": "schema: 1\nclients: [claude]\nsources: [{name: team, path: team}]\n"
            "packs:\n  - {require: kit, source: team, as: {helper: aide}}\n",
        },
    )
    agents = project / ".claude/agents"
    for _ in ("read", "read before, and kept"):
        agentpack("sync")
        assert (agents / "aide.md").read_text() == agent.replace("  helper", "aide")
        assert (agents / "other.md").read_text() == agent.replace("helper", "other")
        shutil.rmtree(agents)


def test_a_persona_keeps_its_other_name_when_its_pack_is_asked_for_again(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    manifest = (
        "schema: 1\nsources: [{name: packs, path: packs}]\npacks:\n  - {require: data-reviewer, as: {reviewer: ada}}\n"
    )
    write_tree(project, {"agentpack.yaml": manifest})
    agentpack("sync")
    agentpack("install", "data-reviewer[terse]==1.1.0")
    agents = {path: text for path, text in tree(project).items() if path.startswith(".claude")}
    assert list(agents) == [".claude/agents/ada.md"]
    assert b"- Say less.\n" in agents[".claude/agents/ada.md"]


def test_a_rename_of_a_persona_that_is_not_there_is_told(agentpack: Agentpack, project: Path, packs: Path) -> None:
    text = "schema: 1\nsources: [{name: p, path: packs}]\npacks:\n  - {require: data-reviewer, as: {reviwer: x-y}}\n"
    write_tree(project, {"agentpack.yaml": text})
    ran = agentpack("sync", expect=4)
    assert "data-reviewer 1.1.0 has no persona `reviwer` to rename (`as`)" in ran.err
    assert "did you mean `reviewer`?" in ran.err


def test_a_pack_with_what_only_a_later_agentpack_knows_is_passed_over(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    """It says so by its range; what it has is no fault of its author's."""
    later = make_pack(version="9.0.0", agentpack=">=9")
    later["pack.yaml"] += b"shiny: true\n"
    publish(packs, later)
    agentpack("install", "data-reviewer", "--source", "packs")
    assert '"version": "1.1.0"' in (project / "agentpack.lock").read_text()
    ran = agentpack("install", "data-reviewer==9.0.0", "--source", "packs", expect=4)
    assert "9.0.0 needs agentpack>=9; there is only" in ran.err
    lock = (project / "agentpack.lock").read_text()
    (project / "agentpack.lock").write_text(lock.replace('"version": "1.1.0"', '"version": "9.0.0"'))
    assert "unknown key" not in agentpack("sync", "--frozen", expect=5).err
    data = json.loads(lock)
    data["packs"][0] |= {"version": "9.0.0", "digest": content_digest(later.items())}
    (project / "agentpack.lock").write_text(json.dumps(data))  # a colleague has a later agentpack
    (project / ".claude/agents/reviewer.md").unlink()
    ran = agentpack("sync", "--frozen", expect=4)
    told = f"error: data-reviewer 9.0.0 needs agentpack>=9, and this is {__version__}\nhint: install an agentpack"
    assert told in ran.err


def test_a_pack_for_another_agentpack_is_passed_over(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(packs, make_pack(version="1.2.0", agentpack=">=99"))
    agentpack("install", "data-reviewer", "--source", "packs")
    assert '"version": "1.1.0"' in (project / "agentpack.lock").read_text()


# -- packs on packs ----------------------------------------------------------------------------------------------------

# What cannot be written.


RENAME = "hint: `{command} --as plain/same=same-2` renames it\n"
LIMITED = {name: persona_text(name, tools=["read"]) for name in ("aa", "bb", "cc", "dd")}
REFUSED_FOR_A_CLIENT: dict[str, tuple[str, str, int, str]] = {
    "a name twice": (
        "plain other",
        "claude",
        4,
        "error: `other` and `plain` both have a persona `same`\n  both would be .claude/agents/same.md\n" + RENAME,
    ),
    "a name twice for a client that reads both folders": (
        "plain other",
        "goose",
        4,
        "error: `other` and `plain` both have a persona `same`\n  both would be .goose/agents/same.md\n" + RENAME,
    ),
    "no agents in the scope": (
        "plain",
        "zcode",
        3,
        "error: ZCode has no agents in the project scope\n"
        "hint: `agentpack clients` shows which client has agents in which scope\n",
    ),
    "a limit of one": (
        "single",
        "codex",
        3,
        "error: Codex cannot limit tools, so aa would get every tool there; nothing was written\n"
        "  Codex: aa: tools limited to read\n"
        "hint: install without it, or accept it with `--accept widened:codex`\n",
    ),
    "a limit of several": (
        "limited",
        "codex,claude",
        3,
        "error: Codex cannot limit tools, so aa, bb, cc and 1 more would get every tool there; nothing was written\n"
        + "".join(f"  Codex: {name}: tools limited to read\n" for name in LIMITED)
        + "hint: install without it (`agentpack install limited --client claude`), or accept it with `--accept "
        "widened:codex`\n",
    ),
    "several clients": (
        "single plain",
        "codex,goose,kimi,claude",
        3,
        "error: Codex, Goose cannot limit tools, so aa would get every tool there; nothing was written\n"
        "  Codex: aa: tools limited to read\n"
        "  Goose: aa: tools limited to read\n"
        "hint: install without them (`agentpack install single --client kimi --client claude`), or accept it with "
        "`--accept widened:codex` `--accept widened:goose`\n",
    ),
}


@pytest.mark.parametrize("case", REFUSED_FOR_A_CLIENT)
def test_what_cannot_be_written_for_a_client_is_told_in_full(
    agentpack: Agentpack, project: Path, tmp_path: Path, case: str
) -> None:
    same = {"same": persona_text("same")}
    personas = {"plain": same, "other": same, "limited": LIMITED, "single": {"aa": LIMITED["aa"]}}
    publish(tmp_path / "sources", *(make_pack(name, personas=those) for name, those in personas.items()))
    names, clients, code, told = REFUSED_FOR_A_CLIENT[case]
    words = (*names.split(), "--source", str(tmp_path / "sources"), "--client", clients)
    told = told.replace("{command}", shlex.join(("agentpack", "install", *words)))
    assert agentpack("install", *words, expect=code).err == f"project {project}\n{told}"
    assert tree(project) == {}


def test_a_client_without_agents_in_the_scope_hinders_no_other(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    ran = agentpack("install", "data-reviewer", "--source", "packs", "--client", "zcode,claude")
    assert "note: ZCode has no agents in the project scope\n" in ran.err
    assert sorted(path for path in tree(project) if path.startswith(".")) == [AGENT]


@pytest.mark.parametrize(
    ("accepted", "fits"),
    [
        (["single:widened:codex"], True),
        (["widened:codex"], True),  # as older versions wrote it
        (["widened:goose"], False),
        (["plain:widened:codex"], False),
        ([], False),
    ],
)
def test_what_the_lock_has_as_accepted_counts_for_its_pack(
    agentpack: Agentpack, project: Path, accepted: list[str], fits: bool
) -> None:
    personas = {"single": {"aa": LIMITED["aa"]}, "more": {"bb": LIMITED["bb"]}, "plain": {"cc": persona_text("cc")}}
    publish(project / "team", *(make_pack(name, personas=those) for name, those in personas.items()))
    words = ("single", "plain", "--source", "team", "--client", "codex", "--accept", "widened:codex")
    agentpack("install", *words)
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    path.write_text(json.dumps({**lock, "accepted": accepted}))
    assert "so bb " in agentpack("install", "more", expect=3).err or not fits  # no pack that comes later
    ran = agentpack("install", "plain", expect=0 if fits else 3)
    assert ("accept it with `--accept widened:codex`" in ran.err) != fits
    if fits:
        assert json.loads(path.read_text())["accepted"] == ["single:widened:codex"]


@pytest.mark.parametrize("names", [("Code Reviewer", "code-reviewer"), ("code-reviewer", "Code Reviewer")])
@pytest.mark.parametrize("client", ["claude", "codex"])
def test_agents_of_two_collections_that_become_one_persona_are_told_by_its_name(
    agentpack: Agentpack, project: Path, client: str, names: tuple[str, str]
) -> None:
    for kit, name in zip(("first", "second"), names, strict=True):
        text = f"---\nname: {name}\ndescription: Works.\n---\nWork.\n"
        write_tree(project, {f"{kit}/agents/x.md": text})
    packs = [f"{{require: {name}, source: {name}}}" for name in ("first", "second")]
    sources = "{name: first, path: first}, {name: second, path: second}"
    (project / "agentpack.yaml").write_text(
        f"schema: 1\nclients: [{client}]\nsources: [{sources}]\npacks: [{', '.join(packs)}]\n"
    )
    path = {"claude": ".claude/agents/code-reviewer.md", "codex": ".codex/agents/code-reviewer.toml"}[client]
    assert agentpack("sync", expect=4).err == (
        f"project {project}\nerror: `first` and `second` both have a persona `code-reviewer`\n  both would be {path}\n"
        "hint: set `as: {code-reviewer: code-reviewer-2}` or `without: [code-reviewer]` for `second` in "
        "agentpack.yaml\n"
    )


@pytest.mark.parametrize("top", ["base", "other", "top"])
def test_personas_that_extend_each_other_in_a_circle_are_refused(
    agentpack: Agentpack, project: Path, tmp_path: Path, top: str
) -> None:
    extends = {"base": "other", "other": "base", "top": "base"}
    publish(
        tmp_path / "circle",
        *(
            make_pack(name, requires=[below], personas={name: persona_text(name, extends=below)})
            for name, below in extends.items()
        ),
    )
    words = ("install", top, "--source", str(tmp_path / "circle"), "--client", "claude")
    first = f"{top}-1.0.0/personas/{top}.md"
    told = f"error: {first}: extends: the persona extends itself, perhaps through others\n"
    assert agentpack(*words, expect=2).err == f"project {project}\n{told}"


FOR_CLIENTS = {
    "{require: one, clients: [claude]}, {require: two, clients: [codex]}": "claude one base deep, codex two base deep",
    "{require: one, clients: [claude]}, two": "claude one two base deep, gemini two base deep",
    "{require: one, clients: [claude]}, {require: base, clients: [cursor]}": "claude one, cursor base deep",
    "{require: extending, clients: [claude]}": "claude extending deep",
    "{require: ring, clients: [codex]}": "codex ring back",
    "extending, {require: base, clients: [codex]}": "claude extending, gemini extending, codex base deep",
}
"""What the manifest asks for, and the personas that each client gets of it."""


@pytest.mark.parametrize("asked", FOR_CLIENTS)
def test_what_packs_require_is_for_the_clients_of_those_packs(agentpack: Agentpack, project: Path, asked: str) -> None:
    requires = {"one": ["base"], "two": ["base"], "base": ["deep"], "deep": [], "extending": ["base"]}
    requires |= {"ring": ["back"], "back": ["ring"]}
    publish(
        project / "team",
        *(
            make_pack(
                name,
                requires=below,
                personas={name: persona_text(name, **({"extends": "base"} if name == "extending" else {}))},
            )
            for name, below in requires.items()
        ),
    )
    (project / "agentpack.yaml").write_text(
        f"schema: 1\nclients: [gemini, claude]\nsources: [{{name: team, path: team}}]\npacks: [{asked}]\n"
    )
    rows = agentpack("sync", "--dry-run", "--json").envelope["data"]["files"]
    told = [words.partition(" ") for words in FOR_CLIENTS[asked].split(", ")]
    wanted = {(client, name) for client, _, names in told for name in names.split()}
    assert {(row["client"], row["persona"]) for row in rows} == wanted


def test_twenty_personas_extend_each_other_and_no_more(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    names = [f"p{number:02}" for number in range(22)]
    below = dict(zip(names[1:], names, strict=False))
    publish(
        tmp_path / "chain",
        *(
            make_pack(
                name,
                requires=[below[name]] if name in below else [],
                personas={name: persona_text(name, **({"extends": below[name]} if name in below else {}))},
            )
            for name in names
        ),
    )
    words = ("--source", str(tmp_path / "chain"), "--client", "claude", "--dry-run")
    agentpack("install", "p20", *words)
    assert agentpack("install", "p21", *words, expect=2).err == (
        f"project {project}\nerror: p21-1.0.0/personas/p21.md: extends: a chain of more than 20 personas extend each "
        "other (extend a persona further down the chain)\n"
    )


@pytest.mark.parametrize(
    ("there", "found"),
    [("ours below third", "ours"), ("below third", "below"), ("third", "third"), ("third more", "")],
)
def test_a_persona_extends_the_one_of_its_name_or_of_the_pack_or_the_only_one(
    agentpack: Agentpack, project: Path, there: str, found: str
) -> None:
    publish(
        project / "chain",
        make_pack("below", personas={name: persona_text(name, f"I am {name}.\n") for name in there.split()}),
        make_pack("top", requires=["below"], personas={"ours": persona_text("ours", "", extends="below")}),
    )
    (project / "agentpack.yaml").write_text("schema: 1\nclients: [claude]\nsources: [{name: chain, path: chain}]\n")
    ran = agentpack("render", "top", "--persona", "ours", expect=0 if found else 2)
    if found:
        assert ran.out.endswith(f"---\nI am {found}.\n")
    else:
        file = "top-1.0.0/personas/ours.md"
        told = f"error: {file}: extends: below 1.0.0 has no persona `ours` or `below`\n"
        assert ran.err == f"project {project}\n{told}"


def test_a_setting_without_a_value_is_told_how_to_write_it(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer", "--source", "packs")
    for words, told in (
        (("render", "data-reviewer"), "`--set model`: write `--set parameter=value`\n"),
        (("install", "data-reviewer"), "`--set model` has no value\nhint: write `--set model=VALUE`\n"),
    ):
        assert agentpack(*words, "--set", "model", expect=2).err == f"project {project}\nerror: {told}"


def test_what_strict_does_not_leave_out_is_told_in_full(agentpack: Agentpack, project: Path) -> None:
    good = "---\nname: one\ndescription: Works.\ntools: Read\n---\nWork.\n"
    write_tree(project, {"kit/agents/one.md": good, "kit/agents/two.md": "---\nname: two\n---\nWork.\n"})
    before = tree(project)
    left = "kit: 1 agent file is skipped: agents/two.md (its header has no description)\n"
    assert agentpack("install", "./kit", "--strict", "--client", "claude", expect=3).err == (
        f"project {project}\nerror: some agent files cannot be installed; nothing was written\n  {left}"
        "hint: without `--strict`, the others are installed; `--without` leaves out single agents\n"
    )
    assert agentpack("install", "./kit", "--strict", "--client", "claude,codex", expect=3).err == (
        f"project {project}\nerror: Codex cannot limit tools, so one would get every tool there; nothing was written\n"
        "  Codex: one: tools limited to Read\n"
        "hint: install without it (`agentpack install kit --client claude`), or accept it with `--accept "
        "widened:codex`\n"
    )
    assert tree(project) == before
    told = agentpack("install", "./kit", "--client", "claude,codex").err
    assert f"note: {left}" in told
    assert (
        "skipped for codex: all agents of kit: it cannot limit tools as this file asks; `agentpack install kit "
        "--accept widened:codex` writes it\n"
    ) in told


def test_a_client_that_is_new_for_what_a_pack_requires_is_told_of_its_files_too(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    lead = make_pack("lead", requires=["data-reviewer"], personas={"lead": persona_text("lead")})
    publish(tmp_path / "team", lead, make_pack())
    agentpack("install", "lead", "--source", str(tmp_path / "team"), "--client", "claude")

    def notes(clients: str) -> list[str]:
        told = agentpack("install", "lead", "--client", clients).err.splitlines()
        return [line for line in told if line.startswith("note: ")]

    assert notes("claude,goose") == [
        "note: Goose reads 2 files such as .claude/agents/reviewer.md: no second file is written for it"
    ]
    assert notes("claude,goose") == []


EXTENDING = """\
---
name: reviewer
description: Reviews our data.
model: haiku
extends: data-reviewer[terse]>=1.1
---
## Rules {#rules}

- Look at ours. {#ours when=flag}
"""


def test_a_persona_may_extend_that_of_a_required_pack(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(packs, make_pack("our-reviewer", personas={"reviewer": EXTENDING}, requires=["data-reviewer[terse]>=1.1"]))
    agentpack("install", "our-reviewer", "--source", "packs")
    text = tree(project)[AGENT].decode()
    assert "model: haiku\n" in text
    assert "- Look before you change.\n- Say less.\n- Look at ours.\n" in text
    lock = (project / "agentpack.lock").read_text()
    assert '"name": "data-reviewer"' in lock
    assert lock.count('"persona": "reviewer"') == 1


def test_a_persona_that_extends_another_says_where_its_rules_go(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    text = EXTENDING.replace("when=flag", "before=say")
    publish(packs, make_pack("our-reviewer", personas={"reviewer": text}, requires=["data-reviewer[terse]>=1.1"]))
    agentpack("install", "our-reviewer", "--source", "packs")
    assert "- Look before you change.\n- Look at ours.\n- Say less.\n" in tree(project)[AGENT].decode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EXTENDING.replace("data-reviewer[terse]", "team-writer"), "`team-writer` is not among the packs"),
        (EXTENDING.replace("when=flag", "when=nothing"), "there is no parameter `nothing`"),
        (EXTENDING.replace("ours.", "{{ nothing }}."), "there is no parameter `nothing`"),
        (EXTENDING.replace("when=flag", "after=nothing"), "there is no rule or section `nothing`"),
    ],
)
def test_what_a_persona_cannot_extend_is_told_with_its_file(
    agentpack: Agentpack, project: Path, packs: Path, text: str, words: str
) -> None:
    publish(packs, make_pack("our-reviewer", personas={"reviewer": text}, requires=["data-reviewer[terse]>=1.1"]))
    ran = agentpack("install", "our-reviewer", "--source", "packs", expect=2)
    assert words in ran.err
    assert "our-reviewer-1.0.0/personas/reviewer.md" in ran.err


def test_a_persona_that_extends_another_has_parameters_of_its_own_pack(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    declared = {"own": {"type": "string", "default": "ours alone", "description": "x"}}
    text = EXTENDING.replace("ours.", "{{ own }}.")
    required = ["data-reviewer[terse]>=1.1"]
    publish(packs, make_pack("our-reviewer", personas={"reviewer": text}, requires=required, parameters=declared))
    agentpack("install", "our-reviewer", "--source", "packs")
    assert "ours alone." in tree(project)[AGENT].decode()


def test_a_pack_that_requires_another_brings_its_personas(agentpack: Agentpack, project: Path, packs: Path) -> None:
    whole = make_pack("whole-team", personas={"lead": persona_text("lead")}, requires=["team-writer", "data-reviewer"])
    publish(packs, whole)
    agentpack("install", "whole-team", "--source", "packs")
    assert sorted(Path(path).stem for path in tree(project) if path.startswith(".claude")) == [
        "lead",
        "reviewer",
        "writer",
    ]


def test_a_pack_keeps_the_clients_that_its_own_entry_names(agentpack: Agentpack, project: Path, packs: Path) -> None:
    """Also where another pack, which has more of them, requires it."""
    publish(packs, make_pack("whole-team", personas={"lead": persona_text("lead")}, requires=["data-reviewer"]))
    manifest = (
        "schema: 1\nclients: [claude, gemini]\nsources: [{name: packs, path: packs}]\n"
        "packs:\n  - whole-team\n  - {require: data-reviewer, clients: [claude]}\n"
    )
    write_tree(project, {"agentpack.yaml": manifest})
    agentpack("sync")
    assert sorted(path for path in tree(project) if path.startswith((".claude", ".gemini"))) == [
        ".claude/agents/lead.md",
        ".claude/agents/reviewer.md",
        ".gemini/agents/lead.md",
    ]


# -- local variants ----------------------------------------------------------------------------------------------------


def test_a_variant_that_the_project_wrote_is_used_by_name(agentpack: Agentpack, project: Path, packs: Path) -> None:
    house = variant_text("## Rules {#rules}\n\n- Ask Ada. {#ada}\n", requires=["terse"])
    write_tree(project, {".agentpack/variants/reviewer/house.md": house})
    agentpack("install", "data-reviewer[house]", "--source", "packs")
    assert b"- Say less.\n- Ask Ada.\n" in tree(project)[AGENT]
    assert '"name": "house"' in (project / "agentpack.lock").read_text()


def test_a_variant_of_the_project_brings_another_one_that_it_requires(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    folder = ".agentpack/variants/reviewer"
    house = variant_text("## Rules {#rules}\n\n- Ask Ada. {#ada}\n", requires=["calm"])
    calm = variant_text("## Rules {#rules}\n\n- Take your time. {#calm}\n")
    write_tree(project, {f"{folder}/house.md": house, f"{folder}/calm.md": calm})
    agentpack("install", "data-reviewer[house]", "--source", "packs")
    text = tree(project)[AGENT]
    assert b"- Ask Ada.\n" in text
    assert b"- Take your time.\n" in text
    write_tree(project, {f"{folder}/calm.md": calm.replace("your time", "a break")})
    told = agentpack("sync", "--locked", expect=3).err
    assert "the local variant `calm` of reviewer has changed since the lock was written" in told


def test_a_changed_variant_of_the_project_makes_the_lock_stale(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    path = ".agentpack/variants/reviewer/house.md"
    write_tree(project, {path: variant_text("## Rules {#rules}\n\n- Ask Ada. {#ada}\n")})
    agentpack("install", "data-reviewer[house]", "--source", "packs")
    write_tree(project, {path: variant_text("## Rules {#rules}\n\n- Ask Grace. {#ada}\n")})
    ran = agentpack("sync", "--locked", expect=3)
    assert "the local variant `house` of reviewer has changed since the lock was written" in ran.err
    agentpack("sync")
    assert b"- Ask Grace.\n" in tree(project)[AGENT]
    (project / path).unlink()
    assert "the local variant `house` of reviewer is gone" in agentpack("sync", "--locked", expect=3).err
    assert "`house`" in agentpack("sync", expect=4).err


def test_a_fault_of_a_local_variant_names_its_file(agentpack: Agentpack, project: Path, packs: Path) -> None:
    path = ".agentpack/variants/reviewer/house.md"
    write_tree(project, {path: variant_text("- A bad id. {#A}\n")})
    ran = agentpack("install", "data-reviewer[house]", "--source", "packs", expect=2)
    assert f"{path}:4: `{{#A}}`: `A` is not a valid id" in ran.err


# -- collections -------------------------------------------------------------------------------------------------------


def test_a_folder_of_agents_is_installed_as_it_is(agentpack: Agentpack, project: Path) -> None:
    body = "Review {{ this }}. {#no-id}\n\n```\ncode\n```"
    write_tree(project / "My Agents", {"agents/helper.md": f"---\nname: helper\ndescription: Helps.\n---\n{body}"})
    agentpack("install", "my-agents", "--source", "My Agents")
    assert tree(project)[".claude/agents/helper.md"].decode().endswith(f"---\n{body}")


# -- uninstall ---------------------------------------------------------------------------------------------------------


def test_a_manifest_that_says_more_stays(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("source", "add", "packs", "packs")
    agentpack("install", "data-reviewer")
    agentpack("uninstall", "data-reviewer")
    assert manifest(project) == "schema: 1\nsources:\n  - {name: packs, path: packs}\npacks: []\nclients: [claude]\n"
    assert AGENT not in tree(project)


def test_what_only_the_pack_needed_goes_with_it(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(packs, make_pack("whole-team", personas={"lead": persona_text("lead")}, requires=["team-writer"]))
    agentpack("install", "whole-team", "data-reviewer", "--source", "packs")
    agentpack("uninstall", "whole-team")
    assert [path for path in tree(project) if path.startswith(".claude")] == [AGENT]


def test_a_range_does_not_hinder_taking_a_pack_out(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "data-reviewer>=1", "team-writer", "--source", "packs")
    agentpack("uninstall", "Data_Reviewer", "team-writer")
    assert [path for path in tree(project) if path.startswith(".claude")] == []


def test_a_client_named_later_is_added_to_those_before(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude", "--set", "tools=")
    agentpack("install", "python-engineer", "--client", "codex", "--set", "tools=")
    assert (project / ".claude/agents/python-engineer.md").exists()
    assert (project / ".codex/agents/python-engineer.toml").exists()


def test_a_bundled_pack_is_taken_from_the_folder_that_is_named_now(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    persona = persona_text("python-engineer", tools=["read"])
    publish(project / "newer", make_pack("python-engineer", "9.0.0", personas={"python-engineer": persona}))
    agentpack("install", "python-engineer", "--source", "newer")
    lock = (project / "agentpack.lock").read_text()
    assert '"version": "9.0.0"' in lock
    assert '"source": "newer"' in lock


def test_that_new_skills_may_use_skills_is_only_in_json(agentpack: Agentpack) -> None:
    words = ("install", "python-engineer==3.0.0", "--client", "claude", "--dry-run")
    told = agentpack(*words).err
    assert "may use: every-tool, model:large\n" in told
    assert told.count("may use") == 1
    rows = agentpack(*words, "--json").envelope["data"]["capabilities"]
    assert [row["after"] for row in rows if row["client"] != "claude"] == [["skills"]] * 6


def test_of_many_packs_the_first_are_listed_and_the_others_counted(agentpack: Agentpack, project: Path) -> None:
    names = [f"pack-{number:02}" for number in range(21)]
    publish(project / "packs", *(make_pack(name, personas={name: persona_text(name)}) for name in names))
    told = agentpack("install", *names, "--source", "packs", "--client", "claude").err.splitlines()
    listed = [*(f"{name} 1.0.0" for name in names[:12]), "  … and 9 more (`--verbose` lists all)"]
    assert told[1:14] == listed
    assert not [line for line in told if line.startswith(names[12])]
