"""Whoever has python-engineer 2 with edits of their own comes to 3 without losing one, and is asked once."""

from pathlib import Path

import pytest
from support.running import Agentpack
from support.trees import tree

AGENT = Path(".claude/agents/python-engineer.md")
SKILL = Path(".claude/skills/python-engineer-performance/SKILL.md")
ACCEPTED = ("--accept", "every-tool", "--accept", "skills")
MONEY = ("- Keep datetimes timezone-aware, and money in `Decimal`.", "- Keep money in whole cents.")
"""A rule that stays in the core."""
QUERIES = (
    "- Read the query plan (`EXPLAIN (ANALYZE, BUFFERS)`) before you add an index.",
    "- Read the query plan before you add an index, and ask our DBA.",
)
"""A rule that is in a skill now."""


@pytest.fixture
def edit(agentpack: Agentpack, project: Path) -> Path:
    """2.0.0 in a project that asks for any release."""
    agentpack("install", "python-engineer==2.0.0", "--client", "claude")
    return project


def replace(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text()
    for before, after in pairs:
        assert text.count(before) == 1
        text = text.replace(before, after)
    file.write_text(text)


def test_an_edit_of_the_core_is_kept_and_the_stop_for_more_tools_comes_once(agentpack: Agentpack, edit: Path) -> None:
    replace(edit / AGENT, MONEY)
    replace(edit / "agentpack.yaml", ("==2.0.0", ""))
    before = tree(edit)
    stopped = agentpack("upgrade", "--yes", expect=3).err
    assert "the new release lets agents do more than the old one; nothing was changed" in stopped
    assert "-> every-tool" in stopped
    assert "--accept every-tool --accept skills`" in stopped
    assert tree(edit) == before
    agentpack("upgrade", "--yes", *ACCEPTED)
    text = (edit / AGENT).read_text()
    assert MONEY[1] in text
    assert "tools:" not in text.partition("\n---\n")[0]
    assert QUERIES[0] in (edit / SKILL).read_text()
    agentpack("upgrade", "--yes")


def test_an_edit_of_a_rule_that_moved_into_a_skill_is_shown(agentpack: Agentpack, edit: Path) -> None:
    replace(edit / AGENT, MONEY, QUERIES)
    replace(edit / "agentpack.yaml", ("==2.0.0", ""))
    before = tree(edit)
    stopped = agentpack("upgrade", "--yes", *ACCEPTED, expect=3)
    assert "and ask our DBA" in stopped.out + stopped.err
    assert "whole cents" not in stopped.out + stopped.err
    assert tree(edit) == before


def test_a_kept_edit_follows_its_rule_into_the_skill(agentpack: Agentpack, edit: Path) -> None:
    replace(edit / AGENT, MONEY, QUERIES)
    agentpack("keep", "python-engineer")
    replace(edit / "agentpack.yaml", ("==2.0.0", ""))
    agentpack("upgrade", "--yes", *ACCEPTED)
    assert MONEY[1] in (edit / AGENT).read_text()
    assert QUERIES[1] in (edit / SKILL).read_text()
    assert QUERIES[0] not in (edit / SKILL).read_text()
    agentpack("diff")
