"""Which source has a pack, and the words when one cannot be read."""

import pytest
from packaging.version import Version
from support.memory import MemorySource
from support.packs import make_pack

from agentpack.errors import Refused, Unavailable
from agentpack.fetch import Sources, fetch
from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef

NAME = PackName("data-reviewer")
ONE, TWO, THREE = (make_pack(version=f"{major}.0.0") for major in (1, 2, 3))
BROKEN = OSError(13, "Permission denied", "/packs")


def versions(sources: Sources) -> list[str]:
    return [f"{ref.source} {ref.version}" for ref in sources.releases(NAME)]


def test_the_first_source_that_has_a_name_wins_even_with_older_releases() -> None:
    assert versions(Sources([MemorySource("near", ONE), MemorySource("far", TWO, THREE)])) == ["near 1.0.0"]


def test_a_source_without_the_pack_is_passed_over() -> None:
    assert versions(Sources([MemorySource("empty"), MemorySource("far", TWO, THREE)])) == ["far 3.0.0", "far 2.0.0"]
    assert versions(Sources([MemorySource("empty")])) == []


def test_the_source_that_the_lock_remembers_comes_first() -> None:
    both = [MemorySource("near", ONE), MemorySource("far", TWO)]
    assert versions(Sources(both, {NAME: "far"})) == ["far 2.0.0"]
    assert versions(Sources(both, {NAME: "gone"})) == ["near 1.0.0"]


def test_a_source_is_asked_once_for_a_pack() -> None:
    source = MemorySource("near", ONE)
    sources = Sources([source])
    assert versions(sources) == ["near 1.0.0"]
    source.broken = BROKEN
    assert versions(sources) == ["near 1.0.0"]


def test_every_pack_of_every_source_is_known() -> None:
    sources = Sources([MemorySource("near", ONE), MemorySource("far", TWO, make_pack("team-lead"))])
    assert sources.packs() == ["data-reviewer", "team-lead"]


def test_a_source_that_cannot_be_read_is_named_with_the_place() -> None:
    sources = Sources([MemorySource("team", broken=BROKEN)])
    with pytest.raises(Unavailable) as refused:
        sources.releases(NAME)
    assert refused.value.message == "the source `team` cannot be read: /packs: Permission denied"
    assert refused.value.exit_code == 6


def test_an_error_without_a_place_names_that_of_the_source() -> None:
    with pytest.raises(Unavailable, match="cannot be read: memory: Input/output error"):
        Sources([MemorySource("team", broken=OSError(5, "Input/output error"))]).releases(NAME)


def test_a_list_of_packs_leaves_out_a_source_that_cannot_be_read() -> None:
    sources = Sources([MemorySource("team", broken=BROKEN), MemorySource("near", ONE)])
    assert sources.packs() == ["data-reviewer"]
    assert [str(error) for error in sources.silent.values()] == [
        "the source `team` cannot be read: /packs: Permission denied"
    ]


def test_a_release_of_a_source_that_is_not_configured_is_unavailable() -> None:
    ref = ReleaseRef(NAME, Version("1.0.0"), "gone", "")
    with pytest.raises(Unavailable, match=r"the source `gone` of data-reviewer 1\.0\.0 is not configured"):
        fetch(ref, Sources([MemorySource("near", ONE)]))


def test_a_release_that_changed_under_its_version_is_refused_with_both_digests() -> None:
    source = MemorySource("near", ONE)
    sources = Sources([source])
    ref = sources.releases(NAME)[0]
    pinned = fetch(ref, sources).digest
    source.add(make_pack(files={"README.md": "New.\n"}))
    with pytest.raises(Refused) as refused:
        fetch(ref, sources, pinned)
    assert refused.value.message == "data-reviewer 1.0.0 from `near` is not what was locked"
    assert refused.value.details[0] == f"locked  {pinned}"
    assert "agentpack lock --upgrade-pack data-reviewer" in (refused.value.hint or "")
    assert refused.value.exit_code == 5


def test_what_a_source_refuses_stays_refused() -> None:
    class Refusing(MemorySource):
        def read(self, ref: ReleaseRef) -> dict[str, bytes]:
            raise Refused("a link")

    source = Refusing("near", ONE)
    with pytest.raises(Refused, match="a link"):
        fetch(source.releases(NAME)[0], Sources([source]))
