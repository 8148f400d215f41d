"""Damage at every place of the state, under every command that changes something.

Whatever is damaged, a command either does all of it and ends with 0, or changes nothing, says so and ends otherwise:
nothing that can fail is left for after the change.
"""

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.crashing_disk import killed_at
from support.effort import usually
from support.packs import BODY, make_pack, persona_text, publish, variant_text
from support.running import Agentpack, Ran
from support.trees import STATE, modes, write_tree

pytestmark = [pytest.mark.campaign, pytest.mark.usefixtures("unshipped")]

AGENT = ".claude/agents/reviewer.md"
COMMANDS = (
    "install other",
    "install crew[calm]",
    "uninstall crew --discard-edits",
    "uninstall mine",
    "sync",
    "sync --discard-edits",
    "lock --upgrade",
    "upgrade --yes",
    "keep reviewer",
    "adopt .claude/agents/found.md",
    "rollback",
    "rollback 1",
    "history prune --keep 1",
)
LOOKING = ("status", "sync --check", "install crew[calm]", "uninstall mine", "rollback")
"""Commands that come upon an interrupted change."""
Damage = Callable[[Path], None]


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: Mapping[str, Damage] = {
    "emptied": _emptied,
    "cut off": _cut_off,
    "a byte changed": _changed,
    "a folder": _a_folder,
    "removed": Path.unlink,
}


KINDS = usually(1, thorough=2, nightly=len(DAMAGES))
"""How many kinds of damage each file suffers under each command."""


def _history(agentpack: Agentpack) -> None:
    """Four generations: a file of the user's that was taken over, an edit, a variant, two packs."""
    project = agentpack.folder
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    calm = {"reviewer/calm": variant_text("## More {#more-of-it}\n\n- Be calm. {#calm}\n")}
    publish(
        project / "packs",
        make_pack("crew", variants=calm),
        make_pack("crew", "1.1.0", personas={"reviewer": newer}, variants=calm),
        make_pack("mine", personas={"mine": persona_text("mine")}),
        make_pack("other", personas={"tester": persona_text("tester")}),
    )
    write_tree(project, {".claude/agents/mine.md": "by hand\n"})
    agentpack("install", "mine", "--adopt", "--source", "packs", "--client", "claude")
    agentpack("install", "crew==1.0.0")
    (project / "agentpack.yaml").write_text((project / "agentpack.yaml").read_text().replace("crew==1.0.0", "crew"))
    with open(project / AGENT, "a") as file:
        file.write("- My own line.\n")
    agentpack("lock")
    found = persona_text("found", body="You are found.\n")
    write_tree(project, {".claude/agents/found.md": found})


def _places(project: Path) -> Iterator[str]:
    """Every file of the state, manifest and lock."""
    for path in sorted((project / STATE).rglob("*")):
        if path.is_file():
            yield path.relative_to(project).as_posix()
    yield from ("agentpack.yaml", "agentpack.lock")


def _damages(project: Path, command: int) -> Iterator[tuple[str, str, Damage]]:
    """What is damaged under the command with this number, and how: another damage of each place under the next one."""
    kinds = list(DAMAGES.items())
    for number, place in enumerate(_places(project), command):
        for name, damage in (kinds[(number + 2 * more) % len(kinds)] for more in range(KINDS)):
            yield place, name, damage


def _visible(project: Path) -> dict[str, tuple[bytes, int]]:
    """All that a person or a client sees."""
    return {path: mark for path, mark in modes(project).items() if not path.startswith(".agentpack/state")}


def is_honest(ran: Ran) -> bool:
    is_told = ran.exit_code in (0, 1, 2) or "hint: " in ran.err
    return ran.exit_code in (0, 1, 2, 3, 4, 5, 6) and "Traceback" not in ran.err and is_told


def _box(folder: Path, good: Path) -> Agentpack:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder, symlinks=True)
    return Agentpack(folder / "project")


@pytest.mark.untraced
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_all_or_nothing_whatever_is_damaged(
    agentpack: Agentpack, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    _history(agentpack)
    good = tmp_path_factory.mktemp("kept") / "box"
    shutil.copytree(tmp_path, good, symlinks=True)
    project = agentpack.folder
    agentpack(*command.split())
    after, wrong = _visible(project), []
    for place, name, damage in _damages(good / "project", COMMANDS.index(command)):
        _box(tmp_path, good)
        damage(project / place)
        damaged = _visible(project)
        ran = agentpack(*command.split(), expect=None)
        wanted = damaged if ran.exit_code else after if place.startswith(STATE) else _visible(project)
        if not is_honest(ran) or _visible(project) != wanted:
            wrong.append(f"{place} {name}: {ran.exit_code} {ran.err}")
    assert wrong == []


@pytest.mark.untraced
@pytest.mark.parametrize("command", LOOKING)
def test_an_interrupted_change_ends_on_one_side_whatever_is_damaged(
    agentpack: Agentpack, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    _history(agentpack)
    good = tmp_path_factory.mktemp("kept") / "box"
    shutil.copytree(tmp_path, good, symlinks=True)
    project, words = agentpack.folder, command.split()
    before = _visible(project)
    agentpack(*words, expect=None)
    instead = _visible(project)
    _box(tmp_path, good)
    _, asked = killed_at(None, lambda: agentpack("install", "other"))
    done = _visible(project)
    agentpack(*words, expect=None)
    afterwards = _visible(project)
    _box(tmp_path, good)
    renames = [number for number, call in enumerate(asked) if call == "rename"]
    decision = next(number for number in renames if "write" not in asked[number:])
    assert killed_at(decision + 3, lambda: agentpack("install", "other"))[0] == -signal.SIGKILL
    shutil.rmtree(good)
    shutil.copytree(tmp_path, good, symlinks=True)
    half, wrong = _visible(project), []
    assert half not in (before, done)
    for place, name, damage in _damages(good / "project", LOOKING.index(command)):
        if place.startswith(STATE):
            _box(tmp_path, good)
            damage(project / place)
            ran = agentpack(*words, expect=None)
            wanted = (half, before, done) if ran.exit_code > 1 else (instead, afterwards)
            is_unknown = "was not made by you here" in ran.err or (place, name) == (f"{STATE}/journal", "removed")
            if not is_honest(ran) or (_visible(project) not in wanted and not is_unknown):
                wrong.append(f"{place} {name}: {ran.exit_code} {ran.err}")
    assert wrong == []
