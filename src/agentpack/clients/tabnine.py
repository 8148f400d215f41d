"""Tabnine's older command line: Markdown files with YAML front matter. Names of tools are not established.

Fields: https://docs.tabnine.com/main/getting-started/tabnine-cli/features/subagents
"""

from agentpack.clients.base import Client, UserFolder

CLIENT = Client(
    name="tabnine",
    aliases=("tabnine-cli",),
    title="Tabnine CLI (legacy)",
    project=".tabnine/agent/agents",
    user=UserFolder(".tabnine/agent/agents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".tabnine",),
    trust="Tabnine reads agents only with `experimental.enableAgents` in its settings.",
    remarks=(
        "Tabnine is derived from Gemini CLI, so agentpack breaks up `${word}` in a body here too.",
        "The new `tabnine` reads OpenCode's files.",
    ),
    limits=("tools",),
    settings={
        "kind": "local|remote",
        "tools": "list",
        "temperature": "number",
        "max_turns": "count",
        "timeout_mins": "count",
    },
    live=("${word}",),
)
