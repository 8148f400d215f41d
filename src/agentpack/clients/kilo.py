"""Kilo: reads agents as OpenCode does, skips an invalid file, and puts files and variables into a body.

Tools and permissions were seen with `kilo debug agent`. By default a command is asked for unless it only looks, so a
persona that may use the shell is asked every time: never more than the default.
"""

from agentpack.clients.base import HEX_COLORS, Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.file_rules import FileRules
from agentpack.clients.opencode import MODEL, NO_SECRETS, POWERS, SETTINGS, TOOLS

CLIENT = Client(
    name="kilo",
    aliases=("kilocode", "kilo-code", "kilo-cli"),
    title="Kilo",
    project=".kilo/agents",
    user=UserFolder(".config/kilo/agents", "XDG_CONFIG_HOME", "kilo/agents"),
    file="{name}.md",
    version="7.7.7",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, nested folders too, the path is the name",
    markers=(".kilo", ".kilocode", ".config/kilo"),
    naming=("name", "path"),
    also_reads={"project": (".kilo/agent", ".kilocode/agents"), "user": (".config/kilo/agent", ".kilo/agents")},
    reserved=frozenset("ask code debug orchestrator plan general explore compaction title summary".split()),
    remarks=("The older `custom_modes.yaml` and `.kilocodemodes` are not written.",),
    fixed={"mode": "subagent"},
    ids=MODEL,
    id_form=MODEL,
    id_example="anthropic/claude-sonnet-4-5",
    choices={"color": HEX_COLORS},
    tools=ToolWords(
        key="permission",
        style="permissions",
        names=TOOLS,
        grants={"read": NO_SECRETS, "bash": "ask"},
        remark="Kilo applies this agent's permissions after yours: the tools it allows except the shell run without a "
        'prompt, even if your config says "ask"',
    ),
    limits=("permission", "tools"),
    powers=POWERS,
    skills=SkillUse(tool="skill"),
    settings={**SETTINGS, "displayName": "text", "hidden": "flag", "variant": "text"},
    live=("{file:}", "{env:}"),
    file_rules=FileRules(needs_description=False, more_fields=True),
)
