#!/usr/bin/env python3
"""Make `.venv` with agentpack in it, from nothing but git and Python: `python3 tools/bootstrap.py [--dev]`.

`--dev` adds the tools that tests and checks need, at the versions of constraints-dev.txt. A second run does nothing. It
also works with Debian's Python, which the system manages and which may lack the modules that put pip elsewhere.
"""

# This file is read by whatever Python is called `python3`, so its grammar stays old.
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "agentpack-bootstrap")
OLDEST = (3, 11)
NAMES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15")
PIP = ("https://github.com/pypa/pip", "26.2.1")
"""Where pip comes from on a machine that has none, and the release."""
LEADING_AWAY = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PYTHONHOME", "PYTHONPATH")
"""Settings under which pip would install elsewhere than into the environment."""


def main(arguments: "list[str]") -> int:
    """Set up, or say what is missing. Returns the exit code."""
    if sys.version_info < OLDEST:
        return newer_python(arguments)
    dev = "--dev" in arguments
    wanted = fingerprint(dev)
    if is_done(wanted, fingerprint(True)):
        return 0
    for name in LEADING_AWAY:
        os.environ.pop(name, None)
    if not has_pip() and not make_environment():
        return 1
    print("installing agentpack" + (" and its development tools" if dev else "") + " into .venv", file=sys.stderr)
    steps = [["install", "--editable", ROOT]]
    if dev:
        constraints = ["--constraint", os.path.join(ROOT, "constraints-dev.txt")]
        steps = [["install", "--upgrade", "pip>=25.1"], ["install", "--editable", ROOT, "--group", "dev", *constraints]]
    for step in steps:
        if run([PYTHON, "-m", "pip", "--disable-pip-version-check", "--quiet", *step], cwd=ROOT) != 0:
            print("error: pip could not install it; what it said stands above", file=sys.stderr)
            return 1
    with open(STAMP, "w", encoding="ascii") as file:
        file.write(wanted + "\n")
    return 0


def newer_python(arguments: "list[str]") -> int:
    """Go on with a newer Python, if one is on the path."""
    for name in NAMES:
        found = shutil.which(name)
        if found and run([found, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]) == 0:
            return run([found, os.path.abspath(__file__), *arguments])
    print("error: agentpack needs Python 3.11 or newer, this is " + sys.version.split()[0], file=sys.stderr)
    return 1


def fingerprint(dev: bool) -> str:
    """What the environment is made from: other requirements make it again."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints-dev.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest() + (" dev" if dev else " use")


def is_done(*enough: str) -> bool:
    """Whether an earlier run left all that is wanted, or more."""
    try:
        with open(STAMP, encoding="ascii") as file:
            return file.read().strip() in enough and run([PYTHON, "-c", "import agentpack"]) == 0
    except OSError:
        return False


def has_pip() -> bool:
    """Whether there is an environment that pip can fill."""
    return os.path.exists(PYTHON) and run([PYTHON, "-c", "import pip"], quiet=True) == 0


def make_environment() -> bool:
    """Make `.venv` with pip in it. Where Python cannot (Debian without python3-venv), pip comes from elsewhere."""
    print("making .venv", file=sys.stderr)
    make = [sys.executable, "-m", "venv", VENV]
    if run([PYTHON, "-c", ""], quiet=True) != 0:
        make.append("--clear")  # none yet, or one whose Python is gone
    if run([sys.executable, "-m", "ensurepip", "--version"], quiet=True) == 0:
        return run(make) == 0
    if run([*make, "--without-pip"]) != 0:
        return False
    if run([sys.executable, "-m", "pip", "--python", PYTHON, "--quiet", "install", "pip"], quiet=True) == 0:
        return True
    place, tag = PIP
    print("this Python has no pip; taking it from " + place, file=sys.stderr)
    source = os.path.join(VENV, "pip-source")
    clone = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth=1", "--branch", tag]
    if run([*clone, place, source]) == 0:
        pip = os.path.join(source, "src", "pip")
        if run([PYTHON, pip, "--disable-pip-version-check", "--quiet", "install", "pip"]) == 0:
            shutil.rmtree(source)
            return True
    print("error: no pip for the virtual environment", file=sys.stderr)
    print("hint: on Debian and Ubuntu install it with `apt install python3-venv`, then run this again", file=sys.stderr)
    return False


def run(command: "list[str]", cwd: "str | None" = None, quiet: bool = False) -> int:
    """The exit code of a command; 127 when there is no such program."""
    sink = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(command, cwd=cwd, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        return 127
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
