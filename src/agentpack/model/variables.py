"""Environment variables that clients listen to, known without loading an adapter: the fast path asks for them."""

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
