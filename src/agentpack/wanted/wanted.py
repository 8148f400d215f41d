"""Everything that should be installed, as a value: the lock, file texts, personas, and notes for the user."""

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.environment import in_words
from agentpack.model.lock import Lock
from agentpack.model.manifest import Manifest
from agentpack.model.names import first_few
from agentpack.model.rendering import Note, Rendering
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.assignment import NotWritten, not_written_words
from agentpack.workspace.found_clients import SkippedClient

_MOST_SUBJECTS = 12
"""Largest number of fields or tools that one note names."""


class Wanted(NamedTuple):
    """What should be installed: the lock, each file by path, and the personas behind them."""

    lock: Lock
    files: Mapping[str, Rendering]
    parts: tuple[AssembledPersona, ...]
    unwritten: tuple[NotWritten, ...] = ()
    """Personas that are not written for a requested client."""
    passed_over: tuple[str, ...] = ()
    """Newer releases that the policy considers too new, a sentence each."""
    hidden: tuple[str, ...] = ()
    """Places of hidden text that a policy let pass, a sentence each."""
    unaccepted: frozenset[str] = frozenset()
    """Acceptances (`<pack>:widened:<client>`) a real run would need; set only for previews."""
    skipped: tuple[SkippedClient, ...] = ()
    """Found clients that do not get every pack."""
    missing_ids: tuple[str, ...] = ()
    """Ids that local variants name but their release no longer has, a sentence each."""
    divided: Mapping[tuple[str, str, str], AssembledPersona] = MappingProxyType({})
    """By pack, persona and client or skills folder: the personas without their modules, and the modules."""

    def _losses(self, file: Rendering) -> Iterator[tuple[Note, str]]:
        """The restrictions a file does not carry, and for each the option that accepts it; empty if accepted."""
        word = f"widened:{file.client}"
        asked = f"{file.pack}:{word}" in self.unaccepted
        for restriction in file.lost:
            if asked:
                yield Note(f'"{restriction}" would not be enforced', "which needs"), f"--accept {word}"
            else:
                yield Note(f'"{restriction}" is not enforced', "you accepted this"), ""

    def part(self, file: Any) -> AssembledPersona | None:
        """The persona that a file is made from, or None.

        `file` is any value with the `pack`, `persona` and `client` that are recorded for it.
        """
        if (found := self.divided.get((file.pack, file.persona, file.client))) is not None:
            return found
        names = file.pack, file.persona
        return next((part for part in self.parts if (part.pack.name, part.persona.name) == names), None)

    def notes(
        self, scope: str, changed: Container[str] | None, before: Lock | None = None
    ) -> tuple["GroupedNote | str", ...]:
        """Notes to show before a change is applied.

        Args:
            scope: `project` or `user`.
            changed: the files that change: what their clients cannot express is noted, once for all files that
                it holds for. None when nothing changes, the lock included.
            before: the previous lock: a client that reads another one's file is noted if it is new for the pack.
        """
        if changed is None:
            return tuple(dict.fromkeys((*self.passed_over, *self.hidden)))
        found: dict[Note, list[tuple[str, str, str]]] = {}
        for file in self.files.values():
            changes = file.path in changed
            for note, option in (*((note, "") for note in file.notes), *self._losses(file)):
                if changes or option:  # a text may stay the same and lose what its release asks for now
                    found.setdefault(note, []).append((file.client, file.path, option))
        told: dict[tuple[Note, tuple[str, ...]], GroupedNote] = {}
        for note, rows in found.items():
            clients, files, options = (tuple(dict.fromkeys(column)) for column in zip(*rows, strict=True))
            one = GroupedNote(note, clients, files, options, scope=scope)
            key = (note._replace(subject="") if note.subject else note, one.clients)
            told[key] = told[key].joined(one) if key in told else one
        unwritten = [
            one
            for one in self.unwritten
            if not one.file
            or one.file in changed
            or (before and one.client not in _clients(before, self.files[one.file].pack))
        ]
        return (
            *told.values(),
            *dict.fromkeys((*not_written_words(unwritten), *self.missing_ids, *self.passed_over, *self.hidden)),
        )


def _clients(lock: Lock, pack: str) -> tuple[str, ...]:
    """The clients that a locked pack is for."""
    entry, row = Manifest.from_data(lock.manifest).wanted(pack), lock.pack(pack)
    return (entry and entry.clients) or (row and row.clients) or lock.clients


class GroupedNote(NamedTuple):
    """A note, with the clients and files it applies to."""

    note: Note
    clients: tuple[str, ...]
    files: tuple[str, ...]
    options: tuple[str, ...] = ()
    """The option that would resolve it, for each client."""
    more: tuple[str, ...] = ()
    """Further subjects of which the note is true."""
    scope: str = "project"

    def joined(self, other: "GroupedNote") -> "GroupedNote":
        """The note for this one's subjects and those of another one."""
        files = tuple(dict.fromkeys((*self.files, *other.files)))
        return self._replace(files=files, more=(*self.more, other.note.subject))

    @property
    def text(self) -> str:
        """What is noted, of all subjects."""
        if not self.note.subject:
            return self.note.text
        names = [f"`{name}`" for name in (self.note.subject, *self.more)]
        return f"{first_few(names, _MOST_SUBJECTS)} {self.note.text}"

    def __str__(self) -> str:
        options = "".join(f" `{option}`" for option in self.options if option)
        if len(self.files) == 1:
            why = f", {self.note.why}" if self.note.why else ""
            return f"{in_words(self.scope, self.files[0])}: {self.text}{why}{options}"
        clients = ", ".join(self.clients)
        count = f"{len(self.clients)} clients" if len(self.clients) == len(self.files) else f"{len(self.files)} files"
        if not self.note.why:
            return f"{clients} ({count}): {self.text}"
        return f"{self.text} for {clients} ({count}): {self.note.why}{options}"
