"""A client that the scope declares is part of the lock: what its declaration said when the lock was made."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.effort import every, usually
from support.packs import BODY, make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import tree

from agentpack.clients import ClientDeclaration, Clients
from agentpack.environment import Environment, project_scope, user_scope
from agentpack.input.schemas.clients import ClientSchema
from agentpack.model.lock import Lock, WrittenState
from agentpack.model.lock_text import parse_lock
from agentpack.model.names import text_digest
from agentpack.workspace.declared_clients import changed_declarations, unrecorded_declarations
from agentpack.workspace.file_releases import as_written

FILE = ".agentpack/clients/house.yaml"
AGENT = ".house/agents/reviewer.md"
DECLARATION: Mapping[str, Any] = {"schema": 1, "project": ".house/agents"}
GREEDY: Mapping[str, Any] = {**DECLARATION, "fixed": {"hooks": {"start": "make"}}}
CHANGED: Mapping[str, Any] = {
    "title": "House Agent",
    "project": ".other/agents",
    "user": {"folder": ".house/agents"},
    "file": "{name}.mdc",
    "format": "body",
    "name": "title",
    "description": "summary",
    "model": "model",
    "models": ["opus"],
    "tools": {"key": "allow", "style": "list", "names": {"read": ["view"]}},
    "readonly": {"readonly": True},
    "limits": ["readonly"],
    "fixed": {"hooks": {"start": "make"}},
    "settings": {"temperature": "number"},
    "body": "prompt",
    "live": ["${word}"],
    "long_description": 1,
    "shortest_body": 1,
    "longest_body": 100000,
    "markers": [".houses"],
    "reserved": ["plan"],
    "version": "2",
    "checked": "2026-11-29",
    "reads": "every file",
    "color": "color",
    "colors": {"red": "crimson"},
}
"""Every key of a declaration but `schema`, and what it says elsewhere than in `DECLARATION`."""
LOOKING = {
    "diff": 1,
    "sync --check": 1,
    "status": 0,
    "lock --check": 1,
    "sync --locked": 3,
    "sync --frozen": 3,
    "audit": 1,
    "doctor": 0,
}
"""The commands that look at the lock, and how each ends when a declaration is another one."""


def declare(project: Path, data: Mapping[str, Any] = DECLARATION, name: str = "house") -> None:
    path = project / f".agentpack/clients/{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(data)))


def lock(project: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((project / "agentpack.lock").read_text())
    return data


def put_lock(project: Path, data: Mapping[str, Any]) -> None:
    (project / "agentpack.lock").write_text(json.dumps(data, indent=1) + "\n")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")


@pytest.fixture
def house(agentpack: Agentpack, project: Path) -> Path:
    """A project with a persona for a client of its own and for Claude Code."""
    publish(
        project / "packs",
        make_pack(
            personas={"reviewer": persona_text()}, variants={"reviewer/strict": variant_text("\n- Twice. {#b}\n")}
        ),
    )
    declare(project)
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "house,claude")
    return project


# What the lock says.


def test_the_lock_has_the_digest_of_each_declaration_that_it_uses(agentpack: Agentpack, house: Path) -> None:
    declare(house, DECLARATION, "unused")
    agentpack("lock", "--check")
    agentpack("install", "data-reviewer[strict]")
    assert lock(house)["declared"] == {"house": text_digest((house / FILE).read_bytes())}
    path = house / FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for command in LOOKING:
        agentpack(*command.split(), expect=0)


def test_a_lock_without_declared_clients_has_no_word_of_them(agentpack: Agentpack, house: Path) -> None:
    agentpack("uninstall", "--client", "house")
    assert "declared" not in lock(house)
    declare(house, GREEDY)
    for command in LOOKING:
        assert "house.yaml" not in "".join(agentpack(*command.split(), expect=0)[1:])


def test_a_client_that_is_named_and_has_no_file_yet_counts(agentpack: Agentpack, project: Path) -> None:
    declare(project)
    (project / "agentpack.yaml").write_text("schema: 1\nclients: [house]\npacks: []\n")
    agentpack("lock")
    assert [*lock(project)["declared"]] == ["house"]


# Every looking command says it.


def test_every_key_of_a_declaration_is_tried() -> None:
    keys = {field.alias or name for name, field in ClientSchema.model_fields.items()}
    assert {*CHANGED, "schema"} == {key.removesuffix("_") for key in keys}


@pytest.mark.campaign
@pytest.mark.parametrize("key", CHANGED)
def test_whatever_changes_in_a_declaration_every_looking_command_names_it(
    agentpack: Agentpack, house: Path, key: str
) -> None:
    needs = {"models": ["model"], "colors": ["color"], "limits": ["readonly"]}
    for other in needs.get(key, []):
        declare(house, {**DECLARATION, other: CHANGED[other]})
        agentpack("sync")
    before = {path: data for path, data in tree(house).items() if path != FILE}
    declare(house, {**yaml.safe_load((house / FILE).read_text()), key: CHANGED[key]})
    looking = dict(every(usually(3, thorough=1), LOOKING.items(), list(CHANGED).index(key)))
    for command, code in looking.items():
        ran = agentpack(*command.split(), expect=code)
        assert FILE in ran.out + ran.err, f"{command} does not name the file:\n{ran.out}{ran.err}"
        told = agentpack(*command.split(), "--json", expect=code)
        assert FILE in told.out, command
        assert "by hand" not in ran.err
    assert {path: data for path, data in tree(house).items() if path != FILE} == before
    agentpack("sync", *(["--accept", "hooks"] if key == "fixed" else []))
    for command in looking:
        agentpack(*command.split(), expect=0)


def test_a_declaration_that_is_gone_is_named_by_every_looking_command(agentpack: Agentpack, project: Path) -> None:
    """Also where its folder went with it, and nothing else says that there was a client of that name."""
    publish(project / "packs", make_pack())
    declare(project)
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "house")
    shutil.rmtree(project / ".agentpack/clients")
    for command in (*LOOKING, "sync", "upgrade --yes", "install data-reviewer"):
        ran = agentpack(*command.split(), expect=None)
        assert FILE in ran.out + ran.err, f"{command} does not name the file:\n{ran.out}{ran.err}"
        assert ran.exit_code in ((0, 1, 2) if command in ("status", "doctor") else (1, 2, 3))
    assert (project / AGENT).exists()


def test_a_variant_whose_folder_is_gone_is_no_clean_scope(agentpack: Agentpack, house: Path) -> None:
    variant = house / ".agentpack/variants/reviewer/ours.md"
    variant.parent.mkdir(parents=True)
    variant.write_text(variant_text("\n## Rules {#rules}\n\n- Speak plainly. {#plainly}\n"))
    agentpack("uninstall", "--client", "house")
    shutil.rmtree(house / ".agentpack/clients")
    agentpack("install", "data-reviewer[ours]")
    agentpack("diff")
    shutil.rmtree(house / ".agentpack/variants")
    assert "ours" in agentpack("diff", expect=1).out


def test_what_other_clients_have_is_explained_when_a_declaration_is_gone(agentpack: Agentpack, house: Path) -> None:
    (house / FILE).unlink()
    told = agentpack("explain", "reviewer", "--json").envelope["data"]["files"]
    assert {file["path"] for file in told if not file["missing"]} >= {".claude/agents/reviewer.md"}


def test_a_client_whose_declaration_is_gone_can_be_left_out(agentpack: Agentpack, house: Path) -> None:
    (house / FILE).unlink()
    ran = agentpack("sync", expect=None)
    assert ran.exit_code in (2, 3)
    manifest = house / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("house, ", "").replace(", house", ""))
    assert f"note: `{FILE}` is gone" in agentpack("sync").err
    assert "declared" not in lock(house)
    assert (house / AGENT).exists()
    agentpack("diff")


@pytest.mark.parametrize("command", ["sync", "lock", "upgrade --yes", "install data-reviewer"])
def test_a_declaration_that_changed_is_told_by_whatever_writes_the_lock(
    agentpack: Agentpack, house: Path, command: str
) -> None:
    declare(house, {**DECLARATION, "version": "2"})
    notes = [line for line in agentpack(*command.split()).err.splitlines() if FILE in line]
    assert notes == [f"note: `{FILE}` has changed since the lock was written"]
    assert FILE not in agentpack(*command.split()).err


# Nobody may do more unseen.


@pytest.mark.many
@pytest.mark.parametrize(
    "command", ["sync", "upgrade --yes", "install data-reviewer", "install data-reviewer[strict]", "lock"]
)
def test_a_declaration_that_lets_an_agent_do_more_stops(agentpack: Agentpack, house: Path, command: str) -> None:
    before = tree(house)
    declare(house, GREEDY)
    ran = agentpack(*command.split(), expect=3)
    assert FILE in ran.err
    assert "--accept hooks" in ran.err
    told = agentpack(*command.split(), "--json", expect=3).envelope
    assert told["errors"][0]["code"] == "widening"
    rows = told["data"]["capabilities"]
    assert [(row["client"], [word[:6] for word in row["widened"]]) for row in rows] == [("house", ["hooks:"])]
    assert {path: data for path, data in tree(house).items() if path != FILE} == {
        path: data for path, data in before.items() if path != FILE
    }
    agentpack(*command.split(), "--accept", "data-reviewer:hooks")
    if command == "lock":
        agentpack("sync")
    assert "hooks" in (house / AGENT).read_text()
    agentpack("sync", "--locked")
    agentpack("diff")


@pytest.mark.parametrize("command", ["sync", "sync --locked", "upgrade --yes"])
def test_a_lock_that_has_the_new_digest_and_not_what_it_brings_agrees_to_nothing(
    agentpack: Agentpack, house: Path, command: str
) -> None:
    declare(house, GREEDY)
    put_lock(house, {**lock(house), "declared": {"house": text_digest((house / FILE).read_bytes())}})
    before = tree(house)
    agentpack(*command.split(), expect=3)
    assert tree(house) == before
    agentpack("diff", expect=1)


def test_what_was_accepted_for_one_declaration_is_not_for_the_next(agentpack: Agentpack, house: Path) -> None:
    declare(house, GREEDY)
    agentpack("lock", "--accept", "hooks")
    declare(house, {**GREEDY, "fixed": {"hooks": {"start": "make"}, "mcpServers": {"db": {"command": "db"}}}})
    ran = agentpack("sync", expect=3)
    assert "--accept hooks" in ran.err
    assert "mcp" in ran.err


def test_what_a_user_asks_for_beside_another_declaration_is_no_widening(agentpack: Agentpack, house: Path) -> None:
    """A new title does not make a stop of the variant that is asked for with it."""
    tools = {"key": "allow", "style": "list", "names": {"read": ["view"], "shell": ["run"]}}
    publish(
        house / "packs",
        make_pack(
            version="1.1.0",
            personas={"reviewer": persona_text(tools=["read"])},
            variants={"reviewer/free": variant_text(set={"tools": ["read", "shell"]})},
        ),
    )
    declare(house, {**DECLARATION, "tools": tools})
    agentpack("upgrade", "--yes")
    declare(house, {**DECLARATION, "tools": tools, "title": "Ours"})
    ran = agentpack("install", "data-reviewer[free]")
    assert "may use more" in ran.err
    agentpack("diff")


def test_without_a_lock_the_history_knows_what_was_declared(agentpack: Agentpack, house: Path) -> None:
    (house / "agentpack.lock").unlink()
    declare(house, GREEDY)
    assert FILE in agentpack("sync", expect=3).err


# A lock that came along.


@pytest.fixture
def colleague(house: Path) -> Path:
    """The same project as a clone that has its files, with `.house` not in git."""
    (house / ".gitignore").write_text(".house/\n.agentpack/state/\n")
    commit(house)
    git(house.parent, "clone", "--quiet", str(house), "colleague")
    folder = house.parent / "colleague"
    Agentpack(folder)("sync", "--locked")
    return folder


def test_what_a_file_may_do_more_than_the_one_on_disk_is_told(
    agentpack: Agentpack, house: Path, colleague: Path
) -> None:
    declare(house, GREEDY)
    agentpack("sync", "--accept", "hooks")
    commit(house)
    git(colleague, "pull", "--quiet")
    theirs = Agentpack(colleague)
    told = theirs("sync", "--locked", "--dry-run", "--json").envelope["data"]["capabilities"]
    assert [(row["client"], [word[:6] for word in row["widened"]]) for row in told] == [("house", ["hooks:"])]
    ran = theirs("sync", "--locked")
    assert "may use more (house): " in ran.err
    assert "hooks" in (colleague / AGENT).read_text()
    assert "may do" not in theirs("sync").err


def test_a_release_that_came_along_is_told_as_well(agentpack: Agentpack, house: Path, colleague: Path) -> None:
    """It is no matter of declarations: whatever the lock says was agreed to, the file on disk could do less."""
    publish(house / "packs", make_pack(version="1.1.0", personas={"reviewer": persona_text(model="opus")}))
    declare(house, {**DECLARATION, "model": "model", "models": ["opus"]})
    agentpack("sync")
    commit(house)
    git(colleague, "pull", "--quiet")
    Agentpack(colleague)("sync", "--locked")
    agentpack("upgrade", "--yes", "--accept", "model:large")
    commit(house)
    git(colleague, "pull", "--quiet")
    assert "may use more" in Agentpack(colleague)("sync", "--locked").err


# Locks of before, and of two sides.


def test_a_lock_of_before_is_clean_and_learns_it_with_the_next_change(agentpack: Agentpack, house: Path) -> None:
    old = {key: value for key, value in lock(house).items() if key != "declared"}
    put_lock(house, old)
    for command in LOOKING:
        agentpack(*command.split(), expect=0)
    assert lock(house) == old
    for command in ("lock", "sync", "sync --locked"):
        agentpack(*command.split())
        assert lock(house) == old, "nothing else changed"
    agentpack("install", "data-reviewer[strict]")
    assert [*lock(house)["declared"]] == ["house"]


def test_a_lock_of_before_shows_another_declaration_by_the_texts(agentpack: Agentpack, house: Path) -> None:
    put_lock(house, {key: value for key, value in lock(house).items() if key != "declared"})
    declare(house, GREEDY)
    for command in ("diff", "sync --check", "lock --check", "sync --locked"):
        ran = agentpack(*command.split(), expect=None)
        assert ran.exit_code in (1, 3)
    assert FILE in agentpack("sync", "--locked", expect=3).err
    assert FILE in agentpack("diff", expect=1).out
    assert FILE in agentpack("sync", expect=3).err


def test_a_lock_of_before_that_this_checkout_left_is_no_clean_scope(agentpack: Agentpack, house: Path) -> None:
    put_lock(house, {key: value for key, value in lock(house).items() if key != "declared"})
    agentpack("install", "data-reviewer[strict]")
    agentpack("rollback", "2")
    assert "declared" not in lock(house)
    agentpack("diff")
    declare(house, GREEDY)
    assert FILE in agentpack("diff", expect=1).out
    assert FILE in agentpack("sync", expect=3).err


def half_merge(agentpack: Agentpack, house: Path) -> None:
    """Leave the project in the middle of merging two branches that declare the client in two ways."""
    commit(house)
    git(house, "switch", "--quiet", "--create", "side")
    declare(house, {**DECLARATION, "title": "Side"})
    agentpack("sync")
    commit(house)
    git(house, "switch", "--quiet", "-")
    declare(house, {**DECLARATION, "title": "Main"})
    agentpack("sync")
    commit(house)
    with pytest.raises(subprocess.CalledProcessError):
        git(house, "merge", "side")


def test_two_sides_of_a_lock_are_merged_with_what_they_declare(agentpack: Agentpack, house: Path) -> None:
    half_merge(agentpack, house)
    git(house, "checkout", "--theirs", FILE)
    agentpack("lock")
    assert lock(house)["declared"] == {"house": text_digest((house / FILE).read_bytes())}
    agentpack("diff")


@pytest.mark.parametrize("sides", ["declared, not", "not, declared"])
def test_a_declaration_that_is_gone_is_named_where_one_side_of_a_lock_knows_it(
    agentpack: Agentpack, house: Path, sides: str
) -> None:
    known = lock(house)
    texts = {
        "declared": json.dumps(known, indent=1),
        "not": json.dumps({key: value for key, value in known.items() if key != "declared"}, indent=1),
    }
    ours, theirs = (texts[side] for side in sides.split(", "))
    (house / "agentpack.lock").write_text(f"<<<<<<< a\n{ours}\n=======\n{theirs}\n>>>>>>> b\n")
    (house / FILE).unlink()
    manifest = house / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "# read anew\n")
    told = f"agentpack.yaml:3: clients[0]: there is no client `house` (`{FILE}`, which declared it, is gone)"
    assert agentpack("install", "data-reviewer", expect=2).err == f"project {house}\nerror: {told}\n"


def test_what_one_branch_accepted_of_a_declaration_the_other_did_not(agentpack: Agentpack, house: Path) -> None:
    commit(house)
    git(house, "switch", "--quiet", "--create", "side")
    declare(house, GREEDY)
    agentpack("sync", "--accept", "hooks")
    commit(house)
    git(house, "switch", "--quiet", "-")
    agentpack("install", "data-reviewer[strict]")
    commit(house)
    with pytest.raises(subprocess.CalledProcessError):
        git(house, "merge", "side")
    git(house, "checkout", "--theirs", AGENT)
    assert FILE in agentpack("lock", expect=3).err
    agentpack("lock", "--accept", "hooks")
    agentpack("sync")
    agentpack("diff")


def test_a_declaration_that_does_less_than_one_branch_and_more_than_the_other_is_named(
    agentpack: Agentpack, house: Path
) -> None:
    commit(house)
    git(house, "switch", "--quiet", "--create", "side")
    declare(house, {**GREEDY, "fixed": {"hooks": {"start": "make"}, "mcpServers": {"db": {"command": "db"}}}})
    agentpack("sync", "--accept", "hooks", "--accept", "mcp")
    commit(house)
    git(house, "switch", "--quiet", "-")
    declare(house, {**DECLARATION, "title": "Main"})
    agentpack("sync")
    commit(house)
    with pytest.raises(subprocess.CalledProcessError):
        git(house, "merge", "side")
    declare(house, {**GREEDY, "fixed": {"hooks": {"start": "make"}}})
    ran = agentpack("lock", expect=3)
    assert f"`{FILE}`: the changed declaration lets agents do more than before" in ran.err
    assert "--accept hooks" in ran.err
    assert "restore the old declaration" in ran.err


def test_a_lock_made_after_a_half_merge_stops_for_what_neither_side_declared(agentpack: Agentpack, house: Path) -> None:
    half_merge(agentpack, house)
    declare(house, GREEDY)
    assert FILE in agentpack("lock", expect=3).err


def test_what_may_be_of_another_declaration_is_told_beside_the_files(agentpack: Agentpack, house: Path) -> None:
    told = {
        "changed": "error: agentpack.lock is out of date with agentpack.yaml\n"
        f"  `{FILE}` has changed since the lock was written\nhint: `agentpack lock` brings the lock up to date\n",
        "unrecorded": "error: the locked releases do not match agentpack.lock\n"
        "  .house/agents/reviewer.md\n"
        f"  `{FILE}` may have changed: the lock does not record its content\n"
        "hint: the lock was changed by hand, or by another version of agentpack: `agentpack lock` rewrites it\n",
    }
    declare(house, {**DECLARATION, "title": "Other", "fixed": {"x": "y"}})
    for words in (("sync", "--frozen"), ("sync", "--locked")):
        assert agentpack(*words, expect=3).err == f"project {house}\n{told['changed']}"
    written = {key: value for key, value in lock(house).items() if key != "declared"}
    [row] = [row for row in written["files"] if row["client"] == "house"]
    others = [one for one in written["files"] if one != row]
    more = ".house/agents/writer.md"
    for now, rows, place in (
        ({"title": "Other", "fixed": {"x": "y"}}, [*others, row], row["path"]),
        ({}, others, row["path"]),  # only the release has it
        ({}, [*others, row, {**row, "path": more, "persona": "writer"}], more),  # only the lock has it
    ):
        declare(house, {**DECLARATION, **now})
        put_lock(house, {**written, "files": rows})
        for words in (("sync", "--frozen"), ("sync", "--locked")):
            said = agentpack(*words, expect=3).err
            assert said == f"project {house}\n{told['unrecorded'].replace(row['path'], place)}"


@pytest.mark.parametrize("value", [[], {"house": "x"}, {"house": 1}, {"House!": "sha256:" + "0" * 64}])
def test_a_lock_that_says_it_otherwise_is_no_lock(agentpack: Agentpack, house: Path, value: object) -> None:
    put_lock(house, {**lock(house), "declared": value})
    agentpack("diff", expect=2)


# Names.


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("claude", "comes with agentpack"),
        ("skills", "comes with agentpack"),
        ("roo-skills", "comes with agentpack"),
        ("claude-code", "is another name of `claude`, which comes with agentpack"),
        ("vscode", "is another name of `copilot`, which comes with agentpack"),
        ("My House", "is not a name: lower-case letters, digits and hyphens"),
        ("my_house", "is not a name: lower-case letters, digits and hyphens"),
    ],
)
@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_a_declaration_takes_no_name_that_means_a_client_of_ours(
    agentpack: Agentpack, project: Path, name: str, why: str, ending: str
) -> None:
    declare(project, DECLARATION, name)
    path = f".agentpack/clients/{name}.{ending}"
    (project / f".agentpack/clients/{name}.yaml").rename(project / path)
    told = f"error: {path}: the client `{name}` {why}\nhint: rename the file\n"
    assert agentpack("clients", expect=2).err.endswith(told)


def test_what_an_editor_or_a_desktop_left_beside_declarations_declares_nothing(
    agentpack: Agentpack, house: Path
) -> None:
    for name in ("._house.yaml", ".#house.yaml", "README.md", "house.json", "house.yaml.bak"):
        (house / ".agentpack/clients" / name).write_text("nothing: [")
    agentpack("diff")
    agentpack("clients")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Bad_Name", "is not a name: lower-case letters, digits and hyphens"),
        ("claude", "comes with agentpack"),
        ("skills", "comes with agentpack"),
        ("vscode", "is another name of `copilot`, which comes with agentpack"),
    ],
)
def test_a_declaration_that_is_called_otherwise_than_a_new_client_is_told(
    agentpack: Agentpack, project: Path, name: str, why: str
) -> None:
    declare(project, DECLARATION, name)
    told = f"error: .agentpack/clients/{name}.yaml: the client `{name}` {why}\nhint: rename the file\n"
    assert agentpack("clients", expect=2).err.endswith(told)


@pytest.mark.parametrize(("used", "other"), [("house", "yard"), ("yard", "house")])
def test_a_misnamed_file_is_told_the_name_for_the_client_in_use(
    agentpack: Agentpack, project: Path, used: str, other: str
) -> None:
    """Of two clients that share a folder."""
    for name in (used, other):
        declare(project, {**DECLARATION, "title": name.title(), "file": f"{{name}}.{name}.md"}, name)
    (project / "agentpack.yaml").write_text(f"schema: 1\nclients: [{used}]\n")
    (project / ".house/agents").mkdir(parents=True)
    (project / ".house/agents/tidy.txt").write_text("---\ndescription: Tidies.\n---\nTidy.\n")
    ran = agentpack("adopt", ".house/agents/tidy.txt", expect=2)
    assert f"{used.title()} reads agents there as `NAME.{used}.md`: rename the file" in ran.err


def test_a_client_is_declared_once(agentpack: Agentpack, house: Path) -> None:
    shutil.copy(house / FILE, house / FILE.replace(".yaml", ".yml"))
    other = FILE.replace(".yaml", ".yml")
    told = f"error: {other}: the client `house` is declared twice: also in {FILE}\n"
    assert agentpack("diff", expect=2).err == f"project {house}\n{told}"


# Where else it shows.


def test_a_client_that_has_its_agents_where_another_has_them_reads_the_same_file(
    agentpack: Agentpack, project: Path
) -> None:
    """It is written once and said so; where it would need another text, or another pack is there, it is refused."""
    publish(project / "packs", make_pack(), make_pack("other"))
    shared = {**DECLARATION, "title": "House", "project": ".claude/agents"}
    declare(project, shared)
    words = ("install", "data-reviewer", "--source", "packs", "--client", "claude,house")
    ran = agentpack(*words)
    assert "House reads .claude/agents/reviewer.md: no second file is written for it" in ran.err
    assert [row["client"] for row in lock(project)["files"]] == ["claude"]
    agentpack("sync", "--locked")
    before = tree(project)
    manifest = project / "agentpack.yaml"
    manifest.write_text(
        manifest.read_text().replace(
            "  - data-reviewer\n",
            "  - {require: data-reviewer, clients: [claude]}\n  - {require: other, clients: [house]}\n",
        )
    )
    assert "`data-reviewer` and `other` both have a persona `reviewer`" in agentpack("sync", expect=4).err
    manifest.write_bytes(before["agentpack.yaml"])
    declare(project, {**shared, "description": "summary"})
    ran = agentpack("sync", expect=3)
    assert "Claude Code and House read the same file, but need different texts; nothing was written" in ran.err
    assert tree(project)[".claude/agents/reviewer.md"] == before[".claude/agents/reviewer.md"]


def test_a_file_is_adopted_for_the_client_in_use_where_another_has_the_same_folder(
    agentpack: Agentpack, house: Path
) -> None:
    declare(house, {**DECLARATION, "project": ".claude/agents"}, name="acme")
    (house / ".claude/agents/mine.md").write_text(persona_text("mine"))
    agentpack("adopt", ".claude/agents/mine.md")
    assert {row["client"] for row in lock(house)["files"] if row["persona"] == "mine"} == {"claude"}


def test_the_user_s_own_clients_are_named_in_full(agentpack: Agentpack, project: Path, home: Path) -> None:
    publish(home / "packs", make_pack())
    place = home / ".config/agentpack/clients/house.yaml"
    place.parent.mkdir(parents=True)
    place.write_text("schema: 1\nuser: {folder: .house/agents}\n")
    agentpack("install", "--user", "data-reviewer", "--source", str(home / "packs"), "--client", "house")
    assert [*json.loads((home / ".config/agentpack/agentpack.lock").read_text())["declared"]] == ["house"]
    agentpack("diff", "--user")
    place.write_text("schema: 1\nuser: {folder: .house/agents}\nfixed: {hooks: {start: make}}\n")
    for command, code in LOOKING.items():
        ran = agentpack(*command.split(), "--user", expect=code)
        assert "/.config/agentpack/clients/house.yaml` has changed since" in ran.out + ran.err, command
    assert "~/.config/agentpack/clients/house.yaml" in agentpack("sync", "--user", expect=3).err


def test_a_command_without_accept_names_one_that_has_it(agentpack: Agentpack, house: Path) -> None:
    """Taking another pack out would write the files of this one anew."""
    publish(house / "packs", make_pack("other", personas={"tester": persona_text("tester")}))
    agentpack("install", "other")
    declare(house, GREEDY)
    ran = agentpack("uninstall", "other", expect=3)
    hint = next(line for line in ran.err.splitlines() if line.startswith("hint: "))
    agentpack(*hint.partition("`agentpack ")[2].partition("`")[0].split())
    agentpack("uninstall", "other")
    agentpack("diff")


def test_a_file_of_another_client_left_in_conflict_was_written_by_no_declaration(
    agentpack: Agentpack, house: Path
) -> None:
    mine = house / ".claude/agents/reviewer.md"
    mine.write_text(mine.read_text().replace("Say what you saw.", "Say nothing."))
    before = lock(house)["declared"]
    declare(house, {**DECLARATION, "description": "summary"})
    body = BODY.replace("Say what you saw.", "Say it all.")
    publish(house / "packs", make_pack(version="1.1.0", personas={"reviewer": persona_text(body=body)}))
    agentpack("upgrade", "--yes", "--partial", expect=3)
    left = lock(house)
    assert [(file["client"], file.get("release")) for file in left["files"]] == [("claude", "1.0.0"), ("house", None)]
    assert left["declared"] != before
    assert "declared" not in left["written"]


def test_a_file_left_in_conflict_was_written_by_the_declaration_before(agentpack: Agentpack, house: Path) -> None:
    (house / AGENT).write_text((house / AGENT).read_text().replace("description:", "description: Mine. #"))
    before = lock(house)["declared"]
    declare(house, {**GREEDY, "description": "summary"})
    agentpack("sync", "--partial", "--accept", "hooks", expect=3)
    left = lock(house)
    assert left["written"]["declared"] == before
    assert left["declared"] != before
    assert [file["client"] for file in left["files"] if "release" in file] == ["house"]
    agentpack("sync", "--on-conflict", "theirs", "--accept", "hooks")
    assert "written" not in lock(house)
    agentpack("lock", "--check")


def test_doctor_tells_of_a_declaration_that_a_clone_would_not_have(agentpack: Agentpack, house: Path) -> None:
    (house / ".gitignore").write_text(".agentpack/clients/\n")
    assert f"{FILE} is ignored" in agentpack("doctor").out


@pytest.mark.parametrize("kind", ["project", "user"])
def test_declarations_that_changed_are_gone_or_are_not_in_the_lock_are_named_in_order(home: Path, kind: str) -> None:
    environment = Environment.current()
    scope = project_scope(str(home), "") if kind == "project" else user_scope(environment, "")
    folder, digest = scope.declared_clients, text_digest(b"x")
    names = ("zoo", "house", "same", "unused")
    clients = Clients({}, {name: ClientDeclaration(f"{folder}/{name}.yml", digest) for name in names})
    then = {"zoo": text_digest(b"y"), "house": text_digest(b"y"), "same": digest, "gone": digest}
    lock = Lock({}, ("house", "zoo", "same"), (), (), declared=then)
    place = ".agentpack/clients" if kind == "project" else f"{home}/.config/agentpack/clients"
    assert [str(one) for one in changed_declarations(clients, scope, lock)] == [
        f"`{place}/gone.yaml` is gone",
        f"`{place}/house.yml` has changed since the lock was written",
        f"`{place}/zoo.yml` has changed since the lock was written",
    ]
    assert unrecorded_declarations(clients, scope, lock) == ()
    older = lock._replace(declared={"same": digest})
    assert [(one.client, one.path) for one in unrecorded_declarations(clients, scope, older)] == [
        ("zoo", f"{place}/zoo.yml"),
        ("house", f"{place}/house.yml"),
    ]


def test_a_lock_is_read_as_it_was_written() -> None:
    told, older = {"house": text_digest(b"a")}, {"house": text_digest(b"b")}
    made = Lock({"packs": []}, ("claude",), (), (), written=WrittenState((), (), older), declared=told)
    assert parse_lock(made.to_text().encode(), "agentpack.lock") == made
    assert as_written(made).declared == older


def test_a_declared_folder_of_a_project_is_called_after_agents(agentpack: Agentpack, project: Path) -> None:
    """A row of a lock could make others' files ours there, such as a page of the documents."""
    write = project / FILE
    write.parent.mkdir(parents=True)
    for folder, is_fit in (("docs", False), ("src/content", False), ("docs/agents", True), ("personas", True)):
        write.write_text(yaml.safe_dump({"schema": 1, "project": folder, "format": "body", "description": False}))
        ran = agentpack("status", expect=0 if is_fit else 2)
        assert is_fit or f"`{folder}` is not a folder for agents" in ran.err
