"""A pack as its files describe it, and a release: the bytes of a pack with their digest."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from packaging.version import Version

from agentpack.errors import Refused, Unavailable
from agentpack.model.names import Digest, PackName, text_digest

NO_RELEASE = "0.0.0"
"""The version of agents for which no manifest has one; a digest of their texts follows."""
ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".zip")
"""The ends of the names of files that are read as archives of packs; `input/archives.py` reads them."""


class ReleaseRef(NamedTuple):
    """A release that a source offers, not read yet."""

    pack: PackName
    version: Version
    source: str
    place: str
    """Where it is within the source, in a form only the source interprets: a path."""
    bare: bool = False
    """Whether it is of a collection, agent files without `pack.yaml`."""
    commit: str = ""
    """The commit of a git repository that it was read from; empty for other sources."""
    tag: str = ""
    """The tag of that commit, by which it is a release that never changes. A state of a collection without a tag moves:
    the place has only what is there now."""
    repository: str = ""
    """The address of the repository that a plugin of a marketplace is in, if that is another one."""


class AgentRow(NamedTuple):
    """One agent file of a collection: its path below the pack's root, and its text's SHA-256 in hexadecimal."""

    path: str
    sha256: str
    left_out: str = ""
    """Why the file is not installed; empty if it is."""

    @property
    def content(self) -> tuple[str, str]:
        """The file's path and digest, to compare rows without regard to why a file is left out."""
        return self.path, self.sha256


def agent_rows(files: Mapping[str, bytes]) -> tuple[AgentRow, ...]:
    """A row for each file, sorted by path."""
    return tuple(AgentRow(path, text_digest(files[path]).removeprefix("sha256:")) for path in sorted(files))


class Release(NamedTuple):
    """One version of one pack: its files by POSIX path, and their digest."""

    pack: PackName
    version: Version
    source: str
    digest: Digest
    files: Mapping[str, bytes]
    agents: tuple[AgentRow, ...] | None = None
    """For a state of a collection: its chosen agent files, which are the only `files` then. The digest is that of all
    agent files."""
    commit: str = ""
    tag: str = ""
    repository: str = ""
    lost: Unavailable | None = None
    """Why the text of a chosen agent file is nowhere, if one is: then it is not among `files`."""


def digest_of_rows(rows: Iterable[AgentRow]) -> Digest:
    """The content digest of the files that these rows are of, as `names.content_digest` makes it."""
    lines = sorted(f"{row.sha256}  {row.path}\n" for row in rows)
    return Digest("sha256:" + sha256("".join(lines).encode()).hexdigest())


class LeftOut(NamedTuple):
    """An agent file of a collection that is not installed, and why."""

    path: str
    name: str
    """The agent's name; empty if it could not be read."""
    reason: str


def moved_tag(found: ReleaseRef, locked: str, where: str) -> Refused:
    """The error for a release whose tag no longer names the locked commit.

    Args:
        found: the release as its tag is now.
        locked: the commit in the lock.
        where: the repository, for people.
    """
    return Refused(
        f"the tag `{found.tag}` of {where} was moved: {found.pack} {found.version} is not what was locked",
        details=[f"locked  {locked}", f"found   {found.commit}"],
        hint="a published release should never change: ask its author, or, if you trust the new content, uninstall "
        f"{found.pack} and install it again",
    )


def digest_version(digest: Digest) -> Version:
    """The version of agent files for which no manifest has one."""
    return Version(f"{NO_RELEASE}+h{digest.removeprefix('sha256:')[:12]}")
