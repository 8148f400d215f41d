"""The picture that imports draw, read from the source, so that a lazy import counts like any other."""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import agentpack
from agentpack.authoring import _CHECKS
from agentpack.cli.app import VERBS
from agentpack.clients import MODULES
from agentpack.model.source_kinds import SOURCE_KINDS

pytestmark = pytest.mark.untraced
ROOT = Path(agentpack.__file__).parent
RANKS: Sequence[str] = (
    "addresses version",
    "errors",
    "model",
    "disk input resolve",
    "remote writers",
    "clients compose environment sources store",
    "apply bare capabilities differences fetch policy",
    "merge read translate",
    "bundling edits render",
    "authoring workspace",
    "wanted",
    "changes",
    "audit",
    "reports",
    "commands",
    "cli",
    "fast",
    "__main__",
)
"""The parts of agentpack, folders and files, lowest first: each imports only what stands in a row above its own."""
PURE = (
    *(
        "addresses",
        "compose",
        "differences",
        "edits",
        "errors",
        "merge",
        "model",
        "writers",
    ),
    *("changes.plan", "render", "resolve", "translate", "clients"),
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
        *("agentpack.environment", "agentpack.workspace", "agentpack.commands", "agentpack.cli"),
    )
)
AT_HOME: Mapping[str, tuple[str, ...]] = {
    "typer": ("cli",),
    "rich": ("cli",),
    "pydantic": ("input",),
    "pydantic_core": ("input",),
    "yaml": ("input", "writers"),
    "merge3": ("merge",),
    "httpx2": ("remote",),
    "platformdirs": ("environment", "workspace", "commands", "cli"),
}
"""Libraries that only these parts know, so that one of them can be exchanged and start-up stays fast."""
BEHIND_DOORS = frozenset(
    ("Candidates", "PersonaAssembler", "FileAssignment", "Audience", "Renderings", "ignore_minimum_age", "_rendered")
)
"""What only `wanted` builds, and which switches only it sets: the three doors in it decide them."""
SAME_NAME: Mapping[str, str] = {}
"""Class names that several modules define, each with the reason why neither can have another."""
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 450, 80
GENERATED = ("input.unicode_table",)
NETWORK = frozenset(("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "httpx2", "asyncio"))


class Import(NamedTuple):
    """One import: by which module, and of what."""

    module: str
    target: str
    by_name: bool = False
    """Whether a text names the module (`import_module`)."""


@cache
def texts() -> dict[str, str]:
    """Every module by its dotted name below `agentpack`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


@cache
def modules() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in texts().items()}


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All of a module: each is walked through once for all tests."""
    return tuple(ast.walk(tree))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for name, module in modules().items() for found in imports_of(name, module))


def imports_of(name: str, module: ast.Module) -> Iterator[Import]:
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports hide where they lead"
            source = node.module or ""
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                inner = whole.removeprefix("agentpack.") in modules() and source.startswith("agentpack")
                yield Import(name, whole if inner else source)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            target = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            text = target.value if isinstance(target, ast.Constant) else ""
            assert isinstance(text, str) and text, f"{name}:{node.lineno}: nobody sees what is imported"
            yield Import(name, text if target is node.args[0] else text.rpartition(".")[0], by_name=True)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def part(dotted: str) -> str:
    """The part of agentpack that a module belongs to: a folder, or a file that stands alone."""
    return dotted.removeprefix("agentpack.").partition(".")[0]


def within(module: str, name: str) -> bool:
    """Whether a module is of a part, or is the one of that name."""
    return f"{module}.".startswith(f"{name}.")


def own(found: Iterable[Import]) -> Iterator[Import]:
    """Those among agentpack's own modules; the package itself only says the version."""
    return (one for one in found if one.target.startswith("agentpack.") and one.module)


def against_the_ranks(found: Iterable[Import]) -> list[Import]:
    """The imports of a part from a row that does not stand above its own."""
    rank = {name: row for row, names in enumerate(RANKS) for name in names.split()}
    return [
        one
        for one in own(found)
        if part(one.module) != part(one.target) and rank[part(one.module)] <= rank[part(one.target)]
    ]


def circle(found: Iterable[Import]) -> list[str]:
    """Modules that import one another round and round; empty when there are none.

    One that a text names is left out: a repository may name plugins in repositories (`sources.open_plugin`).
    """
    graph: dict[str, set[str]] = {}
    for one in own(found):
        target = one.target.removeprefix("agentpack.")
        if target != one.module and not one.by_name:
            graph.setdefault(one.module, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def past_the_doors(name: str, module: ast.Module) -> Iterator[str]:
    """Where a module outside `wanted` builds what is made behind its doors, or sets a switch that they set."""
    for node in nodes(module) if part(name) != "wanted" else ():
        if isinstance(node, ast.Call):
            yield from (f"{name}:{node.lineno}: {word}" for word in {_called(node)} & BEHIND_DOORS)
            yield from (f"{name}:{node.lineno}: {key.arg}" for key in node.keywords if key.arg in BEHIND_DOORS)


def test_every_part_has_a_rank() -> None:
    assert {part(name) for name in modules() if name} == {name for names in RANKS for name in names.split()}


def test_imports_go_one_way_wherever_they_stand() -> None:
    """At the top of a module, in a function, or for types alone."""
    assert against_the_ranks(imports()) == []


def verbs_in(found: Iterable[Import]) -> list[Import]:
    """The imports of one command by another; `adopt` and `adoptable` are one."""
    inside = [one for one in own(found) if one.module.startswith("commands.") and ".commands." in one.target]
    verbs = [(one, one.module.split(".")[1], one.target.split(".")[2]) for one in inside]
    return [one for one, mine, other in verbs if not (mine.startswith(other[:5]) and other.startswith(mine[:5]))]


def test_no_command_imports_another() -> None:
    assert verbs_in(imports()) == []
    assert verbs_in(imports_of("commands.keep", ast.parse("def late():\n    from agentpack.commands.sync import sync")))


def test_no_modules_import_one_another_round_and_round() -> None:
    assert circle(imports()) == []


@pytest.mark.parametrize(
    "line",
    [
        "from agentpack.commands.sync import sync",
        "def late():\n    from agentpack.commands.sync import sync",
        "import agentpack.commands.sync",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from agentpack.commands.sync import sync",
        "import_module('agentpack.commands.sync')",
        "importlib.import_module(f'agentpack.commands.{name}')",
        "__import__('agentpack.commands.sync')",
    ],
)
def test_an_import_against_the_ranks_is_seen_wherever_it_stands(line: str) -> None:
    assert against_the_ranks(imports_of("merge.rules", ast.parse(line)))


def test_a_circle_is_seen_although_one_of_its_imports_stands_in_a_function() -> None:
    late = imports_of("wanted.candidates", ast.parse("def late():\n    from agentpack.wanted.selection import select"))
    assert circle([*imports(), *late])


OPEN_SETS: Mapping[str, tuple[str, Collection[str]]] = {
    "authoring": ("findings", {check.__module__.rpartition(".")[2] for check in _CHECKS}),
    "cli": ("app", {*VERBS, "app", "overview"}),
    "clients": ("CLIENT", set(MODULES)),
    "sources": ("open_source", {kind.module for kind in SOURCE_KINDS.values()} | {""}),
}
"""By folder: what a module of rules, a command, a client or a kind of source defines, and the modules with a row in the
folder's table."""


def without_a_row(folder: str, trees: Mapping[str, ast.Module]) -> set[str]:
    """The modules of a folder that nothing leads to, and the rows that lead to no module."""
    name, rows = OPEN_SETS[folder]
    members = {
        module.partition(".")[2]
        for module, tree in trees.items()
        for node in tree.body
        if part(module) == folder and name in (getattr(node, "name", ""), *map(_assigned, getattr(node, "targets", ())))
    }
    return members ^ {*rows}


def _assigned(target: ast.expr) -> str:
    return target.id if isinstance(target, ast.Name) else ""


@pytest.mark.parametrize("folder", OPEN_SETS)
def test_a_command_a_client_a_kind_of_source_and_rules_have_a_row_in_their_table(folder: str) -> None:
    differing = without_a_row(folder, modules())
    assert not differing, f"{sorted(differing)}: only a module of {folder}/ or only a row in its table"


@pytest.mark.parametrize(
    "text",
    [
        "app = verb_app()",
        "CLIENT = Client()",
        "def open_source(source, folder, remote): ...",
        "def findings(subject): ...",
    ],
)
def test_a_module_without_a_row_is_seen(text: str) -> None:
    late = {f"{folder}.late": ast.parse(text) for folder in OPEN_SETS}
    assert len([folder for folder in OPEN_SETS if "late" in without_a_row(folder, {**modules(), **late})]) == 1


def test_what_is_wanted_is_reached_by_its_doors() -> None:
    past = {name: list(past_the_doors(name, module)) for name, module in modules().items()}
    assert {name: ways for name, ways in past.items() if ways} == {}


@pytest.mark.parametrize(
    "line",
    [
        "Candidates(workspace, manifest, None)",
        "candidates.Candidates(workspace, manifest, None, refresh=packs)",
        "candidates_to_install(workspace, manifest, None, ignore_minimum_age=True)",
        "selection._rendered(None, require_acceptance=False)",
        "FileAssignment(kind, variables)",
    ],
)
def test_a_way_past_the_doors_is_seen(line: str) -> None:
    assert list(past_the_doors("commands.sync", ast.parse(line)))
    assert not list(past_the_doors("wanted.choose", ast.parse(line)))


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_knows_nothing_of_the_world(name: str) -> None:
    mine = [found for found in imports() if within(found.module, name)]
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
        if within(module, name)
        for node in nodes(tree)
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


def test_a_change_is_written_in_one_place() -> None:
    """Of files, of the lock alone, or back to an earlier generation: one transaction, one way to record it."""
    writers = {
        module
        for module, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "transact"
    }
    assert writers == {"changes.commit"}


def test_only_one_part_opens_network_connections() -> None:
    found = {part(one.module) for one in imports() if one.target.partition(".")[0] in NETWORK}
    assert found == {"remote"}


def test_environment_variables_are_read_where_a_command_begins() -> None:
    readers = {
        part(module)
        for module, tree in modules().items()
        for node in nodes(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
    }
    assert readers <= {"environment", "cli", "fast"}


def test_no_operation_reads_the_clock_by_itself() -> None:
    clocks = {part(found.module) for found in imports() if found.target.partition(".")[0] in ("time", "datetime")}
    assert clocks <= {"environment", "disk", "store", "remote"}  # the latter wait, and tell how old a file is


def too_long(name: str, text: str, tree: ast.AST) -> list[str]:
    """A module and functions in it that no longer fit on a page."""
    functions = [node for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f"{name}.{one.name}" for one in functions if (one.end_lineno or 0) - one.lineno >= MOST_LINES_OF_A_FUNCTION]
    return [*([name] if len(text.splitlines()) > MOST_LINES and name not in GENERATED else []), *long]


def test_modules_and_functions_are_short() -> None:
    assert [long for name, text in texts().items() for long in too_long(name, text, modules()[name])] == []
    for text, long in (("def f():\n" + "    pass\n" * 80, "x.f"), ("\n" * 451, "x")):
        assert too_long("x", text, ast.parse(text)) == [long]


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in modules().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_is_called_manager_helper_or_utils() -> None:
    vague = [name for name in modules() if any(word in name for word in ("manager", "helper", "util"))]
    assert vague == []


def classes_of_one_name(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """By class name, the modules that define it, where that is more than one definition."""
    found: dict[str, list[str]] = {}
    for module, tree in trees.items():
        for node in nodes(tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(module)
    return {name: homes for name, homes in found.items() if len(homes) > 1}


def test_a_class_name_has_one_meaning() -> None:
    """Whoever searches for a class finds one definition."""
    assert classes_of_one_name(modules()).keys() == SAME_NAME.keys()


def test_a_second_class_of_one_name_is_seen() -> None:
    late = ast.parse("def inside():\n    class Workspace: ...")
    assert classes_of_one_name({**modules(), "model.late": late}) == {
        "Workspace": ["workspace.workspace", "model.late"]
    }
