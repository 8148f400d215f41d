"""Codex: TOML files, each a role whose other keys are Codex's own configuration. An unknown key loses the file.

A role cannot be restricted: it has no list of tools, and Codex starts it with the sandbox and approvals of the session
whatever its file says. Observed in 0.169.0 (a role with `sandbox_mode = "read-only"`, started from a session with write
access, may write) and confirmed in its source (`apply_spawn_agent_runtime_overrides` runs after the role is applied).
"""

from agentpack.clients.base import Client, SkillUse, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="codex",
    aliases=("codex-cli", "openai-codex"),
    title="Codex",
    project=".codex/agents",
    user=UserFolder(".codex/agents", "CODEX_HOME", "agents"),
    file="{name}.toml",
    version="0.169.0",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.toml`, nested folders too, the `name` inside counts",
    anywhere=True,
    markers=(".codex",),
    trust="Codex reads a project's agents only once the project is trusted.",
    reserved=frozenset(("default", "explorer", "worker")),
    remarks=(
        "A role with a `model` runs on that model; a role without one runs on the session's model.",
        "The sandbox and the approvals of an agent are those of the session that starts it.",
    ),
    format="toml",
    ids=r"(?:gpt-|codex-|o[0-9]).*",
    body="developer_instructions",
    shortest_body=1,
    skills=SkillUse(),
    settings={
        "nickname_candidates": "list",
        "model_provider": "text",
        "model_reasoning_effort": "text",
        "model_reasoning_summary": "text",
        "model_verbosity": "text",
        "sandbox_mode": "read-only|workspace-write|danger-full-access",
        "web_search": "disabled|cached|live",
        "mcp_servers": "map",
    },
    powers=CapabilityMeanings(settings={"web_search": "is:web"}),
    idle={
        "sandbox_mode": "which Codex replaces with the session's when it starts the agent",
        "web_search": "which Codex replaces with the session's when it starts the agent",
    },
    file_rules=FileRules(more_fields=True),
)
