"""A real source that holds its packs in memory."""

from collections.abc import Collection, Mapping, Sequence

import yaml
from packaging.version import Version

from agentpack.model.names import PackName
from agentpack.model.pack import ReleaseRef
from agentpack.sources.base import OnlyPacks


class MemorySource(OnlyPacks):
    """Packs as dicts of files. `broken` makes every question fail as a folder that cannot be read does."""

    is_missing = False

    def __init__(self, name: str = "memory", *packs: Mapping[str, bytes], broken: OSError | None = None) -> None:
        self.name = name
        self.broken = broken
        self.files: dict[tuple[PackName, Version], Mapping[str, bytes]] = {}
        for files in packs:
            self.add(files)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Publish one more release, or other bytes for one that is there."""
        header = yaml.safe_load(files["pack.yaml"])
        self.files[PackName(header["name"]), Version(header["version"])] = files

    @property
    def where(self) -> str:
        return "memory"

    def packs(self) -> Collection[PackName]:
        self._fail()
        return {pack for pack, _ in self.files}

    def releases(self, pack: PackName) -> Sequence[ReleaseRef]:
        self._fail()
        return [ReleaseRef(name, version, self.name, str(version)) for name, version in self.files if name == pack]

    def read(self, ref: ReleaseRef) -> Mapping[str, bytes]:
        self._fail()
        return self.files[ref.pack, ref.version]

    def released(self, ref: ReleaseRef) -> int | None:
        self._fail()
        return None

    def _fail(self) -> None:
        if self.broken is not None:
            raise self.broken
