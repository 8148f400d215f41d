"""Ask the real clients whether they load what agentpack installs: `python tools/ask_clients.py FOLDER [CLIENT...]`.

The folder has a script for each client, called as `FOLDER/<client> PROJECT HOME NAME --description-file FILE
[--prompt-contains TEXT] [--env KEY=VALUE]`. It exits with 0 when the client loaded that agent with that description
(and that text in its body), with 3 when it could not ask, and with something else when the client read something else.

Every release of the bundled packs, with some of its variants, and a persona full of awkward but legal text are
installed for each of these clients, in a project, for the user, and for the user with the client's own variable set. A
client that cannot limit tools gets those that ask for it all the same: whether it loads them is what is asked here.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import NamedTuple

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import UserFolder
from agentpack.clients.read_back import AgentFile, read_agent_file

CANNOT_ASK = 3
ENGINEER, REVIEWER = "python-engineer", "python-reviewer"
VARIANTS = {
    "1.0.0": ("", "[strict-typing]", "[data-pipeline]", "[data-pipeline,strict-typing]"),
    "1.1.0": ("", "[strict-typing]", "[data-pipeline]", "[data-pipeline,strict-typing]"),
    "2.0.0": ("", "[lean]", "[reviewer]", "[data-pipeline,strict-typing]"),
}
"""The releases of the engineer, and sets of variants of each; of 2.0.0 those that are least alike."""
AWKWARD = "awkward-agent"
DESCRIPTION = "Use it: when \"quoted\" or 'quoted'\nor on two lines # not a comment --- `code` 🦉"
BODY = "You say '''three''', \"\"\"three\"\"\", back\\slash \\n, ${HOME}, {file:x}, {env:Y}.\n\n" + "- A rule.\n" * 4000


class Case(NamedTuple):
    """One installation: what is asked for, the persona it brings, the scope, and whether the variable is set."""

    requirement: str
    persona: str
    scope: str
    moved: bool

    def __str__(self) -> str:
        return f"{self.requirement} ({self.scope}{', moved' if self.moved else ''})"


def cases(client: str) -> Iterator[Case]:
    """All that this client is asked about."""
    user = CLIENTS[client].user
    places = [("project", False), ("user", False)]
    places += [("user", True)] if isinstance(user, UserFolder) and user.variable else []
    for scope, moved in places:
        for release, sets in VARIANTS.items():
            for variants in sets:
                yield Case(f"{ENGINEER}{variants}=={release}", ENGINEER, scope, moved)
        yield Case(REVIEWER, REVIEWER, scope, moved)
        yield Case(AWKWARD, AWKWARD, scope, moved)


def awkward_pack(folder: Path) -> Path:
    """A folder with the pack of the awkward persona."""
    pack = folder / AWKWARD / "1.0.0"
    (pack / "personas").mkdir(parents=True)
    (pack / "pack.yaml").write_text(f"schema: 1\nname: {AWKWARD}\nversion: 1.0.0\ndescription: awkward\n")
    header = f"name: {AWKWARD}\ndescription: {dumps(DESCRIPTION, ensure_ascii=False)}\n"
    (pack / "personas" / f"{AWKWARD}.md").write_text(f"---\n{header}---\n\n{BODY}")
    return folder


def ask(script: Path, client: str, case: Case, work: Path) -> int:
    """Install one case and ask the client. Returns the script's exit code."""
    home, project, moved = work / "home", work / "project", work / "home" / "moved"
    home.mkdir()
    subprocess.run(["git", "init", "--quiet", project], check=True)
    user = CLIENTS[client].user
    variables = {user.variable: str(moved)} if case.moved and user is not None and user.variable else {}
    install = [sys.executable, "-m", "agentpack", "install", case.requirement, "--client", client, "--quiet"]
    install += ["--source", str(awkward_pack(work / "packs")), f"--{case.scope}", "--accept", f"widened:{client}"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    subprocess.run(install, cwd=project, env={**environment, "HOME": str(home), **variables}, check=True)
    read = installed(client, case, project, home, variables)
    expected = work / "description"
    expected.write_text(str(read.header["description"]))
    call: list[str | Path] = [script, project, home, case.persona, "--description-file", expected]
    call += [word for name in variables for word in ("--env", f"{name}={{home}}/moved")]
    code = subprocess.run([*call, "--prompt-contains", read.body.strip()], check=False, capture_output=True)
    if code.returncode == CANNOT_ASK:  # perhaps it cannot see the body
        code = subprocess.run(call, check=False, capture_output=True)
    if code.returncode not in (0, CANNOT_ASK):
        sys.stderr.write(code.stdout.decode()[:600])
    return code.returncode


def installed(client: str, case: Case, project: Path, home: Path, variables: dict[str, str]) -> AgentFile:
    """What agentpack wrote, read back."""
    path = CLIENTS[client].path(case.persona, case.scope, variables)
    assert path is not None
    for name, folder in variables.items():
        path = path.replace(f"${name}", folder)
    root = project if case.scope == "project" else home
    return read_agent_file(CLIENTS.named(client), (root / path).read_bytes(), case.persona)


def main(folder: Path, clients: list[str]) -> int:
    """Ask every client that has a script. Returns 1 when one of them did not load a persona."""
    failed = False
    for client in clients or sorted(MODULES):
        script = folder / client
        if not script.exists():
            print(f"{client}: no script, not asked")
            continue
        for case in cases(client):
            with tempfile.TemporaryDirectory() as work:
                code = ask(script, client, case, Path(work))
            words = {0: "loads it", CANNOT_ASK: "could not be asked"}.get(code, f"does not load it (exit {code})")
            print(f"{client}: {case}: {words}", flush=True)
            failed = failed or code not in (0, CANNOT_ASK)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
