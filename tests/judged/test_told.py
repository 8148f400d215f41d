"""What we say of an agent's tools is what the real client grants it, for every form that was asked of the client.

The recorded answers name the client's own tools; its declaration says which of our words each of them is. A set of our
words and a set of the client's tools are held against each other word by word, over all words that the client has.
"""

from collections.abc import Collection, Iterable

import pytest

from agentpack.model.capabilities import EVERY, covers
from agentpack.model.fields import TOOLS
from agentpack.safety.capabilities import capabilities
from agentpack.safety.judgement import Vocabulary
from agentpack.targets import TARGETS
from agentpack.targets.declared import Declaration
from judged.clients import CLIENTS, Answer
from judged.forms import ELSEWHERE, FORMS, agent_file
from judged.recording import Recorded, read

RECORDED = {client: read(client) for client in FORMS}
ASKED = [(client, form) for client, recorded in RECORDED.items() for form in recorded.forms]


def declaration_of(client: str) -> Declaration:
    declaration = TARGETS[client].declaration
    assert declaration is not None
    return declaration


def words_of(client: str, natives: Iterable[str]) -> frozenset[str]:
    """Our words for tools of the client."""
    vocabulary = Vocabulary(declaration_of(client))
    return frozenset(word for native in natives for word in vocabulary.base(native))


def natives_of(recorded: Recorded) -> frozenset[str]:
    """Every tool that the client granted any form."""
    named = (answer for answer in recorded.forms.values() if not isinstance(answer, str))
    return frozenset(recorded.every).union(*named)


def names_tools(word: str) -> bool:
    """Whether a word is one for tools."""
    base = word.partition("(")[0]
    return base in TOOLS or base in (EVERY, "mcp") or base.startswith(("every-tool-but:", "tool:", "mcp:"))


def differences(client: str, told: Collection[str], answer: Answer, *, more: bool = False) -> set[str]:
    """Where the words differ from the client's answer: `+` for what is said and not so, `-` for what is not said.

    Args:
        more: what is said may be more than is so.
    """
    if answer == "refused":  # no agent, no power: none may be named, unless it is said that the file does not read
        return set() if "unreadable" in told else {f"+{word}" for word in told if names_tools(word)}
    if answer == "every":
        return set() if EVERY in told else {f"-{EVERY}"}
    granted = words_of(client, answer)
    # in a client's plan mode a tool is there, and does less
    known = words_of(client, natives_of(RECORDED[client]))
    said = {word for word in known if covers(told, word) or covers(told, f"{word}(plan)")}
    if EVERY in told:
        said.add(EVERY)
    return {f"-{word}" for word in granted - said} | (set() if more else {f"+{word}" for word in said - granted})


@pytest.mark.parametrize(("client", "form"), ASKED, ids=[f"{client}: {form!r}" for client, form in ASKED])
def test_what_is_said_is_what_the_client_grants(client: str, form: str) -> None:
    told = capabilities(declaration_of(client), agent_file(client, form, "reviewer").encode())
    answer = RECORDED[client].forms[form]
    assert differences(client, told, answer, more=form in ELSEWHERE[client]) == set(), f"{answer} is said as {told}"


@pytest.mark.parametrize("client", FORMS)
def test_every_form_has_a_recorded_answer_of_the_version_that_was_checked(client: str) -> None:
    assert list(RECORDED[client].forms) == list(FORMS[client])
    assert len(FORMS[client]) >= 40
    assert RECORDED[client].version == CLIENTS[client].version == TARGETS[client].version
    assert ELSEWHERE[client] <= set(FORMS[client])


@pytest.mark.parametrize(
    ("told", "answer", "expected"),
    [
        (("read",), ("Read",), set()),
        (("read", "shell"), ("Read",), {"+shell"}),
        ((), ("Read",), {"-read"}),
        ((EVERY,), ("Read",), {"+edit", "+shell", f"+{EVERY}"}),
        (("read",), "every", {f"-{EVERY}"}),
        (("read",), "refused", {"+read"}),
        ((EVERY, "unreadable"), "refused", set()),
        ((), "refused", set()),
        (("every-tool-but:shell",), "every", {f"-{EVERY}"}),
    ],
)
def test_a_difference_is_seen(told: tuple[str, ...], answer: Answer, expected: set[str]) -> None:
    assert expected <= differences("claude", told, answer)
    assert bool(expected) == bool(differences("claude", told, answer))
