"""What a persona denies is denied by every client's file, or told as lost; nothing else is taken away where the client
can say so.
"""

from itertools import combinations
from typing import Any

import pytest
from support.written import rendered

from agentpack.capabilities.of_file import capabilities
from agentpack.clients import CLIENTS
from agentpack.clients.read_back import read_agent_file
from agentpack.errors import UsageError
from agentpack.model.capabilities import covers, widening
from agentpack.model.fields import TOOLS

DENIED = [denied for count in range(1, len(TOOLS) + 1) for denied in combinations(TOOLS, count)]
DENYING = [client for client in CLIENTS.values() if client.tools is not None]
PERMITTING = [client for client in DENYING if client.tools is not None and client.tools.style == "permissions"]


def powers(client: str, **fields: Any) -> tuple[str, ...]:
    return capabilities(CLIENTS[client], rendered(client, **fields).text.encode())


@pytest.mark.parametrize("client", CLIENTS)
def test_a_denied_tool_is_denied_or_told_as_lost(client: str) -> None:
    names = CLIENTS[client].tools.names if CLIENTS[client].tools else dict.fromkeys(TOOLS)  # type: ignore[union-attr]
    for denied in DENIED:
        made = rendered(client, deny=list(denied))
        if made.lost:
            told = made.lost[0].removeprefix("tools denied: ").split(", ")
            assert {*told} <= {*denied}
            assert {*denied} - {*told} <= {"edit", "shell", "delegate"}
            continue
        left = capabilities(CLIENTS[client], made.text.encode())
        said = "\n".join(map(str, made.notes))
        for tool in denied:
            assert not covers(left, tool) or (tool not in names and f"`{tool}` is left out" in said), (denied, left)


@pytest.mark.parametrize("client", DENYING, ids=lambda client: client.name)
def test_what_is_not_denied_stays(client: Any) -> None:
    for denied in DENIED:
        made = rendered(client.name, deny=list(denied))
        left = capabilities(client, made.text.encode())
        for tool in client.tools.names:
            along = f"`{tool}` is denied too" in "\n".join(map(str, made.notes))
            assert made.lost or tool in denied or along != covers(left, tool), (denied, left)


@pytest.mark.parametrize(
    "client", [one for one in DENYING if one.tools is not None and one.tools.deny], ids=lambda client: client.name
)
def test_tools_of_servers_stay_where_the_client_has_a_list_of_what_is_denied(client: Any) -> None:
    assert covers(powers(client.name, deny=["edit"]), "mcp:any")


@pytest.mark.parametrize("client", CLIENTS)
def test_denying_less_is_a_widening(client: str) -> None:
    both, one, none = (powers(client, deny=list(denied) or None) for denied in (("edit", "web"), ("edit",), ()))
    names = CLIENTS[client].tools.names if CLIENTS[client].tools else ("edit",)  # type: ignore[union-attr]
    if "edit" in names and not rendered(client, deny=["edit"]).lost:
        assert widening(one, none)
    if "web" in names and not rendered(client, deny=["edit", "web"]).lost:
        assert widening(both, one)
    assert not widening(none, one)
    assert not widening(one, both)


@pytest.mark.many
@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_denied_is_read_back_as_no_less(client: str) -> None:
    """For other clients, as `adopt` does it."""
    for denied in DENIED:
        made = rendered(client, deny=list(denied))
        if made.lost:
            continue
        header = read_agent_file(CLIENTS[client], made.text.encode(), "reviewer").header
        again = rendered(client, **{key: value for key, value in header.items() if key not in ("name", "description")})
        assert capabilities(CLIENTS[client], again.text.encode()) == capabilities(CLIENTS[client], made.text.encode())


@pytest.mark.parametrize("client", PERMITTING, ids=lambda client: client.name)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_that_is_asked_for_is_not_read_back_as_one_that_is_given(client: Any, tool: str) -> None:
    """But where that is what agentpack writes for the tool, as for Kilo's shell."""
    permission = {"*": "deny", **dict.fromkeys(client.tools_of(tool), "ask")}
    made = rendered(client.name, clients={client.name: {client.tools.key: permission}})
    if made.text == rendered(client.name, tools=[tool]).text:
        assert (client.name, tool) == ("kilo", "shell")
        return
    header = read_agent_file(client, made.text.encode(), "reviewer").header
    assert "tools" not in header
    assert header["clients"] == {client.name: {client.tools.key: permission}}


NATIVE = {
    "claude": ("disallowedTools", ["WebFetch"], ["WebFetch, Skill", "WebFetch Skill"]),
    "qwen": ("disallowedTools", ["web_fetch"], ["web_fetch, skill"]),
    "kimi": ("disallowedTools", ["FetchURL"], []),
    "commandcode": ("disallowedTools", ["web_fetch"], []),
    "vibe": ("disabled_tools", ["web_fetch"], []),
    "augment": ("disabled_tools", ["web-fetch"], []),
    "opencode": ("permission", {"webfetch": "deny"}, []),
    "kilo": ("permission", {"webfetch": "deny"}, []),
}


@pytest.mark.parametrize("client", NATIVE)
def test_it_is_joined_with_what_the_client_s_own_setting_denies(client: str) -> None:
    key, value, more = NATIVE[client]
    for own in (value, *more):
        alone = powers(client, clients={client: {key: own}})
        joined = powers(client, deny=["edit"], clients={client: {key: own}})
        assert not covers(joined, "edit")
        assert not widening(alone, joined)


@pytest.mark.parametrize("client", PERMITTING, ids=lambda client: client.name)
@pytest.mark.parametrize("tool", TOOLS)
def test_a_permission_of_the_client_s_own_does_not_give_back_what_is_denied(client: Any, tool: str) -> None:
    own = {native: "allow" for group in client.tools.names for native in client.tools_of(group)}
    assert own
    for wide in (own, {**own, "*": "allow"}, {"*": "allow", **own}, dict(reversed(own.items()))):
        left = powers(client.name, deny=[tool], clients={client.name: {client.tools.key: wide}})
        assert not covers(left, tool), wide


@pytest.mark.parametrize("client", [one for one in DENYING if one.powers.either], ids=lambda client: client.name)
def test_a_native_list_that_the_client_drops_beside_denied_tools_is_told_as_lost(client: Any) -> None:
    (native, *_) = client.tools.names["read"]
    made = rendered(client.name, deny=["edit"], clients={client.name: {client.tools.key: [native]}})
    assert made.lost == (f"`{client.tools.key}`, which {client.name} drops beside `{client.tools.deny}`",)


def test_a_native_list_of_another_form_is_refused_and_not_dropped() -> None:
    with pytest.raises(UsageError, match=r"`clients\.kimi\.disallowedTools`"):
        rendered("kimi", deny=["edit"], clients={"kimi": {"disallowedTools": {"Read": True}}})


@pytest.mark.parametrize("client", ["gemini", "copilot", "droid", "kiro", "cline", "roo"])
def test_a_client_that_can_only_allow_is_told_what_is_left(client: str) -> None:
    made = rendered(client, deny=["edit"])
    assert "list of the remaining tools" in "\n".join(map(str, made.notes))
    use = CLIENTS[client].skills  # what is left has the tool for skills, which no list of a persona's tools has
    skills = {f"tool:{use.tool}"} if use is not None and use.tool else set()
    assert {*powers(client, deny=["edit"])} == {
        *powers(client, tools=[tool for tool in TOOLS if tool != "edit"]),
        *skills,
    }


@pytest.mark.parametrize("client", ["gemini", "copilot", "droid", "kiro"])
def test_of_a_native_list_of_such_a_client_only_what_is_not_denied_stays(client: str) -> None:
    words = CLIENTS[client].tools
    assert words is not None
    own = [*words.names["read"], *words.names["edit"]]
    left = powers(client, deny=["edit"], clients={client: {words.key: own}})
    assert left == powers(client, tools=["read"])


def test_a_switch_for_looking_alone_denies_what_changes_something_and_no_more() -> None:
    assert "readonly: true" in rendered("cursor", deny=["edit"]).text
    assert rendered("cursor", deny=["edit"]).lost == ()
    assert rendered("cursor", deny=["web"]).lost == ("tools denied: web",)


@pytest.mark.parametrize("client", CLIENTS)
def test_beside_a_list_of_tools_a_denial_adds_nothing(client: str) -> None:
    given = {"tools": ["read", "search"]}
    assert rendered(client, **given, deny=["edit"]).text == rendered(client, **given).text
