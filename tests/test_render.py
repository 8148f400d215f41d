"""render: the bytes that a client would get."""

from pathlib import Path

from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree


def test_what_is_rendered_is_what_is_installed(agentpack: Agentpack, project: Path) -> None:
    before = tree(project, without=(".git",))
    ran = agentpack("render", "python-engineer[strict-typing]==1.0.0", "--client", "claude", new=True)
    assert tree(project, without=(".git",)) == before
    agentpack("install", "python-engineer[strict-typing]==1.0.0", "--client", "claude")
    assert ran.out.encode() == (project / ".claude/agents/python-engineer.md").read_bytes()


def test_without_a_client_it_is_the_first_of_the_manifest_whatever_folders_are_there(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(
        project, {"agentpack.yaml": "schema: 1\nclients: [codex, claude]\n", ".claude/agents/mine.md": "Mine.\n"}
    )
    data = agentpack("render", "python-engineer", "--json").envelope["data"]
    assert data["path"] == ".codex/agents/python-engineer.toml"


def test_parameters_are_put_in(agentpack: Agentpack) -> None:
    assert "Python (3.14 and later)" in agentpack("render", "python-engineer", "--set", "python_version=3.14").out


def test_a_pack_with_several_personas_asks_for_one(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    personas = {name: persona_text(name) for name in ("alpha", "beta")}
    publish(tmp_path / "packs", make_pack("team", personas=personas))
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})
    assert "alpha, beta" in agentpack("render", "team", expect=2).err
    assert "name: beta" in agentpack("render", "team", "--persona", "beta").out
    assert "`beta`" in agentpack("render", "team", "--persona", "bet", expect=2).err


def test_json_has_the_text_and_where_it_would_go(agentpack: Agentpack) -> None:
    data = agentpack("render", "python-engineer", "--client", "claude", "--json").envelope["data"]
    assert data["path"] == ".claude/agents/python-engineer.md"
    assert data["text"].startswith("---\nname: python-engineer\n")


def test_the_text_of_an_agent_says_where_its_skills_are(agentpack: Agentpack) -> None:
    ran = agentpack("render", "python-engineer", "--client", "claude")
    assert "note: its skills (6) are in files of their own: `--persona NAME` prints one" in ran.err
    skill = agentpack("render", "python-engineer", "--client", "claude", "--persona", "python-engineer-async")
    assert skill.out.startswith("---\nname: python-engineer-async\n")
    whole = agentpack("render", "python-engineer", "--client", "claude", "--set", "modules=inline")
    assert "in files of their own" not in skill.err + whole.err
    assert skill.out.rpartition("\n\n")[2] in whole.out


def test_what_agentpack_yaml_sets_and_is_not_in_the_text_is_told(agentpack: Agentpack, project: Path) -> None:
    told = "note: this is python-engineer without the settings and variants that agentpack.yaml has for it\n"
    words = ("render", "python-engineer", "--client", "claude")
    agentpack("install", "python-engineer", "--client", "claude")
    assert told not in agentpack(*words).err
    agentpack("install", "python-engineer", "--set", "python_version=3.14")
    assert told in agentpack(*words).err
    assert told not in agentpack(*words, "--set", "python_version=3.14").err
    agentpack("install", "python-engineer[lean]", "--unset", "python_version")
    assert told in agentpack(*words).err
    assert told not in agentpack("render", "python-engineer[lean]", "--client", "claude").err
    assert told not in agentpack("render", "python-reviewer", "--client", "claude").err
