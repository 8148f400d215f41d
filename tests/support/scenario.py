"""Stories of what a user does and sees, one text file each: run line by line and written down again.

    # words for the reader
    write PATH              a file with the indented lines below
    edit PATH               in a file, `- old` lines become `+ new` lines; `+` lines alone are added at its end
    copy FROM PATH          a folder; `bundled/…` are the packs that come with agentpack
    remove PATH
    chmod MODE PATH
    cd PATH
    $ agentpack …           `1|` what it says on stdout, `2|` on stderr, then its exit code
    $ git …                 at one fixed time, so that commits have the same names in every run
    show PATH               what is in a file
    lines PATH TEXT         the lines of a file that hold a text
    list [PATH]             the files below a folder, agentpack's own state left out
    remember NAME           every file below this folder
    same NAME               says whether bytes, modes and times of writing are those remembered
    same-bytes NAME         says whether bytes and modes are

All happens in `/box`, which stands for the test's own folder, and begins in `/box/project`, an empty git repository.
Times are `TIME`, digests `DIGEST`, sizes of archives `SIZE`.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.running import Agentpack
from support.trees import Mark, marks

from agentpack.sources.bundled import bundled_folder

_ID = re.compile(r"(?<=/agentpack/projects/)[0-9a-f]{32}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ| \d\d:\d\d:\d\d [+-]\d{4})")
_DIGEST = re.compile(r"(?:sha256:)?\b[0-9a-f]{64}\b|sha256:[0-9a-f]{12}\b")
_SIZE = re.compile(r"\(\d+ bytes\)")
"""Of an archive: how well it is compressed depends on the library that does it."""
_INSTALLATION = re.compile(r"^\w+ +(?:python|agentpack|libraries|bundled) .*\n", re.MULTILINE)
"""What `doctor` says of the program itself, which is elsewhere on every machine."""
_OUTPUT = re.compile(r"(?:[12]\| ?|exit |    )")
_SAYS = ("$", "show", "lines", "list", "same", "same-bytes")
_INDENT = "    "


@contextlib.contextmanager
def _only_git(box: Path) -> Iterator[None]:
    """A search path with nothing but git, so that `doctor` finds the same programs everywhere."""
    git = box / "bin/git"
    if not git.exists():
        git.parent.mkdir()
        git.symlink_to(shutil.which("git") or "git")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(git.parent))
        yield


class Step(NamedTuple):
    """One line that does something, and the indented lines that belong to it."""

    line: str
    block: tuple[str, ...]


def steps_of(text: str) -> Iterator[Step]:
    """The steps of a story, without what was written down as output; comments and empty lines do nothing."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if not line or line.startswith("#"):
            yield Step(line, ())
            continue
        block = []
        while at < len(lines) and (_OUTPUT.match(lines[at]) or _is_inside(lines, at)):
            block.append(lines[at])
            at += 1
        yield Step(line, () if line.split()[0] in _SAYS else tuple(block))


def _is_inside(lines: list[str], at: int) -> bool:
    """Whether an empty line stands between two lines of a block."""
    rest = next((line for line in lines[at:] if line), "")
    return not lines[at] and rest.startswith(_INDENT)


class Story:
    """The state of one run."""

    def __init__(self, box: Path) -> None:
        self.box = box.resolve()
        self.folder = self.box / "project"
        self.agentpack = Agentpack(self.folder)
        self.remembered: dict[str, dict[str, Mark]] = {}

    def run(self, text: str) -> str:
        """Do every step and return the story with what really happened."""
        told: list[str] = []
        for step in steps_of(text):
            told.append(step.line)
            told.extend(step.block)
            if step.line and not step.line.startswith("#"):
                told.extend(self._plain(line) for line in self._do(step))
        return "\n".join(told) + "\n"

    def _plain(self, line: str) -> str:
        line = _ID.sub("ID", line.replace(str(self.box), "/box"))
        line = _SIZE.sub("(SIZE)", _TIME.sub("TIME", line))
        return _DIGEST.sub("DIGEST", line).rstrip()

    def _do(self, step: Step) -> Iterator[str]:
        verb, *words = shlex.split(step.line)
        if verb == "$":
            yield from self._command(words)
            return
        action = getattr(self, "_" + verb.replace("-", "_"), None)
        assert action is not None, f"a story does not know `{verb}`"
        yield from action(step, *words) or ()

    def _command(self, words: list[str]) -> Iterator[str]:
        words = [re.sub(r"^(|(?:git\+)?file://)/box/", rf"\g<1>{self.box}/", word) for word in words]
        if words[0] == "agentpack":
            is_doctor = words[1:] == ["doctor"]
            with _only_git(self.box) if is_doctor else contextlib.nullcontext():
                code, out, err = self.agentpack(*words[1:], cwd=self.folder, expect=None)
            out = _INSTALLATION.sub("", out) if is_doctor else out
        else:
            dates = {f"GIT_{who}_DATE": "2026-01-02T03:04:05Z" for who in ("AUTHOR", "COMMITTER")}
            done = subprocess.run(
                words, cwd=self.folder, env={**os.environ, **dates}, capture_output=True, text=True, check=False
            )
            code, out, err = done.returncode, done.stdout, done.stderr
        yield from (f"1| {line}" for line in out.splitlines())
        yield from (f"2| {line}" for line in err.splitlines())
        yield f"exit {code}"

    def _place(self, path: str) -> Path:
        if path.startswith("bundled/"):
            return Path(bundled_folder() or "") / path.removeprefix("bundled/")
        return self.box / path.removeprefix("/box/") if path.startswith("/box/") else self.folder / path

    def _write(self, step: Step, path: str) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(line.removeprefix(_INDENT) + "\n" for line in step.block), encoding="utf-8")

    def _edit(self, step: Step, path: str) -> None:
        place = self._place(path)
        lines = [line.removeprefix(_INDENT) for line in step.block]
        old = "".join(line[2:] + "\n" for line in lines if line.startswith("-"))
        new = "".join(line[2:] + "\n" for line in lines if line.startswith("+"))
        text = place.read_text(encoding="utf-8")
        if old:
            assert text.count(old) == 1, f"{path} holds these lines {text.count(old)} times: {old}"
        place.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")

    def _copy(self, step: Step, source: str, path: str) -> None:
        shutil.copytree(self._place(source), self._place(path))

    def _remove(self, step: Step, path: str) -> None:
        place = self._place(path)
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    def _chmod(self, step: Step, mode: str, path: str) -> None:
        self._place(path).chmod(int(mode, 8))

    def _cd(self, step: Step, path: str) -> None:
        self.folder = self._place(path)

    def _show(self, step: Step, path: str) -> Iterator[str]:
        if not self._place(path).exists():
            yield _INDENT + "(missing)"
            return
        for line in self._place(path).read_text(encoding="utf-8").splitlines():
            yield _INDENT + line if line else ""

    def _lines(self, step: Step, path: str, text: str) -> Iterator[str]:
        found = [line for line in self._place(path).read_text(encoding="utf-8").splitlines() if text in line]
        yield from (_INDENT + line for line in found or ["(none)"])

    def _list(self, step: Step, path: str = ".") -> Iterator[str]:
        yield from (_INDENT + name for name in list(marks(self._place(path))) or ["(nothing)"])

    def _remember(self, step: Step, name: str) -> None:
        self.remembered[name] = marks(self.folder)

    def _same(self, step: Step, name: str) -> Iterator[str]:
        yield from self._compare(self.remembered[name], marks(self.folder))

    def _same_bytes(self, step: Step, name: str) -> Iterator[str]:
        before = {path: mark._replace(written=0) for path, mark in self.remembered[name].items()}
        yield from self._compare(before, {path: mark._replace(written=0) for path, mark in marks(self.folder).items()})

    def _compare(self, before: dict[str, Mark], now: dict[str, Mark]) -> Iterator[str]:
        differing = sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
        yield _INDENT + (f"differs: {', '.join(differing)}" if differing else "yes")
