"""Gemini CLI: Markdown files with YAML front matter under a strict schema; any other key rejects the file.

Tool names are from `@google/gemini-cli` 0.61.0 (`ALL_BUILTIN_TOOL_NAMES`), `${word}` in `templateString`.
"""

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import NONE, REFUSED, Grammar

CLIENT = Client(
    name="gemini",
    aliases=("gemini-cli",),
    title="Gemini CLI",
    project=".gemini/agents",
    user=UserFolder(".gemini/agents", "GEMINI_CLI_HOME", ".gemini/agents"),
    file="{name}.md",
    version="0.61.0",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, no nested folders",
    markers=(".gemini/agents", ".gemini/settings.json"),
    nested=False,
    trust="Gemini CLI offers a project's agent only in a trusted folder, after you acknowledge its present text.",
    reserved=frozenset(("generalist", "glob", "replace")),
    remarks=("A file must not begin with a byte-order mark, and its name not with `_`.",),
    header="strict",
    models=("inherit",),
    ids=r"gemini-.+",
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("read_file", "read_many_files", "list_directory"),
            "search": ("grep_search", "glob"),
            "edit": ("replace", "write_file"),
            "shell": ("run_shell_command",),
            "web": ("google_web_search", "web_fetch"),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(
        tools={"invoke_agent": "", "mcp_*": "mcp"},  # no agent may start another
        others=("activate_skill", "enter_plan_mode", "write_todos"),
        complete=True,
        aliases={"search_file_content": "grep_search"},
        servers=r"mcp_(?P<server>[^_]+)_(?P<tool>.+)\Z",
        mcp_names=("mcp_{server}_{tool}", "mcp_{server}_*"),
        reading=Grammar(empty=NONE, text=REFUSED, blank=REFUSED, null=REFUSED, other=REFUSED, item=REFUSED),
    ),
    skills=SkillUse(tool="activate_skill", moved_by="GEMINI_CLI_HOME"),
    settings={
        "display_name": "text",
        "tools": "list",
        "mcp_servers": "map",
        "temperature": "number",
        "max_turns": "count",
        "timeout_mins": "count",
    },
    live=("${word}",),
    file_rules=FileRules(names=r"(?!_)[a-z0-9_-]+", refuses_unknown=True, fields=("kind",)),
)
