"""Checks a command makes before it starts, so that each refusal has one wording."""

from collections.abc import Iterable

from agentpack.errors import DecisionNeeded, UsageError
from agentpack.model.lock import Lock
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.requirement import Requirement
from agentpack.workspace.workspace import Workspace


def nothing_installed_error(hint: str = "install a pack first: `agentpack install NAME`") -> UsageError:
    """The error of a command that needs installed packs, when there are none."""
    return UsageError("nothing is installed here", hint=hint)


def require_manifest(workspace: Workspace) -> None:
    """Raise UsageError if there is no manifest."""
    if workspace.documents.manifest_bytes is None:
        raise UsageError(
            f"there is no {workspace.scope.absolute(workspace.scope.manifest)}",
            hint="`agentpack install NAME` writes one",
        )


def require_lock(workspace: Workspace) -> Lock:
    """The lock. Raises DecisionNeeded if there is none."""
    if workspace.lock is None:
        back = "`git restore agentpack.lock` restores it; `agentpack lock` writes a new one"
        way = "install NAME" if workspace.documents.manifest_bytes is None else "lock"
        hint = back if workspace.manifest.packs else f"`agentpack {way}` writes one"
        raise DecisionNeeded("there is no agentpack.lock", hint=hint)
    return workspace.lock


def require_packs(workspace: Workspace, names: Iterable[str]) -> None:
    """Raise UsageError if a named pack is not in the manifest."""
    known = [wanted.requirement.pack for wanted in workspace.manifest.packs]
    for name in names:
        if name not in known:
            owners = {row.pack for row in workspace.states.recorded.values() if row.persona == name}
            agent = [f"`{name}` is an agent of the pack `{owner}`" for owner in sorted(owners)]
            locked = workspace.lock.pack(PackName(name)) if workspace.lock else None
            needed = [f"it is here because `{'` and `'.join(locked.wanted_by)}` needs it"] if locked else []
            raise UsageError(
                f"`{name}` is not in {workspace.scope.absolute(workspace.scope.manifest)}",
                details=[*needed, *agent, f"packs: {', '.join(known) or 'none'}"],
                hint=f"`agentpack install {min(owners)} --without {name}` removes only this agent"
                if owners
                else did_you_mean(name, known),
            )


def refuse_address(requirement: Requirement, hint: str | None = None) -> None:
    """Raise UsageError for a requirement with an address."""
    if requirement.url is not None:
        hint = hint or f"`agentpack show {requirement.url}` lists what is there"
        raise UsageError(f"`{requirement}`: this command needs a pack name without an address", hint=hint)
