"""OpenCode: Markdown files with YAML front matter. Its loader is strict, and one bad file stops the whole client.

Tools and permissions were seen with `opencode debug agent`: rules are read in order and the last that fits wins, the
agent's own after the defaults and after the user's. `*` therefore comes first, and `read` repeats the default that asks
before a file of secrets is read.
"""

from agentpack.clients.base import HEX_COLORS, Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules

NO_SECRETS = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
TOOLS = {
    "read": ("read", "list"),
    "search": ("grep", "glob"),
    "edit": ("edit",),  # also stands for write and patch
    "shell": ("bash",),
    "web": ("webfetch", "websearch"),
    "delegate": ("task",),
}
MODEL = r"[^/\s]+/\S+"
SETTINGS = {
    "mode": "subagent|primary|all",
    "temperature": "number",
    "top_p": "number",
    "steps": "count",
    "color": "color",
    "permission": "permissions",
    "tools": "switches",
}
POWERS = CapabilityMeanings(
    settings={"mode": "setting:primary|all", "tools": "map"},
    others=("skill", "todowrite", "question"),
    complete=True,
    servers=r"(?P<server>[A-Za-z0-9.-]+)_(?P<tool>.+)\Z",
    mcp_names=("{server}_{tool}", "{server}_*"),
    switched={"write": "edit", "patch": "edit"},
    along={"list": "read"},
)

CLIENT = Client(
    name="opencode",
    aliases=("open-code",),
    title="OpenCode",
    project=".opencode/agents",
    user=UserFolder(".config/opencode/agents", "XDG_CONFIG_HOME", "opencode/agents"),
    file="{name}.md",
    version="1.18.33",
    checked="2026-11-23",
    verified_by="judge",
    reads="project and user are merged field by field, project wins; `*.md`, nested folders too, the path is the name",
    markers=(".opencode", "opencode.json", "opencode.jsonc", ".config/opencode"),
    naming=("name", "path"),
    wins="merge",
    also_reads={
        "project": (".opencode/agent",),
        "user": (".config/opencode/agent", ".opencode/agents", "$OPENCODE_CONFIG_DIR/agents"),
    },
    reserved=frozenset("build plan general explore compaction title summary".split()),
    remarks=(
        "One invalid agent file stops every command of OpenCode.",
        "OpenCode also reads the folder in `OPENCODE_CONFIG_DIR`; agentpack does not write there.",
    ),
    fixed={"mode": "subagent"},
    ids=MODEL,
    id_form=MODEL,
    id_example="anthropic/claude-sonnet-4-5",
    choices={"color": HEX_COLORS},
    tools=ToolWords(
        key="permission",
        style="permissions",
        names=TOOLS,
        grants={"read": NO_SECRETS},
        remark="OpenCode applies this agent's permissions after yours: the tools it allows run without a prompt, "
        'even if your config says "ask"',
    ),
    limits=("permission", "tools"),
    powers=POWERS,
    skills=SkillUse(tool="skill"),
    settings=SETTINGS,
    file_rules=FileRules(needs_description=False, more_fields=True),
)
