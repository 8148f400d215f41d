"""Cline: `*.yaml` files with YAML front matter and a body. The model is split into two keys.

Tool names, the parsing of `tools` and the name of an agent's tool are from `@cline/core` 0.0.86.
"""

import re

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.grammar import NAMES, NONE, REFUSED, Grammar
from agentpack.clients.opencode import MODEL

OLDER = {
    "apply_diff": "editor",
    "replace_in_file": "editor",
    "write_to_file": "editor",
    "bash": "run_commands",
    "execute_command": "run_commands",
    "list_files": "run_commands",
    "read_file": "read_files",
    "search_files": "search_codebase",
    "list_code_definition_names": "search_codebase",
    "use_skill": "skills",
}
"""Former names of its tools, which it still accepts."""


def identity(name: str) -> str:
    """The tool name Cline derives from an agent, up to the length at which it appends a digest."""
    return f"subagent_{re.sub('[^a-z0-9]+', '_', name.strip().lower()).strip('_') or 'agent'}"


CLIENT = Client(
    name="cline",
    aliases=("cline-cli",),
    title="Cline",
    project=".cline/agents",
    user=UserFolder(".cline/agents", "CLINE_DIR", "agents"),
    file="{name}.yaml",
    version="core 0.0.86",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.yaml` and `*.yml` with front matter and a body, no nested folders",
    markers=(".cline", ".clinerules"),
    nested=False,
    endings=(".yaml", ".yml"),
    identity=identity,
    remarks=(
        "An agent's tool is called `subagent_` and its name with `_` for every other character.",
        "Cline reports every fault in a file as a missing end of the front matter.",
    ),
    header="strict",
    model="modelId",
    provider="providerId",
    ids=MODEL,
    id_form=MODEL,
    id_example="anthropic/claude-sonnet-4-5",
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("read_files",),
            "search": ("search_codebase",),
            "edit": ("editor", "apply_patch"),
            "shell": ("run_commands",),
            "web": ("fetch_web_content",),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(
        complete=True,
        aliases=OLDER,
        reading=Grammar(
            separators=",",
            text=NAMES,
            blank=NONE,
            empty=NONE,
            null=REFUSED,
            other=REFUSED,
            item=REFUSED,
            stars=frozenset(),
            folded=True,
        ),
    ),
    skills=SkillUse(),
    settings={"tools": "list", "skills": "list", "maxIterations": "count"},
    shortest_body=1,
)
