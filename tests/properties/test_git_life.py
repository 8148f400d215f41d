"""Two clones through their lives: git moves files and lock, agentpack writes them, users edit them, in any order.

After each command of agentpack the laws at the end of this file hold. A life is drawn from its seed; one that breaks a
law is made as short as it gets and told as a list of commands, with the seed that gives it again:

    AGENTPACK_SEED=17 pytest tests/properties/test_git_life.py

`AGENTPACK_GIT_SECONDS` sets for how long lives are tried: 90 seconds unless told. `AGENTPACK_EXAMPLES` sets how many
instead: the session `nightly` tries 2,000.
"""

import json
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.clones import (
    FOLDERS,
    LOCK,
    MANIFEST,
    RELEASES,
    Clone,
    Row,
    Text,
    View,
    World,
    catalog,
    deviations,
    lines_in,
)
from support.running import Ran
from support.trees import STATE

SECONDS = float(os.environ.get("AGENTPACK_GIT_SECONDS", "90"))
EXAMPLES = int(os.environ.get("AGENTPACK_EXAMPLES", "0"))
SEED = os.environ.get("AGENTPACK_SEED", "")
LENGTH = 25
SHRINKING = 60.0
"""Seconds that are spent to make a story shorter."""
MEMORY = "/dev/shm"
ENDS = (0, 1, 2, 3, 4)
"""How a command may end here: nothing is broken, unreachable or forbidden, so that 5, 6 and 70 are wrong."""


class Step(NamedTuple):
    """A command of agentpack, and its clone before and after it."""

    clone: Clone
    words: tuple[str, ...]
    ran: Ran
    before: View
    after: View

    def has(self, *words: str) -> bool:
        return any(word in self.words for word in words)

    @property
    def looks(self) -> bool:
        """Whether the command is one that changes nothing."""
        return self.words[0] in ("diff", "status", "explain", "audit") or self.has("--dry-run", "--check")

    @property
    def wrote(self) -> bool:
        return self.ran.exit_code == 0 and not self.looks


class Deed(NamedTuple):
    """Something that was done in a clone: a row of KINDS and its words. A life is a list of them."""

    clone: str
    kind: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("git", "agentpack"):
            return f"{self.clone}$ {self.kind} {shlex.join(self.words)}"
        if self.kind == "line":
            path, old, *new = self.words
            return f"{self.clone}$ # {path}: `{old}` becomes {' and '.join(f'`{line}`' for line in new) or 'nothing'}"
        return f"{self.clone}$ {KINDS[self.kind].format(*self.words)}"


KINDS = {
    "git": "",
    "agentpack": "",
    "line": "",
    "rm": "rm {0}",
    "write": "# {0}: written by hand",
    "forget": f"rm -rf {STATE}",
    "save": f"# a copy of {STATE} is put away",
    "bring back": f"# {STATE} is the copy that was put away",
    "afresh": "# cloned afresh, with an empty home",
    "compare": f"git add --all  # then compared with a copy that lacks {STATE}",
}
"""What can be done, and how a story tells it."""


class Broken(AssertionError):
    """A law that does not hold."""

    def __init__(self, law: str, why: str) -> None:
        super().__init__(f"{law}: {why}")
        self.law = law


class Life:
    """One repository and its two clones."""

    def __init__(self, box: Path, texts: Mapping[str, Text], seed: int) -> None:
        chance = random.Random(seed)
        ignored = chance.random() < 0.2
        self.clients = chance.choice((["claude"], ["claude", "codex"]))
        self.world = World(box, texts, inside=chance.random() < 0.5, ignored=ignored)
        self.clones = {name: Clone(name, self.world) for name in "AB"}
        self.accepted: set[tuple[str, str]] = set()
        """Pack and capability: whatever a user took on when he asked for the pack, or with `--accept`."""
        self.deeds: list[Deed] = []
        self.told: list[str] = []
        """The deeds for people, each with its exit code."""
        self._lines = 0

    def do(self, clone: Clone, kind: str, *words: str) -> int:
        """Do it. Returns the exit code. Raises Broken where a law does not hold afterwards."""
        deed = Deed(clone.name, kind, words)
        self.deeds.append(deed)
        self.told.append(f"{len(self.deeds):3}  {deed}")
        code = _DOING[kind](self, clone, *words)
        if kind in ("git", "agentpack"):
            self.told[-1] += f"  [{code}]"
        return code

    def git(self, clone: Clone, *words: str) -> int:
        return self.do(clone, "git", *words)

    def run(self, clone: Clone, *words: str) -> int:
        return self.do(clone, "agentpack", *words)

    def other(self, clone: Clone) -> Clone:
        return self.clones["B" if clone.name == "A" else "A"]

    def line(self) -> str:
        """A word that no line has yet."""
        self._lines += 1
        return f"mine-{self._lines:04}"


# What is done.


def _git(life: Life, clone: Clone, *words: str) -> int:
    return clone.git(*words)[0]


def _agentpack(life: Life, clone: Clone, *words: str) -> int:
    return ask(life, clone, *words).exit_code


def ask(life: Life, clone: Clone, *words: str) -> Ran:
    """Run a command of agentpack and hold it against the laws."""
    before = clone.look()
    ran = clone.agentpack(*words)
    step = Step(clone, words, ran, before, clone.look())
    for law in LAWS:
        for why in law(life, step):
            life.told[-1] += f"  [{ran.exit_code}]"
            raise Broken(law.__name__.replace("_", " "), f"{why}\n{ran.out[-1500:]}{ran.err[-1500:]}")
    if step.after.generation != before.generation:
        clone.left[step.after.generation] = tuple(step.after.files.get(path) for path in (MANIFEST, LOCK))
    return ran


def _change_line(life: Life, clone: Clone, path: str, old: str, *new: str) -> int:
    place = clone.folder / path
    lines = place.read_text().split("\n") if place.is_file() else []
    if old in lines:
        at = lines.index(old)
        lines[at : at + 1] = new
        place.write_text("\n".join(lines))
    return 0


def _write(life: Life, clone: Clone, path: str, text: str) -> int:
    (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (clone.folder / path).write_text(text)
    return 0


def _remove(life: Life, clone: Clone, path: str) -> int:
    (clone.folder / path).unlink(missing_ok=True)
    return 0


# What agentpack is asked for.


def _accepting(chance: random.Random) -> list[str]:
    every = ["--accept", "shell", "--accept", "web", "--accept", "edit"]
    return chance.choice(([], [], [], ["--accept", "shell"], every, every))


def _deciding(chance: random.Random) -> list[str]:
    often: list[list[str]] = [[]] * 12
    return chance.choice(
        [
            *often,
            ["--on-conflict", "keep"],
            ["--on-conflict", "theirs"],
            ["--discard-edits"],
            ["--partial"],
            ["--adopt"],
        ]
    )


def install(life: Life, clone: Clone, chance: random.Random) -> None:
    pack = chance.choice(("alpha", "alpha", "beta"))
    variants = chance.choice(("", "", "", "[loud]", "[quiet]", "[loud,quiet]"))
    version = chance.choice(list(RELEASES[pack]))
    range = chance.choice((f"=={version}", f"=={version}", "==1.0.0", f">={version}", "~=1.0", ">=1,<3", ""))
    dry = chance.choice(([], [], [], [], ["--dry-run"]))
    _install(life, clone, f"{pack}{variants}{range}", *_accepting(chance), *_deciding(chance), *dry)


def _install(life: Life, clone: Clone, what: str, *how: str) -> None:
    clients = [word for client in life.clients for word in ("--client", client)]
    taken = ["--accept", "widened:codex"] if "codex" in life.clients else []
    life.run(clone, "install", what, "--source", life.world.source, *clients, *taken, *how)


def upgrade(life: Life, clone: Clone, chance: random.Random) -> None:
    latest = chance.choice(([], ["--latest"]))
    life.run(clone, "upgrade", "--yes", *latest, *_accepting(chance), *_deciding(chance))


def sync(life: Life, clone: Clone, chance: random.Random) -> None:
    life.run(clone, "sync", *_accepting(chance), *_deciding(chance))


def sync_locked(life: Life, clone: Clone, chance: random.Random) -> None:
    life.run(clone, "sync", chance.choice(("--locked", "--frozen")), *chance.choice(([], [], ["--discard-edits"])))


def lock(life: Life, clone: Clone, chance: random.Random) -> None:
    newer = chance.choice(([], [], ["--upgrade"], ["--upgrade-pack", "alpha"]))
    life.run(clone, "lock", *newer, *_accepting(chance))


def uninstall(life: Life, clone: Clone, chance: random.Random) -> None:
    what = chance.choice((["alpha"], ["beta"], ["beta"], ["alpha[loud]"], ["--client", life.clients[-1]]))
    life.run(clone, "uninstall", *what, *chance.choice(([], [], ["--discard-edits"], ["--keep-files"])))


def keep(life: Life, clone: Clone, chance: random.Random) -> None:
    how = chance.choice(([], [], ["--as", "mine"], ["--client", "claude"]))
    life.run(clone, "keep", chance.choice(("alpha", "alpha", "beta")), *how)


def rollback(life: Life, clone: Clone, chance: random.Random) -> None:
    number = clone.look().generation
    words = [str(chance.randint(0, number))] if chance.random() < 0.5 else []
    life.run(clone, "rollback", *words, *chance.choice(([], [], [], ["--adopt"])))


def adopt(life: Life, clone: Clone, chance: random.Random) -> None:
    view = clone.look()
    if found := [path for path in view.agents if path not in view.bases]:
        life.run(clone, "adopt", chance.choice(found))


def look(life: Life, clone: Clone, chance: random.Random) -> None:
    ways = ("diff", "status", "explain alpha", "sync --check", "sync --dry-run", "audit", "upgrade --latest --dry-run")
    life.run(clone, *chance.choice(ways).split())


# What git does.


def settled(move: Callable[[Life, Clone, random.Random], None]) -> Callable[[Life, Clone, random.Random], None]:
    """The move, once what git left open is settled."""

    def moved(life: Life, clone: Clone, chance: random.Random) -> None:
        if clone.is_torn:
            settle(life, clone, chance)
        move(life, clone, chance)

    return moved


def settle(life: Life, clone: Clone, chance: random.Random) -> None:
    """End a conflict as people do: call it off; let agentpack write the lock; take one side of everything."""
    how = chance.choice(("abort", "lock", "ours", "theirs"))
    if how == "abort":
        life.git(clone, "reset", "--hard")
        return
    for path in clone.unmerged:
        if path == LOCK and how == "lock":
            continue
        side = "--theirs" if how == "theirs" else "--ours"
        if life.git(clone, "checkout", side, "--", path):
            life.git(clone, "rm", "--quiet", "--", path)  # that side has no such file
    if how == "lock":
        life.run(clone, "lock")
    if chance.random() < 0.7:
        life.run(clone, "lock")
        life.run(clone, "sync")
    life.git(clone, "add", "--all")
    life.git(clone, "commit", "--message", "settled")


def _may_stay_torn(life: Life, clone: Clone, chance: random.Random) -> None:
    if clone.is_torn and chance.random() < 0.6:
        settle(life, clone, chance)


@settled
def commit(life: Life, clone: Clone, chance: random.Random) -> None:
    if chance.random() < 0.8:
        life.git(clone, "add", "--all")
    life.git(clone, "commit", "--all", "--message", "changed")


@settled
def restore(life: Life, clone: Clone, chance: random.Random) -> None:
    """`git restore` of everything, of one file, of what agentpack calls its documents."""
    agents = sorted(clone.look().agents)
    one = [[chance.choice(agents)]] if agents else []
    life.git(clone, "restore", *chance.choice([["."], ["."], [LOCK], [LOCK, MANIFEST], [*one, ["."]][0]]))


@settled
def stash(life: Life, clone: Clone, chance: random.Random) -> None:
    life.git(clone, "stash", "push", *chance.choice(([], ["--include-untracked"])))


@settled
def pop(life: Life, clone: Clone, chance: random.Random) -> None:
    if not clone.git("rev-parse", "--verify", "refs/stash")[0] and life.git(clone, "stash", "pop"):
        _may_stay_torn(life, clone, chance)
        if not clone.is_torn:
            life.git(clone, "stash", "drop")


@settled
def switch(life: Life, clone: Clone, chance: random.Random) -> None:
    here = clone.branch
    there = "side" if here == "main" else "main"
    if life.git(clone, "switch", there) and there == "side":
        life.git(clone, "switch", "--create", there)


@settled
def merge(life: Life, clone: Clone, chance: random.Random) -> None:
    _combine(life, clone, chance, "merge", "--no-edit")


@settled
def cherry_pick(life: Life, clone: Clone, chance: random.Random) -> None:
    _combine(life, clone, chance, "cherry-pick", "--allow-empty")


def _combine(life: Life, clone: Clone, chance: random.Random, *words: str) -> None:
    here = clone.branch
    there = chance.choice(("origin/main", "side" if here == "main" else "main"))
    if life.git(clone, *words, there):
        _may_stay_torn(life, clone, chance)


@settled
def rebase(life: Life, clone: Clone, chance: random.Random) -> None:
    if life.git(clone, "rebase", chance.choice(("origin/main", "main"))):
        life.git(clone, "rebase", "--abort")


@settled
def revert(life: Life, clone: Clone, chance: random.Random) -> None:
    commit = chance.choice(("HEAD", "HEAD", "HEAD~1"))
    if not clone.git("rev-parse", "--verify", f"{commit}^")[0] and life.git(clone, "revert", "--no-edit", commit):
        _may_stay_torn(life, clone, chance)


def reset(life: Life, clone: Clone, chance: random.Random) -> None:
    life.git(clone, "reset", "--hard", chance.choice(("HEAD", "HEAD", "HEAD~1", "HEAD~2", "origin/main")))


@settled
def push(life: Life, clone: Clone, chance: random.Random) -> None:
    life.git(clone, "push", "origin", "HEAD:main")


@settled
def pull(life: Life, clone: Clone, chance: random.Random) -> None:
    if chance.random() < 0.3:
        if life.git(clone, "pull", "--rebase", "origin", "main"):
            life.git(clone, "rebase", "--abort")
    elif life.git(clone, "pull", "--no-edit", "origin", "main"):
        _may_stay_torn(life, clone, chance)


@settled
def share(life: Life, clone: Clone, chance: random.Random) -> None:
    """Commit, push, and the other pulls."""
    life.git(clone, "add", "--all")
    life.git(clone, "commit", "--all", "--message", "shared")
    if not life.git(clone, "push", "origin", "HEAD:main"):
        other = life.other(clone)
        pull(life, other, chance)


# What happens to the state folder.


def forget_state(life: Life, clone: Clone, chance: random.Random) -> None:
    life.do(clone, "forget")


def save_state(life: Life, clone: Clone, chance: random.Random) -> None:
    life.do(clone, "save")


def restore_state(life: Life, clone: Clone, chance: random.Random) -> None:
    if clone.saved.is_dir():
        life.do(clone, "bring back")


def clone_afresh(life: Life, clone: Clone, chance: random.Random) -> None:
    life.do(clone, "afresh")


# What users do.


def _change(
    life: Life, clone: Clone, chance: random.Random, wanted: str, change: Callable[[str, str], list[str]]
) -> None:
    """Change one line of an agent file."""
    files = clone.look()
    found = [path for path in sorted(files.agents) if re.search(wanted, files.text(path), re.M)]
    if found:
        path = chance.choice(found)
        old = chance.choice([line for line in files.text(path).split("\n") if re.search(wanted, line)])
        life.do(clone, "line", path, old, *change(old, life.line()))


def append(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- ", lambda line, mine: [line, f"- A rule of ours, {mine}."])


def reword(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- \w+-r\d", lambda line, mine: [f"{line[:-1]}, {mine}."])


def delete_rule(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- \w+-r\d", lambda line, mine: [])


def describe(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^description", lambda line, mine: [f'{line[:-2]} {mine}."'])


def delete_file(life: Life, clone: Clone, chance: random.Random) -> None:
    if agents := sorted(clone.look().agents):
        life.do(clone, "rm", chance.choice(agents))


def write(life: Life, clone: Clone, chance: random.Random) -> None:
    """Put a file of one's own where agents are, sometimes in the way of a pack's."""
    path = f"{FOLDERS['claude']}/{chance.choice(('own', 'own', 'alpha', 'beta'))}.md"
    if not (clone.folder / path).exists():
        text = f"---\nname: {Path(path).stem}\ndescription: Mine.\n---\nI am my own, {life.line()}.\n"
        life.do(clone, "write", path, text)


# The laws.


def a_command_ends_as_the_contract_says(life: Life, step: Step) -> Iterator[str]:
    if step.ran.exit_code not in ENDS or "Traceback" in step.ran.out + step.ran.err:
        yield f"exit {step.ran.exit_code}"


def a_command_that_stops_or_only_looks_changes_nothing(life: Life, step: Step) -> Iterator[str]:
    if (step.looks or step.ran.exit_code) and not step.has("--partial") and step.before.files != step.after.files:
        changed = {**step.before.files, **step.after.files}
        yield f"{sorted(path for path in changed if step.before.files.get(path) != step.after.files.get(path))}"


def no_line_of_a_user_is_lost(life: Life, step: Step) -> Iterator[str]:
    gone = step.before.lines() - step.after.lines()
    if not gone:
        return
    taken = step.words[0] == "rollback" or step.has("--discard-edits", "theirs")
    foreign = step.before.lines(path for path in step.before.agents if path not in step.before.bases)
    rendered = {digest for digests in step.before.bases.values() for digest in digests}
    variants = frozenset().union(*(lines_in(life.world.texts.get(digest, b"")) for digest in rendered))
    if not taken and (lost := gone - variants - (foreign if step.has("--adopt") else frozenset())):
        yield f"{', '.join(sorted(lost))} went from the working tree"
    if lost := gone - step.clone.kept():
        yield f"{', '.join(sorted(lost))} went from the working tree, and the history does not have it"


def the_row_of_a_file_is_its_base(life: Life, step: Step) -> Iterator[str]:
    """What a command leaves differs from what the lock renders to only where it differed before."""
    if not step.wrote or step.words[0] == "rollback" or len(step.after.locks) != 1:
        return
    texts = life.world.texts
    for path, row in step.after.locks[0].rows.items():
        new, after = texts.get(row.sha256), step.after.files.get(path)
        if new is None or after is None:
            if after is None and step.words[0] in ("install", "sync", "upgrade"):
                yield f"{path} is in the lock, and not there"
            continue
        old = [texts.get(digest) for digest in sorted(step.before.bases.get(path, ()))]
        before = step.before.files.get(path)
        if before is None or not old:
            if before is None and after != new:
                yield f"{path} is new, and not as the lock renders to"
            continue
        if None in old:
            continue
        known = [text for text in old if text is not None]
        if after != new and all(before == text for text in known):
            yield f"{path} was not edited, and is not as the lock renders to ({_named(life, row)})"
        allowed = frozenset().union(*(deviations(text, before) for text in known))
        if step.has("keep"):
            allowed |= frozenset().union(*(deviations(text, new) for text in known))
        if more := deviations(new, after) - allowed:
            yield f"{path} differs in {sorted(more)} from what the lock renders to ({_named(life, row)})"


def _named(life: Life, row: Row) -> str:
    text = life.world.catalog.get(row.sha256)
    return f"{text.pack} {text.version}" if text else f"{row.sha256[:12]}…"


def the_lock_names_what_a_file_was_made_from(life: Life, step: Step) -> Iterator[str]:
    """Neither another release nor other capabilities."""
    if not step.wrote or len(step.after.locks) != 1:
        return
    for path, row in step.after.locks[0].rows.items():
        text = life.world.catalog.get(row.sha256)
        if text is not None and row.release not in (None, text.version):
            yield f"{path} is of {text.version} by its sha256, and of {row.release} by the lock"
        if text is not None and set(row.capabilities) != set(text.capabilities):
            yield f"{path} may do {text.capabilities}, and by the lock {row.capabilities}"


def nobody_gains_power_unasked(life: Life, step: Step) -> Iterator[str]:
    """What the lock lets a persona do was asked for with the pack, or accepted, by either user."""
    if not step.wrote or len(step.after.locks) != 1:
        return
    after = step.after.locks[0]
    said = {step.words[number + 1] for number, word in enumerate(step.words) if word == "--accept"}
    life.accepted |= {(pack, word) for pack in RELEASES for word in said}
    for pack, version in after.packs.items():
        if pack not in RELEASES:
            continue
        powers = {word for text in _renderings(life, pack, version) for word in text.capabilities}
        powers |= {word for row in after.rows.values() if row.pack == pack for word in row.capabilities}
        if _is_new(step, pack):
            life.accepted |= {(pack, word) for word in powers}
        if more := {word for word in powers if (pack, word) not in life.accepted}:
            yield f"{pack} {version} may now do {sorted(more)}, which nobody accepted"


def _renderings(life: Life, pack: str, version: str) -> Iterator[Text]:
    for text in life.world.catalog.values():
        if (text.pack, text.version) == (pack, version) and text.client in life.clients:
            yield text


def _is_new(step: Step, pack: str) -> bool:
    """Whether nothing of a pack was there before."""
    rows = {row.pack for found in step.before.locks for row in found.rows.values()}
    packs = {name for found in step.before.locks for name in found.packs}
    return pack not in rows | packs and not any(Path(path).stem == pack for path in step.before.agents)


def what_git_moved_is_not_rolled_back(life: Life, step: Step) -> Iterator[str]:
    """Bare `rollback` undoes the last command, and stops where lock or manifest are no longer as that left them."""
    if step.words[0] != "rollback" or not step.wrote or (step.words[1:2] and step.words[1].isdecimal()):
        return
    left = step.clone.left.get(step.before.generation)
    if left is not None and left != tuple(step.before.files.get(path) for path in (MANIFEST, LOCK)):
        yield "git moved manifest or lock, and `rollback` went back all the same"


LAWS: tuple[Callable[[Life, Step], Iterator[str]], ...] = (
    a_command_ends_as_the_contract_says,
    a_command_that_stops_or_only_looks_changes_nothing,
    no_line_of_a_user_is_lost,
    the_row_of_a_file_is_its_base,
    the_lock_names_what_a_file_was_made_from,
    nobody_gains_power_unasked,
    what_git_moved_is_not_rolled_back,
)
QUESTIONS = (
    "status",
    "diff",
    "sync --check",
    "sync --dry-run",
    "upgrade --dry-run --yes",
    "upgrade --latest --dry-run",
)


def _compare(life: Life, clone: Clone) -> int:
    """A tracked tree gets the answer of a fresh clone of it."""
    clone.git("add", "--all")
    fresh, home = life.world.box / "fresh", life.world.box / f"home-fresh-{life.world.number()}"
    home.mkdir()
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(clone.folder, fresh, symlinks=True, ignore=_state_of)
    for question in QUESTIONS:
        words = (*question.split(), "--json")
        here, there = ask(life, clone, *words), life.world.agentpack(fresh, home, *words)
        one, other = _answer(here, clone.folder), _answer(there, fresh)
        if one != other:
            raise Broken(
                "a tracked tree gets the answer of a fresh clone",
                f"{question} [{here.exit_code}, {there.exit_code}]\n{_difference(one, other)}",
            )
    return 0


def _state_of(folder: str, names: list[str]) -> list[str]:
    return ["state"] if folder.endswith("/.agentpack") else []


def _answer(ran: Ran, folder: Path) -> Any:
    """What a command said, without the place and the number of the generation."""
    found = json.loads(ran.out.replace(str(folder), "HERE"))
    found["data"].pop("generation", None)
    return found


def _difference(one: Any, other: Any, at: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        differ = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        return "\n".join(_difference(one.get(key), other.get(key), f"{at}.{key}") for key in differ)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(n, *pair) for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        return "\n".join(_difference(here, there, f"{at}[{n}]") for n, here, there in pairs)
    return f"{at}: here {one!r}, in a fresh clone {other!r}"


@settled
def compare(life: Life, clone: Clone, chance: random.Random) -> None:
    if not life.world.ignored:
        life.do(clone, "compare")


_DOING: Mapping[str, Callable[..., int]] = {
    "git": _git,
    "agentpack": _agentpack,
    "line": _change_line,
    "rm": _remove,
    "write": _write,
    "forget": lambda life, clone: clone.forget_state() or 0,
    "save": lambda life, clone: clone.save_state() or 0,
    "bring back": lambda life, clone: clone.restore_state() or 0,
    "afresh": lambda life, clone: clone.begin() or 0,
    "compare": _compare,
}


# What comes together.


def begin(life: Life, clone: Clone, chance: random.Random) -> None:
    """One installs an old release of a pack, often within a range that allows newer ones, and shares it."""
    asked = f"alpha{chance.choice(('', '', '[loud]'))}"
    _install(life, clone, f"{asked}{chance.choice(('==1.0.0', '==1.0.0', '==1.1.0'))}")
    if chance.random() < 0.6:
        _install(life, clone, f"{asked}{chance.choice(('>=1,<3', '~=1.0'))}")
    share(life, clone, chance)


def edit(life: Life, clone: Clone, chance: random.Random) -> None:
    chance.choice((append, append, reword, reword, delete_rule, describe))(life, clone, chance)


def work(life: Life, clone: Clone, chance: random.Random) -> None:
    """What one does before a commit: some edits, something asked of agentpack, or both."""
    for _ in range(chance.randint(0, 2)):
        edit(life, clone, chance)
    chance.choice((upgrade, upgrade, install, install, keep, sync))(life, clone, chance)
    for _ in range(chance.randint(0, 1)):
        edit(life, clone, chance)


def try_twice(life: Life, clone: Clone, chance: random.Random) -> None:
    """Ask agentpack for something, look at it, throw it away with git, and ask for it again."""
    if chance.random() < 0.7:
        edit(life, clone, chance)
        commit(life, clone, chance)
    asked, again = chance.choice((upgrade, upgrade, install, sync, keep)), chance.randrange(1 << 32)
    asked(life, clone, random.Random(again))
    if chance.random() < 0.2:
        commit(life, clone, chance)
    chance.choice((restore, restore, stash, reset, switch, revert))(life, clone, chance)
    asked(life, clone, random.Random(again))


def visit(life: Life, clone: Clone, chance: random.Random) -> None:
    """The other user works and shares it, and it is taken up here."""
    other = life.other(clone)
    pull(life, other, chance)
    work(life, other, chance)
    share(life, other, chance)
    chance.choice((sync, upgrade, install, keep))(life, clone, chance)


def diverge(life: Life, clone: Clone, chance: random.Random) -> None:
    """Two branches go their ways and are put together."""
    for _ in range(2):
        work(life, clone, chance)
        commit(life, clone, chance)
        switch(life, clone, chance)
    chance.choice((merge, merge, merge, cherry_pick, rebase))(life, clone, chance)
    if chance.random() < 0.7:
        chance.choice((sync, upgrade, lock))(life, clone, chance)


MOVES: Mapping[str, tuple[int, Callable[[Life, Clone, random.Random], None]]] = {
    "begin": (0, begin),
    "install": (4, install),
    "upgrade": (6, upgrade),
    "sync": (5, sync),
    "sync_locked": (3, sync_locked),
    "lock": (4, lock),
    "uninstall": (2, uninstall),
    "keep": (3, keep),
    "rollback": (4, rollback),
    "adopt": (2, adopt),
    "look": (2, look),
    "compare": (5, compare),
    "commit": (5, commit),
    "restore": (4, restore),
    "stash": (2, stash),
    "pop": (3, pop),
    "switch": (4, switch),
    "merge": (3, merge),
    "cherry_pick": (2, cherry_pick),
    "rebase": (2, rebase),
    "revert": (3, revert),
    "reset": (2, reset),
    "push": (2, push),
    "pull": (3, pull),
    "share": (4, share),
    "forget_state": (2, forget_state),
    "save_state": (2, save_state),
    "restore_state": (3, restore_state),
    "clone_afresh": (1, clone_afresh),
    "append": (4, append),
    "reword": (3, reword),
    "delete_rule": (2, delete_rule),
    "describe": (1, describe),
    "delete_file": (2, delete_file),
    "write": (2, write),
    "work": (4, work),
    "try_twice": (8, try_twice),
    "visit": (6, visit),
    "diverge": (6, diverge),
}


# The lives.


def live(seed: int, texts: Mapping[str, Text], deeds: Sequence[Deed] | None = None) -> tuple[Life, Broken | None]:
    """The life with this seed, or with these deeds; and the law that does not hold in it, if any."""
    with tempfile.TemporaryDirectory(prefix="git-life-", dir=MEMORY if os.path.isdir(MEMORY) else None) as box:
        life = Life(Path(box), texts, seed)
        try:
            if deeds is None:
                _by_chance(life, random.Random(seed))
            else:
                for deed in deeds:
                    life.do(life.clones[deed.clone], deed.kind, *deed.words)
        except Broken as broken:
            return life, broken
        return life, None


def _by_chance(life: Life, chance: random.Random) -> None:
    begin(life, life.clones["A"], chance)
    names, weights = list(MOVES), [weight for weight, _ in MOVES.values()]
    clone = life.clones["A"]
    for name in chance.choices(names, weights, k=LENGTH):
        if chance.random() < 0.25:
            clone = life.other(clone)
        MOVES[name][1](life, clone, chance)


def shortest(seed: int, texts: Mapping[str, Text], deeds: Sequence[Deed], law: str) -> list[Deed]:
    """The deeds without all those that it does not take to break the same law, as far as time allows."""
    until = time.monotonic() + SHRINKING
    kept, size = list(deeds), len(deeds) // 2
    while size and time.monotonic() < until:
        at, before = 0, len(kept)
        while at < len(kept) and time.monotonic() < until:
            shorter = kept[:at] + kept[at + size :]
            _, broken = live(seed, texts, shorter)
            if broken is not None and broken.law == law:
                kept = shorter
            else:
                at += size
        if size > 1 or len(kept) == before:
            size //= 2
    return kept


def tell(seed: int, texts: Mapping[str, Text], deeds: Sequence[Deed]) -> str:
    """A life that breaks a law, as a list of commands."""
    life, broken = live(seed, texts, deeds)
    return "\n".join((f"AGENTPACK_SEED={seed}", *life.told, str(broken)))


def seeds() -> Iterator[int]:
    """The seed of one life after the other, for as long or as many as was asked for."""
    first = int(SEED) if SEED else random.SystemRandom().randrange(10**6) * 1000
    until = time.monotonic() + SECONDS
    number = 0
    while number < EXAMPLES if EXAMPLES else time.monotonic() < until:
        yield first + number
        number += 1


@pytest.mark.slow
@pytest.mark.untraced
def test_whatever_git_does_no_line_is_lost_and_the_lock_is_the_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = catalog(tmp_path)
    count = 0
    for count, seed in enumerate(seeds(), 1):
        if count == 1:
            with capsys.disabled():
                print(f"\nlives of two clones, from AGENTPACK_SEED={seed}", file=sys.stderr)
        life, broken = live(seed, texts)
        if broken is not None:
            pytest.fail(tell(seed, texts, shortest(seed, texts, life.deeds, broken.law)), pytrace=False)
    assert count
