"""agentpack reports exactly the tools that the real client grants, for every recorded form.

The answers name the client's own tools. The client's declaration maps them to capability words, and the two sets of
words are compared.
"""

import re
from collections.abc import Collection, Iterable

import pytest

from agentpack.model.capabilities import BUT, EVERY, covers
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
    """The capability words for tools of the client."""
    vocabulary = Vocabulary(declaration_of(client))
    return frozenset(word for native in natives for word in vocabulary.base(native) if names_tools(word))


def natives_of(recorded: Recorded) -> frozenset[str]:
    """Every tool that the client granted to any form."""
    named = (answer for answer in recorded.forms.values() if not isinstance(answer, str))
    return frozenset(recorded.every).union(*named)


def names_tools(word: str) -> bool:
    """Whether a capability word names tools."""
    base = word.partition("(")[0]
    return base in TOOLS or base in (EVERY, "mcp") or base.startswith((BUT, "tool:", "mcp:"))


def has(words: Collection[str], word: str) -> bool:
    """Whether these capabilities include the tool of that word, perhaps only in plan mode or for the agents named."""
    agents = word == "delegate" and any(re.fullmatch(r"delegate\(.+\)", other) for other in words)
    return agents or covers(words, word) or covers(words, f"{word}(plan)")


def differences(client: str, words: Collection[str], answer: Answer, *, more: bool = False) -> set[str]:
    """How the reported capabilities differ from the answer: `+` reported but not granted, `-` granted but not reported.

    Args:
        more: the client grants more on other machines, so more may be reported.
    """
    reported = {word for word in words if names_tools(word)}
    if answer == "refused":  # no agent, so no tools; a file reported as unreadable is fine
        return set() if "unreadable" in words else {f"+{word}" for word in reported}
    every = words_of(client, RECORDED[client].every)
    if answer == "every":
        lacking = {word for word in every if not has(words, word)}
        return lacking if more or EVERY in words else {f"-{EVERY}"}
    granted = words_of(client, answer)
    if any(word == EVERY or word.startswith(BUT) for word in reported):
        # a word for several tools cannot show that one of them is denied: both reports are right
        denied = words_of(client, {*RECORDED[client].every} - {*answer})
        whole = EVERY in words and not granted >= every
        known = (every | granted) - (denied & granted)
        reported = {word for word in known if has(words, word)} | ({EVERY} if whole else set())
        granted -= denied & granted
    else:
        reported = {word for word in words_of(client, natives_of(RECORDED[client])) if has(words, word)}
    return {f"-{word}" for word in granted - reported} | (
        set() if more else {f"+{word}" for word in reported - granted}
    )


@pytest.mark.parametrize(("client", "form"), ASKED, ids=[f"{client}: {form!r}" for client, form in ASKED])
def test_the_reported_tools_are_those_that_the_client_grants(client: str, form: str) -> None:
    words = capabilities(declaration_of(client), agent_file(client, form, "reviewer").encode())
    answer = RECORDED[client].forms[form]
    wrong = differences(client, words, answer, more=form in ELSEWHERE[client])
    assert wrong == set(), f"the client grants {answer}, agentpack reports {words}"


@pytest.mark.parametrize("client", FORMS)
def test_every_form_has_a_recorded_answer_of_the_version_that_was_checked(client: str) -> None:
    assert list(RECORDED[client].forms) == list(FORMS[client])
    assert len(FORMS[client]) >= 40
    assert RECORDED[client].version == CLIENTS[client].version == TARGETS[client].version
    assert ELSEWHERE[client] <= set(FORMS[client])


@pytest.mark.parametrize(
    ("words", "answer", "expected"),
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
def test_a_difference_is_seen(words: tuple[str, ...], answer: Answer, expected: set[str]) -> None:
    assert expected <= differences("claude", words, answer)
    assert bool(expected) == bool(differences("claude", words, answer))
