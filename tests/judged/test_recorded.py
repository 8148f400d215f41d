"""The real clients still give each recorded answer.

This installs three clients with npm and takes minutes, so it runs only with `nox -s judged` or `AGENTPACK_JUDGED=1`.
`--update` records the answers again.
"""

import os
from pathlib import Path

import pytest
from support.running import Agentpack

from judged import skills
from judged.clients import PROGRAMS, ask, every_tool, listed
from judged.forms import FORMS
from judged.headers import FEWER, HEADERS, MORE
from judged.recording import (
    RecordedHeaders,
    RecordedLoading,
    read,
    read_headers,
    read_loading,
    record,
    record_headers,
    record_loading,
)

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("AGENTPACK_JUDGED") != "1", reason="AGENTPACK_JUDGED is not 1: this installs clients with npm"
    ),
]


@pytest.fixture
def installed(request: pytest.FixtureRequest) -> Path:
    """The folder that the clients stay installed in."""
    assert request.config.cache is not None
    return request.config.cache.mkdir("judged")


@pytest.mark.parametrize("client", FORMS)
def test_the_client_gives_the_recorded_answers(client: str, installed: Path, request: pytest.FixtureRequest) -> None:
    found = ask(client, FORMS[client], installed)
    every = every_tool(client, FORMS[client][0], installed)
    if request.config.getoption("--update"):
        record(client, PROGRAMS[client].version, every, found)
    recorded = read(client)
    assert recorded.version == PROGRAMS[client].version
    assert recorded.every == every
    assert {form: answer for form, answer in found.items() if recorded.forms.get(form) != answer} == {}
    assert list(recorded.forms) == list(FORMS[client])


def test_claude_code_lists_the_recorded_agents(installed: Path, request: pytest.FixtureRequest) -> None:
    found = RecordedHeaders(PROGRAMS["claude"].version, listed((*HEADERS, *FEWER, *MORE), installed))
    if request.config.getoption("--update"):
        record_headers(found)
    assert read_headers() == found


@pytest.mark.parametrize("client", FORMS)
def test_the_client_loads_a_skill_as_recorded(
    client: str, installed: Path, agentpack: Agentpack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if program := skills.missing(client):
        pytest.skip(f"{program} is not on the PATH: {client} needs it to load a skill")
    files = skills.written(client, agentpack, tmp_path)
    found = RecordedLoading(PROGRAMS[client].version, files, skills.ask(client, files, installed))
    if request.config.getoption("--update"):
        record_loading(client, found)
    assert read_loading(client) == found
