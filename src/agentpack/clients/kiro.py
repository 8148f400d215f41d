"""Kiro: Markdown files with YAML front matter (IDE 1.x, CLI 3.x); the path is the name.

Fields and tools: https://kiro.dev/docs/custom-agents. `read` there covers searching too.
"""

from agentpack.clients.base import Client, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="kiro",
    aliases=("kiro-cli", "kiro-ide"),
    title="Kiro",
    project=".kiro/agents",
    user=UserFolder(".kiro/agents"),
    file="{name}.md",
    version="IDE 1.x, CLI 3.x",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`, nested folders too, the path is the name",
    markers=(".kiro",),
    naming=("path",),
    remarks=("The command line up to 2.x read `*.json` files, which are not written.",),
    name_key=None,
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("read",),
            "search": ("read",),
            "edit": ("write",),
            "shell": ("shell",),
            "web": ("web",),
            "delegate": ("subagent",),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(tools={"@builtin": "every-tool"}),
    settings={"tools": "list", "mcpServers": "map", "permissions": "map"},
    file_rules=FileRules(needs_description=False),
)
