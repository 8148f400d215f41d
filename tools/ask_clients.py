"""Ask the real clients whether they load what agentpack installs: `python tools/ask_clients.py FOLDER`.

The folder has a script for each client, called as `FOLDER/<client> PROJECT HOME NAME --description-file FILE`. It exits
with 0 when the client loaded that agent with that description, with 3 when it could not ask, and with something else
when the client read something else.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from agentpack.targets import TARGETS

CANNOT_ASK = 3
PERSONA = "python-engineer"


def ask(script: Path, client: str, work: Path) -> int:
    """Install the persona for one client in a new project and ask that client. Returns the script's exit code."""
    home, project = work / "home", work / "project"
    home.mkdir()
    subprocess.run(["git", "init", "--quiet", project], check=True)
    install = [sys.executable, "-m", "agentpack", "install", PERSONA, "--client", client, "--quiet"]
    subprocess.run(install, cwd=project, env={**os.environ, "HOME": str(home)}, check=True)
    text = (project / TARGETS[client].path(PERSONA, "project", {})).read_text()
    expected = work / "description"
    expected.write_text(yaml.safe_load(text.split("---\n")[1])["description"])
    return subprocess.run([script, project, home, PERSONA, "--description-file", expected], check=False).returncode


def main(folder: Path) -> int:
    """Ask every client that has a script. Returns 1 when one of them did not load the persona."""
    failed = False
    for client in sorted(TARGETS):
        script = folder / client
        if not script.exists():
            print(f"{client}: no script, not asked")
            continue
        with tempfile.TemporaryDirectory() as work:
            code = ask(script, client, Path(work))
        words = {0: "loads it", CANNOT_ASK: "could not be asked"}.get(code, f"does not load it (exit {code})")
        print(f"{client}: {words}")
        failed = failed or code not in (0, CANNOT_ASK)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
