"""The hooks for pre-commit say in one sentence what is wrong, and pass once it is mended."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.read_only import can_be_made, run_where_nothing_can_be_written
from support.running import Agentpack, Ran
from support.trees import tree

ROOT = Path(__file__).parent.parent
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
AGENT = ".claude/agents/python-engineer.md"


def run(agentpack: Agentpack, hook: str, expect: int) -> Ran:
    """Run a hook as pre-commit does, without file names."""
    words: list[str] = [*HOOKS[hook]["entry"].split(), *HOOKS[hook].get("args", ())]
    assert words[0] == "agentpack"
    return agentpack(*words[1:], expect=expect)


def edit(project: Path) -> None:
    with (project / AGENT).open("a", encoding="utf-8") as file:
        file.write("- Our services speak GraphQL.\n")


def delete(project: Path) -> None:
    (project / AGENT).unlink()


def widen(project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("==2.0.0", ">=2,<3"), encoding="utf-8")


def forget_description(project: Path) -> None:
    path = project / ".claude/agents/smith.md"
    path.write_text("---\nname: smith\n---\nYou work.\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("hook", "fault", "sentence", "mend"),
    [
        ("agentpack-check", edit, f"{AGENT}  edited by hand", ["sync", "--frozen", "--discard-edits"]),
        ("agentpack-check", delete, f"{AGENT}  missing; `agentpack sync` restores it", ["sync"]),
        (
            "agentpack-check",
            widen,
            "agentpack.lock  is out of date with agentpack.yaml: run `agentpack sync`",
            ["sync"],
        ),
        ("agentpack-upgrade", widen, "python-engineer 2.0.0 -> 2.1.0", ["upgrade", "--yes"]),
        ("agentpack-lint", forget_description, ".claude/agents/smith.md: A202 ", []),
    ],
)
def test_a_hook_fails_with_a_sentence_and_passes_once_mended(
    agentpack: Agentpack, project: Path, hook: str, fault: Callable[[Path], None], sentence: str, mend: list[str]
) -> None:
    agentpack("install", "python-engineer==2.0.0")
    run(agentpack, hook, 0)
    fault(project)
    failed = run(agentpack, hook, 1)
    assert [line for line in (failed.out + failed.err).splitlines() if line.startswith(sentence)]
    if hook == "agentpack-upgrade":
        assert failed.err.splitlines()[-1].startswith("hint: `agentpack upgrade` makes these changes")
    if mend:
        agentpack(*mend)
    else:
        (project / ".claude/agents/smith.md").unlink()
    run(agentpack, hook, 0)


@pytest.mark.many
@pytest.mark.parametrize("fault", [None, edit, delete, widen], ids=["none", "edit", "delete", "widen"])
def test_a_checkout_that_cannot_be_written_is_checked_like_any(
    agentpack: Agentpack, project: Path, fault: Callable[[Path], None] | None
) -> None:
    """As a runner mounts it, without the state of the checkout in which it was installed."""
    if not can_be_made(project):
        pytest.skip("no folder can be made read-only here")
    agentpack("install", "python-engineer==2.0.0")
    shutil.rmtree(project / ".agentpack")
    if fault:
        fault(project)
    before = tree(project)
    calls = [[*hook["entry"].split()[1:], *hook.get("args", ())] for hook in HOOKS.values()]
    calls += [["lock", "--check"], ["diff", "--format", "github"], ["sync", "--check", "--format", "junit"], ["audit"]]
    for words in calls:
        expected = agentpack(*words, expect=None)
        shutil.rmtree(project / ".agentpack", ignore_errors=True)
        ran = run_where_nothing_can_be_written(project, project, words)
        assert (ran.exit_code, ran.out) == (expected.exit_code, expected.out), (words, ran.err)
        assert words != ["sync", "--check"] or ran.exit_code == bool(fault)
    assert tree(project) == before


def test_each_hook_is_installed_as_python_and_documented() -> None:
    page = (ROOT / "docs/how-to/use-in-ci.md").read_text(encoding="utf-8")
    for name, hook in HOOKS.items():
        assert (hook["language"], hook["pass_filenames"]) == ("python", False), name
        assert f"id: {name}" in page


def test_the_hook_that_checks_runs_also_where_only_a_deletion_is_staged() -> None:
    checks: dict[str, Any] = HOOKS["agentpack-check"]
    assert checks["always_run"] is True
    assert "files" not in checks
