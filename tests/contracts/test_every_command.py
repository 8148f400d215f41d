"""What every command keeps: one that changes nothing needs no place to write, leaves nothing, and waits for nobody."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.packs import BODY, make_pack, persona_text, publish
from support.read_only import can_be_made, run_where_nothing_can_be_written
from support.running import Agentpack
from support.trees import marks

from agentpack.cli.app import VERBS

CHANGELESS = {
    "install": ("crew==1.0.0 --source packs", "crew[strict]==1.0.0 --dry-run"),
    "uninstall": ("crew --dry-run", "gone"),
    "sync": ("", "--check", "--locked", "--frozen", "--dry-run"),
    "lock": ("", "--check", "--upgrade --dry-run"),
    "upgrade": ("", "--check", "--latest --check", "--latest --dry-run", "crew"),
    "diff": ("", "--upgrade", "--stat"),
    "status": ("",),
    "history": ("", "show 1", "prune", "prune --dry-run"),
    "rollback": ("--dry-run", "1 --dry-run", "3"),
    "show": ("crew",),
    "render": ("crew",),
    "search": ("crew",),
    "clients": ("",),
    "source": ("list", "check", "add more packs --dry-run"),
    "explain": ("reviewer",),
    "keep": ("reviewer",),
    "adopt": (".claude/agents/reviewer.md", ".claude/agents/mine.md --dry-run"),
    "pack": ("check packs/crew/1.0.0", "test packs/crew/1.0.0"),
    "policy": ("explain", "explain crew"),
    "audit": ("", "packs/crew/1.0.0"),
    "cache": ("list", "prune --dry-run", "prune"),
    "bundle": ("--dry-run",),
    "doctor": ("",),
}
"""Calls of every verb that turn out to change nothing in the scene below."""
WRITING = ("install crew[strict]==1.0.0", "upgrade --latest --yes", "uninstall crew", "rollback")
WITH_HISTORY = ("uninstall gone", "history show 1", "rollback --dry-run", "rollback 1 --dry-run", "rollback 3")
"""Those that a fresh clone, which has no history, refuses."""
CALLS = [f"{verb} {rest}".strip() for verb, calls in CHANGELESS.items() for rest in calls]


@pytest.fixture
def scene(agentpack: Agentpack, project: Path) -> Path:
    """A project at its third generation, with a newer release to be had and an agent of somebody's own."""
    releases = (
        make_pack(
            "crew",
            version,
            personas={"reviewer": text},
            variants={"reviewer/strict": "---\nsummary: Strict.\n---\n- More. {#strict}\n"},
        )
        for version, text in (("1.0.0", persona_text()), ("1.1.0", persona_text(body=f"{BODY}- One more. {{#more}}\n")))
    )
    publish(project / "packs", *releases, make_pack("gone", personas={"ghost": persona_text("ghost")}))
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    agentpack("install", "gone")
    agentpack("uninstall", "gone")
    (project / ".claude/agents/mine.md").write_text("---\nname: mine\ndescription: Mine.\n---\nMine.\n")
    return project


def without_history(project: Path) -> Path:
    """The same as a colleague has it who just cloned it."""
    shutil.rmtree(project / ".agentpack")
    return project


def test_every_verb_is_tried() -> None:
    differing = set(CHANGELESS) ^ set(VERBS)
    assert not differing, f"{sorted(differing)}: in only one of CHANGELESS and the commands"


@contextmanager
def noting_locks() -> Iterator[list[str]]:
    """The file locks that are asked for meanwhile."""
    asked: list[str] = []
    watching = True

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("fcntl.flock", "fcntl.lockf"):
            asked.append(event)

    sys.addaudithook(note)
    try:
        yield asked
    finally:
        watching = False


def test_a_command_that_changes_nothing_takes_no_lock_and_leaves_no_trace(agentpack: Agentpack, scene: Path) -> None:
    before = marks(scene, without=(".git",))
    for call in CALLS:
        with noting_locks() as asked:
            assert agentpack(*call.split(), expect=None).exit_code in (0, 1), call
        assert asked == [] or call == "doctor", call  # which says whether another process holds it
        assert marks(scene, without=(".git",)) == before, call


@pytest.mark.parametrize(
    "history", [pytest.param(True, marks=pytest.mark.campaign), False], ids=["used", "fresh clone"]
)
def test_a_command_that_changes_nothing_works_where_nothing_can_be_written(scene: Path, history: bool) -> None:
    box = scene.parent
    if not can_be_made(box):
        pytest.skip("this machine cannot make a folder read-only")
    if not history:
        without_history(scene)
    calls = [call for call in CALLS if history or call not in WITH_HISTORY]
    ran = {call: run_where_nothing_can_be_written(box, scene, call.split()) for call in calls}
    assert {call: f"{done.exit_code}: {done.err}" for call, done in ran.items() if done.exit_code not in (0, 1)} == {}


@pytest.mark.parametrize("history", [True, False], ids=["used", "fresh clone"])
def test_a_command_that_has_to_write_names_the_folder_it_cannot_write_to(scene: Path, history: bool) -> None:
    box = scene.parent
    if not can_be_made(box):
        pytest.skip("this machine cannot make a folder read-only")
    if not history:
        without_history(scene)
    for call in WRITING[: None if history else -1]:
        ran = run_where_nothing_can_be_written(box, scene, call.split())
        assert ran.exit_code == 6, (call, ran.err)
        assert ".agentpack" in ran.err
        assert "hint: " in ran.err
