"""A clone that brings a state folder along, made up in every way: a command that looks does what it does without it."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.effort import usually
from support.hostile_state import LOOKING, LOOKING_TOO, SENSITIVE, attack, calls, stopped_at
from support.running import Agentpack, Ran
from support.trees import STATE, Mark, everything, write_tree
from support.users import NOBODY, found_by, users
from test_believed_state import THERE, in_the_lock, with_history

from agentpack.cli.app import VERBS

EVERY = (*LOOKING, *LOOKING_TOO)
ONLY_LOOK = {
    *("diff", "status", "history", "show", "render", "search", "clients", "explain", "policy", "audit", "doctor"),
    *("source list", "source check"),
}
Words = tuple[str, ...]

# Which commands these are.


def _commands(verb: str) -> Iterator[tuple[Words, set[str]]]:
    """Every command below a verb, with its options."""

    def below(command: Any, words: Words) -> Iterator[tuple[Words, set[str]]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, (*words, name))
        if not getattr(command, "commands", {}) or command.invoke_without_command:
            yield words, {option for parameter in command.params for option in parameter.opts}

    return below(typer.main.get_command(import_module(f"agentpack.cli.{verb}").app), (verb,))


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_that_changes_nothing_is_among_those_that_look(verb: str) -> None:
    for words, options in _commands(verb):
        if words in (("pack",), ("source",)) or words[0] == "cache":
            continue  # prints its help; looks at no project
        asked = [look for look in EVERY if look[: len(words)] == words]
        harmless = {"--check", "--dry-run"} & options
        for option in harmless:
            assert any(option in look for look in asked), (words, option)
        assert asked, words
        assert harmless or not ONLY_LOOK.isdisjoint((words[0], " ".join(words))), words


# What comes along.

FILES = (
    *(".gitignore", "id", "lock", "current", "current.new", "journal", "journal.new"),
    *("generations", "generations/000001.json", "generations/000002.json", "blobs", "blobs/000001.pack"),
)

RECORDED = {name.rpartition("/")[2] for name in FILES} - {".gitignore", "id", "lock", "generations", "blobs"}


def _put(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


def _link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "empty": _put(b""),
    "garbage": _put(b"\xff\x00{[" * 50),
    "one": _put(b"1\n"),
    "far": _put(b"999999999999999999\n"),
    "an id": _put(b"0123456789abcdef0123456789abcdef\n"),
    "newer": _put(b'{"schema": 99, "number": 2}\n'),
    "newer notes": _put(b'["agentpack journal",99,2,".agentpack-0-0"]\n'),
    "endless": _link("/dev/zero"),
    "itself": _link("current"),
    "out": _link("../../../outside"),
    "settings": _link("../../.claude/settings.json"),
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "gone": lambda path: None,
}


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A state folder that comes with a clone."""

    stop: float = 1.0
    """How far its change went."""
    paths: tuple[str, ...] = SENSITIVE
    recorded: bool = True
    elsewhere: bool = False
    damages: tuple[tuple[str, str], ...] = ()
    mode: int | None = None
    link: str = ""
    """What leads where: `state` or `.agentpack`, `inside` or `outside`."""
    whose: str = "mine"
    in_lock: bool = False

    def come(self, project: Path) -> None:
        """Bring it."""
        harm = partial(attack, paths=self.paths, recorded=self.recorded, elsewhere=self.elsewhere)
        asked = calls(project, harm)
        stopped_at(max(2, int(self.stop * len(asked))), project, harm)
        state = project / STATE
        for name, damage in self.damages:
            place = state / name
            if place.parent.is_dir() and not place.parent.is_symlink():
                shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink(missing_ok=True)
                DAMAGES[damage](place)
        for path in (state, *state.rglob("*")):
            if self.mode is not None and not path.is_symlink():
                path.chmod(self.mode | (0o700 if path.is_dir() else 0o400))
        if self.link:
            what, _, where = self.link.partition(" ")
            moved = project / ".agentpack" if what == ".agentpack" else state
            place = project / "elsewhere" if where == "inside" else project.parent / "outside/elsewhere"
            shutil.move(moved, place)
            moved.symlink_to(place)


STATES = st.builds(
    Brought,
    stop=st.floats(0, 1),
    paths=st.lists(st.sampled_from(SENSITIVE), max_size=5, unique=True).map(tuple) | st.just(SENSITIVE),
    recorded=st.booleans(),
    elsewhere=st.booleans(),
    damages=st.lists(
        st.tuples(st.sampled_from(FILES), st.sampled_from(sorted(DAMAGES))), max_size=4, unique_by=lambda one: one[0]
    ).map(tuple),
    mode=st.sampled_from([None, None, 0o6777, 0o7777, 0o600]),
    link=st.sampled_from(["", "", "", "state inside", "state outside", ".agentpack inside", ".agentpack outside"]),
    whose=st.sampled_from(["mine", "mine", "other"]),
    in_lock=st.booleans(),
)

# What is said to it.


class Scene:
    """A clone in which nothing was done yet, as whoever runs the tests and as an ordinary user."""

    def __init__(self, folder: Path, *, ordinary: bool, in_lock: bool) -> None:
        self.folder, self.ordinary = folder, ordinary
        self.project = folder / "project"
        (folder / "home").mkdir(parents=True)
        write_tree(folder / "outside", {"precious": "mine\n"})
        with self._at_home():
            with_history(self.project)
            shutil.rmtree(self.project / ".agentpack")
            if in_lock:
                write_tree(self.project, {path: path for path in THERE})
                in_the_lock(self.project)
            for words in EVERY if not ordinary and not in_lock else ():
                Agentpack(self.project)(*words, expect=None)  # an ordinary user may not see what is to be imported
            shutil.rmtree(folder / "home/.local")
            self._given()
            self.fresh = self.look(EVERY)
        shutil.move(self.project, folder / "kept")

    @contextmanager
    def _at_home(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for kind in ("CACHE", "CONFIG", "STATE"):
                patch.delenv(f"XDG_{kind}_HOME", raising=False)
            patch.setenv("HOME", str(self.folder / "home"))
            yield

    def _given(self, *, state: bool = True) -> None:
        for path in (self.folder, *self.folder.rglob("*")) if self.ordinary else ():
            if state or not path.is_relative_to(self.project / STATE):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def look(self, commands: Sequence[Words]) -> dict[Words, Ran]:
        """What the commands say. Nothing but caches changes."""
        before = self._all()
        agentpack = Agentpack(self.project)
        found = found_by(lambda: {words: agentpack(*words, expect=None) for words in commands}, ordinary=self.ordinary)
        after = self._all()
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        assert not changed
        return found

    def _all(self) -> dict[str, Mark]:
        return everything(self.folder, without=("home/.cache", "kept"))

    def assert_ignored(self, brought: Brought, commands: Sequence[Words]) -> None:
        """What came along changes nothing, but for one note."""
        shutil.copytree(self.folder / "kept", self.project, symlinks=True)
        try:
            with self._at_home():
                brought.come(self.project)
                self._given(state=brought.whose == "mine")
                if brought.whose == "other" and not self.ordinary and os.geteuid() == 0:
                    for path in (self.project / STATE, *(self.project / STATE).rglob("*")):
                        os.chown(path, 12345, 12345, follow_symlinks=False)
                bare = not any(path.name in RECORDED for path in (self.project / STATE).rglob("*"))
                for words, ran in self.look(commands).items():
                    fresh = self.fresh[words]
                    refused = 1 if words[0] == "doctor" else 5  # which tells of a problem and goes on
                    if brought.link == ".agentpack outside" and ran.exit_code == refused != fresh.exit_code:
                        assert "it leads to" in ran.out + ran.err, ran  # local variants would be there as well
                        continue
                    assert ran.exit_code == fresh.exit_code, (words, ran)
                    assert (_plain(ran.out), _plain(ran.err)) == (_plain(fresh.out), _plain(fresh.err)), words
                    told = ran.err.count("was not made by you here")
                    assert told <= 1, (words, ran.err)
                    assert told or "--json" in words or words[0] == "pack" or bare, words
                assert not (self.folder / "home/.local").exists()
        finally:
            shutil.rmtree(self.project)
            shutil.rmtree(self.folder / "outside")
            write_tree(self.folder / "outside", {"precious": "mine\n"})


def _plain(words: str) -> str:
    """What a command said, without the note about the state."""
    return re.sub(r"note: [^\n]*was not made by you[^\n]*\n", "", words)


@pytest.fixture(scope="module")
def scenes() -> Iterator[Mapping[tuple[bool, bool], Scene]]:
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield {
            (ordinary, in_lock): Scene(Path(folder, f"{ordinary}-{in_lock}"), ordinary=ordinary, in_lock=in_lock)
            for ordinary in users()
            for in_lock in (False, True)
        }


@pytest.mark.slow
@pytest.mark.untraced
@settings(max_examples=usually(2, thorough=8, nightly=100))
@given(brought=STATES, commands=st.lists(st.sampled_from(EVERY), min_size=12, max_size=12, unique=True))
@example(brought=Brought(), commands=list(EVERY))
@example(brought=Brought(stop=0.5, mode=0o6777, whose="other", in_lock=True), commands=list(EVERY))
@example(brought=Brought(link=".agentpack inside", in_lock=True), commands=list(EVERY))
def test_a_state_that_came_with_a_clone_changes_nothing_that_a_command_says_or_does(
    scenes: Mapping[tuple[bool, bool], Scene], brought: Brought, commands: list[Words]
) -> None:
    for ordinary in users():
        scenes[ordinary, brought.in_lock].assert_ignored(brought, commands)
