"""A configured source whose folder was moved or not cloned: named where it is needed, noted where it is not."""

import shutil
from pathlib import Path

import pytest
from support.memory import MemorySource
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.errors import Unavailable
from agentpack.fetch import Sources
from agentpack.model.lock import LockedPack
from agentpack.model.names import Digest, PackName

FILE = ".claude/agents/reviewer.md"
NAME = PackName("data-reviewer")
LOCKED = LockedPack(NAME, "1.0.0", "near", Digest(f"sha256:{'0' * 64}"), (), (), {}, (), ())


@pytest.fixture
def moved(agentpack: Agentpack, tmp_path: Path) -> Agentpack:
    """A project with a pack of a source that is no longer where it was."""
    publish(tmp_path / "team", make_pack())
    agentpack("source", "add", "team", "../team")
    agentpack("install", "data-reviewer")
    (tmp_path / "team").rename(tmp_path / "elsewhere")
    return agentpack


INSTALLED = ("sync", "sync --locked", "sync --frozen", "lock", "explain data-reviewer", "install data-reviewer")


@pytest.mark.parametrize("words", INSTALLED)
def test_what_is_installed_needs_the_folder_no_more(moved: Agentpack, tmp_path: Path, words: str) -> None:
    before = tree(moved.folder)
    (moved.folder / FILE).unlink()
    ran = moved(*words.split())
    assert ran.err.endswith(f"note: the source `team` is missing: there is no folder {tmp_path}/team\n")
    moved("sync")
    assert tree(moved.folder) == before
    (moved.folder / FILE).write_bytes(before[FILE].replace(b"Look", b"Look twice"))
    moved("keep")
    assert b"Look twice" in tree(moved.folder)[FILE]
    moved("install", "python-reviewer")
    moved("uninstall", "data-reviewer")
    moved("rollback")
    assert b"Look twice" in tree(moved.folder)[FILE]


@pytest.mark.many
@pytest.mark.parametrize("words", [*INSTALLED, "upgrade --yes"])
def test_a_command_that_needs_it_names_it_with_its_folder_and_where_it_is_configured(
    moved: Agentpack, tmp_path: Path, words: str
) -> None:
    if words != "upgrade --yes":  # as in a clone
        shutil.rmtree(moved.folder / ".agentpack/state")
    ran = moved(*words.split(), expect=6)
    assert ran.err.splitlines()[-3:] == [
        f"error: the source `team` is missing: there is no folder {tmp_path}/team",
        "  `data-reviewer` comes from it",
        "hint: restore the folder, or change `sources:` in agentpack.yaml",
    ]


def test_a_pack_that_no_other_source_has_may_be_in_the_missing_one(moved: Agentpack) -> None:
    moved("uninstall", "data-reviewer")
    ran = moved("install", "data-reviewer", expect=6)
    assert "  no source that can be read has a pack `data-reviewer`\n" in ran.err


def test_a_command_that_does_not_need_it_says_so_in_a_note(moved: Agentpack, tmp_path: Path) -> None:
    moved("uninstall", "data-reviewer")
    ran = moved("install", "python-reviewer")
    assert ran.err.endswith(f"note: the source `team` is missing: there is no folder {tmp_path}/team\n")
    assert "missing" not in moved("sync").err  # what is locked comes from another one


@pytest.mark.parametrize("words", ["status", "search reviewer", "audit --level error"])
def test_a_command_that_looks_goes_on_without_it(moved: Agentpack, words: str) -> None:
    assert "note: the source `team` is missing" in moved(*words.split()).err


def test_what_is_installed_is_checked_without_it(moved: Agentpack) -> None:
    assert moved("sync", "--check").err.endswith("\nnothing differs\n")
    moved("audit")
    shutil.rmtree(moved.folder / ".agentpack/state")
    assert "AP207 release-unread: the source `team` is missing" in moved("audit", expect=1).out


def test_a_source_that_is_there_and_lacks_the_release_is_not_called_missing(moved: Agentpack, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    shutil.rmtree(moved.folder / ".agentpack/state")
    assert "the source `team` does not have 1.0.0 of it\n" in moved("audit", expect=1).out
    manifest = moved.folder / "agentpack.yaml"
    lines = [line for line in manifest.read_text().splitlines() if "team" not in line and "sources" not in line]
    manifest.write_text("\n".join(lines) + "\n")
    assert "the source `team` is not configured\n" in moved("audit", expect=1).out


def test_a_pack_does_not_move_to_another_source_because_its_own_is_missing() -> None:
    near, far = MemorySource("near"), MemorySource("far", make_pack())
    sources = Sources([near, far], missing=["near"])
    sources.locked = {NAME: LOCKED}
    with pytest.raises(Unavailable, match="the source `near` is missing"):
        sources.releases(NAME)


def test_a_source_outside_of_the_project_is_pointed_out(agentpack: Agentpack, tmp_path: Path) -> None:
    words = "is outside the project: other clones need"
    publish(tmp_path / "team", make_pack())
    publish(agentpack.folder / "inside", make_pack("team-lead", personas={"lead": persona_text("lead")}))
    assert f"note: the source `team` {words} ../team too" in agentpack("install", NAME, "--source", "../team").err
    assert words not in agentpack("install", "team-lead", "--source", "inside").err
    assert words not in agentpack("install", NAME).err
    assert words not in agentpack("install", NAME, "--source", str(tmp_path / "team"), "--user").err


@pytest.mark.many
@pytest.mark.parametrize(("gone", "code"), [("path: team", 6), ("path: ../private", 3), ('git: "file:///no/team"', 6)])
@pytest.mark.parametrize("words", ["install data-reviewer", "sync", "lock", "install data-reviewer --dry-run"])
def test_a_pack_of_a_later_source_does_not_stand_in_for_one_that_cannot_be_asked(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str, code: int, words: str
) -> None:
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", "/no")
    (tmp_path / "private").mkdir()
    publish(agentpack.folder / "anybody", make_pack())
    packs = "[]" if "install" in words else "[data-reviewer]"
    sources = f"  - {{name: team, {gone}}}\n  - {{name: anybody, path: anybody}}\n"
    text = f"schema: 1\nclients: [claude]\nsources:\n{sources}packs: {packs}\n"
    write_tree(agentpack.folder, {"agentpack.yaml": text})
    before = tree(agentpack.folder)
    refused = agentpack(*words.split(), expect=code)
    assert "error: the source `team`" in refused.err
    assert "  `data-reviewer` may come from it, and `team` is listed before `anybody`\n" in refused.err
    assert "hint: " in refused.err
    assert tree(agentpack.folder) == before
    named = "{require: data-reviewer, source: anybody}"
    assert "`agentpack install data-reviewer --source anybody` uses `anybody`" in refused.err
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace(f"packs: {packs}", f"packs: [{named}]"))
    agentpack("sync")
    manifest.write_text(manifest.read_text().replace(named, "data-reviewer"))
    agentpack("sync")  # the lock remembers it


def test_what_comes_with_agentpack_can_stand_behind_any_source(moved: Agentpack) -> None:
    moved("uninstall", "data-reviewer")
    assert "note: the source `team` is missing" in moved("install", "python-engineer").err


def test_a_search_and_an_adoption_go_on_without_a_pack_that_a_missing_source_may_have(
    moved: Agentpack, tmp_path: Path
) -> None:
    publish(tmp_path / "anybody", make_pack())
    moved("uninstall", "data-reviewer")
    moved("source", "add", "anybody", "../anybody")
    found = moved("search", "reviewer")
    assert "note: data-reviewer: the source `team` is missing" in found.err
    assert "python-reviewer" in found.out
    write_tree(moved.folder, {".claude/agents/mine.md": persona_text("mine")})
    moved("adopt")
    assert "source: anybody" not in (moved.folder / "agentpack.yaml").read_text()


def test_an_installed_pack_moves_to_no_other_source_because_its_own_has_it_no_longer(
    agentpack: Agentpack, tmp_path: Path
) -> None:
    publish(tmp_path / "team", make_pack())
    publish(tmp_path / "anybody", make_pack(version="9.0.0"))
    agentpack("source", "add", "team", "../team")
    agentpack("source", "add", "anybody", "../anybody")
    agentpack("install", "data-reviewer")
    shutil.rmtree(tmp_path / "team/data-reviewer")
    before = tree(agentpack.folder)
    for words in ("sync", "lock", "upgrade --yes", "install data-reviewer", "install python-engineer"):
        refused = agentpack(*words.split(), expect=4)
        assert refused.err.splitlines()[-3:] == [
            "error: the source `team` no longer has `data-reviewer`",
            "  `anybody` has a pack of the same name, which may be another one",
            "hint: `agentpack install data-reviewer --source anybody` uses `anybody`",
        ]
    assert "9.0.0" not in agentpack("status").out
    agentpack("diff")
    assert tree(agentpack.folder) == before
    for place in ("anybody", "../anybody"):
        moved = agentpack("install", "data-reviewer", "--source", place)
        assert "data-reviewer 1.0.0 from `team` -> 9.0.0 from `anybody`" in moved.err
        agentpack("rollback")


def test_a_source_that_is_named_is_not_agreed_to_by_that(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", "/no")
    publish(tmp_path / "mine", make_pack())
    write_tree(agentpack.folder, {"agentpack.yaml": "schema: 1\nsources: [{name: theirs, path: ../mine}]\npacks: []\n"})
    refused = agentpack("install", "data-reviewer", "--source", "theirs", expect=3)
    assert "`agentpack sync --accept outside:theirs`" in refused.err
    assert (
        "`--source thiers`: no such folder, archive or source"
        in (ran := agentpack("install", "data-reviewer", "--source", "thiers", expect=2)).err
    )
    assert "did you mean `theirs`?" in ran.err
    agentpack("install", "data-reviewer", "--source", "theirs", "--accept", "outside:theirs")


def test_a_collection_does_not_answer_for_a_source_that_cannot_be_asked(agentpack: Agentpack, tmp_path: Path) -> None:
    write_tree(agentpack.folder, {"shelf/data-reviewer/agents/reviewer.md": persona_text()})
    agentpack("source", "add", "team", "git+file:///no/team")
    agentpack("source", "add", "anybody", "shelf/data-reviewer")
    before = tree(agentpack.folder)
    assert "the source `team` at file:///no/team" in agentpack("install", "data-reviewer", expect=6).err
    assert tree(agentpack.folder) == before
    agentpack("install", "data-reviewer", "--source", "shelf/data-reviewer")


def test_an_edited_pack_in_a_folder_keeps_no_other_pack_back(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = publish(tmp_path / "team", make_pack(), make_pack("other", personas={"other": persona_text("other")}))
    agentpack("install", "data-reviewer", "other", "--source", str(folder))
    manifest = folder / "data-reviewer/1.0.0/personas/reviewer.md"
    manifest.write_text(manifest.read_text().replace("Look", "Look twice"))
    publish(folder, make_pack("other", "1.1.0", personas={"other": persona_text("other")}))
    before = (agentpack.folder / FILE).read_bytes()
    for words in ("install python-reviewer", "upgrade other", "uninstall python-reviewer"):
        ran = agentpack(*words.split(), *(["--yes"] if "upgrade" in words else []))
        assert (
            "note: data-reviewer 1.0.0 from `team` is not what was locked; it stays as it was installed until"
            in ran.err
        )
    assert "other 1.1.0" in agentpack("status").out
    assert (agentpack.folder / FILE).read_bytes() == before
    assert "is not what was locked" in agentpack("sync", "--locked", "--check", expect=1).out
    for words in ("upgrade", "upgrade --check"):
        assert "note: data-reviewer 1.0.0 from `team` is not what was locked" in agentpack(*words.split()).err
    for words in ("sync", "lock", "upgrade data-reviewer"):
        assert "is not what was locked" in agentpack(*words.split(), expect=5).err
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    agentpack("install", "python-reviewer", expect=5)
