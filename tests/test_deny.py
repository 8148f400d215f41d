"""`deny` in the life of a pack: read, laid over, installed, shown, edited, kept, upgraded and taken out."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.packs import make_pack, persona_text, publish, variant_text
from support.running import Agentpack

from agentpack import __version__

AGENT = ".claude/agents/reviewer.md"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """`data-reviewer` 1.0.0, whose `reviewer` edits nothing and uses no web."""
    return release(tmp_path / "packs", "1.0.0", deny=["edit", "web"])


def release(folder: Path, version: str, variants: Any = None, **header: Any) -> Path:
    persona = persona_text(**header)
    return publish(folder, make_pack(version=version, personas={"reviewer": persona}, variants=variants or {}))


def header_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text().split("---\n")[1])
    return found


@pytest.fixture
def installed(agentpack: Agentpack, packs: Path) -> Agentpack:
    agentpack("install", "data-reviewer<2", "--source", str(packs), "--client", "claude")
    return agentpack


def test_the_agent_file_denies_it_and_the_lock_says_what_is_left(installed: Agentpack, project: Path) -> None:
    head = header_of(project / AGENT)
    assert head["disallowedTools"] == "Edit, Write, NotebookEdit, WebFetch, WebSearch"
    assert "tools" not in head
    row = json.loads((project / "agentpack.lock").read_text())["files"][0]
    assert row["capabilities"] == "every-tool-but:edit+web"


def test_it_is_explained(installed: Agentpack) -> None:
    assert "disallowedTools" in installed("explain", "reviewer").out


@pytest.mark.parametrize("left", [["edit"], [], None])
def test_a_release_that_denies_less_stops(installed: Agentpack, packs: Path, left: list[str] | None) -> None:
    release(packs, "1.1.0", **({} if left is None else {"deny": left}))
    told = installed("upgrade", "--yes", expect=3)
    assert "every-tool-but:edit+web -> every-tool" in told.err
    installed("upgrade", "--yes", "--accept", "every-tool-but:edit" if left else "every-tool")


def test_a_release_that_denies_more_goes_through(installed: Agentpack, packs: Path, project: Path) -> None:
    release(packs, "1.1.0", deny=["edit", "web", "shell"])
    installed("upgrade", "--yes")
    assert "Bash" in header_of(project / AGENT)["disallowedTools"]


def test_a_variant_of_the_project_takes_a_tool_away(installed: Agentpack, project: Path) -> None:
    variant = project / ".agentpack/variants/reviewer/house.md"
    variant.parent.mkdir(parents=True)
    variant.write_text(variant_text(set={"deny": ["edit", "web", "delegate"]}))
    installed("install", "data-reviewer[house]<2")
    assert "Task" in header_of(project / AGENT)["disallowedTools"]


@pytest.mark.parametrize(
    ("edited", "deny"),
    [
        ('disallowedTools: "Edit, Write, NotebookEdit"\n', ["edit"]),
        ('disallowedTools: "Edit, Write, NotebookEdit, WebFetch, WebSearch, Bash"\n', ["edit", "shell", "web"]),
        ("", []),
    ],
    ids=["less", "more", "taken out"],
)
def test_an_edit_of_it_is_kept_and_survives(
    installed: Agentpack, packs: Path, project: Path, edited: str, deny: list[str]
) -> None:
    path = project / AGENT
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(edited if line.startswith("disallowedTools") else line for line in lines))
    installed("keep", "reviewer")
    kept = next((project / ".agentpack/variants/reviewer").iterdir())
    assert header_of(kept)["set"] == {"deny": deny}
    release(packs, "1.1.0", deny=["edit", "web"], description="Reviews what came.")
    installed("upgrade", "--yes")
    head = header_of(path)
    assert head["description"] == "Reviews what came."
    names = head.get("disallowedTools", "").split(", ")
    assert sorted(names) == sorted(edited.removeprefix("disallowedTools: ").strip('"\n').split(", "))


@pytest.mark.parametrize(
    ("client", "key", "value"),
    [
        ("opencode", "permission", {"*": "deny", "bash": "ask"}),
        ("kilo", "permission", {"*": "deny", "edit": "ask"}),
        ("claude", "disallowedTools", "Bash, mcp__x__y"),
        ("qwen", "disallowedTools", ["run_shell_command", "mcp__x__y"]),
    ],
)
def test_an_edit_that_no_canonical_tool_covers_is_kept_as_it_stands(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str, key: str, value: Any
) -> None:
    """A question before a tool is no permission for it, and a denied tool of a server stays denied."""
    packs = release(tmp_path / "packs", "1.0.0")
    agentpack("install", "data-reviewer<2", "--source", str(packs), "--client", client)
    path = project / AGENT.replace("claude", client)
    path.write_text(path.read_text().replace("\n---\n", f"\n{key}: {json.dumps(value)}\n---\n", 1))
    agentpack("keep", "reviewer")
    assert header_of(path)[key] == value
    release(packs, "1.1.0", description="Reviews what came.")
    agentpack("upgrade", "--yes")
    assert header_of(path)["description"] == "Reviews what came."
    assert header_of(path)[key] == value


def test_an_edit_of_it_is_merged_with_another_release(installed: Agentpack, packs: Path, project: Path) -> None:
    path = project / AGENT
    path.write_text(path.read_text().replace("WebFetch, WebSearch", "WebFetch, WebSearch, Bash"))
    release(packs, "1.1.0", deny=["edit", "web"], description="Reviews what came.")
    installed("upgrade", "--yes")
    assert "Bash" in header_of(path)["disallowedTools"]
    assert header_of(path)["description"] == "Reviews what came."


def test_an_agent_file_that_denies_is_adopted_for_every_client(agentpack: Agentpack, project: Path) -> None:
    path = project / ".claude/agents/mine.md"
    path.parent.mkdir(parents=True)
    text = "---\nname: mine\ndescription: Reviews.\ndisallowedTools: Edit, Write, NotebookEdit\n---\nYou review.\n"
    path.write_text(text)
    agentpack("adopt", AGENT.replace("reviewer", "mine"))
    assert path.read_text() == text
    agentpack("install", "team-agents", "--client", "claude,opencode")
    assert header_of(project / ".opencode/agents/mine.md")["permission"] == {"edit": "deny"}


def test_a_client_that_cannot_deny_is_refused_unless_that_is_accepted(
    agentpack: Agentpack, packs: Path, project: Path
) -> None:
    told = agentpack("install", "data-reviewer", "--source", str(packs), "--client", "codex", expect=3)
    assert "tools denied: edit, web" in told.err
    assert not (project / ".codex").exists()
    agentpack("install", "data-reviewer", "--source", str(packs), "--client", "codex", "--accept", "widened:codex")


def test_a_client_that_was_only_found_and_cannot_deny_is_skipped(
    agentpack: Agentpack, packs: Path, project: Path
) -> None:
    for folder in (".claude", ".codex"):
        (project / folder).mkdir()
    assert "skipped Codex" in agentpack("install", "data-reviewer", "--source", str(packs)).err
    assert (project / AGENT).is_file()


def test_uninstall_and_rollback_leave_what_was_there(installed: Agentpack, project: Path) -> None:
    before = (project / AGENT).read_bytes()
    installed("uninstall", "data-reviewer")
    assert not (project / ".claude/agents").exists()
    installed("rollback")
    assert (project / AGENT).read_bytes() == before


# What is refused.

BOTH = {"tools": ["read", "edit"], "deny": ["edit"]}


def test_a_persona_that_allows_and_denies_a_tool_is_a_fault_of_its_file(agentpack: Agentpack, tmp_path: Path) -> None:
    folder = release(tmp_path / "packs", "1.0.0", **BOTH)
    told = agentpack("install", "data-reviewer", "--source", str(folder), expect=2)
    assert "personas/reviewer.md: deny: `edit` is in both `tools` and `deny`" in told.err


@pytest.mark.parametrize(
    ("own", "variant", "parameters"),
    [
        ({"tools": ["read", "edit"]}, {"deny": ["edit"]}, {}),
        ({"deny": ["edit"]}, {"tools": ["read", "edit"]}, {}),
        ({"tools": ["read"], "deny": ["edit"]}, {"tools": ["edit"]}, {}),
        ({"tools": "{{ may }}", "deny": ["edit"]}, {"parameters": {"may": "read, edit"}}, {"may": "read"}),
    ],
    ids=["denied by a variant", "allowed by a variant", "another list", "by a parameter"],
)
def test_together_with_a_variant_or_a_parameter_too(
    agentpack: Agentpack, tmp_path: Path, own: Any, variant: Any, parameters: dict[str, str]
) -> None:
    declared = {key: {"type": "string", "default": value, "description": "x"} for key, value in parameters.items()}
    pack = make_pack(
        personas={"reviewer": persona_text(**own)},
        variants={"reviewer/other": variant_text(set=variant)},
        parameters=declared,
    )
    folder = publish(tmp_path / "packs", pack)
    agentpack("install", "data-reviewer", "--source", str(folder), "--client", "claude")
    told = agentpack("install", "data-reviewer[other]", expect=2)
    assert "`reviewer`: `edit` is in both `tools` and `deny`" in told.err


def test_an_agentpack_that_is_too_old_passes_the_release_over(agentpack: Agentpack, tmp_path: Path) -> None:
    """This agentpack, as an older one is to a pack that uses `deny`."""
    pack = make_pack(personas={"reviewer": persona_text(deny=["edit"])}, agentpack=f">{__version__}")
    folder = publish(tmp_path / "packs", pack)
    told = agentpack("install", "data-reviewer", "--source", str(folder), expect=4)
    assert f"agentpack>{__version__}" in told.err


def test_in_the_wrong_place_of_a_variant_it_is_led_to_the_right_one(installed: Agentpack, project: Path) -> None:
    variant = project / ".agentpack/variants/reviewer/house.md"
    variant.parent.mkdir(parents=True)
    variant.write_text("---\nsummary: Ours.\ndeny: [shell]\n---\n")
    ran = installed("install", "data-reviewer[house]", expect=2)
    assert "house.md:3: deny: unknown key `deny` (it belongs under `set:`)" in ran.err
    variant.write_text("---\nsummary: Ours.\nset: {tools: [edit]}\n---\n")
    ran = installed("install", "data-reviewer[house]", expect=2)
    assert "`edit` is in both `tools` and `deny`" in ran.err
    assert "under `set:`" in ran.err
