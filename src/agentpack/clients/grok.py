"""Grok Build: Markdown files with YAML front matter. Beyond name, description and model nothing is established."""

from agentpack.clients.base import Client, SkillUse, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="grok",
    aliases=("grok-build", "grok-cli"),
    title="Grok Build",
    project=".grok/agents",
    user=UserFolder(".grok/agents"),
    file="{name}.md",
    version="0.2.54",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".grok",),
    ids=r"grok-.+",
    skills=SkillUse(tool="read_file"),
    settings={"prompt_mode": "text", "permission_mode": "text", "agents_md": "flag"},
    file_rules=FileRules(needs_description=False),
)
