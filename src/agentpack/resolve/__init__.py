"""Resolve requirements to one release for each needed pack.

`resolve` is pure: the same requirements and answers give the same releases, or the same error, in whatever order they
come. Where a release comes from (the address in a requirement) is up to whoever answers the questions. Why this is our
own search and not a library: `docs/decisions/0002-own-resolver.md`. How users read its results:
`docs/explanation/resolving.md`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from packaging.version import Version

from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve.explain import USER, gave_up, unresolvable
from agentpack.resolve.faults import check_each
from agentpack.resolve.search import Contradiction, Exhausted
from agentpack.resolve.universe import Answers, Questions, Universe

__all__ = ["USER", "Chosen", "Questions", "resolve"]

_NONE: Mapping[PackName, Version] = MappingProxyType({})
_EFFORT = 20_000_000
"""Clauses that may be visited: a few seconds. 10,000 packs with 20 releases take about 1,000,000."""
_VALUES = 2_000_000


class Chosen(NamedTuple):
    """One chosen release. `variants` are all that anybody requests; `wanted_by` is sorted."""

    pack: PackName
    version: Version
    variants: tuple[str, ...]
    wanted_by: tuple[str, ...]
    """`agentpack.yaml` for the user, else a pack and its release: `data-reviewer 1.2.0`."""


def resolve(
    wanted: Sequence[Requirement], questions: Questions, *, preferred: Mapping[PackName, Version] = _NONE
) -> tuple[Chosen, ...]:
    """One release for each pack that is requested or required, sorted by pack.

    Newest first: of the packs the user names, in alphabetical order, each gets the newest release compatible with those
    before it.

    Args:
        preferred: locked releases to keep where they still fit; `name@latest` ignores them.

    Raises:
        Unresolvable: no choice satisfies the requirements; the details derive why, the hint suggests a change.
    """
    wants = list(dict.fromkeys(sorted(wanted, key=_order)))
    answers = Answers(questions)
    check_each(answers, wants)
    universe = Universe(answers, wants, preferred, effort=_EFFORT, values=_VALUES)
    try:
        universe.solve()
    except Contradiction as contradiction:
        error = unresolvable(answers, wants, universe, contradiction.proof)
    except Exhausted:
        error = gave_up(universe)
    else:
        return _listed(answers, wants, universe.chosen())
    raise error


def _order(want: Requirement) -> tuple[str, tuple[str, ...], str, str, bool]:
    """Of two that differ in `@latest` only, the one that has it comes first and is kept."""
    return want.pack, want.variants, want.range, want.url or "", not want.newest


def _listed(answers: Answers, wants: Sequence[Requirement], chosen: Mapping[PackName, Version]) -> tuple[Chosen, ...]:
    """The answer, with who requests what."""
    variants: dict[PackName, set[str]] = {pack: set() for pack in chosen}
    wanted_by: dict[PackName, set[str]] = {pack: set() for pack in chosen}
    for want in wants:
        variants[want.pack].update(want.variants)
        wanted_by[want.pack].add(USER)
    for pack, version in chosen.items():
        for requirement in answers.requires(pack, version):
            variants[requirement.pack].update(requirement.variants)
            if requirement.pack != pack:
                wanted_by[requirement.pack].add(f"{pack} {version}")
    return tuple(
        Chosen(
            pack=pack,
            version=chosen[pack],
            variants=tuple(sorted(variants[pack])),
            wanted_by=tuple(sorted(wanted_by[pack])),
        )
        for pack in sorted(chosen)
    )
