"""history and rollback: any state can be gone back to, bytes and modes, and what is in the way is not ours to take."""

import json
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from support.cases import case
from support.collection_files import agent_text
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import STATE, marks, modes, tree, with_state, write_tree

from agentpack.changes.plan import Decisions
from agentpack.changes.request import ChangeRequest
from agentpack.model.requirement import parse_requirement

AGENT = ".claude/agents/reviewer.md"


@pytest.fixture
def project(project: Path) -> Path:
    publish(project / "packs", *(make_pack(version=version) for version in ("1.0.0", "1.1.0", "1.2.0")))
    return project


@pytest.fixture
def three(agentpack: Agentpack, project: Path) -> list[dict[str, tuple[bytes, int]]]:
    """What the project was like before anything, and after each of three commands."""
    states = [modes(project)]
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        agentpack("install", f"data-reviewer=={version}", "--source", "packs")
        states.append(modes(project))
    return states


def test_every_generation_can_be_gone_back_to(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    for number in (1, 3, 0, 2, 3):
        agentpack("rollback", str(number))
        assert modes(project) == three[number]


def test_a_rollback_is_a_generation_and_can_be_undone(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    agentpack("rollback", "1")
    agentpack("rollback")
    assert modes(project) == three[3]
    found = agentpack("history", "--json").envelope["data"]
    assert found["current"] == 5
    assert [row["command"] for row in found["generations"]][-2:] == ["rollback 1", "rollback 3"]


@pytest.mark.usefixtures("three")
def test_a_rollback_that_undoes_a_rollback_says_so(agentpack: Agentpack) -> None:
    first = agentpack("rollback").err
    assert "was a rollback" not in first
    assert "; `agentpack rollback 1` goes back to generation 1\ngeneration 4; `agentpack rollback` undoes it\n" in first
    further = "; `agentpack rollback 1` goes back to generation 1 instead\n"
    told = f"the last command was a rollback, to generation 2, and this undoes it{further}"
    assert told in agentpack("rollback", "--dry-run").err
    assert told in agentpack("rollback").err
    assert f"to generation 3, and this undoes it{further}" in agentpack("rollback").err
    assert "was a rollback" not in agentpack("rollback", "1").err


@pytest.mark.usefixtures("three")
def test_the_generation_that_a_rollback_names_further_back_has_other_contents(agentpack: Agentpack) -> None:
    for _ in range(5):
        told = agentpack("rollback", "--dry-run").err
        named = re.search(r"`agentpack rollback (\d+)` goes back to generation \1( instead)?\n", told)
        assert named is not None
        assert "nothing to change" not in agentpack("rollback", named[1], "--dry-run").err
        agentpack("rollback")
        assert "nothing to change" not in agentpack("rollback", named[1], "--dry-run").err


@pytest.mark.parametrize("document", ["agentpack.lock", "agentpack.yaml"])
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "another"])
def test_one_step_back_waits_where_somebody_else_moved_lock_or_manifest(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]], document: str, gone: bool
) -> None:
    place = project / document
    place.unlink() if gone else place.write_bytes(place.read_bytes() + b"\n")
    before = modes(project)
    told = agentpack("rollback", expect=3)
    assert f"{document} was changed after `install data-reviewer==1.2.0`" in told.err
    assert modes(project) == before
    agentpack("rollback", "2")
    assert modes(project) == three[2]


def test_the_mode_of_a_file_comes_back(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    (project / AGENT).chmod(0o640)
    state = modes(project)
    agentpack("install", "data-reviewer==1.0.0")
    agentpack("rollback")
    assert modes(project) == state
    assert state[AGENT][1] == 0o640


def test_a_generation_that_only_changed_the_lock_has_the_files_as_they_were(
    agentpack: Agentpack, project: Path
) -> None:
    """Records follow one another: what writes no file leaves every file recorded."""
    agentpack("install", "data-reviewer<1.2", "--source", "packs")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("<1.2", ">=1"))
    locked = agentpack("lock", "--upgrade", "--json").envelope["data"]["generation"]
    state = modes(project)
    agentpack("uninstall", "data-reviewer")
    agentpack("rollback", str(locked))
    assert modes(project) == state


@pytest.mark.parametrize("path", [AGENT, "agentpack.yaml", "agentpack.lock"])
def test_the_mode_comes_back_where_the_text_is_the_same(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]], path: str
) -> None:
    (project / path).chmod(0o600)
    state = modes(project)
    agentpack("rollback", "3")
    assert modes(project) == three[3]
    agentpack("rollback")
    assert modes(project) == state


def test_files_that_only_their_owner_reads_stay_so_through_the_history(agentpack: Agentpack, project: Path) -> None:
    """Also where a command leaves one of them as it is: the upgrade in range writes no manifest."""
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    for path in (AGENT, "agentpack.yaml", "agentpack.lock"):
        (project / path).chmod(0o600)
    agentpack("install", "data-reviewer>=1,<1.2")
    publish(project / "packs", make_pack(version="1.1.1"))
    agentpack("upgrade", "--check", expect=1)
    states = {}
    for command in (("upgrade", "--yes"), ("install", "data-reviewer==1.2.0"), ("install", "data-reviewer==1.0.0")):
        agentpack(*command)
        states[agentpack("history", "--json").envelope["data"]["current"]] = modes(project)
    for number in (*states, *reversed(states)):
        agentpack("rollback", str(number))
        assert modes(project) == states[number]


def test_what_was_edited_just_before_is_recorded_first(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    (project / AGENT).write_text("mine\n")
    state = modes(project)
    agentpack("rollback", "1")
    assert modes(project) == three[1]
    agentpack("rollback")
    assert modes(project) == state


def test_a_local_variant_edited_by_hand_comes_back_too(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    """Also where the command that recorded the edit did not write the file."""
    (project / AGENT).write_text(f"{(project / AGENT).read_text()}- Mine.\n")
    agentpack("keep", "reviewer")
    [variant] = (project / ".agentpack/variants/reviewer").iterdir()
    variant.write_text(variant.read_text().replace("Mine", "Mine by now"))
    edited = variant.read_bytes()
    recorded = agentpack("install", "python-engineer", "--client", "claude", "--json").envelope["data"]["generation"]
    variant.write_text("gone\n")
    agentpack("rollback", str(recorded - 1))
    assert variant.read_bytes() == edited


def test_a_file_that_waited_for_a_decision_then_is_there_again(agentpack: Agentpack, project: Path) -> None:
    for version, what in (("1.0.0", "saw"), ("1.1.0", "found")):
        personas = {name: persona_text(name, BODY.replace("saw", what)) for name in ("waiter", "other")}
        publish(
            project / "kits", *(make_pack(f"{name}s", version, personas={name: personas[name]}) for name in personas)
        )
    agentpack("install", "waiters==1.0.0", "others==1.0.0", "--source", "kits", "--client", "claude")
    waiter = project / ".claude/agents/waiter.md"
    waiter.write_text(waiter.read_text().replace("you saw", "I saw"))
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ""))
    partly = agentpack("upgrade", "--yes", "--partial", "--json", expect=3).envelope["data"]["generation"]
    state = modes(project)
    agentpack("upgrade", "--yes", "--on-conflict", "theirs")
    assert modes(project) != state
    agentpack("rollback", str(partly))
    assert modes(project) == state


def test_a_file_put_where_one_has_to_go_back_is_not_taken(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    agentpack("rollback", "0")
    write_tree(project, {AGENT: "foreign\n"})
    before = marks(project)
    ran = agentpack("rollback", "1", expect=3)
    assert AGENT in ran.err
    assert "--adopt" in ran.err
    assert marks(project) == before
    agentpack("rollback", "1", "--adopt")
    assert modes(project) == three[1]
    agentpack("rollback")
    assert tree(project)[AGENT] == b"foreign\n"


def test_a_file_with_the_very_text_to_go_back_to_is_nobody_else_s(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    """Whatever its mode is: nothing of it would be lost."""
    agentpack("rollback", "0")
    write_tree(project, {AGENT: three[1][AGENT][0]})
    (project / AGENT).chmod(0o600)
    agentpack("rollback", "1")
    assert modes(project) == three[1]


def test_files_that_somebody_put_there_with_the_very_text_outlive_the_way_back(
    agentpack: Agentpack, project: Path
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    write_tree(project, {AGENT: (project / AGENT).read_text().replace("Look before", "Look twice before")})
    last = agentpack("keep", "reviewer", "--as", "mine", "--json").envelope["data"]["generation"]
    kept = modes(project)
    [variant] = [path for path in kept if "/variants/" in path]
    for path in (AGENT, variant, "agentpack.yaml", "agentpack.lock"):
        with case(path):
            agentpack("rollback", "0")
            write_tree(project, {path: kept[path][0]})
            before = modes(project)
            ran = agentpack("rollback", f"{last}", "--json").envelope["data"]
            assert modes(project) == kept
            found = agentpack("history", f"{ran['generation']}", "--json").envelope["data"]["replaced"]
            there = [path] if path in (AGENT, variant) else []  # lock and manifest are a generation of their own
            assert [(row["path"], row["mode"]) for row in found] == [(path, 0o644) for path in there]
            agentpack("rollback")
            assert modes(project) == before
            (project / path).unlink()


def test_a_file_that_somebody_put_there_with_other_line_ends_comes_back_with_them(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    agentpack("rollback", "0")
    write_tree(project, {AGENT: three[1][AGENT][0].replace(b"\n", b"\r\n")})
    before = modes(project)
    agentpack("rollback", "1", "--adopt")
    assert modes(project) == three[1]
    agentpack("rollback")
    assert modes(project) == before


def test_what_agentpack_wrote_itself_is_not_recorded_as_found_there(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    for number in ("1", "2"):
        agentpack("rollback", number)
    for number in ("4", "5"):
        assert agentpack("history", number, "--json").envelope["data"]["replaced"] == []


def test_an_entry_of_a_shared_file_with_the_very_text_outlives_the_way_back(
    agentpack: Agentpack, project: Path
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "roo")
    path = project / ".roomodes"
    text = path.read_bytes()
    agentpack("rollback", "0")
    path.write_bytes(text)
    agentpack("rollback", "1")
    agentpack("rollback")
    assert tree(project, without=(".git", STATE, "packs")) == {".roomodes": text}


def test_a_file_beside_is_never_touched(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    write_tree(project, {".claude/agents/mine.md": "mine\n", ".claude/settings.json": "{}\n"})
    before = {path: mark for path, mark in marks(project).items() if "mine" in path or "settings" in path}
    agentpack("rollback", "0")
    assert {path: mark for path, mark in marks(project).items() if path.startswith(".claude")} == before


def test_folders_that_agentpack_made_go_when_they_are_empty(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    agentpack("rollback", "0")
    assert not (project / ".claude").exists()


def test_dry_run_shows_the_way_back_and_goes_no_step(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    before = with_state(project)
    ran = agentpack("rollback", "1", "--dry-run")
    assert "1.2.0 -> 1.0.0" in ran.err
    assert "dry run: nothing was written" in ran.err
    assert with_state(project) == before


def test_going_back_to_where_one_is_changes_nothing(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    assert "nothing to change" in agentpack("rollback", "3").err
    assert agentpack("history", "--json").envelope["data"]["current"] == 3


@pytest.mark.parametrize("number", ["0", "1", "2"])
def test_going_back_to_one_generation_again_changes_nothing(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]], number: str
) -> None:
    agentpack("rollback", number)
    before = with_state(project)
    ran = agentpack("rollback", number)
    assert ran.err.endswith("nothing to change\n")
    assert "->" not in ran.err
    assert with_state(project) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("99",), "there is no generation 99"), (("-1",), "there is no option `-1`"), (("one",), "invalid value")],
)
def test_a_generation_that_is_not_there_is_told(
    agentpack: Agentpack, three: list[dict[str, tuple[bytes, int]]], arguments: tuple[str, ...], words: str
) -> None:
    assert words in agentpack("rollback", *arguments, expect=2).err


def test_without_a_history_there_is_nothing_to_go_back_in(agentpack: Agentpack, project: Path) -> None:
    ran = agentpack("rollback", expect=2)
    assert "there is no history to roll back" in ran.err
    assert "hint: `agentpack install` creates the first generation" in ran.err
    assert agentpack("history").err.splitlines()[-1] == "no history yet"


def test_people_read_local_times_and_programs_utc(
    agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    monkeypatch.setenv("TZ", "XST-03:30")
    moment = agentpack("history", "show", "1", "--json").envelope["data"]["time"]
    there = datetime.fromisoformat(moment) + timedelta(hours=3, minutes=30)
    words = there.strftime("%Y-%m-%d %H:%M:%S +0330")
    assert words in agentpack("history", real=True).out
    assert f"the first, {words}\n" in agentpack("history", "show", "1", real=True).out


@pytest.mark.parametrize("number", ["\u0661", "\u00b9", "-1", "1.0"])
def test_a_generation_is_named_by_plain_digits(agentpack: Agentpack, number: str) -> None:
    agentpack("install", "python-reviewer")
    for words in ((number,), ("show", number)):
        assert "error: " in agentpack("history", *words, expect=2).err


def test_prune_forgets_the_oldest_and_says_what_is_kept(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    assert "1 generation deleted: 1\n" in agentpack("history", "prune", "--keep", "2").err
    data = agentpack("history", "prune", "--keep", "2", "--json").envelope["data"]
    assert data == {"forgotten": [], "dry_run": False}
    ran = agentpack("history", "show", "1", expect=2)
    assert "kept: 2, 3" in ran.err
    assert "there is no generation 1" in agentpack("rollback", "1", expect=2).err
    agentpack("rollback", "2")
    assert modes(project) == three[2]


def test_a_dry_run_of_prune_says_what_it_would_forget_and_forgets_nothing(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    before = tree(project)
    ran = agentpack("history", "prune", "--keep", "1", "--dry-run")
    assert ran.err.endswith("2 generations would be deleted: 1, 2\ndry run: nothing was deleted\n")
    data = agentpack("history", "prune", "--keep", "1", "-n", "--json").envelope["data"]
    assert data == {"forgotten": [1, 2], "dry_run": True}
    assert tree(project) == before
    assert agentpack("history", "prune", "--keep", "1", "--json").envelope["data"]["forgotten"] == [1, 2]


def test_a_generation_is_shown_with_what_it_left(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    (project / AGENT).write_text("mine\n")
    agentpack("install", "data-reviewer==1.1.0", "--discard-edits")
    shown = agentpack("history", "show", "4").out
    assert f"file     {AGENT}  (with local edits)" in shown


# What came along with the project was never ours to take away.


@pytest.fixture
def clone(agentpack: Agentpack, project: Path, tmp_path: Path) -> Agentpack:
    """A colleague's clone of a project that has its agents committed."""
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    subprocess.run(["git", "commit", "--quiet", "--message", "x"], cwd=project, check=True)
    subprocess.run(["git", "clone", "--quiet", str(project), str(tmp_path / "clone")], check=True)
    return Agentpack(tmp_path / "clone")


def test_in_a_clone_that_nothing_changed_there_is_no_history(clone: Agentpack) -> None:
    before = with_state(clone.folder)
    clone("sync", "--locked")
    assert "there is no history to roll back" in clone("rollback", expect=2).err
    assert with_state(clone.folder) == before


@pytest.mark.parametrize("arguments", [("0",), ("0", "--dry-run"), ("0", "--adopt")])
def test_in_a_clone_there_is_nothing_before_what_was_found(clone: Agentpack, arguments: tuple[str, ...]) -> None:
    clone("upgrade", "--latest", "--yes", "--accept", "skills")
    before = with_state(clone.folder)
    ran = clone("rollback", *arguments, expect=2)
    assert "there is nothing to roll back to: generation 1 is what was found in this checkout" in ran.err
    assert with_state(clone.folder) == before


def test_what_was_found_can_be_gone_back_to_and_nothing_before_it(clone: Agentpack) -> None:
    found = modes(clone.folder)
    clone("upgrade", "--latest", "--yes", "--accept", "skills")
    assert modes(clone.folder) != found
    upgraded = modes(clone.folder)
    clone("rollback", "0", expect=2)
    assert modes(clone.folder) == upgraded
    assert clone("rollback").err.splitlines()[-2:] == [
        "note: this undoes generation 2, upgrade --latest --accept skills",
        "generation 3; `agentpack rollback` undoes it",
    ]
    assert modes(clone.folder) == found


def test_a_lock_upgraded_in_a_clone_leaves_its_files_known(clone: Agentpack) -> None:
    manifest = clone.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.0", ">=1,<2"))
    before = modes(clone.folder)
    clone("lock", "--upgrade")
    clone("sync")
    assert "python-engineer 1.1.0" in clone("history", "show", "3").out
    clone("rollback", "1")
    assert modes(clone.folder) == before


def test_a_manifest_that_people_wrote_stays_when_the_first_change_is_undone(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(
        project, {"agentpack.yaml": "schema: 1\nsources: [{name: p, path: packs}]\npacks:\n  - data-reviewer==1.0.0\n"}
    )
    before = modes(project)
    for command in ("sync", "lock"):
        agentpack(command)
        agentpack("rollback", "0")
        assert modes(project) == before
        shutil.rmtree(project / ".agentpack/state")


def test_going_back_before_everything_gives_the_text_that_was_there_first(agentpack: Agentpack, project: Path) -> None:
    """Not what people made of the file later, and let go again."""
    write_tree(project, {AGENT: "before agentpack\n"})
    before = modes(project)
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude", "--adopt")
    for text in ("one edit\n", "another\n"):
        (project / AGENT).write_text(text)
        agentpack("sync", "--discard-edits")
    agentpack("rollback", "0")
    assert modes(project) == before


def test_contents_that_are_gone_are_told_before_anything_changes(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    (project / ".agentpack/state/blobs/000001.pack").unlink()
    for dry_run in ([], ["--dry-run"]):
        ran = agentpack("rollback", "1", *dry_run, expect=5)
        assert "contents of generation 1 are missing" in ran.err
        assert len(ran.err.split("sha256:")) == 4  # the file, the manifest and the lock
        assert modes(project) == three[3]


def test_a_forgotten_first_generation_is_not_gone_back_beyond(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    agentpack("history", "prune", "--keep", "2")
    assert "no longer known" in agentpack("rollback", "0", expect=2).err
    assert modes(project) == three[3]


def test_without_the_first_generation_no_note_leads_to_before_it(
    agentpack: Agentpack, project: Path, three: list[dict[str, tuple[bytes, int]]]
) -> None:
    back = "`agentpack rollback 0` goes back to before generation 1"
    agentpack("rollback", "2")
    assert back not in agentpack("rollback", "--dry-run").err
    agentpack("rollback", "1")
    agentpack("rollback", "2")
    assert back in agentpack("rollback", "--dry-run").err
    agentpack("history", "prune", "--keep", "3")
    ran = agentpack("rollback")
    assert "goes back" not in ran.err
    assert modes(project) == three[1]


def test_edits_since_the_last_command_are_said_to_be_kept(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    agentpack("upgrade", "--latest", "--yes", "--accept", "skills")
    path = project / ".claude/agents/python-engineer.md"
    assert "your edits" not in agentpack("rollback", "--dry-run").err
    path.write_text(path.read_text() + "- Mine.\n")
    edited = path.read_bytes()
    assert "python-engineer.md: your edits are kept in generation 3" in agentpack("rollback").err
    agentpack("rollback", "3")
    assert path.read_bytes() == edited


def test_the_text_behind_an_edit_comes_back_with_it(agentpack: Agentpack, project: Path) -> None:
    """In a fresh clone nothing is kept: the text is rendered once more, and a later merge no longer needs the release.

    Without it the merge would not know what was edited.
    """
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    with (project / AGENT).open("a") as file:
        file.write("- Mine.\n")
    shutil.rmtree(project / STATE)
    more = persona_text(body=BODY.replace("You review data.", "You review data again."))
    publish(project / "packs", make_pack(version="2.0.0", personas={"reviewer": more}))
    agentpack("install", "data-reviewer==2.0.0")
    merged = (project / AGENT).read_text()
    assert "- Mine.\n" in merged
    assert "data again." in merged
    agentpack("rollback", "1")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        shutil.rmtree(project / "packs/data-reviewer" / version)
    agentpack("install", "data-reviewer==2.0.0")
    assert (project / AGENT).read_text() == merged


def test_an_entry_of_a_shared_file_that_was_taken_over_comes_back(agentpack: Agentpack, project: Path) -> None:
    """The file is shared with other programs, so that only our entry in it can go back."""
    shared = project / ".roomodes"
    entry = "  - slug: reviewer\n    name: Mine\n    roleDefinition: |-\n      Be kind.\n    groups: [read]\n"
    shared.write_text(f"customModes:\n{entry}")
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "roo", "--adopt")
    assert "Be kind." not in shared.read_text()
    agentpack("rollback")
    assert yaml.safe_load(shared.read_text()) == {"customModes": yaml.safe_load(entry)}


def test_what_came_with_a_pull_goes_with_its_lock(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    def git(*words: str, cwd: Path = project) -> None:
        subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True)

    publish(project / "packs", make_pack("extra", personas={"helper": persona_text("helper")}))
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    git("add", "--all")
    git("commit", "--message", "ours")
    git("clone", str(project), str(tmp_path / "theirs"))
    Agentpack(tmp_path / "theirs")("install", "extra")
    git("add", "--all", cwd=tmp_path / "theirs")
    git("commit", "--message", "theirs", cwd=tmp_path / "theirs")
    git("pull", "--ff-only", str(tmp_path / "theirs"), "HEAD")
    helper = project / ".claude/agents/helper.md"
    assert helper.exists()
    agentpack("rollback", "1")
    assert not helper.exists()
    assert "extra" not in (project / "agentpack.lock").read_text()


def test_a_rollback_says_what_it_undoes(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "--client", "claude")
    agentpack("install", "python-reviewer")
    further = "`agentpack rollback 0` goes back to before generation 1"
    told = f"note: this undoes generation 2, install python-reviewer; {further}\n"
    assert told in agentpack("rollback", "--dry-run").err
    assert told in agentpack("rollback").err
    (project / ".claude/agents/python-engineer.md").write_text("Mine.\n")
    agentpack("install", "python-reviewer")
    assert "command  edits by hand\n" in agentpack("history", "show", "4").out
    assert "command  agentpack install python-reviewer\n" in agentpack("history", "show", "5").out


def test_the_history_quotes_a_value_with_spaces(agentpack: Agentpack, project: Path) -> None:
    level = {"level": {"type": "string", "default": "low", "max_length": 20, "description": "How far."}}
    publish(project / "packs", make_pack("levels", parameters=level))
    agentpack("install", "levels", "--source", "packs", "--set", "level=very high")
    assert 'install levels --set "level=very high"' in agentpack("history").out


# What the history says.


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ChangeRequest(), []),
        (ChangeRequest(clients=("claude", "codex")), ["--client claude,codex"]),
        (ChangeRequest(only=("one", "two"), without=("three",)), ["--only one,two", "--without three"]),
        (ChangeRequest(renames=("a=b", "c=d")), ["--as a=b", "--as c=d"]),
        (ChangeRequest(settings=("who=you", "who=all of you")), ["--set who=you", '--set "who=all of you"']),
        (ChangeRequest(unset=("who",), everything=True), ["--unset who", "--all"]),
        (ChangeRequest(Decisions(adopt=True, discard_edits=True)), ["--adopt", "--discard-edits"]),
        (ChangeRequest(Decisions(on_conflict="keep"), partial=True), ["--partial", "--on-conflict keep"]),
        (
            ChangeRequest(Decisions(on_conflict="theirs", of_files={"b c.md": "edit", "a.md": "keep"})),
            ["--on-conflict theirs", "--on-conflict a.md=keep", "--on-conflict 'b c.md=edit'"],
        ),
        (ChangeRequest(latest=True, locked=True, frozen=True, dry_run=True, yes=True, sources=("packs",)), []),
        (ChangeRequest(names=("a",), require_acceptance=False), []),
    ],
)
def test_the_history_records_the_options_that_chose_or_decided(request_: ChangeRequest, words: list[str]) -> None:
    assert list(request_.option_words()) == words


def test_decisions_are_for_the_packs_that_are_named_and_for_all_where_none_is() -> None:
    request = ChangeRequest(Decisions(discard_edits=True))
    assert request.restricted_to(()) is request
    named = request.restricted_to(map(parse_requirement, ("one[strict]>=1", "two")))
    assert named.decisions == Decisions(discard_edits=True, packs=frozenset({"one", "two"}))
    assert [named.decisions.discards_edits(pack) for pack in ("one", "two", "three")] == [True, True, False]
    assert request.decisions.discards_edits("three")


@pytest.mark.parametrize("state", ["as installed", "as git brought it", "gone"])
def test_a_command_that_installs_nothing_records_the_releases_that_are_there(
    agentpack: Agentpack, project: Path, state: str
) -> None:
    publish(project / "packs", *(make_pack(version=version) for version in ("1.0.0", "1.1.0")))
    texts = []
    for version in ("1.0.0", "1.1.0"):
        agentpack("install", f"data-reviewer=={version}", "--source", "packs", "--client", "claude")
        texts.append([(project / name).read_bytes() for name in ("agentpack.lock", "agentpack.yaml")])
    if state == "as git brought it":
        for name, data in zip(("agentpack.lock", "agentpack.yaml"), texts[0], strict=True):
            (project / name).write_bytes(data)
    elif state == "gone":
        (project / "agentpack.lock").unlink()
    agentpack("source", "add", "more", "packs")
    newest = agentpack("history", "--json").envelope["data"]["generations"][-1]
    version = "1.0.0" if state == "as git brought it" else "1.1.0"
    assert (newest["command"], newest["pins"]) == ("source add more", [f"data-reviewer {version}"])


def test_a_source_that_is_the_first_thing_in_a_project_is_recorded_with_no_release(
    agentpack: Agentpack, project: Path
) -> None:
    publish(project / "packs", make_pack())
    agentpack("source", "add", "more", "packs")
    [first] = agentpack("history", "--json").envelope["data"]["generations"]
    assert (first["command"], first["pins"], first["files"], first["parent"]) == ("source add more", [], 0, 0)


def test_a_generation_that_is_not_kept_is_told_with_those_that_are(agentpack: Agentpack, project: Path) -> None:
    ran = agentpack("history", "show", "7", expect=2)
    assert ran.err == f"project {project}\nerror: there is no generation 7\n  kept: none yet\n"
    publish(project / "packs", make_pack())
    agentpack("source", "add", "more", "packs")
    agentpack("install", "data-reviewer")
    ran = agentpack("history", "show", "7", expect=2)
    assert ran.err == f"project {project}\nerror: there is no generation 7\n  kept: 1, 2\n"


def test_a_rollback_of_an_adoption_is_undone_with_the_edits_made_between(agentpack: Agentpack, project: Path) -> None:
    """What the rollback left there is no file of somebody else's."""
    write_tree(project, {f".claude/agents/{name}.md": agent_text(name, "Work.") for name in ("one", "two")})
    two = project / ".claude/agents/two.md"
    found = two.read_text()
    agentpack("adopt")
    two.write_text(found + "Mine.\n")
    agentpack("rollback")
    assert two.read_text() == found
    assert not (project / "agentpack.yaml").exists()
    for text in (found + "Mine.\n", found):
        agentpack("rollback")
        assert two.read_text() == text
    agentpack("rollback", "2")
    assert two.read_text() == found + "Mine.\n"
    agentpack("rollback")
    two.write_text(found + "Somebody else's.\n")
    assert "files that agentpack did not write are in the way" in agentpack("rollback", expect=3).err
    assert two.read_text() == found + "Somebody else's.\n"


@pytest.mark.parametrize("mode", [0o600, 0o755])
def test_a_file_that_was_there_before_is_recorded_with_its_permissions(
    agentpack: Agentpack, project: Path, mode: int
) -> None:
    publish(project / "crews", make_pack("crew"))
    agentpack("install", "crew", "--source", "crews", "--client", "claude")
    file = project / ".claude/agents/reviewer.md"
    text = file.read_bytes()
    agentpack("rollback", "0")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text)
    file.chmod(mode)
    agentpack("install", "crew", "--source", "crews", "--client", "claude")
    record = json.loads((project / ".agentpack/state/generations/000003.json").read_text())
    assert [row[2] for row in record["replaced"] if row[0] == ".claude/agents/reviewer.md"] == [mode]
    agentpack("rollback")
    assert file.read_bytes() == text
    assert file.stat().st_mode & 0o777 == mode
