"""A plan: every change to files, computed completely before anything is written."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from agentpack.model.history import InstalledFile
from agentpack.model.names import Digest, digest_of
from agentpack.model.rendering import Note


class MovedRule(NamedTuple):
    """A rule that the new release has in another file: that file's path, and what the rule says there."""

    path: str
    text: str


class Conflict(NamedTuple):
    """One place that both sides changed differently. A side is empty if it has no text there."""

    base: str
    ours: str
    theirs: str

    def data(self, moved: Iterable[MovedRule] = ()) -> dict[str, Any]:
        """The conflict for JSON output, with the rules of `base` that the new release has in other files."""
        return {**self._asdict(), "moved": [rule._asdict() for rule in moved]}


Draft = tuple[str | Conflict, ...]
"""A merged text in order: merged parts as text, conflicts in their places."""


class Action(StrEnum):
    """What happens to one file."""

    CREATE = "create"
    REPLACE = "replace"
    MERGE = "merge"
    """Write a text with both the user's edit and the new text."""
    RESTORE = "restore"
    """Write again a file that the user deleted."""
    DISCARD = "discard"
    """Write the rendered text; the user chose to discard an edit or a foreign file. Its bytes stay in the history."""
    ADOPT = "adopt"
    """Only record the file: it already has the wanted text."""
    TAKE = "take"
    """Only record the file, as an edit of the wanted text."""
    KEEP = "keep"
    DRIFT = "drift"
    """Leave the file as the user edited it."""
    LOST = "lost"
    """Leave the file as it is: its text is needed to write it, and is nowhere."""
    DELETE = "delete"
    FORGET = "forget"
    """Stop managing the file, without writing it."""
    CONFLICT = "conflict"
    """Leave the file alone; the whole plan stops for a decision."""


WRITES = frozenset({Action.CREATE, Action.REPLACE, Action.MERGE, Action.RESTORE, Action.DISCARD})
STILL = frozenset({Action.KEEP, Action.DRIFT, Action.LOST})
"""Actions that change neither the disk nor the record."""


class Change(NamedTuple):
    """One line of a plan. `content` is what will be written; `conflicts` lists what could not be merged.

    `why` is the cause of a conflict: `foreign`, `edited`, `merge`, `unmerged`, `blocked`, or `unknown` (the text it was
    edited from is lost). For a merge it is the side that conflicts were decided for, `keep` or `theirs`.
    """

    path: str
    action: Action
    client: str
    pack: str
    persona: str
    observed: Digest | None = None
    """The digest of the bytes on disk. `rendered` and `previous` are text digests."""
    mode: int | None = None
    """Permission bits of the file on disk; None if there is none."""
    rendered: Digest | None = None
    """The digest of the wanted pristine text; None if none is wanted."""
    previous: Digest | None = None
    """The digest of the pristine text rendered last."""
    content: bytes | None = None
    theirs: bytes | None = None
    """The wanted pristine text, as bytes."""
    why: str = ""
    conflicts: tuple[Conflict, ...] = ()
    moved: tuple[tuple[MovedRule, ...], ...] = ()
    """For each conflict, the rules that the new release has in other files; empty if it has none there."""
    draft: Draft = ()
    """The partly merged text of a conflict, for merging by hand."""
    notes: tuple[Note, ...] = ()
    line: int = 0
    """For an `unmerged` conflict, the line where version control left a merge unresolved."""
    same_as: str = ""
    """The path that stands for this one, because both are the same file: its change applies here too."""

    @property
    def written(self) -> Digest | None:
        """The digest of the file's bytes once the plan is applied; None if there will be none."""
        if self.content is None:
            return self.observed
        known = self.content is self.theirs and b"\r" not in self.content
        return self.rendered if known else digest_of(self.content)


class Plan(NamedTuple):
    """The changes of every managed file of a scope, in the order of their paths."""

    changes: tuple[Change, ...]
    elsewhere: tuple[InstalledFile, ...] = ()
    """Our files that stay where a client's variable pointed before."""
    shared: Mapping[str, str] = MappingProxyType({})
    """Files that the other scope manages too, and which scope that is."""

    @property
    def conflicts(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action is Action.CONFLICT and not change.same_as)

    @property
    def drift(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action is Action.DRIFT and not change.same_as)

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that affect the disk or the record."""
        return tuple(change for change in self.changes if change.action not in STILL)


class Observed(NamedTuple):
    """What is at a path: the text digest of a regular file, or `blocked` with a description of what else is there."""

    digest: Digest | None
    mode: int
    blocked: str = ""
    exact: Digest | None = None
    """The digest of the bytes, if line ends make it differ from the text digest."""

    @property
    def raw(self) -> Digest | None:
        """The digest of the bytes, as used by transaction steps and the history; None without a regular file."""
        return self.exact or self.digest


FOLDER_OF_OTHERS = Observed(None, 0, "its folder has files that agentpack did not write")
"""Nothing, in a folder for this one file that somebody else made and has something in."""


def file_state(wanted: Digest | None, recorded: Digest | None, here: Observed | None) -> str:
    """How the file at a path compares with the wanted text and with the text written last.

    Returns:
        `clean`, `missing`, `blocked` (not a regular file), `outdated` (as written, but another text is wanted),
        `edited`, or `leftover` (no longer wanted); empty if nothing is wanted and nothing exists.
    """
    if here is None:
        return "" if wanted is None else "missing"
    if here.blocked:
        return "blocked"
    if wanted is None:
        return "leftover"
    if here.digest == wanted:
        return "clean"
    return "outdated" if here.digest == recorded else "edited"
