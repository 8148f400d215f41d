"""Decide where edits of rules go if the new release moved the rules, and merge them there.

A release may move its rules to other sections or reorder them. Then the lines around an edit are gone, so an edit is
matched by its rule: by id if the persona behind the text is known, else by its words. A rule edited, deleted or added
by hand is treated the same way in the new text if the release left that rule unchanged; if not, that rule alone is a
conflict. Edits that cannot be matched to rules are not moved.
"""

import re
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from agentpack.compose.parse import parse_sections
from agentpack.differences.rules import Entry, entries_in, homes, moved, pair, recognise
from agentpack.merge.pieces import merge_lines
from agentpack.merge.result import join_adjacent
from agentpack.model.changes import Conflict, Draft


class KnownEntries(NamedTuple):
    """The rules and headings of the personas behind the two rendered texts; empty if a persona is unknown."""

    base: Sequence[Entry]
    theirs: Sequence[Entry]


def carry_edits(base: str, ours: str, theirs: str, known: KnownEntries) -> Draft | None:
    """The new body with the edits applied and conflicts in place; None if edits cannot be matched to rules."""
    draft = _RuleMerge(base, ours, theirs, known).draft()
    return None if draft is None else tuple(join_adjacent(draft))


# The body: rules and headings.


class _Node(NamedTuple):
    """A rule or heading and the white space after it."""

    kind: str
    level: int
    text: str
    gap: str


class _BodyItem(NamedTuple):
    """An item of the new body: the text of a node, or a conflict; `before` and `after` are the white space around it at
    its origin.
    """

    kind: str
    content: str | Conflict
    before: str
    after: str
    side: str
    place: int


def _nodes(body: str) -> tuple[str, list[_Node]]:
    """White space at the top, then headings and rules in reading order, as `entries_in` returns them."""
    sections = parse_sections(body)
    found = []
    for section in sections:
        if section.level:
            found.append(_Node("heading", section.level, section.heading, section.gap))
        found += [_Node(rule.kind, 0, rule.text, rule.gap) for rule in section.rules]
    return sections[0].gap, found


class _RuleMerge:
    """Builds the new body with the edits applied."""

    def __init__(self, base: str, ours: str, theirs: str, known: KnownEntries) -> None:
        self.lead, self.new = _nodes(theirs)
        self.old, self.mine = _nodes(base)[1], _nodes(ours)[1]
        rules = recognise(known.base, entries_in(base), edited=False)
        self.own_rules = entries_in(ours)
        new_rules = recognise(known.theirs, entries_in(theirs), edited=False)
        self.here = pair(rules, self.own_rules)
        self.is_moved = bool(moved(rules, self.own_rules, self.here))
        self.there = dict(pair(rules, new_rules))
        self.origin = {j: i for i, j in self.here}
        self.old_home, self.mine_home, self.new_home = (homes(side) for side in (self.old, self.mine, self.new))
        self.settled: list[str | Conflict | None] = [node.text for node in self.new]
        """For each node of the new body its text, a conflict, or None when it was taken out."""
        self.behind: dict[int, list[_BodyItem]] = {}
        """What is put in behind a node, behind -1 for the top."""
        self.consumed: set[int] = set()
        self.homeless: dict[int, list[_BodyItem]] = {}
        """By the old heading, conflicts about rules of a section that the release removed."""

    def draft(self) -> list[str | Conflict] | None:
        if self.is_moved:
            return None
        for i, j in self.here:
            self.change(i, j)
        kept = dict(self.here)
        after = -1
        for i in range(len(self.old)):
            if i in kept:
                after = max(after, kept[i])
            else:
                self.take_out(i, after)
        for start, end in self.runs():
            if not self.put_in(start, end):
                return None
        self.put_homeless()
        self.keep_headings()
        return self.text()

    def change(self, i: int, j: int) -> None:
        """Merge a rule that the user kept: `self.old[i]` became `self.mine[j]`. Records a conflict if the release
        removed it.
        """
        was, now = self.old[i].text, self.mine[j].text
        if was == now:
            return
        k = self.there.get(i)
        if k is None:
            self.conflict(i, Conflict(was, now, ""))
        else:
            self.settled[k] = _merged(was, now, self.new[k].text)

    def take_out(self, i: int, after: int) -> None:
        """The user deleted this rule. If the release changed it, report a conflict that includes the user's
        replacement. If the release removed it, report one only if there is a replacement with some of its words.
        """
        k, was = self.there.get(i), self.old[i]
        if k is not None and self.new[k].text == was.text:
            self.settled[k] = None
        elif k is not None:
            self.settled[k] = Conflict(was.text, self.instead(was, after), self.new[k].text)
        elif was.kind != "heading" and (instead := self.instead(was, after, _words(was.text))):
            self.conflict(i, Conflict(was.text, instead, ""))

    def instead(self, was: _Node, after: int, words: Set[str] | None = None) -> str:
        """The rule that the user wrote where this one was, if it has one of these words; else empty."""
        for j in range(after + 1, len(self.mine)):
            if j in self.origin:
                break
            alike = self.mine[j].kind == was.kind and (words is None or words & _words(self.mine[j].text))
            if j not in self.consumed and alike:
                self.consumed.add(j)
                return self.mine[j].text
        return ""

    def conflict(self, i: int, found: Conflict) -> None:
        """The user edited a rule that the release removed: report it after the nearest earlier rule that still
        exists, or below its heading if that is gone as well.
        """
        place = next((self.there[a] for a in range(i - 1, -1, -1) if a in self.there), -1)
        kind, home = self.old[i].kind, self.old_home[i]
        gap = "\n" if kind == "item" else "\n\n"
        is_homeless = kind != "heading" and self.is_gone(home)
        items = self.homeless.setdefault(home, []) if is_homeless else self.behind.setdefault(place, [])
        items.append(_BodyItem(kind, found, gap, gap, "ours", -2))

    def put_homeless(self) -> None:
        """Put the conflicts about rules of removed sections at the end. Keeping the first rule of a section keeps its
        headings, unless they are there already for rules that the user added.
        """
        last = self.behind.setdefault(len(self.new) - 1, []) if self.homeless else []
        for home, items in self.homeless.items():
            mine = dict(self.here).get(home)
            at = next((n for n, one in enumerate(last, 1) if (one.kind, one.place) == ("heading", mine)), 0)
            if at == 0:
                first, at = items[0], len(last)
                assert isinstance(first.content, Conflict)
                above = (self.old[i] for i in self.headings_to(home))
                ours = "".join(f"{node.text}{node.gap}" for node in above) + first.content.ours
                items = [first._replace(content=first.content._replace(ours=ours), before="\n\n"), *items[1:]]
            last[at:at] = items

    def is_gone(self, home: int) -> bool:
        """Whether the release has neither this heading of the old text nor a rule that was directly below it."""
        if home < 0 or home in self.there or self.place_of_heading(self.old[home].text) >= 0:
            return False
        return not any(a in self.there for a, at in enumerate(self.old_home) if at == home)

    def headings_to(self, home: int) -> list[int]:
        """A removed heading of the old text, after those above it that are gone as well."""
        chain = [home]
        for i in range(home - 1, -1, -1):
            if 0 < self.old[i].level < self.old[chain[0]].level:
                chain.insert(0, i)
        return [i for i in chain if self.is_gone(i)]

    def runs(self) -> Iterator[tuple[int, int]]:
        """Ranges of adjacent rules added by hand, as `mine[start:end]`; new sections are separate from the rules before
        them.
        """
        start = None
        for j in range(len(self.mine) + 1):
            own = j < len(self.mine) and j not in self.origin and j not in self.consumed
            heading = own and self.mine[j].kind == "heading"
            if start is not None and (not own or (heading and self.mine[start].kind != "heading")):
                yield start, j
                start = None
            if own and start is None:
                start = j

    def put_in(self, start: int, end: int) -> bool:
        """Insert these rules into the new body. False if there is no place for them."""
        if self.mine[start].kind == "heading":
            if end < len(self.mine) and self.mine[end].kind != "heading":
                return False  # rules of the release stand below a heading that it does not have
            place = self.place_of_sections(start, end)
        else:
            place = self.place_of_rules(start, end)
            self.keep_section(self.mine_home[start], place)
        run = self.mine[start:end]
        texts = {node.text for k, node in enumerate(self.new) if k not in self.there.values()}
        for j, node in enumerate(run, start):
            if node.text in texts and node.kind != "heading":
                continue  # the release has put it in, too
            before, after = self.gaps(j)
            self.behind.setdefault(place, []).append(_BodyItem(node.kind, node.text, before, after, "ours", j))
        return True

    def gaps(self, j: int) -> tuple[str, str]:
        """The white space around a rule added by hand, as between two rules of its kind."""
        node = self.mine[j]
        gaps = []
        for other, gap in ((j - 1, self.mine[j - 1].gap), (j + 1, node.gap)):
            alike = 0 <= other < len(self.mine) and self.mine[other].kind == node.kind
            gaps.append(gap if alike or node.kind != "item" else "\n")
        return gaps[0], gaps[1]

    def place_of_rules(self, start: int, end: int) -> int:
        """The node of the new body after which rules belong: next to their neighbours if those are still in the
        section, else at the section's end, else next to the neighbours wherever they are, else at the end of the text.
        """
        home = self.mine_home[start]
        old_home = -1 if home < 0 else self.origin.get(home, -2)
        new_home = -1 if old_home == -1 else self.there.get(old_home, self.place_of_heading(self.mine[home].text))
        before = [self.origin[j] for j in range(start - 1, home, -1) if j in self.origin]
        after = [self.origin[end]] if end in self.origin else []
        beside = [(self.there[i], self.there[i]) for i in before[:1] if i in self.there]
        beside += [(self.there[i], self.there[i] - 1) for i in after if i in self.there and self.is_rule(self.there[i])]
        beside += [(self.there[i], self.there[i]) for i in before[1:] if i in self.there]
        if new_home != -2:
            if not before:
                return new_home
            inside = [place for k, place in beside if self.new_home[k] == new_home]
            return inside[0] if inside else self.end_of(new_home)
        return beside[0][1] if beside else len(self.new) - 1

    def place_of_heading(self, text: str) -> int:
        """The first heading of the new body with this text; -2 if there is none."""
        return next((k for k, node in enumerate(self.new) if (node.kind, node.text) == ("heading", text)), -2)

    def keep_section(self, home: int, place: int) -> None:
        """Put the headings of a section that the release removed, with all its rules, above the user's rules in it."""
        i = self.origin.get(home, -1)
        if place < len(self.new) - 1 or not self.is_gone(i) or self.place_of_heading(self.mine[home].text) >= 0:
            return
        kept = dict(self.here)
        for j in (kept[i] for i in self.headings_to(i) if i in kept):
            heading = _BodyItem("heading", self.mine[j].text, "\n\n", self.mine[j].gap, "ours", j)
            if heading not in self.behind.setdefault(place, []):
                self.behind[place].append(heading)

    def is_rule(self, k: int) -> bool:
        return self.new[k].kind != "heading"

    def end_of(self, heading: int) -> int:
        """The last node directly under a heading."""
        return max((k for k, home in enumerate(self.new_home) if home == heading), default=heading)

    def place_of_sections(self, start: int, end: int) -> int:
        """The node after which new sections belong: before the section they preceded, else after the one they followed,
        else at the end. Never inside a deeper section, whose rest they would swallow.
        """
        level = min(node.level for node in self.mine[start:end] if node.kind == "heading")
        k = self.there.get(self.origin.get(end, -1))
        if k is not None:
            above = next((n for n in range(k, -1, -1) if 0 < self.new[n].level <= level), None)
            return self.end_of_all(k, level) if above is None else above - 1
        previous = [self.origin[j] for j in range(start - 1, -1, -1) if j in self.origin]
        headings = [self.there[i] for i in previous if self.old[i].kind == "heading" and i in self.there]
        return self.end_of_all(headings[0] if headings and end < len(self.mine) else len(self.new) - 1, level)

    def end_of_all(self, k: int, level: int) -> int:
        """The last node after this one that is not under another heading of this level or above."""
        while k + 1 < len(self.new) and (self.is_rule(k + 1) or self.new[k + 1].level > level):
            k += 1
        return k

    def keep_headings(self) -> None:
        """Keep a heading the user deleted, as a conflict, while something is below it."""
        for k, node in enumerate(self.new):
            if node.kind == "heading" and self.settled[k] is None:
                deeper = k + 1
                while deeper < len(self.new) and (self.is_rule(deeper) or self.new[deeper].level > node.level):
                    deeper += 1
                inside = [at for at in range(k + 1, deeper) if self.settled[at] is not None or at in self.behind]
                if inside or k in self.behind:
                    self.settled[k] = Conflict(node.text, "", node.text)

    # The text.

    def puts(self) -> Iterator[_BodyItem]:
        yield from self.behind.get(-1, ())
        for k, node in enumerate(self.new):
            content = self.settled[k]
            if content is not None:
                before = self.new[k - 1].gap if k else self.lead
                yield _BodyItem(node.kind, content, before, node.gap, "theirs", k)
            yield from self.behind.get(k, ())

    def text(self) -> list[str | Conflict] | None:
        puts = list(self.puts())
        done: list[str | Conflict] = [self.lead]
        for one, other in pairwise(puts):
            done += [one.content, self.between(one, other)]
        done += [puts[-1].content, self.end(puts[-1])] if puts else []
        if not any(isinstance(piece, Conflict) for piece in done):
            body = "".join(piece for piece in done if isinstance(piece, str))
            if [(node.kind, node.text) for node in _nodes(body)[1]] != [(put.kind, put.content) for put in puts]:
                return None
        return done

    def end(self, last: _BodyItem) -> str:
        """The white space at the end of the new text."""
        gap = self.new[-1].gap if self.new else "\n"
        return gap if (last.side, last.place) == ("theirs", len(self.new) - 1) else gap[:1]

    def between(self, one: _BodyItem, other: _BodyItem) -> str:
        """The white space between two adjacent nodes: as where they were adjacent before."""
        if one.side == other.side and one.place + 1 == other.place:
            return (self.mine if one.side == "ours" else self.new)[one.place].gap
        if (one.kind, other.kind) != ("item", "item"):
            gaps = (one.after, other.before, "\n\n")
            return next(gap for gap in gaps if gap.count("\n") > 1)
        if one.side == other.side:  # what stood between them was taken out
            return max(one.after, other.before, key=len)
        return one.after if one.side == "ours" else other.before


def _words(text: str) -> Set[str]:
    """The words that tell what a rule is about: short ones are in any."""
    return set(re.findall(r"\w{4,}", text.lower()))


def _merged(base: str, ours: str, theirs: str) -> str | Conflict:
    """One rule edited by hand; its lines are merged if it has several."""
    merged = merge_lines(*(side.splitlines(keepends=True) for side in (base, ours, theirs)))
    return Conflict(base, ours, theirs) if merged is None else merged
