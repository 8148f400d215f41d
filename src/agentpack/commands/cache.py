"""cache list, cache prune: list the cache of this user, and decide what was unused for so long that it is deleted.

Only files that agentpack puts there count. Any of them may be deleted while other commands run: contents and documents
are then read or made again, and of a repository that a command is fetching into nothing is deleted.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from agentpack.addresses import without_secrets
from agentpack.disk.atomic import read_start
from agentpack.model.dates import DAY, seconds

UNUSED_DAYS = 30
"""`cache prune` deletes what was not used for so many days."""
CONTENTS, REPOSITORIES, DOCUMENTS = KINDS = ("contents", "repositories", "documents")
"""What came over a network; mirrors of git repositories; checked manifests and packs."""
_PLACES = (
    (CONTENTS, re.compile(r"content/(?:objects|releases|answers)/[0-9a-f]{2}/[0-9a-f]{64}(?:\.[0-9a-f]{8}\.new)?\Z")),
    (DOCUMENTS, re.compile(r"[a-z-]+-\d+-[0-9a-z.]+/[0-9a-f]{64}\.json(?:\.[0-9a-f]{8}\.new)?\Z")),
)
_MIRROR = re.compile(r"[0-9a-f]{24}\.git(?:\.[0-9a-f]{8}\.(?:new|gone))?\Z")
_MAX_ADDRESS_BYTES = 4096


class CacheEntry(NamedTuple):
    """A file of the cache, or a repository. `used` is in seconds since 1970, `name` for people."""

    kind: str
    name: str
    path: str
    size: int
    used: float


class PrunedCache(NamedTuple):
    """What was deleted, or would be, and the repositories that another command is using."""

    gone: tuple[CacheEntry, ...]
    busy: tuple[CacheEntry, ...] = ()


def cache_list(folder: str) -> tuple[CacheEntry, ...]:
    """Everything in a cache folder, by kind and name."""
    return tuple(sorted((*_files(folder), *_mirrors(folder)), key=lambda one: (KINDS.index(one.kind), one.name)))


def cache_prune(folder: str, now: str, days: int = UNUSED_DAYS, *, dry_run: bool = False) -> PrunedCache:
    """Delete what was not used for so many days, with 0 everything; with `dry_run` only return it.

    Args:
        now: the time, as `2026-11-23T10:00:00Z`.
    """
    time = seconds(now) or 0
    old = [
        one
        for one in cache_list(folder)
        # another command may be about to give it its name
        if one.used < time - max(days, 1) * DAY or (days == 0 and not one.path.endswith(".new"))
    ]
    if dry_run:
        return PrunedCache(tuple(old))
    gone = [one for one in old if (_delete_mirror if one.kind == REPOSITORIES else _delete_file)(one)]
    return PrunedCache(tuple(gone), tuple(one for one in old if one not in gone))


def _files(folder: str) -> Iterator[CacheEntry]:
    for above, _, names in os.walk(folder):
        for name in names:
            path = f"{above}/{name}"
            below = path.removeprefix(f"{folder}/")
            kind = next((kind for kind, place in _PLACES if place.match(below)), None)
            with suppress(OSError):  # another process deleted it
                if kind is not None:
                    found = os.lstat(path)
                    yield CacheEntry(kind, below, path, found.st_size, _used(found))


def _mirrors(folder: str) -> Iterator[CacheEntry]:
    try:
        names = os.listdir(f"{folder}/git")
    except OSError:  # there are none
        return
    for name in names:
        path = f"{folder}/git/{name}"
        with suppress(OSError):  # another process deleted it
            if _MIRROR.match(name) and os.path.isdir(path) and not os.path.islink(path):
                inside = (path, *(f"{path}/{part}" for part in os.listdir(path)))
                used = max(os.lstat(one).st_mtime for one in inside)
                yield CacheEntry(REPOSITORIES, _address(path), path, _size(path), used)


def _address(mirror: str) -> str:
    try:
        return without_secrets(read_start(f"{mirror}/address", _MAX_ADDRESS_BYTES).decode("utf-8", "replace").strip())
    except OSError:
        return os.path.basename(mirror)


def _used(found: os.stat_result) -> float:
    """When a file was used: reading is noted on most disks."""
    return max(found.st_mtime, found.st_atime)


def _size(folder: str) -> int:
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(f"{above}/{name}").st_size
    return total


def _delete_file(entry: CacheEntry) -> bool:
    """Delete a file, and not its folder: another command may be about to write into it."""
    with suppress(OSError):
        os.unlink(entry.path)
    return not os.path.lexists(entry.path)


def _delete_mirror(entry: CacheEntry) -> bool:
    """Delete a repository, unless a command is fetching into it."""
    import fcntl  # not on Windows

    try:
        with open(f"{entry.path}/agentpack.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = entry.path if entry.path.endswith(".gone") else f"{entry.path}.{os.urandom(4).hex()}.gone"
            os.rename(entry.path, gone)  # from here on others make a new one
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return not os.path.lexists(gone)


def by_kind(entries: Sequence[CacheEntry]) -> list[tuple[str, int, int]]:
    """Each kind with the number of its entries and their bytes."""
    found = [(kind, [one.size for one in entries if one.kind == kind]) for kind in KINDS]
    return [(kind, len(sizes), sum(sizes)) for kind, sizes in found]
