"""Checks a command makes before it starts, so that each refusal has one wording."""

from collections.abc import Iterable

from agentpack.errors import DecisionNeeded, UsageError
from agentpack.model.lock import Lock
from agentpack.model.names import PackName, did_you_mean
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.sources.bundled import bundled_source
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


def parse_named(workspace: Workspace, text: str, *, agent: str) -> Requirement:
    """Parse a requirement. The error for `PACK/AGENT` has the hint `agent`, with `{pack}` and `{agent}`."""
    try:
        return parse_requirement(text)
    except UsageError as error:
        pack, _, name = text.partition("/")
        if name and workspace.manifest.wanted(PackName(pack)) is not None:
            error.hint = agent.format(pack=pack, agent=name)
        raise


def require_packs(workspace: Workspace, names: Iterable[str], *, agent: str, needed: str | None = None) -> None:
    """Raise UsageError if a named pack is not in the manifest.

    Args:
        agent: the hint if the name is one of an agent, also as `PACK/AGENT`; as for `parse_named`.
        needed: the hint for a pack that is only here because another pack needs it, and for the agents of such a pack.
    """
    known = [wanted.requirement.pack for wanted in workspace.manifest.packs]
    for name in names:
        if name not in known:
            rows = workspace.states.recorded.values()
            owners = sorted({row.pack for row in rows if name in (row.persona, f"{row.pack}/{row.persona}")})
            locked = workspace.lock.pack(PackName(name)) if workspace.lock else None
            what = [f"it is here because `{'` and `'.join(locked.wanted_by)}` needs it"] if locked else []
            what += [f"`{name}` is an agent of the pack `{owner}`" for owner in owners]
            hint = agent.format(pack=owners[0], agent=name.rpartition("/")[2]) if owners else did_you_mean(name, known)
            if needed and not owners and (bundled := bundled_source()) and name in bundled.packs():
                hint = f"`agentpack install {name}` installs it"
            raise UsageError(
                f"`{name}` is not in {workspace.scope.absolute(workspace.scope.manifest)}",
                details=[*what, f"packs: {', '.join(known) or 'none'}"],
                hint=needed if needed and (locked or (owners and owners[0] not in known)) else hint,
            )


def refuse_address(requirement: Requirement, hint: str | None = None) -> None:
    """Raise UsageError for a requirement with an address."""
    if requirement.url is not None:
        hint = hint or f"`agentpack show {requirement.url}` lists what is there"
        raise UsageError(f"`{requirement}`: this command needs a pack name without an address", hint=hint)
