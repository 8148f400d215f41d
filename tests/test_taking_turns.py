"""A command plans without the process lock: what another one changes before it writes is taken into account."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import BODY, make_pack, persona_text, publish, variant_text
from support.running import Agentpack

from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest
from agentpack.commands.uninstall import uninstall
from agentpack.commands.upgrade import upgrade
from agentpack.environment import Environment, project_scope
from agentpack.errors import PolicyRefused, Unavailable
from agentpack.store.process_lock import is_locked
from agentpack.workspace.workspace import Workspace

MINE = ".claude/agents/reviewer.md"


HOLD = """
import fcntl, sys, time
lock = open(sys.argv[1] + "/lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(0.2)
"""


@pytest.fixture
def crew(agentpack: Agentpack, project: Path) -> Path:
    """A project with a release of a pack, a newer one to be had, and another pack."""
    publish(
        project / "packs",
        make_pack("crew", "1.0.0"),
        make_pack("crew", "1.1.0", personas={"reviewer": persona_text(body=f"{BODY}- One more. {{#more}}\n")}),
        make_pack("other", personas={"tester": persona_text("tester")}),
    )
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    return project


def opened(project: Path) -> Workspace:
    environment = Environment(str(project.parent / "home"), str(project), {}, lambda: "2026-11-27T12:00:00Z")
    return Workspace(environment, project_scope(str(project), "a test"))


def upgraded(project: Path, meanwhile: Callable[[], object]) -> tuple[Outcome, int]:
    """Upgrade all, and do something else when the plan stands and nothing is written yet. How often it stood, too."""
    return changed(project, ("upgrade", "--latest"), meanwhile)


def changed(project: Path, words: tuple[str, ...], meanwhile: Callable[[], object]) -> tuple[Outcome, int]:
    """The same with an upgrade of all, or with one that takes a pack out."""
    asked = []

    def confirm(_: Outcome) -> bool:
        asked.append(1)
        if len(asked) == 1:
            meanwhile()
        return True

    request = ChangeRequest(latest="--latest" in words, confirm=confirm)
    if words[0] == "upgrade":
        return upgrade(opened(project), request), len(asked)
    return uninstall(opened(project), request._replace(names=words[1:])), len(asked)


def test_what_another_command_installed_meanwhile_is_kept(agentpack: Agentpack, crew: Path) -> None:
    done, asked = upgraded(crew, lambda: agentpack("install", "other", real=True))
    assert (done.generation, asked) == (3, 2)  # the plan changed, so it was shown again
    assert "One more." in (crew / MINE).read_text()
    assert (crew / ".claude/agents/tester.md").exists()
    assert "other" in (crew / "agentpack.yaml").read_text()
    assert agentpack("diff").exit_code == 0


def test_what_another_command_wrote_meanwhile_is_no_edit(agentpack: Agentpack, crew: Path) -> None:
    """The text that it wrote is what the new one takes the place of, though the first plan knew another."""
    for version, words in (("1.0.1", "Look loudly"), ("1.2.0", "Look more loudly")):
        variants = {"reviewer/loud": variant_text(f"- {words} before you change. {{#look}}\n")}
        publish(crew / "packs", make_pack("crew", version, variants=variants))
    _, asked = upgraded(crew, lambda: agentpack("install", "crew[loud]==1.0.1", real=True))
    assert asked == 2
    assert "- Look more loudly before you change.\n" in (crew / MINE).read_text()
    assert agentpack("diff").exit_code == 0


def test_what_people_wrote_into_the_manifest_meanwhile_is_kept(agentpack: Agentpack, crew: Path) -> None:
    manifest = crew / "agentpack.yaml"
    _, asked = upgraded(crew, lambda: manifest.write_text(manifest.read_text() + "# reviewed\n"))
    assert asked == 2
    assert manifest.read_text().endswith("# reviewed\n")
    assert "One more." in (crew / MINE).read_text()


@pytest.mark.parametrize("path", [MINE, ".roomodes"])
@pytest.mark.parametrize("words", [("upgrade", "--latest"), ("uninstall", "crew")])
def test_an_agent_that_people_edited_meanwhile_is_left_to_the_next_command(
    agentpack: Agentpack, crew: Path, path: str, words: tuple[str, ...]
) -> None:
    """A file of its own, or an entry of one that others write too."""
    agentpack("install", "crew", "--client", "claude,roo", "--accept", "widened:roo")
    place = crew / path
    edited = place.read_text().replace("Look before", "Look twice before")
    with pytest.raises(Unavailable, match="files changed while agentpack worked; nothing was changed"):
        changed(crew, words, lambda: place.write_text(edited))
    assert place.read_text() == edited


@pytest.mark.parametrize("path", [MINE, ".roomodes"])
def test_an_edit_that_is_seen_when_the_plan_is_made_again_is_merged(
    agentpack: Agentpack, crew: Path, path: str
) -> None:
    agentpack("install", "crew", "--client", "claude,roo", "--accept", "widened:roo")
    place, manifest = crew / path, crew / "agentpack.yaml"

    def both() -> None:
        place.write_text(place.read_text().replace("Look before", "Look twice before"))
        manifest.write_text(manifest.read_text() + "# reviewed\n")

    upgraded(crew, both)
    assert "Look twice before" in place.read_text()
    assert "One more." in place.read_text()


@pytest.mark.parametrize("words", [("upgrade", "--latest"), ("uninstall", "crew")])
def test_what_others_wrote_beside_our_entry_meanwhile_is_kept(
    agentpack: Agentpack, crew: Path, words: tuple[str, ...]
) -> None:
    agentpack("install", "crew", "--client", "claude,roo", "--accept", "widened:roo")
    modes = crew / ".roomodes"
    theirs = "  - slug: mine\n    name: Mine\n"
    changed(crew, words, lambda: modes.write_text(modes.read_text() + theirs))
    assert modes.read_text().endswith(theirs)
    assert ("One more." in modes.read_text()) is (words[0] == "upgrade")
    assert ("slug: reviewer" in modes.read_text()) is (words[0] == "upgrade")


def test_a_policy_that_people_wrote_into_the_manifest_meanwhile_holds(crew: Path) -> None:
    manifest, before = crew / "agentpack.yaml", (crew / MINE).read_text()
    text = manifest.read_text() + "policy: {packs: {deny: [other]}}\n"
    manifest.write_text(text)
    with pytest.raises(PolicyRefused, match=r"crew 1\.1\.0"):
        upgraded(crew, lambda: manifest.write_text(text.replace("[other]", "[crew>1]")))
    assert (crew / MINE).read_text() == before


def test_what_another_command_left_half_done_meanwhile_comes_first(crew: Path) -> None:
    left = crew / ".claude/agents/.reviewer.md.agentpack-1-2"
    notes = '["agentpack journal",1,2,".agentpack-1-2"]\n["folder",".claude/agents"]\n'

    mine = left.with_name("reviewer.md.agentpack-1-2")

    def stopped() -> None:
        left.write_text("half")
        mine.write_text("no temporary file: they begin with a dot")
        (crew / ".agentpack/state/journal.new").write_text(notes)

    done, _ = upgraded(crew, stopped)
    assert done.generation == 2
    assert not left.exists()
    assert mine.exists()


def test_a_plan_that_nothing_touched_is_made_once(crew: Path) -> None:
    assert upgraded(crew, lambda: None)[1] == 1


def test_generations_that_were_forgotten_meanwhile_are_looked_up_again(agentpack: Agentpack, crew: Path) -> None:
    agentpack("install", "other")
    workspace = opened(crew)
    seen = []

    def work() -> None:
        seen.append(workspace.store.generations.numbers())
        if len(seen) == 1:
            agentpack("history", "prune", "--keep", "1", real=True)
        workspace.consistency.take_lock()

    workspace.consistency.changing(work)
    assert seen == [[1, 2], [2]]


def test_what_was_put_in_order_is_told_though_the_work_is_done_again(crew: Path) -> None:
    (crew / ".agentpack/state/journal.new").write_bytes(b"")
    workspace, tries = opened(crew), []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            (crew / "agentpack.yaml").write_bytes((crew / "agentpack.yaml").read_bytes() + b"# reviewed\n")

    workspace.consistency.changing(work)
    assert tries == [1, 1]
    assert workspace.consistency.recovered is not None


@pytest.mark.parametrize("kind", ["look", "change", "fault"])
def test_the_second_time_nobody_else_is_let_in(crew: Path, kind: str) -> None:
    """And nobody waits any longer once the work is done."""
    workspace, was_locked = opened(crew), list[bool]()
    run = workspace.consistency.changing if kind == "change" else workspace.consistency.read_consistently

    def work() -> str:
        was_locked.append(is_locked(workspace.disk))
        if len(was_locked) == 1:
            (crew / "agentpack.yaml").write_bytes((crew / "agentpack.yaml").read_bytes() + b"# reviewed\n")
            if kind == "fault":
                raise ValueError("half of each state")
        return "whole"

    assert run(work) == "whole"
    assert was_locked == [False, True]
    assert not is_locked(workspace.disk)
    assert run(work) == "whole"
    assert was_locked == [False, True, False]

    def locks() -> None:
        workspace.consistency.take_lock()
        was_locked.append(is_locked(workspace.disk))

    run(workspace.consistency.take_lock)
    run(locks)
    assert was_locked == [False, True, False, True]


def test_a_fault_that_is_no_other_command_s_doing_is_told_at_once(crew: Path) -> None:
    workspace, tries = opened(crew), []

    def work() -> None:
        tries.append(1)
        if len(tries) == 2:  # what changes from here on is our own change
            workspace.consistency.take_lock()
            (crew / "agentpack.yaml").write_bytes((crew / "agentpack.yaml").read_bytes() + b"# written\n")
        raise ValueError("a fault")

    for count in (1, 2):
        with pytest.raises(ValueError, match="a fault"):
            workspace.consistency.changing(work)
        assert len(tries) == count
        assert not is_locked(workspace.disk)


def test_a_fault_found_while_another_command_wrote_is_looked_at_again(agentpack: Agentpack, crew: Path) -> None:
    workspace = opened(crew)
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) == 1:
            agentpack("install", "other", real=True)
            raise ValueError("half of each state")
        return "whole"

    assert workspace.consistency.changing(work) == "whole"


def test_a_fault_found_while_another_command_stages_files_is_looked_at_again(crew: Path) -> None:
    """What is staged may look like files of others, though nothing that counts has changed yet."""
    workspace, state = opened(crew), crew / ".agentpack/state"
    others: list[subprocess.Popen[bytes]] = []

    def work() -> str:
        if not others:
            (state / "journal.new").write_text("not finished")
            others.append(subprocess.Popen([sys.executable, "-c", HOLD, str(state)], stdout=subprocess.PIPE))
            assert others[0].stdout is not None
            assert others[0].stdout.readline() == b"held\n"
            raise ValueError("a file of somebody's")
        return "whole"

    try:
        assert workspace.consistency.changing(work) == "whole"
    finally:
        others[0].communicate()
    assert not (state / "journal.new").exists()
