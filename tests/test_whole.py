"""Files of no scope: nothing waits, no more is read than asked for, and nothing is written through what is there."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.crashing_disk import in_a_child

from agentpack.disk.atomic import open_regular, read_start, write_whole


def test_the_start_of_a_file_is_read_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    assert read_start(str(path), 4) == b"0123"
    assert read_start(str(path), 100) == b"0123456789"
    (tmp_path / "link").symlink_to(path)
    assert read_start(str(tmp_path / "link"), 1) == b"0"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "nothing"])
def test_what_is_no_file_is_told_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError):
        open_regular(str(path))


@pytest.mark.parametrize("name", ["a link", "another name"])
def test_what_a_file_is_linked_to_stays_as_it_is(tmp_path: Path, name: str) -> None:
    other, path = tmp_path / "other", tmp_path / "x"
    other.write_text("other")
    if name == "a link":
        path.symlink_to(other)
    else:
        os.link(other, path)
    write_whole(str(path), b"mine", mode=0o600)
    assert (other.read_text(), path.read_text()) == ("other", "mine")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError):
        write_whole(str(tmp_path / "x"), b"mine")
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux writes files without a name")
@pytest.mark.parametrize("call", ["open", "dup", "fsync", "link"])
def test_a_process_that_is_killed_leaves_nothing_beside_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def write_until_it_dies() -> None:
        before = getattr(os, call)

        def last(*words: Any, **more: Any) -> Any:
            before(*words, **more)
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(os, call, last)
        write_whole(str(tmp_path / "x"), b"mine", durable=True)

    assert in_a_child(write_until_it_dies) == -signal.SIGKILL
    assert os.listdir(tmp_path) == (["x"] if call == "link" else [])


def test_a_file_is_written_where_none_can_be_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "x"
    for data in (b"first", b"second"):
        write_whole(str(path), data, mode=0o640, durable=True)
        assert path.read_bytes() == data
    assert os.listdir(tmp_path) == ["x"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_takes_files_and_is_not_read_takes_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    try:
        write_whole(str(tmp_path / "x"), b"mine")
        write_whole(str(tmp_path / "x"), b"mine again")
    finally:
        tmp_path.chmod(0o700)
    assert (tmp_path / "x").read_bytes() == b"mine again"
