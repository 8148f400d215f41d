"""Which files agentpack wrote last: the lock says so, and for files that git does not track the newest generation."""

from collections.abc import Collection

import pytest

from agentpack.model.history import Generation, InstalledFile
from agentpack.model.lock import Lock, LockedFile
from agentpack.model.names import Digest
from agentpack.workspace.recorded import locked_files, recorded_files

PATH = ".claude/agents/one.md"
NEW, OLD = "a" * 64, "b" * 64
ROW = LockedFile(PATH, "claude", "kit", "one", NEW)


def file(text: str = NEW, path: str = PATH, mode: int = 0o640) -> InstalledFile:
    digest = Digest(f"sha256:{text}")
    return InstalledFile(path, "claude", "kit", "one", digest, digest, mode)


def generation(*files: InstalledFile, elsewhere: tuple[InstalledFile, ...] = ()) -> Generation:
    return Generation(1, 0, "2026-11-30T10:00:00Z", "install", (), files, (), elsewhere=elsewhere)


def lock(*rows: LockedFile) -> Lock:
    return Lock({}, ("claude",), (), rows)


def recorded(
    now: Lock | None, left: Generation | None, *, there: Collection[str] = (PATH,), tracked: Collection[str] = ()
) -> dict[str, InstalledFile]:
    asked: list[str] = []

    def git_tracks(paths: Collection[str]) -> Collection[str]:
        asked.extend(paths)
        return {path for path in paths if path in tracked}

    found = recorded_files(now, left, there=there.__contains__, tracked=git_tracks)
    assert [path for path in asked if path not in {one.path for one in (left.files if left else ())}] == []
    return found


def test_the_rows_of_a_lock_are_files_without_a_mode() -> None:
    assert locked_files(lock(ROW)) == {PATH: file(mode=0)}


@pytest.mark.parametrize("tracked", [(), (PATH,)])
@pytest.mark.parametrize("there", [(), (PATH,)])
def test_the_lock_alone_says_it_and_a_generation_of_the_same_text_knows_the_mode(
    there: Collection[str], tracked: Collection[str]
) -> None:
    given = {"there": there, "tracked": tracked}
    assert recorded(None, None, **given) == {}
    assert recorded(lock(ROW), None, **given) == {PATH: file(mode=0)}
    assert recorded(lock(ROW), generation(), **given) == {PATH: file(mode=0)}
    assert recorded(lock(ROW), generation(file()), **given) == {PATH: file()}


def test_of_two_texts_git_s_is_that_of_the_lock_and_else_the_newest_generation_counts() -> None:
    for there in ((), (PATH,)):
        assert recorded(lock(ROW), generation(file(OLD)), there=there) == {PATH: file(OLD)}
        assert recorded(lock(ROW), generation(file(OLD)), there=there, tracked=[PATH]) == {PATH: file(mode=0)}


def test_a_file_that_the_lock_lacks_counts_while_it_is_there_and_git_does_not_have_it() -> None:
    for now in (None, lock()):
        assert recorded(now, generation(file())) == {PATH: file()}
        assert recorded(now, generation(file()), tracked=[PATH]) == {}
        assert recorded(now, generation(file()), there=()) == {}


def test_a_file_that_was_written_elsewhere_is_not_where_the_lock_has_it() -> None:
    away = generation(elsewhere=(file(path="$CLAUDE_CONFIG_DIR@0badcafe/agents/one.md"),))
    other = ROW._replace(path=".codex/agents/one.toml", client="codex")
    assert [*recorded(lock(ROW, other), away)] == [other.path]
    for more in ({"client": "codex"}, {"pack": "other"}, {"persona": "two"}):
        assert [*recorded(lock(ROW._replace(**more)), away)] == [PATH]
