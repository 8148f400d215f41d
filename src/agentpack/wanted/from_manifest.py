"""The first door to what is wanted: what the manifest asks for, for commands that change something.

A release is chosen for each pack. What the lock has is kept where it fits, and releases that a policy finds too young
are passed over. `choose` is also how the other doors resolve what does not stand in a lock.
"""

from collections.abc import Collection, Mapping, Sequence

from packaging.version import Version

from agentpack.errors import Unresolvable
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve import resolve
from agentpack.wanted.candidates import Candidates
from agentpack.wanted.selection import Selection, select
from agentpack.workspace.workspace import Workspace


def candidates_for(
    workspace: Workspace, manifest: Manifest, lock: Lock | None, *, refresh: Collection[str] | None = ()
) -> Candidates:
    """The releases that a command can choose from.

    Args:
        lock: its packs stay where they are, as far as the manifest allows it.
        refresh: packs that are looked for again, in every source, and for which the newest release is wanted; None for
            all of them.
    """
    return Candidates(workspace, manifest, lock, refresh=refresh)


def choose(
    candidates: Candidates, manifest: Manifest, *, lock: Lock | None = None, newest: Collection[str] | None = ()
) -> Selection:
    """The releases that the manifest asks for; what the lock has is kept where it fits.

    Args:
        lock: the one that is kept where the candidates know none.
        newest: packs for which the newest release is wanted, beside those to refresh; None for every pack.

    Raises:
        Unresolvable: there is no such choice.
        PolicyRefused: there is one only with releases that a policy finds too young.
    """
    kept = candidates.lock or lock
    preferred: dict[PackName, Version] = {}
    if kept is not None and newest is not None and candidates.refresh is not None:
        moving = {*newest, *candidates.refresh}
        preferred = {pack.name: Version(pack.version) for pack in kept.packs if pack.name not in moving}
    wanted = [entry.requirement for entry in manifest.packs]
    try:
        return select(candidates, manifest, resolve(wanted, candidates, preferred=preferred))
    except Unresolvable:
        if candidates.passed_over:
            _refuse_young(candidates, wanted, preferred)
        raise


def _refuse_young(candidates: Candidates, wanted: Sequence[Requirement], preferred: Mapping[PackName, Version]) -> None:
    """Raise PolicyRefused when the requirements can be met with the releases that were passed over; Unresolvable, which
    then tells of all releases, when not even so.
    """
    with candidates.offering_every_age(True):
        pins = resolve(wanted, candidates, preferred=preferred)
    passed = (candidates.passed_over.get((pin.pack, pin.version)) for pin in pins)
    from agentpack.workspace.verdicts import refuse

    refuse([verdict for verdict in passed if verdict is not None])
