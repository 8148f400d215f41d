"""The search for one release of every needed pack, or a proof that there is none: PubGrub over bit masks.

Everything here is numbers: a node is a pack (or a virtual pack, `name[variant]`), a mask the values it may still have,
bit 0 meaning "not selected". A clause forbids that all its terms (node, mask) hold at once. The search narrows masks
with clauses that have one open term, chooses the newest value of the first needed node, and on a conflict learns the
clause that explains it, undoes the decisions that led there and continues. What nodes mean, and which clauses a value
adds, is up to `universe.py`; proofs are put into words in `explain.py`.

Nodes are decided in the order of their numbers. A value of the first node is therefore only given up once it is proved
impossible, one of the second only if it is impossible with the first, and so on: the result is the best in that order.
If that undoes too much, patience ends: then the most disputed nodes are decided first, the best value of every needed
node is read ahead, and all releases of disputed packs are read at once, so that one clause covers many.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from agentpack.resolve.ranges import UNSELECTED

Terms = tuple[tuple[int, int], ...]

_NODE = (1 << 32) - 1
PATIENCE = 100
"""Conflicts before patience ends. One that undoes much counts more: one extra for each `_CHEAP` narrowings."""
_CHEAP = 20


class Clause:
    """Forbids that all its terms hold at once. It rests on a `fact`, or on other clauses that together imply it."""

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
    """The allowed effort is spent."""


class Search:
    """The state of one search.

    Args:
        expand: returns the clauses that values of a node add; called before one of them is chosen.
        effort: how many clauses may be visited.
        values: how many values may be read.
        patience: how many conflicts before the order of decisions follows the disputes.
    """

    def __init__(
        self,
        expand: Callable[[int, int], Iterable[Clause]],
        *,
        effort: int,
        values: int,
        patience: int = PATIENCE,
    ) -> None:
        self._expand = expand
        self.effort_left = effort
        self.values_left = values
        self.full: list[int] = []
        self.left: list[int] = []
        self.known: list[int] = []
        self._preferred: list[int] = []
        self._pairs: list[list[tuple[int, int, int, Clause]]] = []
        self._longer: list[list[tuple[int, Clause]]] = []
        # The trail: every narrowing so far, with the mask before it, the clause that forced it (None: a decision) and
        # its level; where each level starts; and for each node the positions of its narrowings.
        self._trail: list[int] = []
        self._before: list[int] = []
        self._cause: list[Clause | None] = []
        self._level_of: list[int] = []
        self._starts: list[int] = []
        self._history: list[list[int]] = []
        self._changed: list[int] = []
        # A heap of nodes that may be needed. `_weight[node] + node` sorts the nodes of most clashes first.
        self._needed: list[int] = []
        self._weight: list[int] = []
        self._patience = patience
        self._ahead: dict[int, bool] = {}
        self._whole: set[int] = set()

    def add_node(self, full: int, preferred: int = 0) -> int:
        """Add a node and return its number. `full` has a bit for each value; the bit in `preferred`, if any, is tried
        first.
        """
        self.full.append(full)
        self.left.append(full)
        self.known.append(0)
        self._preferred.append(preferred)
        self._pairs.append([])
        self._longer.append([])
        self._history.append([])
        self._weight.append(0)
        return len(self.full) - 1

    def run(self, clauses: Iterable[Clause]) -> None:
        """Decide every needed node; `left` then has one bit for each.

        Raises:
            Contradiction: the clauses contradict each other.
            Exhausted: more effort or values than allowed would be needed.
        """
        clash = self._take(clauses)
        while True:
            clash = clash or self._propagate()
            if clash is not None:
                clash = self._recover(clash)
                continue
            node = self._next()
            if node is None:
                return
            clash = self._decide(node)

    def disputed(self) -> list[int]:
        """The nodes that took part in most conflicts."""
        most = min(self._weight)
        return [node for node, weight in enumerate(self._weight) if weight == most and weight < 0]

    # Clauses

    def _take(self, clauses: Iterable[Clause]) -> Clause | None:
        """Add clauses, and act on those with at most one open term. Returns the conflict, if any."""
        clash = None
        for clause in clauses:
            terms = clause.terms
            if len(terms) == 2:
                (one, one_mask), (other, other_mask) = terms
                self._pairs[one].append((~one_mask, other, ~other_mask, clause))
                self._pairs[other].append((~other_mask, one, ~one_mask, clause))
            else:  # one term too: read at some level, it must hold again when that level is taken back
                for node, mask in terms:
                    self._longer[node].append((~mask, clause))
            clash = self._check(clause) or clash
        return clash

    def _check(self, clause: Clause) -> Clause | None:
        """Narrow the one open term of a clause. Returns the clause as a conflict if no term is open, else None."""
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

    def _read(self, node: int, bits: int) -> Clause | None:
        """Add the clauses of some values. Returns the conflict, if any; raises Exhausted."""
        self.values_left -= bits.bit_count()
        if self.values_left < 0:
            raise Exhausted
        self.known[node] |= bits
        return self._take(self._expand(node, bits))

    def _read_whole(self, node: int) -> Clause | None:
        """Add the clauses of all values of a node at once, so that one clause covers all equal values. Returns the
        conflict, if any.
        """
        if node in self._whole:
            return None
        self._whole.add(node)
        return self._read(node, self.full[node] & ~UNSELECTED)

    # Going forward

    def _propagate(self) -> Clause | None:
        """Propagate every narrowing. Returns the conflict, if any."""
        while True:
            clash = self._follow()
            if clash is not None or not self._ahead:
                return clash
            node, _ = self._ahead.popitem()
            bit = self._best(node)
            if not bit & (self.known[node] | UNSELECTED) and not self.left[node] & UNSELECTED:
                clash = self._read(node, bit)
                if clash is not None:
                    return clash

    def _follow(self) -> Clause | None:
        changed, left, narrow = self._changed, self.left, self._narrow
        impatient = self._patience <= 0
        for node in changed:  # grows while it is walked
            now = left[node]
            if impatient and not self._starts and self.known[node] & ~now:  # refuted for good: are its siblings too?
                clash = self._read_whole(node)
                if clash is not None:
                    return clash
                now = left[node]
            if now & (now - 1):
                if impatient:
                    self._ahead[node] = True
            elif not now & (self.known[node] | UNSELECTED):
                clash = self._read(node, now)
                if clash is not None:
                    return clash
            pairs, longer = self._pairs[node], self._longer[node]
            self.effort_left -= 10 + len(pairs) + len(longer)
            if self.effort_left < 0:
                raise Exhausted
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

    def _need(self, node: int) -> None:
        heappush(self._needed, node if self._patience > 0 else self._weight[node] + node)

    def _next(self) -> int | None:
        """The first needed node with more than one value left; None if there is none."""
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
        """Choose the best value left, unless its clauses have consequences first. Returns the conflict, if any."""
        bit = self._best(node)
        if not self.known[node] & bit:
            clash = self._read(node, bit)
            if clash is not None or self._changed:
                self._need(node)
                return clash
        self._starts.append(len(self._trail))
        self._narrow(node, bit, None)
        return None

    # Going back

    def _recover(self, clash: Clause) -> Clause | None:
        """Undo the decisions that led to a conflict and learn from it. Returns the next conflict, if one follows at
        once.
        """
        learned, level, nodes = self._analyse(clash)
        was_patient = self._patience > 0
        self._patience -= 1 + (len(self._trail) - self._starts[level]) // _CHEAP
        self._back_to(level)
        for node in nodes:
            self._weight[node] -= _NODE + 1
            if not self.left[node] & UNSELECTED:
                self._need(node)
        follows = self._check(learned) if learned is clash else self._take((learned,))
        if self._patience <= 0:
            if was_patient:
                self._ahead = dict.fromkeys(range(len(self.left)), True)
            for node in nodes:
                follows = self._read_whole(node) or follows
        return follows

    def _analyse(self, clash: Clause) -> tuple[Clause, int, list[int]]:
        """Replace the latest true term by its cause, until only one term of its level is left.

        Returns:
            The clause a conflict teaches, the level at which it has one open term, and all nodes in the conflict.
        """
        terms = dict(clash.terms)
        because = [clash]
        nodes = set(terms)
        while terms:
            last, level = self._latest(terms)
            if self._level_of[last] > level:
                learned = clash if len(because) == 1 else Clause(tuple(terms.items()), because=tuple(because))
                return learned, level, sorted(nodes)
            cause = self._cause[last]
            assert cause is not None, "a decision is the first narrowing of its level"
            self.effort_left -= 10 * len(terms)
            because.append(cause)
            nodes.update(node for node, _ in cause.terms)
            self._resolve(terms, self._trail[last], cause)
        raise Contradiction(Clause((), because=tuple(because)))

    def _latest(self, terms: dict[int, int]) -> tuple[int, int]:
        """The last narrowing that made the terms true, and the level at which the other terms were true."""
        before = self._before
        last, second = -1, -1
        for node, mask in terms.items():
            history = self._history[node]
            position = len(history) - 1
            while position > 0 and not before[history[position]] & ~mask:
                position -= 1
            index = history[position]
            if index > last:
                last, second = index, last
            elif index > second:
                second = index
        return last, self._level_of[second] if second >= 0 else 0

    def _resolve(self, terms: dict[int, int], pivot: int, cause: Clause) -> None:
        for node, mask in cause.terms:
            if node != pivot:
                terms[node] = terms[node] & mask if node in terms else mask
            elif terms[node] | mask == self.full[node]:
                del terms[node]
            else:
                terms[node] |= mask

    def _back_to(self, level: int) -> None:
        start = self._starts[level]
        for node, before in zip(reversed(self._trail[start:]), reversed(self._before[start:]), strict=True):
            self.left[node] = before
            self._history[node].pop()
            if not before & UNSELECTED:
                self._need(node)
        del self._trail[start:], self._before[start:], self._cause[start:], self._level_of[start:]
        del self._starts[level:]
        self._changed.clear()
