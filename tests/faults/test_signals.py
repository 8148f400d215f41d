"""A signal at whichever call: what the command says about it, and its exit code, are true."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import warm
from support.effort import usually
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

SIGNALLED = """
import os, signal, sys
from agentpack.disk import Disk
at, number = int(sys.argv.pop(1)), int(sys.argv.pop(1))
if number != signal.SIGKILL:
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
    for at in range(1, 200, usually(2, thorough=1)):
        if int(current.read_text()) > 1:
            agentpack("rollback", "1")
        before = int(current.read_text())
        done = warm.run([str(at), str(int(number)), *words], project, script=SIGNALLED)
        after = int(current.read_text())
        if done.exit_code == 0:
            assert after == before + 1
            break
        assert done.exit_code in (128 + number, -number)
        if made := re.search(r"the change was made already: generation (\d+)", done.err):
            assert int(made[1]) == after == before + 1
        else:
            assert after == before
        assert "Traceback" not in done.err
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


ENDING = """
import atexit, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from agentpack import __main__

class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)

where = sys.argv.pop(1)
if where == "at exit":
    atexit.register(interrupt)
elif where == "last flush":
    sys.stdout.flush = sys.stderr.flush = interrupt
elif where == "in a callback":
    import agentpack.cli.boundary as boundary
    ended = boundary._ended
    def call(output, call):
        one = Callback()
        del one
        return ended(output, call)
    boundary._ended = call
elif where == "twice":
    os.write = interrupt
    __main__.__dict__["TYPE_CHECKING"] = False
    import builtins
    real = builtins.__import__
    def load(name, *args, **kwargs):
        if name == "agentpack.fast":
            interrupt()
        return real(name, *args, **kwargs)
    builtins.__import__ = load
__main__.main()
"""


@pytest.mark.parametrize("words", [["--version"], ["status"], ["show", "python-engineer"]], ids=" ".join)
@pytest.mark.parametrize("where", ["at exit", "last flush", "in a callback", "twice"])
def test_an_interrupt_at_the_end_ends_with_130_and_no_traceback(project: Path, where: str, words: list[str]) -> None:
    if where == "in a callback" and words == ["--version"]:
        pytest.skip("it is answered before")
    done = subprocess.run([sys.executable, "-c", ENDING, where, *words], cwd=project, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["show", "python-engineer"], ["clients"]], ids=" ".join)
def test_a_reader_that_is_gone_is_no_fault(project: Path, words: list[str]) -> None:
    """As `agentpack --version | head -0`: nobody reads, and nothing is said about it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as stdout:
        command = [sys.executable, "-m", "agentpack", *words]
        done = subprocess.run(command, cwd=project, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert "error" not in done.stderr and "Traceback" not in done.stderr


RECOVERING = """
import os, signal, sys
from agentpack.apply import recovery
signal.signal(signal.SIGINT, signal.default_int_handler)
real = recovery.replay

def settle(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)
    return real(*args, **kwargs)

recovery.replay = settle
from agentpack.__main__ import main
main()
"""


def test_an_interrupt_during_recovery_ends_with_130_and_the_change_is_whole(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = publish(tmp_path / "packs", make_pack())
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", "claude")
    publish(packs, make_pack(version="2.0.0", personas={"reviewer": persona_text(description="Anew.")}))
    for at in range(1, 200):  # stop the upgrade where its journal is decided
        words = [str(at), str(int(signal.SIGKILL)), "upgrade", "--latest", "--yes"]
        warm.run(words, project, script=SIGNALLED)
        if (project / ".agentpack/state/journal").exists():
            break
    done = subprocess.run(
        [sys.executable, "-c", RECOVERING, "status"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr and "the interrupted change was finished or undone" in done.stderr
    agentpack("diff")


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
