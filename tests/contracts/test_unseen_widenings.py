"""Settings that look like the ones before, or like a restriction, and with which a client lets an agent do more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.capabilities.of_file import FileReader
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.user_declared import declared_client
from agentpack.input.documents import Document
from agentpack.input.schemas import validate
from agentpack.model.capabilities import BUT, EVERY, widening

SECRETS = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
LAST = {"*.env": "ask", "*.env.*": "ask", "*.env.example": "allow", "*": "allow"}
DENIED = {"permission": "never"}


def allowed(grant: Any) -> dict[str, Any]:
    return {"permission": {"bash": grant}}


def both(*cases: tuple[dict[str, Any], dict[str, Any]]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    return [(client, *case) for client in ("opencode", "kilo") for case in cases]


UNSEEN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # what restricts nothing in a list of allowed tools denies nothing in one of denied tools
    ("qwen", {"tools": ["read_file"]}, {"tools": ["*"], "disallowedTools": []}),
    ("augment", {"tools": ["view"]}, {"disabled_tools": []}),
    ("vibe", {"enabled_tools": ["grep"]}, {"disabled_tools": []}),
    ("junie", {"disallowedTools": ["Bash"]}, {"disallowedTools": ["*"]}),
    ("commandcode", {"tools": ["grep"]}, {"tools": ["grep", "shell_command"], "disallowedTools": "write_file, glob *"}),
    ("augment", {"tools": ["view"]}, {"tools": ["view"], "disabled_tools": ["*"]}),
    # patterns that leave some tools alone, or give tools that no name gives
    *both(
        ({"permission": {"*": "deny"}}, {"permission": {"?": "deny"}}),
        ({"tools": {"*": False}}, {"tools": {"?": False}}),
        ({"permission": {"*": "deny"}}, {"permission": {"*": "deny", "?*": "allow"}}),
        ({"permission": {"*": "deny"}}, {"permission": {"*": "deny", "??*": "ask"}}),
        (allowed("ask"), {"permission": {"bas*": "allow"}}),
        (allowed("ask"), {"tools": {"bash": True}}),
        ({"permission": {"read": "allow"}}, {"permission": {"rea*": {"*": "allow"}, "bas?": {"*": "allow"}}}),
        ({"permission": {"srv_*": "deny"}}, {"permission": {"srv_*": "deny", "srv_push": "ask"}}),
        ({"permission": {"srv_*": "deny"}}, {"permission": {"srv_*": "deny", "s?v_*": "ask"}}),
        ({"permission": {"*": "deny"}}, {"permission": {"*": "deny", "srv_*": "allow", "srv_?": "deny"}}),
        # the order of rules
        (allowed({"rm *": "allow", "*": "ask"}), allowed({"*": "ask", "rm *": "allow"})),
        (allowed({"*": "allow", "rm *": "deny"}), allowed({"rm *": "deny", "*": "allow"})),
        ({"permission": {"bash": "allow", "*": "deny"}}, {"permission": {"*": "deny", "bash": "allow"}}),
        ({"permission": {"*": "deny", "read": SECRETS}}, {"permission": {"*": "deny", "read": LAST}}),
    ),
    ("devin", {"permissions": {"rm": "allow", "*": "ask"}}, {"permissions": {"*": "ask", "rm": "allow"}}),
    # a limit that is dropped, or made weaker
    *both(
        (allowed("ask"), {}),
        (allowed("ask"), {"permission": {"edit": "ask"}}),
        (allowed({"*": "allow", "rm *": "deny"}), {}),
        (allowed({"*": "allow", "rm *": "deny"}), allowed("allow")),
        ({"permission": "ask"}, {}),
        ({"permission": {"*": "deny", "edit": "ask"}}, {"permission": {"*": "deny", "edit": "allow"}}),
        ({"permission": {"*": "allow", "bash": "ask"}}, {"permission": {"*": "ask", "bash": "allow"}}),
    ),
    ("vibe", {"enabled_skills": ["one"]}, {}),
    ("vibe", {"disabled_skills": ["one", "two"]}, {"disabled_skills": ["two"]}),
    ("vibe", {"disabled_tools": ["skill"]}, {}),
    ("vibe", {"tools": {"edit": {"permission": "ask"}}}, {}),
    ("augment", {"disable_skills": True}, {}),
    ("augment", {"tools": ["view"], "disable_skills": True}, {"tools": ["view"]}),
    ("pool", {"disabled": True}, {}),
    ("devin", {"permissions": {"deny": ["Exec(rm)"]}}, {}),
    # settings of a tool beside `permission` are looked at before it
    *(
        ("vibe", {"tools": {tool: DENIED}}, {"tools": {tool: {**DENIED, "allowlist": ["curl", "sh"]}}})
        for tool in ("bash", "edit")
    ),
    ("vibe", {"disabled_tools": ["bash"]}, {"tools": {"bash": DENIED}}),
    ("vibe", {"enabled_tools": ["grep"]}, {"enabled_tools": ["grep"], "tools": {"*": {**DENIED}, "x_*": {**DENIED}}}),
    (
        "vibe",
        {"tools": {"bash": {"permission": "always", "denylist": ["rm", "curl"]}}},
        {"tools": {"bash": {"permission": "always"}}},
    ),
    (
        "vibe",
        {"tools": {"bash": {"permission": "always", "denylist": ["rm"]}}},
        {"tools": {"bash": {"permission": "always", "denylist": ["rm"], "sensitive_patterns": []}}},
    ),
    (
        "vibe",
        {"enabled_tools": ["grep"], "tools": {"grep": DENIED}},
        {"enabled_tools": ["grep"], "tools": {"grep": {**DENIED, "allowlist": ["/*"]}}},
    ),
    # words that are not the client's word for its plan mode, and fields that another one replaces
    ("qwen", {"permissionMode": "plan"}, {"permissionMode": "explore"}),
    ("qwen", {"permissionMode": "plan"}, {"permissionMode": "pl-an"}),
    ("qwen", {"approvalMode": "plan"}, {"approvalMode": "default", "permissionMode": "plan"}),
    ("commandcode", {"tools": "*", "permissionMode": "plan"}, {"tools": "*", "permissionMode": "read only"}),
    ("claude", {"permissionMode": "plan"}, {"permissionMode": "default"}),
    # a model that is named by more than one size
    ("copilot", {"models": ["claude-haiku-4.5"]}, {"models": ["claude-opus-4.6-fast"]}),
]


@pytest.mark.campaign
@pytest.mark.parametrize(("client", "before", "after"), UNSEEN)
def test_a_release_with_such_settings_stops_an_upgrade(
    agentpack: Agentpack, project: Path, client: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    for version, settings in {"1.0.0": before, "1.1.0": after}.items():
        text = persona_text("reviewer", "Look at what is there. {#identity}\n", clients={client: settings})
        publish(project / "packs", make_pack("reviews", version, personas={"reviewer": text}))
    first = ("--client", client, "--accept", f"widened:{client}", "--source", str(project / "packs"))
    agentpack("install", "reviews==1.0.0", *first)
    ran = agentpack("upgrade", "--latest", "--yes", expect=3)
    assert f"reviewer for {client}" in ran.err


# What holds for every client.


def declared(client: str) -> Client:
    return CLIENTS[client]


def told(client: Client, **settings: Any) -> tuple[str, ...]:
    return FileReader(client).words_for({**client.unlimited, **settings})


def keys(client: str, meaning: str) -> list[str]:
    return [key for key in sorted(declared(client).settings) if declared(client).meaning(key) == meaning]


DENYING = [(client, key) for client in sorted(MODULES) for key in keys(client, "deny")]
MODES = [(client, key) for client in sorted(MODULES) for kind in ("mode", "grants") for key in keys(client, kind)]
VOID: tuple[Any, ...] = (
    "",
    " ",
    ",",
    [],
    [None],
    [""],
    {},
    {"x": False},
    0,
    7,
    True,
    False,
    None,
    "a*",
    ["?*"],
    ["**"],
)


@pytest.mark.many
@pytest.mark.parametrize("value", VOID, ids=repr)
@pytest.mark.parametrize(("client", "key"), DENYING)
def test_only_a_star_may_deny_every_tool(client: str, key: str, value: Any) -> None:
    words = told(declared(client), **{key: value})
    assert any(word == EVERY or word.startswith(BUT) for word in words)


PLANS = (
    "plan",
    "Plan",
    "PLAN",
    " plan",
    "pl-an",
    "plan.",
    "explore",
    "readonly",
    "read-only",
    "read only",
    True,
    ["plan"],
)


@pytest.mark.many
@pytest.mark.parametrize("value", PLANS, ids=repr)
@pytest.mark.parametrize(("client", "key"), MODES)
def test_only_the_word_of_the_client_is_its_plan_mode(client: str, key: str, value: Any) -> None:
    target = declared(client)
    restricts = bool(widening(told(target, **{key: value}), told(target)))
    assert restricts == (value == "plan" and target.knows_plan(key))


def test_some_clients_have_a_plan_mode() -> None:
    assert {client for client, key in MODES if declared(client).knows_plan(key)} >= {"claude", "qwen", "commandcode"}


def house(**says: Any) -> Client:
    data = {"schema": 1, **says}
    return declared_client("house", validate("client", Document("house.yaml", data, {})), "house.yaml")


def folders() -> list[tuple[str, str, str]]:
    """Every folder in which a client looks for agents."""
    return [
        (client, scope, folder)
        for client in sorted(MODULES)
        if declared(client).shared is None
        for scope in ("project", "user")
        for folder in declared(client).folders(scope, {})
        if "agent" in folder.rpartition("/")[2].lower()
    ]


@pytest.mark.many
@pytest.mark.parametrize("spelled", [str, str.upper, str.title])
@pytest.mark.parametrize(("client", "scope", "folder"), folders())
def test_a_declared_client_tells_what_everybody_does_with_a_file_in_its_folder(
    client: str, scope: str, folder: str, spelled: Callable[[str], str]
) -> None:
    place = spelled(folder)
    where = {"project": place} if scope == "project" else {"user": {"folder": place}}
    tools = {"key": "allow", "style": "list", "names": {"read": ["Read"]}}
    target = house(**where, tools=tools)
    assert client in {reader.client.name for reader in FileReader(target).others}
    content = b"---\nname: reviewer\ndescription: Reviews data.\nallow:\n  - Read\n---\n\nYou review data.\n"
    told_by_house = {
        word for reader in (FileReader(target), *FileReader(target).others) for word in reader.read(content)
    }
    assert not widening(told_by_house, FileReader(declared(client)).read(content))
