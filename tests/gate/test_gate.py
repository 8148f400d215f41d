"""The commands that the engineer's gate names are run: each passes clean code, and each finds the fault it is for.

It takes a package index and minutes: `nox -s gate` tries every package manager and every type checker, and
`AGENTPACK_GATE=quick` three type checkers in one environment of pip's. Otherwise nothing here runs.
"""

import os
import re
from collections.abc import Iterator

import pytest

from gate.commands import DEPENDENCIES, Gate, gate_of, read_gate
from gate.projects import CHECKERS, MANAGERS, Project, Workshop
from gate.vulnerabilities import Service, serving

WANTED = os.environ.get("AGENTPACK_GATE", "")
QUICK = {"pip": ("mypy", "pyrefly", "ty")}
ALL = {manager: CHECKERS if manager in ("uv", "pip") else ("mypy",) for manager in MANAGERS}
TRIED = QUICK if WANTED == "quick" else ALL
PAIRS = [(manager, checker) for manager, checkers in TRIED.items() for checker in checkers]

pytestmark = [pytest.mark.timeout(1800)]
runs = pytest.mark.skipif(not WANTED, reason="AGENTPACK_GATE is not set: this installs tools from a package index")

UNTYPED = '''\
"""Ten lines that no type is written in."""


def rows(path, separator=None):
    with open(path) as lines:
        return [line.split(separator) for line in lines]


def first(table):
    return table[0].upper()
'''
UNTRIED = "".join(f"def untried_{i}(x: int) -> int:\n    return x + {i}\n\n\n" for i in range(30)).rstrip() + "\n"

TYPE_FAULTS = {
    "untyped functions": {"src/shop/rows.py": UNTYPED},
    "a wrong type": {"src/shop/count.py": 'COUNT: int = "seven"\n'},
}
FAULTS = {
    "a badly formatted file": ("Style", ("ruff format",), {"src/shop/late.py": "late  = { 'a' : 1 }\n"}),
    "an import that nothing uses": ("Style", ("ruff check",), {"src/shop/late.py": "import os\n"}),
    "a test that fails": ("Tests", (), {"tests/test_pricing.py": "def test_it() -> None:\n    assert 1 + 1 == 3\n"}),
    "code that tests import and do not run": (
        "Tests",
        ("--cov-fail-under",),
        {"src/shop/untried.py": UNTRIED.replace("return", "y =")}
        | {"tests/test_import.py": "import shop.untried  # noqa: F401\n"},
    ),
    "code that no test imports": ("Tests", ("--cov-fail-under",), {"src/shop/untried.py": UNTRIED}),
}
THIN = {
    "src/shop/pricing/taxes.py": """\
def taxed(price: int) -> int:
    if price > 1000:
        return price * 2
    if price > 100:
        return price * 3
    return price
""",
    "tests/test_taxes.py": """\
from shop.pricing.taxes import taxed


def test_little_is_not_taxed() -> None:
    assert taxed(1) == 1
""",
}
"""Business logic that is tried enough for the whole project's floor, and not for its own."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("gate"), TRIED)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as here:
        yield here


def test_commands_stand_after_the_prefix_and_those_for_dependencies_do_not() -> None:
    gate = read_gate(
        "# A\n\n## Gate\n\nRun `nothing`.\n\n- Prefix each with `uv run` if so.\n- Types: `x <new files>`; "
        "new files begin with `# x: strict`\n- Style: `y .`, `z`\n\nIf dependencies changed: `lock` before these.\n\n"
        "## More\n\n- Tests: `no`\n"
    )
    commands = {"Types": ("uv run x src",), "Style": ("uv run y .", "uv run z"), DEPENDENCIES: ("lock",)}
    assert gate == Gate(commands, "# x: strict")
    assert gate.new({"a.py": "A = 1\n"}) == {"a.py": "# x: strict\nA = 1\n"}


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("checker", CHECKERS)
def test_every_gate_has_a_command_of_each_kind(manager: str, checker: str) -> None:
    gate = gate_of(manager, checker)
    start = "python -m " if manager == "pip" else f"{manager} "
    assert list(gate.commands) == ["Style", "Types", "Tests", "Business logic", DEPENDENCIES]
    assert [
        command for commands in gate.commands.values() for command in commands if not command.startswith(start)
    ] == []
    assert gate.with_words("Types", checker)
    assert ("strict" in gate.head) == checker.endswith("pyright")


@runs
@pytest.mark.parametrize(("manager", "checker"), PAIRS)
def test_clean_code_passes_and_leaves_nothing_behind(workshop: Workshop, manager: str, checker: str) -> None:
    gate, project = gate_of(manager, checker), workshop.project(manager)
    project.commit()
    for command in gate.checks():
        project.runs(command)
    assert project.uncommitted() == ""


@runs
def test_a_project_without_the_lock_of_uv_gets_none(workshop: Workshop) -> None:
    """The text then has its reader leave `uv run --locked` out."""
    gate, project = gate_of("uv", "mypy"), workshop.project("pip")
    project.commit()
    for command in gate.checks():
        project.runs(command.removeprefix("uv run --locked "))
    assert project.uncommitted() == ""


TWICE = {"tests/conftest.py": '"""Fixtures."""\n', "tests/unit/conftest.py": '"""Fixtures."""\n'}


@runs
@pytest.mark.parametrize("manager", TRIED)
def test_two_files_of_one_name_stop_no_command(workshop: Workshop, manager: str) -> None:
    """`mypy .` reads two `conftest.py` as one module, and then nothing else."""
    gate, project = gate_of(manager, "mypy"), workshop.project(manager)
    with project.having(TWICE, '[tool.mypy]\nfiles = ["src"]'):
        project.commit()
        listed = [command.replace(" src tests", "") for command in gate.commands["Types"]]
        for command in (*gate.commands["Style"], *listed, *gate.commands["Tests"]):
            project.runs(command)
        assert project.uncommitted() == ""


LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock"}
MORE = '[project.optional-dependencies]\nmore = ["iniconfig"]'
"""A dependency that was not there before."""


@runs
@pytest.mark.parametrize("manager", TRIED)
def test_a_new_dependency_changes_nothing_but_the_lock(workshop: Workshop, manager: str) -> None:
    gate, project = gate_of(manager, "mypy"), workshop.project(manager)
    project.commit()
    *preparing, _ = gate.commands[DEPENDENCIES]
    with project.having({}, MORE):
        for command in (*preparing, *gate.checks()):
            project.runs(command)
        changed = {line.removeprefix(" M ") for line in project.uncommitted().splitlines()}
    assert changed == {"pyproject.toml"} | ({LOCKS[manager]} if manager in LOCKS else set())
    project.runs("git checkout --quiet -- .")


@runs
@pytest.mark.skipif("uv" not in TRIED, reason="uv is not among the package managers that are tried")
def test_the_gate_leaves_the_lock_of_uv_as_it_is_until_it_is_locked_again(workshop: Workshop) -> None:
    gate, project = gate_of("uv", "mypy"), workshop.project("uv")
    lock = project.folder / "uv.lock"
    before = lock.read_bytes()
    with project.having({}, MORE):
        for command in gate.commands["Style"]:
            assert "needs to be updated" in project.run(command).said
        assert lock.read_bytes() == before
        project.runs(gate.commands[DEPENDENCIES][0])
        assert lock.read_bytes() != before
        for command in gate.commands["Style"]:
            project.runs(command)
    lock.write_bytes(before)


@runs
@pytest.mark.parametrize("fault", TYPE_FAULTS)
@pytest.mark.parametrize(("manager", "checker"), PAIRS)
def test_every_type_checker_finds(workshop: Workshop, manager: str, checker: str, fault: str) -> None:
    gate, project = gate_of(manager, checker), workshop.project(manager)
    with project.having(gate.new(TYPE_FAULTS[fault])):
        done = [project.run(command) for command in gate.commands["Types"]]
        for command in gate.commands["Style"]:
            project.runs(command)
    assert {one.exit_code for one in done} <= {0, 1}, "a checker could not run"
    assert any(one.exit_code for one in done), "\n".join(one.said for one in done)


@runs
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("manager", TRIED)
def test_the_gate_finds(workshop: Workshop, manager: str, fault: str) -> None:
    gate, project = gate_of(manager, TRIED[manager][0]), workshop.project(manager)
    label, words, files = FAULTS[fault]
    with project.having(files):
        for command in gate.with_words(label, *words):
            done = project.run(command)
            assert done.exit_code == 1, f"{command}: exit {done.exit_code}\n{done.said}"


@runs
@pytest.mark.parametrize("manager", TRIED)
def test_business_logic_has_a_floor_of_its_own(workshop: Workshop, manager: str) -> None:
    gate, project = gate_of(manager, TRIED[manager][0]), workshop.project(manager)
    with project.having(THIN):
        for command in gate.commands["Tests"]:
            project.runs(command)
        (command,) = gate.commands["Business logic"]
        done = project.run(command)
    assert done.exit_code == 2, f"{command}: exit {done.exit_code}\n{done.said}"
    assert "taxes.py" in done.said


def _at(command: str, figure: int) -> str:
    return re.sub(r"fail-under=\d+", f"fail-under={figure}", command)


def _figure(project: Project, report: str) -> int:
    """What a report of coverage comes to, in percent, as it is printed."""
    return int(project.run(f"{_at(report, 0)} --format=total").said.split()[-1])


@runs
@pytest.mark.parametrize("manager", TRIED)
def test_an_existing_project_keeps_its_present_figures(workshop: Workshop, manager: str) -> None:
    """Where code is tested less than the floors ask for, the present figures pass, and lower ones fail."""
    gate, project = gate_of(manager, TRIED[manager][0]), workshop.project(manager)
    *_, tests = gate.commands["Tests"]
    (logic,) = gate.commands["Business logic"]
    existing = THIN | {"src/shop/untried.py": UNTRIED}
    with project.having(existing):
        assert project.run(tests).exit_code == 1
        assert project.run(logic).exit_code == 2
        tests = _at(tests, _figure(project, re.sub(r" --include=\S+", "", logic)))
        logic = _at(logic, _figure(project, logic))
        project.runs(tests)
        project.runs(logic)
    with project.having(existing | {"src/shop/pricing/late.py": UNTRIED}):
        assert project.run(tests).exit_code == 1
        assert project.run(logic).exit_code == 2


@runs
@pytest.mark.parametrize("manager", TRIED)
def test_a_dependency_with_a_vulnerability_is_found(workshop: Workshop, service: Service, manager: str) -> None:
    gate, project = gate_of(manager, TRIED[manager][0]), workshop.project(manager)
    *_, command = gate.commands[DEPENDENCIES]
    asking = {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": f"{service.address}v1/query"}
    if command == "uv audit":
        command += f" --service-url {service.address}"
    with project.having({}):
        project.runs(command, **asking)
        assert "packaging" in service.asked
        with service.warning_of("packaging"):
            done = project.run(command, **asking)
    assert done.exit_code == 1, f"{command}: exit {done.exit_code}\n{done.said}"
    assert "packaging" in done.said
