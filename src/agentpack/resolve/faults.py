"""Faults in a single requirement of the user: its name, its range, its variants."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from packaging.version import Version

from agentpack.errors import AgentpackError, Unresolvable
from agentpack.model.names import did_you_mean
from agentpack.model.requirement import Requirement
from agentpack.resolve.universe import Answers, Node, bits_of
from agentpack.resolve.words import asked, existing, listed, newest, quoted, retired, short, spans

_MOST = 12
_RELEASES = 50
"""How many releases, newest first, are searched for existing variants."""


class ResolutionFault(NamedTuple):
    """Why no set of releases satisfies what was asked for: the parts of the `Unresolvable` that says so."""

    message: str
    details: tuple[str, ...]
    hint: str | None

    def error(self) -> Unresolvable:
        return Unresolvable(self.message, details=self.details, hint=self.hint)


def check_each(answers: Answers, wants: Sequence[Requirement]) -> None:
    """Check each requested pack on its own, before any release is considered.

    Raises:
        Unresolvable: a pack is unknown, requested from two places, or has no release in the range; lists all.
    """
    by_pack: dict[str, list[Requirement]] = {}
    for want in wants:
        by_pack.setdefault(want.pack, []).append(want)
    faults = [fault for group in by_pack.values() if (fault := _fault(answers, group))]
    if len(faults) > 1:
        raise _together(faults).error()
    if faults:
        raise faults[0].error()


def _together(faults: Sequence[ResolutionFault]) -> ResolutionFault:
    details = [": ".join((fault.message, *fault.details[:1])) for fault in faults[:_MOST]]
    if len(faults) > _MOST:
        details.append(f"… and {len(faults) - _MOST} more")
    hints = list(dict.fromkeys(fault.hint for fault in faults if fault.hint))
    return ResolutionFault(
        f"{len(faults)} requested packs cannot be found as requested", tuple(details), "; ".join(hints[:3]) or None
    )


def _fault(answers: Answers, wants: Sequence[Requirement]) -> ResolutionFault | None:
    pack = wants[0].pack
    places = sorted({want.url for want in wants if want.url})
    if len(places) > 1:
        details = tuple(map(short, places[:_MOST]))
        return ResolutionFault(f"`{short(pack)}` is wanted from {len(places)} places", details, "name only one place")
    versions, table = answers.listing(pack)
    if not versions:
        near = did_you_mean(pack, answers.known()) or "`agentpack search` lists all packs"
        return ResolutionFault(f"there is no pack named `{short(pack)}`", (), near)
    with_prereleases = any(answers.ranges.names_prerelease(want.range) for want in wants)
    allowed = table.everything
    for want in wants:
        allowed &= table.mask(want.range, prereleases=with_prereleases)
    return None if allowed else _no_release(answers, wants, versions)


def _no_release(answers: Answers, wants: Sequence[Requirement], versions: Sequence[Version]) -> ResolutionFault:
    name = short(wants[0].pack)
    ranges = [short(want.range) for want in wants if want.range]
    close = [
        version
        for version in versions
        if version.is_prerelease and all(answers.ranges.leads_to(want.range, version) for want in wants)
    ]
    if close:
        message = (
            f"only pre-releases of `{name}` match {quoted(ranges)}" if ranges else f"`{name}` has pre-releases only"
        )
        hint = f"ask for one by naming it: `{name}>={close[-1]}`"
        return ResolutionFault(message, (f"pre-releases: {newest(close)}",), hint)
    best = next((version for version in reversed(versions) if not version.is_prerelease), versions[-1])
    change = "widen the range so that it allows" if len(ranges) == 1 else "change the ranges so that they allow"
    is_exact = len(ranges) == 1 and ranges[0].startswith("==")
    hint = f"ask for one that exists: `{name}=={best}`" if is_exact else f"{change} {best}"
    return ResolutionFault(f"no release of `{name}` matches {quoted(ranges)}", (existing(versions),), hint)


def variant_fault(answers: Answers, node: Node, want: Requirement) -> ResolutionFault:
    """The fault if no release in the requested range has all requested variants."""
    name, asked_for = short(node.pack), quoted(map(short, want.variants))
    offered = offers(answers, node)
    known = sorted(set().union(*offered.values()))
    last = max(bits_of(node.table.mask(want.range, prereleases=True)), default=0)
    instead = ""
    with suppress(AgentpackError):  # as in `offers`
        instead = "; ".join(retired(want.variants, answers.retired(node.pack, node.version(last)))) if last else ""
    unknown = [variant for variant in want.variants if variant not in known]
    if unknown:
        word = "variant" if len(unknown) == 1 else "variants"
        message = f"`{name}` has no {word} {quoted(map(short, unknown))}"
        return ResolutionFault(message, (variants_known(known),), instead or did_you_mean(unknown[0], known))
    having = sum(bit for bit, variants in offered.items() if variants.issuperset(want.variants))
    if having:
        version = node.version(1 << (having.bit_length() - 1))
        other = asked(Requirement(pack=want.pack, variants=want.variants, range=f"=={version}"))
        word = "variant" if len(want.variants) == 1 else "variants"
        message = f"no release of `{name}` in `{short(want.range)}` has the {word} {asked_for}"
        hint = instead or f"ask for a release that has it: `{other}`"
        return ResolutionFault(message, (f"found in: {spans(node, having)}",), hint)
    each = (
        f"`{short(variant)}` is in {spans(node, sum(bit for bit, variants in offered.items() if variant in variants))}"
        for variant in want.variants[:_MOST]
    )
    return ResolutionFault(f"no release of `{name}` has {asked_for} at once", tuple(each), "ask for only one of them")


def offers(answers: Answers, node: Node) -> dict[int, frozenset[str]]:
    """The variants of the newest releases, by the release's bit; unreadable releases are left out."""
    found: dict[int, frozenset[str]] = {}
    for bit in list(bits_of(node.table.everything))[-_RELEASES:]:
        with suppress(AgentpackError):  # only to say more; the error told is about something else
            found[bit] = answers.variants(node.pack, node.version(bit))
    return found


def variants_known(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"its variants: {listed(map(short, names), most=20)}" if names else "it has no variants"
