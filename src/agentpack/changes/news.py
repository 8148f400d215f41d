"""What is new in the releases that a change installs: entries of their changelogs, and how much of the text differs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.version import Version

from agentpack.changes.outcome import Outcome
from agentpack.changes.place_arguments import past_refs
from agentpack.changes.pristine import Pristine
from agentpack.differences.lines import counts, hunks
from agentpack.differences.parsed_files import MAX_BYTES, decoded
from agentpack.errors import AgentpackError
from agentpack.model.changelog import FILE, ChangelogEntry, entries_between
from agentpack.model.changes import WRITES, Change
from agentpack.model.names import PackName
from agentpack.model.persona import Persona
from agentpack.model.requirement import Requirement
from agentpack.wanted.candidates import Candidates, candidates_to_view
from agentpack.workspace.workspace import Workspace

MAX_COMPARED = 8 * 1024 * 1024
"""Bytes of files, as they are and as they will be, beyond which one command counts no further pack's change."""
_LEAST = 4096
"""What a smaller file counts as."""


class ChangeSize(NamedTuple):
    """How many lines were added and removed between two releases, and how many rules differ."""

    added: int
    removed: int
    rules: int

    def __str__(self) -> str:
        return f"+{self.added} -{self.removed} lines, {self.rules} rule{'' if self.rules == 1 else 's'}"


class PackNews(NamedTuple):
    """A pack whose release changes. `size` is None beyond the bound; `entries` are those of its changelog, newest
    first.
    """

    pack: str
    before: str
    after: str
    size: ChangeSize | None
    entries: tuple[ChangelogEntry, ...]


def pack_news(workspace: Workspace, outcome: Outcome) -> Iterator[PackNews]:
    """The news of each pack that gets another release."""
    asked = [
        Requirement(PackName(change.name), range=f"=={change.after.split()[0]}")
        for change in outcome.packs
        if change.after
    ]
    candidates = candidates_to_view(workspace, past_refs(workspace, workspace.manifest, asked)[0])
    room = MAX_COMPARED
    for change in outcome.packs:
        if change.before is None or change.after is None:
            continue
        before, now = change.before.split()[0], change.after.split()[0]
        if before != now:
            files = [one for one in outcome.plan.changes if one.pack == change.name and one.action in WRITES]
            room -= sum(max(sum(map(len, _before_and_after(workspace, one))), _LEAST) for one in files)
            size = size_of(workspace, files, outcome.personas) if room >= 0 else None
            found = changelog_between(candidates, PackName(change.name), Version(before), Version(now))
            yield PackNews(change.name, before, now, size, found)


def changelog_between(
    candidates: Candidates, pack: PackName, before: Version, after: Version
) -> tuple[ChangelogEntry, ...]:
    """The changelog of the release `after`, without what `before` has already; empty if it cannot be read."""
    try:
        text = candidates.files(pack, after).get(FILE, b"")
    except (AgentpackError, StopIteration):
        return ()
    return entries_between(text.decode("utf-8", "replace"), before, after)


def size_of(workspace: Workspace, files: Iterable[Change], personas: Mapping[str, Persona]) -> ChangeSize:
    """How much differs between the files on disk and what will be written. Files of several clients with one persona
    count once.

    Args:
        personas: by path, what will be written, to know a rule by its id.
    """
    by_persona: dict[str, ChangeSize] = {}
    pristine = Pristine(workspace)
    for change in files:
        before, after = _before_and_after(workspace, change)
        if max(len(before), len(after)) > MAX_BYTES:
            continue
        lines = counts(hunks(decoded(before), decoded(after), context=0))
        # those of a new file are new to the file only: most have moved to it
        rules = len(pristine.compared(change, after, personas.get(change.path)).rules) if change.observed else 0
        size = ChangeSize(lines.added, lines.removed, rules)
        by_persona[change.persona] = max(by_persona.get(change.persona, size), size, key=sum)
    return ChangeSize(*map(sum, zip(*by_persona.values(), strict=True))) if by_persona else ChangeSize(0, 0, 0)


def _before_and_after(workspace: Workspace, change: Change) -> tuple[bytes, bytes]:
    return b"" if change.observed is None else workspace.states.contents(change.path), change.content or b""
