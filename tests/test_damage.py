"""Damaged state: whatever stands where a file of agentpack's should, each command says what is wrong and what to do.

Never a bug, never a guess: the files of the user are as they were.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.effort import every, usually
from support.packs import make_pack, publish
from support.running import Agentpack
from support.trees import tree

from agentpack.model.names import digest_of

pytestmark = [pytest.mark.campaign, pytest.mark.usefixtures("unshipped")]

STATE = ".agentpack/state"
PLACES: Mapping[str, str] = {
    "lock": "agentpack.lock",
    "manifest": "agentpack.yaml",
    "pointer": f"{STATE}/current",
    "record": f"{STATE}/generations/000002.json",
    "older record": f"{STATE}/generations/000001.json",
    "contents": f"{STATE}/blobs/000001.pack",
    "process lock": f"{STATE}/lock",
    "journal": f"{STATE}/journal",
    "undecided journal": f"{STATE}/journal.new",
}
COMMANDS = (["status"], ["diff"], ["install", "python-engineer"], ["rollback", "--dry-run"], ["doctor"], ["history"])


STRIDE = usually(3, thorough=1)
"""Of so many commands over a damage one is tried, and of so many values one is exchanged: another one for each damage
or place that follows, so that each damage meets each command, and each place both.
"""


def put(data: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    return damage


def link(target: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return damage


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def cut(path: Path) -> None:
    data = path.read_bytes() if path.exists() else b""
    put(data[: len(data) - 5])(path)


def large(path: Path) -> None:
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        file.truncate(100 << 20)


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "empty": put(b""),
    "text": put(b"hello\n"),
    "not UTF-8": put(b"\xff\xfe\x00"),
    "zero bytes": put(bytes(100)),
    "a list": put(b"[]"),
    "another map": put(b'{"other": 1}'),
    "a huge number": put(b"9" * 5000),
    "deep lists": put(b"[" * 100_000),
    "deep maps": put(b'{"a":' * 50_000),
    "cut off": cut,
    "100 MiB": large,
    "a folder": folder,
    "a pipe": pipe,
    "a link to endless zeros": link("/dev/zero"),
    "a link to nowhere": link("nowhere"),
}


NO_TEXT = ("100 MiB", "a folder", "a pipe", "a link to endless zeros")
DESERVED: Mapping[str, tuple[str, str, str]] = {
    "lock": ("2 2 2 3 1 0", "5 5 5 5 1 0", "0 1 5 3 0 0"),
    "manifest": ("2 2 2 3 1 0", "5 5 5 5 1 0", "0 1 5 3 0 0"),
    "pointer": ("5 5 5 5 1 5", "5 5 5 5 1 5", "5 5 5 5 1 5"),
    "record": ("5 5 5 5 1 5", "5 5 5 5 1 5", "5 5 5 5 1 5"),
    "older record": ("0 0 0 5 1 5", "0 0 0 5 1 5", "0 0 0 5 1 5"),
    "contents": ("0 0 0 5 1 0", "0 0 0 5 1 0", "0 0 0 5 1 0"),
    "process lock": ("0 0 0 0 0 0", "0 0 0 0 1 0", "0 0 0 0 1 0"),
    "journal": ("5 5 5 5 1 5", "5 5 5 5 1 5", "0 0 0 0 0 0"),
    "undecided journal": ("0 0 0 0 0 0", "5 5 5 5 1 5", "0 0 0 0 0 0"),
}
"""The exit codes of `COMMANDS` over a text that is none of agentpack's, over what is no text, and over a link to
nowhere, which is as good as nothing; but a history without its pointer is damage too. A file of people's that does not
read is a usage error, and what stands in its place refused; a rollback meets an edit. What a command does not need does
not keep it from its work, and `doctor` tells of it. What is left of the process lock and of a change that was never
decided is taken for nothing.
"""


def installed(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer")
    agentpack("install", "python-engineer[strict-typing]")


def deserved(what: str, damage: str) -> list[int]:
    column = 2 if damage == "a link to nowhere" else damage in NO_TEXT and (what, damage) != ("process lock", "100 MiB")
    return [int(code) for code in DESERVED[what][column].split()]


def assert_told(agentpack: Agentpack, command: list[str], what: str, damage: str, code: int) -> None:
    """The command ends as it should; where the damage stops it, it names the place and says what to do."""
    ran = agentpack(*command, expect=None)
    said = f"{damage}, {command}: exit {ran.exit_code} instead of {code}\n{ran.out}{ran.err}"
    assert ran.exit_code == code or (what == "contents" and code == 5 and ran.exit_code == 6), said
    if command == ["doctor"] and code:
        assert "problem  " in ran.out, said
    elif code > 3:
        assert Path(PLACES[what]).name in ran.err, said
    if code > 1 and not (what == "manifest" and code == 2):  # a fault of YAML says itself what is wrong, and the line
        assert "hint: " in ran.err, said


@pytest.mark.untraced
@pytest.mark.parametrize("what", PLACES)
def test_whatever_stands_in_its_place_is_told_and_no_bug(agentpack: Agentpack, tmp_path: Path, what: str) -> None:
    installed(agentpack)
    good = shutil.copytree(agentpack.folder, tmp_path / "good")
    agents = tree(good / ".claude")
    for number, (name, damage) in enumerate(DAMAGES.items(), list(PLACES).index(what)):
        for command, code in every(STRIDE, zip(COMMANDS, deserved(what, name), strict=True), number):
            shutil.rmtree(agentpack.folder)
            shutil.copytree(good, agentpack.folder)
            damage(agentpack.folder / PLACES[what])
            assert_told(agentpack, command, what, name, code)
            assert tree(agentpack.folder / ".claude") == agents, (name, command)


@pytest.mark.parametrize(("what", "other"), [("record", "older record"), ("older record", "record")])
def test_the_record_of_another_generation_is_damage(agentpack: Agentpack, what: str, other: str) -> None:
    installed(agentpack)
    shutil.copy(agentpack.folder / PLACES[other], agentpack.folder / PLACES[what])
    for command, code in zip(COMMANDS, deserved(what, "text"), strict=True):
        assert_told(agentpack, command, what, "another record", code)


def test_a_history_without_its_pointer_is_kept_whatever_was_edited_since(agentpack: Agentpack) -> None:
    """It is longer than what a first change could have left that a loss of power made undone."""
    installed(agentpack)
    agentpack("install", "python-engineer[data-pipeline]")
    with open(agentpack.folder / PLACES["manifest"], "a", encoding="utf-8") as file:
        file.write("# ours\n")
    (agentpack.folder / PLACES["pointer"]).unlink()
    kept = {name: tree(agentpack.folder / STATE / name) for name in ("generations", "blobs")}
    for command, code in zip(COMMANDS, deserved("pointer", "text"), strict=True):
        assert_told(agentpack, command, "pointer", "gone", code)
    assert kept == {name: tree(agentpack.folder / STATE / name) for name in kept}


def every_value(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each value in the data; of a list to its first one only."""
    if path:
        yield path
    keys = value if isinstance(value, dict) else range(min(len(value), 1)) if isinstance(value, list) else ()
    for key in keys:
        yield from every_value(value[key], (*path, key))


OTHERS: list[object] = [None, -1, 10**30, 1.5, True, "../../x", "a\0b", "\ud800", "/etc/passwd", "sha256:zz", [], {}]
OTHERS += [[[]], {"x": 1}]


@pytest.mark.untraced
@pytest.mark.parametrize("what", ["lock", "record"])
@pytest.mark.parametrize("wrong", OTHERS, ids=repr)
def test_a_value_of_another_type_is_told_and_no_bug(agentpack: Agentpack, what: str, wrong: object) -> None:
    installed(agentpack)
    full = Agentpack(agentpack.folder, full=True)  # the fast path reads only the values that it compares
    place = agentpack.folder / PLACES[what]
    good = place.read_bytes()
    for path in every(STRIDE, every_value(json.loads(good)), OTHERS.index(wrong)):
        data = json.loads(good)
        here = data
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = wrong
        place.write_text(json.dumps(data))
        ran = full("diff", expect=None)
        assert ran.exit_code in (0, 1, 2, 5, 6), f"{path}: {ran.err}"


def test_a_journal_with_values_of_other_types_is_refused(agentpack: Agentpack) -> None:
    installed(agentpack)
    head = ["agentpack journal", 1, 9, ".agentpack-ab-1"]
    step: list[Any] = ["a", None, 0, "sha256:" + "0" * 64, 0o644]
    paths: tuple[Any, ...] = (1, None, [], "../../x", "a\0b")
    digests: tuple[Any, ...] = (1, "zz", [], {})
    modes: tuple[Any, ...] = ("1", None, -1, 1.5, 10**12)
    rows: list[list[list[Any]]] = [[head, ["steps", [[wrong, *step[1:]]]], ["leaving", []]] for wrong in paths]
    rows += [[head, ["steps", [[*step[:3], wrong, 0]]], ["leaving", []]] for wrong in digests]
    rows += [[head, ["steps", [[*step[:4], wrong]]], ["leaving", []]] for wrong in modes]
    rows += [[head, ["folder", 7], ["steps", []], ["leaving", [1]]], [["agentpack journal", 1, "9", head[3]]]]
    for lines in rows:
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        (agentpack.folder / PLACES["journal"]).write_bytes(text + json.dumps(["end", digest_of(text)]).encode() + b"\n")
        ran = agentpack("status", expect=None)
        assert ran.exit_code in (5, 6), f"{lines}: {ran.err}"


@pytest.mark.parametrize("what", ["record", "journal", "undecided journal"])
def test_what_a_newer_agentpack_wrote_is_kept_and_asks_for_an_upgrade(agentpack: Agentpack, what: str) -> None:
    installed(agentpack)
    place = agentpack.folder / PLACES[what]
    if what == "record":
        place.write_text(json.dumps(json.loads(place.read_text()) | {"schema": 2, "files": "of another kind"}))
    else:
        place.write_text('["agentpack journal",2,{"of":"another kind"}]\n')
    before = tree(agentpack.folder, without=())
    for words in COMMANDS:
        ran = agentpack(*words, expect=None)
        if words == ["doctor"]:
            assert "newer agentpack" in ran.out + ran.err
            continue
        assert ran.exit_code == 5, ran.err
        assert f"`{PLACES[what]}` was written by a newer agentpack" in ran.err
        assert "hint: upgrade agentpack; the history stays as it is" in ran.err
    assert tree(agentpack.folder, without=()) == before


def test_no_record_makes_a_file_that_runs_as_its_owner(agentpack: Agentpack) -> None:
    installed(agentpack)
    for name in ("000001", "000002"):
        place = agentpack.folder / STATE / f"generations/{name}.json"
        data = json.loads(place.read_text())
        data["files"] = [[*row[:-1], 0o6755] for row in data["files"]]
        data["documents"] = [[*row[:-1], 0o7755] for row in data["documents"]]
        place.write_text(json.dumps(data))
    agentpack("rollback")
    modes = [path.stat().st_mode for path in agentpack.folder.rglob("*") if path.is_file()]
    assert not any(mode & 0o7000 for mode in modes)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_costs_one_command_at_most(agentpack: Agentpack, home: Path, damage: str) -> None:
    installed(agentpack)
    agents = tree(agentpack.folder / ".claude")
    kept = [path for path in (home / ".cache/agentpack").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        DAMAGES[damage](path)
    first = agentpack("sync", expect=None)
    assert first.exit_code in (0, 6), first.err
    agentpack("sync")
    assert tree(agentpack.folder / ".claude") == agents


@pytest.mark.parametrize("journal", ["journal", "journal.new"])
def test_a_change_that_was_interrupted_there_waits_for_the_variable(
    agentpack: Agentpack, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    packs = publish(tmp_path / "packs", make_pack("bad"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    agentpack("install", "bad", "--source", str(packs), "--client", "claude", "--user")
    folder = "$CLAUDE_CONFIG_DIR/agents"
    lines = [["agentpack journal", 1, 2, ".agentpack-ab-2"], ["folder", folder], ["steps", []], ["leaving", []]]
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    state = home / ".local/state/agentpack"
    (state / journal).write_bytes(text + json.dumps(["end", digest_of(text)]).encode() + b"\n")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    for command in ("status", "install bad", "sync"):
        assert "CLAUDE_CONFIG_DIR" in agentpack(*command.split(), "--user", expect=2).err
    assert list(state.glob("journal*"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    agentpack("sync", "--user")
    assert not list(state.glob("journal*"))


def test_a_change_that_was_interrupted_is_finished_where_its_variable_pointed(
    agentpack: Agentpack, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = publish(tmp_path / "packs", make_pack("bad"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    agentpack("install", "bad", "--source", str(packs), "--client", "claude", "--user")
    file = tmp_path / "claude/agents/reviewer.md"
    digest, folder = digest_of(file.read_bytes()), "$CLAUDE_CONFIG_DIR/agents"
    rows = [[f"{folder}/reviewer.md", digest, 0o644, None, 0]]
    head = [["agentpack journal", 1, 2, ".agentpack-ab-2"], ["root", "$CLAUDE_CONFIG_DIR", str(tmp_path / "claude")]]
    lines = [*head, ["folder", folder], ["steps", rows], ["leaving", []]]
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    state = home / ".local/state/agentpack"
    (state / "journal").write_bytes(text + json.dumps(["end", digest_of(text)]).encode() + b"\n")
    record = json.loads((state / "generations/000001.json").read_text())
    (state / "generations/000002.json").write_text(json.dumps({**record, "number": 2, "parent": 1, "files": []}))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "other"))
    other = tmp_path / "other/agents/reviewer.md"
    other.parent.mkdir(parents=True)
    other.write_bytes(file.read_bytes())
    assert "finished" in agentpack("status", "--user").err
    assert not file.exists()
    assert other.exists()
