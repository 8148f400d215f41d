"""A lock with merge markers is read as its two sides, and one lock is made of them."""

import pytest

from agentpack.errors import InvalidFile
from agentpack.model.lock import Lock, LockedFile, LockedPack, WrittenState
from agentpack.model.lock_sides import LockSides, merged, read_sides, sides_of_rows
from agentpack.model.lock_text import DuplicateRows, has_markers, parse_lock
from agentpack.model.names import Digest, PackName, digest_of


def pack(name: str, version: str = "1.0.0") -> LockedPack:
    return LockedPack(PackName(name), version, "team", digest_of(version.encode()), (), (), {}, (), ("agentpack.yaml",))


def file(name: str, version: str = "1.0.0", **more: str) -> LockedFile:
    sha256 = digest_of(f"{name} {version}".encode()).removeprefix("sha256:")
    return LockedFile(f".claude/agents/{name}.md", "claude", name, name, sha256, "read", **more)


def lock(*releases: str, **more: object) -> Lock:
    """The lock of these packs, `name version` each, with a file each."""
    pairs = [tuple(release.split()) for release in releases]
    manifest = {"clients": ["claude"], "models": {}, "packs": [{"require": name} for name, _ in pairs], "sources": []}
    files = tuple(file(*pair) for pair in pairs)
    made = Lock(manifest, ("claude",), tuple(pack(*pair) for pair in pairs), files)
    return made._replace(**more)  # type: ignore[arg-type]


def releases(found: Lock) -> list[str]:
    return [f"{one.name} {one.version}" for one in found.packs]


def anything(pack: str, version: str) -> bool:
    return True


def marked(ours: Lock, theirs: Lock, base: Lock | None = None) -> bytes:
    between = "" if base is None else f"||||||| base\n{base.to_text()}"
    return f"<<<<<<< HEAD\n{ours.to_text()}{between}=======\n{theirs.to_text()}>>>>>>> theirs\n".encode()


def test_both_sides_are_read_and_the_base_where_the_markers_have_it() -> None:
    ours, theirs, base = lock("a 1.1.0"), lock("a 1.2.0"), lock("a 1.0.0")
    for other in (None, base):
        data = marked(ours, theirs, other)
        assert has_markers(data)
        sides = read_sides(data, "agentpack.lock")
        assert (sides.ours.to_text(), sides.theirs.to_text()) == (ours.to_text(), theirs.to_text())
        assert (sides.base and sides.base.to_text()) == (other and other.to_text())
    assert not has_markers(ours.to_text().encode())


def test_what_surrounds_a_conflict_belongs_to_both_sides() -> None:
    ours, theirs = lock("a 1.1.0"), lock("a 1.2.0")
    rows = []
    for one, other in zip(ours.to_text().splitlines(True), theirs.to_text().splitlines(True), strict=True):
        rows.append(one if one == other else f"<<<<<<< HEAD\n{one}=======\n{other}>>>>>>> theirs\n")
    sides = read_sides("".join(rows).encode(), "agentpack.lock")
    assert (releases(sides.ours), releases(sides.theirs)) == (["a 1.1.0"], ["a 1.2.0"])


def test_sides_that_are_no_locks_are_named_with_the_line() -> None:
    with pytest.raises(InvalidFile) as refused:
        read_sides(b"{\n<<<<<<< HEAD\n", "agentpack.lock")
    assert refused.value.details[0].startswith("agentpack.lock:2: merge markers")


def test_the_index_of_git_goes_before_what_is_between_the_markers() -> None:
    """Around the markers, git may have put the rows of both sides."""
    ours, theirs, base = (lock(f"a 1.{minor}.0").to_text().encode() for minor in (1, 2, 0))
    sides = read_sides(b"<<<<<<< HEAD\n=======\n>>>>>>> x\n", "agentpack.lock", base, ours, theirs)
    assert [releases(one) for one in sides if one] == [["a 1.1.0"], ["a 1.2.0"], ["a 1.0.0"]]


def test_rows_that_git_put_in_twice_without_a_marker_are_two_sides() -> None:
    both = lock("a 1.1.0", "b 1.0.0")
    twice = both._replace(files=(*both.files, file("a", "1.2.0"))).to_text().encode()
    with pytest.raises(DuplicateRows, match=r"agentpack\.lock"):
        parse_lock(twice, "agentpack.lock")
    sides = sides_of_rows(twice, "agentpack.lock")
    assert {row.sha256 for side in sides[:2] if side for row in side.files if row.pack == "a"} == {
        file("a", "1.1.0").sha256,
        file("a", "1.2.0").sha256,
    }
    assert merged(sides, anything).files == both.files


@pytest.mark.parametrize(
    ("ours", "theirs", "base", "after"),
    [
        (["a 1.1.0", "b 1.0.0"], ["a 1.0.0", "b 2.0.0"], ["a 1.0.0", "b 1.0.0"], ["a 1.1.0", "b 2.0.0"]),
        (["a 1.0.0", "b 1.0.0"], ["a 1.0.0", "c 1.0.0"], ["a 1.0.0"], ["a 1.0.0", "b 1.0.0", "c 1.0.0"]),
        (["a 1.0.0", "b 1.0.0"], ["a 1.0.0", "c 1.0.0"], None, ["a 1.0.0", "b 1.0.0", "c 1.0.0"]),
        (["a 1.2.0"], ["a 1.1.0"], ["a 1.0.0"], ["a 1.1.0"]),
        (["a 1.2.0"], ["a 1.10.0"], None, ["a 1.2.0"]),
        (["a 1.1.0"], [], ["a 1.0.0"], ["a 1.1.0"]),
        (["a 1.0.0"], [], ["a 1.0.0"], []),
    ],
)
def test_what_one_side_changed_stands_and_else_the_lower_release(
    ours: list[str], theirs: list[str], base: list[str] | None, after: list[str]
) -> None:
    one, other = lock(*ours), lock(*theirs)
    found = merged(LockSides(one, other, None if base is None else lock(*base)), anything)
    assert releases(found) == after
    assert sorted(found.files) == sorted(lock(*after).files)
    turned = merged(LockSides(other, one, None if base is None else lock(*base)), anything)
    assert turned.to_text() == found.to_text()


def test_a_release_that_the_manifest_does_not_allow_gives_way() -> None:
    sides = LockSides(lock("a 1.1.0"), lock("a 2.0.0"), lock("a 1.0.0"))
    assert releases(merged(sides, lambda name, version: version != "1.1.0")) == ["a 2.0.0"]


def test_a_row_follows_the_side_whose_release_was_taken() -> None:
    sides = LockSides(lock("a 1.2.0"), lock("a 1.1.0"), None)
    assert merged(sides, anything).files == (file("a", "1.1.0"),)


def test_a_row_of_the_other_side_names_the_release_it_was_written_from() -> None:
    theirs = lock("a 1.2.0", files=(file("a", "1.2.0"), file("a", "1.2.0")._replace(path="other.md")))
    found = merged(LockSides(lock("a 1.0.0"), theirs, None), anything)
    assert releases(found) == ["a 1.0.0"]
    assert {row.path: (row.sha256, row.release) for row in found.files} == {
        ".claude/agents/a.md": (file("a").sha256, None),
        "other.md": (file("a", "1.2.0").sha256, "1.2.0"),
    }
    assert found.pin(found.files[1]) == pack("a", "1.2.0")


def test_such_a_release_comes_with_what_it_requires() -> None:
    """An agent that extends a pack of its own side is made of that one, and not of what is wanted now."""
    sides = []
    for version in ("1.0.0", "1.2.0"):
        needed = pack("base", version)._replace(wanted_by=(f"a {version}",))
        packs = (pack("a", version)._replace(requires=(f"base=={version}",)), needed)
        sides.append(lock(f"a {version}", packs=packs))
    ours, theirs = sides
    found = merged(LockSides(ours, theirs, None), anything, lambda row: row.sha256 == file("a", "1.2.0").sha256)
    assert releases(found) == ["a 1.0.0", "base 1.0.0"]
    assert found.written is not None and found.written.packs == theirs.packs


def test_a_row_that_a_file_is_equal_to_counts_whichever_side_it_is_of() -> None:
    sides = LockSides(lock("a 1.2.0"), lock("a 1.1.0"), None)
    found = merged(sides, anything, lambda row: row.sha256 == file("a", "1.2.0").sha256)
    assert releases(found) == ["a 1.1.0"]
    assert found.files == (file("a", "1.2.0", release="1.2.0"),)
    assert found.written is not None and found.written.packs == (pack("a", "1.2.0"),)


def test_acceptances_go_with_the_release_that_they_are_for() -> None:
    ours = lock("a 1.2.0", "b 1.0.0", accepted=("a:shell", "b:widened:codex", "both:x"))
    theirs = lock("a 1.1.0", "b 1.0.0", accepted=("a:web", "both:x"))
    assert merged(LockSides(ours, theirs, None), anything).accepted == ("a:web", "b:widened:codex", "both:x")


def test_releases_that_files_still_hold_are_kept() -> None:
    behind = lock(
        "a 1.2.0", files=(file("a", "1.0.0", release="1.0.0"),), written=WrittenState(("claude",), (pack("a"),))
    )
    found = merged(LockSides(behind, lock("a 1.0.0", "b 1.0.0"), lock("a 1.0.0")), anything)
    assert releases(found) == ["a 1.2.0", "b 1.0.0"]
    assert found.pin(found.files[0]) == pack("a")
    same = merged(LockSides(lock("a 1.0.0"), lock("a 1.0.0"), None), anything)
    assert same.written is None


A, B, C = (digest_of(text) for text in (b"a", b"b", b"c"))


@pytest.mark.parametrize(
    ("ours", "theirs", "base", "expected"),
    [
        ({"house": A}, {"house": B}, {"house": A}, {"house": B}),
        ({"house": B}, {"house": A}, {"house": A}, {"house": B}),
        ({"house": B}, {"house": C}, {"house": A}, {"house": B}),
        ({"house": A}, {"house": B}, None, {"house": A}),
        ({}, {"house": A}, {}, {"house": A}),
        ({}, {"house": A}, {"house": A}, {}),
        ({"house": A}, {"other": B}, {}, {"house": A, "other": B}),
    ],
)
def test_what_one_side_changed_of_the_declared_clients_stands(
    ours: dict[str, Digest], theirs: dict[str, Digest], base: dict[str, Digest] | None, expected: dict[str, Digest]
) -> None:
    """Of what is wanted as of what was written; where both changed one, ours."""

    def side(declared: dict[str, Digest]) -> Lock:
        return lock("a 1.0.0", declared=declared, written=WrittenState(("claude",), (), declared))

    found = merged(LockSides(side(ours), side(theirs), None if base is None else side(base)), anything)
    assert found.declared == expected
    assert found.written is not None
    assert found.written.declared == expected
