"""What a colleague committed comes along with `git pull`: it is taken for what it is, and not for edits by hand."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import modes, write_tree

from agentpack.model.history import FOUND
from agentpack.model.pack import AgentRow, digest_of_rows, digest_version

AGENT = ".claude/agents/python-engineer.md"
REVIEWER = ".claude/agents/python-reviewer.md"
MANIFEST = "agentpack.yaml"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


def commands(agentpack: Agentpack) -> list[str]:
    return [row["command"] for row in agentpack("history", "--json").envelope["data"]["generations"]]


@pytest.fixture
def colleague(agentpack: Agentpack, project: Path) -> Agentpack:
    """Who upgrades and commits: 1.0.0, in a range that has 1.1.0."""
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    manifest = project / MANIFEST
    manifest.write_text(manifest.read_text().replace("==1.0.0", ">=1,<2"))
    agentpack("lock")
    commit(project)
    return agentpack


@pytest.fixture
def mine(colleague: Agentpack, project: Path, tmp_path: Path) -> Agentpack:
    """A clone of it that agentpack has worked in."""
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "clone"))
    here = Agentpack(tmp_path / "clone")
    here("sync")
    with (here.folder / AGENT).open("a") as file:
        file.write("- Mine.\n")
    here("sync", "--discard-edits")
    return here


def test_files_that_came_along_with_their_lock_differ_in_nothing(
    colleague: Agentpack, mine: Agentpack, project: Path
) -> None:
    before = commands(mine)
    colleague("upgrade", "--yes")
    commit(project)
    git(mine.folder, "pull")
    pulled = modes(mine.folder)
    assert mine("diff").err.endswith("nothing differs\n")
    mine("sync", "--check")
    mine("audit", "--level", "note")
    for command in (("sync", "--locked"), ("sync",), ("sync", "--frozen")):
        assert mine(*command).err.endswith("nothing to change\n")
    assert commands(mine) == before
    assert modes(mine.folder) == pulled


def test_going_back_tells_what_it_does(colleague: Agentpack, mine: Agentpack, project: Path) -> None:
    before = modes(mine.folder)
    colleague("upgrade", "--yes")
    commit(project)
    git(mine.folder, "pull")
    pulled = modes(mine.folder)
    told = mine("rollback", "2", "--dry-run").err
    assert "python-engineer 1.1.0 -> 1.0.0\n" in told
    assert f"{AGENT}  updated" in told
    mine("rollback", "2")
    assert modes(mine.folder) == before
    mine("rollback")
    assert modes(mine.folder) == pulled


def test_a_rollback_without_a_number_undoes_nothing_that_git_did(
    colleague: Agentpack, mine: Agentpack, project: Path
) -> None:
    colleague("upgrade", "--yes")
    commit(project)
    git(mine.folder, "pull")
    pulled = modes(mine.folder)
    for words in (("rollback",), ("rollback", "--dry-run")):
        said = mine(*words, expect=3).err
        assert "agentpack.lock was changed after `sync --discard-edits`" in said
        assert "`agentpack rollback 1`" in said
        assert modes(mine.folder) == pulled


def test_packs_that_come_and_go_are_taken_along(colleague: Agentpack, mine: Agentpack, project: Path) -> None:
    before = modes(mine.folder)
    colleague("uninstall", "python-engineer")
    colleague("install", "python-reviewer")
    commit(project)
    git(mine.folder, "pull")
    assert mine("diff").err.endswith("nothing differs\n")
    mine("rollback", "2")
    assert modes(mine.folder) == before
    mine("rollback")
    assert (mine.folder / REVIEWER).exists()
    assert not (mine.folder / AGENT).exists()
    assert "nothing to change" in mine("sync").err
    assert commands(mine)[2] == "found in this checkout"


def test_a_file_that_git_took_away_with_its_row_is_not_missed(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    commit(project)
    agentpack("install", "python-reviewer")
    commit(project)
    git(project, "checkout", "--quiet", "HEAD~1")
    assert not (project / REVIEWER).exists()
    assert agentpack("diff").err.endswith("nothing differs\n")
    agentpack("audit", "--level", "note")
    assert agentpack("status", "--json").envelope["data"]["leftovers"] == []
    assert agentpack("sync").err.endswith("nothing to change\n")


def test_an_edit_beside_what_came_along_is_an_edit(colleague: Agentpack, mine: Agentpack, project: Path) -> None:
    colleague("upgrade", "--yes")
    commit(project)
    git(mine.folder, "pull")
    with (mine.folder / AGENT).open("a") as file:
        file.write("- Mine.\n")
    assert f"{AGENT}  edited by hand  +1 -0  1 rule added\n" in mine("diff", "--stat", expect=1).out
    mine("sync", "--locked", expect=3)
    mine("sync", "--locked", "--discard-edits")
    assert commands(mine)[2:] == ["found in this checkout", "sync --discard-edits"]


def test_a_lock_that_came_without_its_files_calls_them_edited(
    colleague: Agentpack, mine: Agentpack, project: Path, tmp_path: Path
) -> None:
    """As a fresh clone of it does: nothing there says that the files are only older."""
    colleague("upgrade", "--yes")
    git(project, "add", "agentpack.lock")
    git(project, "commit", "--quiet", "--message", "only the lock")
    git(mine.folder, "pull")
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "fresh"))
    fresh = Agentpack(tmp_path / "fresh")
    assert mine("diff", expect=1).out == fresh("diff", expect=1).out
    for here in (mine, fresh):
        found = here("audit", "--level", "note", "--json", expect=1).envelope["data"]["findings"]
        assert [one["rule"] for one in found] == ["AP201"]
        here("sync", "--locked", expect=3)
        here("sync", "--locked", "--discard-edits")
        here("diff")


def test_a_lock_with_marks_of_a_conflict_can_still_be_gone_back_from(mine: Agentpack) -> None:
    before = modes(mine.folder)
    (mine.folder / "agentpack.lock").write_text("<<<<<<< ours\n")
    mine("rollback", "2")
    assert modes(mine.folder) == before


# A team that does not commit the agents' files: only the manifest and the lock come along.


def test_a_half_merged_lock_that_a_rollback_brought_back_is_read_as_in_a_fresh_clone(
    colleague: Agentpack, mine: Agentpack, project: Path
) -> None:
    colleague("install", "python-engineer==1.1.0")
    commit(project)
    mine("install", "python-engineer==2.0.0", "--accept", "shell", "--accept", "edit")
    commit(mine.folder)
    with pytest.raises(subprocess.CalledProcessError):
        git(mine.folder, "pull", "--no-rebase")
    git(mine.folder, "checkout", "--ours", "--", MANIFEST)
    mine("sync", "--discard-edits")
    mine("rollback")
    git(mine.folder, "checkout", "--theirs", "--", AGENT)

    def planned() -> list[str]:
        files = mine("sync", "--dry-run", "--json").envelope["data"]["files"]
        return [file["action"] for file in files if file["path"] == AGENT]

    here = planned()
    shutil.rmtree(mine.folder / ".agentpack/state")
    assert here == planned() == ["replace"]


def test_of_a_half_merged_lock_the_release_stays_that_the_manifest_allows(agentpack: Agentpack, project: Path) -> None:
    """`lock` moves nothing else: no release is taken that neither side has."""
    lock = project / "agentpack.lock"
    publish(project / "packs", make_pack(version="1.0.0"), make_pack("acme", personas={"acme": persona_text("acme")}))
    agentpack("install", "data-reviewer>=1.0", "acme", "--source", "packs")
    ours = lock.read_text()
    publish(project / "packs", make_pack(version="1.1.0"))
    agentpack("upgrade", "--yes")
    lock.write_text(f"<<<<<<< HEAD\n{ours}=======\n{lock.read_text()}>>>>>>> theirs\n")
    publish(project / "packs", make_pack(version="1.2.0"))
    manifest = project / MANIFEST
    manifest.write_text(manifest.read_text().replace(">=1.0", ">=1.1"))
    err = agentpack("lock").err
    assert "data-reviewer: 1.0.0 on our side of the merge, 1.1.0 on the other; using 1.1.0" in err
    assert err.count("side of the merge") == 1  # both have the same release of the other pack
    locked = {pack["name"]: pack["version"] for pack in json.loads(lock.read_text())["packs"]}
    assert locked == {"acme": "1.0.0", "data-reviewer": "1.1.0"}


@pytest.mark.many
@pytest.mark.parametrize("there", ["ours", "theirs", "neither", "nothing"])
def test_of_a_half_merged_lock_the_row_counts_that_the_file_is_equal_to(
    agentpack: Agentpack, project: Path, there: str
) -> None:
    lock, file = project / "agentpack.lock", project / ".claude/agents/reviewer.md"
    texts = {}
    for side, version in (("base", "1.0.0"), ("theirs", "1.2.0"), ("ours", "1.1.0")):
        text = persona_text(body=f"You review {side}. {{#identity}}\n")
        publish(project / "packs", make_pack(version=version, personas={"reviewer": text}))
        agentpack("install", f"data-reviewer=={version}", "--source", "packs", "--client", "claude")
        texts[side] = (lock.read_text(), file.read_text())
    marks = f"<<<<<<< HEAD\n{texts['ours'][0]}||||||| base\n{texts['base'][0]}=======\n{texts['theirs'][0]}>>>>>>> x\n"
    lock.write_text(marks)
    manifest = project / MANIFEST
    manifest.write_text(re.sub("data-reviewer==.*", "data-reviewer", manifest.read_text()))
    written = {**{side: text for side, (_, text) in texts.items()}, "neither": "Mine.\n"}
    file.write_text(written[there]) if there in written else file.unlink()
    agentpack("lock")
    [row] = json.loads(lock.read_text())["files"]
    side = there if there in texts else "ours"
    assert row["sha256"] == hashlib.sha256(texts[side][1].encode()).hexdigest()
    assert agentpack("status", "--json").envelope["data"]["packs"][0]["version"] == "1.1.0"


def test_of_a_half_merged_lock_a_pack_that_another_one_brings_along_is_merged_too(
    agentpack: Agentpack, project: Path
) -> None:
    lock = project / "agentpack.lock"
    lead = make_pack("lead", requires=["helper"], personas={"lead": persona_text("lead")})
    publish(project / "packs", lead, make_pack("helper", personas={"helper": persona_text("helper")}))
    agentpack("install", "lead", "--source", "packs")
    ours = lock.read_text()
    publish(project / "packs", make_pack("helper", "1.1.0", personas={"helper": persona_text("helper")}))
    agentpack("upgrade", "--yes")
    lock.write_text(f"<<<<<<< HEAD\n{ours}=======\n{lock.read_text()}>>>>>>> theirs\n")
    assert "helper: 1.0.0 on our side of the merge, 1.1.0 on the other; using 1.0.0" in agentpack("lock").err


@pytest.mark.parametrize("command", ["lock", "sync"])
def test_a_merge_that_ends_with_one_side_of_the_lock_leaves_no_markers(
    agentpack: Agentpack, project: Path, command: str
) -> None:
    lock = project / "agentpack.lock"
    publish(project / "packs", make_pack(version="1.0.0"), make_pack(version="1.1.0"))
    agentpack("install", "data-reviewer==1.1.0", "--source", "packs", "--client", "claude")
    theirs = lock.read_text()
    agentpack("install", "data-reviewer==1.0.0")
    ours = lock.read_text()
    lock.write_text(f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> theirs\n")
    agentpack(command)
    assert lock.read_text() == ours
    agentpack("sync", "--locked")


def test_a_rollback_brings_no_lock_back_that_nobody_can_read_once_the_merge_is_over(
    colleague: Agentpack, mine: Agentpack, project: Path
) -> None:
    with (project / AGENT).open("a") as file:
        file.write("- Theirs.\n")
    colleague("keep", "python-engineer")
    for each in (colleague, mine):
        publish(each.folder / "packs", make_pack("sql-reviewer"))
        each("install", "sql-reviewer", "--source", "packs", "--client", "claude")
        commit(each.folder)
    with pytest.raises(subprocess.CalledProcessError):
        git(mine.folder, "pull", "--no-rebase")
    git(mine.folder, "checkout", "--ours", "--", MANIFEST)
    mine("sync", "--partial")
    git(mine.folder, "reset", "--hard", "HEAD")
    before = modes(mine.folder)
    said = mine("rollback", expect=3).err
    assert "was recorded during a merge" in said
    assert "`agentpack history` lists them" in said
    assert modes(mine.folder) == before
    mine("diff")


@pytest.fixture
def agents_ignored(project: Path) -> None:
    (project / ".gitignore").write_text(".claude/\n")


@pytest.fixture
def lock_only(agents_ignored: None, colleague: Agentpack, mine: Agentpack, project: Path) -> Agentpack:
    """A clone with an edit of one word, in which a newer lock came along."""
    path = mine.folder / AGENT
    text = path.read_text().replace("Keep architecture decisions", "Keep all decisions")
    assert text != path.read_text()
    path.write_text(text)
    manifest = project / MANIFEST
    manifest.write_text(manifest.read_text().replace(">=1,<2", ">=1,<3"))
    colleague("lock", "--upgrade")
    commit(project)
    git(mine.folder, "pull")
    return mine


def test_an_edit_and_a_newer_lock_are_two_facts(lock_only: Agentpack) -> None:
    out = lock_only("diff", "--stat", expect=1).out.splitlines()
    assert out == [
        f"{AGENT}  edited by hand, and not up to date with the lock  +1 -1  1 rule changed",
    ]
    full = lock_only("diff", expect=1).out
    assert (
        "edited by hand, and not up to date with the lock; `agentpack sync` merges the two, or names the conflict"
        in full
    )
    assert "{+all+}" in full
    assert "edited by hand, and not up to date" in lock_only("sync", "--check", expect=1).out
    (file,) = lock_only("diff", "--json", expect=1).envelope["data"]["files"]
    assert (file["state"], file["outdated"], len(file["rules"])) == ("edited", True, 1)
    assert file["rules"][0]["origin"] == "local edit"
    for format in ("rules", "markdown", "html", "github", "unified"):
        assert "all" in lock_only("diff", "--format", format, expect=1).out or format == "github"
    advice = "(and not up to date with the lock: `agentpack sync` merges the two, or names the conflict)"
    assert f"{AGENT}  {advice}" in lock_only("status").out
    lock_only("sync", "--on-conflict", "keep")
    assert "not up to date" not in lock_only("status").out
    [pack] = lock_only("status", "--json").envelope["data"]["packs"]
    assert [(file["state"], file["outdated"]) for file in pack["files"] if file["path"] == AGENT] == [("edited", False)]


def test_an_edit_that_was_merged_before_is_told_as_well(
    lock_only: Agentpack, colleague: Agentpack, project: Path
) -> None:
    lock_only("sync", "--on-conflict", "keep")
    git(lock_only.folder, "checkout", "agentpack.lock")
    assert "Keep all decisions" in (lock_only.folder / AGENT).read_text()
    manifest = project / MANIFEST
    manifest.write_text(manifest.read_text().replace(">=1,<3", ">=1,<2"))
    colleague("lock", "--accept", "every-tool")
    commit(project)
    git(lock_only.folder, "pull")
    assert "not up to date with the lock  +1 -0  1 rule added" in lock_only("diff", "--stat", expect=1).out


# What the lock alone cannot tell, or tells of releases that are gone.


@pytest.fixture
def packs(project: Path) -> Path:
    return publish(
        project / "packs",
        make_pack("reviews", "1.0.0", personas={"reviewer": persona_text(body="You look. {#identity}\n")}),
        make_pack("reviews", "1.1.0", personas={"reviewer": persona_text(body="You look hard. {#identity}\n")}),
        make_pack("writes", "1.0.0", personas={"writer": persona_text("writer", "You write. {#identity}\n")}),
        make_pack("writes", "1.1.0", personas={"writer": persona_text("writer", "You write well. {#identity}\n")}),
    )


def test_a_file_whose_release_is_gone_is_a_decision_for_that_file_alone(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path
) -> None:
    agentpack("install", "reviews==1.0.0", "writes==1.0.0", "--source", "packs", "--client", "claude")
    place = project / MANIFEST
    place.write_text(place.read_text().replace("==", ">="))
    agentpack("lock")
    with (project / ".claude/agents/reviewer.md").open("a") as file:
        file.write("- Mine.\n")
    shutil.rmtree(packs / "reviews/1.0.0")
    commit(project)
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "fresh"))
    fresh = Agentpack(tmp_path / "fresh")
    edited = (fresh.folder / ".claude/agents/reviewer.md").read_text()
    assert "the text it was edited from can no longer be rendered" in fresh("upgrade", "--yes", expect=3).err
    fresh("upgrade", "--yes", "--partial", expect=3)
    assert (fresh.folder / ".claude/agents/reviewer.md").read_text() == edited
    assert "You write well." in (fresh.folder / ".claude/agents/writer.md").read_text()
    fresh("upgrade", "--yes", "--on-conflict", "keep")
    assert (fresh.folder / ".claude/agents/reviewer.md").read_text() == edited
    assert "You look [-hard-]." in fresh("diff", expect=1).out


def test_the_text_that_was_edited_is_made_of_what_its_release_required_then(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    """A persona that extends another pack's, in a clone that has only the lock to go by: both packs moved on since."""
    for version, word in (("1.0.0", "once"), ("2.0.0", "twice")):
        base = persona_text("base", f"You look. {{#identity}}\n\n- Ask {word}. {{#ask}}\n- Stop. {{#stop}}\n")
        ours = persona_text("reviewer", "- Say what you saw. {#say}\n", extends=f"basics=={version}")
        publish(
            project / "packs",
            make_pack("basics", version, personas={"base": base}),
            make_pack("reviews", version, personas={"reviewer": ours}, requires=[f"basics=={version}"]),
        )
    agentpack("install", "reviews==1.0.0", "--source", "packs", "--client", "claude")
    path = project / ".claude/agents/reviewer.md"
    path.write_text(path.read_text().replace("- Say what you saw.", "- Say all that you saw."))
    manifest = project / MANIFEST
    manifest.write_text(manifest.read_text().replace("==1.0.0", ">=1.0.0"))
    agentpack("lock", "--upgrade")
    commit(project)
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "fresh"))
    fresh = Agentpack(tmp_path / "fresh")
    assert "1 rule changed" in fresh("diff", "--stat", expect=1).out
    fresh("sync")
    text = (fresh.folder / ".claude/agents/reviewer.md").read_text()
    assert "- Ask twice.\n- Stop.\n" in text
    assert "- Say all that you saw." in text


def test_lock_writes_the_same_bytes_whatever_this_copy_wrote_last(
    agents_ignored: None, agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "reviews==1.0.0", "--source", "packs", "--client", "claude")
    commit(project)
    git(project, "switch", "--quiet", "--create", "newer")
    agentpack("install", "reviews==1.1.0")
    commit(project)
    git(project, "switch", "--quiet", "-")
    before = (project / "agentpack.lock").read_bytes()
    agentpack("lock", "--check")
    agentpack("lock")
    assert (project / "agentpack.lock").read_bytes() == before
    assert "reviews 1.1.0" not in agentpack("sync").out
    assert "You look.\n" in (project / ".claude/agents/reviewer.md").read_text()


def test_an_older_lock_is_brought_to_todays_schema_by_who_writes_files(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("install", "reviews==1.0.0", "--source", "packs", "--client", "claude")
    lock = project / "agentpack.lock"
    old = lock.read_text().replace('"schema": 2', '"schema": 1')
    lock.write_text(old)
    agentpack("sync")
    assert lock.read_text() == old
    (project / ".claude/agents/reviewer.md").unlink()
    agentpack("sync")
    assert '"schema": 2' in lock.read_text()


def test_an_adopted_file_is_its_users_again_once_git_took_its_pack_away(
    agents_ignored: None, agentpack: Agentpack, project: Path
) -> None:
    commit(project)
    own = project / ".claude/agents/own.md"
    own.parent.mkdir(parents=True)
    own.write_text("---\nname: own\ndescription: Mine.\n---\nI am my own.\n")
    agentpack("adopt", ".claude/agents/own.md")
    text = own.read_text()
    commit(project)
    git(project, "reset", "--quiet", "--hard", "HEAD~1")
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    assert own.read_text() == text


def test_files_that_were_found_are_recorded_in_the_order_of_their_paths(agentpack: Agentpack, project: Path) -> None:
    """Also where the lock is gone, and they are recognised one by one: the same checkout gives the same record."""
    names = [f"reviewer-{letter}" for letter in "abcdefgh"]
    publish(project / "packs", make_pack(personas={name: persona_text(name) for name in names}))
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude")
    shutil.rmtree(project / ".agentpack")
    (project / "agentpack.lock").unlink()
    (project / ".claude/agents/reviewer-c.md").unlink()
    agentpack("sync")
    record = json.loads((project / ".agentpack/state/generations/000001.json").read_text())
    assert record["command"] == FOUND
    paths = [path for path, *_ in record["files"]]
    assert len(paths) == 7 and paths == sorted(paths)


def test_a_file_that_git_took_out_of_the_lock_is_nobody_s_once_it_is_added(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    """As in a fresh clone, whatever was locked in between."""
    agentpack("install", "reviews==1.0.0", "--source", "packs", "--client", "claude")
    place = project / MANIFEST
    place.write_text(place.read_text().replace("==", "~="))
    commit(project)
    agentpack("install", "writes")
    git(project, "commit", "--quiet", "--all", "--message", "without its file")
    git(project, "reset", "--quiet", "--hard", "HEAD~1")
    agentpack("lock", "--upgrade")
    assert "writer.md: no longer needed" in agentpack("status").out
    git(project, "add", "--all")
    assert "1 agent file not managed" in agentpack("status").out
    agentpack("sync")
    assert (project / ".claude/agents/writer.md").exists()


@pytest.mark.many
@pytest.mark.parametrize("command", [["sync"], ["upgrade", "--yes"], ["uninstall", "writes"]], ids=" ".join)
@pytest.mark.parametrize(
    ("path", "client", "pack", "persona"),
    [
        (".claude/agents/mine.md", "claude", "reviews", "mine"),
        (".claude/skills/mine/SKILL.md", "claude-skills", "reviews", "mine"),
        (".claude/agents/mine.md", "skills", "reviews", "mine"),
        (".claude/agents/mine.md", "claude", "nothing", "mine"),
        (".claude/agents/reviewer.md", "claude", "reviews", "reviewer"),
    ],
)
def test_a_row_that_no_release_bears_out_makes_no_file_of_somebody_else_ours(
    agentpack: Agentpack,
    project: Path,
    packs: Path,
    tmp_path: Path,
    path: str,
    client: str,
    pack: str,
    persona: str,
    command: list[str],
) -> None:
    """Its digest is right: the lock came from somebody who knows the file."""
    agentpack("install", "reviews==1.0.0", "writes==1.0.0", "--source", "packs", "--client", "claude")
    mine = project / path
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("---\nname: mine\ndescription: My own.\n---\nMine.\n")
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    row = {"path": path, "client": client, "pack": pack, "persona": persona}
    digest = hashlib.sha256(mine.read_bytes()).hexdigest()
    data["files"] = [file for file in data["files"] if file["path"] != path]
    data["files"].append(row | {"sha256": digest, "capabilities": "every-tool"})
    lock.write_text(json.dumps(data))
    commit(project)
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "fresh"))
    fresh = Agentpack(tmp_path / "fresh")
    fresh(*command, expect=None)
    assert (fresh.folder / path).read_bytes() == mine.read_bytes()


@pytest.mark.many
@pytest.mark.parametrize(
    ("first", "command"),
    [
        ("", "sync"),
        ("", "uninstall gone"),
        ("", "upgrade --yes"),
        ("", "sync --discard-edits"),
        ("lock", "sync"),
        ("install writes", "upgrade --yes"),
    ],
)
@pytest.mark.parametrize("claim", ["no release", "no local variant", "a text of its own", "a place that is gone"])
def test_a_row_that_nothing_of_ours_bears_out_makes_no_file_ours(
    agentpack: Agentpack, project: Path, packs: Path, tmp_path: Path, claim: str, first: str, command: str
) -> None:
    """The release is gone, or cannot be made: then git must have the file, or the history of this checkout."""
    agentpack("install", "reviews==1.0.0", "--source", "packs", "--client", "claude")
    commit(project)
    git(tmp_path, "clone", "--quiet", str(project), str(tmp_path / "fresh"))
    fresh = Agentpack(tmp_path / "fresh")
    fresh("sync")
    mine = fresh.folder / ".claude/agents/mine.md"
    mine.write_text("---\nname: mine\ndescription: My own.\n---\nMine.\n")
    digest = hashlib.sha256(mine.read_bytes()).hexdigest()
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    pin = dict(data["packs"][0], name="gone", digest=f"sha256:{'0' * 64}")
    if claim == "no local variant":
        variant = {"persona": "mine", "name": "x", "digest": f"sha256:{digest}"}
        pin = dict(data["packs"][0], local_variants=[variant])
        data["packs"] = []
    elif claim == "a text of its own":
        pin |= {"agents": [{"path": "agents/mine.md", "sha256": digest}], "version": "0.0.0"}
    elif claim == "a place that is gone":  # all that the row says of itself is right
        rows = (AgentRow("agents/mine.md", digest),)
        whole = digest_of_rows(rows)
        pin |= {
            "agents": [{"path": "agents/mine.md", "sha256": digest}],
            "digest": whole,
            "version": str(digest_version(whole)),
        }
        manifest = project / "agentpack.yaml"
        manifest.write_text(
            manifest.read_text()
            .replace("packs:\n", "packs:\n  - {require: gone, source: kit}\n")
            .replace("sources:\n", "sources:\n  - {name: kit, path: kit}\n")
        )
        pin["source"] = "kit"
    data["packs"].append(pin)
    row = {"path": ".claude/agents/mine.md", "client": "claude", "pack": pin["name"], "persona": "mine"}
    data["files"].append(row | {"sha256": digest, "capabilities": "every-tool"})
    lock.write_text(json.dumps(data))
    commit(project)
    git(fresh.folder, "pull", "--quiet")
    if first:
        fresh(*first.split(), expect=None)
    said = fresh(*command.split(), expect=None)
    assert ".claude/agents/mine.md" in said.err or said.exit_code or first
    assert mine.exists()
    assert "Mine." in mine.read_text()


@pytest.mark.parametrize("proven", [True, False])
def test_a_file_that_git_does_not_have_is_ours_if_release_and_local_variants_give_it(
    agentpack: Agentpack, project: Path, proven: bool
) -> None:
    """Each persona with its own variant, whatever those are called."""
    names = ("reader", "writer")
    publish(project / "crews", make_pack("crew", personas={name: persona_text(name) for name in names}))
    agentpack("install", "crew", "--source", "crews", "--client", "claude")
    for name in names:
        with (project / f".claude/agents/{name}.md").open("a") as file:
            file.write(f"- Mine as {name}.\n")
        agentpack("keep", name, "--as", "mine")
    (project / ".gitignore").write_text("/.claude/\n")
    commit(project)
    shutil.rmtree(project / ".agentpack/state")
    if not proven:
        variant = project / ".agentpack/variants/reader/mine.md"
        variant.write_text(variant.read_text().replace("Mine", "Yours"))
    lacks = (
        "the lock lists `.claude/agents/reader.md`, but that text is in no release and not in this checkout's history"
    )
    assert (lacks in agentpack("sync", "--dry-run", expect=0 if proven else 3).err) is not proven
    agentpack("uninstall", "crew")
    assert [(project / f".claude/agents/{name}.md").exists() for name in names] == [not proven] * 2


@pytest.mark.parametrize(("ignored", "ours"), [("", True), ("/.claude/", False), ("/.claude/\n/agentpack.lock", True)])
def test_a_file_whose_release_is_gone_is_ours_if_it_came_with_its_row(
    agentpack: Agentpack, project: Path, ignored: str, ours: bool
) -> None:
    """If git has both of them, or neither."""
    publish(project / "crews", make_pack("crew"))
    agentpack("install", "crew", "--source", "crews", "--client", "claude")
    (project / ".gitignore").write_text(f"{ignored}\n")
    commit(project)
    shutil.rmtree(project / ".agentpack/state")
    shutil.rmtree(project / "crews/crew/1.0.0")
    said = agentpack("uninstall", "crew").err
    assert (project / ".claude/agents/reviewer.md").exists() is not ours
    assert ("but that text is in no release and not in this checkout's history" in said) is not ours


@pytest.mark.parametrize("names", [("one",), ("one", "two")])
@pytest.mark.parametrize("offered", [True, False])
def test_an_agent_file_that_git_does_not_have_is_ours_if_its_place_still_has_it(
    agentpack: Agentpack, project: Path, names: tuple[str, ...], offered: bool
) -> None:
    texts = {f"agents/{name}.md": f"---\nname: {name}\ndescription: Works.\n---\nWork as {name}.\n" for name in names}
    write_tree(project / "kit", texts)
    agentpack("install", "./kit", "--client", "claude")
    (project / ".gitignore").write_text("/.claude/\n")
    commit(project)
    shutil.rmtree(project / ".agentpack/state")
    if not offered:
        write_tree(project / "kit", {path: text.replace("Work as", "Rest as") for path, text in texts.items()})
    agentpack("uninstall", "kit")
    assert [(project / f".claude/agents/{name}.md").exists() for name in names] == [not offered] * len(names)
