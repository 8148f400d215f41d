"""The page of limits and the constants say the same, and each constant is there."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import agentpack
from agentpack import fast
from agentpack.disk.observe import MAX_READ_BYTES
from agentpack.model.json_text import MAX_VALUES

SOURCE = Path(agentpack.__file__).parent
PAGE = Path(__file__).parent.parent / "docs/reference/limits.md"
ROWS = {
    match[2]: match[1] for match in re.finditer(r"^\| .*? \| ([^|]+?) \| `([\w.]+)` \|$", PAGE.read_text("utf-8"), re.M)
}
UNITS = {"": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20}


@pytest.mark.parametrize("constant", ROWS)
def test_a_limit_on_the_page_is_the_one_that_holds(constant: str) -> None:
    module, _, name = constant.rpartition(".")
    number, _, unit = ROWS[constant].partition(" ")
    assert getattr(import_module(f"agentpack.{module}"), name) == int(number.replace(",", "")) * UNITS[unit]


def test_every_limit_is_on_the_page() -> None:
    found = set()
    for path in SOURCE.rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                found |= {f"{module}.{name}" for name in names if name.startswith("MAX_")}
    assert found <= set(ROWS)


def test_the_hot_path_reads_no_more_than_the_full_program() -> None:
    assert (fast._MOST, fast._MOST_VALUES) == (MAX_READ_BYTES, MAX_VALUES)
