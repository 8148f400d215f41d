"""What holds for every source: it says what it has, hands over bytes that stay the same, and fails in words."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packaging.version import Version
from support.memory import MemorySource
from support.packs import make_pack, publish
from support.trees import write_tree

from agentpack.errors import Refused, Unavailable
from agentpack.fetch import Sources, fetch
from agentpack.input.archives import write_archive
from agentpack.model.names import Digest, PackName, content_digest, is_junk
from agentpack.model.pack import ReleaseRef
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source
from agentpack.sources.directory import DirectorySource

FIRST, SECOND = make_pack(version="1.0.0"), make_pack(version="1.1.0", files={"README.md": "New.\n"})
OTHER = make_pack("team-lead", "2.0.0rc1")
UNKNOWN = PackName("unknown")


def side_by_side(folder: Path) -> Source:
    return DirectorySource("team", str(publish(folder, FIRST, SECOND, OTHER)))


def one_of_each(folder: Path) -> Source:
    write_tree(folder / "any-name", FIRST)
    write_tree(folder / "other", OTHER)
    return DirectorySource("team", str(folder))


def one_pack(folder: Path) -> Source:
    return DirectorySource("team", str(write_tree(folder, FIRST)))


def archived(folder: Path) -> Source:
    folder.mkdir()
    for files, name in ((FIRST, "data-reviewer-1.0.0"), (SECOND, "data-reviewer-1.1.0"), (OTHER, "team-lead-2.0.0rc1")):
        (folder / f"{name}.tgz").write_bytes(write_archive(files, prefix=name))
    return DirectorySource("team", str(folder))


def bare(folder: Path) -> Source:
    agent = "---\nname: reviewer\ndescription: Reviews.\n---\nReview.\n"
    return DirectorySource("team", str(write_tree(folder / "data-reviewer", {"agents/reviewer.md": agent})))


def memory(folder: Path) -> Source:
    return MemorySource("team", FIRST, SECOND, OTHER)


def bundled(folder: Path) -> Source:
    source = bundled_source()
    assert source is not None
    return source


Make = Callable[[Path], Source]
MAKERS = (side_by_side, one_of_each, one_pack, archived, bare, memory, bundled)


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    make: Make = request.param
    return make(tmp_path / "source")


def refs(source: Source) -> list[ReleaseRef]:
    return [ref for pack in sorted(source.packs()) for ref in source.releases(pack)]


def test_it_has_a_name_and_a_place_in_words(source: Source) -> None:
    assert source.name
    assert source.where


def test_every_pack_it_names_has_a_release(source: Source) -> None:
    assert source.packs()
    for pack in source.packs():
        found = source.releases(pack)
        assert found
        assert {(ref.pack, ref.source) for ref in found} == {(pack, source.name)}
        assert len({ref.version for ref in found}) == len(found)


def test_it_has_no_release_of_a_pack_it_does_not_name(source: Source) -> None:
    assert list(source.releases(UNKNOWN)) == []


def test_a_release_is_files_by_posix_path_and_stays_the_same(source: Source) -> None:
    for ref in refs(source):
        files = source.read(ref)
        assert files
        assert all(isinstance(data, bytes) for data in files.values())
        assert not any(path.startswith(("/", ".")) or "\\" in path for path in files)
        assert content_digest(source.read(ref).items()) == content_digest(files.items())


def test_the_pinned_digest_lets_a_release_pass_and_any_other_refuses_it(source: Source) -> None:
    sources = Sources([source])
    for ref in refs(source):
        release = fetch(ref, sources)
        assert (release.pack, release.version, release.source) == (ref.pack, ref.version, source.name)
        assert fetch(ref, sources, release.digest) == release
        with pytest.raises(Refused, match="is not what was locked") as refused:
            fetch(ref, sources, Digest("sha256:" + "0" * 64))
        assert refused.value.details[1] == f"found   {release.digest}"


def test_the_same_release_has_the_same_digest_whatever_holds_it(tmp_path: Path) -> None:
    digests = set()
    for make in (side_by_side, one_of_each, one_pack, archived, memory):
        source = make(tmp_path / make.__name__)
        ref = next(ref for ref in source.releases(PackName("data-reviewer")) if ref.version == Version("1.0.0"))
        digests.add(fetch(ref, Sources([source])).digest)
    assert len(digests) == 1


JUNK = (".DS_Store", "personas/._reviewer.md", "Thumbs.db", "desktop.ini", "personas/.reviewer.md.swp", "README.md~")


def archived_with_junk(folder: Path) -> Source:
    """As the desktop of macOS packs a folder."""
    folder.mkdir()
    prefix = "data-reviewer-1.0.0"
    files = [(f"{prefix}/{path}", data) for path, data in {**FIRST, **dict.fromkeys(JUNK, b"\0junk")}.items()]
    with zipfile.ZipFile(folder / f"{prefix}.zip", "w") as archive:
        for path, data in [*files, (f"__MACOSX/{prefix}/._pack.yaml", b"\0junk")]:
            archive.writestr(zipfile.ZipInfo(path), data)
    return DirectorySource("team", str(folder))


@pytest.mark.parametrize("make", [side_by_side, one_of_each, one_pack, bare, archived_with_junk])
def test_what_a_desktop_or_an_editor_leaves_is_no_part_of_a_pack(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    source = make(folder)
    ref = refs(source)[0]
    before = fetch(ref, Sources([source]))
    for place in [Path(ref.place)] if Path(ref.place).is_dir() else []:
        write_tree(place, dict.fromkeys(JUNK, b"\0junk"))
        (place / ".#pack.yaml").symlink_to("ada@desk.4711")  # a lock of Emacs
    after = fetch(ref, Sources([source]), before.digest)
    assert after == before
    assert not any(map(is_junk, after.files))
    assert make is bare or before.digest in (content_digest(FIRST.items()), content_digest(OTHER.items()))


@pytest.mark.parametrize("make", [side_by_side, one_pack, archived, memory], ids=lambda make: make.__name__)
def test_a_release_that_can_no_longer_be_read_is_unavailable(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    ref = refs(source)[0]
    if isinstance(source, MemorySource):
        source.broken = OSError(5, "Input/output error", "memory")
    else:
        (tmp_path / "source").rename(tmp_path / "gone")
    with pytest.raises(Unavailable, match="the source `team` cannot be read"):
        fetch(ref, Sources([source]))


def test_the_newest_release_comes_first_whatever_the_source_says(source: Source) -> None:
    sources = Sources([source])
    for pack in sources.packs():
        found = [ref.version for ref in sources.releases(pack)]
        assert found == sorted(found, reverse=True)


def test_files_of_every_kind_of_name_are_handed_over(tmp_path: Path) -> None:
    odd: Mapping[str, bytes] = {**FIRST, "docs/über uns.txt": b"\xff\x00", "a b/#c": b"", ".hidden": b"x"}
    folder = write_tree(tmp_path / "source", odd)
    source = DirectorySource("team", str(folder))
    assert source.read(refs(source)[0]) == odd
