"""What holds for every source: it says what it has, hands over bytes that stay the same, and fails in words."""

import json
import os
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from packaging.version import Version
from support.bundles import bundle_of
from support.collection_files import agent_text
from support.memory import MemorySource
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree
from support.web_server import WebServer, content

from agentpack.errors import InvalidFile, Refused, Unavailable
from agentpack.fetch import Sources, fetch
from agentpack.input.archives import write_archive
from agentpack.input.documents import read_yaml
from agentpack.input.schemas import validate
from agentpack.model.lock import Lock
from agentpack.model.lock_text import parse_lock
from agentpack.model.manifest import EMPTY, ConfiguredSource, Manifest
from agentpack.model.names import Digest, PackName, content_digest, is_junk
from agentpack.model.pack import ReleaseRef
from agentpack.model.source_kinds import SOURCE_KINDS
from agentpack.remote.access import Remote
from agentpack.sources import open_source
from agentpack.sources.base import Source
from agentpack.sources.bundled import bundled_source
from agentpack.sources.directory import DirectorySource
from agentpack.writers.manifest_edit import edit_manifest
from agentpack.writers.manifest_text import new_manifest

FIRST, SECOND = make_pack(version="1.0.0"), make_pack(version="1.1.0", files={"README.md": "New.\n"})
OTHER = make_pack("team-lead", "2.0.0rc1")
ONE_ARCHIVE = write_archive(FIRST, prefix="around")
UNKNOWN = PackName("unknown")
FORMATS = Path(__file__).parents[2] / "docs/reference/file-formats.md"


def no_remote() -> Remote:
    raise AssertionError("a source on this machine was to be reached over a network")


def at(folder: Path) -> Source:
    """The source of a manifest beside the folder."""
    return open_source(ConfiguredSource("team", "path", folder.name), str(folder.parent), no_remote)


def side_by_side(folder: Path) -> Source:
    return at(publish(folder, FIRST, SECOND, OTHER))


def one_of_each(folder: Path) -> Source:
    write_tree(folder / "any-name", FIRST)
    write_tree(folder / "other", OTHER)
    return at(folder)


def one_pack(folder: Path) -> Source:
    return at(write_tree(folder, FIRST))


def archived(folder: Path) -> Source:
    folder.mkdir()
    for files, name in ((FIRST, "data-reviewer-1.0.0"), (SECOND, "data-reviewer-1.1.0"), (OTHER, "team-lead-2.0.0rc1")):
        (folder / f"{name}.tgz").write_bytes(write_archive(files, prefix=name))
    return at(folder)


def bare(folder: Path) -> Source:
    agents = {f"agents/{name}.md": agent_text(name, "Work.") for name in ("reviewer", "tester")}
    return at(write_tree(folder / "data-reviewer", agents))


def bare_archive(folder: Path) -> Source:
    files = {f"kit/agents/{name}.md": agent_text(name, "Work.").encode() for name in ("one", "two")}
    folder.mkdir()
    (folder / "kit.tgz").write_bytes(write_archive(files, prefix="kit-main"))
    return open_source(ConfiguredSource("team", "path", "kit.tgz"), str(folder), no_remote)


def one_archive(folder: Path) -> Source:
    folder.mkdir()
    (folder / "any-name.tar.gz").write_bytes(write_archive(FIRST, prefix="around"))
    return open_source(ConfiguredSource("team", "path", "any-name.tar.gz"), str(folder), no_remote)


def _repository(folder: Path, **options: str) -> Source:
    """The repository in a folder as a source, with the cache beside it."""
    source = ConfiguredSource("team", "git", f"file://{folder}", options)
    return open_source(source, str(folder), lambda: Remote(f"{folder}.cache", os.environ))


def git_tags(folder: Path) -> Source:
    repository = Repository(folder)
    for files, tag in ((FIRST, "data-reviewer--v1.0.0"), (SECOND, "data-reviewer-v1.1.0")):
        repository.commit({f"data-reviewer/{path}": data for path, data in files.items()}).tag(tag)
    repository.commit({f"packs/team-lead/{path}": data for path, data in OTHER.items()}).tag("team-lead/2.0.0rc1")
    return _repository(folder)


def git_branch(folder: Path) -> Source:
    releases = {"a/1.0.0": FIRST, "a/1.1.0": SECOND, "b": OTHER}
    files = {f"{root}/{path}": data for root, files in releases.items() for path, data in files.items()}
    Repository(folder).commit({f"all/{path}": data for path, data in files.items()})
    return _repository(folder, subdirectory="all")


def git_one_pack(folder: Path) -> Source:
    Repository(folder).commit(FIRST).tag("v1.0.0").commit(SECOND).tag("v1.1.0").commit({"LATER.md": "Not released."})
    return _repository(folder)


def git_bare(folder: Path) -> Source:
    Repository(folder).commit({f"agents/{name}.md": agent_text(name, "Work.") for name in ("one", "two")})
    return _repository(folder)


def git_bare_tags(folder: Path) -> Source:
    repository = Repository(folder)
    for number in (1, 2):
        repository.commit({"agents/one.md": agent_text("one", f"Work {number}.")}).tag(f"v{number}.0.0")
    return _repository(folder)


RELEASES: Mapping[str, Mapping[str, bytes]] = {"a/1.0.0": FIRST, "a/1.1.0": SECOND, "b": OTHER}
"""The folders of several packs in one archive."""


def an_archive_of_packs(folder: Path) -> Source:
    files = {f"{root}/{path}": data for root, files in RELEASES.items() for path, data in files.items()}
    folder.mkdir()
    (folder / "packs.tar.gz").write_bytes(write_archive(files, prefix="packs"))
    return open_source(ConfiguredSource("team", "path", "packs.tar.gz"), str(folder), no_remote)


def a_bundle(folder: Path) -> Source:
    agents = {f"agents/{name}.md": agent_text(name, "Work.").encode() for name in ("one", "two")}
    return open_bundle(folder, {"data-reviewer 1.0.0": FIRST, "team-lead 2.0.0rc1": OTHER, "kit 1.5.0": agents})


def open_bundle(folder: Path, releases: Mapping[str, Mapping[str, bytes]]) -> Source:
    folder.mkdir()
    (folder / "team.bundle.tar.gz").write_bytes(bundle_of(releases))
    return open_source(ConfiguredSource("team", "path", "team.bundle.tar.gz"), str(folder), no_remote)


def an_archive_here(folder: Path) -> Source:
    folder.mkdir()
    (folder / "any-name.tgz").write_bytes(ONE_ARCHIVE)
    options = {"sha256": sha256(ONE_ARCHIVE).hexdigest()}
    return open_source(ConfiguredSource("team", "archive", "any-name.tgz", options), str(folder), no_remote)


def an_archive_elsewhere(folder: Path) -> Source:
    return at_an_address(folder, ONE_ARCHIVE)


def a_bare_archive_elsewhere(folder: Path) -> Source:
    files = {f"kit/agents/{name}.md": agent_text(name, "Work.").encode() for name in ("one", "two")}
    return at_an_address(folder, write_archive(files, prefix="kit-main"))


def at_an_address(folder: Path, data: bytes) -> Source:
    """The source of an archive that a server has. It is read before the server goes."""
    remote = Remote(str(folder / "cache"), {})
    with WebServer({"/kit-1.2.tar.gz": content(data)}) as server:
        options = {"sha256": sha256(data).hexdigest()}
        place = ConfiguredSource("team", "archive", server.url("/kit-1.2.tar.gz"), options)
        source = open_source(place, str(folder), lambda: remote)
        assert refs(source)
    return source


def memory(folder: Path) -> Source:
    return MemorySource("team", FIRST, SECOND, OTHER)


def bundled(folder: Path) -> Source:
    source = bundled_source()
    assert source is not None
    return source


Make = Callable[[Path], Source]
KINDS: Mapping[str, tuple[Make, ...]] = {
    "path": (
        *(side_by_side, one_of_each, one_pack, archived, bare),
        *(bare_archive, one_archive, an_archive_of_packs, a_bundle),
    ),
    "archive": (an_archive_here, an_archive_elsewhere, a_bare_archive_elsewhere),
    "git": (git_tags, git_branch, git_one_pack, git_bare, git_bare_tags),
}
"""By kind of source, what makes one in a folder that does not exist yet."""
MAKERS = (*(make for makers in KINDS.values() for make in makers), memory, bundled)


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    make: Make = request.param
    return make(tmp_path / "source")


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_a_kind_of_source_has_makers_here_and_a_row_in_the_page_of_the_manifest(kind: str) -> None:
    assert KINDS.get(kind), f"{kind}: nothing in KINDS makes such a source"
    for key in (kind, *SOURCE_KINDS[kind].options):
        assert f"| `sources[].{key}` |" in FORMATS.read_text(), f"{FORMATS.name} has no row for {key}"


PLACES: Mapping[str, tuple[str, bool]] = {
    "path": ("somewhere", True),
    "git": ("github:acme/agents", False),
    "archive": ("kit.tgz", True),
}
"""By kind of source, a place, and whether it is known to be missing before anything is asked of it."""


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_a_kind_of_source_goes_through_manifest_and_lock(kind: str, tmp_path: Path) -> None:
    assert kind in PLACES, f"{kind}: PLACES has no place of such a source"
    place, is_missing = PLACES[kind]
    options = dict.fromkeys(SOURCE_KINDS[kind].options, "f" * 64)
    source = ConfiguredSource("team", kind, place, options)
    manifest = EMPTY._replace(sources=(source,))
    assert read_manifest(new_manifest(manifest)) == manifest
    assert read_manifest(edit_manifest("schema: 1\npacks: []\n", "agentpack.yaml", EMPTY, manifest)).sources == (
        source,
    )
    lock = Lock(manifest.to_data(), (), (), ())
    assert parse_lock(lock.to_text().encode(), "agentpack.lock").manifest == manifest.to_data()
    opened = open_source(source, str(tmp_path), lambda: Remote(str(tmp_path / "cache"), {}))
    assert (opened.name, opened.is_missing) == ("team", is_missing)


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_a_place_belongs_to_the_folder_of_its_manifest_also_of_the_users_own(
    kind: str, agentpack: Agentpack, project: Path, home: Path
) -> None:
    place, is_missing = PLACES[kind]
    options = dict.fromkeys(SOURCE_KINDS[kind].options, "f" * 64)
    for folder, name in ((home / ".config/agentpack", "own"), (project, "team")):
        data = {"schema": 1, "sources": [{"name": name, kind: place, **options}], "packs": []}
        write_tree(folder, {"agentpack.yaml": yaml.safe_dump(data)})
    said = agentpack("search", "reviewer", "--offline").err
    assert "`team`" in said
    assert is_missing == SOURCE_KINDS[kind].is_path(place) == (f"~/.config/agentpack/{place}" in said)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"name": "team"}, "has no place (set one of `path`"),
        ({"name": "team", "folder": "x"}, "`folder`"),
        ({"name": "team", "path": None}, "has no place"),
        ({"name": "team", "path": ""}, "path"),
        ({"path": "x"}, "name"),
    ],
)
def test_a_source_of_no_kind_is_a_fault_of_the_manifest(source: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_manifest(yaml.safe_dump({"schema": 1, "sources": [source]}))
    assert words in str(refused.value.details)


def read_manifest(text: str) -> Manifest:
    return Manifest.from_data(validate("manifest", read_yaml(text, "agentpack.yaml")))


def refs(source: Source) -> list[ReleaseRef]:
    states = [state for pack in source.collection.packs if (state := source.state_of(pack.name))]
    return [*(ref for pack in sorted(source.packs()) for ref in source.releases(pack)), *states]


@pytest.mark.many
def test_it_has_a_name_and_a_place_in_words(source: Source) -> None:
    assert source.name
    assert source.where


@pytest.mark.many
def test_every_pack_it_names_has_a_release(source: Source) -> None:
    assert refs(source)
    for pack in source.packs():
        found = source.releases(pack)
        assert found
        assert {(ref.pack, ref.source) for ref in found} == {(pack, source.name)}
        assert len({ref.version for ref in found}) == len(found)


@pytest.mark.many
def test_it_has_no_release_of_a_pack_it_does_not_name(source: Source) -> None:
    assert list(source.releases(UNKNOWN)) == []


@pytest.mark.many
def test_a_release_is_files_by_posix_path_and_stays_the_same(source: Source) -> None:
    for ref in refs(source):
        files = source.read(ref)
        assert files
        assert all(isinstance(data, bytes) for data in files.values())
        assert not any(path.startswith(("/", ".")) or "\\" in path for path in files)
        assert content_digest(source.read(ref).items()) == content_digest(files.items())


@pytest.mark.many
def test_a_release_is_as_old_as_the_newest_of_its_files_or_its_commit(source: Source, tmp_path: Path) -> None:
    """What a policy with a minimum age goes by. Of what came from an address, nobody knows it."""
    written, last, endings = 1_000_000_000, 1_000_000_100, ("pack.yaml", "reviewer.md", ".gz", ".tgz")
    for path in (tmp_path / "source").rglob("*"):
        os.utime(path, times=(last, last if path.name.endswith(endings) else written))
    for ref in refs(source):
        released = source.released(ref)
        if ref.commit:
            assert str(released) == Repository(tmp_path / "source").git("show", "-s", "--format=%ct", ref.commit)
        elif source.is_remote or isinstance(source, MemorySource):
            assert released is None
        elif source.name != "bundled":
            assert released == last


@pytest.mark.many
def test_the_pinned_digest_lets_a_release_pass_and_any_other_refuses_it(source: Source) -> None:
    sources = Sources([source])
    for ref in refs(source):
        release = fetch(ref, sources)
        assert (release.pack, release.version, release.source) == (ref.pack, ref.version, source.name)
        assert fetch(ref, sources, release.digest) == release
        if ref.bare:  # of a collection, where other content is an upgrade
            continue
        with pytest.raises(Refused, match="is not what was locked") as refused:
            fetch(ref, sources, Digest("sha256:" + "0" * 64))
        assert refused.value.details[1] == f"found   {release.digest}"


def test_the_same_release_has_the_same_digest_whatever_holds_it(tmp_path: Path) -> None:
    digests = set()
    for make in (
        side_by_side,
        one_of_each,
        one_pack,
        archived,
        memory,
        git_tags,
        git_branch,
        git_one_pack,
        an_archive_of_packs,
        a_bundle,
        *KINDS["archive"][:2],
    ):
        source = make(tmp_path / make.__name__)
        ref = next(ref for ref in source.releases(PackName("data-reviewer")) if ref.version == Version("1.0.0"))
        digests.add(fetch(ref, Sources([source])).digest)
    assert len(digests) == 1


LEAD = persona_text("lead")
WHOLE: Mapping[str, Mapping[str, str | bytes]] = {
    "data-reviewer": FIRST,
    "kit": {
        ".claude-plugin/plugin.json": '{"name": "kit", "version": "1.5.0"}',
        **{f"agents/{name}.md": agent_text(name, "Work.\r\nWell.") for name in ("one", "two")},
    },
    "several": {
        **{f"data-reviewer/1.0.0/{path}": data for path, data in FIRST.items()},
        **{f"data-reviewer/1.1.0/{path}": data for path, data in SECOND.items()},
        **{f"team-lead/{path}": data for path, data in make_pack("team-lead", personas={"lead": LEAD}).items()},
    },
}
"""A pack with `pack.yaml`, a collection, and several packs with several releases."""


def as_folder(folder: Path, files: Mapping[str, str | bytes]) -> str:
    return str(write_tree(folder, files))


def as_archive(folder: Path, files: Mapping[str, str | bytes]) -> str:
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    folder.mkdir()
    (folder / "some.tar.gz").write_bytes(write_archive(data, prefix="around"))
    return str(folder / "some.tar.gz")


def as_repository(folder: Path, files: Mapping[str, str | bytes]) -> str:
    return f"git+{Repository(folder).commit(files).address}"


def as_bundle(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """The bundle of a project that has it from a folder."""
    project = Agentpack(write_tree(folder / "project", {".git/HEAD": ""}))
    project("install", as_folder(folder / "place", files), "--all", "--client", "claude")
    project("bundle", "-o", "../some.bundle.tar.gz")
    return str(folder / "some.bundle.tar.gz")


@pytest.mark.many
@pytest.mark.parametrize("pack", WHOLE)
def test_the_same_pack_gives_the_same_files_and_the_same_lock_whatever_holds_it(pack: str, tmp_path: Path) -> None:
    found = []
    for make in (as_folder, as_archive, as_repository, as_bundle):
        project = Agentpack(write_tree(tmp_path / f"{make.__name__}-project", {".git/HEAD": ""}))
        project("install", make(tmp_path / make.__name__, WHOLE[pack]), "--all", "--client", "claude")
        lock = json.loads((project.folder / "agentpack.lock").read_text())
        for source in lock["manifest"].pop("sources"):
            for row in (*lock["packs"], *lock["manifest"]["packs"]):
                assert row.pop("source", source["name"]) == source["name"]
                row.pop("commit", None)
        agents = {path: data for path, data in tree(project.folder).items() if path.startswith(".claude/")}
        found.append((lock, agents))
    assert len(found[0][1]) == (1 if pack == "data-reviewer" else 2)
    for other in found[1:]:
        assert other == found[0]


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


@pytest.mark.many
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
