"""A collection moves on in any way, and so does the project that uses it: edits are kept, and nothing else differs.

After every change of the place `upgrade` gives what a fresh install elsewhere gives, but for the lines that the user
added; going back gives the bytes from before; and a clone of the project has the same files.

`AGENTPACK_EXAMPLES` sets how many lives of each layout are tried: one unless told.
"""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.collection_files import LAYOUTS, agent_text, beside
from support.effort import usually
from support.running import Agentpack
from support.trees import empty_repository, tree, write_tree

from agentpack.model.line_ends import as_lf

pytestmark = pytest.mark.campaign

CHANGES = usually(8, thorough=20)
EXAMPLES = int(os.environ.get("AGENTPACK_EXAMPLES", "1"))
SOME = ["smith-1", "smith-4"]
OURS = "- A rule of our own."
AGENTS = {f"smith-{n}": f"You look after part {n}.\n\n- Say what you found.\n- Ask first, part {n}." for n in range(7)}


def _paths(place: Path) -> list[Path]:
    return sorted(
        path
        for path in place.rglob("*.md")
        if path.read_bytes().startswith(b"---") and path.name != "SKILL.md" and "commands" not in path.parts
    )


def _edit_a_body(place: Path, chance: random.Random) -> None:
    path = chance.choice(_paths(place))
    path.write_text(path.read_text().replace("You look after", f"You {chance.choice('ABC')} look after", 1))


def _edit_a_description(place: Path, chance: random.Random) -> None:
    path = chance.choice(_paths(place))
    path.write_text(path.read_text().replace("description: ", f"description: {chance.choice('ABC')} ", 1))


def _add_an_agent(place: Path, chance: random.Random) -> None:
    name = f"new-{chance.randrange(10**6)}"
    like = chance.choice(_paths(place))
    ending = ".agent.md" if like.name.endswith(".agent.md") else ".md"
    (like.parent / f"{name}{ending}").write_text(agent_text(name, "You are new."))


def _remove_an_agent(place: Path, chance: random.Random) -> None:
    if len(_paths(place)) > 3:
        chance.choice(_paths(place)).unlink()


def _move_a_file(place: Path, chance: random.Random) -> None:
    path = chance.choice(_paths(place))
    path.rename(path.with_name(f"a-{path.name}"))


def _turn_line_ends(place: Path, chance: random.Random) -> None:
    path = chance.choice(_paths(place))
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _add_a_bad_file(place: Path, chance: random.Random) -> None:
    like = chance.choice(_paths(place))
    like.with_name(f"bad-{chance.randrange(10**6)}.md").write_bytes(
        b"---\nname: [not, a, name]\ndescription: x\n---\nBad.\n"
    )


def _change_a_readme(place: Path, chance: random.Random) -> None:
    with (place / "README.md").open("a") as file:
        file.write("More.\n")


def _add_a_document(place: Path, chance: random.Random) -> None:
    chance.choice(_paths(place)).with_name("NOTES.md").write_text("# Notes\n")


KINDS: tuple[Callable[[Path, random.Random], None], ...] = (
    *(_edit_a_body, _edit_a_description, _add_an_agent, _remove_an_agent, _move_a_file, _turn_line_ends),
    *(_add_a_bad_file, _change_a_readme, _add_a_document),
)


def _agents(project: Path) -> dict[str, bytes]:
    """The installed files, line ends aside: an existing file keeps its own."""
    return _agents_of(tree(project))


def _install(agentpack: Agentpack, place: Path, only: list[str]) -> None:
    chosen = ["--only", ",".join(only)] if only else ["--all"]
    agentpack("install", str(place), "--client", "claude", *chosen)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "part"), [*((layout, []) for layout in LAYOUTS), ("marketplace", SOME)])
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_a_place_may_change_in_any_way(layout: str, part: list[str], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    place = write_tree(folder / "place", {**beside(20), **LAYOUTS[layout](AGENTS)})
    project, elsewhere, clone = folder / "project", folder / "elsewhere", folder / "clone"
    empty_repository(project)
    agentpack = Agentpack(project)
    _install(agentpack, place, part)
    edited = project / ".claude/agents/smith-1.md"
    edited.write_text(edited.read_text() + f"\n{OURS}\n")
    for _ in range(CHANGES):
        before = tree(project)
        chance.choice(KINDS)(place, chance)
        ran = agentpack("upgrade", "--yes", expect=None)
        assert ran.exit_code in (0, 3, 4), ran.err
        here = _agents(project)
        if ran.exit_code:
            assert here == _agents_of(before)
            assert any(word in ran.err for word in ("smith-1", "smith-4")), ran.err
            break  # what the user asked for, or edited, is gone from the place: a decision
        shutil.rmtree(elsewhere, ignore_errors=True)
        empty_repository(elsewhere)
        fresh = Agentpack(elsewhere)("install", str(place), "--client", "claude", *_chosen(part), expect=None)
        if fresh.exit_code == 0:
            there = _agents(elsewhere)
            mine = ".claude/agents/smith-1.md"
            assert {path: data for path, data in here.items() if path != mine} == {
                path: data for path, data in there.items() if path != mine
            }
            if mine in there:
                assert OURS.encode() in here[mine]
        if chance.random() < 0.3 and tree(project) != before:
            agentpack("rollback")
            assert tree(project) == before
            agentpack("upgrade", "--yes")
            assert _agents(project) == here
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x"], cwd=project, check=True
    )
    subprocess.run(["git", "clone", "-q", str(project), str(clone)], check=True)
    for words in (("diff", "--exit-code"), ("sync", "--frozen")):
        ran = Agentpack(clone)(*words, expect=None)
        assert _agents(clone) == _agents(project), ran.err


def _chosen(part: list[str]) -> list[str]:
    return ["--only", ",".join(part)] if part else ["--all"]


def _agents_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: as_lf(data) for path, data in files.items() if path.startswith(".claude/agents/")}
