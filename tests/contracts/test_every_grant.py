"""Every setting of every client that may give an agent more: another value of it stops an upgrade."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.clients import CLIENTS
from agentpack.clients.base import Client

WIDER: dict[str, tuple[Any, Any]] = {
    "text": ("one", "two"),
    "list": (["one"], ["one", "two"]),
    "texts": (["one"], ["one", "two"]),
    "map": ({"one": {"command": "look"}}, {"one": {"command": "push"}}),
    "maps": ([{"name": "one", "command": "look"}], [{"name": "one", "command": "push"}]),
    "count": (2, 3),
    "flag": (False, True),
    "switches": ({"bash": False}, {"bash": True}),
    "permissions": ({"bash": "ask"}, {"bash": "allow"}),
}
"""A value of each form, and one that gives more wherever a value gives something."""
OF_KEYS: dict[str, tuple[Any, Any]] = {
    "approvalMode": ("default", "yolo"),
    "commandExecutionPolicy": ("ask", "turbo"),
    "permissionMode": ("default", "bypassPermissions"),
    "permission_mode": ("default", "yolo"),
    "safety": ("safe", "yolo"),
    "sandbox_mode": ("read-only", "danger-full-access"),
    "web_search": ("disabled", "live"),
    "memory": ("local", "user"),
    "mode": ("subagent", "primary"),
    "isolation": ("worktree", "remote"),
    "kind": ("local", "remote"),
    "readonly": (True, False),
    "read-only": (True, False),
    "agents_md": (True, False),
    "groups": (["read"], ["read", "command"]),
    "models": (["haiku"], ["haiku", "opus"]),
    "disable_skills": (True, False),
    "disabled_skills": (["one", "two"], ["one"]),
    "disabled": (True, False),
}
"""Of those whose forms do not say which value is the wider one."""
COVERED = {("codex", "web_search")}
"""What only gives a tool, where an agent has every tool at any rate."""


def _tools(client: Client) -> tuple[list[str], list[str]]:
    """Native names of tools that look, and these with one that runs commands."""
    names = client.tools.names if client.tools else {}
    looking, shell = names.get("read", ("Read",)), names.get("shell", ("Bash",))
    return [*looking], [*looking, *shell]


def _values(client: Client, key: str, form: str) -> tuple[Any, Any]:
    kind = client.meaning(key).partition(":")[0]
    if kind == "tool_settings":
        return ({"bash": {"permission": "ask"}}, {"bash": {"permission": "always"}})
    if key == "mcpServers" and form == "any":
        return ([{"one": {"command": "look"}}], [{"one": {"command": "push"}}])
    if key in OF_KEYS:
        return OF_KEYS[key]
    if kind in ("allow", "deny"):
        clients_by_pack, more = _tools(client)
        return (clients_by_pack, more) if kind == "allow" else (more, clients_by_pack)
    return WIDER[form]


def _limits(client: Client, key: str) -> dict[str, Any]:
    """What keeps servers of the session from an agent that names none: else they are its own already."""
    if client.meaning(key) != "mcp" or client.settings[key] != "list":
        return {}
    return {limit: _tools(client)[0] for limit in ("tools", "groups") if limit in client.settings}


def granting(client: Client) -> Iterator[str]:
    """The settings that may give an agent something."""
    return (key for key in client.settings if client.meaning(key) != "none" and (client.name, key) not in COVERED)


@pytest.mark.campaign
@pytest.mark.parametrize("client", [name for name in CLIENTS if any(granting(CLIENTS[name]))])
def test_another_value_of_a_setting_that_gives_something_stops_an_upgrade(
    agentpack: Agentpack, project: Path, client: str
) -> None:
    target = CLIENTS[client]
    scope = "--project" if target.folder("project", {}) is not None else "--user"
    for number, key in enumerate(granting(target)):
        name = f"agent-{number}"
        values = _values(target, key, target.settings[key])
        for version, value in zip(("1.0.0", "1.1.0"), values, strict=True):
            body = "Look at what is there, and say what you saw. {#identity}\n"
            settings = {**_limits(target, key), key: value}
            text = persona_text(name, body, clients={client: settings})
            publish(project / "packs", make_pack(name, version, personas={name: text}))
        first = (name + "==1.0.0", "--client", client, "--accept", f"widened:{client}", scope)
        agentpack("install", *first, "--source", str(project / "packs"))
        ran = agentpack("upgrade", name, "--latest", "--yes", scope, expect=None)
        assert ran.exit_code == 3, (key, values, ran.err)
        assert f"{name} for {client}" in ran.err or "takes more for itself" in ran.err, (key, ran.err)
