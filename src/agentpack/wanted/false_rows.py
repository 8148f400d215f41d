"""Whether the lock says of a pack in a collection what its place says.

Decided without a network: from the row itself, and from a place on this machine. What a marketplace or a tag on another
machine says is known when the pack is read from there (`GitSource.read`, `Plugin.pinned`); until then, the digests of
the row are all there is.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from agentpack.errors import AgentpackError
from agentpack.fetch import Sources, fetch
from agentpack.model.git_places import git_address
from agentpack.model.lock import LockedPack
from agentpack.model.pack import digest_version
from agentpack.model.web_addresses import is_web_address

_OF_COMMIT = re.compile(r"0\.0\.0\+\d{14}\.g([0-9a-f]{12})\Z")


def false_rows(packs: Iterable[LockedPack], sources: Sources) -> Iterator[str]:
    """A sentence for each pack of a collection whose row the place does not bear out."""
    for pack in packs:
        if pack.agents is None:
            continue
        fault = _in_itself(pack)
        with suppress(AgentpackError, OSError):  # what is installed does not need its place
            fault = fault or _at_place(pack, sources)
        if fault:
            yield f"{pack.name} is locked {fault}"


def _in_itself(pack: LockedPack) -> str:
    told = pack.version.partition("+h")[2]
    commit = _OF_COMMIT.match(pack.version)
    if not pack.digest.startswith(f"sha256:{told}"):
        return f"as {pack.version}, which is not the version of its digest"
    if commit and not pack.commit.startswith(commit[1]):
        return f"as {pack.version}, which is not the version of its commit"
    return "from a repository without a commit" if pack.repository and not pack.commit else ""


def _at_place(pack: LockedPack, sources: Sources) -> str:
    source = sources.source(pack.source)
    if source is None or source.is_remote or source.is_missing or is_web_address(source.where):
        return ""
    there = sources.name_there(pack.name)
    offered = source.collection.pack(there)
    if offered is not None and offered.elsewhere is not None:
        address = git_address(offered.elsewhere.place)
        locked = pack.repository or "no repository"
        return f"from {locked}, and `{source.name}` has it in {address}" if locked != address else ""
    if pack.commit:
        return f"from {pack.repository or 'a repository'}, but `{source.name}` is not one" if offered else ""
    told = (offered.version if offered else "") or str(digest_version(pack.digest))
    if pack.version == told:
        return ""
    state = source.state_of(there)
    if state is not None and fetch(state._replace(pack=pack.name), sources).digest == pack.digest:
        return f"as {pack.version}, and the same files are {state.version} in `{source.name}`"
    return ""
