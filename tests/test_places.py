"""Places by what they lead to: client folders that are one by a link, files that two scopes manage, moved variables."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import BODY, make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import everything, write_tree

from agentpack.apply import Step
from agentpack.clients import CLIENTS
from agentpack.disk import Disk
from agentpack.environment import Environment, find_scope, project_scope
from agentpack.errors import InvalidFile, Refused, Unavailable
from agentpack.model.lock import LockedFile
from agentpack.model.names import digest_of
from agentpack.model.unmerged import HINT
from agentpack.workspace.locations import Locations, PlaceChange, kept_paths
from agentpack.workspace.workspace import Workspace

NEWER = BODY.replace("Say what you saw", "Say what you have seen")
CLAUDE, CURSOR = ".claude/agents/reviewer.md", ".cursor/agents/reviewer.md"
LINKS: dict[str, Callable[[Path], None]] = {
    "the folder of agents": lambda project: _link(project / ".cursor/agents", "../.claude/agents"),
    "the client's folder": lambda project: _link(project / ".cursor", ".claude"),
    "the other way round": lambda project: _link(project / ".claude/agents", "../.cursor/agents"),
    "one folder for both": lambda project: _link(project / ".claude/agents", "../agents", project / ".cursor/agents"),
    "the file": lambda project: _link(project / CURSOR, f"../../{CLAUDE}"),
}
"""Ways to make one place of two clients'. What the link leads to need not be there yet."""


def _link(at: Path, to: str, *more: Path) -> None:
    if more:
        (at.parent.parent / "agents").mkdir()
    for link in (at, *more):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(to)


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Two releases of a pack that Claude Code and Cursor get the same text of, and one that they do not."""
    newer = make_pack(version="1.1.0", personas={"reviewer": persona_text(body=NEWER)})
    modelled = make_pack(version="2.0.0", personas={"reviewer": persona_text(model="opus", color="blue")})
    return publish(tmp_path / "packs", make_pack(), newer, modelled)


@pytest.fixture
def install(agentpack: Agentpack, packs: Path) -> Callable[..., str]:
    """Installs the pack for Claude Code and Cursor, and returns what was said."""

    def run(version: str = "1.0.0", *words: str, clients: str = "claude cursor", expect: int = 0) -> str:
        named = [word for client in clients.split() for word in ("--client", client)]
        return agentpack(
            "install", f"data-reviewer=={version}", "--source", str(packs), *named, *words, expect=expect
        ).err

    return run


# Two clients' folders that are one.


@pytest.mark.many
@pytest.mark.parametrize("link", LINKS)
def test_clients_that_share_a_file_by_a_link_get_it_once(
    agentpack: Agentpack, project: Path, install: Callable[..., str], link: str
) -> None:
    LINKS[link](project)
    assert re.search("(Claude Code and Cursor|Cursor and Claude Code) read the same file", install())
    assert (project / CLAUDE).samefile(project / CURSOR)
    agentpack("diff")
    agentpack("sync", "--locked")
    assert agentpack("status").out.count("all unchanged") == 1
    (project / CLAUDE).write_text((project / CLAUDE).read_text() + "- Mine.\n")
    agentpack("upgrade", "--latest", "data-reviewer", expect=3)  # Cursor would need another text than Claude Code
    install("1.1.0")
    text = (project / CURSOR).read_text()
    assert "have seen" in text
    assert "- Mine." in text
    agentpack("rollback")
    assert "have seen" not in (project / CLAUDE).read_text()
    assert "- Mine." in (project / CLAUDE).read_text()
    agentpack("uninstall", "data-reviewer", "--client", "cursor")
    assert (project / CLAUDE).exists()
    agentpack("uninstall", "data-reviewer", "--discard-edits")
    assert not (project / CLAUDE).exists()
    agentpack("rollback")
    assert "- Mine." in (project / CLAUDE).read_text()


def test_a_file_that_clients_share_for_two_packs_is_recorded_for_both(agentpack: Agentpack, project: Path) -> None:
    LINKS["the folder of agents"](project)
    publish(project / "packs", make_pack("first"), make_pack("second"))
    packs = "[first, {require: second, clients: [cursor]}]"
    text = f"schema: 1\nclients: [claude]\nsources: [{{name: ours, path: packs}}]\npacks: {packs}\n"
    write_tree(project, {"agentpack.yaml": text})
    agentpack("sync")
    record = json.loads((project / ".agentpack/state/generations/000001.json").read_text())
    assert [row[:4] for row in record["files"]] == [
        [CLAUDE, "claude", "first", "reviewer"],
        [CURSOR, "cursor", "second", "reviewer"],
    ]
    agentpack("uninstall", "first")
    assert (project / CURSOR).exists()
    agentpack("uninstall", "second")
    assert not (project / CURSOR).exists()


@pytest.mark.parametrize("edit", ["", "- Mine.\n"])
def test_a_file_that_a_link_gives_a_second_client_is_the_one_that_is_there(
    agentpack: Agentpack, project: Path, install: Callable[..., str], edit: str
) -> None:
    install(clients="claude")
    (project / CLAUDE).write_text((project / CLAUDE).read_text() + edit)
    LINKS["the folder of agents"](project)
    said = [f"  ! {path}  edited by hand, not changed" for path in (CLAUDE, CURSOR) if edit]
    assert [line for line in install().splitlines() if line.startswith("  ")] == [
        *said,
        "  ~ agentpack.yaml  updated",
        "  ~ agentpack.lock  updated",
    ]
    agentpack("lock", "--check")


def test_the_file_itself_is_written_where_its_folder_is_a_link_and_another_client_s_file_a_link_to_it(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    """Neither path is without a link, and the one that is a link comes first in their order."""
    (project / "agents").mkdir()
    _link(project / ".cursor/agents", "../agents")
    _link(project / CLAUDE, f"../../{CURSOR}")
    assert install().splitlines()[-6:] == [
        "  + .claude/agents/reviewer.md  new",
        "  + .cursor/agents/reviewer.md  new",
        "  + agentpack.yaml  new",
        "  + agentpack.lock  new",
        "note: .claude/agents/reviewer.md is a link to agents/reviewer.md: Cursor and Claude Code read the same file",
        "generation 1; `agentpack rollback` undoes it",
    ]
    file = project / "agents/reviewer.md"
    agentpack("diff")
    file.write_text(file.read_text() + "- Mine.\n")
    install("1.1.0")
    assert "have seen" in file.read_text() and "- Mine." in file.read_text()
    agentpack("uninstall", "data-reviewer", "--discard-edits")
    assert not file.exists() and (project / CLAUDE).is_symlink()
    agentpack("rollback")
    assert "- Mine." in (project / CLAUDE).read_text()


@pytest.mark.parametrize("link", LINKS)
def test_a_file_that_clients_share_by_a_link_is_no_edit_by_hand_in_the_history(
    agentpack: Agentpack, project: Path, install: Callable[..., str], link: str
) -> None:
    LINKS[link](project)
    install()
    install("1.1.0")
    assert "edits by hand" not in agentpack("history").out


def test_what_becomes_of_a_shared_file_is_told_for_each_client_in_the_order_of_paths(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    LINKS["the folder of agents"](project)
    shared = "note: .cursor/agents is a link to .claude/agents: Claude Code and Cursor read the same file"
    assert install(clients="claude cursor qwen").splitlines()[1:] == [
        "note: the source `packs` is outside the project: other clones need ../packs too",
        "data-reviewer 1.0.0",
        "may use: every-tool",
        "  + .claude/agents/reviewer.md  new",
        "  + .cursor/agents/reviewer.md  new",
        "  + .qwen/agents/reviewer.md  new",
        "  + agentpack.yaml  new",
        "  + agentpack.lock  new",
        shared,
        "generation 1; `agentpack rollback` undoes it",
    ]
    (project / CLAUDE).write_text((project / CLAUDE).read_text() + "- Mine.\n")
    documents = ["  ~ agentpack.yaml  updated", "  ~ agentpack.lock  updated"]
    assert install("1.1.0", clients="claude cursor qwen").splitlines()[1:] == [
        "data-reviewer 1.0.0 -> 1.1.0",
        "  ~ .claude/agents/reviewer.md  updated, your edits kept",
        "  ~ .cursor/agents/reviewer.md  updated, your edits kept",
        "  ~ .qwen/agents/reviewer.md  updated",
        *documents,
        shared,
        "generation 3; `agentpack rollback` undoes it",
    ]
    assert agentpack("uninstall", "data-reviewer", "--client", "claude").err.splitlines()[1:] == [
        "  - .claude/agents/reviewer.md  no longer managed",
        "  ! .cursor/agents/reviewer.md  edited by hand, not changed",
        *documents,
        "generation 4; `agentpack rollback` undoes it",
    ]
    assert agentpack("uninstall", "data-reviewer", "--discard-edits").err.splitlines()[1:5] == [
        "data-reviewer 1.1.0 removed",
        "  - .cursor/agents/reviewer.md  removed",
        "  - .qwen/agents/reviewer.md  removed",
        "  - agentpack.yaml  removed",
    ]


def test_what_a_shared_file_lacks_is_told_of_each_client(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    for name in "ab":
        house = f"schema: 1\ntitle: House {name.upper()}\nproject: {name}/agents\nformat: markdown\n"
        write_tree(project, {f".agentpack/clients/{name}.yaml": house})
    (project / "a").mkdir()
    _link(project / "b", "a")
    notes = [line for line in install("2.0.0", clients="a b").splitlines() if line.startswith("note: ")]
    assert notes[1:] == [
        "note: model: `opus` is left out for a, b (2 clients): its agents cannot choose a model",
        "note: color: `blue` is left out for a, b (2 clients): the client does not support it",
        "note: b is a link to a: House A and House B read the same file",
    ]


def test_data_name_a_shared_folder_as_they_name_the_files_in_it(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    LINKS["the folder of agents"](project)
    install = ("install", "data-reviewer==1.0.0", "--source", str(packs), "--client", "claude,cursor", "--json")
    shared = ".cursor/agents is a link to .claude/agents: Claude Code and Cursor read the same file"
    assert shared in agentpack(*install).envelope["data"]["notes"]


@pytest.mark.many
@pytest.mark.parametrize("link", LINKS)
def test_going_back_to_one_of_two_clients_that_share_a_file_leaves_it_to_that_one(
    agentpack: Agentpack, project: Path, install: Callable[..., str], link: str
) -> None:
    LINKS[link](project)
    (project / CLAUDE).resolve().parent.mkdir(parents=True, exist_ok=True)
    install(clients="claude")
    text = (project / CLAUDE).read_bytes()
    install()
    agentpack("rollback")
    assert (project / CLAUDE).read_bytes() == text
    agentpack("diff")
    agentpack("rollback")
    assert (project / CURSOR).read_bytes() == text
    agentpack("diff")


@pytest.mark.many
@pytest.mark.parametrize("linked", [CLAUDE, CURSOR])
@pytest.mark.parametrize("behind", [CLAUDE, CURSOR])
@pytest.mark.parametrize("merged", [None, "kept", "given up"])
def test_folders_made_one_hold_what_either_client_got_last_and_no_edit(
    agentpack: Agentpack,
    project: Path,
    packs: Path,
    install: Callable[..., str],
    behind: str,
    linked: str,
    merged: str | None,
) -> None:
    """An edit kept one client's file at the release before; its user gave it up for the other's text, and a link."""
    install()
    edited, linked_file = project / behind, project / linked
    other = project / (CURSOR if linked == CLAUDE else CLAUDE)
    edited.write_text(edited.read_text().replace("Say what you saw", "Say all that you saw"))
    ahead = project / (CURSOR if behind == CLAUDE else CLAUDE)
    if merged:
        ahead.write_text(ahead.read_text().replace("Look", "Look twice"))
    install("1.1.0", "--partial", expect=3)
    text = ahead.read_text()
    assert "have seen" in text
    assert ("Look twice" in text) == (merged is not None)
    if merged == "given up":
        text = text.replace("Look twice", "Look")
    other.write_text(text)
    linked_file.unlink()
    linked_file.parent.rmdir()
    linked_file.parent.symlink_to(other.parent)
    newest = NEWER.replace("have seen", "know")
    publish(packs, make_pack(version="1.2.0", personas={"reviewer": persona_text(body=newest)}))
    install("1.2.0")
    assert other.read_text() == text.replace("have seen", "know")
    agentpack("diff", expect=int(merged == "kept"))


@pytest.mark.parametrize("link", LINKS)
def test_one_file_for_two_texts_is_refused_with_the_link_and_both_clients(
    agentpack: Agentpack, project: Path, install: Callable[..., str], link: str
) -> None:
    LINKS[link](project)
    said = install("2.0.0", expect=3)
    assert re.search("(Claude Code and Cursor|Cursor and Claude Code) read the same file", said)
    assert "is a link to" in said
    assert not (project / "agentpack.yaml").exists()
    (project / CLAUDE).resolve().parent.mkdir(parents=True, exist_ok=True)
    install("2.0.0", clients="claude")
    agentpack("diff")


def test_a_link_that_comes_or_goes_after_the_install_is_noticed(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    install("2.0.0")
    (project / CURSOR).unlink()
    (project / ".cursor/agents").rmdir()
    _link(project / ".cursor/agents", "../.claude/agents")
    before = (project / CLAUDE).read_bytes()
    assert ".cursor/agents is a link to .claude/agents" in agentpack("sync", expect=3).err
    agentpack("status")
    agentpack("diff", expect=1)
    install("1.0.0")
    agentpack("rollback", "1", expect=3)  # two texts again
    assert (project / CLAUDE).read_bytes() != before
    (project / ".cursor/agents").unlink()
    assert CURSOR in agentpack("diff", expect=1).out
    agentpack("sync")
    assert not (project / CURSOR).is_symlink()
    assert (project / CURSOR).read_bytes() == (project / CLAUDE).read_bytes()


def test_the_lock_does_not_depend_on_the_link(agentpack: Agentpack, project: Path, install: Callable[..., str]) -> None:
    install()
    apart = (project / "agentpack.lock").read_bytes()
    agentpack("rollback", "0")
    LINKS["the folder of agents"](project)
    install()
    assert (project / "agentpack.lock").read_bytes() == apart


def test_a_shared_file_that_is_gone_is_missed_for_both_clients(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    LINKS["the file"](project)
    install()
    (project / CLAUDE).unlink()
    [pack] = agentpack("status", "--json").envelope["data"]["packs"]
    assert {file["path"]: file["state"] for file in pack["files"]} == {CLAUDE: "missing", CURSOR: "missing"}
    agentpack("sync")
    assert (project / CURSOR).is_symlink()
    assert (project / CURSOR).read_bytes() == (project / CLAUDE).read_bytes()
    agentpack("diff")


def test_hard_links_are_files_of_their_own(agentpack: Agentpack, project: Path, install: Callable[..., str]) -> None:
    install()
    (project / CURSOR).unlink()
    os.link(project / CLAUDE, project / CURSOR)
    install("1.1.0")
    assert not (project / CLAUDE).samefile(project / CURSOR)
    assert (project / CLAUDE).read_bytes() == (project / CURSOR).read_bytes()


def test_a_client_that_was_only_found_and_shares_a_folder_is_skipped(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    (project / ".claude").mkdir()
    LINKS["the folder of agents"](project)
    assert "skipped Cursor" in install("2.0.0", clients="")
    assert "clients: [claude]" in (project / "agentpack.yaml").read_text()
    assert "not managed" not in agentpack("status").out


def test_two_clients_declared_with_one_folder_get_one_file(
    agentpack: Agentpack, project: Path, install: Callable[..., str]
) -> None:
    folder = project / ".agentpack/clients"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("schema: 1\ntitle: Mine\nproject: .claude/agents\nformat: markdown\n")
    assert "Mine reads .claude/agents/reviewer.md" in install(clients="claude mine")
    (project / CLAUDE).unlink()
    agentpack("sync")
    assert "Claude Code and Mine read the same file" in install("2.0.0", clients="claude mine", expect=3)


HOUSE = "schema: 1\nproject: house/agents\nfile: '{name}.json'\nformat: json\nbody: prompt\n"


@pytest.mark.many
@pytest.mark.parametrize("file", ["{name}.json", "{name}/settings.json", "{name}.md"])
@pytest.mark.parametrize(
    ("at", "to", "refused"),
    [
        ("house/agents", "../.vscode", True),
        ("house/agents", "../.github/workflows", True),
        ("house/agents", "..", True),
        ("house", ".vscode", False),  # the folder below it is for agents
        ("house/agents", "../.shared/own-agents", False),
    ],
)
def test_no_link_of_a_clone_leads_from_a_folder_of_agents_to_files_of_others(
    agentpack: Agentpack, project: Path, packs: Path, at: str, to: str, refused: bool, file: str
) -> None:
    house = HOUSE.replace("{name}.json", file)
    if file.endswith(".md"):
        house = house.replace("json\nbody: prompt", "markdown")
    write_tree(project, {".agentpack/clients/house.yaml": house, ".vscode/x": "", ".github/workflows/x": ""})
    write_tree(project, {".shared/own-agents/x": ""})
    _link(project / at, to)
    before = everything(project)
    words = ("install", "data-reviewer", "--source", str(packs), "--client", "house")
    told = agentpack(*words, expect=Refused.exit_code if refused else 0).err
    assert ("leads through a link to a folder that is not for agents" in told) == refused
    assert not refused or everything(project) == before


@pytest.mark.many
@pytest.mark.parametrize(
    "verb",
    [
        *("sync", "sync --frozen", "sync --locked", "uninstall data-reviewer", "rollback 0"),
        *("diff", "sync --check", "status"),
    ],
)
@pytest.mark.parametrize("client", ["house", "claude"])
@pytest.mark.parametrize("to", [".vscode", ".", "docs"])
def test_no_lock_changes_a_file_through_a_link(
    agentpack: Agentpack, project: Path, packs: Path, client: str, to: str, verb: str
) -> None:
    """The file is as the lock says, or the lock says another text of it: neither makes it ours."""
    if client == "house":
        write_tree(project, {".agentpack/clients/house.yaml": HOUSE})
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", client)
    folder = project / ("house" if client == "house" else ".claude") / "agents"
    for path in folder.iterdir():
        (project / to).mkdir(exist_ok=True)
        path.rename(project / to / path.name)
    folder.rmdir()
    _link(folder, f"../{to}")
    if verb == "sync":
        (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [{client}]\n")
    before = everything(project)
    told = agentpack(*verb.split(), expect=Refused.exit_code).err
    assert "leads through a link to a folder that is not for agents" in told
    assert everything(project) == before


def test_a_link_into_the_source_does_not_change_the_release(
    agentpack: Agentpack, project: Path, packs: Path, install: Callable[..., str]
) -> None:
    (packs / "data-reviewer/1.0.0").rename(packs / "agents")
    shutil.rmtree(packs / "data-reviewer")
    packs.rename(project / "packs")
    _link(project / ".claude/agents", "../packs/agents")
    ran = agentpack("install", "data-reviewer==1.0.0", "--source", "packs", "--client", "claude", "--adopt", expect=3)
    assert ".claude/agents is a link into the source `packs`" in ran.err
    assert not (project / "packs/agents/reviewer.md").exists()


ODD: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "link": lambda path: path.symlink_to("nowhere"),
    "special file": os.mkfifo,
}


@pytest.mark.parametrize("kind", ODD)
def test_an_entry_is_not_there_where_its_file_is_none(tmp_path: Path, kind: str) -> None:
    places = Locations(Disk({"": str(tmp_path)}), lambda path: CLIENTS["roo"].shared)
    assert (places.read(".roomodes#one"), places.look(".roomodes#one")) == (None, None)
    ODD[kind](tmp_path / ".roomodes")
    assert places.read(".roomodes#one") is None
    seen = places.look(".roomodes#one")
    assert seen is not None
    assert (seen.digest, seen.blocked) == (None, f"a {kind} is in the way")
    assert (places.read("$CODEX_HOME/x#one"), places.look("$CODEX_HOME/x#one")) == (None, None)


def test_an_adopted_file_stays_where_its_client_reads_it_and_nowhere_else(project: Path) -> None:
    workspace = Workspace(Environment.current(), project_scope(str(project), ""))

    def kept(*rows: tuple[str, str, str]) -> dict[tuple[str, str, str], str]:
        files = [LockedFile(path, client, "kit", persona, "") for path, client, persona in rows]
        return kept_paths(files, CLIENTS, workspace.managed, "project", {})

    deep = (".claude/agents/team/one.md", "claude", "one")
    assert kept(deep) == {("claude", "kit", "one"): deep[0]}
    named = (".claude/agents/other.md", "claude", "one")
    assert kept(named) == {("claude", "kit", "one"): named[0]}
    for path, client in {
        ".claude/agents/one.md": "claude",  # where it would be written
        ".claude/commands/one.md": "claude",
        ".claude/agents-of-mine/one.md": "claude",
        ".claude/agents/.hidden/one.md": "claude",
        ".claude/agents/one.sh": "claude",
        ".claude/agents/README.md": "claude",
        ".cursor/agents/team/one.md": "cursor",  # not known to be read there
        ".house/agents/team/one.md": "house",
        ".cursor/agents/two.md": "cursor",
        ".cursor/agents/one.md": "claude",
    }.items():
        assert kept((path, client, "one")) == {}, path
    for folder, may in {"team": True, "team/more": True, ".hidden": False, "team/.x": False, "a b": False}.items():
        assert workspace.managed.may_contain(f".claude/agents/{folder}") is may, folder
    more = (".claude/agents/more/two.md", "claude", "two")
    assert kept(deep, (deep[0], "claude", "two"), (*more[:2], "three")) == {("claude", "kit", "three"): more[0]}


def changed(before: bytes | None, *changes: PlaceChange, at: Path) -> list[Step]:
    if before is not None:
        (at / ".roomodes").write_bytes(before)
    return [*Locations(Disk({"": str(at)}), lambda path: CLIENTS["roo"].shared).steps(changes)]


def test_all_entries_of_a_file_are_changed_in_one_step(tmp_path: Path) -> None:
    text = b"customModes:\n  - slug: one\n    name: One\n  - slug: ours\n    name: Ours\n"
    places = Locations(Disk({"": str(tmp_path)}), lambda path: CLIENTS["roo"].shared)
    (tmp_path / ".roomodes").write_bytes(text)
    one = places.read(".roomodes#one")
    assert one is not None
    plain = PlaceChange("a.md", None, b"A.", 0o600)
    gone = PlaceChange(".roomodes#one", digest_of(one), None)
    new = PlaceChange(".roomodes#two", None, one.replace(b"one", b"two"))
    first, second = changed(text, gone, plain, new, at=tmp_path)
    assert first == Step("a.md", None, b"A.", 0o600)
    assert (second.path, second.before) == (".roomodes", digest_of(text))
    assert second.content is not None
    assert b"slug: ours" in second.content and b"slug: two" in second.content and b"slug: one" not in second.content
    for other in (gone._replace(before=digest_of(b"else")), new._replace(place=".roomodes#ours")):
        with pytest.raises(Unavailable):
            changed(text, other, at=tmp_path)


def test_an_entry_is_read_again_once_its_file_has_changed(tmp_path: Path) -> None:
    places = Locations(Disk({"": str(tmp_path)}), lambda path: CLIENTS["roo"].shared)
    for name in ("One", "Another"):
        entry = f"slug: one\nname: {name}\n"
        (tmp_path / ".roomodes").write_text(f"customModes:\n  - slug: one\n    name: {name}\n")
        here = places.look(".roomodes#one")
        assert here is not None and here.digest == digest_of(entry.encode())
        assert places.read(".roomodes#one") == entry.encode()


def test_a_file_of_our_entries_alone_comes_and_goes_with_them(tmp_path: Path) -> None:
    entry = b"slug: one\nname: One\n"
    (made,) = changed(None, PlaceChange(".roomodes#one", None, entry), at=tmp_path)
    assert made.before is None and made.content is not None
    written = made.content
    (tmp_path / ".roomodes").write_bytes(written)
    there = Locations(Disk({"": str(tmp_path)}), lambda path: CLIENTS["roo"].shared).read(".roomodes#one")
    assert there is not None
    (gone,) = changed(written, PlaceChange(".roomodes#one", digest_of(there), None), at=tmp_path)
    assert gone == Step(".roomodes", digest_of(written), None)


def test_a_shared_file_that_is_not_valid_is_named_with_what_to_do(tmp_path: Path) -> None:
    place = PlaceChange(".roomodes#one", None, b"slug: one\n")
    for text, line, hint in (
        (b"customModes: [\n", "", "fix the file, or leave this client out"),
        (b"a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n", ":2", HINT),
    ):
        with pytest.raises(InvalidFile) as refused:
            changed(text, place, at=tmp_path)
        assert refused.value.hint == hint
        assert str(refused.value.faults[0]).startswith(f"{tmp_path}/.roomodes{line}: ")
    text = b"customModes:\n  - slug: one\n    groups: &g [read]\nother: *g\n"
    before = digest_of(b"slug: one\ngroups: &g [read]\n")
    for content, fault in (
        (b"slug: one\ngroups: &g [edit]\n", "the entry cannot be changed without touching the rest of the file"),
        (b"slug: one\n", "`*g` needs the anchor `&g` above it"),
        (None, "`*g` needs the anchor `&g` above it"),
    ):
        with pytest.raises(InvalidFile) as refused:
            changed(text, PlaceChange(".roomodes#one", before, content), at=tmp_path)
        assert refused.value.hint == "fix the file, or leave this client out"
        assert refused.value.details == (f"{tmp_path}/.roomodes: {fault}",)
    nobody = Locations(Disk({"": str(tmp_path)}), lambda path: None)
    with pytest.raises(InvalidFile) as refused:
        [*nobody.steps([place])]
    assert str(refused.value.faults[0]) == ".roomodes: no client reads several agents from this file"


def test_one_folder_mounted_twice_is_one_place(tmp_path: Path) -> None:
    """Places are told apart by device and inode, as with a bind mount or a file system that ignores case."""
    (tmp_path / "real").mkdir()
    (tmp_path / "other").symlink_to("real")
    places = Locations(Disk({"": str(tmp_path)}), lambda path: None)
    assert list(places.groups(["real/a/x.md", "other/a/x.md", "real/a/y.md", "else/a/x.md"])) == [
        ("real/a/x.md", "other/a/x.md")
    ]


def test_places_that_are_one_file_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    """The one without a link first. The order in which they were asked for does not matter."""
    for real, link in (("x", "b"), ("y", "a")):
        (tmp_path / real).mkdir()
        (tmp_path / link).symlink_to(real)
    (tmp_path / "c.md").symlink_to("x/f.md")
    places = Locations(Disk({"": str(tmp_path)}), lambda path: None)
    asked = ["x/f.md", "y/f.md", "c.md", "b/f.md", "alone/f.md", "b/g.md", "a/f.md", "$CODEX_HOME/f.md"]
    for order in (asked, asked[::-1]):
        for place in order:
            places.look(place)
        assert list(places.groups(order)) == [("y/f.md", "a/f.md"), ("x/f.md", "b/f.md", "c.md")]


# Two scopes that have one folder.


def test_a_file_of_both_scopes_has_one_text_and_goes_with_the_last_of_them(
    agentpack: Agentpack, project: Path, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(project / ".claude"))
    install("1.0.0", "--user", clients="claude")
    assert "the user scope manages the same file with a different text" in install("1.1.0", clients="claude", expect=3)
    assert "is also managed in the user scope" in install("1.0.0", clients="claude")
    text = (project / CLAUDE).read_bytes()
    (project / CLAUDE).unlink()
    agentpack("sync")
    assert (project / CLAUDE).read_bytes() == text
    agentpack("diff")
    agentpack("uninstall", "data-reviewer")
    assert (project / CLAUDE).exists()
    agentpack("diff", "--user")
    agentpack("rollback")
    agentpack("uninstall", "data-reviewer", "--user")
    assert (project / CLAUDE).exists()
    agentpack("uninstall", "data-reviewer")
    assert not (project / CLAUDE).exists()


def test_files_of_both_scopes_with_two_texts_are_all_told_in_the_order_of_their_paths(
    agentpack: Agentpack, project: Path, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has the same text in both is not among them."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(project / ".claude"))
    names = ("ant", "bee", "cat", "dog", "elk", "van")
    for version in ("1.0.0", "2.0.0"):
        texts = {name: persona_text(name, f"- Work{'' if name == 'van' else version}. {{#work}}\n") for name in names}
        publish(packs, make_pack("crew", version, personas=texts))
    words = ("--source", str(packs), "--client", "claude")
    agentpack("install", "crew==1.0.0", *words, "--user")
    before = everything(project / ".claude")
    told = "".join(f"  .claude/agents/{name}.md\n" for name in names[:-1])
    assert agentpack("install", "crew==2.0.0", *words, expect=3).err == (
        f"project {project}\n"
        "error: the user scope manages the same file with a different text; nothing was written\n"
        f"{told}hint: install the same release in both scopes, or remove it from the other: "
        "`agentpack uninstall crew --user`\n"
    )
    assert everything(project / ".claude") == before


def test_a_folder_beside_one_of_both_scopes_belongs_to_one_scope(
    agentpack: Agentpack, project: Path, home: Path, packs: Path, install: Callable[..., str]
) -> None:
    beside = ".claude/agents-personas"
    write_tree(project, {".agentpack/clients/house.yaml": f"schema: 1\nproject: {beside}\n"})
    declared = f"schema: 1\nuser: {{folder: {beside}}}\n"
    packed = f"schema: 1\nclients: [claude]\nsources: [{{name: packs, path: {packs}}}]\npacks:\n"
    entries = "  - tester\n  - {require: data-reviewer==1.0.0, clients: [house]}\n"
    config = {"clients/house.yaml": declared, "agentpack.yaml": packed + entries}
    write_tree(home / ".config/agentpack", config)
    publish(packs, make_pack("tester", personas={"tester": persona_text("tester")}))
    (project / ".claude/agents").mkdir(parents=True)
    (home / ".claude").mkdir()
    (home / ".claude/agents").symlink_to(project / ".claude/agents")
    agentpack("sync", "--user")
    install("1.1.0", clients="claude house")
    assert "have seen" in (project / beside / "reviewer.md").read_text()
    assert "have seen" not in (home / beside / "reviewer.md").read_text()


def test_an_edit_of_a_file_of_both_scopes_is_an_edit_to_either(
    agentpack: Agentpack, project: Path, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(project / ".claude"))
    install("1.0.0", "--user", clients="claude")
    (project / CLAUDE).write_text((project / CLAUDE).read_text() + "- Mine.\n")
    assert install("1.0.0", clients="claude").splitlines()[-5:] == [
        "  ! .claude/agents/reviewer.md  edited by hand, not changed",
        "  + agentpack.yaml  new",
        "  + agentpack.lock  new",
        "note: .claude/agents/reviewer.md is also managed in the user scope",
        "generation 1; `agentpack rollback` undoes it",
    ]
    assert install("1.0.0", clients="claude").splitlines()[1:] == [
        "  ! .claude/agents/reviewer.md  edited by hand, not changed",
        "nothing to change",
    ]


def test_a_home_folder_that_is_a_project_shares_its_files_with_the_user(
    agentpack: Agentpack, home: Path, packs: Path
) -> None:
    (home / "agentpack.yaml").write_text("schema: 1\n")
    words = ("install", "data-reviewer==1.0.0", "--source", str(packs), "--client", "claude")
    agentpack(*words, cwd=home)
    assert "is also managed in the project scope" in agentpack(*words, "--user").err
    agentpack("uninstall", "data-reviewer", cwd=home)
    agentpack("diff", "--user")


# A variable that leads elsewhere.

MOVED = [
    ("claude", "CLAUDE_CONFIG_DIR", "agents/reviewer.md"),
    ("codex", "CODEX_HOME", "agents/reviewer.toml"),
    ("qwen", "QWEN_HOME", "agents/reviewer.md"),
    ("gemini", "GEMINI_CLI_HOME", ".gemini/agents/reviewer.md"),
    ("vibe", "VIBE_HOME", "agents/reviewer.toml"),
]


@pytest.mark.many
@pytest.mark.parametrize(("client", "variable", "below"), MOVED)
def test_a_file_stays_known_where_its_variable_pointed(
    agentpack: Agentpack,
    install: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    client: str,
    variable: str,
    below: str,
) -> None:
    work, own = (tmp_path / name / below for name in ("work", "own"))
    monkeypatch.setenv(variable, str(tmp_path / "work"))
    install("1.0.0", "--user", clients=client)
    monkeypatch.setenv(variable, str(tmp_path / "own"))
    assert f"{work}: it was written when {variable} pointed there" in agentpack("diff", "--user", expect=1).err
    said = agentpack("sync", "--user").err
    assert f"{work} is left on disk" in said
    assert "deleted" not in said
    assert own.read_bytes() == work.read_bytes()
    agentpack("sync", "--user", "--check")
    monkeypatch.setenv(variable, str(tmp_path / "work"))
    agentpack("diff", "--user")
    install("1.1.0", "--user", clients=client)
    assert "have seen" in work.read_text()
    assert "have seen" not in own.read_text()
    monkeypatch.setenv(variable, str(tmp_path / "own"))
    agentpack("sync", "--user")
    assert "have seen" in own.read_text()


@pytest.mark.many
@pytest.mark.parametrize(
    "command", ["status", "diff", "sync --check", "explain reviewer", "audit", "doctor", "history"]
)
def test_commands_that_look_answer_without_the_variable(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    ran = agentpack(*command.split(), "--user", expect=None)
    assert ran.exit_code in (0, 1), ran.err
    if command in ("status", "diff"):
        assert str(tmp_path / "work/agents/reviewer.md") in ran.out + ran.err


def test_uninstall_removes_a_file_where_it_was_written_unless_it_was_edited(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    work, own = (tmp_path / name / "agents/reviewer.md" for name in ("work", "own"))
    for folder in ("work", "own"):
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / folder))
        install("1.0.0", "--user", clients="claude")
    own.write_text(own.read_text() + "- Mine.\n")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    said = agentpack("uninstall", "data-reviewer", "--user").err
    assert not work.exists()
    assert f"{own} was edited and is left on disk" in said
    assert said.count("is left on disk") == 1
    agentpack("rollback", "--user")
    assert work.exists()


def test_uninstall_passes_by_what_became_of_a_file_where_it_was_written(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = {name: tmp_path / name / "agents/reviewer.md" for name in ("as-written", "edited", "gone", "folder", "now")}
    for path in paths.values():
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(path.parents[1]))
        install("1.0.0", "--user", clients="claude")
    paths["edited"].write_text("Mine.\n")
    paths["gone"].unlink()
    paths["folder"].unlink()
    paths["folder"].mkdir()
    said = agentpack("uninstall", "data-reviewer", "--user", "--discard-edits", "--dry-run").err
    assert said.count("reviewer.md  removed") == len(("as-written", "edited", "now"))
    told = agentpack("uninstall", "data-reviewer", "--user").err.replace(str(tmp_path), "").splitlines()
    assert told[1:3] == ["data-reviewer 1.0.0 removed", "  - /now/agents/reviewer.md  removed"]
    assert [*sorted(told[3:6]), *told[6:]] == [
        "  - /as-written/agents/reviewer.md  removed",
        "  - /folder/agents/reviewer.md  no longer managed",
        "  = /edited/agents/reviewer.md  stays, no longer managed",
        "  - ~/.config/agentpack/agentpack.yaml  removed",
        "  - ~/.config/agentpack/agentpack.lock  removed",
        "note: /edited/agents/reviewer.md was edited and is left on disk; delete it yourself",
        "note: also removes the source `packs`, which `install` had added: no pack uses it any more",
        "generation 6; `agentpack rollback --user` undoes it",
    ]
    assert {name for name, path in paths.items() if path.exists()} == {"edited", "folder"}


@pytest.mark.parametrize("option", ["--keep-files", "--discard-edits"])
def test_uninstall_treats_a_file_where_it_was_written_as_it_is_told_to(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str
) -> None:
    paths = [tmp_path / name / "agents/reviewer.md" for name in ("work", "own", "last")]
    for path in paths:
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(path.parents[1]))
        install("1.0.0", "--user", clients="claude")
    paths[1].write_text(paths[1].read_text() + "- Mine.\n")
    before = [path.read_bytes() for path in paths]
    agentpack("uninstall", "data-reviewer", "--user", option)
    assert [path.exists() for path in paths] == [option == "--keep-files"] * 3
    agentpack("rollback", "--user")
    assert [path.read_bytes() for path in paths] == before


def test_an_edit_in_one_account_survives_a_visit_to_the_other(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    work = tmp_path / "work/agents/reviewer.md"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    work.write_text(work.read_text() + "- Mine.\n")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "own"))
    install("1.1.0", "--user", clients="claude")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    agentpack("sync", "--user")
    assert "- Mine." in work.read_text()
    assert "have seen" in work.read_text()


def test_rollback_takes_back_what_the_last_command_wrote_wherever_the_variable_points_now(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    agentpack("rollback", "--user")
    assert not (tmp_path / "work/agents/reviewer.md").exists()


def test_the_default_folder_and_the_variable_that_names_it_are_one_place(
    agentpack: Agentpack, home: Path, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("1.0.0", "--user", clients="claude")
    file = home / CLAUDE
    file.write_text(file.read_text() + "- Mine.\n")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / ".claude"))
    install("1.1.0", "--user", clients="claude")
    assert "- Mine." in file.read_text()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "own"))
    assert f"~/{file.relative_to(home)} is left on disk" in agentpack("sync", "--user").err
    assert file.exists()


@pytest.mark.parametrize("back", [False, True])
def test_a_variable_that_leads_to_the_same_folder_by_a_link_leaves_the_file_where_it_is(
    agentpack: Agentpack,
    install: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    back: bool,
) -> None:
    """Nothing was left elsewhere, and what goes, goes once."""
    agent = tmp_path / "work/agents/reviewer.md"
    other = tmp_path / "own"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    if back:
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(other))
        agentpack("sync", "--user")
        shutil.rmtree(other)
    other.symlink_to(tmp_path / "work")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work" if back else other))
    said = install("1.1.0", "--user", clients="claude").replace(str(tmp_path), "")
    assert said.splitlines()[1:5] == [
        "data-reviewer 1.0.0 -> 1.1.0",
        f"  ~ {'/work' if back else '/own'}/agents/reviewer.md  updated",
        "  ~ ~/.config/agentpack/agentpack.yaml  updated",
        "  ~ ~/.config/agentpack/agentpack.lock  updated",
    ]
    assert "note: " not in said
    assert "have seen" in agent.read_text()
    agentpack("diff", "--user")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(other))
    assert agentpack("sync", "--user").err.splitlines()[1:] == ["nothing to change"]
    agentpack("diff", "--user")
    said = agentpack("uninstall", "data-reviewer", "--user").err.replace(str(tmp_path), "")
    assert said.count("agents/reviewer.md") == 1
    assert f"  - {'/work' if back else '/own'}/agents/reviewer.md  removed\n" in said
    assert not agent.exists()


def test_a_folder_that_was_moved_takes_its_files_along(
    agentpack: Agentpack, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    file = tmp_path / "job/agents/reviewer.md"
    (tmp_path / "work").rename(tmp_path / "job")
    file.write_text(file.read_text() + "- Mine.\n")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "job"))
    assert "edited" in agentpack("status", "--user").out
    install("1.1.0", "--user", clients="claude")
    assert "- Mine." in file.read_text()


def test_a_manifest_that_stayed_in_another_configuration_folder_is_named(
    agentpack: Agentpack, home: Path, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("1.0.0", "--user", clients="claude")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "other"))
    for words in (("install", "python-engineer"), ("uninstall", "data-reviewer"), ("status",)):
        assert agentpack(*words, "--user", expect=3).err == (
            f"user {home}\nerror: the manifest is ~/.config/agentpack/agentpack.yaml, but agentpack now looks for "
            "~/other/agentpack/agentpack.yaml\n  it was written while the configuration folder was a different one\n"
            "hint: set XDG_CONFIG_HOME and HOME as they were, or move the folder there\n"
        )
    assert (home / CLAUDE).exists()
    (home / ".config").rename(home / "other")
    agentpack("diff", "--user")


def test_a_manifest_that_was_deleted_where_it_is_looked_for_is_missing_and_not_elsewhere(
    agentpack: Agentpack, home: Path, install: Callable[..., str]
) -> None:
    install("1.0.0", "--user", clients="claude")
    (home / ".config/agentpack/agentpack.yaml").unlink()
    assert agentpack("sync", "--user", expect=2).err == (
        f"user {home}\n"
        "error: there is no ~/.config/agentpack/agentpack.yaml\n"
        "hint: `agentpack install NAME --user` writes one\n"
    )
    assert "data-reviewer 1.0.0" in agentpack("status", "--user").out


def test_no_file_is_tracked_by_a_variable_that_is_not_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in a folder that is called like it."""
    paths = ("$GONE_HOME/agents/x.md", ".claude/agents/x.md")
    write_tree(project, dict.fromkeys(paths, "text\n"))
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    monkeypatch.chdir(project)
    environment = Environment.current()
    workspace = Workspace(environment, find_scope(environment))
    assert workspace.states.tracked(paths) == {paths[1]}


def test_a_record_from_before_roots_were_kept_is_read(
    agentpack: Agentpack, home: Path, install: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "work"))
    install("1.0.0", "--user", clients="claude")
    record = home / ".local/state/agentpack/generations/000001.json"
    old = json.loads(record.read_text())
    assert old.pop("roots")["$CLAUDE_CONFIG_DIR"] == str(tmp_path / "work")
    record.write_text(json.dumps(old))
    agentpack("diff", "--user")
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    for words, code in ((("status",), 0), (("diff",), 1), (("uninstall", "data-reviewer"), 0)):
        agentpack(*words, "--user", expect=code)
    assert (tmp_path / "work/agents/reviewer.md").exists()


def test_a_record_in_a_project_reaches_nothing_outside(
    agentpack: Agentpack, project: Path, install: Callable[..., str], tmp_path: Path
) -> None:
    install("1.0.0", clients="claude")
    outside = tmp_path / "outside/agents/reviewer.md"
    outside.parent.mkdir(parents=True)
    outside.write_bytes((project / CLAUDE).read_bytes())
    record = project / ".agentpack/state/generations/000001.json"
    data = json.loads(record.read_text())
    row = ["$CLAUDE_CONFIG_DIR/agents/reviewer.md", *data["files"][0][1:]]
    record.write_text(
        json.dumps({**data, "elsewhere": [row], "roots": {"$CLAUDE_CONFIG_DIR": str(outside.parents[1])}})
    )
    agentpack("uninstall", "data-reviewer")
    assert outside.exists()


def test_what_was_written_elsewhere_stays_when_edits_by_hand_come_back(
    agentpack: Agentpack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (home / name / "agents/python-engineer.md" for name in ("first", "second"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "first"))
    agentpack("install", "--user", "python-engineer", "--client", "claude")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "second"))
    agentpack("sync", "--user")
    second.write_text(second.read_text() + "- Mine.\n")
    agentpack("install", "--user", "python-reviewer", "--client", "claude")
    found = agentpack("history", "--user", "--json").envelope["data"]["generations"]
    (edits,) = (row["number"] for row in found if row["command"] == "edits by hand")
    before = first.read_bytes()
    agentpack("rollback", "--user", str(edits))
    assert first.read_bytes() == before
    assert "- Mine." in second.read_text()
