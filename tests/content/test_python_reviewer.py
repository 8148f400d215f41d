"""The pack python-reviewer: a text of its own, which finds the diff and can be given no tool that edits."""

import re
from pathlib import Path

import pytest
import yaml
from support.bundled import split
from support.effort import sample
from support.packs import FORGETFUL, make_pack, persona_text, publish
from support.running import Agentpack
from support.trees import tree

from agentpack.clients import MODULES
from agentpack.compose.compose import Pack
from agentpack.fetch import Sources, fetch
from agentpack.model.names import PackName
from agentpack.read import read_pack
from agentpack.sources.bundled import bundled_source

NAME = "python-reviewer"
AGENT = f".claude/agents/{NAME}.md"
WORDS = 600
DESCRIPTION_WORDS = range(40, 81)
SURE = ("claude", "copilot", "cursor", "gemini", "opencode")
"""Some clients that can deny a persona a tool, so that the others may change without this file."""


def reviewer() -> Pack:
    source = bundled_source()
    assert source is not None
    ref = source.releases(PackName(NAME))[0]
    return read_pack(fetch(ref, Sources([source])), FORGETFUL)


def rendered(agentpack: Agentpack, *words: str) -> tuple[str, str]:
    """Header and body for Claude Code."""
    return split(agentpack("render", NAME, "--client", "claude", *words).out)


def test_it_is_one_file_and_needs_no_other_pack(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "--client", "claude")
    assert [path for path in tree(project) if path.startswith(".claude")] == [AGENT]
    assert '"name": "python-engineer"' not in (project / "agentpack.lock").read_text()
    agentpack("diff")


def test_the_first_release_installs_with_the_engineer_as_its_base_only(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", f"{NAME}<2", "--client", "claude")
    assert [path for path in tree(project) if path.startswith(".claude")] == [AGENT]
    assert '"name": "python-engineer"' in (project / "agentpack.lock").read_text()


def test_it_stands_beside_the_engineer(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "python-engineer[lean]", "--client", "claude")
    alone = tree(project)[AGENT]
    agentpack("uninstall", "python-engineer")
    assert tree(project)[AGENT] == alone
    assert ".claude/agents/python-engineer.md" not in tree(project)


def test_claude_code_denies_it_what_edits_and_leaves_it_the_shell(agentpack: Agentpack) -> None:
    header, body = rendered(agentpack)
    fields = yaml.safe_load(header)
    assert (fields["name"], fields["model"]) == (NAME, "inherit")
    assert fields["disallowedTools"] == "Edit, Write, NotebookEdit"
    assert "tools" not in fields
    assert len(fields["description"].split()) in DESCRIPTION_WORDS
    for word in ("Reviews", "audit", "before it is merged", "base branch"):
        assert word in fields["description"]
    assert "You review Python changes and change nothing" in body
    for trace in ("{{", "{#", "\n\n\n"):
        assert trace not in body


def test_it_is_short_and_holds_no_rules_for_writers(agentpack: Agentpack) -> None:
    body = rendered(agentpack)[1]
    assert len(body.split()) <= WORDS
    for word in ("docstring", "ADR", "coverage", "FastAPI", "Polars", "runbook"):
        assert word not in body


def test_it_finds_the_diff_and_judges_only_what_the_change_introduces(agentpack: Agentpack) -> None:
    body = rendered(agentpack)[1]
    assert "`git diff <base>...HEAD`" in body
    assert "An older defect counts only if the change makes it reachable or worse" in body
    assert "What you still cannot prove is a question" in body


def test_the_sample_finding_has_all_that_a_finding_needs(agentpack: Agentpack) -> None:
    sample = re.findall(r"```text\n(.*?)```", rendered(agentpack)[1], re.DOTALL)[0]
    first, *rest = sample.splitlines()
    assert re.match(r"(blocker|major|minor), (high|medium|low): \S+:\d+, ", first)
    assert [line.partition(":")[0] for line in rest] == ["breaks", "shown by", "fix"]


@pytest.mark.parametrize("tools", ["edit", "read, edit", "read, search, shell, edit", "delegate"])
def test_it_can_be_given_no_tool_that_edits(agentpack: Agentpack, project: Path, tools: str) -> None:
    before = tree(project)
    ran = agentpack("install", NAME, "--client", "claude", "--set", f"tools={tools}", expect=2)
    assert "parameter `tools`" in ran.err
    assert tree(project) == before


def test_its_shell_can_be_taken_away(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "--client", "claude", "--set", "tools=read, search")
    text = tree(project)[AGENT].decode()
    assert 'tools: "Read, Grep, Glob"\n' in text
    assert "Bash" not in text


def test_who_upgrades_from_the_first_release_is_asked_once(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", f"{NAME}==1.0.0", "--client", "claude")
    (manifest := project / "agentpack.yaml").write_text(
        (project / "agentpack.yaml").read_text().replace(f"{NAME}==1.0.0", NAME)
    )
    before = tree(project)
    refused = agentpack("upgrade", "--yes", expect=3)
    assert "every-tool-but:edit" in refused.err
    assert tree(project) == before
    assert manifest.exists()
    agentpack("upgrade", "--yes", "--accept", "every-tool-but:edit")
    agentpack("upgrade", "--yes")
    assert "disallowedTools" in tree(project)[AGENT].decode()


@pytest.mark.many
@pytest.mark.untraced
@pytest.mark.parametrize("scope", ["--project", "--user"])
@pytest.mark.parametrize("client", sample(sorted(MODULES)))
def test_a_client_denies_it_what_edits_or_does_not_get_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str, scope: str
) -> None:
    limited = make_pack(
        "limited", personas={"limited": persona_text("limited", deny=["edit"])}, agentpack=">=0.2", license="MIT"
    )
    publish(tmp_path / "packs", limited)
    asked = (scope, "--client", client, "--dry-run")
    able = agentpack("install", "limited", "--source", str(tmp_path / "packs"), *asked, expect=None).exit_code
    before = tree(project)
    ran = agentpack("install", NAME, *asked[:-1], expect=able)
    if able == 3:
        assert client not in SURE
        assert tree(project) == before
        assert "cannot enforce every restriction" in ran.err or "no agents in the" in ran.err


def test_every_rule_of_it_has_an_id() -> None:
    for section in reviewer().personas[NAME].sections:
        assert section.id or not section.level
        assert all(rule.id for rule in section.rules), section.heading
