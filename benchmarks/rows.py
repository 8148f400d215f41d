"""The rows of the table: what is measured, against which floor, and how many times the floor it may cost.

The goals and the bounds are those of `docs/reference/performance.md`; that page says what each row means.
"""

import math
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from itertools import count as numbered
from typing import Any, NamedTuple

from benchmarks.installation import PACKS, Installation
from benchmarks.measure import Failed, Place, Times, Work, peak, run
from benchmarks.packs import MOVED, RELEASES, write_collection, write_pack

FLOORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floors")
MANY = {1: "bench-one", 100: "bench-hundred", 1000: "bench-thousand"}
FIVE = ("claude", "codex", "gemini", "opencode", "qwen")
"""Clients of which none reads another's folder, so that each gets files of its own."""
EDIT = "- A line of the user's own.\n"


class Row(NamedTuple):
    """A line of the table. `goal` and `fail` bound `value`: a ratio to the floor, or what `unit` says."""

    title: str
    work: str
    floor: str
    goal: float
    fail: float


class Judged(NamedTuple):
    """A row with what was measured."""

    title: str
    floor: float | None
    value: float
    unit: str
    goal: float
    fail: float

    @property
    def verdict(self) -> str:
        if self.value > self.fail:
            return "FAIL"
        return "over goal" if self.value > self.goal else "ok"

    def to_data(self) -> dict[str, Any]:
        return {**self._asdict(), "verdict": self.verdict}


class Bench:
    """Works and rows for one installation, below a scratch folder."""

    def __init__(self, installed: Installation, scratch: str, rounds: int, slow_rounds: int) -> None:
        self.installed, self.scratch = installed, scratch
        self.rounds, self.slow_rounds = rounds, slow_rounds
        self.home = self._folder("home")
        self.works: dict[str, Work] = {}
        self.rows: list[Row] = []
        self.clients = self._clients()
        self._bare()
        self._checks()
        self._installs()
        self._upgrades()
        self._cold()
        self._collections()
        self._resolver()

    # Places.

    def _folder(self, name: str) -> str:
        folder = f"{self.scratch}/{name}"
        os.makedirs(folder, exist_ok=True)
        return folder

    def _at(self, folder: str, **variables: str) -> Place:
        return Place(folder, {"HOME": self.home, **variables})

    def _fresh(self, name: str) -> Callable[[], Place]:
        """An empty repository, another one for each run.

        None is removed before the end: ext4 searches past every file that was deleted in the last minutes when it makes
        a new one, and what is measured would pay for that.
        """
        numbers = numbered()

        def prepare() -> Place:
            folder = f"{self.scratch}/{name}/{next(numbers)}"
            os.makedirs(f"{folder}/.git")
            return self._at(folder)

        return prepare

    def _unread(self, prepare: Callable[[], Place]) -> Callable[[], Place]:
        """The same places with an empty cache: what is read there was never read before."""

        def prepared() -> Place:
            place = prepare()
            return place._replace(variables={**place.variables, "XDG_CACHE_HOME": f"{place.folder}-cache"})

        return prepared

    def _copy(self, template: str, name: str) -> Callable[[], Place]:
        """A copy of a project, another one for each run."""
        numbers = numbered()

        def prepare() -> Place:
            folder = f"{self.scratch}/{name}/{next(numbers)}"
            shutil.copytree(template, folder, symlinks=True)
            return self._at(folder)

        return prepare

    # Works.

    def _add(self, name: str, command: list[str], prepare: Callable[[], Place], *, slow: bool = False) -> None:
        self.works[name] = Work(name, command, prepare, self.slow_rounds if slow else self.rounds)

    def _agentpack(self, *words: str) -> list[str]:
        return [self.installed.agentpack, *words]

    def _floor(self, name: str, *words: str) -> list[str]:
        return [self.installed.python, "-I", f"{FLOORS}/{name}.py", *words]

    def _call(self, folder: str, *words: str) -> None:
        run(Work("preparation", self._agentpack(*words), lambda: self._at(folder)), self._at(folder))

    def _bare(self) -> None:
        here = self._folder("nowhere")
        self._add("B", [self.installed.python, "-I", "-c", "pass"], lambda: self._at(here))
        typed = {"_AGENTPACK_COMPLETE": "complete_bash", "COMP_WORDS": "agentpack install py", "COMP_CWORD": "2"}
        self._add("--version", self._agentpack("--version"), lambda: self._at(here))
        self._add("completion", self._agentpack(), lambda: self._at(here, **typed))
        self._add("--help", self._agentpack("--help"), lambda: self._at(here))
        self._add("install --help", self._agentpack("install", "--help"), lambda: self._at(here))
        self.rows += [
            Row("--version", "--version", "B", 2.2, 3),
            Row("completion of a name", "completion", "B", 2.2, 3),
            Row("--help", "--help", "B", 7.5, 8.5),
            Row("install --help", "install --help", "B", 7.5, 8.5),
        ]

    def _checks(self) -> None:
        for count, goal, fail in ((1, 3.0, 5.0), (100, 2.2, 4.0), (1000, 1.7, 2.0)):
            slow = count == 1000
            project = self._installed(f"installed-{count}", MANY[count])
            sides = self._sides(count)
            floor = f"hash both sides of {count}"
            self._add(floor, self._floor("hash_both_sides", sides, str(count)), _always(self._at(sides)), slow=slow)
            for words in (["diff"], ["sync", "--check"]):
                name = f"{' '.join(words)} {count}"
                self._add(name, self._agentpack(*words), _always(self._at(project)), slow=slow)
                self.rows.append(Row(f"clean check of {count} ({' '.join(words)})", name, floor, goal, fail))

    def _installed(self, name: str, requirement: str) -> str:
        folder = self._fresh(name)().folder
        self._call(folder, "install", requirement)
        return folder

    def _sides(self, count: int) -> str:
        folder = self._folder(f"sides-{count}")
        for side in ("wanted", "disk"):
            os.makedirs(f"{folder}/{side}", exist_ok=True)
            for number in range(count):
                with open(f"{folder}/{side}/{number}.md", "w", encoding="utf-8") as file:
                    file.write(f"{number:08}" + "x" * 8592)
        return folder

    def _installs(self) -> None:
        bounds = {(1, 1): (6.0, 9.0), (1, 5): (6.5, 9.5), (100, 1): (4.0, 6.0)}
        bounds |= {(1000, 1): (2.5, 3.5), (1000, 5): (2.5, 3.0)}
        for (count, clients), (goal, fail) in bounds.items():
            if clients > len(self.clients):
                continue
            slow = count == 1000
            floor = f"write {count * clients}"
            if floor not in self.works:
                command = self._floor("write_files", "agents", str(count * clients))
                self._add(floor, command, self._fresh(f"floor-{count * clients}"), slow=slow)
            name = f"install {count} x {clients}"
            chosen = [word for client in self.clients[:clients] for word in ("--client", client)]
            command = self._agentpack("install", MANY[count], *chosen)
            self._add(name, command, self._fresh(f"install-{count}-{clients}"), slow=slow)
            plural = "s" if count > 1 else ""
            title = f"install {count} persona{plural}, {clients} client{'s' if clients > 1 else ''}"
            self.rows.append(Row(title, name, floor, goal, fail))
        self._hundred_for_five()
        self._all_clients()

    def _hundred_for_five(self) -> None:
        """No row of its own: what growth over personas and clients is told from."""
        chosen = [word for client in FIVE for word in ("--client", client)]
        self._add("install 100 x 5", self._agentpack("install", MANY[100], *chosen), self._fresh("install-100-5"))

    def _all_clients(self) -> None:
        """One persona for every client there is, against one for one."""
        name = "install 1 x all"
        chosen = [word for client in self.clients for word in ("--client", client)]
        self._add(name, self._agentpack("install", MANY[1], *chosen), self._fresh("install-1-all"))
        title = f"install 1 persona, all {len(self.clients)} clients"
        self.rows.append(Row(title, name, "install 1 x 1", 2.0, 3.0))

    def _upgrades(self) -> None:
        for count, goal, fail in ((1, 7.0, 10.0), (100, 5.0, 8.0)):
            template = self._edited(count)
            floor, name = f"update {count}", f"upgrade {count}"
            self._add(floor, self._floor("write_files", "agents", str(count), "update"), self._agents(count))
            prepare = self._copy(template, f"upgrade-{count}")
            self._add(name, self._agentpack("upgrade", "--yes"), prepare)
            self._expect_merged(name)
            title = f"upgrade {count}, every file with an edit that is kept"
            self.rows.append(Row(title, name, floor, goal, fail))

    def _cold(self) -> None:
        """From a folder of packs or of agent files that was never read before."""
        for count, goal, fail in ((1, 11.0, 15.0), (100, 9.0, 12.0), (1000, 9.0, 14.0)):
            packs, agents = f"{self.scratch}/packs-{count}", f"{self.scratch}/unread-{count}"
            write_pack(packs, f"cold-{count}", count)
            write_collection(agents, f"unread-{count}", count)
            plural = "s" if count > 1 else ""
            for name, title, words in (
                (f"cold {count}", f"cold, a pack of {count} persona{plural}", (f"cold-{count}", "--source", packs)),
                (f"cold collection {count}", f"cold, a collection of {count} agent{plural}", (agents,)),
            ):
                prepare = self._unread(self._fresh(name.replace(" ", "-")))
                command = self._agentpack("install", *words, "--client", "claude")
                self._add(name, command, prepare, slow=count == 1000)
                self.rows.append(Row(title, name, f"write {count}", goal, fail))
        template = self._edited(1, "cold-1", "--source", f"{self.scratch}/packs-1")
        self._add(
            "cold upgrade", self._agentpack("upgrade", "--yes"), self._unread(self._copy(template, "cold-upgrade"))
        )
        self._expect_merged("cold upgrade")
        self.rows.append(Row("cold, upgrade 1 with an edit that is kept", "cold upgrade", "update 1", 10, 14))

    def _collections(self) -> None:
        """What is done often with a large collection, and with a pack as large."""
        agents, sides = f"{self.scratch}/agents-400", self._sides(400)
        write_collection(agents, "agents-400", 400)
        floor = "hash both sides of 400"
        self._add(floor, self._floor("hash_both_sides", sides, "400"), _always(self._at(sides)))
        project = self._installed("collection-400", agents)
        for words, goal, fail in ((["diff"], 1.7, 2.0), (["sync", "--frozen"], 1.5, 2.5)):
            name = f"{' '.join(words)} of a collection"
            self._add(name, self._agentpack(*words), _always(self._at(project)))
            self.rows.append(Row(f"a collection of 400 ({' '.join(words)})", name, floor, goal, fail))
        large = self._installed("frozen-1000", MANY[1000])
        self._add("sync --frozen 1000", self._agentpack("sync", "--frozen"), _always(self._at(large)), slow=True)
        self.rows.append(Row("sync --frozen of 1000", "sync --frozen 1000", "hash both sides of 1000", 1.5, 2.5))

    def _edited(self, count: int, pack: str = "", *words: str) -> str:
        """A project with the first release, an open range, and an edit in every file."""
        pack, folder = pack or MANY[count], self._fresh(f"edited-{pack or count}")().folder
        self._call(folder, "install", f"{pack}=={RELEASES[0]}", *words)
        with open(f"{folder}/agentpack.yaml", encoding="utf-8") as file:
            text = file.read()
        with open(f"{folder}/agentpack.yaml", "w", encoding="utf-8") as file:
            file.write(text.replace(f"=={RELEASES[0]}", ""))
        self._call(folder, "lock")
        self._call(folder, "sync")
        for path in _agents(folder):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("## Section 0\n\n", f"## Section 0\n\n{EDIT}"))
        return folder

    def _agents(self, count: int) -> Callable[[], Place]:
        """A folder with the files that the floor updates."""
        template = self._fresh(f"agents-{count}")().folder
        os.makedirs(f"{template}/agents")
        for number in range(count):
            with open(f"{template}/agents/{number}.md", "w", encoding="utf-8") as file:
                file.write("y" * 8600)
        return self._copy(template, f"floor-update-{count}")

    def _expect_merged(self, name: str) -> None:
        """Before anything is measured: the command does what the row says."""
        work = self.works[name]
        place = work.prepare()
        run(work, place)
        for path in _agents(place.folder):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if EDIT not in text or f"{MOVED}, in {RELEASES[1]}" not in text:
                raise Failed(f"{name}: {path} is not merged")

    def _resolver(self) -> None:
        here = self._folder("nowhere")
        for count, goal, fail in ((1000, 10.0, 20.0), (10000, 150.0, 250.0)):
            name = f"resolve {count}"
            script = os.path.join(os.path.dirname(FLOORS), "resolving.py")
            self._add(
                name, [self.installed.python, "-I", script, str(count)], lambda: self._at(here), slow=count > 1000
            )
            self.rows.append(Row(f"resolve {count:,} packs x 20 versions", name, "B", goal, fail))

    def _clients(self) -> list[str]:
        """The clients that the installation knows, the five first."""
        ask = "from agentpack.clients import CLIENTS; print(*sorted(CLIENTS))"
        command = [self.installed.python, "-I", "-c", ask]
        known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return [*FIVE, *(name for name in known if name not in FIVE)]

    # What comes of it.

    def judge(self, times: Mapping[str, Times]) -> list[Judged]:
        """The rows that are ratios."""
        judged = []
        for row in self.rows:
            if row.work in times and row.floor in times:
                floor = times[row.floor].wall
                judged.append(Judged(row.title, floor, times[row.work].wall / floor, "x", row.goal, row.fail))
        return judged

    def judge_growth(self, times: Mapping[str, Times]) -> list[Judged]:
        """CPU per further persona, on a machine on which a bare interpreter takes 10 ms; and how it grows."""
        names = ("install 1 x 1", "install 100 x 1", "install 1000 x 1", "B")
        if any(name not in times for name in (*names, "install 1 x 5", "install 100 x 5", "install 1000 x 5")):
            return []
        one, hundred, thousand, bare = (times[name].cpu for name in names)
        each = (thousand - hundred) / 900 * 10 / bare
        floor = (times["write 1000"].cpu - times["write 100"].cpu) / 900 * 10 / bare
        five = (times[f"install {count} x 5"].cpu for count in (1, 100, 1000))
        return [
            Judged("CPU per further persona (B = 10 ms)", floor, each, "ms", 0.2, 0.3),
            Judged("its growth from 100 to 1,000, exponent", None, _exponent(one, hundred, thousand), "", 1.05, 1.1),
            Judged("the same for 5 clients, exponent", None, _exponent(*five), "", 1.05, 1.1),
        ]

    def judge_memory(self) -> list[Judged]:
        """The highest memory of installs."""
        judged = []
        for name, floor, goal, fail in (
            ("install 1 x 1", "write 1", 35, 45),
            ("install 1000 x 1", "write 1000", 50, 65),
            ("install 1000 x 5", "write 5000", 60, 80),
            ("cold 1000", "write 1000", 70, 110),
            ("cold collection 1000", "write 1000", 70, 110),
        ):
            if name in self.works:
                python = self.installed.python
                found = peak(python, self.works[name]), peak(python, self.works[floor])
                judged.append(Judged(f"peak memory, {name}", found[1], found[0], "MiB", goal, fail))
        return judged


def _exponent(one: float, hundred: float, thousand: float) -> float:
    """How work grows with the number of personas: 1 where it is linear."""
    return math.log((thousand - one) / (hundred - one)) / math.log(999 / 99)


def _always(place: Place) -> Callable[[], Place]:
    return lambda: place


def _agents(folder: str) -> list[str]:
    agents = f"{folder}/.claude/agents"
    return [f"{agents}/{name}" for name in sorted(os.listdir(agents))]


def described() -> str:
    """What the packs are, for the output."""
    return "packs: generated, of " + ", ".join(f"{count:,}" for count in PACKS.values()) + " personas of 8.6 KB"
