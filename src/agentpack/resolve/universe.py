"""Translate packs and releases for the search: nodes, their values, and the clauses of a release.

A pack is a node whose values are its releases. A requested variant is a virtual pack `name[variant]` with one value; a
release without the variant excludes that value. Sources are asked lazily, each question once.

A pre-release counts for a requirement whose range names one, and for every requirement of a pack for which the user's
own requirements name one: otherwise nobody could try a pre-release of a pack that others require too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from packaging.version import Version

from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve.ranges import UNSELECTED, RangeCache, RangeTable
from agentpack.resolve.search import PATIENCE, Clause, Search

_SELECTED = 2
"""The only value of a virtual pack."""


class Questions(Protocol):
    """What the resolver asks about packs: each question once, and only if the answer matters."""

    def versions(self, pack: PackName) -> Sequence[Version]:
        """All releases, in any order; empty if the pack is unknown."""
        ...

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        """The variants of the release, including local ones."""
        ...

    def requires(self, pack: PackName, version: Version) -> Sequence[Requirement]:
        """The requirements of the release."""
        ...

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        """Variants that the release no longer has, each with what its author says to do instead."""
        ...

    def known(self) -> Collection[str]:
        """The names of all packs, for suggestions."""
        ...


class Listing(NamedTuple):
    """The releases of a pack in ascending order, and range masks over them."""

    versions: tuple[Version, ...]
    table: RangeTable


class Answers:
    """Caches the answers to questions."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self.ranges = RangeCache()
        self._listings: dict[PackName, Listing] = {}
        self._variants: dict[tuple[PackName, Version], frozenset[str]] = {}
        self._requires: dict[tuple[PackName, Version], tuple[Requirement, ...]] = {}

    def listing(self, pack: PackName) -> Listing:
        found = self._listings.get(pack)
        if found is None:
            ordered = sorted(self._questions.versions(pack))
            if len(set(ordered)) < len(ordered):  # one version spelled in two ways
                first = {version: version for version in sorted(ordered, key=str, reverse=True)}
                ordered = sorted(first.values())
            versions = tuple(ordered)
            found = self._listings[pack] = Listing(versions, self.ranges.table(versions))
        return found

    def variants(self, pack: PackName, version: Version) -> frozenset[str]:
        found = self._variants.get((pack, version))
        if found is None:
            found = self._variants[pack, version] = frozenset(self._questions.variants(pack, version))
        return found

    def requires(self, pack: PackName, version: Version) -> tuple[Requirement, ...]:
        found = self._requires.get((pack, version))
        if found is None:
            found = self._requires[pack, version] = tuple(self._questions.requires(pack, version))
        return found

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        return self._questions.retired(pack, version)

    def known(self) -> list[str]:
        return sorted(self._questions.known())


class Want(NamedTuple):
    """Reason of a clause: the user requests it."""

    requirement: Requirement


class Need(NamedTuple):
    """Reason of a clause: releases (bits of a node) require it."""

    node: int
    bits: int
    requirement: Requirement


class Lack(NamedTuple):
    """Reason of a clause: releases (bits of a node) do not offer the variant of that virtual pack."""

    node: int
    bits: int
    virtual: int


Fact = Want | Need | Lack


class Node(NamedTuple):
    """A pack, or with `variant` a virtual pack; `of` is then the node of the pack."""

    pack: PackName
    versions: tuple[Version, ...]
    table: RangeTable
    variant: str
    of: int

    def version(self, bit: int) -> Version:
        return self.versions[bit.bit_length() - 2]


class Universe:
    """The nodes and clauses so far; it grows as the search asks for values."""

    def __init__(
        self,
        answers: Answers,
        wanted: Sequence[Requirement],
        preferred: Mapping[PackName, Version],
        *,
        effort: int,
        values: int,
        patience: int = PATIENCE,
        prereleases: Collection[PackName] = (),
    ) -> None:
        names_prerelease = answers.ranges.names_prerelease
        self._answers = answers
        self._wanted = wanted
        self._preferred = preferred
        self._unlocked = {want.pack for want in wanted if want.newest}
        self._prereleases = {want.pack for want in wanted if names_prerelease(want.range)} | set(prereleases)
        self._packs: dict[PackName, int] = {}
        self._virtual: dict[int, dict[str, int]] = {}
        self.nodes: list[Node] = []
        self.search = Search(self._expand, effort=effort, values=values, patience=patience)

    def solve(self) -> None:
        """Choose releases. Raises what `Search.run` raises."""
        clauses: list[Clause] = []
        for want in self._wanted:
            self.pack(want.pack)  # the wanted packs come first, so their releases are decided first
        for want in self._wanted:
            clauses += self._asked({}, want, Want(want))
        self.search.run(clauses)

    def chosen(self) -> dict[PackName, Version]:
        """The release that `solve` chose for each needed pack."""
        left = self.search.left
        return {
            node.pack: node.version(left[index])
            for index, node in enumerate(self.nodes)
            if not node.variant and not left[index] & UNSELECTED
        }

    def pack(self, name: PackName) -> int:
        """The node of the pack."""
        index = self._packs.get(name)
        if index is None:
            versions, table = self._answers.listing(name)
            preferred = self._preferred.get(name)
            first = 0
            if preferred is not None and name not in self._unlocked and preferred in versions:
                first = 2 << versions.index(preferred)
            index = self._packs[name] = self.search.add_node(table.everything | UNSELECTED, first)
            self.nodes.append(Node(name, versions, table, "", index))
        return index

    def allowed(self, requirement: Requirement) -> int:
        """The releases the requirement allows, whatever they offer."""
        table = self.nodes[self.pack(requirement.pack)].table
        return table.mask(requirement.range, prereleases=requirement.pack in self._prereleases)

    def virtual(self, node: int, variant: str) -> tuple[int, list[Clause]]:
        """The node of `name[variant]`, and if it is new, clauses for releases that were already read."""
        virtuals = self._virtual.setdefault(node, {})
        index = virtuals.get(variant)
        if index is not None:
            return index, []
        pack = self.nodes[node]
        index = virtuals[variant] = self.search.add_node(_SELECTED | UNSELECTED)
        self.nodes.append(Node(pack.pack, (), pack.table, variant, node))
        return index, self._offered(node, self.search.known[node], variant, index)

    def _expand(self, node: int, bits: int) -> Iterable[Clause]:
        """The clauses of choosing one of these releases: its requirements, and requested variants it lacks.

        Releases with the same requirement share its clauses.
        """
        about = self.nodes[node]
        if about.variant:
            return ()
        asked = list(self._virtual.get(node, {}).items())
        needs: dict[Requirement, int] = {}
        clauses: list[Clause] = []
        for bit in bits_of(bits):
            for requirement in self._answers.requires(about.pack, about.version(bit)):
                needs[requirement] = needs.get(requirement, 0) | bit
        for requirement, those in needs.items():
            clauses += self._asked({node: those}, requirement, Need(node, those, requirement))
        for variant, virtual in asked:
            clauses += self._offered(node, bits, variant, virtual)
        return clauses

    def _asked(self, terms: dict[int, int], requirement: Requirement, fact: Fact) -> list[Clause]:
        """The clauses of one requirement, made by whoever `terms` represents."""
        target = self.pack(requirement.pack)
        clauses: list[Clause] = []
        self._forbid(clauses, terms, target, ~self.allowed(requirement), fact)
        for variant in requirement.variants:
            virtual, more = self.virtual(target, variant)
            clauses += more
            self._forbid(clauses, terms, virtual, UNSELECTED, fact)
        return clauses

    def _forbid(self, clauses: list[Clause], terms: dict[int, int], target: int, mask: int, fact: Fact) -> None:
        clause = forbid(terms, target, mask, self.search.full[target], fact)
        if clause is not None:
            clauses.append(clause)

    def _offered(self, node: int, bits: int, variant: str, virtual: int) -> list[Clause]:
        """The clause for those of the releases that lack the variant."""
        about = self.nodes[node]
        lacking = 0
        for bit in bits_of(bits):
            if variant not in self._answers.variants(about.pack, about.version(bit)):
                lacking |= bit
        return [Clause(((node, lacking), (virtual, _SELECTED)), fact=Lack(node, lacking, virtual))] if lacking else []


def forbid(terms: dict[int, int], target: int, mask: int, full: int, fact: object) -> Clause | None:
    """The clause against the terms combined with the values of `target` in `mask`; None if it forbids nothing."""
    mask &= terms.get(target, full)
    if mask == 0:  # a pack that requires itself, in a range it is in
        return None
    terms = {**terms, target: mask}
    if mask == full:
        del terms[target]  # always true
    return Clause(tuple(terms.items()), fact=fact)


def bits_of(mask: int) -> Iterator[int]:
    """The bits of a mask, each as a mask, lowest first."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit
