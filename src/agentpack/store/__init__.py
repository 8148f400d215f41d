"""Everything agentpack stores for a scope, below `$state`. `layout.py` lists the files."""

from collections.abc import Mapping

from agentpack.disk import Disk
from agentpack.errors import AgentpackError
from agentpack.model.names import Digest, content_digest, text_digest
from agentpack.store.blobs import Blobs
from agentpack.store.generations import Generations
from agentpack.store.prune import KEPT, Pruned, prunable, prune

RELEASE = "release"
"""The folder in the archive of a stored release."""


class Store:
    """The contents and the generations of one scope."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.generations = Generations(disk)
        self.blobs = Blobs(disk, self.generations)
        self._sources: dict[int, dict[Digest, Digest]] = {}
        """By generation: the bytes of each agent file of a collection, by the digest of its text."""

    def forget(self) -> None:
        """Drop cached reads: another process may have written to the folder."""
        self.blobs.forget()
        self.generations.forget()
        self._sources.clear()

    def source_bytes(self, text: Digest) -> Digest | None:
        """The digest of the bytes of an agent file of a collection, by that of its text; None if it is not stored."""
        try:
            for number in reversed(self.generations.numbers()):
                if number not in self._sources:
                    self._sources[number] = dict(self.generations.read(number).sources)
                found = self._sources[number].get(text)
                if found is not None:
                    return found if self.blobs.has(found) else None
        except AgentpackError:
            pass  # a damaged record: the source is asked again
        return None

    def source_text(self, sha256: str) -> bytes | None:
        """An agent file of a collection by the SHA-256 of its text; None if it is not stored, or damaged."""
        digest = Digest(f"sha256:{sha256}")
        try:
            found = self.source_bytes(digest)
            data = None if found is None else self.blobs.get(found)
        except AgentpackError:
            return None
        return data if data is not None and text_digest(data) == digest else None

    def release(self, archive: Digest, digest: Digest) -> Mapping[str, bytes] | None:
        """The files of a release that was stored as an archive, by POSIX path; None unless they have this content
        digest.
        """
        data = self.text(archive)
        if data is None:
            return None
        from agentpack.input.archives import read_archive  # only for a release that `sync --source` supplied

        try:
            files = read_archive(data, "a stored release", prefix=RELEASE)
        except AgentpackError:  # a damaged record: the source is asked again
            return None
        return files if content_digest(files.items()) == digest else None

    def text(self, digest: Digest) -> bytes | None:
        """The bytes with this digest; None if they are not stored or damaged."""
        try:
            return self.blobs.get(digest) if self.blobs.has(digest) else None
        except AgentpackError:
            return None

    def prune(self, *, keep: int = KEPT) -> Pruned:
        """Delete all but the last `keep` generations. The caller holds the process lock and has run recovery."""
        return prune(self.disk, self.generations, self.blobs, keep=keep)

    def prunable(self, *, keep: int = KEPT) -> Pruned:
        """What `prune` would delete."""
        return prunable(self.disk, self.generations, self.blobs, keep=keep)
