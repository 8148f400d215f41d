"""Releases that take more for themselves: what stops, what is only shown, and what lets it through."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack, Ran
from support.trees import tree


def personas(**headers: Mapping[str, Any]) -> dict[str, str]:
    return {name: persona_text(name, f"You are {name}.\n", **header) for name, header in headers.items()}


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """`reviews` 1.0.0, whose `reviewer` looks and no more."""
    folder = tmp_path / "packs"
    release(folder, "1.0.0", reviewer={"tools": ["read", "search"]})
    return folder


def release(
    folder: Path, version: str, name: str = "reviews", requires: Any = None, **headers: Mapping[str, Any]
) -> None:
    more = {"requires": requires} if requires else {}
    publish(folder, make_pack(name, version, personas=personas(**headers), **more))


def locked(agentpack: Agentpack) -> dict[str, str]:
    data = json.loads((agentpack.folder / "agentpack.lock").read_text())
    return {f"{file['persona']} {file['client']}": file["capabilities"] for file in data["files"]}


def forget_capabilities(agentpack: Agentpack) -> None:
    """Make the lock one of before, which says of no file what it may do."""
    path = agentpack.folder / "agentpack.lock"
    data = json.loads(path.read_text())
    for file in data["files"]:
        del file["capabilities"]
    path.write_text(json.dumps(data))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def stopped(agentpack: Agentpack, *arguments: str, **more: Any) -> Ran:
    """Run a command that must stop for a widening, and change nothing."""
    before = files(agentpack.folder)
    ran = agentpack(*arguments, expect=3, **more)
    kept = {path: data for path, data in files(agentpack.folder).items() if "/state/" not in path}
    assert kept == {path: data for path, data in before.items() if "/state/" not in path}
    return ran


# An upgrade that grants itself every tool.


@pytest.fixture
def widened(agentpack: Agentpack, packs: Path) -> Agentpack:
    """A scope with `reviews` 1.0.0, and a newer release that lists no tools any more."""
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={})
    return agentpack


@pytest.mark.many
@pytest.mark.parametrize(
    "command",
    [
        ["upgrade", "--yes"],
        ["upgrade", "reviews", "--yes"],
        ["install", "reviews@latest"],
        ["lock", "--upgrade"],
        ["upgrade", "--dry-run"],
    ],
)
@pytest.mark.parametrize("real", [False, True])
def test_a_release_that_takes_every_tool_for_itself_stops(widened: Agentpack, command: list[str], real: bool) -> None:
    ran = stopped(widened, *command, real=real)
    assert "reviews 1.0.0 -> 1.1.0" in ran.err
    assert "reviewer for claude: read, search -> every-tool" in ran.err
    assert "--accept every-tool" in ran.err


def test_the_envelope_tells_who_may_do_what(widened: Agentpack) -> None:
    envelope = stopped(widened, "upgrade", "--yes", "--json").envelope
    assert envelope["errors"][0]["code"] == "widening"
    assert envelope["data"]["capabilities"] == [
        {
            "pack": "reviews",
            "persona": "reviewer",
            "client": "claude",
            "before": ["read", "search"],
            "after": ["every-tool"],
            "widened": ["every-tool"],
        }
    ]


@pytest.mark.parametrize("word", ["every-tool", "reviews:every-tool"])
def test_what_is_accepted_goes_through_and_is_locked(widened: Agentpack, word: str) -> None:
    ran = widened("upgrade", "--yes", "--accept", word)
    assert "may use more: read, search -> every-tool" in ran.err
    assert locked(widened) == {"reviewer claude": "every-tool"}
    assert "\nmay" not in widened("upgrade", "--yes").err
    assert f"upgrade --accept {word}" in widened("history").out


@pytest.mark.parametrize("word", ["shell", "tester:every-tool", "every-tool-but:shell", "bypass"])
def test_another_acceptance_does_not_help(widened: Agentpack, word: str) -> None:
    stopped(widened, "upgrade", "--yes", "--accept", word)


@pytest.mark.parametrize(
    ("word", "hint"), [("shel", "shell"), ("every-tol", "every-tool"), ("reviews:shel", "shell"), ("all", "shell")]
)
def test_an_unknown_word_is_an_error_of_the_call(widened: Agentpack, word: str, hint: str) -> None:
    ran = widened("upgrade", "--yes", "--accept", word, expect=2)
    assert f"--accept {word}" in ran.err
    assert hint in ran.err


def test_a_policy_may_allow_it(widened: Agentpack) -> None:
    with (widened.folder / "agentpack.yaml").open("a") as manifest:
        manifest.write("policy: {capabilities: {accept: [every-tool]}}\n")
    widened("upgrade", "--yes")
    assert locked(widened) == {"reviewer claude": "every-tool"}


@pytest.mark.parametrize(
    ("setting", "exit_code"), [("deny: [shell]", 5), ("allow: [read, search]", 5), ("deny: [hooks]", 3)]
)
def test_a_policy_may_forbid_it_whatever_is_accepted(widened: Agentpack, setting: str, exit_code: int) -> None:
    with (widened.folder / "agentpack.yaml").open("a") as manifest:
        manifest.write(f"policy: {{capabilities: {{{setting}}}}}\n")
    accept = ["--accept", "every-tool"] if exit_code == 5 else []
    widened("upgrade", "--yes", *accept, expect=exit_code)
    assert locked(widened) == {"reviewer claude": "read, search"}


def test_a_check_tells_it_and_stops_nothing(widened: Agentpack) -> None:
    assert "may use more" in widened("upgrade", "--check", expect=1).err
    assert "\nmay" not in widened("lock", "--check").err
    assert locked(widened) == {"reviewer claude": "read, search"}


@pytest.mark.parametrize("format", ["text", "rules", "markdown", "json"])
def test_a_difference_shows_it(widened: Agentpack, format: str) -> None:
    for words in (["--upgrade"], ["--to", "reviews@1.1.0"]):
        ran = widened("diff", *words, "--format", format, expect=1)
        if format == "json":
            (change,) = ran.envelope["data"]["capabilities"]
            assert (change["before"], change["after"]) == (["read", "search"], ["every-tool"])
        else:
            assert "may use more (reviewer; claude): " in ran.out
            assert "read, search -> every-tool" in ran.out


def test_a_clone_goes_on_with_what_was_committed(widened: Agentpack, tmp_path: Path) -> None:
    widened("upgrade", "--yes", "--accept", "every-tool")
    for command in (["sync", "--locked"], ["sync", "--frozen"], ["sync"]):
        clone = tmp_path / "-".join(command)
        shutil.copytree(widened.folder, clone, ignore=shutil.ignore_patterns("state", ".claude"))
        assert "may use more" not in widened(*command, cwd=clone).err
        assert (clone / ".claude/agents/reviewer.md").is_file()


def test_a_sync_that_takes_another_release_stops(widened: Agentpack) -> None:
    manifest = widened.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- reviews", "- reviews>=1.1"))
    assert "1.0.0 -> 1.1.0" in stopped(widened, "sync").err
    widened("sync", "--accept", "every-tool")


def bumped(agentpack: Agentpack, *, row: dict[str, str]) -> None:
    """Make the lock one that names the newer release, and says of the file what `row` says: as in a pull request of
    somebody who wants the release in and does not want to say so.
    """
    agentpack("upgrade", "--yes", "--accept", "every-tool")
    path = agentpack.folder / "agentpack.lock"
    newer = json.loads(path.read_text())
    agentpack("rollback")
    newer["files"] = [{**file, **row} for file in json.loads(path.read_text())["files"]]
    newer["files"] = [{key: value for key, value in file.items() if value is not None} for file in newer["files"]]
    path.write_text(json.dumps(newer))


@pytest.mark.many
@pytest.mark.parametrize("row", [{}, {"capabilities": None}], ids=["told", "not told"])
@pytest.mark.parametrize("command", ["sync", "upgrade --yes", "sync --dry-run", "install reviews"])
def test_a_lock_that_says_less_than_its_release_gives_is_no_acceptance(
    widened: Agentpack, row: dict[str, str], command: str
) -> None:
    bumped(widened, row=row)
    told = stopped(widened, *command.split()).err
    assert "reviews: agents could do more than agentpack.lock allows" in told
    assert "--accept every-tool" in told
    widened("sync", "--accept", "every-tool")
    assert locked(widened) == {"reviewer claude": "every-tool"}
    widened("sync", "--check")


@pytest.mark.parametrize("claimed", ["every-tool", "read, search, shell"])
@pytest.mark.parametrize("is_waiting", [False, True], ids=["as locked", "named as waiting"])
def test_a_lock_that_says_more_than_its_release_gives_makes_no_newer_one_go_through(
    agentpack: Agentpack, packs: Path, claimed: str, is_waiting: bool
) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search", "shell"]})
    path = agentpack.folder / "agentpack.lock"
    data = json.loads(path.read_text())
    data["files"][0]["capabilities"] = claimed
    if is_waiting:
        data["files"][0]["release"] = "1.0.0"
        data["written"] = {"clients": data["clients"], "packs": data["packs"]}
    path.write_text(json.dumps(data))
    assert "reviewer for claude: read, search -> read, search, shell" in stopped(agentpack, "upgrade", "--yes").err
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- reviews", "- reviews>=1.1"))
    stopped(agentpack, "sync")


@pytest.mark.parametrize("is_gone", [False, True], ids=["the old release is there", "the old release is gone"])
@pytest.mark.parametrize("persona", ["evil", "ghost", "reviewer"])
def test_a_row_for_a_persona_that_the_old_release_lacks_lets_nothing_through(
    agentpack: Agentpack, packs: Path, persona: str, is_gone: bool
) -> None:
    """Nor one for the persona that is there, if it may do less as its file lies there."""
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]}, evil={"tools": ["read", "shell"]})
    if is_gone:
        shutil.rmtree(packs / "reviews/1.0.0")
    path = agentpack.folder / "agentpack.lock"
    data = json.loads(path.read_text())
    (row,) = data["files"]
    more = row | {"path": f".claude/agents/{persona}.md", "persona": persona, "capabilities": "every-tool, hooks"}
    data["files"] = [more] if persona == "reviewer" else [row, more | {"sha256": "0" * 64}]
    path.write_text(json.dumps(data))
    assert "evil for claude: new -> read, shell" in stopped(agentpack, "upgrade", "--yes").err
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- reviews", "- reviews>=1.1"))
    assert "-> read, shell" in stopped(agentpack, "sync").err


def test_a_row_that_names_the_file_of_another_agent_lets_nothing_through(agentpack: Agentpack, packs: Path) -> None:
    """What that agent may do says nothing of a persona whose old release is gone."""
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]}, evil={"tools": ["read", "shell"]})
    shutil.rmtree(packs / "reviews/1.0.0")
    mine = agentpack.folder / ".claude/agents/mine.md"
    mine.write_text("---\nname: mine\ndescription: May use every tool.\n---\nText.\n")
    path = agentpack.folder / "agentpack.lock"
    data = json.loads(path.read_text())
    (row,) = data["files"]
    named = {"path": ".claude/agents/mine.md", "sha256": sha256(mine.read_bytes()).hexdigest()}
    data["files"].append(row | named | {"persona": "evil", "capabilities": "every-tool"})
    path.write_text(json.dumps(data))
    assert "evil for claude: new -> read, shell" in stopped(agentpack, "upgrade", "--yes").err


def test_a_lock_ahead_that_says_more_of_what_was_written_stops_as_well(widened: Agentpack) -> None:
    path = widened.folder / "agentpack.lock"
    before = json.loads(path.read_text())
    widened("lock", "--upgrade", "--accept", "every-tool")
    data = json.loads(path.read_text())
    data["files"][0]["capabilities"] = "every-tool"
    data["accepted"] = []
    path.write_text(json.dumps(data))
    assert before["files"][0]["capabilities"] == "read, search"
    for command in (["sync"], ["sync", "--locked"], ["upgrade", "--yes"]):
        assert "read, search -> every-tool" in stopped(widened, *command).err


def test_going_back_to_more_is_the_user_s_own_act_and_is_said(widened: Agentpack) -> None:
    widened("upgrade", "--yes", "--accept", "every-tool")
    assert "may use less: every-tool -> read, search" in widened("rollback").err
    assert "may use more: read, search -> every-tool" in widened("rollback").err


def test_going_back_tells_of_each_agent_that_may_do_other_things_then(agentpack: Agentpack, packs: Path) -> None:
    same, more = {"tools": ["read"]}, {"tools": ["read", "shell"]}
    release(packs, "1.0.0", "crew", alike=same, builder=more, looker=same, other=same, tester=more)
    agentpack("install", "crew", "--source", str(packs), "--client", "claude")
    release(packs, "1.1.0", "crew", added=same, alike=same, builder=same, looker=more, other=more, tester=same)
    agentpack("upgrade", "--yes", "--accept", "shell")
    told = [line for line in agentpack("rollback").err.splitlines() if "may use" in line]
    assert told == [
        "may use more (builder, tester): read -> read, shell",
        "may use less (looker, other): read, shell -> read",
    ]


@pytest.mark.parametrize("forgotten", ["now", "then"])
def test_going_back_says_nothing_of_what_either_lock_does_not_tell(widened: Agentpack, forgotten: str) -> None:
    if forgotten == "then":
        forget_capabilities(widened)
        (widened.folder / "agentpack.yaml").write_text((widened.folder / "agentpack.yaml").read_text() + "# mine\n")
        widened("sync")
        forget_capabilities(widened)
    widened("upgrade", "--yes", "--accept", "every-tool")
    if forgotten == "now":
        forget_capabilities(widened)
    generation = "1" if forgotten == "now" else ()
    assert "may use" not in widened("rollback", *generation).err


def test_a_pack_whose_source_is_another_stops_too(agentpack: Agentpack, packs: Path, tmp_path: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    other = tmp_path / "other"
    release(other, "1.0.0", reviewer={"tools": ["read", "shell"]})
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("/packs", "/other").replace("name: packs", "name: other"))
    assert "shell" in stopped(agentpack, "install", "reviews", "--source", str(other)).err


def test_a_release_whose_bytes_are_others_under_its_version_stops_too(agentpack: Agentpack, packs: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.0.0", reviewer={})
    before = tree(agentpack.folder)
    assert "is not what was locked; it stays as it was installed" in agentpack("upgrade", "--yes").err
    for command in (["sync"], ["upgrade", "reviews"], ["lock", "--upgrade"]):
        assert "is not what was locked" in agentpack(*command, expect=5).err
    assert tree(agentpack.folder) == before
    move = ["lock", "--upgrade-pack", "reviews"]
    told = stopped(agentpack, *move).err
    assert "reviewer for claude: read, search -> every-tool" in told
    assert "reviews 1.0.0 -> 1.0.0" in told
    agentpack(*move, "--accept", "reviews:every-tool")
    agentpack("sync")
    assert locked(agentpack)["reviewer claude"] == "every-tool"


# Personas that are new in a release.


def test_a_new_persona_may_do_what_its_pack_could(agentpack: Agentpack, packs: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]}, tester={"tools": ["read"]})
    assert "may use (tester): read\n" in agentpack("upgrade", "--yes").err
    release(
        packs, "1.2.0", reviewer={"tools": ["read"]}, tester={"tools": ["read"]}, fixer={"tools": ["read", "shell"]}
    )
    ran = stopped(agentpack, "upgrade", "--yes")
    assert "fixer for claude: new -> read, shell" in ran.err
    assert "--accept shell`" in ran.err
    assert "every-tool" not in ran.err
    ran = agentpack("upgrade", "--yes", "--accept", "reviews:shell")
    assert "may use (fixer): read, shell\n" in ran.err
    assert "may use less (reviewer): read, search -> read\n" in ran.err


@pytest.mark.parametrize("is_told", [True, False], ids=["the lock tells it", "an older lock does not"])
def test_what_a_pack_may_do_for_one_client_it_may_not_do_for_another(
    agentpack: Agentpack, packs: Path, is_told: bool
) -> None:
    """Codex cannot limit tools, which was accepted; Claude Code can."""
    both = ("--client", "claude,codex", "--accept", "widened:codex")
    agentpack("install", "reviews", "--source", str(packs), *both)
    assert locked(agentpack) == {"reviewer claude": "read, search", "reviewer codex": "every-tool"}
    if not is_told:
        forget_capabilities(agentpack)
    release(packs, "1.1.0", reviewer={"tools": ["read"]}, fixer={"tools": ["shell"]})
    err = stopped(agentpack, "upgrade", "--yes", "--accept", "widened:codex").err
    assert "fixer for claude: new -> shell" in err
    assert "fixer for codex" not in err


@pytest.mark.parametrize("is_told", [True, False], ids=["the lock tells it", "an older lock does not"])
def test_what_another_pack_may_do_lets_nothing_through(agentpack: Agentpack, packs: Path, is_told: bool) -> None:
    release(packs, "1.0.0", "workers", fixer={})
    agentpack("install", "reviews", "workers", "--source", str(packs))
    if not is_told:
        forget_capabilities(agentpack)
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]}, tester={"tools": ["read", "shell"]})
    assert "tester for claude: new -> read, shell" in stopped(agentpack, "upgrade", "--yes").err


def test_a_new_persona_may_do_what_its_pack_could_though_the_old_release_is_gone(
    agentpack: Agentpack, packs: Path
) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]}, tester={"tools": ["read"]})
    shutil.rmtree(packs / "reviews/1.0.0")
    assert "may use (tester): read\n" in agentpack("upgrade", "--yes").err
    release(packs, "1.2.0", reviewer={"tools": ["read"]}, tester={"tools": ["read"]}, fixer={"tools": ["shell"]})
    shutil.rmtree(packs / "reviews/1.1.0")
    told = stopped(agentpack, "upgrade", "--yes").err
    assert "fixer for claude: new -> shell" in told


def test_a_release_that_may_do_the_same_is_no_change_where_an_older_lock_does_not_tell_it(
    agentpack: Agentpack, packs: Path
) -> None:
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    told = locked(agentpack)
    forget_capabilities(agentpack)
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]})
    assert agentpack("upgrade", "--yes", "--json").envelope["data"]["capabilities"] == []
    assert locked(agentpack) == told


def test_a_pack_that_another_one_brings_along_counts_for_it(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "helpers", helper={"tools": ["shell"]})
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", requires=["helpers"], reviewer={"tools": ["read", "search"]})
    assert "helper for claude" in stopped(agentpack, "upgrade", "--yes").err
    agentpack("upgrade", "--yes", "--accept", "helpers:shell")
    assert locked(agentpack)["helper claude"] == "shell"


def test_so_does_what_that_one_brings_along(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "deep", digger={"tools": ["shell"]})
    release(packs, "1.0.0", "helpers", requires=["deep"], helper={"tools": ["read"]})
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", requires=["helpers"], reviewer={"tools": ["read", "search"]})
    assert "digger for claude" in stopped(agentpack, "upgrade", "--yes").err


def test_a_base_that_was_only_extended_and_comes_along_itself_stops(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "base", fixer={"tools": ["read", "shell"]})
    release(packs, "1.0.0", "house", requires=["base"], looker={"extends": "base", "tools": ["read"]})
    agentpack("install", "house", "--source", str(packs))
    assert locked(agentpack) == {"looker claude": "read"}
    release(packs, "1.1.0", "house", requires=["base"], looker={"tools": ["read"]})
    assert "fixer for claude" in stopped(agentpack, "upgrade", "--yes").err


def test_what_was_brought_along_and_is_now_asked_for_stops_as_before(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "base", fixer={"tools": ["read"]})
    release(packs, "1.0.0", "house", requires=["base"], looker={"tools": ["read"]})
    agentpack("install", "house", "--source", str(packs))
    assert locked(agentpack) == {"fixer claude": "read", "looker claude": "read"}
    release(packs, "1.1.0", "base", fixer={"tools": ["read", "shell"]})
    assert "fixer for claude: read -> read, shell" in stopped(agentpack, "install", "base@latest").err


def test_so_does_an_agent_that_is_new_in_what_was_brought_along(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "base", fixer={"tools": ["read"]})
    release(packs, "1.0.0", "house", requires=["base"], looker={"tools": ["read"]})
    agentpack("install", "house", "--source", str(packs))
    release(packs, "1.1.0", "base", fixer={"tools": ["read"]}, tester={"tools": ["shell"]})
    assert "tester for claude" in stopped(agentpack, "install", "base@latest").err


def test_packs_that_come_together_are_all_first_installs(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "deep", digger={"tools": ["shell"]})
    release(packs, "1.0.0", "helpers", requires=["deep"], helper={"tools": ["read"]})
    agentpack("install", "reviews", "--source", str(packs))
    assert "may use (digger): shell\n" in agentpack("install", "helpers").err


def test_a_base_that_is_extended_counts_for_what_extends_it(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "base", fixer={"tools": ["read"]})
    release(packs, "1.0.0", "house", requires=["base"], fixer={"extends": "base"})
    agentpack("install", "house", "--source", str(packs))
    release(packs, "1.1.0", "base", fixer={"tools": ["read", "edit"]})
    assert "fixer for claude: read -> edit, read" in stopped(agentpack, "upgrade", "--yes").err


# What the user asks for himself.


def test_a_first_install_shows_and_does_not_stop(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "2.0.0", "workers", fixer={}, reader={"tools": ["read"]})
    ran = agentpack(
        "install",
        "workers",
        "-c",
        "claude",
        "-c",
        "kilo",
        "-c",
        "codex",
        "--accept",
        "widened:codex",
        "--source",
        str(packs),
    )
    assert "may use (fixer): every-tool\n" in ran.err
    assert "may use (reader; claude, kilo): read\n" in ran.err
    assert "may use (reader; codex): every-tool\n" in ran.err
    assert locked(agentpack)["reader codex"] == "every-tool"
    again = agentpack("install", "workers")
    assert "\nmay" not in again.err
    assert agentpack("install", "workers", "--json").envelope["data"]["capabilities"] == []


def test_quiet_says_nothing_of_it(agentpack: Agentpack, packs: Path) -> None:
    assert agentpack("install", "reviews", "--quiet", "--source", str(packs)).err == ""


def test_a_variant_or_a_parameter_is_shown_and_does_not_stop(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = publish(
        tmp_path / "packs",
        make_pack(
            personas=personas(reviewer={"tools": ["read"]}),
            variants={"reviewer/working": variant_text(set={"tools": ["read", "shell"]})},
        ),
    )
    agentpack("install", "data-reviewer", "--source", str(folder))
    assert "may use more: read -> read, shell" in agentpack("install", "data-reviewer[working]").err
    assert locked(agentpack) == {"reviewer claude": "read, shell"}


def test_a_local_variant_is_the_user_s_own(agentpack: Agentpack, packs: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    folder = agentpack.folder / ".agentpack/variants/reviewer"
    folder.mkdir(parents=True)
    (folder / "house.md").write_text(variant_text(set={"tools": ["read", "search", "edit"]}))
    assert "may use more: read, search -> edit, read, search" in agentpack("install", "reviews[house]").err


def test_a_local_variant_that_is_edited_in_a_clone_is_the_user_s_own(agentpack: Agentpack, packs: Path) -> None:
    house = agentpack.folder / ".agentpack/variants/reviewer/house.md"
    house.parent.mkdir(parents=True)
    house.write_text(variant_text(set={"tools": ["read"]}))
    agentpack("install", "reviews[house]", "--source", str(packs))
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    house.write_text(variant_text(set={"tools": ["read", "edit"]}))
    assert "may use more: read -> edit, read" in agentpack("sync").err


def test_a_further_client_is_shown_and_does_not_stop(agentpack: Agentpack, packs: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    ran = agentpack("install", "reviews", "--client", "codex", "--accept", "widened:codex")
    assert "may use (codex): every-tool\n" in ran.err


def test_a_client_added_together_with_a_release_is_held_against_the_locked_one(
    agentpack: Agentpack, packs: Path
) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"]})
    agentpack("install", "reviews@latest", "-c", "claude", "-c", "kilo")
    release(packs, "1.2.0", reviewer={"tools": ["read", "shell"]})
    ran = stopped(agentpack, "install", "reviews@latest", "-c", "qwen")
    assert "reviewer for claude, kilo, qwen: read, search -> read, shell" in ran.err


def test_a_new_persona_for_a_new_client_is_held_against_what_the_locked_release_gives_that_client(
    agentpack: Agentpack, packs: Path
) -> None:
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    release(packs, "2.0.0", reviewer={"tools": ["read", "search"]}, tester={"tools": ["read"]})
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("clients: [claude]", "clients: [claude, qwen]"))
    agentpack("upgrade", "--yes")
    assert locked(agentpack) == {
        "reviewer claude": "read, search",
        "reviewer qwen": "read, search",
        "tester claude": "read",
        "tester qwen": "read",
    }


def test_more_of_the_same_and_less_go_through(agentpack: Agentpack, packs: Path) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["search"], "color": "blue"})
    assert "may use less: read, search -> search" in agentpack("upgrade", "--yes").err


# Locks of before.


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (4, " and 1 more packs"), (5, " and 2 more packs")])
def test_of_many_packs_that_take_more_the_first_three_are_named(
    agentpack: Agentpack, tmp_path: Path, count: int, more: str
) -> None:
    names = [f"pack-{number}" for number in range(count)]
    for version, tools in (("1.0.0", ["read"]), ("2.0.0", ["read", "edit"])):
        for name in names:
            release(tmp_path / "many", version, name, **{f"{name}-agent": {"tools": tools}})
        if version == "1.0.0":
            agentpack("install", *names, "--source", str(tmp_path / "many"), "--client", "claude")
    moves = ", ".join(f"{name} 1.0.0 -> 2.0.0" for name in names[:3])
    assert stopped(agentpack, "upgrade").err.splitlines()[1] == (
        f"error: {moves}{more}: the new release lets agents do more than the old one; nothing was changed"
    )


def test_a_lock_that_does_not_tell_it_is_no_acceptance(widened: Agentpack) -> None:
    forget_capabilities(widened)
    assert "\nmay" not in widened("install", "reviews", "--dry-run").err
    assert "reviewer for claude: read, search -> every-tool" in stopped(widened, "upgrade", "--yes").err


def test_a_lock_that_does_not_tell_it_is_as_good_as_any_where_no_release_moves(
    agentpack: Agentpack, packs: Path
) -> None:
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    forget_capabilities(agentpack)
    agentpack("sync", "--locked")
    agentpack("diff")


def test_a_lock_that_does_not_tell_it_of_one_persona_counts_as_its_release_gives_it(
    agentpack: Agentpack, packs: Path
) -> None:
    release(packs, "1.1.0", reviewer={"tools": ["read"]}, tester={"tools": ["read", "shell"]})
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    path = agentpack.folder / "agentpack.lock"
    data = json.loads(path.read_text())
    del next(file for file in data["files"] if file["persona"] == "tester")["capabilities"]
    path.write_text(json.dumps(data))
    both = [{"tools": ["read"]}, {"tools": ["read", "shell"]}]
    release(packs, "1.2.0", reviewer=both[0], tester=both[1], builder={"tools": ["shell"]})
    agentpack("upgrade", "--yes")
    assert locked(agentpack)["builder claude"] == "shell"


def test_what_can_no_longer_be_rendered_is_not_taken_for_nothing_to_lose(widened: Agentpack, packs: Path) -> None:
    forget_capabilities(widened)
    shutil.rmtree(packs / "reviews/1.0.0")
    assert "new -> every-tool" in stopped(widened, "upgrade", "--yes").err
    widened("upgrade", "--yes", "--accept", "every-tool")


# Locks that are gone or say less than the history.


def emptied(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "packs": [], "files": []}))


def without_files(path: Path) -> None:
    data = json.loads(path.read_text())
    packs = [{**pack, "wanted_by": []} for pack in data["packs"]]
    path.write_text(json.dumps({**data, "packs": packs, "files": []}))


LESS: Mapping[str, Callable[[Path], None]] = {
    "removed": Path.unlink,
    "emptied": emptied,
    "without files": without_files,
}


def test_what_a_release_takes_against_either_side_of_a_merge_stops(agentpack: Agentpack, tmp_path: Path) -> None:
    """The side that is taken may have had more than the other. In a fresh clone, where only the lock tells."""
    packs, lock = tmp_path / "more", agentpack.folder / "agentpack.lock"
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    release(packs, "1.0.0", reviewer={"tools": ["read", "shell"]})
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    ours, text = lock.read_text(), agent.read_text()
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    agentpack("upgrade", "--yes")
    lock.write_text(f"<<<<<<< HEAD\n{ours}=======\n{lock.read_text()}>>>>>>> theirs\n")
    agent.write_text(text)
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    release(packs, "1.2.0", reviewer={"tools": ["read", "shell", "web"]})
    for accepting in ((), ("--accept", "web"), ("--accept", "shell")):
        told = stopped(agentpack, "upgrade", "--yes", *accepting).err
        assert told.count("reviewer for claude: ") == 1
        assert "claude, claude" not in told
    agentpack("upgrade", "--yes", "--accept", "web", "--accept", "shell")


def test_what_a_release_takes_is_told_against_our_side_of_a_merge_alone_where_nothing_stops(
    agentpack: Agentpack, tmp_path: Path
) -> None:
    packs, lock = tmp_path / "more", agentpack.folder / "agentpack.lock"
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    release(packs, "1.0.0", reviewer={"tools": ["read"]})
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    ours, text = lock.read_text(), agent.read_text()
    release(packs, "1.1.0", reviewer={"tools": ["read", "shell"]})
    agentpack("upgrade", "--yes", "--accept", "shell")
    lock.write_text(f"<<<<<<< HEAD\n{ours}=======\n{lock.read_text()}>>>>>>> theirs\n")
    agent.write_text(text)
    assert agentpack("sync", "--json").envelope["data"]["capabilities"] == []


@pytest.mark.parametrize("turned", [False, True])
def test_what_only_one_side_of_a_merge_had_is_no_acceptance_for_the_other(
    agentpack: Agentpack, tmp_path: Path, turned: bool
) -> None:
    """The new release takes what the older one of the two had and the newer one gave up."""
    packs, lock = tmp_path / "more", agentpack.folder / "agentpack.lock"
    release(packs, "1.0.0", reviewer={"tools": ["read", "shell"]})
    agentpack("install", "reviews", "--source", str(packs), "--client", "claude")
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    sides, text = [lock.read_text()], agent.read_text()
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    agentpack("upgrade", "--yes")
    sides.append(lock.read_text())
    agent.write_text(text)
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    one, other = reversed(sides) if turned else sides
    lock.write_text(f"<<<<<<< HEAD\n{one}=======\n{other}>>>>>>> theirs\n")
    release(packs, "1.2.0", reviewer={"tools": ["read", "shell"]})
    stopped(agentpack, "upgrade", "--yes")
    agentpack("upgrade", "--yes", "--accept", "shell")


@pytest.mark.many
@pytest.mark.parametrize("less", LESS)
@pytest.mark.parametrize(
    "command", [["upgrade", "--yes"], ["sync"], ["lock"], ["lock", "--upgrade"], ["install", "reviews>=1.1"]]
)
def test_a_lock_that_is_gone_makes_no_release_a_first_install(
    widened: Agentpack, command: list[str], less: str
) -> None:
    LESS[less](widened.folder / "agentpack.lock")
    if command in (["sync"], ["lock"]) and less == "without files":
        return  # the release that this lock names is kept
    ran = stopped(widened, *command)
    assert "reviews 1.0.0 -> 1.1.0" in ran.err
    assert "reviewer for claude: read, search -> every-tool" in ran.err
    widened(*command, "--accept", "every-tool")
    widened("sync")  # of a lock, what was accepted counts
    assert locked(widened) == {"reviewer claude": "every-tool"}


def test_nor_does_one_that_is_gone_together_with_the_texts_of_the_history(widened: Agentpack) -> None:
    """Of what was written the history then has the version and nothing else."""
    (widened.folder / "agentpack.lock").unlink()
    for path in (widened.folder / ".agentpack/state/blobs").glob("*.pack"):
        path.unlink()
    told = stopped(widened, "upgrade", "--yes").err
    assert "reviews 1.0.0 -> 1.1.0" in told
    assert "reviewer for claude: new -> every-tool" in told
    widened("upgrade", "--yes", "--accept", "every-tool")


def test_nor_does_one_that_does_not_read(widened: Agentpack) -> None:
    (widened.folder / "agentpack.lock").write_text("<<<<<<< ours\n")
    assert "read, search -> every-tool" in stopped(widened, "lock").err


def test_nor_does_one_that_is_gone_together_with_the_files(widened: Agentpack) -> None:
    (widened.folder / "agentpack.lock").unlink()
    (widened.folder / ".claude/agents/reviewer.md").unlink()
    assert "read, search -> every-tool" in stopped(widened, "upgrade", "--yes").err


def test_the_same_release_comes_back_without_its_lock(widened: Agentpack) -> None:
    manifest = widened.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- reviews", "- reviews<1.1"))
    before = locked(widened)
    (widened.folder / "agentpack.lock").unlink()
    assert "\nmay" not in widened("sync").err
    assert locked(widened) == before


def test_a_name_that_is_given_meanwhile_does_not_hide_it(widened: Agentpack) -> None:
    (widened.folder / "agentpack.lock").unlink()
    manifest = widened.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("- reviews", "- {require: reviews, as: {reviewer: critic}}"))
    ran = stopped(widened, "sync")
    assert "critic for claude: new -> every-tool" in ran.err


def test_a_base_that_comes_along_without_a_lock_is_held_against_what_extended_it(
    agentpack: Agentpack, packs: Path
) -> None:
    release(packs, "1.0.0", "base", fixer={"tools": ["read", "shell"]})
    release(packs, "1.0.0", "house", requires=["base"], looker={"extends": "base", "tools": ["read"]})
    agentpack("install", "house", "--source", str(packs))
    release(packs, "1.1.0", "house", requires=["base"], looker={"tools": ["read"]})
    (agentpack.folder / "agentpack.lock").unlink()
    assert "fixer for claude" in stopped(agentpack, "upgrade", "--yes").err


def test_what_was_taken_away_is_a_first_install_again(widened: Agentpack, packs: Path) -> None:
    widened("uninstall", "reviews")
    assert "may use: every-tool" in widened("install", "reviews", "--source", str(packs)).err


def test_without_lock_and_old_release_the_history_says_what_was_allowed(agentpack: Agentpack, packs: Path) -> None:
    """Of a file that git tracks, and that says nothing itself, as it was edited."""
    agentpack("install", "reviews", "--source", str(packs))
    subprocess.run(["git", "add", "--all"], cwd=agentpack.folder, check=True)
    release(packs, "1.1.0", reviewer={"tools": ["read", "search"], "color": "blue"})
    shutil.rmtree(packs / "reviews/1.0.0")
    (agentpack.folder / "agentpack.lock").unlink()
    with (agentpack.folder / ".claude/agents/reviewer.md").open("a") as file:
        file.write("- Mine.\n")
    release(packs, "1.2.0", reviewer={})
    assert "read, search -> every-tool" in stopped(agentpack, "sync", "--adopt").err
    shutil.rmtree(packs / "reviews/1.2.0")
    agentpack("sync", "--adopt")
    assert locked(agentpack) == {"reviewer claude": "read, search"}


@pytest.mark.parametrize("command", [["upgrade", "--yes"], ["lock", "--upgrade"]])
def test_without_lock_and_history_the_file_itself_says_what_was_allowed(widened: Agentpack, command: list[str]) -> None:
    (widened.folder / "agentpack.lock").unlink()
    shutil.rmtree(widened.folder / ".agentpack/state")
    assert "reviewer for claude: read, search -> every-tool" in stopped(widened, *command).err


@pytest.mark.parametrize("command", ["sync", "lock"])
def test_without_a_lock_the_release_that_the_files_equal_is_kept(widened: Agentpack, command: str) -> None:
    before = (widened.folder / "agentpack.lock").read_bytes()
    (widened.folder / "agentpack.lock").unlink()
    shutil.rmtree(widened.folder / ".agentpack/state")
    widened(command)
    assert (widened.folder / "agentpack.lock").read_bytes() == before


@pytest.mark.parametrize("clients", ["claude", "claude,opencode"])
def test_without_a_lock_the_newest_of_the_releases_that_the_files_equal_is_kept(
    agentpack: Agentpack, packs: Path, clients: str
) -> None:
    """Which of several it was cannot be told, and with the newest no text changes."""
    for version in ("1.1.0", "1.2.0"):
        release(packs, version, reviewer={"tools": ["read", "search"]})
    agentpack("install", "reviews", "--source", str(packs), "--client", clients)
    before = (agentpack.folder / "agentpack.lock").read_bytes()
    (agentpack.folder / "agentpack.lock").unlink()
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    release(packs, "1.3.0", reviewer={"tools": ["read"]})
    agentpack("sync")
    assert (agentpack.folder / "agentpack.lock").read_bytes() == before


def test_without_a_lock_the_older_of_the_releases_that_the_files_equal_is_kept(
    agentpack: Agentpack, packs: Path
) -> None:
    """One client's file was left at the release before: nothing is upgraded by the way."""
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    agentpack("install", "reviews==1.0.0", "--source", str(packs), "--client", "claude,opencode")
    old = (agentpack.folder / ".opencode/agents/reviewer.md").read_bytes()
    agentpack("install", "reviews==1.1.0")
    (agentpack.folder / ".opencode/agents/reviewer.md").write_bytes(old)
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("==1.1.0", ">=1"))
    (agentpack.folder / "agentpack.lock").unlink()
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    agentpack("lock")
    (pack,) = json.loads((agentpack.folder / "agentpack.lock").read_text())["packs"]
    assert pack["version"] == "1.0.0"


def test_without_lock_and_history_an_edited_file_stands_in_the_way(widened: Agentpack) -> None:
    (widened.folder / "agentpack.lock").unlink()
    shutil.rmtree(widened.folder / ".agentpack/state")
    with (widened.folder / ".claude/agents/reviewer.md").open("a") as file:
        file.write("- Mine.\n")
    for command in (["upgrade", "--yes"], ["sync"], ["lock"], ["lock", "--upgrade"]):
        said = stopped(widened, *command).err
        assert "agentpack.lock has no record of it" in said
        assert "`git restore agentpack.lock`" in said


def test_a_lock_made_anew_is_no_acceptance_of_what_it_does_not_say(widened: Agentpack) -> None:
    """The lock was lost, and rebuilt where nothing was known; here a file says what was allowed."""
    lock = widened.folder / "agentpack.lock"
    data = json.loads(lock.read_text())
    (pack,) = data["packs"]
    widened("lock", "--upgrade", "--accept", "every-tool")
    rebuilt = json.loads(lock.read_text())
    lock.write_text(json.dumps({**rebuilt, "accepted": [], "files": [], "written": {"clients": [], "packs": []}}))
    assert pack["version"] == "1.0.0"
    for command in (["sync"], ["sync", "--locked"], ["upgrade", "--yes"]):
        assert "read, search -> every-tool" in stopped(widened, *command).err


def test_a_clone_goes_on_from_a_release_that_is_gone(widened: Agentpack, packs: Path, tmp_path: Path) -> None:
    """What the lock says of it counts: nothing can be rendered to compare."""
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    clone = tmp_path / "clone"
    shutil.copytree(widened.folder, clone, ignore=shutil.ignore_patterns("state"))
    shutil.rmtree(packs / "reviews/1.0.0")
    Agentpack(clone)("upgrade", "--yes")
    assert locked(Agentpack(clone)) == {"reviewer claude": "read"}
    release(packs, "1.2.0", reviewer={})
    assert "read -> every-tool" in stopped(Agentpack(clone), "upgrade", "--yes").err


def test_a_lock_that_lists_the_pack_and_no_file_of_it_makes_no_release_a_first_install(
    widened: Agentpack, tmp_path: Path
) -> None:
    """A clone in which a merge by hand lost the rows of files."""
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    shutil.copy(widened.folder / "agentpack.yaml", clone)
    data = json.loads((widened.folder / "agentpack.lock").read_text())
    (clone / "agentpack.lock").write_text(json.dumps({**data, "files": []}))
    assert "reviews 1.0.0 -> 1.1.0" in stopped(Agentpack(clone), "upgrade", "--yes").err


def test_a_lock_that_lists_no_file_of_one_pack_counts_for_the_others(agentpack: Agentpack, packs: Path) -> None:
    """Also where their old releases are gone, so that only the lock tells what they could."""
    release(packs, "1.0.0", "tests", tester={"tools": ["read"]})
    agentpack("install", "reviews", "tests", "--source", str(packs), "--client", "claude")
    lock = agentpack.folder / "agentpack.lock"
    data = json.loads(lock.read_text())
    data["files"] = [file for file in data["files"] if file["pack"] != "tests"]
    lock.write_text(json.dumps(data))
    shutil.rmtree(packs / "reviews/1.0.0")
    release(packs, "2.0.0", reviewer={"tools": ["read", "search", "edit"]})
    assert stopped(agentpack, "upgrade").err.splitlines()[1:3] == [
        "error: reviews 1.0.0 -> 2.0.0: the new release lets agents do more than the old one; nothing was changed",
        "  reviewer for claude: read, search -> edit, read, search",
    ]


def test_what_was_accepted_stays_so_for_a_file_that_waits(agentpack: Agentpack, packs: Path) -> None:
    """`sync --partial` writes the lock anew and leaves an edited file for later."""
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"description": "Reviews more."})
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    mine = agent.read_text().replace("description: ", "description: My own. ")
    agent.write_text(mine)
    agentpack("lock", "--upgrade", "--accept", "every-tool")
    for _ in range(2):
        agentpack("sync", "--partial", expect=3)
        assert agent.read_text() == mine
    agentpack("sync", "--on-conflict", "theirs")
    assert "Reviews more." in agent.read_text()
    assert locked(agentpack) == {"reviewer claude": "every-tool"}


def test_what_was_accepted_stands_in_the_lock_only_for_files_that_wait(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "writes", writer={"tools": ["read"]})
    agentpack("install", "reviews", "writes", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"description": "Reviews more."})
    release(packs, "1.1.0", "writes", writer={"tools": ["read", "shell"]})
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    agent.write_text(agent.read_text().replace("description: ", "description: My own. "))
    agentpack("lock", "--upgrade", "--accept", "reviews:every-tool", "--accept", "writes:shell")
    agentpack("sync", "--partial", expect=3)
    assert json.loads((agentpack.folder / "agentpack.lock").read_text())["accepted"] == ["reviews:every-tool"]


def test_a_restriction_that_is_gone_is_not_accepted_any_more_though_files_wait(
    agentpack: Agentpack, packs: Path
) -> None:
    release(packs, "1.0.0", reviewer={"tools": ["read"]})
    words = ("--source", str(packs), "--client", "claude,gemini,codex", "--accept", "widened:codex")
    agentpack("install", "reviews", *words)
    lock = agentpack.folder / "agentpack.lock"
    assert json.loads(lock.read_text())["accepted"] == ["reviews:widened:codex"]
    release(packs, "1.1.0", reviewer={"description": "Reviews more."})
    agent = agentpack.folder / ".claude/agents/reviewer.md"
    agent.write_text(agent.read_text().replace("description: ", "description: My own. "))
    agentpack("lock", "--upgrade", "--accept", "every-tool")
    agentpack("sync", "--partial", expect=3)
    assert json.loads(lock.read_text())["accepted"] == ["reviews:every-tool"]


def test_what_was_accepted_for_one_release_is_not_accepted_for_the_next(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", one={"tools": ["read"]}, two={"tools": ["read"]})
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", one={"tools": ["read", "shell"]}, two={"tools": ["read"]})
    agentpack("lock", "--upgrade", "--accept", "shell")
    release(packs, "1.2.0", one={"tools": ["read", "shell"]}, two={"tools": ["read", "shell"]})
    assert "two for claude: read -> read, shell" in stopped(agentpack, "upgrade", "--yes").err
    agentpack("sync")
    assert "two for claude: read -> read, shell" in stopped(agentpack, "upgrade", "--yes").err


# Lists of tools as Claude Code reads them.


def native_release(folder: Path, version: str, **claude: Any) -> None:
    release(folder, version, reviewer={"clients": {"claude": claude}})


@pytest.mark.many
@pytest.mark.parametrize(
    "wide",
    [
        {"tools": "Read *"},
        {"tools": ["Read", "Grep", "Read *"]},
        {"tools": ["Read,*"]},
        {"disallowedTools": "*"},
        {"disallowedTools": ["Bash", "*"]},
        {},
        {"tools": "Read Bash"},
        {"tools": "Read, Bash(git log)"},
        {"tools": "Read(x),Bash(*)"},
        {"tools": ["Read(x),Bash(*)"]},
        {"tools": ["Read(x) Bash"]},
        {"tools": "Read, Monitor"},
    ],
    ids=str,
)
@pytest.mark.parametrize("ci", [False, True])
def test_every_spelling_of_more_tools_stops(
    agentpack: Agentpack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wide: dict[str, Any], ci: bool
) -> None:
    if ci:
        monkeypatch.setenv("CI", "true")
    native_release(tmp_path / "packs", "1.0.0", tools="Read, Grep")
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"))
    native_release(tmp_path / "packs", "1.1.0", **wide)
    stopped(agentpack, "upgrade", "--yes")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"initialPrompt": "Look."}, {"initialPrompt": "Look, then push."}),
        ({"skills": ["pdf"]}, {"skills": ["pdf", "deploy"]}),
        ({"memory": "local"}, {"memory": "user"}),
        ({"tools": "mcp__a__read"}, {"tools": "mcp__a__read, mcp__a__delete"}),
        ({"tools": "mcp__a__read"}, {"tools": "mcp__a"}),
        ({"mcpServers": [{"a": {"command": "x"}}]}, {"mcpServers": [{"a": {"command": "y"}}]}),
        ({"disallowedTools": "Edit, Write, NotebookEdit"}, {"disallowedTools": "Edit, Write"}),
        ({"disallowedTools": "mcp__a"}, {"disallowedTools": "mcp__a__read"}),
    ],
    ids=str,
)
def test_another_value_of_what_gives_more_stops(
    agentpack: Agentpack, tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    native_release(tmp_path / "packs", "1.0.0", **before)
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"))
    native_release(tmp_path / "packs", "1.1.0", **after)
    stopped(agentpack, "upgrade", "--yes")


@pytest.mark.parametrize("none", [[], "", None, {"Read": True}, 7, [["Read"]], [None]], ids=str)
def test_a_release_that_drops_what_gave_no_tool_stops(agentpack: Agentpack, tmp_path: Path, none: Any) -> None:
    native_release(tmp_path / "packs", "1.0.0", tools=none)
    assert "may use: no tool" in agentpack("install", "reviews", "--source", str(tmp_path / "packs")).err
    native_release(tmp_path / "packs", "1.1.0")
    stopped(agentpack, "upgrade", "--yes")


def test_no_tool_is_what_an_empty_list_of_a_pack_asks_for(agentpack: Agentpack, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    release(packs, "1.0.0", reviewer={"tools": []})
    assert "may use: no tool" in agentpack("install", "reviews", "--source", str(packs), "--client", "claude").err
    assert "tools: []\n" in (agentpack.folder / ".claude/agents/reviewer.md").read_text()
    release(packs, "1.1.0", reviewer={})
    stopped(agentpack, "upgrade", "--yes")
    ran = agentpack("install", "reviews", "--client", "claude", "--client", "codex", expect=3)
    assert "tools limited to none" in ran.err


@pytest.mark.parametrize(
    "spelled",
    [
        "Bash",
        "Read Bash",
        "Read,Bash",
        "Read\u00a0, Bash",
        ["Read Bash"],
        ["Read", " Bash "],
        "Bash(git log)",
        "Bash()",
        "Read *",
        ["Read", "*"],
        "Monitor",
        "PowerShell",
        None,
    ],
    ids=str,
)
def test_a_policy_that_denies_the_shell_refuses_every_spelling_of_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, spelled: Any
) -> None:
    claude = {"disallowedTools": "Monitor"} if spelled is None else {"tools": spelled}
    native_release(tmp_path / "packs", "1.0.0", **claude)
    (project / "agentpack.yaml").write_text("schema: 1\npolicy: {capabilities: {deny: [shell]}}\n")
    agentpack("install", "reviews", "--source", str(tmp_path / "packs"), expect=5)
    assert not (project / ".claude").exists()


# Limits of what a persona has.


@pytest.fixture
def asking(agentpack: Agentpack, tmp_path: Path) -> Agentpack:
    """OpenCode asks before each command of `reviews` 1.0.0; 1.1.0 leaves that out."""
    folder = tmp_path / "packs"
    release(folder, "1.0.0", reviewer={"clients": {"opencode": {"permission": {"bash": "ask"}}}})
    agentpack("install", "reviews", "--client", "opencode", "--source", str(folder))
    assert locked(agentpack) == {"reviewer opencode": "every-tool-but:shell(ask)"}
    release(folder, "1.1.0", reviewer={})
    return agentpack


def test_a_release_that_no_longer_asks_stops(asking: Agentpack) -> None:
    ran = stopped(asking, "upgrade", "--yes")
    assert "reviewer for opencode: every-tool-but:shell(ask) -> every-tool\n" in ran.err
    asking("upgrade", "--yes", "--accept", "every-tool")


def test_a_release_that_asks_or_denies_more_is_shown_and_does_not_stop(asking: Agentpack, tmp_path: Path) -> None:
    limits = {"bash": "deny", "edit": "ask"}
    release(tmp_path / "packs", "1.1.0", reviewer={"clients": {"opencode": {"permission": limits}}})
    ran = asking("upgrade", "--yes")
    assert "may use less: every-tool-but:shell(ask) -> every-tool-but:edit(ask)+shell\n" in ran.err


def test_a_word_with_brackets_is_quoted_in_the_hint(agentpack: Agentpack, tmp_path: Path) -> None:
    for version, grant in {"1.0.0": "deny", "1.1.0": "ask"}.items():
        release(
            tmp_path / "packs",
            version,
            reviewer={"clients": {"opencode": {"permission": {"*": "deny", "bash": grant}}}},
        )
    agentpack("install", "reviews==1.0.0", "--client", "opencode", "--source", str(tmp_path / "packs"))
    told = "hint: `agentpack upgrade --latest --yes --accept 'shell(ask)'` accepts it, or"
    assert told in stopped(agentpack, "upgrade", "--latest", "--yes").err
    agentpack("upgrade", "--latest", "--yes", "--accept", "shell(ask)")
    assert locked(agentpack) == {"reviewer opencode": "shell(ask)"}


def without_limits(agentpack: Agentpack) -> None:
    """Make the lock one of before, which does not tell limits."""
    path = agentpack.folder / "agentpack.lock"
    path.write_text(path.read_text().replace("every-tool-but:shell(ask)", "every-tool"))


@pytest.mark.parametrize("command", ["diff", "sync --check"])
def test_a_row_that_waits_and_claims_too_much_is_a_difference(agentpack: Agentpack, packs: Path, command: str) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    agentpack("lock", "--upgrade")
    agentpack(*command.split(), expect=1)
    lock = agentpack.folder / "agentpack.lock"
    claimed = lock.read_text().replace('"read, search"', '"every-tool"')
    lock.write_text(claimed)
    said = "the lock allows every-tool, but the text needs only read, search"
    ran = agentpack(*command.split(), expect=1)
    assert said in ran.out + ran.err


@pytest.mark.parametrize("command", ["diff", "sync --check"])
def test_a_row_whose_release_is_gone_and_that_claims_too_much_is_a_difference(
    agentpack: Agentpack, packs: Path, command: str
) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    packs.rename(packs.with_name("gone"))
    shutil.rmtree(agentpack.folder / ".agentpack/state")
    lock = agentpack.folder / "agentpack.lock"
    lock.write_text(lock.read_text() + "\n")
    agentpack(*command.split(), expect=0)
    lock.write_text(lock.read_text().replace('"read, search"', '"every-tool"'))
    ran = agentpack(*command.split(), expect=1)
    assert "the lock allows every-tool, but the text needs only read, search" in ran.out + ran.err


@pytest.mark.parametrize("command", ["diff", "sync --check"])
def test_a_row_that_waits_and_names_another_release_is_a_difference(
    agentpack: Agentpack, packs: Path, command: str
) -> None:
    agentpack("install", "reviews", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    agentpack("lock", "--upgrade")
    lock = agentpack.folder / "agentpack.lock"
    data = json.loads(lock.read_text())
    (agentpack.folder / ".claude/agents/reviewer.md").write_text("---\nname: reviewer\n---\nMine.\n")
    text = (agentpack.folder / ".claude/agents/reviewer.md").read_bytes()
    data["files"][0]["sha256"] = sha256(text).hexdigest()
    lock.write_text(json.dumps(data))
    ran = agentpack(*command.split(), expect=1)
    assert "reviewer.md: reviews 1.0.0 does not render to that text" in ran.out + ran.err


def test_every_row_that_waits_and_names_another_release_is_told(agentpack: Agentpack, packs: Path) -> None:
    release(packs, "1.0.0", "writes", writer={"tools": ["read"]})
    agentpack("install", "reviews", "writes", "--source", str(packs))
    release(packs, "1.1.0", reviewer={"tools": ["read"]})
    release(packs, "1.1.0", "writes", writer={})
    agentpack("lock", "--upgrade", "--accept", "every-tool")
    lock = agentpack.folder / "agentpack.lock"
    data = json.loads(lock.read_text())
    for row in data["files"]:
        file = agentpack.folder / row["path"]
        file.write_text(f"---\nname: {row['persona']}\n---\nMine.\n")
        row["sha256"] = sha256(file.read_bytes()).hexdigest()
    lock.write_text(json.dumps(data))
    ran = agentpack("diff", expect=1)
    for name, pack in (("reviewer", "reviews"), ("writer", "writes")):
        assert f"{name}.md: {pack} 1.0.0 does not render to that text" in ran.out + ran.err


def made_here(agentpack: Agentpack) -> None:
    """Let the history have the lock as it is, as if a command had written it."""
    lock, folder = agentpack.folder / "agentpack.lock", agentpack.folder / ".agentpack/state/generations"
    record = folder / max(path.name for path in folder.iterdir())
    data = json.loads(record.read_text())
    digest = f"sha256:{sha256(lock.read_bytes()).hexdigest()}"
    data["documents"] = [[path, digest if path == lock.name else old, mode] for path, old, mode in data["documents"]]
    record.write_text(json.dumps(data))


def test_words_that_an_earlier_version_wrote_here_are_no_acceptance_either(asking: Agentpack) -> None:
    """It knew no limits: what was allowed is read from the recorded text."""
    without_limits(asking)
    made_here(asking)
    assert "every-tool-but:shell(ask) -> every-tool" in stopped(asking, "upgrade", "--yes").err
    asking("upgrade", "--yes", "--accept", "every-tool")


def test_a_lock_that_tells_no_limits_gets_them_and_stops_nothing(asking: Agentpack) -> None:
    without_limits(asking)
    assert "may use less: every-tool -> every-tool-but:shell(ask)\n" in asking("sync").err
    assert locked(asking) == {"reviewer opencode": "every-tool-but:shell(ask)"}
    assert "nothing to change" in asking("sync").err
    asking("sync", "--locked")
    asking("diff")


def test_a_lock_that_tells_no_limits_is_no_acceptance_of_a_release_without_them(asking: Agentpack) -> None:
    without_limits(asking)
    assert "every-tool-but:shell(ask) -> every-tool" in stopped(asking, "upgrade", "--yes").err
