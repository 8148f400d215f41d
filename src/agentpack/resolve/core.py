"""The few facts of a proof that cannot all hold, as short statements.

A proof rests on a fact for each release that was looked at. Here releases with the same need become one statement, statements that
are not needed for the contradiction are left out, and needs that differ from release to release are joined when their union says enough.
All effort is bounded: a large proof stays longer than it could be.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agentpack.model.requirement import Requirement
from agentpack.resolve.ranges import UNSELECTED
from agentpack.resolve.search import Clause, Contradiction, Exhausted, Search
from agentpack.resolve.universe import Lack, Need, Universe, Want, forbid

_ROUNDS = 4
_TRIALS = 150
_EFFORT = 200_000


class Statement(NamedTuple):
    """Releases `bits` of node `who` need a release of `target` among `allowed`, and its variants `virtual`.

    `who` is None for what the user wants. With `lacks`, `who` and `target` are the same: its releases `bits` do not offer the variants.
    `said` are the requirements that say so, the newest release's first; more than one when they were joined.
    """

    who: int | None
    bits: int
    target: int
    allowed: int
    virtual: tuple[int, ...]
    said: tuple[Requirement, ...]
    lacks: bool = False


class Argument(NamedTuple):
    """Statements that cannot all hold, and the proof of it; the facts of its clauses are the statements."""

    statements: tuple[Statement, ...]
    proof: Clause


def argue(universe: Universe, proof: Clause) -> Argument:
    """The shortest argument found for what the proof proves."""
    statements = _gather(universe, proof)
    found = _refute(universe, statements) or Argument(tuple(statements), proof)
    for _ in range(_ROUNDS):  # each proof may rest on fewer statements than the one before
        if len(found.statements) == len(statements):
            break
        statements = list(found.statements)
        found = _refute(universe, statements) or found
    found = _reduce(universe, found)
    joined = _join(universe, found)
    return _reduce(universe, joined) if joined is not found else found


def leaves(proof: Clause) -> list[Clause]:
    """The clauses a proof rests on, each once, in the order met."""
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
    """The facts under a proof, those of one node that say the same as one statement."""
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
    """In an order that depends on names only: what the user wants first."""
    nodes = universe.nodes

    def key(statement: Statement) -> tuple[str, bool, str, tuple[str, ...], int, int]:
        who = "" if statement.who is None else nodes[statement.who].pack
        variants = tuple(nodes[virtual].variant for virtual in statement.virtual)
        return who, statement.lacks, nodes[statement.target].pack, variants, -statement.bits, statement.allowed

    return sorted(statements, key=key)


def _refute(universe: Universe, statements: Sequence[Statement]) -> Argument | None:
    """The proof that the statements cannot all hold; None when they can, or when that is not found out soon."""
    local: dict[int, int] = {}
    search = Search(lambda node, bits: (), effort=_EFFORT, values=_EFFORT)

    def node(index: int) -> int:
        if index not in local:
            local[index] = search.add_node(universe.search.full[index])
        return local[index]

    clauses: list[Clause | None] = []
    for statement in statements:
        target = node(statement.target)
        terms = {} if statement.who is None else {node(statement.who): statement.bits}
        if not statement.lacks:
            clauses.append(forbid(terms, target, ~statement.allowed, search.full[target], statement))
        for virtual in map(node, statement.virtual):
            full = search.full[virtual]
            clauses.append(
                forbid(terms, virtual, full & ~UNSELECTED if statement.lacks else UNSELECTED, full, statement)
            )
    try:
        search.run(clause for clause in clauses if clause is not None)
    except Contradiction as contradiction:
        proof = _in_universe(contradiction.proof, {mine: index for index, mine in local.items()})
        used = {clause.fact for clause in leaves(proof)}
        return Argument(tuple(statement for statement in statements if statement in used), proof)
    except Exhausted:
        pass
    return None


def _in_universe(proof: Clause, index_of: dict[int, int]) -> Clause:
    """The proof with the nodes' own numbers."""
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


def _reduce(universe: Universe, argument: Argument) -> Argument:
    """Leave out one statement after the other, as long as the rest is still a contradiction."""
    trials = _TRIALS
    for statement in argument.statements:
        if statement not in argument.statements:
            continue
        trials -= 1
        if trials < 0:
            break
        rest = [other for other in argument.statements if other is not statement]
        argument = _refute(universe, rest) or argument
    return argument


def _join(universe: Universe, argument: Argument) -> Argument:
    """Join the needs of one pack for another: `1.0.0 needs b==1, 2.0.0 needs b==2` is often enough as `1.0.0 to 2.0.0 need b 1 to 2`."""
    groups: dict[tuple[int, int, tuple[int, ...]], list[Statement]] = {}
    for statement in argument.statements:
        if statement.who is not None and not statement.lacks:
            groups.setdefault((statement.who, statement.target, statement.virtual), []).append(statement)
    for (who, target, virtual), group in list(groups.items())[:_TRIALS]:
        if len(group) < 2:
            continue
        bits = _union(statement.bits for statement in group)
        allowed = _union(statement.allowed for statement in group)
        said = tuple(requirement for statement in group for requirement in statement.said)
        rest = [statement for statement in argument.statements if statement not in group]
        joined = _sorted(universe, [*rest, Statement(who, bits, target, allowed, virtual, said)])
        argument = _refute(universe, joined) or argument
    return argument
