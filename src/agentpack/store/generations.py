"""The history on disk: a record for each transaction, and the pointer to the current one.

Records are read with the names their paths have today. `apply` decides when a generation becomes current, `prune.py`
which ones are deleted.
"""

import json

from agentpack.disk import Disk
from agentpack.errors import Refused
from agentpack.model.history import Generation, NewerRecord
from agentpack.model.json_text import MAX_DIGITS, read_json
from agentpack.store import layout


class Generations:
    """The stored records. The last one read is cached."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._last: Generation | None = None

    def current(self) -> int:
        """The number of the current generation; 0 before the first.

        Raises:
            Refused: the pointer is damaged or missing.
        """
        data = self._disk.read(layout.CURRENT)
        if data is None and not self._has_happened():
            return 0
        if data is None or not data.strip().isdigit() or len(data) > MAX_DIGITS:
            why = "is missing, although there is a history" if data is None else "is damaged: it contains no number"
            raise Refused(
                f"`{self._disk.absolute(layout.CURRENT)}` {why}",
                hint=f"write the highest number in `{self._disk.absolute(layout.GENERATIONS)}` to it",
            )
        return int(data)

    def _has_happened(self) -> bool:
        """Whether a record without a pointer belongs to a committed change: then the next change would reuse its
        number.

        A first change that a power cut interrupted may leave two records, complete or not, without any of its files on
        disk.
        """
        numbers = layout.numbers(self._disk.entries(layout.GENERATIONS), ".json")
        if not numbers or any(self._disk.stamp(notes) for notes in (layout.JOURNAL, layout.JOURNAL_NEW)):
            return False
        if numbers[-1] > 2:
            return True
        try:
            documents = self.read(numbers[-1]).documents
        except Refused:
            return False
        looked = ((document, self._disk.look(document.path)) for document in documents)
        return bool(documents) and all(seen is not None and seen.digest == one.written for one, seen in looked)

    def numbers(self) -> list[int]:
        """The numbers of the stored records up to the current generation, ascending."""
        current = self.current()
        names = self._disk.entries(layout.GENERATIONS)
        return [number for number in layout.numbers(names, ".json") if number <= current]

    def has(self, number: int) -> bool:
        """Whether a record with this number exists."""
        return self._disk.stamp(layout.record(number)) is not None

    def read(self, number: int) -> Generation:
        """The record with this number.

        Raises:
            Refused: it does not exist or is damaged.
        """
        if self._last is not None and self._last.number == number:
            return self._last
        path = layout.record(number)
        data = self._disk.read(path)
        if data is None:
            raise Refused(
                f"there is no record of generation {number}", details=(self._disk.absolute(path),), hint=self._way_out()
            )
        try:
            generation = Generation.from_data(read_json(data, max_bytes=layout.MAX_STATE_BYTES))
            if generation.number != number:
                raise ValueError("the record of another generation")
            self._disk.add_roots(generation.roots)
        except NewerRecord as error:
            raise layout.newer(self._disk, path) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(
                f"`{self._disk.absolute(path)}` is damaged",
                details=(str(error)[:200] if type(error) is ValueError else "a value is missing, or of another type",),
                hint=self._way_out(),
            ) from error
        self._last = generation = generation.with_current_paths(self._disk.current_path, self._disk.roots)
        return generation

    def refuse_newer(self, first: int, last: int) -> None:
        """Raise NewerState if one of these records, up to the first unreadable one, was written by a newer
        agentpack.
        """
        try:
            for number in range(first, last + 1):
                self.read(number)
        except layout.NewerState:
            raise
        except Refused:  # missing, or damaged: for whoever needs it
            return

    def _way_out(self) -> str:
        state = self._disk.absolute(layout.STATE)
        return f"restore it from a backup; without one, delete `{state}`, which loses the history"

    def latest(self) -> Generation | None:
        """The record of the current generation; None before the first."""
        number = self.current()
        return self.read(number) if number else None

    def forget(self) -> None:
        """Drop cached records."""
        self._last = None

    def write(self, generation: Generation) -> str:
        """Write a record that is not current yet. Returns its path."""
        path = layout.record(generation.number)
        data = generation._replace(roots=self._disk.movable_roots(generation.paths)).to_data()
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        self._disk.unlink(path)  # left over from a transaction that a power cut made forget itself
        self._disk.create(path, text.encode() + b"\n")
        return path

    def propose(self, number: int) -> str:
        """Write the new pointer under a temporary name. Returns its path."""
        self._disk.unlink(layout.CURRENT_NEW)
        self._disk.create(layout.CURRENT_NEW, b"%d\n" % number)
        return layout.CURRENT_NEW

    def accept(self) -> None:
        """Rename the new pointer into place: the proposed generation is now current."""
        self._disk.rename(layout.CURRENT_NEW, layout.CURRENT)
