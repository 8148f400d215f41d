"""Claude Code: Markdown files with YAML front matter in `agents/`.

Fields and how they are parsed were checked against Claude Code itself (see `docs/reference/clients/claude.md`). It ends
the header at the first `---`, even within a description.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agentpack.clients.base import SAME_COLORS, Client, SkillUse, ToolWords, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings
from agentpack.clients.file_rules import FileRules
from agentpack.clients.grammar import DROPPED, NAMES, NONE, Grammar
from agentpack.model.fields import MODELS
from agentpack.model.persona import Persona
from agentpack.model.rendering import Note

LONGEST_NAME = 256
"""Characters of a name, as JavaScript counts them."""
GRAMMAR = Grammar(
    separators=", ",
    brackets=True,
    splits_items=True,
    text=NAMES,
    blank=NONE,
    empty=NONE,
    null=NONE,
    other=NONE,
    item=DROPPED,
)
POWERS = CapabilityMeanings(
    settings={"memory": "named:memory=user|project|local"},
    reading=GRAMMAR,
    denying=GRAMMAR._replace(star=NONE),  # a star makes the whole list void
    tools={
        "NotebookEdit": "edit",
        "Monitor": "shell",
        "PowerShell": "shell",
        "REPL": "shell",
    },
    others=(
        *("CronCreate", "CronDelete", "CronList", "EnterWorktree", "ExitWorktree", "ListAgents", "ReportFindings"),
        *("SendMessage", "Skill", "TaskStop", "Workflow"),
    ),
    complete=True,
    servers=r"mcp__(?P<server>[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*)(?:__(?P<tool>\*|[A-Za-z0-9_-]+))?\Z",
    mcp_names=("mcp__{server}__{tool}", "mcp__{server}"),
    aliases={
        "Agent": "Task",
        "KillShell": "TaskStop",
        "KillBash": "TaskStop",
        "ListPeers": "ListAgents",
        "Brief": "SendUserMessage",
    },
    along={"Monitor": "Bash", "PowerShell": "Bash", "REPL": "Bash"},  # the last two are there on some systems only
    denied={"mcp__*": "mcp", "mcp__*__*": "mcp"},
    in_part=frozenset(("Task",)),
    remembering=("Read", "Edit", "Write"),
)

OTHER_TOOLS = tuple(
    "Artifact AskUserQuestion ClaudeDesign EndConversation EnterPlanMode ExitPlanMode LSP ListMcpResources "
    "ListMcpResourcesTool OfferChromeSetup Projects ProposeGoal PushNotification ReadMcpResource ReadMcpResourceDir "
    "ReadMcpResourceDirTool ReadMcpResourceTool ReadNotifications RemoteTrigger ScheduleWakeup SendFeedback "
    "SendUserFile SendUserMessage SetGoal ShareOnboardingGuide ShowOnboardingRolePicker SubagentHandback TaskCreate "
    "TaskGet TaskList TaskUpdate TodoWrite ToolSearch WaitForMcpServers propose_skills".split()
)
"""The rest of the tools that 2.1.330 has a name for. Which of them there are depends on how it runs."""


def notes_on(persona: Persona) -> Iterable[Note]:
    """A note on a literal backslash-n in a description, which has no escape in Claude Code."""
    if "\\n" in str(persona.value("description") or ""):
        yield Note("description: Claude Code reads the two characters `\\n` as a line break")


def unloadable(fields: Mapping[str, Any]) -> str:
    """Why Claude Code does not load an agent with this name or these hooks."""
    from unicodedata import normalize  # rarely asked

    name = fields["name"]
    if name.startswith("-"):
        return "Claude Code does not accept a name that begins with `-`"
    if len(name.encode("utf-16-le")) > 2 * LONGEST_NAME:
        return f"Claude Code does not accept a name of more than {LONGEST_NAME} characters"
    if ":" in (name if name.isascii() else normalize("NFKC", name)):
        return "Claude Code does not accept a name with a colon"
    if fields.get("hooks") and not isinstance(fields["hooks"], dict):
        return "Claude Code does not load an agent whose `hooks` are no map"
    return ""


CLIENT = Client(
    name="claude",
    aliases=("claude-code",),
    title="Claude Code",
    project=".claude/agents",
    user=UserFolder(".claude/agents", "CLAUDE_CONFIG_DIR", "agents"),
    file="{name}.md",
    version="2.1.330",
    checked="2026-11-23",
    verified_by="judge",
    reads="project beats user; `*.md`, nested folders too",
    anywhere=True,
    markers=(".claude",),
    reserved=frozenset(("statusline-setup",)),
    notes_on=notes_on,
    unloadable=unloadable,
    remarks=(
        "A file without a name is skipped as a document; a file without a description is skipped with a line in a log.",
        "Claude Code accepts any name of up to 256 characters without a colon that does not begin with `-`.",
    ),
    header="claude",
    models=MODELS,
    ids=r".+",
    choices={"color": SAME_COLORS},
    tools=ToolWords(
        key="tools",
        style="comma",
        deny="disallowedTools",
        names={
            "read": ("Read",),
            "search": ("Grep", "Glob"),
            "edit": ("Edit", "Write"),
            "shell": ("Bash",),
            "web": ("WebFetch", "WebSearch"),
            "delegate": ("Task",),
        },
    ),
    limits=("tools",),
    powers=POWERS,
    skills=SkillUse("claude-skills", "Skill"),
    file_rules=FileRules(
        names=r"[^:]+",
        own_agents=frozenset(("Explore", "Plan", "claude", "general-purpose", "statusline-setup")),
        fields=("observer", "observerMessage", "observeSubagents", "observeToolResults"),
        tools=OTHER_TOOLS,
        all_tools=True,
        models=r"(?:sonnet|opus|haiku|fable|best|opusplan)(?:\[1m\])?|inherit|.*claude.*|arn:.+|.+/.+",
        last_wins=True,
    ),
    settings={
        "tools": "texts",
        "disallowedTools": "texts",
        "effort": "text",
        "permissionMode": "acceptEdits|auto|bypassPermissions|default|dontAsk|plan",
        "maxTurns": "count",
        "mcpServers": "any",
        "hooks": "map",
        "skills": "texts",
        "initialPrompt": "text",
        "memory": "user|project|local",
        "background": "flag",
        "omitClaudeMd": "flag",
        "isolation": "worktree|remote",
        "autoCompactWindow": "any",
    },
)


def canonical_tools(value: Any) -> list[str] | None:
    """The canonical tools that match a list of native ones exactly, in order; None if there are none."""
    if value is None:
        return []
    assert CLIENT.tools is not None
    words = CLIENT.tools.names
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    found = []
    while names:
        tool = next((t for t, native in words.items() if tuple(names[: len(native)]) == native), None)
        if tool is None:
            return None
        found.append(tool)
        del names[: len(words[tool])]
    return found
