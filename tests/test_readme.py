"""The README's commands: two marked lines that set everything up, which `.ci/run` and newcomers take from there."""

import re
import subprocess
from pathlib import Path

import pytest
import screenshot

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_MARKED = re.compile(r"^<!-- command: (\S+) -->\n```sh\n(.*?)^```$", re.M | re.S)


def test_the_readme_has_the_two_commands_a_line_each() -> None:
    commands = dict(_MARKED.findall(README))
    assert list(commands) == ["install", "test"]
    assert all(text.count("\n") == 1 for text in commands.values())
    assert README.count("<!-- command:") == 2


def test_both_commands_set_up_by_themselves() -> None:
    for command in dict(_MARKED.findall(README)).values():
        assert command.startswith("python3 tools/bootstrap.py")


def test_ci_finds_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme_command\(\) \{\n.*?^\}$", script, re.M | re.S)
    assert function is not None
    found = {
        name: subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{function[0]}\nreadme_command {name}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("install", "test")
    }
    assert found == dict(_MARKED.findall(README))


def test_the_recording_is_what_the_program_shows(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    now = screenshot.recording(tmp_path)
    if request.config.getoption("--update"):
        screenshot.IMAGE.write_text(now, encoding="utf-8")
    assert screenshot.IMAGE.read_text(encoding="utf-8") == now, "run `python tools/screenshot.py`"
