"""`pack check` of agent files, for every client: what we write has no finding, and each kind of fault is found."""

from pathlib import Path
from typing import Any

import pytest
from contracts.test_every_target import MAPPED, persona
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cases import case
from support.effort import usually
from support.running import Agentpack

from agentpack.authoring.agent_files import AgentText, CheckedAgent, check_agent, clashes
from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import Client
from agentpack.clients.render import render_file
from agentpack.writers.emit import toml_document, yaml_entry, yaml_header

NAMES = sorted(MODULES)
NAME = "reviewer-of-data"
BODY = "You review data, and say what you saw.\n"
PERSONAS: tuple[dict[str, Any], ...] = (
    {},
    {"tools": ["read", "search", "edit", "shell", "web", "delegate"]},
    {"tools": ["read", "search"], "model": "opus", "color": "red"},
    {"deny": ["edit", "shell"], "model": "inherit"},
    {"tools": [], "description": 'Use when: "this" # that\nsecond line'},
)


def written(client: Client, fields: dict[str, Any], body: str = BODY) -> bytes:
    """A file of the client with these fields, in its format."""
    if client.format == "markdown":
        return (yaml_header(fields) + body).encode()
    if client.format == "body":
        return body.encode()
    whole = {**fields, client.body: body}
    return (toml_document(whole) if client.format == "toml" else yaml_entry(whole)).encode()


def checked(client: Client, data: bytes, below: str = "", *, asked: bool = True) -> CheckedAgent:
    below = below or (client.file.replace("{name}", NAME) if client.shared is None else NAME)
    return check_agent(AgentText(client, below, data, "agents", below, asked=asked))


def plain(client: Client, **more: Any) -> dict[str, Any]:
    """The fields of an agent in which nothing is wrong, and more."""
    fields: dict[str, Any] = {}
    for key, value in ((client.name_key, NAME), (client.description, "Reviews data."), (client.repeated, NAME)):
        if key:
            fields[key] = value
    return {**fields, **client.fixed, **client.unlimited, **more}


def rules(agent: CheckedAgent) -> list[str]:
    return [finding.rule for finding in agent.findings]


@pytest.mark.parametrize("name", NAMES)
def test_what_agentpack_writes_has_no_finding(name: str) -> None:
    client = CLIENTS[name]
    for fields in PERSONAS:
        with case(fields):
            text = render_file(client, persona(NAME, BODY, **fields), {"opus": MAPPED}).text
            agent = checked(client, text.encode())
            assert (agent.name, agent.findings) == (NAME, ())


@pytest.mark.many
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scope", ["project", "user"])
def test_a_file_in_a_folder_of_a_client_is_judged_as_that_client_s(
    name: str, scope: str, agentpack: Agentpack, project: Path, home: Path
) -> None:
    client = CLIENTS[name]
    place = client.path(NAME, scope, {})
    if place is None:
        return
    path, _, entry = place.partition("#")
    file = (project if scope == "project" else home) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = render_file(client, persona(NAME, BODY), {}).text
    file.write_bytes(text.encode() if client.shared is None else client.shared.put(b"", {entry: text}))
    for asked in {file, file.parent}:
        told = agentpack("pack", "check", str(asked), "--strict", "--json").envelope["data"]["agent_files"]
        assert [(one["client"], one["name"]) for place in told for one in place["files"]] == [(name, NAME)]


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_of_fault_is_found(name: str) -> None:
    client = CLIENTS[name]
    faults = dict(faulty(client))
    assert faults or client.format == "body"
    for rule, data in faults.items():
        with case(rule):
            agent = checked(client, data)
            found = [finding for finding in agent.findings if finding.rule == rule.partition(" ")[0]]
            assert found
            assert client.title in found[0].message or rule == "P701"


def faulty(client: Client) -> Any:
    """A file for each kind of fault that the client's files can have."""
    yield "P701", written(client, plain(client), f"{BODY}\u200b")
    if client.format == "body":
        return
    yield "A102", b"---\nname: a\xff\n---\n" if client.format == "markdown" else b"name: a\xff\n"
    if client.format == "markdown":
        yield "A101", b"# A document\n"
        yield "A101 without end", b"---\nname: a\n"
    if client.naming == ("name",) and client.name_key and client.shared is None:
        yield "A201", written(client, {key: value for key, value in plain(client).items() if key != client.name_key})
        yield "A201 no text", written(client, plain(client, **{client.name_key: 12}))
        if client.file_rules.names:
            yield "A201 refused", written(client, plain(client, **{client.name_key: "a:b"}))
    if client.description:
        yield "A202", written(client, {key: value for key, value in plain(client).items() if key != client.description})
        if client.long_description:
            long = "a " * client.long_description
            yield "A501", written(client, plain(client, **{client.description: long}))
    for built_in in sorted(client.reserved | client.file_rules.own_agents):
        if client.name_key and client.shared is None and client.naming[0] == "name":
            yield f"A204 {built_in}", written(client, plain(client, **{client.name_key: built_in}))
    yield "A402", written(client, plain(client, catgeory="x"))
    if client.native:
        yield "A402 typo", written(client, plain(client, **{f"{next(iter(client.native))}x": "x"}))
    for key, form in client.settings.items():
        if form in ("flag", "count", "number", "permissions", "switches") or ("|" in form and key not in client.idle):
            yield f"A403 {key}", written(client, plain(client, **{key: "no such value"}))
    for choice in client.choices.values():
        yield f"A403 {choice.key}", written(client, plain(client, **{choice.key: "magenta"}))
    for key in client.idle:
        yield f"A404 {key}", written(client, plain(client, **{key: client.settings[key].split("|")[0]}))
    if client.model and client.ids and not client.provider:
        yield "A401", written(client, plain(client, **{client.model: "sonet"}))
    if client.shortest_body:
        yield "A502", written(client, plain(client), "")
    if client.longest_body:
        yield "A502 long", written(client, plain(client), "long " * client.longest_body)
    for live in client.live:
        text = {"${word}": "${word}", "{file:}": "{file:x}", "{env:}": "{env:X}"}[live]
        yield f"A503 {live}", written(client, plain(client), f"{BODY}Say {text}.\n")
    yield from faulty_tools(client)


def faulty_tools(client: Client) -> Any:
    words = client.tools
    if words is None or words.style in ("map", "permissions"):
        return
    good = [name for names in words.names.values() for name in names]
    foreign = "Bash" if "Bash" not in good else "run_shell_command"
    if client.powers.complete and foreign.lower() not in client.powers.tools and not client.grammar.folded:
        yield "A301", written(client, plain(client, **{words.key: [*good, foreign]}))
    if not client.grammar.folded:
        odd = next((name.swapcase() for name in good if name.swapcase() not in good), "")
        yield "A302", written(client, plain(client, **{words.key: [odd, *good]}))
    for form, value in (("text", "no-tool"), ("other", {"Read": True}), ("empty", [])):
        said = getattr(client.grammar, form)
        if said == "refused" or (said == "every" and value == []):
            yield f"A303 {form}", written(client, plain(client, **{words.key: value}))


@pytest.mark.parametrize("name", NAMES)
def test_two_files_with_one_name_are_told(name: str) -> None:
    client = CLIENTS[name]
    if client.shared is not None or client.naming[0] != "name":
        return
    ending = client.file.partition("{name}")[2]
    agents = [
        checked(client, written(client, plain(client), f"{BODY}{file}\n"), f"{file}{ending}") for file in ("a", "b")
    ]
    found = list(clashes(agents))
    assert {finding.rule for finding in found} == {"A203"}
    assert f"a{ending}" in {finding.file for finding in found}
    assert not list(clashes([agents[0], agents[0]]))
    assert not list(clashes([agents[0], agents[1]._replace(text=agents[1].text._replace(root="elsewhere"))]))


TEXTS = st.text(st.sampled_from("---\n\n:# []{}\"'name tools description a\tb*\ufeff\u200b"), max_size=60)


@pytest.mark.many
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=usually(10, thorough=30, nightly=500))
@given(head=TEXTS, value=st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, st.lists, max_leaves=4))
def test_whatever_stands_in_a_file_is_checked(name: str, head: str, value: Any) -> None:
    client = CLIENTS[name]
    keys = [key for key in sorted(client.keys) if key not in (client.name_key, client.body)]
    fields = dict.fromkeys(keys, value)
    for data in (f"---\n{head}\n---\n{BODY}".encode(), head.encode(), written(client, plain(client, **fields))):
        for finding in checked(client, data).findings:
            assert finding.line <= data.count(b"\n") + 2  # where a text ends too early
