"""GitHub Copilot: the command line and VS Code read the same `*.agent.md` files, with tools under common aliases.

The aliases are documented for both (https://docs.github.com/en/copilot/reference/custom-agents-configuration); each
ignores names it does not know.
"""

from agentpack.clients.base import Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import NAMES, NONE, REFUSED, Grammar

TOOLS = {
    name: word
    for word, names in {
        "read": "view notebookread readfile read/readfile read/viewimage",
        "search": "grep glob codebase filesearch search/codebase search/filesearch search/textsearch "
        "search/listdirectory",
        "edit": "multiedit notebookedit editfiles create createfile write edit/createfile edit/editfiles "
        "edit/editnotebook",
        "shell": "shell bash runcommands powershell execute/runinterminal list_bash read_bash stop_bash",
        "web": "webfetch websearch fetch web/fetch",
        "delegate": "task agent/runsubagent",
    }.items()
    for name in names.split()
}
"""Further names it accepts, in lower case."""
SETS = "agent|edit|execute|new|read|runcommands|runnotebooks|runtasks|search|vscode|web"
"""Sets of VS Code's own tools: `web/fetch` is no tool of an MCP server `web`."""
CLIENT = Client(
    name="copilot",
    aliases=("github-copilot", "copilot-cli", "vscode", "vs-code", "vscode-copilot"),
    title="GitHub Copilot (CLI and VS Code)",
    project=".github/agents",
    user=UserFolder(".copilot/agents", "COPILOT_HOME", "agents"),
    file="{name}.agent.md",
    version="CLI 1.0.102",
    checked="2026-11-23",
    verified_by="judge",
    reads="user beats project; `*.agent.md` and `*.md`, nested folders too",
    anywhere=True,
    markers=(".copilot", ".github/agents", ".github/copilot-instructions.md"),
    endings=(".agent.md", ".md"),
    naming=("name", "stem"),
    wins="user",
    also_reads={"project": (".claude/agents",)},
    own_first=True,
    reserved=frozenset("explore task research code-review general-purpose security-review".split()),
    remarks=(
        "Checked with the command line; for VS Code, only its documentation says what it does with the file.",
        "The cloud agent reads at most 30,000 characters of a body; the command line was seen to take more.",
        "VS Code expects a model's name as in its menu (`GPT-5 (copilot)`), the command line the model's id.",
    ),
    header="strict",
    tools=ToolWords(
        key="tools",
        style="list",
        names={
            "read": ("read",),
            "search": ("search",),
            "edit": ("edit",),
            "shell": ("execute",),
            "web": ("web",),
            "delegate": ("agent",),
        },
    ),
    limits=("tools",),
    powers=CapabilityMeanings(
        complete=True,
        servers=rf"(?!(?:{SETS})/)(?P<server>[^/]+)/(?P<tool>.+)\Z",
        mcp_names=("{server}/{tool}", "{server}/*"),
        tools=TOOLS,
        reading=Grammar(
            separators=",",
            trims_items=False,
            text=NAMES,
            blank=NONE,
            empty=NONE,
            null=REFUSED,
            other=REFUSED,
            item=REFUSED,
            folded=True,
        ),
    ),
    skills=SkillUse(tool="skill", moved_by="COPILOT_HOME"),
    settings={
        "tools": "list",
        "models": "list",
        "modelPolicy": "preferred|required",
        "target": "vscode|github-copilot",
        "disable-model-invocation": "flag",
        "user-invocable": "flag",
        "mcp-servers": "map",
        "metadata": "map",
        "argument-hint": "text",
        "agents": "list",
        "handoffs": "maps",
    },
    longest_body=30_000,
    file_rules=FileRules(model_lists=True),
)
