"""A place that knows nothing of agentpack is installed, chosen from, upgraded and given up as it is."""

import json
import re
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.collection_files import LAYOUTS, agent_text, beside, marketplace
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import marks, tree, write_tree

from agentpack.changes.agent_names import packs_with, unknown_agent
from agentpack.errors import InvalidFile, Refused
from agentpack.model.git_places import GitPlace
from agentpack.model.names import PackName, kebab, text_digest
from agentpack.model.pack import AgentRow, agent_rows, digest_of_rows, digest_version
from agentpack.sources import collection as sources_collection
from agentpack.sources.collection import Collection, CollectionPack, collection, telling_name
from agentpack.sources.trees import MemoryTree

OURS = "- A rule of our own."


def agents(project: Path) -> list[str]:
    return sorted(path.removeprefix(".claude/agents/") for path in tree(project) if path.startswith(".claude/agents/"))


def kit(project: Path, **bodies: str) -> Path:
    """A collection in the project: `agents/<name>.md` for each body."""
    return write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, body) for name, body in bodies.items()})


# What a place offers.


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_place_in_any_layout_is_installed_whole(agentpack: Agentpack, project: Path, layout: str) -> None:
    write_tree(project / "place", {**beside(40), **LAYOUTS[layout]({"one": "Work.", "two": "Work.", "three": "Work."})})
    agentpack("install", "./place", "--all", "--client", "claude")
    assert agents(project) == ["one.md", "three.md", "two.md"]


def test_an_agent_is_written_as_its_author_wrote_it(agentpack: Agentpack, project: Path) -> None:
    text = agent_text("odd", "Work  hard. ", more="color: magenta\ncategory: meta # ours\n")
    write_tree(project / "kit", {"agents/odd.md": text})
    agentpack("install", "./kit")
    assert (project / ".claude/agents/odd.md").read_text() == text


def test_a_file_at_the_top_hides_no_folder(agentpack: Agentpack, project: Path) -> None:
    names = {"lead.md": "lead", "design/ui.md": "ui", "engineering/backend/api.md": "api"}
    write_tree(project / "kit", {path: agent_text(name, "Work.") for path, name in names.items()})
    agentpack("install", "./kit")
    assert agents(project) == ["api.md", "lead.md", "ui.md"]


def test_documents_skills_and_commands_are_no_agents(agentpack: Agentpack, project: Path) -> None:
    header = "---\nname: x\ndescription: y\n---\n"
    files = {
        "README.md": "# Kit\n",
        "agents/README.md": "# Agents\n",
        "skills/look/SKILL.md": header,
        "commands/go.md": header,
        "node_modules/other/agents/theirs.md": header,
    }
    write_tree(project / "kit", {"agents/one.md": agent_text("one", "Work."), **files})
    agentpack("install", "./kit")
    assert agents(project) == ["one.md"]


def test_each_plugin_of_a_marketplace_with_agents_is_a_pack(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work.", "three": "Work."}))
    shown = agentpack("show", "./market", "--json").envelope["data"]
    assert {pack["name"]: pack["version"] for pack in shown["packs"]} == {
        "kit-0": "1.0.0",
        "kit-1": "1.1.0",
        "kit-2": "1.2.0",
    }
    ran = agentpack("install", "kit-1", "--source", "market")
    assert "only agents were installed; skipped the rest of kit-1 (1 command and 1 skill)" in ran.err
    assert agents(project) == ["two.md"]


def test_a_plugin_that_is_elsewhere_is_told_and_one_that_leads_out_is_left_out(
    agentpack: Agentpack, project: Path
) -> None:
    plugins: list[dict[str, Any]] = [
        {"name": "here", "source": "./here"},
        {"name": "there", "source": {"source": "github", "repo": "team/there"}},
        {"name": "out", "source": "../out"},
        {"name": "root", "source": "/etc"},
    ]
    write_tree(
        project / "market",
        {
            ".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": plugins}),
            "here/agents/one.md": agent_text("one", "Work."),
        },
    )
    write_tree(project / "out", {"agents/secret.md": agent_text("secret", "Work.")})
    shown = agentpack("show", "./market")
    assert "there\n  in github:team/there\n" in shown.out.replace("there \n", "there\n")
    assert "skipped plugin `out`: `../out` leads out of the folder" in shown.err
    assert "skipped plugin `root`: `/etc` leads out of the folder" in shown.err
    assert "secret" not in shown.out
    plugins[1] = {**plugins[1], "description": "Agents of the team."}
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": plugins})})
    asked = agentpack("install", "./market", expect=3).err
    assert "  here: 1 agent\n  there: in github:team/there; Agents of the team.\n" in asked


def test_show_and_search_offer_no_agent_that_would_be_left_out(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    write_tree(project / "kit", {"agents/draft.md": "---\nname: draft\n---\nTo do.\n"})
    write_tree(project / "kit", {"agents/GUIDE.md": "---\ntitle: A guide\n---\nRead.\n"})
    shown = agentpack("show", "./kit")
    assert "1 agent\n" in shown.out
    assert "GUIDE" not in shown.out + shown.err
    assert "draft" not in shown.out
    assert "note: kit: skipped agents/draft.md (its header has no description)" in shown.err
    agentpack("install", "./kit")
    assert agentpack("search", "draft", "--json").envelope["data"]["agents"] == []


def test_show_lists_agents_by_their_names_whatever_their_files_are_called(agentpack: Agentpack, project: Path) -> None:
    names = {"agents/a.md": "zeta", "agents/b.md": "alpha", "agents/c.md": "mid"}
    write_tree(project / "kit", {path: agent_text(name, "Work.") for path, name in names.items()})
    [pack] = agentpack("show", "./kit", "--json").envelope["data"]["packs"]
    assert [agent["name"] for agent in pack["agents"]] == ["alpha", "mid", "zeta"]


def test_show_counts_an_agent_once_and_tells_of_other_files_with_its_name(agentpack: Agentpack, project: Path) -> None:
    here, there = agent_text("one", "Work."), "---\ndescription: Works.\nmode: subagent\n---\nWork.\n"
    paths = {".apm/agents/one.agent.md": here, ".claude/agents/one.md": here, ".opencode/agents/one.md": there}
    write_tree(project / "kit", {"apm.yml": "name: kit\nversion: 1.2.0\n", **paths})
    shown = agentpack("show", "./kit")
    assert "1 agent\n" in shown.out
    assert "note: kit: skipped .opencode/agents/one.md (`.apm/agents/one.agent.md` has the same name)" in shown.err
    (offered,) = agentpack("show", "./kit", "--json").envelope["data"]["packs"]
    assert [agent["path"] for agent in offered["agents"]] == [".apm/agents/one.agent.md"]


def test_every_file_that_is_left_out_is_named_somewhere(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    drafts = {f"agents/draft-{number}.md": f"---\nname: draft-{number}\n---\n" for number in range(9)}
    write_tree(project / "kit", drafts)
    ran = agentpack("install", "./kit")
    assert "and 3 more (`agentpack status --verbose` names all)" in ran.err
    assert "draft-8" not in agentpack("status").out
    in_full = agentpack("status", "--verbose").out, agentpack("status", "--json").out
    strict = agentpack("install", "kit", "--strict", expect=3).err
    for told in (*in_full, strict):
        assert all(path in told for path in drafts)
        assert "more" not in told.partition("draft-0")[2].partition("draft-8")[0]


def test_a_plugin_with_bad_files_alone_hinders_no_other(agentpack: Agentpack, project: Path) -> None:
    market = project / "market"
    write_tree(market, marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    bad = market / "plugins/kit-1/agents/two.md"
    good = bad.read_text()
    bad.write_text("---\nname: two\n---\nBad.\n")
    ran = agentpack("install", "./market", "--all")
    assert "kit-1: 1 agent file is skipped: agents/two.md (its header has no description)" in ran.err
    assert agents(project) == ["one.md"]
    assert agentpack("diff").out + agentpack("sync", "--locked").out == ""
    bad.write_text(good)
    agentpack("upgrade", "--yes", "--accept", "every-tool")
    assert agents(project) == ["one.md", "two.md"]
    bad.write_text("---\nname: two\n---\nBad.\n")
    agentpack("upgrade", "--yes")
    assert "one.md" in agents(project)


@pytest.mark.parametrize(
    "manifest",
    [
        '{"plugins": [{"name": "skills", "source": "./skills"}, {"name": "far", "source": {"repo": "a/b"}}]}',
        '{"marketplace": {"plugins": []}}',
        "{",
    ],
)
def test_a_marketplace_without_a_plugin_that_has_agents_hides_none(
    agentpack: Agentpack, project: Path, manifest: str
) -> None:
    files = {"skills/look/SKILL.md": agent_text("look", "Look."), "agents/one.md": agent_text("one", "Work.")}
    write_tree(project / "kit", {".claude-plugin/marketplace.json": manifest, **files})
    agentpack("install", "./kit", "--all")
    assert agents(project) == ["one.md"]
    assert (
        "marketplace.json" in agentpack("show", "./kit").err or "skipped plugin `far`" in agentpack("show", "./kit").err
    )


def test_an_agent_beside_those_that_a_manifest_names_is_told(agentpack: Agentpack, project: Path) -> None:
    plugins = [{"name": "first", "source": "./first", "agents": ["./one.md"]}]
    write_tree(
        project / "market",
        {
            ".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": plugins}),
            "first/one.md": agent_text("one", "Work."),
            "first/two.md": agent_text("two", "Work."),
            "first/README.md": "# First\n",
        },
    )
    told = "skipped `first/two.md`: the manifest does not list it"
    assert told in agentpack("install", "./market", "--all").err
    assert told in agentpack("show", "./market").err
    assert agents(project) == ["one.md"]


def test_agents_that_no_plugin_has_are_a_pack_of_their_own(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    write_tree(project / "market", {"more/agents/deep/three.md": agent_text("three", "Work.")})
    shown = agentpack("show", "./market", "--json").envelope["data"]
    assert [pack["name"] for pack in shown["packs"]] == ["kit-0", "kit-1", "market"]
    agentpack("install", "./market", "--all")
    assert agents(project) == ["one.md", "three.md", "two.md"]


def test_a_long_description_is_cut_unless_all_of_it_is_asked_for(agentpack: Agentpack, project: Path) -> None:
    text = agent_text("one", "Work.", description="Use it for everything. " + "word " * 60 + "end.")
    write_tree(project / "kit", {"agents/one.md": text})
    assert agentpack("show", "./kit").out.endswith("…\n")
    assert agentpack("show", "./kit", "--verbose").out.endswith("word end.\n")


# Which of it.


def test_a_place_with_several_packs_asks_which(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work.", "three": "Work."}, plugins=2))
    before = marks(project)
    ran = agentpack("install", "./market", expect=3)
    assert ran.err == (
        f"project {project}\n"
        "error: ./market offers 2 packs: choose one\n"
        "  kit-0: 2 agents; Kit 0.\n"
        "  kit-1: 1 agent; Kit 1.\n"
        "hint: `agentpack install kit-0 --source ./market`, `--only AGENT`, or `--all`\n"
    )
    assert marks(project) == before
    agentpack("install", "./market", "--only", "two")
    assert agents(project) == ["two.md"]


def test_an_agent_that_no_pack_of_a_place_has_is_told_so(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    assert agentpack("install", "./market", "--only", "zebra-keeper", expect=4).err == (
        f"project {project}\nerror: `market` has no agent `zebra-keeper`\n"
    )


def test_some_agents_of_many(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    for place, words, left in (
        ("./kit", ["--only", "one,two"], ["one.md", "two.md"]),
        ("kit", ["--only", "three"], ["one.md", "three.md", "two.md"]),
        ("kit", ["--without", "two"], ["one.md", "three.md"]),
        ("kit", ["--all"], ["one.md", "three.md", "two.md"]),
    ):
        agentpack("install", place, *words)
        assert agents(project) == left
        [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
        assert [Path(row["path"]).name for row in locked["agents"]] == left
    assert agentpack("install", "kit", "--all").err.endswith("nothing to change\n")
    ran = agentpack("install", "kit", "--only", "tow", expect=4)
    assert "has no agent `tow`" in ran.err
    assert "did you mean `two`?" in ran.err


@pytest.mark.parametrize(("count", "more"), [(12, ""), (13, " and 1 more")])
def test_an_unknown_agent_is_told_with_some_that_there_are(
    agentpack: Agentpack, project: Path, count: int, more: str
) -> None:
    names = [f"a{number:02}" for number in range(count)]
    write_tree(project, {f"kit/agents/{name}.md": agent_text(name, "Work.") for name in reversed(names)})
    refused = agentpack("install", "./kit", "--only", "agents/a1.md", expect=4).err
    assert f"error: `kit` has no agent `agents/a1.md`\n  it has {', '.join(names[:12])}{more}\n" in refused
    assert "hint: did you mean `agents/a" in refused
    agentpack("install", "./kit", "--only", "agents/a11.md")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("tow", "did you mean `two`?"), ("agents/tow.md", "did you mean `agents/two.md` or `agents/one.md`?")],
)
def test_an_unknown_agent_in_the_manifest_is_told_with_what_is_near(
    agentpack: Agentpack, project: Path, asked: str, hint: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    before = tree(project)
    manifest = project / "agentpack.yaml"
    written = manifest.read_text()
    manifest.write_text(f"{written}    personas: [{asked}]\n")
    told = f"error: `kit` has no agent `{asked}`\n  it has one, two\nhint: {hint}\n"
    assert agentpack("sync", expect=4).err.endswith(f"/project\n{told}")
    manifest.write_text(written)
    assert tree(project) == before


def test_agents_are_told_by_the_names_in_their_files_and_meant_by_name_or_path_alone(
    agentpack: Agentpack, project: Path
) -> None:
    names = {"one": "Code Reviewer", "two": "agents-one-md", "three": "three"}
    write_tree(project / "kit", {f"agents/{path}.md": agent_text(name, "Work.") for path, name in names.items()})
    agentpack("install", "./kit", "--client", "claude", "--only", "agents/one.md")
    assert agents(project) == ["code-reviewer.md"]
    manifest = project / "agentpack.yaml"
    written = manifest.read_text()
    unknown = "error: `kit` has no agent `nobody`\n  it has Code Reviewer, three, agents-one-md\n"
    manifest.write_text(re.sub("(personas: ).*", r"\1[nobody]", written))
    assert agentpack("sync", expect=4).err == f"project {project}\n{unknown}"
    manifest.write_text(f"{written}    as: {{nobody: first}}\n")
    told = agentpack("sync", expect=4).err.splitlines()[1]
    assert re.sub(r"h[0-9a-f]{12}", "h", told) == "error: kit 0.0.0+h has no agent `nobody` to rename (`as`)"
    for named in ("Code Reviewer", "code-reviewer", "agents/one.md"):
        manifest.write_text(f"{written}    as: {{{named}: first}}\n")
        agentpack("sync")
        assert agents(project) == ["first.md"]
        manifest.write_text(written)
        agentpack("sync")


def test_a_name_in_the_manifest_that_no_pack_has_leads_to_what_a_collection_has(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack())
    kit(project, **{"data-reviewer": "Work.", "solo": "Work."})
    write_tree(project / "kits", {f"{name}/agents/{name}.md": agent_text(name, "Work.") for name in ("next", "last")})
    sources = "{name: packs, path: ../packs}, {name: kit, path: kit}, {name: kits, path: kits}"
    manifest = project / "agentpack.yaml"
    for asked, told in {
        "data-reviewer>=9": "error: no release of `data-reviewer` matches `>=9`\n  there is only 1.0.0\n"
        "hint: widen the range so that it allows 1.0.0\n",
        "solo": "error: there is no pack named `solo`\n"
        "hint: `solo` is an agent of `kit`: `agentpack install kit --only solo`\n",
        "kit": "error: there is no pack named `kit`\n"
        "hint: `kit` offers `kit` in a collection: write `{require: kit, source: kit}`\n",
        "nobody": "error: there is no pack named `nobody`\nhint: `agentpack search` lists all packs\n",
    }.items():
        manifest.write_text(f"schema: 1\nclients: [claude]\nsources: [{sources}]\npacks: [{asked}]\n")
        assert agentpack("sync", expect=4).err == f"project {project}\n{told}"


def test_another_version_of_the_same_agents_changes_nothing(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    write_tree(project / "kit", {"plugin.json": json.dumps({"name": "kit", "version": "1.0.0"})})
    agentpack("install", "./kit", "--client", "claude")
    before = tree(project)
    write_tree(project / "kit", {"plugin.json": json.dumps({"name": "kit", "version": "1.1.0"})})
    before["kit/plugin.json"] = (project / "kit/plugin.json").read_bytes()
    for words in (("sync",), ("sync", "--frozen"), ("sync", "--locked"), ("lock", "--check"), ("upgrade", "--yes")):
        assert agentpack(*words).err == f"project {project}\nnothing to change\n"
    assert tree(project) == before
    shutil.rmtree(project / ".agentpack")  # as in a clone
    told = "as 1.0.0, and the same files are 1.1.0 in `kit`"
    assert f"error: agentpack.lock: kit is locked {told}\n" in agentpack("sync", expect=5).err
    assert f"  kit is locked {told}\n" in agentpack("sync", "--locked", expect=3).err


@pytest.mark.many
@pytest.mark.parametrize(
    ("key", "left", "there", "told"),
    [
        (
            "as: {%s: other}",
            {"ops-cost", "other", "a-b-tester", "agent-cf2a"},
            ["other.md"],
            "{release} has no agent `nobody` to rename (`as`)",
        ),
        ("personas: [%s]", {"net-4-8"}, ["agent-cf2a.md"], "`kit` has no agent `nobody`"),
        ("without: [%s]", {"ops-cost", "a-b-tester", "agent-cf2a"}, [], "`kit` has no agent `nobody`"),
    ],
)
def test_an_agent_in_the_manifest_is_the_one_of_that_name_whatever_others_are_called(
    agentpack: Agentpack, project: Path, key: str, left: set[str], there: list[str], told: str
) -> None:
    for name, title in (("one", "Ops & Cost"), ("two", "Net 4.8"), ("three", "A/B Tester"), ("agent-cf2a", "日本")):
        write_tree(project / "kit", {f"agents/{name}.md": agent_text(title, f"Work as {name}.")})
    agentpack("install", "./kit", "--client", "claude")
    manifest = project / "agentpack.yaml"
    written = manifest.read_text()
    for asked in ("Net 4.8", "NET 4.8", "net-4-8", "agents/two.md"):
        manifest.write_text(f"{written}    {key % json.dumps(asked)}\n")
        agentpack("sync")
        assert {name.removesuffix(".md") for name in agents(project)} == left
    manifest.write_text(f"{written}    {key % '日本'}\n")
    agentpack("sync")
    assert [name for name in ("agent-cf2a.md", "other.md") if name in agents(project)] == there
    manifest.write_text(f"{written}    {key % 'nobody'}\n")
    [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
    told = told.format(release=f"kit {locked['version']}")
    assert agentpack("sync", expect=4).err.startswith(f"project {project}\nerror: {told}\n")


@pytest.mark.parametrize("first", [["--only", "one"], ["--all"]], ids=["some", "all"])
def test_leaving_out_the_last_agent_leads_to_uninstall(agentpack: Agentpack, project: Path, first: list[str]) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", *first)
    ran = agentpack("install", "kit", "--without", "one,two" if first == ["--all"] else "one", expect=2)
    assert ran.err.endswith("error: this would leave no agent of `kit`\nhint: `agentpack uninstall kit` removes it\n")


def test_personas_of_a_pack_with_a_manifest_are_chosen_in_the_same_way(agentpack: Agentpack, project: Path) -> None:
    files = make_pack("duo", personas={"lead": persona_text("lead"), "writer": persona_text("writer")})
    write_tree(project / "packs/duo", files)
    agentpack("install", "duo", "--source", "packs", "--only", "lead")
    assert agents(project) == ["lead.md"]
    agentpack("install", "duo", "--all", "--as", "writer=author")
    assert agents(project) == ["author.md", "lead.md"]
    for option, name in (("--without", "nobody"), ("--only", "personas/lead.md"), ("--only", "lead.md")):
        told = f"error: duo 1.0.0 has no persona `{name}`"
        assert told in agentpack("install", "duo", option, name, expect=4).err


def test_a_name_that_several_plugins_have_or_spell_with_a_prefix_is_told_with_its_packs(
    agentpack: Agentpack, project: Path
) -> None:
    for name, other in (("first", "first-pro"), ("second", "second-pro")):
        files = {f"agents/{one}.md": agent_text(one, f"The {name}.") for one in ("Checker", other)}
        write_tree(project / f"market/{name}", files)
    plugins = [{"name": name, "source": f"./{name}"} for name in ("first", "second")]
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})
    before = tree(project)
    for words in (("./market",), ("first", "second", "--source", "market")):
        for asked in ("Checker", "checker", "agents/Checker.md"):
            ran = agentpack("install", *words, "--only", asked, expect=3)
            assert f"`--only first/{asked}` or `--only second/{asked}`" in ran.err
        ran = agentpack("install", *words, "--only", "pro", expect=4)
        assert "`--only first/first-pro` or `--only second/second-pro`" in ran.err
    assert tree(project) == before
    agentpack("install", "./market", "--only", "second/checker,first/first-pro")
    assert agents(project) == ["checker.md", "first-pro.md"]
    assert "The second." in (project / ".claude/agents/checker.md").read_text()
    agentpack("install", "first", "second", "--only", "checker", "--as", "first/checker=other")
    assert agents(project) == ["checker.md", "first-pro.md", "other.md"]


@pytest.mark.many
@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("asked", ["First Pro", "FIRST_PRO", "agents/a.md", "first/First Pro", "first/agents/a.md"])
def test_an_agent_of_several_plugins_is_left_out_or_renamed_by_each_of_its_names(
    agentpack: Agentpack, project: Path, asked: str, taken: bool
) -> None:
    """Also where the plugin has another name here, as a pack of its own name is installed."""
    for name, agent in (("first", "First Pro"), ("second", "Second Pro")):
        files = {"agents/a.md" if name == "first" else "agents/b.md": agent_text(agent, "Work.")}
        write_tree(project / f"market/{name}", {**files, f"agents/{name}.md": agent_text(f"{name}-one", "Work.")})
    plugins = [{"name": name, "source": f"./{name}"} for name in ("first", "second")]
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})
    mine = []
    if taken:
        publish(project / "packs", make_pack("first", personas={"mine": persona_text("mine")}))
        agentpack("install", "first", "--source", "packs", "--client", "claude")
        mine = ["mine.md"]
    install = ("install", "./market", "--all", "--client", "claude")
    agentpack(*install, "--without", asked)
    assert agents(project) == sorted([*mine, "first-one.md", "second-one.md", "second-pro.md"])
    agentpack("rollback")
    agentpack(*install, "--as", f"{asked}=lead")
    assert agents(project) == sorted([*mine, "first-one.md", "lead.md", "second-one.md", "second-pro.md"])


def test_the_agents_of_a_pack_that_end_in_a_name_are_told_in_alphabetical_order() -> None:
    names = [f"{name}-pro" for name in ("lead", "data", "test", "code", "web")]
    error = unknown_agent("no such agent", "pro", {PackName("kit"): {name: name for name in names}})
    assert error.hint == ", ".join(f"`--only kit/{name}`" for name in sorted(names))


@pytest.mark.parametrize(
    ("number", "between", "more"),
    [(1, "", ""), (2, " or ", ""), (3, ", ", ""), (8, ", ", ""), (9, ", ", " and 1 more")],
)
def test_of_many_agents_that_end_in_a_name_eight_are_told(number: int, between: str, more: str) -> None:
    names = [f"{index}-pro" for index in range(number)]
    error = unknown_agent("no such agent", "pro", {PackName("kit"): {name: name for name in names}})
    assert error.hint == between.join(f"`--only kit/{name}`" for name in names[:8]) + more


@pytest.mark.parametrize(
    ("text", "having"),
    [
        *((text, ["first"]) for text in ("Code Reviewer", "code-reviewer", "Code_Reviewer", "agents/x.md")),
        *((f"first/{text}", ["first"]) for text in ("Code Reviewer", "CODE REVIEWER", "agents/x.md")),
        *((f"second/{text}", []) for text in ("Code Reviewer", "code-reviewer", "agents/x.md")),
        *((text, ["second"]) for text in ("first", "second/first")),  # an agent with the name of another pack
        *((text, []) for text in ("first/first", "first/", "second", "third/first", "code")),
        *((text, ["first", "second"]) for text in ("shared", "Shared")),
    ],
)
def test_an_agent_is_known_by_each_of_its_names_in_its_pack(text: str, having: list[str]) -> None:
    names = ("agents/x.md", "Code Reviewer", "code-reviewer")
    first, second = dict.fromkeys(names, "Code Reviewer"), {"first": "first"}
    packs = {PackName("first"): {**first, "shared": "shared"}, PackName("second"): {**second, "shared": "shared"}}
    assert packs_with(text, packs) == having


def test_of_agents_with_names_as_near_as_each_other_the_same_are_always_told() -> None:
    names = ("test", "task", "fast", "last", "past", "cast", "taste", "toast")
    for order in (names, names[::-1]):
        error = unknown_agent("no such agent", "tast", {PackName("kit"): {name: name for name in order}})
        assert error.hint == "did you mean `toast` or `taste`?"


def test_an_old_record_that_is_damaged_keeps_no_release_from_being_installed(
    agentpack: Agentpack, project: Path
) -> None:
    for number, body in enumerate(("Work.", "Work hard.", "Rest.")):
        kit(project, one=body)
        agentpack(*(("upgrade", "--yes") if number else ("install", "./kit", "--client", "claude")))
        if number:
            (project / ".agentpack/state/generations/000001.json").write_text("{")
    assert (project / ".claude/agents/one.md").read_text().endswith("\nRest.\n")


def test_the_way_out_of_several_conflicts_is_told_once(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    write_tree(project, {f".claude/agents/{name}.md": "Mine.\n" for name in ("one", "two")})
    ran = agentpack("install", "./kit", "--client", "claude", expect=3)
    assert "2 files need a decision" in ran.err
    assert ran.err.count("add `--adopt`") == 1


def test_a_pack_of_a_collection_that_is_a_source_is_looked_at_before_it_is_installed(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="Work.")
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: mine, path: kit}\npacks: []\n"})
    assert "Work." in agentpack("render", "kit").out


def test_an_agent_is_asked_for_by_its_path(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--only", "agents/one.md")
    assert agents(project) == ["one.md"]
    agentpack("install", "kit", "--all", "--without", "agents/one.md")
    assert agents(project) == ["two.md"]


def test_two_agents_that_a_link_makes_one_file_name_their_client_once(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work more.")
    (project / ".claude/agents").mkdir(parents=True)
    (project / ".claude/agents/two.md").symlink_to("one.md")
    (project / ".claude/agents/one.md").write_text("")
    ran = agentpack("install", "./kit", "--client", "claude", expect=3)
    assert "error: Claude Code read the same file, but need different texts" in ran.err


def test_an_agent_that_is_installed_is_told_so_and_another_how_to_install_it(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    told = {
        True: "hint: `{0}` is installed already, as an agent of `kit`: `agentpack render kit --persona {0}` prints "
        "it\n",
        False: "hint: `{0}` is an agent of `kit`: `agentpack install kit --only {0}`\n",
    }
    agentpack("install", "./kit", "--client", "claude")
    for words, here in (
        ((), ("one", "two", "three")),
        (("--without", "two"), ("one", "three")),
        (("--only", "two"), ("one", "two", "three")),
        (("--without", "one,three"), ("two",)),
    ):
        agentpack("install", "kit", *words)
        for name in ("one", "two", "three"):
            said = agentpack("install", name, expect=4).err
            assert said.endswith(f"error: there is no pack named `{name}`\n" + told[name in here].format(name)), words
    agentpack("uninstall", "kit")
    agentpack("install", "./kit", "--only", "one")
    for name in ("one", "two"):
        assert agentpack("install", name, expect=4).err.endswith(told[name == "one"].format(name))


def test_the_name_of_an_agent_leads_to_its_pack(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    ran = agentpack("install", "one", "--source", "kit", expect=4)
    assert "`one` is not a pack but an agent of the pack `kit`" in ran.err
    assert "`agentpack install kit --only one --source kit`" in ran.err
    agentpack("install", "./kit")
    found = agentpack("search", "one", "--json").envelope["data"]["agents"]
    assert [(agent["pack"], agent["name"], agent["source"]) for agent in found] == [("kit", "one", "kit")]


@pytest.mark.many
@pytest.mark.parametrize("name", ["two", "kit/two"])
@pytest.mark.parametrize("command", ["install", "show", "render", "explain", "diff", "diff --from", "audit"])
def test_what_search_prints_for_an_agent_leads_to_how_it_is_installed(
    agentpack: Agentpack, project: Path, name: str, command: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--only", "one")
    assert "kit/two" in agentpack("search", "two").out
    if (command, name) == ("audit", "kit/two"):
        return  # a path
    other = ("--to", "kit") if "--from" in command else ()
    told = agentpack(*command.split(), name, *other, expect=None).err
    assert "hint: `two` is an agent of `kit`: `agentpack install kit --only two`" in told
    assert "two" in agentpack("show", "kit").out
    assert "name: two" in agentpack("render", "kit", "--persona", "two").out
    agentpack("install", "kit", "--only", "two")
    told = agentpack("show", name, expect=None).err
    way = "`agentpack render kit --persona two` prints it"
    assert f"hint: `two` is installed already, as an agent of `kit`: {way}\n" in told
    assert "did you mean `two`?" in agentpack("explain", "kit/two", expect=2).err if "/" in name else True


@pytest.mark.parametrize("choice", [("--only", "one"), ("--without", "two")])
def test_an_agent_that_is_left_out_is_shown_as_the_others_of_its_pack(
    agentpack: Agentpack, project: Path, choice: tuple[str, str]
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", *choice)
    assert agents(project) == ["one.md"]
    assert "name: two\n" in agentpack("render", "kit", "--persona", "two").out


@pytest.mark.parametrize("number", [20, 21])
def test_of_many_packs_of_a_place_twenty_are_told_where_it_lacks_the_one_that_is_asked_for(
    agentpack: Agentpack, project: Path, number: int
) -> None:
    names = [f"pack-{index:02}" for index in range(number)]
    publish(project / "packs", *(make_pack(name) for name in names))
    told = agentpack("install", "other-thing", "--source", "packs", expect=4).err
    assert told.splitlines()[1:] == [
        "error: `packs` has no pack `other-thing`",
        f"  it has {', '.join(names[:20])}{', …' if number > 20 else ''}",
        "hint: `agentpack show ./packs` lists what it offers",
    ]


@pytest.mark.parametrize("asked", ["first", "first/first"])
def test_an_agent_with_the_name_of_a_pack_of_its_place_is_asked_for_as_any(
    agentpack: Agentpack, project: Path, asked: str
) -> None:
    for name, agent in (("first", "first"), ("second", "other")):
        write_tree(project / f"market/{name}", {f"agents/{agent}.md": agent_text(agent, "Work.")})
    plugins = [{"name": name, "source": f"./{name}"} for name in ("first", "second")]
    write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})
    agentpack("install", "./market", "--only", asked)
    assert agents(project) == ["first.md"]
    told = agentpack("install", "./market", "--only", "second", expect=4).err
    assert "error: `second` is a pack of `market`, not an agent\n" in told


def test_a_pack_comes_from_the_source_that_is_named_or_not_at_all(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    before = tree(project)
    refused = agentpack("install", "python-reviewer", "--source", "kit", expect=4).err
    assert "`kit` has no pack `python-reviewer`" in refused
    assert "it has kit" in refused
    assert "`agentpack show ./kit` lists what it offers" in refused
    assert tree(project) == before


def test_agents_of_one_name_in_two_packs_are_told_apart(agentpack: Agentpack, project: Path) -> None:
    for name in ("first", "second"):
        files = {"agents/checker.md": agent_text("checker", f"The {name}."), f"agents/{name}.md": agent_text(name, "x")}
        write_tree(project / f"plugins/{name}", files)
    names = ("install", "first", "second", "--source", "plugins")
    typed = "agentpack install first second --source plugins"
    for option in ("--as second/checker=checker-2", "--without second/checker"):
        assert f"`{typed} {option}`" in agentpack(*names, expect=4).err
        agentpack(*shlex.split(f"{typed} {option}")[1:])
        agentpack("rollback")
    assert "both have an agent `checker`" in agentpack(*names, "--as", "checker=other", expect=2).err
    agentpack(*names, "--as", "second/checker=other-checker")
    assert agents(project) == ["checker.md", "first.md", "other-checker.md", "second.md"]
    assert "name: other-checker" in (project / ".claude/agents/other-checker.md").read_text()
    agentpack("install", "second", "--without", "checker")
    assert agents(project) == ["checker.md", "first.md", "second.md"]


def test_an_agent_is_renamed_by_name_by_path_and_in_a_pack_that_is_installed_already(
    agentpack: Agentpack, project: Path
) -> None:
    for name in ("first", "second"):
        write_tree(project / name, {"agents/checker.md": agent_text("Checker", f"The {name}.")})
    agentpack("install", "./second")
    hint = agentpack("install", "./first", expect=4).err
    assert "`agentpack install ./first --as second/checker=checker-2`" in hint
    agentpack("install", "./first", "--as", "second/checker=checker-2")
    assert "The second." in (project / ".claude/agents/checker-2.md").read_text()
    agentpack("install", "first", "--as", "agents/checker.md=third")
    agentpack("install", "second", "--as", "Checker=fourth")
    assert agents(project) == ["fourth.md", "third.md"]


def test_an_agent_of_a_place_that_is_gone_is_refused_by_the_place(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--only", "one")
    shutil.rmtree(project / "kit")
    for words in (("--only", "two"), ("--only", "kit/two"), ("--all",)):
        assert "the source `kit` is missing" in agentpack("install", "kit", *words, expect=6).err


def test_a_place_with_another_name_is_told_with_what_it_offers(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    agentpack("install", "./kit")
    (project / "kit").rename(project / "tools")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("path: kit", "path: tools"))
    agentpack("sync")
    assert "unchanged" in agentpack("status").out
    ran = agentpack("upgrade", "--yes")
    assert "kit was not changed (`agentpack uninstall kit` removes it): the source `kit` has no pack `kit`" in ran.err
    assert "it has tools" in ran.err
    assert "write `require: tools` and `name: kit`" in ran.err
    manifest.write_text(manifest.read_text().replace("require: kit", "require: tools\n    name: kit"))
    write_tree(project / "tools", {"agents/one.md": agent_text("one", "Work on.")})
    agentpack("upgrade", "--yes")
    assert "Work on." in (project / ".claude/agents/one.md").read_text()


def test_all_of_a_place_takes_each_name_once(agentpack: Agentpack, project: Path) -> None:
    def plugin(name: str, *extra: str) -> None:
        files = {f"agents/{one}.md": agent_text(one, f"The {name}.") for one in ("checker", *extra)}
        files["agents/broken.md"] = "---\ndescription: x\n---\nBroken.\n"
        write_tree(project / f"plugins/{name}", files)
        names = sorted(path.name for path in (project / "plugins").iterdir() if path.name[0] != ".")
        plugins = [{"name": name, "source": f"./{name}"} for name in names]
        write_tree(project / "plugins", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})

    plugin("middle", "middle")
    plugin("second", "second")
    plugin("third")  # has nothing that the others have not
    (project / "plugins/third/agents/broken.md").unlink()
    ran = agentpack("install", "--source", "plugins", "--all")
    assert "2 agents are left out" in ran.err
    assert "second/checker, third/checker; `--as second/checker=NEW`" in ran.err
    assert agents(project) == ["checker.md", "middle.md", "second.md"]
    plugin("first", "first")  # comes before the others by name, and takes nothing away from them
    agentpack("install", "--source", "plugins", "--all")
    assert "The middle." in (project / ".claude/agents/checker.md").read_text()
    agentpack("install", "--source", "plugins", "--all", "--as", "first/checker=other-checker")
    assert agents(project) == ["checker.md", "first.md", "middle.md", "other-checker.md", "second.md"]
    assert agentpack("sync", "--locked").err.endswith("nothing to change\n")


@pytest.mark.parametrize(("has", "gains"), [("kit-0", "kit-1"), ("kit-1", "kit-0")])
def test_an_upgrade_that_brings_a_namesake_keeps_the_agent_that_is_there(
    agentpack: Agentpack, project: Path, tmp_path: Path, has: str, gains: str
) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    write_tree(project / f"market/plugins/{has}", {"agents/checker.md": agent_text("checker", "The old one.")})
    agentpack("install", "./market", "--all", "--client", "claude,opencode")
    write_tree(project / f"market/plugins/{gains}", {"agents/checker.md": agent_text("checker", "Another.")})
    for _ in range(2):
        agentpack("upgrade", "--yes")
        assert "The old one." in (project / ".claude/agents/checker.md").read_text()
        assert "The old one." in (project / ".opencode/agents/checker.md").read_text()
    agentpack("upgrade", "--strict", expect=3)
    told = f"{gains}: 1 agent file is skipped: agents/checker.md (`{has}` has an agent of that name)"
    assert told in agentpack("status").out
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "market"))
    for words in (("sync", "--frozen"), ("sync", "--locked"), ("sync",)):
        assert Agentpack(clone)(*words).err.endswith("nothing to change\n")
    agentpack("uninstall", has)
    agentpack("sync")
    assert "Another." in (project / ".claude/agents/checker.md").read_text()


def test_two_collections_of_one_name_live_together(agentpack: Agentpack, project: Path) -> None:
    for name in ("one", "two"):
        write_tree(project / f"{name}/.claude", {f"agents/from-{name}.md": agent_text(f"from-{name}", "Work.")})
        told = agentpack("install", "agents", "--source", f"{name}/.claude/agents").err
        note = "`agents` of `two` is installed as `two`: the name is taken"
        assert (note in told) is (name == "two")
        assert note not in agentpack("install", "agents", "--source", f"{name}/.claude/agents").err
    assert agents(project) == ["from-one.md", "from-two.md"]
    assert "{require: agents" not in (project / "agentpack.yaml").read_text()
    assert "name: two" in (project / "agentpack.yaml").read_text()
    agentpack("upgrade")
    agentpack("uninstall", "two")
    assert agents(project) == ["from-one.md"]


@pytest.mark.parametrize("moves", [False, True])
def test_an_installed_agent_keeps_its_file_when_names_come_to_meet_and_part(
    agentpack: Agentpack, project: Path, tmp_path: Path, moves: bool
) -> None:
    write_tree(project / "kit", {"agents/a.md": agent_text("Code Reviewer", "Old.")})
    agentpack("install", "./kit", "--client", "claude,codex")
    assert agents(project) == ["code-reviewer.md"]
    write_tree(
        project / "kit", {"agents/0.md": agent_text("code-reviewer", "New."), "agents/b.md": agent_text("b", "x")}
    )
    if moves:
        (project / "kit/agents/a.md").write_text(agent_text("Code Reviewer", "Newer."))
    agentpack("upgrade", "--yes")
    _, other, mine = agents(project)
    assert (mine, len(other)) == ("code-reviewer.md", len("code-reviewer-1234.md"))
    assert "name: Code Reviewer" in (project / ".claude/agents/code-reviewer.md").read_text()
    assert "name: code-reviewer\n" in (project / f".claude/agents/{other}").read_text()
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "kit"))
    for words in (("sync", "--frozen"), ("sync", "--locked"), ("sync",)):
        assert Agentpack(clone)(*words).err.endswith("nothing to change\n")
    before = tree(project)
    (project / "kit/agents/a.md").unlink()
    agentpack("upgrade", "--yes")
    assert agents(project) == ["b.md", other]
    agentpack("rollback")
    assert {path: data for path, data in tree(project).items() if not path.startswith("kit/")} == {
        path: data for path, data in before.items() if not path.startswith("kit/")
    }


# What is no requirement.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("team/agents", "for the repository on GitHub, write `github:team/agents`"),
        ("team/agents>=1", "for a folder or an address, `agentpack show team/agents` lists its packs"),
        ("https://example.com/team/agents", "for a git repository, write `git+https://example.com/team/agents`"),
        ("oci://example.com/team/agents", "name a folder or a repository"),
        ("git+https://user:secret@example.com/agents", "an address must not hold a password or token"),
        ("git+http://example.com/agents", "write `https://`"),
        ("git+https://example.com/agents#v1", "only `subdirectory=FOLDER` is supported"),
        ("github:agents", "is not the address of a git repository"),
        ("https://github.com/a/b/tree/main/x/y", "write `github:a/b@main#subdirectory=x/y`"),
        ("https://github.com/a/b/blob/main/x/y.md", "`agentpack install github:a/b@main --only y`"),
    ],
)
def test_an_address_that_is_not_read_is_told_with_what_is(agentpack: Agentpack, text: str, told: str) -> None:
    ran = agentpack("install", text, expect=2)
    assert told in ran.err
    assert "secret" not in ran.err


def test_a_path_that_leads_nowhere_is_told_as_one(agentpack: Agentpack, project: Path) -> None:
    assert "no such folder or archive" in agentpack("install", "./nothing", expect=2).err
    (project / "one.md").write_text(agent_text("one", "Work."))
    assert "name its folder: `agentpack install . --only one`" in agentpack("install", "./one.md", expect=2).err
    (project / "empty").mkdir()
    assert "has no packs and no agent files" in agentpack("install", "./empty", expect=4).err
    kit(project, one="Work.")
    assert "`agentpack install ./kit`" in agentpack("install", "kit", expect=4).err


def test_a_pack_is_installed_beside_a_folder_of_its_name(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: ours, path: packs}\npacks: []\n"})
    (project / "data-reviewer").mkdir()
    agentpack("install", "data-reviewer")
    assert agents(project) == ["reviewer.md"]


def test_a_folder_of_numbers_is_no_pack(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"photos/trip/2026/one.txt": "A picture."})
    assert "has no packs and no agent files" in agentpack("show", "./photos").err
    assert "has no packs and no agent files" in agentpack("install", "./photos", expect=4).err


def test_a_git_repository_without_files_is_called_so(agentpack: Agentpack, project: Path) -> None:
    write_tree(
        project, {"hub.git/HEAD": "ref: refs/heads/main", "hub.git/objects/10/a": "", "hub.git/refs/heads/a": ""}
    )
    for words in ("show", "install"):
        assert f"write `git+file://{project}/hub.git`" in agentpack(words, "./hub.git", expect=2).err


def test_installing_all_agents_of_a_collection_says_how_to_choose_some(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work.") for name in ("one", "two", "three")})
    told = "use about 30 tokens in every session"
    assert f"{told}; for some of them only, add `--only NAME`\n" in agentpack("install", "./kit", "--dry-run").err
    way = "; for some of them only, run `agentpack rollback`, then install with `--only NAME`\n"
    assert told + way in agentpack("install", "./kit").err
    agentpack("rollback")
    agentpack("install", "./kit", "--only", "one")
    assert sorted(path.name for path in (project / ".claude/agents").iterdir()) == ["one.md"]
    assert "for some of them" not in agentpack("install", "kit", "--only", "two").err
    agentpack("uninstall", "kit")
    assert "for some of them" not in agentpack("install", "./kit", "--without", "two").err


def test_what_a_client_skips_is_nothing_that_a_policy_refuses(agentpack: Agentpack, project: Path) -> None:
    """Without its restriction, which that client cannot express, the agent could do what is denied."""
    text = agent_text("one", "Work.", more="tools: Read\n")
    denied = "schema: 1\npolicy: {capabilities: {deny: [shell]}}\npacks: []\n"
    write_tree(project, {"kit/agents/one.md": text, "agentpack.yaml": denied})
    agentpack("install", "./kit", "--client", "claude", "--client", "codex")
    agentpack("sync", "--check")
    assert agentpack("status", "--json").envelope["data"]["refused"] == []


def test_an_agent_at_a_place_is_printed_without_being_installed(agentpack: Agentpack, project: Path) -> None:
    texts = {name: agent_text(name, f"You are {name}.") for name in ("one", "two")}
    write_tree(project / "kit", {f"agents/{name}.md": text for name, text in texts.items()})
    write_tree(project / "packs/data-reviewer", make_pack())
    write_tree(project / "packs/another", make_pack("another"))
    before = tree(project)
    assert agentpack("render", "./kit", "--persona", "two").out == texts["two"]
    assert agentpack("render", "./packs/another").out == agentpack("render", "./packs/data-reviewer").out
    assert "  personas: one, two\nhint: name one, for example" in agentpack("render", "./kit", expect=2).err
    told = agentpack("render", "./kit", "--persona", "three", expect=2).err
    assert "has no persona `three`\n  personas: one, two\n" in told
    assert agentpack("render", "./packs", expect=2).err.endswith(
        "error: ./packs has 2 packs\nhint: `--persona NAME` names the agent; `agentpack show ./packs` lists all\n"
    )
    told = agentpack("render", "./packs", "--persona", "three", expect=2).err
    assert "error: ./packs has 2 packs, and none of them have an agent `three`\n" in told
    assert tree(project) == before


def test_an_agent_at_a_place_is_printed_as_it_is_there_also_where_its_pack_is_installed(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack(version="2.0.0"))
    agentpack("install", "data-reviewer", "--source", "packs")
    text = persona_text(body="You look at another place. {#place}\n")
    publish(project / "other", make_pack(version="1.0.0", personas={"reviewer": text}))
    assert agentpack("render", "./other").out.endswith("---\nYou look at another place.\n")
    texts = {name: agent_text(name, f"You are {name} of a kit.") for name in ("one", "two")}
    for folder in ("", "other/"):
        write_tree(project / f"{folder}kit", {f"agents/{name}.md": text for name, text in texts.items()})
    agentpack("install", "./kit", "--only", "one")
    assert agentpack("render", "./other/kit", "--persona", "two").out == texts["two"]


@pytest.mark.parametrize(("answer", "left"), [("keep", True), ("theirs", False)])
def test_an_edited_agent_that_is_left_out_is_settled_alone(
    agentpack: Agentpack, project: Path, answer: str, left: bool
) -> None:
    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work.") for name in ("one", "two")})
    agentpack("install", "./kit")
    one, two = (project / f".claude/agents/{name}.md" for name in ("one", "two"))
    for file in (one, two):
        file.write_text(file.read_text() + "Mine.\n")
    edited = two.read_text()
    told = agentpack("install", "kit", "--without", "one", expect=3).err
    way = "`--on-conflict theirs` deletes it and keeps the edit in the history, `--on-conflict keep` leaves it on disk"
    assert f".claude/agents/one.md: was edited, and would be deleted\nhint: {way}\n" in told
    agentpack("install", "kit", "--without", "one", "--on-conflict", answer)
    assert (one.exists(), two.read_text()) == (left, edited)
    agentpack("rollback")
    assert one.read_text().endswith("Mine.\n")


def test_discarding_edits_of_one_pack_deletes_no_edited_file_of_another(agentpack: Agentpack, project: Path) -> None:
    for name in ("one", "two"):
        write_tree(project / name, {f"agents/{name}.md": agent_text(name, "Work.")})
        agentpack("install", f"./{name}")
    two = project / ".claude/agents/two.md"
    two.write_text(two.read_text() + "Mine.\n")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().split("  - require: two")[0])
    assert f"{two.relative_to(project)}: was edited" in agentpack("install", "one", "--discard-edits", expect=3).err
    assert two.read_text().endswith("Mine.\n")


def test_a_collection_answers_no_bare_name(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kits/python-engineer", {"agents/evil.md": agent_text("evil", "Work.")})
    manifest = "schema: 1\nclients: [claude]\nsources:\n- {name: kits, path: kits}\npacks:\n"
    (project / "agentpack.yaml").write_text(manifest + "- python-engineer\n")
    agentpack("sync")
    assert agents(project) == ["python-engineer.md"]
    write_tree(project / "kits/other", {"agents/one.md": agent_text("one", "Work.")})
    (project / "agentpack.yaml").write_text(manifest + "- other\n")
    assert "write `{require: other, source: kits}`" in agentpack("sync", expect=4).err


# The place moves on.


def test_an_upgrade_takes_what_the_place_holds_now_and_keeps_edits(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="You write.\n\n- Ask.", two="You read.\n\n- Ask.")
    agentpack("install", "./kit")
    mine = project / ".claude/agents/one.md"
    mine.write_text(mine.read_text() + f"\n{OURS}\n")
    before = tree(project)
    kit(project, one="You write well.\n\n- Ask.", two="You read.\n\n- Ask.")
    assert "newer" in agentpack("status").out
    for words in (("sync", "--check"), ("diff",)):
        agentpack(*words, expect=None)
    assert agentpack("upgrade", "--check", expect=1)
    agentpack("upgrade", "--yes")
    text = mine.read_text()
    assert "You write well." in text
    assert OURS in text
    agentpack("rollback")
    assert {path: data for path, data in tree(project).items() if "kit/" not in path} == {
        path: data for path, data in before.items() if "kit/" not in path
    }


def test_what_nobody_chose_makes_nothing_newer(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="You write.", two="You read.")
    agentpack("install", "./kit", "--only", "one")
    before = tree(project)
    kit(project, one="You write.", two="You read on.", three="New.")
    (project / "kit/README.md").write_text("# New\n")
    for words in (("upgrade", "--yes"), ("sync",), ("sync", "--frozen")):
        assert agentpack(*words).err.endswith("nothing to change\n")
    assert {path: data for path, data in tree(project).items() if not path.startswith("kit/")} == {
        path: data for path, data in before.items() if not path.startswith("kit/")
    }


def test_asking_for_fewer_agents_by_hand_leaves_the_others_as_locked(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Old.", two="Old.", three="Old.")
    agentpack("install", "./kit", "--client", "claude")
    manifest, folder = project / "agentpack.yaml", project / ".claude/agents"
    written = manifest.read_text()
    kit(project, one="New.", two="New.", three="New.")
    for asked, texts in (
        ("    without: [three]\n", {"one": "Old.", "two": "Old."}),
        ("    without: [two, three]\n", {"one": "Old."}),
        ("    without: [three, two, nobody]\n", {"one": "Old."}),
        ("    without: [three]\n", {"one": "New.", "two": "New."}),  # what was left out is not locked
        ("    personas: [two, one]\n", {"one": "New.", "two": "New."}),
        ("    without: [two]\n", {"one": "New.", "three": "New."}),
        ("    personas: [two, one]\n", {"one": "New.", "two": "New."}),
    ):
        manifest.write_text(written + asked)
        agentpack("sync")
        assert {path.stem: path.read_text() for path in folder.iterdir()} == {
            name: agent_text(name, text) for name, text in texts.items()
        }, asked
    kit(project, one="Newer.", two="Newer.")
    for asked in ("    personas: [one, two]\n", "    personas: [one, two]\n    without: []\n"):  # as it was
        manifest.write_text(written + asked)
        assert agentpack("sync", "--check").err == f"project {project}\nnothing differs\n"
    manifest.write_text(written + "    personas: [one]\n")
    agentpack("sync")
    assert {path.stem: path.read_text() for path in folder.iterdir()} == {"one": agent_text("one", "New.")}


def test_packs_of_one_place_are_upgraded_one_by_one(agentpack: Agentpack, project: Path) -> None:
    for name in ("first", "second"):
        write_tree(project / f"kits/{name}", {f"{name}-agent.md": agent_text(f"{name}-agent", "Old.")})
    agentpack("install", "first", "second", "--source", "kits")
    for name in ("first", "second"):
        write_tree(project / f"kits/{name}", {f"{name}-agent.md": agent_text(f"{name}-agent", "New.")})
    agentpack("upgrade", "first", "--yes")
    assert "New." in (project / ".claude/agents/first-agent.md").read_text()
    assert "Old." in (project / ".claude/agents/second-agent.md").read_text()
    agentpack("upgrade", "--yes")
    assert "New." in (project / ".claude/agents/second-agent.md").read_text()


def test_more_power_stops_an_upgrade(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {"agents/one.md": agent_text("one", "Work.", more="tools: Read\n")})
    agentpack("install", "./kit")
    write_tree(project / "kit", {"agents/one.md": agent_text("one", "Work.", more="tools: Read, Bash\n")})
    before = tree(project)
    assert "shell" in agentpack("upgrade", "--yes", expect=3).err
    assert tree(project) == before
    agentpack("upgrade", "--yes", "--accept", "shell")


def test_an_agent_that_replaces_one_of_the_client_is_a_capability(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", **{"general-purpose": "Work."})
    ran = agentpack("install", "./kit")
    assert "may use (general-purpose): every-tool, replaces:general-purpose" in ran.err
    kit(project, Plan="Work.")
    assert "replaces:Plan" in agentpack("upgrade", "--yes", expect=3).err
    agentpack("upgrade", "--yes", "--accept", "replaces:Plan")
    assert agents(project) == ["general-purpose.md", "one.md", "plan.md"]


GONE = (
    *(("diff",), ("sync",), ("sync", "--check"), ("sync", "--frozen"), ("sync", "--locked"), ("lock", "--check")),
    *(("status",), ("explain", "one"), ("show", "kit"), ("upgrade", "--yes")),
    ("install", "python-reviewer", "--client", "claude"),
    *(("rollback",), ("uninstall", "kit")),
)


@pytest.mark.many
@pytest.mark.parametrize("words", GONE, ids=" ".join)
def test_what_is_installed_needs_its_place_no_longer(
    agentpack: Agentpack, project: Path, words: tuple[str, ...]
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude,codex")
    (project / "kit").rename(project / "elsewhere")
    if words != ("rollback",):
        (project / ".codex/agents/one.toml").unlink()
    agentpack(*words, expect=1 if words[0] == "diff" or (words[-1] == "--check" and words[0] == "sync") else 0)
    if words[0] == "sync" and "--check" not in words:
        assert (project / ".codex/agents/one.toml").is_file()


def test_a_clone_needs_the_place_only_for_what_it_lacks(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude,codex")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "kit"))
    there = Agentpack(clone)
    for words in (("diff",), ("sync", "--frozen"), ("sync",)):
        there(*words)
    (clone / ".codex/agents/one.toml").unlink()
    there("sync", "--frozen")  # made anew from the file for Claude Code, which is the agent as it is in the place
    assert (clone / ".codex/agents/one.toml").read_bytes() == (project / ".codex/agents/one.toml").read_bytes()
    shutil.rmtree(clone / ".agentpack/state")
    (clone / ".claude/agents/one.md").unlink()
    ran = there("sync", "--frozen", expect=6)
    assert "agents/one.md" in ran.err
    assert "kit" in ran.err


def test_a_clone_does_not_need_what_is_left_out(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    kit(project, one="Work.", two="Work.")
    write_tree(project / "kit", {"agents/twin.md": agent_text("one", "Other work.")})
    agentpack("install", "./kit", "--client", "claude")
    lock = (project / "agentpack.lock").read_bytes()
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "kit"))
    there = Agentpack(clone)
    for words in (("diff",), ("sync", "--frozen"), ("sync",)):
        there(*words)
    assert "`agents/one.md` has the same name" in there("status").out
    assert (clone / "agentpack.lock").read_bytes() == lock


def test_a_clone_with_a_committed_edit_is_upgraded_without_the_locked_text(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    kit(project, one="You write.\n\n- Ask.", two="Work.")
    agentpack("install", "./kit")
    mine = project / ".claude/agents/one.md"
    mine.write_text(mine.read_text() + f"\n{OURS}\n")
    kit(project, one="You write well.\n\n- Ask.")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
    there = Agentpack(clone)
    ran = there("explain", "one", expect=6)
    assert "agents/one.md is not stored here, and `kit` now has a different text" in ran.err
    assert "`agentpack upgrade kit`" in ran.err
    for words in (("upgrade", "--yes"), ("upgrade", "kit", "--yes")):
        ran = there(*words, expect=None)
        assert ran.exit_code in (0, 3), ran.err
        assert OURS in (clone / ".claude/agents/one.md").read_text()


WITHOUT_THE_TEXT: dict[tuple[str, ...], tuple[int, str]] = {
    ("sync",): (0, "one.md  edited by hand, not changed"),
    ("sync", "--locked"): (3, "edited by hand"),
    ("diff",): (1, "the locked text is not stored here"),
    ("status",): (0, ""),
    ("lock",): (0, ""),
    ("upgrade", "--yes"): (0, ""),
    ("upgrade", "data-reviewer", "--yes"): (0, ""),
    ("install", "./other"): (0, ""),
    ("install", "data-reviewer", "--discard-edits"): (0, ""),
    ("uninstall", "data-reviewer"): (0, ""),
    ("explain", "reviewer"): (0, ""),
    ("explain", "two"): (0, ""),
    ("explain", "one"): (6, "agents/one.md is not stored here"),
    ("keep", "one"): (6, "agents/one.md is not stored here"),
    ("sync", "--discard-edits"): (6, "agents/one.md is not stored here"),
    ("install", "kit", "--client", "claude,codex"): (6, "agents/one.md is not stored here"),
    ("uninstall", "kit", "--keep-files"): (0, ""),
}


@pytest.mark.many
@pytest.mark.parametrize("moved", ["gone", "elsewhere"])
@pytest.mark.parametrize("words", WITHOUT_THE_TEXT, ids=" ".join)
def test_a_clone_with_a_committed_edit_needs_the_locked_text_for_that_agent_alone(
    agentpack: Agentpack, project: Path, tmp_path: Path, words: tuple[str, ...], moved: str
) -> None:
    kit(project, one="You write.\n\n- Ask.", two="Work.")
    write_tree(project / "packs/data-reviewer", make_pack())
    write_tree(project / "other", {"agents/other.md": agent_text("other", "Work.")})
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    agentpack("install", "./kit")
    mine = project / ".claude/agents/one.md"
    mine.write_text(mine.read_text() + f"\n{OURS}\n")
    if moved == "gone":
        shutil.rmtree(project / "kit")
    elif words != ("upgrade", "--yes"):
        kit(project, one="You write well.")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))

    def of_kit(lock: Any) -> tuple[list[Any], list[Any]]:
        return [pack for pack in lock["packs"] if pack["name"] == "kit"], [
            file for file in lock["files"] if file["pack"] == "kit"
        ]

    before, locked = tree(clone), of_kit(json.loads((clone / "agentpack.lock").read_text()))
    code, told = WITHOUT_THE_TEXT[words]
    ran = Agentpack(clone)(*words, expect=code)
    assert told in ran.out + ran.err
    assert "a bug" not in ran.err
    for name in ("one", "two"):
        assert (clone / f".claude/agents/{name}.md").read_bytes() == before[f".claude/agents/{name}.md"]
    if words[:2] != ("uninstall", "kit"):
        assert of_kit(json.loads((clone / "agentpack.lock").read_text())) == locked
    if code == 6:
        assert tree(clone) == before
    if "rollback" in ran.err:
        Agentpack(clone)("rollback")
        assert {path: data for path, data in tree(clone).items() if path in before} == before


def of_file(path: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of a text in one place of a file of the project."""

    def change(project: Path) -> None:
        text = (project / path).read_text()
        assert text.count(old) == 1
        (project / path).write_text(text.replace(old, new))

    return change


def of_manifest(old: str, new: str) -> Callable[[Path], None]:
    return of_file("agentpack.yaml", old, new)


ENTRY = "    source: kit\n"
OTHERWISE_WANTED: dict[str, tuple[bool, Callable[[Path], None]]] = {
    "just as it is": (True, lambda project: None),
    "for the clients that it has, by name": (True, of_manifest(ENTRY, f"{ENTRY}    clients: [house, claude]\n")),
    "for a client more": (False, of_manifest("[claude, house]", "[claude, codex, house]")),
    "for a client less": (False, of_manifest(ENTRY, f"{ENTRY}    clients: [claude]\n")),
    "under another name": (False, of_manifest(ENTRY, f"{ENTRY}    as: {{one: first}}\n")),
    "with another model": (False, of_manifest("schema: 1\n", "schema: 1\nmodels: {opus: {claude: opus-4}}\n")),
    "without a variant": (False, of_manifest("kit[mine]", "kit")),
    "with another text of its variant": (False, of_file(".agentpack/variants/two/mine.md", "Rest", "Sleep")),
    "in another folder": (False, of_file(".agentpack/clients/house.yaml", "house", "home")),
}


@pytest.mark.many
@pytest.mark.parametrize("wanted", OTHERWISE_WANTED)
def test_a_text_that_is_nowhere_is_needed_where_anything_of_its_pack_is_wanted_in_another_way(
    agentpack: Agentpack, project: Path, wanted: str
) -> None:
    is_held, change = OTHERWISE_WANTED[wanted]
    write_tree(project, {".agentpack/clients/house.yaml": "schema: 1\nproject: house/agents\n"})
    kit(project, one="- Work.\n- Ask.", two="- Work.\n- Ask.")
    agentpack("install", "./kit", "--client", "claude,house")
    for folder in (".claude", "house"):
        path = project / folder / "agents/two.md"
        path.write_text(path.read_text() + "- Rest.\n")
    agentpack("keep", "two", "--as", "mine")
    for folder in (".claude", "house"):
        (project / folder / "agents/one.md").write_text("Edited.\n")
    for folder in (".agentpack/state", "kit"):
        shutil.rmtree(project / folder)
    change(project)
    before = tree(project)
    ran = agentpack("sync", expect=0 if is_held else 6)
    assert ("agents/one.md is not stored here" in ran.err) is not is_held
    after = tree(project)
    if is_held:  # the lock has the manifest of now
        before_files, after_files = (json.loads(files.pop("agentpack.lock"))["files"] for files in (before, after))
        assert before_files == after_files
    assert before == after


def test_a_text_that_is_nowhere_is_not_needed_for_the_clients_that_a_pack_alone_has(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack())
    kit(project, one="Work.", two="Work.")
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "codex")
    agentpack("install", "./kit", "--client", "claude,cursor")
    for folder in (".claude", ".cursor"):
        (project / folder / "agents/one.md").write_text("Edited.\n")
    for folder in (".agentpack/state", "kit"):
        shutil.rmtree(project / folder)
    before = tree(project)
    assert agentpack("sync").err == (
        f"project {project}\n"
        "  ! .claude/agents/one.md  edited by hand, not changed\n"
        "  ! .cursor/agents/one.md  edited by hand, not changed\n"
        "nothing to change\n"
        "note: the source `kit` is missing: there is no folder kit\n"
    )
    assert tree(project) == before
    of_manifest("[claude, cursor]", "[claude]")(project)
    assert "agents/one.md is not stored here" in agentpack("sync", expect=6).err


def test_a_text_that_is_nowhere_is_needed_where_a_file_stayed_at_another_release(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="- Work.", two="- Work.")
    agentpack("install", "./kit", "--client", "claude")
    path = project / ".claude/agents/one.md"
    path.write_text(path.read_text().replace("Work", "Rest"))
    kit(project, one="- Work more.", two="- Work more.")
    agentpack("upgrade", "--yes", "--partial", expect=3)
    assert [row.get("release") is None for row in json.loads((project / "agentpack.lock").read_text())["files"]] == [
        False,
        True,
    ]
    for folder in (".agentpack/state", "kit"):
        shutil.rmtree(project / folder)
    before = tree(project)
    assert "agents/one.md is not stored here" in agentpack("sync", expect=6).err
    assert tree(project) == before


def test_an_agent_chosen_alone_whose_text_is_nowhere_is_not_upgraded_by_that(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="- Work.", two="- Work.")
    agentpack("install", "./kit", "--client", "claude")
    (project / ".claude/agents/one.md").write_text("Edited.\n")
    shutil.rmtree(project / ".agentpack/state")
    kit(project, one="- Work more.", two="- Work more.")
    of_manifest(ENTRY, f"{ENTRY}    personas: [one]\n")(project)
    before = tree(project)
    for words in (("lock",), ("sync", "--on-conflict", "keep"), ("install", "python-engineer")):
        assert "agents/one.md is not stored here" in agentpack(*words, expect=6).err
    assert tree(project) == before


def test_a_pack_beside_one_whose_text_is_nowhere_is_upgraded(agentpack: Agentpack, project: Path) -> None:
    newer = persona_text("reviewer", "- Look before you leap. {#look}\n")
    publish(project / "packs", make_pack(), make_pack(version="1.1.0", personas={"reviewer": newer}))
    kit(project, one="Work.", two="Work.")
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    agentpack("install", "./kit")
    (project / ".claude/agents/one.md").write_text("Edited.\n")
    for folder in (".agentpack/state", "kit"):
        shutil.rmtree(project / folder)
    before = json.loads((project / "agentpack.lock").read_text())
    agentpack("upgrade", "data-reviewer", "--latest", "--yes")
    path = ".claude/agents/reviewer.md"
    assert (project / path).read_text().endswith("- Look before you leap.\n")
    after = json.loads((project / "agentpack.lock").read_text())
    assert {row["path"]: row["sha256"] for row in after["files"]} == {
        **{row["path"]: row["sha256"] for row in before["files"]},
        path: text_digest((project / path).read_bytes()).removeprefix("sha256:"),
    }


@pytest.mark.parametrize("moved", ["gone", "elsewhere"])
def test_a_text_that_is_nowhere_is_told_with_why_and_what_to_do(
    agentpack: Agentpack, project: Path, moved: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    (project / ".claude/agents/one.md").write_text("Edited.\n")
    shutil.rmtree(project / ".agentpack")
    kit(project, one="Work on.")
    if moved == "gone":
        shutil.rmtree(project / "kit")
    [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
    [why, *more] = {
        "gone": (
            "cannot be read",
            "  the source `kit` is missing: there is no folder kit",
            "  `kit` comes from it",
            "  restore the folder, or change `sources:` in agentpack.yaml",
        ),
        "elsewhere": ("now has a different text",),
    }[moved]
    assert agentpack("explain", "one", expect=6).err.splitlines() == [
        f"project {project}",
        f"error: kit {locked['version']}: agents/one.md is not stored here, and `kit` {why}",
        f"  expected {text_digest(agent_text('one', 'Work.').encode())}",
        *more,
        "hint: restore the locked state of the source, or install its current state: `agentpack upgrade kit`",
    ]


def test_what_was_accepted_for_another_pack_goes_with_it_where_a_text_is_nowhere(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    text = persona_text("limited", tools=["read"])
    publish(tmp_path / "packs", make_pack("limited", personas={"limited": text}))
    limited = ("limited", "--source", str(tmp_path / "packs"), "--client", "codex", "--accept", "widened:codex")
    agentpack("install", *limited)
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    (project / ".claude/agents/one.md").write_text("Edited.\n")
    shutil.rmtree(project / ".agentpack")
    shutil.rmtree(project / "kit")
    lock = project / "agentpack.lock"
    assert json.loads(lock.read_text())["accepted"] == ["limited:widened:codex"]
    before = json.loads(lock.read_text())
    agentpack("uninstall", "limited")
    after = json.loads(lock.read_text())
    assert after["accepted"] == []
    for key, of in (("packs", "name"), ("files", "pack")):
        assert after[key] == [row for row in before[key] if row[of] != "limited"]


def test_an_acceptance_goes_with_its_pack_beside_one_whose_text_is_nowhere(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    limited = make_pack("limited", personas={"limited": persona_text("limited", tools=["read"])})
    write_tree(project / "packs/limited", limited)
    write_tree(project / "kit", {"agents/one.md": agent_text("one", "Work.", more="tools: Read\n")})
    agentpack("install", "limited", "--source", "packs", "--client", "codex", "--accept", "widened:codex")
    agentpack("install", "./kit", "--accept", "widened:codex")

    def accepted(folder: Path) -> list[str]:
        found: list[str] = json.loads((folder / "agentpack.lock").read_text())["accepted"]
        return found

    assert accepted(project) == ["kit:widened:codex", "limited:widened:codex"]
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "kit"))
    edited = clone / ".codex/agents/one.toml"
    edited.write_text(edited.read_text() + "# ours\n")
    Agentpack(clone)("uninstall", "limited")
    assert accepted(clone) == ["kit:widened:codex"]


def test_a_file_whose_text_is_nowhere_is_left_by_all_but_sync(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    kit(project, one="Work.", two="Work.")
    write_tree(project / "other", {"agents/other.md": agent_text("other", "Work.")})
    agentpack("install", "./kit")
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state", "kit"))
    (clone / ".claude/agents/one.md").unlink()
    there = Agentpack(clone)
    assert "agents/one.md is not stored here" in there("sync", expect=6).err
    assert "one.md  cannot be restored, not changed" in there("install", "./other").err
    assert agents(clone) == ["other.md", "two.md"]
    assert "missing" in there("status").out
    shutil.copytree(project / "kit", clone / "kit")
    there("sync")
    assert agents(clone) == ["one.md", "other.md", "two.md"]


def test_an_agent_that_is_gone_from_the_place(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    (project / "kit/agents/two.md").unlink()
    ran = agentpack("upgrade", "--yes")
    assert [line for line in ran.err.splitlines() if line.startswith("note: ")] == []
    assert agents(project) == ["one.md"]


def test_an_edited_agent_that_is_gone_from_the_place_is_a_decision(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    mine = project / ".claude/agents/two.md"
    mine.write_text(mine.read_text() + f"\n{OURS}\n")
    (project / "kit/agents/two.md").unlink()
    before = tree(project)
    ran = agentpack("upgrade", "--yes", expect=3)
    assert "two.md" in ran.err
    assert tree(project) == before
    agentpack("upgrade", "--yes", "--on-conflict", "keep")
    assert OURS in mine.read_text()
    assert agentpack("sync").err.endswith("nothing to change\n")


def test_a_named_agent_that_is_gone_from_the_place_is_told(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--only", "one,two")
    (project / "kit/agents/two.md").unlink()
    ran = agentpack("upgrade", "--yes")
    assert "kit: agentpack.yaml names the agent `two`, which no longer exists" in ran.err
    assert "; `agentpack install kit --without two` removes the name\n" in ran.err
    assert agents(project) == ["one.md"]
    agentpack("sync", "--frozen")
    agentpack("install", "kit", "--without", "two")
    assert "no longer exists" not in agentpack("upgrade", "--yes").err


def test_a_local_variant_of_an_agent_that_is_gone_is_told_beside_another_pack_s_agent_of_its_name(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    for name in ("one", "two"):
        file = project / f".claude/agents/{name}.md"
        file.write_text(file.read_text().replace("description: ", "description: Now "))
    agentpack("keep")
    write_tree(project, {"other/agents/two.md": agent_text("two", "Other work.")})
    agentpack("install", "./other", "--client", "qwen")
    (project / "kit/agents/two.md").unlink()
    told = "variants/two/local.md is no longer used, because the agent `two` of kit is not installed any more"
    assert told in agentpack("upgrade", "--yes").err


def test_a_local_variant_of_an_agent_that_is_gone_is_told(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    agentpack("install", "./kit", "--client", "claude")
    for name in ("one", "two", "three"):
        file = project / f".claude/agents/{name}.md"
        file.write_text(file.read_text().replace("description: ", "description: Now "))
    agentpack("keep")
    (project / "kit/agents/two.md").unlink()
    assert "not used" not in agentpack("status").out
    told = (
        "note: your local variant .agentpack/variants/two/local.md is no longer used, because the agent `two` of kit "
        "is not installed any more; delete the file unless you need it\n"
    )
    assert told in agentpack("upgrade", "--dry-run").err
    assert told in agentpack("upgrade", "--yes").err
    path = ".agentpack/variants/two/local.md"
    assert (project / path).exists()
    assert f"{path}: not used, as its agent is not installed\n" in agentpack("status").out
    assert agentpack("status", "--json").envelope["data"]["unused_variants"] == [path]
    assert "local variant" not in agentpack("upgrade", "--yes").err
    assert "variants/three/local.md is no longer used" in agentpack("install", "kit", "--without", "three").err


def test_an_installed_agent_whose_new_text_cannot_be_taken_stays(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    kit(project, one="Work on.")
    (project / "kit/agents/two.md").write_text("---\nname: two\n---\nNo description.\n")
    ran = agentpack("upgrade", "--yes")
    told = "note: kit: agents/two.md was not changed: its new text cannot be used (its header has no description)\n"
    assert told in ran.err
    assert "Work on." in (project / ".claude/agents/one.md").read_text()
    assert (project / ".claude/agents/two.md").read_text() == agent_text("two", "Work.")
    texts = {"one": "Work on.", "two": "Work."}
    kept = {f"agents/{name}.md": agent_text(name, text).encode() for name, text in texts.items()}
    [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
    digest = digest_of_rows(agent_rows(kept))
    assert (locked["digest"], locked["version"]) == (digest, str(digest_version(digest)))
    assert [row["path"] for row in locked["agents"]] == [*kept]
    for words in (("sync", "--frozen"), ("upgrade", "--yes")):
        assert agentpack(*words).err.endswith("nothing to change\n")
    kit(project, two="Work again.")
    agentpack("upgrade", "--yes")
    assert "Work again." in (project / ".claude/agents/two.md").read_text()


def test_a_part_of_a_collection_keeps_the_agent_whose_new_text_cannot_be_taken(
    agentpack: Agentpack, project: Path
) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    agentpack("install", "./kit", "--only", "one,two")
    kit(project, one="Work on.")
    (project / "kit/agents/two.md").write_text("---\nname: two\n---\nNo description.\n")
    agentpack("upgrade", "--yes")
    [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
    there = {f"agents/{path.name}": path.read_bytes() for path in (project / "kit/agents").iterdir()}
    digest = digest_of_rows(agent_rows(there))  # of all that there is
    assert (locked["digest"], locked["version"]) == (digest, str(digest_version(digest)))
    assert [row["path"] for row in locked["agents"]] == ["agents/one.md", "agents/two.md"]
    assert "Work on." in (project / ".claude/agents/one.md").read_text()
    assert (project / ".claude/agents/two.md").read_text() == agent_text("two", "Work.")


@pytest.mark.slow
@pytest.mark.campaign
def test_a_large_collection_is_installed_whole(agentpack: Agentpack, project: Path) -> None:
    names = [f"agent-{number}" for number in range(160)]
    files = marketplace(dict.fromkeys(names, "Work."), plugins=80)
    write_tree(project / "market", {**beside(2000), **files})
    agentpack("install", "./market", "--all", "--client", "claude")
    assert agents(project) == sorted(f"{name}.md" for name in names)


@pytest.mark.campaign
@pytest.mark.parametrize("verbose", [False, True])
def test_of_many_packs_and_agents_the_first_few_are_listed_and_all_are_counted(
    agentpack: Agentpack, project: Path, verbose: bool
) -> None:
    names = [f"agent-{number}" for number in range(30)]
    more = ("--verbose",) if verbose else ()

    def listed(*words: str) -> int:
        ran = agentpack(*words, *more)
        lines = (ran.out + ran.err).splitlines()
        if not verbose:
            assert any("more" in line and line.endswith("(`--verbose` lists all)") for line in lines)
            assert len(lines) < 60, words
        return sum(any(f"{name}.md" in line or f" {name} " in line for line in lines) for name in names)

    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work.") for name in names})
    write_tree(project / "market", marketplace({f"m-{name}": "Work." for name in names}, plugins=30))
    assert listed("show", "./kit") == (30 if verbose else 12)
    assert listed("install", "./kit") == (30 if verbose else 12)
    kit(project, **dict.fromkeys(names, "Work on."))
    assert listed("upgrade", "--yes") == (30 if verbose else 12)
    for name in names:
        (project / f".claude/agents/{name}.md").write_text("Edited.\n")
    assert listed("status") == (30 if verbose else 12)
    for words in (("show", "./market"), ("install", "./market", "--all"), ("status",)):
        listed(*words)
    (project / ".claude/agents/agent-29.md").write_text(agent_text("agent-29", "Edited."))
    if not verbose:
        assert "more, all unchanged" in agentpack("status").out
        assert len(agentpack("status", "--json").envelope["data"]["packs"]) == 31


def test_one_bad_file_is_one_file(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    write_tree(
        project / "kit", {"agents/bad.md": "---\nname: [a]\ndescription: x\n---\nBad.\n", "agents/NOTES.md": "x"}
    )
    agentpack("upgrade", "--yes")
    assert agents(project) == ["one.md", "two.md"]


def test_a_collection_is_no_release_of_a_pack_that_had_a_manifest(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "packs/data-reviewer", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs")
    before = tree(project)
    shutil.rmtree(project / "packs/data-reviewer")
    plugin = {"plugin.json": json.dumps({"name": "data-reviewer", "version": "1.0.0"})}
    write_tree(project / "packs/data-reviewer", {**plugin, "agents/reviewer.md": agent_text("reviewer", "Be evil.")})
    manifest = (project / "agentpack.yaml").read_text()
    for entry in ("- data-reviewer", "- {require: data-reviewer, source: packs}"):
        (project / "agentpack.yaml").write_text(manifest.replace("- data-reviewer", entry))
        for words in (("sync",), ("sync", "--frozen"), ("lock",)):
            assert agentpack(*words, expect=None).exit_code in (3, 4, 5)
    assert {path: data for path, data in tree(project).items() if path.startswith(".claude")} == {
        path: data for path, data in before.items() if path.startswith(".claude")
    }


def test_a_release_that_became_a_collection_is_told_with_both_digests(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "packs/kit", make_pack("kit"))
    agentpack("install", "kit", "--source", "packs", "--client", "claude")
    [locked] = json.loads((project / "agentpack.lock").read_text())["packs"]
    shutil.rmtree(project / "packs/kit")
    text = agent_text("reviewer", "Be evil.")
    plugin = {"plugin.json": json.dumps({"name": "kit", "version": "1.0.0"})}
    write_tree(project / "packs/kit", {**plugin, "agents/reviewer.md": text})
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- kit", "- {require: kit, source: packs}"))
    found = digest_of_rows(agent_rows({"agents/reviewer.md": text.encode()}))
    told = (
        f"project {project}\n"
        "error: kit 1.0.0 from `packs` is not what was locked: it had a `pack.yaml`\n"
        f"  locked  {locked['digest']}\n"
        f"  found   {found}, of agent files alone\n"
        "hint: if you trust what the source holds now, `agentpack upgrade kit` installs it\n"
    )
    for words in (("sync",), ("lock",), ("install", "kit")):
        assert agentpack(*words, expect=5).err == told
    agentpack("upgrade", "kit", "--yes")
    assert (project / ".claude/agents/reviewer.md").read_text() == text


def test_an_upgrade_names_the_plugins_that_are_new_in_a_marketplace(agentpack: Agentpack, project: Path) -> None:
    def offer(*names: str) -> None:
        for name in names:
            write_tree(
                project / "market/plugins", {f"{name}/agents/{name}-agent.md": agent_text(f"{name}-agent", "Work.")}
            )
        plugins = [{"name": name, "source": f"./plugins/{name}"} for name in names]
        write_tree(project / "market", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})

    kit(project, alone="Work.")
    agentpack("install", "./kit")
    offer("one", "two", "three")
    agentpack("install", "./market", "--all")
    assert "not installed" not in agentpack("upgrade").err
    offer("one", "two", "three", "four")
    told = "`market` has plugins that are not installed: four (1 agent); `agentpack install four --source market`"
    for words in (("upgrade",), ("upgrade", "two")):
        assert told in agentpack(*words).err
    agentpack("install", "four", "--source", "market")
    offer("one", "two", "three", "four", "five", "six")
    told = "five (1 agent), six (1 agent); `agentpack install --source market --all` installs them"
    assert told in agentpack("upgrade").err
    agentpack("install", "--source", "market", "--all")
    assert "not installed" not in agentpack("upgrade").err
    new = [f"new-{number}" for number in range(6)]
    offer("one", "two", "three", "four", "five", "six", *new)
    told = ", ".join(f"{name} (1 agent)" for name in new)
    assert f"not installed: {told}; `agentpack install --source market --all`" in agentpack("upgrade").err
    offer("one", "two", "three", "four", "five", "six")
    for name in ("two", "three", "four", "five", "six"):
        agentpack("uninstall", name)
    assert "not installed" not in agentpack("upgrade").err  # nobody wanted all of it


def test_an_upgrade_names_a_new_plugin_that_is_in_another_repository(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    agentpack("install", "./market", "--all")
    listed = project / "market/.claude-plugin/marketplace.json"
    market = json.loads(listed.read_text())
    market["plugins"].append({"name": "far", "source": {"source": "github", "repo": "acme/far"}})
    listed.write_text(json.dumps(market))
    told = "`market` has plugins that are not installed: far; `agentpack install far --source market` installs it"
    assert told in agentpack("upgrade").err


def test_a_collection_called_like_a_pack_of_releases_that_is_installed_gets_another_name(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack("kit"))
    agentpack("install", "kit", "--source", "packs")
    kit(project, one="Work.")
    agentpack("install", "./kit")
    packs = agentpack("status", "--json").envelope["data"]["packs"]
    assert {row["name"]: row["source"] for row in packs} == {"kit": "packs", "kit-kit": "kit"}
    assert agents(project) == ["one.md", "reviewer.md"]


@pytest.mark.parametrize("change", ["another text", "an agent less"])
def test_a_lock_of_elsewhere_whose_agents_do_not_come_to_its_digest_is_refused(
    agentpack: Agentpack, project: Path, change: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    shutil.rmtree(project / ".agentpack")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    MUTATIONS[change](lock)
    path.write_text(json.dumps(lock))
    before = tree(project)
    [locked] = lock["packs"]
    rows = [AgentRow(row["path"], row["sha256"], "") for row in locked["agents"]]
    assert agentpack("sync", expect=5).err == (
        f"project {project}\n"
        f"error: kit {locked['version']}: its agent files in agentpack.lock do not match its digest\n"
        f"  locked  {locked['digest']}\n"
        f"  found   {digest_of_rows(rows)}\n"
        "hint: `git restore agentpack.lock` restores the committed lock; `agentpack lock --upgrade-pack kit` locks "
        "what the source has now\n"
    )
    assert tree(project) == before
    agentpack("lock", "--upgrade-pack", "kit")
    agentpack("sync", "--locked")


@pytest.mark.parametrize("choice", ["--only", "--without"])
def test_a_lock_of_elsewhere_with_some_agents_of_a_collection_is_installed(
    agentpack: Agentpack, project: Path, choice: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", choice, "one", "--client", "claude")
    before = tree(project)
    for folder in (".agentpack", ".claude"):
        shutil.rmtree(project / folder)
    agentpack("sync")
    assert tree(project) == before


@pytest.mark.parametrize("more", ["", "    clients: [claude, codex]\n", "    as: {one: first}\n"])
def test_a_lock_of_elsewhere_with_another_digest_is_refused_whatever_else_an_entry_asks_for(
    agentpack: Agentpack, project: Path, more: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    for folder in (".agentpack", ".claude"):
        shutil.rmtree(project / folder)
    lock, manifest = project / "agentpack.lock", project / "agentpack.yaml"
    lock.write_text(re.sub(r'"digest": "sha256:.{8}', '"digest": "sha256:00000000', lock.read_text()))
    manifest.write_text(manifest.read_text() + more)
    assert "which is not the version of its digest" in agentpack("sync", expect=5).err
    assert not (project / ".claude").exists()


def test_a_pack_whose_entry_names_another_source_is_looked_for_there_alone(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    agentpack("install", "./kit", "--client", "claude")
    for name in ("one", "two"):
        write_tree(project / "other", {f"packs/{name}/agents/{name}.md": agent_text(name, "Work.")})
    manifest = project / "agentpack.yaml"
    text = manifest.read_text().replace("packs:\n", "  - {name: other, path: other/packs}\npacks:\n")
    manifest.write_text(text.replace("source: kit", "source: other"))
    before = tree(project)
    for words in (("upgrade", "--yes"), ("upgrade", "kit", "--yes"), ("sync",)):
        assert "error: the source `other` has no pack `kit`" in agentpack(*words, expect=4).err
    assert tree(project) == before
    manifest.write_text(manifest.read_text().replace("other/packs", "elsewhere"))
    assert "the source `other` is missing: there is no folder elsewhere" in agentpack("upgrade", "--yes", expect=6).err


def test_a_pack_that_its_place_no_longer_has_stays(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"one": "Work.", "two": "Work."}, plugins=2))
    agentpack("install", "./market", "--all")
    shutil.rmtree(project / "market/plugins/kit-1")
    (project / "market/plugins/kit-0/agents/one.md").write_text(agent_text("one", "Work more."))
    ran = agentpack("upgrade", "--yes")
    assert "kit-1 was not changed (`agentpack uninstall kit-1` removes it): the source `market` has no pack" in ran.err
    assert agents(project) == ["one.md", "two.md"]
    assert "Work more." in (project / ".claude/agents/one.md").read_text()
    assert "the source `market` has no pack `kit-1`" in agentpack("upgrade", "kit-1", expect=4).err


# Packs of one's own.


def test_editing_a_pack_of_ones_own_is_an_upgrade(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / ".agentpack/packs/data-reviewer/1.0.0", make_pack())
    agentpack("install", "data-reviewer", "--source", ".agentpack/packs")
    (persona,) = (project / ".agentpack/packs").rglob("personas/*.md")
    persona.write_text(persona.read_text() + "\n- A new rule. {#new-rule}\n")
    installed = next((project / ".claude/agents").iterdir())
    assert "`agentpack upgrade` installs the current text" in agentpack("sync", "--frozen", expect=3).err
    assert "A new rule." not in installed.read_text()
    agentpack("upgrade", "--yes")
    assert "A new rule." in installed.read_text()
    agentpack("sync", "--frozen")


# A lock that has different text.

HOLDING = (("diff",), ("sync", "--check"), ("lock", "--check"), ("sync", "--locked"), ("sync", "--frozen"))
OTHER = "0" * 64
MUTATIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "an agent less": lambda lock: lock["packs"][0]["agents"].pop(),
    "an agent more": lambda lock: lock["packs"][0]["agents"].append({"path": "agents/zzz.md", "sha256": OTHER}),
    "another text": lambda lock: lock["packs"][0]["agents"][0].update(sha256=OTHER),
    "another path": lambda lock: lock["packs"][0]["agents"][1].update(path="agents/xxx.md"),
    "another source": lambda lock: lock["packs"][0].update(source="bundled"),
    "another version": lambda lock: lock["packs"][0].update(version="7.0.0"),
    "the version of a commit": lambda lock: lock["packs"][0].update(version="0.0.0+20261128100100.g0123456789ab"),
    "a repository": lambda lock: lock["packs"][0].update(repository="https://git.example.com/kit", commit="0" * 40),
    "a repository without a commit": lambda lock: lock["packs"][0].update(repository="https://git.example.com/kit"),
    "no agents": lambda lock: lock["packs"][0].pop("agents"),
    "a file less": lambda lock: lock["files"].pop(),
    "more power in a row": lambda lock: lock["files"][0].update(capabilities="bypass, every-tool"),
    "an agent left out": lambda lock: lock["packs"][0]["agents"][0].update(left_out="Because."),
    "an agent skipped": lambda lock: lock.update(
        skipped=[{"client": "claude", "pack": "kit", "persona": "one", "reason": "tools limited to read"}]
    ),
}


@pytest.mark.many
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_lock_that_its_release_does_not_bear_out_is_found(
    agentpack: Agentpack, project: Path, tmp_path: Path, mutation: str
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "claude")
    lock = json.loads((project / "agentpack.lock").read_text())
    MUTATIONS[mutation](lock)
    for number, words in enumerate(HOLDING):
        clone = tmp_path / f"clone-{number}"
        shutil.copytree(project, clone, ignore=shutil.ignore_patterns("state"))
        (clone / "agentpack.lock").write_text(json.dumps(lock, indent=1) + "\n")
        before = {path: data for path, data in tree(clone).items() if path != "agentpack.lock"}
        ran = Agentpack(clone)(*words, expect=None)
        assert ran.exit_code != 0 or "the locked releases were not checked" in ran.err, (mutation, words)
        assert {path: data for path, data in tree(clone).items() if path != "agentpack.lock"} == before


FALSE_ROWS: dict[str, tuple[dict[str, str], str]] = {
    "another version": ({"version": "7.0.0"}, "as 7.0.0, and the same files are {version} in `{name}`"),
    "a version of another digest": (
        {"version": "0.0.0+h000000000000"},
        "as 0.0.0+h000000000000, which is not the version of its digest",
    ),
    "a version of another commit": (
        {"version": "0.0.0+20261128100100.g0123456789ab", "commit": "f" * 40},
        "as 0.0.0+20261128100100.g0123456789ab, which is not the version of its commit",
    ),
    "a version of its commit": (
        {"version": "0.0.0+20261128100100.g0123456789ab", "commit": f"0123456789ab{'f' * 28}"},
        "from a repository, but `{name}` is not one",
    ),
    "a repository without a commit": (
        {"repository": "https://git.example.com/kit"},
        "from a repository without a commit",
    ),
    "a commit of a repository": (
        {"repository": "https://git.example.com/kit", "commit": "0" * 40},
        "from https://git.example.com/kit, but `{name}` is not one",
    ),
}


@pytest.mark.many
@pytest.mark.parametrize("what", FALSE_ROWS)
def test_each_row_that_its_place_does_not_bear_out_is_told_with_what_is_wrong(
    agentpack: Agentpack, project: Path, what: str
) -> None:
    publish(project / "packs", make_pack("a-pack"))
    agentpack("install", "a-pack", "--source", "packs", "--client", "claude")
    kit(project, one="Work.")
    write_tree(project, {"other/agents/two.md": agent_text("two", "Work.")})
    agentpack("install", "./kit", "./other")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    assert [row["name"] for row in lock["packs"]] == ["a-pack", "kit", "other"]
    changed, told = FALSE_ROWS[what]
    lines = [
        f"  {row['name']} is locked {told.format(name=row['name'], version=row['version'])}\n"
        for row in lock["packs"][1:]
    ]
    for row in lock["packs"][1:]:
        row.update(changed)
    path.write_text(json.dumps(lock, indent=1) + "\n")
    assert agentpack("sync", "--locked", expect=3).err == (
        f"project {project}\n"
        "error: agentpack.lock is out of date with agentpack.yaml\n"
        f"{''.join(lines)}"
        "hint: `agentpack lock` brings the lock up to date\n"
    )


FALSE: dict[str, tuple[dict[str, str], str]] = {
    "another digest": (
        {"version": "0.0.0+h000000000000"},
        "as 0.0.0+h000000000000, which is not the version of its digest",
    ),
    "another commit": (
        {"version": "0.0.0+20261128100100.g0123456789ab", "commit": "f" * 40},
        "as 0.0.0+20261128100100.g0123456789ab, which is not the version of its commit",
    ),
    "no commit": ({"repository": "https://git.example.com/kit"}, "from a repository without a commit"),
    "a repository": (
        {"repository": "https://git.example.com/kit", "commit": "f" * 40},
        "from https://git.example.com/kit, but `kit` is not one",
    ),
    "a commit": ({"commit": "f" * 40}, "from a repository, but `kit` is not one"),
    "another version": ({"version": "7.0.0"}, "as 7.0.0, and the same files are {version} in `kit`"),
}


@pytest.mark.many
@pytest.mark.parametrize("case", FALSE)
def test_a_row_that_its_place_does_not_bear_out_is_told_whatever_stands_before_it(
    agentpack: Agentpack, project: Path, case: str
) -> None:
    publish(project / "packs", make_pack("acme", personas={"acme": persona_text("acme")}))
    agentpack("install", "acme", "--source", "packs", "--client", "claude")
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    shutil.rmtree(project / ".agentpack")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    change, told = FALSE[case]
    [row] = [row for row in lock["packs"] if row["name"] == "kit"]
    told = "kit is locked " + told.format(**row)
    row.update(change)
    path.write_text(json.dumps(lock))
    assert agentpack("sync", expect=5).err == (
        f"project {project}\nerror: agentpack.lock: {told}\n"
        "hint: `git restore agentpack.lock` restores the committed lock; `agentpack lock --upgrade-pack kit` locks "
        "what the source has now\n"
    )
    assert agentpack("sync", "--locked", expect=3).err == (
        f"project {project}\nerror: agentpack.lock is out of date with agentpack.yaml\n  {told}\n"
        "hint: `agentpack lock` brings the lock up to date\n"
    )
    assert agentpack("diff", expect=1).out.splitlines()[:2] == [
        "agentpack.lock  is out of date with agentpack.yaml: run `agentpack sync`",
        f"  {told}",
    ]


def test_a_part_of_a_collection_is_as_its_lock_says(agentpack: Agentpack, project: Path) -> None:
    """The digest is of all its agents, and the lock has the rows of those that were taken."""
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--only", "one", "--client", "claude")
    agentpack("sync", "--locked", "--check")
    agentpack("diff")


@pytest.mark.parametrize("ask", [("upgrade", "--yes"), ("install", "kit", "--without", "one")])
def test_a_kept_edit_of_an_agent_that_goes_names_the_way_on(
    agentpack: Agentpack, project: Path, ask: tuple[str, ...]
) -> None:
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit")
    with (project / ".claude/agents/one.md").open("a") as file:
        file.write("\n## Ours\n\nMore.\n")
    agentpack("keep", "one")
    if ask[0] == "upgrade":
        (project / "kit/agents/one.md").unlink()
    ran = agentpack(*ask, expect=4)
    assert "hint: `local`: it is a local variant of `one`, which kit 0.0.0+h" in ran.err.replace("\n  ", " ")
    assert '`agentpack uninstall "kit[local]"` stops using it' in ran.err.replace("\n  ", " ")
    agentpack("uninstall", "kit[local]")
    agentpack(*ask)
    assert agents(project) == ["two.md"]
    assert "More." in (project / ".agentpack/variants/one/local.md").read_text()


@pytest.mark.parametrize("name", ["one", "The One"])
@pytest.mark.parametrize("is_part", [True, False])
def test_an_agent_with_another_name_in_the_same_file_is_named_with_the_way_to_keep_it(
    agentpack: Agentpack, project: Path, is_part: bool, name: str
) -> None:
    kit(project, two="Work.", three="Work.")
    write_tree(project / "kit", {"agents/one.md": agent_text(name, "Work.")})
    agentpack("install", "./kit", *(("--only", f"{name},two") if is_part else ()))
    old = kebab(name)
    installed = project / f".claude/agents/{old}.md"
    with installed.open("a") as file:
        file.write("\n## Ours\n\nMore.\n")
    write_tree(project / "kit", {"agents/one.md": agent_text("Kit One", "Work hard.")})
    told = agentpack("upgrade", "--yes", expect=3).err.replace("\n  ", " ")
    assert f"note: kit: `{old}` is called `kit-one` now; " in told
    if is_part:
        way = f"install kit --only kit-one --without {shlex.quote(name)} --as kit-one={old}"
        assert f"`agentpack {way}` keeps the old name, and your edits" in told
        agentpack(*shlex.split(way))
    else:
        assert f"`as: {{kit-one: {old}}}` in its entry of agentpack.yaml keeps the old name, and your edits" in told
        with (project / "agentpack.yaml").open("a") as manifest:
            manifest.write(f"    as: {{kit-one: {old}}}\n")
        agentpack("upgrade", "--yes")
    assert f"name: {old}\n" in installed.read_text() and "More." in installed.read_text()
    assert "Work hard." in installed.read_text()
    again = agentpack("upgrade", "--yes").err
    assert "is called" not in again and "any more" not in again
    assert agents(project) == [f"{old}.md", *([] if is_part else ["three.md"]), "two.md"]


def test_agents_with_other_names_in_the_same_files_are_told_in_one_note(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    agentpack("install", "./kit", "--client", "claude")
    for old, new in (("one", "first"), ("two", "Second One"), ("three", "three")):
        write_tree(project / "kit", {f"agents/{old}.md": agent_text(new, "Work on.")})
    told = agentpack("upgrade", "--yes").err
    assert [line for line in told.splitlines() if "called" in line] == [
        "note: kit: `one` is called `first` now, `two` is called `second-one` now; `as: {first: one, second-one: two}` "
        "in its entry of agentpack.yaml keeps the old name, and your edits"
    ]
    assert agents(project) == ["first.md", "second-one.md", "three.md"]
    for old, new in (("one", "two"), ("two", "one")):  # each of them is there still
        write_tree(project / "kit", {f"agents/{old}.md": agent_text(new, "Work.")})
    agentpack("upgrade", "--yes")
    write_tree(project / "kit", {f"agents/{name}.md": agent_text(name, "Work on.") for name in ("one", "two")})
    assert "is called" not in agentpack("upgrade", "--yes").err


def test_an_agent_that_could_not_be_read_has_no_other_name_when_it_can(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.")
    write_tree(project / "kit", {"agents/two.md": "---\nname: [a]\ndescription: Works.\n---\nWork.\n"})
    told = "note: kit: 1 agent file is skipped: agents/two.md (its header has no name)\n"
    assert told in agentpack("install", "./kit", "--client", "claude").err
    kit(project, two="Work.")
    ran = agentpack("upgrade", "--yes")
    assert [line for line in ran.err.splitlines() if line.startswith("note: ")] == []
    assert agents(project) == ["one.md", "two.md"]


def test_a_place_installed_again_says_how_to_add_the_agents_left_out(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    agentpack("install", "./kit", "--only", "one")
    said = "installed, as agentpack.yaml says; `agentpack install kit --all` adds the others\nnothing to change\n"
    assert f"note: only `one` of `kit` is {said}" in agentpack("install", "./kit").err
    agentpack("install", "kit", "--all")
    assert "as agentpack.yaml says" not in agentpack("install", "./kit").err
    agentpack("install", "kit", "--without", "two")
    assert f"note: only 2 agents of `kit` are {said}" in agentpack("install", "kit").err


def test_only_of_an_installed_pack_says_that_the_others_stay(agentpack: Agentpack, project: Path) -> None:
    kit(project, one="Work.", two="Work.", three="Work.")
    agentpack("install", "./kit")
    note = (
        "note: `--only` removes no agents: all 3 of `kit` stay installed; `agentpack install kit --without NAME` "
        "leaves one out, `agentpack uninstall kit` removes all\nnothing to change\n"
    )
    assert note in agentpack("install", "./kit", "--only", "one").err
    agentpack("install", "./kit", "--without", "two")
    assert "all 2 of `kit` stay installed" in agentpack("install", "kit", "--only", "one").err
    assert "removes no agents" not in agentpack("install", "kit", "--only", "two").err
    agentpack("uninstall", "kit")
    agentpack("install", "./kit", "--only", "one")
    assert "removes no agents" not in agentpack("install", "./kit", "--only", "one").err


# What a manifest says of a place.


def offered(manifest: object, files: Mapping[str, str], name: str = "market") -> Collection:
    """The packs of a marketplace in memory."""
    there = {".claude-plugin/marketplace.json": json.dumps(manifest), **files}
    return collection(MemoryTree({path: text.encode() for path, text in there.items()}), name)


def test_what_a_plugin_is_and_says_of_itself() -> None:
    """Its entry decides, where that says something; what is wrong with one plugin hinders no other."""
    entries: list[object] = [
        "no map",
        {"name": "leads-out", "source": "../outside"},
        {"name": "torn", "source": "./torn"},
        {"name": "packed", "source": {"package": "@acme/agents"}},
        {"name": "one", "source": "one", "version": "", "description": None, "license": "MIT"},
        {"name": "two", "source": "./two", "version": "3.0.0"},
        {"name": "one", "source": "./two"},
        {"name": "far", "source": {"source": "github", "repo": "acme/far", "ref": "main", "sha": "a" * 40}},
        {"name": "near", "source": {"source": "github", "repo": "acme/near", "ref": "main", "path": "kit"}},
    ]
    own = json.dumps({"name": "other", "version": "2.0.0", "description": "Its own.", "license": "BSD"})
    files = {
        "plugins/one/.claude-plugin/plugin.json": own,
        "plugins/one/agents/a.md": agent_text("a", "Work."),
        "two/.claude-plugin/plugin.json": own,
        "torn/.claude-plugin/plugin.json": "{",
        "two/agents/b.md": agent_text("b", "Work."),
    }
    found = offered({"metadata": {"pluginRoot": "./plugins"}, "plugins": entries}, files)
    one, two, far, near = found.packs
    assert [pack.name for pack in found.packs] == ["one", "two", "far", "near"]
    assert (one.root, one.agents, two.root, two.agents) == ("plugins/one", ("agents/a.md",), "two", ("agents/b.md",))
    assert (one.version, one.description, one.license) == ("2.0.0", "Its own.", "MIT")
    assert (two.version, two.description, two.license) == ("3.0.0", "Its own.", "BSD")
    assert (far.elsewhere, near.elsewhere) == (
        GitPlace("github:acme/far", "a" * 40, ""),
        GitPlace("github:acme/near", "main", "kit"),
    )
    for words in (
        "entry 1 of",
        "`leads-out`: `../outside` leads out",
        "`packed`: it is on npm",
        "`one`: another one",
        "`torn`: ",
    ):
        assert sum(words in line for line in found.unread) == 1
    assert len(found.unread) == 5


@pytest.mark.parametrize(
    ("name", "packs"), [("market", ["kit", "two", "market"]), ("kit", ["kit", "two"]), ("two", ["kit", "two"])]
)
def test_agents_beside_the_plugins_are_a_pack_unless_a_plugin_has_its_name(name: str, packs: list[str]) -> None:
    paths = ("kit/agents/a.md", "kit/more/agents/b.md", "agents/c.md", "two/agents/d.md")
    files = {path: agent_text("a", "Work.") for path in paths}
    plugins = [{"name": "kit", "source": "./kit", "agents": ["./agents/a.md"]}, {"name": "two", "source": "./two"}]
    found = offered({"plugins": plugins}, files, name)
    assert [pack.name for pack in found.packs] == packs
    assert [pack.agents for pack in found.packs[2:]] == [("agents/c.md",)] * (len(packs) - 2)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/x/.claude/agents", "x"),
        ("/home/ada/kit/.claude/agents", "kit"),
        ("/home/ada/kit/agents", "agents"),
        ("/home/ada/.claude", "ada"),
        ("/home/ada/kit/.a/.b", "kit"),
        ("/.claude/agents", "agents"),
        ("/.claude", ".claude"),
    ],
)
def test_a_place_is_called_after_what_says_whose_agents_there_are(place: str, name: str) -> None:
    assert telling_name(place) == name


@pytest.mark.parametrize("text", ["one", "one=", "=two", "="])
def test_a_rename_without_both_names_is_told_how_to_write_it(agentpack: Agentpack, project: Path, text: str) -> None:
    kit(project, one="Work.")
    ran = agentpack("install", "./kit", "--as", text, expect=2)
    assert f"error: `--as {text}` is not `OLD=NEW`\nhint: for example `--as " in ran.err


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, ", …")])
def test_a_pack_that_a_source_lacks_is_told_with_twenty_that_it_has(
    agentpack: Agentpack, project: Path, count: int, more: str
) -> None:
    names = [f"kit-{number:02}" for number in range(count)]
    for name in names:
        write_tree(project / f"kits/{name}", {"agents/one.md": agent_text("one", "Work.")})
    plugins = [{"name": name, "source": f"./{name}"} for name in names]
    write_tree(project / "kits", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})
    ran = agentpack("install", "other", "--source", "kits", expect=4)
    assert ran.err == (
        f"project {project}\n"
        "error: `kits` has no pack `other`\n"
        f"  it has {', '.join(names[:20])}{more}\n"
        "hint: `agentpack show ./kits` lists what it offers\n"
    )
    assert agentpack("install", "kitt-01", "--source", "kits", expect=4).err.endswith("hint: did you mean `kit-01`?\n")
    ran = agentpack("install", "./kits", expect=3)
    listed = "".join(f"  {name}: 1 agent\n" for name in names[:20])
    rest = f"  and {count - 20} more; `agentpack show ./kits` lists them\n" if more else ""
    assert ran.err == (
        f"project {project}\n"
        f"error: ./kits offers {count} packs: choose one\n{listed}{rest}"
        "hint: `agentpack install kit-00 --source ./kits`, `--only AGENT`, or `--all`\n"
    )


def test_an_agent_called_like_its_pack_is_asked_for_by_its_name(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "market", marketplace({"kit-0": "Work.", "two": "Work.", "three": "Work."}))
    refused = agentpack("install", "./market", "--only", "kit-1", expect=4)
    assert refused.err == (
        f"project {project}\n"
        "error: `kit-1` is a pack of `market`, not an agent\n"
        "hint: `agentpack install kit-1 --source market`\n"
    )
    agentpack("install", "./market", "--only", "kit-0")
    assert agents(project) == ["kit-0.md"]


def test_namesakes_that_are_left_out_are_told_in_alphabetical_order(agentpack: Agentpack, project: Path) -> None:
    names = [f"agent-{number}" for number in range(6)]
    files = {f"agents/{name}.md": agent_text(name, "Work.") for name in names}
    for name in ("first", "second"):
        write_tree(project / f"plugins/{name}", {**files, f"agents/{name}.md": agent_text(name, "Work.")})
    plugins = [{"name": name, "source": f"./{name}"} for name in ("first", "second")]
    write_tree(project / "plugins", {".claude-plugin/marketplace.json": json.dumps({"plugins": plugins})})
    told = agentpack("install", "--source", "plugins", "--all").err
    listed = ", ".join(f"second/{name}" for name in names)
    assert (
        "note: 6 agents are left out (`without:` in agentpack.yaml), because another pack has an agent with that name: "
        f"{listed}; `--as second/agent-0=NEW` installs one under another name\n" in told
    )
    assert "without: [agent-0, agent-1, agent-2, agent-3, agent-4, agent-5]" in (project / "agentpack.yaml").read_text()


def test_a_folder_of_a_name_is_told_though_a_source_is_missing(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: gone, path: gone}\npacks: []\n"})
    kit(project, one="Work.")
    assert agentpack("install", "kit", expect=4).err == (
        f"project {project}\n"
        "error: there is no pack named `kit`\n"
        "hint: for the folder `kit`, write `agentpack install ./kit`\n"
    )


def test_an_edit_that_no_variant_can_say_is_not_called_one_that_keep_takes(agentpack: Agentpack, project: Path) -> None:
    """A byte-order mark, of which no rule and no field speaks."""
    kit(project, one="- Work.", two="- Work.")
    agentpack("install", "./kit", "--client", "claude")
    path = project / ".claude/agents/one.md"

    def hint() -> str:
        return agentpack("sync", "--locked", expect=3).err.rstrip().rpartition("; ")[2]

    takes = "`agentpack keep` turns it into a local variant"
    says = "`agentpack keep kit` says which edits cannot become a local variant"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert hint() == says
    path.write_text(agent_text("one", "- Work.\n- Rest."))
    assert hint() == takes
    (project / ".claude/agents/two.md").write_text("No header at all.\n")
    assert hint() == says


def test_texts_of_a_collection_stay_stored_when_older_generations_are_forgotten(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack())
    kit(project, one="Work.", two="Work.")
    agentpack("install", "./kit", "--client", "codex")
    before = (project / ".codex/agents/one.toml").read_bytes()
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    agentpack("history", "prune", "--keep", "1")
    shutil.rmtree(project / "kit")
    (project / ".codex/agents/one.toml").unlink()
    agentpack("sync")
    assert (project / ".codex/agents/one.toml").read_bytes() == before
    agentpack("explain", "one")
    agentpack("install", "kit", "--client", "claude")
    assert (project / ".claude/agents/one.md").read_text() == agent_text("one", "Work.")


# Which files of a plugin are agents.

ANOTHER_AGENT = "---\nname: b\ndescription: Looks.\n---\nLook.\n"


@pytest.mark.parametrize("named", ["./", ".", ["./"], ["agents"], "agents/", ["./agents/a.md", "agents/a.md"]])
def test_a_manifest_may_name_its_agents_by_file_or_folder(named: object) -> None:
    files = {f"kit/agents/{name}": agent_text("a", "Work.") for name in ("a.md", "b.txt", "c")}
    files["kit/README.md"] = "# Kit\n"
    found = offered({"plugins": [{"name": "kit", "source": "./kit", "agents": named}]}, files)
    assert [(pack.name, pack.agents) for pack in found.packs] == [("kit", ("agents/a.md",))]
    assert found.unread == ()


@pytest.mark.parametrize(
    ("path", "text", "is_told"),
    [
        ("agents/b.md", ANOTHER_AGENT, True),
        ("agents/b.txt", ANOTHER_AGENT, False),
        ("agents/SKILL.md", ANOTHER_AGENT, False),
        ("agents/notes.md", "# Notes\n", False),
        ("agents/deep/b.md", ANOTHER_AGENT, False),
        ("more/b.md", ANOTHER_AGENT, False),
    ],
)
def test_an_agent_beside_those_that_the_manifest_lists_is_told(path: str, text: str, is_told: bool) -> None:
    files = {"kit/agents/a.md": agent_text("a", "Work."), f"kit/{path}": text}
    found = offered({"plugins": [{"name": "kit", "source": "./kit", "agents": ["agents/a.md"]}]}, files)
    (pack,) = (pack for pack in found.packs if pack.name == "kit")
    assert pack.agents == ("agents/a.md",)
    assert pack.unread == ((f"skipped `kit/{path}`: the manifest does not list it",) if is_told else ())


@pytest.mark.parametrize(
    ("path", "is_agent"),
    [
        ("b.md", True),
        ("sorted/b.md", True),
        ("SKILL.md", False),
        ("b.txt", False),
        ("skills/b.md", False),
        ("in/skills/deep/b.md", False),
        ("commands/b.md", False),
        ("hooks/b.md", False),
        ("node_modules/kit/b.md", False),
        ("commands.md", True),
    ],
)
def test_without_a_folder_of_agents_the_files_with_a_whole_header_are_agents(path: str, is_agent: bool) -> None:
    files = {
        "a.md": agent_text("a", "Work."),
        path: ANOTHER_AGENT,
        "half.md": "---\nname: c\n---\n",
        "README.md": "# Kit\n",
    }
    found = collection(MemoryTree({name: text.encode() for name, text in files.items()}), "kit")
    assert [pack.agents for pack in found.packs] == [tuple(sorted(["a.md", *([path] if is_agent else [])]))]


@pytest.mark.parametrize(
    ("files", "said", "words"),
    [
        ((), {}, ""),
        (("hooks/x.json",), {}, "hooks"),
        ((), {"hooks": "./more.json"}, "hooks"),
        ((".mcp.json",), {}, "MCP servers"),
        ((), {"mcpServers": {"a": {}}}, "MCP servers"),
        (("commands/a.md",), {}, "1 command"),
        (("commands/a.md", "commands/in/b.md", "commands/c.txt", "notes/commands/d.md"), {}, "2 commands"),
        (("skills/a/SKILL.md",), {}, "1 skill"),
        (("skills/a/SKILL.md", "b/SKILL.md", "skills/c.md"), {}, "2 skills"),
        (("hooks/x", ".mcp.json"), {}, "hooks and MCP servers"),
        (
            ("hooks/x", ".mcp.json", "commands/a.md", "skills/a/SKILL.md"),
            {},
            "hooks, MCP servers, 1 command and 1 skill",
        ),
    ],
)
def test_what_a_plugin_has_besides_agents_is_counted(files: Sequence[str], said: dict[str, object], words: str) -> None:
    there = {"kit/agents/a.md": agent_text("a", "Work."), **{f"kit/{path}": "text\n" for path in files}}
    found = offered({"plugins": [{"name": "kit", "source": "./kit", **said}]}, there)
    assert [pack.beside for pack in found.packs] == [words]


def test_folders_in_folders_of_plugins_are_listed_so_many_times(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"a/b/c/agents/{number}.md": agent_text("a", "Work.") for number in range(10)}
    plugins = [{"name": name, "source": f"./{root}"} for name, root in (("x", "a"), ("y", "a/b"), ("z", "a/b/c"))]
    twice = [*plugins, {"name": "again", "source": "./a"}, {"name": "whole", "source": "./"}]
    monkeypatch.setattr(sources_collection, "MAX_LISTED", 30)
    assert len(offered({"plugins": twice}, files).packs) == 5
    monkeypatch.setattr(sources_collection, "MAX_LISTED", 29)
    with pytest.raises(Refused) as refused:
        offered({"plugins": plugins}, files)
    assert refused.value.message == "the collection has more than 29 files below the folders of its plugins"
    assert refused.value.hint == "give the path of one plugin's folder"


PLUGIN_MANIFESTS = (".claude-plugin/plugin.json", ".github/plugin/plugin.json", ".cursor-plugin/plugin.json")


def _there(files: Mapping[str, str], name: str = "kit") -> Collection:
    return collection(MemoryTree({path: text.encode() for path, text in files.items()}), name)


@pytest.mark.parametrize(
    "path",
    [
        ".claude-plugin/marketplace.json",
        ".github/plugin/marketplace.json",
        ".agents/plugins/marketplace.json",
        ".cursor-plugin/marketplace.json",
    ],
)
def test_a_marketplace_is_known_by_its_manifest(path: str) -> None:
    market = json.dumps({"plugins": [{"name": "one", "source": "./one"}, {"name": "two", "source": "./two"}]})
    files = {f"{kit}/agents/a.md": agent_text("a", "Work.") for kit in ("one", "two")}
    assert [pack.name for pack in _there({path: market, **files}).packs] == ["one", "two"]
    assert [pack.name for pack in _there({f"in/{path}": market, **files}).packs] == ["kit"]
    broken = _there({path: "{", **files})
    assert [pack.name for pack in broken.packs] == ["kit"]
    assert re.fullmatch(rf"{path}:1: not valid JSON: .*: ignored", broken.unread[0])


@pytest.mark.parametrize("text", ["[]", "5", '"name"'])
def test_a_manifest_that_is_no_map_is_named(text: str) -> None:
    agent = {"agents/a.md": agent_text("a", "Work.")}
    market = ".claude-plugin/marketplace.json"
    assert _there({market: text, **agent}).unread == (f"{market}: not a map: ignored",)
    for path in ("plugin.json", "apm.yml"):
        with pytest.raises(InvalidFile) as refused:
            _there({path: text, **agent})
        assert refused.value.details == (f"{path}: not a map",)
        there = {f"kit/{path}": text, **{f"kit/{name}": data for name, data in agent.items()}}
        found = offered({"plugins": [{"name": "kit", "source": "./kit"}]}, there)
        assert found.unread == (f"skipped plugin `kit`: kit/{path}: not a map",)


@pytest.mark.parametrize("path", [*PLUGIN_MANIFESTS, "plugin.json"])
def test_a_plugin_is_known_by_its_manifest(path: str) -> None:
    said = {"name": "own name", "version": "1.2.0", "description": "Its own.", "license": "MIT"}
    files = {"agents/a.md": agent_text("a", "Work."), path: json.dumps(said)}
    assert _there(files).packs == (
        CollectionPack(PackName("own-name"), "", ("agents/a.md",), "1.2.0", "Its own.", "MIT"),
    )
    for number, other in enumerate((*PLUGIN_MANIFESTS, "plugin.json")):
        first = json.dumps({"name": f"other-{number}"})
        found = _there({**files, other: files.get(other, first)}).packs[0].name
        order = [*PLUGIN_MANIFESTS, "plugin.json"]
        assert found == ("own-name" if order.index(path) <= number else f"other-{number}")


def test_a_plugin_may_have_a_manifest_in_yaml() -> None:
    files = {"agents/a.md": agent_text("a", "Work.")}
    said = "name: own\nversion: 0.3.0\ndescription: Its own.\nlicense: MIT\n"
    assert _there({**files, "apm.yml": said}).packs == (
        CollectionPack(PackName("own"), "", ("agents/a.md",), "0.3.0", "Its own.", "MIT"),
    )
    assert _there({**files, "apm.yml": said, "plugin.json": '{"name": "json"}'}).packs[0].name == "json"
    assert _there(files).packs == (CollectionPack(PackName("kit"), "", ("agents/a.md",)),)
    assert _there({"README.md": "# Kit\n"}) == Collection()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"source": "npm", "package": "@a/b"}, "it is on npm (@a/b), and npm packages are not supported"),
        ({"source": "npm"}, "it is on npm (), and npm packages are not supported"),
        ({"source": "url", "url": "http://a.example/b"}, "`http://a.example/b` is neither an https nor an ssh address"),
        ({"source": "url"}, "`` is neither an https nor an ssh address"),
        ({"source": "github"}, "`` is neither an https nor an ssh address"),
        ({"source": "github", "repo": "a/b", "path": "../c"}, "`../c` leads out of the folder"),
        ("./a/../../b", "`./a/../../b` leads out of the folder"),
        ("C:/a", "`C:/a` leads out of the folder"),
        ("..\\a", "`..\\a` leads out of the folder"),
        ("/a", "`/a` leads out of the folder"),
        (5, "its `source` is not text"),
        ([], "its `source` is not text"),
    ],
)
def test_a_plugin_at_a_place_that_is_not_read_is_skipped_with_the_reason(source: object, why: str) -> None:
    found = offered({"plugins": [{"name": "kit", "source": source}]}, {})
    assert found == Collection((), (f"skipped plugin `kit`: {why}",))


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ({"source": "github", "repo": "a/b"}, GitPlace("github:a/b", "", "")),
        ({"source": "github", "repo": "a/b", "ref": "v1", "path": "./c/"}, GitPlace("github:a/b", "v1", "c")),
        ({"source": "url", "url": "https://a.example/b.git"}, GitPlace("https://a.example/b.git", "", "")),
        ({"source": "git-subdir", "url": "git@a.example:b", "path": "c"}, GitPlace("git@a.example:b", "", "c")),
        (
            {"source": "url", "url": "ssh://a.example/b", "ref": "x", "sha": "b" * 40},
            GitPlace("ssh://a.example/b", "b" * 40, ""),
        ),
    ],
)
def test_a_plugin_in_a_repository_of_its_own_is_offered_with_what_its_entry_says(
    source: object, place: GitPlace
) -> None:
    said = {"version": 2, "description": " Far. ", "license": "MIT"}
    found = offered({"plugins": [{"name": "Far Kit", "source": source, **said}]}, {})
    pack = CollectionPack(PackName("far-kit"), "", (), "2", "Far.", "MIT", elsewhere=place)
    assert found == Collection((pack,))
