"""Files that a desktop or an editor leaves beside others count nowhere."""

import os
from pathlib import Path

import pytest
from support.packs import make_pack, publish, variant_text
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.model.names import is_junk

LEFT = (".DS_Store", "._x.md", "Thumbs.db", "desktop.ini", ".x.md.swp", "x.md~")
"""By a desktop or an editor, as files; `.#x.md` is a broken link."""


def leave(folder: Path) -> None:
    write_tree(folder, dict.fromkeys(LEFT, b"\x00\x05\x16\x07 name: reviewer\n"))
    os.symlink("ada@desk.4711", folder / ".#x.md")
    os.symlink("ada@desk.4711", folder / ".#x.yaml")
    write_tree(folder, {"._x.yaml": b"\x00\x05\x16\x07"})


@pytest.mark.parametrize("path", [*LEFT, "a/.#b", "a/Desktop.ini", "personas/._reviewer.md"])
def test_junk_is_known_by_its_name(path: str) -> None:
    assert is_junk(path)


@pytest.mark.parametrize("path", ["README.md", ".hidden", "a~b.md", "personas/a.swp.md", "_x.md", "Thumbs.db.md"])
def test_other_files_are_none(path: str) -> None:
    assert not is_junk(path)


def test_junk_in_a_source_is_no_change_of_a_release(agentpack: Agentpack, project: Path) -> None:
    packs = publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs")
    leave(packs / "data-reviewer/1.0.0")
    leave(packs / "data-reviewer/1.0.0/personas")
    leave(packs)
    for command in (("lock", "--check"), ("sync", "--locked"), ("upgrade", "--yes"), ("sync", "--check"), ("doctor",)):
        agentpack(*command)


def test_junk_in_our_own_and_the_clients_folders_is_passed_over(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Ours. {#ours}\n")})
    before = agentpack("status").out
    for folder in (".agentpack/variants", ".agentpack/variants/reviewer", ".agentpack/clients", ".claude/agents"):
        leave(project / folder)
    copy = (project / ".claude/agents/reviewer.md").read_bytes()
    write_tree(project, {f".claude/agents/{name}": copy for name in ("._reviewer.md", "reviewer.md~", ".#r.md")})
    assert agentpack("status").out == before
    assert agentpack("install", "data-reviewer[house]").err.count("too") == 0
    assert "Ours." in (project / ".claude/agents/reviewer.md").read_text()
    agentpack("sync", "--locked")


def test_an_author_neither_hears_of_junk_nor_ships_it(agentpack: Agentpack, project: Path) -> None:
    agentpack("pack", "new", "ours")
    agentpack("pack", "build", "ours", "--out", "clean")
    before = agentpack("pack", "check", "ours").out
    leave(project / "ours")
    leave(project / "ours/personas")
    assert agentpack("pack", "check", "ours").out == before
    agentpack("pack", "build", "ours", "--out", "dist")
    clean, dist = (tree(project / name) for name in ("clean", "dist"))
    assert clean == dist
