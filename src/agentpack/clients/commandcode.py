"""Command Code: Markdown files with YAML front matter. An agent has only the tools its file names.

The loader and the tool names are from `command-code` 1.54.2 (`scanAgentsDir`, `resolveSubagentTools`): without
`tools` an agent gets none, so one that nothing limits is given all.
"""

import re

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import NAMES, NONE, UNREAD, Grammar


def identity(name: str) -> str:
    """The name that Command Code compares agents by."""
    return re.sub("[^a-zA-Z0-9_-]", "_", name).lower()


CLIENT = Client(
    name="commandcode",
    aliases=("command-code",),
    title="Command Code",
    project=".commandcode/agents",
    user=UserFolder(".commandcode/agents"),
    file="{name}.md",
    version="1.54.2",
    checked="2026-11-23",
    verified_by="source",
    reads="project beats user; `*.md`, no nested folders",
    markers=(".commandcode",),
    nested=False,
    reserved=frozenset(("explore", "plan", "review", "general")),
    identity=identity,
    remarks=("A file with a reserved name is skipped without a message.",),
    tools=ToolWords(
        key="tools",
        style="list",
        deny="disallowedTools",
        names={
            "read": ("read_file", "read_multiple_files", "read_directory"),
            "search": ("grep", "glob"),
            "edit": ("edit_file", "write_file"),
            "shell": ("shell_command",),
            "web": ("web_search", "web_fetch"),
        },
    ),
    unlimited={"tools": "*"},
    limits=("tools",),
    powers=CapabilityMeanings(
        only_named=True,
        planning=("permissionMode",),
        reading=Grammar(
            separators=", ",
            alone=True,
            text=NAMES,
            blank=NONE,
            empty=NONE,
            null=NONE,
            other=NONE,
            item=UNREAD,
            any_name=False,
        ),
    ),
    skills=SkillUse(tool="activate_skill"),
    settings={
        "tools": "texts",
        "disallowedTools": "texts",
        "reasoningEffort": "text",
        "maxTurns": "count",
        "permissionMode": "text",
        "background": "flag",
        "showOutput": "flag",
    },
    file_rules=FileRules(needs_description=False),
)
