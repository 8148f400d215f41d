"""Many processes in one scope: some change it at random, others read all the while.

Short by itself; `AGENTPACK_PROCESSES=20 AGENTPACK_SECONDS=60` makes it long. With `-s` it prints its figures.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.effort import usually
from support.packs import make_pack, persona_text, publish
from support.running import Agentpack

from agentpack.disk import Disk
from agentpack.environment import project_scope
from agentpack.store import Store

PROCESSES = int(os.environ.get("AGENTPACK_PROCESSES", usually(5, thorough=8)))
SECONDS = float(os.environ.get("AGENTPACK_SECONDS", usually(2, thorough=4)))
NAMES = ("reviewer", "tester", "writer")
RELEASES = ("1.0.0", "2.0.0", "3.0.0")
FILES = [*(f".claude/agents/{name}.md" for name in NAMES), *(f".codex/agents/{name}.toml" for name in NAMES)]
Said = dict[str, Any]


def persona(name: str, release: str) -> str:
    """The same persona with another text in each release, long enough for several writes."""
    rules = "".join(f"- Rule {number} of {name} in {release}. {{#r{number}}}\n" for number in range(200))
    return persona_text(name, f"You are {name} {release}. {{#identity}}\n\n## Rules {{#rules}}\n\n{rules}")


def lines(folder: Path, role: str) -> Iterator[Said]:
    for path in sorted(folder.glob(f"{role}-*.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)


@pytest.mark.slow
def test_many_processes_lose_no_update_and_show_no_half_state(
    agentpack: Agentpack, project: Path, tmp_path: Path
) -> None:
    packs = publish(
        tmp_path / "packs",
        *(
            make_pack("crew", release, personas={name: persona(name, release) for name in NAMES})
            for release in RELEASES
        ),
    )
    known: dict[str, dict[str, str]] = {}
    for release in RELEASES:
        agentpack("install", f"crew=={release}", "--source", str(packs), "--client", "claude", "--client", "codex")
        known[release] = {path: (project / path).read_text() for path in FILES}
    first = int((project / ".agentpack/state/current").read_text())

    roles = ["change"] * PROCESSES + ["look"] * max(1, PROCESSES // 4) + ["read"] * max(1, PROCESSES // 4)
    crowd = [
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("crowd.py"), role, str(number), str(project), *FILES],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, role in enumerate(roles)
    ]
    for process in crowd:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdout.close()
    until = time.time() + SECONDS
    for process in crowd:
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(f"{until}\n")
    assert [process.wait(timeout=SECONDS + 120) for process in crowd] == [0] * len(crowd)  # no deadlock

    changes, looks, reads = (list(lines(project.parent, role)) for role in ("change", "look", "read"))
    for done in reads:
        assert done["release"] in RELEASES
        for path, text in done["texts"].items():
            assert text in (known[release][path] for release in RELEASES), path
    for done in (*changes, *looks):
        assert done["exit"] in (0, 3, 6), done
        if done["exit"] == 6:
            assert "another agentpack (process " in done["said"]["errors"][0]["message"], done
    for done in looks:
        assert done["exit"] in (0, 6), done  # nothing differs in any state there was
        if done["words"][0] == "status" and done["exit"] == 0:
            (pack,) = done["said"]["data"]["packs"]
            assert pack["version"] in RELEASES
            assert {(file["path"], file["state"]) for file in pack["files"]} == {(path, "clean") for path in FILES}, (
                done
            )
            assert not done["said"]["data"]["stale"], done
    told = [done["said"]["data"]["generation"] for done in changes if done["exit"] == 0]
    made = [number for number in told if number is not None]
    assert len(made) == len(set(made))

    scope = project_scope(str(project), "a test")
    with Disk(scope.roots) as disk:
        generations = Store(disk).generations
        assert sorted(made) == list(range(first + 1, generations.current() + 1))
        commands = {number: generations.read(number).command for number in made}
        for done in changes:
            if done["exit"] == 0 and done["said"]["data"]["generation"] is not None:
                assert commands[done["said"]["data"]["generation"]].startswith(done["words"][0])
    assert agentpack("diff").exit_code == 0
    left = [path for path in project.rglob("*") if ".agentpack-" in path.name or path.name.startswith("journal")]
    assert left == []
    exits = Counter(done["exit"] for done in changes)
    print(f"\n{PROCESSES} processes, {SECONDS:g} s: {len(changes)} changes, exit codes {dict(sorted(exits.items()))}")
    print(f"{len(made)} generations, {len(looks)} diff and status, {len(reads)} times all files were read")
