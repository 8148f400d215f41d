"""What is done in two clones, told as a list of commands, and the laws that hold after each command of agentpack.

Decides how a deed is done and told, and what may never come of it. Which deeds make a life is chosen by the test.
"""

import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from support.clones import LOCK, MANIFEST, RELEASES, Clone, Row, Text, View, World, deviations, lines_in
from support.running import Ran

MEMORY = "/dev/shm"
ENDS = (0, 1, 2, 3, 4)
"""How a command may end here: nothing is broken, unreachable or forbidden, so that 5, 6 and 70 are wrong."""


class Deed(NamedTuple):
    """Something that was done in a clone: a row of KINDS and its words. A life is a list of them."""

    clone: str
    kind: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As a command in a shell; those that are none stand in KINDS."""
        return f"{self.clone}$ {shlex.join((self.kind, *self.words))}"

    @classmethod
    def parse(cls, text: str) -> "Deed":
        """The inverse of `str`."""
        clone, _, command = text.partition("$ ")
        kind, *words = shlex.split(command)
        return cls(clone.strip(), kind, tuple(words))


class Setting(NamedTuple):
    """What is the same for a whole life."""

    inside: bool = True
    """Whether the repository holds the packs; else they lie beside the clones."""
    ignored: bool = False
    """Whether git ignores agent files."""
    clients: tuple[str, ...] = ("claude",)
    cautious: bool = False
    """Whether the users accept no capability."""


class Broken(AssertionError):
    """A law that does not hold."""

    def __init__(self, law: str, why: str) -> None:
        super().__init__(f"{law}: {why}")
        self.law = law


class Life:
    """One repository and its two clones."""

    def __init__(self, world: World, setting: Setting) -> None:
        self.world = world
        self.setting = setting
        self.clones = {name: Clone(name, world) for name in "AB"}
        self.accepted: set[tuple[str, str]] = set()
        """Pack and capability: whatever a user took on when he asked for the pack, or with `--accept`."""
        self.deeds: list[Deed] = []
        self.told: list[str] = []
        """The deeds, those that are programs with their exit codes."""

    def do(self, clone: Clone, kind: str, *words: str) -> int:
        """Do it. Returns the exit code. Raises Broken where a law does not hold afterwards."""
        deed = Deed(clone.name, kind, words)
        self.deeds.append(deed)
        self.told.append(str(deed))
        code = KINDS[kind](self, clone, *words)
        if kind in ("git", "agentpack"):
            self.told[-1] += f"  # exit {code}"
        return code

    def git(self, clone: Clone, *words: str) -> int:
        return self.do(clone, "git", *words)

    def run(self, clone: Clone, *words: str) -> int:
        return self.do(clone, "agentpack", *words)

    def other(self, clone: Clone) -> Clone:
        return self.clones["B" if clone.name == "A" else "A"]


def live(
    texts: Mapping[str, Text], setting: Setting, what: Callable[[Life], None] | Sequence[Deed]
) -> tuple[Life, Broken | None]:
    """A life, and the law that does not hold in it, if any.

    Args:
        texts: what `catalog` gave.
        what: the deeds, or what chooses them.
    """
    with tempfile.TemporaryDirectory(prefix="git-life-", dir=MEMORY if os.path.isdir(MEMORY) else None) as box:
        life = Life(World(Path(box), texts, inside=setting.inside, ignored=setting.ignored), setting)
        try:
            if callable(what):
                what(life)
            else:
                for deed in what:
                    life.do(life.clones[deed.clone], deed.kind, *deed.words)
        except Broken as broken:
            return life, broken
        return life, None


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
        """Whether the command did what it was asked for, or with `--partial` some of it. Those that bring all files to
        the lock have done so even where nothing changed.
        """
        changed = self.before.files != self.after.files
        done = self.ran.exit_code == 0 and (changed or self.words[0] in ("install", "sync", "upgrade"))
        return (done or (self.has("--partial") and changed)) and not self.looks


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
            life.told[-1] += f"  # exit {ran.exit_code}"
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


def _write(life: Life, clone: Clone, path: str, *lines: str) -> int:
    (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (clone.folder / path).write_text("\n".join((*lines, "")))
    return 0


def _remove(life: Life, clone: Clone, path: str) -> int:
    (clone.folder / path).unlink(missing_ok=True)
    return 0


# The laws.


def a_command_ends_as_the_contract_says(life: Life, step: Step) -> Iterator[str]:
    # a pack that `adopt` made and nobody added to the commit is not there for others
    unshared = step.ran.exit_code == 6 and "the source `local` is missing" in step.ran.err
    if (step.ran.exit_code not in ENDS and not unshared) or "Traceback" in step.ran.out + step.ran.err:
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
    # a side of a merge that stopped managing a file makes it nobody's
    let_go = {path for path in step.before.bases if any(path not in lock.rows for lock in step.before.locks)}
    ours = step.before.bases.keys() - let_go
    foreign = step.before.lines(path for path in step.before.agents if path not in ours)
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
        if step.words[0] == "lock" and path in step.before.left:
            continue  # git moved the lock and not the file, and this writes none
        if new is None or after is None:
            if after is None and not step.ran.exit_code and step.words[0] in ("install", "sync", "upgrade"):
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
        if any(name.startswith(f".agentpack/variants/{row.pack}/") for name in step.after.files):
            continue  # what `keep` made of one release may read like another
        if any(name.startswith(f".agentpack/packs/{row.pack}/") for name in step.after.files):
            continue  # a pack that `adopt` made of a file whose release it could not know
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
        powers = {
            word for text in life.world.catalog.values() if text[:3] == (pack, version, "claude") for word in text[4]
        }
        if any(name.startswith(f".agentpack/variants/{pack}/") for name in step.after.files):
            powers = set()  # what a kept variant lets it do is told by the rows alone
        powers |= {word for row in after.rows.values() if row.pack == pack for word in row.capabilities}
        if _is_new(life, step, pack) or step.words[0] == "keep":  # `keep` takes in what a user did himself
            life.accepted |= {(pack, word) for word in powers}
        if more := {word for word in powers if (pack, word) not in life.accepted}:
            yield f"{pack} {version} may now do {sorted(more)}, which nobody accepted"


def _is_new(life: Life, step: Step, pack: str) -> bool:
    """Whether nothing of a pack was there before, or a user asks for one that neither manifest nor lock had. An edited
    file without a lock is nobody's: no command writes over it, unless its user says so.
    """
    rows = {row.pack for found in step.before.locks for row in found.rows.values()}
    packs = {name for found in step.before.locks for name in found.packs}
    asked = step.words[0] == "install" and any(word.startswith(pack) for word in step.words[1:])
    wanted = pack in (step.before.files.get(MANIFEST) or b"").decode()
    texts = (life.world.catalog.get(hashlib.sha256(step.before.files[path]).hexdigest()) for path in step.before.agents)
    alone = all(text is None or text.pack != pack for text in texts)
    return pack not in rows | packs and (alone or (asked and not wanted))


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
UNKNOWN = ("is not stored here", "can no longer be rendered")
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
        if any(words in there.out + there.err for words in UNKNOWN):
            continue  # only this copy still has the text: a local variant that the lock names was not committed
        one, other = _answer(here, clone.folder), _answer(there, fresh)
        if one != other:
            raise Broken(
                f"{question} in a tracked tree gets the answer of a fresh clone",
                f"exit [{here.exit_code}, {there.exit_code}]\n{_difference(one, other)}",
            )
    return 0


def _state_of(folder: str, names: list[str]) -> list[str]:
    return ["state"] if folder.endswith("/.agentpack") else []


def _answer(ran: Ran, folder: Path) -> Any:
    """What a command said, without the place and the numbers of generations, which only this copy can go back to."""
    found = json.loads(ran.out.replace(str(folder), "HERE"))
    for part in (found["data"], *found["data"].get("remarks", ())):
        part.pop("generation", None)
    return found


def _difference(one: Any, other: Any, at: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        differ = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        return "\n".join(_difference(one.get(key), other.get(key), f"{at}.{key}") for key in differ)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(n, *pair) for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        return "\n".join(_difference(here, there, f"{at}[{n}]") for n, here, there in pairs)
    return f"{at}: here {str(one)[:500]!r}, in a fresh clone {str(other)[:500]!r}"


KINDS: Mapping[str, Callable[..., int]] = {
    "git": _git,
    "agentpack": _agentpack,
    "line": _change_line,
    "write": _write,
    "rm": _remove,
    "forget-state": lambda life, clone: clone.forget_state() or 0,
    "save-state": lambda life, clone: clone.save_state() or 0,
    "restore-state": lambda life, clone: clone.restore_state() or 0,
    "clone-afresh": lambda life, clone: clone.begin() or 0,
    "compare": _compare,
}
"""What can be done. Beside programs: `line PATH OLD NEW…` puts lines in the place of one, `write PATH LINE…` makes a
file, `compare` adds all to git and asks the same here and in a copy without the state folder."""
