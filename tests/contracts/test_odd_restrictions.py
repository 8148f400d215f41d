"""A restriction of a form that nobody expects is a restriction: for every client and every field that limits an agent.

It is kept as it stands for its own client, or the file is refused; it is told of no other client that cannot have it,
and what the agent may do is never told as less than what its client makes of the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cases import case
from support.running import Agentpack

from agentpack.capabilities.of_file import capabilities
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.grammar import ALL, NONE, REFUSED, listed
from agentpack.clients.read_back import read_agent_file
from agentpack.errors import UsageError
from agentpack.model.capabilities import EVERY, widening
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.model.rendering import Rendering
from agentpack.render import render
from agentpack.writers.emit import toml_document, yaml_entry, yaml_header

ORIGIN = Origin("release", "reviewer 1.0.0")
ODD: dict[str, Any] = {
    "null": None,
    "empty text": "",
    "blank": " ",
    "comma": ",",
    "empty list": [],
    "a list of nothing": [None],
    "an empty item": ["", "Read"],
    "a map": {"Read": True},
    "a map that denies": {"Read": False},
    "a number": 7,
    "zero": 0,
    "true": True,
    "false": False,
    "a list in a list": [["Read"]],
    "a number among names": ["Read", 7],
    "a map among names": ["Read", {"Bash": True}],
    "twice": ["Read", "Read"],
    "other case": ["rEAD"],
    "a star": "*",
    "a star in a list": ["*"],
    "a star behind a name": "Read *",
    "a star in an item": ["Read", "Read *"],
    "two stars": "**",
    "a pattern": ["R*"],
    "blanks": "Read Bash",
    "blanks in an item": ["Read Bash"],
    "commas in an item": ["Read, Bash"],
    "lines": "Read\nBash",
    "semicolons": "Read; Bash",
    "quotes": "'Read', 'Bash'",
    "brackets": ["Bash(git *, ls)"],
    "an open bracket": "Bash(git, Read",
    "unknown": ["Nothing"],
    "a server": ["mcp__a__*"],
    "servers": ["mcp__*"],
}
"""Values in the words of Claude Code: names of another client's are unknown there."""


def declared(client: str) -> Client:
    return CLIENTS[client]


def limits_of(client: str, *meanings: str) -> list[str]:
    declaration = declared(client)
    return [key for key in sorted(declaration.native) if declaration.meaning(key) in meanings]


LISTS = [(client, key) for client in sorted(MODULES) for key in limits_of(client, "allow", "deny")]
ALLOWED = [(client, key) for client, key in LISTS if declared(client).meaning(key) == "allow"]


def persona(client: str, key: str, value: Any) -> Persona:
    fields = {"description": "Reviews data.", "clients": {client: {key: value}}}
    rule = Rule(None, "You review data, all of it.\n", "", None, "text", 1, ORIGIN)
    section = Section(None, 0, "", "", None, 0, (rule,), ORIGIN)
    return Persona("reviewer", {name: Field(field, ORIGIN) for name, field in fields.items()}, (section,))


def written(client: str, key: str, value: Any) -> bytes:
    """A file of that client as somebody else wrote it."""
    declaration = declared(client)
    fields: dict[str, Any] = dict.fromkeys(filter(None, (declaration.name_key, declaration.description)), "reviewer")
    fields |= declaration.unlimited
    body = "You review data, all of it.\n"
    if declaration.format == "markdown":
        return (yaml_header({**fields, key: value}) + body).encode()
    fields = {**fields, **declaration.fixed, key: value, declaration.body: body}
    return (toml_document(fields) if declaration.format == "toml" else yaml_entry(fields)).encode()


def file_of(client: str, one: Persona) -> Any:
    scope = "user" if client == "zcode" else "project"
    return render(one, CLIENTS[client], pack="p", scope=scope, variables={}, models={})


def odd(client: str) -> Iterator[tuple[str, Any]]:
    """Every odd value that a file of the client can hold, by its form."""
    for form, value in ODD.items():
        if value is not None or declared(client).format != "toml":  # TOML has no null
            yield form, value


@pytest.mark.parametrize(("client", "key"), LISTS)
def test_its_own_client_gets_it_as_it_stands_or_not_at_all(client: str, key: str) -> None:
    declaration = declared(client)
    grammar = declaration.denying if declaration.meaning(key) == "deny" else declaration.grammar
    given = []
    for form, value in odd(client):
        with case(form):
            try:
                file = file_of(client, persona(client, key, value))
            except UsageError as error:
                assert listed(grammar, value).form == REFUSED, error
                continue
            told = set(capabilities(declaration, written(client, key, value)))
            assert not widening(told, file.capabilities)
            given.append(form)
    assert given


@pytest.mark.parametrize(("client", "key"), LISTS)
def test_a_file_that_has_it_is_read_with_it(client: str, key: str) -> None:
    """What comes of the file for other clients says that there was a restriction."""
    declaration = declared(client)
    for form, value in odd(client):
        with case(form):
            header = read_agent_file(declaration, written(client, key, value), "reviewer").header
            kept = header.get("clients", {}).get(client, {})
            unlimited = declaration.unlimited.get(key) == value and key in declaration.unlimited
            assert key in kept or {"tools", "deny"} & header.keys() or unlimited


@pytest.mark.parametrize(("client", "key"), ALLOWED)
def test_a_client_that_cannot_have_it_is_refused(client: str, key: str) -> None:
    other = "codex" if client != "codex" else "goose"
    for form, value in ODD.items():
        if value not in ("*", ["*"]):
            with case(form):
                assert file_of(other, persona(client, key, value)).lost


@pytest.mark.parametrize(("client", "key"), LISTS)
def test_what_cannot_be_read_is_told_as_every_tool(client: str, key: str) -> None:
    """And what a client reads as no limit is no limit: a deny-list that is void, a star that opens the list."""
    declaration = declared(client)
    deny = declaration.meaning(key) == "deny"
    for form, value in odd(client):
        with case(form):
            read = listed(declaration.denying if deny else declaration.grammar, value, lambda name: False)
            told = capabilities(declaration, written(client, key, value))
            if "unreadable" in told:
                assert EVERY in told or (deny and declaration.powers.only_named)
            elif read.form == NONE and not deny:
                assert not any(word == EVERY or word.startswith(("read", "shell", "tool:")) for word in told)
            elif read.form == ALL and not deny:
                assert EVERY in told
            assert not widening(told, capabilities(declaration, written(client, key, value)))


HEADERS = {
    "nothing behind it": ("tools:", "no tool"),
    "an empty text": ('tools: ""', "no tool"),
    "a map": ("tools: {Read: true}", "no tool"),
    "an empty item": ("tools:\n  - Read\n  -", "read"),
    "a number among names": ("tools: [Read, 5]", "read"),
    "false": ("tools: false", "no tool"),
    "blanks": ("tools: Read Bash", "read, shell"),
    "a star": ("tools: Read *", "every-tool"),
    "hyphens above it": ("note: a --- b\ntools: Read", "every-tool, setting:note"),
    "a void denial": ("disallowedTools: [Bash, '*']", "every-tool"),
    "another spelling": ("allowed-tools: Read", "every-tool, setting:allowed-tools"),
    "anchors": ("x: &x [Read]\ntools: *x", None),
}


@pytest.mark.many
@pytest.mark.parametrize("header", HEADERS)
def test_a_folder_of_agent_files_is_installed_as_it_is(agentpack: Agentpack, project: Path, header: str) -> None:
    lines, told = HEADERS[header]
    text = f"---\nname: odd\ndescription: Reviews data.\n{lines}\n---\n\nYou review data.\n"
    (project / "coll").mkdir()
    (project / "coll/odd.md").write_text(text)
    ran = agentpack("install", "coll", "--source", "coll", "--client", "claude", expect=None)
    if told is None:
        assert ran.exit_code == 2
        assert "anchors (`&name`) are not supported" in ran.err
        return
    assert ran.exit_code == 0
    assert (project / ".claude/agents/odd.md").read_text() == text
    assert f"may use: {told}\n" in ran.err
    agentpack("sync", "--locked")


WORDS: tuple[Any, ...] = (
    *("*", "default", "plan", "deny", "allow", "ask", "read-only", "danger-full-access", "explore", "never", "Read"),
    *(["*"], ["read"], [], {}, {"*": "deny"}, {"bash": "deny"}, {"*": False}, True, False, 5),
)


@pytest.mark.many
@pytest.mark.parametrize("client", sorted(MODULES))
def test_a_setting_with_which_an_agent_may_do_less_is_lost_for_another_client(client: str) -> None:
    other = "augment" if client != "augment" else "claude"
    plain = rendered(client, said(client))
    assert plain is not None
    for key, form in declared(client).native.items():
        for value in (*WORDS, *form.split("|")):
            narrow = rendered(client, said(client, key, value))
            if narrow is not None and widening(narrow.capabilities, plain.capabilities):
                elsewhere = rendered(other, said(client, key, value))
                assert elsewhere is not None
                assert elsewhere.lost, (key, value, narrow.capabilities)


def said(client: str, key: str | None = None, value: Any = None) -> Persona:
    """A persona with at most that setting for the client."""
    fields: dict[str, Any] = {"description": "Reviews data.", "clients": {client: {key: value}} if key else {}}
    body = "You review data. Look at every row before you change one, and say what you saw.\n"
    rules = (Rule(None, body, "", None, "text", 1, ORIGIN),)
    section = Section(None, 0, "", "", None, 0, rules, ORIGIN)
    return Persona("reviewer", {name: Field(one, ORIGIN) for name, one in fields.items()}, (section,))


def rendered(client: str, persona: Persona) -> Rendering | None:
    """What the client is given in a scope that it has; None where it takes no such setting."""
    scope = "project" if CLIENTS[client].project is not None else "user"
    try:
        return render(persona, CLIENTS[client], pack="p", scope=scope, variables={}, models={})
    except UsageError:
        return None
