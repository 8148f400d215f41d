"""Factory Droid: Markdown files with YAML front matter in `droids/`; one field of a wrong type drops the whole header.

Ids of tools and models: https://docs.factory.ai/cli/configuration/custom-droids (a list names exact ids).
"""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import Declaration, ToolWords, speaker
from agentpack.targets.powers import Powers

DECLARATION = Declaration(
    client="droid",
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
    powers=Powers(tools={"read-only": "read search"}),
    settings={"tools": "texts", "reasoningEffort": "text", "mcpServers": "list"},
    long_description=500,
    shortest_body=1,
)
TARGET = Target(
    name="droid",
    aliases=("factory", "factory-droid"),
    title="Factory Droid",
    project=".factory/droids",
    user=Place(".factory/droids", "FACTORY_HOME_OVERRIDE", ".factory/droids"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="0.215.0",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, no nested folders",
    markers=(".factory",),
    nested=False,
    naming=("name", "path"),
    remarks=(
        "All droids share the room for descriptions: beside many others a long one is cut.",
        "`mcpServers` gives a droid every tool of those servers.",
    ),
)
