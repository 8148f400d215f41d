"""What people type or paste in place of a pack or an address: it works, or they are told what to write."""

import json
import shutil
from pathlib import Path

import pytest
from support.cases import case
from support.collection_files import agent_text
from support.git_server import git_server
from support.packs import make_pack, persona_text, publish, variant_text
from support.repositories import Repository
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.environment import Environment, project_scope
from agentpack.wanted.offers import agent_hint
from agentpack.workspace.workspace import Workspace

PAGE = "https://github.com/acme/agents"
WRONG = {
    "github:acme/agents>=1,<2": '`agentpack install "PACK>=1,<2" --source github:acme/agents`',
    "github:acme/agents@>=1,<2": '`agentpack install "PACK>=1,<2" --source github:acme/agents`',
    "git+https://git.example.com/kit==1.0": '`agentpack install "PACK==1.0" --source git+https://git.example.com/kit`',
    f"{PAGE}/tree/main/python": "write `github:acme/agents@main#subdirectory=python`",
    f"{PAGE}/blob/main/agents/smith.md": "`agentpack install github:acme/agents@main --only smith`",
    f"{PAGE}/blob/main/agents/smith.agent.md": "`agentpack install github:acme/agents@main --only smith`",
    "git+file:/srv/agents": "write `git+file:///srv/agents`",
    "git+https:/git.example.com/kit": "write `git+https://git.example.com/kit`",
    "github.com/acme/agents": "for the repository on GitHub, write `github:acme/agents`",
    "gitlab.com/acme/agents": "for the repository on GitLab, write `gitlab:acme/agents`",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_form_leads_to_the_right_one(agentpack: Agentpack, project: Path, text: str) -> None:
    before = tree(project)
    assert f"hint: {WRONG[text]}\n" in agentpack("install", text, "--offline", expect=2).err
    assert tree(project) == before


@pytest.mark.parametrize("typed", ["1.1.0", "v1.1.0", "1.1"])
def test_a_version_after_a_name_leads_to_a_requirement(agentpack: Agentpack, typed: str) -> None:
    hint = f"`agentpack install python-engineer=={typed.removeprefix('v')}` installs that version"
    assert hint in agentpack("install", "python-engineer", typed, expect=2).err
    assert f"`{typed}` is a version, not a pack" in agentpack("install", typed, expect=2).err


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The repository `github:acme/kit` with two releases of a pack."""
    (tmp_path / "gitconfig").write_text(f'[url "file://{tmp_path}/far/"]\n\tinsteadOf = https://github.com/acme/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    far = Repository(tmp_path / "far/kit")
    for version in ("1.0.0", "2.0.0"):
        far.commit(make_pack(version=version)).tag(f"v{version}")
    return far


@pytest.mark.many
@pytest.mark.parametrize("place", ["github:acme/kit", "git+https://github.com/acme/kit"])
@pytest.mark.parametrize(
    ("range", "version"), [("", "2.0.0"), ("<2", "1.0.0"), (">=1,<2", "1.0.0"), ("~=1.0", "1.0.0")]
)
def test_a_direct_reference_takes_every_address_and_a_range(
    agentpack: Agentpack, project: Path, far: Repository, place: str, range: str, version: str
) -> None:
    assert f"data-reviewer {version}\n" in agentpack("install", f"data-reviewer{range} @ {place}").err
    agentpack("sync", "--locked")


@pytest.mark.parametrize("command", ["show", "render"])
def test_a_look_at_an_address_is_told_where(agentpack: Agentpack, command: str) -> None:
    refused = agentpack(command, "kit @ github:acme/kit", expect=2)
    assert "hint: `agentpack show github:acme/kit` lists what is there" in refused.err


@pytest.mark.many
@pytest.mark.parametrize("form", ["./kit", "{0}", "git+{1}"])
def test_an_agent_named_beside_its_place_leads_to_a_command_that_works(
    agentpack: Agentpack, project: Path, form: str
) -> None:
    kit = Repository(project / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    place = form.format(project / "kit", kit.address)
    hint = f"`agentpack install {place} --only one`"
    for words in ([place, "one"], ["one", place]):
        refused = agentpack("install", *words, expect=4)
        assert "`one` is not a pack but an agent of the pack `kit`" in refused.err
        assert f"hint: {hint}\n" in refused.err
    agentpack(*hint.strip("`").split()[1:])
    assert (project / ".claude/agents/one.md").exists()


def test_a_name_that_is_nearer_to_a_pack_leads_to_the_pack(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    text = "schema: 1\nclients: [claude]\nsources: [{name: ours, path: packs}]\npacks: []\n"
    write_tree(project, {"agentpack.yaml": text, "kit/agents/data-viewer.md": agent_text("data-viewer", "Work.")})
    assert agentpack("install", "./kit", "data-reviewr", expect=4).err == (
        f"project {project}\nerror: there is no pack named `data-reviewr`\nhint: did you mean `data-reviewer`?\n"
    )


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("acne", "no such folder, archive or source", "did you mean `acme`?"),
        ("acne/kit", "no such folder", "for the repository on GitHub, write `github:acne/kit`"),
        ("acme/kit", "no such folder", "for the repository on GitHub, write `github:acme/kit`"),
    ],
)
def test_a_source_that_is_not_there_leads_to_a_source_or_a_repository(
    agentpack: Agentpack, project: Path, text: str, what: str, hint: str
) -> None:
    write_tree(project, {"agentpack.yaml": "schema: 1\nsources: [{name: acme, path: packs}]\npacks: []\n"})
    assert agentpack("install", "crew", "--source", text, expect=2).err == (
        f"project {project}\nerror: `--source {text}`: {what}\nhint: {hint}\n"
    )


@pytest.mark.parametrize("form", ["./kit", "git+{0}"])
def test_a_misspelled_agent_beside_its_place_leads_to_a_command_that_works(
    agentpack: Agentpack, project: Path, form: str
) -> None:
    files = {f"agents/{name}.md": agent_text(name, "Work.") for name in ("reviewer", "planner", "python-reviewer")}
    place = form.format(Repository(project / "kit").commit(files).address)
    refused = agentpack("install", place, "reviwer", expect=4)
    hint = f"`agentpack install {place} --only reviewer`"
    assert f"there is no pack named `reviwer`\nhint: did you mean the agent `reviewer`? {hint}\n" in refused.err
    agentpack(*hint.strip("`").split()[1:])
    assert (project / ".claude/agents/reviewer.md").exists()
    for pack in ("python-engineer", "python-reviewer"):  # of the second name there is an agent as well
        assert (
            f"did you mean `{pack}`?"
            in agentpack("install", place, pack.replace("ee", "e").replace("ie", "i"), expect=4).err
        )
    assert "hint: `agentpack search` lists all packs" in agentpack("install", place, "unheard-of", expect=4).err


def test_a_variant_behind_a_place_leads_to_a_command_that_works(agentpack: Agentpack, tmp_path: Path) -> None:
    publish(tmp_path / "packs", make_pack("kit", variants={"reviewer/house": variant_text("")}))
    refused = agentpack("install", "../packs[house]", expect=2)
    way = '`agentpack install "kit[house]" --source ../packs`'
    assert f"`../packs[house]`: no such folder or archive\nhint: {way}: variants come after" in refused.err
    agentpack("install", "kit[house]", "--source", "../packs")
    assert "hint" not in agentpack("install", "../nowhere[house]", expect=2).err
    publish(tmp_path / "packs", make_pack("other"))
    assert '"NAME[house]" --source ../packs`' in agentpack("install", "../packs[house]", expect=2).err


@pytest.mark.parametrize("form", ["one.md", "./one.md", "{0}/one.md", "file://{0}/one.md", "git+file://{0}/one.md@v1"])
def test_a_file_in_place_of_its_folder_leads_to_a_command_that_works(
    agentpack: Agentpack, project: Path, form: str
) -> None:
    (project / "one.md").write_text(agent_text("one", "Work."))
    refused = agentpack("install", form.format(project), expect=2)
    folder = f"{project}" if "{0}" in form else "."
    assert f"hint: for one agent file, name its folder: `agentpack install {folder} --only one`\n" in refused.err
    agentpack("install", folder, "--only", "one")


def test_the_only_pack_is_no_agent_of_itself(agentpack: Agentpack, project: Path, tmp_path: Path) -> None:
    kit = Repository(tmp_path / "kit").commit({"agents/one.md": agent_text("one", "Work.")})
    refused = agentpack("install", f"git+{kit.address}", "--only", "kit", expect=4)
    assert "`kit` is the pack itself, not one of its agents" in refused.err
    assert "hint: leave out `--only kit` to install all its agents" in refused.err


def test_a_clone_without_a_login_is_told_how_to_get_one(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repository(tmp_path / "far/kit").commit({"agents/one.md": agent_text("one", "Work.")})
    with git_server(tmp_path / "far") as server:
        agentpack("install", f"git+{server.address}/kit")
        (project / ".claude/agents/one.md").unlink()
        server.needs_password = True
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
        (project / ".agentpack").rename(tmp_path / "state")
        refused = agentpack("sync", "--frozen", expect=6)
    assert f"hint: `git ls-remote {server.address}/kit` asks for them" in refused.err


def test_several_acceptances_stand_in_one_option(agentpack: Agentpack) -> None:
    agentpack("install", "python-engineer", "--dry-run", "--accept", "shell, web")
    for word in ("mcp:a,b", "shell,wbe", "outside:a,b"):
        assert "there is no capability" in agentpack("install", "python-engineer", "--accept", word, expect=2).err


@pytest.mark.parametrize(
    ("typed", "variants"),
    [
        (["python-engineer", "strict-typing"], "strict-typing"),
        (["python-engineer", "strict-typing", "testing"], "strict-typing,testing"),
        (["python-engineer[testing]", "strict-typing"], "strict-typing,testing"),
        (["python-engineer", "testing", "strict-typing", "lean", "django"], "django,lean,strict-typing,testing"),
        (["python-engineer+strict-typing"], "strict-typing"),
        (["python-engineer+strict-typing+testing"], "strict-typing,testing"),
    ],
)
def test_a_variant_outside_of_brackets_is_told_where_it_goes(
    agentpack: Agentpack, project: Path, typed: list[str], variants: str
) -> None:
    refused = agentpack("install", *typed, expect=None)
    assert refused.exit_code in (2, 4)
    assert f'"python-engineer[{variants}]"' in refused.err.partition("hint: ")[2]


def test_an_option_for_variants_is_told_of_the_brackets(agentpack: Agentpack, project: Path) -> None:
    for option in ("--variant", "--variants"):
        refused = agentpack("install", "python-engineer", option, "strict-typing", expect=2)
        assert 'hint: a variant goes in brackets: `agentpack install "NAME[VARIANT]"`\n' in refused.err


def test_words_of_a_rule_are_searched_in_all_that_is_installed(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", "python-engineer==1.1.0", "python-reviewer", "--client", "claude")
    for name in ("python-engineer", "python-reviewer"):
        words = agentpack("explain", name, "--json").envelope["data"]["files"][0]["rules"][1]["text"]
        found = agentpack("explain", words)
        assert f".claude/agents/{name}.md\n" in found.out
        assert found.out == agentpack("explain", name, words).out
    refused = agentpack("explain", "no such words", expect=2)
    assert "`no such words` is installed here, and no installed rule has these words\n" in refused.err


def test_a_rule_that_clients_have_alike_is_told_once(agentpack: Agentpack, project: Path) -> None:
    clients = ("claude", "cursor", "opencode", "gemini")
    agentpack("install", "python-engineer==3.0.0", *(word for name in clients for word in ("--client", name)))
    found = agentpack("explain", "python-engineer", "ask-first")
    assert found.out.count("ask-first") == found.out.count("it says") == 1
    assert " and 1 more\n" in found.out
    assert len(agentpack("explain", "python-engineer", "ask-first", "--json").envelope["data"]["rules"]) == 4


def test_the_name_may_stand_between_changes_and_its_versions(agentpack: Agentpack, project: Path) -> None:
    wanted = agentpack("show", "python-engineer", "--changes", "2.0.0", "2.1.0").out
    assert agentpack("show", "--changes", "python-engineer", "2.0.0", "2.1.0").out == wanted


def test_an_agent_that_is_installed_already_is_told_as_such(agentpack: Agentpack, project: Path) -> None:
    (project / "kit/agents").mkdir(parents=True)
    (project / "kit/agents/one.md").write_text(agent_text("one", "Work."))
    agentpack("install", "./kit")
    hint = "hint: `one` is installed already, as an agent of `kit`: `agentpack render kit --persona one` prints it\n"
    assert hint in agentpack("install", "one", expect=4).err
    agentpack("render", "kit", "--persona", "one")


AGENT_HINTS = {
    "one": ("kit", True),
    "kit/one": ("kit", True),
    "One": ("kit", False),
    "two": ("kit", False),
    "kit/two": ("kit", False),
    "smith": ("crew", True),
    "miller": ("crew", False),
    "cook": ("cooks", False),
    "three": ("more-more", True),
    "more/three": ("more-more", True),
    "more-more/three": ("more-more", True),
    "crew/one": None,
    "kit/": None,
    "nobody": None,
}
"""By what is asked for: the pack that has the agent, and whether it is installed."""


def test_the_name_of_an_agent_leads_to_how_it_is_installed_or_printed(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack("more"))
    agentpack("install", "more", "--source", "packs", "--client", "claude")
    for path in ("kit/agents/one", "kit/agents/two", "more/agents/three", "gone/agents/four"):
        write_tree(project, {f"{path}.md": agent_text(path.rpartition("/")[2], "Work.")})
    plugins = [{"name": name, "source": f"./{name}"} for name in ("crew", "cooks")]
    files = {".claude-plugin/marketplace.json": json.dumps({"name": "plugins", "plugins": plugins})}
    for path in ("crew/agents/smith", "crew/agents/miller", "cooks/agents/cook"):
        files[f"{path}.md"] = agent_text(path.rpartition("/")[2], "Work.")
    write_tree(project / "plugins", files)
    agentpack("install", "./gone")
    shutil.rmtree(project / "gone")
    agentpack("install", "./kit", "--only", "one")
    agentpack("install", "./more")
    agentpack("install", "crew", "--source", "plugins", "--without", "miller")
    workspace = Workspace(Environment.current(), project_scope(str(project), ""))
    sources = workspace.sources.open(workspace.manifest)
    for asked, expected in AGENT_HINTS.items():
        with case(asked):
            hint = None
            if expected is not None:
                (pack, is_there), name = expected, asked.rpartition("/")[2]
                hint = f"`{name}` is an agent of `{pack}`: `agentpack install {pack} --only {name}`"
                if is_there:
                    way = f"`agentpack render {pack} --persona {name}` prints it"
                    hint = f"`{name}` is installed already, as an agent of `{pack}`: {way}"
            assert agent_hint(sources, workspace.manifest, asked) == hint


def test_two_releases_after_diff_lead_to_its_options(agentpack: Agentpack, project: Path) -> None:
    hint = agentpack("diff", "python-engineer@1.1.0", "python-engineer@3.0.0", expect=2).err.partition("hint: ")[2]
    assert "`agentpack diff --from NAME@1.0.0 --to NAME@2.0.0`" in hint
    assert "`agentpack show NAME --changes 1.0.0 2.0.0`" in hint


def test_options_without_a_name_lead_to_what_is_installed(agentpack: Agentpack, project: Path) -> None:
    assert "hint: `agentpack search` lists packs" in agentpack("install", "--client", "codex", expect=2).err
    agentpack("install", "python-engineer", "--client", "claude")
    told = agentpack("install", "--client", "codex", expect=2).err
    assert "hint: to change an installed pack, add its name: python-engineer\n" in told


def test_an_install_that_may_do_more_gives_the_whole_command_that_accepts_it(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = [
        make_pack(version=version, personas={"reviewer": persona_text(tools=tools)})
        for version, tools in (("1.0.0", ["read"]), ("2.0.0", ["read", "edit"]))
    ]
    publish(tmp_path / "packs", *packs)
    agentpack("install", "data-reviewer==1.0.0", "--source", str(tmp_path / "packs"), "--client", "claude")
    told = agentpack("install", "data-reviewer==2.0.0", "--client", "claude", expect=3).err
    command = "agentpack install data-reviewer==2.0.0 --client claude --accept edit"
    assert f"hint: `{command}` accepts it, or " in told
    agentpack(*command.split()[1:])
