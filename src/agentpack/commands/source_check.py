"""source check: open sources, and say what each offers and what is wrong with it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agentpack.commands.source import ListedSource, require_known, source_list
from agentpack.errors import AgentpackError, Unavailable
from agentpack.fetch import Sources, fetch, missing_words
from agentpack.model.manifest import provider_fault
from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef
from agentpack.read import read_pack
from agentpack.sources.base import Source
from agentpack.wanted.offers import collected
from agentpack.workspace.workspace import Workspace

_GRAVITY = (6, 3, 4, 2, 5, 70)
"""Exit codes, what trying again may help first."""


class SourceOffer(NamedTuple):
    """What a source offers of one pack: its newest release, or its state in a collection."""

    name: str
    version: str
    agents: tuple[str, ...]
    releases: int
    """How many releases there are; 0 for a pack of a collection."""
    tag: str = ""
    commit: str = ""
    left_out: tuple[str, ...] = ()
    """Agent files that cannot be taken, each with the reason."""
    elsewhere: str = ""
    """Where a plugin is whose agents are not known yet, in words."""


class CheckedSource(NamedTuple):
    """A source, what it offers and what is wrong with it."""

    listed: ListedSource
    where: str
    packs: tuple[SourceOffer, ...] = ()
    unread: tuple[str, ...] = ()
    """Plugins that cannot be read, a sentence each."""
    others: tuple[str, ...] = ()
    """Packs that it has and may not provide, by `packs`."""
    faults: tuple[AgentpackError, ...] = ()


def source_check(workspace: Workspace, names: Sequence[str]) -> tuple[CheckedSource, ...]:
    """What the named sources offer, or all of them.

    Raises:
        UsageError: there is no source of this name.
    """
    listed = source_list(workspace)
    for name in names:
        require_known(workspace, listed, name)
    return tuple(_SourceCheck(workspace, one, listed).run() for one in listed if not names or one.source.name in names)


def exit_code(checked: Sequence[CheckedSource]) -> int:
    """0 if nothing is wrong, else the exit code of the worst fault."""
    codes = [fault.exit_code for one in checked for fault in one.faults]
    return max(codes, key=_GRAVITY.index, default=0)


class _SourceCheck:
    """The check of one source, which goes on where a pack has a fault."""

    def __init__(self, workspace: Workspace, listed: ListedSource, every: Sequence[ListedSource]) -> None:
        self.workspace, self.listed = workspace, listed
        self.configured = [one.source for one in every if one.scope == listed.scope]
        self.others: list[str] = []
        self.faults: list[AgentpackError] = []

    def run(self) -> CheckedSource:
        packs: list[SourceOffer] = []
        unread: tuple[str, ...] = ()
        where = self.listed.source.place
        try:
            source = self.workspace.sources.one(self.listed.source)
            where = source.where
            if source.is_missing:
                raise Unavailable(missing_words(source))
            packs += self._released(source)
            packs += self._collected(source)
            unread = tuple(source.collection.unread)
        except AgentpackError as error:
            self.faults.append(error)
        except OSError as error:
            self.faults.append(Unavailable(f"{error.filename or where}: {error.strerror}"))
        return CheckedSource(self.listed, where, tuple(packs), unread, tuple(self.others), tuple(self.faults))

    def _is_allowed(self, name: PackName) -> bool:
        if provider_fault(self.configured, self.listed.source.name, name):
            self.others.append(name)
            return False
        return True

    def _released(self, source: Source) -> Iterator[SourceOffer]:
        sources = Sources([source])
        for name in sources.packs():
            if not self._is_allowed(name):
                continue
            try:
                refs = sources.releases(name)
                yield self._pack(sources, refs)
            except AgentpackError as error:
                self.faults.append(error)

    def _pack(self, sources: Sources, refs: Sequence[ReleaseRef]) -> SourceOffer:
        newest = next((ref for ref in refs if not ref.version.is_prerelease), refs[0])
        pack = read_pack(fetch(newest, sources), self.workspace.cache)
        return SourceOffer(
            newest.pack, str(newest.version), tuple(sorted(pack.personas)), len(refs), newest.tag, newest.commit
        )

    def _collected(self, source: Source) -> Iterator[SourceOffer]:
        for pack in collected(source):
            name = PackName(pack.name)
            if self._is_allowed(name):
                state = None if pack.elsewhere else source.state_of(name)
                agents = tuple(agent.name for agent in pack.agents)
                tag, commit = (state.tag, state.commit) if state else ("", "")
                yield SourceOffer(name, pack.version, agents, 0, tag, commit, pack.left_out, pack.elsewhere)
