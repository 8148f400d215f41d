"""The picture that imports draw, read from the source, so that a lazy import counts like any other."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import agentpack

ROOT = Path(agentpack.__file__).parent
LAYERS: Mapping[str, int] = {
    "addresses": 0,
    "errors": 0,
    "model": 1,
    "operations": 3,
    "cli": 4,
    "fast": 4,
    "__main__": 5,
}
"""The height of a part; what is not named is a step, and stands between model and operations."""
STEP = 2
PURE = (
    *(
        "addresses",
        "compose",
        "differences",
        "edits",
        "errors",
        "manifest_edit",
        "manifest_text",
        "merge",
        "model",
        "patching",
    ),
    *("plan", "render", "resolve", "targets"),
)
"""The same values in, the same values out: nothing here reads or writes a file, an environment variable or a clock."""
WORLDLY = frozenset(
    (
        *(
            "os",
            "io",
            "pathlib",
            "shutil",
            "tempfile",
            "subprocess",
            "socket",
            "sys",
            "time",
            "datetime",
            "glob",
            "signal",
        ),
        *("agentpack.disk", "agentpack.store", "agentpack.apply", "agentpack.sources", "agentpack.fetch"),
        *("agentpack.environment", "agentpack.operations", "agentpack.cli"),
    )
)
AT_HOME: Mapping[str, tuple[str, ...]] = {
    "typer": ("cli",),
    "rich": ("cli",),
    "pydantic": ("safety",),
    "pydantic_core": ("safety",),
    "yaml": ("safety", "manifest_edit", "targets.shared_yaml"),
    "merge3": ("merge",),
    "platformdirs": ("environment", "operations", "cli"),
}
"""Libraries that only these parts know, so that one of them can be exchanged and start-up stays fast."""
NETWORK = frozenset(("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "httpx", "asyncio"))


class Import(NamedTuple):
    """One import: by which module, of what, and whether loading the module does it."""

    module: str
    target: str
    at_top: bool


@cache
def modules() -> dict[str, ast.Module]:
    """Every module by its dotted name below `agentpack`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for name, module in modules().items() for found in imports_of(name, module))


def imports_of(name: str, module: ast.Module) -> Iterator[Import]:
    for node in ast.walk(module):
        at_top = node in module.body
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports hide where they lead"
            source = node.module or ""
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                inner = whole.removeprefix("agentpack.") in modules() and source.startswith("agentpack")
                yield Import(name, whole if inner else source, at_top)


def part(dotted: str) -> str:
    """The part of agentpack that a module belongs to: a folder, or a file that stands alone."""
    return dotted.removeprefix("agentpack.").partition(".")[0]


def height(dotted: str) -> int:
    return LAYERS.get(part(dotted), STEP)


def own() -> Iterator[Import]:
    return (found for found in imports() if found.target.startswith("agentpack."))


def test_imports_go_one_way() -> None:
    """cli -> operations -> steps -> model -> errors."""
    upwards = [found for found in own() if height(found.module) < height(found.target)]
    assert upwards == []


def test_no_module_is_needed_to_load_itself() -> None:
    graph: dict[str, set[str]] = {}
    for found in own():
        target = found.target.removeprefix("agentpack.")
        if found.at_top and target != found.module:
            graph.setdefault(found.module, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_knows_nothing_of_the_world(name: str) -> None:
    mine = [found for found in imports() if part(found.module) == name and found.module]
    assert mine or name == "errors"
    reached = [
        found
        for found in mine
        if found.target.partition(".")[0] in WORLDLY or ".".join(found.target.split(".")[:2]) in WORLDLY
    ]
    assert reached == []


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_opens_nothing(name: str) -> None:
    calls = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        if part(module) == name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print", "input")
    ]
    assert calls == []


@pytest.mark.parametrize("library", AT_HOME)
def test_a_library_is_known_only_where_it_is_at_home(library: str) -> None:
    strangers = {
        found.module
        for found in imports()
        if found.target.partition(".")[0] == library and not {part(found.module), found.module} & set(AT_HOME[library])
    }
    assert strangers == set()


def test_nothing_opens_a_network_connection() -> None:
    assert [found for found in imports() if found.target.partition(".")[0] in NETWORK] == []


def test_environment_variables_are_read_where_a_command_begins() -> None:
    readers = {
        part(module)
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
    }
    assert readers <= {"environment", "cli", "fast"}


def test_no_operation_reads_the_clock_by_itself() -> None:
    clocks = {part(found.module) for found in imports() if found.target.partition(".")[0] in ("time", "datetime")}
    assert clocks <= {"environment", "disk", "store"}  # the latter two wait, and tell how old a file is


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in modules().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_is_called_manager_helper_or_utils() -> None:
    vague = [name for name in modules() if any(word in name for word in ("manager", "helper", "util"))]
    assert vague == []
