"""Damage at every place below the user's own folders: the cache, the ids of known states, the user scope.

A command works as before, or as in a fresh clone where the damage takes the knowledge of what was done here, or changes
nothing and says why. The cache is worth nothing: with a damaged one the second attempt succeeds, or for the mirror of a
repository the one after `cache prune --all`.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.effort import every, usually
from support.packs import BODY, make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack, Ran
from support.trees import marks
from support.web_server import WebServer, content
from test_damaged_state import DAMAGES, Damage, is_honest

from agentpack.input.archives import write_archive

pytestmark = [pytest.mark.campaign, pytest.mark.usefixtures("unshipped")]

COMMANDS = (
    "status",
    "diff",
    "sync",
    "sync --locked",
    "lock --upgrade",
    "upgrade --yes",
    "install far --only more",
    "uninstall crew --discard-edits",
    "rollback",
    "audit",
    "explain reviewer",
    "status --user",
    "sync --user",
    "upgrade --yes --user",
    "rollback --user",
)
STRIDE = usually(13, thorough=3, nightly=1)


def _another(path: Path) -> None:
    """Put another valid file of the kind there, if there is one."""
    others = sorted(one for one in path.parent.parent.glob(f"*/*{path.suffix}") if one.is_file() and one != path)
    if others:
        path.chmod(0o600)
        path.write_bytes(others[0].read_bytes())


ALL: Mapping[str, Damage] = {**DAMAGES, "another of its kind": _another}


def _make(box: Path, server: WebServer) -> None:
    """A project with packs from a folder, a repository and an archive, an edit, and a user scope with two changes."""
    agentpack = Agentpack(box / "project")
    newer = persona_text(body=f"{BODY}- One more. {{#more}}\n")
    publish(agentpack.folder / "packs", make_pack("crew"), make_pack("crew", "1.1.0", personas={"reviewer": newer}))
    two = {name: persona_text(name, body=f"You are {name}.\n") for name in ("far", "more")}
    far = Repository(box / "far").commit(make_pack("far", personas=two)).tag("v1.0.0")
    agentpack("install", "crew==1.0.0", "--source", "packs", "--client", "claude")
    agentpack("install", f"git+{far.address}", "--only", "far")
    agentpack("install", server.url("/kit-1.0.tar.gz"))
    agentpack("install", "python-engineer==1.0.0", "--client", "claude", "--user")
    agentpack("install", "python-engineer[strict-typing]>=1,<2", "--user")
    manifest = agentpack.folder / "agentpack.yaml"
    manifest.write_text(manifest.read_text().replace("crew==1.0.0", "crew"))
    with open(agentpack.folder / ".claude/agents/reviewer.md", "a") as file:
        file.write("- My own line.\n")


class Box:
    """All folders of the scene, as they were and as they are."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder, self.kept = folder, kept
        self.agentpack = Agentpack(folder / "project")
        for name in ("project", "home"):
            shutil.copytree(folder / name, kept / name, symlinks=True)

    def reset(self) -> None:
        for name in ("project", "home"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(self.kept / name, self.folder / name, symlinks=True)

    def places(self) -> list[str]:
        """Every file below the home folder that is agentpack's own."""
        files = (path for path in (self.kept / "home").rglob("*") if path.is_file())
        return sorted(path.relative_to(self.kept).as_posix() for path in files if ".claude" not in path.parts)

    def seen(self) -> dict[str, bytes]:
        """All that a person or a client sees."""
        found = {f"project/{path}": mark.content for path, mark in marks(self.folder / "project").items()}
        home = marks(self.folder / "home", without=(".cache", ".local"))
        return {**found, **{f"home/{path}": mark.content for path, mark in home.items()}}

    def run(self, command: str, before: Callable[[], object] = lambda: None) -> tuple[Ran, dict[str, bytes]]:
        """What a command did to the scene, and what is seen afterwards."""
        self.reset()
        before()
        ran = self.agentpack(*command.split(), expect=None)
        return ran, self.seen()


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    kit = write_archive({"agents/one.md": b"---\nname: one\ndescription: One.\n---\nYou are one.\n"}, prefix="kit-1.0")
    with WebServer({"/kit-1.0.tar.gz": content(kit)}) as found:
        yield found


@pytest.mark.untraced
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_all_or_nothing_whatever_is_damaged_in_the_home(
    tmp_path: Path, project: Path, tmp_path_factory: pytest.TempPathFactory, server: WebServer, command: str
) -> None:
    _make(tmp_path, server)
    box = Box(tmp_path, tmp_path_factory.mktemp("kept"))
    good, after = box.run(command)
    unknown, fresh = box.run(command, lambda: shutil.rmtree(tmp_path / "home/.local/state/agentpack/projects"))
    wrong = []
    damages = ((place, name) for place in box.places() for name in ALL)
    for place, name in every(STRIDE, damages, COMMANDS.index(command)):
        before: dict[str, bytes] = {}

        def harm(place: str = place, name: str = name, before: dict[str, bytes] = before) -> None:
            ALL[name](tmp_path / place)
            before |= box.seen()

        ran, seen = box.run(command, harm)
        as_good = (ran.exit_code, seen) == (good.exit_code, after)
        as_fresh = "/projects/" in place and (ran.exit_code, seen) == (unknown.exit_code, fresh)
        of_user = place.startswith("home/.config") and ran.exit_code in (0, 1)
        refused = ran.exit_code > 1 and seen == before
        if not is_honest(ran) or not (as_good or as_fresh or of_user or refused):
            wrong.append(f"{place} {name}: {ran.exit_code} {ran.err}")
        if place.startswith("home/.cache") and not as_good:
            if "/git/" in place:
                assert "mirror" in ran.err, (place, name, ran.err)
                box.agentpack("cache", "prune", "--all")
            again = box.agentpack(*command.split(), expect=None)
            if (again.exit_code, box.seen()) != (good.exit_code, after):
                wrong.append(f"{place} {name}: again {again.exit_code} {again.err}")
    assert wrong == []
