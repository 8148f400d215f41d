"""Every hostile input gets the outcome it must get: a clear end, no traceback, nothing written where nothing may be."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.benign import BENIGN
from hostile.boxes import INSTALL, Box, Case
from hostile.in_calls import ADDRESSES, ENVIRONMENT, OPTIONS
from hostile.in_packs import BARE, PACKS
from hostile.in_projects import CLONES, LINKS, LOCKS, MANIFESTS, PATHS, STATE, VARIANTS
from hostile.in_texts import ARCHIVES, TEXTS
from support import warm
from support.effort import THOROUGH
from support.trees import modes

pytestmark = [pytest.mark.campaign, pytest.mark.untraced]
ALL = {
    **{f"pack: {name}": case for name, case in {**PACKS, **BARE}.items()},
    **{f"manifest: {name}": case for name, case in MANIFESTS.items()},
    **{f"lock: {name}": case for name, case in {**LOCKS, **PATHS}.items()},
    **{f"clone: {name}": case for name, case in CLONES.items()},
    **{f"folder: {name}": case for name, case in {**LINKS, **STATE, **VARIANTS}.items()},
    **{f"call: {name}": case for name, case in {**ADDRESSES, **OPTIONS}.items()},
    **{f"text: {name}": case for name, case in TEXTS.items()},
    **{f"archive: {name}": case for name, case in ARCHIVES.items()},
    **{f"environment: {name}": case for name, case in ENVIRONMENT.items()},
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_SECONDS = 20
_MEMORY = 512 * 1024 * 1024
"""What a process may map: nothing of others takes all memory."""
_REAL = {next(name for name in ALL if name.startswith(kind)) for kind in {name.partition(":")[0] for name in ALL}}
"""One of each kind, which a Python of its own meets, as in CI do all whose variables its start may obey."""


@pytest.fixture
def box(tmp_path: Path, home: Path, project: Path) -> Box:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "canary").write_text("untouched\n")
    (tmp_path / "packs").mkdir()
    return Box(project, tmp_path / "packs", home, outside)


@pytest.mark.parametrize("name", ALL)
def test_a_hostile_input_gets_the_outcome_it_must_get(name: str, box: Box) -> None:
    case = ALL[name]
    case.make(box)
    before, outside = modes(box.project), modes(box.outside)
    done = run(case, box, real=name in _REAL or bool(THOROUGH and case.environment))
    said = done.out + done.err
    assert done.exit_code == case.exit_code, said[-2000:]
    assert case.says in said
    assert "Traceback" not in said
    assert not _CONTROL.search(said)
    assert modes(box.outside) == outside
    if case.quiet_project:
        assert modes(box.project) == before


@pytest.mark.parametrize("name", BENIGN)
def test_what_only_looks_odd_installs_and_comes_back(name: str, box: Box) -> None:
    BENIGN[name](box)
    done = run(Case(BENIGN[name], 0, "", INSTALL), box)
    assert done.exit_code == 0, done.err[-2000:]
    assert (box.project / ".claude/agents/reviewer.md").is_file()
    assert run(Case(BENIGN[name], 0, "", ("sync", "--locked", "--check")), box).exit_code == 0


def run(case: Case, box: Box, *, real: bool = False) -> warm.Done:
    words = [word.replace("{packs}", str(box.packs)) for word in case.words]
    environment = {**os.environ, **case.environment}
    if not real:
        return warm.run(words, box.project, environment=environment, memory=_MEMORY, seconds=_SECONDS)
    done = subprocess.run(
        [sys.executable, "-m", "agentpack", *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
        cwd=box.project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    return warm.Done(done.returncode, done.stdout, done.stderr)


def test_there_are_as_many_as_are_promised() -> None:
    assert len(ALL) >= 150
    assert len(BENIGN) >= 20
    page = (Path(__file__).parent.parent / "docs/explanation/reliability.md").read_text(encoding="utf-8")
    assert f"{len(ALL)} hostile inputs" in page
    assert f"{len(BENIGN)} that only look odd" in page
