"""Reasonix: an agent is a skill that is started by name and runs as an agent, `NAME/SKILL.md`.

Fields: esengine/DeepSeek-Reasonix, `docs/SUBAGENT_PROFILES.md`. Of its tools only three names are documented;
`read-only` strips every tool that writes.
"""

from agentpack.clients.base import Client, SkillUse, UserFolder
from agentpack.clients.file_rules import FileRules

CLIENT = Client(
    name="reasonix",
    title="Reasonix",
    project=".reasonix/skills",
    user=UserFolder(".reasonix/skills"),
    file="{name}/SKILL.md",
    version="main-v2 of 2026-11",
    checked="2026-11-23",
    verified_by="documentation",
    reads="names must differ over project and user; `<agent>/SKILL.md`",
    markers=(".reasonix",),
    nested=False,
    remarks=("Reasonix refuses to make an agent that has the name of a skill.",),
    ids=r"deepseek.+",
    fixed={"invocation": "manual", "runAs": "subagent"},
    readonly={"read-only": True},
    limits=("allowed-tools",),
    skills=SkillUse(tool="read_skill", moved_by="REASONIX_HOME"),
    settings={"effort": "text", "allowed-tools": "list", "read-only": "flag", "color": "text"},
    file_rules=FileRules(needs_description=False),
)
