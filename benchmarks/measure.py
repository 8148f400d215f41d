"""Whole processes, run in turn: every piece of work once a round, so that a noisy minute falls on all of them."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """Where one run happens: the current folder, and the variables on top of the few that every run has."""

    folder: str
    variables: Mapping[str, str] = {}


class Work(NamedTuple):
    """One thing to measure. `prepare` makes a fresh place before every run, outside of the time taken."""

    name: str
    command: Sequence[str]
    prepare: Callable[[], Place]
    rounds: int = 9
    exit_code: int = 0


class Times(NamedTuple):
    """What a work took, in milliseconds: the median of the rounds, and of CPU the least, to which others only add."""

    wall: float
    cpu: float


class Failed(Exception):
    """A piece of work did not end as it should: there is nothing to measure."""


def run(work: Work, place: Place) -> Times:
    """Run it once."""
    variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **place.variables}
    os.chdir(place.folder)
    os.sync()  # what was prepared is not to be written out on the time of what is measured
    quiet = [(os.POSIX_SPAWN_OPEN, 1, f"{place.folder}/.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    quiet += [(os.POSIX_SPAWN_OPEN, 2, f"{place.folder}/.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    start = time.perf_counter()
    process = os.posix_spawn(work.command[0], list(work.command), variables, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code != work.exit_code:
        with open(f"{place.folder}/.err", encoding="utf-8", errors="replace") as file:
            raise Failed(f"{work.name}: exit {code}\n{' '.join(work.command)}\n{file.read()}")
    return Times(wall * 1000, (used.ru_utime + used.ru_stime) * 1000)


def measure(works: Sequence[Work], *, tell: Callable[[str], None]) -> dict[str, Times]:
    """The medians by name. Each work runs once before it counts, then all of them in turn."""
    found: dict[str, list[Times]] = {work.name: [] for work in works}
    for work in works:
        run(work, work.prepare())
    for number in range(max((work.rounds for work in works), default=0)):
        tell(f"round {number + 1}")
        for work in works:
            if number < work.rounds:
                found[work.name].append(run(work, work.prepare()))
    return {
        name: Times(statistics.median(t.wall for t in times), min(t.cpu for t in times))
        for name, times in found.items()
    }


def peak(python: str, work: Work, *, times: int = 3) -> float:
    """The highest memory of a piece of work, in MiB: the median of some runs, each started by a small process.

    The system counts the memory of the process that starts another one as the other's, so it must not be ours.
    """
    found = []
    for _ in range(times):
        place = work.prepare()
        command = (python, "-I", f"{os.path.dirname(__file__)}/peak.py", *work.command)
        run(work._replace(command=command), place)
        with open(f"{place.folder}/.err", encoding="utf-8", errors="replace") as file:
            found.append(float(file.read().rpartition("\n")[2]))
    return statistics.median(found)
