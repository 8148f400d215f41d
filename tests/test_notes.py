"""Notes on what clients cannot express: one line for each kind, whatever the number of clients and files."""

from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.clients import MODULES
from agentpack.model.rendering import Note
from agentpack.wanted.wanted import GroupedNote


@pytest.fixture
def packs(project: Path) -> str:
    """A pack of two personas with what many clients cannot express."""
    tools = ["read", "search"]
    personas = {name: persona_text(name, model="opus", color="blue", tools=tools) for name in ("one", "two")}
    single = make_pack("single", personas={"single": persona_text("single", color="blue")})
    return str(publish(project / "packs", make_pack("several", personas=personas), single))


def notes(err: str) -> list[str]:
    return [line.removeprefix("note: ") for line in err.splitlines() if line.startswith("note: ")]


def for_clients(*clients: str) -> list[str]:
    return [word for client in clients for word in ("--client", client)]


def test_a_note_for_several_clients_is_one_line(agentpack: Agentpack, packs: str) -> None:
    clients = for_clients("codex", "cursor", "goose")
    ran = agentpack("install", "single", "--source", packs, *clients)
    assert notes(ran.err) == [
        "color: `blue` is left out for codex, cursor, goose (3 clients): the client does not support it"
    ]


def test_a_note_for_one_file_names_it(agentpack: Agentpack, packs: str) -> None:
    ran = agentpack("install", "single", "--source", packs, "-c", "codex")
    assert notes(ran.err) == [".codex/agents/single.toml: color: `blue` is left out, the client does not support it"]


def test_a_note_for_several_files_of_one_client_counts_them(agentpack: Agentpack, packs: str) -> None:
    ran = agentpack("install", "several", "--source", packs, "-c", "gemini")
    assert "color: `blue` is left out for gemini (2 files): the client does not support it" in notes(ran.err)


def test_a_lost_restriction_is_one_line_with_every_way_on(agentpack: Agentpack, packs: str) -> None:
    clients = for_clients("codex", "goose")
    accept = ("--accept", "widened:codex", "--accept", "widened:goose")
    ran = agentpack("install", "several", "--source", packs, *clients, *accept)
    lost = '"tools limited to read, search" is not enforced for codex, goose (4 files): you accepted this'
    assert notes(ran.err).count(lost) == 1
    agentpack("rollback")
    agentpack("install", "single", "--source", packs, *clients)
    publish(
        Path(packs),
        make_pack("single", "1.1.0", personas={"single": persona_text("single", tools=["read", "search"])}),
    )
    ways = "`--accept widened:codex` `--accept widened:goose`"
    for look in (("diff", "--upgrade"), ("upgrade", "--check")):
        (line,) = notes(agentpack(*look, expect=1).err)
        assert line == (
            f'"tools limited to read, search" would not be enforced for codex, goose (2 clients): which needs {ways}'
        )


def test_as_data_a_note_has_its_clients_and_files(agentpack: Agentpack, packs: str) -> None:
    clients = for_clients("codex", "cursor")
    data = agentpack("install", "single", "--source", packs, *clients, "--json").envelope["data"]
    assert data["client_notes"] == [
        {
            "text": "color: `blue` is left out, the client does not support it",
            "clients": ["codex", "cursor"],
            "files": [".codex/agents/single.toml", ".cursor/agents/single.md"],
            "options": [],
        }
    ]
    assert data["notes"] == ["color: `blue` is left out for codex, cursor (2 clients): the client does not support it"]


def test_a_file_below_home_is_named_as_such(agentpack: Agentpack, packs: str) -> None:
    told = notes(agentpack("install", "single", "--user", "--source", packs, "-c", "codex").err)
    assert any(line.startswith("~/.codex/agents/single.toml: color: ") for line in told)
    told = notes(agentpack("install", "single", "--user", *for_clients("claude", "goose")).err)
    assert "Goose reads ~/.claude/agents/single.md: no second file is written for it" in told


@pytest.mark.parametrize("scope", ["--project", "--user"])
def test_no_line_comes_twice_but_for_the_name_of_a_client(agentpack: Agentpack, packs: str, scope: str) -> None:
    accept = [word for client in sorted(MODULES) for word in ("--accept", f"widened:{client}")]
    clients = for_clients(*sorted(MODULES))
    data = agentpack("install", "several", "--source", packs, scope, *clients, *accept, "--json").envelope["data"]
    kinds = [note["text"] for note in data["client_notes"]]
    assert len(kinds) == len({*kinds})
    assert sum("model: " in line for line in data["notes"]) == 2  # no model of its own, and no name for this one
    assert len(data["notes"]) < len(MODULES)


@pytest.mark.parametrize(
    ("model", "hint"), [("opuss", ": did you mean `opus`?"), ("gpt-5", ""), ("claude-opus-5", None), ("haiku", None)]
)
def test_a_model_that_the_client_does_not_know_is_noted(
    agentpack: Agentpack, project: Path, model: str, hint: str | None
) -> None:
    agentpack("install", "python-engineer", "-c", "claude")
    ran = agentpack("install", "python-engineer", "--set", f"model={model}")
    if hint is not None:
        assert f"may use other things: every-tool, model:large -> every-tool, model:{model}\n" in ran.err
    note = f".claude/agents/python-engineer.md: Claude Code knows no model `{model}`{hint}"
    assert [line for line in notes(ran.err) if "model" in line] == ([] if hint is None else [note])
    assert f"\nmodel: {model}\n" in (project / ".claude/agents/python-engineer.md").read_text()


def test_a_misspelled_model_that_is_left_out_leads_to_the_right_one(agentpack: Agentpack, project: Path) -> None:
    ran = agentpack("install", "python-engineer", "-c", "codex", "--set", "model=opuss")
    assert "model: `opuss` is left out, did you mean `opus`?" in ran.err


def test_a_client_that_reads_another_s_files_is_told_once(agentpack: Agentpack, packs: str) -> None:
    ran = agentpack("install", "several", "--source", packs, *for_clients("claude", "copilot"))
    told = (
        "GitHub Copilot (CLI and VS Code) reads 2 files such as .claude/agents/one.md: no second file is written for it"
    )
    assert [line for line in notes(ran.err) if "no second file" in line] == [told]
    more = agentpack("install", "single")
    assert [line for line in notes(more.err) if "no second file" in line] == [
        "GitHub Copilot (CLI and VS Code) reads .claude/agents/single.md: no second file is written for it"
    ]


def test_what_is_true_of_three_fields_names_all_three() -> None:
    fields = (GroupedNote(Note("is left out", "it is unknown", name), ("codex",), ("a",)) for name in "abc")
    first, *others = fields
    for other in others:
        first = first.joined(other)
    assert first.text == "`a`, `b`, `c` is left out"
