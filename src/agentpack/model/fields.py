"""The words a persona's header may use, whatever the client."""

COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")

MODELS = ("opus", "sonnet", "haiku", "inherit")
"""Model families; any other text is the full id of one model."""

TOOLS = ("read", "search", "edit", "shell", "web", "delegate")
"""Canonical tools. A client's adapter says which of its own tools each stands for."""

CAPABILITIES = ("every-tool", *TOOLS, "hooks", "bypass", "background")
"""What a persona may be able to do, in words that stand alone. `every-tool`: nothing limits it."""

CAPABILITY_KINDS = ("mcp", "permission", "model", "tool", "setting")
"""What is followed by a colon and a name: `mcp:github`, `permission:acceptEdits`, `model:opus`."""
