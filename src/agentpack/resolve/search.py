"""Finds one release for every pack that is needed, or a proof that there is none: PubGrub over bit masks.

Everything here is numbers: a node is a pack (or a virtual pack, `name[variant]`), a mask the values it may still have, bit 0 meaning
"not selected". A clause forbids that all its terms (node, mask) hold at once. The search narrows masks by clauses with one open term,
decides the newest value of the first node that is needed, and on a clash learns the clause that explains it, takes back the
decisions that led there and goes on. What nodes stand for, and which clauses a value brings, is left to `universe.py`;
proofs are put into words in `explain.py`.

Nodes are decided in the order of their numbers. A value of the first node is therefore given up only when it has been proved
impossible, one of the second only when it is impossible with the first, and so on: no search order finds better ones for them.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from agentpack.resolve.ranges import UNSELECTED

_NODE = (1 << 32) - 1
_PATIENCE = 200
"""Clashes after which the most disputed nodes are decided first. One that takes back much counts for several."""
_CHEAP = 20
Terms = tuple[tuple[int, int], ...]


class Clause:
    """Forbids that all its terms hold at once. It rests on a `fact`, or on other clauses that together entail it."""

    __slots__ = ("because", "fact", "terms")

    def __init__(self, terms: Terms, *, fact: Any = None, because: "tuple[Clause, ...]" = ()) -> None:
        self.terms = terms
        self.fact = fact
        self.because = because


class Contradiction(Exception):
    """There is no solution; `proof` is the clause without terms."""

    def __init__(self, proof: Clause) -> None:
        super().__init__("contradiction")
        self.proof = proof


class Exhausted(Exception):
    """The effort allowed is spent. `nodes` are those of the last clash, where the difficulty lies."""

    def __init__(self, nodes: tuple[int, ...]) -> None:
        super().__init__("exhausted")
        self.nodes = nodes


class Search:
    """The state of one search. `expand(node, bit)` gives the clauses that a value brings, once, before it can be chosen."""

    def __init__(self, expand: Callable[[int, int], Iterable[Clause]], *, effort: int, values: int) -> None:
        self._expand = expand
        self.effort_left = effort
        self.values_left = values
        self.full: list[int] = []
        self.left: list[int] = []
        self.known: list[int] = []
        self._preferred: list[int] = []
        self._pairs: list[list[tuple[int, int, int, Clause]]] = []
        self._longer: list[list[tuple[int, Clause]]] = []
        self._history: list[list[int]] = []
        self._needed: list[int] = []
        # How often a node took part in a clash, negated and shifted so that `_weight[node] + node` sorts the most disputed first.
        self._weight: list[int] = []
        self._patience = _PATIENCE
        self._hasty = False
        self._ahead: dict[int, bool] = {}
        self._whole: set[int] = set()
        self._changed: list[int] = []
        # The trail: every narrowing so far, with the mask before it, the clause that forced it (None: a decision), its level.
        self._trail: list[int] = []
        self._before: list[int] = []
        self._cause: list[Clause | None] = []
        self._level_of: list[int] = []
        self._starts: list[int] = []

    def add_node(self, full: int, preferred: int = 0) -> int:
        """A new node whose values are the bits of `full`; a value in `preferred` is tried first."""
        self.full.append(full)
        self.left.append(full)
        self.known.append(0)
        self._preferred.append(preferred)
        self._weight.append(0)
        self._pairs.append([])
        self._longer.append([])
        self._history.append([])
        return len(self.full) - 1

    def run(self, clauses: Iterable[Clause]) -> None:
        """Decide every node that is needed; `left` then holds one bit for each.

        Raises:
            Contradiction: the clauses cannot all hold.
            Exhausted: more clashes or values than allowed.
        """
        clash = self._take(clauses)
        while True:
            clash = clash or self._propagate()
            if clash is not None:
                clash = self._learn(clash)
                continue
            node = self._next()
            if node is None:
                return
            clash = self._decide(node)

    def _take(self, clauses: Iterable[Clause]) -> Clause | None:
        """Add clauses, and act on those that have one open term or none; the clash if there is one."""
        clash = None
        for clause in clauses:
            self._index(clause)
            clash = self._check(clause) or clash
        return clash

    def _index(self, clause: Clause) -> None:
        terms = clause.terms
        if len(terms) == 2:
            (one, one_mask), (other, other_mask) = terms
            self._pairs[one].append((~one_mask, other, ~other_mask, clause))
            self._pairs[other].append((~other_mask, one, ~one_mask, clause))
        else:  # one term too: what a value brings is read at some level, and must hold again when that is taken back
            for node, mask in terms:
                self._longer[node].append((~mask, clause))

    def _check(self, clause: Clause) -> Clause | None:
        left = self.left
        open_node, open_mask = -1, 0
        for node, mask in clause.terms:
            now = left[node]
            if not now & ~mask:
                continue
            if open_node >= 0 or not now & mask:
                return None
            open_node, open_mask = node, mask
        if open_node < 0:
            return clause
        self._narrow(open_node, left[open_node] & ~open_mask, clause)
        return None

    def _narrow(self, node: int, mask: int, cause: Clause | None) -> None:
        before = self.left[node]
        self.left[node] = mask
        self._history[node].append(len(self._trail))
        self._trail.append(node)
        self._before.append(before)
        self._cause.append(cause)
        self._level_of.append(len(self._starts))
        self._changed.append(node)
        if before & UNSELECTED and not mask & UNSELECTED:
            self._need(node)

    def _propagate(self) -> Clause | None:
        """Follow every narrowing to its consequences; the clause that clashes, if one does."""
        while True:
            clash = self._follow()
            if clash is not None or not self._ahead:
                return clash
            node, _ = self._ahead.popitem()
            left = self.left[node]
            if not left & UNSELECTED and left & (left - 1):
                bit = self._best(node)
                if not bit & self.known[node]:
                    clash = self._learn_of(node, bit)
                    if clash is not None:
                        return clash

    def _follow(self) -> Clause | None:
        changed, left, narrow = self._changed, self.left, self._narrow
        for node in changed:  # grows while it is walked
            now = left[node]
            if not now & (now - 1):
                if not now & (self.known[node] | UNSELECTED):
                    clash = self._learn_of(node, now)
                    if clash is not None:
                        return clash
            elif self._hasty:
                self._ahead[node] = True
            pairs, longer = self._pairs[node], self._longer[node]
            self.effort_left -= 10 + len(pairs) + len(longer)
            if self.effort_left < 0:
                raise Exhausted((node,))
            for outside, other, allowed, clause in pairs:
                if not now & outside:
                    before = left[other]
                    mask = before & allowed
                    if mask != before:
                        if not mask:
                            return clause
                        narrow(other, mask, clause)
            for outside, clause in longer:
                if not now & outside and self._check(clause) is not None:
                    return clause
        changed.clear()
        return None

    def _learn_of(self, node: int, bit: int) -> Clause | None:
        """Read what a value brings."""
        if self.values_left <= 0:
            raise Exhausted((node,))
        self.values_left -= 1
        self.known[node] |= bit
        return self._take(self._expand(node, bit))

    def _need(self, node: int) -> None:
        heappush(self._needed, node if self._patience > 0 else self._weight[node] + node)

    def _next(self) -> int | None:
        """The first node that is needed and has more than one value left."""
        while self._needed:
            node = heappop(self._needed) & _NODE
            left = self.left[node]
            if not left & UNSELECTED and left & (left - 1):
                return node
        return None

    def _best(self, node: int) -> int:
        left = self.left[node]
        return left & self._preferred[node] or 1 << (left.bit_length() - 1)

    def _decide(self, node: int) -> Clause | None:
        """Choose the best value left, unless what it brings already rules it out."""
        left = self.left[node]
        bit = self._best(node)
        if not self.known[node] & bit:
            clash = self._learn_of(node, bit)
            if clash is not None or self._changed:
                self._need(node)
                return clash
        self._starts.append(len(self._trail))
        self._narrow(node, bit, None)
        return None

    def _learn(self, clash: Clause) -> Clause | None:
        """Find the clause that explains a clash, take back decisions until it has an open term, and add it."""
        terms = dict(clash.terms)
        because = [clash]
        touched = set(terms)
        while True:
            last, node, level = self._latest(terms)
            cause = self._cause[last] if last >= 0 else None
            if last < 0:
                raise Contradiction(Clause((), because=tuple(because)))
            if self._level_of[last] > level:
                break
            assert cause is not None, "a decision stands alone at the start of its level"
            because.append(cause)
            self.effort_left -= 10 * len(terms)
            touched.update(node for node, _ in cause.terms)
            self._resolve(terms, node, cause)
        self._patience -= 1 + (len(self._trail) - self._starts[level]) // _CHEAP
        self._back_to(level)
        if self._patience <= 0 and not self._hasty:
            self._hasty = True
            self._ahead = dict.fromkeys(range(len(self.left)), True)
        for node in touched:
            self._weight[node] -= _NODE + 1
            if not self.left[node] & UNSELECTED:
                self._need(node)
        learned = clash if len(because) == 1 else Clause(tuple(terms.items()), because=tuple(because))
        found = self._check(learned) if learned is clash else self._take((learned,))
        if self._hasty:
            for node in sorted(touched - self._whole):
                self._whole.add(node)
                bits = self.full[node] & ~UNSELECTED
                self.known[node] |= bits
                self.values_left -= bits.bit_count()
                found = self._take(self._expand(node, bits)) or found
        return found

    def _latest(self, terms: dict[int, int]) -> tuple[int, int, int]:
        """Of the narrowings that made the terms true the last one, its node, and the level at which the other terms were true."""
        before, level_of = self._before, self._level_of
        last, last_node, second = -1, -1, -1
        for node, mask in terms.items():
            history = self._history[node]
            position = len(history) - 1
            while position > 0 and not before[history[position]] & ~mask:
                position -= 1
            index = history[position]
            if index > last:
                last, last_node, second = index, node, last
            elif index > second:
                second = index
        return last, last_node, level_of[second] if second >= 0 else 0

    def _resolve(self, terms: dict[int, int], pivot: int, cause: Clause) -> None:
        """Replace the pivot's term by what made it true."""
        for node, mask in cause.terms:
            if node == pivot:
                union = terms[node] | mask
                if union == self.full[node]:
                    del terms[node]
                else:
                    terms[node] = union
            else:
                terms[node] = terms[node] & mask if node in terms else mask

    def _back_to(self, level: int) -> None:
        start = self._starts[level]
        for node, before in zip(reversed(self._trail[start:]), reversed(self._before[start:]), strict=True):
            self.left[node] = before
            self._history[node].pop()
            if not before & UNSELECTED:
                self._need(node)
        for column in (self._trail, self._before, self._cause, self._level_of, self._starts):
            del column[level if column is self._starts else start :]
        self._changed.clear()
