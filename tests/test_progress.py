"""The line on a terminal for work over a network: what is shown, when, and that it goes away."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.packs import make_pack
from support.web_server import Handler, WebServer, content

from agentpack.cli.progress import ProgressLines
from agentpack.input.archives import write_archive

PACK = write_archive(make_pack(), prefix="kit")


def slow(handler: Handler) -> None:
    handler.head(200, {"Content-Length": str(len(PACK))})
    handler.wfile.write(PACK[:100])
    handler.wfile.flush()
    handler.wait(1.2)
    handler.wfile.write(PACK[100:])


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer({"/slow.tgz": slow, "/fast.tgz": content(PACK)}) as server:
        yield server


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """What a command shows on a terminal. Its standard output goes to a pipe."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    with subprocess.Popen(
        [sys.executable, "-m", "agentpack", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # nobody has the terminal any more
                break
            if not part:
                break
            shown += part
        os.close(ours)
        running.communicate(timeout=60)
        assert running.returncode == 0, shown.decode()
    return shown.decode()


def test_what_takes_long_is_shown_and_wiped_away(project: Path, server: WebServer) -> None:
    shown = on_a_terminal(project, "install", server.url("/slow.tgz"))
    assert "reading localhost" in shown
    assert "%" in shown
    assert "\x1b[2K" in shown.rpartition("reading localhost")[2]  # the line is erased at the end
    assert "\x1b[?25h" in shown.rpartition("reading localhost")[2]  # and the cursor is back


def test_what_is_done_at_once_shows_nothing(project: Path, server: WebServer) -> None:
    assert "reading" not in on_a_terminal(project, "install", server.url("/fast.tgz"))


@pytest.mark.parametrize(
    "words", ["--quiet", *(pytest.param(words, marks=pytest.mark.campaign) for words in ("--json", "TERM=dumb"))]
)
def test_nothing_is_shown_to_whoever_wants_none(project: Path, server: WebServer, words: str) -> None:
    name, _, value = words.partition("=")
    arguments, variables = ([], {name: value}) if value else ([words], {})
    shown = on_a_terminal(project, "install", server.url("/slow.tgz"), *arguments, **variables)
    assert "reading" not in shown
    assert re.search(r"\x1b\[[0-9?]*[A-Z]", shown) is None


def test_tasks_at_once_have_a_line_each(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentpack.cli.progress._DELAY", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines = ProgressLines()
    with lines("first \x1b[31m[bold]") as first:
        with lines("second") as second:
            for done in range(20):
                first(done, 20)
                second(done)
                wait(0.02)
        first(20, 20)
        wait(0.2)
    with lines("third"):
        wait(0.3)
    shown = capfd.readouterr().err
    assert all(name in shown for name in ("first", "[bold]", "second", "third", "100%"))
    assert "\x1b[31m[" not in shown


def test_a_task_that_is_not_shown_yet_may_advance_beside_one_that_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentpack.cli.progress._DELAY", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    lines = ProgressLines()
    with lines("first") as first:
        wait(0.1)
        monkeypatch.setattr("agentpack.cli.progress._DELAY", 60.0)
        with lines("second") as second:
            second(1, 2)
            first(1, 2)
            wait(0.1)
    shown = capfd.readouterr().err
    assert "first" in shown
    assert "second" not in shown


def wait(seconds: float) -> None:
    from threading import Event

    Event().wait(seconds)
