"""A folder as a source: the layouts it knows, what it passes over, and what it refuses to read."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from packaging.version import Version
from support.archives import Zipped, zipped
from support.packs import make_pack, publish
from support.repositories import Repository
from support.trees import write_tree

from agentpack.errors import InvalidFile, Refused, Unavailable, UsageError
from agentpack.input.archives import UnsafeArchive, write_archive
from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, UnsafePath
from agentpack.model.lock import LockedPack
from agentpack.model.manifest import ConfiguredSource
from agentpack.model.names import MAX_VERSION, PackName, digest_of, pack_name
from agentpack.remote.access import Remote
from agentpack.remote.git_references import References, Tag, parse_references
from agentpack.sources import archive_at, directory, trees
from agentpack.sources.archive import ArchiveSource
from agentpack.sources.bundled import RELEASED, BundledSource, bundled_folder, bundled_source
from agentpack.sources.collection import Collection
from agentpack.sources.directory import DirectorySource, read_tree
from agentpack.sources.git_tags import read_tag, tagged, without_tag
from agentpack.sources.pack_trees import PackRoot, pack_files, pack_roots
from agentpack.sources.trees import FolderTree, MemoryTree

NAME = PackName("data-reviewer")
AGENT = "---\nname: reviewer\ndescription: x\n---\nReview.\n"


def found(folder: Path) -> dict[str, list[str]]:
    source = DirectorySource("team", str(folder))
    states = {str(pack.name): ["a state"] for pack in source.collection.packs if source.state_of(pack.name)}
    return {
        **{pack: sorted(str(ref.version) for ref in source.releases(pack)) for pack in sorted(source.packs())},
        **states,
    }


def test_releases_stand_side_by_side(tmp_path: Path) -> None:
    publish(tmp_path, *(make_pack(version=version) for version in ("1.0.0", "1.10.0", "2.0.0rc1")), make_pack("other"))
    assert found(tmp_path) == {"data-reviewer": ["1.0.0", "1.10.0", "2.0.0rc1"], "other": ["1.0.0"]}


def test_a_folder_may_hold_one_release_of_each_pack(tmp_path: Path) -> None:
    write_tree(tmp_path / "some folder", make_pack(version="1.2.3"))
    assert found(tmp_path) == {"data-reviewer": ["1.2.3"]}


def test_several_folders_may_have_releases_of_one_pack(tmp_path: Path) -> None:
    """As a clone for each version, or a source that is the folder of one pack's releases."""
    for version in ("1.0.0", "2.0.0"):
        write_tree(tmp_path / f"reviewer-{version}", make_pack(version=version))
        write_tree(tmp_path / "in/data-reviewer" / version, make_pack(version=version))
    for folder in (tmp_path, tmp_path / "in/data-reviewer"):
        assert found(folder)["data-reviewer"] == ["1.0.0", "2.0.0"]


def test_the_folder_of_a_pack_s_name_has_all_its_releases(tmp_path: Path) -> None:
    write_tree(tmp_path / "other", make_pack(version="3.0.0"))
    assert found(tmp_path) == {"data-reviewer": ["3.0.0"]}
    publish(tmp_path, make_pack(), make_pack(version="2.0.0"))
    assert found(tmp_path) == {"data-reviewer": ["1.0.0", "2.0.0"]}
    archive(tmp_path, "data-reviewer-1.5.0.tgz", make_pack(version="1.5.0"))
    assert found(tmp_path) == {"data-reviewer": ["1.0.0", "1.5.0", "2.0.0"]}


def test_a_pack_in_the_folder_of_its_name_may_hold_another_one_of_that_name(tmp_path: Path) -> None:
    write_tree(tmp_path / "data-reviewer", make_pack(version="3.0.0"))
    write_tree(tmp_path / "data-reviewer/example", make_pack(version="1.0.0"))
    assert found(tmp_path) == {"data-reviewer": ["3.0.0"]}


def test_a_folder_may_be_one_pack(tmp_path: Path) -> None:
    write_tree(tmp_path, make_pack(version="1.2.3"))
    assert found(tmp_path) == {"data-reviewer": ["1.2.3"]}


@pytest.mark.parametrize("path", ["reviewer.md", "agents/reviewer.md"])
def test_a_folder_of_agents_is_a_pack_named_after_it(tmp_path: Path, path: str) -> None:
    write_tree(tmp_path / "My_Agents", {path: AGENT, "README.md": "# Hello\n"})
    assert found(tmp_path / "My_Agents") == {"my-agents": ["a state"]}
    around = DirectorySource("team", str(tmp_path))
    assert around.state_of(PackName("my-agents")) is not None
    assert not around.packs()


def test_a_pack_is_found_by_its_name_whatever_its_folder_is_called(tmp_path: Path) -> None:
    publish(tmp_path, make_pack())
    (tmp_path / "data-reviewer").rename(tmp_path / "Data_Reviewer")
    assert found(tmp_path) == {"data-reviewer": ["1.0.0"]}


def test_comments_and_quotes_in_a_manifest_do_not_hide_name_and_version(tmp_path: Path) -> None:
    manifest = "schema: 1\nname: 'data-reviewer' # ours\nversion: \"1.2.3\"  # now\n"
    write_tree(tmp_path / "x", {"pack.yaml": manifest})
    assert found(tmp_path) == {"data-reviewer": ["1.2.3"]}


def test_what_is_no_pack_is_passed_over(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "notes.txt": "x",
            ".hidden/pack.yaml": "name: hidden\nversion: 1.0.0\n",
            "empty/x.txt": "x",
            "docs/README.md": "# Hello\n",
            "döner/agent.md": AGENT,
            "nameless/pack.yaml": "schema: 1\nversion: 1.0.0\nname: '-'\n",
        },
    )
    assert not DirectorySource("team", str(tmp_path)).packs()


def test_versions_that_are_none_are_passed_over(tmp_path: Path) -> None:
    publish(tmp_path, make_pack())
    for entry in ("latest", "1.x", ".git", "2.0.0"):
        (tmp_path / "data-reviewer" / entry).mkdir()
    (tmp_path / "data-reviewer/3.0.0").write_text("a file")
    assert found(tmp_path) == {"data-reviewer": ["1.0.0"]}


def test_a_pack_whose_version_does_not_read_is_named_when_asked_for(tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"pack.yaml": "name: data-reviewer\nversion: new\n"})
    write_tree(tmp_path / "y", {"pack.yaml": "name: other\n"})
    source = DirectorySource("team", str(tmp_path))
    assert set(source.packs()) == {"data-reviewer", "other"}
    for name, message in (("data-reviewer", "`new` is not a version"), ("other", "there is no line such as")):
        with pytest.raises(InvalidFile) as refused:
            source.releases(pack_name(name))
        assert message in refused.value.details[0]


def test_a_folder_that_is_not_there_has_no_packs(tmp_path: Path) -> None:
    source = DirectorySource("team", str(tmp_path / "gone"))
    assert list(source.packs()) == []
    assert list(source.releases(NAME)) == []
    assert source.where == str(tmp_path / "gone")


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_tree_is_its_regular_files(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "1", "b/c": "2", ".git/config": "x", "b/.hg/x": "x"})
    (tmp_path / "empty").mkdir()
    assert read_tree(str(tmp_path)) == {"a": b"1", "b/c": b"2"}


@pytest.mark.parametrize("target", ["a", "b", "/etc/passwd", "missing"])
def test_a_link_is_refused_wherever_it_leads(tmp_path: Path, target: str) -> None:
    write_tree(tmp_path, {"a": "1", "b/c": "2"})
    (tmp_path / "b/link").symlink_to(target)
    with pytest.raises(Refused) as refused:
        read_tree(str(tmp_path))
    assert refused.value.message == f"{tmp_path}: `b/link` is a link"
    assert refused.value.hint == "a pack may contain only regular files"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="`pipe` is not a regular file"):
        read_tree(str(tmp_path))


def test_more_than_a_pack_may_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"a": "1234", "b": "5678", "c": "9"})
    assert len(read_tree(str(tmp_path))) == 3
    for name, limit in (("MAX_FILES", 2), ("MAX_BYTES", 8)):
        with monkeypatch.context() as patch:
            patch.setattr(directory, name, limit)
            with pytest.raises(Refused, match=r"more than \d+ files or"):
                read_tree(str(tmp_path))
            patch.setattr(directory, name, limit + 1)
            assert len(read_tree(str(tmp_path))) == 3


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ("packs", "/home/ada/work/packs"),
        ("./packs/", "/home/ada/work/packs"),
        ("../packs", "/home/ada/packs"),
        ("/srv/packs", "/srv/packs"),
        ("//srv//packs", "/srv/packs"),
        ("///srv/packs", "/srv/packs"),
        ("~/packs", "{home}/packs"),
        ("kit-1.0.zip", "/home/ada/work/kit-1.0.zip"),
    ],
)
def test_a_place_on_this_machine_is_found_from_the_folder_of_its_manifest(home: Path, place: str, where: str) -> None:
    source = directory.open_source(
        ConfiguredSource("team", "path", place, {}), "/home/ada/work", lambda: Remote("/", {})
    )
    assert (source.name, source.where) == ("team", where.format(home=home))
    assert isinstance(source, ArchiveSource if place.endswith(".zip") else DirectorySource)
    assert (source.is_missing, source.is_remote) == (True, False)


def test_a_folder_that_is_called_like_an_archive_is_a_folder(tmp_path: Path) -> None:
    publish(tmp_path / "kit.zip", make_pack())
    source = directory.open_source(
        ConfiguredSource("team", "path", "kit.zip", {}), str(tmp_path), lambda: Remote("/", {})
    )
    assert list(source.packs()) == [NAME]


def test_agents_below_folders_of_other_programs_are_none_of_a_place_s_own(tmp_path: Path) -> None:
    for folder in (
        "agents",
        "node_modules/kit/agents",
        ".venv/lib/agents",
        ".git/agents",
        ".claude/agents",
        "in/.hg/agents",
    ):
        write_tree(tmp_path / folder, {"reviewer.md": AGENT, ".reviewer.md.swp": AGENT})
    tree = FolderTree(str(tmp_path))
    assert list(tree.paths) == [".claude/agents/reviewer.md", "agents/reviewer.md"]
    assert (tree.outside, tree.start("agents/reviewer.md", 3), tree.start("gone.md", 3)) == ([], b"---", b"")


def test_a_collection_in_a_folder_may_have_as_many_agents_and_bytes_as_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ["agents/a.md", "agents/b.md", "agents/c.md"]
    write_tree(tmp_path, dict.fromkeys(paths, AGENT))
    tree = FolderTree(str(tmp_path))
    assert tree.contents("", paths) == dict.fromkeys(paths, AGENT.encode())
    assert tree.contents("agents", ["b.md"]) == {"b.md": AGENT.encode()}
    for name, least in (("MAX_FILES", 3), ("MAX_BYTES", 3 * len(AGENT)), ("MAX_FILE_BYTES", len(AGENT))):
        with monkeypatch.context() as patch:
            patch.setattr(trees, name, least)
            assert len(tree.contents("", paths)) == 3
            patch.setattr(trees, name, least - 1)
            with pytest.raises(Refused, match=rf"^{tmp_path}: (more than|`agents/a.md` is larger than)"):
                tree.contents("", paths)
    with pytest.raises(Unavailable) as lost:
        tree.contents("agents", ["gone.md"])
    assert lost.value.message == f"{tmp_path}/agents/gone.md cannot be read: No such file or directory"


def test_a_place_of_too_many_files_and_folders_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"a/b/c.md": AGENT, "d.txt": "x"})
    monkeypatch.setattr(trees, "MAX_ENTRIES", 4)
    assert list(FolderTree(str(tmp_path)).paths) == ["a/b/c.md", "d.txt"]
    monkeypatch.setattr(trees, "MAX_ENTRIES", 3)
    with pytest.raises(Refused) as refused:
        assert FolderTree(str(tmp_path)).paths
    assert refused.value.message == f"{tmp_path} has more than 3 files and folders"
    assert refused.value.hint == "give the path of the folder with the agents"
    with pytest.raises(Unavailable, match="gone cannot be read: No such file or directory"):
        assert FolderTree(str(tmp_path / "gone")).paths


def test_every_state_of_a_folder_is_that_of_its_agents_or_of_the_folders_in_it(tmp_path: Path) -> None:
    def states() -> list[str]:
        return [str(ref.pack) for ref in DirectorySource("team", str(tmp_path)).every_state()]

    write_tree(tmp_path, {"two/agents/b.md": AGENT, "one/agents/a.md": AGENT, ".c/agents/c.md": AGENT, "docs/x": "x"})
    publish(tmp_path, make_pack())
    assert states() == ["one", "two"]
    write_tree(tmp_path, make_pack("whole"))
    assert states() == []


# -- archives ----------------------------------------------------------------------------------------------------------


def archive(folder: Path, name: str, files: Mapping[str, bytes], prefix: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if name.endswith(".zip"):
        (folder / name).write_bytes(zipped(*(Zipped(path, data) for path, data in files.items())))
    else:
        stem = name.removesuffix(".tgz").removesuffix(".tar.gz")
        (folder / name).write_bytes(write_archive(files, prefix=prefix or stem))


def read(folder: Path, version: str) -> Mapping[str, bytes]:
    source = DirectorySource("team", str(folder))
    ref = next(ref for ref in source.releases(NAME) if str(ref.version) == version)
    return source.read(ref)


def test_releases_are_archives_too_flat_or_in_a_folder_of_their_pack(tmp_path: Path) -> None:
    packs = {version: make_pack(version=version) for version in ("1.0.0", "1.1.0", "1.2.0", "1.3.0")}
    archive(tmp_path, "data-reviewer-1.0.0.tar.gz", packs["1.0.0"])
    archive(tmp_path, "Data_Reviewer-1.1.0.tgz", packs["1.1.0"])
    archive(tmp_path / "data-reviewer", "data-reviewer-1.2.0.zip", packs["1.2.0"])
    publish(tmp_path, packs["1.3.0"])
    archive(tmp_path, "team-2-lead-3.0.tgz", make_pack("team-2-lead", "3.0"))
    assert found(tmp_path) == {"data-reviewer": list(packs), "team-2-lead": ["3.0"]}
    assert {version: read(tmp_path, version) for version in packs} == packs


def test_a_folder_of_archives_alone_is_a_pack_of_its_name(tmp_path: Path) -> None:
    archive(tmp_path / "data-reviewer", "data-reviewer-1.2.0.zip", make_pack(version="1.2.0"))
    archive(tmp_path / "data-reviewer", "other-1.0.zip", make_pack("other", "1.0"))
    assert found(tmp_path) == {"data-reviewer": ["1.2.0"]}


def test_an_archive_in_a_pack_is_content(tmp_path: Path) -> None:
    write_tree(tmp_path, make_pack(version="1.2.3"))
    archive(tmp_path, "other-1.0.tgz", make_pack("other", "1.0"))
    assert found(tmp_path) == {"data-reviewer": ["1.2.3"]}


def test_files_that_are_no_release_are_passed_over(tmp_path: Path) -> None:
    for name in ("notes.zip", "-1.0.zip", "data-reviewer-.tgz", "data-reviewer-1.x.tgz", "data-reviewer-1.0.tar"):
        write_tree(tmp_path, {name: "x"})
    (tmp_path / "data-reviewer-1.0.zip").mkdir()
    assert found(tmp_path) == {}


def test_a_folder_and_an_archive_of_one_release_must_hold_the_same(tmp_path: Path) -> None:
    publish(tmp_path, make_pack())
    archive(tmp_path, "data-reviewer-1.0.0.tgz", make_pack())
    archive(tmp_path / "data-reviewer", "data-reviewer-1.0.zip", make_pack())
    assert found(tmp_path) == {"data-reviewer": ["1.0.0"]}
    assert read(tmp_path, "1.0.0") == make_pack()
    other = make_pack(files={"README.md": "Other.\n"})
    archive(tmp_path, "data-reviewer-1.0.0.tgz", other)
    with pytest.raises(Refused, match=r"two different copies of data-reviewer 1.0.0") as refused:
        read(tmp_path, "1.0.0")
    assert [line.partition("  ")[2] for line in refused.value.details] == [
        f"{tmp_path}/data-reviewer/1.0.0",
        f"{tmp_path}/data-reviewer-1.0.0.tgz",
    ]


def test_an_archive_without_a_manifest_is_refused(tmp_path: Path) -> None:
    archive(tmp_path, "data-reviewer-1.0.0.tgz", make_pack(), prefix="data-reviewer-main")
    with pytest.raises(UnsafeArchive, match=r"contains no `pack.yaml`") as refused:
        read(tmp_path, "1.0.0")
    assert refused.value.hint is not None and "`data-reviewer-1.0.0`" in refused.value.hint


def test_an_archive_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data-reviewer-1.0.0.tgz")
    (tmp_path / "data-reviewer-1.1.0.tgz").symlink_to("data-reviewer-1.0.0.tgz")
    for version in ("1.0.0", "1.1.0"):
        with pytest.raises(UnsafeArchive, match="is not a regular file"):
            read(tmp_path, version)


def test_an_archive_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    with open(tmp_path / "data-reviewer-1.0.0.tgz", "wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(UnsafeArchive, match="larger than 36 MiB"):
        read(tmp_path, "1.0.0")


@pytest.mark.parametrize("name", ["con.md", "a ", "x\\y", "a:b", "u\u0308", "d/" * 20 + "x"])
def test_a_name_that_no_archive_may_hold_is_refused_in_a_folder_too(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, {name: "x"})
    with pytest.raises(UnsafePath) as refused:
        read_tree(str(tmp_path))
    assert (refused.value.code, refused.value.exit_code) == ("unsafe-path", 5)


def test_names_that_are_the_same_elsewhere_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "a", {"README.md": "", "Readme.md": ""})
    write_tree(tmp_path / "b", {"A/x": "", "a/y": ""})
    (tmp_path / "c").mkdir()
    (tmp_path / "d/empty.").mkdir(parents=True)
    with open(os.fsencode(tmp_path / "c") + b"/\xff", "wb"):
        pass
    for folder in "abcd":
        with pytest.raises(UnsafePath):
            read_tree(str(tmp_path / folder))


# -- bundled -----------------------------------------------------------------------------------------------------------


def test_the_bundled_packs_are_a_source_like_any_other() -> None:
    source = bundled_source()
    assert source is not None
    assert (source.name, source.where) == ("bundled", bundled_folder())
    assert "python-engineer" in source.packs()


# When.


def test_a_place_is_as_old_as_its_youngest_file(tmp_path: Path) -> None:
    """A copy looks younger than what it is of: never older."""
    kit = {f"kit/agents/{name}.md": AGENT.replace("reviewer", name) for name in ("one", "two", "six")}
    files = make_pack()
    write_tree(tmp_path, {**{f"packs/data-reviewer/1.0.0/{path}": data for path, data in files.items()}, **kit})
    write_tree(tmp_path, {"packs/data-reviewer-2.0.0.tgz": write_archive(make_pack(version="2.0.0"), prefix="x")})
    folder = tmp_path / "packs/data-reviewer/1.0.0"
    times = {folder / "pack.yaml": 3, folder / "personas/reviewer.md": 5, tmp_path / "packs/data-reviewer-2.0.0.tgz": 4}
    write_tree(tmp_path, {"kit/README.md": "No agent.\n"})
    times |= {tmp_path / "kit/README.md": 99}
    times |= {tmp_path / path: number for path, number in zip(kit, (7, 9, 8), strict=True)}
    for path, days in times.items():
        os.utime(path, (days * 86_400, days * 86_400))
    packs, agents = DirectorySource("packs", str(tmp_path / "packs")), DirectorySource("kit", str(tmp_path / "kit"))
    assert {str(ref.version): packs.released(ref) for ref in packs.releases(NAME)} == {
        "1.0.0": 5 * 86_400,
        "2.0.0": 4 * 86_400,
    }
    state = agents.state_of(PackName("kit"))
    assert state is not None
    assert agents.released(state) == 9 * 86_400


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ('{"data-reviewer": {"1.0.0": "1970-01-03T00:00:05Z"}}', 2 * 86_400 + 5),
        ('{"data-reviewer": {"1.0.0": "soon"}}', None),
        ('{"data-reviewer": {"1.0.0": 5}}', None),
        ('{"data-reviewer": {}}', None),
        ('{"data-reviewer": 5}', None),
        ("{}", None),
        ("[]", None),
        ("no JSON", None),
        (None, None),
    ],
)
def test_a_bundled_release_is_as_old_as_the_file_beside_it_says(
    tmp_path: Path, text: str | None, time: int | None
) -> None:
    publish(tmp_path, make_pack())
    if text is not None:
        write_tree(tmp_path, {RELEASED: text})
    source = BundledSource("bundled", str(tmp_path))
    (ref,) = source.releases(NAME)
    assert source.released(ref) == time


# Archives and other trees.


def in_archive(folder: Path, files: Mapping[str, str | bytes], name: str = "kit.tar.gz") -> ArchiveSource:
    data = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    (folder / name).write_bytes(write_archive(data, prefix="around", several=True))
    return ArchiveSource("team", str(folder / name))


@pytest.mark.parametrize("root", ["", "reviewer/"])
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "there is no line such as `version: 1.2.0`"),
        ("version: new\n", "`new` is not a version such as `1.2.0` or `2.0.0rc1`"),
        (
            f"version: 1.{'0' * MAX_VERSION}\n",
            f"`1.{'0' * MAX_VERSION}` is not a version such as `1.2.0` or `2.0.0rc1`",
        ),
    ],
)
def test_a_pack_in_an_archive_whose_version_does_not_read_is_named(
    tmp_path: Path, root: str, line: str, why: str
) -> None:
    source = in_archive(tmp_path, {f"{root}pack.yaml": f"name: data-reviewer\n{line}", f"{root}x.md": "", "more/x": ""})
    assert list(source.packs()) == [NAME]
    with pytest.raises(InvalidFile) as refused:
        source.releases(NAME)
    assert refused.value.details == (f"{tmp_path}/kit.tar.gz: {root}pack.yaml: version: {why}",)


def test_a_version_of_sixty_characters_is_one_whatever_its_number_is_worth(tmp_path: Path) -> None:
    source = in_archive(tmp_path, {"pack.yaml": f"name: data-reviewer\nversion: 1.{'0' * (MAX_VERSION - 2)}\n"})
    assert [str(ref.version) for ref in source.releases(NAME)] == ["1.0"]


def test_an_archive_that_is_gone_offers_nothing_and_is_told_when_read(tmp_path: Path) -> None:
    source = ArchiveSource("team", str(tmp_path / "gone.tar.gz"))
    assert (source.is_missing, source.is_remote, source.bundle, source.collection) == (True, False, None, Collection())
    for ask in (source.packs, lambda: source.releases(NAME)):
        with pytest.raises(Unavailable) as refused:
            ask()
        assert refused.value.message == f"{tmp_path}/gone.tar.gz cannot be read: No such file or directory"


def test_the_packs_of_a_tree_are_the_folders_of_manifests_that_name_one() -> None:
    manifests = {
        "b/pack.yaml": b"name: two\nversion: 1.0.0\n",
        "a/pack.yaml": b"\xef\xbb\xbfname: 'one'  # a name\nversion: \"2.0\"\nname: other\n",
        "a/in/pack.yaml": b"name: inside\n",
        "ab/pack.yaml": b"name: beside\n",
        "c/pack.yaml": b"version: 1.0.0\n",
        "c/in/pack.yaml": b"name: below-no-pack\n",
        "d/pack.yaml": b"name: No Name\n",
        "e/pack.yaml": b"",
        ".hidden/pack.yaml": b"name: hidden\n",
        "f/.git/pack.yaml": b"name: version-control\n",
        "g/my-pack.yaml": b"name: no-manifest\n",
    }
    assert pack_roots(MemoryTree(manifests)) == (
        PackRoot("a", PackName("one"), "2.0"),
        PackRoot("ab", PackName("beside"), ""),
        PackRoot("b", PackName("two"), "1.0.0"),
        PackRoot("c/in", PackName("below-no-pack"), ""),
    )
    whole = {"pack.yaml": b"name: whole\nversion: 3\n", **manifests}
    assert pack_roots(MemoryTree(whole)) == (PackRoot("", PackName("whole"), "3"),)


@pytest.mark.parametrize(("name", "pack"), [("kit-1.2.tar.gz", "kit"), ("___.tar.gz", "agents")])
def test_a_collection_in_an_archive_is_called_after_it(tmp_path: Path, name: str, pack: str) -> None:
    source = in_archive(tmp_path, {"agents/reviewer.md": AGENT}, name)
    assert [one.name for one in source.collection.packs] == [pack]


def test_what_desktops_leave_in_an_archive_is_no_agent(tmp_path: Path) -> None:
    source = in_archive(tmp_path, {"agents/reviewer.md": AGENT, "agents/._reviewer.md": AGENT, "agents/#a.md": AGENT})
    assert [one.agents for one in source.collection.packs] == [("agents/#a.md", "agents/reviewer.md")]


@pytest.mark.many
@pytest.mark.parametrize(
    ("count", "size", "is_refused"),
    [(MAX_FILES, 60, False), (MAX_FILES + 1, 60, True), (5, MAX_BYTES // 5 + 1, True)],
)
def test_a_collection_in_an_archive_may_have_as_many_bytes_and_agents_as_a_pack(
    tmp_path: Path, count: int, size: int, is_refused: bool
) -> None:
    text, made = AGENT.encode() + os.urandom(size - len(AGENT)), io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(count):
            entry = tarfile.TarInfo(f"agents/a{number}.md")
            entry.size = size
            tar.addfile(entry, io.BytesIO(text))
    (tmp_path / "kit.tar.gz").write_bytes(gzip.compress(made.getvalue(), 0))
    source = ArchiveSource("team", str(tmp_path / "kit.tar.gz"))
    if not is_refused:
        assert source.state_of(PackName("kit")) is not None
        return
    with pytest.raises(Refused) as refused:
        source.state_of(PackName("kit"))
    assert refused.value.message == f"{tmp_path}/kit.tar.gz: `kit` has more than 2000 agent files or 32 MiB"


MOST = "the pack in `.` has more than 2000 files, 32 MiB or 8 MiB in one"
BIG, PART = bytes(MAX_FILE_BYTES), MAX_BYTES // MAX_FILE_BYTES


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a:b.md": b""}, "`a:b.md`: "),
        ({"CON.md": b""}, "`CON.md`: "),
        ({"a.md": b"", "A.md": b""}, "`a.md`: "),
        ({"a": BIG + b"x"}, MOST),
        ({f"{number}": b"" for number in range(MAX_FILES + 1)}, MOST),
        ({f"{number}": BIG for number in range(PART)} | {"one": b"x"}, MOST),
    ],
)
def test_what_no_pack_may_hold_is_refused_in_any_tree(files: Mapping[str, bytes], why: str) -> None:
    with pytest.raises((UnsafePath, Refused)) as refused:
        pack_files(MemoryTree(files), "", "there")
    assert refused.value.message.startswith(f"there: {why}")
    assert isinstance(refused.value, UnsafePath) == (why != MOST)


def test_the_files_of_a_pack_are_those_of_its_folder_without_junk_and_version_control() -> None:
    more = {"kit/.DS_Store": b"", "kit/.git/config": b"", "kit2/b.md": b"", "kit/in/b.md~": b"", "c.md": b""}
    files = {"kit/pack.yaml": b"name", "kit/in/a.md": b"text", **more}
    assert pack_files(MemoryTree(files), "kit", "there") == {"pack.yaml": b"name", "in/a.md": b"text"}
    full = {f"{number}": BIG for number in range(PART)}
    assert pack_files(MemoryTree(full), "", "there") == full
    many = {f"{number}": b"" for number in range(MAX_FILES)}
    assert len(pack_files(MemoryTree(many), "", "there")) == MAX_FILES


@pytest.mark.parametrize("address", ["http://example.com/kit.tar.gz", "https://ada:pw@example.com/kit.tar.gz"])
def test_an_address_of_an_archive_that_is_not_read_is_refused_though_the_cache_has_it(
    tmp_path: Path, address: str
) -> None:
    remote = Remote(str(tmp_path), {})
    data = write_archive({"agents/reviewer.md": AGENT.encode()}, prefix="kit")
    configured = ConfiguredSource("kit", "archive", address, {"sha256": remote.cache.add(data)})
    with pytest.raises(UsageError, match="the source `kit` is at ") as refused:
        archive_at.open_source(configured, "/", lambda: remote)
    assert "pw" not in str(refused.value)
    fine = configured._replace(place="https://example.com/kit.tar.gz")
    assert [one.name for one in archive_at.open_source(fine, "/", lambda: remote).collection.packs] == ["kit"]
    assert sha256(data).hexdigest() == fine.options["sha256"]


# Tags.


@pytest.mark.parametrize(
    ("tag", "release"),
    [
        ("kit--v1.2.0", "kit 1.2.0"),
        ("kit-v1.2.0", "kit 1.2.0"),
        ("kit/1.2.0", "kit 1.2.0"),
        ("two-words-v2.0.0rc1", "two-words 2.0.0rc1"),
        ("v1.2.0", "None 1.2.0"),
        ("1.2.0", ""),
        ("vv1.2.0", ""),
        ("v 1.2.0", ""),
        ("kit/v1.2.0", ""),
        ("kit--vv1.2.0", ""),
        ("Kit-v1.2.0", "kit 1.2.0"),
        ("-v1.2.0", ""),
        ("v1.x", ""),
        ("latest", ""),
        (f"v1.{'0' * (MAX_VERSION - 2)}", f"None 1.{'0' * (MAX_VERSION - 2)}"),
        (f"v1.{'0' * (MAX_VERSION - 1)}", ""),
    ],
)
def test_a_tag_is_a_release_in_the_forms_that_people_use(tag: str, release: str) -> None:
    found = read_tag(tag)
    assert (f"{found[0]} {found[1]}" if found else "") == (release.replace(f".{'0' * (MAX_VERSION - 2)}", ".0"))


@pytest.mark.parametrize(
    ("versions", "newer"),
    [
        (["1.0.0", "3.0.0", "2.0.0"], "3.0.0"),
        (["2.0.0", ""], "2.0.0"),
        (["4.0.0rc1", "2.0.0"], "2.0.0"),
        (["4.0.0rc1"], ""),
        (["1.0.0"], ""),
        (["0.9.0", "new", ""], ""),
        ([], ""),
    ],
)
def test_the_newest_version_without_a_tag_is_told(tmp_path: Path, versions: list[str], newer: str) -> None:
    publish(tmp_path, make_pack())
    (ref,) = DirectorySource("team", str(tmp_path)).releases(NAME)
    words = (
        "the default branch of ADDRESS has data-reviewer {}, newer than its last tag `v1.0.0`; only tags are releases"
    )
    assert without_tag(ref._replace(tag="v1.0.0"), versions, "ADDRESS") == (words.format(newer) if newer else "")


def test_of_two_tags_of_one_version_the_first_counts_and_the_newest_version_comes_first() -> None:
    tags = {name: Tag(name, name) for name in ("v1.0", "v1.0.0", "kit--v2.0.0", "kit-v2.0", "v1.10.0", "v1.9.0", "x")}
    found = tagged(References("", {}, tags))
    assert {pack: [name for name, _ in versions.values()] for pack, versions in found.items()} == {
        None: ["v1.10.0", "v1.9.0", "v1.0"],
        "kit": ["kit--v2.0.0"],
    }
    assert found[None][Version("1.10.0")] == ("v1.10.0", Tag("v1.10.0", "v1.10.0"))


def test_branches_and_tags_are_those_that_git_lists() -> None:
    one, two, three, four = (sign * 40 for sign in "1234")
    listed = parse_references(
        f"{one}\tHEAD\n{one}\trefs/heads/main\n{two}\trefs/heads/in/dev\u2028x\n{two}\trefs/heads/v1\n"
        f"{three}\trefs/tags/v1\n{one}\trefs/tags/v1^{{}}\n{four}\trefs/tags/light\n"
        f"{four}\trefs/pull/1\n{'g' * 40}\trefs/heads/none\n{'1' * 39}\trefs/heads/short\nwarning: x\n"
    )
    assert listed == References(
        one, {"main": one, "in/dev\u2028x": two, "v1": two}, {"v1": Tag(three, one), "light": Tag(four, four)}
    )
    assert set(listed.every_tip) == {one, two, three, four}
    named = {
        "main": ("", one),
        "v1": ("v1", one),
        "heads/v1": ("", two),
        "refs/heads/v1": ("", two),
        "tags/light": ("light", four),
        "refs/tags/light": ("light", four),
        "HEAD": ("", ""),
        "heads": ("", ""),
        "": ("", ""),
    }
    assert {ref: listed.named(ref) for ref in named} == named
    assert parse_references(f"{'a' * 64}\trefs/heads/main") == References("", {"main": "a" * 64}, {})


# Plugins in repositories of their own.


@pytest.mark.parametrize("place", ["folder", "archive"])
def test_a_plugin_elsewhere_is_as_its_repository_and_its_marketplace_say(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Repository(tmp_path / "hub/far")
    manifest = {"name": "own", "version": "3.0.0", "description": "Its own.", "license": "BSD"}
    far.commit({"agents/reviewer.md": AGENT, ".claude-plugin/plugin.json": json.dumps(manifest)}).tag("v3.0.0")
    settings = write_tree(
        tmp_path, {"gitconfig": f'[url "file://{tmp_path}/hub/"]\n\tinsteadOf = https://git.example/\n'}
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings / "gitconfig"))
    there = {"source": "url", "url": "https://git.example/far"}
    plain, said = (
        {"name": "plain", "source": there},
        {"name": "said", "source": there, "version": "2.0", "license": "MIT"},
    )
    odd = {"name": "odd", "source": there, "version": "new", "description": "Theirs."}
    market = {".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": [plain, said, odd]})}
    remote = Remote(str(tmp_path / "cache"), dict(os.environ))
    source: DirectorySource | ArchiveSource
    if place == "folder":
        source = DirectorySource("team", str(write_tree(tmp_path / "market", market)), lambda: remote)
    else:
        made = in_archive(tmp_path, market)
        source = ArchiveSource("team", made.where, lambda: remote)
    states = {name: source.state_of(PackName(name)) for name in ("plain", "said", "odd")}
    for name, version in {"plain": "3.0.0", "said": "2.0", "odd": "3.0.0"}.items():
        state = states[name]
        assert state is not None
        assert (state.pack, str(state.version), state.commit, state.tag) == (name, version, far.head, "")
        assert (state.repository, state.source) == ("https://git.example/far", "team")
        assert list(source.read(state)) == ["agents/reviewer.md"]
        assert source.released(state) == 1_795_860_060
        assert source.unsigned(state) == "the tag `v3.0.0`: error: no signature found"
        about = source.about(PackName(name))
        assert about is not None
        assert (about.name, about.agents) == (name, ("agents/reviewer.md",))
        told = {"said": ("2.0", "Its own.", "MIT"), "odd": ("new", "Theirs.", "BSD")}
        assert (about.version, about.description, about.license) == told.get(name, ("3.0.0", "Its own.", "BSD"))
        assert about.elsewhere is not None
        pinned = LockedPack(PackName(name), version, "team", digest_of(b""), (), (), {}, (), (), agents=())
        at = pinned._replace(commit=far.head, repository="https://git.example/far")
        place_at = f"https://git.example/far at {far.head[:12]}"
        assert source.pinned(PackName(name), at) == state._replace(place=place_at)
        others = (at._replace(repository="https://git.example/x"), at._replace(repository=""), pinned)
        assert [source.pinned(PackName(name), one) for one in others] == [None, None, None]
    assert source.about(PackName("other")) is None
    assert source.states(PackName("other")) == ()
