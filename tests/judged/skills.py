"""An agent with two modules and a denied tool: what agentpack writes for each client, and what the client makes of it.

`answers/` records both, `test_recorded.py` asks the client again, and `test_told.py` holds the record against what is
written today.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.clients import CLIENTS
from judged.clients import Turn, load

AGENT = "engineer"
MODULES = {"async": "writing concurrent code", "perf": "something is too slow"}
LOADED = f"{AGENT}-async"
"""The skill that the agent loads."""
NEEDS = {"opencode": "rg"}
"""Programs that a client runs to load a skill; it fetches what is not there, which it cannot where it is asked."""
NOT_STARTED = {"opencode": {"+delegate", "+tool:todowrite"}}
"""What an agent has only where the user runs it, not where another agent starts it, as here."""
_BODY = """\
You are an engineer who looks before anything is changed, and who says what was found. {#identity}

## Concurrency {#async}

- Let no task outlive the function that started it. {#groups}

### Shutdown {#deep}

- Cancel, then wait. {#cancel}

## Speed {#perf}

- Measure before you change a line. {#measure}

## End {#end}

- Say what you saw. {#say}
"""


class Loading(NamedTuple):
    """What a client gave to the agent."""

    tools: tuple[str, ...]
    listed: tuple[str, ...]
    """The skills whose descriptions were in its first request."""
    inlined: tuple[str, ...]
    """The skills whose text was there as well."""
    loaded: tuple[str, ...]
    """The skills whose text was in its second request, after it loaded `LOADED`."""


def written(client: str, agentpack: Agentpack, folder: Path) -> dict[str, str]:
    """The agent's file and its skills as agentpack installs them, by path below `home/` and `project/`."""
    text = persona_text(AGENT, _BODY, modules=MODULES, deny=["edit"])
    pack = make_pack(AGENT, personas={AGENT: text}, agentpack=">=0.2", license="MIT")
    # Gemini CLI shows a project's agent only once somebody acknowledged its file
    scope = "user" if client == "gemini" else "project"
    source = str(publish(folder / "packs", pack))
    agentpack("install", AGENT, "--source", source, "--client", client, f"--{scope}", "--accept", f"widened:{client}")
    root = Path.home() if scope == "user" else agentpack.folder
    use = CLIENTS[client].skills
    assert use is not None
    paths = [CLIENTS[client].path(AGENT, scope, {})]
    paths += [CLIENTS[use.folder].path(f"{AGENT}-{module}", scope, {}) for module in MODULES]
    below = "home" if scope == "user" else "project"
    return {f"{below}/{path}": (root / path).read_text() for path in map(str, paths)}


def skills(files: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The description and the text of each skill, by name."""
    found = {}
    for path, text in files.items():
        if path.endswith("/SKILL.md"):
            _, header, body = text.split("---\n")
            description = next(line for line in header.splitlines() if line.startswith("description:"))
            found[Path(path).parent.name] = (description.partition(": ")[2].strip('"'), body.strip())
    return found


def ask(client: str, files: Mapping[str, str], folder: Path) -> Loading:
    """What the real client gives to the agent of these files."""
    before, after = load(client, AGENT, LOADED, files, folder)
    return Loading(before.tools, _listed(before, files), _with_text(before, files), _with_text(after, files))


def missing(client: str) -> str | None:
    """The program that the client needs to load a skill, if it is not there."""
    program = NEEDS.get(client)
    return program if program and shutil.which(program) is None else None


def _listed(turn: Turn, files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, (description, _) in skills(files).items() if description in turn.text)


def _with_text(turn: Turn, files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, (_, text) in skills(files).items() if text in turn.text)
