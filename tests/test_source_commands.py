"""`source list`, `add`, `remove` and `check`, and the user's own sources in projects."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.cases import case
from support.collection_files import agent_text
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import marks, tree, write_tree
from test_startup import loaded

from agentpack.writers.schema_line import without_schema_line


def pack(name: str, version: str = "1.0.0", **more: Any) -> dict[str, bytes]:
    return make_pack(name, version, personas={name: persona_text(name)}, **more)


@pytest.fixture
def packs(project: Path) -> Path:
    return publish(project / "packs", pack("crew"), pack("crew", "1.1.0"), pack("lint"))


def lock_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "agentpack.lock").read_text())
    return found


def locked_from(folder: Path) -> dict[str, str]:
    return {row["name"]: row["source"] for row in lock_of(folder)["packs"]}


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The folder of the user's manifest."""
    folder = tmp_path / "home/.config/agentpack"
    folder.mkdir(parents=True)
    return folder


# add


def test_a_source_is_added_where_there_is_no_manifest(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("source", "add", "ours", "packs")
    assert without_schema_line((project / "agentpack.yaml").read_text()) == (
        "schema: 1\nsources:\n  - {name: ours, path: packs}\npacks: []\n"
    )
    agentpack("install", "crew")
    assert locked_from(project) == {"crew": "ours"}


def test_the_place_is_read_as_install_reads_it(agentpack: Agentpack, project: Path, packs: Path) -> None:
    kit = Repository(project.parent / "kit").commit({"agents/one.md": agent_text("one", "You are one.")})
    (project / "inner").mkdir()
    agentpack("source", "add", "ours", "../packs", cwd=project / "inner")
    agentpack("source", "add", "kit", f"git+{kit.address}@main#subdirectory=agents")
    agentpack("source", "add", "hub", "github:acme/agents", "--ref", "v1", "--packs", "z-*,acme-*", "--packs", "lint")
    assert without_schema_line((project / "agentpack.yaml").read_text()) == (
        "schema: 1\nsources:\n"
        "  - {name: ours, path: packs}\n"
        f'  - {{name: kit, git: "{kit.address}", ref: main, subdirectory: agents}}\n'
        '  - {name: hub, git: "github:acme/agents", ref: v1, packs: ["acme-*", lint, "z-*"]}\n'
        "packs: []\n"
    )


def test_a_source_that_cannot_be_is_refused(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("source", "add", "ours", "packs")
    before = marks(project, without=(".git",))
    for call, why in {
        "ours packs": "a source `ours` already exists: packs",
        "bundled packs": "`bundled` is reserved for the packs that come with agentpack",
        "Ours packs": "`Ours` is not a valid name",
        "more nowhere": "no such folder or archive",
        "more git+https://ada:secret@example.com/a.git": "password",
        "more packs --ref main": "`--ref` cannot be used with `packs`, which is a source of kind `path`",
        "more packs --sha256 00": "`--sha256` cannot be used with `packs`",
        "more github:a/b@v1 --ref v2": "`--ref v2`: but `github:a/b@v1` has `v1`",
        "more github:a/b --ref -x": "`-x` is not the name of a branch, tag or commit",
        "more packs --packs Acme": "`Acme` is not normalized: write `acme`",
        "more packs --packs ..*": "`..*` is not a pack name or a pattern",
    }.items():
        with case(call):
            ran = agentpack("source", "add", *call.split(), expect=2)
            assert why in ran.err
            assert "secret" not in ran.err
    assert marks(project, without=(".git",)) == before


def test_adding_and_removing_leave_everything_else_as_it_is(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "crew==1.0.0", "--source", "packs")
    publish(project / "more", pack("crew", "3.0.0"), pack("crew", "1.0.0", description="Another."))
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("sources:", "# where they come from\nsources:"))
    agentpack("sync")
    before = {name: data for name, data in tree(project).items() if not name.startswith((".agentpack", "agentpack"))}
    rows, text, manifest = lock_of(project), (project / "agentpack.lock").read_text(), path.read_text()
    agentpack("source", "add", "more", "more", "--packs", "other-*")
    assert path.read_text() == manifest.replace(
        "path: packs}\n", 'path: packs}\n  - {name: more, path: more, packs: ["other-*"]}\n'
    )
    now = lock_of(project)
    assert {**now, "manifest": ""} == {**rows, "manifest": ""}
    for check in (["sync", "--locked"], ["lock", "--check"], ["diff"], ["sync", "--check"], ["sync", "--frozen"]):
        agentpack(*check)
    agentpack("source", "remove", "more")
    assert (path.read_text(), (project / "agentpack.lock").read_text()) == (manifest, text)
    agentpack("sync", "--locked")
    after = {name: data for name, data in tree(project).items() if not name.startswith((".agentpack", "agentpack"))}
    assert after == before
    agentpack("rollback")
    assert "name: more" in path.read_text()
    agentpack("sync", "--locked")


def test_a_lock_that_is_out_of_date_stays_so(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "crew", "--source", "packs")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("path: packs}", "path: ./packs}"))
    agentpack("source", "add", "more", "packs")
    assert "`sources` has changed since" in agentpack("sync", "--locked", expect=3).err


def test_patterns_that_would_move_a_locked_pack_are_refused(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "crew", "--source", "packs")
    publish(project / "more", pack("crew"))
    before = marks(project, without=(".git",))
    ran = agentpack("source", "add", "more", "more", "--packs", "c*", expect=3)
    assert "crew comes from `packs`" in ran.err
    assert marks(project, without=(".git",)) == before
    agentpack("uninstall", "crew")
    agentpack("source", "add", "more", "more", "--packs", "c*")
    agentpack("install", "crew")
    assert locked_from(project) == {"crew": "more"}


def test_a_dry_run_shows_the_change_and_writes_nothing(agentpack: Agentpack, project: Path, packs: Path) -> None:
    agentpack("install", "crew", "--source", "packs")
    agentpack("source", "add", "more", "packs")
    before = marks(project, without=(".git",))
    for call in (["add", "again", "packs"], ["remove", "more"]):
        with case(call[0]):
            ran = agentpack("source", *call, "--dry-run")
            assert "agentpack.yaml  updated" in ran.err
            assert "agentpack.lock  updated" in ran.err
            assert marks(project, without=(".git",)) == before


def test_a_source_outside_of_the_project_is_pointed_out(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    publish(tmp_path / "far", pack("crew"))
    assert "other clones need ../far too" in agentpack("source", "add", "far", "../far").err


# remove


def test_a_source_with_installed_packs_is_not_removed(agentpack: Agentpack, project: Path, packs: Path) -> None:
    write_tree(project / "kit/agents", {"one.md": agent_text("one", "You are one.")})
    agentpack("source", "add", "packs", "packs")
    agentpack("install", "crew", "lint")
    agentpack("install", "./kit")
    before = marks(project, without=(".git",))
    ran = agentpack("source", "remove", "packs", expect=3)
    assert "2 packs come from `packs`; nothing was changed\n  crew\n  lint\n" in ran.err
    assert "`agentpack install crew lint --source PLACE` moves them to another source" in ran.err
    assert "`agentpack uninstall crew lint` removes them" in ran.err
    (project / "agentpack.lock").rename(project / "kept")
    assert "1 pack comes from `kit`" in agentpack("source", "remove", "kit", expect=3).err  # by its entry
    (project / "kept").rename(project / "agentpack.lock")
    assert marks(project, without=(".git",)) == before
    agentpack("uninstall", "crew", "lint")
    agentpack("source", "remove", "packs")
    agentpack("sync", "--locked")


def test_a_source_that_is_not_there_is_named(agentpack: Agentpack, project: Path, packs: Path, user: Path) -> None:
    agentpack("source", "add", "ours", "packs")
    (user / "agentpack.yaml").write_text("schema: 1\nsources: [{name: mine, path: /srv/packs}]\n")
    for name, why in {
        "our": "did you mean `ours`?",
        "bundled": "is built into agentpack",
        "mine": "`agentpack source remove mine --user`",
    }.items():
        with case(name):
            assert why in agentpack("source", "remove", name, expect=2).err


# list


def test_sources_are_listed_with_what_they_say(agentpack: Agentpack, project: Path, packs: Path, user: Path) -> None:
    assert "`agentpack source add NAME PLACE` adds one" in agentpack("source", "list").err
    (user / "agentpack.yaml").write_text("schema: 1\nsources: [{name: mine, path: shared, packs: [my-*]}]\n")
    agentpack("source", "add", "hub", "github:acme/agents", "--ref", "v1", "--subdirectory", "packs")
    assert agentpack("source", "list").out == (
        "name\tkind\tplace\tpacks\tscope\n"
        "hub\tgit\tgithub:acme/agents (ref v1) (subdirectory packs)\t\tproject\n"
        f"mine\tpath\t{user}/shared\tmy-*\tuser\n"
    )
    first, second = agentpack("source", "list", "--json").envelope["data"]["sources"]
    assert first["ref"] == "v1"
    assert first["packs"] is None
    assert (second["name"], second["place"], second["packs"], second["scope"]) == (
        "mine",
        f"{user}/shared",
        ["my-*"],
        "user",
    )
    assert [row["place"] for row in agentpack("source", "list", "--user", "--json").envelope["data"]["sources"]] == [
        "shared"
    ]


def test_listing_loads_no_network_code(agentpack: Agentpack, project: Path) -> None:
    agentpack("source", "add", "hub", "github:acme/agents")
    modules = loaded(project, "source", "list")
    assert not {name for name in modules if name.startswith(("agentpack.remote", "agentpack.sources.git", "httpx"))}
    assert modules & {"ssl", "urllib.request"} == set()


# check


def test_a_check_says_what_of_a_source_cannot_be_had(agentpack: Agentpack, project: Path) -> None:
    sources = "".join(f"  - {{name: {name}, path: {name}}}\n" for name in ("kit", "empty", "gone"))
    plugins = '{"name": "m", "plugins": [{"name": "a", "source": 5}]}'
    files = {"one.md": agent_text("one", "Work."), "two.md": "---\nname: two\n---\nNo.\n"}
    write_tree(project / "kit", {f"agents/{name}": text for name, text in files.items()})
    write_tree(project / "kit", {".claude-plugin/marketplace.json": plugins})
    write_tree(project, {"agentpack.yaml": f"schema: 1\nsources:\n{sources}", "empty/notes.txt": ""})
    kit, *rest = agentpack("source", "check", expect=6).out.splitlines()
    assert kit == f"kit: {project}/kit"
    assert re.fullmatch(r"  kit 0\.0\.0\+h\w+  1 agent", rest.pop(0))
    assert rest == [
        "    left out: agents/two.md (its header has no description)",
        "  skipped plugin `a`: its `source` is not text",
        f"empty: {project}/empty",
        "  no packs and no agent files",
        f"gone: {project}/gone",
        f"  error: the source `gone` is missing: there is no folder {project}/gone",
    ]


def test_a_check_says_what_each_source_offers(agentpack: Agentpack, project: Path, packs: Path) -> None:
    kit = Repository(project.parent / "kit").commit({"agents/one.md": agent_text("one", "You are one.")})
    tagged = Repository(project.parent / "tagged").commit({**pack("tagged")}).tag("v1.0.0")
    agentpack("source", "add", "ours", "packs", "--packs", "c*")
    agentpack("source", "add", "kit", f"git+{kit.address}")
    agentpack("source", "add", "tagged", f"git+{tagged.address}")
    out = agentpack("source", "check").out
    assert f"ours: {project}/packs\n  crew 1.1.0  1 agent, 2 releases\n  not in its `packs`: lint\n" in out
    assert f"kit: {kit.address}\n  kit 0.0.0+20261128100100.g{kit.head[:12]}  1 agent, commit {kit.head[:12]}\n" in out
    assert f"tagged: {tagged.address}\n  tagged 1.0.0  1 agent, tag v1.0.0\n" in out
    [row] = agentpack("source", "check", "kit", "--json").envelope["data"]["sources"]
    assert (row["name"], row["where"], row["faults"]) == ("kit", kit.address, [])
    assert [(one["name"], one["agents"], one["commit"]) for one in row["offers"]] == [("kit", ["one"], kit.head)]


def test_every_fault_is_named_and_the_worst_decides(agentpack: Agentpack, project: Path, packs: Path) -> None:
    publish(project / "broken", pack("sound"), pack("ill"))
    (project / "broken/ill/1.0.0/pack.yaml").write_text("schema: 1\nname: ill\nversion: 1.0.0\ncolour: red\n")
    publish(
        project / "sly", pack("sly", files={"personas/sly.md": persona_text("sly") + "\n\N{ZERO WIDTH SPACE}\u202e\n"})
    )
    (project / "gone").mkdir()
    for name in ("packs", "broken", "sly", "gone"):
        agentpack("source", "add", name, name)
    (project / "gone").rmdir()
    agentpack("source", "check", "packs")
    assert "there is no folder" in agentpack("source", "check", "packs", "gone", expect=6).out
    broken = agentpack("source", "check", "broken", expect=2).out
    assert "colour" in broken
    assert "sound 1.0.0  1 agent" in broken
    every = agentpack("source", "check", "--json", expect=5).envelope["data"]["sources"]
    assert [[fault["code"] for fault in row["faults"]] for row in every] == [
        [],
        ["invalid-file"],
        ["hidden-text"],
        ["unavailable"],
    ]
    assert "did you mean `sly`?" in agentpack("source", "check", "slyy", expect=2).err


# The user's own sources.


@pytest.fixture
def own(user: Path) -> Path:
    """A source `mine` of the user's own, by a path relative to its manifest."""
    publish(user / "shared", pack("crew"), pack("python-engineer"), pack("spare"))
    (user / "agentpack.yaml").write_text("schema: 1\nsources: [{name: mine, path: ./shared}]\n")
    return user / "shared"


def test_a_pack_of_the_users_own_source_brings_the_source_with_it(
    agentpack: Agentpack, project: Path, home: Path, own: Path
) -> None:
    assert agentpack("show", "crew", "--json").envelope["data"]["source"] == "mine"
    found = agentpack("search", "crew", "--json").envelope["data"]["packs"]
    assert [(row["name"], row["source"]) for row in found] == [("crew", "mine")]
    ran = agentpack("install", "crew")
    assert "note: `crew` comes from your own source `mine`, which is now in agentpack.yaml" in ran.err
    assert f"other clones need ~/{own.relative_to(home)} too" in ran.err
    assert f'sources:\n  - {{name: mine, path: "{own}"}}\n' in (project / "agentpack.yaml").read_text()
    assert locked_from(project) == {"crew": "mine"}
    (own.parent / "agentpack.yaml").unlink()  # as on a colleague's machine
    agentpack("sync", "--locked")
    agentpack("lock", "--check")
    assert "nothing to change" in agentpack("install", "crew").err


def test_a_source_of_the_users_own_inside_the_project_is_named_by_its_place_there(
    agentpack: Agentpack, project: Path, packs: Path
) -> None:
    agentpack("source", "add", "mine", str(packs), "--user")
    assert agentpack("install", "crew==1.0.0").err.splitlines()[-2:] == [
        "note: `crew` comes from your own source `mine`, which is now in agentpack.yaml",
        "generation 1; `agentpack rollback` undoes it",
    ]
    assert without_schema_line((project / "agentpack.yaml").read_text()) == (
        "schema: 1\nclients: [claude]\nsources:\n  - {name: mine, path: packs}\npacks:\n  - crew==1.0.0\n"
    )


def test_own_sources_of_the_project_come_first_and_the_bundled_packs_last(
    agentpack: Agentpack, project: Path, packs: Path, own: Path
) -> None:
    agentpack("source", "add", "ours", "packs")
    agentpack("install", "crew")
    assert locked_from(project) == {"crew": "ours"}
    assert "mine" not in (project / "agentpack.yaml").read_text()
    agentpack("install", "python-engineer")
    assert locked_from(project) == {"crew": "ours", "python-engineer": "mine"}


def test_what_is_installed_never_moves_to_a_source_of_the_users_own(
    agentpack: Agentpack, project: Path, own: Path
) -> None:
    (own.parent / "agentpack.yaml").rename(own.parent / "later")
    agentpack("install", "python-engineer")
    (own.parent / "later").rename(own.parent / "agentpack.yaml")
    for call in (["install", "python-engineer"], ["install", "python-engineer@latest"], ["sync"], ["upgrade", "--yes"]):
        with case(" ".join(call)):
            agentpack(*call)
            assert locked_from(project) == {"python-engineer": "bundled"}
    agentpack("sync", "--locked")


def test_what_another_pack_requires_stays_where_it_comes_from(agentpack: Agentpack, project: Path, own: Path) -> None:
    publish(project / "packs", pack("top", requires=["python-engineer"]))
    agentpack("install", "top", "--source", "packs")
    assert locked_from(project) == {"python-engineer": "bundled", "top": "packs"}
    agentpack("install", "python-engineer")
    assert locked_from(project) == {"python-engineer": "bundled", "top": "packs"}


def test_a_taken_name_of_a_source_is_changed(agentpack: Agentpack, project: Path, packs: Path, own: Path) -> None:
    agentpack("source", "add", "mine", "packs")
    agentpack("install", "spare")
    assert locked_from(project) == {"spare": "mine-2"}


def test_a_collection_of_the_users_own_is_installed_by_its_name(
    agentpack: Agentpack, project: Path, user: Path
) -> None:
    kit = Repository(project.parent / "kit").commit({"agents/one.md": agent_text("one", "You are one.")})
    agentpack("source", "add", "kit", f"git+{kit.address}", "--user")
    agentpack("show", "kit")
    agentpack("install", "kit")
    assert lock_of(project)["packs"][0]["commit"] == kit.head
    assert "- require: kit\n    source: kit" in (project / "agentpack.yaml").read_text()
    agentpack("sync", "--locked")


def test_a_name_that_the_user_claims_comes_from_nowhere_else(
    agentpack: Agentpack, project: Path, packs: Path, own: Path
) -> None:
    (own.parent / "agentpack.yaml").write_text("schema: 1\nsources: [{name: mine, path: shared, packs: [li*]}]\n")
    agentpack("source", "add", "ours", "packs")
    assert "it may only come from `mine`" in agentpack("install", "lint", expect=4).err
    publish(own, pack("lint"))
    agentpack("install", "lint")
    assert locked_from(project) == {"lint": "mine"}
    assert 'packs: ["li*"]' in (project / "agentpack.yaml").read_text()


def test_a_pack_that_no_source_has_is_no_claim_of_the_users_own(agentpack: Agentpack, project: Path, own: Path) -> None:
    assert agentpack("install", "nobody", expect=4).err == (
        f"project {project}\nerror: there is no pack named `nobody`\nhint: `agentpack search` lists all packs\n"
    )


def test_a_lock_of_a_project_needs_the_source_in_its_own_manifest(
    agentpack: Agentpack, project: Path, own: Path
) -> None:
    agentpack("install", "crew")
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace(f'  - {{name: mine, path: "{own}"}}\n', "").replace("sources:\n", ""))
    assert agentpack("sync", expect=4)
    agentpack("sync", "--locked", expect=3)


def test_a_faulty_manifest_of_the_user_is_named(agentpack: Agentpack, project: Path, user: Path) -> None:
    (user / "agentpack.yaml").write_text("sources: 7\n")
    assert "sources" in agentpack("install", "python-engineer", expect=2).err


@pytest.mark.parametrize(
    "words",
    [["upgrade", "--yes"], ["upgrade", "--yes", "--latest"], ["upgrade", "--yes", "crew"], ["lock", "--upgrade"]],
)
def test_a_pack_stays_with_its_source_whatever_another_one_offers(
    agentpack: Agentpack, project: Path, tmp_path: Path, words: list[str]
) -> None:
    """Whoever adds a source does not say that packs of others come from there now."""
    ours = publish(tmp_path / "ours", pack("crew", "1.0.0"))
    theirs = publish(tmp_path / "theirs", pack("crew", "99.0.0"), pack("other"))
    agentpack("install", "crew", "--source", str(ours))
    path = project / "agentpack.yaml"
    path.write_text(path.read_text().replace("sources:\n", f"sources:\n  - {{name: theirs, path: {theirs}}}\n"))
    agentpack("sync", "--accept", "outside:theirs")
    publish(ours, pack("crew", "1.1.0"))
    agentpack(*words)
    [row] = lock_of(project)["packs"]
    assert (row["source"], row["version"]) == ("ours", "1.1.0")
    agentpack("install", "crew@latest")
    assert locked_from(project) == {"crew": "ours"}
    agentpack("install", "crew", "--source", str(theirs))
    [row] = lock_of(project)["packs"]
    assert (row["source"], row["version"]) == ("theirs", "99.0.0")


def test_a_source_of_the_users_own_inside_of_the_project_is_named_by_its_place_in_it(
    agentpack: Agentpack, project: Path, user: Path
) -> None:
    publish(project / "shared", pack("crew"))
    (user / "agentpack.yaml").write_text(f"schema: 1\nsources: [{{name: mine, path: {project}/shared}}]\n")
    agentpack("install", "crew")
    assert (project / "agentpack.yaml").read_text().count("{name: mine, path: shared}") == 1


def test_a_repository_of_the_users_own_is_named_by_its_address(
    agentpack: Agentpack, project: Path, user: Path, tmp_path: Path
) -> None:
    far = Repository(tmp_path / "far").commit(pack("crew"))
    (user / "agentpack.yaml").write_text(f"schema: 1\nsources: [{{name: mine, git: {far.address}}}]\n")
    agentpack("install", "crew")
    assert f'  - {{name: mine, git: "{far.address}"}}\n' in (project / "agentpack.yaml").read_text()


@pytest.mark.parametrize("has_it", [True, False])
def test_a_pack_that_only_another_source_may_provide_is_not_taken_from_there_instead(
    agentpack: Agentpack, project: Path, has_it: bool
) -> None:
    publish(project / "ours", pack("crew" if has_it else "lint"))
    publish(project / "others", pack("crew", version="2.0.0"))
    (project / "agentpack.yaml").write_text(
        "schema: 1\nsources:\n  - {name: ours, path: ours, packs: [crew]}\n  - {name: others, path: others}\n"
    )
    before = tree(project)
    assert agentpack("install", "crew", "--source", "others", expect=4).err == (
        f"project {project}\n"
        "error: `crew` may not come from `others`: the `packs` of `ours` match it\n"
        "hint: change `packs:` of a source, or `source:` of the entry, in agentpack.yaml\n"
    )
    assert tree(project) == before


def test_a_folder_of_the_users_own_with_an_invisible_name_is_not_copied_into_the_project(
    agentpack: Agentpack, project: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = own.parent.parent
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.rename(config.with_name("con\u200bfig"))))
    ran = agentpack("install", "crew", expect=2)
    assert ran.err == (
        f"project {project}\n"
        "error: the place of the source `mine` has hidden characters in its path\n"
        "hint: rename it: agentpack.yaml would contain invisible text\n"
    )
    assert tree(project) == {}


def test_a_folder_in_the_home_is_found_by_its_short_name(
    agentpack: Agentpack, project: Path, home: Path, own: Path
) -> None:
    """And one whose path has steps back is written without them."""
    for place in ("~/.config/agentpack/shared", "../agentpack/./shared"):
        with case(place):
            (own.parent / "agentpack.yaml").write_text(f"schema: 1\nsources: [{{name: mine, path: {place}}}]\n")
            agentpack("install", "crew")
            assert without_schema_line((project / "agentpack.yaml").read_text()) == (
                f'schema: 1\nclients: [claude]\nsources:\n  - {{name: mine, path: "{own}"}}\npacks:\n  - crew\n'
            )
            agentpack("rollback")
