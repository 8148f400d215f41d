"""What other tools make of our files: `nox -s other_tools` installs them; a test whose tool is missing is skipped."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.packs import make_pack, persona_text, publish
from support.repositories import Repository
from support.running import Agentpack

pytestmark = pytest.mark.untraced
ROOT = Path(__file__).parent.parent
AGENT = ".claude/agents/reviewer.md"


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"needs {tool}: `nox -s other_tools`")


def run(*words: str, folder: Path = ROOT, expect: int = 0) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == expect, said
    return said


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(words.split(), marks=needs(words.split()[0]), id=words.split()[0])
        for words in (
            "zizmor --offline --no-progress --persona pedantic action.yml .github/workflows",
            "actionlint",
            "renovate-config-validator --strict default.json",
            "shellcheck ci/upgrade.sh",
        )
    ],
)
def test_a_validator_has_nothing_to_say(call: list[str]) -> None:
    run(*call)


def reviews(version: str) -> dict[str, bytes]:
    text = persona_text("reviewer", f"You review {version}.\n\n- Say what you saw. {{#say}}\n", tools=["read"])
    return make_pack("reviews", version, personas={"reviewer": text})


def edit(project: Path) -> None:
    with (project / AGENT).open("a", encoding="utf-8") as file:
        file.write("- Our services speak GraphQL.\n")


def delete(project: Path) -> None:
    (project / AGENT).unlink()


def limit(project: Path) -> None:
    manifest = project / "agentpack.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("- reviews", "- reviews<2"), encoding="utf-8")


def release(project: Path) -> None:
    publish(project / "packs", reviews("1.1.0"))


FAULTS: list[tuple[Callable[[Path], None], str, list[str]]] = [
    (edit, f"{AGENT}  edited by hand", ["sync", "--frozen", "--discard-edits"]),
    (delete, f"{AGENT}  missing; `agentpack sync` restores it", ["sync"]),
    (limit, "agentpack.lock  is out of date with agentpack.yaml: run `agentpack sync`", ["sync"]),
    (release, "reviews 1.0.0 -> 1.1.0", ["upgrade", "--yes"]),
]


def hooks_of_this_checkout(folder: Path) -> str:
    """Clone this checkout as it stands, what is not committed included. Returns its commit."""
    run("git", "clone", "--quiet", str(ROOT), str(folder))
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=a@b", "-C", str(folder))
    for path in run("git", "ls-files", "--modified", "--others", "--exclude-standard").splitlines():
        if (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--allow-empty", "--message", "as it stands")
    return run(*git, "rev-parse", "HEAD").strip()


@needs("pre-commit")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_hook_fails_with_one_sentence_and_passes_once_mended(
    agentpack: Agentpack, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a clone that has nothing but the configuration, manifest, lock, agent files and packs."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    commit = hooks_of_this_checkout(tmp_path / "hub")
    publish(project / "packs", reviews("1.0.0"))
    agentpack("install", "reviews", "--source", "packs", "--client", "claude")
    ids = "".join(f"      - id: agentpack-{name}\n" for name in ("check", "lint", "upgrade"))
    config = f"repos:\n  - repo: {tmp_path / 'hub'}\n    rev: {commit}\n    hooks:\n{ids}"
    (project / ".pre-commit-config.yaml").write_text(config)
    origin = Repository(project)
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "agents")
    clone = tmp_path / "clone"
    run("git", "clone", "--quiet", str(project), str(clone))

    def hooks(expect: int) -> list[str]:
        return run("pre-commit", "run", "--all-files", folder=clone, expect=expect).splitlines()

    passed = ["Passed"] * 3
    assert [line.rpartition(".")[2] for line in hooks(0)[-3:]] == passed
    for fault, sentence, mend in FAULTS:
        fault(clone)
        failed = hooks(1)
        assert sentence in failed, "\n".join(failed)
        agentpack(*mend, "--root", str(clone))
        assert [line.rpartition(".")[2] for line in hooks(0)[-3:]] == passed
