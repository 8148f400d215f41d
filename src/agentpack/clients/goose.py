"""Goose: Markdown files with strict YAML front matter, split at every `---`. It has no tool settings.

Checked in a copy of its source (`crates/goose`, filesystem sources).
"""

from agentpack.clients.base import Client, SkillUse, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="goose",
    aliases=("goose-cli", "block-goose"),
    title="Goose",
    project=".goose/agents",
    user=UserFolder(".config/goose/agents"),
    file="{name}.md",
    version="1.34",
    checked="2026-11-23",
    verified_by="source",
    reads="project beats user, its own folder those of others; `*.md`, no nested folders",
    markers=(".goose", ".goosehints", ".config/goose"),
    own_first=True,
    nested=False,
    also_reads={"project": (".claude/agents", ".agents/agents"), "user": (".claude/agents", ".agents/agents")},
    remarks=("On Windows its configuration is elsewhere (`%APPDATA%\\Block\\goose\\config`); this was not tested.",),
    header="strict",
    skills=SkillUse(),
    file_rules=FileRules(needs_description=False),
)
