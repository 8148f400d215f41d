"""`packs` of a source: which source may provide a pack, in every command that chooses or checks one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import case
from support.collection_files import agent_text
from support.memory import MemorySource
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import write_tree

from agentpack.errors import Unresolvable
from agentpack.fetch import NamedSource, Sources
from agentpack.input.schemas.manifests import MAX_PATTERNS
from agentpack.model.globs import fits
from agentpack.model.manifest import ConfiguredSource, provider_fault
from agentpack.model.names import PackName

NAMES = ("acme", "acme-one", "acme-two", "other", "one")
PATTERNS = ("acme-*", "acme", "*-one", "*", "other", "o*")
SOURCE = st.builds(
    ConfiguredSource,
    st.sampled_from(("a", "b", "c", "d")),
    st.just("path"),
    st.just("."),
    st.just({}),
    st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True).map(tuple),
)
SOURCES = st.lists(SOURCE, max_size=4, unique_by=lambda source: source.name)


def pack(name: str) -> dict[str, bytes]:
    return make_pack(name, personas={name: persona_text(name)})


# The law.


@given(SOURCES, st.dictionaries(st.sampled_from(("a", "b", "c", "d")), st.sets(st.sampled_from(NAMES))), st.data())
def test_a_pack_comes_from_the_first_source_whose_patterns_allow_it(
    sources: list[ConfiguredSource], offered: Mapping[str, set[str]], data: st.DataObject
) -> None:
    opened = [MemorySource(one.name, *map(pack, sorted(offered.get(one.name, ())))) for one in sources]
    opened.append(MemorySource("bundled", *map(pack, NAMES[:3])))
    name = PackName(data.draw(st.sampled_from(NAMES)))
    remembered = data.draw(st.sampled_from(("", "a", "b", "bundled")))
    claiming = {one.name for one in sources if any(fits(pattern, name) for pattern in one.packs)}
    silent = {one.name for one in sources if not one.packs} | {"bundled"}
    allowed = {one.name for one in opened} & (claiming or silent)
    having = [one.name for one in opened if name in one.packs() and one.name in allowed]
    having.sort(key=lambda one: one != remembered)
    found = Sources(opened, {name: remembered}, patterns=sources)
    if having[:1] not in ([], [remembered], ["bundled"]) and remembered in allowed:
        with pytest.raises(Unresolvable, match=f"`{remembered}` no longer has `{name}`"):
            found.releases(name)
    else:
        assert [ref.source for ref in found.releases(name)] == having[:1]
    assert (name in found.packs()) == bool(having)
    for one in opened:
        named = Sources(opened, named={name: NamedSource(one.name, name)}, patterns=sources)
        if one.name in (claiming or silent):
            assert not provider_fault(sources, one.name, name)
            assert name not in one.packs() or named.releases(name)[0].source == one.name
        else:
            assert provider_fault(sources, one.name, name)
            with pytest.raises(Unresolvable, match="may not come from"):
                named.releases(name)


@given(SOURCES, st.sampled_from(NAMES), st.randoms())
def test_the_order_of_sources_decides_nothing_about_who_may(
    sources: list[ConfiguredSource], name: str, random: Any
) -> None:
    mixed = random.sample(sources, len(sources))
    for one in ("a", "b", "bundled"):
        assert bool(provider_fault(sources, one, name)) == bool(provider_fault(mixed, one, name))


# Commands.


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A source `acme` with a pack `acme-one`, and a source `other` with `acme-one`, `acme-two` and `one`."""
    publish(tmp_path / "acme", pack("acme-one"))
    publish(tmp_path / "other", *map(pack, ("acme-one", "acme-two", "one")))
    return tmp_path


def manifest(project: Path, places: Path, *packs: str, acme: str = ", packs: [acme-*]", other: str = "") -> None:
    entries = "".join(f"  - {entry}\n" for entry in packs)
    (project / "agentpack.yaml").write_text(
        f"schema: 1\nclients: [claude]\npacks:\n{entries}sources:\n"
        f"  - {{name: other, path: {places}/other{other}}}\n  - {{name: acme, path: {places}/acme{acme}}}\n"
    )


def locked_from(project: Path) -> dict[str, str]:
    lock = json.loads((project / "agentpack.lock").read_text())
    return {row["name"]: row["source"] for row in lock["packs"]}


def test_a_claimed_name_comes_from_the_later_source(agentpack: Agentpack, project: Path, places: Path) -> None:
    manifest(project, places, "acme-one", "one")
    agentpack("sync")
    assert locked_from(project) == {"acme-one": "acme", "one": "other"}
    assert json.loads((project / "agentpack.lock").read_text())["manifest"]["sources"][1]["packs"] == ["acme-*"]


def test_a_source_that_may_not_provide_a_pack_is_no_rival(agentpack: Agentpack, project: Path, places: Path) -> None:
    manifest(project, places, acme="")
    assert "`acme-one` is in `other` and in `acme`" in agentpack("install", "acme-one", "--dry-run").err
    manifest(project, places)
    assert "is in `" not in agentpack("install", "acme-one").err
    text = (project / "agentpack.yaml").read_text()
    kit = f"  - {{name: kit, {of_path(places)}, packs: [k*]}}\n"
    (project / "agentpack.yaml").write_text(
        text.replace("packs:", "packs:\n  - {require: kit, source: kit, name: one}", 1) + kit
    )
    assert "`one` is in `kit` and in `other`" in agentpack("install", "one").err


def test_a_claimed_name_that_its_source_lacks_is_found_nowhere(
    agentpack: Agentpack, project: Path, places: Path
) -> None:
    manifest(project, places)
    for call in (["install", "acme-two"], ["show", "acme-two"], ["install", "acme-two", "--source", f"{places}/other"]):
        with case(" ".join(call)):
            err = agentpack(*call, expect=4).err
            assert "may only come from `acme`" in err or "the `packs` of `acme` match it" in err
    found = agentpack("search", "acme", "--json").envelope["data"]["packs"]
    assert [(row["name"], row["source"], row["others"]) for row in found] == [("acme-one", "acme", [])]


def test_a_claimed_name_whose_source_has_it_is_told_with_its_releases(
    agentpack: Agentpack, project: Path, places: Path
) -> None:
    manifest(project, places)
    assert agentpack("install", "acme-one>=9", expect=4).err == (
        f"project {project}\n"
        "error: no release of `acme-one` matches `>=9`\n"
        "  there is only 1.0.0\n"
        "hint: widen the range so that it allows 1.0.0\n"
    )
    publish(places / "acme", make_pack("acme-three", requires=["missing"], personas={"three": persona_text("three")}))
    assert "may only come from" not in agentpack("install", "acme-three", expect=4).err


def test_a_source_with_patterns_provides_nothing_else(agentpack: Agentpack, project: Path, places: Path) -> None:
    manifest(project, places, other=", packs: [one]", acme="")
    assert agentpack("install", "acme-two", expect=4)
    agentpack("install", "acme-one")
    assert locked_from(project) == {"acme-one": "acme"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("{require: acme-two, source: other}", "`acme-two` may not come from `other`: the `packs` of `acme` match it"),
        ("{require: one, source: acme}", "`one` may not come from `acme`: its `packs` are `acme-*`"),
        ("{require: one, source: other, name: acme-mine}", "`acme-mine` may not come from `other`"),
    ],
)
def test_an_entry_with_a_source_obeys_patterns(
    agentpack: Agentpack, project: Path, places: Path, entry: str, why: str
) -> None:
    manifest(project, places, entry)
    ran = agentpack("sync", expect=4)
    assert why in ran.err
    assert "hint: change `packs:`" in ran.err


def test_an_entry_under_another_name_is_judged_by_its_name_there(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    (project / "agentpack.yaml").write_text(
        "schema: 1\nclients: [claude]\npacks: [{require: kit, source: kit, name: mine}]\n"
        f"sources: [{{name: kit, {of_path(tmp_path)}, packs: [k*]}}]\n"
    )
    agentpack("sync")
    agentpack("sync", "--locked")
    assert locked_from(project) == {"mine": "kit"}


def of_path(tmp_path: Path) -> str:
    write_tree(tmp_path / "kit/agents", {"one.md": agent_text("one", "You are one.\n\n- Work.")})
    return f"path: {tmp_path}/kit"


def of_git(tmp_path: Path) -> str:
    agent = {"agents/one.md": agent_text("one", "You are one.\n\n- Work.")}
    return f'git: "{Repository(tmp_path / "far/kit").commit(agent).address}"'


@pytest.mark.parametrize("place", [of_path, of_git])
def test_a_collection_obeys_patterns_also_once_it_is_locked(
    agentpack: Agentpack, project: Path, tmp_path: Path, place: Any
) -> None:
    def write(packs: str) -> None:
        (project / "agentpack.yaml").write_text(
            "schema: 1\nclients: [claude]\npacks: [{require: kit, source: kit}]\n"
            f"sources: [{{name: kit, {where}, packs: [{packs}]}}]\n"
        )

    where = place(tmp_path)
    write("k*")
    agentpack("sync")
    agentpack("sync", "--locked")
    write("acme-*")
    assert "`kit` may not come from `kit`: its `packs` are `acme-*`" in agentpack("sync", expect=4).err


CHECKS = (["diff"], ["sync", "--check"], ["sync", "--locked"], ["sync", "--frozen"], ["lock", "--check"])


@pytest.mark.parametrize("call", CHECKS, ids=" ".join)
def test_a_lock_with_a_pack_of_a_source_that_may_not_provide_it_is_found(
    agentpack: Agentpack, project: Path, places: Path, call: list[str]
) -> None:
    manifest(project, places, "acme-one", acme="")
    agentpack("sync")
    assert locked_from(project) == {"acme-one": "other"}
    manifest(project, places, "acme-one")
    path = project / "agentpack.lock"
    lock = json.loads(path.read_text())
    lock["manifest"]["sources"][1]["packs"] = ["acme-*"]  # whoever edits the lock edits this too
    path.write_text(json.dumps(lock, indent=1) + "\n")
    ran = agentpack(*call, expect=None)
    assert ran.exit_code in (1, 3)
    if call != ["lock", "--check"]:
        assert "`acme-one` may not come from `other`: the `packs` of `acme` match it" in ran.out + ran.err
    assert "from `other` -> 1.0.0 from `acme`" in agentpack("sync").err
    agentpack(*call)


def test_a_release_locked_from_a_repository_moves_once_another_source_claims_it(
    agentpack: Agentpack, project: Path, places: Path
) -> None:
    far = Repository(places / "far/acme-one").commit({**pack("acme-one")}).tag("v1.0.0")

    def write(packs: str) -> None:
        (project / "agentpack.yaml").write_text(
            "schema: 1\nclients: [claude]\npacks: [acme-one]\nsources:\n"
            f'  - {{name: far, git: "{far.address}"}}\n  - {{name: acme, path: {places}/acme{packs}}}\n'
        )

    write("")
    agentpack("sync")
    assert locked_from(project) == {"acme-one": "far"}
    write(", packs: [acme-*]")
    agentpack("sync", "--locked", expect=3)
    agentpack("sync")
    assert locked_from(project) == {"acme-one": "acme"}


@pytest.mark.parametrize("patterns", ["[]", "[Acme]", "['a b']", "acme-*", "['acme*', '*..*']"])
def test_a_pattern_that_is_none_is_a_fault_with_its_line(
    agentpack: Agentpack, project: Path, places: Path, patterns: str
) -> None:
    manifest(project, places, acme=f", packs: {patterns}")
    assert "agentpack.yaml:6: sources[1].packs" in agentpack("sync", expect=2).err


def test_more_patterns_than_names_are_compared_with_are_refused(
    agentpack: Agentpack, project: Path, places: Path
) -> None:
    half = ", ".join(["a*", *(f"b-{number}" for number in range(MAX_PATTERNS // 2 - 1))])
    manifest(project, places, acme=f", packs: [{half}]", other=f", packs: [{half}]")
    agentpack("sync")
    manifest(project, places, acme=f", packs: [{half}, c]", other=f", packs: [{half}]")
    assert f"sources: more than {MAX_PATTERNS} patterns in `packs`" in agentpack("sync", expect=2).err


def test_a_pack_under_development_may_have_a_claimed_name(agentpack: Agentpack, project: Path, places: Path) -> None:
    manifest(project, places)
    agentpack("pack", "new", "acme-three")
    assert " passed" in agentpack("pack", "test", "acme-three").err


def test_a_command_keeps_the_patterns_that_people_wrote(agentpack: Agentpack, project: Path, places: Path) -> None:
    path = project / "agentpack.yaml"
    path.write_text(
        "schema: 1\nclients: [claude]\nsources:\n"
        f"- name: acme\n  packs:  # ours\n  - acme-two\n  - acme-*\n  path: {places}/acme\n"
    )
    before = path.read_text()
    agentpack("install", "acme-one")
    assert path.read_text() == f"{before}packs:\n  - acme-one\n"
    agentpack("sync", "--locked")
    path.write_text(path.read_text().replace("  - acme-two\n  - acme-*\n", "  - acme-*\n  - acme-two\n"))
    agentpack("sync", "--locked")  # their order means nothing
