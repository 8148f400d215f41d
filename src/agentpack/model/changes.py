"""A plan: all that will happen to files, computed in full before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from agentpack.model.history import InstalledFile
from agentpack.model.names import Digest, digest_of
from agentpack.model.rendering import Note


class Conflict(NamedTuple):
    """One place that both sides changed differently. Each side is text, empty where it has nothing there."""

    base: str
    ours: str
    theirs: str


Draft = tuple[str | Conflict, ...]
"""A merged text in order: what is settled, and the conflicts in their places."""


class Action(StrEnum):
    """What happens to one file."""

    CREATE = "create"
    REPLACE = "replace"
    MERGE = "merge"
    """Written with both the user's edit and the new text."""
    RESTORE = "restore"
    """Written again: it was deleted by hand."""
    DISCARD = "discard"
    """Written as rendered: the user chose to let an edit or a foreign file go. Its bytes stay in the history."""
    ADOPT = "adopt"
    """Recorded; what lies there already is what is wanted."""
    TAKE = "take"
    """Recorded as an edit of what is wanted; nothing is written."""
    KEEP = "keep"
    DRIFT = "drift"
    """Left as the user edited it."""
    DELETE = "delete"
    FORGET = "forget"
    """No longer managed; nothing is written."""
    CONFLICT = "conflict"
    """Left as it is, and the whole plan stops for a decision."""


WRITES = frozenset({Action.CREATE, Action.REPLACE, Action.MERGE, Action.RESTORE, Action.DISCARD})
STILL = frozenset({Action.KEEP, Action.DRIFT})
"""Actions that change neither disk nor record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan. `content` is what will be written; `conflicts` say what stopped a merge.

    `why` says what a conflict is about: `foreign`, `edited`, `merge`, `unmerged`, `blocked`, or `unknown` (nobody has
    the text it was edited from). Of a merge it says which side it was decided for, `keep` or `theirs`.
    """

    path: str
    action: Action
    client: str
    pack: str
    persona: str
    observed: Digest | None = None
    """Of the bytes on disk; `rendered` and `previous` are text digests."""
    mode: int | None = None
    """Permission bits of what lies there, None when nothing does."""
    rendered: Digest | None = None
    """The pristine text that is wanted, None when nothing is."""
    previous: Digest | None = None
    """The pristine text that was rendered last."""
    content: bytes | None = None
    theirs: bytes | None = None
    """The pristine text that is wanted, as bytes."""
    why: str = ""
    conflicts: tuple[Conflict, ...] = ()
    draft: Draft = ()
    """Where a merge stopped: how far it came, for merging by hand."""
    notes: tuple[Note, ...] = ()
    line: int = 0
    """Of a conflict `unmerged`, where version control left a merge unresolved in what lies there."""
    same_as: str = ""
    """The place that stands for this one, because both are one file: what happens there happens here, once."""

    @property
    def written(self) -> Digest | None:
        """The digest of what lies there once the plan is applied."""
        if self.content is None:
            return self.observed
        known = self.content is self.theirs and b"\r" not in self.content
        return self.rendered if known else digest_of(self.content)


class Plan(NamedTuple):
    """Every managed file of a scope, a change each, in the order of their paths."""

    changes: tuple[Change, ...]
    elsewhere: tuple[InstalledFile, ...] = ()
    """Files of ours that stay where a client's variable led before."""
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
        """The changes that do something to disk or record."""
        return tuple(change for change in self.changes if change.action not in STILL)


class Observed(NamedTuple):
    """What lies at a path: the text digest of a regular file, or `blocked`, words for what else is in the way."""

    digest: Digest | None
    mode: int
    blocked: str = ""
    exact: Digest | None = None
    """The digest of the bytes, where their line ends make it another one."""

    @property
    def raw(self) -> Digest | None:
        """The digest of the bytes: what a step finds there, and what the history keeps."""
        return self.exact or self.digest


def file_state(wanted: Digest | None, recorded: Digest | None, here: Observed | None) -> str:
    """How what lies at a path compares with what is wanted there and with what was written last.

    Returns:
        `clean`, `missing`, `blocked` (no regular file), `outdated` (as it was written, and something else is wanted),
        `edited`, or `leftover` (no longer wanted); empty where nothing is wanted and nothing lies.
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
