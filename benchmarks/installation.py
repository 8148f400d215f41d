"""The installation that is measured: a plain virtual environment with the wheel.

It is built from this checkout with generated packs among its own. These go through the same build as the bundled
ones, so they are validated in the wheel as those are.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from benchmarks.packs import write_pack

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKS: Mapping[str, int] = {"bench-one": 1, "bench-hundred": 100, "bench-thousand": 1000}
"""The generated packs and how many personas they have."""
_SOURCES = ("src", "packs", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md")


class Installation(NamedTuple):
    """An interpreter of a virtual environment, and the console script beside it."""

    python: str
    agentpack: str


def installation(python: str, folder: str, scratch: str, *, tell: Callable[[str], None]) -> Installation:
    """The environment in `folder`, made if it is not there, with the checkout's present state in it."""
    tell("building the wheel")
    wheel = _wheel(scratch)
    inside = f"{folder}/bin/python"
    if not os.path.exists(inside):
        tell("making the virtual environment")
        _call([python, "-m", "venv", folder])
        _call([inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel])
    else:
        again = ["--force-reinstall", "--no-deps"]
        _call([inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *again, wheel])
    return Installation(inside, f"{folder}/bin/agentpack")


def _wheel(scratch: str) -> str:
    tree = f"{scratch}/checkout"
    os.makedirs(tree)
    for name in _SOURCES:
        source = f"{CHECKOUT}/{name}"
        if os.path.isdir(source):
            shutil.copytree(source, f"{tree}/{name}", ignore=shutil.ignore_patterns("__pycache__"))
        elif os.path.exists(source):
            shutil.copy(source, tree)
    for name, personas in PACKS.items():
        write_pack(f"{tree}/packs", name, personas)
    _call([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", f"{scratch}/wheel", tree])
    return f"{scratch}/wheel/{os.listdir(f'{scratch}/wheel')[0]}"


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
