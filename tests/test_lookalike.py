"""Names that could be mistaken for others, and a pack that several sources have, are told before the first install."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import write_tree

from agentpack.audit.lookalike import KnownNames, distance, visual_form

KNOWN = ("python-engineer", "data-reviewer", "summary", "rust-dev", "team-1", "go")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pyth0n-engineer", "python-engineer"),
        ("python-engineers", "python-engineer"),
        ("pythonengineer", "python-engineer"),
        ("python-enigneer", "python-engineer"),
        ("pyhton-enginer", "python-engineer"),
        ("python-engineer-official", "python-engineer"),
        ("the-python-engineer", "python-engineer"),
        ("surnmary", "summary"),
        ("data-reviewe", "data-reviewer"),
        ("dala-reviewer", "data-reviewer"),
        ("team-l", "team-1"),
        ("rust-dve", "rust-dev"),
    ],
)
def test_a_name_that_can_be_taken_for_another_is_near_to_it(name: str, near: str) -> None:
    found = KnownNames(KNOWN).near(name)
    assert found is not None
    assert found.name == near


@pytest.mark.parametrize(
    "name", [*KNOWN, "team-2", "team-10", "js", "rust-engineer", "python-reviewer", "data-writer", "python", "engineer"]
)
def test_another_name_and_the_name_itself_are_not(name: str) -> None:
    assert KnownNames(KNOWN).near(name) is None


@given(st.text("abc-", max_size=8), st.text("abc-", max_size=8))
def test_a_distance_is_the_same_both_ways_and_zero_for_the_same(one: str, other: str) -> None:
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)


@given(st.text("abcd", min_size=1, max_size=10), st.data())
def test_one_slip_is_a_distance_of_one(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    for slipped in (name[:at] + name[at + 1 :], name[:at] + "x" + name[at:], name[:at] + "x" + name[at + 1 :]):
        assert distance(name, slipped, 2) == 1
    swapped = name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]
    assert distance(name, swapped, 2) == (0 if swapped == name else 1)


@given(st.text("abcdefghij", max_size=12), st.text("abcdefghij", max_size=12), st.integers(0, 2))
def test_a_bound_does_not_change_what_is_below_it(one: str, other: str, most: int) -> None:
    whole = distance(one, other, 99)
    assert (distance(one, other, most) <= most) == (whole <= most)


def test_look_levels_what_looks_alike() -> None:
    assert visual_form("m0dern_c1ient") == visual_form("modern-dient")


# At install.


def pack(name: str, persona: str) -> dict[str, bytes]:
    return make_pack(name, personas={persona: persona_text(persona)})


def warnings(agentpack: Agentpack, *arguments: str) -> list[str]:
    """What is pointed out about names; where a source lies is another matter."""
    found: list[str] = agentpack("install", *arguments, "--json").envelope["data"]["warnings"]
    return [warning for warning in found if "is outside the project" not in warning]


def test_a_near_miss_of_a_bundled_pack_is_pointed_out_before_the_plan(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = publish(tmp_path / "acme", pack("pyth0n-engineer", "helper-of-many"))
    said = agentpack("install", "pyth0n-engineer", "--source", str(packs), "--dry-run").err
    note = "note: `pyth0n-engineer` of `acme` could be mistaken for `python-engineer` of `bundled`: letters, digits"
    assert note in said
    assert said.index(note) < said.index("pyth0n-engineer 1.0.0")


def test_it_is_pointed_out_only_the_first_time(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = str(publish(tmp_path / "acme", pack("python-engineers", "one")))
    assert len(warnings(agentpack, "python-engineers", "--source", packs)) == 1
    assert warnings(agentpack, "python-engineers") == []


def test_a_near_miss_of_an_installed_pack_is_pointed_out(agentpack: Agentpack, tmp_path: Path) -> None:
    first = publish(tmp_path / "acme", pack("code-reader", "one"))
    agentpack("install", "code-reader", "--source", str(first))
    second = publish(tmp_path / "other", pack("code-raeder", "two"))
    (said,) = warnings(agentpack, "code-raeder", "--source", str(second))
    assert said.startswith("`code-raeder` of `other` could be mistaken for `code-reader` of `acme`")


def test_a_pack_that_two_sources_have_is_named_with_the_one_that_wins(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = str(publish(tmp_path / "acme", pack("python-engineer", "python-engineer")))
    (said,) = warnings(agentpack, "python-engineer", "--source", packs, "--dry-run")
    assert said == (
        "`python-engineer` is in `acme` and in `bundled`: agentpack uses `acme`, which comes first in agentpack.yaml"
    )


def test_a_pack_that_moves_to_another_source_is_named_again(agentpack: Agentpack, tmp_path: Path) -> None:
    assert warnings(agentpack, "python-engineer") == []
    packs = str(publish(tmp_path / "acme", pack("python-engineer", "python-engineer")))
    assert len(warnings(agentpack, "python-engineer", "--source", packs, "--dry-run", "--accept", "every-tool")) == 1


def test_a_near_miss_of_a_persona_is_pointed_out(agentpack: Agentpack, tmp_path: Path) -> None:
    agentpack("install", "python-engineer")
    packs = str(publish(tmp_path / "acme", pack("house-tools", "pythom-engineer")))
    (said,) = warnings(agentpack, "house-tools", "--source", packs)
    assert said.startswith("the persona `pythom-engineer` of `house-tools` could be mistaken for `python-engineer`")


def test_a_near_miss_of_a_source_is_pointed_out(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = str(publish(tmp_path / "bundIed", pack("house-tools", "helper-of-many")))
    (said,) = warnings(agentpack, "house-tools", "--source", packs)
    assert said.startswith("the source `bundied` could be mistaken for `bundled`")


def test_a_conflict_does_not_swallow_it(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = str(publish(tmp_path / "acme", pack("python-engineers", "one")))
    place = agentpack.folder / ".claude/agents/one.md"
    place.parent.mkdir(parents=True)
    place.write_text("mine\n")
    assert "could be mistaken for" in agentpack("install", "python-engineers", "--source", packs, expect=3).err


def test_a_name_that_agentpack_chose_itself_is_taken_for_none(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    for owner in ("one", "two"):
        write_tree(tmp_path / owner / "wshobson", {f"agents/{owner}.md": agent_text(owner, f"You are {owner}.")})
        assert "can be taken" not in agentpack("install", f"../{owner}/wshobson").err
    assert "{name: wshobson-2," in (project / "agentpack.yaml").read_text()
    write_tree(tmp_path / "wshobsen", {"agents/three.md": agent_text("three", "You are three.")})
    assert "`wshobsen` could be mistaken for `wshobson`" in agentpack("install", "../wshobsen").err
