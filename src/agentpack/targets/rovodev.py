"""Rovo Dev: Markdown files with YAML front matter in `subagents/`. It knows name and description."""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import Declaration, speaker

DECLARATION = Declaration(client="rovodev", model=None)
TARGET = Target(
    name="rovodev",
    aliases=("rovo-dev",),
    title="Rovo Dev",
    project=".rovodev/subagents",
    user=Place(".rovodev/subagents"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md`",
    markers=(".rovodev",),
)
