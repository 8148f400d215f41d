"""What differs between two states, as values, and what a comparison is limited to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from agentpack.changes.outcome import PackChange
from agentpack.changes.widening import CapabilityChange
from agentpack.differences.accounts import (
    NOTHING,
    Compared,
)
from agentpack.errors import UsageError
from agentpack.model.changes import Conflict
from agentpack.model.names import did_you_mean
from agentpack.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """One file that differs. `before` and `after` are its bytes, None where there is no file.

    `state` is, for disk against lock: `edited`, `missing`, `outdated` (as the last generation left it, but the lock
    wants another text), `leftover` (no longer locked) or `blocked` (no regular file); for an upgrade: `new`, `updated`,
    `merged`, `restored`, `removed` or `conflict`; between releases: `new`, `changed` or `removed`.
    """

    path: str
    client: str
    pack: str
    persona: str
    state: str
    before: bytes | None = None
    after: bytes | None = None
    unknown: str = ""
    """Why one of the texts is not known; nothing can be compared then."""
    compared: Compared = NOTHING
    """Fields and rules that differ, where both texts are known and rules were asked for."""
    conflicts: tuple[Conflict, ...] = ()
    why: str = ""
    """What a conflict is about, as in a plan."""
    outdated: bool = False
    """Of an edited file: the lock wants another text than it was edited from. `before` is that one, as far as it is
    kept."""


class Remark(NamedTuple):
    """What differs besides the texts of files.

    `kind` is `lock-missing`, `lock-merging` (it is half merged), `manifest-missing`, `stale` (the lock is not what
    the manifest asks for), `rendering` (the locked releases do not give the locked texts) or `unmerged` (version
    control left a merge unresolved in the file).
    """

    kind: str
    path: str
    details: tuple[str, ...] = ()
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that differs between two states, and what they are called."""

    before: str
    after: str
    files: tuple[FileDifference, ...] = ()
    remarks: tuple[Remark, ...] = ()
    packs: tuple[PackChange, ...] = ()
    capabilities: tuple[CapabilityChange, ...] = ()
    """What personas may do, where an upgrade or the later release changes it."""
    notes: tuple[str, ...] = ()
    empty: bool = False
    """Nothing is installed that could differ."""

    @property
    def differs(self) -> bool:
        return bool(self.files or self.remarks or self.packs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a comparison is limited to, and whether rules are wanted or only texts."""

    name: str | None = None
    """A pack or a persona."""
    clients: Collection[str] = ()
    rules: bool = True

    def have(self, file: Any) -> bool:
        """Whether a file (anything with pack, persona and client) is among them."""
        named = self.name is None or self.name in (file.pack, file.persona)
        return named and (not self.clients or file.client in self.clients)

    def check(self, workspace: Workspace, known: Iterable[Any]) -> None:
        """Raise UsageError for a client or a name that nobody knows."""
        for client in self.clients:
            workspace.clients.named(client)
        names = sorted({name for file in known for name in (file.pack, file.persona)})
        if self.name is not None and self.name not in names:
            raise UsageError(
                f"no pack or persona `{self.name}` is installed here",
                details=[f"there: {', '.join(names) or 'nothing'}"],
                hint=did_you_mean(self.name, names),
            )


EVERYTHING = Limits()
