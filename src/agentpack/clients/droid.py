"""Factory Droid: Markdown files with YAML front matter in `droids/`; one field of a wrong type drops the whole header.

Ids of tools and models: https://docs.factory.ai/cli/configuration/custom-droids (a list names exact ids).
"""

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import ALL, NAMES, NONE, Grammar

CATEGORIES = {
    "read-only": "read search shell web mcp skills",  # what does not edit: it runs commands of a low risk too
    "edit": "edit",
    "web": "web",
    "execute": "shell",
    "execution": "shell",
}
"""Words that mean several tools, if one is all that `tools` contains."""
CLIENT = Client(
    name="droid",
    aliases=("factory", "factory-droid"),
    title="Factory Droid",
    project=".factory/droids",
    user=UserFolder(".factory/droids", "FACTORY_HOME_OVERRIDE", ".factory/droids"),
    file="{name}.md",
    version="0.215.0",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, no nested folders",
    markers=(".factory",),
    nested=False,
    naming=("name", "path"),
    remarks=(
        "All droids share one limit for descriptions, so a long description is cut if there are many droids.",
        "`mcpServers` gives a droid every tool of those servers.",
    ),
    ids=r"(?:claude|gpt|gemini)-.+|custom:.+",
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("Read", "LS"),
            "search": ("Grep", "Glob"),
            "edit": ("Create", "Edit", "ApplyPatch"),
            "shell": ("Execute",),
            "web": ("WebSearch", "FetchUrl"),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(
        tools=CATEGORIES,
        complete=True,
        aliases={"MultiEdit": "Edit"},
        reading=Grammar(
            separators=",", text=NAMES, blank=NONE, empty=NONE, null=ALL, other=ALL, item=ALL, stars=frozenset()
        ),
    ),
    skills=SkillUse(moved_by="FACTORY_HOME_OVERRIDE"),
    settings={"tools": "texts", "reasoningEffort": "text", "mcpServers": "list"},
    long_description=500,
    shortest_body=1,
    file_rules=FileRules(needs_description=False),
)
