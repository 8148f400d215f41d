"""A small project for each package manager, with the tools that the gate calls, installed as that manager installs."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from freshness import pips_index
from support.trees import write_tree

MANAGERS = ("uv", "pip", "poetry", "pdm", "hatch")
CHECKERS = ("mypy", "basedpyright", "pyright", "pyrefly", "ty")
_DISTRIBUTIONS = {"pdm": "pdm[locked]"}
"""How a manager is asked for. PDM 2.29 fails under the newest hishel; its extra names one that fits."""

_HEAD = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "shop"
version = "0.1.0"
requires-python = ">={python}"
dependencies = ["packaging"]

[dependency-groups]
dev = [{tools}]

[tool.hatch.build.targets.wheel]
packages = ["src/shop"]

"""
_MORE = {
    "hatch": '[tool.hatch.envs.default]\ndependency-groups = ["dev"]\n\n',
    # Poetry asks the index for more than other installers do, which not every mirror of it can answer.
    "poetry": '[[tool.poetry.source]]\nname = "index"\nurl = "{index}"\npriority = "primary"\n\n',
}
_FILES = {
    ".gitignore": "__pycache__/\n.coverage\n.venv/\n",
    "src/shop/__init__.py": '"""A shop."""\n',
    "src/shop/py.typed": "",
    "src/shop/pricing/__init__.py": '''\
"""What a basket costs."""


def total(prices: list[int], discount: int = 0) -> int:
    """The sum in cents, less the discount, never below nothing."""
    whole = sum(prices) - discount
    if whole < 0:
        return 0
    return whole
''',
    "tests/test_pricing.py": """\
from shop.pricing import total


def test_a_discount_is_taken_off() -> None:
    assert total([300, 200], 100) == 400


def test_nothing_costs_less_than_nothing() -> None:
    assert total([100], 200) == 0
""",
}


_OUTSIDE = (
    "AGENTPACK",
    "COV",
    "COVERAGE",
    "FORCE_COLOR",
    "HATCH_",
    "PYTEST",
    "PYTHON",
    "UV_PROJECT",
    "VIRTUAL_ENV",
    "XDG_",
)
"""How the variables begin that belong to whoever runs the tests, and would be obeyed."""
_VARIABLES = {name: value for name, value in os.environ.items() if not name.startswith(_OUTSIDE)}
"""The others, before a test takes away the proxies and certificates by which a package index is reached."""


class Done(NamedTuple):
    """A command that ended."""

    exit_code: int
    said: str


class Project:
    """A folder with the small project, and a way to run commands in it as its developer does."""

    def __init__(self, folder: Path, manager: str, checkers: tuple[str, ...], workshop: Path) -> None:
        self.folder = folder
        tools = ("ruff", "pytest", "pytest-cov", "pip-audit", *checkers)
        python = ".".join(map(str, sys.version_info[:2]))
        self._settings = _HEAD.format(python=python, tools=", ".join(f'"{tool}"' for tool in tools))
        self._settings += _MORE.get(manager, "").format(index=pips_index())
        write_tree(folder, {**_FILES, "pyproject.toml": self._settings})
        self._variables = _variables(workshop)
        self._install(manager, workshop)

    def _install(self, manager: str, workshop: Path) -> None:
        if manager == "pip":
            self._on_path(_environment(self.folder / ".venv"))
            self.runs("python -m pip install --quiet --upgrade pip")
            self.runs("python -m pip install --quiet --editable . --group dev")
            return
        here = workshop / "managers" / manager
        self._on_path(_environment(here))
        self.runs(f"python -m pip install --quiet {shlex.quote(_DISTRIBUTIONS.get(manager, manager))}")
        for command in {
            "uv": ["uv sync --quiet"],
            "poetry": ["poetry install --quiet --no-interaction"],
            "pdm": ["pdm install --quiet"],
            "hatch": ["hatch env create"],
        }[manager]:
            self.runs(command)

    def _on_path(self, environment: Path) -> None:
        self._variables["PATH"] = f"{environment / 'bin'}{os.pathsep}{self._variables['PATH']}"

    def run(self, command: str, **variables: str) -> Done:
        """Run a command line of the text, without a shell."""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env={**self._variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return Done(done.returncode, done.stdout)

    def runs(self, command: str, **variables: str) -> None:
        """Run a command that must end with 0."""
        done = self.run(command, **variables)
        assert done.exit_code == 0, f"{command}: exit {done.exit_code}\n{done.said}"

    def commit(self) -> None:
        """Make the project's files, as they are, a commit of a repository."""
        self.runs("git init --quiet")
        self.runs("git add --all")
        self.runs("git -c user.name=shop -c user.email=shop@example.com commit --quiet --allow-empty --message shop")

    def uncommitted(self) -> str:
        """What `git status` names."""
        return self.run("git status --porcelain").said

    @contextmanager
    def having(self, files: Mapping[str, str], settings: str = "") -> Iterator[None]:
        """The project with these files added or changed, and these settings; as it was, afterwards."""
        write_tree(self.folder, {**files, "pyproject.toml": f"{self._settings}{settings}\n"})
        try:
            yield
        finally:
            for path in files:
                (self.folder / path).unlink()
            (self.folder / ".coverage").unlink(missing_ok=True)
            write_tree(self.folder, {**_FILES, "pyproject.toml": self._settings})


class Workshop:
    """The projects, each made when it is first asked for."""

    def __init__(self, folder: Path, checkers: Mapping[str, tuple[str, ...]]) -> None:
        self._made: dict[str, Project] = {}
        self._make = {name: partial(Project, folder / name, name, those, folder) for name, those in checkers.items()}

    def project(self, manager: str) -> Project:
        """The project of this package manager."""
        if manager not in self._made:
            self._made[manager] = self._make[manager]()
        return self._made[manager]


def _environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", "--no-periodic-update", folder], check=True)
    return folder


def _variables(workshop: Path) -> dict[str, str]:
    """Variables of a developer with an empty home, and no environment that is active."""
    home = workshop / "home"
    home.mkdir(exist_ok=True)
    return _VARIABLES | {
        "HOME": str(home),
        "HATCH_DATA_DIR": str(workshop / "environments"),
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PDM_CHECK_UPDATE": "false",
        "NO_COLOR": "1",
        "NO_PROXY": "127.0.0.1",
    }
