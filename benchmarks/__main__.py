"""Measure, print the table, and end with 1 when a row is past its bound."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

from benchmarks.installation import installation
from benchmarks.measure import Failed, measure
from benchmarks.rows import Bench, Judged, described


def main() -> int:
    """Run the benchmark as the arguments say."""
    options = _options()
    scratch = tempfile.mkdtemp(prefix="agentpack-bench-", dir=options.work)
    try:
        folder = os.path.abspath(options.venv or f"{scratch}/venv")
        installed = installation(options.python, folder, scratch, tell=_tell)
        _tell("preparing projects")
        bench = Bench(installed, scratch, options.rounds, min(options.rounds, options.slow_rounds))
        wanted = [row for row in bench.rows if options.only is None or options.only in row.title]
        names = dict.fromkeys(name for row in wanted for name in (row.floor, row.work))
        if "install 1000 x 5" in names:
            names["install 100 x 5"] = None  # it has no row, growth is told from it
        times = measure([bench.works[name] for name in ["B", *(name for name in names if name != "B")]], tell=_tell)
        judged = [*bench.judge(times), *bench.judge_growth(times)]
        if options.only is None or "memory" in options.only:
            judged += bench.judge_memory()
        version = _version(installed.python)
        if options.json:
            rows = [row.to_data() for row in judged]
            walls = {name: found._asdict() for name, found in times.items()}
            print(json.dumps({"python": version, "packs": described(), "rows": rows, "times": walls}, indent=1))
        else:
            _print(version, judged, times["B"].wall)
    except Failed as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        os.chdir("/")
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    return 1 if any(row.verdict == "FAIL" for row in judged) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="the interpreter to make the environment with")
    parser.add_argument("--venv", help="keep the environment in this folder, and use it again")
    parser.add_argument("--work", help="where to make temporary folders; choose the file system to measure on")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slow-rounds", type=int, default=5, help="rounds of the rows with 1,000 personas")
    parser.add_argument("--only", metavar="TEXT", help="only rows with this in their title")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folders, for another run soon after")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _version(python: str) -> str:
    ask = "import platform; print(platform.python_implementation(), platform.python_version())"
    return subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def _print(version: str, judged: list[Judged], bare: float) -> None:
    print(f"{version}; {described()}; B = {bare:.1f} ms")
    print(f"{'row':<52} {'floor':>9} {'found':>9} {'goal':>6} {'fail':>6}  verdict")
    for row in judged:
        floor = "" if row.floor is None else f"{row.floor:.2f}" if row.floor < 1 else f"{row.floor:.0f}"
        unit = " MiB" if row.unit == "MiB" else " ms" if row.floor is not None else ""
        value = f"{row.value:.2f}" if row.value < 30 else f"{row.value:.0f}"
        print(f"{row.title:<52} {floor + unit:>9} {value:>9} {row.goal:>6g} {row.fail:>6g}  {row.verdict}")


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
