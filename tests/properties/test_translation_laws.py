"""Laws of translation: an agent made from a client's file may never do more in another client, and what both clients
have a word for is kept.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.effort import usually

from agentpack.capabilities.of_file import capabilities, vocabulary_of
from agentpack.clients import CLIENTS
from agentpack.clients.base import Client
from agentpack.clients.read_back import canonical
from agentpack.model.capabilities import BUT, EVERY, covers, denied_by, widening
from agentpack.model.fields import TOOLS
from agentpack.model.persona import Field, Origin, Persona, Rule, Section
from agentpack.model.rendering import Rendering
from agentpack.render import render

ORIGIN = Origin("release", "reviewer 1.0.0")
MADE_UP = ("LS", "MultiEdit", "TodoWrite", "NotebookRead", "Frobnicate", "mcp__github__search", "mcp__docs", "docs/*")
SOURCES = [client for client in CLIENTS.values() if client.tools is not None and client.format in ("markdown", "toml")]


def persona(client: Client, fields: Mapping[str, Any]) -> Persona:
    """The persona that a file of a client describes."""
    header, _ = canonical(client, {"name": "reviewer", "description": "Reviews.", **fields})
    rule = Rule(None, "Review every change with care.\n", "", None, "text", 0, ORIGIN)
    values = {"description": "Reviews.", **header}
    said = {key: Field(value, ORIGIN) for key, value in values.items() if key != "name"}
    return Persona("reviewer", said, (Section(None, 0, "", "", None, 0, (rule,), ORIGIN),))


def rendered(of: Persona, source: Client, target: Client) -> Rendering:
    scope = "project" if target.project is not None else "user"
    file = render(of, target, pack="x", scope=scope, variables={}, models={}, source=source)
    assert file is not None
    return file


def granted(of: Persona, source: Client) -> tuple[str, ...]:
    """The capabilities of the file that the persona was made from."""
    return capabilities(source, rendered(of, source, source).content)


def in_terms_of(target: Client, source: Client, words: Iterable[str]) -> set[str]:
    """The source's capabilities: a tool that the target does not have need not be denied there, and each client calls
    the tool that loads skills by its own name. In a list, one tool of a group has the word of the group.
    """
    found = set(words)
    found |= {word.partition("/")[0] for word in words if word.partition("/")[2] in vocabulary_of(source)} & {*TOOLS}
    ours, theirs = (f"tool:{one.skills.tool}" if one.skills and one.skills.tool else "" for one in (target, source))
    if theirs in found:
        found |= {*vocabulary_of(target).base(ours[5:])} if ours else set()
    for word in [word for word in found if word.startswith(BUT)]:
        names = target.tools.names if target.tools else TOOLS
        moot = {one for one in denied_by(word) if one.partition("/")[0] in {*TOOLS} - {*names}}
        moot |= {one for one in denied_by(word) if one.startswith("tool:") and one != theirs}
        denied = denied_by(word) - moot - {theirs}
        if theirs in denied_by(word) and ours:
            denied |= {*vocabulary_of(target).base(ours[5:])}
        found -= {word}
        found |= {BUT + "+".join(sorted(denied)) if denied else EVERY}
    return found


@st.composite
def restricted(draw: st.DrawFn) -> tuple[Client, dict[str, Any]]:
    """A client, and fields of a file of it that limit tools in one way or another."""
    client = draw(st.sampled_from(SOURCES))
    assert client.tools is not None
    own = [name for names in client.tools.names.values() for name in names]
    every = sorted({*own, *vocabulary_of(client).words})
    names = draw(st.lists(st.sampled_from((*every, *own, *MADE_UP, "Bash(git:*)", "Task(reviewer)")), max_size=8))
    fields: dict[str, Any] = {}
    match client.tools.style:
        case "permissions":
            first = draw(st.sampled_from(({"*": "deny"}, {"*": "allow"}, {})))
            grant = st.sampled_from(("allow", "allow", "deny", "ask"))
            fields[client.tools.key] = {**first, **{name: draw(grant) for name in names}}
        case "map":
            fields[client.tools.key] = {"*": draw(st.booleans()), **{name: draw(st.booleans()) for name in names}}
        case _:
            text = client.tools.style == "comma" and draw(st.booleans())
            if draw(st.booleans()):
                fields[client.tools.key] = ", ".join(names) if text else names
            if client.tools.deny and (not fields or draw(st.booleans())):
                denied = draw(st.lists(st.sampled_from((*every, *MADE_UP)), max_size=3))
                fields[client.tools.deny] = ", ".join(denied) if text else denied
    return client, fields


@pytest.mark.parametrize("name", sorted(CLIENTS))
@settings(max_examples=usually(20, thorough=40, nightly=80))
@given(restricted())
def test_no_client_lets_the_agent_do_more(name: str, made: tuple[Client, dict[str, Any]]) -> None:
    source, fields = made
    target, of = CLIENTS[name], persona(source, fields)
    if source is target:
        return
    file = rendered(of, source, target)
    if not file.lost:
        before = in_terms_of(target, source, granted(of, source))
        assert widening(before, file.capabilities) == ()


@pytest.mark.parametrize("name", sorted(name for name, client in CLIENTS.items() if client.tools is not None))
@settings(max_examples=usually(20, thorough=40, nightly=80))
@given(restricted())
def test_what_both_clients_can_say_is_kept(name: str, made: tuple[Client, dict[str, Any]]) -> None:
    """But for a tool that is only named with brackets, which is left out wherever they may mean a part of it."""
    source, fields = made
    if any("(" in str(value) for value in fields.values()):
        return
    target, of = CLIENTS[name], persona(source, fields)
    words = granted(of, source)
    if source is target or any(word.startswith(EVERY) or word == "unreadable" for word in words):
        return
    assert target.tools is not None
    told = {
        word
        for word, natives in target.tools.names.items()
        if covers(words, word) and all(vocabulary_of(target).words[native] == (word,) for native in natives)
    }
    file = rendered(of, source, target)
    if told and not any(word.startswith("permission:") for word in words):
        assert file.lost == ()
        assert all(covers(in_terms_of(target, target, file.capabilities), word) for word in told)
