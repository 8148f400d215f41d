"""Pool: agents are a map in its settings file, among everything else that is set there.

Fields: https://docs.poolside.ai/subagents
"""

from agentpack.clients.base import Client, SharedFile, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings

CLIENT = Client(
    name="pool",
    aliases=("poolside",),
    title="Pool (Poolside)",
    project=".poolside",
    user=UserFolder(".config/poolside"),
    file="settings.yaml",
    version="documentation of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="project beats user; the map `subagents.agents` in `settings.yaml`",
    markers=(".poolside", ".config/poolside"),
    reserved=frozenset(("general",)),
    shared=SharedFile(("subagents", "agents")),
    remarks=("A `settings.local.yaml` in a project overrides values of its `settings.yaml`.",),
    format="yaml",
    name_key=None,
    model=None,
    fixed={"type": "in_process"},
    settings={"inherit_agent_config": "flag", "disabled": "flag"},
    powers=CapabilityMeanings(settings={"disabled": "off"}),
    body="instructions",
)
