"""What is kept of a checked pack is that pack, and nothing is believed of it but under the digest of the bytes."""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from itertools import permutations
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from support.packs import make_pack, persona_text, publish, release_of, variant_text
from support.running import Agentpack

from agentpack.bundling import validated_packs
from agentpack.compose.compose import Pack, as_released, as_written, compose, draft_of, values_for
from agentpack.errors import Unavailable
from agentpack.fetch import Sources, fetch
from agentpack.model.pack import Release
from agentpack.read import check_pack, read_pack, to_pieces
from agentpack.sources.bundled import bundled_folder, bundled_source
from agentpack.store.validated import ValidatedCache, in_pieces, place

pytestmark = pytest.mark.usefixtures("unshipped")

ROOT = Path(__file__).parents[1]


def bundled() -> list[Release]:
    source = bundled_source()
    assert source is not None
    sources = Sources([source])
    return [fetch(ref, sources) for pack in sources.packs() for ref in sources.releases(pack)]


def unbundled() -> list[Release]:
    """Packs with what the bundled ones may lack: several personas, conditions, no manifest at all."""
    parameters = {"strict": {"type": "boolean", "default": False, "description": "Whether."}}
    body = "You look. {#identity}\n\n## A {#a}\n\n- Always. {#x}\n- Seldom. {#y when=strict}\n"
    personas = {name: persona_text(name, body) for name in ("one", "two")}
    full = make_pack(
        "many",
        personas=personas,
        parameters=parameters,
        variants={"two/more": variant_text("## B {#b}\n\n- Ä. {#z}\n")},
    )
    bare = {
        "agents/someone.md": b"---\nname: someone\ndescription: Looks.\n---\nYou look {{ closely }}.\n",
        "agents/windows.md": b"\xef\xbb\xbf---\r\nname: other\r\ndescription: Reads.\r\n---\r\nYou \xc3\xa9.\r\n",
        ".codex/agents/third.toml": b'name = "third"\ndescription = "Runs."\ndeveloper_instructions = "Run.\\nNow."\n',
    }
    return [release_of(full, "many"), release_of(bare, "bare", "0.0.0")]


def same(kept: Pack, fresh: Pack) -> None:
    assert (kept.name, kept.version, kept.bare, kept.header) == (fresh.name, fresh.version, fresh.bare, fresh.header)
    assert kept.declarations == fresh.declarations
    assert dict(kept.personas) == fresh.personas
    assert {persona: dict(own) for persona, own in kept.variants.items()} == fresh.variants
    assert kept.variant_names == fresh.variant_names
    assert list(kept.prepared) == [name for name, own in fresh.personas.items() if "extends" not in own.header]
    for name, ready in kept.prepared.items():
        composed = as_released(fresh, name)
        assert (ready.name, dict(ready.fields), ready.body) == (name, dict(composed.fields), composed.body)
        assert ready.sections == composed.sections
        assert ready == composed
        assert ready.named("other").body == composed.body


@pytest.mark.many
@pytest.mark.parametrize("release", [*bundled(), *unbundled()], ids=lambda release: f"{release.pack}-{release.version}")
def test_a_pack_kept_is_the_pack_that_was_checked(tmp_path: Path, release: Release) -> None:
    cache = ValidatedCache(str(tmp_path))
    same(read_pack(release, cache)._replace(prepared=read_pack(release, cache).prepared), check_pack(release))
    same(read_pack(release, cache), check_pack(release))


@pytest.mark.parametrize("release", [*bundled(), *unbundled()], ids=lambda release: f"{release.pack}-{release.version}")
def test_a_persona_as_released_is_the_one_composed_without_variants(release: Release) -> None:
    pack = check_pack(release)
    for name, layer in pack.personas.items():
        if "extends" not in layer.header:
            draft = draft_of(pack, name, (), {})
            values = values_for(draft, pack.declarations, {}, pack.release)
            composed = as_written(draft) if pack.bare else compose(draft, values)
            ready = as_released(pack, name)
            assert (ready, ready.body) == (composed, composed.body)


def test_the_build_makes_of_each_bundled_pack_what_reading_it_gives(tmp_path: Path) -> None:
    folder = bundled_folder()
    assert folder is not None
    made = dict(validated_packs(folder))
    assert made == dict(validated_packs(folder))
    assert sorted(made) == sorted(place("pack", release.digest) for release in bundled())
    for name, content in made.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    for release in bundled():
        empty = release._replace(files={})  # nothing but the shipped file can answer
        same(read_pack(empty, ValidatedCache(None, str(tmp_path))), check_pack(release))


def test_other_bytes_are_checked_themselves(tmp_path: Path) -> None:
    cache = ValidatedCache(str(tmp_path))
    before = release_of(make_pack(description="Before."))
    after = release_of(make_pack(description="After."))
    assert read_pack(before, cache).header["description"] == "Before."
    assert read_pack(after, cache).header["description"] == "After."
    assert cache.pieces("pack", after.digest) is not None
    assert ValidatedCache(str(tmp_path), None).pieces("pack", "sha256:" + "0" * 64) is None


@pytest.mark.parametrize("length", [0, 5, 16, 40, -1])
def test_a_file_that_was_cut_off_is_passed_over(tmp_path: Path, length: int) -> None:
    cache = ValidatedCache(str(tmp_path))
    release = release_of(make_pack())
    read_pack(release, cache)
    path = tmp_path / place("pack", release.digest)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.pieces("pack", release.digest) is None
    assert dict(read_pack(release, cache).personas) == check_pack(release).personas
    assert path.read_bytes() == to_pieces(check_pack(release), release.digest)


def test_a_damaged_file_is_removed_so_that_the_next_command_makes_it_again(tmp_path: Path) -> None:
    cache = ValidatedCache(str(tmp_path))
    release = release_of(make_pack())
    read_pack(release, cache)
    path = tmp_path / place("pack", release.digest)
    data = path.read_bytes()
    path.write_bytes(data[:-40] + b"\0" * 40)
    with pytest.raises(Unavailable, match="was damaged and has been removed"):
        dict(read_pack(release, cache).personas)
    same(read_pack(release, cache)._replace(prepared=read_pack(release, cache).prepared), check_pack(release))


def test_pieces_are_read_in_any_order(tmp_path: Path) -> None:
    """Those that follow one that was read are read with it: one that comes before them is not looked for there."""
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    texts = {name: name * 100_000 for name in "abc"}
    cache.put_pieces("pack", digest, in_pieces(texts.items(), digest))
    for order in permutations(texts):
        pieces = cache.pieces("pack", digest)
        assert pieces is not None
        assert {name: pieces.text(name) for name in order} == texts


def test_the_index_of_many_pieces_is_read_whole(tmp_path: Path) -> None:
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    texts = {f"personas/{number:05}": str(number) for number in range(5_000)}
    cache.put_pieces("pack", digest, in_pieces(texts.items(), digest))
    pieces = cache.pieces("pack", digest)
    assert pieces is not None
    assert pieces.text("personas/04999") == "4999"
    assert "personas/05000" not in pieces


def test_a_damaged_body_is_noticed(tmp_path: Path) -> None:
    cache = ValidatedCache(str(tmp_path))
    release = release_of(make_pack())
    read_pack(release, cache)
    path = tmp_path / place("pack", release.digest)
    body = check_pack(release).personas["reviewer"].sections[1].rules[0].text.encode()
    path.write_bytes(path.read_bytes().replace(body, b"\0" * len(body)))
    with pytest.raises(Unavailable, match="was damaged and has been removed"):
        _ = read_pack(release, cache).prepared["reviewer"].body


# Who could have written it.


def kept(tmp_path: Path) -> tuple[ValidatedCache, str, Path]:
    """A cache with one document in it, its digest, and its file."""
    cache, digest = ValidatedCache(str(tmp_path / "cache")), "sha256:" + "1" * 64
    cache.put("manifest", digest, {"packs": []})
    cache.put_pieces("pack", digest, in_pieces([("text", "You look.")], digest))
    return cache, digest, tmp_path / "cache"


def told(cache: ValidatedCache, digest: str) -> tuple[bool, bool]:
    """Whether the document and the pieces are found."""
    return cache.get("manifest", digest) is not None, cache.pieces("pack", digest) is not None


@pytest.mark.parametrize("mask", [0, 0o002, 0o022, 0o077])
def test_what_was_kept_is_believed_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        cache, digest, _ = kept(tmp_path)
    finally:
        os.umask(before)
    assert told(cache, digest) == (True, True)


@pytest.mark.parametrize("mode", [0o660, 0o606])
def test_a_file_that_others_may_write_to_is_passed_over(tmp_path: Path, mode: int) -> None:
    cache, digest, folder = kept(tmp_path)
    for path in folder.glob("*/*"):
        path.chmod(mode)
    assert told(cache, digest) == (False, False)
    cache.put("manifest", digest, {"packs": []})
    assert told(cache, digest) == (True, False)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_to_is_passed_over_and_left_alone(tmp_path: Path, mode: int) -> None:
    cache, digest, folder = kept(tmp_path)
    for path in folder.iterdir():
        path.chmod(mode)
    assert told(cache, digest) == (False, False)
    (file,) = folder.glob("manifest-*/*")
    written = file.stat().st_mtime_ns
    cache.put("manifest", digest, {"packs": ["other"]})
    assert file.stat().st_mtime_ns == written


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["*", "*/*"])
def test_what_is_somebody_elses_is_passed_over(tmp_path: Path, what: str) -> None:
    cache, digest, folder = kept(tmp_path)
    for path in folder.glob(what):
        os.chown(path, 12345, 12345)
    assert told(cache, digest) == (False, False)


def test_a_link_in_the_place_of_what_was_kept_is_passed_over_and_replaced(tmp_path: Path) -> None:
    cache, digest, folder = kept(tmp_path)
    for path in folder.glob("*/*"):
        path.rename(tmp_path / path.parent.name)
        path.symlink_to(tmp_path / path.parent.name)
    assert told(cache, digest) == (False, False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    cache.put("manifest", digest, {"packs": ["other"]})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert cache.get("manifest", digest) == {"packs": ["other"]}


def test_pieces_whose_file_others_may_write_to_by_now_are_not_read_on(tmp_path: Path) -> None:
    cache, digest, folder = kept(tmp_path)
    pieces = cache.pieces("pack", digest)
    assert pieces is not None
    (file,) = folder.glob("pack-*/*")
    file.chmod(0o666)
    with pytest.raises(Unavailable, match="removed"):
        pieces.text("text")


def test_what_comes_with_the_installation_is_believed_as_its_code_is(tmp_path: Path) -> None:
    _, digest, folder = kept(tmp_path)
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        path.chmod(0o777)
    assert ValidatedCache(None, str(folder)).pieces("pack", digest) is not None


@pytest.mark.campaign
@pytest.mark.slow
def test_a_wheel_has_them_and_is_the_same_when_built_again(tmp_path: Path) -> None:
    wheels = []
    for number in ("1", "2"):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / number)]
        subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
        wheels.append(next((tmp_path / number).glob("*.whl")))
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = [name for name in wheel.namelist() if "/.validated/" in name]
        for release in bundled():
            name = f"agentpack/_packs/.validated/{place('pack', release.digest)}"
            assert wheel.read(name) == to_pieces(check_pack(release), release.digest)
            names.remove(name)
    assert names == []


def test_a_document_that_does_not_come_to_its_sum_is_passed_over(tmp_path: Path) -> None:
    """It would be read as another one: a manifest that wants nothing, for instance."""
    cache = ValidatedCache(str(tmp_path / "cache"))
    cache.put("manifest", "sha256:" + "0" * 64, {"packs": ["a"]})
    (place,) = (tmp_path / "cache").glob("*/*")
    assert cache.get("manifest", "sha256:" + "0" * 64) == {"packs": ["a"]}
    honest = place.read_bytes()
    place.write_bytes(honest.replace(b'["a"]', b"[]"))
    assert cache.get("manifest", "sha256:" + "0" * 64) is None
    place.with_stem("1" * 64).write_bytes(honest)
    assert cache.get("manifest", "sha256:" + "1" * 64) is None


def test_no_byte_of_kept_pieces_changes_unnoticed(tmp_path: Path) -> None:
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    honest: dict[str, Any] = {"header": {"name": "kit", "on": True, "count": 12}, "body/one": "You look."}
    cache.put_pieces("pack", digest, in_pieces(honest.items(), digest))
    path = tmp_path / place("pack", digest)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(bytes(byte ^ (0x01 if number == at else 0) for number, byte in enumerate(whole)))
        kept = cache.pieces("pack", digest)
        with suppress(Unavailable):
            found = kept and {"header": kept["header"], "body/one": kept.text("body/one")}
            assert found in (None, honest), at


@pytest.mark.parametrize("text", ["You look.", "", "[" * 100_000], ids=["words", "nothing", "too deep"])
def test_a_piece_that_is_no_json_is_damage(tmp_path: Path, text: str) -> None:
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    cache.put_pieces("pack", digest, in_pieces([("header", text)], digest))
    kept = cache.pieces("pack", digest)
    assert kept is not None
    with pytest.raises(Unavailable, match="was damaged and has been removed"):
        kept["header"]
    assert cache.pieces("pack", digest) is None


@pytest.mark.parametrize("row", [[0, 9], "009", ["0", 9, 0], [-9, 9, 0], [0, -9, 0], [0, 1 << 62, 0], [0, 9, "0"]])
def test_an_index_that_leads_nowhere_is_damage(tmp_path: Path, row: object) -> None:
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    head = json.dumps([{"text": row}, 9]).encode()
    told = b"%08x" % crc32(head, crc32(digest.encode()))
    cache.put_pieces("pack", digest, [b"%7x%s\n" % (len(head), told), head, b"You look."])
    kept = cache.pieces("pack", digest)
    assert kept is not None
    with pytest.raises(Unavailable, match="was damaged and has been removed"):
        kept.text("text")
    assert cache.pieces("pack", digest) is None
    with pytest.raises(Unavailable, match="is damaged, and cannot be removed"):
        kept.text("text")


def test_an_index_of_something_else_than_pieces_is_passed_over(tmp_path: Path) -> None:
    cache, digest = ValidatedCache(str(tmp_path)), "sha256:" + "1" * 64
    indexes: tuple[Any, ...] = ([["text"], 9], [{}, 8], [{}, 10], [{}], {})
    for index in indexes:
        head = json.dumps(index).encode()
        told = b"%08x" % crc32(head, crc32(digest.encode()))
        cache.put_pieces("pack", digest, [b"%7x%s\n" % (len(head), told), head, b"You look."])
        assert cache.pieces("pack", digest) is None


def test_a_kept_pack_counts_under_its_own_digest_only(agentpack: Agentpack, project: Path, home: Path) -> None:
    """Of another pack with the same name and version, for instance, which then would be installed in its place."""
    for folder, word in (("ours", "look"), ("theirs", "run it")):
        publish(project / folder, make_pack(personas={"reviewer": persona_text(body=f"You {word}.\n")}))
        agentpack("install", "data-reviewer", "--source", folder, "--client", "claude", "--dry-run")
    one, other = sorted((home / ".cache/agentpack").glob("pack-*/*.json"))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    agentpack("install", "data-reviewer", "--source", "ours", "--client", "claude")
    assert "You look." in (project / ".claude/agents/reviewer.md").read_text()
    assert (one.read_bytes() == first) != (other.read_bytes() == second)


def test_pieces_in_the_format_without_checksums_are_dropped_and_written_again(agentpack: Agentpack, home: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    (kept,) = (home / ".cache/agentpack").glob("pack-*/*.json")
    today = kept.read_bytes()
    length = int(today[:7], 16)
    index, size = json.loads(today[16 : 16 + length])
    head = json.dumps([{name: row[:2] for name, row in index.items()}, size]).encode()
    kept.write_bytes(b"%15d\n%s%s" % (len(head), head, today[16 + length :]))
    ran = agentpack("render", "python-engineer", "--client", "claude")
    assert "damaged" not in ran.err
    assert kept.read_bytes() == today
