"""clients: what agentpack writes for, and where."""

import json
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack import clients
from agentpack.cli.complete import complete_client
from agentpack.clients import CLIENTS, MODULES
from agentpack.model.names import is_kebab


def row(agentpack: Agentpack, name: str) -> dict[str, object]:
    found = agentpack("clients", "--json").envelope["data"]["clients"]
    return next(client for client in found if client["name"] == name)


def test_every_client_is_listed_with_folders_and_check(agentpack: Agentpack) -> None:
    data = agentpack("clients", "--json").envelope["data"]["clients"]
    assert [client["name"] for client in data] == sorted(CLIENTS)
    claude = row(agentpack, "claude")
    assert claude["project_folder"] == ".claude/agents"
    assert claude["user_folder"] == "~/.claude/agents"
    assert claude["verified_by"] == "judge"


def test_every_file_of_a_client_is_in_the_table() -> None:
    declaring = {path.stem for path in Path(clients.__file__).parent.glob("*.py") if "\nCLIENT = " in path.read_text()}
    assert declaring == {*MODULES}


def test_a_variable_that_moves_the_folder_is_followed(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere/claude")
    assert row(agentpack, "claude")["user_folder"] == "/elsewhere/claude/agents"


def test_a_client_that_files_were_installed_for_is_in_use(agentpack: Agentpack, project: Path) -> None:
    assert row(agentpack, "claude")["installed"] is False
    agentpack("install", "python-engineer", "--client", "claude")
    assert row(agentpack, "claude")["installed"] is True
    assert "claude\tyes\t" in agentpack("clients").out


# What people call a client.

WORDS = [(word, name) for word, name in CLIENTS.words().items() if word != name]


def test_an_alias_means_one_client_and_is_no_client_s_name() -> None:
    aliases = [alias for target in CLIENTS.values() for alias in target.aliases]
    assert len({*aliases}) == len(aliases)
    assert not {*aliases, "all"} & {*CLIENTS}
    assert all(is_kebab(alias) and len(alias) > 3 for alias in aliases)
    assert {"vscode", "claude-code", "github-copilot", "copilot-cli", "gemini-cli", "codex-cli", "kilocode"} <= {
        *aliases
    }


@pytest.mark.parametrize(("word", "name"), WORDS)
def test_a_client_is_known_by_every_word_for_it(word: str, name: str) -> None:
    for written in (word, word.upper(), word.title(), word.replace("-", " "), word.replace("-", "_"), f" {word} "):
        assert CLIENTS.named(written).name == name


COMMANDS = (
    *(
        "install data-reviewer --source packs --dry-run",
        "show data-reviewer --source packs",
        "diff",
        "explain reviewer",
    ),
    *("policy explain data-reviewer", "uninstall data-reviewer --dry-run", "render data-reviewer", "keep reviewer"),
)


@pytest.fixture
def installed(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", "packs", "--client", "claude,copilot,codex")


@pytest.mark.many
@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("word", ["Codex", "codex-cli"])
def test_every_command_that_takes_a_client_takes_every_word_for_it(
    agentpack: Agentpack, command: str, word: str
) -> None:
    words = command.replace(" --source packs", "" if "show" in command else " --source packs").split()
    plain = agentpack(*words, "--client", "codex", "--json", expect=None)
    ran = agentpack(*words, "--client", word, "--json", expect=None)
    assert plain.exit_code == 0
    assert (ran.exit_code, ran.out) == (plain.exit_code, plain.out)
    refused = agentpack(*words, "--client", "github-copilott", expect=2)
    assert "there is no client `github-copilott`" in refused.err
    assert "did you mean `github-copilot`" in refused.err


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("command", ["render data-reviewer", "keep reviewer"])
def test_a_command_for_one_client_takes_no_more(agentpack: Agentpack, command: str) -> None:
    refused = agentpack(*command.split(), "--client", "claude,codex", expect=2)
    assert "means several clients; only one can be used here" in refused.err


@pytest.mark.parametrize("real", [False, True], ids=["here", "program"])
def test_several_clients_are_named_at_once_and_written_by_their_names(
    agentpack: Agentpack, project: Path, real: bool
) -> None:
    agentpack("install", "python-engineer", "--client", "Claude,vscode", "-c", "claude-code,kilocode", real=real)
    assert "clients: [claude, copilot, kilo]\n" in (project / "agentpack.yaml").read_text()
    assert set(json.loads((project / "agentpack.lock").read_text())["manifest"]["clients"]) == {
        *("claude", "copilot", "kilo")
    }


def test_a_list_without_a_name_is_refused(agentpack: Agentpack) -> None:
    for word in ("", ",", "claude,", "claude,,codex"):
        agentpack("install", "python-engineer", "--client", word, expect=2)


@pytest.mark.parametrize("scope", ["project", "user"])
def test_all_clients_are_those_that_read_agents_in_the_scope(agentpack: Agentpack, project: Path, scope: str) -> None:
    publish(project / "packs", make_pack())
    words = ("--source", "packs", f"--{scope}", "--client", "all", "--json")
    agentpack("install", "data-reviewer", *words)
    named = [
        row["name"] for row in agentpack("clients", f"--{scope}", "--json").envelope["data"]["clients"] if row["used"]
    ]
    assert named == [name for name in MODULES if CLIENTS[name].folder(scope, {}) is not None]
    assert agentpack("diff", f"--{scope}", "--client", "ALL").out == ""


def test_a_client_that_is_named_by_all_refuses_what_it_cannot_limit(agentpack: Agentpack, project: Path) -> None:
    publish(project / "packs", make_pack(personas={"reviewer": persona_text(tools=["read"])}))
    ran = agentpack("install", "data-reviewer", "--source", "packs", "--client", "all", expect=3)
    assert "--accept widened:codex" in ran.err
    words = ("--client", "codex-cli", "--accept", "widened:codex-cli")
    agentpack("install", "data-reviewer", "--source", "packs", *words)
    assert "`--accept widened:codex`" in agentpack("history").out or "widened:codex" in agentpack("history").out


MANIFEST = """\
schema: 1
clients: [Claude Code, vscode]  # ours
models: {opus: {gemini-cli: gemini-3}}
sources: [{name: packs, path: packs}]
packs:
  - require: data-reviewer
    clients: [codex-cli, claude]
"""


def test_a_manifest_may_call_a_client_what_people_do(agentpack: Agentpack, project: Path) -> None:
    path = project / "agentpack.yaml"
    publish(project / "packs", make_pack(), make_pack("other", personas={"tester": persona_text("tester")}))
    path.write_text(MANIFEST)
    agentpack("sync")
    assert path.read_text() == MANIFEST
    assert (project / ".codex/agents/reviewer.toml").exists()
    agentpack("sync", "--check", real=True)
    agentpack("lock", "--check")
    assert agentpack("status", "--json").envelope["data"]["stale"] == []
    agentpack("install", "other")
    assert path.read_text() == MANIFEST + "  - other\n"
    assert (project / ".claude/agents/tester.md").exists()
    agentpack("install", "data-reviewer", "--client", "Gemini")
    written = path.read_text()
    assert "    clients: [codex, claude, gemini]\n" in written
    assert "clients: [Claude Code, vscode]  # ours\n" in written
    path.write_text(written.replace("[Claude Code, vscode]", "[claude, copilot]"))
    agentpack("lock", "--check")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "clients: [claude, vscoode]",
            "3: clients[1]: there is no client `vscoode` (did you mean `vscode` or `vs-code`?)",
        ),
        ("clients: [zzzzzz]", "3: clients[0]: there is no client `zzzzzz` (`agentpack clients` lists them)"),
        (
            "models: {opus: {vscode: a, copilot: b}}",
            "3: models.opus.copilot: duplicate entry `copilot` (first on line 3; keep one entry)",
        ),
    ],
)
def test_a_word_that_means_no_client_or_one_twice_is_a_fault(
    agentpack: Agentpack, project: Path, text: str, fault: str
) -> None:
    (project / "agentpack.yaml").write_text(f"schema: 1\npacks: []\n{text}\n")
    assert agentpack("sync", expect=2).err == f"project {project}\nerror: agentpack.yaml:{fault}\n"


def test_completion_offers_names_also_behind_a_comma(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(agentpack.folder)
    assert {"claude", "cline"} <= {*complete_client("c")}
    behind = complete_client("claude,cl")
    assert "claude,cline" in behind
    assert "claude,claude" not in behind
