"""What the settings of agent files let an agent do: data for `capabilities/of_file.py`.

Most clients mean the same by a key of the same name; that stands here. What is particular about a client stands in its
`Declaration`. A key that neither knows is never passed over: it is shown as `setting:<key>`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.clients.grammar import Grammar

NOTHING: Mapping[str, Any] = MappingProxyType({})


class CapabilityMeanings(NamedTuple):
    """What is particular about a client's settings.

    `settings` gives the meaning of a key, one of:

    - `none`: it gives an agent nothing;
    - `allow`, `deny`: a list of tools; `map`: tools with true or false; `permissions`: tools with allow, ask or deny;
    - `tool_settings`: settings by tool; `grants`: permissions in a form of the client's own;
    - `looking`: only what changes nothing is left;
    - `mode`: what is asked for; `sandbox`: what commands may touch;
    - `model`, `mcp`, `hooks`; `is:<word>`: it gives that word, unless it is false or empty; `named:<word>`: the same,
      with what its value names; `named:<word>=<value>|<value>`: for those values only;
    - `value`: shown by its key and a digest of its value, unless that is false or empty;
    - `setting`: shown by its key, unless it is false or empty; `setting:<value>|<value>`: for those values only;
      `unset`: shown by its key when it is false.
    """

    settings: Mapping[str, str] = NOTHING
    tools: Mapping[str, str] = NOTHING
    """Further names of tools, and the word each stands for."""
    others: tuple[str, ...] = ()
    """Further tools, each a word of its own, `tool:<name>`."""
    complete: bool = False
    """Whether those, and the tools that the client's declaration names, are all that it has of its own, and a name is
    only what is spelled as they are."""
    aliases: Mapping[str, str] = NOTHING
    """Other names of a tool, and the one that it has here."""
    switched: Mapping[str, str] = NOTHING
    """Names that stand for a tool in a map of tools with true and false, and nowhere else."""
    along: Mapping[str, str] = NOTHING
    """Tools that are denied along with another one."""
    denied: Mapping[str, str] = NOTHING
    """Names that only a list of denied tools may hold, and the word each stands for."""
    servers: str = ""
    """A regular expression for the name of an MCP server's tool, with groups `server` and `tool`, where it is not
    `mcp__server__tool`."""
    in_part: frozenset[str] | None = None
    """The tools of which brackets behind the name mean a part; None: all tools. Of the others they mean the whole."""
    either: bool = False
    """Whether a list of denied tools that names some takes the place of the list of tools."""
    remembering: tuple[str, ...] = ()
    """The tools that a memory adds to those that are named."""
    only_named: bool = False
    """An agent has no tool that its file does not name."""
    reading: Grammar | None = None
    """How a list of tools is read, where that is known."""
    denying: Grammar | None = None
    """How a list of tools that are denied is read, where otherwise."""


def _meanings(**keys: str) -> Mapping[str, str]:
    return {key: meaning.replace("_", ":", 1) for meaning, names in keys.items() for key in names.split()}


MEANINGS: Mapping[str, str] = _meanings(
    none="name description color display_name displayName argument-hint whenToUse tool_description variant hidden "
    "target instruction_description nickname_candidates metadata customInstructions user-invocable "
    "disable-model-invocation effort reasoningEffort reasoningLevel thoughtLevel model_reasoning_effort "
    "model_reasoning_summary model_verbosity maxTurns max_turns maxIterations steps timeout_mins temperature "
    "top_p autoCompactWindow modelPolicy showOutput allowPromptArgument prompt_mode disabled injectAgentsMd "
    "mainAgent subagent disable_skills disabled_skills",
    allow="tools allowed-tools allowedTools enabled_tools groups",
    deny="disallowedTools disabled_tools",
    grants="permission permissions",
    mode="permissionMode permission_mode approvalMode commandExecutionPolicy safety",
    sandbox="sandbox_mode sandbox",
    looking="readonly read-only",
    mcp="mcpServers mcp_servers mcp-servers allowedMcpServers",
    hooks="hooks",
    model="model models",
    is_background="background is_background",
    named_memory="memory",
    named_skills="skills enabled_skills",
    is_bypass="autoApprove auto_approve alwaysAllow yolo dangerouslySkipPermissions",
    value="initialPrompt handoffs agents plugins subagents model_provider max-nesting",
    setting="omitClaudeMd override disable_rules disable_workspace_guidelines replace_system_prompt "
    "inherit_agent_config",
    setting_remote="isolation kind",
    unset="agents_md",
)
"""What a key means in most clients."""

LIMITING = frozenset(("allow", "deny", "map", "permissions", "looking"))
"""The meanings of keys that take tools away."""

BYPASSING = frozenset(
    "bypasspermissions yolo dangerfullaccess turbo always alwaysproceed autoapprove allow allowall all never "
    "unrestricted dangerouslyskippermissions full fullaccess".split()
)
"""Words, without case and signs, that turn asking off."""
PLANNING = frozenset(("plan", "readonly", "explore"))
"""Words for a mode in which what changes something is not done."""
DEFAULTS = frozenset(("default", "manual", "ask", "safe", "neutral", "inherit"))

COMMON_TOOLS: Mapping[str, str] = {
    name: word
    for word, names in {
        "read": "read readfile readfiles view viewfile ls list listdirectory notebookread readmanyfiles",
        "search": "search grep glob grepsearch searchfiles codebasesearch codebase findfiles fileglob",
        "edit": "edit write multiedit editfile writefile create createfile replace notebookedit applypatch "
        "strreplaceeditor editor",
        "shell": "bash shell execute runshellcommand shellcommand runcommand runcommands executecommand terminal "
        "command powershell runinterminal killshell bashoutput exec",
        "web": "web webfetch websearch fetch browser fetchurl googlewebsearch",
        "delegate": "task agent subagent delegate spawnagent invokeagent newtask",
        "skills": "skill skills",
    }.items()
    for name in names.split()
}
"""Names of tools that mean the same wherever they stand, without case and signs."""
