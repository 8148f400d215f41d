"""Cortex Code: Markdown files with YAML front matter. It has a list of tools, but their names are not established.

Fields: https://docs.snowflake.com/en/user-guide/cortex-code/extensibility
"""

from agentpack.clients.base import Client, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="cortex",
    aliases=("cortex-code", "snowflake-cortex"),
    title="Cortex Code",
    project=".cortex/agents",
    user=UserFolder(".snowflake/cortex/agents"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".cortex", ".snowflake/cortex"),
    limits=("tools",),
    settings={"tools": "list"},
    file_rules=FileRules(needs_description=False),
)
