"""The cache of a user: what is counted, what is deleted, and what runs beside it."""

import fcntl
import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from support.cases import case
from support.running import Agentpack
from support.trees import everything, write_tree

from agentpack.commands.cache import CONTENTS, DOCUMENTS, REPOSITORIES, cache_list, cache_prune
from agentpack.model.dates import DAY, seconds
from agentpack.remote.cache import CachedAnswer, ContentCache

pytestmark = pytest.mark.usefixtures("unshipped")

NOW = "2026-11-30T12:00:00Z"
HEX = sha256(b"x").hexdigest()
OURS = {
    f"content/objects/{HEX[:2]}/{HEX}": CONTENTS,
    f"content/objects/{HEX[:2]}/{HEX}.0a1b2c3d.new": CONTENTS,
    f"content/releases/{HEX[:2]}/{HEX}": CONTENTS,
    f"content/answers/{HEX[:2]}/{HEX}": CONTENTS,
    f"manifest-12-0.1.0/{HEX}.json": DOCUMENTS,
    f"git/{HEX[:24]}.git/config": REPOSITORIES,
    f"git/{HEX[:24]}.git.0a1b2c3d.new/config": REPOSITORIES,
    f"git/{HEX[:24]}.git.0a1b2c3d.gone/config": REPOSITORIES,
}
FOREIGN = (
    "notes.txt",
    f"content/{HEX}",
    "content/objects/aa/readme",
    f"pip-1/{HEX}.txt",
    "git/mine/config",
    f"x/{HEX}",
)


def days_old(path: Path, days: float) -> None:
    time = (seconds(NOW) or 0) - days * DAY
    for one in (path, *path.rglob("*")):
        os.utime(one, (time, time), follow_symlinks=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache with a file of each kind, and files of others; all was used ten days ago."""
    folder = write_tree(tmp_path / "cache", dict.fromkeys((*OURS, *FOREIGN), b"12345"))
    (folder / f"git/{HEX[:24]}.git/address").write_text("https://ada:s3cr3t@example.com/kit.git\n")
    days_old(folder, 10)
    return folder


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_agentpack_put_there_is_listed_and_nothing_else(folder: Path) -> None:
    found = cache_list(str(folder))
    mirror = {path.partition(".git")[0] for path in OURS if path.startswith("git/")}
    assert sorted(one.kind for one in found) == sorted(OURS.values())
    assert {one.path.removeprefix(f"{folder}/").partition(".git")[0] for one in found} == {
        *(path for path in OURS if not path.startswith("git/")),
        *mirror,
    }
    assert [one.name for one in found if one.name.startswith("https")] == ["https://***@example.com/kit.git"]
    assert {one.size for one in found if one.kind != REPOSITORIES} == {5}
    assert cache_list(str(folder / "nowhere")) == ()


def test_what_was_not_used_for_long_is_deleted(folder: Path) -> None:
    before = everything(folder)
    days_old(folder, 10)
    assert cache_prune(str(folder), NOW, 11).gone == ()
    assert len(cache_prune(str(folder), NOW, 9, dry_run=True).gone) == len(OURS)
    assert everything(folder) == before
    days_old(folder, 10)  # looking is use
    pruned = cache_prune(str(folder), NOW, 9)
    assert (len(pruned.gone), pruned.busy) == (len(OURS), ())
    assert left(folder) == {*FOREIGN}


def test_all_deletes_what_is_new_too_but_not_what_another_command_is_writing(folder: Path) -> None:
    days_old(folder, 0)
    cache_prune(str(folder), NOW, 0)
    assert left(folder) == {*FOREIGN, *(path for path in OURS if ".new" in path)}


def test_reading_a_content_keeps_it(folder: Path) -> None:
    cache = ContentCache(str(folder / "content"))
    used, unused = cache.add(b"used"), cache.add(b"unused")
    added = cache.add(b"added again")
    cache.add_answer("https://example.com/", CachedAnswer('"1"', used))
    days_old(folder, 10)
    assert cache.read(used) == b"used"
    assert cache.add(b"added again") == added
    assert cache.answer("https://example.com/") is not None
    cache_prune(str(folder), NOW, 9)
    assert (cache.read(used), cache.read(added), cache.read(unused)) == (b"used", b"added again", None)
    assert cache.answer("https://example.com/") == CachedAnswer('"1"', used)


def test_a_repository_that_is_being_fetched_into_stays(folder: Path) -> None:
    mirror = folder / f"git/{HEX[:24]}.git"
    with open(mirror / "agentpack.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        pruned = cache_prune(str(folder), NOW, 0)
        assert [one.path for one in pruned.busy] == [str(mirror)]
        assert (mirror / "config").is_file()
    assert cache_prune(str(folder), NOW, 0).busy == ()
    assert not mirror.exists()


def test_a_link_in_the_cache_is_not_followed(folder: Path, tmp_path: Path) -> None:
    other = write_tree(tmp_path / "other", {f"content/objects/{HEX[:2]}/{HEX}": b"theirs", "agentpack.lock": b"theirs"})
    (folder / f"content/objects/{HEX[:2]}/{'0' * 64}").symlink_to(other / f"content/objects/{HEX[:2]}/{HEX}")
    (folder / "content/linked").symlink_to(other / "content")
    (folder / f"git/{'0' * 24}.git").symlink_to(other)
    before = everything(other)
    cache_prune(str(folder), NOW, 0)
    assert everything(other) == before


def test_contents_may_be_deleted_while_others_read_and_write_them(tmp_path: Path) -> None:
    cache, stop = ContentCache(str(tmp_path / "cache/content")), threading.Event()
    texts = [str(number).encode() for number in range(20)]
    wrong: list[bytes] = []

    def work() -> None:
        while not stop.is_set():
            for text in texts:
                found = cache.read(cache.add(text))
                if found not in (text, None):
                    wrong.append(text)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        rounds = deleted = 0
        while rounds < 40 or not deleted:
            rounds, deleted = rounds + 1, deleted + len(cache_prune(str(tmp_path / "cache"), NOW, 0).gone)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.name.endswith(".new")]


# The commands.


def test_the_commands_tell_what_is_there_and_what_they_deleted(agentpack: Agentpack) -> None:
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "agentpack"
    cache = ContentCache(f"{folder}/content")
    hex = cache.add(b"12345")
    write_tree(folder / f"git/{HEX[:24]}.git", {"address": b"https://example.com/kit.git\n", "HEAD": b"x" * 2000})
    listed = agentpack("cache", "list")
    assert str(folder) in listed.err
    assert "contents\t1\t5 bytes" in listed.out
    assert "https://example.com/kit.git\t2.0 KiB\t" in listed.out
    data = agentpack("cache", "list", "--json").envelope["data"]
    assert data["folder"] == str(folder)
    assert data["kinds"][0] == {"kind": CONTENTS, "entries": 1, "bytes": 5}
    assert [(row["address"], row["bytes"]) for row in data["repositories"]] == [("https://example.com/kit.git", 2028)]
    assert "everything was used in the last 30 days" in agentpack("cache", "prune").err
    dry = agentpack("cache", "prune", "--all", "--dry-run")
    assert "contents: 1 would be deleted, 5 bytes" in dry.err
    assert "dry run: nothing was deleted" in dry.err
    assert cache.read(hex) == b"12345"
    data = agentpack("cache", "prune", "--all", "--json").envelope["data"]
    assert [row["entries"] for row in data["deleted"]][:2] == [1, 1]
    assert (data["dry_run"], data["kept"]) == (False, [])
    assert cache.read(hex) is None
    assert "nothing to delete" in agentpack("cache", "prune", "--all").err


def test_what_prune_cannot_understand_is_refused(agentpack: Agentpack) -> None:
    for words in ("--days 0", "--days -1", "--days soon", "--all --days 3", "--everything"):
        with case(words):
            agentpack("cache", "prune", *words.split(), expect=2)
    assert "list" in agentpack("cache").out
    agentpack("cache", "empty", expect=2)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        ((1 << 20) - 1, "1024.0 KiB"),
        (1 << 20, "1.0 MiB"),
        (5 << 19, "2.5 MiB"),
    ],
)
def test_sizes_are_told_in_words(agentpack: Agentpack, size: int, words: str) -> None:
    ContentCache(os.environ["XDG_CACHE_HOME"] + "/agentpack/content").add(bytes(size))
    assert agentpack("cache", "list").out.splitlines() == [
        "kind\tentries\tsize",
        f"contents\t1\t{words}",
        "repositories\t0\t0 bytes",
        "documents\t0\t0 bytes",
    ]
    assert agentpack("cache", "prune", "--all", "--dry-run").err == (
        f"contents: 1 would be deleted, {words}\ndry run: nothing was deleted\n"
    )
    assert agentpack("cache", "prune", "--all").err == f"contents: 1 deleted, {words}\n"
