"""Kimi Code: Markdown files with strict YAML front matter and a body in which `${word}` may be replaced.

Tool names and the file parser are from `@moonshot-ai/kimi-code` 2.1.0 (`AGENT_TOOLS`, `PROMPT_VARIABLE`).
"""

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import ALL, NAMES, NONE, REFUSED, Grammar

GRAMMAR = Grammar(separators=",", text=NAMES, blank=NONE, empty=NONE, null=ALL, other=REFUSED, item=REFUSED)
CLIENT = Client(
    name="kimi",
    aliases=("kimi-code", "kimi-cli"),
    title="Kimi Code",
    project=".kimi-code/agents",
    user=UserFolder(".kimi-code/agents", "KIMI_CODE_HOME", "agents"),
    file="{name}.md",
    version="2.1.0",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`",
    markers=(".kimi-code",),
    naming=("name", "stem"),
    also_reads={"project": (".agents/agents",), "user": (".agents/agents",)},
    reserved=frozenset(("agent", "coder", "explore", "plan")),
    header="strict",
    model=None,
    tools=ToolWords(
        key="tools",
        style="list",
        deny="disallowedTools",
        names={
            "read": ("Read", "ReadMediaFile"),
            "search": ("Grep", "Glob"),
            "edit": ("Edit", "Write"),
            "shell": ("Bash",),
            "web": ("WebSearch", "FetchURL"),
            "delegate": ("Agent",),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(
        complete=True,
        reading=GRAMMAR,
        denying=GRAMMAR._replace(star=NONE),
        denied={"mcp__*": "mcp"},
    ),
    skills=SkillUse(tool="Skill"),
    settings={
        "whenToUse": "text",
        "override": "flag",
        "tools": "list",
        "disallowedTools": "list",
        "subagents": "list",
    },
    live=("${word}",),
    shortest_body=1,
    file_rules=FileRules(names=r"[a-z0-9]+(?:-[a-z0-9]+)*"),
)
