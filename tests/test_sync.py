"""sync and lock: the disk follows manifest and lock, and nobody's edit goes by the way."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import marks, tree, write_tree

AGENT = ".claude/agents/reviewer.md"
MORE = ".claude/agents/more.md"


@pytest.fixture
def project(project: Path) -> Path:
    """A project with a folder of packs and a manifest that asks for the older release."""
    publish(project / "packs", make_pack(version="1.0.0"), make_pack(version="1.1.0"))
    manifest = "schema: 1\nsources: [{name: packs, path: packs}]\npacks: [data-reviewer==1.0.0]  # for now\n"
    return write_tree(project, {"agentpack.yaml": manifest})


def ask_for(project: Path, requirement: str) -> None:
    path = project / "agentpack.yaml"
    path.write_text(re.sub(r"'?data-reviewer[=>.0-9]+'?", requirement, path.read_text()))


def test_a_manifest_written_by_hand_is_carried_out_and_left_as_it_is(agentpack: Agentpack, project: Path) -> None:
    before = (project / "agentpack.yaml").read_bytes()
    agentpack("sync")
    assert AGENT in tree(project)
    assert (project / "agentpack.yaml").read_bytes() == before


def test_without_a_manifest_there_is_nothing_to_do(agentpack: Agentpack, project: Path) -> None:
    (project / "agentpack.yaml").unlink()
    for verb in ("sync", "lock", "upgrade"):
        before = marks(project)
        ran = agentpack(verb, expect=2)
        assert "agentpack.yaml" in ran.err
        assert marks(project) == before


def test_the_lock_keeps_a_release_while_the_range_allows_it(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    ask_for(project, "'data-reviewer>=1.0'")
    agentpack("sync")
    assert '"version": "1.0.0"' in (project / "agentpack.lock").read_text()
    agentpack("lock", "--upgrade")
    assert '"version": "1.1.0"' in (project / "agentpack.lock").read_text()


@pytest.mark.parametrize("words", [("sync",), ("sync", "--check"), ("upgrade", "--yes"), ("status",), ("diff",)])
def test_an_empty_lock_is_a_damaged_one_and_not_a_missing_one(
    agentpack: Agentpack, project: Path, words: tuple[str, ...]
) -> None:
    agentpack("sync")
    ask_for(project, "'data-reviewer>=1.0'")
    (project / "agentpack.lock").write_bytes(b"")
    before = marks(project)
    assert "agentpack.lock:1: not valid JSON" in agentpack(*words, expect=2).err
    assert marks(project) == before


def test_lock_touches_no_agent_and_is_undone_by_a_rollback(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    before = tree(project)
    ask_for(project, "'data-reviewer>=1.0'")
    asked = tree(project)
    agentpack("lock", "--upgrade-pack", "data-reviewer")
    assert tree(project)[AGENT] == before[AGENT]
    agentpack("rollback")
    assert tree(project) == asked
    assert "is not in" in agentpack("lock", "--upgrade-pack", "other", expect=2).err


def test_a_first_lock_can_be_made_before_anything_is_installed(agentpack: Agentpack, project: Path) -> None:
    agentpack("lock")
    assert AGENT not in tree(project)
    assert "nothing to change" in agentpack("lock", "--check").err
    agentpack("sync", "--locked")
    assert AGENT in tree(project)


def test_the_lock_does_not_depend_on_the_way_to_it(agentpack: Agentpack, project: Path) -> None:
    agentpack("lock")
    agentpack("sync")
    first = (project / "agentpack.lock").read_bytes()
    agentpack("lock")
    assert (project / "agentpack.lock").read_bytes() == first
    (project / "agentpack.lock").unlink()
    agentpack("sync")
    assert (project / "agentpack.lock").read_bytes() == first


def test_a_comment_in_the_manifest_does_not_make_the_lock_stale(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    path = project / "agentpack.yaml"
    path.write_text("# a comment\n" + path.read_text())
    agentpack("sync", "--locked")


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
def test_an_edited_file_stops_a_sync_that_must_be_exact(agentpack: Agentpack, project: Path, option: str) -> None:
    agentpack("sync")
    (project / AGENT).write_text("mine\n")
    before = marks(project)
    ran = agentpack("sync", option, expect=3)
    assert AGENT in ran.err
    assert "--discard-edits" in ran.err
    assert marks(project) == before
    agentpack("sync", option, "--discard-edits")
    agentpack("rollback")
    assert (project / AGENT).read_text() == "mine\n"


def test_one_of_several_edits_that_a_variant_can_say_is_said_to_be_kept(agentpack: Agentpack, project: Path) -> None:
    """Whatever else was edited: of an agent without its header it is not said."""
    agentpack("sync")
    kit, last = agent_text("zoe", "Work."), project / ".claude/agents/zoe.md"
    write_tree(project, {"kit/agents/zoe.md": kit})
    agentpack("install", "./kit")
    last.write_text("More.\n")  # without its header
    for words in (("sync", "--locked"), ("diff",)):
        assert "`agentpack keep kit` says which edits cannot" in agentpack(*words, expect=None).err
    (project / AGENT).write_text("mine\n")
    ran = agentpack("sync", "--locked", expect=3)
    assert "2 files were edited by hand" in ran.err
    assert "`agentpack keep` turns it into a local variant" in ran.err


def test_check_says_whether_something_differs_and_writes_nothing(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    before = marks(project)
    agentpack("sync", "--check")
    (project / AGENT).write_text("mine\n")
    assert agentpack("sync", "--check", expect=1).exit_code == 1
    (project / AGENT).write_bytes(before[AGENT].content)
    assert tree(project) == {path: mark.content for path, mark in before.items()}


def test_a_check_that_fails_for_an_edit_names_the_way_back(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    (project / AGENT).write_text((project / AGENT).read_text() + "\n- More.\n")
    told = agentpack("sync", "--locked", "--check", expect=1).err
    assert "`agentpack sync --discard-edits` restores the locked text" in told
    agentpack("sync", "--discard-edits")
    agentpack("sync", "--locked", "--check")


def test_a_pack_that_was_edited_under_its_version_fails_a_check_here_as_in_a_clone(
    agentpack: Agentpack, project: Path
) -> None:
    agentpack("sync")
    agentpack("sync", "--locked", "--check")
    persona = project / "packs/data-reviewer/1.0.0/personas/reviewer.md"
    persona.write_text(persona.read_text() + "\n- More.\n")
    told = "agentpack.lock  does not match the locked releases"
    here = agentpack("sync", "--locked", "--check", expect=1).out
    assert told in here and "data-reviewer 1.0.0 from `packs` is not what was locked" in here
    assert agentpack("sync", "--frozen", "--check", expect=1).out == here
    shutil.rmtree(project / ".agentpack")
    assert agentpack("sync", "--locked", "--check", expect=1).out == here


@pytest.mark.parametrize("words", [("sync",), ("sync", "--locked"), ("sync", "--frozen")])
def test_a_release_that_is_gone_is_told_with_those_there_are(
    agentpack: Agentpack, project: Path, words: tuple[str, ...]
) -> None:
    agentpack("sync")
    ask_for(project, "'data-reviewer>=1.0'")
    agentpack("sync")
    (project / "packs/data-reviewer/1.0.0").rename(project / "gone")
    before = tree(project)
    ran = agentpack(*words, expect=4)
    assert "no source has data-reviewer 1.0.0\n  there is only 1.1.0\n" in ran.err
    assert "hint: `agentpack upgrade data-reviewer` takes another release\n" in ran.err
    assert tree(project) == before
    agentpack("upgrade", "data-reviewer", "--yes")
    agentpack(*words)


def test_a_pack_that_is_gone_is_told(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    (project / "packs/data-reviewer").rename(project / "gone")
    assert "no source has a pack `data-reviewer`" in agentpack("sync", "--locked", expect=4).err


def test_a_release_whose_bytes_changed_is_refused(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    before = marks(project)
    write_tree(project / "packs/data-reviewer/1.0.0", {"README.md": "New.\n"})
    for options in ((), ("--locked",), ("--frozen",)):
        ran = agentpack("sync", *options, expect=5)
        assert "data-reviewer 1.0.0 from `packs` is not what was locked" in ran.err
    (project / "packs/data-reviewer/1.0.0/README.md").unlink()
    assert {path: mark for path, mark in marks(project).items() if path in before} == before


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
@pytest.mark.parametrize(("key", "value"), [("sha256", "0" * 64), ("capabilities", "every-tool, hooks")])
def test_a_lock_whose_files_are_not_what_its_releases_give_is_refused(
    agentpack: Agentpack, project: Path, option: str, key: str, value: str
) -> None:
    """Neither their text nor what they may do: what the lock says of that is an acceptance for later releases."""
    agentpack("sync")
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    assert data["files"][0][key] != value
    data["files"][0][key] = value
    lock.write_text(json.dumps(data, indent=1))
    before = marks(project)
    ran = agentpack("sync", option, expect=3)
    assert "the locked releases do not match agentpack.lock" in ran.err
    assert AGENT in ran.err
    assert marks(project) == before


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
def test_a_lock_from_which_a_file_was_taken_is_refused(agentpack: Agentpack, project: Path, option: str) -> None:
    agentpack("sync")
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    taken = data["files"].pop(0)
    lock.write_text(json.dumps(data, indent=1))
    before = marks(project)
    assert taken["path"] in agentpack("sync", option, expect=3).err
    assert marks(project) == before


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
@pytest.mark.parametrize("with_files", [True, False])
def test_a_lock_that_has_a_pack_require_another_brings_nothing_in(
    agentpack: Agentpack, project: Path, option: str, with_files: bool
) -> None:
    """A lock may say so of itself; the release does not."""
    publish(project / "packs", make_pack("more", personas={"more": persona_text("more")}))
    agentpack("sync")
    alone = (project / "agentpack.lock").read_text()
    path = project / "agentpack.yaml"
    manifest = path.read_text()
    path.write_text(manifest.replace("==1.0.0", "==1.0.0, more"))
    agentpack("lock")
    data, pulled = json.loads(alone), json.loads((project / "agentpack.lock").read_text())
    path.write_text(manifest)
    (row,) = (pack for pack in pulled["packs"] if pack["name"] == "more")
    data["packs"][0]["requires"] = ["more"]
    data["packs"].append({**row, "wanted_by": ["data-reviewer 1.0.0"]})
    data["files"] += [{**data["files"][0], "path": MORE, "pack": "more", "persona": "more"}] if with_files else []
    (project / "agentpack.lock").write_text(json.dumps(data, indent=1))
    before = marks(project)
    ran = agentpack("sync", option, expect=3)
    assert "the locked releases do not match agentpack.lock" in ran.err
    assert "data-reviewer" in ran.err
    assert marks(project) == before


@pytest.mark.many
@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("data-reviewer==1.2.0rc1", "data-reviewer 1.2.0rc1 is locked, but agentpack.yaml asks for data-reviewer>=1.0"),
        ("data-reviewer[house]>=1.0", "data-reviewer is locked with the variant `house`, which nothing asks for"),
    ],
)
@pytest.mark.parametrize("command", ["sync --locked", "sync --check", "diff"])
def test_a_lock_of_another_manifest_is_not_believed_to_be_of_this_one(
    agentpack: Agentpack, project: Path, other: str, told: str, command: str
) -> None:
    """All that it says of its releases is true, and the copy of the manifest in it is this one."""
    publish(project / "packs", make_pack(version="1.2.0rc1"))
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Ask first. {#ask}\n")})
    manifest = project / "agentpack.yaml"
    text = manifest.read_text()
    locks = []
    for requirement in ("data-reviewer>=1.0", other):
        manifest.write_text(text.replace("data-reviewer==1.0.0", f"'{requirement}'"))
        agentpack("sync")
        locks.append(json.loads((project / "agentpack.lock").read_text()))
    manifest.write_text(text.replace("data-reviewer==1.0.0", "'data-reviewer>=1.0'"))
    (project / "agentpack.lock").write_text(json.dumps({**locks[1], "manifest": locks[0]["manifest"]}))
    ran = agentpack(*command.split(), expect=3 if command == "sync --locked" else 1)
    assert told in ran.out + ran.err


def test_a_lock_that_no_longer_pins_the_text_of_a_local_variant_is_refused(agentpack: Agentpack, project: Path) -> None:
    """Whoever calls it one of the pack's variants would be free to change it later."""
    house = {".agentpack/variants/reviewer/house.md": variant_text("- Ask first. {#ask}\n")}
    write_tree(project, house)
    ask_for(project, "'data-reviewer[house]==1.0.0'")
    agentpack("sync")
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    assert [variant["name"] for variant in data["packs"][0].pop("local_variants")] == ["house"]
    data["packs"][0] |= {"local_variants": [], "variants": ["house"]}
    lock.write_text(json.dumps(data, indent=1))
    ran = agentpack("sync", "--locked", expect=3)
    assert "the locked releases do not match agentpack.lock" in ran.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--locked", "--frozen"), "`--locked` cannot be used with `--frozen`"),
        (("--on-conflict", "mine"), "`--on-conflict` takes `keep`, `theirs` or `edit`"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    agentpack: Agentpack, project: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in agentpack("sync", *options, expect=2).err


def test_a_file_in_conflict_is_left_and_the_others_go_on_when_asked(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {AGENT: "mine\n"})
    ask_for(project, "data-reviewer, python-engineer")
    agentpack("sync", expect=3)
    assert ".claude/agents/python-engineer.md" not in tree(project)
    ran = agentpack("sync", "--partial", expect=3)
    assert "in conflict, not changed" in ran.err
    assert ".claude/agents/python-engineer.md" in tree(project)
    assert tree(project)[AGENT] == b"mine\n"


def test_a_file_of_others_that_was_left_is_theirs_ever_after(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {AGENT: "mine\n"})
    ask_for(project, "'python-engineer<3', 'data-reviewer>=1.0'")
    agentpack("sync", "--partial", expect=3)
    lock = project / "agentpack.lock"
    assert [row["pack"] for row in json.loads(lock.read_text())["files"]] == ["python-engineer"]
    for words in (("sync",), ("upgrade", "--yes"), ("install", "data-reviewer==1.0.0")):
        assert "`--adopt`" in agentpack(*words, expect=3).err
    agentpack("uninstall", "data-reviewer", "python-engineer")
    assert (project / AGENT).read_text() == "mine\n"


def test_a_lock_can_be_moved_to_a_release_that_changed_by_naming_its_pack(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    (project / "packs/data-reviewer/1.0.0/README.md").write_text("changed\n")
    assert "is not what was locked" in agentpack("lock", expect=5).err
    agentpack("lock", "--upgrade-pack", "data-reviewer")
    agentpack("sync", "--locked")


@pytest.mark.parametrize("between", [None, "lock --upgrade-pack data-reviewer", "install tester"])
def test_a_deleted_file_comes_back_with_the_permissions_it_had(
    agentpack: Agentpack, project: Path, between: str | None
) -> None:
    publish(project / "packs", make_pack("tester", personas={"tester": persona_text("tester")}))
    agentpack("sync")
    ask_for(project, "'data-reviewer>=1.0'")
    (project / AGENT).chmod(0o640)
    agentpack("lock")  # from here on the history knows
    (project / AGENT).unlink()
    if between is not None:
        agentpack(*between.split())
    agentpack("sync")
    assert (project / AGENT).stat().st_mode & 0o7777 == 0o640


def test_each_file_has_the_permissions_it_had_last_after_some_came_back(agentpack: Agentpack, project: Path) -> None:
    """Whichever generation knows it, and whatever the history says of a file that is there."""
    names = ("one", "two", "three")
    publish(project / "packs", *(make_pack(name, personas={name: persona_text(name)}) for name in names))
    agentpack("install", *names)
    first, second, third = (project / f".claude/agents/{name}.md" for name in names)
    for file in (first, second, third):
        file.chmod(0o600)
    ask_for(project, "'data-reviewer>=1.0'")
    agentpack("lock")
    first.unlink()
    second.chmod(0o640)
    ask_for(project, "'data-reviewer>=1'")
    agentpack("lock")
    second.unlink()
    third.chmod(0o604)
    publish(project / "packs", make_pack("three", "1.1.0", personas={"three": persona_text("three", "Look twice.\n")}))
    agentpack("upgrade", "three", "--yes")
    assert [file.stat().st_mode & 0o7777 for file in (first, second, third)] == [0o600, 0o640, 0o604]
    assert "Look twice" in third.read_text()


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
def test_what_follows_the_lock_leaves_it_as_it_is(agentpack: Agentpack, project: Path, option: str) -> None:
    agentpack("sync")
    lock = project / "agentpack.lock"
    data = json.loads(lock.read_text())
    data["accepted"] = ["data-reviewer:widened:codex"]  # for a client that is not used just now
    lock.write_text(json.dumps(data, indent=3))
    before = lock.read_bytes()
    assert "nothing to change" in agentpack("sync", option).err
    assert lock.read_bytes() == before
    (project / AGENT).unlink()
    agentpack("sync", option)
    assert AGENT in tree(project)
    assert json.loads(lock.read_text())["accepted"] == data["accepted"]


@pytest.mark.parametrize("name", ["agentpack.yaml", "agentpack.lock"])
def test_line_ends_of_several_kinds_stay_where_a_document_says_what_it_said(
    agentpack: Agentpack, project: Path, name: str
) -> None:
    agentpack("sync")
    mixed = (project / name).read_bytes().replace(b"\n", b"\r\n", 1)
    (project / name).write_bytes(mixed)
    (project / AGENT).unlink()
    agentpack("sync")
    assert AGENT in tree(project)
    assert (project / name).read_bytes() == mixed


def test_a_variant_of_one_s_own_is_named_where_it_comes_and_goes(agentpack: Agentpack, project: Path) -> None:
    write_tree(project, {".agentpack/variants/reviewer/house.md": variant_text("- Wipe your feet. {#wipe}\n")})
    agentpack("sync")
    ask_for(project, "'data-reviewer[house]==1.0.0'")
    assert "data-reviewer 1.0.0 -> 1.0.0 [house]\n" in agentpack("sync").err
    (project / "agentpack.yaml").write_text((project / "agentpack.yaml").read_text().replace("[house]", ""))
    assert "data-reviewer 1.0.0 [house] -> 1.0.0\n" in agentpack("sync").err


def test_files_of_a_pack_that_another_brings_along_are_known_without_lock_and_history(
    agentpack: Agentpack, project: Path
) -> None:
    base = make_pack("base", personas={"base": persona_text("base")})
    newer = make_pack("base", "1.1.0", personas={"base": persona_text("base", "You look twice. {#identity}\n")})
    publish(project / "packs", base, make_pack("top", personas={"top": persona_text("top")}, requires=["base"]))
    ask_for(project, "top")
    agentpack("sync")
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack")
    publish(project / "packs", newer)
    before = tree(project)[".claude/agents/base.md"]
    agentpack("sync")
    assert tree(project)[".claude/agents/base.md"] == before
    agentpack("upgrade", "--yes")
    assert b"You look twice." in tree(project)[".claude/agents/base.md"]


@pytest.mark.many
@pytest.mark.parametrize(
    "asked",
    [
        "data-reviewer[strict]",
        "{require: data-reviewer, parameters: {who: them}}",
        "{require: data-reviewer, as: {reviewer: checker}}",
        "{require: data-reviewer, personas: [reviewer]}",
    ],
)
def test_files_are_known_without_lock_and_history_as_their_pack_is_asked_for(
    agentpack: Agentpack, project: Path, asked: str
) -> None:
    def release(version: str, more: str) -> dict[str, bytes]:
        body = f"You review data of ${{who}}. {{#identity}}\n\n- {more} {{#rule}}\n"
        return make_pack(
            version=version,
            personas={"reviewer": persona_text(body=body), "writer": persona_text("writer")},
            variants={"reviewer/strict": variant_text("- Strictly. {#strict}\n")},
            parameters={"who": {"type": "string", "description": "Whose.", "default": "ours"}},
        )

    shutil.rmtree(project / "packs")
    publish(project / "packs", release("1.0.0", "Look."))
    ask_for(project, f"{asked!r}" if asked[0] != "{" else asked)
    agentpack("sync")
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack")
    publish(project / "packs", release("1.1.0", "Look twice."))
    before = {path: text for path, text in tree(project).items() if path.startswith(".claude")}
    agentpack("lock")
    agentpack("sync")
    assert before == {path: text for path, text in tree(project).items() if path.startswith(".claude")}
    agentpack("upgrade", "--yes")
    after = {path: text.replace(b"- Look.", b"- Look twice.") for path, text in before.items()}
    assert after == {path: text for path, text in tree(project).items() if path.startswith(".claude")}


def test_the_lock_lists_variants_in_alphabetical_order(agentpack: Agentpack, project: Path) -> None:
    names = [f"v{number}" for number in range(8)]
    variants = {f"reviewer/{name}": variant_text(f"- As {name}. {{#{name}}}\n") for name in names}
    publish(project / "packs", make_pack(version="2.0.0", variants=variants))
    agentpack("install", f"data-reviewer[{','.join(reversed(names))}]==2.0.0")
    assert json.loads((project / "agentpack.lock").read_text())["packs"][0]["variants"] == names


def test_a_file_that_is_as_locked_already_is_no_edit(agentpack: Agentpack, project: Path) -> None:
    """Somebody locked the newer release, and a colleague's copy of the agent came with the lock."""
    agentpack("sync")
    personas = {"reviewer": persona_text(body="You look twice.\n")}
    publish(project / "packs", make_pack(version="1.2.0", personas=personas))
    ask_for(project, "'data-reviewer>=1.0'")
    agentpack("lock", "--upgrade")
    (project / AGENT).write_text(agentpack("render", "data-reviewer").out)
    assert "You look twice." in (project / AGENT).read_text()
    agentpack("sync", "--locked")
    assert "nothing differs" in agentpack("diff").err


@pytest.mark.many
@pytest.mark.parametrize(
    "command",
    [
        "sync",
        "sync --frozen",
        "lock",
        "upgrade tester --yes",
        "install python-engineer",
        "install data-reviewer",
        "uninstall tester",
        "adopt .claude/agents/mine.md",
        "keep tester",
    ],
)
def test_a_pack_stays_with_the_source_that_it_came_from_whatever_is_done(
    agentpack: Agentpack, project: Path, command: str
) -> None:
    """A source that comes first in the manifest and has it too is for packs that are new."""
    publish(project / "packs", make_pack("tester", personas={"tester": persona_text("tester")}))
    ask_for(project, "'data-reviewer>=1.0', tester")
    agentpack("sync")
    other = persona_text(body="You look elsewhere. {#identity}\n")
    publish(
        project / "other", *(make_pack(version=version, personas={"reviewer": other}) for version in ("1.1.0", "9.0.0"))
    )
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("sources: [", "sources: [{name: other, path: other}, "))
    agentpack("lock")
    mine = {".claude/agents/mine.md": persona_text("mine")}
    write_tree(project, mine)
    tester = project / ".claude/agents/tester.md"
    if command.startswith("keep"):
        tester.write_text(tester.read_text().replace("Say what", "Say all that"))
    agentpack(*command.split())
    assert "You look elsewhere." not in (project / AGENT).read_text()
    (row,) = (
        row for row in json.loads((project / "agentpack.lock").read_text())["packs"] if row["name"] == "data-reviewer"
    )
    assert (row["source"], row["version"]) == ("packs", "1.1.0")


def test_a_pack_that_comes_from_another_source_is_told(agentpack: Agentpack, project: Path) -> None:
    agentpack("sync")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("name: packs", "name: mirror"))
    said = "data-reviewer 1.0.0 from `packs` -> 1.0.0 from `mirror`\n"
    for words in (("lock", "--dry-run"), ("sync", "--dry-run"), ("sync",)):
        assert said in agentpack(*words).err
    assert "from `mirror`" not in agentpack("sync").err


@pytest.mark.many
@pytest.mark.parametrize("path", [".agentpack/variants/reviewer/house.md", "agentpack.yaml", "packs/x.md"])
@pytest.mark.parametrize("command", ["sync", "sync --discard-edits", "upgrade --yes", "uninstall data-reviewer"])
def test_a_lock_that_lists_a_file_of_no_client_has_it_neither_written_nor_deleted(
    agentpack: Agentpack, project: Path, path: str, command: str
) -> None:
    agentpack("sync")
    house = variant_text("- Ours. {#ours}\n")
    write_tree(project, {".agentpack/variants/reviewer/house.md": house, "packs/x.md": "Mine.\n"})
    lock, mine = project / "agentpack.lock", (project / path).read_bytes()
    data = json.loads(lock.read_text())
    sha256 = hashlib.sha256(mine).hexdigest()
    data["files"].append({**data["files"][0], "path": path, "sha256": sha256})
    lock.write_text(json.dumps(data))
    said = agentpack(*command.split(), expect=None)
    assert "where no client reads agents; not changed" in said.err
    assert (project / path).exists()
    if path != "agentpack.yaml":
        assert (project / path).read_bytes() == mine


def test_without_its_lock_an_edited_file_is_not_locked_as_if_it_were_released(
    agentpack: Agentpack, project: Path
) -> None:
    """In a clone, where no history says what was written."""
    manifest, edited = project / "agentpack.yaml", (AGENT, ".codex/agents/reviewer.toml")
    manifest.write_text(f"clients: [claude, codex]\n{manifest.read_text()}")
    agentpack("sync")
    for path in (project / name for name in edited):
        path.write_text(path.read_text().replace("Say what you saw", "Say what you heard"))
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack")
    before = tree(project)
    ran = agentpack("lock", expect=3)
    assert "agentpack.lock is missing or cannot be read, and some files were edited" in ran.err
    assert all(name in ran.err for name in edited)
    assert tree(project) == before
