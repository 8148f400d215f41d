"""Devin Local, the successor of Windsurf: a folder for each agent with an `AGENT.md`. Tool names are not established.

Fields: https://docs.devin.ai/cli/subagents
"""

from agentpack.clients.base import Client, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="devin",
    aliases=("windsurf", "cascade"),
    title="Devin Local",
    project=".devin/agents",
    user=UserFolder(".config/devin/agents"),
    file="{name}/AGENT.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `<agent>/AGENT.md`",
    markers=(".devin", ".config/devin"),
    nested=False,
    limits=("allowed-tools",),
    settings={"allowed-tools": "list", "permissions": "map", "max-nesting": "count"},
    file_rules=FileRules(needs_description=False),
)
