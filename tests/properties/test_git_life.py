"""Two clones through their lives: git moves files and lock, agentpack writes them, users edit them, in any order.

After each command of agentpack the laws at the end of this file hold. A life is drawn from its seed; one that breaks a
law is made as short as it gets and told as a list of commands, with the seed that gives it again:

    AGENTPACK_SEED=17 pytest tests/properties/test_git_life.py

`AGENTPACK_GIT_SECONDS` sets for how long lives are tried: 8 seconds unless told, 20 in `.ci/run`.
`AGENTPACK_EXAMPLES` sets how many instead: the session `nightly` tries 2,000.
"""

import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from support.clones import FOLDERS, LOCK, MANIFEST, RELEASES, Clone, Text, catalog
from support.effort import usually
from support.lives import Broken, Deed, Life, Setting, live

SECONDS = float(os.environ.get("AGENTPACK_GIT_SECONDS", usually(8, thorough=20)))
EXAMPLES = int(os.environ.get("AGENTPACK_EXAMPLES", "0"))
SEED = os.environ.get("AGENTPACK_SEED", "")
CI_SEED = "6000000"
"""CI tries the same lives each time, so that it fails for what a change did. Elsewhere they are new ones each time."""
LENGTH = 25
SHRINKING = 60.0
"""Seconds that are spent to make a story shorter."""


# What agentpack is asked for.


def _accepting(life: Life, chance: random.Random) -> list[str]:
    if life.setting.cautious:
        return []
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
    _install(life, clone, f"{pack}{variants}{range}", *_accepting(life, chance), *_deciding(chance), *dry)


def _install(life: Life, clone: Clone, what: str, *how: str) -> None:
    clients = [word for client in life.setting.clients for word in ("--client", client)]
    taken = ["--accept", "widened:codex"] if "codex" in life.setting.clients else []
    life.run(clone, "install", what, "--source", life.world.source, *clients, *taken, *how)


def upgrade(life: Life, clone: Clone, chance: random.Random) -> None:
    latest = chance.choice(([], ["--latest"]))
    life.run(clone, "upgrade", "--yes", *latest, *_accepting(life, chance), *_deciding(chance))


def sync(life: Life, clone: Clone, chance: random.Random) -> None:
    life.run(clone, "sync", *_accepting(life, chance), *_deciding(chance))


def sync_locked(life: Life, clone: Clone, chance: random.Random) -> None:
    life.run(clone, "sync", chance.choice(("--locked", "--frozen")), *chance.choice(([], [], ["--discard-edits"])))


def lock(life: Life, clone: Clone, chance: random.Random) -> None:
    newer = chance.choice(([], [], ["--upgrade"], ["--upgrade-pack", "alpha"]))
    life.run(clone, "lock", *newer, *_accepting(life, chance))


def uninstall(life: Life, clone: Clone, chance: random.Random) -> None:
    what = chance.choice((["alpha"], ["beta"], ["beta"], ["alpha[loud]"], ["--client", life.setting.clients[-1]]))
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
    life.do(clone, "forget-state")


def save_state(life: Life, clone: Clone, chance: random.Random) -> None:
    life.do(clone, "save-state")


def restore_state(life: Life, clone: Clone, chance: random.Random) -> None:
    if clone.saved.is_dir():
        life.do(clone, "restore-state")


def clone_afresh(life: Life, clone: Clone, chance: random.Random) -> None:
    life.do(clone, "clone-afresh")


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
        life.do(clone, "line", path, old, *change(old, new_line(life)))


def new_line(life: Life) -> str:
    """A word that no line has yet."""
    return f"mine-{len(life.deeds):04}"


def append(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- ", lambda line, mine: [line, f"- A rule of ours, {mine}."])


def reword(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- \w+-r\d", lambda line, mine: [f"{line[:-1]}, {mine}."])


def delete_rule(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^- \w+-r\d", lambda line, mine: [])


def describe(life: Life, clone: Clone, chance: random.Random) -> None:
    _change(life, clone, chance, r"^description", lambda line, mine: [f'{line[:-2]} {mine}."'])


def ask_for_more(life: Life, clone: Clone, chance: random.Random) -> None:
    """Write a wider range, or another, into the manifest."""
    text = clone.look().files.get(MANIFEST, b"").decode()
    if found := [line for line in text.split("\n") if re.search(r"(alpha|beta)\S*[=<>~]", line)]:
        old = chance.choice(found)
        range = chance.choice((">=1,<3", "~=1.0", "~=1.0", "<1.3", "==1.1.0"))
        life.do(clone, "line", MANIFEST, old, re.sub(r"(?<=[a-z\]])[=<>~][^\"' ]+", range, old, count=1))


def delete_file(life: Life, clone: Clone, chance: random.Random) -> None:
    if agents := sorted(clone.look().agents):
        life.do(clone, "rm", chance.choice(agents))


def write(life: Life, clone: Clone, chance: random.Random) -> None:
    """Put a file of one's own where agents are, sometimes in the way of a pack's."""
    path = f"{FOLDERS['claude']}/{chance.choice(('own', 'own', 'alpha', 'beta'))}.md"
    if not (clone.folder / path).exists():
        header = ("---", f"name: {Path(path).stem}", "description: Mine.", "---")
        life.do(clone, "write", path, *header, f"I am my own, {new_line(life)}.")


@settled
def compare(life: Life, clone: Clone, chance: random.Random) -> None:
    if not life.setting.ignored:
        life.do(clone, "compare")


# What comes together.


def begin(life: Life, clone: Clone, chance: random.Random) -> None:
    """One installs an old release of a pack, often within a range that allows newer ones, and shares it."""
    asked = f"alpha{chance.choice(('', '', '[loud]'))}"
    _install(life, clone, f"{asked}{chance.choice(('==1.0.0', '==1.0.0', '==1.1.0'))}")
    if chance.random() < 0.6:
        ask_for_more(life, clone, chance)
        sync(life, clone, chance)
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


def meet(life: Life, clone: Clone, chance: random.Random) -> None:
    """Both users change the lock, and agentpack meets what git makes of it, perhaps where it knows of nothing else."""
    if chance.random() < 0.5:
        ask_for_more(life, clone, chance)
    for one in (life.other(clone), clone):
        _install(life, one, f"beta=={chance.choice(list(RELEASES['beta']))}")
        commit(life, one, chance)
    push(life, life.other(clone), chance)
    if chance.random() < 0.5:
        forget_state(life, clone, chance)
    if life.git(clone, "pull", "--no-edit", "origin", "main"):
        for path in clone.unmerged:
            if path != LOCK and path.startswith((MANIFEST, *FOLDERS.values())):
                life.git(clone, "checkout", chance.choice(("--ours", "--theirs")), "--", path)
        chance.choice((lock, lock, sync, upgrade))(life, clone, chance)


Move = Callable[[Life, Clone, random.Random], None]
MOVES: Mapping[Move, int] = {
    install: 4,
    upgrade: 6,
    sync: 5,
    sync_locked: 3,
    lock: 4,
    uninstall: 2,
    keep: 3,
    rollback: 4,
    adopt: 2,
    look: 2,
    compare: 5,
    commit: 5,
    restore: 4,
    stash: 2,
    pop: 3,
    switch: 4,
    merge: 3,
    cherry_pick: 2,
    rebase: 2,
    revert: 3,
    reset: 2,
    push: 2,
    pull: 3,
    share: 4,
    forget_state: 2,
    save_state: 2,
    restore_state: 3,
    clone_afresh: 1,
    append: 4,
    reword: 3,
    delete_rule: 2,
    describe: 1,
    ask_for_more: 3,
    delete_file: 2,
    write: 2,
    work: 4,
    try_twice: 12,
    visit: 9,
    diverge: 6,
    meet: 6,
}
"""What may happen, and how often beside the rest."""


# The lives.


def setting_of(seed: int) -> Setting:
    """Under what conditions the life with this seed is lived."""
    chance = random.Random(seed)
    clients = chance.choice((("claude",), ("claude", "codex")))
    inside, ignored, cautious = (chance.random() < often for often in (0.5, 0.2, 0.5))
    return Setting(inside=inside, ignored=ignored, clients=clients, cautious=cautious)


def moved_by(seed: int) -> Callable[[Life], None]:
    """What lives the life with this seed."""

    def go(life: Life) -> None:
        chance = random.Random(seed)
        clone = life.clones["A"]
        begin(life, clone, chance)
        for move in chance.choices(list(MOVES), list(MOVES.values()), k=LENGTH):
            if chance.random() < 0.25:
                clone = life.other(clone)
            move(life, clone, chance)

    return go


def shortest(texts: Mapping[str, Text], setting: Setting, deeds: Sequence[Deed], law: str) -> list[Deed]:
    """The deeds without all those that it does not take to break the same law, as far as time allows."""
    until = time.monotonic() + SHRINKING
    kept, size = list(deeds), len(deeds) // 2
    while size and time.monotonic() < until:
        at, before = 0, len(kept)
        while at < len(kept) and time.monotonic() < until:
            shorter = kept[:at] + kept[at + size :]
            life, broken = live(texts, setting, shorter)
            if broken is not None and broken.law == law:
                kept = life.deeds
            else:
                at += size
        if size > 1 or len(kept) == before:
            size //= 2
    return kept


def tell(seed: int, texts: Mapping[str, Text], life: Life, broken: Broken) -> str:
    """A life that breaks a law, as a list of commands."""
    setting = setting_of(seed)
    deeds = shortest(texts, setting, life.deeds, broken.law)
    life, again = live(texts, setting, deeds)
    return "\n".join((f"AGENTPACK_SEED={seed}  {setting}", *life.told, str(again)))


def seeds() -> Iterator[int]:
    """The seed of one life after the other, for as long or as many as was asked for."""
    first = int(SEED or CI_SEED if os.environ.get("CI") else SEED or random.SystemRandom().randrange(10**6) * 1000)
    until = time.monotonic() + SECONDS
    number = 0
    while number < EXAMPLES if EXAMPLES else time.monotonic() < until:
        yield first + number
        number += 1


@pytest.fixture
def texts(tmp_path: Path) -> Mapping[str, Text]:
    """Every text that the packs can give, rendered once."""
    if not _TEXTS:
        _TEXTS.update(catalog(tmp_path))
    return _TEXTS


_TEXTS: dict[str, Text] = {}


STORIES = {
    "an upgrade thrown away with git is made again": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ line .claude/agents/alpha.md '- alpha-r6 is worded as of 0.' '- alpha-r6 is worded as of 0.' '- mine-0001'
        A$ git add --all
        A$ git commit --message base
        A$ agentpack upgrade --latest --yes --accept edit
        A$ git restore .
        A$ agentpack upgrade --latest --yes --accept edit
    """,
    "a pack comes with the edit of the other user": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ git add --all
        A$ git commit --message base
        A$ git push origin main
        B$ git pull origin main
        B$ agentpack install beta==1.0.0 --source packs
        B$ line .claude/agents/beta.md '- beta-r4 is worded as of 0.' '- beta-r4 is worded as of 0.' '- mine-0001'
        B$ git add --all
        B$ git commit --message beta
        B$ git push origin main
        A$ git pull origin main
        A$ agentpack sync
        A$ agentpack upgrade --yes
        A$ compare
    """,
    "a lock is brought up to date, and the files are not": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ line agentpack.yaml '  - alpha==1.0.0' '  - alpha~=1.0'
        A$ agentpack lock --upgrade
        A$ agentpack sync
    """,
    "edits became a variant on a branch that was left": """
        A$ agentpack install alpha[loud]==1.0.0 --source packs
        A$ line .claude/agents/alpha.md '- alpha-r6 is worded as of 0.' '- alpha-r6 is worded as of 0, mine-0001.'
        A$ git add --all
        A$ git commit --message changed
        A$ agentpack keep alpha
        A$ git add --all
        A$ git reset --hard
        A$ agentpack install alpha[loud]==1.1.0 --source packs
    """,
    "a lock with merge markers is written anew": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ line agentpack.yaml '  - alpha==1.0.0' '  - alpha<1.3'
        A$ git add --all
        A$ git commit --message alpha
        A$ git push origin main
        B$ git pull origin main
        B$ agentpack install beta==1.0.0 --source packs
        B$ git add --all
        B$ git commit --message beta
        B$ git push origin main
        A$ agentpack install beta==1.2.0 --source packs
        A$ git add --all
        A$ git commit --message beta
        A$ git pull --no-edit origin main
        A$ git checkout --ours agentpack.yaml .claude/agents/beta.md
        A$ forget-state
        A$ agentpack lock
        A$ agentpack sync
        A$ git add --all
        A$ git commit --message merged
        A$ compare
    """,
    "a merge in conflict is left for an upgrade": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ git add --all
        A$ git commit --message alpha
        A$ line agentpack.yaml '  - alpha==1.0.0' '  - alpha<=1.1'
        A$ line .claude/agents/alpha.md '- alpha-r1 is worded as of 0.' '- alpha-r1 is worded as of 0, mine-0001.'
        A$ git switch --create side
        A$ agentpack upgrade --yes
        A$ git commit --all --message side
        A$ git switch main
        A$ agentpack install alpha==1.3.0 --source packs
        A$ git commit --all --message main
        A$ git merge side
        A$ git checkout --theirs agentpack.yaml
        A$ agentpack upgrade --yes
    """,
    "a release is taken for one file and left for another": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ line agentpack.yaml '  - alpha==1.0.0' '  - alpha<1.2'
        A$ line .claude/agents/alpha.md 'description: "Works as alpha of 1.0.0."' 'description: "Mine, mine-0001."'
        A$ agentpack upgrade --yes --partial
        A$ agentpack sync
    """,
    "a variant was taken back with its lock": """
        A$ agentpack install alpha==1.0.0 --source packs
        A$ git add --all
        A$ agentpack install alpha[quiet]==1.1.0 --source packs
        A$ line .claude/agents/alpha.md '- alpha-r6 is worded as of 0.'
        A$ git restore agentpack.lock agentpack.yaml
        A$ compare
        A$ agentpack sync
    """,
}
"""Lives that once went wrong, as failures tell them."""


@pytest.mark.campaign
@pytest.mark.parametrize("name", STORIES)
def test_what_once_went_wrong_holds(name: str, texts: Mapping[str, Text]) -> None:
    deeds = [Deed.parse(line) for line in STORIES[name].strip().splitlines()]
    life, broken = live(texts, Setting(), deeds)
    assert broken is None, "\n".join((*life.told, str(broken)))


@pytest.mark.slow
@pytest.mark.untraced
def test_whatever_git_does_no_line_is_lost_and_the_lock_is_the_base(
    texts: Mapping[str, Text], capsys: pytest.CaptureFixture[str]
) -> None:
    count = 0
    for count, seed in enumerate(seeds(), 1):
        if count == 1:
            with capsys.disabled():
                print(f"\nlives of two clones, from AGENTPACK_SEED={seed}", file=sys.stderr)
        life, broken = live(texts, setting_of(seed), moved_by(seed))
        if broken is not None:
            pytest.fail(tell(seed, texts, life, broken), pytrace=False)
    assert count
