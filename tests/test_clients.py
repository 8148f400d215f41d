"""clients: what agentpack writes for, and where."""

from pathlib import Path

import pytest
from support.running import Agentpack

from agentpack.targets import TARGETS


def row(agentpack: Agentpack, name: str) -> dict[str, object]:
    found = agentpack("clients", "--json").envelope["data"]["clients"]
    return next(client for client in found if client["name"] == name)


def test_every_client_is_listed_with_folders_and_check(agentpack: Agentpack) -> None:
    data = agentpack("clients", "--json").envelope["data"]["clients"]
    assert [client["name"] for client in data] == sorted(TARGETS)
    claude = row(agentpack, "claude")
    assert claude["project_folder"] == ".claude/agents"
    assert claude["user_folder"] == "~/.claude/agents"
    assert claude["verified_by"] == "judge"


def test_a_variable_that_moves_the_folder_is_followed(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere/claude")
    assert row(agentpack, "claude")["user_folder"] == "/elsewhere/claude/agents"


def test_a_client_that_files_were_installed_for_is_in_use(agentpack: Agentpack, project: Path) -> None:
    assert row(agentpack, "claude")["installed"] is False
    agentpack("install", "python-engineer", "--client", "claude")
    assert row(agentpack, "claude")["installed"] is True
    assert "claude\tyes\t" in agentpack("clients").out
