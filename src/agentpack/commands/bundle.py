"""bundle: write one file with a lock and everything it pins."""

from collections.abc import Mapping
from os.path import basename, dirname, isdir, join, normpath
from typing import NamedTuple

from agentpack.disk.atomic import read_start, write_whole
from agentpack.errors import AgentpackError, DecisionNeeded, Unavailable, Unresolvable, UsageError
from agentpack.input.archives import MAX_ARCHIVE_BYTES
from agentpack.model.line_ends import as_lf
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.manifest import Manifest
from agentpack.model.names import Digest, content_digest, digest_of, kebab
from agentpack.sources.archive import ArchiveSource
from agentpack.sources.bundle import DECLARED, LOCK, MANIFEST, VARIANTS, folders_of, own_files, write_bundle
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.wanted.from_lock import current_lock
from agentpack.workspace.workspace import Workspace, read_consistently

SUFFIX = ".bundle.tar.gz"
_SUFFIXES = (".tar.gz", ".tgz")


class BundledRelease(NamedTuple):
    """A release in a bundle."""

    pack: str
    version: str
    digest: Digest
    files: int


class BuiltBundle(NamedTuple):
    """A bundle that was written, or with `dry_run` would be."""

    path: str
    """As the user would write it."""
    size: int
    """In bytes."""
    sha256: Digest
    releases: tuple[BundledRelease, ...]
    written: bool
    """False if the identical bundle existed already, or if this is a dry run."""


def bundle(workspace: Workspace, *, out: str | None = None, dry_run: bool = False) -> BuiltBundle:
    """Write a bundle of the scope's lock.

    Args:
        out: the file; after the folder of the scope, in the current folder, if not given.

    Raises:
        DecisionNeeded: there is no lock, or it is out of date; or a file that is no bundle is there already.
        Unavailable: a release cannot be read; the error names all of them.
    """
    name = kebab(basename(workspace.scope.root)) if workspace.scope.kind == "project" else ""
    shown = normpath(out or f"{name or 'agents'}{SUFFIX}")
    path = normpath(join(workspace.environment.cwd, shown))
    if not shown.endswith(_SUFFIXES):
        raise UsageError(f"`-o {shown}`: a bundle is a .tar.gz", hint=f"`-o {shown}{SUFFIX}`")
    if isdir(path) or not isdir(dirname(path)):
        what = "a folder" if isdir(path) else "in a folder that does not exist"
        raise UsageError(f"`-o {shown}`: it is {what}")
    data, releases = _made(workspace, shown)
    is_same = _is_there(path, shown, data)
    if not is_same and not dry_run:
        try:
            write_whole(path, data)
        except OSError as error:
            raise Unavailable(f"{shown} cannot be written: {error.strerror}") from None
    return BuiltBundle(shown, len(data), digest_of(data), releases, not is_same and not dry_run)


@read_consistently
def _made(workspace: Workspace, label: str) -> tuple[bytes, tuple[BundledRelease, ...]]:
    lock = current_lock(workspace)
    found: dict[str, Mapping[str, bytes]] = {}
    missing: list[str] = []
    wanted = candidates_to_view(workspace, Manifest.from_data(lock.manifest), lock, as_locked=True)
    for folder, row in folders_of(lock).items():
        candidates = wanted if lock.pack(row.name) is row else _candidates_of(workspace, lock, row)
        try:
            found[folder] = _contents(candidates, row)
        except (Unavailable, Unresolvable) as error:
            missing.append(f"{row.name} {row.version}: {'; '.join(error.lines)}")
    if missing:
        count = "1 release" if len(missing) == 1 else f"{len(missing)} releases"
        raise Unavailable(
            f"{count} of the lock cannot be read, so the bundle would be incomplete",
            details=missing,
            hint="try again when their sources can be reached",
        )
    data = write_bundle(_own_files(workspace, lock), lock, found, label)
    rows = folders_of(lock).items()
    return data, tuple(BundledRelease(row.name, row.version, row.digest, len(found[folder])) for folder, row in rows)


def _candidates_of(workspace: Workspace, lock: Lock, row: LockedPack) -> Candidates:
    """What has a release that files were written from, and that is no longer wanted: all agents in its row count."""
    alone = lock._replace(packs=(row,), manifest={**lock.manifest, "packs": []})
    return candidates_to_view(workspace, Manifest.from_data(lock.manifest), alone, as_locked=True)


def _contents(candidates: Candidates, row: LockedPack) -> Mapping[str, bytes]:
    """The files of a locked release. Raises DecisionNeeded if a pack of the user's own was edited since."""
    ref = next((ref for ref in candidates.releases(row.name) if str(ref.version) == row.version), None)
    if ref is None:
        raise Unavailable(f"the source `{row.source}` no longer has this release")
    release = candidates.fetched(ref)
    if release.lost:
        raise release.lost
    files = release.files
    if row.agents is None and content_digest(files.items()) != row.digest:  # only of a pack of one's own
        raise DecisionNeeded(
            f"{row.name} {row.version} was edited since agentpack.lock was written",
            hint=f"`agentpack upgrade {row.name}` installs the current text",
        )
    return files


def _own_files(workspace: Workspace, lock: Lock) -> dict[str, bytes]:
    """Manifest, lock, local variants and declarations of clients by path in the bundle, with LF line ends."""
    documents, declarations = workspace.documents, workspace.clients.declarations
    found = {MANIFEST: documents.manifest_bytes, LOCK: documents.lock_bytes}
    found |= {f"{VARIANTS}/{text.persona}/{text.name}.md": text.data for text in documents.local_texts}
    found |= {f"{DECLARED}/{name}.yaml": workspace.disk.read(row.path) for name, row in declarations.items()}
    needed = {MANIFEST, LOCK, *own_files(lock)}
    return {path: as_lf(data) for path, data in found.items() if data is not None and path in needed}


def _is_there(path: str, shown: str, data: bytes) -> bool:
    """Whether this very bundle is there already. Raises DecisionNeeded if something else than a bundle is."""
    try:
        there = read_start(path, MAX_ARCHIVE_BYTES + 1)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unavailable(f"{shown}: {error.strerror}") from None
    try:
        is_bundle = ArchiveSource("bundle", path).bundle is not None
    except AgentpackError:
        is_bundle = False
    if not is_bundle:
        raise DecisionNeeded(
            f"{shown} already exists and is not a readable bundle",
            hint="write to another file with `-o`, or delete this one",
        )
    return there == data
