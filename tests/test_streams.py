"""Stdout and stderr as real processes have them: full, closed, gone, or both the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.running import Agentpack, Ran

AGENTPACK = f"{sys.executable} -m agentpack"
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that takes nothing")


@pytest.fixture
def installed(agentpack: Agentpack, project: Path) -> Path:
    agentpack("install", "python-engineer")
    return project


def shell(words: str, folder: Path) -> Ran:
    """What a line of shell does, `agentpack` in it being ours."""
    command = words.replace("agentpack", AGENTPACK)
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.many
@FULL
@pytest.mark.parametrize(
    "words", ["render python-engineer", "status", "status --json", "--version", "--help", "", "nope --json"]
)
def test_data_that_cannot_be_written_is_no_bug(installed: Path, words: str) -> None:
    ran = shell(f"agentpack {words} > /dev/full", installed)
    assert ran.exit_code == 6
    assert "error: standard output cannot be written: No space left on device\nhint: " in ran.err
    assert ran.err.count("error:") == 1
    assert "Traceback" not in ran.err


@pytest.mark.many
@pytest.mark.parametrize("words", ["status", "show python-engineer --json", "--version", "diff --help"])
def test_data_for_a_closed_stdout_is_no_bug(installed: Path, words: str) -> None:
    ran = shell(f"agentpack {words} >&-", installed)
    assert ran.exit_code == 6
    assert "error: standard output is closed\nhint: " in ran.err


@pytest.mark.many
@pytest.mark.parametrize("closed", [">&-", ">&- <&-", ">&- 2>&-", "2>&-"])
def test_a_command_that_only_says_words_does_its_work_whatever_is_closed(project: Path, closed: str) -> None:
    ran = shell(f"agentpack install python-engineer {closed}", project)
    assert ran.exit_code == 0
    assert ran.out == ""
    assert (project / ".claude/agents/python-engineer.md").read_text().startswith("---\n")


@FULL
@pytest.mark.parametrize("words", ["diff", "sync"])
def test_words_that_nobody_takes_stop_nothing(installed: Path, words: str) -> None:
    assert shell(f"agentpack {words} 2> /dev/full", installed) == Ran(0, "", "")


def test_a_reader_of_words_that_went_away_stops_nothing(project: Path) -> None:
    ran = shell("agentpack install python-engineer 2>&1 | true; echo ${PIPESTATUS[0]}", project)
    assert ran == Ran(0, "0\n", "")
    assert (project / "agentpack.lock").is_file()


@pytest.mark.many
@pytest.mark.parametrize("words", ["render python-engineer", "show python-engineer --json", "history", "clients"])
def test_a_reader_that_has_enough_is_no_fault(installed: Path, words: str) -> None:
    ran = shell(f"agentpack {words} | head -1 | wc -l; echo ${{PIPESTATUS[0]}}", installed)
    assert ran.out.split() == ["1", "0"]
    assert "error" not in ran.err


def test_words_stand_behind_the_data_they_follow_where_both_go_to_one_place(installed: Path) -> None:
    with (installed / ".claude/agents/python-engineer.md").open("a") as file:
        file.write("".join(f"- Line {number} of mine, as long as a line of prose is.\n" for number in range(400)))
    for format in ("text", "unified"):
        lines = shell(f"agentpack diff --format {format} 2>&1", installed).out.splitlines()
        assert lines[0].startswith("project ")
        assert lines[-2:] == [
            "locked -> disk: 1 file differs",
            "hint: an edit survives `agentpack upgrade`; `agentpack keep` turns it into a local variant",
        ]
