"""The differences between two states, as values, and the filter that limits a comparison."""

import re
from collections.abc import Collection
from typing import Any, NamedTuple

from agentpack.changes.outcome import PackChange
from agentpack.changes.widening import CapabilityChange
from agentpack.clients import read_by
from agentpack.differences.parsed_files import (
    NOTHING,
    Comparison,
)
from agentpack.errors import UsageError
from agentpack.model.changes import Conflict, MovedRule
from agentpack.model.names import did_you_mean, is_version_word
from agentpack.workspace.workspace import Workspace


class FileDifference(NamedTuple):
    """A file that differs. `before` and `after` are its bytes, None where the file does not exist.

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
    """Why one of the texts cannot be had; the file is then not compared."""
    compared: Comparison = NOTHING
    """The differing fields and rules. Set if both texts are known and rules were requested."""
    conflicts: tuple[Conflict, ...] = ()
    moved: tuple[tuple[MovedRule, ...], ...] = ()
    """As in a `Change`."""
    why: str = ""
    """The cause of a conflict, as in a plan."""
    outdated: bool = False
    """For an edited file: the lock wants another text than the one that was edited. `before` is the text that was
    edited, if it is still stored."""


class Remark(NamedTuple):
    """A difference that is not in the text of a file.

    `kind` is `lock-missing`, `lock-merging` (it is half merged), `manifest-missing`, `stale` (the lock is not what
    the manifest asks for), `rendering` (the locked releases do not give the locked texts) or `unmerged` (version
    control left a merge unresolved in the file).
    """

    kind: str
    path: str
    details: tuple[str, ...] = ()
    generation: int = 0


class Differences(NamedTuple):
    """All differences between two states, and the labels of the two."""

    before: str
    after: str
    files: tuple[FileDifference, ...] = ()
    remarks: tuple[Remark, ...] = ()
    packs: tuple[PackChange, ...] = ()
    capabilities: tuple[CapabilityChange, ...] = ()
    """Capabilities that an upgrade or the later release changes."""
    notes: tuple[str, ...] = ()
    empty: bool = False
    """Nothing is installed, so nothing can differ."""

    @property
    def differs(self) -> bool:
        return bool(self.files or self.remarks or self.packs)


class ComparisonFilter(NamedTuple):
    """Filter of a comparison: a pack or persona, clients, and whether rules are compared or only texts."""

    name: str | None = None
    """A pack, a persona, or the path of a file."""
    clients: Collection[str] = ()
    rules: bool = True

    def includes(self, file: Any) -> bool:
        """Whether the filter includes a file (any value with `pack`, `persona` and `client`, and perhaps `path`)."""
        named = self.name is None or self.name in (file.pack, file.persona, getattr(file, "path", ""))
        return named and (not self.clients or read_by(file.client, self.clients))

    def check(self, workspace: Workspace, known: Collection[Any]) -> None:
        """Raise UsageError if the name is unknown."""
        names = sorted({name for file in known for name in (file.pack, file.persona)})
        if self.name is not None and self.name not in {*names, *(file.path for file in known)}:
            from agentpack.wanted.offers import agent_hint  # only where a name is unknown

            last, sources = self.name.rpartition("/")[2], workspace.sources.open(workspace.manifest, remote=False)
            hint = None if last in names else agent_hint(sources, workspace.manifest, self.name)
            if is_version_word(self.name) or re.split("[@=<>!~]", self.name)[0] in names:
                hint = f"`agentpack diff --to {self.name}` compares with that release"
            raise UsageError(
                f"no pack or persona `{self.name}` is installed here",
                details=[f"installed: {', '.join(names) or 'nothing'}"],
                hint=hint or did_you_mean(last, names),
            )


EVERYTHING = ComparisonFilter()
