"""search: packs by name, description, keyword and persona."""

from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import write_tree

from agentpack import __version__


@pytest.fixture(autouse=True)
def _offers(project: Path, tmp_path: Path) -> None:
    publish(
        tmp_path / "packs",
        make_pack("alpha", description="Reviews tables.", personas={"table-reader": persona_text("table-reader")}),
        make_pack("alpha", "2.0.0", description="Reviews tables twice."),
        make_pack("beta", description="Writes prose.", keywords=["Novel"]),
        make_pack("python-engineer", "9.0.0", description="Ours."),
    )
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources:\n  - {name: acme, path: ../packs}\n"})


def names(agentpack: Agentpack, *words: str) -> list[str]:
    return [pack["name"] for pack in agentpack("search", *words, "--json").envelope["data"]["packs"]]


def test_without_a_text_every_pack_is_listed_with_its_newest_release(agentpack: Agentpack) -> None:
    assert names(agentpack) == ["alpha", "beta", "python-engineer", "python-reviewer"]
    assert "alpha\t2.0.0\tacme\tReviews tables twice." in agentpack("search").out


def test_name_description_keyword_and_persona_match(agentpack: Agentpack) -> None:
    assert names(agentpack, "alph") == ["alpha"]
    assert names(agentpack, "PROSE") == ["beta"]
    assert names(agentpack, "novel") == ["beta"]
    assert names(agentpack, "reviewer") == ["python-reviewer", "alpha", "beta", "python-engineer"]
    assert names(agentpack, "tables", "twice") == ["alpha"]


def test_agents_of_ones_own_are_not_offered_as_a_pack(agentpack: Agentpack, project: Path) -> None:
    before = names(agentpack)
    agents = {f".claude/agents/my-{name}.md": f"---\nname: my-{name}\ndescription: Mine.\n---\nYes.\n" for name in "ab"}
    write_tree(project, agents)
    agentpack("adopt")
    assert names(agentpack) == before
    assert agentpack("search", "mine", "--json").envelope["data"]["agents"] == []


def test_the_source_that_wins_is_told_with_those_passed_over(agentpack: Agentpack) -> None:
    assert "acme (also in bundled)" in agentpack("search", "python-engineer").out


def test_a_pack_that_cannot_be_read_is_told_and_not_guessed(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    later = make_pack("future", agentpack=">=99")
    later["pack.yaml"] += b"shiny: true\n"
    publish(tmp_path / "packs", later)
    for asked in ("future", "futur"):
        assert agentpack("search", asked).err == (
            f"project {project}\nno pack matches `{asked}`\n"
            f"note: future: future 1.0.0 needs agentpack>=99, and this is {__version__}\n"
        )


def test_nothing_found_is_exit_0_with_near_names(agentpack: Agentpack) -> None:
    ran = agentpack("search", "alhpa")
    assert ran.out == ""
    assert "did you mean `alpha`?" in ran.err
    assert "did you mean `python-engineer` or `python-reviewer`?" in agentpack("search", "pythn").err


def test_a_pack_that_does_not_read_is_told_and_the_others_are_found(agentpack: Agentpack, tmp_path: Path) -> None:
    write_tree(tmp_path / "packs", {"broken/1.0.0/pack.yaml": "name: broken\nversion: 1.0.0\n"})
    ran = agentpack("search", "beta")
    assert "beta" in ran.out
    assert "note: broken:" in ran.err
