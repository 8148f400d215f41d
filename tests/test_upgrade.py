"""upgrade: the newest releases in range, past it when asked, and never at the cost of an edit."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.collection_files import agent_text
from support.many import Job, run_all
from support.packs import BODY, make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import marks, tree, with_state, write_tree

from agentpack.changes.newest import _moved

AGENT = ".claude/agents/reviewer.md"


def release(version: str, *lines: str) -> dict[str, bytes]:
    return make_pack(
        version=version, personas={"reviewer": persona_text(body="".join(f"- {line}\n" for line in lines))}
    )


@pytest.fixture
def project(project: Path) -> Path:
    """A project with three releases of a pack, and a candidate."""
    publish(
        project / "packs",
        release("1.0.0", "one", "two", "three"),
        release("1.1.0", "one", "two", "three, new"),
        release("2.0.0", "one, newest", "two", "three, new"),
        release("3.0.0rc1", "candidate"),
    )
    return project


def locked(project: Path) -> str:
    lines = (project / "agentpack.lock").read_text().splitlines()
    return next(line for line in lines if '"version"' in line).split('"')[3]


@pytest.mark.parametrize(
    ("asked", "after", "written"),
    [
        ("data-reviewer>=1.0,<2", "1.1.0", "data-reviewer>=1.0,<2"),
        ("data-reviewer~=1.0", "1.1.0", "data-reviewer~=1.0"),
        ("data-reviewer==1.0.0", "1.0.0", "data-reviewer==1.0.0"),
        ("data-reviewer", "2.0.0", "data-reviewer"),
    ],
)
def test_the_newest_release_in_range_is_taken(
    agentpack: Agentpack, project: Path, asked: str, after: str, written: str
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("data-reviewer==1.0.0", asked))
    agentpack("upgrade", "--yes")
    assert locked(project) == after
    assert path.read_text().endswith(f"  - {written}\n")


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("data-reviewer>=1.0,<2", "data-reviewer>=2.0.0,<3"),
        ("data-reviewer==1.0.0", "data-reviewer==2.0.0"),
        ("data-reviewer@1.0", "data-reviewer==2.0.*"),
        ("data-reviewer~=1.0", "data-reviewer~=2.0"),
        ("data-reviewer~=1.0.0", "data-reviewer~=2.0.0"),
        ("data-reviewer<2", "data-reviewer>=2.0.0,<3"),
    ],
)
def test_latest_goes_past_the_range_and_keeps_its_shape(
    agentpack: Agentpack, project: Path, asked: str, written: str
) -> None:
    agentpack("install", asked, "--source", "packs")
    agentpack("upgrade", "--latest", "--yes")
    assert locked(project) == "2.0.0"
    assert (project / "agentpack.yaml").read_text().endswith(f"  - {written}\n")


def test_latest_leaves_a_range_that_the_newest_is_in(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ">=1,<3,!=1.5"))
    before = path.read_bytes()
    agentpack("upgrade", "--latest", "--yes")
    assert locked(project) == "2.0.0"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("range", "moved"),
    [("==1.*", "==2.*"), ("==1.1.*", "==2.3.*"), (">=1,!=1.5", ">=2.3.4,<3"), ("~=1.2,!=1.3", ">=2.3.4,<3")],
)
def test_a_range_is_moved_around_the_newest(range: str, moved: str) -> None:
    assert _moved(range, "2.3.4", 2) == moved


def test_only_the_named_pack_is_upgraded(agentpack: Agentpack, project: Path) -> None:
    other = {"writer": persona_text("writer")}
    publish(project / "packs", *(make_pack("team-writer", version, personas=other) for version in ("1.0.0", "1.1.0")))
    agentpack("install", "data-reviewer<1.1", "team-writer<1.1", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("<1.1", "<2"))
    ran = agentpack("upgrade", "team-writer", "--yes")
    assert "team-writer 1.0.0 -> 1.1.0" in ran.err
    assert "data-reviewer" not in ran.err
    publish(project / "packs", make_pack("team-writer", "1.2.0", personas={"writer": persona_text("writer", "New.\n")}))
    for name in ("team-writer", "writer"):
        shown = agentpack("diff", "--upgrade", name, expect=1)
        assert "1.1.0 -> 1.2.0" in shown.out
        assert "data-reviewer" not in shown.out + shown.err
    assert "is not in" in agentpack("upgrade", "other", "--yes", expect=2).err


def test_edits_in_files_of_packs_that_are_not_named_are_not_discarded(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack("team-writer", personas={"writer": persona_text("writer")}))
    agentpack("install", "data-reviewer==1.0.0", "team-writer", "--source", "packs", "--client", "claude")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", "<2"))
    edited = {name: project / f".claude/agents/{name}.md" for name in ("reviewer", "writer")}
    for file in edited.values():
        file.write_text(file.read_text() + "- mine\n")
    agentpack("upgrade", "data-reviewer", "--discard-edits", "--yes")
    assert edited["reviewer"].read_text().endswith("- three, new\n")
    assert edited["writer"].read_text().endswith("- mine\n")


def test_latest_never_goes_back_where_the_source_lost_what_is_installed(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer>=2", "--source", "packs", "--client", "claude")
    shutil.rmtree(project / "packs/data-reviewer/2.0.0")
    before = with_state(project)
    agentpack("upgrade", "--latest", "--yes", expect=4)
    assert with_state(project) == before


@pytest.mark.parametrize("latest", [(), ("--latest",)])
def test_an_older_release_than_a_candidate_is_not_offered(
    agentpack: Agentpack, project: Path, latest: tuple[str, ...]
) -> None:
    agentpack("install", "data-reviewer==3.0.0rc1", "--source", "packs", "--client", "claude")
    assert "out of range" not in agentpack("upgrade", "--yes", *latest).err
    assert locked(project) == "3.0.0rc1"
    shutil.copytree(project / "packs/data-reviewer/3.0.0rc1", project / "packs/data-reviewer/3.0.0")
    header = project / "packs/data-reviewer/3.0.0/pack.yaml"
    header.write_text(header.read_text().replace("3.0.0rc1", "3.0.0"))
    told = agentpack("upgrade", "--yes", *latest).err
    assert ("data-reviewer 3.0.0 is out of range; `agentpack upgrade --latest` installs it" in told) is not bool(latest)
    assert locked(project) == ("3.0.0" if latest else "3.0.0rc1")


def test_latest_moves_the_range_of_the_named_pack_only(agentpack: Agentpack, project: Path) -> None:
    other = {"writer": persona_text("writer")}
    publish(project / "packs", *(make_pack("team-writer", version, personas=other) for version in ("1.0.0", "2.0.0")))
    agentpack("install", "data-reviewer<2", "team-writer<2", "--source", "packs")
    agentpack("upgrade", "team-writer", "--latest", "--yes")
    text = (project / "agentpack.yaml").read_text()
    assert text.endswith("  - data-reviewer<2\n  - team-writer>=2.0.0,<3\n")
    assert locked(project) == "1.1.0"


def test_a_pack_that_is_not_named_stays_with_its_source(agentpack: Agentpack, project: Path) -> None:
    """Also when one that goes before has a pack of that name by now."""
    other = [make_pack("other", personas={"other": persona_text("other", body=f"- {word}\n")}) for word in ("a", "b")]
    publish(project / "before", make_pack("one-more"))
    publish(project / "behind", other[0])
    agentpack(
        "install", "data-reviewer==1.0.0", "other", "--source", "before", "--source", "packs", "--source", "behind"
    )
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("data-reviewer==1.0.0", "data-reviewer"))
    publish(project / "before", other[1])
    agentpack("upgrade", "data-reviewer", "--yes")
    assert locked(project) == "2.0.0"
    assert (project / ".claude/agents/other.md").read_text().endswith("- a\n")
    assert agentpack("sync", "--locked").err.endswith("nothing to change\n")


def test_an_edit_and_a_change_elsewhere_are_both_there(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n"))
    agentpack("install", "data-reviewer==1.1.0")
    assert tree(project)[AGENT].decode().endswith("- one, mine\n- two\n- three, new\n")


def test_a_collision_with_a_rule_that_is_gone_says_that_there_is_nothing(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    publish(project / "packs", make_pack(version="3.0.0", personas={"reviewer": persona_text(body="- one {#one}\n")}))
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    assert "the new release says\n      (nothing)\n" in agentpack("upgrade", "--latest", "--yes", expect=3).err


def test_a_collision_is_shown_rule_by_rule_and_changes_nothing(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    before = marks(project)
    ran = agentpack("upgrade", "--latest", "--yes", expect=3)
    assert "you have\n      - three{+, mine+}\n" in ran.err
    assert "the new release says\n      - three{+, new+}\n" in ran.err
    assert marks(project) == before


def test_a_collision_with_a_release_that_is_gone_is_told_as_any(agentpack: Agentpack, project: Path) -> None:
    """Its text is kept, but which rule is which is not known any more."""
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    shutil.rmtree(project / "packs/data-reviewer/1.0.0")
    before = tree(project)
    ran = agentpack("upgrade", "--latest", "--yes", expect=3)
    assert "you have\n      - three{+, mine+}\n" in ran.err
    assert tree(project) == before


@pytest.mark.parametrize(("choice", "line"), [("keep", "- three, mine"), ("theirs", "- three, new")])
def test_a_collision_is_decided_beforehand(agentpack: Agentpack, project: Path, choice: str, line: str) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    before = tree(project)
    agentpack("upgrade", "--latest", "--yes", "--on-conflict", choice)
    assert line in path.read_text().splitlines()
    assert f"upgrade --latest --on-conflict {choice}" in agentpack("history").out
    agentpack("rollback")
    assert tree(project) == before


@pytest.mark.parametrize("choice", ["keep", "theirs"])
def test_a_file_that_cannot_be_merged_is_kept_or_replaced_as_a_whole(
    agentpack: Agentpack, project: Path, choice: str
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    released = path.read_bytes()
    path.write_bytes(released + b"- mine, no UTF-8: \xff\n")
    edited = path.read_bytes()
    agentpack("upgrade", "--latest", "--yes", expect=3)
    assert path.read_bytes() == edited
    agentpack("upgrade", "--latest", "--yes", "--on-conflict", choice)
    assert locked(project) == "2.0.0"
    replaced = released.replace(b"- one\n", b"- one, newest\n").replace(b"- three\n", b"- three, new\n")
    assert path.read_bytes() == (edited if choice == "keep" else replaced)
    agentpack("rollback")
    assert path.read_bytes() == edited


@pytest.mark.parametrize(("choice", "third"), [("keep", "- three, mine"), ("theirs", "- three, new")])
def test_a_decision_holds_for_the_places_that_collide_and_no_others(
    agentpack: Agentpack, project: Path, choice: str, third: str
) -> None:
    """What only one side changed is not asked about: no option throws it away."""
    publish(
        project / "more",
        release("1.0.0", "one", "two", "three", "four"),
        release("1.1.0", "one", "two, new", "three, new", "four"),
    )
    agentpack("install", "data-reviewer==1.0.0", "--source", "more")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n").replace("- three\n", "- three, mine\n"))
    ran = agentpack("upgrade", "--latest", "--yes", "--on-conflict", choice)
    assert path.read_text().endswith(f"- one, mine\n- two, new\n{third}\n- four\n")
    assert "where both sides changed" in ran.err


def test_a_conflict_that_was_left_is_one_that_sync_may_stop_at(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    agentpack("upgrade", "--latest", "--yes", "--partial", expect=3)
    assert "`agentpack sync` merges the two, or names the conflict" in agentpack("status").out
    assert "was edited where the new text changes too" in agentpack("sync", expect=3).err


@pytest.mark.parametrize("verb", [("install", "data-reviewer==1.1.0"), ("upgrade", "--latest", "--yes"), ("sync",)])
def test_every_option_that_a_conflict_names_is_one_of_the_command(
    agentpack: Agentpack, project: Path, verb: tuple[str, ...]
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- three\n", "- three, mine\n"))
    manifest = project / "agentpack.yaml"
    if verb[0] == "sync":
        manifest.write_text(manifest.read_text().replace("==1.0.0", "==1.1.0"))
    ran = agentpack(*verb, expect=3)
    assert "was edited where the new text changes too" in ran.err
    named = set(re.findall(r"`(--[a-z-]+)", ran.err))
    assert "--on-conflict" in named
    help_ = agentpack(verb[0], "--help").out
    assert [option for option in named if option not in help_] == []
    agentpack(*verb, "--on-conflict", "keep")
    assert "- three, mine" in path.read_text()


def test_what_is_asked_cannot_be_answered_without_a_terminal(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    before = marks(project)
    ran = agentpack("upgrade", "--latest", expect=3)
    assert "hint: use `--yes` to skip this prompt" in ran.err
    assert agentpack("upgrade", "--latest", "--json", expect=3).envelope["exit_code"] == 3
    assert marks(project) == before


def test_check_says_whether_something_newer_is_there(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    before = marks(project)
    agentpack("upgrade", "--check")
    agentpack("upgrade", "--check", "--latest", expect=1)
    assert marks(project) == before


def test_check_lists_releases_and_not_files(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    (project / AGENT).unlink()
    ran = agentpack("upgrade", "--check")
    assert ran.err.splitlines()[1:] == [
        "note: data-reviewer 2.0.0 is out of range; `agentpack upgrade --latest` installs it",
        "no newer releases in range",
    ]
    assert not agentpack("upgrade", "--check", "--json").envelope["data"]["changed"]
    newer = agentpack("upgrade", "--check", "--latest", expect=1)
    told, hint = newer.err.splitlines()[1:]
    assert told == "data-reviewer 1.0.0 -> 2.0.0"
    assert hint.startswith(
        "hint: `agentpack upgrade --latest` makes these changes; `agentpack diff --upgrade --latest`"
    )
    assert agentpack("upgrade", "--check", "--latest", "--json", expect=1).envelope["data"]["changed"]


def test_a_dry_run_shows_the_plan_of_what_would_stop_and_the_whole_command_that_accepts_it(
    agentpack: Agentpack, project: Path
) -> None:
    personas = {"reviewer": persona_text(tools=["read", "edit", "shell"])}
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    publish(project / "packs", make_pack(version="3.0.0", personas=personas))
    publish(project / "packs", make_pack(version="2.1.0", personas={"reviewer": persona_text(tools=["read"])}))
    agentpack("install", "data-reviewer==2.1.0")
    before = marks(project)
    ran = agentpack("upgrade", "--latest", "--dry-run", expect=3)
    assert marks(project) == before
    plan, _, refusal = ran.err.partition("error: ")
    assert "data-reviewer 2.1.0 -> 3.0.0  (" in plan
    assert f"  ~ {AGENT}  updated" in plan
    assert plan.endswith("dry run: nothing was written\n")
    told = "hint: `agentpack upgrade --latest --yes --accept edit --accept shell` accepts it, or leave out"
    assert told in refusal
    assert told in agentpack("upgrade", "--latest", expect=3).err
    assert "--accept edit --yes --accept shell`" in agentpack("upgrade", "--latest", "--accept", "edit", expect=3).err
    agentpack("upgrade", "--latest", "--yes", "--accept", "edit", "--accept", "shell")
    assert locked(project) == "3.0.0"


def test_a_stop_for_two_reasons_gives_the_command_that_gets_past_both(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack(version="2.1.0", personas={"reviewer": persona_text(tools=["read"])}))
    agentpack("install", "data-reviewer==2.1.0", "--source", "packs")
    body = (project / AGENT).read_text().replace("Look before", "Think before")
    (project / AGENT).write_text(body)
    new = persona_text(tools=["read", "edit"]).replace("Look before", "Rest before")
    publish(project / "packs", make_pack(version="3.0.0", personas={"reviewer": new}))
    told = agentpack("upgrade", "--latest", expect=3).err
    assert f"  {AGENT}: was edited where the new text changes too\n" in told
    hint = told.partition("hint: ")[2].splitlines()
    accept = "agentpack upgrade --latest --yes --accept edit"
    assert hint == [
        f"`{accept} --on-conflict keep` accepts the new capabilities and keeps your text where the two conflict",
        "  `--on-conflict theirs` takes the new text there",
        "  `--dry-run` shows each place",
        "  or leave out `--latest` to keep the old release",
    ]
    look = agentpack("upgrade", "--latest", "--dry-run", expect=3).err
    assert f"hint: {hint[0]}\n  `--on-conflict theirs` takes the new text there\n  {hint[3].strip()}\n" in look
    settled = agentpack(*accept.split()[1:-2], "--on-conflict", "edit", expect=3).err
    assert "--on-conflict keep` accepts the new capabilities and keeps your text where" in settled
    assert not re.search("--on-conflict.*--on-conflict", settled)
    second = agentpack(*accept.split()[1:], expect=3).err
    ways = "agentpack upgrade --latest --accept edit --yes --on-conflict keep"
    assert f"hint: `{ways}` keeps your text where the two conflict\n  `--on-conflict theirs` takes" in second
    wrong = agentpack(*accept.split()[1:], "--on-conflict", "ours", expect=2).err
    assert "takes `keep`, `theirs` or `edit`\nhint: `keep` keeps your text where the two conflict" in wrong
    agentpack(*ways.split()[1:])
    assert "Think before" in (project / AGENT).read_text()
    assert locked(project) == "3.0.0"


def test_the_newest_release_of_one_pack_is_asked_for_with_an_option(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    told = agentpack("upgrade", "data-reviewer@latest", expect=2).err
    assert "not `data-reviewer@latest`\nhint: `agentpack upgrade --latest data-reviewer` installs the newest" in told
    agentpack("upgrade", "--latest", "data-reviewer@latest", "--yes")
    assert locked(project) == "2.0.0"


def test_check_tells_of_a_release_that_would_stop(agentpack: Agentpack, project: Path) -> None:
    """A look is no decision: what Codex cannot hold is accepted, or not, by whoever upgrades."""
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "codex")
    personas = {"reviewer": persona_text(tools=["read"])}
    publish(project / "packs", make_pack(version="1.2.0", personas=personas))
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ">=1,<2"))
    agentpack("upgrade", "--yes", expect=3)
    assert "1.0.0 -> 1.2.0" in agentpack("upgrade", "--check", expect=1).err


def test_what_a_new_release_runs_and_says_is_pointed_out(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    servers = {"mcpServers": {"docs": {"command": "npx", "args": ["docs"]}}}
    personas = {"reviewer": persona_text(clients={"claude": servers})}
    publish(project / "packs", make_pack(version="1.2.0", personas=personas))
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ">=1,<2"))
    ran = agentpack("upgrade", "--dry-run", "--accept", "mcp:docs")
    assert "`reviewer` for claude runs `npx docs`, as an MCP server" in ran.err


def test_an_unknown_way_to_decide_is_refused(agentpack: Agentpack, project: Path) -> None:
    ran = agentpack("upgrade", "--on-conflict", "mine", expect=2)
    assert "`--on-conflict` takes `keep`, `theirs` or `edit`" in ran.err


@pytest.mark.parametrize("damaged", [False, True])
def test_a_base_that_is_no_longer_kept_is_rendered_again(agentpack: Agentpack, project: Path, damaged: bool) -> None:
    """As in a fresh clone: the machine's own state is gone, and the edit is merged all the same."""
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n"))
    if damaged:
        kept = project / ".agentpack/state/blobs/000001.pack"
        kept.write_bytes(kept.read_bytes().replace(b"- one\n", b"- own\n"))
    else:
        shutil.rmtree(project / ".agentpack")
    agentpack("install", "data-reviewer==1.1.0")
    assert tree(project)[AGENT].decode().endswith("- one, mine\n- two\n- three, new\n")


def test_the_base_of_a_merged_file_is_kept_though_no_source_has_its_release_any_more(
    agentpack: Agentpack, project: Path
) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n"))
    agentpack("install", "data-reviewer==1.1.0")
    for version in ("1.0.0", "1.1.0", "2.0.0", "3.0.0rc1"):
        shutil.rmtree(project / "packs/data-reviewer" / version)
    publish(project / "packs", release("1.2.0", "one", "two, newer", "three, new"))
    agentpack("install", "data-reviewer==1.2.0")
    assert path.read_text().endswith("- one, mine\n- two, newer\n- three, new\n")


@pytest.mark.parametrize("between", [None, "lock"])
def test_an_edit_is_merged_with_what_a_colleague_s_lock_brings_where_git_has_no_agent_files(
    agentpack: Agentpack, project: Path, tmp_path: Path, between: str | None
) -> None:
    """The lock says what was written elsewhere; what was written here, the history of this checkout does."""
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n"))
    clone = tmp_path / "clone"
    shutil.copytree(project, clone, ignore=shutil.ignore_patterns(".claude", "state"))
    agentpack("install", "data-reviewer==1.1.0", cwd=clone)
    for name in ("agentpack.yaml", "agentpack.lock"):
        shutil.copy(clone / name, project / name)
    if between:
        agentpack(between)
        assert f'"path": "{AGENT}"' in (project / "agentpack.lock").read_text()
    agentpack("sync")
    assert path.read_text().endswith("- one, mine\n- two\n- three, new\n")


def test_a_base_that_cannot_be_rendered_any_more_takes_a_decision(agentpack: Agentpack, project: Path) -> None:
    import shutil

    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / AGENT
    path.write_text(path.read_text().replace("- one\n", "- one, mine\n"))
    shutil.rmtree(project / ".agentpack")
    lock = project / "agentpack.lock"
    text = lock.read_text()
    digest = text[text.index('"sha256": "') + 11 :][:64]
    lock.write_text(text.replace(digest, "0" * 64))
    before = marks(project)
    ran = agentpack("install", "data-reviewer==1.1.0", expect=3)
    assert "the text it was edited from can no longer be rendered" in ran.err
    assert marks(project) == before


def test_whoever_wants_json_is_not_asked_on_a_terminal_either(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ""))
    before = tree(project)
    asked, unasked = (
        Job(["upgrade", *options], str(project), terminal=True, typed=typed)
        for options, typed in (((), "n\n"), (("--json",), "y\n"))
    )
    (done, with_json) = run_all([asked, unasked])
    assert (done.exit_code, with_json.exit_code) == (3, 3)
    assert b"[y/N]" in done.out
    assert b"Cancelled. Nothing was changed." in done.out
    assert b"error:" not in done.out
    assert b"[y/N]" not in with_json.out
    assert tree(project) == before


def test_the_plan_is_shown_once_and_says_what_is_new(agentpack: Agentpack, project: Path) -> None:
    changelog = (
        "## 1.1.0\n\n### Added\n\n- More.\n\n## [1.0.2] - 2026-01-01\n\n- Less.\n\n## 1.0.1: Nearly\n\n- It.\n\n"
    )
    changelog += "## 1.0.0\n\n- First.\n"
    rules = "\n## Rules {#rules}\n\n- Look. {#look}\n"
    old, new = persona_text(body="You. {#you}\n"), persona_text(body="You. {#you}\n" + rules)
    releases = (
        make_pack("news", "1.0.0", personas={"reviewer": old}),
        make_pack("news", "1.1.0", personas={"reviewer": new}, files={"CHANGELOG.md": changelog}),
    )
    publish(project / "more", *releases)
    agentpack("install", "news==1.0.0", "--source", "more")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", ""))
    looked = agentpack("upgrade", "--dry-run")
    shown = "(+4 -0 lines, 2 rules)\n  1.1.0: Added\n  1.0.2: Less.\n  1.0.1: Nearly\n"
    assert f"news 1.0.0 -> 1.1.0  {shown}" in looked.err
    (news,) = agentpack("upgrade", "--dry-run", "--json").envelope["data"]["news"]
    assert news["size"] == {"added": 4, "removed": 0, "rules": 2}
    assert [entry["version"] for entry in news["entries"]] == ["1.1.0", "1.0.2", "1.0.1"]
    (done,) = run_all([Job(["upgrade"], str(project), terminal=True, typed="y\n")])
    assert done.exit_code == 0
    assert done.out.count(b"news 1.0.0 -> 1.1.0") == 1
    assert b"`agentpack rollback` undoes it" in done.out


def test_a_pack_that_comes_or_goes_and_a_file_of_others_are_in_the_plan_without_news(
    agentpack: Agentpack, project: Path
) -> None:
    """A release requires another pack than the one before, and has an agent that the user has a file for."""
    you, more = (persona_text(body=f"{body} {{#you}}\n") for body in ("You.", "You do."))
    publish(
        project / "more",
        make_pack("crew", "1.0.0", personas={"reviewer": you}, requires=["base"]),
        make_pack("crew", "2.0.0", personas={"reviewer": more, "checker": persona_text("checker")}, requires=["soil"]),
        *(make_pack(name, personas={name: persona_text(name)}) for name in ("base", "soil")),
    )
    agentpack("install", "crew==1.0.0", "--source", "more", "--client", "claude")
    (project / ".claude/agents/checker.md").write_text("---\nname: checker\ndescription: Mine.\n---\nMine.\n")
    looked = agentpack("upgrade", "--latest", "--adopt", "--dry-run", "--json").envelope["data"]
    assert [news["pack"] for news in looked["news"]] == ["crew"]
    assert agentpack("upgrade", "--latest", "--adopt", "--dry-run").err.splitlines()[1:] == [
        "base 1.0.0 removed",
        "crew 1.0.0 -> 2.0.0  (+8 -3 lines, 6 rules)",
        "soil 1.0.0",
        "may use (checker, soil): every-tool",
        "  - .claude/agents/base.md  removed",
        "  ~ .claude/agents/checker.md  replaced; the previous text is in the history",
        "  ~ .claude/agents/reviewer.md  updated",
        "  + .claude/agents/soil.md  new",
        "  ~ agentpack.yaml  updated",
        "  ~ agentpack.lock  updated",
        "dry run: nothing was written",
    ]


@pytest.mark.parametrize("clients", ["claude,codex", "codex,claude"])
def test_of_several_clients_files_of_one_persona_the_one_with_most_changes_counts(
    agentpack: Agentpack, project: Path, clients: str
) -> None:
    releases = [
        make_pack("news", f"1.{number}.0", personas={"reviewer": persona_text(body=body, clients={"claude": only})})
        for number, (body, only) in enumerate(
            (("You. {#you}\n", {"maxTurns": 3}), ("You do. {#you}\n", {"maxTurns": 4}))
        )
    ]
    publish(project / "more", *releases)
    agentpack("install", "news==1.0.0", "--source", "more", "--client", clients)
    [news] = agentpack("upgrade", "--latest", "--dry-run", "--json").envelope["data"]["news"]
    assert news["size"] == {"added": 2, "removed": 2, "rules": 1}
    (project / ".claude/agents/reviewer.md").write_text("Mine.\n" * 200_000)  # too long to be compared
    looked = agentpack("upgrade", "--latest", "--discard-edits", "--dry-run", "--json")
    [news] = looked.envelope["data"]["news"]
    assert news["size"] == {"added": 1, "removed": 1, "rules": 1}
    (project / ".codex/agents/reviewer.toml").unlink()
    [news] = agentpack("upgrade", "--latest", "--discard-edits", "--dry-run", "--json").envelope["data"]["news"]
    assert (news["size"]["added"] > 2, news["size"]["rules"]) == (True, 0)


def test_a_release_that_changes_no_text_is_told_as_one_of_no_rule(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "data-reviewer==1.0.0", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("==1.0.0", "==1.0.1"))
    publish(project / "packs", release("1.0.1", "one", "two", "three"))
    (news,) = agentpack("upgrade", "--dry-run", "--json").envelope["data"]["news"]
    assert news["size"] == {"added": 0, "removed": 0, "rules": 0}


def test_without_a_lock_files_are_of_the_release_that_was_written_last(agentpack: Agentpack, project: Path) -> None:
    """Also where an earlier one had the same text."""
    publish(project / "packs", release("1.0.1", "one", "two", "three"))
    for version in ("1.0.0", "1.0.1"):
        agentpack("install", f"data-reviewer=={version}", "--source", "packs")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.0.1", "==1.1.0"))
    (project / "agentpack.lock").unlink()
    agentpack("lock")
    data = json.loads((project / "agentpack.lock").read_text())
    assert [row["release"] for row in data["files"]] == ["1.0.1"]
    assert [pack["version"] for pack in data["written"]["packs"]] == ["1.0.1"]
    assert [pack["version"] for pack in data["packs"]] == ["1.1.0"]


@pytest.mark.parametrize("more", [(), ("--latest",)])
def test_a_newer_release_without_the_variant_says_what_to_do_instead(
    agentpack: Agentpack, project: Path, more: tuple[str, ...]
) -> None:
    variant = {"reviewer/thorough": "---\nsummary: More.\n---\n- Look twice. {#twice}\n"}
    retired = {"thorough": "ask for `patient`, its new name"}
    publish(project / "named", make_pack(variants=variant), make_pack(version="2.0.0", retired=retired))
    agentpack("install", "data-reviewer[thorough]", "--source", "named")
    before = tree(project)
    note = "note: data-reviewer 2.0.0 lacks `thorough`: ask for `patient`, its new name\n"
    assert note in agentpack("upgrade", "--yes", *more).err
    assert tree(project) == before


@pytest.mark.parametrize("instead", ["ask for `patient`, its new name", ""])
def test_a_release_without_a_requested_variant_is_told_wherever_it_is_newer(
    agentpack: Agentpack, project: Path, instead: str
) -> None:
    variant = {"reviewer/thorough": "---\nsummary: More.\n---\n- Look twice. {#twice}\n"}
    retired = {"thorough": instead} if instead else {}
    publish(project / "named", make_pack(variants=variant), make_pack(version="2.0.0", retired=retired))
    lost = f"`thorough`{instead and f': {instead}'}\n"
    told = f"note: data-reviewer 1.0.0 is chosen, because 2.0.0 lacks {lost}"
    assert told in agentpack("install", "data-reviewer[thorough]", "--source", "named").err
    assert told in agentpack("install", "data-reviewer").err
    assert f"note: data-reviewer 2.0.0 lacks {lost}" in agentpack("upgrade", "--yes").err
    assert "  newer     2.0.0, which lacks `thorough` (`agentpack upgrade` says more)\n" in agentpack("status").out
    [row] = agentpack("status", "--json").envelope["data"]["packs"]
    assert (row["in_range"], row["newest"], row["lacks"]) == (None, "2.0.0", ["thorough"])
    publish(project / "named", make_pack(version="1.5.0", variants=variant))
    out = agentpack("status").out
    assert "  newer     1.5.0 (`agentpack upgrade`)\n" in out
    assert "  newer     2.0.0, which lacks `thorough` (" in out


def test_the_variants_that_a_newer_release_lacks_are_told_in_alphabetical_order(
    agentpack: Agentpack, project: Path
) -> None:
    """Those with a way on first, and nothing of a variant that it has or of a pack that another one brings along."""
    names = ("amber", "blue", "coral", "dark", "ebony", "fawn", "green", "huge")
    variants = {f"reviewer/{name}": variant_text(f"- Look {name}. {{#{name}}}\n") for name in names}
    fewer = {"reviewer/huge": variants["reviewer/huge"]}
    retired = {"green": "write `huge`", "ebony": "gone", "coral": "gone", "amber": "use none"}
    publish(
        project / "named",
        *(make_pack("base", version, personas={"base": persona_text("base")}) for version in ("1.0.0", "2.0.0")),
        make_pack("crew", personas={"reviewer": persona_text()}, variants=variants, requires=["base<2"]),
        make_pack("crew", "1.1.0", variants=fewer, retired=retired),
        make_pack("late", personas={"late": persona_text("late")}),
        make_pack("late", "2.0.0", personas={"late": persona_text("late")}),
    )
    agentpack("install", f"crew[{','.join(names)}]", "late<2", "--source", "named", "--client", "claude")
    instead = "`amber`: use none; `coral`: gone; `ebony`: gone; `green`: write `huge`"
    crew = f"note: crew 1.1.0 lacks {instead}; `blue`; `dark`; `fawn`\n"
    late = "note: late 2.0.0 is out of range; `agentpack upgrade --latest late` installs it\n"
    head, end = f"project {project}\n", "nothing to change\n"
    assert agentpack("upgrade", "--yes").err == f"{head}{crew}{late}{end}"
    assert agentpack("upgrade", "crew", "--yes").err == f"{head}{crew}{end}"
    assert agentpack("upgrade", "late", "--yes").err == f"{head}{late}{end}"


def test_a_local_variant_that_is_in_use_is_no_reason_for_one_that_is_not_there(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {".agentpack/variants/reviewer/mine.md": "---\nsummary: More.\n---\n- Mine. {#mine}\n"})
    publish(project / "named", make_pack())
    agentpack("install", "data-reviewer[mine]", "--source", "named", "--client", "claude")
    assert agentpack("install", "data-reviewer[mine,mins]", expect=4).err == (
        f"project {project}\nerror: `data-reviewer` has no variant `mins`\n  its variants: mine\n"
        "hint: did you mean `mine`?\n"
    )


def test_a_local_variant_of_another_persona_is_named_where_it_was_in_use_alone(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(project, {".agentpack/variants/tester/mine.md": "---\nsummary: More.\n---\n- Mine. {#mine}\n"})
    publish(project / "named", make_pack())
    install = ("install", "data-reviewer[mine]", "--source", "named", "--client", "claude")
    told = f"project {project}\nerror: `data-reviewer` has no variant `mine`\n  it has no variants\n"
    assert agentpack(*install, expect=4).err == told
    agentpack("install", "data-reviewer", "--source", "named", "--client", "claude")
    assert agentpack(*install, expect=4).err == told
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- data-reviewer", "- data-reviewer[mine]"))
    for command in ("sync", "upgrade", "lock"):
        assert agentpack(command, expect=4).err == (
            f"{told}hint: `mine`: it is a local variant of `tester`, which data-reviewer 1.0.0 does not have or which "
            'is left out; `agentpack uninstall "data-reviewer[mine]"` stops using it, and keeps its file\n'
        )
    agentpack("uninstall", "data-reviewer[mine]")
    agentpack("sync")


def test_an_edited_local_pack_leads_to_its_version(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "packs/news", make_pack("news", "1.0.0"))
    agentpack("install", "news", "--source", "packs")
    persona = next((project / "packs/news").rglob("personas/*.md"))
    persona.write_text(persona.read_text() + "\n- Another rule. {#another}\n")
    told = agentpack("upgrade", "news", expect=5).err
    assert "hint: if you edited the pack, raise `version:` in its pack.yaml and run `agentpack upgrade`" in told
    assert (
        "note: news 1.0.0 from `packs` is not what was locked; it stays as it was installed until its `version:` is "
        "raised, or `agentpack lock --upgrade-pack news` takes the new text\n"
    ) in agentpack("upgrade").err


@pytest.mark.parametrize("asked", ["python-engineer==1.1.0", "python-engineer[strict-typing]"])
def test_a_version_or_a_variant_is_for_install(agentpack: Agentpack, asked: str) -> None:
    agentpack("install", "python-engineer==1.0.0")
    ran = agentpack("upgrade", asked, expect=2)
    assert f'`agentpack install "{asked}"`' in ran.err


def test_a_conflict_names_the_file_that_has_the_rule_now(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.0.0", "--client", "claude")
    path = project / ".claude/agents/python-engineer.md"
    text = path.read_text().replace("through Prometheus or OpenTelemetry", "through Datadog")
    path.write_text(re.sub("(?m)^description: .*$", 'description: "Mine."', text))
    for command in (("upgrade", "--latest", "--accept", "skills"), ("diff", "--upgrade", "--latest")):
        found = agentpack(*command, "--json", expect=3 if command[0] == "upgrade" else 1)
        header, conflict = next(
            file["conflicts"] for file in json.loads(found.out)["data"]["files"] if file["conflicts"]
        )
        assert ("Mine." in header["ours"], header.get("moved", [])) == (True, [])
        (moved,) = conflict["moved"]
        assert conflict["theirs"] == ""
        assert moved["path"] == ".claude/skills/python-engineer-services/SKILL.md"
        assert moved["text"].startswith("- Collect metrics through OpenTelemetry")


@pytest.mark.parametrize("dry", [True, False])
def test_text_kept_for_a_rule_that_moved_stays_below_its_headings_and_a_note_says_where_the_rule_is(
    agentpack: Agentpack, project: Path, dry: bool
) -> None:
    agentpack("install", "python-engineer==2.0.0", "--client", "claude")
    path = project / ".claude/agents/python-engineer.md"
    rule = "- Settle security boundaries and compliance duties first"
    path.write_text(path.read_text().replace(f"{rule}.", f"{rule}, with Ada."))
    words = ("--latest", "--yes", "--accept", "every-tool", "--accept", "skills", "--on-conflict", "keep")
    told = agentpack("upgrade", *words, *(["--dry-run"] if dry else [])).err
    assert (
        "note: .claude/agents/python-engineer.md keeps your text, but python-engineer has the rule in "
        ".claude/skills/python-engineer-services/SKILL.md now, without your edit; `agentpack keep python-engineer` "
        "before this command moves the edit there (after it, `agentpack rollback` first)\n"
    ) in told
    if not dry:
        assert f"\n\n## Architecture\n\n### Requirements\n\n{rule}, with Ada.\n\n## Skills\n" in path.read_text()
        agentpack("rollback")
        agentpack("keep", "python-engineer")
        told = agentpack("upgrade", *words).err
        assert "keeps your text" not in told
        assert "with Ada" not in path.read_text()
        assert f"{rule}, with Ada." in (project / ".claude/skills/python-engineer-services/SKILL.md").read_text()


def _with_rules(name: str, *rules: str) -> str:
    return persona_text(name, body="".join(("You are it. {#identity}\n\n## Rules {#rules}\n\n", *rules)))


def test_only_a_rule_that_is_gone_is_told_where_an_agent_of_its_pack_has_it_for_the_same_client(
    agentpack: Agentpack, project: Path
) -> None:
    """Not one that begins alike, nor one that the release words anew where it is, nor what other packs have."""
    kept, say = "- Keep it. {#keep}\n", "- Say what you saw. {#say}\n"
    look = "- Look twice. {#look}\n  Before you change.\n"
    alike = "- Look twice. {#again}\n  After you changed.\n"
    older = {"reviewer": _with_rules("reviewer", kept, look, say, alike), "checker": _with_rules("checker", kept)}
    newer = {
        "reviewer": _with_rules("reviewer", kept.replace("it.", "it all.")),
        "checker": _with_rules("checker", kept, look, say.replace("saw", "have seen"), alike),
    }
    publish(
        project / "more",
        make_pack("crew", "1.0.0", personas=older),
        make_pack("crew", "2.0.0", personas=newer),
        make_pack("others", personas={"other": _with_rules("other", kept, look, alike)}),
    )
    words = ("--source", "more", "--client", "claude,codex")
    agentpack("install", "crew==1.0.0", "others", *words)
    path = project / ".claude/agents/reviewer.md"
    text = path.read_text().replace("Before you", "Always before you").replace("Say what", "Say all that")
    path.write_text(text.replace("Keep it", "Keep it mine"))
    upgrade = ("upgrade", "crew", "--latest", "--dry-run")
    found = agentpack(*upgrade, "--json", expect=3).envelope["data"]["files"]
    there = ".claude/agents/checker.md"
    assert [(file["path"], file["conflicts"]) for file in found if file["conflicts"]] == [
        (
            ".claude/agents/reviewer.md",
            [
                {"base": "- Keep it.", "ours": "- Keep it mine.", "theirs": "- Keep it all.", "moved": []},
                {
                    "base": "- Look twice.\n  Before you change.",
                    "ours": "- Look twice.\n  Always before you change.",
                    "theirs": "",
                    "moved": [{"path": there, "text": "- Look twice.\n  Before you change."}],
                },
                {
                    "base": "- Say what you saw.",
                    "ours": "- Say all that you saw.",
                    "theirs": "",
                    "moved": [{"path": there, "text": "- Say what you have seen."}],
                },
            ],
        )
    ]


def test_of_the_packs_in_conflict_those_whose_rules_moved_lead_to_keep(agentpack: Agentpack, project: Path) -> None:
    kept, look = "- Keep it. {#keep}\n", "- Look twice. {#look}\n"
    for name in ("solo", "crew", "band"):
        personas = {f"{name}-{part}": _with_rules(f"{name}-{part}", kept, look) for part in "ab"}
        publish(project / "more", make_pack(name, "1.0.0", personas=personas))
        first = _with_rules(f"{name}-a", kept, look.replace("twice", "thrice") if name == "solo" else "")
        publish(project / "more", make_pack(name, "2.0.0", personas={**personas, f"{name}-a": first}))
    asked = ("solo==1.0.0", "crew==1.0.0", "band==1.0.0")
    agentpack("install", *asked, "--source", "more", "--client", "claude")
    for name in ("solo", "crew", "band"):
        path = project / f".claude/agents/{name}-a.md"
        path.write_text(path.read_text().replace("Look twice", "Look always"))
    told = agentpack("upgrade", "--latest", "--yes", expect=3).err
    keep = "then `agentpack upgrade --latest --yes`, moves each edit to where its rule is now\n"
    assert told.partition("error: ")[2].splitlines(keepends=True)[:6] == [
        "3 files need a decision; nothing was changed\n",
        *(
            f"  .claude/agents/{name}-a.md: was edited where the new text changes too\n"
            for name in ("band", "crew", "solo")
        ),
        f"hint: `agentpack keep band`, {keep}",
        f"  `agentpack keep crew`, {keep}",
    ]
    assert "keep solo" not in told


def test_the_size_of_an_upgrade_is_that_between_the_releases(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "--client", "claude")
    upgrade = agentpack("upgrade", "--latest", "--accept", "skills", "--dry-run", "--json").envelope["data"]["news"][0][
        "size"
    ]
    for versions in (["1.1.0", "3.0.0"], ["1.1.0"]):  # one alone is compared with the newest, if it is installed
        between = agentpack("show", "python-engineer", "--changes", *versions, "--json").envelope["data"]
        assert between["size"] == upgrade
        assert (between["before"], between["after"]) == ("1.1.0", "3.0.0")


def news_of(agentpack: Agentpack, *options: str) -> list[dict[str, Any]]:
    news: list[dict[str, Any]] = agentpack("upgrade", *options, "--dry-run", "--json").envelope["data"]["news"]
    return news


def test_the_news_are_of_packs_that_get_another_release(agentpack: Agentpack, project: Path) -> None:
    """Neither of one that comes along nor of one that is no longer required."""
    publish(
        project / "more",
        *(make_pack(name, personas={name: persona_text(name)}) for name in ("after", "before")),
        *(
            make_pack("top", version, personas={"top": persona_text("top")}, requires=[name])
            for version, name in (("1.0.0", "before"), ("1.1.0", "after"))
        ),
    )
    agentpack("install", "top==1.0.0", "--source", "more")
    news = news_of(agentpack, "--latest")
    assert [(one["pack"], one["before"], one["after"]) for one in news] == [("top", "1.0.0", "1.1.0")]


def test_the_size_of_an_upgrade_counts_a_file_of_the_users_own_that_it_replaces(
    agentpack: Agentpack, project: Path
) -> None:
    writer = persona_text("writer", "- Write. {#write}\n- Read. {#read}\n")
    publish(
        project / "more",
        make_pack("news", "1.0.0"),
        make_pack("news", "1.1.0", personas={"reviewer": persona_text(), "writer": writer}),
    )
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    mine = "---\nname: writer\ndescription: Mine.\n---\n- Write.\n- Mine.\n"
    write_tree(project, {".claude/agents/writer.md": mine})
    [news] = news_of(agentpack, "--latest", "--adopt")
    assert news["size"] == {"added": 2, "removed": 2, "rules": 2}


@pytest.mark.parametrize(("more", "size"), [(0, (2, 6, 4)), (1, (0, 0, 0))])
def test_a_file_of_the_users_own_counts_up_to_one_mebibyte(
    agentpack: Agentpack, project: Path, more: int, size: tuple[int, ...]
) -> None:
    writer = persona_text("writer", "- Write. {#write}\n- Read. {#read}\n")
    publish(
        project / "more",
        make_pack("news", "1.0.0"),
        make_pack("news", "1.1.0", personas={"reviewer": persona_text(), "writer": writer}),
    )
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    mine = "---\nname: writer\ndescription: Mine.\n---\n- Write.\n- Mine.\n"
    long = f"\n{'long ' * 200_000}\n\n"
    mine += long + "x" * (2**20 - len(mine + long) - 1 + more) + "\n"
    write_tree(project, {".claude/agents/writer.md": mine})
    [news] = news_of(agentpack, "--latest", "--adopt")
    assert tuple(news["size"].values()) == size


def test_the_size_of_an_upgrade_is_that_of_each_persona_in_the_client_where_most_changes(
    agentpack: Agentpack, project: Path
) -> None:
    """A file that is new adds its lines, and no rule: most of those have moved to it."""
    look, say, see = "- Look. {#look}\n", "- Say. {#say}\n", "- See. {#see}\n"
    before = {"one": persona_text("one", look + say), "two": persona_text("two", look + say)}
    after = {
        "one": persona_text("one", look + see + "- Ask. {#ask}\n"),
        "two": persona_text("two", look + say + see, description="Another."),
        "new": persona_text("new", look + say),
    }
    publish(project / "more", make_pack("news", "1.0.0", personas=before), make_pack("news", "1.1.0", personas=after))
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude,codex")
    [news] = news_of(agentpack, "--latest")
    assert news["size"] == {"added": 10, "removed": 2, "rules": 4}
    assert "news 1.0.0 -> 1.1.0  (+10 -2 lines, 4 rules)" in agentpack("upgrade", "--latest", "--dry-run").err


@pytest.mark.parametrize(("bound", "counted"), [(3 * 4096, 3), (2 * 4096, 2), (2 * 4096 - 1, 1)])
def test_the_first_packs_of_an_upgrade_are_counted_until_they_are_too_much(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, bound: int, counted: int
) -> None:
    """However small its files are, each counts as some."""
    for name in ("one", "two", "van"):
        two_releases(project, name, {name: "- Look. {#look}\n"}, {name: "- Look there. {#look}\n"})
    agentpack("install", "one==1.0.0", "two==1.0.0", "van==1.0.0", "--source", "more", "--client", "claude")
    monkeypatch.setattr("agentpack.changes.news.MAX_COMPARED", bound)
    size = {"added": 1, "removed": 1, "rules": 1}
    assert [(one["pack"], one.get("size")) for one in news_of(agentpack, "--latest")] == [
        (name, size if place < counted else None) for place, name in enumerate(("one", "two", "van"))
    ]


def test_a_local_variant_follows_its_release_beside_one_whose_pack_was_taken_out_by_hand(
    agentpack: Agentpack, project: Path
) -> None:
    start = "Read all. {#identity}\n\n## Rules {#rules}\n\n- Look. {#look}\n"
    for pack in ("band", "crew", "duo"):
        two_releases(project, pack, {pack: start}, {pack: start.replace("Look", "Look twice")})
    agentpack("install", "band==1.0.0", "crew==1.0.0", "duo==1.0.0", "--source", "more", "--client", "claude")
    for pack in ("band", "crew", "duo"):
        with (project / f".claude/agents/{pack}.md").open("a") as file:
            file.write("- Mine.\n")
        agentpack("keep", pack, "--as", f"my-{pack}")
    before = tree(project)
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("  - band[my-band]==1.0.0\n", ""))
    assert agentpack("install", "crew==1.1.0").err == (
        f"project {project}\n"
        "band 1.0.0 [my-band] removed\n"
        "crew 1.0.0 [my-crew] -> 1.1.0 [my-crew]\n"
        "  - .claude/agents/band.md  removed\n"
        "  ~ .claude/agents/crew.md  updated\n"
        "  ~ agentpack.yaml  updated\n"
        "  ~ agentpack.lock  updated\n"
        "generation 9; `agentpack rollback` undoes it\n"
    )
    after = tree(project)
    assert "- Look twice.\n- Mine.\n" in (project / ".claude/agents/crew.md").read_text()
    kept = [path for path in before if "/variants/" in path or path.endswith("duo.md")]
    assert [after[path] for path in kept] == [before[path] for path in kept]
    assert ".claude/agents/band.md" not in after


@pytest.mark.parametrize("clients", ["cursor, codex", "codex, cursor"])
def test_the_file_that_shows_what_no_variant_says_is_the_same_in_whatever_order_clients_are_listed(
    agentpack: Agentpack, project: Path, clients: str
) -> None:
    """The user took out one of two rules, the release the other: no variant says the heading that is left."""
    two = "Read all. {#identity}\n\n## Rules {#rules}\n\n- Look. {#look}\n- Say. {#say}\n"
    two_releases(project, "crew", {"reader": two}, {"reader": two.replace("- Say. {#say}\n", "")})
    text = f"schema: 1\nclients: [{clients}]\nsources: [{{name: more, path: more}}]\npacks:\n  - crew==1.0.0\n"
    (project / "agentpack.yaml").write_text(text)
    agentpack("sync")
    for path in (".codex/agents/reader.toml", ".cursor/agents/reader.md"):
        text = (project / path).read_text()
        (project / path).write_text(text.replace("- Look.\n", ""))
    agentpack("keep", "reader", "--as", "mine")
    assert (
        "note: .agentpack/variants/reader/mine.md: cannot be merged with crew 1.1.0; the variant is used as it is: "
        "read .cursor/agents/reader.md, and edit the variant if it no longer fits\n"
    ) in agentpack("install", "crew==1.1.0").err


def test_a_newer_release_of_a_pack_that_another_one_brings_along_leads_nowhere(
    agentpack: Agentpack, project: Path
) -> None:
    """Its range is that of the other one: no option installs it."""
    publish(
        project / "more",
        *(make_pack("base", version, personas={"base": persona_text("base")}) for version in ("1.0.0", "2.0.0")),
        make_pack("top", personas={"top": persona_text("top")}, requires=["base<2"]),
    )
    agentpack("install", "top", "--source", "more")
    assert agentpack("upgrade", "--yes").err == f"project {project}\nnothing to change\n"
    assert agentpack("diff", "--upgrade").err == f"project {project}\nnothing differs\n"


LOOK, SAY = "- Look before you change anything at all. {#look}\n", "- Say what you saw. {#say}\n"


def edited(project: Path, name: str, old: str = "change anything", new: str = "touch anything") -> None:
    path = project / f".claude/agents/{name}.md"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def two_releases(project: Path, pack: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Two releases of a pack with these bodies of personas."""
    releases = (
        make_pack(pack, version, personas={name: persona_text(name, body) for name, body in bodies.items()})
        for version, bodies in (("1.0.0", before), ("1.1.0", after))
    )
    publish(project / "more", *releases)


def test_each_pack_whose_rules_moved_is_to_be_kept_first_in_alphabetical_order(
    agentpack: Agentpack, project: Path
) -> None:
    names = [f"pack-{number}" for number in range(6)]
    for name in names:
        one, two = f"{name}-a", f"{name}-b"
        two_releases(project, name, {one: LOOK + SAY, two: SAY}, {one: SAY, two: SAY + LOOK})
    agentpack("install", *(f"{name}==1.0.0" for name in names), "--source", "more", "--client", "claude")
    for name in names:
        edited(project, f"{name}-a")
    told = agentpack("upgrade", "--latest", "--yes", expect=3).err
    ways = [
        f"`agentpack keep {name}`, then `agentpack upgrade --latest --yes`, moves each edit to where its rule is now"
        for name in names
    ]
    ways += [
        "`agentpack upgrade --latest --yes --on-conflict keep` keeps your text where the two conflict",
        "`--on-conflict theirs` takes the new text there",
        "`--partial` writes only the other files",
        "`--on-conflict .claude/agents/pack-0-a.md=keep` decides for this file only; repeat it for others",
    ]
    assert told.partition("hint: ")[2] == "".join(f"{way}\n  " for way in ways).rstrip(" ")


def conflicts_of(agentpack: Agentpack) -> list[dict[str, Any]]:
    told = agentpack("upgrade", "--latest", "--json", expect=3).envelope["data"]["files"]
    return [conflict for file in told for conflict in file["conflicts"] or ()]


@pytest.mark.parametrize("where", ["same pack", "other pack", "changed here, copied there", "nowhere"])
def test_a_rule_has_moved_where_the_same_pack_has_it_for_the_same_client(
    agentpack: Agentpack, project: Path, where: str
) -> None:
    after = {
        "same pack": {"one": SAY, "two": SAY + LOOK},
        "other pack": {"one": SAY, "two": SAY},
        "changed here, copied there": {"one": LOOK.replace("anything at all", "a thing") + SAY, "two": SAY + LOOK},
        "nowhere": {"one": SAY, "two": SAY},
    }[where]
    two_releases(project, "news", {"one": LOOK + SAY, "two": SAY}, after)
    two_releases(project, "others", {"three": SAY}, {"three": SAY + LOOK if where == "other pack" else SAY})
    agentpack("install", "news==1.0.0", "others==1.0.0", "--source", "more", "--client", "claude,codex")
    edited(project, "one")
    [conflict] = conflicts_of(agentpack)
    moved = {"path": ".claude/agents/two.md", "text": "- Look before you change anything at all."}
    assert conflict.get("moved", []) == ([moved] if where == "same pack" else [])
    told = agentpack("upgrade", "--latest", "--yes", expect=3).err
    assert ("hint: `agentpack keep news`, then `agentpack upgrade" in told) is (where == "same pack")


def test_each_of_two_conflicts_says_whether_its_rule_has_moved(agentpack: Agentpack, project: Path) -> None:
    tell = "- Tell whoever asked. {#tell}\n"
    before = {"one": LOOK + SAY + tell, "two": "- Wait. {#wait}\n"}
    after = {"one": LOOK.replace("at all", "of it") + tell, "two": "- Wait. {#wait}\n" + LOOK + SAY}
    two_releases(project, "news", before, after)
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    edited(project, "one", "change anything", "touch anything")
    edited(project, "one", "what you saw", "what you heard")
    conflicts = conflicts_of(agentpack)
    assert [[rule["text"] for rule in conflict.get("moved", [])] for conflict in conflicts] == [
        [],
        ["- Say what you saw."],
    ]


def test_a_heading_that_another_file_has_too_has_not_moved_there(agentpack: Agentpack, project: Path) -> None:
    heading = "\n## Rules {#rules}\n\n"
    two_releases(
        project,
        "news",
        {"one": LOOK + heading + SAY, "two": LOOK + heading + SAY},
        {"one": LOOK + "- Tell. {#tell}\n", "two": LOOK + heading + SAY},
    )
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    edited(project, "one", "## Rules", "## Our rules")
    assert [conflict.get("moved", []) for conflict in conflicts_of(agentpack)] == [[]]


def test_of_rules_with_the_same_first_line_only_the_one_in_conflict_has_moved(
    agentpack: Agentpack, project: Path
) -> None:
    rules = [f"- Look at this: {{#{name}}}\n  it is {name} and nothing else.\n" for name in ("red", "blue")]
    two_releases(project, "news", {"one": SAY + "".join(rules), "two": SAY}, {"one": SAY, "two": SAY + "".join(rules)})
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    edited(project, "one", "it is red", "it is green")
    [conflict] = conflicts_of(agentpack)
    assert [rule["text"] for rule in conflict["moved"]] == ["- Look at this:\n  it is red and nothing else."]


def test_a_rule_without_an_id_is_not_said_to_be_another_one_elsewhere(agentpack: Agentpack, project: Path) -> None:
    def put(*rules: str) -> None:
        files = {"agents/one.md": "".join(f"- {rule}\n" for rule in rules), "agents/two.md": "- Ask somebody else.\n"}
        write_tree(project / "kit", {path: agent_text(Path(path).stem, body) for path, body in files.items()})

    put("Look before you change anything at all.", "Say what you saw.")
    agentpack("install", "./kit", "--client", "claude")
    put("Say what you saw.")
    edited(project, "one")
    [conflict] = conflicts_of(agentpack)
    assert (conflict["theirs"].strip(), conflict.get("moved", [])) == ("", [])


def test_a_stop_for_new_capabilities_tells_of_the_conflicts_too(agentpack: Agentpack, project: Path) -> None:
    releases = (
        make_pack("news", version, personas={"reviewer": persona_text(body=f"- {rule} {{#one}}\n", tools=tools)})
        for version, rule, tools in (("1.0.0", "One.", ["read"]), ("1.1.0", "One, new.", ["read", "shell"]))
    )
    publish(project / "more", *releases)
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    edited(project, "reviewer", "- One.", "- One, mine.")
    ways = [
        "`agentpack upgrade --latest --yes --accept shell --on-conflict keep` accepts the new capabilities and keeps "
        "your text where the two conflict",
        "`--on-conflict theirs` takes the new text there",
        "`--dry-run` shows each place",
        "or leave out `--latest` to keep the old release",
    ]
    words = ("upgrade", "--latest", "--yes")
    assert agentpack(*words, expect=3).err.partition("hint: ")[2] == "\n  ".join(ways) + "\n"
    [error] = agentpack(*words, "--json", expect=3).envelope["errors"]
    assert (error["code"], error["hint"]) == ("widening", "; ".join(ways))
    [error] = agentpack(*words, "--dry-run", "--json", expect=3).envelope["errors"]
    assert error["hint"] == "; ".join((*ways[:2], ways[3]))
    assert error["details"] == [
        f"{project}/{AGENT}: was edited where the new text changes too",
        "news 1.0.0 -> 1.1.0: the new release lets agents do more than the old one",
        "reviewer for claude: read -> read, shell",
        "`shell` allows it to run commands",
    ]


def test_a_stop_for_new_capabilities_offers_to_keep_texts_where_nothing_else_is_to_be_decided(
    agentpack: Agentpack, project: Path
) -> None:
    texts = {name: persona_text(name, f"- {name}. {{#one}}\n", tools=["read"]) for name in ("one", "two")}
    newer = persona_text("one", "- one, new. {#one}\n", tools=["read", "shell"])
    publish(
        project / "more",
        make_pack("news", "1.0.0", personas=texts),
        make_pack("news", "1.1.0", personas={"one": newer}),
    )
    agentpack("install", "news==1.0.0", "--source", "more", "--client", "claude")
    for name in texts:
        edited(project, name, f"- {name}.", "- mine.")
    assert agentpack("upgrade", "--latest", "--yes", expect=3).err.partition("error: ")[2] == (
        "news 1.0.0 -> 1.1.0: the new release lets agents do more than the old one; nothing was changed\n"
        "  one for claude: read -> read, shell\n"
        "  `shell` allows it to run commands\n"
        "  .claude/agents/one.md: was edited where the new text changes too\n"
        "  .claude/agents/two.md: was edited, and would be deleted\n"
        "hint: `agentpack upgrade --latest --yes --accept shell` accepts it, or leave out `--latest` to "
        "keep the old release\n"
        "  2 files need a decision as well: `--dry-run` shows each place\n"
    )


@pytest.mark.parametrize("other", ["aardvark", "zebra"])
def test_a_rule_that_moved_is_shown_where_its_own_pack_has_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, other: str
) -> None:
    body = "You count. {#identity}\n\n## Rules {#rules}\n\n- Count metrics by hand. {#metrics}\n"
    packs = publish(tmp_path / "packs", make_pack(other, personas={other: persona_text(other, body=body)}))
    agentpack("install", other, "--source", str(packs), "--client", "claude")
    agentpack("install", "python-engineer==1.0.0")
    path = project / ".claude/agents/python-engineer.md"
    path.write_text(path.read_text().replace("through Prometheus or OpenTelemetry.", "through Datadog."))
    said = agentpack("upgrade", "python-engineer", "--latest", "--dry-run", expect=3).err
    assert "the new release says, in .claude/skills/python-engineer-services/SKILL.md\n" in said
    assert "Count metrics by hand" not in said


def test_a_skill_whose_folder_is_somebody_else_s_now_stops_where_lock_and_state_are_lost(
    agentpack: Agentpack, project: Path
) -> None:
    agentpack("install", "python-engineer", "--client", "claude")
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack/state")
    folder = project / ".claude/skills/python-engineer-async"
    (folder / "SKILL.md").rename(folder / "notes.md")
    assert agentpack("sync", expect=3).err == (
        f"project {project}\n"
        "error: 1 file needs a decision; nothing was changed\n"
        "  .claude/skills/python-engineer-async/SKILL.md: would be written to a folder with files that agentpack did "
        "not write\n"
        "hint: move them, rename the persona (`as:` in agentpack.yaml), or turn off skills (`--set modules=inline`)\n"
    )


def test_a_local_variant_that_another_pack_asks_for_stays_in_use(agentpack: Agentpack, project: Path) -> None:
    crew = make_pack("crew", personas={"crew": persona_text("crew")}, requires=["lead[mine]"])
    publish(project / "packs", make_pack("lead"), crew)
    write_tree(project, {".agentpack/variants/reviewer/mine.md": variant_text("- Mine. {#mine}\n")})
    agentpack("install", "crew", "--source", "packs", "--client", "claude")
    newer = persona_text(body="You look again. {#identity}\n")
    publish(project / "packs", make_pack("lead", version="1.1.0", personas={"reviewer": newer}))
    assert "lead 1.0.0 [mine] -> 1.1.0 [mine]\n" in agentpack("upgrade", "--yes").err
    assert (project / ".claude/agents/reviewer.md").read_text().endswith("---\nYou look again.\n\n- Mine.\n")


def test_a_file_is_known_by_an_older_release_past_one_that_lacks_what_is_asked_for(
    agentpack: Agentpack, project: Path
) -> None:
    """Where lock and state are lost."""
    strict = {"reviewer/strict": variant_text("- Be strict. {#strict}\n")}
    publish(project / "packs", make_pack(variants=strict))
    agentpack("install", "data-reviewer[strict]<3", "--source", "packs", "--client", "claude")
    newer = persona_text(body="You look again. {#identity}\n")
    publish(project / "packs", make_pack(version="1.1.0", personas={"reviewer": newer}, variants=strict))
    publish(project / "packs", make_pack(version="2.0.0"))
    (project / "agentpack.lock").unlink()
    shutil.rmtree(project / ".agentpack/state")
    assert agentpack("install", "data-reviewer[strict]==1.1").err.splitlines()[1:3] == [
        "data-reviewer 1.0.0 [strict] -> 1.1.0 [strict]",
        "  ~ .claude/agents/reviewer.md  updated",
    ]


def test_the_local_variants_of_two_agents_that_have_one_name_follow_a_release_each(
    agentpack: Agentpack, project: Path
) -> None:
    names = ("reader", "writer")
    publish(project / "crews", make_pack("crew", personas={name: persona_text(name) for name in names}))
    agentpack("install", "crew", "--source", "crews", "--client", "claude")
    for name in names:
        file = project / f".claude/agents/{name}.md"
        file.write_text(file.read_text().replace("you change.", f"a {name} changes."))
    agentpack("keep")
    bodies = {name: persona_text(name, BODY.replace("{#look}", f"{{#{name}-look}}")) for name in names}
    publish(project / "crews", make_pack("crew", version="1.1.0", personas=bodies))
    agentpack("upgrade", "--yes")
    for name in names:
        text = (project / f".agentpack/variants/{name}/local.md").read_text()
        assert f"- Look before a {name} changes. {{#{name}-look}}\n" in text
        assert f"- Look before a {name} changes.\n- Say" in (project / f".claude/agents/{name}.md").read_text()


def test_a_range_is_left_for_the_newest_release_also_before_there_is_a_lock(
    agentpack: Agentpack, project: Path
) -> None:
    manifest = project / "agentpack.yaml"
    text = "schema: 1\nclients: [claude]\nsources: [{name: ours, path: packs}]\npacks: [data-reviewer==1.0.0]\n"
    manifest.write_text(text)
    agentpack("upgrade", "--latest", "--yes")
    assert manifest.read_text() == text.replace("[data-reviewer==1.0.0]", '["data-reviewer==2.0.0"]')
    assert locked(project) == "2.0.0"
