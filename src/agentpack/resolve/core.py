"""Reduce a proof to the few statements that contradict each other.

A proof uses a fact for each release that was looked at. Here releases with the same need become one statement,
statements that are not needed for the contradiction are dropped, and needs that differ from release to release are
joined if their union is still contradictory. All effort is bounded: for a large proof the result may be longer than
necessary.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentpack.model.requirement import Requirement
from agentpack.resolve.ranges import UNSELECTED
from agentpack.resolve.search import Clause, Contradiction, Exhausted, Search
from agentpack.resolve.universe import Lack, Need, Universe, Want, forbid

_ROUNDS = 4
_MANY = 200
_TRIALS = 150
_EFFORT = 2_000_000
"""Clauses that may be visited, for all proofs together."""


class Statement(NamedTuple):
    """Releases `bits` of node `who` need a release of `target` among `allowed`, and its variants `virtual`.

    `who` is None for the user's requirements. With `lacks`, `who` and `target` are the same: its releases `bits` do not
    offer the variants. `said` are the requirements behind it, the newest release's first; several if joined.
    """

    who: int | None
    bits: int
    target: int
    allowed: int
    virtual: tuple[int, ...]
    said: tuple[Requirement, ...]
    lacks: bool = False


class Argument(NamedTuple):
    """Statements that contradict each other, and the proof; the facts of its clauses are the statements."""

    statements: tuple[Statement, ...]
    proof: Clause


def argue(universe: Universe, proof: Clause) -> Argument:
    """The shortest argument found for a proof."""
    statements = tuple(_gather(universe, proof))
    refutation = _Refutation(universe)
    found = refutation.of(statements)
    if found is None:
        facts = (Clause((), fact=statement) for statement in statements)
        return Argument(statements, Clause((), because=tuple(facts)))
    for _ in range(_ROUNDS):  # each proof may rest on fewer statements than the one before
        if len(found.statements) == len(statements):
            break
        statements = found.statements
        found = refutation.of(statements) or found
    if len(found.statements) > _MANY:
        found = _join(refutation, found)
    found = _reduce(refutation, found)
    joined = _join(refutation, found)
    return _reduce(refutation, joined) if joined is not found else found


def leaves(proof: Clause) -> list[Clause]:
    """The clauses a proof rests on, without duplicates, in the order met."""
    seen = {id(proof)}
    todo, found = [proof], []
    while todo:
        clause = todo.pop()
        if not clause.because:
            found.append(clause)
        for cause in reversed(clause.because):
            if id(cause) not in seen:
                seen.add(id(cause))
                todo.append(cause)
    return found


def _gather(universe: Universe, proof: Clause) -> list[Statement]:
    """The facts under a proof; equal facts of one node become one statement."""
    needs: dict[tuple[int | None, int, int, tuple[int, ...]], dict[Requirement, int]] = {}
    lacks: dict[tuple[int, int], int] = {}
    for clause in leaves(proof):
        fact = clause.fact
        if isinstance(fact, Lack):
            key = (fact.node, fact.virtual)
            lacks[key] = lacks.get(key, 0) | fact.bits
            continue
        assert isinstance(fact, Want | Need)
        requirement = fact.requirement
        who, bits = (fact.node, fact.bits) if isinstance(fact, Need) else (None, 0)
        target = universe.pack(requirement.pack)
        virtual = tuple(universe.virtual(target, variant)[0] for variant in requirement.variants)
        said = needs.setdefault((who, target, universe.allowed(requirement), virtual), {})
        said[requirement] = said.get(requirement, 0) | bits
    statements = [
        Statement(who, _union(said.values()), target, allowed, virtual, _newest_first(said)[:1])
        for (who, target, allowed, virtual), said in needs.items()
    ]
    statements += [Statement(node, bits, node, 0, (virtual,), (), True) for (node, virtual), bits in lacks.items()]
    return _sorted(universe, statements)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _newest_first(said: dict[Requirement, int]) -> tuple[Requirement, ...]:
    return tuple(sorted(said, key=lambda requirement: (-said[requirement], str(requirement))))


def _sorted(universe: Universe, statements: Iterable[Statement]) -> list[Statement]:
    """An order that depends on names only, with the user's requirements first."""
    nodes = universe.nodes

    def key(statement: Statement) -> tuple[str, bool, str, tuple[str, ...], int, int]:
        who = "" if statement.who is None else nodes[statement.who].pack
        variants = tuple(nodes[virtual].variant for virtual in statement.virtual)
        return who, statement.lacks, nodes[statement.target].pack, variants, -statement.bits, statement.allowed

    return sorted(statements, key=key)


class _Refutation:
    """Repeatedly proves that statements contradict each other, with one effort budget for all proofs."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.effort_left = _EFFORT

    def of(self, statements: Sequence[Statement]) -> Argument | None:
        """The proof that the statements contradict each other; None if they do not, or the effort is spent."""
        search = Search(lambda node, bits: (), effort=self.effort_left - 20 * len(statements), values=_EFFORT)
        index_of: dict[int, int] = {}
        try:
            search.run(self._clauses(statements, search, index_of))
        except Contradiction as contradiction:
            proof = _in_universe(contradiction.proof, index_of)
            used = {clause.fact for clause in leaves(proof)}
            return Argument(tuple(statement for statement in statements if statement in used), proof)
        except Exhausted:
            pass
        finally:
            self.effort_left = max(0, search.effort_left)
        return None

    def _clauses(self, statements: Iterable[Statement], search: Search, index_of: dict[int, int]) -> list[Clause]:
        """Clauses for the statements, over nodes of the search's own; `index_of` maps them back."""
        mine: dict[int, int] = {}

        def node(index: int) -> int:
            if index not in mine:
                mine[index] = search.add_node(self.universe.search.full[index])
                index_of[mine[index]] = index
            return mine[index]

        clauses: list[Clause | None] = []
        for statement in statements:
            terms = {} if statement.who is None else {node(statement.who): statement.bits}
            target = node(statement.target)
            if not statement.lacks:
                clauses.append(forbid(terms, target, ~statement.allowed, search.full[target], statement))
            for virtual in map(node, statement.virtual):
                full = search.full[virtual]
                mask = full & ~UNSELECTED if statement.lacks else UNSELECTED
                clauses.append(forbid(terms, virtual, mask, full, statement))
        return [clause for clause in clauses if clause is not None]


def _in_universe(proof: Clause, index_of: dict[int, int]) -> Clause:
    """The proof with the original node numbers."""
    done: dict[int, Clause] = {}
    todo = [proof]
    while todo:
        clause = todo[-1]
        waiting = [cause for cause in clause.because if id(cause) not in done]
        if waiting:
            todo += waiting
            continue
        todo.pop()
        terms = tuple((index_of[node], mask) for node, mask in clause.terms)
        done[id(clause)] = Clause(terms, fact=clause.fact, because=tuple(done[id(cause)] for cause in clause.because))
    return done[id(proof)]


def _reduce(refutation: _Refutation, argument: Argument) -> Argument:
    """Drop statements one at a time, as long as the rest still is a contradiction."""
    for statement in argument.statements[:_TRIALS]:
        if refutation.effort_left <= 0:
            break
        if statement not in argument.statements:
            continue
        rest = [other for other in argument.statements if other is not statement]
        argument = refutation.of(rest) or argument
    return argument


def _join(refutation: _Refutation, argument: Argument) -> Argument:
    """Join the needs that one pack has for another.

    `a 1.0.0 needs b==1.0.0` and `a 2.0.0 needs b==2.0.0` is often enough as `a 1.0.0 to 2.0.0 need b 1.0.0 to 2.0.0`.
    """
    groups: dict[tuple[int, int, tuple[int, ...]], list[Statement]] = {}
    for statement in argument.statements:
        if statement.who is not None and not statement.lacks:
            groups.setdefault((statement.who, statement.target, statement.virtual), []).append(statement)
    several = {key: group for key, group in groups.items() if len(group) > 1}
    together = _joined(refutation, argument, several)
    if together is not None:
        return together
    for key, group in list(several.items())[:_TRIALS]:
        if refutation.effort_left <= 0:
            break
        argument = _joined(refutation, argument, {key: group}) or argument
    return argument


def _joined(
    refutation: _Refutation,
    argument: Argument,
    groups: dict[tuple[int, int, tuple[int, ...]], list[Statement]],
) -> Argument | None:
    """The argument with each group as one statement; None if that is no contradiction."""
    gone = {id(statement) for group in groups.values() for statement in group}
    if not gone:
        return None
    statements = [statement for statement in argument.statements if id(statement) not in gone]
    for (who, target, virtual), group in groups.items():
        bits = _union(statement.bits for statement in group)
        allowed = _union(statement.allowed for statement in group)
        said = tuple(requirement for statement in group for requirement in statement.said)
        statements.append(Statement(who, bits, target, allowed, virtual, said))
    return refutation.of(_sorted(refutation.universe, statements))
