"""Files of no scope: nothing waits, no more is read than asked for, and nothing is written through what is there."""

import os
from pathlib import Path

import pytest

from agentpack.disk.whole import open_regular, read_start, write_whole


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
