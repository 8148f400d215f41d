"""Prepare a transaction up to its decision. Nothing that a reader looks at changes here.

Everything written beforehand can be taken back: contents, the generation's record, each new file beside its target, and
the journal that tells the next command about them if this process dies.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from agentpack.apply.managed import EveryPath, ManagedPaths, refuse_step
from agentpack.apply.replay import forget, parent, refuse_size, temporary
from agentpack.disk import Disk, FileInfo, Stamp
from agentpack.errors import AgentpackError, Bug, Refused, Unavailable
from agentpack.model.history import Generation
from agentpack.model.names import Digest, digest_of
from agentpack.store import Store, layout
from agentpack.store.blobs import NewPack
from agentpack.store.journal import NOTHING, FileSide, Journal, JournalRow, NewJournal


class Step(NamedTuple):
    """One file of a transaction.

    `before` is the expected current content (None: no file), `content` the new one (None: delete). `mode` None keeps
    the mode of a replaced file and leaves a new one to the umask. A step that changes nothing is only checked.
    """

    path: str
    before: Digest | None
    content: bytes | None
    mode: int | None = None


class Snapshot(NamedTuple):
    """Local edits made since the last generation, recorded as a generation of their own.

    It is written with the transaction that follows: both are committed or neither.
    """

    generation: Generation
    blobs: Iterable[bytes]


class _Check(NamedTuple):
    """What was at a path when its step was staged, to be checked again before the decision."""

    path: str
    digest: Digest | None
    stamp: Stamp | None


class Staging:
    """A transaction in preparation: `add` steps, `complete`, `verify_unchanged`; `abandon` takes everything back."""

    def __init__(
        self, disk: Disk, store: Store, snapshot: Snapshot | None = None, managed: ManagedPaths | None = None
    ) -> None:
        layout.prepare(disk)
        self._managed = managed or EveryPath()
        self.number = store.generations.current() + (1 if snapshot is None else 2)
        self._disk, self._store, self._snapshot = disk, store, snapshot
        # The inode keeps two states that write to the same folders apart, such as a project's and its user's.
        self._mark = f".agentpack-{disk.node(layout.STATE)[1]:x}-"
        self.ending = f"{self._mark}{self.number}"
        self._notes = NewJournal(disk)
        self._pack = NewPack(disk, store.blobs, self.number)
        self._entered: dict[str, None] = {}
        self._made: list[str] = []
        self._checks: dict[str, _Check] = {}
        self._places: dict[str, str] = {}
        self._nodes: dict[str, tuple[int, int]] = {}
        self._linked: dict[tuple[tuple[int, int], str], str] = {}
        self._rows: list[JournalRow] = []
        self._modes: dict[str, int] = {}
        self._staged: list[str] = []
        self._replaced: list[tuple[str, Digest, int]] = []
        self._leaving: tuple[str, ...] = ()
        self._size = 0
        self._recorded = self._read_recorded()

    @property
    def journal(self) -> Journal:
        """The journal as written so far."""
        rows, folders, made = tuple(self._rows), tuple(self._entered), tuple(self._made)
        return Journal(self.number, self.ending, folders, made, rows, self._leaving)

    def begin(self) -> None:
        """Start the journal. From here on `abandon` has something to take back."""
        self._notes.begin(self.number, self.ending)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def add(self, step: Step) -> None:
        """Check a step against the disk and write its new content beside its target.

        Raises:
            Refused: the path holds something other than a file, or agentpack does not manage it.
            Unavailable: the file is not as the step expects, or something cannot be written.
        """
        path, content = step.path, step.content
        if path in self._checks:
            raise Bug(f"two steps for `{path}`")
        refuse_step(self._disk, self._managed, path)
        seen = self._disk.look(path)
        self._expect(step, seen)
        place = self._disk.place(path)
        self._places[place] = path
        self._checks[path] = _Check(place, step.before, seen.stamp if seen else None)
        before = NOTHING if seen is None else FileSide(seen.digest, seen.mode)
        if content is None:
            if seen is not None:
                self._change(path, before, NOTHING)
            return
        self._size += len(content)
        refuse_size(self._size)
        digest = self._pack.add(content, digest_of(content))
        mode = step.mode if step.mode is not None or seen is None else seen.mode
        if seen is not None and before == FileSide(digest, mode or 0):
            self._modes[path] = before.mode
            return
        self._enter(parent(place))
        target = temporary(place, self.ending)
        self._staged.append(target)
        self._modes[path] = found = self._disk.create(target, content, mode=mode, owner=seen and seen.owner)
        self._change(path, before, FileSide(digest, found))

    def _expect(self, step: Step, seen: FileInfo | None) -> None:
        if seen is not None and seen.kind != "file":
            what = {"link": "a link", "folder": "a folder"}.get(seen.kind, "not a file")
            raise Refused(
                f"`{self._disk.absolute(step.path)}` is {what}, which agentpack does not replace or delete",
                hint="move it elsewhere, or replace it with a file",
            )
        if (seen.digest if seen else None) != step.before:
            raise changed_meanwhile(self._disk, [step.path])

    def _refuse_twice(self, path: str, place: str) -> None:
        """Raise if two steps lead to one file; the planner has already merged such paths."""
        folder, _, leaf = place.rpartition("/")
        node = self._nodes.get(folder)
        if node is None:
            node = self._nodes[folder] = self._disk.node(folder)
        other = self._linked.setdefault((node, leaf), path)
        if other != path:
            raise Refused(
                f"`{self._disk.absolute(path)}` and `{self._disk.absolute(other)}` are linked to the same file",
                hint="replace the link with a real file",
            )

    def _change(self, path: str, before: FileSide, after: FileSide) -> None:
        """Record a change, and store the content it removes unless a generation already has it."""
        place = self._disk.place(path)
        self._refuse_twice(path, place)
        if before.digest is not None:
            self._enter(parent(place))  # an undo puts its temporary file there
            if not self._pack.has(before.digest):
                data = self._disk.read(path)
                if data is None or digest_of(data) != before.digest:
                    raise changed_meanwhile(self._disk, [path])
                self._pack.add(data, before.digest)
            if self._recorded.get(path) != before:
                self._replaced.append((path, before.digest, before.mode))
        self._rows.append(JournalRow(place, before, after))

    def _enter(self, folder: str) -> None:
        """Before the first temporary file in a folder: record the folder, create it, and delete what a power cut left
        there.
        """
        if folder in self._entered:
            return
        for gone in self._disk.missing(folder):
            self._notes.made(gone)
            self._made.append(gone)
            self._disk.mkdir(gone)
        self._notes.folder(folder)
        self._entered[folder] = None
        for name in self._disk.entries(folder):
            if name.startswith(".") and self._mark in name:
                self._disk.unlink(f"{folder}/{name}" if folder else name)

    def _read_recorded(self) -> Mapping[str, FileSide]:
        latest = self._snapshot.generation if self._snapshot else self._store.generations.latest()
        if latest is None:
            return {}
        recorded = {file.path: FileSide(file.written, file.mode) for file in (*latest.files, *latest.elsewhere)}
        recorded.update((document.path, FileSide(document.written, document.mode)) for document in latest.documents)
        return recorded

    # -- the end of staging --------------------------------------------------------------------------------------------

    def complete(
        self, generation: Generation | Callable[[Mapping[str, int]], Generation], blobs: Iterable[bytes]
    ) -> Generation:
        """Write the remaining files under temporary names and sync everything. Returns the generation as recorded."""
        earlier = self._keep_snapshot()
        for data in blobs:
            self._pack.add(data)
        if callable(generation):
            generation = generation(self._modes)
        if generation.number != self.number:
            raise _other_history(self._disk)
        generation = self._amend(generation)
        files = [layout.JOURNAL_NEW, *earlier, self._store.generations.write(generation)]
        if self._pack.finish():
            files.append(self._pack.path)
        files.append(self._store.generations.propose(self.number))
        self._notes.finish(self._rows, self._leaving)
        # The notes first: were they lost, nobody would know of files that were not. Folders of agents have time until
        # the files are in place: what is beside them and lost is made again from the pack.
        self._disk.make_durable([*files, *self._staged], (layout.STATE, layout.GENERATIONS, layout.BLOBS))
        return generation

    def _keep_snapshot(self) -> list[str]:
        """Write the snapshot's record, if there is one, and store its contents. Returns its path."""
        if self._snapshot is None:
            return []
        found = self._snapshot.generation
        if found.number != self.number - 1:
            raise _other_history(self._disk)
        for data in self._snapshot.blobs:
            self._pack.add(data)
        if gone := [file.path for file in found.files if not self._pack.has(file.written)]:
            raise changed_meanwhile(self._disk, gone)  # edited again while it was read
        return [self._store.generations.write(found)]

    def _amend(self, generation: Generation) -> Generation:
        known = dict.fromkeys((*generation.folders, *self._made))
        self._leaving = self._emptied(known)
        told = {path for path, _, _ in generation.replaced}
        return generation._replace(
            folders=tuple(sorted((folder for folder in known if folder not in self._leaving), key=_depth)),
            replaced=(*generation.replaced, *(row for row in self._replaced if row[0] not in told)),
        )

    def _emptied(self, known: Iterable[str]) -> tuple[str, ...]:
        """Folders agentpack created that will be empty after this transaction, deepest first."""
        gone = {self._disk.canonical(row.path) for row in self._rows if row.after == NOTHING}
        if not gone:
            return ()
        emptied: list[str] = []
        for folder in sorted(filter(self._disk.has_root, known), key=_depth, reverse=True):
            paths = [f"{folder}/{name}" for name in self._disk.entries(folder)]
            if paths and gone.issuperset(paths):
                gone.add(folder)
                emptied.append(folder)
        return tuple(emptied)

    def verify_unchanged(self) -> None:
        """Check that every file is still as it was when its step was staged.

        Raises:
            Unavailable: a file changed, or a folder was moved.
        """
        disk = self._disk
        changed = [check.path for check in self._checks.values() if not self.is_unchanged(check)]
        changed += [folder or "." for folder in self._entered if not disk.same_folder(folder)]
        if changed:
            raise changed_meanwhile(disk, changed)

    def is_unchanged(self, check: _Check) -> bool:
        """Whether a path holds the same as before. If only the signature differs, the content decides."""
        if check.stamp is None:
            return self._disk.stamp(check.path) is None
        seen = self._disk.look(check.path)
        return seen is not None and seen.digest == check.digest and seen.mode == check.stamp[2] & 0o7777

    def swap(self) -> None:
        """Rename every file into place, after a last check of each. So only within microseconds can another program's
        write be lost. Raises Unavailable if a file was changed meanwhile.
        """
        for row in self._rows:
            check = self._checks[self._places[row.path]]
            if self._disk.stamp(row.path) != check.stamp and not self.is_unchanged(check):
                raise changed_meanwhile(self._disk, [row.path])
            if row.after.digest is None:
                self._disk.unlink(row.path)
            else:
                self._disk.rename(temporary(row.path, self.ending), row.path)

    def abandon(self) -> None:
        """Take everything back, the journal last. What cannot be taken back is left to the next command."""
        try:
            self._pack.close()
            self._notes.close()
            forget(self._disk, self._store, self.journal)
        except AgentpackError:
            pass  # the error that led here is the one to tell


def _depth(folder: str) -> tuple[int, str]:
    return folder.count("/"), folder


def _other_history(disk: Disk) -> Unavailable:
    """The error for a state folder that was moved, linked or deleted since the plan was made."""
    return Unavailable(
        f"`{disk.absolute(layout.STATE)}` was replaced while agentpack worked; nothing was changed",
        hint="run the command again",
    )


def changed_meanwhile(disk: Disk, paths: list[str]) -> Unavailable:
    """The error that names files which are no longer as they were planned."""
    return Unavailable(
        "files changed while agentpack worked; nothing was changed",
        details=[disk.absolute(path) for path in paths],
        hint="run the command again",
    )
