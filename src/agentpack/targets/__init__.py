"""How each client reads agents: one file per client, and this table."""

from agentpack.errors import UsageError
from agentpack.model.names import did_you_mean
from agentpack.targets import claude
from agentpack.targets.base import Target

TARGETS: dict[str, Target] = {target.name: target for target in (claude.TARGET,)}


def target_named(name: str) -> Target:
    """The adapter of that name.

    Raises:
        UsageError: there is none; the nearest names are offered.
    """
    target = TARGETS.get(name)
    if target is None:
        raise UsageError(
            f"there is no client `{name}`",
            details=[f"known: {', '.join(sorted(TARGETS))}"],
            hint=did_you_mean(name, TARGETS) or "`agentpack clients` lists them",
        )
    return target
