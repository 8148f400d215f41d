"""What the shell offers behind an option, a name or a number."""

import contextlib
import io
from pathlib import Path

import pytest
from support.packs import make_pack, publish, variant_text
from support.running import Agentpack
from support.web_server import WebServer

from agentpack.cli.app import run


@pytest.fixture
def installed(agentpack: Agentpack, project: Path) -> Agentpack:
    parameters = {
        "tone": {"type": "string", "default": "calm", "choices": ["calm", "loud"], "description": "How it talks."},
        "terse": {"type": "boolean", "default": False, "description": "Whether it is short."},
        "words": {"type": "string", "default": "some", "choices": ["some", "two words", "$(x)"], "description": "Few."},
    }
    variants = {f"reviewer/{name}": variant_text() for name in ("one", "other", "two")}
    publish(project / "packs", make_pack(variants=variants, parameters=parameters))
    agentpack("install", "data-reviewer", "--source", "packs")
    return agentpack


def offered(agentpack: Agentpack, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What bash is told when the last word is to be completed."""
    monkeypatch.setenv("_AGENTPACK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "\n".join(["agentpack", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    out = io.StringIO()
    with contextlib.chdir(agentpack.folder), contextlib.redirect_stdout(out), pytest.raises(SystemExit):
        run([])
    return out.getvalue().split()


@pytest.mark.many
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("diff --format m", ["markdown"]),
        ("audit --format ", ["text", "json", "sarif", "github"]),
        ("audit --level e", ["error"]),
        ("sync --on-conflict ", ["keep", "theirs", "edit"]),
        ("upgrade --on-conflict e", ["edit"]),
        ("install data-reviewer --set ", ["tone=", "terse=", "words="]),
        ("install data-reviewer --set t", ["tone=", "terse="]),
        ("install data-reviewer --set words=", ["words=some"]),
        ("install data-reviewer --set tone=", ["tone=calm", "tone=loud"]),
        ("render data-reviewer --set terse=", ["terse=true", "terse=false"]),
        ("render data-reviewer --set terse=f", ["terse=false"]),
        ("show --set to", ["tone="]),
        ("upgrade --accept s", ["search", "shell", "skills"]),
        ("explain data-reviewer ", ["identity", "rules", "look", "say"]),
        ("explain reviewer r", ["rules"]),
        ("explain data-reviewer l", ["look"]),
        ("explain nobody l", []),
        ("install data-reviewer[o", ["data-reviewer[one", "data-reviewer[other"]),
        ("install data-reviewer[one,o", ["data-reviewer[one,other"]),
        ("install data-reviewer[one,other,", ["data-reviewer[one,other,two"]),
        ("install data-reviewer@", ["data-reviewer@1.0.0", "data-reviewer@latest"]),
        ("install data-reviewer@1", ["data-reviewer@1.0.0"]),
        ("install data", ["data-reviewer"]),
        ("uninstall d", ["data-reviewer"]),
        ("uninstall x", []),
        ("source remove p", ["packs"]),
        ("source remove x", []),
        ("render data-reviewer --client cl", ["claude", "cline"]),
        ("install data-reviewer --client claude,cl", ["claude,cline"]),
        ("rollback 1", ["1"]),
        ("history ", ["show", "prune"]),
        ("history p", ["prune"]),
        ("history show ", ["2", "1"]),
        ("history show 1 ", []),
        ("history prune ", []),
        ("rollback ", ["2", "1"]),
        ("--root . st", ["status"]),
        ("--json diff --format h", ["html"]),
    ],
)
def test_what_may_stand_there_is_offered(
    installed: Agentpack, monkeypatch: pytest.MonkeyPatch, words: str, expected: list[str]
) -> None:
    installed("install", "data-reviewer", "--set", "tone=loud")
    assert offered(installed, monkeypatch, *words.split(" ")) == expected


def test_the_parameters_of_the_packs_that_are_named_are_offered_before_those_of_the_manifest(
    installed: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {"depth": {"type": "string", "default": "some", "description": "How far."}}
    publish(project / "packs", make_pack("other", parameters=plain))
    for words, expected in (
        ("install other --set ", ["depth="]),
        ("render other --set ", ["depth="]),
        ("install other data-reviewer --set ", ["depth=", "tone=", "terse=", "words="]),
        ("install other --set depth=", []),
        ("install nobody --set ", []),
    ):
        assert offered(installed, monkeypatch, *words.split(" ")) == expected, words


def test_nothing_is_offered_where_nothing_can_be_found_out(
    agentpack: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "agentpack.yaml").write_text("packs: [")
    for words in (["explain", "x", ""], ["install", "x", "--set", ""], ["rollback", ""], ["history", "show", ""]):
        assert offered(agentpack, monkeypatch, *words) == []


@pytest.mark.parametrize("words", ["install data", "show data-reviewer[", "install data-reviewer --set t"])
def test_a_tab_in_a_clone_opens_no_connection(
    installed: Agentpack, project: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("AGENTPACK_TIMEOUT", "0.5")
    manifest = project / "agentpack.yaml"
    with WebServer() as server:
        kit = f'{{name: kit, archive: "{server.url("/kit.tar.gz")}", sha256: {"0" * 64}}}'
        far = f'{{name: far, git: "{server.url("/far")}"}}'
        manifest.write_text(manifest.read_text().replace("sources:\n", f"sources:\n  - {kit}\n  - {far}\n"))
        offered(installed, monkeypatch, *words.split(" "))
        assert server.asked == []
