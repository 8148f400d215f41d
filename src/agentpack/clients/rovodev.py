"""Rovo Dev: Markdown files with YAML front matter in `subagents/`. It knows name and description."""

from agentpack.clients.base import Client, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="rovodev",
    aliases=("rovo-dev",),
    title="Rovo Dev",
    project=".rovodev/subagents",
    user=UserFolder(".rovodev/subagents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".rovodev",),
    model=None,
    file_rules=FileRules(needs_description=False),
)
