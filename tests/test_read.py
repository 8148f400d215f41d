"""A release becomes a pack: every fault of all its files at once, and what was checked once is not checked again."""

from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, read_files, release_of, variant_text

from agentpack.errors import InvalidFile
from agentpack.read import read_pack
from agentpack.store.validated import ValidatedCache


def faults(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        read_files(files)
    return [line.removeprefix("data-reviewer-1.0.0/") for line in refused.value.details]


def test_a_pack_has_personas_variants_and_parameters() -> None:
    files = make_pack(
        personas={"reviewer": persona_text(), "writer": persona_text("writer")},
        variants={"reviewer/terse": variant_text(), "writer/formal": variant_text()},
        parameters={"flag": {"type": "boolean", "default": True, "description": "x"}},
        personas_listed=None,
    )
    files["pack.yaml"] = files["pack.yaml"].replace(b"personas_listed: null\n", b"personas: [writer, reviewer]\n")
    found = read_files(files)
    assert (found.name, found.version, found.release, found.bare) == (
        "data-reviewer",
        "1.0.0",
        "data-reviewer 1.0.0",
        False,
    )
    assert sorted(found.personas) == ["reviewer", "writer"]
    assert found.variant_names == ["formal", "terse"]
    assert list(found.declarations) == ["flag"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            make_pack("other"),
            "pack.yaml: name: is `other`, but the source lists the pack as `data-reviewer`",
        ),
        (make_pack(version="2.0.0"), "pack.yaml: version: is 2.0.0, but the source offers it as 1.0.0"),
        (
            {"pack.yaml": make_pack()["pack.yaml"]},
            "pack.yaml: personas: the pack has no persona (put one in `personas/<name>.md`)",
        ),
        (
            make_pack(personas={"other": persona_text()}),
            "personas/other.md: name: `reviewer` differs from the file name",
        ),
        (
            make_pack(variants={"reviwer/terse": variant_text()}),
            "variants/reviwer/terse.md: there is no persona `reviwer` (did you mean `reviewer`?)",
        ),
        (
            make_pack(variants={"reviewer/Terse": variant_text()}),
            "variants/reviewer/Terse.md: `Terse` is not a valid variant",
        ),
        (
            make_pack(variants={"reviewer/a": variant_text(requires=["bb"]), "reviewer/b": variant_text()}),
            "variants/reviewer/a.md: names a variant `bb` that does not exist",
        ),
        (
            make_pack(files={"personas/deep/x.md": "x"}),
            "personas/deep/x.md: is in a place where no persona or variant is read",
        ),
        (make_pack(files={"variants/x.md": "x"}), "variants/x.md: is in a place where no persona or variant is read"),
    ],
)
def test_a_fault_of_the_pack_names_the_file(files: dict[str, bytes], fault: str) -> None:
    assert any(line.startswith(fault) for line in faults(files)), faults(files)


def test_a_list_of_personas_must_be_what_there_is() -> None:
    files = make_pack()
    files["pack.yaml"] += b"personas: [reviewer, writer]\n"
    assert faults(files) == ["pack.yaml: personas: does not list the files in `personas/` (reviewer)"]


def test_faults_of_all_files_come_together() -> None:
    files = make_pack(
        "other",
        personas={"reviewer": "no header", "writer": persona_text("writer", colour="red")},
        variants={"reviewer/terse": "no header"},
    )
    assert len(faults(files)) == 4


def test_other_files_are_left_alone() -> None:
    files = make_pack(files={"logo.png": b"\xff", "docs/x.md": "no header", "personas/notes.txt": "x"})
    assert list(read_files(files).personas) == ["reviewer"]


# -- what was checked is kept ------------------------------------------------------------------------------------------


def pack_again(files: dict[str, bytes], folder: Path) -> tuple[object, ...]:
    found = read_pack(release_of(files), ValidatedCache(str(folder)))
    variants = {persona: dict(own) for persona, own in found.variants.items()}
    return found.name, found.version, found.bare, found.header, dict(found.personas), variants, found.declarations


@pytest.mark.parametrize(
    "files",
    [
        make_pack(
            variants={"reviewer/terse": variant_text("## Rules {#rules}\n\n- New. {#new when=flag}\n")},
            parameters={"flag": {"type": "boolean", "default": True, "description": "x"}},
        ),
        {"agents/reviewer.md": b"---\nname: reviewer\ndescription: x\ncolor: red\n---\nText {{ x }}.\n"},
    ],
    ids=["pack", "bare"],
)
def test_a_pack_read_from_the_cache_is_the_pack_that_was_checked(files: dict[str, bytes], tmp_path: Path) -> None:
    first = pack_again(files, tmp_path / "cache")
    assert any((tmp_path / "cache").rglob("*"))
    assert pack_again(files, tmp_path / "cache") == first


def test_the_same_bytes_under_another_version_are_a_fault_even_when_they_are_known(tmp_path: Path) -> None:
    cache = ValidatedCache(str(tmp_path / "cache"))
    read_pack(release_of(make_pack()), cache)
    for _ in range(2):
        with pytest.raises(InvalidFile) as refused:
            read_pack(release_of(make_pack(), version="9.0.0"), cache)
        assert "is 1.0.0, but the source offers it as 9.0.0" in refused.value.details[0]
    assert read_pack(release_of(make_pack()), cache).version == "1.0.0"


def test_the_same_agents_in_two_folders_are_two_bare_packs(tmp_path: Path) -> None:
    files = {"reviewer.md": b"---\nname: reviewer\ndescription: x\n---\n"}
    cache = ValidatedCache(str(tmp_path / "cache"))
    for name in ("one", "two", "one"):
        assert read_pack(release_of(files, name), cache).name == name


def test_a_damaged_cache_is_passed_over(tmp_path: Path) -> None:
    files = make_pack()
    first = pack_again(files, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert pack_again(files, tmp_path / "cache") == first


def test_a_faulty_pack_is_not_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(InvalidFile):
            read_pack(release_of(make_pack("other")), ValidatedCache(str(tmp_path / "cache")))


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    assert read_pack(release_of(make_pack()), ValidatedCache(str(tmp_path / "cache"))).name == "data-reviewer"
