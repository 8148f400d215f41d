"""A folder as a source: the layouts it knows, what it passes over, and what it refuses to read."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.archives import Zipped, zipped
from support.packs import make_pack, publish
from support.trees import write_tree

from agentpack.errors import InvalidFile, Refused
from agentpack.input.archives import UnsafeArchive, write_archive
from agentpack.input.file_names import UnsafePath
from agentpack.model.names import PackName, pack_name
from agentpack.sources import directory
from agentpack.sources.bundled import bundled_folder, bundled_source
from agentpack.sources.directory import DirectorySource, read_tree

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
