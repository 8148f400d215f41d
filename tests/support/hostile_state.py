"""State folders that somebody made to do harm: what they say, and where the change in them was stopped."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from faults.scene import roots
from support.crashing_disk import CrashingDisk, in_a_child
from support.trees import STATE

from agentpack.apply import Step, recover, transact
from agentpack.disk import Disk
from agentpack.model.history import Generation, InstalledFile
from agentpack.model.names import digest_of
from agentpack.store import Store
from agentpack.store.process_lock import process_lock

LOOKING = (
    ("status",),
    ("diff",),
    ("diff", "--upgrade"),
    ("show", "crew"),
    ("explain", "reviewer"),
    ("history",),
    ("history", "show", "1"),
    ("history", "prune", "--dry-run"),
    ("sync", "--check"),
    ("sync", "--dry-run"),
    ("lock", "--check"),
    ("upgrade", "--check"),
    ("upgrade", "--dry-run"),
    ("install", "other", "--dry-run"),
    ("uninstall", "crew", "--dry-run"),
    ("rollback", "--dry-run"),
    ("keep", "reviewer", "--patch"),
    ("audit",),
    ("policy", "explain"),
    ("doctor",),
)
"""One of each kind."""
LOOKING_TOO = (
    ("status", "--json"),
    ("diff", "--stat"),
    ("diff", "--format", "rules"),
    ("diff", "--format", "github"),
    ("diff", "--from", "crew@1.0.0", "--to", "crew@1.1.0"),
    ("render", "crew"),
    ("search", "crew"),
    ("clients",),
    ("history", "--json"),
    ("sync", "--discard-edits", "--dry-run"),
    ("sync", "--locked", "--dry-run"),
    ("sync", "--frozen", "--check"),
    ("sync", "--frozen", "--dry-run"),
    ("lock", "--dry-run"),
    ("lock", "--upgrade", "--check"),
    ("upgrade", "--latest", "--dry-run"),
    ("install", "crew", "--discard-edits", "--dry-run"),
    ("uninstall", "crew", "--discard-edits", "--dry-run"),
    ("rollback", "1", "--dry-run"),
    ("keep", "reviewer", "--dry-run"),
    ("adopt", ".claude/agents/reviewer.md", "--dry-run"),
    ("audit", "--format", "sarif"),
    ("audit", "other"),
    ("policy", "explain", "other"),
    ("pack", "new", "fresh", "--dry-run"),
    ("pack", "check", "packs/crew/1.1.0"),
    ("pack", "check", "packs/crew/1.1.0", "--fix", "--dry-run"),
    ("pack", "test", "packs/crew/1.1.0", "--dry-run"),
    ("pack", "build", "packs/crew/1.1.0", "--dry-run"),
    ("bundle", "--dry-run"),
    ("source", "list"),
    ("source", "check"),
    ("source", "add", "more", "packs", "--dry-run"),
    ("source", "remove", "packs", "--dry-run"),
)
"""The other commands that change nothing, and further ways to call these."""
WITHOUT_STATE = ("show", "render", "search", "clients", "policy", "pack", "doctor")
"""Commands that ask neither what is installed nor what was done."""
SENSITIVE = (
    *(".claude/settings.json", ".claude/settings.local.json", ".claude/CLAUDE.md", ".claude/commands/planted.md"),
    *(".claude/agents/planted.sh", ".claude/agents/PLANTED.md", ".claude/agents/.a/planted.md", ".claude/planted.md"),
    *(".codex/config.toml", ".cursor/mcp.json", ".cursor/rules/planted.mdc", ".gemini/settings.json", ".mcp.json"),
    *(".vscode/tasks.json", ".vscode/settings.json", ".idea/workspace.xml", ".devcontainer/devcontainer.json"),
    *(".github/workflows/ci.yaml", ".github/agents/planted.md", ".gitlab-ci.yml", ".husky/pre-commit", ".gitmodules"),
    *(".pre-commit-config.yaml", ".gitattributes", ".envrc", ".env", ".npmrc", "package.json", "pyproject.toml"),
    *("conftest.py", "setup.py", "Makefile", "Dockerfile", "CLAUDE.md", "AGENTS.md", "src/main.py"),
    *(".agentpack/clients/planted.yaml", ".agentpack/variants/planted.md", ".agentpack/policy.yaml", "planted.md"),
)
"""Files that run programs or steer agents, and that no client reads as an agent of agentpack's."""


Attack = Callable[[Path, Disk], None]


def attack(
    project: Path,
    disk: Disk,
    *,
    paths: tuple[str, ...] = SENSITIVE,
    gone: tuple[str, ...] = ("README.md",),
    recorded: bool = True,
    elsewhere: bool = False,
) -> None:
    """What the state of a hostile clone says: files that run programs, a file that goes.

    Args:
        recorded: whether the record that comes with the journal lists the files too.
        elsewhere: whether it lists them as files that stay where a variable led before.
    """
    store = Store(disk)
    with process_lock(disk):
        recover(disk, store)
        current = store.generations.current()
        named = (path for path in (*paths, *gone) if (project / path).exists())
        there = {path: digest_of((project / path).read_bytes()) for path in named}
        steps = [Step(path, there.get(path), path.encode(), mode=0o6755) for path in paths]
        steps += [Step(path, there[path], None) for path in gone]
        texts = ((path, digest_of(path.encode())) for path in paths if recorded)
        rows = tuple(InstalledFile(path, "claude", "crew", "planted", text, text, 0o6755) for path, text in texts)
        generation = Generation(
            number=current + 1,
            parent=current,
            time="2026-11-23T10:00:00Z",
            command="install",
            pins=(),
            files=() if elsewhere else rows,
            documents=(),
            elsewhere=rows if elsewhere else (),
        )
        transact(disk, store, steps=steps, generation=generation)


def stopped_at(number: int, project: Path, attack: Attack = attack) -> None:
    """Leave the state of a change that is killed at a call; what it did to the other files is taken back."""
    with tempfile.TemporaryDirectory() as kept:
        shutil.copytree(project, f"{kept}/project", symlinks=True)
        in_a_child(partial(attack, project, CrashingDisk(roots(project), stop_after=number, sync=False)))
        shutil.copytree(project / STATE, f"{kept}/state", symlinks=True)
        shutil.rmtree(project)
        shutil.copytree(f"{kept}/project", project, symlinks=True)
        shutil.rmtree(project / STATE, ignore_errors=True)
        shutil.copytree(f"{kept}/state", project / STATE, symlinks=True)


def calls(project: Path, attack: Attack = attack) -> list[str]:
    """What the change of a hostile clone asks of the disk."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(project, f"{folder}/copy"))
        disk = CrashingDisk(roots(copy), sync=False)
        attack(copy, disk)
        return disk.calls
