"""Qwen Code: Markdown files with YAML front matter, read leniently; a body of under ten characters is refused.

The names of tools stand in `@qwen-code/qwen-code` 0.24.4 (`ToolNames`); an empty list means every tool there.
"""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import SAME_COLORS, Declaration, ToolWords, speaker

DECLARATION = Declaration(
    client="qwen",
    models=("inherit",),
    ids=r"qwen.*",
    color="color",
    colors=SAME_COLORS,
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("read_file", "list_directory"),
            "search": ("grep_search", "glob"),
            "edit": ("edit", "write_file", "notebook_edit"),
            "shell": ("run_shell_command",),
            "web": ("web_fetch", "web_search"),
            "delegate": ("agent",),
        },
    ),
    limits=("tools",),
    settings={
        "tools": "texts",
        "disallowedTools": "texts",
        "approvalMode": "plan|default|auto-edit|auto|yolo",
        "permissionMode": "text",
        "maxTurns": "count",
        "mcpServers": "map",
        "hooks": "map",
        "background": "flag",
    },
    live=("${word}",),
    long_description=1000,
    shortest_body=10,
)
TARGET = Target(
    name="qwen",
    aliases=("qwen-code",),
    title="Qwen Code",
    project=".qwen/agents",
    user=Place(".qwen/agents", "QWEN_HOME", "agents"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="0.24.4",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, no nested folders; none of a project that is the home folder itself",
    markers=(".qwen",),
    nested=False,
    reserved=frozenset(
        "self system user model tool config default main general-purpose explore statusline-setup".split()
    ),
    remarks=("A body of over 10,000 characters gives a warning there and loads.",),
)
