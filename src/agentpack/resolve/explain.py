"""Why there is no solution, in words a person can act on.

A requirement of the user's that nothing can meet is told before the search. For the rest, `core.py` finds the few statements that are at
odds; here they are numbered, with what each pack needs behind the line that asks for the pack. Only when the argument goes by cases do
lines that draw a conclusion stand in between.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentpack.errors import Unresolvable
from agentpack.model.names import did_you_mean
from agentpack.model.requirement import Requirement
from agentpack.resolve.advice import way_out
from agentpack.resolve.core import Argument, Statement, argue
from agentpack.resolve.ranges import UNSELECTED
from agentpack.resolve.search import Clause
from agentpack.resolve.universe import Answers, Universe, bits_of
from agentpack.resolve.words import are_many, asked, listed, newest, quoted, releases, short, spans

USER = "agentpack.yaml"
"""Who wants what the user wants."""
_LINES = 12
_VARIANTS_OF = 50


class _Fault(NamedTuple):
    message: str
    details: tuple[str, ...]
    hint: str | None


def impossible_wants(answers: Answers, wants: Sequence[Requirement]) -> None:
    """Look at each pack the user names on its own.

    Raises:
        Unresolvable: a pack is unknown, is wanted from two places, or has no release in the range.
    """
    by_pack: dict[str, list[Requirement]] = {}
    for want in wants:
        by_pack.setdefault(want.pack, []).append(want)
    faults = [fault for group in by_pack.values() if (fault := _impossible(answers, group))]
    if len(faults) == 1:
        raise Unresolvable(faults[0].message, details=faults[0].details, hint=faults[0].hint)
    if faults:
        details = (listed((fault.message, *fault.details), last="-").replace(" - ", "; ") for fault in faults[:_LINES])
        hints = dict.fromkeys(fault.hint for fault in faults if fault.hint)
        raise Unresolvable(
            f"{len(faults)} of the packs wanted cannot be resolved",
            details=details,
            hint="; ".join(list(hints)[:3]) or None,
        )


def _impossible(answers: Answers, wants: Sequence[Requirement]) -> _Fault | None:
    pack = wants[0].pack
    places = sorted({want.url for want in wants if want.url})
    if len(places) > 1:
        return _Fault(
            f"`{short(pack)}` is wanted from {len(places)} places",
            tuple(short(place) for place in places),
            "keep the requirement with the place you mean",
        )
    versions, table = answers.listing(pack)
    if not versions:
        return _Fault(f"there is no pack named `{short(pack)}`", (), did_you_mean(pack, answers.known()))
    with_prereleases = any(answers.ranges.names_prerelease(want.range) for want in wants)
    allowed, numeric = table.everything, table.everything
    for want in wants:
        allowed &= table.mask(want.range, prereleases=with_prereleases)
        numeric &= table.mask(want.range, prereleases=True)
    if allowed:
        return None
    ranges = [short(want.range) for want in wants if want.range]
    if numeric:
        one = versions[numeric.bit_length() - 2]
        message = (
            f"only pre-releases of `{short(pack)}` match {quoted(ranges)}"
            if ranges
            else f"`{short(pack)}` has pre-releases only"
        )
        fitting = [versions[bit.bit_length() - 2] for bit in bits_of(numeric)]
        return _Fault(
            message, (f"pre-releases: {newest(fitting)}",), f"ask for one by naming it: `{short(pack)}>={one}`"
        )
    last = next((version for version in reversed(versions) if not version.is_prerelease), versions[-1])
    return _Fault(
        f"no release of `{short(pack)}` matches {quoted(ranges)}",
        (f"there are: {newest(versions)}",),
        f"widen the range so that it allows a release there is, such as {last}",
    )


def unresolvable(answers: Answers, wants: Sequence[Requirement], universe: Universe, proof: Clause) -> Unresolvable:
    """The error for requirements that a proof shows to be at odds."""
    argument = argue(universe, proof)
    fault = _variant_fault(answers, universe, argument)
    if fault is None:
        core = [statement.said[0] for statement in argument.statements if statement.who is None]
        packs = sorted({universe.nodes[statement.target].pack for statement in argument.statements})
        hint = way_out(answers, wants, core, packs)
        fault = _Fault(_title(universe, argument), tuple(_Derivation(answers, universe).lines(argument)), hint)
    return Unresolvable(fault.message, details=fault.details, hint=fault.hint)


def gave_up(universe: Universe, nodes: Iterable[int]) -> Unresolvable:
    """The error for requirements that are neither met nor refuted with the effort allowed."""
    packs = sorted({short(universe.nodes[node].pack) for node in nodes})
    return Unresolvable(
        "gave up: the requirements of these packs are too entangled to be settled",
        details=[f"the last dispute was about {quoted(packs)}"],
        hint=f"narrow the choice, for example by pinning a release: `{packs[0]}==…`",
    )


def _variant_fault(answers: Answers, universe: Universe, argument: Argument) -> _Fault | None:
    """When all that is wrong is a variant of a pack that the user asks for."""
    want = argument.statements[0]
    if not argument.statements[1:] or not all(
        other.lacks and other.who == want.target for other in argument.statements[1:]
    ):
        return None
    node = universe.nodes[want.target]
    requirement = want.said[0]
    offered = {
        bit: answers.variants(node.pack, node.version(bit))
        for bit in list(bits_of(node.table.everything))[-_VARIANTS_OF:]
    }
    known = sorted(set().union(*offered.values()))
    name = short(node.pack)
    unknown = [variant for variant in requirement.variants if variant not in known]
    if unknown:
        having = f"its variants: {listed(map(short, known), most=20)}" if known else "it has no variants"
        word = "variant" if len(unknown) == 1 else "variants"
        return _Fault(
            f"`{name}` has no {word} {quoted(map(short, unknown))}", (having,), did_you_mean(unknown[0], known)
        )
    both = sum(bit for bit, variants in offered.items() if variants.issuperset(requirement.variants))
    few = (
        f"the variant {quoted(map(short, requirement.variants))}"
        if len(requirement.variants) == 1
        else f"all of {quoted(map(short, requirement.variants))}"
    )
    message = (
        f"no release of `{name}`{f' in `{short(requirement.range)}`' if requirement.range and both else ''} has {few}"
    )
    if both:
        version = node.version(1 << (both.bit_length() - 1))
        wider = asked(Requirement(pack=node.pack, variants=requirement.variants, range=f"=={version}"))
        return _Fault(
            message,
            (f"{name} {spans(node, both)} {'have' if both.bit_count() > 1 else 'has'} it",),
            f"ask for one that has it: `{wider}`",
        )
    lines = []
    for variant in requirement.variants:
        bits = sum(bit for bit, variants in offered.items() if variant in variants)
        lines.append(f"`{short(variant)}`: {spans(node, bits)}")
    return _Fault(message, tuple(lines), "ask for one of them only")


def _title(universe: Universe, argument: Argument) -> str:
    wants = [asked(statement.said[0]) for statement in argument.statements if statement.who is None]
    if len(wants) > 1:
        over = _dispute(argument)
        return f"{listed((f'`{want}`' for want in wants), most=4)} are at odds" + (
            f" over `{short(universe.nodes[over].pack)}`" if over is not None else ""
        )
    for statement in argument.statements:
        target = universe.nodes[statement.target]
        if statement.who is not None and not statement.lacks and not target.versions:
            who = short(universe.nodes[statement.who].pack)
            return f"`{who}` needs `{short(target.pack)}`, and there is no pack of that name"
    return f"`{wants[0]}` cannot be satisfied"


def _dispute(argument: Argument) -> int | None:
    """The pack for which the statements leave no release, if they leave none for one."""
    for target in dict.fromkeys(statement.target for statement in argument.statements):
        about = [statement for statement in argument.statements if statement.target == target and not statement.lacks]
        left = -1
        for statement in about:
            left &= statement.allowed
        if len(about) > 1 and not left:
            return target
    return None


class _Derivation:
    """Writes an argument as numbered lines."""

    def __init__(self, answers: Answers, universe: Universe) -> None:
        self._answers = answers
        self._universe = universe
        self._lines: list[str] = []
        self._number: dict[object, int] = {}

    def lines(self, argument: Argument) -> list[str]:
        """A line for each thing the user wants, with what that needs, and a conclusion unless it is plain."""
        proof = argument.proof
        conclusions = _conclusions(proof)
        for clause in conclusions:
            self._facts([cause.fact for cause in clause.because if cause.fact is not None])
            if len(conclusions) > 1:
                numbers = sorted(
                    {self._number[cause.fact if cause.fact is not None else id(cause)] for cause in clause.because}
                )
                by = listed(map(str, numbers))
                self._say(f"so, by {by}, {self._meaning(clause)}", id(clause))
        if len(conclusions) == 1 and len(self._lines) > 1:
            over = _dispute(argument)
            if over is not None:
                node = self._universe.nodes[over]
                self._say(f"so no release of {short(node.pack)} is left; there are {newest(node.versions)}")
            elif len(self._lines) > 2:
                self._say("and not all of that is possible at once")
        lines = self._lines
        if len(lines) > _LINES:
            gap = len(lines) - _LINES + 1
            lines = [*lines[: _LINES - 4], f"… {gap} more steps …", *lines[-3:]]
        return lines

    def _say(self, text: str, *keys: object) -> None:
        number = len(self._lines) + 1
        self._lines.append(f"{number}. {text}")
        for key in keys:
            self._number[key] = number

    def _facts(self, statements: Sequence[Statement]) -> None:
        """The statements not told yet: from what the user wants to what that needs, and so on."""
        open_: dict[int | None, list[Statement]] = {}
        for statement in sorted(set(statements), key=statements.index):
            if statement not in self._number:
                open_.setdefault(statement.who, []).append(statement)
        names = self._universe.nodes
        todo = sorted(open_.pop(None, []), key=lambda want: (names[want.target].pack, want.said[0].range))
        for want in todo:
            about = open_.pop(want.target, [])
            first, rest = (about, []) if len(about) <= 2 else ([], about)
            told = "; ".join([f"{USER} wants {asked(want.said[0])}", *map(self._need, first)])
            self._say(told, want, *first)
            if rest:
                open_[want.target] = rest
        for who in sorted(open_, key=lambda who: names[who].pack if who is not None else ""):
            for statement in open_[who]:
                self._say(self._need(statement), statement)

    def _need(self, statement: Statement) -> str:
        nodes = self._universe.nodes
        assert statement.who is not None
        who, target = nodes[statement.who], nodes[statement.target]
        many = are_many(who, statement.bits)
        subject = releases(who, statement.bits)
        if statement.lacks:
            variant = short(nodes[statement.virtual[0]].variant)
            return f"{subject} {'have' if many else 'has'} no variant `{variant}`"
        verb = "need" if many else "needs"
        if len(statement.said) > 1:
            return f"{subject} {verb} {short(target.pack)} {spans(target, statement.allowed)}"
        requirement = statement.said[0]
        return f"{subject} {verb} {asked(requirement)}{self._why_none(statement, requirement)}"

    def _why_none(self, statement: Statement, requirement: Requirement) -> str:
        target = self._universe.nodes[statement.target]
        if statement.allowed:
            return ""
        if not target.versions:
            near = did_you_mean(target.pack, self._answers.known())
            return f", and there is no pack of that name{f' ({near})' if near else ''}"
        numeric = target.table.mask(requirement.range, prereleases=True)
        if numeric:
            return f", which only a pre-release is: {spans(target, numeric)}"
        return f", and there is none; there are {newest(target.versions)}"

    def _meaning(self, clause: Clause) -> str:
        """What a conclusion forbids, said the way round that reads best."""
        nodes, full = self._universe.nodes, self._universe.search.full
        chosen, needed = [], []
        for index, mask in clause.terms:
            node = nodes[index]
            if node.variant:
                (needed if mask & UNSELECTED else chosen).append(f"{short(node.pack)}[{short(node.variant)}]")
            elif mask & UNSELECTED:
                needed.append(f"{short(node.pack)} {spans(node, full[index] & ~mask)}")
            else:
                chosen.append(releases(node, mask))
        if not chosen and not needed:
            return "nothing satisfies all that is wanted"
        if not needed:
            return f"{chosen[0]} cannot be chosen" if len(chosen) == 1 else f"there is no choice with {listed(chosen)}"
        behind = f" with {listed(chosen)}" if chosen else ""
        return f"the choice{behind} must have {listed(needed, last='or')}"


def _conclusions(proof: Clause) -> list[Clause]:
    """The clauses that were derived, each behind those it rests on; the proof itself is the last."""
    done: set[int] = set()
    order: list[Clause] = []
    todo = [proof]
    while todo:
        clause = todo[-1]
        waiting = [cause for cause in clause.because if cause.because and id(cause) not in done]
        if waiting and id(clause) not in done:
            todo += reversed(waiting)
            continue
        todo.pop()
        if id(clause) not in done:
            done.add(id(clause))
            order.append(clause)
    return order
