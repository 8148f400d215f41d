"""Deep Agents Code (`dcode`): a folder for each agent; its `AGENTS.md` has only name, description and model."""

from agentpack.clients.base import Client, UserFolder

MODEL = r"[^:\s]+:\S+"

CLIENT = Client(
    name="deepagents",
    aliases=("deepagents-code", "dcode"),
    title="Deep Agents Code (dcode)",
    project=".deepagents/agents",
    user=UserFolder(".deepagents/agent/agents", "DEEPAGENTS_HOME", "agent/agents"),
    file="{name}/AGENTS.md",
    version="0.1.88",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `<agent>/AGENTS.md`",
    markers=(".deepagents",),
    nested=False,
    naming=("name", "stem"),
    reserved=frozenset(("general-purpose",)),
    remarks=("At user scope the agents belong to the default profile, `agent`.",),
    header="strict",
    ids=MODEL,
    id_form=MODEL,
    id_example="anthropic:claude-sonnet-4-5",
    shortest_body=1,
)
