"""The words a persona's header may use, whatever the client."""

COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")

MODELS = ("opus", "sonnet", "haiku", "inherit")
"""Model families; any other text is the full id of one model."""

TOOLS = ("read", "search", "edit", "shell", "web", "delegate")
"""Canonical tools. A client's adapter says which of its own tools each stands for."""
