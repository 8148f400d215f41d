"""Roo Code, and Zoo Code which follows it: a persona is a mode in `.roomodes`, a list that holds others' modes too.

Schema: RooCodeInc/Roo-Code, `packages/types/src/mode.ts`; one bad entry invalidates the list. A user's modes are kept
by the editor's extension in a folder of the editor's own, which differs by editor and system: no user scope.
"""

from agentpack.clients.base import Client, SharedFile, SkillUse, ToolWords
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import NONE, PAIRED, REFUSED, Grammar

CLIENT = Client(
    name="roo",
    aliases=("roo-code", "roocode", "zoo-code", "zoocode"),
    title="Roo Code, Zoo Code",
    project="",
    user=None,
    file=".roomodes",
    version="last schema of Roo Code (2026-05)",
    checked="2026-11-23",
    verified_by="source",
    reads="project beats user; the list `customModes` in `.roomodes`",
    markers=(".roomodes", ".roo"),
    reserved=frozenset("architect code ask debug orchestrator".split()),
    shared=SharedFile(("customModes",), "slug"),
    remarks=(
        "One mode that is not valid makes Roo Code refuse the whole list.",
        "A user's own modes are in a folder of the editor, where agentpack does not write.",
    ),
    format="yaml",
    name_key="slug",
    repeated="name",
    model=None,
    tools=ToolWords(
        key="groups",
        style="list",
        names={"read": ("read",), "search": ("read",), "edit": ("edit",), "shell": ("command",)},
        remark="the agent can still ask to switch to another mode",
    ),
    unlimited={"groups": ["read", "edit", "command", "mcp"]},
    limits=("groups",),
    powers=CapabilityMeanings(
        tools={"mcp": "mcp", "browser": ""},
        others=("modes",),  # it drops the latter
        complete=True,
        only_named=True,
        reading=Grammar(
            empty=NONE, text=REFUSED, null=REFUSED, other=REFUSED, item=PAIRED, stars=frozenset(), any_name=False
        ),
    ),
    skills=SkillUse("roo-skills"),
    settings={"groups": "any", "whenToUse": "text", "customInstructions": "text", "allowedMcpServers": "list"},
    body="roleDefinition",
    shortest_body=1,
    file_rules=FileRules(needs_description=False, all_tools=True),
)
