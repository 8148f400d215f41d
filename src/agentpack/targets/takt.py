"""Takt: a persona is the body alone, under its file's name."""

from agentpack.targets.base import Place, Target
from agentpack.targets.declared import Declaration, speaker

DECLARATION = Declaration(client="takt", format="body", name=None, description=None, model=None)
TARGET = Target(
    name="takt",
    title="Takt",
    project=".takt/facets/personas",
    user=Place(".takt/facets/personas"),
    file="{name}.md",
    say=speaker(DECLARATION),
    declaration=DECLARATION,
    settings=tuple(DECLARATION.native),
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md` without a header",
    markers=(".takt",),
    naming=("path",),
)
