"""The real clients still give each recorded answer.

This installs three clients with npm and takes minutes, so it runs only with `nox -s judged` or `AGENTPACK_JUDGED=1`.
`--update` records the answers again.
"""

import os

import pytest

from judged.clients import PROGRAMS, ask, every_tool
from judged.forms import FORMS
from judged.recording import read, record

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("AGENTPACK_JUDGED") != "1", reason="AGENTPACK_JUDGED is not 1: this installs clients with npm"
    ),
]


@pytest.mark.parametrize("client", FORMS)
def test_the_client_gives_the_recorded_answers(client: str, request: pytest.FixtureRequest) -> None:
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("judged")
    found = ask(client, FORMS[client], folder)
    every = every_tool(client, FORMS[client][0], folder)
    if request.config.getoption("--update"):
        record(client, PROGRAMS[client].version, every, found)
    recorded = read(client)
    assert recorded.version == PROGRAMS[client].version
    assert recorded.every == every
    assert {form: answer for form, answer in found.items() if recorded.forms.get(form) != answer} == {}
    assert list(recorded.forms) == list(FORMS[client])
