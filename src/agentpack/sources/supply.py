"""Locked content from another place than its source: `sync --source`.

The place only has to hold what the lock pins, under any address. Whatever it holds is compared with the digests of the
lock that is given, never with what the place says of itself.
"""

from collections.abc import Iterable, Mapping

from packaging.version import Version

from agentpack.errors import Refused, Unavailable
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.names import Digest, PackName, content_digest, text_digest
from agentpack.model.pack import ReleaseRef
from agentpack.sources.archive import ArchiveSource
from agentpack.sources.base import Source


class Supply:
    """A place that is asked for locked releases before their sources are."""

    def __init__(self, source: Source) -> None:
        self.where = source.where
        self._source = source
        self._bundle = source.bundle if isinstance(source, ArchiveSource) else None
        self.releases: dict[Digest, Mapping[str, bytes]] = {}
        """The files of each release with `pack.yaml` that was supplied, by content digest."""
        self._known: dict[object, Mapping[str, bytes] | None] = {}

    def check(self, lock: Lock) -> None:
        """Raise Refused if this is a bundle without all that the lock wants: it was made from another lock."""
        missing = [row for row in lock.packs if self._bundle and self._bundle.release(row) is None]
        if missing:
            raise Refused(
                f"{self.where} was written from a different lock: it lacks releases that agentpack.lock pins",
                details=[f"{row.name} {row.version}  {row.digest}" for row in missing],
                hint="write it again from a complete project: `agentpack bundle`",
            )

    def files(self, there: PackName, locked: LockedPack) -> Mapping[str, bytes] | None:
        """The files of a locked release by POSIX path, of a pack in a collection at least the selected agents; None if
        the place does not have them.

        Args:
            there: the name of the pack in its source.

        Raises:
            Refused: the place has other content under the same version.
            Unavailable: the place cannot be read.
        """
        key = there, locked.name, locked.version, locked.digest, locked.agents
        if key not in self._known:
            try:
                self._known[key] = self._bundle.release(locked) if self._bundle else self._look(there, locked)
            except OSError as error:
                raise Unavailable(f"{error.filename or self.where}: {error.strerror}") from None
            if locked.agents is None and (files := self._known[key]) is not None:
                self.releases[locked.digest] = files
        return self._known[key]

    def _look(self, there: PackName, locked: LockedPack) -> Mapping[str, bytes] | None:
        for ref in self._offered(there, locked):
            files = self._source.read(ref)
            if locked.agents is not None:
                texts = {text_digest(data).removeprefix("sha256:") for data in files.values()}
                if all(row.left_out or row.sha256 in texts for row in locked.agents):
                    return files
            elif (found := content_digest(files.items())) == locked.digest:
                return files
            else:
                raise Refused(
                    f"{locked.name} {locked.version} in {self.where} is not what was locked",
                    details=[f"locked  {locked.digest}", f"found   {found}"],
                    hint="`--source` must name a place with the releases that agentpack.lock pins",
                )
        return None

    def _offered(self, there: PackName, locked: LockedPack) -> Iterable[ReleaseRef]:
        if (ref := self._source.pinned(there, locked)) is not None:
            return [ref]
        if locked.agents is not None:
            return self._source.states(there)
        return [ref for ref in self._source.releases(there) if ref.version == Version(locked.version)]
