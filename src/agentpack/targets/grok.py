"""Grok Build: Markdown files with YAML front matter. Beyond name, description and model nothing is established."""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import Declaration, speaker

DECLARATION = Declaration(
    client="grok",
    ids=r"grok-.+",
    settings={"prompt_mode": "text", "permission_mode": "text", "agents_md": "flag"},
)
TARGET = Target(
    name="grok",
    aliases=("grok-build", "grok-cli"),
    title="Grok Build",
    project=".grok/agents",
    user=Place(".grok/agents"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="0.2.54",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".grok",),
)
