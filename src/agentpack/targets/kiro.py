"""Kiro: Markdown files with YAML front matter (IDE 1.x, CLI 3.x); the path is the name.

Fields and tools: https://kiro.dev/docs/custom-agents. `read` there covers searching too.
"""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import Declaration, ToolWords, speaker
from agentpack.targets.powers import Powers

DECLARATION = Declaration(
    client="kiro",
    name=None,
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
    powers=Powers(tools={"@builtin": "every-tool"}),
    settings={"tools": "list", "mcpServers": "map", "permissions": "map"},
)
TARGET = Target(
    name="kiro",
    aliases=("kiro-cli", "kiro-ide"),
    title="Kiro",
    project=".kiro/agents",
    user=Place(".kiro/agents"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="IDE 1.x, CLI 3.x",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`, nested folders too, the path is the name",
    markers=(".kiro",),
    naming=("path",),
    remarks=("The command line up to 2.x read `*.json` files, which are not written.",),
)
