"""One place says where agentpack is published; every other file agrees with it. `pytest --update` rewrites those."""

import re
import tomllib
from pathlib import Path

import pytest

from agentpack import __repository__
from agentpack.writers.schema_line import schema_line

pytestmark = pytest.mark.untraced
ROOT = Path(__file__).parent.parent
SLUG = __repository__.removeprefix("https://github.com/")
NAMED = re.compile(
    r"(?P<before>github\.com/|raw\.githubusercontent\.com/|uses: |github>|github:)\w[\w.-]*/agentpack(?![\w-])"
)
"""The ways to name a repository on GitHub: an address, an action, a preset of Renovate, agentpack's own short form."""
FILES = sorted(
    path
    for pattern in ("*.md", "*.toml", "*.yml", "*.yaml", "*.json", ".*.yaml", ".github/**/*", "ci/*", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    if path.is_file()
)


def agreed(text: str) -> str:
    return NAMED.sub(lambda match: match["before"] + SLUG, text)


def test_every_file_names_the_repository_as_the_package_does(request: pytest.FixtureRequest) -> None:
    wrong = {path: text for path in FILES if (text := path.read_text(encoding="utf-8")) != agreed(text)}
    if request.config.getoption("--update"):
        for path, text in wrong.items():
            path.write_text(agreed(text), encoding="utf-8")
        wrong = {}
    assert sorted(path.name for path in wrong) == [], "run `pytest --update tests/test_repository_address.py`"


def test_the_metadata_and_the_pages_have_it() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert urls["Repository"] == __repository__
    named = {path.relative_to(ROOT).as_posix() for path in FILES if SLUG in path.read_text(encoding="utf-8")}
    assert {"README.md", "docs/how-to/use-in-ci.md", "pyproject.toml"} <= named


@pytest.mark.parametrize(
    "line",
    [
        "pip install git+https://github.com/{}@v1",
        "  - repo: https://github.com/{}",
        "- uses: {}@COMMIT",
        "- uses: {}/.github/workflows/check.yml@COMMIT",
        "extends: github>{}",
        "include: https://raw.githubusercontent.com/{}/HEAD/ci/gitlab.yml",
    ],
)
def test_an_address_that_differs_is_seen(line: str) -> None:
    assert agreed(line.format("ada/agentpack")) == line.format(SLUG)
    for other in ("ada/agentpacks", "./agentpack"):
        assert agreed(line.format(other)) == line.format(other)


@pytest.mark.parametrize("schema", ["manifest", "pack"])
def test_a_file_names_a_schema_that_is_in_the_repository(schema: str) -> None:
    """Files that people have name this path for years: it cannot move."""
    address = schema_line(schema).removeprefix("# yaml-language-server: $schema=")
    start = f"https://raw.githubusercontent.com/{SLUG}/HEAD/"
    assert address.startswith(start)
    assert (ROOT / address.removeprefix(start)).is_file()
