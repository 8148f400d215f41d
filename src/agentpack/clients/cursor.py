"""Cursor: Markdown files with YAML front matter. The only tool setting is the switch `readonly`.

Fields: https://cursor.com/docs/agent/subagents
"""

from agentpack.clients.base import Client, UserFolder

CLIENT = Client(
    name="cursor",
    aliases=("cursor-agent", "cursor-cli"),
    title="Cursor",
    project=".cursor/agents",
    user=UserFolder(".cursor/agents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".cursor",),
    models=("inherit",),
    readonly={"readonly": True},
    settings={"readonly": "flag", "is_background": "flag"},
)
