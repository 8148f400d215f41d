"""A signal at whichever call: what the command says about it, and its exit code, are true."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

SIGNALLED = """
import os, signal, sys
from agentpack.disk import Disk
at, number = int(sys.argv.pop(1)), int(sys.argv.pop(1))
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
calls, real = [], Disk.system

def system(self, name, call, *args, **kwargs):
    calls.append(name)
    if len(calls) == at:
        os.kill(os.getpid(), number)
    return real(self, name, call, *args, **kwargs)

Disk.system = system
from agentpack.__main__ import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGINT, ["upgrade", "--latest", "--yes"]),
        (signal.SIGTERM, ["upgrade", "--latest", "--yes"]),
        (signal.SIGHUP, ["upgrade", "--yes"]),
    ],
)
def test_what_is_said_of_a_signal_is_true(
    agentpack: Agentpack, project: Path, tmp_path: Path, number: signal.Signals, words: list[str]
) -> None:
    packs = publish(tmp_path / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", "claude", "--client", "codex")
    publish(packs, make_pack(version="2.0.0", personas={"reviewer": persona_text(description="Anew.")}))
    current = project / ".agentpack/state/current"
    told = set()
    for at in range(1, 200):
        if int(current.read_text()) > 1:
            agentpack("rollback", "1")
        before = int(current.read_text())
        done = subprocess.run(
            [sys.executable, "-c", SIGNALLED, str(at), str(int(number)), *words],
            cwd=project,
            env=os.environ.copy(),
            capture_output=True,
            text=True,
            check=False,
        )
        after = int(current.read_text())
        if done.returncode == 0:
            assert after == before + 1
            break
        assert done.returncode in (128 + number, -number)
        if made := re.search(r"the change was made already: generation (\d+)", done.stderr):
            assert int(made[1]) == after == before + 1
        else:
            assert after == before
        assert "Traceback" not in done.stderr
        told.add(bool(made))
        assert [path for path in project.rglob("*") if ".agentpack-" in path.name] == []
    else:
        raise AssertionError("the command never completed")
    assert told == {True, False}


STARTING = """
import builtins, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
_, left, real = sys.argv.pop(1), [int(sys.argv.pop(1))], builtins.__import__

def load(name, *args, **kwargs):
    if name.startswith("agentpack.") or name in ("typer", "json", "re"):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)
    return real(name, *args, **kwargs)

builtins.__import__ = load
from agentpack.__main__ import main
builtins.__import__ = load
main()
"""


@pytest.mark.slow
def test_an_interrupt_while_modules_load_ends_with_130_and_no_traceback(project: Path) -> None:
    codes = set()
    for at in (3, 5, 9, 20, 60, 120, 200):
        words = [sys.executable, "-c", STARTING, "-", str(at), "show", "python-engineer"]
        done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, at
        assert done.returncode in (0, 130), (at, done.stderr)
        assert (done.returncode == 130) == ("interrupted" in done.stderr)
        codes.add(done.returncode)
    assert 130 in codes
