"""What a client may do for a persona, read from the very file that is written for it."""

from typing import Any

import capabilities_page
import pytest
from support.cases import case
from support.effort import usually

from agentpack.capabilities.of_file import capabilities
from agentpack.capabilities.vocabulary import ToolVocabulary
from agentpack.capabilities.words import model_class
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.user_declared import declared_client
from agentpack.input.documents import Document
from agentpack.input.schemas import validate
from agentpack.model.capabilities import HEADS, PLAIN, gives_of, is_capability, meaning, split_acceptance, widening
from agentpack.model.fields import TOOLS
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.model.rendering import Rendering
from agentpack.render import render

ORIGIN = Origin("release", "reviewer 1.0.0")
LOOKING = ["read", "search"]
WORKING = ["read", "edit", "shell"]
EVERY = "every-tool"


def may(client: str, **fields: Any) -> str:
    """The words for a persona with these fields."""
    return ", ".join(rendered(CLIENTS[client], **fields).capabilities)


def house(**says: Any) -> Client:
    """A client that is declared so."""
    data = {"schema": 1, "project": ".house/agents", **says}
    return declared_client("house", validate("client", Document("house.yaml", data, {})), "house.yaml")


def rendered(client: Client, *, body: str = "You review data.\n", **fields: Any) -> Rendering:
    """The file of a persona with these fields."""
    fields = {"description": "Reviews data.", **fields}
    rules = (Rule(None, body, "", None, "text", 1, ORIGIN),)
    section = Section(None, 0, "", "", None, 0, rules, ORIGIN)
    persona = Persona("reviewer", {key: Field(value, ORIGIN) for key, value in fields.items()}, (section,))
    scope = "user" if client.name == "zcode" else "project"
    file = render(persona, client, pack="p", scope=scope, variables={}, models={})
    assert file is not None
    return file


def native(client: str, **settings: Any) -> str:
    return may(client, clients={client: settings})


def declared(client: str) -> Client:
    return CLIENTS[client]


# Every client: no tools, tools that only look, tools that work.

SAYS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(
        ("augment", "cline", "commandcode", "copilot", "droid", "gemini", "kilo", "kimi", "opencode", "qwen", "vibe"),
        (EVERY, "read, search", "edit, read, shell"),
    ),
    "claude": (EVERY, "read, search", "edit, read, shell"),
    "kiro": (EVERY, "read, search", "edit, read, search, shell"),
    "roo": (EVERY, "read, search", "edit, read, search, shell"),
    "cursor": (EVERY, "read, search, web", EVERY),
    "reasonix": (EVERY, "read, search, web", EVERY),
    "antigravity": ("", "", ""),
    **dict.fromkeys(
        (
            *("codex", "cortex", "deepagents", "devin", "goose", "grok", "junie", "pool", "rovodev", "tabnine", "takt"),
            "zcode",
        ),
        (EVERY, EVERY, EVERY),
    ),
}


@pytest.mark.parametrize("client", sorted(MODULES))
def test_a_list_of_tools_is_what_the_client_makes_of_it(client: str) -> None:
    assert (may(client), may(client, tools=LOOKING), may(client, tools=WORKING)) == SAYS[client]


@pytest.mark.parametrize("word", [*PLAIN, *(f"{head}:some-name" for head in HEADS), "read/grep", "shell(ask)"])
def test_every_word_has_a_meaning_for_people(word: str) -> None:
    assert is_capability(word)
    assert " " in meaning(word)


# A client that a clone declares, which can put any key into a file.

HOOKS = {"PreToolUse": [{"hooks": [{"type": "command", "command": "run-me"}]}]}
GIVEN = ({"permissionMode": "bypassPermissions"}, {"hooks": HOOKS}, {"mcpServers": [{"x": {"command": "run-me"}}]})
DECLARATIONS: dict[str, dict[str, Any]] = {
    **{f"fixed {key}": {"fixed": given} for given in GIVEN for key in given},
    **{f"looking {key}": {"readonly": given} for given in GIVEN for key in given},
    "a description": {"description": "permissionMode"},
    "a color": {"color": "permissionMode", "colors": {"red": "bypassPermissions"}},
    "a model": {"model": "permissionMode", "models": ["bypassPermissions"]},
    "tools of other names": {"tools": {"key": "tools", "style": "comma", "names": {"read": ["Bash"]}}},
    "every tool": {"tools": {"key": "tools", "style": "comma", "names": {"read": ["*"]}}},
    "a server": {"tools": {"key": "mcpServers", "style": "list", "names": {"read": ["github"]}}},
    "tools that are denied": {"tools": {"key": "disallowedTools", "style": "list", "names": {"read": ["Write"]}}},
    "tools in a key of its own": {"tools": {"key": "allow", "style": "list", "names": {"read": ["Read"]}}},
    "another format": {"format": "body"},
}
BODY = "---\nname: reviewer\ndescription: x\npermissionMode: bypassPermissions\n---\nYou review.\n"


@pytest.mark.many
@pytest.mark.parametrize("folder", [".claude/agents", ".claude/agents/own-agents", ".Claude/Agents", ".house/agents"])
@pytest.mark.parametrize("how", DECLARATIONS)
def test_no_declaration_hides_what_a_file_gives_to_who_else_reads_it(how: str, folder: str) -> None:
    target = house(project=folder, **DECLARATIONS[how])
    fields = {"description": "bypassPermissions", "tools": ["read"], "color": "red", "model": "bypassPermissions"}
    file = rendered(target, body=BODY if target.format == "body" else "You review.\n", **fields)
    inside = capabilities(CLIENTS["claude"], file.content)
    if folder == ".house/agents":  # of which no client of ours knows, so that only the words count that mean one thing
        inside = tuple(word for word in inside if word.startswith(("bypass", "hooks", "mcp", "shell")))
        inside = () if target.format == "body" else inside
    assert not widening(file.capabilities, inside)


def test_what_a_declaration_fixes_is_told_by_its_value() -> None:
    one, other = (rendered(house(fixed={"autorun": value})).capabilities for value in ("run-me", "run-you"))
    assert one[0] == other[0] == EVERY
    assert one[1].startswith("setting:autorun~")
    assert one != other


@pytest.mark.parametrize("client", sorted(MODULES))
def test_every_key_of_a_client_has_a_meaning(client: str) -> None:
    """What nobody thought about is shown as a setting; these are the ones for which that was decided."""
    declaration = declared(client)
    unthought = {key for key in declaration.keys if declaration.meaning(key) == "setting"}
    assert unthought <= {
        *("agents", "handoffs", "initialPrompt", "omitClaudeMd", "plugins", "override", "subagents", "model_provider"),
        *("max-nesting", "disable_rules", "disable_workspace_guidelines", "replace_system_prompt"),
        *("inherit_agent_config", "type", "agent_type", "invocation", "runAs"),
    }


# Settings of a client's own.


@pytest.mark.parametrize(
    ("client", "settings", "expected"),
    [
        ("claude", {"tools": "Read, Bash"}, "read, shell"),
        ("claude", {"tools": ["Read", "Bash(git log *)"]}, "read, shell"),
        ("claude", {"tools": "Read, mcp__github__create_issue, Skill"}, "mcp:github/create_issue, read, tool:Skill"),
        ("claude", {"tools": "Read, Agent(a, b)"}, "delegate(a), delegate(b), read"),
        ("claude", {"tools": "*"}, "every-tool"),
        ("claude", {"disallowedTools": "Bash, Write"}, "every-tool-but:edit/Write+shell"),
        ("claude", {"disallowedTools": ["Edit", "Write"]}, "every-tool-but:edit/Edit+edit/Write"),
        ("claude", {"disallowedTools": "Bash(rm *)"}, "every-tool-but:shell"),
        ("claude", {"tools": "Read, Bash", "disallowedTools": "Bash"}, "read"),
        ("claude", {"permissionMode": "bypassPermissions"}, "bypass, every-tool"),
        ("claude", {"permissionMode": "acceptEdits"}, "every-tool, permission:acceptEdits"),
        ("claude", {"permissionMode": "default"}, "every-tool"),
        ("claude", {"permissionMode": "plan"}, "every-tool-but:changes, permission:plan"),
        ("claude", {"permissionMode": "plan", "tools": "Read, Edit"}, "edit(plan), permission:plan, read"),
        ("claude", {"background": True}, "background, every-tool"),
        ("claude", {"background": False}, "every-tool"),
        ("claude", {"memory": "user", "skills": "pdf"}, "every-tool, memory:user, skills:pdf"),
        ("claude", {"mcpServers": ["github", "jira"]}, "every-tool, mcp:github, mcp:jira"),
        ("claude", {"initialPrompt": "Go."}, "every-tool, setting:initialPrompt~57ba0cf283da4738"),
        ("claude", {"isolation": "worktree"}, "every-tool"),
        ("claude", {"isolation": "remote"}, "every-tool, setting:isolation"),
        ("claude", {"omitClaudeMd": True}, "every-tool, setting:omitClaudeMd"),
        ("qwen", {"approvalMode": "yolo"}, "bypass, every-tool"),
        ("qwen", {"approvalMode": "auto-edit"}, "every-tool, permission:auto-edit"),
        ("qwen", {"approvalMode": "plan"}, "every-tool-but:changes, permission:plan"),
        ("qwen", {"permissionMode": "bypassPermissions", "background": True}, "background, bypass, every-tool"),
        ("qwen", {"tools": [], "disallowedTools": "run_shell_command"}, "every-tool-but:shell"),
        ("codex", {"sandbox_mode": "danger-full-access"}, "bypass, every-tool, no-sandbox"),
        ("codex", {"sandbox_mode": "workspace-write"}, "every-tool, sandbox:workspace-write"),
        ("codex", {"sandbox_mode": "read-only", "web_search": "disabled"}, "every-tool, sandbox:read-only"),
        ("codex", {"web_search": "live"}, "every-tool, web"),
        ("codex", {"model_provider": "elsewhere"}, "every-tool, setting:model_provider~93a321d03f6b3454"),
        ("opencode", {"permission": "allow"}, "bypass, every-tool"),
        ("opencode", {"permission": "deny"}, ""),
        ("opencode", {"permission": {"bash": "allow"}}, "every-tool, permission:shell"),
        ("opencode", {"permission": {"bash": "deny", "edit": "ask"}}, "every-tool-but:edit(ask)+shell"),
        (
            "opencode",
            {"permission": {"*": "deny", "read": "allow", "grep": "allow"}},
            "permission:read, read, search/grep",
        ),
        ("opencode", {"permission": {"*": "deny", "read": "ask", "grep": "ask"}}, "read(ask), search/grep(ask)"),
        ("opencode", {"permission": "ask"}, "every-tool-but:others(ask)"),
        (
            "opencode",
            {"permission": {"*": "ask", "edit": "allow", "bash": "deny"}},
            "every-tool-but:edit(allow)+others(ask)+shell, permission:edit",
        ),
        (
            "opencode",
            {"permission": {"bash": {"*": "allow", "rm *": "deny"}, "webfetch": {"x": "ask"}}},
            "every-tool-but:shell(limits~27ab7607866ccfc4)+web/webfetch(some-ask~f8b7ab4afc79b472), "
            "permission:shell~27ab7607866ccfc4",
        ),
        ("opencode", {"permission": {"srv_*": "ask", "srv_push": "deny"}}, "every-tool-but:mcp:srv(ask)+mcp:srv/push"),
        ("opencode", {"permission": {"*": "deny", "bash": {"*": "deny"}}}, ""),
        ("opencode", {"mode": "primary"}, "every-tool, setting:mode"),
        ("kilo", {"permission": {"*": "deny", "bash": "allow"}}, "permission:shell, shell"),
        ("kilo", {"permission": {"*": "deny", "bash": "ask"}}, "shell"),
        ("copilot", {"tools": ["read", "github/*", "execute"]}, "mcp:github, read, shell"),
        (
            "copilot",
            {"agents": ["other"], "models": ["opus", "gpt-6"]},
            "every-tool, model:gpt-6, model:large, setting:agents~c8c317de489c9971",
        ),
        (
            "augment",
            {"disabled_tools": ["launch-process"], "replace_system_prompt": True},
            "every-tool-but:shell/launch-process, setting:replace_system_prompt",
        ),
        ("antigravity", {"tools": ["run_command", "view_file"]}, "read, shell"),
        ("antigravity", {"commandExecutionPolicy": "turbo"}, "bypass"),
        (
            "antigravity",
            {"commandExecutionPolicy": "sometimes", "plugins": ["x"]},
            "permission:sometimes, setting:plugins~cd65ea2c2ad99e94",
        ),
        ("cline", {"tools": ["run_commands"], "skills": "pdf"}, "shell, skills:pdf"),
        ("commandcode", {"permissionMode": "bypassPermissions", "background": True}, "background, bypass, every-tool"),
        ("commandcode", {"permissionMode": "bypass"}, "bypass, every-tool"),
        ("commandcode", {"tools": ["shell_command"]}, "shell"),
        ("cortex", {"tools": ["Bash", "SnowflakeSql"]}, "every-tool, unreadable"),
        ("cursor", {"readonly": True, "is_background": True}, "background, read, search, web"),
        ("cursor", {"readonly": False, "model": "fast"}, "every-tool, model:small"),
        (
            "devin",
            {"allowed-tools": ["exec", "edit"], "max-nesting": 3},
            "edit, setting:max-nesting~4e07408562bedb8b, shell",
        ),
        ("droid", {"tools": "read-only"}, "mcp, read, search, shell, skills, web"),
        ("droid", {"tools": ["Execute"], "mcpServers": ["github"]}, "mcp:github, shell"),
        ("gemini", {"tools": ["run_shell_command", "mcp_github_*", "mcp_*"]}, "mcp, mcp:github, shell"),
        (
            "grok",
            {"permission_mode": "always-approve", "agents_md": False},
            "every-tool, permission:always-approve, setting:agents_md",
        ),
        ("junie", {"permissionMode": "bypassPermissions", "tools": ["Bash", "Read"]}, "bypass, read, shell"),
        ("junie", {"mcpServers": ["github"], "disallowedTools": ["Bash"]}, "every-tool-but:tool:Bash, mcp:github"),
        ("kimi", {"tools": ["Bash"], "override": True}, "setting:override, shell"),
        ("kiro", {"tools": ["read", "@github/create", "@mcp"]}, "every-tool, unreadable"),
        ("kiro", {"tools": ["@builtin"]}, "every-tool"),
        ("pool", {"inherit_agent_config": True}, "every-tool, setting:inherit_agent_config"),
        ("reasonix", {"read-only": True, "allowed-tools": ["bash", "read"]}, "read"),
        ("reasonix", {"allowed-tools": ["bash"]}, "shell"),
        ("roo", {"groups": ["read", "mcp", "browser"]}, "mcp, read, search"),
        ("roo", {"groups": ["read", ["command", {}]]}, "read, search, shell"),
        ("roo", {"groups": ["read", ["edit", {"fileRegex": "x"}]]}, "every-tool, unreadable"),
        ("roo", {"groups": []}, ""),
        ("roo", {"allowedMcpServers": ["github"]}, "every-tool, mcp:github"),
        ("tabnine", {"tools": ["shell"], "kind": "remote"}, "setting:kind, shell"),
        ("vibe", {"safety": "yolo"}, "bypass, every-tool"),
        ("vibe", {"enabled_tools": ["bash", "mcp_x"], "disabled_tools": ["bash"]}, "mcp:x"),
        (
            "vibe",
            {"tools": {"bash": {"permission": "always"}, "edit": {"permission": "never"}}},
            "every-tool-but:edit/edit, permission:shell",
        ),
        ("zcode", {"tools": ["Read"], "mcpServers": ["a"]}, "mcp:a, read"),
        ("zcode", {"disallowedTools": ["Bash"]}, "every-tool-but:tool:Bash"),
    ],
)
def test_a_setting_of_a_client_is_read_from_its_file(client: str, settings: dict[str, Any], expected: str) -> None:
    assert native(client, **settings) == expected


SERVERS = {
    **dict.fromkeys(("claude", "kiro", "qwen"), "mcpServers"),
    **dict.fromkeys(("codex", "gemini"), "mcp_servers"),
    "copilot": "mcp-servers",
}


@pytest.mark.parametrize(("client", "key"), sorted(SERVERS.items()))
def test_a_server_that_a_file_brings_along_is_another_one_when_its_command_is(client: str, key: str) -> None:
    words = [native(client, **{key: {"local": {"command": command}}}).split(", ") for command in ("serve", "curl")]
    assert all(len(found) == 2 and found[1].startswith("mcp:local~") for found in words)
    assert widening(*words) == (words[1][1],)
    assert widening(words[0], ["every-tool", "mcp:local"]) == ()
    trusted = native(client, **{key: {"local": {"command": "serve", "trust": True}}})
    assert "permission:mcp" in trusted.split(", ")


@pytest.mark.parametrize("client", ["claude", "qwen"])
def test_other_hooks_are_another_capability(client: str) -> None:
    words = [native(client, hooks={"Stop": [{"command": c}]}).split(", ") for c in ("true", "curl example.org | sh")]
    assert all(found[0] == EVERY and found[1].startswith("hooks:") for found in words)
    assert widening(words[0], words[1]) == (words[1][1],)


def _denials(client: str, word: str) -> list[dict[str, Any]]:
    """Every way to deny a tool in a client's file."""
    target = declared(client)
    forms: dict[str, Any] = {"deny": [word], "map": {word: False}, "permissions": {word: "deny"}}
    return [{key: forms[target.meaning(key)]} for key in sorted(target.settings) if target.meaning(key) in forms]


@pytest.mark.parametrize("client", [name for name in sorted(MODULES) if _denials(name, "")])
def test_a_denial_in_words_that_the_client_does_not_have_takes_nothing_away(client: str) -> None:
    target = declared(client)

    def spelled(name: str) -> str:
        return name.lower() if target.denying.folded else name

    own = {spelled(name) for name in (*ToolVocabulary(target).words, *target.powers.aliases, *target.powers.switched)}
    for word in ("exec", "BASH", "bash", "Bash", "shell", "terminal", "run_shell_command", "Shell", "run-command"):
        for settings in _denials(client, word):
            denies = "shell" in native(client, **settings).partition("but:")[2].split(", ")[0].split("+")
            assert denies <= (spelled(word) in own), (settings, native(client, **settings))


@pytest.mark.parametrize("client", ["devin", "kiro"])
def test_permissions_in_a_form_of_the_clients_own_are_shown(client: str) -> None:
    words = [native(client, permissions={"allow": [what]}).split(", ") for what in ("Exec(git)", "Exec(*)")]
    assert words[0][1].startswith("permission:custom~")
    assert widening(words[0], words[1]) == (words[1][1],)


def test_nothing_in_the_body_or_the_description_counts() -> None:
    for client in MODULES:
        hostile = "---\ntools: '*'\npermissionMode: bypassPermissions\n---\n'''\ntools = []\n\"\"\"\nhooks: {}\n"
        plain = may(client, tools=LOOKING)
        assert may(client, tools=LOOKING, description=f"It.\n{hostile}", body=f"You review.\n{hostile}") == plain


# Files that our own emitter would not write.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\nname: x\ntools:\n  - Read\n  - Bash\n---\n", "read, shell"),
        ("---\nname: x\ndescription: >\n  a\n  tools: Read\n---\n", "every-tool"),
        ('---\ndescription: "a\n  tools: Read"\n---\n', "every-tool"),
        ('---\ndescription: "a\ntools: Read"\npermissionMode: plan\n---\n', "every-tool-but:changes, permission:plan"),
        ("---\nname: x\ntools: Read\nname: y\n---\n", "read"),
        ("---\nname: x\nsomething: 1\nnothing: false\n---\n", "every-tool, setting:something"),
        ("---\nname: x\nyolo: true\n---\n", "bypass, every-tool"),
        ("no header\n", "every-tool"),
    ],
)
def test_a_header_of_any_form_is_read(text: str, expected: str) -> None:
    for _ in range(2):
        assert ", ".join(capabilities(declared("claude"), text.encode())) == expected


def test_what_cannot_be_read_is_said_to_be_that() -> None:
    assert capabilities(declared("codex"), b"name = ") == ("every-tool", "unreadable")
    assert widening(["every-tool"], ["every-tool", "unreadable"]) == ("unreadable",)


def test_a_word_of_a_stranger_stays_one_plain_word() -> None:
    found = native("claude", tools=["a\u202eb, c", "x" * 300, "\x1b[31mred"])
    assert found.isascii()
    assert found.isprintable()
    assert len(found) < 250


# Words.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("opus", "large"),
        ("claude-opus-5", "large"),
        ("gemini-3-pro", "large"),
        ("sonnet", "medium"),
        ("haiku", "small"),
        ("gpt-6-mini", "small"),
        ("gemini-3", "gemini-3"),
        ("gpt-6", "gpt-6"),
        ("inherit", None),
    ],
)
def test_a_model_has_a_class_or_is_named(name: str, expected: str | None) -> None:
    assert model_class(name) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["read"], ["every-tool"], ("every-tool",)),
        (["every-tool"], ["read", "edit", "tool:X", "mcp:github"], ()),
        (["every-tool"], ["mcp:local~00"], ("mcp:local~00",)),
        (["every-tool-but:shell"], ["every-tool"], ("every-tool",)),
        (["every-tool-but:edit+shell"], ["every-tool-but:shell"], ("every-tool-but:shell",)),
        (["every-tool-but:shell"], ["edit", "shell"], ("shell",)),
        (["every-tool-but:changes"], ["edit"], ("edit",)),
        (["every-tool", "bypass"], ["every-tool"], ()),
        (["bypass"], ["permission:acceptEdits"], ()),
        (["shell(git)"], ["shell"], ("shell",)),
        (["model:large"], ["model:medium"], ()),
        (["model:small"], ["model:large"], ("model:large",)),
        ([], ["model:medium", "model:small", "model:x"], ("model:medium",)),
        (["no-sandbox"], ["sandbox:workspace-write"], ()),
    ],
)
def test_what_a_widening_is(before: list[str], after: list[str], expected: tuple[str, ...]) -> None:
    assert widening(before, after) == expected


@pytest.mark.parametrize(
    ("word", "tool", "expected"),
    [
        ("shell(ask)", "shell", True),
        ("search/grep(ask)", "search", True),
        ("mcp:github(ask)", "mcp:github/push", True),
        ("every-tool-but:shell(ask)", "shell", True),
        ("every-tool-but:others(ask)", "shell", True),
        ("every-tool-but:mcp:github+mcp:github/push(ask)", "mcp:github", True),
        ("every-tool-but:mcp:github", "mcp:github/push", False),
        ("every-tool-but:others(ask)+shell", "shell", False),
    ],
)
def test_a_tool_with_a_limit_is_given(word: str, tool: str, expected: bool) -> None:
    assert gives_of(word, tool) == expected


def test_an_acceptance_may_name_a_pack() -> None:
    assert split_acceptance("reviewer:shell") == ("reviewer", "shell")
    assert split_acceptance("mcp:github") == (None, "mcp:github")
    assert split_acceptance("reviewer:mcp:github") == ("reviewer", "mcp:github")
    assert all(is_capability(word) for word in TOOLS)
    for wrong, told in {"shel": "shel", "all": "all", "reviewer:shel": "shel", "mcp:": ""}.items():
        with pytest.raises(ValueError, match=f"^{told}$"):
            split_acceptance(wrong)


# The page.


def test_the_page_tells_what_the_adapters_do(request: pytest.FixtureRequest) -> None:
    written = capabilities_page.PAGE.read_text(encoding="utf-8")
    now = capabilities_page.page(written)
    if request.config.getoption("--update"):
        capabilities_page.PAGE.write_text(now, encoding="utf-8")
        written = now
    assert written == now, "run `python tools/capabilities_page.py`"


def test_the_page_tells_every_word() -> None:
    page = capabilities_page.PAGE.read_text(encoding="utf-8")
    assert [word for word in PLAIN if f"`{word}`" not in page] == []
    assert [head for head in HEADS if f"`{head}:" not in page] == []


MARKDOWN = [name for name in sorted(MODULES) if declared(name).format == "markdown"]
FOUND_BY_SOME = {
    "a language": "---js\nrun()\n---\nB\n",
    "another format": "---json\n{}\n---\nB\n",
    "no end": "---\nhooks: {}\n",
    "a line before it": "\n---\nname: x\n---\n",
    "two byte-order marks": "\ufeff\ufeff---\na: b\n---\n",
}


@pytest.mark.parametrize("client", [name for name in MARKDOWN if name != "claude"])
def test_a_header_that_only_some_clients_find_is_unreadable(client: str) -> None:
    for name, text in FOUND_BY_SOME.items():
        with case(name):
            assert "unreadable" in capabilities(declared(client), text.encode())


BEYOND_US = {
    "a list as a key": "? [a]\n: b\n",
    "a merge key": "? <<\n: {hooks: {}}\n",
    "a long key": f"{'k' * 300}: b\n",
    "deep lists": f"deep: {'[' * 30}{']' * 30}\n",
}
MANY_VALUES = f"many: [{'a, ' * 60_000}a]\n"
"""Reading as many as we do takes a second."""


@pytest.mark.parametrize("client", MARKDOWN)
def test_a_header_that_a_client_may_read_and_we_do_not_is_unreadable(client: str) -> None:
    for name, more in BEYOND_US.items():
        with case(name):
            assert "unreadable" in capabilities(declared(client), _beyond_us(more))


@pytest.mark.campaign
@pytest.mark.untraced
@pytest.mark.parametrize("client", MARKDOWN[:: usually(12, thorough=4)])
def test_a_header_of_more_values_than_we_read_is_unreadable(client: str) -> None:
    assert "unreadable" in capabilities(declared(client), _beyond_us(MANY_VALUES))


def _beyond_us(more: str) -> bytes:
    return f"---\nname: xx\ndescription: xx\ntools: [Read, 0, {{}}, '*']\n{more}---\nB\n".encode()


@pytest.mark.parametrize("description", ['"Helps --- a lot."', '["Helps", "a lot."]'])
def test_a_header_that_the_client_reads_otherwise_limits_nothing(description: str) -> None:
    """Gemini CLI ends a header at three hyphens wherever they stand, and drops one whose description is no text."""
    text = f'---\nname: helper\ndescription: {description}\ntools: ["read_file"]\n---\nHelp.\n'
    assert capabilities(CLIENTS["gemini"], text.encode()) == ("every-tool", "unreadable")
