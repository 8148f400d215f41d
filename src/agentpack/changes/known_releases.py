"""What is known of newer releases of the locked packs without asking another machine.

Folders are read. A repository is known as it was when it was last asked.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

from agentpack.errors import AgentpackError, Unavailable, Unresolvable
from agentpack.fetch import Sources, fetch
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import ManifestEntry
from agentpack.model.names import PackName
from agentpack.model.pack import agent_rows
from agentpack.model.requirement import Requirement, disallowing, parse_requirement
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.sources.git import LastHeard


class KnownReleases(NamedTuple):
    """What is known of the releases of one locked pack."""

    heard: "LastHeard | None"
    """Of a pack from a repository."""
    looked: bool
    """Whether anything is known of other releases."""
    in_range: Version | None
    """The newest release that `upgrade` would install; the locked one if only its text changed."""
    newest: Version | None
    """The newest final release of all, if it is newer than the locked one."""
    lacks: tuple[str, ...]
    """The requested variants that `newest` lacks, as far as it can be read."""
    kept_out: tuple[str, ...]
    """The packs that require another range than `newest` is in: `top-kit 1.0.0 requires base-kit<2`."""
    is_changed: bool
    """Whether the locked release of a pack in a folder has other text now."""
    offered: int | None
    """The number of agent files of a collection on this machine."""


def known_releases(workspace: Workspace, lock: Lock) -> Mapping[PackName, KnownReleases]:
    """What is known of each pack of a lock, by name."""
    known = _Known(workspace, lock)
    found = {pack.name: known.of(pack, ()) for pack in lock.packs}
    staying = [
        (f"{pack.name} {pack.version}", tuple(map(parse_requirement, pack.requires)))
        for pack in lock.packs
        if found[pack.name].in_range is None
    ]
    required = {one.pack for _, ranges in staying for one in ranges if one.range}
    return found | {pack.name: known.of(pack, staying) for pack in lock.packs if pack.name in required}


class _Known:
    def __init__(self, workspace: Workspace, lock: Lock) -> None:
        self.workspace = workspace
        self.sources = workspace.sources.open(workspace.manifest, lock.packs, remote=False)
        self.recalled: Callable[[], Sources] = cache(
            partial(workspace.sources.recalled, workspace.manifest, lock.packs)
        )

    def of(self, pack: LockedPack, staying: Sequence[tuple[str, Sequence[Requirement]]]) -> KnownReleases:
        """What is known of one pack.

        Args:
            staying: what packs that stay as they are require, each with its name and version.
        """
        workspace, sources, locked = self.workspace, self.sources, Version(pack.version)
        wanted = workspace.manifest.wanted(pack.name)
        configured = next((source for source in workspace.manifest.sources if source.name == pack.source), None)
        heard, offered = None, None
        if pack.commit or pack.source in sources.elsewhere:  # on another machine, which nobody waits for here
            heard = workspace.sources.last_heard(workspace.manifest, pack)
            known = [*heard.tags] if heard else []
            newer = [version for version in known if version > locked]
            if heard and not known:
                is_current = heard.head == pack.commit
                known, newer = ([locked], []) if is_current else _recalled(pack, wanted, self.recalled())
        elif pack.agents is None:
            known = _offered(pack, sources)
            newer = [version for version in known if version > locked]
        else:
            newer, offered = _moved_on(pack, wanted, sources)
            known = [] if offered is None else [locked]
        newest = max((version for version in newer if not version.is_prerelease), default=None)
        ref = configured.options.get("ref", "") if configured else ""
        fitting = newer
        if ref and heard and heard.tags:
            from agentpack.sources.git_tags import release_in  # only for sources with a `ref:`

            fitting = [one for one in newer if one == release_in(ref)]  # set by hand, and not installed yet
        fitting = [one for one in fitting if wanted is None or wanted.requirement.allows(one)]
        fitting = [one for one in fitting if not disallowing(staying, pack.name, one)]
        lacks = partial(_lacks, workspace, pack) if not heard and pack.source not in sources.elsewhere else _nothing
        in_range = next((version for version in sorted(fitting, reverse=True) if not lacks(version)), None)
        is_changed = configured is not None and configured.is_path and _is_changed(pack, sources)
        source = sources.source(pack.source) if is_changed else None
        if source is not None and source.where == workspace.scope.absolute(workspace.scope.own_packs):
            in_range, is_changed = in_range or locked, False  # editing a pack of one's own is how it is upgraded
        return KnownReleases(
            heard,
            bool(known),
            in_range,
            newest,
            lacks(newest) if newest else (),
            tuple(disallowing(staying, pack.name, newest)) if newest else (),
            is_changed,
            offered,
        )


def _nothing(_: Version) -> tuple[str, ...]:
    return ()


def _lacks(workspace: Workspace, pack: LockedPack, version: Version) -> tuple[str, ...]:
    """The requested variants that a release lacks, as far as it can be read."""
    if not pack.variants:
        return ()
    from agentpack.wanted.candidates import candidates_to_view  # reads the release

    try:
        there = candidates_to_view(workspace, workspace.manifest, workspace.lock).variants(pack.name, version)
    except AgentpackError:
        return ()
    return tuple(name for name in pack.variants if name not in there)


def _offered(pack: LockedPack, sources: Sources) -> list[Version]:
    """The available releases; empty if the pack's source no longer has it, or is missing, which is reported."""
    try:
        return [ref.version for ref in sources.releases(pack.name)]
    except Unresolvable:
        return []
    except Unavailable:
        if not sources.passed_over:
            raise
        return []


def _recalled(pack: LockedPack, wanted: ManifestEntry | None, sources: Sources) -> tuple[list[Version], list[Version]]:
    """The releases that a repository had when it was last asked, or the state of its collection, and those that are
    newer; none if that is not known.
    """
    if pack.agents is not None:
        newer, offered = _moved_on(pack, wanted, sources)
        return [] if offered is None else [Version(pack.version)], newer
    try:
        known = [ref.version for ref in sources.releases(pack.name)]
    except AgentpackError:
        return [], []
    return known, [version for version in known if version > Version(pack.version)]


def _is_changed(pack: LockedPack, sources: Sources) -> bool:
    """Whether the locked release of a pack has other text now; False if it cannot be read, and for collections."""
    try:
        refs = sources.releases(pack.name) if pack.agents is None else ()
        release = next((ref for ref in refs if str(ref.version) == pack.version), None)
        return release is not None and fetch(release, sources).digest != pack.digest
    except AgentpackError:
        return False  # told where it is asked for, as for collections


def _moved_on(pack: LockedPack, wanted: ManifestEntry | None, sources: Sources) -> tuple[list[Version], int | None]:
    """The state of a collection if an agent that is wanted is not as locked, and how many agent files it has; None if
    it cannot be read.
    """
    from agentpack.wanted.agents import choose_agents  # reads agent files, which only a collection has

    try:
        for ref in sources.releases(pack.name):
            files = fetch(ref, sources).files
            now = agent_rows(choose_agents(files, wanted).files)
            is_other = [row.content for row in now] != [row.content for row in pack.agents or ()]
            if ref.bare:
                return [ref.version] if is_other else [], len(files)
    except AgentpackError:
        pass  # told where it is asked for: what is installed does not need the place
    return [], None
