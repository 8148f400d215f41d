"""What every test stands on: a home and a project of its own, the command line, `--update`; no way to the real home."""

import gc
import itertools
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import coverage
import platformdirs
import pytest
from hypothesis import HealthCheck, settings
from support.effort import THOROUGH, usually
from support.golden import Golden
from support.running import Agentpack
from support.shipped import PLACE, ship_bundled_packs
from support.trees import empty_repository
from support.unsynced import leave_out_syncs
from support.warm import load_all

from agentpack.clients import CLIENTS, VARIABLES

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # tests in the background: their programs can be interrupted too
    signal.signal(signal.SIGINT, signal.default_int_handler)

leave_out_syncs()
ship_bundled_packs()

if sys.dont_write_bytecode:  # else each Python that a test starts compiles every module anew, which takes a second
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ["AGENTPACK_PAGER"] = ""  # one would wait for a key

EXAMPLES = usually(30, thorough=50, nightly=100)
settings.register_profile("here", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

SEEDED = (
    "AGENTPACK_OFFLINE",
    "AGENTPACK_POLICY",
    "AGENTPACK_TIMEOUT",
    "AGENTPACK_TRACEBACK",
    "AGENTPACK_TRUSTED_PLACES",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "FORCE_COLOR",
    "NETRC",
    "NO_COLOR",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS",
    "XDG_RUNTIME_DIR",
    *(name for scheme in ("http", "https", "all", "no") for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())),
)
"""Variables of whoever runs the tests that agentpack or a client would obey."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files and the output of scenarios; read the diff"
    )


# The real home is out of bounds.

_HOME = os.path.expanduser("~")
_FORBIDDEN = tuple(
    {
        *(f"{_HOME}/{marker}" for target in CLIENTS.values() for marker in target.markers),
        platformdirs.user_config_dir("agentpack", appauthor=False),
        platformdirs.user_state_dir("agentpack", appauthor=False),
        platformdirs.user_cache_dir("agentpack", appauthor=False),
        platformdirs.user_log_dir("agentpack", appauthor=False),
        *(f"{_HOME}/{name}" for name in (".gitconfig", ".netrc", "agentpack.yaml", "agentpack.lock", ".agentpack")),
    }
)
_TOUCHING = frozenset(
    ("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.chmod")
)


class RealHomeTouched(BaseException):
    """A test reached for the home of whoever runs it. Not an Exception, so that nobody catches it by the way."""


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _TOUCHING:
        for argument in arguments[:2]:
            if isinstance(argument, str) and argument.startswith(_FORBIDDEN):
                raise RealHomeTouched(f"{event} {argument}")


sys.addaudithook(_guard)


APART = ("properties", "faults")
"""The folders of laws and faults. They go over lines that other tests cover, in very many ways: campaigns, all of them,
and coverage does not watch them.
"""
_LEFT_OUT = "TESTS_WITHOUT_CAMPAIGNS"
"""The variable that tells the workers what the first process of a run decided."""


def pytest_configure(config: pytest.Config) -> None:
    """`pytest` alone leaves the campaigns out; whoever names files, words or marks, or wants all, gets them."""
    if not hasattr(config, "workerinput"):
        is_named = config.args_source is pytest.Config.ArgsSource.ARGS
        is_chosen = is_named or config.option.markexpr or config.option.keyword or THOROUGH
        os.environ[_LEFT_OUT] = "" if is_chosen else "1"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Laws and faults are campaigns."""
    if item.path.parent.name in APART:
        item.add_marker("campaign")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Of the cases of a test marked `many`, those between the first and the last are campaigns."""
    made = yield
    if isinstance(made, list):
        for item in made[1:-1]:
            if item.get_closest_marker("many"):
                item.add_marker("campaign")
    return made


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones first, so that no worker has one left when the others are done."""
    if os.environ.get(_LEFT_OUT):
        campaigns = [item for item in items if item.get_closest_marker("campaign")]
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """All that was collected stays to the end: neither collecting garbage nor a forked child need look at it again."""
    gc.collect()
    gc.freeze()


_ENDED = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """A command in this process leaves folders open until its objects are collected, and an ordinary user may have no
    more than a thousand open.
    """
    if next(_ENDED) % 100 == 0:
        gc.collect()


_FOLDERS = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, without the link to the newest folder, which takes longer to set than many a test."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}{next(_FOLDERS)}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that runs in a test takes `tmp_path/home`, which need not exist, for the home folder."""
    for name in {*SEEDED, *VARIABLES}:
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith(("GIT_", "_AGENTPACK"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    for name, below in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
    }.items():
        monkeypatch.setenv(name, str(folder / below))
    monkeypatch.setenv("AGENTPACK_TRUSTED_PLACES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    monkeypatch.setenv("COLUMNS", "120")


WATCHED = 1
"""How many cases of a test coverage watches in each process: the others go over the same lines in other clients."""
_CASES: Counter[str] = Counter()


def _is_watched(item: pytest.Item) -> bool:
    """Whether coverage watches a test: not one marked `untraced`, a law or a fault, which go over lines that others
    cover, and not the second case of any. Watched, all tests took twice their time.
    """
    test = item.nodeid.partition("[")[0]
    _CASES[test] += 1
    apart = item.get_closest_marker("untraced") or item.path.parent.name in APART
    return not apart and _CASES[test] <= WATCHED


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Coverage watches while all of agentpack is loaded, and looks away while the tests are collected."""
    watching = coverage.Coverage.current()
    if watching is None:
        return (yield)
    load_all()
    watching.stop()
    try:
        return (yield)
    finally:
        watching.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage looks away from tests that it need not watch, and from the programs that they start."""
    watching = coverage.Coverage.current()
    if watching is None or _is_watched(item):
        return (yield)
    of_programs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_PROCESS_")}
    watching.stop()
    try:
        return (yield)
    finally:
        watching.start()
        os.environ.update(of_programs)


@pytest.fixture
def unshipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked packs are kept in the user's cache, as in an editable installation."""
    monkeypatch.delenv(PLACE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder, empty."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Path:
    """An empty git repository."""
    return empty_repository(tmp_path / "project")


@pytest.fixture
def agentpack(project: Path) -> Agentpack:
    """The command line, run in the project."""
    return Agentpack(project)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares with files below `tests/golden/`, or rewrites them with `--update`."""
    return Golden(Path(__file__).parent / "golden", update=request.config.getoption("--update"))


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """New files have the bits that they have everywhere, whatever the umask of whoever runs the tests."""
    before = os.umask(0o022)
    yield
    os.umask(before)
