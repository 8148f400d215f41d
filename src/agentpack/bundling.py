"""Build step: the checked form of each bundled pack, to ship in the wheel."""

from collections.abc import Iterator

from agentpack.fetch import Sources, fetch
from agentpack.read import check_pack, to_pieces
from agentpack.sources.bundled import NAME
from agentpack.sources.directory import DirectorySource
from agentpack.store.validated import place


def validated_packs(folder: str) -> Iterator[tuple[str, bytes]]:
    """For each release below a folder of packs, the path where `ValidatedCache` looks for it, and the file.

    Raises:
        InvalidFile: a pack has faults.
    """
    sources = Sources([DirectorySource(NAME, folder)])
    for pack in sources.packs():
        for ref in sources.releases(pack):
            release = fetch(ref, sources)
            yield place("pack", release.digest), to_pieces(check_pack(release), release.digest)
