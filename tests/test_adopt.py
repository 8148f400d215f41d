"""adopt: agent files that are there already come under management, with what they say."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from support.effort import sample
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, with_state, write_tree

from agentpack.clients import CLIENTS, MODULES
from agentpack.model.names import persona_name_fault

NAMES = [client for client in sorted(MODULES) if CLIENTS[client].project is not None]
AGENTS = ".claude/agents"
TEAM = ".agentpack/packs/team-agents/agents"
PLAIN = """\
---
name: tidy
description: "Tidies up: every corner."
---

You tidy up. {#not-an-id}

## Rules

- Be kind to {{ people }}.
- Be short.

```python
x = "{{ y }}"
```
"""
ODD = """\
---
name: odd
description: Use this when: "odd" things happen.\\nReally.
tools: Read, Write, Bash
mood: good
---
Odd text.\x20\x20
Still odd.
"""

HAND_WRITTEN = {
    ".codex/agents/prober.toml": """\
name = "prober"
description = "Probes: deeply."
model_reasoning_effort = "high"
developer_instructions = '''
Probe. {{ so }}

- Say what you found.
'''
""",
    ".opencode/agents/prober.md": """\
---
description: Probes deeply
mode: primary
temperature: 0.2
permission:
  edit: deny
  bash: ask
---
Probe.

- Say what you found.
""",
    ".cline/agents/prober.yaml": """\
---
name: prober
description: Probes deeply
providerId: anthropic
modelId: claude-sonnet-4-5
maxIterations: 7
---
Probe.
""",
    ".github/agents/prober.agent.md": """\
---
description: Probes deeply
target: vscode
---
Probe.
""",
    ".deepagents/agents/prober/AGENTS.md": "---\nname: prober\ndescription: Probes deeply\n---\nProbe.\n",
    ".takt/facets/personas/prober.md": "Probe.\n",
}
"""A file as people write it, for each format, by its path."""
MODES = """\
# ours
customModes:
  - slug: keeper   # of the keys
    name: Keeper
    roleDefinition: Keep.
    groups: [read]
  - slug: prober
    name: Prober
    roleDefinition: |
      Probe.

      - Say what you found.
    whenToUse: To probe
    groups:
      - read
      - - edit
        - fileRegex: \\.md$
"""


def render(agentpack: Agentpack, requirement: str) -> str:
    return agentpack("render", requirement, "--client", "claude").out


def adopted(agentpack: Agentpack, *files: str) -> list[dict[str, object]]:
    data: list[dict[str, object]] = agentpack("adopt", *files, "--json").envelope["data"]["adopted"]
    return data


def test_the_very_text_of_a_release_is_recognised_with_its_variants(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer[strict-typing]==1.0.0")
    write_tree(project, {f"{AGENTS}/python-engineer.md": text})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert (file["pack"], file["version"], file["variants"]) == ("python-engineer", "1.0.0", ["strict-typing"])
    assert file["exact"] is True
    assert "python-engineer[strict-typing]==1.0.0" in (project / "agentpack.yaml").read_text()
    agentpack("diff")
    agentpack("sync", "--locked")


@pytest.mark.many
@pytest.mark.parametrize("there", ["none of its skills", "one of them", "one of them with an edit"])
def test_the_skills_of_a_recognised_agent_come_along(agentpack: Agentpack, project: Path, there: str) -> None:
    """An agent that was copied by hand sends its reader to skills: those that are missing are written."""
    agentpack("install", "python-engineer==3.0.0")
    whole = tree(project / ".claude")
    agentpack("uninstall", "python-engineer")
    shutil.rmtree(project / ".agentpack")
    async_skill = "skills/python-engineer-async/SKILL.md"
    present = {"agents/python-engineer.md": whole["agents/python-engineer.md"]}
    if there != "none of its skills":
        edit = b"- Ours.\n" if "edit" in there else b""
        present |= {async_skill: whole[async_skill] + edit}
    write_tree(project / ".claude", present)
    (file,) = adopted(agentpack)
    assert (file["pack"], file["version"], file["exact"]) == ("python-engineer", "3.0.0", True)
    assert tree(project / ".claude") == whole | present
    agentpack("lock", "--check")
    agentpack("rollback")
    assert tree(project / ".claude") == present


def test_an_edited_release_with_skills_is_recognised(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==3.0.0")
    text = (project / ".claude/agents/python-engineer.md").read_text()
    agentpack("uninstall", "python-engineer")
    shutil.rmtree(project / ".agentpack")
    write_tree(project, {f"{AGENTS}/python-engineer.md": text.replace("Read the project's rules", "Read our handbook")})
    (file,) = adopted(agentpack)
    assert (file["pack"], file["version"], file["exact"]) == ("python-engineer", "3.0.0", False)
    assert "Read our handbook" in (project / f"{AGENTS}/python-engineer.md").read_text()
    assert "our handbook" in agentpack("diff", expect=1).out


def test_an_edited_release_is_recognised_and_diff_shows_exactly_the_edits(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.1.0").replace("- Keep architecture decisions", "- Keep all decisions")
    write_tree(project, {f"{AGENTS}/python-engineer.md": text + "\n## House\n\n- Wipe your feet.\n"})
    agentpack("adopt", f"{AGENTS}/python-engineer.md")
    out = agentpack("diff", expect=1).out
    assert "- Keep all decisions" in out.replace("{+", "").replace("+}", "")
    assert "Wipe your feet" in out
    assert (project / f"{AGENTS}/python-engineer.md").read_text().startswith(text)


def test_an_adopted_edit_survives_an_upgrade(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.0.0") + "\n## House\n\n- Wipe your feet.\n"
    write_tree(project, {f"{AGENTS}/python-engineer.md": text})
    agentpack("adopt", f"{AGENTS}/python-engineer.md")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ">=1,<2"))
    agentpack("upgrade", "--yes")
    upgraded = (project / f"{AGENTS}/python-engineer.md").read_text()
    assert upgraded == render(agentpack, "python-engineer==1.1.0") + "\n## House\n\n- Wipe your feet.\n"


def test_a_release_under_another_name_is_recognised_and_renamed(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.1.0").replace("name: python-engineer", "name: snake")
    write_tree(project, {f"{AGENTS}/snake.md": text})
    (file,) = adopted(agentpack, f"{AGENTS}/snake.md")
    assert (file["pack"], file["exact"]) == ("python-engineer", True)
    assert "as: {python-engineer: snake}" in (project / "agentpack.yaml").read_text()
    agentpack("diff")


@pytest.mark.many
@pytest.mark.parametrize(
    ("client", "path", "name"),
    [
        ("claude", ".claude/agents/py.md", "python-engineer"),
        ("claude", ".claude/agents/team/python-engineer.md", "python-engineer"),
        ("claude", ".claude/agents/python-engineer.md", "Python Engineer"),
        ("claude", ".claude/agents/py.md", "snake"),
        ("codex", ".codex/agents/py.toml", "python-engineer"),
        ("copilot", ".github/agents/py.agent.md", "python-engineer"),
    ],
)
@pytest.mark.parametrize("edited", [False, True])
def test_a_release_is_recognised_whatever_its_file_is_called_and_stays_there(
    agentpack: Agentpack, project: Path, client: str, path: str, name: str, edited: bool
) -> None:
    text = agentpack("render", "python-engineer==1.0.0", "--client", client).out
    text = text.replace("name: python-engineer", f"name: {name}")
    if edited:
        text = text.replace("- Keep architecture decisions", "- Keep all decisions")
    write_tree(project, {path: text})
    (file,) = adopted(agentpack, path)
    assert (file["pack"], file["version"], file["path"]) == ("python-engineer", "1.0.0", path)
    assert file["exact"] is not (edited or name == "Python Engineer")
    assert ("as: {python-engineer: snake}" in (project / "agentpack.yaml").read_text()) is (name == "snake")
    upgrade = "upgrade --latest --yes --accept every-tool --accept skills --on-conflict keep"
    agentpack(*upgrade.split())
    folder = path.partition("/agents/")[0] + "/agents"
    assert [path.removeprefix(f"{folder}/")] == [*tree(project / folder)]
    assert name in (project / path).read_text()
    assert "3.0.0" in agentpack("status").out


def test_the_texts_of_several_personas_are_recognised_whatever_their_files_are_called(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    personas = {name: persona_text(name) for name in ("alpha", "beta", "gamma")}
    publish(tmp_path / "packs", make_pack("team", personas=personas))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    for name in ("alpha", "gamma"):
        text = agentpack("render", "team", "--client", "claude", "--persona", name).out
        write_tree(project, {f"{AGENTS}/our-{name}.md": text})
    before = tree(project / AGENTS)
    assert [(file["pack"], file["exact"]) for file in adopted(agentpack)] == [("team", True)] * 2
    for command in CLEAN:
        agentpack(*command)
    assert tree(project / AGENTS) == before


def test_a_copy_that_cannot_stay_is_recognised_once_it_has_the_name_that_is_asked_for(
    agentpack: Agentpack, project: Path
) -> None:
    text = agentpack("render", "python-engineer==1.0.0", "--client", "cursor").out
    write_tree(project, {".cursor/agents/py.md": text})
    said = agentpack("adopt", ".cursor/agents/py.md", expect=2).err
    assert "its name is `python-engineer`" in said
    assert "rename the file, then adopt it" in said
    (project / ".cursor/agents/py.md").rename(project / ".cursor/agents/python-engineer.md")
    assert [(file["pack"], file["exact"]) for file in adopted(agentpack)] == [("python-engineer", True)]


def test_an_unknown_file_becomes_an_agent_of_a_local_collection(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    (file,) = adopted(agentpack, f"{AGENTS}/tidy.md")
    assert (file["pack"], file["local"], file["exact"]) == ("team-agents", True, True)
    assert file["copy"] == f"{TEAM}/tidy.md"
    assert (project / TEAM / "tidy.md").read_text() == (project / AGENTS / "tidy.md").read_text() == PLAIN
    assert (project / "agentpack.yaml").read_text().endswith("packs:\n  - require: team-agents\n    source: local\n")
    agentpack("diff")


def test_an_edit_of_an_adopted_file_is_none_once_its_copy_has_it(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    (project / f"{AGENTS}/tidy.md").write_text(PLAIN.replace("Be short.", "Be brief."))
    edited = (project / f"{AGENTS}/tidy.md").read_text()
    (project / TEAM / "tidy.md").write_text(edited)
    agentpack("upgrade", "--yes")
    agentpack("diff")


def test_a_header_that_says_more_than_we_know_stays_and_is_clean(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/odd.md": ODD})
    agentpack("adopt", f"{AGENTS}/odd.md")
    assert (project / f"{AGENTS}/odd.md").read_text() == ODD
    for command in CLEAN:
        agentpack(*command)
    assert render(agentpack, "team-agents") == ODD


CLEAN = (("diff",), ("sync", "--check"), ("sync", "--locked"), ("sync", "--frozen"), ("upgrade", "--yes"), ("audit",))
"""What ends with 0 where nothing differs."""
REVIEWER = """\
---
name: reviewer
description: mine reviewer
tools: Read, Grep
---
You review.

## How

- Be kind.
- Be short.
"""
IN_OTHER_WORDS = {
    "unquoted": REVIEWER,
    "single quotes": REVIEWER.replace("mine reviewer", "'mine reviewer'"),
    "double quotes": REVIEWER.replace("mine reviewer", '"mine \\u0072eviewer"').replace("name: r", 'name: "r"', 0),
    "folded": REVIEWER.replace("mine reviewer", ">-\n  mine\n  reviewer"),
    "block": REVIEWER.replace("mine reviewer", "|\n  mine\n\n  reviewer"),
    "over two lines": REVIEWER.replace("mine reviewer", "mine\n  reviewer"),
    "other order": REVIEWER.replace("name: reviewer\n", "").replace("tools:", "name: reviewer\ntools:"),
    "canonical tools": REVIEWER.replace("Read, Grep", "Read,Grep,  Glob"),
    "tools in a list": REVIEWER.replace("Read, Grep", "[Read, Grep]"),
    "tools in lines": REVIEWER.replace(" Read, Grep", "\n  - Read\n  - Grep\n  - Glob"),
    "literal line breaks": REVIEWER.replace("mine reviewer", "mine: all.\\n\\nExamples: <example>x: y</example>"),
    "a colon, as no YAML has it": REVIEWER.replace("mine reviewer", 'Use it when: "odd" things # happen'),
    "byte order mark": "\ufeff" + REVIEWER,
    "line ends": REVIEWER.replace("\n", "\r\n"),
    "comments": REVIEWER.replace("tools:", "# what it may do\ntools:").replace(
        "mine reviewer", "mine reviewer  # ours"
    ),
    "comments in what is no YAML": REVIEWER.replace("mine reviewer", "mine: all: x\n# ours"),
    "settings": REVIEWER.replace("---\nYou", "model: opus\ncolor: Blue\nmaxTurns: 3\npermissionMode: plan\n---\nYou"),
    "hooks": REVIEWER.replace("---\nYou", "hooks:\n  Stop:\n    - hooks:\n        - type: command\n---\nYou"),
    "blank lines at the ends": REVIEWER.replace("---\nYou", "---\n\n\nYou") + "\n\n",
    "no line end at the end": REVIEWER.rstrip("\n"),
    "blanks behind the fences": REVIEWER.replace("---\n", "--- \n"),
    "fields of its own": REVIEWER.replace("tools:", "mood: good\nversion: 2\nmaxTurns: many\ncolor: teal\ntools:"),
    "fields in other letters": REVIEWER.replace("tools:", "allowed-tools: Bash\nTools: Bash\ntools:"),
    "no tool": REVIEWER.replace("tools: Read, Grep", "tools:"),
    "an empty item": REVIEWER.replace(" Read, Grep", "\n  - Read\n  -"),
    "a map of tools": REVIEWER.replace("Read, Grep", "{Read: true}"),
    "tools with blanks": REVIEWER.replace("Read, Grep", "Read Bash"),
}
"""What people write for Claude Code, in words that agentpack would put otherwise."""


@pytest.mark.campaign
@pytest.mark.parametrize("text", IN_OTHER_WORDS.values(), ids=IN_OTHER_WORDS)
def test_a_file_that_says_it_in_other_words_stays_byte_for_byte_and_nothing_differs(
    agentpack: Agentpack, project: Path, text: str
) -> None:
    path = f"{AGENTS}/reviewer.md"
    write_tree(project, {path: text})
    before = tree(project)
    (file,) = adopted(agentpack, path)
    assert (file["local"], file["edited"], file["exact"]) == (True, "", True)
    assert (project / path).read_bytes() == text.encode()
    for command in (*CLEAN, ("keep", "team-agents")):
        agentpack(*command)
    assert (project / path).read_bytes() == (project / TEAM / "reviewer.md").read_bytes() == text.encode()
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["name"] == "team-agents"
    agentpack("rollback")
    assert tree(project) == before


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_an_edit_of_an_adopted_file_with_a_byte_order_mark_stays_through_an_upgrade(
    agentpack: Agentpack, project: Path, ends: str
) -> None:
    path = project / AGENTS / "reviewer.md"
    write_tree(project, {f"{AGENTS}/reviewer.md": ("\ufeff" + REVIEWER + "\n- Ask first.\n").replace("\n", ends)})
    agentpack("adopt", f"{AGENTS}/reviewer.md")
    path.write_bytes(path.read_bytes().replace(b"Ask first", b"Ask them first"))
    edited = path.read_bytes()
    copy = project / TEAM / "reviewer.md"
    copy.write_bytes(copy.read_bytes().replace(b"Be kind", b"Be very kind"))
    agentpack("upgrade", "--yes")
    assert path.read_bytes() == edited.replace(b"Be kind", b"Be very kind")


def test_a_variant_over_an_adopted_file_changes_only_what_it_says(agentpack: Agentpack, project: Path) -> None:
    text = REVIEWER.replace("tools:", "# ours\nmood: good\ntools:")
    write_tree(
        project,
        {
            f"{AGENTS}/reviewer.md": text,
            ".agentpack/variants/reviewer/house.md": "---\nsummary: Ours.\nset: {color: blue}\n---\n\n"
            "## House {#house}\n\n- Ask first. {#ask}\n",
        },
    )
    agentpack("adopt", f"{AGENTS}/reviewer.md")
    agentpack("install", "team-agents[house]")
    found = (project / f"{AGENTS}/reviewer.md").read_text()
    assert found.replace("color: blue\n", "") == text + "\n## House\n\n- Ask first.\n"
    assert "color: blue\n" in found


def test_a_release_in_other_words_stays_in_those(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.0.0")
    lenient = re.sub('description: "(.*)"\n', lambda match: f"# ours\ndescription: {match[1]}\n", text, count=1)
    assert lenient != text
    lenient = lenient.replace("\n", "\r\n")
    write_tree(project, {f"{AGENTS}/python-engineer.md": lenient})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert (file["pack"], file["version"], file["exact"]) == ("python-engineer", "1.0.0", False)
    assert file["edited"] == "formatting only"
    assert (project / f"{AGENTS}/python-engineer.md").read_bytes() == lenient.encode()


def test_a_local_pack_does_not_take_the_name_of_a_known_one(agentpack: Agentpack, project: Path) -> None:
    path = ".takt/facets/personas/python-engineer.md"
    write_tree(project, {path: "Probe.\n"})
    (file,) = adopted(agentpack, path)
    assert file["pack"] == "python-engineer-local"


def test_an_agent_with_the_name_of_a_known_pack_is_one_of_the_team_s(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/python-engineer.md": PLAIN.replace("name: tidy", "name: python-engineer")})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert file["pack"] == "team-agents"
    agentpack("diff")


def test_a_copy_of_what_is_installed_becomes_an_agent_of_the_team(agentpack: Agentpack, project: Path) -> None:
    """A pack stands once in a manifest."""
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    text = (project / AGENTS / "reviewer.md").read_text()
    write_tree(project, {f"{AGENTS}/snake.md": text.replace("name: reviewer", "name: snake")})
    before = tree(project / AGENTS)
    (file,) = adopted(agentpack, f"{AGENTS}/snake.md")
    assert (file["pack"], file["local"], file["exact"]) == ("team-agents", True, True)
    assert (project / "agentpack.yaml").read_text().count("- data-reviewer\n") == 1
    assert tree(project / AGENTS) == before
    agentpack("diff")
    agentpack("sync", "--locked")


def test_a_pack_that_does_not_read_keeps_no_file_from_being_adopted(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    broken = make_pack("broken", personas={"tidy": "---\nname: [\n---\n"})
    publish(tmp_path / "packs", broken, make_pack("ours", personas={"tidy": PLAIN.replace(" {#not-an-id}", "")}))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    write_tree(project, {f"{AGENTS}/odd.md": ODD})
    assert [file["pack"] for file in adopted(agentpack, f"{AGENTS}/odd.md")] == ["team-agents"]


def test_the_text_of_one_persona_of_a_pack_is_recognised_and_the_others_are_left_out(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    personas = {name: persona_text(name) for name in ("alpha", "beta", "gamma")}
    publish(tmp_path / "packs", make_pack("team", personas=personas))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    for name in ("alpha", "gamma"):
        text = agentpack("render", "team", "--client", "claude", "--persona", name).out
        write_tree(project, {f"{AGENTS}/{name}.md": text})
    found = adopted(agentpack)
    assert [(file["pack"], file["version"], file["exact"], file["local"]) for file in found] == [
        ("team", "1.0.0", True, False)
    ] * 2
    assert "personas: [alpha, gamma]" in (project / "agentpack.yaml").read_text()
    assert not (project / f"{AGENTS}/beta.md").exists()
    for command in CLEAN:
        agentpack(*command)


def test_several_files_are_adopted_in_one_generation_and_rollback_gives_back_what_was(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN, f"{AGENTS}/odd.md": ODD})
    before = tree(project)
    agentpack("adopt", f"{AGENTS}/tidy.md", f"{AGENTS}/odd.md")
    after = tree(project)
    assert after[f"{AGENTS}/odd.md"] == before[f"{AGENTS}/odd.md"]
    agentpack("rollback")
    assert tree(project) == before
    agentpack("rollback")
    assert tree(project) == after
    agentpack("sync", "--check")


@pytest.mark.parametrize("names", [(f"{AGENTS}/python-reviewer.md", f"{AGENTS}/tidy.md"), ()])
def test_a_file_of_a_release_and_one_of_the_user_s_own_are_adopted_together(
    agentpack: Agentpack, project: Path, names: tuple[str, ...]
) -> None:
    text = render(agentpack, "python-reviewer")
    write_tree(project, {f"{AGENTS}/python-reviewer.md": text, f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", *names)
    packs = {pack["name"]: pack for pack in agentpack("status", "--json").envelope["data"]["packs"]}
    assert {name: pack["source"] for name, pack in packs.items()} == {
        "python-reviewer": "bundled",
        "team-agents": "local",
    }
    agentpack("sync", "--check")


def test_a_file_is_not_adopted_where_another_would_change_along_with_it(agentpack: Agentpack, project: Path) -> None:
    """A file that was deleted, and one whose lock came along with a newer release: `sync` is asked about those."""
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    managed = project / AGENTS / "python-engineer.md"
    earlier = managed.read_bytes()
    managed.unlink()
    before = with_state(project)
    ran = agentpack("adopt", f"{AGENTS}/tidy.md", expect=3)
    assert f"{AGENTS}/python-engineer.md" in ran.err
    assert "`agentpack sync`" in ran.err
    assert with_state(project) == before
    managed.write_bytes(earlier)
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ""))
    agentpack("lock", "--upgrade", "--accept", "python-engineer:every-tool", "--accept", "skills")
    agentpack("adopt", f"{AGENTS}/tidy.md", expect=3)
    assert managed.read_bytes() == earlier
    agentpack("sync")
    agentpack("adopt", f"{AGENTS}/tidy.md")


def test_what_lies_where_a_local_pack_would_stays(agentpack: Agentpack, project: Path) -> None:
    path = ".takt/facets/personas/prober.md"
    write_tree(project, {path: HAND_WRITTEN[path], ".agentpack/packs/prober/0.1.0/pack.yaml": "# mine\n"})
    before = tree(project)
    ran = agentpack("adopt", path, expect=3)
    assert ".agentpack/packs/prober/0.1.0/pack.yaml already exists" in ran.err
    assert tree(project) == before


@pytest.mark.parametrize("there", [{"tidy.md": "mine\n"}, {"other.md": "---\nname: tidy\ndescription: x\n---\n"}])
def test_what_lies_where_the_local_collection_would_stays(
    agentpack: Agentpack, project: Path, there: dict[str, str]
) -> None:
    write_tree(project, {f"{TEAM}/{name}": text for name, text in there.items()})
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    before = tree(project / TEAM)
    (file,) = adopted(agentpack, f"{AGENTS}/tidy.md")
    assert file["pack"] == "team-agents-2"
    assert tree(project / TEAM) == before
    agentpack("diff")


def test_adopting_into_an_existing_manifest_keeps_what_is_there(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text("# ours\n" + manifest.read_text())
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    text = manifest.read_text()
    assert text.startswith("# ours\n")
    assert "- python-engineer\n" in text
    agentpack("diff")


@pytest.mark.parametrize("path", [".agentpack/packs", "./.agentpack/packs/"])
def test_local_packs_come_from_one_source_however_it_is_written(agentpack: Agentpack, project: Path, path: str) -> None:
    write_tree(project, {f"{AGENTS}/{name}.md": PLAIN.replace("tidy", name) for name in ("tidy", "neat")})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace(".agentpack/packs", path))
    agentpack("adopt", f"{AGENTS}/neat.md")
    assert manifest.read_text().count("path:") == 1
    agentpack("sync", "--locked")


def test_a_source_of_that_name_stays_what_it_is(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    write_tree(
        project, {"agentpack.yaml": "schema: 1\nsources: [{name: local, path: packs}]\npacks: [data-reviewer]\n"}
    )
    agentpack("sync")
    before = (project / "agentpack.lock").read_text()
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    assert "{name: local, path: packs}" in (project / "agentpack.yaml").read_text()
    assert '"source": "local"' in before
    assert '"source": "local-2"' in (project / "agentpack.lock").read_text()
    agentpack("sync", "--locked")


def test_a_header_that_says_something_else_is_an_edit_and_stays(agentpack: Agentpack, project: Path) -> None:
    text = render(agentpack, "python-engineer==1.0.0")
    edited = re.sub('description: ".*"\n', 'description: "Ours."\n', text, count=1)
    write_tree(project, {f"{AGENTS}/python-engineer.md": edited})
    (file,) = adopted(agentpack, f"{AGENTS}/python-engineer.md")
    assert (file["pack"], file["version"], file["edited"]) == ("python-engineer", "1.0.0", "the header")
    assert (project / f"{AGENTS}/python-engineer.md").read_text() == edited
    agentpack("diff", expect=1)


def test_a_first_adoption_is_for_the_clients_of_the_files_whatever_else_is_used(
    agentpack: Agentpack, project: Path
) -> None:
    path = ".codex/agents/prober.toml"
    write_tree(project, {path: HAND_WRITTEN[path], ".claude/settings.json": "{}", ".cursor/rules/x.mdc": "x"})
    agentpack("adopt", path)
    assert "clients: [codex]\n" in (project / "agentpack.yaml").read_text()
    agentpack("install", "python-engineer==1.0.0")
    assert not (project / AGENTS).exists()


def test_a_dry_run_changes_nothing(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN})
    before = tree(project)
    ran = agentpack("adopt", f"{AGENTS}/tidy.md", "--dry-run")
    assert f"copied to {TEAM}/tidy.md" in ran.err
    assert tree(project) == before


def test_at_user_scope_local_packs_lie_in_the_configuration(agentpack: Agentpack, home: Path) -> None:
    write_tree(home, {f"{AGENTS}/tidy.md": PLAIN})
    agentpack("adopt", str(home / AGENTS / "tidy.md"), "--user")
    assert (home / ".config/agentpack/packs/my-agents/agents/tidy.md").read_text() == PLAIN
    for command in CLEAN:
        agentpack(*command, "--user")


CODEX = 'name = "tidy"\ndescription = "Tidies."\ndeveloper_instructions = "Tidy.\\u200b"\n'
SAFE = CODEX.replace("\\u200b", "")


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("notes/tidy.md", PLAIN, "is not in a folder of agents"),
        (f"{AGENTS}/.hidden/tidy.md", PLAIN, "rename it"),
        (f"{AGENTS}/My Agent.md", PLAIN, "rename it"),
        (f"{AGENTS}/backend/CLAUDE.md", PLAIN, "rename it"),
        (f"{AGENTS}/tidy.md", b"---\nname: tidy\ndescription: \xff\n---\n", "not UTF-8"),
        (f"{AGENTS}/tidy.md", "---\nname: tidy\n---\nTidy.\n", "its header has no description"),
        (f"{AGENTS}/tidy.md", PLAIN.replace("name: tidy", "name: a:b"), "does not accept a name with a colon"),
        (f"{AGENTS}/tidy.md", PLAIN.replace("every corner", "every \u200bcorner"), "it holds hidden text"),
        (f"{AGENTS}/tidy.md", PLAIN.replace("every corner", "every \\u200bcorner"), "it holds hidden text"),
        (".codex/agents/tidy.toml", CODEX, "it holds hidden text"),
        (".codex/agents/tidy.toml", SAFE.replace("Tidies", "Tid\\u200bies"), "it holds hidden text"),
        (".codex/agents/tidy.toml", f'{SAFE}[mcp_servers.docs]\nargs = ["a", "b\\u200b"]\n', "it holds hidden text"),
        (".codex/agents/tidy.toml", f'{SAFE}[mcp_servers."do\\u200bcs"]\nargs = []\n', "it holds hidden text"),
        (".cline/agents/sub/tidy.yaml", "---\nname: tidy\ndescription: x\n---\n", "might not read agents there"),
    ],
)
def test_a_file_that_cannot_be_adopted_keeps_no_other_from_it(
    agentpack: Agentpack, project: Path, path: str, content: str | bytes, reason: str
) -> None:
    fine = {f"{AGENTS}/fine.md": PLAIN.replace("name: tidy", "name: fine")}
    write_tree(project, {**fine, path: content})
    before = tree(project)
    assert reason in agentpack("adopt", path, expect=2).err
    assert tree(project) == before
    ran = agentpack("adopt", f"{AGENTS}/fine.md", path, expect=2)
    assert reason in ran.err
    data = agentpack("adopt", f"{AGENTS}/fine.md", path, "--json", expect=2).envelope["data"]
    assert (data["managed"], [one["path"] for one in data["refused"]]) == ([f"{AGENTS}/fine.md"], [path])
    assert reason in data["refused"][0]["reason"]
    assert (project / path).read_bytes() == before[path]
    agentpack("diff")


DOCUMENTS = {
    f"{AGENTS}/README.md": "# Our agents\n",
    f"{AGENTS}/notes.md": "no header\n",
    f"{AGENTS}/backend/CLAUDE.md": "# How we work\n",
    ".opencode/agents/README.md": "# Agents\n",
}


@pytest.mark.many
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_passed_over_and_only_alone_an_error(agentpack: Agentpack, project: Path, path: str) -> None:
    write_tree(project, {path: DOCUMENTS[path]})
    before = tree(project)
    assert "no header with a name and a description" in agentpack("adopt", path, expect=2).err
    assert tree(project) == before
    write_tree(
        project, {f"{AGENTS}/tidy.md": PLAIN, ".opencode/agents/prober.md": "---\ndescription: x\n---\nProbe.\n"}
    )
    for arguments in ((path, f"{AGENTS}/tidy.md"), (), (AGENTS, ".opencode/agents")):
        ran = agentpack("adopt", *arguments, "--dry-run")
        assert f"skipped {path}: it has no header" in ran.err
    agentpack("adopt")
    assert (project / path).read_text() == DOCUMENTS[path]


KEPT = {
    name: kept[0]
    for name in NAMES
    if not CLIENTS[name].shared and (kept := sorted(n for n in CLIENTS[name].reserved if not persona_name_fault(n)))
}
"""A name that a client keeps for itself, and not all of them do."""


@pytest.mark.many
@pytest.mark.parametrize("client", KEPT)
def test_a_name_that_a_client_keeps_for_itself_is_refused(agentpack: Agentpack, project: Path, client: str) -> None:
    target, name = CLIENTS[client], KEPT[client]
    agentpack("install", "python-engineer", "--client", client, "--accept", f"widened:{client}")
    path, other = target.path("python-engineer", "project", {}), target.path(name, "project", {})
    assert path is not None
    assert other is not None
    text = (project / path).read_bytes().replace(b"python-engineer", name.encode())
    agentpack("uninstall", "python-engineer")
    write_tree(project, {other: text})
    ran = agentpack("adopt", other, expect=2)
    assert f"`{name}` is a name reserved by {target.title}" in ran.err
    assert (project / other).read_bytes() == text


def test_what_is_missing_or_a_link_is_refused(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    (project / AGENTS / "link.md").symlink_to("python-engineer.md")
    err = agentpack("adopt", *(f"{AGENTS}/{name}.md" for name in ("none", "link")), expect=2).err
    assert "no such file" in err
    assert "it is a link" in err
    (project / AGENTS / "python-engineer.md").unlink()
    assert "`agentpack sync` writes it" in agentpack("adopt", f"{AGENTS}/python-engineer.md", expect=2).err


@pytest.mark.parametrize("path", [f"{AGENTS}/reviewer.md", ".roomodes#prober"])
def test_a_file_named_by_way_of_a_link_to_the_project_is_adopted(
    agentpack: Agentpack, project: Path, tmp_path: Path, path: str
) -> None:
    write_tree(project, {f"{AGENTS}/reviewer.md": REVIEWER, ".roomodes": MODES})
    (tmp_path / "link").symlink_to(project)
    (file,) = adopted(agentpack, f"{tmp_path}/link/{path}")
    assert file["path"] == path
    agentpack("sync", "--locked")


@pytest.mark.many
@pytest.mark.parametrize("path", [f"{AGENTS}/reviewer.md", ".roomodes", ".roomodes#prober"])
def test_adopting_a_file_again_changes_nothing(agentpack: Agentpack, project: Path, path: str) -> None:
    write_tree(project, {f"{AGENTS}/reviewer.md": REVIEWER, ".roomodes": MODES})
    agentpack("adopt", path)
    before = with_state(project)
    ran = agentpack("adopt", path)
    assert "is already managed by agentpack" in ran.err
    assert ran.err.endswith("nothing to change\n")
    data = agentpack("adopt", path, "--json").envelope["data"]
    assert (data["changed"], data["adopted"], data["generation"]) == (False, [], None)
    assert path in data["managed"][0] + ".roomodes"
    assert with_state(project) == before


def test_a_file_that_is_ours_already_does_not_keep_another_from_being_adopted(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {f"{AGENTS}/tidy.md": PLAIN, f"{AGENTS}/odd.md": ODD})
    agentpack("adopt", f"{AGENTS}/tidy.md")
    assert [file["path"] for file in adopted(agentpack, f"{AGENTS}/tidy.md", f"{AGENTS}/odd.md")] == [
        f"{AGENTS}/odd.md"
    ]


# Every client's files.


def written(agentpack: Agentpack, project: Path, client: str) -> tuple[str, str, str]:
    """Where the client has python-engineer, the path of the file that it is in, and the file's text."""
    agentpack("install", "python-engineer==1.0.0", "--client", client)
    place = CLIENTS[client].path("python-engineer", "project", {})
    assert place is not None
    file = place.partition("#")[0]
    return place, file, (project / file).read_text()


def second_project(folder: Path, files: dict[str, str]) -> Path:
    (folder / ".git").mkdir(parents=True)
    return write_tree(folder, files)


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("client", sample(NAMES, 1))
def test_what_any_client_was_given_is_recognised_elsewhere(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str
) -> None:
    place, file, text = written(agentpack, project, client)
    elsewhere = second_project(tmp_path / "elsewhere", {file: text})
    before = tree(elsewhere)
    data = agentpack("adopt", place, "--json", cwd=elsewhere).envelope["data"]["adopted"]
    assert [(one["path"], one["pack"], one["version"], one["exact"]) for one in data] == [
        (place, "python-engineer", "1.0.0", True)
    ]
    agentpack("diff", cwd=elsewhere)
    agentpack("sync", "--locked", cwd=elsewhere)
    assert f"clients: [{client}]" in (elsewhere / "agentpack.yaml").read_text()
    agentpack("rollback", cwd=elsewhere)
    assert tree(elsewhere) == before


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("client", sample(NAMES, 2))
def test_what_was_edited_for_any_client_stays_and_diff_shows_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str
) -> None:
    place, file, text = written(agentpack, project, client)
    text = text.replace("- Keep architecture decisions", "- Keep all decisions")
    elsewhere = second_project(tmp_path / "elsewhere", {file: text})
    before = tree(elsewhere)
    assert "kept as an edit" in agentpack("adopt", place, cwd=elsewhere).err
    assert (elsewhere / file).read_text() == text
    out = agentpack("diff", cwd=elsewhere, expect=1).out
    assert "- Keep all decisions" in out.replace("{+", "").replace("+}", "")
    agentpack("rollback", cwd=elsewhere)
    assert tree(elsewhere) == before


@pytest.mark.many
@pytest.mark.parametrize("path", HAND_WRITTEN)
def test_a_file_that_people_wrote_for_any_format_becomes_a_local_pack(
    agentpack: Agentpack, project: Path, path: str
) -> None:
    write_tree(project, {path: HAND_WRITTEN[path]})
    before = tree(project)
    (file,) = adopted(agentpack, path)
    collected = path.startswith((".codex", ".github", ".opencode"))
    assert (file["path"], file["pack"], file["local"]) == (path, "team-agents" if collected else "prober", True)
    assert (file["exact"], file["edited"]) == (True, "")
    assert (project / path).read_text() == HAND_WRITTEN[path]
    assert (project / str(file["copy"])).is_file()
    agentpack("diff")
    agentpack("sync", "--locked")
    assert (project / path).read_text() == HAND_WRITTEN[path]
    agentpack("rollback")
    assert tree(project) == before


@pytest.mark.many
@pytest.mark.parametrize(
    ("path", "said"),
    [
        (".opencode/agents/prober.md", "permission:\n  edit: deny\n  bash: ask\n"),
        (".opencode/agents/prober.md", "temperature: 0.2"),
        (".opencode/agents/prober.md", "mode: primary"),
        (".cline/agents/prober.yaml", "modelId: claude-sonnet-4-5"),
        (".cline/agents/prober.yaml", "maxIterations: 7"),
    ],
)
def test_what_only_that_client_knows_is_said_to_it_again(
    agentpack: Agentpack, project: Path, path: str, said: str
) -> None:
    write_tree(project, {path: HAND_WRITTEN[path]})
    (file,) = adopted(agentpack, path)
    (client,) = (target.name for target in CLIENTS.values() if target.path("prober", "project", {}) == path)
    assert said in agentpack("render", str(file["pack"]), "--client", client).out


def test_one_mode_of_a_file_with_others_is_adopted_and_the_file_stays(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".roomodes": MODES})
    before = tree(project)
    (file,) = adopted(agentpack, ".roomodes#prober")
    assert (file["path"], file["pack"], file["local"]) == (".roomodes#prober", "prober", True)
    persona = (project / ".agentpack/packs/prober/0.1.0/personas/prober.md").read_text()
    assert '"whenToUse": "To probe"' in persona
    assert (project / ".roomodes").read_text() == MODES
    (project / ".roomodes").write_text(MODES.replace("Say what", "Tell what"))
    assert "Tell what" in agentpack("diff", expect=1).out.replace("{+", "").replace("+}", "")
    (project / ".roomodes").write_text(MODES)
    agentpack("rollback")
    assert tree(project) == before


def test_a_file_of_many_agents_alone_stands_for_all_that_are_not_managed(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".roomodes": MODES})
    assert [file["path"] for file in adopted(agentpack, ".roomodes#prober")] == [".roomodes#prober"]
    assert [file["path"] for file in adopted(agentpack, ".roomodes")] == [".roomodes#keeper"]
    assert (project / ".roomodes").read_text() == MODES
    assert agentpack("adopt", ".roomodes", ".roomodes#keeper").err.count("is already managed by agentpack") == 2


def test_one_persona_in_the_files_of_two_clients_is_one_pack_with_the_words_of_both(
    agentpack: Agentpack, project: Path
) -> None:
    paths = [".codex/agents/prober.toml", ".cline/agents/prober.yaml"]
    write_tree(project, {path: HAND_WRITTEN[path] for path in paths})
    assert {str(file["pack"]) for file in adopted(agentpack, *paths)} == {"prober"}
    persona = (project / ".agentpack/packs/prober/0.1.0/personas/prober.md").read_text()
    assert '"model_reasoning_effort": "high"' in persona
    assert '"maxIterations": 7' in persona
    assert tree(project).keys() >= set(paths)


def test_a_restriction_in_the_client_s_own_words_is_kept_and_nothing_is_lost(
    agentpack: Agentpack, project: Path
) -> None:
    """Codex cannot limit tools, and so agentpack could not say in other words what the file says."""
    path = ".codex/agents/prober.toml"
    write_tree(project, {path: 'sandbox_mode = "read-only"\n' + HAND_WRITTEN[path]})
    before = tree(project)
    (file,) = adopted(agentpack, path)
    assert file["exact"] is True
    for command in CLEAN:
        agentpack(*command)
    assert (project / path).read_bytes() == before[path]


def test_a_restriction_that_the_client_does_not_hold_wants_to_be_accepted(agentpack: Agentpack, project: Path) -> None:
    """Of a file that two clients have, the pack's persona is written for both."""
    path = ".codex/agents/prober.toml"
    text = 'sandbox_mode = "read-only"\n' + HAND_WRITTEN[path]
    write_tree(project, {path: text, ".cline/agents/prober.yaml": HAND_WRITTEN[".cline/agents/prober.yaml"]})
    before = tree(project)
    assert "--accept widened:codex" in agentpack("adopt", expect=3).err
    assert tree(project) == before
    agentpack("adopt", "--accept", "widened:codex", "--accept", "widened:cline")
    assert tomllib.loads((project / path).read_text()) == tomllib.loads(text)


@pytest.mark.parametrize(
    ("path", "content", "name", "reason"),
    [
        (".codex/agents/a.toml", "name = [", None, "not valid TOML"),
        (".opencode/agents/My_Agent.md", HAND_WRITTEN[".opencode/agents/prober.md"], None, "lower-case letters"),
        (".opencode/agents/plan.md", HAND_WRITTEN[".opencode/agents/prober.md"], None, "`plan` is a name reserved"),
        (".cline/agents/prober.yml", HAND_WRITTEN[".cline/agents/prober.yaml"], None, "as `NAME.yaml`"),
        (".cline/agents/prober.yaml", "---\nname: a: b\n---\n", None, "not valid YAML: mapping values"),
        (".roomodes", MODES, ".roomodes#nobody", "no such entry; found 'keeper', 'prober'"),
        (".roomodes", "customModes: {}\n", None, "is not a list"),
        (".roomodes", "customModes: []\n", None, "it contains no agent"),
    ],
)
def test_a_client_s_file_that_does_not_fit_is_refused_with_the_reason(
    agentpack: Agentpack, project: Path, path: str, content: str, name: str | None, reason: str
) -> None:
    write_tree(project, {path: content})
    before = tree(project)
    assert reason in agentpack("adopt", name or path, expect=2).err
    assert tree(project) == before


def test_one_mode_that_does_not_fit_keeps_no_other_from_being_adopted(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".roomodes": MODES.replace("slug: prober", "slug: Prober")})
    assert "`Prober`: a persona's name is lower-case" in agentpack("adopt", ".roomodes", expect=2).err
    assert agentpack("adopt", ".roomodes#keeper", "--json").envelope["data"]["managed"] == [".roomodes#keeper"]


def test_an_adopted_file_stays_where_git_takes_its_pack_away(agentpack: Agentpack, project: Path) -> None:
    """It may be the only copy of that text: nothing on this branch knows of it."""

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=project, check=True, capture_output=True)

    agent = "---\nname: tidy\ndescription: Tidies up.\n---\nPut things in order.\n"
    write_tree(project, {".gitignore": ".claude/\n", "agentpack.yaml": "schema: 1\npacks: []\n"})
    git("add", "--all")
    git("commit", "--message", "without")
    git("checkout", "-b", "with")
    write_tree(project, {".claude/agents/tidy.md": agent})
    agentpack("adopt", ".claude/agents/tidy.md")
    git("add", "--all")
    git("commit", "--message", "with")
    git("checkout", "HEAD~1")
    assert not (project / ".agentpack/packs").exists()
    agentpack("sync")
    assert (project / ".claude/agents/tidy.md").read_text() == agent


@pytest.mark.parametrize(("shared", "is_known"), [(7, True), (3, False)])
def test_a_file_is_an_edited_release_only_if_most_of_its_rules_are_the_release_s(
    agentpack: Agentpack, project: Path, tmp_path: Path, shared: int, is_known: bool
) -> None:
    """Else every upgrade would merge the rules of a pack into it that it never was."""
    rules = [f"- Rule {word} of the release, about {word}. {{#{word}}}\n" for word in "ab cd ef gh ij kl mn op".split()]
    pack = make_pack("prober", personas={"prober": persona_text("prober", "You probe. {#you}\n\n" + "".join(rules))})
    source = publish(tmp_path / "packs", pack)
    write_tree(project, {"agentpack.yaml": f"schema: 1\nsources: [{{name: packs, path: {source}}}]\n"})
    own = [f"- My own thought on {word}, unlike any other.\n" for word in "qr st uv wx yz".split()]
    body = "".join(rule.partition(" {#")[0] + "\n" for rule in rules[:shared]) + "".join(own[: 8 - shared])
    path = project / AGENTS / "prober.md"
    path.parent.mkdir(parents=True)
    path.write_text(f"---\nname: prober\ndescription: Reviews data as prober.\n---\nYou probe.\n\n{body}")
    agentpack("adopt", str(path))
    assert (project / ".agentpack/packs").exists() != is_known


def test_a_recognised_release_says_what_moves_it_and_counts_rules_in_words(agentpack: Agentpack, project: Path) -> None:
    file = project / ".claude/agents/python-engineer.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = agentpack("render", "python-engineer==1.1.0", "--client", "claude").out
    file.write_text(text.replace("\n- ", "\n- Mine: ", 1))
    told = agentpack("adopt").err
    assert "differs in 1 rule of its own and 1 rule of the pack that it lacks: kept as an edit\n" in told
    way = "`agentpack upgrade --latest python-engineer` installs newer releases and keeps your edits"
    assert f"note: agentpack.yaml has `python-engineer==1.1.0`, the release of your file: {way}\n" in told
    newer = "note: python-engineer 3.0.0 is newer; `agentpack upgrade --latest python-engineer` installs it\n"
    assert newer in agentpack("install", "python-engineer").err
    assert "is newer" not in agentpack("install", "python-engineer==1.1.0").err
