"""Environment variables that move clients' folders, known without loading an adapter, because the fast path needs them.

A named path may begin with a variable (`$CLAUDE_CONFIG_DIR/agents/x.md`), which may point to another folder tomorrow.
So records of the user scope store where each variable pointed (`roots` of a generation and of a journal). A path whose
variable points elsewhere now gets a root of its own, named by variable and folder: `$CLAUDE_CONFIG_DIR@3fa2c1d0`.
Readers of a record call `current_path` for today's name of a path; nobody else needs to know. The lock stores variable
names only: it is the same on every machine.
"""

from collections.abc import Callable, Mapping

VARIABLES = (
    "CLAUDE_CONFIG_DIR",
    "CLINE_DIR",
    "CODEX_HOME",
    "COPILOT_HOME",
    "DEEPAGENTS_HOME",
    "FACTORY_HOME_OVERRIDE",
    "GEMINI_CLI_HOME",
    "KIMI_CODE_HOME",
    "QWEN_HOME",
    "VIBE_HOME",
    "XDG_CONFIG_HOME",
)
"""The environment variables that move a client's folder."""

ROOTS = frozenset(("config", "state", *VARIABLES))
"""The names after `$` at which paths may begin; a variable only counts while it is set."""


def root_of(path: str) -> str:
    """The root of a named path: `$config`, `$CLAUDE_CONFIG_DIR@3fa2c1d0`; empty for the scope's own."""
    return path.partition("/")[0] if path.startswith("$") else ""


def variable_of(root: str) -> str:
    """The variable in the name of a root: `$CLAUDE_CONFIG_DIR@3fa2c1d0` -> `CLAUDE_CONFIG_DIR`."""
    return root[1:].partition("@")[0]


def is_earlier(root: str) -> bool:
    """Whether a root is a folder that its variable pointed to earlier."""
    return "@" in root


def earlier_root(root: str, folder: str) -> str:
    """The name of a root for a folder its variable pointed to earlier."""
    from hashlib import sha256  # not on the fast path

    return f"{root}@{sha256(folder.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def path_in_lock(path: str) -> str:
    """The lock's name for a path below an earlier root: `$CLAUDE_CONFIG_DIR/agents/x.md`."""
    root = root_of(path)
    return root.partition("@")[0] + path[len(root) :]


def current_path(path: str, then: Mapping[str, str], now: Mapping[str, str], is_folder: Callable[[str], bool]) -> str:
    """Today's name of a recorded path.

    Args:
        then: the folder of each root when the path was recorded. Paths of older records, without it, keep their names.
        now: the folder of each root now.
        is_folder: returns whether a folder exists. A folder that is gone was moved, and the variable follows it.
    """
    root = root_of(path)
    folder = then.get(root)
    if folder is None:
        return path
    plain = root.partition("@")[0]
    if now.get(plain) == folder:
        return plain + path[len(root) :]
    if is_earlier(root) or (plain in now and not is_folder(folder)):
        return path
    return earlier_root(root, folder) + path[len(root) :]
