"""Antigravity (editor and command line): Markdown files with YAML front matter in `.agents/agents`.

An agent has no tool that its file does not name, and the names are not established: they come from the persona's own
settings for this client. Fields: https://antigravity.google/docs/subagents
"""

from agentpack.model.persona import Persona
from agentpack.model.rendering import Note
from agentpack.targets.base import Models, Place, Said, Target, native_settings
from agentpack.targets.declared import Declaration, speaker
from agentpack.targets.powers import Powers

DECLARATION = Declaration(
    client="antigravity",
    models=("inherit",),
    limits=("tools",),
    powers=Powers(only_named=True),
    settings={
        "tools": "list",
        "mainAgent": "flag",
        "subagent": "flag",
        "commandExecutionPolicy": "text",
        "mcpServers": "maps",
        "skills": "list",
        "plugins": "list",
        "hidden": "flag",
    },
)
_say = speaker(DECLARATION)


def say(persona: Persona, models: Models) -> Said:
    """The persona's file. That it names no tools is told."""
    said = _say(persona, models)
    if "tools" in native_settings(persona, "antigravity"):
        return said
    why = "name them under `clients: {antigravity: {tools: […]}}`"
    return said._replace(notes=(*said.notes, Note("tools: Antigravity gives an agent none by default", why)))


TARGET = Target(
    name="antigravity",
    aliases=("google-antigravity",),
    title="Antigravity",
    project=".agents/agents",
    user=Place(".gemini/config/agents"),
    file="{name}.md",
    say=say,
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="CLI 1.1.6",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".antigravity", ".gemini/antigravity", ".gemini/antigravity-cli", ".gemini/config"),
    remarks=(
        "Kimi Code, Goose and Augment read `.agents/agents` too: beside them, a persona written here is there twice.",
    ),
)
