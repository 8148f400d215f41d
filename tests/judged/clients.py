"""Install the real clients, and ask them which tools they grant to an agent, and whether it can load a skill.

npm installs each client at one version, without its scripts. The client then runs in a network namespace in which only
`asking.py` answers.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from judged.forms import agent_file

_ENVIRON = dict(os.environ)  # npm's settings are in the home of whoever runs the tests
_ASKING = Path(__file__).with_name("asking.py")
_AT_ONCE = 60
"""Agents in one run of a client."""
_AGENTS = {
    "claude": "project/.claude/agents",
    "gemini": "home/.gemini/agents",
    "opencode": "project/.opencode/agents",
}
"""Where an agent of a form stands."""
_CPU = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

Answer = str | tuple[str, ...]
"""`every` for the tools of an agent without limits, `refused` for a file that gives no agent, else the tools."""


class CannotAskError(Exception):
    """The client could not be installed or run, which proves nothing about a form."""


class Client(NamedTuple):
    """An npm package with a client."""

    package: str
    version: str
    program: str
    """The path of the program in the package."""
    node: bool = False
    """Whether the program needs node."""


PROGRAMS = {
    "claude": Client(f"@anthropic-ai/claude-code-linux-{_CPU}", "2.1.330", "claude"),
    "gemini": Client("@google/gemini-cli", "0.61.0", "bundle/gemini.js", node=True),
    "opencode": Client(f"opencode-linux-{_CPU}", "1.18.33", "bin/opencode"),
}


def install(client: Client, folder: Path) -> list[str]:
    """Install the client in the folder, if it is not there yet, and return the command that runs it.

    Raises:
        CannotAskError: npm failed.
    """
    here = folder / f"{client.package.replace('/', '+')}@{client.version}"
    program = here / "node_modules" / client.package / client.program
    if not program.is_file():
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(parents=True)
        (here / "package.json").write_text('{"private": true}\n')
        words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"{client.package}@{client.version}"]
        _run(words, "", cwd=here, env=_ENVIRON)
    node = shutil.which("node") if client.node else ""
    if node is None:
        raise CannotAskError("node is not on the PATH")
    return [node, str(program)] if node else [str(program)]


def ask(name: str, forms: Iterable[str], folder: Path) -> dict[str, Answer]:
    """The tools that the client grants for each form. The first form must be one without limits.

    Raises:
        CannotAskError: the client gave no answer for a form.
    """
    program = install(PROGRAMS[name], folder)
    first, *rest = forms
    answers: dict[str, Answer] = {}
    for start in range(0, len(rest), _AT_ONCE):
        agents = {f"agent{i}": form for i, form in enumerate((first, *rest[start : start + _AT_ONCE]))}
        files = {agent: agent_file(name, form, agent) for agent, form in agents.items()}
        tools = _tools(name, program, files)
        every = tools["agent0"]
        answers |= {form: _answer(tools[agent], every) for agent, form in agents.items()}
    return answers


def every_tool(name: str, form: str, folder: Path) -> tuple[str, ...]:
    """The tools of an agent of that form, which has no limits."""
    tools = _tools(name, install(PROGRAMS[name], folder), {"agent0": agent_file(name, form, "agent0")})["agent0"]
    assert tools is not None
    return tuple(tools)


class Turn(NamedTuple):
    """A request that a client made for an agent."""

    tools: tuple[str, ...]
    text: str
    """All texts in it, the descriptions of tools too."""


def load(name: str, agent: str, skill: str, files: Mapping[str, str], folder: Path) -> tuple[Turn, Turn]:
    """The requests of an agent before and after it loads a skill.

    Args:
        files: texts by path below `home/` and `project/`.

    Raises:
        CannotAskError: the client did not start the agent, or stopped it before it went on.
    """
    program = install(PROGRAMS[name], folder)
    found = _asked(name, {"program": program, "agents": [agent], "files": dict(files), "skill": skill})
    if len(found) < 2:
        raise CannotAskError(f"{name} made {len(found)} requests for the agent")
    before, after = (Turn(tuple(turn["tools"]), turn["text"]) for turn in found[:2])
    return before, after


def _answer(tools: list[str] | None, every: list[str] | None) -> Answer:
    if tools is None:
        return "refused"
    return "every" if tools == every else tuple(tools)


Listed = tuple[str, str]
"""The name and the description of an agent."""


def listed(texts: Iterable[str], folder: Path) -> dict[str, Listed | None]:
    """What Claude Code lists for each agent file: `{n}` in it stands for a word of its own. None if it lists nothing.

    Raises:
        CannotAskError: the client did not answer.
    """
    program = install(PROGRAMS["claude"], folder)
    words = {f"c{number:03}c": text for number, text in enumerate(texts)}
    files = {f"{_AGENTS['claude']}/{word}.md": text.replace("{n}", word) for word, text in words.items()}
    agents = _asked("claude-headers", {"program": program, "agents": [], "files": files})
    found: dict[str, Listed | None] = {}
    for word, text in words.items():
        own = [(agent["name"], agent["description"]) for agent in agents if word in "".join(agent.values())]
        found[text] = (own[0][0].replace(word, "{n}"), own[0][1].replace(word, "{n}")) if own else None
    return found


def _tools(name: str, program: list[str], texts: Mapping[str, str]) -> dict[str, list[str] | None]:
    files = {f"{_AGENTS[name]}/{agent}.md": text for agent, text in texts.items()}
    tools: dict[str, list[str] | None] = _asked(name, {"program": program, "agents": [*texts], "files": files})
    missing = sorted(texts.keys() - tools.keys())
    if missing or tools["agent0"] is None:
        raise CannotAskError(f"{name} gave no answer for {missing or 'an agent without limits'}")
    return tools


def _asked(name: str, question: Mapping[str, Any]) -> Any:
    env = {"PATH": _ENVIRON["PATH"], "AGENTPACK_JUDGED_NETWORK": "empty"}
    words = ["unshare", "--map-root-user", "--net", sys.executable, str(_ASKING), name]
    return json.loads(_run(words, json.dumps(question), cwd=_ASKING.parent, env=env))


def _run(words: list[str], question: str, cwd: Path, env: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(words, input=question, cwd=cwd, env=env, capture_output=True, text=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotAskError(f"{words[0]}: {error}") from error
    if done.returncode:
        raise CannotAskError(f"{' '.join(words[:3])}: {(done.stderr or done.stdout)[-800:]}")
    return done.stdout
