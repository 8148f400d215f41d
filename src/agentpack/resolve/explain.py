"""Explain why there is no solution, in words a person can act on.

`core.py` finds the few conflicting statements. Here they are numbered, with a pack's needs on the line that requests
the pack. Only an argument by cases has intermediate conclusions.
"""

from collections.abc import Sequence

from agentpack.errors import Unresolvable
from agentpack.model.names import did_you_mean
from agentpack.model.requirement import Requirement
from agentpack.resolve.advice import suggest_change
from agentpack.resolve.core import Argument, Statement, argue
from agentpack.resolve.faults import ResolutionFault, offers, variant_fault, variants_known
from agentpack.resolve.ranges import UNSELECTED
from agentpack.resolve.search import Clause
from agentpack.resolve.universe import Answers, Universe
from agentpack.resolve.words import asked, existing, is_all, is_many, listed, quoted, releases, short, spans

USER = "agentpack.yaml"
"""How the user is named as a requirer."""
_LINES = 12
_LAST = 3


def unresolvable(answers: Answers, wants: Sequence[Requirement], universe: Universe, proof: Clause) -> Unresolvable:
    """The error that says why these requirements conflict, as a proof shows it, and what to change."""
    argument = argue(universe, proof)
    want, others = argument.statements[0], argument.statements[1:]
    if others and all(other.lacks and other.who == want.target for other in others):
        return variant_fault(answers, universe.nodes[want.target], want.said[0]).error()
    core = [statement.said[0] for statement in argument.statements if statement.who is None]
    packs = sorted({universe.nodes[statement.target].pack for statement in argument.statements})
    lines = _Derivation(answers, universe).lines(argument)
    hint = suggest_change(answers, wants, core, packs, considered=len(universe.nodes))
    return ResolutionFault(_title(universe, argument), tuple(lines), hint).error()


def gave_up(universe: Universe) -> Unresolvable:
    """The error for requirements that were neither satisfied nor refuted within the allowed effort."""
    packs = list(dict.fromkeys(short(universe.nodes[node].pack) for node in universe.search.disputed()))
    return Unresolvable(
        "gave up: the requirements of these packs are too complex to resolve",
        details=[f"most disputed: {quoted(sorted(packs))}"] if packs else [],
        hint="narrow the choice: ask for exact releases of the packs that matter most to you",
    )


def _title(universe: Universe, argument: Argument) -> str:
    wants = [asked(statement.said[0]) for statement in argument.statements if statement.who is None]
    if len(wants) > 1:
        over = _dispute(argument)
        lacking = [universe.nodes[other.virtual[0]].variant for other in argument.statements if other.lacks]
        where = f" over `{short(universe.nodes[over].pack)}`" if over is not None else ""
        if not where and lacking:
            where = f" over the variant `{short(lacking[0])}`"
        return f"{quoted(wants, most=4)} conflict{where}"
    for statement in argument.statements:
        if statement.who is None or (statement.allowed and not statement.lacks):
            continue
        who, target = universe.nodes[statement.who], universe.nodes[statement.target]
        if statement.lacks and is_all(target, statement.bits):
            variant = short(universe.nodes[statement.virtual[0]].variant)
            return f"`{wants[0]}` needs a variant that is missing: `{short(target.pack)}` has no `{variant}`"
        if not statement.lacks and not target.versions:
            return f"`{short(who.pack)}` needs `{short(target.pack)}`, and there is no pack of that name"
        if not statement.lacks:
            return f"`{short(who.pack)}` needs `{asked(statement.said[0])}`, and there is no such release"
    return f"`{wants[0]}` cannot be satisfied"


def _dispute(argument: Argument) -> int | None:
    """The node of the pack for which several statements leave no release; None if there is no such pack."""
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
        self._nodes = universe.nodes
        self._lines: list[str] = []
        self._number: dict[object, int] = {}

    def lines(self, argument: Argument) -> list[str]:
        """A line for each user requirement with what it needs, and a conclusion unless it is obvious."""
        conclusions = _conclusions(argument.proof)
        for clause in conclusions:
            self._facts([cause.fact for cause in clause.because if cause.fact is not None])
            if len(conclusions) > 1:
                numbers = {
                    self._number[cause.fact if cause.fact is not None else id(cause)] for cause in clause.because
                }
                self._say(f"so, by {listed(map(str, sorted(numbers)))}: {self._meaning(clause)}", id(clause))
        if len(conclusions) == 1 and len(self._lines) > 1:
            self._conclude(argument)
        gap = len(self._lines) - _LINES
        if gap <= 0:
            return self._lines
        return [*self._lines[: _LINES - _LAST - 1], f"… {gap + 1} more steps …", *self._lines[-_LAST:]]

    def _conclude(self, argument: Argument) -> None:
        over = _dispute(argument)
        if over is not None:
            node = self._nodes[over]
            self._say(f"so no release of {short(node.pack)} is left; {existing(node.versions)}")
        elif len(self._lines) > 2:
            self._say("and not all of that is possible at once")

    def _say(self, text: str, *keys: object) -> None:
        number = len(self._lines) + 1
        self._lines.append(f"{number}. {text}")
        for key in keys:
            self._number[key] = number

    def _facts(self, statements: Sequence[Statement]) -> None:
        """Write the remaining statements: user requirements with their needs, then the needs of other packs."""
        untold: dict[int | None, list[Statement]] = {}
        reached: list[int] = []
        for statement in dict.fromkeys(statements):
            if statement not in self._number:
                untold.setdefault(statement.who, []).append(statement)
        wants = untold.pop(None, [])
        for want in sorted(wants, key=lambda want: (self._nodes[want.target].pack, want.said[0].range)):
            told = untold.pop(want.target, []) if len(untold.get(want.target, ())) <= 2 else []
            needs = [self._need(statement, behind=True) for statement in told]
            if len(told) == 2 and told[0].bits == told[1].bits and not told[1].lacks:
                needs = [f"{needs[0]} and {self._object(told[1])}"]
            self._say(", and ".join([f"{USER} wants {asked(want.said[0])}", *needs]), want, *told)
            reached += [want.target, *(statement.target for statement in told)]
        while untold:
            named = [who for who in untold if who is not None]
            reached.append(min(named, key=lambda who: self._nodes[who].pack))  # one that no want leads to
            for who in reached:  # grows while it is walked
                for statement in untold.pop(who, []):
                    self._say(self._need(statement), statement)
                    reached.append(statement.target)
            reached.clear()

    def _need(self, statement: Statement, *, behind: bool = False) -> str:
        """What releases need or lack; `behind` is a mention of their pack without its name."""
        assert statement.who is not None
        who = self._nodes[statement.who]
        if not statement.lacks:
            verb = "need" if is_many(who, statement.bits) else "needs"
            return f"{releases(who, statement.bits, behind=behind)} {verb} {self._object(statement)}"
        variant = short(self._nodes[statement.virtual[0]].variant)
        if is_all(who, statement.bits):
            name = "it" if behind else short(who.pack)
            return f"no release of {name} has a variant `{variant}`{self._variants(statement)}"
        verb = "have" if is_many(who, statement.bits) else "has"
        return f"{releases(who, statement.bits, behind=behind)} {verb} no variant `{variant}`"

    def _object(self, statement: Statement) -> str:
        """What a statement needs, in words: a requirement, or a pack and its range."""
        target = self._nodes[statement.target]
        if len(statement.said) > 1:
            return f"{short(target.pack)} {spans(target, statement.allowed)}"
        return asked(statement.said[0]) + self._why_none(statement, statement.said[0])

    def _variants(self, lack: Statement) -> str:
        node = self._nodes[lack.target]
        return f" ({variants_known(set().union(*offers(self._answers, node).values()))})"

    def _why_none(self, statement: Statement, requirement: Requirement) -> str:
        target = self._nodes[statement.target]
        if statement.allowed:
            return ""
        if not target.versions:
            near = did_you_mean(target.pack, self._answers.known())
            return f", and there is no pack of that name{f' ({near})' if near else ''}"
        ranges = self._answers.ranges
        close = [v for v in target.versions if v.is_prerelease and ranges.leads_to(requirement.range, v)]
        if close:
            return f", and only a pre-release is that: {short(str(close[-1]))}"
        return f"; {existing(target.versions)}"

    def _meaning(self, clause: Clause) -> str:
        """What a conclusion says: which releases conflict, or what they need."""
        full = self._universe.search.full
        chosen: list[str] = []
        needed: list[str] = []
        for index, mask in clause.terms:
            node = self._nodes[index]
            if node.variant:
                (needed if mask & UNSELECTED else chosen).append(f"{short(node.pack)}[{short(node.variant)}]")
            elif mask & UNSELECTED:
                needed.append(f"{short(node.pack)} {spans(node, full[index] & ~mask)}")
            else:
                chosen.append(short(node.pack) if is_all(node, mask) else releases(node, mask))
        if needed:
            verb = "needs" if len(chosen) < 2 else "together need"
            return f"{listed(chosen) or USER} {verb} {listed(needed, last='or')}"
        if not chosen:
            return "not all requirements can be satisfied together"
        return f"{chosen[0]} is not possible" if len(chosen) == 1 else f"{listed(chosen)} do not go together"


def _conclusions(proof: Clause) -> list[Clause]:
    """The derived clauses, each after those it rests on; the proof itself is last."""
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
