"""uninstall: packs, variants or clients are taken out; what people had there before can be had back."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import modes, tree, with_state, write_tree

from agentpack.writers.schema_line import schema_line

CLAUDE = ".claude/agents/{}.md"
OPENCODE = ".opencode/agents/{}.md"
GEMINI = ".gemini/agents/{}.md"
VARIANTS = {
    "one/strict": variant_text("- Say exactly what you saw. {#say}\n", summary="Strict."),
    "one/calm": variant_text("- Stay calm. {#calm}\n", summary="Calm."),
}
BODY = "You are one.\n\n## Rules {#rules}\n\n- Say what you saw. {#say}\n- Go deep. {#deep}\n"
MANIFEST = """\
schema: 1
# for whom
clients: [claude, opencode]
sources:
  - {name: acme, path: ../packs}
packs:
  - "one[calm,strict]>=1"  # ours
  - require: two
    clients: [gemini, opencode]
"""


@pytest.fixture
def installed(agentpack: Agentpack, project: Path, tmp_path: Path) -> Agentpack:
    one = make_pack("one", personas={"one": persona_text("one", body=BODY)}, variants=VARIANTS)
    two = make_pack("two", personas={"two": persona_text("two", body=BODY)})
    publish(tmp_path / "packs", one, two)
    write_tree(project, {"agentpack.yaml": MANIFEST})
    agentpack("sync")
    return agentpack


def there(project: Path) -> set[str]:
    return {path for path in tree(project) if path.startswith((".claude", ".opencode", ".gemini"))}


def test_every_pack_can_be_removed_at_once(installed: Agentpack, project: Path) -> None:
    before = modes(project)
    assert "`--all` removes every pack and takes no names" in installed("uninstall", "one", "--all", expect=2).err
    installed("uninstall", "--all", "--dry-run")
    assert modes(project) == before
    installed("uninstall", "--all")
    assert there(project) == set()
    assert "nothing to change" in installed("uninstall", "--all").err
    installed("rollback")
    assert modes(project) == before


def test_the_name_of_an_agent_leads_to_its_pack(installed: Agentpack, tmp_path: Path) -> None:
    publish(tmp_path / "packs", make_pack("crew", personas={"smith": persona_text("smith", body=BODY)}))
    installed("install", "crew")
    told = installed("uninstall", "smith", expect=2).err
    assert "`smith` is an agent of the pack `crew`" in told
    assert "`agentpack install crew --without smith` removes only this agent" in told


# A client.


def test_a_client_is_taken_away_from_all_packs_and_from_the_manifest(installed: Agentpack, project: Path) -> None:
    before = modes(project)
    installed("uninstall", "--client", "opencode")
    assert there(project) == {CLAUDE.format("one"), GEMINI.format("two")}
    text = (project / "agentpack.yaml").read_text()
    assert text == MANIFEST.replace("[claude, opencode]", "[claude]").replace("[gemini, opencode]", "[gemini]")
    installed("diff")
    installed("sync", "--locked")
    installed("rollback")
    assert modes(project) == before


def test_a_client_is_taken_away_from_the_packs_that_are_named(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "one", "--client", "opencode")
    assert there(project) == {CLAUDE.format("one"), GEMINI.format("two"), OPENCODE.format("two")}
    text = (project / "agentpack.yaml").read_text()
    assert "clients: [claude, opencode]\n" in text
    assert "- require: one[calm,strict]>=1  # ours\n" in text
    assert "    clients: [claude]" in text
    installed("diff")
    installed("uninstall", "two", "--client", "gemini")
    assert there(project) == {CLAUDE.format("one"), OPENCODE.format("two")}


def test_naming_all_packs_is_naming_none(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "two", "one", "--client", "opencode")
    assert "clients: [claude]\n" in (project / "agentpack.yaml").read_text()


def test_several_clients_are_taken_away_at_once(installed: Agentpack, project: Path) -> None:
    installed("install", "one", "two", "--client", "claude", "--client", "gemini")
    installed("uninstall", "--client", "claude", "--client", "opencode")
    assert there(project) == {GEMINI.format("one"), GEMINI.format("two")}
    assert "clients: [gemini]\n" in (project / "agentpack.yaml").read_text()
    installed("diff")


def test_clients_that_the_manifest_does_not_name_are_named_then(agentpack: Agentpack, project: Path) -> None:
    write_tree(
        project, {".claude/x": "", ".gemini/agents/x": "", "agentpack.yaml": "schema: 1\npacks: [python-engineer<2]\n"}
    )
    agentpack("sync")
    agentpack("uninstall", "--client", "gemini")
    assert (project / "agentpack.yaml").read_text() == ("schema: 1\npacks: [python-engineer<2]\nclients: [claude]\n")
    agentpack("diff")


def test_a_pack_that_a_found_client_was_skipped_for_stays_without_it(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """Taking another client away asks nobody about one that the pack was never for."""
    free, limited = (
        make_pack(name, personas={name: persona_text(name, body=BODY, **header)})
        for name, header in (("free", {}), ("limited", {"tools": ["read"]}))
    )
    publish(tmp_path / "packs", free, limited)
    manifest = "schema: 1\nsources: [{name: acme, path: ../packs}]\npacks: [free, limited]\n"
    write_tree(project, {".claude/x": "", ".codex/x": "", ".qwen/x": "", "agentpack.yaml": manifest})
    assert "skipped Codex for limited" in agentpack("sync").err
    assert {path for path in tree(project) if "limited" in path} == {
        ".claude/agents/limited.md",
        ".qwen/agents/limited.md",
    }
    agentpack("uninstall", "--client", "qwen")
    assert {
        path for path in tree(project) if path.endswith(("free.md", "free.toml", "limited.md", "limited.toml"))
    } == {
        ".claude/agents/free.md",
        ".codex/agents/free.toml",
        ".claude/agents/limited.md",
    }
    agentpack("sync", "--locked")


def test_the_last_client_of_a_pack_stays(installed: Agentpack, project: Path) -> None:
    before = with_state(project)
    ran = installed("uninstall", "--client", "claude", "--client", "opencode", expect=3)
    assert "`one` would have no client left; nothing was changed" in ran.err
    assert "hint: `agentpack uninstall one` removes the pack" in ran.err
    ran = installed("uninstall", "two", "--client", "gemini", "--client", "opencode", expect=3)
    assert "hint: `agentpack uninstall two`" in ran.err
    assert with_state(project) == before


def test_a_dry_run_tells_it_and_changes_nothing(installed: Agentpack, project: Path) -> None:
    before = with_state(project)
    ran = installed("uninstall", "--client", "opencode", "--dry-run")
    assert f"- {OPENCODE.format('one')}  removed" in ran.err
    data = installed("uninstall", "--client", "opencode", "--dry-run", "--json").envelope["data"]
    gone = {file["path"] for file in data["files"] if file["action"] == "delete"}
    assert gone == {OPENCODE.format("one"), OPENCODE.format("two")}
    assert with_state(project) == before


def test_a_file_of_that_client_that_was_edited_stops_it(installed: Agentpack, project: Path) -> None:
    with (project / OPENCODE.format("one")).open("a") as file:
        file.write("- Mine.\n")
    before = with_state(project)
    assert "--discard-edits" in installed("uninstall", "--client", "opencode", expect=3).err
    assert with_state(project) == before
    installed("uninstall", "--client", "opencode", "--keep-files")
    assert (project / OPENCODE.format("one")).read_text().endswith("- Mine.\n")
    installed("diff")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say what to uninstall"),
        (("--client", "nobody"), "there is no client `nobody`"),
        (("--client", "codex"), "`codex` is not a client of this scope"),
        (("one", "--client", "gemini"), "`gemini` is not a client of these packs"),
        (("two", "one[calm]", "--client", "opencode"), "`--client` cannot be used with `NAME[VARIANT]`"),
        (("one[calm]", "--client", "claude"), "`--client` cannot be used with `NAME[VARIANT]`"),
        (("three", "--client", "claude"), "`three` is not in"),
        (
            ("one[clam]",),
            "`one` is installed without the variant `clam`\n  with: calm, strict\nhint: did you mean `calm`?\n",
        ),
        (("two[calm]",), "`two` is installed without the variant `calm`\n"),
    ],
)
def test_what_is_not_there_is_told(installed: Agentpack, project: Path, arguments: tuple[str, ...], words: str) -> None:
    before = with_state(project)
    assert words in installed("uninstall", *arguments, expect=2).err
    assert with_state(project) == before


def test_without_a_manifest_there_is_no_client_to_take_away(agentpack: Agentpack) -> None:
    assert "nothing is installed here" in agentpack("uninstall", "--client", "claude", expect=2).err


# A variant.


def test_a_variant_is_taken_out_and_its_pack_stays(installed: Agentpack, project: Path) -> None:
    before = modes(project)
    ran = installed("uninstall", "one[strict]")
    assert "one 1.0.0 [calm, strict] -> 1.0.0 [calm]" in ran.err
    assert "- one[calm]>=1  # ours\n" in (project / "agentpack.yaml").read_text()
    text = (project / CLAUDE.format("one")).read_text()
    assert "- Say what you saw." in text
    assert "- Stay calm." in text
    installed("diff")
    installed("rollback")
    assert modes(project) == before
    installed("uninstall", "one[strict,calm]")
    assert "one>=1" in (project / "agentpack.yaml").read_text()


def test_an_edit_is_merged_with_the_text_without_the_variant(installed: Agentpack, project: Path) -> None:
    path = project / CLAUDE.format("one")
    path.write_text(path.read_text().replace("Go deep.", "Go deeper."))
    installed("uninstall", "one[strict]")
    assert "- Go deeper." in path.read_text()
    path.write_text(path.read_text().replace("Stay calm.", "Stay very calm."))
    ran = installed("uninstall", "one[calm]", expect=3)
    assert "hint: `--discard-edits` takes the new text" in ran.err
    installed("uninstall", "one[calm]", "--discard-edits")
    installed("diff")


def test_the_text_of_a_local_variant_stays(installed: Agentpack, project: Path) -> None:
    path = project / CLAUDE.format("one")
    path.write_text(path.read_text().replace("Go deep.", "Go deeper."))
    installed("keep", "one", "--as", "house")
    write_tree(project, {".agentpack/variants/one/other.md": variant_text("- More. {#more}\n")})
    ran = installed("uninstall", "one[house]")
    assert "other.md" not in ran.err
    told = "your local variant .agentpack/variants/one/house.md is kept: `agentpack install "
    assert f'note: {told}"one[house]"` uses it again\n' in ran.err
    assert "- Go deep." in path.read_text()
    installed("diff")
    installed("install", "one[house]")
    assert "- Go deeper." in path.read_text()


def test_what_a_persona_may_do_without_a_variant_is_told(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    careful = variant_text("", summary="Careful.", set={"tools": ["read", "search"]})
    personas = {"one": persona_text("one", body=BODY, tools=["read", "search", "edit"])}
    publish(tmp_path / "packs", make_pack("one", personas=personas, variants={"one/careful": careful}))
    agentpack("install", "one[careful]", "--source", str(tmp_path / "packs"), "--client", "claude")
    assert "may use more: read, search -> edit, read, search" in agentpack("uninstall", "one[careful]").err


def test_a_restriction_that_comes_back_and_a_client_cannot_express_wants_to_be_accepted(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    free = variant_text("", summary="Free.", set={"tools": ""})
    personas = {"one": persona_text("one", body=BODY, tools=["read", "search"])}
    publish(tmp_path / "packs", make_pack("one", personas=personas, variants={"one/free": free}))
    agentpack("install", "one[free]", "--source", str(tmp_path / "packs"), "--client", "goose")
    before = with_state(project)
    assert "`--accept widened:goose`" in agentpack("uninstall", "one[free]", expect=3).err
    assert with_state(project) == before
    agentpack("uninstall", "one[free]", "--accept", "widened:goose")
    agentpack("diff")


# What was there before.


MINE = "---\nname: one\ndescription: mine\n---\nMy own.\n"


@pytest.mark.parametrize("way", ["install --adopt", "adopt"])
def test_a_text_from_before_is_named_with_the_way_back(
    installed: Agentpack, project: Path, tmp_path: Path, way: str
) -> None:
    path = CLAUDE.format("mine")
    publish(tmp_path / "packs", make_pack("mine", personas={"mine": persona_text("mine", body=BODY)}))
    write_tree(project, {path: MINE.replace("one", "mine")})
    before = modes(project)
    if way == "adopt":
        installed("adopt", path)
    else:
        installed("install", "mine", "--adopt")
    installed("install", "one>=1")
    asked = ("team-agents", "--discard-edits") if way == "adopt" else ("mine",)
    for arguments in (("--dry-run",), ()):
        ran = installed("uninstall", *asked, *arguments)
        said = re.search(r"note: (\S+) existed before agentpack managed it.*`agentpack rollback (\d+)`", ran.err)
        assert said is not None
        assert said[1] == path
        back = said[2]
    assert not (project / path).exists()
    assert "existed before agentpack managed it" not in installed("uninstall", "one").err
    installed("rollback", back)
    assert modes(project) == before


def test_a_way_back_that_was_forgotten_is_not_advised(installed: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "packs", make_pack("mine", personas={"mine": persona_text("mine", body=BODY)}))
    write_tree(project, {CLAUDE.format("mine"): MINE.replace("one", "mine")})
    installed("install", "mine", "--adopt")
    taken = installed("history", "--json").envelope["data"]["current"]
    installed("uninstall", "two")
    assert f"`agentpack rollback {taken - 1}`" in installed("uninstall", "mine", "--dry-run").err
    installed("history", "prune", "--keep", "2")
    assert "existed before agentpack managed it" not in installed("uninstall", "mine").err
    installed("rollback", str(taken - 1), expect=2)


def test_in_a_project_that_had_nothing_the_way_back_is_before_the_first(agentpack: Agentpack, project: Path) -> None:
    path = CLAUDE.format("python-engineer")
    write_tree(project, {path: MINE})
    agentpack("install", "python-engineer", "--adopt", "--client", "claude")
    assert "`agentpack rollback 0`" in agentpack("uninstall", "python-engineer").err
    agentpack("rollback", "0")
    assert (project / path).read_text() == MINE


def test_a_discarded_edit_is_no_text_from_before(installed: Agentpack, project: Path) -> None:
    (project / CLAUDE.format("one")).write_text("mine\n")
    installed("sync", "--discard-edits")
    assert "existed before agentpack managed it" not in installed("uninstall", "one").err


def test_edits_that_are_let_go_are_those_of_the_packs_that_are_named(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "python-reviewer")
    engineer, reviewer = (project / f".claude/agents/python-{name}.md" for name in ("engineer", "reviewer"))
    for path in (engineer, reviewer):
        path.write_text(path.read_text() + "\n- Mine.\n")
    agentpack("upgrade", "python-reviewer", "--yes", "--discard-edits")
    assert "- Mine." in engineer.read_text()
    assert "- Mine." not in reviewer.read_text()
    agentpack("uninstall", "python-reviewer", "--discard-edits")
    assert "- Mine." in engineer.read_text()
    assert not reviewer.exists()


def test_taking_a_pack_out_again_changes_nothing(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer")
    agentpack("uninstall", "python-engineer")
    before = with_state(project)
    ran = agentpack("uninstall", "python-engineer")
    assert ran.err.endswith("note: `python-engineer` was removed before\nnothing to change\n")
    assert with_state(project) == before
    agentpack("uninstall", "python-reviewer", expect=2)


def test_of_several_packs_those_that_went_before_are_passed_over(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "two")
    installed("uninstall", "two", "one")
    assert there(project) == set()


def test_what_stays_stays_at_its_release_and_in_its_source(installed: Agentpack, project: Path, tmp_path: Path) -> None:
    """A newer release, and another source that has the pack and comes first, are for those who ask for them."""
    before = (project / CLAUDE.format("one")).read_bytes()
    newer = BODY.replace("deep", "deeper")
    publish(
        tmp_path / "packs",
        make_pack("one", "1.1.0", personas={"one": persona_text("one", body=newer)}, variants=VARIANTS),
    )
    publish(
        tmp_path / "other",
        make_pack("one", "1.0.0", personas={"one": persona_text("one", body=newer)}, variants=VARIANTS),
    )
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("sources:\n", "sources:\n  - {name: other, path: ../other}\n"))
    installed("lock")
    for words in (("two",), ("--client", "opencode")):
        installed("uninstall", *words)
        assert (project / CLAUDE.format("one")).read_bytes() == before
        assert '"source": "acme"' in (project / "agentpack.lock").read_text()


def test_where_only_packs_name_clients_the_manifest_names_those(agentpack: Agentpack, project: Path) -> None:
    text = "schema: 1\nclients: [claude]\npacks:\n  - require: python-engineer\n    clients: [opencode]\n"
    write_tree(project, {"agentpack.yaml": text})
    agentpack("sync")
    agentpack("uninstall", "--client", "claude")
    assert "\nclients: [opencode]\n" in (project / "agentpack.yaml").read_text()
    agentpack("sync", "--locked")


def test_of_two_texts_from_before_the_later_one_is_told(agentpack: Agentpack, project: Path) -> None:
    """The earlier one is behind it, one rollback further."""
    path = project / CLAUDE.format("python-engineer")
    for text in ("first\n", "second\n"):
        write_tree(project, {CLAUDE.format("python-engineer"): text})
        agentpack("install", "python-engineer", "--adopt", "--client", "claude")
        ran = agentpack("uninstall", "python-engineer")
        assert ran.err.count("existed before agentpack managed it") == 1
    (back,) = re.findall(r"`agentpack rollback (\d+)` restores", ran.err)
    agentpack("rollback", back)
    assert path.read_text() == "second\n"


def test_a_damaged_record_of_before_keeps_nobody_from_uninstalling(installed: Agentpack, project: Path) -> None:
    installed("uninstall", "two")
    (project / ".agentpack/state/generations/000001.json").write_text("{")
    ran = installed("uninstall", "one")
    assert "000001.json` is damaged: agentpack cannot tell" in ran.err
    assert not (project / CLAUDE.format("one")).exists()


@pytest.mark.parametrize("own", ["# who asks: Ada\n", "policy: {packs: {deny: [evil]}}\n"], ids=["a comment", "a key"])
def test_a_manifest_in_which_people_wrote_stays_when_the_last_pack_goes(
    agentpack: Agentpack, project: Path, own: str
) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text() + own)
    agentpack("uninstall", "python-engineer")
    assert own in path.read_text()
    assert "python-engineer" not in path.read_text()
    assert there(project) == set()


@pytest.mark.parametrize(
    ("line", "goes"),
    [
        ("", True),
        ("# yaml-language-server: $schema=https://raw.example.com/fork/v9/src/agentpack/schemas/manifest.json\n", True),
        ("# yaml-language-server: $schema=../tools/agentpack/manifest.json\n", False),
    ],
    ids=["of an agentpack before it wrote one", "of another agentpack", "of a person"],
)
def test_a_manifest_of_our_own_goes_whatever_schema_it_names(
    agentpack: Agentpack, project: Path, line: str, goes: bool
) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    path = project / "agentpack.yaml"
    first, rest = path.read_text().split("\n", 1)
    assert first == schema_line("manifest")
    path.write_text(line + rest)
    agentpack("upgrade", "--yes")
    assert path.read_text() == line + rest
    agentpack("uninstall", "python-engineer")
    assert path.exists() is not goes


def test_added_sources_stay_when_the_last_pack_goes(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "packs", make_pack("one", personas={"one": persona_text("one", body=BODY)}))
    agentpack("source", "add", "ours", "../packs")
    agentpack("install", "one", "--client", "claude")
    agentpack("uninstall", "one")
    assert "../packs" in (project / "agentpack.yaml").read_text()
    agentpack("install", "one")
    assert (project / CLAUDE.format("one")).exists()


def test_a_client_that_only_other_packs_have_is_none_of_this_pack(installed: Agentpack, project: Path) -> None:
    before = tree(project)
    err = installed("uninstall", "two", "--client", "claude", expect=2).err
    assert "`claude` is not a client of these packs" in err
    assert "clients: gemini, opencode" in err
    assert tree(project) == before


def test_every_option_that_an_edited_file_s_error_names_settles_it(installed: Agentpack, project: Path) -> None:
    """Also where another file has another trouble, which is named beside it."""
    edited, blocked = (project / name.format("one") for name in (CLAUDE, OPENCODE))
    text = edited.read_text() + "- Mine.\n"
    edited.write_text(text)
    kept = blocked.read_text()
    blocked.unlink()
    blocked.mkdir()
    err = installed("uninstall", "one", expect=3).err
    assert ": was edited, and would be deleted" in err
    assert "one.md: is not a regular file" in err
    assert "move it elsewhere" in err
    blocked.rmdir()
    blocked.write_text(kept)
    before = tree(project)
    options = set(re.findall(r"`(--[a-z-]+)", err))
    assert options == {"--discard-edits", "--keep-files"}
    for option in options:
        installed("uninstall", "one", option)
        assert edited.exists() == (option == "--keep-files")
        installed("rollback")
        assert tree(project) == before


# Sources that nothing uses any more.


def pack(name: str, **manifest: Any) -> dict[str, bytes]:
    return make_pack(name, personas={name: persona_text(name, body=BODY)}, **manifest)


def sources(project: Path) -> list[str]:
    rows = yaml.safe_load((project / "agentpack.yaml").read_text()).get("sources", [])
    return [row["path"] for row in rows]


def test_a_source_that_install_added_goes_with_its_last_pack(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", pack("one"), pack("two"))
    agentpack("install", "one", "two", "--source", "../packs")
    assert "the source" not in agentpack("uninstall", "two").err
    assert sources(project) == ["../packs"]
    assert (
        "also removes the source `packs`, which `install` had added: no pack uses it any more"
        in agentpack("uninstall", "one").err
    )
    assert tree(project) == {}
    agentpack("rollback")
    agentpack("uninstall", "one")
    assert tree(project) == {}


@pytest.mark.parametrize("how", ["source add", "by hand"])
def test_a_source_that_somebody_named_stays(agentpack: Agentpack, project: Path, tmp_path: Path, how: str) -> None:
    publish(tmp_path / "packs", pack("one"))
    manifest = "schema: 1\nsources:\n  - {name: packs, path: ../packs}\n"
    if how == "by hand":
        agentpack("install", "python-engineer")
        write_tree(project, {"agentpack.yaml": manifest + "packs: [one]\n"})
        agentpack("sync", "--accept", "outside:packs")
    else:
        agentpack("source", "add", "packs", "../packs")
        agentpack("install", "one")
    assert "the source" not in agentpack("uninstall", "one").err
    assert sources(project) == ["../packs"]


def test_a_source_of_which_the_history_knows_nothing_stays(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "kit", {"agents/one.md": persona_text("one", body="You are one.\n")})
    agentpack("install", "../kit")
    shutil.rmtree(project / ".agentpack/state")
    agentpack("uninstall", "kit")
    assert sources(project) == ["../kit"]


def test_a_source_that_what_stays_requires_stays(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "base", pack("one"))
    publish(tmp_path / "packs", pack("two", requires=["one"]))
    agentpack("install", "one", "--source", "../base")
    agentpack("install", "two", "--source", "../packs")
    agentpack("uninstall", "one")
    assert sources(project) == ["../base", "../packs"]
    agentpack("sync", "--locked")


def test_removing_everything_says_what_stays_and_how_to_remove_it(agentpack: Agentpack, home: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    agentpack("install", "python-engineer", "--client", "codex", "--accept", "widened:codex")
    assert "the history stays" not in agentpack("uninstall", "--all", "--client", "codex").err
    told = agentpack("uninstall", "--all").err
    (id,) = [one.name for one in (home / ".local/state/agentpack/projects").iterdir()]
    command = f"rm -r .agentpack/state ~/.local/state/agentpack/projects/{id}"
    assert f"note: the history stays, for `agentpack rollback`: `{command}` removes it\n" in told
    assert "`agentpack cache prune --all` empties it\n" in told


@pytest.mark.parametrize("scope", [(), ("--user",)])
def test_the_command_that_removes_the_history_removes_this_one_alone(
    agentpack: Agentpack, project: Path, home: Path, scope: tuple[str, ...]
) -> None:
    others = [home / ".local/state/agentpack" / name for name in ("projects/" + 32 * "0", "log/last-bug.txt")]
    for other in others:
        other.parent.mkdir(parents=True)
        other.write_text("Another's.\n")
    agentpack("install", "python-engineer", "--client", "claude", *scope)
    told = agentpack("uninstall", "--all", *scope).err
    (command,) = re.findall(r"`(rm -r [^`]*)`", told)
    subprocess.run(command, shell=True, check=True, cwd=project, env={"HOME": str(home), "PATH": os.environ["PATH"]})
    assert "no history yet" in agentpack("history", *scope).err
    assert all(other.exists() for other in others)
    assert [*others[0].parent.iterdir()] == [others[0]]
    agentpack("install", "python-engineer", "--client", "claude", *scope)
    assert "generation 2" in agentpack("rollback", *scope).err


def test_a_manifest_that_stays_is_named(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {CLAUDE.format("mine"): persona_text("mine")})
    agentpack("adopt")
    manifest = project / "agentpack.yaml"
    manifest.write_text("# Ask Ada first.\n" + manifest.read_text())
    told = agentpack("uninstall", "--all", "--keep-files").err
    assert "note: agentpack.yaml stays: it has more in it than packs\n" in told
    assert manifest.exists()


@pytest.mark.many
@pytest.mark.parametrize("names", [["team-agents"], ["--all"]])
@pytest.mark.parametrize("option", ["--keep-files", "--discard-edits"])
def test_after_an_adoption_no_manifest_and_no_lock_stay(
    agentpack: Agentpack, project: Path, names: list[str], option: str
) -> None:
    write_tree(project, {CLAUDE.format("mine"): persona_text("mine", body="You are one.\n")})
    agentpack("adopt")
    told = agentpack("uninstall", *names, option).err
    assert "`rm -r .agentpack/packs/team-agents` removes it" in told
    assert not {"agentpack.yaml", "agentpack.lock"} & {*tree(project)}
    assert (CLAUDE.format("mine") in tree(project)) == (option == "--keep-files")
    agentpack("rollback")
    assert "nothing differs" in agentpack("diff").err


def test_an_empty_manifest_of_agentpack_is_removed_with_its_lock(agentpack: Agentpack, project: Path) -> None:
    for text, goes in (("schema: 1\npacks: []\n", True), ("schema: 1\npacks: []  # soon\n", False)):
        write_tree(project, {"agentpack.yaml": text})
        agentpack("lock")
        agentpack("uninstall", "--all")
        assert [(project / name).exists() for name in ("agentpack.yaml", "agentpack.lock")] == 2 * [not goes]


def test_a_local_variant_of_a_pack_whose_source_goes_too_is_named_with_it(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    write_tree(project, {CLAUDE.format("mine"): persona_text("mine", body="You are one.\n")})
    agentpack("adopt")
    publish(tmp_path / "packs", make_pack("crew", personas={"smith": persona_text("smith", body=BODY)}))
    agentpack("install", "crew", "--source", str(tmp_path / "packs"), "--client", "claude")
    for name in ("mine", "smith"):
        path = project / CLAUDE.format(name)
        path.write_text(path.read_text() + "\n## House\n\n- Wipe your feet.\n")
        agentpack("keep", name)
    told = agentpack("uninstall", "crew").err + agentpack("uninstall", "--all", "--keep-files").err
    ways = re.findall(r"is kept: `agentpack (install .*)` uses it again", told)
    assert ways == [
        'install "crew[local-2]" --source ../packs',
        'install "team-agents[local]" --source .agentpack/packs',
    ]
    for way in ways:
        agentpack(*shlex.split(way))
    assert "nothing differs" in agentpack("diff").err


@pytest.mark.parametrize("names", [["python-engineer"], ["--all"]])
def test_a_local_variant_stays_when_its_pack_goes_and_the_next_install_names_it(
    agentpack: Agentpack, project: Path, names: list[str]
) -> None:
    agentpack("install", "python-engineer", "--as", "python-engineer=snake", "--client", "claude")
    path = project / CLAUDE.format("snake")
    path.write_text(path.read_text() + "\n## House\n\n- Wipe your feet.\n")
    assert "is not used" not in agentpack("keep", "python-engineer", "--as", "house").err
    told = agentpack("uninstall", *names).err
    place = ".agentpack/variants/python-engineer/house.md"
    command = 'agentpack install "python-engineer[house]"'
    assert f"note: your local variant {place} is kept: `{command}` uses it again\n" in told
    install = ("install", "python-engineer", "--as", "python-engineer=snake", "--client", "claude")
    assert f"note: your local variant {place} is not used: `{command}` adds it\n" in agentpack(*install).err
    assert "local variant" not in agentpack("install", "python-engineer[house]").err
    assert "- Wipe your feet." in path.read_text()


def test_each_way_on_is_said_once_and_rollback_0_brings_back_what_was(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {CLAUDE.format("mine"): persona_text("mine", body="You are one.\n")})
    before = tree(project)
    agentpack("adopt")
    agentpack("install", "python-engineer", "--client", "claude")
    edited = project / CLAUDE.format("python-engineer")
    edited.write_text(edited.read_text() + "\n## House\n\n- Wipe your feet.\n")
    alone = agentpack("uninstall", "python-engineer", expect=3).err
    said = agentpack("uninstall", "--all", expect=3).err
    assert "is your own file, which you adopted" in said
    ways = [line.removeprefix("hint:").split("`")[1] for line in said.splitlines() if line.startswith(("hint:", "  `"))]
    assert ways == ["--keep-files", "--discard-edits", "agentpack rollback 0"]
    assert "rollback 0" not in alone
    agentpack("rollback", "0")
    assert tree(project) == before


def test_a_clone_has_no_state_of_before_to_go_back_to(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    shutil.rmtree(project / ".agentpack")
    path = project / CLAUDE.format("python-engineer")
    path.write_text(path.read_text() + "\n## House\n\n- Wipe your feet.\n")
    agentpack("install", "python-engineer", "--set", "model=sonnet")
    assert "rollback 0" not in agentpack("uninstall", "--all", expect=3).err


def test_no_way_is_named_that_takes_back_what_was_edited_since_it_was_adopted(
    agentpack: Agentpack, project: Path
) -> None:
    path = project / CLAUDE.format("one")
    write_tree(project, {CLAUDE.format("one"): persona_text("one", body="You are one.\n")})
    agentpack("adopt")
    assert "`agentpack rollback 0`" in agentpack("uninstall", "--all", expect=3).err
    path.write_text(path.read_text() + "\n## Mine\n\nBe kind.\n")
    told = agentpack("uninstall", "--all", expect=3).err
    assert "rollback 0" not in told
    assert "`--keep-files` leaves" in told


def test_the_copies_of_adopted_files_are_said_to_stay_as_long_as_they_are_there(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {CLAUDE.format(name): persona_text(name, body="You are one.\n") for name in ("one", "two")})
    agentpack("adopt")
    path = project / CLAUDE.format("one")
    path.write_text(path.read_text() + "\n## Mine\n\nBe kind.\n")
    agentpack("keep", "one", "--as", "house")
    kept = "note: .agentpack/packs/team-agents is kept, with the copies of your files"
    assert kept not in agentpack("uninstall", "team-agents[house]").err
    assert kept in agentpack("uninstall", "team-agents", "--keep-files", "--dry-run").err
    shutil.rmtree(project / ".agentpack/packs/team-agents")
    assert kept not in agentpack("uninstall", "team-agents", "--keep-files").err


@pytest.mark.parametrize("names", [["--all"], ["one"]])
def test_a_refused_uninstall_tells_nothing_of_what_it_did_not_do(
    agentpack: Agentpack, project: Path, tmp_path: Path, names: list[str]
) -> None:
    publish(tmp_path / "packs", make_pack("one", personas={"one": persona_text("one", body=BODY)}))
    agentpack("install", "one", "--source", str(tmp_path / "packs"), "--client", "claude")
    file = project / CLAUDE.format("one")
    file.write_text(file.read_text() + "- Mine.\n")
    assert "note: " not in agentpack("uninstall", *names, expect=3).err
    done = agentpack("uninstall", *names, "--discard-edits").err
    assert "note: also removes the source `packs`, which `install` had added" in done
    assert ("note: the history stays" in done) == (names == ["--all"])
