"""Qwen Code: Markdown files with YAML front matter, read leniently; a body of under ten characters is refused.

Tool names are from `@qwen-code/qwen-code` 0.24.4 (`ToolNames`); an empty list means every tool there.
"""

from agentpack.clients.base import SAME_COLORS, Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import ALL, DROPPED, NAMES, NONE, Grammar

GRAMMAR = Grammar(
    separators=",", trims_items=False, text=NAMES, blank=ALL, empty=ALL, null=ALL, other=ALL, item=DROPPED
)
ALIASES = {
    "ReadFile": "read_file",
    "ListFiles": "list_directory",
    "ReadFolder": "list_directory",
    "Grep": "grep_search",
    "SearchFiles": "grep_search",
    "Glob": "glob",
    "FindFiles": "glob",
    "Edit": "edit",
    "WriteFile": "write_file",
    "NotebookEdit": "notebook_edit",
    "Shell": "run_shell_command",
    "WebFetch": "web_fetch",
    "WebSearch": "web_search",
    "Agent": "agent",
    "Task": "agent",
    "Skill": "skill",
}
"""The names that it shows people."""
CLIENT = Client(
    name="qwen",
    aliases=("qwen-code",),
    title="Qwen Code",
    project=".qwen/agents",
    user=UserFolder(".qwen/agents", "QWEN_HOME", "agents"),
    file="{name}.md",
    version="0.24.4",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, no nested folders; none of a project that is the home folder itself",
    markers=(".qwen",),
    nested=False,
    reserved=frozenset(
        "self system user model tool config default main general-purpose explore statusline-setup".split()
    ),
    remarks=("Qwen Code warns about a body of over 10,000 characters, but loads it.",),
    models=("inherit",),
    ids=r"qwen.*",
    choices={"color": SAME_COLORS},
    tools=ToolWords(
        key="tools",
        style="list",
        deny="disallowedTools",
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
    powers=CapabilityMeanings(
        settings={"executor": "hooks", "executionBackend": "hooks"},
        reading=GRAMMAR,
        denying=GRAMMAR._replace(star=NONE),  # it denies what MCP servers bring, and nothing else
        complete=True,
        aliases=ALIASES,
        planning=("permissionMode",),
        overruled={"permissionMode": "approvalMode"},
    ),
    skills=SkillUse(tool="skill"),
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
    file_rules=FileRules(names=r"(?![-_])[\w-]{2,50}(?<![-_])"),
)
