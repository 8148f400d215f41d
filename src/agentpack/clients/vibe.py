"""Mistral Vibe: TOML files; the file's name is the agent's. Without `agent_type` it would be a mode, not an agent.

Tool names are from `mistral-vibe` 3.0.2 (`vibe/core/tools/builtins`, `vibe/core/agents/models.py`); an empty
`enabled_tools` means every tool there.
"""

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import ALL, REFUSED, Grammar

CLIENT = Client(
    name="vibe",
    aliases=("mistral-vibe",),
    title="Mistral Vibe",
    project=".vibe/agents",
    user=UserFolder(".vibe/agents", "VIBE_HOME", "agents"),
    file="{name}.toml",
    version="3.0.2",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.toml`, no nested folders, the file's name is the agent's",
    markers=(".vibe",),
    nested=False,
    naming=("stem",),
    trust="Vibe reads a project's agents only in a trusted folder (`vibe --trust`).",
    reserved=frozenset("ask accept-edits auto-approve smart-approve explore lean plan".split()),
    format="toml",
    name_key=None,
    model=None,
    fixed={"agent_type": "subagent"},
    tools=ToolWords(
        key="enabled_tools",
        style="list",
        deny="disabled_tools",
        names={
            "read": ("read_file",),
            "search": ("grep",),
            "edit": ("edit", "write_file"),
            "shell": ("bash",),
            "web": ("web_fetch", "web_search"),
            "delegate": ("task",),
        },
        remark="they override `enabled_tools` in your own configuration",
    ),
    limits=("enabled_tools",),
    skills=SkillUse(tool="skill"),
    settings={
        "display_name": "text",
        "safety": "safe|neutral|destructive|smart|yolo",
        "enabled_tools": "list",
        "disabled_tools": "list",
        "tools": "map",
        "enabled_skills": "list",
        "disabled_skills": "list",
    },
    powers=CapabilityMeanings(
        settings={
            "tools": "tool_settings",
            "enabled_skills": "only_skills",
            "disabled_skills": "without_skills:enabled_skills",
        },
        # two have an `allowlist` by default; whether loading a skill is asked for is not established
        excused=("bash", "task", "skill"),
        complete=True,
        reading=Grammar(empty=ALL, text=REFUSED, null=REFUSED, other=REFUSED, item=REFUSED, folded=True, patterns=True),
    ),
    body="instructions",
    shortest_body=1,
    file_rules=FileRules(more_fields=True),
)
