"""ZCode: Markdown files with YAML front matter at user scope. Names of tools and colours are not established.

Fields: https://zcode.z.ai/en/docs/subagents
"""

from agentpack.clients.base import Client, UserFolder

CLIENT = Client(
    name="zcode",
    aliases=("z-code",),
    title="ZCode",
    project=None,
    user=UserFolder(".zcode/agents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="`*.md` at user scope, there are none in a project yet",
    markers=(".zcode",),
    ids=r"glm-.+",
    limits=("tools",),
    settings={
        "thoughtLevel": "text",
        "color": "text",
        "tools": "list",
        "disallowedTools": "list",
        "maxTurns": "count",
        "injectAgentsMd": "flag",
        "mcpServers": "list",
    },
)
