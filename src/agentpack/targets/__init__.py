"""How each client reads agents: one file per client, and one line in this table.

An adapter's module is imported when its client is asked for, so that thirty of them cost a command nothing.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean
from agentpack.model.variables import VARIABLES
from agentpack.targets.base import Target

__all__ = ["MODULES", "SHARED", "TARGETS", "VARIABLES", "Targets", "target_named"]

MODULES: Mapping[str, str] = {
    "antigravity": "antigravity",
    "augment": "augment",
    "claude": "claude",
    "cline": "cline",
    "codex": "codex",
    "commandcode": "commandcode",
    "copilot": "copilot",
    "cortex": "cortex",
    "cursor": "cursor",
    "deepagents": "deepagents",
    "devin": "devin",
    "droid": "droid",
    "gemini": "gemini",
    "goose": "goose",
    "grok": "grok",
    "junie": "junie",
    "kilo": "kilo",
    "kimi": "kimi",
    "kiro": "kiro",
    "opencode": "opencode",
    "pool": "pool",
    "qwen": "qwen",
    "reasonix": "reasonix",
    "roo": "roo",
    "rovodev": "rovodev",
    "tabnine": "tabnine",
    "takt": "takt",
    "vibe": "vibe",
    "zcode": "zcode",
}
"""Every client's name, and the module of its adapter."""

SHARED: Mapping[str, str] = {".roomodes": "roo", "settings.yaml": "pool"}
"""The names of files that hold several agents, and the client whose adapter reads them."""


class Targets(Mapping[str, Target]):
    """All adapters by name: those that come with agentpack, and those a user declared."""

    def __init__(self, declared: Mapping[str, Target] | None = None) -> None:
        self._declared = dict(declared or {})

    def __getitem__(self, name: str) -> Target:
        if name in self._declared:
            return self._declared[name]
        target: Target = import_module(f"agentpack.targets.{MODULES[name]}").TARGET
        return target

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*MODULES, *self._declared}))

    def __len__(self) -> int:
        return len({*MODULES, *self._declared})

    def __contains__(self, name: object) -> bool:
        return name in MODULES or name in self._declared

    def named(self, name: str) -> Target:
        """The adapter of that name.

        Raises:
            UsageError: there is none; the nearest names are offered.
        """
        if name not in self:
            raise UsageError(
                f"there is no client `{name}`",
                details=[f"known: {', '.join(self)}"],
                hint=did_you_mean(name, self) or "`agentpack clients` lists them",
            )
        return self[name]


TARGETS = Targets()


def target_named(name: str) -> Target:
    """The adapter of that name among those that come with agentpack. Raises UsageError when there is none."""
    return TARGETS.named(name)
