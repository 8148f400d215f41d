"""What the settings of agent files let an agent do: data for `capabilities/of_file.py`.

Most clients mean the same by a key with the same name; that is recorded here. What is particular to a client is in its
`Client`. A key that neither knows is never ignored: it is shown as `setting:<key>`.
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
    - `looking`: only read-only tools are left; `off`: true takes the whole agent away;
    - `only_skills`, `without_skills`: a list of skills, or true for all; `without_skills:<key>`: ignored beside that
      key;
    - `mode`: what needs confirmation; `sandbox`: what commands may touch;
    - `model`, `mcp`, `hooks`; `is:<word>`: it gives that word, unless it is false or empty; `named:<word>`: the same,
      with what its value names; `named:<word>=<value>|<value>`: for those values only;
    - `value`: shown by its key and a digest of its value, unless that is false or empty;
    - `setting`: shown by its key, unless it is false or empty; `setting:<value>|<value>`: for those values only;
      `unset`: shown by its key when it is false.
    """

    settings: Mapping[str, str] = NOTHING
    tools: Mapping[str, str] = NOTHING
    """Further tool names, and the word for each."""
    others: tuple[str, ...] = ()
    """Further tools, each with its own word `tool:<name>`."""
    complete: bool = False
    """Whether those, and the tools in `ToolWords`, are all the client has, and names must match exactly."""
    aliases: Mapping[str, str] = NOTHING
    """Other names of a tool, and its name here."""
    switched: Mapping[str, str] = NOTHING
    """Names that mean a tool only in a map of tools with true and false."""
    excused: tuple[str, ...] = ()
    """Tools that do something without asking even where their settings say `never`."""
    along: Mapping[str, str] = NOTHING
    """Tools that are denied together with another one."""
    denied: Mapping[str, str] = NOTHING
    """Names that only a list of denied tools may contain, and the word for each."""
    servers: str = ""
    """A regular expression for the name of an MCP tool, with groups `server` and `tool`, if it is not
    `mcp__server__tool`."""
    mcp_names: tuple[str, str] = ("", "")
    """How one tool of an MCP server is written, and all of them, with `{server}` and `{tool}`; empty if unknown."""
    in_part: frozenset[str] | None = None
    """The tools for which brackets after the name mean a part; None for all tools. For others they mean the whole."""
    either: bool = False
    """Whether a non-empty list of denied tools replaces the list of allowed tools."""
    remembering: tuple[str, ...] = ()
    """The tools that a memory adds to the named ones."""
    planning: tuple[str, ...] = ()
    """The keys that are text and for which `plan` is known to be a word; those with a list of words say so there."""
    overruled: Mapping[str, str] = NOTHING
    """Keys that the client ignores beside another one, and that other one."""
    only_named: bool = False
    """An agent has only the tools its file names."""
    reading: Grammar | None = None
    """How a list of tools is parsed, if known."""
    denying: Grammar | None = None
    """How a list of denied tools is parsed, if different."""


def _meanings(**keys: str) -> Mapping[str, str]:
    return {key: meaning.replace("_", ":", 1) for meaning, names in keys.items() for key in names.split()}


MEANINGS: Mapping[str, str] = _meanings(
    none="name description color display_name displayName argument-hint whenToUse tool_description variant hidden "
    "target instruction_description nickname_candidates metadata customInstructions user-invocable "
    "disable-model-invocation effort reasoningEffort reasoningLevel thoughtLevel model_reasoning_effort "
    "model_reasoning_summary model_verbosity maxTurns max_turns maxIterations steps timeout_mins temperature "
    "top_p autoCompactWindow modelPolicy showOutput allowPromptArgument prompt_mode disabled injectAgentsMd "
    "mainAgent subagent disable_skills disabled_skills "
    "author authors category categories created emoji homepage keywords license tags updated version vibe",
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
"""The meaning of a key in most clients."""

LIMITING = frozenset(("allow", "deny", "map", "permissions", "looking", "only_skills", "without_skills", "off"))
"""The meanings of keys that remove tools or skills."""

BYPASSING = frozenset(
    "bypass bypasspermissions yolo dangerfullaccess turbo always alwaysproceed autoapprove allow allowall all never "
    "unrestricted dangerouslyskippermissions full fullaccess".split()
)
"""Words that turn confirmation off, in lower case without punctuation."""
PLAN = "plan"
"""The word for a mode in which nothing is changed, exactly as clients that have one spell it."""
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
"""Tool names with one meaning everywhere, in lower case without punctuation."""
