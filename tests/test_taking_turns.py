"""A command plans without the process lock: what another one changes before it writes is taken into account."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.changes.outcome import Outcome
from agentpack.changes.request import ChangeRequest
from agentpack.commands.upgrade import upgrade
from agentpack.environment import Environment, project_scope
from agentpack.workspace.workspace import Workspace

MINE = ".claude/agents/reviewer.md"


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
    asked = []

    def confirm(_: Outcome) -> bool:
        asked.append(1)
        if len(asked) == 1:
            meanwhile()
        return True

    return upgrade(opened(project), ChangeRequest(latest=True, confirm=confirm)), len(asked)


def test_what_another_command_installed_meanwhile_is_kept(agentpack: Agentpack, crew: Path) -> None:
    done, asked = upgraded(crew, lambda: agentpack("install", "other", real=True))
    assert (done.generation, asked) == (3, 2)  # the plan changed, so it was shown again
    assert "One more." in (crew / MINE).read_text()
    assert (crew / ".claude/agents/tester.md").exists()
    assert "other" in (crew / "agentpack.yaml").read_text()
    assert agentpack("diff").exit_code == 0


def test_what_people_wrote_into_the_manifest_meanwhile_is_kept(agentpack: Agentpack, crew: Path) -> None:
    manifest = crew / "agentpack.yaml"
    _, asked = upgraded(crew, lambda: manifest.write_text(manifest.read_text() + "# reviewed\n"))
    assert asked == 2
    assert manifest.read_text().endswith("# reviewed\n")
    assert "One more." in (crew / MINE).read_text()


def test_what_another_command_left_half_done_meanwhile_comes_first(crew: Path) -> None:
    left = crew / ".claude/agents/.reviewer.md.agentpack-1-2"
    notes = '["agentpack journal",1,2,".agentpack-1-2"]\n["folder",".claude/agents"]\n'

    def stopped() -> None:
        left.write_text("half")
        (crew / ".agentpack/state/journal.new").write_text(notes)

    done, _ = upgraded(crew, stopped)
    assert done.generation == 2
    assert not left.exists()


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
        workspace.turns.alone()

    workspace.turns.changing(work)
    assert seen == [[1, 2], [2]]


def test_a_fault_found_while_another_command_wrote_is_looked_at_again(agentpack: Agentpack, crew: Path) -> None:
    workspace = opened(crew)
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) == 1:
            agentpack("install", "other", real=True)
            raise ValueError("half of each state")
        return "whole"

    assert workspace.turns.changing(work) == "whole"
