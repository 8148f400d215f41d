"""Which files agentpack wrote last, and with which text. Nothing else decides this.

The lock on disk decides, because git moves lock and files together. Only for a file that git does not track (ignored,
not added, no repository) does the newest generation count if it differs: git moved the lock but not the file.
`file_releases.py` finds the release behind a row, `pristine.py` the text.
"""

from collections.abc import Callable, Collection

from agentpack.model.history import Generation, InstalledFile
from agentpack.model.lock import Lock
from agentpack.model.names import Digest


def locked_files(lock: Lock) -> dict[str, InstalledFile]:
    """The files of a lock by path, as if they had been written as it says. Their modes are unknown."""
    return {
        file.path: InstalledFile(file.path, file.client, file.pack, file.persona, digest, digest, 0)
        for file in lock.files
        for digest in (Digest(f"sha256:{file.sha256}"),)
    }


def locked_here(lock: Lock | None, current: Generation | None) -> dict[str, InstalledFile]:
    """The files of a lock by path, without those written where a client's variable pointed before (`same_file.py`)."""
    locked = {} if lock is None else locked_files(lock)
    away = {(row.client, row.pack, row.persona) for row in current.elsewhere} if current else set()
    return {path: row for path, row in locked.items() if (row.client, row.pack, row.persona) not in away}


def recorded_files(
    lock: Lock | None,
    current: Generation | None,
    *,
    there: Callable[[str], bool],
    tracked: Callable[[Collection[str]], Collection[str]],
) -> dict[str, InstalledFile]:
    """The files that were written last, by path.

    Args:
        lock: the lock on disk; None if missing or unreadable.
        there: returns whether something is at a path.
        tracked: returns those of the paths that git tracks.
    """
    locked = locked_here(lock, current)
    left = {} if current is None else {file.path: file for file in current.files}
    same = {path for path, file in left.items() if path in locked and locked[path].rendered == file.rendered}
    # a file that git took away together with its row is nobody's any more
    differing = [path for path in left if path not in same and (path in locked or there(path))]
    own = {*differing} - {*tracked(differing)} if differing else set[str]()
    return {**locked, **{path: left[path] for path in left if path in same or path in own}}
