"""One process of a crowd that works in one scope: it changes it at random, looks with agentpack, or reads the files.

    python crowd.py change|look|read NUMBER FOLDER FILES...

It says `ready`, waits for the time to end on its input, and writes a line of JSON for each thing it did.
"""

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from agentpack.cli.app import run

CHANGES = (
    *(("install", f"crew=={release}") for release in ("1.0.0", "2.0.0", "3.0.0")),
    ("upgrade", "--latest", "--yes"),
    ("rollback",),
    ("sync",),
)
READS = (("diff",), ("status",), ("diff", "--stat"))

Said = dict[str, Any]


def main(role: str, number: int, box: Path, files: list[str]) -> None:
    """A change or a look after the other, each a process of its own."""
    random.seed(number)
    for verb in {words[0] for words in (*CHANGES, *READS)}:
        __import__(f"agentpack.cli.{verb}")
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    with (box.parent / f"{role}-{number}.jsonl").open("w") as log:
        while time.time() < until:
            if role == "read":
                said = read(box, files)
                time.sleep(0.005)  # leaves the processors to those that change something
            else:
                said = ran(box, random.choice(CHANGES if role == "change" else READS))
            log.write(json.dumps(said) + "\n")


def ran(box: Path, words: tuple[str, ...]) -> Said:
    """A command in a process of its own, as `agentpack --json` tells it."""
    came, gone = os.pipe()
    process = os.fork()
    if process == 0:
        os.dup2(gone, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.chdir(box)
        code = run([*words, "--json"])
        sys.stdout.flush()
        os._exit(code)
    os.close(gone)
    with open(came, "rb") as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return {"words": words, "exit": status, "said": json.loads(text) if text else None}


def read(box: Path, files: list[str]) -> Said:
    """What a program finds that reads the files and knows nothing of agentpack."""
    texts = {}
    for path in files:
        texts[path] = (box / path).read_text()
    lock = json.loads((box / "agentpack.lock").read_bytes())
    return {"texts": texts, "release": lock["packs"][0]["version"]}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
