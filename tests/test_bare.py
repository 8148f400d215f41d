"""Collections: folders of agent files without a manifest, each read as its client reads it."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import case
from support.collection_files import agent_text
from support.packs import make_pack, publish, read_files, release_of
from support.running import Agentpack
from support.trees import tree, write_tree

from agentpack.bare import AgentFiles, read_agents
from agentpack.clients import CLIENTS, WRITES_AGENTS, written_for
from agentpack.compose.parse import MAX_RULES
from agentpack.errors import InvalidFile
from agentpack.model.names import MAX_NAME, is_kebab, slug, slugs
from agentpack.model.pack import LeftOut
from agentpack.read import read_pack
from agentpack.store.validated import ValidatedCache


def agent(header: str, body: str = "Review.\n") -> bytes:
    return f"---\n{header}---\n{body}".encode()


def named(name: str, description: str = "Reviews.", body: str = "Review.\n") -> bytes:
    return agent(f"name: {name}\ndescription: {description}\n", body)


PLAIN = named("reviewer")


def read(*files: bytes, **named_files: bytes) -> AgentFiles:
    """The agents of files `0.md`, `1.md`, or of files by name."""
    return read_agents({**{f"{i}.md": data for i, data in enumerate(files)}, **named_files}, "kit")


def reasons(*files: bytes) -> list[str]:
    return [one.reason for one in read(*files).left_out]


def fields(header: str) -> dict[str, object]:
    (layer,) = read(agent(header)).personas.values()
    return {**layer.header, "description": layer.header["description"][0]["text"]}


# What is an agent.


def test_every_file_that_is_given_is_read_and_documents_are_passed_over() -> None:
    rule = b"---\nA text between two rules.\n---\nMore.\n"
    documents = {"README.md": b"# Hello\n", "notes.txt": b"x", "a.md": b"", "b.md": agent("title: x\n"), "c.md": rule}
    found = read_files({"agents/reviewer.md": PLAIN, "deep/er/other.md": named("other"), **documents})
    assert list(found.personas) == ["reviewer", "other"]
    assert found.left_out == ()
    assert found.bare
    assert found.header["description"] == "2 agent files"
    assert found.version == "1.0.0"


def test_one_bad_file_is_one_file() -> None:
    long = "".join(f"- {number}\n" for number in range(MAX_RULES + 1))
    bad = {
        "its header has no name": agent("description: x\n"),
        "its header has no description": agent("name: b\n"),
        "line 3: not UTF-8: byte 0xff": b"---\nname: b\nx: \xff\n---\n",
        "hidden text on line 5, column 3: U+200B ZERO WIDTH SPACE (zero-width)": named("b", body="Do\u200b it.\n"),
        "hidden text on line 3, column 14: U+200B ZERO WIDTH SPACE (zero-width)": named("b", '"x\\u200b"'),
        "hidden text on line 5, column 1: U+200B ZERO WIDTH SPACE (zero-width) (and 1 more)": named(
            "b", body="\u200ba\u200bb"
        ),
        f"more than {MAX_RULES:,} rules and headings": named("b", body=long),
        "Claude Code does not accept a name with a colon": named("'b: c'"),
        "Claude Code does not accept a name that begins with `-`": named("-b"),
        "Claude Code does not accept a name of more than 256 characters": named("b" * 257),
        "Claude Code does not load an agent whose `hooks` are no map": agent("name: b\ndescription: x\nhooks: all\n"),
        "line 3: anchors (`&name`) are not supported": named("b", "&x y"),
        "Claude Code cannot read its header: line 5: not valid YAML: could not find expected ':'": agent(
            "name: b\ndescription: x\nand more\n"
        ),
    }
    for reason, data in bad.items():
        with case(reason):
            found = read(PLAIN, data)
            assert list(found.personas) == ["reviewer"]
            ((path, _, told),) = found.left_out
            assert (path, told) == ("1.md", reason)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (".apm/agents/b.agent.md", "GitHub Copilot (CLI and VS Code) does not load an agent with such `tools`"),
        (".gemini/agents/b.md", "Gemini CLI does not load an agent with such `tools`"),
    ],
)
def test_an_agent_whose_tools_its_client_refuses_hinders_no_other(
    path: str, told: str, agentpack: Agentpack, project: Path
) -> None:
    bad = agent("name: b\ndescription: x\ntools:\n  Read: true\n")
    write_tree(project / "kit", {path: bad, "agents/reviewer.md": PLAIN})
    assert told in " ".join(agentpack("install", "./kit").err.split())
    assert tree(project / ".claude/agents") == {"reviewer.md": PLAIN}


def test_a_file_that_is_left_out_is_named_with_its_agent_where_that_is_known() -> None:
    found = read_agents({"deep/b.md": named("'b: c'"), "a.md": PLAIN}, "kit")
    assert found.left_out == (LeftOut("deep/b.md", "b: c", "Claude Code does not accept a name with a colon"),)


def test_where_nothing_can_be_taken_every_reason_is_told(agentpack: Agentpack, project: Path) -> None:
    files = {"a.md": agent("description: x\n"), "b.md": agent("name: b\n"), "README.md": b"x"}
    write_tree(project / "kit", {f"agents/{path}": data for path, data in files.items()})
    ran = agentpack("install", "./kit", expect=2)
    assert "kit/agents/a.md: its header has no name" in ran.err
    assert "kit/agents/b.md: its header has no description" in ran.err
    assert not (project / "agentpack.lock").exists()
    with pytest.raises(InvalidFile) as refused:
        read_files({"README.md": b"x"})
    assert refused.value.details == ("data-reviewer: holds no agent file",)


def test_where_nothing_can_be_taken_for_hidden_text_it_is_refused(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kit", {"agents/a.md": named("a", body="Do\u200b it.\n"), "agents/b.md": agent("name: b\n")})
    assert "hidden text in kit/agents/a.md" in agentpack("install", "./kit", expect=5).err


def test_a_pack_with_hidden_text_alone_hinders_no_other_of_its_place(agentpack: Agentpack, project: Path) -> None:
    plugins = [{"name": name, "source": f"./{name}"} for name in ("good", "hiding")]
    write_tree(
        project / "market",
        {
            ".claude-plugin/marketplace.json": json.dumps({"name": "m", "plugins": plugins}),
            "good/agents/a.md": named("a"),
            "hiding/agents/b.md": named("b", body="Do\u200b it.\n"),
        },
    )
    told = "hiding: 1 agent file is skipped: agents/b.md (hidden text on line 5, column 3"
    assert told in agentpack("install", "./market", "--all", "--strict", expect=3).err
    assert told in agentpack("install", "./market", "--all").err
    assert list(agents(project)) == ["a.md"]
    assert told in agentpack("status").out
    agentpack("sync", "--locked")


def test_a_file_beside_the_agents_hinders_none_whatever_its_bytes(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "infra", {"README.md": b"# Boxes \xaf\n", "keeper.md": named("keeper")})
    agentpack("install", "infra", "--source", "infra", "--client", "claude")
    assert tree(project)[".claude/agents/keeper.md"] == named("keeper")


def test_a_last_line_that_ends_in_a_carriage_return_hides_nothing(agentpack: Agentpack, project: Path) -> None:
    text = named("ender", body="You end oddly.").replace(b"\n", b"\r\n") + b"\r"
    write_tree(project / "win", {"ender.md": text})
    agentpack("install", "win", "--source", "win", "--client", "claude", "--client", "codex")
    assert tree(project)[".claude/agents/ender.md"] == text
    assert b"\\r" not in tree(project)[".codex/agents/ender.toml"].replace(b"\r\n", b"")
    agentpack("sync", "--locked", "--check")


def test_what_is_left_out_comes_from_the_cache_too(tmp_path: Path) -> None:
    cache = ValidatedCache(str(tmp_path))
    release = release_of({"a.md": named("My Agent"), "b.md": agent("name: b\n")})
    fresh, kept = read_pack(release, cache), read_pack(release, cache)
    assert kept.prepared
    assert fresh.left_out == kept.left_out == (LeftOut("b.md", "b", "its header has no description"),)
    assert fresh.header == kept.header


def test_a_policy_that_reports_hidden_text_takes_the_file(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = named("hider", body="Do\u200b it.\n")
    write_tree(project / "kit", {"hider.md": hidden, "reviewer.md": PLAIN})
    agentpack("install", "kit", "--source", "kit", "--client", "claude")
    assert list(agents(project)) == ["reviewer.md"]
    (tmp_path / "policy.yaml").write_text("schema: 1\nhidden_text: report\n")
    monkeypatch.setenv("AGENTPACK_POLICY", str(tmp_path / "policy.yaml"))
    assert "allowed by the policy: kit/hider.md:5:3: U+200B" in agentpack("sync").err
    assert agents(project) == {"hider.md": hidden, "reviewer.md": PLAIN}


def agents(project: Path) -> dict[str, bytes]:
    folder = project / ".claude/agents"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# Names.


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("reviewer", "reviewer"),
        ("Ops & Cost Watcher", "ops-cost-watcher"),
        ("net-4.8-helper", "net-4-8-helper"),
        ("  _Über_ ", "ber"),
        ("../../etc", "etc"),
        ("x", "x"),
        ("12", "12"),
        ("a" * 50, "a" * 50),
        ("日本", f"agent-{hashlib.sha256('日本'.encode()).hexdigest()[:4]}"),
        ("A" * 51, f"{'a' * 45}-{hashlib.sha256(b'A' * 51).hexdigest()[:4]}"),
        ("b" * 44 + " " + "c" * 9, f"{'b' * 44}-{hashlib.sha256(b'b' * 44 + b' ' + b'c' * 9).hexdigest()[:4]}"),
    ],
)
def test_the_persona_of_an_agent_is_called_by_the_slug_of_its_name(name: str, short: str) -> None:
    assert slug(name) == short
    assert list(slugs([name]).values()) == [short]


def test_slugs_that_meet_all_get_a_hash() -> None:
    found = slugs(["Code Reviewer", "code-reviewer", "other"])
    assert found["other"] == "other"
    for name in ("Code Reviewer", "code-reviewer"):
        assert found[name] == f"code-reviewer-{hashlib.sha256(name.encode()).hexdigest()[:4]}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), unique=True))
def test_slugs_are_names_of_files_and_do_not_depend_on_the_order(names: list[str]) -> None:
    found = slugs(names)
    assert found == slugs(reversed(names))
    for name, short in found.items():
        assert is_kebab(short), name
        assert len(short) <= MAX_NAME


def test_any_name_that_the_client_takes_installs_byte_for_byte(agentpack: Agentpack, project: Path) -> None:
    texts = {
        "net-4-8-helper.md": named("net-4.8-helper"),
        "ops-cost-watcher.md": named("Ops & Cost Watcher"),
        "plan.md": named("Plan"),
        "x.md": named("x"),
        "12.md": named('"12"'),
    }
    write_tree(project / "team", {f"{i}.md": data for i, data in enumerate(texts.values())})
    agentpack("install", "team", "--source", "team", "--client", "claude")
    assert agents(project) == texts
    agentpack("sync", "--locked", "--check")
    agentpack("diff")


def test_another_client_is_given_the_slug_and_that_is_noted_once(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "team", {"a.md": named("Ops & Cost"), "b.md": named("Release Notes"), "c.md": named("plain")})
    ran = agentpack("install", "team", "--source", "team", "--client", "codex")
    assert ran.err.count("name: ") == 1
    assert "codex (2 files): name: changed to lower-case letters, digits and hyphens" in ran.err
    assert 'name = "ops-cost"\n' in tree(project)[".codex/agents/ops-cost.toml"].decode()


def test_an_agent_that_its_client_does_not_get_keeps_its_name_beside_one_that_looks_alike(
    agentpack: Agentpack, project: Path
) -> None:
    write_tree(
        project / "kit/agents",
        {"a.md": agent_text("Code Reviewer", "Work.", more="tools: Read\n"), "b.md": agent_text("other", "Work.")},
    )
    agentpack("install", "./kit", "--client", "codex")
    write_tree(project / "kit/agents", {"c.md": agent_text("Code.Reviewer", "Work.")})
    assert "code-reviewer: " not in agentpack("upgrade", "--yes").err
    (skipped,) = json.loads((project / "agentpack.lock").read_text())["skipped"]
    assert skipped["persona"] == "code-reviewer"


def test_a_rename_changes_the_name_in_the_file_and_nothing_else(agentpack: Agentpack, project: Path) -> None:
    text = b"---\r\n# ours\r\nname: 'Ops & Cost'\r\ndescription: |\r\n  Looks.\r\nmine: 1\r\n---\r\n\r\nLook.\r\n"
    write_tree(project / "team", {"a.md": text})
    agentpack("install", "team", "--source", "team", "--client", "claude")
    agentpack("install", "team", "--source", "team", "--as", "ops-cost=watcher")
    (now,) = agents(project).items()
    assert now == ("watcher.md", text.replace(b"'Ops & Cost'", b"watcher"))


def test_an_agent_with_line_ends_of_windows_is_recorded_as_it_is(agentpack: Agentpack, project: Path) -> None:
    text = named("ender", body="You end.").replace(b"\n", b"\r\n")
    write_tree(project / "team", {"a.md": text})
    agentpack("install", "team", "--source", "team", "--client", "claude")
    agentpack("install", "python-engineer")
    assert "edits by hand" not in agentpack("history").out
    agentpack("uninstall", "team")
    agentpack("rollback", "1")
    assert agents(project) == {"ender.md": text}


def test_a_local_variant_of_an_agent_changes_what_it_says_and_nothing_else(agentpack: Agentpack, project: Path) -> None:
    text = agent(
        "name: Ops & Cost\ndescription: Use it: when {it} costs.\nmodel: opus\nodd: [1,  2]\n", "* One. {#a}\n"
    )
    write_tree(project / "team", {"a.md": text})
    house = "---\nsummary: x\nset: {model: sonnet}\n---\n## Ours {#ours}\n\n- Say it. {#say}\n"
    write_tree(project / ".agentpack/variants/ops-cost", {"house.md": house})
    agentpack("install", "team[house]", "--source", "team", "--client", "claude")
    changed = text.replace(b"opus", b"sonnet") + b"\n## Ours\n\n- Say it.\n"
    assert agents(project) == {"ops-cost.md": changed}
    agentpack("diff")


def test_a_model_that_is_mapped_leaves_the_name_as_it_is(agentpack: Agentpack, project: Path) -> None:
    text = agent("name: Ops & Cost\ndescription: x\nmodel: opus\n")
    write_tree(project / "team", {"a.md": text})
    agentpack("install", "team", "--source", "team", "--client", "claude")
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "models: {opus: {claude: claude-opus-5}}\n")
    agentpack("sync")
    assert agents(project) == {"ops-cost.md": text.replace(b": opus", b": claude-opus-5")}


def test_one_name_twice_is_told_and_the_first_is_taken() -> None:
    first, second = named("twin", "The first."), named("twin", "The second.")
    found = read_agents({"b.md": second, "a.md": first, "c/a.md": first}, "kit")
    assert found.personas["twin"].file == "kit/a.md"
    assert found.left_out == (LeftOut("b.md", "twin", "`a.md` has the same name"),)


def test_two_names_in_one_pack_that_only_look_alike_both_install() -> None:
    found = read(named("Code Reviewer"), named("code-reviewer"))
    assert len(found.personas) == 2
    assert found.left_out == ()
    assert set(found.names.values()) == {"Code Reviewer", "code-reviewer"}


def test_two_packs_with_one_agent_are_told_apart_by_what_the_client_sees(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kits/one", {"agents/a.md": named("Code Reviewer"), "agents/b.md": named("code reviewer")})
    write_tree(project / "kits/two", {"agents/a.md": named("code reviewer")})
    ran = agentpack("install", "one", "two", "--source", "kits", "--client", "claude", expect=4)
    assert "`one` and `two` both have a persona `code reviewer`" in ran.err
    write_tree(project / "kits/two", {"agents/a.md": named("code-reviewer")})
    agentpack("install", "one", "two", "--source", "kits", "--client", "claude")
    assert len(agents(project)) == 3


def test_two_packs_whose_agents_would_be_one_file_are_told_so(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "kits/one", {"agents/a.md": named("Code Reviewer")})
    write_tree(project / "kits/two", {"agents/a.md": named("code-reviewer")})
    install = ("install", "one", "two", "--source", "kits", "--client", "claude")
    assert agentpack(*install, expect=4).err == (
        f"project {project}\n"
        "error: `one` and `two` both have a persona `code-reviewer`\n"
        "  both would be .claude/agents/code-reviewer.md\n"
        f"hint: `agentpack {' '.join(install)} --as two/code-reviewer=code-reviewer-2` renames it\n"
    )


def test_a_file_of_the_same_name_is_told_by_the_name_that_the_client_sees(agentpack: Agentpack, project: Path) -> None:
    write_tree(project / "team", {"a.md": named("Code Reviewer")})
    write_tree(project / ".claude/agents", {"mine.md": named("code-reviewer"), "other.md": named("Code Reviewer")})
    told = ".claude/agents/other.md is also named `Code Reviewer`"
    ran = agentpack("install", "team", "--source", "team", "--client", "claude")
    assert told in ran.err
    assert "mine.md" not in ran.err
    ran = agentpack("status")
    assert told in ran.out + ran.err
    assert "mine.md" not in ran.out + ran.err


# Each client's own files.


@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("agents/a.md", "claude"),
        ("a.agent.md", "copilot"),
        (".apm/agents/a.agent.md", "copilot"),
        (".github/agents/a.md", "copilot"),
        ("x/com.github.copilot/agents/deep/a.md", "copilot"),
        ("x.github/agents/a.md", "claude"),
        (".codex/agents/a.toml", "codex"),
    ],
)
def test_the_path_tells_for_which_client_a_file_was_written(path: str, client: str) -> None:
    assert written_for(path) == client


def test_a_file_for_copilot_is_installed_for_copilot_as_it_is(agentpack: Agentpack, project: Path) -> None:
    text = agent(
        "name: IaC Helper\ndescription: x\ntools: ['codebase', 'edit/editFiles', 'search']\nargument-hint: Which?\n"
        "user-invocable: false\nmcp-servers: {cloud: {type: local, command: cloud-mcp}}\n"
    )
    unnamed = agent("description: y\ntools: [read]\n")
    write_tree(project / "coll", {"agents/iac.agent.md": text, "agents/by-stem.agent.md": unnamed})
    ran = agentpack("install", "coll", "--source", "coll", "--client", "copilot", "--json")
    assert tree(project)[".github/agents/iac-helper.agent.md"] == text
    assert tree(project)[".github/agents/by-stem.agent.md"] == unnamed
    assert ran.envelope["data"]["client_notes"] == []
    agentpack("sync", "--locked", "--check")


def test_a_file_for_codex_is_installed_for_codex_as_it_is_and_rendered_for_others(
    agentpack: Agentpack, project: Path
) -> None:
    text = b'# ours\nname = "Helper"\ndescription = "Helps."\ndeveloper_instructions = """\n# Help\n\n- First.\n"""\n'
    folder = project / "coll/.codex/agents"
    write_tree(folder, {"helper.toml": text, "Cargo.toml": b"[package]\n", "a.md": PLAIN})
    agentpack("install", "coll", "--source", "coll", "--client", "codex", "--client", "claude")
    assert tree(project)[".codex/agents/helper.toml"] == text
    claude = tree(project)[".claude/agents/helper.md"].decode()
    assert claude.startswith("---\nname: helper\n")
    assert claude.endswith("---\n# Help\n\n- First.\n")


def test_an_empty_list_of_tools_stays_as_it_is_for_its_client(agentpack: Agentpack, project: Path) -> None:
    odd = ["[]", "", '""', "{Read: true}", "7", "1.5"]
    texts = {f"a{i}.md": agent(f"name: a{i}\ndescription: x\ntools: {value}\n") for i, value in enumerate(odd)}
    write_tree(project / "none", texts)
    ran = agentpack("install", "none", "--source", "none", "--client", "claude")
    assert "may use: no tool" in ran.err
    assert agents(project) == texts
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text() + "models: {opus: {claude: claude-opus-5}}\n")
    agentpack("sync")
    assert agents(project) == texts, "nor when something might have come over it"


# How Claude Code reads a header; `judged/` asks the client itself.


def test_a_header_that_is_no_yaml_is_read_with_quotes_around_its_values() -> None:
    found = fields('name: reviewer\ndescription: Use it: when needed. "Quoted": yes\nmodel: "opus"\n')
    assert found["description"] == 'Use it: when needed. "Quoted": yes'
    assert found["model"] == "opus"


def test_the_two_characters_for_a_line_break_become_one() -> None:
    assert fields("name: reviewer\ndescription: One.\\nTwo.\n")["description"] == "One.\nTwo."


def test_fields_that_the_client_knows_are_kept_and_others_are_not() -> None:
    found = fields(
        "name: reviewer\ndescription: x\ntools: Read, Bash\ncolor: mauve\nmaxTurns: 4\nauthor: me\nmodel: [x]\n"
    )
    assert found == {
        "name": "reviewer",
        "description": "x",
        "tools": ["read", "shell"],
        "clients": {"claude": {"maxTurns": 4}},
    }
    assert fields("name: reviewer\ndescription: x\ncolor: red\n")["color"] == "red"


def test_a_pack_with_a_manifest_is_not_asked_for_what_it_leaves_out(tmp_path: Path) -> None:
    publish(tmp_path, make_pack())
    assert read_files(make_pack()).left_out == ()


def test_the_folders_of_clients_with_a_form_of_their_own_are_those_that_they_declare() -> None:
    """`.agents/agents` is read by several clients, and belongs to none."""
    one_file_each = {
        client.project: name
        for name, client in CLIENTS.items()
        if client.project and client.project.endswith("/agents") and client.file == "{name}.md"
    }
    assert one_file_each == {**WRITES_AGENTS, ".claude/agents": "claude", ".agents/agents": "antigravity"}
    for folder, name in one_file_each.items():
        expected = "claude" if folder == ".agents/agents" else name
        assert {written_for(f"{folder}/a/b.md"), written_for(f"x/{folder}/a.md")} == {expected}


def test_a_file_in_a_client_s_folder_is_read_as_that_client_reads_it(agentpack: Agentpack, project: Path) -> None:
    header = "description: Helps.\ntools:\n  write: false\n  edit: false\n  bash: false\n"
    write_tree(project / "kit", {".opencode/agents/helper.md": f"---\n{header}---\nHelp.\n"})
    agentpack("install", "./kit", "--client", "opencode,claude")
    assert (project / ".opencode/agents/helper.md").read_text() == f"---\n{header}---\nHelp.\n"
    shown = (project / ".claude/agents/helper.md").read_text()
    assert "name: helper" in shown
    assert "Bash" in shown.partition("disallowedTools")[2]
