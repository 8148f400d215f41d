"""Small universes of packs, every answer checked against trying all combinations, and against resolvelib."""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from support.effort import usually

from agentpack.errors import Unresolvable
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve import USER, resolve
from agentpack.resolve.ranges import RangeCache
from agentpack.resolve.search import Contradiction
from agentpack.resolve.universe import Answers
from agentpack.resolve.universe import Universe as Grown

NAMES = [PackName(name) for name in ("alpha", "beta", "gamma", "delta")]
VARIANTS = ["strict", "terse"]
VERSIONS = ["0.9.0", "1.0.0", "1.1.0", "2.0.0rc1", "2.0.0", "2.0.0.post1", "3.0.0b2"]
RANGES = [
    "",
    ">=1.0.0",
    ">=2.0.0",
    "<2.0.0",
    "==1.*",
    "!=2.0.0",
    ">=2.0.0rc1",
    "~=1.0",
    ">=1.1,<3",
    "==2.0.0",
    ">2.0.0",
]


class Offer(NamedTuple):
    """What one release offers and requires."""

    variants: frozenset[str]
    requires: tuple[Requirement, ...]


Packs = Mapping[PackName, Mapping[Version, Offer]]


class Universe(NamedTuple):
    """Packs, and what is wanted of them."""

    packs: Packs
    wanted: tuple[Requirement, ...]


class Shelf:
    """The packs as answers to questions."""

    def __init__(self, packs: Packs) -> None:
        self.packs = packs

    def versions(self, pack: PackName) -> Sequence[Version]:
        return list(self.packs.get(pack, ()))

    def variants(self, pack: PackName, version: Version) -> Collection[str]:
        return self.packs[pack][version].variants

    def requires(self, pack: PackName, version: Version) -> Sequence[Requirement]:
        return self.packs[pack][version].requires

    def retired(self, pack: PackName, version: Version) -> Mapping[str, str]:
        return {}

    def known(self) -> Collection[str]:
        return self.packs.keys()


# one choice for each value: drawing takes longer than resolving
requirements = st.sampled_from(
    [
        Requirement(pack=pack, range=range, variants=variants)
        for pack in (*NAMES, *NAMES, *NAMES, PackName("nowhere"))
        for range in RANGES
        for variants in ((), (), (), ("strict",), ("terse",), ("strict", "terse"))
    ]
)
offered = st.builds(
    Offer,
    st.sampled_from([frozenset(some) for some in ((), VARIANTS[:1], VARIANTS[1:], VARIANTS)]),
    st.lists(requirements, max_size=3, unique=True).map(tuple),
)
histories = st.dictionaries(st.sampled_from(VERSIONS).map(Version), offered, min_size=1, max_size=4)
universes = st.builds(
    Universe,
    st.fixed_dictionaries(dict.fromkeys(NAMES, histories)),
    st.lists(requirements, min_size=1, max_size=3, unique=True).map(tuple),
)


@cache
def names_prerelease(range: str) -> bool:
    return any(
        part.operator != "!=" and Version(part.version.removesuffix(".*")).is_prerelease for part in SpecifierSet(range)
    )


def asked_for(universe: Universe) -> set[PackName]:
    """The packs of which the user asks for pre-releases."""
    return {want.pack for want in universe.wanted if names_prerelease(want.range)}


@cache
def allows(range: str, version: Version) -> bool:
    return SpecifierSet(range).contains(version, prereleases=True)


def fits(universe: Universe, requirement: Requirement, version: Version) -> bool:
    """Whether a release satisfies a requirement, told in the plainest way."""
    if not allows(requirement.range, version):
        return False
    prereleases = names_prerelease(requirement.range) or requirement.pack in asked_for(universe)
    if version.is_prerelease and not prereleases:
        return False
    return universe.packs[requirement.pack][version].variants.issuperset(requirement.variants)


def is_solution(universe: Universe, chosen: Mapping[PackName, Version]) -> bool:
    required = [*universe.wanted]
    for pack, version in chosen.items():
        required += universe.packs[pack][version].requires
    return all(need.pack in chosen and fits(universe, need, chosen[need.pack]) for need in required)


def solutions(universe: Universe) -> Iterator[dict[PackName, Version]]:
    """Every choice of releases that satisfies everything, with packs that nobody needs too."""
    options = [[None, *universe.packs[name]] for name in NAMES]
    for combination in itertools.product(*options):
        chosen = {name: version for name, version in zip(NAMES, combination, strict=True) if version is not None}
        if is_solution(universe, chosen):
            yield chosen


def answer(universe: Universe, **options: Any) -> dict[PackName, Version] | None:
    try:
        found = resolve(universe.wanted, Shelf(universe.packs), **options)
    except Unresolvable:
        return None
    return {chosen.pack: chosen.version for chosen in found}


def impatiently(universe: Universe, patience: int) -> dict[PackName, Version] | None:
    """The answer of a search that soon follows the disputes."""
    answers = Answers(Shelf(universe.packs))
    grown = Grown(answers, universe.wanted, {}, effort=10**6, values=10**4, patience=patience)
    try:
        grown.solve()
    except Contradiction:
        return None
    return grown.chosen()


def needed(universe: Universe, chosen: Mapping[PackName, Version]) -> set[PackName]:
    """The packs that the user wants, and all that those need."""
    todo = [want.pack for want in universe.wanted]
    reached: set[PackName] = set()
    while todo:
        pack = todo.pop()
        if pack not in reached:
            reached.add(pack)
            todo += [need.pack for need in universe.packs[pack][chosen[pack]].requires]
    return reached


@given(universes)
@settings(max_examples=usually(50, thorough=150, nightly=400))
def test_an_answer_is_found_exactly_when_there_is_one(universe: Universe) -> None:
    found = answer(universe)
    if found is None:
        assert not list(solutions(universe))
    else:
        assert is_solution(universe, found)
        assert needed(universe, found) == set(found), "nothing is chosen that nobody needs"


@given(universes, st.integers(0, 2))
@settings(max_examples=usually(40, thorough=120, nightly=300))
def test_an_answer_is_found_as_well_when_patience_has_ended(universe: Universe, patience: int) -> None:
    found = impatiently(universe, patience)
    if found is None:
        assert not list(solutions(universe))
    else:
        assert is_solution(universe, found)
        assert needed(universe, found) == set(found)


@given(universes)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_the_packs_the_user_names_get_the_best_releases_that_any_solution_has(universe: Universe) -> None:
    found = answer(universe)
    if found is not None:
        named = sorted({want.pack for want in universe.wanted})
        best = max([solution[pack] for pack in named] for solution in solutions(universe))
        assert [found[pack] for pack in named] == best


@given(universes)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_when_the_newest_of_everything_fits_it_is_chosen(universe: Universe) -> None:
    newest = {name: max(releases) for name, releases in universe.packs.items()}
    if is_solution(universe, newest):
        found = answer(universe)
        assert found is not None
        assert found == {pack: newest[pack] for pack in found}


@given(universes)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_a_locked_answer_stays_as_it_is(universe: Universe) -> None:
    for solution in itertools.islice(solutions(universe), 5):
        locked = {pack: solution[pack] for pack in needed(universe, solution)}
        assert answer(universe, preferred=locked) == locked


@given(universes, st.randoms(use_true_random=False))
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_no_order_shows_in_the_answer_or_in_the_error(universe: Universe, random: Any) -> None:
    def shuffled(items: Iterable[Any]) -> list[Any]:
        listed = list(items)
        random.shuffle(listed)
        return listed

    packs = {pack: dict(shuffled(universe.packs[pack].items())) for pack in shuffled(universe.packs)}
    other = Universe(packs, tuple(shuffled(universe.wanted)))
    assert told(universe) == told(other)


def told(universe: Universe) -> object:
    try:
        return resolve(universe.wanted, Shelf(universe.packs))
    except Unresolvable as error:
        return error.message, error.details, error.hint


@given(universes)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_who_wants_what_is_told_in_full(universe: Universe) -> None:
    found = answer(universe)
    if found is None:
        return
    for chosen in resolve(universe.wanted, Shelf(universe.packs)):
        asking = {USER: universe.wanted} | {
            f"{pack} {version}": universe.packs[pack][version].requires for pack, version in found.items()
        }
        said = {who: [need for need in needs if need.pack == chosen.pack] for who, needs in asking.items()}
        others = {who for who, needs in said.items() if needs and who != f"{chosen.pack} {chosen.version}"}
        assert chosen.wanted_by == tuple(sorted(others))
        variants = {variant for needs in said.values() for need in needs for variant in need.variants}
        assert chosen.variants == tuple(sorted(variants))


class Provider(AbstractProvider[Requirement, tuple[PackName, Version], PackName]):
    """The same universe for resolvelib."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe

    def identify(self, requirement_or_candidate: Requirement | tuple[PackName, Version]) -> PackName:
        if isinstance(requirement_or_candidate, Requirement):
            return requirement_or_candidate.pack
        return requirement_or_candidate[0]

    def get_preference(self, identifier: PackName, *args: Any, **keywords: Any) -> str:
        return identifier

    def find_matches(
        self, identifier: PackName, requirements: Mapping[PackName, Iterator[Requirement]], incompatibilities: Any
    ) -> list[tuple[PackName, Version]]:
        asked = list(requirements[identifier])
        bad = {version for _, version in incompatibilities[identifier]}
        releases = sorted(self.universe.packs.get(identifier, ()), reverse=True)
        return [
            (identifier, version)
            for version in releases
            if version not in bad and all(fits(self.universe, need, version) for need in asked)
        ]

    def is_satisfied_by(self, requirement: Requirement, candidate: tuple[PackName, Version]) -> bool:
        return fits(self.universe, requirement, candidate[1])

    def get_dependencies(self, candidate: tuple[PackName, Version]) -> Iterable[Requirement]:
        return self.universe.packs[candidate[0]][candidate[1]].requires


@given(universes)
@settings(max_examples=usually(50, thorough=100, nightly=200))
def test_resolvelib_agrees_on_what_can_be_resolved(universe: Universe) -> None:
    resolver: Resolver[Requirement, tuple[PackName, Version], PackName] = Resolver(Provider(universe), BaseReporter())
    try:
        theirs = resolver.resolve(universe.wanted, max_rounds=10_000)
    except ResolutionImpossible:
        assert answer(universe) is None
    else:
        assert answer(universe) is not None
        assert is_solution(universe, {pack: version for pack, (_, version) in theirs.mapping.items()})


numbers = st.integers(0, 4)
suffixes = st.sampled_from(["", "", "", "", "a1", "rc2", ".dev1", ".post1", "+local.1", "rc1.post2.dev3"])
versions = st.builds("{}{}.{}{}".format, st.sampled_from(["", "1!"]), numbers, numbers, suffixes)
longer = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
plain = st.one_of(versions.filter(lambda version: "+" not in version), longer)


def beginning(text: str) -> str:
    """What a version begins with: its epoch and a number or two."""
    version = Version(text)
    epoch = f"{version.epoch}!" if version.epoch else ""
    return epoch + ".".join(map(str, version.release[: 1 + version.release[-1] % 2]))


@st.composite
def ranges_and_versions(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A range, and releases of which it names some: else bounds hardly ever lie where releases are."""
    texts = draw(st.lists(st.one_of(versions, longer), min_size=1, max_size=12))
    near = st.sampled_from([text.partition("+")[0] for text in texts])
    parts = st.one_of(
        st.builds("{}{}".format, st.sampled_from(["==", "!=", ">=", "<=", ">", "<", "~="]), st.one_of(near, plain)),
        st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), near.map(beginning)),
        st.builds("==={}".format, st.sampled_from(texts)),
    )
    return ",".join(draw(st.lists(parts, min_size=1, max_size=3))), texts


@given(ranges_and_versions(), st.booleans())
@settings(max_examples=usually(60, thorough=200, nightly=500))
def test_masks_agree_with_packaging(laid: tuple[str, list[str]], prereleases: bool) -> None:
    range, texts = laid
    ordered = tuple(sorted({Version(text) for text in texts}))
    ranges = RangeCache()
    mask = ranges.table(ordered).mask(range, prereleases=prereleases)
    specifiers = SpecifierSet(range)
    named = prereleases or names_prerelease(range)
    for index, version in enumerate(ordered):
        expected = specifiers.contains(version, prereleases=True) and (named or not version.is_prerelease)
        assert bool(mask & (2 << index)) == expected, (range, str(version))
    assert not mask & 1
