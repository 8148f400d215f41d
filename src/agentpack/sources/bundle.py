"""A bundle: one archive with a lock, and the content of every release that the lock pins.

agentpack-bundle.json                                 the form of the bundle
agentpack.yaml, agentpack.lock                        of the scope it was made from
.agentpack/variants/…, .agentpack/clients/…           the scope's own files that the lock has digests of
packs/<name>/<version>/…                              a release with `pack.yaml`
collections/<name>/<version>/…                        the selected agent files of a pack in a collection
written/packs/…, written/collections/…                what files were written from, if that is no longer wanted

All of it is compared with the lock in it, when it is made and when it is read: a bundle is whole. Whether to trust that
lock is left to others: `sync --source` takes only what has a digest of the project's own lock.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agentpack.errors import InvalidFile, Refused
from agentpack.input.archives import write_archive
from agentpack.input.file_names import shown
from agentpack.model.json_text import read_json
from agentpack.model.line_ends import plain
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.lock_text import parse_lock
from agentpack.model.names import Digest, content_digest, digest_of, text_digest
from agentpack.sources.collection import Collection, CollectionPack
from agentpack.sources.pack_trees import PackRoot

SCHEMA = 1
MARK = "agentpack-bundle.json"
MANIFEST, LOCK, OWN = "agentpack.yaml", "agentpack.lock", ".agentpack"
VARIANTS, DECLARED = f"{OWN}/variants", f"{OWN}/clients"
_FOLDER = "agentpack-bundle"
"""The folder around everything in the archive."""
_OLDER = "written/"
_HINT = "write it again from a complete project: `agentpack bundle`"


class Bundle(NamedTuple):
    """The content of a bundle, compared with the lock in it."""

    lock: Lock
    files: Mapping[str, bytes]
    """By POSIX path."""

    @property
    def roots(self) -> tuple[PackRoot, ...]:
        """The wanted packs with `pack.yaml`."""
        wanted = self._wanted()
        return tuple(PackRoot(root, row.name, row.version) for root, row in wanted if row.agents is None)

    @property
    def collection(self) -> Collection:
        """The wanted packs of collections, with their selected agents."""
        wanted = ((root, row, _selected(row)) for root, row in self._wanted())
        return Collection(
            tuple(CollectionPack(row.name, root, tuple(rows), row.version) for root, row, rows in wanted if rows)
        )

    def _wanted(self) -> Iterator[tuple[str, LockedPack]]:
        return (one for one in folders_of(self.lock).items() if not one[0].startswith(_OLDER))

    def release(self, locked: LockedPack) -> Mapping[str, bytes] | None:
        """The files of a release with the digests of a lock, by path below its root; None if they are not here."""
        content = _content(locked)
        root = next((root for root, row in folders_of(self.lock).items() if _content(row) == content), None)
        return None if root is None else _below(self.files, root)


def folders_of(lock: Lock) -> dict[str, LockedPack]:
    """The folder in a bundle of each release that the lock pins."""
    found = {_folder(pack): pack for pack in lock.packs}
    wanted = [_content(pack) for pack in lock.packs]
    for pack in lock.written.packs if lock.written else ():
        if _content(pack) not in wanted:
            found[_OLDER + _folder(pack)] = pack
    return found


def own_files(lock: Lock) -> dict[str, Digest]:
    """The paths of the scope's own files that the lock needs, and their digests."""
    variants = {
        f"{VARIANTS}/{variant.persona}/{variant.name}.md": variant.digest
        for pack in lock.packs
        for variant in pack.local_variants
    }
    return variants | {f"{DECLARED}/{client}.yaml": digest for client, digest in lock.declared.items()}


def write_bundle(
    own: Mapping[str, bytes], lock: Lock, releases: Mapping[str, Mapping[str, bytes]], label: str
) -> bytes:
    """The bytes of a bundle: the same for the same content.

    Args:
        own: the scope's own files by path in the bundle, manifest and lock among them.
        releases: for each folder of `folders_of(lock)` the files in it.
        label: the name of the bundle, for error messages.

    Raises:
        Refused: something does not have the digest in the lock, or there is more than an archive may hold.
    """
    files = {MARK: b'{"schema": %d}\n' % SCHEMA, **own}
    for root, row in folders_of(lock).items():
        files |= {f"{root}/{path}": data for path, data in releases[root].items() if _counts(row, path)}
    read_bundle(files, label)
    return write_archive(files, prefix=_FOLDER, several=True)


def read_bundle(files: Mapping[str, bytes], label: str) -> Bundle | None:
    """The bundle in the files of an archive; None if the archive is none.

    Args:
        label: the name of the archive, for error messages.

    Raises:
        Refused: it is damaged, or made by a newer agentpack.
    """
    if MARK not in files:
        return None
    _check_schema(files[MARK], label)
    try:
        lock = parse_lock(files.get(LOCK, b""), LOCK)
    except InvalidFile as error:
        raise _damaged(label, [str(fault) for fault in error.faults]) from None
    folders, own = folders_of(lock), own_files(lock)
    faults = [_release_fault(files, root, row) for root, row in folders.items()]
    faults += [_own_fault(files, path, digest) for path, digest in own.items()]
    known = {MARK, MANIFEST, LOCK, *own}
    roots = tuple(f"{root}/" for root in folders)
    faults += [
        f"{shown(path)}: not listed in the bundle's lock"
        for path in files
        if path not in known and not path.startswith(roots)
    ]
    if found := [fault for fault in faults if fault]:
        raise _damaged(label, found)
    return Bundle(lock, files)


def _check_schema(data: bytes, label: str) -> None:
    try:
        schema = read_json(data, max_bytes=1024)["schema"]
    except (ValueError, LookupError, TypeError):
        raise _damaged(label, [f"{MARK} cannot be read"]) from None
    if schema != SCHEMA:
        raise Refused(
            f"{label} is a bundle of schema {shown(str(schema))}, and this agentpack reads schema {SCHEMA}",
            hint="upgrade agentpack",
        )


def _release_fault(files: Mapping[str, bytes], root: str, row: LockedPack) -> str | None:
    there = _below(files, root)
    if row.agents is None:
        found = content_digest(there.items())
        return None if found == row.digest else f"{root}: locked {row.digest}, found {found if there else 'nothing'}"
    found_texts = {path: text_digest(data).removeprefix("sha256:") for path, data in there.items()}
    wanted = _selected(row)
    odd = sorted(path for path in {*wanted, *found_texts} if wanted.get(path) != found_texts.get(path))
    return f"{root}/{shown(odd[0])} differs from the bundle's lock" if odd else None


def _own_fault(files: Mapping[str, bytes], path: str, digest: Digest) -> str | None:
    data = files.get(path)
    # a declaration counts without a byte-order mark
    is_same = data is not None and digest in (text_digest(data), digest_of(plain(data)))
    return None if is_same else f"{shown(path)} differs from the bundle's lock"


def _damaged(label: str, details: list[str]) -> Refused:
    more = [f"and {len(details) - 10} more"] if len(details) > 10 else []
    return Refused(f"the bundle {label} is damaged", details=[*details[:10], *more], hint=_HINT)


def _folder(pack: LockedPack) -> str:
    return f"{'packs' if pack.agents is None else 'collections'}/{pack.name}/{pack.version}"


def _selected(pack: LockedPack) -> dict[str, str]:
    """The path and the SHA-256 of each installed agent of a pack in a collection."""
    return {row.path: row.sha256 for row in pack.agents or () if not row.left_out}


def _counts(pack: LockedPack, path: str) -> bool:
    return pack.agents is None or path in _selected(pack)


def _content(pack: LockedPack) -> object:
    return pack.digest if pack.agents is None else sorted(_selected(pack).items())


def _below(files: Mapping[str, bytes], root: str) -> dict[str, bytes]:
    return {path[len(root) + 1 :]: data for path, data in files.items() if path.startswith(f"{root}/")}
