"""Feed broken packs through parsing, validating, rendering and planning: `python tools/fuzz.py --count 100000`.

Each round takes the files of a pack, damages one of them, and takes what comes of it as far as it goes: read, checked,
composed with a variant, rendered for some clients, planned. It may be refused in the family of errors; any other
exception, more than two seconds for a round or more than 256 MiB of memory beyond the start is a finding: the files are
kept in a folder and the exit code is 1. Nothing is written by the code under test: it gets no disk.

`--atheris SECONDS` lets atheris (libFuzzer) choose the damage by coverage instead.
"""

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from packaging.version import Version

from agentpack.changes.plan import plan
from agentpack.clients import CLIENTS
from agentpack.compose.compose import compose, draft_of, values_for
from agentpack.errors import AgentpackError, Bug
from agentpack.model.names import PackName, content_digest
from agentpack.model.pack import Release
from agentpack.read import check_pack
from agentpack.render import render
from agentpack.sources.directory import read_tree

ROOT = Path(__file__).parent.parent
SECONDS = 2
MIB = 256
Files = dict[str, bytes]
WORDS = tuple(
    word.encode()
    for word in (
        *(
            "---\n",
            "{#",
            "}",
            "{{",
            "}}",
            "{{{{",
            "when=",
            "!",
            ":",
            "- ",
            "  ",
            "\t",
            "```",
            "~~~",
            "> ",
            "# ",
            "* ",
            "1. ",
        ),
        *(
            "&a ",
            "*a",
            "<<: ",
            "!!python/object:os.system ",
            "|\n",
            ">-\n",
            "? ",
            "[" * 50,
            "{" * 50,
            "]" * 50,
            '"',
            "'",
            "\\",
        ),
        *("\x00", "\x1b[31m", "\u202e", "\u200b", "\U000e0041", "\ufeff", "\u2028", "é", "\U0001f469\u200d\U0001f4bb"),
        *(
            "null",
            "true",
            "1e999",
            "9" * 400,
            "-1",
            "0x10",
            "2026-11-24",
            "~",
            "<!--",
            "-->",
            "<script>",
            "](javascript:x)",
        ),
        *(
            "name: ",
            "description: ",
            "tools: ",
            "extends: ",
            "clients: ",
            "remove: ",
            "set: ",
            "../",
            "${x}",
            "{file:x}",
        ),
    )
)
"""Pieces that mean something to one reader or another."""


def corpus() -> list[Files]:
    """Packs to begin from."""
    packs = [
        read_tree(str(folder)) for folder in sorted((ROOT / "packs").glob("*/*")) if (folder / "pack.yaml").is_file()
    ]
    small = {
        "pack.yaml": b"schema: 1\nname: p\nversion: 1.0.0\ndescription: d\nparameters:\n"
        b"  t: {type: string, default: a, choices: [a, b], description: x}\n",
        "personas/help.md": b"---\nname: help\ndescription: Helps.\ntools: [read]\n---\nYou. {#you}\n\n## A {#a}\n\n"
        b"- One {{ t }}. {#one when=t:a}\n- Two.\n  - deep\n\n```sh\nls\n``` \n",
        "variants/help/loud.md": b"---\nsummary: s\nremove: [one]\n---\n## A {#a}\n\n- Loud. {#loud}\n",
    }
    return [small, small, small, *packs]


def damaged(files: Files, rng: random.Random) -> Files:
    """The files with one of them damaged in one to six ways."""
    path = rng.choice([path for path in sorted(files) if path.endswith((".md", ".yaml"))])
    data = bytearray(files[path])
    for _ in range(rng.randint(1, 6)):
        _damage(data, rng)
    return {**files, path: bytes(data)}


def _damage(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(8)
    if kind == 0 and data:
        data[at - 1] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at:at] = rng.choice(WORDS)
    elif kind == 2:
        data[at:at] = rng.choice(WORDS) * rng.choice((2, 20, 500))
    elif kind == 3:
        del data[at : at + rng.choice((1, 5, 80))]
    elif kind == 4:
        start = rng.randrange(len(data) + 1)
        data[at:at] = data[start : start + rng.choice((3, 30, 300))]
    elif kind == 5:
        data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4))))
    elif kind == 6:
        lines = data.split(b"\n")
        rng.shuffle(lines) if rng.random() < 0.2 else lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
        data[:] = b"\n".join(lines)
    else:
        del data[at:]


def run(files: Files, rng: random.Random) -> str:
    """One round: how far the files came. Raises what is a finding."""
    try:
        return _through(files, rng)
    except Bug:
        raise
    except AgentpackError as error:
        str(error.message), [str(line) for line in error.details]
        return error.code


def _through(files: Files, rng: random.Random) -> str:
    release = Release(PackName("p"), Version("1.0.0"), "fuzz", content_digest(files.items()), files)
    name, version = _identity(files)
    pack = check_pack(release._replace(pack=PackName(name), version=Version(version)))
    wanted = {}
    for persona, layer in pack.personas.items():
        if "extends" in layer.header:
            continue
        variants = sorted(pack.variants.get(persona, {}))
        for chosen in ([], variants[:1], rng.sample(variants, min(2, len(variants)))):
            draft = draft_of(pack, persona, chosen, {})
            made = compose(draft, values_for(draft, pack.declarations, {}, pack.release))
            for client in rng.sample(sorted(CLIENTS), 3):
                file = render(made, CLIENTS[client], pack=pack.name, scope="project", variables={}, models={})
                if file is not None:
                    file.content.decode("utf-8")
                    wanted[file.path] = file
    planned = plan(wanted, {}, {}, disk=lambda _: b"", base=lambda _: b"")
    assert len(planned.changes) == len(wanted)
    return "planned"


def _identity(files: Mapping[str, bytes]) -> tuple[str, str]:
    """What the manifest says, so that more than its own damage is reached."""
    lines = files["pack.yaml"].decode("utf-8", errors="replace").splitlines()
    said = {
        key: next((line[len(key) :].strip() for line in lines if line.startswith(key)), "")
        for key in ("name:", "version:")
    }
    try:
        return said["name:"] or "p", str(Version(said["version:"][:60]))
    except ValueError:
        return said["name:"] or "p", "1.0.0"


class TooLong(BaseException):
    """A round took more than its time. No Exception, so that nothing under test catches it."""


def _alarm(*_: Any) -> None:
    raise TooLong


def rounds(count: int, seed: int, keep: Path) -> int:
    """So many rounds; the number of findings, each with its files below `keep`."""
    packs = corpus()
    signal.signal(signal.SIGALRM, _alarm)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends: dict[str, int] = {}
    found, slowest = 0, 0.0
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        files = damaged(rng.choice(packs), rng)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        began = time.perf_counter()
        try:
            end = run(files, rng)
        except (Exception, TooLong) as error:  # noqa: BLE001 - that is what is looked for
            end = f"FINDING {type(error).__name__}"
            found += 1
            _keep(keep / f"{seed}-{number}", files, repr(error))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - began)
        ends[end] = ends.get(end, 0) + 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024
    if grown > MIB:
        found += 1
    told = {
        "rounds": count,
        "findings": found,
        "slowest_ms": round(slowest * 1000),
        "grown_mib": round(grown),
        "ends": ends,
    }
    print(json.dumps(told, indent=1))
    return found


def _keep(folder: Path, files: Files, why: str) -> None:
    for path, data in {**files, "FINDING": why.encode()}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def with_atheris(seconds: int) -> None:
    """Let atheris choose the damage for so long; it ends the process, and keeps what it finds itself."""
    atheris: Any = import_module("atheris")  # installed by the session `fuzz` only
    packs = corpus()
    atheris.instrument_all()

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        files = dict(packs[provider.ConsumeIntInRange(0, len(packs) - 1)])
        path = sorted(files)[provider.ConsumeIntInRange(0, len(files) - 1)]
        at = provider.ConsumeIntInRange(0, len(files[path]))
        cut = provider.ConsumeIntInRange(0, 80)
        files[path] = files[path][:at] + provider.ConsumeBytes(400) + files[path][at + cut :]
        run(files, random.Random(0))

    words = tempfile.TemporaryFile("w")  # noqa: SIM115 - atheris ends the process, and nothing is to stay
    for word in WORDS:
        escaped = "".join(f"\\x{byte:02x}" for byte in word[:60])
        print(f'"{escaped}"', file=words)
    words.flush()
    words.seek(0)
    limits = [f"-max_total_time={seconds}", f"-timeout={SECONDS}", f"-rss_limit_mb={2 * MIB}"]
    guided = [f"-dict=/dev/fd/{words.fileno()}", "-max_len=500", "-len_control=0"]  # at once as long as it may be
    atheris.Setup([sys.argv[0], *limits, *guided], one)
    atheris.Fuzz()


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="rounds")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same rounds")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="where findings go")
    parser.add_argument("--atheris", type=int, metavar="SECONDS", help="let atheris choose, for so long")
    given = parser.parse_args(arguments)
    if given.atheris:
        with_atheris(given.atheris)
    return 1 if rounds(given.count, given.seed, given.keep) else 0


if __name__ == "__main__":
    sys.exit(main())
