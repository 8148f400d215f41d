"""A source that is not read, because its place is outside of the repository and this user has not agreed to it."""

from collections.abc import Mapping, Sequence

from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef
from agentpack.sources.base import OnlyPacks


class WithheldSource(OnlyPacks):
    """Answers like a source that is missing, whatever is there."""

    is_missing = True

    def __init__(self, name: str, where: str) -> None:
        self.name, self.where = name, where

    def packs(self) -> Sequence[PackName]:
        return ()

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        return ()

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        return {}

    def released(self, ref: ReleaseRef) -> int | None:
        return None
