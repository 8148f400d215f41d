"""Rebase local variants that `keep` wrote when their pack moves to another release.

A variant made from edits names the rules of one release. Applying it unchanged to another release would be worse than
merging: a replaced rule would lose the release's other changes to it, and an added rule could lose its neighbour. So
the edits are merged as if they were still in the file, and the variant is rewritten to produce the merged text. Where
edit and release conflict, the edit wins, and a note says so.

Only variants that are, word for word, what `keep` would write today are rewritten. Variants that somebody wrote or
changed by hand are applied as they are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from agentpack.changes.request import RebasedVariants
from agentpack.compose.conflicts import NamedLayer
from agentpack.differences.rules import entries_of
from agentpack.differences.words import excerpt, marked
from agentpack.edits.rules import short
from agentpack.edits.variant import EditedPersona, differs_in, variant_edit, variant_of
from agentpack.errors import AgentpackError, DecisionNeeded
from agentpack.merge import KnownEntries, merge, resolved
from agentpack.model.changes import Conflict
from agentpack.model.line_ends import as_lf, plain
from agentpack.model.lock import Lock, LockedPack
from agentpack.model.rendering import Rendering
from agentpack.wanted.assemble import AssembledPersona
from agentpack.wanted.choose import pinned
from agentpack.wanted.selection import Selection
from agentpack.workspace.documents import LocalText
from agentpack.workspace.file_releases import as_written

_MOST = 3
"""The most places that a note shows."""


class _ClientText(NamedTuple):
    """An assembled persona and its text for one client, with LF line ends."""

    side: Selection
    part: AssembledPersona
    file: Rendering

    def edited(self, persona: str, data: bytes) -> EditedPersona:
        draft, values = self.side.assembler.draft(self.part.pack, persona)
        return EditedPersona(self.part.pack, persona, self.part.persona, draft, values, ((self.file, data),))


def rebase_variants(chosen: Selection, lock: Lock) -> RebasedVariants:
    """Rebase the local variants of packs whose release changes. Writes nothing."""
    workspace, written = chosen.workspace, as_written(lock)
    rewritten: list[LocalText] = []
    notes: list[str] = []
    for row in written.packs:
        pin = next((pin for pin in chosen.pins if pin.pack == row.name), None)
        if pin is None or not row.local_variants or str(pin.version) == row.version:
            continue
        try:
            following = _Rebase(pinned(workspace, written), chosen, row)
            for text, collisions in following.texts():
                if collisions:
                    places = "a place" if len(collisions) == 1 else f"{len(collisions)} places"
                    notes.append(
                        f"{workspace.scope.shown(text.path)}: {row.name} {pin.version} changes {places} that your "
                        f"variant changes too; your text is kept: {_listed(collisions)}"
                    )
                elif text.path in {one.path for one in following.rewritten}:
                    place = workspace.scope.shown(text.path)
                    notes.append(f"{place}: rewritten for {row.name} {pin.version}, so that your edits stay")
            rewritten += following.rewritten
            for path, file in following.stuck.items():
                place = workspace.scope.shown(path)
                notes.append(
                    f"{place}: cannot be merged with {row.name} {pin.version}; the variant is used as it is: "
                    f"read {workspace.scope.shown(file)}, and edit the variant if it no longer fits"
                )
        except AgentpackError as error:
            notes.append(f"the local variants of {row.name} cannot be merged and stay unchanged: {error.message}")
    return RebasedVariants(tuple(rewritten), tuple(notes))


def _listed(conflicts: Sequence[Conflict]) -> str:
    """The first places, each as the variant and as the new release has it: by the words that differ."""
    told = []
    for conflict in conflicts[:_MOST]:
        spans = marked(conflict.ours, conflict.theirs)
        sides = ["".join(span.text for span in excerpt(side)) for side in spans] if spans else conflict[1:]
        ours, theirs = (f"“{short(' '.join(side.split()))}”" if side.strip() else "nothing" for side in sides)
        told.append(f"{ours} (the new release: {theirs})")
    more = len(conflicts) - _MOST
    return ", ".join((*told, *([f"and {more} more"] if more > 0 else [])))


def _loses_nothing(base: bytes, ours: bytes, theirs: bytes, result: bytes) -> bool:
    """Whether a text has all lines that either side added, and none that one of them removed, in whatever order."""
    was, mine, new, now = (Counter(filter(bytes.strip, text.split(b"\n"))) for text in (base, ours, theirs, result))
    return now == new - (was - mine) + (mine - was)


class _Rebase:
    """Rebases the variants of one pack, lowest layer first."""

    def __init__(self, old: Selection, new: Selection, row: LockedPack) -> None:
        self.workspace, self.old, self.new, self.row = new.workspace, old, new, row
        entry = new.manifest.wanted(row.name)
        asked = new.clients if entry is None or entry.clients is None else entry.clients
        self.clients = sorted(asked, key=lambda client: (client != "claude", client))
        self.rewritten: list[LocalText] = []
        self.stuck: dict[str, str] = {}
        """The paths of those that no variant of the new release would say as they are merged, each with that of the
        agent file."""

    def texts(self) -> Iterator[tuple[LocalText, Sequence[Conflict]]]:
        """Yield each rebased variant and the places where the release changed the same text. Rewritten variants are
        collected in `rewritten`.
        """
        locked = {(variant.persona, variant.name): variant.digest for variant in self.row.local_variants}
        for persona in sorted({persona for persona, _ in locked}):
            order = self._order(persona)
            for index, named in enumerate(order):
                texts = (text for text in self.workspace.documents.local_texts if text.persona == persona)
                text = next((text for text in texts if text.name == named.name), None)
                if text is None or text.digest != locked.get((persona, named.name)):
                    continue  # changed since: its author looks after it
                found = self._rewritten_text(text, named, [other.name for other in order[index + 1 :]])
                if found is None:
                    continue
                if found[0] != plain(text.data):
                    self.rewritten.append(text._replace(data=found[0]))
                yield text, found[1]

    def _laid_over(self, side: Selection) -> AbstractContextManager[None]:
        """Context in which that release sees its variants: for the new release, the layers below this one are already
        rewritten.
        """
        return self.workspace.documents.with_local_texts(
            self.rewritten if side.candidates is self.new.candidates else ()
        )

    def _order(self, persona: str) -> list[NamedLayer]:
        """The local variants in the order in which they are applied."""
        wanted = self.old.for_clients(self.clients).preview(self.row.name)
        part = next((part for part in wanted.parts if self._name(self.old, persona) == part.persona.name), None)
        layers = [] if part is None else self.old.assembler.layers(part)
        return [named for named in layers if named.origin.kind == "local"]

    def _name(self, side: Selection, persona: str) -> str:
        return side.manifest.renames(self.row.name).get(persona, persona)

    def _rewritten_text(
        self, text: LocalText, named: NamedLayer, later: Sequence[str]
    ) -> tuple[bytes, Sequence[Conflict]] | None:
        """The rewritten text of the variant and its conflicts; None if it is not ours to rewrite or no variant can
        express it.
        """
        for client in self.clients:
            base = self._text(self.old.without_variants(self.row.name, [named.name, *later]), text.persona, client)
            ours = self._text(self.old.without_variants(self.row.name, later), text.persona, client)
            theirs = self._text(self.new.without_variants(self.row.name, [named.name, *later]), text.persona, client)
            if base is None or ours is None or theirs is None:
                continue
            try:
                if self._as_kept(base, ours.file.content, text, named) != plain(text.data):
                    continue
            except DecisionNeeded:
                continue  # another client's file may say it
            if (found := self._merged(base, ours, theirs, text, named, later)) is not None:
                return found
            unchanged = self._text(self.new.without_variants(self.row.name, later), text.persona, client)
            if unchanged is not None and _loses_nothing(*(one.file.content for one in (base, ours, theirs, unchanged))):
                return plain(text.data), ()
            self.stuck[text.path] = theirs.file.path
        return None

    def _as_kept(self, base: _ClientText, data: bytes, text: LocalText, named: NamedLayer) -> bytes:
        header = named.layer.header
        with self._laid_over(base.side):
            edited = base.edited(text.persona, data)
        found = variant_edit(edited, self.workspace.clients.of_file(base.file.client))
        return variant_of(edited, found, summary=header["summary"], after=header["order"]["after"]).encode()

    def _merged(
        self,
        base: _ClientText,
        ours: _ClientText,
        theirs: _ClientText,
        text: LocalText,
        named: NamedLayer,
        later: Sequence[str],
    ) -> tuple[bytes, Sequence[Conflict]] | None:
        known = KnownEntries(*(entries_of(side.part.persona.sections) for side in (base, theirs)))
        merged = merge(
            base.file.content, ours.file.content, theirs.file.content, lambda: known, form=theirs.file.form.format
        )
        data = resolved(merged.draft, 1).encode() if merged.content is None else merged.content
        try:
            rewritten = self._as_kept(theirs, data, text, named)
        except DecisionNeeded:
            return None
        with self.workspace.documents.with_local_texts([text._replace(data=rewritten)]):
            again = self._text(self.new.without_variants(self.row.name, later), text.persona, theirs.file.client)
        target = self.workspace.clients.of_file(theirs.file.client)
        if again is None or differs_in(target, again.file.persona, again.file.content, data) is None:
            return None
        return rewritten, merged.conflicts

    def _text(self, side: Selection, persona: str, client: str) -> _ClientText | None:
        with self._laid_over(side):
            wanted = side.for_clients((client,)).inline().preview(self.row.name)
        name = self._name(side, persona)
        part = next((part for part in wanted.parts if part.persona.name == name), None)
        file = next((file for file in wanted.files.values() if (file.client, file.persona) == (client, name)), None)
        if part is None or file is None:
            return None
        return _ClientText(side, part, file._replace(content=as_lf(file.content)))
