"""The headings and rules of a persona while variants are applied, as a list in which each change is fast.

It is linked both ways, so that each of thousands of changes takes the same time.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from agentpack.model.persona import Rule, Section


class _OutlineNode:
    """A rule or a heading, between the one before it and the one that follows."""

    __slots__ = ("following", "last", "part", "previous", "title")

    def __init__(self, part: Any, previous: "_OutlineNode | None", title: "_OutlineNode | None") -> None:
        self.part = part
        """A Rule, or a Section without its rules: both have an id and a gap."""
        self.previous = previous
        self.title = title or self
        """The heading it stands below; a heading stands below itself."""
        self.last = self
        """Of a heading: the last rule of its section, or the heading where it has none."""
        self.following: _OutlineNode | None = None


class Outline:
    """Sections that change in place. The first one is the text before all headings, and always stays."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._headings: dict[str | None, _OutlineNode] = {}
        self._rules: dict[str | None, _OutlineNode] = {}
        self._without_id: dict[str, _OutlineNode] = {}
        """The first of the headings without an id that read alike, by their text."""
        self._end: _OutlineNode | None = None
        for section in sections:
            title = self._link(section._replace(rules=()), self._end, None)
            for rule in section.rules:
                self._link(rule, title.last, title)
            if section is sections[0]:
                self._start = title

    def sections(self) -> tuple[Section, ...]:
        """The sections as they are now."""
        return tuple(
            title.part._replace(rules=tuple(node.part for node in self._rules_of(title)))
            for title in self._titles(self._start)
        )

    def has_section(self, id: str | None) -> bool:
        return id in self._headings

    def lay_section(self, new: Section) -> _OutlineNode:
        """Change the section with this id, or add it where it asks to go, else at the end; its rules are not laid.
        A local variant's heading without an id stands for the section without an id that has this heading.

        Returns:
            Its heading, to which `lay_rule` adds.
        """
        if new.level == 0:
            return self._start
        is_local = new.origin is not None and new.origin.kind == "local"
        title = self._headings.get(new.id) if new.id else self._without_id.get(new.heading) if is_local else None
        if title is None:
            return self._add_section(new)
        old = title.part
        if new.heading != old.heading:
            old = old._replace(heading=new.heading, level=new.level, origin=new.origin)
        title.part = old if new.when is None else old._replace(when=new.when)
        if new.replace:
            for node in list(self._rules_of(title)):
                self._unlink(node)
        return title

    def lay_rule(self, home: _OutlineNode, rule: Rule, beside: str | None) -> bool:
        """Replace the rule of the same id where it stands, or put the new one where it asks to go, else at the end of
        the section.

        Args:
            beside: the id of the rule or heading that it comes after, or before where `rule.before` says so.

        Returns:
            Whether it is new.
        """
        laid = rule._replace(after=None, before=None)
        found = self._rules.get(rule.id) if rule.id else None
        if found is not None:
            found.part = laid._replace(gap=found.part.gap)
            return False
        anchor = (self._rules.get(beside) or self._headings.get(beside)) if beside is not None else None
        if anchor is None:  # what it was to stand beside is gone: where no section is its home, at the end
            at = self._end if beside is not None and home is self._start else home.last
        else:
            at = anchor if rule.after is not None else anchor.previous
        self._insert(at or self._start, laid)
        return True

    def remove(self, id: str) -> None:
        """Remove the rule, or the section with its subsections, that has this id. Blank lines between its neighbours
        stay.
        """
        title = self._headings.get(id)
        if title is not None:
            self._remove_section(title)
            return
        node = self._rules.get(id)
        if node is not None:
            self._unlink(node)
            # before the first heading there is nothing above the first rule to be set apart from
            if node.previous is not self._start:
                _widen(node.previous, node.part.gap)

    def _link(self, part: Section | Rule, previous: _OutlineNode | None, title: _OutlineNode | None) -> _OutlineNode:
        node = _OutlineNode(part, previous, title)
        if previous is not None:
            node.following, previous.following = previous.following, node
        if node.following is None:
            self._end = node
        else:
            node.following.previous = node
        if title is not None and title.last is previous:
            title.last = node
        if part.id is not None:
            (self._headings if title is None else self._rules).setdefault(part.id, node)
        elif title is None and isinstance(part, Section):
            self._without_id.setdefault(part.heading, node)
        return node

    def _unlink(self, node: _OutlineNode) -> None:
        above, below = node.previous, node.following
        if above is not None:
            above.following = below
        if below is None:
            self._end = above
        else:
            below.previous = above
        if node.title.last is node and above is not None:
            node.title.last = above
        known = self._headings if node.title is node else self._rules
        if known.get(node.part.id) is node:
            del known[node.part.id]
        if node.title is node and self._without_id.get(node.part.heading) is node:
            del self._without_id[node.part.heading]

    def _titles(self, first: _OutlineNode | None) -> Iterator[_OutlineNode]:
        """The headings from this one on."""
        while first is not None:
            yield first
            first = first.last.following

    def _rules_of(self, title: _OutlineNode) -> Iterator[_OutlineNode]:
        node = title
        while node is not title.last and node.following is not None:
            node = node.following
            yield node

    def _below(self, title: _OutlineNode) -> list[_OutlineNode]:
        """The heading and the deeper ones below it."""
        found = [title]
        for other in self._titles(title.last.following):
            if other.part.level <= title.part.level:
                break
            found.append(other)
        return found

    def _add_section(self, new: Section) -> _OutlineNode:
        at = self._headings.get(new.after or new.before) if new.after or new.before else None
        if at is not None and new.after:
            previous: _OutlineNode | None = self._below(at)[-1].last
        else:
            previous = self._end if at is None else at.previous
        fresh = new._replace(rules=(), gap="\n\n", after=None, before=None, hollow=not new.rules)
        title = self._link(fresh, previous, None)
        if previous is not self._start:
            _end_with_blank_line(previous)
        return title

    def _remove_section(self, title: _OutlineNode) -> None:
        gone = self._below(title)
        gap = gone[-1].last.part.gap
        for heading in gone:
            for node in list(self._rules_of(heading)):
                self._unlink(node)
            self._unlink(heading)
        _widen(title.previous, gap)

    def _insert(self, at: _OutlineNode, rule: Rule) -> None:
        """Put the rule behind this node, and the line ends before and after it as they are around it."""
        following = None if at.title.last is at or at.following is None else at.following.part
        gap = "\n\n" if at is at.title else at.part.gap if "\n" in at.part.gap else "\n"
        if following is not None:
            gap = self._between(rule, following, at.title)
        if at is not at.title:
            at.part = at.part._replace(gap=self._between(at.part, rule, at.title))
        elif at is not self._start:
            _end_with_blank_line(at)
        self._link(rule._replace(gap=gap), at, at.title)

    def _between(self, first: Rule, second: Rule, title: _OutlineNode) -> str:
        """What stands between two rules: list items follow each other as the first two items below the heading that
        do, all else after a blank line.
        """
        if first.kind != "item" or second.kind != "item":
            return "\n\n"
        for one, two in pairwise(self._rules_of(title)):
            if one.part.kind == two.part.kind == "item":
                return str(one.part.gap)
        return "\n"


def _end_with_blank_line(node: _OutlineNode | None) -> None:
    if node is not None and node.part.gap.count("\n") < 2:
        node.part = node.part._replace(gap="\n\n")


def _widen(node: _OutlineNode | None, gap: str) -> None:
    if node is not None:
        node.part = node.part._replace(gap=longer(node.part.gap, gap))


def longer(one: str, other: str) -> str:
    """The gap with more line ends; the first where both have as many."""
    return one if one.count("\n") >= other.count("\n") else other
