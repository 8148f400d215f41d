"""Claude Code: Markdown files with YAML front matter in `agents/`.

Fields and their readings were checked against Claude Code itself (see `docs/reference/clients/claude.md`).
"""

from collections.abc import Mapping
from typing import Any

from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean
from agentpack.model.persona import Persona
from agentpack.targets.base import Place, Said, Target, yaml_header

TOOLS: Mapping[str, tuple[str, ...]] = {
    "read": ("Read",),
    "search": ("Grep", "Glob"),
    "edit": ("Edit", "Write"),
    "shell": ("Bash",),
    "web": ("WebFetch", "WebSearch"),
    "delegate": ("Task",),
}
NATIVE = (
    "tools",
    "disallowedTools",
    "effort",
    "permissionMode",
    "maxTurns",
    "mcpServers",
    "hooks",
    "skills",
    "initialPrompt",
    "memory",
    "background",
    "omitClaudeMd",
    "isolation",
    "autoCompactWindow",
)


def say(persona: Persona, models: Mapping[str, Mapping[str, str]]) -> Said:
    description = persona.value("description") or ""
    notes = []
    if "\\n" in description:
        notes.append("description: Claude Code reads the two characters `\\n` as a line break")
    fields: dict[str, Any] = {"name": persona.name, "description": description}
    tools = persona.value("tools")
    if tools:
        fields["tools"] = ", ".join(native for tool in tools for native in TOOLS[tool])
    model = persona.value("model")
    if model:
        fields["model"] = models.get(model, {}).get("claude", model)
    if color := persona.value("color"):
        fields["color"] = color
    for key, value in _native(persona).items():
        fields[key] = value
    return Said(yaml_header(fields) + persona.body, tuple(notes))


def _native(persona: Persona) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = (persona.value("clients") or {}).get("claude", {})
    for key in settings:
        if key not in NATIVE:
            known = f"known: {', '.join(NATIVE)}"
            raise UsageError(
                f"persona `{persona.name}`: `clients.claude.{key}` is not a setting of Claude Code",
                hint=did_you_mean(key, NATIVE) or known,
            )
    return settings


def canonical_tools(value: Any) -> list[str] | None:
    """The canonical tools that a list of native ones stands for exactly, in this order; None when it stands for none."""
    if value is None:
        return []
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    found = []
    while names:
        tool = next((t for t, native in TOOLS.items() if tuple(names[: len(native)]) == native), None)
        if tool is None:
            return None
        found.append(tool)
        del names[: len(TOOLS[tool])]
    return found


TARGET = Target(
    name="claude",
    title="Claude Code",
    project=".claude/agents",
    user=Place(".claude/agents", "CLAUDE_CONFIG_DIR", "agents"),
    suffix=".md",
    say=say,
    marker=".claude",
    version="2.1.330",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, nested folders too",
)
