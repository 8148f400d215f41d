"""Environment variables that clients listen to, known without loading an adapter: the fast path asks for them.

A named path begins with a variable (`$CLAUDE_CONFIG_DIR/agents/x.md`), and the variable may lead to another folder
tomorrow. So records of a user's scope keep where each variable led (`roots` of a generation and of a journal). A path
whose variable leads elsewhere now gets a root of its own, named by variable and folder: `$CLAUDE_CONFIG_DIR@3fa2c1d0`.
Whoever reads a record asks `path_now` for the name that a path has today, and nobody else needs to know. The lock keeps
names of variables only: it is the same on every machine.
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
"""The environment variables that move the folder of a client, known without importing its adapter."""

ROOTS = frozenset(("config", "state", *VARIABLES))
"""What paths can begin with, behind a `$`: a variable's folder only while it is set."""


def root_of(path: str) -> str:
    """The root that a named path begins at: `$config`, `$CLAUDE_CONFIG_DIR@3fa2c1d0`; empty for the scope's own."""
    return path.partition("/")[0] if path.startswith("$") else ""


def variable_of(root: str) -> str:
    """The variable that a root is named by: `$CLAUDE_CONFIG_DIR@3fa2c1d0` -> `CLAUDE_CONFIG_DIR`."""
    return root[1:].partition("@")[0]


def is_earlier(root: str) -> bool:
    """Whether a root is a folder that its variable led to once."""
    return "@" in root


def earlier_root(root: str, folder: str) -> str:
    """The name of the folder that a root led to once."""
    from hashlib import sha256  # not on the fast path

    return f"{root}@{sha256(folder.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def path_then(path: str) -> str:
    """The name that a lock has for a path below a root of earlier: `$CLAUDE_CONFIG_DIR/agents/x.md`."""
    root = root_of(path)
    return root.partition("@")[0] + path[len(root) :]


def path_now(path: str, then: Mapping[str, str], now: Mapping[str, str], is_folder: Callable[[str], bool]) -> str:
    """The name that a recorded path has today.

    Args:
        then: where each root led when the path was recorded. Older records do not say: their paths keep their names.
        now: where each root leads.
        is_folder: a folder that is gone was moved, with all that lay in it, and the variable follows it.
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
