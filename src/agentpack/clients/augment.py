"""Augment (`auggie`): Markdown files with YAML front matter. Beside `disabled_tools` it drops `tools`.

The loader and the tool names are from `@augmentcode/auggie` 0.36.0; an empty list means every tool there.
"""

from agentpack.clients.base import SAME_COLORS, Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import ALL, NAMES, UNREAD, Grammar

CLIENT = Client(
    name="augment",
    aliases=("auggie", "augment-code"),
    title="Augment (auggie)",
    project=".augment/agents",
    user=UserFolder(".augment/agents"),
    file="{name}.md",
    version="0.36.0",
    checked="2026-11-23",
    verified_by="source",
    reads="project beats user; `*.md` and `*.txt`, nested folders too",
    markers=(".augment",),
    endings=(".md", ".txt"),
    naming=("name", "stem"),
    also_reads={"project": (".claude/agents", ".agents/agents"), "user": (".claude/agents", ".agents/agents")},
    reserved=frozenset("code plan research validate general-purpose context-gathering".split()),
    choices={"color": SAME_COLORS},
    tools=ToolWords(
        key="tools",
        style="list",
        deny="disabled_tools",
        names={
            "read": ("view",),
            "search": ("grep-search", "codebase-retrieval"),
            "edit": ("str-replace-editor", "apply_patch", "save-file", "remove-files"),
            "shell": ("launch-process", "kill-process", "read-process", "write-process", "list-processes"),
            "web": ("web-search", "web-fetch"),
        },
    ),
    limits=("tools", "disabled_tools"),
    powers=CapabilityMeanings(
        settings={"disable_skills": "without_skills"},
        complete=True,
        either=True,
        reading=Grammar(
            separators=",", text=NAMES, blank=ALL, empty=ALL, null=ALL, other=ALL, item=UNREAD, stars=frozenset()
        ),
    ),
    skills=SkillUse(),
    settings={
        "tools": "list",
        "disabled_tools": "list",
        "disable_rules": "flag",
        "disable_workspace_guidelines": "flag",
        "disable_skills": "flag",
        "replace_system_prompt": "flag",
        "tool_description": "text",
        "instruction_description": "text",
    },
    file_rules=FileRules(more_fields=True),
)
