"""Junie: Markdown files with YAML front matter. It has lists of tools, but their names are not established.

Fields: https://junie.jetbrains.com/docs/junie-cli-subagents.html
"""

from agentpack.clients.base import Client, UserFolder

CLIENT = Client(
    name="junie",
    aliases=("jetbrains-junie",),
    title="Junie",
    project=".junie/agents",
    user=UserFolder(".junie/agents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".junie",),
    nested=False,
    naming=("name", "stem"),
    also_reads={"project": (".agents",), "user": (".agents",)},
    limits=("tools",),
    settings={
        "tools": "texts",
        "disallowedTools": "texts",
        "mcpServers": "list",
        "permissionMode": "default|acceptEdits|dontAsk|bypassPermissions|plan",
        "reasoningLevel": "low|medium|high",
        "maxTurns": "count",
        "skills": "texts",
        "allowPromptArgument": "flag",
    },
)
