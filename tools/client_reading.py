"""How each client reads the fields that limit its agents, in words: a section of every page about clients.

Only facts that were established stand here. What nobody could check is `None`, and the page says so.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Reading(NamedTuple):
    """What is known of a client's reading, and how."""

    how: str
    """`run` (the client was asked) or `code` (its code was read)."""
    version: str
    date: str
    """ISO 8601."""
    rules: tuple[str, ...]
    """A sentence or two each."""


def _run(version: str, *rules: str) -> Reading:
    return Reading("run", version, "2026-11-28", rules)


def _code(version: str, *rules: str) -> Reading:
    return Reading("code", version, "2026-11-28", rules)


_ANY_EMPTY = "Without `tools`, and with an empty list or text, an agent has every tool."
_EMPTY_IS_NONE = "Without `tools` an agent has every tool; with an empty list or text it has none."
_COMMAS = "Text is split at commas; the items of a list are not split."
_EXACT = "Names are compared exactly, capitals included. An unknown name gives nothing."
_TEXTS_ONLY = "Any other value, null included, and any item that is not text make the client refuse the file."

READINGS: Mapping[str, Reading | None] = {
    "antigravity": None,
    "augment": _code(
        "0.36.0",
        _ANY_EMPTY,
        f"{_COMMAS} A number, a boolean, a map or null counts as empty.",
        "Where both `tools` and `disabled_tools` name something, `tools` is dropped.",
        f"{_EXACT} `*` has no meaning in either field, but counts as something named.",
        "A header that is not valid YAML, or has a key twice, limits nothing.",
    ),
    "claude": _run(
        "2.1.330",
        "Without `tools` an agent has every tool; with null, an empty list or text, a number, a boolean or a map "
        "it has none.",
        "Text and every item of a list are split at commas and spaces outside of brackets. Other items are ignored.",
        "`*` as one of the words means every tool. Patterns such as `B*` name nothing.",
        "Names are compared exactly, capitals included. `Bash(git *)` gives the whole tool, and denies it.",
        "`*` anywhere in `disallowedTools` makes that list deny nothing.",
    ),
    "cline": _code(
        "core 0.0.86",
        _EMPTY_IS_NONE,
        f"{_COMMAS} {_TEXTS_ONLY}",
        "Names are compared without regard to capitals, and older names such as `bash` or `read_file` are known. An "
        "unknown name gives nothing, `*` included.",
    ),
    "codex": _run(
        "0.169.0",
        "An agent cannot be given a list of tools: `tools = […]` makes Codex skip the file, as any unknown key does.",
        "`sandbox_mode`, `approval_policy`, `web_search` and `[tools]` change nothing in a started agent.",
        "`shell_tool = false` below `[features]` takes the shell away.",
    ),
    "commandcode": _code(
        "1.54.2",
        "Without `tools`, and with null, a map, an empty list or text, an agent has no tool.",
        "Text is split at commas, or at blanks where it has no comma; the items of a list are not split.",
        "`*` as the whole text means every tool; in a list it names nothing.",
        _EXACT,
        "`*` as one of the words of `disallowedTools` takes every tool away.",
        "`permissionMode` is read exactly; a word that it does not know is ignored.",
    ),
    "copilot": _run(
        "CLI 1.0.102",
        _EMPTY_IS_NONE,
        f"{_COMMAS} {_TEXTS_ONLY}",
        "An item that is exactly `*` means every tool. Other patterns name nothing.",
        "Names are compared without regard to capitals, many aliases are known. An unknown name gives nothing.",
        "MCP tools are named `server/tool` or `server/*`; a list without them gives none.",
        "There is no field that denies: `disallowedTools` and the like are ignored.",
    ),
    "cortex": None,
    "cursor": None,
    "deepagents": _code("0.1.88", "No field limits an agent: everything but name, description and model is ignored."),
    "devin": None,
    "droid": _code(
        "0.215.0",
        f"{_EMPTY_IS_NONE} It always has `TodoWrite` and `Skill`.",
        "Text is split at commas; the items of a list are not split.",
        "Null, a number, a boolean, a map, or an item that is not text makes Droid drop the whole header: every tool. "
        "So does a wrong value of another field.",
        f"{_EXACT} `*` has no meaning. `Bash` and `Write` are unknown.",
        "`read-only`, `edit`, `execute` and `web` are groups where one of them is the whole text. `read-only` is every "
        "tool that does not edit files, the shell at low autonomy and MCP tools among them.",
        "`Create`, `Edit` and `ApplyPatch` stand for each other, depending on the model.",
    ),
    "gemini": _run(
        "0.61.0",
        "Without `tools` an agent has every tool; with an empty list it has none.",
        "`tools` must be a list of known names, `*` or MCP names (`mcp_server_*`). Anything else, null and text "
        "included, makes Gemini CLI refuse the file.",
        "An item that is exactly `*` means every tool.",
        "There is no field that denies: an unknown field makes it refuse the file.",
    ),
    "goose": _code(
        "a public copy of its source",
        "No field limits an agent: everything but name, description and model is ignored.",
    ),
    "grok": None,
    "junie": None,
    "kilo": _run(
        "7.7.7",
        "`permission` is `allow`, `ask`, `deny` or a map of those; `tools` is a map of true and false. Any other value "
        "makes Kilo skip the file, except null for `permission`, which limits nothing.",
        "The last entry that matches a tool counts, so `*` comes first. Where both name a tool, `permission` counts.",
        "Keys may be patterns (`*`, `?`) and are compared with capitals. `write`, `edit` and `patch` in `tools` are "
        "one: `edit`.",
        "Other fields, such as `disallowedTools`, limit nothing.",
        "Where a key appears twice, or the header is broken in another way, the whole file is the prompt, and nothing "
        "is limited.",
    ),
    "kimi": _code(
        "2.1.0",
        "Without `tools`, or with null, an agent has every tool; with an empty list or text it has none.",
        "Text is split at commas; the items of a list are not split. Any other value, and any item that is not text or "
        "is blank, make Kimi Code refuse the file.",
        "`*` as the only item means every tool. Beside other names it means nothing.",
        f"{_EXACT} Patterns work for MCP tools only (`mcp__server__*`).",
        "A pattern in `disallowedTools` denies nothing but MCP tools, so `*` denies nothing.",
    ),
    "kiro": None,
    "opencode": _run(
        "1.18.33",
        "`permission` is `allow`, `ask`, `deny` or a map of those; `tools` is a map of true and false. Any other "
        "value, null included, stops OpenCode with every command.",
        "The last entry that matches a tool counts, so `*` comes first. Where both name a tool, `permission` counts.",
        "Keys may be patterns (`*`, `?`) and are compared with capitals. `write`, `edit` and `patch` in `tools` are "
        "one: `edit`.",
        "Other fields, such as `disallowedTools`, limit nothing.",
        "A header that is broken or has a key twice may count as empty: the whole file is the prompt, and nothing is "
        "limited.",
    ),
    "pool": None,
    "qwen": _code(
        "0.24.4",
        f"{_ANY_EMPTY} A number, a boolean, a map or null counts as empty.",
        f"{_COMMAS} Items that are not text are ignored; a blank item makes Qwen Code refuse the file.",
        "An item that is exactly `*` means every tool. Other patterns name nothing.",
        f"{_EXACT} Display names such as `ReadFile` are known too.",
        "In `disallowedTools`, `*` denies MCP tools only. An empty one denies nothing.",
        "Beside `approvalMode`, `permissionMode` is ignored. An unknown word in `permissionMode` is dropped.",
        "Where a key appears twice, or the header is not valid YAML, it is read line by line; a list may then be lost, "
        "which means every tool.",
    ),
    "reasonix": None,
    "roo": _code(
        "`@roo-code/types` 1.115.0",
        "`groups` must be a list of known groups, each once, alone or as a pair with `fileRegex`. Anything else makes "
        "Roo Code refuse the whole list of modes.",
        "An empty list gives no group. `browser` is ignored.",
    ),
    "rovodev": None,
    "tabnine": None,
    "takt": _code("0.39.0", "No field limits an agent: the whole file is its prompt, a header included."),
    "vibe": _code(
        "3.0.2",
        "Without `enabled_tools`, and with an empty list, an agent has every tool that your configuration gives.",
        "Both lists must be lists of texts, else Vibe skips the file. Items are not split.",
        "Items are patterns, compared without regard to capitals: `*` in `enabled_tools` is every tool, in "
        "`disabled_tools` it leaves none. `re:` starts a regular expression.",
        "An unknown name gives nothing and denies nothing.",
        "Of the settings of a tool, `allowlist` counts before `permission: never`, and `denylist` before `always`. "
        "`bash` and `task` have an `allowlist` by default.",
    ),
    "zcode": None,
}
