"""Whatever was edited: an upgrade and a rollback give the first tree, byte for byte and mode for mode."""

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.fixed import FixedEnvironment
from support.packs import make_pack, persona_text, publish
from support.trees import marks, modes, write_tree

from agentpack.changes.plan import Decisions
from agentpack.changes.request import ChangeRequest
from agentpack.commands.install import install
from agentpack.commands.rollback import rollback
from agentpack.commands.sync import sync
from agentpack.commands.uninstall import uninstall
from agentpack.commands.upgrade import upgrade
from agentpack.environment import project_scope
from agentpack.errors import DecisionNeeded, UsageError
from agentpack.workspace.workspace import Workspace

RULES = [f"- Rule {number}. {{#rule-{number}}}" for number in range(8)]


def body(version: int) -> str:
    """Rules, of which each release changes some."""
    lines = [line.replace("Rule", f"Rule of {version}") if at % 4 == version else line for at, line in enumerate(RULES)]
    return "## Rules {#rules}\n\n" + "\n".join(lines) + "\n"


PACKS = [
    make_pack(
        version=f"1.{version}.0",
        personas={
            "reviewer": persona_text("reviewer", body(version)),
            **({"writer": persona_text("writer", body(version))} if version != 1 else {}),
        },
    )
    for version in range(3)
]
DECISIONS = [
    ChangeRequest(),
    ChangeRequest(Decisions(on_conflict="keep")),
    ChangeRequest(Decisions(on_conflict="theirs")),
    ChangeRequest(Decisions(discard_edits=True)),
]
edits = st.tuples(
    st.sampled_from(["reviewer", "writer"]),
    st.sampled_from(["append", "first rule", "second rule", "delete", "empty", "chmod"]),
)


class Place:
    """A project of its own, with a folder of packs beside it."""

    def __init__(self, box: Path) -> None:
        self.project = write_tree(box / "project", {"notes.txt": "notes\n", ".claude/agents/mine.md": "mine\n"})
        (box / "home").mkdir()
        self.environment = FixedEnvironment(box / "home", self.project)
        publish(box / "project/packs", *PACKS)

    def workspace(self) -> Workspace:
        return Workspace(self.environment, project_scope(str(self.project), "told"))

    def install(self, requirement: str, decided: ChangeRequest = DECISIONS[0]) -> None:
        install(self.workspace(), decided._replace(names=[requirement], sources=["packs"]))

    def edit(self, persona: str, how: str) -> None:
        path = self.project / f".claude/agents/{persona}.md"
        if not path.exists():
            return
        if how == "delete":
            path.unlink()
        elif how == "chmod":
            path.chmod(0o600)
        else:
            data = path.read_bytes()
            new = {
                "append": data + b"A line of mine.\n",
                "first rule": data.replace(b"- Rule", b"- My rule", 1),
                "second rule": data.replace(b"Rule of 0", b"Rule of mine").replace(b"Rule 2.", b"Rule 2, mine."),
                "empty": b"",
            }[how]
            path.write_bytes(new)


@given(st.lists(edits, max_size=4), st.sampled_from(DECISIONS), st.sampled_from(["upgrade", "install", "uninstall"]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_change_and_a_rollback_give_the_first_tree(
    tmp_path_factory: pytest.TempPathFactory, edited: list[tuple[str, str]], decided: ChangeRequest, verb: str
) -> None:
    place = Place(tmp_path_factory.mktemp("place"))
    place.install("data-reviewer>=1.0,<1.1")
    for persona, how in edited:
        place.edit(persona, how)
    before = modes(place.project)
    try:
        if verb == "upgrade":
            upgrade(place.workspace(), decided._replace(latest=True))
        elif verb == "install":
            place.install("data-reviewer==1.1.0", decided)
        else:
            uninstall(place.workspace(), decided._replace(names=["data-reviewer"]))
    except DecisionNeeded:
        assert modes(place.project) == before
        return
    rollback(place.workspace(), None)
    assert modes(place.project) == before


class Life(RuleBasedStateMachine):
    """Commands and edits in any order. What each generation left is remembered; a rollback to it must give it back."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Path(mkdtemp(prefix="agentpack-"))
        self.place = Place(self.box)
        self.left: dict[int, dict[str, tuple[bytes, int]]] = {0: modes(self.place.project)}
        self.mine = {path: mark for path, mark in marks(self.place.project).items() if not self.is_managed(path)}

    def teardown(self) -> None:
        rmtree(self.box)

    def is_managed(self, path: str) -> bool:
        return (path.startswith(".claude/agents/") and path != ".claude/agents/mine.md") or path.startswith(
            "agentpack."
        )

    def remember(self) -> None:
        number = self.place.workspace().store.generations.current()
        if number not in self.left:
            self.left[number] = modes(self.place.project)

    def attempt(self, requirement: str, decided: ChangeRequest) -> None:
        before = modes(self.place.project)
        try:
            self.place.install(requirement, decided)
        except DecisionNeeded:
            assert modes(self.place.project) == before
        self.remember()

    @initialize()
    def first(self) -> None:
        self.attempt("data-reviewer==1.0.0", DECISIONS[0])

    @rule(version=st.sampled_from(["==1.0.0", "==1.1.0", "==1.2.0", "@latest"]), decided=st.sampled_from(DECISIONS))
    def installs(self, version: str, decided: ChangeRequest) -> None:
        self.attempt(f"data-reviewer{version}", decided)

    @rule(edit=edits)
    def edits(self, edit: tuple[str, str]) -> None:
        self.place.edit(*edit)

    @rule(decided=st.sampled_from(DECISIONS))
    def syncs(self, decided: ChangeRequest) -> None:
        before = modes(self.place.project)
        try:
            sync(self.place.workspace(), decided)
        except DecisionNeeded:
            assert modes(self.place.project) == before
        except UsageError:  # there is no manifest to go by
            assert "agentpack.yaml" not in before
        self.remember()

    @rule(data=st.data())
    def rolls_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.left)))
        outcome = rollback(self.place.workspace(), number, adopt=True)
        assert modes(self.place.project) == self.left[number]
        if outcome.generation is not None:
            self.left[outcome.generation] = self.left[number]

    @invariant()
    def what_is_not_ours_is_never_touched(self) -> None:
        now = marks(self.place.project)
        assert {path: mark for path, mark in now.items() if not self.is_managed(path)} == self.mine


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15, stateful_step_count=8, suppress_health_check=list(HealthCheck), deadline=None
)
