"""The hooks for pre-commit say in one sentence what is wrong, and pass once it is mended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.running import Agentpack, Ran

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
    if mend:
        agentpack(*mend)
    else:
        (project / ".claude/agents/smith.md").unlink()
    run(agentpack, hook, 0)


def test_each_hook_is_installed_as_python_and_documented() -> None:
    page = (ROOT / "docs/how-to/use-in-ci.md").read_text(encoding="utf-8")
    for name, hook in HOOKS.items():
        assert (hook["language"], hook["pass_filenames"]) == ("python", False), name
        assert f"id: {name}" in page


def test_the_hook_that_checks_runs_also_where_only_a_deletion_is_staged() -> None:
    checks: dict[str, Any] = HOOKS["agentpack-check"]
    assert checks["always_run"] is True
    assert "files" not in checks
