"""What we say of an agent's tools is what the real client grants it, for every form that was asked of the client.

The recorded answers name the client's own tools; its declaration says which of our words each of them is. A set of our
words and a set of the client's tools are held against each other word by word, over all words that the client has.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

import pytest
from support.cases import case
from support.running import Agentpack
from support.written import rendered

from agentpack.bare import read_agents
from agentpack.capabilities.of_file import capabilities
from agentpack.capabilities.vocabulary import ToolVocabulary
from agentpack.clients import CLIENTS
from agentpack.clients.base import Client
from agentpack.model.capabilities import BUT, EVERY, denied_by, gives_of
from agentpack.model.fields import TOOLS
from judged import skills
from judged.clients import PROGRAMS, Answer, Listed
from judged.forms import ELSEWHERE, FORMS, agent_file
from judged.headers import FEWER, HEADERS, MORE
from judged.recording import Recorded, read, read_headers, read_loading

RECORDED = {client: read(client) for client in FORMS}


def declaration_of(client: str) -> Client:
    return CLIENTS[client]


def words_of(client: str, natives: Iterable[str]) -> frozenset[str]:
    """Our words for tools of the client."""
    vocabulary = ToolVocabulary(declaration_of(client))
    switched = vocabulary.powers.switched
    return frozenset(word for native in natives for word in vocabulary.tool(switched.get(native, native)))


def left(told: Collection[str], word: str) -> bool:
    """Whether some tool that the word stands for is among what is said; in a plan mode it is there, and does less."""
    return any(gives_of(one, word) for one in told)


def natives_of(recorded: Recorded) -> frozenset[str]:
    """Every tool that the client granted any form."""
    named = (answer for answer in recorded.forms.values() if not isinstance(answer, str))
    return frozenset(recorded.every).union(*named)


def differences(client: str, told: Collection[str], answer: Answer, *, more: bool = False) -> set[str]:
    """Where the words differ from the client's answer: `+` for what is said and not so, `-` for what is not said.

    Args:
        more: what is said may be more than is so.
    """
    if answer == "refused" or "unreadable" in told:  # no agent and no power; or it is said that it may be any
        return set() if EVERY in told or answer == "refused" else {f"-{EVERY}"}
    recorded = RECORDED[client]
    everything = EVERY in told or any(word.startswith(BUT) for word in told)
    # the client has some tools only for an agent that names them
    known = words_of(client, recorded.every if everything else natives_of(recorded))
    granted = words_of(client, recorded.every if answer == "every" else answer)
    said = {word for word in known if left(told, word)}
    parts = {word.partition("/")[2] for one in told if one.startswith(BUT) for word in denied_by(one)}
    wrong = set(parts) & set(recorded.every if answer == "every" else answer) - {""}
    missing = {f"-{word}" for word in (granted & known) - said} | {f"-{name}" for name in wrong}
    return missing | (set() if more else {f"+{word}" for word in said - granted})


@pytest.mark.many
@pytest.mark.parametrize("client", FORMS)
def test_what_is_said_is_what_the_client_grants(client: str) -> None:
    for form, answer in RECORDED[client].forms.items():
        with case(form):
            told = capabilities(declaration_of(client), agent_file(client, form, "reviewer").encode())
            assert differences(client, told, answer, more=form in ELSEWHERE[client]) == set(), (answer, told)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("client", FORMS)
def test_the_client_does_not_grant_what_a_persona_denies_and_grants_the_rest(client: str, tool: str) -> None:
    words = CLIENTS[client].tools
    if words is None or tool not in words.names:
        pytest.skip("the client has no such tool")
    text = rendered(client, deny=[tool]).text
    form = "\n".join(line for line in text.split("---\n")[1].splitlines() if not line.startswith(("name:", "desc")))
    answer = RECORDED[client].forms[form]
    granted = words_of(client, RECORDED[client].every if answer == "every" else answer)
    assert tool not in granted
    assert {*TOOLS} - {tool} <= granted | {*TOOLS} - words_of(client, RECORDED[client].every)


@pytest.mark.parametrize("client", FORMS)
def test_every_form_has_a_recorded_answer_of_the_version_that_was_checked(client: str) -> None:
    assert list(RECORDED[client].forms) == list(FORMS[client])
    assert len(FORMS[client]) >= 40
    assert RECORDED[client].version == PROGRAMS[client].version == CLIENTS[client].version
    assert ELSEWHERE[client] <= set(FORMS[client])


def read_as_claude(text: str) -> tuple[Listed | None, str]:
    """The name and the description of the agent in a file, and why it is left out."""
    found = read_agents({"odd.md": text.encode()}, "kit")
    for short, layer in found.personas.items():
        return (found.names.get(short, short), layer.header["description"][0]["text"]), ""
    return None, found.left_out[0].reason if found.left_out else ""


def test_where_claude_code_reads_a_file_so_do_we() -> None:
    recorded = read_headers()
    assert recorded.version == CLIENTS["claude"].version
    assert list(recorded.listed) == [*HEADERS, *FEWER, *MORE], "stale: ask again with AGENTPACK_JUDGED=1"
    for text in HEADERS:
        with case(text):
            answer = recorded.listed[text]
            expected = None if answer is None else (answer[0], answer[1].strip())
            assert read_as_claude(text.replace("{n}", "c000c"))[0] == (
                expected and tuple(part.replace("{n}", "c000c") for part in expected)
            )
    for text, reason in FEWER.items():
        with case(text):
            assert recorded.listed[text] is not None
            found, told = read_as_claude(text.replace("{n}", "c000c"))
            assert found is None
            assert reason in told
    for text in MORE:
        with case(text):
            assert recorded.listed[text] is None
            assert read_as_claude(text.replace("{n}", "c000c"))[0] is not None


@pytest.mark.parametrize("client", FORMS)
def test_the_client_was_asked_about_the_skills_that_are_written_today(
    client: str, agentpack: Agentpack, tmp_path: Path
) -> None:
    recorded = read_loading(client)
    assert recorded.version == CLIENTS[client].version
    assert recorded.files == skills.written(client, agentpack, tmp_path), "stale: ask again with AGENTPACK_JUDGED=1"


@pytest.mark.parametrize("client", FORMS)
def test_an_agent_is_told_of_every_skill_and_gets_its_text_when_it_loads_it(client: str) -> None:
    recorded = read_loading(client)
    answer = recorded.answer
    assert answer.listed == tuple(skills.skills(recorded.files)) == tuple(f"engineer-{name}" for name in skills.MODULES)
    assert answer.inlined == ()
    assert answer.loaded == (skills.LOADED,)


@pytest.mark.parametrize("client", FORMS)
def test_an_agent_with_skills_has_the_tool_for_them_and_what_is_said_of_its_tools(client: str) -> None:
    recorded = read_loading(client)
    tools = recorded.answer.tools
    use = CLIENTS[client].skills
    assert use is not None
    assert use.tool in tools
    assert "edit" not in words_of(client, tools)
    (agent,) = (text for path, text in recorded.files.items() if not path.endswith("/SKILL.md"))
    told = capabilities(declaration_of(client), agent.encode())
    assert differences(client, told, tools) == skills.NOT_STARTED.get(client, set())


@pytest.mark.parametrize(
    ("told", "answer", "expected"),
    [
        (("read",), ("Read",), set()),
        (("read", "shell"), ("Read",), {"+shell"}),
        ((), ("Read",), {"-read"}),
        ((EVERY,), ("Read",), {"+edit", "+shell"}),
        (("read",), "every", {"-edit", "-shell"}),
        (("unreadable",), ("Read",), {f"-{EVERY}"}),
        ((EVERY, "unreadable"), "refused", set()),
        ((), "refused", set()),
        (("every-tool-but:shell",), "every", {"-shell"}),
        (("every-tool-but:edit/Edit",), "every", {"-Edit"}),
    ],
)
def test_a_difference_is_seen(told: tuple[str, ...], answer: Answer, expected: set[str]) -> None:
    assert expected <= differences("claude", told, answer)
    assert bool(expected) == bool(differences("claude", told, answer))
