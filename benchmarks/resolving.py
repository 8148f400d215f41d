"""Resolve a generated world of packs, in a process that imports the resolver alone.

Argument: the number of packs. Each has 20 releases, and each release requires three other packs in ranges that leave
room; the user wants all of them.
"""

import random
import sys
from collections.abc import Collection, Mapping, Sequence

from packaging.version import Version

from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve import resolve

RELEASES = 20


class World:
    """The answers to the resolver's questions."""

    def __init__(self, packs: int) -> None:
        chance = random.Random(1)
        self.names = [PackName(f"p{number}") for number in range(packs)]
        self.all = [Version(f"{number // 10 + 1}.{number % 10}.0") for number in range(RELEASES)]
        ranges = [f">={major}.{minor},<3" for major in (1, 2) for minor in range(5)]
        self.needs: Mapping[str, list[tuple[PackName, str]]] = {
            name: [(chance.choice(self.names[:index]), chance.choice(ranges)) for _ in range(min(3, index))]
            for index, name in enumerate(self.names)
        }

    def versions(self, pack: PackName) -> Sequence[Version]:
        return self.all

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        return ()

    def requires(self, pack: PackName, version: Version) -> Sequence[Requirement]:
        return [Requirement(pack=name, range=range) for name, range in self.needs[pack]]

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        return {}

    def known(self) -> Collection[str]:
        return self.names


world = World(int(sys.argv[1]))
found = resolve([Requirement(pack=name) for name in world.names], world)
assert len(found) == len(world.names)
