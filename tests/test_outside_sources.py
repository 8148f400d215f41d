"""A project's source outside of its repository: read only where this user agreed to it."""

import os
import shutil
import tarfile
from pathlib import Path

import pytest
from support.collection_files import agent_text
from support.packs import make_pack, publish
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree

AGENT = "---\nname: private-notes\ndescription: Knows my customers.\n---\nThe secret is 42.\n"
MANIFEST = """\
schema: 1
clients: [claude]
sources:
  - {{name: mine, path: '{place}'}}
packs:
  - {{require: agents, source: mine}}
"""


@pytest.fixture(autouse=True)
def _nothing_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTPACK_TRUSTED_PLACES")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's own agents, in their home folder."""
    write_tree(tmp_path / "home", {".claude/agents/private-notes.md": AGENT})
    return tmp_path / "home"


def cloned(project: Path, place: str) -> None:
    write_tree(project, {"agentpack.yaml": MANIFEST.format(place=place)})


def places(home: Path, project: Path) -> list[str]:
    """Ways to spell the folder of the user's agents; the last one is a link that came along."""
    (project / "packs").symlink_to(home / ".claude/agents")
    near = os.path.relpath(home / ".claude/agents", project)
    return ["~/.claude/agents", str(home / ".claude/agents"), near, f"./{near}", f"packs/../{near}", "packs"]


@pytest.mark.many
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("command", ["sync", "install agents", "install --all agents", "upgrade", "lock"])
def test_what_a_clone_names_in_the_home_folder_is_not_copied_into_it(
    agentpack: Agentpack, project: Path, home: Path, number: int, command: str
) -> None:
    cloned(project, places(home, project)[number])
    before = tree(project)
    refused = agentpack(*command.split(), expect=3)
    assert "the source `mine` is outside this repository" in refused.err
    assert "`agentpack sync --accept outside:mine`" in refused.err
    assert tree(project) == before


@pytest.mark.parametrize(
    "command", ["status", "diff", "show agents", "search customers", "audit", "doctor", "render agents"]
)
def test_a_command_that_looks_does_not_read_it_either(
    agentpack: Agentpack, project: Path, home: Path, command: str
) -> None:
    cloned(project, "~/.claude/agents")
    before = tree(project)
    said = agentpack(*command.split(), expect=None)
    assert said.exit_code in (0, 1, 2, 3, 4), said.err
    assert "secret" not in said.out + said.err and "private-notes" not in said.out + said.err
    assert tree(project) == before
    if "note: the source `mine`" in said.err:
        assert "so it is not read: ~/.claude/agents; `agentpack sync --accept outside:mine` allows it\n" in said.err
    assert ("note: the source `mine`" in said.err) is (command == "search customers")


def test_an_archive_outside_is_a_place_like_any_other(agentpack: Agentpack, project: Path, home: Path) -> None:
    archive = home / "notes.tar.gz"
    with tarfile.open(archive, "w:gz", format=tarfile.USTAR_FORMAT) as packed:
        packed.add(home / ".claude/agents", "agents")
    cloned(project, str(archive))
    assert "outside this repository" in agentpack("sync", expect=3).err


def test_a_place_on_another_machine_is_none_outside_of_the_repository(
    agentpack: Agentpack, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTPACK_OFFLINE", "1")
    cloned(project, "x")
    manifest = project / "agentpack.yaml"
    for address in ("git: 'https://example.com/agents'", "git: 'git@example.com:agents'", "git: 'github:acme/agents'"):
        manifest.write_text(MANIFEST.format(place="x").replace("path: 'x'", address))
        refused = agentpack("sync", expect=6).err
        assert "outside" not in refused
        assert "offline" in refused.lower()


def test_accepted_once_it_is_read_from_then_on(agentpack: Agentpack, project: Path, home: Path) -> None:
    cloned(project, "~/.claude/agents")
    agentpack("sync", "--accept", "outside:mine")
    assert (project / ".claude/agents/private-notes.md").exists()
    (home / ".claude/agents/private-notes.md").write_text(AGENT + "More.\n")
    agentpack("upgrade", "--yes")
    assert "More." in (project / ".claude/agents/private-notes.md").read_text()
    assert "outside" not in agentpack("status").err


def test_the_history_says_which_source_was_accepted(agentpack: Agentpack, project: Path, home: Path) -> None:
    cloned(project, "~/.claude/agents")
    agentpack("sync", "--accept", "outside:mine")
    generations = agentpack("history", "--json").envelope["data"]["generations"]
    assert "sync --accept outside:mine" in [generation["command"] for generation in generations]


def test_what_the_user_wrote_in_a_manifest_of_their_own_needs_no_agreement(
    agentpack: Agentpack, home: Path, tmp_path: Path
) -> None:
    write_tree(tmp_path / "theirs", {"agents/their-notes.md": AGENT.replace("private-notes", "their-notes")})
    text = MANIFEST.format(place=tmp_path / "theirs").replace("require: agents", "require: theirs")
    write_tree(home / ".config/agentpack", {"agentpack.yaml": text})
    agentpack("sync", "--user")
    assert (home / ".claude/agents/their-notes.md").exists()
    assert "outside" not in agentpack("status", "--user").err


def test_only_the_source_that_is_named_is_accepted(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    write_tree(tmp_path / "theirs", {"agents/their-notes.md": AGENT.replace("private-notes", "their-notes")})
    text = MANIFEST.format(place="~/.claude/agents").replace(
        "packs:", f"  - {{name: theirs, path: {tmp_path}/theirs}}\npacks:"
    )
    write_tree(project, {"agentpack.yaml": f"{text}  - {{require: theirs, source: theirs}}\n"})
    refused = agentpack("sync", "--accept", "outside:mine", expect=3)
    assert "the source `theirs` is outside this repository" in refused.err
    assert not (project / ".claude").exists()
    agentpack("sync", "--accept", "outside:mine,outside:theirs")
    assert (project / ".claude/agents/their-notes.md").exists()


def test_accepting_is_remembered_where_nothing_else_changes(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack("reviews", "1.0.0"))
    agentpack("install", "reviews", "--source", "../packs")
    (project / ".agentpack/state").rename(tmp_path / "gone")  # as in a fresh clone
    assert "outside this repository" in agentpack("upgrade", "--yes", expect=3).err
    for option in ("--locked", "--frozen"):  # which change nothing but files
        assert "generation" not in agentpack("sync", option, "--accept", "outside:packs").err
    assert "generation" in agentpack("sync", "--accept", "outside:packs").err
    agentpack("upgrade", "--yes")
    assert "nothing to change" in agentpack("sync", "--accept", "outside:packs").err


@pytest.mark.parametrize("command", ["sync", "sync --locked"])
def test_locked_agents_that_are_only_there_are_asked_about(
    agentpack: Agentpack, project: Path, home: Path, command: str
) -> None:
    cloned(project, "~/.claude/agents")
    agentpack("sync", "--accept", "outside:mine")
    shutil.rmtree(project / ".agentpack/state")  # as in a clone whose agents are not committed
    shutil.rmtree(project / ".claude")
    refused = agentpack(*command.split(), expect=3)
    assert "the source `mine` is outside this repository" in refused.err
    assert "allows this checkout to use it" in refused.err.partition("hint:")[2]
    agentpack("sync", "--accept", "outside:mine")
    assert (project / ".claude/agents/private-notes.md").exists()


def test_a_place_that_the_command_line_names_needs_no_question(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack("reviews", "1.0.0"))
    agentpack("install", "reviews", "--source", "../packs")
    publish(tmp_path / "packs", make_pack("reviews", "1.1.0"))
    agentpack("upgrade", "--yes")
    agentpack("rollback")
    agentpack("upgrade", "--yes")
    agentpack("uninstall", "reviews")


def test_nor_does_a_place_that_is_only_looked_at(agentpack: Agentpack, project: Path, home: Path) -> None:
    assert "private-notes  Knows my customers." in agentpack("show", "~/.claude/agents").out
    assert "The secret is 42." in agentpack("render", "~/.claude/agents").out


def test_nor_does_a_source_of_the_user_s_own_manifest(agentpack: Agentpack, project: Path, home: Path) -> None:
    publish(home / ".config/agentpack/shared", make_pack("crew"))
    write_tree(home / ".config/agentpack", {"agentpack.yaml": "schema: 1\nsources: [{name: mine, path: shared}]\n"})
    assert "crew 1.0.0\n" in agentpack("show", "crew").out
    agentpack("install", "crew")
    agentpack("upgrade", "--yes")
    assert (project / ".claude/agents/reviewer.md").exists()


def test_nor_do_two_repositories_that_it_names_at_once(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    made = (
        Repository(tmp_path / f"far/{name}").commit({f"agents/{name}.md": agent_text(name, "Work.")})
        for name in ("one", "two")
    )
    agentpack("install", *(f"git+{repository.address}" for repository in made))
    assert sorted(os.listdir(project / ".claude/agents")) == ["one.md", "two.md"]


def test_a_pull_that_moves_an_agreed_source_is_asked_about(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    publish(tmp_path / "packs", make_pack("reviews", "1.0.0"))
    agentpack("install", "reviews", "--source", "../packs")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace('"../packs"', '"~/.claude/agents"'))
    assert "outside this repository" in agentpack("upgrade", "--yes", expect=3).err


def test_state_that_came_with_the_clone_agrees_to_nothing(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path
) -> None:
    cloned(project, "~/.claude/agents")
    agentpack("sync", "--accept", "outside:mine")
    for known in (home / ".local/state/agentpack/projects").iterdir():
        known.unlink()
    (project / ".claude/agents/private-notes.md").unlink()
    assert "outside this repository" in agentpack("upgrade", "--yes").err
    assert not (project / ".claude/agents/private-notes.md").exists()


def test_a_neighbour_in_the_same_repository_is_inside(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    """Also where the home folder is a repository: what is in that is not all of one project."""
    (project / ".git").mkdir(exist_ok=True)
    publish(project / "packs", make_pack("reviews", "1.0.0"))
    write_tree(
        project / "web",
        {"agentpack.yaml": "schema: 1\nclients: [claude]\nsources: [{name: ours, path: ../packs}]\npacks: [reviews]\n"},
    )
    agentpack("sync", "--root", str(project / "web"))


def test_naming_a_place_inside_of_the_repository_agrees_to_nothing(agentpack: Agentpack, project: Path) -> None:
    """What needs no agreement is none to remember: where nothing else changes, nothing is written."""
    publish(project / "packs", make_pack("reviews", "1.0.0"))
    agentpack("install", "reviews", "--source", "packs", "--client", "claude")
    shutil.rmtree(project / ".agentpack/state")  # as in a fresh clone
    agentpack("sync")
    before = tree(project)
    assert "nothing to change" in agentpack("install", "reviews", "--source", "packs").err
    assert tree(project) == before


def test_a_home_folder_that_is_a_repository_is_not_one_project(agentpack: Agentpack, home: Path, project: Path) -> None:
    (home / ".git").mkdir()
    (home / "clone").mkdir()
    cloned(home / "clone", "~/.claude/agents")
    assert "outside this repository" in agentpack("sync", "--root", str(home / "clone"), expect=3).err


def test_a_variable_names_places_for_every_project(
    agentpack: Agentpack, project: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned(project, "~/.claude/agents")
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", f"{tmp_path}/elsewhere:relative:")
    agentpack("sync", expect=3)
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", f"{tmp_path}/elsewhere:~/.claude")
    agentpack("sync")
    assert (project / ".claude/agents/private-notes.md").exists()


@pytest.mark.many
@pytest.mark.parametrize("form", ["percent", "gitdir", "commondir", "links", "suffix"])
@pytest.mark.parametrize("command", ["sync", "lock"])
def test_a_repository_in_a_clone_leads_to_no_other(
    agentpack: Agentpack, project: Path, tmp_path: Path, form: str, command: str
) -> None:
    """git decodes addresses, and follows what a folder says of where its objects are."""
    private = Repository(tmp_path / "kit").commit({"agents/notes.md": agent_text("private-notes", "secret")}).folder
    inner = project / "kit.git"
    if form == "percent":
        address = f"{project}/%2e%2e/{os.path.relpath(private, project.parent)}"
    elif form == "gitdir":
        inner, address = project / "kit", f"{project}/kit"
        inner.write_text(f"gitdir: {private}/.git\n")
    elif form == "suffix":
        address = f"{project}/kit"
        inner.symlink_to(private / ".git")
    else:
        address = str(inner)
        write_tree(inner, {"HEAD": "ref: refs/heads/main\n"})
        if form == "commondir":
            write_tree(inner, {"commondir": f"{private}/.git\n"})
        for name in ("objects", "refs") if form == "links" else ():
            (inner / name).symlink_to(private / ".git" / name)
    write_tree(
        project,
        {
            "agentpack.yaml": "schema: 1\nclients: [claude]\n"
            f'sources:\n  - {{name: mine, git: "file://{address}"}}\npacks:\n  - {{require: kit, source: mine}}\n'
        },
    )
    before = tree(project)
    said = agentpack(command, expect=None)
    assert said.exit_code in (1, 2, 3), said.err
    assert "secret" not in said.out + said.err
    assert tree(project) == before


def test_no_address_of_a_repository_here_is_read_in_two_ways(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository(tmp_path / "kit").commit({"agents/notes.md": agent_text("private-notes", "secret")})
    (tmp_path / "packs").mkdir()
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path / "packs"))
    source = f'{{name: mine, git: "file://{tmp_path}/packs/%2e%2e/kit"}}'
    packs = "packs:\n  - {require: kit, source: mine}\n"
    write_tree(project, {"agentpack.yaml": f"schema: 1\nclients: [claude]\nsources:\n  - {source}\n{packs}"})
    agentpack("sync", expect=2)
