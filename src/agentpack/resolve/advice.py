"""Suggest what the user could request instead. Every suggestion is tried before it is offered.

Trials share a small effort budget, so that an error never takes much longer than an answer; once it is spent, fewer
suggestions are made.
"""

from collections.abc import Collection, Sequence

from packaging.version import Version

from agentpack.errors import AgentpackError
from agentpack.model.names import PackName
from agentpack.model.requirement import Requirement
from agentpack.resolve.search import Contradiction, Exhausted
from agentpack.resolve.universe import Answers, Universe
from agentpack.resolve.words import asked, quoted, short

_EFFORT = 1_000_000
_VALUES = 1_000
_OFFERS = 2
_TRIALS = 6


def suggest_change(
    answers: Answers,
    wants: Sequence[Requirement],
    core: Sequence[Requirement],
    packs: Sequence[PackName],
    *,
    considered: int,
) -> str:
    """A suggestion what the user could change.

    Args:
        core: the conflicting ones among `wants`.
        packs: all packs in the conflict.
        considered: how many packs the search looked at.
    """
    trials = _Trials(answers, considered)
    offers = _widened(trials, wants, core)
    if not offers:
        offers = _prereleases(trials, answers, wants, packs)
    if not offers and len(core) > 1:
        offers = _dropped(trials, wants, core)
    if offers:
        return ", or ".join(offers)
    if len(core) > 1:
        return f"change or drop one of {quoted(map(asked, core), last='or')}"
    return f"no release of `{short(core[0].pack)}` can be used: tell its authors, or remove it"


class _Trials:
    """Tries requirements until the effort is spent."""

    def __init__(self, answers: Answers, considered: int) -> None:
        self._answers = answers
        self._effort = _EFFORT
        self._values = _VALUES if considered <= _VALUES // 2 else 0  # else none would come to an end

    def chosen(
        self, wants: Sequence[Requirement], prereleases: Collection[PackName] = ()
    ) -> dict[PackName, Version] | None:
        """The releases that satisfy them; None if none do or the effort is spent."""
        if self._values <= 0 or self._effort <= 0:
            return None
        universe = Universe(self._answers, wants, {}, effort=self._effort, values=self._values, prereleases=prereleases)
        try:
            universe.solve()
        except (Contradiction, Exhausted):
            return None
        except AgentpackError:  # a source failed; the dispute is certain all the same
            return None
        finally:
            self._effort, self._values = universe.search.effort_left, universe.search.values_left
        return universe.chosen()


def _widened(trials: _Trials, wants: Sequence[Requirement], core: Sequence[Requirement]) -> list[str]:
    offers = []
    for want in [want for want in core if want.range][:_TRIALS]:
        wider = Requirement(pack=want.pack, variants=want.variants, url=want.url)
        chosen = trials.chosen([wider if other == want else other for other in wants])
        if chosen is not None:
            offers.append(f"widen `{asked(want)}` so that it allows {chosen[want.pack]}")
    return offers[:_OFFERS]


def _prereleases(
    trials: _Trials, answers: Answers, wants: Sequence[Requirement], packs: Sequence[PackName]
) -> list[str]:
    for pack in [pack for pack in packs if answers.listing(pack).table.prereleases][:_TRIALS]:
        chosen = (trials.chosen(wants, [pack]) or {}).get(pack)
        if chosen is not None:
            return [f"ask for the pre-release that fits: `{pack}>={chosen}`"]
    return []


def _dropped(trials: _Trials, wants: Sequence[Requirement], core: Sequence[Requirement]) -> list[str]:
    offers = []
    for want in core[:_TRIALS]:
        rest = [other for other in wants if other != want]
        if rest and trials.chosen(rest) is not None:
            offers.append(f"remove `{asked(want)}`")
    return offers[:_OFFERS]
