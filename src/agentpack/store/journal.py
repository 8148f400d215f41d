"""The journal of a transaction: what to clean up if it is abandoned, and what to finish once it is decided.

While files are staged the journal grows as `journal.new`, so that recovery after a crash knows where temporary files
may be. Renaming it to `journal` decides the transaction. What recovery does with it is decided in `apply`.

One JSON array a line: a header, `root` lines with the folders of the roots, `folder` and `made` lines during staging,
the `steps`, and an `end` line with the digest of everything before it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

from agentpack.disk import Disk, GrowingFile
from agentpack.errors import Bug, Refused
from agentpack.model.history import SCHEMA, is_newer
from agentpack.model.json_text import check_size, read_json
from agentpack.model.names import Digest, digest_of, is_digest, is_recorded_path
from agentpack.store import layout

_HEAD = "agentpack journal"
_WORDS = frozenset((_HEAD, "root", "folder", "made", "steps", "leaving", "end"))
_MOST_HEAD = 1000
# Files with this ending are removed, so nothing else may stand there: somebody's clone may bring a journal along.
_ENDING = re.compile(r"\.agentpack-[0-9a-f]+-[0-9]+\Z")


class FileSide(NamedTuple):
    """The state of a path before or after the transaction: a file, or nothing (`digest` None)."""

    digest: Digest | None
    mode: int


NOTHING = FileSide(None, 0)


class JournalRow(NamedTuple):
    """One file that the transaction changes."""

    path: str
    before: FileSide
    after: FileSide


class Journal(NamedTuple):
    """A transaction's journal: `ending` is the suffix of its temporary files, `folders` are where they may be.

    `made` are the folders created for it, outermost first; `leaving` those it empties, deepest first.
    """

    number: int
    ending: str
    folders: tuple[str, ...]
    made: tuple[str, ...]
    rows: tuple[JournalRow, ...]
    leaving: tuple[str, ...]

    def with_current_paths(self, disk: Disk, roots: Mapping[str, str]) -> "Journal":
        """The same journal with the names its paths have today.

        Args:
            roots: where each root led when the journal was written.
        """
        if all(disk.roots.get(root) == folder for root, folder in roots.items()):
            return self
        disk.add_roots(roots)

        def now(paths: Iterable[str]) -> tuple[str, ...]:
            return tuple(disk.current_path(path, roots) for path in paths)

        rows = tuple(row._replace(path=disk.current_path(row.path, roots)) for row in self.rows)
        return Journal(self.number, self.ending, now(self.folders), now(self.made), rows, now(self.leaving))


class NewJournal:
    """A journal while it is written."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._text = b""
        self._file: GrowingFile | None = None

    def begin(self, number: int, ending: str) -> None:
        """Create the file and write its header."""
        self._disk.unlink(layout.JOURNAL_NEW)
        self._file = self._disk.grow(layout.JOURNAL_NEW)
        self._note(_HEAD, SCHEMA, number, ending)
        for root, folder in self._disk.movable_roots(self._disk.roots).items():
            self._note("root", root, folder)

    def folder(self, path: str) -> None:
        """Record a folder before something is staged in it."""
        self._note("folder", path)

    def made(self, path: str) -> None:
        """Record a folder before it is created."""
        self._note("made", path)

    def finish(self, rows: Iterable[JournalRow], leaving: Iterable[str]) -> None:
        """Write the steps and close the file. It is not renamed into place yet."""
        plain = [[row.path, *row.before, *row.after] for row in rows]
        text = _line("steps", plain) + _line("leaving", list(leaving))
        self._append(text + _line("end", digest_of(self._text + text)))
        self.close()

    def close(self) -> None:
        """Close the file, whether or not the journal is complete. A second call does nothing."""
        if self._file is not None:
            self._file.close()

    def _note(self, *values: object) -> None:
        line = _line(*values)
        self._append(line)
        self._text += line

    def _append(self, text: bytes) -> None:
        if self._file is None:
            raise Bug("notes before their head")
        self._file.append(text)


def decided(disk: Disk) -> Journal | None:
    """The journal of a decided transaction that is not finished; None if there is none.

    Raises:
        Refused: a newer agentpack wrote the journal, or it cannot be read. It is complete before it is put in place,
            so this is a damaged disk or an edit, and guessing could destroy files.
    """
    data = _read(disk, layout.JOURNAL)
    if data is None:
        return None
    journal = _parse(disk, data, whole=True)
    if journal is None:
        raise Refused(
            f"`{disk.absolute(layout.JOURNAL)}` cannot be read: a change was interrupted, and its record is damaged",
            details=(f"the files it was writing are in `{disk.absolute(layout.BLOBS)}`",),
            hint="check the files with your version control, delete the journal, then run `agentpack sync`",
        )
    return journal


def undecided(disk: Disk) -> Journal | None:
    """The journal of a transaction that was not decided, as far as it was written; None if there is none.

    A journal without its header is returned with number 0: nothing was staged.
    """
    data = _read(disk, layout.JOURNAL_NEW)
    if data is None:
        return None
    return _parse(disk, data, whole=False) or Journal(0, "", (), (), (), ())


def _read(disk: Disk, path: str) -> bytes | None:
    data = disk.read(path)
    with suppress(TypeError, ValueError, LookupError):
        head = read_json((data or b"").split(b"\n", 1)[0][:_MOST_HEAD], max_bytes=_MOST_HEAD)
        if head[0] == _HEAD and is_newer(head[1]):
            raise layout.newer(disk, path)
    return data


def _line(*values: object) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _parse(disk: Disk, data: bytes, *, whole: bool) -> Journal | None:
    """Read a journal, line by line up to the first invalid one. None without a valid head, or if it must be `whole` and
    is not.
    """
    notes: dict[str, list[Any]] = {}
    position = 0
    try:
        check_size(data, layout.MAX_STATE_BYTES)
    except ValueError:
        return None
    for line in BytesIO(data):
        try:
            word, *values = read_json(line, max_bytes=layout.MAX_STATE_BYTES)
            if word not in _WORDS:
                break
            notes.setdefault(word, []).append(values[0] if len(values) == 1 else values)
        except (TypeError, ValueError):
            break
        if word == "end":
            break
        position += len(line)
    try:
        if whole and notes["end"] != [digest_of(data[:position])]:
            return None
        _, number, ending = notes[_HEAD][0]
        if not _ENDING.match(ending):
            return None
        steps = notes["steps"][0] if whole else []
        leaving = notes["leaving"][0] if whole else []
        rows = tuple(JournalRow(path, FileSide(a, b), FileSide(c, d)) for path, a, b, c, d in steps)
        folders, made = (tuple(dict.fromkeys(notes.get(word, ()))) for word in ("folder", "made"))
        journal = Journal(number, ending, folders, made, rows, tuple(leaving))
        roots = {
            root: folder for root, folder in notes.get("root", ()) if type(folder) is str and is_recorded_path(root)
        }
        return journal.with_current_paths(disk, roots) if _is_of_its_types(journal) else None
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _is_of_its_types(journal: Journal) -> bool:
    paths = (*journal.folders, *journal.made, *journal.leaving, *(row.path for row in journal.rows))
    return (
        type(journal.number) is int
        and journal.number > 0
        and all(map(is_recorded_path, paths))
        and len({row.path for row in journal.rows}) == len(journal.rows)
        and all(_is_side(*side) for row in journal.rows for side in (row.before, row.after))
    )


def _is_side(digest: object, mode: object) -> bool:
    holds = digest is None or (type(digest) is str and is_digest(digest))
    return holds and type(mode) is int and 0 <= mode <= 0o7777
