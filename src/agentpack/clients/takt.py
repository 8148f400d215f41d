"""Takt: a persona is the body alone, under its file's name."""

from agentpack.clients.base import Client, UserFolder

CLIENT = Client(
    name="takt",
    title="Takt",
    project=".takt/facets/personas",
    user=UserFolder(".takt/facets/personas"),
    file="{name}.md",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; `*.md` without a header",
    markers=(".takt",),
    naming=("path",),
    format="body",
    name_key=None,
    description=None,
    model=None,
)
