"""Antigravity (editor and command line): Markdown files with YAML front matter in `.agents/agents`.

An agent has only the tools its file names, and the names are not established: they come from the persona's own settings
for this client. Fields: https://antigravity.google/docs/subagents
"""

from collections.abc import Iterable

from agentpack.clients.base import Client, UserFolder, native_settings
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.model.persona import Persona
from agentpack.model.rendering import Note


def notes_on(persona: Persona) -> Iterable[Note]:
    """A note that an agent without named tools has none."""
    if "tools" not in native_settings(persona, "antigravity"):
        why = "list them under `clients: {antigravity: {tools: […]}}`"
        yield Note("tools: Antigravity gives an agent none by default", why)


CLIENT = Client(
    name="antigravity",
    aliases=("google-antigravity",),
    title="Antigravity",
    project=".agents/agents",
    user=UserFolder(".gemini/config/agents"),
    file="{name}.md",
    notes_on=notes_on,
    version="CLI 1.1.6",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".antigravity", ".gemini/antigravity", ".gemini/antigravity-cli", ".gemini/config"),
    remarks=("Kimi Code, Goose and Augment read `.agents/agents` too: an agent that they already have appears twice.",),
    models=("inherit",),
    limits=("tools",),
    powers=CapabilityMeanings(only_named=True),
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
