"""The pack python-reviewer: installs by itself, reads and reports, and can be given no tool that edits."""

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
OWN_WORDS = 150
DESCRIPTION_WORDS = range(40, 81)
SURE = ("claude", "copilot", "cursor", "gemini", "opencode")
"""Some clients that can hold a persona to its tools, so that the others may change without this file."""


def reviewer() -> Pack:
    source = bundled_source()
    assert source is not None
    ref = source.releases(PackName(NAME))[0]
    return read_pack(fetch(ref, Sources([source])), FORGETFUL)


def test_it_installs_alone_and_the_engineer_is_only_its_base(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "--client", "claude")
    assert [path for path in tree(project) if path.startswith(".claude")] == [AGENT]
    lock = (project / "agentpack.lock").read_text()
    assert '"name": "python-engineer"' in lock
    agentpack("diff")


def test_it_stands_beside_the_engineer(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "python-engineer[lean]", "--client", "claude")
    alone = tree(project)[AGENT]
    agentpack("uninstall", "python-engineer")
    assert tree(project)[AGENT] == alone
    assert ".claude/agents/python-engineer.md" not in tree(project)


def test_its_header_is_its_own(agentpack: Agentpack) -> None:
    header, body = split(agentpack("render", NAME, "--client", "claude").out)
    fields = yaml.safe_load(header)
    assert (fields["name"], fields["model"], fields["tools"]) == (NAME, "inherit", "Read, Grep, Glob")
    assert len(fields["description"].split()) in DESCRIPTION_WORDS
    for word in ("review", "audit", "before a merge"):
        assert word in fields["description"]
    assert "You report and change nothing" in body
    for trace in ("{{", "{#", "\n\n\n"):
        assert trace not in body


def test_it_says_what_the_variant_says_and_little_of_its_own(agentpack: Agentpack) -> None:
    theirs = split(agentpack("render", "python-engineer[reviewer]", "--client", "claude").out)[1]
    ours = split(agentpack("render", NAME, "--client", "claude").out)[1]
    assert set(theirs.splitlines()) <= set(ours.splitlines())
    assert len(ours.split()) - len(theirs.split()) <= OWN_WORDS


def test_the_sample_finding_has_all_that_a_finding_needs(agentpack: Agentpack) -> None:
    body = split(agentpack("render", NAME, "--client", "claude").out)[1]
    sample = re.findall(r"```text\n(.*?)```", body, re.DOTALL)[0]
    first, *rest = sample.splitlines()
    assert re.match(r"(blocker|major|minor), (high|medium|low): \S+:\d+, ", first)
    assert [line.partition(":")[0] for line in rest] == ["breaks", "shown by", "fix"]


@pytest.mark.parametrize("tools", ["edit", "read, edit", "read, search, shell, web", "delegate", ""])
def test_it_can_be_given_no_tool_that_edits(agentpack: Agentpack, project: Path, tools: str) -> None:
    before = tree(project)
    ran = agentpack("install", NAME, "--client", "claude", "--set", f"tools={tools}", expect=2)
    assert "parameter `tools`" in ran.err
    assert tree(project) == before


def test_a_shell_is_given_only_when_asked_for(agentpack: Agentpack, project: Path) -> None:
    agentpack("install", NAME, "--client", "claude", "--set", "tools=read, search, shell")
    assert b'tools: "Read, Grep, Glob, Bash"\n' in tree(project)[AGENT]


def test_a_setting_of_the_engineer_reaches_it(agentpack: Agentpack) -> None:
    assert agentpack("render", NAME, "--set", "framework=django").out != agentpack("render", NAME).out


@pytest.mark.untraced
@pytest.mark.parametrize("scope", ["--project", "--user"])
@pytest.mark.parametrize("client", sample(sorted(MODULES)))
def test_a_client_holds_it_to_its_tools_or_does_not_get_it(
    agentpack: Agentpack, project: Path, tmp_path: Path, client: str, scope: str
) -> None:
    limited = make_pack("limited", personas={"limited": persona_text("limited", tools=["read", "search"])})
    publish(tmp_path / "packs", limited)
    asked = (scope, "--client", client, "--dry-run")
    able = agentpack("install", "limited", "--source", str(tmp_path / "packs"), *asked, expect=None).exit_code
    before = tree(project)
    ran = agentpack("install", NAME, *asked[:-1], expect=able)
    if able == 3:
        assert client not in SURE
        assert tree(project) == before
        assert "cannot limit tools" in ran.err or "no agents in the" in ran.err


def test_every_rule_of_its_own_has_an_id() -> None:
    pack = reviewer()
    for section in pack.personas[NAME].sections:
        assert section.id or not section.level
        for rule in section.rules:
            assert rule.id or rule.kind == "code"
