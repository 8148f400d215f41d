"""A release that leaves a limit out of a client's file lets the agent do more, whatever the limit is and stands beside.

For every client and every key that can limit an agent.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from support.cases import case

from agentpack.capabilities.of_file import FileReader
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.capability_meanings import LIMITING
from agentpack.model.capabilities import widening

PARTS = {"*": "allow", "rm *": "deny"}
GIVING = frozenset(("grants", "tool_settings", "permissions"))
"""Meanings of keys that may also give an agent more."""


def names_of(client: Client) -> tuple[list[str], list[str], list[str]]:
    """A tool that looks, one that runs commands, and all that edit, in the client's words."""
    names = client.tools.names if client.tools else {}
    return [*names.get("read", ("Read",))][:1], [*names.get("shell", ("Bash",))][:1], [*names.get("edit", ())]


def limits_of(client: Client, key: str) -> Iterator[dict[str, Any]]:
    """Values of a key that limit an agent."""
    looking, shell, editing = names_of(client)
    is_flag = client.settings.get(key) == "flag"
    values: dict[str, tuple[Any, ...]] = {
        "allow": (looking,),
        "deny": (shell, *([name] for name in editing)),
        "map": ({shell[0]: False},),
        "permissions": ("ask", "deny", *({shell[0]: grant} for grant in ("ask", "deny", PARTS, {"rm *": "ask"}))),
        "looking": (client.readonly.get(key, True),),
        "only_skills": (["one"], ["o*"]),
        "without_skills": (True,) if is_flag else (["one"], ["o*"], ["*"]),
        "off": (True,),
        "grants": ({"deny": [*shell]},),
        "tool_settings": tuple(
            {name: {"permission": grant}} for grant in ("ask", "never") for name in (*shell, *editing)
        ),
    }
    return ({key: value} for value in values[client.meaning(key).partition(":")[0]])


def beside(client: Client, key: str) -> Iterator[dict[str, Any]]:
    """What else may stand in the file: nothing, or a list of tools that the limit takes something of."""
    yield {}
    kind = client.meaning(key).partition(":")[0]
    loading = [client.skills.tool] if client.skills and client.skills.tool else []
    lists = [one for one in client.settings if client.meaning(one) == "allow" and one != key]
    if kind not in ("allow", "off") and not (kind == "deny" and client.powers.either):
        yield from ({one: [name for names in (*names_of(client), loading) for name in names]} for one in lists)


def limiting(client: Client) -> list[str]:
    kinds = LIMITING | GIVING
    if client.powers.only_named and not client.unlimited:
        kinds -= {"allow"}  # without a list an agent has no tool there
    return [key for key in sorted(client.keys) if client.meaning(key).partition(":")[0] in kinds]


CASES = [(client, key) for client in sorted(MODULES) for key in limiting(CLIENTS[client])]


@pytest.mark.parametrize(("client", "key"), CASES)
def test_to_leave_a_limit_out_is_a_widening(client: str, key: str) -> None:
    target = CLIENTS[client]
    reader, meaning = FileReader(target), target.meaning(key)
    for rest in beside(target, key):
        plain = reader.words_for({**target.unlimited, **rest})
        for limit in limits_of(target, key):
            with case(f"{limit} beside {rest}"):
                limited = reader.words_for({**target.unlimited, **rest, **limit})
                assert widening(limited, plain), limited
                assert widening(limited, limited) == ()
                assert meaning in GIVING or widening(plain, limited) == (), limited


def test_what_every_client_calls_a_limit_is_tried() -> None:
    assert {CLIENTS[client].meaning(key).partition(":")[0] for client, key in CASES} == LIMITING | GIVING


def test_a_list_of_skills_is_ordered_as_a_list_of_tools_is() -> None:
    reader = FileReader(CLIENTS["vibe"])

    def words(**settings: list[str]) -> tuple[str, ...]:
        return reader.words_for(settings)

    for less, more in (
        (words(disabled_skills=["one", "two"]), words(disabled_skills=["two"])),
        (words(disabled_skills=["*"]), words(disabled_skills=["two"])),
        (words(enabled_skills=["one"]), words(enabled_skills=["two", "one"])),
        (words(enabled_skills=["one"]), words(disabled_skills=["two"])),
        (words(enabled_skills=["one"]), words(enabled_skills=[])),
        (words(disabled_skills=["one"], enabled_skills=["two"]), words(enabled_skills=["one", "two"])),
    ):
        assert widening(less, more), (less, more)
        assert widening(more, less) == (), (more, less)
    assert widening(words(disabled_skills=["one"]), words(enabled_skills=["o*"]))


@pytest.mark.parametrize("settings", [{"enabled_skills": ["one"]}, {"disabled_skills": ["one"]}], ids=["on", "off"])
def test_a_limit_on_skills_limits_the_tool_that_loads_them_and_no_other(settings: dict[str, list[str]]) -> None:
    reader = FileReader(CLIENTS["vibe"])
    tools = {"enabled_tools": ["read_file", "bash", "skill"]}
    plain, limited = ({*reader.words_for({**tools, **more})} for more in ({}, settings))
    assert {word.partition("(")[0] for word in plain - limited} == {"tool:skill"}
    assert {"read", "shell"} <= limited
