"""A scope through its life: whatever is done to it, in whatever order, nothing that its user wrote is lost.

Commands and the user's own doings come in any order. After each, every line that the user wrote is on disk or in the
history, every generation can be brought back byte for byte and mode for mode, and no command ends but in one of the
ways that are told.

`AGENTPACK_EXAMPLES` sets how many lives are tried: 30 unless told, 100 in `.ci/run`, 10,000 in the session `nightly`.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.effort import usually
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack
from support.trees import empty_repository

from agentpack.environment import Environment, find_scope
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.workspace.workspace import Workspace

EXAMPLES = int(os.environ.get("AGENTPACK_EXAMPLES", usually(30, thorough=100)))
STEPS = 12
MEMORY = "/dev/shm"
ENDS = (0, 1, 2, 3, 4)
"""Done, differs, nothing there to do it with, a decision is needed, no such thing. Never 6 or 70 here, and 5 only where
the user's policy forbids something.
"""
POLICY = "packs: {deny: [life==3.0.0]}\n"
SHARED = ".roomodes"
"""Holds all agents of its client: an entry that comes back is put behind those that are there."""
DOCUMENTS = ("agentpack.yaml", "agentpack.lock")
CLIENTS = ("claude", "codex", "roo")
FILES = {
    ".claude/agents/alpha.md": "# hand-written\n",
    ".claude/agents/own.md": "---\nname: own\ndescription: Mine.\n---\nMy own agent.\n",
    ".codex/agents/beta.toml": "# hand-written\n",
    ".claude/skills/alpha-more/SKILL.md": "---\nname: alpha-more\ndescription: Mine.\n---\nMy own skill.\n",
}
"""Where the user may put a file, one in the way among them."""


def _body(version: int) -> str:
    lines = [f"- Rule {n} as of {version if n % 2 else 0}. {{#rule-{n}}}" for n in range(6)]
    rules = ("\n".join(lines[part]) + "\n" for part in (slice(4), slice(4, None)))
    return "You help. {#identity}\n\n## Rules {#rules}\n\n" + "\n## More {#more}\n\n".join(rules)


def _release(version: int, pack: str = "life", names: tuple[str, ...] = ("alpha", "beta")) -> dict[str, bytes]:
    return make_pack(
        pack,
        f"{version}.0.0",
        agentpack=">=0.2",
        personas={
            name: persona_text(name, _body(version), **({} if name == "gamma" else {"modules": {"more": "in doubt"}}))
            for name in names
        },
        variants={f"{name}/loud": variant_text("## Rules {#rules}\n\n- Shout. {#shout}\n") for name in names},
    )


class Left(NamedTuple):
    """A file as a command left it."""

    content: bytes
    mode: int


def came_back(files: dict[str, Left], entries: frozenset[bytes]) -> dict[str, object]:
    """What has to come back: of a file that others write too each entry that was agentpack's, of any other file each
    byte.
    """
    found = {path: left.content.split(b"  - slug: ")[1:] for path, left in files.items() if path == SHARED}
    ours = {path: sorted(e for e in there if e.split(b"\n")[0] in entries) for path, there in found.items()}
    return {**files, **ours}


class Life(RuleBasedStateMachine):
    """One project, two sources of packs, one user, who may have a policy."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Path(tempfile.mkdtemp(prefix="life-", dir=MEMORY if os.path.isdir(MEMORY) else None))
        self.project = self.box / "project"
        empty_repository(self.project)
        publish(self.box / "packs", *(_release(version) for version in (1, 2, 3)))
        publish(self.box / "more", *(_release(version, "extra", ("gamma",)) for version in (1, 2)))
        self.homes = {name: os.environ.get(name) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        os.environ.update(HOME=str(self.box), XDG_STATE_HOME=str(self.box / "s"), XDG_CONFIG_HOME=str(self.box / "c"))
        self.agentpack = Agentpack(self.project)
        self.lines: dict[str, str] = {}
        """Every line that the user wrote and did not throw away, and the file it went into."""
        self.generations: dict[int, dict[str, Left]] = {}
        self.entries: dict[int, frozenset[bytes]] = {}
        """Of each generation, the names of its entries in the shared file."""
        self.count = 0

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # nothing went wrong so far
                self.go_back()
        finally:
            self.end()

    def go_back(self) -> None:
        """A life ends with two of its generations, in which permissions alone may differ, and the newest again."""
        self.policy.unlink(missing_ok=True)
        numbers = sorted(self.generations)
        for number in (*numbers[-3::2], *numbers[-1:]):
            self.rolled_back(number)

    def end(self) -> None:
        for name, value in self.homes.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self.box)

    # Commands.

    def run(self, *words: str) -> int:
        before = self.files()
        ran = self.agentpack(*words, expect=None)
        said = f"agentpack {' '.join(words)}: {ran.exit_code}\n{ran.out}{ran.err}"
        assert ran.exit_code in ENDS or (ran.exit_code == 5 and self.policy.exists()), said
        event(f"{words[0]} ends with {ran.exit_code}")
        if ran.exit_code == 0:
            self.remember()
        elif "--partial" not in words:
            assert self.files() == before, said
        return ran.exit_code

    @property
    def policy(self) -> Path:
        return self.box / "c/agentpack/policy.yaml"

    def files(self) -> dict[str, Left]:
        """All that the user can see in the project."""
        found = [path.relative_to(self.project).as_posix() for path in self.project.rglob("*") if path.is_file()]
        return {path: self.left(path) for path in found if not path.startswith((".git/", ".agentpack/state/"))}

    def remember(self) -> None:
        """Take down what the newest generation left, and compare an older one that says it is the same."""
        listed = self.agentpack("history", "--json", expect=None).envelope["data"]
        current = listed["current"]
        if current and current not in self.generations:
            self.generations[current] = self.managed(current)
            self.is_recorded(current)

    def is_recorded(self, number: int) -> None:
        """The record of a new generation has the permissions of all that it left."""
        found = self.store().generations.read(number)
        files = [(file.path, file.written, file.mode) for file in found.files]
        for path, written, mode in (*files, *((row.path, row.written, row.mode) for row in found.documents)):
            left = self.generations[number].get(path)
            if left is not None and digest_of(left.content) == written:
                assert mode == left.mode, f"generation {number}: {path}"

    def managed(self, number: int) -> dict[str, Left]:
        """What lies on disk at each path of a generation."""
        shown = self.agentpack("history", "show", str(number), "--json").envelope["data"]
        named = [row["path"].partition("#") for row in (*shown["files"], *shown["documents"])]
        paths = {path for path, _, _ in named}
        self.entries[number] = frozenset(key.encode() for path, _, key in named if path == SHARED)
        return {path: self.left(path) for path in sorted(paths) if (self.project / path).is_file()}

    def left(self, path: str) -> Left:
        place = self.project / path
        return Left(place.read_bytes(), stat.S_IMODE(place.stat().st_mode))

    @initialize(clients=st.lists(st.sampled_from(CLIENTS), min_size=1, max_size=3, unique=True))
    def first(self, clients: list[str]) -> None:
        words = [word for client in clients for word in ("--client", client)]
        assert self.run("install", "life==1.0.0", "--source", str(self.box / "packs"), *words) == 0

    @rule(
        version=st.sampled_from(["==1.0.0", "==2.0.0", ">=1,<3", ""]),
        loud=st.booleans(),
        how=st.sampled_from([[], ["--adopt"], ["--dry-run"], ["--set", "modules=inline"], ["--set", "modules=auto"]]),
    )
    def install(self, version: str, loud: bool, how: list[str]) -> None:
        variants = "[loud]" if loud else ""
        self.run("install", f"life{variants}{version}", "--source", str(self.box / "packs"), *how)

    @rule(version=st.sampled_from(["==1.0.0", ""]))
    def install_from_elsewhere(self, version: str) -> None:
        self.run("install", f"extra{version}", "--source", str(self.box / "more"))

    @rule(
        what=st.sampled_from([["life"], ["life[loud]"], ["extra"], *(["--client", client] for client in CLIENTS)]),
        how=st.sampled_from([[], ["--keep-files"], ["--discard-edits"]]),
    )
    def uninstall(self, what: list[str], how: list[str]) -> None:
        self.run("uninstall", *what, *how)

    @rule(
        latest=st.booleans(),
        how=st.sampled_from(
            [[], ["--on-conflict", "keep"], ["--on-conflict", "theirs"], ["--partial"], ["--discard-edits"]]
        ),
    )
    def upgrade(self, latest: bool, how: list[str]) -> None:
        self.run("upgrade", "--yes", *(["--latest"] if latest else []), *how)

    @rule(how=st.sampled_from([[], ["--locked"], ["--frozen"], ["--discard-edits"], ["--check"]]))
    def sync(self, how: list[str]) -> None:
        self.run("sync", *how)

    @rule(
        how=st.sampled_from(
            [[], ["--as", "mine"], ["--client", CLIENTS[0]], ["--client", CLIENTS[0], "--on-conflict", "theirs"]]
        ),
        name=st.sampled_from(["alpha", "alpha-more", "beta", "gamma", "life"]),
    )
    def keep(self, how: list[str], name: str) -> None:
        self.run("keep", name, *how)

    @rule(path=st.sampled_from(sorted(FILES)))
    def adopt(self, path: str) -> None:
        if (self.project / path).exists():
            self.run("adopt", path)

    @precondition(lambda self: self.generations)
    @rule(data=st.data(), how=st.sampled_from([[], ["--adopt"]]))
    def rollback(self, data: st.DataObject, how: list[str]) -> None:
        self.rolled_back(data.draw(st.sampled_from(sorted(self.generations))), *how)

    def rolled_back(self, number: int, *how: str) -> None:
        wanted = self.generations[number]
        if self.run("rollback", str(number), *how) == 0:
            found = {path: self.left(path) for path in wanted if (self.project / path).is_file()}
            entries = self.entries[number]
            assert came_back(found, entries) == came_back(wanted, entries), f"generation {number} came back otherwise"

    @precondition(lambda self: self.generations)
    @rule(keep=st.integers(1, 4))
    def prune(self, keep: int) -> None:
        """What stood in the generations that go alone is thrown away; what stands in the others stays."""
        kept = [line for line in self.lines if self.is_on_disk(line) or self.is_in_history(line, last=keep)]
        before = self.files()
        assert self.run("history", "prune", "--keep", str(keep)) == 0
        assert self.files() == before
        self.lines = {line: self.lines[line] for line in kept}
        numbers = self.numbers()
        assert all(list(self.contents(number)) for number in numbers)
        assert numbers[-1:] == [max(self.generations)]
        self.generations = {number: left for number, left in self.generations.items() if number in numbers}

    # The user's own doings.

    @rule()
    def have_a_policy_or_none(self) -> None:
        self.policy.parent.mkdir(parents=True, exist_ok=True)
        if self.policy.exists():
            self.policy.unlink()
        else:
            self.policy.write_text(POLICY)

    def agent_files(self) -> list[str]:
        found = [p.relative_to(self.project).as_posix() for p in self.project.rglob("*") if p.is_file()]
        return sorted(p for p in found if p.endswith((".md", ".toml")) and not p.startswith((".git/", ".agentpack/")))

    @rule(data=st.data(), place=st.sampled_from(["top", "middle", "end"]))
    def edit(self, data: st.DataObject, place: str) -> None:
        files = [path for path in self.agent_files() if path.endswith(".md")]
        if not files:
            return
        path = data.draw(st.sampled_from(files))
        self.count += 1
        line = f"- My line number {self.count} is mine."
        lines = (self.project / path).read_text().split("\n")
        body = next((n for n, text in enumerate(lines) if text.startswith(("You ", "My ", "#"))), 0) + 1
        at = {"top": body, "middle": (body + len(lines)) // 2, "end": len(lines) - 1}[place]
        lines.insert(max(at, body), line)
        (self.project / path).write_text("\n".join(lines))
        self.lines[line] = path

    @rule(data=st.data(), number=st.integers(0, 5))
    def reword(self, data: st.DataObject, number: int) -> None:
        files = [path for path in self.agent_files() if path.endswith(".md")]
        if not files:
            return
        path = data.draw(st.sampled_from(files))
        self.count += 1
        line = f"- Rule {number}, in my words {self.count}."
        lines = (self.project / path).read_text().split("\n")
        at = next((n for n, text in enumerate(lines) if text.startswith(f"- Rule {number}")), None)
        if at is None:
            return
        self.lines.pop(lines[at], None)
        lines[at] = line
        (self.project / path).write_text("\n".join(lines))
        self.lines[line] = path

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        files = self.agent_files()
        if not files:
            return
        path = data.draw(st.sampled_from(files))
        text = (self.project / path).read_text()
        (self.project / path).unlink()
        for line in [line for line in self.lines if line in text]:
            del self.lines[line]  # the user threw it away

    @rule(data=st.data(), mode=st.sampled_from([0o600, 0o640, 0o644]))
    def chmod(self, data: st.DataObject, mode: int) -> None:
        files = [*self.agent_files(), *(path for path in DOCUMENTS if (self.project / path).exists())]
        if not files:
            return
        (self.project / data.draw(st.sampled_from(files))).chmod(mode)

    @rule(path=st.sampled_from(sorted(FILES)))
    def write(self, path: str) -> None:
        place = self.project / path
        if place.exists():
            return
        self.count += 1
        line = f"My own line {self.count}, by hand."
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(FILES[path] + line + "\n")
        self.lines[line] = path

    # What always holds.

    @invariant()
    def every_line_of_the_user_is_somewhere(self) -> None:
        missing = {line: path for line, path in self.lines.items() if not self.is_on_disk(line)}
        assert not {line: path for line, path in missing.items() if not self.is_in_history(line)}

    def is_on_disk(self, line: str) -> bool:
        places = [p for p in self.project.rglob("*") if p.is_file() and ".git/" not in p.as_posix()]
        outside = [p for p in places if ".agentpack/state" not in p.as_posix()]
        return any(line.removeprefix("- ").encode() in p.read_bytes() for p in outside)

    def store(self) -> Store:
        environment = Environment.current()
        scope = find_scope(environment, root=str(self.project), user=False, project=False)
        return Workspace(environment, scope).store

    def numbers(self) -> list[int]:
        return self.store().generations.numbers()

    def is_in_history(self, line: str, *, last: int | None = None) -> bool:
        """Whether a generation that `rollback` can go to has a file with that line; one of the last so many."""
        numbers = self.numbers()[-last if last else None :]
        told = line.removeprefix("- ").encode()
        return any(told in content for number in numbers for content in self.contents(number))

    def contents(self, number: int) -> Iterator[bytes]:
        """All that a generation brings back or took away."""
        store = self.store()
        found = store.generations.read(number)
        digests = {file.written for file in found.files} | {document.written for document in found.documents}
        for digest in {*digests, *(digest for _, digest, _ in found.replaced)}:
            yield store.blobs.get(digest)


@pytest.mark.slow
@pytest.mark.campaign
def test_nothing_that_the_user_wrote_is_lost_and_every_generation_comes_back() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
