"""Replay a journal in one direction, to finish a transaction or to undo it.

Decides how a file gets from one side of its row to the other. A file on neither side was edited meanwhile and is left
alone. The direction is decided in `transaction.py` and `recovery.py`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from agentpack.disk import Disk, FileInfo, Owner, Stamp
from agentpack.errors import Refused, Unavailable
from agentpack.model.names import Digest, digest_of
from agentpack.store import Store, layout
from agentpack.store.journal import FileSide, Journal, JournalRow

MAX_CHANGE_BYTES = 1024 * 1024 * 1024
"""Largest total of the contents one change writes."""


class Unfinished(Unavailable):
    """A change was decided but neither finished nor undone. The journal stays, and the next command continues."""

    code = "unfinished"


class TouchedFile(NamedTuple):
    """A file that replaying a journal wrote or deleted."""

    path: str
    deleted: bool


class Replayed(NamedTuple):
    """The files of a journal that were changed, and those left as they are because somebody edited them."""

    changed: tuple[TouchedFile, ...]
    left: tuple[str, ...]


class _Todo(NamedTuple):
    path: str
    goal: FileSide
    stamp: Stamp | None
    owner: Owner | None


def parent(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def temporary(path: str, ending: str) -> str:
    """The path of the temporary file with a file's new content, in the same folder.

    No client reads it: its name starts with a dot and does not end with `.md` or another agent suffix.
    """
    folder, slash, leaf = path.rpartition("/")
    if len(leaf.encode()) > 200:
        leaf = digest_of(leaf.encode())[7:47]  # a name has at most 255 bytes
    return f"{folder}{slash}.{leaf}{ending}"


def touched(rows: Iterable[JournalRow], made: Iterable[str]) -> list[str]:
    """The folders in which files change or which are created."""
    above = (parent(folder) for folder in made if "/" in folder or not folder.startswith("$"))
    return list(dict.fromkeys((*(parent(row.path) for row in rows), *above)))


def refuse_size(size: int) -> None:
    """Raise Refused for a change that would write too many bytes."""
    if size > MAX_CHANGE_BYTES:
        raise Refused(
            f"one change would write more than {MAX_CHANGE_BYTES >> 20} MiB",
            hint="install or upgrade fewer packs at once",
        )


def replay(disk: Disk, store: Store, journal: Journal, *, forward: bool) -> Replayed:
    """Bring every file of a journal to one side, durably. Files on neither side are left as they are.

    All contents are staged before the first file changes, so a missing content (Refused) changes nothing.
    """
    todo: list[_Todo] = []
    left: list[str] = []
    for row in journal.rows:
        goal, origin = (row.after, row.before) if forward else (row.before, row.after)
        seen = disk.look(row.path)
        if not _is_at(seen, origin, goal):
            if not _is_at(seen, goal, origin):
                left.append(row.path)
            continue
        todo.append(_Todo(row.path, goal, seen.stamp if seen else None, seen.owner if seen else None))
    refuse_size(sum(store.blobs.size(item.goal.digest) for item in todo if item.goal.digest is not None))
    made = list(journal.made)
    staged = [_stage(disk, store, item, journal.ending, made) for item in todo if item.goal.digest is not None]
    disk.make_durable(staged, ())
    changed: list[TouchedFile] = []
    for item in todo:
        if disk.stamp(item.path) != item.stamp:
            left.append(item.path)
            continue
        if item.goal.digest is None:
            disk.unlink(item.path)
        else:
            disk.rename(temporary(item.path, journal.ending), item.path)
        changed.append(TouchedFile(item.path, item.goal.digest is None))
    disk.make_durable((), _existing(disk, touched(journal.rows, made)))
    return Replayed(tuple(changed), tuple(left))


def clear(disk: Disk, journal: Journal, *, made: bool) -> tuple[TouchedFile, ...]:
    """Delete the temporary files of a transaction and, with `made`, the empty folders created for it. Returns the
    deleted files.
    """
    gone: list[TouchedFile] = []
    for folder in journal.folders:
        for name in disk.entries(folder):
            if name.startswith(".") and name.endswith(journal.ending):
                path = f"{folder}/{name}" if folder else name
                disk.unlink(path)
                gone.append(TouchedFile(path, deleted=True))
    if made:
        for folder in reversed(journal.made):
            disk.rmdir(folder)
    return tuple(gone)


def forget(disk: Disk, store: Store, journal: Journal) -> tuple[TouchedFile, ...]:
    """Delete everything written for a generation that will not be committed, its journal last. Returns the temporary
    files deleted.
    """
    gone = clear(disk, journal, made=True)
    current = store.generations.current()
    paths = [layout.CURRENT_NEW]
    for number in (current + 1, current + 2):  # the first may be a snapshot; cut-off notes do not tell
        paths += [layout.record(number), layout.pack(number)]
    for path in (*paths, layout.JOURNAL_NEW):
        disk.unlink(path)
    store.forget()
    return gone


def undo(disk: Disk, store: Store, journal: Journal) -> Replayed:
    """Restore the files from before a decided change, and delete its journal."""
    store.blobs.include(journal.number)  # what the change took away is there
    settled = replay(disk, store, journal, forward=False)
    disk.rename(layout.JOURNAL, layout.JOURNAL_NEW)  # undecided again
    disk.make_durable((), (layout.STATE,))  # until here a power cut brings the decision back, which needs the contents
    forget(disk, store, journal)
    return settled


def tidy(disk: Disk, journal: Journal) -> None:
    """Clean up after the commit: remove emptied folders and the journal."""
    for folder in journal.leaving:
        disk.rmdir(folder)
    disk.unlink(layout.JOURNAL)


def _stage(disk: Disk, store: Store, item: _Todo, ending: str, made: list[str]) -> str:
    path, digest = temporary(item.path, ending), item.goal.digest
    assert digest is not None
    waiting = disk.look(path)
    if waiting is None or waiting.digest != digest or waiting.mode != item.goal.mode:
        data = store.blobs.get(Digest(digest))
        disk.unlink(path)
        for folder in disk.missing(parent(path)):
            disk.mkdir(folder)
            made.append(folder)
        disk.create(path, data, mode=item.goal.mode, owner=item.owner)
    return path


def _is_at(seen: FileInfo | None, side: FileSide, other: FileSide) -> bool:
    """Whether the file is on this side of its row. Modes only matter if both sides have the same contents."""
    if seen is None or side.digest is None:
        return seen is None and side.digest is None
    return seen.digest == side.digest and (side.digest != other.digest or seen.mode == side.mode)


def _existing(disk: Disk, folders: list[str]) -> list[str]:
    return [folder for folder in folders if not disk.missing(folder)]
