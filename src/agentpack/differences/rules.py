"""Decide which rule of one text is which rule of another, and what differs between the two.

A rule is recognised by its id if both sides have one, else by its text, else by similarity within its section. Nothing
is compared letter by letter, and similarity is computed for a bounded number of pairs only; what is left over counts as
removed and added.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Optional, Protocol

from agentpack.compose.parse import parse_sections
from agentpack.differences.lines import longest_run, matches
from agentpack.differences.words import bag, likeness
from agentpack.model.persona import Origin, Section

EDIT = Origin("edit", "")
_ALIKE = 0.4
_PAIRS = 40_000
"""For so many pairs of rules likeness is asked."""


class Entry(NamedTuple):
    """A rule or heading: what it says, where it stands, and where it comes from."""

    kind: str
    """`heading`, `item`, `code` or `text`."""
    text: str
    section: str
    """The heading it stands under, without its marks; a heading's own. Empty before the first one."""
    id: str | None = None
    origin: Origin | None = None
    line: int = 0
    """Of the file that `origin` tells, or for an edit of the file on disk; 0 when unknown."""
    when: str | None = None
    was: Optional["Entry"] = None
    """The released rule that a local edit made this of."""


class HasKind(Protocol):
    """A rule or heading, in whatever shape."""

    @property
    def kind(self) -> str: ...


class RuleChange(NamedTuple):
    """One rule or heading that was `added`, `removed`, `changed` or `moved` (which a changed one may be as well)."""

    change: str
    before: Entry | None
    after: Entry | None
    moved: bool = False

    @property
    def entry(self) -> Entry:
        """The side to name it by: the later one, if it is there."""
        entry = self.after or self.before
        assert entry is not None
        return entry

    @property
    def id(self) -> str | None:
        ids = (side.id for side in (self.after, self.before) if side is not None)
        return next((id for id in ids if id is not None), None)


def title(heading: str) -> str:
    """A heading's words: without `#` marks or underline."""
    first = heading.split("\n", 1)[0].strip()
    return first.strip("#").strip() if first.startswith("#") else first


def entries_of(sections: Iterable[Section]) -> tuple[Entry, ...]:
    """The headings and rules in reading order."""
    found = []
    for section in sections:
        name = title(section.heading)
        if section.level:
            more = (section.id, section.origin, section.line, section.when)
            found.append(Entry("heading", section.heading, name, *more))
        for rule in section.rules:
            found.append(Entry(rule.kind, rule.text, name, rule.id, rule.origin, rule.line, rule.when))
    return tuple(found)


def entries_in(body: str, first_line: int = 1) -> tuple[Entry, ...]:
    """The headings and rules of a rendered body, which says nothing of ids and origins."""
    found = entries_of(parse_sections(body, first_line=first_line or 1))
    return found if first_line else tuple(entry._replace(line=0) for entry in found)


def recognise(known: Sequence[Entry], found: Sequence[Entry], *, edited: bool) -> tuple[Entry, ...]:
    """What was found, each with the id and origin of the known rule that it is.

    Args:
        edited: what differs from its known rule, or has none, is a local edit; else it has the known rule's origin.
    """
    origins = {j: known[i] for i, j in pair(known, found)}
    done = []
    for j, entry in enumerate(found):
        rule = origins.get(j)
        if rule is None:
            done.append(entry._replace(origin=EDIT) if edited else entry)
        elif not edited or same_text(rule, entry):
            done.append(entry._replace(id=rule.id, origin=rule.origin, line=rule.line, when=rule.when, was=rule.was))
        else:
            done.append(entry._replace(id=rule.id, origin=EDIT, when=rule.when, was=rule.was or rule))
    return tuple(done)


def same_text(one: Entry, other: Entry) -> bool:
    """Whether both have the same text, line endings aside. A heading never equals a rule."""
    return _key(one) == _key(other)


def _key(entry: Entry) -> str:
    text = entry.text.replace("\r", "") if "\r" in entry.text else entry.text
    return f"{entry.kind == 'heading'}\n{text}"


# Which rule is which.


def pair(before: Sequence[Entry], after: Sequence[Entry]) -> list[tuple[int, int]]:
    """The places in both lists that hold the same rule, in the order of the first list."""
    pairing = _Pairing(before, after)
    pairing.by_id()
    pairing.by_text_in_order()
    pairing.by_text()
    pairing.headings()
    pairing.by_likeness()
    return sorted(pairing.pairs.items())


class _Pairing:
    def __init__(self, before: Sequence[Entry], after: Sequence[Entry]) -> None:
        self.before, self.after = before, after
        self.before_home, self.after_home = homes(before), homes(after)
        self.pairs: dict[int, int] = {}
        self.taken: set[int] = set()

    def put(self, i: int, j: int) -> None:
        self.pairs[i] = j
        self.taken.add(j)

    def open_before(self) -> list[int]:
        return [i for i in range(len(self.before)) if i not in self.pairs]

    def open_after(self) -> list[int]:
        return [j for j in range(len(self.after)) if j not in self.taken]

    def by_id(self) -> None:
        places = {entry.id: i for i, entry in enumerate(self.before) if entry.id is not None}
        for j, entry in enumerate(self.after):
            i = places.pop(entry.id, None) if entry.id is not None else None
            if i is not None:
                self.put(i, j)

    def may(self, i: int, j: int) -> bool:
        """Two rules with an id each are two rules, whatever they say."""
        return self.before[i].id is None or self.after[j].id is None

    def by_text_in_order(self) -> None:
        left, right = self.open_before(), self.open_after()
        found = matches([_key(self.before[i]) for i in left], [_key(self.after[j]) for j in right])
        for match in found:
            for step in range(match.size):
                i, j = left[match.i + step], right[match.j + step]
                if self.may(i, j):
                    self.put(i, j)

    def by_text(self) -> None:
        waiting: defaultdict[str, list[int]] = defaultdict(list)
        for i in reversed(self.open_before()):
            waiting[_key(self.before[i])].append(i)
        for j in self.open_after():
            places = waiting.get(_key(self.after[j]))
            if places and self.may(places[-1], j):
                self.put(places.pop(), j)

    def headings(self) -> None:
        """A heading that has other words now: the one most of whose rules stand under it, else the likest."""
        votes: dict[tuple[int, int], int] = {}
        for i, j in self.pairs.items():
            homes = (self.before_home[i], self.after_home[j])
            votes[homes] = votes.get(homes, 0) + 1
        left = {i for i in self.open_before() if self.before[i].kind == "heading"}
        right = {j for j in self.open_after() if self.after[j].kind == "heading"}
        for (i, j), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0])):
            if i in left and j in right and self.may(i, j):
                self.put(i, j)
                left.discard(i)
                right.discard(j)
        self.likest(sorted(left), sorted(right), _PAIRS)

    def by_likeness(self) -> None:
        section = {**{j: i for i, j in self.pairs.items() if self.before[i].kind == "heading"}, -1: -1}
        groups: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for i in self.open_before():
            if self.before[i].kind != "heading":
                groups[self.before_home[i]][0].append(i)
        for j in self.open_after():
            if self.after[j].kind != "heading" and self.after_home[j] in section:
                groups[section[self.after_home[j]]][1].append(j)
        budget = _PAIRS
        for left, right in groups.values():
            budget -= self.likest(left, right, budget)

    def likest(self, left: Sequence[int], right: Sequence[int], budget: int) -> int:
        """Pair the most similar items first. Returns how many pairs were compared; none beyond the budget."""
        if not left or not right or len(left) * len(right) > budget:
            return 0
        bags = {j: bag(self.after[j].text) for j in right}
        scored = []
        for i in left:
            words = bag(self.before[i].text)
            for j in right:
                score = likeness(words, bags[j])
                if score >= _ALIKE and self.may(i, j):
                    scored.append((-score, abs(i - j), i, j))
        for _, _, i, j in sorted(scored):
            if i not in self.pairs and j not in self.taken:
                self.put(i, j)
        return len(left) * len(right)


def homes(entries: Sequence[HasKind]) -> list[int]:
    """For each entry the place of the heading it stands under, -1 before the first; for a heading its own."""
    homes = []
    home = -1
    for place, entry in enumerate(entries):
        home = place if entry.kind == "heading" else home
        homes.append(home)
    return homes


# What differs.


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[RuleChange, ...]:
    """What happened to each rule and heading, in reading order; none for what stayed as it was."""
    pairs = pair(before, after)
    elsewhere = moved(before, after, pairs)
    changes: list[tuple[tuple[int, int, int], RuleChange]] = []
    seen = dict(pairs)
    previous = -1
    for i, entry in enumerate(before):
        j = seen.get(i)
        if j is None:
            changes.append(((previous, 1, i), RuleChange("removed", entry, None)))
            continue
        previous = j
        if not same_text(entry, after[j]):
            changes.append(((j, 0, 0), RuleChange("changed", entry, after[j], i in elsewhere)))
        elif i in elsewhere:
            changes.append(((j, 0, 0), RuleChange("moved", entry, after[j], True)))
    taken = set(seen.values())
    for j, entry in enumerate(after):
        if j not in taken:
            changes.append(((j, 0, 0), RuleChange("added", None, entry)))
    return tuple(change for _, change in sorted(changes, key=lambda row: row[0]))


def moved(before: Sequence[Entry], after: Sequence[Entry], pairs: Sequence[tuple[int, int]]) -> set[int]:
    """The places, in the first list, of what stands elsewhere now. What moves with its section has not moved itself."""
    before_home, after_home = homes(before), homes(after)
    section: Mapping[int, int] = {-1: -1, **{i: j for i, j in pairs if before[i].kind == "heading"}}
    groups: defaultdict[int | None, list[tuple[int, int]]] = defaultdict(list)
    found = set()
    for i, j in pairs:
        home = before_home[i]
        if before[i].kind == "heading":
            groups[None].append((i, j))
        elif home in section and section[home] != after_home[j]:
            found.add(i)
        elif home in section:
            groups[home].append((i, j))
    for group in groups.values():
        stayed = {i for i, _ in longest_run(group)}
        found.update(i for i, _ in group if i not in stayed)
    return found
